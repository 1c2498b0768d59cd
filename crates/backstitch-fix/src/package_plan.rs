//! Plans for one package: searches way after way, least risky first, and says what
//! stands in the way where none settles everything.

use std::collections::BTreeSet;

use backstitch_model::candidate::{Applicability, Obstacle, Origin, Strategy, Upgrade};
use backstitch_model::project::Node;
use backstitch_model::{AdvisoryId, Candidate, Change, Finding, FindingId, FindingKind};
use semver::Version;

use crate::full_update::FullUpdate;
use crate::goal::Goal;
use crate::locked::Locked;
use crate::plan::{Plan, Planner};
use crate::recipe;
use crate::rules::Rules;
use crate::search::{Search, Solution};
use crate::settle::{nodes_of, settled};
use crate::version::{Class, class, rust_version};

/// How many locked versions of one package are planned for together.
const NODES_MAX: usize = 16;

/// How much is looked at for one package, in releases.
const EFFORT: usize = 30_000;

/// Plans for one package.
pub(crate) struct PackagePlanner<'plan, 'given> {
    pub(crate) planner: &'plan Planner<'given>,
    pub(crate) locked: &'plan Locked<'given>,
    full_update: &'plan FullUpdate,
    findings: &'plan [Finding],
    name: &'plan str,
    about: Vec<FindingId>,
    /// The locked packages that the findings speak of and that may be moved.
    nodes: Vec<Node>,
    /// Those that may not: not of the public registry.
    pub(crate) fixed: Vec<Node>,
    present: BTreeSet<AdvisoryId>,
}

impl<'plan, 'given> PackagePlanner<'plan, 'given> {
    pub(crate) fn new(
        planner: &'plan Planner<'given>,
        locked: &'plan Locked<'given>,
        full_update: &'plan FullUpdate,
        findings: &'plan [Finding],
        name: &'plan str,
        about: &[&Finding],
    ) -> Self {
        let mut nodes = BTreeSet::new();
        let mut present = BTreeSet::new();
        for finding in about {
            let FindingKind::VulnerableDependency(dependency) = &finding.kind;
            nodes.extend(nodes_of(locked, dependency));
            present.extend(dependency.ids.iter().cloned());
            let version = &dependency.package.version;
            present.extend(locked.catalogue.vulnerabilities_at(name, version));
        }
        let (nodes, fixed) = nodes.into_iter().partition(|&node| locked.is_movable(node));
        Self {
            planner,
            locked,
            full_update,
            findings,
            name,
            about: about.iter().map(|finding| finding.id.clone()).collect(),
            nodes,
            fixed,
            present,
        }
    }

    pub(crate) fn plan(self) -> Plan {
        let effort = &self.locked.catalogue.effort;
        effort.grant(EFFORT);
        let mut candidates = self.full_clears();
        candidates.extend(self.partial_clears(&candidates));
        candidates.sort_by_key(strategy);
        candidates.truncate(self.planner.policy.attempts_max);
        if candidates.len() < self.planner.policy.attempts_max {
            candidates.extend(self.everything(&candidates));
        }
        effort.grant(EFFORT);
        let obstacle = (!self.clears_all(&candidates)).then(|| self.obstacle());
        Plan {
            package: self.name.to_owned(),
            findings: self.about,
            candidates,
            obstacle,
        }
    }

    /// What everything that must become good is.
    pub(crate) fn goal(&self) -> Goal {
        Goal {
            name: self.name.to_owned(),
            nodes: self.nodes.iter().copied().take(NODES_MAX).collect(),
            present: self.present.clone(),
            left_max: 0,
        }
    }

    /// The rules in force: first with the compiler that the project promises to build
    /// with, then with the one at hand.
    pub(crate) fn rules(&self) -> Vec<Rules> {
        let policy = self.planner.policy;
        let at_hand = self.planner.rustc.and_then(rust_version);
        let with = |rust: Option<Version>| Rules {
            bump_max: policy.bump_max,
            published_by_s: Rules::published_by_s(self.planner.now_s, policy.release_age_min_days),
            rust,
            rust_preferred: self.preferred_rust(),
            leave_alone: policy.leave_alone.clone(),
        };
        let mut rules = vec![with(at_hand.clone())];
        if let Some(promised) = self.promised_rust()
            && at_hand.as_ref().is_none_or(|at_hand| promised < *at_hand)
        {
            rules.insert(0, with(Some(promised)));
        }
        rules
    }

    fn promised_rust(&self) -> Option<Version> {
        let manifests = self.planner.project.manifests.iter();
        manifests
            .filter_map(|manifest| rust_version(manifest.rust_version.as_deref()?))
            .min()
    }

    /// The compiler that Cargo prefers releases for.
    fn preferred_rust(&self) -> Option<Version> {
        self.promised_rust()
            .or_else(|| self.planner.rustc.and_then(rust_version))
    }

    fn full_clears(&self) -> Vec<Candidate> {
        let goal = self.goal();
        if goal.nodes.is_empty() {
            return Vec::new();
        }
        let found = self.rules().iter().find_map(|rules| {
            let solutions = self.ways(rules, &goal);
            (!solutions.is_empty()).then_some(solutions)
        });
        let solutions = found.unwrap_or_default();
        solutions
            .iter()
            .map(|found| self.candidate(found))
            .collect()
    }

    /// The solutions worth trying for one goal.
    fn ways(&self, rules: &Rules, goal: &Goal) -> Vec<Solution> {
        let mut ends = BTreeSet::new();
        let search = |strategy| Search::new(self.locked, rules, goal, strategy);
        let mut solutions =
            search(Strategy::Lockfile).run(2, |solution| ends.insert(self.end(goal, solution)));
        let is_direct = !solutions.is_empty();
        solutions.extend(search(Strategy::Parent).run(1, |solution| {
            // Where the package itself can be moved, moving a parent too must gain something.
            let frees = || {
                let mut nodes = goal.nodes.iter();
                nodes.all(|node| !solution.outcome.live.contains(node))
            };
            solution.strategy == Strategy::Parent
                && (!is_direct || frees())
                && ends.insert(self.end(goal, solution))
        }));
        for strategy in [Strategy::Requirement, Strategy::Breaking] {
            if solutions.is_empty() {
                solutions =
                    search(strategy).run(2, |solution| ends.insert(self.end(goal, solution)));
            }
        }
        solutions
    }

    /// What becomes of the goal's packages: solutions that end alike, but for a patch
    /// release, are one.
    fn end(&self, goal: &Goal, solution: &Solution) -> Vec<Option<(Class, u64, u64)>> {
        let nodes = goal.nodes.iter();
        let mut end: Vec<_> = nodes
            .map(|&node| {
                let stays = solution.outcome.live.contains(&node);
                let version = solution.state.version(self.locked, node)?;
                stays.then_some((class(&version), version.major, version.minor))
            })
            .collect();
        let added = solution.outcome.added.iter();
        end.extend(added.filter(|((name, _), _)| goal.is_about(name)).map(
            |((_, class), added)| {
                let version = &added.release().version;
                Some((*class, version.major, version.minor))
            },
        ));
        end
    }

    /// What clears a part, where nothing short of a breaking upgrade clears all: one locked
    /// version of several, or some advisories of several; as much as can be.
    fn partial_clears(&self, full: &[Candidate]) -> Vec<Candidate> {
        if full.iter().any(|full| strategy(full) < Strategy::Breaking) {
            return Vec::new();
        }
        let all = self.goal();
        let mut candidates = Vec::new();
        if all.nodes.len() > 1 {
            for &node in &all.nodes {
                let goal = Goal {
                    nodes: vec![node],
                    ..all.clone()
                };
                candidates.extend(self.least_left(&goal));
            }
        } else if !all.nodes.is_empty() {
            candidates.extend(self.least_left(&all));
        }
        candidates
    }

    fn least_left(&self, goal: &Goal) -> Option<Candidate> {
        for left_max in 0..goal.present.len() {
            let goal = Goal {
                left_max,
                ..goal.clone()
            };
            for rules in self.rules() {
                let search = Search::new(self.locked, &rules, &goal, Strategy::Requirement);
                let mut found = search.run(1, |solution| {
                    !settled(self.locked, self.findings, solution).is_empty()
                });
                if let Some(solution) = found.pop() {
                    return Some(self.candidate(&solution));
                }
            }
        }
        None
    }

    fn candidate(&self, solution: &Solution) -> Candidate {
        let recipe = recipe::write(self.locked, self.preferred_rust().as_ref(), solution);
        Candidate {
            settles: settled(self.locked, self.findings, solution),
            change: Change::Upgrade(Upgrade {
                lockfile: self.planner.project.lockfile.clone(),
                strategy: solution.strategy,
                moves: recipe.moves,
                edits: recipe.edits,
                recipe: recipe.steps,
                rewrites: Vec::new(),
            }),
            applicability: Applicability::Automatic,
            origin: Origin::Planner,
        }
    }

    /// The full update, where it is foreseen to settle something of this package and no
    /// other candidate does the same.
    fn everything(&self, others: &[Candidate]) -> Option<Candidate> {
        let rules = self.rules().pop()?;
        let foreseen =
            self.full_update
                .foresee(self.locked, &rules, self.preferred_rust().as_ref())?;
        let settles = foreseen.settled(self.findings);
        let ours = || self.about.iter().filter(|id| settles.contains(id));
        let known = others.iter().any(|other| {
            let Change::Upgrade(upgrade) = &other.change;
            upgrade.moves.len() >= foreseen.moves.len()
        });
        if ours().next().is_none() || known {
            return None;
        }
        Some(Candidate {
            settles,
            change: Change::Upgrade(Upgrade {
                lockfile: self.planner.project.lockfile.clone(),
                strategy: Strategy::Everything,
                moves: foreseen.moves.clone(),
                edits: Vec::new(),
                recipe: foreseen.steps.clone(),
                rewrites: Vec::new(),
            }),
            applicability: Applicability::Automatic,
            origin: Origin::Planner,
        })
    }

    fn clears_all(&self, candidates: &[Candidate]) -> bool {
        candidates
            .iter()
            .any(|candidate| self.about.iter().all(|id| candidate.settles.contains(id)))
    }

    fn obstacle(&self) -> Obstacle {
        crate::obstacle::explain(self)
    }
}

fn strategy(candidate: &Candidate) -> Strategy {
    let Change::Upgrade(upgrade) = &candidate.change;
    upgrade.strategy
}
