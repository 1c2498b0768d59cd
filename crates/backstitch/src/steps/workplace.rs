//! The folder a run works in: one for each identity, held by one process at a time,
//! emptied when the run ends. What a killed run leaves there is what the next one goes
//! on with, or removes.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::places::Places;

/// A claimed folder.
#[derive(Debug)]
pub struct Workplace {
    folder: PathBuf,
    /// Held until the process ends, however it ends.
    _lock: File,
}

/// How long the work of a killed run is kept for going on.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// How many folders are removed at a time: it is mostly waiting for the disk.
const REMOVED_AT_ONCE: usize = 4;
/// The most folders that are removed so; the others go one by one.
const FOLDERS_MAX: usize = 10_000;

/// How much of an identity names its folder, in characters.
const SHORT_CHARS: usize = 24;

/// How long to wait between two looks at a folder that another process has, and how often.
const WAIT: Duration = Duration::from_millis(200);
const WAITS_MAX: usize = 5 * 3600 * 3;

/// Holds what was put aside.
const SPENT: &str = "spent";
/// Ends the name of the file that says that a tree is complete.
const COMPLETE: &str = ".complete";

impl Workplace {
    /// Claims the folder of one identity. Fails where another process works on the same.
    pub fn claim(places: &Places, identity: &str) -> Result<Self> {
        let folder = folder(places, identity)?;
        let lock = lock(&folder)?;
        let Some(lock) = lock else {
            bail!("another backstitch works on the same project right now: wait for it to end");
        };
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    /// Claims the folder of one identity, and waits for another process that has it for as long as
    /// `waiting`, asked before each wait, says so.
    pub fn claim_waiting(
        places: &Places,
        identity: &str,
        mut waiting: impl FnMut() -> bool,
    ) -> Result<Self> {
        let folder = folder(places, identity)?;
        for _ in 0..WAITS_MAX {
            if let Some(lock) = lock(&folder)? {
                return Ok(Self {
                    folder,
                    _lock: lock,
                });
            }
            if !waiting() {
                bail!("wait for another backstitch with the same base: it was stopped");
            }
            thread::sleep(WAIT);
        }
        bail!("another backstitch has held the same base for hours: end it, or try again later");
    }

    /// Removes the folders whose names begin with `prefix` but for the newest `count`. Best
    /// effort: one that is in use stays.
    pub fn keep_newest(places: &Places, prefix: &str, count: usize) {
        let Ok(entries) = fs::read_dir(places.work()) else {
            return;
        };
        let touched = |folder: &Path| {
            let about = folder.join("lock").metadata();
            about.and_then(|about| about.modified()).ok()
        };
        let mut folders: Vec<_> = entries
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
            .filter_map(|entry| Some((touched(&entry.path())?, entry.path())))
            .take(FOLDERS_MAX)
            .collect();
        folders.sort();
        let surplus = folders.len().saturating_sub(count);
        for (_, folder) in folders.into_iter().take(surplus) {
            if let Ok(Some(_held)) = lock_as_it_is(&folder) {
                let _ = remove(&folder);
            }
        }
    }

    /// Where a file of its own is, beside the trees.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Removes a tree and what building and testing it wrote.
    pub fn discard(&self, name: &str) -> Result<()> {
        let tree = self.tree(name)?;
        let _ = fs::remove_file(mark(&tree));
        remove(&tree)?;
        self.discard_work(name)
    }

    /// Removes what building and testing a tree wrote.
    pub fn discard_work(&self, name: &str) -> Result<()> {
        remove(&self.work(name)?)
    }

    /// Removes what an earlier run left.
    pub fn clear(&self) -> Result<()> {
        for entry in below(std::slice::from_ref(&self.folder)) {
            if entry.is_dir() {
                remove(&entry)?;
            } else if entry != self.folder.join("lock") {
                fs::remove_file(&entry).with_context(|| format!("remove `{}`", entry.display()))?;
            }
        }
        Ok(())
    }

    /// Gives the whole folder back at the end of a run.
    pub fn give_back(&self) -> Result<()> {
        let all = ["trees", "work"].map(|name| below(&[self.folder.join(name)]));
        let [trees, work] = all;
        remove_at_once([trees, below(&work)].concat());
        remove(&self.folder)
    }

    /// Puts aside, in one step each, what building and testing these trees wrote, so that it can
    /// be removed while something else goes on. A tree that is built once more after all begins
    /// with nothing.
    pub fn put_aside<'name>(&self, names: impl IntoIterator<Item = &'name str>) -> Result<()> {
        let spent = self.folder.join(SPENT);
        make(&spent)?;
        for name in names {
            let (from, to) = (self.work(name)?, spent.join(name));
            if from.exists() {
                remove(&to)?;
                fs::rename(&from, &to).with_context(|| format!("move `{}`", from.display()))?;
            }
        }
        Ok(())
    }

    /// Removes what was put aside. What stays goes when the whole folder is given back.
    pub fn remove_aside(&self) {
        let _ = remove(&self.folder.join(SPENT));
    }

    /// The folder of a tree, whether it is there or not.
    pub fn tree(&self, name: &str) -> Result<PathBuf> {
        let trees = self.folder.join("trees");
        make(&trees)?;
        Ok(trees.join(name))
    }

    /// The folder that takes what building and testing one tree writes.
    pub fn work(&self, name: &str) -> Result<PathBuf> {
        let work = self.folder.join("work");
        make(&work)?;
        Ok(work.join(name))
    }

    /// Fills a tree in one step: a tree is either complete or made anew. What was told of
    /// filling it stands in its mark, and is told again where an earlier process filled it.
    pub fn fill<T>(tree: &Path, fill: impl FnOnce(&Path) -> Result<T>) -> Result<T>
    where
        T: Serialize + DeserializeOwned,
    {
        let mark = mark(tree);
        // A mark that was cut off while it was written says nothing.
        if let Some(filled) = fs::read(&mark)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
        {
            return Ok(filled);
        }
        remove(tree)?;
        make(tree)?;
        let filled = fill(tree)?;
        let text = serde_json::to_vec(&filled).context("write what was told of a tree")?;
        fs::write(&mark, text).with_context(|| format!("write `{}`", mark.display()))?;
        Ok(filled)
    }
}

/// Makes the folder of one identity, and sweeps those of others that are old.
fn folder(places: &Places, identity: &str) -> Result<PathBuf> {
    let short: String = identity.chars().take(SHORT_CHARS).collect();
    let all = places.work();
    make(&all)?;
    sweep(&all, &short);
    let folder = all.join(&short);
    make(&folder)?;
    Ok(folder)
}

/// What is in these folders, which are ours.
fn below(folders: &[PathBuf]) -> Vec<PathBuf> {
    let entries = folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok());
    let paths = entries
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()));
    paths.take(FOLDERS_MAX).collect()
}

/// Removes several folders at a time. Best effort: whoever removes what they are in tells of
/// what stays.
fn remove_at_once(folders: Vec<PathBuf>) {
    let waiting = Mutex::new(folders.into_iter());
    let next = || {
        waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next()
    };
    let work = || {
        while let Some(folder) = next() {
            let _ = remove(&folder);
        }
    };
    thread::scope(|scope| {
        for _ in 0..REMOVED_AT_ONCE {
            let _ = thread::Builder::new().spawn_scoped(scope, work);
        }
    });
}

/// The file beside a tree that says that the tree is complete, and what was told of that.
fn mark(tree: &Path) -> PathBuf {
    let name = tree.file_name().unwrap_or_default().to_string_lossy();
    tree.with_file_name(format!("{name}{COMPLETE}"))
}

fn make(folder: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(folder)
        .with_context(|| format!("create `{}`", folder.display()))
}

/// Removes a folder that the sandbox's user may have written to.
fn remove(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let sandbox = backstitch_verify::sandbox::Sandbox::unconfined(PathBuf::new());
    sandbox
        .discard(folder)
        .with_context(|| format!("remove `{}`", folder.display()))
}

fn lock(folder: &Path) -> Result<Option<File>> {
    let path = folder.join("lock");
    let file = File::create(&path).with_context(|| format!("create `{}`", path.display()))?;
    // Says when the folder was last used, which opening an empty file may not.
    let _ = file.set_modified(SystemTime::now());
    try_lock(file, &path)
}

/// Locks a folder without saying that it was used.
fn lock_as_it_is(folder: &Path) -> Result<Option<File>> {
    let path = folder.join("lock");
    let file = File::open(&path).with_context(|| format!("open `{}`", path.display()))?;
    try_lock(file, &path)
}

fn try_lock(file: File, path: &Path) -> Result<Option<File>> {
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("lock `{}`", path.display()))
        }
    }
}

/// Removes what killed runs of other projects left long ago. Best effort: whatever stays
/// is tried again by the next run.
fn sweep(all: &Path, own: &str) {
    let Ok(entries) = fs::read_dir(all) else {
        return;
    };
    for entry in entries.flatten().filter(|entry| entry.file_name() != own) {
        let folder = entry.path();
        let touched = folder
            .join("lock")
            .metadata()
            .and_then(|about| about.modified());
        let old = touched.is_ok_and(|touched| {
            SystemTime::now()
                .duration_since(touched)
                .is_ok_and(|age| age > KEPT)
        });
        if !old {
            continue;
        }
        // Held until the folder is gone, so that nobody goes on in it meanwhile.
        if let Ok(Some(_held)) = lock_as_it_is(&folder) {
            let _ = remove(&folder);
        }
    }
}
