//! Starts a program that is an engine, in the sandbox: it sees the brief, what the user's settings
//! show it, and nothing of the project.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use backstitch_engine::outcome::Unavailable;
use backstitch_engine::wire::{BODY_BYTES_MAX, Failure, Reply, Request, Wire, bounded};
use backstitch_engine::{Egress, Redactor};
use backstitch_verify::sandbox::{
    Access, Cancel, Exit, Job, Limits, Mount, Network, Output, Sandbox,
};

use super::Walls;
use super::settings::Program;

/// Where the brief is inside.
const BRIEF_INSIDE: &str = "/brief";

/// What gives a program its brief: jobs have no standard input of their own.
const FEED: &str = "exec \"$@\" < /brief/brief.json";

/// How much of what a program complains of is read, in bytes.
const COMPLAINT_BYTES_MAX: usize = 4096;

/// What a program is given by the user's settings.
#[derive(Debug)]
pub struct Given {
    /// Its words.
    pub command: Vec<String>,
    /// What it sees.
    pub mounts: Vec<Mount>,
    /// Its variables.
    pub env: Vec<(OsString, OsString)>,
    /// What it can reach.
    pub network: Network,
    /// Takes what it was given out of what it says.
    pub redactor: Redactor,
}

#[derive(Debug)]
struct Starter {
    sandbox: Sandbox,
    cancel: Cancel,
    given: Given,
}

/// What a program gets, if the settings let it have what it wants.
pub fn given(program: &Program, egress: Egress) -> Result<Given, Failure> {
    if program.network && egress != Egress::Listed {
        let why = "it wants a network, and `egress` is not \"listed\"";
        return Err(Failure::new(Unavailable::Egress, why));
    }
    let (mut env, mut redactor) = (Vec::new(), Redactor::default());
    for name in &program.env {
        let Some(value) = std::env::var_os(name) else {
            let why = format!("the variable `{name}` is not set");
            return Err(Failure::new(Unavailable::WrongKey, why));
        };
        // What a program was given it may print; a path says where something is, and is no secret.
        if let Some(secret) = value.to_str().filter(|value| !value.starts_with('/')) {
            redactor.know(secret);
        }
        env.push((name.into(), value));
    }
    Ok(Given {
        command: program.command.clone(),
        mounts: program.see.iter().map(Mount::read_only).collect(),
        env,
        network: if program.network {
            Network::Host
        } else {
            Network::Loopback
        },
        redactor,
    })
}

/// A way to a program, if the settings let it have what it wants.
pub fn wire(program: &Program, egress: Egress, walls: &Walls) -> Result<Arc<dyn Wire>, Failure> {
    Ok(Arc::new(Starter {
        sandbox: walls.sandbox.clone(),
        cancel: walls.cancel.clone(),
        given: given(program, egress)?,
    }))
}

impl Wire for Starter {
    fn send(
        &self,
        request: &Request,
        within: Duration,
        _enough: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Reply, Failure> {
        let failed = |why: &dyn std::fmt::Display| {
            let why = self.given.redactor.redact(&why.to_string()).text;
            Failure::new(Unavailable::Program, bounded(&why))
        };
        let folder = tempfile::Builder::new()
            .prefix("backstitch-engine-")
            .tempdir();
        let folder = folder.map_err(|error| failed(&error))?;
        let brief = folder.path().join("brief");
        put_brief(&brief, &request.body).map_err(|error| failed(&error))?;
        let (stdout, stderr) = (folder.path().join("stdout"), folder.path().join("stderr"));
        let job = self.job(brief, within, (&stdout, &stderr));
        let ran = self.sandbox.run(&job, &self.cancel, &mut |_, _| {});
        let ran = ran.map_err(|error| failed(&error))?;
        if ran.truncated {
            let why = format!("at most {BODY_BYTES_MAX} bytes are read");
            return Err(Failure::new(Unavailable::TooMuch, why));
        }
        match ran.exit {
            Exit::Code(0) => {}
            Exit::TimedOut => {
                return Err(Failure::new(
                    Unavailable::TimedOut,
                    "its program did not end",
                ));
            }
            Exit::OverLimit(what) => return Err(failed(&format!("it used too much: {what:?}"))),
            Exit::Cancelled => return Err(failed(&"it was stopped")),
            Exit::Signal(signal) => return Err(failed(&format!("it died of signal {signal}"))),
            Exit::Code(code) => {
                let complaint = read(&stderr, COMPLAINT_BYTES_MAX).unwrap_or_default();
                let complaint = String::from_utf8_lossy(&complaint);
                return Err(failed(&format!("it ended with code {code}: {complaint}")));
            }
        }
        let body = read(&stdout, BODY_BYTES_MAX).map_err(|error| failed(&error))?;
        Ok(Reply {
            status: 200,
            retry_after_s: None,
            body: self.without_secrets(body),
            broke_off: None,
        })
    }
}

impl Starter {
    fn without_secrets(&self, body: Vec<u8>) -> Vec<u8> {
        match std::str::from_utf8(&body) {
            Ok(text) => self
                .given
                .redactor
                .known_only(text)
                .into_owned()
                .into_bytes(),
            // No proposal, and told in no words of its own; but it may be written down.
            Err(_) if self.given.redactor.is_in(&body) => Vec::new(),
            Err(_) => body,
        }
    }

    fn job(&self, brief: PathBuf, within: Duration, output: (&Path, &Path)) -> Job {
        let mut mounts = self.given.mounts.clone();
        mounts.push(Mount {
            host: brief,
            inside: BRIEF_INSIDE.into(),
            access: Access::ReadOnly,
        });
        let feed = ["/bin/sh", "-c", FEED, "engine"].map(OsString::from);
        let words = self.given.command.iter().map(OsString::from);
        Job {
            argv: feed.into_iter().chain(words).collect(),
            env: self.given.env.clone(),
            cwd: "/tmp".into(),
            mounts,
            network: self.given.network,
            limits: Limits {
                wall_s: within.as_secs().max(1),
                output_bytes_max: BODY_BYTES_MAX as u64,
                ..Limits::default()
            },
            output: Output::Split {
                stdout: output.0.to_owned(),
                stderr: output.1.to_owned(),
            },
        }
    }
}

/// The brief in a folder that the sandbox's user can read.
fn put_brief(folder: &Path, text: &str) -> std::io::Result<()> {
    fs::create_dir(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    let file = folder.join("brief.json");
    fs::write(&file, text)?;
    fs::set_permissions(&file, Permissions::from_mode(0o644))
}

/// The beginning of a file.
pub fn read(file: &Path, bytes_max: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    fs::File::open(file)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}
