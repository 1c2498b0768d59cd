//! `backstitch explain`: everything about one finding.

use anyhow::{Context, Result, bail};
use backstitch_fix::Planner;
use backstitch_model::{Finding, Policy, Project};

use crate::advisories::Advisories;
use crate::cli::{ExplainArguments, Format};
use crate::commands::find;
use crate::exit::Exit;
use crate::ledger::Ledger;
use crate::network::Network;
use crate::places::Places;
use crate::registries::Registries;
use crate::report::explanation::{self, Explanation, Prospect};
use crate::report::{self, words};
use crate::{engines, settings, story};

/// Explains every finding with the given advisory id.
pub fn explain(arguments: &ExplainArguments) -> Result<Exit> {
    let places = Places::discover()?;
    let advisories = Advisories::open(&places, arguments.common.db.as_deref())?;
    advisories.announce();
    let explained = explained(arguments, &advisories, &places)?;
    let text = match arguments.common.format {
        Format::Text => explained.iter().map(explanation::explain).collect(),
        Format::Json => {
            let project = arguments.path.display().to_string();
            report::json::text(&explanation::json(&project, &explained))?
        }
        Format::Sarif => bail!("an explanation has no SARIF form: use --format json"),
    };
    report::data(&text).context("write the result")?;
    let meant: Vec<_> = explained.into_iter().map(|one| one.finding).collect();
    Ok(story::exit_of(&meant, &[]))
}

/// Everything about each finding with the given advisory id.
pub fn explained(
    arguments: &ExplainArguments,
    advisories: &Advisories,
    places: &Places,
) -> Result<Vec<Explanation>> {
    let found = find::findings(&arguments.path, advisories, places)?;
    let is_meant = |finding: &&Finding| {
        let ids = &words::dependency(finding).ids;
        ids.iter()
            .any(|id| id.as_str().eq_ignore_ascii_case(&arguments.id))
    };
    let meant: Vec<_> = found.findings.iter().filter(is_meant).cloned().collect();
    if meant.is_empty() {
        bail!(
            "explain `{}`: it was not found in `{}`; `backstitch find` lists what was",
            arguments.id,
            arguments.path.display()
        );
    }
    let network = if arguments.common.offline {
        Network::offline()
    } else {
        Network::online()
    };
    let releases = Registries::open(places.cache(), &network)?;
    let ledger = Ledger::open(&places.ledger())?;
    let profile = engines::settings::read(places)?.profile;
    let policy = settings::read(&arguments.path, None, profile)?;
    let mut explained = Vec::new();
    for project in &found.projects {
        for finding in meant
            .iter()
            .filter(|finding| finding.location == project.lockfile)
        {
            let id = finding.id.to_string();
            explained.push(Explanation {
                finding: finding.clone(),
                prospect: prospect(project, finding, &policy, advisories, &releases)?,
                happened: super::ledger::happened(&ledger, &arguments.path, &id)?,
            });
        }
    }
    Ok(explained)
}

fn prospect(
    project: &Project,
    finding: &Finding,
    policy: &Policy,
    advisories: &Advisories,
    releases: &Registries,
) -> Result<Prospect> {
    let vulnerabilities = advisories.index().known(&project.format.ecosystem())?;
    let planner = Planner {
        project,
        releases: releases.of(project.format),
        vulnerabilities: &vulnerabilities,
        policy,
        rustc: None,
        now_s: jiff::Timestamp::now().as_second(),
    };
    let plan = planner.plan(std::slice::from_ref(finding)).pop();
    Ok(Prospect {
        candidates: plan
            .iter()
            .flat_map(|plan| &plan.candidates)
            .map(|candidate| {
                format!(
                    "{}: {}",
                    words::strategy(candidate),
                    words::change(candidate)
                )
            })
            .collect(),
        obstacle: plan.and_then(|plan| plan.obstacle),
    })
}
