//! The three system calls no safe crate offers. All of the crate's `unsafe` is here.
#![expect(
    unsafe_code,
    reason = "fork, mount_setattr and close_range have no safe wrapper"
)]

use std::ffi::{c_long, c_uint};
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::unistd::{ForkResult, fork as nix_fork};

/// Forks. Only for the sandbox init, which has a single thread.
pub(super) fn fork() -> nix::Result<ForkResult> {
    // SAFETY: the init never starts a thread, so the child finds no lock held by a thread that
    // it does not have, and may allocate.
    unsafe { nix_fork() }
}

/// Adds attributes (`MOUNT_ATTR_*`) to a mount and, if `recursive`, to all mounts below it.
/// Attributes are only ever added, so the ones the kernel has locked stay as they are.
pub(super) fn restrict_mount(
    mount: BorrowedFd<'_>,
    added: u64,
    recursive: bool,
) -> nix::Result<()> {
    let attributes = libc::mount_attr {
        attr_set: added,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: both pointers outlive the call, the path is NUL-terminated, and the size is that
    // of the structure pointed to.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            c_long::from(mount.as_raw_fd()),
            c"".as_ptr(),
            c_long::from(flags),
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    Errno::result(result).map(drop)
}

/// Marks every descriptor from `first` on to be closed when the process executes a program.
pub(super) fn close_on_execute_from(first: c_uint) -> nix::Result<()> {
    // SAFETY: the call takes plain numbers, and marking a descriptor does not invalidate it.
    let result = unsafe {
        libc::syscall(
            libc::SYS_close_range,
            first,
            c_uint::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        )
    };
    Errno::result(result).map(drop)
}
