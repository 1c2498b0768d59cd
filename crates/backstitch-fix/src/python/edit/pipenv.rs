//! Rewrites one package of `Pipfile.lock` wherever it stands: its version and its hashes. The
//! way the JSON is written stays.

use std::ops::Range;

use super::{Rewrite, replaced};

/// How deep JSON may be nested; Pipenv's has four levels.
const DEPTH_MAX: usize = 64;

/// The text with one package rewritten; `None` where it is no such JSON.
pub(super) fn rewrite(text: &str, rewrite: &Rewrite<'_>) -> Option<String> {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for (group, packages) in members(text, 0..text.len())? {
        if group == "_meta" {
            continue;
        }
        for (name, entry) in members(text, packages)? {
            edits.extend(edits_of(text, rewrite, name, entry)?);
        }
    }
    if edits.is_empty() {
        return None;
    }
    edits.sort_by_key(|(place, _)| std::cmp::Reverse(place.start));
    let mut new = text.to_owned();
    for (place, with) in edits {
        new = replaced(&new, place, &with);
    }
    Some(new)
}

/// What changes in one entry; nothing where it is another package's.
fn edits_of(
    text: &str,
    rewrite: &Rewrite<'_>,
    name: &str,
    entry: Range<usize>,
) -> Option<Vec<(Range<usize>, String)>> {
    let fields = members(text, entry)?;
    let field = |key: &str| {
        let mut fields = fields.iter();
        fields
            .find(|(name, _)| *name == key)
            .map(|(_, place)| place.clone())
    };
    let Some(version) = field("version") else {
        return Some(Vec::new());
    };
    let written = text[version.clone()].trim_matches('"');
    if !rewrite.is_of(name, written.trim_start_matches('=')) {
        return Some(Vec::new());
    }
    let mut edits = vec![(version, format!("\"=={}\"", rewrite.to.version))];
    if let Some(hashes) = field("hashes") {
        edits.push((hashes.clone(), list(&text[hashes], rewrite)?));
    }
    Some(edits)
}

/// The list of hashes, broken as it was.
fn list(before: &str, rewrite: &Rewrite<'_>) -> Option<String> {
    let inside = before.strip_prefix('[')?.strip_suffix(']')?;
    let first = inside.find('"')?;
    let lead = &inside[..first];
    let tail = &inside[inside.rfind('"')? + 1..];
    let mut hashes: Vec<_> = rewrite
        .hashed()?
        .iter()
        .map(|(_, hash)| format!("\"sha256:{hash}\""))
        .collect();
    hashes.sort();
    Some(format!(
        "[{lead}{}{tail}]",
        hashes.join(&format!(",{lead}"))
    ))
}

/// The members of an object: each name, and where its value stands.
fn members(text: &str, object: Range<usize>) -> Option<Vec<(&str, Range<usize>)>> {
    let mut scanner = Scanner {
        text: &text[..object.end],
        at: object.start,
    };
    scanner.expect('{')?;
    let mut members = Vec::new();
    if scanner.peek()? == '}' {
        return Some(members);
    }
    loop {
        let name = scanner.string()?;
        scanner.expect(':')?;
        let value = scanner.value()?;
        members.push((&text[name.start + 1..name.end - 1], value));
        match scanner.next()? {
            ',' => {}
            '}' => return Some(members),
            _ => return None,
        }
    }
}

/// Finds where JSON's values begin and end. What a string says it does not look at.
struct Scanner<'text> {
    text: &'text str,
    at: usize,
}

impl Scanner<'_> {
    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    fn peek(&mut self) -> Option<char> {
        self.skip_space();
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn expect(&mut self, wanted: char) -> Option<()> {
        (self.next()? == wanted).then_some(())
    }

    fn string(&mut self) -> Option<Range<usize>> {
        self.skip_space();
        let start = self.at;
        self.expect('"')?;
        let mut escaped = false;
        for (at, c) in self.text[self.at..].char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    self.at += at + 1;
                    return Some(start..self.at);
                }
                _ => {}
            }
        }
        None
    }

    fn value(&mut self) -> Option<Range<usize>> {
        let first = self.peek()?;
        let start = self.at;
        match first {
            '"' => return self.string(),
            '{' | '[' => {}
            _ => {
                let rest = &self.text[start..];
                let length = rest.find([',', '}', ']'])?;
                self.at += rest[..length].trim_end().len();
                return Some(start..self.at);
            }
        }
        let mut depth = 0;
        loop {
            match self.peek()? {
                '"' => {
                    self.string()?;
                    continue;
                }
                '{' | '[' => depth += 1,
                '}' | ']' => depth -= 1,
                _ => {}
            }
            self.next();
            if depth == 0 {
                return Some(start..self.at);
            }
            if depth > DEPTH_MAX {
                return None;
            }
        }
    }
}
