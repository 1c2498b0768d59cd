//! Plans for every vulnerable package of a Python project, least risky first.

use std::collections::{BTreeMap, BTreeSet};

use backstitch_model::candidate::{Applicability, Move, Origin, Strategy, Upgrade};
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
            for (strategy, rules) in strategies(&rules) {
                let search = Search {
                    locked: self.locked,
                    rules: &rules,
                };
                for moved in search.run(goal, SOLUTIONS_MAX) {
                    let candidate = self.candidate(strategy, &moved);
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

    fn candidate(&self, strategy: Strategy, moved: &Moved) -> Option<Candidate> {
        let edited = edit::write(self.locked, moved)?;
        Some(Candidate {
            settles: self.settled(moved),
            change: Change::Upgrade(Upgrade {
                lockfile: self.planner.project.lockfile.clone(),
                strategy,
                moves: self.moves(moved),
                edits: edited.edits,
                recipe: edited.steps,
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

/// What may be done, least risky first, within what the policy allows.
pub(super) fn strategies(rules: &Rules) -> Vec<(Strategy, Rules)> {
    let compatible = rules.bump_max.min(Bump::Compatible);
    let with = |strategy, bump_max, parents, own| {
        let rules = Rules {
            bump_max,
            parents,
            own,
            ..rules.clone()
        };
        (strategy, rules)
    };
    let mut strategies = vec![
        with(Strategy::Lockfile, compatible, false, false),
        with(Strategy::Parent, compatible, true, false),
        with(Strategy::Requirement, compatible, true, true),
    ];
    if rules.bump_max == Bump::Breaking {
        strategies.push(with(Strategy::Breaking, Bump::Breaking, false, false));
        strategies.push(with(Strategy::Breaking, Bump::Breaking, true, true));
    }
    strategies
}

/// Does a solution take a step that the ecosystem calls breaking?
pub(super) fn is_breaking(locked: &Locked<'_>, moved: &Moved) -> bool {
    largest_step(locked, moved) == Bump::Breaking
}
