//! What is the user's stays as it is: files, index, settings, references. Nothing that git would
//! run on the user's behalf is run, and nothing in the tree leads out of it.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use common::{Entry, World, entries, manifest, program, succeed};

const LIBRARY: &str = "#[test] fn a() { assert_eq!(plain::answer(), 1) }\n";

/// A project with one finding that can be fixed, not committed yet.
fn one_finding(world: &World) {
    let answer = "pub fn answer() -> u32 { 1 }\n";
    world.publish("plain", "1.0.0", answer);
    let manifest = manifest("plain = \"1\"\n");
    world.write(&format!(
        "--- Cargo.toml\n{manifest}--- src/lib.rs\n{LIBRARY}"
    ));
    world.lock();
    world.publish("plain", "1.0.1", answer);
    world.advise("RUSTSEC-2030-0001", "plain", Some("1.0.1"));
    world.import();
}

/// Everything in the project but what the program may add to a repository: objects, and its own
/// branches with their logs.
fn belongings(world: &World) -> BTreeMap<PathBuf, Entry> {
    let root = world.project();
    let added = [
        ".git/objects",
        ".git/refs/heads/backstitch",
        ".git/logs/refs/heads/backstitch",
    ];
    let is_added = |path: &Path| added.iter().any(|below| path.starts_with(root.join(below)));
    entries(&root)
        .into_iter()
        .filter(|(path, _)| !is_added(path))
        .collect()
}

fn assert_same(before: &BTreeMap<PathBuf, Entry>, after: &BTreeMap<PathBuf, Entry>) {
    for (path, entry) in before {
        assert_eq!(after.get(path), Some(entry), "{}", path.display());
    }
    let new: Vec<_> = after
        .keys()
        .filter(|path| !before.contains_key(*path))
        .collect();
    assert!(new.is_empty(), "{new:?}");
}

/// Every hook that git knows.
const HOOKS: &[&str] = &[
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "pre-commit",
    "pre-merge-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "pre-rebase",
    "post-checkout",
    "post-merge",
    "pre-push",
    "pre-receive",
    "update",
    "proc-receive",
    "post-receive",
    "post-update",
    "reference-transaction",
    "push-to-checkout",
    "pre-auto-gc",
    "post-rewrite",
    "sendemail-validate",
    "fsmonitor-watchman",
    "post-index-change",
];

/// Sets a trap everywhere that git would start a program; each writes a file of its name.
fn set_traps(world: &World) -> PathBuf {
    let taken = world.path("taken");
    fs::create_dir(&taken).unwrap();
    let trap = |path: &Path, name: &str| {
        let mark = taken.join(name);
        program(
            path,
            &format!("#!/bin/sh\ntouch '{}'\ncat\n", mark.display()),
        );
    };
    let git = world.project().join(".git");
    for folder in ["hooks", "elsewhere"] {
        fs::create_dir_all(git.join(folder)).unwrap();
        for hook in HOOKS {
            trap(&git.join(folder).join(hook), &format!("{folder}-{hook}"));
        }
    }
    let mut settings =
        String::from("[include]\n\tpath = more\n[filter \"trap\"]\n\trequired = true\n");
    for (section, keys) in [
        (
            "core",
            "fsmonitor sshCommand pager editor askPass gitProxy alternateRefsCommand",
        ),
        ("filter \"trap\"", "clean smudge process"),
        ("diff", "external"),
        ("diff \"trap\"", "command textconv"),
        ("merge \"trap\"", "driver"),
        ("gpg", "program"),
        ("gpg \"ssh\"", "program defaultKeyCommand"),
        ("credential", "helper"),
        ("sequence", "editor"),
        ("uploadpack", "packObjectsHook"),
        ("trailer \"trap\"", "command"),
    ] {
        settings.push_str(&format!("[{section}]\n"));
        for key in keys.split(' ') {
            let name = format!("{key}-{}", settings.len());
            let path = git.join(&name);
            trap(&path, &name);
            settings.push_str(&format!("\t{key} = {}\n", path.display()));
        }
    }
    settings.push_str("[commit]\n\tgpgSign = true\n[core]\n\thooksPath = .git/elsewhere\n");
    let more = git.join("more");
    trap(&git.join("included"), "included");
    fs::write(
        more,
        format!("[core]\n\tfsmonitor = {}\n", git.join("included").display()),
    )
    .unwrap();
    let config = git.join("config");
    let before = fs::read_to_string(&config).unwrap();
    fs::write(config, before + &settings).unwrap();
    // The user's own settings are no better.
    fs::copy(git.join("config"), world.path("user/.gitconfig")).unwrap();
    taken
}

#[test]
fn a_dirty_repository_full_of_traps_is_left_as_it_was_and_no_trap_is_sprung() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    one_finding(&world);
    world.write("--- .gitattributes\n* filter=trap diff=trap merge=trap\n--- notes.txt\nfirst\n");
    world.commit();
    world.git(&["tag", "v1"]);
    world.git(&["branch", "other"]);
    world.write("--- notes.txt\nin the stash\n");
    world.git(&["stash", "--quiet"]);
    // Staged, changed, removed and untracked, some of it what a fix would write to.
    world.write("--- staged.txt\nstaged\n--- src/lib.rs\ncompile_error!(\"not committed\");\n");
    world.git(&["add", "staged.txt"]);
    let lock = world.project().join("Cargo.lock");
    fs::write(&lock, fs::read_to_string(&lock).unwrap() + "# mine\n").unwrap();
    fs::remove_file(world.project().join("notes.txt")).unwrap();
    world.write("--- untracked.txt\nuntracked\n");
    let taken = set_traps(&world);

    let before = belongings(&world);
    let run = world.repair(&[], 0);
    assert_eq!(run.verdict("plain"), "Tested");
    assert_same(&before, &belongings(&world));
    for arguments in [
        &["find"][..],
        &["explain", "RUSTSEC-2030-0001", "--offline"],
    ] {
        world.run(arguments).ended_with(1);
    }
    assert_same(&before, &belongings(&world));
    let sprung: Vec<_> = fs::read_dir(&taken)
        .unwrap()
        .flatten()
        .map(|mark| mark.file_name())
        .collect();
    assert!(sprung.is_empty(), "{sprung:?}");

    // The traps are real: git itself walks into them.
    let mut status = world.git_in(&world.project(), &["commit", "--quiet", "--message=x"]);
    let _ = status.output().unwrap();
    assert!(fs::read_dir(&taken).unwrap().count() > 0);
}

#[test]
fn what_is_in_the_tree_and_does_not_belong_there_is_contained_and_told() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    one_finding(&world);
    let outside = world.path("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "hunter2").unwrap();
    let project = world.project();
    symlink(&outside, project.join("away")).unwrap();
    symlink("/etc", project.join("etc")).unwrap();
    symlink("../../../../../../../../etc/passwd", project.join("up")).unwrap();
    fs::write(project.join("a\u{1b}[2J\u{7}b\nc"), "odd").unwrap();
    world.commit();
    put_into_the_tree(
        &world,
        &[(
            "160000",
            "commit",
            "1234567890123456789012345678901234567890",
            "vendored",
        )],
    );

    let before = belongings(&world);
    let run = world.repair(&[], 0);
    assert_eq!(run.verdict("plain"), "Tested");
    assert_same(&before, &belongings(&world));
    let notes = run.notes();
    assert!(
        notes.contains("submodule `vendored` is left empty"),
        "{notes}"
    );
    // The fix leaves everything else as the commit had it, odd or not.
    let changed = world.git(&["diff", "--name-only", "HEAD", run.place()]);
    assert_eq!(changed, "Cargo.lock\n");
    assert_eq!(world.holding("hunter2"), Vec::<PathBuf>::new());
    world.run(&["run", "--offline"]).ended_with(0).is_tame();
    assert_eq!(entries(&outside).len(), 1);
    world.is_quiet();
}

/// Commits a tree with further entries, such as git itself does not make.
fn put_into_the_tree(world: &World, entries: &[(&str, &str, &str, &str)]) {
    let mut listing = world.git(&["ls-tree", "-z", "HEAD"]);
    for (mode, kind, id, name) in entries {
        listing.push_str(&format!("{mode} {kind} {id}\t{name}\0"));
    }
    fs::write(world.path("listing"), listing).unwrap();
    let mut make = world.git_in(&world.project(), &["mktree", "-z", "--missing"]);
    let listing = fs::File::open(world.path("listing")).unwrap();
    let tree = succeed(make.stdin(Stdio::from(listing)));
    let commit = world.git(&["commit-tree", tree.trim(), "-p", "HEAD", "-m", "odd"]);
    world.git(&["update-ref", "HEAD", commit.trim()]);
}

#[test]
fn a_name_that_no_file_may_have_is_never_written_and_never_committed() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    one_finding(&world);
    world.commit();
    for name in [".git", ".GIT", ".."] {
        let id = world.git(&["rev-parse", "HEAD:src/lib.rs"]);
        let head = world.git(&["rev-parse", "HEAD"]);
        put_into_the_tree(&world, &[("100755", "blob", id.trim(), name)]);
        let before = belongings(&world);
        let ended = world.run(&["run", "--offline"]);
        ended
            .ended_with(3)
            .said("write a commit")
            .said(&format!("{name:?}"));
        assert_same(&before, &belongings(&world));
        assert_eq!(world.branches(), Vec::<String>::new());
        world.git(&["update-ref", "HEAD", head.trim()]);
    }
}

#[test]
fn a_link_in_the_place_of_a_file_that_matters_is_not_followed() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    one_finding(&world);
    let outside = world.path("outside");
    fs::create_dir(&outside).unwrap();
    let project = world.project();
    for name in ["Cargo.lock", "Cargo.toml"] {
        let (here, there) = (project.join(name), outside.join(name));
        fs::rename(&here, &there).unwrap();
        symlink(&there, &here).unwrap();
        fs::rename(project.join("src"), outside.join("src")).unwrap();
        symlink(outside.join("src"), project.join("src")).unwrap();
        let before = (entries(&outside), belongings(&world));
        for arguments in [&["find"][..], &["run", "--offline"]] {
            let ended = world.run(arguments);
            let told = format!("{}{}", ended.stdout, ended.stderr);
            assert!(told.contains(name), "{name}: {told}");
            // A finding that cannot be looked for is not a finding that is gone.
            let codes: &[_] = if name == "Cargo.lock" { &[3] } else { &[1, 3] };
            assert!(
                ended.code.is_some_and(|code| codes.contains(&code)),
                "{ended:?}"
            );
        }
        assert_same(&before.0, &entries(&outside));
        assert_same(&before.1, &belongings(&world));
        for name in [name, "src"] {
            fs::remove_file(project.join(name)).unwrap();
            fs::rename(outside.join(name), project.join(name)).unwrap();
        }
    }
    world.is_quiet();
}

#[test]
fn a_tree_that_names_one_path_twice_writes_nothing_through_the_first() {
    let world = World::new();
    one_finding(&world);
    let outside = world.path("outside");
    fs::create_dir(&outside).unwrap();
    world.commit();
    let project = world.project();
    let stored = |kind: &str, bytes: &[u8]| {
        fs::write(world.path("object"), bytes).unwrap();
        let file = world.path("object");
        let arguments = [
            "hash-object",
            "-w",
            "--literally",
            "-t",
            kind,
            file.to_str().unwrap(),
        ];
        world.git(&arguments).trim().to_owned()
    };
    let link = stored("blob", outside.to_str().unwrap().as_bytes());
    let file = stored("blob", b"planted");
    let entry = |mode: &str, name: &str, id: &str| {
        let bytes = (0..20).map(|at| u8::from_str_radix(&id[2 * at..2 * at + 2], 16).unwrap());
        [
            format!("{mode} {name}\0").as_bytes(),
            &bytes.collect::<Vec<_>>(),
        ]
        .concat()
    };
    let inner = stored("tree", &entry("100644", "planted", &file));
    let both = [entry("120000", "a", &link), entry("40000", "a", &inner)].concat();
    let tree = stored("tree", &both);
    let commit = world.git(&["commit-tree", &tree, "-m", "twice"]);
    world.git(&["update-ref", "HEAD", commit.trim()]);
    let ended = world.run(&["run", "--offline", "--sandbox", "none"]);
    ended.ended_with(3).said("copy `a`");
    assert!(entries(&outside).is_empty());
    assert!(project.join("Cargo.toml").exists());
}
