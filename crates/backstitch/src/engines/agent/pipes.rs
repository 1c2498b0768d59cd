//! The two ways between Backstitch and an agent: a named pipe that its standard input is, and its
//! standard output, taken apart into lines. Bounded, and never waiting for an agent that does not
//! read.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use futures::channel::mpsc::UnboundedSender;
use rustix::fs::{CWD, Mode, OFlags, mkfifoat};
use serde::Deserialize;

use super::make_folder;

/// The longest line of an agent, in bytes. It may hold a whole file.
const LINE_BYTES_MAX: usize = 4 << 20;

/// How much of a line that is none is told, in bytes.
const SHOWN_BYTES_MAX: usize = 80;

/// An agent's standard input, from this side.
#[derive(Debug)]
pub struct Pipes {
    input: File,
}

impl Pipes {
    /// Makes the pipe in a new folder, as `in`. It is open for both ways here, so that opening it
    /// waits for nobody.
    pub fn make(folder: &Path) -> io::Result<Self> {
        make_folder(folder)?;
        let path = folder.join("in");
        mkfifoat(CWD, &path, Mode::from_raw_mode(0o644))?;
        let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        options.custom_flags(flags.bits().cast_signed());
        Ok(Self {
            input: options.open(&path)?,
        })
    }

    /// Writes what fits now; answers how much that was.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.input.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            other => other,
        }
    }
}

/// Takes an agent's standard output apart. The first line that is no message of the protocol ends
/// it: an agent may write nothing else there.
#[derive(Debug)]
pub struct Lines {
    unfinished: Vec<u8>,
    into: Option<UnboundedSender<io::Result<String>>>,
}

/// What every message has.
#[derive(Deserialize)]
struct Message {
    jsonrpc: String,
}

impl Lines {
    /// Lines that go to `into`, and why they ended where they did not end by themselves.
    pub fn new(into: UnboundedSender<io::Result<String>>) -> Self {
        Self {
            unfinished: Vec::new(),
            into: Some(into),
        }
    }

    /// Takes a piece. Answers why an agent is not listened to any more, where this piece ends it.
    pub fn take(&mut self, piece: &[u8]) -> Option<String> {
        let into = self.into.as_ref()?;
        let mut trouble = None;
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.unfinished.extend_from_slice(part);
            if self.unfinished.len() > LINE_BYTES_MAX {
                trouble = Some(format!(
                    "it wrote a line of more than {LINE_BYTES_MAX} bytes"
                ));
                break;
            }
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.unfinished);
                let line = line.trim_ascii();
                if line.is_empty() {
                    continue;
                }
                match message(line) {
                    // Nobody listens any more where that fails.
                    Ok(line) => _ = into.unbounded_send(Ok(line)),
                    Err(why) => {
                        trouble = Some(why);
                        break;
                    }
                }
            }
        }
        if trouble.is_some() {
            self.unfinished = Vec::new();
            self.into = None;
        }
        trouble
    }
}

/// A line that is a message of JSON-RPC.
fn message(line: &[u8]) -> Result<String, String> {
    let Ok(text) = std::str::from_utf8(line) else {
        return Err("it wrote bytes that are no UTF-8".into());
    };
    match serde_json::from_str::<Message>(text) {
        Ok(message) if message.jsonrpc == "2.0" => Ok(text.to_owned()),
        Ok(_) | Err(_) => {
            let mut end = SHOWN_BYTES_MAX.min(text.len());
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            Err(format!(
                "it wrote a line that is no message of JSON-RPC: {}",
                &text[..end]
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(pieces: &[&[u8]]) -> (Vec<String>, Option<String>) {
        let (into, mut out) = futures::channel::mpsc::unbounded();
        let mut lines = Lines::new(into);
        let trouble = pieces.iter().find_map(|piece| lines.take(piece));
        drop(lines);
        let mut all = Vec::new();
        while let Ok(line) = out.try_recv() {
            all.push(line.unwrap());
        }
        (all, trouble)
    }

    #[test]
    fn messages_are_the_same_however_they_come_and_the_first_other_line_ends_them() {
        let message = r#"{"jsonrpc":"2.0","id":1}"#;
        let text = format!("{message}\n\n{message}\r\nhello\n{message}\n");
        let whole = taken(&[text.as_bytes()]);
        assert_eq!(whole.0, [message, message]);
        assert!(whole.1.as_ref().unwrap().contains("hello"), "{whole:?}");
        let bytes: Vec<_> = text.as_bytes().chunks(1).collect();
        assert_eq!(taken(&bytes), whole);
        for other in ["[]\n", "17\n", "{}\n", "{\"jsonrpc\":\"1.0\"}\n", "\u{1}\n"] {
            assert!(taken(&[other.as_bytes()]).1.is_some(), "{other}");
        }
        assert!(taken(&[b"\xff\n"]).1.unwrap().contains("UTF-8"));
        let endless = vec![b'x'; LINE_BYTES_MAX + 1];
        assert!(taken(&[&endless]).1.unwrap().contains("more than"));
    }
}
