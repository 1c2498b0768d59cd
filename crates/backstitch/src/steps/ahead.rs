//! Looks ahead: while a tree is built and tested, the trees of the candidates that come next if all
//! goes well are made ready. Judges nothing and writes nothing down: a tree that was made ready is
//! what `apply` would have made, by the same commands, and is found like one that an earlier
//! process had made. One that is not needed is left alone.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use anyhow::Result;
use backstitch_fix::Plan;
use backstitch_model::RelPath;

use super::apply::{Filler, Meanwhile, workbench_for};
use super::propose::{Planning, Proposal};
use super::verify::upon;
use super::{Steps, Underway, Workplace};
use crate::managers::Managers;

/// What is made ready. Whoever drops it waits until nothing more is.
pub struct Ahead {
    /// The lockfile and the tree that are planned for.
    of: (RelPath, String),
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<Vec<Plan>>>>,
}

/// All that is made ready, and what it takes.
struct Look {
    planning: Planning,
    managers: Arc<Managers>,
    workplace: Arc<Workplace>,
    then: Underway,
    /// Candidates that an earlier process of this run had applied.
    applied: BTreeSet<String>,
    stop: Arc<AtomicBool>,
}

impl Steps {
    /// Begins to plan for what will be underway if what is about to be tried is accepted, and to
    /// make the trees of its first candidates.
    pub(super) fn look_ahead(&mut self, then: Underway) {
        self.finish_ahead();
        let of = (then.tree.lockfile.clone(), then.key.clone());
        let stop = Arc::new(AtomicBool::new(false));
        let look = Look {
            planning: self.planning(),
            managers: Arc::clone(&self.managers),
            workplace: Arc::clone(&self.workplace),
            then,
            applied: self.journal.history().applied_attempts(),
            stop: Arc::clone(&stop),
        };
        let thread = std::thread::Builder::new()
            .name("look ahead".into())
            .spawn(move || look.plan_and_fill());
        // Without a thread to spare everything is done when its turn comes.
        self.ahead = thread.ok().map(|thread| Ahead {
            of,
            stop,
            thread: Some(thread),
        });
    }

    /// The plans for what is underway, where they were made ahead; the trees of the first
    /// candidates are made by then too. Nothing is made ahead any more afterwards.
    pub(super) fn planned_ahead(&mut self, underway: &Underway) -> Option<Vec<Plan>> {
        let mut ahead = self.ahead.take()?;
        let (lockfile, key) = &ahead.of;
        if (lockfile, key) != (&underway.tree.lockfile, &underway.key) {
            return None;
        }
        // What went wrong there goes wrong again when its turn comes, and is told then.
        ahead.thread.take()?.join().ok()?.ok()
    }

    /// Waits until nothing is made ahead any more.
    pub(super) fn finish_ahead(&mut self) {
        self.ahead = None;
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
    fn plan_and_fill(&self) -> Result<Vec<Plan>> {
        let plans = self.planning.plan(&self.then)?;
        let batch = self.planning.batch(&plans, &self.then);
        // A tree that could not be made now is made when its turn comes.
        let _ = self.fill(batch);
        Ok(plans)
    }

    /// Makes the trees of the candidates one upon the other, as if each were to stand.
    fn fill(&self, batch: Vec<Proposal>) -> Result<()> {
        let workbench = workbench_for(&self.managers, &self.then.project)?;
        if batch.is_empty() || !workbench.can_work_beside(&self.then.work)? {
            return Ok(());
        }
        let (mut tree, mut key) = (self.then.tree.clone(), self.then.key.clone());
        for proposal in batch {
            let Some(proposal) = upon(proposal, &self.then, &tree, &key)? else {
                continue;
            };
            // What was applied before is made again from the ledger, and by no other way.
            if self.stop.load(Ordering::Relaxed) || self.applied.contains(&proposal.key) {
                break;
            }
            let filler = Filler::new(&self.workplace, &tree, &proposal)?;
            if filler.fill(workbench, Meanwhile::Trial)?.is_none() {
                tree = filler.tree.clone();
                key.clone_from(&proposal.key);
            }
        }
        Ok(())
    }
}
