//! Compares what we say is built with what `cargo tree` says, on real projects.
//!
//! Needs data that is no part of the repository, and Cargo with a registry: runs only where
//! `BACKSTITCH_CASES` names a folder with one checkout a folder.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test tells its figures, and stops where its own helpers fail"
)]

mod cargo_cache;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use backstitch_find::{
    Index, Platform, Provenance, Surroundings, findings, import, index, project,
};
use backstitch_model::RelPath;
use backstitch_model::finding::{Compiled, FindingKind};
use backstitch_model::project::{DependencyKind, Project};
use backstitch_model::registry::Releases;

use cargo_cache::CargoCache;

type Packages = BTreeSet<(String, String)>;

/// A copy without what was built, so that nothing is written beside the original.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if name == "target"
            || name == ".git"
            || name.to_string_lossy().starts_with("rust-toolchain")
        {
            continue;
        }
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy(&entry.path(), &to.join(name));
        } else if kind.is_file() {
            std::fs::copy(entry.path(), to.join(name)).unwrap();
        }
    }
}

fn by_cargo_tree(folder: &Path, edges: &str, options: &[&str]) -> Packages {
    let output = Command::new("cargo")
        .args([
            "tree",
            "--workspace",
            "--locked",
            "--prefix",
            "none",
            "-f",
            "{p}",
            "-e",
            edges,
        ])
        .args(options)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (name, version) = (words.next()?, words.next()?);
            Some((name.to_owned(), version.strip_prefix('v')?.to_owned()))
        })
        .collect()
}

/// An index in which every package of the project has a finding.
fn index_of_all(project: &Project) -> Index {
    let records: BTreeMap<&str, serde_json::Value> = project
        .graph
        .packages()
        .iter()
        .map(|package| {
            let name = package.id.name.as_str();
            let record = serde_json::json!({
                "id": format!("RUSTSEC-{name}"), "modified": "2024-01-01T00:00:00Z",
                "affected": [{
                    "package": {"ecosystem": "crates.io", "name": name},
                    "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
                }],
            });
            (name, record)
        })
        .collect();
    let json = serde_json::to_vec(&records.into_values().collect::<Vec<_>>()).unwrap();
    let imported = import::read_json("generated", &json);
    Index::from_bytes(index::compile(&imported.advisories, Provenance::default()).unwrap()).unwrap()
}

struct Answers {
    built: BTreeMap<(String, String), Compiled>,
    kinds: BTreeMap<(String, String), DependencyKind>,
}

fn by_backstitch(project: &Project, index: &Index, releases: Option<&dyn Releases>) -> Answers {
    let surroundings = Surroundings {
        releases,
        platform: Platform::host(),
    };
    let scan = findings(project, index, surroundings).unwrap();
    let mut answers = Answers {
        built: BTreeMap::new(),
        kinds: BTreeMap::new(),
    };
    for finding in scan.findings {
        let FindingKind::VulnerableDependency(dependency) = finding.kind;
        let key = (dependency.package.name, dependency.package.version);
        answers.kinds.insert(key.clone(), dependency.reach.kind);
        answers.built.insert(key, dependency.reach.compiled);
    }
    answers
}

fn compare(case: &Path) {
    let copied = tempfile::tempdir().unwrap();
    copy(case, copied.path());
    let everything = by_cargo_tree(copied.path(), "normal,build,dev", &[]);
    let without_tests = by_cargo_tree(copied.path(), "normal,build", &[]);
    let anywhere = by_cargo_tree(copied.path(), "normal,build,dev", &["--target", "all"]);
    let root = project::open(case).unwrap();
    let project = project::read(&root, &RelPath::new("Cargo.lock").unwrap()).unwrap();
    let index = index_of_all(&project);
    let cache = CargoCache::default();
    let answers = by_backstitch(&project, &index, Some(&cache));
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (package, compiled) in &answers.built {
        let expected = everything.contains(package);
        let told = match compiled {
            Compiled::Yes => "built",
            Compiled::OtherPlatform => "other platform",
            Compiled::OptIn => "opt-in",
            Compiled::Unknown(why) => panic!("{package:?}: {why}"),
        };
        *counts.entry(told).or_default() += 1;
        assert_eq!(
            *compiled == Compiled::Yes,
            expected,
            "{package:?} is {compiled:?}"
        );
        let is_opt_in = *compiled == Compiled::OptIn;
        assert_eq!(
            is_opt_in,
            !anywhere.contains(package),
            "{package:?} is {compiled:?}"
        );
        if expected {
            // Features may differ without tests, so only the other direction is sure.
            let is_dev = answers.kinds[package] == DependencyKind::Dev;
            assert!(
                !is_dev || !without_tests.contains(package),
                "{package:?} is for tests"
            );
        }
    }
    let alone = by_backstitch(&project, &index, None);
    let mut unknown = 0;
    for (package, compiled) in &alone.built {
        match compiled {
            Compiled::Unknown(_) => unknown += 1,
            Compiled::Yes => assert!(everything.contains(package), "{package:?}"),
            Compiled::OtherPlatform | Compiled::OptIn => {
                assert!(!everything.contains(package), "{package:?}");
            }
        }
    }
    let name = case.file_name().unwrap().display();
    println!(
        "{name}: {counts:?}; without the registry {unknown} of {} unknown",
        alone.built.len()
    );
}

#[test]
#[ignore = "needs data that is not in the repository: see the head of this file"]
fn what_is_built_on_real_projects_is_what_cargo_tree_says() {
    let Some(cases) = std::env::var_os("BACKSTITCH_CASES").map(PathBuf::from) else {
        println!("not run: BACKSTITCH_CASES is not set");
        return;
    };
    let mut cases: Vec<PathBuf> = std::fs::read_dir(cases)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|case| case.join("Cargo.lock").is_file())
        .collect();
    cases.sort();
    for case in cases {
        compare(&case);
    }
}
