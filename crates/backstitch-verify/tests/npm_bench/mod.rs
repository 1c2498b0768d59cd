//! What the tests of npm share: tiny projects whose packages are folders of their own, so that
//! npm needs no registry.

#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "each test file uses another part, and all of it is a test"
)]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use backstitch_model::candidate::Step;
use backstitch_model::{CheckRun, Outcome, Policy, RelPath};
use backstitch_verify::npm::{Node, Npm, User};
use backstitch_verify::sandbox::{Cancel, Sandbox};
use backstitch_verify::workbench::{Applied, Baseline, Setup, Start, Tree, Workbench};

const INIT: &str = env!("CARGO_BIN_EXE_sandbox-init");

/// A directory of its own, in which npm works without a network.
pub struct Bench {
    directory: tempfile::TempDir,
    npm: Npm,
}

impl Bench {
    /// Nothing where there is no sandbox or no node, which is said loudly.
    pub fn new() -> Option<Self> {
        let sandbox = Sandbox::new(INIT.into());
        if let Err(unavailable) = sandbox.probe() {
            let required = std::env::var_os("BACKSTITCH_SANDBOX_REQUIRED").is_some();
            assert!(!required, "the sandbox is required here: {unavailable}");
            eprintln!("SKIPPED, NOTHING WAS TESTED: {unavailable}");
            return None;
        }
        let node = match Node::discover() {
            Ok(node) => node,
            Err(error) => {
                eprintln!("SKIPPED, NOTHING WAS TESTED: {error}");
                return None;
            }
        };
        let directory = tempfile::tempdir().unwrap();
        let setup = Setup {
            sandbox,
            cache: directory.path().join("cache"),
            policy: Policy::default(),
            offline: true,
            cancel: Cancel::default(),
            progress: Arc::new(|_| {}),
        };
        let npm = Npm::new(setup, node, User::default()).unwrap();
        Some(Self { directory, npm })
    }

    pub fn workbench(&self) -> Workbench<'_> {
        Workbench::new(&self.npm)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a project.
    pub fn tree(&self, name: &str, files: &[(&str, &str)]) -> Tree {
        let root = self.path(name);
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Tree {
            root,
            lockfile: RelPath::new("package-lock.json").unwrap(),
        }
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Installs, builds and tests the untouched project.
    pub fn baseline(&self, tree: &Tree) -> Baseline {
        let work = self.path("baseline-work");
        let fetched = self.workbench().fetch(tree, &work).unwrap();
        assert_eq!(fetched, Applied::Done(Vec::new()));
        let mut baseline = self.workbench().baseline(tree, &work).unwrap();
        if baseline.build.outcome == Outcome::Passed {
            self.workbench().test_baseline(&mut baseline).unwrap();
        }
        baseline
    }

    /// Carries out steps in a copy of the project, and builds and tests that.
    pub fn attempt(
        &self,
        baseline: &Baseline,
        tree: &Tree,
        steps: &[Step],
    ) -> (CheckRun, CheckRun) {
        let work = self.path(&format!(
            "{}-work",
            tree.root.file_name().unwrap().display()
        ));
        let applied = self.workbench().apply(tree, steps, &work).unwrap();
        assert_eq!(applied, Applied::Done(Vec::new()));
        let workbench = self.workbench();
        let attempt = workbench
            .attempt(baseline, tree, Start::Warm, &work)
            .unwrap();
        let build = workbench.build_attempt(baseline, &attempt).unwrap();
        let (regress, _) = workbench.test_attempt(baseline, &attempt).unwrap();
        (build, regress)
    }
}
