//! Applies a candidate to a copy of the tree it is for, and climbs the rungs that cost
//! nothing: what fails Scope, Rescan or Compare is never built.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use backstitch_model::candidate::{Origin, SourceEdit, Step};
use backstitch_model::evidence::Phase;
use backstitch_model::{Candidate, Change, Check, CheckRun, Finding, Outcome, Project, RelPath};
use backstitch_verify::workbench::{Applied, Brought, Cause, Tree, Workbench};
use cap_std::fs::{Dir, PermissionsExt};

use super::find::Scanned;
use super::pairing::Pairing;
use super::propose::Proposal;
use super::{Changed, Steps, Underway, Workplace};
use crate::ledger::{self, Event};
use crate::managers::Managers;
use crate::report::words;
use crate::source;
use crate::story::ChangedFile;
use crate::wire;

/// The tree that a candidate is for: the one that all accepted fixes led to, or one that an
/// unproven candidate made of it.
#[derive(Clone, Copy)]
pub(super) struct Ground<'ground> {
    pub(super) tree: &'ground Tree,
    pub(super) project: &'ground Project,
    pub(super) findings: &'ground [Finding],
    pub(super) unclear: &'ground BTreeSet<String>,
    /// The directory that its packages were brought with.
    pub(super) work: &'ground Path,
    /// Names it in the ledger.
    pub(super) key: &'ground str,
}

/// A candidate that could be applied, or why not.
pub(super) enum Cheaply {
    /// It was applied, and passed what costs nothing.
    Stands(Box<Changed>, Phase),
    /// It did not, or the package manager would not do it.
    Falls(Phase),
}

impl<'ground> Ground<'ground> {
    fn brought(self) -> Brought<'ground> {
        Brought {
            tree: self.tree,
            project: self.project,
            work: self.work,
        }
    }
}

impl Changed {
    fn brought(&self) -> Brought<'_> {
        Brought {
            tree: &self.tree,
            project: &self.project,
            work: &self.work,
        }
    }
}

impl Steps {
    /// Applies a proposal to a copy of its ground and climbs the cheap rungs.
    pub(super) fn apply_cheaply(
        &mut self,
        underway: &Underway,
        ground: Ground<'_>,
        proposal: &Proposal,
    ) -> Result<Cheaply> {
        let root = self.workplace.tree(&proposal.key)?;
        let files = match self.apply(ground, proposal, &root)? {
            Ok(files) => files,
            Err(refusal) => return Ok(refused(&proposal.candidate, &refusal)),
        };
        let tree = Tree {
            root,
            lockfile: ground.tree.lockfile.clone(),
        };
        let work = self.workplace.work(&proposal.key)?;
        let project = match self.read(&tree, &work)? {
            Ok(project) => project,
            Err(problem) => {
                let why = format!("the changed `{}`: {}", problem.path, problem.what);
                return Ok(refused(&proposal.candidate, &why));
            }
        };
        let Scanned { findings, unclear } = self.scan(&project)?;
        let changed = Changed {
            work,
            tree,
            files,
            project,
            findings,
            unclear,
            built: None,
            proofs: super::reproduce::Proofs::new(),
        };
        let mut after = not_run_yet();
        for (check, run) in [
            (
                Check::Scope,
                self.scope(underway, ground, proposal, &changed),
            ),
            (Check::Rescan, rescan(ground, proposal, &changed)),
        ] {
            after.insert(self.journal.check(&proposal.key, check, || Ok(run))?);
        }
        let passed = |check| *after.outcome(check) == Outcome::Passed;
        if !passed(Check::Scope) || !passed(Check::Rescan) {
            return Ok(Cheaply::Falls(after));
        }
        let managers = Arc::clone(&self.managers);
        let workbench = workbench_for(&managers, ground.project)?;
        after.insert(self.journal.check(&proposal.key, Check::Compare, || {
            Ok(workbench.compare(ground.brought(), changed.brought()))
        })?);
        let stands = !matches!(after.outcome(Check::Compare), Outcome::Failed(_));
        Ok(if stands {
            Cheaply::Stands(Box::new(changed), after)
        } else {
            Cheaply::Falls(after)
        })
    }

    /// Makes the changed tree; the inner error is the package manager's refusal.
    fn apply(
        &mut self,
        ground: Ground<'_>,
        proposal: &Proposal,
        root: &Path,
    ) -> Result<Result<Vec<ChangedFile>, String>> {
        let from = ground.tree.root.clone();
        if let Some(applied) = self.journal.history().applied(&proposal.key).cloned() {
            return match applied {
                ledger::Applied::Refused(why) => Ok(Err(why)),
                ledger::Applied::Done(files) => {
                    Workplace::fill(root, |root| write_again(&from, root, &files))?;
                    changed_files(&from, root).map(Ok)
                }
            };
        }
        let filler = Filler::new(&self.workplace, ground.tree, proposal)?;
        let workbench = workbench_for(&self.managers, ground.project)?;
        let refused = filler.fill(workbench, Meanwhile::Nothing)?;
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
}

/// What goes on while a tree is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meanwhile {
    /// Nothing.
    Nothing,
    /// Another tree is built and tested.
    Trial,
}

/// All that is needed to make a candidate's tree.
pub(super) struct Filler<'candidate> {
    from: &'candidate Path,
    pub(super) tree: Tree,
    recipe: &'candidate [Step],
    rewrites: &'candidate [SourceEdit],
    pub(super) work: PathBuf,
}

impl<'candidate> Filler<'candidate> {
    pub(super) fn new(
        workplace: &Workplace,
        upon: &'candidate Tree,
        proposal: &'candidate Proposal,
    ) -> Result<Self> {
        let Change::Upgrade(upgrade) = &proposal.candidate.change;
        Ok(Self {
            from: &upon.root,
            tree: Tree {
                root: workplace.tree(&proposal.key)?,
                lockfile: upon.lockfile.clone(),
            },
            recipe: &upgrade.recipe,
            rewrites: &upgrade.rewrites,
            work: workplace.work(&proposal.key)?,
        })
    }

    /// Makes the tree; answers the package manager's refusal, or why the edits do not fit.
    pub(super) fn fill(
        &self,
        workbench: Workbench<'_>,
        meanwhile: Meanwhile,
    ) -> Result<Option<String>> {
        let (tree, recipe, work) = (&self.tree, self.recipe, &self.work);
        Workplace::fill(&tree.root, |root| {
            source::duplicate(self.from, root)?;
            let applied = match meanwhile {
                Meanwhile::Nothing => workbench.apply(tree, recipe, work)?,
                Meanwhile::Trial => workbench.apply_beside(tree, recipe, work)?,
            };
            let Applied::Refused(refusal) = applied else {
                return rewrite(root, self.rewrites);
            };
            match refusal.cause {
                // A network that went away says nothing of the candidate.
                Cause::Network => bail!("{}; run again to go on from here", refusal.message),
                // Neither do limits that something else was using up.
                Cause::Limit if meanwhile == Meanwhile::Trial => Err(anyhow!(refusal.message)),
                Cause::Manager | Cause::Limit | Cause::Manifest => Ok(Some(format!(
                    "the package manager refuses it: {}",
                    refusal.message
                ))),
            }
        })
    }
}

/// Makes an engine's edits; answers why they do not fit, where they do not.
fn rewrite(root: &Path, rewrites: &[SourceEdit]) -> Result<Option<String>> {
    let dir = source::open_dir(root)?;
    Ok(source::edit(&dir, rewrites)?.err())
}

/// A candidate that the package manager refuses is rejected: it does not even build. One whose
/// edits do not fit touches what is not there, and the package manager did the rest of it before.
fn refused(candidate: &Candidate, why: &str) -> Cheaply {
    let check = match candidate.origin {
        Origin::Planner => Check::Build,
        Origin::Engine { .. } => Check::Scope,
    };
    let run = CheckRun::instant(check, Outcome::Failed(why.to_owned()));
    Cheaply::Falls(Phase::from_iter([run]))
}

/// The recipe as it is on another ground than it was planned for: a manifest that an earlier
/// candidate edited too gets both edits. `None` where the two touch the same lines.
pub(super) fn rebased(
    recipe: &[Step],
    planned_on: &Path,
    ground: &Path,
) -> Result<Option<Vec<Step>>> {
    let (planned_on, ground) = (source::open_dir(planned_on)?, source::open_dir(ground)?);
    let mut steps = Vec::new();
    for step in recipe {
        let Step::WriteManifest { path, text } = step else {
            steps.push(step.clone());
            continue;
        };
        let read = |dir: &cap_std::fs::Dir| {
            dir.read_to_string(path.as_str())
                .with_context(|| format!("read manifest `{path}`"))
        };
        let (before, now) = (read(&planned_on)?, read(&ground)?);
        let Some(text) = merged(&before, &now, text) else {
            return Ok(None);
        };
        steps.push(Step::WriteManifest {
            path: path.clone(),
            text,
        });
    }
    Ok(Some(steps))
}

/// A text with both of its changes; `None` where they touch the same lines. Pins stand on lines
/// that follow one another, which most merges take for one place.
fn merged(before: &str, now: &str, then: &str) -> Option<String> {
    let [before, now, then] = [before, now, then].map(|text| {
        let lines = text.split_inclusive('\n');
        lines.collect::<Vec<_>>()
    });
    let mut changes = Vec::new();
    for after in [&now, &then] {
        let operations = similar::capture_diff_slices(similar::Algorithm::Myers, &before, after);
        let hunks = operations
            .iter()
            .filter(|operation| operation.tag() != similar::DiffTag::Equal)
            .map(|operation| (operation.old_range(), &after[operation.new_range()]));
        changes.extend(hunks);
    }
    changes.sort_by_key(|(range, _)| (range.start, range.end));
    // Both may have made the same one.
    changes.dedup();
    let (mut text, mut at) = (String::new(), 0);
    for (index, (range, lines)) in changes.iter().enumerate() {
        let same_place = index > 0 && changes[index - 1].0.start == range.start;
        if range.start < at || same_place {
            return None;
        }
        text.extend(before[at..range.start].iter().copied());
        text.extend(lines.iter().copied());
        at = range.end;
    }
    text.extend(before[at..].iter().copied());
    Some(text)
}

/// The workbench of a project that was judged before any change.
pub(super) fn workbench_for<'run>(
    managers: &'run Managers,
    project: &Project,
) -> Result<Workbench<'run>> {
    let workbench = managers.workbench(project.format);
    workbench.map_err(|why| anyhow!("judge `{}`: {why}", project.lockfile))
}

/// The rungs that are not climbed by every candidate, each with the reason.
fn not_run_yet() -> Phase {
    let not_run = |check, why: &str| CheckRun::instant(check, Outcome::NotRun(why.into()));
    [
        not_run(Check::Reproduce, "no reproducer is there for it"),
        not_run(Check::ReAttack, "no reproducer is there for it"),
        not_run(Check::Compare, "the change did not come that far"),
    ]
    .into_iter()
    .collect()
}

/// Is what the candidate promises gone, and nothing new there?
fn rescan(ground: Ground<'_>, proposal: &Proposal, changed: &Changed) -> CheckRun {
    let pairing = Pairing::of(ground.findings, &changed.findings);
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
    let still = ground.findings.iter().filter(|finding| {
        proposal.candidate.settles.contains(&finding.id) && pairing.continues(&finding.id)
    });
    let unclear = changed.unclear.difference(ground.unclear);
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

/// Which files differ between two trees, read before anything of the project runs in them. One
/// that only has another time is the same: a build may have renewed it.
pub(super) fn changed_files(before: &Path, after: &Path) -> Result<Vec<ChangedFile>> {
    let (before_dir, after_dir) = (source::open_dir(before)?, source::open_dir(after)?);
    let mut files = Vec::new();
    for path in source::changed_paths(before, after)? {
        let text = |dir: &Dir| {
            dir.read_to_string(path.as_str())
                .with_context(|| format!("read changed file `{path}`"))
        };
        let mode = |dir: &Dir| {
            let about = dir.symlink_metadata(path.as_str());
            about.map(|about| about.permissions().mode()).ok()
        };
        let (old, new) = (text(&before_dir)?, text(&after_dir)?);
        if old != new || mode(&before_dir) != mode(&after_dir) {
            files.push(ChangedFile {
                before: Some(old),
                after: new,
                path,
            });
        }
    }
    Ok(files)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_neighbouring_lines_are_merged_and_of_one_line_are_not() {
        let before = "a==1\nb==1\nc==1\n";
        let now = "a==2\nb==1\nc==1\n";
        let merge = |then: &str| merged(before, now, then);
        assert_eq!(
            merge("a==1\nb==2\nc==1\n").as_deref(),
            Some("a==2\nb==2\nc==1\n")
        );
        assert_eq!(merge("a==3\nb==1\nc==1\n"), None);
        assert_eq!(merge(now).as_deref(), Some(now));
        assert_eq!(
            merge("a==1\nb==2 \\\n  --hash=x\nc==1\n").as_deref(),
            Some("a==2\nb==2 \\\n  --hash=x\nc==1\n")
        );
        assert_eq!(
            merge("a==1\nb==1\nc==1\nd==1\n").as_deref(),
            Some("a==2\nb==1\nc==1\nd==1\n")
        );
    }
}
