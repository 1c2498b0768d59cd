//! Tests that are gone, skipped, emptied or ask for less. Pure. Tests are compared by their
//! names and their assertions over all changed files together, so that one may move.

use std::collections::{BTreeMap, BTreeSet};

use super::functions::shortened;
use super::language::Language;
use super::lexer::Kind;
use super::objection::{Objection, Sightings};
use super::pair::Pair;
use super::rewritten::{Asserted, Heirs, heir};
use super::roles::Role;
use super::silencing::{Needle, tell_more_often};
use super::syntax::{Code, Function};
use super::tests_skipped;

/// A body of fewer tokens tells no test from another.
const BODY_TOKENS: usize = 4;

/// Words that begin an assertion, whole.
const ASSERTING: &[&str] = &[
    "assert",
    "expect",
    "should",
    "CHECK",
    "REQUIRE",
    "check",
    "ok",
    "equal",
    "notEqual",
    "deepEqual",
    "strictEqual",
    "throws",
    "rejects",
    "raises",
    "is",
    "not",
    "same",
    "fail",
    "FAIL",
    "prop_assert",
];
/// How words that begin an assertion begin.
const ASSERTING_BEGIN: &[&str] = &[
    "assert",
    "debug_assert",
    "ASSERT",
    "EXPECT_",
    "CHECK_",
    "REQUIRE_",
    "TEST_ASSERT",
    "ck_assert",
    "cr_assert",
    "cr_expect",
    "BOOST_CHECK",
    "BOOST_REQUIRE",
    "BOOST_TEST",
    "prop_assert",
    "QVERIFY",
    "QCOMPARE",
    "fail_unless",
    "fail_if",
    "g_assert",
    "UASSERT",
    "should_",
    "must_",
    "mu_assert",
];
/// Words that are assertions only when something is called on an object, as `t.equal(`.
const ONLY_METHODS: &[&str] = &[
    "ok",
    "equal",
    "notEqual",
    "deepEqual",
    "strictEqual",
    "throws",
    "rejects",
    "raises",
    "is",
    "not",
    "same",
    "fail",
    "check",
];

/// Looks at the tests of all changed files, and answers those of re-laid files that are rewritten
/// to expect something else. `has_code` tells whether the patch changes any code: without, no test
/// has a reason to expect anything else.
pub fn look(pairs: &[Pair<'_>], has_code: bool, seen: &mut Sightings) -> BTreeSet<String> {
    let mut rewritten = BTreeSet::new();
    gone(pairs, has_code, seen, &mut rewritten);
    assertions(pairs, has_code, seen, &mut rewritten);
    for pair in pairs.iter().filter(|pair| pair.role != Role::Documents) {
        tests_skipped::look(pair, seen);
        data(pair, seen);
        documented(pair, seen);
    }
    rewritten
}

/// Examples in documents of the code, which are tests too.
fn documented(pair: &Pair<'_>, seen: &mut Sightings) {
    const NOT_RUN: &[&str] = &[
        "```ignore",
        "```no_run",
        "```text",
        "doctest: +SKIP",
        "doctest:+SKIP",
    ];
    let Some(after) = &pair.after else { return };
    let example = |line: &str| {
        let line = line.trim_start();
        let rust = line.starts_with("///") || line.starts_with("//!");
        rust && line.contains("assert") || line.starts_with(">>> ")
    };
    let left: BTreeSet<&str> = after.lines.iter().map(|line| line.trim()).collect();
    let gone = |(_, line): &(u32, &str)| example(line) && !left.contains(line.trim());
    if let Some((line, text)) = pair.removed().find(gone) {
        let text = shortened(text.trim());
        let what = format!("the example {text} of line {line} is gone or reads differently");
        seen.object(Objection::AssertionWeakened, pair.whole(), what);
    }
    let not_run = NOT_RUN.iter().map(|text| Needle::plain(text));
    tell_more_often(pair, not_run, &mut |needle, line| {
        // A new example may be one to read only.
        if pair
            .removed()
            .any(|(_, line)| line.contains("```") || line.contains(">>> "))
        {
            let what = format!("an example is kept from running by {}", shortened(needle));
            seen.object(Objection::TestSkipped, pair.at(line), what);
        }
    });
}

pub(super) fn is_test(pair: &Pair<'_>, function: &Function) -> bool {
    if pair.role != Role::Test {
        return function.is_test;
    }
    let short = function.name.rsplit(':').next().unwrap_or_default();
    function.is_test || short.starts_with("test") || short.starts_with("Test")
}

/// Whether the file has tests, as a whole or within.
pub(super) fn has_tests(pair: &Pair<'_>, code: &Code<'_>) -> bool {
    pair.role == Role::Test || code.functions.iter().any(|function| function.is_test)
}

fn gone(
    pairs: &[Pair<'_>],
    has_code: bool,
    seen: &mut Sightings,
    rewritten: &mut BTreeSet<String>,
) {
    let mut left: BTreeMap<String, usize> = BTreeMap::new();
    let mut bodies: BTreeSet<Vec<&str>> = BTreeSet::new();
    for pair in pairs {
        for (code, test) in tests(pair, pair.code_after()) {
            *left.entry(last_name(&test.name).to_owned()).or_default() += 1;
            bodies.insert(code.words(&test.body.clone().unwrap_or(0..0)));
        }
    }
    let disabled = left.keys().filter(|name| name.contains("DISABLED_"));
    let disabled: BTreeSet<String> = disabled.map(|name| name.replace("DISABLED_", "")).collect();
    for pair in pairs {
        let came = came(pair);
        let mut taken = BTreeSet::new();
        for (code, test) in tests(pair, pair.code_before()) {
            let name = last_name(&test.name);
            if let Some(count) = left.get_mut(name).filter(|count| **count > 0) {
                *count -= 1;
                continue;
            }
            let body = code.words(&test.body.clone().unwrap_or(0..0));
            let off = disabled.contains(name);
            // With another name it is the same test still.
            if is_helper(test) || !off && body.len() > BODY_TOKENS && bodies.contains(&body) {
                continue;
            }
            let heir = (has_code && !off)
                .then(|| heir(&body, &came, &mut taken))
                .flatten();
            if let Some(heir) = heir {
                let what = format!(
                    "the test `{}` of line {} is rewritten as `{}`",
                    name.escape_debug(),
                    test.line,
                    heir.escape_debug()
                );
                told(pair, name, what, seen, rewritten);
                continue;
            }
            let (objection, how) = if off {
                (Objection::TestSkipped, "is disabled by its name")
            } else {
                (Objection::TestGone, "is gone")
            };
            let name = name.escape_debug();
            let what = format!("the test `{name}` of line {} {how}", test.line);
            seen.object(objection, pair.whole(), what);
        }
        file_gone(pair, seen);
    }
}

/// The tests that a file has only after the patch, with their words.
fn came<'p>(pair: &'p Pair<'_>) -> Vec<(&'p str, Vec<&'p str>)> {
    let old: BTreeSet<&str> = tests(pair, pair.code_before())
        .map(|(_, test)| test.name.as_str())
        .collect();
    tests(pair, pair.code_after())
        .filter(|(_, test)| !old.contains(test.name.as_str()))
        .map(|(code, test)| {
            let body = code.words(&test.body.clone().unwrap_or(0..0));
            (last_name(&test.name), body)
        })
        .collect()
}

/// Tells of a test that expects something else. Where the file is re-laid the untouched one decides,
/// and a reader is told; where it is not, only a human can.
fn told(
    pair: &Pair<'_>,
    test: &str,
    what: String,
    seen: &mut Sightings,
    rewritten: &mut BTreeSet<String>,
) {
    if pair.role == Role::Test && !pair.is_component {
        rewritten.insert(test.to_owned());
        seen.note(Objection::AssertionWeakened, pair.whole(), what);
    } else {
        seen.doubt(Objection::AssertionWeakened, pair.whole(), what);
    }
}

/// The tests of one side of a file.
fn tests<'p, 't>(
    pair: &'p Pair<'t>,
    code: Option<&'p Code<'t>>,
) -> impl Iterator<Item = (&'p Code<'t>, &'p Function)> {
    let functions = code
        .into_iter()
        .flat_map(|code| code.functions.iter().map(move |f| (code, f)));
    functions.filter(|(code, function)| is_test(pair, function) && !is_within(code, function))
}

/// A function of Rust, Python or C in another's body is called by that, and by no runner.
fn is_within(code: &Code<'_>, function: &Function) -> bool {
    let named = matches!(code.language, Language::JavaScript | Language::TypeScript);
    let at = function.span.start;
    let holds = |outer: &Function| {
        let body = outer.body.as_ref();
        body.is_some_and(|body| body.contains(&at)) && outer.span != function.span
    };
    !named && code.functions.iter().any(holds)
}

/// A module of tests is no test of its own, nor is what tests share.
fn is_helper(function: &Function) -> bool {
    let short = last_name(&function.name);
    let marked = function
        .marks
        .iter()
        .any(|mark| mark.starts_with("#[test") || mark.contains("::test"));
    let by_module = function.marks.iter().any(|mark| mark.starts_with("#[cfg("));
    by_module && !marked && !short.starts_with("test")
}

fn last_name(name: &str) -> &str {
    // A test's name in C++ may hold `::` itself, within brackets.
    if name.contains('(') || name.contains(' ') {
        return name;
    }
    name.rsplit("::").next().unwrap_or(name)
}

fn file_gone(pair: &Pair<'_>, seen: &mut Sightings) {
    if pair.role == Role::Test && pair.after.is_none() && pair.before.is_some() {
        let none_named = pair.code_before().is_none_or(|code| {
            !code
                .functions
                .iter()
                .any(|function| is_test(pair, function))
        });
        if none_named {
            let what = "the file of tests is gone".to_owned();
            seen.object(Objection::TestGone, pair.whole(), what);
        }
    }
}

/// Assertions that went, over all files; one that only moved is not told.
fn assertions(
    pairs: &[Pair<'_>],
    has_code: bool,
    seen: &mut Sightings,
    rewritten: &mut BTreeSet<String>,
) {
    let mut after: BTreeMap<String, usize> = BTreeMap::new();
    for pair in pairs {
        let Some(code) = pair.code_after() else {
            continue;
        };
        for (_, text, _) in asserted(pair, code) {
            *after.entry(text).or_default() += 1;
        }
    }
    for pair in pairs {
        let Some(code) = pair.code_before() else {
            continue;
        };
        let mut heirs = has_code.then(|| {
            let now = pair.code_after().map(|code| with_tests(pair, code));
            Heirs::of(&with_tests(pair, code), now.unwrap_or_default())
        });
        // One that stands where it stood is never the one that is lost.
        let mut old = asserted(pair, code);
        old.sort_by_key(|(line, ..)| pair.is_removed(*line));
        for (line, text, at) in old {
            if let Some(count) = after.get_mut(&text).filter(|count| **count > 0) {
                *count -= 1;
                continue;
            }
            let of = test_at(code, at);
            let old = Asserted { line, text, of };
            if let Some(heirs) = &mut heirs
                && heirs.take(pair, &old)
            {
                let test = old.of.as_deref().unwrap_or_default();
                let what = format!(
                    "the assertion {} of `{}` of line {line} expects something else now",
                    shortened(&old.text),
                    test.escape_debug()
                );
                told(pair, test, what, seen, rewritten);
                continue;
            }
            let text = old.text;
            // That its whole test is gone is told already.
            let function = code.function_at(at).map(|function| function.name.clone());
            let test_left = function.as_ref().is_none_or(|name| {
                let codes = pairs.iter().filter_map(Pair::code_after);
                let mut functions = codes.flat_map(|code| &code.functions);
                functions.any(|left| last_name(&left.name) == last_name(name))
            });
            if test_left && pair.after.is_some() {
                let of = function.map_or(String::new(), |name| {
                    format!(" of `{}`", name.escape_debug())
                });
                let what = format!(
                    "the assertion {}{of} of line {line} is gone or reads differently",
                    shortened(&text)
                );
                seen.object(Objection::AssertionWeakened, pair.whole(), what);
            }
        }
    }
}

fn with_tests(pair: &Pair<'_>, code: &Code<'_>) -> Vec<Asserted> {
    let all = asserted(pair, code).into_iter();
    all.map(|(line, text, at)| Asserted {
        line,
        text,
        of: test_at(code, at),
    })
    .collect()
}

/// The name of the function around a token, without what that is in.
fn test_at(code: &Code<'_>, at: usize) -> Option<String> {
    let function = code.function_at(at)?;
    Some(last_name(&function.name).to_owned())
}

/// The assertions of a file: line, text, token.
fn asserted(pair: &Pair<'_>, code: &Code<'_>) -> Vec<(u32, String, usize)> {
    let mut found = Vec::new();
    if !has_tests(pair, code) {
        return found;
    }
    let of_python = code
        .statements
        .iter()
        .filter(|one| one.kind == "assert_statement");
    let ends: BTreeMap<usize, usize> = of_python
        .map(|one| (one.tokens.start, one.tokens.end))
        .collect();
    let mut ends_before = 0;
    for (at, token) in code.tokens.iter().enumerate() {
        let text = |at: usize| code.tokens.get(at).map_or("", |token| token.text);
        let counts = pair.role == Role::Test || code.is_of_tests(at);
        let before = if at == 0 { "" } else { text(at - 1) };
        if token.kind != Kind::Word
            || !counts
            || at < ends_before
            || !is_asserting(token.text, before, text(at + 1))
        {
            continue;
        }
        let Some(end) = ends.get(&at).copied().or_else(|| end_of(code, at)) else {
            continue;
        };
        let kept = code.tokens[at..end]
            .iter()
            .filter(|token| !matches!(token.text, "," | ";"));
        let mut text = String::new();
        for token in kept {
            let word = if token.kind == Kind::Text {
                token.text.replace('\'', "\"")
            } else {
                token.text.to_owned()
            };
            text.push_str(&word);
            text.push(' ');
        }
        found.push((token.line, text.trim_end().to_owned(), at));
        ends_before = end;
    }
    found
}

fn is_asserting(word: &str, before: &str, after: &str) -> bool {
    let called = matches!(after, "(" | "!" | ".");
    if word == "assert" {
        // In JavaScript it is a name that is imported, too.
        return before != "import" && !matches!(after, "from" | "," | "=" | ";" | ")" | "}");
    }
    if ONLY_METHODS.contains(&word) {
        return before == "." && after == "(";
    }
    called
        && (ASSERTING.contains(&word)
            || ASSERTING_BEGIN.iter().any(|begin| word.starts_with(begin)))
}

/// Where the assertion that begins at a token ends: with its brackets and all that is called on
/// them, or, where it has none, with its statement.
fn end_of(code: &Code<'_>, start: usize) -> Option<usize> {
    const TOKENS_MAX: usize = 4000;
    let mut depth = 0_usize;
    for (at, token) in code
        .tokens
        .iter()
        .enumerate()
        .skip(start + 1)
        .take(TOKENS_MAX)
    {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.checked_sub(1)?;
                let next = code.tokens.get(at + 1).map_or("", |token| token.text);
                if depth == 0 && !matches!(next, "." | "(" | "[" | "?") {
                    return Some(at + 1);
                }
            }
            ";" if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

/// What tests read and compare with.
fn data(pair: &Pair<'_>, seen: &mut Sightings) {
    if pair.role != Role::TestData || pair.before.is_none() || pair.is_component {
        return;
    }
    // A list of tests or of inputs may grow.
    let lost = pair
        .removed()
        .filter(|(_, line)| !line.trim().is_empty())
        .count();
    let line = pair.removed().next().map(|(line, _)| line);
    if pair.after.is_none() {
        let what = "a file that tests read is gone".to_owned();
        seen.object(Objection::Oracle, pair.whole(), what);
    } else if lost > 0 {
        let what = format!(
            "{lost} lines of a file that tests read are others, from line {} on",
            line.unwrap_or(1)
        );
        seen.object(Objection::Oracle, pair.whole(), what);
    }
}
