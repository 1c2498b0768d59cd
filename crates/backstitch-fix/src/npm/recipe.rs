//! Owns the steps that carry out a way: manifests first, then the lockfile's entries, then
//! npm, where something comes or goes that the entries do not tell.

use std::collections::BTreeMap;

use backstitch_model::candidate::{Move, RequirementEdit, Step};

use super::json_text;
use super::locked::{Locked, Place};
use super::search::{Rewritten, Way};
use crate::version::bump;

/// The sections of a manifest that hold dependencies of its own.
const SECTIONS: [&str; 3] = ["dependencies", "devDependencies", "optionalDependencies"];

/// A way, in steps.
#[derive(Default)]
pub(super) struct Recipe {
    pub(super) moves: Vec<Move>,
    pub(super) edits: Vec<RequirementEdit>,
    pub(super) steps: Vec<Step>,
}

/// Writes down a way; `None` where a manifest cannot be edited so.
pub(super) fn write(locked: &Locked<'_>, way: &Way) -> Option<Recipe> {
    let mut recipe = Recipe::default();
    let mut texts = BTreeMap::<usize, String>::new();
    for (what, to) in &way.texts {
        let (manifest, key) = place_of(locked, what)?;
        let about = &locked.project.manifests[manifest];
        let text = texts.entry(manifest).or_insert_with(|| about.text.clone());
        *text = rewritten(text, what, to)?;
        recipe.edits.push(RequirementEdit {
            manifest: about.path.clone(),
            key,
            from: what.from.clone(),
            to: to.clone(),
        });
    }
    for (manifest, text) in texts {
        recipe.steps.push(Step::WriteManifest {
            path: locked.project.manifests[manifest].path.clone(),
            text,
        });
    }
    for (&node, &index) in &way.moves {
        let about = locked.about(node);
        let to = &locked.package(node).releases[index].version;
        recipe.moves.push(Move {
            package: about.id.clone(),
            to: to.to_string(),
            bump: bump(locked.version(node)?, to),
        });
        recipe.steps.push(Step::UpdatePackage {
            package: about.id.clone(),
            to: Some(to.to_string()),
        });
    }
    if way.rearranges || !way.texts.is_empty() {
        recipe.steps.push(Step::Relock);
    }
    Some(recipe)
}

fn place_of(locked: &Locked<'_>, what: &Rewritten) -> Option<(usize, String)> {
    match &what.place {
        Place::Release => None,
        Place::Manifest(index, key) => Some((*index, key.clone())),
        Place::Override(path) => Some((locked.overrides.manifest?, path.join(" > "))),
    }
}

/// The manifest's text with the requirement, or the override, rewritten.
fn rewritten(text: &str, what: &Rewritten, to: &str) -> Option<String> {
    let set = |text: &str, path: &[&str]| json_text::set(text, path, to);
    match &what.place {
        Place::Release => None,
        Place::Override(path) => {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            set(text, &path)
        }
        Place::Manifest(_, key) => {
            let mut changed = None;
            for section in SECTIONS {
                let now = changed.as_deref().unwrap_or(text);
                let Some(old) = json_text::get(now, &[section, key]) else {
                    continue;
                };
                // An alias keeps the name before its range.
                let Some(start) = old.strip_suffix(what.from.as_str()) else {
                    continue;
                };
                changed = Some(json_text::set(
                    now,
                    &[section, key],
                    &format!("{start}{to}"),
                )?);
            }
            changed
        }
    }
}
