//! Test: a candidate is applied to a copy and climbs the ladder, the cheap rungs first:
//! what fails Scope or Rescan is never built.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use backstitch_find as find;
use backstitch_model::evidence::{Evidence, Phase};
use backstitch_model::finding::Compiled;
use backstitch_model::package::PackageVersion;
use backstitch_model::project::{DependencyGraph, Source};
use backstitch_model::record;
use backstitch_model::registry::Releases;
use backstitch_model::{Change, Check, CheckRun, Finding, Outcome, Project, RelPath};
use backstitch_verify::scope;
use backstitch_verify::workbench::{Applied, Attempt, Cause, Start, Tree, Workbench};

use super::find::Scanned;
use super::logs::Logs;
use super::pairing::Pairing;
use super::propose::Proposal;
use super::reproduce::{self, Proofs};
use super::{Steps, Underway, Workplace};
use crate::ledger::{self, Event};
use crate::managers::Managers;
use crate::report::words;
use crate::source;
use crate::story::ChangedFile;
use crate::wire;

/// A candidate that was tried.
pub struct Tried {
    pub(super) proposal: Proposal,
    pub(super) attempt: record::Attempt,
    /// The changed tree, where the candidate could be applied.
    pub(super) changed: Option<Changed>,
}

/// A changed tree and what it holds.
pub struct Changed {
    pub(super) tree: Tree,
    pub(super) files: Vec<ChangedFile>,
    pub(super) project: Project,
    pub(super) findings: Vec<Finding>,
    /// What could not be judged there.
    pub(super) unclear: BTreeSet<String>,
    /// What building and testing it left, where it came that far.
    pub(super) built: Option<Attempt>,
    /// What reproducers say of each finding.
    pub(super) proofs: Proofs,
}

impl Steps {
    /// Tries one candidate.
    pub fn verify(&mut self, underway: &mut Underway, proposal: Proposal) -> Result<Tried> {
        self.progress
            .step(&format!("trying: {}", words::change(&proposal.candidate)));
        let root = self.workplace.tree(&proposal.key)?;
        let files = match self.apply(underway, &proposal, &root)? {
            Ok(files) => files,
            Err(refusal) => return Ok(self.refused(underway, proposal, &refusal)),
        };
        let tree = Tree {
            root,
            lockfile: underway.tree.lockfile.clone(),
        };
        let project = match find::project::read(&source::open_dir(&tree.root)?, &tree.lockfile) {
            Ok(project) => project,
            Err(problem) => {
                let why = format!("the changed `{}`: {}", problem.path, problem.what);
                return Ok(self.refused(underway, proposal, &why));
            }
        };
        let Scanned { findings, unclear } = self.scan(&project)?;
        let mut changed = Changed {
            tree,
            files,
            project,
            findings,
            unclear,
            built: None,
            proofs: Proofs::new(),
        };
        let after = self.climb(underway, &proposal, &mut changed)?;
        Ok(self.tried(underway, proposal, after, Some(changed)))
    }

    fn tried(
        &self,
        underway: &Underway,
        proposal: Proposal,
        after: Phase,
        changed: Option<Changed>,
    ) -> Tried {
        let evidence = Evidence {
            before: underway.before.clone(),
            after,
            confinement: self.confinement,
        };
        let attempt = record::Attempt {
            candidate: proposal.candidate.clone(),
            evidence,
        };
        Tried {
            proposal,
            attempt,
            changed,
        }
    }

    /// Makes the changed tree; the inner error is the package manager's refusal.
    fn apply(
        &mut self,
        underway: &Underway,
        proposal: &Proposal,
        root: &Path,
    ) -> Result<Result<Vec<ChangedFile>, String>> {
        let from = underway.tree.root.clone();
        let Change::Upgrade(upgrade) = &proposal.candidate.change;
        if let Some(applied) = self.journal.history().applied(&proposal.key).cloned() {
            return match applied {
                ledger::Applied::Refused(why) => Ok(Err(why)),
                ledger::Applied::Done(files) => {
                    Workplace::fill(root, |root| write_again(&from, root, &files))?;
                    changed_files(&from, root).map(Ok)
                }
            };
        }
        let tree = Tree {
            root: root.to_owned(),
            lockfile: underway.tree.lockfile.clone(),
        };
        let managers = Arc::clone(&self.managers);
        let workbench = workbench_for(&managers, underway)?;
        let work = self.workplace.work(&proposal.key)?;
        let refused = Workplace::fill(root, |root| {
            source::duplicate(&from, root)?;
            match workbench.apply(&tree, &upgrade.recipe, &work)? {
                Applied::Done(_) => Ok(None),
                Applied::Refused(refusal) => match refusal.cause {
                    // A network that went away says nothing of the candidate.
                    Cause::Network => {
                        Err(anyhow!("{}; run again to go on from here", refusal.message))
                    }
                    Cause::Manager | Cause::Limit | Cause::Manifest => {
                        Ok(Some(format!("cargo refuses it: {}", refusal.message)))
                    }
                },
            }
        })?;
        let files = if refused.is_none() {
            changed_files(&from, root)?
        } else {
            Vec::new()
        };
        self.journal.write(&Event::Applied {
            attempt: proposal.key.clone(),
            candidate: wire::Candidate::from(&proposal.candidate),
            files: files.iter().map(file_text).collect(),
            refused: refused.clone(),
        })?;
        Ok(refused.map_or(Ok(files), Err))
    }

    /// A candidate that the package manager refuses is rejected: it does not even build.
    fn refused(&self, underway: &Underway, proposal: Proposal, why: &str) -> Tried {
        let after = Phase::from_iter([CheckRun::instant(
            Check::Build,
            Outcome::Failed(why.to_owned()),
        )]);
        self.tried(underway, proposal, after, None)
    }

    /// Climbs until a rung fails.
    fn climb(
        &mut self,
        underway: &Underway,
        proposal: &Proposal,
        changed: &mut Changed,
    ) -> Result<Phase> {
        let mut after = not_run_yet();
        let cheap = [
            (Check::Scope, self.scope(underway, proposal, changed)),
            (Check::Rescan, rescan(underway, proposal, changed)),
        ];
        for (check, run) in cheap {
            after.insert(self.journal.check(&proposal.key, check, || Ok(run))?);
        }
        if [Check::Scope, Check::Rescan]
            .iter()
            .any(|&check| *after.outcome(check) != Outcome::Passed)
        {
            return Ok(after);
        }
        let baseline = underway
            .baseline
            .as_ref()
            .context("try a candidate before the baseline")?;
        let managers = Arc::clone(&self.managers);
        let workbench = workbench_for(&managers, underway)?;
        let work = self.workplace.work(&proposal.key)?;
        let built = workbench.attempt(baseline, &changed.tree, Start::Warm, &work)?;
        let logs = Logs::of(&self.story.evidence, &proposal.key);
        after.insert(self.journal.check(&proposal.key, Check::Build, || {
            logs.keep(workbench.build_attempt(baseline, &built)?)
        })?);
        if *after.outcome(Check::Build) == Outcome::Passed {
            changed.proofs =
                self.reproduce_after(workbench, underway, proposal, changed, &built)?;
            for check in [Check::Reproduce, Check::ReAttack] {
                if let Some(run) = reproduce::of_all(&changed.proofs, check) {
                    after.insert(run);
                }
            }
        }
        let stands = |check| matches!(after.outcome(check), Outcome::Passed | Outcome::NotRun(_));
        if *after.outcome(Check::Build) == Outcome::Passed
            && stands(Check::Reproduce)
            && stands(Check::ReAttack)
        {
            after.insert(self.journal.check(&proposal.key, Check::Regress, || {
                let mut run = workbench.test_attempt(baseline, &built)?.0;
                run.notes.extend(untested(underway, proposal));
                logs.keep(run)
            })?);
        }
        changed.built = Some(built);
        Ok(after)
    }
}

impl Steps {
    /// Does the change touch only what it said, and only what may be touched?
    fn scope(&self, underway: &Underway, proposal: &Proposal, changed: &Changed) -> CheckRun {
        let Change::Upgrade(upgrade) = &proposal.candidate.change;
        let paths = changed.files.iter().map(|file| file.path.clone()).collect();
        let mut run = scope::scope(upgrade, &paths, &underway.project, &changed.project);
        let shared = upgrade.edits.iter().filter_map(|edit| {
            let (manifest, lockfile) = underway.shared_manifests.get_key_value(&edit.manifest)?;
            Some(format!(
                "`{manifest}` is also locked by `{lockfile}`, which would no longer fit it"
            ))
        });
        let mut objections: Vec<_> = shared.collect();
        objections.extend(self.against_policy(&underway.project.graph, &changed.project.graph));
        if run.outcome == Outcome::Passed && !objections.is_empty() {
            run.outcome = Outcome::Failed(objections.join("; "));
        }
        run
    }

    /// What arrived, planned or brought along by cargo, and policy does not allow.
    fn against_policy(&self, before: &DependencyGraph, after: &DependencyGraph) -> Vec<String> {
        let arrived = after.packages().iter().filter(|package| {
            package.source == Source::PublicRegistry
                && !before.packages().iter().any(|other| other.id == package.id)
        });
        arrived
            .filter_map(|package| self.objection(before, &package.id))
            .collect()
    }

    fn objection(&self, before: &DependencyGraph, arrived: &PackageVersion) -> Option<String> {
        let alone = self.policy.leave_alone.contains(&arrived.name);
        if alone && before.named(&arrived.name).next().is_some() {
            return Some(format!("{arrived} came along, and is to be left alone"));
        }
        let releases = self.releases.releases(&arrived.name).ok()?;
        let release = releases
            .iter()
            .find(|release| release.version == arrived.version)?;
        if release.yanked {
            return Some(format!(
                "{arrived} came along, and was withdrawn by the registry"
            ));
        }
        let days = i64::from(self.policy.release_age_min_days);
        let age_s = self.journal.started_at_s() - release.published_s?;
        (age_s < days * 24 * 3600)
            .then(|| format!("{arrived} came along, and was released less than {days} days ago"))
    }
}

/// The workbench of a project that was judged before any change.
fn workbench_for<'run>(managers: &'run Managers, underway: &Underway) -> Result<Workbench<'run>> {
    let workbench = managers.workbench(underway.project.format);
    workbench.map_err(|why| anyhow!("judge `{}`: {why}", underway.tree.lockfile))
}

/// What the tests say nothing of, though they pass: packages that are not even built.
fn untested(underway: &Underway, proposal: &Proposal) -> Vec<String> {
    let settled = underway
        .findings
        .iter()
        .filter(|finding| proposal.candidate.settles.contains(&finding.id));
    let mut notes: Vec<_> = settled
        .map(words::dependency)
        .filter_map(|dependency| {
            let why = match &dependency.reach.compiled {
                Compiled::OptIn => "it needs a feature that is off",
                Compiled::OtherPlatform => "it is for another platform",
                Compiled::Yes | Compiled::Unknown(_) => return None,
            };
            let name = &dependency.package.name;
            Some(format!(
                "`{name}` was locked but not built ({why}): the tests say nothing of it"
            ))
        })
        .collect();
    notes.sort();
    notes.dedup();
    notes
}

/// The rungs that nothing climbs yet, each with the reason.
fn not_run_yet() -> Phase {
    let not_run = |check, why: &str| CheckRun::instant(check, Outcome::NotRun(why.into()));
    [
        not_run(Check::Reproduce, "no reproducer is there for it"),
        not_run(Check::ReAttack, "no reproducer is there for it"),
        not_run(Check::Compare, "this version does not compare behaviour"),
    ]
    .into_iter()
    .collect()
}

/// Is what the candidate promises gone, and nothing new there?
fn rescan(underway: &Underway, proposal: &Proposal, changed: &Changed) -> CheckRun {
    let pairing = Pairing::of(&underway.findings, &changed.findings);
    let named = |finding: &Finding, verb: &str| {
        format!(
            "{} {verb} {}",
            words::dependency(finding).package,
            words::main_id(finding)
        )
    };
    let new = pairing
        .new
        .iter()
        .filter(|finding| finding.is_vulnerability());
    let still = underway.findings.iter().filter(|finding| {
        proposal.candidate.settles.contains(&finding.id) && pairing.continues(&finding.id)
    });
    let unclear = changed.unclear.difference(&underway.unclear);
    let wrong: Vec<_> = new
        .map(|finding| named(finding, "now has"))
        .chain(still.map(|finding| named(finding, "still has")))
        .chain(unclear.cloned())
        .collect();
    let outcome = if wrong.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed(wrong.join("; "))
    };
    CheckRun::instant(Check::Rescan, outcome)
}

/// Which files differ between two trees, read before anything of the project runs in them.
fn changed_files(before: &Path, after: &Path) -> Result<Vec<ChangedFile>> {
    let (before_dir, after_dir) = (source::open_dir(before)?, source::open_dir(after)?);
    source::changed_paths(before, after)?
        .into_iter()
        .map(|path| {
            let text = |dir: &cap_std::fs::Dir| {
                dir.read_to_string(path.as_str())
                    .with_context(|| format!("read changed file `{path}`"))
            };
            Ok(ChangedFile {
                before: text(&before_dir)?,
                after: text(&after_dir)?,
                path: path.clone(),
            })
        })
        .collect()
}

/// Makes a changed tree from what the ledger says of it.
fn write_again(from: &Path, root: &Path, files: &[ledger::FileText]) -> Result<Option<String>> {
    source::duplicate(from, root)?;
    let dir = source::open_dir(root)?;
    for file in files {
        let path = RelPath::new(file.path.as_str())?;
        source::replace(&dir, &path, &file.text)?;
    }
    Ok(None)
}

fn file_text(file: &ChangedFile) -> ledger::FileText {
    ledger::FileText {
        path: file.path.to_string(),
        text: file.after.clone(),
    }
}
