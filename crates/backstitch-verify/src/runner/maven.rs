//! Owns reading what Maven's Surefire prints with `reportFormat=plain` and `useFile=false`, test
//! by test. Decides nothing. What was seen must agree with the count of each class.

use std::io::{self, BufRead};

use backstitch_model::tests::{TestOutcome, TestReport};

use super::cases::Cases;
use crate::workbench::lines;

/// Reads the merged output.
pub(super) fn read(log: impl BufRead, succeeded: bool) -> io::Result<TestReport> {
    let mut reader = Reader::default();
    let whole = lines::for_each(log, |line| reader.line(line))?;
    if reader.told != reader.seen {
        reader
            .cases
            .gap("what the tests printed disagrees with the counts of their classes");
    }
    Ok(reader.cases.report(whole, succeeded))
}

#[derive(Default)]
struct Reader {
    cases: Cases,
    /// Are the tests of a class being told?
    in_class: bool,
    /// How many tests the classes say that they ran.
    told: u64,
    /// How many were told one by one.
    seen: u64,
}

impl Reader {
    fn line(&mut self, line: &str) {
        let said = without_level(line);
        if said.starts_with("Running ") {
            self.in_class = true;
        } else if said.starts_with("Results") {
            self.in_class = false;
        } else if let Some(counts) = said.strip_prefix("Tests run: ") {
            if counts.contains("Time elapsed: ") {
                let count = counts
                    .split(',')
                    .next()
                    .and_then(|it| it.parse::<u64>().ok());
                self.told = self.told.saturating_add(count.unwrap_or(0));
            }
        } else if self.in_class
            && let Some((name, outcome)) = test(said)
        {
            self.seen += 1;
            self.cases.record(name.to_owned(), outcome);
        }
    }
}

/// `[INFO] `, `[ERROR] ` and the like say how a line is shown.
fn without_level(line: &str) -> &str {
    let inside = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "));
    match inside {
        Some((level, rest)) if ["INFO", "WARNING", "ERROR"].contains(&level) => rest,
        Some(_) | None => line,
    }
}

/// `name(class)  Time elapsed: 0.1 s  <<< FAILURE!`, with ` -- ` between from Surefire 3 on, or
/// `name(class) skipped`.
fn test(said: &str) -> Option<(&str, TestOutcome)> {
    if let Some(name) = said.strip_suffix(" skipped") {
        return (!name.contains(' ')).then_some((name, TestOutcome::Ignored));
    }
    let (name, rest) = said.split_once(" Time elapsed: ")?;
    let name = name.trim_end();
    let name = name.strip_suffix(" --").unwrap_or(name).trim_end();
    let outcome = if rest.contains("<<< FAILURE!") || rest.contains("<<< ERROR!") {
        TestOutcome::Failed
    } else if rest.contains("skipped") {
        TestOutcome::Ignored
    } else {
        TestOutcome::Passed
    };
    (!name.is_empty()).then_some((name, outcome))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "[INFO]  T E S T S\n[INFO] Running app.AppTest\nsome words\n\
        [ERROR] Tests run: 4, Failures: 1, Errors: 0, Skipped: 1, Time elapsed: 0.5 s <<< FAILURE! - in app.AppTest\n\
        [ERROR] fails(app.AppTest)  Time elapsed: 0.04 s  <<< FAILURE!\njava.lang.AssertionError: no\n\
        [ERROR] other(app.AppTest)  Time elapsed: 0 s\n\
        [INFO] app.AppTest.three -- Time elapsed: 0 s\n\
        [ERROR] skipped(app.AppTest) skipped\n\
        [INFO] Results:\n[ERROR] Tests run: 4, Failures: 1, Errors: 0, Skipped: 1\n";

    #[test]
    fn tests_of_either_release_line_of_surefire_are_told() {
        let report = read(LOG.as_bytes(), false).unwrap();
        let told: Vec<_> = report
            .cases
            .iter()
            .map(|(name, it)| (name.as_str(), *it))
            .collect();
        assert_eq!(
            told,
            [
                ("app.AppTest.three", TestOutcome::Passed),
                ("fails(app.AppTest)", TestOutcome::Failed),
                ("other(app.AppTest)", TestOutcome::Passed),
                ("skipped(app.AppTest)", TestOutcome::Ignored),
            ]
        );
        assert_eq!(report.gaps, Vec::<String>::new());
        let less = LOG.replace("other(app.AppTest)  Time", "nothing");
        assert_eq!(read(less.as_bytes(), false).unwrap().gaps.len(), 1);
    }
}
