//! Owns reading what `cargo nextest run` prints, test by test. Decides nothing.
//!
//! Nextest runs every test in a process of its own and indents what it shows of a test's output.
//! As with the built-in runner, what was seen must agree with the summary.

use std::io::{self, BufRead};

use backstitch_model::tests::{TestOutcome, TestReport};

use super::libtest::{CASES_MAX, worse};
use crate::workbench::lines;

/// What is asked of nextest so that its output can be read.
pub(crate) const ARGUMENTS: &[&str] = &[
    "--no-fail-fast",
    "--status-level",
    "all",
    "--final-status-level",
    "none",
    "--success-output",
    "never",
    "--failure-output",
    "immediate",
];

/// Reads the merged output.
pub(super) fn read(log: impl BufRead, succeeded: bool) -> io::Result<TestReport> {
    let mut report = TestReport {
        succeeded,
        ..TestReport::default()
    };
    let mut counts = None;
    let mut too_many = false;
    let whole = lines::for_each(log, |line| {
        if let Some((name, outcome)) = case(line) {
            if report.cases.len() < CASES_MAX || report.cases.contains_key(&name) {
                record(&mut report, name, outcome);
            } else {
                too_many = true;
            }
        } else if let Some(summary) = summary(line) {
            counts = Some(summary);
        }
    })?;
    let seen = (
        report.count(TestOutcome::Passed),
        report.count(TestOutcome::Failed),
    );
    let gap = match counts {
        _ if too_many || !whole => Some("there was too much to read"),
        None => Some("the tests ended before their summary"),
        Some(counts) if counts != seen => {
            Some("what the tests printed disagrees with their summary")
        }
        Some(_) => None,
    };
    report.gaps.extend(gap.map(str::to_owned));
    Ok(report)
}

fn record(report: &mut TestReport, name: String, outcome: TestOutcome) {
    let recorded = report.cases.entry(name).or_insert(outcome);
    *recorded = worse(*recorded, outcome);
}

/// `        PASS [   0.004s] (1/9) package::binary module::test`; the name keeps the blank, since the
/// binary's part holds colons too.
fn case(line: &str) -> Option<(String, TestOutcome)> {
    let (status, rest) = line.trim_start().split_once(" [")?;
    let outcome = outcome(status)?;
    let (time, rest) = rest.split_once(']')?;
    let timed = time.trim().is_empty() || time.trim().trim_start_matches('>').ends_with('s');
    let mut words = rest.split_whitespace().peekable();
    if words.peek().is_some_and(|word| word.starts_with('(')) {
        // `(1/9)` is padded with blanks where the total has more digits.
        while words.next().is_some_and(|word| !word.ends_with(')')) {}
    }
    let (binary, test) = (words.next()?, words.next()?);
    let sane = timed && words.next().is_none() && !test.contains(char::is_control);
    sane.then(|| (format!("{binary} {test}"), outcome))
}

/// A retried test that passed in the end is `FLAKY`; the project asked for the retries.
fn outcome(status: &str) -> Option<TestOutcome> {
    match status {
        "PASS" | "LEAK" => Some(TestOutcome::Passed),
        "SKIP" => Some(TestOutcome::Ignored),
        "FAIL" | "FAIL + LEAK" | "LEAK-FAIL" | "TIMEOUT" | "ABORT" | "XFAIL" => {
            Some(TestOutcome::Failed)
        }
        other if other.starts_with("FLAKY ") => Some(TestOutcome::Passed),
        other if other.starts_with("SIG") && !other.contains(' ') => Some(TestOutcome::Failed),
        _ => None,
    }
}

/// `     Summary [   0.010s] 9 tests run: 8 passed (1 flaky), 1 failed, 2 skipped`.
fn summary(line: &str) -> Option<(usize, usize)> {
    let (_, counts) = line
        .trim_start()
        .strip_prefix("Summary [")?
        .split_once("run: ")?;
    let plain = without_parentheses(counts);
    let count = |noun: &str| {
        let part = plain
            .split(", ")
            .find_map(|part| part.trim().strip_suffix(noun));
        part.and_then(|count| count.trim().parse::<usize>().ok())
            .unwrap_or(0)
    };
    let failed = ["failed", "timed out", "exec failed"]
        .map(count)
        .iter()
        .sum();
    Some((count("passed"), failed))
}

fn without_parentheses(text: &str) -> String {
    let mut depth = 0_usize;
    text.chars()
        .filter(|c| {
            depth += usize::from(*c == '(');
            let outside = depth == 0;
            depth = depth.saturating_sub(usize::from(*c == ')'));
            outside
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use TestOutcome::{Failed, Ignored, Passed};

    #[test]
    fn every_status_is_read_and_agrees_with_the_summary() {
        let log = "    Starting 4 tests across 2 binaries\n\
            \u{20}       PASS [   0.004s] (1/4) demo tests::a\n\
            \u{20}       FAIL [   0.004s] (2/4) demo::cli b\n\
            \u{20} stdout ---\n    PASS it seems\n\
            \u{20}    SIGABRT [   0.100s] ( 3/4) demo::cli c\n\
            \u{20}       PASS [>  9.004s] (4/4) demo::bin/demo d\n\
            \u{20}       SKIP [         ] demo e\n\
            ------------\n\
            \u{20}    Summary [   0.010s] 4 tests run: 2 passed (1 slow), 2 failed, 1 skipped\n";
        let report = read(log.as_bytes(), false).unwrap();
        assert_eq!(report.gaps, Vec::<String>::new());
        let cases: Vec<_> = report
            .cases
            .iter()
            .map(|(name, case)| (name.as_str(), *case))
            .collect();
        assert_eq!(
            cases,
            [
                ("demo e", Ignored),
                ("demo tests::a", Passed),
                ("demo::bin/demo d", Passed),
                ("demo::cli b", Failed),
                ("demo::cli c", Failed),
            ]
        );
    }

    #[test]
    fn a_forged_status_or_a_missing_summary_is_a_gap() {
        let forged = "        PASS [   0.004s] demo a\n        PASS [   0.004s] demo forged\n\
            \u{20}    Summary [   0.010s] 1 test run: 1 passed, 0 skipped\n";
        assert_eq!(read(forged.as_bytes(), true).unwrap().gaps.len(), 1);
        assert_eq!(read(&b""[..], true).unwrap().gaps.len(), 1);
    }
}
