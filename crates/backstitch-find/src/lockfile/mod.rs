//! Reads a `Cargo.lock` into the model's dependency graph. Hostile text gives problems,
//! never a crash, and takes time in proportion to its length.
//!
//! Two readers give the same raw packages: `lines` reads the shape that Cargo itself
//! writes, `document` reads any TOML. The first is twenty times as fast and gives up at
//! the first line that it does not know, so that the second decides.
//! Format: <https://doc.rust-lang.org/cargo/guide/cargo-toml-vs-cargo-lock.html> and
//! Cargo's `encode.rs`, versions 1 to 4.

mod document;
mod lines;
mod link;

use std::ops::Range;

use backstitch_model::project::DependencyGraph;

pub(crate) use link::{Problems, quote};

/// The largest lockfile that is read, in bytes.
pub const LOCKFILE_BYTES_MAX: u64 = 64 << 20;

/// The largest lockfile that is read when it is not in the shape that Cargo writes.
const DOCUMENT_BYTES_MAX: usize = 8 << 20;

/// The latest format version that is understood.
const VERSION_MAX: i64 = 4;

/// A lockfile that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lockfile {
    /// The packages and who depends on whom.
    pub graph: DependencyGraph,
    /// Names under `[[patch.unused]]`.
    pub unused_patches: Vec<String>,
    /// What is odd about it, each in a sentence; the rest was read all the same.
    pub problems: Vec<String>,
}

/// Says why a lockfile cannot be read at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LockfileError {
    /// It is not UTF-8.
    #[error("it is not UTF-8 text")]
    NotText,
    /// It is too long.
    #[error("it has more than {0} bytes")]
    TooLarge(u64),
    /// Its format is later than what is understood.
    #[error("it has format version {0}, and versions 1 to {VERSION_MAX} are understood")]
    OtherVersion(i64),
    /// It is not TOML, or not a lockfile's.
    #[error("{0}")]
    Malformed(String),
}

/// Reads a lockfile's text.
pub fn parse(bytes: &[u8]) -> Result<Lockfile, LockfileError> {
    if bytes.len() as u64 > LOCKFILE_BYTES_MAX {
        return Err(LockfileError::TooLarge(LOCKFILE_BYTES_MAX));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| LockfileError::NotText)?;
    let document;
    let raw = match lines::parse(text) {
        Some(raw) => raw,
        None if text.len() > DOCUMENT_BYTES_MAX => {
            return Err(LockfileError::Malformed(format!(
                "it has more than {DOCUMENT_BYTES_MAX} bytes and is not in the shape that cargo writes"
            )));
        }
        None => {
            document = document::parse(text)?;
            document.raw()
        }
    };
    match raw.version {
        Some(version) if !(1..=VERSION_MAX).contains(&version) => {
            Err(LockfileError::OtherVersion(version))
        }
        Some(_) | None => Ok(link::link(&raw)),
    }
}

/// A lockfile as its text says, before names are linked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Raw<'text> {
    version: Option<i64>,
    packages: Vec<RawPackage<'text>>,
    /// Of all packages in one list, which costs far less than one a package.
    dependencies: Vec<&'text str>,
    unused_patches: Vec<&'text str>,
    /// `[metadata]` of version 1: `checksum NAME VERSION (SOURCE)` and the digest.
    metadata: Vec<(&'text str, &'text str)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct RawPackage<'text> {
    name: &'text str,
    version: &'text str,
    source: Option<&'text str>,
    checksum: Option<&'text str>,
    /// Where its dependencies are in [`Raw::dependencies`].
    dependencies: Range<usize>,
}

impl<'text> Raw<'text> {
    fn dependencies_of(&self, package: &RawPackage<'_>) -> &[&'text str] {
        let places = package.dependencies.clone();
        self.dependencies.get(places).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
