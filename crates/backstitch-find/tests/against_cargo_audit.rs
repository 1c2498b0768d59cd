//! Compares findings with those of cargo-audit on real lockfiles.
//!
//! Needs data that is no part of the repository, so it runs only where these are set:
//! `BACKSTITCH_CASES` (a folder with one checkout a folder), `BACKSTITCH_CARGO_AUDIT` (the
//! program), `BACKSTITCH_RUSTSEC` (a checkout of the RustSec database) and, for a second
//! round with the database's own OSV export, `BACKSTITCH_RUSTSEC_OSV`.

#![expect(
    clippy::doc_markdown,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test tells its figures, and stops where its own helpers fail"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use backstitch_find::{Index, Provenance, Surroundings, findings, import, index, project};
use backstitch_model::RelPath;
use backstitch_model::advisory::Informational;
use backstitch_model::finding::{Class, FindingKind};

/// Kind, package, version, id.
type Told = BTreeSet<(String, String, String, String)>;

struct Data {
    cases: PathBuf,
    cargo_audit: PathBuf,
    rustsec: PathBuf,
    osv: Option<PathBuf>,
}

fn data() -> Option<Data> {
    let path = |name| std::env::var_os(name).map(PathBuf::from);
    Some(Data {
        cases: path("BACKSTITCH_CASES")?,
        cargo_audit: path("BACKSTITCH_CARGO_AUDIT")?,
        rustsec: path("BACKSTITCH_RUSTSEC")?,
        osv: path("BACKSTITCH_RUSTSEC_OSV"),
    })
}

fn by_cargo_audit(data: &Data, lockfile: &Path) -> Told {
    let output = Command::new(&data.cargo_audit)
        .args(["audit", "--json", "--no-fetch", "--no-yanked", "--db"])
        .arg(&data.rustsec)
        .arg("-f")
        .arg(lockfile)
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let entry = |kind: &str, value: &serde_json::Value| {
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        (
            kind.to_owned(),
            text(&value["package"]["name"]),
            text(&value["package"]["version"]),
            text(&value["advisory"]["id"]),
        )
    };
    let vulnerabilities = report["vulnerabilities"]["list"].as_array().unwrap();
    let mut told: Told = vulnerabilities
        .iter()
        .map(|value| entry("vulnerability", value))
        .collect();
    for (kind, values) in report["warnings"].as_object().unwrap() {
        let values = values.as_array().unwrap();
        told.extend(values.iter().map(|value| entry(kind, value)));
    }
    told
}

fn by_backstitch(index: &Index, case: &Path) -> Told {
    let root = project::open(case).unwrap();
    let project = project::read(&root, &RelPath::new("Cargo.lock").unwrap()).unwrap();
    let scan = findings(&project, index, Surroundings::default()).unwrap();
    assert_eq!(scan.problems, []);
    let mut told = Told::new();
    for finding in scan.findings {
        let FindingKind::VulnerableDependency(dependency) = finding.kind;
        let kind = match dependency.class {
            Class::Vulnerability => "vulnerability",
            Class::Notice(Informational::Unmaintained) => "unmaintained",
            Class::Notice(Informational::Unsound) => "unsound",
            Class::Notice(Informational::Notice) => "notice",
            Class::Yanked => "yanked",
        };
        let package = dependency.package;
        for id in dependency
            .ids
            .iter()
            .filter(|id| id.as_str().starts_with("RUSTSEC-"))
        {
            let (name, version) = (package.name.clone(), package.version.clone());
            told.insert((kind.to_owned(), name, version, id.to_string()));
        }
    }
    told
}

fn compare(data: &Data, source: &Path) {
    let imported = import::read(source).unwrap();
    assert_eq!(imported.problems, []);
    let compiled = index::compile(&imported.advisories, Provenance::default()).unwrap();
    let index = Index::from_bytes(compiled).unwrap();
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&data.cases)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|case| case.join("Cargo.lock").is_file())
        .collect();
    cases.sort();
    for case in cases {
        let expected = by_cargo_audit(data, &case.join("Cargo.lock"));
        let told = by_backstitch(&index, &case);
        let vulnerabilities = |told: &Told| {
            let kinds = told.iter().filter(|told| told.0 == "vulnerability");
            kinds.count()
        };
        println!(
            "{}: {} vulnerabilities, {} notices; cargo-audit {} and {}",
            case.file_name().unwrap().display(),
            vulnerabilities(&told),
            told.len() - vulnerabilities(&told),
            vulnerabilities(&expected),
            expected.len() - vulnerabilities(&expected),
        );
        let missing: Vec<_> = expected.difference(&told).collect();
        let extra: Vec<_> = told.difference(&expected).collect();
        assert!(
            missing.is_empty() && extra.is_empty(),
            "missing {missing:?}, extra {extra:?}"
        );
    }
}

#[test]
#[ignore = "needs data that is not in the repository: see the head of this file"]
fn findings_on_real_lockfiles_are_those_of_cargo_audit() {
    let Some(data) = data() else {
        println!("not run: the data's places are not set");
        return;
    };
    compare(&data, &data.rustsec);
    if let Some(osv) = &data.osv {
        compare(&data, osv);
    }
}
