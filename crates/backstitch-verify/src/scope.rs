//! The first rung: does an upgrade change only what it said it would? Pure: it is given what was
//! read of both trees and runs nothing.
//!
//! Cargo moves packages along and adds new ones as it needs them, so moves that nobody planned
//! are told and not refused, unless one goes down, comes from elsewhere or lacks its checksum.

pub mod source;

mod go_mod;
mod literal;
mod manifest;
mod package_json;
mod packages;
mod pyproject;
mod requirements;

use std::collections::BTreeSet;

use backstitch_model::candidate::{RequirementEdit, Strategy, Upgrade};
use backstitch_model::package::Ecosystem;
use backstitch_model::{Check, CheckRun, LockFormat, Outcome, Project, RelPath};

/// The most packages that may change besides those planned.
const UNPLANNED_MAX: usize = 200;
/// The same, where everything is meant to move.
const UNPLANNED_MAX_OF_EVERYTHING: usize = 2000;
/// How many reasons are told.
const REASONS_MAX: usize = 5;

/// Checks what an upgrade did. `changed` are the paths whose content differs between the trees.
pub fn scope(
    upgrade: &Upgrade,
    changed: &BTreeSet<RelPath>,
    before: &Project,
    after: &Project,
) -> CheckRun {
    let mut objections = paths(upgrade, changed);
    objections.extend(new_problems(before, after));
    objections.extend(manifests(upgrade, before, after));
    let moved = packages::compare(&before.graph, &after.graph);
    objections.extend(moved.objections.iter().cloned());
    let (notes, unplanned) = packages::describe(&moved, &upgrade.moves);
    let unplanned_max = match upgrade.strategy {
        Strategy::Everything => UNPLANNED_MAX_OF_EVERYTHING,
        Strategy::Lockfile
        | Strategy::Parent
        | Strategy::Requirement
        | Strategy::Override
        | Strategy::Breaking => UNPLANNED_MAX,
    };
    if unplanned > unplanned_max {
        objections.push(format!("{unplanned} packages change that nobody planned"));
    }
    let outcome = if objections.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed(told(&objections))
    };
    CheckRun {
        notes,
        ..CheckRun::instant(Check::Scope, outcome)
    }
}

fn told(objections: &[String]) -> String {
    let first = objections[..objections.len().min(REASONS_MAX)].join("; ");
    match objections.len().checked_sub(REASONS_MAX) {
        None | Some(0) => first,
        Some(more) => format!("{first}; and {more} more"),
    }
}

fn paths(upgrade: &Upgrade, changed: &BTreeSet<RelPath>) -> Vec<String> {
    if changed.is_empty() {
        return vec!["the change changes nothing".into()];
    }
    let folder = upgrade.lockfile.parent();
    let beside: Vec<RelPath> = LockFormat::of(&upgrade.lockfile)
        .map_or(&[] as &[&str], LockFormat::companions)
        .iter()
        .filter_map(|name| RelPath::below(folder.as_ref(), name).ok())
        .collect();
    let allowed = |path: &RelPath| {
        *path == upgrade.lockfile
            || beside.contains(path)
            || upgrade.edits.iter().any(|edit| edit.manifest == *path)
    };
    let others = changed.iter().filter(|path| !allowed(path));
    others
        .map(|path| format!("`{}` changes too", path.as_str().escape_debug()))
        .collect()
}

/// What could be read before and no longer can be.
fn new_problems(before: &Project, after: &Project) -> Vec<String> {
    let new = after
        .problems
        .iter()
        .filter(|problem| !before.problems.contains(problem));
    new.map(|problem| format!("`{}`: {}", problem.path, problem.what))
        .collect()
}

type Objection = fn(&str, &str, &[&RequirementEdit]) -> Option<String>;

/// How a manifest is compared, by who reads it.
fn compared_as(lockfile: &RelPath, manifest: &RelPath) -> Objection {
    let ecosystem = LockFormat::of(lockfile).map(LockFormat::ecosystem);
    match (ecosystem, manifest.file_name()) {
        (Some(Ecosystem::PyPi), "pyproject.toml" | "Pipfile") => pyproject::objection,
        (Some(Ecosystem::PyPi), _) => requirements::objection,
        (Some(Ecosystem::Npm), _) => package_json::objection,
        (Some(Ecosystem::Go), _) => go_mod::objection,
        (Some(Ecosystem::RubyGems | Ecosystem::Packagist | Ecosystem::Maven), _) => {
            literal::objection
        }
        (_, _) => manifest::objection,
    }
}

fn manifests(upgrade: &Upgrade, before: &Project, after: &Project) -> Vec<String> {
    let text = |project: &Project, path: &RelPath| {
        let found = project
            .manifests
            .iter()
            .find(|manifest| manifest.path == *path);
        found.map(|manifest| manifest.text.clone())
    };
    let all: BTreeSet<&RelPath> = before
        .manifests
        .iter()
        .chain(&after.manifests)
        .map(|manifest| &manifest.path)
        .collect();
    let mut objections = Vec::new();
    for path in all {
        // What a lockfile's own text may say is compared package by package, but where it is
        // as much a manifest.
        let is_both = matches!(before.format, LockFormat::GoMod | LockFormat::Maven)
            || path.file_name() == backstitch_model::python::MANIFEST;
        if *path == upgrade.lockfile && !is_both {
            continue;
        }
        match (text(before, path), text(after, path)) {
            (Some(before), Some(after)) => {
                let edits: Vec<_> = upgrade
                    .edits
                    .iter()
                    .filter(|edit| edit.manifest == *path)
                    .collect();
                let objection = compared_as(&upgrade.lockfile, path);
                let objection = objection(&before, &after, &edits);
                objections.extend(objection.map(|why| format!("`{path}` {why}")));
            }
            (None, _) => objections.push(format!("manifest `{path}` is new")),
            (_, None) => objections.push(format!("manifest `{path}` is gone")),
        }
    }
    for edit in &upgrade.edits {
        if text(after, &edit.manifest).is_none() {
            objections.push(format!("manifest `{}` was not read", edit.manifest));
        }
    }
    objections
}

#[cfg(test)]
mod tests;
