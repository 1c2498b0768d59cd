//! Reads a lockfile as the TOML document it is: slower than `lines`, and right for any.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{LockfileError, Raw, RawPackage};

/// The document, which owns the texts that [`Raw`] borrows.
#[derive(Debug, Deserialize)]
pub(super) struct Document {
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

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

#[derive(Debug, Deserialize, Default)]
struct Patch {
    #[serde(default)]
    unused: Vec<Package>,
}

pub(super) fn parse(text: &str) -> Result<Document, LockfileError> {
    toml::from_str(text).map_err(|error| malformed(text, &error))
}

impl Document {
    /// What it says, as the other reader says it.
    pub(super) fn raw(&self) -> Raw<'_> {
        let mut dependencies = Vec::new();
        let packages = self.root.iter().chain(&self.package);
        Raw {
            version: self.version,
            packages: packages
                .map(|package| package.raw(&mut dependencies))
                .collect(),
            dependencies,
            unused_patches: self
                .patch
                .unused
                .iter()
                .map(|package| package.name.as_str())
                .collect(),
            metadata: self
                .metadata
                .iter()
                .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
                .collect(),
        }
    }
}

impl Package {
    fn raw<'text>(&'text self, dependencies: &mut Vec<&'text str>) -> RawPackage<'text> {
        let first = dependencies.len();
        dependencies.extend(self.dependencies.iter().map(String::as_str));
        RawPackage {
            name: &self.name,
            version: &self.version,
            source: self.source.as_deref(),
            checksum: self.checksum.as_deref(),
            dependencies: first..dependencies.len(),
        }
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
