//! The judge: anyone's change, climbed up the same ladder as Backstitch's own fixes.
//!
//! [`judge`] reads like `pipeline.rs` does: each line is a step. What a step does is in the module
//! that bears its name.

mod asked;
mod attack;
mod base;
mod component;
mod given;
mod packages;
mod regression;
mod reported;
mod rescan;
mod scanner;
mod scope;
mod trial;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use backstitch_model::evidence::{Claim, Confinement, Evidence, Phase};
use backstitch_model::tree_reproducer::TreeReproducer;
use backstitch_model::weakness::Weakness;
use backstitch_model::{Check, CheckRun, Outcome, Policy, RelPath};
use backstitch_verify::sandbox::Cancel;
use backstitch_verify::workbench::Start;

use crate::advisories::Advisories;
use crate::ledger::{Event, Ledger, RunStart};
use crate::managers::Managers;
use crate::places::Places;
use crate::private;
use crate::report::{self, Progress};
use crate::reproducers::Library;
use crate::source::Source;
use crate::steps::{Journal, Logs};
use crate::wire;

pub use asked::{Asked, of_words};
pub use attack::reproducer_digest;
pub use given::{Given, open};
pub use regression::{Added, Addition};
pub use reported::read as read_reported;

use base::Base;
use rescan::Settled;

/// What the judge is asked for.
pub struct Order {
    /// The untouched state.
    pub source: Source,
    /// The change.
    pub given: Given,
    /// A test that came with it. It is tried once the change has its verdict, and is no part of it.
    pub addition: Option<Addition>,
    /// What the changed tree is built upon.
    pub start: Start,
    /// Ids, aliases, packages or rules of what it is said to fix.
    pub stated: Vec<String>,
    /// What another scanner reported of the untouched state.
    pub reported: Vec<Weakness>,
    /// The command that runs that scanner.
    pub rescan: Option<Vec<String>>,
    /// Shows the flaw.
    pub reproducer: Option<TreeReproducer>,
    /// Show flaws of packages, where none is given; those of the untouched tree are added.
    pub reproducers: Library,
    /// The advisories to go by.
    pub advisories: Arc<Advisories>,
    /// How the project is built and tested, and its limits.
    pub policy: Policy,
    /// Where things live.
    pub places: Places,
    /// Build and test.
    pub managers: Arc<Managers>,
    /// How the project's programs are kept in.
    pub confinement: Confinement,
    /// Build and test the untouched state again, even where an earlier run has?
    pub fresh: bool,
    /// Shows what is going on.
    pub progress: Arc<Progress>,
    /// Stops it.
    pub cancel: Cancel,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The run's id in the ledger.
    pub run: String,
    /// The project's folder.
    pub project: String,
    /// The untouched state: a commit, or a digest of the files.
    pub base: String,
    /// What the change is called.
    pub change: String,
    /// Identifies the change.
    pub digest: String,
    /// The advisories used, in words.
    pub advisories: String,
    /// The tools that built and tested, in words; empty where nothing was built.
    pub toolchain: String,
    /// What it settles or is said to, each in a line.
    pub about: Vec<String>,
    /// The parts of the project that were built and tested, each with its commands.
    pub components: Vec<String>,
    /// Every check.
    pub evidence: Evidence,
    /// What a reader should know that belongs to no check.
    pub notes: Vec<String>,
    /// The folder with the logs.
    pub folder: PathBuf,
    /// Had an earlier run built and tested the untouched state?
    pub reused: bool,
    /// What the change alters and was judged without, since it tests or builds.
    pub put_back: Vec<RelPath>,
    /// What became of the test that came with it; nothing where it was not tried.
    pub addition: Option<Added>,
}

/// Judges a change: the cheap rungs first, and what fails one of them is never built.
pub fn judge(order: Order) -> Result<Judgement> {
    let mut judge = Judge::begin(order)?;
    let base = judge.base()?;
    if let Err(error) = judge.climb(&base) {
        // Best effort: the next change of the same base has folders of its own.
        let _ = base.discard(&changed_name(&judge.judgement.digest));
        return Err(error);
    }
    judge.conclude(&base)
}

/// A change being judged.
struct Judge {
    order: Order,
    journal: Journal,
    judgement: Judgement,
    logs: Logs,
    /// The files that a scanner says the flaw is in.
    locations: Vec<RelPath>,
    /// What another scanner reported, as far as the change is about it.
    weaknesses: Vec<Weakness>,
}

/// The changed tree.
struct Changed {
    root: PathBuf,
    work: PathBuf,
    /// The files that differ.
    paths: Vec<RelPath>,
    /// Tests that the change rewrites; those of the untouched tree are run.
    rewritten: BTreeSet<String>,
}

impl Judge {
    fn begin(order: Order) -> Result<Self> {
        order.places.make_state()?;
        let digest = order.given.digest()?;
        let start = start_of(&order, &digest)?;
        let ledger = Ledger::open(&order.places.ledger())?;
        let journal = Journal::begin(ledger, start.clone(), true)?;
        let folder = order.places.evidence().join(journal.run());
        private::folder(&folder).with_context(|| format!("create `{}`", folder.display()))?;
        let judgement = Judgement {
            run: journal.run().to_owned(),
            project: start.project,
            base: start.base,
            change: order.given.name().to_owned(),
            digest,
            advisories: start.advisories,
            toolchain: start.toolchain,
            about: order.stated.clone(),
            components: Vec::new(),
            evidence: Evidence {
                before: Phase::default(),
                after: Phase::default(),
                claim: if order.stated.is_empty() && order.reproducer.is_none() {
                    Claim::Nothing
                } else {
                    Claim::Fix
                },
                confinement: order.confinement,
            },
            notes: vec![order.source.describe()],
            folder: folder.clone(),
            reused: false,
            put_back: Vec::new(),
            addition: None,
        };
        Ok(Self {
            logs: Logs::of(&folder, "checks"),
            order,
            journal,
            judgement,
            locations: Vec::new(),
            weaknesses: Vec::new(),
        })
    }

    /// Every rung but the verdict.
    fn climb(&mut self, base: &Base) -> Result<()> {
        if let Some(mut changed) = self.change(base)? {
            self.scope(base, &mut changed)?;
            let settled = self.rescan(base, &changed)?;
            if self.stands() {
                self.goes_on()?;
                self.trial(base, &changed, &settled)?;
            }
        }
        Ok(())
    }

    /// An error where it was told to stop.
    fn goes_on(&self) -> Result<()> {
        ensure!(
            !self.order.cancel.is_cancelled(),
            "judge the change: it was stopped"
        );
        Ok(())
    }

    /// The untouched tree.
    fn base(&mut self) -> Result<Base> {
        let order = &self.order;
        let base = Base::claim(order, &identity(order)?)?;
        self.judgement.notes.extend(base.notes().iter().cloned());
        Ok(base)
    }

    /// The changed tree; `None`, and Scope says why, where the change cannot be carried out.
    fn change(&mut self, base: &Base) -> Result<Option<Changed>> {
        self.order.progress.step("applying the change to a copy");
        let name = changed_name(&self.judgement.digest);
        base.discard(&name)?;
        let (root, work) = base.attempt(&name)?;
        let part = self.order.source.part();
        crate::source::duplicate(base.tree(), &root)?;
        match self.order.given.carry_out(&root, part)? {
            Ok(notes) => self.judgement.notes.extend(notes),
            Err(unusable) => {
                let outcome = Outcome::Failed(unusable.to_string());
                self.after(CheckRun::instant(Check::Scope, outcome))?;
                base.discard(&name)?;
                return Ok(None);
            }
        }
        Ok(Some(Changed {
            root,
            work,
            paths: Vec::new(),
            rewritten: BTreeSet::new(),
        }))
    }

    /// What the finders say of both trees.
    fn rescan(&mut self, base: &Base, changed: &Changed) -> Result<Settled> {
        self.order.progress.step("scanning both trees");
        let (advisories, places) = (&self.order.advisories, &self.order.places);
        let before = rescan::scan(base.tree(), advisories, places)?;
        let after = rescan::scan(&changed.root, advisories, places)?;
        let rescanned = rescan::compare(&before, &after, &self.order.stated);
        for finding in &rescanned.about {
            self.judgement.about.push(report::words::finding(finding));
        }
        if !rescanned.about.is_empty() || !self.weaknesses.is_empty() {
            self.judgement.evidence.claim = Claim::Fix;
        }
        self.before(rescanned.before)?;
        self.after(rescanned.after)?;
        Ok(Settled {
            flaws: rescanned.about,
            before,
            after,
        })
    }

    /// Has no rung failed so far?
    fn stands(&self) -> bool {
        let mut runs = self.judgement.evidence.after.runs();
        !runs.any(|run| matches!(run.outcome, Outcome::Failed(_) | Outcome::TimedOut))
    }

    /// Writes the verdict down and gives the changed tree back.
    fn conclude(mut self, base: &Base) -> Result<Judgement> {
        for check in Check::LADDER {
            if self.judgement.evidence.after.get(check).is_none() {
                let why = "the change did not come that far";
                let run = CheckRun::instant(check, Outcome::NotRun(why.into()));
                self.judgement.evidence.after.insert(run);
            }
        }
        let judgement = self.judgement;
        let verdict = judgement.evidence.verdict();
        self.journal.write(&Event::Judged {
            change: judgement.change.clone(),
            digest: judgement.digest.clone(),
            verdict: verdict.to_string(),
            toolchain: judgement.toolchain.clone(),
        })?;
        let exit = crate::exit::Exit::of_verdict(&verdict);
        self.journal
            .write(&Event::RunFinished { exit: exit.code() })?;
        report::write_judgement(&judgement)?;
        base.discard(&changed_name(&judgement.digest))?;
        self.order.progress.finish();
        Ok(judgement)
    }

    fn before(&mut self, run: CheckRun) -> Result<()> {
        let run = self
            .logs
            .keep(private::passed_on(run, self.order.policy.inputs))?;
        self.write("before", &run)?;
        self.judgement.evidence.before.insert(run);
        Ok(())
    }

    fn after(&mut self, run: CheckRun) -> Result<()> {
        let run = self
            .logs
            .keep(private::passed_on(run, self.order.policy.inputs))?;
        self.write("after", &run)?;
        self.judgement.evidence.after.insert(run);
        Ok(())
    }

    fn write(&mut self, attempt: &str, run: &CheckRun) -> Result<()> {
        self.journal.write(&Event::Checked {
            attempt: attempt.to_owned(),
            run: wire::CheckRun::from(run),
        })
    }
}

/// The name of the changed tree in the folder of the base.
fn changed_name(digest: &str) -> String {
    format!("changed-{}", digest.chars().take(16).collect::<String>())
}

/// Covers all that the untouched tree's build and tests depend on, but for the tools: its files,
/// the commands and limits, and this program. Which tools it needs only its files tell.
fn identity(order: &Order) -> Result<String> {
    let tree = match &order.source {
        Source::Git(repository) => repository.tree()?,
        folder @ Source::Folder(_) => folder.base()?,
    };
    let part = order.source.part().map(ToString::to_string);
    let confinement = report::json::confinement(order.confinement);
    let covered = format!(
        "{tree}{part:?}{:?}{confinement}{}",
        order.policy,
        env!("CARGO_PKG_VERSION")
    );
    Ok(blake3::hash(covered.as_bytes()).to_hex().to_string())
}

/// Describes what is judged.
fn start_of(order: &Order, digest: &str) -> Result<RunStart> {
    let policy = blake3::hash(format!("{:?}{:?}", order.policy, order.stated).as_bytes());
    let start = RunStart {
        identity: String::new(),
        project: order.source.root().display().to_string(),
        base: order.source.base()?,
        advisories: format!(
            "{} ({})",
            order.advisories.description(),
            order.advisories.digest()?.short()
        ),
        // Only what is built is asked for its tools: `Event::Judged` tells.
        toolchain: String::new(),
        confinement: report::json::confinement(order.confinement).to_owned(),
        policy: policy.to_hex().to_string(),
        reproducers: String::new(),
        started_at_s: 0,
    };
    Ok(start.sealed(digest))
}
