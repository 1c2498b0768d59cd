//! A record: one finding's whole story.

use crate::candidate::{Candidate, Obstacle};
use crate::evidence::Evidence;
use crate::finding::Finding;
use crate::verdict::Verdict;

/// One finding and everything that was tried for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The finding.
    pub finding: Finding,
    /// Every attempt, first to last.
    pub attempts: Vec<Attempt>,
    /// Why no further candidate was there, where none was.
    pub obstacle: Option<Obstacle>,
}

/// One candidate, tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The candidate.
    pub candidate: Candidate,
    /// What was observed.
    pub evidence: Evidence,
}

impl Record {
    /// The attempt that settles the finding, where one does.
    pub fn settled_by(&self) -> Option<&Attempt> {
        self.attempts
            .iter()
            .find(|attempt| attempt.evidence.verdict().settles())
    }

    /// The verdict to show: the settling one, else the last; `None` where nothing was tried.
    pub fn verdict(&self) -> Option<Verdict> {
        self.settled_by()
            .or(self.attempts.last())
            .map(|attempt| attempt.evidence.verdict())
    }

    /// Does a human have to look at it?
    pub fn needs_human(&self) -> bool {
        let is_open = self.verdict().is_none_or(|verdict| verdict.needs_human());
        is_open && self.finding.is_vulnerability()
    }
}
