//! Owns the foresight of one state: the walk from the project's own packages over
//! everything they would need, choosing what Cargo would choose where nothing was decided.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use backstitch_model::project::Node;
use semver::{Version, VersionReq};

use crate::catalogue::{Need, Package};
use crate::goal::Goal;
use crate::locked::{Edge, Locked, needs_of_new};
use crate::rules::Rules;
use crate::state::{Added, Conflict, Edit, Outcome, State};
use crate::version::{Class, class};

mod choice;

use choice::{Chooser, Found};

/// How many packages one state may bring in: more is no small fix.
const ADDED_MAX: usize = 200;

/// Works out what `state` comes to.
pub(crate) fn outcome(state: &State, locked: &Locked<'_>, rules: &Rules, goal: &Goal) -> Outcome {
    let mut resolution = Resolution {
        state,
        locked,
        rules,
        goal,
        queue: VecDeque::new(),
        fitting: BTreeMap::new(),
        outcome: Outcome {
            live: BTreeSet::new(),
            added: BTreeMap::new(),
            conflicts: Vec::new(),
        },
    };
    resolution.run();
    resolution.outcome
}

struct Resolution<'walk, 'given> {
    state: &'walk State,
    locked: &'walk Locked<'given>,
    rules: &'walk Rules,
    goal: &'walk Goal,
    queue: VecDeque<Visit>,
    /// Releases already looked at: would they fit in?
    fitting: BTreeMap<(Chooser, String, usize), bool>,
    outcome: Outcome,
}

enum Visit {
    Locked(Node),
    Added(String, Class, Mover),
}

/// The package whose move brings something in: Cargo lets what is below it move along
/// and holds the rest. With no package it is a manifest, and nothing is held.
type Mover = Option<Node>;

impl Resolution<'_, '_> {
    fn run(&mut self) {
        for (node, _) in self.locked.project.graph.nodes() {
            if self.locked.is_local(node) {
                self.reach(node);
            }
        }
        while let Some(visit) = self.queue.pop_front() {
            match visit {
                Visit::Locked(node) => self.visit_locked(node),
                Visit::Added(name, class, mover) => self.visit_added(&(name, class), mover),
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
    /// them may be rewritten.
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

    fn visit_added(&mut self, key: &(String, Class), mover: Mover) {
        let Some(added) = self.outcome.added.get(key) else {
            return;
        };
        for need in needs_of_new(added.release(), &added.need) {
            self.resolve(&need, mover, None);
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

    /// Follows a requirement, to what is locked or to something new.
    fn resolve(&mut self, need: &Need, mover: Mover, wanted: Option<&Version>) {
        if let Some(node) = self.locked_match(need, mover) {
            self.reach(node);
            return;
        }
        let package = self.locked.catalogue.package(&need.package);
        match self.find(&package, need, mover, wanted) {
            Found::There => {}
            Found::New { index, picked } => self.add(&package, index, picked, need, mover),
            Found::Raised(node) => {
                self.reach(node);
                let need = need.version.clone();
                self.outcome.conflicts.push(Conflict::TooLow { node, need });
            }
            Found::Nothing => self.outcome.conflicts.push(Conflict::Impossible),
        }
    }

    /// The locked package that a new requirement leads to: of those that Cargo holds, the
    /// lowest, as its list of them is ascending; else the highest of the others.
    fn locked_match(&self, need: &Need, mover: Mover) -> Option<Node> {
        let matching: Vec<_> = self
            .locked
            .named(&need.package)
            .iter()
            .filter_map(|&node| Some((self.state.version(self.locked, node)?, node)))
            .filter(|(version, _)| need.version.matches(version))
            .collect();
        let held = matching
            .iter()
            .filter(|(_, node)| !self.may_move(*node, mover));
        let found = held.min().or_else(|| matching.iter().max());
        found.map(|(_, node)| *node)
    }

    fn add(
        &mut self,
        package: &Rc<Package>,
        index: usize,
        picked: usize,
        need: &Need,
        mover: Mover,
    ) {
        let class = class(&package.releases[index].version);
        let added = Added {
            package: Rc::clone(package),
            index,
            picked,
            need: need.clone(),
            mover,
        };
        let name = package.name.clone();
        self.outcome.added.insert((name.clone(), class), added);
        self.queue.push_back(Visit::Added(name, class, mover));
    }

    fn judge_goal(&mut self) {
        let goals = self.goal.nodes.iter().chain(&self.state.doomed).copied();
        let unsettled: Vec<_> = goals
            .filter(|node| self.outcome.live.contains(node) && !self.is_settled(*node))
            .map(Conflict::Unsettled)
            .collect();
        self.outcome.conflicts.splice(0..0, unsettled);
    }

    fn is_settled(&self, node: Node) -> bool {
        let Some(&index) = self.state.moved.get(&node) else {
            return false;
        };
        let package = self.locked.package(node);
        let release = &package.releases[index];
        self.goal.is_about(&package.name) && self.goal.is_met_by(&self.locked.catalogue, release)
    }
}
