//! The commands that build and test one project. Runs none.

use serde::{Deserialize, Serialize};

use crate::runner::Runner;

/// How a project is built and tested. An attempt uses the commands that the baseline settled on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commands {
    /// Builds it.
    pub build: Vec<String>,
    /// Test it, one after another.
    pub tests: Vec<TestCommand>,
}

/// One command that runs tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestCommand {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// What runs the tests, and so how the output is read.
    pub runner: Runner,
}
