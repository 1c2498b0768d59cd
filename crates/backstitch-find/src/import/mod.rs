//! Reads advisories from files into records: OSV in JSON, loose or in archives, and the
//! RustSec database's Markdown.
//!
//! Owns bounds and bookkeeping. A broken record is counted, told and left out; a broken
//! archive stops the import, since nobody can say which records it should have held.
//! Writes nothing: what becomes of the records is the caller's choice.

mod intervals;
mod osv;
mod rustsec;
mod sources;

use std::path::{Path, PathBuf};

use backstitch_model::Advisory;
use rayon::prelude::*;

/// How many problems are told one by one; the rest are only counted.
const PROBLEMS_MAX: usize = 100;

/// Documents are parsed together in batches of about so many bytes.
const BATCH_BYTES: usize = 4 << 20;

/// Below so many documents, waking other threads costs more than it saves.
const PARALLEL_DOCUMENTS_MIN: usize = 128;

/// What an import may read. The defaults hold every database that is known today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Files of one folder or entries of one archive.
    pub entries_max: usize,
    /// Bytes of one record.
    pub entry_bytes_max: u64,
    /// Bytes of one source after decompression.
    pub total_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries_max: 1_000_000,
            entry_bytes_max: 16 << 20,
            total_bytes_max: 8 << 30,
        }
    }
}

/// What an import read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imported {
    /// The records.
    pub advisories: Vec<Advisory>,
    /// How many files and archive entries were looked at.
    pub documents: usize,
    /// The first problems: at most a hundred.
    pub problems: Vec<ImportProblem>,
    /// How many problems there were in all.
    pub problem_count: usize,
}

/// A record, or a part of one, that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportProblem {
    /// The file or the archive's entry, as it is called there.
    pub file: String,
    /// What is wrong with it.
    pub what: String,
}

/// Says why an import stopped.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file or folder could not be read.
    #[error("read `{}`: {error}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// An archive is broken.
    #[error("read archive `{}`: {why}", path.display())]
    Archive {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A source is larger than a limit.
    #[error("read `{}`: it has more than {limit}", path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
        /// The limit, such as `1000000 entries`.
        limit: String,
    },
    /// The file's name does not say what it is.
    #[error("read `{}`: it is no folder and its name does not end with .json, .zip or .tar.xz", .0.display())]
    UnknownKind(PathBuf),
    /// Nothing was found; the first problem may say why.
    #[error("read `{}`: it holds no advisory{}", path.display(), first_problem.as_ref().map(|what| format!(" ({what})")).unwrap_or_default())]
    NoRecords {
        /// Which.
        path: PathBuf,
        /// The first problem, where there was one.
        first_problem: Option<String>,
    },
}

/// Reads one source: a folder of records, archives or a RustSec checkout; a `.json` file
/// with a record, a list of records or an object with `records`; a `.zip`; a `.tar.xz`.
pub fn read(path: &Path) -> Result<Imported, ImportError> {
    read_within(path, &Limits::default())
}

/// Reads several sources at the same time; their records keep the sources' order.
pub fn read_all(paths: &[PathBuf]) -> Result<Imported, ImportError> {
    let each: Vec<_> = paths.par_iter().map(|path| read(path)).collect();
    let mut all = Imported::default();
    for imported in each {
        all.append(imported?);
    }
    Ok(all)
}

/// Like [`read`], with limits of the caller's choice.
pub fn read_within(path: &Path, limits: &Limits) -> Result<Imported, ImportError> {
    let mut intake = Intake::default();
    sources::read(path, limits, &mut intake)?;
    let imported = intake.finish();
    if imported.advisories.is_empty() {
        return Err(ImportError::NoRecords {
            path: path.to_owned(),
            first_problem: imported
                .problems
                .into_iter()
                .next()
                .map(|problem| problem.what),
        });
    }
    Ok(imported)
}

/// Reads OSV records from JSON in memory, such as the starter set inside the binary.
pub fn read_json(name: &str, json: &[u8]) -> Imported {
    let mut imported = Imported::default();
    let parsed = parse(&Document {
        name: name.to_owned(),
        format: Format::Osv,
        bytes: json.to_vec(),
    });
    imported.take(parsed);
    imported
}

/// A file's bytes on their way to becoming records.
#[derive(Debug)]
struct Document {
    name: String,
    format: Format,
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Osv,
    RustSec,
}

/// What one document gave.
#[derive(Debug)]
struct Parsed {
    advisories: Vec<Advisory>,
    problems: Vec<ImportProblem>,
}

/// Collects documents into batches and parses each batch on all cores.
#[derive(Debug, Default)]
struct Intake {
    imported: Imported,
    batch: Vec<Document>,
    batch_bytes: usize,
}

impl Intake {
    fn add(&mut self, document: Document) {
        self.batch_bytes += document.bytes.len();
        self.batch.push(document);
        if self.batch_bytes >= BATCH_BYTES {
            self.flush();
        }
    }

    fn refuse(&mut self, file: String, what: String) {
        self.imported.documents += 1;
        self.imported.note(ImportProblem { file, what });
    }

    fn flush(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        let parsed: Vec<Parsed> = if batch.len() < PARALLEL_DOCUMENTS_MIN {
            batch.iter().map(parse).collect()
        } else {
            batch.par_iter().with_min_len(16).map(parse).collect()
        };
        for parsed in parsed {
            self.imported.take(parsed);
        }
    }

    fn finish(mut self) -> Imported {
        self.flush();
        self.imported
    }
}

impl Imported {
    fn take(&mut self, parsed: Parsed) {
        self.documents += 1;
        self.advisories.extend(parsed.advisories);
        for problem in parsed.problems {
            self.note(problem);
        }
    }

    fn note(&mut self, problem: ImportProblem) {
        self.problem_count += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }

    /// Adds what another import read.
    pub fn append(&mut self, other: Self) {
        self.documents += other.documents;
        self.advisories.extend(other.advisories);
        self.problem_count += other.problem_count;
        let room = PROBLEMS_MAX.saturating_sub(self.problems.len());
        self.problems.extend(other.problems.into_iter().take(room));
    }
}

fn parse(document: &Document) -> Parsed {
    let mut problems = Vec::new();
    let advisories = match document.format {
        Format::Osv => osv::parse(&document.bytes, &mut problems),
        Format::RustSec => rustsec::parse(&document.bytes, &mut problems)
            .into_iter()
            .collect(),
    };
    let file = &document.name;
    let told = |what| ImportProblem {
        file: file.clone(),
        what,
    };
    Parsed {
        advisories,
        problems: problems.into_iter().map(told).collect(),
    }
}

#[cfg(test)]
mod tests;
