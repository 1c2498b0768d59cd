//! One exchange with a server that talks one of the two formats: sends, reads a stream or a whole
//! answer, and sorts out what is neither.

use std::time::Duration;

use serde_json::Value;

use crate::answer::{Asked, ErrorSaid, Said};
use crate::engine::{Answer, Usage};
use crate::events::Events;
use crate::outcome::{Outcome, Unavailable};
use crate::wire::{Failure, Reply, Request, Wire, bounded, head};

/// Reads one format's answers.
pub(crate) trait Reader {
    /// Takes the data of one event; answers whether it was the last.
    fn event(&mut self, data: &Value) -> bool;

    /// Takes an answer that came whole.
    fn whole(&mut self, answer: &Value);

    /// What was read.
    fn said(&mut self) -> &mut Said;
}

/// The data that ends a stream in one of the formats; no JSON.
const DONE: &[u8] = b"[DONE]";

/// Sends a request and tells what came of it.
pub(crate) fn exchange(
    asked: &Asked<'_>,
    wire: &dyn Wire,
    request: &Request,
    within: Duration,
    reader: &mut dyn Reader,
) -> Answer {
    let mut stream = Stream {
        events: Events::default(),
        reader,
        seen: 0,
        trouble: None,
    };
    let reply = match wire.send(request, within, &mut |piece| stream.take(piece)) {
        Ok(reply) => reply,
        Err(failure) => return of_failure(asked, &failure),
    };
    if !(200..=299).contains(&reply.status) {
        let body = serde_json::from_slice(&reply.body);
        let error = body.as_ref().map(error_of).unwrap_or_default();
        return asked.of_status(&reply, &error);
    }
    let (seen, trouble) = (stream.seen, stream.trouble);
    if let Some(trouble) = trouble {
        return malformed(asked, &trouble);
    }
    if seen == 0 {
        match whole(&reply) {
            Ok(answer) => {
                if answer.get("error").is_some_and(|error| !error.is_null()) {
                    reader.said().error = Some(error_of(&answer));
                } else {
                    reader.whole(&answer);
                }
            }
            Err(Whole::Malformed(why)) => return malformed(asked, &why),
            Err(Whole::Failed(failure)) => return of_failure(asked, &failure),
        }
    }
    asked.judge(reader.said(), reply.broke_off.as_ref())
}

/// Takes the pieces of a stream apart.
struct Stream<'stream> {
    events: Events,
    reader: &'stream mut dyn Reader,
    seen: usize,
    trouble: Option<String>,
}

impl Stream<'_> {
    /// Takes a piece; answers whether it was enough.
    fn take(&mut self, piece: &[u8]) -> bool {
        for data in self.events.feed(piece) {
            self.seen += 1;
            if data == DONE {
                return true;
            }
            let value: Value = match serde_json::from_slice(&data) {
                Ok(value) => value,
                Err(error) => {
                    self.trouble = Some(not_json(&data, &error));
                    return true;
                }
            };
            if value.get("error").is_some_and(|error| !error.is_null()) {
                self.reader.said().error = Some(error_of(&value));
                return true;
            }
            if self.reader.event(&value) {
                return true;
            }
        }
        false
    }
}

fn not_json(data: &[u8], error: &serde_json::Error) -> String {
    match std::str::from_utf8(data) {
        Ok(_) => format!("the answer's stream holds what is no JSON: {error}"),
        Err(_) => "the answer's stream holds bytes that are no UTF-8".into(),
    }
}

enum Whole {
    Malformed(String),
    Failed(Failure),
}

/// An answer that is no stream.
fn whole(reply: &Reply) -> Result<Value, Whole> {
    let malformed = |why: &str| Err(Whole::Malformed(why.to_owned()));
    let body = reply.body.trim_ascii();
    if let (true, Some(failure)) = (body.is_empty(), &reply.broke_off) {
        return Err(Whole::Failed(failure.clone()));
    }
    if body.is_empty() {
        return malformed("the answer is empty");
    }
    let Ok(text) = std::str::from_utf8(body) else {
        return malformed("the answer holds bytes that are no UTF-8");
    };
    if text.starts_with('{') {
        return serde_json::from_str(text).map_err(|error| match &reply.broke_off {
            Some(failure) => Whole::Failed(failure.clone()),
            None => Whole::Malformed(format!("the answer is no JSON: {error}")),
        });
    }
    let is_stream = ["data:", "event:", ":", "id:", "retry:"];
    if is_stream.iter().any(|start| text.starts_with(start)) {
        let unfinished = || Failure::new(Unavailable::BrokeOff, "its stream holds no event");
        return Err(Whole::Failed(
            reply.broke_off.clone().unwrap_or_else(unfinished),
        ));
    }
    let what = if text.starts_with('<') {
        "a web page"
    } else {
        "a text"
    };
    let detail = format!("{what} that begins with {:?}", bounded(head(text, 60)));
    Err(Whole::Failed(Failure::new(Unavailable::NoApi, detail)))
}

/// An error, in any of the forms that servers of either format use.
fn error_of(answer: &Value) -> ErrorSaid {
    let error = answer.get("error").unwrap_or(answer);
    let mut codes: Vec<String> = Vec::new();
    for key in ["type", "code"] {
        match &error[key] {
            Value::String(code) => codes.push(code.clone()),
            Value::Number(code) => codes.push(code.to_string()),
            _ => {}
        }
    }
    if let Some(inner) = error["innererror"]["code"].as_str() {
        codes.push(inner.to_owned());
    }
    if error["metadata"]["reasons"].is_array() {
        codes.push("moderation".into());
    }
    let message = [
        error,
        &error["message"],
        &answer["message"],
        &answer["detail"],
    ];
    let message = message.iter().find_map(|message| message.as_str());
    ErrorSaid {
        codes: codes.join(" "),
        message: message.unwrap_or_default().to_owned(),
    }
}

fn of_failure(asked: &Asked<'_>, failure: &Failure) -> Answer {
    // Before a connection nothing was worked out; after it, nobody knows.
    let usage = match failure.kind {
        Unavailable::Egress
        | Unavailable::Unreachable
        | Unavailable::Tls
        | Unavailable::NoApi
        | Unavailable::NotRecorded => Usage::Nothing,
        _ => Usage::Unknown,
    };
    Answer {
        outcome: asked.failed(failure),
        usage,
    }
}

fn malformed(asked: &Asked<'_>, why: &str) -> Answer {
    Answer {
        outcome: Outcome::Malformed(asked.told(why)),
        usage: Usage::Unknown,
    }
}
