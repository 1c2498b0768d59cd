//! The Rescan rung for a change from elsewhere: what the finders say of the untouched and of the
//! changed tree.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use backstitch_find::{self as find, Platform, Surroundings};
use backstitch_model::project::{DependencyGraph, Problem, Source};
use backstitch_model::{Check, CheckRun, Finding, Outcome, RelPath};

use crate::advisories::Advisories;
use crate::network::Network;
use crate::places::Places;
use crate::registries::Registries;
use crate::report::words;
use crate::source;
use crate::steps::Pairing;

/// What the finders say of one tree.
pub struct Scanned {
    /// Its lockfiles, as far as they can be read.
    pub discovery: find::Discovery,
    /// What is known to be wrong with what they lock.
    pub findings: Vec<Finding>,
    /// What could not be judged, each in a sentence.
    pub unclear: BTreeSet<String>,
}

/// Looks at a tree; runs nothing and asks no network.
pub fn scan(tree: &Path, advisories: &Advisories, places: &Places) -> Result<Scanned> {
    let discovery = find::projects(&source::open_dir(tree)?);
    let told = |problem: &Problem| format!("`{}`: {}", problem.path, problem.what);
    let mut unclear: BTreeSet<String> = discovery.problems.iter().map(told).collect();
    let releases = Registries::open(places.cache(), &Network::offline())?;
    let mut findings = Vec::new();
    for project in &discovery.projects {
        let has_manifests = !project.manifests.is_empty();
        let surroundings = Surroundings {
            releases: has_manifests.then(|| releases.of(project.format)),
            platform: Platform::host(),
        };
        let scan = find::findings(project, advisories.index(), surroundings)?;
        unclear.extend(project.problems.iter().chain(&scan.problems).map(told));
        findings.extend(scan.findings);
    }
    Ok(Scanned {
        discovery,
        findings,
        unclear,
    })
}

/// Both trees compared.
pub struct Rescanned {
    /// The untouched tree: red where the flaw is flagged.
    pub before: CheckRun,
    /// The changed one.
    pub after: CheckRun,
    /// What is stated or gone: what the change settles, or is said to.
    pub about: Vec<Finding>,
}

/// Compares both. `stated` are the ids, aliases and packages that the change is said to fix; where
/// there are none, whatever is gone counts.
pub fn compare(before: &Scanned, after: &Scanned, stated: &[String]) -> Rescanned {
    let pairing = Pairing::of(&before.findings, &after.findings);
    let is_stated = |finding: &&Finding| {
        stated
            .iter()
            .any(|name| words::dependency(finding).is_called(name))
    };
    let flaws = || {
        before
            .findings
            .iter()
            .filter(|finding| finding.is_vulnerability())
    };
    let about: Vec<&Finding> = if stated.is_empty() {
        flaws()
            .filter(|finding| pairing.gone.iter().any(|gone| gone.id == finding.id))
            .collect()
    } else {
        flaws().filter(is_stated).collect()
    };
    let flagged: Vec<String> = about
        .iter()
        .map(|finding| words::finding(finding))
        .collect();
    let still = about
        .iter()
        .filter(|finding| pairing.continues(&finding.id))
        .map(|finding| format!("{} is still there", words::finding(finding)));
    let new = pairing
        .new
        .iter()
        .filter(|finding| finding.is_vulnerability())
        .map(|finding| format!("{} is new", words::finding(finding)));
    let unclear = after.unclear.difference(&before.unclear).cloned();
    let unseen: Vec<String> = about
        .iter()
        .filter(|finding| is_elsewhere(finding, after))
        .map(|finding| {
            let name = &words::dependency(finding).package.name;
            format!("`{name}` no longer comes from the registry, so no scan can tell of it")
        })
        .collect();
    let wrong: Vec<String> = still.chain(new).chain(unclear).collect();
    let before_outcome = match (flagged.is_empty(), before.discovery.projects.is_empty()) {
        (false, _) => Outcome::Failed(flagged.join("; ")),
        (true, false) => Outcome::Passed,
        (true, true) => Outcome::NotRun(NOTHING_LOCKED.into()),
    };
    let after_outcome = if !wrong.is_empty() {
        Outcome::Failed(wrong.join("; "))
    } else if !unseen.is_empty() {
        Outcome::NotRun(unseen.join("; "))
    } else if after.discovery.projects.is_empty() && before.discovery.projects.is_empty() {
        Outcome::NotRun(NOTHING_LOCKED.into())
    } else {
        Outcome::Passed
    };
    Rescanned {
        before: CheckRun::instant(Check::Rescan, before_outcome),
        after: CheckRun::instant(Check::Rescan, after_outcome),
        about: about.into_iter().cloned().collect(),
    }
}

/// Is a finding's package locked from somewhere else than the public registry, which is the only
/// place that advisories speak of?
fn is_elsewhere(finding: &Finding, scanned: &Scanned) -> bool {
    let name = &words::dependency(finding).package.name;
    scanned.graph(&finding.location).is_some_and(|graph| {
        let mut nodes = graph.named(name);
        nodes.any(|node| graph.package(node).source != Source::PublicRegistry)
    })
}

/// The flaws of packages that a change settles, and what both trees lock.
pub struct Settled {
    /// The flaws, as the untouched tree has them.
    pub flaws: Vec<Finding>,
    /// What the finders say of the untouched tree.
    pub before: Scanned,
    /// What they say of the changed one.
    pub after: Scanned,
}

impl Scanned {
    /// What a lockfile locks; nothing where it cannot be read.
    pub fn graph(&self, lockfile: &RelPath) -> Option<&DependencyGraph> {
        let mut projects = self.discovery.projects.iter();
        let project = projects.find(|project| project.lockfile == *lockfile);
        project.map(|project| &project.graph)
    }
}

const NOTHING_LOCKED: &str = "no lockfile is here, so there is nothing that a scan could flag";
