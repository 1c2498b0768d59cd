//! Rewrites lockfiles: the text of what moves changes, and every other byte stays. Pure. Where a
//! text is not as its own tool writes it, nothing is proposed.

mod pipenv;
mod poetry;
mod requirements;
mod uv;

use std::collections::BTreeMap;

use backstitch_model::candidate::{RequirementEdit, Step};
use backstitch_model::registry::{Release, ReleaseFile};
use backstitch_model::{LockFormat, RelPath};

use super::catalogue::{Needs, plain};
use super::locked::{Locked, is_requirements};
use super::search::Moved;

/// One package to be rewritten.
pub(super) struct Rewrite<'given> {
    /// As the lockfile writes it.
    pub(super) name: &'given str,
    pub(super) from: &'given str,
    pub(super) to: &'given Release,
    /// What the new release requires.
    pub(super) needs: Needs,
}

/// What a solution comes to: whole new texts, and the pins that stand outside the lockfile.
#[derive(Debug, Default)]
pub(super) struct Edited {
    pub(super) steps: Vec<Step>,
    pub(super) edits: Vec<RequirementEdit>,
}

impl Rewrite<'_> {
    fn is_of(&self, name: &str, version: &str) -> bool {
        plain(name) == plain(self.name) && version == self.from
    }

    /// The release's files with their hashes; `None` where one has none.
    fn hashed(&self) -> Option<Vec<(&ReleaseFile, &str)>> {
        let files = self.to.files.iter();
        let hashed: Vec<_> = files
            .map(|file| Some((file, file.sha256.as_deref()?)))
            .collect::<Option<_>>()?;
        (!hashed.is_empty()).then_some(hashed)
    }
}

/// Writes the lockfile's new text; `None` where it cannot be written.
pub(super) fn write(locked: &Locked<'_>, moved: &Moved) -> Option<Edited> {
    let project = locked.project;
    let rewrites: Vec<_> = moved
        .iter()
        .map(|(&node, to)| {
            let package = &project.graph.package(node).id;
            Rewrite {
                name: &package.name,
                from: &package.version,
                to: to.release(),
                needs: locked.catalogue.needs(&package.name, &to.release().version),
            }
        })
        .collect();
    let rewrite = match project.format {
        LockFormat::Requirements => return requirements_files(locked, &rewrites),
        LockFormat::Poetry => poetry::rewrite,
        LockFormat::Uv => uv::rewrite,
        LockFormat::Pipenv => pipenv::rewrite,
        LockFormat::Cargo | LockFormat::Npm | LockFormat::Pnpm | LockFormat::Yarn => return None,
    };
    let is_lockfile = |path: &RelPath| *path == project.lockfile;
    let lockfile = project.manifests.iter().find(|it| is_lockfile(&it.path))?;
    let mut text = lockfile.text.clone();
    for one in &rewrites {
        text = rewrite(&text, one)?;
    }
    (text != lockfile.text).then(|| Edited {
        steps: vec![Step::WriteManifest {
            path: project.lockfile.clone(),
            text,
        }],
        edits: Vec::new(),
    })
}

/// The pins stand wherever they stand: in the file itself, or in one that it includes.
fn requirements_files(locked: &Locked<'_>, rewrites: &[Rewrite<'_>]) -> Option<Edited> {
    let project = locked.project;
    let mut texts = BTreeMap::new();
    let mut edited = Edited::default();
    for rewrite in rewrites {
        let mut is_pinned = false;
        let files = project
            .manifests
            .iter()
            .filter(|file| is_requirements(&file.path));
        for file in files {
            let before: &String = texts.get(&file.path).unwrap_or(&file.text);
            let Some(after) = requirements::rewrite(before, rewrite)? else {
                continue;
            };
            is_pinned = true;
            texts.insert(file.path.clone(), after);
            if file.path != project.lockfile {
                edited.edits.push(RequirementEdit {
                    manifest: file.path.clone(),
                    key: rewrite.name.to_owned(),
                    from: format!("=={}", rewrite.from),
                    to: format!("=={}", rewrite.to.version),
                });
            }
        }
        if !is_pinned {
            return None;
        }
    }
    let steps = texts.into_iter();
    edited.steps = steps
        .map(|(path, text)| Step::WriteManifest { path, text })
        .collect();
    Some(edited)
}

/// Replaces a range of bytes.
fn replaced(text: &str, place: std::ops::Range<usize>, with: &str) -> String {
    let mut new = String::with_capacity(text.len() + with.len());
    new.push_str(&text[..place.start]);
    new.push_str(with);
    new.push_str(&text[place.end..]);
    new
}
