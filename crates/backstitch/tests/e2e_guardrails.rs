//! Who is allowed what, and what stays the user's alone: profiles, and the inputs and reproducers
//! that show a flaw.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use common::{Ended, World, manifest, wait};

/// An engine that a file lists.
fn engine(name: &str) -> String {
    format!(
        "[engines]\negress = \"listed\"\n[[engine]]\nname = \"{name}\"\nformat = \"openai\"\n\
         url = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\n"
    )
}

/// What `backstitch engines` says, where the organisation and the user have such files.
fn engines(world: &World, organisation: Option<&str>, user: &str) -> String {
    let file = world.path("organisation.toml");
    match organisation {
        Some(text) => fs::write(&file, text).unwrap(),
        None => drop(fs::remove_file(&file)),
    }
    fs::create_dir_all(world.path("home/config")).unwrap();
    fs::write(world.path("home/config/config.toml"), user).unwrap();
    let mut command = world.command(&["engines"]);
    let ended = wait(command.env("BACKSTITCH_ORGANISATION", &file));
    ended.ended_with(0);
    ended.stdout
}

#[test]
fn under_the_strict_profile_only_the_organisation_s_file_lists_engines() {
    let world = World::new();
    let (mine, theirs) = (engine("mine"), engine("theirs"));
    let strict = "profile = \"strict\"\n";
    let told = engines(&world, None, &mine);
    assert!(
        told.contains("mine") && told.contains("individual"),
        "{told}"
    );
    // Whoever asks for it.
    for (organisation, user) in [
        (None, format!("{strict}{mine}")),
        (Some(strict.to_owned()), mine.clone()),
        (
            Some(strict.to_owned()),
            format!("profile = \"individual\"\n{mine}"),
        ),
    ] {
        let told = engines(&world, organisation.as_deref(), &user);
        assert!(
            told.contains("no engine") && told.contains("strict"),
            "{told}"
        );
        assert!(told.contains("egress    none"), "{told}");
    }
    let told = engines(&world, Some(&format!("{strict}{theirs}")), &mine);
    assert!(told.contains("theirs") && !told.contains("mine"), "{told}");
    assert!(told.contains("egress    listed"), "{told}");
    // Without it, the organisation's file is for those who have none.
    let told = engines(&world, Some(&theirs), &mine);
    assert!(told.contains("mine") && !told.contains("theirs"), "{told}");
}

#[test]
fn a_project_cannot_loosen_what_its_user_s_profile_fixes() {
    let world = World::new();
    world.import_nothing_much();
    world.write("--- Cargo.toml\n[package]\nname = \"app\"\n--- src/lib.rs\n");
    fs::create_dir_all(world.path("home/config")).unwrap();
    let user = world.path("home/config/config.toml");
    fs::write(&user, "profile = \"strict\"\n").unwrap();
    let own = world.project().join("backstitch.toml");
    let patch = world.path("a.patch");
    fs::write(&patch, "").unwrap();
    let test = ["test", "--offline", "--patch", patch.to_str().unwrap()];
    for arguments in [&["run", "--offline"][..], &test] {
        fs::write(&own, "[policy]\nbump_max = \"breaking\"\n").unwrap();
        world.run(arguments).ended_with(3).said("policy.bump_max");
        let loose = "profile = \"individual\"\n[policy]\ndeliver_min = \"tested\"\n";
        fs::write(&own, loose).unwrap();
        world
            .run(arguments)
            .ended_with(3)
            .said("policy.deliver_min");
        // Neither can who runs it, by a file that is named.
        let named = [arguments, &["--policy", own.to_str().unwrap()]].concat();
        world.run(&named).ended_with(3).said("strict");
        fs::remove_file(&own).unwrap();
        let bare = [arguments, &["--sandbox", "none"]].concat();
        world.run(&bare).ended_with(3).said("strict");
    }
}

/// Prints the field of a line that its number names, and reads past the end for one that is too
/// large.
const FIELD: &str = r#"
--- field.c
#include <stdio.h>
#include <stdlib.h>

static const char *names[] = {"zero", "one", "two", "three"};

int main(int argc, char **argv) {
    char line[64] = "";
    FILE *file = argc > 1 ? fopen(argv[1], "r") : NULL;
    if (file == NULL || fgets(line, sizeof line, file) == NULL) {
        return 2;
    }
    fclose(file);
    int number = atoi(line);
    puts(names[number]);
    return 0;
}
--- Makefile
field: field.c
	$(CC) -O1 -o $@ field.c
check: field
	echo 1 > /tmp/in && ./field /tmp/in
"#;

/// Stops only numbers near the one that is known to crash.
const WRONG: &str = "--- a/field.c\n+++ b/field.c\n@@ -12,5 +12,6 @@\n     fclose(file);\n     int number = atoi(line);\n+    if (number > 70000000) return 1;\n     puts(names[number]);\n     return 0;\n }\n";

/// Judges the patch by an input that crashes.
fn attacked(world: &World, more: &[&str]) -> Ended {
    let files = ["wrong.patch", "crash"].map(|name| world.path(name));
    let [patch, crash] = files.each_ref().map(|file| file.to_str().unwrap());
    let arguments = [
        "test",
        "--offline",
        "--patch",
        patch,
        "--reproducer",
        "./field {input}",
        "--input",
        crash,
        "--oracle",
        "exit-signal",
    ];
    world.run(&[&arguments[..], more].concat())
}

#[test]
fn an_input_that_crashes_is_private_and_in_no_report_unless_that_is_asked_for() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    world.import_nothing_much();
    world.write(FIELD);
    fs::write(world.path("crash"), "90000000\n").unwrap();
    fs::write(world.path("wrong.patch"), WRONG).unwrap();
    let judged = attacked(&world, &[]);
    judged.ended_with(1).printed("Rejected(Re-attack)");
    let shows = |text: &str| text.contains("(`") || text.contains("90000000");
    assert!(
        !shows(&judged.stdout) && !shows(&judged.stderr),
        "{}",
        judged.stdout
    );
    let kept = files(&world.state());
    let reports: Vec<_> = kept
        .iter()
        .filter(|file| file.to_string_lossy().contains("judgement."))
        .collect();
    assert_eq!(reports.len(), 2, "{kept:?}");
    for report in reports {
        let text = fs::read_to_string(report).unwrap();
        assert!(!shows(&text), "{text}");
    }
    for file in kept {
        let of_attack = file.to_string_lossy().contains("/attack-");
        let may_tell = of_attack || of_evidence(&file);
        assert!(!may_tell || is_private(&file), "{}", file.display());
    }
    // Asked for, it is told.
    let policy = world.path("shown.toml");
    fs::write(&policy, "[policy]\ninputs = \"shown\"\n").unwrap();
    let asked_for = attacked(&world, &["--policy", policy.to_str().unwrap()]);
    asked_for.ended_with(1).printed("(`");
}

/// Is a file readable by its owner alone, by its own mode or by that of a folder of evidence?
fn is_private(file: &Path) -> bool {
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o077;
    mode(file) == 0
        && file
            .ancestors()
            .take(2)
            .all(|path| mode(path) == 0 || !of_evidence(path))
}

fn of_evidence(path: &Path) -> bool {
    path.to_string_lossy().contains("/evidence/")
}

/// The files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut all, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                all.push(path);
            }
        }
    }
    all
}

#[test]
fn a_reproducer_that_is_begun_is_the_user_s_alone() {
    let world = World::new();
    let arguments = [
        "reproducer",
        "new",
        "mine",
        "--ecosystem",
        "npm",
        "--package",
        "weak",
        "--advisory",
        "CVE-2030-1",
    ];
    world.run(&arguments).ended_with(0);
    let folder = world.project().join(".backstitch/reproducers/mine");
    assert_eq!(
        fs::metadata(&folder).unwrap().permissions().mode() & 0o777,
        0o700
    );
    let kept = files(&folder);
    assert_eq!(kept.len(), 2);
    for file in kept {
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
}

#[test]
fn what_is_not_proven_is_left_as_files_where_the_settings_ask_for_proof() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    world.publish("weak", "1.0.0", "pub fn answer() -> u32 { 1 }\n");
    world.advise("RUSTSEC-2030-0001", "weak", Some("1.0.1"));
    world.import();
    let manifest = manifest("weak = \"1\"\n");
    world.write(&format!(
        "--- Cargo.toml\n{manifest}--- src/lib.rs\n#[test]\nfn it_answers() {{ assert_eq!(weak::answer(), 1) }}\n"
    ));
    world.lock();
    world.publish("weak", "1.0.1", "pub fn answer() -> u32 { 1 }\n");
    world.commit();
    // A reproducer that nobody committed, in the project's own folder.
    let own = world.project().join(".backstitch/reproducers/mine");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("crash.bin"), "hunter2-crash").unwrap();
    let policy = world.path("proven.toml");
    fs::write(&policy, "[policy]\ndeliver_min = \"proven\"\n").unwrap();
    let run = world.repair(&["--policy", policy.to_str().unwrap()], 0);
    assert!(
        run.verdict("weak").starts_with("Tested"),
        "{}",
        run.verdict("weak")
    );
    assert_eq!(world.branches(), Vec::<String>::new());
    assert!(
        run.notes().contains("not every fix is proven"),
        "{}",
        run.notes()
    );
    let folder = Path::new(run.place());
    for file in run.items() {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        assert!(
            text.contains("Cargo.lock") && !text.contains("hunter2"),
            "{text}"
        );
        assert!(is_private(&folder.join(file)));
    }
    let run = world.repair(&[], 0);
    let changed = world.git(&["diff", "--name-only", "main", run.place()]);
    assert_eq!(changed.trim(), "Cargo.lock");
    for file in files(&world.state()) {
        let is_report = file.to_string_lossy().contains("/report.");
        let has_crash = || fs::read_to_string(&file).unwrap().contains("hunter2-crash");
        assert!(!is_report || !has_crash(), "{}", file.display());
    }
}
