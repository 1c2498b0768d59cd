//! Runs the built program on the files in `tests/data`. Needs no network and no home directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn logdesk(arguments: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_logdesk"))
        .args(arguments)
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_rulebook_prints_as_reviewed() {
    let output = logdesk(&["rules".as_ref(), &data("ferry.rules")]);
    let reviewed = std::fs::read_to_string(data("ferry.dump")).unwrap();
    assert_eq!(stdout(&output), reviewed);
}

#[test]
fn a_night_is_summed_up_by_urgency() {
    let output = logdesk(&["report".as_ref(), &data("ferry.rules"), &data("night.log")]);
    let text = stdout(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "6 of 8 lines need a look");
    assert!(lines[1].starts_with("prepared by "));
    assert_eq!(
        lines[2..],
        [
            "high   gate-stuck      2  at 5, 6",
            "high   disk-full       1  at 7",
            "medium card-refused    1  at 3",
            "low    slow-sale       2  at 2, 8",
        ]
    );
}

#[test]
fn a_report_can_go_into_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("night.txt");
    let output = logdesk(&[
        "report".as_ref(),
        &data("ferry.rules"),
        &data("night.log"),
        &file,
    ]);
    assert_eq!(stdout(&output), "");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("6 of 8 lines"));
}

#[test]
fn a_handoff_names_the_command_and_the_line() {
    let output = logdesk(&["handoff".as_ref(), &data("ferry.rules"), &data("night.log")]);
    let commands: Vec<Vec<String>> = stdout(&output)
        .lines()
        .map(|line| shlex::split(line).unwrap())
        .collect();
    assert_eq!(commands.len(), 4);
    assert_eq!(
        commands[0],
        [
            "mail",
            "payments@ferry.example",
            "22:03:10 kiosk-1 card refused: code 51"
        ]
    );
    assert_eq!(
        commands[3],
        [
            "page",
            "--team",
            "storage",
            "22:11:31 backup No space left on /var"
        ]
    );
}

#[test]
fn a_missing_file_is_named_in_the_error() {
    let output = logdesk(&["rules".as_ref(), "no-such.rules".as_ref()]);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.starts_with("read `no-such.rules`: "), "{message}");
}

#[test]
fn no_arguments_give_the_usage() {
    let output = logdesk(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr)
        .unwrap()
        .starts_with("usage: logdesk"));
}
