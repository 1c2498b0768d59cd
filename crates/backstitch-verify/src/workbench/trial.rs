//! Owns the directories of one build: the layers over the tree and over earlier build results, or
//! copies where the kernel cannot lay one directory over another.

use std::fs::{self, File, FileTimes};
use std::io;
use std::path::{Path, PathBuf};

use super::error::{Doing, VerifyError};
use super::places;
use super::session::{Session, Tree, mount};
use crate::sandbox::{Access, Mount};

/// The most layers of build results; past them everything is built anew.
const LAYERS_MAX: usize = 16;
/// The most files copied.
const ENTRIES_MAX: usize = 2_000_000;

/// One tree being built and tested, with a place for what that writes.
#[derive(Debug, Clone)]
pub struct Trial {
    tree: Tree,
    work: PathBuf,
    /// What lies below the changes to the project, topmost first; never written to.
    project: Vec<PathBuf>,
    /// What lies over the project's own files: what building it leaves, or what was installed.
    layers: Vec<Layer>,
    layered: bool,
}

/// A directory inside the project that jobs write to, and that later trials may build upon.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Its name in the trial's working directory.
    pub(crate) name: String,
    /// Where jobs see it.
    pub(crate) inside: String,
    /// What is below it, newest first; never written to.
    pub(crate) below: Vec<PathBuf>,
}

/// The name of the lowest layer: the project's own files.
const PROJECT: &str = "project";

impl Trial {
    /// Makes the directories in `work`, or takes up those that an earlier process made for the
    /// same trial; `work` must not hold another one.
    pub(crate) fn prepare(
        session: &Session,
        tree: Tree,
        work: &Path,
        layers: Vec<Layer>,
    ) -> Result<Self, VerifyError> {
        Self::prepare_upon(session, tree, work, layers, Vec::new())
    }

    /// Does the same for a tree below whose own files lies `beneath`, topmost first; that is left
    /// out where layers have to be copied.
    pub(crate) fn prepare_upon(
        session: &Session,
        tree: Tree,
        work: &Path,
        mut layers: Vec<Layer>,
        beneath: Vec<PathBuf>,
    ) -> Result<Self, VerifyError> {
        for layer in &mut layers {
            if layer.below.len() > LAYERS_MAX {
                layer.below.clear();
            }
        }
        let beneath = beneath.into_iter().take(LAYERS_MAX);
        let trial = Self {
            project: std::iter::once(tree.root.clone()).chain(beneath).collect(),
            tree,
            work: work.to_path_buf(),
            layers,
            layered: false,
        };
        session.sandbox().own(&trial.tree.root)?;
        trial.made(session)
    }

    /// The same tree with all that was built in it and changed there, with a new place in `work`
    /// for what is written from now on.
    pub(crate) fn replica(&self, session: &Session, work: &Path) -> Result<Self, VerifyError> {
        let layer = |layer: &Layer| Layer {
            below: self.results(&layer.name),
            ..layer.clone()
        };
        let own = std::iter::once(self.changes(PROJECT));
        let below = self.project.iter().filter(|_| self.layered).cloned();
        let trial = Self {
            tree: self.tree.clone(),
            work: work.to_path_buf(),
            project: own.chain(below).collect(),
            layers: self.layers.iter().map(layer).collect(),
            layered: self.layered,
        };
        trial.made(session)
    }

    fn made(mut self, session: &Session) -> Result<Self, VerifyError> {
        fs::create_dir_all(&self.work).doing("make directory", &self.work)?;
        self.work = (self.work.canonicalize()).doing("find directory", &self.work)?;
        self.layered = session.layered(&self.work)?;
        for name in self.names() {
            let layer = self.work.join(name);
            for directory in ["changes", "scratch"] {
                let directory = layer.join(directory);
                fs::create_dir_all(&directory).doing("make directory", &directory)?;
            }
            session.sandbox().own(&layer)?;
        }
        let copied = self.work.join("copied");
        if !self.layered && !copied.exists() {
            self.copy(session)?;
            fs::write(&copied, "").doing("write mark", &copied)?;
        }
        Ok(self)
    }

    /// Without layers, what is below has to be there as a copy.
    fn copy(&self, session: &Session) -> Result<(), VerifyError> {
        if let Some(topmost) = self.project.first() {
            copy(topmost, &self.changes(PROJECT))?;
        }
        for layer in &self.layers {
            if let Some(newest) = layer.below.first() {
                copy(newest, &self.changes(&layer.name))?;
            }
        }
        for name in self.names() {
            session.sandbox().own(&self.changes(name))?;
        }
        Ok(())
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let layers = self.layers.iter().map(|layer| layer.name.as_str());
        std::iter::once(PROJECT).chain(layers)
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(crate) fn work(&self) -> &Path {
        &self.work
    }

    /// What a layer holds with all it builds upon, for the next trial.
    pub(crate) fn results(&self, name: &str) -> Vec<PathBuf> {
        let own = self.changes(name);
        let layer = self.layers.iter().find(|layer| layer.name == name);
        match layer {
            Some(layer) if self.layered => std::iter::once(own)
                .chain(layer.below.iter().cloned())
                .collect(),
            Some(_) | None => vec![own],
        }
    }

    /// What running in the tree left there, topmost first, for a changed tree to lie upon; nothing
    /// where layers have to be copied.
    pub(crate) fn left_in_project(&self) -> Vec<PathBuf> {
        if !self.layered {
            return Vec::new();
        }
        let own = std::iter::once(self.changes(PROJECT));
        let below = self
            .project
            .iter()
            .filter(|below| **below != self.tree.root);
        own.chain(below.cloned()).collect()
    }

    /// Where what is written to the project goes.
    pub(crate) fn written(&self) -> PathBuf {
        self.changes(PROJECT)
    }

    /// Where jobs see the project.
    pub(crate) fn project(&self, session: &Session) -> PathBuf {
        session.seen(&self.changes(PROJECT), places::PROJECT)
    }

    /// Where jobs see a layer.
    pub(crate) fn layer(&self, session: &Session, name: &str) -> PathBuf {
        let layer = self.layers.iter().find(|layer| layer.name == name);
        let inside = layer.map_or(places::PROJECT, |layer| &layer.inside);
        session.seen(&self.changes(name), inside)
    }

    /// What jobs see of this trial.
    pub(crate) fn mounts(&self) -> Result<Vec<Mount>, VerifyError> {
        let below = self.project.split_first().filter(|_| self.layered);
        let project = match below {
            Some((topmost, lower)) => {
                mount(topmost, places::PROJECT, self.overlay(PROJECT, lower)?)
            }
            None => mount(&self.changes(PROJECT), places::PROJECT, Access::ReadWrite),
        };
        let mut mounts = vec![project];
        for layer in &self.layers {
            let below = layer.below.split_first().filter(|_| self.layered);
            mounts.push(match below {
                None => mount(&self.changes(&layer.name), &layer.inside, Access::ReadWrite),
                Some((newest, older)) => {
                    mount(newest, &layer.inside, self.overlay(&layer.name, older)?)
                }
            });
        }
        Ok(mounts)
    }

    fn overlay(&self, layer: &str, lower: &[PathBuf]) -> Result<Access, VerifyError> {
        let work = self.work.join(layer).join("scratch");
        fs::create_dir_all(&work).doing("make directory", &work)?;
        Ok(Access::Overlay {
            lower: lower.to_vec(),
            upper: self.changes(layer),
            work,
        })
    }

    /// An empty directory for the temporary files of one job; what the last one left is gone.
    pub(crate) fn fresh_temporary(&self, session: &Session) -> Result<PathBuf, VerifyError> {
        let temporary = self.temporary();
        if temporary.symlink_metadata().is_ok() {
            session.sandbox().discard(&temporary)?;
        }
        fs::create_dir_all(&temporary).doing("make directory", &temporary)?;
        session.sandbox().own(&temporary)?;
        Ok(temporary)
    }

    /// Where the last job's temporary files are.
    pub(crate) fn temporary(&self) -> PathBuf {
        self.work.join("temporary")
    }

    fn changes(&self, layer: &str) -> PathBuf {
        self.work.join(layer).join("changes")
    }
}

/// Copies a tree with its times, since cargo goes by them. Links are copied as links; pipes,
/// sockets and devices are left out.
fn copy(from: &Path, to: &Path) -> Result<(), VerifyError> {
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
