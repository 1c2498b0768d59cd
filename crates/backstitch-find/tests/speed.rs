//! Times a scan of a large generated lockfile. Only a release build is held to the bounds.

#![expect(
    clippy::unwrap_used,
    reason = "a test tells its figures, and stops where its own helpers fail"
)]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use backstitch_find::{
    Index, Provenance, Surroundings, findings, import, index, lockfile, project, projects,
};

const PACKAGES: usize = 1_300;
const RECORDS: usize = 1_200;

/// A lockfile as Cargo writes it: each package depends on up to ten later ones.
fn generated(packages: usize) -> String {
    let mut text = String::from("# generated\nversion = 4\n\n[[package]]\nname = \"app\"\n");
    text.push_str("version = \"0.1.0\"\ndependencies = [\n \"package-0\",\n]\n");
    for number in 0..packages {
        write!(
            text,
            "\n[[package]]\nname = \"package-{number}\"\nversion = \"1.2.{number}\"\n\
             source = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
             checksum = \"{number:064x}\"\n"
        )
        .unwrap();
        let dependencies: Vec<usize> = (1..=10)
            .map(|step| number + step * step)
            .filter(|&number| number < packages)
            .collect();
        if !dependencies.is_empty() {
            text.push_str("dependencies = [\n");
            for dependency in dependencies {
                writeln!(text, " \"package-{dependency}\",").unwrap();
            }
            text.push_str("]\n");
        }
    }
    text
}

/// Records on every tenth package and on many that the lockfile does not have.
fn records() -> String {
    let record = |number: usize| {
        format!(
            r#"{{"id":"RUSTSEC-2024-{number:04}","modified":"2024-01-01T00:00:00Z",
            "summary":"a summary of the usual length, which tells what is wrong",
            "affected":[{{"package":{{"ecosystem":"crates.io","name":"package-{}"}},
            "ranges":[{{"type":"SEMVER","events":[{{"introduced":"0.0.0-0"}},{{"fixed":"1.2.100"}}]}}]}}],
            "references":[{{"type":"WEB","url":"https://example.org/{number}"}}]}}"#,
            number * 10
        )
    };
    let records: Vec<String> = (0..RECORDS).map(record).collect();
    format!("[{}]", records.join(","))
}

/// The shortest of several runs: the machine is shared.
fn fastest<Value>(mut run: impl FnMut() -> Value) -> (Duration, Value) {
    let timed = |_| {
        let start = Instant::now();
        let value = run();
        (start.elapsed(), value)
    };
    (0..5)
        .map(timed)
        .min_by_key(|(elapsed, _)| *elapsed)
        .unwrap()
}

#[test]
fn a_scan_of_a_large_lockfile_takes_milliseconds() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Cargo.lock"), generated(PACKAGES)).unwrap();
    std::fs::write(
        folder.path().join("Cargo.toml"),
        "[package]\nname = \"app\"\nversion = \"0.1.0\"\n[dependencies]\npackage-0 = \"1\"\n",
    )
    .unwrap();
    let target = folder.path().join("advisories.index");
    let imported = import::read_json("generated", records().as_bytes());
    let bytes = index::compile(&imported.advisories, Provenance::default()).unwrap();
    index::replace(&target, bytes).unwrap();

    let (opened, _) = fastest(|| Index::open(&target).unwrap());
    let (read, discovery) = fastest(|| projects(&project::open(folder.path()).unwrap()));
    let found = &discovery.projects[0];
    let (matched, scan) = fastest(|| {
        let index = Index::open(&target).unwrap();
        findings(found, &index, Surroundings::default()).unwrap()
    });
    println!("open {opened:?}, read the project {read:?}, find {matched:?}");
    assert_eq!(found.graph.packages().len(), PACKAGES + 1);
    assert_eq!(scan.findings.len(), 10);
    assert!(cfg!(debug_assertions) || opened + read + matched < Duration::from_millis(20));
}

#[test]
fn a_huge_lockfile_takes_time_in_proportion() {
    // Fifty megabytes; a build without optimisation gets a tenth.
    let packages = if cfg!(debug_assertions) {
        12_000
    } else {
        120_000
    };
    let tenth = generated(packages / 10);
    let (small, _) = fastest(|| lockfile::parse(tenth.as_bytes()).unwrap());
    let text = generated(packages);
    let (large, read) = fastest(|| lockfile::parse(text.as_bytes()).unwrap());
    println!("{} bytes: {large:?}; a tenth: {small:?}", text.len());
    assert_eq!(read.graph.packages().len(), packages + 1);
    assert!(large < small * 60 + Duration::from_millis(200));
}

#[test]
fn a_chain_in_which_everything_is_vulnerable_takes_time_in_proportion() {
    let link = |number: usize| {
        format!(
            "\n[[package]]\nname = \"package-0\"\nversion = \"0.0.{number}\"\n\
             source = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
             dependencies = [\n \"package-0 0.0.{}\",\n]\n",
            number + 1
        )
    };
    let all = |packages: usize| {
        let links: String = (0..packages).map(link).collect();
        let root = "[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"package-0 0.0.0\",\n]\n";
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Cargo.lock"), format!("{root}{links}")).unwrap();
        projects(&project::open(folder.path()).unwrap())
            .projects
            .remove(0)
    };
    let imported = import::read_json("generated", records().as_bytes());
    let bytes = index::compile(&imported.advisories, Provenance::default()).unwrap();
    let index = Index::from_bytes(bytes).unwrap();
    let time = |packages: usize| {
        let project = all(packages);
        let find = || findings(&project, &index, Surroundings::default()).unwrap();
        let (elapsed, scan) = fastest(find);
        (elapsed, scan.findings.len(), scan.problems.len())
    };
    let (small, found, _) = time(900);
    assert_eq!(found, 900);
    let (large, found, _) = time(9_000);
    assert_eq!(found, 9_000);
    println!("9,000 findings: {large:?}; 900: {small:?}");
    assert!(large < small * 60 + Duration::from_millis(200));
    let (_, found, problems) = time(11_000);
    assert_eq!((found, problems), (10_000, 1));
}

#[test]
fn a_starter_set_is_compiled_in_memory_within_milliseconds() {
    let all: Vec<serde_json::Value> = serde_json::from_str(&records()).unwrap();
    let json = serde_json::json!({
        "date": "2026-01-01", "sources": ["generated"], "records": all[..75],
    })
    .to_string();
    let (elapsed, index) = fastest(|| {
        let imported = import::read_json("starter set", json.as_bytes());
        let bytes = index::compile(&imported.advisories, Provenance::default()).unwrap();
        Index::from_bytes(bytes).unwrap()
    });
    println!("{elapsed:?} for {} bytes", json.len());
    assert_eq!(index.about().records(), 75);
    assert!(cfg!(debug_assertions) || elapsed < Duration::from_millis(3));
}
