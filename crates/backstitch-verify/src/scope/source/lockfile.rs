//! Lockfiles: a package of the same name and version must be the same package. Pure. A file in
//! a format that is not known here is told in a note.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::functions::shortened;
use super::objection::{Objection, Sightings};
use super::pair::Pair;

/// A package's name and version, and where it comes from with its digests.
type Packages = BTreeMap<(String, String), (String, String)>;

/// Looks at one lockfile.
pub fn look(pair: &Pair<'_>, seen: &mut Sightings) {
    let Some(after) = &pair.after else {
        let what = "the lockfile is gone".to_owned();
        seen.object(Objection::Lock, pair.whole(), what);
        return;
    };
    let Some(before) = &pair.before else {
        let what = "the lockfile is new".to_owned();
        seen.note(Objection::Lock, pair.whole(), what);
        return;
    };
    let name = pair.path.file_name();
    let (Some(was), Some(is)) = (read(name, before.text), read(name, after.text)) else {
        let what = "the lockfile could not be compared package by package".to_owned();
        seen.note(Objection::Lock, pair.whole(), what);
        return;
    };
    let hosts: BTreeSet<&str> = was.values().map(|(source, _)| host(source)).collect();
    let all_told = was.values().all(|(_, digest)| !digest.is_empty());
    let mut moved = 0_usize;
    for (package, (source, digest)) in &is {
        let called = shortened(&format!("{} {}", package.0, package.1));
        if let Some((old_source, old_digest)) = was.get(package) {
            // Some tools write no place at all; to add one is no other place.
            let other = |old: &str, new: &str| old != new && !old.is_empty();
            if other(old_source, source) || other(old_digest, digest) {
                let what = format!("{called} is another package of the same version");
                seen.object(Objection::Lock, pair.whole(), what);
            }
            continue;
        }
        moved += 1;
        if !hosts.is_empty() && !hosts.contains(host(source)) {
            let what = format!("{called} comes from {}", shortened(source));
            seen.object(Objection::Lock, pair.whole(), what);
        }
        if all_told && digest.is_empty() {
            let what = format!("{called} has no checksum");
            seen.object(Objection::Lock, pair.whole(), what);
        }
    }
    if moved > 0 {
        let what = match moved {
            1 => "one package comes in another version".into(),
            _ => format!("{moved} packages come in another version"),
        };
        seen.note(Objection::Lock, pair.whole(), what);
    }
}

/// What stands before a package's own name in its address.
fn host(source: &str) -> &str {
    let start = source.find("://").map_or(0, |at| at + 3);
    let end = source[start..]
        .find('/')
        .map_or(source.len(), |at| start + at);
    &source[..end]
}

fn read(name: &str, text: &str) -> Option<Packages> {
    let value: Value = match name {
        "package-lock.json" | "npm-shrinkwrap.json" => {
            return npm(&serde_json::from_str(text).ok()?);
        }
        "Cargo.lock" | "poetry.lock" | "uv.lock" | "pdm.lock" => {
            let table: toml::Table = toml::from_str(text).ok()?;
            serde_json::to_value(table).ok()?
        }
        _ => return None,
    };
    let mut packages = Packages::new();
    for package in value.get("package")?.as_array()? {
        let text = |field: &str| {
            package
                .get(field)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let source = package.get("source").map(|source| {
            source
                .as_str()
                .map_or_else(|| source.to_string(), str::to_owned)
        });
        let digest = ["checksum", "sdist", "wheels", "files"]
            .iter()
            .filter_map(|field| package.get(field))
            .map(ToString::to_string)
            .collect();
        // The project's own packages come from nowhere.
        if source.is_some() || name != "Cargo.lock" {
            packages.insert(
                (text("name"), text("version")),
                (source.unwrap_or_default(), digest),
            );
        }
    }
    Some(packages)
}

fn npm(value: &Value) -> Option<Packages> {
    let mut packages = Packages::new();
    for (path, package) in value.get("packages")?.as_object()? {
        let text = |field: &str| {
            package
                .get(field)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        if path.is_empty() || package.get("link").is_some() {
            continue;
        }
        let name = path
            .rsplit("node_modules/")
            .next()
            .unwrap_or(path)
            .to_owned();
        packages.insert(
            (name, text("version")),
            (text("resolved"), text("integrity")),
        );
    }
    Some(packages)
}
