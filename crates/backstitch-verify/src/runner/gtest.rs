//! Owns reading what `GoogleTest` prints, test by test
//! (<https://google.github.io/googletest/advanced.html>). Decides nothing.
//!
//! A result counts only for the test that was begun last. One that was begun and never ended took
//! the process with it. What was seen must agree with what was announced.

use std::io::{self, BufRead};

use backstitch_model::tests::{TestOutcome, TestReport};

use super::cases::Cases;
use crate::workbench::lines;

/// Reads the merged output.
pub(super) fn read(log: impl BufRead, succeeded: bool) -> io::Result<TestReport> {
    let mut reader = Reader::default();
    let whole = lines::for_each(log, |line| reader.line(line))?;
    reader.cut_off();
    if reader.announced != reader.seen {
        let gap = "what the tests printed disagrees with what they announced";
        reader.cases.gap(gap);
    }
    Ok(reader.cases.report(whole, succeeded))
}

/// Is it the line that begins a run?
pub(super) fn is_beginning(line: &str) -> bool {
    announced(line).is_some()
}

#[derive(Default)]
struct Reader {
    cases: Cases,
    /// The test that was begun.
    open: Option<String>,
    announced: usize,
    seen: usize,
}

impl Reader {
    fn line(&mut self, line: &str) {
        if let Some(count) = announced(line) {
            self.cut_off();
            self.announced += count;
        } else if let Some(name) = line.strip_prefix("[ RUN      ] ") {
            self.cut_off();
            self.open = Some(name.trim().to_owned());
        } else if let Some((name, outcome)) = result(line) {
            // What a test prints without a line's end stands before.
            let is_open = self.open.as_deref().is_some_and(|open| {
                name.strip_prefix(open)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ',']))
            });
            if let Some(open) = self.open.take_if(|_| is_open) {
                self.seen += 1;
                self.cases.record(open, outcome);
            }
        }
    }

    /// What was begun and did not end has failed.
    fn cut_off(&mut self) {
        if let Some(open) = self.open.take() {
            self.seen += 1;
            self.cases.record(open, TestOutcome::Failed);
            self.cases.gap("the tests ended before their summary");
        }
    }
}

/// `[==========] Running 3 tests from 1 test suite.`
fn announced(line: &str) -> Option<usize> {
    let rest = line.strip_prefix("[==========] Running ")?;
    let (count, rest) = rest.split_once(' ')?;
    rest.starts_with("test").then(|| count.parse().ok())?
}

fn result(line: &str) -> Option<(&str, TestOutcome)> {
    const MARKS: [(&str, TestOutcome); 3] = [
        ("[       OK ] ", TestOutcome::Passed),
        ("[  FAILED  ] ", TestOutcome::Failed),
        ("[  SKIPPED ] ", TestOutcome::Ignored),
    ];
    MARKS.iter().find_map(|(mark, outcome)| {
        let at = line.find(mark)?;
        Some((line[at + mark.len()..].trim_end(), *outcome))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "[==========] Running 4 tests from 2 test suites.\n\
        [----------] 3 tests from A\n[ RUN      ] A.one\nnoise[       OK ] A.one (0 ms)\n\
        [ RUN      ] A.two\n[       OK ] A.other (0 ms)\na.cc:3: Failure\n[  FAILED  ] A.two (1 ms)\n\
        [ RUN      ] A.three\n[  SKIPPED ] A.three (0 ms)\n\
        [ RUN      ] B/P.x/0\n[  FAILED  ] B/P.x/0, where GetParam() = 1 (0 ms)\n\
        [==========] 4 tests from 2 test suites ran. (2 ms total)\n[  PASSED  ] 1 test.\n\
        [  FAILED  ] 2 tests, listed below:\n[  FAILED  ] A.two\n";

    #[test]
    fn tests_are_told_by_name_and_only_the_one_that_runs_can_end() {
        let report = read(LOG.as_bytes(), false).unwrap();
        let told = |outcome| report.names(outcome).collect::<Vec<_>>();
        assert_eq!(told(TestOutcome::Passed), ["A.one"]);
        assert_eq!(told(TestOutcome::Failed), ["A.two", "B/P.x/0"]);
        assert_eq!(told(TestOutcome::Ignored), ["A.three"]);
        assert_eq!(report.gaps, Vec::<String>::new());
    }

    #[test]
    fn a_test_that_took_the_process_with_it_has_failed() {
        let log = "[==========] Running 2 tests from 1 test suite.\n[ RUN      ] A.one\n";
        let report = read(log.as_bytes(), false).unwrap();
        assert_eq!(report.count(TestOutcome::Failed), 1);
        assert_eq!(report.gaps.len(), 2);
    }
}
