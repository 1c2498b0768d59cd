//! Reads `composer.lock`, and of `composer.json` what it requires.
//!
//! Format: <https://getcomposer.org/doc/04-schema.md>.

use std::collections::BTreeMap;

use backstitch_model::names::normalised;
use backstitch_model::package::Ecosystem;
use backstitch_model::project::{DependencyKind, Requirement, Source};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Files, Listed, Listing, manifest, place_of, problem, requirement};

/// The parts of a lockfile and of a manifest, with what they are for.
const PARTS: [(&str, &str, DependencyKind); 2] = [
    ("packages", "require", DependencyKind::Normal),
    ("packages-dev", "require-dev", DependencyKind::Dev),
];

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    packages: Vec<Package>,
    #[serde(default, rename = "packages-dev")]
    packages_dev: Option<Vec<Package>>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    #[serde(default)]
    source: Option<Origin>,
    #[serde(default)]
    dist: Option<Origin>,
    #[serde(default, rename = "notification-url")]
    notification_url: Option<String>,
    /// PHP writes an object without members as a list.
    #[serde(default)]
    require: serde_json::Value,
}

#[derive(Deserialize)]
struct Origin {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    shasum: Option<String>,
    #[serde(default)]
    reference: Option<String>,
}

/// Reads a `composer.lock`.
pub(super) fn read(files: &mut Files<'_>, text: &str) -> Result<Listing, String> {
    let lock: Lock = serde_json::from_str(text)
        .map_err(|error| format!("it is no lockfile of Composer's: {error}"))?;
    let mut listing = Listing::default();
    let mut asked = BTreeMap::new();
    if let Some((path, text)) = files.beside("composer.json") {
        match requirements(&text) {
            Ok(requirements) => {
                let key = |one: &Requirement| (plain(&one.package), one.kind);
                asked.extend(requirements.iter().map(key));
                listing.manifests.push(manifest(&path, text, requirements));
            }
            Err(what) => listing.problems.push(problem(&path, what)),
        }
    }
    let dev = lock.packages_dev.unwrap_or_default();
    for (package, part) in of_part(lock.packages, 0).chain(of_part(dev, 1)) {
        let kind = PARTS[part].2;
        let asked = match asked.get(&plain(&package.name)) {
            Some(asked) => Some(*asked),
            // Without a manifest nobody knows what is asked for.
            None if listing.manifests.is_empty() => Some(kind),
            None => None,
        };
        listing.packages.push(listed(&package, asked));
    }
    Ok(listing)
}

fn of_part(packages: Vec<Package>, part: usize) -> impl Iterator<Item = (Package, usize)> {
    packages.into_iter().map(move |package| (package, part))
}

fn plain(name: &str) -> String {
    normalised(&Ecosystem::Packagist, name).into_owned()
}

fn listed(package: &Package, asked: Option<DependencyKind>) -> Listed {
    let origin = package.dist.as_ref().or(package.source.as_ref());
    let is_path = origin.is_some_and(|origin| origin.kind == "path");
    // Whatever comes from the public registry is counted there.
    let is_public = package
        .notification_url
        .as_ref()
        .is_some_and(|url| url.starts_with("https://packagist.org/"));
    let address = || {
        package
            .source
            .as_ref()
            .or(package.dist.as_ref())
            .map_or_else(String::new, |origin| origin.url.clone())
    };
    let source = match &package.notification_url {
        _ if is_path => Source::Local,
        _ if is_public => Source::PublicRegistry,
        Some(url) => Source::OtherRegistry(url.clone()),
        None => Source::Git(address()),
    };
    let shasum = origin.and_then(|origin| origin.shasum.clone());
    let reference = origin.and_then(|origin| origin.reference.clone());
    let needs = package.require.as_object().into_iter().flatten();
    let needs = needs.map(|(name, _)| name.clone()).collect();
    Listed {
        source,
        checksum: shasum.filter(|sum| !sum.is_empty()).or(reference),
        asked,
        needs,
        ..Listed::new(&package.name, &package.version)
    }
}

/// What a `composer.json` requires, each with its place; what is no package (`php`, `ext-json`)
/// is left out.
fn requirements(text: &str) -> Result<Vec<Requirement>, String> {
    let parts: BTreeMap<String, &RawValue> =
        serde_json::from_str(text).map_err(|error| format!("it is no JSON object: {error}"))?;
    let mut requirements = Vec::new();
    for (_, part, kind) in PARTS {
        let Some(value) = parts.get(part) else {
            continue;
        };
        // An empty list stands for no requirements.
        let required: BTreeMap<String, &RawValue> =
            serde_json::from_str(value.get()).unwrap_or_default();
        for (name, value) in required {
            let Ok(version) = serde_json::from_str::<String>(value.get()) else {
                continue;
            };
            if name.contains('/') {
                // The quotes are not part of it; a text with escapes has no place.
                let inside = value.get().trim_matches('"');
                let place = place_of(text, inside).filter(|_| inside == version);
                requirements.push(requirement((&name, &version), kind, place));
            }
        }
    }
    Ok(requirements)
}
