//! Owns reading the lines in which automake's `make check`, and many a script after its manner,
//! tells how each test ended. Decides nothing. Where there are counts, what was seen must agree with
//! them.

use std::io::{self, BufRead};

use backstitch_model::tests::{TestOutcome, TestReport};

use super::cases::Cases;
use crate::workbench::lines;

const WORDS: [(&str, TestOutcome); 6] = [
    ("PASS", TestOutcome::Passed),
    ("XFAIL", TestOutcome::Passed),
    ("FAIL", TestOutcome::Failed),
    ("XPASS", TestOutcome::Failed),
    ("ERROR", TestOutcome::Failed),
    ("SKIP", TestOutcome::Ignored),
];

/// Reads the merged output.
pub(super) fn read(log: impl BufRead, succeeded: bool) -> io::Result<TestReport> {
    let mut cases = Cases::default();
    let mut total: Option<usize> = None;
    let mut seen = 0_usize;
    let whole = lines::for_each(log, |line| {
        if let Some((name, outcome)) = result(line) {
            seen += 1;
            cases.record(name.to_owned(), outcome);
        } else if let Some(count) = count(line) {
            // Every folder that has tests prints its own.
            total = Some(total.unwrap_or(0) + count);
        }
    })?;
    if total.is_some_and(|total| total != seen) {
        cases.gap("what the tests printed disagrees with their summary");
    }
    Ok(cases.report(whole, succeeded))
}

/// Is it a line that gives a result?
pub(super) fn is_result(line: &str) -> bool {
    result(line).is_some()
}

/// `PASS: name`; behind the name there may be the log that says more.
fn result(line: &str) -> Option<(&str, TestOutcome)> {
    let (word, name) = line.split_once(": ")?;
    let (_, outcome) = WORDS.iter().find(|(known, _)| *known == word)?;
    let name = name.trim();
    (!name.is_empty()).then_some((name, *outcome))
}

/// `# TOTAL: 3`.
fn count(line: &str) -> Option<usize> {
    line.strip_prefix("# TOTAL:")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "make  check-TESTS\nPASS: a\nFAIL: b\nSKIP: c\nXFAIL: d\nERROR: e.tap 2 - f\n\
        =====\n# TOTAL: 5\n# PASS:  1\n# SKIP:  1\n";

    #[test]
    fn every_kind_of_end_is_told() {
        let report = read(LOG.as_bytes(), false).unwrap();
        let told = |outcome| report.names(outcome).collect::<Vec<_>>();
        assert_eq!(told(TestOutcome::Passed), ["a", "d"]);
        assert_eq!(told(TestOutcome::Failed), ["b", "e.tap 2 - f"]);
        assert_eq!(told(TestOutcome::Ignored), ["c"]);
        assert_eq!(report.gaps, Vec::<String>::new());
    }

    #[test]
    fn a_count_that_disagrees_is_told() {
        let forged = format!("PASS: more\n{LOG}");
        assert_eq!(read(forged.as_bytes(), true).unwrap().gaps.len(), 1);
    }
}
