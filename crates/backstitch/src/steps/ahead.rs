//! Looks ahead: while a tree is built and tested, the trees of the candidates that come next if all
//! goes well are made ready, and the packages brought of the next project and of what is delivered.
//! Judges nothing and writes nothing down: a tree that was made ready is what `apply` would have
//! made, by the same commands, and is found like one that an earlier process had made. One that is
//! not needed is left alone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::Result;
use backstitch_fix::Plan;
use backstitch_model::{LockFormat, Project, RelPath};
use backstitch_verify::workbench::{Applied, Brought, Tree};

use super::apply::{Filler, Meanwhile, workbench_for};
use super::find;
use super::propose::{Planning, Proposal};
use super::reverify::Whole;
use super::verify::upon;
use super::{Steps, Underway, Workplace};
use crate::managers::Managers;

/// What is made ready. Whoever drops it waits until nothing more is.
pub struct Ahead {
    /// The lockfile and the tree that are planned for.
    of: (RelPath, String),
    stop: Arc<AtomicBool>,
    /// The trees that were begun.
    made: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<Result<Looked>>>,
}

/// How many trees are made for an outcome that is no likelier than another.
const GUESSED_MAX: usize = 8;

/// What came of looking ahead.
struct Looked {
    plans: Vec<Plan>,
    /// The whole whose packages were brought.
    brought: Option<String>,
}

/// All that is made ready, and what it takes.
struct Look {
    planning: Planning,
    managers: Arc<Managers>,
    workplace: Arc<Workplace>,
    then: Underway,
    /// Did pip say what it would install for what the project does not pin?
    is_resolved: bool,
    /// What is delivered then, where nothing may be left to try.
    whole: Option<Whole>,
    /// Candidates that an earlier process of this run had applied.
    applied: BTreeSet<String>,
    trees_max: usize,
    made: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
}

/// An untouched project whose packages are needed.
#[derive(Debug, Clone)]
pub(super) struct Base {
    pub(super) tree: Tree,
    pub(super) format: LockFormat,
    /// Takes what bringing them writes.
    pub(super) work: PathBuf,
}

/// The packages of a project that comes next, being brought. Whoever drops it waits until they are.
pub(super) struct NextBase {
    lockfile: RelPath,
    thread: Option<JoinHandle<Option<Applied>>>,
}

impl Steps {
    /// Brings the packages of an untouched project, unless that was done while another was worked
    /// on.
    pub(super) fn fetched(&mut self, underway: &Underway) -> Result<Applied> {
        let ahead = self.next_base.take();
        let ahead = ahead.filter(|next| next.lockfile == underway.tree.lockfile);
        if let Some(applied) = ahead.and_then(NextBase::brought) {
            return Ok(applied);
        }
        let workbench = workbench_for(&self.managers, &underway.project)?;
        Ok(workbench.fetch(&underway.tree, &underway.work)?)
    }

    /// Begins to bring the packages of the project that comes after this one.
    pub(super) fn fetch_next(&mut self, underway: &Underway) {
        let now = &underway.tree.lockfile;
        let at = self
            .bases
            .iter()
            .position(|base| base.tree.lockfile == *now);
        let next = at.and_then(|at| self.bases.get(at + 1)).cloned();
        self.next_base = next.and_then(|next| {
            let lockfile = next.tree.lockfile.clone();
            let managers = Arc::clone(&self.managers);
            let thread = std::thread::Builder::new()
                .name("next project".into())
                .spawn(move || bring(&managers, next.format, &next.tree, &next.work));
            Some(NextBase {
                lockfile,
                thread: Some(thread.ok()?),
            })
        });
    }

    /// Begins to plan for what will be underway if what is about to be tried is accepted, and to
    /// make the trees of its first candidates. Where there are none, the packages of the whole are
    /// brought.
    pub(super) fn look_ahead(&mut self, then: Underway, whole: Option<Whole>) {
        self.begin_ahead(then, whole, usize::MAX);
    }

    /// Does the same for what will be underway if one of two candidates is to blame: for a few
    /// trees only.
    pub(super) fn guess_ahead(&mut self, then: Underway) {
        self.begin_ahead(then, None, GUESSED_MAX);
    }

    fn begin_ahead(&mut self, then: Underway, whole: Option<Whole>, trees_max: usize) {
        self.finish_ahead();
        let of = (then.tree.lockfile.clone(), then.key.clone());
        let stop = Arc::new(AtomicBool::new(false));
        let made = Arc::new(Mutex::default());
        let look = Look {
            planning: self.planning(),
            managers: Arc::clone(&self.managers),
            workplace: Arc::clone(&self.workplace),
            is_resolved: self.resolved.contains(&then.tree.lockfile),
            then,
            whole,
            applied: self.journal.history().applied_attempts(),
            trees_max,
            made: Arc::clone(&made),
            stop: Arc::clone(&stop),
        };
        let thread = std::thread::Builder::new()
            .name("look ahead".into())
            .spawn(move || look.plan_and_fill());
        // Without a thread to spare everything is done when its turn comes.
        self.ahead = thread.ok().map(|thread| Ahead {
            of,
            stop,
            made,
            thread: Some(thread),
        });
    }

    /// The plans for what is underway, where they were made ahead; the trees of the first
    /// candidates are made by then too. Nothing is made ahead any more afterwards.
    pub(super) fn planned_ahead(&mut self, underway: &Underway) -> Option<Vec<Plan>> {
        let mut ahead = self.ahead_of(underway)?;
        // What went wrong there goes wrong again when its turn comes, and is told then.
        let looked = ahead.thread.take()?.join().ok()?.ok()?;
        self.brought_ahead = looked.brought;
        Some(looked.plans)
    }

    /// Waits until nothing is made ahead any more, where there are plans already.
    pub(super) fn settle_ahead(&mut self, underway: &Underway) {
        let Some(mut ahead) = self.ahead_of(underway) else {
            return;
        };
        ahead.stop.store(true, Ordering::Relaxed);
        let looked = ahead.thread.take().and_then(|thread| thread.join().ok());
        if let Some(Ok(looked)) = looked {
            self.brought_ahead = looked.brought;
        }
    }

    /// What was made ahead upon the tree that is underway. What was made upon another is of no
    /// use, and is removed, so that wrong guesses do not fill the disk.
    fn ahead_of(&mut self, underway: &Underway) -> Option<Ahead> {
        let ahead = self.ahead.take()?;
        let (lockfile, key) = &ahead.of;
        if (lockfile, key) == (&underway.tree.lockfile, &underway.key) {
            return Some(ahead);
        }
        let made = Arc::clone(&ahead.made);
        drop(ahead);
        self.finish_tidying();
        let workplace = Arc::clone(&self.workplace);
        let discard = move || {
            for name in made.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                let _ = workplace.discard(name);
            }
        };
        let thread = std::thread::Builder::new().name("tidy".into());
        self.tidying = thread.spawn(discard).ok();
        None
    }

    /// Waits until nothing is made ahead any more.
    pub(super) fn finish_ahead(&mut self) {
        self.ahead = None;
    }
}

/// A tree that was made ready.
struct Made {
    tree: Tree,
    project: Project,
    work: PathBuf,
}

impl Made {
    /// `None` where its lockfile cannot be read.
    fn read(look: &Look, filler: &Filler<'_>) -> Result<Option<Self>> {
        let (tree, work) = (&filler.tree, &filler.work);
        let project = find::read(&look.managers, look.is_resolved, tree, work)?;
        Ok(project.ok().map(|project| Self {
            tree: filler.tree.clone(),
            project,
            work: filler.work.clone(),
        }))
    }

    fn brought(&self) -> Brought<'_> {
        Brought {
            tree: &self.tree,
            project: &self.project,
            work: &self.work,
        }
    }
}

/// Brings the packages of a tree that nothing is changed in; `None` where that is to be done when
/// its turn comes, and what went wrong is told then.
fn bring(managers: &Managers, format: LockFormat, tree: &Tree, work: &Path) -> Option<Applied> {
    let workbench = managers.workbench(format).ok()?;
    std::fs::create_dir_all(work).ok()?;
    if !workbench.can_work_beside(work).ok()? {
        return None;
    }
    match workbench.apply_beside(tree, &[], work).ok()? {
        Applied::Done(notes) => Some(Applied::Done(notes)),
        Applied::Refused(_) => None,
    }
}

impl NextBase {
    fn brought(mut self) -> Option<Applied> {
        self.thread.take()?.join().ok()?
    }
}

impl Drop for NextBase {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Look {
    fn plan_and_fill(&self) -> Result<Looked> {
        let plans = self.planning.plan(&self.then)?;
        let batch = self.planning.batch(&plans, &self.then);
        let whole = self.whole.as_ref().filter(|_| batch.is_empty());
        let brought = whole.and_then(|whole| {
            let format = self.then.project.format;
            bring(&self.managers, format, &whole.tree, &whole.work)?;
            Some(whole.name.clone())
        });
        // A tree that could not be made now is made when its turn comes.
        let _ = self.fill(batch);
        Ok(Looked { plans, brought })
    }

    /// Makes the trees of the candidates one upon the other, as if each were to stand.
    fn fill(&self, batch: Vec<Proposal>) -> Result<()> {
        let workbench = workbench_for(&self.managers, &self.then.project)?;
        if batch.is_empty() || !workbench.can_work_beside(&self.then.work)? {
            return Ok(());
        }
        let mut key = self.then.key.clone();
        let mut made = Made {
            tree: self.then.tree.clone(),
            project: self.then.project.clone(),
            work: self.then.work.clone(),
        };
        for proposal in batch.into_iter().take(self.trees_max) {
            let Some(proposal) = upon(proposal, &self.then, &made.tree, &key)? else {
                continue;
            };
            // What was applied before is made again from the ledger, and by no other way.
            if self.stop.load(Ordering::Relaxed) || self.applied.contains(&proposal.key) {
                break;
            }
            let filler = Filler::new(&self.workplace, &made.tree, &proposal)?;
            if !filler.tree.root.exists() {
                let mut begun = self.made.lock().unwrap_or_else(PoisonError::into_inner);
                begun.push(proposal.key.clone());
            }
            if filler.fill(workbench, Meanwhile::Trial)?.is_some() {
                continue;
            }
            let Some(next) = Made::read(self, &filler)? else {
                break;
            };
            // Reading the packages that move takes long, and what they say is remembered.
            workbench.compare(made.brought(), next.brought());
            made = next;
            key.clone_from(&proposal.key);
        }
        Ok(())
    }
}
