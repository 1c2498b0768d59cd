//! Answers the planner's question: which vulnerabilities does a version have?

use std::sync::Mutex;

use backstitch_model::AdvisoryId;
use backstitch_model::finding::Class;
use backstitch_model::package::Ecosystem;
use backstitch_model::registry::KnownVulnerabilities;

use crate::group;
use crate::index::{Index, IndexError, Section};

/// The vulnerabilities of one ecosystem's packages; notices do not count.
#[derive(Debug)]
pub struct Known<'index> {
    index: &'index Index,
    section: Option<Section<'index>>,
    damage: Mutex<Option<String>>,
}

impl Index {
    /// Opens one ecosystem for questions on single versions, and checks every byte of it:
    /// an answer has no room for an error.
    pub fn known(&self, ecosystem: &Ecosystem) -> Result<Known<'_>, IndexError> {
        let section = self.section(ecosystem)?;
        if let Some(section) = &section {
            section.check().map_err(|part| self.damaged(part))?;
        }
        Ok(Known {
            index: self,
            section,
            damage: Mutex::new(None),
        })
    }
}

impl Known<'_> {
    /// The damage that a question ran into, which the trait's answer cannot tell. An index
    /// whose digests are right has none.
    pub fn damage(&self) -> Option<IndexError> {
        let damage = self.damage.lock().ok()?.clone();
        damage.map(|part| self.index.damaged(part))
    }
}

impl KnownVulnerabilities for Known<'_> {
    /// One id a problem: the one that a finding would have first.
    fn vulnerabilities(&self, package: &str, version: &str) -> Vec<AdvisoryId> {
        let Some(section) = &self.section else {
            return Vec::new();
        };
        match group::matches(section, package, version) {
            Ok(matches) => matches
                .groups
                .iter()
                .filter(|group| group.class() == Class::Vulnerability)
                .filter_map(|group| group.ids(section.ecosystem()).into_iter().next())
                .collect(),
            Err(part) => {
                if let Ok(mut damage) = self.damage.lock() {
                    damage.get_or_insert(part);
                }
                Vec::new()
            }
        }
    }
}
