//! Owns the list of tests that a reader of output fills: bounded, and a name that comes twice
//! is two tests.

use std::collections::{BTreeMap, BTreeSet};

use backstitch_model::tests::{TestOutcome, TestReport};

use super::libtest::CASES_MAX;

/// The longest name a test may have, in bytes.
const NAME_BYTES_MAX: usize = 1024;

/// The tests so far, and why they may not be the whole truth.
#[derive(Default)]
pub(super) struct Cases {
    cases: BTreeMap<String, TestOutcome>,
    /// How often each name came.
    ordinals: BTreeMap<String, usize>,
    gaps: BTreeSet<String>,
}

impl Cases {
    pub(super) fn record(&mut self, name: String, outcome: TestOutcome) {
        if self.cases.len() >= CASES_MAX {
            return self.gap(format!("there are more than {CASES_MAX} tests"));
        }
        if name.len() > NAME_BYTES_MAX {
            return self.gap("a test's name is too long to be told".to_owned());
        }
        let ordinal = self.ordinals.entry(name.clone()).or_insert(0);
        *ordinal += 1;
        let own = if *ordinal == 1 {
            name
        } else {
            format!("{name} #{ordinal}")
        };
        if self.cases.insert(own, outcome).is_some() {
            self.gap("two tests have one name".to_owned());
        }
    }

    pub(super) fn count(&self, wanted: TestOutcome) -> usize {
        let cases = self.cases.values();
        cases.filter(|outcome| **outcome == wanted).count()
    }

    pub(super) fn gap(&mut self, sentence: impl Into<String>) {
        self.gaps.insert(sentence.into());
    }

    pub(super) fn report(mut self, whole: bool, succeeded: bool) -> TestReport {
        if !whole {
            self.gap("the log was too long to read to its end");
        }
        TestReport {
            cases: self.cases,
            succeeded,
            gaps: self.gaps.into_iter().collect(),
        }
    }
}
