//! What the tests of `cargo` share: tiny real projects, and a `Cargo` that works without network.

#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "each test file uses another part, and all of it is a test"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use backstitch_model::{Check, CheckRun, Outcome, Policy, RelPath};
use backstitch_verify::cargo::{Cargo, Toolchain, User};
use backstitch_verify::sandbox::{Cancel, Sandbox};
use backstitch_verify::workbench::{Applied, Attempt, Baseline, Setup, Start, Tree, Workbench};

pub const INIT: &str = env!("CARGO_BIN_EXE_sandbox-init");

/// A changed tree, built and tested.
pub struct Judged {
    pub attempt: Attempt,
    pub build: CheckRun,
    pub regress: CheckRun,
}

/// A directory of its own, in which a `Cargo` works.
pub struct Bench {
    pub directory: tempfile::TempDir,
    pub cargo: Cargo,
}

impl Bench {
    /// Nothing if the kernel refuses to build a sandbox, which is said loudly.
    pub fn new() -> Option<Self> {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Setup)) -> Option<Self> {
        Self::with_all(|setup, _, _| change(setup))
    }

    pub fn with_all(change: impl FnOnce(&mut Setup, &mut Toolchain, &mut User)) -> Option<Self> {
        let sandbox = Sandbox::new(INIT.into());
        if let Err(unavailable) = sandbox.probe() {
            // A fault can look like a machine that has no sandbox; one that has it may insist.
            let required = std::env::var_os("BACKSTITCH_SANDBOX_REQUIRED").is_some();
            assert!(!required, "the sandbox is required here: {unavailable}");
            eprintln!("SKIPPED, NOTHING WAS TESTED: {unavailable}");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let mut setup = Setup {
            sandbox,
            cache: directory.path().join("cache"),
            policy: Policy::default(),
            offline: false,
            cancel: Cancel::default(),
            progress: Arc::new(|_| {}),
        };
        let mut toolchain = Toolchain::discover().unwrap();
        let mut user = User {
            cargo_home: Some(directory.path().join("user/.cargo")),
            variables: Vec::new(),
        };
        change(&mut setup, &mut toolchain, &mut user);
        user_settings(directory.path());
        let cargo = Cargo::new(setup, toolchain, &user).unwrap();
        Some(Self { directory, cargo })
    }

    pub fn workbench(&self) -> Workbench<'_> {
        Workbench::new(&self.cargo)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a project.
    pub fn tree(&self, name: &str, files: &[(&str, &str)]) -> Tree {
        let root = self.path(name);
        write(&root, files);
        let lockfile = root.join("Cargo.lock");
        if let Ok(lock) = fs::read_to_string(&lockfile) {
            fs::write(
                &lockfile,
                lock.replace("CHECKSUM", &oldest_checksum(self.directory.path())),
            )
            .unwrap();
        }
        Tree {
            root,
            lockfile: RelPath::new("Cargo.lock").unwrap(),
        }
    }

    /// Writes a second version of a project. Its files are as old as the first one's.
    pub fn changed(&self, name: &str, base: &[(&str, &str)], over: &[(&str, &str)]) -> Tree {
        let tree = self.tree(name, base);
        write(&tree.root, over);
        tree
    }

    pub fn baseline(&self, tree: &Tree) -> Baseline {
        self.fetch(tree);
        let workbench = self.workbench();
        let mut baseline = workbench
            .baseline(tree, &self.path("baseline-work"))
            .unwrap();
        if baseline.build.outcome == Outcome::Passed {
            workbench.test_baseline(&mut baseline).unwrap();
        }
        baseline
    }

    pub fn attempt(&self, baseline: &Baseline, tree: &Tree) -> Judged {
        self.fetch(tree);
        let work = self.path(&format!(
            "work-{}",
            tree.root.file_name().unwrap().display()
        ));
        self.judge(baseline, tree, Start::Warm, &work)
    }

    /// Builds and tests a changed tree whose packages are there.
    pub fn judge(&self, baseline: &Baseline, tree: &Tree, start: Start, work: &Path) -> Judged {
        let attempt = self
            .workbench()
            .attempt(baseline, tree, start, work)
            .unwrap();
        let build = self.workbench().build_attempt(baseline, &attempt).unwrap();
        let regress = (build.outcome == Outcome::Passed)
            .then(|| self.workbench().test_attempt(baseline, &attempt).unwrap().0);
        Judged {
            attempt,
            build,
            regress: regress.unwrap_or_else(|| {
                CheckRun::instant(Check::Regress, Outcome::NotRun(String::new()))
            }),
        }
    }

    fn fetch(&self, tree: &Tree) {
        let fetched = self
            .workbench()
            .fetch(tree, &self.path("fetch-work"))
            .unwrap();
        assert!(matches!(fetched, Applied::Done(_)), "{fetched:?}");
    }
}

/// The public registry is a local one here: no test needs the network.
fn user_settings(directory: &Path) {
    let user = directory.join("user");
    let settings = "[source.crates-io]\nreplace-with = \"disk\"\n[source.disk]\nlocal-registry = \"registry\"\n";
    write(&user, &[(".cargo/config.toml", settings)]);
    let mut index = String::new();
    for (version, answer) in RELEASES {
        let checksum = publish(&user.join("registry"), version, *answer);
        let line = format!(
            "{{\"name\":\"answer\",\"vers\":\"{version}\",\"deps\":[],\"features\":{{}},\"cksum\":\"{checksum}\",\"yanked\":false}}\n"
        );
        index.push_str(&line);
    }
    write(&user, &[("registry/index/an/sw/answer", &index)]);
}

const RELEASES: &[(&str, u32)] = &[("1.0.0", 41), ("1.0.1", 42), ("1.0.2", 43)];

/// Packs one release of `answer` and answers its checksum.
fn publish(registry: &Path, version: &str, answer: u32) -> String {
    let name = format!("answer-{version}");
    let manifest =
        format!("[package]\nname = \"answer\"\nversion = \"{version}\"\nedition = \"2021\"\n");
    let source = format!("pub fn answer() -> u32 {{ {answer} }}\n");
    let unpacked = registry.join("unpacked");
    write(
        &unpacked.join(&name),
        &[("Cargo.toml", &manifest), ("src/lib.rs", &source)],
    );
    let archive = registry.join(format!("{name}.crate"));
    // Times and owners are fixed, so that the checksum is too.
    let reproducible = [
        "--mtime=@0",
        "--owner=0",
        "--group=0",
        "--sort=name",
        "--mode=u=rwX,go=rX",
    ];
    succeed(
        Command::new("tar")
            .arg("-C")
            .arg(&unpacked)
            .args(reproducible)
            .arg("-czf")
            .arg(&archive)
            .arg(&name),
    );
    let sum = succeed(Command::new("sha256sum").arg(&archive));
    sum.split(' ').next().unwrap().to_owned()
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The checksum of the oldest release, as the registry tells it.
fn oldest_checksum(directory: &Path) -> String {
    let index = fs::read_to_string(directory.join("user/registry/index/an/sw/answer")).unwrap();
    let (_, after) = index.split_once("\"cksum\":\"").unwrap();
    after[..64].to_owned()
}

pub fn write(root: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// A package without dependencies, with its lockfile.
pub const PLAIN: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\ndoctest = false\n",
    ),
    (
        "Cargo.lock",
        "version = 3\n\n[[package]]\nname = \"demo\"\nversion = \"0.1.0\"\n",
    ),
];

/// A package that depends on `answer`, locked at its oldest release.
pub const DEPENDENT: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\ndoctest = false\n[dependencies]\nanswer = \"1\"\n",
    ),
    (
        "Cargo.lock",
        "version = 3\n\n[[package]]\nname = \"answer\"\nversion = \"1.0.0\"\n\
         source = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
         checksum = \"CHECKSUM\"\n\n\
         [[package]]\nname = \"demo\"\nversion = \"0.1.0\"\ndependencies = [\n \"answer\",\n]\n",
    ),
    (
        "src/lib.rs",
        "#[test]\nfn steady() {}\n#[test]\nfn small() { assert!(answer::answer() < 43) }\n",
    ),
];
