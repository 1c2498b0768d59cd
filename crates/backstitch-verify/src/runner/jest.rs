//! Owns reading what jest prints with `--verbose`, test by test
//! (<https://jestjs.io/docs/cli#--verbose>). Decides nothing.
//!
//! A test's name stands below the names around it, each indented by two more. What was seen
//! must agree with jest's own counts; where it does not the report says so.

use std::io::{self, BufRead};

use backstitch_model::tests::{TestOutcome, TestReport};

use super::cases::Cases;
use crate::workbench::lines;

/// How deep names may nest.
const DEPTH_MAX: usize = 64;

/// Reads the merged output.
pub(super) fn read(log: impl BufRead, succeeded: bool) -> io::Result<TestReport> {
    let mut reader = Reader::default();
    let whole = lines::for_each(log, |line| reader.line(line))?;
    Ok(reader.report(whole, succeeded))
}

#[derive(Default)]
struct Reader {
    cases: Cases,
    /// The file whose tests are being read.
    file: Option<String>,
    /// The names around what is being read.
    around: Vec<String>,
    files: usize,
    /// Are the failures being listed once more?
    listed: bool,
    /// Jest's own counts: of tests by outcome, and of files.
    tests: Option<Counts>,
    suites: Option<usize>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
struct Counts {
    passed: usize,
    failed: usize,
    ignored: usize,
}

impl Reader {
    fn line(&mut self, line: &str) {
        if self.listed {
            self.summary(line);
        } else if let Some(file) = header(line) {
            self.files += 1;
            self.file = Some(file.to_owned());
            self.around.clear();
        } else if line.trim_start().starts_with('●') {
            // What follows is the output of failures.
            self.file = None;
        } else if line.starts_with("Summary of all failing tests") {
            // And here they are once more.
            self.listed = true;
        } else if self.summary(line) {
            self.file = None;
        } else if self.file.is_some() {
            self.inside(line);
        }
    }

    /// Reads jest's own counts; answers whether the line has any.
    fn summary(&mut self, line: &str) -> bool {
        if let Some(rest) = line.strip_prefix("Tests: ") {
            self.count(counts(rest));
        } else if let Some(rest) = line.strip_prefix("Test Suites: ") {
            self.suites = Some(files(rest));
        } else {
            return false;
        }
        true
    }

    fn count(&mut self, counts: Counts) {
        if self.tests.replace(counts).is_some() {
            self.cases.gap("the tests printed a summary too many");
        }
    }

    fn inside(&mut self, line: &str) {
        let bare = line.trim_start_matches(' ');
        let depth = (line.len() - bare.len()) / 2;
        if bare.is_empty() || depth == 0 || depth > DEPTH_MAX {
            return;
        }
        self.around.truncate(depth - 1);
        match result(bare) {
            Some((outcome, name)) => {
                let mut names = vec![self.file.clone().unwrap_or_default()];
                names.extend(self.around.iter().cloned());
                names.push(name.to_owned());
                self.cases.record(names.join(" > "), outcome);
            }
            None if self.around.len() == depth - 1 => self.around.push(bare.to_owned()),
            None => {}
        }
    }

    fn report(mut self, whole: bool, succeeded: bool) -> TestReport {
        let seen = Counts {
            passed: self.cases.count(TestOutcome::Passed),
            failed: self.cases.count(TestOutcome::Failed),
            ignored: self.cases.count(TestOutcome::Ignored),
        };
        match self.tests {
            None => self.cases.gap("the tests ended before their summary"),
            Some(counts) if counts != seen => {
                self.cases
                    .gap("what the tests printed disagrees with their summary");
            }
            Some(_) => {}
        }
        if self.suites.is_some_and(|suites| suites != self.files) {
            self.cases
                .gap("there are other files than the summary counts");
        }
        self.cases.report(whole, succeeded)
    }
}

/// Reads `PASS src/a.test.js (5.1 s)`, with the project's name before the file at times.
fn header(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("PASS ")
        .or_else(|| line.strip_prefix("FAIL "))?;
    Some(without_time(rest.trim()))
}

fn without_time(text: &str) -> &str {
    let time = |rest: &str| {
        let number = rest
            .trim_end_matches(')')
            .trim_end_matches(" ms")
            .trim_end_matches(" s");
        rest.ends_with(')') && number.parse::<f64>().is_ok()
    };
    match text.rsplit_once(" (") {
        Some((name, rest)) if time(rest) => name,
        Some(_) | None => text,
    }
}

fn result(text: &str) -> Option<(TestOutcome, &str)> {
    let (mark, rest) = text.split_once(' ')?;
    let outcome = match mark {
        "✓" => TestOutcome::Passed,
        "✕" => TestOutcome::Failed,
        "○" | "✎" => TestOutcome::Ignored,
        _ => return None,
    };
    let name = rest
        .strip_prefix("skipped ")
        .or_else(|| rest.strip_prefix("todo "))
        .filter(|_| outcome == TestOutcome::Ignored)
        .unwrap_or(rest);
    // A name may end in what a line may end in; a time behind it must not tell the two apart.
    Some((outcome, without_time(name).trim_end()))
}

/// Reads `1 failed, 2 skipped, 3 todo, 935 passed, 941 total`.
fn counts(text: &str) -> Counts {
    let mut counts = Counts::default();
    for part in text.split(',') {
        let Some((number, what)) = part.trim().split_once(' ') else {
            continue;
        };
        let number: usize = number.parse().unwrap_or(0);
        match what {
            "passed" => counts.passed += number,
            "failed" => counts.failed += number,
            "skipped" | "todo" => counts.ignored += number,
            _ => {}
        }
    }
    counts
}

/// The files that ran, of `1 skipped, 2 passed, 2 of 3 total`.
fn files(text: &str) -> usize {
    let counts = counts(text);
    counts.passed + counts.failed
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "PASS src/a.spec.ts (5.1 s)\n  Parse\n    simple\n      ✓ one (3 ms)\n      \
        ✓ one\n    ○ skipped two\n  ✓ top\nFAIL b.test.js\n  ✕ bad (1 ms)\n\n  ● bad\n\n    ✓ forged\n\n\
        Summary of all failing tests\nFAIL b.test.js\n  ● bad\n\nTest Suites: 1 failed, 1 passed, 2 total\n\
        Tests:       1 failed, 1 skipped, 3 passed, 5 total\nTime:        4.5 s\n";

    fn report(text: &str) -> TestReport {
        read(text.as_bytes(), false).unwrap()
    }

    #[test]
    fn tests_are_told_by_file_and_the_names_around_them() {
        let report = report(OUTPUT);
        let names: Vec<_> = report
            .cases
            .iter()
            .map(|(n, o)| format!("{n}: {o:?}"))
            .collect();
        assert_eq!(
            names,
            [
                "b.test.js > bad: Failed",
                "src/a.spec.ts > Parse > simple > one: Passed",
                "src/a.spec.ts > Parse > simple > one #2: Passed",
                "src/a.spec.ts > Parse > two: Ignored",
                "src/a.spec.ts > top: Passed",
            ]
        );
        assert_eq!(report.gaps, Vec::<String>::new());
    }

    #[test]
    fn a_time_makes_no_other_test_of_a_name_that_ends_in_a_line_s_end() {
        let with = report("PASS a.js\n  ✓ a\r (1 ms)\nTests:       1 passed, 1 total\n");
        let without = report("PASS a.js\n  ✓ a\r\nTests:       1 passed, 1 total\n");
        assert_eq!(with.cases, without.cases);
    }

    #[test]
    fn forged_results_are_noticed_by_the_counts() {
        for (from, to, gap) in [
            (
                "  ✓ top\n",
                "  ✓ top\n  ✓ forged\n",
                "disagrees with their summary",
            ),
            (
                "Tests:       1 failed, 1 skipped, 3 passed, 5 total\n",
                "",
                "before their summary",
            ),
            (
                "FAIL b.test.js\n  ✕",
                "PASS c.js\nFAIL b.test.js\n  ✕",
                "other files",
            ),
        ] {
            let report = report(&OUTPUT.replace(from, to));
            assert!(
                report.gaps.iter().any(|told| told.contains(gap)),
                "{:?}",
                report.gaps
            );
        }
    }
}
