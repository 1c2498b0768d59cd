//! A ledger that somebody changed says so, in a sentence and with an exit code.

mod common;

use std::fs;

use common::World;
use rusqlite::Connection;

/// A project with two runs in its ledger; nothing of it has to be built for them.
fn two_runs() -> World {
    let world = World::new();
    world.write("--- Cargo.lock\nversion = 4\n--- Cargo.toml\n[package]\nname = \"app\"\nversion = \"0.1.0\"\n");
    world.import_nothing_much();
    for _ in 0..2 {
        world
            .run(&["run", "--offline", "--sandbox", "none"])
            .ended_with(0);
    }
    world
        .run(&["ledger", "verify"])
        .ended_with(0)
        .printed("6 events");
    world
}

#[test]
fn any_change_to_the_ledger_is_told_in_a_plain_sentence() {
    let world = two_runs();
    let folder = world.state().join("ledger");
    let kept = world.path("kept");
    fs::create_dir(&kept).unwrap();
    for entry in fs::read_dir(&folder).unwrap().flatten() {
        fs::copy(entry.path(), kept.join(entry.file_name())).unwrap();
    }
    for (sql, words) in [
        (
            "UPDATE events SET body = replace(body, 'unconfined', 'sandboxed') WHERE sequence = 1",
            "event 1 was changed after it was written",
        ),
        (
            "UPDATE events SET at = '2001-01-01T00:00:00Z' WHERE sequence = 4",
            "event 4 was changed after it was written",
        ),
        (
            "DELETE FROM events WHERE sequence = 2",
            "event 2 is missing",
        ),
        ("DELETE FROM events WHERE sequence = 6", "its end is gone"),
        (
            "DELETE FROM events WHERE run IN (SELECT run FROM events WHERE sequence = 6)",
            "its end is gone",
        ),
        (
            "UPDATE events SET sequence = 99 WHERE sequence = 2; \
             UPDATE events SET sequence = 2 WHERE sequence = 3; \
             UPDATE events SET sequence = 3 WHERE sequence = 99",
            "event 2 was changed after it was written",
        ),
        (
            "UPDATE runs SET confinement = 'sandboxed'",
            "table `runs` does not say what the events say",
        ),
        (
            "UPDATE runs SET exit = 1",
            "table `runs` does not say what the events say",
        ),
    ] {
        let connection = Connection::open(folder.join("ledger.sqlite")).unwrap();
        connection.execute_batch(sql).unwrap();
        drop(connection);
        let ended = world.run(&["ledger", "verify"]);
        ended
            .ended_with(3)
            .said("error: the ledger is not what was written:")
            .said(words)
            .is_tame();
        assert!(ended.stdout.is_empty());
        fs::remove_dir_all(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
        for entry in fs::read_dir(&kept).unwrap().flatten() {
            fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
        }
        world.run(&["ledger", "verify"]).ended_with(0);
    }
}

#[test]
fn a_ledger_that_is_none_or_lost_its_head_is_refused_by_name() {
    let world = two_runs();
    let folder = world.state().join("ledger");
    fs::remove_file(folder.join("ledger.head")).unwrap();
    world
        .run(&["ledger", "verify"])
        .ended_with(3)
        .said("ledger.head` is missing");
    fs::write(
        folder.join("ledger.sqlite"),
        "no database at all, but long enough to be looked at\n".repeat(99),
    )
    .unwrap();
    for arguments in [
        &["ledger", "verify"][..],
        &["ledger", "show"],
        &["run", "--offline", "--sandbox", "none"],
    ] {
        world
            .run(arguments)
            .ended_with(3)
            .said("ledger.sqlite")
            .is_tame();
    }
}
