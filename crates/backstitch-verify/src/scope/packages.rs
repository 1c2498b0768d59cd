//! Compares two locked graphs package by package.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use backstitch_model::candidate::Move;
use backstitch_model::package::Ecosystem;
use backstitch_model::project::{DependencyGraph, LockedPackage, Source};
use backstitch_model::version::{ParsedVersion, Scheme};
use semver::Version;

/// The most moves one note lists.
const LISTED_MAX: usize = 40;

/// What became of the packages.
#[derive(Debug, Default)]
pub(super) struct Moved {
    /// Names with the versions that went and those that came.
    pub(super) changed: BTreeMap<String, Versions>,
    /// What no upgrade may do.
    pub(super) objections: Vec<String>,
}

/// One name's versions that are no longer locked, and those that are now.
#[derive(Debug, Default)]
pub(super) struct Versions {
    gone: Vec<String>,
    come: Vec<String>,
}

type Packages<'graph> = BTreeMap<(&'graph str, &'graph str), Vec<&'graph LockedPackage>>;

/// Finds every package that changed, and what is wrong with how.
pub(super) fn compare(before: &DependencyGraph, after: &DependencyGraph) -> Moved {
    let (old, new) = (by_version(before), by_version(after));
    let mut moved = Moved::default();
    for (&(name, version), packages) in &old {
        match new.get(&(name, version)) {
            None => moved
                .changed
                .entry(name.into())
                .or_default()
                .gone
                .push(version.into()),
            Some(kept) => moved.objections.extend(altered(packages, kept)),
        }
    }
    let known = Known::of(before);
    for (&(name, version), packages) in &new {
        if !old.contains_key(&(name, version)) {
            moved
                .changed
                .entry(name.into())
                .or_default()
                .come
                .push(version.into());
            moved.objections.extend(
                packages
                    .iter()
                    .filter_map(|package| known.objection(package)),
            );
        }
    }
    let ecosystem = after
        .packages()
        .first()
        .map(|package| &package.id.ecosystem);
    for (name, versions) in &moved.changed {
        moved.objections.extend(match ecosystem {
            // Of these one graph holds several versions of a package.
            None | Some(Ecosystem::CratesIo | Ecosystem::Npm | Ecosystem::Other(_)) => {
                versions.descent(name)
            }
            Some(one) => versions.descent_of_one(name, one),
        });
    }
    moved
}

fn by_version(graph: &DependencyGraph) -> Packages<'_> {
    let mut packages = Packages::new();
    for package in graph.packages() {
        let key = (package.id.name.as_str(), package.id.version.as_str());
        packages.entry(key).or_default().push(package);
    }
    packages
}

/// The same release must stay the same in everything.
fn altered(before: &[&LockedPackage], after: &[&LockedPackage]) -> Option<String> {
    let origins = |packages: &[&LockedPackage]| -> BTreeSet<(Source, Option<String>)> {
        packages
            .iter()
            .map(|package| (package.source.clone(), package.checksum.clone()))
            .collect()
    };
    let (before_all, after_all) = (origins(before), origins(after));
    let id = &after.first()?.id;
    let sources = |all: &BTreeSet<(Source, Option<String>)>| -> BTreeSet<Source> {
        all.iter().map(|(source, _)| source.clone()).collect()
    };
    // A copy that came inside another package has no checksum; one of its own has. `go.sum` gains
    // one where something is taken from a module that nothing was taken from before.
    let is_known = |origin: &(Source, Option<String>)| {
        before_all.contains(origin)
            || before_all.iter().all(|(source, checksum)| {
                *source == origin.0 && checksum.is_none() && origin.1.is_some()
            })
    };
    // One of two packages of one version may go; none may come.
    if !sources(&after_all).is_subset(&sources(&before_all)) {
        Some(format!("`{id}` comes from elsewhere now"))
    } else if after_all.iter().all(is_known) {
        None
    } else {
        Some(format!("the checksum of `{id}` is not what it was"))
    }
}

/// `go.sum` has no hash of the files of a module that nothing is taken from; once something is,
/// Go itself adds it, from the checksum database.
fn is_unsummed(package: &LockedPackage) -> bool {
    package.id.ecosystem == Ecosystem::Go && package.checksum.is_none()
}

/// What the untouched graph says of where packages come from.
struct Known<'graph> {
    by_name: BTreeMap<&'graph str, BTreeSet<&'graph Source>>,
    all: BTreeSet<&'graph Source>,
    has_checksums: bool,
}

impl<'graph> Known<'graph> {
    fn of(graph: &'graph DependencyGraph) -> Self {
        let mut by_name = BTreeMap::<_, BTreeSet<_>>::new();
        for package in graph.packages() {
            by_name
                .entry(package.id.name.as_str())
                .or_default()
                .insert(&package.source);
        }
        Self {
            by_name,
            all: graph
                .packages()
                .iter()
                .map(|package| &package.source)
                .collect(),
            has_checksums: graph
                .packages()
                .iter()
                .any(|package| package.checksum.is_some()),
        }
    }

    fn objection(&self, package: &LockedPackage) -> Option<String> {
        let id = &package.id;
        let usual = self.by_name.get(id.name.as_str());
        let same_place = match usual {
            Some(sources) => sources.contains(&package.source),
            None => match &package.source {
                Source::PublicRegistry => true,
                Source::OtherRegistry(_) => self.all.contains(&package.source),
                Source::Local | Source::Git(_) => false,
            },
        };
        if !same_place {
            return Some(match usual {
                Some(_) => format!("`{id}` comes from elsewhere than `{}` did", id.name),
                None => format!("`{id}` is new and comes from where nothing came from before"),
            });
        }
        let registry = matches!(
            package.source,
            Source::PublicRegistry | Source::OtherRegistry(_)
        );
        (registry && self.has_checksums && package.checksum.is_none() && !is_unsummed(package))
            .then(|| format!("`{id}` has no checksum"))
    }
}

impl Versions {
    /// A version that came and is lower than everything it can have replaced: what went of its own
    /// compatibility range, or of any where none did.
    fn descent(&self, name: &str) -> Option<String> {
        let parse = |versions: &[String]| -> Vec<Version> {
            versions
                .iter()
                .filter_map(|version| Version::parse(version).ok())
                .collect()
        };
        let gone = parse(&self.gone);
        parse(&self.come).into_iter().find_map(|came| {
            let related: Vec<&Version> = gone
                .iter()
                .filter(|gone| range(gone) == range(&came))
                .collect();
            let replaced = if related.is_empty() {
                gone.iter().collect()
            } else {
                related
            };
            let lowest = replaced
                .into_iter()
                .min_by(|one, other| one.cmp_precedence(other))?;
            lowest
                .cmp_precedence(&came)
                .is_gt()
                .then(|| format!("`{name}` goes down from {lowest} to {came}"))
        })
    }

    /// The same where one version replaces another whatever their numbers, in the order of the
    /// ecosystem's own tools.
    fn descent_of_one(&self, name: &str, ecosystem: &Ecosystem) -> Option<String> {
        let scheme = Scheme::of_ecosystem(ecosystem)?;
        let come = self
            .come
            .iter()
            .filter_map(|text| Some((scheme.parse(text)?, text)));
        let gone: Vec<_> = self
            .gone
            .iter()
            .filter_map(|text| Some((scheme.parse(text)?, text)))
            .collect();
        come.into_iter().find_map(|(came, text)| {
            let is_below =
                |(old, _): &&(ParsedVersion, &String)| came.compare(old) == Some(Ordering::Less);
            let above = gone.iter().find(is_below)?;
            gone.iter()
                .all(|one| is_below(&one))
                .then(|| format!("`{name}` goes down from {} to {text}", above.1))
        })
    }

    fn describe(&self, name: &str) -> String {
        let all = |versions: &[String]| versions.join(" + ");
        match (self.gone.is_empty(), self.come.is_empty()) {
            (false, false) => format!("{name} {} → {}", all(&self.gone), all(&self.come)),
            (true, _) => format!("{name} {} (new)", all(&self.come)),
            (false, true) => format!("{name} {} (gone)", all(&self.gone)),
        }
    }
}

/// Cargo takes two versions for compatible when their leftmost number that is not zero agrees.
fn range(version: &Version) -> (u64, u64, u64) {
    match (version.major, version.minor) {
        (0, 0) => (0, 0, version.patch),
        (0, minor) => (0, minor, 0),
        (major, _) => (major, 0, 0),
    }
}

/// Tells planned moves that did not come about and moves that nobody planned; and how many the
/// latter are.
pub(super) fn describe(moved: &Moved, planned: &[Move]) -> (Vec<String>, usize) {
    let mut notes = Vec::new();
    for plan in planned {
        let came = moved.changed.get(&plan.package.name);
        if !came.is_some_and(|versions| versions.come.contains(&plan.to)) {
            notes.push(format!("planned and not so: {plan}"));
        }
    }
    let is_planned = |name: &str| planned.iter().any(|plan| plan.package.name == name);
    let along: Vec<String> = moved
        .changed
        .iter()
        .filter(|(name, _)| !is_planned(name))
        .map(|(name, versions)| versions.describe(name))
        .collect();
    if !along.is_empty() {
        let more = along.len().saturating_sub(LISTED_MAX);
        let rest = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        let listed = along[..along.len().min(LISTED_MAX)].join(", ");
        notes.push(format!("moved along: {listed}{rest}"));
    }
    (notes, along.len())
}
