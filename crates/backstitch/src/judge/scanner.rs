//! Rescan for what another scanner reported: that scanner is run on both trees, in the sandbox.

use std::collections::BTreeSet;
use std::fs::File;

use anyhow::{Context, Result};
use backstitch_model::weakness::Weakness;
use backstitch_model::{Check, CheckRun, FindingId, Outcome};
use backstitch_verify::workbench::Place;

use super::trial::Underway;
use super::{Changed, Judge, read_reported};

/// Said where nobody gave the scanner's command.
const NOT_GIVEN: &str =
    "the scanner that reported it was not run again: give its command with `--rescan`";

impl Judge {
    /// The reported weaknesses that the change is about: those that are named, or, where none is,
    /// those in the files that it changes.
    pub(super) fn pick_reported(&mut self, changed: &Changed) {
        let stated = &self.order.stated;
        let is_meant = |weakness: &&Weakness| {
            if stated.is_empty() {
                let location = weakness.location.as_ref();
                location.is_some_and(|location| changed.paths.contains(location))
            } else {
                stated.iter().any(|name| weakness.is_called(name))
            }
        };
        let meant = self.order.reported.iter().filter(is_meant);
        self.weaknesses = meant.cloned().collect();
        for weakness in &self.weaknesses {
            self.judgement.about.push(weakness.to_string());
            self.locations.extend(weakness.location.clone());
        }
    }

    /// Runs the scanner on both trees. Where it cannot be run, Rescan says so and never passes.
    pub(super) fn scan_again(&mut self, underway: &Underway<'_>) -> Result<()> {
        if self.weaknesses.is_empty() {
            return Ok(());
        }
        let Some(command) = self.order.rescan.clone() else {
            return self.rescanned(not_run(NOT_GIVEN), not_run(NOT_GIVEN));
        };
        self.order
            .progress
            .step("running the scanner on both trees");
        let (baseline, attempt) = underway.both()?;
        let before = scan(underway, Place::Untouched(baseline), &command)?;
        let after = scan(underway, Place::Changed(attempt), &command)?;
        match (before, after) {
            (Ok(before), Ok(after)) => {
                let (before, after) = compared(&self.weaknesses, &before, &after);
                self.rescanned(before, after)
            }
            (Err(why), _) | (_, Err(why)) => self.rescanned(not_run(&why), not_run(&why)),
        }
    }

    /// Puts the scanner's answers to those of the finders, which may have had nothing to look at.
    fn rescanned(&mut self, before: CheckRun, after: CheckRun) -> Result<()> {
        let evidence = &self.judgement.evidence;
        let with = |own: Option<&CheckRun>, other: CheckRun| match own {
            Some(own) if !matches!(own.outcome, Outcome::NotRun(_)) => {
                CheckRun::together(Check::Rescan, vec![own.clone(), other])
            }
            _ => other,
        };
        let before = with(evidence.before.get(Check::Rescan), before);
        let after = with(evidence.after.get(Check::Rescan), after);
        self.before(before)?;
        self.after(after)
    }
}

/// What the scanner says of the weaknesses on both trees, and whether anything is new.
fn compared(
    weaknesses: &[Weakness],
    before: &[Weakness],
    after: &[Weakness],
) -> (CheckRun, CheckRun) {
    let ids = |all: &[Weakness]| -> BTreeSet<FindingId> {
        all.iter().map(|weakness| weakness.id.clone()).collect()
    };
    let (ids_before, ids_after) = (ids(before), ids(after));
    let flagged: Vec<_> = weaknesses
        .iter()
        .filter(|weakness| ids_before.contains(&weakness.id))
        .collect();
    let red = if flagged.is_empty() {
        not_run("the scanner, run here, does not flag it on the untouched project")
    } else {
        let told: Vec<_> = flagged.iter().map(ToString::to_string).collect();
        CheckRun::instant(Check::Rescan, Outcome::Failed(told.join("; ")))
    };
    let still = flagged
        .iter()
        .filter(|weakness| ids_after.contains(&weakness.id))
        .map(|weakness| format!("{weakness} is still there"));
    let new = after
        .iter()
        .filter(|weakness| !ids_before.contains(&weakness.id))
        .map(|weakness| format!("{weakness} is new"));
    let wrong: Vec<String> = still.chain(new).collect();
    let outcome = if wrong.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed(wrong.join("; "))
    };
    (red, CheckRun::instant(Check::Rescan, outcome))
}

fn not_run(why: &str) -> CheckRun {
    CheckRun::instant(Check::Rescan, Outcome::NotRun(why.to_owned()))
}

/// What the scanner reports of a tree; the inner error says why it cannot be told.
fn scan(
    underway: &Underway<'_>,
    place: Place<'_>,
    command: &[String],
) -> Result<Result<Vec<Weakness>, String>> {
    // Scanners talk on standard error, and many end with a failure where they find something.
    let quietly = ["sh", "-c", "exec \"$@\" 2>/dev/null", "sh"];
    let argv: Vec<String> = quietly
        .iter()
        .map(ToString::to_string)
        .chain(command.iter().cloned())
        .collect();
    let log = underway.workbench()?.run_command(place, &argv, "scanner")?;
    let file = File::open(&log).with_context(|| format!("read `{}`", log.display()))?;
    Ok(read_reported(file, &command.join(" ")).map_err(|error| {
        format!("the scanner's command printed no report that can be read: {error:#}")
    }))
}
