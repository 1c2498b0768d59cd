//! Text for people: what the ledger says happened.

use super::escape;
use super::terminal::counted;
use super::words;
use crate::ledger::{Entry, Event};
use crate::wire;

/// Shows events of the ledger, one in a line.
pub fn entries(entries: &[Entry]) -> String {
    entries
        .iter()
        .map(|entry| {
            let line = format!(
                "{:>5}  {}  {:12}  {}",
                entry.sequence,
                entry.at,
                entry.event.kind(),
                told(&entry.event)
            );
            escape(&line).replace('\n', " ") + "\n"
        })
        .collect()
}

fn told(event: &Event) -> String {
    match event {
        Event::RunStarted(start) => format!("{} at {}", start.project, start.base),
        Event::RunResumed { events } => format!("after {events} events"),
        Event::Found {
            findings,
            weaknesses,
        } => {
            let findings = counted(findings.len(), "finding", "findings");
            match weaknesses.len() {
                0 => findings,
                count => format!("{findings}, {}", counted(count, "weakness", "weaknesses")),
            }
        }
        Event::Baseline {
            lockfile, checks, ..
        } => {
            let outcomes: Vec<_> = checks.iter().map(check).collect();
            format!("{lockfile}: {}", outcomes.join(", "))
        }
        Event::Applied {
            attempt,
            candidate,
            refused,
            ..
        } => {
            let end = refused
                .as_deref()
                .map_or(String::new(), |why| format!(", refused: {why}"));
            format!("{attempt}: {}{end}", moves(candidate))
        }
        Event::Checked { attempt, run } => format!("{attempt}: {}", check(run)),
        Event::Reproduced {
            tree,
            version,
            reproduction,
            ..
        } => format!("{tree}: {}", reproduced(version, reproduction)),
        Event::Asked(ask) => asked(ask),
        Event::Tried(tried) => {
            let outcomes: Vec<_> = tried.after.iter().map(check).collect();
            format!("{}: {}", tried.attempt, outcomes.join(", "))
        }
        Event::Blocked { findings, why } => format!("{}: {why}", findings.join(" ")),
        Event::Delivered { place, items } => {
            format!("{place} ({})", counted(items.len(), "item", "items"))
        }
        Event::Judged {
            change, verdict, ..
        } => format!("{change}: {verdict}"),
        Event::RunFinished { exit } => format!("exit code {exit}"),
    }
}

fn check(run: &wire::CheckRun) -> String {
    let why = run
        .why
        .as_deref()
        .map_or(String::new(), |why| format!(" ({why})"));
    format!("{} {}{why}", run.check, run.outcome)
}

/// What a reproducer saw, in counts.
fn reproduced(version: &str, reproduction: &wire::Reproduction) -> String {
    let counts = |sightings: &[wire::Sighting]| {
        let present = sightings.iter().filter(|seen| seen.sight == "present");
        format!("{} of {}", present.count(), sightings.len())
    };
    format!(
        "{} on {version} saw the flaw with {} inputs and {} variants",
        reproduction.reproducer,
        counts(&reproduction.listed),
        counts(&reproduction.variants)
    )
}

/// Who was asked, what came of it, and what it cost.
fn asked(ask: &wire::Ask) -> String {
    let sent = ask.sent.as_deref().map_or_else(String::new, |digest| {
        let short: String = digest.chars().take(12).collect();
        format!(", sent {short}")
    });
    format!(
        "{} about {}: {} ({}{sent})",
        ask.engine,
        ask.finding,
        ask.words,
        words::spent(ask)
    )
}

fn moves(candidate: &wire::Candidate) -> String {
    let moves = candidate
        .moves
        .iter()
        .map(|step| format!("{} {} → {}", step.package, step.from, step.to));
    let edits = candidate
        .edits
        .iter()
        .map(|edit| format!("{} requires {} {}", edit.manifest, edit.dependency, edit.to));
    let rewrites = candidate.engine.iter().map(|engine| {
        let count = candidate.rewrites.len();
        format!("{} by engine {engine}", counted(count, "edit", "edits"))
    });
    moves
        .chain(edits)
        .chain(rewrites)
        .collect::<Vec<_>>()
        .join(", ")
}

/// What an event says of one finding, in lines; nothing where it says nothing of it.
pub fn concerning(entry: &Entry, finding: &str, all: &[Entry]) -> Vec<String> {
    let concerns = |attempt: &str| {
        all.iter().any(|other| match &other.event {
            Event::Applied {
                attempt: id,
                candidate,
                ..
            } => id == attempt && candidate.settles.iter().any(|id| id == finding),
            _ => false,
        })
    };
    let is_concerned = match &entry.event {
        Event::Applied { attempt, .. } | Event::Checked { attempt, .. } => concerns(attempt),
        Event::Reproduced { finding: id, .. } => id == finding,
        Event::Asked(ask) => ask.finding == finding,
        Event::Tried(tried) => tried.weaknesses.iter().any(|id| id == finding),
        Event::Blocked { findings, .. } => findings.iter().any(|id| id == finding),
        Event::RunStarted(_) | Event::Delivered { .. } => true,
        Event::RunResumed { .. }
        | Event::Found { .. }
        | Event::Baseline { .. }
        | Event::Judged { .. }
        | Event::RunFinished { .. } => false,
    };
    if !is_concerned {
        return Vec::new();
    }
    vec![format!(
        "{} {}: {}",
        entry.at,
        entry.event.kind(),
        told(&entry.event)
    )]
}
