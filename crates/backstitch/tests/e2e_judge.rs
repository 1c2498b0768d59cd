//! `backstitch test`: one judge for anyone's change, on a small C project, a repository, a
//! dependency's upgrade and what another scanner reported.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Ended, World, manifest, program, succeed, wait};

/// Prints the field of a line that its first character numbers, and reads past the end for a
/// number that is too large.
const PROJECT: &str = r#"
--- field.c
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *names[] = {"zero", "one", "two", "three"};

static const char *field(int number) {
    return names[number];
}

int main(int argc, char **argv) {
    char line[64] = "";
    FILE *file = argc > 1 ? fopen(argv[1], "r") : NULL;
    if (file == NULL || fgets(line, sizeof line, file) == NULL) {
        fprintf(stderr, "nothing to read\n");
        return 2;
    }
    fclose(file);
    printf("%s\n", field(atoi(line)));
    return 0;
}
--- Makefile
CFLAGS ?= -O1 -g
field: field.c
	$(CC) $(CFLAGS) -o $@ field.c $(LDFLAGS)
check: field
	sh ./check.sh
--- check.sh
set -e
is() {
    echo $1 > /tmp/in
    [ "$(./field /tmp/in)" = $2 ] && echo "PASS: field $1" || echo "FAIL: field $1"
}
is 0 zero
is 1 one
is 3 three
"#;

const FLAW: &str = "    return names[number];\n";

/// A patch of `field.c` that puts one text in the place of another.
fn patch(from: &str, to: &str) -> String {
    let begin = PROJECT.find("#include").unwrap();
    let before = &PROJECT[begin..PROJECT.find("--- Makefile").unwrap()];
    assert!(before.contains(from), "{from}");
    diffy::DiffOptions::new()
        .set_original_filename("a/field.c")
        .set_modified_filename("b/field.c")
        .create_patch(before, &before.replace(from, to))
        .to_string()
}

/// Checks the number against the table.
fn right() -> String {
    let check = "    if (number < 0 || (size_t)number >= sizeof names / sizeof names[0]) {\n        \
                 return \"unknown\";\n    }\n";
    patch(FLAW, &format!("{check}{FLAW}"))
}

/// Stops the number that is known to crash.
fn wrong() -> String {
    let check = "    if (number > 70000000) {\n        return \"unknown\";\n    }\n";
    patch(FLAW, &format!("{check}{FLAW}"))
}

fn world() -> Option<World> {
    let world = World::sandboxed()?;
    world.import_nothing_much();
    world.write(PROJECT);
    fs::write(world.path("crash"), "90000000\n").unwrap();
    fs::write(world.path("good"), "2\n").unwrap();
    Some(world)
}

/// Judges a patch of the project with its reproducer.
fn attacked(world: &World, patch: &str) -> Ended {
    let file = world.path("given.patch");
    fs::write(&file, patch).unwrap();
    let (crash, good) = (world.path("crash"), world.path("good"));
    world.run(&[
        "test",
        "--offline",
        "--patch",
        file.to_str().unwrap(),
        "--reproducer",
        "./field {input}",
        "--input",
        crash.to_str().unwrap(),
        "--benign",
        good.to_str().unwrap(),
        "--oracle",
        "exit-signal",
    ])
}

fn judged(world: &World, patch: &str) -> Ended {
    let file = world.path("given.patch");
    fs::write(&file, patch).unwrap();
    world.run(&["test", "--offline", "--patch", file.to_str().unwrap()])
}

/// The last line says the verdict.
#[track_caller]
fn verdict(ended: &Ended) -> &str {
    let last = ended.stdout.lines().last().unwrap_or_default();
    last.strip_prefix("verdict: ")
        .unwrap_or_else(|| panic!("{}\n{}", ended.stdout, ended.stderr))
}

#[test]
fn a_right_fix_is_proven_and_one_that_stops_only_the_listed_input_is_rejected() {
    let Some(world) = world() else { return };
    let right = attacked(&world, &right());
    right.ended_with(0).printed("make").is_tame();
    assert_eq!(verdict(&right), "Proven");
    let wrong = attacked(&world, &wrong());
    wrong
        .ended_with(1)
        .printed("built and tested by an earlier run");
    assert!(
        verdict(&wrong).starts_with("Rejected(Re-attack)"),
        "{}",
        wrong.stdout
    );
    let left = fs::read_dir(world.state().join("work")).unwrap();
    for kept in left.map(|entry| entry.unwrap()) {
        assert!(kept.file_name().to_string_lossy().starts_with("base-"));
        let mut trees = fs::read_dir(kept.path().join("trees")).unwrap();
        assert!(trees.all(|tree| {
            tree.unwrap()
                .file_name()
                .to_string_lossy()
                .starts_with("base")
        }));
    }
    world.run(&["ledger", "verify"]).ended_with(0);
    let events = world.events();
    let last = events.iter().find(|event| event["event"] == "judged");
    assert!(
        last.unwrap()["verdict"]
            .as_str()
            .unwrap()
            .starts_with("Rejected")
    );
}

#[test]
fn what_was_not_red_proves_nothing_and_what_is_missing_is_not_green() {
    let Some(world) = world() else { return };
    fs::write(world.path("crash"), "1\n").unwrap();
    let not_red = attacked(&world, &right());
    not_red.ended_with(4);
    assert!(
        verdict(&not_red).starts_with("Inconclusive"),
        "{}",
        not_red.stdout
    );
    let file = world.path("given.patch");
    let missing = world.run(&[
        "test",
        "--offline",
        "--patch",
        file.to_str().unwrap(),
        "--reproducer",
        "./no-such-program",
    ]);
    missing.ended_with(4);
    assert!(
        verdict(&missing).starts_with("Inconclusive"),
        "{}",
        missing.stdout
    );
}

#[test]
fn a_change_that_claims_nothing_is_clean_or_breaks_something() {
    let Some(world) = world() else { return };
    let clean = judged(&world, &right());
    clean.ended_with(0);
    assert!(verdict(&clean).starts_with("Clean"), "{}", clean.stdout);
    let breaks = judged(&world, &patch(FLAW, "    return names[number / 2];\n"));
    breaks.ended_with(1);
    assert!(
        verdict(&breaks).starts_with("Rejected("),
        "{}",
        breaks.stdout
    );
    let does_not_build = judged(&world, &patch(FLAW, "    return names[numbers];\n"));
    does_not_build.ended_with(1);
    assert!(
        verdict(&does_not_build).starts_with("Rejected(Build)"),
        "{}",
        does_not_build.stdout
    );
}

#[test]
fn a_patch_that_cannot_be_used_is_rejected_with_its_own_sentence() {
    let Some(world) = world() else { return };
    let right = right();
    let other = right.replace("static const char *field", "static char *field");
    for (patch, why) in [
        (String::new(), "is empty"),
        ("nonsense\n".into(), "cannot be read"),
        (other, "does not fit"),
        (right[..right.len() - 30].into(), "cut off"),
        (right.replace("field.c", "../field.c"), "leaves the project"),
        (right.replace("field.c", "other.c"), "not there"),
        ("x".repeat(9 << 20), "larger than"),
    ] {
        let ended = judged(&world, &patch);
        ended.ended_with(1).is_tame();
        let told = verdict(&ended);
        assert!(
            told.starts_with("Rejected(Scope)") && told.contains(why),
            "{why}: {told}"
        );
    }
}

#[test]
fn a_branch_a_range_and_what_is_staged_are_judged_alike_and_nothing_is_touched() {
    let Some(world) = world() else { return };
    world.commit();
    fs::write(world.path("given.patch"), right()).unwrap();
    let patch = world.path("given.patch");
    world.git(&["checkout", "--quiet", "-b", "fix"]);
    world.git(&["apply", patch.to_str().unwrap()]);
    let staged = {
        world.git(&["add", "--all"]);
        world.git(&["diff", "--cached", "--binary"])
    };
    world.git(&["commit", "--quiet", "--message=Fix"]);
    world.git(&["checkout", "--quiet", "main"]);
    let before = world.git(&["status", "--porcelain"]);
    for arguments in [
        ["--branch", "fix"],
        ["--rev", "main..fix"],
        ["--rev", "main...fix"],
    ] {
        let ended = world.run(&[&["test", "--offline"][..], &arguments].concat());
        ended.ended_with(0);
        assert!(verdict(&ended).starts_with("Clean"), "{}", ended.stdout);
    }
    let mut command = world.command(&["test", "--offline", "--patch", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(staged.as_bytes())
        .unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(world.git(&["status", "--porcelain"]), before);
    world
        .run(&["test", "--offline", "--branch", "no-such"])
        .ended_with(3)
        .said("no-such");
    world.run(&["test", "--offline"]).ended_with(2);
}

#[test]
fn settings_that_came_with_a_change_have_no_say_in_its_judgement() {
    let Some(world) = world() else { return };
    world.commit();
    let bad = patch(FLAW, "    return names[number / 2];\n");
    fs::write(world.path("given.patch"), bad).unwrap();
    let file = world.path("given.patch");
    world.git(&["checkout", "--quiet", "-b", "bad"]);
    world.git(&["apply", "--index", file.to_str().unwrap()]);
    world.git(&["commit", "--quiet", "--message=Bad"]);
    // As a service leaves it that has checked the change out.
    let settings = "[commands]\nbuild = [\"true\"]\ntest = [\"true\"]\n";
    fs::write(world.project().join("backstitch.toml"), settings).unwrap();
    let ended = world.run(&["test", "--offline", "--rev", "main..bad"]);
    ended.ended_with(1);
    assert!(
        verdict(&ended).starts_with("Rejected(Regress)"),
        "{}",
        ended.stdout
    );
}

#[test]
fn an_upgrade_by_a_bot_is_tested_and_one_that_does_not_help_is_rejected() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    for version in ["1.0.0", "1.0.1", "1.0.2"] {
        world.publish("weak", version, "pub fn answer() -> u32 { 1 }\n");
    }
    world.advise("RUSTSEC-2030-0001", "weak", Some("1.0.2"));
    world.import();
    let library = "#[test]\nfn answers() { assert_eq!(weak::answer(), 1) }\n";
    world.write(&format!(
        "--- Cargo.toml\n{}--- src/lib.rs\n{library}",
        manifest("weak = \"=1.0.0\"\n")
    ));
    world.lock();
    world.commit();
    for (branch, version) in [("right", "1.0.2"), ("wrong", "1.0.1")] {
        world.git(&["checkout", "--quiet", "-b", branch, "main"]);
        let text = fs::read_to_string(world.project().join("Cargo.toml")).unwrap();
        let text = text.replace("=1.0.0", &format!("={version}"));
        fs::write(world.project().join("Cargo.toml"), text).unwrap();
        world.lock();
        world.git(&["commit", "--quiet", "--all", "--message=Bump"]);
    }
    world.git(&["checkout", "--quiet", "main"]);
    let right = world.run(&["test", "--offline", "--branch", "right"]);
    right.ended_with(0).printed("RUSTSEC-2030-0001");
    assert_eq!(verdict(&right), "Tested", "{}", right.stdout);
    let named = [
        "test",
        "--offline",
        "--finding",
        "weak",
        "--branch",
        "wrong",
    ];
    let wrong = world.run(&named);
    wrong.ended_with(1);
    assert!(
        verdict(&wrong).starts_with("Rejected(Rescan)"),
        "{}",
        wrong.stdout
    );
}

/// Red where a word comes through, whatever its case.
const SIEVE: &str = "\
fn main() {
    let word = std::env::args().nth(1).unwrap();
    let is_bad = word.to_lowercase().contains(\"bad\");
    std::process::exit(if is_bad && !sieve::stops(&word) { 42 } else { 0 });
}";

#[test]
fn an_upgrade_is_proven_only_where_a_reproducer_shows_every_flaw_that_it_settles() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    let stops = |version: &str, how: &str| {
        let source = format!("pub fn stops(text: &str) -> bool {{ let _ = text; {how} }}\n");
        world.publish("sieve", version, &source);
    };
    stops("1.0.0", "false");
    world.publish("weak", "1.0.0", "pub fn answer() -> u32 { 1 }\n");
    let (manifest, library) = (
        manifest("sieve = \"1\"\nweak = \"1\"\n"),
        "#[test]\nfn answers() { assert!(!sieve::stops(\"good\")); assert_eq!(weak::answer(), 1) }\n",
    );
    world.write(&format!(
        "--- Cargo.toml\n{manifest}--- src/lib.rs\n{library}\
         --- .backstitch/reproducers/sieve-lets-through/reproducer.toml\n\
         advisories = [\"RUSTSEC-2030-0001\"]\necosystem = \"crates.io\"\npackage = \"sieve\"\n\
         shows = \"a bad word is let through\"\nprogram = \"check.rs\"\ninputs = [\"bad\"]\n\
         --- .backstitch/reproducers/sieve-lets-through/check.rs\n{SIEVE}\n"
    ));
    world.lock();
    world.commit();
    stops("1.0.1", "false");
    stops("1.0.2", "text == \"bad\"");
    stops("1.0.3", "text.to_lowercase().contains(\"bad\")");
    world.publish("weak", "1.0.1", "pub fn answer() -> u32 { 1 }\n");
    world.advise("RUSTSEC-2030-0001", "sieve", Some("1.0.1"));
    world.advise("RUSTSEC-2030-0002", "weak", Some("1.0.1"));
    world.import();
    let lockfile = world.project().join("Cargo.lock");
    let untouched = fs::read_to_string(&lockfile).unwrap();
    let bump = |packages: &[(&str, &str)], stated: &[&str]| {
        fs::write(&lockfile, &untouched).unwrap();
        for (name, version) in packages {
            let update = ["update", "--offline", name, "--precise", version];
            common::succeed(&mut world.cargo(&update, &world.project()));
        }
        let patch = world.git(&["diff"]);
        fs::write(world.path("bump.patch"), patch).unwrap();
        fs::write(&lockfile, &untouched).unwrap();
        let patch = world.path("bump.patch").display().to_string();
        let words = [&["test", "--offline", "--patch", &patch], stated];
        world.run(&words.concat())
    };
    for (version, expected) in [
        ("1.0.1", "Rejected(Reproduce)"),
        ("1.0.2", "Rejected(Re-attack)"),
        ("1.0.3", "Proven"),
    ] {
        let ended = bump(&[("sieve", version)], &[]);
        assert!(verdict(&ended).starts_with(expected), "{}", ended.stdout);
    }
    // One of two flaws is shown: the other is only flagged, and so is the whole.
    let both = bump(&[("sieve", "1.0.3"), ("weak", "1.0.1")], &[]);
    assert_eq!(verdict(&both), "Tested", "{}", both.stdout);
    both.printed("no reproducer is there for 1 of what is settled");
    let alone = bump(&[("weak", "1.0.1")], &[]);
    assert_eq!(verdict(&alone), "Tested", "{}", alone.stdout);
    // Nor is what nobody here knows of.
    let stated = ["--finding", "sieve", "--finding", "CVE-2099-1"];
    let unknown = bump(&[("sieve", "1.0.3")], &stated);
    assert_eq!(verdict(&unknown), "Tested", "{}", unknown.stdout);
    unknown.printed("CVE-2099-1");
}

/// A scanner that reports every call of `gets`.
const SCANNER: &str = r#"#!/bin/sh
results=$(grep -nH 'atoi' "$@" | sed 's/\([^:]*\):\([0-9]*\):.*/{"ruleId": "no-atoi", "message": {"text": "atoi"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "field.c"}, "region": {"startLine": \2}}}]}/' | paste -s -d, -)
echo '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "grep"}}, "results": ['"$results"']}]}'
[ -z "$results" ]
"#;

#[test]
fn what_another_scanner_reported_is_gone_only_where_that_scanner_says_so() {
    let Some(world) = world() else { return };
    program(&world.project().join("scan.sh"), SCANNER);
    let sarif = wait(
        Command::new("sh")
            .args(["scan.sh", "field.c"])
            .current_dir(world.project()),
    );
    fs::write(world.path("scan.sarif"), &sarif.stdout).unwrap();
    let fixed = patch("atoi(line)", "(int)strtol(line, NULL, 10)");
    let file = world.path("given.patch");
    let report = world.path("scan.sarif");
    let judge = |patch: &str, more: &[&str]| {
        fs::write(&file, patch).unwrap();
        let always = [
            "test",
            "--offline",
            "--patch",
            file.to_str().unwrap(),
            "--sarif",
            report.to_str().unwrap(),
            "--finding",
            "no-atoi",
        ];
        world.run(&[&always[..], more].concat())
    };
    let rescan = ["--rescan", "sh scan.sh field.c"];
    let scanned = judge(&fixed, &rescan);
    scanned.ended_with(0).printed("no-atoi (grep) at field.c:");
    assert_eq!(verdict(&scanned), "Tested", "{}", scanned.stdout);
    let still = judge(&right(), &rescan);
    still.ended_with(1);
    assert!(
        verdict(&still).starts_with("Rejected(Rescan)"),
        "{}",
        still.stdout
    );
    let unscanned = judge(&fixed, &[]);
    unscanned
        .ended_with(4)
        .printed("give its command with `--rescan`");
    assert!(
        verdict(&unscanned).starts_with("Inconclusive"),
        "{}",
        unscanned.stdout
    );
}

#[test]
fn the_hook_refuses_a_rejected_change_and_lets_a_clean_one_through() {
    let Some(world) = world() else { return };
    world.commit();
    let hook = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../integrations/pre-commit");
    fs::create_dir_all(world.project().join(".git/hooks")).unwrap();
    fs::copy(hook, world.project().join(".git/hooks/pre-commit")).unwrap();
    let try_to_commit = |patch: &str| {
        fs::write(world.path("given.patch"), patch).unwrap();
        let patch = world.path("given.patch");
        world.git(&["apply", "--index", patch.to_str().unwrap()]);
        let mut command = world.git_in(&world.project(), &["commit", "--quiet", "--message=Fix"]);
        let program = Path::new(env!("CARGO_BIN_EXE_backstitch"))
            .parent()
            .unwrap();
        command.env("PATH", format!("{}:/usr/bin:/bin", program.display()));
        wait(&mut command)
    };
    let broken = patch(FLAW, "    return names[numbers];\n");
    let refused = try_to_commit(&broken);
    assert_ne!(refused.code, Some(0), "{}", refused.stdout);
    assert!(
        refused.stderr.contains("verdict: Rejected(Build)"),
        "{}{}",
        refused.stdout,
        refused.stderr
    );
    succeed(&mut world.git_in(&world.project(), &["reset", "--quiet", "--hard"]));
    let taken = try_to_commit(&right());
    assert_eq!(taken.code, Some(0), "{}{}", taken.stdout, taken.stderr);
    assert!(taken.stderr.contains("verdict: Clean"), "{}", taken.stderr);
}
