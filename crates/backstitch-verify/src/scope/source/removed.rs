//! What a patch takes out of the program: whole files, most of one, a function that was called,
//! a case that was handled. Pure. What comes back elsewhere in the patch is not gone.

use std::collections::BTreeSet;

use super::exports::overlap_percent;
use super::functions::shortened;
use super::lexer::{Kind, Token};
use super::objection::{Objection, Sightings};
use super::pair::Pair;
use super::roles::Role;
use super::syntax::{Code, Function};

/// A file of fewer tokens is no feature.
const FILE_TOKENS: usize = 120;
/// A function of fewer tokens is no feature.
const FUNCTION_TOKENS: usize = 30;
/// A file is mostly gone when less than this of it is left.
const LEFT_PERCENT: usize = 50;
/// Code has moved when this much of it is among what came.
const MOVED_PERCENT: usize = 60;

/// How many functions that are gone are looked at in one file.
const LOST_MAX: usize = 100;

/// Looks for what is gone.
pub fn look(pairs: &[Pair<'_>], seen: &mut Sightings) {
    let came: Vec<&str> = pairs
        .iter()
        .filter(|pair| is_program(pair))
        .flat_map(|pair| pair.added_tokens().into_iter().map(|(_, token)| token.text))
        .collect();
    let there: BTreeSet<&str> = pairs
        .iter()
        .filter(|pair| is_program(pair))
        .filter_map(Pair::code_after)
        .flat_map(|code| code.tokens.iter().map(|token| token.text))
        .collect();
    for pair in pairs.iter().filter(|pair| is_program(pair)) {
        let Some(before) = pair.code_before() else {
            continue;
        };
        if whole(pair, before, &came, seen) {
            continue;
        }
        let Some(after) = pair.code_after() else {
            continue;
        };
        functions(pair, before, after, &came, seen);
        cases(pair, before, &there, seen);
        dispatched(pair, before, &there, seen);
    }
}

fn is_program(pair: &Pair<'_>) -> bool {
    pair.role == Role::Source || pair.is_component
}

/// Whether most of the file is gone.
fn whole(pair: &Pair<'_>, before: &Code<'_>, came: &[&str], seen: &mut Sightings) -> bool {
    let size = before.tokens.len();
    let left = pair.code_after().map_or(0, |code| code.tokens.len());
    let went: Vec<&str> = before
        .tokens
        .iter()
        .filter(|token| pair.is_removed(token.line))
        .map(|token| token.text)
        .collect();
    let mostly = left * 100 < size * LEFT_PERCENT;
    if size < FILE_TOKENS && pair.after.is_some() || size < 20 || !mostly {
        return false;
    }
    if overlap_percent(&went, came) >= MOVED_PERCENT {
        return false;
    }
    let what = if pair.after.is_none() {
        "the file is gone".to_owned()
    } else {
        format!("{} of {size} tokens are gone", size - left)
    };
    seen.object(Objection::FeatureGone, pair.whole(), what);
    true
}

/// Functions that others may use are told elsewhere; these were called in their own file.
fn functions(
    pair: &Pair<'_>,
    before: &Code<'_>,
    after: &Code<'_>,
    came: &[&str],
    seen: &mut Sightings,
) {
    let names: BTreeSet<&str> = after.functions.iter().map(|f| f.name.as_str()).collect();
    let is_left = |lost: &Function| names.contains(lost.name.as_str());
    for lost in before
        .functions
        .iter()
        .filter(|f| !f.public && !f.is_test && !is_left(f))
        .take(LOST_MAX)
    {
        let words = before.words(&lost.span);
        if words.len() < FUNCTION_TOKENS {
            continue;
        }
        let short = lost.name.rsplit([':', '.']).next().unwrap_or_default();
        // Called from elsewhere than from its own body.
        let called = before.tokens.windows(2).enumerate().any(|(at, two)| {
            two[0].text == short && two[1].text == "(" && !lost.span.contains(&at)
        });
        if called && overlap_percent(&words, came) < MOVED_PERCENT {
            let what = format!("`{}` is gone, and so are its calls", lost.name);
            // About as much came: a helper that was written anew under another name.
            if came.len() * 3 >= lost.span.len() {
                seen.note(Objection::FeatureGone, pair.whole(), what);
            } else {
                seen.object(Objection::FeatureGone, pair.whole(), what);
            }
        }
    }
}

/// Cases of a switch or match whose values are named nowhere any more.
fn cases(pair: &Pair<'_>, before: &Code<'_>, there: &BTreeSet<&str>, seen: &mut Sightings) {
    for (line, label) in &before.cases {
        if !pair.is_removed(*line) {
            continue;
        }
        let tells = |text: &&str| {
            text.starts_with(|letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit())
                || text.starts_with(['"', '\'', '`'])
        };
        let gone = before
            .words(label)
            .into_iter()
            .filter(tells)
            .any(|word| !there.contains(word));
        if gone {
            let what = format!(
                "the case {} of line {line} is handled no longer",
                shortened(&before.line_of(label))
            );
            // What came in its place may handle it in another way.
            if only_removed(pair, before, *line) {
                seen.object(Objection::BranchGone, pair.whole(), what);
            } else {
                seen.note(Objection::BranchGone, pair.whole(), what);
            }
        }
    }
}

/// Text that chose what to do: compared, or a key beside a function, or a command's name.
fn dispatched(pair: &Pair<'_>, before: &Code<'_>, there: &BTreeSet<&str>, seen: &mut Sightings) {
    const CHOOSING: &[&str] = &[
        "add_parser",
        "command",
        "subcommand",
        "add_argument",
        "option",
        "strcmp",
        "strcasecmp",
        "memcmp",
        "==",
        "===",
        "register",
        "add_command",
    ];
    /// How far before the text the choice may stand.
    const NEAR: usize = 5;
    let names: BTreeSet<&str> = before.functions.iter().map(|f| f.name.as_str()).collect();
    for (at, token) in before.tokens.iter().enumerate() {
        let known = token.kind != Kind::Text || there.contains(token.text);
        if known || !pair.is_removed(token.line) || token.text.len() < 4 {
            continue;
        }
        let near = &before.tokens[at.saturating_sub(NEAR)..at];
        let after = before.tokens.get(at + 1..).unwrap_or_default();
        let chooses = near.iter().any(|token| CHOOSING.contains(&token.text));
        let is_key = matches!(after.first().map(|t| t.text), Some(":" | "," | "=>"))
            && after.get(1).is_some_and(|value| names.contains(value.text));
        if (chooses || is_key) && only_removed(pair, before, token.line) {
            let what = format!(
                "nothing is done for {} of line {} any more",
                shortened(token.text),
                token.line
            );
            seen.object(Objection::BranchGone, pair.whole(), what);
        }
    }
}

/// Whether hardly anything came where this line went.
fn only_removed(pair: &Pair<'_>, before: &Code<'_>, line: u32) -> bool {
    let Some(hunk) = pair.hunk_removed(line) else {
        return false;
    };
    let count = |code: &Code<'_>, lines: &std::ops::Range<usize>| {
        let at = |line: usize| {
            let before = |token: &Token<'_>| (token.line as usize) <= line;
            code.tokens.partition_point(before)
        };
        at(lines.end) - at(lines.start)
    };
    let went = count(before, &hunk.before);
    let came = pair.code_after().map_or(0, |code| count(code, &hunk.after));
    came * 3 < went
}
