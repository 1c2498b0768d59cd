//! Owns what the registry and the advisories say, asked once a package. Decides nothing.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use backstitch_model::AdvisoryId;
use backstitch_model::project::Requirement;
use backstitch_model::registry::{KnownVulnerabilities, Release, Releases, ReleasesUnavailable};
use nodejs_semver::Version as NodeVersion;
use semver::Version;

use super::range::{Spec, node_version};

/// What is known of releases.
pub(super) struct Catalogue<'given> {
    releases: &'given dyn Releases,
    vulnerabilities: &'given dyn KnownVulnerabilities,
    packages: RefCell<BTreeMap<String, Rc<Package>>>,
    failures: RefCell<BTreeMap<String, ReleasesUnavailable>>,
    /// How many more releases may be looked at for the package that is planned for.
    effort: Cell<usize>,
}

/// A package's releases, oldest first.
pub(super) struct Package {
    pub(super) name: String,
    pub(super) releases: Vec<KnownRelease>,
}

/// One release whose version could be read.
pub(super) struct KnownRelease {
    pub(super) version: Version,
    pub(super) node_version: NodeVersion,
    listing: Arc<[Release]>,
    index: usize,
    needs: OnceCell<Vec<Need>>,
    vulnerabilities: OnceCell<BTreeSet<AdvisoryId>>,
}

/// A requirement with its range read.
#[derive(Debug, Clone)]
pub(super) struct Need {
    pub(super) package: String,
    pub(super) spec: Spec,
    pub(super) text: String,
    pub(super) optional: bool,
    pub(super) peer: bool,
}

impl Need {
    pub(super) fn new(requirement: &Requirement) -> Self {
        Self {
            package: requirement.package.clone(),
            spec: Spec::parse(&requirement.version),
            text: requirement.version.clone(),
            optional: requirement.optional,
            peer: requirement.peer,
        }
    }
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
            failures: RefCell::default(),
            effort: Cell::new(0),
        }
    }

    /// Grants what may be looked at from now on, in releases.
    pub(super) fn grant(&self, effort: usize) {
        self.effort.set(effort);
    }

    /// Pays for a look; `false` where nothing is left.
    pub(super) fn pay(&self, count: usize) -> bool {
        let left = self.effort.get();
        self.effort.set(left.saturating_sub(count));
        left >= count
    }

    /// The package called `name`.
    pub(super) fn package(&self, name: &str) -> Rc<Package> {
        if let Some(package) = self.packages.borrow().get(name) {
            return Rc::clone(package);
        }
        let listing = self.releases.releases(name).unwrap_or_else(|error| {
            self.failures.borrow_mut().insert(name.to_owned(), error);
            Arc::new([])
        });
        let package = Rc::new(Package::new(name, &listing));
        let mut packages = self.packages.borrow_mut();
        packages.insert(name.to_owned(), Rc::clone(&package));
        package
    }

    /// Why `name` has no releases here, where the registry could not tell.
    pub(super) fn failure(&self, name: &str) -> Option<ReleasesUnavailable> {
        self.failures.borrow().get(name).cloned()
    }

    /// The vulnerabilities of a release.
    pub(super) fn vulnerabilities<'release>(
        &self,
        name: &str,
        release: &'release KnownRelease,
    ) -> &'release BTreeSet<AdvisoryId> {
        release.vulnerabilities.get_or_init(|| {
            let version = &release.listed().version;
            let ids = self.vulnerabilities.vulnerabilities(name, version);
            ids.into_iter().collect()
        })
    }

    /// The vulnerabilities of any version, listed or not.
    pub(super) fn vulnerabilities_at(&self, name: &str, version: &str) -> BTreeSet<AdvisoryId> {
        let ids = self.vulnerabilities.vulnerabilities(name, version);
        ids.into_iter().collect()
    }
}

impl Package {
    fn new(name: &str, listing: &Arc<[Release]>) -> Self {
        let releases = (0..listing.len()).filter_map(|index| KnownRelease::new(listing, index));
        let mut releases: Vec<_> = releases.collect();
        releases.sort_by(|left, right| left.version.cmp(&right.version));
        Self {
            name: name.to_owned(),
            releases,
        }
    }

    /// The index of the release with exactly this version.
    pub(super) fn position(&self, version: &Version) -> Option<usize> {
        let found = self
            .releases
            .binary_search_by(|release| release.version.cmp(version));
        found.ok()
    }
}

impl KnownRelease {
    fn new(listing: &Arc<[Release]>, index: usize) -> Option<Self> {
        let version = Version::parse(&listing.get(index)?.version).ok()?;
        Some(Self {
            node_version: node_version(&version)?,
            version,
            listing: Arc::clone(listing),
            index,
            needs: OnceCell::new(),
            vulnerabilities: OnceCell::new(),
        })
    }

    /// The registry's own words on it.
    pub(super) fn listed(&self) -> &Release {
        &self.listing[self.index]
    }

    /// What it requires.
    pub(super) fn needs(&self) -> &[Need] {
        self.needs
            .get_or_init(|| self.listed().requirements.iter().map(Need::new).collect())
    }
}
