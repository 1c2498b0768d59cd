//! Files that say how a project is built and tested: which changes of them a patch may make by
//! itself, which are put back before it is judged, and which are objected to. Pure.

use std::collections::BTreeSet;

use backstitch_model::RelPath;

use super::functions::shortened;
use super::objection::{Objection, Sightings, Weight};
use super::pair::Pair;
use super::roles::Role;
use super::{lockfile, manifests};

/// What names a target or a test of a build, without spaces.
const TARGETS: &[&str] = &[
    "add_test(",
    "add_executable(",
    "add_library(",
    "add_subdirectory(",
    "enable_testing(",
    "include(CTest",
    "gtest_discover_tests(",
    "catch_discover_tests(",
    "target_sources(",
    "test(",
    "executable(",
    "library(",
    "subdir(",
    "check_PROGRAMS",
    "bin_PROGRAMS",
    "noinst_PROGRAMS",
    "TESTS",
    "SUBDIRS",
    "check:",
    "test:",
    "tests:",
    "all:",
    "cc_test(",
    "cc_binary(",
    "cc_library(",
    "shared_library(",
    "static_library(",
    "ext_modules",
    "Extension(",
];

/// What a Makefile is asked for.
const GOALS: [&str; 4] = ["all", "check", "test", "tests"];

/// Looks at the files that build and measure, and lists those to put back.
pub fn look(pairs: &[Pair<'_>], seen: &mut Sightings, relay: &mut BTreeSet<RelPath>) {
    let came: BTreeSet<&str> = names(pairs, |pair| pair.before.is_none());
    let went: BTreeSet<&str> = names(pairs, |pair| pair.after.is_none());
    for pair in pairs.iter().filter(|pair| !pair.is_component) {
        match pair.role {
            Role::Harness => {
                let what = "how tests are run is set in another way".to_owned();
                seen.object(Objection::Harness, pair.whole(), what);
                relay.insert(pair.path.clone());
            }
            Role::Ci => {
                let weight = if checks_less(pair) {
                    Weight::Objects
                } else if runs_otherwise(pair) {
                    Weight::Doubts
                } else {
                    Weight::Notes
                };
                let what = "what the project's service runs differs".to_owned();
                seen.add(weight, Objection::Ci, pair.whole(), what);
                relay.insert(pair.path.clone());
            }
            // A new file of settings would change a verdict as well.
            Role::ToolSettings | Role::OwnSettings => {
                relay.insert(pair.path.clone());
            }
            Role::Build => build(pair, &came, &went, seen, relay),
            Role::Manifest => {
                if manifests::look(pair, seen) == manifests::Kept::No {
                    relay.insert(pair.path.clone());
                }
            }
            Role::Lockfile => lockfile::look(pair, seen),
            Role::Source
            | Role::Aside
            | Role::Test
            | Role::TestData
            | Role::Generated
            | Role::Vendored
            | Role::Documents
            | Role::Other => {}
        }
    }
}

/// Does a service check less than before: is a word that checks there less often, or one that
/// keeps a failure quiet more often?
fn checks_less(pair: &Pair<'_>) -> bool {
    const CHECKS: &[&str] = &[
        "test", "check", "lint", "clippy", "audit", "scan", "miri", "sanitize", "fuzz", "tox",
        "nox", "mocha", "jest", "codeql", "semgrep", "bandit", "verify", "valgrind", "deny",
        "run:", "script:", "uses:", "- id:",
    ];
    const QUIET: &[&str] = &[
        "continue-on-error",
        "|| true",
        "allow_failure",
        "allow_failures",
        "if: false",
        "exit 0",
        "fail-fast: false",
        "paths-ignore",
        "set +e",
        "--no-verify",
        "--ignore",
        "|| :",
        "if: ${{ false",
        "continueOnError",
        "--exit-zero",
        "--passWithNoTests",
        "SKIP",
    ];
    let often = |word: &str, lines: &mut dyn Iterator<Item = (u32, &str)>| -> usize {
        lines
            .filter(|(_, line)| !line.trim_start().starts_with('#'))
            .map(|(_, line)| line.matches(word).count())
            .sum()
    };
    let fewer = CHECKS
        .iter()
        .any(|word| often(word, &mut pair.removed()) > often(word, &mut pair.added()));
    let quieter = QUIET
        .iter()
        .any(|word| often(word, &mut pair.added()) > often(word, &mut pair.removed()));
    pair.after.is_none() || fewer || quieter
}

/// Does a service run a check in another way, or get at more than before? It is never run here.
fn runs_otherwise(pair: &Pair<'_>) -> bool {
    const RUNS: &[&str] = &[
        "run:", "script:", "make ", "cargo ", "npm ", "pytest", "tox", "ctest",
    ];
    const CHECKS: &[&str] = &[
        "test", "check", "lint", "clippy", "audit", "scan", "fuzz", "tox",
    ];
    const MORE: &[&str] = &[
        "secrets",
        "permissions:",
        "pull_request_target",
        "workflow_run",
        "curl ",
        "wget ",
        "| sh",
        "| bash",
        "self-hosted",
    ];
    let has = |line: &str, words: &[&str]| words.iter().any(|word| line.contains(word));
    let came: BTreeSet<&str> = pair.added().map(|(_, line)| line.trim()).collect();
    let other = pair
        .removed()
        .any(|(_, line)| has(line, RUNS) && has(line, CHECKS) && !came.contains(line.trim()));
    other || came.iter().any(|line| has(line, MORE))
}

fn names<'p>(pairs: &'p [Pair<'_>], keep: impl Fn(&Pair<'_>) -> bool) -> BTreeSet<&'p str> {
    pairs
        .iter()
        .filter(|pair| keep(pair))
        .map(|pair| pair.path.file_name())
        .collect()
}

fn build(
    pair: &Pair<'_>,
    came: &BTreeSet<&str>,
    went: &BTreeSet<&str>,
    seen: &mut Sightings,
    relay: &mut BTreeSet<RelPath>,
) {
    let old = words(pair.removed().map(|(_, line)| line));
    let new = words(pair.added().map(|(_, line)| line));
    let lost: Vec<&str> = less(&old, &new);
    let more: Vec<&str> = less(&new, &old);
    dropped(pair, &lost, went, seen);
    let is_own = |word: &&str| is_name_of(word, came) || is_layout(word) || is_version(word);
    let was_own = |word: &&str| is_name_of(word, went) || is_layout(word) || is_version(word);
    if pair.before.is_some() && more.iter().all(is_own) && lost.iter().all(was_own) {
        return;
    }
    relay.insert(pair.path.clone());
    let line = pair.added().next().map(|(line, _)| line);
    let weight = if pair.after.is_none() {
        Weight::Objects
    } else {
        Weight::Notes
    };
    let what = if pair.after.is_none() {
        "a file that builds the project is gone"
    } else {
        "how the project is built differs, which is not taken over"
    };
    let place = line.map_or_else(|| pair.whole(), |line| pair.at(line));
    seen.add(weight, Objection::TargetDropped, place, what.into());
}

/// Targets, tests and sources that are named no longer.
fn dropped(pair: &Pair<'_>, lost: &[&str], went: &BTreeSet<&str>, seen: &mut Sightings) {
    let count = |text: &str, lines: &mut dyn Iterator<Item = (u32, &str)>| {
        lines
            .filter(|(_, line)| {
                let line: String = line
                    .chars()
                    .filter(|letter| !letter.is_whitespace())
                    .collect();
                line.starts_with(text)
                    || line.contains(&format!("_{text}"))
                    || text.contains('_') && line.contains(text)
            })
            .count()
    };
    for target in TARGETS {
        let (was, is) = (
            count(target, &mut pair.removed()),
            count(target, &mut pair.added()),
        );
        if was > is {
            let what = format!("what {} names is built no longer", shortened(target));
            seen.object(Objection::TargetDropped, pair.whole(), what);
            return;
        }
    }
    // `check: unit script` that becomes `check: script`.
    let needed = |lines: &mut dyn Iterator<Item = (u32, &str)>, target: &str| -> Vec<String> {
        lines
            .filter_map(|(_, line)| line.split_once(':'))
            .filter(|(name, _)| name.trim() == target)
            .flat_map(|(_, needs)| needs.split_whitespace().map(str::to_owned))
            .collect()
    };
    for target in GOALS {
        let was = needed(&mut pair.removed(), target);
        let is = needed(&mut pair.added(), target);
        // Files are looked at below.
        let is_lost = |word: &&String| !word.contains('.') && !is.contains(word);
        if let Some(word) = was.iter().find(is_lost) {
            let what = format!("`{target}` no longer needs {}", shortened(word));
            seen.object(Objection::TargetDropped, pair.whole(), what);
            return;
        }
    }
    let source = |word: &&&str| {
        let ends = [".c", ".cc", ".cpp", ".cxx", ".o", ".lo", ".rs"];
        ends.iter().any(|end| word.ends_with(end)) && !is_name_of(word, went)
    };
    if let Some(word) = lost.iter().find(source) {
        let what = format!("{} is built no longer", shortened(word));
        seen.object(Objection::TargetDropped, pair.whole(), what);
    }
}

fn words<'t>(lines: impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    let parts = |letter: char| {
        letter.is_whitespace()
            || matches!(
                letter,
                '(' | ')' | ',' | '"' | '\'' | '[' | ']' | '=' | '{' | '}' | ';'
            )
    };
    lines
        .flat_map(|line| line.split(parts))
        .filter(|word| !word.is_empty())
        .collect()
}

/// What is in `words` more often than in `others`.
fn less<'t>(words: &[&'t str], others: &[&'t str]) -> Vec<&'t str> {
    let mut left = super::pair::counted(others.iter().copied());
    let mut more = Vec::new();
    for text in words {
        match left.get_mut(text).filter(|count| **count > 0) {
            Some(count) => *count -= 1,
            None => more.push(*text),
        }
    }
    more
}

/// Whether a word names one of these files, by its source or by what is compiled of it.
fn is_name_of(word: &str, names: &BTreeSet<&str>) -> bool {
    let last = word.rsplit('/').next().unwrap_or(word);
    let stem = |name: &str| {
        name.rsplit_once('.')
            .map_or(name, |(stem, _)| stem)
            .to_owned()
    };
    let ending = last.rsplit_once('.').map(|(_, ending)| ending);
    let is_object = matches!(ending, None | Some("o" | "lo" | "obj"));
    names.contains(last) || is_object && names.iter().any(|name| stem(name) == stem(last))
}

fn is_layout(word: &str) -> bool {
    word.chars().all(|letter| !letter.is_alphanumeric())
        || matches!(
            word,
            "SRCS"
                | "OBJS"
                | "SOURCES"
                | "files"
                | "sources"
                | "+="
                | "add_test"
                | "add_executable"
                | "NAME"
                | "COMMAND"
                | "PRIVATE"
                | "PUBLIC"
                | "test"
                | "executable"
        )
}

/// A number, perhaps with dots.
fn is_version(word: &str) -> bool {
    word.starts_with(|letter: char| {
        letter.is_ascii_digit() || matches!(letter, '>' | '<' | '~' | '^')
    }) && word.chars().all(|letter| {
        letter.is_ascii_alphanumeric() || matches!(letter, '.' | '>' | '<' | '~' | '^' | '-')
    }) && word.contains('.')
}
