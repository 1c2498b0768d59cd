//! Tests that are gone, skipped, emptied or ask for less. Pure. Tests are compared by their
//! names and their assertions over all changed files together, so that one may move.

use std::collections::{BTreeMap, BTreeSet};

use super::functions::{matched, shortened};
use super::lexer::Kind;
use super::objection::{Objection, Sightings};
use super::pair::{Pair, counted};
use super::roles::Role;
use super::silencing::{Needle, squeezed, tell_more_often};
use super::syntax::{Code, Function};

/// How a test is made not to run, as it stands in a line without its spaces.
const SKIPS: &[&str] = &[
    "#[ignore",
    "#[cfg(any())]",
    "#[cfg(FALSE)]",
    "#[cfg(false)]",
    "#[cfg_attr(all(),ignore",
    "mark.skip",
    "mark.xfail",
    "unittest.skip",
    "@skip",
    "skipTest(",
    "pytest.skip(",
    "pytest.xfail(",
    "SkipTest",
    "expectedFailure",
    "importorskip",
    "__test__=False",
    "collect_ignore",
    "load_tests(",
    "pytest_collection_modifyitems",
    ".skip(",
    ".skip=",
    ".only(",
    ".todo(",
    "xit(",
    "xtest(",
    "xdescribe(",
    "xcontext(",
    "fdescribe(",
    "fit(",
    "this.skip()",
    ".failing(",
    "GTEST_SKIP",
    "DISABLED_",
    "GTEST_FILTER",
    "cr_skip",
    "TEST_IGNORE",
    "[.]",
    "[!mayfail]",
    "[!shouldfail]",
    "BOOST_TEST_DISABLE",
    "disabled()",
    ".disabled=true",
    "skip:true",
    "return77",
    "exit(77)",
    "skipif",
    "skipIf",
    "skipUnless",
    "||true)",
    "orTrue",
    "||1)",
];

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

/// Looks at the tests of all changed files.
pub fn look(pairs: &[Pair<'_>], seen: &mut Sightings) {
    gone(pairs, seen);
    assertions(pairs, seen);
    for pair in pairs.iter().filter(|pair| pair.role != Role::Documents) {
        skipped(pair, seen);
        shielded(pair, seen);
        data(pair, seen);
        documented(pair, seen);
    }
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

fn is_test(pair: &Pair<'_>, function: &Function) -> bool {
    if pair.role != Role::Test {
        return function.is_test;
    }
    let short = function.name.rsplit(':').next().unwrap_or_default();
    function.is_test || short.starts_with("test") || short.starts_with("Test")
}

/// Whether the file has tests, as a whole or within.
fn has_tests(pair: &Pair<'_>, code: &Code<'_>) -> bool {
    pair.role == Role::Test || code.functions.iter().any(|function| function.is_test)
}

fn gone(pairs: &[Pair<'_>], seen: &mut Sightings) {
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

/// The tests of one side of a file.
fn tests<'p, 't>(
    pair: &'p Pair<'t>,
    code: Option<&'p Code<'t>>,
) -> impl Iterator<Item = (&'p Code<'t>, &'p Function)> {
    let functions = code
        .into_iter()
        .flat_map(|code| code.functions.iter().map(move |f| (code, f)));
    functions.filter(|(_, function)| is_test(pair, function))
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
fn assertions(pairs: &[Pair<'_>], seen: &mut Sightings) {
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
        for (line, text, at) in asserted(pair, code) {
            if let Some(count) = after.get_mut(&text).filter(|count| **count > 0) {
                *count -= 1;
                continue;
            }
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
        return true;
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

fn skipped(pair: &Pair<'_>, seen: &mut Sightings) {
    let Some(after) = pair.code_after() else {
        return;
    };
    let Some(before) = pair.code_before().filter(|code| has_tests(pair, code)) else {
        return;
    };
    let old: Vec<_> = matched(before, after)
        .into_iter()
        .map(|(_, is)| is)
        .collect();
    for (was, is) in matched(before, after) {
        let new = is.marks.iter().filter(|mark| !was.marks.contains(mark));
        for mark in new {
            let squeezed = squeezed(mark);
            let skips = SKIPS
                .iter()
                .any(|skip| squeezed.contains(skip.trim_end_matches('(')));
            let by_call = matches!(
                mark.as_str(),
                "xit" | "xtest" | "xdescribe" | "fit" | "fdescribe"
            );
            let by_method = [".skip", ".only", ".todo", ".failing"]
                .iter()
                .any(|end| mark.ends_with(end));
            if (skips || by_call || by_method) && is_test(pair, is) {
                let what = format!(
                    "the test `{}` is marked {}",
                    is.name.escape_debug(),
                    shortened(mark)
                );
                seen.object(Objection::TestSkipped, pair.at(is.line), what);
            }
        }
    }
    if pair.role != Role::Test {
        return;
    }
    let needles = SKIPS.iter().map(|skip| Needle::squeezed(skip));
    tell_more_often(pair, needles, &mut |needle, line| {
        // A new test may be for one platform only.
        let token = after.on_line(line).start;
        let words = after.words(&after.on_line(line));
        let marks = matches!(words.first(), Some(&("@" | "#")));
        let mut below = after.functions.iter();
        let inside = if marks {
            below.find(|function| function.span.start >= token)
        } else {
            after.function_at(token)
        };
        let is_old =
            inside.is_none_or(|function| old.iter().any(|old| std::ptr::eq(*old, function)));
        if is_old {
            let what = format!(
                "a test is kept from running or from failing by {}",
                shortened(needle)
            );
            seen.object(Objection::TestSkipped, pair.at(line), what);
        }
    });
}

/// Tests around which handlers were put.
fn shielded(pair: &Pair<'_>, seen: &mut Sightings) {
    let (Some(before), Some(after)) = (pair.code_before(), pair.code_after()) else {
        return;
    };
    let was = counted(before.handlers.iter().map(|_| "handler"));
    let more = after.handlers.len() > was.get("handler").copied().unwrap_or(0);
    let words: BTreeSet<&str> = before.tokens.iter().map(|token| token.text).collect();
    for handler in after.handlers.iter().filter(|_| more) {
        let Some(function) = after.function_at(handler.tokens.start) else {
            continue;
        };
        let existed = before.functions.iter().any(|old| old.name == function.name);
        let raises = after.words(&handler.body).iter().any(|word| {
            matches!(*word, "raise" | "throw" | "fail" | "FAIL" | "assert")
                || word.starts_with("ASSERT")
        });
        let guards = after
            .slice(&handler.guarded)
            .iter()
            .any(|token| !pair.is_added(token.line));
        let tests = is_test(pair, function);
        let touched = pair.is_added(handler.line);
        let old_text = after
            .slice(&handler.guarded)
            .iter()
            .any(|token| token.kind == Kind::Word && words.contains(token.text));
        if tests && existed && touched && !raises && (guards || old_text) {
            let what = format!(
                "a handler is put around the test `{}`",
                function.name.escape_debug()
            );
            seen.object(Objection::TestShielded, pair.at(handler.line), what);
        }
    }
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
