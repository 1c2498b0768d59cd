//! Owns the search for a way: from a locked package to a later release that its holders
//! take, or upwards to later releases of the holders. Bounded, because what it reads is
//! anybody's.

use std::collections::{BTreeMap, BTreeSet};

use backstitch_model::AdvisoryId;
use backstitch_model::candidate::Strategy;
use backstitch_model::policy::Bump;
use backstitch_model::project::Node;
use semver::Version;

use super::catalogue::{KnownRelease, Need, Package};
use super::locked::{Locked, Place};
use super::range::raise;
use super::rules::Rules;
use crate::version::bump;

/// How many levels of holders are moved.
const LEVELS_MAX: usize = 4;

/// How many releases of one package are tried where its holders must move for them.
const RELEASES_MAX: usize = 24;

/// How many packages one way may move.
const MOVED_MAX: usize = 24;

/// How deep what comes in anew is looked at.
const ARRIVALS_DEPTH_MAX: usize = 3;

/// What to do, all of it together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Way {
    /// Packages and the releases they go to.
    pub(super) moves: BTreeMap<Node, usize>,
    /// Packages that nobody asks for any more, at the version they have.
    pub(super) left: BTreeSet<Node>,
    /// Requirements and overrides that are rewritten, with their text.
    pub(super) texts: BTreeMap<Rewritten, String>,
    /// Does something come in, or go, that the lockfile's text does not tell?
    pub(super) rearranges: bool,
}

/// What is rewritten: where, and from what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rewritten {
    pub(super) place: Place,
    /// What it said; nothing where it is new.
    pub(super) from: String,
    /// Is the step of what it asks for a breaking one?
    pub(super) breaking: bool,
}

impl Way {
    /// How it does what it does. `goals` are the packages that it is for.
    pub(super) fn strategy(&self, goals: &[Node]) -> Strategy {
        let rewritten = || self.texts.keys();
        if rewritten().any(|one| one.breaking) {
            Strategy::Breaking
        } else if rewritten().any(|one| matches!(one.place, Place::Override(_))) {
            Strategy::Override
        } else if !self.texts.is_empty() {
            Strategy::Requirement
        } else if self.moves.keys().all(|node| goals.contains(node)) && self.left.is_empty() {
            Strategy::Lockfile
        } else {
            Strategy::Parent
        }
    }

    /// Takes another way along; `false` where the two disagree.
    pub(super) fn join(&mut self, other: Self) -> bool {
        for (node, index) in other.moves {
            if *self.moves.entry(node).or_insert(index) != index {
                return false;
            }
        }
        for (what, text) in other.texts {
            if *self.texts.entry(what).or_insert_with(|| text.clone()) != text {
                return false;
            }
        }
        self.left.extend(other.left);
        self.rearranges |= other.rearranges;
        self.moves.len() <= MOVED_MAX
    }

    /// The riskier way last, then what changes more, then what npm has to choose for.
    fn cost(&self, goal: Node) -> (Strategy, usize, usize) {
        let size = self.moves.len() + self.left.len() + self.texts.len();
        (self.strategy(&[goal]), size, self.left.len())
    }
}

/// What is searched, and how far a way may go.
pub(super) struct Search<'search, 'given> {
    pub(super) locked: &'search Locked<'given>,
    pub(super) rules: &'search Rules,
    pub(super) strategy_max: Strategy,
    /// How many of the advisories that the package has may stay.
    pub(super) left_max: usize,
}

impl Search<'_, '_> {
    /// The releases that would do for the package itself, the lowest first.
    pub(super) fn good(&self, node: Node, package: &Package) -> impl Iterator<Item = usize> {
        let locked = self.locked.version(node);
        let present = self.vulnerabilities_of(node);
        (0..package.releases.len()).filter(move |&index| {
            let release = &package.releases[index];
            locked.is_some_and(|locked| self.rules.allows(&package.name, locked, release))
                && self.leaves_little(&package.name, release, &present)
        })
    }

    /// Has a release fewer advisories than are present, and none beside them?
    fn leaves_little(
        &self,
        name: &str,
        release: &KnownRelease,
        present: &BTreeSet<AdvisoryId>,
    ) -> bool {
        let ids = self.locked.catalogue.vulnerabilities(name, release);
        ids.len() <= self.left_max
            && (ids.is_empty() || ids.len() < present.len())
            && ids.is_subset(present)
    }

    /// The ways that move nothing but the package itself: the lowest releases, and at last the
    /// newest. Where a release that is called fixed turns out not to be, its neighbours seldom
    /// are, and the newest is the best guess.
    pub(super) fn direct(&self, node: Node, count: usize) -> Vec<Way> {
        if !self.locked.is_movable(node) {
            return Vec::new();
        }
        let package = self.locked.package(node);
        let ways = self
            .good(node, &package)
            .filter_map(|index| self.direct_to(node, &package, index));
        let mut ways: Vec<Way> = ways.collect();
        if let (Some(newest), true) = (ways.last().cloned(), ways.len() > count && count > 1) {
            ways.truncate(count - 1);
            ways.push(newest);
        }
        ways.truncate(count);
        ways
    }

    fn direct_to(&self, node: Node, package: &Package, index: usize) -> Option<Way> {
        let release = &package.releases[index];
        self.locked.catalogue.pay(1).then_some(())?;
        self.is_taken_by_all(node, release).then_some(())?;
        let rearranges = self.needs_fit(node, package, index)?;
        Some(Way {
            moves: BTreeMap::from([(node, index)]),
            rearranges,
            ..Way::default()
        })
    }

    fn is_taken_by_all(&self, node: Node, release: &KnownRelease) -> bool {
        let mut parents = self.locked.parents(node).iter();
        parents.all(|&parent| {
            let refusing = self.locked.refusing(parent, node, release);
            refusing.is_ok_and(|needs| needs.is_empty())
        })
    }

    /// The cheapest way that moves those who hold the package, too.
    pub(super) fn through_holders(&self, node: Node) -> Option<Way> {
        self.upwards(node, &mut vec![node])
    }

    fn upwards(&self, node: Node, path: &mut Vec<Node>) -> Option<Way> {
        if !self.locked.is_movable(node) {
            return None;
        }
        let package = self.locked.package(node);
        let without: Option<Way> = self.without(node, path);
        // Where the same holders move and then ask for it no more, it does not move itself.
        let is_moot = |way: &Way| {
            let others = way.moves.iter().filter(|(moved, _)| **moved != node);
            without
                .as_ref()
                .is_some_and(|without| others.eq(without.moves.iter()))
        };
        let mut best = without.clone();
        let good: Vec<usize> = self.good(node, &package).take(RELEASES_MAX).collect();
        for index in good {
            let way = self.with_holders(node, &package, index, path);
            best = cheaper(node, best, way.filter(|way| !is_moot(way)));
        }
        best
    }

    /// The package goes to a release, and those who refuse that make way for it.
    fn with_holders(
        &self,
        node: Node,
        package: &Package,
        index: usize,
        path: &mut Vec<Node>,
    ) -> Option<Way> {
        let release = &package.releases[index];
        let mut way = Way {
            moves: BTreeMap::from([(node, index)]),
            rearranges: self.needs_fit(node, package, index)?,
            ..Way::default()
        };
        for &parent in self.locked.parents(node) {
            let refusing = self.locked.refusing(parent, node, release).ok()?;
            if refusing.is_empty() {
                continue;
            }
            let freed = self.freed(parent, node, Some(release), &refusing, path)?;
            way.join(freed).then_some(())?;
        }
        (way.strategy(&[node]) <= self.strategy_max).then_some(way)
    }

    /// Everybody who asks for the package makes do without, or with another release of it.
    fn without(&self, node: Node, path: &mut Vec<Node>) -> Option<Way> {
        let parents = self.locked.parents(node);
        let is_own = |parent: &Node| self.locked.is_local(*parent);
        if parents.is_empty() || parents.iter().any(is_own) {
            return None;
        }
        let mut way = Way {
            left: BTreeSet::from([node]),
            rearranges: true,
            ..Way::default()
        };
        for &parent in parents {
            let freed = self.freed(parent, node, None, &[], path)?;
            way.join(freed).then_some(())?;
        }
        (way.strategy(&[node]) <= self.strategy_max).then_some(way)
    }

    /// What makes `parent` take `release` of `node`, or leave it.
    fn freed(
        &self,
        parent: Node,
        node: Node,
        release: Option<&KnownRelease>,
        refusing: &[(Need, Place)],
        path: &mut Vec<Node>,
    ) -> Option<Way> {
        let is_written = |(_, place): &(Need, Place)| *place != Place::Release;
        if !refusing.is_empty() && refusing.iter().all(is_written) {
            return self.rewritten(node, release?, refusing);
        }
        if self.locked.is_local(parent) || path.contains(&parent) || path.len() > LEVELS_MAX {
            return None;
        }
        path.push(parent);
        let way = self.moved(parent, node, release, path);
        path.pop();
        way
    }

    /// Raises what the project's own manifests say.
    fn rewritten(
        &self,
        node: Node,
        release: &KnownRelease,
        refusing: &[(Need, Place)],
    ) -> Option<Way> {
        let locked = self.locked.version(node)?;
        let mut way = Way {
            rearranges: true,
            ..Way::default()
        };
        for (need, place) in refusing {
            // What a library asks its users for is a promise, and no dependency of its own.
            (!need.peer).then_some(())?;
            let what = Rewritten {
                place: place.clone(),
                from: need.text.clone(),
                breaking: bump(locked, &release.version) == Bump::Breaking,
            };
            way.texts.insert(what, raise(&need.text, &release.version)?);
        }
        Some(way)
    }

    /// The cheapest way that moves `parent` to a release which takes `release` of `node`, or
    /// does without.
    fn moved(
        &self,
        parent: Node,
        node: Node,
        release: Option<&KnownRelease>,
        path: &mut Vec<Node>,
    ) -> Option<Way> {
        if !self.locked.is_movable(parent) {
            return None;
        }
        let package = self.locked.package(parent);
        let known = self.vulnerabilities_of(parent);
        let locked = self.locked.version(parent)?;
        let candidates = (0..package.releases.len()).filter(|&index| {
            let candidate = &package.releases[index];
            self.rules.allows(&package.name, locked, candidate)
                && self.locked.catalogue.pay(1)
                && self.lets_go(candidate, node, release)
                && self.brings_nothing(&package.name, candidate, &known)
        });
        let mut best = None;
        for index in candidates.take(RELEASES_MAX) {
            let way = self
                .direct_to(parent, &package, index)
                .or_else(|| self.with_holders(parent, &package, index, path));
            best = cheaper(parent, best, way);
        }
        best
    }

    fn vulnerabilities_of(&self, node: Node) -> BTreeSet<AdvisoryId> {
        let id = &self.locked.about(node).id;
        let catalogue = &self.locked.catalogue;
        catalogue.vulnerabilities_at(&id.name, &id.version)
    }

    fn brings_nothing(
        &self,
        name: &str,
        release: &KnownRelease,
        known: &BTreeSet<AdvisoryId>,
    ) -> bool {
        let ids = self.locked.catalogue.vulnerabilities(name, release);
        ids.is_subset(known)
    }

    /// Does a release of a holder drop the package, take the release wanted, or ask for
    /// another one that would do?
    fn lets_go(&self, holder: &KnownRelease, node: Node, release: Option<&KnownRelease>) -> bool {
        let name = self.locked.name(node);
        let takes_locked = |need: &Need| {
            let package = self.locked.package(node);
            let locked = self.locked.version(node);
            let index = locked.and_then(|locked| package.position(locked));
            index.is_some_and(|index| need.spec.admits(&package.releases[index].node_version))
        };
        let mut needs = holder.needs().iter().filter(|need| need.package == name);
        needs.all(|need| match release {
            Some(release) if need.spec.admits(&release.node_version) => true,
            Some(_) | None => !takes_locked(need) && !need.peer && self.arrives_well(need, 0),
        })
    }

    /// Does what a release requires fit what is there, or come in without harm? Answers
    /// whether anything comes in or goes.
    fn needs_fit(&self, node: Node, package: &Package, index: usize) -> Option<bool> {
        let release = &package.releases[index];
        let mut comes = false;
        for need in release.needs() {
            if self.locked.is_met(node, need) {
                continue;
            }
            let is_there = !self.locked.named(&need.package).is_empty();
            match (need.peer, need.optional) {
                (true, true) if !is_there => {}
                (false, _) if self.arrives_well(need, 0) => comes = true,
                (false, true) => {}
                (true, _) | (false, false) => return None,
            }
        }
        Some(comes || self.goes(node, release))
    }

    /// Does a release no longer ask for something that the locked one does?
    fn goes(&self, node: Node, release: &KnownRelease) -> bool {
        let asks = |name: &str| release.needs().iter().any(|need| need.package == name);
        let mut children = self.locked.about(node).dependencies.iter();
        children.any(|&child| !asks(self.locked.name(child)))
    }

    /// Npm takes the newest release that a requirement admits; is that one free of advisories,
    /// with what it brings in turn?
    fn arrives_well(&self, need: &Need, depth: usize) -> bool {
        if depth >= ARRIVALS_DEPTH_MAX || !self.locked.catalogue.pay(1) {
            return true;
        }
        let package = self.locked.catalogue.package(&need.package);
        let mut newest = package.releases.iter().rev();
        let Some(picked) = newest
            .find(|release| need.spec.admits(&release.node_version) && self.rules.takes(release))
        else {
            return false;
        };
        let ids = self.locked.catalogue.vulnerabilities(&package.name, picked);
        let is_there = |need: &&Need| self.locked.named(&need.package).is_empty();
        let mut brought = picked
            .needs()
            .iter()
            .filter(|need| !need.peer && !need.optional);
        ids.is_empty()
            && brought
                .by_ref()
                .filter(is_there)
                .all(|need| self.arrives_well(need, depth + 1))
    }

    /// An override of what the holders ask for, for the lowest release that would do.
    pub(super) fn overriding(&self, node: Node) -> Option<Way> {
        if !self.locked.is_movable(node) {
            return None;
        }
        let package = self.locked.package(node);
        let locked = self.locked.version(node)?;
        let good: Vec<usize> = self.good(node, &package).take(RELEASES_MAX).collect();
        let ways = good
            .into_iter()
            .filter_map(|index| self.overridden(node, &package, index, locked));
        ways.min_by_key(|way| way.cost(node))
    }

    fn overridden(
        &self,
        node: Node,
        package: &Package,
        index: usize,
        locked: &Version,
    ) -> Option<Way> {
        let release = &package.releases[index];
        self.needs_fit(node, package, index)?;
        let mut way = Way {
            moves: BTreeMap::from([(node, index)]),
            rearranges: true,
            ..Way::default()
        };
        for &parent in self.locked.parents(node) {
            let refusing = self.locked.refusing(parent, node, release).ok()?;
            for (need, place) in refusing {
                let place = match place {
                    Place::Release => {
                        let holder = self.locked.name(parent);
                        let path = self.locked.overrides.place(holder, &package.name)?;
                        (
                            Place::Override(path),
                            String::new(),
                            format!("^{}", release.version),
                        )
                    }
                    Place::Override(_) | Place::Manifest(..) if !need.peer => {
                        let text = raise(&need.text, &release.version)?;
                        (place, need.text, text)
                    }
                    Place::Override(_) | Place::Manifest(..) => return None,
                };
                let (place, from, text) = place;
                let breaking = bump(locked, &release.version) == Bump::Breaking;
                let what = Rewritten {
                    place,
                    from,
                    breaking,
                };
                way.texts.insert(what, text);
            }
        }
        (way.strategy(&[node]) <= self.strategy_max).then_some(way)
    }
}

fn cheaper(goal: Node, one: Option<Way>, other: Option<Way>) -> Option<Way> {
    match (one, other) {
        (Some(one), Some(other)) if other.cost(goal) < one.cost(goal) => Some(other),
        (Some(one), _) => Some(one),
        (None, other) => other,
    }
}
