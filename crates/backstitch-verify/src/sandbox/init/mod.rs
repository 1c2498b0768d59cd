//! The sandbox's own process: started by re-executing the program, single-threaded, it builds
//! the sandbox, runs the job in it and reports. Nothing here runs inside Backstitch's process.
//!
//! Three processes make the chain: the *outer* init (this file), which makes the namespaces and
//! waits outside them; the *inner* init ([`inner`]), process 1 inside, whose death kills all
//! that is inside; and the job. Backstitch's death reaches them in two ways: each asks the
//! kernel to be killed with its parent, and the outer init sees the socket close.

mod filter;
mod inner;
mod network;
mod privileges;
mod root;
mod source;
mod unconfined;
mod wall;

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::CloneFlags;
use nix::sys::prctl;
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, getppid, setgroups, setsid};

use super::job::Network;
use super::syscall;
use super::wire::{GO, MARKER, Message, Spec, Step};

/// The longest description of a job, in bytes.
const SPEC_BYTES_MAX: u64 = 16 << 20;

/// Becomes the sandbox init if the program was started as one, and then never returns. Has to
/// be the first line of `main`, before any thread is started.
pub fn enter_if_asked() {
    if std::env::args_os()
        .nth(1)
        .is_some_and(|argument| argument == MARKER)
    {
        std::process::exit(match serve() {
            Ok(()) => 0,
            Err(_) => 1,
        });
    }
}

/// What stood in the way of which part of the sandbox.
pub(super) struct Refusal {
    step: Step,
    what: String,
    errno: Errno,
}

/// Names the step and the thing a system call was for.
pub(super) trait During<T> {
    fn during(self, step: Step, what: impl Into<String>) -> Result<T, Refusal>;
}

impl<T, E: IntoErrno> During<T> for Result<T, E> {
    fn during(self, step: Step, what: impl Into<String>) -> Result<T, Refusal> {
        self.map_err(|error| Refusal {
            step,
            what: what.into(),
            errno: error.into_errno(),
        })
    }
}

/// An error that is a system call's number at heart.
pub(super) trait IntoErrno {
    fn into_errno(self) -> Errno;
}

impl IntoErrno for Errno {
    fn into_errno(self) -> Errno {
        self
    }
}

impl IntoErrno for rustix::io::Errno {
    fn into_errno(self) -> Errno {
        Errno::from_raw(self.raw_os_error())
    }
}

impl IntoErrno for std::io::Error {
    fn into_errno(self) -> Errno {
        Errno::from_raw(self.raw_os_error().unwrap_or(libc::EIO))
    }
}

/// The socket to Backstitch.
pub(super) struct Line {
    reader: BufReader<UnixStream>,
    writer: UnixStream,
}

impl Line {
    /// Takes over the socket that standard input is.
    fn open() -> std::io::Result<Self> {
        let socket: OwnedFd = std::io::stdin().as_fd().try_clone_to_owned()?;
        let writer = UnixStream::from(socket);
        Ok(Self {
            reader: BufReader::new(writer.try_clone()?),
            writer,
        })
    }

    fn read(&mut self) -> std::io::Result<String> {
        let mut text = String::new();
        self.reader
            .by_ref()
            .take(SPEC_BYTES_MAX)
            .read_line(&mut text)?;
        Ok(text)
    }

    /// Reports. A Backstitch that is gone is found out elsewhere.
    pub(super) fn say(&mut self, message: &Message) {
        if let Ok(mut text) = serde_json::to_string(message) {
            text.push('\n');
            let _gone = self.writer.write_all(text.as_bytes());
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        let Refusal { step, what, errno } = refusal;
        self.say(&Message::Failed {
            step,
            what,
            errno: errno as i32,
        });
    }
}

fn serve() -> std::io::Result<()> {
    let mut line = Line::open()?;
    let spec: Spec = serde_json::from_str(&line.read()?)?;
    privileges::offer_to_be_killed_first();
    let result = if spec.confined {
        confined(&spec, &mut line)
    } else {
        unconfined::run(&spec, &mut line)
    };
    if let Err(refusal) = result {
        line.refuse(refusal);
    }
    report_use(&mut line);
    Ok(())
}

/// Makes the namespaces, starts the inner init in them and waits for it.
fn confined(spec: &Spec, line: &mut Line) -> Result<(), Refusal> {
    setsid().during(Step::Namespaces, "leave the terminal's session")?;
    if spec.as_root {
        setgroups(&[]).during(Step::Users, "leave the supplementary groups")?;
    }
    nix::sched::unshare(namespaces(spec.network)).during(
        Step::Namespaces,
        "make user, mount, process and network namespaces",
    )?;
    die_with_parent(spec)?;
    line.say(&Message::Unshared);
    let answer = line.read().during(Step::Users, "wait for the user map")?;
    if answer != GO {
        return Err(Errno::ECONNABORTED).during(Step::Users, "wait for the user map");
    }
    let (alive, held) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).during(
        Step::Namespaces,
        "make the pipe that shows the outer init alive",
    )?;
    match syscall::fork().during(Step::Namespaces, "start process 1 of the sandbox")? {
        ForkResult::Child => {
            drop(held);
            inner::run(spec, line, &alive);
        }
        ForkResult::Parent { child } => wait_or_kill(child, line),
    }
}

fn namespaces(network: Network) -> CloneFlags {
    let mut flags = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    match network {
        Network::Loopback => flags |= CloneFlags::CLONE_NEWNET,
        Network::Host => {}
    }
    flags
}

/// Asks to be killed when Backstitch dies. The kernel forgets the wish when credentials change,
/// so this comes after the namespaces; a Backstitch that died before is noticed by its number.
fn die_with_parent(spec: &Spec) -> Result<(), Refusal> {
    prctl::set_pdeathsig(Signal::SIGKILL).during(Step::Namespaces, "ask to die with Backstitch")?;
    if getppid().as_raw() != spec.parent_pid {
        return Err(Errno::ESRCH).during(Step::Namespaces, "find Backstitch alive");
    }
    Ok(())
}

/// Waits until the child has ended, and kills it once Backstitch closes the socket.
fn wait_or_kill(child: Pid, line: &Line) -> Result<(), Refusal> {
    while !ended_or_asked(child, line, None)? {}
    // A child that has ended is still there to be killed in vain: nobody else reaps it.
    let _ended = nix::sys::signal::kill(child, Signal::SIGKILL);
    waitpid(child, None)
        .during(Step::Processes, "wait for process 1 of the sandbox")
        .map(drop)
}

/// Tells whether the child ended or Backstitch closed the socket, waiting for either.
fn ended_or_asked(child: Pid, line: &Line, wait: Option<Duration>) -> Result<bool, Refusal> {
    let raw = rustix::process::Pid::from_raw(child.as_raw());
    let raw = raw
        .ok_or(Errno::ESRCH)
        .during(Step::Processes, "name the child")?;
    let handle = rustix::process::pidfd_open(raw, rustix::process::PidfdFlags::empty())
        .during(Step::Processes, "hold the child")?;
    let mut polled = [
        PollFd::new(handle.as_fd(), PollFlags::POLLIN),
        PollFd::new(line.writer.as_fd(), PollFlags::POLLIN),
    ];
    let timeout = wait.map_or(PollTimeout::NONE, |wait| {
        PollTimeout::try_from(wait).unwrap_or(PollTimeout::ZERO)
    });
    match poll(&mut polled, timeout) {
        Ok(count) => Ok(count > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(errno) => Err(errno).during(Step::Processes, "wait for the child"),
    }
}

/// Reports what all reaped descendants used.
fn report_use(line: &mut Line) {
    if let Ok(usage) = getrusage(UsageWho::RUSAGE_CHILDREN) {
        let memory_kib = u64::try_from(usage.max_rss()).unwrap_or(0);
        line.say(&Message::Used {
            cpu_us: cpu_us(&usage),
            memory_bytes_max: memory_kib << 10,
        });
    }
}

fn cpu_us(usage: &Usage) -> u64 {
    let (user, system) = (usage.user_time(), usage.system_time());
    let total = (user.tv_sec() + system.tv_sec()) * 1_000_000 + user.tv_usec() + system.tv_usec();
    u64::try_from(total).unwrap_or(0)
}

/// Tells whether the other end of a pipe that nobody writes to has been closed.
fn closed(pipe: &OwnedFd) -> bool {
    let mut polled = [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)];
    let _ready = poll(&mut polled, PollTimeout::ZERO);
    polled[0].revents().is_some_and(|events| !events.is_empty())
}

/// The path under which the kernel finds an open descriptor.
fn descriptor_path(descriptor: &impl AsRawFd) -> String {
    format!("/proc/self/fd/{}", descriptor.as_raw_fd())
}
