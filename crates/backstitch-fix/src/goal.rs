//! Owns what a search is for: which locked packages must change, and what they may
//! become. Knows no path there.

use std::collections::BTreeSet;

use backstitch_model::AdvisoryId;
use backstitch_model::project::Node;

use crate::catalogue::{Catalogue, KnownRelease};

/// Packages of one name that must become good or go.
#[derive(Debug, Clone)]
pub(crate) struct Goal {
    pub(crate) name: String,
    pub(crate) nodes: Vec<Node>,
    /// The vulnerabilities that are there already: others are never brought in.
    pub(crate) present: BTreeSet<AdvisoryId>,
    /// How many of them may stay: none, unless there is no other way.
    pub(crate) left_max: usize,
}

impl Goal {
    pub(crate) fn is_about(&self, name: &str) -> bool {
        self.name == name
    }

    /// Is the release of the goal's package good enough?
    pub(crate) fn is_met_by(&self, catalogue: &Catalogue<'_>, release: &KnownRelease) -> bool {
        let left = catalogue.vulnerabilities(&self.name, release);
        left.len() <= self.left_max && left.is_subset(&self.present)
    }
}
