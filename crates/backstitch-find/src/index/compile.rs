//! Lays records out as an index. Pure: bytes in memory, written to disk by `replace`.

use std::collections::{BTreeMap, HashMap};

use backstitch_model::Advisory;
use backstitch_model::advisory::Affected;

use super::about::{self, About, Provenance, SectionSummary};
use super::cursor::Writer;
use super::entry::{write_affected, write_record};
use super::section::{ROW_BYTES, TABLE_AT};
use super::{IndexError, IndexProblem};
use crate::names;

/// A package's normalised name with what records say of it.
type Packages<'data> = BTreeMap<String, Vec<(&'data Advisory, &'data Affected)>>;

/// Compiles records into an index.
///
/// Of two records with one id the later modified one counts, as the schema's `modified`
/// field says. Fails only where the data passes the format's 32-bit sizes.
pub fn compile(advisories: &[Advisory], provenance: Provenance) -> Result<Vec<u8>, IndexError> {
    let advisories = newest(advisories);
    let mut sections = Writer::default();
    let mut about = About {
        provenance,
        newest_modified: newest_modified(&advisories).to_owned(),
        sections: Vec::new(),
    };
    for (ecosystem, packages) in by_package(&advisories) {
        let start = sections.bytes.len();
        let (bytes, records) = section(&packages).map_err(too_large)?;
        about.sections.push(SectionSummary {
            ecosystem: ecosystem.to_owned(),
            records,
            packages: packages.len(),
            span: start..start + bytes.len(),
            digest: *blake3::hash(&bytes).as_bytes(),
        });
        sections.bytes.extend_from_slice(&bytes);
    }
    about::assemble(about, &sections.bytes).map_err(too_large)
}

fn too_large(problem: IndexProblem) -> IndexError {
    IndexError {
        name: "(in memory)".into(),
        problem,
    }
}

/// The records without older ones of the same id, in the order of their ids.
fn newest(advisories: &[Advisory]) -> Vec<&Advisory> {
    let mut by_id: BTreeMap<&str, &Advisory> = BTreeMap::new();
    for advisory in advisories {
        let kept = by_id.entry(advisory.id.as_str()).or_insert(advisory);
        if instant(&advisory.modified) >= instant(&kept.modified) {
            *kept = advisory;
        }
    }
    by_id.into_values().collect()
}

fn newest_modified<'data>(advisories: &[&'data Advisory]) -> &'data str {
    advisories
        .iter()
        .map(|advisory| advisory.modified.as_str())
        .max_by_key(|modified| instant(modified))
        .unwrap_or_default()
}

/// RFC 3339 in UTC sorts as text once the `Z` is gone, which would sort behind a fraction.
fn instant(date: &str) -> &str {
    date.trim_end_matches(['Z', 'z'])
}

fn by_package<'data>(advisories: &[&'data Advisory]) -> BTreeMap<&'data str, Packages<'data>> {
    let mut ecosystems: BTreeMap<&str, Packages<'_>> = BTreeMap::new();
    for advisory in advisories {
        for affected in &advisory.affected {
            let name = names::normalised(&affected.ecosystem, &affected.package);
            ecosystems
                .entry(affected.ecosystem.as_osv())
                .or_default()
                .entry(name.into_owned())
                .or_default()
                .push((advisory, affected));
        }
    }
    ecosystems
}

/// Lays out one section; gives its bytes and how many records it holds.
fn section(packages: &Packages<'_>) -> Result<(Vec<u8>, usize), IndexProblem> {
    let mut data = Writer::default();
    let mut table = Writer::default();
    // Offsets count from the section's start, and the table's length is known beforehand.
    let base = TABLE_AT + packages.len() * ROW_BYTES;
    let records = write_records(packages, &mut data, base);
    table.size(packages.len());
    for (name, statements) in packages {
        table.size(base + data.bytes.len());
        table.size(name.len());
        data.bytes.extend_from_slice(name.as_bytes());
        table.size(base + data.bytes.len());
        table.size(statements.len());
        for (advisory, affected) in statements {
            let withdrawn = advisory.withdrawn.is_some();
            let record_at = records[advisory.id.as_str()];
            write_affected(&mut data, affected, withdrawn, record_at);
        }
    }
    if table.overflowed || data.overflowed {
        return Err(IndexProblem::TooLarge("an ecosystem"));
    }
    table.bytes.append(&mut data.bytes);
    Ok((table.bytes, records.len()))
}

/// Writes each record once; gives where each id's lies.
fn write_records<'data>(
    packages: &Packages<'data>,
    data: &mut Writer,
    base: usize,
) -> HashMap<&'data str, usize> {
    let mut places = HashMap::new();
    for (advisory, _) in packages.values().flatten() {
        places.entry(advisory.id.as_str()).or_insert_with(|| {
            let at = base + data.bytes.len();
            write_record(data, advisory);
            at
        });
    }
    places
}
