//! Plans for one package: gathers ways for each of its locked versions, least risky first,
//! and says what stands in the way where something is left.

use std::collections::BTreeSet;

use backstitch_model::candidate::{Applicability, Origin, Strategy, Upgrade};
use backstitch_model::finding::VulnerableDependency;
use backstitch_model::project::Node;
use backstitch_model::{Candidate, Change, Finding, FindingId, FindingKind};

use super::locked::Locked;
use super::rules::Rules;
use super::search::{Search, Way};
use super::{obstacle, recipe};
use crate::plan::{Plan, Planner};

/// How many locked versions of one package are planned for.
const NODES_MAX: usize = 16;

/// How many releases are offered for a package that moves alone.
const DIRECT_MAX: usize = 3;

/// How much is looked at for one package, in releases.
const EFFORT: usize = 60_000;

/// Plans for one package.
pub(super) struct PackagePlanner<'plan, 'given> {
    pub(super) planner: &'plan Planner<'given>,
    pub(super) locked: &'plan Locked<'given>,
    pub(super) name: &'plan str,
    /// The locked packages that the findings speak of.
    pub(super) nodes: Vec<Node>,
    findings: &'plan [Finding],
    about: Vec<FindingId>,
}

impl<'plan, 'given> PackagePlanner<'plan, 'given> {
    pub(super) fn new(
        planner: &'plan Planner<'given>,
        locked: &'plan Locked<'given>,
        findings: &'plan [Finding],
        name: &'plan str,
        about: &[&Finding],
    ) -> Self {
        let nodes: BTreeSet<Node> = about
            .iter()
            .flat_map(|finding| nodes_of(locked, dependency(finding)))
            .collect();
        Self {
            planner,
            locked,
            name,
            nodes: nodes.into_iter().take(NODES_MAX).collect(),
            findings,
            about: about.iter().map(|finding| finding.id.clone()).collect(),
        }
    }

    pub(super) fn plan(self) -> Plan {
        self.locked.catalogue.grant(EFFORT);
        let rules = Rules::of(self.planner);
        let mut ways: Vec<Way> = Vec::new();
        for way in self.ways(&rules) {
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
        ways.sort_by_key(|way| way.strategy(&self.nodes));
        let mut candidates: Vec<_> = ways.iter().filter_map(|way| self.candidate(way)).collect();
        candidates.truncate(self.planner.policy.attempts_max);
        self.locked.catalogue.grant(EFFORT);
        let settled: BTreeSet<_> = candidates.iter().flat_map(|one| &one.settles).collect();
        let left: Vec<Node> = self.left(&settled);
        let obstacle = (!left.is_empty()).then(|| obstacle::explain(&self, &left));
        Plan {
            package: self.name.to_owned(),
            findings: self.about,
            candidates,
            obstacle,
        }
    }

    fn search<'search>(
        &'search self,
        rules: &'search Rules,
        strategy_max: Strategy,
        left_max: usize,
    ) -> Search<'search, 'given> {
        Search {
            locked: self.locked,
            rules,
            strategy_max,
            left_max,
        }
    }

    /// The ways worth trying: first what moves every version that can move alone, then one
    /// for each version that needs more.
    fn ways(&self, rules: &Rules) -> Vec<Way> {
        let search = self.search(rules, Strategy::Lockfile, 0);
        let direct: Vec<Vec<Way>> = self
            .nodes
            .iter()
            .map(|&node| search.direct(node, DIRECT_MAX))
            .collect();
        let mut ways = Vec::new();
        for rank in 0..DIRECT_MAX {
            let of_rank = direct
                .iter()
                .filter_map(|ways| ways.get(rank).or(ways.last()));
            ways.extend(joined(of_rank));
        }
        for (&node, direct) in self.nodes.iter().zip(&direct) {
            if direct.is_empty() {
                ways.extend(self.harder(rules, node));
            }
        }
        ways
    }

    /// The ways for a package that cannot move alone.
    fn harder(&self, rules: &Rules, node: Node) -> Vec<Way> {
        let mut ways = Vec::new();
        for strategy in [Strategy::Parent, Strategy::Requirement] {
            if ways.is_empty() {
                ways.extend(self.search(rules, strategy, 0).through_holders(node));
            }
        }
        ways.extend(self.search(rules, Strategy::Override, 0).overriding(node));
        if ways.is_empty() {
            ways.extend(
                self.search(rules, Strategy::Breaking, 0)
                    .through_holders(node),
            );
            ways.extend(self.search(rules, Strategy::Breaking, 0).overriding(node));
        }
        if ways.is_empty() {
            ways.extend(self.least_left(rules, node));
        }
        ways
    }

    /// What clears some advisories of several, as many as can be.
    fn least_left(&self, rules: &Rules, node: Node) -> Option<Way> {
        let about = &self.locked.about(node).id;
        let present = self
            .locked
            .catalogue
            .vulnerabilities_at(&about.name, &about.version);
        (1..present.len()).find_map(|left_max| {
            let search = self.search(rules, Strategy::Requirement, left_max);
            let direct = search.direct(node, 1).pop();
            direct.or_else(|| search.through_holders(node))
        })
    }

    fn candidate(&self, way: &Way) -> Option<Candidate> {
        let settles = self.settled(way);
        if settles.is_empty() {
            return None;
        }
        let recipe = recipe::write(self.locked, way)?;
        Some(Candidate {
            settles,
            change: Change::Upgrade(Upgrade {
                lockfile: self.planner.project.lockfile.clone(),
                strategy: way.strategy(&self.nodes),
                moves: recipe.moves,
                edits: recipe.edits,
                recipe: recipe.steps,
                rewrites: Vec::new(),
            }),
            applicability: Applicability::Automatic,
            origin: Origin::Planner,
        })
    }

    /// The findings that are gone once a way is gone.
    fn settled(&self, way: &Way) -> Vec<FindingId> {
        let findings = self.findings.iter();
        findings
            .filter(|finding| finding.is_vulnerability() && self.is_gone(dependency(finding), way))
            .map(|finding| finding.id.clone())
            .collect()
    }

    fn is_gone(&self, dependency: &VulnerableDependency, way: &Way) -> bool {
        let nodes = nodes_of(self.locked, dependency);
        !nodes.is_empty()
            && nodes.iter().all(|node| {
                if way.left.contains(node) {
                    return true;
                }
                let Some(&index) = way.moves.get(node) else {
                    return false;
                };
                let package = self.locked.package(*node);
                let catalogue = &self.locked.catalogue;
                let left = catalogue.vulnerabilities(&package.name, &package.releases[index]);
                left.iter().all(|id| !dependency.ids.contains(id))
            })
    }

    /// The packages that some finding is left on.
    fn left(&self, settled: &BTreeSet<&FindingId>) -> Vec<Node> {
        let findings = self.findings.iter();
        let left: BTreeSet<Node> = findings
            .filter(|finding| self.about.contains(&finding.id) && !settled.contains(&finding.id))
            .flat_map(|finding| nodes_of(self.locked, dependency(finding)))
            .collect();
        left.into_iter().collect()
    }
}

/// All of the ways together; `None` where they disagree or there is none.
fn joined<'way>(ways: impl Iterator<Item = &'way Way>) -> Option<Way> {
    let mut all = Way::default();
    for way in ways {
        all.join(way.clone()).then_some(())?;
    }
    (all != Way::default()).then_some(all)
}

fn dependency(finding: &Finding) -> &VulnerableDependency {
    let FindingKind::VulnerableDependency(dependency) = &finding.kind;
    dependency
}

fn nodes_of(locked: &Locked<'_>, dependency: &VulnerableDependency) -> Vec<Node> {
    let named = locked.named(&dependency.package.name).iter().copied();
    named
        .filter(|&node| locked.about(node).id == dependency.package)
        .collect()
}
