//! The advisories a command goes by: an index the user names, the installed one, or the
//! starter set inside the program.

pub mod download;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use backstitch_find::import;
use backstitch_find::index::{self, Index, Provenance};
use backstitch_model::Digest;
use serde::Deserialize;

use crate::places::Places;
use crate::report;

/// The starter set: OSV records with summaries of our own, and where the facts are from.
const STARTER: &str = include_str!("../../../../data/starter/advisories.json");

/// An open index and what it is, in words.
#[derive(Debug)]
pub struct Advisories {
    index: Index,
    description: String,
    /// The file it is in; `None` for the starter set.
    file: Option<PathBuf>,
}

#[derive(Deserialize)]
struct StarterHead {
    date: String,
}

impl Advisories {
    /// Opens the index at `file`, else the installed one, else the starter set.
    pub fn open(places: &Places, file: Option<&Path>) -> Result<Self> {
        match file {
            Some(file) => Self::from_file(file),
            None if places.index().exists() => Self::from_file(&places.index()),
            None => Self::starter(),
        }
    }

    /// Opens an index file.
    pub fn from_file(file: &Path) -> Result<Self> {
        let index = Index::open(file)?;
        let about = index.about();
        let description = format!(
            "{} advisories, the newest of {}",
            about.records(),
            day(&about.newest_modified)
        );
        Ok(Self {
            index,
            description,
            file: Some(file.to_owned()),
        })
    }

    /// Compiles the starter set.
    pub fn starter() -> Result<Self> {
        let head: StarterHead =
            serde_json::from_str(STARTER).context("read the bundled starter set")?;
        let imported = import::read_json("starter set", STARTER.as_bytes());
        let provenance = Provenance {
            sources: vec!["starter set".into()],
            created_at: head.date.clone(),
        };
        let bytes = index::compile(&imported.advisories, provenance)?;
        let index = Index::from_bytes(bytes)?;
        let description = format!(
            "the bundled starter set of {} advisories of {}",
            imported.advisories.len(),
            head.date
        );
        Ok(Self {
            index,
            description,
            file: None,
        })
    }

    /// The index.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Names its content: two indexes with the same digest say the same.
    pub fn digest(&self) -> Result<Digest> {
        let hash = match &self.file {
            None => blake3::hash(STARTER.as_bytes()),
            Some(file) => {
                let mut hasher = blake3::Hasher::new();
                hasher
                    .update_mmap(file)
                    .with_context(|| format!("read advisory index `{}`", file.display()))?;
                hasher.finalize()
            }
        };
        Ok(Digest(*hash.as_bytes()))
    }

    /// What it is, in words.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// What a reader of results should know about it.
    pub fn notes(&self) -> Vec<String> {
        if self.file.is_some() {
            return Vec::new();
        }
        vec![format!(
            "{} was used: a small part of what is known. `backstitch db update` brings the rest.",
            self.description
        )]
    }

    /// Says on standard error what is used, where that is the starter set.
    pub fn announce(&self) {
        self.notes()
            .iter()
            .for_each(|note| report::say(&format!("note: {note}")));
    }
}

/// The day of an RFC 3339 time.
pub fn day(time: &str) -> &str {
    time.split('T')
        .next()
        .filter(|day| !day.is_empty())
        .unwrap_or("an unknown day")
}
