//! Owns the making of a project of npm, pnpm or yarn from files, for tests. Reads only what
//! tests need; real projects are read by `backstitch-find`.

use std::collections::BTreeMap;

use backstitch_model::package::Ecosystem;
use backstitch_model::project::{DependencyKind, Manifest, Requirement};
use backstitch_model::{LockFormat, Project, RelPath};
use serde_json::Value;

use crate::files::Files;
use crate::project::{link, parse_short};

const SECTIONS: [(&str, DependencyKind, bool); 3] = [
    ("dependencies", DependencyKind::Normal, false),
    ("devDependencies", DependencyKind::Dev, false),
    ("peerDependencies", DependencyKind::Normal, true),
];

/// A project from its files: every `package.json`, and a lockfile in short, called `lock`,
/// as for [`project`](crate::project()). After the version may also stand `bundled`.
///
/// # Panics
/// Where the files are no such project.
pub fn node_project(files: &Files, format: LockFormat) -> Project {
    let mut manifests: Vec<_> = files
        .iter()
        .filter(|(path, _)| path.file_name() == "package.json")
        .map(|(path, text)| manifest(path, text))
        .collect();
    manifests.sort_by_key(|manifest| manifest.path.as_str().len());
    let lines = parse_short(files.get("lock").expect("a file called `lock`"));
    let name = format.file_names().first().expect("a name of lockfiles");
    Project {
        lockfile: RelPath::new(*name).expect("a path below the root"),
        format,
        graph: link(&lines, &Ecosystem::Npm),
        manifests,
        problems: Vec::new(),
    }
}

fn manifest(path: &RelPath, text: &str) -> Manifest {
    let value: Value = serde_json::from_str(text).expect("a manifest is JSON");
    let requirements = SECTIONS.into_iter().flat_map(|(section, kind, peer)| {
        let entries = value[section].as_object().into_iter().flatten();
        let requirement = move |(key, text): (&String, &Value)| {
            requirement(key, text.as_str().expect("a text"), kind, peer)
        };
        entries.map(requirement).collect::<Vec<_>>()
    });
    let field = |name: &str| value[name].as_str().unwrap_or("0.0.0").to_owned();
    Manifest {
        path: path.clone(),
        text: text.to_owned(),
        package: Some((field("name"), field("version"))),
        requirements: requirements.collect(),
        features: BTreeMap::new(),
        rust_version: None,
        resolver: None,
    }
}

fn requirement(key: &str, text: &str, kind: DependencyKind, peer: bool) -> Requirement {
    let alias = text
        .strip_prefix("npm:")
        .and_then(|rest| rest.rsplit_once('@'));
    let (package, version) = alias.unwrap_or((key, text));
    Requirement {
        key: key.to_owned(),
        package: package.to_owned(),
        version: version.to_owned(),
        kind,
        target: None,
        optional: false,
        peer,
        default_features: true,
        place: None,
        features: Vec::new(),
    }
}
