//! The whole loop on small real projects: what is delivered, what is not, and what is told.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use backstitch_fixture::Package;
use common::{Run, World, manifest, succeed};

/// One dependency for each way a finding can end.
const DEPENDENCIES: &str = "\
plain = \"1\"   # a step of the lockfile is enough
newest = '1'
stumble = { version = \"1\" }
# Held since the incident; see the wiki.
pinned   =   \"=1.0.0\"   # do not touch!
breaking = \"0.1\"
hopeless = \"1\"
";

const LIBRARY: &str = "\
#[test]
fn newest_is_small() { assert!(newest::answer() < 43) }
#[test]
fn stumble_is_even() { assert!(stumble::answer() % 2 == 0) }
#[test]
fn the_rest_answers() {
    assert_eq!(plain::answer() + pinned::answer() + breaking::answer() + hopeless::answer(), 4);
}
";

fn answers(answer: u32) -> String {
    format!("pub fn answer() -> u32 {{ {answer} }}\n")
}

/// Six vulnerable dependencies, locked before their fixes were published.
fn six_findings(world: &World) {
    for (name, version, answer) in [
        ("plain", "1.0.0", 1),
        ("newest", "1.0.0", 41),
        ("stumble", "1.0.0", 2),
        ("pinned", "1.0.0", 1),
        ("breaking", "0.1.0", 1),
        ("hopeless", "1.0.0", 1),
    ] {
        world.publish(name, version, &answers(answer));
    }
    let manifest = manifest(DEPENDENCIES);
    world.write(&format!(
        "--- Cargo.toml\n{manifest}--- src/lib.rs\n{LIBRARY}"
    ));
    world.lock();
    for (name, version, answer) in [
        ("plain", "1.0.1", 1),
        ("newest", "1.0.1", 42),
        ("newest", "1.1.0", 43),
        ("stumble", "1.0.1", 3),
        ("stumble", "1.1.0", 4),
        ("pinned", "1.0.1", 1),
        ("breaking", "0.2.0", 1),
        ("hopeless", "1.0.1", 1),
    ] {
        world.publish(name, version, &answers(answer));
    }
    for (number, package, fixed) in [
        (1, "plain", Some("1.0.1")),
        (2, "newest", Some("1.0.1")),
        (3, "stumble", Some("1.0.1")),
        (4, "pinned", Some("1.0.1")),
        (5, "breaking", Some("0.2.0")),
        (6, "hopeless", None),
    ] {
        world.advise(&format!("RUSTSEC-2030-000{number}"), package, fixed);
    }
    world.import();
}

#[test]
fn each_finding_is_fixed_in_the_least_way_that_holds_or_told_with_the_reason() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    six_findings(&world);
    world.commit();
    let run = world.repair(&[], 1);
    attempts_are_the_least_first(&run);
    the_branch_has_one_commit_a_fix(&world, &run);
    the_manifest_keeps_its_form(&world, &run);
    a_clean_clone_passes_and_has_only_what_is_told_to_be_left(&world, &run);
    the_explanation_tells_the_way_and_the_story(&world);
    world.is_quiet();

    let first = world.branches();
    let again = world.repair(&[], 1);
    assert_eq!(world.tree_of(again.place()), world.tree_of(run.place()));
    assert!(first.iter().all(|branch| world.branches().contains(branch)));
    world.run(&["ledger", "verify"]).ended_with(0);
}

fn attempts_are_the_least_first(run: &Run) {
    let tried = |package| run.attempts(package);
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(to, verdict)| ((*to).to_owned(), (*verdict).to_owned()))
            .collect()
    };
    assert_eq!(tried("plain"), pairs(&[("1.0.1", "Tested")]));
    assert_eq!(tried("newest"), pairs(&[("1.0.1", "Tested")]));
    assert_eq!(
        tried("stumble"),
        pairs(&[("1.0.1", "Rejected"), ("1.1.0", "Tested")])
    );
    assert_eq!(tried("pinned"), pairs(&[("1.0.1", "Tested")]));
    assert_eq!(tried("breaking"), []);
    assert_eq!(tried("hopeless"), []);

    let stumbled = &run.of("stumble")["attempts"][0]["verdict"];
    assert_eq!(stumbled["check"], "Regress");
    let why = stumbled["why"].as_str().unwrap();
    assert!(why.contains("stumble_is_even"), "{why}");
    assert_eq!(run.of("pinned")["attempts"][0]["strategy"], "requirement");
    let obstacle = run.obstacle("breaking");
    assert!(
        obstacle.contains("`0.1`") && obstacle.contains("`Cargo.toml`"),
        "{obstacle}"
    );
    assert_eq!(
        run.obstacle("hopeless"),
        "no release is free of the advisory"
    );
    assert_eq!(run.told["confinement"], "sandboxed");
}

fn the_branch_has_one_commit_a_fix(world: &World, run: &Run) {
    let commits = run.items();
    assert_eq!(commits.len(), 4);
    let range = format!("main..{}", run.place());
    let listed = world.git(&["rev-list", "--reverse", &range]);
    assert_eq!(listed.lines().collect::<Vec<_>>(), commits);
    let changed = world.git(&["diff", "--name-only", "main", run.place()]);
    assert_eq!(changed, "Cargo.lock\nCargo.toml\n");

    let messages: Vec<_> = commits
        .iter()
        .map(|commit| world.git(&["show", "--no-patch", "--format=%B", commit]))
        .collect();
    for (number, package) in [(1, "plain"), (2, "newest"), (3, "stumble"), (4, "pinned")] {
        let id = format!("RUSTSEC-2030-000{number}");
        let about: Vec<_> = messages
            .iter()
            .filter(|message| message.contains(&id))
            .collect();
        let [message] = about.as_slice() else {
            panic!("{id} is in {} messages", about.len())
        };
        for words in [
            package,
            id.replace("RUSTSEC", "CVE").as_str(),
            "Verdict: Tested",
            "- Regress: passed (untouched: passed)",
            "- Rescan: passed (untouched: failed",
            "- Compare: passed",
            "Backstitch-Run: ",
        ] {
            assert!(message.contains(words), "{words}: {message}");
        }
    }
}

fn the_manifest_keeps_its_form(world: &World, run: &Run) {
    let text = world.git(&["show", &format!("{}:Cargo.toml", run.place())]);
    assert_eq!(
        text,
        manifest(DEPENDENCIES).replace("\"=1.0.0\"", "\"=1.0.1\"")
    );
}

fn a_clean_clone_passes_and_has_only_what_is_told_to_be_left(world: &World, run: &Run) {
    let (from, to) = (world.project(), world.path("clone"));
    let (from, to) = (from.to_str().unwrap(), to.to_str().unwrap());
    let clone = ["clone", "--quiet", "--branch", run.place(), from, to];
    succeed(&mut world.git_in(Path::new("/"), &clone));
    succeed(&mut world.cargo(&["test", "--offline", "--locked"], Path::new(to)));
    let found = world.run(&["find", to, "--format", "json"]);
    found.ended_with(1);
    let found = found.json();
    let left: Vec<_> = found["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| &finding["package"])
        .collect();
    assert_eq!(left, ["breaking", "hopeless"]);
}

fn the_explanation_tells_the_way_and_the_story(world: &World) {
    // By alias, and in whatever case it is typed.
    let told = world.run(&["explain", "cve-2030-0003", "--offline"]);
    told.ended_with(1)
        .printed("Why it is here")
        .printed("app@0.1.0")
        .printed("stumble@1.0.0");
    told.printed("Regress failed")
        .printed("stumble 1.0.0 → 1.1.0")
        .printed("delivered");
    world
        .run(&["explain", "RUSTSEC-1999-0001", "--offline"])
        .ended_with(3)
        .said("was not found");
}

#[test]
fn a_breaking_step_is_taken_where_the_settings_allow_it_and_then_nothing_is_left() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    world.publish("breaking", "0.1.0", &answers(1));
    let files = format!(
        "--- Cargo.toml\n{}--- src/lib.rs\n#[test] fn a() {{ assert_eq!(breaking::answer(), 1) }}\n\
         --- backstitch.toml\n[policy]\nbump_max = \"breaking\"\n",
        manifest("breaking = \"0.1\"\n")
    );
    world.write(&files);
    world.lock();
    world.publish("breaking", "0.2.0", &answers(1));
    world.advise("RUSTSEC-2030-0005", "breaking", Some("0.2.0"));
    world.import();
    world.commit();
    let run = world.repair(&[], 0);
    assert_eq!(
        run.attempts("breaking"),
        [("0.2.0".into(), "Tested".into())]
    );
    assert_eq!(
        run.of("breaking")["attempts"][0]["strategy"],
        "breaking upgrade"
    );
    assert!(
        world
            .git(&["show", &format!("{}:Cargo.toml", run.place())])
            .contains("breaking = \"0.2")
    );
    world.is_quiet();
}

/// One vulnerable dependency with a good fix, in a project with the given library.
fn one_finding(world: &World, library: &str) {
    world.publish("plain", "1.0.0", &answers(1));
    let manifest = manifest("plain = \"1\"\n");
    world.write(&format!(
        "--- Cargo.toml\n{manifest}--- src/lib.rs\n{library}"
    ));
    world.lock();
    world.publish("plain", "1.0.1", &answers(1));
    world.advise("RUSTSEC-2030-0001", "plain", Some("1.0.1"));
    world.import();
}

#[test]
fn a_project_that_does_not_build_is_told_and_nothing_is_judged_or_delivered() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    one_finding(&world, "fn broken( {\n");
    world.commit();
    let run = world.repair(&[], 1);
    assert_eq!(run.attempts("plain"), []);
    assert!(run.of("plain")["verdict"].is_null());
    let obstacle = run.obstacle("plain");
    assert!(
        obstacle.starts_with("the untouched project does not build: "),
        "{obstacle}"
    );
    assert!(run.told["delivery"].is_null());
    assert_eq!(world.branches(), Vec::<String>::new());
    run.ended.said("does not build");
    world.is_quiet();
}

#[test]
fn without_tests_a_fix_is_resolved_only_and_that_is_said_loudly() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    one_finding(&world, "pub use plain::answer;\n");
    world.commit();
    let run = world.run(&["run", "--offline"]);
    run.ended_with(0)
        .said("Resolved (no test could run: nothing was tested)");
    run.printed("Resolved")
        .printed("Needs a human:")
        .printed("nothing was tested");
    let [branch] = &world.branches()[..] else {
        panic!("{:?}", world.branches())
    };
    let message = world.git(&["show", "--no-patch", "--format=%B", branch]);
    assert!(
        message.contains("Verdict: Resolved (no test could run"),
        "{message}"
    );
    assert!(message.contains("- Regress: not run"), "{message}");
}

#[test]
fn a_test_that_fails_in_the_untouched_project_blocks_nothing() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    let library =
        "#[test] fn good() { assert_eq!(plain::answer(), 1) }\n#[test] fn bad() { panic!() }\n";
    one_finding(&world, library);
    world.commit();
    let run = world.repair(&[], 0);
    assert_eq!(run.verdict("plain"), "Tested");
    let baseline = run.told["baselines"][0].to_string();
    assert!(baseline.contains("bad"), "{baseline}");
}

#[test]
fn without_a_repository_there_are_patches_that_both_tools_apply() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    six_findings(&world);
    let only = ["--only", "plain", "--only", "rustsec-2030-0004"];
    let run = world.repair(&only, 1);
    assert_eq!(run.told["delivery"]["kind"], "patches");
    assert_eq!(run.items(), ["0001.patch", "0002.patch"]);
    // What nobody asked for is not in the record, and is not moved.
    let findings = run.told["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 2);

    let before = fs::read_to_string(world.project().join("Cargo.lock")).unwrap();
    let mut results = Vec::new();
    for tool in ["git", "patch"] {
        let folder = world.path(tool);
        succeed(
            Command::new("cp")
                .arg("-r")
                .arg(world.project())
                .arg(&folder),
        );
        for item in run.items() {
            let patch = Path::new(run.place()).join(item);
            if tool == "git" {
                succeed(&mut world.git_in(&folder, &["apply", patch.to_str().unwrap()]));
            } else {
                let patch = fs::File::open(patch).unwrap();
                let mut command = Command::new("patch");
                succeed(
                    command
                        .arg("-p1")
                        .current_dir(&folder)
                        .stdin(Stdio::from(patch)),
                );
            }
        }
        let read = |name| fs::read_to_string(folder.join(name)).unwrap();
        results.push((read("Cargo.toml"), read("Cargo.lock")));
    }
    assert_eq!(results[0], results[1]);
    let (manifest, lock) = &results[0];
    assert!(
        manifest.contains("\"=1.0.1\"   # do not touch!"),
        "{manifest}"
    );
    let versions = |lock: &str| lock.matches("version = \"1.0.1\"").count();
    assert_eq!((versions(&before), versions(lock)), (0, 2));
}

#[test]
fn without_the_sandbox_it_warns_and_says_so_in_every_verdict_and_in_the_ledger() {
    let world = World::new();
    one_finding(
        &world,
        "#[test] fn a() { assert_eq!(plain::answer(), 1) }\n",
    );
    world.commit();
    let run = world.repair(&["--sandbox", "none"], 0);
    run.ended.said("WARNING: --sandbox none");
    assert_eq!(run.told["confinement"], "unconfined");
    let record = run.of("plain");
    assert_eq!(record["verdict"]["confinement"], "unconfined");
    assert_eq!(
        record["attempts"][0]["verdict"]["confinement"],
        "unconfined"
    );
    assert_eq!(world.events()[0]["confinement"], "unconfined");
    let message = world.git(&["show", "--no-patch", "--format=%B", run.place()]);
    assert!(
        message.contains("Verdict: Tested [observed without a sandbox]"),
        "{message}"
    );
    world.is_quiet();
}

#[test]
fn what_cannot_be_done_and_what_is_not_understood_have_codes_of_their_own() {
    let world = World::new();
    world.run(&["run", "--no-such-thing"]).ended_with(2);
    world.run(&["frobnicate"]).ended_with(2);
    world
        .run(&["run", "/no/such/folder"])
        .ended_with(3)
        .said("/no/such/folder");
    world
        .run(&["find", "--db", "/no/such/index"])
        .ended_with(3)
        .said("/no/such/index");
    world
        .run(&["ledger", "show"])
        .ended_with(3)
        .said("none yet");
    world.run(&["find"]).ended_with(3).said("no lockfile");
    world.write("--- backstitch.toml\n[policy]\nbump_max = \"huge\"\n");
    world
        .run(&["run", "--offline"])
        .ended_with(3)
        .said("backstitch.toml")
        .said("huge");
}

#[test]
fn what_was_rejected_is_not_tried_again_and_again_while_something_else_was_never_tried() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    let easy = ["beta", "delta", "epsilon", "gamma"];
    let mut dependencies = String::new();
    for name in ["alpha", "helper"].iter().chain(&easy) {
        world.publish(name, "1.0.0", "");
        dependencies.push_str(&format!("{name} = \"1\"\n"));
    }
    world.write(&format!(
        "--- Cargo.toml\n{}--- src/lib.rs\n--- test.sh\n\
         ! grep -A1 'name = \"alpha\"' Cargo.lock | grep -q 1.0.1\n\
         --- backstitch.toml\n[commands]\nbuild = [\"true\"]\ntest = [\"sh\", \"test.sh\"]\n",
        manifest(&dependencies)
    ));
    world.lock();
    // The good one comes with a second step, so that each of the easy fixes is less risky.
    world.publish("helper", "1.1.0", "");
    world.publish("alpha", "1.0.1", "");
    let good = Package::new("alpha", "1.1.0").requires("helper", "1.1");
    world.registry.publish(&good);
    world.advise("RUSTSEC-2030-0001", "alpha", Some("1.0.1"));
    for (number, name) in easy.iter().enumerate() {
        world.publish(name, "1.0.1", "");
        world.advise(&format!("RUSTSEC-2030-001{number}"), name, Some("1.0.1"));
    }
    world.import();
    world.commit();
    let run = world.repair(&[], 0);
    let tried = [("1.0.1", "Rejected"), ("1.1.0", "Tested")];
    let tried = tried.map(|(to, verdict)| (to.to_owned(), verdict.to_owned()));
    assert_eq!(run.attempts("alpha"), tried);
}
