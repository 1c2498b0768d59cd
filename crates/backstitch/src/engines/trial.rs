//! A tiny repair that comes with the program: an engine is asked for it, its proposal is applied,
//! and the proof is run in the sandbox, red before and green after.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use backstitch_engine::brief::{AdvisoryFacts, Excerpt, FORMAT_VERSION, FindingFacts, Role};
use backstitch_engine::chain::{Chain, Steady, Turn};
use backstitch_engine::proposal::{Proposal, apply};
use backstitch_engine::wire::Failure;
use backstitch_engine::{Brief, Budget, Engine, Outcome, Redactor, Spend};
use backstitch_model::{FindingId, RelPath};
use backstitch_verify::sandbox::{Access, Exit, Job, Limits, Mount, Network, Output};

use super::{Engines, Walls};

/// The file that is to be repaired.
const FLAWED: (&str, &str) = (
    "sum.sh",
    "# Adds the numbers from 1 to $1.\ntotal=0\nnumber=1\nwhile [ \"$number\" -lt \"$1\" ]; do\n    \
     total=$((total + number))\n    number=$((number + 1))\ndone\necho \"$total\"\n",
);

/// Its test, which cannot be edited.
const TEST: (&str, &str) = (
    "test.sh",
    "for pair in 0:0 1:1 2:3 4:10 10:55; do\n    told=$(sh sum.sh \"${pair%%:*}\")\n    \
     [ \"$told\" = \"${pair##*:}\" ] || { echo \"$pair: told $told\"; exit 1; }\ndone\n",
);

/// How long the test may take, in seconds.
const TEST_S_MAX: u64 = 20;

/// What came of asking one engine for the repair.
#[derive(Debug)]
pub struct Trial {
    /// Its turn.
    pub turn: Turn,
    /// What running it showed.
    pub proof: Proof,
}

/// What running a repaired file showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The test failed before and passes after.
    Proven,
    /// It still fails, or the proposal does not fit; why.
    Failed(String),
    /// There was nothing to run, or it could not be run; why.
    NotRun(String),
}

impl Trial {
    /// Asks an engine within the budgets of the settings, and runs what it proposes.
    pub fn of(
        engine: Arc<dyn Engine>,
        engines: &Engines,
        walls: &Walls,
        redactor: &Redactor,
    ) -> Result<Self> {
        let mut chain = Chain::new(vec![engine], Arc::new(Steady::default()));
        let mut budget = Budget::new(engines.of_run, engines.of_finding);
        let finding = FindingId("trial".into());
        let folder = tree(FLAWED.1)?;
        walls.project.set(&folder.path().join("tree"));
        let asked = chain.ask(&finding, &brief()?, redactor, &mut budget);
        let turn = asked.turns.into_iter().next().context("ask an engine")?;
        let proof = match &turn.outcome {
            Outcome::Proposed(proposal) => prove(proposal, walls)?,
            _ => Proof::NotRun("there is no proposal".into()),
        };
        Ok(Self { turn, proof })
    }
}

impl Trial {
    /// The trial of an engine that the settings, or this machine, do not let be asked.
    pub fn not_asked(engine: &str, failure: Failure) -> Self {
        Self {
            turn: Turn {
                engine: engine.to_owned(),
                outcome: Outcome::unavailable(failure.kind, failure.detail),
                spent: Spend::default(),
                is_lost: true,
                brief: None,
            },
            proof: Proof::NotRun("it was not asked".into()),
        }
    }

    /// Does it do what an engine is for?
    pub fn works(&self) -> bool {
        self.proof == Proof::Proven
    }
}

fn brief() -> Result<Brief> {
    Ok(Brief {
        format: FORMAT_VERSION,
        finding: FindingFacts {
            id: "trial".into(),
            location: FLAWED.0.into(),
            what: "`sh sum.sh 4` prints 6, and the sum of the numbers from 1 to 4 is 10".into(),
            severity: None,
            chain: Vec::new(),
        },
        advisory: AdvisoryFacts {
            summary: "the last number is left out".into(),
            ..AdvisoryFacts::default()
        },
        excerpts: vec![
            Excerpt::whole(&RelPath::new(FLAWED.0)?, Role::Flaw, FLAWED.1),
            Excerpt::whole(&RelPath::new(TEST.0)?, Role::Test, TEST.1),
        ],
        earlier: Vec::new(),
        left_out: Vec::new(),
    })
}

fn prove(proposal: &Proposal, walls: &Walls) -> Result<Proof> {
    let path = RelPath::new(FLAWED.0)?;
    let files = BTreeMap::from([(path.clone(), FLAWED.1.to_owned())]);
    let changed = match apply(&proposal.edits, &files) {
        Ok(changed) => changed,
        Err(malformed) => return Ok(Proof::Failed(malformed.to_string())),
    };
    let Some(after) = changed.get(&path) else {
        return Ok(Proof::Failed("the proposal changes nothing".into()));
    };
    let (before, _) = match test(FLAWED.1, walls) {
        Ok(ran) => ran,
        Err(why) => return Ok(Proof::NotRun(format!("{why:#}"))),
    };
    ensure!(
        before != Exit::Code(0),
        "the bundled repair's test passes before it"
    );
    let (exit, said) = test(after, walls)?;
    Ok(match exit {
        Exit::Code(0) => Proof::Proven,
        Exit::Code(_) => Proof::Failed(format!("the test still fails: {}", said.trim())),
        other => Proof::Failed(format!("the test did not end well: {other:?}")),
    })
}

/// Runs the test on a text of the file, with no network and nothing else in sight.
fn test(text: &str, walls: &Walls) -> Result<(Exit, String)> {
    walls.sandbox.probe()?;
    let folder = tree(text)?;
    let tree = folder.path().join("tree");
    let log = folder.path().join("log");
    let job = Job {
        argv: ["/bin/sh", TEST.0].map(OsString::from).into(),
        env: Vec::new(),
        cwd: "/trial".into(),
        mounts: vec![Mount {
            host: tree,
            inside: "/trial".into(),
            access: Access::ReadOnly,
        }],
        network: Network::Loopback,
        limits: Limits {
            wall_s: TEST_S_MAX,
            output_bytes_max: 64 << 10,
            ..Limits::default()
        },
        output: Output::Merged { log: log.clone() },
    };
    let ran = walls.sandbox.run(&job, &walls.cancel, &mut |_, _| {})?;
    Ok((ran.exit, said(&log)))
}

/// The program to be repaired and its test, in `tree` of a folder.
fn tree(text: &str) -> Result<tempfile::TempDir> {
    let folder = tempfile::Builder::new()
        .prefix("backstitch-trial-")
        .tempdir()?;
    let tree = folder.path().join("tree");
    fs::create_dir(&tree)?;
    fs::set_permissions(&tree, Permissions::from_mode(0o755))?;
    for (name, text) in [(FLAWED.0, text), TEST] {
        let file = tree.join(name);
        fs::write(&file, text)?;
        fs::set_permissions(&file, Permissions::from_mode(0o644))?;
    }
    Ok(folder)
}

fn said(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    backstitch_engine::wire::bounded(&String::from_utf8_lossy(&text))
}
