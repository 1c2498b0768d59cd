//! Reads `Pipfile.lock`. It does not say who asks for what, so the project asks for everything.
//! Pure.
//!
//! Format: <https://github.com/pypa/pipfile>, and Pipenv's custom categories.

use std::collections::BTreeMap;

use backstitch_model::project::Source;
use serde_json::{Map, Value};

use super::graph::{Package, Want};
use super::{Read, is_pypi, kind_of_group};
use crate::python::{Marker, normalised};

/// Reads a lockfile's text.
pub(super) fn parse(text: &str) -> Result<Read, String> {
    let all: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| format!("it is no JSON object: {error}"))?;
    let indexes = indexes(all.get("_meta"));
    let mut wants = Vec::new();
    // A package of several groups is one.
    let mut packages = BTreeMap::new();
    for (group, entries) in all.iter().filter(|(name, _)| *name != "_meta") {
        for (name, entry) in entries.as_object().into_iter().flatten() {
            let package = package(name, entry, &indexes);
            wants.push(Want {
                version: Some(package.version.clone()),
                marker: text_of(entry, "markers").map(Marker::parse),
                kind: kind_of_group(group),
                ..Want::of(name)
            });
            let key = (normalised(name), package.version.clone());
            packages.entry(key).or_insert(package);
        }
    }
    Ok(Read {
        root: Some(Package {
            source: Some(Source::Local),
            wants,
            ..Package::default()
        }),
        packages: packages.into_values().collect(),
        problems: Vec::new(),
    })
}

/// The indexes' addresses, by the names that entries use.
fn indexes(meta: Option<&Value>) -> BTreeMap<&str, &str> {
    let sources = meta.and_then(|meta| meta.get("sources")?.as_array());
    let pair = |source| Some((text_of(source, "name")?, text_of(source, "url")?));
    sources.into_iter().flatten().filter_map(pair).collect()
}

fn package(name: &str, entry: &Value, indexes: &BTreeMap<&str, &str>) -> Package {
    let version = text_of(entry, "version").unwrap_or_default();
    let hashes = entry.get("hashes").and_then(Value::as_array);
    let hashes = hashes.into_iter().flatten().filter_map(Value::as_str);
    Package {
        name: name.to_owned(),
        version: version.trim_start_matches('=').trim().to_owned(),
        source: source(entry, indexes),
        hashes: hashes.map(str::to_owned).collect(),
        ..Package::default()
    }
}

fn source(entry: &Value, indexes: &BTreeMap<&str, &str>) -> Option<Source> {
    if let Some(address) = text_of(entry, "git").or_else(|| text_of(entry, "hg")) {
        return Some(Source::Git(address.to_owned()));
    }
    if let Some(place) = text_of(entry, "path").or_else(|| text_of(entry, "file")) {
        let is_address = place.contains("://") && !place.starts_with("file:");
        return Some(if is_address {
            Source::OtherRegistry(place.to_owned())
        } else {
            Source::Local
        });
    }
    let address = indexes.get(text_of(entry, "index")?)?;
    (!is_pypi(address)).then(|| Source::OtherRegistry((*address).to_owned()))
}

fn text_of<'value>(value: &'value Value, key: &str) -> Option<&'value str> {
    value.get(key).and_then(Value::as_str)
}
