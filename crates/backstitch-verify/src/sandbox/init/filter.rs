//! The system calls a job may not make. A list of refusals, not of permissions: the jobs are
//! compilers and test suites of every kind, and namespaces are the wall; this takes away the
//! parts of the kernel that have most often been the way through such walls.

use std::collections::BTreeMap;

use nix::errno::Errno;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter, sock_filter,
};

use super::{During, Refusal};
use crate::sandbox::wire::Step;

/// Refused as not permitted.
const FORBIDDEN: &[libc::c_long] = &[
    // Changing what is mounted, or which namespace one is in.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    // Keys belong to a user and a session, not to a namespace.
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // Wide interfaces into the kernel that no build or test needs.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_fanotify_init,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_reboot,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_lookup_dcookie,
    libc::SYS_nfsservctl,
    // Moving pages between memory nodes slows down everybody.
    libc::SYS_mbind,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
];

/// Refused as unknown to the kernel, so that callers fall back. `clone3` hides its flags in
/// memory, where no filter can look; its users go on with `clone`.
const UNKNOWN: &[libc::c_long] = &[
    libc::SYS_clone3,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
];

/// The flags that make a namespace, but for `CLONE_NEWTIME`, which shares its bit with the exit
/// signal and which `clone` ignores.
const NAMESPACE_FLAGS: &[libc::c_int] = &[
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

/// The two requests that type into a terminal. The C library's constants have a type that
/// depends on the library.
const TIOCSTI: u64 = 0x5412;
const TIOCLINUX: u64 = 0x541c;

/// The only kinds of socket. Namespaces do not hold back `AF_VSOCK`, which reaches the machine
/// that hosts a virtual one; the rest is rarely used and often broken.
const SOCKET_FAMILIES: &[libc::c_int] = &[
    libc::AF_UNIX,
    libc::AF_INET,
    libc::AF_INET6,
    libc::AF_NETLINK,
];

/// Installs the filters, for good. Has to be the last step before the job's program.
pub(super) fn install() -> Result<(), Refusal> {
    for program in programs()? {
        apply_filter(&program)
            .map_err(|_| Errno::EINVAL)
            .during(Step::SystemCalls, "install a filter")?;
    }
    Ok(())
}

fn programs() -> Result<Vec<BpfProgram>, Refusal> {
    let mut programs = vec![
        compiled(forbidden(), Errno::EPERM)?,
        compiled(Ok(list(UNKNOWN)), Errno::ENOSYS)?,
        compiled(sockets(), Errno::EAFNOSUPPORT)?,
    ];
    if cfg!(target_arch = "x86_64") {
        programs.push(no_x32());
    }
    Ok(programs)
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

type Compiled<T> = Result<T, seccompiler::BackendError>;

/// Compiles a list of refusals. The program also kills whoever calls through the interface of
/// another architecture, whose numbers mean other calls.
fn compiled(rules: Compiled<Rules>, errno: Errno) -> Result<BpfProgram, Refusal> {
    rules
        .and_then(|rules| {
            let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
            let refuse = SeccompAction::Errno(errno as u32);
            SeccompFilter::new(rules, SeccompAction::Allow, refuse, architecture)?.try_into()
        })
        .map_err(|_| Errno::ENOTSUP)
        .during(Step::SystemCalls, "compile a filter for this architecture")
}

fn list(calls: &[libc::c_long]) -> Rules {
    calls.iter().map(|&call| (call, Vec::new())).collect()
}

fn forbidden() -> Compiled<Rules> {
    let mut rules = list(FORBIDDEN);
    rules.insert(libc::SYS_clone, clone_into_namespace()?);
    rules.insert(libc::SYS_ioctl, terminal_injection()?);
    // Lets a process rearrange its own segments, which only emulators of old systems want.
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_modify_ldt, Vec::new());
    Ok(rules)
}

fn clone_into_namespace() -> Compiled<Vec<SeccompRule>> {
    NAMESPACE_FLAGS
        .iter()
        .map(|&flag| {
            let bits = u64::from(flag.cast_unsigned());
            SeccompRule::new(vec![SeccompCondition::new(
                0,
                SeccompCmpArgLen::Dword,
                SeccompCmpOp::MaskedEq(bits),
                bits,
            )?])
        })
        .collect()
}

/// Typing into a terminal on its user's behalf. The job has none; this holds if it finds one.
fn terminal_injection() -> Compiled<Vec<SeccompRule>> {
    [TIOCSTI, TIOCLINUX]
        .iter()
        .map(|&request| {
            SeccompRule::new(vec![SeccompCondition::new(
                1,
                SeccompCmpArgLen::Dword,
                SeccompCmpOp::Eq,
                request,
            )?])
        })
        .collect()
}

/// Every family but the permitted: one rule whose conditions all have to hold.
fn sockets() -> Compiled<Rules> {
    let conditions: Compiled<Vec<_>> = SOCKET_FAMILIES
        .iter()
        .map(|&family| {
            let family = u64::from(family.cast_unsigned());
            SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, family)
        })
        .collect();
    let rule = SeccompRule::new(conditions?)?;
    Ok(BTreeMap::from([
        (libc::SYS_socket, vec![rule.clone()]),
        (libc::SYS_socketpair, vec![rule]),
    ]))
}

/// Kills whoever uses the x32 interface of x86-64: it has the same architecture number, but adds
/// a bit to each call's number, so that none of the lists above would match.
fn no_x32() -> BpfProgram {
    const X32_BIT: u32 = 0x4000_0000;
    let load_number = sock_filter {
        code: 0x20,
        jt: 0,
        jf: 0,
        k: 0,
    };
    let skip_unless_set = sock_filter {
        code: 0x45,
        jt: 0,
        jf: 1,
        k: X32_BIT,
    };
    let kill = sock_filter {
        code: 0x06,
        jt: 0,
        jf: 0,
        k: libc::SECCOMP_RET_KILL_PROCESS,
    };
    let allow = sock_filter {
        code: 0x06,
        jt: 0,
        jf: 0,
        k: libc::SECCOMP_RET_ALLOW,
    };
    vec![load_number, skip_unless_set, kill, allow]
}
