//! Finds out of which candidates the failure of several together speaks: of a crate that no longer
//! compiles, of a test that is named for a package, of a trace that leads into one. That only says
//! what is tried first, and judges nobody: a wrong guess costs a run, and no verdict.

use std::collections::BTreeSet;
use std::collections::hash_map::DefaultHasher;
use std::fs::File;
use std::hash::{Hash as _, Hasher as _};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use backstitch_model::{CheckRun, Outcome};

/// The most that is read of a log.
const LOG_BYTES_MAX: u64 = 16 << 20;
/// The most lines of a log that are looked at, of those that were not there before.
const LINES_MAX: usize = 20_000;
/// What is looked at of one line.
const LINE_CHARS_MAX: usize = 2000;
/// Shorter names are in every other line.
const NAME_CHARS_MIN: usize = 3;

/// How a line begins that only tells of progress, which names every package.
const PROGRESS: &[&str] = &[
    "compiling",
    "checking",
    "fresh",
    "dirty",
    "building",
    "downloading",
    "downloaded",
    "unpacking",
    "installing",
    "collecting",
    "requirement",
    "added",
];

/// Which candidates a failing check speaks of that did not fail before, where each is given by the
/// names of its packages.
pub(super) fn spoken_of(
    before: &CheckRun,
    after: &CheckRun,
    candidates: &[Vec<String>],
) -> BTreeSet<usize> {
    let known: BTreeSet<u64> = lines(before).iter().map(|line| digest(line)).collect();
    let mut new = match &after.outcome {
        Outcome::Failed(why) | Outcome::Differs(why) => vec![plain(why)],
        Outcome::Passed | Outcome::TimedOut | Outcome::NotRun(_) => Vec::new(),
    };
    let said = lines(after).into_iter();
    new.extend(said.filter(|line| !known.contains(&digest(line))));
    new.truncate(LINES_MAX);
    named(&new, candidates)
}

/// The candidates of which a line names a package. Of two names at one place the longer counts.
fn named(lines: &[String], candidates: &[Vec<String>]) -> BTreeSet<usize> {
    let mut names: Vec<(String, usize)> = Vec::new();
    for (at, packages) in candidates.iter().enumerate() {
        let long = packages.iter().map(|name| plain(name));
        names.extend(
            long.filter(|name| name.chars().count() >= NAME_CHARS_MIN)
                .map(|name| (name, at)),
        );
    }
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    let mut found = BTreeSet::new();
    for line in lines.iter().filter(|line| !is_progress(line)) {
        let mut left = line.clone();
        for (name, at) in &names {
            while let Some(place) = place_of(&left, name) {
                found.insert(*at);
                // What is taken by this name is not there for a shorter one.
                left.replace_range(place..place + name.len(), " ");
            }
        }
    }
    found
}

/// Where a name stands that is not part of a longer word.
fn place_of(line: &str, name: &str) -> Option<usize> {
    let apart = |next: Option<char>| next.is_none_or(|next| !next.is_alphanumeric());
    line.match_indices(name).map(|(at, _)| at).find(|&at| {
        apart(line[..at].chars().next_back()) && apart(line[at + name.len()..].chars().next())
    })
}

fn is_progress(line: &str) -> bool {
    let first = line.split_whitespace().next().unwrap_or_default();
    PROGRESS.contains(&first)
}

/// A text in which a package is written as a module or a test of it would be.
fn plain(text: &str) -> String {
    let short = text.chars().take(LINE_CHARS_MAX);
    short
        .flat_map(char::to_lowercase)
        .map(|c| if matches!(c, '-' | '.') { '_' } else { c })
        .collect()
}

/// The log of a check, as far as it can be read.
fn lines(run: &CheckRun) -> Vec<String> {
    let Some(file) = run
        .log
        .as_ref()
        .and_then(|log| File::open(Path::new(log)).ok())
    else {
        return Vec::new();
    };
    let lines = BufReader::new(file.take(LOG_BYTES_MAX)).split(b'\n');
    lines
        .map_while(Result::ok)
        .map(|line| plain(&String::from_utf8_lossy(&line)))
        .collect()
}

fn digest(line: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    line.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use backstitch_model::Check;

    use super::*;

    fn run(log: &tempfile::NamedTempFile, outcome: Outcome) -> CheckRun {
        let mut run = CheckRun::instant(Check::Regress, outcome);
        run.log = Some(log.path().display().to_string());
        run
    }

    fn logged(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    fn asked(before: &str, after: &str, packages: &[&str]) -> Vec<String> {
        let (before, after) = (logged(before), logged(after));
        let candidates: Vec<_> = packages.iter().map(|one| vec![(*one).to_owned()]).collect();
        let found = spoken_of(
            &run(&before, Outcome::Passed),
            &run(&after, Outcome::Failed("1 of the tests fail".into())),
            &candidates,
        );
        found.iter().map(|&at| packages[at].to_owned()).collect()
    }

    #[test]
    fn a_test_that_fails_is_named_and_those_that_passed_before_are_not() {
        let before = "test part_1_answers ... ok\ntest part_2_answers ... ok\n";
        let after = "test part_1_answers ... ok\ntest part_2_answers ... FAILED\n";
        assert_eq!(asked(before, after, &["part-1", "part-2"]), ["part-2"]);
    }

    #[test]
    fn progress_names_nobody_and_an_error_and_a_trace_do() {
        let after = "   Compiling regex v1.5.5\n   Compiling smallvec v1.6.1\n\
                     error[E0432]: unresolved import `regex::Set`\n\
                     at /venv/site-packages/Jinja2/runtime.py:3\n";
        let packages = ["regex", "smallvec", "jinja2"];
        assert_eq!(asked("", after, &packages), ["regex", "jinja2"]);
    }

    #[test]
    fn of_two_names_at_one_place_the_longer_is_meant() {
        let after = "panicked at /registry/regex-syntax-0.6.25/src/lib.rs:1\n";
        let packages = ["regex", "regex-syntax", "syn", "at"];
        assert_eq!(asked("", after, &packages), ["regex-syntax"]);
    }

    #[test]
    fn a_check_without_a_log_speaks_by_its_outcome_alone() {
        let before = CheckRun::instant(Check::Regress, Outcome::Passed);
        let why = "1 of the tests that passed before fail: app::uses_h2_and_tokio";
        let after = CheckRun::instant(Check::Regress, Outcome::Failed(why.into()));
        let candidates = [vec!["h2".to_owned()], vec!["tokio".to_owned()]];
        assert_eq!(spoken_of(&before, &after, &candidates), BTreeSet::from([1]));
    }
}
