//! Finds secrets by the names that they are assigned to or stand behind.

use std::ops::Range;

use super::{MARK, Spot};
use crate::wire::head;

/// Parts of names whose value is a secret.
const SECRET_NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "apikey",
    "api-key",
    "access_key",
    "access-key",
    "private_key",
    "private-key",
    "auth_key",
    "authkey",
    "signing_key",
    "encryption_key",
    "credential",
    "authorization",
    "connection_string",
    "pwd",
];

/// What a value is that is no secret, whatever it is assigned to.
const PLAIN_VALUES: &[&str] = &[
    "null",
    "none",
    "true",
    "false",
    "undefined",
    "string",
    "str",
    "self",
    "this",
    "example",
    "changeme",
    "placeholder",
    "optional",
    "boolean",
    "number",
    "object",
    "unknown",
];

/// The shortest value of a secret name that is taken out, in characters.
const VALUE_CHARACTERS_MIN: usize = 6;

/// The shortest text in quotes that is taken out for standing behind a secret's name, in bytes.
const QUOTED_BYTES_MIN: usize = 10;

/// How far before a sign its name is looked for, in bytes.
const NAME_BYTES_MAX: usize = 128;

/// How much of a word without quotes tells whether it is code, in bytes.
const WORD_BYTES_MAX: usize = 256;

/// What is assigned to a name that says that it is a secret, or stands quoted behind one.
pub(super) fn spots(text: &str) -> Vec<Spot> {
    let mut spots = Vec::new();
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        let lower = line.to_ascii_lowercase();
        let names = SECRET_NAMES.iter().filter_map(|name| lower.find(name));
        if let Some(first) = names.min() {
            let mut add = |range: Range<usize>| {
                spots.push((line_start + range.start..line_start + range.end, "secret"));
            };
            let last_word = line
                .trim_end()
                .rfind(is_end_of_word)
                .map_or(0, |end| end + 1);
            let mut done = 0;
            for (sign, _) in line.match_indices(['=', ':']) {
                if sign >= done
                    && is_secret_name(tail(&lower[..sign], NAME_BYTES_MAX))
                    && let Some(range) = value_behind(line, sign + 1, last_word)
                {
                    done = range.end;
                    add(range);
                }
            }
            quoted_behind(line, first).for_each(add);
        }
        line_start += line.len();
    }
    spots
}

/// Does what stands before a sign end in a name of a secret, or declare one with its type?
fn is_secret_name(before: &str) -> bool {
    let before = before.trim_end_matches(['"', '\'', ' ', '\t', ':', '?', ']']);
    let statement = before
        .rsplit([';', ',', '(', '{'])
        .next()
        .unwrap_or_default();
    let is_end = |c: char| !(c.is_alphanumeric() || "_-.".contains(c));
    let has_secret = |name: &str| SECRET_NAMES.iter().any(|part| name.contains(part));
    let last = statement.rsplit(is_end).next().unwrap_or_default();
    // `NAME: type = value` declares, and `name == value` or `a ? b : c` does not.
    let declared = statement.split(':').next().unwrap_or_default();
    let declared = declared
        .trim_end()
        .rsplit(is_end)
        .next()
        .unwrap_or_default();
    has_secret(last) || has_secret(declared)
}

/// The value that begins at a place of a line, if it may be a secret. The line's last word begins
/// at `last_word`.
fn value_behind(line: &str, place: usize, last_word: usize) -> Option<Range<usize>> {
    let after = &line[place..];
    let start = place + after.len() - after.trim_start_matches([' ', '\t', '=', '>', ':']).len();
    let range = value(&line[start..], start >= last_word)?;
    Some(start + range.start..start + range.end)
}

/// Texts in quotes behind a secret's name, such as the second argument of
/// `header("x-api-key", "…")`: those that have letters and digits and no space.
fn quoted_behind(line: &str, first: usize) -> impl Iterator<Item = Range<usize>> {
    let mut ranges = Vec::new();
    let mut open: Option<(usize, char)> = None;
    for (place, c) in line.char_indices().filter(|(_, c)| "\"'`".contains(*c)) {
        match open {
            None => open = Some((place + 1, c)),
            Some((start, quote)) if quote == c => {
                open = None;
                let text = &line[start..place];
                let has = |kind: fn(&u8) -> bool| text.bytes().any(|byte| kind(&byte));
                let is_word = !text.contains(|c: char| c.is_whitespace() || "/(){}$".contains(c));
                let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
                let is_long = text.len() >= QUOTED_BYTES_MIN;
                if start > first && is_word && is_mixed && is_long && !is_reference(text) {
                    ranges.push(start..place);
                }
            }
            Some(_) => {}
        }
    }
    ranges.into_iter()
}

/// Where the value at the beginning of a line's rest stands, if it may be a secret.
fn value(rest: &str, is_last: bool) -> Option<Range<usize>> {
    let quote = rest.chars().next()?;
    let range = if "\"'`".contains(quote) {
        1..rest[1..].find(quote).map_or(rest.len(), |end| end + 1)
    } else {
        bare_value(rest, is_last)?
    };
    let value = &rest[range.clone()];
    let is_long = value.chars().count() >= VALUE_CHARACTERS_MIN;
    let is_plain = PLAIN_VALUES.contains(&value.to_ascii_lowercase().as_str());
    // Talk has spaces, and a passphrase few.
    let is_talk = value.split_whitespace().count() > 4;
    (is_long && !is_plain && !is_talk && !is_reference(value)).then_some(range)
}

/// Without quotes, a word is more often code than a secret: a type, a call, a number, a name. It
/// is taken for one where it holds a digit among other signs, or where it is all that the line
/// assigns and does not begin like a type.
fn bare_value(rest: &str, is_last: bool) -> Option<Range<usize>> {
    let word = rest
        .trim_start_matches("Bearer ")
        .trim_start_matches("Basic ");
    let start = rest.len() - word.len();
    let start_of_word = head(word, WORD_BYTES_MAX);
    let length = start_of_word
        .find(is_end_of_word)
        .unwrap_or(start_of_word.len());
    let bare = &word[..length];
    let is_code = bare.contains(['(', '<', '[', '&', '{']) || bare.contains("::");
    let is_number = bare.bytes().all(|byte| byte.is_ascii_digit());
    let has_digit = bare.bytes().any(|byte| byte.is_ascii_digit());
    let is_name = bare.contains('.') && !has_digit;
    let is_value = has_digit || is_last && !bare.starts_with(char::is_uppercase);
    if is_code || is_number || is_name || !is_value {
        return None;
    }
    let length = word.find(is_end_of_word).unwrap_or(word.len());
    Some(start..start + length)
}

fn is_end_of_word(c: char) -> bool {
    c.is_whitespace() || ",;)}]\"'`".contains(c)
}

/// Does the text only say where a secret is, as `${PASSWORD}` does?
pub(super) fn is_reference(value: &str) -> bool {
    ["${", "$(", "{{", "{%", "<", "%(", "env:", MARK]
        .iter()
        .any(|start| value.starts_with(start))
        || value.strip_prefix(['$', '%', '{']).is_some_and(|name| {
            name.trim_end_matches(['%', '}'])
                .chars()
                .all(|c| c.is_alphanumeric() || c == '_')
        })
        || value.chars().all(|c| "*x.".contains(c))
        || is_version(value)
}

/// Is it what a package called after a token is required at?
fn is_version(value: &str) -> bool {
    let is_part = |c: char| c.is_ascii_digit() || ".^~<>=*|, xv".contains(c);
    value.contains('.') && value.chars().all(is_part)
}

/// The end of a text, of at most so many bytes.
fn tail(text: &str, bytes_max: usize) -> &str {
    let mut start = text.len().saturating_sub(bytes_max);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}
