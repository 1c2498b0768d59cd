//! Keeps the fetch phase from disturbing a run phase that goes on beside it. Owns the layer that
//! takes what a package manager writes to a directory of its cache meanwhile, and puts it in place
//! afterwards, each file in one step.
//!
//! Cargo writes an entry of the index by cutting the file and filling it again, and pip copies a
//! wheel to where it is looked for. A build that read it just then would find half of it, and the
//! candidate would be blamed for that.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::{Doing, VerifyError};
use super::session::Session;
use crate::sandbox::{Access, Mount};

/// The most files and directories that one recipe may change.
const ENTRIES_MAX: usize = 1_000_000;

/// What a file is called while it is being written.
const UNFINISHED: &str = "unfinished-entry";

/// A directory of a package cache as one recipe sees it: the shared one, with its own changes
/// over it.
pub(crate) struct Layer {
    shared: PathBuf,
    inside: PathBuf,
    changes: PathBuf,
    scratch: PathBuf,
}

impl Layer {
    /// Makes an empty layer in `work` for `shared`, which jobs see at `inside`; there must be
    /// layers near `work`.
    pub(crate) fn prepare(
        session: &Session,
        shared: PathBuf,
        inside: PathBuf,
        work: &Path,
    ) -> Result<Self, VerifyError> {
        fs::create_dir_all(work).doing("make directory", work)?;
        let work = work.canonicalize().doing("find directory", work)?;
        let above = work.join("beside");
        session.sandbox().discard(&above)?;
        let layer = Self {
            shared,
            inside,
            changes: above.join("changes"),
            scratch: above.join("scratch"),
        };
        for directory in [&layer.changes, &layer.scratch] {
            fs::create_dir_all(directory).doing("make directory", directory)?;
        }
        session.sandbox().own(&above)?;
        Ok(layer)
    }

    /// Where jobs see the directory.
    pub(crate) fn mount(&self) -> Mount {
        Mount {
            host: self.shared.clone(),
            inside: self.inside.clone(),
            access: Access::Overlay {
                lower: Vec::new(),
                upper: self.changes.clone(),
                work: self.scratch.clone(),
            },
        }
    }

    /// Puts what was changed in place. Nothing runs in the layer any more, and only the package
    /// manager did. The files of a directory come before those of the directories in it, so a mark
    /// in one of those can say that a file is there. What was removed stays: a package manager
    /// asks again for what is out of date.
    pub(crate) fn settle(&self, session: &Session) -> Result<(), VerifyError> {
        put_all(&self.changes, &self.shared, &|path| {
            Ok(session.sandbox().own(path)?)
        })
    }
}

/// Hands a path to the user that jobs run as.
type Own<'run> = &'run dyn Fn(&Path) -> Result<(), VerifyError>;

fn put_all(changes: &Path, shared: &Path, own: Own<'_>) -> Result<(), VerifyError> {
    let mut waiting = vec![(changes.to_path_buf(), shared.to_path_buf())];
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
    fs::copy(from, &unfinished).doing("copy to the package cache", from)?;
    own(&unfinished)?;
    fs::rename(&unfinished, to).doing("replace in the package cache", to)
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

    #[test]
    fn a_mark_comes_after_the_file_that_it_speaks_of() {
        let directory = tempfile::tempdir().unwrap();
        let (changes, shared) = (directory.path().join("a"), directory.path().join("b"));
        fs::create_dir_all(changes.join(".had/deep")).unwrap();
        fs::create_dir_all(&shared).unwrap();
        for name in [".had/one", ".had/deep/two", "one.whl", "two.whl", "zz.whl"] {
            fs::write(changes.join(name), "").unwrap();
        }
        put_all(&changes, &shared, &|path| {
            let is_mark = path.starts_with(shared.join(".had")) && path.is_file();
            let all_there = ["one.whl", "two.whl", "zz.whl"].map(|name| shared.join(name).exists());
            assert!(!is_mark || all_there == [true; 3], "{}", path.display());
            Ok(())
        })
        .unwrap();
        assert!(shared.join(".had/deep/two").exists());
    }
}
