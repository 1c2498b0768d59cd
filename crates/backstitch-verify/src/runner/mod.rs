//! The test runners that are known: how each is asked for some tests alone, and how what it
//! prints is read, test by test. Runs nothing and decides nothing.

pub(crate) mod nextest;

mod cases;
mod go;
mod header;
mod jest;
mod libtest;
mod maven;
mod tap;

mod pytest;
mod unittest;

mod automake;
mod ctest;
mod gtest;
mod meson;

mod own;

use std::io::{self, BufRead};

use backstitch_model::tests::TestReport;
use serde::{Deserialize, Serialize};

/// A test runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Runner {
    /// `cargo test`.
    Cargo,
    /// `cargo nextest run`.
    Nextest,
    /// `cargo test --doc`, for what nextest leaves out.
    Documentation,
    /// Whatever writes TAP: node's own runner, mocha, vitest and others, each asked to.
    Tap,
    /// Jest.
    Jest,
    /// A script of the project's that names no tests we know how to read.
    Script,
    /// `python -m pytest`.
    Pytest,
    /// `python -m unittest`.
    Unittest,
    /// `ctest` of `cmake`.
    Ctest,
    /// `meson test`.
    Meson,
    /// `go test -json`.
    Go,
    /// `mvn test`, with Surefire.
    Maven,
    /// The user's own command, or `make check`: what it names is known by what it prints.
    Own,
}

impl Runner {
    /// Reads the merged output of a run that succeeded or not.
    pub(crate) fn read(self, log: impl BufRead, succeeded: bool) -> io::Result<TestReport> {
        match self {
            Self::Cargo => libtest::read(log, succeeded),
            Self::Own => own::read(log, succeeded),
            Self::Ctest => ctest::read(log, succeeded),
            Self::Meson => meson::read(log, succeeded),
            Self::Nextest => nextest::read(log, succeeded),
            Self::Documentation => libtest::read_documentation(log, succeeded),
            Self::Tap => tap::read(log, succeeded),
            Self::Jest => jest::read(log, succeeded),
            Self::Script => Ok(TestReport {
                succeeded,
                ..TestReport::default()
            }),
            Self::Pytest => pytest::read(log, succeeded),
            Self::Unittest => unittest::read(log, succeeded),
            Self::Go => go::read(log, succeeded),
            Self::Maven => maven::read(log, succeeded),
        }
    }

    /// The command that runs exactly the named tests; `None` where the runner cannot pick them.
    pub(crate) fn only(self, command: &[String], names: &[String]) -> Option<Vec<String>> {
        match self {
            Self::Own if !is_cargo_test(command) => None,
            Self::Cargo | Self::Own => Some(exactly(command, &picked(names)?)),
            Self::Nextest => Some(exactly_with_nextest(command, &picked_by_nextest(names)?)),
            Self::Documentation
            | Self::Tap
            | Self::Jest
            | Self::Script
            | Self::Ctest
            | Self::Meson
            | Self::Go
            | Self::Maven => None,
            Self::Pytest => Some(pytest::only(command, names)),
            Self::Unittest => unittest::only(command, names),
        }
    }

    /// May a command that succeeds and names no test have tested something?
    pub(crate) fn may_name_nothing(self) -> bool {
        match self {
            Self::Own | Self::Script => true,
            Self::Cargo
            | Self::Nextest
            | Self::Documentation
            | Self::Tap
            | Self::Jest
            | Self::Ctest
            | Self::Meson
            | Self::Pytest
            | Self::Unittest
            | Self::Go
            | Self::Maven => false,
        }
    }
}

/// The runner's own names, where every one can be picked: documentation tests cannot (rustdoc
/// splits its arguments at blanks), and neither can a runner that counts as one test.
fn picked(names: &[String]) -> Option<Vec<&str>> {
    names
        .iter()
        .map(|name| {
            name.split_once("::")
                .map(|(_, own)| own)
                .filter(|own| !own.contains(' '))
        })
        .collect()
}

/// Only nextest's own names hold a blank without a line number.
fn picked_by_nextest(names: &[String]) -> Option<Vec<&str>> {
    names
        .iter()
        .map(|name| Some(name.split_once(' ').filter(|_| !name.contains("(doc)"))?.1))
        .collect()
}

/// Adds a filter to a `cargo test` command, so that exactly the named tests run.
fn exactly(command: &[String], names: &[&str]) -> Vec<String> {
    let mut command = command.to_vec();
    if !command.iter().any(|word| word == "--") {
        command.push("--".into());
    }
    command.push("--exact".into());
    command.extend(names.iter().map(|name| (*name).to_owned()));
    command
}

/// Adds a filter to a `cargo nextest run` command.
fn exactly_with_nextest(command: &[String], names: &[&str]) -> Vec<String> {
    let terms: Vec<String> = names.iter().map(|name| format!("test(={name})")).collect();
    let mut command = command.to_vec();
    command.extend(["-E".to_owned(), terms.join(" | ")]);
    command
}

/// Is a command `cargo test …`, so that a filter can be added?
fn is_cargo_test(command: &[String]) -> bool {
    matches!(command, [cargo, test, ..] if cargo == "cargo" && (test == "test" || test == "t"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &str) -> Vec<String> {
        command.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_filter_follows_what_is_filtered_already() {
        let command = exactly(&words("cargo test -- --skip x"), &["a::b"]);
        assert_eq!(command, words("cargo test -- --skip x --exact a::b"));
        assert_eq!(
            exactly(&words("cargo test"), &["a"]),
            words("cargo test -- --exact a")
        );
        assert_eq!(
            exactly_with_nextest(&words("n"), &["a", "b"])[2],
            "test(=a) | test(=b)"
        );
    }
}
