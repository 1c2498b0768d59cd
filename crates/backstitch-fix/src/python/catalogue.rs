//! Remembers what the index says of packages: releases in order, what they require, which
//! advisories they have. Every look is paid for, since what is read is anybody's.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use backstitch_model::AdvisoryId;
use backstitch_model::names::normalised;
use backstitch_model::package::Ecosystem;
use backstitch_model::registry::{KnownVulnerabilities, Release, Releases, ReleasesUnavailable};
use pep440_rs::Version;

use super::version::Range;

/// Answers about releases and their advisories, remembered.
pub(super) struct Catalogue<'given> {
    releases: &'given dyn Releases,
    vulnerabilities: &'given dyn KnownVulnerabilities,
    packages: RefCell<BTreeMap<String, Rc<Package>>>,
    needs: RefCell<HashMap<(String, String), Needs>>,
    failures: RefCell<BTreeMap<String, ReleasesUnavailable>>,
    effort: Cell<usize>,
}

/// What a release requires; `None` where nobody can tell.
pub(super) type Needs = Option<Rc<[Need]>>;

/// A package's releases, lowest first; none where the index could not tell.
pub(super) struct Package {
    pub(super) name: String,
    releases: Vec<(Version, usize)>,
    listing: Arc<[Release]>,
}

/// One release of a package.
#[derive(Clone)]
pub(super) struct Listed {
    pub(super) version: Version,
    package: Rc<Package>,
    index: usize,
}

/// One requirement of a release.
pub(super) struct Need {
    /// The package, normalised.
    pub(super) package: String,
    /// Which versions will do; any where it could not be read or names an address.
    pub(super) range: Option<Range>,
    /// As written.
    pub(super) text: String,
    /// Does it count only where a marker holds?
    pub(super) marked: bool,
    /// Does it count only where an extra is asked for?
    pub(super) optional: bool,
}

/// A name as the index compares it.
pub(super) fn plain(name: &str) -> String {
    normalised(&Ecosystem::PyPi, name).into_owned()
}

impl<'given> Catalogue<'given> {
    pub(super) fn new(
        releases: &'given dyn Releases,
        vulnerabilities: &'given dyn KnownVulnerabilities,
    ) -> Self {
        Self {
            releases,
            vulnerabilities,
            packages: RefCell::default(),
            needs: RefCell::default(),
            failures: RefCell::default(),
            effort: Cell::default(),
        }
    }

    /// Grants so many looks.
    pub(super) fn grant(&self, looks: usize) {
        self.effort.set(looks);
    }

    /// Pays for one look; `false` where there are no more.
    pub(super) fn pay(&self) -> bool {
        let left = self.effort.get();
        self.effort.set(left.saturating_sub(1));
        left > 0
    }

    /// The package called `name`, normalised or not.
    pub(super) fn package(&self, name: &str) -> Rc<Package> {
        let name = plain(name);
        if let Some(package) = self.packages.borrow().get(&name) {
            return Rc::clone(package);
        }
        let listing = self.releases.releases(&name).unwrap_or_else(|error| {
            self.failures.borrow_mut().insert(name.clone(), error);
            Arc::new([])
        });
        let package = Rc::new(Package::new(name.clone(), listing));
        self.packages.borrow_mut().insert(name, Rc::clone(&package));
        package
    }

    /// Why a package has no releases here, where the index could not tell.
    pub(super) fn failure(&self, name: &str) -> Option<ReleasesUnavailable> {
        self.failures.borrow().get(&plain(name)).cloned()
    }

    /// What a package at a version requires.
    pub(super) fn needs(&self, name: &str, version: &str) -> Needs {
        let key = (plain(name), version.to_owned());
        if let Some(needs) = self.needs.borrow().get(&key) {
            return needs.clone();
        }
        let required = self.releases.requirements(&key.0, version);
        let needs = required.map(|required| {
            let needs = required.iter().map(|requirement| Need {
                package: plain(&requirement.package),
                range: Range::parse(&requirement.version),
                text: requirement.version.clone(),
                marked: requirement.target.is_some(),
                optional: requirement.optional,
            });
            needs.collect()
        });
        self.needs.borrow_mut().insert(key, Needs::clone(&needs));
        needs
    }

    /// The advisories of a package at a version.
    pub(super) fn vulnerabilities(&self, name: &str, version: &str) -> BTreeSet<AdvisoryId> {
        let ids = self.vulnerabilities.vulnerabilities(name, version);
        ids.into_iter().collect()
    }
}

impl Package {
    fn new(name: String, listing: Arc<[Release]>) -> Self {
        let mut releases: Vec<_> = listing
            .iter()
            .enumerate()
            .filter_map(|(index, release)| Some((release.version.parse().ok()?, index)))
            .collect();
        releases.sort();
        Self {
            name,
            releases,
            listing,
        }
    }

    /// The releases later than `version`, lowest first.
    pub(super) fn later(self: &Rc<Self>, version: &Version) -> Vec<Listed> {
        let later = self.releases.iter().filter(|(known, _)| known > version);
        later
            .map(|(version, index)| Listed {
                version: version.clone(),
                package: Rc::clone(self),
                index: *index,
            })
            .collect()
    }
}

impl Listed {
    /// The index's own words on it.
    pub(super) fn release(&self) -> &Release {
        &self.package.listing[self.index]
    }

    /// The package's name, normalised.
    pub(super) fn name(&self) -> &str {
        &self.package.name
    }
}
