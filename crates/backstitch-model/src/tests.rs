//! What a test run told, test by test, and what changed between two runs.

use std::collections::BTreeMap;

/// One run of a project's tests.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TestReport {
    /// Each test by its full name (`target::module::test`), with how it ended.
    pub cases: BTreeMap<String, TestOutcome>,
    /// Did the whole command end with success?
    pub succeeded: bool,
    /// Why the cases may not be the whole truth: a crash, a count that disagrees with
    /// the runner's own, a runner that names no cases. Empty when they are.
    pub gaps: Vec<String>,
}

/// How one test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TestOutcome {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// The project itself says not to run it.
    Ignored,
}

/// What changed from one run to a later one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Regressions {
    /// Passed before and failed after.
    pub failed: Vec<String>,
    /// Passed before and were not seen after.
    pub missing: Vec<String>,
}

impl TestReport {
    /// How many tests ended so.
    pub fn count(&self, outcome: TestOutcome) -> usize {
        self.cases.values().filter(|&&case| case == outcome).count()
    }

    /// The tests that ended so.
    pub fn names(&self, outcome: TestOutcome) -> impl Iterator<Item = &str> {
        self.cases
            .iter()
            .filter(move |(_, case)| **case == outcome)
            .map(|(name, _)| name.as_str())
    }

    /// What passed here and no longer passes in `after`. A test that is now ignored is missing.
    pub fn regressions(&self, after: &Self) -> Regressions {
        let mut regressions = Regressions::default();
        for name in self.names(TestOutcome::Passed) {
            match after.cases.get(name) {
                Some(TestOutcome::Passed) => {}
                Some(TestOutcome::Failed) => regressions.failed.push(name.to_owned()),
                Some(TestOutcome::Ignored) | None => regressions.missing.push(name.to_owned()),
            }
        }
        regressions
    }
}

impl Regressions {
    /// Did nothing get worse?
    pub fn is_empty(&self) -> bool {
        self.failed.is_empty() && self.missing.is_empty()
    }
}

#[cfg(test)]
mod examples {
    use super::*;

    fn report(cases: &[(&str, TestOutcome)]) -> TestReport {
        TestReport {
            cases: cases
                .iter()
                .map(|(name, case)| ((*name).to_owned(), *case))
                .collect(),
            ..TestReport::default()
        }
    }

    #[test]
    fn a_test_that_vanishes_or_is_ignored_is_a_regression_like_one_that_fails() {
        use TestOutcome::{Failed, Ignored, Passed};
        let before = report(&[("a", Passed), ("b", Passed), ("c", Passed), ("d", Failed)]);
        let after = report(&[("a", Failed), ("b", Ignored), ("d", Failed), ("e", Failed)]);
        let regressions = before.regressions(&after);
        assert_eq!(regressions.failed, ["a"]);
        assert_eq!(regressions.missing, ["b", "c"]);
        assert!(before.regressions(&before).is_empty());
    }
}
