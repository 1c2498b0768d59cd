//! Searches for releases that fit together: the vulnerable package goes to the lowest release
//! that is good enough, and what then no longer fits moves along, as little as it can.

use std::collections::{BTreeMap, BTreeSet};

use backstitch_model::AdvisoryId;
use backstitch_model::policy::Bump;
use backstitch_model::project::Node;
use pep440_rs::Version;

use super::catalogue::{Listed, Need};
use super::locked::Locked;
use super::rules::Rules;
use super::version::{bump, numbers};

/// How many packages one solution may move.
const MOVES_MAX: usize = 12;

/// Packages of one name that must become good.
#[derive(Debug, Clone)]
pub(super) struct Goal {
    pub(super) nodes: Vec<Node>,
    /// The vulnerabilities that are there already: others are never brought in.
    pub(super) present: BTreeSet<AdvisoryId>,
    /// How many of them may stay: none, unless there is no other way.
    pub(super) left_max: usize,
}

/// What moves, and where to.
pub(super) type Moved = BTreeMap<Node, Listed>;

/// What keeps a package where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hold {
    /// The package that requires; `None` for the project itself.
    pub(super) holder: Option<Node>,
    /// What is required, as written.
    pub(super) requirement: String,
}

/// A requirement that a state does not meet.
enum Conflict {
    /// This package requires an earlier one.
    Parent(Node),
    /// This package must be of a range.
    Companion(Node, super::version::Range),
    /// Nothing can be moved to meet it.
    Stuck,
}

pub(super) struct Search<'search, 'given> {
    pub(super) locked: &'search Locked<'given>,
    pub(super) rules: &'search Rules,
}

impl Search<'_, '_> {
    /// The solutions for a goal, each ending at another line of releases, least first.
    pub(super) fn run(&self, goal: &Goal, solutions_max: usize) -> Vec<Moved> {
        let mut solutions = Vec::new();
        let Some((&first, rest)) = goal.nodes.split_first() else {
            return solutions;
        };
        let mut lines = BTreeSet::new();
        for release in self.good(goal, first) {
            if solutions.len() >= solutions_max {
                break;
            }
            let line = numbers(&release.version);
            if lines.contains(&line) {
                continue;
            }
            let moved = Moved::from([(first, release)]);
            if let Some(solution) = self.place(goal, rest, moved) {
                lines.insert(line);
                solutions.push(solution);
            }
        }
        solutions
    }

    /// The releases that a package of the goal may go to, lowest first.
    fn good(&self, goal: &Goal, node: Node) -> Vec<Listed> {
        let name = self.locked.name(node);
        let is_good = |release: &Listed| {
            let left = self
                .locked
                .catalogue
                .vulnerabilities(name, &release.release().version);
            left.len() <= goal.left_max && left.is_subset(&goal.present)
        };
        let mut releases = self.allowed(node);
        releases.retain(is_good);
        releases
    }

    fn allowed(&self, node: Node) -> Vec<Listed> {
        let Some(version) = self.locked.version(node) else {
            return Vec::new();
        };
        let package = self.locked.catalogue.package(self.locked.name(node));
        let with_hashes = self.locked.has_hashes(node);
        let mut later = package.later(version);
        later.retain(|release| self.rules.allow(version, release, with_hashes));
        later
    }

    /// Gives the goal's other packages a release too.
    fn place(&self, goal: &Goal, rest: &[Node], moved: Moved) -> Option<Moved> {
        let Some((&node, rest)) = rest.split_first() else {
            return self.settle(moved);
        };
        self.good(goal, node).into_iter().find_map(|release| {
            let mut moved = moved.clone();
            moved.insert(node, release);
            self.place(goal, rest, moved)
        })
    }

    /// Moves along what no longer fits.
    fn settle(&self, moved: Moved) -> Option<Moved> {
        if moved.len() > MOVES_MAX || !self.locked.catalogue.pay() {
            return None;
        }
        match self.conflict(&moved) {
            None => Some(moved),
            Some(Conflict::Stuck) => None,
            Some(Conflict::Parent(parent)) => self.move_along(&moved, parent, |_| true),
            Some(Conflict::Companion(node, range)) => {
                self.move_along(&moved, node, |release| range.admits(&release.version))
            }
        }
    }

    /// Moves one more package, to the lowest release with which everything fits.
    fn move_along(
        &self,
        moved: &Moved,
        node: Node,
        fits: impl Fn(&Listed) -> bool,
    ) -> Option<Moved> {
        if moved.contains_key(&node) || !self.locked.is_movable(node) {
            return None;
        }
        let id = &self.locked.project.graph.package(node).id;
        let catalogue = &self.locked.catalogue;
        let present = catalogue.vulnerabilities(&id.name, &id.version);
        let is_no_worse = |release: &Listed| {
            let left = catalogue.vulnerabilities(&id.name, &release.release().version);
            left.is_subset(&present)
        };
        let allowed = self.allowed(node).into_iter();
        allowed
            .filter(|release| fits(release) && is_no_worse(release))
            .find_map(|release| {
                let mut moved = moved.clone();
                moved.insert(node, release);
                self.settle(moved)
            })
    }

    fn conflict(&self, moved: &Moved) -> Option<Conflict> {
        moved.iter().find_map(|(&node, to)| {
            self.held(moved, node, to)
                .or_else(|| self.lacking(moved, node, to))
        })
    }

    /// Who requires another version of what was moved?
    fn held(&self, moved: &Moved, node: Node, to: &Listed) -> Option<Conflict> {
        let holds = self.holds(moved, node, &to.version).into_iter();
        let mut holds = holds.filter(|hold| hold.holder.is_some() || !self.rules.own);
        let hold = holds.next()?;
        Some(match hold.holder {
            Some(parent) if self.rules.parents => Conflict::Parent(parent),
            Some(_) | None => Conflict::Stuck,
        })
    }

    /// Everybody who keeps a package from going to `to`. A requirement that the locked version
    /// does not meet either is not in force, mostly because of its marker.
    pub(super) fn holds(&self, moved: &Moved, node: Node, to: &Version) -> Vec<Hold> {
        let (locked, name) = (self.locked, self.locked.name(node));
        let Some(from) = locked.version(node) else {
            return Vec::new();
        };
        let mut holds: Vec<_> = locked
            .broken(node, to)
            .into_iter()
            .map(|own| Hold {
                holder: None,
                requirement: format!("{name} {} in `{}`", own.text, own.manifest),
            })
            .collect();
        for parent in locked.dependents(node) {
            let needs = self.needs(moved, parent);
            let about = needs.iter().flat_map(|needs| needs.iter());
            let broken = about
                .filter(|need| need.package == to_name(name))
                .find(|need| !need.optional && forbids(need, from, to));
            holds.extend(broken.map(|need| Hold {
                holder: Some(parent),
                requirement: format!("{name} {}", need.text),
            }));
        }
        holds
    }

    fn needs(&self, moved: &Moved, node: Node) -> super::catalogue::Needs {
        let name = self.locked.name(node);
        let version = match moved.get(&node) {
            Some(to) => &to.release().version,
            None => &self.locked.project.graph.package(node).id.version,
        };
        self.locked.catalogue.needs(name, version)
    }

    /// What does the new release require that is not there?
    fn lacking(&self, moved: &Moved, node: Node, to: &Listed) -> Option<Conflict> {
        let name = self.locked.name(node);
        let new = self.locked.catalogue.needs(name, &to.release().version)?;
        let old = self.needs(&Moved::new(), node);
        let had = |need: &Need| {
            let mut old = old.iter().flat_map(|old| old.iter());
            old.any(|known| known.package == need.package && known.text == need.text)
        };
        let asked = new.iter().filter(|need| !need.optional && !had(need));
        asked.into_iter().find_map(|need| self.unmet(moved, need))
    }

    /// Why a requirement that is new is not met. One with a marker may not be in force here, so
    /// it asks for nothing that is not locked.
    fn unmet(&self, moved: &Moved, need: &Need) -> Option<Conflict> {
        let nodes = self.locked.named(&need.package);
        if nodes.is_empty() {
            // Where nothing is locked, pip brings what is new.
            let may_come = need.marked || self.locked.is_alone() || self.rules.arrivals;
            return (!may_come).then_some(Conflict::Stuck);
        }
        let range = need.range.as_ref()?;
        let version = |node: Node| match moved.get(&node) {
            Some(to) => Some(&to.version),
            None => self.locked.version(node),
        };
        let is_met = |node: &Node| version(*node).is_none_or(|version| range.admits(version));
        if nodes.iter().any(is_met) {
            return None;
        }
        if need.marked && nodes.len() > 1 {
            return None;
        }
        Some(Conflict::Companion(nodes[0], range.clone()))
    }
}

fn to_name(name: &str) -> String {
    super::catalogue::plain(name)
}

/// Does a requirement that is in force keep a package from going there?
fn forbids(need: &Need, from: &Version, to: &Version) -> bool {
    let range = need.range.as_ref();
    range.is_some_and(|range| range.admits(from) && !range.admits(to))
}

/// The largest step of a solution.
pub(super) fn largest_step(locked: &Locked<'_>, moved: &Moved) -> Bump {
    let steps = moved.iter().filter_map(|(&node, to)| {
        let from = locked.version(node)?;
        Some(bump(from, &to.version))
    });
    steps.max().unwrap_or(Bump::Patch)
}
