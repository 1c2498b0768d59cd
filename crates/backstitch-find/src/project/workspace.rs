//! Gathers the manifests that one lockfile locks: the root's, its members' and those of
//! path dependencies (<https://doc.rust-lang.org/cargo/reference/workspaces.html>).

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;

use backstitch_model::RelPath;
use backstitch_model::project::{Manifest, Problem};
use toml::{Table, Value};

use super::cargo::MANIFEST;
use super::manifest::{self, Inheritance, Parsed};
use super::members;
use super::tree::Tree;

/// The largest manifest that is read, in bytes.
const MANIFEST_BYTES_MAX: u64 = 4 << 20;

/// How many manifests one project may have.
const MANIFESTS_MAX: usize = 10_000;

/// How many patterns of `members` are looked at; a list of names may be longer.
const PATTERNS_MAX: usize = 256;

/// The manifests of one lockfile.
#[derive(Default)]
pub(super) struct Workspace {
    /// The root's first, then by path.
    pub(super) manifests: Vec<Manifest>,
    /// Names of packages that `[patch]` or `[replace]` replaces.
    pub(super) patched: Vec<String>,
}

/// Reads the manifests of the workspace in `folder`; no manifest there gives none. Members
/// named by a pattern are looked for among `known`, the tree's manifests.
pub(super) fn read(
    tree: &Tree<'_>,
    folder: Option<&RelPath>,
    known: &[RelPath],
    problems: &mut Vec<Problem>,
) -> Workspace {
    let Ok(path) = RelPath::below(folder, MANIFEST) else {
        return Workspace::default();
    };
    let (text, table) = match load(tree, &path) {
        Ok(Some(loaded)) => loaded,
        Ok(None) => return Workspace::default(),
        Err(problem) => {
            problems.push(problem);
            return Workspace::default();
        }
    };
    tell_patterns(&path, &table, problems);
    let mut gathering = Gathering {
        tree,
        folder,
        inheritance: Inheritance::of(&table),
        parsed: BTreeMap::new(),
        pending: members_of(folder, &table, known),
        problems,
    };
    let (patched, patch_paths) = patches(&table);
    gathering.follow(folder, &patch_paths);
    gathering.take(path.clone(), text, &table);
    gathering.run();
    let mut manifests = gathering.parsed;
    let first = manifests.remove(&path);
    Workspace {
        manifests: first.into_iter().chain(manifests.into_values()).collect(),
        patched,
    }
}

/// Patterns beyond the bound are left out, and that is told.
fn tell_patterns(path: &RelPath, table: &Table, problems: &mut Vec<Problem>) {
    let workspace = table.get("workspace");
    let list = |name| texts(workspace.and_then(|workspace| workspace.get(name)));
    let patterns = list("members").filter(|member| is_pattern(member)).count();
    if patterns.max(list("exclude").count()) > PATTERNS_MAX {
        problems.push(Problem {
            path: path.clone(),
            what: format!("only the first {PATTERNS_MAX} patterns of its workspace were looked at"),
        });
    }
}

/// The manifest at `path` and those of the members it names.
pub(super) fn manifests_of(
    tree: &Tree<'_>,
    path: &RelPath,
    known: &[RelPath],
) -> BTreeSet<RelPath> {
    let members = match load(tree, path) {
        Ok(Some((_, table))) => members_of(path.parent().as_ref(), &table, known),
        Ok(None) | Err(_) => BTreeSet::new(),
    };
    std::iter::once(path.clone()).chain(members).collect()
}

fn load(tree: &Tree<'_>, path: &RelPath) -> Result<Option<(String, Table)>, Problem> {
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
    match text.parse::<Table>() {
        Ok(table) => Ok(Some((text, table))),
        Err(error) => Err(problem(format!("it is no TOML: {}", error.message()))),
    }
}

/// The manifests that `members` names, without those that `exclude` names.
fn members_of(folder: Option<&RelPath>, table: &Table, known: &[RelPath]) -> BTreeSet<RelPath> {
    let Some(workspace) = table.get("workspace") else {
        return BTreeSet::new();
    };
    let excluded: Vec<&str> = texts(workspace.get("exclude")).take(PATTERNS_MAX).collect();
    let (patterns, folders): (Vec<_>, Vec<_>) =
        texts(workspace.get("members")).partition(|member| is_pattern(member));
    let matching = patterns
        .into_iter()
        .take(PATTERNS_MAX)
        .flat_map(|pattern| matching(folder, pattern, &excluded, known));
    let named = folders
        .into_iter()
        .filter_map(|member| manifest_at(folder, member));
    matching.chain(named).collect()
}

fn is_pattern(member: &str) -> bool {
    member.contains(['*', '?', '['])
}

fn matching(
    folder: Option<&RelPath>,
    pattern: &str,
    excluded: &[&str],
    known: &[RelPath],
) -> Vec<RelPath> {
    known
        .iter()
        .filter(|path| {
            let Some(below) = path.parent().and_then(|parent| below(folder, &parent)) else {
                return false;
            };
            members::matches(pattern, &below)
                && !excluded.iter().any(|pattern| is_excluded(pattern, &below))
        })
        .cloned()
        .collect()
}

/// `exclude` names folders; what lies in them is excluded too.
fn is_excluded(pattern: &str, below: &str) -> bool {
    let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
    below
        .strip_prefix(pattern)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn below(folder: Option<&RelPath>, path: &RelPath) -> Option<String> {
    match folder {
        None => Some(path.as_str().to_owned()),
        Some(folder) => path
            .as_str()
            .strip_prefix(folder.as_str())?
            .strip_prefix('/')
            .map(str::to_owned),
    }
}

fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// The manifest in the folder that `path` leads to from `folder`; `None` outside the tree.
fn manifest_at(folder: Option<&RelPath>, path: &str) -> Option<RelPath> {
    if path.starts_with('/') || path.contains('\\') {
        return None;
    }
    let mut parts: Vec<&str> =
        folder.map_or_else(Vec::new, |folder| folder.as_str().split('/').collect());
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    parts.push(MANIFEST);
    RelPath::new(parts.join("/")).ok()
}

/// The packages that `[patch]` and `[replace]` replace, and the folders they name.
fn patches(table: &Table) -> (Vec<String>, Vec<String>) {
    let sources = table
        .get("patch")
        .and_then(Value::as_table)
        .into_iter()
        .flatten();
    let replace = table.get("replace").and_then(Value::as_table);
    let entries = sources
        .filter_map(|(_, source)| source.as_table())
        .chain(replace)
        .flatten();
    let mut names = Vec::new();
    let mut paths = Vec::new();
    for (key, value) in entries {
        let renamed = value.get("package").and_then(Value::as_str);
        // `[replace]` writes `name:version`, in old manifests with a registry before it.
        let name = key.rsplit('#').next().unwrap_or(key);
        let name = name.split(':').next().unwrap_or(name);
        names.push(renamed.unwrap_or(name).to_owned());
        paths.extend(value.get("path").and_then(Value::as_str).map(str::to_owned));
    }
    (names, paths)
}

/// A search that goes from manifest to manifest, each read once.
struct Gathering<'tree> {
    tree: &'tree Tree<'tree>,
    folder: Option<&'tree RelPath>,
    inheritance: Inheritance,
    parsed: BTreeMap<RelPath, Manifest>,
    pending: BTreeSet<RelPath>,
    problems: &'tree mut Vec<Problem>,
}

impl Gathering<'_> {
    fn run(&mut self) {
        while let Some(path) = self.pending.pop_first() {
            if self.parsed.contains_key(&path) {
                continue;
            }
            if self.parsed.len() >= MANIFESTS_MAX {
                let what = format!("more than {MANIFESTS_MAX} manifests; the rest was not read");
                self.problems.push(Problem { path, what });
                return;
            }
            match load(self.tree, &path) {
                Ok(Some((text, table))) => self.take(path, text, &table),
                Ok(None) => self.problems.push(Problem {
                    path,
                    what: "it is named by a manifest and is not there".into(),
                }),
                Err(problem) => self.problems.push(problem),
            }
        }
    }

    fn take(&mut self, path: RelPath, text: String, table: &Table) {
        let Parsed {
            manifest,
            own_paths,
            inherited_paths,
        } = manifest::parse(path.clone(), text, table, &self.inheritance);
        self.follow(path.parent().as_ref(), &own_paths);
        let folder = self.folder;
        self.follow(folder, &inherited_paths);
        self.parsed.insert(path, manifest);
    }

    fn follow(&mut self, folder: Option<&RelPath>, paths: &[String]) {
        for path in paths {
            // A path that leaves the tree cannot be read from here; its packages stay
            // local packages whose manifests are not at hand.
            self.pending.extend(manifest_at(folder, path));
        }
    }
}
