//! Lays records out as an index. Pure: bytes in memory, written to disk by `replace`.

use std::collections::{BTreeMap, HashMap, HashSet};

use backstitch_model::Advisory;
use backstitch_model::advisory::Affected;

use super::about::{self, About, Provenance, SectionSummary};
use super::chunks;
use super::cursor::Writer;
use super::entry::{write_affected, write_record};
use super::section::{ROW_BYTES, TABLE_AT, beginning};
use super::{IndexError, IndexProblem};
use crate::names;

/// One record's statements on one package.
type Statements<'data> = (&'data Advisory, Vec<&'data Affected>);

/// A package's normalised name with what records say of it, by their ids.
type Packages<'data> = BTreeMap<String, BTreeMap<&'data str, Statements<'data>>>;

/// Compiles records into an index.
///
/// Of two records with one id that speak of the same package the later modified one
/// counts, as the schema's `modified` field says. Some databases spread one id over several
/// records with a package each; all of those count. Fails only where the data passes the
/// format's 32-bit sizes.
pub fn compile(advisories: &[Advisory], provenance: Provenance) -> Result<Vec<u8>, IndexError> {
    let mut sections = Writer::default();
    let mut about = About {
        provenance,
        newest_modified: newest_modified(advisories).to_owned(),
        sections: Vec::new(),
    };
    let withdrawn = withdrawn(advisories);
    for (ecosystem, packages) in by_package(advisories) {
        let start = sections.bytes.len();
        let (bytes, records) = section(&packages, &withdrawn).map_err(too_large)?;
        let digests = chunks::digests(&bytes);
        about.sections.push(SectionSummary {
            ecosystem: ecosystem.to_owned(),
            records,
            packages: packages.len(),
            span: start..start + bytes.len(),
            digest: *blake3::hash(&digests).as_bytes(),
        });
        sections.bytes.extend_from_slice(&bytes);
        sections.bytes.extend_from_slice(&digests);
    }
    about::assemble(about, &sections.bytes).map_err(too_large)
}

fn too_large(problem: IndexProblem) -> IndexError {
    IndexError {
        name: "(in memory)".into(),
        problem,
    }
}

fn newest_modified(advisories: &[Advisory]) -> &str {
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

/// The ids whose newest record is withdrawn; older ones of the same id say nothing then.
fn withdrawn(advisories: &[Advisory]) -> HashSet<&str> {
    let mut newest: HashMap<&str, &Advisory> = HashMap::new();
    for advisory in advisories {
        let kept = newest.entry(advisory.id.as_str()).or_insert(advisory);
        if instant(&advisory.modified) >= instant(&kept.modified) {
            *kept = advisory;
        }
    }
    newest
        .into_iter()
        .filter(|(_, advisory)| advisory.withdrawn.is_some())
        .map(|(id, _)| id)
        .collect()
}

fn by_package(advisories: &[Advisory]) -> BTreeMap<&str, Packages<'_>> {
    let mut ecosystems: BTreeMap<&str, Packages<'_>> = BTreeMap::new();
    for advisory in advisories {
        for affected in &advisory.affected {
            let name = names::normalised(&affected.ecosystem, &affected.package);
            let statements = ecosystems
                .entry(affected.ecosystem.as_osv())
                .or_default()
                .entry(name.into_owned())
                .or_default()
                .entry(advisory.id.as_str())
                .or_insert_with(|| (advisory, Vec::new()));
            if std::ptr::eq(statements.0, advisory) {
                statements.1.push(affected);
            } else if instant(&advisory.modified) >= instant(&statements.0.modified) {
                *statements = (advisory, vec![affected]);
            }
        }
    }
    ecosystems
}

/// Lays out one section; gives its bytes and how many ids it holds.
///
/// The names come one after the other, since a lookup passes many of them; what is read of
/// a package once it is found lies in one place.
fn section(
    packages: &Packages<'_>,
    withdrawn: &HashSet<&str>,
) -> Result<(Vec<u8>, usize), IndexProblem> {
    let mut data = Writer::default();
    let mut table = Writer::default();
    let mut records = HashMap::new();
    // Offsets count from the section's start, and the table's length is known beforehand.
    let base = TABLE_AT + packages.len() * ROW_BYTES;
    for name in packages.keys() {
        data.bytes.extend_from_slice(name.as_bytes());
    }
    let mut name_at = base;
    table.size(packages.len());
    for (name, statements) in packages {
        write_records(statements, &mut data, base, &mut records);
        table.long(beginning(name.as_bytes()));
        table.size(name_at);
        table.size(name.len());
        name_at += name.len();
        table.size(base + data.bytes.len());
        table.size(
            statements
                .values()
                .map(|(_, affected)| affected.len())
                .sum(),
        );
        for (id, (advisory, affected)) in statements {
            let is_withdrawn = withdrawn.contains(id);
            let record_at = records[&std::ptr::from_ref(*advisory)];
            for affected in affected {
                write_affected(&mut data, affected, is_withdrawn, record_at);
            }
        }
    }
    if table.overflowed || data.overflowed {
        return Err(IndexProblem::TooLarge("an ecosystem"));
    }
    table.bytes.append(&mut data.bytes);
    let ids: HashSet<_> = packages.values().flat_map(BTreeMap::keys).collect();
    Ok((table.bytes, ids.len()))
}

/// Writes those of a package's records that no package before it had; notes where they lie.
fn write_records(
    statements: &BTreeMap<&str, Statements<'_>>,
    data: &mut Writer,
    base: usize,
    places: &mut HashMap<*const Advisory, usize>,
) {
    for (advisory, _) in statements.values() {
        places
            .entry(std::ptr::from_ref(*advisory))
            .or_insert_with(|| {
                let at = base + data.bytes.len();
                write_record(data, advisory);
                at
            });
    }
}
