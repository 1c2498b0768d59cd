//! Reads `uv.lock`. Pure.
//!
//! Format: uv's `crates/uv-resolver/src/lock`, version 1.

use std::collections::BTreeSet;

use backstitch_model::project::{DependencyKind, Source};
use toml::{Table, Value};

use super::graph::{Package, Want};
use super::{Read, is_pypi};
use crate::python::Marker;

/// The latest format version that is understood.
const VERSION_MAX: i64 = 1;

/// Reads a lockfile's text.
pub(super) fn parse(text: &str) -> Result<Read, String> {
    let table: Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    let version = table
        .get("version")
        .and_then(Value::as_integer)
        .unwrap_or(1);
    if version > VERSION_MAX {
        return Err(format!(
            "it has format version {version}, and version {VERSION_MAX} is understood"
        ));
    }
    let mut read = Read::default();
    let mut own = Vec::new();
    let packages = table.get("package").and_then(Value::as_array);
    for table in packages.into_iter().flatten().filter_map(Value::as_table) {
        let Some(package) = package(table) else {
            read.problems.push("it has a package without a name".into());
            continue;
        };
        match package.source {
            Some(Source::Local) => own.push((is_root(table), package)),
            _ => read.packages.push(package),
        }
    }
    read.problems.dedup();
    // Members of a workspace lie below the root, and are the project's own as well.
    own.sort_by_key(|(is_root, _)| !is_root);
    let mut own = own.into_iter().map(|(_, package)| package);
    read.root = own.next();
    read.packages.splice(0..0, own);
    Ok(read)
}

fn is_root(table: &Table) -> bool {
    let place = |key: &str| table.get("source")?.get(key)?.as_str();
    place("editable").or_else(|| place("virtual")) == Some(".")
}

fn package(table: &Table) -> Option<Package> {
    let name = table.get("name")?.as_str()?.to_owned();
    let version = table.get("version").and_then(Value::as_str);
    let mut wants = Vec::new();
    collect(&mut wants, table.get("dependencies"), |want| want);
    for (extra, wanted) in tables(table, "optional-dependencies") {
        collect(&mut wants, Some(wanted), |want| Want {
            only_for: Some(vec![extra.clone()]),
            ..want
        });
    }
    for (_, wanted) in tables(table, "dev-dependencies") {
        collect(&mut wants, Some(wanted), |want| Want {
            kind: DependencyKind::Dev,
            ..want
        });
    }
    Some(Package {
        name,
        version: version.unwrap_or_default().to_owned(),
        source: source(table.get("source").and_then(Value::as_table)),
        hashes: hashes(table),
        wants,
        marker: markers(table),
    })
}

fn tables<'table>(
    table: &'table Table,
    key: &str,
) -> impl Iterator<Item = (&'table String, &'table Value)> {
    let found = table.get(key).and_then(Value::as_table);
    found.into_iter().flatten()
}

fn collect(wants: &mut Vec<Want>, list: Option<&Value>, mark: impl Fn(Want) -> Want) {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    wants.extend(items.filter_map(Value::as_table).filter_map(|item| {
        let text = |key: &str| item.get(key).and_then(Value::as_str);
        let extras = item.get("extra").and_then(Value::as_array);
        let extras = extras.into_iter().flatten().filter_map(Value::as_str);
        Some(mark(Want {
            version: text("version").map(str::to_owned),
            extras: extras.map(str::to_owned).collect(),
            marker: text("marker").map(Marker::parse),
            ..Want::of(text("name")?)
        }))
    }));
}

fn source(table: Option<&Table>) -> Option<Source> {
    let table = table?;
    let text = |key: &str| table.get(key).and_then(Value::as_str);
    if let Some(address) = text("registry") {
        return (!is_pypi(address)).then(|| Source::OtherRegistry(address.to_owned()));
    }
    if let Some(address) = text("git") {
        return Some(Source::Git(address.to_owned()));
    }
    if let Some(address) = text("url") {
        return Some(Source::OtherRegistry(address.to_owned()));
    }
    // Editable, virtual, a directory or a file.
    Some(Source::Local)
}

fn hashes(table: &Table) -> BTreeSet<String> {
    let wheels = table.get("wheels").and_then(Value::as_array);
    let files = table
        .get("sdist")
        .into_iter()
        .chain(wheels.into_iter().flatten());
    files
        .filter_map(|file| Some(file.get("hash")?.as_str()?.to_owned()))
        .collect()
}

/// Where several versions of a package are locked, each says for which environments.
fn markers(table: &Table) -> Option<Marker> {
    let markers = table.get("resolution-markers")?.as_array()?;
    let markers: Option<Vec<_>> = markers.iter().map(Value::as_str).collect();
    let markers: Vec<_> = markers?.iter().map(|text| format!("({text})")).collect();
    (!markers.is_empty()).then(|| Marker::parse(&markers.join(" or ")))
}
