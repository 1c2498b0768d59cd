//! What is locked, seen as the search sees it: versions that can be compared, and who requires
//! whom.

use std::collections::HashMap;

use backstitch_model::project::{Node, Project, Source};
use backstitch_model::python::MANIFEST;
use backstitch_model::{LockFormat, RelPath};
use pep440_rs::Version;

use super::catalogue::{Catalogue, plain};
use super::version::Range;

/// The project as it is.
pub(super) struct Locked<'given> {
    pub(super) project: &'given Project,
    pub(super) catalogue: Catalogue<'given>,
    versions: Vec<Option<Version>>,
    by_name: HashMap<String, Vec<Node>>,
    own: Vec<Own<'given>>,
    /// Does the lockfile say which package requires which?
    tells_edges: bool,
}

/// A requirement of the project's own files.
pub(super) struct Own<'given> {
    pub(super) manifest: &'given RelPath,
    /// The package, as written.
    pub(super) key: &'given str,
    /// The package, normalised.
    pub(super) package: String,
    pub(super) text: &'given str,
    pub(super) range: Range,
}

impl<'given> Locked<'given> {
    pub(super) fn new(project: &'given Project, catalogue: Catalogue<'given>) -> Self {
        let graph = &project.graph;
        let mut by_name = HashMap::<_, Vec<_>>::new();
        for (node, package) in graph.nodes() {
            let name = plain(&package.id.name);
            by_name.entry(name).or_default().push(node);
        }
        let is_own = |node: Node| graph.package(node).source == Source::Local;
        let packages = || graph.nodes().filter(|(node, _)| !is_own(*node));
        Self {
            project,
            catalogue,
            versions: graph
                .packages()
                .iter()
                .map(|package| package.id.version.parse().ok())
                .collect(),
            by_name,
            own: own(project),
            tells_edges: packages().any(|(_, package)| !package.dependencies.is_empty()),
        }
    }

    /// Is it a manifest that nothing locks?
    pub(super) fn is_alone(&self) -> bool {
        self.project.lockfile.file_name() == MANIFEST
    }

    /// The locked packages of a name.
    pub(super) fn named(&self, name: &str) -> &[Node] {
        self.by_name.get(&plain(name)).map_or(&[], Vec::as_slice)
    }

    pub(super) fn name(&self, node: Node) -> &str {
        &self.project.graph.package(node).id.name
    }

    /// A locked package's version, where it can be compared.
    pub(super) fn version(&self, node: Node) -> Option<&Version> {
        self.versions[node.0].as_ref()
    }

    /// Only what comes from the index is moved.
    pub(super) fn is_movable(&self, node: Node) -> bool {
        self.project.graph.package(node).source == Source::PublicRegistry
            && self.version(node).is_some()
    }

    pub(super) fn has_hashes(&self, node: Node) -> bool {
        self.project.graph.package(node).checksum.is_some()
    }

    /// The published packages that may require `node`: where the lockfile does not say who
    /// does, every one.
    pub(super) fn dependents(&self, node: Node) -> Vec<Node> {
        let graph = &self.project.graph;
        let all = || graph.nodes().map(|(other, _)| other).collect::<Vec<_>>();
        let parents = if self.tells_edges {
            graph.parents(node).to_vec()
        } else {
            all()
        };
        let mut parents: Vec<_> = parents
            .into_iter()
            .filter(|&parent| parent != node && self.is_movable(parent))
            .collect();
        parents.sort();
        parents.dedup();
        parents
    }

    /// The project's own requirements that keep a package from going to `to`. One that the
    /// locked version does not meet is not in force.
    pub(super) fn broken(&self, node: Node, to: &Version) -> Vec<&Own<'given>> {
        let Some(from) = self.version(node) else {
            return Vec::new();
        };
        let own = self.own(self.name(node));
        own.filter(|own| own.range.admits(from) && !own.range.admits(to))
            .collect()
    }

    /// The project's own requirements on a package.
    fn own(&self, name: &str) -> impl Iterator<Item = &Own<'given>> {
        let name = plain(name);
        self.own.iter().filter(move |own| own.package == name)
    }
}

/// Of the files of a requirements file's project, which pin what is installed? Those that end
/// with `.in` say what they are made from.
pub(super) fn is_requirements(path: &RelPath) -> bool {
    let name = path.file_name();
    !matches!(name, MANIFEST | "setup.cfg") && name.strip_suffix(".in").is_none()
}

/// What stands in manifests. The pins of requirements files are what changes, and hold nothing.
fn own(project: &Project) -> Vec<Own<'_>> {
    // A manifest that stands for a lockfile holds what it asks for all the same.
    let is_lock = |path: &RelPath| {
        *path == project.lockfile && path.file_name() != MANIFEST
            || project.format == LockFormat::Requirements && is_requirements(path)
    };
    let manifests = project.manifests.iter();
    manifests
        .flat_map(|manifest| {
            // Of a requirements file, only what is no pin holds anything.
            let is_lock = is_lock(&manifest.path);
            let is_loose = project.format == LockFormat::Requirements;
            let requirements = manifest.requirements.iter().filter(move |requirement| {
                !is_lock || is_loose && !requirement.version.trim_start().starts_with("==")
            });
            requirements.filter_map(|requirement| {
                Some(Own {
                    manifest: &manifest.path,
                    key: &requirement.key,
                    package: plain(&requirement.package),
                    text: &requirement.version,
                    range: Range::parse(&requirement.version)?,
                })
            })
        })
        .collect()
}
