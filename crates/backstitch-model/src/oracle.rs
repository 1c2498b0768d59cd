//! An oracle: how the end of a run tells that a flaw was met. Pure: it is given how a run ended and
//! what it printed, and starts nothing.
//!
//! Strict in both directions. A printed report alone is not red, the process must also have died
//! of it; and an end that says nothing about the flaw is never green.

mod report;
mod signature;

use std::fmt;
use std::str::FromStr;

use crate::reproducer::Sight;

pub use signature::Signature;

/// How the end of a run shows a flaw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Oracle {
    /// It dies of a signal that a broken memory access or an abort gives.
    ExitSignal,
    /// `AddressSanitizer` reports and ends it.
    AddressSanitizer,
    /// `UndefinedBehaviorSanitizer` reports and ends it.
    UndefinedBehaviorSanitizer,
    /// A Rust program panics.
    RustPanic,
    /// An exception that nothing caught ends it: Python, Node or C++.
    UncaughtException,
    /// It ends with this code, and with 0 where the flaw is absent.
    ExitCode(i32),
}

/// Says that a text names no oracle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is no oracle: use exit-signal, asan, ubsan, rust-panic, uncaught-exception or exit:N \
     with N from 1 to 255 but not 126 or 127",
    .0.escape_debug()
)]
pub struct InvalidOracle(String);

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// By itself, with this code.
    Code(i32),
    /// By this signal, which Backstitch did not send.
    Signal(i32),
    /// Its time was over.
    TimedOut,
    /// It used more than it may: of what.
    OverLimit(String),
}

/// A run that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// How.
    pub end: End,
    /// What it printed to standard output: the head and the tail of it.
    pub stdout: String,
    /// What it printed to standard error: the head and the tail of it.
    pub stderr: String,
    /// Was more printed than was kept of it at all?
    pub truncated: bool,
    /// The command: its program and arguments, and the file of its input.
    pub words: Vec<String>,
}

/// What a run showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// The failure that the oracle speaks of, in its own words.
    Flaw(String),
    /// Another failure: which.
    Other(String),
    /// No failure: the program came to its end by itself.
    Nothing,
    /// It cannot be told: why.
    Untold(String),
}

/// The exit code that a shell and `env` give for a program that may not be run.
const CANNOT_RUN: i32 = 126;
/// The exit code that a shell and `env` give for a program that is not there.
const NOT_FOUND: i32 = 127;
/// `EX_USAGE` of `sysexits.h`.
const USAGE: i32 = 64;

impl Oracle {
    /// The oracle that speaks of the failure a run shows; `None` where it shows none that is known.
    /// A plain exit code is never taken for one: programs refuse bad input that way.
    pub fn recognise(run: &Run) -> Option<Self> {
        if untold(run).is_some() {
            return None;
        }
        report::failure(run).and_then(|failure| failure.oracle)
    }

    /// What a run showed.
    pub fn look(self, run: &Run) -> Shown {
        if let Some(why) = untold(run) {
            return Shown::Untold(why);
        }
        if let Some(failure) = report::failure(run) {
            let is_own = match self {
                // A sanitizer and a language's runtime end a process by a signal, too.
                Self::ExitSignal => failure.by_signal,
                Self::AddressSanitizer
                | Self::UndefinedBehaviorSanitizer
                | Self::RustPanic
                | Self::UncaughtException => failure.oracle == Some(self),
                Self::ExitCode(code) => run.end == End::Code(code),
            };
            return if is_own {
                Shown::Flaw(failure.said)
            } else {
                Shown::Other(failure.said)
            };
        }
        match (self, &run.end) {
            (Self::ExitCode(code), End::Code(ended)) if *ended == code => {
                Shown::Flaw(format!("exit code {code}"))
            }
            (Self::ExitCode(code), End::Code(ended)) if *ended != 0 => Shown::Untold(format!(
                "it ended with exit code {ended}, which is neither 0 nor {code}"
            )),
            (_, End::Code(_)) => not_begun(run).map_or(Shown::Nothing, Shown::Untold),
            (_, End::Signal(signal)) => Shown::Untold(format!("it was killed by signal {signal}")),
            (_, End::TimedOut | End::OverLimit(_)) => Shown::Untold("it was stopped".into()),
        }
    }
}

impl Shown {
    /// What that is on the untouched tree: another failure than the declared one shows no flaw.
    pub fn before(&self) -> Sight {
        match self {
            Self::Flaw(_) => Sight::Present,
            Self::Other(what) => Sight::Inconclusive(format!("it fails in another way: {what}")),
            Self::Nothing => Sight::Absent,
            Self::Untold(why) => Sight::Inconclusive(why.clone()),
        }
    }

    /// What that is on a changed tree: another failure than the declared one is no less red.
    pub fn after(&self) -> Sight {
        match self {
            Self::Flaw(_) | Self::Other(_) => Sight::Present,
            Self::Nothing => Sight::Absent,
            Self::Untold(why) => Sight::Inconclusive(why.clone()),
        }
    }

    /// Is it a failure of any kind?
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Flaw(_) | Self::Other(_))
    }
}

/// Why a run tells nothing whatever the oracle is.
fn untold(run: &Run) -> Option<String> {
    match &run.end {
        End::TimedOut => Some("it did not end in the time it has".into()),
        End::OverLimit(what) => Some(format!("it used more than it may: {what}")),
        End::Signal(signal) if !report::is_crash(*signal) => {
            Some(format!("it was killed by signal {signal}"))
        }
        End::Code(CANNOT_RUN) => Some("the program could not be run (exit code 126)".into()),
        End::Code(NOT_FOUND) => Some("the program was not found (exit code 127)".into()),
        End::Code(USAGE) => Some("it was called in a wrong way (exit code 64)".into()),
        End::Code(_) | End::Signal(_) if run.truncated => {
            Some("it printed more than is kept".into())
        }
        End::Code(_) | End::Signal(_) => None,
    }
}

/// Why a program that ended by itself never came to the flaw: it, or its input, is not there, or
/// it was called in a wrong way. An exit code of 0 is believed.
fn not_begun(run: &Run) -> Option<String> {
    const MISSING: &[&str] = &[
        "no such file",
        "cannot find module",
        "can't open",
        "cannot open",
        "could not open",
        "permission denied",
        "enoent",
        "eacces",
    ];
    if run.end == End::Code(0) {
        return None;
    }
    let lines = run.stderr.lines().chain(run.stdout.lines());
    for line in lines {
        let small = line.trim().to_lowercase();
        if small.starts_with("usage:") {
            return Some(format!("it was called in a wrong way: {}", cut(line)));
        }
        // A program begins its own refusals with its name, so that counts for nothing.
        let words = run.words.iter().skip(1).filter(|word| word.len() > 2);
        let mut names = words.map(|word| word.rsplit('/').next().unwrap_or(word).to_lowercase());
        if MISSING.iter().any(|words| small.contains(words))
            && names.any(|name| name.len() > 2 && small.contains(&name))
        {
            return Some(format!(
                "the program or its input is not there: {}",
                cut(line)
            ));
        }
    }
    None
}

/// The beginning of a line.
fn cut(line: &str) -> String {
    line.trim().chars().take(160).collect()
}

impl fmt::Display for Oracle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::ExitSignal => "exit-signal",
            Self::AddressSanitizer => "asan",
            Self::UndefinedBehaviorSanitizer => "ubsan",
            Self::RustPanic => "rust-panic",
            Self::UncaughtException => "uncaught-exception",
            Self::ExitCode(code) => return write!(formatter, "exit:{code}"),
        })
    }
}

impl FromStr for Oracle {
    type Err = InvalidOracle;

    fn from_str(text: &str) -> Result<Self, InvalidOracle> {
        let invalid = || InvalidOracle(text.chars().take(80).collect());
        Ok(match text {
            "exit-signal" => Self::ExitSignal,
            "asan" => Self::AddressSanitizer,
            "ubsan" => Self::UndefinedBehaviorSanitizer,
            "rust-panic" => Self::RustPanic,
            "uncaught-exception" => Self::UncaughtException,
            text => {
                let code = text.strip_prefix("exit:").ok_or_else(invalid)?;
                match code.parse() {
                    Ok(code @ 1..=255) if code != CANNOT_RUN && code != NOT_FOUND => {
                        Self::ExitCode(code)
                    }
                    Ok(_) | Err(_) => return Err(invalid()),
                }
            }
        })
    }
}

#[cfg(test)]
mod tests;
