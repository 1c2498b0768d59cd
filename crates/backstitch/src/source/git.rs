//! A repository, through its object database alone.
//!
//! `gix` reads and writes objects and references in-process. It is opened isolated:
//! no configuration but the repository's own is read, and of that nothing names a
//! program that would be run. Hooks, filters, fsmonitor and submodules are not consulted.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow};
use backstitch_model::RelPath;
use cap_std::fs::Dir;
use gix::ObjectId;
use gix::objs::tree::EntryKind;
use gix::refs::transaction::{PreviousValue, RefEdit};

use super::{Budget, Notes, folder};

/// An opened repository and the commit at its `HEAD`.
#[derive(Debug)]
pub struct Repository {
    repository: gix::Repository,
    root: PathBuf,
    part: Option<RelPath>,
    commit: ObjectId,
}

/// One commit to be made: whole files over its parent's tree, and a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCommit {
    /// The files, each with its whole new text.
    pub files: Vec<(RelPath, String)>,
    /// The message.
    pub message: String,
    /// The time it is given, in seconds since 1970 UTC: the same files, message and time make the
    /// same commit, so that delivering again finds what is there.
    pub time_s: i64,
}

/// How deep folders may be nested.
const DEPTH_MAX: usize = 200;

impl Repository {
    /// Finds the repository that holds `path`; `None` where there is none, or one
    /// without a commit. `path` must be canonical.
    pub fn discover(path: &Path) -> Result<Option<Self>> {
        let Some(root) = path.ancestors().find(|folder| folder.join(".git").exists()) else {
            return Ok(None);
        };
        let opened = |what: &str| format!("{what} repository `{}`", root.display());
        let repository = gix::open::Options::isolated()
            .open(root)
            .map_err(|error| anyhow!("{error}"))
            .with_context(|| opened("open"))?
            .to_thread_local();
        if repository
            .head()
            .map_err(|error| anyhow!("{error}"))?
            .is_unborn()
        {
            return Ok(None);
        }
        let commit = repository
            .head_commit()
            .map_err(|error| anyhow!("{error}"))
            .with_context(|| opened("read HEAD of"))?
            .id;
        let part = path
            .strip_prefix(root)
            .ok()
            .filter(|part| !part.as_os_str().is_empty());
        let part = part
            .map(|part| RelPath::new(part.to_string_lossy()))
            .transpose()
            .with_context(|| format!("use project `{}`", path.display()))?;
        Ok(Some(Self {
            repository,
            root: root.to_owned(),
            part,
            commit,
        }))
    }

    /// Makes a repository in `folder`, which has none, with its plain files in one commit.
    pub fn create(folder: &Path, message: &str) -> Result<()> {
        let repository = gix::init(folder)
            .map_err(|error| anyhow!("{error}"))
            .with_context(|| format!("make a repository in `{}`", folder.display()))?;
        let empty = repository.empty_tree().id;
        let mut editor = repository
            .edit_tree(empty)
            .map_err(|error| anyhow!("{error}"))?;
        for path in folder::files(folder)? {
            let bytes = std::fs::read(folder.join(path.as_str()))
                .with_context(|| format!("read `{path}`"))?;
            let blob = repository
                .write_blob(bytes)
                .map_err(|error| anyhow!("{error}"))?;
            editor
                .upsert(path.as_str(), EntryKind::Blob, blob)
                .map_err(|error| anyhow!("{error}"))?;
        }
        let tree = editor.write().map_err(|error| anyhow!("{error}"))?.detach();
        let time = gix::date::Time::now_utc().to_string();
        let commit = repository
            .new_commit_as(
                signature(&time),
                signature(&time),
                message,
                tree,
                None::<ObjectId>,
            )
            .map_err(|error| anyhow!("{error}"))?
            .id;
        let head = repository
            .head_name()
            .map_err(|error| anyhow!("{error}"))?
            .context("read the new repository's HEAD")?;
        let edit = RefEdit::update(head, commit, PreviousValue::Any, "commit (initial)");
        repository
            .edit_references_as([edit], Some(signature(&time)))
            .map_err(|error| anyhow!("{error}"))?;
        Ok(())
    }

    /// The folder that holds its files.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder that holds its objects: another one than `.git` below the root where it is a
    /// worktree of a repository elsewhere.
    pub fn store(&self) -> &Path {
        self.repository.common_dir()
    }

    /// The folder that holds what is a worktree's own; the store itself where it is none.
    pub fn own_store(&self) -> &Path {
        self.repository.git_dir()
    }

    /// The folder inside that was asked for; `None` for all of it.
    pub fn part(&self) -> Option<&RelPath> {
        self.part.as_ref()
    }

    /// The commit at `HEAD`, in hex.
    pub fn commit(&self) -> String {
        self.commit.to_string()
    }

    /// The id of the commit's tree, in hex: the same files have the same, whoever committed them.
    pub fn tree(&self) -> Result<String> {
        let tree = self
            .repository
            .find_commit(self.commit)
            .and_then(|commit| commit.tree_id().map(gix::Id::detach))
            .map_err(|error| anyhow!("{error}"))
            .with_context(|| format!("read commit {}", self.commit))?;
        Ok(tree.to_string())
    }

    /// What a file of the commit holds; `None` where there is none. Errors where it is no plain
    /// file of at most `bytes_max` bytes.
    pub fn file(&self, path: &RelPath, bytes_max: u64) -> Result<Option<Vec<u8>>> {
        let read = || -> Result<Option<Vec<u8>>> {
            let commit = self
                .repository
                .find_commit(self.commit)
                .map_err(|error| anyhow!("{error}"))?;
            let tree = commit.tree().map_err(|error| anyhow!("{error}"))?;
            let entry = tree
                .lookup_entry_by_path(path.as_str())
                .map_err(|error| anyhow!("{error}"))?;
            let Some(entry) = entry else {
                return Ok(None);
            };
            let size = self
                .repository
                .find_header(entry.object_id())
                .map_err(|error| anyhow!("{error}"))?
                .size();
            let kind = entry.mode().kind();
            anyhow::ensure!(
                matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable) && size <= bytes_max,
                "it is no plain file of at most {bytes_max} bytes"
            );
            let object = entry.object().map_err(|error| anyhow!("{error}"))?;
            Ok(Some(object.detach().data))
        };
        read().with_context(|| format!("read `{path}` of commit {}", self.commit))
    }

    /// The same repository at another commit, named as `git rev-parse` takes it.
    pub fn at(&self, revision: &str) -> Result<Self> {
        let id = self
            .repository
            .rev_parse_single(revision)
            .map_err(|error| anyhow!("{error}"))
            .and_then(|id| {
                let object = id.object().map_err(|error| anyhow!("{error}"))?;
                let commit = object
                    .peel_to_commit()
                    .map_err(|error| anyhow!("{error}"))?;
                Ok(commit.id)
            })
            .with_context(|| {
                format!(
                    "find revision `{revision}` in `{}` (a shallow clone may lack it)",
                    self.root.display()
                )
            })?;
        Ok(self.with(id))
    }

    /// The same repository at the newest commit that this one and `other` both come from.
    pub fn merge_base(&self, other: &Self) -> Result<Self> {
        let id = self
            .repository
            .merge_base(self.commit, other.commit)
            .map_err(|error| anyhow!("{error}"))
            .with_context(|| {
                format!(
                    "find where {} and {} parted (a shallow clone may lack it)",
                    self.commit, other.commit
                )
            })?;
        let id = id.with_context(|| {
            format!(
                "{} and {} have no commit in common",
                self.commit, other.commit
            )
        })?;
        Ok(self.with(id.detach()))
    }

    fn with(&self, commit: ObjectId) -> Self {
        Self {
            repository: self.repository.clone(),
            root: self.root.clone(),
            part: self.part.clone(),
            commit,
        }
    }

    /// Writes the commit's files into the empty folder `into`, unfiltered, all with
    /// the commit's time. What the repository lacks is left out and told.
    pub fn copy_to(&self, into: &Dir) -> Result<Notes> {
        let commit = self
            .repository
            .find_commit(self.commit)
            .map_err(|error| anyhow!("{error}"))?;
        let seconds = commit.time().map(|time| time.seconds).unwrap_or_default();
        let age = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
        let tree = commit
            .tree_id()
            .map_err(|error| anyhow!("{error}"))?
            .detach();
        let mut checkout = Checkout {
            repository: &self.repository,
            into,
            modified: SystemTime::UNIX_EPOCH + age,
            budget: Budget::default(),
            notes: Notes::new(),
        };
        checkout.tree(tree, Path::new(""), 0)?;
        Ok(checkout.notes)
    }

    /// Makes the commits one upon the other on top of the base and points a new branch
    /// at the last. The name gets a number behind it where it is taken. Nothing else
    /// of the repository changes: not the index, not `HEAD`, not a file.
    pub fn branch(&self, name: &str, commits: &[NewCommit]) -> Result<(String, Vec<String>)> {
        let mut parent = self.commit;
        let mut made = Vec::new();
        for commit in commits {
            parent = self.commit_on(parent, commit).context("write a commit")?;
            made.push(parent.to_string());
        }
        let name = self.point(name, parent)?;
        Ok((name, made))
    }

    fn commit_on(&self, parent: ObjectId, commit: &NewCommit) -> Result<ObjectId> {
        let tree = self
            .repository
            .find_commit(parent)
            .and_then(|commit| commit.tree_id().map(gix::Id::detach))
            .map_err(|error| anyhow!("{error}"))?;
        let mut editor = self
            .repository
            .edit_tree(tree)
            .map_err(|error| anyhow!("{error}"))?;
        for (path, text) in &commit.files {
            let kind = editor
                .get(path.as_str())
                .map_or(EntryKind::Blob, |entry| entry.mode().kind());
            anyhow::ensure!(
                matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable),
                "write `{path}`: it is no plain file in the repository"
            );
            let blob = self
                .repository
                .write_blob(text)
                .map_err(|error| anyhow!("{error}"))?;
            editor
                .upsert(path.as_str(), kind, blob)
                .map_err(|error| anyhow!("{error}"))?;
        }
        let tree = editor.write().map_err(|error| anyhow!("{error}"))?.detach();
        let time = gix::date::Time {
            seconds: commit.time_s,
            offset: 0,
        }
        .to_string();
        let made = self
            .repository
            .new_commit_as(
                signature(&time),
                signature(&time),
                &commit.message,
                tree,
                [parent],
            )
            .map_err(|error| anyhow!("{error}"))?;
        Ok(made.id)
    }

    fn point(&self, name: &str, target: ObjectId) -> Result<String> {
        let time = gix::date::Time::now_utc().to_string();
        let names = std::iter::once(name.to_owned())
            .chain((2..1000).map(|number| format!("{name}-{number}")));
        for name in names {
            let full = format!("refs/heads/{name}");
            let full_name =
                gix::refs::FullName::try_from(full.as_str()).map_err(|error| anyhow!("{error}"))?;
            let taken = self
                .repository
                .try_find_reference(full.as_str())
                .map_err(|error| anyhow!("{error}"))?;
            match taken {
                Some(taken) if taken.target().try_id() == Some(&*target) => return Ok(name),
                Some(_) => {}
                None => {
                    let edit = RefEdit::update(
                        full_name,
                        target,
                        PreviousValue::MustNotExist,
                        "branch: made by backstitch",
                    );
                    self.repository
                        .edit_references_as([edit], Some(signature(&time)))
                        .map_err(|error| anyhow!("{error}"))
                        .with_context(|| format!("create branch `{name}`"))?;
                    return Ok(name);
                }
            }
        }
        anyhow::bail!("create branch `{name}`: a thousand of that name are there; delete some")
    }
}

/// Commits are Backstitch's own: the user's name is the user's to give, when merging.
fn signature(time: &str) -> gix::actor::SignatureRef<'_> {
    gix::actor::SignatureRef {
        name: "Backstitch".into(),
        email: "backstitch@localhost".into(),
        time,
    }
}

struct Checkout<'run> {
    repository: &'run gix::Repository,
    into: &'run Dir,
    modified: SystemTime,
    budget: Budget,
    notes: Notes,
}

impl Checkout<'_> {
    fn tree(&mut self, tree: ObjectId, path: &Path, depth: usize) -> Result<()> {
        anyhow::ensure!(
            depth <= DEPTH_MAX,
            "copy `{}`: nested too deep",
            path.display()
        );
        let Some(data) = self.object(tree, path)? else {
            return Ok(());
        };
        let tree = gix::objs::TreeRef::from_bytes(&data, self.repository.object_hash())
            .map_err(|error| anyhow!("{error}"))
            .with_context(|| format!("read folder `{}` of the commit", path.display()))?;
        for entry in &tree.entries {
            let name = OsStr::from_bytes(entry.filename);
            let path = path.join(name);
            if is_forbidden(name) {
                self.notes.push(format!(
                    "`{}` is no name a file may have: left out",
                    path.display()
                ));
                continue;
            }
            self.entry(entry.mode.kind(), entry.oid.into(), &path, depth)
                .with_context(|| format!("copy `{}`", path.display()))?;
        }
        Ok(())
    }

    fn entry(&mut self, kind: EntryKind, id: ObjectId, path: &Path, depth: usize) -> Result<()> {
        match kind {
            EntryKind::Tree => {
                self.budget.take(0)?;
                self.into.create_dir(path)?;
                self.tree(id, path, depth + 1)
            }
            EntryKind::Commit => {
                self.notes
                    .push(format!("submodule `{}` is left empty", path.display()));
                Ok(self.into.create_dir(path)?)
            }
            EntryKind::Link => {
                let Some(target) = self.object(id, path)? else {
                    return Ok(());
                };
                Ok(self
                    .into
                    .symlink_contents(OsStr::from_bytes(&target), path)?)
            }
            EntryKind::Blob | EntryKind::BlobExecutable => {
                let Some(data) = self.object(id, path)? else {
                    return Ok(());
                };
                self.budget.take(data.len() as u64)?;
                let mode = if kind == EntryKind::Blob {
                    0o644
                } else {
                    0o755
                };
                Ok(folder::write(
                    self.into,
                    path,
                    &mut data.as_slice(),
                    mode,
                    self.modified,
                )?)
            }
        }
    }

    /// An object's bytes; `None`, and a note, where the repository does not have it
    /// (a partial clone).
    fn object(&mut self, id: ObjectId, path: &Path) -> Result<Option<Vec<u8>>> {
        let object = self
            .repository
            .try_find_object(id)
            .map_err(|error| anyhow!("{error}"))?;
        if object.is_none() {
            self.notes.push(format!(
                "`{}` is not in this clone: left out",
                path.display()
            ));
        }
        Ok(object.map(|object| object.detach().data))
    }
}

/// Names that git itself refuses to check out.
fn is_forbidden(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    bytes.is_empty()
        || bytes == b"."
        || bytes == b".."
        || bytes.eq_ignore_ascii_case(b".git")
        || bytes.contains(&b'/')
        || bytes.contains(&0)
}
