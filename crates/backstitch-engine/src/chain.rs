//! The engines that the user listed, in their order. One that refuses, is away or is of no use is
//! passed over for the next; none is asked again with other words.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backstitch_model::FindingId;

use crate::brief::{Brief, SafeBrief};
use crate::budget::{Budget, Spend};
use crate::engine::Engine;
use crate::outcome::Outcome;
use crate::proposal::Proposal;
use crate::redact::Redactor;

/// How often in a row an engine may be away for a reason that passes before it is given up.
const FAILURES_MAX: u32 = 2;

/// How long an engine is left alone that is asked too often and does not say how long.
const REST: Duration = Duration::from_secs(60);

/// A clock that only goes forward, from any beginning. The time of day may jump; this must not.
pub trait Clock: fmt::Debug + Send + Sync {
    /// How long it has been running.
    fn now(&self) -> Duration;
}

/// The machine's own.
#[derive(Debug)]
pub struct Steady(Instant);

impl Default for Steady {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Steady {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The engines of a run, and what is known of each by now.
#[derive(Debug)]
pub struct Chain {
    links: Vec<Link>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct Link {
    engine: Arc<dyn Engine>,
    failures: u32,
    is_lost: bool,
    rests_until: Duration,
    declined: BTreeSet<FindingId>,
}

/// One engine's turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// The engine.
    pub engine: String,
    /// What came of it.
    pub outcome: Outcome,
    /// What it used.
    pub spent: Spend,
    /// Is it not asked any more in this run?
    pub is_lost: bool,
    /// What it was told; nothing where it was not asked.
    pub brief: Option<Box<SafeBrief>>,
}

/// What a turn says of an engine's later ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may be asked again.
    Open,
    /// It is not asked about this finding again.
    Declined,
    /// It is not asked again in this run.
    Lost,
}

/// What came of asking for a finding.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// Each engine that had a turn; a refusal is told here, and only once.
    pub turns: Vec<Turn>,
    /// The first proposal, with the engine it is of. Without one, what needs no engine is left.
    pub proposed: Option<(String, Proposal)>,
}

impl Chain {
    /// Makes a chain of the engines in their order.
    pub fn new(engines: Vec<Arc<dyn Engine>>, clock: Arc<dyn Clock>) -> Self {
        let links = engines.into_iter().map(|engine| Link {
            engine,
            failures: 0,
            is_lost: false,
            rests_until: Duration::ZERO,
            declined: BTreeSet::new(),
        });
        Self {
            links: links.collect(),
            clock,
        }
    }

    /// Is an engine left that may be asked about this finding, now or after a rest?
    pub fn has_more_for(&self, finding: &FindingId) -> bool {
        let mut links = self.links.iter();
        links.any(|link| !link.is_lost && !link.declined.contains(finding))
    }

    /// Asks one after another until one proposes something. Every engine gets the same brief, cut
    /// to its size.
    pub fn ask(
        &mut self,
        finding: &FindingId,
        brief: &Brief,
        redactor: &Redactor,
        budget: &mut Budget,
    ) -> Asked {
        let mut asked = Asked::default();
        let mut had = BTreeSet::new();
        while asked.proposed.is_none()
            && let Some(turn) = self.ask_next(finding, brief, redactor, budget, &had)
        {
            if let Outcome::Proposed(proposal) = &turn.outcome {
                asked.proposed = Some((turn.engine.clone(), proposal.clone()));
            }
            had.insert(turn.engine.clone());
            asked.turns.push(turn);
        }
        asked
    }

    /// Asks the first engine that may be asked and is none of `had`; nothing where none is left.
    pub fn ask_next(
        &mut self,
        finding: &FindingId,
        brief: &Brief,
        redactor: &Redactor,
        budget: &mut Budget,
        had: &BTreeSet<String>,
    ) -> Option<Turn> {
        let now = self.clock.now();
        let may_be_asked = |link: &&mut Link| {
            !link.is_lost
                && !link.declined.contains(finding)
                && now >= link.rests_until
                && !had.contains(link.engine.name())
        };
        let link = self.links.iter_mut().find(may_be_asked)?;
        Some(link.turn(finding, brief, redactor, budget, &*self.clock))
    }

    /// Takes up what an earlier process of the same run learned of an engine.
    pub fn recall(&mut self, engine: &str, finding: &FindingId, standing: Standing) {
        let named = |link: &&mut Link| link.engine.name() == engine;
        for link in self.links.iter_mut().filter(named) {
            match standing {
                Standing::Open => {}
                Standing::Declined => _ = link.declined.insert(finding.clone()),
                Standing::Lost => link.is_lost = true,
            }
        }
    }
}

impl Turn {
    /// What it says of the engine's later turns.
    pub fn standing(&self) -> Standing {
        if self.is_lost {
            Standing::Lost
        } else if self.outcome.declines() {
            Standing::Declined
        } else {
            Standing::Open
        }
    }
}

impl Link {
    fn turn(
        &mut self,
        finding: &FindingId,
        brief: &Brief,
        redactor: &Redactor,
        budget: &mut Budget,
        clock: &dyn Clock,
    ) -> Turn {
        let terms = self.engine.terms();
        let brief = brief.clone().made_safe(redactor, terms.brief_tokens_max);
        let (outcome, spent, told) = match budget.reserve(finding, terms.worst(&brief)) {
            Err(exhausted) => {
                let outcome = Outcome::BudgetExhausted(exhausted);
                (outcome, Spend::default(), None)
            }
            Ok(reservation) => {
                let worst = reservation.worst();
                let began = clock.now();
                let answer = self.engine.propose(&brief, worst.wall);
                let wall = clock.now().saturating_sub(began);
                let spent = terms.used(answer.usage, wall, worst);
                budget.settle(reservation, spent);
                (answer.outcome, spent, Some(Box::new(brief)))
            }
        };
        self.learn(finding, &outcome, clock.now());
        Turn {
            engine: self.engine.name().to_owned(),
            outcome,
            spent,
            is_lost: self.is_lost,
            brief: told,
        }
    }

    /// Notes what an outcome says of the engine's later turns.
    fn learn(&mut self, finding: &FindingId, outcome: &Outcome, now: Duration) {
        if outcome.declines() {
            self.declined.insert(finding.clone());
        }
        match outcome {
            Outcome::Unavailable(why) => {
                self.failures += 1;
                self.is_lost = why.kind.is_lasting() || self.failures >= FAILURES_MAX;
            }
            Outcome::RateLimited { wait } => {
                self.rests_until = now.saturating_add(wait.unwrap_or(REST));
            }
            Outcome::Refused(_)
            | Outcome::SuspectedRefusal { .. }
            | Outcome::Rerouted { .. }
            | Outcome::Proposed(_)
            | Outcome::NoChange(_)
            | Outcome::Malformed(_) => self.failures = 0,
            Outcome::BudgetExhausted(_) => {}
        }
    }
}
