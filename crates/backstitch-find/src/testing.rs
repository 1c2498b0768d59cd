//! Projects, registries and indices out of a few strings, for this crate's tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstitch_model::finding::VulnerableDependency;
use backstitch_model::finding::{Finding, FindingKind};
use backstitch_model::project::Project;
use backstitch_model::registry::{Release, Releases, ReleasesUnavailable};

use crate::{Index, Provenance, import, index, project};

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Writes a lockfile from lines such as `app: a b@2` (the project's own), `a 1.2.0: b@1.0.0`
/// (published) or `g 1.0.0 git: a`; a version is 1.0.0 where none is written.
pub(crate) fn lockfile(lines: &str) -> String {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    format!("version = 4\n{}", lines.map(package).collect::<String>())
}

fn package(line: &str) -> String {
    let (head, dependencies) = line.split_once(':').unwrap();
    let mut words = head.split(' ');
    let name = words.next().unwrap();
    let version = words.next();
    let source = match (version, words.next()) {
        (None, _) => String::new(),
        (Some(_), None) => format!("source = \"{CRATES_IO}\"\n"),
        (Some(_), Some("git")) => "source = \"git+https://example.org/x#1\"\n".to_owned(),
        (Some(_), Some(_)) => "source = \"registry+https://example.org/index\"\n".to_owned(),
    };
    let version = version.unwrap_or("0.1.0");
    let dependencies: String = dependencies
        .split_whitespace()
        .flat_map(|dependency| {
            [
                " \"".to_owned(),
                dependency.replace('@', " "),
                "\",\n".to_owned(),
            ]
        })
        .collect();
    format!(
        "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n{source}dependencies = [\n{dependencies}]\n"
    )
}

/// Reads a project from its lockfile (see [`lockfile`]) and its manifests.
pub(crate) fn project_of(lines: &str, manifests: &[(&str, &str)]) -> Project {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Cargo.lock"), lockfile(lines)).unwrap();
    for (path, text) in manifests {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let mut discovery = project::projects(&project::open(folder.path()).unwrap());
    discovery.projects.remove(0)
}

/// Compiles records from a JSON list.
pub(crate) fn index_of(json: &str) -> Index {
    let imported = import::read_json("test", json.as_bytes());
    assert_eq!(imported.problems, []);
    let bytes = index::compile(&imported.advisories, Provenance::default()).unwrap();
    Index::from_bytes(bytes).unwrap()
}

/// One record on a crate, with `extra` fields beside.
pub(crate) fn record(id: &str, package: &str, events: &str, extra: &str) -> String {
    format!(
        r#"{{"id": "{id}", "modified": "2024-01-01T00:00:00Z", "affected": [{{"package":
        {{"ecosystem": "crates.io", "name": "{package}"}}, "ranges": [{{"type": "SEMVER",
        "events": [{events}]}}]}}]{extra}}}"#
    )
}

/// An index with a record on every version of each of the packages.
pub(crate) fn index_on(packages: &[&str]) -> Index {
    let everything = r#"{"introduced": "0"}"#;
    let records: Vec<String> = packages
        .iter()
        .map(|package| record(&format!("RUSTSEC-{package}"), package, everything, ""))
        .collect();
    index_of(&format!("[{}]", records.join(",")))
}

pub(crate) fn dependency(finding: &Finding) -> &VulnerableDependency {
    let FindingKind::VulnerableDependency(dependency) = &finding.kind;
    dependency
}

/// A registry that has each package in one version, described by a manifest's text.
pub(crate) struct Registry(BTreeMap<String, Arc<[Release]>>);

impl Registry {
    /// Each text begins with `name version`, then the rest of the manifest.
    pub(crate) fn new(packages: &[&str]) -> Self {
        let release = |text: &&str| {
            let (head, rest) = text.split_once('\n').unwrap_or((text, ""));
            let (name, version) = head.split_once(' ').unwrap();
            let manifest = format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\n{rest}");
            let project = project_of("", &[("Cargo.toml", &manifest)]);
            let manifest = &project.manifests[0];
            let release = Release {
                version: version.to_owned(),
                yanked: rest.contains("# yanked"),
                rust_version: None,
                runtime: None,
                published_s: None,
                requirements: manifest.requirements.clone(),
                features: manifest.features.clone(),
                checksum: None,
                install_script: false,
                files: Vec::new(),
            };
            (name.to_owned(), Arc::from([release]))
        };
        Self(packages.iter().map(release).collect())
    }
}

impl Releases for Registry {
    fn releases(&self, package: &str) -> Result<Arc<[Release]>, ReleasesUnavailable> {
        self.0
            .get(package)
            .cloned()
            .ok_or_else(|| ReleasesUnavailable {
                package: package.to_owned(),
                why: "it is not in the test's registry".to_owned(),
            })
    }
}
