//! A weakness of the project's own code, and what the judge said of a proposal for one, as the
//! ledger and reports hold them.

use backstitch_model as model;
use model::RelPath;
use model::evidence::{Claim, Confinement, Evidence, Phase};
use serde::{Deserialize, Serialize};

use super::{CheckRun, Unknown};
use crate::judge::{Added, Addition};
use crate::mend::Judged;

/// A weakness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weakness {
    pub id: String,
    pub scanner: String,
    pub rule: String,
    pub message: String,
    pub location: Option<String>,
    pub line: Option<u64>,
}

/// The test that came with a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Test {
    pub path: String,
    /// `kept`, `dropped` or `not tried`.
    pub outcome: String,
    pub why: Option<String>,
}

/// A proposal that was judged. Its verdict is computed from the checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// The attempt's key.
    pub attempt: String,
    /// The weakness it is for; those that are delivered, where it is the whole of that.
    pub weaknesses: Vec<String>,
    pub before: Vec<CheckRun>,
    pub after: Vec<CheckRun>,
    /// The files that it alters and was judged without.
    pub put_back: Vec<String>,
    pub test: Option<Test>,
}

impl From<&model::weakness::Weakness> for Weakness {
    fn from(weakness: &model::weakness::Weakness) -> Self {
        Self {
            id: weakness.id.to_string(),
            scanner: weakness.scanner.clone(),
            rule: weakness.rule.clone(),
            message: weakness.message.clone(),
            location: weakness.location.as_ref().map(ToString::to_string),
            line: weakness.line,
        }
    }
}

impl Test {
    /// Describes a test and what became of it.
    pub fn new(addition: &Addition, added: Option<&Added>) -> Self {
        let (outcome, why) = match added {
            None => ("not tried", None),
            Some(Added::Kept) => ("kept", None),
            Some(Added::Dropped(why)) => ("dropped", Some(why.clone())),
        };
        Self {
            path: addition.path.to_string(),
            outcome: outcome.into(),
            why,
        }
    }

    /// What became of it. A word that nobody wrote says that it was not tried.
    fn added(&self) -> Option<Added> {
        match self.outcome.as_str() {
            "kept" => Some(Added::Kept),
            "dropped" => Some(Added::Dropped(self.why.clone().unwrap_or_default())),
            _ => None,
        }
    }
}

impl Tried {
    /// Describes what the judge said.
    pub fn new(
        attempt: String,
        weaknesses: Vec<String>,
        addition: Option<&Addition>,
        judged: &Judged,
    ) -> Self {
        let checks = |phase: &Phase| phase.runs().map(CheckRun::from).collect();
        Self {
            attempt,
            weaknesses,
            before: checks(&judged.evidence.before),
            after: checks(&judged.evidence.after),
            put_back: judged.put_back.iter().map(ToString::to_string).collect(),
            test: addition.map(|addition| Test::new(addition, judged.addition.as_ref())),
        }
    }

    /// It as the loop knows it; the error says what this version does not know.
    pub fn judged(&self, confinement: Confinement) -> Result<Judged, Unknown> {
        let phase = |runs: &[CheckRun]| -> Result<Phase, Unknown> {
            runs.iter().map(model::CheckRun::try_from).collect()
        };
        let path = |path: &String| {
            RelPath::new(path.as_str()).map_err(|_| Unknown {
                what: "the path",
                value: path.clone(),
            })
        };
        Ok(Judged {
            evidence: Evidence {
                before: phase(&self.before)?,
                after: phase(&self.after)?,
                claim: Claim::Fix,
                confinement,
            },
            put_back: self.put_back.iter().map(path).collect::<Result<_, _>>()?,
            addition: self.test.as_ref().and_then(Test::added),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Check, Outcome};

    #[test]
    fn what_was_judged_survives_the_way_through_the_ledger() {
        let path = |text: &str| RelPath::new(text).unwrap();
        let run = |check, outcome| model::CheckRun::instant(check, outcome);
        let judged = Judged {
            evidence: Evidence {
                before: [run(Check::Reproduce, Outcome::Failed("red".into()))]
                    .into_iter()
                    .collect(),
                after: [run(Check::Scope, Outcome::Passed)].into_iter().collect(),
                claim: Claim::Fix,
                confinement: Confinement::Sandboxed,
            },
            put_back: vec![path("tests/a.py")],
            addition: Some(Added::Dropped("it shows nothing".into())),
        };
        let addition = Addition {
            path: path("tests/b.py"),
            text: "x".into(),
        };
        let tried = Tried::new("key".into(), vec!["w".into()], Some(&addition), &judged);
        let text = serde_json::to_string(&tried).unwrap();
        let back: Tried = serde_json::from_str(&text).unwrap();
        let again = back.judged(Confinement::Sandboxed).unwrap();
        assert_eq!(again.evidence, judged.evidence);
        assert_eq!(again.put_back, judged.put_back);
        assert_eq!(again.addition, judged.addition);
        let strange = Tried {
            put_back: vec!["../x".into()],
            ..back
        };
        assert!(strange.judged(Confinement::Sandboxed).is_err());
    }
}
