//! The format of chat completions as `OpenAI` has it, which hosted models, gateways and local servers
//! (Ollama, vLLM, llama.cpp, LM Studio) all talk. Streams, offers no tools, and asks for an
//! answer of the proposal's schema where the settings say that the server knows how.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::answer::{Asked, Said};
use crate::brief::SafeBrief;
use crate::engine::{Answer, Engine, Terms};
use crate::exchange::{Reader, exchange};
use crate::proposal;
use crate::redact::Redactor;
use crate::wire::{Key, Request, Wire};

/// A model behind an address.
#[derive(Debug, Clone)]
pub struct Model {
    /// The engine's name in the settings.
    pub name: String,
    /// The address that the format's own paths go below.
    pub url: String,
    /// The model, by the server's name for it.
    pub model: String,
    /// Other names under which the same model answers.
    pub served_as: Vec<String>,
    /// The key, where the server wants one.
    pub key: Option<Key>,
    /// How the answer's form is asked for.
    pub structured: Structured,
    /// What asking may cost.
    pub terms: Terms,
}

/// How the form of an answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Structured {
    /// In words alone.
    Words,
    /// In words, and the server holds the answer to JSON.
    Json,
    /// The server holds the answer to the proposal's schema.
    Schema,
}

/// How the most tokens of an answer are named: hosted models have a newer name for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokensField {
    /// `max_tokens`.
    Old,
    /// `max_completion_tokens`.
    New,
}

/// An engine that talks this format.
#[derive(Debug)]
pub struct OpenAi {
    model: Model,
    tokens_field: TokensField,
    wire: Arc<dyn Wire>,
    redactor: Redactor,
}

impl OpenAi {
    /// Makes one; nothing is sent yet.
    pub fn new(model: Model, tokens_field: TokensField, wire: Arc<dyn Wire>) -> Self {
        Self {
            redactor: model.redactor(),
            model,
            tokens_field,
            wire,
        }
    }

    fn request(&self, brief: &SafeBrief) -> Request {
        let prompt = brief.prompt();
        let mut body = json!({
            "model": self.model.model,
            "messages": [
                {"role": "system", "content": prompt.system},
                {"role": "user", "content": prompt.user},
            ],
            "stream": true,
            "stream_options": {"include_usage": true},
        });
        let tokens = match self.tokens_field {
            TokensField::Old => "max_tokens",
            TokensField::New => "max_completion_tokens",
        };
        body[tokens] = json!(self.model.terms.tokens_out_max);
        match self.model.structured {
            Structured::Words => {}
            Structured::Json => body["response_format"] = json!({"type": "json_object"}),
            Structured::Schema => {
                body["response_format"] = json!({
                    "type": "json_schema",
                    "json_schema": {
                        "name": "proposal",
                        "strict": true,
                        "schema": proposal::schema(),
                    },
                });
            }
        }
        let key = self.model.key.as_ref();
        let bearer = key.map(Key::bearer);
        Request {
            engine: self.model.name.clone(),
            url: self.model.path("chat/completions"),
            headers: vec![("accept", "text/event-stream, application/json".into())],
            secret: bearer.map(|bearer| ("authorization", bearer)),
            body: body.to_string(),
        }
    }
}

impl Model {
    /// An address of the format's below the one of the settings.
    pub(crate) fn path(&self, below: &str) -> String {
        format!("{}/{below}", self.url.trim_end_matches('/'))
    }

    /// Takes the key out of what is told.
    pub(crate) fn redactor(&self) -> Redactor {
        let mut redactor = Redactor::default();
        if let Some(key) = &self.key {
            redactor.know(key.reveal());
        }
        redactor
    }

    pub(crate) fn asked<'asked>(&'asked self, redactor: &'asked Redactor) -> Asked<'asked> {
        Asked {
            provider: &self.name,
            model: &self.model,
            served_as: &self.served_as,
            redactor,
        }
    }
}

impl Engine for OpenAi {
    fn name(&self) -> &str {
        &self.model.name
    }

    fn terms(&self) -> &Terms {
        &self.model.terms
    }

    fn propose(&self, brief: &SafeBrief, within: Duration) -> Answer {
        let asked = self.model.asked(&self.redactor);
        let request = self.request(brief);
        exchange(
            &asked,
            &*self.wire,
            &request,
            within,
            &mut Completion::default(),
        )
    }
}

/// Reads an answer of this format.
#[derive(Debug, Default)]
struct Completion {
    said: Said,
}

impl Completion {
    /// Takes what stands the same in a piece and in a whole answer.
    fn take(&mut self, answer: &Value, part: &str) {
        self.said
            .served_by(answer["model"].as_str().unwrap_or_default());
        let usage = &answer["usage"];
        if let (Some(tokens_in), Some(tokens_out)) = (
            usage["prompt_tokens"].as_u64(),
            usage["completion_tokens"].as_u64(),
        ) {
            self.said.tokens = Some((tokens_in, tokens_out));
        }
        let choice = &answer["choices"][0];
        if let Some(text) = choice[part]["content"].as_str() {
            self.said.text.push_str(text);
        }
        if let Some(refusal) = choice[part]["refusal"].as_str() {
            self.said.refusal.push_str(refusal);
        }
        if let Some(stop) = choice["finish_reason"].as_str() {
            self.said.stop = Some(stop.to_owned());
        }
    }
}

impl Reader for Completion {
    fn event(&mut self, data: &Value) -> bool {
        self.take(data, "delta");
        // The stream ends with a mark of its own, after the usage.
        false
    }

    fn whole(&mut self, answer: &Value) {
        self.take(answer, "message");
    }

    fn said(&mut self) -> &mut Said {
        &mut self.said
    }
}
