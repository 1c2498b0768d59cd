//! `--format sarif`: SARIF 2.1.0, for code scanning services
//! (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).

use std::collections::BTreeMap;

use backstitch_model::Finding;
use backstitch_model::finding::{Class, SeverityLevel};
use serde_json::{Value, json};

use super::words;
use crate::story::{Mending, Story};

/// Describes a run's findings with what became of them.
pub fn of_story(story: &Story) -> Value {
    let findings: Vec<_> = story
        .records
        .iter()
        .map(|record| (&record.finding, Some(words::outcome(record))))
        .collect();
    let mut log = log(&findings);
    let run = &mut log["runs"][0];
    for mending in &story.weaknesses {
        let id = &mending.weakness.rule;
        let rules = &mut run["tool"]["driver"]["rules"];
        if let Some(rules) = rules.as_array_mut()
            && !rules.iter().any(|rule| rule["id"] == json!(id))
        {
            rules.push(json!({ "id": id, "properties": { "tags": ["security"] } }));
        }
        if let Some(results) = run["results"].as_array_mut() {
            results.push(own(mending));
        }
    }
    log
}

/// A weakness of the project's own code, with what became of it.
fn own(mending: &Mending) -> Value {
    let weakness = &mending.weakness;
    let message = format!("{} ({})", text(&weakness.message), words::mending(mending));
    let mut result = json!({
        "ruleId": weakness.rule,
        "level": "error",
        "message": { "text": message },
        "partialFingerprints": { "backstitchFindingId/v1": weakness.id.to_string() },
    });
    if let Some(location) = &weakness.location {
        let mut place = json!({ "artifactLocation": { "uri": location.as_str() } });
        if let Some(line) = weakness.line {
            place["region"] = json!({ "startLine": line });
        }
        result["locations"] = json!([{ "physicalLocation": place }]);
    }
    result
}

/// Describes findings as one SARIF log. `outcomes` gives, for each finding, what became of it.
pub fn log(findings: &[(&Finding, Option<String>)]) -> Value {
    let mut rules = BTreeMap::new();
    for (finding, _) in findings {
        rules
            .entry(words::main_id(finding))
            .or_insert_with(|| rule(finding));
    }
    let results: Vec<_> = findings
        .iter()
        .map(|(finding, outcome)| result(finding, outcome.as_deref()))
        .collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "Backstitch",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.into_values().collect::<Vec<_>>(),
            }},
            "results": results,
        }],
    })
}

fn rule(finding: &Finding) -> Value {
    let dependency = words::dependency(finding);
    let mut properties = json!({ "tags": ["security", "dependency"] });
    if let Some(tenths) = finding
        .severity
        .as_ref()
        .and_then(|severity| severity.score_tenths)
    {
        properties["security-severity"] = json!(format!("{}.{}", tenths / 10, tenths % 10));
    }
    let mut rule = json!({
        "id": words::main_id(finding),
        "shortDescription": { "text": text(&dependency.summary) },
        "properties": properties,
    });
    if let Some(reference) = dependency.references.first() {
        rule["helpUri"] = json!(reference);
    }
    rule
}

fn result(finding: &Finding, outcome: Option<&str>) -> Value {
    let dependency = words::dependency(finding);
    let mut message = format!("{}: {}", dependency.package, text(&dependency.summary));
    if let Some(outcome) = outcome {
        message = format!("{message} ({outcome})");
    }
    json!({
        "ruleId": words::main_id(finding),
        "level": level(finding),
        "message": { "text": message },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": finding.location.as_str() },
        }}],
        "partialFingerprints": { "backstitchFindingId/v1": finding.id.to_string() },
    })
}

fn text(summary: &str) -> &str {
    if summary.is_empty() {
        "known advisory"
    } else {
        summary
    }
}

fn level(finding: &Finding) -> &'static str {
    match words::dependency(finding).class {
        Class::Notice(_) | Class::Yanked => "note",
        Class::Vulnerability => match finding.severity.as_ref().map(|severity| severity.level) {
            Some(SeverityLevel::None | SeverityLevel::Low) => "note",
            Some(SeverityLevel::Medium) => "warning",
            Some(SeverityLevel::High | SeverityLevel::Critical) | None => "error",
        },
    }
}
