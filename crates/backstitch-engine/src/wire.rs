//! How a request gets to an engine and bytes come back: the one thing that a network, a program
//! or a recording is to this crate.

use std::fmt;
use std::time::Duration;

use crate::outcome::Unavailable;

/// The most that is read of one answer, in bytes.
pub const BODY_BYTES_MAX: usize = 8 << 20;

/// How much of somebody else's words is told.
const SAID_CHARACTERS_MAX: usize = 300;

/// Carries a request to its engine.
pub trait Wire: fmt::Debug + Send + Sync {
    /// Sends it and reads the answer, until `enough` says of the piece it is shown that no more
    /// is needed, the answer ends, or the time is over.
    fn send(
        &self,
        request: &Request,
        within: Duration,
        enough: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Reply, Failure>;
}

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The engine's name in the settings.
    pub engine: String,
    /// Where it goes: an address, or `command:` or `acp:` and a name.
    pub url: String,
    /// Headers without secrets.
    pub headers: Vec<(&'static str, String)>,
    /// The header that holds the key, where there is one. It is in no recording.
    pub secret: Option<(&'static str, Key)>,
    /// JSON.
    pub body: String,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status; 200 from a program that ended well.
    pub status: u16,
    /// How long the server wants to be left alone, in seconds, where it says so.
    pub retry_after_s: Option<u64>,
    /// The answer, as far as it came.
    pub body: Vec<u8>,
    /// Why it broke off, where it did.
    pub broke_off: Option<Failure>,
}

/// Why nothing came back, or not all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The kind of reason.
    pub kind: Unavailable,
    /// In words.
    pub detail: String,
}

/// A key. It is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

/// Says why a text cannot be a key, without showing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is 1 to 4096 visible characters of ASCII")]
pub struct InvalidKey;

impl Key {
    /// Checks that it can stand in a header. Space around it is left off.
    pub fn new(text: &str) -> Result<Self, InvalidKey> {
        let text = text.trim();
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && (1..=4096).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidKey)
        }
    }

    /// The same as the value of an `authorization` header.
    pub(crate) fn bearer(key: &Self) -> Self {
        Self(format!("Bearer {}", key.0))
    }

    /// The key itself, for the header and for what takes it out of texts.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key(…)")
    }
}

impl Failure {
    /// Makes one.
    pub fn new(kind: Unavailable, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
        }
    }
}

/// The beginning of a text, of at most so many bytes.
pub(crate) fn head(text: &str, bytes_max: usize) -> &str {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The beginning of somebody else's words on one line, without control characters.
pub fn bounded(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words = words.filter(|word| !word.is_empty());
    let mut line = String::new();
    for word in words {
        if line.len() > 4 * SAID_CHARACTERS_MAX {
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(SAID_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_shown_and_cannot_begin_a_header_of_its_own() {
        let key = Key::new(" abc123\n").unwrap();
        assert_eq!(key.reveal(), "abc123");
        assert_eq!(format!("{key:?}"), "Key(…)");
        for bad in ["", "  ", "a\r\nX-Other: b", "a b", "é", &"a".repeat(4097)] {
            let error = Key::new(bad).unwrap_err();
            assert!(!error.to_string().contains("X-Other"));
        }
    }

    #[test]
    fn others_words_are_one_short_line() {
        assert_eq!(bounded("a\n\n b\u{1b}[2J  c"), "a b [2J c");
        assert_eq!(bounded(&"é".repeat(1000)).chars().count(), 301);
        assert!(bounded(&"a ".repeat(100_000)).len() < 400);
    }
}
