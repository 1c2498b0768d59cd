//! Says how a package got into the project: by which chain, what for, and whether it is
//! built at all on this platform with default features.
//!
//! Pure. `facts` gathers what manifests and the registry say of the packages that lead to
//! a finding, `resolve` works out features as Cargo's resolver does; here the two become
//! answers. What nobody can tell is told as unknown, with the reason.

mod facts;
mod installed;
mod manifests;
mod platform;
mod resolve;

use std::cell::LazyCell;
use std::collections::VecDeque;

use backstitch_model::finding::{Compiled, Reach};
use backstitch_model::package::{Ecosystem, PackageVersion};
use backstitch_model::project::{DependencyGraph, DependencyKind, Node, Project, Source};

use crate::findings::Surroundings;

use facts::Facts;
pub use platform::Platform;
use resolve::{Belief, Platforms, built};

/// The longest chain that is told whole; of a longer one, which no real project has, the
/// ends. Otherwise a hostile lockfile could ask for quadratic memory.
const PATH_PACKAGES_MAX: usize = 128;

/// The answers for one project and the packages that have findings.
#[derive(Debug)]
pub(crate) struct Reaches<'project> {
    graph: &'project DependencyGraph,
    /// The package before each one on a shortest chain from the project; `None` where
    /// nothing of the project's leads to it, or where it is the project's own.
    before: Vec<Option<Node>>,
    /// Where that chain starts.
    start: Vec<Option<Node>>,
    kinds: Vec<Option<DependencyKind>>,
    compiled: Vec<Option<Compiled>>,
}

impl<'project> Reaches<'project> {
    /// Works out the answers for `nodes`, in time linear in the graph's size.
    pub(crate) fn new(
        project: &'project Project,
        nodes: impl Iterator<Item = Node>,
        surroundings: Surroundings<'_>,
    ) -> Self {
        let graph = &project.graph;
        let count = graph.packages().len();
        let nodes: Vec<Node> = nodes.collect();
        if nodes.is_empty() {
            return Self {
                graph,
                before: vec![None; count],
                start: vec![None; count],
                kinds: vec![None; count],
                compiled: vec![None; count],
            };
        }
        let (before, start) = chains(graph);
        if project.format.ecosystem() == Ecosystem::Npm {
            return Self {
                graph,
                before,
                start,
                kinds: installed::kinds(project),
                compiled: installed::compiled(graph, surroundings.platform),
            };
        }
        if graph.tells_uses() {
            return Self::as_told(graph, (before, start));
        }
        if project.manifests.is_empty() {
            let mut compiled = vec![None; count];
            for node in &nodes {
                compiled[node.0] = Some(without_manifests());
            }
            return Self {
                graph,
                before,
                start,
                kinds: vec![None; count],
                compiled,
            };
        }
        let facts = Facts::gather(project, &nodes, surroundings.releases);
        Self {
            graph,
            before,
            start,
            kinds: kinds(graph, &facts),
            compiled: compiled(graph, &facts, &nodes, surroundings.platform),
        }
    }

    /// The answers of a lockfile that says itself how its packages are used.
    fn as_told(
        graph: &'project DependencyGraph,
        (before, start): (Vec<Option<Node>>, Vec<Option<Node>>),
    ) -> Self {
        let uses = || graph.nodes().map(|(node, _)| graph.used(node));
        Self {
            graph,
            before,
            start,
            kinds: uses().map(|used| Some(used?.kind)).collect(),
            compiled: uses().map(|used| Some(used?.compiled.clone())).collect(),
        }
    }

    /// The answer for one of the packages that `new` was asked about.
    pub(crate) fn of(&self, node: Node) -> Reach {
        let is_own = |parent: &Node| self.graph.package(*parent).source == Source::Local;
        Reach {
            direct: self.graph.parents(node).iter().any(is_own),
            path: self.path(node),
            // A chain whose uses nobody states is taken for the strongest.
            kind: self.kinds[node.0].unwrap_or(DependencyKind::Normal),
            compiled: self.compiled[node.0].clone().unwrap_or_else(|| {
                Compiled::Unknown("nothing of the project's leads to it".into())
            }),
        }
    }

    /// A reach that says nothing, to be filled in.
    pub(crate) fn nowhere() -> Reach {
        Reach {
            direct: false,
            path: Vec::new(),
            kind: DependencyKind::Normal,
            compiled: Compiled::Unknown(String::new()),
        }
    }

    fn path(&self, node: Node) -> Vec<PackageVersion> {
        let mut path: Vec<Node> = self.upwards(node).take(PATH_PACKAGES_MAX - 1).collect();
        if path.len() < 2 {
            return Vec::new();
        }
        let start = self.start[node.0];
        path.extend(start.filter(|start| path.last() != Some(start)));
        let id = |node: &Node| self.graph.package(*node).id.clone();
        path.iter().rev().map(id).collect()
    }

    /// A chain has no cycle, since each package has the one that first led to it.
    fn upwards(&self, node: Node) -> impl Iterator<Item = Node> {
        std::iter::successors(Some(node), |node| self.before[node.0])
    }
}

/// One search from all of the project's own packages at once: for each package the one
/// before it on a shortest chain, and the chain's start.
fn chains(graph: &DependencyGraph) -> (Vec<Option<Node>>, Vec<Option<Node>>) {
    let count = graph.packages().len();
    let (mut before, mut start) = (vec![None; count], vec![None; count]);
    let mut queue = VecDeque::new();
    for (node, package) in graph.nodes() {
        if package.source == Source::Local {
            start[node.0] = Some(node);
            queue.push_back(node);
        }
    }
    while let Some(node) = queue.pop_front() {
        for &next in &graph.package(node).dependencies {
            if start[next.0].is_none() {
                start[next.0] = start[node.0];
                before[next.0] = Some(node);
                queue.push_back(next);
            }
        }
    }
    (before, start)
}

/// The strongest use of any chain, for each package that the facts speak of: a chain is as
/// weak as its weakest part.
fn kinds(graph: &DependencyGraph, facts: &Facts) -> Vec<Option<DependencyKind>> {
    let mut kinds = vec![None; graph.packages().len()];
    for level in [
        DependencyKind::Normal,
        DependencyKind::Build,
        DependencyKind::Dev,
    ] {
        let mut stack: Vec<Node> = facts.own().collect();
        let mut seen = vec![false; graph.packages().len()];
        while let Some(node) = stack.pop() {
            if std::mem::replace(&mut seen[node.0], true) {
                continue;
            }
            kinds[node.0].get_or_insert(level);
            let edges = facts
                .of(node)
                .into_iter()
                .flat_map(|package| &package.edges);
            stack.extend(
                edges
                    .filter(|edge| edge.kind() <= level)
                    .map(|edge| edge.to),
            );
        }
    }
    kinds
}

/// Which features are on stands in the manifests and nowhere else.
fn without_manifests() -> Compiled {
    Compiled::Unknown("the project's manifests are not there".into())
}

/// Runs the resolver with what is known, and with everything that could be: a package
/// that the first builds is built, one that the second does not build is not. The later
/// runs are needed only for what the earlier ones leave open.
fn compiled(
    graph: &DependencyGraph,
    facts: &Facts,
    nodes: &[Node],
    platform: Platform,
) -> Vec<Option<Compiled>> {
    let here = Platforms::Only(platform);
    let surely = built(facts, Belief::Known, here);
    let maybe = LazyCell::new(|| built(facts, Belief::Possible, here));
    let elsewhere = LazyCell::new(|| built(facts, Belief::Possible, Platforms::Every));
    let mut compiled = vec![None; surely.len()];
    for node in nodes {
        compiled[node.0] = Some(if surely[node.0] {
            Compiled::Yes
        } else if maybe[node.0] {
            Compiled::Unknown(facts.why_unknown(graph, *node))
        } else if elsewhere[node.0] {
            Compiled::OtherPlatform
        } else {
            Compiled::OptIn
        });
    }
    compiled
}

#[cfg(test)]
mod tests;
