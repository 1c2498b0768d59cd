//! Reads what another scanner reported, as SARIF 2.1.0
//! (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>). The file is read as it
//! comes, and only what is needed is kept, so its size costs time and hardly any memory.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use anyhow::{Context, Result, ensure};
use backstitch_model::weakness::Weakness;
use backstitch_model::{FindingId, RelPath};
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

/// The most results taken of one file.
const RESULTS_MAX: usize = 100_000;
/// The largest file read, in bytes.
const BYTES_MAX: u64 = 1 << 30;
/// The longest message kept, in characters.
const MESSAGE_CHARS_MAX: usize = 500;

#[derive(Deserialize)]
struct Log {
    version: Option<String>,
    #[serde(default)]
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    #[serde(default)]
    tool: Tool,
    #[serde(default, deserialize_with = "bounded")]
    results: Vec<Outcome>,
}

#[derive(Deserialize, Default)]
struct Tool {
    #[serde(default)]
    driver: Driver,
}

#[derive(Deserialize, Default)]
struct Driver {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    rule_id: Option<String>,
    rule: Option<Rule>,
    kind: Option<String>,
    #[serde(default)]
    message: Message,
    #[serde(default)]
    locations: Vec<Location>,
    #[serde(default)]
    partial_fingerprints: BTreeMap<String, String>,
    #[serde(default)]
    suppressions: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Rule {
    id: Option<String>,
}

#[derive(Deserialize, Default)]
struct Message {
    text: Option<String>,
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: Option<PhysicalLocation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: Option<ArtifactLocation>,
    region: Option<Region>,
}

#[derive(Deserialize)]
struct ArtifactLocation {
    uri: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: Option<u64>,
    snippet: Option<Message>,
}

/// A list that is given up once it is too long, rather than held.
fn bounded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Outcome>, D::Error> {
    struct Bounded;
    impl<'de> Visitor<'de> for Bounded {
        type Value = Vec<Outcome>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a list of results")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut results = Vec::new();
            while let Some(result) = list.next_element()? {
                if results.len() == RESULTS_MAX {
                    return Err(serde::de::Error::custom(format!(
                        "it has more than {RESULTS_MAX} results"
                    )));
                }
                results.push(result);
            }
            Ok(results)
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }
    }
    deserializer.deserialize_any(Bounded)
}

/// Reads the weaknesses of a SARIF file; `name` is what it is called in errors. Results that the
/// scanner itself marks as passed or suppressed are none.
pub fn read(sarif: impl Read, name: &str) -> Result<Vec<Weakness>> {
    let mut sarif = std::io::BufReader::new(sarif.take(BYTES_MAX));
    let log: Log = serde_json::from_reader(&mut sarif).with_context(|| {
        format!("read scanner's report `{name}`: it must be one JSON object of SARIF 2.1.0")
    })?;
    let version = log.version.as_deref().unwrap_or("none");
    ensure!(
        version == "2.1.0",
        "read scanner's report `{name}`: it says SARIF version {}, and only 2.1.0 is known; have \
         the scanner write that",
        version.escape_debug()
    );
    let mut weaknesses = Vec::new();
    for run in log.runs {
        let scanner = match run.tool.driver.name.as_str() {
            "" => "a scanner that names itself not".to_owned(),
            name => shortened(name),
        };
        let is_flaw = |result: &Outcome| {
            let kind = result.kind.as_deref().unwrap_or("fail");
            kind == "fail" && result.suppressions.is_empty()
        };
        let results = run.results.iter().filter(|result| is_flaw(result));
        weaknesses.extend(results.map(|result| weakness(&scanner, result)));
    }
    Ok(weaknesses)
}

fn weakness(scanner: &str, result: &Outcome) -> Weakness {
    let rule = result
        .rule_id
        .clone()
        .or_else(|| result.rule.as_ref()?.id.clone());
    let rule = shortened(&rule.unwrap_or_else(|| "a rule without a name".into()));
    let message = result.message.text.clone().or(result.message.id.clone());
    let message = shortened(&message.unwrap_or_default());
    let place = result
        .locations
        .iter()
        .find_map(|location| location.physical_location.as_ref());
    let uri = place.and_then(|place| place.artifact_location.as_ref()?.uri.as_deref());
    let location = uri.and_then(path);
    let region = place.and_then(|place| place.region.as_ref());
    let snippet = region.and_then(|region| region.snippet.as_ref()?.text.as_deref());
    let mut hasher = blake3::Hasher::new();
    let mut field = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    field(scanner);
    field(&rule);
    field(location.as_ref().map_or("", RelPath::as_str));
    // A scanner's own fingerprint is made to outlive moved lines; so is the text it points at.
    if result.partial_fingerprints.is_empty() {
        field(snippet.unwrap_or(&message).trim());
    }
    for (name, value) in &result.partial_fingerprints {
        field(name);
        field(value);
    }
    Weakness {
        id: FindingId(hasher.finalize().to_hex()[..16].to_owned()),
        scanner: scanner.to_owned(),
        rule,
        message,
        location,
        line: region.and_then(|region| region.start_line),
    }
}

/// The path inside the project that an address names; `None` for one that leads elsewhere.
fn path(uri: &str) -> Option<RelPath> {
    let uri = uri.strip_prefix("file://").unwrap_or(uri);
    let uri = uri.strip_prefix("./").unwrap_or(uri);
    RelPath::new(decoded(uri)).ok()
}

/// Percent-decoded, where what comes out is text.
fn decoded(uri: &str) -> String {
    let mut bytes = Vec::with_capacity(uri.len());
    let mut rest = uri.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let hex = after
            .get(..2)
            .filter(|_| *byte == b'%')
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(hex.unwrap_or(*byte));
        rest = hex.map_or(after, |_| &after[2..]);
    }
    String::from_utf8(bytes).unwrap_or_else(|_| uri.to_owned())
}

fn shortened(text: &str) -> String {
    text.chars().take(MESSAGE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(version: &str, results: &str) -> String {
        format!(
            r#"{{"version": "{version}", "runs": [{{"tool": {{"driver": {{"name": "Scan", "rules": [{{"id": "x"}}]}}}}, "results": {results}}}]}}"#
        )
    }

    fn result(line: u64, text: &str) -> String {
        format!(
            r#"{{"ruleId": "r1", "message": {{"text": "too long"}}, "locations": [{{"physicalLocation": {{"artifactLocation": {{"uri": "src/a%20b.c"}}, "region": {{"startLine": {line}, "snippet": {{"text": "{text}"}}}}}}}}]}}"#
        )
    }

    #[test]
    fn a_result_keeps_its_fingerprint_when_its_line_moves() {
        let read = |line, text: &str| {
            let log = log("2.1.0", &format!("[{}]", result(line, text)));
            read(log.as_bytes(), "x.sarif").unwrap().remove(0)
        };
        let one = read(3, "memcpy(a, b, n);");
        assert_eq!(one.to_string(), "r1 (Scan) at src/a b.c:3");
        assert_eq!(one.id, read(9, "memcpy(a, b, n);").id);
        assert_ne!(one.id, read(3, "memcpy(a, c, n);").id);
        assert!(one.is_called("r1") && one.is_called(&one.id.0) && !one.is_called("r2"));
    }

    #[test]
    fn what_the_scanner_passed_or_suppressed_is_no_weakness() {
        let passed = r#"{"ruleId": "a", "kind": "pass", "message": {"text": "m"}}"#;
        let suppressed =
            r#"{"ruleId": "b", "message": {"text": "m"}, "suppressions": [{"kind": "inSource"}]}"#;
        let outside = r#"{"ruleId": "c", "message": {"text": "m"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "../../etc/passwd"}}}]}"#;
        let log = log("2.1.0", &format!("[{passed}, {suppressed}, {outside}]"));
        let read = read(log.as_bytes(), "x").unwrap();
        assert_eq!(read.len(), 1);
        assert_eq!((read[0].rule.as_str(), &read[0].location), ("c", &None));
    }

    #[test]
    fn another_version_another_format_and_too_many_results_are_refused_by_name() {
        for (text, why) in [
            (log("2.0.0", "[]"), "version 2.0.0"),
            ("{}".into(), "version none"),
            ("[1]".into(), "x.sarif"),
            ("<html>".into(), "x.sarif"),
            (log("2.1.0", "[]")[..30].into(), "x.sarif"),
            (
                log(
                    "2.1.0",
                    &format!("[{}]", vec!["{}"; RESULTS_MAX + 1].join(",")),
                ),
                "more than 100000",
            ),
        ] {
            let error = format!("{:#}", read(text.as_bytes(), "x.sarif").unwrap_err());
            assert!(error.contains(why), "{error}");
        }
        assert!(
            read(log("2.1.0", "null").as_bytes(), "x")
                .unwrap()
                .is_empty()
        );
    }
}
