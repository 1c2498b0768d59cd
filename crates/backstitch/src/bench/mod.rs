//! Measures engines: each gets the same weaknesses, and what it proposes is judged by the same
//! checks as anything else. Without an engine nothing is proposed for a weakness of a project's own
//! code, and that is a line of the table, too.

mod cases;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use backstitch_engine::Spend;
use backstitch_model::Check;
use backstitch_model::evidence::Confinement;
use backstitch_model::verdict::{Conclusion, Verdict};
use backstitch_verify::sandbox::{Cancel, Sandbox};
use backstitch_verify::workbench::Start;

use crate::advisories::Advisories;
use crate::commands::run;
use crate::engines::{Asker, Desk, Engines, Entry, Line};
use crate::judge::{self, Given};
use crate::ledger::{Event, Ledger, RunStart};
use crate::managers::Managers;
use crate::mend::{self, Judged, Mended, Proposed, Tried};
use crate::places::Places;
use crate::report::{self, Progress};
use crate::reproducers::Library;
use crate::source::Source;
use crate::steps::Journal;
use crate::wire;

pub use cases::{Case, open};

/// The name of the line for what is done without any engine.
pub const NONE: &str = "none";
/// The name of the line for the cases' own right patches.
pub const REFERENCE: &str = "reference";

/// What is measured, and with what.
pub struct Bench<'given> {
    /// The weaknesses.
    pub cases: Vec<Case>,
    /// The user's settings.
    pub engines: &'given Engines,
    /// The engines of them that take part.
    pub entries: Vec<&'given Entry>,
    /// Where ledger and evidence go.
    pub places: Places,
    /// Keeps the programs in.
    pub sandbox: Sandbox,
    /// What stands between the engines and the world.
    pub line: Line,
    /// How they are kept in.
    pub confinement: Confinement,
    /// Shows what is going on.
    pub progress: Arc<Progress>,
    /// Stops what runs.
    pub cancel: Cancel,
}

/// How one engine did on one case.
#[derive(Debug, Clone)]
pub struct Row {
    /// The case's name.
    pub case: String,
    /// What it is written in.
    pub language: String,
    /// What is wrong in it.
    pub weakness: String,
    /// The engine, [`NONE`] or [`REFERENCE`].
    pub engine: String,
    /// How it ended.
    pub end: End,
    /// The rungs that rejected its proposals, first to last.
    pub rejections: Vec<Check>,
    /// The test that came with its last proposal, and what became of it.
    pub test: Option<wire::Test>,
    /// What asking cost.
    pub spent: Spend,
    /// How long asking and judging took.
    pub elapsed: Duration,
}

/// How one case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The verdict on the last proposal.
    Judged(Verdict),
    /// The engine declined; in its words.
    Refused(String),
    /// There was no proposal; why.
    Nothing(String),
}

/// The run of a bench in its ledger.
struct Run {
    journal: Journal,
    folder: PathBuf,
}

impl Bench<'_> {
    /// Gives every case to every engine, and to none.
    pub fn measure(&self) -> Result<Vec<Row>> {
        let mut run = self.begin()?;
        let mut askers = self.askers()?;
        let mut rows = Vec::new();
        for case in &self.cases {
            rows.push(row(case, NONE, nothing_proposed()));
            if askers.is_empty() {
                continue;
            }
            let managers = self.managers(case);
            for (name, asker) in &mut askers {
                self.progress.line(&format!("{}: `{name}`", case.name));
                rows.push(self.one(case, name, asker, &managers, &mut run)?);
            }
        }
        self.end(run)?;
        Ok(rows)
    }

    /// Judges every case's own right patch.
    pub fn check(&self) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for case in &self.cases {
            self.progress.line(&format!("{}: its reference", case.name));
            let began = Instant::now();
            let text = std::fs::read(&case.reference)
                .with_context(|| format!("read `{}`", case.reference.display()))?;
            let given = Given::Patch {
                name: REFERENCE.into(),
                text,
            };
            let proposed = Proposed {
                given,
                addition: None,
            };
            let judged = self.judge(case, &self.managers(case), proposed)?;
            let end = End::Judged(judged.evidence.verdict());
            rows.push(Row {
                rejections: rejection(&judged).into_iter().collect(),
                elapsed: began.elapsed(),
                ..row(case, REFERENCE, end)
            });
        }
        self.progress.finish();
        Ok(rows)
    }

    /// One case for one engine.
    fn one(
        &self,
        case: &Case,
        name: &str,
        asker: &mut Asker,
        managers: &Arc<Managers>,
        run: &mut Run,
    ) -> Result<Row> {
        let began = Instant::now();
        let mut desk = Desk {
            journal: &mut run.journal,
            folder: &run.folder,
            progress: &self.progress,
        };
        let mut judge = |proposed: Proposed, _: &mut Desk<'_>| self.judge(case, managers, proposed);
        let mended = mend::mend(&case.task(), &case.project, asker, &mut desk, &mut judge)?;
        let all = mended.asks.iter().map(wire::Ask::spent);
        let rejections = mended.tried.iter();
        Ok(Row {
            rejections: rejections
                .filter_map(|tried| rejection(&tried.judged))
                .collect(),
            test: mended.tried.last().and_then(Tried::test),
            spent: all.fold(Spend::default(), Spend::plus),
            elapsed: began.elapsed(),
            ..row(case, name, end(&mended))
        })
    }

    fn judge(&self, case: &Case, managers: &Arc<Managers>, proposed: Proposed) -> Result<Judged> {
        judge::judge(judge::Order {
            source: Source::open(&case.project)?,
            given: proposed.given,
            addition: proposed.addition,
            start: Start::Warm,
            stated: Vec::new(),
            reported: Vec::new(),
            rescan: None,
            reproducer: Some(case.reproducer.clone()),
            reproducers: Library::default(),
            advisories: Arc::new(Advisories::starter()?),
            policy: case.policy.clone(),
            places: self.places.clone(),
            managers: Arc::clone(managers),
            confinement: self.confinement,
            fresh: false,
            progress: Arc::clone(&self.progress),
            cancel: self.cancel.clone(),
        })
        .map(Judged::from)
    }

    /// The cases need nothing of a network, and get none.
    fn managers(&self, case: &Case) -> Arc<Managers> {
        let (sandbox, policy) = (self.sandbox.clone(), case.policy.clone());
        let managers = run::managers(
            sandbox,
            &self.places,
            policy,
            true,
            &self.progress,
            self.cancel.clone(),
        );
        Arc::new(managers)
    }

    /// Each engine alone, with the budgets of the settings to itself.
    fn askers(&self) -> Result<Vec<(String, Asker)>> {
        let walls = run::walls()?;
        let asker = |entry: &&Entry| {
            let asker = Asker::new(self.engines, [*entry], &walls, &self.line)?;
            Some((entry.name.clone(), asker))
        };
        Ok(self.entries.iter().filter_map(asker).collect())
    }

    fn begin(&self) -> Result<Run> {
        self.places.make_state()?;
        let names: Vec<&str> = self.cases.iter().map(|case| case.name.as_str()).collect();
        let start = RunStart {
            identity: String::new(),
            project: "bench".into(),
            base: names.join(" "),
            advisories: String::new(),
            toolchain: String::new(),
            confinement: report::json::confinement(self.confinement).to_owned(),
            policy: String::new(),
            reproducers: String::new(),
            started_at_s: 0,
        };
        let start = start.sealed(&format!("{:?}", self.engines));
        let ledger = Ledger::open(&self.places.ledger())?;
        let journal = Journal::begin(ledger, start, true)?;
        let folder = self.places.evidence().join(journal.run());
        Ok(Run { journal, folder })
    }

    fn end(&self, mut run: Run) -> Result<()> {
        run.journal.write(&Event::RunFinished { exit: 0 })?;
        self.progress.finish();
        Ok(())
    }
}

fn row(case: &Case, engine: &str, end: End) -> Row {
    Row {
        case: case.name.clone(),
        language: case.language.clone(),
        weakness: case.weakness.clone(),
        engine: engine.to_owned(),
        end,
        rejections: Vec::new(),
        test: None,
        spent: Spend::default(),
        elapsed: Duration::ZERO,
    }
}

fn nothing_proposed() -> End {
    let why = "Backstitch itself proposes nothing for a weakness of a project's own code";
    End::Nothing(why.into())
}

fn rejection(judged: &Judged) -> Option<Check> {
    match judged.evidence.verdict().conclusion {
        Conclusion::Rejected(check, _) => Some(check),
        Conclusion::Proven
        | Conclusion::ProvenDiffers(_)
        | Conclusion::Tested
        | Conclusion::Resolved
        | Conclusion::Clean
        | Conclusion::Inconclusive(_) => None,
    }
}

/// How a case ended: by the last proposal, else by the last answer.
fn end(mended: &Mended) -> End {
    if let Some(tried) = mended.tried.last() {
        return End::Judged(tried.judged.evidence.verdict());
    }
    match mended.asks.last() {
        Some(ask) if ask.outcome.starts_with("refused") => End::Refused(ask.words.clone()),
        Some(ask) => End::Nothing(format!("{}: {}", ask.outcome, ask.words)),
        None => End::Nothing("it was not asked: it was lost before".into()),
    }
}
