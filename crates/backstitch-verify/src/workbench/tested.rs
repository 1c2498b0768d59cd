//! One run of tests, and what it comes to by itself. Runs nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use backstitch_model::tests::{TestOutcome, TestReport};
use backstitch_model::{Check, CheckRun, Outcome};

use super::commands::TestCommand;
use super::error::VerifyError;
use super::lines::error_text;
use super::session::Ended;
use crate::sandbox::{Exit, Ran};

/// The most of an error shown as the reason, in characters.
pub(super) const REASON_CHARS_MAX: usize = 600;

/// One run of tests.
#[derive(Debug)]
pub(super) struct Tested {
    pub(super) report: TestReport,
    pub(super) elapsed: Duration,
    pub(super) ran: Ran,
    pub(super) logs: Vec<PathBuf>,
}

impl Tested {
    pub(super) fn log(&self) -> &Path {
        self.logs.first().map_or(Path::new(""), PathBuf::as_path)
    }

    /// Did it run into a limit?
    pub(super) fn stopped(&self) -> bool {
        matches!(self.ran.exit, Exit::TimedOut | Exit::OverLimit(_))
    }

    /// Did it come to its end and say that it failed? One that was killed did not.
    pub(super) fn failed_by_itself(&self) -> bool {
        matches!(self.ran.exit, Exit::Code(code) if code != 0) && !self.report.succeeded
    }

    pub(super) fn found_nothing(&self) -> bool {
        self.report.cases.is_empty() && !self.report.succeeded && !self.stopped()
    }

    /// Puts the tests of a second command to these. A test that failed in one has failed.
    pub(super) fn and(mut self, other: Self) -> Self {
        for (name, outcome) in other.report.cases {
            let first = self.report.cases.entry(name).or_insert(outcome);
            if *first != TestOutcome::Failed {
                *first = outcome;
            }
        }
        self.report.gaps.extend(other.report.gaps);
        self.report.succeeded &= other.report.succeeded;
        self.elapsed += other.elapsed;
        self.logs.extend(other.logs);
        let stopped = limit_of(other.ran.exit).is_some();
        if stopped || other.ran.exit != Exit::Code(0) && self.ran.exit == Exit::Code(0) {
            self.ran = other.ran;
        }
        self
    }

    /// How it ended where that is all there is to say: nothing for a run that reached its end.
    pub(super) fn limit(&self) -> Option<Outcome> {
        limit_of(self.ran.exit)
    }

    /// Why it failed as a whole, in its own words.
    pub(super) fn reason(&self) -> Result<String, VerifyError> {
        let said = error_text(self.log(), REASON_CHARS_MAX)?;
        Ok(format!("{}: {said}", ended_how(self.ran.exit)))
    }

    /// A check run that has everything but its outcome.
    pub(super) fn check_run(&self) -> CheckRun {
        CheckRun {
            elapsed: self.elapsed,
            log: Some(self.log().display().to_string()),
            ..CheckRun::instant(Check::Regress, Outcome::Passed)
        }
    }

    pub(super) fn baseline_outcome(
        &self,
        commands: &[TestCommand],
    ) -> Result<Outcome, VerifyError> {
        if let Some(limit) = self.limit() {
            return Ok(limit);
        }
        let report = &self.report;
        let may_name_nothing = commands
            .iter()
            .all(|command| command.runner.may_name_nothing());
        Ok(if report.count(TestOutcome::Passed) > 0 {
            Outcome::Passed
        } else if !report.succeeded {
            Outcome::Failed(format!("no test passes: {}", self.reason()?))
        } else if report.count(TestOutcome::Ignored) > 0 {
            Outcome::NotRun("the project's tests are all ignored".into())
        } else if !may_name_nothing {
            Outcome::NotRun("the project has no tests".into())
        } else if !report.gaps.is_empty() {
            Outcome::NotRun(report.gaps.join("; "))
        } else if commands.iter().all(|command| does_nothing(&command.argv)) {
            Outcome::NotRun("the test command tests nothing, whatever the project is".into())
        } else {
            Outcome::Passed
        })
    }

    pub(super) fn baseline_notes(&self, flaky: &[String]) -> Vec<String> {
        let failed: Vec<&str> = self.report.names(TestOutcome::Failed).collect();
        let mut notes = vec![counts(&self.report)];
        if self.report.cases.is_empty() && self.report.succeeded {
            notes = vec!["the test command names no tests: whole suite only".into()];
            if self.ran.output_bytes == 0 {
                notes.push(
                    "it printed nothing: only its exit code says that it tested anything".into(),
                );
            }
        }
        if !failed.is_empty() {
            let names = listed(&failed);
            notes.push(format!(
                "these fail before any change and are not judged: {names}"
            ));
        }
        if !flaky.is_empty() {
            let names = listed(&flaky.iter().map(String::as_str).collect::<Vec<_>>());
            notes.push(format!("flaky, they pass when run again: {names}"));
        }
        notes.extend(self.report.gaps.iter().cloned());
        notes
    }
}

pub(super) fn counts(report: &TestReport) -> String {
    let [passed, failed, ignored] = [
        TestOutcome::Passed,
        TestOutcome::Failed,
        TestOutcome::Ignored,
    ]
    .map(|o| report.count(o));
    format!("{passed} passed, {failed} failed, {ignored} ignored")
}

/// The first few names.
pub(super) fn listed(names: &[&str]) -> String {
    const SHOWN_MAX: usize = 10;
    let shown = names
        .iter()
        .take(SHOWN_MAX)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().checked_sub(SHOWN_MAX) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}

/// Is it a command that succeeds whatever it is run in?
fn does_nothing(argv: &[String]) -> bool {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    let (program, rest) = match words.as_slice() {
        ["sh" | "bash" | "/bin/sh", "-c", script] => {
            let mut words = script.split_whitespace();
            (words.next().unwrap_or(":"), words.collect::<Vec<_>>())
        }
        [program, rest @ ..] => (*program, rest.to_vec()),
        [] => return true,
    };
    let name = program.rsplit('/').next().unwrap_or(program);
    let goes_on = rest
        .iter()
        .any(|word| word.contains([';', '&', '|', '$', '`', '(']));
    match name {
        "true" | ":" | "echo" | "printf" => !goes_on,
        "exit" => rest == ["0"] || rest.is_empty(),
        _ => false,
    }
}

/// How a job that prints no tests ended.
pub(super) fn outcome_of(ended: &Ended) -> Result<Outcome, VerifyError> {
    if ended.ran.exit.succeeded() {
        return Ok(Outcome::Passed);
    }
    if let Some(limit) = limit_of(ended.ran.exit) {
        return Ok(limit);
    }
    let said = error_text(&ended.log, REASON_CHARS_MAX)?;
    Ok(Outcome::Failed(format!(
        "{}: {said}",
        ended_how(ended.ran.exit)
    )))
}

fn limit_of(exit: Exit) -> Option<Outcome> {
    match exit {
        Exit::TimedOut => Some(Outcome::TimedOut),
        Exit::OverLimit(resource) => Some(Outcome::Failed(format!(
            "used more than it may: {resource:?}"
        ))),
        Exit::Code(_) | Exit::Signal(_) | Exit::Cancelled => None,
    }
}

pub(super) fn ended_how(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit code {code}"),
        Exit::Signal(signal) => format!("signal {signal}"),
        Exit::TimedOut => "out of time".into(),
        Exit::OverLimit(_) => "over a limit".into(),
        Exit::Cancelled => "cancelled".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_succeeds_anywhere_is_no_test() {
        let words = |words: &[&str]| {
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        for idle in [
            &["true"] as &[_],
            &["/bin/true", "x"],
            &["sh", "-c", ":"],
            &["sh", "-c", "exit 0"],
            &["echo", "all 12 tests passed"],
        ] {
            assert!(does_nothing(&words(idle)), "{idle:?}");
        }
        for busy in [
            &["test", "!", "-e", "bad"] as &[_],
            &["sh", "-c", "echo running; ./t"],
            &["sh", "-c", "exit 1"],
            &["make", "check"],
        ] {
            assert!(!does_nothing(&words(busy)), "{busy:?}");
        }
    }
}
