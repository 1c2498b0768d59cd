//! OSV records: JSON to the model (<https://ossf.github.io/osv-schema/>).
//!
//! Takes what it can: a broken range, alias or severity is told and left out, a record
//! without an id is left out whole. Long texts are cut, since reports show them.

use backstitch_model::advisory::{
    Affected, AffectedRange, Informational, RangeEvent, RangeKind, SeverityVector,
};
use backstitch_model::package::Ecosystem;
use backstitch_model::{Advisory, AdvisoryId};
use serde::Deserialize;
use serde_json::value::RawValue;

const SUMMARY_CHARS_MAX: usize = 300;
const REFERENCES_MAX: usize = 64;
const REFERENCE_BYTES_MAX: usize = 2048;
const SHORT_TEXT_BYTES_MAX: usize = 512;
const VERSION_BYTES_MAX: usize = 256;

/// An object around several records.
#[derive(Deserialize)]
struct Bundle<'json> {
    #[serde(borrow)]
    records: Vec<&'json RawValue>,
}

#[derive(Deserialize)]
struct Record {
    id: String,
    modified: Option<String>,
    published: Option<String>,
    withdrawn: Option<String>,
    aliases: Option<Vec<String>>,
    summary: Option<String>,
    details: Option<String>,
    severity: Option<Vec<RecordSeverity>>,
    affected: Option<Vec<RecordAffected>>,
    references: Option<Vec<Reference>>,
    database_specific: Option<RecordSpecific>,
}

#[derive(Deserialize)]
struct RecordSeverity {
    #[serde(rename = "type")]
    system: String,
    score: String,
}

#[derive(Deserialize)]
struct RecordAffected {
    package: Option<Package>,
    severity: Option<Vec<RecordSeverity>>,
    ranges: Option<Vec<RecordRange>>,
    versions: Option<Vec<String>>,
    database_specific: Option<AffectedSpecific>,
}

#[derive(Deserialize)]
struct Package {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize)]
struct RecordRange {
    #[serde(rename = "type")]
    kind: String,
    events: Vec<RecordEvent>,
}

#[derive(Deserialize)]
struct RecordEvent {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
    limit: Option<String>,
}

#[derive(Deserialize)]
struct Reference {
    url: String,
}

/// What the GitHub Advisory Database adds. Values of another shape are left alone.
#[derive(Deserialize, Default)]
#[serde(from = "serde_json::Value")]
struct RecordSpecific {
    weaknesses: Vec<String>,
    level: Option<String>,
}

/// What the RustSec database adds.
#[derive(Deserialize, Default)]
#[serde(from = "serde_json::Value")]
struct AffectedSpecific {
    informational: Option<String>,
}

impl From<serde_json::Value> for RecordSpecific {
    fn from(value: serde_json::Value) -> Self {
        let texts = value.get("cwe_ids").and_then(|ids| ids.as_array());
        Self {
            weaknesses: texts
                .into_iter()
                .flatten()
                .filter_map(|id| id.as_str())
                .filter(|id| id.len() <= SHORT_TEXT_BYTES_MAX)
                .map(str::to_owned)
                .collect(),
            level: value
                .get("severity")
                .and_then(|level| level.as_str())
                .map(str::to_owned),
        }
    }
}

impl From<serde_json::Value> for AffectedSpecific {
    fn from(value: serde_json::Value) -> Self {
        let informational = value.get("informational").and_then(|kind| kind.as_str());
        Self {
            informational: informational.map(str::to_owned),
        }
    }
}

/// Reads every record of a JSON text: one record, a list, or an object with `records`.
/// What is left out is told in `problems`.
pub(super) fn parse(json: &[u8], problems: &mut Vec<String>) -> Vec<Advisory> {
    let error = match serde_json::from_slice::<Record>(json) {
        Ok(record) => return convert(record, problems).into_iter().collect(),
        Err(error) => error,
    };
    let several = serde_json::from_slice::<Vec<&RawValue>>(json)
        .or_else(|_| serde_json::from_slice::<Bundle<'_>>(json).map(|bundle| bundle.records));
    if let Ok(records) = several {
        return convert_all(&records, problems);
    }
    problems.push(format!("it is no OSV record: {error}"));
    Vec::new()
}

fn convert_all(records: &[&RawValue], problems: &mut Vec<String>) -> Vec<Advisory> {
    let mut advisories = Vec::with_capacity(records.len());
    for (position, record) in records.iter().enumerate() {
        match serde_json::from_str::<Record>(record.get()) {
            Ok(record) => advisories.extend(convert(record, problems)),
            Err(error) => problems.push(format!("record {position} is no OSV record: {error}")),
        }
    }
    advisories
}

fn convert(record: Record, problems: &mut Vec<String>) -> Option<Advisory> {
    let id = match AdvisoryId::new(record.id) {
        Ok(id) => id,
        Err(error) => {
            problems.push(error.to_string());
            return None;
        }
    };
    let specific = record.database_specific.unwrap_or_default();
    let affected = record.affected.unwrap_or_default();
    let severities = severities(record.severity.as_deref(), &affected, specific.level);
    Some(Advisory {
        aliases: aliases(record.aliases.unwrap_or_default(), &id, problems),
        published: short(record.published),
        modified: short(record.modified),
        withdrawn: record.withdrawn.map(|date| short(Some(date))),
        summary: summary(record.summary, record.details),
        affected: convert_affected(affected, &id, problems),
        severities,
        weaknesses: specific.weaknesses,
        references: references(record.references),
        id,
    })
}

/// A short text, or nothing where it is too long to be one.
fn short(text: Option<String>) -> String {
    text.filter(|text| text.len() <= SHORT_TEXT_BYTES_MAX)
        .unwrap_or_default()
}

/// The summary, or the first line of the details where there is none.
fn summary(summary: Option<String>, details: Option<String>) -> String {
    let text = summary
        .filter(|text| !text.trim().is_empty())
        .or(details)
        .unwrap_or_default();
    first_line(&text)
}

/// The first line that says anything, without a heading's marks, cut to a readable length.
pub(super) fn first_line(text: &str) -> String {
    let line = text
        .lines()
        .map(|line| line.trim_start_matches('#').trim())
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    if line.chars().count() <= SUMMARY_CHARS_MAX {
        return line.to_owned();
    }
    let cut: String = line.chars().take(SUMMARY_CHARS_MAX - 1).collect();
    format!("{}…", cut.trim_end())
}

/// Ids of the same problem elsewhere, each once; what is no id is told.
pub(super) fn aliases(
    texts: Vec<String>,
    id: &AdvisoryId,
    problems: &mut Vec<String>,
) -> Vec<AdvisoryId> {
    let mut aliases: Vec<AdvisoryId> = Vec::with_capacity(texts.len());
    for text in texts {
        match AdvisoryId::new(text) {
            Ok(alias) => aliases.push(alias),
            Err(error) => problems.push(format!("{id}: alias left out: {error}")),
        }
    }
    aliases.sort();
    aliases.dedup();
    aliases.retain(|alias| alias != id);
    aliases
}

fn severities(
    record: Option<&[RecordSeverity]>,
    affected: &[RecordAffected],
    level: Option<String>,
) -> Vec<SeverityVector> {
    let packages = affected
        .iter()
        .filter_map(|affected| affected.severity.as_deref());
    let mut severities: Vec<SeverityVector> = record
        .into_iter()
        .chain(packages)
        .flatten()
        .map(|severity| SeverityVector {
            system: severity.system.clone(),
            vector: severity.score.clone(),
        })
        .chain(level.map(|vector| SeverityVector {
            system: crate::severity::LEVEL_SYSTEM.to_owned(),
            vector,
        }))
        .filter(|severity| severity.system.len().max(severity.vector.len()) <= SHORT_TEXT_BYTES_MAX)
        .collect();
    severities.sort();
    severities.dedup();
    severities
}

fn references(references: Option<Vec<Reference>>) -> Vec<String> {
    references
        .unwrap_or_default()
        .into_iter()
        .map(|reference| reference.url)
        .filter(|url| url.len() <= REFERENCE_BYTES_MAX)
        .take(REFERENCES_MAX)
        .collect()
}

fn convert_affected(
    affected: Vec<RecordAffected>,
    id: &AdvisoryId,
    problems: &mut Vec<String>,
) -> Vec<Affected> {
    let mut converted = Vec::with_capacity(affected.len());
    for entry in affected {
        // Without a package the entry speaks of a repository's commits alone.
        let Some(package) = entry.package else {
            continue;
        };
        let too_long = package.name.len().max(package.ecosystem.len()) > SHORT_TEXT_BYTES_MAX;
        if too_long || package.name.is_empty() {
            problems.push(format!("{id}: a package's name is empty or too long"));
            continue;
        }
        let specific = entry.database_specific.unwrap_or_default();
        converted.push(Affected {
            ecosystem: Ecosystem::from_osv(&package.ecosystem),
            package: package.name,
            ranges: ranges(entry.ranges.unwrap_or_default(), id, problems),
            versions: versions(entry.versions),
            informational: specific.informational.as_deref().map(informational),
        });
    }
    converted
}

/// RustSec's word for a notice; a word that is new to us is a notice all the same.
pub(super) fn informational(word: &str) -> Informational {
    match word {
        "unmaintained" => Informational::Unmaintained,
        "unsound" => Informational::Unsound,
        _ => Informational::Notice,
    }
}

fn versions(versions: Option<Vec<String>>) -> Vec<String> {
    let mut versions = versions.unwrap_or_default();
    versions.retain(|version| version.len() <= VERSION_BYTES_MAX);
    versions
}

fn ranges(
    ranges: Vec<RecordRange>,
    id: &AdvisoryId,
    problems: &mut Vec<String>,
) -> Vec<AffectedRange> {
    let mut converted = Vec::with_capacity(ranges.len());
    for range in ranges {
        match convert_range(range) {
            Ok(range) => converted.push(range),
            Err(what) => problems.push(format!("{id}: range left out: {what}")),
        }
    }
    converted
}

fn convert_range(range: RecordRange) -> Result<AffectedRange, String> {
    let kind = match range.kind.as_str() {
        "SEMVER" => RangeKind::Semver,
        "ECOSYSTEM" => RangeKind::Ecosystem,
        "GIT" => RangeKind::Git,
        other => return Err(format!("its type is `{}`", other.escape_debug())),
    };
    let events: Result<Vec<_>, _> = range.events.into_iter().map(convert_event).collect();
    AffectedRange::new(kind, events?).map_err(|error| error.to_string())
}

/// The schema allows one boundary an event.
fn convert_event(event: RecordEvent) -> Result<RangeEvent, String> {
    let mut boundaries = [
        event.introduced.map(RangeEvent::Introduced),
        event.fixed.map(RangeEvent::Fixed),
        event.last_affected.map(RangeEvent::LastAffected),
        event.limit.map(RangeEvent::Limit),
    ]
    .into_iter()
    .flatten();
    match (boundaries.next(), boundaries.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err("an event has no boundary that is known".into()),
        (Some(_), Some(_)) => Err("an event has two boundaries".into()),
    }
}
