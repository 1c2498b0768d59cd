//! What a registry says of a package's releases, and the one question asked of it.

use std::sync::Arc;

use crate::project::Requirement;

/// One release of a package, as the registry's index tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its version, as the registry writes it.
    pub version: String,
    /// Was it withdrawn from new use?
    pub yanked: bool,
    /// The oldest compiler it builds with, where it says.
    pub rust_version: Option<String>,
    /// What it requires of the runtime, as the registry writes it, where it says: `engines.node`
    /// of npm, `Requires-Python` of a Python package.
    pub runtime: Option<String>,
    /// When it was published, in seconds since 1970 UTC, where the registry says.
    pub published_s: Option<i64>,
    /// What it requires.
    pub requirements: Vec<Requirement>,
    /// Its features and what each turns on; `default` included.
    pub features: std::collections::BTreeMap<String, Vec<String>>,
    /// The checksum of its archive, as the registry writes it.
    pub checksum: Option<String>,
    /// Does it bring a script that its installation would run, as npm's `postinstall`?
    pub install_script: bool,
    /// Its files, where a release has several and they count: PyPI's.
    pub files: Vec<ReleaseFile>,
}

/// One file of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseFile {
    /// Its name.
    pub name: String,
    /// Where it is downloaded.
    pub url: String,
    /// Its SHA-256 in hex, where the registry says.
    pub sha256: Option<String>,
    /// Its length in bytes, where the registry says.
    pub bytes: Option<u64>,
    /// When it was uploaded, as the registry writes it, where it says.
    pub uploaded: Option<String>,
}

/// Says that a package's releases cannot be told now, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("list the releases of `{}`: {why}", package.escape_debug())]
pub struct ReleasesUnavailable {
    /// The package.
    pub package: String,
    /// Why, in a fragment.
    pub why: String,
}

/// Answers which releases a package has. Implementations cache: the planner asks often.
pub trait Releases {
    /// Every release of `package`, oldest version first; an unknown package is an error.
    fn releases(&self, package: &str) -> Result<Arc<[Release]>, ReleasesUnavailable>;

    /// What one release requires; `None` where nobody can tell. A registry whose index does
    /// not say so looks further, so this may cost a download.
    fn requirements(&self, package: &str, version: &str) -> Option<Arc<[Requirement]>> {
        let releases = self.releases(package).ok()?;
        let release = releases.iter().find(|release| release.version == version)?;
        Some(release.requirements.as_slice().into())
    }
}

/// Answers which advisories a version has. Notices count only where they say so.
pub trait KnownVulnerabilities {
    /// The ids of the vulnerabilities known for `package` at `version`; empty for none.
    fn vulnerabilities(&self, package: &str, version: &str) -> Vec<crate::advisory::AdvisoryId>;
}
