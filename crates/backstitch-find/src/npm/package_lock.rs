//! Reads a `package-lock.json` or `npm-shrinkwrap.json`, versions 1 to 3
//! (<https://docs.npmjs.com/cli/configuring-npm/package-lock-json>).
//!
//! Version 1 is brought into the shape of the later ones: one entry a folder below
//! `node_modules`. Links are followed as node does it, up from folder to folder.

use std::borrow::Cow;
use std::collections::BTreeMap;

use backstitch_model::project::Installation;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::gather::{Entry, Gathering};
use super::source::{Origin, asked, leaves_tree};
use super::{ENTRIES_MAX, Linked, LockError, Own};
use crate::lockfile::{Problems, quote};

/// The deepest folder that is looked at, in parts of its path.
const PARTS_MAX: usize = 128;

/// How deep version 1 may nest its packages.
const NESTING_MAX: usize = 48;

const MODULES: &str = "node_modules";

/// The sections whose dependencies an installed package brings along.
const SECTIONS: [&str; 3] = ["dependencies", "optionalDependencies", "peerDependencies"];

/// A lockfile's folders.
#[derive(Debug)]
pub(crate) struct PackageLock {
    folders: BTreeMap<String, Folder>,
    /// Does the lockfile say what the project's own packages depend on?
    names_own: bool,
    problems: Problems,
}

/// One folder that npm fills.
#[derive(Debug, Default)]
struct Folder {
    /// Where it really is, where it is a link.
    link: Option<String>,
    /// The package's own name, where the entry states it.
    name: Option<String>,
    entry: Entry,
    /// The names that it asks for: what node looks up.
    asks: Vec<String>,
}

#[derive(Deserialize)]
struct Document<'text> {
    #[serde(rename = "lockfileVersion")]
    version: Option<Value>,
    #[serde(borrow)]
    packages: Option<BTreeMap<Cow<'text, str>, &'text RawValue>>,
    #[serde(borrow)]
    dependencies: Option<BTreeMap<Cow<'text, str>, &'text RawValue>>,
}

impl PackageLock {
    pub(super) fn parse(text: &str) -> Result<Self, LockError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let document: Document<'_> = serde_json::from_str(text)
            .map_err(|error| LockError::Malformed(format!("it is no lockfile's JSON: {error}")))?;
        let version = document.version.unwrap_or(Value::from(1));
        let mut reading = Self {
            folders: BTreeMap::new(),
            names_own: document.packages.is_some(),
            problems: Problems::default(),
        };
        match (version.as_u64(), document.packages) {
            (Some(2 | 3), Some(packages)) => {
                for (path, text) in packages {
                    reading.take(&path, text)?;
                }
            }
            (Some(1 | 2), None) => {
                let packages = document.dependencies.unwrap_or_default();
                reading.take_nested("", packages, 0)?;
            }
            (Some(3), None) | (Some(1), Some(_)) => {
                return Err(LockError::Malformed(
                    "its version and its sections do not fit".to_owned(),
                ));
            }
            (Some(_) | None, _) => {
                return Err(LockError::OtherVersion(
                    quote(&version.to_string()),
                    "versions 1 to 3",
                ));
            }
        }
        Ok(reading)
    }

    /// Takes an entry of `packages`.
    fn take(&mut self, path: &str, text: &RawValue) -> Result<(), LockError> {
        let Some(table) = self.table(path, text) else {
            return Ok(());
        };
        let asks = SECTIONS
            .into_iter()
            .chain(is_own(path).then_some("devDependencies"))
            .flat_map(|section| names(&table, section))
            .collect();
        let folder = folder(path, &table, asks);
        self.insert(path.to_owned(), folder)
    }

    /// Takes the entries of version 1 below `path`.
    fn take_nested(
        &mut self,
        path: &str,
        packages: BTreeMap<Cow<'_, str>, &RawValue>,
        depth: usize,
    ) -> Result<(), LockError> {
        for (name, text) in packages {
            let below = join(path, &name);
            let Some(table) = self.table(&below, text) else {
                continue;
            };
            let folder = old_folder(&name, &table);
            self.insert(below.clone(), folder)?;
            if !table.contains_key("dependencies") {
                continue;
            }
            if depth == NESTING_MAX {
                let what = || format!("what lies in `{}` is nested too deep", quote(&below));
                self.problems.tell(what);
                continue;
            }
            let nested: Result<Nested<'_>, _> = serde_json::from_str(text.get());
            match nested {
                Ok(nested) => self.take_nested(&below, nested.dependencies, depth + 1)?,
                Err(error) => self
                    .problems
                    .tell(|| format!("entry `{}` cannot be read: {error}", quote(&below))),
            }
        }
        Ok(())
    }

    fn table(&mut self, path: &str, text: &RawValue) -> Option<Map<String, Value>> {
        let is_deep = path.split('/').count() > PARTS_MAX;
        let parsed = serde_json::from_str(text.get());
        match parsed {
            Ok(table) if !is_deep => Some(table),
            Ok(_) => {
                let what = || format!("`{}` lies too deep to be looked at", quote(path));
                self.problems.tell(what);
                None
            }
            Err(error) => {
                let what = || format!("entry `{}` cannot be read: {error}", quote(path));
                self.problems.tell(what);
                None
            }
        }
    }

    fn insert(&mut self, path: String, folder: Folder) -> Result<(), LockError> {
        if self.folders.len() >= ENTRIES_MAX {
            return Err(LockError::TooMany);
        }
        self.folders.insert(path, folder);
        Ok(())
    }

    pub(super) fn folders(&self) -> Vec<&str> {
        let paths = self.folders.keys().map(String::as_str);
        paths.filter(|path| is_own(path)).collect()
    }

    pub(super) fn link(&self, own: &[Own]) -> Linked {
        let mut gathering = Gathering::new(&self.problems);
        let mut nodes = BTreeMap::new();
        for package in own {
            let locked = self.folders.get(&package.folder);
            let name = locked.and_then(|folder| folder.name.as_deref());
            let node = gathering.add_own(package, name);
            nodes.insert(package.folder.as_str(), node);
        }
        for (path, folder) in &self.folders {
            if folder.link.is_none() && !nodes.contains_key(path.as_str()) {
                if folder.entry.version.is_empty() && !is_own(path) {
                    let what = || format!("entry `{}` has no version", quote(path));
                    gathering.problems.tell(what);
                    continue;
                }
                nodes.insert(path, gathering.add(folder.entry.clone()));
            }
        }
        let linking = Linking { lock: self, nodes };
        linking.edges(own, &mut gathering);
        gathering.finish()
    }
}

#[derive(Deserialize)]
struct Nested<'text> {
    #[serde(borrow)]
    dependencies: BTreeMap<Cow<'text, str>, &'text RawValue>,
}

struct Linking<'lock> {
    lock: &'lock PackageLock,
    nodes: BTreeMap<&'lock str, usize>,
}

impl Linking<'_> {
    fn edges(&self, own: &[Own], gathering: &mut Gathering) {
        for (path, folder) in &self.lock.folders {
            let Some(&from) = self.nodes.get(path.as_str()) else {
                continue;
            };
            for name in &folder.asks {
                self.edge(from, path, name, gathering);
            }
        }
        if self.lock.names_own {
            return;
        }
        for package in own {
            let Some(&from) = self.nodes.get(package.folder.as_str()) else {
                continue;
            };
            match &package.manifest {
                Some(manifest) => {
                    for requirement in &manifest.requirements {
                        self.edge(from, &package.folder, &requirement.key, gathering);
                    }
                }
                None => self.everything_on_top(from, gathering),
            }
        }
    }

    /// Without a manifest version 1 does not say what the project itself asks for.
    fn everything_on_top(&self, from: usize, gathering: &mut Gathering) {
        for (path, &node) in &self.nodes {
            if path.matches(MODULES).count() == 1 {
                gathering.depend(from, node);
            }
        }
    }

    /// What is not there is left out: an optional dependency, or an optional peer.
    fn edge(&self, from: usize, path: &str, name: &str, gathering: &mut Gathering) {
        if let Some(to) = self.find(path, name) {
            gathering.depend(from, to);
        }
    }

    /// Finds what node would load for `name` from `path`
    /// (<https://nodejs.org/api/modules.html#loading-from-node_modules-folders>).
    fn find(&self, path: &str, name: &str) -> Option<usize> {
        let mut folder = Some(path);
        while let Some(here) = folder {
            if here.rsplit('/').next() != Some(MODULES)
                && let Some(node) = self.at(&join(here, name))
            {
                return Some(node);
            }
            folder = (!here.is_empty()).then(|| here.rsplit_once('/').map_or("", |(up, _)| up));
        }
        None
    }

    fn at(&self, path: &str) -> Option<usize> {
        let found = self.lock.folders.get(path)?;
        let real = found.link.as_deref().unwrap_or(path);
        self.nodes.get(real).copied()
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        format!("{MODULES}/{name}")
    } else {
        format!("{folder}/{MODULES}/{name}")
    }
}

/// Is it a folder of the project's own, no installed one?
fn is_own(path: &str) -> bool {
    !path.split('/').any(|part| part == MODULES)
}

fn folder(path: &str, table: &Map<String, Value>, asks: Vec<String>) -> Folder {
    let stated = text(table, "name");
    let resolved = text(table, "resolved");
    if flag(table, "link") {
        return Folder {
            link: resolved.or_else(|| Some(String::new())),
            ..Folder::default()
        };
    }
    let marker = format!("{MODULES}/");
    let installed = path
        .rfind(&marker)
        .map(|start| &path[start + marker.len()..]);
    let origin = match (installed, resolved) {
        (None, _) if leaves_tree(path) => Origin::Address(format!("file:{path}")),
        (None, _) => Origin::Own,
        (Some(_), Some(address)) => Origin::Address(address),
        (Some(_), None) => Origin::Unsaid,
    };
    let name = stated.clone().unwrap_or_else(|| {
        let last = || path.rsplit('/').next().unwrap_or(path);
        installed.unwrap_or_else(last).to_owned()
    });
    Folder {
        link: None,
        name: stated,
        entry: entry(name, text(table, "version"), origin, table, "inBundle"),
        asks,
    }
}

/// An entry of version 1; its `version` may be an address, or an alias.
fn old_folder(key: &str, table: &Map<String, Value>) -> Folder {
    let version = text(table, "version").unwrap_or_default();
    let asks = match table.get("requires") {
        Some(Value::Object(requires)) => requires.keys().cloned().collect(),
        Some(_) | None => Vec::new(),
    };
    let (name, version, origin) = if let Some(folder) = version.strip_prefix("file:") {
        if text(table, "resolved").is_none() && !flag(table, "bundled") {
            return Folder {
                link: Some(folder.to_owned()),
                ..Folder::default()
            };
        }
        (key, "", Origin::Address(version.clone()))
    } else if version.contains(':') && !version.starts_with("npm:") {
        (key, version.as_str(), Origin::Address(version.clone()))
    } else {
        let (name, version) = asked(key, &version);
        let resolved = text(table, "resolved");
        (
            name,
            version,
            resolved.map_or(Origin::Unsaid, Origin::Address),
        )
    };
    Folder {
        link: None,
        name: None,
        entry: entry(
            name.to_owned(),
            Some(version.to_owned()),
            origin,
            table,
            "bundled",
        ),
        asks,
    }
}

fn entry(
    name: String,
    version: Option<String>,
    origin: Origin,
    table: &Map<String, Value>,
    bundled: &str,
) -> Entry {
    Entry {
        name,
        version: version.unwrap_or_default(),
        origin,
        checksum: text(table, "integrity"),
        installation: Installation {
            os: texts(table, "os"),
            cpu: texts(table, "cpu"),
            bundled: flag(table, bundled),
        },
    }
}

fn text(table: &Map<String, Value>, name: &str) -> Option<String> {
    table.get(name)?.as_str().map(str::to_owned)
}

fn texts(table: &Map<String, Value>, name: &str) -> Vec<String> {
    match table.get(name) {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(several)) => several
            .iter()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect(),
        Some(_) | None => Vec::new(),
    }
}

fn flag(table: &Map<String, Value>, name: &str) -> bool {
    table.get(name) == Some(&Value::Bool(true))
}

fn names(table: &Map<String, Value>, section: &str) -> Vec<String> {
    let section = table.get(section).and_then(Value::as_object);
    section
        .into_iter()
        .flat_map(|section| section.keys().cloned())
        .collect()
}
