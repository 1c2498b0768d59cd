//! Decides whether a changed tree passes the tests that the baseline passed. Strict: what is not
//! seen to pass does not pass, unless running it again shows that it is a matter of luck.

use backstitch_model::tests::{TestOutcome, TestReport};
use backstitch_model::{CheckRun, Outcome};

use super::Workbench;
use super::baseline::{AGAIN_MAX, Baseline};
use super::error::VerifyError;
use super::tested::{Tested, counts, listed};
use super::trial::Trial;

/// How often a failing test is run again on a tree.
const RUNS_AGAIN: usize = 3;

impl Workbench<'_> {
    /// Runs the tests of a changed tree and compares them with the baseline's.
    pub(super) fn regress(
        &self,
        baseline: &Baseline,
        trial: &Trial,
    ) -> Result<(CheckRun, TestReport), VerifyError> {
        let mut judge = Judge {
            workbench: self,
            baseline,
            trial,
            notes: Vec::new(),
            spent: Vec::new(),
        };
        let tested = self.test(trial, &baseline.commands.tests)?;
        let mut run = tested.check_run();
        let (outcome, report) = judge.judge(tested)?;
        run.outcome = outcome;
        run.elapsed += judge.spent.iter().sum();
        run.notes = judge.notes;
        run.notes.extend(report.gaps.iter().cloned());
        Ok((run, report))
    }
}

/// The names that are not among those.
fn without(names: &[String], those: &[String]) -> Vec<String> {
    let left = names.iter().filter(|name| !those.contains(name));
    left.cloned().collect()
}

struct Judge<'run> {
    workbench: &'run Workbench<'run>,
    baseline: &'run Baseline,
    trial: &'run Trial,
    notes: Vec<String>,
    spent: Vec<std::time::Duration>,
}

impl Judge<'_> {
    fn judge(&mut self, mut tested: Tested) -> Result<(Outcome, TestReport), VerifyError> {
        if !tested.stopped() && self.has_new_gap(&tested.report) {
            self.notes.push(
                "the first run of the tests could not be read whole; all were run again".into(),
            );
            tested = self
                .workbench
                .test(self.trial, &self.baseline.commands.tests)?;
            self.spent.push(tested.elapsed);
        }
        self.notes.push(counts(&tested.report));
        let outcome = match tested.limit() {
            Some(limit) => limit,
            None => self.compare(&tested)?,
        };
        Ok((outcome, tested.report))
    }

    fn compare(&mut self, tested: &Tested) -> Result<Outcome, VerifyError> {
        let before = &self.baseline.report;
        if before.cases.is_empty() {
            return self.compare_whole(tested);
        }
        let regressions = before.regressions(&tested.report);
        if !regressions.missing.is_empty() {
            let missing: Vec<&str> = regressions.missing.iter().map(String::as_str).collect();
            let (count, names) = (missing.len(), listed(&missing));
            return Ok(Outcome::Failed(format!(
                "{count} of the tests that passed before did not run to their end: {names}{}",
                reason(tested)?
            )));
        }
        let failed = self.without_flaky(&regressions.failed)?;
        if !failed.is_empty() {
            let names: Vec<&str> = failed.iter().map(String::as_str).collect();
            return Ok(Outcome::Failed(format!(
                "{} of the tests that passed before fail: {}",
                names.len(),
                listed(&names)
            )));
        }
        if self.has_new_gap(&tested.report) {
            let gaps = tested.report.gaps.join("; ");
            return Ok(Outcome::Failed(format!(
                "the tests do not tell the whole truth: {gaps}"
            )));
        }
        let unexplained = before.succeeded
            && !tested.report.succeeded
            && tested.report.count(TestOutcome::Failed) == 0;
        if unexplained {
            return Ok(Outcome::Failed(format!(
                "every test passes, yet the command fails: {}",
                tested.reason()?
            )));
        }
        Ok(Outcome::Passed)
    }

    fn has_new_gap(&self, after: &TestReport) -> bool {
        after
            .gaps
            .iter()
            .any(|gap| !self.baseline.report.gaps.contains(gap))
    }

    /// Leaves out the failures that running again shows to be luck. One that was seen to pass
    /// before must pass every time on the changed tree, or fail at times on the untouched one.
    fn without_flaky(&mut self, failed: &[String]) -> Result<Vec<String>, VerifyError> {
        if failed.is_empty() || failed.len() > AGAIN_MAX {
            return Ok(failed.to_vec());
        }
        let firm = self.not_passing_again(failed)?;
        self.note_flaky(
            "fails at times, passed every time it was run again",
            failed,
            &firm,
        );
        if firm.is_empty() {
            return Ok(firm);
        }
        let failing_there = self.failing_untouched(&firm)?;
        let regressed: Vec<String> = firm
            .iter()
            .filter(|name| !failing_there.contains(name))
            .cloned()
            .collect();
        self.note_flaky(
            "fails at times on the untouched project too",
            &firm,
            &regressed,
        );
        Ok(regressed)
    }

    /// A fresh trial of the untouched tree, which leaves the baseline's results as they are.
    fn untouched(&self) -> Result<Trial, VerifyError> {
        let baseline = &self.baseline.origin;
        let work = self.trial.work().join("untouched");
        self.workbench.trial(baseline.tree(), &work, Some(baseline))
    }

    /// The named tests that do not pass every time on the changed tree. One that failed once more
    /// need not be run again.
    fn not_passing_again(&mut self, names: &[String]) -> Result<Vec<String>, VerifyError> {
        let mut passing = names.to_vec();
        for _ in 0..RUNS_AGAIN {
            if passing.is_empty() {
                break;
            }
            let again = self.test_again(self.trial, &passing)?;
            passing.retain(|name| again.report.cases.get(name) == Some(&TestOutcome::Passed));
        }
        Ok(without(names, &passing))
    }

    /// The named tests that are seen to fail on the untouched tree. One that is not there, or
    /// that a limit kept from ending, says nothing. What passed there each time, for an earlier
    /// attempt, is not run once more.
    fn failing_untouched(&mut self, names: &[String]) -> Result<Vec<String>, VerifyError> {
        let asked = without(names, &self.baseline.steady());
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let untouched = self.untouched()?;
        let mut not_failing = asked.clone();
        let mut steady = asked.clone();
        for _ in 0..RUNS_AGAIN {
            if not_failing.is_empty() {
                break;
            }
            let again = self.test_again(&untouched, &not_failing)?;
            let outcome = |name: &String| again.report.cases.get(name).copied();
            steady.retain(|name| !again.stopped() && outcome(name) == Some(TestOutcome::Passed));
            if !again.stopped() {
                not_failing.retain(|name| outcome(name) != Some(TestOutcome::Failed));
            }
        }
        self.baseline.note_steady(steady);
        Ok(without(&asked, &not_failing))
    }

    fn test_again(&mut self, trial: &Trial, names: &[String]) -> Result<Tested, VerifyError> {
        let commands = &self.baseline.commands.tests;
        let again = self.workbench.test_again(trial, commands, names)?;
        self.spent.push(again.elapsed);
        Ok(again)
    }

    fn note_flaky(&mut self, how: &str, names: &[String], but: &[String]) {
        let flaky: Vec<&str> = names
            .iter()
            .filter(|name| !but.contains(name))
            .map(String::as_str)
            .collect();
        if !flaky.is_empty() {
            self.notes
                .push(format!("flaky ({how}): {}", listed(&flaky)));
        }
    }

    /// Compares runs of a command that names no tests.
    fn compare_whole(&mut self, tested: &Tested) -> Result<Outcome, VerifyError> {
        self.notes = vec!["the test command names no tests: whole suite only".into()];
        if tested.report.succeeded && self.has_new_gap(&tested.report) {
            let gaps = tested.report.gaps.join("; ");
            return Ok(Outcome::Failed(format!(
                "the test command tested something before: {gaps}"
            )));
        }
        if tested.report.succeeded {
            return Ok(Outcome::Passed);
        }
        let reason = tested.reason()?;
        let passed = self.passes_again(self.trial)?;
        if passed == RUNS_AGAIN {
            self.notes
                .push("flaky: the test command failed once and passed every time after".into());
            return Ok(Outcome::Passed);
        }
        // What never passes on the changed tree is broken, whatever luck has to do with the other.
        if passed > 0 {
            let untouched = self.untouched()?;
            if self.any_whole(&untouched, Tested::failed_by_itself)? {
                self.notes.push(
                    "flaky: the test command fails at times on the untouched project too".into(),
                );
                return Ok(Outcome::Passed);
            }
        }
        Ok(Outcome::Failed(format!(
            "the test command passed before and fails: {reason}"
        )))
    }

    /// Runs all tests some times; tells how often the command succeeds.
    fn passes_again(&mut self, trial: &Trial) -> Result<usize, VerifyError> {
        let mut passed = 0;
        for _ in 0..RUNS_AGAIN {
            let again = self.workbench.test(trial, &self.baseline.commands.tests)?;
            self.spent.push(again.elapsed);
            passed += usize::from(again.report.succeeded);
        }
        Ok(passed)
    }

    /// Runs all tests some times; tells whether one run is of a kind.
    fn any_whole(
        &mut self,
        trial: &Trial,
        is: impl Fn(&Tested) -> bool,
    ) -> Result<bool, VerifyError> {
        for _ in 0..RUNS_AGAIN {
            let again = self.workbench.test(trial, &self.baseline.commands.tests)?;
            self.spent.push(again.elapsed);
            if is(&again) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn reason(tested: &Tested) -> Result<String, VerifyError> {
    if tested.report.succeeded {
        Ok(String::new())
    } else {
        Ok(format!(" ({})", tested.reason()?))
    }
}
