//! Owns a point of the search: which packages are moved where, which requirements are
//! rewritten, and what the lockfile would look like then. Proposes no change of its own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use backstitch_model::project::Node;
use semver::{Version, VersionReq};

use crate::catalogue::{KnownRelease, Need, Package};
use crate::declaration::Declaration;
use crate::goal::Goal;
use crate::locked::{Edge, Locked, needs_of_new};
use crate::rules::Rules;
use crate::version::{Class, class, is_later};

/// How many packages one state may bring in: more is no small fix.
const ADDED_MAX: usize = 200;

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
    /// The first requirement it comes in for.
    pub(crate) need: Need,
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

    /// Works out what the state comes to.
    pub(crate) fn outcome(&self, locked: &Locked<'_>, rules: &Rules, goal: &Goal) -> Outcome {
        let mut resolution = Resolution {
            state: self,
            locked,
            rules,
            goal,
            queue: VecDeque::new(),
            outcome: Outcome {
                live: BTreeSet::new(),
                added: BTreeMap::new(),
                conflicts: Vec::new(),
            },
        };
        resolution.run();
        resolution.outcome
    }
}

impl Outcome {
    /// How much it changes: fewer is less risky.
    pub(crate) fn size(&self) -> usize {
        self.added.len()
    }
}

/// The walk from the project's own packages over everything they need.
struct Resolution<'walk, 'given> {
    state: &'walk State,
    locked: &'walk Locked<'given>,
    rules: &'walk Rules,
    goal: &'walk Goal,
    queue: VecDeque<Visit>,
    outcome: Outcome,
}

enum Visit {
    Locked(Node),
    Added(String, Class),
}

impl Resolution<'_, '_> {
    fn run(&mut self) {
        let graph = &self.locked.project.graph;
        for (node, _) in graph.nodes() {
            if self.locked.is_local(node) {
                self.reach(node);
            }
        }
        while let Some(visit) = self.queue.pop_front() {
            match visit {
                Visit::Locked(node) => self.visit_locked(node),
                Visit::Added(name, class) => self.visit_added(&(name, class)),
            }
            if self.outcome.added.len() > ADDED_MAX {
                self.outcome.conflicts.push(Conflict::Impossible);
                return;
            }
        }
        self.judge_goal();
    }

    fn reach(&mut self, node: Node) {
        if self.outcome.live.insert(node) {
            self.queue.push_back(Visit::Locked(node));
        }
    }

    fn visit_locked(&mut self, node: Node) {
        if let Some(&index) = self.state.moved.get(&node) {
            for need in self.locked.active_needs(node, index).iter() {
                self.resolve(need, Some(node), None);
            }
            return;
        }
        for &child in self.locked.dependencies(node) {
            self.visit_edge(node, child);
        }
    }

    /// An edge of a package that stays: it leads where it did, but for rewritten requirements.
    fn visit_edge(&mut self, parent: Node, child: Node) {
        let mut stays = true;
        for (need, edit) in self.edits_between(parent, child) {
            stays = false;
            match edit {
                Some(edit) => self.resolve_edited(&need, &edit),
                None => stays = true,
            }
        }
        if stays {
            self.reach(child);
            self.check_accepted(parent, child);
        }
    }

    /// The requirements of a manifest that lead from `parent` to `child`, where any of
    /// them is rewritten.
    fn edits_between(&self, parent: Node, child: Node) -> Vec<(Need, Option<Edit>)> {
        if self.state.edits.is_empty() || self.locked.manifest(parent).is_none() {
            return Vec::new();
        }
        let edit = |edge: &Edge| match edge {
            Edge::Manifest(declaration) => self.state.edits.get(declaration).cloned(),
            Edge::Registry => None,
        };
        let needs = self.locked.needs_between(parent, child);
        let needs = needs.iter().flat_map(|needs| needs.iter());
        needs
            .map(|(need, edge)| (need.clone(), edit(edge)))
            .collect()
    }

    fn check_accepted(&mut self, parent: Node, child: Node) {
        let Some(&index) = self.state.moved.get(&child) else {
            return;
        };
        let package = self.locked.package(child);
        let version = &package.releases[index].version;
        let accepted = match self.locked.needs_between(parent, child) {
            None => self.locked.accepts(parent, child, version),
            Some(needs) => needs.iter().all(|(need, edge)| {
                matches!(edge, Edge::Manifest(id) if self.state.edits.contains_key(id))
                    || need.version.matches(version)
            }),
        };
        if !accepted {
            let refused = Conflict::Refused { parent, child };
            self.outcome.conflicts.push(refused);
        }
    }

    fn visit_added(&mut self, key: &(String, Class)) {
        let Some(added) = self.outcome.added.get(key) else {
            return;
        };
        for need in needs_of_new(added.release(), &added.need) {
            self.resolve(&need, None, None);
        }
    }

    fn resolve_edited(&mut self, need: &Need, edit: &Edit) {
        let Ok(version) = VersionReq::parse(&edit.text) else {
            self.outcome.conflicts.push(Conflict::Impossible);
            return;
        };
        let need = Need {
            version,
            text: edit.text.clone(),
            ..need.clone()
        };
        self.resolve(&need, None, Some(&edit.to));
    }

    /// Finds what a requirement leads to, as the package manager would: what is locked
    /// is preferred; else the newest release, in a class where nothing is in the way.
    fn resolve(&mut self, need: &Need, parent: Option<Node>, wanted: Option<&Version>) {
        if let Some(node) = self.locked_match(need, parent) {
            self.reach(node);
            return;
        }
        let package = self.locked.catalogue.package(&need.package);
        let mut blocked = BTreeSet::new();
        for (index, release) in package.releases.iter().enumerate().rev() {
            let class = class(&release.version);
            if blocked.contains(&class)
                || !need.version.matches(&release.version)
                || wanted.is_some_and(|wanted| release.version.cmp_precedence(wanted).is_ne())
                || !self.may_come_in(&package.name, release)
            {
                continue;
            }
            if let Some(node) = self.state.class_mate(self.locked, &package.name, class) {
                if self.raise(node, need, &release.version) {
                    return;
                }
                blocked.insert(class);
            } else if let Some(added) = self.outcome.added.get(&(package.name.clone(), class)) {
                if need.version.matches(&added.release().version) {
                    return;
                }
                blocked.insert(class);
            } else {
                self.add(&package, index, class, need);
                return;
            }
        }
        self.outcome.conflicts.push(Conflict::Impossible);
    }

    /// The locked package that a requirement leads to: the one the parent had, else the highest.
    fn locked_match(&self, need: &Need, parent: Option<Node>) -> Option<Node> {
        let had = |node: Node| {
            parent.is_some_and(|parent| self.locked.dependencies(parent).contains(&node))
        };
        self.locked
            .named(&need.package)
            .iter()
            .filter_map(|&node| Some((node, self.state.version(self.locked, node)?)))
            .filter(|(_, version)| need.version.matches(version))
            .max_by(|(left, left_version), (right, right_version)| {
                (had(*left), left_version).cmp(&(had(*right), right_version))
            })
            .map(|(node, _)| node)
    }

    /// Asks for `node` to move up; `false` where it is above `release` already.
    fn raise(&mut self, node: Node, need: &Need, release: &Version) -> bool {
        let Some(version) = self.state.version(self.locked, node) else {
            return false;
        };
        if !is_later(release, &version) {
            return false;
        }
        self.reach(node);
        self.outcome.conflicts.push(Conflict::TooLow {
            node,
            need: need.version.clone(),
        });
        true
    }

    fn may_come_in(&self, name: &str, release: &KnownRelease) -> bool {
        self.rules.takes(release)
            && if self.goal.is_about(name) {
                self.goal.is_met_by(&self.locked.catalogue, release)
            } else {
                let catalogue = &self.locked.catalogue;
                catalogue.vulnerabilities(name, release).is_empty()
            }
    }

    fn add(&mut self, package: &Rc<Package>, index: usize, class: Class, need: &Need) {
        let key = (package.name.clone(), class);
        self.outcome.added.insert(
            key.clone(),
            Added {
                package: Rc::clone(package),
                index,
                need: need.clone(),
            },
        );
        self.queue.push_back(Visit::Added(key.0, key.1));
    }

    fn judge_goal(&mut self) {
        let unsettled = |node: &&Node| self.outcome.live.contains(node) && !self.is_settled(**node);
        let goals = self.goal.nodes.iter().chain(&self.state.doomed);
        let found: Vec<_> = goals.filter(unsettled).copied().collect();
        let unsettled = found.into_iter().map(Conflict::Unsettled);
        self.outcome.conflicts.splice(0..0, unsettled);
    }

    fn is_settled(&self, node: Node) -> bool {
        let Some(&index) = self.state.moved.get(&node) else {
            return false;
        };
        let package = self.locked.package(node);
        self.goal.is_about(&package.name)
            && self
                .goal
                .is_met_by(&self.locked.catalogue, &package.releases[index])
    }
}
