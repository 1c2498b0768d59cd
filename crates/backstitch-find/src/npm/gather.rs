//! Owns the growing graph: copies of one release become one package, with the edges of
//! all of them. Knows no lockfile's format.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use backstitch_model::package::{Ecosystem, PackageVersion};
use backstitch_model::project::{DependencyGraph, Installation, LockedPackage, Node, Source};

use super::source::{self, Origin};
use super::{Linked, Own};
use crate::lockfile::{Problems, quote};

/// The name of a package of the project's own that nobody has named.
const NAMELESS: &str = "(unnamed)";

/// The version of a package of the project's own that states none.
const VERSIONLESS: &str = "0.0.0";

/// One package as a lockfile's entry tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) origin: Origin,
    pub(super) checksum: Option<String>,
    pub(super) installation: Installation,
}

/// The packages so far.
#[derive(Default)]
pub(super) struct Gathering {
    packages: Vec<LockedPackage>,
    known: HashMap<(String, String, Source), usize>,
    edges: Vec<BTreeSet<usize>>,
    own: Vec<(String, String)>,
    foreign: BTreeMap<String, (String, usize)>,
    pub(super) problems: Problems,
}

impl Gathering {
    /// Nothing yet, but for what parsing told.
    pub(super) fn new(problems: &Problems) -> Self {
        Self {
            problems: problems.clone(),
            ..Self::default()
        }
    }

    /// Adds a package, or finds the one that another copy made.
    pub(super) fn add(&mut self, entry: Entry) -> usize {
        let title = format!("{}@{}", entry.name, entry.version);
        if title.chars().any(char::is_control) {
            let what = || format!("package `{}` has control characters", quote(&title));
            self.problems.tell(what);
        }
        let (source, foreign) = source::judge(&entry.origin, &entry.name);
        if let Some(place) = foreign {
            let told = self.foreign.entry(place).or_insert((title, 0));
            told.1 += 1;
        }
        let key = (entry.name.clone(), entry.version.clone(), source.clone());
        if let Some(&index) = self.known.get(&key) {
            unite(&mut self.packages[index], entry);
            return index;
        }
        let index = self.packages.len();
        self.packages.push(LockedPackage {
            id: PackageVersion {
                ecosystem: Ecosystem::Npm,
                name: entry.name,
                version: entry.version,
            },
            source,
            checksum: entry.checksum,
            dependencies: Vec::new(),
            installation: entry.installation,
        });
        self.edges.push(BTreeSet::new());
        self.known.insert(key, index);
        index
    }

    /// Adds one of the project's own packages; `locked_name` is what the lockfile calls it.
    pub(super) fn add_own(&mut self, own: &Own, locked_name: Option<&str>) -> usize {
        let (name, version) = identity(own, locked_name);
        self.own.push((name.clone(), version.clone()));
        self.add(Entry {
            name,
            version,
            origin: Origin::Own,
            ..Entry::default()
        })
    }

    /// Notes that `from` depends on `to`.
    pub(super) fn depend(&mut self, from: usize, to: usize) {
        if from != to {
            self.edges[from].insert(to);
        }
    }

    pub(super) fn finish(mut self) -> Linked {
        for (package, edges) in self.packages.iter_mut().zip(self.edges) {
            package.dependencies = edges.into_iter().map(Node).collect();
        }
        for (place, (first, count)) in &self.foreign {
            self.problems.tell(|| {
                format!(
                    "{count} packages come from `{}`, `{}` for one; advisories on the public \
                     registry's packages were not applied to them",
                    quote(place),
                    quote(first)
                )
            });
        }
        Linked {
            graph: DependencyGraph::new(self.packages),
            own: self.own,
            problems: self.problems.finish(),
        }
    }
}

/// Another copy adds what the first one left open.
fn unite(package: &mut LockedPackage, other: Entry) {
    if package.checksum.is_none() {
        package.checksum = other.checksum;
    }
    package.installation.bundled |= other.installation.bundled;
}

/// The name and version of one of the project's own packages.
pub(super) fn identity(own: &Own, locked_name: Option<&str>) -> (String, String) {
    let stated = own
        .manifest
        .as_ref()
        .and_then(|manifest| manifest.package.clone());
    let (name, version) = stated.unwrap_or_default();
    let folder = own.folder.rsplit('/').next();
    let name = [Some(name.as_str()), locked_name, folder]
        .into_iter()
        .flatten()
        .find(|name| !name.is_empty())
        .unwrap_or(NAMELESS)
        .to_owned();
    let version = if version.is_empty() {
        VERSIONLESS.to_owned()
    } else {
        version
    };
    (name, version)
}
