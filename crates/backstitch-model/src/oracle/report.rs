//! Owns knowing a failure by what a dying process prints: by the line that begins a report, and
//! only where the process also ended as the reporter ends it.

use super::{End, Oracle, Run, cut, signature};

/// A failure that a run shows.
pub(super) struct Failure {
    /// The oracle that speaks of it; `None` for one that none does.
    pub(super) oracle: Option<Oracle>,
    /// In its own words.
    pub(super) said: String,
    /// Did it end by a signal?
    pub(super) by_signal: bool,
}

/// The signals that a broken program gets or gives itself, by their numbers on Linux.
const CRASHES: [(i32, &str); 6] = [
    (4, "SIGILL"),
    (5, "SIGTRAP"),
    (6, "SIGABRT"),
    (7, "SIGBUS"),
    (8, "SIGFPE"),
    (11, "SIGSEGV"),
];
/// What a shell adds to a signal's number.
const BY_SIGNAL: i32 = 128;
/// The exit code of a Rust program whose main thread panicked.
const PANICKED: i32 = 101;

/// How many lines of a report are looked at for its frames.
const FRAMES_MAX: usize = 64;

pub(super) fn is_crash(signal: i32) -> bool {
    CRASHES.iter().any(|(number, _)| *number == signal)
}

/// The failure that a run shows, if any.
pub(super) fn failure(run: &Run) -> Option<Failure> {
    let signal = match run.end {
        End::Signal(signal) => Some(signal),
        End::Code(code) => Some(code - BY_SIGNAL),
        End::TimedOut | End::OverLimit(_) => None,
    }
    .and_then(|signal| CRASHES.iter().find(|(number, _)| *number == signal));
    if run.end == End::Code(0) {
        return None;
    }
    let reported = reported(run, signal.map(|(number, _)| *number));
    let by_signal = signal.is_some();
    match (reported, signal) {
        (Some((oracle, said)), _) => Some(Failure {
            oracle,
            said,
            by_signal,
        }),
        (None, Some((number, name))) => Some(Failure {
            oracle: Some(Oracle::ExitSignal),
            said: format!("it died of signal {number} ({name})"),
            by_signal,
        }),
        (None, None) => None,
    }
}

/// What a sanitizer or a runtime says of the end of a process that it ended.
fn reported(run: &Run, signal: Option<i32>) -> Option<(Option<Oracle>, String)> {
    let lines = || run.stderr.lines().chain(run.stdout.lines());
    let mut rest = lines();
    while let Some(line) = rest.next() {
        if let Some(found) = sanitizer(line) {
            let place = signature::place(rest.take(FRAMES_MAX));
            let said = match place {
                Some(place) => format!("{}{}{}", cut(line), signature::PLACE, cut(place)),
                None => cut(line),
            };
            return Some((found.oracle(), said));
        }
    }
    let aborted = signal == Some(6);
    let panicked = |line: &&str| {
        line.starts_with("thread '") && line.contains("panicked at")
            || line.starts_with("fatal runtime error:")
    };
    if run.end == End::Code(PANICKED) || aborted {
        let mut rest = lines().skip_while(|line| !panicked(line));
        if let Some(line) = rest.next() {
            // What it says stands on a line of its own.
            let message = rest.next().filter(|_| line.ends_with(':'));
            let said = format!("{} {}", cut(line), cut(message.unwrap_or_default()));
            return Some((Some(Oracle::RustPanic), said.trim_end().to_owned()));
        }
    }
    let said = if aborted {
        lines().find(|line| {
            line.contains("terminate called after throwing")
                || line.contains("terminate called without an active exception")
                || line.contains("terminating due to uncaught exception")
                || line.contains("terminating with uncaught exception")
        })
    } else {
        match run.end {
            End::Code(1) => python(&run.stderr)
                .or_else(|| node(&run.stderr))
                .or_else(|| python(&run.stdout)),
            End::Code(7) => node(&run.stderr),
            End::Code(_) | End::Signal(_) | End::TimedOut | End::OverLimit(_) => None,
        }
    };
    said.map(|line| (Some(Oracle::UncaughtException), cut(line)))
}

/// A sanitizer that reports.
enum Sanitizer {
    Address,
    Undefined,
    /// One that no oracle speaks of.
    Other,
}

impl Sanitizer {
    fn oracle(&self) -> Option<Oracle> {
        match self {
            Self::Address => Some(Oracle::AddressSanitizer),
            Self::Undefined => Some(Oracle::UndefinedBehaviorSanitizer),
            Self::Other => None,
        }
    }
}

/// `==12==ERROR: AddressSanitizer: heap-buffer-overflow on …`, and
/// `a.c:3:7: runtime error: signed integer overflow: …`.
fn sanitizer(line: &str) -> Option<Sanitizer> {
    if let Some((_, rest)) = line
        .strip_prefix("==")
        .and_then(|rest| rest.split_once("=="))
        .filter(|(process, _)| process.bytes().all(|byte| byte.is_ascii_digit()))
    {
        let what = rest
            .strip_prefix("ERROR: ")
            .or_else(|| rest.strip_prefix("WARNING: "))?;
        let (name, _) = what.split_once(':')?;
        return match name {
            "AddressSanitizer" | "LeakSanitizer" => Some(Sanitizer::Address),
            "UndefinedBehaviorSanitizer" => Some(Sanitizer::Undefined),
            "MemorySanitizer" | "ThreadSanitizer" | "HWAddressSanitizer" => Some(Sanitizer::Other),
            _ => None,
        };
    }
    if line.starts_with("WARNING: ThreadSanitizer:") {
        return Some(Sanitizer::Other);
    }
    let (place, _) = line.split_once(": runtime error: ")?;
    // `file:line:column`, or `file:line` where the column is not known.
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_place = place.rsplit_once(':').is_some_and(|(_, last)| number(last));
    is_place.then_some(Sanitizer::Undefined)
}

/// The last line of a traceback: the exception itself.
fn python(text: &str) -> Option<&str> {
    const BEGIN: &str = "Traceback (most recent call last):";
    let at = text.rfind(BEGIN)?;
    let mut lines = text[at + BEGIN.len()..].lines().skip(1);
    // Frames are indented; the exception is not.
    lines.find(|line| !line.is_empty() && !line.starts_with(' ') && !line.starts_with('\t'))
}

/// Node prints its own version last when nothing caught an exception.
fn node(text: &str) -> Option<&str> {
    let ended = text.lines().any(|line| line.starts_with("Node.js v"));
    let frames = |line: &&str| line.starts_with("    at ");
    if !ended {
        return None;
    }
    let mut before = None;
    for line in text.lines() {
        if frames(&line) {
            return before;
        }
        if !line.trim().is_empty() {
            before = Some(line);
        }
    }
    // A value that is no error has no frames.
    text.lines()
        .find(|line| line.starts_with("Uncaught"))
        .or(Some("an exception that nothing caught"))
}
