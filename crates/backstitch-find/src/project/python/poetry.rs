//! Reads `poetry.lock`, of Poetry 1 and 2. Pure.
//!
//! Format: Poetry's `packages/locker.py`, lock versions 1.0 to 2.1.

use backstitch_model::project::Source;
use toml::{Table, Value};

use super::graph::{Package, Want};
use super::{Read, is_pypi};
use crate::python::{Marker, normalised};

/// Reads a lockfile's text.
pub(super) fn parse(text: &str) -> Result<Read, String> {
    let table: Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    let metadata = table.get("metadata").and_then(Value::as_table);
    let version = metadata.and_then(|metadata| metadata.get("lock-version")?.as_str());
    if let Some(version) = version
        && !["1", "2"].contains(&version.split('.').next().unwrap_or_default())
    {
        return Err(format!(
            "it has lock version {}, and versions 1 and 2 are understood",
            version.escape_debug()
        ));
    }
    let mut read = Read::default();
    let packages = table.get("package").and_then(Value::as_array);
    for table in packages.into_iter().flatten().filter_map(Value::as_table) {
        match package(table, metadata) {
            Some(package) => read.packages.push(package),
            None => read
                .problems
                .push("it has a package without a name or a version".into()),
        }
    }
    read.problems.dedup();
    Ok(read)
}

fn package(table: &Table, metadata: Option<&Table>) -> Option<Package> {
    let name = text(table, "name")?.to_owned();
    let own = table.get("files");
    // Lock version 1 has the files of all packages in one table at the end.
    let old = metadata.and_then(|metadata| metadata.get("files")?.get(&name));
    let files = own.or(old).and_then(Value::as_array).into_iter().flatten();
    let hashes = files.filter_map(|file| Some(file.get("hash")?.as_str()?.to_owned()));
    Some(Package {
        version: text(table, "version")?.to_owned(),
        source: source(table.get("source").and_then(Value::as_table)),
        hashes: hashes.collect(),
        wants: wants(table),
        marker: marker(table.get("markers")),
        name,
    })
}

fn source(table: Option<&Table>) -> Option<Source> {
    let table = table?;
    let address = text(table, "url").unwrap_or_default();
    match text(table, "type") {
        Some("git" | "hg" | "svn" | "bzr") => Some(Source::Git(address.to_owned())),
        Some("directory" | "file") => Some(Source::Local),
        _ if is_pypi(address) => None,
        _ => Some(Source::OtherRegistry(address.to_owned())),
    }
}

/// A marker, or one for each group; of several the package counts where any holds.
fn marker(value: Option<&Value>) -> Option<Marker> {
    match value? {
        Value::String(text) => Some(Marker::parse(text)),
        Value::Table(groups) => {
            let texts = groups
                .values()
                .map(Value::as_str)
                .collect::<Option<Vec<_>>>()?;
            let texts: Vec<_> = texts.iter().map(|text| format!("({text})")).collect();
            Some(Marker::parse(&texts.join(" or ")))
        }
        _ => None,
    }
}

fn wants(table: &Table) -> Vec<Want> {
    let extras = table.get("extras").and_then(Value::as_table);
    let dependencies = table.get("dependencies").and_then(Value::as_table);
    let mut wants = Vec::new();
    for (name, value) in dependencies.into_iter().flatten() {
        match value {
            Value::Table(table) => wants.push(want(name, table, extras)),
            Value::Array(tables) => {
                let tables = tables.iter().filter_map(Value::as_table);
                wants.extend(tables.map(|table| want(name, table, extras)));
            }
            _ => wants.push(Want::of(name)),
        }
    }
    wants
}

fn want(name: &str, table: &Table, extras: Option<&Table>) -> Want {
    let optional = table.get("optional").and_then(Value::as_bool) == Some(true);
    let marker = text(table, "markers").map(Marker::parse);
    // A marker that names the extra says it better.
    let told = marker.as_ref().is_some_and(Marker::names_extra);
    let asked = table.get("extras").and_then(Value::as_array);
    let asked = asked.into_iter().flatten().filter_map(Value::as_str);
    Want {
        extras: asked.map(str::to_owned).collect(),
        only_for: (optional && !told).then(|| asking(name, extras)),
        marker,
        ..Want::of(name)
    }
}

/// The extras of a package that ask for `name`: `socks = ["PySocks (>=1.5.6)"]`.
fn asking(name: &str, extras: Option<&Table>) -> Vec<String> {
    let name = normalised(name);
    let asks = |wanted: &Value| {
        let mut texts = wanted
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        texts.any(|text| {
            let end = text.find([' ', '[', '(', ';']).unwrap_or(text.len());
            normalised(&text[..end]) == name
        })
    };
    let extras = extras.into_iter().flatten();
    extras
        .filter(|(_, wanted)| asks(wanted))
        .map(|(extra, _)| extra.clone())
        .collect()
}

fn text<'table>(table: &'table Table, key: &str) -> Option<&'table str> {
    table.get(key).and_then(Value::as_str)
}
