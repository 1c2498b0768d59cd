//! What the sandbox's tests share: a directory of their own, a job in it, a sandbox or a loud word.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test file uses another part"
)]

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use backstitch_verify::sandbox::{
    Cancel, Exit, Job, Limits, Mount, Network, Output, Ran, Sandbox, SandboxError,
};

pub const INIT: &str = env!("CARGO_BIN_EXE_sandbox-init");
pub const HOSTILE: &str = env!("CARGO_BIN_EXE_hostile");

/// A sandbox, a directory on the host and a tree in it that jobs may write to.
pub struct Bench {
    pub sandbox: Sandbox,
    pub dir: tempfile::TempDir,
    pub tree: PathBuf,
}

impl Bench {
    /// Nothing if the kernel refuses to build a sandbox, which is said loudly.
    pub fn new() -> Option<Self> {
        let sandbox = Sandbox::new(INIT.into());
        if let Err(unavailable) = sandbox.probe() {
            // A wall that fell can look like a kernel that refuses, so where the sandbox is known to
            // work, nothing may be skipped.
            let required = std::env::var_os("BACKSTITCH_SANDBOX_REQUIRED").is_some();
            assert!(!required, "the sandbox is required here: {unavailable}");
            eprintln!("SKIPPED, NOTHING WAS TESTED: {unavailable}");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("tree");
        std::fs::create_dir(&tree).unwrap();
        sandbox.own(&tree).unwrap();
        Some(Self { sandbox, dir, tree })
    }

    pub fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// A job under small limits that starts in the tree.
    pub fn job(&self, argv: &[&str]) -> Job {
        Job {
            argv: argv.iter().map(OsString::from).collect(),
            env: Vec::new(),
            cwd: self.tree.clone(),
            mounts: vec![Mount::read_write(&self.tree), Mount::read_only(HOSTILE)],
            network: Network::Loopback,
            limits: small_limits(),
            output: Output::Merged { log: self.log() },
        }
    }

    /// A job that behaves badly in one of the ways `hostile` knows.
    pub fn hostile(&self, arguments: &[&str]) -> Job {
        self.job(&[&[HOSTILE], arguments].concat())
    }

    pub fn shell(&self, script: &str) -> Job {
        self.job(&["/bin/sh", "-c", script])
    }

    pub fn try_run(&self, job: &Job) -> Result<Ran, SandboxError> {
        self.sandbox.run(job, &Cancel::default(), &mut |_, _| {})
    }

    /// Runs a job; returns how it ended and what it printed.
    pub fn run(&self, job: &Job) -> (Exit, String) {
        let ran = self.try_run(job).unwrap();
        (ran.exit, read(&self.log()))
    }
}

pub fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned()
}

pub fn small_limits() -> Limits {
    Limits {
        wall_s: 10,
        cpu_s: 10,
        memory_bytes_max: 256 << 20,
        data_bytes_max: 512 << 20,
        scratch_bytes_max: 16 << 20,
        processes_max: 64,
        output_bytes_max: 1 << 20,
        disk_bytes_max: 64 << 20,
        file_bytes_max: 256 << 20,
        open_files_max: 256,
    }
}
