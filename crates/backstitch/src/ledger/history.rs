//! What a run that was cut off had already done.

use std::collections::{BTreeMap, BTreeSet};

use super::event::{Event, FileText, RunStart};
use crate::wire;

/// The finished steps of one run, by what they belong to.
#[derive(Debug, Default)]
pub struct History {
    start: Option<RunStart>,
    events: u64,
    baselines: BTreeMap<String, wire::Baseline>,
    applied: BTreeMap<String, Applied>,
    checked: BTreeMap<(String, String), wire::CheckRun>,
    reproduced: BTreeMap<Reproducing, wire::Reproduction>,
    /// What engines said, by the finding and the round.
    asked: BTreeMap<(String, u32), Vec<wire::Ask>>,
    /// What was judged of proposals for weaknesses, by the attempt.
    tried: BTreeMap<String, wire::Tried>,
    found: bool,
    told: Vec<Event>,
}

/// What names one run of a reproducer: tree, finding, version, reproducer.
type Reproducing = (String, String, String, String);
/// What applying a candidate led to, as the ledger holds it.
#[derive(Debug, Clone)]
pub enum Applied {
    Done(Vec<FileText>),
    Refused(String),
}

impl History {
    /// Reads a run's events, first to last.
    pub fn replay(events: impl IntoIterator<Item = Event>) -> Self {
        let mut history = Self::default();
        for event in events {
            history.events += 1;
            history.add(event);
        }
        history
    }

    fn add(&mut self, event: Event) {
        match event {
            Event::RunStarted(start) => self.start = Some(start),
            Event::Found { .. } => self.found = true,
            Event::Baseline {
                lockfile,
                checks,
                tests,
                commands,
            } => {
                self.baselines.insert(
                    lockfile,
                    wire::Baseline {
                        checks,
                        tests,
                        commands,
                    },
                );
            }
            Event::Applied {
                attempt,
                files,
                refused,
                ..
            } => {
                let applied = refused.map_or(Applied::Done(files), Applied::Refused);
                self.applied.insert(attempt, applied);
            }
            Event::Checked { attempt, run } => {
                self.checked.insert((attempt, run.check.clone()), run);
            }
            Event::Reproduced {
                tree,
                finding,
                version,
                reproduction,
            } => {
                let key = (tree, finding, version, reproduction.reproducer.clone());
                self.reproduced.insert(key, reproduction);
            }
            Event::Asked(ask) => {
                let key = (ask.finding.clone(), ask.round);
                self.asked.entry(key).or_default().push(ask);
            }
            Event::Tried(tried) => {
                self.tried.insert(tried.attempt.clone(), tried);
            }
            told @ (Event::Blocked { .. } | Event::Delivered { .. }) => self.told.push(told),
            Event::RunResumed { .. } | Event::Judged { .. } | Event::RunFinished { .. } => {}
        }
    }

    /// How the run began.
    pub fn start(&self) -> Option<&RunStart> {
        self.start.as_ref()
    }

    /// How many events it has.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Were the findings already recorded?
    pub fn found(&self) -> bool {
        self.found
    }

    /// Was this very thing already told? Only of what blocks a finding and of deliveries.
    pub fn has_told(&self, event: &Event) -> bool {
        self.told.contains(event)
    }

    /// The baseline of one lockfile.
    pub fn baseline(&self, lockfile: &str) -> Option<&wire::Baseline> {
        self.baselines.get(lockfile)
    }

    /// What applying one candidate led to.
    pub fn applied(&self, attempt: &str) -> Option<&Applied> {
        self.applied.get(attempt)
    }

    /// The candidates that were applied.
    pub fn applied_attempts(&self) -> BTreeSet<String> {
        self.applied.keys().cloned().collect()
    }

    /// The turns that engines had when they were asked about a finding for the `round`th time.
    pub fn asks(&self, finding: &str, round: u32) -> &[wire::Ask] {
        let turns = self.asked.get(&(finding.to_owned(), round));
        turns.map_or(&[], Vec::as_slice)
    }

    /// What was judged of one proposal for a weakness.
    pub fn tried(&self, attempt: &str) -> Option<&wire::Tried> {
        self.tried.get(attempt)
    }

    /// One check of one attempt.
    pub fn checked(&self, attempt: &str, check: &str) -> Option<&wire::CheckRun> {
        self.checked.get(&(attempt.to_owned(), check.to_owned()))
    }

    /// What a reproducer saw in one tree, against one release, for one finding.
    pub fn reproduced(
        &self,
        tree: &str,
        finding: &str,
        version: &str,
        reproducer: &str,
    ) -> Option<&wire::Reproduction> {
        let key = [tree, finding, version, reproducer].map(str::to_owned);
        self.reproduced.get(&key.into())
    }
}
