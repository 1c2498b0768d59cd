//! Reads Maven projects: a `pom.xml` with its modules and the parents that lie in the same
//! tree. What a parent or a list of versions elsewhere says is not known, and told.
//!
//! A pom names what the project itself asks for and not what that brings along.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use backstitch_model::RelPath;
use backstitch_model::finding::Compiled;
use backstitch_model::project::{DependencyKind, Requirement, Source};

use super::super::tree::Tree;
use super::pom::{self, Dependency, Parent, Pom, Said};
use super::{Files, Listed, Listing, manifest, problem, requirement, text_of};

/// How many poms one project may have.
const POMS_MAX: usize = 2_000;

/// How many parents one pom may have, and how many expressions may lead from one to another.
const CHAIN_MAX: usize = 16;

/// The longest text that expressions may come to, in bytes.
const TEXT_BYTES_MAX: usize = 4096;

/// How many names one problem lists.
const LISTED_MAX: usize = 5;

/// The poms that a pom names as its modules.
pub(in super::super) fn modules(tree: &Tree<'_>, path: &RelPath) -> Vec<RelPath> {
    let pom = text_of(tree, path)
        .ok()
        .and_then(|text| pom::parse(&text).ok());
    let pom = pom.unwrap_or_default();
    let named = pom.modules.iter().take(POMS_MAX);
    named
        .filter_map(|module| module_at(tree, path, module))
        .collect()
}

/// Reads a `pom.xml` and what belongs to it.
pub(super) fn read(
    files: &mut Files<'_>,
    lockfile: &RelPath,
    text: String,
) -> Result<Listing, String> {
    let root = pom::parse(&text)?;
    let mut poms = Poms {
        all: Vec::new(),
        by_path: BTreeMap::new(),
    };
    let name = root.artifact.clone();
    poms.add(lockfile.clone(), text, root);
    poms.gather(files);
    let mut listing = Listing {
        name,
        ..Listing::default()
    };
    let mut untold = BTreeSet::new();
    let mut seen = BTreeMap::new();
    let own = poms.own_names();
    let managed = poms.managed();
    let mut required = Vec::new();
    for (from, loaded) in poms.all.iter().enumerate() {
        for dependency in &loaded.pom.dependencies {
            let name = poms.name(from, dependency);
            if own.contains(&name) {
                continue;
            }
            let Some(version) = poms.resolve(&managed, from, (dependency, &name)) else {
                untold.insert(name);
                continue;
            };
            let listed = (name.as_str(), version.text.as_str());
            take(&mut listing.packages, &mut seen, dependency, listed);
            required.push((from, name, version, scope_kind(dependency)));
        }
    }
    for (from, name, version, kind) in required {
        poms.require(from, (&name, version), kind);
    }
    listing.problems.extend(unknown(lockfile, &untold));
    let what = "it does not say what its dependencies bring along; only those that it names \
                were looked up";
    listing.problems.push(problem(lockfile, what.to_owned()));
    listing.manifests = poms.manifests();
    Ok(listing)
}

/// Lists a package once, for the strongest use.
fn take(
    packages: &mut Vec<Listed>,
    seen: &mut BTreeMap<(String, String), usize>,
    dependency: &Dependency,
    (name, version): (&str, &str),
) {
    let kind = scope_kind(dependency);
    let compiled = if dependency.in_profile {
        Compiled::OptIn
    } else {
        Compiled::Yes
    };
    let index = *seen
        .entry((name.to_owned(), version.to_owned()))
        .or_insert_with(|| {
            packages.push(Listed {
                source: if dependency.scope == "system" {
                    Source::Local
                } else {
                    Source::PublicRegistry
                },
                asked: Some(kind),
                compiled: compiled.clone(),
                ..Listed::new(name, version)
            });
            packages.len() - 1
        });
    let package = &mut packages[index];
    package.asked = package.asked.min(Some(kind));
    if compiled == Compiled::Yes {
        package.compiled = compiled;
    }
}

fn scope_kind(dependency: &Dependency) -> DependencyKind {
    match dependency.scope.as_str() {
        "test" => DependencyKind::Dev,
        _ => DependencyKind::Normal,
    }
}

fn unknown(lockfile: &RelPath, names: &BTreeSet<String>) -> Option<super::Problem> {
    if names.is_empty() {
        return None;
    }
    let listed: Vec<_> = names
        .iter()
        .take(LISTED_MAX)
        .map(|name| format!("`{}`", name.escape_debug()))
        .collect();
    let more = match names.len().saturating_sub(LISTED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(problem(
        lockfile,
        format!(
            "the version of {}{more} is said by a parent or a list of versions that is not in \
             this tree, so it was not looked up",
            listed.join(", ")
        ),
    ))
}

/// The poms of one project.
struct Poms {
    all: Vec<Loaded>,
    by_path: BTreeMap<RelPath, usize>,
}

struct Loaded {
    path: RelPath,
    text: String,
    pom: Pom,
    requirements: Vec<Requirement>,
}

/// A version, and which pom says it.
struct Version {
    text: String,
    place: Option<(usize, std::ops::Range<usize>)>,
}

impl Poms {
    fn add(&mut self, path: RelPath, text: String, pom: Pom) {
        self.by_path.insert(path.clone(), self.all.len());
        self.all.push(Loaded {
            path,
            text,
            pom,
            requirements: Vec::new(),
        });
    }

    /// Reads modules and parents in this tree, theirs too, each once.
    fn gather(&mut self, files: &mut Files<'_>) {
        let mut seen: BTreeSet<RelPath> = self.by_path.keys().cloned().collect();
        let mut next = 0;
        while next < self.all.len() {
            let Loaded { path, pom, .. } = &self.all[next];
            next += 1;
            let modules = pom.modules.iter();
            let modules = modules.filter_map(|module| module_at(files.tree, path, module));
            let parent = pom.parent.as_ref().and_then(|parent| {
                let at = parent_at(files.tree, path, parent)?;
                Some((at, Some(parent.artifact.clone())))
            });
            let modules = modules.map(|path| (path, None));
            for (path, artifact) in modules.chain(parent).collect::<Vec<_>>() {
                if self.all.len() >= POMS_MAX || !seen.insert(path.clone()) {
                    continue;
                }
                let Some(text) = files.text(&path) else {
                    continue;
                };
                match pom::parse(&text) {
                    // Another project's pom may lie where the parent would.
                    Ok(pom) if artifact.is_some_and(|wanted| wanted != pom.artifact) => {}
                    Ok(pom) => self.add(path, text, pom),
                    Err(what) => files.problems.push(problem(&path, what)),
                }
            }
        }
    }

    /// A pom and its parents in this tree.
    fn chain(&self, from: usize) -> impl Iterator<Item = usize> {
        let parent = |at: &usize| {
            let Loaded { path, pom, .. } = &self.all[*at];
            let parent = pom.parent.as_ref()?;
            let above = joined(path, &parent.relative)?;
            let found = [
                Some(above.clone()),
                RelPath::below(Some(&above), "pom.xml").ok(),
            ]
            .into_iter()
            .flatten()
            .find_map(|path| self.by_path.get(&path).copied())?;
            (self.all[found].pom.artifact == parent.artifact).then_some(found)
        };
        std::iter::successors(Some(from), parent).take(CHAIN_MAX)
    }

    /// What the project's own packages are called.
    fn own_names(&self) -> BTreeSet<String> {
        let named = |at: usize| {
            let group = self.project_word(at, "groupId").unwrap_or_default();
            format!("{group}:{}", self.all[at].pom.artifact)
        };
        (0..self.all.len()).map(named).collect()
    }

    /// Where each pom manages the version of which package. A list of versions that is imported
    /// from elsewhere is none of its own.
    fn managed(&self) -> Vec<HashMap<String, usize>> {
        let of = |(at, loaded): (usize, &Loaded)| {
            let managed = loaded.pom.managed.iter().enumerate();
            let managed = managed.filter(|(_, one)| one.scope != "import");
            managed
                .map(|(index, one)| (self.name(at, one), index))
                .collect()
        };
        self.all.iter().enumerate().map(of).collect()
    }

    /// The version of a dependency, its own or one that the pom or a parent manages; `None`
    /// where nobody here says it.
    fn resolve(
        &self,
        managed: &[HashMap<String, usize>],
        from: usize,
        (dependency, name): (&Dependency, &str),
    ) -> Option<Version> {
        let own = dependency.version.as_ref().map(|said| (from, said));
        let stated = own.or_else(|| {
            self.chain(from).find_map(|at| {
                let managed = &self.all[at].pom.managed[*managed[at].get(name)?];
                Some((at, managed.version.as_ref()?))
            })
        });
        let (at, said) = stated?;
        self.version((from, at), said)
    }

    fn name(&self, from: usize, dependency: &Dependency) -> String {
        let plain = |text: &str| self.interpolated(from, text);
        let part = |text: &str| plain(text).unwrap_or_else(|| text.to_owned());
        format!("{}:{}", part(&dependency.group), part(&dependency.artifact))
    }

    /// What a version comes to, seen from the pom `from`, where the pom `at` says it. A range
    /// is no version.
    fn version(&self, (from, at): (usize, usize), said: &Said) -> Option<Version> {
        let mut place = said.place.clone().map(|place| (at, place));
        let mut text = said.text.clone();
        for _ in 0..CHAIN_MAX {
            let Some(name) = only_expression(&text) else {
                break;
            };
            match self.property(from, name) {
                Some((holder, said)) => {
                    place = said.place.clone().map(|place| (holder, place));
                    text.clone_from(&said.text);
                }
                None => return self.interpolated(from, &text).map(bare),
            }
        }
        if text.contains("${") {
            return self.interpolated(from, &text).map(bare);
        }
        let is_version = !text.starts_with(['[', '(']);
        is_version.then_some(Version { text, place })
    }

    fn property(&self, from: usize, name: &str) -> Option<(usize, &Said)> {
        self.chain(from)
            .find_map(|at| Some((at, self.all[at].pom.properties.get(name)?)))
    }

    /// `project.version` and its like.
    fn project_word(&self, from: usize, name: &str) -> Option<String> {
        let pom = &self.all[from].pom;
        let parent = pom.parent.as_ref();
        match name {
            "groupId" => pom
                .group
                .clone()
                .or_else(|| parent.map(|parent| parent.group.clone())),
            "artifactId" => Some(pom.artifact.clone()),
            "version" => pom
                .version
                .clone()
                .or_else(|| parent.map(|parent| parent.version.clone())),
            "parent.version" => parent.map(|parent| parent.version.clone()),
            "parent.groupId" => parent.map(|parent| parent.group.clone()),
            _ => None,
        }
    }

    /// A text with every expression replaced; `None` where one is not known here.
    fn interpolated(&self, from: usize, text: &str) -> Option<String> {
        let mut text = text.to_owned();
        for _ in 0..CHAIN_MAX {
            let Some(start) = text.find("${") else {
                return Some(text);
            };
            if text.len() > TEXT_BYTES_MAX {
                return None;
            }
            let end = start + text[start..].find('}')?;
            let name = &text[start + 2..end];
            let own = name.strip_prefix("project.").or(name.strip_prefix("pom."));
            let value = match self.property(from, name) {
                Some((_, said)) => said.text.clone(),
                None => self.project_word(from, own?)?,
            };
            text.replace_range(start..=end, &value);
        }
        None
    }

    /// Notes on the pom that says it which version is required.
    fn require(&mut self, from: usize, (name, version): (&str, Version), kind: DependencyKind) {
        let (at, place) = match version.place {
            Some((at, place)) => (at, Some(place)),
            None => (from, None),
        };
        let requirement = requirement((name, &version.text), kind, place);
        let known = &mut self.all[at].requirements;
        if !known.contains(&requirement) {
            known.push(requirement);
        }
    }

    fn manifests(self) -> Vec<backstitch_model::project::Manifest> {
        let all = self.all.into_iter();
        all.map(|one| manifest(&one.path, one.text, one.requirements))
            .collect()
    }
}

fn bare(text: String) -> Version {
    Version { text, place: None }
}

/// `${name}` and nothing around it.
fn only_expression(text: &str) -> Option<&str> {
    let name = text.strip_prefix("${")?.strip_suffix('}')?;
    (!name.contains(['$', '}'])).then_some(name)
}

/// A module is a folder with a `pom.xml`, or such a file itself.
fn module_at(tree: &Tree<'_>, pom: &RelPath, module: &str) -> Option<RelPath> {
    let path = joined(pom, module)?;
    let inside = RelPath::below(Some(&path), "pom.xml").ok()?;
    if tree.has(&inside) {
        return Some(inside);
    }
    let is_file = path
        .file_name()
        .rsplit_once('.')
        .is_some_and(|(_, end)| end == "xml");
    (is_file && tree.has(&path)).then_some(path)
}

fn parent_at(tree: &Tree<'_>, pom: &RelPath, parent: &Parent) -> Option<RelPath> {
    if parent.relative.is_empty() {
        return None;
    }
    module_at(tree, pom, &parent.relative)
}

/// A path as a pom writes it, below the pom's own folder; `None` where it leaves the tree.
fn joined(pom: &RelPath, path: &str) -> Option<RelPath> {
    let folder = pom.parent();
    let mut parts: Vec<&str> = folder
        .as_ref()
        .map(|folder| folder.as_str().split('/').collect())
        .unwrap_or_default();
    for part in path.trim().split(['/', '\\']) {
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
