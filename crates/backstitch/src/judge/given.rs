//! The change as it was given, and the two trees that it makes: the untouched and the changed.

use std::path::Path;

use anyhow::{Context, Result, bail};
use backstitch_model::RelPath;
use backstitch_model::candidate::SourceEdit;

use crate::source::{self, Source, patch};

/// A change from elsewhere.
#[derive(Debug)]
pub enum Given {
    /// A patch's text.
    Patch {
        /// What it is called.
        name: String,
        /// Its bytes, as they came.
        text: Vec<u8>,
    },
    /// Edits, as an engine proposes them.
    Edits {
        /// What they are called.
        name: String,
        /// The edits.
        edits: Vec<SourceEdit>,
    },
    /// A later state of the same repository.
    Commit {
        /// What it is called.
        name: String,
        /// The repository at that state.
        source: Source,
    },
}

impl Given {
    /// What it is called.
    pub fn name(&self) -> &str {
        match self {
            Self::Patch { name, .. } | Self::Edits { name, .. } | Self::Commit { name, .. } => name,
        }
    }

    /// Identifies it: the digest of a patch's text or of edits, or a commit's id.
    pub fn digest(&self) -> Result<String> {
        Ok(match self {
            Self::Patch { text, .. } => blake3::hash(text).to_hex().to_string(),
            Self::Edits { edits, .. } => {
                let text = format!("{edits:?}");
                blake3::hash(text.as_bytes()).to_hex().to_string()
            }
            Self::Commit { source, .. } => source.base()?,
        })
    }

    /// Carries it out in `changed`, a copy of the untouched tree; `part` is the folder that was
    /// asked for, which a patch's paths may begin at too. The inner error says why it cannot be used.
    /// Answers what a reader should know of how it was done.
    pub fn carry_out(
        &self,
        changed: &Path,
        part: Option<&RelPath>,
    ) -> Result<Result<Vec<String>, patch::Unusable>> {
        match self {
            Self::Patch { text, .. } => apply(text, changed, part),
            Self::Edits { edits, .. } => {
                let edited = source::edit(&source::open_dir(changed)?, edits)?;
                Ok(edited.map(|()| Vec::new()).map_err(patch::Unusable))
            }
            Self::Commit { source, .. } => {
                let beside = changed.with_extension("theirs");
                if beside.exists() {
                    std::fs::remove_dir_all(&beside)
                        .with_context(|| format!("remove `{}`", beside.display()))?;
                }
                std::fs::create_dir_all(&beside)
                    .with_context(|| format!("create `{}`", beside.display()))?;
                let notes = source.copy_to(&beside)?;
                source::transplant(&beside, changed)?;
                std::fs::remove_dir_all(&beside)
                    .with_context(|| format!("remove `{}`", beside.display()))?;
                Ok(Ok(notes))
            }
        }
    }
}

/// A patch's paths begin at the root, as git writes them, or at the part that was asked for.
fn apply(
    text: &[u8],
    changed: &Path,
    part: Option<&RelPath>,
) -> Result<Result<Vec<String>, patch::Unusable>> {
    let applied = patch::apply(text, &source::open_dir(changed)?)?;
    let (Err(_), Some(part)) = (&applied, part) else {
        return Ok(applied);
    };
    let below = changed.join(part.as_str());
    if !below.is_dir() {
        return Ok(applied);
    }
    Ok(patch::apply(text, &source::open_dir(&below)?)?.or(applied))
}

/// The untouched state and the change, from what the command line names. Exactly one of the
/// three must be there.
pub fn open(
    source: Source,
    patch: Option<&Path>,
    revisions: Option<&str>,
    branch: Option<&str>,
) -> Result<(Source, Given)> {
    match (patch, revisions, branch) {
        (Some(file), None, None) => Ok((source, read_patch(file)?)),
        (None, Some(revisions), None) => between(&source, revisions),
        (None, None, Some(branch)) => of_branch(&source, branch),
        _ => bail!("name one change: `--patch FILE`, `--rev A..B` or `--branch NAME`"),
    }
}

/// Reads a patch; `-` is the standard input. One byte more than the bound is enough to tell that
/// it is too large.
fn read_patch(file: &Path) -> Result<Given> {
    use std::io::Read;
    let bound = patch::PATCH_BYTES_MAX as u64 + 1;
    let mut text = Vec::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(bound).read_to_end(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(bound).read_to_end(&mut text))
    };
    read.with_context(|| format!("read patch `{}`", file.display()))?;
    Ok(Given::Patch {
        name: match file.file_name() {
            Some(name) if file != Path::new("-") => name.to_string_lossy().into_owned(),
            _ => "the patch from standard input".into(),
        },
        text,
    })
}

fn between(source: &Source, revisions: &str) -> Result<(Source, Given)> {
    let repository = repository(source, "--rev")?;
    let (from, to, parted) = match revisions.split_once("...") {
        Some((from, to)) => (from, to, true),
        None => match revisions.split_once("..") {
            Some((from, to)) => (from, to, false),
            None => bail!("`--rev {revisions}` names no range: write `--rev A..B`"),
        },
    };
    let or_head = |name: &str| if name.is_empty() { "HEAD" } else { name }.to_owned();
    let (from, to) = (repository.at(&or_head(from))?, repository.at(&or_head(to))?);
    let from = if parted { from.merge_base(&to)? } else { from };
    Ok((
        Source::Git(Box::new(from)),
        Given::Commit {
            name: revisions.to_owned(),
            source: Source::Git(Box::new(to)),
        },
    ))
}

fn of_branch(source: &Source, branch: &str) -> Result<(Source, Given)> {
    let repository = repository(source, "--branch")?;
    let tip = repository.at(branch)?;
    let base = repository.merge_base(&tip)?;
    Ok((
        Source::Git(Box::new(base)),
        Given::Commit {
            name: format!("branch {branch}"),
            source: Source::Git(Box::new(tip)),
        },
    ))
}

fn repository<'source>(
    source: &'source Source,
    asked: &str,
) -> Result<&'source source::Repository> {
    match source {
        Source::Git(repository) => Ok(repository),
        Source::Folder(path) => bail!(
            "`{asked}` needs a git repository, and `{}` is in none (or has no commit); give the \
             change with `--patch`",
            path.display()
        ),
    }
}
