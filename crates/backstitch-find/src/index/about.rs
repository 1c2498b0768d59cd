//! The index's header and directory: what the file holds, and the digests of its parts.

use std::ops::Range;

use super::chunks::{DIGEST_BYTES, digests_length};
use super::cursor::Writer;
use super::{Cursor, DIGEST_AT, FORMAT, HEADER_BYTES, IndexProblem, MAGIC};

/// Where an index's records come from; the caller states it when compiling.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Provenance {
    /// The sources' names, such as the files that were imported.
    pub sources: Vec<String>,
    /// When the index was made, RFC 3339.
    pub created_at: String,
}

/// What an index holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The sources' names and when the index was made.
    pub provenance: Provenance,
    /// The latest `modified` date of any record, RFC 3339; empty without records.
    pub newest_modified: String,
    /// One entry an ecosystem, by its OSV name.
    pub sections: Vec<SectionSummary>,
}

/// What an index holds of one ecosystem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionSummary {
    /// The ecosystem's OSV name.
    pub ecosystem: String,
    /// How many records speak of it.
    pub records: usize,
    /// How many packages they speak of.
    pub packages: usize,
    /// Where its bytes are; the digests of their chunks follow.
    pub(super) span: Range<usize>,
    /// The digest of those digests.
    pub(super) digest: [u8; DIGEST_BYTES],
}

impl SectionSummary {
    /// Where the digests of its chunks are.
    pub(super) fn digests(&self) -> Range<usize> {
        self.span.end..self.span.end + digests_length(self.span.len())
    }
}

impl About {
    /// How many records there are, counting one that speaks of two ecosystems twice.
    pub fn records(&self) -> usize {
        self.sections.iter().map(|section| section.records).sum()
    }
}

/// Checks the header and reads the directory.
pub(super) fn read(bytes: &[u8]) -> Result<About, IndexProblem> {
    let header = bytes.get(..HEADER_BYTES).ok_or(IndexProblem::Foreign)?;
    let (magic, rest) = header.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(IndexProblem::Foreign);
    }
    let damaged = || IndexProblem::Damaged("header".into());
    let mut cursor = Cursor::new(rest);
    let format = cursor.number().ok_or_else(damaged)?;
    if format != FORMAT {
        return Err(IndexProblem::OtherFormat(format));
    }
    let directory_length = cursor.size().ok_or_else(damaged)?;
    let expected = cursor.long().ok_or_else(damaged)?;
    let found = bytes.len() as u64;
    if expected != found {
        return Err(IndexProblem::WrongLength { expected, found });
    }
    let digest = cursor.take(DIGEST_BYTES).ok_or_else(damaged)?;
    let directory = bytes
        .get(HEADER_BYTES..)
        .and_then(|rest| rest.get(..directory_length))
        .ok_or_else(damaged)?;
    if digest != header_digest(&header[..DIGEST_AT], directory) {
        return Err(damaged());
    }
    parse(directory, bytes.len()).ok_or_else(damaged)
}

fn header_digest(header: &[u8], directory: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(header);
    hasher.update(directory);
    *hasher.finalize().as_bytes()
}

fn parse(directory: &[u8], file_length: usize) -> Option<About> {
    let mut cursor = Cursor::new(directory);
    Some(About {
        provenance: Provenance {
            created_at: cursor.text()?.to_owned(),
            sources: cursor.owned_texts()?,
        },
        newest_modified: cursor.text()?.to_owned(),
        sections: (0..cursor.count()?)
            .map(|_| parse_section(&mut cursor, file_length))
            .collect::<Option<_>>()?,
    })
}

fn parse_section(cursor: &mut Cursor<'_>, file_length: usize) -> Option<SectionSummary> {
    let ecosystem = cursor.text()?.to_owned();
    let records = cursor.size()?;
    let packages = cursor.size()?;
    let start = usize::try_from(cursor.long()?).ok()?;
    let end = start.checked_add(usize::try_from(cursor.long()?).ok()?)?;
    let digest = cursor.take(DIGEST_BYTES)?.try_into().ok()?;
    let summary = SectionSummary {
        ecosystem,
        records,
        packages,
        span: start..end,
        digest,
    };
    (end <= file_length && summary.digests().end <= file_length).then_some(summary)
}

/// Puts header and directory before the sections, whose spans count from the first one.
pub(super) fn assemble(mut about: About, sections: &[u8]) -> Result<Vec<u8>, IndexProblem> {
    let directory_length = directory(&about)?.len();
    let sections_at = HEADER_BYTES + directory_length;
    for section in &mut about.sections {
        section.span = section.span.start + sections_at..section.span.end + sections_at;
    }
    let directory = directory(&about)?;
    let mut header = Writer::default();
    header.bytes.extend_from_slice(&MAGIC);
    header.bytes.extend_from_slice(&FORMAT.to_le_bytes());
    header.size(directory.len());
    header.long((sections_at + sections.len()) as u64);
    let digest = header_digest(&header.bytes, &directory);
    Ok([&header.bytes, digest.as_slice(), &directory, sections].concat())
}

/// Its length does not depend on where the sections are.
fn directory(about: &About) -> Result<Vec<u8>, IndexProblem> {
    let mut writer = Writer::default();
    writer.text(&about.provenance.created_at);
    writer.texts(&about.provenance.sources);
    writer.text(&about.newest_modified);
    writer.size(about.sections.len());
    for section in &about.sections {
        writer.text(&section.ecosystem);
        writer.size(section.records);
        writer.size(section.packages);
        writer.long(section.span.start as u64);
        writer.long(section.span.len() as u64);
        writer.bytes.extend_from_slice(&section.digest);
    }
    if writer.overflowed {
        return Err(IndexProblem::TooLarge("the directory"));
    }
    Ok(writer.bytes)
}
