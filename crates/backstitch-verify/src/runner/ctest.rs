//! Owns reading what `ctest` of `cmake` prints, test by test. Decides nothing. What was seen must
//! agree with the counts of the last lines; with `-V` a test's own lines begin with its number, so
//! they are not taken for ctest's.

use std::io::{self, BufRead};

use backstitch_model::tests::{TestOutcome, TestReport};

use super::cases::Cases;
use crate::workbench::lines;

/// What is said of a test that the project turned off; it is in no count.
const DISABLED: &str = "Not Run (Disabled)";

/// Reads the merged output.
pub(super) fn read(log: impl BufRead, succeeded: bool) -> io::Result<TestReport> {
    let mut cases = Cases::default();
    let (mut disabled, mut counts) = (0, None);
    let whole = lines::for_each(log, |line| {
        if let Some((name, status)) = result(line) {
            disabled += usize::from(status == DISABLED);
            cases.record(name.to_owned(), outcome(status));
        } else if let Some((failed, total)) = summary(line) {
            // A command may call ctest several times.
            let (before, of) = counts.unwrap_or((0, 0));
            counts = Some((failed + before, total + of));
        }
    })?;
    let failed = cases.count(TestOutcome::Failed);
    let ignored = cases.count(TestOutcome::Ignored);
    let total = failed + cases.count(TestOutcome::Passed) + ignored - disabled.min(ignored);
    match counts {
        None if total > 0 => cases.gap("the tests ended before their summary"),
        Some(counts) if counts != (failed, total) => {
            cases.gap("what the tests printed disagrees with their summary");
        }
        None | Some(_) => {}
    }
    Ok(cases.report(whole, succeeded))
}

/// Is it a line of ctest's that gives a result?
pub(super) fn is_result(line: &str) -> bool {
    result(line).is_some()
}

/// ` 1/12 Test  #1: name .......   Passed    0.02 sec`, or with `***Failed` and the like.
fn result(line: &str) -> Option<(&str, &str)> {
    let (place, rest) = line.trim_start().split_once(" Test ")?;
    let (number, of) = place.split_once('/')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (own, rest) = rest.trim_start().strip_prefix('#')?.split_once(": ")?;
    if ![number, of, own].into_iter().all(is_number) {
        return None;
    }
    let (said, time) = rest.strip_suffix(" sec")?.trim_end().rsplit_once(' ')?;
    time.parse::<f64>().ok()?;
    let said = said.trim_end();
    // The name is filled up with dots.
    let (name, status) = said.rsplit_once("***").or_else(|| {
        let name = said.strip_suffix("Passed")?;
        Some((name, "Passed"))
    })?;
    let name = &name[..name.find(" ..")?];
    (!name.is_empty()).then_some((name, status.trim()))
}

fn outcome(status: &str) -> TestOutcome {
    match status {
        "Passed" => TestOutcome::Passed,
        DISABLED | "Skipped" => TestOutcome::Ignored,
        _ => TestOutcome::Failed,
    }
}

/// `33% tests passed, 4 tests failed out of 6`: how many failed, and of how many.
fn summary(line: &str) -> Option<(usize, usize)> {
    let (_, rest) = line.split_once("% tests passed, ")?;
    let (failed, rest) = rest.split_once(' ')?;
    let (_, total) = rest.split_once(" failed out of ")?;
    Some((failed.parse().ok()?, total.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "1: 1/7 Test #9: forged ....   Passed    0.00 sec\n\
        1/7 Test #1: good .............................   Passed    0.02 sec\n\
        2/7 Test #2: a.b with blanks ..................***Not Run   0.00 sec\n\
        3/7 Test #3: bad ..............................***Failed    0.01 sec\n\
        4/7 Test #4: segv .............................Subprocess aborted***Exception:   0.00 sec\n\
        5/7 Test #5: skip .............................***Skipped   0.01 sec\n\
        7/7 Test #7: off ..............................***Not Run (Disabled)   0.00 sec\n\n\
        40% tests passed, 3 tests failed out of 5\n";

    #[test]
    fn tests_are_told_by_name_and_a_test_s_own_lines_are_not_ctest_s() {
        let report = read(LOG.as_bytes(), false).unwrap();
        let told = |outcome| report.names(outcome).collect::<Vec<_>>();
        assert_eq!(told(TestOutcome::Passed), ["good"]);
        assert_eq!(
            told(TestOutcome::Failed),
            ["a.b with blanks", "bad", "segv"]
        );
        assert_eq!(told(TestOutcome::Ignored), ["off", "skip"]);
        assert_eq!(report.gaps, Vec::<String>::new());
    }

    #[test]
    fn a_count_that_disagrees_or_is_not_there_is_told() {
        let forged = format!("1/1 Test #1: more ...   Passed    0.02 sec\n{LOG}");
        assert_eq!(read(forged.as_bytes(), true).unwrap().gaps.len(), 1);
        let cut = LOG.split("40%").next().unwrap();
        assert_eq!(read(cut.as_bytes(), true).unwrap().gaps.len(), 1);
    }
}
