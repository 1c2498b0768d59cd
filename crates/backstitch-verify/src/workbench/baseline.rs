//! Builds and tests one tree: the untouched one first, then changed ones upon its results. Tells
//! what happened; comparing is [`regress`](super::regress)'s.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use backstitch_model::tests::{TestOutcome, TestReport};
use backstitch_model::{Check, CheckRun, Outcome};

use super::Workbench;
use super::commands::{Commands, TestCommand};
use super::error::VerifyError;
use super::session::Tree;
use super::stamps;
use super::tested::{Tested, outcome_of};
use super::trial::Trial;

/// The most failing tests that are run again to find out which are flaky.
pub(super) const AGAIN_MAX: usize = 50;

/// The untouched tree, built and perhaps tested.
#[derive(Debug)]
pub struct Baseline {
    /// Does it build?
    pub build: CheckRun,
    /// Do its tests pass? Not run before [`Workbench::test_baseline`].
    pub regress: CheckRun,
    /// Its tests, one by one.
    pub report: TestReport,
    /// The untouched tree's.
    pub(super) origin: Trial,
    /// What attempts build upon: the untouched tree's, or the last kept attempt's.
    pub(super) trial: Trial,
    pub(super) commands: Commands,
    /// Tests that passed on the untouched tree each time that they were run again there.
    steady: Mutex<Vec<String>>,
}

/// A baseline without its directories, to be written down and [restored](Workbench::restore).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedBaseline {
    /// See [`Baseline::build`].
    pub build: CheckRun,
    /// See [`Baseline::regress`].
    pub regress: CheckRun,
    /// See [`Baseline::report`].
    pub report: TestReport,
    /// The commands that the project is built and tested with, as JSON.
    pub commands: String,
}

/// A changed tree with a place for what building and testing it writes.
#[derive(Debug)]
pub struct Attempt {
    pub(super) trial: Trial,
}

/// What an attempt builds upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The baseline's build results: quick.
    Warm,
    /// Nothing: what the baseline's build scripts left cannot matter.
    Clean,
}

impl Workbench<'_> {
    /// Builds the untouched tree, whose packages must have been [fetched](Workbench::fetch). `work`
    /// takes everything that is written and must stay as long as the baseline is used; it is
    /// removed with [`Sandbox::discard`](crate::sandbox::Sandbox::discard).
    pub fn baseline(&self, tree: &Tree, work: &Path) -> Result<Baseline, VerifyError> {
        let trial = self.trial(tree, work, None)?;
        let mut commands = self.manager.commands(tree);
        let mut build = self.build(&trial, &commands)?;
        if let (Outcome::Failed(why), Some(alone)) =
            (&build.outcome, self.manager.narrower(&commands))
        {
            let note = format!("the project does not build whole, so less of it is judged: {why}");
            build = self.build(&trial, &alone)?;
            build.notes.push(note);
            commands = alone;
        }
        build.notes.extend(self.manager.notes(tree));
        build.notes.push(self.manager.about(Some(tree)));
        let (regress, report) = not_tested(match &build.outcome {
            Outcome::Passed => "the tests have not been run yet",
            Outcome::Failed(_) | Outcome::Differs(_) | Outcome::TimedOut | Outcome::NotRun(_) => {
                "the project does not build"
            }
        });
        Ok(Baseline {
            build,
            regress,
            report,
            origin: trial.clone(),
            trial,
            commands,
            steady: Mutex::default(),
        })
    }

    /// Tests the untouched tree, which must build.
    pub fn test_baseline(&self, baseline: &mut Baseline) -> Result<(), VerifyError> {
        let (regress, report) = self.test_untouched(&baseline.origin, &mut baseline.commands)?;
        baseline.regress = regress;
        baseline.report = report;
        Ok(())
    }

    /// Makes a baseline of what was written down of it and of its directories, which must be as
    /// they were.
    pub fn restore(
        &self,
        saved: SavedBaseline,
        tree: &Tree,
        work: &Path,
    ) -> Result<Baseline, VerifyError> {
        let trial = self.trial(tree, work, None)?;
        let commands = serde_json::from_str(&saved.commands).map_err(|error| {
            VerifyError::Restore(format!("the commands are not what was written: {error}"))
        })?;
        let SavedBaseline {
            build,
            regress,
            report,
            commands: _,
        } = saved;
        Ok(Baseline {
            build,
            regress,
            report,
            origin: trial.clone(),
            trial,
            commands,
            steady: Mutex::default(),
        })
    }

    /// Gets a changed tree ready to be built and tested upon a baseline. `work` is as for
    /// [`Workbench::baseline`], and must be another directory.
    pub fn attempt(
        &self,
        baseline: &Baseline,
        tree: &Tree,
        start: Start,
        work: &Path,
    ) -> Result<Attempt, VerifyError> {
        let upon = match start {
            // The change may be older than what was built, and some builds go by times.
            Start::Warm => Some(&baseline.trial)
                .filter(|upon| stamps::renew(&upon.tree().root, &tree.root).unwrap_or(false)),
            Start::Clean => None,
        };
        let trial = self.trial(tree, work, upon)?;
        Ok(Attempt { trial })
    }

    /// Builds a changed tree as the baseline was built.
    pub fn build_attempt(
        &self,
        baseline: &Baseline,
        attempt: &Attempt,
    ) -> Result<CheckRun, VerifyError> {
        self.build(&attempt.trial, &baseline.commands)
    }

    /// Tests a changed tree, which must build, and compares it with the baseline. Answers the
    /// check and the tests, one by one, as the first run found them.
    pub fn test_attempt(
        &self,
        baseline: &Baseline,
        attempt: &Attempt,
    ) -> Result<(CheckRun, TestReport), VerifyError> {
        if baseline.regress.outcome == Outcome::Passed {
            self.regress(baseline, &attempt.trial)
        } else {
            Ok(not_tested(
                "the untouched project gave nothing to compare with",
            ))
        }
    }

    /// The directories of a tree that is built, perhaps upon what another left.
    pub(super) fn trial(
        &self,
        tree: &Tree,
        work: &Path,
        upon: Option<&Trial>,
    ) -> Result<Trial, VerifyError> {
        let layers = self.manager.layers(tree, work, upon);
        let beneath = self.manager.beneath(tree, upon)?;
        Trial::prepare_upon(self.session(), tree.clone(), work, layers, beneath)
    }

    fn build(&self, trial: &Trial, commands: &Commands) -> Result<CheckRun, VerifyError> {
        let ended = self.run(trial, &commands.build, "build")?;
        Ok(CheckRun {
            check: Check::Build,
            outcome: outcome_of(&ended)?,
            elapsed: ended.ran.elapsed,
            notes: Vec::new(),
            log: Some(ended.log.display().to_string()),
        })
    }

    fn test_untouched(
        &self,
        trial: &Trial,
        commands: &mut Commands,
    ) -> Result<(CheckRun, TestReport), VerifyError> {
        let mut notes = Vec::new();
        let mut tested = self.test(trial, &commands.tests)?;
        if let Some(alone) = self
            .manager
            .narrower(commands)
            .filter(|_| tested.found_nothing())
        {
            notes.push(
                "the tests of the whole do not run, so only those of less of it count".into(),
            );
            tested = self.test(trial, &alone.tests)?;
            *commands = alone;
        }
        let mut run = tested.check_run();
        run.outcome = tested.baseline_outcome(&commands.tests)?;
        let (flaky, elapsed) = self.flaky_failures(trial, &commands.tests, &tested)?;
        run.elapsed += elapsed;
        run.notes = notes;
        run.notes.extend(tested.baseline_notes(&flaky));
        Ok((run, tested.report))
    }

    /// The failing tests that pass when they are run once more.
    fn flaky_failures(
        &self,
        trial: &Trial,
        commands: &[TestCommand],
        tested: &Tested,
    ) -> Result<(Vec<String>, Duration), VerifyError> {
        let failed: Vec<String> = tested
            .report
            .names(TestOutcome::Failed)
            .map(str::to_owned)
            .collect();
        if failed.is_empty() || failed.len() > AGAIN_MAX || tested.stopped() {
            return Ok((Vec::new(), Duration::ZERO));
        }
        let again = self.test_again(trial, commands, &failed)?;
        let passes = |name: &String| again.report.cases.get(name) == Some(&TestOutcome::Passed);
        Ok((failed.into_iter().filter(passes).collect(), again.elapsed))
    }
}

fn not_tested(why: &str) -> (CheckRun, TestReport) {
    (
        CheckRun::instant(Check::Regress, Outcome::NotRun(why.into())),
        TestReport::default(),
    )
}

impl Baseline {
    /// The commands that build and test the project, in words.
    pub fn commands(&self) -> String {
        let words = |argv: &[String]| format!("`{}`", argv.join(" "));
        let tests = self.commands.tests.iter().map(|test| words(&test.argv));
        let all: Vec<String> = std::iter::once(words(&self.commands.build))
            .chain(tests)
            .collect();
        all.join(", ")
    }

    pub(super) fn steady(&self) -> Vec<String> {
        let steady = self.steady.lock();
        steady.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn note_steady(&self, names: Vec<String>) {
        let steady = self.steady.lock();
        steady.unwrap_or_else(PoisonError::into_inner).extend(names);
    }

    /// What is to be written down of it.
    pub fn save(&self) -> Result<SavedBaseline, VerifyError> {
        Ok(SavedBaseline {
            build: self.build.clone(),
            regress: self.regress.clone(),
            report: self.report.clone(),
            commands: serde_json::to_string(&self.commands)
                .map_err(|error| VerifyError::Restore(error.to_string()))?,
        })
    }

    /// Makes an attempt's tree what later attempts build upon. They are still compared with the
    /// tests of the untouched tree, which are run again there. The directories of both must stay.
    #[must_use]
    pub fn upon(self, attempt: Attempt) -> Self {
        Self {
            trial: attempt.trial,
            ..self
        }
    }
}
