//! Finds the projects of a tree: every `Cargo.lock` with the manifests that it locks.
//!
//! Reads files below one open folder and nothing else, in bounded numbers and sizes;
//! links are not followed. What cannot be read is told beside what could.

mod manifest;
mod members;
mod tree;
mod workspace;

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use backstitch_model::RelPath;
use backstitch_model::project::{DependencyGraph, Problem, Project, Source};
use cap_std::ambient_authority;
use cap_std::fs::Dir;

use crate::lockfile;

use tree::Tree;

pub(crate) use manifest::declares_workspace;

const LOCKFILE: &str = "Cargo.lock";
const MANIFEST: &str = "Cargo.toml";

/// How many manifests without a lockfile are told one by one.
const LOCKLESS_MAX: usize = 20;

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
    let walked = tree::walk(&tree, &[LOCKFILE, MANIFEST]);
    let mut discovery = Discovery {
        projects: Vec::new(),
        problems: walked.problems,
    };
    let mut covered = BTreeSet::new();
    let (lockfiles, manifests): (Vec<_>, Vec<_>) = walked
        .files
        .into_iter()
        .partition(|path| path.file_name() == LOCKFILE);
    for path in &lockfiles {
        match read_among(&tree, path, &manifests) {
            Ok(project) => {
                covered.extend(
                    project
                        .manifests
                        .iter()
                        .map(|manifest| manifest.path.clone()),
                );
                discovery.projects.push(project);
            }
            Err(problem) => discovery.problems.push(problem),
        }
        // Even an unreadable lockfile locks the manifest beside it.
        covered.extend(RelPath::below(path.parent().as_ref(), MANIFEST));
    }
    let lockless = manifests
        .iter()
        .filter(|path| !covered.contains(path))
        .collect();
    tell_lockless(&tree, lockless, &manifests, &mut discovery.problems);
    discovery
}

/// Reads the project of one lockfile.
pub fn read(root: &Dir, lockfile: &RelPath) -> Result<Project, Problem> {
    let tree = Tree::new(root);
    read_among(&tree, lockfile, &tree::walk(&tree, &[MANIFEST]).files)
}

/// Reads the project of one lockfile; `manifests` are those of the whole tree.
fn read_among(
    tree: &Tree<'_>,
    lockfile: &RelPath,
    manifests: &[RelPath],
) -> Result<Project, Problem> {
    let problem = |what| Problem {
        path: lockfile.clone(),
        what,
    };
    let bytes = tree
        .read(lockfile, lockfile::LOCKFILE_BYTES_MAX)
        .map_err(|error| problem(error.to_string()))?;
    let locked = lockfile::parse(&bytes).map_err(|error| problem(error.to_string()))?;
    let mut problems: Vec<_> = locked.problems.into_iter().map(problem).collect();
    let workspace = workspace::read(tree, lockfile.parent().as_ref(), manifests, &mut problems);
    let patched = workspace.patched.iter().chain(&locked.unused_patches);
    problems.extend(patches(&locked.graph, patched, lockfile));
    Ok(Project {
        lockfile: lockfile.clone(),
        graph: locked.graph,
        manifests: workspace.manifests,
        problems,
    })
}

/// A replaced package is not the published one: advisories on that say nothing of it.
fn patches<'name>(
    graph: &DependencyGraph,
    names: impl Iterator<Item = &'name String>,
    lockfile: &RelPath,
) -> Vec<Problem> {
    let names: BTreeSet<&String> = names.collect();
    if names.is_empty() {
        return Vec::new();
    }
    let is_patched = |name: &String| names.contains(name);
    graph
        .packages()
        .iter()
        .filter(|package| is_patched(&package.id.name))
        .map(|package| Problem {
            path: lockfile.clone(),
            what: match package.source {
                Source::PublicRegistry => format!(
                    "`{}` has a patch that is not in use; the published release was looked at",
                    package.id.to_string().escape_debug()
                ),
                Source::Local | Source::OtherRegistry(_) | Source::Git(_) => format!(
                    "`{}` is replaced by a patch; advisories on the published package were not applied to it",
                    package.id.to_string().escape_debug()
                ),
            },
        })
        .collect()
}

/// Tells which manifests no lockfile covers; members of a workspace are told by their root.
/// `lockless` has those nearer the root first.
fn tell_lockless(
    tree: &Tree<'_>,
    lockless: Vec<&RelPath>,
    manifests: &[RelPath],
    problems: &mut Vec<Problem>,
) {
    let mut covered: BTreeSet<RelPath> = BTreeSet::new();
    let mut untold = Vec::new();
    let mut told = 0;
    for path in lockless {
        if covered.contains(path) {
            continue;
        }
        if told == LOCKLESS_MAX {
            untold.push(path);
            continue;
        }
        told += 1;
        covered.extend(workspace::manifests_of(tree, path, manifests));
        problems.push(Problem {
            path: path.clone(),
            what: "no Cargo.lock beside it: what it would build is not known, so nothing was \
                   looked up; run `cargo generate-lockfile` and look again"
                .into(),
        });
    }
    if let Some(&first) = untold.first() {
        problems.push(Problem {
            path: first.clone(),
            what: format!(
                "no Cargo.lock beside it and {} more manifests",
                untold.len() - 1
            ),
        });
    }
}

#[cfg(test)]
mod tests;
