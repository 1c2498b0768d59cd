//! A scripted engine behind an address of this machine: what it answers is written beforehand, and
//! what it was asked is kept.

#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "each test file uses another part, and all of it is a test"
)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What is done with one connection.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Status 200 and this body.
    Body(String),
    /// This status, and a body that says nothing.
    Status(u16),
    /// The connection is closed without a word.
    Close,
}

/// Gives answers, one a connection and the last for all others; keeps what it was asked.
pub struct Server {
    pub url: String,
    pub requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn new(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                stream
                    .set_read_timeout(Some(Duration::from_millis(300)))
                    .unwrap();
                let (mut request, mut piece) = (Vec::new(), [0; 8192]);
                while let Ok(count @ 1..) = stream.read(&mut piece) {
                    request.extend_from_slice(&piece[..count]);
                }
                let text = String::from_utf8_lossy(&request).into_owned();
                seen.lock().unwrap().push(text);
                let (status, body) = match &answers[number.min(answers.len() - 1)] {
                    Answer::Body(body) => ("200 OK".to_owned(), body.clone()),
                    Answer::Status(status) => (format!("{status} No"), "{}".to_owned()),
                    Answer::Close => continue,
                };
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        Self { url, requests }
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    /// What it was asked first, second and so on.
    pub fn request(&self, number: usize) -> String {
        self.requests.lock().unwrap()[number].clone()
    }
}

/// An answer in the form of chat completions: 500 tokens in, 50 out.
pub fn completion(text: &str, stop: &str) -> String {
    let text = serde_json::to_string(text).unwrap();
    format!(
        r#"{{"model":"m","choices":[{{"message":{{"content":{text}}},"finish_reason":"{stop}"}}],"usage":{{"prompt_tokens":500,"completion_tokens":50}}}}"#
    )
}

/// A proposal with one edit.
pub fn proposal(path: &str, search: &str, replace: &str) -> Answer {
    proposal_with(path, search, replace, None)
}

/// A proposal with one edit, and perhaps a test: its path and its text.
pub fn proposal_with(
    path: &str,
    search: &str,
    replace: &str,
    test: Option<(&str, &str)>,
) -> Answer {
    let test = test.map(|(path, text)| serde_json::json!({"path": path, "text": text}));
    let proposal = serde_json::json!({
        "edits": [{"path": path, "search": search, "replace": replace}],
        "what_was_wrong": "the code does not fit",
        "why_this_fixes_it": format!("it calls {replace} now"),
        "regression_test": test,
    });
    Answer::Body(completion(&proposal.to_string(), "stop"))
}

/// A refusal, as chat completions have it.
pub fn refusal() -> Answer {
    Answer::Body(completion("", "content_filter"))
}

/// An engine's lines in the settings.
pub fn engine(name: &str, url: &str) -> String {
    format!(
        "[[engine]]\nname = \"{name}\"\nformat = \"openai\"\nurl = \"{url}\"\nmodel = \"m\"\n\
         key_env = \"MY_KEY\"\nprice_per_million_in = 2.0\nprice_per_million_out = 10.0\n"
    )
}
