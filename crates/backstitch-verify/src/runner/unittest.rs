//! Owns reading what Python's `unittest -v` prints, test by test. Decides nothing. What was seen
//! must agree with the count of the last lines.

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use backstitch_model::tests::{TestOutcome, TestReport};

use super::libtest::{CASES_MAX, worse};
use crate::workbench::lines;

/// Reads the merged output.
pub(super) fn read(log: impl BufRead, succeeded: bool) -> io::Result<TestReport> {
    let mut cases = BTreeMap::new();
    let mut pending: Option<String> = None;
    let (mut ran, mut seen, mut too_many) = (None, 0_usize, false);
    let whole = lines::for_each(log, |line| {
        if let Some(name) = name_of(line) {
            pending = Some(name);
        }
        if let (Some(outcome), Some(name)) = (outcome_of(line), pending.clone()) {
            pending = None;
            seen += 1;
            if cases.len() < CASES_MAX || cases.contains_key(&name) {
                let known = cases.entry(name).or_insert(outcome);
                *known = worse(*known, outcome);
            } else {
                too_many = true;
            }
        }
        ran = count_of(line).or(ran);
    })?;
    let gap = match ran {
        _ if too_many || !whole => Some("there was too much to read"),
        None => Some("the tests ended before their summary"),
        Some(ran) if ran != seen => Some("what the tests printed disagrees with their summary"),
        Some(_) => None,
    };
    Ok(TestReport {
        cases,
        succeeded,
        gaps: gap.map(str::to_owned).into_iter().collect(),
    })
}

/// `test_a (tests.test_x.Case.test_a) ... ok`; before Python 3.11 the test is not in the
/// brackets. A test's description stands on a line of its own.
fn name_of(line: &str) -> Option<String> {
    let (test, rest) = line.split_once(" (")?;
    let (class, _) = rest.split_once(')')?;
    let is_name = |text: &str| {
        let allowed = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        !text.is_empty() && text.chars().all(allowed)
    };
    if !is_name(test) || test.contains('.') || !is_name(class) || !class.contains('.') {
        return None;
    }
    let is_whole = class.rsplit('.').next() == Some(test);
    Some(if is_whole {
        class.to_owned()
    } else {
        format!("{class}.{test}")
    })
}

fn outcome_of(line: &str) -> Option<TestOutcome> {
    let (_, word) = line.rsplit_once(" ... ").or_else(|| {
        // What a test prints may push the word to a line of its own.
        matches!(line, "ok" | "FAIL" | "ERROR").then_some(("", line))
    })?;
    Some(match word {
        "ok" | "unexpected success" => TestOutcome::Passed,
        "FAIL" | "ERROR" => TestOutcome::Failed,
        "expected failure" => TestOutcome::Ignored,
        word if word.starts_with("skipped") => TestOutcome::Ignored,
        _ => return None,
    })
}

/// `Ran 5 tests in 0.001s`.
fn count_of(line: &str) -> Option<usize> {
    let (count, rest) = line.strip_prefix("Ran ")?.split_once(' ')?;
    rest.starts_with("test").then(|| count.parse().ok())?
}

/// The command that runs exactly the named tests; `None` where they are looked for in another
/// folder, from which alone their names lead to them.
pub(super) fn only(command: &[String], names: &[String]) -> Option<Vec<String>> {
    let elsewhere = |word: &String| word == "-s" || word == "-t";
    if command.iter().any(elsewhere) {
        return None;
    }
    let without_discovery = command.iter().filter(|word| *word != "discover").cloned();
    Some(without_discovery.chain(names.iter().cloned()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "test_a (tests.test_x.Case.test_a) ... ok\n\
        test_b (tests.test_x.Case)\nSays what it does. ... FAIL\n\
        test_c (tests.test_x.Case.test_c) ... skipped 'no reason'\n\
        test_d (tests.test_x.Case.test_d) ... noise\nok\n\
        \n======\nFAIL: test_b (tests.test_x.Case)\n\
        Ran 4 tests in 0.001s\n\nFAILED (failures=1, skipped=1)\n";

    #[test]
    fn tests_of_every_release_of_python_are_told() {
        let report = read(LOG.as_bytes(), false).unwrap();
        let told: Vec<_> = report
            .cases
            .iter()
            .map(|(name, it)| (name.as_str(), *it))
            .collect();
        assert_eq!(
            told,
            [
                ("tests.test_x.Case.test_a", TestOutcome::Passed),
                ("tests.test_x.Case.test_b", TestOutcome::Failed),
                ("tests.test_x.Case.test_c", TestOutcome::Ignored),
                ("tests.test_x.Case.test_d", TestOutcome::Passed),
            ]
        );
        assert_eq!(report.gaps, Vec::<String>::new());
    }

    #[test]
    fn a_count_that_disagrees_is_told_and_single_tests_are_picked_by_name() {
        let log = "test_a (t.C.test_a) ... ok\nRan 2 tests in 0.1s\nOK\n";
        assert_eq!(read(log.as_bytes(), true).unwrap().gaps.len(), 1);
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            only(&words("python -m unittest discover -v"), &words("t.C.a")),
            Some(words("python -m unittest -v t.C.a"))
        );
        let elsewhere = words("python -m unittest discover -v -s tests");
        assert_eq!(only(&elsewhere, &words("t.C.a")), None);
    }
}
