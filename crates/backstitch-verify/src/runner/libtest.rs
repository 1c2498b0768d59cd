//! Owns reading what Rust's own test runner prints, test by test. Decides nothing.
//!
//! The text is written by the tests as much as by the runner: a test can print a line that looks
//! like a result, and raw output can land inside a real one. So nothing is taken on its own word:
//! what was seen of a suite must agree with the runner's own summary, a name seen twice counts by
//! its worse result, and where the two disagree the report says so. A test binary that
//! lies consistently cannot be caught here; it could as well have returned early.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};

use backstitch_model::tests::{TestOutcome, TestReport};

use super::header::{Header, header};
use crate::workbench::lines;

/// How many cases one report holds.
pub(super) const CASES_MAX: usize = 200_000;
/// The longest name a test may have, in bytes.
const NAME_BYTES_MAX: usize = 1024;

/// Reads the merged output of `cargo test`, or of anything that calls it.
pub(super) fn read(log: impl BufRead, succeeded: bool) -> io::Result<TestReport> {
    let mut reader = Reader::default();
    let whole = lines::for_each(log, |line| reader.line(line))?;
    Ok(reader.report(whole, succeeded))
}

/// Reads the merged output of `cargo test --doc`. A package without a library has no such tests,
/// which cargo calls an error.
pub(super) fn read_documentation(log: impl BufRead, succeeded: bool) -> io::Result<TestReport> {
    const NO_LIBRARY: &str = "error: no library targets found";
    let mut reader = Reader::default();
    let mut has_no_library = false;
    let whole = lines::for_each(log, |line| {
        has_no_library |= line.starts_with(NO_LIBRARY);
        reader.line(line);
    })?;
    let mut report = reader.report(whole, succeeded);
    report.succeeded |= has_no_library && report.cases.is_empty();
    Ok(report)
}

/// Names documentation tests by their item, and by their place among its tests where it has more
/// than one. rustdoc names them by their line, which moves with whatever is written above.
fn without_lines(cases: BTreeMap<String, TestOutcome>) -> BTreeMap<String, TestOutcome> {
    let mut named = BTreeMap::new();
    let mut lined: BTreeMap<String, BTreeMap<u64, TestOutcome>> = BTreeMap::new();
    for (name, outcome) in cases {
        let split = name.strip_suffix(')').and_then(|name| {
            let (item, line) = name.rsplit_once(" (line ")?;
            Some((item.to_owned(), line.parse().ok()?))
        });
        match split.filter(|(item, _)| item.contains(" (doc)::")) {
            Some((item, line)) => {
                lined.entry(item).or_default().insert(line, outcome);
            }
            None => {
                named.insert(name, outcome);
            }
        }
    }
    for (item, lines) in lined {
        for (place, outcome) in lines.into_values().enumerate() {
            let name = match place {
                0 => item.clone(),
                _ => format!("{item} ({})", place + 1),
            };
            named.insert(name, outcome);
        }
    }
    named
}

#[derive(Default)]
struct Reader {
    cases: BTreeMap<String, TestOutcome>,
    gaps: BTreeSet<String>,
    labels: BTreeSet<String>,
    target: Option<Target>,
    suite: Option<Suite>,
}

/// One test binary, or the documentation tests of one library.
struct Target {
    label: String,
    suites: usize,
    failed: bool,
}

/// From `running N tests` to `test result:`.
#[derive(Default)]
struct Suite {
    announced: usize,
    cases: BTreeMap<String, TestOutcome>,
    /// Tests whose result was not on their own line.
    unresolved: BTreeSet<String>,
    /// The runner's own list of failures; only the last one printed counts.
    listed: BTreeSet<String>,
    listing: bool,
    /// Past the cases, where the output of failed tests is shown.
    ended: bool,
}

/// The counts of a `test result:` line.
#[derive(Debug, PartialEq, Eq)]
struct Summary {
    passed: usize,
    failed: usize,
    ignored: usize,
}

impl Summary {
    fn total(&self) -> Option<usize> {
        self.passed
            .checked_add(self.failed)?
            .checked_add(self.ignored)
    }
}

impl Reader {
    fn report(mut self, whole: bool, succeeded: bool) -> TestReport {
        self.close_target();
        if !whole {
            self.gap("the log was too long to read to its end".into());
        }
        TestReport {
            cases: without_lines(self.cases),
            succeeded,
            gaps: self.gaps.into_iter().collect(),
        }
    }

    fn line(&mut self, line: &str) {
        if let Some(header) = header(line) {
            self.close_target();
            self.open_target(&header);
        } else if let Some(announced) = announcement(line) {
            self.close_suite(None);
            self.open_suite(announced);
        } else if line.starts_with("error: test failed, to rerun")
            || line.starts_with("error: doctest failed, to rerun")
        {
            self.close_suite(None);
            self.target
                .iter_mut()
                .for_each(|target| target.failed = true);
        } else if let Some(summary) = summary(line) {
            self.summary(line, &summary);
        } else if let Some(suite) = &mut self.suite {
            suite.line(line);
        }
    }

    /// A failed test's output may hold another runner's summary, so one inside that part must
    /// count what was announced. One more than there are suites was not printed by the runner.
    fn summary(&mut self, line: &str, summary: &Summary) {
        match &self.suite {
            Some(suite) if suite.ended && summary.total() != Some(suite.announced) => {}
            Some(_) => self.close_suite(Some(summary)),
            None if line.starts_with("test result: ") => {
                let label = self.label().to_owned();
                self.gap(format!("the tests of `{label}` printed a summary too many"));
            }
            None => {}
        }
    }

    fn open_target(&mut self, header: &Header<'_>) {
        let mut label = header.name.clone();
        if self.labels.contains(&label) {
            label = format!("{} ({})", header.name, header.path);
        }
        let base = label.clone();
        let mut ordinal = 2;
        while !self.labels.insert(label.clone()) {
            label = format!("{base} #{ordinal}");
            ordinal += 1;
        }
        self.target = Some(Target {
            label,
            suites: 0,
            failed: false,
        });
    }

    fn open_suite(&mut self, announced: usize) {
        let target = self.target.get_or_insert_with(|| Target {
            label: "tests".into(),
            suites: 0,
            failed: false,
        });
        target.suites += 1;
        self.suite = Some(Suite {
            announced,
            ..Suite::default()
        });
    }

    fn label(&self) -> &str {
        self.target.as_ref().map_or("tests", |target| &target.label)
    }

    fn close_suite(&mut self, summary: Option<&Summary>) {
        let Some(mut suite) = self.suite.take() else {
            return;
        };
        let label = self.label().to_owned();
        match summary {
            None => self.gap(format!("the tests of `{label}` ended before their summary")),
            Some(summary) => {
                suite.resolve(summary);
                if !suite.agrees(summary) {
                    self.gap(format!(
                        "what the tests of `{label}` printed disagrees with their summary"
                    ));
                }
            }
        }
        for (name, outcome) in suite.cases {
            self.record(format!("{label}::{name}"), outcome);
        }
    }

    fn close_target(&mut self) {
        self.close_suite(None);
        let Some(target) = self.target.take() else {
            return;
        };
        if target.suites == 0 {
            self.gap(format!(
                "`{}` names no tests and counts as one",
                target.label
            ));
            let outcome = if target.failed {
                TestOutcome::Failed
            } else {
                TestOutcome::Passed
            };
            self.record(target.label, outcome);
        }
    }

    fn record(&mut self, name: String, outcome: TestOutcome) {
        if self.cases.len() >= CASES_MAX && !self.cases.contains_key(&name) {
            self.gap(format!("there are more than {CASES_MAX} tests"));
            return;
        }
        let recorded = self.cases.entry(name).or_insert(outcome);
        *recorded = worse(*recorded, outcome);
    }

    fn gap(&mut self, sentence: String) {
        self.gaps.insert(sentence);
    }
}

impl Suite {
    fn line(&mut self, line: &str) {
        if line == "failures:" {
            self.listed.clear();
            self.listing = true;
            self.ended |= self.cases.len() + self.unresolved.len() >= self.announced;
        } else if self.listing && line.starts_with("    ") {
            self.listed
                .insert(case_name(line.trim()).unwrap_or_default().to_owned());
        } else if self.listing && !line.is_empty() {
            self.listing = false;
        } else if !self.ended && self.cases.len() < CASES_MAX {
            self.case(line);
        }
    }

    fn case(&mut self, line: &str) {
        let Some((name, outcome)) = case(line) else {
            return;
        };
        match outcome {
            None => {
                self.unresolved.insert(name.to_owned());
            }
            Some(outcome) => {
                let recorded = self.cases.entry(name.to_owned()).or_insert(outcome);
                *recorded = worse(*recorded, outcome);
            }
        }
    }

    /// Settles the tests whose result was torn from their line, where the runner's own list of
    /// failures and its counts leave only one answer.
    fn resolve(&mut self, summary: &Summary) {
        for name in std::mem::take(&mut self.listed) {
            if !name.is_empty() {
                self.unresolved.remove(&name);
                self.cases.insert(name, TestOutcome::Failed);
            }
        }
        self.unresolved
            .retain(|name| !self.cases.contains_key(name));
        let noise = std::mem::take(&mut self.unresolved);
        if self.agrees(summary) {
            return;
        }
        self.unresolved = noise;
        let open = self.unresolved.len();
        let passed = summary.passed.checked_sub(self.count(TestOutcome::Passed));
        let ignored = summary
            .ignored
            .checked_sub(self.count(TestOutcome::Ignored));
        let outcome = match (passed, ignored) {
            (Some(passed), Some(0)) if passed == open => TestOutcome::Passed,
            (Some(0), Some(ignored)) if ignored == open => TestOutcome::Ignored,
            _ => return,
        };
        let settled = std::mem::take(&mut self.unresolved);
        self.cases
            .extend(settled.into_iter().map(|name| (name, outcome)));
    }

    fn agrees(&self, summary: &Summary) -> bool {
        self.unresolved.is_empty()
            && self.count(TestOutcome::Passed) == summary.passed
            && self.count(TestOutcome::Failed) == summary.failed
            && self.count(TestOutcome::Ignored) == summary.ignored
            && self.announced == self.cases.len()
    }

    fn count(&self, outcome: TestOutcome) -> usize {
        self.cases.values().filter(|&&case| case == outcome).count()
    }
}

/// A failure outweighs a skip, which outweighs a pass.
pub(super) fn worse(one: TestOutcome, other: TestOutcome) -> TestOutcome {
    let weight = |outcome| match outcome {
        TestOutcome::Passed => 0,
        TestOutcome::Ignored => 1,
        TestOutcome::Failed => 2,
    };
    if weight(other) > weight(one) {
        other
    } else {
        one
    }
}

/// `running 12 tests`.
fn announcement(line: &str) -> Option<usize> {
    let (count, noun) = line.strip_prefix("running ")?.split_once(' ')?;
    matches!(noun, "test" | "tests")
        .then(|| count.parse().ok())
        .flatten()
}

/// `test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; …`, with raw
/// output before it where a test left its last line open.
fn summary(line: &str) -> Option<Summary> {
    let (_, counts) = line.split_once("test result: ")?;
    let counts = counts
        .strip_prefix("ok. ")
        .or_else(|| counts.strip_prefix("FAILED. "))?;
    let count = |noun: &str| {
        counts
            .split("; ")
            .find_map(|part| part.strip_suffix(noun)?.trim().parse::<usize>().ok())
    };
    Some(Summary {
        passed: count("passed")?.checked_add(count("measured").unwrap_or(0))?,
        failed: count("failed")?,
        ignored: count("ignored")?,
    })
}

/// `test NAME ... RESULT`, with raw output before it where a test left a line open. No result
/// where something else follows the dots.
fn case(line: &str) -> Option<(&str, Option<TestOutcome>)> {
    let mut cases = line.match_indices("test ").filter_map(|(start, keyword)| {
        let (name, result) = line[start + keyword.len()..].split_once(" ...")?;
        Some((case_name(name)?, outcome(result.trim_start())))
    });
    let first = cases.next()?;
    if first.1.is_some() {
        return Some(first);
    }
    Some(
        cases
            .find(|(_, outcome)| outcome.is_some())
            .unwrap_or(first),
    )
}

/// The name without what the runner adds; `None` where it cannot be one. Only the name of a
/// documentation test (`src/lib.rs - module::item (line 12)`) holds spaces.
fn case_name(name: &str) -> Option<&str> {
    const ADDED: [&str; 3] = [" - should panic", " - compile fail", " - compile"];
    let name = ADDED
        .iter()
        .find_map(|added| name.strip_suffix(added))
        .unwrap_or(name);
    let documentation = name.ends_with(')') && name.contains(" - ") && name.contains("(line ")
        || name.ends_with(')') && name.contains(" (line ");
    let shaped = documentation || !name.contains(char::is_whitespace);
    let sane = !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.contains(char::is_control);
    (shaped && sane).then_some(name)
}

fn outcome(result: &str) -> Option<TestOutcome> {
    let is = |word: &str, then: &str| {
        result
            .strip_prefix(word)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(then))
    };
    if is("ok", " <") {
        Some(TestOutcome::Passed)
    } else if is("FAILED", " ") {
        Some(TestOutcome::Failed)
    } else if is("ignored", ", ") {
        Some(TestOutcome::Ignored)
    } else if result.starts_with("bench: ") {
        Some(TestOutcome::Passed)
    } else {
        None
    }
}

#[cfg(test)]
#[path = "libtest_tests.rs"]
mod tests;
