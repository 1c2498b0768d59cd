//! Runs a tree's tests, all or some of them, and reads what they print. Compares nothing.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use super::Workbench;
use super::baseline::{Attempt, Baseline};
use super::commands::TestCommand;
use super::error::{Doing, VerifyError};
use super::session::{Ended, Running};
use super::tested::Tested;
use super::trial::Trial;

/// A tree that is built.
#[derive(Clone, Copy)]
pub enum Place<'built> {
    /// The untouched one.
    Untouched(&'built Baseline),
    /// A changed one.
    Changed(&'built Attempt),
}

impl Workbench<'_> {
    /// Runs a command of the user's in a built tree, in the run phase. Answers its log, which
    /// holds all that it printed.
    pub fn run_command(
        &self,
        place: Place<'_>,
        argv: &[String],
        name: &str,
    ) -> Result<PathBuf, VerifyError> {
        let trial = match place {
            Place::Untouched(baseline) => &baseline.origin,
            Place::Changed(attempt) => &attempt.trial,
        };
        Ok(self.run(trial, argv, name)?.log)
    }

    /// Runs all tests.
    pub(super) fn test(
        &self,
        trial: &Trial,
        commands: &[TestCommand],
    ) -> Result<Tested, VerifyError> {
        let mut all: Option<Tested> = None;
        for command in commands {
            let tested = self.test_with(trial, command)?;
            let together = match all {
                None => tested,
                Some(before) => before.and(tested),
            };
            if together.stopped() {
                return Ok(together);
            }
            all = Some(together);
        }
        all.ok_or_else(|| VerifyError::Restore("there is no command that tests".into()))
    }

    /// Runs the named tests again, and perhaps others where the runner cannot pick.
    pub(super) fn test_again(
        &self,
        trial: &Trial,
        commands: &[TestCommand],
        names: &[String],
    ) -> Result<Tested, VerifyError> {
        let picked = commands.first().and_then(|first| {
            let argv = first.runner.only(&first.argv, names)?;
            Some(TestCommand {
                argv,
                runner: first.runner,
            })
        });
        match picked {
            Some(picked) => self.test_with(trial, &picked),
            None => self.test(trial, commands),
        }
    }

    /// Runs a command of the project's in the run phase.
    pub(super) fn run(
        &self,
        trial: &Trial,
        argv: &[String],
        name: &str,
    ) -> Result<Ended, VerifyError> {
        self.session().run_project(Running {
            trial,
            surroundings: self.manager.surroundings(trial)?,
            argv,
            name,
            wall_s: None,
        })
    }

    fn test_with(&self, trial: &Trial, command: &TestCommand) -> Result<Tested, VerifyError> {
        let ended = self.run(trial, &command.argv, "test")?;
        let log = File::open(&ended.log).doing("read log", &ended.log)?;
        let report = command
            .runner
            .read(BufReader::new(log), ended.ran.exit.succeeded())
            .doing("read log", &ended.log)?;
        Ok(Tested {
            report,
            elapsed: ended.ran.elapsed,
            ran: ended.ran,
            logs: vec![ended.log],
        })
    }
}
