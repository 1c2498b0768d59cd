//! Reads Python projects: one lockfile of Poetry, uv or Pipenv, one requirements file that pins
//! what it lists, or one `pyproject.toml` that nothing locks, with the manifests around it.
//!
//! The project itself is a package of the graph; what lockfiles say of groups, extras and
//! markers becomes what is known of each package's use. Where several problems are alike, one
//! is told.

mod graph;
mod manifest;

mod pipenv;
mod poetry;
mod pyproject;
mod requirements;
mod uv;

use std::collections::BTreeSet;

use backstitch_model::pins::Resolved;
use backstitch_model::project::{DependencyKind, Manifest, Problem, Project, Requirement, Source};
use backstitch_model::{LockFormat, RelPath};

use self::graph::{Package, Want};
use super::tree::Tree;
use crate::python::{Environment, Marker};

pub(super) use requirements::includes;

/// The largest lockfile that is read, in bytes.
const LOCKFILE_BYTES_MAX: u64 = 16 << 20;

/// The largest manifest that is read, in bytes.
const MANIFEST_BYTES_MAX: u64 = 2 << 20;

/// The least Python that is taken for granted where a project does not say: an older one has
/// had no fixes of its own for years.
const PYTHON_MIN: [u64; 2] = [3, 8];

/// What a lockfile's reader found.
#[derive(Default)]
struct Read {
    /// The project's own package, where the lockfile has it.
    root: Option<Package>,
    packages: Vec<Package>,
    /// What is odd about it, each in a sentence.
    problems: Vec<String>,
}

/// Reads the project of one lockfile, or of one requirements file.
pub(super) fn read(
    tree: &Tree<'_>,
    lockfile: &RelPath,
    format: LockFormat,
) -> Result<Project, Problem> {
    if format == LockFormat::Requirements {
        return read_resolved(tree, lockfile, &[]);
    }
    let text = read_text(tree, lockfile)?;
    let read = match format {
        LockFormat::Uv => uv::parse(&text),
        LockFormat::Pipenv => pipenv::parse(&text),
        LockFormat::Poetry
        | LockFormat::Requirements
        | LockFormat::Cargo
        | LockFormat::Npm
        | LockFormat::Pnpm
        | LockFormat::Yarn
        | LockFormat::GoMod
        | LockFormat::Gemfile
        | LockFormat::Composer
        | LockFormat::Maven => poetry::parse(&text),
    };
    let read = read.map_err(|what| problem(lockfile, what))?;
    let mut problems = Vec::new();
    let mut manifests = manifests(tree, lockfile, format, &mut problems);
    problems.extend(
        read.problems
            .into_iter()
            .map(|what| problem(lockfile, what)),
    );
    let mut root = read
        .root
        .unwrap_or_else(|| root(&manifests, &read.packages));
    if root.name.is_empty() {
        root.name = lockfile.to_string();
    }
    // A plan is an edit of the lockfile's own text.
    manifests.push(manifest::plain(lockfile, &text));
    Ok(assemble(
        (lockfile, format),
        root,
        read.packages,
        (manifests, problems),
    ))
}

/// Reads the project of one requirements file, or of one manifest that nothing locks, with what pip
/// would install for what it does not pin.
pub(super) fn read_resolved(
    tree: &Tree<'_>,
    lockfile: &RelPath,
    resolved: &[Resolved],
) -> Result<Project, Problem> {
    if is_manifest(lockfile) {
        pyproject::read(tree, lockfile, resolved)
    } else {
        requirements::read_resolved(tree, lockfile, resolved)
    }
}

/// Leaves out the manifests that something locks.
pub(super) fn without_locked(tree: &Tree<'_>, lockfiles: Vec<RelPath>) -> Vec<RelPath> {
    let is_list = |path: &&RelPath| {
        !is_manifest(path)
            && LockFormat::of(path) == Some(LockFormat::Requirements)
            && includes(tree, path).is_some()
    };
    let lists: Vec<RelPath> = lockfiles.iter().filter(is_list).cloned().collect();
    let is_left =
        |path: &RelPath| !is_manifest(path) || pyproject::stands_alone(tree, path, &lists);
    lockfiles.into_iter().filter(is_left).collect()
}

/// Is it the manifest that stands for a lockfile where there is none?
pub(super) fn is_manifest(path: &RelPath) -> bool {
    path.file_name() == backstitch_model::python::MANIFEST
}

fn assemble(
    (lockfile, format): (&RelPath, LockFormat),
    root: Package,
    packages: Vec<Package>,
    (manifests, mut problems): (Vec<Manifest>, Vec<Problem>),
) -> Project {
    problems.extend(elsewhere(lockfile, &packages));
    let environment = Environment {
        python_min: manifest::least_python(&manifests)
            .or_else(|| Some(pep440_rs::Version::new(PYTHON_MIN))),
        extras: Vec::new(),
    };
    let packages = std::iter::once(root).chain(packages).collect();
    Project {
        lockfile: lockfile.clone(),
        format,
        graph: graph::link(packages, &environment),
        manifests,
        problems,
    }
}

fn problem(path: &RelPath, what: String) -> Problem {
    Problem {
        path: path.clone(),
        what,
    }
}

fn read_text(tree: &Tree<'_>, path: &RelPath) -> Result<String, Problem> {
    let bytes = tree
        .read(path, LOCKFILE_BYTES_MAX)
        .map_err(|error| problem(path, error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| problem(path, "it is not UTF-8 text".into()))
}

/// The manifests beside a lockfile. One that is not there is no problem of its own.
fn manifests(
    tree: &Tree<'_>,
    lockfile: &RelPath,
    format: LockFormat,
    problems: &mut Vec<Problem>,
) -> Vec<Manifest> {
    let name = match format {
        LockFormat::Pipenv => "Pipfile",
        LockFormat::Poetry
        | LockFormat::Uv
        | LockFormat::Requirements
        | LockFormat::Cargo
        | LockFormat::Npm
        | LockFormat::Pnpm
        | LockFormat::Yarn
        | LockFormat::GoMod
        | LockFormat::Gemfile
        | LockFormat::Composer
        | LockFormat::Maven => "pyproject.toml",
    };
    let path = RelPath::below(lockfile.parent().as_ref(), name);
    let path = path.into_iter().find(|path| tree.has(path));
    path.into_iter()
        .filter_map(|path| match read_manifest(tree, &path) {
            Ok(manifest) => Some(manifest),
            Err(told) => {
                problems.push(told);
                None
            }
        })
        .collect()
}

fn read_manifest(tree: &Tree<'_>, path: &RelPath) -> Result<Manifest, Problem> {
    let bytes = tree
        .read(path, MANIFEST_BYTES_MAX)
        .map_err(|error| problem(path, error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| problem(path, "it is not UTF-8".into()))?;
    if path.file_name() == "setup.cfg" {
        return Ok(manifest::plain(path, &text));
    }
    manifest::parse(path, &text).map_err(|what| problem(path, what))
}

/// The project's own package: what its manifest asks for; without one, whatever nobody else
/// asks for.
fn root(manifests: &[Manifest], packages: &[Package]) -> Package {
    let named = manifests
        .iter()
        .find_map(|manifest| manifest.package.clone());
    let (name, version) = named.unwrap_or_default();
    let wants = if manifests.is_empty() {
        unasked(packages)
            .map(|package| Want::of(&package.name))
            .collect()
    } else {
        let requirements = manifests.iter().flat_map(|manifest| &manifest.requirements);
        requirements.map(want).collect()
    };
    Package {
        name,
        version,
        source: Some(Source::Local),
        wants,
        ..Package::default()
    }
}

fn want(requirement: &Requirement) -> Want {
    Want {
        extras: requirement.features.clone(),
        marker: requirement.target.as_deref().map(Marker::parse),
        // Nobody asks the project itself for an extra.
        only_for: requirement.optional.then(Vec::new),
        kind: requirement.kind,
        ..Want::of(&requirement.package)
    }
}

fn unasked(packages: &[Package]) -> impl Iterator<Item = &Package> {
    let wants = packages.iter().flat_map(|package| &package.wants);
    let asked: BTreeSet<String> = wants
        .map(|want| crate::python::normalised(&want.name))
        .collect();
    packages
        .iter()
        .filter(move |package| !asked.contains(&crate::python::normalised(&package.name)))
}

/// Tells in one sentence what was not looked up, since advisories speak of PyPI's packages.
fn elsewhere(lockfile: &RelPath, packages: &[Package]) -> Option<Problem> {
    let mut others = packages.iter().filter(|package| {
        matches!(
            package.source,
            Some(Source::Git(_) | Source::OtherRegistry(_))
        )
    });
    let first = others.next()?;
    let more = match others.count() {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    Some(problem(
        lockfile,
        format!(
            "`{}`{more} come from elsewhere than PyPI; advisories were not applied to them",
            first.name.escape_debug()
        ),
    ))
}

/// Is an index PyPI itself?
fn is_pypi(address: &str) -> bool {
    let address = address.trim_end_matches('/');
    ["https://pypi.org/simple", "https://pypi.python.org/simple"].contains(&address)
}

/// Groups that are not the project's own code, by their usual names.
fn kind_of_group(name: &str) -> DependencyKind {
    match name {
        "main" | "default" => DependencyKind::Normal,
        _ => DependencyKind::Dev,
    }
}

#[cfg(test)]
mod tests;
