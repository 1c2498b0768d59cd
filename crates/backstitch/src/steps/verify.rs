//! Test: candidates that touch different things are built and tested together. Where that fails,
//! halving finds the one to blame; those before it stand, those after it are tried again.
//!
//! With n candidates of which k are bad this takes about 1 + k·log2 n runs of the tests instead of
//! n; how they are chosen is in `group.rs`. The verdicts are those that trying one by one gives:
//! the one to blame fails on exactly the tree that it would have been tried on. Fixes that need one
//! another may stand here and would fail one by one; they are delivered together or not at all.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use backstitch_model::evidence::{Claim, Evidence, Phase};
use backstitch_model::finding::Compiled;
use backstitch_model::record;
use backstitch_model::{Change, Check, Finding, Outcome, Project};
use backstitch_verify::workbench::{Attempt, Start, Tree};

use super::apply::{Cheaply, Ground, rebased, workbench_for};
use super::group::Halving;
use super::logs::Logs;
use super::propose::{Proposal, change_key};
use super::reproduce::{self, Proofs};
use super::{Steps, Underway, suspect};
use crate::report::words;
use crate::story::ChangedFile;

/// A candidate that was tried.
pub struct Tried {
    pub(super) proposal: Proposal,
    pub(super) attempt: record::Attempt,
    /// The changed tree, where the candidate could be applied.
    pub(super) changed: Option<Changed>,
}

/// A changed tree and what it holds.
pub struct Changed {
    pub(super) tree: Tree,
    /// The directory that its packages were brought with.
    pub(super) work: PathBuf,
    pub(super) files: Vec<ChangedFile>,
    pub(super) project: Project,
    pub(super) findings: Vec<Finding>,
    /// What could not be judged there.
    pub(super) unclear: BTreeSet<String>,
    /// What building and testing it left, where it came that far.
    pub(super) built: Option<Attempt>,
    /// What reproducers say of each finding.
    pub(super) proofs: Proofs,
}

/// Candidates applied one upon the other, each with its tree and what its cheap rungs told.
type Chain = Vec<Link>;

/// One of them.
pub(super) struct Link {
    pub(super) proposal: Proposal,
    pub(super) changed: Changed,
    /// Scope and Rescan.
    cheap: Phase,
    /// Build and Regress of its tree, where they were run.
    tested: Phase,
}

impl Steps {
    /// Tries candidates that touch different things: answers those that stand, in their order,
    /// and at most one that was found to blame. What is not in the answer was put off.
    pub fn verify(&mut self, underway: &mut Underway, batch: Vec<Proposal>) -> Result<Vec<Tried>> {
        let (mut chain, mut tried) = self.chain(underway, batch)?;
        if chain.is_empty() {
            return Ok(tried);
        }
        let all = chain.len();
        self.say_trying(&chain);
        match chain.as_slice() {
            [alone] if underway.doubts(&alone.proposal) => {
                let then = if_blamed(underway, &chain, 0);
                let whole = self.lay_without(underway, &then)?;
                self.look_ahead(then, whole);
            }
            chain => {
                let whole = self.lay_ahead(underway, chain)?;
                self.look_ahead(if_accepted(underway, chain), whole);
            }
        }
        if let Some(to_blame) = self.unproven(underway, &mut chain, all)? {
            tried.push(self.blamed(underway, chain, to_blame));
            return Ok(tried);
        }
        if !self.stands(underway, &mut chain, all)? {
            if let Some(first) = self.suspect(underway, &chain)? {
                chain.truncate(first);
                self.kept = chain;
                return Ok(tried);
            }
            return self.halved(underway, chain, tried);
        }
        tried.extend(self.accepted(underway, chain));
        Ok(tried)
    }

    /// Finds the first candidate whose tree fails: those before it stand.
    fn halved(
        &mut self,
        underway: &Underway,
        mut chain: Chain,
        mut tried: Vec<Tried>,
    ) -> Result<Vec<Tried>> {
        // What was made ahead is for a tree that nobody goes on from.
        self.finish_ahead();
        let mut halving = Halving::of_failing(chain.len());
        while let Some(middle) = halving.next() {
            let bad = halving.bad();
            self.progress.line(&format!(
                "the {bad} together fail: trying the first {middle}"
            ));
            if let Some(last) = halving.last() {
                self.guess_ahead(if_blamed(underway, &chain, last));
            }
            let stands = self.stands(underway, &mut chain, middle)?;
            halving.tell(middle, stands);
        }
        let good = halving.good();
        chain.truncate(halving.bad());
        let to_blame = chain.pop().context("a failing tree has a last candidate")?;
        // What the reproducers saw in the whole tree says nothing of the part that stands.
        match self.unproven(underway, &mut chain, good)? {
            None => tried.extend(self.accepted(underway, chain)),
            Some(unproven) => {
                tried.push(self.blamed(underway, chain, unproven));
                return Ok(tried);
            }
        }
        let tested = to_blame.tested.clone();
        tried.push(self.judged(underway, to_blame, &tested));
        Ok(tried)
    }

    /// Puts off those of which the failure of a whole chain speaks, where they are few; answers the
    /// first of them.
    fn suspect(&self, underway: &mut Underway, chain: &Chain) -> Result<Option<usize>> {
        let (Some(last), true) = (chain.last(), chain.len() > 1) else {
            return Ok(None);
        };
        let baseline = underway.judged()?;
        let failed = match last.tested.get(Check::Regress) {
            Some(regress) => Some((regress, &baseline.regress)),
            None => last.tested.get(Check::Build).zip(Some(&baseline.build)),
        };
        let names: Vec<_> = chain.iter().map(Link::packages).collect();
        let spoken_of = failed.map(|(after, before)| suspect::spoken_of(before, after, &names));
        let spoken_of = spoken_of.unwrap_or_default();
        if spoken_of.len() > chain.len().div_ceil(3) {
            return Ok(None);
        }
        let Some(&first) = spoken_of.first() else {
            return Ok(None);
        };
        let suspects = spoken_of.iter().map(|&at| &chain[at].proposal);
        let packages: Vec<_> = suspects.clone().map(|one| one.package.as_str()).collect();
        self.progress.line(&format!(
            "the {} together fail, and that speaks of {}: trying the others first",
            chain.len(),
            packages.join(", ")
        ));
        let changes = suspects.map(|one| change_key(&one.candidate));
        underway.suspected.extend(changes);
        Ok(Some(first))
    }

    /// Applies the candidates one upon the other. One that cannot be applied upon the others is
    /// put off; the first of all is rejected then.
    fn chain(&mut self, underway: &Underway, batch: Vec<Proposal>) -> Result<(Chain, Vec<Tried>)> {
        let (mut chain, mut rejected) = (Chain::new(), Vec::new());
        let mut kept = std::mem::take(&mut self.kept).into_iter().peekable();
        for proposal in batch {
            let first = chain.is_empty();
            let ground = chain.last().map_or_else(|| underway.ground(), Link::ground);
            let Some(proposal) = upon(proposal, underway, ground.tree, ground.key)? else {
                continue;
            };
            if let Some(link) = kept.next_if(|link| link.proposal.key == proposal.key) {
                chain.push(link);
                continue;
            }
            self.progress
                .step(&format!("trying: {}", words::change(&proposal.candidate)));
            match self.apply_cheaply(underway, ground, &proposal)? {
                Cheaply::Stands(changed, cheap) => chain.push(Link {
                    proposal,
                    changed: *changed,
                    cheap,
                    tested: Phase::default(),
                }),
                Cheaply::Falls(after) if first => {
                    rejected.push(self.tried(underway, proposal, after, None));
                }
                Cheaply::Falls(_) => {}
            }
        }
        Ok((chain, rejected))
    }

    fn say_trying(&self, chain: &Chain) {
        if let [_, _, ..] = chain.as_slice() {
            let count = chain.len();
            self.progress
                .line(&format!("building and testing {count} fixes together"));
        }
    }

    /// Builds the tree of the first `count` and runs the reproducers there: answers the one whose
    /// finding still shows its flaw.
    fn unproven(
        &mut self,
        underway: &Underway,
        chain: &mut Chain,
        count: usize,
    ) -> Result<Option<usize>> {
        let Some(last) = count.checked_sub(1) else {
            return Ok(None);
        };
        if !self.builds(underway, &mut chain[last])? {
            return Ok(None);
        }
        let proofs = self.reproduce_after(underway, &chain[..count])?;
        let to_blame = proofs.iter().position(reproduce::fails);
        for (link, proofs) in chain.iter_mut().zip(proofs) {
            link.changed.proofs = proofs;
        }
        Ok(to_blame)
    }

    /// Do the first `count` together build, and do the tests that passed still pass?
    fn stands(&mut self, underway: &Underway, chain: &mut Chain, count: usize) -> Result<bool> {
        let Some(last) = count.checked_sub(1) else {
            return Ok(true);
        };
        let link = &mut chain[last];
        Ok(self.builds(underway, link)? && self.passes(underway, link)?)
    }

    fn builds(&mut self, underway: &Underway, link: &mut Link) -> Result<bool> {
        if link.changed.built.is_none() {
            let baseline = underway.judged()?;
            let managers = Arc::clone(&self.managers);
            let workbench = workbench_for(&managers, &underway.project)?;
            let key = &link.proposal.key;
            let work = self.workplace.work(key)?;
            let built = workbench.attempt(baseline, &link.changed.tree, Start::Warm, &work)?;
            let logs = Logs::of(&self.story.evidence, key);
            link.tested
                .insert(self.journal.check(key, Check::Build, || {
                    logs.keep(workbench.build_attempt(baseline, &built)?)
                })?);
            link.changed.built = Some(built);
        }
        Ok(*link.tested.outcome(Check::Build) == Outcome::Passed)
    }

    /// A project whose tests could not be run gives nothing to compare with, and that is no
    /// failure.
    fn passes(&mut self, underway: &Underway, link: &mut Link) -> Result<bool> {
        let baseline = underway.judged()?;
        let managers = Arc::clone(&self.managers);
        let workbench = workbench_for(&managers, &underway.project)?;
        let built = link.changed.built.as_ref();
        let built = built.context("test a tree before it is built")?;
        let key = &link.proposal.key;
        let logs = Logs::of(&self.story.evidence, key);
        let run = self.journal.check(key, Check::Regress, || {
            logs.keep(workbench.test_attempt(baseline, built)?.0)
        })?;
        let stands = matches!(run.outcome, Outcome::Passed | Outcome::NotRun(_));
        link.tested.insert(run);
        Ok(stands)
    }

    /// The candidates of a chain whose last tree stands: each has its own cheap rungs and proofs,
    /// and the last tree's Build and Regress.
    fn accepted(&self, underway: &Underway, chain: Chain) -> Vec<Tried> {
        let Some(tested) = chain.last().map(|last| last.tested.clone()) else {
            return Vec::new();
        };
        let others = chain.len() - 1;
        let judged = chain.into_iter().map(|link| {
            let mut tested = tested.clone();
            if others > 0 {
                note_together(&mut tested, others);
            }
            self.judged(underway, link, &tested)
        });
        judged.collect()
    }

    /// The candidate of a chain whose finding still shows its flaw in the last tree.
    fn blamed(&self, underway: &Underway, mut chain: Chain, to_blame: usize) -> Tried {
        let built = chain
            .last()
            .and_then(|last| last.tested.get(Check::Build).cloned());
        let tested = built.into_iter().collect();
        self.judged(underway, chain.swap_remove(to_blame), &tested)
    }

    /// One candidate with its evidence.
    fn judged(&self, underway: &Underway, link: Link, tested: &Phase) -> Tried {
        let mut after = link.cheap;
        tested.runs().for_each(|run| after.insert(run.clone()));
        for check in [Check::Reproduce, Check::ReAttack] {
            if let Some(run) = reproduce::of_all(&link.changed.proofs, check) {
                after.insert(run);
            }
        }
        if let Some(mut run) = after.get(Check::Regress).cloned() {
            run.notes.extend(untested(underway, &link.proposal));
            after.insert(run);
        }
        self.tried(underway, link.proposal, after, Some(link.changed))
    }

    fn tried(
        &self,
        underway: &Underway,
        proposal: Proposal,
        after: Phase,
        changed: Option<Changed>,
    ) -> Tried {
        let evidence = Evidence {
            before: underway.before.clone(),
            after,
            claim: Claim::Fix,
            confinement: self.confinement,
        };
        let attempt = record::Attempt {
            candidate: proposal.candidate.clone(),
            evidence,
        };
        Tried {
            proposal,
            attempt,
            changed,
        }
    }
}

impl Link {
    /// The packages that it moves.
    fn packages(&self) -> Vec<String> {
        let Change::Upgrade(upgrade) = &self.proposal.candidate.change;
        let moves = upgrade.moves.iter().map(|step| step.package.name.clone());
        moves.collect()
    }

    fn ground(&self) -> Ground<'_> {
        Ground {
            tree: &self.changed.tree,
            project: &self.changed.project,
            findings: &self.changed.findings,
            unclear: &self.changed.unclear,
            work: &self.changed.work,
            key: &self.proposal.key,
        }
    }
}

/// What is underway once a whole chain is accepted.
fn if_accepted(underway: &Underway, chain: &[Link]) -> Underway {
    chain.iter().fold(underway.apart(), |mut then, link| {
        if !then.has_rejected(&link.proposal) {
            then.tally.count(true);
        }
        then.upon(&link.changed, link.proposal.key.clone())
    })
}

/// What is underway once one of a chain was found to blame, and those before it are accepted.
fn if_blamed(underway: &Underway, chain: &[Link], to_blame: usize) -> Underway {
    let mut then = if_accepted(underway, &chain[..to_blame]);
    if let Some(link) = chain.get(to_blame) {
        if !then.has_rejected(&link.proposal) {
            then.tally.count(false);
        }
        then.reject(&link.proposal);
    }
    then
}

/// A proposal as it is upon another ground; `None` where both touch the same lines.
pub(super) fn upon(
    mut proposal: Proposal,
    underway: &Underway,
    ground: &Tree,
    ground_key: &str,
) -> Result<Option<Proposal>> {
    if ground_key == underway.key {
        return Ok(Some(proposal));
    }
    let Change::Upgrade(upgrade) = &mut proposal.candidate.change;
    let Some(recipe) = rebased(&upgrade.recipe, &underway.tree.root, &ground.root)? else {
        return Ok(None);
    };
    upgrade.recipe = recipe;
    Ok(Some(proposal.on(ground_key)))
}

fn note_together(tested: &mut Phase, others: usize) {
    let note = match others {
        1 => "run with one more fix, as both are delivered".to_owned(),
        others => format!("run with {others} more fixes, as all are delivered"),
    };
    for check in [Check::Build, Check::Regress] {
        if let Some(mut run) = tested.get(check).cloned() {
            run.notes.push(note.clone());
            tested.insert(run);
        }
    }
}

/// What the tests say nothing of, though they pass: packages that are not even built.
fn untested(underway: &Underway, proposal: &Proposal) -> Vec<String> {
    let settled = underway
        .findings
        .iter()
        .filter(|finding| proposal.candidate.settles.contains(&finding.id));
    let mut notes: Vec<_> = settled
        .map(words::dependency)
        .filter_map(|dependency| {
            let why = match &dependency.reach.compiled {
                Compiled::OptIn => "it needs a feature that is off",
                Compiled::OtherPlatform => "it is for another platform",
                Compiled::Yes | Compiled::Unknown(_) => return None,
            };
            let name = &dependency.package.name;
            Some(format!(
                "`{name}` was locked but not built ({why}): the tests say nothing of it"
            ))
        })
        .collect();
    notes.sort();
    notes.dedup();
    notes
}
