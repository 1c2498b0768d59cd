//! Import: every kind of source, and what hostile ones get.

use std::io::Write as _;
use std::path::PathBuf;

use backstitch_model::advisory::{Informational, RangeEvent};
use backstitch_model::package::Ecosystem;

use super::*;

fn record(id: &str) -> String {
    format!(
        r#"{{"id": "{id}", "modified": "2024-01-01T00:00:00Z", "summary": "s", "affected":
        [{{"package": {{"ecosystem": "crates.io", "name": "a"}},
        "ranges": [{{"type": "SEMVER", "events": [{{"introduced": "0"}}]}}]}}]}}"#
    )
}

fn ids(imported: &Imported) -> Vec<&str> {
    imported
        .advisories
        .iter()
        .map(|advisory| advisory.id.as_str())
        .collect()
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }
}

fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in entries {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// `.tar.xz` with `A-1` in `osv/A-1.json` and `B-1` under a name of 150 letters.
fn tar_xz() -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(1);
    let writer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    let mut builder = tar::Builder::new(writer);
    let long = format!("osv/{}.json", "b".repeat(150));
    for (name, content) in [
        ("osv/A-1.json", record("A-1")),
        ("osv/README", "x".repeat(2000)),
        (&long, record("B-1")),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder
            .append_data(&mut header, name, content.as_bytes())
            .unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

#[test]
fn records_are_read_from_folders_archives_and_bundles() {
    let folder = Folder::new();
    folder.file("b/two.json", record("A-2"));
    folder.file("a/one.json", record("A-1"));
    folder.file("a/notes.txt", "not looked at");
    folder.file(".git/three.json", record("A-3"));
    let zipped = zip_of(&[("x/A-4.json", record("A-4").as_bytes()), ("README", b"")]);
    let archive = folder.file("c/all.zip", &zipped);
    let read_ids = |path: &Path| ids(&read(path).unwrap()).join(" ");
    let mut all: Vec<String> = read_ids(folder.0.path())
        .split(' ')
        .map(str::to_owned)
        .collect();
    all.sort();
    assert_eq!(all, ["A-1", "A-2", "A-4"]);
    assert_eq!(read_ids(&archive), "A-4");
    assert_eq!(read_ids(&folder.file("d.tar.xz", tar_xz())), "A-1 B-1");
    let list = format!("[{}, {}]", record("A-1"), record("A-2"));
    assert_eq!(read_ids(&folder.file("list.json", &list)), "A-1 A-2");
    let bundle = format!(r#"{{"date": "2024", "sources": [], "records": {list}}}"#);
    assert_eq!(read_ids(&folder.file("bundle.json", &bundle)), "A-1 A-2");
    assert_eq!(
        ids(&read_json("starter", bundle.as_bytes())),
        ["A-1", "A-2"]
    );
}

#[test]
fn a_broken_record_is_told_and_the_rest_is_read() {
    let folder = Folder::new();
    folder.file("good.json", record("A-1"));
    for (name, content) in [
        ("truncated.json", &record("A-2")[..40]),
        ("no-id.json", r#"{"modified": "2024"}"#),
        (
            "bad-id.json",
            r#"{"id": "../../etc/passwd\u001b[2J", "modified": "2024"}"#,
        ),
        ("number.json", "7"),
        ("deep.json", &"[".repeat(100_000)),
    ] {
        folder.file(name, content);
    }
    folder.file("bytes.json", [0xff, 0xfe, 0x00]);
    let imported = read(folder.0.path()).unwrap();
    assert_eq!(ids(&imported), ["A-1"]);
    assert_eq!(imported.problem_count, 6);
    assert!(
        imported
            .problems
            .iter()
            .all(|problem| problem.what.len() < 400)
    );
    assert!(
        imported
            .problems
            .iter()
            .all(|problem| !problem.what.contains('\u{1b}'))
    );
}

#[test]
fn a_broken_part_costs_the_part_and_not_the_record() {
    let json = r#"{"id": "A-1", "modified": "2024", "aliases": ["CVE-1", "not an id", "CVE-1"],
        "severity": null, "references": null, "details": "\n# First line\nmore",
        "affected": [{"ranges": [{"type": "GIT", "events": []}]},
         {"package": {"ecosystem": "npm", "name": "a"}, "ranges": [
          {"type": "SEMVER", "events": [{"introduced": "1.0.0", "fixed": "2.0.0"}]},
          {"type": "SEMVER", "events": [{"fixed": "2.0.0"}]},
          {"type": "MAGIC", "events": [{"introduced": "0"}]},
          {"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "3.0.0"}]}]}]}"#;
    let imported = read_json("test", json.as_bytes());
    let [advisory] = imported.advisories.as_slice() else {
        panic!("{imported:?}")
    };
    assert_eq!(advisory.summary, "First line");
    assert_eq!(advisory.aliases.len(), 1);
    let [affected] = advisory.affected.as_slice() else {
        panic!()
    };
    assert_eq!(affected.ecosystem, Ecosystem::Npm);
    assert_eq!(affected.ranges.len(), 1);
    assert_eq!(imported.problem_count, 4);
}

#[test]
fn problems_are_bounded_and_counted() {
    let folder = Folder::new();
    folder.file("good.json", record("A-1"));
    for number in 0..150 {
        folder.file(&format!("bad-{number}.json"), "{");
    }
    let imported = read(folder.0.path()).unwrap();
    assert_eq!(
        (imported.problems.len(), imported.problem_count),
        (100, 150)
    );
    assert_eq!(imported.documents, 151);
}

#[test]
fn every_source_has_limits() {
    let folder = Folder::new();
    let limits = |entries_max, entry_bytes_max, total_bytes_max| Limits {
        entries_max,
        entry_bytes_max,
        total_bytes_max,
    };
    // Zeros compress a thousandfold: the archive is small, its entry is not.
    let bomb = format!("{}{}", record("A-2"), " ".repeat(1 << 20));
    let small = record("A-1");
    let entries: [(&str, &[u8]); 2] = [
        ("A-1.json", small.as_bytes()),
        ("A-2.json", bomb.as_bytes()),
    ];
    let zipped = folder.file("z/all.zip", zip_of(&entries));
    let imported = read_within(&zipped, &limits(10, 10_000, 1 << 30)).unwrap();
    assert_eq!((ids(&imported), imported.problem_count), (vec!["A-1"], 1));
    let too_large = |path: &Path, limits| {
        matches!(
            read_within(path, &limits),
            Err(ImportError::TooLarge { .. })
        )
    };
    assert!(too_large(&zipped, limits(1, 1 << 30, 1 << 30)));
    assert!(too_large(&zipped, limits(10, 1 << 30, 100_000)));
    folder.file("f/1.json", record("A-1"));
    folder.file("f/2.json", record("A-2"));
    assert!(too_large(
        &folder.0.path().join("f"),
        limits(1, 1 << 30, 1 << 30)
    ));
    assert!(too_large(
        &folder.0.path().join("f"),
        limits(9, 1 << 30, 300)
    ));
    let tar = folder.file("t.tar.xz", tar_xz());
    assert!(too_large(&tar, limits(1, 1 << 30, 1 << 30)));
    let metered = read_within(&tar, &limits(10, 1 << 30, 600)).unwrap_err();
    assert!(metered.to_string().contains("more than"), "{metered}");
}

#[test]
fn a_broken_archive_stops_the_import_and_is_named() {
    let folder = Folder::new();
    let whole = tar_xz();
    let broken = [
        ("cut.tar.xz", whole[..whole.len() / 2].to_vec()),
        ("none.tar.xz", b"hello".to_vec()),
        ("none.zip", b"hello".to_vec()),
    ];
    for (name, content) in broken {
        let path = folder.file(name, content);
        let error = read(&path).unwrap_err();
        assert!(
            matches!(error, ImportError::Archive { .. }),
            "{name}: {error}"
        );
        assert!(error.to_string().contains(name), "{error}");
    }
    let mut flipped = whole;
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    assert!(read(&folder.file("flipped.tar.xz", flipped)).is_err());
    assert!(matches!(
        read(&folder.file("x.bin", "")).unwrap_err(),
        ImportError::UnknownKind(_)
    ));
    assert!(matches!(
        read(&folder.file("empty.json", "[]")).unwrap_err(),
        ImportError::NoRecords { .. }
    ));
    assert!(matches!(
        read(&folder.0.path().join("missing")).unwrap_err(),
        ImportError::Io { .. }
    ));
}

const MARKDOWN: &str = r#"```toml
[advisory]
id = "RUSTSEC-2024-0001"
package = "a"
date = "2024-01-01"
informational = "unsound"
aliases = ["CVE-2024-1"]
related = ["CVE-2024-2"]
cvss = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
url = "https://example.org/1"
references = ["https://example.org/2"]

[affected]
functions = { "a::b" = ["< 1.0.0"] }

[versions]
patched = [">=1.8.4, <1.9.0", ">=1.13.1"]
unaffected = ["<0.1.14"]
```

# It is unsound

At length.
"#;

#[test]
fn an_advisory_of_the_rustsec_database_becomes_a_record() {
    let folder = Folder::new();
    folder.file("crates/a/RUSTSEC-2024-0001.md", MARKDOWN);
    folder.file(
        "crates/b/RUSTSEC-2024-0002.md",
        MARKDOWN.replace("0001", "0002").replace(
            "date = \"2024-01-01\"",
            "date = \"2024-01-01\"\nwithdrawn = \"2024-06-01\"",
        ),
    );
    folder.file("crates/c/RUSTSEC-2024-0003.md", "# no front matter");
    folder.file(
        "crates/d/RUSTSEC-2024-0004.md",
        MARKDOWN.replace(">=1.13.1", "whatever"),
    );
    folder.file("rust/std/CVE-2024-9.md", MARKDOWN);
    let imported = read(folder.0.path()).unwrap();
    assert_eq!(imported.problem_count, 2, "{:?}", imported.problems);
    let withdrawn: Vec<_> = imported
        .advisories
        .iter()
        .map(|a| a.withdrawn.as_deref())
        .collect();
    assert_eq!(withdrawn.len(), 2);
    assert!(withdrawn.contains(&Some("2024-06-01T00:00:00Z")));
    let advisory = imported
        .advisories
        .iter()
        .find(|a| a.withdrawn.is_none())
        .unwrap();
    assert_eq!(advisory.summary, "It is unsound");
    assert_eq!(advisory.aliases.len(), 1);
    assert_eq!(advisory.severities[0].system, "CVSS_V3");
    assert_eq!(advisory.references.len(), 3);
    let affected = &advisory.affected[0];
    assert_eq!(affected.informational, Some(Informational::Unsound));
    let introduced = |version: &str| RangeEvent::Introduced(version.into());
    let fixed = |version: &str| RangeEvent::Fixed(version.into());
    assert_eq!(
        affected.ranges[0].events(),
        [
            introduced("0.1.14"),
            fixed("1.8.4"),
            introduced("1.9.0"),
            fixed("1.13.1")
        ]
    );
}
