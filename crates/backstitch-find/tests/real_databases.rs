//! Checks the import against whole databases: our reading of the RustSec database against
//! the database's own OSV export, and that everything in a set of archives can be read back.
//!
//! Needs data that is no part of the repository: `BACKSTITCH_RUSTSEC` (a checkout),
//! `BACKSTITCH_RUSTSEC_OSV` (its export), `BACKSTITCH_ADVISORIES` (a folder of archives).

#![expect(
    clippy::doc_markdown,
    clippy::print_stdout,
    reason = "a test tells its figures, and stops where its own helpers fail"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Instant;

use backstitch_find::{Index, Provenance, import, index};
use backstitch_model::Advisory;
use backstitch_model::advisory::{Affected, Informational, RangeEvent, SeverityVector};

fn place(name: &str) -> Option<PathBuf> {
    let place = std::env::var_os(name).map(PathBuf::from);
    if place.is_none() {
        println!("not run: {name} is not set");
    }
    place
}

/// What must be the same in both readings of an advisory.
#[derive(Debug, PartialEq, Eq)]
struct Facts {
    packages: BTreeSet<String>,
    informational: BTreeSet<Informational>,
    events: Vec<RangeEvent>,
    aliases: BTreeSet<String>,
    severities: BTreeSet<SeverityVector>,
    withdrawn: bool,
    day: String,
}

fn facts(advisory: &Advisory) -> Facts {
    let affected = || advisory.affected.iter();
    let ranges = affected().flat_map(|affected: &Affected| &affected.ranges);
    let events: Vec<_> = ranges.flat_map(|range| range.events().to_vec()).collect();
    Facts {
        packages: affected()
            .map(|affected| affected.package.clone())
            .collect(),
        informational: affected()
            .filter_map(|affected| affected.informational)
            .collect(),
        events: without_empty(&events),
        aliases: advisory.aliases.iter().map(ToString::to_string).collect(),
        severities: advisory.severities.iter().cloned().collect(),
        withdrawn: advisory.withdrawn.is_some(),
        day: advisory.published.chars().take(10).collect(),
    }
}

/// The export has ranges that are fixed where they begin; we write none.
fn without_empty(events: &[RangeEvent]) -> Vec<RangeEvent> {
    let is_empty = |pair: &&[RangeEvent]| match pair {
        [RangeEvent::Introduced(from), RangeEvent::Fixed(to)] => from == to,
        _ => false,
    };
    let pairs = events.chunks(2).filter(|pair| !is_empty(pair));
    pairs.flatten().cloned().collect()
}

#[test]
#[ignore = "needs data that is not in the repository: see the head of this file"]
fn the_rustsec_database_reads_as_its_own_export_says() {
    let (Some(checkout), Some(export)) =
        (place("BACKSTITCH_RUSTSEC"), place("BACKSTITCH_RUSTSEC_OSV"))
    else {
        return;
    };
    let by_id = |advisories: Vec<Advisory>| -> BTreeMap<String, Facts> {
        let pair = |advisory: Advisory| (advisory.id.to_string(), facts(&advisory));
        advisories.into_iter().map(pair).collect()
    };
    let ours = by_id(import::read(&checkout).unwrap().advisories);
    let theirs = by_id(import::read(&export).unwrap().advisories);
    let ids: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let mut differences = 0;
    for id in ids {
        if ours.get(id) != theirs.get(id) {
            differences += 1;
            println!(
                "{id}\n  ours   {:?}\n  theirs {:?}",
                ours.get(id),
                theirs.get(id)
            );
        }
    }
    println!(
        "{} and {} records, {differences} differ",
        ours.len(),
        theirs.len()
    );
    // The export leaves out or adds records between two commits; it never disagrees.
    let disagreements = ours
        .iter()
        .filter(|(id, facts)| theirs.get(*id).is_some_and(|theirs| theirs != *facts));
    assert_eq!(disagreements.count(), 0);
}

#[test]
#[ignore = "needs data that is not in the repository: see the head of this file"]
fn everything_of_an_advisory_set_is_imported_and_reads_back() {
    let Some(folder) = place("BACKSTITCH_ADVISORIES") else {
        return;
    };
    let target = tempfile::tempdir().unwrap().path().join("advisories.index");
    let start = Instant::now();
    let imported = import::read(&folder).unwrap();
    let read = start.elapsed();
    let start_of_compiling = Instant::now();
    let bytes = index::compile(&imported.advisories, Provenance::default()).unwrap();
    let compiled = start_of_compiling.elapsed();
    let start_of_writing = Instant::now();
    index::replace(&target, bytes).unwrap();
    let wrote = start_of_writing.elapsed();
    let all = start.elapsed();
    let index = Index::open(&target).unwrap();
    println!(
        "{} records, {} problems: read {read:?}, compiled {compiled:?}, checked and written {wrote:?}, \
         in all {all:?}, {} bytes",
        imported.advisories.len(),
        imported.problem_count,
        std::fs::metadata(&target).unwrap().len(),
    );
    for problem in &imported.problems {
        println!("{}: {}", problem.file, problem.what);
    }
    for section in &index.about().sections {
        println!(
            "{}: {} records, {} packages",
            section.ecosystem, section.records, section.packages
        );
    }
    index.verify().unwrap();
    let spoken_of: BTreeSet<_> = imported
        .advisories
        .iter()
        .flat_map(|advisory| {
            advisory
                .affected
                .iter()
                .map(move |affected| (&affected.ecosystem, &advisory.id))
        })
        .collect();
    assert_eq!(index.about().records(), spoken_of.len());
}
