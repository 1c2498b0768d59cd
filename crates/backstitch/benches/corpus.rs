//! `cargo bench -p backstitch --bench corpus`: judges every patch of `data/corpus`, right and wrong,
//! with `backstitch test` as a user would, and prints what became of each kind. Takes a while;
//! `-- c-query py-token` judges only the named programs. Ends with an error where more than one in
//! twenty wrong patches ends as Proven or Tested, or fewer than nineteen in twenty right ones do.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints its figures, and what goes wrong in it should stop it"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;
use std::{fs, thread};

use serde::Deserialize;
use serde_json::Value;

/// A program's description, as far as it is needed here; the judge reads the reproducer itself.
#[derive(Deserialize)]
struct Case {
    build: Option<Vec<String>>,
    test: Vec<String>,
    patch: Vec<Patch>,
}

#[derive(Deserialize, Clone)]
struct Patch {
    file: String,
    label: String,
    kind: String,
}

/// What became of a patch.
struct Judged {
    patch: Patch,
    verdict: String,
    seconds: f64,
}

fn main() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/corpus");
    let named: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let mut cases: Vec<PathBuf> = fs::read_dir(&corpus)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("case.toml").is_file())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            named.is_empty() || named.iter().any(|wanted| *wanted == name)
        })
        .collect();
    cases.sort();
    let home = tempfile::tempdir().unwrap();
    let (waiting, done) = (Mutex::new(cases.into_iter()), Mutex::new(Vec::new()));
    let next = || waiting.lock().unwrap().next();
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(case) = next() {
                    let judged = judge_all(&case, home.path());
                    done.lock().unwrap().extend(judged);
                }
            });
        }
    });
    report(&done.into_inner().unwrap());
}

fn judge_all(case: &Path, home: &Path) -> Vec<Judged> {
    let text = fs::read_to_string(case.join("case.toml")).unwrap();
    let about: Case = toml::from_str(&text).unwrap();
    // In a folder of its own, so that it is judged as a project and not as a part of this one.
    let project = tempfile::tempdir().unwrap();
    let copied = Command::new("cp")
        .arg("-r")
        .arg(case.join("base/."))
        .arg(project.path())
        .status();
    assert!(copied.unwrap().success());
    let reference = Patch {
        file: "reference.patch".into(),
        label: "right".into(),
        kind: "reference".into(),
    };
    let patches = std::iter::once(reference).chain(about.patch.iter().cloned());
    let name = case.file_name().unwrap().to_string_lossy();
    patches
        .map(|patch| {
            let began = Instant::now();
            let mut command = Command::new(env!("CARGO_BIN_EXE_backstitch"));
            command
                .args(["test", "--offline", "--format", "json", "--patch"])
                .arg(case.join(&patch.file))
                .arg("--reproducer")
                .arg(case.join("case.toml"))
                .args(["--test", &about.test.join(" ")]);
            if let Some(build) = &about.build {
                command.args(["--build", &build.join(" ")]);
            }
            command
                .arg(project.path())
                .env("BACKSTITCH_HOME", home)
                .stdin(Stdio::null())
                .stderr(Stdio::null());
            let output = command.output().unwrap();
            let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            let verdict = &told["verdict"];
            let text = |key: &str| verdict[key].as_str().unwrap_or_default().to_owned();
            let judged = Judged {
                verdict: match text("check").as_str() {
                    "" if text("conclusion").is_empty() => "could not be judged".into(),
                    "" => text("conclusion"),
                    check => format!("Rejected({check})"),
                },
                seconds: began.elapsed().as_secs_f64(),
                patch,
            };
            println!(
                "{name:14} {:52} {:30} {:5.1} s",
                judged.patch.file, judged.verdict, judged.seconds
            );
            judged
        })
        .collect()
}

fn report(all: &[Judged]) {
    let mut kinds = BTreeMap::<(&str, &str), BTreeMap<&str, usize>>::new();
    for judged in all {
        let kind = (judged.patch.label.as_str(), judged.patch.kind.as_str());
        *kinds
            .entry(kind)
            .or_default()
            .entry(&judged.verdict)
            .or_default() += 1;
    }
    println!("\n| label | kind | verdicts |\n|---|---|---|");
    for ((label, kind), verdicts) in &kinds {
        let told: Vec<_> = verdicts
            .iter()
            .map(|(verdict, count)| format!("{verdict} {count}"))
            .collect();
        println!("| {label} | {kind} | {} |", told.join(", "));
    }
    let share = |label: &str, ends: &dyn Fn(&str) -> bool| {
        let of: Vec<_> = all
            .iter()
            .filter(|judged| judged.patch.label == label)
            .collect();
        let ended = of.iter().filter(|judged| ends(&judged.verdict)).count();
        println!("{label}: {ended} of {}", of.len());
        (ended, of.len())
    };
    let plainly = |verdict: &str| ["Proven", "Tested"].contains(&verdict);
    let at_all = |verdict: &str| plainly(verdict) || verdict.starts_with("Proven, ");
    println!("\nProven or Tested:");
    let (wrong, wrongs) = share("wrong", &plainly);
    share("right", &plainly);
    println!("the same, with \"Proven, behaviour differs here\":");
    share("wrong", &at_all);
    let (right, rights) = share("right", &at_all);
    let seconds: f64 = all.iter().map(|judged| judged.seconds).sum();
    println!("{seconds:.0} s in all, {} patches", all.len());
    assert!(wrong * 20 <= wrongs, "too many wrong patches stand");
    assert!(
        right * 20 >= rights * 19,
        "too many right patches do not stand"
    );
}
