//! `backstitch ledger`: shows and verifies what earlier runs observed.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::cli::{Format, LedgerCommand};
use crate::exit::Exit;
use crate::ledger::{Entry, Ledger};
use crate::places::Places;
use crate::report::{self, history, json};

/// Shows or verifies.
pub fn ledger(command: &LedgerCommand) -> Result<Exit> {
    let ledger = Ledger::open(&Places::discover()?.ledger())?;
    match command {
        LedgerCommand::Show { path, run, format } => show(&ledger, path, run.as_deref(), *format),
        LedgerCommand::Verify => verify(&ledger),
    }
}

fn show(ledger: &Ledger, path: &Path, run: Option<&str>, format: Format) -> Result<Exit> {
    let run = match run {
        Some(run) => run.to_owned(),
        None => newest(ledger, path)?,
    };
    let entries = ledger.entries(Some(&run))?;
    if entries.is_empty() {
        bail!("show run `{run}`: the ledger has no such run");
    }
    let text = match format {
        Format::Text => history::entries(&entries),
        Format::Json => json::text(&json::entries(&entries))?,
        Format::Sarif => bail!("a ledger has no SARIF form: use --format json"),
    };
    report::data(&text).context("write the result")?;
    Ok(Exit::NothingLeft)
}

/// The newest run of the project that holds `path`.
pub fn newest(ledger: &Ledger, path: &Path) -> Result<String> {
    let project = path
        .canonicalize()
        .with_context(|| format!("open project `{}`", path.display()))?;
    for folder in project.ancestors() {
        if let Some(run) = ledger.newest_run(&folder.display().to_string())? {
            return Ok(run);
        }
    }
    bail!(
        "show the runs of `{}`: there was none yet; `backstitch run` makes one",
        path.display()
    )
}

/// What happened to one finding in the newest run of its project, each in a line.
pub fn happened(ledger: &Ledger, path: &Path, finding: &str) -> Result<Vec<String>> {
    let Ok(run) = newest(ledger, path) else {
        return Ok(Vec::new());
    };
    let entries = ledger.entries(Some(&run))?;
    Ok(entries
        .iter()
        .flat_map(|entry: &Entry| history::concerning(entry, finding, &entries))
        .collect())
}

fn verify(ledger: &Ledger) -> Result<Exit> {
    let verification = ledger.verify()?;
    if !verification.problems.is_empty() {
        let problems = verification.problems.join("\n  ");
        bail!("the ledger is not what was written:\n  {problems}");
    }
    report::data(&format!(
        "the ledger is whole: {} events, each bound to the one before\n",
        verification.events
    ))
    .context("write the result")?;
    Ok(Exit::NothingLeft)
}
