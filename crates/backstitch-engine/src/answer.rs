//! What an answer amounts to, whatever format it came in: a refusal, another model's answer, a
//! proposal or nothing of use. The formats read their own fields; what they mean is decided here.

use std::time::Duration;

use crate::engine::{Answer, Usage};
use crate::outcome::{Outcome, Refusal, Unavailable};
use crate::proposal::Proposal;
use crate::redact::Redactor;
use crate::wire::{Failure, Reply, bounded, head};

/// What an answer said, in one format's fields.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Said {
    /// The text.
    pub text: String,
    /// What stands in a field of its own for refusals.
    pub refusal: String,
    /// Why the model stopped.
    pub stop: Option<String>,
    /// The reason of a refusal, where the format has a field for it.
    pub category: Option<String>,
    /// The models that say that they answered, each once.
    pub served: Vec<String>,
    /// Tokens in and out.
    pub tokens: Option<(u64, u64)>,
    /// An error in the place of the rest of the answer.
    pub error: Option<ErrorSaid>,
}

/// An error, as a server words it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ErrorSaid {
    /// Codes and types, joined by spaces.
    pub codes: String,
    /// In words.
    pub message: String,
}

/// How many models one answer may name.
const SERVED_MAX: usize = 4;

impl Said {
    /// Notes that an answer names a model.
    pub fn served_by(&mut self, model: &str) {
        let known = self.served.iter().any(|served| served == model);
        if !model.is_empty() && !known && self.served.len() < SERVED_MAX {
            self.served.push(model.to_owned());
        }
    }
}

/// Who was asked.
#[derive(Debug)]
pub(crate) struct Asked<'asked> {
    /// The engine's name.
    pub provider: &'asked str,
    /// The model.
    pub model: &'asked str,
    /// Other names of the same model.
    pub served_as: &'asked [String],
    /// Takes the key out of what is told.
    pub redactor: &'asked Redactor,
}

/// Why a model stopped that refuses, in lower case: of the two formats, and of gateways that hand
/// on other providers' words.
const REFUSING_STOPS: &[&str] = &[
    "refusal",
    "content_filter",
    "content-filter",
    "content_filtered",
    "guardrail_intervened",
    "safety",
    "prohibited_content",
    "blocklist",
    "recitation",
    "spii",
];

/// Why a model stopped that had no more room.
const FULL_STOPS: &[&str] = &["length", "max_tokens", "model_context_window_exceeded"];

/// What stands in the codes of an error that is a refusal.
const POLICY_CODES: &[&str] = &[
    "content_filter",
    "content_policy",
    "cyber_policy",
    "policy_violation",
    "responsibleaipolicy",
    "moderation",
    "invalid_prompt",
    "safety",
    "refusal",
];

/// How a refusal begins that is written as if it were an answer. Only looked for where no
/// proposal is, and only near the beginning.
const REFUSING_WORDS: &[&str] = &[
    "i can't help",
    "i cannot help",
    "i can't assist",
    "i cannot assist",
    "i can't provide",
    "i cannot provide",
    "i can't comply",
    "i cannot comply",
    "i'm unable to",
    "i am unable to",
    "i'm not able to",
    "i am not able to",
    "i won't be able to",
    "i will not",
    "i won't",
    "i must decline",
    "i have to decline",
    "i decline",
    "i'm sorry, but i can",
    "i am sorry, but i can",
    "can't fulfill",
    "cannot fulfill",
    "against my guidelines",
];

/// How far into an answer those words are looked for, in characters.
const REFUSING_CHARACTERS_MAX: usize = 400;

impl Asked<'_> {
    /// What came of a call that brought a reply with status 200 and was read as `said`.
    pub fn judge(&self, said: &Said, broke_off: Option<&Failure>) -> Answer {
        let usage = match said.tokens {
            // Before the end, a count is of what had come by then.
            Some((tokens_in, tokens_out)) if said.stop.is_some() => Usage::Told {
                tokens_in,
                tokens_out,
            },
            Some(_) | None => Usage::Unknown,
        };
        let outcome = self.outcome(said, broke_off);
        Answer { outcome, usage }
    }

    fn outcome(&self, said: &Said, broke_off: Option<&Failure>) -> Outcome {
        if let Some(error) = &said.error {
            return self.of_error(None, error, None);
        }
        let stop = said.stop.as_deref().unwrap_or_default().to_lowercase();
        if REFUSING_STOPS.contains(&stop.as_str()) || !said.refusal.trim().is_empty() {
            let own = if stop.is_empty() || stop == "stop" {
                "refusal"
            } else {
                &stop
            };
            let category = said.category.as_deref().unwrap_or(own);
            let words = if said.refusal.is_empty() {
                &said.text
            } else {
                &said.refusal
            };
            return self.refused(category, words);
        }
        if said.stop.is_none() {
            return match broke_off {
                Some(failure) => self.failed(failure),
                None => Outcome::unavailable(Unavailable::BrokeOff, "it has no end"),
            };
        }
        if let Some(served) = said
            .served
            .iter()
            .find(|served| !self.is_same_model(served))
        {
            return Outcome::Rerouted {
                asked: self.told(self.model),
                served: self.told(served),
            };
        }
        if FULL_STOPS.contains(&stop.as_str()) {
            return Outcome::Malformed(
                "the answer was cut off for its length; raise `tokens_out_max`".into(),
            );
        }
        if said.text.trim().is_empty() {
            return Outcome::Malformed(format!(
                "the answer is empty (it stopped with `{}`)",
                bounded(&stop)
            ));
        }
        self.of_text(&said.text)
    }

    /// What a text amounts to.
    pub fn of_text(&self, text: &str) -> Outcome {
        match Proposal::parse(text) {
            Ok(proposal) if proposal.edits.is_empty() => {
                Outcome::NoChange(self.told(&proposal.explanation.fix))
            }
            Ok(proposal) => Outcome::Proposed(proposal),
            Err(_) if reads_like_a_refusal(text) => Outcome::SuspectedRefusal {
                provider: self.provider.to_owned(),
                said: self.told(text),
            },
            Err(malformed) => Outcome::Malformed(self.told(&malformed.0)),
        }
    }

    /// What a reply with another status than 200 amounts to.
    pub fn of_status(&self, reply: &Reply, error: &ErrorSaid) -> Answer {
        let wait = reply.retry_after_s.map(Duration::from_secs);
        let outcome = self.of_error(Some(reply.status), error, wait);
        // A server that turns a request down works nothing out; one that fails may have.
        let usage = if reply.status >= 500 {
            Usage::Unknown
        } else {
            Usage::Nothing
        };
        Answer { outcome, usage }
    }

    fn of_error(&self, status: Option<u16>, error: &ErrorSaid, wait: Option<Duration>) -> Outcome {
        let codes = error.codes.to_lowercase().replace(' ', "_");
        let has = |part: &str| codes.contains(part);
        if let Some(code) = POLICY_CODES.iter().find(|code| has(code)) {
            return self.refused(code, &error.message);
        }
        let unavailable = |kind| Outcome::unavailable(kind, self.told(&error.message));
        if status == Some(402) || has("insufficient_quota") || has("billing") || has("credit") {
            return unavailable(Unavailable::NoCredit);
        }
        if has("context_length") || has("request_too_large") {
            return unavailable(Unavailable::TooLarge);
        }
        match status {
            Some(451) => return self.refused("legal", &error.message),
            Some(429) => return Outcome::RateLimited { wait },
            _ => {}
        }
        if has("rate_limit") {
            return Outcome::RateLimited { wait };
        }
        unavailable(match status {
            Some(status) => kind_of_status(status),
            None => kind_of_codes(&codes),
        })
    }

    /// What a failure on the way amounts to.
    pub fn failed(&self, failure: &Failure) -> Outcome {
        Outcome::unavailable(failure.kind, self.told(&failure.detail))
    }

    fn refused(&self, category: &str, said: &str) -> Outcome {
        Outcome::Refused(Refusal {
            provider: self.provider.to_owned(),
            category: self.told(category),
            said: self.told(said),
        })
    }

    /// Somebody else's words, as they may be shown and written down.
    pub fn told(&self, text: &str) -> String {
        bounded(&self.redactor.redact(head(text, 4096)).text)
    }

    /// Is it the model that was asked? A server may add a date or a tag to its name, and a
    /// gateway put its maker before it.
    fn is_same_model(&self, served: &str) -> bool {
        let plain = |name: &str| {
            let name = name.trim().to_lowercase();
            name.rsplit('/').next().unwrap_or_default().to_owned()
        };
        let served = plain(served);
        let asked = std::iter::once(self.model).chain(self.served_as.iter().map(String::as_str));
        asked.map(plain).any(|asked| {
            served == asked
                || served.strip_prefix(&asked).is_some_and(is_date_or_tag)
                || asked
                    .strip_prefix(&served)
                    .is_some_and(|rest| rest == "-latest" || rest == ":latest")
                || asked
                    .strip_suffix("-latest")
                    .and_then(|asked| served.strip_prefix(asked))
                    .is_some_and(is_date_or_tag)
        })
    }
}

fn kind_of_status(status: u16) -> Unavailable {
    match status {
        300..=399 => Unavailable::Moved,
        401 => Unavailable::WrongKey,
        403 => Unavailable::Forbidden,
        404 => Unavailable::NotFound,
        408 => Unavailable::TimedOut,
        410 => Unavailable::Gone,
        413 => Unavailable::TooLarge,
        400..=499 => Unavailable::RequestNotTaken,
        _ => Unavailable::ServerError,
    }
}

/// An error in the middle of an answer has no status.
fn kind_of_codes(codes: &str) -> Unavailable {
    let known = [
        ("authentication", Unavailable::WrongKey),
        ("invalid_api_key", Unavailable::WrongKey),
        ("permission", Unavailable::Forbidden),
        ("not_found", Unavailable::NotFound),
        ("invalid_request", Unavailable::RequestNotTaken),
    ];
    let mut known = known.into_iter();
    let found = known.find(|(code, _)| codes.contains(code));
    found.map_or(Unavailable::ServerError, |(_, kind)| kind)
}

/// Is it the end of a model's full name, such as `-2024-08-06` or `:latest`?
fn is_date_or_tag(rest: &str) -> bool {
    let Some(tag) = rest.strip_prefix(['-', ':', '@']) else {
        return false;
    };
    let is_date = tag.len() >= 4
        && tag
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-');
    is_date || tag == "latest"
}

/// Does a text begin like a refusal in English?
pub(crate) fn reads_like_a_refusal(text: &str) -> bool {
    let beginning: String = text.chars().take(REFUSING_CHARACTERS_MAX).collect();
    let beginning = beginning.to_lowercase().replace('’', "'");
    REFUSING_WORDS.iter().any(|words| beginning.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked<'asked>(model: &'asked str, redactor: &'asked Redactor) -> Asked<'asked> {
        Asked {
            provider: "p",
            model,
            served_as: &[],
            redactor,
        }
    }

    #[test]
    fn a_model_s_full_name_is_the_same_model_and_another_is_not() {
        let redactor = Redactor::default();
        for (model, served, same) in [
            ("large-4", "large-4", true),
            ("large-4", "large-4-2024-08-06", true),
            ("large-4", "Large-4-20240806", true),
            ("maker/large-4", "large-4", true),
            ("large-4", "maker/large-4", true),
            ("large-4-latest", "large-4-20240806", true),
            ("llama", "llama:latest", true),
            ("llama:latest", "llama", true),
            ("large-4", "large-4-mini", false),
            ("large-4", "large-4-mini-2024-08-06", false),
            ("large-4", "large-3", false),
            ("large-4", "large-4.1", false),
            ("large-4", "", false),
        ] {
            assert_eq!(
                asked(model, &redactor).is_same_model(served),
                same,
                "{model} {served}"
            );
        }
    }

    #[test]
    fn an_answer_that_only_mentions_a_refusal_is_still_a_proposal() {
        let redactor = Redactor::default();
        let json = r#"{"edits":[{"path":"a","search":"I can't help","replace":"b"}]}"#;
        let outcome = asked("m", &redactor).of_text(json);
        assert!(matches!(outcome, Outcome::Proposed(_)));
        let outcome = asked("m", &redactor).of_text("I’m sorry, but I can’t help with that.");
        assert!(matches!(outcome, Outcome::SuspectedRefusal { .. }));
        let outcome = asked("m", &redactor).of_text("Sure! The bug is in line 3.");
        assert!(matches!(outcome, Outcome::Malformed(_)));
    }
}
