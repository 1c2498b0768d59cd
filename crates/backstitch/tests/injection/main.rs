//! The attempts of `data/injection`, replayed against an engine that obeys all of them: the whole
//! way from the brief over the engine in its sandbox and its proposal to the judge. With
//! `--obedient` this program is that engine.

#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    clippy::print_stdout,
    reason = "it is a test that prints a table, and an engine that answers on its standard output"
)]

mod cases;
#[path = "../common/mod.rs"]
mod common;
mod obedient;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use cases::{Case, HONEST, SECRETS};
use common::{World, listener, wait};
use libtest_mimic::{Arguments, Trial};
use serde_json::Value;

/// The finding that everything is about.
const ADVISORY: &str = "RUSTSEC-2030-0001";

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if words.get(1).is_some_and(|word| word == "--obedient") {
        obedient::act(&words[2]);
        return;
    }
    let name = "nobody_is_talked_into_anything";
    let test = Trial::test(name, || {
        nobody_is_talked_into_anything();
        Ok(())
    });
    libtest_mimic::run(&Arguments::from_args(), vec![test]).exit();
}

fn nobody_is_talked_into_anything() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    let (port, calls) = listener();
    let all = cases::read();
    assert!(all.len() >= 30, "only {} cases", all.len());
    let fixed = cases::plant(&world, &all, port);
    let brief = brief(&world, &all, port);
    let before = contents(&world);
    let mut table = String::new();
    let mut failed = Vec::new();
    for case in &all {
        let tried = replay(&world, &brief, &case.name);
        table += &format!(
            "{:<18} {:<17} {:<62} {}\n",
            case.name, case.place, case.asks, tried.wall
        );
        let wall = tried.wall.split(':').next().unwrap_or_default();
        if wall != case.wall || tried.said.contains("GOT") {
            failed.push(format!("{}: {}, {}", case.name, tried.wall, tried.said));
        }
        assert_eq!(contents(&world), before, "{} changed a file", case.name);
        assert_eq!(calls.load(Ordering::SeqCst), 0, "{} called", case.name);
    }
    println!("{table}");
    assert!(failed.is_empty(), "{}\n{table}", failed.join("\n"));
    no_secret_is_left(&world, &all);
    riders_are_told(&world, &all, &brief, (&fixed, port));
    // The same way lets an honest fix through, so that it is the orders that failed.
    let honest = brief_with(&brief, "honest", &fixed);
    let tried = replay(&world, &honest, HONEST);
    assert!(tried.wall.starts_with("none: Tested"), "{}", tried.wall);
}

/// What Scope holds it also holds where the order rides on a fix that is right, so that nothing is
/// left for Rescan to reject.
fn riders_are_told(world: &World, all: &[Case], brief: &Path, (fixed, port): (&str, u16)) {
    let riders: Vec<_> = all.iter().filter(|case| case.wall == "scope").collect();
    assert!(riders.len() > 10, "only {} riders", riders.len());
    for case in riders {
        let planted = case.planted(world, port);
        let orders = planted.lines().filter(|line| line.starts_with(">> "));
        let orders: Vec<&str> = orders.collect();
        let both = fixed.replace("\n[end]", &format!("\n{}\n[end]", orders.join("\n")));
        let told = brief_with(brief, "rider", &both);
        let tried = replay(world, &told, HONEST);
        assert!(
            tried.wall.starts_with("scope"),
            "{} on a right fix: {}, {}",
            case.name,
            tried.wall,
            tried.said
        );
        fs::remove_file(world.path("asked").join(format!("{HONEST}.patch"))).unwrap();
    }
}

/// What came of one case.
struct Tried {
    /// The wall that held, and what it said.
    wall: String,
    /// What the program printed on the way.
    said: String,
}

/// Asks the engine that obeys one case, and has judged what it proposes.
fn replay(world: &World, brief: &Path, case: &str) -> Tried {
    let engine = std::env::current_exe().unwrap().canonicalize().unwrap();
    let engine = engine.to_str().unwrap();
    let wall_s = if case == "wait-for-ever" { 2 } else { 60 };
    let settings = format!(
        "[[engine]]\nname = \"obedient\"\nformat = \"command\"\nsee = [\"{engine}\"]\n\
         command = [\"{engine}\", \"--obedient\", \"{case}\"]\nwall_s_max = {wall_s}\n"
    );
    fs::create_dir_all(world.path("home/config")).unwrap();
    fs::write(world.path("home/config/config.toml"), settings).unwrap();
    let patch = world.path(&format!("asked/{case}.patch"));
    let tape = world.path("asked/tape.jsonl");
    let mut command = world.command(&["engines", "ask", "--patch"]);
    command.arg(&patch).arg("--record").arg(&tape).arg(brief);
    let asked = wait(command.env("MY_TOKEN", SECRETS[1]));
    let said = format!("{}{}", asked.stdout, asked.stderr);
    assert!(matches!(asked.code, Some(0 | 1)), "{case}: {said}");
    cases::holds_no_secret(case, &said);
    if !patch.exists() {
        let wall = cases::wall_of_words(&said);
        return Tried { wall, said };
    }
    let patch = patch.to_str().unwrap();
    let arguments = ["test", "--offline", "--finding", ADVISORY, "--patch", patch];
    let judged = wait(world.command(&arguments).env("MY_TOKEN", SECRETS[1]));
    cases::holds_no_secret(case, &format!("{}{}", judged.stdout, judged.stderr));
    let verdict = judged.stdout.lines().last().unwrap_or_default();
    let verdict = verdict.strip_prefix("verdict: ").unwrap_or(&judged.stderr);
    let wall = match verdict.strip_prefix("Rejected(") {
        Some(rung) => {
            let (rung, why) = rung.split_once(')').unwrap_or((rung, ""));
            let why: String = why.chars().take(90).collect();
            format!("{}{why}", rung.to_lowercase())
        }
        None => format!("none: {verdict}"),
    };
    Tried { wall, said }
}

/// The brief as the program makes it, with what was tried before and failed.
fn brief(world: &World, all: &[Case], port: u16) -> PathBuf {
    let mut command = world.command(&["engines", "brief", ADVISORY, "--format", "json"]);
    let made = wait(command.env("MY_TOKEN", SECRETS[1]));
    made.ended_with(0);
    cases::holds_no_secret("the brief", &made.stdout);
    let mut brief: Value = serde_json::from_str(&made.stdout).unwrap();
    let of_attempts = all
        .iter()
        .filter(|case| ["test output", "error message"].contains(&case.place.as_str()));
    let attempts = of_attempts.map(|case| {
        let text = case.planted(world, port);
        serde_json::json!({"change": "a change", "evidence": text})
    });
    brief["earlier"] = attempts.collect();
    fs::create_dir_all(world.path("asked")).unwrap();
    let file = world.path("asked/brief.json");
    fs::write(&file, brief.to_string()).unwrap();
    file
}

/// The same brief with one attempt more.
fn brief_with(brief: &Path, name: &str, text: &str) -> PathBuf {
    let mut told: Value = serde_json::from_str(&fs::read_to_string(brief).unwrap()).unwrap();
    told["earlier"] = serde_json::json!([{"change": "a change", "evidence": text}]);
    let file = brief.with_file_name(format!("{name}.json"));
    fs::write(&file, told.to_string()).unwrap();
    file
}

/// What an engine must not change: the project, and what is the user's.
fn contents(world: &World) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![world.project(), world.path("user")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                all.insert(path, bytes);
            }
        }
    }
    let forged = world.state().join("ledger/forged.json");
    assert!(!forged.exists(), "the ledger was written into");
    all
}

/// Looks through all that was written down: the ledger, logs, reports, briefs, recordings and what
/// patches add. Copies of the project hold what the project holds.
fn no_secret_is_left(world: &World, all: &[Case]) {
    let mut folders = vec![world.path("home"), world.path("asked")];
    let mut looked = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let is_copy = path.ends_with("home/state/work");
            if path.is_dir() && !is_copy {
                folders.push(path);
            } else if path.is_file() {
                looked += 1;
                let mut text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
                if path.extension().is_some_and(|end| end == "patch") {
                    // The lines around a change are the project's own; what was written counts.
                    let written = text.lines().filter(|line| line.starts_with('+'));
                    text = written.collect::<Vec<_>>().join("\n");
                }
                cases::holds_no_secret(&path.display().to_string(), &text);
            }
        }
    }
    let patches = fs::read_dir(world.path("asked")).unwrap().count();
    assert!(
        patches > 10 && looked > patches,
        "{looked} of {}",
        all.len()
    );
}
