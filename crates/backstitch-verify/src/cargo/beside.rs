//! Keeps the fetch phase from disturbing a run phase that goes on beside it. Owns the layer that
//! takes what cargo writes to the registry's index meanwhile, and puts it in place afterwards,
//! each entry in one step.
//!
//! Cargo writes an entry by cutting the file and filling it again. A build that read it just then
//! would not find the package, and the candidate would be blamed for it. Archives and unpacked
//! packages need no such care: they are added, never changed, and no build looks for them before.

use std::fs;
use std::path::{Path, PathBuf};

use super::manager::Cargo;
use crate::sandbox::{Access, Mount};
use crate::workbench::error::Doing;
use crate::workbench::{PackageManager, VerifyError, places};

/// The most files of the index that one recipe may change.
const ENTRIES_MAX: usize = 1_000_000;

/// The registries' index, in the package cache.
const INDEX: &str = "registry/index";
/// What an entry is called while it is being written.
const UNFINISHED: &str = "unfinished-entry";

/// The index as one recipe sees it: the shared one, with its own changes over it.
pub(super) struct Layer {
    index: PathBuf,
    changes: PathBuf,
    scratch: PathBuf,
}

impl Layer {
    /// Makes an empty layer in `work`; there must be layers near it.
    pub(super) fn prepare(cargo: &Cargo, work: &Path) -> Result<Self, VerifyError> {
        let index = cargo.in_cache(INDEX)?;
        let above = work.join("index");
        cargo.session().sandbox().discard(&above)?;
        let layer = Self {
            index,
            changes: above.join("changes"),
            scratch: above.join("scratch"),
        };
        for directory in [&layer.changes, &layer.scratch] {
            fs::create_dir_all(directory).doing("make directory", directory)?;
        }
        cargo.session().sandbox().own(&above)?;
        Ok(layer)
    }

    /// Where jobs see the index.
    pub(super) fn mount(&self) -> Mount {
        Mount {
            host: self.index.clone(),
            inside: Path::new(places::CARGO_HOME).join(INDEX),
            access: Access::Overlay {
                lower: Vec::new(),
                upper: self.changes.clone(),
                work: self.scratch.clone(),
            },
        }
    }

    /// Puts what was changed in place. Nothing runs in the layer any more, and only cargo did.
    /// What it removed stays: cargo asks for an entry again where it is out of date.
    pub(super) fn settle(&self, cargo: &Cargo) -> Result<(), VerifyError> {
        put_all(&self.changes, &self.index, &|path| {
            Ok(cargo.session().sandbox().own(path)?)
        })
    }
}

/// Hands a path to the user that jobs run as.
type Own<'run> = &'run dyn Fn(&Path) -> Result<(), VerifyError>;

fn put_all(changes: &Path, index: &Path, own: Own<'_>) -> Result<(), VerifyError> {
    let mut waiting = vec![(changes.to_path_buf(), index.to_path_buf())];
    let mut entries = 0;
    while let Some((from, to)) = waiting.pop() {
        for entry in fs::read_dir(&from).doing("read directory", &from)? {
            let entry = entry.doing("read directory", &from)?;
            entries += 1;
            if entries > ENTRIES_MAX {
                return Ok(());
            }
            let kind = entry.file_type().doing("read directory", &from)?;
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            if kind.is_dir() {
                if !to.is_dir() {
                    fs::create_dir_all(&to).doing("make directory", &to)?;
                    own(&to)?;
                }
                waiting.push((from, to));
            } else if kind.is_file() {
                put(&from, &to, own)?;
            }
        }
    }
    Ok(())
}

/// Copies a file into its place in one step: who reads it sees the old text or the new one.
fn put(from: &Path, to: &Path, own: Own<'_>) -> Result<(), VerifyError> {
    let unfinished = to.with_file_name(format!("{UNFINISHED}-{}", std::process::id()));
    fs::copy(from, &unfinished).doing("copy index entry", from)?;
    own(&unfinished)?;
    fs::rename(&unfinished, to).doing("replace index entry", to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_replaced_whole_and_links_are_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let (changes, index) = (directory.path().join("a"), directory.path().join("b"));
        for (root, name, text) in [
            (&changes, "an/sw/answer", "new"),
            (&changes, "qu/es/question", "added"),
            (&index, "an/sw/answer", "old"),
            (&index, "an/sw/other", "stays"),
        ] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        std::os::unix::fs::symlink("/etc/passwd", changes.join("link")).unwrap();
        let open = fs::File::open(index.join("an/sw/answer")).unwrap();
        put_all(&changes, &index, &|_| Ok(())).unwrap();
        let text = |name| fs::read_to_string(index.join(name)).unwrap();
        assert_eq!(text("an/sw/answer"), "new");
        assert_eq!(text("an/sw/other"), "stays");
        assert_eq!(text("qu/es/question"), "added");
        assert!(index.join("link").symlink_metadata().is_err());
        assert_eq!(fs::read_dir(index.join("an/sw")).unwrap().count(), 2);
        // Who had it open before reads on in what it was.
        assert_eq!(std::io::read_to_string(open).unwrap(), "old");
    }
}
