//! Reads the text of a `yarn.lock` of yarn 1 into the same tree as YAML gives: blocks by
//! their heads, indented lines of a name and a value, quoted or not
//! (<https://classic.yarnpkg.com/en/docs/yarn-lock>).

use std::borrow::Cow;

use super::LockError;
use super::yaml::Yaml;

/// How deep lines may be indented, in steps of two blanks.
const DEPTH_MAX: usize = 4;

type Entries<'text> = Vec<(Cow<'text, str>, Yaml<'text>)>;

/// Reads the text; the error names the line.
pub(super) fn parse(text: &str) -> Result<Yaml<'_>, LockError> {
    // A stack of open maps; the outermost is the file, the others have a name.
    let mut open: Vec<(Cow<'_, str>, Entries<'_>)> = vec![(Cow::Borrowed(""), Vec::new())];
    for (index, line) in text.lines().enumerate() {
        let bare = line.trim_start_matches(' ');
        if bare.trim().is_empty() || bare.starts_with('#') {
            continue;
        }
        let malformed = |what| LockError::Malformed(format!("line {}: {what}", index + 1));
        let indent = line.len() - bare.len();
        let depth = indent / 2;
        if indent % 2 != 0 || depth >= open.len() || depth > DEPTH_MAX {
            return Err(malformed("it is indented in an odd way"));
        }
        close(&mut open, depth + 1);
        let bare = bare.trim_end();
        if let Some(head) = bare.strip_suffix(':') {
            open.push((unquoted(head), Vec::new()));
        } else {
            let (name, value) = split(bare).ok_or_else(|| malformed("it has no value"))?;
            let value = Yaml::Text(unquoted(value));
            if let Some((_, entries)) = open.last_mut() {
                entries.push((unquoted(name), value));
            }
        }
    }
    close(&mut open, 1);
    let (_, entries) = open.pop().unwrap_or_default();
    Ok(Yaml::Map(entries))
}

/// Ends open maps until `count` are left.
fn close<'text>(open: &mut Vec<(Cow<'text, str>, Entries<'text>)>, count: usize) {
    while open.len() > count {
        let Some((name, entries)) = open.pop() else {
            return;
        };
        if let Some((_, outer)) = open.last_mut() {
            outer.push((name, Yaml::Map(entries)));
        }
    }
}

/// Splits at the blank behind a name, which may be quoted.
fn split(line: &str) -> Option<(&str, &str)> {
    let name_end = match line.strip_prefix('"') {
        Some(rest) => rest.find('"')? + 2,
        None => line.find(' ')?,
    };
    let (name, value) = line.split_at(name_end);
    let value = value.strip_prefix(' ')?;
    Some((name, value))
}

/// A head of several quoted descriptors keeps their quotes, for the reader of heads.
fn unquoted(text: &str) -> Cow<'_, str> {
    let inner = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    Cow::Borrowed(match inner {
        Some(inner) if !inner.contains('"') => inner,
        Some(_) | None => text,
    })
}
