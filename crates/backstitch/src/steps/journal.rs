//! The run's part of the ledger: what was done is looked up, what is done is written
//! down before the next step begins.

use anyhow::Result;
use backstitch_model::{Check, CheckRun, RelPath};
use backstitch_verify::workbench::SavedBaseline;

use crate::ledger::{Event, History, Ledger, RunStart};
use crate::wire;

/// The run in the ledger.
#[derive(Debug)]
pub struct Journal {
    ledger: Ledger,
    run: String,
    history: History,
    started_at_s: i64,
}

impl Journal {
    /// Goes on with the run of the same identity that was cut off, unless `fresh`; else
    /// begins a new one.
    pub fn begin(mut ledger: Ledger, start: RunStart, fresh: bool) -> Result<Self> {
        let unfinished = if fresh {
            None
        } else {
            ledger.unfinished(&start.identity)?
        };
        if let Some((run, history)) = unfinished {
            ledger.append(
                &run,
                &Event::RunResumed {
                    events: history.events(),
                },
            )?;
            let started_at_s = history
                .start()
                .map_or(start.started_at_s, |start| start.started_at_s);
            return Ok(Self {
                ledger,
                run,
                history,
                started_at_s,
            });
        }
        let started_at_s = start.started_at_s;
        let run = ledger.start(start)?;
        Ok(Self {
            ledger,
            run,
            history: History::default(),
            started_at_s,
        })
    }

    /// The run's id.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// When the run began; a run that goes on keeps its time, so that its plans stay the same.
    pub fn started_at_s(&self) -> i64 {
        self.started_at_s
    }

    /// Does this run go on with an earlier one?
    pub fn resumed(&self) -> bool {
        self.history.events() > 0
    }

    /// Says so, where it does.
    pub fn resumption(&self) -> Option<String> {
        self.resumed().then(|| {
            format!(
                "going on with run {}, which was cut off; finished checks are not repeated",
                self.run
            )
        })
    }

    /// What an earlier process of this run had done.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Writes an event down.
    pub fn write(&mut self, event: &Event) -> Result<()> {
        self.ledger.append(&self.run, event)?;
        Ok(())
    }

    /// Writes an event down, unless an earlier process of this run did.
    pub fn write_once(&mut self, event: &Event) -> Result<()> {
        if self.history.has_told(event) {
            return Ok(());
        }
        self.write(event)
    }

    /// The baseline that an earlier process of this run wrote down, and whether its tests
    /// had been run.
    pub fn baseline(&self, lockfile: &RelPath) -> Result<Option<(SavedBaseline, bool)>> {
        let Some(written) = self.history.baseline(lockfile.as_str()) else {
            return Ok(None);
        };
        Ok(written.saved()?)
    }

    /// Writes down how the untouched project does, as far as it is known.
    pub fn write_baseline(
        &mut self,
        lockfile: &RelPath,
        baseline: &SavedBaseline,
        tested: bool,
    ) -> Result<()> {
        let wire::Baseline {
            checks,
            tests,
            commands,
        } = wire::Baseline::new(baseline, tested);
        self.write(&Event::Baseline {
            lockfile: lockfile.to_string(),
            checks,
            tests,
            commands,
        })
    }

    /// A check that an earlier process of this run finished.
    pub fn finished(&self, attempt: &str, check: Check) -> Option<CheckRun> {
        let run = self.history.checked(attempt, check.name())?;
        CheckRun::try_from(run).ok()
    }

    /// Makes a check, unless it was finished already, and writes it down.
    pub fn check(
        &mut self,
        attempt: &str,
        check: Check,
        make: impl FnOnce() -> Result<CheckRun>,
    ) -> Result<CheckRun> {
        if let Some(run) = self.finished(attempt, check) {
            return Ok(run);
        }
        let run = make()?;
        let event = Event::Checked {
            attempt: attempt.to_owned(),
            run: wire::CheckRun::from(&run),
        };
        self.write(&event)?;
        Ok(run)
    }
}
