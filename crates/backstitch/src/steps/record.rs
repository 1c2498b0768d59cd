//! Record: what was observed goes to the findings' records; an accepted change becomes
//! the tree that everything after builds upon.

use std::collections::BTreeMap;

use backstitch_model::record::Attempt;

use super::pairing::Pairing;
use super::propose::{Proposal, change_key};
use super::reproduce::evidence_for;
use super::verify::{Changed, Tried};
use super::{Steps, Underway};
use crate::report::words;
use crate::story::{Fix, Settled};

impl Steps {
    /// Records an attempt, and goes on from its tree where it settles something.
    pub fn record(&mut self, underway: &mut Underway, tried: Tried) {
        let verdict = tried.attempt.evidence.verdict();
        let proofs = tried.changed.as_ref().map(|changed| changed.proofs.clone());
        let proofs = proofs.unwrap_or_default();
        underway.tried.insert(tried.proposal.key.clone());
        let is_new = !underway.has_rejected(&tried.proposal);
        // What failed cheaply cost no run, and says nothing of what others will cost.
        if tried.changed.is_some() && is_new {
            underway.tally.count(verdict.settles());
        }
        let accepted = tried.changed.filter(|_| verdict.settles());
        if accepted.is_none() {
            underway.reject(&tried.proposal);
        }
        let mut concerned = tried.attempt.candidate.settles.clone();
        if let Some(changed) = &accepted {
            // A fix may settle more than it promised.
            let pairing = Pairing::of(&underway.findings, &changed.findings);
            let gone = pairing
                .gone
                .into_iter()
                .filter(|finding| finding.is_vulnerability());
            concerned.extend(gone.map(|finding| finding.id.clone()));
        }
        let mut indexes: Vec<_> = concerned
            .iter()
            .filter_map(|id| underway.records.get(id).copied())
            .collect();
        indexes.sort_unstable();
        indexes.dedup();
        let mut verdicts = Vec::new();
        for &index in &indexes {
            // What fails for one finding fails the change, and so for all of them.
            let evidence = if accepted.is_some() {
                evidence_for(&tried.attempt.evidence, proofs.get(&index))
            } else {
                tried.attempt.evidence.clone()
            };
            self.story.records[index].attempts.push(Attempt {
                evidence,
                ..tried.attempt.clone()
            });
            let told = self.told(index);
            if !verdicts.contains(&told) {
                verdicts.push(told);
            }
        }
        if verdicts.is_empty() {
            verdicts.push(verdict.to_string());
        }
        self.progress.line(&format!(
            "{}: {}",
            words::change(&tried.attempt.candidate),
            verdicts.join(", ")
        ));
        if let Some(changed) = accepted {
            self.story.fixes.push(Fix {
                attempt: tried.proposal.key.clone(),
                settles: Settled::Findings(indexes),
                files: changed.files.clone(),
            });
            underway.go_on_from(changed, tried.proposal.key);
        }
    }

    /// The verdict of a record's last attempt, in words.
    fn told(&self, index: usize) -> String {
        let last = self.story.records[index].attempts.last();
        last.map_or_else(String::new, |attempt| {
            attempt.evidence.verdict().to_string()
        })
    }
}

impl Underway {
    /// Goes on from the same tree without a candidate that was found to blame.
    pub(super) fn reject(&mut self, proposal: &Proposal) {
        self.tried.insert(proposal.key.clone());
        let rejections = self.rejections.entry(proposal.package.clone());
        *rejections.or_insert(0) += 1;
        self.rejected.insert(change_key(&proposal.candidate));
    }

    /// Makes the changed tree the current one. A finding that stays under a new version
    /// keeps its record.
    fn go_on_from(&mut self, mut changed: Changed, key: String) {
        let then = self.upon(&changed, key);
        let baseline = self.baseline.take();
        *self = Self {
            baseline: match changed.built.take() {
                Some(built) => baseline.map(|baseline| baseline.upon(built)),
                None => baseline,
            },
            reproduced: std::mem::take(&mut self.reproduced),
            ..then
        };
    }

    /// What is underway once the changed tree is the current one, as far as plans need it.
    pub(super) fn upon(&self, changed: &Changed, key: String) -> Self {
        let pairing = Pairing::of(&self.findings, &changed.findings);
        let carried = pairing.continued.iter().filter_map(|(before, after)| {
            let record = self.records.get(&before.id)?;
            Some((after.id.clone(), *record))
        });
        Self {
            tree: changed.tree.clone(),
            work: changed.work.clone(),
            key,
            project: changed.project.clone(),
            findings: changed.findings.clone(),
            unclear: changed.unclear.clone(),
            records: carried.collect(),
            ..self.apart()
        }
    }

    /// The same, as far as plans need it: without what attempts build upon and are compared with.
    pub(super) fn apart(&self) -> Self {
        Self {
            tree: self.tree.clone(),
            work: self.work.clone(),
            key: self.key.clone(),
            project: self.project.clone(),
            findings: self.findings.clone(),
            unclear: self.unclear.clone(),
            shared_manifests: self.shared_manifests.clone(),
            before: self.before.clone(),
            baseline: None,
            records: self.records.clone(),
            reproduced: BTreeMap::new(),
            plans: None,
            fixes_before: self.fixes_before,
            tried: self.tried.clone(),
            rejected: self.rejected.clone(),
            rejections: self.rejections.clone(),
            suspected: self.suspected.clone(),
            tally: self.tally,
        }
    }
}
