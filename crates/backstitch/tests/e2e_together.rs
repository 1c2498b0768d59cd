//! Many fixes for the price of a few test runs: what is tested together, who is blamed, and that
//! what is delivered was verified as it is.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod common;

use std::fmt::Write as _;

use backstitch_fixture::Package;
use common::{World, manifest};

fn answer(answer: u32) -> String {
    format!("pub fn answer() -> u32 {{ {answer} }}\n")
}

/// Do the tests tell by their names which package they are about?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tests {
    Telling,
    Silent,
}

/// A project with `count` vulnerable packages, of which those in `bad` have a fix that breaks
/// a test.
fn project(world: &World, count: usize, bad: &[usize], requirement: &str, kind: Tests) {
    let (mut requirements, mut tests) = (String::new(), String::new());
    for number in 0..count {
        let name = format!("part{number}");
        world.publish(&name, "1.0.0", &answer(1));
        writeln!(requirements, "{name} = \"{requirement}\"").unwrap();
        let test = match kind {
            Tests::Telling => format!("{name}_answers"),
            Tests::Silent => format!("number_{number}"),
        };
        writeln!(
            tests,
            "#[test]\nfn {test}() {{ assert_eq!({name}::answer(), 1) }}"
        )
        .unwrap();
        world.advise(&format!("RUSTSEC-2030-{number:04}"), &name, Some("1.0.1"));
    }
    let manifest = manifest(&requirements);
    world.write(&format!(
        "--- Cargo.toml\n{manifest}--- src/lib.rs\n{tests}"
    ));
    world.lock();
    for number in 0..count {
        let broken = u32::from(bad.contains(&number));
        world
            .registry
            .publish(&Package::new(&format!("part{number}"), "1.0.1").source(&answer(1 + broken)));
    }
    world.import();
    world.commit();
}

/// How often the tests ran on a changed tree that is not the delivered one.
fn runs(world: &World) -> usize {
    let events = world.events();
    let tested = events
        .iter()
        .filter(|event| event["event"] == "checked" && event["run"]["check"] == "Regress");
    let tried = tested.filter(|event| {
        let attempt = event["attempt"].as_str().unwrap();
        !attempt.starts_with("delivered")
    });
    tried.count()
}

#[test]
fn fixes_that_touch_different_things_are_tested_once_and_each_is_a_commit() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    project(&world, 4, &[], "1", Tests::Silent);
    let run = world.repair(&[], 0);
    for number in 0..4 {
        let attempts = run.attempts(&format!("part{number}"));
        assert_eq!(attempts, [("1.0.1".into(), "Tested".into())]);
    }
    assert_eq!(run.items().len(), 4);
    assert_eq!(runs(&world), 1);
    let message = world.git(&["show", "--no-patch", "--format=%B", run.place()]);
    assert!(message.contains("run with 3 more fixes"), "{message}");
}

#[test]
fn the_one_to_blame_is_found_by_halving_and_the_others_are_delivered() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    project(&world, 8, &[5], "1", Tests::Silent);
    let run = world.repair(&[], 1);
    for number in [0, 1, 2, 3, 4, 6, 7] {
        let attempts = run.attempts(&format!("part{number}"));
        assert_eq!(attempts, [("1.0.1".into(), "Tested".into())], "{number}");
    }
    let blamed = &run.of("part5")["attempts"][0]["verdict"];
    assert_eq!(blamed["check"], "Regress");
    let why = blamed["why"].as_str().unwrap();
    assert!(why.contains("number_5"), "{why}");
    assert_eq!(run.items().len(), 7);
    // All at once, three halvings, and the rest at once.
    assert!(runs(&world) <= 6, "{}", runs(&world));
    world.is_quiet();
}

#[test]
fn those_that_a_failure_names_go_last_and_the_others_are_not_searched() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    project(&world, 8, &[2, 5], "1", Tests::Telling);
    let run = world.repair(&[], 1);
    for number in [0, 1, 3, 4, 6, 7] {
        let attempts = run.attempts(&format!("part{number}"));
        assert_eq!(attempts, [("1.0.1".into(), "Tested".into())], "{number}");
    }
    for number in [2, 5] {
        let blamed = &run.of(&format!("part{number}"))["attempts"][0]["verdict"];
        assert_eq!(blamed["check"], "Regress");
        let why = blamed["why"].as_str().unwrap();
        assert!(why.contains(&format!("part{number}_answers")), "{why}");
    }
    assert_eq!(run.items().len(), 6);
    let spoken = "the 8 together fail, and that speaks of part2, part5";
    run.ended.said(spoken);
    // All at once, the six, each of the two alone, and both as one step of everything.
    assert!(runs(&world) <= 5, "{}", runs(&world));
    world.is_quiet();
}

#[test]
fn edits_of_one_manifest_are_merged_and_none_is_lost() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    project(&world, 3, &[], "=1.0.0", Tests::Silent);
    let run = world.repair(&[], 0);
    assert_eq!(run.items().len(), 3);
    let text = world.git(&["show", &format!("{}:Cargo.toml", run.place())]);
    assert_eq!(text.matches("\"=1.0.1\"").count(), 3, "{text}");
    let first = world.git(&["show", &format!("{}:Cargo.toml", run.items()[0])]);
    assert_eq!(first.matches("\"=1.0.1\"").count(), 1, "{first}");
}
