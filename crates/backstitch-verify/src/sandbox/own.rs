//! Hands trees to the job's user and takes them away again. Follows no symbolic link: the trees
//! are hostile, and Backstitch may be root.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, Uid, chmod, chownat, openat, statat, unlinkat,
};

use super::error::SandboxError;
use super::walk::{Broken, Next, Visitor, walk};
use super::wire::OUTSIDE_ID;

/// The most entries of one tree.
const ENTRIES_MAX: u64 = 10_000_000;

/// Makes the job's user the owner of everything in a tree.
pub(super) fn give_to_job(tree: &Path) -> Result<(), SandboxError> {
    walk(tree, ENTRIES_MAX, &mut Giving)
        .map_err(|broken| failed("give to the sandbox's user", broken))
}

/// Removes a tree, opening directories to their owner first: an overlay and a job both leave
/// ones that nobody may enter.
pub(super) fn remove(tree: &Path) -> Result<(), SandboxError> {
    match tree.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => walk(tree, ENTRIES_MAX, &mut Removing).map_err(|broken| failed("remove", broken)),
    }
}

fn failed(doing: &'static str, Broken { path, source }: Broken) -> SandboxError {
    SandboxError::Tree {
        doing,
        path,
        source,
    }
}

struct Giving;

impl Visitor for Giving {
    fn meet(&mut self, at: &OwnedFd, name: &CStr) -> io::Result<Next> {
        let status = statat(at, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let kind = FileType::from_raw_mode(status.st_mode);
        let directory = kind == FileType::Directory;
        if is_whiteout(kind, status.st_rdev) {
            return Ok(Next::Pass);
        }
        if status.st_uid != OUTSIDE_ID || status.st_gid != OUTSIDE_ID {
            if !directory && status.st_nlink > 1 {
                return Err(io::Error::other(
                    "the file has another name, maybe outside the tree",
                ));
            }
            let (user, group) = (Uid::from_raw(OUTSIDE_ID), Gid::from_raw(OUTSIDE_ID));
            chownat(at, name, Some(user), Some(group), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        Ok(if directory { Next::Enter } else { Next::Pass })
    }
}

/// Is this how an overlay notes that a file below it is gone? It belongs to whoever mounted the
/// overlay, all of one overlay are names of one file, and nobody can open it
/// (Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories").
fn is_whiteout(kind: FileType, device: u64) -> bool {
    kind == FileType::CharacterDevice && device == 0
}

struct Removing;

impl Visitor for Removing {
    fn meet(&mut self, at: &OwnedFd, name: &CStr) -> io::Result<Next> {
        let status = statat(at, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(status.st_mode) != FileType::Directory {
            unlinkat(at, name, AtFlags::empty())?;
            return Ok(Next::Pass);
        }
        if status.st_mode & 0o700 != 0o700 {
            open_to_owner(at, name, status.st_mode)?;
        }
        Ok(Next::Enter)
    }

    fn leave(&mut self, at: &OwnedFd, name: &CStr) -> io::Result<()> {
        Ok(unlinkat(at, name, AtFlags::REMOVEDIR)?)
    }
}

/// Changing a mode by name follows a link, and a descriptor that is open for nothing cannot be
/// used for it; its name in `/proc` can.
fn open_to_owner(at: &OwnedFd, name: &CStr, mode: u32) -> io::Result<()> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = openat(at, name, flags, Mode::empty())?;
    let path = format!("/proc/self/fd/{}", directory.as_raw_fd());
    Ok(chmod(
        path,
        Mode::from_raw_mode(mode & 0o7777) | Mode::RWXU,
    )?)
}
