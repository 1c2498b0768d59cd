//! The registries, each for the packages of its ecosystem.

use std::path::Path;

use anyhow::Result;
use backstitch_model::LockFormat;
use backstitch_model::package::Ecosystem;
use backstitch_model::registry::Releases;

use crate::network::Network;
use crate::registry::{CratesIndex, NpmRegistry, PyPi};

/// Every registry that is known.
pub struct Registries {
    crates: CratesIndex,
    npm: NpmRegistry,
    python: PyPi,
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
            Ecosystem::CratesIo
            | Ecosystem::Go
            | Ecosystem::RubyGems
            | Ecosystem::Packagist
        | Ecosystem::Maven
            | Ecosystem::Maven
            | Ecosystem::Other(_) => &self.crates,
        }
    }

    /// Asks for many packages at one time, so that a later look-up does not wait.
    pub fn prefetch(&self, format: LockFormat, packages: &[&str]) {
        match format.ecosystem() {
            Ecosystem::Npm => self.npm.prefetch(packages),
            Ecosystem::CratesIo => self.crates.prefetch(packages),
            Ecosystem::PyPi => self.python.prefetch(packages),
            Ecosystem::Go | Ecosystem::RubyGems | Ecosystem::Packagist | Ecosystem::Maven | Ecosystem::Other(_) => {}
        }
    }
}
