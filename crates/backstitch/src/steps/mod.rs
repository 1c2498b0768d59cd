//! What the loop's steps work with, and one module a step, in the order of the loop.

mod find;
mod propose;
mod verify;

mod ask;
mod mend;

mod apply;
mod group;
mod reproduce;
mod scope;
mod suspect;

mod offer;

mod record;
mod reverify;

mod ahead;
mod journal;
mod logs;
mod pairing;
mod workplace;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use backstitch_fix::Plan;
use backstitch_model::evidence::{Confinement, Phase};
use backstitch_model::{Finding, FindingId, Policy, Project, RelPath};
use backstitch_verify::sandbox::Cancel;
use backstitch_verify::workbench::{Baseline, Tree};

use crate::advisories::Advisories;
use crate::deliver;
use crate::engines::Asker;
use crate::ledger::{Event, Ledger, RunStart};
use crate::managers::Managers;
use crate::mend::{Flaw, Flaws, Mended};
use crate::network::Network;
use crate::places::Places;
use crate::proof::Reproduced;
use crate::registries::Registries;
use crate::report::{self, Progress};
use crate::reproducers::Library;
use crate::source::Source;
use crate::story::{Mending, Story};

pub use find::slug;
pub use journal::Journal;
pub use logs::Logs;
pub use pairing::Pairing;
pub use workplace::Workplace;

use ahead::{Ahead, Base, NextBase};
use apply::Ground;
use group::Tally;
use verify::{Changed, Link};

/// Everything a run works with.
pub struct Steps {
    source: Source,
    // What is in an `Arc` is shared with what is done ahead.
    advisories: Arc<Advisories>,
    releases: Arc<Registries>,
    reproducers: Library,
    /// Who may propose what the planner has no candidate for.
    asker: Option<Asker>,
    /// The weaknesses of the project's own code that were named.
    flaws: Vec<Flaw>,
    /// Runs the scanner that reported them.
    rescan: Option<Vec<String>>,
    places: Places,
    /// Stops what is judged.
    cancel: Cancel,
    managers: Arc<Managers>,
    policy: Arc<Policy>,
    only: Vec<String>,
    workplace: Arc<Workplace>,
    journal: Journal,
    progress: Arc<Progress>,
    confinement: Confinement,
    story: Story,
    /// The requirements files of which pip said what it would install.
    resolved: BTreeSet<RelPath>,
    ahead: Option<Ahead>,
    /// The beginning of a chain that was put off as a whole.
    kept: Vec<Link>,
    /// The projects that have something to be fixed, in their order.
    bases: Vec<Base>,
    next_base: Option<NextBase>,
    /// The whole whose packages were brought ahead.
    brought_ahead: Option<String>,
    /// Removes what is not needed again.
    tidying: Option<JoinHandle<()>>,
}

/// What a run is asked for.
pub struct Order {
    /// The project.
    pub source: Source,
    /// The advisories to go by.
    pub advisories: Advisories,
    /// What a fix may do.
    pub policy: Policy,
    /// Only findings of these ids or packages; all of them when empty.
    pub only: Vec<String>,
    /// Where things live.
    pub places: Places,
    /// May the network be used?
    pub network: Network,
    /// Show flaws.
    pub reproducers: Library,
    /// May propose fixes; nobody where the user's settings list no engine.
    pub asker: Option<Asker>,
    /// The engines and their limits, in words: they make a difference to what is done.
    pub engines: String,
    /// What is wrong with the project's own code.
    pub flaws: Flaws,
    /// The command that runs the scanner that reported it.
    pub rescan: Option<Vec<String>>,
    /// Stops what is judged.
    pub cancel: Cancel,
    /// Build and test.
    pub managers: Managers,
    /// How the project's programs are kept in.
    pub confinement: Confinement,
    /// Begin anew even where an interrupted run could go on?
    pub fresh: bool,
    /// Shows what is going on.
    pub progress: Arc<Progress>,
}

/// One lockfile's project on its way: the tree with every fix accepted so far.
pub struct Underway {
    tree: Tree,
    /// The directory that the tree's packages were brought with.
    work: PathBuf,
    /// Names the tree: the base and every attempt accepted since.
    key: String,
    project: Project,
    /// Every finding of the tree as it is now, those that nobody asked for included.
    findings: Vec<Finding>,
    /// What could not be judged in it.
    unclear: BTreeSet<String>,
    /// Manifests that another lockfile locks too, and which: a change of one would leave that
    /// lockfile behind.
    shared_manifests: BTreeMap<RelPath, RelPath>,
    /// The checks of the untouched tree, which every fix's evidence begins with.
    before: Phase,
    /// What attempts build upon and are compared with.
    baseline: Option<Baseline>,
    /// The record of each finding that is asked for and still there; its id may have changed
    /// with its version.
    records: BTreeMap<FindingId, usize>,
    /// What reproducers saw in the untouched tree, by record.
    reproduced: BTreeMap<usize, Vec<Reproduced>>,
    /// What can still be tried here; `None` until planned, and again after each accepted fix.
    plans: Option<Vec<Plan>>,
    /// How many fixes the run had before this project's.
    fixes_before: usize,
    tried: BTreeSet<String>,
    /// The changes rejected on whatever tree.
    rejected: BTreeSet<String>,
    /// How many candidates for each package were rejected.
    rejections: BTreeMap<String, usize>,
    /// The changes of whose packages a failure spoke: they go last, and alone.
    suspected: BTreeSet<String>,
    /// How those that were built did.
    tally: Tally,
}

impl Underway {
    fn ground(&self) -> Ground<'_> {
        Ground {
            tree: &self.tree,
            project: &self.project,
            findings: &self.findings,
            unclear: &self.unclear,
            work: &self.work,
            key: &self.key,
        }
    }

    fn judged(&self) -> Result<&Baseline> {
        let baseline = self.baseline.as_ref();
        baseline.context("try a candidate before the baseline")
    }
}

impl Steps {
    /// Gets everything ready and begins the run in the ledger, or goes on with one that
    /// was cut off.
    pub fn begin(order: Order) -> Result<Self> {
        let start = start_of(&order)?;
        order.places.make_state()?;
        let workplace = Workplace::claim(&order.places, &start.identity)?;
        let ledger = Ledger::open(&order.places.ledger())?;
        let journal = Journal::begin(ledger, start.clone(), order.fresh)?;
        if !journal.resumed() {
            workplace.clear()?;
        }
        let evidence = order.places.evidence().join(journal.run());
        crate::private::folder(&evidence)
            .with_context(|| format!("create `{}`", evidence.display()))?;
        let mut notes = vec![order.source.describe()];
        notes.extend(commands(&order.policy));
        notes.extend(order.advisories.notes());
        notes.extend(order.reproducers.problems.iter().cloned());
        if let Some(resumed) = journal.resumption() {
            order.progress.line(&resumed);
            notes.push(resumed);
        }
        let story = Story {
            run: journal.run().to_owned(),
            started_at_s: journal.started_at_s(),
            project: start.project,
            base: start.base,
            advisories: start.advisories,
            toolchain: start.toolchain,
            confinement: order.confinement,
            records: Vec::new(),
            weaknesses: order.flaws.all.iter().map(begun).collect(),
            baselines: Vec::new(),
            fixes: Vec::new(),
            delivered: Vec::new(),
            offers: Vec::new(),
            asks: Vec::new(),
            notes,
            unread: Vec::new(),
            unasked: order.flaws.unasked,
            delivery: None,
            evidence,
        };
        Ok(Self {
            releases: Arc::new(Registries::open(order.places.cache(), &order.network)?),
            source: order.source,
            advisories: Arc::new(order.advisories),
            reproducers: order.reproducers,
            asker: order.asker,
            flaws: order.flaws.all,
            rescan: order.rescan,
            places: order.places,
            cancel: order.cancel,
            managers: Arc::new(order.managers),
            policy: Arc::new(order.policy),
            only: order.only,
            workplace: Arc::new(workplace),
            journal,
            progress: order.progress,
            confinement: order.confinement,
            story,
            resolved: BTreeSet::new(),
            ahead: None,
            kept: Vec::new(),
            bases: Vec::new(),
            next_base: None,
            brought_ahead: None,
            tidying: None,
        })
    }

    /// Copies the base into the workplace.
    pub fn copy_base(&mut self) -> Result<PathBuf> {
        self.progress.step("copying the project");
        let base = self.workplace.tree("base")?;
        let notes = Workplace::fill(&base, |folder| self.source.copy_to(folder))?;
        self.story.notes.extend(notes);
        Ok(base)
    }

    /// Leaves the fixes for a human, writes the reports and ends the run.
    pub fn deliver(&mut self) -> Result<Story> {
        self.progress.step("delivering");
        self.story.delivery = deliver::deliver(&self.source, &mut self.story, &self.policy)?;
        deliver::offers(&mut self.story)?;
        if let Some(delivery) = &self.story.delivery {
            let (place, items) = delivery.place_and_items();
            self.journal
                .write_once(&Event::Delivered { place, items })?;
        }
        report::write_files(&self.story)?;
        let exit = self.story.exit();
        self.journal
            .write(&Event::RunFinished { exit: exit.code() })?;
        self.finish_ahead();
        self.next_base = None;
        self.finish_tidying();
        self.workplace.give_back()?;
        self.progress.finish();
        Ok(self.story.clone())
    }
}

/// A weakness that nothing was done about yet.
fn begun(flaw: &Flaw) -> Mending {
    Mending {
        weakness: flaw.weakness.clone(),
        mended: Mended::default(),
        obstacle: None,
    }
}

/// Says which commands stand in for the usual ones: a verdict is worth what they are.
fn commands(policy: &Policy) -> impl Iterator<Item = String> {
    let told = |what: &str, command: &Option<Vec<String>>| {
        let words = command.as_ref()?.join(" ");
        Some(format!(
            "the settings say how the project is {what}: `{words}`"
        ))
    };
    let build = told("built", &policy.build_command);
    build
        .into_iter()
        .chain(told("tested", &policy.test_command))
}

/// Describes what the run starts from; the identity covers all of it but the time.
fn start_of(order: &Order) -> Result<RunStart> {
    let start = RunStart {
        identity: String::new(),
        project: order.source.root().display().to_string(),
        base: order.source.base()?,
        advisories: format!(
            "{} ({})",
            order.advisories.description(),
            order.advisories.digest()?.short()
        ),
        toolchain: order.managers.about()?,
        confinement: report::json::confinement(order.confinement).to_owned(),
        policy: blake3::hash(format!("{:?}{:?}", order.policy, order.only).as_bytes())
            .to_hex()
            .to_string(),
        reproducers: order.reproducers.digest(),
        started_at_s: 0,
    };
    let part = order.source.part().map(ToString::to_string);
    let named = order.flaws.identity(order.rescan.as_deref());
    Ok(start.sealed(&format!("{part:?}{}{named}", order.engines)))
}
