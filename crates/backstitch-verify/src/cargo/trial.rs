//! Owns the directories of one build: the layers over the tree and over earlier build results, or
//! copies where the kernel cannot lay one directory over another.

use std::fs::{self, File, FileTimes};
use std::io;
use std::path::{Path, PathBuf};

use super::error::{CargoError, Doing};
use super::places;
use super::session::{Cargo, Tree, mount, workspace_in};
use crate::sandbox::{Access, Mount};

/// The most layers of build results; past them everything is built anew.
const LAYERS_MAX: usize = 16;
/// The most files copied.
const ENTRIES_MAX: usize = 2_000_000;

/// One tree being built and tested, with a place for what that writes.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    tree: Tree,
    work: PathBuf,
    /// Earlier build results, newest first; never written to.
    below: Vec<PathBuf>,
    layered: bool,
}

impl Trial {
    /// Makes the directories in `work`, or takes up those that an earlier process made for the
    /// same trial; `work` must not hold another one.
    pub(super) fn prepare(
        cargo: &Cargo,
        tree: Tree,
        work: &Path,
        below: Vec<PathBuf>,
    ) -> Result<Self, CargoError> {
        fs::create_dir_all(work).doing("make directory", work)?;
        let work = work.canonicalize().doing("find directory", work)?;
        let layered = cargo.layered(&work)?;
        let below = if below.len() > LAYERS_MAX {
            Vec::new()
        } else {
            below
        };
        let trial = Self {
            tree,
            work,
            below,
            layered,
        };
        cargo.sandbox().own(&trial.tree.root)?;
        for layer in ["project", "target"] {
            let layer = trial.work.join(layer);
            for directory in ["changes", "scratch"] {
                let directory = layer.join(directory);
                fs::create_dir_all(&directory).doing("make directory", &directory)?;
            }
            cargo.sandbox().own(&layer)?;
        }
        let copied = trial.work.join("copied");
        if !layered && !copied.exists() {
            trial.copy(cargo)?;
            fs::write(&copied, "").doing("write mark", &copied)?;
        }
        Ok(trial)
    }

    /// Without layers, what is below has to be there as a copy.
    fn copy(&self, cargo: &Cargo) -> Result<(), CargoError> {
        copy(&self.tree.root, &self.changes("project"))?;
        if let Some(newest) = self.below.first() {
            copy(newest, &self.changes("target"))?;
        }
        cargo.sandbox().own(&self.changes("project"))?;
        cargo.sandbox().own(&self.changes("target"))?;
        Ok(())
    }

    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(super) fn work(&self) -> &Path {
        &self.work
    }

    /// This trial's build results with all they build upon, for the next trial.
    pub(super) fn results(&self) -> Vec<PathBuf> {
        let own = self.changes("target");
        if self.layered {
            std::iter::once(own)
                .chain(self.below.iter().cloned())
                .collect()
        } else {
            vec![own]
        }
    }

    /// Where jobs see the project.
    pub(super) fn project(&self, cargo: &Cargo) -> PathBuf {
        cargo.seen(&self.changes("project"), places::PROJECT)
    }

    /// Where jobs see the build results.
    pub(super) fn target(&self, cargo: &Cargo) -> PathBuf {
        cargo.seen(&self.changes("target"), self.target_inside())
    }

    /// The usual place, since some tests look there; another where the tree has something
    /// else of that name, which a mount must not follow.
    fn target_inside(&self) -> PathBuf {
        let usual = workspace_in(&self.tree.root, &self.tree.lockfile).join("target");
        match usual.symlink_metadata() {
            Ok(found) if !found.is_dir() => places::TARGET.into(),
            _ => workspace_in(Path::new(places::PROJECT), &self.tree.lockfile).join("target"),
        }
    }

    /// What jobs see of this trial.
    pub(super) fn mounts(&self) -> Result<Vec<Mount>, CargoError> {
        let target = self.target_inside();
        let target = target.to_str().unwrap_or(places::TARGET);
        if !self.layered {
            return Ok(vec![
                mount(&self.changes("project"), places::PROJECT, Access::ReadWrite),
                mount(&self.changes("target"), target, Access::ReadWrite),
            ]);
        }
        let project = mount(
            &self.tree.root,
            places::PROJECT,
            self.overlay("project", &[])?,
        );
        let target = match self.below.split_first() {
            None => mount(&self.changes("target"), target, Access::ReadWrite),
            Some((newest, older)) => mount(newest, target, self.overlay("target", older)?),
        };
        Ok(vec![project, target])
    }

    fn overlay(&self, layer: &str, lower: &[PathBuf]) -> Result<Access, CargoError> {
        let work = self.work.join(layer).join("scratch");
        fs::create_dir_all(&work).doing("make directory", &work)?;
        Ok(Access::Overlay {
            lower: lower.to_vec(),
            upper: self.changes(layer),
            work,
        })
    }

    /// An empty directory for the temporary files of one job; what the last one left is gone.
    pub(super) fn fresh_temporary(&self, cargo: &Cargo) -> Result<PathBuf, CargoError> {
        let temporary = self.work.join("temporary");
        if temporary.symlink_metadata().is_ok() {
            cargo.sandbox().discard(&temporary)?;
        }
        fs::create_dir_all(&temporary).doing("make directory", &temporary)?;
        cargo.sandbox().own(&temporary)?;
        Ok(temporary)
    }

    fn changes(&self, layer: &str) -> PathBuf {
        self.work.join(layer).join("changes")
    }
}

/// Copies a tree with its times, since cargo goes by them. Links are copied as links; pipes,
/// sockets and devices are left out.
fn copy(from: &Path, to: &Path) -> Result<(), CargoError> {
    let mut waiting = vec![(from.to_path_buf(), to.to_path_buf())];
    let mut entries = 0;
    while let Some((from, to)) = waiting.pop() {
        entries += 1;
        if entries > ENTRIES_MAX {
            return Err(io::Error::other("too many files")).doing("copy", &from);
        }
        let kind = from.symlink_metadata().doing("copy", &from)?.file_type();
        if kind.is_dir() {
            fs::create_dir_all(&to).doing("make directory", &to)?;
            for entry in fs::read_dir(&from).doing("read directory", &from)? {
                let entry = entry.doing("read directory", &from)?;
                waiting.push((entry.path(), to.join(entry.file_name())));
            }
        } else if kind.is_symlink() {
            let target = fs::read_link(&from).doing("read link", &from)?;
            match std::os::unix::fs::symlink(target, &to) {
                // A copy that was broken off is taken up again.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => made.doing("copy link to", &to)?,
            }
        } else if kind.is_file() {
            copy_file(&from, &to).doing("copy", &from)?;
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let modified = fs::metadata(from)?.modified()?;
    fs::copy(from, to)?;
    // A file that its owner may not write keeps the time of the copy: it is no source of cargo's.
    match File::options().write(true).open(to) {
        Ok(file) => file.set_times(FileTimes::new().set_modified(modified)),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_keeps_times_links_and_modes() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        fs::create_dir_all(from.join("a")).unwrap();
        fs::write(from.join("a/file"), "text").unwrap();
        fs::set_permissions(from.join("a/file"), fs::Permissions::from_mode(0o755)).unwrap();
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        File::open(from.join("a/file"))
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
        std::os::unix::fs::symlink("/etc/passwd", from.join("link")).unwrap();
        nix::unistd::mkfifo(&from.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        copy(&from, &to).unwrap();
        let copied = fs::metadata(to.join("a/file")).unwrap();
        assert_eq!(copied.modified().unwrap(), long_ago);
        assert_eq!(copied.permissions().mode() & 0o777, 0o755);
        assert_eq!(
            fs::read_link(to.join("link")).unwrap(),
            Path::new("/etc/passwd")
        );
        assert!(!to.join("pipe").exists());
    }
}
