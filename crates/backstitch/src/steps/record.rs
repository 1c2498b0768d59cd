//! Record: what was observed goes to the findings' records; an accepted change becomes
//! the tree that everything after builds upon.

use backstitch_model::record::Attempt;

use super::pairing::Pairing;
use super::propose::change_key;
use super::reproduce::evidence_for;
use super::verify::{Changed, Tried};
use super::{Steps, Underway};
use crate::report::words;
use crate::story::Fix;

impl Steps {
    /// Records an attempt, and goes on from its tree where it settles something.
    pub fn record(&mut self, underway: &mut Underway, tried: Tried) {
        let verdict = tried.attempt.evidence.verdict();
        let proofs = tried.changed.as_ref().map(|changed| changed.proofs.clone());
        let proofs = proofs.unwrap_or_default();
        underway.tried.insert(tried.proposal.key.clone());
        let accepted = tried.changed.filter(|_| verdict.settles());
        if accepted.is_none() {
            let package = tried.proposal.package.clone();
            *underway.rejections.entry(package).or_insert(0) += 1;
            let change = change_key(&tried.attempt.candidate);
            underway.rejected.insert(change);
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
                settles: indexes,
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
    /// Makes the changed tree the current one. A finding that stays under a new version
    /// keeps its record.
    fn go_on_from(&mut self, changed: Changed, key: String) {
        let pairing = Pairing::of(&self.findings, &changed.findings);
        let carried = pairing.continued.iter().filter_map(|(before, after)| {
            let record = self.records.get(&before.id)?;
            Some((after.id.clone(), *record))
        });
        self.records = carried.collect();
        if let Some(built) = changed.built {
            self.baseline = self.baseline.take().map(|baseline| baseline.upon(built));
        }
        self.tree = changed.tree;
        self.work = changed.work;
        self.project = changed.project;
        self.findings = changed.findings;
        self.key = key;
        self.plans = None;
    }
}
