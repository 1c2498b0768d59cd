//! `backstitch engines`: lists the engines of the user's settings, tries each, and shows what one
//! would be told. Asking them with a brief is `ask.rs`.

use std::path::Path;

use anyhow::{Context, Result, bail};
use backstitch_engine::{Brief, SafeBrief};
use backstitch_model::Finding;

use super::{find, run};
use crate::advisories::Advisories;
use crate::cli::{BriefArguments, BriefFormat, EnginesArguments, EnginesCommand, SandboxChoice};
use crate::engines::{self, Engines, Entry, Line, Trial};
use crate::exit::Exit;
use crate::ledger::Ledger;
use crate::places::Places;
use crate::report::{self, words};

/// How large a brief is shown where no engine says how much it takes, in tokens.
pub const BRIEF_TOKENS: u64 = 24_000;

/// Does what `backstitch engines` is asked for.
pub fn engines(arguments: &EnginesArguments) -> Result<Exit> {
    let places = Places::discover()?;
    let engines = engines::settings::read(&places)?;
    match &arguments.command {
        None => {
            report::data(&report::engines::list(&engines)).context("write the list")?;
            Ok(Exit::NothingLeft)
        }
        Some(EnginesCommand::Check { names, recording }) => {
            check(&engines, names, &Line::of(recording)?)
        }
        Some(EnginesCommand::Brief(arguments)) => brief(&engines, arguments, &places),
        Some(EnginesCommand::Ask(arguments)) => {
            let entries = chosen(&engines, &arguments.engine)?;
            super::ask::ask(&engines, &entries, arguments)
        }
    }
}

/// The named engines of the settings; all of them where none is named.
pub fn chosen<'engines>(
    engines: &'engines Engines,
    names: &[String],
) -> Result<Vec<&'engines Entry>> {
    if engines.entries.is_empty() {
        bail!(
            "there is no engine; `{}` would name them, and docs/engines.md says how",
            engines.file.display()
        );
    }
    if names.is_empty() {
        return Ok(engines.entries.iter().collect());
    }
    let found = names.iter().map(|name| {
        let entry = engines.entries.iter().find(|entry| entry.name == *name);
        entry.with_context(|| format!("`{name}` is no engine of `{}`", engines.file.display()))
    });
    found.collect()
}

fn check(engines: &Engines, names: &[String], line: &Line) -> Result<Exit> {
    let asked = chosen(engines, names)?;
    let (sandbox, _) = run::sandbox(SandboxChoice::Auto)?;
    let walls = run::walls_of(sandbox)?;
    let redactor = engines::redactor();
    let mut trials = Vec::new();
    for entry in asked {
        report::say(&format!("asking `{}`", entry.name));
        let trial = match engines.open(entry, &walls, line) {
            Ok(engine) => Trial::of(engine, engines, &walls, &redactor)?,
            Err(failure) => Trial::not_asked(&entry.name, failure),
        };
        trials.push(trial);
    }
    line.check()?;
    report::data(&report::engines::trials(&trials)).context("write the result")?;
    Ok(if trials.iter().all(Trial::works) {
        Exit::NothingLeft
    } else {
        Exit::FindingsLeft
    })
}

fn brief(engines: &Engines, arguments: &BriefArguments, places: &Places) -> Result<Exit> {
    let tokens_max = match &arguments.engine {
        Some(name) => {
            chosen(engines, std::slice::from_ref(name))?[0]
                .terms
                .brief_tokens_max
        }
        None => match engines.entries.first() {
            Some(entry) => entry.terms.brief_tokens_max,
            None => BRIEF_TOKENS,
        },
    };
    let redactor = engines::redactor();
    let briefs = briefs(arguments, places)?;
    let safe = briefs
        .into_iter()
        .map(|brief| brief.made_safe(&redactor, tokens_max));
    let safe: Vec<SafeBrief> = safe.collect();
    for brief in &safe {
        let text = match arguments.format {
            BriefFormat::Text => report::engines::brief(brief),
            BriefFormat::Json => format!("{}\n", brief.json()),
        };
        report::data(&text).context("write the brief")?;
    }
    Ok(Exit::NothingLeft)
}

/// A brief for each finding of the advisory.
pub fn briefs(arguments: &BriefArguments, places: &Places) -> Result<Vec<Brief>> {
    let advisories = Advisories::open(places, arguments.db.as_deref())?;
    advisories.announce();
    let found = find::findings(&arguments.path, &advisories, places)?;
    let is_meant = |finding: &Finding| {
        let ids = &words::dependency(finding).ids;
        ids.iter()
            .any(|id| id.as_str().eq_ignore_ascii_case(&arguments.id))
    };
    let parent = arguments.path.parent();
    let root = match parent.filter(|_| !arguments.path.is_dir()) {
        None => arguments.path.as_path(),
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
    };
    let ledger = Ledger::open(&places.ledger())?;
    let mut briefs = Vec::new();
    for project in &found.projects {
        let meant = found.findings.iter().filter(|finding| is_meant(finding));
        for finding in meant.filter(|finding| finding.location == project.lockfile) {
            let id = finding.id.to_string();
            let happened = super::ledger::happened(&ledger, &arguments.path, &id)?;
            briefs.push(engines::brief(root, project, finding, &happened)?);
        }
    }
    if briefs.is_empty() {
        bail!(
            "brief on `{}`: it was not found in `{}`; `backstitch find` lists what was",
            arguments.id,
            arguments.path.display()
        );
    }
    Ok(briefs)
}
