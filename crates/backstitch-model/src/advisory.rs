//! An advisory in OSV's shape, built only through validation.
//!
//! Rules: <https://ossf.github.io/osv-schema/>. Evaluating a range needs an
//! ecosystem's version order and is `backstitch-find`'s business.

use std::fmt;

use crate::package::Ecosystem;

/// An advisory's id, such as `RUSTSEC-2022-0013`: 1 to 128 of ASCII letters,
/// digits and `-_.:`, so that it can stand in a file name, a branch and a terminal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdvisoryId(String);

/// Says that a text is no advisory id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("advisory id `{}` is not 1 to 128 of the letters, digits and `-_.:`", .0.escape_debug())]
pub struct InvalidAdvisoryId(String);

impl AdvisoryId {
    /// Checks `id`.
    pub fn new(id: impl Into<String>) -> Result<Self, InvalidAdvisoryId> {
        let id = id.into();
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.:".contains(&b);
        if (1..=128).contains(&id.len()) && id.bytes().all(allowed) && !id.starts_with(['-', '.']) {
            Ok(Self(id))
        } else {
            Err(InvalidAdvisoryId(id.chars().take(160).collect()))
        }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AdvisoryId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// How a range's versions are ordered (OSV `affected[].ranges[].type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RangeKind {
    /// Semantic Versioning 2.0.0.
    Semver,
    /// The ecosystem's own order.
    Ecosystem,
    /// Commits of a repository: says nothing of released versions.
    Git,
}

/// One boundary of a range (OSV `affected[].ranges[].events`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RangeEvent {
    /// The first affected version; `0` means every version from the start.
    Introduced(String),
    /// The first version no longer affected.
    Fixed(String),
    /// The last affected version; those after it are not affected.
    LastAffected(String),
    /// The upper bound of what the range speaks of; `*` means none.
    Limit(String),
}

/// A range of versions that an advisory affects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AffectedRange {
    kind: RangeKind,
    events: Vec<RangeEvent>,
}

/// Says which rule of the OSV schema a range breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRange {
    /// The schema asks for at least one `introduced` event.
    #[error("a range has no `introduced` event")]
    NoIntroduced,
    /// The schema forbids `fixed` and `last_affected` in one range.
    #[error("a range has both `fixed` and `last_affected` events")]
    FixedAndLastAffected,
    /// A boundary with no version in it, or one that no version could be.
    #[error("a range's event names the version `{}`", .0.escape_debug())]
    BadVersion(String),
}

impl AffectedRange {
    /// Checks the schema's rules on events.
    pub fn new(kind: RangeKind, events: Vec<RangeEvent>) -> Result<Self, InvalidRange> {
        let has = |wanted: fn(&RangeEvent) -> bool| events.iter().any(wanted);
        if !has(|event| matches!(event, RangeEvent::Introduced(_))) {
            return Err(InvalidRange::NoIntroduced);
        }
        if has(|event| matches!(event, RangeEvent::Fixed(_)))
            && has(|event| matches!(event, RangeEvent::LastAffected(_)))
        {
            return Err(InvalidRange::FixedAndLastAffected);
        }
        if let Some(bad) = events
            .iter()
            .map(RangeEvent::version)
            .find(|text| is_no_version(text))
        {
            return Err(InvalidRange::BadVersion(bad.chars().take(80).collect()));
        }
        Ok(Self { kind, events })
    }

    /// How its versions are ordered.
    pub fn kind(&self) -> RangeKind {
        self.kind
    }

    /// Its boundaries, in the record's order.
    pub fn events(&self) -> &[RangeEvent] {
        &self.events
    }
}

impl RangeEvent {
    /// The version it names.
    pub fn version(&self) -> &str {
        match self {
            Self::Introduced(v) | Self::Fixed(v) | Self::LastAffected(v) | Self::Limit(v) => v,
        }
    }
}

fn is_no_version(text: &str) -> bool {
    text.is_empty() || text.len() > 256 || text.chars().any(char::is_control)
}

/// Why an advisory is a notice and no vulnerability
/// (`RustSec`'s `informational`, <https://github.com/RustSec/advisory-db>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Informational {
    /// Nobody maintains the package any more.
    Unmaintained,
    /// Safe code can cause undefined behaviour.
    Unsound,
    /// Anything else worth a note.
    Notice,
}

/// A severity as the record states it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeverityVector {
    /// The scoring system, such as `CVSS_V3`.
    pub system: String,
    /// The vector or score in that system.
    pub vector: String,
}

/// What an advisory says of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    /// The package's ecosystem.
    pub ecosystem: Ecosystem,
    /// The package's name.
    pub package: String,
    /// Ranges; a version in any of them is affected.
    pub ranges: Vec<AffectedRange>,
    /// Versions listed one by one; each is affected.
    pub versions: Vec<String>,
    /// Set where the record is a notice.
    pub informational: Option<Informational>,
}

/// One OSV record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advisory {
    /// Its id in its own database.
    pub id: AdvisoryId,
    /// Ids of the same problem in other databases. `upstream` ids are not among them:
    /// the schema says that they name a cause, not the same problem.
    pub aliases: Vec<AdvisoryId>,
    /// When it was published, RFC 3339; empty where the record does not say.
    pub published: String,
    /// When it was last changed, RFC 3339.
    pub modified: String,
    /// When it was withdrawn, RFC 3339: from then on it affects nothing.
    pub withdrawn: Option<String>,
    /// One line on what is wrong.
    pub summary: String,
    /// The packages it speaks of.
    pub affected: Vec<Affected>,
    /// Severities of the record as a whole and of its packages.
    pub severities: Vec<SeverityVector>,
    /// CWE ids, such as `CWE-79`.
    pub weaknesses: Vec<String>,
    /// Addresses to read more at.
    pub references: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_that_breaks_the_schema_cannot_be_built() {
        let introduced = || RangeEvent::Introduced("0".into());
        let build = |events| AffectedRange::new(RangeKind::Semver, events);
        assert_eq!(build(vec![]), Err(InvalidRange::NoIntroduced));
        assert_eq!(
            build(vec![
                introduced(),
                RangeEvent::Fixed("1".into()),
                RangeEvent::LastAffected("0.9".into())
            ]),
            Err(InvalidRange::FixedAndLastAffected)
        );
        assert!(build(vec![introduced(), RangeEvent::Fixed("\u{1b}[2J".into())]).is_err());
        assert!(build(vec![introduced(), RangeEvent::Limit("*".into())]).is_ok());
    }

    #[test]
    fn an_id_that_could_be_an_option_or_a_path_is_refused() {
        for id in [
            "",
            "--all",
            "../x",
            "a b",
            "a/b",
            "\u{1b}",
            &"A".repeat(129),
        ] {
            assert!(AdvisoryId::new(id).is_err(), "{id:?}");
        }
        assert!(AdvisoryId::new("GHSA-m4ch-rfv5-x5g3").is_ok());
    }
}
