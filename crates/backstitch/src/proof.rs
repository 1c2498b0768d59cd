//! What reproducers of a package's flaw come to: red on the untouched tree, green on the changed
//! one, or whatever else they saw. Runs nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use backstitch_model::package::PackageVersion;
use backstitch_model::project::{DependencyGraph, Source};
use backstitch_model::reproducer::{Sight, Sighting, judge_variants};
use backstitch_model::{Check, CheckRun, Finding, Outcome};
use backstitch_verify::workbench::Reproduction;

use crate::report::words;
use crate::reproducers::Entry;
use crate::steps::Logs;
use crate::wire;

/// Against how many releases of one package a reproducer is run in a changed tree.
pub const VERSIONS_MAX: usize = 4;

/// A reproducer that ran on the untouched tree.
#[derive(Debug, Clone)]
pub struct Reproduced {
    /// It, and whose it is.
    pub entry: Entry,
    /// What it saw there.
    pub before: Seen,
}

/// What a reproducer saw in one tree.
#[derive(Debug, Clone)]
pub struct Seen {
    listed: Vec<Sighting>,
    variants: Vec<Sighting>,
    elapsed: Duration,
    notes: Vec<String>,
    log: Option<String>,
}

impl Reproduced {
    /// What it came to there: failed where it shows the flaw.
    pub fn outcome(&self) -> Outcome {
        self.entry.reproducer.judge_before(&self.before.listed)
    }

    /// Did it show the flaw?
    pub fn was_red(&self) -> bool {
        matches!(self.outcome(), Outcome::Failed(_))
    }
}

impl Seen {
    /// Did every run tell whether the flaw is there?
    pub fn could_tell(&self) -> bool {
        let mut all = self.listed.iter().chain(&self.variants);
        all.all(|sighting| !matches!(sighting.sight, Sight::Inconclusive(_)))
    }
}

impl From<&wire::Reproduction> for Seen {
    fn from(reproduction: &wire::Reproduction) -> Self {
        let sightings = |all: &[wire::Sighting]| all.iter().map(Sighting::from).collect();
        Self {
            listed: sightings(&reproduction.listed),
            variants: sightings(&reproduction.variants),
            elapsed: Duration::from_millis(reproduction.elapsed_ms),
            notes: reproduction.notes.clone(),
            log: reproduction.log.clone(),
        }
    }
}

/// What a reproducer saw against one release, as it is written down; its log goes where it
/// outlives the tree.
pub fn written(
    found: Reproduction,
    entry: &Entry,
    package: &PackageVersion,
    logs: &Logs,
) -> Result<wire::Reproduction> {
    let name = &entry.reproducer.name;
    let log = match &found.log {
        Some(log) => Some(logs.keep_one(log, &format!("{name}-{}.log", package.version))?),
        None => None,
    };
    let mut notes = found.notes;
    notes.insert(0, format!("reproducer `{name}` ({})", entry.origin.words()));
    Ok(wire::Reproduction {
        reproducer: name.clone(),
        listed: found.listed.iter().map(wire::Sighting::from).collect(),
        variants: found.variants.iter().map(wire::Sighting::from).collect(),
        elapsed_ms: u64::try_from(found.elapsed.as_millis()).unwrap_or(u64::MAX),
        notes,
        log,
    })
}

/// The releases of a finding's package that the changed tree has instead: those that came, or
/// where none did, those that stayed. Not those that have a finding of the same flaw; `findings`
/// are the changed tree's. None, where one of them does not come from the public registry: what
/// would be run is not what the project has.
pub fn packages_now(
    finding: &Finding,
    before: &DependencyGraph,
    after: &DependencyGraph,
    findings: &[Finding],
) -> Vec<PackageVersion> {
    let dependency = words::dependency(finding);
    let still = |version: &str| {
        findings.iter().any(|other| {
            let other = words::dependency(other);
            other.package.name == dependency.package.name
                && other.package.version == version
                && other.ids.iter().any(|id| dependency.ids.contains(id))
        })
    };
    let mut others = after.named(&dependency.package.name);
    if others.any(|node| after.package(node).source != Source::PublicRegistry) {
        return Vec::new();
    }
    let named = |graph: &DependencyGraph| -> BTreeSet<PackageVersion> {
        let nodes = graph.named(&dependency.package.name);
        nodes.map(|node| graph.package(node).id.clone()).collect()
    };
    let mut packages = named(after);
    packages.retain(|package| !still(&package.version));
    let known = named(before);
    let come: Vec<_> = packages.difference(&known).cloned().collect();
    if come.is_empty() {
        packages.into_iter().collect()
    } else {
        come
    }
}

/// What all reproducers of a finding come to on the untouched tree.
pub fn before(reproduced: &[Reproduced]) -> CheckRun {
    let runs = reproduced
        .iter()
        .map(|reproduced| check_run(Check::Reproduce, reproduced.outcome(), &reproduced.before));
    // One that is red shows the flaw, whatever the others could not tell.
    CheckRun::together(Check::Reproduce, runs.collect())
}

/// What they come to on the changed one: Reproduce and Re-attack.
pub fn after(
    finding: &Finding,
    reproduced: &[Reproduced],
    packages: &[PackageVersion],
    after: &[(&Reproduced, Seen)],
) -> Vec<CheckRun> {
    let not_run = |why: String| {
        let run = |check| CheckRun::instant(check, Outcome::NotRun(why.clone()));
        vec![run(Check::Reproduce), run(Check::ReAttack)]
    };
    if !reproduced.iter().any(Reproduced::was_red) {
        return not_run("the reproducer was not red before, so it proves nothing".into());
    }
    if packages.len() > VERSIONS_MAX {
        let (name, count) = (&words::dependency(finding).package.name, packages.len());
        return not_run(format!(
            "there are {count} releases of `{name}` now, and at most {VERSIONS_MAX} are looked at"
        ));
    }
    if packages.is_empty() {
        let name = &words::dependency(finding).package.name;
        return not_run(format!(
            "`{name}` is no longer there to be looked at, as a release of the registry"
        ));
    }
    let reproduce = after.iter().map(|(reproduced, seen)| {
        let outcome = reproduced.entry.reproducer.judge_after(&seen.listed);
        check_run(Check::Reproduce, outcome, seen)
    });
    let variants = after.iter().map(|(reproduced, seen)| {
        let outcome = if reproduced.entry.reproducer.inputs.is_empty() {
            Outcome::NotRun("the reproducer has no input to vary".into())
        } else {
            judge_variants(&reproduced.before.variants, &seen.variants)
        };
        CheckRun::instant(Check::ReAttack, outcome)
    });
    vec![
        CheckRun::together(Check::Reproduce, reproduce.collect()),
        CheckRun::together(Check::ReAttack, variants.collect()),
    ]
}

fn check_run(check: Check, outcome: Outcome, seen: &Seen) -> CheckRun {
    CheckRun {
        elapsed: seen.elapsed,
        notes: seen.notes.clone(),
        log: seen.log.clone(),
        ..CheckRun::instant(check, outcome)
    }
}

/// What a reproducer came to on the untouched tree: red or green, in words.
pub fn colour(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Failed(_) => "red, the flaw is there".into(),
        Outcome::Passed => "not red, so it proves nothing".into(),
        Outcome::TimedOut => "timed out".into(),
        Outcome::Differs(why) | Outcome::NotRun(why) => why.clone(),
    }
}
