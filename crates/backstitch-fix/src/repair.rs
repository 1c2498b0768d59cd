//! Owns the answers to a conflict: the next states that may do away with it, each one
//! decision further. Judges none of them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use backstitch_model::candidate::Strategy;
use backstitch_model::policy::Bump;
use backstitch_model::project::Node;
use semver::Version;

use crate::catalogue::{KnownRelease, Need};
use crate::declaration::Declaration;
use crate::goal::Goal;
use crate::locked::{Edge, Locked};
use crate::requirement::raise;
use crate::rules::Rules;
use crate::state::{Conflict, Edit, Outcome, State};
use crate::version::{Class, bump, class, is_later};

/// How many releases of one package are tried to settle one conflict.
const RELEASES_MAX: usize = 64;

/// How many releases are tried of a package that must only come along.
const RAISES_MAX: usize = 6;

/// How many packages above the goal may be given up, one after another.
const DOOMED_MAX: usize = 6;

/// What repairs may do.
pub(crate) struct Repair<'search, 'given> {
    pub(crate) locked: &'search Locked<'given>,
    pub(crate) rules: &'search Rules,
    pub(crate) goal: &'search Goal,
    pub(crate) strategy_max: Strategy,
    /// Releases already judged in this state.
    pub(crate) judged: RefCell<HashMap<(Node, usize), bool>>,
}

impl Repair<'_, '_> {
    /// The states that settle `conflict`, as far as one decision can.
    pub(crate) fn answers(
        &self,
        state: &State,
        outcome: &Outcome,
        conflict: &Conflict,
    ) -> Vec<State> {
        match conflict {
            Conflict::Unsettled(node) => {
                let mut answers = self.move_goal(state, *node);
                if self.strategy_max >= Strategy::Parent {
                    answers.extend(self.free(state, outcome, *node));
                }
                answers
            }
            Conflict::Refused { parent, child } => self.make_accept(state, *parent, *child),
            Conflict::TooLow { node, need: _ } => self.raise_enough(state, outcome, *node),
            Conflict::Impossible => Vec::new(),
        }
    }

    /// States with `node` moved up to each release that is `wanted`, lowest first.
    fn move_to(
        &self,
        state: &State,
        node: Node,
        wanted: impl Fn(usize, &KnownRelease) -> bool,
    ) -> Vec<State> {
        let (Some(locked), Some(now)) =
            (self.locked.version(node), state.version(self.locked, node))
        else {
            return Vec::new();
        };
        if !self.locked.is_movable(node) {
            return Vec::new();
        }
        let package = self.locked.package(node);
        let releases = package.releases.iter().enumerate();
        releases
            .filter(|(index, release)| {
                is_later(&release.version, &now)
                    && self.rules.allows_move(&package.name, locked, release)
                    && self.stays_alone(state, node, locked, release)
                    && wanted(*index, release)
                    && self.brings_nothing_new(node, release)
            })
            .take(RELEASES_MAX)
            .scan(BTreeSet::new(), |lines, (index, release)| {
                let mut state = state.clone();
                state.moved.insert(node, index);
                state.distance += package.distance(&now, &release.version);
                lines.insert((release.version.major, release.version.minor));
                state.passed_over += lines.len() - 1;
                Some(state)
            })
            .collect()
    }

    /// States with `node` moved as little as does for everybody who needs it higher.
    fn raise_enough(&self, state: &State, outcome: &Outcome, node: Node) -> Vec<State> {
        let needs: Vec<_> = outcome
            .conflicts
            .iter()
            .filter_map(|conflict| match conflict {
                Conflict::TooLow { node: low, need } if *low == node => Some(need),
                Conflict::TooLow { .. }
                | Conflict::Unsettled(_)
                | Conflict::Refused { .. }
                | Conflict::Impossible => None,
            })
            .collect();
        let mut answers = self.move_to(state, node, |_, release| {
            needs.iter().all(|need| need.matches(&release.version))
        });
        answers.truncate(RAISES_MAX);
        answers
    }

    /// A package that leaves its class needs everybody's consent, and a class of its own.
    fn stays_alone(
        &self,
        state: &State,
        node: Node,
        locked: &Version,
        release: &KnownRelease,
    ) -> bool {
        let version = &release.version;
        let mut parents = self.locked.project.graph.parents(node).iter();
        class(version) == class(locked)
            || (state
                .class_mate(self.locked, self.locked.name(node), class(version))
                .is_none()
                && parents.all(|&parent| self.locked.accepts(parent, node, version)))
    }

    /// A package that moves along becomes clean where it can, and keeps the
    /// vulnerabilities it has at worst.
    fn brings_nothing_new(&self, node: Node, release: &KnownRelease) -> bool {
        let name = self.locked.name(node);
        let catalogue = &self.locked.catalogue;
        let after = catalogue.vulnerabilities(name, release);
        if after.is_empty() || self.goal.nodes.contains(&node) {
            return true;
        }
        let locked = &self.locked.project.graph.package(node).id.version;
        let before = catalogue.vulnerabilities_at(name, locked);
        after.is_subset(&before) && !self.can_be_clean(node)
    }

    /// Is there a release without vulnerabilities that the package may move to?
    fn can_be_clean(&self, node: Node) -> bool {
        let package = self.locked.package(node);
        let Some(locked) = self.locked.version(node) else {
            return false;
        };
        package.releases.iter().any(|release| {
            class(&release.version) == class(locked)
                && self.rules.allows_move(&package.name, locked, release)
                && self
                    .locked
                    .catalogue
                    .vulnerabilities(&package.name, release)
                    .is_empty()
        })
    }

    fn move_goal(&self, state: &State, node: Node) -> Vec<State> {
        if !self.goal.is_about(self.locked.name(node)) {
            return Vec::new();
        }
        self.move_to(state, node, |_, release| {
            self.goal.is_met_by(&self.locked.catalogue, release)
        })
    }

    /// Frees `node` from the first package that holds it: the holder moves to a release
    /// that lets go, or its requirement is rewritten, or the holder itself must go.
    fn free(&self, state: &State, outcome: &Outcome, node: Node) -> Vec<State> {
        let holder = self
            .locked
            .project
            .graph
            .parents(node)
            .iter()
            .copied()
            .find(|parent| {
                outcome.live.contains(parent)
                    && !state.doomed.contains(parent)
                    && self.holds(state, *parent, node)
            });
        let Some(holder) = holder else {
            return Vec::new();
        };
        if self.locked.is_local(holder) {
            return self.edit_to_free(state, holder, node);
        }
        let lets_go = self.move_to(state, holder, |index, _| {
            self.lets_go(state, (holder, index), node, DOOMED_MAX)
        });
        if lets_go.is_empty() && state.doomed.len() < DOOMED_MAX {
            let mut state = state.clone();
            state.doomed.insert(holder);
            return vec![state];
        }
        lets_go
    }

    /// Does `parent` need `node` as it stands in `state`?
    fn holds(&self, state: &State, parent: Node, node: Node) -> bool {
        if let Some(&index) = state.moved.get(&parent) {
            let version = state.version(self.locked, node);
            return self.locked.active_needs(parent, index).iter().any(|need| {
                need.package == self.locked.name(node)
                    && version.as_ref().is_some_and(|v| need.version.matches(v))
            });
        }
        let needs = self.locked.needs_between(parent, node);
        let edited =
            |edge: &Edge| matches!(edge, Edge::Manifest(id) if state.edits.contains_key(id));
        needs.is_none_or(|needs| needs.iter().any(|(_, edge)| !edited(edge)))
    }

    /// Does a holder's release no longer ask for `node`, or only so that a good release
    /// of it will do?
    fn lets_go(&self, state: &State, holder: (Node, usize), node: Node, depth: usize) -> bool {
        let name = self.locked.name(node);
        let needs = self.locked.active_needs(holder.0, holder.1);
        let mut needs = needs.iter().filter(|need| need.package == name);
        needs.all(|need| self.has_good_release(state, need, node, depth))
    }

    fn has_good_release(&self, state: &State, need: &Need, node: Node, depth: usize) -> bool {
        let package = self.locked.package(node);
        let mut fitting = (0..package.releases.len())
            .rev()
            .filter(|&index| need.version.matches(&package.releases[index].version))
            .take(RELEASES_MAX);
        fitting.any(|index| self.is_good(state, (node, index), depth))
    }

    /// Is a release of the package at a node one that the goal can live with?
    fn is_good(&self, state: &State, release: (Node, usize), depth: usize) -> bool {
        if let Some(&is_good) = self.judged.borrow().get(&release) {
            return is_good;
        }
        let is_good = self.locked.catalogue.effort.pay(1) && self.judge(state, release, depth);
        self.judged.borrow_mut().insert(release, is_good);
        is_good
    }

    fn judge(&self, state: &State, (node, index): (Node, usize), depth: usize) -> bool {
        let package = self.locked.package(node);
        let release = &package.releases[index];
        if depth == 0 || !self.rules.takes(release) {
            return false;
        }
        if self.goal.is_about(&package.name) {
            return self.goal.is_met_by(&self.locked.catalogue, release);
        }
        let children = self.locked.dependencies(node).iter().copied();
        children
            .filter(|child| self.goal.nodes.contains(child) || state.doomed.contains(child))
            .all(|child| self.lets_go(state, (node, index), child, depth - 1))
    }

    /// `parent` moves, or its requirement is rewritten, so that it takes what `child` moved to.
    fn make_accept(&self, state: &State, parent: Node, child: Node) -> Vec<State> {
        let Some(version) = state.version(self.locked, child) else {
            return Vec::new();
        };
        if self.locked.is_local(parent) {
            return self
                .edit(state, parent, child, &version)
                .into_iter()
                .collect();
        }
        let name = self.locked.name(child);
        self.move_to(state, parent, |index, _| {
            let needs = self.locked.active_needs(parent, index);
            let mut needs = needs.iter().filter(|need| need.package == name);
            needs.all(|need| need.version.matches(&version))
        })
    }

    /// Rewrites a manifest's requirement so that `node` gives way to a good release: the
    /// lowest of each class above the locked one.
    fn edit_to_free(&self, state: &State, parent: Node, node: Node) -> Vec<State> {
        if self.strategy_max < Strategy::Requirement || !self.locked.is_movable(node) {
            return Vec::new();
        }
        let Some(locked) = self.locked.version(node) else {
            return Vec::new();
        };
        let package = self.locked.package(node);
        let mut lowest = BTreeMap::<Class, &Version>::new();
        for (index, release) in package.releases.iter().enumerate() {
            if class(&release.version) > class(locked)
                && self.is_good(state, (node, index), DOOMED_MAX)
            {
                lowest
                    .entry(class(&release.version))
                    .or_insert(&release.version);
            }
        }
        let edited = lowest.into_values().enumerate();
        edited
            .filter_map(|(passed_over, version)| {
                let mut state = self.edit(state, parent, node, version)?;
                state.passed_over += passed_over;
                Some(state)
            })
            .collect()
    }

    /// `state` with every requirement of `parent` on `child` raised to admit `version`.
    fn edit(&self, state: &State, parent: Node, child: Node, version: &Version) -> Option<State> {
        let locked = self.locked.version(child)?;
        let breaking = bump(locked, version) == Bump::Breaking;
        let name = self.locked.name(child);
        if self.strategy_max < Strategy::Requirement
            || (breaking && self.strategy_max < Strategy::Breaking)
            || bump(locked, version) > self.rules.bump_max
            || self.rules.leaves_alone(name)
        {
            return None;
        }
        let edits_before = state.edits.len();
        let mut state = state.clone();
        for (declaration, need) in self.declarations(parent, child) {
            let Some(text) = raise(&need, version) else {
                continue;
            };
            if !self.locked.declarations.is_editable(declaration)
                || state.edits.contains_key(&declaration)
            {
                return None;
            }
            let to = version.clone();
            let edit = Edit {
                node: child,
                text,
                to,
            };
            state.edits.insert(declaration, edit);
        }
        state.distance += self.locked.package(child).distance(locked, version);
        (state.edits.len() > edits_before).then_some(state)
    }

    fn declarations(&self, parent: Node, child: Node) -> Vec<(Declaration, String)> {
        let needs = self.locked.needs_between(parent, child);
        let needs = needs.iter().flat_map(|needs| needs.iter());
        needs
            .filter_map(|(need, edge)| match edge {
                Edge::Manifest(declaration) => Some((*declaration, need.text.clone())),
                Edge::Registry => None,
            })
            .collect()
    }
}
