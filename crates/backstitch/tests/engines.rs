//! The program and its engines: what is asked, what is told, and what stays here. Servers are
//! scripted and on this machine.

#![allow(clippy::unwrap_used, clippy::allow_attributes, reason = "it is a test")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use common::server::{Answer, Server, completion, engine};
use common::{Ended, World, wait};

/// A key that was never anybody's.
const KEY: &str = "test-key-that-opens-nothing";

/// What mends the bundled repair.
const REPAIR: &str = r#"{"edits":[{"path":"sum.sh","search":"-lt","replace":"-le"}],"what_was_wrong":"the last number was left out","why_this_fixes_it":"it is counted now","regression_test":null}"#;

fn run(world: &World, arguments: &[&str]) -> Ended {
    let ended = wait(world.command(arguments).env("MY_KEY", KEY));
    for said in [&ended.stdout, &ended.stderr] {
        assert!(!said.contains(KEY), "{said}");
    }
    ended
}

/// A table's text, without what differs from run to run.
fn told(ended: &Ended) -> String {
    let words = ended.stdout.split_whitespace();
    let words = words.filter(|word| word.parse::<f64>().is_err() && *word != "s");
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn without_settings_there_is_no_engine_and_that_is_said() {
    let world = World::new();
    let ended = run(&world, &["engines"]);
    ended.ended_with(0);
    assert!(ended.stdout.contains("no engine"), "{}", ended.stdout);
    assert!(ended.stdout.contains("egress    none"));
    let ended = run(&world, &["engines", "check"]);
    ended.ended_with(3);
    assert!(ended.stderr.contains("config.toml"), "{}", ended.stderr);
}

#[test]
fn settings_of_engines_are_the_user_s_and_no_project_s() {
    let world = World::new();
    let server = Server::new(vec![Answer::Body(completion(REPAIR, "stop"))]);
    let text = format!(
        "[engines]\negress = \"listed\"\n{}",
        engine("theirs", &server.url)
    );
    for place in [
        "config.toml",
        "backstitch/config.toml",
        ".config/backstitch/config.toml",
    ] {
        let file = world.project().join(place);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, &text).unwrap();
    }
    let ended = run(&world, &["engines"]);
    assert!(ended.stdout.contains("no engine"), "{}", ended.stdout);
    // The user may name a file; then it counts.
    let file = world.project().join("config.toml");
    let ended = wait(world.command(&["engines"]).env("BACKSTITCH_CONFIG", &file));
    assert!(ended.stdout.contains("theirs"), "{}", ended.stdout);
    assert!(server.asked() == 0);
}

#[test]
fn nothing_is_sent_while_egress_is_none() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    let server = Server::new(vec![Answer::Body(completion(REPAIR, "stop"))]);
    world.settings(&engine("local", &server.url));
    let ended = run(&world, &["engines", "check"]);
    ended.ended_with(1);
    assert!(ended.stdout.contains("unavailable"), "{}", ended.stdout);
    assert!(server.asked() == 0);
}

#[test]
fn a_check_runs_the_proof_and_plays_back_without_the_server() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    let wrong = REPAIR.replace("-le", "-eq");
    let astray = REPAIR.replace("-lt", "-xx");
    let servers = [
        completion(REPAIR, "stop"),
        completion(&wrong, "stop"),
        completion(&astray, "stop"),
        completion("", "content_filter"),
    ]
    .map(|answer| Server::new(vec![Answer::Body(answer)]));
    let names = ["good", "wrong", "astray", "refusing"];
    let engines = names.iter().zip(&servers);
    let engines: String = engines
        .map(|(name, server)| engine(name, &server.url))
        .collect();
    world.settings(&format!("[engines]\negress = \"loopback\"\n{engines}"));
    let tape = world.path("tape.jsonl");
    let tape = tape.to_str().unwrap();
    let ended = run(&world, &["engines", "check", "--record", tape]);
    ended.ended_with(1);
    for wanted in [
        "red before, green after",
        "still fails",
        "nowhere",
        "refused",
        "1 of 4 work",
        // 500 tokens in and 50 out.
        "0.0015",
    ] {
        let flat = ended
            .stdout
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(flat.contains(wanted), "{wanted}: {}", ended.stdout);
    }
    let request = servers[0].request(0);
    assert!(
        request.contains(&format!("authorization: Bearer {KEY}")),
        "{request}"
    );
    let recording = fs::read_to_string(tape).unwrap();
    assert_eq!(recording.lines().count(), 4);
    assert!(!recording.contains(KEY), "{recording}");
    // Played back, with no key and nothing asked.
    let again = wait(&mut world.command(&["engines", "check", "--replay", tape]));
    again.ended_with(1);
    assert_eq!(told(&again), told(&ended));
    assert!(servers.iter().all(|server| server.asked() == 1));
    run(&world, &["engines", "check", "good"]).ended_with(0);
}

#[test]
fn a_program_gets_the_brief_and_sees_nothing_else() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    let folder = world.path("tool");
    fs::create_dir(&folder).unwrap();
    let script = format!(
        "grep -q '\"location\":\"sum.sh\"' || exit 9\n\
         [ -z \"$MY_KEY\" ] || exit 8\n\
         [ \"$MINE\" = yes ] || exit 7\n\
         [ ! -e {} ] || exit 6\n\
         cat <<'END'\n{REPAIR}\nEND\n",
        world.project().display()
    );
    fs::write(folder.join("fix.sh"), script).unwrap();
    let tool = folder.display();
    let entry = |words: &str, more: &str| {
        format!(
            "[[engine]]\nname = \"{words}\"\nformat = \"command\"\nenv = [\"MINE\"]\n\
             see = [\"{tool}\"]\ncommand = [\"/bin/sh\", \"{tool}/{words}.sh\"]\n{more}"
        )
    };
    let text = format!("{}{}", entry("fix", ""), entry("gone", ""));
    world.settings(&text);
    let mut command = world.command(&["engines", "check"]);
    let ended = wait(command.env("MY_KEY", KEY).env("MINE", "yes"));
    assert!(
        ended.stdout.contains("1 of 2 work"),
        "{}{}",
        ended.stdout,
        ended.stderr
    );
    assert!(ended.stdout.contains("its program"), "{}", ended.stdout);
    // What it was given it may print, and nobody is told.
    fs::write(
        folder.join("gone.sh"),
        "echo it is $MINE; echo it is $MINE >&2; exit 3\n",
    )
    .unwrap();
    let tape = world.path("tape.jsonl");
    let mut command = world.command(&[
        "engines",
        "check",
        "gone",
        "--record",
        tape.to_str().unwrap(),
    ]);
    let ended = wait(command.env("MINE", KEY));
    ended.ended_with(1);
    assert!(ended.stdout.contains("code 3: it is"), "{}", ended.stdout);
    let recording = fs::read_to_string(&tape).unwrap();
    for told in [&ended.stdout, &ended.stderr, &recording] {
        assert!(!told.contains(KEY), "{told}");
    }
    let mode = fs::metadata(&tape).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "a recording is the user's alone");
    // A network is only there where the settings open it.
    world.settings(&entry("fix", "network = true\n"));
    let mut command = world.command(&["engines", "check"]);
    let ended = wait(command.env("MINE", "yes"));
    ended.ended_with(1);
    assert!(ended.stdout.contains("egress"), "{}", ended.stdout);
}

#[test]
fn a_brief_is_shown_as_it_would_be_sent_and_holds_no_secret() {
    let world = World::new();
    world.publish("weak", "1.0.0", "");
    world.advise("RUSTSEC-2030-0001", "weak", Some("1.0.1"));
    world.import();
    world.write(
        "--- Cargo.toml\n[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n\
         [dependencies]\nweak = \"1\"\n\
         --- src/lib.rs\nuse weak::thing;\nconst API_TOKEN: &str = \"hunter2-hunter2-1\";\n\
         --- src/other.rs\nfn nothing() {}\n",
    );
    fs::write(world.project().join(".env"), "NAME=hunter3-hunter3-1\n").unwrap();
    fs::write(
        world.project().join("src/far.rs"),
        "// weak, hunter4-hunter4-1\n",
    )
    .unwrap();
    world.lock();
    let mut command = world.command(&["engines", "brief", "RUSTSEC-2030-0001"]);
    let text = wait(command.env("MY_TOKEN", "hunter4-hunter4-1"));
    text.ended_with(0);
    let mut command = world.command(&["engines", "brief", "RUSTSEC-2030-0001", "--format", "json"]);
    let json = wait(command.env("MY_TOKEN", "hunter4-hunter4-1"));
    json.ended_with(0);
    for shown in [&text.stdout, &json.stdout] {
        for wanted in ["use weak::thing;", "weak = ", "1.0.1", "[redacted:"] {
            assert!(shown.contains(wanted), "{wanted}: {shown}");
        }
        for secret in ["hunter2", "hunter3", "hunter4"] {
            assert!(!shown.contains(secret), "{secret}: {shown}");
        }
        assert!(!shown.contains("fn nothing"), "{shown}");
    }
    assert_eq!(json.json()["format"], 1);
    // The same, asked about by the lockfile.
    let arguments = [
        "engines",
        "brief",
        "RUSTSEC-2030-0001",
        "Cargo.lock",
        "--format",
        "json",
    ];
    let mut command = world.command(&arguments);
    let by_lockfile = wait(command.env("MY_TOKEN", "hunter4-hunter4-1"));
    assert!(
        by_lockfile.stdout.contains("use weak::thing;"),
        "{}",
        by_lockfile.stderr
    );
    let ended = run(&world, &["engines", "brief", "CVE-1999-1"]);
    ended.ended_with(3);
}
