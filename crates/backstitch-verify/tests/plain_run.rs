//! What building and testing projects without a package manager tells. Where a tool is missing,
//! nothing is tested.

mod plain_bench;

use backstitch_model::candidate::Step;
use backstitch_model::tests::TestOutcome;
use backstitch_model::{Outcome, Policy};
use backstitch_verify::workbench::{Applied, Baseline};
use plain_bench::{Bench, Files, failed, not_run};

const MAKEFILE: &str = "CFLAGS ?= -O0\nall: tool\ntool: a.o b.o\n\t$(CC) -o tool a.o b.o\n\
    %.o: %.c\n\t$(CC) $(CFLAGS) -c -o $@ $<\n\
    check: tool\n\t@echo PASS: always\n\
    \t@./tool && echo PASS: runs || { echo FAIL: runs; exit 1; }\n";
const A: &str =
    "#include \"b.h\"\nint answer(void);\nint main(void) { return answer() - WANTED; }\n";
const B: &str = "int answer(void) { return 42; }\n";
const PROJECT: Files<'static> = &[
    ("Makefile", MAKEFILE),
    ("a.c", A),
    ("b.c", B),
    ("b.h", "#define WANTED 42\n"),
];

fn with(changes: Files<'static>) -> Vec<(&'static str, &'static str)> {
    let is_changed = |name: &str| changes.iter().any(|(changed, _)| *changed == name);
    let kept = PROJECT.iter().filter(|(name, _)| !is_changed(name));
    kept.chain(changes).copied().collect()
}

fn names(baseline: &Baseline, outcome: TestOutcome) -> Vec<&str> {
    baseline.report.names(outcome).collect()
}

fn log(run: &backstitch_model::CheckRun) -> String {
    let log = run.log.as_ref().map(std::fs::read_to_string);
    log.and_then(Result::ok).unwrap_or_default()
}

#[test]
fn a_makefile_s_project_is_built_in_place_and_only_what_changed_is_built_again() {
    let Some(bench) = Bench::new(&["make", "gcc"]) else {
        return;
    };
    let tree = bench.tree("tree", PROJECT);
    let baseline = bench.baseline(&tree);
    assert_eq!(
        baseline.regress.outcome,
        Outcome::Passed,
        "{:?}",
        baseline.build
    );
    assert_eq!(names(&baseline, TestOutcome::Passed), ["always", "runs"]);
    let notes = baseline.build.notes.join("\n");
    assert!(
        notes.contains("found make by `Makefile`") && notes.contains("tested by `make check`"),
        "{notes}"
    );
    // What was built is nowhere in the tree.
    assert!(!tree.root.join("tool").exists());
    let changed = with(&[("b.c", "int answer(void) { return 40 + 1; }\n")]);
    let (build, regress) = bench.tested(&baseline, &bench.tree("changed", &changed));
    let said = log(&build);
    assert!(
        said.contains("-o b.o") && !said.contains("-o a.o"),
        "{said}"
    );
    assert!(failed(&regress).contains("runs"), "{regress:?}");
    // Of a header make knows nothing, so all is built anew.
    let changed = with(&[("b.h", "#define WANTED 41\n")]);
    let (build, regress) = bench.tested(&baseline, &bench.tree("header", &changed));
    assert!(log(&build).contains("-o a.o"), "{}", log(&build));
    assert!(failed(&regress).contains("runs"), "{regress:?}");
    let broken = with(&[("b.c", "int answer(void) { return }\n")]);
    let (_, build) = bench.attempt(&baseline, &bench.tree("broken", &broken));
    failed(&build);
}

#[test]
fn there_is_nothing_to_fetch_and_no_step_to_carry_out() {
    let Some(bench) = Bench::new(&["make"]) else {
        return;
    };
    let tree = bench.tree("tree", PROJECT);
    let applied = bench
        .workbench()
        .apply(&tree, &[Step::Relock], &bench.path("work"));
    assert!(matches!(applied.unwrap(), Applied::Refused(_)));
}

/// A program whose argument is how it ends.
const ENDS: &str =
    "#include <stdlib.h>\nint main(int c, char **v) { return c > 1 ? atoi(v[1]) : 0; }\n";

/// Builds and tests a project, then the same with one test that fails.
fn breaks(bench: &Bench, files: [Files<'_>; 2], passed: &[&str], ignored: &[&str], broken: &str) {
    let baseline = bench.baseline(&bench.tree("tree", files[0]));
    assert_eq!(
        baseline.regress.outcome,
        Outcome::Passed,
        "{:?}",
        baseline.build
    );
    assert_eq!(
        names(&baseline, TestOutcome::Passed),
        passed,
        "{:?}",
        baseline.regress
    );
    assert_eq!(names(&baseline, TestOutcome::Ignored), ignored);
    assert_eq!(baseline.report.gaps, Vec::<String>::new());
    let (build, regress) = bench.tested(&baseline, &bench.tree("changed", files[1]));
    assert_eq!(build.outcome, Outcome::Passed);
    assert!(failed(&regress).contains(broken), "{regress:?}");
}

#[test]
fn cmake_s_tests_are_told_by_name() {
    let Some(bench) = Bench::new(&["cmake", "ctest", "make", "gcc"]) else {
        return;
    };
    let lists = |code: &str| {
        format!(
            "cmake_minimum_required(VERSION 3.10)\nproject(x C)\nenable_testing()\n\
             add_executable(t t.c)\nadd_test(NAME good COMMAND t 0)\n\
             add_test(NAME other COMMAND t {code})\nadd_test(NAME skip COMMAND t 77)\n\
             set_tests_properties(skip PROPERTIES SKIP_RETURN_CODE 77)\n"
        )
    };
    let (before, after) = (lists("0"), lists("3"));
    let files = [
        &[("CMakeLists.txt", &*before), ("t.c", ENDS)],
        &[("CMakeLists.txt", &*after), ("t.c", ENDS)],
    ];
    breaks(
        &bench,
        [files[0], files[1]],
        &["good", "other"],
        &["skip"],
        "other",
    );
}

#[test]
fn meson_s_tests_are_told_by_name() {
    let Some(bench) = Bench::new(&["meson", "ninja", "gcc"]) else {
        return;
    };
    let text = |code: &str| {
        format!(
            "project('x', 'c')\ne = executable('t', 't.c')\ntest('good', e)\n\
             test('other', e, args: ['{code}'])\ntest('skip', e, args: ['77'])\n"
        )
    };
    let (before, after) = (text("0"), text("3"));
    let files = [
        &[("meson.build", &*before), ("t.c", ENDS)],
        &[("meson.build", &*after), ("t.c", ENDS)],
    ];
    breaks(
        &bench,
        [files[0], files[1]],
        &["good", "other"],
        &["skip"],
        "other",
    );
}

#[test]
fn autotools_are_set_up_first_and_their_tests_told_by_name() {
    let Some(bench) = Bench::new(&["autoreconf", "make", "gcc"]) else {
        return;
    };
    let ac = "AC_INIT([x], [1])\nAM_INIT_AUTOMAKE([foreign])\nAC_PROG_CC\n\
        AC_CONFIG_FILES([Makefile])\nAC_OUTPUT\n";
    let am = "check_PROGRAMS = good other\ngood_SOURCES = good.c\nother_SOURCES = other.c\n\
        TESTS = good other skip.sh\nEXTRA_DIST = skip.sh\n";
    let skip = ("skip.sh", "#!/bin/sh\nexit 77\n");
    let files = |other: &'static str| {
        [
            ("configure.ac", ac),
            ("Makefile.am", am),
            ("good.c", ENDS),
            ("other.c", other),
            skip,
        ]
    };
    let (before, after) = (files(ENDS), files("int main(void) { return 1; }\n"));
    breaks(
        &bench,
        [&before, &after],
        &["good", "other"],
        &["skip.sh"],
        "other",
    );
}

#[test]
fn sources_in_python_and_javascript_need_nothing_but_the_language() {
    let test = |value: &str| {
        format!(
            "import unittest\nimport a\nclass T(unittest.TestCase):\n    \
             def test_a(self): self.assertEqual(a.A, {value})\n    def test_b(self): pass\n"
        )
    };
    if let Some(bench) = Bench::new(&["python3"]) {
        let test = test("1");
        let files = |text: &'static str| [("a.py", text), ("tests/test_a.py", &*test)];
        let (before, after) = (files("A = 1\n"), files("A = 2\n"));
        breaks(
            &bench,
            [&before, &after],
            &["test_a.T.test_a", "test_a.T.test_b"],
            &[],
            "test_a.T.test_a",
        );
    }
    if let Some(bench) = Bench::new(&["node"]) {
        let test = "const test = require('node:test');\nconst assert = require('node:assert');\n\
            test('one', () => assert.equal(require('./a'), 1));\ntest('two', () => {});\n";
        let files = |text: &'static str| [("a.js", text), ("a.test.js", test)];
        let (before, after) = (
            files("module.exports = 1;\n"),
            files("module.exports = 2;\n"),
        );
        breaks(&bench, [&before, &after], &["one", "two"], &[], "one");
        let broken = files("module.exports = ;\n");
        let baseline = bench.baseline(&bench.tree("again", &before));
        let (_, build) = bench.attempt(&baseline, &bench.tree("mistake", &broken));
        failed(&build);
    }
}

fn tested_by(command: &'static str) -> impl FnOnce(&mut Policy) {
    move |policy| {
        policy.build_command = Some(vec!["true".into()]);
        policy.test_command = Some(command.split(' ').map(str::to_owned).collect());
    }
}

#[test]
fn a_test_command_that_tests_nothing_does_not_count() {
    for (command, makefile, why) in [
        ("true", "", "tests nothing"),
        ("echo all tests passed", "", "tests nothing"),
        ("make check", "check:\n", "Nothing to be done"),
        (
            "make check",
            "check:\n\t@echo running 0 tests\n",
            "running 0 tests",
        ),
        ("make check", "check:\n\t@echo FAIL: a; exit 1\n", ""),
    ] {
        let Some(bench) = Bench::with(&["make"], tested_by(command)) else {
            return;
        };
        let baseline = bench.baseline(&bench.tree("tree", &[("Makefile", makefile)]));
        if why.is_empty() {
            failed(&baseline.regress);
        } else {
            assert!(
                not_run(&baseline.regress).contains(why),
                "{:?}",
                baseline.regress
            );
        }
    }
    let Some(bench) = Bench::new(&["make"]) else {
        return;
    };
    let baseline = bench.baseline(&bench.tree("none", &[("Makefile", "all:\n")]));
    assert!(not_run(&baseline.regress).contains("no tests"));
    let notes = baseline.build.notes.join("\n");
    assert!(
        notes.contains("give a command as `test_command`"),
        "{notes}"
    );
}

#[test]
fn tests_that_are_hollowed_out_skipped_or_passed_by_luck_are_told() {
    let Some(bench) = Bench::new(&["make"]) else {
        return;
    };
    let whole = [
        ("Makefile", "all:\ncheck:\n\t@./t.sh\n"),
        ("t.sh", "#!/bin/sh\necho PASS: a\necho PASS: b\n"),
    ];
    let baseline = bench.baseline(&bench.tree("tree", &whole));
    assert_eq!(baseline.regress.outcome, Outcome::Passed);
    for (name, text, why) in [
        (
            "gone",
            "#!/bin/sh\necho PASS: a\n",
            "did not run to their end: b",
        ),
        (
            "skipped",
            "#!/bin/sh\necho PASS: a\necho SKIP: b\n",
            "did not run to their end: b",
        ),
        (
            "silent",
            "#!/bin/sh\nexit 0\n",
            "did not run to their end: a, b",
        ),
        (
            "forged",
            "#!/bin/sh\necho PASS: a\necho PASS: b\necho '# TOTAL: 1'\n",
            "whole truth",
        ),
        // Passes the second time: it must pass every time.
        (
            "lucky",
            "#!/bin/sh\necho PASS: a\nn=$(cat n 2>/dev/null || echo 0)\necho $((n + 1)) > n\n\
          if [ $((n % 2)) = 0 ]; then echo FAIL: b; exit 1; fi\necho PASS: b\n",
            "fail: b",
        ),
    ] {
        let files = [whole[0], ("t.sh", text)];
        let (_, regress) = bench.tested(&baseline, &bench.tree(name, &files));
        assert!(failed(&regress).contains(why), "{name}: {regress:?}");
    }
}

#[test]
fn an_empty_target_in_place_of_a_suite_that_names_nothing_fails() {
    let Some(bench) = Bench::new(&["make"]) else {
        return;
    };
    let baseline =
        bench.baseline(&bench.tree("tree", &[("Makefile", "all:\ncheck:\n\t@echo fine\n")]));
    assert_eq!(baseline.regress.outcome, Outcome::Passed);
    let notes = baseline.regress.notes.join("\n");
    assert!(notes.contains("whole suite only"), "{notes}");
    let hollow = bench.tree("hollow", &[("Makefile", "all:\ncheck:\n")]);
    let (_, regress) = bench.tested(&baseline, &hollow);
    assert!(
        failed(&regress).contains("Nothing to be done"),
        "{regress:?}"
    );
}
