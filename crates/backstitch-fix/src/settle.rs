//! Owns which findings a solution settles. Looks at what the lockfile would hold, never
//! at how it got there.

use std::collections::BTreeSet;

use backstitch_model::finding::VulnerableDependency;
use backstitch_model::project::Node;
use backstitch_model::{AdvisoryId, Finding, FindingId, FindingKind};

use crate::locked::Locked;
use crate::search::Solution;

/// The findings that are gone once `solution` is carried out.
pub(crate) fn settled(
    locked: &Locked<'_>,
    findings: &[Finding],
    solution: &Solution,
) -> Vec<FindingId> {
    let is_settled = |finding: &&Finding| {
        let FindingKind::VulnerableDependency(dependency) = &finding.kind;
        finding.is_vulnerability() && is_gone(locked, dependency, solution)
    };
    let settled = findings.iter().filter(is_settled);
    settled.map(|finding| finding.id.clone()).collect()
}

fn is_gone(locked: &Locked<'_>, dependency: &VulnerableDependency, solution: &Solution) -> bool {
    let nodes = nodes_of(locked, dependency);
    let ids: BTreeSet<&AdvisoryId> = dependency.ids.iter().collect();
    let name = &dependency.package.name;
    !nodes.is_empty()
        && nodes.iter().all(|node| {
            if !solution.outcome.live.contains(node) {
                return true;
            }
            let Some(&index) = solution.state.moved.get(node) else {
                return false;
            };
            let package = locked.package(*node);
            let left = locked
                .catalogue
                .vulnerabilities(name, &package.releases[index]);
            left.iter().all(|id| !ids.contains(id))
        })
}

/// The locked packages that a finding speaks of.
pub(crate) fn nodes_of(locked: &Locked<'_>, dependency: &VulnerableDependency) -> Vec<Node> {
    locked
        .named(&dependency.package.name)
        .iter()
        .copied()
        .filter(|&node| locked.project.graph.package(node).id == dependency.package)
        .collect()
}
