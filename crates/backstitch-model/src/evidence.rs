//! Evidence: the checks made on the untouched and on the changed tree.

use std::collections::BTreeMap;

use crate::check::{Check, CheckRun, Outcome};

/// Every check made for one candidate. The verdict is computed from it, never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// On the untouched tree. `Rescan` and `Reproduce` are *red* here when they
    /// [`Failed`](Outcome::Failed): that is what a fix must turn green.
    pub before: Phase,
    /// On the changed tree.
    pub after: Phase,
    /// What the change is said to do.
    pub claim: Claim,
    /// How the project's programs were kept in.
    pub confinement: Confinement,
}

/// The checks of one tree, at most one a rung.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Phase(BTreeMap<Check, CheckRun>);

/// What a change is said to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Claim {
    /// To settle a flaw that was named or shown.
    Fix,
    /// Nothing: it is only asked whether it does harm.
    Nothing,
}

/// How the project's programs were kept in while they ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confinement {
    /// In the sandbox.
    Sandboxed,
    /// With nothing around them, because the user asked for that.
    Unconfined,
}

const NEVER_STARTED: &Outcome = &Outcome::NotRun(String::new());

impl Phase {
    /// Puts a check in; a second run of the same rung replaces the first.
    pub fn insert(&mut self, run: CheckRun) {
        self.0.insert(run.check, run);
    }

    /// How the rung ended here; a rung never reached was not run.
    pub fn outcome(&self, check: Check) -> &Outcome {
        self.0.get(&check).map_or(NEVER_STARTED, |run| &run.outcome)
    }

    /// The run of one rung.
    pub fn get(&self, check: Check) -> Option<&CheckRun> {
        self.0.get(&check)
    }

    /// Every run, in the order of the ladder.
    pub fn runs(&self) -> impl Iterator<Item = &CheckRun> {
        self.0.values()
    }
}

impl FromIterator<CheckRun> for Phase {
    fn from_iter<I: IntoIterator<Item = CheckRun>>(runs: I) -> Self {
        let mut phase = Self::default();
        runs.into_iter().for_each(|run| phase.insert(run));
        phase
    }
}
