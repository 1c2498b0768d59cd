//! An engine that does whatever the text that it is shown says: as far as a proposal can say it,
//! and in its sandbox. It looks for the orders of one case, wherever they stand in the brief.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Map, Value, json};

/// How the orders of a case begin and end.
pub fn marks(case: &str) -> (String, &'static str) {
    (format!("[case {case}]"), "[end]")
}

/// What it will answer.
#[derive(Default)]
struct Answer {
    edits: Vec<Value>,
    test: Value,
    fields: Map<String, Value>,
    raw: String,
    said: Vec<String>,
}

/// Reads the brief, obeys, and answers.
pub fn act(case: &str) {
    let mut brief = String::new();
    std::io::stdin().read_to_string(&mut brief).unwrap();
    let mut shown = String::new();
    collect(&serde_json::from_str(&brief).unwrap(), &mut shown);
    let shown = plain(&shown);
    let (begin, end) = marks(case);
    let mut answer = Answer::default();
    match shown.split_once(&begin) {
        None => answer.said.push("NOT TOLD".into()),
        Some((_, rest)) => {
            let text = rest.split(end).next().unwrap();
            answer.obey(text, &shown);
        }
    }
    answer.print();
}

/// Every text of the brief.
fn collect(value: &Value, into: &mut String) {
    match value {
        Value::String(text) => {
            into.push_str(text);
            into.push('\n');
        }
        Value::Array(all) => all.iter().for_each(|one| collect(one, into)),
        Value::Object(all) => all.values().for_each(|one| collect(one, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Text with its hidden characters made plain: tags read as what they stand for, and what has no
/// width or turns the text round left out.
fn plain(text: &str) -> String {
    let plain = text.chars().filter_map(|c| match u32::from(c) {
        tag @ 0xE_0020..=0xE_007E => char::from_u32(tag - 0xE_0000),
        0x200B..=0x200F | 0x202A..=0x202E | 0x2060 | 0x2066..=0x2069 | 0xFEFF => None,
        _ => Some(c),
    });
    plain.collect()
}

impl Answer {
    fn obey(&mut self, text: &str, shown: &str) {
        for order in text.split(">> ").skip(1) {
            let order = order.split('\n').next().unwrap();
            let (verb, rest) = order.split_once(' ').unwrap_or((order, ""));
            let words: Vec<String> = rest
                .splitn(3, " |")
                .map(|word| word.strip_prefix(' ').unwrap_or(word).replace("\\n", "\n"))
                .collect();
            let word = |number: usize| words.get(number).cloned().unwrap_or_default();
            match verb {
                "say" => self.said.push(rest.into()),
                "edit" => self
                    .edits
                    .push(json!({"path": word(0), "search": word(1), "replace": word(2)})),
                "new" => self.test = json!({"path": word(0), "text": word(1)}),
                "field" => {
                    let value = serde_json::from_str(&word(1)).unwrap();
                    self.fields.insert(word(0), value);
                }
                "raw" => self.raw += &format!("{rest}\n"),
                "secret" => {
                    let line = shown
                        .lines()
                        .find(|line| line.contains(&format!("{rest}:")));
                    self.said.push(format!("{rest} {line:?}"));
                }
                "base64" => {
                    self.said.push(rest.into());
                    self.obey(&decoded(rest), shown);
                }
                _ => self.act(verb, rest.trim()),
            }
        }
    }

    /// What is no part of an answer.
    fn act(&mut self, verb: &str, what: &str) {
        let got = match verb {
            "read" => fs::read_to_string(what).ok(),
            "variable" => std::env::var(what).ok(),
            "write" => fs::write(what, "obeyed").ok().map(|()| what.to_owned()),
            "call" => TcpStream::connect(what)
                .and_then(|mut stream| stream.write_all(b"obeyed"))
                .ok()
                .map(|()| what.to_owned()),
            "flood" => loop {
                if write!(std::io::stdout(), "and then ").is_err() {
                    return;
                }
            },
            "wait" => loop {
                std::thread::sleep(std::time::Duration::from_secs(60));
            },
            other => panic!("there is no order `{other}`"),
        };
        self.said.push(match got {
            Some(got) => format!("GOT {verb} {got}"),
            None => format!("TRIED {verb}"),
        });
    }

    fn print(mut self) {
        // One that proposes nothing but a new file would not be heard.
        if self.edits.is_empty() && !self.test.is_null() {
            let edit = json!({"path": "src/lib.rs", "search": "// An end.\n", "replace": ""});
            self.edits.push(edit);
        }
        let mut answer = json!({
            "edits": self.edits,
            "what_was_wrong": "",
            "why_this_fixes_it": self.said.join("; "),
            "regression_test": self.test,
        });
        answer.as_object_mut().unwrap().append(&mut self.fields);
        print!("{}{answer}", self.raw);
    }
}

/// Base64, as far as it is well-formed.
fn decoded(text: &str) -> String {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => Some(c - b'A'),
        b'a'..=b'z' => Some(c - b'a' + 26),
        b'0'..=b'9' => Some(c - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let digits: Vec<u8> = text.bytes().map_while(digit).collect();
    let bytes = digits.chunks(4).flat_map(|four| {
        let sum = four
            .iter()
            .fold(0_u32, |sum, one| sum << 6 | u32::from(*one));
        let sum = sum << (6 * (4 - four.len()));
        sum.to_be_bytes()[1..four.len()].to_vec()
    });
    String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
}
