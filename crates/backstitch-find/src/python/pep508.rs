//! Reads dependency specifiers as Python's packages write them: a name, extras, versions or an
//! address, a marker. Owns that grammar and nothing else; takes time in proportion to the text.
//!
//! Format: <https://packaging.python.org/en/latest/specifications/dependency-specifiers/>.
//! The crate that reads it is not used: it brings a URL parser with its Unicode tables, and it
//! keeps every marker for good in a form whose size a hostile file could blow up.

use std::str::FromStr as _;

use pep440_rs::VersionSpecifiers;

use super::marker::Marker;

/// The longest specifier that is read, in bytes.
const SPECIFIER_BYTES_MAX: usize = 16 << 10;

/// A dependency specifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Specifier {
    /// The package, as written.
    pub name: String,
    /// The extras asked for, as written.
    pub extras: Vec<String>,
    /// Which versions will do, or where it comes from.
    pub wanted: Wanted,
    /// When it counts; always if `None`.
    pub marker: Option<Marker>,
}

/// What of a package is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Versions, as written; `*` for any.
    Versions(String),
    /// What lies at an address, or at a path.
    Address(String),
}

/// Says that a text is no dependency specifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no dependency specifier")]
pub struct NoSpecifier;

impl Specifier {
    /// Reads a specifier.
    pub fn parse(text: &str) -> Result<Self, NoSpecifier> {
        if text.len() > SPECIFIER_BYTES_MAX {
            return Err(NoSpecifier);
        }
        let (name, rest) = split_name(text.trim()).ok_or(NoSpecifier)?;
        let (extras, rest) = split_extras(rest.trim_start()).ok_or(NoSpecifier)?;
        let rest = rest.trim();
        let (wanted, marker) = if let Some(rest) = rest.strip_prefix('@') {
            // An address may hold a semicolon; the marker's has a space before it.
            let (address, marker) = split_marker(rest, " ;");
            (Wanted::Address(address.trim().to_owned()), marker)
        } else {
            let (versions, marker) = split_marker(rest, ";");
            (Wanted::Versions(specifiers(versions)?), marker)
        };
        Ok(Self {
            name: name.to_owned(),
            extras,
            wanted,
            marker: marker.map(Marker::parse),
        })
    }
}

/// A name begins and ends with a letter or a digit.
fn split_name(text: &str) -> Option<(&str, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let length = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(length);
    let is_edge = |c: char| c.is_ascii_alphanumeric();
    (name.starts_with(is_edge) && name.ends_with(is_edge)).then_some((name, rest))
}

fn split_extras(text: &str) -> Option<(Vec<String>, &str)> {
    let Some(rest) = text.strip_prefix('[') else {
        return Some((Vec::new(), text));
    };
    let (inside, rest) = rest.split_once(']')?;
    let extras = inside.split(',').map(str::trim);
    let extras = extras
        .filter(|extra| !extra.is_empty())
        .map(str::to_owned)
        .collect();
    Some((extras, rest))
}

fn split_marker<'text>(text: &'text str, before: &str) -> (&'text str, Option<&'text str>) {
    match text.split_once(before) {
        Some((wanted, marker)) => (wanted, Some(marker.trim())),
        None => (text, None),
    }
}

/// Version specifiers as written, without the brackets that old metadata has; `*` for any.
fn specifiers(text: &str) -> Result<String, NoSpecifier> {
    let text = text.trim();
    let bare = text
        .strip_prefix('(')
        .and_then(|text| text.strip_suffix(')'))
        .unwrap_or(text)
        .trim()
        .trim_end_matches(',');
    if matches!(bare, "" | "*") {
        return Ok("*".to_owned());
    }
    match VersionSpecifiers::from_str(bare) {
        Ok(_) => Ok(bare.to_owned()),
        Err(_) => Err(NoSpecifier),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specifier_has_a_name_extras_versions_and_a_marker() {
        let read =
            Specifier::parse("requests[socks, security] >=2.8.1, ==2.8.* ; python_version < '3'")
                .unwrap();
        assert_eq!(read.name, "requests");
        assert_eq!(read.extras, ["socks", "security"]);
        let Wanted::Versions(versions) = read.wanted else {
            panic!("versions")
        };
        assert_eq!(versions, ">=2.8.1, ==2.8.*");
        assert!(read.marker.is_some());
    }

    #[test]
    fn an_address_may_hold_a_semicolon() {
        let read =
            Specifier::parse("pip @ https://example.org/a;b.whl#x ; os_name == 'nt'").unwrap();
        let Wanted::Address(address) = read.wanted else {
            panic!("an address")
        };
        assert_eq!(address, "https://example.org/a;b.whl#x");
    }

    #[test]
    fn old_metadata_brackets_its_versions() {
        for text in ["a (>=1,<2)", "a(>=1,<2)", "a >=1,<2"] {
            let read = Specifier::parse(text).unwrap();
            let Wanted::Versions(versions) = read.wanted else {
                panic!("versions")
            };
            assert_eq!(versions, ">=1,<2", "{text}");
        }
    }

    #[test]
    fn what_is_no_specifier_is_refused() {
        for text in [
            "",
            "-e .",
            "./here",
            "a b",
            "a[",
            "a ==",
            "é",
            "a >= banana",
        ] {
            assert!(Specifier::parse(text).is_err(), "{text}");
        }
        let long = "a".repeat(SPECIFIER_BYTES_MAX + 1);
        assert!(Specifier::parse(&long).is_err());
    }
}
