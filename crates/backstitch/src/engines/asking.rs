//! Asks the engines of the user's settings about one finding after another, and writes every turn
//! down before anything is done with it: an ask that was answered is not asked again by a run that
//! goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use backstitch_engine::chain::{Chain, Standing, Steady, Turn};
use backstitch_engine::engine::{Answer, Terms, Usage};
use backstitch_engine::wire::Failure;
use backstitch_engine::{Brief, Budget, Engine, Outcome, Proposal, Redactor, SafeBrief};
use backstitch_model::FindingId;

use super::{Engines, Entry, Line, Original, Walls, redactor};
use crate::ledger::Event;
use crate::private;
use crate::report::Progress;
use crate::steps::Journal;
use crate::wire;

/// The most questions about one finding, whatever the settings allow.
const ROUNDS_MAX: u32 = 50;

/// The engines of a run, in their order, and what they may still use.
#[derive(Debug)]
pub struct Asker {
    chain: Chain,
    budget: Budget,
    redactor: Redactor,
    /// What coding agents work in a copy of.
    project: Original,
    /// How many questions there were about each finding.
    rounds: BTreeMap<FindingId, u32>,
    /// The findings that nobody had a proposal for.
    closed: BTreeSet<FindingId>,
}

/// What came of one question.
#[derive(Debug, Default)]
pub struct Answered {
    /// Each engine that had a turn, in order.
    pub turns: Vec<wire::Ask>,
    /// The first proposal, with the engine that it is of.
    pub proposed: Option<(String, Proposal)>,
}

/// Where what is asked is written down and shown.
pub struct Desk<'run> {
    /// The run in the ledger.
    pub journal: &'run mut Journal,
    /// The run's folder of evidence, which keeps what was sent.
    pub folder: &'run Path,
    /// Shows what is going on.
    pub progress: &'run Progress,
}

impl Asker {
    /// Makes the given engines ready; nothing where there is none. One that cannot be made is
    /// told of when its turn comes.
    pub fn new<'entry>(
        engines: &Engines,
        entries: impl IntoIterator<Item = &'entry Entry>,
        walls: &Walls,
        line: &Line,
    ) -> Option<Self> {
        let open = |entry: &Entry| -> Arc<dyn Engine> {
            engines.open(entry, walls, line).unwrap_or_else(|failure| {
                Arc::new(Closed {
                    name: entry.name.clone(),
                    terms: entry.terms,
                    failure,
                })
            })
        };
        let all: Vec<_> = entries.into_iter().map(open).collect();
        if all.is_empty() {
            return None;
        }
        Some(Self {
            chain: Chain::new(all, Arc::new(Steady::default())),
            budget: Budget::new(engines.of_run, engines.of_finding),
            redactor: redactor(),
            project: walls.project.clone(),
            rounds: BTreeMap::new(),
            closed: BTreeSet::new(),
        })
    }

    /// May somebody still have something to propose for this finding?
    pub fn may_ask(&self, finding: &FindingId) -> bool {
        let rounds = self.rounds.get(finding).copied().unwrap_or(0);
        rounds < ROUNDS_MAX && !self.closed.contains(finding) && self.chain.has_more_for(finding)
    }

    /// Asks one engine after another until one proposes something; `tree` is what is to be changed,
    /// which coding agents get a copy of. A finding that nobody has a proposal for is not asked
    /// about again.
    pub fn ask(
        &mut self,
        finding: &FindingId,
        brief: &Brief,
        tree: &Path,
        desk: &mut Desk<'_>,
    ) -> Result<Answered> {
        let round = self.rounds.entry(finding.clone()).or_insert(0);
        *round += 1;
        let round = *round;
        let mut answered = Answered::default();
        self.project.set(tree);
        let mut had = BTreeSet::new();
        for ask in desk.journal.history().asks(&finding.0, round) {
            self.chain.recall(&ask.engine, finding, ask.standing());
            self.budget.add(finding, ask.spent());
            had.insert(ask.engine.clone());
            answered.add(ask.clone());
        }
        while answered.proposed.is_none() {
            let (redactor, budget) = (&self.redactor, &mut self.budget);
            let turn = self.chain.ask_next(finding, brief, redactor, budget, &had);
            let Some(turn) = turn else { break };
            had.insert(turn.engine.clone());
            let ask = wire::Ask::new(finding, round, &turn);
            keep(desk.folder, &turn, &ask)?;
            desk.progress
                .line(&format!("engine `{}`: {}", ask.engine, ask.words));
            desk.journal.write(&Event::Asked(ask.clone()))?;
            answered.add(ask);
        }
        if answered.proposed.is_none() {
            self.closed.insert(finding.clone());
        }
        Ok(answered)
    }

    /// Does not ask an engine about a finding again: it had nothing new to say.
    pub fn dismiss(&mut self, engine: &str, finding: &FindingId) {
        self.chain.recall(engine, finding, Standing::Declined);
    }
}

impl Answered {
    fn add(&mut self, ask: wire::Ask) {
        if let Some(proposal) = ask.proposed() {
            self.proposed = Some((ask.engine.clone(), proposal));
        }
        self.turns.push(ask);
    }
}

/// Keeps what an engine was told, under its digest.
fn keep(folder: &Path, turn: &Turn, ask: &wire::Ask) -> Result<()> {
    let (Some(brief), Some(digest)) = (&turn.brief, &ask.sent) else {
        return Ok(());
    };
    let folder = folder.join("asks");
    let file = folder.join(format!("{digest}.json"));
    private::folder(&folder)
        .and_then(|()| private::write(&file, brief.json()))
        .with_context(|| format!("keep what was sent in `{}`", file.display()))
}

/// An engine that the settings, or this machine, do not let be asked. It says so.
#[derive(Debug)]
struct Closed {
    name: String,
    terms: Terms,
    failure: Failure,
}

impl Engine for Closed {
    fn name(&self) -> &str {
        &self.name
    }

    fn terms(&self) -> &Terms {
        &self.terms
    }

    fn propose(&self, _: &SafeBrief, _: Duration) -> Answer {
        Answer {
            outcome: Outcome::unavailable(self.failure.kind, self.failure.detail.clone()),
            usage: Usage::Nothing,
        }
    }
}
