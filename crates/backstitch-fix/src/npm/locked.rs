//! Owns the project as it is locked: who asks for which version of whom, overrides
//! included. Changes nothing.

use std::collections::HashMap;
use std::rc::Rc;

use backstitch_model::Project;
use backstitch_model::project::{LockedPackage, Node, Source};
use nodejs_semver::Version as NodeVersion;
use semver::Version;

use super::catalogue::{Catalogue, KnownRelease, Need, Package};
use super::overrides::Overrides;
use super::range::node_version;
use crate::plan::Planner;
use crate::version::class;

/// A project with what the search asks again and again.
pub(super) struct Locked<'given> {
    pub(super) project: &'given Project,
    pub(super) catalogue: Catalogue<'given>,
    pub(super) overrides: Overrides,
    versions: Vec<Option<(Version, NodeVersion)>>,
    /// The manifest of each of the project's own packages.
    manifests: Vec<Option<usize>>,
    by_name: HashMap<&'given str, Vec<Node>>,
}

/// Where a requirement stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// In a release.
    Release,
    /// In a manifest of the project's, under a key.
    Manifest(usize, String),
    /// In an override of the root's, by the names that lead there.
    Override(Vec<String>),
}

impl<'given> Locked<'given> {
    pub(super) fn new(planner: &Planner<'given>) -> Self {
        let project = planner.project;
        let mut by_name = HashMap::<&str, Vec<Node>>::new();
        for (node, package) in project.graph.nodes() {
            by_name.entry(&package.id.name).or_default().push(node);
        }
        let packages = project.graph.packages().iter();
        Self {
            project,
            catalogue: Catalogue::new(planner.releases, planner.vulnerabilities),
            overrides: Overrides::of(project),
            versions: packages
                .clone()
                .map(|package| {
                    let version = Version::parse(&package.id.version).ok()?;
                    let node = node_version(&version)?;
                    Some((version, node))
                })
                .collect(),
            manifests: packages
                .map(|package| manifest_of(project, package))
                .collect(),
            by_name,
        }
    }

    pub(super) fn about(&self, node: Node) -> &'given LockedPackage {
        self.project.graph.package(node)
    }

    pub(super) fn name(&self, node: Node) -> &'given str {
        &self.about(node).id.name
    }

    /// The locked version, where it is one.
    pub(super) fn version(&self, node: Node) -> Option<&Version> {
        self.versions[node.0].as_ref().map(|(version, _)| version)
    }

    fn node_version(&self, node: Node) -> Option<&NodeVersion> {
        self.versions[node.0].as_ref().map(|(_, version)| version)
    }

    pub(super) fn parents(&self, node: Node) -> &[Node] {
        self.project.graph.parents(node)
    }

    pub(super) fn named(&self, name: &str) -> &[Node] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn package(&self, node: Node) -> Rc<Package> {
        self.catalogue.package(self.name(node))
    }

    pub(super) fn is_local(&self, node: Node) -> bool {
        self.about(node).source == Source::Local
    }

    /// May it be moved at all? Only what comes from the public registry, in an archive of
    /// its own.
    pub(super) fn is_movable(&self, node: Node) -> bool {
        let about = self.about(node);
        about.source == Source::PublicRegistry
            && !about.installation.bundled
            && self.version(node).is_some()
    }

    /// The requirements of `parent`, as locked, that lead to `child`, as locked; `None`
    /// where nothing is known of what `parent` requires.
    pub(super) fn needs(&self, parent: Node, child: Node) -> Option<Vec<(Need, Place)>> {
        let (name, version) = (self.name(child), self.node_version(child)?);
        if let Some(over) = self.overrides.in_force(self.name(parent), name, version) {
            let need = Need {
                package: name.to_owned(),
                spec: super::range::Spec::parse(&over.text),
                text: over.text.clone(),
                optional: false,
                peer: false,
            };
            return Some(vec![(need, Place::Override(over.path.clone()))]);
        }
        let all = self.stated(parent, name)?;
        let leads_there = |(need, _): &&(Need, Place)| need.spec.admits(version);
        let leading: Vec<_> = all.iter().filter(leads_there).cloned().collect();
        let found = if leading.is_empty() { all } else { leading };
        (!found.is_empty()).then_some(found)
    }

    fn stated(&self, parent: Node, name: &str) -> Option<Vec<(Need, Place)>> {
        if self.is_local(parent) {
            let index = self.manifests[parent.0]?;
            let requirements = self.project.manifests[index].requirements.iter();
            let named = requirements.filter(|requirement| requirement.package == name);
            return Some(
                named
                    .map(|one| (Need::new(one), Place::Manifest(index, one.key.clone())))
                    .collect(),
            );
        }
        if self.about(parent).source != Source::PublicRegistry {
            return None;
        }
        let package = self.package(parent);
        let index = package.position(self.version(parent)?)?;
        let needs = package.releases[index].needs().iter();
        let named = needs.filter(|need| need.package == name);
        Some(named.map(|need| (need.clone(), Place::Release)).collect())
    }

    /// The requirements of `parent` that `release` of `child` would not meet. Where nothing is
    /// known of what `parent` requires, a compatible version is taken to be fine: that is
    /// what ranges mean unless they say otherwise, and npm has the last word.
    pub(super) fn refusing(
        &self,
        parent: Node,
        child: Node,
        release: &KnownRelease,
    ) -> Result<Vec<(Need, Place)>, Unknown> {
        if let Some(mut needs) = self.needs(parent, child) {
            needs.retain(|(need, _)| !need.spec.admits(&release.node_version));
            return Ok(needs);
        }
        let locked = self.version(child).ok_or(Unknown)?;
        if class(locked) == class(&release.version) {
            Ok(Vec::new())
        } else {
            Err(Unknown)
        }
    }

    /// Does something locked meet `need` of a release of `node`? What `node` has now counts
    /// for what it depends on, whatever is there for what others must bring.
    pub(super) fn is_met(&self, node: Node, need: &Need) -> bool {
        let meets = |candidate: &Node| {
            self.node_version(*candidate)
                .is_some_and(|version| need.spec.admits(version))
        };
        if need.peer {
            return self.named(&need.package).iter().any(meets);
        }
        let children = self.about(node).dependencies.iter();
        children
            .filter(|child| self.name(**child) == need.package)
            .any(meets)
    }
}

/// Nothing is known of what a package requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unknown;

fn manifest_of(project: &Project, package: &LockedPackage) -> Option<usize> {
    (package.source == Source::Local).then_some(())?;
    project.manifests.iter().position(|manifest| {
        let stated = manifest.package.as_ref();
        stated.is_some_and(|(name, _)| *name == package.id.name)
    })
}
