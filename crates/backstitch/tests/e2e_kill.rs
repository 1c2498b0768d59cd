//! Kills the program anywhere, runs it again, and holds what comes out against a run that nobody
//! disturbed: nothing that was finished is done again, nothing is lost, nothing stays behind.

#![cfg(debug_assertions)]
#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use common::{Entry, Run, World, entries, manifest, soon, wait};
use serde_json::Value;

const FAILPOINT: &str = "BACKSTITCH_TEST_KILL_AFTER_EVENTS";

/// Commands that take no time, for a test with many runs. They end as the real ones would, and
/// remove files of the project, as tests do that tidy up.
const QUICK: &str = "[commands]\nbuild = [\"true\"]\ntest = [\"sh\", \"test.sh\"]\n";
const SCRIPT: &str =
    "rm -f spare/one spare/two; ! grep -A1 'name = \"stumble\"' Cargo.lock | grep -q 1.0.1\n";

/// Builds and tests as it would anywhere.
const REAL: &str = "";

/// More events than a run here has.
const EVENTS_MAX: usize = 60;

/// A finding whose first fix breaks a test, one that takes a rewritten requirement, and one
/// without a fix: every kind of event is there.
fn three_findings(commands: &str) -> Option<World> {
    let world = World::sandboxed()?;
    let answers = |answer: u32| format!("pub fn answer() -> u32 {{ {answer} }}\n");
    for name in ["stumble", "pinned", "hopeless"] {
        world.publish(name, "1.0.0", &answers(2));
    }
    let manifest = manifest("stumble = \"1\"\npinned = \"=1.0.0\"\nhopeless = \"1\"\n");
    let library = "#[test] fn even() { assert!(stumble::answer() % 2 == 0) }\n\
                   #[test] fn good() { assert_eq!(pinned::answer() + hopeless::answer(), 4) }\n";
    world.write(&format!(
        "--- Cargo.toml\n{manifest}--- src/lib.rs\n{library}--- test.sh\n{SCRIPT}\
         --- spare/one\n--- spare/two\n\
         --- backstitch.toml\n{commands}"
    ));
    world.lock();
    world.publish("stumble", "1.0.1", &answers(3));
    world.publish("stumble", "1.1.0", &answers(4));
    world.publish("pinned", "1.0.1", &answers(2));
    world.advise("RUSTSEC-2030-0001", "stumble", Some("1.0.1"));
    world.advise("RUSTSEC-2030-0002", "pinned", Some("1.0.1"));
    world.advise("RUSTSEC-2030-0003", "hopeless", None);
    world.import();
    // A gitlink leaves a note that a run that goes on must not lose.
    world.git(&["init", "--quiet", "--initial-branch=main"]);
    let link = "160000,1234567890123456789012345678901234567890,vendor/tool";
    world.git(&["update-index", "--add", "--cacheinfo", link]);
    world.git(&[
        "add",
        "Cargo.toml",
        "Cargo.lock",
        "src",
        "spare",
        "test.sh",
        "backstitch.toml",
    ]);
    world.git(&["commit", "--quiet", "--message=Begin"]);
    Some(world)
}

/// A package, the attempts for it with their verdicts, and what is in the way.
type Verdict = (String, Vec<(String, String)>, String);

/// What is the same however often a run was killed.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    tree: String,
    commits: usize,
    verdicts: Vec<Verdict>,
    notes: Vec<String>,
    /// How often each command ran, by the tree and the command.
    ran: BTreeMap<(String, String), usize>,
}

fn outcome(world: &World, run: &Run) -> Outcome {
    let of = |package: &str| {
        (
            package.to_owned(),
            run.attempts(package),
            run.obstacle(package).to_owned(),
        )
    };
    let notes = run.notes();
    let lasting = notes
        .lines()
        .filter(|note| !note.starts_with("going on with run"));
    Outcome {
        tree: world.tree_of(run.place()),
        commits: run.items().len(),
        verdicts: ["stumble", "pinned", "hopeless"].map(of).to_vec(),
        notes: lasting.map(str::to_owned).collect(),
        ran: ran(run),
    }
}

/// Counts the logs of builds and tests. A fetch is no check: it may run again.
fn ran(run: &Run) -> BTreeMap<(String, String), usize> {
    let folder = Path::new(run.told["evidence"].as_str().unwrap()).join("logs");
    let mut ran = BTreeMap::new();
    for (path, entry) in entries(&folder) {
        let (tree, log) = (
            path.parent().unwrap(),
            path.file_name().unwrap().to_string_lossy(),
        );
        let (_, command) = log.split_once('-').unwrap_or_default();
        if entry != Entry::Folder && command != "fetch.log" {
            let tree = tree.file_name().unwrap().to_string_lossy().into_owned();
            *ran.entry((tree, command.to_owned())).or_default() += 1;
        }
    }
    ran
}

/// Removes what the program did, but not what it was given and not its caches.
fn begin_anew(world: &World) {
    for below in ["ledger", "evidence", "work"] {
        let folder = world.state().join(below);
        if folder.exists() {
            fs::remove_dir_all(folder).unwrap();
        }
    }
    for branch in world.branches() {
        world.git(&["branch", "--quiet", "-D", &branch]);
    }
}

fn is_finished(world: &World) -> bool {
    events(world)
        .iter()
        .any(|event| event["event"] == "run-finished")
}

/// Starts the program so that it kills itself after some events; answers whether it did.
fn kill_after(world: &World, events: usize) -> bool {
    let mut command = world.command(&["run", "--offline", "--format", "json"]);
    let ended = wait(command.env(FAILPOINT, events.to_string()));
    assert!(ended.code.is_none_or(|code| code == 1), "{}", ended.stderr);
    ended.code.is_none()
}

/// Nothing is in the ledger twice, but the baseline: once built, once tested as well.
fn nothing_was_done_twice(events: &[Value], run: &str) {
    let mut seen = BTreeMap::<String, usize>::new();
    for event in events.iter().filter(|event| event["run"] == run) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = match event["event"].as_str().unwrap() {
            "checked" => format!("{} {}", text(&event["attempt"]), text(&event["run_check"])),
            "applied" => format!("applied {}", text(&event["attempt"])),
            "baseline" => {
                let checks = event["checks"].as_array().unwrap().len();
                format!("baseline {} with {checks} checks", text(&event["lockfile"]))
            }
            "run-resumed" | "blocked" => continue,
            once => once.to_owned(),
        };
        *seen.entry(name).or_default() += 1;
    }
    let twice: Vec<_> = seen.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

/// The events as the ledger stores them: on the command line an event's run hides its check.
fn events(world: &World) -> Vec<Value> {
    let file = world.state().join("ledger/ledger.sqlite");
    if !file.exists() {
        return Vec::new();
    }
    let connection = rusqlite::Connection::open(file).unwrap();
    let mut statement = connection
        .prepare("SELECT run, body FROM events ORDER BY sequence")
        .unwrap();
    let rows = statement.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    });
    rows.unwrap()
        .map(|row| {
            let (run, body) = row.unwrap();
            let mut event: Value = serde_json::from_str(&body).unwrap();
            event["run_check"] = event["run"]["check"].clone();
            event["run"] = Value::String(run);
            event
        })
        .collect()
}

/// May there be other logs than those of a run that was not killed?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Logs {
    Same,
    /// What was cut off in the middle had to be run again.
    Any,
}

/// Runs the program to its end after it was killed, and looks at everything.
fn goes_on(world: &World, wanted: &Outcome, killed: &str, logs: Logs) {
    let before = events(world);
    let finished = is_finished(world);
    if before
        .last()
        .is_some_and(|event| event["event"] == "delivered")
    {
        // Whatever is made of the present time would be another one by then.
        std::thread::sleep(Duration::from_millis(1100));
    }
    let run = world.repair(&[], 1);
    let mut found = outcome(world, &run);
    if logs == Logs::Any {
        found.ran.clone_from(&wanted.ran);
    }
    assert_eq!(&found, wanted, "{killed}");
    let after = events(world);
    let id = run.told["run"].as_str().unwrap();
    let resumed = after
        .iter()
        .any(|event| event["event"] == "run-resumed" && event["run"] == id);
    // A run whose end is written down is over, even where nobody was told.
    assert_eq!(resumed, !finished && !before.is_empty(), "{killed}");
    assert_eq!(
        run.notes().contains("going on with run"),
        resumed,
        "{killed}"
    );
    nothing_was_done_twice(&after, id);
    let runs = if finished { 2 } else { 1 };
    assert_eq!(
        world.branches().len(),
        runs,
        "{killed}: {:?}",
        world.branches()
    );
    world.run(&["ledger", "verify"]).ended_with(0);
    world.is_quiet();
}

#[test]
fn killed_after_any_event_it_goes_on_as_if_nothing_had_been() {
    let Some(world) = three_findings(QUICK) else {
        return;
    };
    let wanted = outcome(&world, &world.repair(&[], 1));
    assert!(
        wanted.notes.iter().any(|note| note.contains("vendor/tool")),
        "{wanted:?}"
    );
    let mut points = 0;
    loop {
        begin_anew(&world);
        if !kill_after(&world, points + 1) {
            break;
        }
        points += 1;
        assert!(points < EVENTS_MAX);
        goes_on(
            &world,
            &wanted,
            &format!("killed after event {points}"),
            Logs::Same,
        );
    }
    // Start, findings, two of the baseline, three attempts of five or more, the rest.
    assert!(points >= 20, "{points}");
    eprintln!("killed after each of {points} events, and gone on from each");
}

#[test]
fn killed_again_and_again_it_still_comes_to_its_end() {
    let Some(world) = three_findings(REAL) else {
        return;
    };
    let wanted = outcome(&world, &world.repair(&[], 1));
    begin_anew(&world);
    let mut kills = 0;
    // The first event of a run that goes on says so; the second is a step forward.
    while !is_finished(&world) {
        assert!(kill_after(&world, 2));
        kills += 1;
        assert!(kills < EVENTS_MAX);
    }
    assert!(kills >= 18, "{kills}");
    let events = events(&world);
    let run = events[0]["run"].as_str().unwrap();
    assert!(events.iter().all(|event| event["run"] == run));
    let resumed = events
        .iter()
        .filter(|event| event["event"] == "run-resumed")
        .count();
    assert_eq!(resumed, kills - 1);
    eprintln!("killed {kills} times in a row");
    nothing_was_done_twice(&events, run);
    let [branch] = &world.branches()[..] else {
        panic!("{:?}", world.branches())
    };
    assert_eq!(world.tree_of(branch), wanted.tree);
    // The last kill left the work of a run that is over; the next one takes it away.
    goes_on(&world, &wanted, "killed again and again", Logs::Same);
}

#[test]
fn killed_from_outside_at_any_time_it_goes_on_and_leaves_nothing_running() {
    let Some(world) = three_findings(REAL) else {
        return;
    };
    let started = Instant::now();
    let wanted = outcome(&world, &world.repair(&[], 1));
    let whole = started.elapsed();
    begin_anew(&world);
    let mut random = seed();
    let mut kills = 0;
    for _ in 0..8 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let after = whole * u32::try_from(random >> 40).unwrap() / (1 << 24) * 3 / 5;
        if kill_outside(&world, after) {
            kills += 1;
            assert_nothing_runs(&world);
        }
        if is_finished(&world) {
            break;
        }
    }
    eprintln!("killed {kills} times from outside, seed {}", seed());
    goes_on(&world, &wanted, "killed from outside", Logs::Any);
}

/// Another one each day, and known from the output.
fn seed() -> u64 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    now.as_secs() / (24 * 3600)
}

/// Kills the program alone, not what it started; answers whether it was in time.
fn kill_outside(world: &World, after: Duration) -> bool {
    let mut command = world.command(&["run", "--offline", "--format", "json"]);
    let silent = || std::process::Stdio::null();
    let mut child = command.stdout(silent()).stderr(silent()).spawn().unwrap();
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap().signal() == Some(9)
}

fn assert_nothing_runs(world: &World) {
    let place = world.path("");
    let place = place.to_str().unwrap();
    assert!(
        soon(|| common::processes_about(place).is_empty()),
        "{:?}",
        common::processes_about(place)
    );
}

#[test]
fn logs_of_a_run_that_was_killed_are_there_when_it_ends() {
    let Some(world) = three_findings(REAL) else {
        return;
    };
    kill_after(&world, 8);
    let run = world.repair(&[], 1);
    let logs = logs_of(&run.told);
    assert!(logs.len() >= 6, "{logs:?}");
    let evidence = entries(Path::new(run.told["evidence"].as_str().unwrap()));
    for log in logs {
        assert!(
            evidence.contains_key(Path::new(&log)),
            "{log} is not among the evidence"
        );
    }
}

fn logs_of(told: &Value) -> Vec<String> {
    match told {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| match value.as_str() {
                Some(log) if name == "log" => vec![log.to_owned()],
                _ => logs_of(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(logs_of).collect(),
        _ => Vec::new(),
    }
}
