//! Owns reading what `meson test` prints, test by test. Decides nothing. What was seen must agree
//! with the counts at the end.

use std::io::{self, BufRead};

use backstitch_model::tests::{TestOutcome, TestReport};

use super::cases::Cases;
use crate::workbench::lines;

/// Words that tell how a test ended, and how its line in the counts begins.
const WORDS: [(&str, &str, TestOutcome); 8] = [
    ("OK", "Ok:", TestOutcome::Passed),
    ("EXPECTEDFAIL", "Expected Fail:", TestOutcome::Passed),
    ("FAIL", "Fail:", TestOutcome::Failed),
    ("ERROR", "Error:", TestOutcome::Failed),
    ("UNEXPECTEDPASS", "Unexpected Pass:", TestOutcome::Failed),
    ("SKIP", "Skipped:", TestOutcome::Ignored),
    ("TIMEOUT", "Timeout:", TestOutcome::Failed),
    ("INTERRUPT", "Interrupted:", TestOutcome::Failed),
];

/// Reads the merged output.
pub(super) fn read(log: impl BufRead, succeeded: bool) -> io::Result<TestReport> {
    let mut cases = Cases::default();
    let mut counted: Option<usize> = None;
    let (mut seen, mut again) = (0_usize, false);
    let whole = lines::for_each(log, |line| {
        if line.starts_with("Summary of Failures:") {
            again = true;
        } else if let Some(count) = count(line) {
            counted = Some(counted.unwrap_or(0) + count);
        } else if let Some((name, outcome)) = result(line).filter(|_| !again) {
            seen += 1;
            cases.record(name.to_owned(), outcome);
        }
    })?;
    match counted {
        None if seen > 0 => cases.gap("the tests ended before their summary"),
        Some(counted) if counted != seen => {
            cases.gap("what the tests printed disagrees with their summary");
        }
        None | Some(_) => {}
    }
    Ok(cases.report(whole, succeeded))
}

/// Is it a line of meson's that gives a result?
pub(super) fn is_result(line: &str) -> bool {
    result(line).is_some()
}

/// ` 2/6 project:suite / a name   OK   0.05s`, with why it failed at times.
fn result(line: &str) -> Option<(&str, TestOutcome)> {
    let line = line.trim_start();
    let (place, rest) = line.split_once(' ')?;
    let (number, of) = place.split_once('/')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(number) || !is_number(of) {
        return None;
    }
    WORDS.iter().find_map(|(word, _, outcome)| {
        let mut places = rest.match_indices(word);
        places.find_map(|(at, _)| {
            let (name, after) = (&rest[..at], &rest[at + word.len()..]);
            let time = after.split_whitespace().next()?.strip_suffix('s')?;
            let stands_alone = name.ends_with(' ') && after.starts_with(' ');
            time.parse::<f64>().ok().filter(|_| stands_alone)?;
            Some((name.trim(), *outcome)).filter(|(name, _)| !name.is_empty())
        })
    })
}

/// `Expected Fail:      1   `.
fn count(line: &str) -> Option<usize> {
    WORDS.iter().find_map(|(_, begin, _)| {
        let rest = line.strip_prefix(begin)?;
        rest.trim().parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "ninja: Entering directory `/b'\n\
        1/6 x / good          OK              0.05s\n\
        2/6 x:su / with space OK              0.05s\n\
        3/6 x / bad           FAIL            0.05s   exit status 1\n\
        4/6 x / slow          TIMEOUT        30.04s   killed by signal 15 SIGTERM\n\
        5/6 x / skip          SKIP            0.03s   exit status 77\n\
        6/6 x / xf            EXPECTEDFAIL    0.02s   exit status 1\n\n\
        Summary of Failures:\n\n\
        3/6 x / bad           FAIL            0.05s   exit status 1\n\n\
        Ok:                 2   \nExpected Fail:      1   \nFail:               1   \n\
        Unexpected Pass:    0   \nSkipped:            1   \nTimeout:            1   \n";

    #[test]
    fn tests_are_told_by_suite_and_name() {
        let report = read(LOG.as_bytes(), false).unwrap();
        let told = |outcome| report.names(outcome).collect::<Vec<_>>();
        assert_eq!(
            told(TestOutcome::Passed),
            ["x / good", "x / xf", "x:su / with space"]
        );
        assert_eq!(told(TestOutcome::Failed), ["x / bad", "x / slow"]);
        assert_eq!(told(TestOutcome::Ignored), ["x / skip"]);
        assert_eq!(report.gaps, Vec::<String>::new());
    }

    #[test]
    fn a_count_that_disagrees_or_is_not_there_is_told() {
        let forged = format!("1/1 x / more OK 0.1s\n{LOG}");
        assert_eq!(read(forged.as_bytes(), true).unwrap().gaps.len(), 1);
        let cut = LOG.split("Summary").next().unwrap();
        assert_eq!(read(cut.as_bytes(), true).unwrap().gaps.len(), 1);
    }
}
