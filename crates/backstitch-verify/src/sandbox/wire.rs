//! What Backstitch and its sandbox init say to each other over a socket: one JSON value a line.

use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::job::{Limits, Mount, Network};

/// The first argument that turns the program into a sandbox init.
pub(super) const MARKER: &str = "__backstitch-sandbox-init";

/// The user and group the job has inside.
pub(super) const INSIDE_ID: u32 = 1000;

/// The user and group on the host that the job has when Backstitch runs as root. The range
/// 60578 to 61183 is left unused by the systemd project's table of user ids, is outside
/// Debian's ranges for accounts, and fits into the 65536 ids a container usually has.
pub(super) const OUTSIDE_ID: u32 = 61_100;

/// The two init processes are counted with the tree, and may have the job's user, but are not
/// the job's.
pub(super) const INIT_TASKS: u64 = 2;

/// The line that lets the init go on once its ids are mapped.
pub(super) const GO: &str = "go\n";

/// Everything the init has to know.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Spec {
    pub(super) confined: bool,
    pub(super) as_root: bool,
    pub(super) parent_pid: i32,
    pub(super) argv: Vec<OsString>,
    pub(super) env: Vec<(OsString, OsString)>,
    pub(super) cwd: PathBuf,
    pub(super) mounts: Vec<Mount>,
    pub(super) network: Network,
    pub(super) limits: Limits,
}

/// What the init reports.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Message {
    /// The namespaces are there and wait for their user and group map.
    Unshared,
    /// The sandbox could not be built.
    Failed {
        step: Step,
        what: String,
        errno: i32,
    },
    /// The job's program could not be executed.
    NotExecuted { errno: i32 },
    /// The job's program runs.
    Started,
    /// The job's first process ended.
    Exited {
        code: Option<i32>,
        signal: Option<i32>,
    },
    /// What the whole tree used; the last message.
    Used { cpu_us: u64, memory_bytes_max: u64 },
}

/// Parts of a sandbox that a kernel can refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Reading what to do.
    Spec,
    /// Making the namespaces.
    Namespaces,
    /// Mapping the users.
    Users,
    /// Building the root directory.
    Root,
    /// Mounting a process list of its own.
    Processes,
    /// Laying a writable layer over a read-only one.
    Overlay,
    /// Raising the loopback interface.
    Network,
    /// Setting resource limits.
    Limits,
    /// Giving up privileges.
    Privileges,
    /// Filtering system calls.
    SystemCalls,
}
