//! Finds the records that affect a package's version, and merges those that speak of the
//! same problem.
//!
//! Two records are one problem where a chain of `aliases` joins them, through ids that no
//! record here has too. `upstream` and `related` join nothing: the schema says that they
//! name other problems.

use std::collections::HashMap;

use backstitch_model::advisory::Informational;
use backstitch_model::finding::Class;
use backstitch_model::package::Ecosystem;
use backstitch_model::{Advisory, AdvisoryId};

use crate::index::{AffectedEntry, Section};
use crate::matching::{Affects, BoundaryKind, affects};
use backstitch_model::version::{ParsedVersion, Scheme};

/// A record that affects the version that was asked about.
#[derive(Debug, Clone)]
pub(crate) struct Match<'index> {
    pub(crate) record: Advisory,
    /// What it says of the package; the informational mark is the strictest of them.
    pub(crate) entries: Vec<AffectedEntry<'index>>,
}

/// What the index says of one version.
#[derive(Debug, Default)]
pub(crate) struct Matches<'index> {
    pub(crate) groups: Vec<Group<'index>>,
    /// Records whose ranges could not be compared with the version.
    pub(crate) unclear: Vec<AdvisoryId>,
}

/// Records of the same problem, all of which affect the version; never empty.
#[derive(Debug)]
pub(crate) struct Group<'index> {
    pub(crate) matches: Vec<Match<'index>>,
}

/// Asks the index about one version; the error names the damaged part of the index.
pub(crate) fn matches<'index>(
    section: &Section<'index>,
    package: &str,
    version: &str,
) -> Result<Matches<'index>, String> {
    let mut found: Vec<Match<'index>> = Vec::new();
    let mut unclear = Vec::new();
    let entries = section.entries(package)?;
    // So it is with most packages.
    if entries.is_empty() {
        return Ok(Matches::default());
    }
    for entry in entries {
        if entry.withdrawn {
            continue;
        }
        match affects(entry.statement(), section.ecosystem(), version) {
            Affects::No => {}
            Affects::Unclear => unclear.push(section.record(&entry)?.id),
            Affects::Yes => {
                let record = section.record(&entry)?;
                match found.iter_mut().find(|known| known.record.id == record.id) {
                    Some(known) => known.entries.push(entry),
                    None => found.push(Match {
                        record,
                        entries: vec![entry],
                    }),
                }
            }
        }
    }
    unclear.retain(|id| found.iter().all(|known| known.record.id != *id));
    unclear.sort();
    unclear.dedup();
    Ok(Matches {
        groups: group(found, section.ecosystem()),
        unclear,
    })
}

/// Merges records that aliases join; groups and their records come in the order of ids.
fn group<'index>(found: Vec<Match<'index>>, ecosystem: &Ecosystem) -> Vec<Group<'index>> {
    let mut sets = Sets::new(found.len());
    let mut owner: HashMap<AdvisoryId, usize> = HashMap::new();
    for (position, found) in found.iter().enumerate() {
        for id in std::iter::once(&found.record.id).chain(&found.record.aliases) {
            let first = *owner.entry(id.clone()).or_insert(position);
            sets.join(first, position);
        }
    }
    let mut groups: HashMap<usize, Vec<Match<'index>>> = HashMap::new();
    for (position, found) in found.into_iter().enumerate() {
        groups.entry(sets.root(position)).or_default().push(found);
    }
    let mut groups: Vec<_> = groups
        .into_values()
        .map(|mut matches| {
            matches.sort_by_cached_key(|found| rank(ecosystem, &found.record.id, true));
            Group { matches }
        })
        .collect();
    groups.sort_by_cached_key(|group| rank(ecosystem, &group.matches[0].record.id, true));
    groups
}

/// Union-find over positions.
struct Sets(Vec<usize>);

impl Sets {
    fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    fn root(&mut self, mut position: usize) -> usize {
        while self.0[position] != position {
            self.0[position] = self.0[self.0[position]];
            position = self.0[position];
        }
        position
    }

    fn join(&mut self, left: usize, right: usize) {
        let (left, right) = (self.root(left), self.root(right));
        self.0[left.max(right)] = left.min(right);
    }
}

/// Orders ids: the ecosystem's own database, ids that have a record here, CVE, GHSA, others.
fn rank(ecosystem: &Ecosystem, id: &AdvisoryId, has_record: bool) -> (bool, bool, u8, AdvisoryId) {
    let own = match ecosystem {
        Ecosystem::CratesIo => Some("RUSTSEC-"),
        Ecosystem::PyPi => Some("PYSEC-"),
        Ecosystem::Go => Some("GO-"),
        Ecosystem::Npm | Ecosystem::RubyGems | Ecosystem::Maven => Some("GHSA-"),
        // Their databases use the CVE's number as the record's id.
        Ecosystem::Packagist | Ecosystem::Other(_) => None,
    };
    let is_own = own.is_some_and(|prefix| id.as_str().starts_with(prefix));
    let kind = match id.as_str().split('-').next() {
        Some("CVE") => 0,
        Some("GHSA") => 1,
        Some(_) | None => 2,
    };
    (!is_own, !has_record, kind, id.clone())
}

impl Group<'_> {
    /// Every id of the problem, the ecosystem's own database first.
    pub(crate) fn ids(&self, ecosystem: &Ecosystem) -> Vec<AdvisoryId> {
        let has_record = |id: &AdvisoryId| self.records().any(|record| record.id == *id);
        let mut ids: Vec<AdvisoryId> = self
            .records()
            .flat_map(|record| std::iter::once(&record.id).chain(&record.aliases))
            .cloned()
            .collect();
        ids.sort_by_cached_key(|id| rank(ecosystem, id, has_record(id)));
        ids.dedup();
        ids
    }

    /// The records, the ecosystem's own database first.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Advisory> {
        self.matches.iter().map(|found| &found.record)
    }

    /// A vulnerability as soon as one record says so, else the strongest kind of notice.
    pub(crate) fn class(&self) -> Class {
        let strength = |informational: Option<Informational>| match informational {
            None => 0,
            Some(Informational::Unsound) => 1,
            Some(Informational::Unmaintained) => 2,
            Some(Informational::Notice) => 3,
        };
        let strongest = self
            .entries()
            .map(|entry| entry.informational)
            .min_by_key(|informational| strength(*informational));
        match strongest.flatten() {
            None => Class::Vulnerability,
            Some(informational) => Class::Notice(informational),
        }
    }

    fn entries(&self) -> impl Iterator<Item = &AffectedEntry<'_>> {
        self.matches.iter().flat_map(|found| &found.entries)
    }

    /// The boundaries that some range calls fixed, that lie above `version` and that no
    /// record of the group affects; ascending. All of them where versions cannot be read.
    pub(crate) fn fixed_versions(&self, ecosystem: &Ecosystem, version: &str) -> Vec<String> {
        let mut fixed: Vec<(Option<ParsedVersion>, &str)> = Vec::new();
        for range in self.entries().flat_map(|entry| &entry.ranges) {
            let scheme = Scheme::of(range.kind, ecosystem);
            let locked = scheme.and_then(|scheme| scheme.parse(version));
            for boundary in &range.boundaries {
                if boundary.kind != BoundaryKind::Fixed || scheme.is_none() {
                    continue;
                }
                let parsed = scheme.and_then(|scheme| scheme.parse(boundary.version));
                let is_later = match (&parsed, &locked) {
                    (Some(parsed), Some(locked)) => parsed
                        .compare(locked)
                        .is_some_and(std::cmp::Ordering::is_gt),
                    (None, _) | (_, None) => true,
                };
                if is_later && !self.affects(ecosystem, boundary.version) {
                    fixed.push((parsed, boundary.version));
                }
            }
        }
        sorted(fixed)
    }

    fn affects(&self, ecosystem: &Ecosystem, version: &str) -> bool {
        self.entries()
            .any(|entry| affects(entry.statement(), ecosystem, version) == Affects::Yes)
    }
}

fn sorted(mut versions: Vec<(Option<ParsedVersion>, &str)>) -> Vec<String> {
    versions.sort_by(
        |(left, left_text), (right, right_text)| match (left, right) {
            (Some(left), Some(right)) => left
                .compare(right)
                .unwrap_or_else(|| left_text.cmp(right_text)),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => left_text.cmp(right_text),
        },
    );
    let mut texts: Vec<String> = versions
        .into_iter()
        .map(|(_, text)| text.to_owned())
        .collect();
    texts.dedup();
    texts
}
