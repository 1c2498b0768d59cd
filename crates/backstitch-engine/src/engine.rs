//! What an engine is: somebody who is told of a finding and may propose a change.

use std::fmt;
use std::time::Duration;

use crate::brief::SafeBrief;
use crate::budget::{Price, Spend};
use crate::outcome::Outcome;

/// Takes a brief and answers with a proposal, or with the reason why there is none. It touches no
/// file of the project and decides nothing. A server and a program are engines; whoever else can
/// be given a brief, such as a coding agent, is one by answering in the same form.
pub trait Engine: fmt::Debug + Send + Sync {
    /// Its name in the settings.
    fn name(&self) -> &str;

    /// What asking it may cost.
    fn terms(&self) -> &Terms;

    /// Asks it, for at most the given time.
    fn propose(&self, brief: &SafeBrief, within: Duration) -> Answer;
}

/// What came of one call, and what the engine said that it used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What came of it.
    pub outcome: Outcome,
    /// What it used.
    pub usage: Usage,
}

/// What a call used, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// The server told.
    Told {
        /// Tokens that went in.
        tokens_in: u64,
        /// Tokens that came out.
        tokens_out: u64,
    },
    /// Nothing was worked out: the call was refused before, or never reached anybody.
    Nothing,
    /// Nobody told, so the worst is assumed.
    Unknown,
}

/// What asking an engine may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// What its tokens cost.
    pub price: Price,
    /// How many tokens may come out.
    pub tokens_out_max: u64,
    /// How many tokens of a brief are sent.
    pub brief_tokens_max: u64,
    /// How long one call may take.
    pub wall_max: Duration,
}

/// What a request has besides the brief, in tokens: names, roles, the schema.
const OVERHEAD_TOKENS: u64 = 2_048;

impl Terms {
    /// The most that one call may use. A token stands for at least one byte, so a brief has no
    /// more tokens than bytes.
    pub fn worst(&self, brief: &SafeBrief) -> Spend {
        let bytes = u64::try_from(brief.prompt().bytes()).unwrap_or(u64::MAX);
        let tokens_in = bytes.saturating_add(OVERHEAD_TOKENS);
        Spend {
            money: self.price.of(tokens_in, self.tokens_out_max),
            tokens: tokens_in.saturating_add(self.tokens_out_max),
            wall: self.wall_max,
            attempts: 1,
        }
    }

    /// What a call used that took so long, where its worst case is known.
    pub fn used(&self, usage: Usage, wall: Duration, worst: Spend) -> Spend {
        match usage {
            Usage::Told {
                tokens_in,
                tokens_out,
            } => Spend {
                money: self.price.of(tokens_in, tokens_out),
                tokens: tokens_in.saturating_add(tokens_out),
                wall,
                attempts: 1,
            },
            Usage::Nothing => Spend {
                wall,
                attempts: 1,
                ..Spend::default()
            },
            Usage::Unknown => Spend { wall, ..worst },
        }
    }
}
