//! Makes a graph of what a Python lockfile says: names become edges, and markers and extras
//! become what is known of each package's use. Pure; takes time in proportion to the edges.

use std::collections::{BTreeSet, HashMap};

use backstitch_model::finding::Compiled;
use backstitch_model::package::{Ecosystem, PackageVersion};
use backstitch_model::project::{
    DependencyGraph, DependencyKind, Installation, LockedPackage, Node, Source, Use,
};

use crate::python::{Environment, Marker, Truth, normalised};

/// How many versions of one package are told apart.
const VERSIONS_MAX: usize = 16;

/// A package as a lockfile has it, before names are linked.
#[derive(Debug, Clone, Default)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    /// The public registry where it is `None`.
    pub(super) source: Option<Source>,
    /// Every hash of its files.
    pub(super) hashes: BTreeSet<String>,
    pub(super) wants: Vec<Want>,
    /// When it is installed at all; always if `None`.
    pub(super) marker: Option<Marker>,
}

/// One package asked for by another.
#[derive(Debug, Clone)]
pub(super) struct Want {
    pub(super) name: String,
    /// Which version, where the lockfile says.
    pub(super) version: Option<String>,
    /// The extras asked for.
    pub(super) extras: Vec<String>,
    pub(super) marker: Option<Marker>,
    /// The extras of the asking package that ask for it; it is always asked for where `None`.
    pub(super) only_for: Option<Vec<String>>,
    pub(super) kind: DependencyKind,
}

impl Want {
    /// A plain wish for a package.
    pub(super) fn of(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            version: None,
            extras: Vec::new(),
            marker: None,
            only_for: None,
            kind: DependencyKind::Normal,
        }
    }
}

/// How sure it is that an edge counts here, surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sure {
    Yes,
    Unknown,
    OtherPlatform,
    OptIn,
}

const LEVELS: [Sure; 4] = [Sure::Yes, Sure::Unknown, Sure::OtherPlatform, Sure::OptIn];

#[derive(Debug, Clone, Copy)]
struct Edge {
    to: usize,
    sure: Sure,
    kind: DependencyKind,
}

/// Links packages; the first is the project itself. `environment` says what is known of where
/// they will be installed.
pub(super) fn link(packages: Vec<Package>, environment: &Environment) -> DependencyGraph {
    let edges = Linker::new(&packages, environment).edges();
    let uses = uses(&packages, &edges);
    let locked = packages.into_iter().zip(edges).map(|(package, edges)| {
        let mut dependencies: Vec<Node> = edges.iter().map(|edge| Node(edge.to)).collect();
        dependencies.sort();
        dependencies.dedup();
        LockedPackage {
            id: PackageVersion {
                ecosystem: Ecosystem::PyPi,
                name: package.name,
                version: package.version,
            },
            source: package.source.unwrap_or(Source::PublicRegistry),
            checksum: checksum(&package.hashes),
            dependencies,
            installation: Installation::default(),
        }
    });
    DependencyGraph::new(locked.collect()).with_uses(uses)
}

/// One text for all hashes, so that a change of any is seen.
fn checksum(hashes: &BTreeSet<String>) -> Option<String> {
    let hashes: Vec<&str> = hashes.iter().map(String::as_str).collect();
    (!hashes.is_empty()).then(|| hashes.join(" "))
}

struct Linker<'lock> {
    packages: &'lock [Package],
    by_name: HashMap<String, Vec<usize>>,
    /// The extras that anybody asks for, by package.
    extras: HashMap<String, Vec<String>>,
    environment: &'lock Environment,
}

impl<'lock> Linker<'lock> {
    fn new(packages: &'lock [Package], environment: &'lock Environment) -> Self {
        let mut by_name = HashMap::<_, Vec<_>>::new();
        for (index, package) in packages.iter().enumerate() {
            let versions = by_name.entry(normalised(&package.name)).or_default();
            if versions.len() < VERSIONS_MAX {
                versions.push(index);
            }
        }
        let mut extras = HashMap::<_, BTreeSet<_>>::new();
        for want in packages.iter().flat_map(|package| &package.wants) {
            let asked = want.extras.iter().map(|extra| normalised(extra));
            extras
                .entry(normalised(&want.name))
                .or_default()
                .extend(asked);
        }
        let extras = extras
            .into_iter()
            .map(|(name, extras)| (name, extras.into_iter().collect()));
        Self {
            packages,
            by_name,
            extras: extras.collect(),
            environment,
        }
    }

    fn edges(&self) -> Vec<Vec<Edge>> {
        let edges = self.packages.iter().enumerate().map(|(from, package)| {
            let environment = Environment {
                extras: self
                    .extras
                    .get(&normalised(&package.name))
                    .cloned()
                    .unwrap_or_default(),
                ..self.environment.clone()
            };
            let wants = package.wants.iter();
            wants
                .flat_map(|want| self.edges_of(from, want, &environment))
                .collect()
        });
        edges.collect()
    }

    fn edges_of(&self, from: usize, want: &Want, environment: &Environment) -> Vec<Edge> {
        let named = self.by_name.get(&normalised(&want.name));
        let asked = want_is_sure(want, environment);
        let fits = |index: &&usize| {
            let version = &self.packages[**index].version;
            **index != from && want.version.as_ref().is_none_or(|wanted| wanted == version)
        };
        let targets = named.into_iter().flatten().filter(fits);
        targets
            .map(|&to| Edge {
                to,
                sure: asked.max(marker_is_sure(
                    self.packages[to].marker.as_ref(),
                    environment,
                )),
                kind: want.kind,
            })
            .collect()
    }
}

fn want_is_sure(want: &Want, environment: &Environment) -> Sure {
    let asked = |extra: &String| environment.extras.contains(&normalised(extra));
    match &want.only_for {
        Some(extras) if !extras.iter().any(asked) => Sure::OptIn,
        Some(_) | None => marker_is_sure(want.marker.as_ref(), environment),
    }
}

fn marker_is_sure(marker: Option<&Marker>, environment: &Environment) -> Sure {
    let Some(marker) = marker else {
        return Sure::Yes;
    };
    match marker.holds(environment) {
        Truth::Yes => Sure::Yes,
        Truth::Unknown => Sure::Unknown,
        Truth::No if marker.names_extra() => Sure::OptIn,
        Truth::No => Sure::OtherPlatform,
    }
}

fn uses(packages: &[Package], edges: &[Vec<Edge>]) -> Vec<Use> {
    let mut sure = vec![None; packages.len()];
    for level in LEVELS {
        spread(edges, &mut sure, level, |edge| edge.sure <= level);
    }
    let mut kinds = vec![None; packages.len()];
    for level in [
        DependencyKind::Normal,
        DependencyKind::Build,
        DependencyKind::Dev,
    ] {
        spread(edges, &mut kinds, level, |edge| edge.kind <= level);
    }
    let known = sure.into_iter().zip(kinds);
    known
        .map(|(sure, kind)| Use {
            kind: kind.unwrap_or(DependencyKind::Normal),
            compiled: compiled(sure),
        })
        .collect()
}

/// Gives `level` to everything that the project leads to over edges that count, and that has
/// nothing better.
fn spread<Level: Copy>(
    edges: &[Vec<Edge>],
    levels: &mut [Option<Level>],
    level: Level,
    counts: impl Fn(&Edge) -> bool,
) {
    let mut seen = vec![false; levels.len()];
    let mut stack: Vec<usize> = (0..levels.len().min(1)).collect();
    while let Some(at) = stack.pop() {
        if std::mem::replace(&mut seen[at], true) {
            continue;
        }
        levels[at].get_or_insert(level);
        let next = edges[at].iter().filter(|edge| counts(edge));
        stack.extend(next.map(|edge| edge.to));
    }
}

fn compiled(sure: Option<Sure>) -> Compiled {
    match sure {
        Some(Sure::Yes) => Compiled::Yes,
        Some(Sure::Unknown) => {
            Compiled::Unknown("a marker decides, on what only the interpreter tells".into())
        }
        Some(Sure::OtherPlatform) => Compiled::OtherPlatform,
        Some(Sure::OptIn) => Compiled::OptIn,
        None => Compiled::Unknown("nothing of the project's leads to it".into()),
    }
}
