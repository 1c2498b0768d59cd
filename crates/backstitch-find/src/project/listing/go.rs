//! Reads `go.mod`, and of `go.sum` the hashes. Pure but for reading the latter.
//!
//! Format: <https://go.dev/ref/mod#go-mod-file>. From Go 1.17 on it lists every module that
//! builds need; which of them requires which it does not say.

use std::collections::{HashMap, HashSet};

use backstitch_model::RelPath;
use backstitch_model::finding::Compiled;
use backstitch_model::project::{DependencyKind, Source};

use super::{Files, Listed, Listing, manifest, place_of, problem, requirement};

/// The first `go` version whose `go.mod` lists what is required indirectly.
const LISTS_ALL: (u64, u64) = (1, 17);

/// Reads a `go.mod`.
pub(super) fn read(
    files: &mut Files<'_>,
    lockfile: &RelPath,
    text: String,
) -> Result<Listing, String> {
    let said = parse(&text)?;
    let sums = files.beside("go.sum").map(|(_, text)| text);
    let sums = sums.as_deref().map(hashes).unwrap_or_default();
    let mut listing = Listing {
        name: said.module.to_owned(),
        ..Listing::default()
    };
    let mut requirements = Vec::new();
    for required in &said.required {
        if said.is_excluded(required) {
            let what = format!(
                "`{}` is required at {} and that is excluded; which version is used instead was \
                 not worked out",
                required.module.escape_debug(),
                required.version.escape_debug()
            );
            listing.problems.push(problem(lockfile, what));
        }
        let used = said.replacement(required);
        let (name, version, source) = match used {
            None => (required.module, required.version, Source::PublicRegistry),
            Some(Target::Module(name, version)) => (name, version, Source::PublicRegistry),
            Some(Target::Folder) => (required.module, required.version, Source::Local),
        };
        if source == Source::PublicRegistry {
            let place = place_of(&text, version);
            let kind = DependencyKind::Normal;
            requirements.push(requirement((name, version), kind, place));
        }
        listing.packages.push(Listed {
            source,
            checksum: sums.get(&(name, version)).map(|sum| (*sum).to_owned()),
            asked: (!required.indirect).then_some(DependencyKind::Normal),
            compiled: if required.indirect {
                Compiled::Unknown("`go.mod` does not say".into())
            } else {
                Compiled::Yes
            },
            ..Listed::new(name, version)
        });
    }
    if !lists_all(said.go) {
        let what = "it is of a Go before 1.17 and does not list what its requirements bring \
                    along; only what it lists was looked up"
            .to_owned();
        listing.problems.push(problem(lockfile, what));
    }
    listing.manifests = vec![manifest(lockfile, text, requirements)];
    Ok(listing)
}

/// Does a `go.mod` with this text list everything that is built?
pub(in super::super) fn is_whole(text: &str) -> bool {
    parse(text).is_ok_and(|said| lists_all(said.go))
}

fn lists_all(go: &str) -> bool {
    let mut numbers = go.split('.').map(str::parse::<u64>);
    let mut number = || numbers.next().and_then(Result::ok).unwrap_or(0);
    (number(), number()) >= LISTS_ALL
}

#[derive(Default)]
struct Said<'text> {
    module: &'text str,
    go: &'text str,
    required: Vec<Required<'text>>,
    replaced: HashMap<(&'text str, Option<&'text str>), Target<'text>>,
    excluded: HashSet<(&'text str, &'text str)>,
}

struct Required<'text> {
    module: &'text str,
    version: &'text str,
    indirect: bool,
}

#[derive(Clone, Copy)]
enum Target<'text> {
    Module(&'text str, &'text str),
    Folder,
}

impl<'text> Said<'text> {
    fn replacement(&self, required: &Required<'text>) -> Option<Target<'text>> {
        let exactly = (required.module, Some(required.version));
        let any = (required.module, None);
        self.replaced
            .get(&exactly)
            .or_else(|| self.replaced.get(&any))
            .copied()
    }

    fn is_excluded(&self, required: &Required<'text>) -> bool {
        self.excluded.contains(&(required.module, required.version))
    }
}

fn parse(text: &str) -> Result<Said<'_>, String> {
    let mut said = Said::default();
    let mut block: Option<&str> = None;
    for (number, line) in text.lines().enumerate() {
        let (line, comment) = match line.split_once("//") {
            Some((line, comment)) => (line, comment.trim()),
            None => (line, ""),
        };
        let mut words: Vec<&str> = line.split_whitespace().map(unquoted).collect();
        let Some(&first) = words.first() else {
            continue;
        };
        let verb = match block {
            Some(_) if first == ")" => {
                block = None;
                continue;
            }
            Some(verb) => verb,
            None => {
                words.remove(0);
                if words == ["("] || first.ends_with('(') && words.is_empty() {
                    block = Some(first.trim_end_matches('('));
                    continue;
                }
                first
            }
        };
        said.directive(verb, &words, comment)
            .ok_or_else(|| format!("line {} is not as `{verb}` is written", number + 1))?;
    }
    if block.is_some() {
        return Err("its last block does not end".to_owned());
    }
    if said.module.is_empty() {
        return Err("it names no module".to_owned());
    }
    Ok(said)
}

impl<'text> Said<'text> {
    /// Takes one directive; `None` where it cannot be read.
    fn directive(&mut self, verb: &str, words: &[&'text str], comment: &str) -> Option<()> {
        match (verb, words) {
            ("module", [module]) => self.module = module,
            ("go", [version]) => self.go = version,
            ("require", [module, version]) => self.required.push(Required {
                module,
                version,
                indirect: comment == "indirect" || comment.starts_with("indirect;"),
            }),
            ("exclude", [module, version]) => {
                self.excluded.insert((module, version));
            }
            ("replace", [module, "=>", target @ ..]) => self.replace((module, None), target)?,
            ("replace", [module, version, "=>", target @ ..]) => {
                self.replace((module, Some(version)), target)?;
            }
            ("module" | "go" | "require" | "exclude" | "replace", _) => return None,
            // What others there are, and will be, says nothing of what is used.
            (_, _) => {}
        }
        Some(())
    }

    fn replace(
        &mut self,
        what: (&'text str, Option<&'text str>),
        target: &[&'text str],
    ) -> Option<()> {
        let target = match target {
            [_folder] => Target::Folder,
            [module, version] => Target::Module(module, version),
            _ => return None,
        };
        self.replaced.insert(what, target);
        Some(())
    }
}

fn unquoted(word: &str) -> &str {
    let strip = |quote| word.strip_prefix(quote)?.strip_suffix(quote);
    strip('"').or_else(|| strip('`')).unwrap_or(word)
}

/// The hash of each module's files, as `go.sum` has it.
fn hashes(text: &str) -> HashMap<(&str, &str), &str> {
    let lines = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (module, version, hash) = (words.next()?, words.next()?, words.next()?);
        // The hash of a `go.mod` alone is for what is looked at and not built.
        (!version.ends_with("/go.mod")).then_some(((module, version), hash))
    });
    lines.collect()
}
