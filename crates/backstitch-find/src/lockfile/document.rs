//! Reads a lockfile as the TOML document it is: slower than `lines`, and right for any.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use super::{LockfileError, Raw, RawPackage};

#[derive(Deserialize)]
struct Document {
    version: Option<i64>,
    #[serde(default)]
    package: Vec<Package>,
    /// Cargo before 1.20 kept the project's own package apart.
    root: Option<Package>,
    #[serde(default)]
    metadata: BTreeMap<String, toml::Value>,
    #[serde(default)]
    patch: Patch,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

#[derive(Deserialize, Default)]
struct Patch {
    #[serde(default)]
    unused: Vec<Package>,
}

pub(super) fn parse(text: &str) -> Result<Raw<'static>, LockfileError> {
    let document: Document = toml::from_str(text).map_err(|error| malformed(text, &error))?;
    let mut dependencies = Vec::new();
    let packages = document.root.into_iter().chain(document.package);
    Ok(Raw {
        version: document.version,
        packages: packages
            .map(|package| convert(package, &mut dependencies))
            .collect(),
        dependencies,
        unused_patches: document
            .patch
            .unused
            .into_iter()
            .map(|package| Cow::Owned(package.name))
            .collect(),
        metadata: document
            .metadata
            .into_iter()
            .filter_map(|(key, value)| match value {
                toml::Value::String(text) => Some((Cow::Owned(key), Cow::Owned(text))),
                _ => None,
            })
            .collect(),
    })
}

fn convert(package: Package, dependencies: &mut Vec<Cow<'static, str>>) -> RawPackage<'static> {
    let first = dependencies.len();
    dependencies.extend(package.dependencies.into_iter().map(Cow::Owned));
    RawPackage {
        name: Cow::Owned(package.name),
        version: Cow::Owned(package.version),
        source: package.source.map(Cow::Owned),
        checksum: package.checksum.map(Cow::Owned),
        dependencies: first..dependencies.len(),
    }
}

fn malformed(text: &str, error: &toml::de::Error) -> LockfileError {
    let line = error
        .span()
        .and_then(|span| text.get(..span.start))
        .map(|before| before.matches('\n').count() + 1);
    LockfileError::Malformed(match line {
        Some(line) => format!("line {line}: {}", error.message()),
        None => error.message().to_owned(),
    })
}
