//! The verdict: what evidence amounts to, and not a word more.
//!
//! | verdict | needs |
//! |---|---|
//! | Proven | Scope, Build and Regress passed; the reproducer was red before and is green after; so is the rescan, where a scan flags the flaw at all; nothing failed |
//! | Proven, behaviour differs here | the same, and programs behave in another way on inputs that showed no flaw, or Scope saw what only a human can judge |
//! | Tested | Scope, Build and Regress passed; the rescan was red before and is green after |
//! | Resolved | Scope passed; what was red before is green after; Build or Regress could not run |
//! | Clean | nobody says that it fixes anything; Scope, Build and Regress passed, and nothing failed |
//! | Rejected | a rung failed or ran out of time on the changed tree |
//! | Inconclusive | anything else: the untouched tree fails, a needed rung is missing, or only a human can say which of two things is right |

use std::fmt;

use crate::check::{Check, Outcome};
use crate::evidence::{Claim, Confinement, Evidence};

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
    /// The same, but programs behave in another way on inputs that showed no flaw: how.
    ProvenDiffers(String),
    /// The rescan flagged it before and not after, and the tests that passed still pass.
    Tested,
    /// What was red is green, and the tests or the build could not be run.
    Resolved,
    /// It claims to fix nothing, and nothing that it was judged for went wrong.
    Clean,
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
            .or_else(|| self.for_a_human())
            .or_else(|| self.missing())
            .unwrap_or_else(|| self.strength())
    }

    /// The untouched tree must build, or nothing is judged.
    fn unusable_baseline(&self) -> Option<Conclusion> {
        let why = match self.before.outcome(Check::Build) {
            Outcome::Passed | Outcome::NotRun(_) | Outcome::Differs(_) => return None,
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
                Outcome::Passed | Outcome::NotRun(_) | Outcome::Differs(_) => None,
                Outcome::Failed(why) => Some(Conclusion::Rejected(check, why.clone())),
                Outcome::TimedOut => Some(Conclusion::Rejected(check, "ran out of time".into())),
            })
    }

    /// What Scope or Regress saw may be right or wrong. A proof outweighs a doubt of Scope's, and is
    /// told with it; nothing outweighs tests that fail.
    fn for_a_human(&self) -> Option<Conclusion> {
        let doubt = |check| match self.after.outcome(check) {
            Outcome::Differs(how) => Some(how.clone()),
            Outcome::Passed | Outcome::Failed(_) | Outcome::TimedOut | Outcome::NotRun(_) => None,
        };
        let unproven = doubt(Check::Scope).filter(|_| {
            self.missing().is_some() || !matches!(self.strength(), Conclusion::ProvenDiffers(_))
        });
        let how = doubt(Check::Regress).or(unproven)?;
        Some(Conclusion::Inconclusive(format!(
            "a human must decide: {how}"
        )))
    }

    /// What even the weakest positive verdict needs and is not there.
    fn missing(&self) -> Option<Conclusion> {
        let green = |check| passed(self.after.outcome(check));
        let scoped = match self.after.outcome(Check::Scope) {
            Outcome::Passed | Outcome::Differs(_) => true,
            Outcome::Failed(_) | Outcome::TimedOut | Outcome::NotRun(_) => false,
        };
        let why = if !scoped {
            "nobody checked what the change touches"
        } else if self.claim == Claim::Nothing {
            let lacking = self.lacking()?;
            return Some(Conclusion::Inconclusive(format!(
                "nothing is said to be fixed, and {lacking}"
            )));
        } else if self.was_red(Check::Rescan) {
            if green(Check::Rescan) {
                return None;
            }
            "the changed tree was not scanned again"
        } else if !self.was_red(Check::Reproduce) {
            "nothing showed the flaw before the change: no scan flagged it, no reproducer was red"
        } else if !green(Check::Reproduce) {
            "the reproducer could not tell whether the flaw is gone"
        } else {
            return None;
        };
        Some(Conclusion::Inconclusive(why.into()))
    }

    /// Which of the two trees could not be built or tested, and why.
    fn lacking(&self) -> Option<String> {
        let trees = [
            ("the untouched project", &self.before),
            ("the changed project", &self.after),
        ];
        let rungs = [(Check::Build, "built"), (Check::Regress, "tested")];
        rungs.into_iter().find_map(|(check, done)| {
            let (tree, phase) = trees
                .into_iter()
                .find(|(_, phase)| !passed(phase.outcome(check)))?;
            let how = match phase.outcome(check) {
                Outcome::Failed(why) | Outcome::NotRun(why) | Outcome::Differs(why) => why.clone(),
                Outcome::TimedOut | Outcome::Passed => "it ran out of time".into(),
            };
            Some(format!("{tree} could not be {done}: {how}"))
        })
    }

    fn strength(&self) -> Conclusion {
        if self.claim == Claim::Nothing {
            return Conclusion::Clean;
        }
        if !self.passed_both(Check::Build) || !self.passed_both(Check::Regress) {
            return Conclusion::Resolved;
        }
        if !self.was_red(Check::Reproduce) || !passed(self.after.outcome(Check::Reproduce)) {
            return Conclusion::Tested;
        }
        let differs = |check| match self.after.outcome(check) {
            Outcome::Differs(how) => Some(how.as_str()),
            Outcome::Passed | Outcome::Failed(_) | Outcome::TimedOut | Outcome::NotRun(_) => None,
        };
        let all: Vec<&str> = [Check::Scope, Check::Compare]
            .into_iter()
            .filter_map(differs)
            .collect();
        if all.is_empty() {
            Conclusion::Proven
        } else {
            Conclusion::ProvenDiffers(all.join("; "))
        }
    }

    fn passed_both(&self, check: Check) -> bool {
        passed(self.before.outcome(check)) && passed(self.after.outcome(check))
    }

    fn was_red(&self, check: Check) -> bool {
        matches!(self.before.outcome(check), Outcome::Failed(_))
    }
}

fn passed(outcome: &Outcome) -> bool {
    *outcome == Outcome::Passed
}

impl Verdict {
    /// Does a human have to look at what has this verdict?
    pub fn needs_human(&self) -> bool {
        match self.conclusion {
            Conclusion::Proven | Conclusion::Tested => false,
            Conclusion::ProvenDiffers(_)
            | Conclusion::Resolved
            | Conclusion::Clean
            | Conclusion::Rejected(..)
            | Conclusion::Inconclusive(_) => true,
        }
    }

    /// Does it settle the finding, so that the change may be delivered?
    pub fn settles(&self) -> bool {
        match self.conclusion {
            Conclusion::Proven
            | Conclusion::ProvenDiffers(_)
            | Conclusion::Tested
            | Conclusion::Resolved => true,
            Conclusion::Clean | Conclusion::Rejected(..) | Conclusion::Inconclusive(_) => false,
        }
    }
}

impl Conclusion {
    /// Its name without the reasons.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Proven => "Proven",
            Self::ProvenDiffers(_) => "Proven, behaviour differs here",
            Self::Tested => "Tested",
            Self::Resolved => "Resolved",
            Self::Clean => "Clean",
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
            Conclusion::Clean => {
                formatter.write_str("Clean (it claims to fix nothing, and broke nothing)")?;
            }
            named @ Conclusion::ProvenDiffers(how) => {
                write!(formatter, "{}: {how}", named.name())?;
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
