//! Plans for every vulnerable package of a Python project, least risky first.

use std::collections::{BTreeMap, BTreeSet};

use backstitch_model::candidate::{Applicability, Move, Origin, Step, Strategy, Upgrade};
use backstitch_model::finding::VulnerableDependency;
use backstitch_model::policy::Bump;
use backstitch_model::project::Node;
use backstitch_model::{Candidate, Change, Finding, FindingId, FindingKind};
use pep440_rs::Version;

use super::catalogue::{Catalogue, plain};
use super::edit;
use super::locked::Locked;
use super::obstacle;
use super::rules::Rules;
use super::search::{Goal, Moved, Search, largest_step};
use super::version::bump;
use crate::plan::{Plan, Planner};

/// How many locked versions of one package are planned for together.
const NODES_MAX: usize = 8;

/// How much is looked at for one package, in states.
const EFFORT: usize = 2_000;

/// How many solutions of one strategy are worth trying.
const SOLUTIONS_MAX: usize = 2;

/// Plans for every vulnerable package among `findings`, in the order of their names.
pub(crate) fn plan(planner: &Planner<'_>, findings: &[Finding]) -> Vec<Plan> {
    let mut packages = BTreeMap::<String, Vec<&Finding>>::new();
    for finding in findings.iter().filter(|finding| finding.is_vulnerability()) {
        let name = plain(&dependency(finding).package.name);
        packages.entry(name).or_default().push(finding);
    }
    let catalogue = Catalogue::new(planner.releases, planner.vulnerabilities);
    let locked = Locked::new(planner.project, catalogue);
    packages
        .into_values()
        .map(|about| PackagePlanner::new(planner, &locked, findings, &about).plan())
        .collect()
}

pub(super) fn dependency(finding: &Finding) -> &VulnerableDependency {
    let FindingKind::VulnerableDependency(dependency) = &finding.kind;
    dependency
}

/// Plans for one package.
pub(super) struct PackagePlanner<'plan, 'given> {
    pub(super) planner: &'plan Planner<'given>,
    pub(super) locked: &'plan Locked<'given>,
    findings: &'plan [Finding],
    /// As the lockfile writes it.
    pub(super) name: String,
    about: Vec<FindingId>,
    pub(super) goal: Goal,
    /// Locked packages that the findings speak of and that are not moved.
    pub(super) fixed: Vec<Node>,
}

impl<'plan, 'given> PackagePlanner<'plan, 'given> {
    fn new(
        planner: &'plan Planner<'given>,
        locked: &'plan Locked<'given>,
        findings: &'plan [Finding],
        about: &[&Finding],
    ) -> Self {
        let mut nodes = BTreeSet::new();
        let mut present = BTreeSet::new();
        for finding in about {
            let dependency = dependency(finding);
            let package = &dependency.package;
            nodes.extend(nodes_of(locked, dependency));
            present.extend(dependency.ids.iter().cloned());
            present.extend(
                locked
                    .catalogue
                    .vulnerabilities(&package.name, &package.version),
            );
        }
        let (movable, fixed): (Vec<_>, Vec<_>) =
            nodes.into_iter().partition(|&node| locked.is_movable(node));
        Self {
            planner,
            locked,
            findings,
            name: about
                .first()
                .map(|finding| dependency(finding).package.name.clone())
                .unwrap_or_default(),
            about: about.iter().map(|finding| finding.id.clone()).collect(),
            goal: Goal {
                nodes: movable.into_iter().take(NODES_MAX).collect(),
                present,
                left_max: 0,
            },
            fixed,
        }
    }

    fn plan(self) -> Plan {
        self.locked.catalogue.grant(EFFORT);
        let mut candidates = self.candidates(&self.goal);
        for left_max in 1..self.goal.present.len() {
            if !candidates.is_empty() {
                break;
            }
            let goal = Goal {
                left_max,
                ..self.goal.clone()
            };
            candidates = self.candidates(&goal);
        }
        candidates.truncate(self.planner.policy.attempts_max);
        let clears = |candidate: &Candidate| {
            let mut about = self.about.iter();
            about.all(|id| candidate.settles.contains(id))
        };
        self.locked.catalogue.grant(EFFORT);
        let obstacle = (!candidates.iter().any(clears)).then(|| obstacle::explain(&self));
        Plan {
            package: self.name,
            findings: self.about,
            candidates,
            obstacle,
        }
    }

    fn candidates(&self, goal: &Goal) -> Vec<Candidate> {
        let mut candidates: Vec<Candidate> = Vec::new();
        for rules in self.rules() {
            for (strategy, rules) in strategies(&rules, self.has_tool()) {
                // What brings new packages is for where nothing else would do.
                if rules.arrivals && !candidates.is_empty() {
                    continue;
                }
                let search = Search {
                    locked: self.locked,
                    rules: &rules,
                };
                for moved in search.run(goal, SOLUTIONS_MAX) {
                    let candidate = self.candidate(strategy, &rules, &moved);
                    let is_new = |candidate: &Candidate| {
                        candidates
                            .iter()
                            .all(|known| known.change != candidate.change)
                    };
                    let is_useful = |candidate: &Candidate| !candidate.settles.is_empty();
                    candidates.extend(candidate.filter(is_new).filter(is_useful));
                }
                if !candidates.is_empty() {
                    return candidates;
                }
            }
        }
        candidates
    }

    /// The rules in force: first with the Python that the project promises to run with, then
    /// with the one at hand.
    pub(super) fn rules(&self) -> Vec<Rules> {
        let policy = self.planner.policy;
        let at_hand: Option<Version> = self.planner.rustc.and_then(|python| python.parse().ok());
        let with = |python: Option<Version>| Rules {
            bump_max: policy.bump_max,
            published_by_s: Rules::published_by_s(self.planner.now_s, policy.release_age_min_days),
            python,
            leave_alone: policy.leave_alone.iter().map(|name| plain(name)).collect(),
            parents: false,
            own: false,
            arrivals: false,
        };
        let mut rules = vec![with(at_hand.clone())];
        if let Some(promised) = self.promised_python()
            && at_hand.as_ref().is_none_or(|at_hand| promised < *at_hand)
        {
            rules.insert(0, with(Some(promised)));
        }
        rules
    }

    fn promised_python(&self) -> Option<Version> {
        use backstitch_model::python::{least, stated};
        let manifests = self.planner.project.manifests.iter();
        let least = manifests
            .filter_map(|manifest| stated(manifest.path.file_name(), &manifest.text))
            .filter_map(|range| least(&range)?.parse::<Version>().ok());
        least.max()
    }

    /// Is the lockfile one that a tool wrote, which can write it again?
    fn has_tool(&self) -> bool {
        self.planner.project.format.has_tool_that_relocks()
    }

    /// A lockfile's own tool is asked for each move; what the lockfile then says is written beside
    /// that, for where the tool is not there. Some lockfiles only the tool can write.
    fn candidate(&self, strategy: Strategy, rules: &Rules, moved: &Moved) -> Option<Candidate> {
        let whole = || edit::write(self.locked, moved);
        let edited = match (rules.arrivals, self.has_tool()) {
            (true, _) => edit::write_manifests(self.locked, moved)?,
            (false, true) => whole().or_else(|| edit::write_manifests(self.locked, moved))?,
            (false, false) => whole()?,
        };
        let steps = self.moves(moved);
        let asked = steps.iter().filter(|_| self.has_tool());
        let asked = asked.map(|one| Step::UpdatePackage {
            package: one.package.clone(),
            to: Some(one.to.clone()),
        });
        let recipe = edited.steps.into_iter().chain(asked).collect();
        Some(Candidate {
            settles: self.settled(moved),
            change: Change::Upgrade(Upgrade {
                lockfile: self.planner.project.lockfile.clone(),
                strategy,
                moves: steps,
                edits: edited.edits,
                recipe,
                rewrites: Vec::new(),
            }),
            applicability: Applicability::Automatic,
            origin: Origin::Planner,
        })
    }

    /// The vulnerable package last: the others free it.
    fn moves(&self, moved: &Moved) -> Vec<Move> {
        let mut steps: Vec<_> = moved.iter().collect();
        steps.sort_by_key(|(node, _)| (self.goal.nodes.contains(node), **node));
        steps
            .into_iter()
            .filter_map(|(&node, to)| {
                Some(Move {
                    package: self.locked.project.graph.package(node).id.clone(),
                    to: to.release().version.clone(),
                    bump: bump(self.locked.version(node)?, &to.version),
                })
            })
            .collect()
    }

    /// The findings that are gone once everything has moved.
    fn settled(&self, moved: &Moved) -> Vec<FindingId> {
        let is_gone = |finding: &&Finding| {
            let dependency = dependency(finding);
            let nodes = nodes_of(self.locked, dependency);
            let is_free = |node: &Node| {
                moved.get(node).is_some_and(|to| {
                    let version = &to.release().version;
                    let name = &dependency.package.name;
                    let left = self.locked.catalogue.vulnerabilities(name, version);
                    left.iter().all(|id| !dependency.ids.contains(id))
                })
            };
            finding.is_vulnerability() && !nodes.is_empty() && nodes.iter().all(is_free)
        };
        let settled = self.findings.iter().filter(is_gone);
        settled.map(|finding| finding.id.clone()).collect()
    }
}

fn nodes_of(locked: &Locked<'_>, dependency: &VulnerableDependency) -> Vec<Node> {
    let named = locked.named(&dependency.package.name).iter().copied();
    named
        .filter(|&node| locked.project.graph.package(node).id == dependency.package)
        .collect()
}

/// What may be done, least risky first, within what the policy allows; each kind of step once more
/// with new packages, where a tool can lock them.
pub(super) fn strategies(rules: &Rules, has_tool: bool) -> Vec<(Strategy, Rules)> {
    let compatible = rules.bump_max.min(Bump::Compatible);
    let with = |strategy, bump_max, parents, own, arrivals| {
        let rules = Rules {
            bump_max,
            parents,
            own,
            arrivals,
            ..rules.clone()
        };
        (strategy, rules)
    };
    let arrivals: &[bool] = if has_tool { &[false, true] } else { &[false] };
    let mut strategies = Vec::new();
    for &new in arrivals {
        strategies.push(with(Strategy::Lockfile, compatible, false, false, new));
        strategies.push(with(Strategy::Parent, compatible, true, false, new));
        strategies.push(with(Strategy::Requirement, compatible, true, true, new));
    }
    for &new in arrivals.iter().filter(|_| rules.bump_max == Bump::Breaking) {
        let step = Bump::Breaking;
        strategies.push(with(Strategy::Breaking, step, false, false, new));
        strategies.push(with(Strategy::Breaking, step, true, true, new));
    }
    strategies
}

/// Does a solution take a step that the ecosystem calls breaking?
pub(super) fn is_breaking(locked: &Locked<'_>, moved: &Moved) -> bool {
    largest_step(locked, moved) == Bump::Breaking
}
