//! Reads a `Cargo.toml` into the model's manifest
//! (<https://doc.rust-lang.org/cargo/reference/manifest.html>).
//!
//! Owns one manifest's own words and what it inherits; which manifests belong together is
//! `workspace`'s business.

use std::collections::BTreeMap;

use backstitch_model::RelPath;
use backstitch_model::project::{DependencyKind, Manifest, Requirement};
use toml::{Table, Value};

/// The tables of dependencies, with the spelling that old manifests use.
const DEPENDENCY_TABLES: [(&str, DependencyKind); 5] = [
    ("dependencies", DependencyKind::Normal),
    ("build-dependencies", DependencyKind::Build),
    ("build_dependencies", DependencyKind::Build),
    ("dev-dependencies", DependencyKind::Dev),
    ("dev_dependencies", DependencyKind::Dev),
];

/// A manifest with the paths it points at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parsed {
    pub(crate) manifest: Manifest,
    /// Paths of dependencies below the folder of this manifest, as written.
    pub(crate) own_paths: Vec<String>,
    /// Paths inherited from the workspace, below the workspace's folder.
    pub(crate) inherited_paths: Vec<String>,
}

/// What members take from `[workspace]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Inheritance {
    package: Table,
    dependencies: Table,
}

impl Inheritance {
    /// Takes it from the workspace's root manifest.
    pub(crate) fn of(root: &Table) -> Self {
        let part = |name| {
            root.get("workspace")
                .and_then(|workspace| workspace.get(name))
                .and_then(Value::as_table)
                .cloned()
                .unwrap_or_default()
        };
        Self {
            package: part("package"),
            dependencies: part("dependencies"),
        }
    }
}

/// Does the manifest's text have a `[workspace]`? False where it cannot be read.
pub(crate) fn declares_workspace(text: &str) -> bool {
    text.parse::<Table>()
        .is_ok_and(|table| table.contains_key("workspace"))
}

/// Reads a manifest's table; what it lacks is filled in as Cargo does.
pub(crate) fn parse(
    path: RelPath,
    text: String,
    table: &Table,
    inheritance: &Inheritance,
) -> Parsed {
    let mut requirements = Requirements {
        inheritance,
        list: Vec::new(),
        own_paths: Vec::new(),
        inherited_paths: Vec::new(),
    };
    requirements.read(table, None);
    for (target, tables) in sub_tables(table.get("target")) {
        requirements.read(tables, Some(target));
    }
    let package = table.get("package").or_else(|| table.get("project"));
    let field = |name| package_field(package, name, inheritance);
    let version = field("version").unwrap_or_else(|| "0.0.0".to_owned());
    Parsed {
        manifest: Manifest {
            path,
            text,
            package: field("name").map(|name| (name, version)),
            requirements: requirements.list,
            features: features(table),
            rust_version: field("rust-version"),
            resolver: resolver(table, package.is_some(), field("edition").as_deref()),
        },
        own_paths: requirements.own_paths,
        inherited_paths: requirements.inherited_paths,
    }
}

fn sub_tables(value: Option<&Value>) -> impl Iterator<Item = (&str, &Table)> {
    value
        .and_then(Value::as_table)
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.as_str(), value.as_table()?)))
}

/// A text of `[package]`, its own or the workspace's.
fn package_field(package: Option<&Value>, name: &str, inheritance: &Inheritance) -> Option<String> {
    match package?.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Table(table) if asks_workspace(table) => {
            inheritance.package.get(name)?.as_str().map(str::to_owned)
        }
        _ => None,
    }
}

fn asks_workspace(table: &Table) -> bool {
    table.get("workspace").and_then(Value::as_bool) == Some(true)
}

fn features(table: &Table) -> BTreeMap<String, Vec<String>> {
    let features = table.get("features").and_then(Value::as_table);
    features
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), texts(Some(value))))
        .collect()
}

fn texts(value: Option<&Value>) -> Vec<String> {
    value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

/// The resolver: the workspace's word, the package's, or what its edition stands for.
/// <https://doc.rust-lang.org/cargo/reference/resolver.html#resolver-versions>
fn resolver(table: &Table, has_package: bool, edition: Option<&str>) -> Option<String> {
    let stated = ["workspace", "package"].into_iter().find_map(|part| {
        let resolver = table.get(part)?.get("resolver")?.as_str()?;
        Some(resolver.to_owned())
    });
    let by_edition = || match edition {
        Some("2024") => "3",
        Some("2021") => "2",
        Some(_) | None => "1",
    };
    let asks = has_package || table.contains_key("workspace");
    stated.or_else(|| asks.then(|| by_edition().to_owned()))
}

struct Requirements<'tables> {
    inheritance: &'tables Inheritance,
    list: Vec<Requirement>,
    own_paths: Vec<String>,
    inherited_paths: Vec<String>,
}

impl Requirements<'_> {
    fn read(&mut self, table: &Table, target: Option<&str>) {
        for (name, kind) in DEPENDENCY_TABLES {
            let dependencies = table.get(name).and_then(Value::as_table);
            for (key, value) in dependencies.into_iter().flatten() {
                let requirement = self.requirement(key, value, kind);
                self.list.push(Requirement {
                    target: target.map(str::to_owned),
                    ..requirement
                });
            }
        }
    }

    fn requirement(&mut self, key: &str, value: &Value, kind: DependencyKind) -> Requirement {
        match value {
            Value::Table(own) if asks_workspace(own) => {
                let inherited = self.inheritance.dependencies.get(key);
                let base = inherited.unwrap_or(value);
                if let Some(path) = base.get("path").and_then(Value::as_str) {
                    self.inherited_paths.push(path.to_owned());
                }
                let mut requirement = plain(key, base, kind);
                // A member adds features and may turn default features on, never off.
                requirement.features.extend(texts(own.get("features")));
                requirement.default_features |= default_features(own) == Some(true);
                requirement.optional = flag(own, "optional");
                requirement
            }
            _ => {
                if let Some(path) = value.get("path").and_then(Value::as_str) {
                    self.own_paths.push(path.to_owned());
                }
                plain(key, value, kind)
            }
        }
    }
}

/// A requirement as one table or one text states it.
fn plain(key: &str, value: &Value, kind: DependencyKind) -> Requirement {
    let nothing = Table::new();
    let table = value.as_table().unwrap_or(&nothing);
    let text = |name| table.get(name).and_then(Value::as_str);
    Requirement {
        key: key.to_owned(),
        package: text("package").unwrap_or(key).to_owned(),
        version: value
            .as_str()
            .or_else(|| text("version"))
            .unwrap_or("*")
            .to_owned(),
        kind,
        target: None,
        optional: flag(table, "optional"),
        peer: false,
        default_features: default_features(table).unwrap_or(true),
        place: None,
        features: texts(table.get("features")),
    }
}

fn flag(table: &Table, name: &str) -> bool {
    table.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn default_features(table: &Table) -> Option<bool> {
    table
        .get("default-features")
        .or_else(|| table.get("default_features"))
        .and_then(Value::as_bool)
}
