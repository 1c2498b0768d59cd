//! Owns the project as it is locked: which requirement leads from which package to which,
//! and which of a release's optional dependencies are on. Changes nothing.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use backstitch_model::Project;
use backstitch_model::package::Ecosystem;
use backstitch_model::project::{Node, Source};
use semver::Version;

use crate::catalogue::{Catalogue, KnownRelease, Need, Package};
use crate::declaration::{Declaration, Declarations};
use crate::feature::{Asked, turned_on};
use crate::version::class;

/// A project with everything about it that the search asks again and again.
pub(crate) struct Locked<'given> {
    pub(crate) project: &'given Project,
    pub(crate) catalogue: Catalogue<'given>,
    pub(crate) declarations: Declarations<'given>,
    nodes: Vec<LockedNode>,
    by_name: BTreeMap<&'given str, Vec<Node>>,
    active: Memory<(Node, usize), Rc<[Need]>>,
    between: Memory<(Node, Node), Option<Needs>>,
    below: Memory<Node, Rc<BTreeSet<Node>>>,
}

/// Requirements, each with where it stands.
type Needs = Rc<[(Need, Edge)]>;

type Memory<Key, Value> = RefCell<HashMap<Key, Value>>;

struct LockedNode {
    version: Option<Version>,
    manifest: Option<usize>,
    movable: bool,
}

impl<'given> Locked<'given> {
    pub(crate) fn new(project: &'given Project, catalogue: Catalogue<'given>) -> Self {
        let mut by_name = BTreeMap::<&str, Vec<Node>>::new();
        let mut nodes = Vec::new();
        for (node, package) in project.graph.nodes() {
            let version = Version::parse(&package.id.version).ok();
            by_name.entry(&package.id.name).or_default().push(node);
            nodes.push(LockedNode {
                manifest: manifest_of(project, node),
                movable: package.source == Source::PublicRegistry
                    && package.id.ecosystem == Ecosystem::CratesIo
                    && version.is_some(),
                version,
            });
        }
        Self {
            project,
            catalogue,
            declarations: Declarations::new(&project.manifests),
            nodes,
            by_name,
            active: RefCell::default(),
            between: RefCell::default(),
            below: RefCell::default(),
        }
    }

    pub(crate) fn name(&self, node: Node) -> &'given str {
        &self.project.graph.package(node).id.name
    }

    /// The locked version, where it is one.
    pub(crate) fn version(&self, node: Node) -> Option<&Version> {
        self.nodes[node.0].version.as_ref()
    }

    /// May the package be moved at all? Only the public registry's are.
    pub(crate) fn is_movable(&self, node: Node) -> bool {
        self.nodes[node.0].movable
    }

    /// The manifest of one of the project's own packages.
    pub(crate) fn manifest(&self, node: Node) -> Option<usize> {
        self.nodes[node.0].manifest
    }

    /// Is it one of the project's own packages, or beside it?
    pub(crate) fn is_local(&self, node: Node) -> bool {
        self.project.graph.package(node).source == Source::Local
    }

    pub(crate) fn named(&self, name: &str) -> &[Node] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn dependencies(&self, node: Node) -> &[Node] {
        &self.project.graph.package(node).dependencies
    }

    /// Everything that `node` depends on, itself included.
    pub(crate) fn below(&self, node: Node) -> Rc<BTreeSet<Node>> {
        if let Some(below) = self.below.borrow().get(&node) {
            return Rc::clone(below);
        }
        let mut found = BTreeSet::new();
        let mut stack = vec![node];
        while let Some(node) = stack.pop() {
            if found.insert(node) {
                stack.extend(self.dependencies(node));
            }
        }
        let below = Rc::new(found);
        self.below.borrow_mut().insert(node, Rc::clone(&below));
        below
    }

    /// The releases of the package at `node`.
    pub(crate) fn package(&self, node: Node) -> Rc<Package> {
        self.catalogue.package(self.name(node))
    }

    /// The requirements of `parent`, as locked, that lead to `child`, as locked; `None`
    /// where nothing is known of what `parent` requires.
    pub(crate) fn needs_between(&self, parent: Node, child: Node) -> Option<Needs> {
        if let Some(needs) = self.between.borrow().get(&(parent, child)) {
            return needs.clone();
        }
        let needs = self.find_needs(parent, child).map(Rc::from);
        let mut between = self.between.borrow_mut();
        between.insert((parent, child), needs.clone());
        needs
    }

    fn find_needs(&self, parent: Node, child: Node) -> Option<Vec<(Need, Edge)>> {
        let version = self.version(child)?;
        let leads_there =
            |need: &Need| need.package == self.name(child) && need.version.matches(version);
        let needs: Vec<(Need, Edge)> = match self.manifest(parent) {
            Some(manifest) => self.declared_needs(parent, manifest, leads_there),
            None => self
                .release(parent)?
                .get()
                .needs()?
                .iter()
                .filter(|need| leads_there(need))
                .map(|need| (need.clone(), Edge::Registry))
                .collect(),
        };
        (!needs.is_empty()).then_some(needs)
    }

    /// A manifest's requirements, with the features that its own features pass on.
    fn declared_needs(
        &self,
        parent: Node,
        manifest: usize,
        wanted: impl Fn(&Need) -> bool,
    ) -> Vec<(Need, Edge)> {
        let on = self.features_on(parent);
        let declared = self.declarations.of(manifest).iter();
        declared
            .filter(|declared| wanted(&declared.need))
            .map(|declared| {
                let need = &declared.need;
                let need = with_features(need, on.passed_on.get(&need.key));
                (need, Edge::Manifest(declared.id))
            })
            .collect()
    }

    /// The release that `node` is locked at, where the registry lists it.
    fn release(&self, node: Node) -> Option<ReleaseAt> {
        if !self.is_movable(node) {
            return None;
        }
        let package = self.package(node);
        let index = package.position(self.version(node)?)?;
        Some(ReleaseAt { package, index })
    }

    /// Would `parent`, as locked, accept `child` at `version`? Where nothing is known of
    /// what it requires, a compatible version is taken to be fine: that is what
    /// requirements mean unless they say otherwise, and the package manager has the last word.
    pub(crate) fn accepts(&self, parent: Node, child: Node, version: &Version) -> bool {
        match self.needs_between(parent, child) {
            Some(needs) => needs.iter().all(|(need, _)| need.version.matches(version)),
            None => self
                .version(child)
                .is_some_and(|locked| class(locked) == class(version)),
        }
    }

    /// What the package at `node` would require at its release `index`, with the
    /// features that are asked of it now.
    pub(crate) fn active_needs(&self, node: Node, index: usize) -> Rc<[Need]> {
        if let Some(needs) = self.active.borrow().get(&(node, index)) {
            return Rc::clone(needs);
        }
        let needs: Rc<[Need]> = self.work_out_needs(node, index).into();
        self.active
            .borrow_mut()
            .insert((node, index), Rc::clone(&needs));
        needs
    }

    fn work_out_needs(&self, node: Node, index: usize) -> Vec<Need> {
        let package = self.package(node);
        let Some(release) = package.releases.get(index) else {
            return Vec::new();
        };
        let asked = self.asked_of(node);
        let locked_names: BTreeSet<&str> = self
            .dependencies(node)
            .iter()
            .map(|&dependency| self.name(dependency))
            .collect();
        let before = self.release(node);
        let on = turned_on(&release.listed().features, &asked);
        let on_before = before
            .as_ref()
            .map(|at| turned_on(&at.get().listed().features, &asked));
        let was_optional = |need: &Need| {
            let needs = before.as_ref().and_then(|at| at.get().needs());
            needs.is_some_and(|needs| {
                needs
                    .iter()
                    .any(|old| old.optional && old.package == need.package)
            })
        };
        let is_on = |need: &Need| {
            let asked_for = on.dependencies.contains(&need.key);
            if !was_optional(need) {
                return asked_for;
            }
            // The lockfile itself tells what is on, but for what a newer feature table adds.
            let asked_for_before = on_before
                .as_ref()
                .is_some_and(|on| on.dependencies.contains(&need.key));
            locked_names.contains(need.package.as_str()) || (asked_for && !asked_for_before)
        };
        let needs = release.needs().unwrap_or_default().iter();
        needs
            .filter(|need| !need.optional || is_on(need))
            .map(|need| with_features(need, on.passed_on.get(&need.key)))
            .collect()
    }

    /// The features that the packages around ask of `node`. One level up is looked at:
    /// a feature that a parent passes on counts where the parent's defaults do so.
    fn asked_of(&self, node: Node) -> Asked {
        let mut asked = Asked::default();
        for &parent in self.project.graph.parents(node) {
            let Some(needs) = self.needs_between(parent, node) else {
                asked.default = true;
                continue;
            };
            let on = self.features_on(parent);
            for (need, _) in needs.iter() {
                asked.default |= need.default_features;
                asked.features.extend(need.features.iter().cloned());
                asked
                    .features
                    .extend(on.passed_on.get(&need.key).into_iter().flatten().cloned());
            }
        }
        self.infer_asked(node, &mut asked);
        asked
    }

    /// Where an optional dependency is locked and nothing nearby asks for it, somebody
    /// farther up does: most likely by the feature that has its name.
    fn infer_asked(&self, node: Node, asked: &mut Asked) {
        let Some(at) = self.release(node) else {
            return;
        };
        let on = turned_on(&at.get().listed().features, asked);
        let dependencies = self.dependencies(node);
        let is_locked = |need: &Need| {
            dependencies
                .iter()
                .any(|&child| self.name(child) == need.package)
        };
        let needs = at.get().needs().unwrap_or_default().iter();
        let unasked = needs.filter(|need| {
            need.optional && !on.dependencies.contains(&need.key) && is_locked(need)
        });
        asked.features.extend(unasked.map(|need| need.key.clone()));
    }

    /// Every feature of the project's own packages, as the lockfile has them; the
    /// default ones of anybody else's.
    fn features_on(&self, node: Node) -> crate::feature::TurnedOn {
        if let Some(manifest) = self.manifest(node) {
            let table = &self.project.manifests[manifest].features;
            let features = table.keys().cloned().collect();
            return turned_on(
                table,
                &Asked {
                    default: true,
                    features,
                },
            );
        }
        let default = Asked {
            default: true,
            features: BTreeSet::new(),
        };
        self.release(node)
            .map(|at| turned_on(&at.get().listed().features, &default))
            .unwrap_or_default()
    }
}

/// Where a requirement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Edge {
    /// In a published release: it does not change.
    Registry,
    /// In one of the project's manifests.
    Manifest(Declaration),
}

struct ReleaseAt {
    package: Rc<Package>,
    index: usize,
}

impl ReleaseAt {
    fn get(&self) -> &KnownRelease {
        &self.package.releases[self.index]
    }
}

/// What a release requires where no more is known of it than what one requirement asks.
pub(crate) fn needs_of_new(release: &KnownRelease, need: &Need) -> Vec<Need> {
    let asked = Asked {
        default: need.default_features,
        features: need.features.iter().cloned().collect(),
    };
    let on = turned_on(&release.listed().features, &asked);
    let needs = release.needs().unwrap_or_default().iter();
    needs
        .filter(|need| !need.optional || on.dependencies.contains(&need.key))
        .map(|need| with_features(need, on.passed_on.get(&need.key)))
        .collect()
}

fn with_features(need: &Need, passed_on: Option<&BTreeSet<String>>) -> Need {
    let mut need = need.clone();
    need.features
        .extend(passed_on.into_iter().flatten().cloned());
    need
}

fn manifest_of(project: &Project, node: Node) -> Option<usize> {
    let package = project.graph.package(node);
    if package.source != Source::Local {
        return None;
    }
    project.manifests.iter().position(|manifest| {
        manifest.package.as_ref().is_some_and(|(name, version)| {
            *name == package.id.name && *version == package.id.version
        })
    })
}
