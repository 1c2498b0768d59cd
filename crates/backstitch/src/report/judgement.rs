//! A judgement, for people and for machines.

use backstitch_model::evidence::Phase;
use backstitch_model::{Check, CheckRun};
use serde::Serialize;

use super::{escape, json, words};
use crate::judge::Judgement;
use crate::wire;

/// The longest reason shown in a line, in characters; the JSON has all of it.
const REASON_CHARS_MAX: usize = 400;

/// A judgement for people. The last line begins with `verdict: `.
pub fn text(judgement: &Judgement) -> String {
    let mut text = format!("change    {}\n", escape(&judgement.change));
    let mut line = |name: &str, value: &str| {
        text.push_str(&format!("{name:<9} {}\n", escape(value)));
    };
    line("base", &judgement.base);
    for about in &judgement.about {
        line("about", about);
    }
    for component in &judgement.components {
        line("judged", component);
    }
    if judgement.reused {
        line(
            "base was",
            "built and tested by an earlier run, and not again",
        );
    }
    text.push('\n');
    for check in Check::LADDER {
        text.push_str(&rung(check, judgement));
    }
    for note in &judgement.notes {
        text.push_str(&format!("note: {}\n", escape(note)));
    }
    text.push_str(&format!(
        "evidence: {} (run {})\n",
        judgement.folder.display(),
        judgement.run
    ));
    let verdict = escape(&judgement.evidence.verdict().to_string()).replace('\n', " ");
    text.push_str(&format!("verdict: {verdict}\n"));
    text
}

/// One rung: how it went on the untouched and on the changed tree, and what is to be known of it.
fn rung(check: Check, judgement: &Judgement) -> String {
    let evidence = &judgement.evidence;
    let told = |phase: &Phase| phase.get(check).map(outcome);
    let (before, after) = (told(&evidence.before), told(&evidence.after));
    let mut text = format!("{:<10}", check.name());
    match (before, after) {
        (Some(before), Some(after)) => {
            text.push_str(&format!(" before  {before}\n{:10} after   {after}\n", ""));
        }
        (None, Some(after)) => text.push_str(&format!(" after   {after}\n")),
        (Some(before), None) => text.push_str(&format!(" before  {before}\n")),
        (None, None) => text.push_str(" not run\n"),
    }
    let notes = [&evidence.before, &evidence.after]
        .into_iter()
        .filter_map(|phase| phase.get(check))
        .flat_map(|run| &run.notes);
    for note in notes {
        text.push_str(&format!("{:18} {}\n", "", escape(note)));
    }
    text
}

fn outcome(run: &CheckRun) -> String {
    let told = escape(&run.outcome.to_string()).replace('\n', " ");
    let mut short: String = told.chars().take(REASON_CHARS_MAX).collect();
    if short.len() < told.len() {
        short.push('…');
    }
    if run.elapsed.as_millis() == 0 {
        return short;
    }
    format!("{short} ({})", words::elapsed(run.elapsed))
}

/// A judgement as one JSON object, described in docs/test.md.
#[derive(Debug, Serialize)]
pub struct JudgementObject<'told> {
    run: &'told str,
    project: &'told str,
    base: &'told str,
    change: &'told str,
    digest: &'told str,
    advisories: &'told str,
    toolchain: &'told str,
    about: &'told [String],
    components: &'told [String],
    verdict: json::VerdictObject,
    before: Vec<wire::CheckRun>,
    after: Vec<wire::CheckRun>,
    notes: &'told [String],
    base_reused: bool,
    evidence: String,
}

/// Describes a judgement for machines.
pub fn json(judgement: &Judgement) -> JudgementObject<'_> {
    let evidence = &judgement.evidence;
    JudgementObject {
        run: &judgement.run,
        project: &judgement.project,
        base: &judgement.base,
        change: &judgement.change,
        digest: &judgement.digest,
        advisories: &judgement.advisories,
        toolchain: &judgement.toolchain,
        about: &judgement.about,
        components: &judgement.components,
        verdict: json::verdict(&evidence.verdict()),
        before: json::checks(&evidence.before),
        after: json::checks(&evidence.after),
        notes: &judgement.notes,
        base_reused: judgement.reused,
        evidence: judgement.folder.display().to_string(),
    }
}
