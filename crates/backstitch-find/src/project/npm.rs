//! Reads the project of one lockfile of npm, pnpm or yarn: the graph, and the manifests of
//! the root and its workspaces. What those say is `crate::npm`'s business; which files
//! belong together is decided here.

use std::collections::BTreeSet;
use std::io::ErrorKind;

use backstitch_model::project::{Manifest, Problem, Project};
use backstitch_model::{LockFormat, RelPath};

use super::members;
use super::tree::Tree;
use crate::lockfile::quote;
use crate::npm::manifest::{self, PATTERNS_MAX, Parsed};
use crate::npm::{self, LOCKFILE_BYTES_MAX, Own};

/// The name of its manifests.
pub(super) const MANIFEST: &str = "package.json";

/// The largest manifest that is read, in bytes.
const MANIFEST_BYTES_MAX: u64 = 4 << 20;

/// How many manifests one project may have.
const MANIFESTS_MAX: usize = 10_000;

/// How many manifests without a lockfile are told one by one.
const LOCKLESS_MAX: usize = 20;

/// Reads the project of one lockfile; `known` are the manifests of the whole tree.
pub(super) fn read(
    tree: &Tree<'_>,
    lockfile: &RelPath,
    format: LockFormat,
    known: &[RelPath],
) -> Result<Project, Problem> {
    let problem = |what| Problem {
        path: lockfile.clone(),
        what,
    };
    let bytes = tree
        .read(lockfile, LOCKFILE_BYTES_MAX)
        .map_err(|error| problem(error.to_string()))?;
    let parsed = npm::parse(format, &bytes).map_err(|error| problem(error.to_string()))?;
    let parent = lockfile.parent();
    let mut gathering = Gathering {
        tree,
        root: parent.as_ref(),
        seen: BTreeSet::new(),
        own: Vec::new(),
        problems: Vec::new(),
    };
    gathering.run(&parsed.folders(), known);
    let Gathering {
        own, mut problems, ..
    } = gathering;
    let linked = parsed.link(&own);
    problems.extend(linked.problems.into_iter().map(problem));
    let manifests = own.into_iter().zip(linked.own);
    Ok(Project {
        lockfile: lockfile.clone(),
        format,
        graph: linked.graph,
        manifests: manifests
            .filter_map(|(own, package)| {
                Some(Manifest {
                    package: Some(package),
                    ..own.manifest?
                })
            })
            .collect(),
        problems,
    })
}

/// Tells which manifests that ask for something no lockfile covers.
pub(super) fn tell_lockless(tree: &Tree<'_>, lockless: &[RelPath], problems: &mut Vec<Problem>) {
    let asks = |path: &RelPath| match load(tree, path) {
        Ok(Some(parsed)) => !parsed.manifest.requirements.is_empty(),
        Ok(None) | Err(_) => false,
    };
    let told = lockless
        .iter()
        .take(MANIFESTS_MAX)
        .filter(|path| asks(path))
        .take(LOCKLESS_MAX);
    problems.extend(told.map(|path| {
        Problem {
            path: path.clone(),
            what:
                "no lockfile covers it: which releases it would install is not known, so nothing \
               was looked up; run `npm install --package-lock-only` and look again"
                    .into(),
        }
    }));
}

/// The project's own packages, each looked at once.
struct Gathering<'tree> {
    tree: &'tree Tree<'tree>,
    root: Option<&'tree RelPath>,
    seen: BTreeSet<String>,
    own: Vec<Own>,
    problems: Vec<Problem>,
}

impl Gathering<'_> {
    /// Takes the root, the folders that the lockfile names, and those that the root's
    /// `workspaces` match.
    fn run(&mut self, locked: &[&str], known: &[RelPath]) {
        let root = self.take("", false);
        for folder in locked {
            self.take(folder, true);
        }
        let Some(root) = root else { return };
        for folder in self.workspaces(&root, known) {
            self.take(&folder, false);
        }
        for folder in &root.linked {
            let folder = folder.strip_prefix("./").unwrap_or(folder);
            if self.is_folder(folder) {
                self.take(folder, false);
            }
        }
    }

    fn is_folder(&self, folder: &str) -> bool {
        let path = self.path(folder);
        path.is_some_and(|path| matches!(load(self.tree, &path), Ok(Some(_))))
    }

    fn take(&mut self, folder: &str, is_locked: bool) -> Option<Parsed> {
        if self.own.len() >= MANIFESTS_MAX || !self.seen.insert(folder.to_owned()) {
            return None;
        }
        let Some(path) = self.path(folder) else {
            self.tell(
                MANIFEST,
                format!(
                    "`{}` lies outside the tree; it was not followed",
                    quote(folder)
                ),
            );
            return None;
        };
        let loaded = load(self.tree, &path).unwrap_or_else(|problem| {
            self.problems.push(problem);
            None
        });
        if loaded.is_none() && is_locked {
            self.tell(path.as_str(), "the lockfile names it and it is not there");
        }
        self.own.push(Own {
            folder: folder.to_owned(),
            manifest: loaded.as_ref().map(|parsed| parsed.manifest.clone()),
        });
        loaded
    }

    fn tell(&mut self, path: &str, what: impl Into<String>) {
        let what = what.into();
        let path = RelPath::new(path).or_else(|_| RelPath::new(MANIFEST));
        self.problems
            .extend(path.ok().map(|path| Problem { path, what }));
    }

    /// The manifest in a folder below the lockfile's; `None` where it leaves the tree.
    fn path(&self, folder: &str) -> Option<RelPath> {
        let name = if folder.is_empty() {
            MANIFEST.to_owned()
        } else {
            format!("{folder}/{MANIFEST}")
        };
        RelPath::below(self.root, &name).ok()
    }

    fn workspaces(&self, root: &Parsed, known: &[RelPath]) -> Vec<String> {
        let patterns = root.workspaces.iter().take(PATTERNS_MAX);
        let (out, wanted): (Vec<&str>, Vec<&str>) = patterns
            .map(|pattern| pattern.trim_start_matches("./").trim_end_matches('/'))
            .partition(|pattern| pattern.starts_with('!'));
        let matches = |patterns: &[&str], folder: &str| {
            patterns.iter().any(|one| members::matches(one, folder))
        };
        let out: Vec<&str> = out.iter().map(|pattern| &pattern[1..]).collect();
        let folders = known.iter().filter_map(|path| self.below(&path.parent()?));
        folders
            .filter(|folder| matches(&wanted, folder) && !matches(&out, folder))
            .collect()
    }

    fn below(&self, path: &RelPath) -> Option<String> {
        let rest = match self.root {
            None => path.as_str(),
            Some(root) => path
                .as_str()
                .strip_prefix(root.as_str())?
                .strip_prefix('/')?,
        };
        Some(rest.to_owned())
    }
}

fn load(tree: &Tree<'_>, path: &RelPath) -> Result<Option<Parsed>, Problem> {
    let problem = |what| Problem {
        path: path.clone(),
        what,
    };
    let bytes = match tree.read(path, MANIFEST_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(problem(error.to_string())),
    };
    let text = String::from_utf8(bytes).map_err(|_| problem("it is not UTF-8 text".to_owned()))?;
    manifest::parse(path.clone(), text)
        .map(Some)
        .map_err(problem)
}
