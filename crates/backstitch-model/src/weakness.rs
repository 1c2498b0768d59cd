//! A weakness that another scanner reported. Backstitch proposes no fix for it; it judges those
//! that others make.

use std::fmt;

use crate::finding::FindingId;
use crate::path::RelPath;

/// Something another scanner says is wrong in the project's own code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weakness {
    /// Its fingerprint: the same problem keeps it when lines move.
    pub id: FindingId,
    /// The scanner that reported it.
    pub scanner: String,
    /// The rule it breaks, as the scanner names it.
    pub rule: String,
    /// What is wrong, in the scanner's words.
    pub message: String,
    /// The file, where the scanner names one inside the project.
    pub location: Option<RelPath>,
    /// The line in it, from 1.
    pub line: Option<u64>,
}

impl Weakness {
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
