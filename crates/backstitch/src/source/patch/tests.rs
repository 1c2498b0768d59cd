use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{PATCH_BYTES_MAX, apply};
use crate::source::open_dir;

const BASE: &str = "one\ntwo\nthree\nfour\n";

struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("src")).unwrap();
        fs::write(folder.path().join("src/a.c"), BASE).unwrap();
        fs::write(folder.path().join("src/b.c"), "b\n").unwrap();
        Self { folder }
    }

    fn apply(&self, patch: impl AsRef<[u8]>) -> Result<Vec<String>, String> {
        let dir = open_dir(self.folder.path()).unwrap();
        apply(patch.as_ref(), &dir).unwrap().map_err(|why| why.0)
    }

    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.folder.path().join(path)).ok()
    }
}

fn edit(path: &str) -> String {
    format!(
        "diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n\
         @@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"
    )
}

fn made(mode: &str, path: &str) -> String {
    format!(
        "diff --git a/{path} b/{path}\nnew file mode {mode}\n--- /dev/null\n+++ b/{path}\n\
         @@ -0,0 +1 @@\n+echo\n"
    )
}

fn moved(from: &str, to: &str) -> String {
    format!(
        "diff --git a/{from} b/{to}\nsimilarity index 100%\nrename from {from}\nrename to {to}\n"
    )
}

fn binary(path: &str) -> String {
    format!(
        "diff --git a/{path} b/{path}\nindex 1..2 100644\nBinary files a/{path} and b/{path} differ\n"
    )
}

#[test]
fn an_edit_a_new_file_a_rename_and_a_deletion_are_carried_out() {
    let case = Case::new();
    let patch = edit("src/a.c") + &made("100755", "new/n.sh") + &moved("src/b.c", "src/c.c");
    assert_eq!(case.apply(patch), Ok(vec![]));
    assert_eq!(case.read("src/a.c").unwrap(), "one\n2\nthree\nfour\n");
    assert_eq!(case.read("new/n.sh").unwrap(), "echo\n");
    assert_eq!(case.read("src/c.c").unwrap(), "b\n");
    assert_eq!(case.read("src/b.c"), None);
    let about = fs::metadata(case.folder.path().join("new/n.sh")).unwrap();
    assert_eq!(about.permissions().mode() & 0o100, 0o100);
    let gone = "diff --git a/src/c.c b/src/c.c\ndeleted file mode 100644\n--- a/src/c.c\n\
                +++ /dev/null\n@@ -1 +0,0 @@\n-b\n";
    assert_eq!(case.apply(gone), Ok(vec![]));
    assert_eq!(case.read("src/c.c"), None);
}

#[test]
fn a_plain_diff_is_taken_with_or_without_a_first_part() {
    for (old, new) in [
        ("src/a.c", "src/a.c"),
        ("project-1.0/src/a.c", "project/src/a.c"),
        ("src/a.c.orig", "src/a.c"),
    ] {
        let case = Case::new();
        let patch = format!("--- {old}\n+++ {new}\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n");
        assert_eq!(case.apply(patch), Ok(vec![]), "{old}");
        assert_eq!(case.read("src/a.c").unwrap(), "one\n2\nthree\nfour\n");
    }
}

#[test]
fn two_commits_of_one_mailbox_that_change_one_file_follow_one_another() {
    let case = Case::new();
    let mail =
        |patch: &str| format!("From 0 Mon Sep 17\nSubject: x\n\nwords\n---\n{patch}-- \n2.47\n\n");
    let second = edit("src/a.c").replace("-two\n+2", "-2\n+zwei");
    let both = mail(&edit("src/a.c")) + &mail(&second);
    assert_eq!(case.apply(both), Ok(vec![]));
    assert_eq!(case.read("src/a.c").unwrap(), "one\nzwei\nthree\nfour\n");
}

#[test]
fn other_line_ends_are_told_and_the_file_keeps_its_own() {
    let case = Case::new();
    let notes = case.apply(edit("src/a.c").replace('\n', "\r\n")).unwrap();
    assert!(notes[0].contains("CR LF"), "{notes:?}");
    assert_eq!(case.read("src/a.c").unwrap(), "one\n2\nthree\nfour\n");
    let case = Case::new();
    let file = case.folder.path().join("src/a.c");
    fs::write(file, BASE.replace('\n', "\r\n")).unwrap();
    let notes = case.apply(edit("src/a.c")).unwrap();
    assert!(notes[0].contains("keeps its line ends"), "{notes:?}");
    let now = case.read("src/a.c").unwrap();
    assert_eq!(now, "one\r\n2\r\nthree\r\nfour\r\n");
}

#[test]
fn what_cannot_be_used_is_told_and_changes_nothing() {
    let good = edit("src/a.c");
    for (patch, why) in [
        (String::new(), "is empty"),
        (" \n\n".into(), "is empty"),
        ("hello\n".into(), "cannot be read"),
        ("x".repeat(PATCH_BYTES_MAX + 1), "larger than 8 MiB"),
        (good[..good.len() - 8].into(), "cut off"),
        (good.replace(" one", " eins"), "does not fit"),
        (good.replace("-two\n+2", "-2\n+two"), "turned round"),
        (edit("src/missing.c"), "not there"),
        (edit("../a.c"), "leaves the project"),
        (edit("/etc/passwd"), "leaves the project"),
        (edit(".git/config"), "repository's own folder"),
        (edit("src/.GIT/hooks/x"), "repository's own folder"),
        (made("120000", "src/link"), "symbolic link"),
        (made("160000", "src/module"), "submodule"),
        (made("100644", "src/b.c"), "there already"),
        (moved("src/b.c", "src/a.c"), "over `src/a.c`"),
        (binary("i.png"), "not there"),
        (binary("src/b.c"), "not how"),
        ("a\0b".into(), "NUL"),
    ] {
        let case = Case::new();
        let shown: String = patch.chars().take(60).collect();
        let told = case.apply(&patch).expect_err(&shown);
        assert!(told.contains(why), "{shown:?}: {told}");
        assert_eq!(case.read("src/a.c").unwrap(), BASE, "{shown:?}");
        // A good part in front of a bad one is not left behind.
        if patch.starts_with("diff --git") && !shown.contains("src/a.c") {
            case.apply(good.clone() + &patch).expect_err(&shown);
            assert_eq!(case.read("src/a.c").unwrap(), BASE, "{shown:?}");
        }
    }
}

#[test]
fn a_folder_that_is_a_link_is_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("a.c"), BASE).unwrap();
    let case = Case::new();
    std::os::unix::fs::symlink(outside.path(), case.folder.path().join("way")).unwrap();
    let told = case.apply(edit("way/a.c")).unwrap_err();
    assert!(told.contains("no folder here"), "{told}");
    let victim = fs::read_to_string(outside.path().join("a.c")).unwrap();
    assert_eq!(victim, BASE);
}
