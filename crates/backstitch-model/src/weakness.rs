//! A weakness of the project's own code, which another scanner reported or a reproducer shows.
//! Backstitch's planner has no fix for it; it judges those that others make.

use std::fmt;

use crate::finding::FindingId;
use crate::path::RelPath;

/// Stands for the scanner where a reproducer alone shows a weakness.
pub const REPRODUCER: &str = "reproducer";

/// Something another scanner, or a reproducer, says is wrong in the project's own code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weakness {
    /// Its fingerprint: the same problem keeps it when lines move.
    pub id: FindingId,
    /// The scanner that reported it, or [`REPRODUCER`].
    pub scanner: String,
    /// The rule it breaks, as the scanner names it, or the reproducer's name.
    pub rule: String,
    /// What is wrong, in the scanner's words.
    pub message: String,
    /// The file, where the scanner names one inside the project.
    pub location: Option<RelPath>,
    /// The line in it, from 1.
    pub line: Option<u64>,
}

impl Weakness {
    /// Did a scanner report it?
    pub fn is_reported(&self) -> bool {
        self.scanner != REPRODUCER
    }

    /// Is this what a user means by `name`: its fingerprint, or its rule?
    pub fn is_called(&self, name: &str) -> bool {
        self.id.0 == name || self.rule == name
    }
}

impl fmt::Display for Weakness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.rule, self.scanner)?;
        let Some(location) = &self.location else {
            return Ok(());
        };
        write!(formatter, " at {location}")?;
        match self.line {
            Some(line) => write!(formatter, ":{line}"),
            None => Ok(()),
        }
    }
}
