//! Ask: where the planner has no candidate left, the engines of the user's settings may propose how
//! the project's own code is adapted to an upgrade that it did not bear. What they propose is a
//! candidate like any other, and goes up the same ladder.

use anyhow::Result;
use backstitch_engine::{Brief, Proposal as Proposed};
use backstitch_fix::Plan;
use backstitch_model::candidate::{Applicability, Origin, Upgrade};
use backstitch_model::evidence::Evidence;
use backstitch_model::record::Attempt;
use backstitch_model::verdict::Conclusion;
use backstitch_model::{Candidate, Change, Check, Finding, FindingId, Outcome};

use super::propose::{Proposal, change_key, key};
use super::{Steps, Underway};
use crate::engines::{self, Asker, Desk};
use crate::report::words;

/// An upgrade that the project's code did not bear.
struct Adaptable<'plan> {
    plan: &'plan Plan,
    /// The record of a finding that it is to settle.
    record: usize,
    /// It as it is planned for the tree of now.
    candidate: &'plan Candidate,
}

impl Steps {
    /// The first proposal of an engine that was not tried yet, for the first finding that one has
    /// one for.
    pub(super) fn ask(&mut self, underway: &Underway, plans: &[Plan]) -> Result<Option<Proposal>> {
        let Some(mut asker) = self.asker.take() else {
            return Ok(None);
        };
        let mut proposal = Ok(None);
        for plan in plans {
            if let Some(adaptable) = self.adaptable(underway, plan) {
                proposal = self.ask_about(&mut asker, underway, &adaptable);
            }
            if !matches!(proposal, Ok(None)) {
                break;
            }
        }
        self.asker = Some(asker);
        proposal
    }

    /// The least risky upgrade of a plan that failed because of the project's code.
    fn adaptable<'plan>(&self, underway: &Underway, plan: &'plan Plan) -> Option<Adaptable<'plan>> {
        let mut automatic = plan
            .candidates
            .iter()
            .filter(|candidate| candidate.applicability == Applicability::Automatic);
        let records = || {
            plan.findings
                .iter()
                .filter_map(|id| underway.records.get(id))
        };
        automatic.find_map(|candidate| {
            let change = change_key(candidate);
            let failed = |attempt: &Attempt| {
                change_key(&attempt.candidate) == change && broke_the_code(&attempt.evidence)
            };
            let of_record = |index: &&usize| {
                let mut attempts = self.story.records[**index].attempts.iter();
                attempts.any(failed)
            };
            Some(Adaptable {
                plan,
                record: *records().find(of_record)?,
                candidate,
            })
        })
    }

    /// Asks about one finding until somebody proposes what was not tried yet.
    fn ask_about(
        &mut self,
        asker: &mut Asker,
        underway: &Underway,
        adaptable: &Adaptable<'_>,
    ) -> Result<Option<Proposal>> {
        // A finding keeps its first id, whatever version its package has by now.
        let id = self.story.records[adaptable.record].finding.id.clone();
        while asker.may_ask(&id) {
            let brief = self.brief(underway, adaptable)?;
            self.progress.step(&format!(
                "asking engines about {}",
                words::main_id(&self.story.records[adaptable.record].finding)
            ));
            let mut desk = Desk {
                journal: &mut self.journal,
                folder: &self.story.evidence,
                progress: &self.progress,
            };
            let answered = asker.ask(&id, &brief, &underway.tree.root, &mut desk)?;
            self.story.asks.extend(answered.turns);
            let Some((engine, proposed)) = answered.proposed else {
                break;
            };
            let candidate = adapted(adaptable.candidate, &engine, proposed);
            let key = key(&underway.key, &candidate);
            if underway.tried.contains(&key) {
                self.progress
                    .line(&format!("engine `{engine}`: it proposes the same again"));
                asker.dismiss(&engine, &id);
                continue;
            }
            return Ok(Some(Proposal {
                package: adaptable.plan.package.clone(),
                candidate,
                key,
            }));
        }
        Ok(None)
    }

    /// What engines are told: the finding, the upgrade, the code that uses the package, and how
    /// every earlier attempt failed.
    fn brief(&self, underway: &Underway, adaptable: &Adaptable<'_>) -> Result<Brief> {
        let record = &self.story.records[adaptable.record];
        let now = current(underway, adaptable.record).unwrap_or(&record.finding);
        let mut brief = engines::brief(&underway.tree.root, &underway.project, now, &[])?;
        brief.finding.what.push_str(&format!(
            ". It is moved to a release without that flaw: {}. The project's own code does not \
             bear that yet. Adapt the code to it. The move itself is made besides: leave \
             manifests and lockfiles alone, and tests too.",
            words::change(adaptable.candidate)
        ));
        for attempt in &record.attempts {
            let Change::Upgrade(upgrade) = &attempt.candidate.change;
            let (change, edits) = (words::change(&attempt.candidate), &upgrade.rewrites);
            let earlier = engines::earlier_attempt(change, edits, &attempt.evidence)?;
            brief.earlier.push(earlier);
        }
        Ok(brief)
    }
}

/// A record's finding as it is in the tree of now.
fn current(underway: &Underway, record: usize) -> Option<&Finding> {
    let is_of = |id: &FindingId| underway.records.get(id) == Some(&record);
    underway.findings.iter().find(|finding| is_of(&finding.id))
}

/// Did a candidate stay in scope, and fail where the project is built or tested?
fn broke_the_code(evidence: &Evidence) -> bool {
    let in_scope = *evidence.after.outcome(Check::Scope) == Outcome::Passed;
    let conclusion = evidence.verdict().conclusion;
    in_scope
        && matches!(
            conclusion,
            Conclusion::Rejected(Check::Build | Check::Regress, _)
        )
}

/// The upgrade together with an engine's edits.
fn adapted(upgrade: &Candidate, engine: &str, proposed: Proposed) -> Candidate {
    let Change::Upgrade(planned) = &upgrade.change;
    Candidate {
        settles: upgrade.settles.clone(),
        change: Change::Upgrade(Upgrade {
            rewrites: proposed.edits,
            ..planned.clone()
        }),
        applicability: Applicability::Automatic,
        origin: Origin::Engine {
            name: engine.to_owned(),
            words: engines::shortened(&proposed.explanation.fix),
        },
    }
}
