//! What manifests and the registry say of the packages that lead to a finding.
//!
//! Only ancestors of findings are asked about: a package's features come from the packages
//! that depend on it, which are ancestors too, so nothing else can matter.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use backstitch_model::project::{
    DependencyGraph, DependencyKind, LockedPackage, Manifest, Node, Project, Requirement, Source,
};
use backstitch_model::registry::Releases;
use semver::{Version, VersionReq};

use super::manifests::Manifests;

/// How many packages of one name a package may depend on before its requirements are not
/// told apart any more: trying each for each would take quadratic time.
const CANDIDATES_MAX: usize = 64;

/// Everything known of a project's packages, as far as it can matter to its findings.
#[derive(Debug)]
pub(super) struct Facts {
    packages: Vec<Option<Package>>,
    /// The nearest package above each one of which nothing more is known.
    unknown_above: Vec<Option<Node>>,
    /// The workspace's members, whose default features are built.
    members: Vec<Node>,
    own: Vec<Node>,
    /// Are features of all kinds of dependencies and platforms one, as in resolver 1?
    pub(super) unified: bool,
}

/// What is known of one package.
#[derive(Debug, Default)]
pub(super) struct Package {
    pub(super) edges: Vec<Edge>,
    /// Places in `edges`, by the key of the requirement.
    by_key: HashMap<String, Vec<usize>>,
    pub(super) features: BTreeMap<String, Vec<String>>,
    /// Optional dependencies that are features of their own, since no `dep:` names them.
    pub(super) implicit: BTreeSet<String>,
    /// Why nothing more is known, where so.
    unknown: Option<Unknown>,
}

/// Why nobody says what a package's dependencies are for. A sentence is made of it only
/// where one is asked for: a large lockfile has many such packages.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Unknown {
    NoManifest,
    NoRegistry,
    OtherSource,
    NotPublished,
    Unavailable(String),
}

impl Unknown {
    fn sentence(&self, package: &LockedPackage) -> String {
        let name = package.id.name.escape_debug();
        match self {
            Self::NoManifest => format!("the manifest of `{name}` is not at hand"),
            Self::NoRegistry => format!(
                "the registry's index, which tells the features of `{name}`, is not at hand"
            ),
            Self::OtherSource => {
                format!("the public registry does not tell the features of `{name}`")
            }
            Self::NotPublished => {
                let version = package.id.version.escape_debug();
                format!("the registry's index does not have `{name}` at {version}")
            }
            Self::Unavailable(why) => why.clone(),
        }
    }
}

/// A dependency that the lockfile has, with what it is for.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) to: Node,
    /// `None` where nobody says what it is for. Boxed, since a large lockfile has many
    /// edges and few of them with a requirement at hand.
    pub(super) requirement: Option<Box<Requirement>>,
}

impl Package {
    /// Does a manifest or the registry tell its dependencies and features?
    pub(super) fn is_known(&self) -> bool {
        self.unknown.is_none()
    }

    /// The edges of requirements called `key`.
    pub(super) fn keyed(&self, key: &str) -> impl Iterator<Item = (&Edge, &Requirement)> {
        let places = self.by_key.get(key).map_or(&[][..], Vec::as_slice);
        places
            .iter()
            .filter_map(|&place| self.edges.get(place))
            .filter_map(|edge| Some((edge, edge.requirement.as_deref()?)))
    }
}

impl Edge {
    /// What it is for; taken for the strongest where nobody says.
    pub(super) fn kind(&self) -> DependencyKind {
        let stated = self
            .requirement
            .as_ref()
            .map(|requirement| requirement.kind);
        stated.unwrap_or(DependencyKind::Normal)
    }
}

impl Facts {
    /// Gathers what is known of the ancestors of `nodes`.
    pub(super) fn gather(
        project: &Project,
        nodes: &[Node],
        releases: Option<&dyn Releases>,
    ) -> Self {
        let graph = &project.graph;
        let relevant = ancestors(graph, nodes);
        let manifests = Manifests::new(&project.manifests);
        let mut packages: Vec<Option<Package>> = Vec::with_capacity(relevant.len());
        for (node, package) in graph.nodes() {
            packages.push(relevant[node.0].then(|| {
                let stated = match package.source {
                    Source::Local => manifests
                        .of(package)
                        .map(Stated::of_manifest)
                        .ok_or(Unknown::NoManifest),
                    Source::PublicRegistry => Stated::of_registry(package, releases),
                    Source::Git(_) | Source::OtherRegistry(_) => Err(Unknown::OtherSource),
                };
                link(graph, node, &relevant, stated)
            }));
        }
        let own = |node: &Node| graph.package(*node).source == Source::Local;
        let own: Vec<Node> = graph.nodes().map(|(node, _)| node).filter(own).collect();
        let is_member = |node: &&Node| manifests.is_member(graph.package(**node));
        Self {
            unknown_above: unknown_above(graph, &packages),
            members: own.iter().filter(is_member).copied().collect(),
            own,
            packages,
            unified: manifests.unified(),
        }
    }

    pub(super) fn of(&self, node: Node) -> Option<&Package> {
        self.packages[node.0].as_ref()
    }

    pub(super) fn len(&self) -> usize {
        self.packages.len()
    }

    pub(super) fn members(&self) -> &[Node] {
        &self.members
    }

    /// The project's own packages.
    pub(super) fn own(&self) -> impl Iterator<Item = Node> {
        self.own.iter().copied()
    }

    /// The nearest reason why nobody can say whether `node` is built.
    pub(super) fn why_unknown(&self, graph: &DependencyGraph, node: Node) -> String {
        self.unknown_above[node.0]
            .and_then(|above| {
                let unknown = self.of(above)?.unknown.as_ref()?;
                Some(unknown.sentence(graph.package(above)))
            })
            .unwrap_or_else(|| "the lockfile and the manifests do not agree".to_owned())
    }
}

/// One search down from all unknown packages at once.
fn unknown_above(graph: &DependencyGraph, packages: &[Option<Package>]) -> Vec<Option<Node>> {
    let mut above = vec![None; packages.len()];
    let is_unknown = |node: Node| {
        packages[node.0]
            .as_ref()
            .is_some_and(|package| !package.is_known())
    };
    let unknown = graph
        .nodes()
        .map(|(node, _)| node)
        .filter(|node| is_unknown(*node));
    let mut queue: VecDeque<(Node, Node)> = unknown.map(|node| (node, node)).collect();
    while let Some((node, source)) = queue.pop_front() {
        for &below in &graph.package(node).dependencies {
            if above[below.0].is_none() {
                above[below.0] = Some(source);
                if !is_unknown(below) {
                    queue.push_back((below, source));
                }
            }
        }
    }
    above
}

fn ancestors(graph: &DependencyGraph, nodes: &[Node]) -> Vec<bool> {
    let mut seen = vec![false; graph.packages().len()];
    let mut stack = nodes.to_vec();
    while let Some(node) = stack.pop() {
        if !std::mem::replace(&mut seen[node.0], true) {
            stack.extend(graph.parents(node));
        }
    }
    seen
}

/// What a manifest or a release states, the same for both.
struct Stated {
    requirements: Vec<Requirement>,
    features: BTreeMap<String, Vec<String>>,
}

impl Stated {
    fn of_manifest(manifest: &Manifest) -> Self {
        Self {
            requirements: manifest.requirements.clone(),
            features: manifest.features.clone(),
        }
    }

    fn of_registry(
        package: &LockedPackage,
        releases: Option<&dyn Releases>,
    ) -> Result<Self, Unknown> {
        let releases = releases
            .ok_or(Unknown::NoRegistry)?
            .releases(&package.id.name)
            .map_err(|error| Unknown::Unavailable(error.to_string()))?;
        let release = releases
            .iter()
            .find(|release| release.version == package.id.version)
            .ok_or(Unknown::NotPublished)?;
        Ok(Self {
            // A published package's tests are nobody's but its own.
            requirements: release
                .requirements
                .iter()
                .filter(|requirement| requirement.kind != DependencyKind::Dev)
                .cloned()
                .collect(),
            features: release.features.clone(),
        })
    }
}

/// Joins the lockfile's edges with what is stated of them.
fn link(
    graph: &DependencyGraph,
    node: Node,
    relevant: &[bool],
    stated: Result<Stated, Unknown>,
) -> Package {
    // All of them are told apart by version, and then those that matter are kept.
    let targets = &graph.package(node).dependencies;
    let unexplained = |to: &Node| Edge {
        to: *to,
        requirement: None,
    };
    let mut package = match stated {
        Err(why) => Package {
            edges: targets.iter().map(unexplained).collect(),
            unknown: Some(why),
            ..Package::default()
        },
        Ok(stated) => {
            let implicit = implicit_features(&stated);
            let mut edges = explained(graph, targets, stated.requirements);
            let explained: BTreeSet<Node> = edges.iter().map(|edge| edge.to).collect();
            let left = targets.iter().filter(|to| !explained.contains(to));
            edges.extend(left.map(unexplained));
            Package {
                edges,
                features: stated.features,
                implicit,
                ..Package::default()
            }
        }
    };
    package.edges.retain(|edge| relevant[edge.to.0]);
    for (place, edge) in package.edges.iter().enumerate() {
        if let Some(requirement) = &edge.requirement {
            let places = package.by_key.entry(requirement.key.clone()).or_default();
            places.push(place);
        }
    }
    package
}

/// Optional dependencies are features by their own name unless some feature says `dep:`.
fn implicit_features(stated: &Stated) -> BTreeSet<String> {
    let hidden: BTreeSet<&str> = stated
        .features
        .values()
        .flatten()
        .filter_map(|value| value.strip_prefix("dep:"))
        .collect();
    stated
        .requirements
        .iter()
        .filter(|requirement| requirement.optional)
        .map(|requirement| requirement.key.as_str())
        .filter(|key| !hidden.contains(key) && !stated.features.contains_key(*key))
        .map(str::to_owned)
        .collect()
}

/// Finds the locked package that each requirement means.
fn explained(
    graph: &DependencyGraph,
    targets: &[Node],
    requirements: Vec<Requirement>,
) -> Vec<Edge> {
    let mut by_name: HashMap<&str, Vec<Node>> = HashMap::new();
    for &target in targets {
        let name = graph.package(target).id.name.as_str();
        by_name.entry(name).or_default().push(target);
    }
    let mut edges = Vec::new();
    for requirement in requirements {
        let Some(candidates) = by_name.get(requirement.package.as_str()) else {
            continue;
        };
        if candidates.len() > CANDIDATES_MAX {
            continue;
        }
        for to in meant(graph, candidates, &requirement.version) {
            let requirement = Some(Box::new(requirement.clone()));
            edges.push(Edge { to, requirement });
        }
    }
    edges
}

/// The newest candidate that the requirement allows; none where it allows none, such as for
/// an optional dependency that is not locked. All of them where versions do not tell: a
/// path or repository without a requirement, or a version that cannot be read.
fn meant(graph: &DependencyGraph, candidates: &[Node], requirement: &str) -> Vec<Node> {
    let version = |node: &Node| Version::parse(&graph.package(*node).id.version).ok();
    let versions: Option<Vec<_>> = candidates.iter().map(version).collect();
    let (Some(versions), Ok(required)) = (versions, requirement.parse::<VersionReq>()) else {
        return candidates.to_vec();
    };
    if required == VersionReq::STAR {
        return candidates.to_vec();
    }
    candidates
        .iter()
        .zip(versions)
        .filter(|(_, version)| required.matches(version))
        .max_by(|(_, left), (_, right)| left.cmp(right))
        .map(|(node, _)| *node)
        .into_iter()
        .collect()
}
