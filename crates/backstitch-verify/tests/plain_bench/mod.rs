//! What the tests of projects without a package manager share: tiny projects that the machine's own
//! tools build.

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

use backstitch_model::oracle::Oracle;
use backstitch_model::tree_reproducer::Input;
use backstitch_model::{CheckRun, Outcome, Policy, TreeReproducer};
use backstitch_verify::plain::{Plain, Tools, find};
use backstitch_verify::sandbox::{Cancel, Sandbox};
use backstitch_verify::workbench::{
    Applied, Attacked, AttackedAfter, Attempt, Baseline, Setup, Start, Tree, Workbench,
};

const INIT: &str = env!("CARGO_BIN_EXE_sandbox-init");

/// A directory of its own, in which projects are built.
pub struct Bench {
    directory: tempfile::TempDir,
    plain: Plain,
    policy: Policy,
}

/// A project's files.
pub type Files<'text> = &'text [(&'text str, &'text str)];

impl Bench {
    /// Nothing where there is no sandbox or a tool is missing, which is said loudly.
    pub fn new(needs: &[&str]) -> Option<Self> {
        Self::with(needs, |_| {})
    }

    pub fn with(needs: &[&str], change: impl FnOnce(&mut Policy)) -> Option<Self> {
        let sandbox = Sandbox::new(INIT.into());
        if let Err(unavailable) = sandbox.probe() {
            let required = std::env::var_os("BACKSTITCH_SANDBOX_REQUIRED").is_some();
            assert!(!required, "the sandbox is required here: {unavailable}");
            eprintln!("SKIPPED, NOTHING WAS TESTED: {unavailable}");
            return None;
        }
        let tools = Tools::discover();
        if let Some(missing) = needs.iter().find(|name| !tools.has(name)) {
            eprintln!("SKIPPED, NOTHING WAS TESTED: there is no `{missing}`");
            return None;
        }
        let mut policy = Policy::default();
        policy.limits.wall_s = 120;
        change(&mut policy);
        let directory = tempfile::tempdir().unwrap();
        let setup = Setup {
            sandbox,
            cache: directory.path().join("cache"),
            policy: policy.clone(),
            offline: true,
            cancel: Cancel::default(),
            progress: Arc::new(|_| {}),
        };
        Some(Self {
            directory,
            plain: Plain::new(setup, tools),
            policy,
        })
    }

    pub fn workbench(&self) -> Workbench<'_> {
        Workbench::new(&self.plain)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a project.
    pub fn tree(&self, name: &str, files: Files<'_>) -> Tree {
        let root = self.path(name);
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            if text.starts_with("#!") {
                use std::os::unix::fs::PermissionsExt;
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
        find(&root, None, self.plain.tools(), &self.policy).unwrap()
    }

    /// Builds the untouched project, and tests it.
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

    /// Builds a changed project upon that.
    pub fn attempt(&self, baseline: &Baseline, tree: &Tree) -> (Attempt, CheckRun) {
        let name = tree.root.file_name().unwrap().display();
        let work = self.path(&format!("{name}-work"));
        let workbench = self.workbench();
        let attempt = workbench
            .attempt(baseline, tree, Start::Warm, &work)
            .unwrap();
        let build = workbench.build_attempt(baseline, &attempt).unwrap();
        (attempt, build)
    }

    /// Tests it too.
    pub fn tested(&self, baseline: &Baseline, tree: &Tree) -> (CheckRun, CheckRun) {
        let (attempt, build) = self.attempt(baseline, tree);
        let (regress, _) = self.workbench().test_attempt(baseline, &attempt).unwrap();
        (build, regress)
    }

    /// Attacks the untouched project.
    pub fn before(&self, files: Files<'_>, reproducer: &TreeReproducer) -> (Baseline, Attacked) {
        let baseline = self.baseline(&self.tree("tree", files));
        assert_eq!(baseline.build.outcome, Outcome::Passed);
        let before = self.workbench().attack_before(&baseline, reproducer);
        (baseline, before.unwrap())
    }

    /// Attacks a changed one.
    pub fn after(
        &self,
        (baseline, before): &(Baseline, Attacked),
        name: &str,
        files: Files<'_>,
        reproducer: &TreeReproducer,
    ) -> AttackedAfter {
        let (attempt, build) = self.attempt(baseline, &self.tree(name, files));
        assert_eq!(build.outcome, Outcome::Passed);
        // As it would be read back for the next change of the same tree.
        let before = Attacked::restore(before.save().unwrap()).unwrap();
        self.workbench()
            .attack_after(baseline, &attempt, reproducer, &before)
            .unwrap()
    }
}

/// A reproducer with one input, `crash.txt`.
pub fn reproducer(argv: &[&str], input: &[u8], benign: &[&[u8]]) -> TreeReproducer {
    let named = |name: String, bytes: &[u8]| Input {
        name,
        bytes: bytes.to_vec(),
    };
    TreeReproducer {
        name: "crash".into(),
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        inputs: vec![named("crash.txt".into(), input)],
        files: Vec::new(),
        benign: benign
            .iter()
            .enumerate()
            .map(|(number, bytes)| named(format!("fine-{number}.txt"), bytes))
            .collect(),
        oracle: None,
        time_limit_s: 5,
        build: None,
    }
}

/// The same, declared.
pub fn declared(reproducer: TreeReproducer, oracle: &str) -> TreeReproducer {
    TreeReproducer {
        oracle: Some(oracle.parse::<Oracle>().unwrap()),
        ..reproducer
    }
}

/// Why it failed.
pub fn failed(run: &CheckRun) -> &str {
    match &run.outcome {
        Outcome::Failed(why) => why,
        other => panic!("{other:?} {:?}", run.notes),
    }
}

/// Why it says nothing.
pub fn not_run(run: &CheckRun) -> &str {
    match &run.outcome {
        Outcome::NotRun(why) => why,
        other => panic!("{other:?} {:?}", run.notes),
    }
}
