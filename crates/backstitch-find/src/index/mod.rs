//! The compiled advisory index: one file, mapped into memory, read in place.
//!
//! Opening checks the header alone. An ecosystem's section is checked in chunks: the table
//! of their digests when the section is asked for, each chunk before the first byte of it is
//! used. Nothing is parsed but the records that a lookup reaches, and every offset is
//! checked, so that no bytes can make it panic. Damage that a lookup comes to is an error;
//! [`Index::verify`] finds all of it. Writing is [`compile`]'s and [`replace`]'s business;
//! what a version is, `matching`'s.

mod about;
mod chunks;
mod compile;
mod cursor;
mod entry;
mod replace;
mod section;

use std::fs::File;
use std::path::{Path, PathBuf};

use backstitch_model::package::Ecosystem;
use memmap2::Mmap;

pub use about::{About, Provenance, SectionSummary};
pub use compile::compile;
pub use entry::AffectedEntry;
pub use replace::replace;
pub use section::Section;

use chunks::{DIGEST_BYTES, Seen};
use cursor::Cursor;

/// What every index file begins with.
const MAGIC: [u8; 8] = *b"BKSTIDX\n";

/// The layout that this code reads and writes; any change to it is a new number.
const FORMAT: u32 = 2;

/// Magic, format, directory length, file length, digest of all that and the directory.
const HEADER_BYTES: usize = 8 + 4 + 4 + 8 + DIGEST_BYTES;

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
    seen: Vec<Seen>,
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
    /// Another version of Backstitch wrote it.
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
    /// Maps the file at `path` and checks its header. The rest is checked where it is used.
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
                let seen = about.sections.iter().map(|_| Seen::default()).collect();
                Ok(Self {
                    name,
                    data,
                    about,
                    seen,
                })
            }
            Err(problem) => Err(IndexError { name, problem }),
        }
    }

    /// What the index holds and where it comes from.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// The records on `ecosystem`'s packages, each checked when it is read; `None` where the
    /// index has none.
    pub fn section(&self, ecosystem: &Ecosystem) -> Result<Option<Section<'_>>, IndexError> {
        let name = ecosystem.as_osv();
        match self
            .about
            .sections
            .iter()
            .position(|section| section.ecosystem == name)
        {
            Some(position) => self.section_at(position).map(Some),
            None => Ok(None),
        }
    }

    /// Checks every byte: each chunk's digest, and that each record can be read.
    pub fn verify(&self) -> Result<(), IndexError> {
        for position in 0..self.about.sections.len() {
            let section = self.section_at(position)?;
            section.walk().map_err(|damage| self.damaged(damage))?;
        }
        Ok(())
    }

    fn section_at(&self, position: usize) -> Result<Section<'_>, IndexError> {
        let summary = &self.about.sections[position];
        let part = |span| self.data.bytes().get(span);
        part(summary.span.clone())
            .zip(part(summary.digests()))
            .and_then(|(bytes, digests)| self.seen[position].open(bytes, digests, &summary.digest))
            .and_then(|chunks| Section::open(chunks, &summary.ecosystem))
            .ok_or_else(|| self.damaged(format!("section `{}`", summary.ecosystem)))
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
