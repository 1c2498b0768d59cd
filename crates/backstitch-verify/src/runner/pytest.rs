//! Owns reading what pytest prints, test by test. Decides nothing.
//!
//! Asked for the names of tests, pytest prints each with how it ended; where a test's own output
//! stands in between, the summary at the end says it again. What was seen must agree with the
//! counts of the last line.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use backstitch_model::tests::{TestOutcome, TestReport};

use super::libtest::{CASES_MAX, worse};
use crate::workbench::lines;

/// Words that tell how a test ended. An expected failure passes, an unexpected success of one
/// that is not strict does too.
const WORDS: [(&str, TestOutcome); 6] = [
    ("PASSED", TestOutcome::Passed),
    ("FAILED", TestOutcome::Failed),
    ("ERROR", TestOutcome::Failed),
    ("SKIPPED", TestOutcome::Ignored),
    ("XFAIL", TestOutcome::Ignored),
    ("XPASS", TestOutcome::Passed),
];

/// Reads the merged output.
pub(super) fn read(log: impl BufRead, succeeded: bool) -> io::Result<TestReport> {
    let mut cases = BTreeMap::new();
    let mut ended = None;
    let mut too_many = false;
    let whole = lines::for_each(log, |line| {
        let found = case(line).or_else(|| summarised(line, &cases));
        if let Some((name, outcome)) = found {
            if cases.len() < CASES_MAX || cases.contains_key(&name) {
                let known = cases.entry(name).or_insert(outcome);
                *known = worse(*known, outcome);
            } else {
                too_many = true;
            }
        } else if let Some(passed) = last_line(line) {
            ended = Some(passed);
        }
    })?;
    let mut report = TestReport {
        cases,
        succeeded,
        gaps: Vec::new(),
    };
    let seen = report.count(TestOutcome::Passed);
    let gap = match ended {
        _ if too_many || !whole => Some("there was too much to read"),
        None => Some("the tests ended before their summary"),
        Some(passed) if passed != seen => {
            Some("what the tests printed disagrees with their summary")
        }
        Some(_) => None,
    };
    report.gaps.extend(gap.map(str::to_owned));
    Ok(report)
}

/// `tests/test_a.py::test_b[x y] PASSED   [ 10%]`, or `[gw0] [ 10%] PASSED tests/test_a.py::test_b`.
fn case(line: &str) -> Option<(String, TestOutcome)> {
    if let Some(rest) = line.strip_prefix("[gw") {
        let (_, rest) = rest.split_once("%] ")?;
        let (word, name) = rest.split_once(' ')?;
        return Some((name_of(name)?, outcome(word)?));
    }
    let line = without_progress(line);
    WORDS.iter().find_map(|(word, outcome)| {
        let (name, rest) = line.rsplit_once(&format!(" {word}"))?;
        // Behind the word there may be a reason in brackets.
        let rest = rest.trim();
        let is_reason = rest.is_empty() || rest.starts_with('(') && rest.ends_with(')');
        Some((name_of(name).filter(|_| is_reason)?, *outcome))
    })
}

fn without_progress(line: &str) -> &str {
    let line = line.trim_end();
    let progress = line.rfind(" [").filter(|at| line[*at..].ends_with("%]"));
    progress.map_or(line, |at| line[..at].trim_end())
}

fn outcome(word: &str) -> Option<TestOutcome> {
    let mut words = WORDS.iter();
    words.find(|(known, _)| *known == word).map(|it| it.1)
}

/// A test's name has its file before the colons; nothing else that is printed looks so.
fn name_of(words: &str) -> Option<String> {
    let words = words.trim_end();
    let (file, own) = words.split_once("::")?;
    let is_file = !file.is_empty() && !file.contains(char::is_whitespace);
    (is_file && !own.is_empty() && !own.contains(char::is_control)).then(|| words.to_owned())
}

/// `PASSED tests/test_a.py::test_b` of the summary, where the log had not said it yet. After
/// the name of one that failed stands why.
fn summarised(line: &str, known: &BTreeMap<String, TestOutcome>) -> Option<(String, TestOutcome)> {
    let (word, rest) = line.split_once(' ')?;
    let outcome = match word {
        "PASSED" => TestOutcome::Passed,
        "FAILED" | "ERROR" => TestOutcome::Failed,
        _ => return None,
    };
    let mut ends = rest.match_indices(" - ").map(|(at, _)| &rest[..at]);
    if outcome == TestOutcome::Failed && ends.any(|name| known.contains_key(name)) {
        return None;
    }
    let name = match outcome {
        TestOutcome::Failed => rest.split(" - ").next().unwrap_or(rest),
        TestOutcome::Passed | TestOutcome::Ignored => rest,
    };
    Some((name_of(name)?, outcome))
}

/// The count of passed tests in `=== 2 failed, 512 passed, 21 skipped in 5.92s ===`, unexpected
/// successes included.
fn last_line(line: &str) -> Option<usize> {
    let inside = line.trim().strip_prefix('=')?.trim_matches('=').trim();
    let (counts, time) = inside.rsplit_once(" in ")?;
    let is_time = time.contains('s') && time.starts_with(|c: char| c.is_ascii_digit());
    let mut passed = 0;
    for count in counts.split(", ").filter(|_| is_time) {
        let (number, word) = count.split_once(' ')?;
        let number: usize = number.parse().ok().or((number == "no").then_some(0))?;
        if matches!(word, "passed" | "xpassed") {
            passed += number;
        }
    }
    is_time.then_some(passed)
}

/// The command that runs exactly the named tests.
pub(super) fn only(command: &[String], names: &[String]) -> Vec<String> {
    [command, names].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "============ test session starts ============\n\
        collecting ... collected 7 items\n\n\
        tests/test_a.py::test_one PASSED                 [ 14%]\n\
        tests/test_a.py::TestB::test_two[a b] FAILED     [ 28%]\n\
        tests/test_a.py::test_three SKIPPED (no reason)  [ 42%]\n\
        tests/test_a.py::test_four XFAIL                 [ 57%]\n\
        tests/test_a.py::test_five printed\nPASSED       [ 71%]\n\
        [gw0] [ 85%] PASSED tests/test_a.py::test_six\n\
        tests/test_a.py::test_seven ERROR                [100%]\n\
        ======== FAILURES ========\n\
        assert tests/x.py::y == 'not PASSED at all'\n\
        ======== short test summary info ========\n\
        PASSED tests/test_a.py::test_one\n\
        PASSED tests/test_a.py::test_five\n\
        FAILED tests/test_a.py::TestB::test_two[a b] - assert 1 == 2 - really\n\
        ERROR tests/test_a.py::test_seven - fixture\n\
        ERROR tests/test_gone.py - ImportError\n\
        ==== 1 failed, 3 passed, 1 skipped, 1 xfailed, 2 errors in 0.12s ====\n";

    fn told(report: &TestReport, outcome: TestOutcome) -> Vec<&str> {
        report.names(outcome).collect()
    }

    #[test]
    fn every_test_is_told_whatever_stands_between_its_name_and_its_end() {
        let report = read(LOG.as_bytes(), false).unwrap();
        assert_eq!(
            told(&report, TestOutcome::Passed),
            [
                "tests/test_a.py::test_five",
                "tests/test_a.py::test_one",
                "tests/test_a.py::test_six"
            ]
        );
        assert_eq!(
            told(&report, TestOutcome::Failed),
            [
                "tests/test_a.py::TestB::test_two[a b]",
                "tests/test_a.py::test_seven"
            ]
        );
        assert_eq!(report.count(TestOutcome::Ignored), 2);
        assert_eq!(report.gaps, Vec::<String>::new());
    }

    #[test]
    fn a_count_that_disagrees_or_is_not_there_is_told() {
        let forged = "a.py::t PASSED\na.py::u PASSED\n== 1 passed in 0.1s ==\n";
        assert_eq!(read(forged.as_bytes(), true).unwrap().gaps.len(), 1);
        let cut = "a.py::t PASSED\n";
        assert_eq!(read(cut.as_bytes(), false).unwrap().gaps.len(), 1);
        let none = "=== no tests ran in 0.01s ===\n";
        let report = read(none.as_bytes(), false).unwrap();
        assert_eq!((report.cases.len(), report.gaps.len()), (0, 0));
    }

    #[test]
    fn a_test_that_passes_once_and_fails_in_its_teardown_failed() {
        let log = "a.py::t PASSED\na.py::t ERROR\n== 1 passed, 1 error in 0.1s ==\n";
        let report = read(log.as_bytes(), false).unwrap();
        assert_eq!(told(&report, TestOutcome::Failed), ["a.py::t"]);
    }
}
