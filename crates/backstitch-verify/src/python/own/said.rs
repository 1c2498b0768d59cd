//! Owns why a tool did not do what it was asked, in its own words. Runs nothing.

use std::collections::VecDeque;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::sandbox::Exit;
use crate::workbench::error::Doing;
use crate::workbench::session::Ended;
use crate::workbench::{Cause, VerifyError, lines};

/// The most of a tool's words that are kept, in characters and in lines.
const MESSAGE_CHARS_MAX: usize = 2000;
const MESSAGE_LINES_MAX: usize = 30;

/// What a tool says where a server cannot be reached.
const NETWORK: &[&str] = &[
    "error sending request",
    "dns error",
    "Request failed after",
    "Connection refused",
    "Network is unreachable",
    "Temporary failure in name resolution",
    "ConnectTimeoutError",
    "Max retries exceeded",
    "All attempts to connect",
    "ProxyError",
];

/// What it says where it would have to build something to learn what that requires. The last is of
/// our launchers.
const BUILDING: &[&str] = &[
    "--no-build",
    "Build failures usually indicate",
    "building from source is disabled",
    super::commands::NOTHING_IS_BUILT,
];

/// How a call of a tool ended that did not succeed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// It would have to run what nobody checked.
    WouldBuild,
    /// Something in its way has nothing to do with the project.
    Outside(Cause, String),
    /// It could not do what it was asked.
    Itself(String),
}

/// How a job of the fetch phase failed; nothing where it did not.
pub(super) fn failed(ended: &Ended) -> Result<Option<Failed>, VerifyError> {
    let said = || said(&ended.log);
    Ok(Some(match ended.ran.exit {
        Exit::Code(0) => return Ok(None),
        Exit::TimedOut => Failed::Outside(Cause::Limit, "it took longer than it may".to_owned()),
        Exit::OverLimit(resource) => Failed::Outside(
            Cause::Limit,
            format!("it used more than it may: {resource:?}"),
        ),
        Exit::Code(_) | Exit::Signal(_) | Exit::Cancelled => of(said()?),
    }))
}

fn of(said: String) -> Failed {
    let speaks = |words: &[&str]| words.iter().any(|words| said.contains(words));
    if speaks(BUILDING) {
        Failed::WouldBuild
    } else if speaks(NETWORK) {
        Failed::Outside(Cause::Network, said)
    } else {
        Failed::Itself(said)
    }
}

/// The last of what a tool said.
fn said(log: &Path) -> Result<String, VerifyError> {
    let file = File::open(log).doing("read log", log)?;
    let mut last = VecDeque::new();
    lines::for_each(BufReader::new(file), |line| {
        let line = line.trim();
        if !line.is_empty() {
            last.push_back(line.to_owned());
            if last.len() > MESSAGE_LINES_MAX {
                last.pop_front();
            }
        }
    })
    .doing("read log", log)?;
    let text = Vec::from(last).join(" ");
    Ok(text.chars().take(MESSAGE_CHARS_MAX).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_a_network_and_a_conflict_are_told_apart() {
        let of = |text: &str| of(text.to_owned());
        assert_eq!(
            of("hint: Wheels are required for `x` because building from source is disabled"),
            Failed::WouldBuild
        );
        assert!(matches!(
            of("error sending request for url"),
            Failed::Outside(Cause::Network, _)
        ));
        assert!(matches!(of("No solution found"), Failed::Itself(_)));
    }
}
