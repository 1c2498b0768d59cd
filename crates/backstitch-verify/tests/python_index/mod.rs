//! What the tests of Python's projects share: an index of packages that are made here, served by
//! python on this machine, and a [`Python`] that asks only that.

#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "each test file uses another part, and all of it is a test"
)]

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use backstitch_model::Policy;
use backstitch_verify::python::{Interpreter, Python};
use backstitch_verify::sandbox::{Cancel, Sandbox};
use backstitch_verify::workbench::Setup;

const INIT: &str = env!("CARGO_BIN_EXE_sandbox-init");

/// A directory of its own, and the index that is served out of it as long as this is held.
pub struct Index {
    pub directory: tempfile::TempDir,
    /// The `/simple` address.
    pub address: String,
    server: Child,
}

impl Drop for Index {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Index {
    /// Lets `script` make the packages below the folder it is given, serve them and print its
    /// port. Nothing where there is no sandbox or no Python, which is said loudly.
    pub fn new(script: &str) -> Option<(Self, Python)> {
        let sandbox = Sandbox::new(INIT.into());
        let required = std::env::var_os("BACKSTITCH_SANDBOX_REQUIRED").is_some();
        if let Err(unavailable) = sandbox.probe() {
            assert!(!required, "the sandbox is required here: {unavailable}");
            return skipped(&unavailable.to_string());
        }
        let interpreter = match Interpreter::discover() {
            Ok(interpreter) => interpreter,
            Err(error) => return skipped(&error.to_string()),
        };
        let directory = tempfile::tempdir().unwrap();
        let mut server = Command::new(&interpreter.program)
            .args(["-c", script])
            .arg(directory.path().join("index"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut port = String::new();
        let mut said = BufReader::new(server.stdout.take().unwrap());
        said.read_line(&mut port).unwrap();
        let address = format!("http://127.0.0.1:{}/simple", port.trim());
        let setup = Setup {
            sandbox,
            cache: directory.path().join("cache"),
            policy: Policy::default(),
            offline: false,
            cancel: Cancel::default(),
            progress: Arc::new(|_| {}),
        };
        let python = Python::new(setup, interpreter.at_index(&address)).unwrap();
        let index = Self {
            directory,
            address,
            server,
        };
        Some((index, python))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// Says that nothing was tested, and why.
pub fn skipped<T>(why: &str) -> Option<T> {
    eprintln!("SKIPPED, NOTHING WAS TESTED: {why}");
    None
}
