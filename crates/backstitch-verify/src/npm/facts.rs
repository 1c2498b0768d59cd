//! Owns what the registry says of one release, as `npm view` prints it, and the entry that a
//! lockfile holds of it. Asks nobody.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::json::{Object, write_value};

/// What is asked of a release.
pub(super) const FIELDS: [&str; 14] = [
    "version",
    "dist",
    "dependencies",
    "optionalDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "bin",
    "engines",
    "os",
    "cpu",
    "license",
    "funding",
    "deprecated",
    "scripts",
];

/// The fields of an entry that say what a package is, after the scalar ones; in npm's order.
const OBJECTS: [&str; 8] = [
    "dependencies",
    "bin",
    "cpu",
    "engines",
    "optionalDependencies",
    "os",
    "peerDependencies",
    "peerDependenciesMeta",
];

/// The fields of an entry that say how it came to be installed: the release has no say in them.
const OF_THE_TREE: [&str; 6] = [
    "dev",
    "devOptional",
    "extraneous",
    "inBundle",
    "optional",
    "peer",
];

/// The fields that older versions of npm left out.
const OF_LATER_NPM: [&str; 3] = ["license", "deprecated", "funding"];

/// The scripts that an installation runs.
const INSTALL_SCRIPTS: [&str; 3] = ["preinstall", "install", "postinstall"];

/// What the registry says of one release.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    about: Map<String, Value>,
    pub(super) version: String,
    pub(super) integrity: String,
    tarball: String,
}

impl Facts {
    /// Reads what `npm view … --json` printed, with npm's warnings around it.
    pub(super) fn parse(printed: &str, wanted: &str) -> Result<Self, String> {
        let start = printed.find('{');
        let end = printed.rfind('}');
        let json = start
            .zip(end)
            .and_then(|(start, end)| printed.get(start..=end))
            .ok_or("npm told nothing of it")?;
        let about: Map<String, Value> = serde_json::from_str(json)
            .map_err(|error| format!("what npm told of it is no JSON: {error}"))?;
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let version = text(about.get("version")).unwrap_or_default();
        if version != wanted {
            return Err(format!("npm told of {} instead", version.escape_debug()));
        }
        let dist = about.get("dist");
        let of_dist = |name| text(dist.and_then(|dist| dist.get(name)));
        Ok(Self {
            version,
            integrity: of_dist("integrity").ok_or("the registry gives no checksum of it")?,
            tarball: of_dist("tarball").ok_or("the registry gives no address of it")?,
            about,
        })
    }

    /// The names and ranges in a section of what it depends on. What is optional stands among
    /// the plain ones too, and counts once.
    pub(super) fn section(&self, name: &str) -> BTreeMap<String, String> {
        let entries = self.object(name);
        let entries = entries.iter().filter_map(Value::as_object).flatten();
        entries
            .filter_map(|(name, range)| Some((name.clone(), range.as_str()?.to_owned())))
            .collect()
    }

    /// The older checksum of its archive.
    pub(super) fn sha1(&self) -> Option<&str> {
        self.about.get("dist")?.get("shasum")?.as_str()
    }

    /// The names and ranges of what it depends on, as old lockfiles list them.
    pub(super) fn requires(&self) -> Map<String, Value> {
        let mut requires = Map::new();
        for section in ["dependencies", "optionalDependencies"] {
            let entries = self.about.get(section).and_then(Value::as_object);
            requires.extend(
                entries
                    .into_iter()
                    .flatten()
                    .map(|(k, v)| (k.clone(), v.clone())),
            );
        }
        requires
    }

    /// The entry for this release in place of `old`, of the version `from`, which stands `level`
    /// deep.
    pub(super) fn entry(&self, old: &Object, from: &str, level: usize, indent: &str) -> Object {
        let quoted = |text: &str| Value::from(text).to_string();
        let mut entry = Object::default();
        if let Some(name) = old.get("name") {
            entry.set("name", name.to_owned());
        }
        entry.set("version", quoted(&self.version));
        if let Some(address) = self.address(old, from) {
            entry.set("resolved", quoted(&address));
        }
        entry.set("integrity", quoted(&self.integrity));
        let mut scalars: Vec<(&str, String)> = OF_THE_TREE
            .iter()
            .filter_map(|name| Some((*name, old.get(name)?.to_owned())))
            .collect();
        if self.has_install_script() {
            scalars.push(("hasInstallScript", "true".to_owned()));
        }
        let has_later = OF_LATER_NPM.iter().any(|name| old.get(name).is_some());
        for name in OF_LATER_NPM.iter().filter(|_| has_later) {
            if let Some(value) = self.about.get(*name).filter(|value| value.is_string()) {
                scalars.push((name, value.to_string()));
            }
        }
        scalars.sort();
        for (name, text) in scalars {
            entry.set(name, text);
        }
        for name in OBJECTS {
            if let Some(value) = self.object(name) {
                entry.set(name, write_value(&value, level + 1, indent));
            }
        }
        entry
    }

    /// A field that is an object or a list with something in it.
    fn object(&self, name: &str) -> Option<Value> {
        let value = self.about.get(name)?;
        let value = match (name, value) {
            // What is optional stands among the plain ones too, but not in a lockfile.
            ("dependencies", Value::Object(all)) => {
                let optional = self.about.get("optionalDependencies");
                let is_optional = |key: &str| optional.is_some_and(|it| it.get(key).is_some());
                let plain = all.iter().filter(|(key, _)| !is_optional(key));
                Value::Object(plain.map(|(k, v)| (k.clone(), v.clone())).collect())
            }
            ("bin", Value::Object(all)) => {
                let bare = |path: &Value| match path.as_str() {
                    Some(path) => Value::from(path.trim_start_matches("./")),
                    None => path.clone(),
                };
                Value::Object(all.iter().map(|(k, v)| (k.clone(), bare(v))).collect())
            }
            ("os" | "cpu", Value::String(_)) => Value::Array(vec![value.clone()]),
            (_, value) => value.clone(),
        };
        let is_something = match &value {
            Value::Object(entries) => !entries.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        };
        is_something.then_some(value)
    }

    fn has_install_script(&self) -> bool {
        let scripts = self.about.get("scripts");
        let has = |name: &&str| scripts.is_some_and(|scripts| scripts.get(*name).is_some());
        INSTALL_SCRIPTS.iter().any(has)
    }

    /// The address in the manner of the old entry: none where it has none, and at the same
    /// server where the registry names its archives as all do.
    pub(super) fn address(&self, old: &Object, from: &str) -> Option<String> {
        let before = old.text("resolved")?;
        let renamed = before
            .strip_suffix(&format!("-{from}.tgz"))
            .map(|start| format!("{start}-{}.tgz", self.version));
        let same_end =
            |address: &String| address.rsplit('/').next() == self.tarball.rsplit('/').next();
        Some(
            renamed
                .filter(same_end)
                .unwrap_or_else(|| self.tarball.clone()),
        )
    }
}
