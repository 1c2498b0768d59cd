//! Runs many variants: together as far as that tells enough, and alone where it does not.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use backstitch_model::Oracle;
use serde::{Deserialize, Serialize};

use super::judge::Saw;
use super::shots::{Given, Shot, Stage};
use super::volley::{Glance, HUNG_MAX};
use crate::workbench::error::VerifyError;

/// How long all variants may take on one build of one tree.
const TIME: Duration = Duration::from_secs(30);
/// How many are run together: few at first, since one may be all that is needed.
const TOGETHER: [usize; 3] = [16, 64, 128];
/// How many are run again alone because of what they showed, unless one showed something else then.
const ALONE_MAX: usize = 24;
/// After so many starts that told nothing each is run alone.
const IDLE_MAX: usize = 2;

/// What one of many inputs showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) saw: Saw,
    /// Stands for all of its behaviour.
    pub(super) mark: u64,
    /// Did it end as one does that was of use?
    pub(super) is_done: bool,
}

/// What is done about what an input shows, by its number.
pub(super) struct Wary<'of> {
    /// Is it run again alone?
    pub(super) again: &'of dyn Fn(usize, &Saw) -> bool,
    /// Is nothing more asked after it?
    pub(super) enough: &'of dyn Fn(usize, &Saw) -> bool,
}

impl Seen {
    fn glanced(oracle: Oracle, glance: &Glance) -> Self {
        let stopped = matches!(glance.run.end, backstitch_model::oracle::End::TimedOut);
        Self {
            saw: Saw::of(oracle.look(&glance.run), stopped),
            mark: glance.behaviour.mark(),
            is_done: glance.behaviour.is_done(),
        }
    }

    fn alone(oracle: Oracle, shot: &Shot) -> Self {
        Self {
            saw: super::saw(oracle, shot),
            mark: shot.behaviour.mark(),
            is_done: shot.behaviour.is_done(),
        }
    }
}

/// What the inputs of these numbers show, as far as time allows.
pub(super) fn attacked(
    stage: &mut Stage<'_>,
    all: &[Given],
    order: &[usize],
    oracle: Oracle,
    wary: &Wary<'_>,
    notes: &mut Vec<String>,
) -> Result<BTreeMap<usize, Seen>, VerifyError> {
    let began = Instant::now();
    let mut run = Many {
        stage,
        oracle,
        alone: 0,
        hung: 0,
        refuted: false,
        seen: BTreeMap::new(),
    };
    let (mut at, mut starts, mut idle) = (0, 0, 0);
    while at < order.len() {
        let left = TIME.saturating_sub(began.elapsed());
        if left.is_zero() {
            let (tried, all) = (run.seen.len(), order.len());
            notes.push(format!("time allowed only {tried} of {all} variants"));
            break;
        }
        let most = if idle < IDLE_MAX {
            TOGETHER[starts.min(TOGETHER.len() - 1)]
        } else {
            1
        };
        let chunk = &order[at..order.len().min(at + most)];
        let given: Vec<Given> = chunk.iter().map(|number| all[*number].clone()).collect();
        let glances = if idle < IDLE_MAX {
            run.stage.volley(&given, left)?
        } else {
            Vec::new()
        };
        starts += 1;
        idle = if glances.is_empty() { idle + 1 } else { 0 };
        for ((number, given), glance) in chunk.iter().zip(&given).zip(&glances) {
            if run.take(*number, given, glance, wary)? {
                return Ok(run.seen);
            }
            if began.elapsed() > TIME * 2 {
                break;
            }
        }
        // One that ended all that was to come after it is run alone.
        if let (Some(number), Some(given)) = (chunk.get(glances.len()), given.get(glances.len())) {
            let seen = run.alone(given)?;
            let enough = (wary.enough)(*number, &seen.saw);
            run.seen.insert(*number, seen);
            at += 1;
            if enough {
                return Ok(run.seen);
            }
        }
        at += glances.len();
    }
    if run.refuted {
        notes.push(
            "some variants show something else where they are run alone, and that counts".into(),
        );
    }
    Ok(run.seen)
}

struct Many<'many, 'run> {
    stage: &'many mut Stage<'run>,
    oracle: Oracle,
    alone: usize,
    hung: usize,
    refuted: bool,
    seen: BTreeMap<usize, Seen>,
}

impl Many<'_, '_> {
    /// Notes what a run among others did; answers whether that is enough.
    fn take(
        &mut self,
        number: usize,
        given: &Given,
        glance: &Glance,
        wary: &Wary<'_>,
    ) -> Result<bool, VerifyError> {
        let mut seen = Seen::glanced(self.oracle, glance);
        self.hung += usize::from(matches!(seen.saw, Saw::Stopped(_)));
        self.stage.is_hurried |= self.hung >= HUNG_MAX;
        let asked = (wary.again)(number, &seen.saw) && (self.alone < ALONE_MAX || self.refuted);
        if glance.is_unclear || asked {
            self.alone += 1;
            let alone = self.alone(given)?;
            self.refuted |= seen.saw.failure().is_some() != alone.saw.failure().is_some();
            seen = alone;
        }
        let enough = (wary.enough)(number, &seen.saw);
        self.seen.insert(number, seen);
        Ok(enough)
    }

    fn alone(&mut self, given: &Given) -> Result<Seen, VerifyError> {
        let shot = self.stage.shoot(given)?;
        self.stage.forget(&shot)?;
        Ok(Seen::alone(self.oracle, &shot))
    }
}
