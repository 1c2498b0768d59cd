//! The index: what goes in comes out, and no bytes make it panic.

use std::path::PathBuf;

use backstitch_model::registry::KnownVulnerabilities as _;
use proptest::prelude::*;

use super::*;
use crate::import;

const RECORDS: &str = r#"[
 {"id": "RUSTSEC-2024-0001", "modified": "2024-01-02T00:00:00.5Z", "published": "2024-01-01T00:00:00Z",
  "aliases": ["CVE-2024-1"], "summary": "one", "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
  "affected": [{"package": {"ecosystem": "crates.io", "name": "alpha"},
    "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.2.0"}]}], "versions": ["9.9.9"]}],
  "references": [{"type": "WEB", "url": "https://example.org"}], "database_specific": {"cwe_ids": ["CWE-79"]}},
 {"id": "RUSTSEC-2024-0002", "modified": "2024-01-02T00:00:00Z", "withdrawn": "2024-02-01T00:00:00Z",
  "affected": [{"package": {"ecosystem": "crates.io", "name": "alpha"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}]},
 {"id": "PYSEC-1", "modified": "2023-01-01T00:00:00Z",
  "affected": [{"package": {"ecosystem": "PyPI", "name": "Foo.Bar"}, "versions": ["1.0"]}]}
]"#;

fn bytes_of(json: &str) -> Vec<u8> {
    let imported = import::read_json("test", json.as_bytes());
    assert_eq!(imported.problems, []);
    let provenance = Provenance {
        sources: vec!["test".into()],
        created_at: "2024-03-01T00:00:00Z".into(),
    };
    compile(&imported.advisories, provenance).unwrap()
}

fn open(json: &str) -> Index {
    Index::from_bytes(bytes_of(json)).unwrap()
}

fn known(index: &Index, ecosystem: &Ecosystem, package: &str, version: &str) -> Vec<String> {
    let known = index.known(ecosystem).unwrap();
    let ids = known.vulnerabilities(package, version);
    assert!(known.damage().is_none());
    ids.iter().map(ToString::to_string).collect()
}

#[test]
fn what_goes_in_comes_out() {
    let index = open(RECORDS);
    index.verify().unwrap();
    let about = index.about();
    assert_eq!(about.provenance.sources, ["test"]);
    assert_eq!(about.newest_modified, "2024-01-02T00:00:00.5Z");
    let counts: Vec<_> = about
        .sections
        .iter()
        .map(|section| {
            (
                section.ecosystem.as_str(),
                section.records,
                section.packages,
            )
        })
        .collect();
    assert_eq!(counts, [("PyPI", 1, 1), ("crates.io", 2, 1)]);
    let section = index.section(&Ecosystem::CratesIo).unwrap().unwrap();
    let entries = section.entries("alpha").unwrap();
    assert_eq!(entries.len(), 2);
    let mut record = section.record(&entries[0]).unwrap();
    let mut imported = import::read_json("test", RECORDS.as_bytes())
        .advisories
        .remove(0);
    imported.affected.clear();
    record.affected.clear();
    assert_eq!(record, imported);
}

#[test]
fn lookups_normalise_names_and_skip_withdrawn_records() {
    let index = open(RECORDS);
    assert_eq!(
        known(&index, &Ecosystem::CratesIo, "alpha", "1.1.9"),
        ["RUSTSEC-2024-0001"]
    );
    assert_eq!(
        known(&index, &Ecosystem::CratesIo, "alpha", "9.9.9"),
        ["RUSTSEC-2024-0001"]
    );
    assert!(known(&index, &Ecosystem::CratesIo, "alpha", "1.2.0").is_empty());
    assert!(known(&index, &Ecosystem::CratesIo, "beta", "1.0.0").is_empty());
    assert_eq!(
        known(&index, &Ecosystem::PyPi, "foo_bar", "1.0"),
        ["PYSEC-1"]
    );
    assert!(known(&index, &Ecosystem::Npm, "alpha", "1.0.0").is_empty());
}

#[test]
fn the_later_of_two_records_counts_and_one_id_may_speak_of_several_packages() {
    let record = |modified: &str, package: &str, fixed: &str| {
        format!(
            r#"{{"id": "A-1", "modified": "{modified}", "affected": [{{"package":
            {{"ecosystem": "crates.io", "name": "{package}"}}, "ranges": [{{"type": "SEMVER",
            "events": [{{"introduced": "0"}}, {{"fixed": "{fixed}"}}]}}]}}]}}"#
        )
    };
    let records = [
        record("2024-01-01T00:00:00.9Z", "alpha", "2.0.0"),
        record("2024-01-01T00:00:00Z", "alpha", "1.0.0"),
        record("2023-01-01T00:00:00Z", "beta", "5.0.0"),
    ];
    let index = open(&format!("[{}]", records.join(",")));
    assert_eq!(
        known(&index, &Ecosystem::CratesIo, "alpha", "1.5.0"),
        ["A-1"]
    );
    assert_eq!(
        known(&index, &Ecosystem::CratesIo, "beta", "1.5.0"),
        ["A-1"]
    );
}

#[test]
fn a_record_whose_newest_version_is_withdrawn_affects_nothing() {
    let older = r#"{"id": "A-1", "modified": "2023-01-01T00:00:00Z", "affected": [{"package":
        {"ecosystem": "npm", "name": "a"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}]}"#;
    let newer =
        r#"{"id": "A-1", "modified": "2024-01-01T00:00:00Z", "withdrawn": "2024-01-01T00:00:00Z"}"#;
    let index = open(&format!("[{older}, {newer}]"));
    assert!(known(&index, &Ecosystem::Npm, "a", "1.0.0").is_empty());
}

fn refusal(bytes: Vec<u8>) -> IndexProblem {
    match Index::from_bytes(bytes).and_then(|index| index.verify()) {
        Ok(()) => panic!("it was taken"),
        Err(error) => error.problem,
    }
}

#[test]
fn a_file_that_is_no_index_of_this_format_is_refused_by_name() {
    let good = bytes_of(RECORDS);
    assert!(matches!(refusal(Vec::new()), IndexProblem::Foreign));
    assert!(matches!(
        refusal(b"SQLite format 3\0".repeat(9)),
        IndexProblem::Foreign
    ));
    for other in [1, 3] {
        let mut bytes = good.clone();
        bytes[8] = other;
        assert!(
            matches!(refusal(bytes), IndexProblem::OtherFormat(told) if told == u32::from(other))
        );
    }
    let mut short = good.clone();
    short.pop();
    assert!(matches!(refusal(short), IndexProblem::WrongLength { .. }));
    let mut long = good;
    long.push(0);
    assert!(matches!(refusal(long), IndexProblem::WrongLength { .. }));
    let missing = Index::open(std::path::Path::new("/nowhere/advisories.index")).unwrap_err();
    assert!(
        missing.to_string().contains("/nowhere/advisories.index"),
        "{missing}"
    );
    let folder = Index::open(std::path::Path::new("/")).unwrap_err();
    assert!(matches!(folder.problem, IndexProblem::Foreign));
}

#[test]
fn damage_in_one_section_leaves_the_others_usable() {
    let mut bytes = bytes_of(RECORDS);
    let crates_io = Index::from_bytes(bytes.clone()).unwrap().about.sections[1]
        .span
        .clone();
    bytes[crates_io.start + 40] ^= 1;
    let index = Index::from_bytes(bytes).unwrap();
    assert_eq!(
        known(&index, &Ecosystem::PyPi, "foo-bar", "1.0"),
        ["PYSEC-1"]
    );
    let error = index.known(&Ecosystem::CratesIo).unwrap_err();
    assert!(
        error.to_string().contains("section `crates.io` is damaged"),
        "{error}"
    );
    assert!(index.verify().is_err());
}

/// Enough packages for a section of many chunks; each has a record of its own.
fn many() -> String {
    let record = |number: u32| {
        format!(
            r#"{{"id": "A-{number}", "modified": "2024-01-01T00:00:00Z", "summary": "{}",
            "affected": [{{"package": {{"ecosystem": "crates.io", "name": "package-{number:03}"}},
            "ranges": [{{"type": "SEMVER", "events": [{{"introduced": "0"}}]}}]}}]}}"#,
            "why ".repeat(40)
        )
    };
    let records: Vec<_> = (0..400).map(record).collect();
    format!("[{}]", records.join(","))
}

/// What a lookup of one package says: the record's id and summary, or what is damaged.
fn answer(index: &Index, package: &str) -> Result<Vec<(String, String)>, String> {
    let section = index
        .section(&Ecosystem::CratesIo)
        .map_err(|error| error.to_string())?
        .unwrap();
    let record = |entry| {
        let record = section.record(entry)?;
        Ok((record.id.to_string(), record.summary))
    };
    section.entries(package)?.iter().map(record).collect()
}

#[test]
fn damage_is_told_by_the_lookups_that_come_to_it_and_by_every_check_of_the_whole() {
    let good = bytes_of(&many());
    let section = Index::from_bytes(good.clone()).unwrap().about.sections[0].clone();
    assert!(section.span.len() > 20 * chunks::CHUNK_BYTES);
    let index = Index::from_bytes(good.clone()).unwrap();
    let packages = ["package-000", "package-200", "package-399", "unheard-of"];
    let right = packages.map(|package| answer(&index, package).unwrap());
    let mut told = 0;
    let mut untouched = 0;
    for place in (0..good.len()).step_by(509).chain([good.len() - 1]) {
        let mut bytes = good.clone();
        bytes[place] ^= 0x10;
        let Ok(index) = Index::from_bytes(bytes) else {
            assert!(place < section.span.start, "{place}");
            continue;
        };
        for (package, right) in packages.iter().zip(&right) {
            match answer(&index, package) {
                Ok(answer) => {
                    assert_eq!(answer, *right, "{place}");
                    untouched += 1;
                }
                Err(part) => {
                    assert!(part.contains("section `crates.io`"), "{part}");
                    told += 1;
                }
            }
        }
        assert!(index.known(&Ecosystem::CratesIo).is_err(), "{place}");
        assert!(index.verify().is_err(), "{place}");
    }
    assert!(told > 0 && untouched > 0, "{told} told, {untouched} not");
}

#[test]
fn a_wrong_digest_and_one_too_few_are_damage_even_where_the_chunk_is_sound() {
    let good = bytes_of(&many());
    let section = Index::from_bytes(good.clone()).unwrap().about.sections[0].clone();
    let mut wrong = good.clone();
    wrong[section.digests().start] ^= 1;
    assert!(matches!(refusal(wrong), IndexProblem::Damaged(part) if part == "section `crates.io`"));
    let digests = &good[section.digests()];
    let body = &good[section.span.clone()];
    for digests in [&digests[DIGEST_BYTES..], &[]] {
        let digest = *blake3::hash(digests).as_bytes();
        assert!(Seen::default().open(body, digests, &digest).is_none());
    }
}

#[test]
fn bytes_are_given_out_only_from_chunks_that_are_sound() {
    let mut body = vec![7; 2 * chunks::CHUNK_BYTES + 5];
    let digests = chunks::digests(&body);
    assert_eq!(digests.len(), chunks::digests_length(body.len()));
    let digest = *blake3::hash(&digests).as_bytes();
    body[chunks::CHUNK_BYTES] ^= 1;
    let seen = Seen::default();
    let opened = seen.open(&body, &digests, &digest).unwrap();
    let (first, second) = (chunks::CHUNK_BYTES, 2 * chunks::CHUNK_BYTES);
    for sound in [0..first, 0..1, first - 1..first, second..body.len(), 3..3] {
        assert_eq!(opened.get(sound.clone()), body.get(sound));
    }
    for damaged in [first..first + 1, first - 1..first + 1, second - 1..second] {
        assert_eq!(opened.get(damaged.clone()), None);
        assert_eq!(opened.get(damaged), None, "asked again");
    }
    for outside in [0..body.len() + 1, usize::MAX - 1..usize::MAX] {
        assert_eq!(opened.get(outside), None);
    }
    assert!(!opened.is_whole());
}

#[test]
fn a_failed_replacement_keeps_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("below/advisories.index");
    replace(&path, bytes_of(RECORDS)).unwrap();
    let before = std::fs::read(&path).unwrap();
    let old = Index::open(&path).unwrap();
    assert!(replace(&path, b"rubbish".to_vec()).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), before);
    replace(&path, bytes_of("[]")).unwrap();
    assert_eq!(Index::open(&path).unwrap().about().records(), 0);
    // The old map is of the old file, which the rename has left alone.
    old.verify().unwrap();
    let left: Vec<PathBuf> = std::fs::read_dir(folder.path().join("below"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(left, [path]);
}

/// Gives every digest the value that the bytes ask for, so that reading goes on past them.
fn with_right_digests(mut bytes: Vec<u8>, sections: &[SectionSummary]) -> Vec<u8> {
    for section in sections {
        let digests = chunks::digests(&bytes[section.span.clone()]);
        let digest = *blake3::hash(&digests).as_bytes();
        bytes[section.digests()].copy_from_slice(&digests);
        let place = bytes
            .windows(32)
            .position(|window| window == section.digest);
        if let Some(place) = place {
            bytes[place..place + 32].copy_from_slice(&digest);
        }
    }
    let directory = u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    if let Some(end) = (HEADER_BYTES + directory <= bytes.len()).then_some(HEADER_BYTES + directory)
    {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&bytes[..DIGEST_AT]);
        hasher.update(&bytes[HEADER_BYTES..end]);
        bytes[DIGEST_AT..HEADER_BYTES].copy_from_slice(hasher.finalize().as_bytes());
    }
    bytes
}

/// Uses everything there is to use.
fn exercise(index: &Index) {
    let _ = index.verify();
    for ecosystem in [Ecosystem::CratesIo, Ecosystem::PyPi] {
        if let Ok(known) = index.known(&ecosystem) {
            for (package, version) in [("alpha", "1.0.0"), ("foo-bar", "1.0"), ("zeta", "1")] {
                known.vulnerabilities(package, version);
            }
        }
    }
}

proptest! {
    #[test]
    fn names_stand_as_their_beginnings_do(
        left in "[ab\u{0}\u{1}é]{0,10}",
        right in "[ab\u{0}\u{1}é]{0,10}",
    ) {
        let (left, right) = (left.as_bytes(), right.as_bytes());
        let beginnings = section::beginning(left).cmp(&section::beginning(right));
        prop_assert!(beginnings.is_eq() || beginnings == left.cmp(right));
    }

    #[test]
    fn flipped_bytes_are_an_error_and_no_panic(
        flips in proptest::collection::vec((0_usize..4096, 1_u8..=255), 1..8),
        cut in prop_oneof![3 => Just(0_usize), 1 => 0_usize..64],
    ) {
        let mut bytes = bytes_of(RECORDS);
        let length = bytes.len();
        for (place, flip) in flips {
            bytes[place % length] ^= flip;
        }
        bytes.truncate(length - cut);
        let opened = Index::from_bytes(bytes.clone());
        prop_assert!(opened.is_err() || opened.unwrap().verify().is_err());
    }

    #[test]
    fn bytes_with_right_digests_and_wrong_content_do_not_panic(
        flips in proptest::collection::vec((0_usize..4096, any::<u8>()), 1..6),
    ) {
        let good = bytes_of(RECORDS);
        let sections = Index::from_bytes(good.clone()).unwrap().about.sections;
        let mut bytes = good.clone();
        for (place, value) in flips {
            // Digests, magic, format and length stay, so that the reader gets to the rest.
            let place = HEADER_BYTES + place % (good.len() - HEADER_BYTES);
            let is_digest = sections.iter().any(|section| {
                section.digests().contains(&place) || good.windows(32).position(|window| window == section.digest)
                    .is_some_and(|start| (start..start + 32).contains(&place))
            });
            if !is_digest {
                bytes[place] = value;
            }
        }
        if let Ok(index) = Index::from_bytes(with_right_digests(bytes, &sections)) {
            exercise(&index);
        }
    }
}
