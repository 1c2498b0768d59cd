//! The verdict: what evidence amounts to, and not a word more.
//!
//! | verdict | needs |
//! |---|---|
//! | Proven | Scope, Build, Regress and Rescan passed; the reproducer and the rescan were red before and are green after; nothing failed |
//! | Tested | the same without a reproducer |
//! | Resolved | Scope passed; the rescan was red before and is green after; Build or Regress could not run |
//! | Rejected | a rung failed or ran out of time on the changed tree |
//! | Inconclusive | anything else: the untouched tree fails, or a needed rung is missing |

use std::fmt;

use crate::check::{Check, Outcome};
use crate::evidence::{Confinement, Evidence};

/// What evidence amounts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The conclusion.
    pub conclusion: Conclusion,
    /// How the programs were kept in; told with every verdict when they were not.
    pub confinement: Confinement,
}

/// A verdict's conclusion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conclusion {
    /// Shown red before and green after, with everything else that is needed passed.
    Proven,
    /// The rescan flagged it before and not after, and the tests that passed still pass.
    Tested,
    /// The rescan is quiet and no more than that could be run.
    Resolved,
    /// A rung found something wrong: which, and what.
    Rejected(Check, String),
    /// Nothing can be concluded: why.
    Inconclusive(String),
}

impl Evidence {
    /// Computes the verdict. Total: any evidence has exactly one.
    pub fn verdict(&self) -> Verdict {
        Verdict {
            conclusion: self.conclusion(),
            confinement: self.confinement,
        }
    }

    fn conclusion(&self) -> Conclusion {
        self.unusable_baseline()
            .or_else(|| self.rejection())
            .or_else(|| self.missing())
            .unwrap_or_else(|| self.strength())
    }

    /// The untouched tree must build, or nothing is judged.
    fn unusable_baseline(&self) -> Option<Conclusion> {
        let why = match self.before.outcome(Check::Build) {
            Outcome::Passed | Outcome::NotRun(_) => return None,
            Outcome::Failed(why) => format!("the untouched project does not build: {why}"),
            Outcome::TimedOut => "the untouched project does not build in the time it has".into(),
        };
        Some(Conclusion::Inconclusive(why))
    }

    /// The first rung that went wrong on the changed tree.
    fn rejection(&self) -> Option<Conclusion> {
        Check::LADDER
            .into_iter()
            .find_map(|check| match self.after.outcome(check) {
                Outcome::Passed | Outcome::NotRun(_) => None,
                Outcome::Failed(why) => Some(Conclusion::Rejected(check, why.clone())),
                Outcome::TimedOut => Some(Conclusion::Rejected(check, "ran out of time".into())),
            })
    }

    /// What even the weakest positive verdict needs and is not there.
    fn missing(&self) -> Option<Conclusion> {
        let why = if !passed(self.after.outcome(Check::Scope)) {
            "nobody checked what the change touches"
        } else if !passed(self.after.outcome(Check::Rescan)) {
            "the changed tree was not scanned again"
        } else if !self.was_red(Check::Rescan) {
            "the scan did not flag it before the change"
        } else {
            return None;
        };
        Some(Conclusion::Inconclusive(why.into()))
    }

    fn strength(&self) -> Conclusion {
        let ran_both =
            |check| passed(self.before.outcome(check)) && passed(self.after.outcome(check));
        if !ran_both(Check::Build) || !ran_both(Check::Regress) {
            return Conclusion::Resolved;
        }
        if self.was_red(Check::Reproduce) && passed(self.after.outcome(Check::Reproduce)) {
            return Conclusion::Proven;
        }
        Conclusion::Tested
    }

    fn was_red(&self, check: Check) -> bool {
        matches!(self.before.outcome(check), Outcome::Failed(_))
    }
}

fn passed(outcome: &Outcome) -> bool {
    *outcome == Outcome::Passed
}

impl Verdict {
    /// Does it settle the finding, so that the change may be delivered?
    pub fn settles(&self) -> bool {
        match self.conclusion {
            Conclusion::Proven | Conclusion::Tested | Conclusion::Resolved => true,
            Conclusion::Rejected(..) | Conclusion::Inconclusive(_) => false,
        }
    }
}

impl Conclusion {
    /// Its name without the reasons.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Proven => "Proven",
            Self::Tested => "Tested",
            Self::Resolved => "Resolved",
            Self::Rejected(..) => "Rejected",
            Self::Inconclusive(_) => "Inconclusive",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.conclusion {
            Conclusion::Rejected(check, why) => write!(formatter, "Rejected({check}): {why}")?,
            Conclusion::Inconclusive(why) => write!(formatter, "Inconclusive: {why}")?,
            Conclusion::Resolved => {
                formatter.write_str("Resolved (no test could run: nothing was tested)")?;
            }
            named @ (Conclusion::Proven | Conclusion::Tested) => {
                formatter.write_str(named.name())?;
            }
        }
        match self.confinement {
            Confinement::Sandboxed => Ok(()),
            Confinement::Unconfined => formatter.write_str(" [observed without a sandbox]"),
        }
    }
}
