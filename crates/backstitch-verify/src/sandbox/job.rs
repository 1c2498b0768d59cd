//! What a job is and what came of it: plain data, no system call.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Describes one command to run in a sandbox.
#[derive(Debug, Clone)]
pub struct Job {
    /// The program, looked up in the job's own `PATH` inside the sandbox, and its arguments.
    pub argv: Vec<OsString>,
    /// The variables added to the few the sandbox sets (`HOME`, `PATH`, `USER`, `LANG`, `TMPDIR`,
    /// `TERM`); one named here wins. Nothing else of Backstitch's environment is seen.
    pub env: Vec<(OsString, OsString)>,
    /// Where the program starts: a path inside the sandbox.
    pub cwd: PathBuf,
    /// What the job sees of the host besides the system directories. An outer path may come
    /// before or after one inside it.
    pub mounts: Vec<Mount>,
    /// What the job can reach.
    pub network: Network,
    /// What the job may use.
    pub limits: Limits,
    /// Where its output goes.
    pub output: Output,
}

/// Shows one host path inside the sandbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mount {
    /// The path on the host; its last component must not be a symbolic link.
    pub host: PathBuf,
    /// The absolute path inside. Missing parents are made, owned by the owner of the directory
    /// they are made in. No component may be a symbolic link.
    pub inside: PathBuf,
    /// What the job may do there.
    pub access: Access,
}

impl Mount {
    /// Shows a path at the same place, for reading.
    pub fn read_only(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self {
            host: path.clone(),
            inside: path,
            access: Access::ReadOnly,
        }
    }

    /// Shows a path at the same place, for reading and writing.
    pub fn read_write(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self {
            host: path.clone(),
            inside: path,
            access: Access::ReadWrite,
        }
    }
}

/// What a job may do with a mount.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Access {
    /// Read and execute.
    ReadOnly,
    /// Read, write and execute; the tree must be the sandbox user's, see `Sandbox::own`.
    ReadWrite,
    /// Read, write and execute, with every change kept apart in `upper`. [`Mount::host`] is the
    /// topmost read-only layer.
    Overlay {
        /// Further read-only layers below the host path, topmost first. The job can change only
        /// what is its user's, so a layer to be changed has to go through `Sandbox::own` too.
        lower: Vec<PathBuf>,
        /// Where the changes go.
        upper: PathBuf,
        /// An empty directory on the same filesystem as `upper`.
        work: PathBuf,
    },
}

/// What a job can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Network {
    /// Only itself: a network of its own with nothing but a loopback interface.
    Loopback,
    /// Whatever the host reaches, the host's own loopback services included. Only for a step
    /// that runs a package manager and nothing of the project's.
    Host,
}

/// What a job may use. A job that passes a limit is killed with everything it started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Limits {
    /// Real time, in seconds.
    pub wall_s: u64,
    /// Processor time of the whole tree, in seconds.
    pub cpu_s: u64,
    /// Memory of the whole tree that is not backed by a file, in bytes.
    pub memory_bytes_max: u64,
    /// Private writable memory one process may reserve, in bytes. Raise it for a sanitizer, which
    /// reserves terabytes of shadow without using them.
    pub data_bytes_max: u64,
    /// What `/tmp`, `/dev/shm` and the home directory hold together, in bytes. They are in memory
    /// and count besides `memory_bytes_max`.
    pub scratch_bytes_max: u64,
    /// Processes and threads alive at once; reaching the number counts as passing it.
    pub processes_max: u64,
    /// Bytes printed, both streams together.
    pub output_bytes_max: u64,
    /// What the writable mounts hold together, in bytes; every file counts 4 KiB on top of its
    /// content. Files that were there before count too.
    pub disk_bytes_max: u64,
    /// The largest single file, in bytes.
    pub file_bytes_max: u64,
    /// Open files of one process.
    pub open_files_max: u64,
}

impl Default for Limits {
    /// Suits the build of a middling project; a caller knows better.
    fn default() -> Self {
        const GIB: u64 = 1 << 30;
        Self {
            wall_s: 600,
            cpu_s: 3600,
            memory_bytes_max: 4 * GIB,
            data_bytes_max: 8 * GIB,
            scratch_bytes_max: GIB,
            processes_max: 1024,
            output_bytes_max: 64 << 20,
            disk_bytes_max: 16 * GIB,
            file_bytes_max: 4 * GIB,
            open_files_max: 4096,
        }
    }
}

/// Where a job's output goes. The files are made anew, readable by Backstitch's user alone.
#[derive(Debug, Clone)]
pub enum Output {
    /// Both streams into one file, in the order they were written.
    Merged {
        /// The file.
        log: PathBuf,
    },
    /// One file for each, for a program whose standard output is read by a machine.
    Split {
        /// Standard output's file.
        stdout: PathBuf,
        /// Standard error's file.
        stderr: PathBuf,
    },
}

/// Which stream a piece of output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Both, as one.
    Merged,
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It ended by itself.
    Code(i32),
    /// It died of a signal that the sandbox did not send.
    Signal(i32),
    /// Its `wall_s` passed.
    TimedOut,
    /// It passed another limit.
    OverLimit(Resource),
    /// The caller's [`Cancel`] was set.
    Cancelled,
}

impl Exit {
    /// Tells whether the job ended by itself with code 0.
    pub fn succeeded(self) -> bool {
        self == Exit::Code(0)
    }
}

/// What a job had too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// `cpu_s`.
    Cpu,
    /// `memory_bytes_max`.
    Memory,
    /// `processes_max`.
    Processes,
    /// `output_bytes_max`.
    Output,
    /// `disk_bytes_max`.
    Disk,
    /// `file_bytes_max`.
    FileSize,
}

/// What came of a job.
#[derive(Debug, Clone)]
pub struct Ran {
    /// How it ended.
    pub exit: Exit,
    /// Real time it took, the sandbox's own setup included.
    pub elapsed: Duration,
    /// Processor time of everything it ran.
    pub cpu: Duration,
    /// The most memory seen in use, in bytes: of the whole tree without file pages, sampled, or of
    /// its largest process with them, exact; whichever is more.
    pub memory_bytes_max: u64,
    /// Where its output went.
    pub output: Output,
    /// Bytes it printed, as far as they were read.
    pub output_bytes: u64,
    /// Whether it printed more than the log holds.
    pub truncated: bool,
}

/// Asks a running job to stop; a copy shares the flag.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Stops every job that runs under this flag, now and later.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Tells whether the flag is set.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl From<Arc<AtomicBool>> for Cancel {
    fn from(flag: Arc<AtomicBool>) -> Self {
        Self(flag)
    }
}
