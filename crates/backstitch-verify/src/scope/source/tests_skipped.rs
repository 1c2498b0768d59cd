//! Tests that are there and kept from running or from failing: marks, calls and names that skip,
//! and handlers put around them. Pure.

use std::collections::BTreeSet;

use super::functions::{matched, shortened};
use super::lexer::Kind;
use super::objection::{Objection, Sightings};
use super::pair::{Pair, counted};
use super::roles::Role;
use super::silencing::{Needle, squeezed, tell_more_often};
use super::tests_kept::{has_tests, is_test};

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

/// Those that are about the tests of a whole folder, wherever they stand.
const FOR_OTHERS: &[&str] = &[
    "load_tests(",
    "collect_ignore",
    "pytest_collection_modifyitems",
];

/// Looks at one file's tests.
pub(super) fn look(pair: &Pair<'_>, seen: &mut Sightings) {
    skipped(pair, seen);
    shielded(pair, seen);
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
        if is_old || FOR_OTHERS.contains(&needle) {
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
