//! Runs one command of a hostile project, bounded in everything, and tells how it ended.
//!
//! The walls are Linux namespaces built by an unprivileged user: a root directory of its own
//! with nothing of the host but what the job lists, a process tree, a network, a user without
//! any privilege. Behind them stand a system call filter and, where the kernel has it, Landlock.
//!
//! The limits are resource limits of the kernel plus a supervisor that looks at the process tree
//! twenty times a second. Control groups would count more exactly, but a user has one only where
//! a service manager delegates it, and Backstitch has to hold in a bare container too. What
//! polling misses is bounded by the per-process limits, by the size of the filesystems in
//! memory, and by offering the job to the kernel first when memory runs out.
//!
//! Never decides what a result means, and never touches a tree the caller did not name.

mod error;
mod init;
mod job;
mod log;
mod measure;
mod own;
mod probe;
mod supervise;
mod syscall;
mod walk;
mod wire;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub use error::{SandboxError, Unavailable};
pub use init::enter_if_asked;
pub use job::{Access, Cancel, Exit, Job, Limits, Mount, Network, Output, Ran, Resource, Stream};
pub use wire::Step;

/// The job's home directory inside: empty, in memory.
pub const HOME_INSIDE: &str = "/home/job";

/// The other directories inside that anyone may write to, in memory as well.
pub const SCRATCH_INSIDE: &[&str] = &["/tmp", "/dev/shm"];

/// Where programs are looked up unless the job says otherwise.
pub const PATH_INSIDE: &str = "/usr/local/bin:/usr/bin:/bin";

/// Runs jobs. Holds nothing open between them and can be shared by threads.
#[derive(Debug, Clone)]
pub struct Sandbox {
    init_program: PathBuf,
    confinement: Confinement,
}

/// Whether the walls are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Confinement {
    Namespaces,
    None,
}

impl Sandbox {
    /// Makes a sandbox whose init is the given program, one that calls [`enter_if_asked`] first
    /// thing; usually `std::env::current_exe()`.
    pub fn new(init_program: PathBuf) -> Self {
        Self {
            init_program,
            confinement: Confinement::Namespaces,
        }
    }

    /// Makes a sandbox without walls, for whoever trusts the project: jobs run in place as the
    /// caller's user, under the same limits. Mounts do nothing, so every path in a job has to be
    /// the host's; make [`Mount::inside`] and [`Mount::host`] the same to serve both kinds.
    pub fn unconfined(init_program: PathBuf) -> Self {
        Self {
            init_program,
            confinement: Confinement::None,
        }
    }

    /// Tells whether jobs are walled in, and so whether mounts are honoured.
    pub fn is_confined(&self) -> bool {
        match self.confinement {
            Confinement::Namespaces => true,
            Confinement::None => false,
        }
    }

    /// Runs a job to its end. `observer` is shown the output as it comes, at most as much as the
    /// log holds. The calling thread must live as long as the job: the kernel ties the
    /// sandbox's life to it.
    pub fn run(
        &self,
        job: &Job,
        cancel: &Cancel,
        observer: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<Ran, SandboxError> {
        supervise::run(self, job, cancel, observer)
    }

    /// Gives a tree, recursively, to the user that jobs run as. Needed for every writable mount;
    /// does nothing unless Backstitch runs as root. Symbolic links are not followed, and a file
    /// that also has a name elsewhere is refused, since it would change hands there too.
    pub fn own(&self, tree: &Path) -> Result<(), SandboxError> {
        if self.is_confined() && runs_as_root() {
            own::give_to_job(tree)
        } else {
            Ok(())
        }
    }

    /// Removes a tree that a job could write to, whatever permissions it has left there.
    pub fn discard(&self, tree: &Path) -> Result<(), SandboxError> {
        own::remove(tree)
    }

    /// Finds out whether this machine can build the sandbox, by building one; takes some
    /// milliseconds. Without walls there is nothing to refuse.
    pub fn probe(&self) -> Result<(), Unavailable> {
        probe::probe(self)
    }

    /// Finds out whether [`Access::Overlay`] works with layers in `near`, an existing directory
    /// that Backstitch may write to. Where it does not, a caller has to copy instead.
    pub fn overlay_supported(&self, near: &Path) -> Result<bool, SandboxError> {
        if self.is_confined() {
            probe::overlay(self, near)
        } else {
            Ok(false)
        }
    }

    fn environment(&self, job: &Job) -> Vec<(OsString, OsString)> {
        let set = |name: &str, inside: &str| {
            let host = if self.is_confined() {
                None
            } else {
                std::env::var_os(name)
            };
            (
                OsString::from(name),
                host.unwrap_or_else(|| OsString::from(inside)),
            )
        };
        let mut variables = vec![
            set("HOME", HOME_INSIDE),
            set("PATH", PATH_INSIDE),
            set("USER", "job"),
            set("TMPDIR", "/tmp"),
            ("LANG".into(), "C.UTF-8".into()),
            ("TERM".into(), "dumb".into()),
        ];
        variables.extend(job.env.iter().cloned());
        variables
    }
}

/// Tells whether Backstitch has the power to give the job a user of its own.
fn runs_as_root() -> bool {
    nix::unistd::geteuid().is_root()
}
