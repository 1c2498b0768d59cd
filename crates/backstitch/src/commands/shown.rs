//! What the command line says is wrong with a project's own code, and what shows it: read here for
//! `test` and `run` alike. Runs nothing.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};
use backstitch_model::TreeReproducer;
use backstitch_model::weakness::Weakness;

use crate::cli::ShownArguments;
use crate::judge::{self, Asked};

/// What other scanners reported.
pub fn reported(shown: &ShownArguments) -> Result<Vec<Weakness>> {
    let files = shown.sarif.iter().map(|file| of_file(file));
    Ok(files.collect::<Result<Vec<_>>>()?.concat())
}

fn of_file(file: &Path) -> Result<Vec<Weakness>> {
    let name = file.display().to_string();
    let opened = File::open(file).with_context(|| format!("read scanner's report `{name}`"))?;
    judge::read_reported(opened, &name)
}

/// The command that runs that scanner again.
pub fn rescan(shown: &ShownArguments) -> Result<Option<Vec<String>>> {
    let command = shown.rescan.as_deref();
    command
        .map(|command| words("--rescan", command))
        .transpose()
}

/// What shows the flaw.
pub fn reproducer(shown: &ShownArguments) -> Result<Option<TreeReproducer>> {
    let asked = shown.reproducer.as_deref().map(|reproducer| Asked {
        reproducer,
        inputs: &shown.input,
        benign: &shown.benign,
        oracle: shown.oracle.as_deref(),
    });
    asked.map(Asked::read).transpose()
}

/// A command as the user typed it, in words.
pub fn words(option: &str, command: &str) -> Result<Vec<String>> {
    let words = shlex::split(command).with_context(|| {
        format!("read `{option} {command}`: its quotes or backslashes are not closed")
    })?;
    anyhow::ensure!(!words.is_empty(), "`{option}` names no command");
    Ok(words)
}
