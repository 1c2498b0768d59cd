//! The only module that prints: data to standard output, talk to standard error.
//!
//! Everything that came from outside (names, summaries, reasons) goes through
//! [`escape()`] on its way to a terminal.

pub mod bench;
pub mod database;
pub mod engines;
pub mod explanation;
pub mod history;
pub mod json;
pub mod judgement;
pub mod markdown;
pub mod progress;
pub mod reproducers;
pub mod sarif;
pub mod terminal;

mod escape;
mod table;
mod weaknesses;
pub mod words;

pub use escape::escape;
pub use progress::Progress;

use std::io::{self, Write};

use anyhow::{Context, Result};

use crate::judge::Judgement;
use crate::private;
use crate::story::Story;

/// Writes data to standard output. A reader that went away is no error.
pub fn data(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Says something to the user on standard error, a line at a time.
pub fn say(line: &str) {
    // Where even standard error is gone there is nobody left to tell.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Writes a judgement beside its logs.
pub fn write_judgement(judged: &Judgement) -> Result<()> {
    let files = [
        ("judgement.txt", judgement::text(judged)),
        ("judgement.json", json::text(&judgement::json(judged))?),
    ];
    for (name, text) in files {
        let path = judged.folder.join(name);
        private::write(&path, text).with_context(|| format!("write `{}`", path.display()))?;
    }
    Ok(())
}

/// Writes the reports of a run beside its evidence: Markdown, JSON and SARIF.
pub fn write_files(story: &Story) -> Result<()> {
    let files = [
        ("report.md", markdown::report(story)),
        ("report.json", json::text(&json::run(story))?),
        ("report.sarif", json::text(&sarif::of_story(story))?),
    ];
    for (name, text) in files {
        let path = story.evidence.join(name);
        private::write(&path, text).with_context(|| format!("write `{}`", path.display()))?;
    }
    Ok(())
}
