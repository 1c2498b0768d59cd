//! What real fixes do besides mending, and what it amounts to: nothing, a note, or a doubt that only
//! a human can settle. Beside each stands what it must not be taken for.

use backstitch_model::Outcome;

use super::{About, Edit, Judged, Objection, judge, judged, objections};

const CODE: (&str, &str, &str) = (
    "src/p.py",
    "def f(p):\n    return [p]\n",
    "def f(p):\n    if len(p) > 9:\n        raise ValueError(p)\n    return [p]\n",
);
const TEST: &str =
    "from p import f\n\n\ndef test_f():\n    assert f('a') == ['a']\n    assert f('b') == ['b']\n";

fn of(edits: &[Edit]) -> Judged {
    judged(edits, &About::default())
}

fn passes(edits: &[Edit]) -> Judged {
    let judged = of(edits);
    assert_eq!(judged.run.outcome, Outcome::Passed, "{:?}", judged.seen);
    judged
}

/// Only a human can tell.
fn doubted(edits: &[Edit]) {
    let judged = of(edits);
    let is_doubt = matches!(judged.run.outcome, Outcome::Differs(_));
    assert!(is_doubt, "{edits:?}: {:?}", judged.seen);
}

#[test]
fn a_test_that_expects_another_value_with_a_change_of_code_is_told_of_and_run_as_it_was() {
    let other = TEST.replace("f('b') == ['b']", "f('b') == ['c']");
    let other: &'static str = Box::leak(other.into_boxed_str());
    let judged = passes(&[CODE, ("tests/test_p.py", TEST, other)]);
    assert_eq!(judged.relay.len(), 1);
    assert!(
        judged.rewritten.contains("test_f"),
        "{:?}",
        judged.rewritten
    );
    assert!(
        judged
            .run
            .notes
            .join("\n")
            .contains("expects something else now")
    );
    // Without a change of code there is no reason for it.
    let alone = of(&[("tests/test_p.py", TEST, other)]);
    assert!(objections(&alone).contains(&Objection::AssertionWeakened));
}

#[test]
fn a_test_that_asks_for_less_is_objected_to_whatever_else_changes() {
    for less in [
        "assert True",
        "assert f('b')",
        "assert f('b') is not None",
        "assert f('b') == f('b')",
        "assert f('b') == ['b'] or True",
        "pass",
    ] {
        let less = TEST.replace("assert f('b') == ['b']", less);
        let judged = of(&[
            CODE,
            ("tests/test_p.py", TEST, Box::leak(less.into_boxed_str())),
        ]);
        assert!(
            objections(&judged).contains(&Objection::AssertionWeakened),
            "{:?}",
            judged.seen
        );
    }
}

#[test]
fn a_test_in_the_source_that_expects_something_else_is_a_doubt() {
    const BEFORE: &str = "pub fn f(n: u8) -> u8 {\n    n + 1\n}\n\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn adds() {\n        assert_eq!(super::f(3), 4);\n    }\n}\n";
    let after = BEFORE
        .replace("n + 1", "n.wrapping_add(2)")
        .replace("4);", "5);");
    let judged = of(&[("src/lib.rs", BEFORE, Box::leak(after.into_boxed_str()))]);
    assert!(
        matches!(&judged.run.outcome, Outcome::Differs(how) if how.contains("`adds`")),
        "{:?}",
        judged.run.outcome
    );
}

#[test]
fn a_test_that_is_written_anew_is_the_same_and_one_that_is_gone_is_not() {
    const BEFORE: &str = "def test_old():\n    value = f('a')\n    assert value == ['a']\n\n\ndef test_kept():\n    assert f('k') == ['k']\n";
    let renamed = BEFORE
        .replace("test_old", "test_limits")
        .replace("value == ['a']", "value == ['b']");
    let renamed: &'static str = Box::leak(renamed.into_boxed_str());
    let judged = passes(&[CODE, ("tests/test_p.py", BEFORE, renamed)]);
    assert!(judged.rewritten.contains("test_old"));
    let gone = of(&[
        CODE,
        (
            "tests/test_p.py",
            BEFORE,
            "def test_kept():\n    assert f('k') == ['k']\n",
        ),
    ]);
    assert!(objections(&gone).contains(&Objection::TestGone));
}

#[test]
fn a_service_that_checks_more_is_a_note_and_one_that_checks_less_is_not() {
    const CI: &str = "jobs:\n  test:\n    steps:\n      - run: make test\n";
    const NAME: &str = ".github/workflows/ci.yml";
    let more = "jobs:\n  test:\n    steps:\n      - run: make test\n      - run: make lint\n";
    passes(&[CODE, (NAME, CI, more)]);
    for other in [
        "jobs:\n  test:\n    steps:\n      - run: echo make test\n",
        "jobs:\n  test:\n    steps:\n      - run: make test\n      - run: curl example.org\n",
        "permissions: write-all\njobs:\n  test:\n    steps:\n      - run: make test\n",
    ] {
        doubted(&[CODE, (NAME, CI, other)]);
    }
    for less in [
        "jobs:\n  test:\n    steps:\n      - run: echo fine\n",
        "jobs:\n  test:\n    steps:\n      - run: make test || true\n",
        "jobs:\n  test:\n    continue-on-error: true\n    steps:\n      - run: make test\n",
    ] {
        let judged = of(&[CODE, (NAME, CI, less)]);
        assert!(objections(&judged).contains(&Objection::Ci), "{less}");
    }
}

#[test]
fn what_stands_beside_the_program_is_judged_as_such() {
    // A benchmark may end itself, a type checker be told off, and a tool's output come with its
    // source.
    let bench = "import signal\n\nsignal.alarm(10)\n";
    passes(&[CODE, ("benchmarks/bench_p.py", "", bench)]);
    let typed = CODE.2.replace("return [p]", "return [p]  # type: ignore");
    passes(&[(CODE.0, CODE.1, Box::leak(typed.into_boxed_str()))]);
    doubted(&[CODE, ("dist/p.py", "f = 1\n", "f = 2\n")]);
    let comment = (CODE.0, CODE.1, "# f\ndef f(p):\n    return [p]\n");
    let beside = of(&[comment, ("dist/p.py", "f = 1\n", "f = 2\n")]);
    assert!(objections(&beside).contains(&Objection::NotOurs));
    let alone = of(&[("dist/p.py", "f = 1\n", "f = 2\n")]);
    assert!(objections(&alone).contains(&Objection::NotOurs));
}

#[test]
fn a_name_that_is_imported_asserts_nothing() {
    const JS: &str = "import assert from 'assert'\nimport f from '../lib'\n\nit('f', () => {\n  assert.strictEqual(f(1), 2)\n})\n";
    const MORE: &str = "import assert from 'assert'\nimport f from '../lib'\n\nit('f', () => {\n  assert.strictEqual(f(1), 2)\n  assert.strictEqual(f(2), 3)\n})\n";
    const LIB: (&str, &str, &str) = (
        "lib/index.js",
        "export default n => n + 1\n",
        "export default n => Number(n) + 1\n",
    );
    passes(&[LIB, ("test/f.js", JS, MORE)]);
}

#[test]
fn a_function_within_a_test_is_called_by_it_and_no_test_itself() {
    const RUST: &str = "#[test]\nfn a() {\n    struct S;\n    impl S {\n        fn next(&self) -> u8 {\n            1\n        }\n    }\n    assert_eq!(S.next(), 1);\n}\n";
    const OTHER: &str =
        "#[test]\nfn a() {\n    assert_eq!(1, one());\n    assert_eq!(S.next(), 1);\n}\n";
    let judged = of(&[CODE, ("tests/a.rs", RUST, OTHER)]);
    assert!(
        !objections(&judged).contains(&Objection::TestGone),
        "{:?}",
        judged.seen
    );
}

#[test]
fn a_patch_of_tests_alone_is_fine_where_nothing_is_said_to_be_mended() {
    let more = format!("{TEST}\n\ndef test_g():\n    assert f('') == ['']\n");
    let edits: [Edit; 1] = [("tests/test_p.py", TEST, Box::leak(more.into_boxed_str()))];
    let about = About {
        claims_nothing: true,
        ..About::default()
    };
    assert_eq!(judged(&edits, &about).run.outcome, Outcome::Passed);
    assert!(objections(&of(&edits)).contains(&Objection::NoCode));
}

#[test]
fn few_lines_far_apart_in_a_long_file_are_few_lines() {
    let lines = |first: &str, last: &str| {
        let middle: String = (0..9000).map(|at| format!("int v{at};\n")).collect();
        format!("{first}{middle}{last}")
    };
    let changes = super::changes(&[(
        "src/long.c",
        Box::leak(lines("int a = 1;\n", "int z = 1;\n").into_boxed_str()),
        Box::leak(lines("int a = 2;\n", "int z = 2;\n").into_boxed_str()),
    )]);
    let judged = judge(&changes, &About::default());
    assert!(
        !objections(&judged).contains(&Objection::Huge),
        "{:?}",
        judged.run
    );
}
