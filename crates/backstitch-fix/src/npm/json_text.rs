//! Owns edits of a JSON text that leave everything else as it is: blanks, order and line
//! ends. Knows no manifest.

use serde_json::Value;

/// How deep values may nest.
const DEPTH_MAX: usize = 64;

/// Where something stands in a text: from the first byte to behind the last.
type Span = std::ops::Range<usize>;

/// Sets the text at `path` to `value`, and makes the objects that lead there where they are
/// missing. `None` where the text is no JSON object or something else is in the way.
pub(super) fn set(text: &str, path: &[&str], value: &str) -> Option<String> {
    let mut place = Object::root(text)?;
    let (last, folders) = path.split_last()?;
    for (depth, name) in folders.iter().enumerate() {
        match place.member(name) {
            Some(span) => place = Object::at(text, span)?,
            None => return Some(place.with(name, &nested(&path[depth + 1..], value))),
        }
    }
    match place.member(last) {
        Some(span) if text[span.clone()].starts_with('"') => {
            let quoted = Value::from(value).to_string();
            Some(format!(
                "{}{quoted}{}",
                &text[..span.start],
                &text[span.end..]
            ))
        }
        Some(_) => None,
        None => Some(place.with(last, &Made::Text(value.to_owned()))),
    }
}

/// The text at `path`; `None` where there is none.
pub(super) fn get(text: &str, path: &[&str]) -> Option<String> {
    let mut place = Object::root(text)?;
    let (last, folders) = path.split_last()?;
    for name in folders {
        place = Object::at(text, place.member(name)?)?;
    }
    serde_json::from_str(&text[place.member(last)?]).ok()
}

/// What is put where nothing was.
enum Made {
    Text(String),
    Object(String, Box<Made>),
}

fn nested(path: &[&str], value: &str) -> Made {
    match path {
        [] => Made::Text(value.to_owned()),
        [name, rest @ ..] => Made::Object((*name).to_owned(), Box::new(nested(rest, value))),
    }
}

impl Made {
    fn write(&self, indent: &str, step: &str, line_end: &str) -> String {
        match self {
            Self::Text(text) => Value::from(text.as_str()).to_string(),
            Self::Object(name, value) => {
                let inner = format!("{indent}{step}");
                let name = Value::from(name.as_str());
                let value = value.write(&inner, step, line_end);
                format!("{{{line_end}{inner}{name}: {value}{line_end}{indent}}}")
            }
        }
    }
}

/// An object in a text.
struct Object<'text> {
    text: &'text str,
    span: Span,
    members: Vec<(String, Span)>,
}

impl<'text> Object<'text> {
    fn root(text: &'text str) -> Option<Self> {
        let start = text.find('{')?;
        let before = text[..start].trim_start_matches('\u{feff}');
        before.trim().is_empty().then_some(())?;
        Self::at(text, start..text.len())
    }

    /// Reads the object that begins at a span's start.
    fn at(text: &'text str, span: Span) -> Option<Self> {
        let mut scanner = Scanner {
            bytes: text.as_bytes(),
            at: span.start,
        };
        scanner.take(b'{')?;
        let mut members = Vec::new();
        scanner.blanks();
        if scanner.peek() != Some(b'}') {
            loop {
                scanner.blanks();
                let name = scanner.string()?;
                scanner.blanks();
                scanner.take(b':')?;
                scanner.blanks();
                let start = scanner.at;
                scanner.value(0)?;
                let name = serde_json::from_str(&text[name]).ok()?;
                members.push((name, start..scanner.at));
                scanner.blanks();
                if scanner.peek() != Some(b',') {
                    break;
                }
                scanner.at += 1;
            }
        }
        scanner.take(b'}')?;
        Some(Self {
            text,
            span: span.start..scanner.at,
            members,
        })
    }

    /// The last member of this name, which is the one that counts.
    fn member(&self, name: &str) -> Option<Span> {
        let found = self.members.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, span)| span.clone())
    }

    /// The whole text with a member more, behind the last one.
    fn with(&self, name: &str, value: &Made) -> String {
        let (text, line_end) = (self.text, line_end(self.text));
        let step = step(text);
        let own = indent_of(text, self.span.start);
        let inner = format!("{own}{step}");
        let name = Value::from(name);
        let member = format!("{name}: {}", value.write(&inner, &step, line_end));
        if let Some((_, last)) = self.members.last() {
            let (before, after) = text.split_at(last.end);
            return format!("{before},{line_end}{inner}{member}{after}");
        }
        let before = &text[..=self.span.start];
        let after = &text[self.span.end - 1..];
        format!("{before}{line_end}{inner}{member}{line_end}{own}{after}")
    }
}

fn line_end(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// The blanks at the beginning of the line that holds `at`.
fn indent_of(text: &str, at: usize) -> &str {
    let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let line = &text[line..];
    let end = line.find(|c: char| c != ' ' && c != '\t');
    &line[..end.unwrap_or(0)]
}

/// What one level is indented by: the first indented line's blanks, two where there is none.
fn step(text: &str) -> String {
    let indented = text.lines().find_map(|line| {
        let end = line.find(|c: char| c != ' ' && c != '\t')?;
        (end > 0).then(|| line[..end].to_owned())
    });
    indented.unwrap_or_else(|| "  ".to_owned())
}

/// Goes over a JSON text without building anything.
struct Scanner<'text> {
    bytes: &'text [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek() == Some(byte)).then(|| self.at += 1)
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn string(&mut self) -> Option<Span> {
        let start = self.at;
        self.take(b'"')?;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(start..self.at)
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX {
            return None;
        }
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'{' => self.members(b'}', true, depth),
            b'[' => self.members(b']', false, depth),
            _ => {
                while !matches!(
                    self.peek()?,
                    b',' | b'}' | b']' | b' ' | b'\t' | b'\r' | b'\n'
                ) {
                    self.at += 1;
                }
                Some(())
            }
        }
    }

    fn members(&mut self, end: u8, named: bool, depth: usize) -> Option<()> {
        self.at += 1;
        self.blanks();
        if self.take(end).is_some() {
            return Some(());
        }
        loop {
            self.blanks();
            if named {
                self.string()?;
                self.blanks();
                self.take(b':')?;
                self.blanks();
            }
            self.value(depth + 1)?;
            self.blanks();
            if self.take(b',').is_none() {
                return self.take(end);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_replaced_where_it_stands_and_nothing_else_changes() {
        let text = "{\r\n\t\"b\": [1, {\"a\": \"x\"}],\r\n\t\"dependencies\": {\"a\" : \"^1\", \"b\":\"1\"}\r\n}\r\n";
        assert_eq!(
            set(text, &["dependencies", "a"], "^2").unwrap(),
            text.replace("\"^1\"", "\"^2\"")
        );
    }

    #[test]
    fn what_is_missing_is_made_in_the_style_of_the_text() {
        let text = "{\n    \"name\": \"app\",\n    \"overrides\": {}\n}\n";
        assert_eq!(
            set(text, &["overrides", "p", "x"], "^1").unwrap(),
            "{\n    \"name\": \"app\",\n    \"overrides\": {\n        \"p\": {\n            \"x\": \
             \"^1\"\n        }\n    }\n}\n"
        );
        assert_eq!(
            set("{\n  \"name\": \"app\"\n}", &["overrides", "x"], "1").unwrap(),
            "{\n  \"name\": \"app\",\n  \"overrides\": {\n    \"x\": \"1\"\n  }\n}"
        );
    }

    #[test]
    fn what_is_in_the_way_or_broken_is_left_alone() {
        for text in [
            "",
            "[]",
            "{\"a\": ",
            "{\"a\": 1}",
            "{\"a\": {\"b\": {}}}",
            "x {}",
        ] {
            assert_eq!(set(text, &["a", "b"], "1"), None, "{text}");
        }
        let deep = format!("{{\"x\": {}, \"a\": \"1\"}}", "[".repeat(100_000));
        assert_eq!(set(&deep, &["a"], "2"), None);
    }
}
