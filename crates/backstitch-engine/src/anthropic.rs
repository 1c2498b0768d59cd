//! The format of Anthropic's messages. Streams, offers no tools, and asks for an answer of the
//! proposal's schema where the settings say so.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::answer::Said;
use crate::brief::SafeBrief;
use crate::engine::{Answer, Engine, Terms};
use crate::exchange::{Reader, exchange};
use crate::openai::{Model, Structured};
use crate::proposal;
use crate::redact::Redactor;
use crate::wire::{Request, Wire};

/// The version of the format, as its header names it.
const VERSION: &str = "2023-06-01";

/// An engine that talks this format.
#[derive(Debug)]
pub struct Anthropic {
    model: Model,
    wire: Arc<dyn Wire>,
    redactor: Redactor,
}

impl Anthropic {
    /// Makes one; nothing is sent yet.
    pub fn new(model: Model, wire: Arc<dyn Wire>) -> Self {
        Self {
            redactor: model.redactor(),
            model,
            wire,
        }
    }

    fn request(&self, brief: &SafeBrief) -> Request {
        let prompt = brief.prompt();
        let mut body = json!({
            "model": self.model.model,
            "max_tokens": self.model.terms.tokens_out_max,
            "system": prompt.system,
            "messages": [{"role": "user", "content": prompt.user}],
            "stream": true,
        });
        match self.model.structured {
            // The format has no way between words and a schema.
            Structured::Words | Structured::Json => {}
            Structured::Schema => {
                body["output_config"] = json!({
                    "format": {"type": "json_schema", "schema": proposal::schema()},
                });
            }
        }
        let key = self.model.key.clone();
        Request {
            engine: self.model.name.clone(),
            url: self.model.path("v1/messages"),
            headers: vec![("anthropic-version", VERSION.into())],
            secret: key.map(|key| ("x-api-key", key)),
            body: body.to_string(),
        }
    }
}

impl Engine for Anthropic {
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
            &mut Message::default(),
        )
    }
}

/// Reads an answer of this format.
#[derive(Debug, Default)]
struct Message {
    said: Said,
}

impl Message {
    /// Takes what stands at the beginning of a stream and in a whole answer.
    fn head(&mut self, message: &Value) {
        self.said
            .served_by(message["model"].as_str().unwrap_or_default());
        self.usage(&message["usage"]);
    }

    /// Takes what stands at the end of a stream and in a whole answer.
    fn tail(&mut self, end: &Value) {
        if let Some(stop) = end["stop_reason"].as_str() {
            self.said.stop = Some(stop.to_owned());
        }
        let details = &end["stop_details"];
        if let Some(category) = details["category"].as_str() {
            self.said.category = Some(category.to_owned());
        }
        if let Some(explanation) = details["explanation"].as_str() {
            explanation.clone_into(&mut self.said.refusal);
        }
    }

    /// Counts are of the whole so far; tokens that were read from a cache or written to one go in
    /// too.
    fn usage(&mut self, usage: &Value) {
        let count = |key: &str| usage[key].as_u64();
        let (known_in, known_out) = self.said.tokens.unwrap_or_default();
        let tokens_in = count("input_tokens").map(|plain| {
            let cached = ["cache_creation_input_tokens", "cache_read_input_tokens"];
            let cached = cached.iter().filter_map(|key| count(key));
            cached.fold(plain, u64::saturating_add)
        });
        let tokens_out = count("output_tokens");
        if tokens_in.is_some() || tokens_out.is_some() {
            self.said.tokens = Some((
                tokens_in.unwrap_or(known_in),
                tokens_out.unwrap_or(known_out),
            ));
        }
    }
}

impl Reader for Message {
    fn event(&mut self, data: &Value) -> bool {
        match data["type"].as_str().unwrap_or_default() {
            "message_start" => self.head(&data["message"]),
            "content_block_start" => self.block(&data["content_block"]),
            "content_block_delta" => self.block(&data["delta"]),
            "message_delta" => {
                self.tail(&data["delta"]);
                self.usage(&data["usage"]);
            }
            "message_stop" => return true,
            // Pings, the ends of blocks, and what is added to the format later.
            _ => {}
        }
        false
    }

    fn whole(&mut self, answer: &Value) {
        self.head(answer);
        for block in answer["content"].as_array().into_iter().flatten() {
            self.block(block);
        }
        self.tail(answer);
    }

    fn said(&mut self) -> &mut Said {
        &mut self.said
    }
}

impl Message {
    /// Takes text; a model's thinking is none.
    fn block(&mut self, block: &Value) {
        if let ("text" | "text_delta", Some(text)) = (
            block["type"].as_str().unwrap_or_default(),
            block["text"].as_str(),
        ) {
            self.said.text.push_str(text);
        }
    }
}
