//! Owns what is known of releases: asks the registry and the advisories once each and
//! keeps the answers, parsed. Decides nothing; which release may be taken is `rules`' business.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use backstitch_model::AdvisoryId;
use backstitch_model::project::{DependencyKind, Requirement};
use backstitch_model::registry::{KnownVulnerabilities, Release, Releases, ReleasesUnavailable};
use semver::{Version, VersionReq};

use crate::rules::in_order_of_choice;

/// Answers about releases and their advisories, remembered.
pub(crate) struct Catalogue<'given> {
    releases: &'given dyn Releases,
    vulnerabilities: &'given dyn KnownVulnerabilities,
    packages: RefCell<BTreeMap<String, Rc<Package>>>,
    unavailable: RefCell<Vec<ReleasesUnavailable>>,
    choices: RefCell<HashMap<Choice, Rc<[usize]>>>,
    pub(crate) effort: Effort,
}

/// A package, a requirement on it, and the compiler that is preferred.
type Choice = (String, String, Option<Version>);

/// How much more may be looked at for one package's plan: what is read is anybody's, so
/// every walk over it is paid for.
#[derive(Debug, Default)]
pub(crate) struct Effort {
    left: Cell<usize>,
}

impl Effort {
    /// Grants so many looks.
    pub(crate) fn grant(&self, looks: usize) {
        self.left.set(looks);
    }

    /// Pays for some looks; `false` where there are no more.
    pub(crate) fn pay(&self, looks: usize) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(looks));
        left > looks
    }
}

/// A package's releases, lowest first; none where the registry could not tell.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) releases: Vec<KnownRelease>,
}

/// One release whose version could be read.
pub(crate) struct KnownRelease {
    pub(crate) version: Version,
    listing: Arc<[Release]>,
    index: usize,
    needs: OnceCell<Option<Vec<Need>>>,
    vulnerabilities: OnceCell<BTreeSet<AdvisoryId>>,
}

/// A requirement whose version part could be read.
#[derive(Debug, Clone)]
pub(crate) struct Need {
    pub(crate) key: String,
    pub(crate) package: String,
    pub(crate) version: VersionReq,
    pub(crate) text: String,
    pub(crate) optional: bool,
    pub(crate) default_features: bool,
    pub(crate) features: Vec<String>,
}

impl<'given> Catalogue<'given> {
    pub(crate) fn new(
        releases: &'given dyn Releases,
        vulnerabilities: &'given dyn KnownVulnerabilities,
    ) -> Self {
        Self {
            releases,
            vulnerabilities,
            packages: RefCell::default(),
            unavailable: RefCell::default(),
            choices: RefCell::default(),
            effort: Effort::default(),
        }
    }

    /// The package called `name`.
    pub(crate) fn package(&self, name: &str) -> Rc<Package> {
        if let Some(package) = self.packages.borrow().get(name) {
            return Rc::clone(package);
        }
        let listing = self.releases.releases(name).unwrap_or_else(|error| {
            self.unavailable.borrow_mut().push(error);
            Arc::new([])
        });
        let package = Rc::new(Package::new(name, &listing));
        self.packages
            .borrow_mut()
            .insert(name.to_owned(), Rc::clone(&package));
        package
    }

    /// The releases that a requirement admits, in the order in which Cargo tries them.
    pub(crate) fn choices(&self, need: &Need, rust: Option<&Version>) -> Rc<[usize]> {
        let key = (need.package.clone(), need.text.clone(), rust.cloned());
        if let Some(choices) = self.choices.borrow().get(&key) {
            return Rc::clone(choices);
        }
        let package = self.package(&need.package);
        let choices: Rc<[usize]> = in_order_of_choice(&package, &need.version, rust).collect();
        self.effort.pay(package.releases.len() / 16);
        let mut known = self.choices.borrow_mut();
        known.insert(key, Rc::clone(&choices));
        choices
    }

    /// The vulnerabilities of a release.
    pub(crate) fn vulnerabilities<'release>(
        &self,
        name: &str,
        release: &'release KnownRelease,
    ) -> &'release BTreeSet<AdvisoryId> {
        release.vulnerabilities.get_or_init(|| {
            let ids = self.vulnerabilities;
            ids.vulnerabilities(name, &release.listed().version)
                .into_iter()
                .collect()
        })
    }

    /// The vulnerabilities of any version, listed or not.
    pub(crate) fn vulnerabilities_at(&self, name: &str, version: &str) -> BTreeSet<AdvisoryId> {
        let ids = self.vulnerabilities.vulnerabilities(name, version);
        ids.into_iter().collect()
    }

    /// Why `name` has no releases here, where the registry could not tell.
    pub(crate) fn failure(&self, name: &str) -> Option<ReleasesUnavailable> {
        let failures = self.unavailable.borrow();
        failures.iter().find(|error| error.package == name).cloned()
    }
}

impl Package {
    fn new(name: &str, listing: &Arc<[Release]>) -> Self {
        let mut releases: Vec<_> = (0..listing.len())
            .filter_map(|index| KnownRelease::new(listing, index))
            .collect();
        releases.sort_by(|left, right| left.version.cmp(&right.version));
        Self {
            name: name.to_owned(),
            releases,
        }
    }

    /// The index of the release with `version`; build metadata does not count.
    pub(crate) fn position(&self, version: &Version) -> Option<usize> {
        let found = self
            .releases
            .partition_point(|release| release.version.cmp_precedence(version).is_lt());
        let release = self.releases.get(found)?;
        release
            .version
            .cmp_precedence(version)
            .is_eq()
            .then_some(found)
    }

    /// How many releases lie between two versions.
    pub(crate) fn distance(&self, from: &Version, to: &Version) -> usize {
        let rank = |version: &Version| {
            self.releases
                .partition_point(|release| release.version.cmp_precedence(version).is_lt())
        };
        rank(to).abs_diff(rank(from))
    }
}

impl KnownRelease {
    fn new(listing: &Arc<[Release]>, index: usize) -> Option<Self> {
        Some(Self {
            version: Version::parse(&listing.get(index)?.version).ok()?,
            listing: Arc::clone(listing),
            index,
            needs: OnceCell::new(),
            vulnerabilities: OnceCell::new(),
        })
    }

    /// The registry's own words on it.
    pub(crate) fn listed(&self) -> &Release {
        &self.listing[self.index]
    }

    /// What it requires when it is built as a dependency; `None` where a requirement
    /// cannot be read, for then nothing can be said of the release.
    pub(crate) fn needs(&self) -> Option<&[Need]> {
        self.needs
            .get_or_init(|| {
                self.listed()
                    .requirements
                    .iter()
                    .filter(|requirement| requirement.kind != DependencyKind::Dev)
                    .map(Need::new)
                    .collect()
            })
            .as_deref()
    }
}

impl Need {
    /// Reads a requirement; `None` where its version part is none.
    pub(crate) fn new(requirement: &Requirement) -> Option<Self> {
        Some(Self {
            key: requirement.key.clone(),
            package: requirement.package.clone(),
            version: VersionReq::parse(&requirement.version).ok()?,
            text: requirement.version.clone(),
            optional: requirement.optional,
            default_features: requirement.default_features,
            features: requirement.features.clone(),
        })
    }
}
