//! What building and testing a tree tells, and what a change to it does to that.

mod cargo_bench;

use std::fs;
use std::time::Duration;

use backstitch_model::tests::TestOutcome;
use backstitch_model::{CheckRun, Outcome};
use backstitch_verify::cargo::Toolchain;
use backstitch_verify::sandbox::Sandbox;
use backstitch_verify::workbench::{Start, VerifyError};
use cargo_bench::{Bench, INIT, PLAIN};

fn with(source: &str) -> Vec<(&'static str, &str)> {
    let mut files = PLAIN.to_vec();
    files.push(("src/lib.rs", source));
    files
}

#[track_caller]
fn failed(run: &CheckRun, why: &str) {
    match &run.outcome {
        Outcome::Failed(reason) => assert!(reason.contains(why), "{reason}"),
        other => panic!("{other}, {:?}", run.notes),
    }
}

#[test]
fn a_baseline_names_every_test_and_judges_no_failing_one() {
    let Some(bench) = Bench::new() else { return };
    let files = [
        (
            "Cargo.toml",
            "[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
        ),
        PLAIN[1],
        (
            "src/lib.rs",
            "/// ```\n/// assert!(demo::yes());\n/// ```\npub fn yes() -> bool { true }\n\
             #[cfg(test)]\nmod tests {\n #[test] fn passes() {}\n #[test] fn fails() { panic!() }\n\
             #[test] #[ignore = \"later\"] fn waits() {}\n #[test] #[should_panic] fn panics() { panic!() }\n}\n",
        ),
        ("src/main.rs", "fn main() {}\n#[test] fn passes() {}\n"),
        (
            "tests/cli.rs",
            "#[test] fn runs() { assert!(std::path::Path::new(env!(\"CARGO_BIN_EXE_demo\")).exists()) }\n",
        ),
        ("rust-toolchain", "1.2.3\n"),
    ];
    let baseline = bench.baseline(&bench.tree("tree", &files));
    assert_eq!(baseline.build.outcome, Outcome::Passed);
    let release = Toolchain::discover().unwrap().release;
    let note = format!("the project asks for toolchain `1.2.3`; judged with {release}");
    assert!(
        baseline.build.notes.contains(&note),
        "{:?}",
        baseline.build.notes
    );
    let names = |outcome| baseline.report.names(outcome).collect::<Vec<_>>();
    let passed = [
        "cli::runs",
        "demo (doc)::src/lib.rs - yes",
        "demo (src/main.rs)::passes",
        "demo::tests::panics",
        "demo::tests::passes",
    ];
    assert_eq!(names(TestOutcome::Passed), passed);
    assert_eq!(names(TestOutcome::Failed), ["demo::tests::fails"]);
    assert_eq!(names(TestOutcome::Ignored), ["demo::tests::waits"]);
    assert_eq!(baseline.report.gaps, Vec::<String>::new());
    assert_eq!(baseline.regress.outcome, Outcome::Passed);
    let notes = baseline.regress.notes.join("\n");
    assert!(notes.contains("not judged: demo::tests::fails"), "{notes}");
    assert!(!notes.contains("flaky"), "{notes}");
}

#[test]
fn a_change_that_breaks_a_test_or_the_build_is_told_apart() {
    let Some(bench) = Bench::new() else { return };
    let source =
        "#[test] fn a() { assert!(!std::path::Path::new(\"bad\").exists()) }\n#[test] fn b() {}\n";
    let files = with(source);
    let baseline = bench.baseline(&bench.tree("tree", &files));

    let same = bench.attempt(&baseline, &bench.changed("same", &files, &[]));
    assert_eq!(same.regress.outcome, Outcome::Passed);

    let broken = bench.attempt(&baseline, &bench.changed("broken", &files, &[("bad", "")]));
    failed(
        &broken.regress,
        "1 of the tests that passed before fail: demo::a",
    );

    let gone = bench.attempt(
        &baseline,
        &bench.changed("gone", &files, &[("src/lib.rs", "#[test] fn b() {}")]),
    );
    failed(&gone.regress, "did not run to their end: demo::a");

    let unbuilt = bench.attempt(
        &baseline,
        &bench.changed(
            "unbuilt",
            &files,
            &[("src/lib.rs", "fn a() -> u8 { \"\" }")],
        ),
    );
    failed(&unbuilt.build, "error[E0308]: mismatched types");
    assert!(matches!(unbuilt.regress.outcome, Outcome::NotRun(_)));
}

/// The judge carries a change out before the untouched tree is built, and cargo goes by times.
#[test]
fn a_change_that_is_older_than_the_baseline_s_build_is_built_all_the_same() {
    let Some(bench) = Bench::new() else { return };
    let files = with("#[test] fn a() {}\n");
    let changed = bench.changed(
        "changed",
        &files,
        &[("src/lib.rs", "#[test] fn a() { panic!() }\n")],
    );
    let baseline = bench.baseline(&bench.tree("tree", &files));
    let attempt = bench.attempt(&baseline, &changed);
    failed(&attempt.regress, "fail: demo::a");
}

#[test]
fn a_test_binary_that_dies_fails_the_rung_with_the_tests_it_took_along() {
    let Some(bench) = Bench::new() else { return };
    let source =
        "#[test] fn a() { if std::path::Path::new(\"bad\").exists() { std::process::abort() } }\n";
    let files = with(source);
    let baseline = bench.baseline(&bench.tree("tree", &files));
    let died = bench.attempt(&baseline, &bench.changed("died", &files, &[("bad", "")]));
    failed(&died.regress, "did not run to their end: demo::a");
    let gap = "the tests of `demo` ended before their summary".to_owned();
    assert!(died.regress.notes.contains(&gap), "{:?}", died.regress);
}

#[test]
fn a_test_binary_that_leaves_early_and_claims_success_is_not_believed() {
    let Some(bench) = Bench::new() else { return };
    let source = "#[test] fn a() { if std::path::Path::new(\"bad\").exists() {\n\
        use std::io::Write; let mut out = std::io::stderr();\n\
        out.write_all(b\"\\ntest a ... ok\\n\").unwrap(); std::process::exit(0) } }\n";
    let files = with(source);
    let baseline = bench.baseline(&bench.tree("tree", &files));
    let left = bench.attempt(&baseline, &bench.changed("left", &files, &[("bad", "")]));
    failed(&left.regress, "");
}

#[test]
fn a_test_that_fails_once_and_then_never_again_is_flaky_and_no_regression() {
    let Some(bench) = Bench::new() else { return };
    let source = "#[test] fn a() { let seen = std::path::Path::new(\"seen\");\n\
        if !seen.exists() { std::fs::write(seen, \"\").unwrap(); panic!() } }\n";
    let files = with(source);
    let baseline = bench.baseline(&bench.changed("tree", &files, &[("seen", "")]));
    assert_eq!(baseline.report.count(TestOutcome::Passed), 1);
    let attempt = bench.attempt(&baseline, &bench.tree("changed", &files));
    assert_eq!(attempt.regress.outcome, Outcome::Passed);
    let notes = attempt.regress.notes.join("\n");
    assert!(
        notes.contains("passed every time it was run again): demo::a"),
        "{notes}"
    );
}

#[test]
fn a_test_that_fails_at_times_on_the_untouched_tree_too_is_flaky() {
    let Some(bench) = Bench::new() else { return };
    let files = with("#[test] fn a() { std::fs::remove_file(\"luck\").unwrap() }\n");
    let baseline = bench.baseline(&bench.changed("tree", &files, &[("luck", "")]));
    let attempt = bench.attempt(&baseline, &bench.tree("changed", &files));
    assert_eq!(attempt.regress.outcome, Outcome::Passed);
    let notes = attempt.regress.notes.join("\n");
    assert!(
        notes.contains("on the untouched project too): demo::a"),
        "{notes}"
    );
}

/// A project whose test command is a script that prints what Rust's test runner would.
fn scripted(script: &str) -> Option<Bench> {
    Bench::with(|setup| {
        setup.policy.build_command = Some(vec!["true".into()]);
        setup.policy.test_command = Some(["sh", "-c", script].map(str::to_owned).to_vec());
        setup.policy.limits.wall_s = 4;
    })
}

const PASSES: &str = "echo 'running 1 test'; echo 'test a ... ok'; \
     echo 'test result: ok. 1 passed; 0 failed; 0 ignored'; exit 0";
const FAILS: &str = "echo 'running 1 test'; echo 'test a ... FAILED'; \
     echo 'test result: FAILED. 0 passed; 1 failed; 0 ignored'; exit 1";

#[test]
fn only_a_failure_that_is_seen_on_the_untouched_tree_excuses_one() {
    for (otherwise, excused) in [
        (FAILS, true),
        ("exit 1", false),
        ("echo 'test a ... FAILED'; sleep 60", false),
        ("kill -9 $$", false),
    ] {
        let script =
            format!("if [ -e bad ]; then {FAILS}; elif rm luck; then {PASSES}; fi; {otherwise}");
        let Some(bench) = scripted(&script) else {
            return;
        };
        let files = [&with("")[..], &[("luck", "")]].concat();
        let baseline = bench.baseline(&bench.tree("tree", &files));
        assert_eq!(baseline.report.count(TestOutcome::Passed), 1);
        let broken = bench.attempt(&baseline, &bench.changed("broken", &files, &[("bad", "")]));
        let passed = broken.regress.outcome == Outcome::Passed;
        assert_eq!(passed, excused, "{otherwise}: {:?}", broken.regress);
    }
}

#[test]
fn a_command_that_names_no_tests_must_fail_by_itself_on_the_untouched_tree_to_excuse() {
    // The changed tree fails, passes once and fails again.
    let unsteady = "[ -e once ] || { touch once; exit 1; }; rm gift && exit 0; exit 1";
    for (changed, otherwise, excused) in [
        (unsteady, "exit 1", true),
        (unsteady, "sleep 60", false),
        (unsteady, "kill -9 $$", false),
        // What never passes there is broken, however unsteady it is elsewhere.
        ("exit 1", "exit 1", false),
    ] {
        let script = format!("if [ -e bad ]; then {changed}; fi; rm luck && exit 0; {otherwise}");
        let Some(bench) = scripted(&script) else {
            return;
        };
        let files = [&with("")[..], &[("luck", ""), ("gift", "")]].concat();
        let baseline = bench.baseline(&bench.tree("tree", &files));
        assert_eq!(baseline.regress.outcome, Outcome::Passed);
        let broken = bench.attempt(&baseline, &bench.changed("broken", &files, &[("bad", "")]));
        let passed = broken.regress.outcome == Outcome::Passed;
        assert_eq!(passed, excused, "{otherwise}: {:?}", broken.regress);
    }
}

#[test]
fn what_an_accepted_change_made_flaky_is_not_excused_by_the_untouched_tree() {
    let script = format!("if [ -e bad ] || [ -e shaky ] && ! rm luck; then {FAILS}; fi; {PASSES}");
    let Some(bench) = scripted(&script) else {
        return;
    };
    let baseline = bench.baseline(&bench.tree("tree", &with("")));
    let shaky = [("shaky", ""), ("luck", "")];
    let kept = bench.attempt(&baseline, &bench.changed("kept", &with(""), &shaky));
    assert_eq!(kept.regress.outcome, Outcome::Passed, "{:?}", kept.regress);
    let baseline = baseline.upon(kept.attempt);
    let broken = bench.attempt(
        &baseline,
        &bench.changed("broken", &with(""), &[("bad", "")]),
    );
    failed(&broken.regress, "1 of the tests that passed before fail");
}

#[test]
fn what_a_test_nests_deeper_than_any_path_keeps_no_later_command_from_running() {
    let Some(bench) = Bench::new() else { return };
    let files = with(
        "#[test] fn a() { for place in [\"/tmp\", env!(\"CARGO_MANIFEST_DIR\")] {\n\
         std::env::set_current_dir(place).unwrap();\n\
         for _ in 0..3000 { std::fs::create_dir(\"deep\").unwrap();\n\
         std::env::set_current_dir(\"deep\").unwrap() } } }\n",
    );
    let tree = bench.tree("tree", &files);
    let baseline = bench.baseline(&tree);
    assert_eq!(baseline.regress.outcome, Outcome::Passed);
    let again = bench.attempt(&baseline, &tree);
    assert_eq!(again.regress.outcome, Outcome::Passed);
    let sandbox = Sandbox::new(INIT.into());
    for work in ["baseline-work", "work-tree"].map(|name| bench.path(name)) {
        sandbox.discard(&work).unwrap();
        assert!(!work.exists());
    }
}

#[test]
fn a_failing_baseline_test_that_passes_the_second_time_is_named() {
    let Some(bench) = Bench::new() else { return };
    let files = with(
        "#[test] fn steady() {}\n#[test] fn a() { let seen = std::path::Path::new(\"seen\");\n\
         if !seen.exists() { std::fs::write(seen, \"\").unwrap(); panic!() } }\n",
    );
    let baseline = bench.baseline(&bench.tree("tree", &files));
    assert_eq!(baseline.regress.outcome, Outcome::Passed);
    let notes = baseline.regress.notes.join("\n");
    assert!(
        notes.contains("flaky, they pass when run again: demo::a"),
        "{notes}"
    );
}

#[test]
fn nothing_the_project_writes_reaches_its_tree_or_the_package_cache() {
    let Some(bench) = Bench::new() else { return };
    let files = [
        PLAIN[0],
        PLAIN[1],
        (
            "build.rs",
            "fn main() { std::fs::write(\"src/lib.rs\", \"#[test] fn planted() {}\").unwrap(); }\n",
        ),
        ("src/lib.rs", "#[test] fn own() {}\n"),
        (
            "tests/escape.rs",
            "#[test] fn cache() { let home = std::env::var(\"CARGO_HOME\").unwrap();\n\
             assert!(std::fs::write(home + \"/planted\", \"\").is_err()) }\n\
             #[test] fn network() { assert!(std::net::TcpStream::connect(\"192.0.2.1:80\").is_err()) }\n",
        ),
    ];
    let tree = bench.tree("tree", &files);
    let baseline = bench.baseline(&tree);
    let names: Vec<&str> = baseline.report.names(TestOutcome::Passed).collect();
    assert_eq!(names, ["demo::planted", "escape::cache", "escape::network"]);
    assert_eq!(
        fs::read_to_string(tree.root.join("src/lib.rs")).unwrap(),
        files[3].1
    );
    assert!(!tree.root.join("target").exists() && !tree.root.join("planted").exists());
}

#[test]
fn a_link_where_build_results_go_leads_them_nowhere() {
    let Some(bench) = Bench::new() else { return };
    let outside = bench.path("outside");
    fs::create_dir(&outside).unwrap();
    let files = with("#[test] fn a() { assert!(std::path::Path::new(\"target\").is_symlink()) }\n");
    let tree = bench.tree("tree", &files);
    std::os::unix::fs::symlink(&outside, tree.root.join("target")).unwrap();
    let baseline = bench.baseline(&tree);
    assert_eq!(
        baseline.regress.outcome,
        Outcome::Passed,
        "{:?}",
        baseline.build
    );
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn a_project_without_tests_says_so() {
    let Some(bench) = Bench::new() else { return };
    let baseline = bench.baseline(&bench.tree("tree", &with("")));
    assert_eq!(
        baseline.regress.outcome,
        Outcome::NotRun("the project has no tests".into())
    );
}

#[test]
fn the_user_s_own_command_counts_as_a_whole_where_it_names_no_tests() {
    let command = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
    let Some(bench) = Bench::with(|setup| {
        setup.policy.build_command = command(&["true"]);
        setup.policy.test_command = command(&["test", "!", "-e", "bad"]);
    }) else {
        return;
    };
    let baseline = bench.baseline(&bench.tree("tree", &with("")));
    assert_eq!(baseline.regress.outcome, Outcome::Passed);
    assert!(
        baseline
            .regress
            .notes
            .join("\n")
            .contains("whole suite only")
    );
    let same = bench.attempt(&baseline, &bench.tree("same", &with("")));
    assert_eq!(same.regress.outcome, Outcome::Passed);
    let broken = bench.attempt(
        &baseline,
        &bench.changed("broken", &with(""), &[("bad", "")]),
    );
    failed(
        &broken.regress,
        "the test command passed before and fails: exit code 1",
    );
}

#[test]
fn tests_that_never_end_run_out_of_time() {
    let Some(bench) = Bench::with(|setup| {
        setup.policy.build_command = Some(vec!["true".into()]);
        setup.policy.test_command = Some(vec!["sleep".into(), "60".into()]);
        setup.policy.limits.wall_s = 2;
    }) else {
        return;
    };
    let baseline = bench.baseline(&bench.tree("tree", &with("")));
    assert_eq!(baseline.regress.outcome, Outcome::TimedOut);
    assert!(baseline.regress.elapsed < Duration::from_secs(20));
}

#[test]
fn a_workspace_that_does_not_build_whole_falls_back_to_its_default_members() {
    let Some(bench) = Bench::new() else { return };
    let member = |name: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[lib]\ndoctest = false\n"
        )
    };
    let root = format!("{}[workspace]\nmembers = [\"other\"]\n", member("demo"));
    let lock = "version = 3\n\n[[package]]\nname = \"demo\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"other\"\nversion = \"0.1.0\"\n";
    let other = member("other");
    let files = [
        ("Cargo.toml", root.as_str()),
        ("Cargo.lock", lock),
        ("src/lib.rs", "#[test] fn a() {}\n"),
        ("other/Cargo.toml", &other),
        ("other/src/lib.rs", "compile_error!(\"not here\");\n"),
    ];
    let baseline = bench.baseline(&bench.tree("tree", &files));
    assert_eq!(baseline.build.outcome, Outcome::Passed);
    assert!(
        baseline.build.notes[0].contains("does not build whole"),
        "{:?}",
        baseline.build.notes
    );
    assert_eq!(baseline.report.count(TestOutcome::Passed), 1);
}

#[test]
fn an_attempt_that_is_kept_is_what_the_next_builds_upon() {
    let Some(bench) = Bench::new() else { return };
    let files = with("#[test] fn a() {}\n");
    let baseline = bench.baseline(&bench.tree("tree", &files));
    let more = [("src/lib.rs", "#[test] fn a() {}\n#[test] fn b() {}\n")];
    let changed = bench.changed("kept", &files, &more);
    let kept = bench.attempt(&baseline, &changed);
    let baseline = baseline.upon(kept.attempt);
    let next = bench.judge(&baseline, &changed, Start::Warm, &bench.path("next"));
    assert_eq!(next.regress.outcome, Outcome::Passed);
    let log = fs::read_to_string(next.build.log.unwrap()).unwrap();
    assert!(!log.contains("Compiling demo"), "{log}");
}

#[test]
fn a_baseline_that_was_written_down_is_gone_on_with() {
    let Some(bench) = Bench::new() else { return };
    let files = with("#[test] fn a() { assert!(!std::path::Path::new(\"bad\").exists()) }\n");
    let tree = bench.tree("tree", &files);
    let baseline = bench.baseline(&tree);
    let saved = baseline.save().unwrap();
    drop(baseline);
    let work = bench.path("baseline-work");
    let restored = bench
        .workbench()
        .restore(saved.clone(), &tree, &work)
        .unwrap();
    assert_eq!(restored.save().unwrap(), saved);
    let attempt = bench.judge(&restored, &tree, Start::Warm, &bench.path("again"));
    let log = fs::read_to_string(attempt.build.log.unwrap()).unwrap();
    assert!(!log.contains("Compiling demo"), "{log}");
    let broken = bench.attempt(&restored, &bench.changed("broken", &files, &[("bad", "")]));
    failed(&broken.regress, "demo::a");
}

#[test]
fn without_layers_everything_works_on_copies() {
    let sandbox = Sandbox::unconfined(INIT.into());
    let Some(bench) = Bench::with(|setup| setup.sandbox = sandbox) else {
        return;
    };
    let files = with("#[test] fn a() { assert!(!std::path::Path::new(\"bad\").exists()) }\n");
    let tree = bench.tree("tree", &files);
    let baseline = bench.baseline(&tree);
    assert_eq!(
        baseline.regress.outcome,
        Outcome::Passed,
        "{:?}",
        baseline.regress.log
    );
    assert!(!tree.root.join("target").exists());
    let broken = bench.attempt(&baseline, &bench.changed("broken", &files, &[("bad", "")]));
    failed(&broken.regress, "demo::a");
}

#[test]
fn nextest_runs_the_tests_where_the_project_is_set_up_for_it() {
    let Some(bench) = Bench::new() else { return };
    if bench.cargo.toolchain().nextest.is_none() {
        eprintln!("SKIPPED, NOTHING WAS TESTED: cargo-nextest is not installed");
        return;
    }
    let mut files = with(
        "#[test] fn a() { assert!(!std::path::Path::new(\"bad\").exists()) }\n#[test] fn b() {}\n",
    );
    files.push((".config/nextest.toml", ""));
    let baseline = bench.baseline(&bench.tree("tree", &files));
    let names: Vec<&str> = baseline.report.names(TestOutcome::Passed).collect();
    assert_eq!(names, ["demo a", "demo b"], "{:?}", baseline.regress);
    let broken = bench.attempt(&baseline, &bench.changed("broken", &files, &[("bad", "")]));
    failed(&broken.regress, "fail: demo a");
}

#[test]
fn a_set_cancel_flag_ends_everything_with_an_error() {
    let mut flag = None;
    let Some(bench) = Bench::with(|setup| flag = Some(setup.cancel.clone())) else {
        return;
    };
    let tree = bench.tree("tree", &with(""));
    flag.unwrap().cancel();
    let stopped = bench.workbench().baseline(&tree, &bench.path("work"));
    assert!(
        matches!(stopped, Err(VerifyError::Cancelled)),
        "{stopped:?}"
    );
}

#[test]
fn a_clean_start_builds_upon_nothing() {
    let Some(bench) = Bench::new() else { return };
    let files = with("#[test] fn a() {}\n");
    let tree = bench.tree("tree", &files);
    let baseline = bench.baseline(&tree);
    for (start, compiles) in [(Start::Clean, true), (Start::Warm, false)] {
        let work = bench.path(&format!("{start:?}"));
        let attempt = bench.judge(&baseline, &tree, start, &work);
        assert_eq!(attempt.regress.outcome, Outcome::Passed);
        let log = fs::read_to_string(attempt.build.log.unwrap()).unwrap();
        assert_eq!(log.contains("Compiling demo"), compiles, "{start:?}: {log}");
    }
}

#[test]
fn temporary_files_are_on_the_project_s_disk_and_gone_after_each_command() {
    let Some(bench) = Bench::new() else { return };
    let files = with(
        "#[test] fn a() {\n    use std::os::unix::fs::MetadataExt;\n    \
         let device = |path: &str| std::fs::metadata(path).unwrap().dev();\n    \
         assert_eq!(std::fs::read_dir(\"/tmp\").unwrap().count(), 0);\n    \
         std::fs::write(\"/tmp/left\", \"behind\").unwrap();\n    \
         assert_ne!(device(\"/tmp\"), device(\"/dev/shm\"));\n}\n",
    );
    let tree = bench.tree("tree", &files);
    let baseline = bench.baseline(&tree);
    assert_eq!(baseline.regress.outcome, Outcome::Passed);
    let again = bench.attempt(&baseline, &tree);
    assert_eq!(again.regress.outcome, Outcome::Passed);
}
