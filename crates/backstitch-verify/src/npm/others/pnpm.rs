//! Owns what is read of a `pnpm-lock.yaml`, versions 6 to 9
//! (<https://github.com/pnpm/spec/tree/master/lockfile>), and the requirements and overrides by
//! which pnpm itself moves one release to another. Runs nothing.

use std::collections::BTreeSet;

use backstitch_model::package::PackageVersion;
use serde_json::{Map, Value};

use super::yaml::{self, Words};

/// The sections of what a package or a project asks for.
pub(super) const SECTIONS: [&str; 3] = ["dependencies", "optionalDependencies", "devDependencies"];

/// A lockfile, as far as it is looked at.
pub(super) struct Lock {
    pub(super) document: Value,
}

/// What makes pnpm choose a release wherever another was chosen.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pins {
    /// Overrides of what packages ask for: `parent@1.0.0>name`, and the requirement.
    pub(super) overrides: Vec<(String, String)>,
    /// What the project's own packages ask for: the folder, the name there, the requirement.
    pub(super) requirements: Vec<(String, String, String)>,
}

impl Lock {
    /// Reads a lockfile's text; the error is a sentence's end.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let document = yaml::parse(text, Words::Texts)?;
        let lock = Self { document };
        match lock.version().split('.').next() {
            Some("6" | "9") => Ok(lock),
            Some(_) | None => Err(format!(
                "its version is `{}`, and only 6 and 9 are known: `pnpm install` of a later pnpm \
                 writes one",
                lock.version().escape_debug()
            )),
        }
    }

    /// The version of its format.
    pub(super) fn version(&self) -> &str {
        self.document["lockfileVersion"].as_str().unwrap_or("")
    }

    /// What was installed, with what that depends on: the keys without their peers.
    fn installed(&self) -> impl Iterator<Item = (&str, &Value)> {
        // Version 9 keeps what a release is apart from how it was installed.
        let snapshots = self.document["snapshots"].as_object();
        let all = snapshots.or_else(|| self.document["packages"].as_object());
        let all = all.into_iter().flatten();
        all.map(|(key, about)| (bare(key), about))
    }

    /// Is this release locked?
    pub(super) fn holds(&self, name: &str, version: &str) -> bool {
        let key = format!("{name}@{version}");
        self.installed().any(|(installed, _)| installed == key)
    }

    /// What has to be asked for so that `to` is chosen wherever `package` was.
    pub(super) fn pins(&self, package: &PackageVersion, to: &str) -> Pins {
        let mut overrides = BTreeSet::new();
        for (key, about) in self.installed() {
            for section in SECTIONS {
                for (alias, at) in about[section].as_object().into_iter().flatten() {
                    let at = at.as_str().unwrap_or_default();
                    if let Some(wanted) = wanted(alias, at, package, to) {
                        overrides.insert((format!("{key}>{alias}"), wanted));
                    }
                }
            }
        }
        let mut pins = Pins {
            overrides: overrides.into_iter().collect(),
            requirements: Vec::new(),
        };
        // A project of one package has no section of importers in version 6.
        let importers = self.document["importers"].as_object();
        match importers {
            Some(importers) => {
                for (folder, about) in importers {
                    pins.require(folder, about, package, to);
                }
            }
            None => pins.require(".", &self.document, package, to),
        }
        pins
    }
}

impl Pins {
    fn require(&mut self, folder: &str, about: &Value, package: &PackageVersion, to: &str) {
        for section in SECTIONS {
            for (alias, one) in about[section].as_object().into_iter().flatten() {
                let at = one["version"].as_str().unwrap_or_default();
                if let Some(wanted) = wanted(alias, at, package, to) {
                    self.requirements
                        .push((folder.to_owned(), alias.clone(), wanted));
                }
            }
        }
    }

    /// The manifest of a folder with what it is to ask for.
    pub(super) fn manifest(&self, folder: &str, manifest: &mut Value) {
        for (of, alias, wanted) in &self.requirements {
            for section in SECTIONS.iter().filter(|_| of == folder) {
                let place = manifest.get_mut(section).and_then(|all| all.get_mut(alias));
                if let Some(place) = place {
                    *place = Value::from(wanted.as_str());
                }
            }
        }
    }

    /// Puts the overrides into an object of those, made where it is missing.
    pub(super) fn add_overrides(&self, settings: &mut Map<String, Value>) {
        let overrides = settings
            .entry("overrides")
            .or_insert_with(|| Value::Object(Map::new()));
        if let Some(overrides) = overrides.as_object_mut() {
            for (selector, wanted) in &self.overrides {
                overrides.insert(selector.clone(), Value::from(wanted.as_str()));
            }
        }
    }
}

/// The requirement that chooses `to` where a dependency is locked at `package`; an alias names the
/// package too.
fn wanted(alias: &str, at: &str, package: &PackageVersion, to: &str) -> Option<String> {
    let at = bare(at);
    if alias == package.name && at == package.version {
        return Some(to.to_owned());
    }
    let (name, version) = at.rsplit_once('@').filter(|(name, _)| !name.is_empty())?;
    (name == package.name && version == package.version).then(|| format!("npm:{name}@{to}"))
}

/// A key without its peers, and without the slash that version 6 begins it with.
fn bare(key: &str) -> &str {
    let key = key.strip_prefix('/').unwrap_or(key);
    key.split('(').next().unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use backstitch_model::package::Ecosystem;
    use serde_json::json;

    use super::*;

    const LOCK: &str = "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      x:\n        \
        specifier: ^1\n        version: 1.0.0(p@2.0.0)\n  packages/one:\n    devDependencies:\n      \
        nick:\n        specifier: npm:x@^1\n        version: x@1.0.0\n      y:\n        specifier: '*'\n        \
        version: link:../y\nsnapshots:\n  '@s/a@1.2.3(x@1.0.0)':\n    dependencies:\n      x: 1.0.0(p@2.0.0)\n  \
        b@2.0.0:\n    optionalDependencies:\n      nick: x@1.0.0\n      x: 2.0.0\n  x@1.0.0(p@2.0.0): {}\n  \
        x@2.0.0: {}\n";

    fn x() -> PackageVersion {
        PackageVersion {
            ecosystem: Ecosystem::Npm,
            name: "x".into(),
            version: "1.0.0".into(),
        }
    }

    #[test]
    fn whoever_has_a_release_is_made_to_ask_for_the_other() {
        let lock = Lock::parse(LOCK).unwrap();
        let texts = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        let pins = lock.pins(&x(), "1.0.1");
        assert_eq!(
            pins.overrides,
            [
                texts("@s/a@1.2.3>x", "1.0.1"),
                texts("b@2.0.0>nick", "npm:x@1.0.1")
            ]
        );
        let mut root = json!({"dependencies": {"x": "^1"}});
        pins.manifest(".", &mut root);
        assert_eq!(root, json!({"dependencies": {"x": "1.0.1"}}));
        let mut one = json!({"devDependencies": {"nick": "npm:x@^1", "y": "*"}});
        pins.manifest("packages/one", &mut one);
        assert_eq!(
            one,
            json!({"devDependencies": {"nick": "npm:x@1.0.1", "y": "*"}})
        );
        let mut settings = Map::new();
        pins.add_overrides(&mut settings);
        assert_eq!(settings["overrides"]["@s/a@1.2.3>x"], "1.0.1");
        assert!(lock.holds("x", "2.0.0") && lock.holds("@s/a", "1.2.3"));
        assert!(!lock.holds("x", "1.0.1"));
    }

    #[test]
    fn version_6_is_read_and_older_ones_are_told_of() {
        let old = "lockfileVersion: '6.0'\ndependencies:\n  x:\n    specifier: ^1\n    version: 1.0.0\n\
            packages:\n  /b@2.0.0:\n    dependencies:\n      x: 1.0.0\n  /x@1.0.0: {}\n";
        let pins = Lock::parse(old).unwrap().pins(&x(), "1.0.1");
        assert_eq!(pins.overrides[0].0, "b@2.0.0>x");
        assert_eq!(pins.requirements.len(), 1);
        let error = Lock::parse("lockfileVersion: 5.4\n").err().unwrap();
        assert!(error.contains("`5.4`"), "{error}");
    }
}
