//! Fix: which candidate is to be tried next, or why none is left.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Result;
use backstitch_fix::{Plan, Planner};
use backstitch_model::candidate::{Applicability, Obstacle, Strategy};
use backstitch_model::package::Ecosystem;
use backstitch_model::project::Source;
use backstitch_model::{Candidate, Change, Finding, FindingId, Policy, Project};

use super::{Steps, Underway};
use crate::advisories::Advisories;
use crate::ledger::Event;
use crate::managers::Managers;
use crate::registries::Registries;
use crate::report::words;
use crate::wire;

/// All that plans are made from, but for the tree; of the same tree it makes the same plans.
pub(super) struct Planning {
    advisories: Arc<Advisories>,
    releases: Arc<Registries>,
    managers: Arc<Managers>,
    policy: Arc<Policy>,
    now_s: i64,
}

/// A candidate on its way to being tried, and the package it is for.
#[derive(Clone)]
pub struct Proposal {
    pub(super) package: String,
    pub(super) candidate: Candidate,
    /// Names it in the ledger, on the tree it is for.
    pub(super) key: String,
}

impl Steps {
    /// The least risky candidates that were not tried on this tree: one a package, and none that
    /// touches what another does. Where none is left, what an engine proposes. `None` when for every finding that is left there is a reason
    /// instead.
    pub fn propose(&mut self, underway: &mut Underway) -> Result<Option<Vec<Proposal>>> {
        let plans = match underway.plans.take() {
            Some(plans) => {
                self.settle_ahead(underway);
                plans
            }
            None => self.plans(underway)?,
        };
        let mut batch = self.planning().batch(&plans, underway);
        if batch.is_empty() {
            batch.extend(self.ask(underway, &plans)?);
        }
        if batch.is_empty() {
            for plan in &plans {
                self.explain(plan, underway)?;
            }
        }
        underway.plans = Some(plans);
        Ok((!batch.is_empty()).then_some(batch))
    }

    fn plans(&mut self, underway: &Underway) -> Result<Vec<Plan>> {
        self.progress.step("planning");
        match self.planned_ahead(underway) {
            Some(plans) => Ok(plans),
            None => self.planning().plan(underway),
        }
    }

    pub(super) fn planning(&self) -> Planning {
        Planning {
            advisories: Arc::clone(&self.advisories),
            releases: Arc::clone(&self.releases),
            managers: Arc::clone(&self.managers),
            policy: Arc::clone(&self.policy),
            now_s: self.journal.started_at_s(),
        }
    }

    /// Records why a plan's findings stay.
    fn explain(&mut self, plan: &Plan, underway: &Underway) -> Result<()> {
        let waiting = plan
            .candidates
            .iter()
            .find_map(|candidate| match &candidate.applicability {
                Applicability::Automatic => None,
                Applicability::NeedsHuman(why) => Some((candidate, why)),
            });
        let waiting = match waiting {
            Some((candidate, why)) if is_for_its_tool_alone(candidate) => {
                Some(self.offer_one(underway, candidate, why)?)
            }
            Some((_, why)) => Some(Obstacle::Policy(why.clone())),
            None => None,
        };
        let spent = self.planning().is_spent(plan, underway).then(|| {
            let limit = self.policy.attempts_max;
            Obstacle::Policy(format!(
                "{limit} candidates were rejected, and `attempts_max` allows no more"
            ))
        });
        match plan.obstacle.clone().or(waiting).or(spent) {
            Some(obstacle) => self.block(underway, &plan.findings, &obstacle),
            None => Ok(()),
        }
    }

    /// Notes on the records of these findings, and in the ledger, why they stay.
    pub(super) fn block(
        &mut self,
        underway: &Underway,
        findings: &[FindingId],
        obstacle: &Obstacle,
    ) -> Result<()> {
        let indexes = findings.iter().filter_map(|id| underway.records.get(id));
        let mut ids = Vec::new();
        for &index in indexes {
            let record = &mut self.story.records[index];
            record.obstacle = Some(obstacle.clone());
            ids.push(record.finding.id.to_string());
        }
        self.journal.write_once(&Event::Blocked {
            findings: ids,
            why: obstacle.to_string(),
        })
    }
}

impl Planning {
    pub(super) fn plan(&self, underway: &Underway) -> Result<Vec<Plan>> {
        let left: Vec<Finding> = underway.to_fix().cloned().collect();
        let format = underway.project.format;
        if format.ecosystem() == Ecosystem::Npm {
            self.releases
                .prefetch(format, &leading_to(&underway.project, &left));
        }
        let vulnerabilities = self.advisories.index().known(&format.ecosystem())?;
        let planner = Planner {
            project: &underway.project,
            releases: self.releases.of(format),
            vulnerabilities: &vulnerabilities,
            policy: &self.policy,
            rustc: self.managers.release(format),
            now_s: self.now_s,
        };
        let mut plans = planner.plan(&left);
        set_aside(&mut plans, || self.managers.lacks_own_tool(&underway.tree));
        vulnerabilities
            .damage()
            .map_or(Ok(plans), |damage| Err(damage.into()))
    }

    /// The least risky candidates of all plans that were not tried and touch different things.
    /// What was rejected on an earlier tree will most likely be again, and would fail whatever it
    /// is tested with: it waits until nothing else is left, and goes alone. So does, before that,
    /// what a failure spoke of.
    pub(super) fn batch(&self, plans: &[Plan], underway: &Underway) -> Vec<Proposal> {
        let next = plans.iter().filter_map(|plan| self.next_of(plan, underway));
        let (mut again, mut new): (Vec<_>, Vec<_>) =
            next.partition(|proposal| underway.has_rejected(proposal));
        if new.is_empty() {
            again.sort_by_key(|proposal| risk(&proposal.candidate));
            return apart(again, 1);
        }
        new.sort_by_key(|proposal| risk(&proposal.candidate));
        let (suspected, new): (Vec<_>, Vec<_>) =
            new.into_iter().partition(|one| underway.suspects(one));
        if new.is_empty() {
            return apart(suspected, 1);
        }
        let count_max = underway.tally.group_max(new.len());
        apart(new, count_max.min(self.policy.together_max))
    }

    /// How many plans have something left to be tried.
    pub(super) fn waiting(&self, plans: &[Plan], underway: &Underway) -> usize {
        let next = plans.iter().map(|plan| self.next_of(plan, underway));
        next.flatten().count()
    }

    fn next_of(&self, plan: &Plan, underway: &Underway) -> Option<Proposal> {
        if self.is_spent(plan, underway) {
            return None;
        }
        plan.candidates
            .iter()
            .filter(|candidate| candidate.applicability == Applicability::Automatic)
            .map(|candidate| Proposal {
                package: plan.package.clone(),
                key: key(&underway.key, candidate),
                candidate: candidate.clone(),
            })
            .filter(|proposal| !underway.tried.contains(&proposal.key))
            .min_by_key(|proposal| underway.has_rejected(proposal))
    }

    /// Were as many candidates rejected for the package as policy lets try?
    fn is_spent(&self, plan: &Plan, underway: &Underway) -> bool {
        let rejections = underway.rejections.get(&plan.package).copied();
        rejections.unwrap_or(0) >= self.policy.attempts_max
    }
}

impl Proposal {
    /// The same for another tree.
    pub(super) fn on(self, tree: &str) -> Self {
        Self {
            key: key(tree, &self.candidate),
            ..self
        }
    }
}

/// The first proposals that touch different things, at most `count_max`. What moves everything
/// goes alone.
fn apart(proposals: Vec<Proposal>, count_max: usize) -> Vec<Proposal> {
    let mut taken = BTreeSet::new();
    let mut batch = Vec::new();
    for proposal in proposals {
        let touches = touches(&proposal.candidate);
        if batch.len() == count_max || touches.iter().any(|what| taken.contains(what)) {
            continue;
        }
        let alone = goes_alone(&proposal.candidate);
        if alone && !batch.is_empty() {
            continue;
        }
        taken.extend(touches);
        batch.push(proposal);
        if alone {
            break;
        }
    }
    batch
}

fn goes_alone(candidate: &Candidate) -> bool {
    let Change::Upgrade(upgrade) = &candidate.change;
    match upgrade.strategy {
        Strategy::Everything => true,
        Strategy::Lockfile
        | Strategy::Parent
        | Strategy::Requirement
        | Strategy::Override
        | Strategy::Breaking => false,
    }
}

/// The packages that a candidate moves, and the findings that it settles.
fn touches(candidate: &Candidate) -> BTreeSet<String> {
    let Change::Upgrade(upgrade) = &candidate.change;
    let moves = upgrade.moves.iter().map(|step| step.package.name.clone());
    let edits = upgrade.edits.iter().map(|edit| edit.key.clone());
    let settles = candidate.settles.iter().map(ToString::to_string);
    moves.chain(edits).chain(settles).collect()
}

/// The published packages that lead to a finding, and those it is about: the planner asks for
/// the releases of most of them.
fn leading_to<'project>(project: &'project Project, findings: &[Finding]) -> Vec<&'project str> {
    let graph = &project.graph;
    let mut names = BTreeSet::new();
    let about: BTreeSet<_> = findings
        .iter()
        .map(|finding| &words::dependency(finding).package)
        .collect();
    for (node, package) in graph.nodes() {
        if about.contains(&package.id) {
            names.extend(graph.ancestors(node));
        }
    }
    let published = names
        .into_iter()
        .map(|node| graph.package(node))
        .filter(|package| package.source == Source::PublicRegistry);
    let names: BTreeSet<_> = published.map(|package| package.id.name.as_str()).collect();
    names.into_iter().collect()
}

impl Underway {
    /// Did the failure of a group speak of its packages?
    pub(super) fn suspects(&self, proposal: &Proposal) -> bool {
        self.suspected.contains(&change_key(&proposal.candidate))
    }

    /// Will trying it, alone, most likely fail?
    pub(super) fn doubts(&self, proposal: &Proposal) -> bool {
        self.has_rejected(proposal) || self.suspects(proposal)
    }

    /// Was the same change rejected on an earlier tree? It may pass on this one, but what was
    /// never tried goes first: a package has only so many attempts.
    pub(super) fn has_rejected(&self, proposal: &Proposal) -> bool {
        self.rejected.contains(&change_key(&proposal.candidate))
    }
}

/// Leaves to a person what only the tool that wrote a lockfile could do, where that cannot be asked
/// and `lack` says why.
fn set_aside(plans: &mut [Plan], lack: impl FnOnce() -> Option<String>) {
    let candidates = plans.iter_mut().flat_map(|plan| &mut plan.candidates);
    let mut alone = candidates
        .filter(|one| is_for_its_tool_alone(one))
        .peekable();
    if alone.peek().is_none() {
        return;
    }
    if let Some(why) = lack() {
        alone.for_each(|one| one.applicability = Applicability::NeedsHuman(why.clone()));
    }
}

/// Can only the tool that wrote the lockfile carry it out?
fn is_for_its_tool_alone(candidate: &Candidate) -> bool {
    let Change::Upgrade(upgrade) = &candidate.change;
    upgrade.is_for_its_tool_alone()
}

/// Orders candidates across packages: the least risky first.
fn risk(candidate: &Candidate) -> (Strategy, usize, usize) {
    let Change::Upgrade(upgrade) = &candidate.change;
    (upgrade.strategy, upgrade.moves.len(), upgrade.edits.len())
}

/// Names a candidate whatever tree it is for.
pub(super) fn change_key(candidate: &Candidate) -> String {
    key("", candidate)
}

/// Names a candidate on a tree.
pub(super) fn key(tree: &str, candidate: &Candidate) -> String {
    let mut wire = wire::Candidate::from(candidate);
    // Two packages' plans may hold the same change, each for its own findings; and two engines may
    // propose the same.
    wire.settles.clear();
    wire.engine = None;
    let text = serde_json::to_string(&wire).unwrap_or_else(|_| format!("{wire:?}"));
    blake3::hash(format!("{tree}\n{text}").as_bytes())
        .to_hex()
        .chars()
        .take(16)
        .collect()
}

#[cfg(test)]
mod tests {
    use backstitch_model::RelPath;
    use backstitch_model::candidate::{Origin, Step, Upgrade};
    use backstitch_model::package::PackageVersion;

    use super::*;

    fn plan(recipe: Vec<Step>) -> Plan {
        let change = Change::Upgrade(Upgrade {
            lockfile: RelPath::new("uv.lock").unwrap(),
            strategy: Strategy::Lockfile,
            moves: Vec::new(),
            edits: Vec::new(),
            recipe,
            rewrites: Vec::new(),
        });
        Plan {
            package: "a".into(),
            findings: Vec::new(),
            candidates: vec![Candidate {
                settles: Vec::new(),
                change,
                applicability: Applicability::Automatic,
                origin: Origin::Planner,
            }],
            obstacle: None,
        }
    }

    #[test]
    fn what_only_a_tool_could_lock_waits_where_it_is_lacking() {
        let asked = Step::UpdatePackage {
            package: PackageVersion {
                ecosystem: Ecosystem::PyPi,
                name: "a".into(),
                version: "1".into(),
            },
            to: Some("2".into()),
        };
        let written = Step::WriteManifest {
            path: RelPath::new("uv.lock").unwrap(),
            text: String::new(),
        };
        let plans = || {
            [
                plan(vec![asked.clone()]),
                plan(vec![written.clone(), asked.clone()]),
            ]
        };
        let after = |lack: Option<&str>| {
            let mut plans = plans();
            set_aside(&mut plans, || lack.map(str::to_owned));
            plans.map(|mut plan| plan.candidates.remove(0).applicability)
        };
        let automatic = Applicability::Automatic;
        assert_eq!(after(None), [automatic.clone(), automatic.clone()]);
        let waiting = Applicability::NeedsHuman("no uv".into());
        assert_eq!(after(Some("no uv")), [waiting, automatic]);
    }
}
