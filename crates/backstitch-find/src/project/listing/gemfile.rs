//! Reads `Gemfile.lock`, and of a `Gemfile` the versions that it pins. Runs nothing: a
//! `Gemfile` is a program, of which plain lines are read and no others.
//!
//! Format: <https://bundler.io/guides/rationale.html>; sections in capitals, two blanks more
//! for each level below.

use std::collections::{BTreeMap, BTreeSet};

use backstitch_model::RelPath;
use backstitch_model::project::{DependencyKind, Requirement, Source};

use super::{Files, Listed, Listing, manifest, place_of, requirement};

/// The addresses of the public registry.
const PUBLIC: [&str; 4] = [
    "https://rubygems.org/",
    "http://rubygems.org/",
    "https://rubygems.org",
    "http://rubygems.org",
];

/// Reads a `Gemfile.lock`.
pub(super) fn read(
    files: &mut Files<'_>,
    lockfile: &RelPath,
    text: String,
) -> Result<Listing, String> {
    let mut reader = Reader::default();
    text.lines().for_each(|line| reader.line(line));
    if !reader.has_specs {
        return Err("it has no section with `specs`, as Bundler writes it".to_owned());
    }
    let asked = &reader.asked;
    let checksums = &reader.checksums;
    let packages = reader.packages.into_values().map(|package| Listed {
        asked: asked
            .contains_key(&package.name)
            .then_some(DependencyKind::Normal),
        checksum: checksums
            .get(&(package.name.clone(), package.version.clone()))
            .map(|sums| sums.iter().cloned().collect::<Vec<_>>().join(" ")),
        ..package
    });
    let mut listing = Listing {
        packages: packages.collect(),
        ..Listing::default()
    };
    let requirements = asked.iter().map(|(name, version)| {
        // Without a place: the `Gemfile` says it, and Bundler copies it here.
        requirement((name, version), DependencyKind::Normal, None)
    });
    listing
        .manifests
        .push(manifest(lockfile, text, requirements.collect()));
    let gemfile = files.beside("Gemfile");
    listing.manifests.extend(gemfile.map(|(path, text)| {
        let pinned = pinned(&text);
        manifest(&path, text, pinned)
    }));
    Ok(listing)
}

#[derive(Default)]
struct Reader {
    section: String,
    source: Option<Source>,
    has_specs: bool,
    in_specs: bool,
    /// By name and version: a gem for several platforms is one.
    packages: BTreeMap<(String, String), Listed>,
    last: Option<(String, String)>,
    asked: BTreeMap<String, String>,
    checksums: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Reader {
    fn line(&mut self, line: &str) {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let said = line.trim();
        if said.is_empty() {
            return;
        }
        match (indent, self.section.as_str()) {
            (0, _) => {
                said.clone_into(&mut self.section);
                self.in_specs = false;
                self.source = match said {
                    "GIT" => Some(Source::Git(String::new())),
                    "PATH" => Some(Source::Local),
                    "PLUGIN SOURCE" => Some(Source::OtherRegistry(said.to_owned())),
                    _ => None,
                };
            }
            (2, "GEM" | "GIT" | "PATH" | "PLUGIN SOURCE") => self.about_source(said),
            (4, _) if self.in_specs => self.spec(said),
            (6, _) if self.in_specs => self.need(said),
            (2, "DEPENDENCIES") => {
                let (name, versions) = named(said.trim_end_matches('!'));
                let versions = versions.unwrap_or(">= 0").to_owned();
                self.asked.insert(name.to_owned(), versions);
            }
            (2, "CHECKSUMS") => self.checksum(said),
            (_, _) => {}
        }
    }

    fn about_source(&mut self, said: &str) {
        if said == "specs:" {
            self.in_specs = true;
            self.has_specs = true;
            return;
        }
        let Some(address) = said.strip_prefix("remote:").map(str::trim) else {
            return;
        };
        match &mut self.source {
            Some(Source::Git(known)) => address.clone_into(known),
            None | Some(Source::OtherRegistry(_)) if !PUBLIC.contains(&address) => {
                self.source = Some(Source::OtherRegistry(address.to_owned()));
            }
            // Of several remotes of one section the first may be the public one: nobody can
            // tell which gem is from which, so they count as the other's.
            Some(Source::Local | Source::PublicRegistry | Source::OtherRegistry(_)) | None => {}
        }
    }

    /// `name (1.2.3)` or `name (1.2.3-x86_64-linux)`.
    fn spec(&mut self, said: &str) {
        let (name, Some(version)) = named(said) else {
            return;
        };
        let version = without_platform(version);
        let key = (name.to_owned(), version.to_owned());
        self.packages.entry(key.clone()).or_insert_with(|| Listed {
            source: self.source.clone().unwrap_or(Source::PublicRegistry),
            ..Listed::new(name, version)
        });
        self.last = Some(key);
    }

    fn need(&mut self, said: &str) {
        let package = self
            .last
            .as_ref()
            .and_then(|key| self.packages.get_mut(key));
        if let Some(package) = package {
            package.needs.push(named(said).0.to_owned());
        }
    }

    /// `name (1.2.3) sha256=…`.
    fn checksum(&mut self, said: &str) {
        let Some((spec, sums)) = said.split_once(") ") else {
            return;
        };
        if let Some((name, version)) = spec.split_once(" (") {
            let key = (name.to_owned(), without_platform(version).to_owned());
            self.checksums
                .entry(key)
                .or_default()
                .insert(sums.to_owned());
        }
    }
}

/// `name (versions)`, the brackets left out; they may be missing.
fn named(said: &str) -> (&str, Option<&str>) {
    match said.split_once(" (") {
        Some((name, rest)) => (name, Some(rest.trim_end_matches(')'))),
        None => (said, None),
    }
}

/// Bundler writes a version without dashes, so what follows one is a platform.
fn without_platform(version: &str) -> &str {
    version.split('-').next().unwrap_or(version)
}

/// What plain lines of a `Gemfile` pin: `gem "name", "1.2.3"`, with one requirement.
fn pinned(text: &str) -> Vec<Requirement> {
    let pins = text.lines().filter_map(|line| {
        let rest = line.trim_start().strip_prefix("gem")?;
        let rest = rest.trim_start_matches([' ', '(']);
        let (name, rest) = quoted(rest)?;
        let (versions, rest) = quoted(rest.trim_start().strip_prefix(',')?.trim_start())?;
        // A second requirement, or an option: only what stands alone is replaced alone.
        let next = rest.trim_start().strip_prefix(',').unwrap_or_default();
        if next.trim_start().starts_with(['"', '\'']) {
            return None;
        }
        let place = place_of(text, versions);
        Some(requirement((name, versions), DependencyKind::Normal, place))
    });
    pins.collect()
}

/// A quoted text without escapes or code in it, and what follows.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (inside, rest) = text[1..].split_once(quote)?;
    (!inside.contains(['\\', '#'])).then_some((inside, rest))
}
