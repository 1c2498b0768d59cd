//! Builds and tests one tree: the untouched one first, then changed ones upon its results. Tells
//! what happened; comparing is [`regress`](super::regress)'s.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::Duration;

use backstitch_model::tests::{TestOutcome, TestReport};
use backstitch_model::{Check, CheckRun, Outcome};

use super::commands::{Plan, Runner, exactly, exactly_with_nextest, is_cargo_test};
use super::error::{CargoError, Doing};
use super::lines::error_text;
use super::session::{Cargo, Ended, Tree};
use super::trial::Trial;
use super::{libtest, nextest};
use crate::sandbox::{Exit, Ran};

/// The most of an error shown as the reason, in characters.
const REASON_CHARS_MAX: usize = 600;
/// The most failing tests that are run again to find out which are flaky.
pub(super) const AGAIN_MAX: usize = 50;

/// The untouched tree, built and perhaps tested.
#[derive(Debug)]
pub struct Baseline {
    /// Does it build?
    pub build: CheckRun,
    /// Do its tests pass? Not run before [`Cargo::test_baseline`].
    pub regress: CheckRun,
    /// Its tests, one by one.
    pub report: TestReport,
    pub(super) trial: Trial,
    pub(super) plan: Plan,
}

/// A baseline without its directories, to be written down and [restored](Cargo::restore).
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

impl Cargo {
    /// Builds the untouched tree, whose packages must have been [fetched](Cargo::fetch). `work`
    /// takes everything that is written and must stay as long as the baseline is used; it is
    /// removed with [`Sandbox::discard`](crate::sandbox::Sandbox::discard).
    pub fn baseline(&self, tree: &Tree, work: &Path) -> Result<Baseline, CargoError> {
        let trial = Trial::prepare(self, tree.clone(), work, Vec::new())?;
        let mut plan = Plan::new(tree, self.policy(), self.toolchain().nextest.is_some());
        let mut build = self.build(&trial, &plan)?;
        if let (Outcome::Failed(why), Some(alone)) =
            (&build.outcome, plan.for_root_alone(self.policy()))
        {
            let note = format!(
                "the workspace does not build whole, so only its default members are judged: {why}"
            );
            build = self.build(&trial, &alone)?;
            build.notes.push(note);
            plan = alone;
        }
        let asked = self.toolchain().note(&tree.root, tree.workspace().as_ref());
        build.notes.extend(asked);
        build.notes.push(self.toolchain().version.clone());
        let (regress, report) = not_tested(match &build.outcome {
            Outcome::Passed => "the tests have not been run yet",
            Outcome::Failed(_) | Outcome::TimedOut | Outcome::NotRun(_) => {
                "the project does not build"
            }
        });
        Ok(Baseline {
            build,
            regress,
            report,
            trial,
            plan,
        })
    }

    /// Tests the untouched tree, which must build.
    pub fn test_baseline(&self, baseline: &mut Baseline) -> Result<(), CargoError> {
        let (regress, report) = self.test_untouched(&baseline.trial, &mut baseline.plan)?;
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
    ) -> Result<Baseline, CargoError> {
        let trial = Trial::prepare(self, tree.clone(), work, Vec::new())?;
        let plan = serde_json::from_str(&saved.commands).map_err(|error| {
            CargoError::Restore(format!("the commands are not what was written: {error}"))
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
            trial,
            plan,
        })
    }

    /// Gets a changed tree ready to be built and tested upon a baseline. `work` is as for
    /// [`Cargo::baseline`], and must be another directory.
    pub fn attempt(
        &self,
        baseline: &Baseline,
        tree: &Tree,
        start: Start,
        work: &Path,
    ) -> Result<Attempt, CargoError> {
        let below = match start {
            Start::Warm => baseline.trial.results(),
            Start::Clean => Vec::new(),
        };
        let trial = Trial::prepare(self, tree.clone(), work, below)?;
        Ok(Attempt { trial })
    }

    /// Builds a changed tree as the baseline was built.
    pub fn build_attempt(
        &self,
        baseline: &Baseline,
        attempt: &Attempt,
    ) -> Result<CheckRun, CargoError> {
        self.build(&attempt.trial, &baseline.plan)
    }

    /// Tests a changed tree, which must build, and compares it with the baseline. Answers the
    /// check and the tests, one by one, as the first run found them.
    pub fn test_attempt(
        &self,
        baseline: &Baseline,
        attempt: &Attempt,
    ) -> Result<(CheckRun, TestReport), CargoError> {
        if baseline.regress.outcome == Outcome::Passed {
            self.regress(baseline, &attempt.trial)
        } else {
            Ok(not_tested("the untouched project gave nothing to compare with"))
        }
    }

    pub(super) fn build(&self, trial: &Trial, plan: &Plan) -> Result<CheckRun, CargoError> {
        let ended = self.run_project(trial, &plan.build, "build")?;
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
        plan: &mut Plan,
    ) -> Result<(CheckRun, TestReport), CargoError> {
        let mut notes = Vec::new();
        let mut tested = self.test(trial, &plan.test)?;
        if let Some(alone) = plan
            .for_root_alone(self.policy())
            .filter(|_| tested.found_nothing())
        {
            notes.push(
                "the tests of the whole workspace do not build, so only its default members' count"
                    .into(),
            );
            tested = self.test(trial, &alone.test)?;
            *plan = alone;
        }
        let mut run = tested.check_run();
        run.outcome = tested.baseline_outcome(&plan.test)?;
        let (flaky, elapsed) = self.flaky_failures(trial, &plan.test, &tested)?;
        run.elapsed += elapsed;
        run.notes = notes;
        run.notes.extend(tested.baseline_notes(&flaky));
        Ok((run, tested.report))
    }

    /// The failing tests that pass when they are run once more.
    fn flaky_failures(
        &self,
        trial: &Trial,
        runner: &Runner,
        tested: &Tested,
    ) -> Result<(Vec<String>, Duration), CargoError> {
        let failed: Vec<String> = tested
            .report
            .names(TestOutcome::Failed)
            .map(str::to_owned)
            .collect();
        if failed.is_empty() || failed.len() > AGAIN_MAX || tested.stopped() {
            return Ok((Vec::new(), Duration::ZERO));
        }
        let again = self.test_again(trial, runner, &failed)?;
        let passes = |name: &String| again.report.cases.get(name) == Some(&TestOutcome::Passed);
        Ok((failed.into_iter().filter(passes).collect(), again.elapsed))
    }

    /// Runs all tests.
    pub(super) fn test(&self, trial: &Trial, runner: &Runner) -> Result<Tested, CargoError> {
        match runner {
            Runner::Cargo(command) | Runner::Own(command) => {
                self.test_with(trial, command, libtest::read)
            }
            Runner::Nextest(run, documentation) => {
                let tested = self.test_with(trial, run, nextest::read)?;
                if tested.stopped() {
                    return Ok(tested);
                }
                let documentation = self.test_documentation(trial, documentation)?;
                Ok(tested.and(documentation))
            }
        }
    }

    /// Runs the named tests again, and perhaps others where the runner cannot pick.
    pub(super) fn test_again(
        &self,
        trial: &Trial,
        runner: &Runner,
        names: &[String],
    ) -> Result<Tested, CargoError> {
        match runner {
            Runner::Own(command) if !is_cargo_test(command) => self.test(trial, runner),
            Runner::Cargo(command) | Runner::Own(command) => match pick(names) {
                Some(picked) => self.test_with(trial, &exactly(command, &picked), libtest::read),
                None => self.test(trial, runner),
            },
            Runner::Nextest(run, _) => {
                // Only nextest's own names hold a blank without a line number.
                let picked: Option<Vec<&str>> = names
                    .iter()
                    .map(|name| Some(name.split_once(' ').filter(|_| !name.contains("(doc)"))?.1))
                    .collect();
                match picked {
                    Some(picked) => {
                        self.test_with(trial, &exactly_with_nextest(run, &picked), nextest::read)
                    }
                    None => self.test(trial, runner),
                }
            }
        }
    }

    fn test_with(
        &self,
        trial: &Trial,
        command: &[String],
        read: impl FnOnce(BufReader<File>, bool) -> std::io::Result<TestReport>,
    ) -> Result<Tested, CargoError> {
        let ended = self.run_project(trial, command, "test")?;
        let log = File::open(&ended.log).doing("read log", &ended.log)?;
        let report =
            read(BufReader::new(log), ended.ran.exit.succeeded()).doing("read log", &ended.log)?;
        Ok(Tested {
            report,
            elapsed: ended.ran.elapsed,
            ran: ended.ran,
            logs: vec![ended.log],
        })
    }

    /// A package without a library has no such tests, which cargo calls an error.
    fn test_documentation(&self, trial: &Trial, command: &[String]) -> Result<Tested, CargoError> {
        let mut tested = self.test_with(trial, command, libtest::read)?;
        let said = error_text(tested.log(), REASON_CHARS_MAX)?;
        if tested.report.cases.is_empty() && said.starts_with("error: no library targets found") {
            tested.report.succeeded = true;
        }
        Ok(tested)
    }
}

/// The runner's own names, where every one can be picked: documentation tests cannot (rustdoc
/// splits its arguments at blanks), and neither can a runner that counts as one test.
fn pick(names: &[String]) -> Option<Vec<&str>> {
    names
        .iter()
        .map(|name| {
            name.split_once("::")
                .map(|(_, own)| own)
                .filter(|own| !own.contains(' '))
        })
        .collect()
}

fn not_tested(why: &str) -> (CheckRun, TestReport) {
    (
        CheckRun::instant(Check::Regress, Outcome::NotRun(why.into())),
        TestReport::default(),
    )
}

impl Baseline {
    /// What is to be written down of it.
    pub fn save(&self) -> Result<SavedBaseline, CargoError> {
        Ok(SavedBaseline {
            build: self.build.clone(),
            regress: self.regress.clone(),
            report: self.report.clone(),
            commands: serde_json::to_string(&self.plan)
                .map_err(|error| CargoError::Restore(error.to_string()))?,
        })
    }

    /// Makes an attempt's tree what later attempts build upon. They are still compared with the
    /// tests of the untouched tree. The directories of both must stay.
    #[must_use]
    pub fn upon(self, attempt: Attempt) -> Self {
        Self {
            trial: attempt.trial,
            ..self
        }
    }
}

/// One run of tests.
#[derive(Debug)]
pub(super) struct Tested {
    pub(super) report: TestReport,
    pub(super) elapsed: Duration,
    ran: Ran,
    logs: Vec<PathBuf>,
}

impl Tested {
    pub(super) fn log(&self) -> &Path {
        self.logs.first().map_or(Path::new(""), PathBuf::as_path)
    }

    /// Did it run into a limit?
    pub(super) fn stopped(&self) -> bool {
        matches!(self.ran.exit, Exit::TimedOut | Exit::OverLimit(_))
    }

    fn found_nothing(&self) -> bool {
        self.report.cases.is_empty() && !self.report.succeeded && !self.stopped()
    }

    /// Puts the tests of a second command to these.
    fn and(mut self, other: Self) -> Self {
        self.report.cases.extend(other.report.cases);
        self.report.gaps.extend(other.report.gaps);
        self.report.succeeded &= other.report.succeeded;
        self.elapsed += other.elapsed;
        self.logs.extend(other.logs);
        if other.ran.exit != Exit::Code(0) && self.ran.exit == Exit::Code(0) {
            self.ran = other.ran;
        }
        self
    }

    /// How it ended where that is all there is to say: nothing for a run that reached its end.
    pub(super) fn limit(&self) -> Option<Outcome> {
        limit_of(self.ran.exit)
    }

    /// Why it failed as a whole, in its own words.
    pub(super) fn reason(&self) -> Result<String, CargoError> {
        let said = error_text(self.log(), REASON_CHARS_MAX)?;
        Ok(format!("{}: {said}", ended_how(self.ran.exit)))
    }

    /// A check run that has everything but its outcome.
    pub(super) fn check_run(&self) -> CheckRun {
        CheckRun {
            elapsed: self.elapsed,
            log: Some(self.log().display().to_string()),
            ..CheckRun::instant(Check::Regress, Outcome::Passed)
        }
    }

    fn baseline_outcome(&self, runner: &Runner) -> Result<Outcome, CargoError> {
        if let Some(limit) = self.limit() {
            return Ok(limit);
        }
        let report = &self.report;
        let own_command = matches!(runner, Runner::Own(_));
        Ok(if report.count(TestOutcome::Passed) > 0 {
            Outcome::Passed
        } else if !report.succeeded {
            Outcome::Failed(format!("no test passes: {}", self.reason()?))
        } else if report.count(TestOutcome::Ignored) > 0 {
            Outcome::NotRun("the project's tests are all ignored".into())
        } else if own_command {
            Outcome::Passed
        } else {
            Outcome::NotRun("the project has no tests".into())
        })
    }

    fn baseline_notes(&self, flaky: &[String]) -> Vec<String> {
        let failed: Vec<&str> = self.report.names(TestOutcome::Failed).collect();
        let mut notes = vec![counts(&self.report)];
        if self.report.cases.is_empty() && self.report.succeeded {
            notes = vec!["the test command names no tests: whole suite only".into()];
        }
        if !failed.is_empty() {
            let names = listed(&failed);
            notes.push(format!(
                "these fail before any change and are not judged: {names}"
            ));
        }
        if !flaky.is_empty() {
            let names = listed(&flaky.iter().map(String::as_str).collect::<Vec<_>>());
            notes.push(format!("flaky, they pass when run again: {names}"));
        }
        notes.extend(self.report.gaps.iter().cloned());
        notes
    }
}

pub(super) fn counts(report: &TestReport) -> String {
    let [passed, failed, ignored] = [
        TestOutcome::Passed,
        TestOutcome::Failed,
        TestOutcome::Ignored,
    ]
    .map(|o| report.count(o));
    format!("{passed} passed, {failed} failed, {ignored} ignored")
}

/// The first few names.
pub(super) fn listed(names: &[&str]) -> String {
    const SHOWN_MAX: usize = 10;
    let shown = names
        .iter()
        .take(SHOWN_MAX)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().checked_sub(SHOWN_MAX) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}

fn outcome_of(ended: &Ended) -> Result<Outcome, CargoError> {
    if ended.ran.exit.succeeded() {
        return Ok(Outcome::Passed);
    }
    if let Some(limit) = limit_of(ended.ran.exit) {
        return Ok(limit);
    }
    let said = error_text(&ended.log, REASON_CHARS_MAX)?;
    Ok(Outcome::Failed(format!(
        "{}: {said}",
        ended_how(ended.ran.exit)
    )))
}

fn limit_of(exit: Exit) -> Option<Outcome> {
    match exit {
        Exit::TimedOut => Some(Outcome::TimedOut),
        Exit::OverLimit(resource) => Some(Outcome::Failed(format!(
            "used more than it may: {resource:?}"
        ))),
        Exit::Code(_) | Exit::Signal(_) | Exit::Cancelled => None,
    }
}

fn ended_how(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit code {code}"),
        Exit::Signal(signal) => format!("signal {signal}"),
        Exit::TimedOut => "out of time".into(),
        Exit::OverLimit(_) => "over a limit".into(),
        Exit::Cancelled => "cancelled".into(),
    }
}
