//! Owns a point of the search: which packages are moved where, which requirements are
//! rewritten, and what that comes to. Proposes no change and foresees nothing itself.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use backstitch_model::project::Node;
use semver::{Version, VersionReq};

use crate::catalogue::{KnownRelease, Need, Package};
use crate::declaration::Declaration;
use crate::locked::Locked;
use crate::version::{Class, class};

/// Decisions made so far. Packages that come along because nothing that is locked fits
/// are no decision: they follow.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct State {
    /// Locked packages, each with the index of the release it goes to; same class.
    pub(crate) moved: BTreeMap<Node, usize>,
    /// Requirements rewritten in manifests.
    pub(crate) edits: BTreeMap<Declaration, Edit>,
    /// Packages that hold the goal back at every release of their class, and so must go.
    pub(crate) doomed: BTreeSet<Node>,
    /// How many nearer lines of releases (`x.y`) were passed over, that would do as well.
    pub(crate) passed_over: usize,
    /// Over how many releases the decisions step.
    pub(crate) distance: usize,
}

/// One rewritten requirement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edit {
    /// The package at the version that was locked for it.
    pub(crate) node: Node,
    pub(crate) text: String,
    /// The version wanted.
    pub(crate) to: Version,
}

/// What a state comes to.
pub(crate) struct Outcome {
    /// The packages still needed.
    pub(crate) live: BTreeSet<Node>,
    /// New packages.
    pub(crate) added: BTreeMap<(String, Class), Added>,
    /// What does not fit yet; nothing in a solution.
    pub(crate) conflicts: Vec<Conflict>,
}

/// A package that comes in, or comes in anew in another class.
pub(crate) struct Added {
    pub(crate) package: Rc<Package>,
    pub(crate) index: usize,
    /// What Cargo would take in its place, by its own rules.
    pub(crate) picked: usize,
    /// The first requirement it comes in for.
    pub(crate) need: Need,
    /// The package whose move brings it in; none where a manifest does.
    pub(crate) mover: Option<Node>,
}

/// Something that does not fit.
#[derive(Debug, Clone)]
pub(crate) enum Conflict {
    /// The package is still there and still not as it should be.
    Unsettled(Node),
    /// `parent` does not accept what `child` moved to.
    Refused { parent: Node, child: Node },
    /// The package is locked below what a moved or new package requires.
    TooLow { node: Node, need: VersionReq },
    /// Nothing that may be taken satisfies a requirement.
    Impossible,
}

impl Added {
    pub(crate) fn release(&self) -> &KnownRelease {
        &self.package.releases[self.index]
    }
}

impl State {
    /// The version that `node` has in this state.
    pub(crate) fn version(&self, locked: &Locked<'_>, node: Node) -> Option<Version> {
        match self.moved.get(&node) {
            Some(&index) => Some(locked.package(node).releases[index].version.clone()),
            None => locked.version(node).cloned(),
        }
    }

    /// The package that takes the place of a class, where one does.
    pub(crate) fn class_mate(
        &self,
        locked: &Locked<'_>,
        name: &str,
        wanted: Class,
    ) -> Option<Node> {
        let nodes = locked.named(name).iter().copied();
        nodes
            .filter(|&node| locked.is_movable(node))
            .find(|&node| self.version(locked, node).as_ref().map(class) == Some(wanted))
    }
}

impl Outcome {
    /// How many packages must still move at the least.
    pub(crate) fn moves_left(&self, state: &State) -> usize {
        let mut unsettled = false;
        let mut nodes = BTreeSet::new();
        for conflict in &self.conflicts {
            match conflict {
                Conflict::Unsettled(_) => unsettled = true,
                Conflict::Refused { parent, .. } => {
                    nodes.insert(*parent);
                }
                Conflict::TooLow { node, .. } => {
                    nodes.insert(*node);
                }
                Conflict::Impossible => {}
            }
        }
        nodes.retain(|node| !state.moved.contains_key(node));
        nodes.len() + usize::from(unsettled)
    }

    /// Is there a conflict that nothing settles?
    pub(crate) fn is_hopeless(&self) -> bool {
        let mut conflicts = self.conflicts.iter();
        conflicts.any(|conflict| matches!(conflict, Conflict::Impossible))
    }
}
