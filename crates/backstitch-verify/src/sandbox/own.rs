//! Hands trees to the job's user and takes them away again. Follows no symbolic link: the trees
//! are hostile, and Backstitch may be root.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Uid, chownat, openat, statat};

use super::error::SandboxError;
use super::wire::OUTSIDE_ID;

/// The most entries of one tree.
const ENTRIES_MAX: u64 = 10_000_000;

/// The deepest tree; one directory is open for each level.
const DEPTH_MAX: usize = 256;

/// Makes the job's user the owner of everything in a tree.
pub(super) fn give_to_job(tree: &Path) -> Result<(), SandboxError> {
    let mut walk = Walk {
        path: tree.to_path_buf(),
        entries_left: ENTRIES_MAX,
    };
    let parent = tree
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let result = openat(
        rustix::fs::CWD,
        parent.unwrap_or(Path::new(".")),
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
    .map_err(io::Error::from)
    .and_then(|parent| {
        let name = tree.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        walk.give(&parent, name, 0)
    });
    result.map_err(|source| SandboxError::Tree {
        doing: "give to the sandbox's user",
        path: walk.path,
        source,
    })
}

/// A walk through a tree; `path` is where it is, for the error's text.
struct Walk {
    path: PathBuf,
    entries_left: u64,
}

impl Walk {
    fn give(&mut self, at: &OwnedFd, name: &std::ffi::OsStr, depth: usize) -> io::Result<()> {
        self.entries_left = self
            .entries_left
            .checked_sub(1)
            .filter(|_| depth <= DEPTH_MAX)
            .ok_or_else(|| io::Error::other("too many files or too deep a tree"))?;
        let status = statat(at, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let directory = FileType::from_raw_mode(status.st_mode) == FileType::Directory;
        if status.st_uid != OUTSIDE_ID || status.st_gid != OUTSIDE_ID {
            if !directory && status.st_nlink > 1 {
                return Err(io::Error::other(
                    "the file has another name, maybe outside the tree",
                ));
            }
            let (user, group) = (Uid::from_raw(OUTSIDE_ID), Gid::from_raw(OUTSIDE_ID));
            chownat(at, name, Some(user), Some(group), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        if directory {
            self.give_entries(at, name, depth)
        } else {
            Ok(())
        }
    }

    fn give_entries(
        &mut self,
        at: &OwnedFd,
        name: &std::ffi::OsStr,
        depth: usize,
    ) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = openat(at, name, flags, Mode::empty())?;
        for entry in Dir::read_from(directory.as_fd())? {
            let entry = entry?;
            let bytes = entry.file_name().to_bytes();
            if bytes == b"." || bytes == b".." {
                continue;
            }
            let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes);
            self.path.push(name);
            self.give(&directory, name, depth + 1)?;
            self.path.pop();
        }
        Ok(())
    }
}

/// Removes a tree, opening directories to their owner first: an overlay and a job both leave
/// ones that nobody may enter.
pub(super) fn remove(tree: &Path) -> Result<(), SandboxError> {
    let failed = |source| SandboxError::Tree {
        doing: "remove",
        path: tree.to_path_buf(),
        source,
    };
    let mut waiting = vec![tree.to_path_buf()];
    let mut entries_left = ENTRIES_MAX;
    while let Some(path) = waiting.pop() {
        let Ok(metadata) = fs::symlink_metadata(&path) else {
            continue;
        };
        if !metadata.is_dir() || entries_left == 0 {
            continue;
        }
        entries_left -= 1;
        open_to_owner(&path, &metadata).map_err(failed)?;
        waiting.extend(
            fs::read_dir(&path)
                .map_err(failed)?
                .flatten()
                .map(|entry| entry.path()),
        );
    }
    match fs::remove_dir_all(tree) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(()),
    }
}

fn open_to_owner(directory: &Path, metadata: &Metadata) -> io::Result<()> {
    if metadata.mode() & 0o700 == 0o700 {
        return Ok(());
    }
    fs::set_permissions(
        directory,
        Permissions::from_mode(metadata.mode() & 0o7777 | 0o700),
    )
}
