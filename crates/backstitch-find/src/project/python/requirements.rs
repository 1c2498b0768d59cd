//! Reads a requirements file with the files that it includes: what they pin is locked, and
//! `# via` comments say who asks for it.
//!
//! Every file that pins is a project of its own, unless another one includes it: then its pins
//! belong to that one, and each manifest holds the pins that stand in its file. A constraints
//! file pins for those who are asked for; whether a package is installed it does not say.

use std::collections::{BTreeMap, BTreeSet};

use backstitch_model::pins::{self, Entry, Pin, Resolved};
use backstitch_model::project::{DependencyKind, Manifest, Problem, Project, Requirement, Source};
use backstitch_model::{LockFormat, RelPath};

use super::graph::{Package, Want};
use super::{assemble, is_pypi, manifest, problem, read_manifest, read_text};
use crate::project::tree::Tree;
use crate::python::{Marker, Specifier, Wanted, normalised};

/// How many files one may include, all together.
const FILES_MAX: usize = 32;

/// How many entries one file may have; a real one has hundreds.
const ENTRIES_MAX: usize = 20_000;

/// Parts of a file's name that say that it is not for the project's own code.
const DEV_WORDS: [&str; 16] = [
    "dev",
    "develop",
    "development",
    "test",
    "tests",
    "testing",
    "doc",
    "docs",
    "lint",
    "linting",
    "typing",
    "mypy",
    "style",
    "ci",
    "build",
    "release",
];

/// Reads the project of one requirements file; `resolved` is what pip would install for what it
/// does not pin, where somebody asked.
pub(super) fn read_resolved(
    tree: &Tree<'_>,
    lockfile: &RelPath,
    resolved: &[Resolved],
) -> Result<Project, Problem> {
    let mut gathered = Gathered::default();
    gathered.file(tree, lockfile, Role::Required)?;
    gathered.resolve(resolved);
    gathered.tell_unpinned(lockfile);
    gathered.manifests.extend(source(tree, lockfile));
    gathered.manifests.extend(around(tree, lockfile));
    let root = Package {
        name: lockfile.to_string(),
        source: Some(Source::Local),
        wants: gathered.wants(),
        ..Package::default()
    };
    let packages = gathered.packages.into_values().collect();
    let manifests_and_problems = (gathered.manifests, gathered.problems);
    Ok(assemble(
        (lockfile, LockFormat::Requirements),
        root,
        packages,
        manifests_and_problems,
    ))
}

/// The files that a requirements file includes; `None` where the file holds nothing that pip
/// would take for a requirement, and so is none.
pub(in crate::project) fn includes(tree: &Tree<'_>, path: &RelPath) -> Option<Vec<RelPath>> {
    let Ok(text) = read_text(tree, path) else {
        // What cannot be read is told by whoever reads it.
        return Some(Vec::new());
    };
    let entries = pins::entries(&text);
    let entries = || entries.iter().take(ENTRIES_MAX);
    let included: Vec<_> = entries()
        .filter_map(|entry| include_of(entry, path))
        .collect();
    let is_required = |entry: &Entry<'_>| {
        entry.pin().is_some()
            || Specifier::parse(entry.requirement()).is_ok_and(|read| is_versioned(&read))
    };
    // Names alone are requirements where the file's own name says so.
    let is_named_so = path.file_name().starts_with("requirements");
    let is_name = |entry: &Entry<'_>| {
        entry.option().is_some() || Specifier::parse(entry.requirement()).is_ok()
    };
    let is_list = is_named_so && entries().next().is_some() && entries().all(is_name);
    if included.is_empty() && !is_list && !entries().any(is_required) {
        return None;
    }
    Some(included.into_iter().filter_map(|(_, path)| path).collect())
}

/// A single word is prose as well as a requirement.
fn is_versioned(read: &Specifier) -> bool {
    match &read.wanted {
        Wanted::Versions(versions) => versions != "*",
        Wanted::Address(_) => true,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Required,
    Constraint,
}

/// The file that an entry includes; the path is `None` where it leads out of the tree or is no
/// file's.
fn include_of(entry: &Entry<'_>, from: &RelPath) -> Option<(Role, Option<RelPath>)> {
    let (option, value) = entry.option()?;
    let role = match option {
        "-r" | "--requirement" => Role::Required,
        "-c" | "--constraint" => Role::Constraint,
        _ => return None,
    };
    Some((role, resolve(from, value)))
}

/// A path from the folder of `from`, as pip takes it.
fn resolve(from: &RelPath, value: &str) -> Option<RelPath> {
    if value.starts_with('/') || value.contains(['\\', '$']) || value.contains("://") {
        return None;
    }
    let folder = from.parent();
    let mut parts: Vec<&str> = folder
        .iter()
        .flat_map(|folder| folder.as_str().split('/'))
        .collect();
    for part in value.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    RelPath::new(parts.join("/")).ok()
}

#[derive(Default)]
struct Gathered {
    manifests: Vec<Manifest>,
    problems: Vec<Problem>,
    /// Pinned packages by normalised name and version.
    packages: BTreeMap<(String, String), Package>,
    /// Who asks for what, by normalised name: the names of packages, `None` for the project.
    asked_by: BTreeMap<String, BTreeSet<Option<String>>>,
    seen: BTreeSet<RelPath>,
    /// What the project asks for itself.
    direct: Vec<Want>,
    /// Requirements without an exact version, the first one's name.
    unpinned: BTreeMap<String, String>,
    entries: usize,
}

impl Gathered {
    fn file(&mut self, tree: &Tree<'_>, path: &RelPath, role: Role) -> Result<(), Problem> {
        if self.seen.len() >= FILES_MAX {
            let what = format!("it includes more than {FILES_MAX} files; the rest was not read");
            return Err(problem(path, what));
        }
        if !self.seen.insert(path.clone()) {
            return Ok(());
        }
        let text = read_text(tree, path)?;
        let entries = pins::entries(&text);
        if entries.len() > ENTRIES_MAX {
            let what = format!("it has more than {ENTRIES_MAX} entries");
            return Err(problem(path, what));
        }
        let place = self.manifests.len();
        self.manifests.push(manifest::plain(path, &text));
        let kind = kind_of(path);
        for entry in &entries {
            if let Some((role, included)) = include_of(entry, path) {
                self.include(tree, path, entry, (role, included));
            } else if let Some((option, value)) = entry.option() {
                self.option(path, option, value);
            } else {
                let requirement = self.requirement(path, entry, role, kind);
                self.manifests[place].requirements.extend(requirement);
            }
        }
        self.entries += entries.len();
        Ok(())
    }

    fn include(
        &mut self,
        tree: &Tree<'_>,
        path: &RelPath,
        entry: &Entry<'_>,
        (role, included): (Role, Option<RelPath>),
    ) {
        let told = match included {
            None => Some(problem(
                path,
                format!(
                    "line {} includes a file that is not of this tree; it was not read",
                    entry.line
                ),
            )),
            Some(included) => self.file(tree, &included, role).err(),
        };
        self.problems.extend(told);
    }

    fn option(&mut self, path: &RelPath, option: &str, value: &str) {
        let is_index = matches!(option, "-i" | "--index-url" | "--extra-index-url");
        if is_index && !is_pypi(value) {
            self.problems.push(problem(
                path,
                "it names an index other than PyPI; its packages are taken for PyPI's".into(),
            ));
        }
    }

    fn requirement(
        &mut self,
        path: &RelPath,
        entry: &Entry<'_>,
        role: Role,
        kind: DependencyKind,
    ) -> Option<Requirement> {
        let Ok(read) = Specifier::parse(entry.requirement()) else {
            let text = entry.requirement();
            // A path or an address alone is the project's own, or told by nobody.
            let is_place = text.starts_with('.') || text.contains(['/', '\\']);
            if !is_place {
                let what = format!("line {} is no requirement", entry.line);
                self.problems.push(problem(path, what));
            }
            return None;
        };
        match (entry.pin(), &read.wanted) {
            (Some(pin), Wanted::Versions(_)) => self.pinned(&pin, &read, entry, (role, kind)),
            (None, Wanted::Versions(_)) => {
                let name = normalised(&read.name);
                self.unpinned
                    .entry(name)
                    .or_insert_with(|| read.name.clone());
                self.ask_directly(&read, kind);
            }
            (_, Wanted::Address(address)) => self.addressed(&read, address, kind),
        }
        Some(required(read, kind))
    }

    fn pinned(
        &mut self,
        pin: &Pin<'_>,
        read: &Specifier,
        entry: &Entry<'_>,
        (role, kind): (Role, DependencyKind),
    ) {
        let name = normalised(pin.name);
        let hashes = entry.hashes().into_iter();
        let hashes = hashes.filter_map(|place| {
            let text = entry
                .raw
                .get(place.start - entry.start..place.end - entry.start)?;
            Some(
                text.trim_start_matches("--hash")
                    .trim_start_matches(['=', ' '])
                    .to_owned(),
            )
        });
        let package = Package {
            name: pin.name.to_owned(),
            version: pin.version.to_owned(),
            hashes: hashes.collect(),
            ..Package::default()
        };
        let key = (name.clone(), pin.version.to_owned());
        self.packages.entry(key).or_insert(package);
        let asking = asking(entry);
        let is_asked_by_packages = asking.iter().any(Option::is_some);
        let is_direct = role == Role::Required && (!is_asked_by_packages || asking.contains(&None));
        self.asked_by.entry(name).or_default().extend(asking);
        if is_direct {
            self.ask_directly(read, kind);
        } else if role == Role::Constraint {
            self.ask_maybe(read, kind);
        }
    }

    fn addressed(&mut self, read: &Specifier, address: &str, kind: DependencyKind) {
        let package = Package {
            name: read.name.clone(),
            source: Some(source_of(address)),
            ..Package::default()
        };
        let key = (normalised(&read.name), String::new());
        self.packages.entry(key).or_insert(package);
        self.ask_directly(read, kind);
    }

    fn ask_directly(&mut self, read: &Specifier, kind: DependencyKind) {
        self.direct.push(Want {
            extras: read.extras.clone(),
            marker: read.marker.clone(),
            kind,
            ..Want::of(&read.name)
        });
    }

    /// A constraint counts only where somebody asks for the package, so nobody knows.
    fn ask_maybe(&mut self, read: &Specifier, kind: DependencyKind) {
        self.direct.push(Want {
            marker: Some(Marker::parse("")),
            kind,
            ..Want::of(&read.name)
        });
    }

    /// What the project asks for itself; who else asks goes to the packages.
    fn wants(&mut self) -> Vec<Want> {
        let mut asking: BTreeMap<&String, Vec<String>> = BTreeMap::new();
        let names: BTreeSet<String> = self.packages.keys().map(|(name, _)| name.clone()).collect();
        let mut orphans = Vec::new();
        for (name, askers) in &self.asked_by {
            let known = askers
                .iter()
                .flatten()
                .filter(|asker| names.contains(*asker));
            let mut found = false;
            for asker in known {
                found = true;
                asking.entry(asker).or_default().push(name.clone());
            }
            // Asked for by something that is not in the file, the project's own name mostly.
            if !found {
                orphans.push(name.clone());
            }
        }
        for ((name, _), package) in &mut self.packages {
            let wanted = asking.get(name).into_iter().flatten();
            package.wants.extend(wanted.map(Want::of));
        }
        let mut wants = std::mem::take(&mut self.direct);
        let direct: BTreeSet<String> = wants.iter().map(|want| normalised(&want.name)).collect();
        let kind = self.kind();
        let missing = orphans.into_iter().filter(|name| !direct.contains(name));
        wants.extend(missing.map(|name| Want {
            kind,
            ..Want::of(name)
        }));
        wants
    }

    fn kind(&self) -> DependencyKind {
        let first = self.manifests.first();
        first.map_or(DependencyKind::Normal, |manifest| kind_of(&manifest.path))
    }

    /// Takes what pip would install for packages that nobody pins.
    fn resolve(&mut self, resolved: &[Resolved]) {
        let pinned: BTreeSet<String> = self.packages.keys().map(|(name, _)| name.clone()).collect();
        for one in resolved.iter().take(ENTRIES_MAX) {
            let name = normalised(&one.name);
            if pinned.contains(&name) {
                continue;
            }
            let package = resolved_package(one);
            self.packages.insert((name, one.version.clone()), package);
        }
    }

    /// What a requirement without an exact version would install today nobody knows.
    fn tell_unpinned(&mut self, lockfile: &RelPath) {
        let names: BTreeSet<&String> = self.packages.keys().map(|(name, _)| name).collect();
        self.unpinned.retain(|name, _| !names.contains(name));
        let Some(first) = self.unpinned.values().next() else {
            return;
        };
        let what = if names.is_empty() {
            "it pins no version: what it would install is not known, so nothing was looked up; \
             `backstitch run` asks pip"
                .into()
        } else {
            let more = match self.unpinned.len() - 1 {
                0 => " names".to_owned(),
                count => format!(" and {count} more name"),
            };
            let name = first.escape_debug();
            format!(
                "`{name}`{more} no exact version; nothing was looked up for that, and `backstitch run` asks pip"
            )
        };
        self.problems.push(problem(lockfile, what));
    }
}

/// A package as pip would install it.
pub(super) fn resolved_package(one: &Resolved) -> Package {
    let requires = one.requires.iter().take(ENTRIES_MAX);
    let requires = requires.filter_map(|text| Specifier::parse(text).ok());
    let wants = requires.map(|read| Want {
        extras: read.extras.clone(),
        marker: read.marker.clone(),
        ..Want::of(&read.name)
    });
    Package {
        name: one.name.clone(),
        version: one.version.clone(),
        wants: wants.collect(),
        ..Package::default()
    }
}

/// Where an address leads.
pub(super) fn source_of(address: &str) -> Source {
    let is_repository = ["git+", "hg+", "svn+", "bzr+"]
        .iter()
        .any(|it| address.starts_with(it));
    if is_repository {
        Source::Git(address.to_owned())
    } else if address.starts_with("file:") || !address.contains("://") {
        Source::Local
    } else {
        Source::OtherRegistry(address.to_owned())
    }
}

/// Who asks for a pinned package, by pip-compile's comments: names of packages, and `None` for
/// the project's own files. Empty where nobody says.
fn asking(entry: &Entry<'_>) -> BTreeSet<Option<String>> {
    let mut asking = BTreeSet::new();
    let mut listing = false;
    for comment in &entry.comments {
        let listed = match comment.strip_prefix("via") {
            Some(rest) if rest.is_empty() || rest.starts_with([' ', ':']) => {
                listing = true;
                rest
            }
            _ if listing => comment,
            _ => continue,
        };
        for name in listed.split(',').map(str::trim) {
            let name = name.trim_start_matches(':').trim();
            if name.starts_with("-c ") {
                // It says which version, not that anybody asks.
            } else if name.starts_with("-r ") || name.contains(" (") {
                asking.insert(None);
            } else if !name.is_empty() && !name.contains(char::is_whitespace) {
                asking.insert(Some(normalised(name)));
            }
        }
    }
    asking
}

/// What a requirements file is for, by its name.
fn kind_of(path: &RelPath) -> DependencyKind {
    let stem = path
        .file_name()
        .trim_end_matches(".txt")
        .to_ascii_lowercase();
    let mut words = stem.split(|c: char| !c.is_ascii_alphanumeric());
    if words.any(|word| DEV_WORDS.contains(&word)) {
        DependencyKind::Dev
    } else {
        DependencyKind::Normal
    }
}

/// What a requirements file is made from: the file of the same name that ends with `.in`. What it
/// asks for holds as a manifest does.
fn source(tree: &Tree<'_>, lockfile: &RelPath) -> Option<Manifest> {
    let stem = lockfile.as_str().strip_suffix(".txt")?;
    let path = RelPath::new(format!("{stem}.in")).ok()?;
    let text = read_text(tree, &path).ok()?;
    let mut manifest = manifest::plain(&path, &text);
    let kind = kind_of(lockfile);
    let entries = pins::entries(&text);
    let specifiers = entries.iter().take(ENTRIES_MAX);
    manifest.requirements = specifiers
        .filter_map(|entry| Specifier::parse(entry.requirement()).ok())
        .map(|read| required(read, kind))
        .collect();
    Some(manifest)
}

fn required(read: Specifier, kind: DependencyKind) -> Requirement {
    Requirement {
        key: read.name.clone(),
        package: read.name,
        version: match read.wanted {
            Wanted::Versions(versions) => versions,
            Wanted::Address(address) => format!("@ {address}"),
        },
        kind,
        target: read.marker.map(|marker| marker.text().to_owned()),
        optional: false,
        peer: false,
        default_features: true,
        place: None,
        features: read.extras,
    }
}

/// What the project's own files say, which lie beside the requirements or above them.
fn around(tree: &Tree<'_>, lockfile: &RelPath) -> Vec<Manifest> {
    let mut folder = lockfile.parent();
    loop {
        let here = ["pyproject.toml", "setup.cfg"]
            .into_iter()
            .filter_map(|name| RelPath::below(folder.as_ref(), name).ok())
            .filter(|path| tree.has(path))
            .filter_map(|path| read_manifest(tree, &path).ok())
            .collect::<Vec<_>>();
        match folder {
            Some(inner) if here.is_empty() => folder = inner.parent(),
            Some(_) | None => return here,
        }
    }
}
