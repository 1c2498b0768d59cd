//! What a package is called: its ecosystem, its name, its version.

use std::fmt;

/// A package ecosystem, by the name the OSV schema gives it
/// (<https://ossf.github.io/osv-schema/#affectedpackage-field>).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ecosystem {
    /// Rust crates on crates.io.
    CratesIo,
    /// JavaScript packages on the npm registry.
    Npm,
    /// Python packages on the Python Package Index.
    PyPi,
    /// Go modules.
    Go,
    /// Ruby gems.
    RubyGems,
    /// PHP packages of Composer.
    Packagist,
    /// Java packages of Maven repositories, called `group:artifact`.
    Maven,
    /// Any other ecosystem, kept as it is written.
    Other(String),
}

impl Ecosystem {
    /// Reads an OSV ecosystem name; a suffix after `:` (a distribution's release) is part of it.
    pub fn from_osv(name: &str) -> Self {
        match name {
            "crates.io" => Self::CratesIo,
            "npm" => Self::Npm,
            "PyPI" => Self::PyPi,
            "Go" => Self::Go,
            "RubyGems" => Self::RubyGems,
            "Packagist" => Self::Packagist,
            "Maven" => Self::Maven,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The OSV name.
    pub fn as_osv(&self) -> &str {
        match self {
            Self::CratesIo => "crates.io",
            Self::Npm => "npm",
            Self::PyPi => "PyPI",
            Self::Go => "Go",
            Self::RubyGems => "RubyGems",
            Self::Packagist => "Packagist",
            Self::Maven => "Maven",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_osv())
    }
}

/// One version of one package, as a lockfile names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageVersion {
    /// Where the name means something.
    pub ecosystem: Ecosystem,
    /// The name, as the lockfile writes it.
    pub name: String,
    /// The version, as the lockfile writes it.
    pub version: String,
}

impl fmt::Display for PackageVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version.as_str() {
            // A project of its own may have none.
            "" => formatter.write_str(&self.name),
            version => write!(formatter, "{}@{version}", self.name),
        }
    }
}
