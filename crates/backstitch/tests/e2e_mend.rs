//! The loop on weaknesses of a project's own code: what a scanner reported and what a reproducer
//! shows. Engines are scripted and on this machine.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod common;

use std::fs;
use std::path::Path;

use common::server::{Answer, Server, completion, engine, proposal, proposal_with, refusal};
use common::{Run, World, succeed, wait};
use serde_json::Value;

/// A program that gives a number back, and one of two digits is its weakness; with a scanner of
/// its own.
const PROJECT: &str = r#"
--- cap.sh
read -r number < "$1"
[ "$number" -gt 9 ] && exit 42
echo "$number"
--- test.sh
count=0
end=0
check() {
    count=$((count + 1))
    name=$1
    shift
    if "$@" > /dev/null 2>&1; then echo "ok $count - $name"; else echo "not ok $count - $name"; end=1; fi
}
five() {
    printf '5\n' > /tmp/five
    [ "$(sh cap.sh /tmp/five)" = 5 ]
}
check five five
for file in tests/test_*.py; do
    [ -f "$file" ] && check "$file" python3 "$file"
done
echo "1..$count"
exit $end
--- scan.sh
echo talk >&2
results=
look() {
    grep -q "exit $1" "$2" 2> /dev/null || return 0
    [ -z "$results" ] || results="$results,"
    results="$results"'{"ruleId": "early-exit", "message": {"text": "ends early"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "'$2'"}, "region": {"startLine": 2}}}]}'
}
look 42 cap.sh
look 43 other.sh
echo '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "early"}}, "results": ['"$results"']}]}'
--- backstitch.toml
[commands]
build = ["true"]
test = ["sh", "test.sh"]
"#;

const FLAW: &str = "[ \"$number\" -gt 9 ] && exit 42";
const RIGHT: &str = "[ \"$number\" -gt 9 ] && number=9";
/// Stops the input that is listed alone.
const WRONG: &str = "[ \"$number\" = 11 ] || [ \"$number\" -lt 10 ] || exit 42";

/// A test that fails where the flaw is.
const SHOWS: (&str, &str) = (
    "tests/test_large.py",
    "import subprocess\nopen('/tmp/large', 'w').write('12\\n')\n\
     assert subprocess.run(['sh', 'cap.sh', '/tmp/large']).returncode == 0\n",
);
/// A test that passes wherever it is run.
const SHOWS_NOTHING: (&str, &str) = ("tests/test_true.py", "assert True\n");

fn edit(replace: &str, test: Option<(&str, &str)>) -> Answer {
    proposal_with("cap.sh", FLAW, replace, test)
}

fn world() -> Option<World> {
    let world = World::sandboxed()?;
    world.import_nothing_much();
    world.write(PROJECT);
    fs::write(world.path("large"), "11\n").unwrap();
    fs::write(world.path("small"), "3\n").unwrap();
    scan(&world);
    Some(world)
}

/// Lets the scanner write its report.
fn scan(world: &World) {
    let scan = std::process::Command::new("sh")
        .arg("scan.sh")
        .current_dir(world.project())
        .output()
        .unwrap();
    fs::write(world.path("scan.sarif"), scan.stdout).unwrap();
}

fn settings(world: &World, engines: &[(&str, &Server)]) {
    let engines: String = engines
        .iter()
        .map(|(name, server)| engine(name, &server.url))
        .collect();
    world.settings(&format!("[engines]\negress = \"loopback\"\n{engines}"));
}

/// What names the reproducer.
fn shown(world: &World) -> Vec<String> {
    let path = |name: &str| world.path(name).to_str().unwrap().to_owned();
    let words = ["--reproducer", "sh cap.sh {input}", "--oracle", "exit:42"];
    let mut words: Vec<String> = words.map(str::to_owned).into();
    words.extend(["--input".to_owned(), path("large")]);
    words.extend(["--benign".to_owned(), path("small")]);
    words
}

/// What names the scanner's report.
fn reported(world: &World) -> Vec<String> {
    let sarif = world.path("scan.sarif").to_str().unwrap().to_owned();
    vec!["--sarif".to_owned(), sarif]
}

fn rescanned(world: &World) -> Vec<String> {
    let rescan = ["--rescan", "sh scan.sh"].map(str::to_owned);
    reported(world).into_iter().chain(rescan).collect()
}

fn repair(world: &World, arguments: &[String], exit: i32) -> Run {
    let words = ["run", "--offline", "--format", "json"].into_iter();
    let all: Vec<&str> = words.chain(arguments.iter().map(String::as_str)).collect();
    let ended = wait(world.command(&all).env("MY_KEY", "opens-nothing-at-all"));
    ended.ended_with(exit);
    Run {
        told: ended.json(),
        ended,
    }
}

fn weakness(run: &Run) -> &Value {
    let all = run.told["weaknesses"].as_array().unwrap();
    assert_eq!(all.len(), 1, "{:#}", run.told);
    &all[0]
}

fn check<'run>(proposal: &'run Value, phase: &str, name: &str) -> &'run Value {
    let runs = proposal[phase].as_array().unwrap();
    runs.iter().find(|run| run["check"] == name).unwrap()
}

fn report(run: &Run) -> String {
    let folder = Path::new(run.told["evidence"].as_str().unwrap());
    fs::read_to_string(folder.join("report.md")).unwrap()
}

#[test]
fn what_a_reproducer_shows_is_mended_in_a_commit_with_its_regression_test() {
    let Some(world) = world() else { return };
    world.commit();
    let one = Server::new(vec![edit(WRONG, Some(SHOWS)), edit(RIGHT, Some(SHOWS))]);
    settings(&world, &[("one", &one)]);
    let run = repair(&world, &shown(&world), 0);
    let weakness = weakness(&run);
    assert_eq!(weakness["scanner"], "reproducer");
    assert_eq!(weakness["verdict"]["conclusion"], "Proven", "{weakness:#}");
    assert_eq!(weakness["obstacle"], Value::Null);
    let [wrong, right] = weakness["proposals"].as_array().unwrap().as_slice() else {
        panic!("{weakness:#}")
    };
    // What failed is told with the next question, and its test was never tried.
    assert_eq!(wrong["verdict"]["conclusion"], "Rejected");
    assert_eq!(wrong["test"]["outcome"], "not tried");
    assert!(one.request(1).contains("Rejected("), "{}", one.request(1));
    // An input that shows a flaw is private.
    assert!(
        !one.request(0).contains("begins with"),
        "{}",
        one.request(0)
    );
    assert_eq!(right["test"]["outcome"], "kept");
    for (phase, name, outcome) in [
        ("before", "Reproduce", "failed"),
        ("after", "Reproduce", "passed"),
        ("after", "Re-attack", "passed"),
        ("after", "Compare", "passed"),
        ("after", "Rescan", "not-run"),
    ] {
        assert_eq!(check(right, phase, name)["outcome"], outcome, "{name}");
    }
    let notes = check(right, "after", "Regress")["notes"].to_string();
    assert!(notes.contains("as delivered, from nothing"), "{notes}");
    let [commit] = run.items()[..] else {
        panic!("{:?}", run.items())
    };
    let message = world.git(&["show", "--no-patch", "--format=%B", commit]);
    for words in [
        "Mend what sh cap.sh {input} shows",
        "cap.sh changed by engine one, with the test tests/test_large.py",
        "Verdict: Proven",
        "- Re-attack: passed",
        "Backstitch-Attempt:",
    ] {
        assert!(message.contains(words), "{words}: {message}");
    }
    let changed = world.git(&["diff", "--name-only", "main", run.place()]);
    assert_eq!(changed, "cap.sh\ntests/test_large.py\n");
    let report = report(&run);
    assert!(
        report.contains("+[ \"$number\" -gt 9 ] && number=9"),
        "{report}"
    );
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    world.run(&["ledger", "show"]).printed("tried");
    world.run(&["ledger", "verify"]).ended_with(0);
}

#[test]
fn what_only_a_human_could_decide_is_decided_against_an_engine() {
    const SERVICE: &str = "      - run: make test\n";
    let Some(world) = world() else { return };
    world.write(&format!(
        "--- .github/workflows/ci.yml\njobs:\n  test:\n    steps:\n{SERVICE}"
    ));
    world.commit();
    let riding = serde_json::json!({
        "edits": [
            {"path": "cap.sh", "search": FLAW, "replace": RIGHT},
            {"path": ".github/workflows/ci.yml", "search": SERVICE,
             "replace": format!("{SERVICE}      - run: curl example.org\n")},
        ],
        "what_was_wrong": "it ends early", "why_this_fixes_it": "it does not", "regression_test": null,
    });
    let riding = Answer::Body(completion(&riding.to_string(), "stop"));
    let one = Server::new(vec![riding, edit(RIGHT, None)]);
    settings(&world, &[("one", &one)]);
    let run = repair(&world, &shown(&world), 0);
    let [with, without] = weakness(&run)["proposals"].as_array().unwrap().as_slice() else {
        panic!("{:#}", run.told)
    };
    assert_eq!(with["verdict"]["conclusion"], "Rejected", "{with:#}");
    assert_eq!(with["verdict"]["check"], "Scope");
    assert_eq!(without["verdict"]["conclusion"], "Proven", "{without:#}");
}

#[test]
fn what_a_scanner_reported_is_mended_upon_the_accepted_fixes_by_who_does_not_refuse() {
    let Some(world) = world() else { return };
    world.publish("first", "0.1.0", "");
    world.advise("RUSTSEC-2030-0001", "first", Some("0.1.1"));
    world.import();
    let manifest = common::manifest("first = \"0.1\"\n");
    world.write(&format!(
        "--- Cargo.toml\n{manifest}--- src/lib.rs\n//! All.\n"
    ));
    world.lock();
    world.publish("first", "0.1.1", "");
    world.commit();
    let refuses = Server::new(vec![refusal()]);
    // One comes back with a test that shows nothing: the fix stands, and the test is left out.
    let good = Server::new(vec![edit(RIGHT, Some(SHOWS_NOTHING))]);
    settings(&world, &[("refuses", &refuses), ("good", &good)]);
    let run = repair(&world, &rescanned(&world), 0);
    assert_eq!(run.verdict("first"), "Tested");
    let weakness = weakness(&run);
    assert_eq!(weakness["verdict"]["conclusion"], "Tested", "{weakness:#}");
    assert_eq!((refuses.asked(), good.asked()), (1, 1));
    assert!(good.request(0).contains("early-exit"));
    let proposal = &weakness["proposals"][0];
    assert_eq!(check(proposal, "before", "Rescan")["outcome"], "failed");
    assert_eq!(check(proposal, "after", "Rescan")["outcome"], "passed");
    assert_eq!(proposal["test"]["outcome"], "dropped");
    let why = proposal["test"]["why"].as_str().unwrap();
    assert!(why.contains("it shows nothing"), "{why}");
    let [upgrade, mend] = run.items()[..] else {
        panic!("{:?}", run.items())
    };
    assert_eq!(
        world.git(&["rev-parse", &format!("{mend}^")]).trim(),
        upgrade
    );
    let changed = world.git(&["show", "--format=%B", "--name-only", mend]);
    for words in [
        "Mend early-exit in cap.sh",
        "its test tests/test_true.py is left out",
        "- Rescan: passed (untouched: failed: early-exit (early) at cap.sh:2)",
    ] {
        assert!(changed.contains(words), "{words}: {changed}");
    }
    assert!(changed.ends_with("\ncap.sh\n"), "{changed}");
    run.ended
        .said("engine `refuses`")
        .said("its test is left out");
}

#[test]
fn two_weaknesses_are_two_commits_and_what_one_engine_leaves_stays() {
    let Some(world) = world() else { return };
    world.write("--- other.sh\nexit 43\n");
    scan(&world);
    world.commit();
    let other = |replace| proposal("other.sh", "exit 43", replace);
    let one = Server::new(vec![edit(RIGHT, None), other("exit 0")]);
    settings(&world, &[("one", &one)]);
    let run = repair(&world, &rescanned(&world), 0);
    assert_eq!(run.items().len(), 2, "{:#}", run.told);
    let tried = world.events();
    let tried = tried.iter().filter(|event| event["event"] == "tried");
    let about: Vec<_> = tried
        .map(|event| event["weaknesses"].as_array().unwrap().len())
        .collect();
    // The whole is judged for both.
    assert_eq!(about, [1, 1, 2]);
    // What stays is told beside what is mended, and the exit code says that something is left.
    let one = Server::new(vec![edit(RIGHT, None), Answer::Status(410)]);
    settings(&world, &[("one", &one)]);
    let run = repair(&world, &rescanned(&world), 1);
    let all = run.told["weaknesses"].as_array().unwrap();
    let settled: Vec<_> = all.iter().map(|one| one["obstacle"].is_null()).collect();
    assert_eq!(settled, [true, false], "{:#}", run.told);
    let why = all[1]["obstacle"].as_str().unwrap();
    assert!(why.contains("engine `one`: "), "{why}");
    assert_eq!(run.items().len(), 1);
}

#[test]
fn where_nobody_may_or_can_mend_it_a_human_is_told_why() {
    let Some(world) = world() else { return };
    world.commit();
    // Nobody is listed.
    let run = repair(&world, &rescanned(&world), 1);
    let text = |run: &Run| weakness(run)["obstacle"].as_str().unwrap().to_owned();
    assert!(text(&run).contains("no engine is listed"), "{}", text(&run));
    assert_eq!(weakness(&run)["needs_human"], true);
    assert!(report(&run).contains("## Weaknesses that need a human"));
    assert!(run.told["delivery"].is_null());
    // Nothing shows whether it is mended: nobody is asked in vain.
    let wrong = Server::new(vec![edit(WRONG, None)]);
    let refuses = Server::new(vec![refusal()]);
    settings(&world, &[("refuses", &refuses), ("wrong", &wrong)]);
    let run = repair(&world, &reported(&world), 1);
    assert!(text(&run).contains("--rescan"), "{}", text(&run));
    assert_eq!((refuses.asked(), wrong.asked()), (0, 0));
    // Each that was asked is quoted, and so is the last rejection. Given with a report of one
    // weakness, the reproducer shows that one.
    let both: Vec<_> = reported(&world).into_iter().chain(shown(&world)).collect();
    let run = repair(&world, &both, 1);
    let why = text(&run);
    for words in ["the only proposal is Rejected(", "engine `refuses`: "] {
        assert!(why.contains(words), "{words}: {why}");
    }
    assert_eq!(weakness(&run)["rule"], "early-exit");
    let words = ["run", "--offline", "--only", "early-exit"].into_iter();
    let words: Vec<_> = words.chain(both.iter().map(String::as_str)).collect();
    let told = wait(world.command(&words).env("MY_KEY", "opens-nothing-at-all"));
    told.ended_with(1)
        .printed("Needs a human:")
        .printed("0 of 1 weakness of the project's own code mended")
        .is_tame();
    // A name that is in no report is a mistake.
    let astray = ["run", "--offline", "--only", "nothing"].into_iter();
    let report = reported(&world);
    let astray: Vec<_> = astray.chain(report.iter().map(String::as_str)).collect();
    world.run(&astray).ended_with(3).said("`--only nothing`");
}

#[test]
fn where_there_is_no_repository_the_fix_and_its_test_are_a_patch_that_applies() {
    let Some(world) = world() else { return };
    let one = Server::new(vec![edit(RIGHT, Some(SHOWS))]);
    settings(&world, &[("one", &one)]);
    let run = repair(&world, &shown(&world), 0);
    let [patch] = run.items()[..] else {
        panic!("{:?}", run.items())
    };
    let patch = Path::new(run.place()).join(patch);
    let folder = world.path("copy");
    fs::create_dir(&folder).unwrap();
    fs::copy(world.project().join("cap.sh"), folder.join("cap.sh")).unwrap();
    succeed(&mut world.git_in(&folder, &["apply", patch.to_str().unwrap()]));
    assert!(folder.join(SHOWS.0).is_file());
    let text = fs::read_to_string(folder.join("cap.sh")).unwrap();
    assert!(text.contains(RIGHT), "{text}");
    assert!(!world.project().join(SHOWS.0).exists());
}

#[test]
fn a_proposal_that_changes_tests_is_judged_and_delivered_without_that() {
    let Some(world) = world() else { return };
    world.write("--- tests/test_old.py\nassert 1 + 1 == 2\n");
    world.commit();
    let both = Answer::Body(common::server::completion(
        &serde_json::json!({
            "edits": [
                {"path": "cap.sh", "search": FLAW, "replace": RIGHT},
                {"path": "tests/test_old.py", "search": "1 + 1 == 2\n", "replace": "1 + 1 == 2\nassert 2 == 2\n"},
            ],
            "regression_test": {"path": "tests/test_old.py", "text": SHOWS.1},
        })
        .to_string(),
        "stop",
    ));
    let one = Server::new(vec![both]);
    settings(&world, &[("one", &one)]);
    let run = repair(&world, &shown(&world), 0);
    assert_eq!(one.asked(), 1);
    let only = &weakness(&run)["proposals"][0];
    assert_eq!(only["verdict"]["conclusion"], "Proven", "{only:#}");
    assert_eq!(only["put_back"][0], "tests/test_old.py");
    // The test that it brings would overwrite one.
    let why = only["test"]["why"].as_str().unwrap();
    assert!(why.contains("already"), "{why}");
    let changed = world.git(&["diff", "--name-only", "main", run.place()]);
    assert_eq!(changed, "cap.sh\n");
}

#[test]
#[cfg(debug_assertions)]
fn a_run_that_is_killed_asks_and_judges_nothing_twice() {
    let Some(world) = world() else { return };
    world.commit();
    let refuses = Server::new(vec![refusal()]);
    let good = Server::new(vec![edit(WRONG, None), edit(RIGHT, Some(SHOWS))]);
    settings(&world, &[("refuses", &refuses), ("good", &good)]);
    let words = shown(&world);
    let begin = ["run", "--offline", "--format", "json"].into_iter();
    let arguments: Vec<&str> = begin.chain(words.iter().map(String::as_str)).collect();
    // A judgement has events of its own; each process comes further than the one before.
    let mut after = 3;
    loop {
        let mut command = world.command(&arguments);
        command
            .env("MY_KEY", "opens-nothing-at-all")
            .env("BACKSTITCH_TEST_KILL_AFTER_EVENTS", after.to_string());
        match wait(&mut command).code {
            None => after += 7,
            code => {
                assert_eq!(code, Some(0));
                break;
            }
        }
        assert!(after < 200, "it never ends");
    }
    let events = world.events();
    let of = |kind: &str| events.iter().filter(|event| event["event"] == kind).count();
    assert_eq!((of("asked"), refuses.asked(), good.asked()), (3, 1, 2));
    // Two proposals, and the whole as it is delivered.
    assert_eq!(of("tried"), 3);
    assert!(of("run-resumed") > 1);
    let run = events[0]["run"].as_str().unwrap();
    let report = world.state().join("evidence").join(run).join("report.json");
    let told: Value = serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(told["weaknesses"][0]["verdict"]["conclusion"], "Proven");
    assert_eq!(
        told["weaknesses"][0]["proposals"][1]["test"]["outcome"],
        "kept"
    );
}
