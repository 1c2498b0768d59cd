//! The events a run is made of.

use serde::{Deserialize, Serialize};

use crate::wire;

/// Something that happened. Each is written before the next step begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A run began.
    RunStarted(RunStart),
    /// A run that was cut off goes on.
    RunResumed {
        /// How many events it had.
        events: u64,
    },
    /// What was found in the untouched project.
    Found {
        /// Every finding, notices included.
        findings: Vec<wire::Finding>,
        /// The weaknesses of the project's own code that were named.
        #[serde(default)]
        weaknesses: Vec<wire::Weakness>,
    },
    /// The untouched project was built and tested.
    Baseline {
        /// The lockfile it belongs to.
        lockfile: String,
        /// What ran.
        checks: Vec<wire::CheckRun>,
        /// What the tests told.
        tests: wire::Tests,
        /// How the project is built and tested from here on.
        commands: String,
    },
    /// A candidate was applied to a copy, or could not be.
    Applied {
        /// The attempt's key.
        attempt: String,
        /// The candidate.
        candidate: wire::Candidate,
        /// The files it changed, whole; empty where it was refused.
        files: Vec<FileText>,
        /// Why it could not be applied.
        refused: Option<String>,
    },
    /// A check ended on the changed tree.
    Checked {
        /// The attempt's key.
        attempt: String,
        /// The check.
        run: wire::CheckRun,
    },
    /// A reproducer ran.
    Reproduced {
        /// The tree: an attempt's key, or `before ` and the lockfile.
        tree: String,
        /// The finding it is about.
        finding: String,
        /// The release of the package that it ran against.
        version: String,
        /// What it saw.
        reproduction: wire::Reproduction,
    },
    /// An engine was asked for a fix, or could not be.
    Asked(wire::Ask),
    /// What an engine proposes for a weakness was judged, or all that is delivered of that.
    Tried(wire::Tried),
    /// No candidate is left for these findings.
    Blocked {
        /// The findings.
        findings: Vec<String>,
        /// Why.
        why: String,
    },
    /// The fixes were delivered.
    Delivered {
        /// A branch's name or a folder's path.
        place: String,
        /// The commits or files in it.
        items: Vec<String>,
    },
    /// A change from elsewhere was judged.
    Judged {
        /// What it is called.
        change: String,
        /// Identifies it.
        digest: String,
        /// The verdict, in words.
        verdict: String,
        /// The tools that built and tested, in words.
        #[serde(default)]
        toolchain: String,
    },
    /// The run ended.
    RunFinished {
        /// Its exit code.
        exit: u8,
    },
}

/// What a run started from. Two runs with the same identity do the same work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStart {
    /// The digest of everything below but `started_at_s`.
    pub identity: String,
    /// The project's folder.
    pub project: String,
    /// The commit, or the digest of the folder's files.
    pub base: String,
    /// The advisories used, in words.
    pub advisories: String,
    /// The toolchain; empty where a change is judged, and is known once it is.
    pub toolchain: String,
    /// `sandboxed` or `unconfined`.
    pub confinement: String,
    /// The policy's digest.
    pub policy: String,
    /// The digest of every reproducer at hand.
    #[serde(default)]
    pub reproducers: String,
    /// The time it began at, in seconds since 1970 UTC.
    pub started_at_s: i64,
}

impl RunStart {
    /// Gives it the identity that covers all it says, what `more` says and this program, and the
    /// time that it is now.
    #[must_use]
    pub fn sealed(mut self, more: &str) -> Self {
        let covered = format!("{self:?}{more}{}", env!("CARGO_PKG_VERSION"));
        self.identity = blake3::hash(covered.as_bytes()).to_hex().to_string();
        self.started_at_s = jiff::Timestamp::now().as_second();
        self
    }
}

/// A file's whole text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileText {
    /// Where it is.
    pub path: String,
    /// What it holds.
    pub text: String,
}

impl Event {
    /// Its name, as the ledger's `kind` column and `ledger show` write it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RunStarted(_) => "run-started",
            Self::RunResumed { .. } => "run-resumed",
            Self::Found { .. } => "found",
            Self::Baseline { .. } => "baseline",
            Self::Applied { .. } => "applied",
            Self::Checked { .. } => "checked",
            Self::Reproduced { .. } => "reproduced",
            Self::Asked(_) => "asked",
            Self::Tried(_) => "tried",
            Self::Blocked { .. } => "blocked",
            Self::Delivered { .. } => "delivered",
            Self::Judged { .. } => "judged",
            Self::RunFinished { .. } => "run-finished",
        }
    }
}
