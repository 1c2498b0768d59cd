//! Reads the projects of Go, Bundler, Composer and Maven: a small reader each says what the
//! files list, and what is common to them is here.
//!
//! A reader says of each version where it stands in a file, so that whoever plans a fix can
//! replace it there without knowing the format. Lists are long and numbers of files bounded.

mod composer;
mod gemfile;
mod go;
mod maven;
mod pom;

use std::collections::{BTreeMap, HashMap};
use std::io::ErrorKind;
use std::ops::Range;

use backstitch_model::finding::Compiled;
use backstitch_model::names::normalised;
use backstitch_model::package::{Ecosystem, PackageVersion};
use backstitch_model::project::{
    DependencyGraph, DependencyKind, Installation, LockedPackage, Manifest, Node, Problem, Project,
    Requirement, Source, Use,
};
use backstitch_model::{LockFormat, RelPath};

use super::tree::Tree;

pub(super) use go::is_whole as lists_all;
pub(super) use maven::modules;

/// The largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// How many packages one project may list.
const PACKAGES_MAX: usize = 100_000;

/// What a reader found.
#[derive(Default)]
struct Listing {
    /// The project's own package, as its files call it.
    name: String,
    packages: Vec<Listed>,
    manifests: Vec<Manifest>,
    problems: Vec<Problem>,
}

/// A package as the files list it, before names are linked.
struct Listed {
    name: String,
    version: String,
    source: Source,
    checksum: Option<String>,
    /// What the project itself asks for it for; `None` where it does not ask.
    asked: Option<DependencyKind>,
    /// The names of what it asks for.
    needs: Vec<String>,
    /// Is it known to be built or installed?
    compiled: Compiled,
}

impl Listed {
    /// A package of the public registry that is always installed.
    fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            source: Source::PublicRegistry,
            checksum: None,
            asked: None,
            needs: Vec::new(),
            compiled: Compiled::Yes,
        }
    }
}

/// Reads the project of one file that lists its packages.
pub(super) fn read(
    tree: &Tree<'_>,
    lockfile: &RelPath,
    format: LockFormat,
) -> Result<Project, Problem> {
    let mut files = Files {
        tree,
        folder: lockfile.parent(),
        problems: Vec::new(),
    };
    let text = text_of(tree, lockfile)?;
    let read = match format.ecosystem() {
        Ecosystem::Go => go::read(&mut files, lockfile, text),
        Ecosystem::RubyGems => gemfile::read(&mut files, lockfile, text),
        Ecosystem::Packagist => composer::read(&mut files, &text),
        Ecosystem::Maven
        | Ecosystem::CratesIo
        | Ecosystem::Npm
        | Ecosystem::PyPi
        | Ecosystem::Other(_) => maven::read(&mut files, lockfile, text),
    };
    let mut listing = read.map_err(|what| problem(lockfile, what))?;
    listing.problems.splice(..0, files.problems);
    if listing.packages.len() > PACKAGES_MAX {
        listing.packages.truncate(PACKAGES_MAX);
        let what = format!("it lists more than {PACKAGES_MAX} packages; the rest was not read");
        listing.problems.push(problem(lockfile, what));
    }
    listing
        .problems
        .extend(elsewhere(lockfile, &listing.packages));
    if listing.name.is_empty() {
        listing.name = lockfile.to_string();
    }
    let ecosystem = format.ecosystem();
    Ok(Project {
        lockfile: lockfile.clone(),
        format,
        graph: link(&ecosystem, &listing.name, listing.packages),
        manifests: listing.manifests,
        problems: listing.problems,
    })
}

/// The files beside a lockfile.
struct Files<'tree> {
    tree: &'tree Tree<'tree>,
    folder: Option<RelPath>,
    problems: Vec<Problem>,
}

impl Files<'_> {
    /// The text of a file beside the lockfile, with its path; `None` where there is none, or
    /// where it cannot be read, which is told.
    fn beside(&mut self, name: &str) -> Option<(RelPath, String)> {
        let path = RelPath::below(self.folder.as_ref(), name).ok()?;
        self.text(&path).map(|text| (path, text))
    }

    fn text(&mut self, path: &RelPath) -> Option<String> {
        if !self.tree.has(path) {
            return None;
        }
        match text_of(self.tree, path) {
            Ok(text) => Some(text),
            Err(told) => {
                self.problems.push(told);
                None
            }
        }
    }
}

fn text_of(tree: &Tree<'_>, path: &RelPath) -> Result<String, Problem> {
    let bytes = tree.read(path, FILE_BYTES_MAX).map_err(|error| {
        let what = match error.kind() {
            ErrorKind::NotFound => "it is not there".to_owned(),
            _ => error.to_string(),
        };
        problem(path, what)
    })?;
    String::from_utf8(bytes).map_err(|_| problem(path, "it is not UTF-8 text".into()))
}

fn problem(path: &RelPath, what: String) -> Problem {
    Problem {
        path: path.clone(),
        what,
    }
}

/// A manifest with what it requires.
fn manifest(path: &RelPath, text: String, requirements: Vec<Requirement>) -> Manifest {
    Manifest {
        path: path.clone(),
        text,
        package: None,
        requirements,
        features: BTreeMap::new(),
        rust_version: None,
        resolver: None,
    }
}

/// A requirement with the place of its version.
fn requirement(
    (package, version): (&str, &str),
    kind: DependencyKind,
    place: Option<Range<usize>>,
) -> Requirement {
    Requirement {
        place,
        ..Requirement::plain(package, version, kind)
    }
}

/// Where `part` stands in `text`, of which it is a part; `None` where it is not.
fn place_of(text: &str, part: &str) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    let end = start.checked_add(part.len())?;
    (text.get(start..end)? == part).then_some(start..end)
}

/// Tells in one sentence what was not looked up, since advisories speak of public packages.
fn elsewhere(lockfile: &RelPath, packages: &[Listed]) -> Option<Problem> {
    let is_elsewhere = |package: &&Listed| package.source != Source::PublicRegistry;
    let mut others = packages.iter().filter(is_elsewhere);
    let first = others.next()?;
    let more = match others.count() {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    let first = first.name.escape_debug();
    Some(problem(
        lockfile,
        format!(
            "`{first}`{more} come from elsewhere than the public registry; advisories were not \
             applied to them"
        ),
    ))
}

/// The graph, with the project itself as its first package.
fn link(ecosystem: &Ecosystem, name: &str, packages: Vec<Listed>) -> DependencyGraph {
    let mut by_name = HashMap::<String, Vec<Node>>::new();
    for (index, package) in packages.iter().enumerate() {
        let name = normalised(ecosystem, &package.name).into_owned();
        by_name.entry(name).or_default().push(Node(index + 1));
    }
    let id = |name: String, version: String| PackageVersion {
        ecosystem: ecosystem.clone(),
        name,
        version,
    };
    let asked = packages.iter().enumerate();
    let asked = asked.filter(|(_, package)| package.asked.is_some());
    let own = LockedPackage {
        id: id(name.to_owned(), String::new()),
        source: Source::Local,
        checksum: None,
        dependencies: asked.map(|(index, _)| Node(index + 1)).collect(),
        installation: Installation::default(),
    };
    let kinds: Vec<_> = packages.iter().map(|package| package.asked).collect();
    let compiled: Vec<_> = packages.iter().map(|one| one.compiled.clone()).collect();
    let locked = packages.into_iter().map(|package| {
        let needs = package.needs.iter();
        let mut dependencies: Vec<Node> = needs
            .filter_map(|need| by_name.get(normalised(ecosystem, need).as_ref()))
            .flatten()
            .copied()
            .collect();
        dependencies.sort_unstable();
        dependencies.dedup();
        LockedPackage {
            id: id(package.name, package.version),
            source: package.source,
            checksum: package.checksum,
            dependencies,
            installation: Installation::default(),
        }
    });
    let graph = DependencyGraph::new(std::iter::once(own).chain(locked).collect());
    let kinds = spread(&graph, &kinds);
    let uses = kinds.into_iter().zip(
        // The project itself is built.
        std::iter::once(Compiled::Yes).chain(compiled),
    );
    let uses = uses.map(|(kind, compiled)| Use {
        kind: kind.unwrap_or(DependencyKind::Normal),
        compiled,
    });
    let uses = uses.collect();
    graph.with_uses(uses)
}

/// What each package is for: the strongest use of those that lead to it.
fn spread(
    graph: &DependencyGraph,
    asked: &[Option<DependencyKind>],
) -> Vec<Option<DependencyKind>> {
    let mut kinds = vec![None; graph.packages().len()];
    for level in [
        DependencyKind::Normal,
        DependencyKind::Build,
        DependencyKind::Dev,
    ] {
        let begins = asked.iter().enumerate();
        let begins = begins.filter(|(_, kind)| **kind == Some(level));
        let mut stack: Vec<Node> = begins.map(|(index, _)| Node(index + 1)).collect();
        while let Some(node) = stack.pop() {
            if kinds[node.0].is_none() {
                kinds[node.0] = Some(level);
                stack.extend(&graph.package(node).dependencies);
            }
        }
    }
    kinds
}

#[cfg(test)]
mod tests;
