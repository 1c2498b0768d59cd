//! What the tests of pnpm and yarn share: a registry of a few lines that node serves on this
//! machine, and projects that are fetched from it.

#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "each test file uses another part, and all of it is a test"
)]

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use backstitch_model::candidate::Step;
use backstitch_model::{Outcome, Policy, RelPath};
use backstitch_verify::npm::others::{Installer, Tool};
use backstitch_verify::npm::{Node, User};
use backstitch_verify::sandbox::{Cancel, Sandbox};
use backstitch_verify::workbench::{
    Applied, Baseline, PackageManager, Setup, Start, Tree, VerifyError, Workbench,
};

const INIT: &str = env!("CARGO_BIN_EXE_sandbox-init");

/// A registry, and a directory in which a tool fetches from it.
pub struct Bench {
    directory: tempfile::TempDir,
    installer: Installer,
    registry: Child,
    port: u16,
}

impl Bench {
    /// Nothing where there is no sandbox, no node or no such tool, which is said loudly.
    pub fn new(tool: fn(&Node) -> Result<Tool, VerifyError>) -> Option<Self> {
        let sandbox = Sandbox::new(INIT.into());
        if let Err(unavailable) = sandbox.probe() {
            let required = std::env::var_os("BACKSTITCH_SANDBOX_REQUIRED").is_some();
            assert!(!required, "the sandbox is required here: {unavailable}");
            eprintln!("SKIPPED, NOTHING WAS TESTED: {unavailable}");
            return None;
        }
        let found = Node::discover().and_then(|node| Ok((tool(&node)?, node)));
        let (tool, node) = match found {
            Ok(found) => found,
            Err(error) => {
                eprintln!("SKIPPED, NOTHING WAS TESTED: {error}");
                return None;
            }
        };
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/node_registry/registry.js"
        );
        let mut registry = Command::new(&node.program)
            .arg(script)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(registry.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let port: u16 = line.trim().parse().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let variables = [
            ("npm_config_registry", format!("http://127.0.0.1:{port}/")),
            // Yarn 2 and later trusts no address without TLS unless it is told to.
            ("YARN_UNSAFE_HTTP_WHITELIST", "127.0.0.1".to_owned()),
        ];
        let user = User {
            variables: variables
                .map(|(name, value)| (OsString::from(name), OsString::from(value)))
                .to_vec(),
            files: Vec::new(),
        };
        let setup = Setup {
            sandbox,
            cache: directory.path().join("cache"),
            policy: Policy::default(),
            offline: false,
            cancel: Cancel::default(),
            progress: Arc::new(|_| {}),
        };
        Some(Self {
            installer: Installer::new(setup, node, user, tool).unwrap(),
            directory,
            registry,
            port,
        })
    }

    pub fn workbench(&self) -> Workbench<'_> {
        Workbench::new(&self.installer)
    }

    pub fn about(&self) -> String {
        self.installer.about(None)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Later releases appear.
    pub fn publish(&self) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "GET /publish HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("done"), "{answer}");
    }

    /// Writes a project.
    pub fn tree(&self, name: &str, lockfile: &str, files: &[(&str, &str)]) -> Tree {
        let root = self.path(name);
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Tree {
            root,
            lockfile: RelPath::new(lockfile).unwrap(),
        }
    }

    /// Writes another text.
    pub fn write(&self, path: &str, text: &str) {
        fs::write(self.path(path), text).unwrap();
    }

    /// Carries out steps in a tree.
    pub fn apply(&self, tree: &Tree, steps: &[Step]) -> Applied {
        self.workbench()
            .apply(tree, steps, &self.work(tree))
            .unwrap()
    }

    /// Builds and tests a tree whose packages are there.
    pub fn baseline(&self, tree: &Tree) -> Baseline {
        let mut baseline = self.workbench().baseline(tree, &self.work(tree)).unwrap();
        if baseline.build.outcome == Outcome::Passed {
            self.workbench().test_baseline(&mut baseline).unwrap();
        }
        baseline
    }

    /// Builds and tests a changed tree.
    pub fn attempt(&self, baseline: &Baseline, tree: &Tree) -> (Outcome, Outcome) {
        let workbench = self.workbench();
        let attempt = workbench
            .attempt(baseline, tree, Start::Warm, &self.work(tree))
            .unwrap();
        let build = workbench.build_attempt(baseline, &attempt).unwrap();
        let (regress, _) = workbench.test_attempt(baseline, &attempt).unwrap();
        (build.outcome, regress.outcome)
    }

    fn work(&self, tree: &Tree) -> PathBuf {
        let name = tree.root.file_name().unwrap();
        self.path(&format!("{}-work", name.display()))
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.registry.kill().ok();
        self.registry.wait().ok();
    }
}
