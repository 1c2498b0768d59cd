//! The project under repair, as it is: read, copied, never changed.
//!
//! In a git repository the base is the commit at `HEAD`, read from the object
//! database: no hook, filter, fsmonitor or `git` program runs. Elsewhere it is the
//! folder's files. Symbolic links are copied as links and never followed out of the copy.

mod folder;
mod git;
pub mod patch;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use backstitch_model::RelPath;
use backstitch_model::candidate::SourceEdit;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, PermissionsExt};

pub use folder::each_text;
pub use git::{NewCommit, Repository};

/// Where the untouched project comes from.
#[derive(Debug)]
pub enum Source {
    /// A commit of a repository.
    Git(Box<Repository>),
    /// A folder without a repository.
    Folder(PathBuf),
}

/// What copying left out or could not read, each in a sentence.
pub type Notes = Vec<String>;

/// The most files a project may have.
const FILES_MAX: usize = 500_000;

/// The largest file that an edit may change, in bytes.
const EDITED_BYTES_MAX: u64 = 4 << 20;

/// The most bytes a project's files may have together.
const BYTES_MAX: u64 = 8 << 30;

impl Source {
    /// Opens the project at `path`: its repository where it is in one, else the folder.
    pub fn open(path: &Path) -> Result<Self> {
        let path = path
            .canonicalize()
            .with_context(|| format!("open project `{}`", path.display()))?;
        anyhow::ensure!(
            path.is_dir(),
            "open project `{}`: it is no folder",
            path.display()
        );
        match Repository::discover(&path)? {
            Some(repository) => Ok(Self::Git(Box::new(repository))),
            None => Ok(Self::Folder(path)),
        }
    }

    /// The folder it stands for, as people know it.
    pub fn root(&self) -> &Path {
        match self {
            Self::Git(repository) => repository.root(),
            Self::Folder(path) => path,
        }
    }

    /// The part of the project that was asked for; `None` for all of it.
    pub fn part(&self) -> Option<&RelPath> {
        match self {
            Self::Git(repository) => repository.part(),
            Self::Folder(_) => None,
        }
    }

    /// What identifies the base: the commit, or a digest of the folder's files.
    pub fn base(&self) -> Result<String> {
        match self {
            Self::Git(repository) => Ok(repository.commit()),
            Self::Folder(path) => folder::digest(path),
        }
    }

    /// Says in words what was judged.
    pub fn describe(&self) -> String {
        match self {
            Self::Git(repository) => {
                let commit = repository.commit();
                format!("commit {commit} was judged; what is not committed does not count")
            }
            Self::Folder(path) => format!("the files in `{}` were judged", path.display()),
        }
    }

    /// Writes the base into the empty folder `destination`.
    pub fn copy_to(&self, destination: &Path) -> Result<Notes> {
        let into = open_dir(destination)?;
        match self {
            Self::Git(repository) => repository.copy_to(&into),
            Self::Folder(path) => folder::copy(path, &into),
        }
    }
}

/// Opens a folder so that nothing opened through it can be outside it.
pub fn open_dir(path: &Path) -> Result<Dir> {
    Dir::open_ambient_dir(path, ambient_authority())
        .with_context(|| format!("open folder `{}`", path.display()))
}

/// Copies one of our own copies, file times included, so that a build made in one is
/// fresh in the other.
pub fn duplicate(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).with_context(|| format!("create `{}`", to.display()))?;
    folder::copy_everything(from, &open_dir(to)?).map(drop)
}

/// The files that differ between two of our own copies, by kind, size, mode or time:
/// a copy keeps times, and whatever writes a file changes its time.
pub fn changed_paths(before: &Path, after: &Path) -> Result<Vec<RelPath>> {
    let (before, after) = (folder::stamps(before)?, folder::stamps(after)?);
    let differing = before
        .iter()
        .filter(|(path, stamp)| after.get(*path) != Some(*stamp))
        .chain(after.iter().filter(|(path, _)| !before.contains_key(*path)))
        .map(|(path, _)| path);
    differing
        .map(|path| {
            RelPath::new(path.to_string_lossy())
                .with_context(|| format!("compare `{}`", path.display()))
        })
        .collect()
}

/// Makes one of our own copies, `onto`, hold what another, `theirs`, holds. Files that are the
/// same keep their times, so that what was built from them need not be built again.
pub fn transplant(theirs: &Path, onto: &Path) -> Result<()> {
    let (theirs, ours) = (open_dir(theirs)?, open_dir(onto)?);
    folder::transplant(&theirs, &ours)
}

/// One file that differs between two of our own copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where it is.
    pub path: RelPath,
    /// It as it was.
    pub before: Option<Content>,
    /// It as it is.
    pub after: Option<Content>,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A file, and whether it may be run.
    File {
        /// What it holds.
        bytes: Vec<u8>,
        /// May it be run?
        executable: bool,
    },
    /// A symbolic link, and where it leads.
    Link(PathBuf),
}

/// Every file and link that differs between two of our own copies, by what it holds. Files whose
/// size and time are the same are taken for the same.
pub fn differences(before: &Path, after: &Path) -> Result<Vec<Difference>> {
    folder::differences(before, after)
}

/// Makes what is at a path of one of our own copies what it was; `None` where nothing was.
pub fn restore(onto: &Dir, path: &RelPath, before: Option<&Content>) -> Result<()> {
    folder::restore(onto, path, before).with_context(|| format!("restore `{path}`"))
}

/// Replaces a file's text in one of our own copies, or makes the file. What is there keeps its
/// permissions; a link in its place is not followed.
pub fn replace(dir: &Dir, path: &RelPath, text: &str) -> Result<()> {
    let about = dir.symlink_metadata(path.as_str());
    let content = Content::File {
        bytes: text.into(),
        executable: about.is_ok_and(|about| about.is_file() && is_executable(&about)),
    };
    folder::restore(dir, path, Some(&content)).with_context(|| format!("write `{path}`"))
}

fn is_executable(about: &cap_std::fs::Metadata) -> bool {
    about.permissions().mode() & 0o111 != 0
}

/// Makes edits in one of our own copies, all of them or none; the inner error says why they do not
/// fit. What is there keeps its permissions, and a link is not followed.
pub fn edit(dir: &Dir, edits: &[SourceEdit]) -> Result<Result<(), String>> {
    let mut texts = BTreeMap::new();
    let mut executable = BTreeSet::new();
    for path in edits.iter().map(|edit| &edit.path) {
        let Ok(about) = dir.symlink_metadata(path.as_str()) else {
            return Ok(Err(format!("an edit changes `{path}`, which is not there")));
        };
        if !about.is_file() || about.len() > EDITED_BYTES_MAX {
            return Ok(Err(format!(
                "an edit changes `{path}`, which is no file of at most {} MiB",
                EDITED_BYTES_MAX >> 20
            )));
        }
        let Ok(text) = dir.read_to_string(path.as_str()) else {
            return Ok(Err(format!("an edit changes `{path}`, which is no text")));
        };
        if is_executable(&about) {
            executable.insert(path.clone());
        }
        texts.insert(path.clone(), text);
    }
    let changed = match backstitch_engine::proposal::apply(edits, &texts) {
        Ok(changed) => changed,
        Err(malformed) => return Ok(Err(malformed.to_string())),
    };
    for (path, text) in changed {
        let content = Content::File {
            bytes: text.into_bytes(),
            executable: executable.contains(&path),
        };
        restore(dir, &path, Some(&content))?;
    }
    Ok(Ok(()))
}

/// Counts what is copied and stops at the bounds.
#[derive(Debug, Default)]
struct Budget {
    files: usize,
    bytes: u64,
}

impl Budget {
    fn take(&mut self, bytes: u64) -> Result<()> {
        self.files += 1;
        self.bytes += bytes;
        anyhow::ensure!(
            self.files <= FILES_MAX && self.bytes <= BYTES_MAX,
            "copy the project: more than {FILES_MAX} files or {} GiB; name a smaller folder",
            BYTES_MAX >> 30
        );
        Ok(())
    }
}
