//! `backstitch bench`: scripted engines on a small case of the test's own. Servers are on this
//! machine.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod common;

use std::fs;

use backstitch_fixture::Files;
use common::server::{Answer, Server, engine, proposal, proposal_with, refusal};
use common::{World, wait};
use serde_json::Value;

/// A program that gives a number back, and one of two digits is its weakness.
const CASE: &str = "\
--- cap/case.toml
name = \"cap\"
language = \"shell\"
weakness = \"CWE-20 a number that is not checked\"
component = \"cap.sh\"
build = [\"true\"]
test = [\"sh\", \"test.sh\"]

[reproducer]
command = [\"sh\", \"cap.sh\", \"{input}\"]
inputs = [\"inputs/large.txt\"]
benign = [\"inputs/small.txt\"]
oracle = \"exit:42\"
--- cap/inputs/large.txt
11
--- cap/inputs/small.txt
3
--- cap/base/cap.sh
read -r number < \"$1\"
[ \"$number\" -gt 9 ] && exit 42
echo \"$number\"
--- cap/base/test.sh
echo 1..1
printf '5\\n' > in.txt
if [ \"$(sh cap.sh in.txt)\" = 5 ]; then echo 'ok 1 - five'; else echo 'not ok 1 - five'; exit 1; fi
--- cap/reference.patch
diff --git a/cap.sh b/cap.sh
--- a/cap.sh
+++ b/cap.sh
@@ -1,3 +1,3 @@
 read -r number < \"$1\"
-[ \"$number\" -gt 9 ] && exit 42
+[ \"$number\" -gt 9 ] && number=9
 echo \"$number\"
";

fn edit(replace: &str) -> Answer {
    proposal("cap.sh", "[ \"$number\" -gt 9 ] && exit 42", replace)
}

/// Writes the case; its patch's own `---` is no file's name.
fn cases(world: &World) -> String {
    let folder = world.path("cases");
    let (files, patch) = CASE.split_once("--- cap/reference.patch\n").unwrap();
    Files::parse(files).write_to(&folder);
    fs::write(folder.join("cap/reference.patch"), patch).unwrap();
    folder.to_str().unwrap().to_owned()
}

fn bench(world: &World, arguments: &[&str]) -> Value {
    let cases = cases(world);
    let all = [&["bench", &cases, "--format", "json"], arguments].concat();
    let ended = wait(world.command(&all).env("MY_KEY", "opens-nothing-at-all"));
    ended.ended_with(0);
    ended.json()
}

#[test]
fn every_engine_gets_the_same_and_is_measured_by_the_same_checks() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    let (flaw, right) = (
        "[ \"$number\" -gt 9 ] && exit 42",
        "[ \"$number\" -gt 9 ] && number=9",
    );
    let test = Some(("tests/test_large.py", "assert True\n"));
    let right = proposal_with("cap.sh", flaw, right, test);
    let wrong = edit("[ \"$number\" -gt 10 ] && exit 42");
    let good = Server::new(vec![wrong.clone(), right]);
    let bad = Server::new(vec![wrong]);
    let refuses = Server::new(vec![refusal()]);
    let gone = Server::new(vec![Answer::Status(410)]);
    let engines: String = [
        ("good", &good),
        ("bad", &bad),
        ("refuses", &refuses),
        ("gone", &gone),
    ]
    .iter()
    .map(|(name, server)| engine(name, &server.url))
    .collect();
    world.settings(&format!("[engines]\negress = \"loopback\"\n{engines}"));
    let told = bench(&world, &[]);
    let rows = told["rows"].as_array().unwrap();
    let ends: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row["engine"].as_str().unwrap(),
                row["end"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        ends,
        [
            ("none", "nothing"),
            ("good", "proven"),
            ("bad", "rejected"),
            ("refuses", "refused"),
            ("gone", "nothing"),
        ],
        "{told:#}"
    );
    // The second question says what was wrong with the first answer, and is the last one here.
    assert_eq!((good.asked(), bad.asked()), (2, 2));
    assert!(good.request(0).contains("CWE-20"));
    assert!(
        good.request(1).contains("Rejected(Reproduce)"),
        "{}",
        good.request(1)
    );
    for server in [&good, &bad] {
        assert!(
            !server.request(0).contains("number=9"),
            "the reference was told"
        );
    }
    assert_eq!(rows[1]["rejections"], serde_json::json!(["Reproduce"]));
    // The case's command runs no such test.
    let why = rows[1]["test"]["why"].as_str().unwrap();
    assert!(why.contains("shows nothing"), "{why}");
    let sum = &told["engines"][1];
    assert_eq!(sum["engine"], "good");
    // Twice 500 tokens in and 50 out.
    assert_eq!(
        (&sum["tokens"], &sum["cost_millionths"]),
        (&1100.into(), &3000.into())
    );
    assert_eq!(told["engines"].as_array().unwrap().len(), 5);
}

#[test]
fn a_case_is_checked_with_its_own_right_patch() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    let told = bench(&world, &["--check"]);
    assert_eq!(told["rows"][0]["engine"], "reference");
    assert_eq!(
        told["rows"][0]["verdict"]["conclusion"], "Proven",
        "{told:#}"
    );
    // A patch that mends nothing makes the case unsound.
    let cases = cases(&world);
    let patch = world.path("cases/cap/reference.patch");
    let text = fs::read_to_string(&patch).unwrap();
    fs::write(&patch, text.replace("number=9", "exit 42 # still")).unwrap();
    world
        .run(&["bench", &cases, "--check"])
        .ended_with(1)
        .printed("Rejected");
}
