//! Reads a `pyproject.toml` that no lockfile stands beside: what it asks for, with what pip would
//! install for that where somebody asked.
//!
//! What tests use is known by the usual names of extras and groups; what other extras ask for is
//! told, and not looked up.

use std::collections::BTreeSet;

use backstitch_model::pins::Resolved;
use backstitch_model::project::{DependencyKind, Manifest, Problem, Project, Requirement, Source};
use backstitch_model::{LockFormat, RelPath, python};

use super::graph::{Package, Want};
use super::{assemble, problem, read_manifest, requirements, want};
use crate::project::tree::Tree;
use crate::python::normalised;

/// How many packages pip may have answered.
const RESOLVED_MAX: usize = 20_000;

/// The lockfiles that stand for what a `pyproject.toml` beside or below them asks for.
const LOCKFILES: &[&str] = &["poetry.lock", "uv.lock", "Pipfile.lock"];

/// Does a `pyproject.toml` ask for packages that no other file of the tree pins? `others` are the
/// requirements files of the tree.
pub(super) fn stands_alone(tree: &Tree<'_>, path: &RelPath, others: &[RelPath]) -> bool {
    let folder = path.parent();
    let mut above = Some(folder.clone());
    while let Some(here) = above {
        let is_locked = LOCKFILES.iter().any(|name| {
            RelPath::below(here.as_ref(), name).is_ok_and(|lockfile| tree.has(&lockfile))
        });
        if is_locked {
            return false;
        }
        above = here.map(|here| here.parent());
    }
    let is_beside = |other: &RelPath| {
        let of = other.parent();
        of == folder || of.is_some_and(|of| of.parent() == folder)
    };
    if others.iter().any(is_beside) {
        return false;
    }
    match read_manifest(tree, path) {
        Ok(manifest) => !manifest.requirements.is_empty(),
        // What cannot be read is told by whoever reads it.
        Err(_) => true,
    }
}

/// Reads the project; `resolved` is what pip would install, where somebody asked.
pub(super) fn read(
    tree: &Tree<'_>,
    path: &RelPath,
    resolved: &[Resolved],
) -> Result<Project, Problem> {
    let manifest = read_manifest(tree, path)?;
    let (name, version) = manifest.package.clone().unwrap_or_default();
    let tested = tested_extras(&manifest);
    let mut asked = Asked::default();
    let own = normalised(&name);
    let requirements = manifest.requirements.iter();
    for requirement in requirements.filter(|one| normalised(&one.package) != own) {
        asked.take(requirement, &tested);
    }
    let mut packages: Vec<Package> = resolved
        .iter()
        .take(RESOLVED_MAX)
        .map(requirements::resolved_package)
        .collect();
    let known: BTreeSet<String> = packages.iter().map(|one| normalised(&one.name)).collect();
    let unknown = asked.plain.iter().filter(|name| !known.contains(*name));
    let mut problems: Vec<Problem> = told(
        unknown,
        "no lockfile is beside it, and nothing was looked up for that; `backstitch run` asks pip",
    )
    .chain(told(
        asked.optional.iter().filter(|name| !known.contains(*name)),
        "only extras that no test is known to use ask for that; nothing was looked up for it",
    ))
    .map(|what| problem(path, what))
    .collect();
    problems.truncate(2);
    packages.extend(asked.elsewhere);
    let root = Package {
        name: if name.is_empty() {
            path.to_string()
        } else {
            name
        },
        version,
        source: Some(Source::Local),
        wants: asked.wants,
        ..Package::default()
    };
    let mut manifests = vec![manifest];
    let setup = RelPath::below(path.parent().as_ref(), "setup.cfg");
    let setup = setup.ok().filter(|setup| tree.has(setup));
    manifests.extend(setup.and_then(|setup| read_manifest(tree, &setup).ok()));
    Ok(assemble(
        (path, LockFormat::Requirements),
        root,
        packages,
        (manifests, problems),
    ))
}

#[derive(Default)]
struct Asked {
    wants: Vec<Want>,
    /// What comes from elsewhere than an index.
    elsewhere: Vec<Package>,
    /// The names of what is installed for the tests.
    plain: BTreeSet<String>,
    /// The names of what only other extras ask for.
    optional: BTreeSet<String>,
}

impl Asked {
    fn take(&mut self, requirement: &Requirement, tested: &BTreeSet<String>) {
        let name = normalised(&requirement.package);
        let is_tested = requirement.optional && tested.contains(&name);
        let mut wanted = want(requirement);
        if is_tested {
            wanted.only_for = None;
            wanted.kind = DependencyKind::Dev;
        }
        self.wants.push(wanted);
        if let Some(address) = requirement.version.strip_prefix("@ ") {
            self.elsewhere.push(Package {
                name: requirement.package.clone(),
                source: Some(requirements::source_of(address)),
                ..Package::default()
            });
        } else if requirement.optional && !is_tested {
            self.optional.insert(name);
        } else {
            self.plain.insert(name);
        }
    }
}

/// The packages that the extras of the tests ask for.
fn tested_extras(manifest: &Manifest) -> BTreeSet<String> {
    let extras = manifest.features.iter();
    extras
        .filter(|(extra, _)| python::is_for_tests(extra))
        .flat_map(|(_, packages)| packages.iter().map(|name| normalised(name)))
        .collect()
}

/// One sentence about some names.
fn told<'names>(
    mut names: impl Iterator<Item = &'names String>,
    what: &str,
) -> impl Iterator<Item = String> {
    let first = names.next().map(|first| {
        let more = match names.count() {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        format!("`{}`{more}: {what}", first.escape_debug())
    });
    first.into_iter()
}
