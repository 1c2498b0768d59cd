//! Reproduce and Re-attack: is the flaw there before a change, gone after it, and gone for
//! variants of the input too? Each finding has its own answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Context, Result};
use backstitch_model::evidence::{Evidence, Phase};
use backstitch_model::package::PackageVersion;
use backstitch_model::{Check, CheckRun, Finding, Outcome};
use backstitch_verify::workbench::{Baseline, Inputs, Reproduction, VerifyError, Workbench};

use super::apply::workbench_for;
use super::logs::Logs;
use super::pairing::Pairing;
use super::propose::Proposal;
use super::verify::{Changed, Link};
use super::{Steps, Underway};
use crate::private;
use crate::proof::{self, Reproduced, Seen, VERSIONS_MAX};
use crate::report::words;
use crate::reproducers::Entry;

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
                let seen = Reproduced { entry, before };
                let colour = proof::colour(&seen.outcome());
                self.progress.line(&format!("reproducer {what}: {colour}"));
                all.push(seen);
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
        let packages = proof::packages_now(
            finding,
            &underway.project.graph,
            &last.changed.project.graph,
            &last.changed.findings,
        );
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
            before: vec![proof::before(reproduced)],
            after: proof::after(finding, reproduced, &packages, &after)
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
        let reproduction = proof::written(found, entry, package, &logs)?;
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
