//! A program of the user's as an engine: it gets the brief as JSON on its standard input and
//! writes a proposal as JSON to its standard output. Who starts it, and within which walls, is
//! the caller's business: this crate only has a [`Wire`] to it.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::answer::Asked;
use crate::brief::SafeBrief;
use crate::engine::{Answer, Engine, Terms, Usage};
use crate::outcome::{Outcome, Refusal};
use crate::redact::Redactor;
use crate::wire::{Request, Wire};

/// A program as an engine.
#[derive(Debug)]
pub struct Program {
    name: String,
    terms: Terms,
    wire: Arc<dyn Wire>,
    redactor: Redactor,
}

/// How a program says that it will not answer, or what it used.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Aside {
    refused: Option<String>,
    said: String,
    tokens_in: Option<u64>,
    tokens_out: Option<u64>,
}

impl Program {
    /// Makes one; nothing is started yet.
    pub fn new(name: String, terms: Terms, wire: Arc<dyn Wire>) -> Self {
        Self {
            name,
            terms,
            wire,
            redactor: Redactor::default(),
        }
    }

    fn judge(&self, body: &[u8]) -> Answer {
        let Ok(text) = std::str::from_utf8(body) else {
            return Answer {
                outcome: Outcome::Malformed("the answer holds bytes that are no UTF-8".into()),
                usage: Usage::Unknown,
            };
        };
        let aside: Aside = serde_json::from_str(text).unwrap_or_default();
        let usage = match (aside.tokens_in, aside.tokens_out) {
            (Some(tokens_in), Some(tokens_out)) => Usage::Told {
                tokens_in,
                tokens_out,
            },
            _ => Usage::Unknown,
        };
        let asked = self.asked();
        let outcome = match aside.refused {
            Some(category) => Outcome::Refused(Refusal {
                provider: self.name.clone(),
                category: asked.told(&category),
                said: asked.told(&aside.said),
            }),
            None if text.trim().is_empty() => Outcome::Malformed("the answer is empty".into()),
            None => asked.of_text(text),
        };
        Answer { outcome, usage }
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            provider: &self.name,
            model: "",
            served_as: &[],
            redactor: &self.redactor,
        }
    }
}

impl Engine for Program {
    fn name(&self) -> &str {
        &self.name
    }

    fn terms(&self) -> &Terms {
        &self.terms
    }

    fn propose(&self, brief: &SafeBrief, within: Duration) -> Answer {
        let request = Request {
            engine: self.name.clone(),
            url: format!("command:{}", self.name),
            headers: Vec::new(),
            secret: None,
            body: brief.json().to_owned(),
        };
        match self.wire.send(&request, within, &mut |_| false) {
            Ok(reply) => match &reply.broke_off {
                Some(failure) => Answer {
                    outcome: self.asked().failed(failure),
                    usage: Usage::Unknown,
                },
                None => self.judge(&reply.body),
            },
            Err(failure) => Answer {
                outcome: self.asked().failed(&failure),
                usage: Usage::Unknown,
            },
        }
    }
}
