//! What keeps Backstitch from running a job. A job that fails is no error.

use std::io;
use std::path::PathBuf;

use super::wire::Step;

/// Why a job could not be run at all.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The init program could not be started.
    #[error("start sandbox init `{}`: {source}", program.display())]
    Start {
        /// The init program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The kernel or a path stood in the way while the sandbox was built.
    #[error("build sandbox: {what}: {source}")]
    Setup {
        /// Which part of the sandbox.
        step: Step,
        /// What was being done to what.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// The job's program is not there or cannot be executed.
    #[error("execute `{program}` in the sandbox: {source}")]
    Execute {
        /// The program as the job names it.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// The init program ended without a word.
    #[error("sandbox init ended before the job did: {0}")]
    Lost(String),
    /// The job's description cannot be used.
    #[error("describe job: {0}")]
    Job(String),
    /// A log could not be written.
    #[error("write log `{}`: {source}", path.display())]
    Log {
        /// The log.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A tree could not be handed to the sandbox's user or removed.
    #[error("{doing} `{}`: {source}", path.display())]
    Tree {
        /// The verb.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something between Backstitch and the job broke.
    #[error("supervise sandbox: {0}")]
    Supervise(#[from] io::Error),
}

impl From<nix::Error> for SandboxError {
    fn from(errno: nix::Error) -> Self {
        Self::Supervise(errno.into())
    }
}

/// Why this machine cannot build a sandbox, and what would change that.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox cannot be built here: {refused}; {advice}")]
pub struct Unavailable {
    /// What was refused, with the system's words.
    pub refused: String,
    /// What to do about it.
    pub advice: String,
}
