//! Process 1 of the sandbox: builds the root, starts the job, reaps, and reports how the job
//! ended. It keeps the power of its namespaces, so it executes nothing of the job's.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, exit};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, pipe2, sethostname, setsid};

use super::{During, Line, Refusal, closed, filter, network, privileges, root, wall};
use crate::sandbox::job::Network;
use crate::sandbox::syscall;
use crate::sandbox::wire::{Message, Spec, Step};

/// Runs as process 1 and ends with it.
pub(super) fn run(spec: &Spec, line: &mut Line, alive: &OwnedFd) -> ! {
    if let Err(refusal) = build_and_run(spec, line, alive) {
        line.refuse(refusal);
    }
    exit(0)
}

fn build_and_run(spec: &Spec, line: &mut Line, alive: &OwnedFd) -> Result<(), Refusal> {
    prctl::set_pdeathsig(Signal::SIGKILL)
        .during(Step::Namespaces, "ask to die with the outer init")?;
    if closed(alive) {
        return Err(Errno::ESRCH).during(Step::Namespaces, "find the outer init alive");
    }
    // The job may have this process's user; a process that cannot be dumped cannot be traced,
    // and its /proc entries are closed to the job.
    prctl::set_dumpable(false).during(Step::Privileges, "close process 1 to tracing")?;
    sethostname("sandbox").during(Step::Namespaces, "set the host name")?;
    match spec.network {
        Network::Loopback => {
            network::raise_loopback().during(Step::Network, "raise the loopback interface")?;
        }
        Network::Host => {}
    }
    root::build(spec)?;
    let child = start(spec, line, confine)?;
    let Some(child) = child else { return Ok(()) };
    report_end(child, line)
}

/// Forks and executes the job's program after `prepare`. Returns nothing if the program could
/// not be executed, which has then been reported.
pub(super) fn start(
    spec: &Spec,
    line: &mut Line,
    prepare: impl FnOnce(&Spec) -> Result<(), Refusal>,
) -> Result<Option<Pid>, Refusal> {
    let (failure, report) =
        pipe2(OFlag::O_CLOEXEC).during(Step::Processes, "make the pipe that shows the start")?;
    match syscall::fork().during(Step::Processes, "start the job")? {
        ForkResult::Child => {
            drop(failure);
            let Err(failed) = prepare_and_execute(spec, line, prepare);
            let _gone = File::from(report).write_all(&(failed as i32).to_ne_bytes());
            exit(127)
        }
        ForkResult::Parent { child } => {
            drop(report);
            let mut bytes = Vec::new();
            let _read = File::from(failure).take(4).read_to_end(&mut bytes);
            match <[u8; 4]>::try_from(bytes) {
                Ok(errno) if errno != [0; 4] => {
                    line.say(&Message::NotExecuted {
                        errno: i32::from_ne_bytes(errno),
                    });
                    Ok(None)
                }
                Ok(_) => Ok(None),
                Err(_) => {
                    line.say(&Message::Started);
                    Ok(Some(child))
                }
            }
        }
    }
}

/// Turns the forked child into the job. Comes back only with the reason why it could not; a
/// refusal has then been told, and the reason is nothing.
fn prepare_and_execute(
    spec: &Spec,
    line: &mut Line,
    prepare: impl FnOnce(&Spec) -> Result<(), Refusal>,
) -> Result<Infallible, Errno> {
    let ready = setsid()
        .during(Step::Privileges, "start a session")
        .and_then(|_| silence_input())
        .and_then(|()| {
            syscall::close_on_execute_from(3).during(Step::Privileges, "close descriptors")
        })
        .and_then(|()| prepare(spec));
    if let Err(refusal) = ready {
        line.refuse(refusal);
        return Err(Errno::UnknownErrno);
    }
    let program = spec
        .argv
        .first()
        .map_or(OsStr::new(""), |program| program.as_os_str());
    let error = Command::new(program)
        .args(spec.argv.iter().skip(1))
        .env_clear()
        .envs(spec.env.iter().map(|(name, value)| (name, value)))
        .exec();
    Err(Errno::from_raw(
        error.raw_os_error().unwrap_or(libc::EINVAL),
    ))
}

fn silence_input() -> Result<(), Refusal> {
    let null = nix::fcntl::open(
        "/dev/null",
        OFlag::O_RDONLY | OFlag::O_CLOEXEC,
        Mode::empty(),
    )
    .during(Step::Root, "open /dev/null")?;
    nix::unistd::dup2_stdin(&null).during(Step::Root, "make /dev/null standard input")
}

/// Gives up everything; the order is that each step still has the power it needs.
fn confine(spec: &Spec) -> Result<(), Refusal> {
    privileges::limit(&spec.limits)?;
    privileges::limit_processes(&spec.limits)?;
    privileges::drop_all(spec.as_root)?;
    std::env::set_current_dir(&spec.cwd)
        .during(Step::Root, format!("enter `{}`", spec.cwd.display()))?;
    wall::raise(spec)?;
    filter::install()
}

/// Reaps until the job itself has ended.
fn report_end(job: Pid, line: &mut Line) -> Result<(), Refusal> {
    loop {
        match waitpid(None::<Pid>, None) {
            Ok(status) if status.pid() == Some(job) => {
                if let Some(message) = ended(status) {
                    line.say(&message);
                    return Ok(());
                }
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno).during(Step::Processes, "wait for the job"),
        }
    }
}

/// The report of a process that has ended.
pub(super) fn ended(status: WaitStatus) -> Option<Message> {
    match status {
        WaitStatus::Exited(_, code) => Some(Message::Exited {
            code: Some(code),
            signal: None,
        }),
        WaitStatus::Signaled(_, signal, _) => Some(Message::Exited {
            code: None,
            signal: Some(signal as i32),
        }),
        _ => None,
    }
}
