//! Reads the lockfiles of npm, pnpm and yarn into the model's dependency graph. Hostile
//! text gives problems, never a crash; nothing is opened here, and no file but the texts
//! given is looked at.
//!
//! A lockfile is *parsed* first, which tells the folders of the project's own packages;
//! with the manifests of those it is *linked*, each dependency to the package that node
//! would load for it. `gather` unites the copies of one release, `source` tells where a
//! package comes from.

mod gather;
mod source;

pub(crate) mod manifest;

mod package_lock;
mod pnpm;
mod yarn;

mod yaml;
mod yarn_classic;

use backstitch_model::LockFormat;
use backstitch_model::project::{DependencyGraph, Manifest};

use package_lock::PackageLock;
use pnpm::PnpmLock;
use yarn::YarnLock;

/// The largest lockfile that is read, in bytes.
pub(crate) const LOCKFILE_BYTES_MAX: u64 = 64 << 20;

/// How many packages, copies included, one lockfile may have.
const ENTRIES_MAX: usize = 200_000;

/// A lockfile whose names are not linked yet.
#[derive(Debug)]
pub(crate) enum Parsed {
    PackageLock(PackageLock),
    Pnpm(PnpmLock),
    Yarn(YarnLock),
}

/// One of the project's own packages: its folder below the lockfile's, empty for that
/// itself, and its manifest where there is one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Own {
    pub(crate) folder: String,
    pub(crate) manifest: Option<Manifest>,
}

/// A lockfile that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Linked {
    pub(crate) graph: DependencyGraph,
    /// The names and versions of the project's own packages, in the order given.
    pub(crate) own: Vec<(String, String)>,
    /// What is odd about it, each in a sentence; the rest was read all the same.
    pub(crate) problems: Vec<String>,
}

/// Says why a lockfile cannot be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LockError {
    #[error("it is not UTF-8 text")]
    NotText,
    #[error("it has format version {0}, and {1} are understood")]
    OtherVersion(String, &'static str),
    #[error("{0}")]
    Malformed(String),
    #[error("it has more than {ENTRIES_MAX} packages")]
    TooMany,
    #[error("lockfiles of this kind are not read here")]
    OtherFormat,
}

/// Reads a lockfile's text.
pub(crate) fn parse(format: LockFormat, bytes: &[u8]) -> Result<Parsed, LockError> {
    let text = std::str::from_utf8(bytes).map_err(|_| LockError::NotText)?;
    match format {
        LockFormat::Npm => PackageLock::parse(text).map(Parsed::PackageLock),
        LockFormat::Pnpm => PnpmLock::parse(text).map(Parsed::Pnpm),
        LockFormat::Yarn => YarnLock::parse(text).map(Parsed::Yarn),
        LockFormat::Cargo
        | LockFormat::Requirements
        | LockFormat::Poetry
        | LockFormat::Uv
        | LockFormat::Pipenv
        | LockFormat::GoMod
        | LockFormat::Gemfile
        | LockFormat::Composer
        | LockFormat::Maven => Err(LockError::OtherFormat),
    }
}

impl Parsed {
    /// The folders of the project's own packages that the lockfile names, as it writes them.
    pub(crate) fn folders(&self) -> Vec<&str> {
        match self {
            Self::PackageLock(lock) => lock.folders(),
            Self::Pnpm(lock) => lock.folders(),
            Self::Yarn(lock) => lock.folders(),
        }
    }

    /// Links every dependency to the package that is meant. `own` has the root first.
    pub(crate) fn link(&self, own: &[Own]) -> Linked {
        match self {
            Self::PackageLock(lock) => lock.link(own),
            Self::Pnpm(lock) => lock.link(own),
            Self::Yarn(lock) => lock.link(own),
        }
    }
}

#[cfg(test)]
mod tests;
