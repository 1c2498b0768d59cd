//! Owns reading what `go test -json` prints (<https://pkg.go.dev/cmd/test2json>), test by test.
//! Decides nothing. Lines that are no event are what builds say.

use std::collections::BTreeSet;
use std::io::{self, BufRead};

use backstitch_model::tests::{TestOutcome, TestReport};
use serde::Deserialize;

use super::cases::Cases;
use crate::workbench::lines;

/// How many packages are told apart.
const PACKAGES_MAX: usize = 100_000;

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Action")]
    action: String,
    #[serde(rename = "Package", default)]
    package: String,
    #[serde(rename = "Test", default)]
    test: Option<String>,
}

/// Reads the merged output.
pub(super) fn read(log: impl BufRead, succeeded: bool) -> io::Result<TestReport> {
    let mut reader = Reader::default();
    let whole = lines::for_each(log, |line| reader.line(line))?;
    for name in std::mem::take(&mut reader.running) {
        reader.cases.gap(format!("`{name}` began and did not end"));
    }
    Ok(reader.cases.report(whole, succeeded))
}

#[derive(Default)]
struct Reader {
    cases: Cases,
    /// Tests that began and did not end yet.
    running: BTreeSet<String>,
    /// Packages with a test that failed.
    failed: BTreeSet<String>,
}

impl Reader {
    fn line(&mut self, line: &str) {
        if !line.starts_with('{') {
            return;
        }
        let Ok(event) = serde_json::from_str::<Event>(line) else {
            return self.cases.gap("a line of the runner's could not be read");
        };
        let outcome = match event.action.as_str() {
            "pass" => TestOutcome::Passed,
            "fail" => TestOutcome::Failed,
            "skip" => TestOutcome::Ignored,
            "run" => return self.begin(&event),
            _ => return,
        };
        match &event.test {
            Some(test) => {
                let name = format!("{}::{test}", event.package);
                self.running.remove(&name);
                if outcome == TestOutcome::Failed && self.failed.len() < PACKAGES_MAX {
                    self.failed.insert(event.package.clone());
                }
                self.cases.record(name, outcome);
            }
            None if outcome == TestOutcome::Failed && !self.failed.contains(&event.package) => {
                let what = format!("`{}` failed, and none of its tests did", event.package);
                self.cases.gap(what);
            }
            None => {}
        }
    }

    fn begin(&mut self, event: &Event) {
        if let Some(test) = &event.test
            && self.running.len() < PACKAGES_MAX
        {
            self.running.insert(format!("{}::{test}", event.package));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "go: some words\n\
        {\"Action\":\"start\",\"Package\":\"a/b\"}\n\
        {\"Action\":\"run\",\"Package\":\"a/b\",\"Test\":\"TestOne\"}\n\
        {\"Action\":\"output\",\"Package\":\"a/b\",\"Test\":\"TestOne\",\"Output\":\"--- FAIL\\n\"}\n\
        {\"Action\":\"pass\",\"Package\":\"a/b\",\"Test\":\"TestOne\",\"Elapsed\":0}\n\
        {\"Action\":\"run\",\"Package\":\"a/b\",\"Test\":\"TestTwo/sub case\"}\n\
        {\"Action\":\"fail\",\"Package\":\"a/b\",\"Test\":\"TestTwo/sub case\"}\n\
        {\"Action\":\"skip\",\"Package\":\"a/b\",\"Test\":\"TestThree\"}\n\
        {\"Action\":\"fail\",\"Package\":\"a/b\"}\n\
        {\"Action\":\"skip\",\"Package\":\"a/none\"}\n";

    #[test]
    fn every_test_is_told_by_its_package_and_name() {
        let report = read(LOG.as_bytes(), false).unwrap();
        let told: Vec<_> = report
            .cases
            .iter()
            .map(|(name, it)| (name.as_str(), *it))
            .collect();
        assert_eq!(
            told,
            [
                ("a/b::TestOne", TestOutcome::Passed),
                ("a/b::TestThree", TestOutcome::Ignored),
                ("a/b::TestTwo/sub case", TestOutcome::Failed),
            ]
        );
        assert_eq!(report.gaps, Vec::<String>::new());
    }

    #[test]
    fn what_breaks_off_or_fails_without_a_test_is_a_gap() {
        let log = "# a/b\nx.go:1: undefined\n{\"Action\":\"fail\",\"Package\":\"a/b\"}\n\
            {\"Action\":\"run\",\"Package\":\"c\",\"Test\":\"TestX\"}\n{\"Action\":\n";
        let gaps = read(log.as_bytes(), false).unwrap().gaps.join("; ");
        for part in ["none of its tests", "did not end", "could not be read"] {
            assert!(gaps.contains(part), "{part}: {gaps}");
        }
    }
}
