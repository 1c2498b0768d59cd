//! The engines of the user's settings: made, given their keys, and asked. The only part of the
//! program that knows both what engines are and what surrounds them here.

mod agent;
mod asking;
mod briefing;
mod program;
pub mod settings;
mod trial;

pub use agent::Original;
pub use asking::{Asker, Desk};
pub use briefing::{brief, earlier_attempt, weakness_brief};
pub use settings::{Engines, Entry};
pub use trial::{Proof, Trial};

use std::fs::Permissions;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail, ensure};
use backstitch_engine::acp;
use backstitch_engine::anthropic::Anthropic;
use backstitch_engine::command;
use backstitch_engine::openai::{Model, OpenAi};
use backstitch_engine::outcome::Unavailable;
use backstitch_engine::record::{Player, Recorder, Tape};
use backstitch_engine::transport::Client;
use backstitch_engine::wire::{Failure, Key, Wire};
use backstitch_engine::{Egress, Engine, Redactor};
use backstitch_verify::sandbox::{Cancel, Sandbox};

use settings::{Kind, Server};

use crate::cli::Recording;

/// The largest recording read, in bytes.
const RECORDING_BYTES_MAX: u64 = 256 << 20;

/// Parts of the names of variables whose values are secrets.
const SECRET_VARIABLES: &[&str] = &["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL"];

/// How much an engine's words on its change are kept, in characters.
const WORDS_MAX: usize = 600;

/// The shortest value of such a variable that is looked for: a shorter one stands in any text.
const SECRET_BYTES_MIN: usize = 12;

/// What stands between an engine and the world.
#[derive(Debug, Clone)]
pub enum Line {
    /// Nothing.
    Open,
    /// Every exchange is written down.
    Recorded(Arc<Tape>),
    /// A recording answers, and nothing else is asked.
    Played(Arc<Player>),
}

/// What programs of engines run in.
#[derive(Debug, Clone)]
pub struct Walls {
    /// The sandbox.
    pub sandbox: Sandbox,
    /// Stops a program.
    pub cancel: Cancel,
    /// The tree that a coding agent works in a copy of.
    pub project: Original,
}

/// What an engine says of its change, as far as it is kept.
pub fn shortened(words: &str) -> String {
    words.chars().take(WORDS_MAX).collect()
}

impl Line {
    /// A line for what the command line asks.
    pub fn of(recording: &Recording) -> Result<Self> {
        match (&recording.record, &recording.replay) {
            (_, Some(path)) => {
                let about = || format!("read recording `{}`", path.display());
                let size = path.metadata().with_context(about)?.len();
                ensure!(
                    size <= RECORDING_BYTES_MAX,
                    "{}: it has {size} bytes; at most {RECORDING_BYTES_MAX} are read",
                    about()
                );
                let text = std::fs::read_to_string(path).with_context(about)?;
                let player = Player::read(&text).map_err(|why| anyhow!(why));
                Ok(Self::Played(Arc::new(player.with_context(about)?)))
            }
            (Some(path), None) => {
                let file = std::fs::OpenOptions::new()
                    .create(true)
                    .append(true)
                    // It holds the project's code.
                    .mode(0o600)
                    .open(path)
                    .and_then(|file| {
                        // One that was there keeps its mode otherwise.
                        file.set_permissions(Permissions::from_mode(0o600))?;
                        Ok(file)
                    })
                    .with_context(|| format!("write recording `{}`", path.display()))?;
                Ok(Self::Recorded(Tape::new(Box::new(file))))
            }
            (None, None) => Ok(Self::Open),
        }
    }

    /// Is nothing sent, whatever the settings list?
    pub fn is_played(&self) -> bool {
        match self {
            Self::Open | Self::Recorded(_) => false,
            Self::Played(_) => true,
        }
    }

    /// Fails where something that was asked to be recorded could not be.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Recorded(tape) => match tape.trouble() {
                Some(trouble) => bail!("write the recording: {trouble}"),
                None => Ok(()),
            },
            Self::Open | Self::Played(_) => Ok(()),
        }
    }

    fn wire(
        &self,
        open: impl FnOnce() -> Result<Arc<dyn Wire>, Failure>,
    ) -> Result<Arc<dyn Wire>, Failure> {
        match self {
            Self::Open => open(),
            Self::Recorded(tape) => Ok(Arc::new(Recorder::new(open()?, Arc::clone(tape)))),
            Self::Played(player) => Ok(Arc::clone(player) as Arc<dyn Wire>),
        }
    }
}

impl Engines {
    /// Makes an engine ready to be asked; answers why it cannot be where it cannot.
    pub fn open(
        &self,
        entry: &Entry,
        walls: &Walls,
        line: &Line,
    ) -> Result<Arc<dyn Engine>, Failure> {
        let (format, server) = match &entry.kind {
            Kind::Program(program) => {
                let wire = line.wire(|| program::wire(program, self.egress, walls))?;
                let name = entry.name.clone();
                return Ok(Arc::new(command::Program::new(name, entry.terms, wire)));
            }
            Kind::Agent(program) => {
                let wire = line.wire(|| agent::wire(program, self.egress, walls, redactor()))?;
                let name = entry.name.clone();
                return Ok(Arc::new(acp::Agent::new(name, entry.terms, wire)));
            }
            Kind::Server(format, server) => (format, server),
        };
        let wire = line.wire(|| client(self.egress, server))?;
        let model = Model {
            name: entry.name.clone(),
            url: server.url.clone(),
            model: server.model.clone(),
            served_as: server.served_as.clone(),
            key: key(server, line)?,
            structured: server.structured,
            terms: entry.terms,
        };
        Ok(match format {
            settings::Format::OpenAi => Arc::new(OpenAi::new(model, server.tokens_field, wire)),
            settings::Format::Anthropic => Arc::new(Anthropic::new(model, wire)),
        })
    }
}

fn client(egress: Egress, server: &Server) -> Result<Arc<dyn Wire>, Failure> {
    let client = Client::new(egress, &server.url, server.plain, &server.patience)?;
    Ok(Arc::new(client))
}

/// The key that the settings name, and only that one. A recording needs none.
fn key(server: &Server, line: &Line) -> Result<Option<Key>, Failure> {
    let Some(variable) = &server.key_env else {
        return Ok(None);
    };
    if let Line::Played(_) = line {
        return Ok(None);
    }
    let refuse = |why: String| Err(Failure::new(Unavailable::WrongKey, why));
    match std::env::var(variable) {
        Err(_) => refuse(format!("the variable `{variable}` is not set")),
        Ok(value) => match Key::new(&value) {
            Ok(key) => Ok(Some(key)),
            Err(invalid) => refuse(format!("the variable `{variable}`: {invalid}")),
        },
    }
}

/// Takes secrets out of briefs: by what they look like, and those of this program's environment
/// wherever they stand.
pub fn redactor() -> Redactor {
    let mut redactor = Redactor::default();
    for (name, value) in std::env::vars_os() {
        let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else {
            continue;
        };
        let name = name.to_ascii_uppercase();
        let is_secret = SECRET_VARIABLES.iter().any(|part| name.contains(part));
        // A path says where a secret is, and is none.
        if is_secret && value.len() >= SECRET_BYTES_MIN && !value.starts_with('/') {
            redactor.know(value.trim());
        }
    }
    redactor
}
