//! Servers that say what a test tells them to, and a finding to ask about.

#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "each test file uses another part, and all of it is a test"
)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use backstitch_engine::anthropic::Anthropic;
use backstitch_engine::brief::{AdvisoryFacts, Excerpt, FindingFacts, Role};
use backstitch_engine::budget::{Money, Price};
use backstitch_engine::egress::{Egress, Plain};
use backstitch_engine::engine::Terms;
use backstitch_engine::openai::{Model, OpenAi, Structured, TokensField};
use backstitch_engine::transport::{Client, Patience};
use backstitch_engine::wire::{Key, Wire};
use backstitch_engine::{Answer, Brief, Engine, Redactor, SafeBrief};
use backstitch_model::{FindingId, RelPath};

/// A key that was never anybody's.
pub const KEY: &str = "test-key-that-opens-nothing";

/// The model that is asked.
pub const MODEL: &str = "large-4";

/// A proposal as a model writes it.
pub const PROPOSAL: &str = r#"{"edits":[{"path":"src/a.rs","search":"<=","replace":"<"}],"what_was_wrong":"one too many","why_this_fixes_it":"the last is left out","regression_test":null}"#;

/// What a server does with one connection.
#[derive(Clone)]
pub enum Act {
    /// Sends these pieces with a pause after each, then closes.
    Say(Vec<Vec<u8>>, Duration),
    /// Sends these bytes, and says nothing more.
    Hang(Vec<u8>),
    /// Sends this piece again and again.
    Endless(Vec<u8>, Vec<u8>),
}

/// A server on this machine that has one act for each connection, and the last for all others.
pub struct Server {
    pub url: String,
    pub requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn new(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let act = acts[number.min(acts.len() - 1)].clone();
                let seen = Arc::clone(&seen);
                let Ok(stream) = stream else { return };
                std::thread::spawn(move || serve(stream, &act, &seen));
            }
        });
        Self { url, requests }
    }

    /// One that answers everybody with this.
    pub fn saying(response: impl Into<Vec<u8>>) -> Self {
        Self::new(vec![Act::Say(vec![response.into()], Duration::ZERO)])
    }

    pub fn asked(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

fn serve(mut stream: TcpStream, act: &Act, seen: &Mutex<Vec<String>>) {
    let request = read_request(&mut stream);
    seen.lock().unwrap().push(request);
    // A client that has gone is what some tests are about.
    match act {
        Act::Say(pieces, pause) => {
            for piece in pieces {
                if stream
                    .write_all(piece)
                    .and_then(|()| stream.flush())
                    .is_err()
                {
                    return;
                }
                std::thread::sleep(*pause);
            }
        }
        Act::Hang(bytes) => {
            let _ = stream.write_all(bytes);
            let _ = stream.read(&mut [0; 1]);
        }
        Act::Endless(head, piece) => {
            let _ = stream.write_all(head);
            while stream.write_all(piece).is_ok() {}
        }
    }
}

fn read_request(stream: &mut TcpStream) -> String {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let (mut request, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_lowercase();
            let length = length.split("content-length: ").nth(1);
            let length = length.and_then(|rest| rest.lines().next()?.trim().parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return text,
            Ok(count) => request.extend_from_slice(&piece[..count]),
        }
    }
}

/// A response with a length.
pub fn response(status: &str, kind: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let mut all = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    all.extend_from_slice(body);
    all
}

pub fn json(status: &str, body: &str) -> Vec<u8> {
    response(status, "application/json", body)
}

/// The head of a stream that ends when the connection does.
pub fn stream_head() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n".to_vec()
}

pub fn stream(body: &str) -> Vec<u8> {
    [stream_head(), body.as_bytes().to_vec()].concat()
}

/// Both formats, so that a test can say what must hold for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    OpenAi,
    Anthropic,
}

pub const FORMATS: [Format; 2] = [Format::OpenAi, Format::Anthropic];

/// A whole answer as a stream of the format: text, the model's name and why it stopped.
pub fn answer(format: Format, model: &str, text: &str, stop: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    match format {
        Format::OpenAi => format!(
            "data: {{\"model\":\"{model}\",\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":\"\"}}}}]}}\n\n\
             data: {{\"model\":\"{model}\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{quoted}}}}}]}}\n\n\
             data: {{\"model\":\"{model}\",\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"{stop}\"}}]}}\n\n\
             data: {{\"model\":\"{model}\",\"choices\":[],\"usage\":{{\"prompt_tokens\":100,\"completion_tokens\":20}}}}\n\n\
             data: [DONE]\n\n"
        ),
        Format::Anthropic => format!(
            "event: message_start\ndata: {{\"type\":\"message_start\",\"message\":{{\"model\":\"{model}\",\"content\":[],\"usage\":{{\"input_tokens\":90,\"cache_read_input_tokens\":10,\"output_tokens\":1}}}}}}\n\n\
             event: ping\ndata: {{\"type\":\"ping\"}}\n\n\
             event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":{quoted}}}}}\n\n\
             event: message_delta\ndata: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"{stop}\"}},\"usage\":{{\"output_tokens\":20}}}}\n\n\
             event: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\n"
        ),
    }
}

/// Why a model stops that has said everything.
pub fn done(format: Format) -> &'static str {
    match format {
        Format::OpenAi => "stop",
        Format::Anthropic => "end_turn",
    }
}

pub fn patience() -> Patience {
    Patience {
        connect: Duration::from_secs(5),
        first_byte: Duration::from_secs(5),
        idle: Duration::from_secs(5),
    }
}

pub fn client(url: &str, patience: &Patience) -> Arc<dyn Wire> {
    Arc::new(Client::new(Egress::Loopback, url, Plain::Loopback, patience).unwrap())
}

pub fn terms() -> Terms {
    Terms {
        price: Price {
            per_million_in: Money(1_000_000),
            per_million_out: Money(10_000_000),
        },
        tokens_out_max: 4_000,
        brief_tokens_max: 20_000,
        wall_max: Duration::from_secs(30),
    }
}

pub fn model(name: &str, url: &str) -> Model {
    Model {
        name: name.into(),
        url: url.into(),
        model: MODEL.into(),
        served_as: Vec::new(),
        key: Some(Key::new(KEY).unwrap()),
        structured: Structured::Schema,
        terms: terms(),
    }
}

pub fn engine_over(format: Format, name: &str, url: &str, wire: Arc<dyn Wire>) -> Arc<dyn Engine> {
    let model = model(name, url);
    match format {
        Format::OpenAi => Arc::new(OpenAi::new(model, TokensField::Old, wire)),
        Format::Anthropic => Arc::new(Anthropic::new(model, wire)),
    }
}

pub fn engine(format: Format, name: &str, url: &str) -> Arc<dyn Engine> {
    engine_over(format, name, url, client(url, &patience()))
}

/// What a server's answer amounts to. Fails where it takes longer than any limit says.
pub fn ask(format: Format, server: &Server) -> Answer {
    ask_with(format, server, &patience(), Duration::from_secs(10))
}

pub fn ask_with(format: Format, server: &Server, patience: &Patience, within: Duration) -> Answer {
    let engine = engine_over(format, "one", &server.url, client(&server.url, patience));
    let began = Instant::now();
    let answer = engine.propose(&safe_brief(), within);
    assert!(began.elapsed() < Duration::from_secs(20), "it hung");
    let told = answer.outcome.to_string();
    assert!(!told.contains(KEY), "{told}");
    answer
}

pub fn finding() -> FindingId {
    FindingId("f-1".into())
}

pub fn brief() -> Brief {
    let path = RelPath::new("src/a.rs").unwrap();
    Brief {
        format: backstitch_engine::brief::FORMAT_VERSION,
        finding: FindingFacts {
            id: "f-1".into(),
            location: "src/a.rs".into(),
            what: "an index goes one too far".into(),
            severity: None,
            chain: Vec::new(),
        },
        advisory: AdvisoryFacts::default(),
        excerpts: vec![Excerpt::whole(
            &path,
            Role::Flaw,
            "while i <= n { i += 1; }\n",
        )],
        earlier: Vec::new(),
        left_out: Vec::new(),
    }
}

pub fn safe_brief() -> SafeBrief {
    brief().made_safe(&Redactor::default(), 20_000)
}
