//! One engine's turn, as the ledger and reports hold it. Converted from what the engines' crate
//! tells; holds no decision.

use std::time::Duration;

use backstitch_engine::chain::{Standing, Turn};
use backstitch_engine::{Money, Outcome, Proposal, Spend};
use backstitch_model::FindingId;
use serde::{Deserialize, Serialize};

/// One engine's turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The finding it was about.
    pub finding: String,
    /// The how-manieth question about that finding it was, from 1.
    pub round: u32,
    /// The engine.
    pub engine: String,
    /// The digest of the brief it was sent; nothing where it was not asked.
    pub sent: Option<String>,
    /// What came of it, in a word.
    pub outcome: String,
    /// The same, in a sentence.
    pub words: String,
    /// `open`, `declined` or `lost`.
    pub standing: String,
    /// What it proposes, as it writes it.
    pub proposal: Option<String>,
    /// In millionths of the unit that prices are in.
    pub cost_millionths: u64,
    pub tokens: u64,
    pub elapsed_ms: u64,
}

impl Ask {
    /// Describes a turn.
    pub fn new(finding: &FindingId, round: u32, turn: &Turn) -> Self {
        let sent = turn.brief.as_ref().map(|brief| {
            let digest = blake3::hash(brief.json().as_bytes());
            digest.to_hex().to_string()
        });
        Self {
            finding: finding.to_string(),
            round,
            engine: turn.engine.clone(),
            sent,
            outcome: turn.outcome.word().into(),
            words: match &turn.outcome {
                Outcome::Proposed(proposal) if !proposal.explanation.fix.is_empty() => {
                    format!("{}: “{}”", turn.outcome, proposal.explanation.fix)
                }
                other => other.to_string(),
            },
            standing: match turn.standing() {
                Standing::Open => "open",
                Standing::Declined => "declined",
                Standing::Lost => "lost",
            }
            .into(),
            proposal: match &turn.outcome {
                Outcome::Proposed(proposal) => Some(proposal.to_json()),
                Outcome::NoChange(_)
                | Outcome::Refused(_)
                | Outcome::SuspectedRefusal { .. }
                | Outcome::Rerouted { .. }
                | Outcome::Unavailable(_)
                | Outcome::RateLimited { .. }
                | Outcome::BudgetExhausted(_)
                | Outcome::Malformed(_) => None,
            },
            cost_millionths: turn.spent.money.0,
            tokens: turn.spent.tokens,
            elapsed_ms: u64::try_from(turn.spent.wall.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// What it used.
    pub fn spent(&self) -> Spend {
        Spend {
            money: Money(self.cost_millionths),
            tokens: self.tokens,
            wall: Duration::from_millis(self.elapsed_ms),
            // One that was over budget was not asked.
            attempts: u32::from(self.sent.is_some()),
        }
    }

    /// What it says of the engine's later turns. A word that nobody wrote says nothing.
    pub fn standing(&self) -> Standing {
        match self.standing.as_str() {
            "declined" => Standing::Declined,
            "lost" => Standing::Lost,
            _ => Standing::Open,
        }
    }

    /// What it proposes, where it does.
    pub fn proposed(&self) -> Option<Proposal> {
        Proposal::parse(self.proposal.as_deref()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_survives_the_way_through_the_ledger() {
        let text = r#"{"edits":[{"path":"a.rs","search":"x","replace":"y"}],"what_was_wrong":"w","why_this_fixes_it":"f","regression_test":null}"#;
        let proposal = Proposal::parse(text).unwrap();
        let turn = Turn {
            engine: "one".into(),
            outcome: Outcome::Proposed(proposal.clone()),
            spent: Spend {
                money: Money(7),
                tokens: 11,
                wall: Duration::from_millis(13),
                attempts: 0,
            },
            is_lost: false,
            brief: None,
        };
        let ask = Ask::new(&FindingId("f".into()), 2, &turn);
        let text = serde_json::to_string(&ask).unwrap();
        let back: Ask = serde_json::from_str(&text).unwrap();
        assert_eq!(back, ask);
        assert_eq!(back.proposed(), Some(proposal));
        assert_eq!(back.spent(), turn.spent);
        assert_eq!(back.standing(), Standing::Open);
        let lost = Turn {
            is_lost: true,
            ..turn
        };
        let ask = Ask::new(&FindingId("f".into()), 2, &lost);
        assert_eq!(ask.standing(), Standing::Lost);
    }
}
