//! Reads what Cargo keeps of the registry's index, for tests that compare with Cargo.

#![expect(
    clippy::unwrap_used,
    reason = "a test tells its figures, and stops where its own helpers fail"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use backstitch_model::project::{DependencyKind, Requirement};
use backstitch_model::registry::{Release, Releases, ReleasesUnavailable};

/// Cargo's own cache of index files.
pub(crate) struct CargoCache(Vec<PathBuf>);

impl Default for CargoCache {
    fn default() -> Self {
        let home = std::env::var_os("CARGO_HOME").map_or_else(
            || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cargo"),
            PathBuf::from,
        );
        let indices = std::fs::read_dir(home.join("registry/index")).unwrap();
        Self(
            indices
                .map(|entry| entry.unwrap().path().join(".cache"))
                .collect(),
        )
    }
}

impl Releases for CargoCache {
    fn releases(&self, package: &str) -> Result<Arc<[Release]>, ReleasesUnavailable> {
        let lower = package.to_lowercase();
        let folder = match lower.len() {
            1 => "1".to_owned(),
            2 => "2".to_owned(),
            3 => format!("3/{}", &lower[..1]),
            _ => format!("{}/{}", &lower[..2], &lower[2..4]),
        };
        let content = self
            .0
            .iter()
            .find_map(|index| std::fs::read(index.join(&folder).join(&lower)).ok())
            .ok_or_else(|| ReleasesUnavailable {
                package: package.to_owned(),
                why: "not in Cargo's cache".to_owned(),
            })?;
        let lines = content.split(|&byte| byte == 0);
        let objects = lines.filter(|line| line.first() == Some(&b'{'));
        Ok(objects
            .map(|json| release(&serde_json::from_slice(json).unwrap()))
            .collect())
    }
}

fn release(json: &serde_json::Value) -> Release {
    let mut features: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for part in ["features", "features2"] {
        for (name, values) in json[part].as_object().into_iter().flatten() {
            let entry = features.entry(name.clone()).or_default();
            entry.extend(texts(values));
        }
    }
    let text = |name: &str| json[name].as_str().map(str::to_owned);
    Release {
        version: text("vers").unwrap(),
        yanked: json["yanked"] == true,
        rust_version: text("rust_version"),
        runtime: None,
        published_s: None,
        requirements: json["deps"]
            .as_array()
            .unwrap()
            .iter()
            .map(requirement)
            .collect(),
        features,
        checksum: text("cksum"),
        install_script: false,
        files: Vec::new(),
    }
}

fn requirement(json: &serde_json::Value) -> Requirement {
    let text = |name: &str| json[name].as_str().map(str::to_owned);
    let key = text("name").unwrap();
    Requirement {
        package: text("package").unwrap_or_else(|| key.clone()),
        key,
        version: text("req").unwrap(),
        kind: match json["kind"].as_str() {
            Some("dev") => DependencyKind::Dev,
            Some("build") => DependencyKind::Build,
            _ => DependencyKind::Normal,
        },
        target: text("target"),
        optional: json["optional"] == true,
        peer: false,
        default_features: json["default_features"] != false,
        place: None,
        features: texts(&json["features"]),
    }
}

fn texts(json: &serde_json::Value) -> Vec<String> {
    let items = json.as_array().into_iter().flatten();
    items
        .map(|item| item.as_str().unwrap().to_owned())
        .collect()
}
