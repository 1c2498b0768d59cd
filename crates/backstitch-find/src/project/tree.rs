//! Walks and reads below one open folder: bounded, regular files only, no links followed.
//! All reads of one discovery share an allowance, so that many files cost no more than one.

use std::cell::Cell;
use std::io::{self, Read as _};

use backstitch_model::RelPath;
use backstitch_model::project::Problem;
use cap_std::fs::{Dir, DirEntry};

/// How many entries of folders are looked at.
const ENTRIES_MAX: usize = 1_000_000;

/// How deep folders are entered.
const DEPTH_MAX: usize = 32;

/// Folders that hold what was built or brought in, not the project.
const SKIPPED: [&str; 5] = [
    "target",
    "node_modules",
    "site-packages",
    "venv",
    "__pycache__",
];

/// How many bytes one discovery reads of all files together.
const TOTAL_BYTES_MAX: u64 = 512 << 20;

/// An open folder with what may still be read below it.
pub(super) struct Tree<'root> {
    root: &'root Dir,
    bytes_left: Cell<u64>,
}

impl<'root> Tree<'root> {
    pub(super) fn new(root: &'root Dir) -> Self {
        Self {
            root,
            bytes_left: Cell::new(TOTAL_BYTES_MAX),
        }
    }
}

/// What a walk found.
pub(super) struct Walked {
    /// The files, those nearer the root first, then by path.
    pub(super) files: Vec<RelPath>,
    pub(super) problems: Vec<Problem>,
}

struct Folder {
    dir: Dir,
    path: Option<RelPath>,
    depth: usize,
}

/// Finds the files that are wanted, leaving out hidden folders and what was built.
pub(super) fn walk(tree: &Tree<'_>, is_wanted: fn(&RelPath) -> bool) -> Walked {
    let mut walk = Walk {
        is_wanted,
        walked: Walked {
            files: Vec::new(),
            problems: Vec::new(),
        },
        entries: 0,
        pending: Vec::new(),
    };
    match tree.root.try_clone() {
        Ok(dir) => walk.pending.push(Folder {
            dir,
            path: None,
            depth: 0,
        }),
        Err(error) => walk.tell(None, &error),
    }
    while let Some(folder) = walk.pending.pop() {
        walk.enter(&folder);
    }
    let mut walked = walk.walked;
    walked
        .files
        .sort_by_cached_key(|path| (path.as_str().matches('/').count(), path.clone()));
    walked
}

struct Walk {
    is_wanted: fn(&RelPath) -> bool,
    walked: Walked,
    entries: usize,
    pending: Vec<Folder>,
}

impl Walk {
    fn enter(&mut self, folder: &Folder) {
        let entries = match folder.dir.entries() {
            Ok(entries) => entries,
            Err(error) => return self.tell(folder.path.as_ref(), &error),
        };
        for entry in entries {
            self.entries += 1;
            if self.entries > ENTRIES_MAX {
                self.pending.clear();
                return self.tell(
                    folder.path.as_ref(),
                    &format!(
                        "the tree has more than {ENTRIES_MAX} entries; the rest was not looked at"
                    ),
                );
            }
            match entry {
                Ok(entry) => self.look_at(folder, &entry),
                Err(error) => self.tell(folder.path.as_ref(), &error),
            }
        }
    }

    fn look_at(&mut self, folder: &Folder, entry: &DirEntry) {
        // A name that is no UTF-8 or no path of ours is no manifest and holds none we can name.
        let Ok(name) = entry.file_name().into_string() else {
            return;
        };
        let Ok(kind) = entry.file_type() else { return };
        let Ok(path) = RelPath::below(folder.path.as_ref(), &name) else {
            return;
        };
        if kind.is_dir() {
            return self.look_into(folder, entry, &name, path);
        }
        if !(self.is_wanted)(&path) {
            return;
        }
        if kind.is_file() {
            self.walked.files.push(path);
        } else {
            let what = "it is no regular file; links are not followed";
            self.tell(Some(&path), &what);
        }
    }

    fn look_into(&mut self, folder: &Folder, entry: &DirEntry, name: &str, path: RelPath) {
        if name.starts_with('.') || SKIPPED.contains(&name) {
            return;
        }
        if folder.depth >= DEPTH_MAX {
            let what = format!("it is more than {DEPTH_MAX} folders deep; it was not entered");
            return self.tell(Some(&path), &what);
        }
        match entry.open_dir() {
            Ok(dir) => self.pending.push(Folder {
                dir,
                path: Some(path),
                depth: folder.depth + 1,
            }),
            Err(error) => self.tell(Some(&path), &error),
        }
    }

    fn tell(&mut self, path: Option<&RelPath>, what: &impl ToString) {
        // The root has no path of its own; the file that one would look for stands for it.
        let fallback = || RelPath::new("Cargo.lock");
        if let Some(path) = path.cloned().or_else(|| fallback().ok()) {
            let what = what.to_string();
            self.walked.problems.push(Problem { path, what });
        }
    }
}

impl Tree<'_> {
    /// Is there anything at `path`?
    pub(super) fn has(&self, path: &RelPath) -> bool {
        self.root.symlink_metadata(path.as_str()).is_ok()
    }

    /// Reads a regular file of at most `bytes_max` bytes. A device or a pipe, which could
    /// block or never end, is refused.
    pub(super) fn read(&self, path: &RelPath, bytes_max: u64) -> io::Result<Vec<u8>> {
        if !self.root.symlink_metadata(path.as_str())?.is_file() {
            return refuse("it is no regular file; links are not followed".into());
        }
        let file = self.root.open(path.as_str())?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return refuse("it is no regular file".into());
        }
        if metadata.len() > bytes_max {
            return refuse(format!("it has more than {bytes_max} bytes"));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
        // The standard library's own file reads into memory that nobody has set to zero before.
        let file = file.into_std();
        file.take(bytes_max + 1).read_to_end(&mut bytes)?;
        let read = bytes.len() as u64;
        if read > bytes_max {
            return refuse(format!("it has more than {bytes_max} bytes"));
        }
        match self.bytes_left.get().checked_sub(read) {
            Some(left) => self.bytes_left.set(left),
            None => {
                return refuse(format!(
                    "the tree's lockfiles and manifests have more than {TOTAL_BYTES_MAX} bytes"
                ));
            }
        }
        Ok(bytes)
    }
}

fn refuse<Value>(what: String) -> io::Result<Value> {
    Err(io::Error::other(what))
}
