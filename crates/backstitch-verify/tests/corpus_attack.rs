//! Attacks the cases of a corpus of right and wrong fixes, and tells what each came to. Skipped
//! unless `BACKSTITCH_CORPUS` names the corpus's folder; `BACKSTITCH_CASES` picks cases by a word.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "all of it is a test"
)]

mod plain_bench;

use std::path::Path;
use std::process::Command;

use backstitch_model::tree_reproducer::Input;
use backstitch_model::{Outcome, TreeReproducer};
use plain_bench::Bench;
use toml::{Table, Value};

fn words(value: &Value) -> Vec<String> {
    let words = value.as_array().unwrap().iter();
    words
        .map(|word| word.as_str().unwrap().to_owned())
        .collect()
}

fn inputs(case: &Path, value: Option<&Value>) -> Vec<Input> {
    let names = value.map(words).unwrap_or_default().into_iter();
    names
        .map(|name| Input {
            bytes: std::fs::read(case.join(&name)).unwrap(),
            name: name.rsplit('/').next().unwrap().to_owned(),
        })
        .collect()
}

/// What a case keeps beside its inputs, such as a program that asks.
fn beside(case: &Path) -> Vec<Input> {
    let files = std::fs::read_dir(case.join("inputs")).unwrap().flatten();
    let files = files.filter(|file| file.file_type().unwrap().is_file());
    files
        .map(|file| Input {
            name: format!("inputs/{}", file.file_name().display()),
            bytes: std::fs::read(file.path()).unwrap(),
        })
        .collect()
}

fn copy(from: &Path, to: &Path) {
    let ended = Command::new("cp").arg("-r").args([from, to]).status();
    assert!(ended.unwrap().success());
}

#[test]
fn right_fixes_are_not_failed_and_wrong_ones_are_not_passed() {
    let Some(corpus) = std::env::var_os("BACKSTITCH_CORPUS") else {
        println!("SKIPPED, NOTHING WAS TESTED: BACKSTITCH_CORPUS is not set");
        return;
    };
    let word = std::env::var("BACKSTITCH_CASES").unwrap_or_default();
    let cases = std::fs::read_dir(corpus).unwrap().flatten();
    let mut cases: Vec<_> = cases.map(|entry| entry.path()).collect();
    cases.sort();
    let mut wrong = Vec::new();
    for case in cases
        .iter()
        .filter(|case| case.display().to_string().contains(&word))
    {
        let Ok(text) = std::fs::read_to_string(case.join("case.toml")) else {
            continue;
        };
        wrong.extend(attack(case, &text.parse().unwrap()));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

fn reproducer(case: &Path, settings: &Table) -> TreeReproducer {
    let own = settings["reproducer"].as_table().unwrap();
    TreeReproducer {
        name: settings["name"].as_str().unwrap().into(),
        argv: words(&own["command"]),
        inputs: inputs(case, own.get("inputs")),
        files: beside(case),
        benign: inputs(case, own.get("benign")),
        oracle: own
            .get("oracle")
            .map(|it| it.as_str().unwrap().parse().unwrap()),
        time_limit_s: 10,
        build: None,
    }
}

fn apply(patch: &Path, tree: &Path) {
    let ended = Command::new("patch")
        .args(["-s", "-p1", "-d"])
        .arg(tree)
        .stdin(std::fs::File::open(patch).unwrap())
        .status();
    assert!(ended.unwrap().success(), "{}", patch.display());
}

/// Tells what each patch came to; answers those that came to the wrong thing.
fn attack(case: &Path, settings: &Table) -> Vec<String> {
    let Some(bench) = Bench::with(&[], |policy| {
        policy.build_command = settings.get("build").map(words);
        policy.test_command = Some(words(&settings["test"]));
    }) else {
        return Vec::new();
    };
    let reproducer = reproducer(case, settings);
    copy(&case.join("base"), &bench.path("tree"));
    let baseline = bench.baseline(&bench.tree("tree", &[]));
    let before = bench
        .workbench()
        .attack_before(&baseline, &reproducer)
        .unwrap();
    let name = &reproducer.name;
    println!(
        "{name}: before: {}; tests {}",
        before.reproduce.outcome, baseline.regress.outcome
    );
    let mut wrong = Vec::new();
    for (number, patch) in settings["patch"].as_array().unwrap().iter().enumerate() {
        let file = patch["file"].as_str().unwrap();
        let changed = format!("changed-{number}");
        copy(&case.join("base"), &bench.path(&changed));
        apply(&case.join(file), &bench.path(&changed));
        let (attempt, build) = bench.attempt(&baseline, &bench.tree(&changed, &[]));
        let mut runs = vec![build];
        if runs[0].outcome == Outcome::Passed {
            let workbench = bench.workbench();
            runs.push(workbench.test_attempt(&baseline, &attempt).unwrap().0);
            let after = workbench
                .attack_after(&baseline, &attempt, &reproducer, &before)
                .unwrap();
            runs.extend([after.reproduce, after.re_attack, after.compare]);
        }
        let label = patch["label"].as_str().unwrap();
        let told: Vec<_> = runs
            .iter()
            .filter(|run| run.outcome != Outcome::Passed)
            .map(|run| format!("{}: {}", run.check, run.outcome))
            .collect();
        let shown_by = patch
            .get("shown_by")
            .and_then(|it| it.as_str())
            .unwrap_or("-");
        println!("  {label} ({shown_by}) {file}: {}", told.join(" | "));
        let failed = runs
            .iter()
            .any(|run| matches!(run.outcome, Outcome::Failed(_)));
        let differs = matches!(
            runs.last().map(|run| &run.outcome),
            Some(Outcome::Differs(_))
        );
        let green = runs
            .get(2)
            .is_some_and(|run| run.outcome == Outcome::Passed);
        // What only the change's own text or the program's symbols show is not looked for here.
        let is_ours = !["text", "symbols"].contains(&shown_by);
        let is_wrong = match label {
            "right" => failed || !green,
            _ => is_ours && !failed && !differs,
        };
        if is_wrong {
            wrong.push(format!("{name}/{file}"));
        }
    }
    wrong
}
