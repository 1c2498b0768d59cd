//! Offer: what would be tried, where there is nothing to try it with. Gives no verdict and
//! delivers nothing.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use backstitch_fix::Plan;
use backstitch_model::candidate::{Applicability, Obstacle, Step};
use backstitch_model::{Candidate, Change, FindingId};
use backstitch_verify::tool::by_hand;

use super::{Steps, Underway};
use crate::report::words;
use crate::source;
use crate::story::{ChangedFile, Offer};

impl Steps {
    /// Plans, and tells the least risky candidate of each package with the reason why it was not
    /// tried. Every finding that is left gets its reason.
    pub(super) fn offer(&mut self, underway: &Underway, why: &str) -> Result<()> {
        self.finish_ahead();
        self.progress
            .line(&format!("`{}`: {why}", underway.tree.lockfile));
        let mut open: BTreeSet<FindingId> = underway.to_fix().map(|one| one.id.clone()).collect();
        for plan in self.planning().plan(underway)? {
            self.offer_first(underway, &plan, why, &mut open)?;
        }
        let rest: Vec<_> = open.into_iter().collect();
        if rest.is_empty() {
            return Ok(());
        }
        self.block(underway, &rest, &Obstacle::Unknown(why.to_owned()))
    }

    /// Offers one candidate that cannot be tried here, once; answers the reason for its findings.
    pub(super) fn offer_one(
        &mut self,
        underway: &Underway,
        candidate: &Candidate,
        why: &str,
    ) -> Result<Obstacle> {
        let mut known = self.story.offers.iter();
        if !known.any(|offer| offer.candidate == *candidate) {
            let offer = offer(underway, candidate, why)?;
            self.story.offers.push(offer);
        }
        Ok(Obstacle::Unproven {
            offered: words::change(candidate),
            why: why.to_owned(),
        })
    }

    fn offer_first(
        &mut self,
        underway: &Underway,
        plan: &Plan,
        why: &str,
        open: &mut BTreeSet<FindingId>,
    ) -> Result<()> {
        let mut candidates = plan.candidates.iter();
        let first = candidates.find(|one| one.applicability == Applicability::Automatic);
        if let Some(candidate) = first {
            let settled = candidate.settles.iter().filter(|id| open.remove(*id));
            let settled: Vec<_> = settled.cloned().collect();
            if !settled.is_empty() {
                let offered = self.offer_one(underway, candidate, why)?;
                self.block(underway, &settled, &offered)?;
            }
        }
        let left = plan.findings.iter().filter(|id| open.remove(*id));
        let left: Vec<_> = left.cloned().collect();
        if left.is_empty() {
            return Ok(());
        }
        let obstacle = match &plan.obstacle {
            Some(obstacle) => Obstacle::Unknown(format!("{why}; {obstacle}")),
            None => Obstacle::Unknown(why.to_owned()),
        };
        self.block(underway, &left, &obstacle)
    }
}

fn offer(underway: &Underway, candidate: &Candidate, why: &str) -> Result<Offer> {
    let Change::Upgrade(upgrade) = &candidate.change;
    let dir = source::open_dir(&underway.tree.root)?;
    let mut files: Vec<ChangedFile> = Vec::new();
    for step in &upgrade.recipe {
        let Step::WriteManifest { path, text } = step else {
            continue;
        };
        if let Some(known) = files.iter_mut().find(|file| file.path == *path) {
            known.after.clone_from(text);
            continue;
        }
        let before = dir
            .read_to_string(path.as_str())
            .with_context(|| format!("read manifest `{path}`"))?;
        files.push(ChangedFile {
            path: path.clone(),
            before: Some(before),
            after: text.clone(),
        });
    }
    Ok(Offer {
        candidate: candidate.clone(),
        why: why.to_owned(),
        files,
        commands: by_hand(underway.project.format, &upgrade.recipe),
        patch: None,
    })
}
