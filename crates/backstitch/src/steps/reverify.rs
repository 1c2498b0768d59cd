//! Verify again: what is delivered is built and tested once more as a whole, in a tree made anew
//! from the base and from nothing that an earlier build left.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, anyhow};
use backstitch_model::evidence::Phase;
use backstitch_model::{Check, CheckRun, Outcome, RelPath};
use backstitch_verify::workbench::{Applied, Start, Tree};

use super::apply::workbench_for;
use super::find::{Scanned, base_name, slug};
use super::logs::Logs;
use super::verify::Link;
use super::{Steps, Underway, Workplace};
use crate::report::words;
use crate::source;
use crate::story::{ChangedFile, Fix};

/// All fixes of a project together, as they are delivered.
pub(super) struct Whole {
    pub(super) name: String,
    /// Names it in the ledger.
    key: String,
    pub(super) tree: Tree,
    /// Takes what building it writes.
    pub(super) work: PathBuf,
}

impl Steps {
    /// Verifies a project's accepted fixes as they will be delivered. Where that fails, none of
    /// them is delivered, and each one's evidence says why.
    pub fn reverify(&mut self, underway: &Underway) -> Result<()> {
        if self.story.fixes.len() <= underway.fixes_before {
            return Ok(());
        }
        let lockfile = &underway.tree.lockfile;
        self.progress.step(&format!(
            "building and testing `{lockfile}` as it is delivered"
        ));
        let tried: Vec<_> = underway.tried.iter().cloned().collect();
        self.tidy(&tried)?;
        let whole = self.whole(lockfile, &[])?.name;
        let phase = self.delivered(underway)?;
        let wrong = phase
            .runs()
            .find(|run| matches!(run.outcome, Outcome::Failed(_) | Outcome::TimedOut))
            .cloned();
        self.progress.line(&match &wrong {
            None => format!("delivered: build {}", told(&phase)),
            Some(run) => format!("delivered: {} {}", run.check, run.outcome),
        });
        let tested = *phase.outcome(Check::Regress) == Outcome::Passed;
        self.tell_fixes(underway, wrong.as_ref(), tested);
        if wrong.is_some() {
            self.story.fixes.truncate(underway.fixes_before);
        }
        self.story.delivered.push((lockfile.clone(), phase));
        self.tidy(&[whole, base_name(lockfile)])
    }

    /// Removes what the attempts' builds left, while the whole is built: that goes by nothing of
    /// it, and they are all written down. In the end the whole goes too, while the next project is
    /// worked on.
    fn tidy(&mut self, names: &[String]) -> Result<()> {
        self.finish_tidying();
        self.workplace.put_aside(names.iter().map(String::as_str))?;
        let workplace = Arc::clone(&self.workplace);
        self.tidying = std::thread::Builder::new()
            .name("tidy".into())
            .spawn(move || workplace.remove_aside())
            .ok();
        Ok(())
    }

    /// Waits until nothing is removed any more.
    pub(super) fn finish_tidying(&mut self) {
        if let Some(tidying) = self.tidying.take() {
            let _ = tidying.join();
        }
    }

    /// Rescans, builds and tests the whole that is delivered.
    fn delivered(&mut self, underway: &Underway) -> Result<Phase> {
        let lockfile = &underway.tree.lockfile;
        let Whole {
            name,
            key,
            tree,
            work,
        } = self.whole(lockfile, &[])?;
        self.lay(&tree.root, &[])?;
        let mut phase = Phase::default();
        let rescan = self.rescan_delivered(underway, &tree, &work)?;
        phase.insert(self.journal.check(&key, Check::Rescan, || Ok(rescan))?);
        let managers = Arc::clone(&self.managers);
        let workbench = workbench_for(&managers, &underway.project)?;
        if self.brought_ahead.take().as_ref() != Some(&name)
            && let Applied::Refused(refusal) = workbench.fetch(&tree, &work)?
        {
            return Err(anyhow!(
                "fetch the packages of what is delivered: {}",
                refusal.message
            ));
        }
        let baseline = underway.judged()?;
        let attempt = workbench.attempt(baseline, &tree, Start::Clean, &work)?;
        let logs = Logs::of(&self.story.evidence, &name);
        phase.insert(self.journal.check(&key, Check::Build, || {
            logs.keep(workbench.build_attempt(baseline, &attempt)?)
        })?);
        if *phase.outcome(Check::Build) == Outcome::Passed {
            phase.insert(self.journal.check(&key, Check::Regress, || {
                logs.keep(workbench.test_attempt(baseline, &attempt)?.0)
            })?);
        }
        Ok(phase)
    }

    /// The whole of all accepted fixes and those of a chain. Other fixes make another whole, which
    /// nobody has built yet.
    fn whole(&self, lockfile: &RelPath, chain: &[Link]) -> Result<Whole> {
        let mut hasher = blake3::Hasher::new();
        let accepted = self.story.fixes.iter().map(|fix| &fix.attempt);
        for attempt in accepted.chain(chain.iter().map(|link| &link.proposal.key)) {
            hasher.update(attempt.as_bytes());
        }
        let fixes: String = hasher.finalize().to_hex().chars().take(8).collect();
        let name = format!("delivered-{}-{fixes}", slug(lockfile));
        Ok(Whole {
            key: format!("delivered {lockfile} {fixes}"),
            tree: Tree {
                root: self.workplace.tree(&name)?,
                lockfile: lockfile.clone(),
            },
            work: self.workplace.work(&name)?,
            name,
        })
    }

    /// Makes the tree of a whole: the base, with every fix.
    fn lay(&self, root: &Path, chain: &[Link]) -> Result<()> {
        let accepted = self.story.fixes.iter().flat_map(|fix| &fix.files);
        self.lay_files(
            root,
            accepted.chain(chain.iter().flat_map(|link| &link.changed.files)),
        )
    }

    /// Makes a tree: the base, with these files.
    pub(super) fn lay_files<'files>(
        &self,
        root: &Path,
        files: impl Iterator<Item = &'files ChangedFile>,
    ) -> Result<()> {
        Workplace::fill(root, |root| {
            self.source.copy_to(root)?;
            let dir = source::open_dir(root)?;
            for file in files {
                source::replace(&dir, &file.path, &file.after)?;
            }
            Ok(())
        })
    }

    /// Makes the tree that is delivered if a whole chain is accepted, where nothing else is left to
    /// try then: its packages can be brought while the chain is built and tested.
    pub(super) fn lay_ahead(&self, underway: &Underway, chain: &[Link]) -> Result<Option<Whole>> {
        let plans = underway.plans.as_deref().unwrap_or_default();
        if self.planning().waiting(plans, underway) > chain.len() {
            return Ok(None);
        }
        let whole = self.whole(&underway.tree.lockfile, chain)?;
        self.lay(&whole.tree.root, chain)?;
        Ok(Some(whole))
    }

    /// Makes the tree that is delivered if what is about to be tried fails and nothing is left to
    /// try then.
    pub(super) fn lay_without(&self, now: &Underway, then: &Underway) -> Result<Option<Whole>> {
        let plans = now.plans.as_deref().unwrap_or_default();
        let has_fixes = self.story.fixes.len() > now.fixes_before;
        if !has_fixes || self.planning().waiting(plans, then) > 0 {
            return Ok(None);
        }
        let whole = self.whole(&now.tree.lockfile, &[])?;
        self.lay(&whole.tree.root, &[])?;
        Ok(Some(whole))
    }

    fn rescan_delivered(&self, underway: &Underway, tree: &Tree, work: &Path) -> Result<CheckRun> {
        let project = self
            .read(tree, work)?
            .map_err(|problem| anyhow!("read delivered `{}`: {}", problem.path, problem.what))?;
        let Scanned { findings, .. } = self.scan(&project)?;
        let expected = &underway.findings;
        let new = findings.iter().find(|finding| {
            finding.is_vulnerability() && !expected.iter().any(|known| known.id == finding.id)
        });
        let outcome = match new {
            None => Outcome::Passed,
            Some(finding) => Outcome::Failed(format!(
                "{} has {}",
                words::dependency(finding).package,
                words::main_id(finding)
            )),
        };
        Ok(CheckRun::instant(Check::Rescan, outcome))
    }

    /// Says in the evidence of every fix what became of the whole.
    fn tell_fixes(&mut self, underway: &Underway, wrong: Option<&CheckRun>, tested: bool) {
        let fixes = &self.story.fixes[underway.fixes_before..];
        let settled: Vec<usize> = fixes.iter().flat_map(Fix::findings).copied().collect();
        for index in settled {
            let Some(attempt) = self.story.records[index].attempts.last_mut() else {
                continue;
            };
            let after = &mut attempt.evidence.after;
            match wrong {
                Some(run) => after.insert(CheckRun {
                    notes: vec!["seen on the whole that was to be delivered".into()],
                    ..run.clone()
                }),
                None if !tested => {}
                None => {
                    if let Some(mut run) = after.get(Check::Regress).cloned() {
                        run.notes
                            .push("built and tested again as delivered, from nothing".into());
                        after.insert(run);
                    }
                }
            }
        }
    }
}

fn told(phase: &Phase) -> String {
    format!(
        "{}, tests {}",
        phase.outcome(Check::Build),
        phase.outcome(Check::Regress)
    )
}
