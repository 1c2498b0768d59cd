//! Owns what is read of a lockfile before and after its tool wrote it: its form, and what it
//! locks. Pure.

use std::collections::BTreeSet;

use backstitch_model::names::normalised;
use backstitch_model::package::Ecosystem;
use serde_json::Value as Json;
use toml::{Table, Value};

use super::tool::Kind;

/// How many packages are looked at.
const PACKAGES_MAX: usize = 50_000;

/// A lockfile, as far as it is looked at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lock {
    /// The version of its form; another one is written in every line.
    pub(super) form: String,
    /// Names as the index compares them, with their versions.
    locked: BTreeSet<(String, String)>,
}

impl Lock {
    /// Reads a lockfile's text; the error is a sentence's end.
    pub(super) fn parse(kind: Kind, text: &str) -> Result<Self, String> {
        match kind {
            Kind::Uv => Self::uv(&table(text)?),
            Kind::Poetry => Self::poetry(&table(text)?),
            Kind::Pipenv => {
                Self::pipenv(&serde_json::from_str(text).map_err(|error| error.to_string())?)
            }
        }
    }

    /// Is a release of a package locked?
    pub(super) fn holds(&self, name: &str, version: &str) -> bool {
        let one = (plain(name), version.to_owned());
        self.locked.contains(&one)
    }

    /// The versions of a package, in words.
    pub(super) fn versions(&self, name: &str) -> String {
        let name = plain(name);
        let found = self.locked.iter().filter(|(known, _)| *known == name);
        let found: Vec<_> = found.map(|(_, version)| version.as_str()).collect();
        found.join(", ")
    }

    fn uv(lock: &Table) -> Result<Self, String> {
        let number = |key: &str| lock.get(key).and_then(Value::as_integer).unwrap_or(0);
        Ok(Self {
            form: format!("{}.{}", number("version"), number("revision")),
            locked: of_packages(lock)?,
        })
    }

    fn poetry(lock: &Table) -> Result<Self, String> {
        let form = lock
            .get("metadata")
            .and_then(|about| about.get("lock-version"));
        Ok(Self {
            form: form.and_then(Value::as_str).unwrap_or_default().to_owned(),
            locked: of_packages(lock)?,
        })
    }

    fn pipenv(lock: &Json) -> Result<Self, String> {
        let groups = lock.as_object().ok_or("it holds no groups")?;
        let mut locked = BTreeSet::new();
        for (_, group) in groups.iter().filter(|(name, _)| *name != "_meta") {
            for (name, entry) in group.as_object().into_iter().flatten() {
                let version = entry.get("version").and_then(Json::as_str);
                let version = version.map(|version| version.trim_start_matches('='));
                locked.extend(version.map(|version| (plain(name), version.to_owned())));
                if locked.len() > PACKAGES_MAX {
                    return Err("it locks too many packages".to_owned());
                }
            }
        }
        Ok(Self {
            form: lock["_meta"]["pipfile-spec"].to_string(),
            locked,
        })
    }
}

fn table(text: &str) -> Result<Table, String> {
    toml::from_str(text).map_err(|error| error.message().to_owned())
}

fn of_packages(lock: &Table) -> Result<BTreeSet<(String, String)>, String> {
    let packages = lock.get("package").and_then(Value::as_array);
    let packages = packages.map(Vec::as_slice).unwrap_or_default();
    if packages.len() > PACKAGES_MAX {
        return Err("it locks too many packages".to_owned());
    }
    let text = |package: &Value, key: &str| Some(package.get(key)?.as_str()?.to_owned());
    let ids = packages
        .iter()
        .filter_map(|package| Some((plain(&text(package, "name")?), text(package, "version")?)));
    Ok(ids.collect())
}

/// A name as the index compares it.
pub(super) fn plain(name: &str) -> String {
    normalised(&Ecosystem::PyPi, name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_told_apart_and_what_is_locked_is_found() {
        let uv = "version = 1\nrevision = 3\n[[package]]\nname = \"a-b\"\nversion = \"1.0\"\n";
        let poetry =
            "[[package]]\nname = \"A_b\"\nversion = \"1.0\"\n[metadata]\nlock-version = \"2.1\"\n";
        let pipenv = r#"{"_meta": {"pipfile-spec": 6}, "default": {"a.b": {"version": "==1.0"}}}"#;
        for (kind, text, form) in [
            (Kind::Uv, uv, "1.3"),
            (Kind::Poetry, poetry, "2.1"),
            (Kind::Pipenv, pipenv, "6"),
        ] {
            let lock = Lock::parse(kind, text).unwrap();
            assert_eq!(lock.form, form);
            assert!(lock.holds("a-b", "1.0") && !lock.holds("a-b", "1.1"));
            assert_eq!(lock.versions("A.B"), "1.0");
            assert!(Lock::parse(kind, "{[").is_err());
        }
    }
}
