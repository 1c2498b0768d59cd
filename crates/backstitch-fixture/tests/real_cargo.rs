//! Real Cargo resolves and builds from a registry on disk, with no network.

#![expect(clippy::unwrap_used, reason = "a broken fixture is a broken test")]

use std::path::Path;
use std::process::{Command, Output};

use backstitch_fixture::{DiskRegistry, Files, Package};

fn cargo(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO"))
        .current_dir(folder)
        .args(arguments)
        .env("CARGO_HOME", folder.join("home"))
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env("CARGO_NET_OFFLINE", "true")
        .output()
        .unwrap()
}

fn publish(folder: &Path) -> DiskRegistry {
    let registry = DiskRegistry::new(folder);
    registry
        .publish(&Package::new("leaf", "1.0.0").source("pub fn leaf() -> u32 { 1 }\n"))
        .publish(&Package::new("leaf", "1.1.0").source("pub fn leaf() -> u32 { 2 }\n"))
        .publish(&Package::new("leaf", "1.2.0").yanked())
        .publish(
            &Package::new("parent", "0.3.0")
                .requires("leaf", "1")
                .published("2024-01-02T03:04:05Z")
                .source("pub fn parent() -> u32 { leaf::leaf() }\n"),
        );
    registry
}

#[test]
fn cargo_resolves_builds_and_tests_from_the_disk() {
    let disk = tempfile::tempdir().unwrap();
    let registry = publish(disk.path());
    let project = Files::parse(
        "--- Cargo.toml
[package]
name = \"app\"
version = \"0.1.0\"
edition = \"2021\"

[dependencies]
parent = \"0.3\"
--- src/lib.rs
#[test]
fn the_newest_leaf_that_is_not_withdrawn_is_there() {
    assert_eq!(parent::parent(), 2);
}
",
    )
    .to_temporary_folder();
    registry.configure(project.path());
    let output = cargo(project.path(), &["test", "--lib"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let lock = std::fs::read_to_string(project.path().join("Cargo.lock")).unwrap();
    assert!(
        lock.contains("name = \"leaf\"\nversion = \"1.1.0\""),
        "{lock}"
    );
    assert!(lock.contains("crates.io-index"), "{lock}");
}

#[test]
fn archives_are_the_same_bytes_whenever_they_are_made() {
    let read = |folder: &Path| std::fs::read(folder.join("parent-0.3.0.crate")).unwrap();
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    publish(first.path());
    publish(second.path());
    assert_eq!(read(first.path()), read(second.path()));
}
