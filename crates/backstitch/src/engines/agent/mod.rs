//! Starts a coding agent in the sandbox and lets it work in a throwaway copy of the project. It
//! sees that copy, what the user's settings show it, and nothing else; what the copy differs by
//! in the end is all that counts.

mod copy;
mod pipes;
mod room;
mod talk;

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backstitch_engine::acp::{Ask, Work};
use backstitch_engine::outcome::Unavailable;
use backstitch_engine::wire::{Failure, Reply, Request, Wire, bounded};
use backstitch_engine::{Egress, Redactor};
use backstitch_verify::sandbox::{Access, Exit, Job, Limits, Mount, Output, Ran, SandboxError};

use super::Walls;
use super::program::{self, Given};
use super::settings::Program;
use copy::{Copy, Left};
use pipes::Pipes;
use talk::{Spoken, Stopped, Trouble};

/// Where the copy is inside.
const COPY_INSIDE: &str = "/project";

/// Where what it is told comes from, inside: jobs have no standard input of their own.
const PIPE_INSIDE: &str = "/talk";

/// What connects an agent's standard input.
const CONNECT: &str = "exec \"$@\" < /talk/in";

/// What an agent may write to its two outputs together, in bytes.
const OUTPUT_BYTES_MAX: u64 = 16 << 20;

/// What the copy may grow to, in bytes.
const DISK_BYTES_MAX: u64 = 2 << 30;

/// How much of what an agent complains of is read, in bytes.
const COMPLAINT_BYTES_MAX: usize = 4096;

/// The longest that an agent is given to stop after it was told to.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// The tree that agents get a copy of. Whoever asks engines says which it is, before each time:
/// what was accepted meanwhile belongs to it.
#[derive(Debug, Clone, Default)]
pub struct Original(Arc<Mutex<Option<PathBuf>>>);

impl Original {
    /// From now on it is this one.
    pub fn set(&self, tree: &Path) {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *place = Some(tree.to_owned());
    }

    fn get(&self) -> Option<PathBuf> {
        let place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        place.clone()
    }
}

/// An agent that can be started.
#[derive(Debug)]
struct Agent {
    walls: Walls,
    given: Given,
    /// Takes secrets out of the copy: what every brief goes without, the copy does too.
    redactor: Redactor,
}

/// A way to an agent, if the settings let it have what it wants.
pub fn wire(
    program: &Program,
    egress: Egress,
    walls: &Walls,
    redactor: Redactor,
) -> Result<Arc<dyn Wire>, Failure> {
    Ok(Arc::new(Agent {
        walls: walls.clone(),
        given: program::given(program, egress)?,
        redactor,
    }))
}

impl Wire for Agent {
    fn send(
        &self,
        request: &Request,
        within: Duration,
        _enough: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Reply, Failure> {
        if !self.walls.sandbox.is_confined() {
            return Err(self.failed(&"an agent works in the sandbox only, and there is none"));
        }
        let ask = Ask::read(&request.body).map_err(|why| self.failed(&why))?;
        let Some(original) = self.walls.project.get() else {
            return Err(self.failed(&"there is no project to work in"));
        };
        let folder = tempfile::Builder::new()
            .prefix("backstitch-agent-")
            .tempdir();
        let folder = folder.map_err(|error| self.failed(&error))?;
        let work = self.work(&ask, &original, folder.path(), within);
        // The copy is the job's user's, whatever permissions it has left there.
        let gone = self.walls.sandbox.discard(&folder.path().join("copy"));
        let work = work?;
        gone.map_err(|error| self.failed(&error))?;
        Ok(Reply {
            status: 200,
            retry_after_s: None,
            body: self
                .given
                .redactor
                .known_only(&work.to_json())
                .into_owned()
                .into_bytes(),
            broke_off: None,
        })
    }
}

impl Agent {
    /// Why it failed, without what it was given.
    fn failed(&self, why: &dyn std::fmt::Display) -> Failure {
        let why = self.given.redactor.redact(&why.to_string()).text;
        Failure::new(Unavailable::Program, bounded(&why))
    }

    fn work(
        &self,
        ask: &Ask,
        original: &Path,
        folder: &Path,
        within: Duration,
    ) -> Result<Work, Failure> {
        let copy = Copy::make(original, &folder.join("copy"), &self.redactor)
            .and_then(|copy| {
                self.walls.sandbox.own(copy.root())?;
                Ok(copy)
            })
            .map_err(|error| self.failed(&format!("{error:#}")))?;
        let pipes = Pipes::make(&folder.join("talk")).map_err(|error| self.failed(&error))?;
        let stderr = folder.join("stderr");
        let job = self.job(&copy, folder, within, &stderr);
        let room = room::Room::open(copy.root()).map_err(|error| self.failed(&error))?;
        let patience = STOP_PATIENCE.min(within / 4);
        let told = talk::Told {
            prompt: &ask.prompt,
            within: within.saturating_sub(patience),
            patience,
        };
        let (spoken, ran) = talk::with(&told, pipes, room, &self.walls, &job);
        let complaint = program::read(&stderr, COMPLAINT_BYTES_MAX).unwrap_or_default();
        let complaint = String::from_utf8_lossy(&complaint).into_owned();
        self.ended(spoken, ran, &complaint, &copy)
    }

    /// What its end amounts to. It is not running any more.
    fn ended(
        &self,
        spoken: Spoken,
        ran: Result<Ran, SandboxError>,
        complaint: &str,
        copy: &Copy,
    ) -> Result<Work, Failure> {
        let stop = match spoken.end {
            Err(Trouble::Refused(..) | Trouble::Gone) if was_stopped(&ran) => {
                return Err(self.gone(ran, complaint));
            }
            Ok(stop) => stop,
            Err(Trouble::Malformed(why)) => return Ok(Work::malformed(why)),
            Err(Trouble::Refused(kind, why)) => {
                return Err(Failure {
                    kind,
                    ..self.failed(&why)
                });
            }
            Err(Trouble::Stopped(how)) => {
                if self.walls.cancel.is_cancelled() {
                    return Err(self.failed(&"it was stopped"));
                }
                let why = match how {
                    Stopped::Obeyed => "it did not end until it was told to",
                    Stopped::Killed => "it did not end, and did not stop when it was told to",
                };
                return Err(Failure::new(Unavailable::TimedOut, why));
            }
            Err(Trouble::Gone) => return Err(self.gone(ran, complaint)),
        };
        let left = match copy.left() {
            Ok(Left::Changes(changes)) => changes,
            Ok(Left::Unusable(why)) => return Ok(Work::malformed(why)),
            Err(error) => return Ok(Work::malformed(format!("what it left behind: {error:#}"))),
        };
        Ok(Work {
            stop,
            said: spoken.said,
            denied: spoken.denied,
            changes: left,
        })
    }

    /// Why it went away before it had answered.
    fn gone(&self, ran: Result<Ran, SandboxError>, complaint: &str) -> Failure {
        let ran = match ran {
            Ok(ran) => ran,
            Err(error) => return self.failed(&error),
        };
        if ran.truncated {
            let why = format!("at most {OUTPUT_BYTES_MAX} bytes are read");
            return Failure::new(Unavailable::TooMuch, why);
        }
        match ran.exit {
            Exit::Code(code) => self.failed(&format!("it ended with code {code}: {complaint}")),
            Exit::Signal(signal) => self.failed(&format!("it died of signal {signal}")),
            Exit::OverLimit(what) => self.failed(&format!("it used too much: {what:?}")),
            Exit::TimedOut => Failure::new(Unavailable::TimedOut, "it did not end"),
            Exit::Cancelled => self.failed(&"it was stopped"),
        }
    }

    fn job(&self, copy: &Copy, folder: &Path, within: Duration, stderr: &Path) -> Job {
        let mut mounts = self.given.mounts.clone();
        mounts.push(Mount {
            host: copy.root().to_owned(),
            inside: COPY_INSIDE.into(),
            access: Access::ReadWrite,
        });
        mounts.push(Mount {
            host: folder.join("talk"),
            inside: PIPE_INSIDE.into(),
            access: Access::ReadOnly,
        });
        let connect = ["/bin/sh", "-c", CONNECT, "agent"].map(OsString::from);
        let words = self.given.command.iter().map(OsString::from);
        Job {
            argv: connect.into_iter().chain(words).collect(),
            env: self.given.env.clone(),
            cwd: COPY_INSIDE.into(),
            mounts,
            network: self.given.network,
            limits: Limits {
                // A second wall: the talk is over before.
                wall_s: within.as_secs().max(1) + STOP_PATIENCE.as_secs(),
                output_bytes_max: OUTPUT_BYTES_MAX,
                disk_bytes_max: DISK_BYTES_MAX,
                ..Limits::default()
            },
            output: Output::Split {
                stdout: folder.join("stdout"),
                stderr: stderr.to_owned(),
            },
        }
    }
}

/// Was it stopped for what it used?
fn was_stopped(ran: &Result<Ran, SandboxError>) -> bool {
    matches!(ran, Ok(ran) if ran.truncated || matches!(ran.exit, Exit::OverLimit(_)))
}

/// Makes a folder that the sandbox's user can look into.
fn make_folder(path: &Path) -> std::io::Result<()> {
    fs::create_dir(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o755))
}
