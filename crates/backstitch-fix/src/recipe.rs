//! Owns the way from a solution to steps that Cargo accepts one by one. Changes no
//! decision of the search, only their order.
//!
//! What Cargo does, and so what the order must respect: updating one package keeps every
//! other where it is, but for what that package (as locked) depends on, which moves only
//! as far as it must, and then as far as it can. So what is shared goes first, to the
//! version wanted, and nothing is left for Cargo to choose.

use std::collections::{BTreeMap, BTreeSet};

use backstitch_model::candidate::{Move, RequirementEdit, Step};
use backstitch_model::package::{Ecosystem, PackageVersion};
use backstitch_model::project::Node;
use semver::{Version, VersionReq};

use crate::catalogue::{KnownRelease, Need, Package};
use crate::declaration::Declaration;
use crate::locked::{Edge, Locked, needs_of_new};
use crate::requirement::exactly;
use crate::rules::in_order_of_choice;
use crate::search::Solution;
use crate::version::bump;

/// A solution, put in order.
#[derive(Default)]
pub(crate) struct Recipe {
    pub(crate) moves: Vec<Move>,
    pub(crate) edits: Vec<RequirementEdit>,
    pub(crate) steps: Vec<Step>,
}

/// Puts `solution` in order. `rust` is the compiler that Cargo prefers releases for.
pub(crate) fn write(locked: &Locked<'_>, rust: Option<&Version>, solution: &Solution) -> Recipe {
    let mut writer = Writer {
        locked,
        rust,
        solution,
        current: BTreeMap::new(),
        pending: solution.state.moved.keys().copied().collect(),
        edited: solution.state.edits.is_empty(),
        recipe: Recipe::default(),
    };
    while writer.advance() {}
    writer.pin_added();
    writer.recipe
}

struct Writer<'plan, 'given> {
    locked: &'plan Locked<'given>,
    rust: Option<&'plan Version>,
    solution: &'plan Solution,
    /// The versions of the packages that moved so far.
    current: BTreeMap<Node, Version>,
    pending: BTreeSet<Node>,
    edited: bool,
    recipe: Recipe,
}

impl Writer<'_, '_> {
    /// Writes the next step; `false` when there is none left.
    fn advance(&mut self) -> bool {
        let mut pending = self.pending.iter().copied();
        let fits = pending.find(|&node| self.is_accepted(node) && self.needs_fit(node));
        if let Some(node) = fits {
            self.update(node);
        } else if !self.edited {
            self.edit_manifests();
        } else if let Some(node) = self.next_of_tied() {
            self.update(node);
            self.follow(node);
        } else {
            return false;
        }
        true
    }

    /// Of packages that only fit together, the one that the rest can be taken along with.
    fn next_of_tied(&self) -> Option<Node> {
        let mut pending = self.pending.iter().copied();
        let accepted = pending.find(|&node| self.is_accepted(node));
        accepted.or_else(|| self.pending.first().copied())
    }

    fn version(&self, node: Node) -> Option<Version> {
        self.current
            .get(&node)
            .or(self.locked.version(node))
            .cloned()
    }

    fn target(&self, node: Node) -> Option<Version> {
        self.solution.state.version(self.locked, node)
    }

    fn is_done(&self, node: Node) -> bool {
        self.solution.state.moved.contains_key(&node) && !self.pending.contains(&node)
    }

    /// Do all who depend on `node` now take the version it is to have?
    fn is_accepted(&self, node: Node) -> bool {
        let Some(target) = self.target(node) else {
            return false;
        };
        let mut parents = self.locked.project.graph.parents(node).iter();
        parents.all(|&parent| {
            if self.is_done(parent) {
                let version = self.version(node);
                self.needs_of(parent)
                    .iter()
                    .filter(|need| need.package == self.locked.name(node))
                    .filter(|need| version.as_ref().is_some_and(|v| need.version.matches(v)))
                    .all(|need| need.version.matches(&target))
            } else {
                self.locked.accepts(parent, node, &target) || self.is_rewritten(parent, node)
            }
        })
    }

    /// Were all the requirements between the two rewritten already?
    fn is_rewritten(&self, parent: Node, child: Node) -> bool {
        let edits = &self.solution.state.edits;
        self.edited
            && self
                .locked
                .needs_between(parent, child)
                .is_some_and(|needs| {
                    needs.iter().all(|(_, edge)| match edge {
                        Edge::Manifest(declaration) => edits.contains_key(declaration),
                        Edge::Registry => false,
                    })
                })
    }

    /// What a moved package will need, by itself and by what comes in with it.
    fn needs_of(&self, node: Node) -> Vec<Need> {
        let Some(&index) = self.solution.state.moved.get(&node) else {
            return Vec::new();
        };
        let mut needs = self.locked.active_needs(node, index).to_vec();
        let added = self.solution.outcome.added.values();
        let with_it = added.filter(|added| added.mover == Some(node));
        needs.extend(with_it.flat_map(|added| needs_of_new(added.release(), &added.need)));
        needs
    }

    /// Does everything that `node` will need fit already, or come in anew?
    fn needs_fit(&self, node: Node) -> bool {
        self.needs_of(node)
            .iter()
            .all(|need| self.matches_now(need) || self.waits_for(need).is_none())
    }

    fn matches_now(&self, need: &Need) -> bool {
        let mut nodes = self.locked.named(&need.package).iter();
        nodes.any(|&node| {
            self.version(node)
                .is_some_and(|version| need.version.matches(&version))
        })
    }

    /// The package that must still move for `need` to be met.
    fn waits_for(&self, need: &Need) -> Option<Node> {
        let mut nodes = self.locked.named(&need.package).iter().copied();
        nodes.find(|node| {
            self.pending.contains(node)
                && self
                    .target(*node)
                    .is_some_and(|version| need.version.matches(&version))
        })
    }

    fn update(&mut self, node: Node) {
        let Some(target) = self.target(node) else {
            self.pending.remove(&node);
            return;
        };
        self.recipe.steps.push(Step::UpdatePackage {
            package: self.named(node, self.version(node)),
            to: Some(target.to_string()),
        });
        self.finish(node, target);
    }

    /// Notes that `node` is where it should be.
    fn finish(&mut self, node: Node, target: Version) {
        self.note_move(node, &target);
        self.current.insert(node, target);
        self.pending.remove(&node);
    }

    fn note_move(&mut self, node: Node, target: &Version) {
        let package = self.locked.project.graph.package(node).id.clone();
        if self.recipe.moves.iter().any(|made| made.package == package) {
            return;
        }
        if let Some(locked) = self.locked.version(node) {
            let bump = bump(locked, target);
            let to = target.to_string();
            self.recipe.moves.push(Move { package, to, bump });
        }
    }

    fn named(&self, node: Node, version: Option<Version>) -> PackageVersion {
        let mut id = self.locked.project.graph.package(node).id.clone();
        if let Some(version) = version {
            id.version = version.to_string();
        }
        id
    }

    /// After `node` went first although something waited: Cargo took that along, to the
    /// newest release that fits.
    fn follow(&mut self, node: Node) {
        for need in self.needs_of(node) {
            if self.matches_now(&need) {
                continue;
            }
            let Some(taken) = self.waits_for(&need) else {
                continue;
            };
            let package = self.locked.package(taken);
            let Some(picked) = pick(&package, &need.version, self.rust) else {
                continue;
            };
            let picked = picked.version.clone();
            if self.target(taken).as_ref() == Some(&picked) {
                self.finish(taken, picked);
            } else {
                self.current.insert(taken, picked);
            }
        }
    }

    /// Rewrites the manifests. Where Cargo would pick a later release than the one
    /// wanted, the manifest asks for exactly that one first, then for what it will say.
    fn edit_manifests(&mut self) {
        self.edited = true;
        let edits = &self.solution.state.edits;
        let exact: Vec<(Declaration, String)> = edits
            .iter()
            .map(|(&id, edit)| (id, exactly(&edit.to)))
            .collect();
        let last: Vec<(Declaration, String)> = edits
            .iter()
            .map(|(&id, edit)| (id, edit.text.clone()))
            .collect();
        let picks_it = edits.values().all(|edit| {
            let package = self.locked.package(edit.node);
            VersionReq::parse(&edit.text)
                .ok()
                .and_then(|requirement| pick(&package, &requirement, self.rust))
                .is_some_and(|picked| picked.version == edit.to)
        });
        if !picks_it {
            self.write_manifests(&exact);
        }
        self.write_manifests(&last);
        for edit in edits.values() {
            self.finish(edit.node, edit.to.clone());
        }
        for &(id, ref text) in &last {
            let place = self.locked.declarations.place(id);
            self.recipe.edits.push(RequirementEdit {
                manifest: self.locked.project.manifests[place.manifest].path.clone(),
                key: place.key.clone(),
                from: place.text.clone(),
                to: text.clone(),
            });
        }
    }

    fn write_manifests(&mut self, edits: &[(Declaration, String)]) {
        let manifests: BTreeSet<usize> = edits
            .iter()
            .map(|&(id, _)| self.locked.declarations.place(id).manifest)
            .collect();
        for manifest in manifests {
            self.recipe.steps.push(Step::WriteManifest {
                path: self.locked.project.manifests[manifest].path.clone(),
                text: self.locked.declarations.rewrite(manifest, edits),
            });
        }
        self.recipe.steps.push(Step::Relock);
    }

    /// Takes back what comes in anew where Cargo's choice is not one that may be taken.
    fn pin_added(&mut self) {
        let edits = &self.solution.state.edits;
        for ((name, _), added) in &self.solution.outcome.added {
            let release = added.release();
            let is_exact = edits
                .values()
                .any(|edit| self.locked.name(edit.node) == name && edit.to == release.version);
            if added.picked == added.index || is_exact {
                continue;
            }
            let picked = &added.package.releases[added.picked];
            self.recipe.steps.push(Step::UpdatePackage {
                package: PackageVersion {
                    ecosystem: Ecosystem::CratesIo,
                    name: name.clone(),
                    version: picked.version.to_string(),
                },
                to: Some(release.version.to_string()),
            });
        }
    }
}

/// The release that Cargo picks where nothing that is locked fits.
pub(crate) fn pick<'package>(
    package: &'package Package,
    requirement: &VersionReq,
    rust: Option<&Version>,
) -> Option<&'package KnownRelease> {
    let index = in_order_of_choice(package, requirement, rust).next()?;
    package.releases.get(index)
}
