//! `backstitch test`: one judge for anyone's change.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use backstitch_model::tree_reproducer::TreeReproducer;
use backstitch_model::weakness::Weakness;

use crate::advisories::Advisories;
use crate::cli::{TestArguments, TestFormat};
use crate::exit::Exit;
use crate::judge::{self, Asked, Judgement, Order};
use crate::places::Places;
use crate::report::{self, Progress, judgement};
use crate::settings;
use crate::source::Source;

use super::run::{self, profile_for};

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
        policy.build_command = Some(words("--build", build)?);
    }
    if let Some(test) = &arguments.test {
        policy.test_command = Some(words("--test", test)?);
    }
    let reported = arguments
        .sarif
        .iter()
        .map(|file| reported(file))
        .collect::<Result<Vec<_>>>()?;
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
        stated: arguments.finding.clone(),
        reported: reported.concat(),
        rescan: arguments
            .rescan
            .as_deref()
            .map(|command| words("--rescan", command))
            .transpose()?,
        reproducer: reproducer(arguments)?,
        reproducers: run::reproducers(&arguments.reproducers)?,
        advisories,
        policy,
        places,
        managers: Arc::new(managers),
        confinement,
        fresh: arguments.fresh,
        progress,
        cancel,
    })
}

/// A command as the user typed it, in words.
fn words(option: &str, command: &str) -> Result<Vec<String>> {
    let words = shlex::split(command).with_context(|| {
        format!("read `{option} {command}`: its quotes or backslashes are not closed")
    })?;
    anyhow::ensure!(!words.is_empty(), "`{option}` names no command");
    Ok(words)
}

fn reported(file: &Path) -> Result<Vec<Weakness>> {
    let name = file.display().to_string();
    let opened = File::open(file).with_context(|| format!("read scanner's report `{name}`"))?;
    judge::read_reported(opened, &name)
}

fn reproducer(arguments: &TestArguments) -> Result<Option<TreeReproducer>> {
    let asked = arguments.reproducer.as_deref().map(|reproducer| Asked {
        reproducer,
        inputs: &arguments.input,
        benign: &arguments.benign,
        oracle: arguments.oracle.as_deref(),
    });
    asked.map(Asked::read).transpose()
}
