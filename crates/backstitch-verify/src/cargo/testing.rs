//! Runs a tree's tests, all or some of them, and reads what they print. Compares nothing.

use std::fs::File;
use std::io::BufReader;

use backstitch_model::tests::TestReport;

use super::commands::{Runner, exactly, exactly_with_nextest, is_cargo_test};
use super::error::{CargoError, Doing};
use super::lines::error_text;
use super::session::Cargo;
use super::tested::{REASON_CHARS_MAX, Tested};
use super::trial::Trial;
use super::{libtest, nextest};

impl Cargo {
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
