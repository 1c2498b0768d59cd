//! What asking an engine came to: one of a few things, each with a plain sentence.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::budget::Exhausted;
use crate::proposal::Proposal;

/// What came of asking one engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It proposes a change.
    Proposed(Proposal),
    /// It answered, and would change nothing; its reason.
    NoChange(String),
    /// It says, in the way that its format has for that, that it will not answer.
    Refused(Refusal),
    /// Its answer is no proposal and reads like a refusal; its words.
    SuspectedRefusal {
        /// Who answered.
        provider: String,
        /// The beginning of what it said.
        said: String,
    },
    /// Another model answered than the one that was asked.
    Rerouted {
        /// The model of the settings.
        asked: String,
        /// The model that the answer names.
        served: String,
    },
    /// It could not be asked, or could not answer.
    Unavailable(Unavailability),
    /// It was asked too often.
    RateLimited {
        /// How long it asks to be left alone, where it says so.
        wait: Option<Duration>,
    },
    /// It was not asked, since the worst case would go past a budget.
    BudgetExhausted(Exhausted),
    /// What came back is no proposal; why.
    Malformed(String),
}

/// A refusal that a format states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Who refused.
    pub provider: String,
    /// Its own word for the reason, or ours where it has none.
    pub category: String,
    /// The beginning of what it said; may be empty.
    pub said: String,
}

/// Why an engine could not be asked or could not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailability {
    /// What kind of reason it is.
    pub kind: Unavailable,
    /// More about it, in words; may be empty.
    pub detail: String,
}

/// The kinds of reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unavailable {
    /// The settings do not let it be reached.
    Egress,
    /// The key is not taken, or is missing.
    WrongKey,
    /// The key may not do this.
    Forbidden,
    /// The account has no credit left.
    NoCredit,
    /// The address or the model is not there.
    NotFound,
    /// The model was withdrawn.
    Gone,
    /// The server sends elsewhere; nothing is sent there.
    Moved,
    /// The server does not understand the request.
    RequestNotTaken,
    /// What was sent is more than the model takes.
    TooLarge,
    /// An answer came that is of no model, such as a web page.
    NoApi,
    /// The server has an error of its own, or is too busy.
    ServerError,
    /// No connection came about.
    Unreachable,
    /// The connection could not be made secret.
    Tls,
    /// It took too long.
    TimedOut,
    /// The answer broke off.
    BrokeOff,
    /// More came than is read.
    TooMuch,
    /// The program could not be started or ended badly.
    Program,
    /// What is asked is not in the recording.
    NotRecorded,
}

impl Unavailable {
    /// Will it be the same for every other question of this run?
    pub fn is_lasting(self) -> bool {
        match self {
            Self::Egress
            | Self::WrongKey
            | Self::Forbidden
            | Self::NoCredit
            | Self::NotFound
            | Self::Gone
            | Self::Moved
            | Self::NoApi
            | Self::Tls => true,
            Self::RequestNotTaken
            | Self::TooLarge
            | Self::ServerError
            | Self::Unreachable
            | Self::TimedOut
            | Self::BrokeOff
            | Self::TooMuch
            | Self::Program
            | Self::NotRecorded => false,
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Egress => "the settings do not let it be reached",
            Self::WrongKey => {
                "its key is missing or not taken; look at the variable that `key_env` names"
            }
            Self::Forbidden => "its key may not use this model",
            Self::NoCredit => "its account has no credit left",
            Self::NotFound => "its address or model is not there; look at `url` and `model`",
            Self::Gone => "its model was withdrawn; name another one in `model`",
            Self::Moved => {
                "its address leads elsewhere, and nothing is sent there; put the new one in `url`"
            }
            Self::RequestNotTaken => "it does not take the request",
            Self::TooLarge => "the brief is more than its model takes; lower `brief_tokens_max`",
            Self::NoApi => {
                "its address answers with something that is no model's answer; look at `url`"
            }
            Self::ServerError => "it has an error of its own",
            Self::Unreachable => "it cannot be reached",
            Self::Tls => "a secret connection to it could not be made",
            Self::TimedOut => "it took too long",
            Self::BrokeOff => "its answer broke off",
            Self::TooMuch => "it sent more than is read",
            Self::Program => "its program failed",
            Self::NotRecorded => "the recording does not hold what is asked",
        }
    }
}

impl Outcome {
    /// Makes an [`Outcome::Unavailable`].
    pub fn unavailable(kind: Unavailable, detail: impl Into<String>) -> Self {
        Self::Unavailable(Unavailability {
            kind,
            detail: detail.into(),
        })
    }

    /// Does the engine decline to answer this question, however often it is asked?
    pub fn declines(&self) -> bool {
        match self {
            Self::Refused(_) | Self::SuspectedRefusal { .. } | Self::Rerouted { .. } => true,
            Self::Proposed(_)
            | Self::NoChange(_)
            | Self::Unavailable(_)
            | Self::RateLimited { .. }
            | Self::BudgetExhausted(_)
            | Self::Malformed(_) => false,
        }
    }

    /// One word for a table.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Proposed(_) => "proposed",
            Self::NoChange(_) => "no change",
            Self::Refused(_) => "refused",
            Self::SuspectedRefusal { .. } => "refused, it seems",
            Self::Rerouted { .. } => "rerouted",
            Self::Unavailable(_) => "unavailable",
            Self::RateLimited { .. } => "rate limited",
            Self::BudgetExhausted(_) => "over budget",
            Self::Malformed(_) => "malformed",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |said: &str| {
            if said.is_empty() {
                String::new()
            } else {
                format!(": “{said}”")
            }
        };
        match self {
            Self::Proposed(proposal) => match proposal.edits.len() {
                1 => write!(formatter, "it proposes one edit"),
                count => write!(formatter, "it proposes {count} edits"),
            },
            Self::NoChange(why) => write!(formatter, "it would change nothing{}", quoted(why)),
            Self::Refused(refusal) => write!(
                formatter,
                "{} refused ({}){}",
                refusal.provider,
                refusal.category,
                quoted(&refusal.said)
            ),
            Self::SuspectedRefusal { provider, said } => write!(
                formatter,
                "{provider} answered with what reads like a refusal{}",
                quoted(said)
            ),
            Self::Rerouted { asked, served } => write!(
                formatter,
                "`{asked}` was asked and `{served}` answered; its answer is not taken. Where both \
                 are one model, name the second in `served_as`"
            ),
            Self::Unavailable(why) => {
                write!(formatter, "{}", why.kind.sentence())?;
                if why.detail.is_empty() {
                    Ok(())
                } else {
                    write!(formatter, " ({})", why.detail)
                }
            }
            Self::RateLimited { wait: None } => write!(formatter, "it is asked too often"),
            Self::RateLimited { wait: Some(wait) } => write!(
                formatter,
                "it is asked too often and wants to be left alone for {} s",
                wait.as_secs()
            ),
            Self::BudgetExhausted(exhausted) => write!(formatter, "{exhausted}"),
            Self::Malformed(why) => write!(formatter, "{why}"),
        }
    }
}
