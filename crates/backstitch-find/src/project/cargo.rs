//! Reads the project of one `Cargo.lock`: the graph and the manifests that it locks.

use std::collections::BTreeSet;

use backstitch_model::project::{DependencyGraph, Problem, Project, Source};
use backstitch_model::{LockFormat, RelPath};

use super::tree::Tree;
use super::workspace;
use crate::lockfile;

/// The name of its manifests.
pub(super) const MANIFEST: &str = "Cargo.toml";

/// How many manifests without a lockfile are told one by one.
const LOCKLESS_MAX: usize = 20;

/// Reads the project of one lockfile; `manifests` are those of the whole tree.
pub(super) fn read(
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
        format: LockFormat::Cargo,
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
pub(super) fn tell_lockless(
    tree: &Tree<'_>,
    lockless: &[RelPath],
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
    if let Some(first) = untold.first() {
        problems.push(Problem {
            path: RelPath::clone(first),
            what: format!(
                "no Cargo.lock beside it and {} more manifests",
                untold.len() - 1
            ),
        });
    }
}
