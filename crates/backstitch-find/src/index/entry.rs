//! How one record, and what it says of one package, lie in a section's bytes.

use backstitch_model::Advisory;
use backstitch_model::advisory::{
    Affected, AffectedRange, Informational, RangeEvent, RangeKind, SeverityVector,
};

use super::Cursor;
use super::cursor::Writer;
use crate::matching::{Boundary, BoundaryKind, Range, Statement};

/// What a record says of one package, read in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AffectedEntry<'data> {
    /// Set where the record is a notice.
    pub informational: Option<Informational>,
    /// Was the record withdrawn?
    pub withdrawn: bool,
    /// Ranges; a version in any of them is affected.
    pub ranges: Vec<Range<'data>>,
    /// Versions listed one by one.
    pub versions: Vec<&'data str>,
    /// Where the record lies in its section.
    pub(super) record_at: usize,
}

impl AffectedEntry<'_> {
    /// What it states, for [`crate::matching::affects`].
    pub fn statement(&self) -> Statement<'_> {
        Statement {
            ranges: &self.ranges,
            versions: &self.versions,
        }
    }
}

const WITHDRAWN: u8 = 0x80;

pub(super) fn write_affected(
    writer: &mut Writer,
    affected: &Affected,
    withdrawn: bool,
    record_at: usize,
) {
    let informational = match affected.informational {
        None => 0,
        Some(Informational::Unmaintained) => 1,
        Some(Informational::Unsound) => 2,
        Some(Informational::Notice) => 3,
    };
    writer.byte(informational | if withdrawn { WITHDRAWN } else { 0 });
    writer.size(record_at);
    writer.size(affected.ranges.len());
    for range in &affected.ranges {
        write_range(writer, range);
    }
    writer.texts(&affected.versions);
}

fn write_range(writer: &mut Writer, range: &AffectedRange) {
    writer.byte(match range.kind() {
        RangeKind::Semver => 0,
        RangeKind::Ecosystem => 1,
        RangeKind::Git => 2,
    });
    writer.size(range.events().len());
    for event in range.events() {
        writer.byte(match event {
            RangeEvent::Introduced(_) => 0,
            RangeEvent::Fixed(_) => 1,
            RangeEvent::LastAffected(_) => 2,
            RangeEvent::Limit(_) => 3,
        });
        writer.text(event.version());
    }
}

pub(super) fn read_affected<'data>(cursor: &mut Cursor<'data>) -> Option<AffectedEntry<'data>> {
    let flags = cursor.byte()?;
    let informational = match flags & !WITHDRAWN {
        0 => None,
        1 => Some(Informational::Unmaintained),
        2 => Some(Informational::Unsound),
        3 => Some(Informational::Notice),
        _ => return None,
    };
    Some(AffectedEntry {
        informational,
        withdrawn: flags & WITHDRAWN != 0,
        record_at: cursor.size()?,
        ranges: (0..cursor.count()?)
            .map(|_| read_range(cursor))
            .collect::<Option<_>>()?,
        versions: cursor.texts()?,
    })
}

fn read_range<'data>(cursor: &mut Cursor<'data>) -> Option<Range<'data>> {
    let kind = match cursor.byte()? {
        0 => RangeKind::Semver,
        1 => RangeKind::Ecosystem,
        2 => RangeKind::Git,
        _ => return None,
    };
    let boundaries = (0..cursor.count()?)
        .map(|_| {
            let kind = match cursor.byte()? {
                0 => BoundaryKind::Introduced,
                1 => BoundaryKind::Fixed,
                2 => BoundaryKind::LastAffected,
                3 => BoundaryKind::Limit,
                _ => return None,
            };
            let version = cursor.text()?;
            Some(Boundary { kind, version })
        })
        .collect::<Option<_>>()?;
    Some(Range { kind, boundaries })
}

pub(super) fn write_record(writer: &mut Writer, advisory: &Advisory) {
    writer.text(advisory.id.as_str());
    writer.size(advisory.aliases.len());
    for alias in &advisory.aliases {
        writer.text(alias.as_str());
    }
    writer.text(&advisory.published);
    writer.text(&advisory.modified);
    writer.text(advisory.withdrawn.as_deref().unwrap_or_default());
    writer.text(&advisory.summary);
    writer.size(advisory.severities.len());
    for severity in &advisory.severities {
        writer.text(&severity.system);
        writer.text(&severity.vector);
    }
    writer.texts(&advisory.weaknesses);
    writer.texts(&advisory.references);
}

/// Reads a record; its `affected` stays empty, since those entries lie with their packages.
pub(super) fn read_record(cursor: &mut Cursor<'_>) -> Option<Advisory> {
    let id = |text: &str| backstitch_model::AdvisoryId::new(text).ok();
    Some(Advisory {
        id: id(cursor.text()?)?,
        aliases: (0..cursor.count()?)
            .map(|_| id(cursor.text()?))
            .collect::<Option<_>>()?,
        published: cursor.text()?.to_owned(),
        modified: cursor.text()?.to_owned(),
        withdrawn: Some(cursor.text()?)
            .filter(|date| !date.is_empty())
            .map(str::to_owned),
        summary: cursor.text()?.to_owned(),
        severities: (0..cursor.count()?)
            .map(|_| {
                Some(SeverityVector {
                    system: cursor.text()?.to_owned(),
                    vector: cursor.text()?.to_owned(),
                })
            })
            .collect::<Option<_>>()?,
        weaknesses: cursor.owned_texts()?,
        references: cursor.owned_texts()?,
        affected: Vec::new(),
    })
}
