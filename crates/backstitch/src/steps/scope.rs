//! The Scope rung for a candidate of the loop's own: what an upgrade may touch, what policy allows,
//! and, where an engine adapts the project's code to it, the rules for a change of any source.

use std::collections::BTreeSet;

use backstitch_model::candidate::{Origin, Upgrade};
use backstitch_model::package::PackageVersion;
use backstitch_model::project::Source;
use backstitch_model::{Change, CheckRun, LockFormat, Outcome, Project, RelPath};
use backstitch_verify::scope;
use backstitch_verify::scope::source::{self as rules, About, FileKind};

use super::apply::Ground;
use super::propose::Proposal;
use super::{Changed, Steps, Underway};
use crate::story::ChangedFile;

/// What the rules for source say of an engine's edits.
struct Told {
    objections: Vec<String>,
    notes: Vec<String>,
}

impl Steps {
    /// Does the change touch only what it said, and only what may be touched?
    pub(super) fn scope(
        &self,
        underway: &Underway,
        ground: Ground<'_>,
        proposal: &Proposal,
        changed: &Changed,
    ) -> CheckRun {
        let Change::Upgrade(upgrade) = &proposal.candidate.change;
        let (code, rest) = parted(upgrade, ground.project, &changed.files);
        let mut run = scope::scope(upgrade, &rest, ground.project, &changed.project);
        let shared = upgrade.edits.iter().filter_map(|edit| {
            let (manifest, lockfile) = underway.shared_manifests.get_key_value(&edit.manifest)?;
            Some(if ground.project.format == LockFormat::Requirements {
                format!("`{manifest}` is included by `{lockfile}` too, and changes with that")
            } else {
                format!("`{manifest}` is also locked by `{lockfile}`, which would no longer fit it")
            })
        });
        let mut objections: Vec<_> = shared.collect();
        if let Origin::Engine { name, words } = &proposal.candidate.origin {
            let told = code_of(&code);
            run.notes
                .push(format!("proposed by engine `{name}`: “{words}”"));
            run.notes.extend(told.notes);
            objections.extend(told.objections);
        }
        objections.extend(self.against_policy(ground.project, &changed.project));
        if run.outcome == Outcome::Passed && !objections.is_empty() {
            run.outcome = Outcome::Failed(objections.join("; "));
        }
        run
    }

    /// What arrived, planned or brought along by cargo, and policy does not allow.
    fn against_policy(&self, before: &Project, after: &Project) -> Vec<String> {
        let known: BTreeSet<_> = before.graph.packages().iter().map(|one| &one.id).collect();
        let arrived = after.graph.packages().iter().filter(|package| {
            package.source == Source::PublicRegistry && !known.contains(&package.id)
        });
        arrived
            .filter_map(|package| self.objection(before, &package.id))
            .collect()
    }

    fn objection(&self, before: &Project, arrived: &PackageVersion) -> Option<String> {
        let alone = self.policy.leave_alone.contains(&arrived.name);
        if alone && before.graph.named(&arrived.name).next().is_some() {
            return Some(format!("{arrived} came along, and is to be left alone"));
        }
        let releases = self
            .releases
            .of(before.format)
            .releases(&arrived.name)
            .ok()?;
        let release = releases
            .iter()
            .find(|release| release.version == arrived.version)?;
        if release.yanked {
            return Some(format!(
                "{arrived} came along, and was withdrawn by the registry"
            ));
        }
        let days = i64::from(self.policy.release_age_min_days);
        let age_s = self.journal.started_at_s() - release.published_s?;
        (age_s < days * 24 * 3600)
            .then(|| format!("{arrived} came along, and was released less than {days} days ago"))
    }
}

/// The changed files that are the project's own code, and the paths of all others. An edit makes
/// neither a manifest nor a lockfile into code.
fn parted<'files>(
    upgrade: &Upgrade,
    before: &Project,
    files: &'files [ChangedFile],
) -> (Vec<&'files ChangedFile>, BTreeSet<RelPath>) {
    let is_locked = |path: &RelPath| {
        LockFormat::of(path).is_some()
            || before.manifests.iter().any(|one| one.path == *path)
            || upgrade.edits.iter().any(|edit| edit.manifest == *path)
    };
    let is_code = |file: &&ChangedFile| {
        let mut rewrites = upgrade.rewrites.iter();
        !is_locked(&file.path) && rewrites.any(|edit| edit.path == file.path)
    };
    let (code, rest): (Vec<_>, Vec<_>) = files.iter().partition(is_code);
    (code, rest.iter().map(|file| file.path.clone()).collect())
}

/// Judges an engine's edits as any change of source. What tests and builds the project is not an
/// engine's to alter, so what a judge would take from the untouched tree again is objected to.
fn code_of(code: &[&ChangedFile]) -> Told {
    let file = |text: &str| {
        Some(rules::File {
            bytes: text.as_bytes().to_vec(),
            kind: FileKind::Plain,
        })
    };
    let changes: Vec<_> = code
        .iter()
        .map(|changed| rules::Changed {
            path: changed.path.clone(),
            before: changed.before.as_deref().and_then(file),
            after: file(&changed.after),
        })
        .collect();
    let judged = rules::judge(&changes, &About::default());
    let mut objections = Vec::new();
    if let Outcome::Failed(why) = judged.run.outcome {
        objections.push(why);
    }
    objections.extend(judged.relay.iter().map(|path| {
        format!("`{path}` tests or builds the project, and is not an engine's to change")
    }));
    Told {
        objections,
        notes: judged.run.notes,
    }
}
