//! Tests that a patch rewrites rather than drops: which new assertion stands in an old one's place,
//! and whether it asks for as much. Pure. What is found here is for a human to look at: a fix may
//! change what is right, and so may a patch that breaks something.

use std::collections::{BTreeMap, BTreeSet};

use super::exports::overlap_percent;
use super::pair::Pair;

/// An assertion of one side.
#[derive(Debug, Clone)]
pub struct Asserted {
    /// Where it begins.
    pub line: u32,
    /// Its tokens, with spaces between them.
    pub text: String,
    /// The function that it is in.
    pub of: Option<String>,
}

/// The assertions that came, each of which can stand in one old one's place.
pub struct Heirs {
    came: Vec<Option<Asserted>>,
}

/// How much of an old assertion must be found in a new one that asks about the same.
const ALIKE_PERCENT: usize = 30;
/// How short a new assertion may be, measured by the old one.
const LENGTH_PERCENT: usize = 60;
/// How many assertions that came are looked at.
const CAME_MAX: usize = 2000;

impl Heirs {
    /// Those of `after` that are not in `before`.
    pub fn of(before: &[Asserted], after: Vec<Asserted>) -> Self {
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        for old in before {
            *known.entry(&old.text).or_default() += 1;
        }
        let is_new = |asserted: &Asserted| match known.get_mut(asserted.text.as_str()) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            Some(_) | None => true,
        };
        let came = after.into_iter().filter(is_new).take(CAME_MAX);
        Self {
            came: came.map(Some).collect(),
        }
    }

    /// Takes the one that stands in an old one's place, in the same test or the same lines, and
    /// asks for as much.
    pub fn take(&mut self, pair: &Pair<'_>, old: &Asserted) -> bool {
        let hunk = pair.hunk_removed(old.line);
        let fits = |new: &Asserted| {
            let same_test = old.of.is_some() && old.of == new.of;
            let at = new.line as usize - 1;
            let same_lines = hunk.is_some_and(|hunk| hunk.after.contains(&at));
            (same_test || same_lines) && is_as_strong(&old.text, &new.text)
        };
        let found = self
            .came
            .iter_mut()
            .find(|new| new.as_ref().is_some_and(fits));
        found.and_then(Option::take).is_some()
    }
}

/// What an assertion asks for, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    /// That something is there, or is not one value.
    Some,
    /// That a condition holds.
    Holds,
    /// That something is part of something.
    Part,
    /// That something fails, or is exactly one value.
    Exact,
}

/// How near is near enough, and what always holds, are the usual ways to ask for less.
const NEAR: &[&str] = &[
    "delta", "NEAR", "approx", "places", "loseTo", "toleran", "eps", "rtol", "atol",
];
const ALWAYS: &[&str] = &["|| true", "or True", "|| 1 )"];
/// That something is to fail.
const FAILS: &[&str] = &["raises", "Raises", "throws", "THROW", "toThrow", "rejects"];

fn is_as_strong(old: &str, new: &str) -> bool {
    let (old_words, new_words): (Vec<&str>, Vec<&str>) =
        (old.split(' ').collect(), new.split(' ').collect());
    let has = |text: &str, parts: &[&str]| parts.iter().any(|part| text.contains(part));
    if has(old, NEAR) || has(new, NEAR) || has(new, ALWAYS) || says_nothing(&new_words) {
        return false;
    }
    let (was, is) = (strength(old), strength(new));
    let fails = has(new, FAILS);
    let long_enough = new_words.len() * 100 >= old_words.len() * LENGTH_PERCENT;
    let alike = overlap_percent(&old_words, &new_words) >= ALIKE_PERCENT;
    is >= was && (fails || alike && (long_enough || is == Strength::Exact))
}

fn strength(text: &str) -> Strength {
    let has = |parts: &[&str]| parts.iter().any(|part| text.contains(part));
    let first = text.split(' ').next().unwrap_or_default();
    let negated = ["ne", "Not", "not", "NE", "Ne"]
        .iter()
        .any(|end| first.ends_with(end) || first.starts_with("not") || first.contains("Not"));
    if has(FAILS) {
        return Strength::Exact;
    }
    if has(&[
        "is not None",
        "! = ",
        "!= ",
        "! == ",
        "NotNone",
        "toBeDefined",
        "NOT_NULL",
    ]) || negated
    {
        return Strength::Some;
    }
    if has(&[
        "==",
        " is ",
        "assert_eq",
        "qual",
        "_EQ",
        "toBe",
        "_eq",
        ". is ",
    ]) {
        return Strength::Exact;
    }
    if has(&[
        " in ",
        "ontain",
        "assertIn",
        "startswith",
        "starts_with",
        "match",
        "Match",
    ]) {
        return Strength::Part;
    }
    Strength::Holds
}

/// Whether it holds whatever the program does: constants alone, or one thing compared with itself.
fn says_nothing(words: &[&str]) -> bool {
    let constant = |word: &&str| {
        matches!(
            *word,
            "true" | "True" | "1" | "false" | "False" | "0" | "not" | "None" | "null"
        ) || word.starts_with(|letter: char| !letter.is_alphanumeric() && letter != '_')
    };
    let told = words.get(1..).unwrap_or_default();
    if told.iter().all(constant) {
        return true;
    }
    let sides = |by: &str| {
        let at = told.iter().position(|word| *word == by)?;
        let inside = |word: &&&str| !matches!(**word, "(" | ")" | "!");
        let left: Vec<_> = told[..at].iter().filter(inside).collect();
        let right: Vec<_> = told[at + 1..].iter().filter(inside).collect();
        Some(left == right)
    };
    ["==", "==="].iter().any(|by| sides(by) == Some(true))
}

/// The test that one which is gone was rewritten as, by its words: a new one that holds much of it.
pub fn heir<'t>(
    gone: &[&str],
    came: &[(&'t str, Vec<&'t str>)],
    taken: &mut BTreeSet<&'t str>,
) -> Option<&'t str> {
    let alike = |(name, body): &&(&'t str, Vec<&'t str>)| {
        !taken.contains(name) && overlap_percent(gone, body) >= REWRITTEN_PERCENT
    };
    let found = came.iter().find(alike).map(|(name, _)| *name)?;
    taken.insert(found);
    Some(found)
}

/// How much of a test must be found in a new one for it to be the same, rewritten.
const REWRITTEN_PERCENT: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_value_or_a_failure_is_as_strong_and_less_is_not() {
        for (old, new) in [
            ("assert f ( 3 ) == 4", "assert f ( 3 ) == 5"),
            (
                "assertIn ( \"# A\" html )",
                "assertIn ( \"Could not include\" html )",
            ),
            (
                "assert_eq ! ( join ( a ) \"b\" )",
                "assert_eq ! ( try_join ( a ) Ok ( \"b\" ) )",
            ),
            (
                "equal ( f ( a ) b \"m\" )",
                "throws ( ( ) => f ( a ) TypeError )",
            ),
            ("assert res == \"select\"", "assert res == \" select\""),
        ] {
            assert!(is_as_strong(old, new), "{old} -> {new}");
        }
        for (old, new) in [
            ("assert f ( 3 ) == 4", "assert True"),
            ("assert f ( 3 ) == 4", "assert f ( 3 ) == 4 or True"),
            ("assert f ( 3 ) == 4", "assert f ( 3 ) == f ( 3 )"),
            ("assert f ( 3 ) == 4", "assert f ( 3 ) is not None"),
            ("assert f ( 3 ) == 4", "assert 4 in f ( 3 )"),
            ("assert_eq ! ( f ( 3 ) 4 )", "assert ! ( f ( 3 ) > 0 )"),
            (
                "assertAlmostEqual ( a b delta = 0.1 )",
                "assertAlmostEqual ( a b delta = 9 )",
            ),
            ("assert a < b + c + d + e", "assert a < b"),
            (
                "expect ( f ( 1 ) ) . toBe ( 2 )",
                "expect ( f ( 1 ) ) . toBeDefined ( )",
            ),
        ] {
            assert!(!is_as_strong(old, new), "{old} -> {new}");
        }
    }
}
