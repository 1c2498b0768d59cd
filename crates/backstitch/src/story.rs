//! What a run amounts to: every finding's record, and where the fixes are.

use std::path::PathBuf;

use backstitch_model::evidence::{Confinement, Phase};
use backstitch_model::{Finding, Record, RelPath};

use crate::exit::Exit;

/// One run, told from its end.
#[derive(Debug, Clone)]
pub struct Story {
    /// The run's id in the ledger.
    pub run: String,
    /// When the run began, in seconds since 1970 UTC.
    pub started_at_s: i64,
    /// The project's folder.
    pub project: String,
    /// The commit or digest that was judged.
    pub base: String,
    /// The advisories used, in words.
    pub advisories: String,
    /// The toolchain, in words.
    pub toolchain: String,
    /// How the project's programs were kept in.
    pub confinement: Confinement,
    /// One record a finding: vulnerabilities first, then notices.
    pub records: Vec<Record>,
    /// The untouched project's checks, a lockfile each.
    pub baselines: Vec<(RelPath, Phase)>,
    /// The fixes that were accepted, in the order they build upon each other.
    pub fixes: Vec<Fix>,
    /// What a reader should know that belongs to no finding.
    pub notes: Vec<String>,
    /// Where the fixes were delivered.
    pub delivery: Option<Delivery>,
    /// The folder with reports and logs.
    pub evidence: PathBuf,
}

/// An accepted fix: what one commit holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// The attempt's key in the ledger.
    pub attempt: String,
    /// Indexes into [`Story::records`] of the findings it settles.
    pub settles: Vec<usize>,
    /// The files it changes, each with its whole text before and after.
    pub files: Vec<ChangedFile>,
}

/// A file before and after a fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// Where it is, from the project's root.
    pub path: RelPath,
    /// Its text before.
    pub before: String,
    /// Its text after.
    pub after: String,
}

/// Where fixes were left for a human.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// A branch of the repository.
    Branch {
        /// Its name.
        name: String,
        /// One commit a fix, oldest first.
        commits: Vec<String>,
    },
    /// A folder of patch files.
    Patches {
        /// The folder.
        folder: PathBuf,
        /// The files' names, in the order to apply them.
        files: Vec<String>,
    },
}

impl Delivery {
    /// Where it is and what is in it, as the ledger writes it.
    pub fn place_and_items(&self) -> (String, Vec<String>) {
        match self {
            Self::Branch { name, commits } => (name.clone(), commits.clone()),
            Self::Patches { folder, files } => (folder.display().to_string(), files.clone()),
        }
    }
}

impl Story {
    /// The records of vulnerabilities.
    pub fn vulnerabilities(&self) -> impl Iterator<Item = &Record> {
        self.records
            .iter()
            .filter(|record| record.finding.is_vulnerability())
    }

    /// The vulnerabilities that nothing settles.
    pub fn left(&self) -> impl Iterator<Item = &Record> {
        self.vulnerabilities()
            .filter(|record| record.settled_by().is_none())
    }

    /// The exit code that says so.
    pub fn exit(&self) -> Exit {
        if self.left().next().is_none() {
            Exit::NothingLeft
        } else {
            Exit::FindingsLeft
        }
    }
}

/// The exit code of a list of findings.
pub fn exit_of(findings: &[Finding]) -> Exit {
    if findings.iter().any(Finding::is_vulnerability) {
        Exit::FindingsLeft
    } else {
        Exit::NothingLeft
    }
}
