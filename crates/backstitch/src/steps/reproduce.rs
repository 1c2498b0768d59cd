//! Reproduce and Re-attack: is the flaw there before a change, gone after it, and gone for
//! variants of the input too? Each finding has its own answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use backstitch_model::evidence::{Evidence, Phase};
use backstitch_model::package::PackageVersion;
use backstitch_model::project::DependencyGraph;
use backstitch_model::reproducer::{Sighting, judge_variants};
use backstitch_model::{Check, CheckRun, Finding, Outcome};
use backstitch_verify::workbench::{Baseline, Inputs, Reproduction, VerifyError, Workbench};

use super::apply::workbench_for;
use super::logs::Logs;
use super::pairing::Pairing;
use super::propose::Proposal;
use super::verify::{Changed, Link};
use super::{Steps, Underway};
use crate::private;
use crate::report::words;
use crate::reproducers::Entry;
use crate::wire;

/// Against how many releases of one package a reproducer is run in a changed tree.
const VERSIONS_MAX: usize = 4;

/// A reproducer that ran on the untouched tree.
#[derive(Debug, Clone)]
pub struct Reproduced {
    entry: Entry,
    before: Seen,
}

/// What a reproducer saw in one tree.
#[derive(Debug, Clone)]
struct Seen {
    listed: Vec<Sighting>,
    variants: Vec<Sighting>,
    elapsed: Duration,
    notes: Vec<String>,
    log: Option<String>,
}

/// What reproducers say of one finding: the checks that its evidence holds besides the others.
#[derive(Debug, Clone)]
pub struct Proof {
    before: Vec<CheckRun>,
    after: Vec<CheckRun>,
}

/// A proof for each record that has a reproducer.
pub type Proofs = BTreeMap<usize, Proof>;

impl Steps {
    /// Runs every reproducer of what is to be fixed on the untouched tree.
    pub(super) fn reproduce_before(
        &mut self,
        workbench: Workbench<'_>,
        underway: &mut Underway,
        baseline: &Baseline,
    ) -> Result<()> {
        let findings: Vec<Finding> = underway.to_fix().cloned().collect();
        for finding in &findings {
            let dependency = words::dependency(finding);
            let mut all = Vec::new();
            for entry in self.reproducers.about(dependency) {
                let reproducer = &entry.reproducer;
                let what = format!("{} in {}", reproducer.name, dependency.package);
                self.progress.step(&format!("reproducing {what}"));
                let tree = format!("before {}", underway.tree.lockfile);
                let look = || {
                    let inputs = Inputs::VariantsWhereRed;
                    workbench.reproduce_before(baseline, reproducer, &dependency.package, inputs)
                };
                let before = self.look(&tree, finding, &entry, &dependency.package, look)?;
                let outcome = reproducer.judge_before(&before.listed);
                self.progress
                    .line(&format!("reproducer {what}: {}", colour(&outcome)));
                all.push(Reproduced { entry, before });
            }
            if let Some(&index) = underway.records.get(&finding.id) {
                underway.reproduced.insert(index, all);
            }
        }
        Ok(())
    }

    /// Runs on the last tree of a chain the reproducers of what each of its candidates settles,
    /// those that were red; the answers are in the candidates' order.
    pub(super) fn reproduce_after(
        &mut self,
        underway: &Underway,
        chain: &[Link],
    ) -> Result<Vec<Proofs>> {
        let Some(last) = chain.last() else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        let mut before: &[Finding] = &underway.findings;
        for link in chain {
            let mut proofs = Proofs::new();
            for finding in settled(before, &link.proposal, &link.changed) {
                let index = underway.records.get(&finding.id);
                let reproduced = index.and_then(|index| underway.reproduced.get(index));
                if let (Some(&index), Some(reproduced @ [_, ..])) =
                    (index, reproduced.map(Vec::as_slice))
                {
                    proofs.insert(index, self.prove(underway, last, finding, reproduced)?);
                }
            }
            all.push(proofs);
            before = &link.changed.findings;
        }
        Ok(all)
    }

    /// Runs on a changed tree the reproducers of one finding, those that were red.
    fn prove(
        &mut self,
        underway: &Underway,
        last: &Link,
        finding: &Finding,
        reproduced: &[Reproduced],
    ) -> Result<Proof> {
        let managers = Arc::clone(&self.managers);
        let workbench = workbench_for(&managers, &underway.project)?;
        let built = last.changed.built.as_ref();
        let built = built.context("reproduce in a tree before it is built")?;
        let packages = packages_now(finding, &underway.project.graph, &last.changed);
        let mut after = Vec::new();
        for reproduced in reproduced.iter().filter(|reproduced| reproduced.was_red()) {
            let entry = &reproduced.entry;
            let what = &entry.reproducer.name;
            self.progress.step(&format!("reproducing {what} again"));
            for package in packages.iter().take(VERSIONS_MAX) {
                let look = || {
                    let inputs = Inputs::VariantsWhereGreen;
                    workbench.reproduce_after(built, &entry.reproducer, package, inputs)
                };
                let seen = self.look(&last.proposal.key, finding, entry, package, look)?;
                after.push((reproduced, seen));
            }
        }
        Ok(Proof {
            before: vec![before(reproduced)],
            after: judged_after(finding, reproduced, &packages, &after)
                .into_iter()
                .map(|run| private::passed_on(run, self.policy.inputs))
                .collect(),
        })
    }

    /// Runs a reproducer, unless an earlier process of this run did, and writes it down.
    fn look(
        &mut self,
        tree: &str,
        finding: &Finding,
        entry: &Entry,
        package: &PackageVersion,
        look: impl FnOnce() -> Result<Reproduction, VerifyError>,
    ) -> Result<Seen> {
        let name = &entry.reproducer.name;
        let id = finding.id.to_string();
        let history = self.journal.history();
        if let Some(known) = history.reproduced(tree, &id, &package.version, name) {
            return Ok(Seen::from(known));
        }
        let found = look()?;
        let logs = Logs::of(
            &self.story.evidence,
            &format!("reproducers/{}", tree.replace(['/', ' '], "-")),
        );
        let log = match &found.log {
            Some(log) => Some(logs.keep_one(log, &format!("{name}-{}.log", package.version))?),
            None => None,
        };
        let mut notes = found.notes;
        notes.insert(0, format!("reproducer `{name}` ({})", entry.origin.words()));
        let reproduction = wire::Reproduction {
            reproducer: name.clone(),
            listed: found.listed.iter().map(wire::Sighting::from).collect(),
            variants: found.variants.iter().map(wire::Sighting::from).collect(),
            elapsed_ms: u64::try_from(found.elapsed.as_millis()).unwrap_or(u64::MAX),
            notes,
            log,
        };
        let seen = Seen::from(&reproduction);
        self.journal.write(&crate::ledger::Event::Reproduced {
            tree: tree.to_owned(),
            finding: id,
            version: package.version.clone(),
            reproduction,
        })?;
        Ok(seen)
    }
}

impl Reproduced {
    fn was_red(&self) -> bool {
        let outcome = self.entry.reproducer.judge_before(&self.before.listed);
        matches!(outcome, Outcome::Failed(_))
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

/// The findings that are gone from the changed tree: promised, or beside that.
fn settled<'findings>(
    before: &'findings [Finding],
    proposal: &Proposal,
    changed: &Changed,
) -> Vec<&'findings Finding> {
    let pairing = Pairing::of(before, &changed.findings);
    let gone: BTreeSet<_> = pairing.gone.iter().map(|finding| &finding.id).collect();
    let all = before.iter().filter(|finding| {
        finding.is_vulnerability()
            && (gone.contains(&finding.id) || proposal.candidate.settles.contains(&finding.id))
    });
    all.collect()
}

/// The releases of a finding's package that the changed tree has instead: those that came, or
/// where none did, those that stayed. Not those that have a finding of the same flaw.
fn packages_now(
    finding: &Finding,
    before: &DependencyGraph,
    changed: &Changed,
) -> Vec<PackageVersion> {
    let dependency = words::dependency(finding);
    let still = |version: &str| {
        changed.findings.iter().any(|other| {
            let other = words::dependency(other);
            other.package.name == dependency.package.name
                && other.package.version == version
                && other.ids.iter().any(|id| dependency.ids.contains(id))
        })
    };
    let named = |graph: &DependencyGraph| -> BTreeSet<PackageVersion> {
        let nodes = graph.named(&dependency.package.name);
        nodes.map(|node| graph.package(node).id.clone()).collect()
    };
    let mut packages = named(&changed.project.graph);
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
fn before(reproduced: &[Reproduced]) -> CheckRun {
    let runs = reproduced.iter().map(|reproduced| {
        let outcome = reproduced
            .entry
            .reproducer
            .judge_before(&reproduced.before.listed);
        check_run(Check::Reproduce, outcome, &reproduced.before)
    });
    // One that is red shows the flaw, whatever the others could not tell.
    CheckRun::together(Check::Reproduce, runs.collect())
}

/// What they come to on the changed one.
fn judged_after(
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
        return not_run(format!("`{name}` is no longer there to be looked at"));
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

/// Is a finding's flaw still there, or only its listed input stopped?
pub(super) fn fails(proofs: &Proofs) -> bool {
    let mut runs = proofs.values().flat_map(|proof| &proof.after);
    runs.any(|run| matches!(run.outcome, Outcome::Failed(_) | Outcome::TimedOut))
}

/// The whole attempt's two rungs: what fails for one finding fails the change.
pub(super) fn of_all(proofs: &Proofs, check: Check) -> Option<CheckRun> {
    let runs: Vec<CheckRun> = proofs
        .values()
        .flat_map(|proof| &proof.after)
        .filter(|run| run.check == check)
        .cloned()
        .collect();
    (!runs.is_empty()).then(|| CheckRun::together(check, runs))
}

/// The evidence for one finding: a reproducer of another proves nothing for it.
pub(super) fn evidence_for(evidence: &Evidence, proof: Option<&Proof>) -> Evidence {
    let mut own = evidence.clone();
    let none = |phase: &mut Phase| {
        for check in [Check::Reproduce, Check::ReAttack] {
            let why = "no reproducer is there for it";
            phase.insert(CheckRun::instant(check, Outcome::NotRun(why.into())));
        }
    };
    none(&mut own.after);
    if let Some(proof) = proof {
        proof
            .before
            .iter()
            .for_each(|run| own.before.insert(run.clone()));
        proof
            .after
            .iter()
            .for_each(|run| own.after.insert(run.clone()));
    }
    own
}

/// Red or green, in words.
fn colour(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Failed(_) => "red, the flaw is there".into(),
        Outcome::Passed => "not red, so it proves nothing".into(),
        Outcome::TimedOut => "timed out".into(),
        Outcome::Differs(why) | Outcome::NotRun(why) => why.clone(),
    }
}
