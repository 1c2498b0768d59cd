//! Finds the projects of a tree: every lockfile with the manifests that it locks.
//!
//! Reads files below one open folder and nothing else, in bounded numbers and sizes;
//! links are not followed. What cannot be read is told beside what could.

mod cargo;
mod npm;

mod python;

mod listing;

mod manifest;
mod members;
mod tree;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use backstitch_model::pins::Resolved;
use backstitch_model::project::{Problem, Project};
use backstitch_model::{LockFormat, RelPath};
use cap_std::ambient_authority;
use cap_std::fs::Dir;

use tree::Tree;

pub(crate) use manifest::declares_workspace;

/// What a tree holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Discovery {
    /// One project a lockfile, the tree's own first, then by path.
    pub projects: Vec<Project>,
    /// What could not be read, or is no project; each project has its own problems too.
    pub problems: Vec<Problem>,
}

/// Opens the folder of a project; nothing outside it can be reached through the result.
pub fn open(path: &Path) -> io::Result<Dir> {
    Dir::open_ambient_dir(path, ambient_authority())
}

/// Finds and reads every project below `root`.
pub fn projects(root: &Dir) -> Discovery {
    let tree = Tree::new(root);
    let walked = tree::walk(&tree, |path| {
        LockFormat::of(path).is_some_and(|format| !is_brought(format, path)) || is_manifest(path)
    });
    let mut discovery = Discovery {
        projects: Vec::new(),
        problems: walked.problems,
    };
    let mut covered = BTreeSet::new();
    let (lockfiles, manifests): (Vec<_>, Vec<_>) = walked
        .files
        .into_iter()
        .partition(|path| LockFormat::of(path).is_some());
    let manifests = Manifests::new(manifests);
    let lockfiles = python::without_locked(&tree, lockfiles);
    for path in &leading(&tree, lockfiles) {
        match read_among(&tree, path, &manifests) {
            Ok(project) => {
                let paths = project.manifests.iter().map(|manifest| &manifest.path);
                covered.extend(paths.cloned());
                discovery.projects.push(project);
            }
            Err(problem) => discovery.problems.push(problem),
        }
        // Even an unreadable lockfile locks the manifest beside it.
        covered.extend(
            manifest_name(path).and_then(|name| RelPath::below(path.parent().as_ref(), name).ok()),
        );
    }
    let lockless = |manifests: &'_ [RelPath]| -> Vec<RelPath> {
        let left = manifests.iter().filter(|path| !covered.contains(path));
        left.cloned().collect()
    };
    let told = &mut discovery.problems;
    cargo::tell_lockless(&tree, &lockless(&manifests.cargo), &manifests.cargo, told);
    npm::tell_lockless(&tree, &lockless(&manifests.node), told);
    discovery
}

/// Reads the project of one lockfile.
pub fn read(root: &Dir, lockfile: &RelPath) -> Result<Project, Problem> {
    let tree = Tree::new(root);
    let manifests = Manifests::new(tree::walk(&tree, is_manifest).files);
    read_among(&tree, lockfile, &manifests)
}

/// Reads the project of one requirements file together with what pip would install for what it
/// does not pin.
pub fn read_resolved(
    root: &Dir,
    lockfile: &RelPath,
    resolved: &[Resolved],
) -> Result<Project, Problem> {
    python::read_resolved(&Tree::new(root), lockfile, resolved)
}

/// Do the project's files list every package that is built? A `pom.xml` names only what is
/// asked for, and so does an old `go.mod`.
pub fn is_whole(project: &Project) -> bool {
    match project.format {
        LockFormat::Maven => false,
        LockFormat::GoMod => {
            let mut manifests = project.manifests.iter();
            manifests.all(|manifest| listing::lists_all(&manifest.text))
        }
        // One that names no exact version is as good as no lockfile.
        LockFormat::Requirements => project.graph.packages().len() > 1,
        LockFormat::Cargo
        | LockFormat::Npm
        | LockFormat::Pnpm
        | LockFormat::Yarn
        | LockFormat::Poetry
        | LockFormat::Uv
        | LockFormat::Pipenv
        | LockFormat::Gemfile
        | LockFormat::Composer => true,
    }
}

/// The manifests of a tree, by the package managers that read them.
struct Manifests {
    cargo: Vec<RelPath>,
    node: Vec<RelPath>,
}

impl Manifests {
    fn new(files: Vec<RelPath>) -> Self {
        let (cargo, node) = files
            .into_iter()
            .partition(|path| path.file_name() == cargo::MANIFEST);
        Self { cargo, node }
    }
}

/// Reads the project of one lockfile; `manifests` are those of the whole tree.
fn read_among(
    tree: &Tree<'_>,
    lockfile: &RelPath,
    manifests: &Manifests,
) -> Result<Project, Problem> {
    match LockFormat::of(lockfile) {
        // Who names a file of another name means a `Cargo.lock`.
        Some(LockFormat::Cargo) | None => cargo::read(tree, lockfile, &manifests.cargo),
        Some(format @ (LockFormat::Npm | LockFormat::Pnpm | LockFormat::Yarn)) => {
            npm::read(tree, lockfile, format, &manifests.node)
        }
        Some(
            format @ (LockFormat::Requirements
            | LockFormat::Poetry
            | LockFormat::Uv
            | LockFormat::Pipenv),
        ) => python::read(tree, lockfile, format),
        Some(
            format @ (LockFormat::GoMod
            | LockFormat::Gemfile
            | LockFormat::Composer
            | LockFormat::Maven),
        ) => listing::read(tree, lockfile, format),
    }
}

/// The lockfiles without those that another one includes, and without what only has the name
/// of one. Of files that include each other the first leads.
fn leading(tree: &Tree<'_>, lockfiles: Vec<RelPath>) -> Vec<RelPath> {
    let mut includes = BTreeMap::new();
    let mut kept = Vec::new();
    for path in lockfiles {
        let inner = match LockFormat::of(&path) {
            Some(LockFormat::Requirements) if !python::is_manifest(&path) => {
                python::includes(tree, &path)
            }
            Some(LockFormat::Maven) => Some(listing::modules(tree, &path)),
            Some(_) | None => Some(Vec::new()),
        };
        if let Some(inner) = inner {
            includes.insert(path.clone(), inner);
            kept.push(path);
        }
    }
    let inner: BTreeSet<&RelPath> = includes
        .iter()
        .flat_map(|(outer, paths)| paths.iter().filter(move |path| *path != outer))
        .collect();
    let (inner, outer): (Vec<_>, Vec<_>) = kept.iter().partition(|path| inner.contains(path));
    let mut covered = BTreeSet::new();
    let mut leading = BTreeSet::new();
    for path in outer.into_iter().chain(inner) {
        if covered.contains(path) {
            continue;
        }
        leading.insert(path.clone());
        let mut pending = vec![path];
        while let Some(path) = pending.pop() {
            if covered.insert(path) {
                pending.extend(includes.get(path).into_iter().flatten());
            }
        }
    }
    kept.retain(|path| leading.contains(path));
    kept
}

/// The name of the manifest beside a lockfile, where there must be one.
fn manifest_name(lockfile: &RelPath) -> Option<&'static str> {
    match LockFormat::of(lockfile)? {
        LockFormat::Npm | LockFormat::Pnpm | LockFormat::Yarn => Some(npm::MANIFEST),
        LockFormat::Cargo => Some(cargo::MANIFEST),
        LockFormat::Requirements
        | LockFormat::Poetry
        | LockFormat::Uv
        | LockFormat::Pipenv
        | LockFormat::GoMod
        | LockFormat::Gemfile
        | LockFormat::Composer
        | LockFormat::Maven => None,
    }
}

/// Is it a file of what was brought in, or of what only tests read? Go and Composer keep what
/// they bring in `vendor`, and Bundler can; Go leaves `testdata` out of every build.
fn is_brought(format: LockFormat, path: &RelPath) -> bool {
    let apart: &[&str] = match format {
        LockFormat::GoMod => &["vendor", "testdata"],
        LockFormat::Gemfile | LockFormat::Composer => &["vendor"],
        LockFormat::Cargo
        | LockFormat::Npm
        | LockFormat::Pnpm
        | LockFormat::Yarn
        | LockFormat::Requirements
        | LockFormat::Poetry
        | LockFormat::Uv
        | LockFormat::Pipenv
        | LockFormat::Maven => &[],
    };
    path.as_str().split('/').any(|part| apart.contains(&part))
}

fn is_manifest(path: &RelPath) -> bool {
    [cargo::MANIFEST, npm::MANIFEST].contains(&path.file_name())
}

#[cfg(test)]
mod tests;
