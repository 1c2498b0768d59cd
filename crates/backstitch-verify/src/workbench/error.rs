//! What keeps Backstitch from doing its job. What a package manager or a test refuses is no error.

use std::io;
use std::path::{Path, PathBuf};

use crate::sandbox::SandboxError;

/// Why a project could not be fetched, built or tested at all.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no toolchain of a language to work with.
    #[error("find a toolchain: {0}")]
    Toolchain(String),
    /// The sandbox could not do its job.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A file of Backstitch's own could not be read or written.
    #[error("{doing} `{}`: {source}", path.display())]
    File {
        /// The verb.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was written down of a baseline cannot be read back.
    #[error("restore the baseline: {0}")]
    Restore(String),
    /// The caller asked to stop.
    #[error("stopped on request")]
    Cancelled,
}

/// Names the file and what was being done to it.
pub(crate) trait Doing<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, VerifyError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, VerifyError> {
        self.map_err(|source| VerifyError::File {
            doing,
            path: path.to_path_buf(),
            source,
        })
    }
}
