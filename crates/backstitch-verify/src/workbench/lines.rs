//! Owns reading a log line by line within bounds. Of what the lines mean it knows only
//! what an error looks like.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use super::error::{Doing, VerifyError};

/// What is kept of one line; the rest of it is skipped.
const LINE_BYTES_MAX: u64 = 64 << 10;
/// How many lines are read of one log.
const LINES_MAX: usize = 4_000_000;

/// Calls `each` with every line, decoded lossily, without its end and without colours.
/// Answers whether the whole log was read.
pub(crate) fn for_each(mut log: impl BufRead, mut each: impl FnMut(&str)) -> io::Result<bool> {
    let mut bytes = Vec::new();
    for _ in 0..LINES_MAX {
        bytes.clear();
        if log
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut bytes)?
            == 0
        {
            return Ok(true);
        }
        if bytes.last() != Some(&b'\n') {
            log.skip_until(b'\n')?;
        }
        let line = String::from_utf8_lossy(&bytes);
        each(without_colours(line.trim_end_matches(['\n', '\r'])).as_str());
    }
    Ok(false)
}

/// Drops `ESC [ … letter` sequences (ECMA-48, 5.4): a test command may colour its output.
fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        let end = after.find(|c: char| ('@'..='~').contains(&c));
        rest = end.map_or("", |end| &after[end + 1..]);
    }
    plain.push_str(rest);
    plain
}

/// What a log says went wrong: from its first `error` line on, or else its last line.
pub(crate) fn error_text(log: &Path, chars_max: usize) -> Result<String, VerifyError> {
    let file = File::open(log).doing("read log", log)?;
    let (mut error, mut last) = (String::new(), String::new());
    for_each(BufReader::new(file), |line| {
        let started = !error.is_empty() || line.starts_with("error");
        if started && error.len() < chars_max.saturating_mul(4) {
            error.push_str(line);
            error.push('\n');
        } else if !line.trim().is_empty() {
            line.clone_into(&mut last);
        }
    })
    .doing("read log", log)?;
    let text = if error.is_empty() { last } else { error };
    Ok(text.trim().chars().take(chars_max).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(log: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        assert!(for_each(log, |line| lines.push(line.to_owned())).unwrap());
        lines
    }

    #[test]
    fn lines_are_decoded_lossily_and_lose_their_colours() {
        assert_eq!(
            lines(b"a\r\nb\xff\n\x1b[32mok\x1b[0m"),
            ["a", "b\u{fffd}", "ok"]
        );
    }

    #[test]
    fn an_endless_line_is_cut_and_the_next_one_is_read() {
        let mut log = vec![b'x'; 1 << 20];
        log.extend(b"\nnext\n");
        let lines = lines(&log);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[1], "next");
    }
}
