//! Records exchanges and plays them back, byte for byte, so that any path can be taken again
//! without a network. A recording holds no key: none is written, and one that a server repeats
//! is taken out of its answer.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::outcome::Unavailable;
use crate::redact::Redactor;
use crate::wire::{Failure, Reply, Request, Wire};

/// The version of the recording's form.
const FORMAT_VERSION: u32 = 1;

/// One exchange: a line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    format: u32,
    engine: String,
    url: String,
    headers: Vec<(String, String)>,
    request: String,
    ended: Ended,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ended {
    Reply {
        status: u16,
        retry_after_s: Option<u64>,
        body: Bytes,
        broke_off: Option<FailureLine>,
    },
    Failure(FailureLine),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FailureLine {
    kind: Unavailable,
    detail: String,
}

/// Bytes that are readable where they are text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Bytes {
    Text(String),
    Hex(String),
}

/// Where exchanges are written, each as soon as it has ended.
pub struct Tape {
    sink: Mutex<Sink>,
}

struct Sink {
    write: Box<dyn Write + Send>,
    trouble: Option<String>,
}

impl std::fmt::Debug for Tape {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Tape(…)")
    }
}

impl Tape {
    /// A tape that writes lines to `write`.
    pub fn new(write: Box<dyn Write + Send>) -> Arc<Self> {
        Arc::new(Self {
            sink: Mutex::new(Sink {
                write,
                trouble: None,
            }),
        })
    }

    /// Why an exchange could not be written down, where one could not.
    pub fn trouble(&self) -> Option<String> {
        let sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        sink.trouble.clone()
    }

    fn write(&self, line: &Line) {
        let text = serde_json::to_string(line).expect("texts and numbers have a form in JSON");
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        let written = writeln!(sink.write, "{text}").and_then(|()| sink.write.flush());
        if let Err(error) = written {
            sink.trouble.get_or_insert(error.to_string());
        }
    }
}

/// Passes exchanges on and writes them down.
#[derive(Debug)]
pub struct Recorder {
    inner: Arc<dyn Wire>,
    tape: Arc<Tape>,
}

impl Recorder {
    /// Records what goes through `inner`.
    pub fn new(inner: Arc<dyn Wire>, tape: Arc<Tape>) -> Self {
        Self { inner, tape }
    }
}

impl Wire for Recorder {
    fn send(
        &self,
        request: &Request,
        within: Duration,
        enough: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Reply, Failure> {
        let result = self.inner.send(request, within, enough);
        self.tape.write(&Line::of(request, &result));
        result
    }
}

/// Answers from a recording, each exchange once and in its order. What is asked otherwise than it
/// was then is not answered.
#[derive(Debug)]
pub struct Player {
    left: Mutex<Vec<Line>>,
}

impl Player {
    /// Reads a recording; says which line is none.
    pub fn read(text: &str) -> Result<Self, String> {
        let lines = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty());
        let lines = lines.map(|(number, text)| {
            let bad = |why: String| format!("line {} of the recording: {why}", number + 1);
            let line: Line = serde_json::from_str(text).map_err(|error| bad(error.to_string()))?;
            if line.format != FORMAT_VERSION {
                return Err(bad(format!(
                    "it has form {}, not {FORMAT_VERSION}",
                    line.format
                )));
            }
            line.ended.check().map_err(bad)?;
            Ok(line)
        });
        Ok(Self {
            left: Mutex::new(lines.collect::<Result<_, _>>()?),
        })
    }
}

impl Wire for Player {
    fn send(
        &self,
        request: &Request,
        _within: Duration,
        enough: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Reply, Failure> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let found = left.iter().position(|line| line.is_of(request));
        let Some(found) = found else {
            let same = left.iter().any(|line| line.engine == request.engine);
            let why = if same {
                "it was asked otherwise then"
            } else {
                "nothing is left of what this engine answered"
            };
            return Err(Failure::new(Unavailable::NotRecorded, why));
        };
        let result = left.remove(found).ended.result();
        if let Ok(reply) = &result
            && (200..=299).contains(&reply.status)
        {
            enough(&reply.body);
        }
        result
    }
}

impl Line {
    fn of(request: &Request, result: &Result<Reply, Failure>) -> Self {
        let mut keys = Redactor::default();
        if let Some((_, key)) = &request.secret {
            keys.know(key.reveal());
            if let Some(bare) = key.reveal().strip_prefix("Bearer ") {
                keys.know(bare);
            }
        }
        let failure = |failure: &Failure| FailureLine {
            kind: failure.kind,
            detail: keys.known_only(&failure.detail).into_owned(),
        };
        Self {
            format: FORMAT_VERSION,
            engine: request.engine.clone(),
            url: request.url.clone(),
            headers: plain_headers(request),
            request: request.body.clone(),
            ended: match result {
                Ok(reply) => Ended::Reply {
                    status: reply.status,
                    retry_after_s: reply.retry_after_s,
                    body: Bytes::of(&reply.body, &keys),
                    broke_off: reply.broke_off.as_ref().map(failure),
                },
                Err(error) => Ended::Failure(failure(error)),
            },
        }
    }

    fn is_of(&self, request: &Request) -> bool {
        self.engine == request.engine
            && self.url == request.url
            && self.headers == plain_headers(request)
            && self.request == request.body
    }
}

fn plain_headers(request: &Request) -> Vec<(String, String)> {
    let headers = request.headers.iter();
    headers
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

impl Ended {
    fn check(&self) -> Result<(), String> {
        match self {
            Self::Reply { body, .. } => body.bytes().map(|_| ()),
            Self::Failure(_) => Ok(()),
        }
    }

    fn result(self) -> Result<Reply, Failure> {
        let failure = |line: FailureLine| Failure::new(line.kind, line.detail);
        match self {
            Self::Reply {
                status,
                retry_after_s,
                body,
                broke_off,
            } => Ok(Reply {
                status,
                retry_after_s,
                body: body.bytes().unwrap_or_default(),
                broke_off: broke_off.map(failure),
            }),
            Self::Failure(line) => Err(failure(line)),
        }
    }
}

impl Bytes {
    fn of(bytes: &[u8], keys: &Redactor) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(keys.known_only(text).into_owned()),
            // One bad byte must not carry a key past the redaction.
            Err(_) if keys.is_in(bytes) => Self::Text(
                keys.known_only(&String::from_utf8_lossy(bytes))
                    .into_owned(),
            ),
            Err(_) => Self::Hex(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
        }
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        let hex = match self {
            Self::Text(text) => return Ok(text.clone().into_bytes()),
            Self::Hex(hex) => hex,
        };
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let pairs = hex.as_bytes().chunks(2).map(|pair| match pair {
            [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
            _ => None,
        });
        pairs
            .collect::<Option<_>>()
            .ok_or_else(|| "its bytes are no hex digits".into())
    }
}
