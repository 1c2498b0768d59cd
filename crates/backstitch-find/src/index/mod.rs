//! The compiled advisory index: one file, mapped into memory, read in place.
//!
//! Opening checks the header alone; an ecosystem's section is checked against its own
//! digest the first time it is asked for. Nothing is parsed but the records that a lookup
//! reaches, and every offset is checked, so that no bytes can make it panic. Writing is
//! [`compile`]'s and [`replace`]'s business; what a version is, `matching`'s.

mod about;
mod compile;
mod cursor;
mod entry;
mod replace;
mod section;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use backstitch_model::package::Ecosystem;
use memmap2::Mmap;

pub use about::{About, Provenance, SectionSummary};
pub use compile::compile;
pub use entry::AffectedEntry;
pub use replace::replace;
pub use section::Section;

use cursor::Cursor;

/// What every index file begins with.
const MAGIC: [u8; 8] = *b"BKSTIDX\n";

/// The layout that this code reads and writes; any change to it is a new number.
const FORMAT: u32 = 1;

/// Magic, format, directory length, file length, digest of all that and the directory.
const HEADER_BYTES: usize = 8 + 4 + 4 + 8 + 32;

/// The digest's place in the header.
const DIGEST_AT: usize = 24;

/// The largest file that is mapped: sections are addressed with 32 bits each.
const FILE_BYTES_MAX: u64 = 1 << 34;

/// A compiled index of advisories, open for lookup.
#[derive(Debug)]
pub struct Index {
    name: PathBuf,
    data: Storage,
    about: About,
    checked: Vec<OnceLock<bool>>,
}

#[derive(Debug)]
enum Storage {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

/// Says why an index cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("read advisory index `{}`: {problem}", name.display())]
pub struct IndexError {
    /// The file, or the name of the bytes in memory.
    pub name: PathBuf,
    /// What is wrong with it.
    pub problem: IndexProblem,
}

/// What is wrong with an index.
#[derive(Debug, thiserror::Error)]
pub enum IndexProblem {
    /// The operating system could not open, read or write it.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It is not an advisory index at all.
    #[error("it is not an advisory index; import the advisories again")]
    Foreign,
    /// A later version of Backstitch wrote it.
    #[error(
        "it has format {0}, and this version reads format {FORMAT}; import the advisories again"
    )]
    OtherFormat(u32),
    /// It is shorter or longer than it says.
    #[error("it has {found} bytes where its header says {expected}; import the advisories again")]
    WrongLength {
        /// What the header says.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// A digest does not match, or a record points outside: which part.
    #[error("its {0} is damaged; import the advisories again")]
    Damaged(String),
    /// More data than the format can hold.
    #[error("{0} is too large for an index")]
    TooLarge(&'static str),
}

impl Index {
    /// Maps the file at `path` and checks its header. Sections are checked when used.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        let mapped = map(path).map_err(|problem| IndexError {
            name: path.to_owned(),
            problem,
        })?;
        Self::from_storage(path.to_owned(), Storage::Mapped(mapped))
    }

    /// Opens an index that is in memory, such as one compiled at start.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, IndexError> {
        Self::from_storage(PathBuf::from("(in memory)"), Storage::Owned(bytes))
    }

    fn from_storage(name: PathBuf, data: Storage) -> Result<Self, IndexError> {
        match about::read(data.bytes()) {
            Ok(about) => {
                let checked = about.sections.iter().map(|_| OnceLock::new()).collect();
                Ok(Self {
                    name,
                    data,
                    about,
                    checked,
                })
            }
            Err(problem) => Err(IndexError { name, problem }),
        }
    }

    /// What the index holds and where it comes from.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The records on `ecosystem`'s packages, checked against their digest; `None` where
    /// the index has none.
    pub fn section(&self, ecosystem: &Ecosystem) -> Result<Option<Section<'_>>, IndexError> {
        let name = ecosystem.as_osv();
        match self
            .about
            .sections
            .iter()
            .position(|section| section.ecosystem == name)
        {
            Some(position) => self.checked_section(position).map(Some),
            None => Ok(None),
        }
    }

    /// Checks every byte: each section's digest, and that each record can be read.
    pub fn verify(&self) -> Result<(), IndexError> {
        for position in 0..self.about.sections.len() {
            let section = self.checked_section(position)?;
            section.walk().map_err(|damage| self.damaged(damage))?;
        }
        Ok(())
    }

    fn checked_section(&self, position: usize) -> Result<Section<'_>, IndexError> {
        let summary = &self.about.sections[position];
        let damaged = || self.damaged(format!("section `{}`", summary.ecosystem));
        let bytes = self
            .data
            .bytes()
            .get(summary.span.clone())
            .ok_or_else(damaged)?;
        let matches = *self.checked[position]
            .get_or_init(|| *blake3::hash(bytes).as_bytes() == summary.digest);
        if !matches {
            return Err(damaged());
        }
        Section::open(bytes, &summary.ecosystem).ok_or_else(damaged)
    }

    /// The error for a part that could not be read.
    pub(crate) fn damaged(&self, part: String) -> IndexError {
        IndexError {
            name: self.name.clone(),
            problem: IndexProblem::Damaged(part),
        }
    }
}

impl Storage {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(mapped) => mapped,
            Self::Owned(bytes) => bytes,
        }
    }
}

#[expect(
    unsafe_code,
    reason = "mapping a file is unsafe because another process may change it; an index is \
              only ever replaced by rename, which leaves a mapped file as it was"
)]
fn map(path: &Path) -> Result<Mmap, IndexProblem> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(IndexProblem::Foreign);
    }
    if metadata.len() > FILE_BYTES_MAX {
        return Err(IndexProblem::TooLarge("the file"));
    }
    // SAFETY: the map is read-only and private, and the file is not written in place.
    Ok(unsafe { Mmap::map(&file) }?)
}

#[cfg(test)]
mod tests;
