use super::*;
use TestOutcome::{Failed, Ignored, Passed};

fn report(log: &str) -> TestReport {
    read(log.as_bytes(), true).unwrap()
}

fn cases(log: &str) -> Vec<(String, TestOutcome)> {
    let report = report(log);
    assert_eq!(report.gaps, Vec::<String>::new());
    report.cases.into_iter().collect()
}

fn suite(lines: &str, counts: [usize; 3]) -> String {
    let [passed, failed, ignored] = counts;
    let total = passed + failed + ignored;
    format!(
        "     Running unittests src/lib.rs (target/debug/deps/demo-0123456789abcdef)\n\n\
         running {total} tests\n{lines}\n\
         test result: ok. {passed} passed; {failed} failed; {ignored} ignored; 0 measured; \
         0 filtered out; finished in 0.00s\n\n"
    )
}

#[test]
fn every_kind_of_result_is_read_with_its_target() {
    let log = suite(
        "test a::passes ... ok\n\
         test a::panics - should panic ... ok\n\
         test a::slow has been running for over 60 seconds\n\
         test a::slow ... ok\n\
         test a::skipped ... ignored, needs a network\n\
         test a::quiet ... ignored\n\
         test a::measured ... bench:          12 ns/iter (+/- 1)\n\
         test a::fails ... FAILED\n\n\
         failures:\n\n---- a::fails stdout ----\ntest a::passes ... FAILED\n\n\
         failures:\n    a::fails\n",
        [4, 1, 2],
    );
    let expected = [
        ("demo::a::fails", Failed),
        ("demo::a::measured", Passed),
        ("demo::a::panics", Passed),
        ("demo::a::passes", Passed),
        ("demo::a::quiet", Ignored),
        ("demo::a::skipped", Ignored),
        ("demo::a::slow", Passed),
    ];
    assert_eq!(
        cases(&log),
        expected.map(|(name, outcome)| (name.to_owned(), outcome))
    );
}

#[test]
fn documentation_tests_are_named_by_their_item_whatever_is_written_above_it() {
    let log = "   Doc-tests demo\n\nrunning 5 tests\n\
        test src/lib.rs - f (line 101) ... ok\n\
        test src/lib.rs - f (line 20) ... FAILED\n\
        test src/lib.rs - f (line 3) ... ok\n\
        test src/lib.rs - g (line 9) - compile fail ... ok\n\
        test README.md - (line 4) - compile ... ok\n\n\
        test result: FAILED. 4 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n\n\
        running 1 test\ntest src/lib.rs - h (line 20) ... ok\n\n\
        test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n";
    let cases = cases(log);
    let failed = cases.iter().find(|(_, outcome)| *outcome == Failed);
    assert_eq!(failed.unwrap().0, "demo (doc)::src/lib.rs - f (2)");
    let names: Vec<String> = cases.into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "demo (doc)::README.md -",
            "demo (doc)::src/lib.rs - f",
            "demo (doc)::src/lib.rs - f (2)",
            "demo (doc)::src/lib.rs - f (3)",
            "demo (doc)::src/lib.rs - g",
            "demo (doc)::src/lib.rs - h",
        ]
    );
}

#[test]
fn a_result_torn_from_its_line_is_settled_by_the_summary() {
    let log = suite(
        "noise without an endtest a ... ok\n\
         test b ... a child wrote this\nok\n\
         test c ... and this\nFAILED\n\n\
         failures:\n\nfailures:\n    c\n",
        [2, 1, 0],
    );
    let expected = [
        ("demo::a", Passed),
        ("demo::b", Passed),
        ("demo::c", Failed),
    ];
    assert_eq!(
        cases(&log),
        expected.map(|(name, outcome)| (name.to_owned(), outcome))
    );
}

#[test]
fn a_torn_result_that_could_be_either_is_left_out_and_said() {
    let log = suite("test a ... x\nok\ntest b ... y\nignored\n", [1, 0, 1]);
    let report = report(&log);
    assert!(report.cases.is_empty(), "{report:?}");
    assert_eq!(
        report.gaps,
        ["what the tests of `demo` printed disagrees with their summary"]
    );
}

#[test]
fn raw_output_that_looks_like_the_start_of_a_result_is_no_test() {
    let log = suite(
        "see test x ... for more\ntest y ... and test a ... ok\n",
        [1, 0, 0],
    );
    assert_eq!(cases(&log), [("demo::a".to_owned(), Passed)]);
}

#[test]
fn another_runner_s_summary_in_a_failed_test_s_output_does_not_count() {
    let log = suite(
        "test a ... FAILED\ntest b ... ok\n\nfailures:\n\n---- a stdout ----\n\
         test result: ok. 7 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n\n\
         failures:\n    a\n",
        [1, 1, 0],
    );
    assert_eq!(
        cases(&log),
        [
            ("demo::a".to_owned(), Failed),
            ("demo::b".to_owned(), Passed)
        ]
    );
}

#[test]
fn a_summary_forged_before_the_real_one_is_noticed() {
    let forged = "test a ... ok\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n";
    let report = report(&suite(forged, [0, 1, 0]));
    assert_eq!(
        report.gaps,
        ["the tests of `demo` printed a summary too many"]
    );
}

#[test]
fn a_forged_pass_of_a_failing_test_does_not_hide_it() {
    let log = suite(
        "test a ... ok\ntest a ... FAILED\n\nfailures:\n    a\n",
        [0, 1, 0],
    );
    let report = report(&log);
    assert_eq!(report.cases["demo::a"], Failed);
}

#[test]
fn a_failure_counts_whether_it_is_seen_first_or_last() {
    for lines in [
        "test a ... ok\ntest a ... FAILED",
        "test a ... FAILED\ntest a ... ok",
    ] {
        assert_eq!(
            report(&suite(lines, [1, 0, 0])).cases["demo::a"],
            Failed,
            "{lines}"
        );
    }
}

#[test]
fn a_forged_extra_test_disagrees_with_the_summary() {
    let report = report(&suite("test a ... ok\ntest forged ... ok\n", [1, 0, 0]));
    assert_eq!(report.gaps.len(), 1);
}

#[test]
fn a_binary_that_dies_leaves_its_other_tests_unseen_and_a_gap() {
    let log = "     Running tests/a.rs (target/debug/deps/a-0123456789abcdef)\n\n\
        running 2 tests\ntest first ... ok\n\
        error: test failed, to rerun pass `--test a`\n\n\
        Caused by:\n  process didn't exit successfully: `a` (signal: 6, SIGABRT)\n\
        \u{20}    Running tests/b.rs (target/debug/deps/b-0123456789abcdef)\n\n\
        running 1 test\ntest only ... ok\n\n\
        test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n";
    let report = report(log);
    assert_eq!(
        report.cases.keys().collect::<Vec<_>>(),
        ["a::first", "b::only"]
    );
    assert_eq!(report.gaps, ["the tests of `a` ended before their summary"]);
}

#[test]
fn a_runner_of_its_own_counts_as_one_test() {
    let log = "     Running tests/own.rs (target/debug/deps/own-0123456789abcdef)\nall fine\n\
        \u{20}    Running tests/bad.rs (target/debug/deps/bad-0123456789abcdef)\noh no\n\
        error: test failed, to rerun pass `--test bad`\n";
    let report = report(log);
    assert_eq!(report.cases["own"], Passed);
    assert_eq!(report.cases["bad"], Failed);
    assert_eq!(report.gaps.len(), 2);
}

#[test]
fn targets_of_one_name_are_told_apart() {
    let header =
        |path: &str| format!("     Running {path} (target/debug/deps/cli-0123456789abcdef)\n");
    let body = "running 1 test\ntest t ... ok\n\n\
        test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n";
    let log: String = [
        "unittests src/lib.rs",
        "unittests src/main.rs",
        "tests/cli.rs",
        "tests/cli.rs",
    ]
    .iter()
    .map(|path| header(path) + body)
    .collect();
    let names: Vec<String> = cases(&log).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "cli (src/main.rs)::t",
            "cli (tests/cli.rs) #2::t",
            "cli (tests/cli.rs)::t",
            "cli::t"
        ]
    );
}

#[test]
fn output_without_a_header_is_read_all_the_same() {
    let log = "running 1 test\ntest t ... ok\n\n\
        test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n";
    assert_eq!(cases(log), [("tests::t".to_owned(), Passed)]);
}

#[test]
fn any_text_at_all_is_survived() {
    for text in [
        "test  ... ",
        "test",
        "running x tests",
        "test result: ok. passed;",
        "failures:\n    \n",
    ] {
        report(text);
        report(&suite(text, [1, 1, 1]));
    }
}
