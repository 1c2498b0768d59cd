//! The protocol over standard input and output: one message a line.
//!
//! Both are taken away from everything else in the program first: whatever else writes to standard
//! output then goes to standard error, and whatever else reads gets nothing. What is no message is
//! answered, so that nobody waits for ever.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rmcp::RoleServer;
use rmcp::model::{ClientJsonRpcMessage, ErrorCode, ErrorData, RequestId, ServerJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// How many messages wait to be read or written; whoever has more waits.
const MESSAGES_MAX: usize = 64;
/// How long what was answered last may take to be written, once the client is gone.
const FAREWELL: Duration = Duration::from_secs(2);

/// A line from the client.
enum Line {
    /// Without its end.
    Whole(Vec<u8>),
    /// It was longer than a message may be, and was dropped.
    TooLong,
}

/// Standard input and output, as the protocol's own.
pub struct Stdio {
    incoming: mpsc::Receiver<Line>,
    outgoing: Option<mpsc::Sender<Vec<u8>>>,
    /// What a line that was no message is answered with.
    refusal: Option<Vec<u8>>,
    bytes_max: usize,
    gone: CancellationToken,
}

/// Writes until the last message is out.
pub struct Writer(std::thread::JoinHandle<()>);

impl Writer {
    /// Waits for that, but not for ever: a client may have stopped reading.
    pub fn finish(self) {
        let began = Instant::now();
        while !self.0.is_finished() && began.elapsed() < FAREWELL {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Takes standard input and output. `gone` is cancelled when the client ends the input.
pub fn take(bytes_max: usize, gone: CancellationToken) -> Result<(Stdio, Writer)> {
    let (input, output) = claim().context("take standard input and output for the protocol")?;
    let (lines, incoming) = mpsc::channel(MESSAGES_MAX);
    let (outgoing, messages) = mpsc::channel(MESSAGES_MAX);
    let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
    // Reading cannot be stopped; the end of the process ends it.
    named("input")
        .spawn(move || read(BufReader::new(input), bytes_max, &lines))
        .context("start a thread that reads")?;
    let writer = named("output")
        .spawn(move || write(output, messages))
        .context("start a thread that writes")?;
    let stdio = Stdio {
        incoming,
        outgoing: Some(outgoing),
        refusal: None,
        bytes_max,
        gone,
    };
    Ok((stdio, Writer(writer)))
}

/// The two, for nobody else from now on.
fn claim() -> std::io::Result<(File, File)> {
    use rustix::{io, stdio as streams};
    /// The first number that stands for nothing yet.
    const FIRST_FREE: i32 = 3;
    let input = io::fcntl_dupfd_cloexec(streams::stdin(), FIRST_FREE)?;
    let output = io::fcntl_dupfd_cloexec(streams::stdout(), FIRST_FREE)?;
    streams::dup2_stdin(File::open("/dev/null")?)?;
    streams::dup2_stdout(streams::stderr())?;
    Ok((File::from(input), File::from(output)))
}

/// Reads lines until the end, an error, or until nobody wants them.
fn read(mut input: impl BufRead, bytes_max: usize, lines: &mpsc::Sender<Line>) {
    let mut line = Vec::new();
    let mut too_long = false;
    loop {
        let piece = match input.fill_buf() {
            Ok(piece) => piece,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        if piece.is_empty() {
            return;
        }
        let end = piece.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(piece.len(), |end| end + 1);
        let content = &piece[..end.unwrap_or(piece.len())];
        if too_long || line.len() + content.len() > bytes_max {
            too_long = true;
            line = Vec::new();
        } else {
            line.extend_from_slice(content);
        }
        input.consume(taken);
        if end.is_none() {
            continue;
        }
        let whole = std::mem::take(&mut line);
        let told = if std::mem::take(&mut too_long) {
            Line::TooLong
        } else if whole.trim_ascii().is_empty() {
            continue;
        } else {
            Line::Whole(whole)
        };
        if lines.blocking_send(told).is_err() {
            return;
        }
    }
}

fn write(mut output: File, mut messages: mpsc::Receiver<Vec<u8>>) {
    while let Some(message) = messages.blocking_recv() {
        if output.write_all(&message).is_err() {
            return;
        }
    }
}

/// What answers a line that is no message: an error, and the request that it is about. Nothing
/// where the protocol wants no answer.
type Refusal = Option<Box<(ErrorData, Option<RequestId>)>>;

/// Reads a line, or says what to answer.
fn parse(line: &[u8]) -> Result<ClientJsonRpcMessage, Refusal> {
    let value: Value = serde_json::from_slice(line).map_err(|error| {
        let why = format!("the message is no JSON: {error}");
        Some(Box::new((
            ErrorData::new(ErrorCode::PARSE_ERROR, why, None),
            None,
        )))
    })?;
    let id = value.get("id").cloned();
    let id = id.and_then(|id| serde_json::from_value::<RequestId>(id).ok());
    let has_method = value.get("method").is_some_and(Value::is_string);
    serde_json::from_value(value).map_err(|_| {
        // A notification is never answered, not even a wrong one.
        (id.is_some() || !has_method).then(|| {
            let why = "the message is no request, notification or response of JSON-RPC 2.0";
            Box::new((ErrorData::invalid_request(why, None), id))
        })
    })
}

fn bytes(message: &ServerJsonRpcMessage) -> std::io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(message)?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn closed() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::BrokenPipe, "standard output is closed")
}

impl Transport<RoleServer> for Stdio {
    type Error = std::io::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = std::io::Result<()>> + Send + 'static {
        let outgoing = self.outgoing.clone();
        async move {
            let bytes = bytes(&message)?;
            let outgoing = outgoing.ok_or_else(closed)?;
            outgoing.send(bytes).await.map_err(|_| closed())
        }
    }

    /// May be dropped at any point without losing a message.
    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            if self.refusal.is_some() {
                let room = self.outgoing.as_ref()?.reserve().await.ok()?;
                room.send(self.refusal.take()?);
            }
            let Some(line) = self.incoming.recv().await else {
                self.gone.cancel();
                return None;
            };
            let refused = match line {
                Line::Whole(line) => match parse(&line) {
                    Ok(message) => return Some(message),
                    Err(refused) => refused,
                },
                Line::TooLong => {
                    let why = format!("a message may have {} MiB", self.bytes_max >> 20);
                    Some(Box::new((ErrorData::invalid_request(why, None), None)))
                }
            };
            self.refusal = refused.and_then(|refused| {
                let (error, id) = *refused;
                bytes(&ServerJsonRpcMessage::error(error, id)).ok()
            });
        }
    }

    async fn close(&mut self) -> std::io::Result<()> {
        self.outgoing = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8], bytes_max: usize) -> Vec<String> {
        let (sender, mut receiver) = mpsc::channel(MESSAGES_MAX);
        read(BufReader::with_capacity(4, input), bytes_max, &sender);
        drop(sender);
        std::iter::from_fn(|| receiver.blocking_recv())
            .map(|line| match line {
                Line::Whole(line) => String::from_utf8_lossy(&line).into_owned(),
                Line::TooLong => "too long".into(),
            })
            .collect()
    }

    #[test]
    fn a_line_is_a_message_and_one_that_is_too_long_is_dropped_alone() {
        assert_eq!(
            lines(
                b"{\"a\":1}\n\n  \nabcdefghijklmnopqrst\nxyz\r\nunfinished",
                8
            ),
            ["{\"a\":1}", "too long", "xyz\r"]
        );
        assert!(lines(&vec![b'x'; 1 << 20], 8).is_empty());
    }

    #[test]
    fn what_is_no_message_is_answered_and_a_wrong_notification_is_not() {
        let code = |line: &[u8]| {
            let refused = parse(line).err()?;
            Some(refused.map(|refused| {
                let (error, id) = *refused;
                (error.code.0, id.map(|id| id.to_string()))
            }))
        };
        let seven = Some("7".to_owned());
        for (line, answer) in [
            (&br#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#[..], None),
            (b"{", Some(Some((-32700, None)))),
            (b"\xff\xfe", Some(Some((-32700, None)))),
            (b"[]", Some(Some((-32600, None)))),
            (br#"{"id":7,"method":"ping"}"#, Some(Some((-32600, seven)))),
            (br#"{"method":"notifications/initialized"}"#, Some(None)),
        ] {
            assert_eq!(code(line), answer, "{}", String::from_utf8_lossy(line));
        }
        let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
        assert_eq!(code(&deep), Some(Some((-32700, None))));
    }
}
