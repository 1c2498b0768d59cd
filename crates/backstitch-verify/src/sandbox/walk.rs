//! Leads through a hostile tree by descriptor, however deep it is: two directories are open at a
//! time, no path grows, and no symbolic link is followed. Changes nothing by itself.

use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Dir, Mode, OFlags, fstat, openat};

/// What to do about an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Goes into a directory.
    Enter,
    /// Leaves it at that.
    Pass,
}

/// Whoever is led through a tree. Entries are named in the open directory that holds them.
pub(super) trait Visitor {
    /// Meets an entry, a directory before what is in it.
    fn meet(&mut self, at: &OwnedFd, name: &CStr) -> io::Result<Next>;

    /// Hears that a directory cannot be entered or not be read to its end.
    fn closed(&mut self, error: io::Error) -> io::Result<()> {
        Err(error)
    }

    /// Comes out of a directory.
    fn leave(&mut self, _at: &OwnedFd, _name: &CStr) -> io::Result<()> {
        Ok(())
    }
}

/// A walk that could not go on.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) path: PathBuf,
    pub(super) source: io::Error,
}

/// Leads through a tree, its root included; gives up past `entries_max`.
pub(super) fn walk(
    tree: &Path,
    entries_max: u64,
    visitor: &mut impl Visitor,
) -> Result<(), Broken> {
    let above = tree
        .parent()
        .filter(|above| !above.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut walk = Walk {
        visitor,
        entries_left: entries_max,
        at: None,
        levels: Vec::new(),
        met: CString::default(),
    };
    walk.lead(above, tree).map_err(|source| Broken {
        path: walk.path(above),
        source,
    })
}

/// A directory on the way down.
struct Level {
    name: CString,
    identity: (u64, u64),
    waiting: Vec<CString>,
}

struct Walk<'run, V> {
    visitor: &'run mut V,
    entries_left: u64,
    /// The last level's directory.
    at: Option<OwnedFd>,
    levels: Vec<Level>,
    /// The entry last met, for an error's text.
    met: CString,
}

impl<V: Visitor> Walk<'_, V> {
    fn lead(&mut self, above: &Path, tree: &Path) -> io::Result<()> {
        let name = tree.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let name = CString::new(name.as_bytes())?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let at = openat(CWD, above, flags, Mode::empty())?;
        let waiting = match self.meet(&at, &name)? {
            Next::Enter => vec![name],
            Next::Pass => return Ok(()),
        };
        self.go_down(at, CString::default(), waiting)?;
        while let Some(level) = self.levels.last_mut() {
            match level.waiting.pop() {
                Some(name) => self.enter(name)?,
                None => self.go_up()?,
            }
        }
        Ok(())
    }

    fn meet(&mut self, at: &OwnedFd, name: &CStr) -> io::Result<Next> {
        name.clone_into(&mut self.met);
        self.entries_left = self
            .entries_left
            .checked_sub(1)
            .ok_or_else(|| io::Error::other("too many files"))?;
        self.visitor.meet(at, name)
    }

    fn enter(&mut self, name: CString) -> io::Result<()> {
        let Some(at) = self.at.take() else {
            return Ok(());
        };
        self.met.clone_from(&name);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = match openat(&at, &name, flags, Mode::empty()) {
            Ok(directory) => directory,
            Err(error) => {
                self.at = Some(at);
                return self.visitor.closed(error.into());
            }
        };
        let waiting = self.read(&directory)?;
        if waiting.is_empty() {
            self.visitor.leave(&at, &name)?;
            self.at = Some(at);
            Ok(())
        } else {
            self.go_down(directory, name, waiting)
        }
    }

    /// Meets a directory's entries and answers those to go into.
    fn read(&mut self, directory: &OwnedFd) -> io::Result<Vec<CString>> {
        let mut waiting = Vec::new();
        let entries = match Dir::read_from(directory.as_fd()) {
            Ok(entries) => entries,
            Err(error) => {
                self.visitor.closed(error.into())?;
                return Ok(waiting);
            }
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.visitor.closed(error.into())?;
                    break;
                }
            };
            let name = entry.file_name();
            if name != c"." && name != c".." && self.meet(directory, name)? == Next::Enter {
                waiting.push(name.to_owned());
            }
        }
        Ok(waiting)
    }

    fn go_down(&mut self, at: OwnedFd, name: CString, waiting: Vec<CString>) -> io::Result<()> {
        let identity = identity(&at)?;
        self.at = Some(at);
        self.levels.push(Level {
            name,
            identity,
            waiting,
        });
        Ok(())
    }

    /// A directory that was moved meanwhile has another one above it, maybe outside the tree.
    fn go_up(&mut self) -> io::Result<()> {
        let (Some(left), Some(at), Some(level)) =
            (self.levels.pop(), self.at.take(), self.levels.last())
        else {
            return Ok(());
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let above = openat(&at, c"..", flags, Mode::empty())?;
        if identity(&above)? != level.identity {
            return Err(io::Error::other("the folder was moved meanwhile"));
        }
        self.visitor.leave(&above, &left.name)?;
        self.at = Some(above);
        Ok(())
    }

    /// Where the walk is, for an error's text.
    fn path(&self, above: &Path) -> PathBuf {
        let mut path = above.to_path_buf();
        let names = self.levels.iter().skip(1).map(|level| &level.name);
        path.extend(
            names
                .chain([&self.met])
                .map(|name| OsStr::from_bytes(name.to_bytes())),
        );
        path
    }
}

fn identity(directory: &OwnedFd) -> io::Result<(u64, u64)> {
    let status = fstat(directory)?;
    Ok((status.st_dev, status.st_ino))
}
