//! Raises the project's own requirements: the text of one requirement changes, in its own style,
//! and nothing else of its file does.

use backstitch_model::pins;
use backstitch_model::policy::Bump;
use pep440_rs::Version;

use super::super::catalogue::plain;
use super::super::version::{Range, bump};
use super::replaced;

/// A requirement's text raised so that it admits `to`; `None` where it cannot be.
pub(super) fn raised(text: &str, from: &Version, to: &Version) -> Option<String> {
    if text.contains("||") {
        return None;
    }
    let parts: Vec<String> = text
        .split(',')
        .map(|part| {
            let admits = Range::parse(part.trim()).is_some_and(|range| range.admits(to));
            if admits {
                Some(part.to_owned())
            } else {
                raised_part(part, from, to)
            }
        })
        .collect::<Option<_>>()?;
    let raised = parts.join(",");
    Range::parse(&raised)
        .is_some_and(|range| range.admits(to))
        .then_some(raised)
}

/// One part, with the space before it.
fn raised_part(part: &str, from: &Version, to: &Version) -> Option<String> {
    let start = part.len() - part.trim_start().len();
    let (space, part) = part.split_at(start);
    let at = part.find(|c: char| c.is_ascii_digit())?;
    let (operator, _) = part.split_at(at);
    let first = to.release().first()?;
    let new = match operator.trim() {
        "^" | "~" | "==" | "===" | "" if part.ends_with(".*") => {
            let depth = part[at..].matches('.').count();
            let numbers = to.release().iter().chain(std::iter::repeat(&0)).take(depth);
            let numbers: Vec<_> = numbers.map(ToString::to_string).collect();
            format!("{operator}{}.*", numbers.join("."))
        }
        "^" | "~" | "==" | "===" | "~=" | "" => format!("{operator}{to}"),
        // An upper end goes up to the next release that may break something.
        "<" | "<=" if bump(from, to) == Bump::Breaking || *first > 0 => {
            format!("<{}", first.checked_add(1)?)
        }
        "<" | "<=" => format!("<{}", next_of_zero(to)?),
        _ => return None,
    };
    Some(format!("{space}{new}"))
}

fn next_of_zero(to: &Version) -> Option<String> {
    let second = to.release().get(1).copied().unwrap_or_default();
    Some(format!("0.{}", second.checked_add(1)?))
}

/// A manifest with a requirement's text replaced wherever it stands; `None` where it stands
/// nowhere.
pub(super) fn in_manifest(text: &str, key: &str, from: &str, to: &str) -> Option<String> {
    let mut new = text.to_owned();
    let mut found = false;
    for (place, quote) in strings(text).into_iter().rev() {
        let inside = &text[place.clone()];
        let is_value = inside == from && is_value_of(text, place.start, key);
        if let Some(at) = in_specifier(inside, key, from).or(is_value.then_some(0)) {
            let start = place.start + at;
            if to.contains(quote) {
                return None;
            }
            new = replaced(&new, start..start + from.len(), to);
            found = true;
        }
    }
    found.then_some(new)
}

/// A source of a requirements file, in the same way.
pub(super) fn in_requirements(text: &str, key: &str, from: &str, to: &str) -> Option<String> {
    let mut new = text.to_owned();
    let mut found = false;
    for entry in pins::entries(text).iter().rev() {
        if let Some(at) = in_specifier(entry.raw, key, from) {
            let start = entry.start + at;
            new = replaced(&new, start..start + from.len(), to);
            found = true;
        }
    }
    found.then_some(new)
}

/// Where the versions of a specifier stand: `requests[socks] >=2,<2.30 ; …`.
fn in_specifier(text: &str, key: &str, from: &str) -> Option<usize> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let length = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(length);
    if plain(name) != plain(key) || name.is_empty() {
        return None;
    }
    let end = rest.find(';').unwrap_or(rest.len());
    rest[..end].find(from).map(|at| length + at)
}

/// Does a text stand behind `key =`, or behind `version =` on a line that begins with `key`?
fn is_value_of(text: &str, at: usize, key: &str) -> bool {
    let start = text[..at].rfind('\n').map_or(0, |found| found + 1);
    let before = text[start..at].trim_end_matches(['"', '\'']);
    let Some((name, rest)) = before.split_once('=') else {
        return false;
    };
    let is_key = plain(name.trim().trim_matches(['"', '\''])) == plain(key);
    let rest = rest.trim();
    is_key && (rest.is_empty() || rest.ends_with("version =") || rest.ends_with("version="))
}

/// The strings of a TOML text on one line: where each stands, and its quotes.
fn strings(text: &str) -> Vec<(std::ops::Range<usize>, char)> {
    let mut strings = Vec::new();
    let mut open: Option<(usize, char)> = None;
    let mut comment = false;
    for (at, c) in text.char_indices() {
        match (open, c) {
            (_, '\n') => {
                open = None;
                comment = false;
            }
            _ if comment => {}
            (None, '#') => comment = true,
            (None, '"' | '\'') => open = Some((at + 1, c)),
            (Some((start, quote)), c) if c == quote => {
                strings.push((start..at, quote));
                open = None;
            }
            _ => {}
        }
    }
    strings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raise(text: &str, from: &str, to: &str) -> Option<String> {
        raised(text, &from.parse().unwrap(), &to.parse().unwrap())
    }

    #[test]
    fn a_requirement_is_raised_in_its_own_style() {
        for (text, from, to, expected) in [
            (">=2,<2.30", "2.28", "2.31.0", Some(">=2,<3")),
            (">=1.21.1, <1.27", "1.26", "2.0.7", Some(">=1.21.1, <3")),
            ("==2.28.1", "2.28.1", "2.31.0", Some("==2.31.0")),
            ("==2.28.*", "2.28.1", "2.31.0", Some("==2.31.*")),
            ("^1.26", "1.26.1", "2.0.7", Some("^2.0.7")),
            ("~2.28", "2.28.1", "2.31.0", Some("~2.31.0")),
            ("~=2.28.0", "2.28.1", "2.31.0", Some("~=2.31.0")),
            ("2.28.1", "2.28.1", "2.31.0", Some("2.31.0")),
            (">=0.37,<0.38", "0.37.1", "0.38.1", Some(">=0.37,<0.39")),
            ("!=2.31.0", "2.28.1", "2.31.0", None),
            ("^1.0 || ^2.0", "1.0", "3.0", None),
        ] {
            assert_eq!(raise(text, from, to).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn only_the_requirement_itself_changes_in_its_file() {
        let text = "# \"requests>=2,<2.30\"\ndescription = \"requests-like >=2,<2.30\"\n\
            dependencies = [\"Requests[socks]>=2,<2.30; os_name == 'nt'\", 'other>=2,<2.30']\n";
        let new = in_manifest(text, "requests", ">=2,<2.30", ">=2,<3").unwrap();
        assert_eq!(new, text.replace("socks]>=2,<2.30", "socks]>=2,<3"));
        let poetry = "[tool.poetry.dependencies]\nrequests = \"^1\"\nx = \"^1\"\n\
            [tool.poetry.group.dev.dependencies]\nrequests = { extras = [\"a\"], version = \"^1\" }\n";
        let new = in_manifest(poetry, "Requests", "^1", "^2").unwrap();
        assert_eq!(
            new,
            poetry
                .replace("requests = \"^1\"", "requests = \"^2\"")
                .replace("version = \"^1\"", "version = \"^2\"")
        );
        assert_eq!(in_manifest(poetry, "y", "^1", "^2"), None);
        let sources = "-r x.in\nrequests>=2,<2.30  # why\n";
        let new = in_requirements(sources, "requests", ">=2,<2.30", ">=2,<3").unwrap();
        assert_eq!(new, "-r x.in\nrequests>=2,<3  # why\n");
    }
}
