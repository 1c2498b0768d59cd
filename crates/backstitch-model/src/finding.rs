//! A finding: something known to be wrong, and why it is in this project.

use std::fmt;

use crate::advisory::{AdvisoryId, Informational, SeverityVector};
use crate::names;
use crate::package::PackageVersion;
use crate::path::RelPath;
use crate::project::DependencyKind;

/// A finding's stable fingerprint: the same problem keeps it across runs and edits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingId(pub String);

impl fmt::Display for FindingId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Something known to be wrong in a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its fingerprint: made of the lockfile's path, the package, its version and the
    /// group of advisory ids' first.
    pub id: FindingId,
    /// The file it was found in.
    pub location: RelPath,
    /// What it is.
    pub kind: FindingKind,
    /// How bad it is, where a source says.
    pub severity: Option<Severity>,
}

/// What is wrong. Later kinds are variants of their own, so that every place that
/// must decide about them fails to compile until it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindingKind {
    /// A dependency with known advisories.
    VulnerableDependency(VulnerableDependency),
}

/// A locked package and one group of advisories that speak of the same problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VulnerableDependency {
    /// The package and its locked version.
    pub package: PackageVersion,
    /// Is it a vulnerability, or only a notice?
    pub class: Class,
    /// Every id of the group, the ecosystem's own database first; empty for a yanked release.
    pub ids: Vec<AdvisoryId>,
    /// One line on what is wrong.
    pub summary: String,
    /// The releases that a range of the group calls fixed, ascending, as written.
    pub fixed_versions: Vec<String>,
    /// Addresses to read more at.
    pub references: Vec<String>,
    /// How it got into the project.
    pub reach: Reach,
}

/// Must it be fixed, or only be known?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Something an attacker may use.
    Vulnerability,
    /// An informational advisory.
    Notice(Informational),
    /// The registry withdrew this release from new use.
    Yanked,
}

/// How a dependency got into the project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// Does a package of the project require it itself?
    pub direct: bool,
    /// The shortest chain from a package of the project, both ends included; empty
    /// where nothing of the project's leads to it.
    pub path: Vec<PackageVersion>,
    /// What it is for, seen from the project: the strongest use of any chain.
    pub kind: DependencyKind,
    /// Is it built at all?
    pub compiled: Compiled,
}

/// Is a locked package built for this project, on this platform, with default features?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compiled {
    /// It is.
    Yes,
    /// Only for another platform.
    OtherPlatform,
    /// Only where a feature is turned on that is off by default.
    OptIn,
    /// The files at hand do not tell; why.
    Unknown(String),
}

/// A severity, with who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Severity {
    /// The level its score falls into.
    pub level: SeverityLevel,
    /// The vector it was computed from.
    pub vector: SeverityVector,
    /// The base score in tenths, such as 75 for 7.5, where the system has one.
    pub score_tenths: Option<u16>,
    /// The record that states it.
    pub source: AdvisoryId,
}

/// The qualitative scale of CVSS (<https://www.first.org/cvss/v3.1/specification-document>, 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SeverityLevel {
    /// A score of 0.0.
    None,
    /// 0.1 to 3.9.
    Low,
    /// 4.0 to 6.9.
    Medium,
    /// 7.0 to 8.9.
    High,
    /// 9.0 to 10.0.
    Critical,
}

impl Finding {
    /// Is it something to fix, rather than a notice?
    pub fn is_vulnerability(&self) -> bool {
        match &self.kind {
            FindingKind::VulnerableDependency(dependency) => {
                dependency.class == Class::Vulnerability
            }
        }
    }
}

impl VulnerableDependency {
    /// Is this what a user means by `name`: one of its ids, or its package?
    pub fn is_called(&self, name: &str) -> bool {
        let ecosystem = &self.package.ecosystem;
        names::normalised(ecosystem, name) == names::normalised(ecosystem, &self.package.name)
            || self
                .ids
                .iter()
                .any(|id| id.as_str().eq_ignore_ascii_case(name))
    }

    /// The id people will look for; a yanked release has none.
    pub fn main_id(&self) -> Option<&AdvisoryId> {
        self.ids.first()
    }
}
