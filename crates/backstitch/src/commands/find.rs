//! `backstitch find`: findings only. Runs nothing; reads the registry's index from the
//! cache where it is there, and asks no network.

use std::path::Path;

use anyhow::{Context, Result};
use backstitch_find::{self as find, Platform, Surroundings};
use backstitch_model::Finding;

use crate::advisories::Advisories;
use crate::cli::{FindArguments, Format};
use crate::exit::Exit;
use crate::network::Network;
use crate::places::Places;
use crate::registries::Registries;
use crate::report::{self, json, sarif, terminal};
use crate::source;
use crate::story;

/// Lists findings.
pub fn find(arguments: &FindArguments) -> Result<Exit> {
    let places = Places::discover()?;
    let advisories = Advisories::open(&places, arguments.common.db.as_deref())?;
    advisories.announce();
    let found = findings(&arguments.path, &advisories, &places)?;
    let project = arguments.path.display().to_string();
    let text = match arguments.common.format {
        Format::Text => terminal::findings(&found.findings, &found.notes),
        Format::Json => json::text(&json::findings(
            &project,
            advisories.description(),
            &found.findings,
            &found.notes,
        ))?,
        Format::Sarif => {
            let findings: Vec<_> = found
                .findings
                .iter()
                .map(|finding| (finding, None))
                .collect();
            json::text(&sarif::log(&findings))?
        }
    };
    report::data(&text).context("write the result")?;
    let exit = story::exit_of(&found.findings, &found.unread);
    // The process ends now; taking a large graph apart piece by piece would only hold it up.
    std::mem::forget((found, advisories));
    Ok(exit)
}

/// Findings, and what could not be read.
pub struct Found {
    pub findings: Vec<Finding>,
    pub projects: Vec<backstitch_model::Project>,
    pub notes: Vec<String>,
    /// What could not be read though it is what was asked about.
    pub unread: Vec<String>,
}

/// Finds in the folder, or in the lockfile, at `path`, as it is in the working tree.
pub fn findings(path: &Path, advisories: &Advisories, places: &Places) -> Result<Found> {
    let mut releases = None;
    let mut found = Found {
        findings: Vec::new(),
        projects: Vec::new(),
        notes: advisories.notes(),
        unread: Vec::new(),
    };
    let discovery = discover(path)?;
    let asked = story::asked_for(&discovery, None);
    found.unread = story::unread(&discovery, &asked, None);
    match story::refusal(path, &found.unread) {
        Some(refusal) if asked.is_empty() => return Err(refusal),
        Some(refusal) => report::say(&report::escape(&format!("error: {refusal:#}"))),
        None => {}
    }
    for problem in &discovery.problems {
        found
            .notes
            .push(format!("`{}`: {}", problem.path, problem.what));
    }
    for project in discovery.projects {
        for problem in &project.problems {
            found
                .notes
                .push(format!("`{}`: {}", problem.path, problem.what));
        }
        // Without a manifest nobody knows which features are on, and no registry tells.
        if releases.is_none() && !project.manifests.is_empty() {
            releases = Some(Registries::open(places.cache(), &Network::offline())?);
        }
        let has_manifests = !project.manifests.is_empty();
        let surroundings = Surroundings {
            releases: releases
                .as_ref()
                .filter(|_| has_manifests)
                .map(|releases| releases.of(project.format)),
            platform: Platform::host(),
        };
        let scan = find::findings(&project, advisories.index(), surroundings)?;
        for problem in &scan.problems {
            found
                .notes
                .push(format!("`{}`: {}", problem.path, problem.what));
        }
        found.findings.extend(scan.findings);
        found.projects.push(project);
    }
    Ok(found)
}

fn discover(path: &Path) -> Result<find::Discovery> {
    let about = path
        .metadata()
        .with_context(|| format!("open project `{}`", path.display()))?;
    if about.is_dir() {
        return Ok(find::projects(&source::open_dir(path)?));
    }
    let path = path
        .canonicalize()
        .with_context(|| format!("open `{}`", path.display()))?;
    let folder = path.parent().context("open a lockfile without a folder")?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let lockfile = backstitch_model::RelPath::new(name)?;
    match find::project::read(&source::open_dir(folder)?, &lockfile) {
        Ok(project) => Ok(find::Discovery {
            projects: vec![project],
            problems: Vec::new(),
        }),
        Err(problem) => anyhow::bail!("read lockfile `{}`: {}", problem.path, problem.what),
    }
}
