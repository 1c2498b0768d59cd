//! Owns the choice of a release for a requirement that nothing locked satisfies, as
//! Cargo's resolver makes it. Follows no edge: the walk does.

use std::collections::BTreeSet;

use backstitch_model::project::Node;
use semver::Version;

use super::{Mover, Resolution};
use crate::catalogue::{KnownRelease, Need, Package};
use crate::locked::needs_of_new;
use crate::version::{class, is_later};

/// How many releases of a new package are looked at for one requirement.
const RELEASES_MAX: usize = 48;

/// How deep the needs of a new package are looked at before it is taken.
const DEPTH_MAX: usize = 6;

/// How many releases are looked at, for one state, to find what fits.
const LOOKS_MAX: usize = 1_000;

/// What a requirement turned out to lead to.
pub(super) enum Found {
    /// Something that is there, or comes in already.
    There,
    /// A new package.
    New {
        index: usize,
        picked: usize,
    },
    /// A locked package that must move up.
    Raised(Node),
    Nothing,
}

/// Whose choice is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Chooser {
    /// Cargo, which takes what is not withdrawn.
    Cargo,
    /// The rules, on top.
    Rules,
}

impl Resolution<'_, '_> {
    /// Finds what a requirement that nothing locked satisfies leads to, as Cargo does:
    /// the newest release, in a class where nothing is in the way, whose own needs can be met.
    pub(super) fn find(
        &mut self,
        package: &Package,
        need: &Need,
        mover: Mover,
        wanted: Option<&Version>,
    ) -> Found {
        let mut blocked = BTreeSet::new();
        let mut picked = None;
        let mut newest = None;
        for index in self.choices(need) {
            let release = &package.releases[index];
            if wanted.is_some_and(|wanted| release.version.cmp_precedence(wanted).is_ne()) {
                continue;
            }
            let class = class(&release.version);
            let may_come_in = self.may_come_in(&package.name, release);
            if blocked.contains(&class) || (!may_come_in && picked.is_some()) {
                continue;
            }
            match self.in_the_way(package, release, need) {
                Some(Found::Nothing) => {
                    blocked.insert(class);
                }
                Some(found) if may_come_in => return found,
                Some(_) => {}
                None => {
                    let at = (package, index);
                    if picked.is_none() && self.fits(Chooser::Cargo, at, need, mover, DEPTH_MAX) {
                        picked = Some(index);
                    }
                    if may_come_in && self.fits(Chooser::Rules, at, need, mover, DEPTH_MAX) {
                        let picked = picked.unwrap_or(index);
                        return Found::New { index, picked };
                    }
                    newest = newest.or(may_come_in.then_some(index));
                }
            }
        }
        newest.map_or(Found::Nothing, |index| {
            let picked = picked.unwrap_or(index);
            Found::New { index, picked }
        })
    }

    fn choices(&self, need: &Need) -> Vec<usize> {
        let catalogue = &self.locked.catalogue;
        let choices = catalogue.choices(need, self.rules.rust_preferred.as_ref());
        choices.iter().copied().take(RELEASES_MAX).collect()
    }

    /// What already holds the place of a release: `Nothing` where it cannot give way.
    fn in_the_way(&self, package: &Package, release: &KnownRelease, need: &Need) -> Option<Found> {
        let class = class(&release.version);
        if let Some(node) = self.state.class_mate(self.locked, &package.name, class) {
            let version = self.state.version(self.locked, node);
            let is_below = version.is_some_and(|version| is_later(&release.version, &version));
            return Some(if is_below {
                Found::Raised(node)
            } else {
                Found::Nothing
            });
        }
        let added = self.outcome.added.get(&(package.name.clone(), class))?;
        Some(if need.version.matches(&added.release().version) {
            Found::There
        } else {
            Found::Nothing
        })
    }

    /// Can everything that a new release needs be met without moving what Cargo holds?
    fn fits(
        &mut self,
        chooser: Chooser,
        (package, index): (&Package, usize),
        need: &Need,
        mover: Mover,
        depth: usize,
    ) -> bool {
        let key = (chooser, package.name.clone(), index);
        if let Some(&fits) = self.fitting.get(&key) {
            return fits;
        }
        let effort = &self.locked.catalogue.effort;
        if depth == 0 || self.fitting.len() > LOOKS_MAX || !effort.pay(1) {
            return true;
        }
        // Two packages that need one another fit as far as the rest does.
        self.fitting.insert(key.clone(), true);
        let needs = needs_of_new(&package.releases[index], need);
        let fits = needs
            .iter()
            .all(|need| self.can_be_met(chooser, need, mover, depth - 1));
        self.fitting.insert(key, fits);
        fits
    }

    fn can_be_met(&mut self, chooser: Chooser, need: &Need, mover: Mover, depth: usize) -> bool {
        if self.locked_match(need, mover).is_some() {
            return true;
        }
        let package = self.locked.catalogue.package(&need.package);
        let mut blocked = BTreeSet::new();
        for index in self.choices(need) {
            let release = &package.releases[index];
            let class = class(&release.version);
            let is_taken = chooser == Chooser::Cargo || self.may_come_in(&package.name, release);
            if blocked.contains(&class) || !is_taken {
                continue;
            }
            match self.in_the_way(&package, release, need) {
                Some(Found::There) => return true,
                Some(Found::Raised(node)) if self.may_move(node, mover) => return true,
                Some(_) => {
                    blocked.insert(class);
                }
                None if self.fits(chooser, (&package, index), need, mover, depth) => return true,
                None => {}
            }
        }
        false
    }

    /// Does Cargo let `node` move when `mover` does?
    pub(super) fn may_move(&self, node: Node, mover: Mover) -> bool {
        mover.is_none_or(|mover| self.locked.below(mover).contains(&node))
    }

    fn may_come_in(&self, name: &str, release: &KnownRelease) -> bool {
        let catalogue = &self.locked.catalogue;
        self.rules.takes(release)
            && if self.goal.is_about(name) {
                self.goal.is_met_by(catalogue, release)
            } else {
                catalogue.vulnerabilities(name, release).is_empty()
            }
    }
}
