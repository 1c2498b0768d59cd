//! Owns an in-memory registry written in a few lines, with its vulnerabilities.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstitch_model::AdvisoryId;
use backstitch_model::project::{DependencyKind, Requirement};
use backstitch_model::registry::{KnownVulnerabilities, Release, Releases, ReleasesUnavailable};
use semver::Version;

/// Releases and their vulnerabilities, from a text with one line a release:
///
/// ```text
/// tokio 1.8.1 vuln=A,B day=3 rust=1.49 feature=net:dep:mio+libc | mio ^0.7 optional; libc >=0.2, <1
/// autocfg 1.1.0 yanked
/// ```
///
/// After the name and the version, in any order: `yanked`, `day=` (the day it was
/// published, counted from 1970), `rust=`, `runtime=`, `script` (it has an install script), `vuln=` (advisory ids) and any number of
/// `feature=name:entry+entry`. After the bar its requirements, parted by `;`: a name, a
/// version requirement, then any of `optional`, `dev`, `build`, `nodefault`, `as=key`,
/// `features=a+b`, `target=cfg(unix)`, `peer`.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    releases: BTreeMap<String, Vec<Release>>,
    vulnerabilities: BTreeMap<(String, String), Vec<AdvisoryId>>,
}

/// So many days, in seconds.
pub const fn days(count: i64) -> i64 {
    count * 24 * 60 * 60
}

impl Registry {
    /// Reads a registry. Blank lines and lines from `#` on are passed over.
    ///
    /// # Panics
    /// Where a line is not in the form above.
    pub fn parse(text: &str) -> Self {
        let mut registry = Self::default();
        let lines = text.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            registry.add(line);
        }
        registry
    }

    /// Adds one line's release.
    ///
    /// # Panics
    /// Where the line is not in the form above.
    pub fn add(&mut self, line: &str) {
        let (head, requirements) = line.split_once('|').unwrap_or((line, ""));
        let mut words = head.split_whitespace();
        let name = words.next().expect("a release has a name").to_owned();
        let version = words.next().expect("a release has a version").to_owned();
        let mut release = Release {
            version: version.clone(),
            yanked: false,
            rust_version: None,
            runtime: None,
            published_s: None,
            requirements: parse_requirements(requirements),
            features: BTreeMap::new(),
            checksum: None,
            install_script: false,
            files: Vec::new(),
        };
        for word in words {
            match word.split_once('=').unwrap_or((word, "")) {
                ("yanked", _) => release.yanked = true,
                ("day", day) => release.published_s = Some(days(day.parse().expect("a day"))),
                ("rust", rust) => release.rust_version = Some(rust.to_owned()),
                ("script", _) => release.install_script = true,
                ("runtime", runtime) => release.runtime = Some(runtime.to_owned()),
                ("feature", feature) => release.features.extend([parse_feature(feature)]),
                ("vuln", ids) => {
                    let key = (name.clone(), version.clone());
                    let ids = ids.split(',').map(|id| AdvisoryId::new(id).expect("an id"));
                    self.vulnerabilities.insert(key, ids.collect());
                }
                _ => panic!("in {line:?}: what is {word:?}?"),
            }
        }
        let releases = self.releases.entry(name).or_default();
        let version = Version::parse(&version).expect("a version");
        let is_before = |known: &Release| Version::parse(&known.version).expect("one") < version;
        let place = releases.partition_point(is_before);
        releases.insert(place, release);
    }

    /// Every package with its releases.
    pub fn packages(&self) -> impl Iterator<Item = (&str, &[Release])> {
        let packages = self.releases.iter();
        packages.map(|(name, releases)| (name.as_str(), releases.as_slice()))
    }

    /// The release of a package at a version.
    pub fn release(&self, name: &str, version: &str) -> Option<&Release> {
        let mut releases = self.releases.get(name)?.iter();
        releases.find(|release| release.version == version)
    }
}

impl Releases for Registry {
    fn releases(&self, package: &str) -> Result<Arc<[Release]>, ReleasesUnavailable> {
        let releases = self.releases.get(package);
        releases
            .map(|releases| Arc::from(releases.as_slice()))
            .ok_or_else(|| ReleasesUnavailable {
                package: package.to_owned(),
                why: "it is not in the registry".to_owned(),
            })
    }
}

impl KnownVulnerabilities for Registry {
    fn vulnerabilities(&self, package: &str, version: &str) -> Vec<AdvisoryId> {
        let key = (package.to_owned(), version.to_owned());
        self.vulnerabilities.get(&key).cloned().unwrap_or_default()
    }
}

fn parse_feature(text: &str) -> (String, Vec<String>) {
    let (name, entries) = text.split_once(':').unwrap_or((text, ""));
    let entries = entries.split('+').filter(|entry| !entry.is_empty());
    (name.to_owned(), entries.map(str::to_owned).collect())
}

fn parse_requirements(text: &str) -> Vec<Requirement> {
    text.split(';')
        .map(str::trim)
        .filter(|requirement| !requirement.is_empty())
        .map(parse_requirement)
        .collect()
}

fn parse_requirement(text: &str) -> Requirement {
    let mut words = text.split_whitespace();
    let package = words.next().expect("a requirement has a name").to_owned();
    let mut requirement = Requirement {
        key: package.clone(),
        package,
        version: String::new(),
        kind: DependencyKind::Normal,
        target: None,
        optional: false,
        peer: false,
        default_features: true,
        place: None,
        features: Vec::new(),
    };
    for word in words {
        match word.split_once('=').unwrap_or((word, "")) {
            ("optional", _) => requirement.optional = true,
            ("peer", _) => requirement.peer = true,
            ("dev", _) => requirement.kind = DependencyKind::Dev,
            ("build", _) => requirement.kind = DependencyKind::Build,
            ("nodefault", _) => requirement.default_features = false,
            ("as", key) => key.clone_into(&mut requirement.key),
            ("target", target) => requirement.target = Some(target.to_owned()),
            ("features", features) => {
                requirement.features = features.split('+').map(str::to_owned).collect();
            }
            _ if requirement.version.is_empty() => word.clone_into(&mut requirement.version),
            _ => requirement.version = format!("{} {word}", requirement.version),
        }
    }
    assert!(!requirement.version.is_empty(), "in {text:?}: no version");
    requirement
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_everything_of_a_release() {
        let registry = Registry::parse(
            "a 1.10.0\n# a comment\na 1.9.0 yanked day=2 rust=1.49 vuln=X,Y feature=net:dep:b+c/d \
             | b >=1, <2 optional as=bee; c =0.1 features=d+e nodefault; e 1 dev",
        );
        let releases = registry.releases("a").unwrap();
        assert_eq!(releases[0].version, "1.9.0");
        assert!(releases[0].yanked);
        assert_eq!(releases[0].published_s, Some(days(2)));
        assert_eq!(releases[0].features["net"], ["dep:b", "c/d"]);
        assert_eq!(releases[0].requirements[0].version, ">=1, <2");
        assert_eq!(releases[0].requirements[0].key, "bee");
        assert_eq!(releases[0].requirements[1].version, "=0.1");
        assert_eq!(releases[0].requirements[2].kind, DependencyKind::Dev);
        assert_eq!(registry.vulnerabilities("a", "1.9.0").len(), 2);
        assert!(registry.releases("z").is_err());
    }
}
