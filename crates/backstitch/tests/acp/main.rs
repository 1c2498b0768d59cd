//! Coding agents that really connect: this program is the test, and with `--agent` it is the
//! agent, which Backstitch starts in the sandbox and talks with.

#![allow(
    clippy::unwrap_used,
    clippy::allow_attributes,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is a test, and an agent that talks over its standard output"
)]

mod agent;
#[path = "../common/mod.rs"]
mod common;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use common::{Ended, World, listener, wait};
use libtest_mimic::{Arguments, Trial};

type Test = fn();

const TESTS: &[(&str, Test)] = &[
    (
        "an_agent_s_difference_is_proven_and_played_back_without_it",
        an_agent_s_difference_is_proven_and_played_back_without_it,
    ),
    (
        "every_end_of_an_agent_has_an_outcome_and_none_hangs",
        every_end_of_an_agent_has_an_outcome_and_none_hangs,
    ),
    (
        "what_an_agent_asks_for_outside_its_copy_it_does_not_get",
        what_an_agent_asks_for_outside_its_copy_it_does_not_get,
    ),
    (
        "an_agent_gets_a_network_only_where_the_settings_open_it",
        an_agent_gets_a_network_only_where_the_settings_open_it,
    ),
];

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if words.get(1).is_some_and(|word| word == "--agent") {
        agent::act(&words[2..]);
        return;
    }
    let tests = TESTS.iter().map(|(name, test)| {
        Trial::test(*name, || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), tests.collect()).exit();
}

fn program() -> PathBuf {
    std::env::current_exe().unwrap().canonicalize().unwrap()
}

/// An engine that is this program with a part to play.
fn entry(name: &str, words: &[&str], more: &str) -> String {
    let program = program();
    let program = program.to_str().unwrap();
    let words: Vec<_> = [program, "--agent"]
        .iter()
        .chain(words)
        .map(|word| format!("{word:?}"))
        .collect();
    format!(
        "[[engine]]\nname = \"{name}\"\nformat = \"acp\"\nsee = [\"{program}\"]\n\
         command = [{}]\n{more}\n",
        words.join(", ")
    )
}

fn settings(world: &World, text: &str) {
    let folder = world.path("home/config");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("config.toml"), text).unwrap();
}

fn flat(ended: &Ended) -> String {
    let words = ended.stdout.split_whitespace();
    words.collect::<Vec<_>>().join(" ")
}

fn an_agent_s_difference_is_proven_and_played_back_without_it() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    let text = ["protocol", "hands"].map(|part| entry(part, &[part], ""));
    settings(&world, &text.concat());
    let tape = world.path("tape.jsonl");
    let tape = tape.to_str().unwrap();
    let ended = wait(&mut world.command(&["engines", "check", "--record", tape]));
    ended.ended_with(0);
    let told = flat(&ended);
    assert!(told.contains("2 of 2 work"), "{told}{}", ended.stderr);
    // Played back where no agent can be started.
    settings(&world, &text.concat().replace("--agent", "--gone"));
    let again = wait(&mut world.command(&["engines", "check", "--replay", tape]));
    again.ended_with(0);
    let listed = wait(&mut world.command(&["engines"]));
    assert!(flat(&listed).contains("acp"), "{}", listed.stdout);
}

fn every_end_of_an_agent_has_an_outcome_and_none_hangs() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    let cases = [
        ("idle", "no change", "all is well"),
        ("refuses", "refused", "I will not"),
        ("declines", "refused, it seems", "can't help"),
        ("full", "malformed", "no more room"),
        ("tires", "malformed", "as often as it may"),
        ("cancels", "unavailable", "says that it was cancelled"),
        ("removes", "malformed", "removed `sum.sh`"),
        ("polite", "unavailable", "until it was told to"),
        ("hangs", "unavailable", "did not stop when it was told to"),
        ("deaf", "unavailable", "did not end"),
        ("floods", "unavailable", "more than is read"),
        ("talks", "malformed", "no message of JSON-RPC: hello"),
        ("strange", "malformed", "cannot be read"),
        ("later", "unavailable", "version"),
        ("locked", "unavailable", "wants a login"),
        ("dies", "unavailable", "code 3: my last words"),
    ];
    let text = cases.map(|(part, ..)| {
        let wall_s = if part == "floods" { 60 } else { 4 };
        entry(part, &[part], &format!("wall_s_max = {wall_s}"))
    });
    settings(&world, &text.concat());
    let began = Instant::now();
    let ended = wait(&mut world.command(&["engines", "check"]));
    // Three of them use all of their time, and one does not get to.
    assert!(began.elapsed() < Duration::from_secs(60), "something hung");
    ended.ended_with(1);
    for (part, outcome, words) in cases {
        let alone = row(&ended.stdout, part);
        assert!(
            alone.contains(outcome) && alone.contains(words),
            "{part}: {outcome}, {words}: {alone}\n{}",
            ended.stdout
        );
    }
    assert!(flat(&ended).contains("0 of 16 work"), "{}", ended.stdout);
    world.is_quiet();
}

/// One engine's row of the table: what its columns say, lines joined.
fn row(table: &str, name: &str) -> String {
    let lines = table.lines().map(str::trim_end);
    let from = lines.skip_while(|line| line.split_whitespace().next() != Some(name));
    let row = from.take_while(|line| !line.starts_with('─'));
    let words: Vec<&str> = row.flat_map(str::split_whitespace).collect();
    words.join(" ")
}

fn what_an_agent_asks_for_outside_its_copy_it_does_not_get() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    let (port, calls) = listener();
    let secret = world.path("user/.ssh");
    fs::create_dir_all(&secret).unwrap();
    fs::write(secret.join("id_rsa"), "hunter2-hunter2-1").unwrap();
    let user = world.path("user");
    let words = ["pries", &port.to_string(), user.to_str().unwrap()];
    settings(&world, &entry("pries", &words, ""));
    let mut command = world.command(&["engines", "check"]);
    let ended = wait(command.env("MY_TOKEN", "hunter3-hunter3-1"));
    ended.ended_with(1);
    let told = flat(&ended);
    // It says what it got, and asked for four permissions that it must not have.
    assert!(told.contains("got: nothing"), "{told}{}", ended.stderr);
    assert!(told.contains("4 requests"), "{told}");
    assert_eq!(calls.load(Ordering::SeqCst), 0, "it reached this machine");
    assert!(!user.join("written").exists());
}

fn an_agent_gets_a_network_only_where_the_settings_open_it() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    let (port, calls) = listener();
    let calling = entry("calls", &["calls", &port.to_string()], "network = true");
    settings(&world, &calling);
    let ended = wait(&mut world.command(&["engines", "check"]));
    ended.ended_with(1);
    assert!(flat(&ended).contains("egress"), "{}", ended.stdout);
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    settings(
        &world,
        &format!("[engines]\negress = \"listed\"\n{calling}"),
    );
    let ended = wait(&mut world.command(&["engines", "check"]));
    assert!(flat(&ended).contains("it called"), "{}", ended.stdout);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}
