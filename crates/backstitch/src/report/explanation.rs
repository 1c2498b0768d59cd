//! `backstitch explain`: everything about one finding, for people and for machines.

use std::fmt::Write as _;

use backstitch_model::Finding;
use backstitch_model::candidate::Obstacle;
use serde::Serialize;

use super::{escape, words};
use crate::wire;

/// Everything about one finding.
#[derive(Debug)]
pub struct Explanation {
    /// The finding.
    pub finding: Finding,
    /// What would fix it.
    pub prospect: Prospect,
    /// What the newest run did about it, each in a line.
    pub happened: Vec<String>,
}

/// What would fix a finding, as far as planning without running tells.
#[derive(Debug)]
pub struct Prospect {
    /// Each candidate in one line, least risky first.
    pub candidates: Vec<String>,
    /// Why nothing settles it, where nothing does.
    pub obstacle: Option<Obstacle>,
}

/// Tells what a finding is, why it is here, what would fix it and what happened.
pub fn explain(explanation: &Explanation) -> String {
    let Explanation {
        finding,
        prospect,
        happened,
    } = explanation;
    let dependency = words::dependency(finding);
    let mut text = String::new();
    let ids: Vec<_> = dependency.ids.iter().map(ToString::to_string).collect();
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(
        text,
        "{}\n{}\n",
        ids.join("  "),
        or(&dependency.summary, "no summary")
    );
    let _ = writeln!(
        text,
        "package   {} ({})",
        dependency.package, dependency.package.ecosystem
    );
    let _ = writeln!(
        text,
        "class     {}",
        crate::wire::class_name(dependency.class)
    );
    let _ = writeln!(text, "severity  {}", severity(finding));
    let _ = writeln!(
        text,
        "fixed in  {}",
        or(&dependency.fixed_versions.join(", "), "no release")
    );
    for reference in &dependency.references {
        let _ = writeln!(text, "see       {reference}");
    }
    let _ = writeln!(
        text,
        "\nWhy it is here ({}):",
        words::reach(&dependency.reach)
    );
    for (depth, package) in dependency.reach.path.iter().enumerate() {
        let _ = writeln!(text, "  {}{package}", "  ".repeat(depth));
    }
    text.push_str("\nWhat would fix it:\n");
    lines(&mut text, &prospect.candidates, "no candidate");
    if let Some(obstacle) = &prospect.obstacle {
        let _ = writeln!(text, "  {obstacle}");
    }
    text.push_str("\nWhat happened:\n");
    lines(&mut text, happened, "no run has tried it yet");
    escape(&text)
}

/// What `explain --format json` prints.
#[derive(Debug, Serialize)]
pub struct Explanations<'told> {
    format: u32,
    project: &'told str,
    explanations: Vec<ExplanationObject<'told>>,
}

#[derive(Debug, Serialize)]
struct ExplanationObject<'told> {
    finding: wire::Finding,
    candidates: &'told [String],
    obstacle: Option<String>,
    happened: &'told [String],
}

/// Describes explanations for machines.
pub fn json<'told>(project: &'told str, explained: &'told [Explanation]) -> Explanations<'told> {
    let object = |one: &'told Explanation| ExplanationObject {
        finding: wire::Finding::from(&one.finding),
        candidates: &one.prospect.candidates,
        obstacle: one.prospect.obstacle.as_ref().map(ToString::to_string),
        happened: &one.happened,
    };
    Explanations {
        format: wire::FORMAT_VERSION,
        project,
        explanations: explained.iter().map(object).collect(),
    }
}

fn severity(finding: &Finding) -> String {
    let words = words::severity(finding);
    match &finding.severity {
        None => words,
        Some(severity) => format!(
            "{words} ({} {}, stated by {})",
            severity.vector.system, severity.vector.vector, severity.source
        ),
    }
}

fn lines(text: &mut String, lines: &[String], none: &str) {
    if lines.is_empty() {
        let _ = writeln!(text, "  {none}");
    }
    for line in lines {
        let _ = writeln!(text, "  {line}");
    }
}

fn or<'text>(text: &'text str, otherwise: &'text str) -> &'text str {
    if text.is_empty() { otherwise } else { text }
}
