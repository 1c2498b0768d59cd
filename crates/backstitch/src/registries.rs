//! The registries, each for the packages of its ecosystem.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use backstitch_model::LockFormat;
use backstitch_model::package::Ecosystem;
use backstitch_model::registry::{Release, Releases, ReleasesUnavailable};

use crate::network::Network;
use crate::registry::{CratesIndex, NpmRegistry, PyPi};

/// Every registry that is known.
pub struct Registries {
    crates: CratesIndex,
    npm: NpmRegistry,
    python: PyPi,
}

/// A registry whose catalogue is not read: what advisories call fixed has to do.
struct Unread;

impl Releases for Unread {
    fn releases(&self, package: &str) -> Result<Arc<[Release]>, ReleasesUnavailable> {
        Err(ReleasesUnavailable {
            package: package.to_owned(),
            why: "the catalogue of its registry is not read".to_owned(),
        })
    }
}

impl Registries {
    /// Finds them; asks nothing yet.
    pub fn open(cache: &Path, network: &Network) -> Result<Self> {
        Ok(Self {
            crates: CratesIndex::open(cache, network.clone())?,
            npm: NpmRegistry::open(cache, network.clone())?,
            python: PyPi::open(cache, network.clone())?,
        })
    }

    /// The releases of what a lockfile of this format locks.
    pub fn of(&self, format: LockFormat) -> &dyn Releases {
        match format.ecosystem() {
            Ecosystem::Npm => &self.npm,
            Ecosystem::PyPi => &self.python,
            Ecosystem::CratesIo => &self.crates,
            Ecosystem::Go
            | Ecosystem::RubyGems
            | Ecosystem::Packagist
            | Ecosystem::Maven
            | Ecosystem::Other(_) => &Unread,
        }
    }

    /// Can the registry say that it withdrew a release? Of npm none is withdrawn: a release is
    /// there or it is not.
    pub fn tells_withdrawn(format: LockFormat) -> bool {
        matches!(format.ecosystem(), Ecosystem::CratesIo | Ecosystem::PyPi)
    }

    /// Asks for many packages at one time, so that a later look-up does not wait.
    pub fn prefetch(&self, format: LockFormat, packages: &[&str]) {
        match format.ecosystem() {
            Ecosystem::Npm => self.npm.prefetch(packages),
            Ecosystem::CratesIo => self.crates.prefetch(packages),
            Ecosystem::PyPi => self.python.prefetch(packages),
            Ecosystem::Go
            | Ecosystem::RubyGems
            | Ecosystem::Packagist
            | Ecosystem::Maven
            | Ecosystem::Other(_) => {}
        }
    }
}
