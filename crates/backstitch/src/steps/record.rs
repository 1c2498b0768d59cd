//! Record: what was observed goes to the findings' records; an accepted change becomes
//! the tree that everything after builds upon.

use std::collections::BTreeMap;

use backstitch_model::FindingId;

use super::propose::change_key;
use super::verify::{Changed, Tried, gone, problem};
use super::{Steps, Underway};
use crate::report::words;
use crate::story::Fix;

impl Steps {
    /// Records an attempt, and goes on from its tree where it settles something.
    pub fn record(&mut self, underway: &mut Underway, tried: Tried) {
        let verdict = tried.attempt.evidence.verdict();
        self.progress.line(&format!(
            "{}: {verdict}",
            words::change(&tried.attempt.candidate)
        ));
        underway.tried.insert(tried.proposal.key.clone());
        *underway
            .attempts
            .entry(tried.proposal.package.clone())
            .or_insert(0) += 1;
        let accepted = tried.changed.filter(|_| verdict.settles());
        if accepted.is_none() {
            let change = change_key(&tried.attempt.candidate);
            underway.rejected.insert(change);
        }
        let mut concerned = tried.attempt.candidate.settles.clone();
        if let Some(changed) = &accepted {
            // A fix may settle more than it promised.
            concerned.extend(gone(&underway.findings, &changed.findings));
        }
        let mut indexes: Vec<_> = concerned
            .iter()
            .filter_map(|id| underway.records.get(id).copied())
            .collect();
        indexes.sort_unstable();
        indexes.dedup();
        for &index in &indexes {
            self.story.records[index]
                .attempts
                .push(tried.attempt.clone());
        }
        if let Some(changed) = accepted {
            self.story.fixes.push(Fix {
                attempt: tried.proposal.key.clone(),
                settles: indexes,
                files: changed.files.clone(),
            });
            underway.go_on_from(changed, tried.proposal.key);
        }
    }
}

impl Underway {
    /// Makes the changed tree the current one. A finding that stays under a new version
    /// keeps its record.
    fn go_on_from(&mut self, changed: Changed, key: String) {
        self.records = carried_over(&self.records, self, &changed);
        if let (Some(built), Some(baseline)) = (changed.built, self.baseline.take()) {
            self.baseline = Some(baseline.upon(built));
        }
        self.tree = changed.tree;
        self.project = changed.project;
        self.findings = changed.findings;
        self.key = key;
        self.plans = None;
    }
}

/// Which record each finding of the changed tree continues.
fn carried_over(
    records: &BTreeMap<FindingId, usize>,
    before: &Underway,
    changed: &Changed,
) -> BTreeMap<FindingId, usize> {
    let gone = gone(&before.findings, &changed.findings);
    let mut open: Vec<_> = before
        .findings
        .iter()
        .filter(|finding| !gone.contains(&finding.id))
        .collect();
    let mut carried = BTreeMap::new();
    for finding in &changed.findings {
        let same_id = open.iter().position(|other| other.id == finding.id);
        let same_problem = || {
            let known = &before.findings;
            open.iter()
                .position(|other| problem(other, known) == problem(finding, known))
        };
        if let Some(position) = same_id.or_else(same_problem) {
            let continued = open.remove(position);
            if let Some(&index) = records.get(&continued.id) {
                carried.insert(finding.id.clone(), index);
            }
        }
    }
    carried
}
