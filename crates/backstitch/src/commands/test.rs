//! `backstitch test`: one judge for anyone's change.

use std::sync::Arc;

use anyhow::{Context, Result};
use backstitch_verify::workbench::Start;

use crate::advisories::Advisories;
use crate::cli::{TestArguments, TestFormat};
use crate::exit::Exit;
use crate::judge::{self, Judgement, Order};
use crate::places::Places;
use crate::report::{self, Progress, judgement};
use crate::settings;
use crate::source::Source;

use super::run::{self, profile_for};
use super::shown;

/// Judges a change and prints the evidence and the verdict.
pub fn test(arguments: &TestArguments) -> Result<Exit> {
    let judged = judged(arguments)?;
    let text = match arguments.format {
        TestFormat::Text => judgement::text(&judged),
        TestFormat::Json => report::json::text(&judgement::json(&judged))?,
    };
    report::data(&text).context("write the result")?;
    Ok(Exit::of_verdict(&judged.evidence.verdict()))
}

/// Judges a change.
pub fn judged(arguments: &TestArguments) -> Result<Judgement> {
    let places = Places::discover()?;
    let advisories = Advisories::open(&places, arguments.db.as_deref())?;
    advisories.announce();
    let source = Source::open(&arguments.path)?;
    let (source, given) = judge::open(
        source,
        arguments.change.patch.as_deref(),
        arguments.change.rev.as_deref(),
        arguments.change.branch.as_deref(),
    )?;
    let profile = profile_for(&places, arguments.sandbox)?;
    let mut policy = settings::read_base(&source, arguments.policy.as_deref(), profile)?;
    if let Some(build) = &arguments.build {
        policy.build_command = Some(shown::words("--build", build)?);
    }
    if let Some(test) = &arguments.test {
        policy.test_command = Some(shown::words("--test", test)?);
    }
    let (sandbox, confinement) = run::sandbox(arguments.sandbox)?;
    let progress = Arc::new(Progress::new());
    let cancel = run::cancel_on_interrupt()?;
    let managers = run::managers(
        sandbox,
        &places,
        policy.clone(),
        arguments.offline,
        &progress,
        cancel.clone(),
    );
    judge::judge(Order {
        source,
        given,
        addition: None,
        start: Start::Warm,
        stated: arguments.finding.clone(),
        reported: shown::reported(&arguments.shown)?,
        rescan: shown::rescan(&arguments.shown)?,
        reproducer: shown::reproducer(&arguments.shown)?,
        reproducers: run::reproducers(&arguments.reproducers)?,
        advisories: Arc::new(advisories),
        policy,
        places,
        managers: Arc::new(managers),
        confinement,
        fresh: arguments.fresh,
        progress,
        cancel,
    })
}
