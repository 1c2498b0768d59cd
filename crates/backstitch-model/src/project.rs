//! What a project's files say of its dependencies: the locked graph and the manifests.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use crate::finding::Compiled;
use crate::lock::LockFormat;
use crate::package::PackageVersion;
use crate::path::RelPath;

/// A project as far as its files were read: one lockfile and the manifests it locks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The lockfile.
    pub lockfile: RelPath,
    /// Which package manager wrote it.
    pub format: LockFormat,
    /// What the lockfile locks.
    pub graph: DependencyGraph,
    /// The manifests of the project's own packages, the root's first; empty where
    /// only the lockfile was there.
    pub manifests: Vec<Manifest>,
    /// What could not be read, each in a sentence; the rest was read all the same.
    pub problems: Vec<Problem>,
}

/// Something that could not be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub path: RelPath,
    /// What is wrong with it and what follows.
    pub what: String,
}

/// An index into [`DependencyGraph::packages`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(pub usize);

/// The packages of a lockfile and who depends on whom. May hold cycles: a hostile
/// lockfile can, and development dependencies do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DependencyGraph {
    packages: Vec<LockedPackage>,
    /// The parents of all packages in one list, which costs far less than one a package.
    parents: Vec<Node>,
    /// Where in it each package's parents end, and those of the next begin.
    parents_end: Vec<usize>,
    uses: Vec<Use>,
}

/// How a locked package is used, where the lockfile itself says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// What it is for, seen from the project.
    pub kind: DependencyKind,
    /// Is it built or installed at all?
    pub compiled: Compiled,
}

/// One package of a lockfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedPackage {
    /// Name and version.
    pub id: PackageVersion,
    /// Where it comes from.
    pub source: Source,
    /// The checksum the lockfile gives, as written.
    pub checksum: Option<String>,
    /// The packages it depends on.
    pub dependencies: Vec<Node>,
    /// How it is installed, where the lockfile says more than that it is.
    pub installation: Installation,
}

/// How a locked package is installed. The default is what most are: on every platform, and
/// from an archive of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Installation {
    /// The operating systems it is for, as the lockfile names them, `!` before those that it
    /// is not for; every one if empty.
    pub os: Vec<String>,
    /// The processors it is for, in the same way.
    pub cpu: Vec<String>,
    /// Does a copy of it come inside the archive of another package? Then only that can
    /// change it.
    pub bundled: bool,
}

/// Where a locked package comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A folder of the project itself, or one beside it.
    Local,
    /// The ecosystem's public registry, the only source that advisories speak of.
    PublicRegistry,
    /// Another registry, by its address.
    OtherRegistry(String),
    /// A repository, by its address.
    Git(String),
}

impl DependencyGraph {
    /// Builds a graph; a dependency that points at no package is dropped.
    pub fn new(mut packages: Vec<LockedPackage>) -> Self {
        let count = packages.len();
        let mut edges = 0;
        let mut parents_end = vec![0; count];
        for package in &mut packages {
            package.dependencies.retain(|node| node.0 < count);
            edges += package.dependencies.len();
            for dependency in &package.dependencies {
                parents_end[dependency.0] += 1;
            }
        }
        let mut end = 0;
        for place in &mut parents_end {
            // The beginning for now; each parent that is put there moves it on to the end.
            end += std::mem::replace(place, end);
        }
        let mut parents = vec![Node(0); edges];
        for (index, package) in packages.iter().enumerate() {
            for dependency in &package.dependencies {
                let place = &mut parents_end[dependency.0];
                parents[*place] = Node(index);
                *place += 1;
            }
        }
        Self {
            packages,
            parents,
            parents_end,
            uses: Vec::new(),
        }
    }

    /// The same graph with what its lockfile says of each package's use, in the order of the
    /// packages. Where there is none, uses follow from the manifests.
    #[must_use]
    pub fn with_uses(self, uses: Vec<Use>) -> Self {
        Self { uses, ..self }
    }

    /// How the package at `node` is used, where the lockfile says so.
    pub fn used(&self, node: Node) -> Option<&Use> {
        self.uses.get(node.0)
    }

    /// Does the lockfile itself say how its packages are used?
    pub fn tells_uses(&self) -> bool {
        !self.uses.is_empty()
    }

    /// Every package, in the lockfile's order.
    pub fn packages(&self) -> &[LockedPackage] {
        &self.packages
    }

    /// Every package with its node.
    pub fn nodes(&self) -> impl Iterator<Item = (Node, &LockedPackage)> {
        self.packages
            .iter()
            .enumerate()
            .map(|(index, package)| (Node(index), package))
    }

    /// The package at `node`; `node` must come from this graph.
    pub fn package(&self, node: Node) -> &LockedPackage {
        &self.packages[node.0]
    }

    /// The packages that depend on `node`.
    pub fn parents(&self, node: Node) -> &[Node] {
        let begin = match node.0.checked_sub(1) {
            Some(before) => self.parents_end[before],
            None => 0,
        };
        &self.parents[begin..self.parents_end[node.0]]
    }

    /// The nodes of the packages called `name`.
    pub fn named<'graph>(&'graph self, name: &'graph str) -> impl Iterator<Item = Node> + 'graph {
        self.nodes()
            .filter(move |(_, package)| package.id.name == name)
            .map(|(node, _)| node)
    }

    /// The shortest chain of dependencies from one of the project's own packages to
    /// `target`, both included; `None` where nothing of the project's leads there.
    pub fn shortest_path(&self, target: Node) -> Option<Vec<Node>> {
        let mut next = vec![None; self.packages.len()];
        let mut seen = vec![false; self.packages.len()];
        let mut queue = VecDeque::from([target]);
        seen[target.0] = true;
        while let Some(node) = queue.pop_front() {
            if self.package(node).source == Source::Local && node != target {
                return Some(follow(&next, node));
            }
            for &parent in self.parents(node) {
                if !seen[parent.0] {
                    seen[parent.0] = true;
                    next[parent.0] = Some(node);
                    queue.push_back(parent);
                }
            }
        }
        None
    }

    /// Every package from which `target` can be reached, `target` included.
    pub fn ancestors(&self, target: Node) -> Vec<Node> {
        let mut seen = vec![false; self.packages.len()];
        let mut stack = vec![target];
        let mut found = Vec::new();
        while let Some(node) = stack.pop() {
            if !std::mem::replace(&mut seen[node.0], true) {
                found.push(node);
                stack.extend(self.parents(node));
            }
        }
        found
    }
}

fn follow(next: &[Option<Node>], start: Node) -> Vec<Node> {
    let mut path = vec![start];
    let mut node = start;
    while let Some(following) = next[node.0] {
        path.push(following);
        node = following;
    }
    path
}

/// What a dependency is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DependencyKind {
    /// Part of what the package does.
    Normal,
    /// Needed to build the package.
    Build,
    /// Needed by the package's own tests, examples and benchmarks only.
    Dev,
}

/// One package's requirement on another, from a manifest or from a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The name it has in the requiring package.
    pub key: String,
    /// The package's own name.
    pub package: String,
    /// The version requirement as written; `*` where none is.
    pub version: String,
    /// What it is for.
    pub kind: DependencyKind,
    /// The platform it is for, a `cfg(…)` expression or a target triple; every one if `None`.
    pub target: Option<String>,
    /// Is it built only where a feature asks for it, or may it be missing?
    pub optional: bool,
    /// Must whoever uses the package bring it, as with `peerDependencies` of npm?
    pub peer: bool,
    /// Are its default features on?
    pub default_features: bool,
    /// The features it asks for.
    pub features: Vec<String>,
    /// Where `version` stands in the manifest's text, in bytes, where the reader says so and
    /// replacing it there is all that it takes.
    pub place: Option<Range<usize>>,
}

impl Requirement {
    /// A requirement that says nothing but which package, which versions and what for.
    pub fn plain(package: &str, version: &str, kind: DependencyKind) -> Self {
        Self {
            key: package.to_owned(),
            package: package.to_owned(),
            version: version.to_owned(),
            kind,
            target: None,
            optional: false,
            peer: false,
            default_features: true,
            features: Vec::new(),
            place: None,
        }
    }
}

/// A manifest of one of the project's own packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The file.
    pub path: RelPath,
    /// Its text, as it is in the file.
    pub text: String,
    /// The package's name and version; `None` in a workspace's root without a package.
    pub package: Option<(String, String)>,
    /// What it requires; a requirement inherited from the workspace is resolved here.
    pub requirements: Vec<Requirement>,
    /// Its features and what each turns on.
    pub features: BTreeMap<String, Vec<String>>,
    /// The oldest compiler it promises to build with.
    pub rust_version: Option<String>,
    /// The resolver version it asks for (`1`, `2` or `3`), stated or by its edition.
    pub resolver: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::package::Ecosystem;

    fn package(name: &str, source: Source, dependencies: &[usize]) -> LockedPackage {
        LockedPackage {
            id: PackageVersion {
                ecosystem: Ecosystem::CratesIo,
                name: name.into(),
                version: "1.0.0".into(),
            },
            source,
            checksum: None,
            dependencies: dependencies.iter().copied().map(Node).collect(),
            installation: Installation::default(),
        }
    }

    #[test]
    fn the_shortest_path_survives_cycles_and_dangling_edges() {
        let graph = DependencyGraph::new(vec![
            package("root", Source::Local, &[1, 2, 99]),
            package("long", Source::PublicRegistry, &[2, 1]),
            package("short", Source::PublicRegistry, &[3, 1]),
            package("deep", Source::PublicRegistry, &[2]),
        ]);
        assert_eq!(
            graph.shortest_path(Node(3)),
            Some(vec![Node(0), Node(2), Node(3)])
        );
        assert_eq!(graph.shortest_path(Node(0)), None);
        assert_eq!(graph.ancestors(Node(3)).len(), 4);
        assert_eq!(graph.parents(Node(0)), []);
        assert_eq!(graph.parents(Node(2)), [Node(0), Node(1), Node(3)]);
    }
}
