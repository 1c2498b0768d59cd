//! Takes from the process about to become the job all it does not need: resources, users,
//! capabilities.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{Gid, Uid, setresgid, setresuid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities,
};

use super::{During, Refusal};
use crate::sandbox::job::Limits;
use crate::sandbox::wire::{INIT_TASKS, INSIDE_ID, Step};

/// Makes the kernel take the job, and not Backstitch, when memory runs out. What this process
/// starts inherits it.
pub(super) fn offer_to_be_killed_first() {
    // A kernel without the file has no such choice to make.
    let _unsupported = std::fs::write("/proc/self/oom_score_adj", "1000");
}

/// Sets the limits that the kernel keeps for a single process.
///
/// `RLIMIT_DATA` stands for memory rather than `RLIMIT_AS`: many runtimes reserve far more
/// address space than they use, and only writable private memory can become a cost.
pub(super) fn limit(limits: &Limits) -> Result<(), Refusal> {
    // The soft limit sends SIGXCPU, the hard one a second later SIGKILL.
    lower(
        Resource::RLIMIT_CPU,
        limits.cpu_s,
        limits.cpu_s.saturating_add(1),
    )?;
    for (resource, value) in [
        (Resource::RLIMIT_DATA, limits.data_bytes_max),
        (Resource::RLIMIT_FSIZE, limits.file_bytes_max),
        (Resource::RLIMIT_NOFILE, limits.open_files_max),
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_MEMLOCK, 8 << 20),
        (Resource::RLIMIT_MSGQUEUE, 0),
    ] {
        lower(resource, value, value)?;
    }
    Ok(())
}

/// Sets the limit on processes, which counts all of the user's: inside a user namespace of its
/// own that is the sandbox's processes, elsewhere everything the user runs on the machine.
pub(super) fn limit_processes(limits: &Limits) -> Result<(), Refusal> {
    let processes = limits.processes_max.saturating_add(INIT_TASKS);
    lower(Resource::RLIMIT_NPROC, processes, processes)
}

/// Lowers a limit; one that is lower already stays, since only root could raise it.
fn lower(resource: Resource, soft: u64, hard: u64) -> Result<(), Refusal> {
    let what = || format!("set {resource:?}");
    let (_, hard_before) = getrlimit(resource).during(Step::Limits, what())?;
    let hard = hard.min(hard_before);
    setrlimit(resource, soft.min(hard), hard).during(Step::Limits, what())
}

/// Becomes the job's user and gives up every capability, for good.
pub(super) fn drop_all(as_root: bool) -> Result<(), Refusal> {
    drop_bounding_set()?;
    if as_root {
        let (user, group) = (Uid::from_raw(INSIDE_ID), Gid::from_raw(INSIDE_ID));
        setresgid(group, group, group).during(Step::Privileges, "become the job's group")?;
        setresuid(user, user, user).during(Step::Privileges, "become the job's user")?;
    }
    clear_ambient_capability_set().during(Step::Privileges, "clear ambient capabilities")?;
    let none = CapabilitySet::empty();
    let sets = CapabilitySets {
        effective: none,
        permitted: none,
        inheritable: none,
    };
    set_capabilities(None, sets).during(Step::Privileges, "drop all capabilities")?;
    nix::sys::prctl::set_no_new_privs().during(Step::Privileges, "refuse new privileges")
}

fn drop_bounding_set() -> Result<(), Refusal> {
    for bit in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << bit);
        match remove_capability_from_bounding_set(capability) {
            // The kernel knows no capability of this number and so none of a higher one.
            Err(rustix::io::Errno::INVAL) => break,
            result => result.during(Step::Privileges, format!("give up capability {bit}"))?,
        }
    }
    Ok(())
}
