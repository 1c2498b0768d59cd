//! Reads a `package.json` into the model's manifest
//! (<https://docs.npmjs.com/cli/configuring-npm/package-json>).
//!
//! Owns one manifest's own words. Which manifests belong together is the project's
//! business, and `overrides` are the planner's.

use std::collections::BTreeMap;

use backstitch_model::RelPath;
use backstitch_model::project::{DependencyKind, Manifest, Requirement};
use serde_json::{Map, Value};

use super::source::asked;

/// How many patterns of `workspaces` are looked at.
pub(crate) const PATTERNS_MAX: usize = 256;

/// A manifest with what it says of its workspace.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parsed {
    pub(crate) manifest: Manifest,
    /// Patterns of folders, as written; one that begins with `!` takes away.
    pub(crate) workspaces: Vec<String>,
    /// Folders that `file:` and `link:` dependencies name, as written.
    pub(crate) linked: Vec<String>,
}

/// Reads a manifest's text; the error is a sentence's end.
pub(crate) fn parse(path: RelPath, text: String) -> Result<Parsed, String> {
    // Windows editors begin a file with a mark that is no part of its text.
    let bare = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let value: Value =
        serde_json::from_str(bare).map_err(|error| format!("it is no JSON: {error}"))?;
    let Value::Object(table) = value else {
        return Err("it is no JSON object".to_owned());
    };
    let requirements = requirements(&table);
    let linked = requirements
        .iter()
        .filter_map(|requirement| {
            let version = &requirement.version;
            let folder = version
                .strip_prefix("file:")
                .or_else(|| version.strip_prefix("link:"))?;
            Some(folder.to_owned())
        })
        .collect();
    let field = |name| table.get(name).and_then(Value::as_str).unwrap_or("");
    let package = (field("name").to_owned(), field("version").to_owned());
    Ok(Parsed {
        manifest: Manifest {
            path,
            package: (!package.0.is_empty()).then_some(package),
            requirements,
            features: BTreeMap::new(),
            rust_version: None,
            resolver: None,
            text,
        },
        workspaces: workspaces(&table),
        linked,
    })
}

fn requirements(table: &Map<String, Value>) -> Vec<Requirement> {
    let section = |name| {
        let entries = table.get(name).and_then(Value::as_object);
        let entries = entries.into_iter().flatten();
        entries.filter_map(|(key, value)| Some((key, value.as_str()?)))
    };
    let plain = |key: &String, text: &str, kind| {
        let (package, version) = asked(key, text);
        Requirement {
            key: key.clone(),
            package: package.to_owned(),
            version: version.to_owned(),
            kind,
            target: None,
            optional: false,
            peer: false,
            default_features: true,
            place: None,
            features: Vec::new(),
        }
    };
    let mut list = Vec::new();
    for (name, kind) in [
        ("dependencies", DependencyKind::Normal),
        ("devDependencies", DependencyKind::Dev),
    ] {
        list.extend(section(name).map(|(key, text)| plain(key, text, kind)));
    }
    list.extend(
        section("optionalDependencies").map(|(key, text)| Requirement {
            optional: true,
            ..plain(key, text, DependencyKind::Normal)
        }),
    );
    list.extend(section("peerDependencies").map(|(key, text)| Requirement {
        optional: is_optional_peer(table, key),
        peer: true,
        ..plain(key, text, DependencyKind::Normal)
    }));
    list
}

fn is_optional_peer(table: &Map<String, Value>, key: &str) -> bool {
    let about = table
        .get("peerDependenciesMeta")
        .and_then(|meta| meta.get(key));
    about.and_then(|about| about.get("optional")) == Some(&Value::Bool(true))
}

/// Npm takes a list; yarn also an object with the list in `packages`.
fn workspaces(table: &Map<String, Value>) -> Vec<String> {
    let value = table.get("workspaces");
    let list = match value {
        Some(Value::Object(object)) => object.get("packages"),
        Some(_) | None => value,
    };
    list.and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|pattern| pattern.as_str().map(str::to_owned))
        .collect()
}
