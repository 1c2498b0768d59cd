//! Reads YAML into a bounded JSON value. Anchors are refused: no package manager writes them,
//! and with them a short text stands for an endless one.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// How many values one document may have.
const VALUES_MAX: usize = 4_000_000;

/// How deep they may nest.
const DEPTH_MAX: usize = 64;

/// What a plain word stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// Itself, as in a lockfile, where `1.0` is a version.
    Texts,
    /// A number or a truth value where it is one, as in settings.
    Typed,
}

enum Open {
    List(Vec<Value>),
    Map(Map<String, Value>, Option<String>),
}

/// Reads the last document of a text: pnpm writes its own settings before the lockfile proper.
/// An empty text is nothing; the error is a sentence's end.
pub(super) fn parse(text: &str, words: Words) -> Result<Value, String> {
    let mut open: Vec<Open> = Vec::new();
    let (mut done, mut values) = (Value::Null, 0_usize);
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| format!("it is no YAML: {error}"))?;
        let at_line = |what: &str| format!("line {}: {what}", span.start.line());
        let value = match event {
            Event::Alias(_) => return Err(at_line("an anchor is used")),
            Event::Scalar(_, _, anchor, _)
            | Event::SequenceStart(anchor, _)
            | Event::MappingStart(anchor, _)
                if anchor != 0 =>
            {
                return Err(at_line("it has an anchor"));
            }
            Event::Scalar(text, style, _, _) => scalar(&text, style, words),
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                continue;
            }
            Event::MappingStart(..) => {
                open.push(Open::Map(Map::new(), None));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(Open::List(list)) => Value::Array(list),
                Some(Open::Map(map, _)) => Value::Object(map),
                None => return Err(at_line("it ends before it begins")),
            },
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => continue,
        };
        values += 1;
        if values > VALUES_MAX || open.len() > DEPTH_MAX {
            return Err(at_line("it is too large or nested too deep"));
        }
        match open.last_mut() {
            None => done = value,
            Some(Open::List(list)) => list.push(value),
            Some(Open::Map(map, key)) => match key.take() {
                Some(key) => {
                    if map.insert(key, value).is_some() {
                        return Err(at_line("a key is there twice"));
                    }
                }
                None => *key = Some(key_of(&value).ok_or_else(|| at_line("a key is no text"))?),
            },
        }
    }
    Ok(done)
}

fn scalar(text: &str, style: ScalarStyle, words: Words) -> Value {
    let is_typed = words == Words::Typed && style == ScalarStyle::Plain;
    let typed = is_typed.then(|| serde_json::from_str(text).ok()).flatten();
    typed.unwrap_or_else(|| Value::from(text))
}

fn key_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_word_is_a_text_in_a_lockfile_and_has_a_type_in_settings() {
        let text = "a: 1.0\nb: true\nc: 'true'\nd: [x, 2]\n";
        assert_eq!(
            parse(text, Words::Texts).unwrap(),
            json!({"a": "1.0", "b": "true", "c": "true", "d": ["x", "2"]})
        );
        assert_eq!(
            parse(text, Words::Typed).unwrap(),
            json!({"a": 1.0, "b": true, "c": "true", "d": ["x", 2]})
        );
        assert_eq!(parse("", Words::Texts), Ok(Value::Null));
    }

    #[test]
    fn what_no_package_manager_writes_is_refused() {
        for text in [
            "a: &x [1]\nb: *x\n",
            "a: 1\na: 2\n",
            "? [a]\n: 1\n",
            "a: [\n",
        ] {
            assert!(parse(text, Words::Texts).is_err(), "{text}");
        }
        let deep = "[".repeat(100) + &"]".repeat(100);
        assert!(parse(&deep, Words::Texts).is_err());
    }
}
