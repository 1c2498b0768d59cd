//! Rewrites lockfiles: the text of what moves changes, and every other byte stays. Pure. Where a
//! text is not as its own tool writes it, nothing is proposed.

mod pipenv;
mod poetry;
mod pyproject;
mod requirements;
mod uv;

mod content_hash;
mod raise;

use std::collections::BTreeMap;

use backstitch_model::candidate::{RequirementEdit, Step};
use backstitch_model::registry::{Release, ReleaseFile};
use backstitch_model::{LockFormat, Project, RelPath};

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

/// Writes every text that changes; `None` where one cannot be written.
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
    let mut texts = Texts::new(project);
    let mut edits = raise_own(locked, moved, &mut texts)?;
    let rewrite = match project.format {
        LockFormat::Requirements => {
            let more = requirements_files(locked, &rewrites, &edits, &mut texts)?;
            edits.extend(more);
            return Some(texts.edited(edits));
        }
        LockFormat::Poetry => poetry::rewrite,
        LockFormat::Uv => uv::rewrite,
        LockFormat::Pipenv => pipenv::rewrite,
        LockFormat::Cargo
        | LockFormat::Npm
        | LockFormat::Pnpm
        | LockFormat::Yarn
        | LockFormat::GoMod
        | LockFormat::Gemfile
        | LockFormat::Composer
        | LockFormat::Maven => return None,
    };
    let lockfile = &project.lockfile;
    for one in &rewrites {
        let text = rewrite(texts.of(lockfile)?, one)?;
        texts.set(lockfile, text);
    }
    for edit in &edits {
        relock(project, edit, &mut texts)?;
    }
    Some(texts.edited(edits))
}

/// Writes the project's own requirements alone, for where a tool writes the lockfile; `None` where
/// one cannot be written.
pub(super) fn write_manifests(locked: &Locked<'_>, moved: &Moved) -> Option<Edited> {
    let mut texts = Texts::new(locked.project);
    let edits = raise_own(locked, moved, &mut texts)?;
    Some(texts.edited(edits))
}

/// The project's texts, as they are and as they become.
struct Texts<'given> {
    project: &'given Project,
    changed: BTreeMap<RelPath, String>,
}

impl<'given> Texts<'given> {
    fn new(project: &'given Project) -> Self {
        Self {
            project,
            changed: BTreeMap::new(),
        }
    }

    fn before(&self, path: &RelPath) -> Option<&'given str> {
        let mut manifests = self.project.manifests.iter();
        manifests
            .find(|manifest| manifest.path == *path)
            .map(|manifest| manifest.text.as_str())
    }

    fn of(&self, path: &RelPath) -> Option<&str> {
        let changed = self.changed.get(path).map(String::as_str);
        changed.or_else(|| self.before(path))
    }

    fn set(&mut self, path: &RelPath, text: String) {
        self.changed.insert(path.clone(), text);
    }

    fn edited(self, edits: Vec<RequirementEdit>) -> Edited {
        let steps = self.changed.into_iter();
        Edited {
            steps: steps
                .map(|(path, text)| Step::WriteManifest { path, text })
                .collect(),
            edits,
        }
    }
}

/// Raises the project's own requirements that do not admit what moves.
fn raise_own(
    locked: &Locked<'_>,
    moved: &Moved,
    texts: &mut Texts<'_>,
) -> Option<Vec<RequirementEdit>> {
    let mut edits = Vec::new();
    for (&node, to) in moved {
        let from = locked.version(node)?;
        for own in locked.broken(node, &to.version) {
            let raised = raise::raised(own.text, from, &to.version)?;
            let edit = RequirementEdit {
                manifest: own.manifest.clone(),
                key: own.key.to_owned(),
                from: own.text.to_owned(),
                to: raised,
            };
            if edits.contains(&edit) {
                continue;
            }
            let text = texts.of(own.manifest)?;
            let is_toml =
                ["pyproject.toml", "Pipfile", "setup.cfg"].contains(&own.manifest.file_name());
            let write = if is_toml {
                raise::in_manifest
            } else {
                raise::in_requirements
            };
            let text = write(text, own.key, own.text, &edit.to)?;
            texts.set(own.manifest, text);
            edits.push(edit);
        }
    }
    Some(edits)
}

/// What a lockfile says of its manifest follows it.
fn relock(project: &Project, edit: &RequirementEdit, texts: &mut Texts<'_>) -> Option<()> {
    let lockfile = &project.lockfile;
    let text = match project.format {
        LockFormat::Poetry => {
            let before = texts.before(&edit.manifest)?;
            let after = texts.of(&edit.manifest)?;
            // Several edits of one manifest are one change.
            match content_hash::rewrite(texts.of(lockfile)?, before, after) {
                Some(text) => text,
                None if content_hash::fits(texts.of(lockfile)?, after) => return Some(()),
                None => return None,
            }
        }
        LockFormat::Uv => uv::require(texts.of(lockfile)?, edit)?,
        LockFormat::Pipenv
        | LockFormat::Requirements
        | LockFormat::Cargo
        | LockFormat::Npm
        | LockFormat::Pnpm
        | LockFormat::Yarn
        | LockFormat::GoMod
        | LockFormat::Gemfile
        | LockFormat::Composer
        | LockFormat::Maven => return None,
    };
    texts.set(lockfile, text);
    Some(())
}

/// The pins stand wherever they stand: in the file itself, or in one that it includes.
fn requirements_files(
    locked: &Locked<'_>,
    rewrites: &[Rewrite<'_>],
    raised: &[RequirementEdit],
    texts: &mut Texts<'_>,
) -> Option<Vec<RequirementEdit>> {
    let project = locked.project;
    let mut edits = Vec::new();
    for rewrite in rewrites {
        let mut is_pinned = false;
        let paths = project.manifests.iter().map(|manifest| &manifest.path);
        for path in paths.filter(|path| is_requirements(path)) {
            let Some(after) = requirements::rewrite(texts.of(path)?, rewrite)? else {
                continue;
            };
            is_pinned = true;
            texts.set(path, after);
            if *path != project.lockfile {
                edits.push(RequirementEdit {
                    manifest: path.clone(),
                    key: rewrite.name.to_owned(),
                    from: format!("=={}", rewrite.from),
                    to: format!("=={}", rewrite.to.version),
                });
            }
        }
        let is_alone = locked.is_alone();
        let is_raised = raised.iter().any(|edit| {
            (is_alone || is_requirements(&edit.manifest)) && plain(&edit.key) == plain(rewrite.name)
        });
        if !is_pinned && !is_raised && is_alone {
            edits.extend(bounded_in_manifest(project, rewrite, texts)?);
        } else if !is_pinned && !is_raised {
            edits.extend(bounded(project, rewrite, texts)?);
        }
    }
    Some(edits)
}

/// What nobody pins gets a lower bound: where it is asked for, or in a line of its own.
fn bounded(
    project: &Project,
    rewrite: &Rewrite<'_>,
    texts: &mut Texts<'_>,
) -> Option<Vec<RequirementEdit>> {
    let paths = project.manifests.iter().map(|manifest| &manifest.path);
    for path in paths.filter(|path| is_requirements(path)) {
        let Some((text, from, to)) = requirements::raise(texts.of(path)?, rewrite) else {
            continue;
        };
        texts.set(path, text);
        let edit = RequirementEdit {
            manifest: path.clone(),
            key: rewrite.name.to_owned(),
            from,
            to,
        };
        let is_elsewhere = *path != project.lockfile;
        return Some(is_elsewhere.then_some(edit).into_iter().collect());
    }
    let lockfile = &project.lockfile;
    let text = requirements::add(texts.of(lockfile)?, rewrite);
    texts.set(lockfile, text);
    Some(Vec::new())
}

/// The same in a `pyproject.toml` that nothing locks; `None` where it asks for no such package: it
/// is for its owner to say that it should.
fn bounded_in_manifest(
    project: &Project,
    rewrite: &Rewrite<'_>,
    texts: &mut Texts<'_>,
) -> Option<Vec<RequirementEdit>> {
    let path = &project.lockfile;
    let (text, changed) = pyproject::raise(texts.of(path)?, rewrite)?;
    texts.set(path, text);
    let edits = changed.into_iter().map(|(from, to)| RequirementEdit {
        manifest: path.clone(),
        key: rewrite.name.to_owned(),
        from,
        to,
    });
    Some(edits.collect())
}

/// Replaces a range of bytes.
fn replaced(text: &str, place: std::ops::Range<usize>, with: &str) -> String {
    let mut new = String::with_capacity(text.len() + with.len());
    new.push_str(&text[..place.start]);
    new.push_str(with);
    new.push_str(&text[place.end..]);
    new
}
