//! Reproducers in the whole loop: what is proven by them, and what they keep from being claimed.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod common;

use common::{World, manifest};
use serde_json::Value;

/// A library that lets through what it should stop, as each release stops it.
fn release(world: &World, version: &str, stops: &str) {
    let source = format!(
        "pub fn stops(text: &str) -> bool {{ let _ = text; {stops} }}\npub fn answer() -> u32 {{ 1 }}\n"
    );
    world.publish("sieve", version, &source);
}

/// A project that uses `sieve` 1.0.0, which stops nothing, and a reproducer of that.
fn project(world: &World, program: &str) {
    release(world, "1.0.0", "false");
    let manifest = manifest("sieve = \"1\"\n");
    world.write(&format!(
        "--- Cargo.toml\n{manifest}\
         --- src/lib.rs\n#[test]\nfn it_answers() {{ assert_eq!(sieve::answer(), 1) }}\n\
         --- .backstitch/reproducers/sieve-lets-through/reproducer.toml\n\
         advisories = [\"RUSTSEC-2030-0001\"]\necosystem = \"crates.io\"\npackage = \"sieve\"\n\
         shows = \"a bad word is let through\"\nprogram = \"check.rs\"\ntime_limit_s = 5\n\
         inputs = [\"bad\"]\n\
         --- .backstitch/reproducers/sieve-lets-through/check.rs\n{program}\n"
    ));
    world.lock();
}

/// Sees the flaw where the word, in whatever case and with whatever around it, is not stopped.
const HONEST: &str = "\
fn main() {
    let word = std::env::args().nth(1).unwrap();
    assert_eq!(sieve::answer(), 1);
    let is_bad = word.to_lowercase().contains(\"bad\");
    let present = is_bad && !sieve::stops(&word);
    println!(\"{}\", std::env::var(\"BACKSTITCH_TOKEN\").unwrap());
    std::process::exit(if present { 42 } else { 0 });
}";

const STOPS_THE_WORD: &str = "text.to_lowercase().contains(\"bad\")";

fn advise(world: &World, fixed: &str) {
    world.advise("RUSTSEC-2030-0001", "sieve", Some(fixed));
    world.import();
    world.commit();
}

fn outcome(attempt: &Value, phase: &str, check: &str) -> String {
    let checks = attempt[phase].as_array().unwrap();
    let run = checks.iter().find(|run| run["check"] == check).unwrap();
    run["outcome"].as_str().unwrap().to_owned()
}

#[test]
fn a_fix_that_turns_the_reproducer_and_its_variants_green_is_proven() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    project(&world, HONEST);
    release(&world, "1.0.1", STOPS_THE_WORD);
    advise(&world, "1.0.1");
    let run = world.repair(&[], 0);
    assert_eq!(run.attempts("sieve"), [("1.0.1".into(), "Proven".into())]);
    let attempt = &run.of("sieve")["attempts"][0];
    for check in ["Reproduce", "Re-attack"] {
        assert_eq!(outcome(attempt, "after", check), "passed");
    }
    assert_eq!(outcome(attempt, "before", "Reproduce"), "failed");
    let message = world.git(&["show", "--no-patch", "--format=%B", run.place()]);
    assert!(message.contains("Verdict: Proven"), "{message}");
    assert!(message.contains("the project's own"), "{message}");
    world.run(&["ledger", "verify"]).ended_with(0);
    world.is_quiet();
}

#[test]
fn a_release_that_is_called_fixed_and_is_not_is_rejected_and_the_next_is_tried() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    project(&world, HONEST);
    release(&world, "1.0.1", "false");
    release(&world, "1.1.0", STOPS_THE_WORD);
    advise(&world, "1.0.1");
    let run = world.repair(&[], 0);
    assert_eq!(
        run.attempts("sieve"),
        [
            ("1.0.1".into(), "Rejected".into()),
            ("1.1.0".into(), "Proven".into())
        ]
    );
    let rejected = &run.of("sieve")["attempts"][0]["verdict"];
    assert_eq!(rejected["check"], "Reproduce");
    let why = rejected["why"].as_str().unwrap();
    assert!(why.contains("a bad word is let through"), "{why}");
}

#[test]
fn a_fix_that_stops_only_the_listed_input_is_rejected_by_re_attack() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    project(&world, HONEST);
    release(&world, "1.0.1", "text == \"bad\"");
    advise(&world, "1.0.1");
    let run = world.repair(&[], 1);
    assert_eq!(run.attempts("sieve"), [("1.0.1".into(), "Rejected".into())]);
    let verdict = &run.of("sieve")["attempts"][0]["verdict"];
    assert_eq!(verdict["check"], "Re-attack");
    assert!(world.branches().is_empty());
}

#[test]
fn a_reproducer_that_is_not_red_before_proves_nothing_and_is_told_so() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    project(&world, "fn main() { let _ = sieve::answer(); }");
    release(&world, "1.0.1", STOPS_THE_WORD);
    advise(&world, "1.0.1");
    let run = world.repair(&[], 0);
    assert_eq!(run.attempts("sieve"), [("1.0.1".into(), "Tested".into())]);
    let attempt = &run.of("sieve")["attempts"][0];
    assert_eq!(outcome(attempt, "after", "Reproduce"), "not-run");
    let told = attempt["after"].to_string();
    assert!(
        told.contains("not red before, so it proves nothing"),
        "{told}"
    );
}

#[test]
fn a_release_that_ends_the_process_is_not_taken_for_one_without_the_flaw() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    project(&world, HONEST);
    release(
        &world,
        "1.0.1",
        "println!(\"absent\"); std::process::exit(0)",
    );
    advise(&world, "1.0.1");
    let run = world.repair(&[], 0);
    let attempt = &run.of("sieve")["attempts"][0];
    assert_eq!(attempt["verdict"]["conclusion"], "Tested");
    let told = attempt["after"].to_string();
    assert!(
        told.contains("before the reproducer had come to its end"),
        "{told}"
    );
}

#[test]
fn a_reproducer_that_hangs_writes_outside_or_pretends_is_contained_and_inconclusive() {
    for (program, wanted) in [
        (
            "loop { std::thread::sleep(std::time::Duration::from_secs(1)) }",
            "out of time",
        ),
        (
            "for place in [\"/etc/backstitch\", \"/sandbox/cargo-home/x\", \"/x\"] { \
             assert!(std::fs::write(place, \"x\").is_err(), \"{place} was written\"); } \
             println!(\"ok: 42 passed, flaw present, exit code 42\"); std::process::exit(7)",
            "exit code 7",
        ),
    ] {
        let Some(world) = World::sandboxed() else {
            return;
        };
        project(
            &world,
            &format!("fn main() {{ let _ = sieve::answer(); {program} }}"),
        );
        release(&world, "1.0.1", STOPS_THE_WORD);
        advise(&world, "1.0.1");
        let run = world.repair(&[], 0);
        let attempt = &run.of("sieve")["attempts"][0];
        assert_eq!(attempt["verdict"]["conclusion"], "Tested", "{wanted}");
        let before = attempt["before"].to_string();
        assert!(before.contains(wanted), "{before}");
        world.is_quiet();
    }
}

#[test]
fn a_check_accepts_what_tells_two_releases_apart_and_contains_and_refuses_the_rest() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    release(&world, "1.0.0", "false");
    release(&world, "1.0.1", STOPS_THE_WORD);
    let planted = world.project().join("planted");
    let token = "println!(\"{}\", std::env::var(\"BACKSTITCH_TOKEN\").unwrap());";
    let ends = |what: &str| format!("fn main() {{ let _ = sieve::answer(); {what} }}");
    let cases = [
        (
            "honest",
            HONEST.to_owned(),
            "accepted  honest: red on sieve 1.0.0, green on 1.0.1",
        ),
        (
            "always-red",
            ends(&format!("{token} std::process::exit(42)")),
            "refused   always-red: on 1.0.1, which has not the flaw, it saw the flaw",
        ),
        (
            "always-green",
            ends(token),
            "refused   always-green: on 1.0.0, which has the flaw, it saw no flaw",
        ),
        (
            "hangs",
            ends("loop { std::thread::sleep(std::time::Duration::from_secs(1)) }"),
            "refused   hangs: on 1.0.0, which has the flaw, it could not tell: out of time",
        ),
        (
            "writes-outside",
            ends(&format!(
                "for place in [{planted:?}, \"../planted\", \"/planted\"] {{ \
                 let _ = std::fs::write(place, \"x\"); }} std::process::exit(7)"
            )),
            "refused   writes-outside: on 1.0.0, which has the flaw, it could not tell: exit code 7",
        ),
        (
            "pretends",
            ends(
                "println!(\"accepted  pretends: red on sieve 1.0.0, green on 1.0.1\"); \
                 println!(\"pretends-1\"); println!(\"exit code 42\"); std::process::exit(8)",
            ),
            "refused   pretends: on 1.0.0, which has the flaw, it could not tell: exit code 8",
        ),
        (
            "ends-early",
            ends("let _ = \"BACKSTITCH_TOKEN\"; std::process::exit(42)"),
            "it could not tell: the process ended before the reproducer had come to its end",
        ),
    ];
    for (name, program, _) in &cases {
        world.write(&format!(
            "--- .backstitch/reproducers/{name}/reproducer.toml\n\
             advisories = [\"RUSTSEC-2030-0001\"]\necosystem = \"crates.io\"\npackage = \"sieve\"\n\
             shows = \"a bad word is let through\"\nprogram = \"check.rs\"\ntime_limit_s = 5\n\
             inputs = [\"bad\"]\n[seen]\nvulnerable = \"1.0.0\"\nfixed = \"1.0.1\"\n\
             --- .backstitch/reproducers/{name}/check.rs\n{program}\n"
        ));
    }
    let mut arguments = vec!["reproducer", "check", "--offline"];
    arguments.extend(cases.iter().map(|(name, ..)| *name));
    let ended = world.run(&arguments);
    ended.ended_with(1);
    assert_eq!(ended.stdout, "1 accepted, 6 refused, 0 not run\n");
    for (_, _, wanted) in &cases {
        ended.said(wanted);
    }
    assert!(!planted.exists());
    assert!(!std::path::Path::new("/planted").exists());
}

#[test]
fn a_reproducer_is_begun_listed_and_refused_until_it_is_filled_in() {
    let world = World::new();
    world
        .run(&[
            "reproducer",
            "new",
            "mine",
            "--ecosystem",
            "crates.io",
            "--package",
            "sieve",
            "--advisory",
            "CVE-2030-1",
            "--folder",
            "own",
        ])
        .ended_with(0)
        .said("reproducer check mine");
    let list = world.run(&[
        "reproducer",
        "list",
        "--reproducers",
        "own",
        "--format",
        "json",
    ]);
    list.ended_with(0);
    let listed = list.json();
    let all = listed["reproducers"].as_array().unwrap();
    let mine = all.iter().find(|one| one["name"] == "mine").unwrap();
    assert_eq!(mine["origin"], "own");
    assert!(all.len() > 45);
    world
        .run(&["reproducer", "check", "no-such-thing"])
        .ended_with(3)
        .said("no-such-thing");
}
