//! A check: one rung of the ladder, and how it ended.

use std::fmt;
use std::time::Duration;

/// A rung of the ladder, in the order of climbing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// Does the change touch only what a fix may touch?
    Scope,
    /// Does the changed tree build?
    Build,
    /// Was it red before, and is it green after?
    Reproduce,
    /// Does everything that passed still pass?
    Regress,
    /// Is the finding gone, and nothing new there?
    Rescan,
    /// Is the cause gone, or just this input?
    ReAttack,
    /// Does it behave the same otherwise?
    Compare,
}

impl Check {
    /// Every rung, in the order of climbing.
    pub const LADDER: [Self; 7] = [
        Self::Scope,
        Self::Build,
        Self::Reproduce,
        Self::Regress,
        Self::Rescan,
        Self::ReAttack,
        Self::Compare,
    ];

    /// Its name, as reports and the ledger write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scope => "Scope",
            Self::Build => "Build",
            Self::Reproduce => "Reproduce",
            Self::Regress => "Regress",
            Self::Rescan => "Rescan",
            Self::ReAttack => "Re-attack",
            Self::Compare => "Compare",
        }
    }

    /// The rung called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::LADDER.into_iter().find(|check| check.name() == name)
    }
}

impl fmt::Display for Check {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It ran and found nothing wrong.
    Passed,
    /// It ran and found something wrong: what.
    Failed(String),
    /// It ran, and saw something that only a human can judge: what.
    Differs(String),
    /// It did not end in the time it had.
    TimedOut,
    /// It did not run: why. Never counts as passed.
    NotRun(String),
}

/// One check that was made, or was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRun {
    /// The rung.
    pub check: Check,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub elapsed: Duration,
    /// What a reader of the evidence should know, each in a sentence.
    pub notes: Vec<String>,
    /// Where its log is, where it has one.
    pub log: Option<String>,
}

impl CheckRun {
    /// Several runs of one rung as one: the first that failed, else the first that could not be
    /// made, else the first that saw a difference, else one that passed.
    pub fn together(check: Check, runs: Vec<Self>) -> Self {
        let weight = |run: &Self| match run.outcome {
            Outcome::Failed(_) | Outcome::TimedOut => 0,
            Outcome::NotRun(_) => 1,
            Outcome::Differs(_) => 2,
            Outcome::Passed => 3,
        };
        let elapsed = runs.iter().map(|run| run.elapsed).sum();
        let mut notes: Vec<String> = Vec::new();
        for note in runs.iter().flat_map(|run| &run.notes) {
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
        let worst = runs.into_iter().min_by_key(weight);
        let worst = worst.unwrap_or_else(|| Self::instant(check, Outcome::NotRun(String::new())));
        Self {
            elapsed,
            notes,
            ..worst
        }
    }

    /// A check that took no time worth telling and has no log.
    pub fn instant(check: Check, outcome: Outcome) -> Self {
        Self {
            check,
            outcome,
            elapsed: Duration::ZERO,
            notes: Vec::new(),
            log: None,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => formatter.write_str("passed"),
            Self::Failed(why) => write!(formatter, "failed: {why}"),
            Self::Differs(what) => write!(formatter, "differs: {what}"),
            Self::TimedOut => formatter.write_str("timed out"),
            Self::NotRun(why) => write!(formatter, "not run: {why}"),
        }
    }
}
