//! Backstitch's side of a running job: starts the init, maps its users, reads the output,
//! measures, and stops the job that takes too much.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::error::SandboxError;
use super::job::{Cancel, Exit, Job, Ran, Resource, Stream};
use super::log::Logs;
use super::measure::{self, Disk, Machine};
use super::wire::{GO, INIT_TASKS, INSIDE_ID, MARKER, Message, OUTSIDE_ID, Spec};
use super::{Sandbox, runs_as_root};

/// How often the job is measured.
const TICK: Duration = Duration::from_millis(50);

/// How long the init has to report after it was told to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// The longest line of the init, in bytes.
const LINE_BYTES_MAX: usize = 1 << 16;

/// Runs a job to its end.
pub(super) fn run(
    sandbox: &Sandbox,
    job: &Job,
    cancel: &Cancel,
    observer: &mut dyn FnMut(Stream, &[u8]),
) -> Result<Ran, SandboxError> {
    let mut text = serde_json::to_string(&spec(sandbox, job))
        .map_err(|error| SandboxError::Job(error.to_string()))?;
    text.push('\n');
    let began = Instant::now();
    let (logs, writers) = Logs::open(&job.output, job.limits.output_bytes_max)?;
    let mut supervisor = Supervisor::start(sandbox, job, logs, writers)?;
    let ended = supervisor
        .socket
        .write_all(text.as_bytes())
        .map_err(SandboxError::from)
        .and_then(|()| supervisor.watch(began, cancel, observer));
    supervisor.finish();
    // A sandbox that was told to stop while it was being built breaks off in any way.
    if supervisor.stopped.is_none() {
        ended?;
    }
    supervisor.drain(observer)?;
    supervisor.conclude(began.elapsed())
}

fn spec(sandbox: &Sandbox, job: &Job) -> Spec {
    Spec {
        confined: sandbox.is_confined(),
        as_root: runs_as_root(),
        parent_pid: std::process::id().cast_signed(),
        argv: job.argv.clone(),
        env: sandbox.environment(job),
        cwd: job.cwd.clone(),
        mounts: job.mounts.clone(),
        network: job.network,
        limits: job.limits.clone(),
    }
}

/// One job under way.
struct Supervisor<'job> {
    job: &'job Job,
    init: Child,
    socket: UnixStream,
    unread: Vec<u8>,
    logs: Logs,
    disk: Disk,
    machine: Machine,
    said: Said,
    stopped: Option<(Exit, Instant)>,
    memory_bytes_max: u64,
    cpu: Duration,
}

/// What the init has reported so far.
#[derive(Default)]
struct Said {
    failed: Option<SandboxError>,
    exited: Option<Exit>,
    cpu: Duration,
    memory_bytes_max: u64,
}

impl<'job> Supervisor<'job> {
    fn start(
        sandbox: &Sandbox,
        job: &'job Job,
        logs: Logs,
        writers: (OwnedFd, OwnedFd),
    ) -> Result<Self, SandboxError> {
        let (socket, theirs) = UnixStream::pair()?;
        let init = Command::new(&sandbox.init_program)
            .arg(MARKER)
            .env_clear()
            .current_dir("/")
            .stdin(OwnedFd::from(theirs))
            .stdout(Stdio::from(writers.0))
            .stderr(Stdio::from(writers.1))
            .spawn()
            .map_err(|source| SandboxError::Start {
                program: sandbox.init_program.clone(),
                source,
            })?;
        Ok(Self {
            job,
            init,
            socket,
            unread: Vec::new(),
            logs,
            disk: Disk::new(&job.mounts, job.limits.disk_bytes_max),
            machine: Machine::now(),
            said: Said::default(),
            stopped: None,
            memory_bytes_max: 0,
            cpu: Duration::ZERO,
        })
    }

    fn init_pid(&self) -> i32 {
        self.init.id().cast_signed()
    }

    /// Reads and measures until the init has closed the socket.
    fn watch(
        &mut self,
        began: Instant,
        cancel: &Cancel,
        observer: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<(), SandboxError> {
        let mut next_tick = began;
        loop {
            let now = Instant::now();
            if now >= next_tick {
                self.tick(began, cancel);
                // Measuring a large tree takes long; it must not become all there is done.
                next_tick = now + TICK.max(now.elapsed() * 4);
            }
            let (said, printed) = self.wait(next_tick.saturating_duration_since(Instant::now()))?;
            if printed {
                self.logs.read(observer)?;
                if self.logs.truncated {
                    self.stop(Exit::OverLimit(Resource::Output));
                }
            }
            if said && !self.listen()? {
                return Ok(());
            }
        }
    }

    /// Waits for something to read: from the init, from the job.
    fn wait(&self, longest: Duration) -> Result<(bool, bool), SandboxError> {
        let mut polled = vec![PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        polled.extend(
            self.logs
                .open_pipes()
                .map(|pipe| PollFd::new(pipe, PollFlags::POLLIN)),
        );
        // Rounding down would spin through the last part of a millisecond.
        let longest = longest + Duration::from_millis(1);
        match poll(
            &mut polled,
            PollTimeout::try_from(longest).unwrap_or(PollTimeout::ZERO),
        ) {
            Ok(_) => {
                let mut ready = polled.iter().map(|one| one.any().unwrap_or(true));
                let said = ready.next().unwrap_or(false);
                Ok((said, ready.any(|ready| ready)))
            }
            Err(Errno::EINTR) => Ok((false, false)),
            Err(errno) => Err(errno.into()),
        }
    }

    fn tick(&mut self, began: Instant, cancel: &Cancel) {
        if let Some((_, since)) = self.stopped {
            if since.elapsed() > STOP_PATIENCE {
                // The init dies with everything in its namespaces.
                let _ended = self.init.kill();
            }
        } else if self.said.exited.is_some() {
            // What is left is to reap; the job's own end counts.
        } else if cancel.is_cancelled() {
            self.stop(Exit::Cancelled);
        } else if began.elapsed() >= Duration::from_secs(self.job.limits.wall_s) {
            self.stop(Exit::TimedOut);
        } else if let Some(resource) = self.measure() {
            self.stop(Exit::OverLimit(resource));
        }
    }

    /// Names what the job has too much of.
    fn measure(&mut self) -> Option<Resource> {
        let limits = &self.job.limits;
        let (pid, processes_max) = (self.init_pid(), self.processes_max());
        let mut tree = measure::tree(pid, processes_max);
        if tree.memory_bytes > limits.memory_bytes_max {
            tree.memory_bytes = measure::memory_shared_once(pid, processes_max);
        }
        self.memory_bytes_max = self.memory_bytes_max.max(tree.memory_bytes);
        self.cpu = self.cpu.max(tree.cpu);
        let memory_bytes_max = limits.memory_bytes_max;
        if tree.memory_bytes > memory_bytes_max || self.machine.is_short(memory_bytes_max) {
            Some(Resource::Memory)
        } else if tree.tasks >= limits.processes_max.saturating_add(INIT_TASKS) {
            Some(Resource::Processes)
        } else if tree.cpu > Duration::from_secs(limits.cpu_s) {
            Some(Resource::Cpu)
        } else if self.disk.is_over(pid) {
            Some(Resource::Disk)
        } else {
            None
        }
    }

    /// More processes than the limit need not be visited to know that it is passed.
    fn processes_max(&self) -> usize {
        let most = self.job.limits.processes_max.saturating_add(INIT_TASKS);
        usize::try_from(most).unwrap_or(usize::MAX)
    }

    /// Has the init kill the job; the init's report of what was used is waited for.
    fn stop(&mut self, why: Exit) {
        if self.stopped.is_none() {
            self.stopped = Some((why, Instant::now()));
            let _gone = self.socket.shutdown(std::net::Shutdown::Write);
        }
    }

    /// Takes in what the init says. Tells whether it may say more.
    fn listen(&mut self) -> Result<bool, SandboxError> {
        let mut chunk = [0; 4096];
        let length = match self.socket.read(&mut chunk) {
            Ok(0) => return Ok(false),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        self.unread.extend(&chunk[..length]);
        while let Some(end) = self.unread.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.unread.drain(..=end).collect();
            let message = serde_json::from_slice(&line)
                .map_err(|error| SandboxError::Lost(format!("unreadable report: {error}")))?;
            self.hear(message)?;
        }
        if self.unread.len() > LINE_BYTES_MAX {
            return Err(SandboxError::Lost("report too long".into()));
        }
        Ok(true)
    }

    fn hear(&mut self, message: Message) -> Result<(), SandboxError> {
        match message {
            Message::Unshared => {
                map_users(self.init_pid())?;
                self.socket.write_all(GO.as_bytes())?;
            }
            Message::Started => {}
            Message::Failed { step, what, errno } => {
                let source = io::Error::from_raw_os_error(errno);
                self.said
                    .failed
                    .get_or_insert(SandboxError::Setup { step, what, source });
            }
            Message::NotExecuted { errno } => {
                let program = self
                    .job
                    .argv
                    .first()
                    .map(|name| name.to_string_lossy().into_owned());
                self.said.failed.get_or_insert(SandboxError::Execute {
                    program: program.unwrap_or_default(),
                    source: io::Error::from_raw_os_error(errno),
                });
            }
            Message::Exited { code, signal } => {
                let signalled = signal.map_or(Exit::Code(0), exit_by_signal);
                self.said.exited = Some(code.map_or(signalled, Exit::Code));
            }
            Message::Used {
                cpu_us,
                memory_bytes_max,
            } => {
                self.said.cpu = Duration::from_micros(cpu_us);
                self.said.memory_bytes_max = memory_bytes_max;
            }
        }
        Ok(())
    }

    /// Makes sure that nothing is left. The init gets the time to kill the job first: without
    /// walls nobody else can.
    fn finish(&mut self) {
        let _gone = self.socket.shutdown(std::net::Shutdown::Write);
        let began = Instant::now();
        while began.elapsed() < STOP_PATIENCE {
            if !matches!(self.init.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let _gone = self.init.kill();
        let _ended = self.init.wait();
    }

    /// Reads what is still in the pipes once all writers are gone.
    fn drain(&mut self, observer: &mut dyn FnMut(Stream, &[u8])) -> Result<(), SandboxError> {
        self.logs.read(observer)?;
        if self.logs.truncated && self.said.exited.is_some() {
            self.stop(Exit::OverLimit(Resource::Output));
        }
        Ok(())
    }

    fn conclude(self, elapsed: Duration) -> Result<Ran, SandboxError> {
        // A job stopped while its sandbox was still being built failed for no other reason.
        let exit = match (self.stopped, self.said.failed, self.said.exited) {
            (Some((why, _)), _, _) => why,
            (None, Some(failed), _) => return Err(failed),
            (None, None, Some(exit)) => exit,
            (None, None, None) => {
                let why = "it was killed, or the program is no sandbox init";
                return Err(SandboxError::Lost(why.into()));
            }
        };
        Ok(Ran {
            exit,
            elapsed,
            cpu: self.cpu.max(self.said.cpu),
            memory_bytes_max: self.memory_bytes_max.max(self.said.memory_bytes_max),
            output: self.job.output.clone(),
            output_bytes: self.logs.bytes,
            truncated: self.logs.truncated,
        })
    }
}

/// Two signals say that a limit of the kernel's was passed.
fn exit_by_signal(signal: i32) -> Exit {
    match signal {
        libc::SIGXCPU => Exit::OverLimit(Resource::Cpu),
        libc::SIGXFSZ => Exit::OverLimit(Resource::FileSize),
        other => Exit::Signal(other),
    }
}

/// Tells the kernel who the users of the init's namespace are outside. As root, the job gets a
/// user of its own, and root stays root only to build the sandbox; otherwise there is but one.
fn map_users(init: i32) -> Result<(), SandboxError> {
    let map = |own: u32| {
        if runs_as_root() {
            format!("0 0 1\n{INSIDE_ID} {OUTSIDE_ID} 1\n")
        } else {
            format!("{INSIDE_ID} {own} 1\n")
        }
    };
    let (user, group) = (
        nix::unistd::geteuid().as_raw(),
        nix::unistd::getegid().as_raw(),
    );
    for (name, text) in [
        ("setgroups", "deny".to_owned()),
        ("uid_map", map(user)),
        ("gid_map", map(group)),
    ] {
        let path = format!("/proc/{init}/{name}");
        std::fs::write(&path, text).map_err(|source| SandboxError::Setup {
            step: super::Step::Users,
            what: format!("write `{path}`"),
            source,
        })?;
    }
    Ok(())
}
