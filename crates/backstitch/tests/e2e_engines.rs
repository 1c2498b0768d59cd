//! The loop with engines: what the planner has no candidate left for is asked, and what comes back
//! goes up the same ladder. Servers are scripted and on this machine.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod common;

use std::fs;

use common::server::{Answer, Server, engine, proposal, refusal};
use common::{Run, World, manifest, wait};
use serde_json::Value;

/// Two packages whose fixed releases are breaking: their function takes something now.
fn two_breaking_steps(world: &World, commands: &str) {
    for name in ["first", "second"] {
        world.publish(name, "0.1.0", "pub fn answer() -> u32 { 1 }\n");
    }
    let manifest = manifest("first = \"0.1\"\nsecond = \"0.1\"\n");
    world.write(&format!(
        "--- Cargo.toml\n{manifest}\
         --- src/lib.rs\n/// Both.\npub fn both() -> u32 {{\n    first::answer() + second::answer()\n}}\n\
         --- tests/both.rs\n#[test]\nfn both_answer() {{\n    assert_eq!(app::both(), 2);\n}}\n\
         --- backstitch.toml\n[policy]\nbump_max = \"breaking\"\n{commands}"
    ));
    world.lock();
    for (number, name) in [(1, "first"), (2, "second")] {
        world.publish(
            name,
            "0.2.0",
            "pub fn answer(scale: u32) -> u32 { scale }\n",
        );
        world.advise(&format!("RUSTSEC-2030-000{number}"), name, Some("0.2.0"));
    }
    world.import();
    world.commit();
}

/// Commands that take no time: the tests fail as long as the code is not adapted.
const QUICK: &str = "[commands]\nbuild = [\"true\"]\ntest = [\"sh\", \"-c\", \"\"\"
grep -A1 'name = \"first\"' Cargo.lock | grep -q 0.1.0 || grep -q 'first::answer(1)' src/lib.rs
\"\"\"]\n";

/// The edit that adapts the code to one of them, for which each takes `argument`.
fn adapts(package: &str, argument: &str) -> Answer {
    let (search, replace) = (
        format!("{package}::answer()"),
        format!("{package}::answer({argument})"),
    );
    proposal("src/lib.rs", &search, &replace)
}

fn settings(world: &World, engines: &[(&str, &Server)]) {
    let engines: String = engines
        .iter()
        .map(|(name, server)| engine(name, &server.url))
        .collect();
    world.settings(&format!("[engines]\negress = \"loopback\"\n{engines}"));
}

fn repair(world: &World, arguments: &[&str], exit: i32) -> Run {
    let all = [&["run", "--offline", "--format", "json"], arguments].concat();
    let ended = wait(world.command(&all).env("MY_KEY", "opens-nothing-at-all"));
    ended.ended_with(exit);
    Run {
        told: ended.json(),
        ended,
    }
}

/// Who had a turn, and what came of it.
fn turns(run: &Run) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let asks = run.told["asks"].as_array().unwrap();
    asks.iter()
        .map(|ask| (text(&ask["engine"]), text(&ask["outcome"])))
        .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
    pairs.iter().map(owned).collect()
}

#[test]
fn a_run_that_loses_its_first_provider_midway_finishes() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    two_breaking_steps(&world, "");
    let early = Server::new(vec![adapts("first", "1"), Answer::Status(403)]);
    let late = Server::new(vec![adapts("second", "1")]);
    settings(&world, &[("early", &early), ("late", &late)]);
    let run = repair(&world, &[], 0);
    assert_eq!(
        turns(&run),
        pairs(&[
            ("early", "proposed"),
            ("early", "unavailable"),
            ("late", "proposed")
        ])
    );
    assert_eq!(run.verdict("first"), "Tested");
    assert_eq!(run.verdict("second"), "Tested");
    let asked = early.request(0);
    for told in [
        "RUSTSEC-2030-0001",
        "first::answer()",
        "Rejected(Build)",
        "error",
    ] {
        assert!(asked.contains(told), "{told}: {asked}");
    }
    let text = world.git(&["show", &format!("{}:src/lib.rs", run.place())]);
    assert!(
        text.contains("first::answer(1) + second::answer(1)"),
        "{text}"
    );
    let [first, second] = run.items()[..] else {
        panic!("{:?}", run.items())
    };
    for (commit, name) in [(first, "early"), (second, "late")] {
        let message = world.git(&["show", "--no-patch", "--format=%B", commit]);
        for words in [
            "and adapt to it",
            "Verdict: Tested",
            &format!("engine `{name}`"),
        ] {
            assert!(message.contains(words), "{words}: {message}");
        }
    }
    let report = fs::read_to_string(
        std::path::Path::new(run.told["evidence"].as_str().unwrap()).join("report.md"),
    )
    .unwrap();
    assert!(report.contains("## Engines"), "{report}");
    // 500 tokens in and 50 out, twice.
    assert!(
        report.contains("All of it: cost 0.0030, 1100 tokens"),
        "{report}"
    );
    let shown = world.run(&["ledger", "show"]);
    shown
        .printed("asked")
        .printed("early about")
        .printed("may not use");
    world.run(&["ledger", "verify"]).ended_with(0);
    world.is_quiet();
}

#[test]
fn a_refusal_is_told_once_and_what_leaves_scope_is_rejected() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    two_breaking_steps(&world, "");
    let refuses = Server::new(vec![refusal()]);
    let astray = Server::new(vec![
        proposal("tests/both.rs", "assert_eq!(app::both(), 2)", "let _ = 0"),
        proposal("src/lib.rs", "stands nowhere", "x"),
        proposal("Cargo.toml", "first = \"0.1\"", "first = \"0.2\""),
        adapts("first", "2"),
        adapts("first", "1"),
    ]);
    settings(&world, &[("refuses", &refuses), ("astray", &astray)]);
    let run = repair(&world, &["--only", "first"], 1);
    let again = ("astray", "proposed");
    assert_eq!(
        turns(&run),
        pairs(&[("refuses", "refused"), again, again, again, again, again])
    );
    assert_eq!(refuses.asked(), 1);
    let attempts = run.of("first")["attempts"].as_array().unwrap();
    let verdicts: Vec<_> = attempts
        .iter()
        .map(|attempt| {
            let part = |name: &str| {
                attempt["verdict"][name]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            };
            format!("{} {}", part("conclusion"), part("check"))
        })
        .collect();
    assert_eq!(
        verdicts,
        [
            "Rejected Build",
            "Rejected Scope",
            "Rejected Scope",
            "Rejected Scope",
            "Rejected Regress",
            "Tested "
        ]
    );
    // Each question says how the last proposal failed.
    assert!(
        astray
            .request(1)
            .contains("tests, builds or describes the project")
    );
    assert!(astray.request(2).contains("stands nowhere"));
    assert!(
        astray.request(4).contains("Rejected(Regress)"),
        "{}",
        astray.request(4)
    );
    let changed = world.git(&["diff", "--name-only", "main", run.place()]);
    assert_eq!(changed, "Cargo.lock\nCargo.toml\nsrc/lib.rs\n");
    run.ended.said("engine `refuses`");
}

#[test]
fn when_no_engine_is_left_what_needs_none_is_done_and_nothing_is_asked_twice() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    two_breaking_steps(&world, "");
    let same = Server::new(vec![adapts("first", "2")]);
    let closes = Server::new(vec![Answer::Close]);
    settings(&world, &[("same", &same), ("closes", &closes)]);
    let run = repair(&world, &["--only", "first"], 1);
    // The second time it is the same, and then it is not asked any more.
    assert_eq!(same.asked(), 2);
    assert_eq!(run.verdict("first").split(' ').next(), Some("Rejected"));
    assert!(run.told["delivery"].is_null());
    let last = run.told["asks"].as_array().unwrap().last().unwrap();
    assert_eq!(last["engine"], "closes");
    assert_eq!(last["outcome"], "unavailable");
    // Without engines it is as if there were none of this.
    world.settings("");
    let run = repair(&world, &["--only", "first"], 1);
    assert_eq!(turns(&run), []);
    assert_eq!(run.attempts("first").len(), 1);
}

#[test]
fn a_recorded_run_is_played_again_without_a_key_and_without_a_server() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    two_breaking_steps(&world, QUICK);
    let refuses = Server::new(vec![refusal()]);
    let good = Server::new(vec![adapts("first", "2"), adapts("first", "1")]);
    settings(&world, &[("refuses", &refuses), ("good", &good)]);
    let tape = world.path("tape").display().to_string();
    let only = ["--only", "first"];
    let live = repair(&world, &[&only[..], &["--record", &tape]].concat(), 1);
    let asked = (refuses.asked(), good.asked());
    assert_eq!(asked, (1, 2));
    let text = fs::read_to_string(&tape).unwrap();
    assert_eq!(text.lines().count(), 3, "{text}");
    assert!(!text.contains("opens-nothing-at-all"), "{text}");
    let replay = [
        &["run", "--offline", "--format", "json"],
        &only[..],
        &["--replay", &tape],
    ];
    let played = wait(&mut world.command(&replay.concat()));
    played.ended_with(1);
    let told = played.json();
    let played = Run {
        told,
        ended: played,
    };
    assert_eq!(turns(&played), turns(&live));
    assert_eq!(played.attempts("first"), live.attempts("first"));
    assert_eq!((refuses.asked(), good.asked()), asked);
}

#[test]
#[cfg(debug_assertions)]
fn what_was_answered_before_a_kill_is_not_asked_again() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    two_breaking_steps(&world, QUICK);
    let refuses = Server::new(vec![refusal()]);
    let good = Server::new(vec![adapts("first", "2"), adapts("first", "1")]);
    settings(&world, &[("refuses", &refuses), ("good", &good)]);
    let arguments = ["run", "--offline", "--format", "json", "--only", "first"];
    // Each process goes on with the run and is killed after its next event.
    let mut kills = 0;
    let events = loop {
        let mut command = world.command(&arguments);
        command
            .env("MY_KEY", "opens-nothing-at-all")
            .env("BACKSTITCH_TEST_KILL_AFTER_EVENTS", "2");
        assert_eq!(wait(&mut command).code, None);
        kills += 1;
        assert!(kills < 60, "it never ends");
        let events = world.events();
        if events.last().unwrap()["event"] == "run-finished" {
            break events;
        }
    };
    let outcomes: Vec<_> = events
        .iter()
        .filter(|event| event["event"] == "asked")
        .map(|event| event["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["refused", "proposed", "proposed"]);
    assert_eq!((refuses.asked(), good.asked()), (1, 2));
    let run = events[0]["run"].as_str().unwrap();
    let report = world.state().join("evidence").join(run).join("report.json");
    let told: Value = serde_json::from_str(&fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(told["findings"][0]["verdict"]["conclusion"], "Tested");
    assert_eq!(told["asks"].as_array().unwrap().len(), 3);
}
