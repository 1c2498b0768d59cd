//! From records and a lockfile to findings.

use backstitch_model::advisory::Informational;
use backstitch_model::finding::SeverityLevel;

use super::*;
use crate::testing::{Registry, dependency, index_of, project_of, record};

const MANIFEST: (&str, &str) = (
    "Cargo.toml",
    "[package]\nname = \"app\"\nversion = \"0.1.0\"\n[dependencies]\na = \"1\"\n",
);

fn scan(lockfile: &str, records: &[String]) -> Scan {
    let index = index_of(&format!("[{}]", records.join(",")));
    let project = project_of(lockfile, &[MANIFEST]);
    findings(&project, &index, Surroundings::default()).unwrap()
}

fn ids(finding: &Finding) -> Vec<&str> {
    dependency(finding)
        .ids
        .iter()
        .map(backstitch_model::AdvisoryId::as_str)
        .collect()
}

const ALL: &str = r#"{"introduced": "0"}"#;
const BELOW_2: &str = r#"{"introduced": "0"}, {"fixed": "2.0.0"}"#;

#[test]
fn records_joined_by_a_chain_of_aliases_are_one_finding() {
    let records = [
        record(
            "RUSTSEC-2024-0001",
            "a",
            ALL,
            r#", "aliases": ["CVE-2024-1"]"#,
        ),
        record(
            "GHSA-aaaa",
            "a",
            ALL,
            r#", "aliases": ["CVE-2024-1", "CVE-2024-2"], "summary": "text""#,
        ),
        record("OTHER-1", "a", ALL, r#", "aliases": ["CVE-2024-2"]"#),
        record(
            "RUSTSEC-2024-0002",
            "a",
            ALL,
            r#", "related": ["RUSTSEC-2024-0001"], "upstream": ["CVE-2024-1"]"#,
        ),
    ];
    let scan = scan("app: a\na 1.0.0:", &records);
    let [first, second] = scan.findings.as_slice() else {
        panic!("{scan:?}")
    };
    assert_eq!(
        ids(first),
        [
            "RUSTSEC-2024-0001",
            "GHSA-aaaa",
            "OTHER-1",
            "CVE-2024-1",
            "CVE-2024-2"
        ]
    );
    assert_eq!(dependency(first).summary, "text");
    assert_eq!(ids(second), ["RUSTSEC-2024-0002"]);
    assert_ne!(first.id, second.id);
}

#[test]
fn only_the_public_registrys_packages_are_looked_up() {
    let records = [record("RUSTSEC-2024-0001", "a", ALL, "")];
    assert_eq!(scan("app: a\na 1.0.0:", &records).findings.len(), 1);
    for lockfile in [
        "app: a\na 1.0.0 git:",
        "app: a\na 1.0.0 other:",
        "app: a\na:",
    ] {
        assert!(scan(lockfile, &records).findings.is_empty(), "{lockfile}");
    }
}

#[test]
fn an_informational_record_is_a_notice_unless_a_vulnerability_is_in_its_group() {
    let informational = |id: &str, kind: &str, aliases: &str| {
        let record = record(id, "a", ALL, aliases);
        record.replacen(
            r#""package":"#,
            &format!(r#""database_specific": {{"informational": {kind}}}, "package":"#),
            1,
        )
    };
    let class =
        |records: &[String]| dependency(&scan("app: a\na 1.0.0:", records).findings[0]).class;
    let unsound = informational("RUSTSEC-1", "\"unsound\"", r#", "aliases": ["CVE-1"]"#);
    let none = informational("RUSTSEC-1", "null", "");
    let new = informational("RUSTSEC-1", "\"something new\"", "");
    assert_eq!(
        class(std::slice::from_ref(&unsound)),
        Class::Notice(Informational::Unsound)
    );
    assert_eq!(class(&[none]), Class::Vulnerability);
    assert_eq!(class(&[new]), Class::Notice(Informational::Notice));
    let real = record("GHSA-1", "a", ALL, r#", "aliases": ["CVE-1"]"#);
    assert_eq!(class(&[unsound, real]), Class::Vulnerability);
}

#[test]
fn fixed_versions_are_later_ones_that_no_record_of_the_group_affects() {
    let intervals = r#"{"introduced": "0"}, {"fixed": "0.9.5"}, {"introduced": "1.0.0"}, {"fixed": "1.8.4"},
        {"introduced": "1.9.0"}, {"fixed": "1.13.1"}"#;
    let fixed = |records: &[String]| {
        dependency(&scan("app: a\na 1.2.0:", records).findings[0])
            .fixed_versions
            .clone()
    };
    let one = record("RUSTSEC-1", "a", intervals, r#", "aliases": ["CVE-1"]"#);
    assert_eq!(fixed(std::slice::from_ref(&one)), ["1.8.4", "1.13.1"]);
    let stricter = record(
        "GHSA-1",
        "a",
        r#"{"introduced": "0"}, {"fixed": "1.10.0"}"#,
        r#", "aliases": ["CVE-1"]"#,
    );
    // 1.8.4 is affected by the other record, and 1.10.0 by the first.
    assert_eq!(fixed(&[one, stricter]), ["1.13.1"]);
    assert!(fixed(&[record("RUSTSEC-1", "a", ALL, "")]).is_empty());
}

#[test]
fn a_fingerprint_stays_until_the_problem_is_another() {
    let records = [record("RUSTSEC-1", "a", BELOW_2, "")];
    let id = |lockfile: &str, records: &[String]| scan(lockfile, records).findings[0].id.clone();
    let first = id("app: a\na 1.0.0:", &records);
    assert_eq!(first.0.len(), FINGERPRINT_DIGITS);
    let more = [record(
        "RUSTSEC-1",
        "a",
        ALL,
        r#", "summary": "new", "aliases": ["CVE-1"]"#,
    )];
    assert_eq!(first, id("app: a b\nb 1.0.0:\na 1.0.0:", &more));
    assert_ne!(first, id("app: a\na 1.0.1:", &records));
    assert_ne!(
        first,
        id("app: a\na 1.0.0:", &[record("RUSTSEC-2", "a", ALL, "")])
    );
}

#[test]
fn severity_and_its_source_are_told() {
    let vector = r#", "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]"#;
    let scan = scan("app: a\na 1.0.0:", &[record("RUSTSEC-1", "a", ALL, vector)]);
    let severity = scan.findings[0].severity.as_ref().unwrap();
    assert_eq!(
        (severity.level, severity.score_tenths),
        (SeverityLevel::High, Some(75))
    );
    assert_eq!(severity.source.as_str(), "RUSTSEC-1");
}

#[test]
fn a_version_that_cannot_be_compared_is_told() {
    let scan = scan("app: a\na 1.0.x:", &[record("RUSTSEC-1", "a", BELOW_2, "")]);
    assert!(scan.findings.is_empty());
    assert_eq!(scan.problems.len(), 1);
    assert!(
        scan.problems[0]
            .what
            .contains("cannot be compared with `1.0.x`")
    );
}

#[test]
fn a_withdrawn_release_is_a_notice_of_its_own() {
    let project = project_of("app: a b\na 1.0.0:\nb 1.0.0:\nc 1.0.0:", &[MANIFEST]);
    let registry = Registry::new(&["a 1.0.0\n# yanked", "b 1.0.0"]);
    let scan = yanked(&project, &registry, Platform::host());
    let [finding] = scan.findings.as_slice() else {
        panic!("{scan:?}")
    };
    assert_eq!(dependency(finding).class, Class::Yanked);
    assert_eq!(dependency(finding).package.name, "a");
    assert!(!finding.is_vulnerability());
    assert_eq!(scan.problems.len(), 1, "the registry does not know `c`");
}

#[test]
fn damage_of_the_index_is_an_error_and_no_empty_answer() {
    let json = format!("[{}]", record("RUSTSEC-1", "a", ALL, ""));
    let imported = crate::import::read_json("test", json.as_bytes());
    let provenance = crate::Provenance::default();
    let mut bytes = crate::index::compile(&imported.advisories, provenance).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    let index = Index::from_bytes(bytes).unwrap();
    let project = project_of("app: a\na 1.0.0:", &[MANIFEST]);
    let error = findings(&project, &index, Surroundings::default()).unwrap_err();
    assert!(error.to_string().contains("is damaged"), "{error}");
}

#[test]
fn a_lower_bound_that_admits_a_vulnerable_release_is_told() {
    let index = index_of(
        r#"[{"id": "PYSEC-1", "modified": "2024-01-01T00:00:00Z", "affected": [{
            "package": {"ecosystem": "PyPI", "name": "a"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}]}]}]"#,
    );
    let told = |text: &str| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("requirements.txt"), text).unwrap();
        let mut discovery = crate::projects(&crate::project::open(folder.path()).unwrap());
        let scan = findings(
            &discovery.projects.remove(0),
            &index,
            Surroundings::default(),
        );
        scan.unwrap().problems
    };
    let low = told("A>=1.0,<3\n");
    assert!(
        low[0]
            .what
            .starts_with("`A>=1.0,<3` admits 1.0, which PYSEC-1"),
        "{low:?}"
    );
    for fine in ["a>=2.0\n", "a<3\n", "b>=1.0\n", "a>=1.0\na==2.0\n"] {
        assert_eq!(told(fine), [], "{fine}");
    }
}
