//! Reads a `pnpm-lock.yaml`, versions 5 to 9
//! (<https://github.com/pnpm/spec/tree/master/lockfile>).
//!
//! A package's key is its name, its version and the peers that it was given; up to version
//! 6 with a slash before, in version 5 with slashes between. What depends on it writes the
//! whole key or only the part behind the name.

use std::collections::BTreeMap;

use backstitch_model::project::Installation;

use super::gather::{Entry, Gathering};
use super::source::{Origin, split_at_version};
use super::yaml::Yaml;
use super::{ENTRIES_MAX, Linked, LockError, Own};
use crate::lockfile::{Problems, quote};

/// The sections of what a package or a project asks for.
const SECTIONS: [&str; 3] = ["dependencies", "optionalDependencies", "devDependencies"];

/// What a dependency on a folder begins with.
const LINK: &str = "link:";

/// A lockfile as it is written.
#[derive(Debug)]
pub(crate) struct PnpmLock {
    /// What each of the project's own packages asks for, by its folder.
    importers: BTreeMap<String, Vec<Asked>>,
    packages: BTreeMap<String, Locked>,
    problems: Problems,
}

/// A dependency's name and what it is locked at.
#[derive(Debug)]
struct Asked {
    name: String,
    at: String,
}

#[derive(Debug)]
struct Locked {
    entry: Entry,
    asks: Vec<Asked>,
}

impl PnpmLock {
    pub(super) fn parse(text: &str) -> Result<Self, LockError> {
        let document = Yaml::parse(text)?;
        let version = document.text("lockfileVersion").unwrap_or("");
        let major = version.split('.').next().and_then(|major| {
            let major: u32 = major.parse().ok()?;
            (5..=9).contains(&major).then_some(major)
        });
        if major.is_none() {
            return Err(LockError::OtherVersion(quote(version), "versions 5 to 9"));
        }
        let mut lock = Self {
            importers: importers(&document),
            packages: BTreeMap::new(),
            problems: Problems::default(),
        };
        let about: BTreeMap<&str, &Yaml<'_>> = document
            .section("packages")
            .iter()
            .map(|(key, value)| (key.as_ref(), value))
            .collect();
        let snapshots = document.section("snapshots");
        if about.len().max(snapshots.len()) > ENTRIES_MAX {
            return Err(LockError::TooMany);
        }
        if snapshots.is_empty() {
            for (key, package) in &about {
                lock.take(key, package, package);
            }
        }
        // Version 9 keeps what a release is apart from how it was installed.
        for (key, snapshot) in snapshots {
            let package = about.get(without_peers(key)).copied();
            lock.take(key, package.unwrap_or(snapshot), snapshot);
        }
        Ok(lock)
    }

    fn take(&mut self, key: &str, package: &Yaml<'_>, snapshot: &Yaml<'_>) {
        let Some((name, version)) = identity(key, package) else {
            let what = || format!("package `{}` has no name and version", quote(key));
            return self.problems.tell(what);
        };
        let resolution = package.get("resolution");
        let entry = Entry {
            name,
            version,
            origin: resolution.map_or(Origin::Unsaid, origin),
            checksum: resolution
                .and_then(|resolution| resolution.text("integrity"))
                .map(str::to_owned),
            installation: Installation {
                os: package.texts("os"),
                cpu: package.texts("cpu"),
                bundled: false,
            },
        };
        let asks = asked(snapshot);
        self.packages.insert(key.to_owned(), Locked { entry, asks });
    }

    pub(super) fn folders(&self) -> Vec<&str> {
        self.importers.keys().map(String::as_str).collect()
    }

    pub(super) fn link(&self, own: &[Own]) -> Linked {
        let mut gathering = Gathering::new(&self.problems);
        let own: BTreeMap<&str, usize> = own
            .iter()
            .map(|package| {
                let node = gathering.add_own(package, None);
                (package.folder.as_str(), node)
            })
            .collect();
        let nodes: BTreeMap<&str, usize> = self
            .packages
            .iter()
            .map(|(key, locked)| (key.as_str(), gathering.add(locked.entry.clone())))
            .collect();
        for (folder, asks) in &self.importers {
            let Some(&from) = own.get(folder.as_str()) else {
                continue;
            };
            for asked in asks {
                let to = match asked.at.strip_prefix(LINK) {
                    Some(path) => below(folder, path).and_then(|path| own.get(path.as_str())),
                    None => find(&nodes, asked),
                };
                depend(&mut gathering, from, to, asked);
            }
        }
        for (key, locked) in &self.packages {
            for asked in &locked.asks {
                if !asked.at.starts_with(LINK) {
                    depend(
                        &mut gathering,
                        nodes[key.as_str()],
                        find(&nodes, asked),
                        asked,
                    );
                }
            }
        }
        gathering.finish()
    }
}

fn depend(gathering: &mut Gathering, from: usize, to: Option<&usize>, asked: &Asked) {
    match to {
        Some(&to) => gathering.depend(from, to),
        None => gathering.problems.tell(|| {
            let title = format!("{} {}", asked.name, asked.at);
            format!("a dependency on `{}` is not in the lockfile", quote(&title))
        }),
    }
}

fn find<'nodes>(nodes: &'nodes BTreeMap<&str, usize>, asked: &Asked) -> Option<&'nodes usize> {
    let Asked { name, at } = asked;
    let spelled = [
        at.clone(),
        format!("{name}@{at}"),
        format!("/{name}@{at}"),
        format!("/{name}/{at}"),
    ];
    spelled.iter().find_map(|key| nodes.get(key.as_str()))
}

/// A project without a workspace has its dependencies at the top.
fn importers(document: &Yaml<'_>) -> BTreeMap<String, Vec<Asked>> {
    let listed = document.section("importers");
    if listed.is_empty() {
        return BTreeMap::from([(String::new(), asked(document))]);
    }
    let folder = |key: &str| {
        let is_root = key == ".";
        if is_root {
            String::new()
        } else {
            key.to_owned()
        }
    };
    listed
        .iter()
        .map(|(key, importer)| (folder(key), asked(importer)))
        .collect()
}

fn asked(of: &Yaml<'_>) -> Vec<Asked> {
    let sections = SECTIONS.iter().flat_map(|section| of.section(section));
    sections
        .filter_map(|(name, value)| {
            let at = value.as_text().or_else(|| value.text("version"))?;
            Some(Asked {
                name: name.clone().into_owned(),
                at: at.to_owned(),
            })
        })
        .collect()
}

fn without_peers(key: &str) -> &str {
    key.split_once('(').map_or(key, |(before, _)| before)
}

fn identity(key: &str, package: &Yaml<'_>) -> Option<(String, String)> {
    let stated = |name| package.text(name).map(str::to_owned);
    let bare = without_peers(key);
    let bare = bare.strip_prefix('/').unwrap_or(bare);
    let (name, version) = split_at_slash(bare).or_else(|| split_at_version(bare))?;
    Some((
        stated("name").unwrap_or_else(|| name.to_owned()),
        stated("version").unwrap_or_else(|| version.to_owned()),
    ))
}

/// Splits a key of version 5, `name/1.0.0_peers`. A later key has no slash but that of a scope.
fn split_at_slash(key: &str) -> Option<(&str, &str)> {
    let skip = match key.strip_prefix('@') {
        Some(_) => key.find('/')? + 1,
        None => 0,
    };
    let slash = key[skip..].find('/')? + skip;
    let (name, rest) = (&key[..slash], &key[slash + 1..]);
    let version = rest.split('_').next()?;
    (!name[skip..].contains('@') && version.starts_with(|c: char| c.is_ascii_digit()))
        .then_some((name, version))
}

fn origin(resolution: &Yaml<'_>) -> Origin {
    if let Some(address) = resolution.text("tarball") {
        return Origin::Address(address.to_owned());
    }
    if let Some(repository) = resolution.text("repo") {
        let commit = resolution.text("commit").unwrap_or("");
        return Origin::Address(format!("git+{repository}#{commit}"));
    }
    match resolution.text("directory") {
        Some(folder) => Origin::Address(format!("file:{folder}")),
        None => Origin::Unsaid,
    }
}

/// The folder that `path` leads to from `folder`; `None` outside the tree.
fn below(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
