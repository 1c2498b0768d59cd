//! Owns what is read of a `yarn.lock` of yarn 2 and later, which is YAML. Runs nothing.

use backstitch_model::package::PackageVersion;
use serde_json::Value;

use super::origins::range_of;
use super::yaml::{self, Words};

/// A lockfile, as far as it is looked at.
pub(super) struct Lock {
    document: Value,
}

impl Lock {
    /// Reads a lockfile's text; the error is a sentence's end.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let document = yaml::parse(text, Words::Texts)?;
        if document.is_object() || document.is_null() {
            Ok(Self { document })
        } else {
            Err("it holds no entries".to_owned())
        }
    }

    /// The version of its format, where it says.
    pub(super) fn version(&self) -> Option<&str> {
        self.document["__metadata"]["version"].as_str()
    }

    /// What every entry resolves to.
    pub(super) fn resolutions(&self) -> impl Iterator<Item = &str> {
        let entries = self.document.as_object().into_iter().flatten();
        let entries = entries.filter(|(key, _)| *key != "__metadata");
        entries.map(|(_, entry)| entry["resolution"].as_str().unwrap_or_default())
    }

    /// What is asked for where `package` is chosen and `to` may be: all but exact versions. The
    /// error is a sentence's end.
    pub(super) fn askers(&self, package: &PackageVersion, to: &str) -> Result<Vec<&str>, String> {
        let chosen = format!("{}@npm:{}", package.name, package.version);
        let entries = self.document.as_object().into_iter().flatten();
        let entries = entries.filter(|(_, entry)| entry["resolution"] == *chosen);
        let keys: Vec<&str> = entries.flat_map(|(key, _)| key.split(", ")).collect();
        if keys.is_empty() {
            return Err("no entry of it can be replaced".to_owned());
        }
        let name = format!("{}@npm:", package.name);
        if let Some(other) = keys.iter().find(|key| !key.starts_with(&name)) {
            return Err(format!(
                "`{}` asks for it by another name",
                other.escape_debug()
            ));
        }
        let is_exact = |key: &&str| {
            let range = range_of(key).trim_start_matches("npm:");
            semver::Version::parse(range).is_ok() && range != to
        };
        Ok(keys.into_iter().filter(|key| !is_exact(key)).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use backstitch_model::package::Ecosystem;

    use super::*;

    #[test]
    fn whoever_may_get_the_other_release_is_found() {
        let lock = Lock::parse(
            "__metadata:\n  version: 8\n\n\"x@npm:1.0.0, x@npm:^1, x@npm:~1.0.0\":\n  version: 1.0.0\n  \
             resolution: \"x@npm:1.0.0\"\n\n\"nick@npm:y@^1\":\n  version: 1.0.0\n  resolution: \"y@npm:1.0.0\"\n",
        )
        .unwrap();
        let package = |name: &str| PackageVersion {
            ecosystem: Ecosystem::Npm,
            name: name.into(),
            version: "1.0.0".into(),
        };
        assert_eq!(
            lock.askers(&package("x"), "1.0.1").unwrap(),
            ["x@npm:^1", "x@npm:~1.0.0"]
        );
        assert!(lock.askers(&package("y"), "1.0.1").is_err());
        assert!(lock.askers(&package("z"), "1.0.1").is_err());
        assert_eq!(lock.version(), Some("8"));
        assert_eq!(
            lock.resolutions().collect::<BTreeSet<_>>(),
            BTreeSet::from(["x@npm:1.0.0", "y@npm:1.0.0"])
        );
    }
}
