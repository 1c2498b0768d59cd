//! `backstitch engines ask`: sends a brief that somebody has looked at, and writes what is
//! proposed as a patch. Nothing is judged, and the project stays as it is.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use backstitch_engine::brief::FORMAT_VERSION;
use backstitch_engine::chain::{Chain, Steady};
use backstitch_engine::proposal::{Proposal, apply};
use backstitch_engine::{Brief, Budget, Outcome};
use backstitch_model::FindingId;

use super::run;
use crate::cli::{AskArguments, SandboxChoice};
use crate::deliver;
use crate::engines::{self, Engines, Entry, Line};
use crate::exit::Exit;
use crate::private;
use crate::report;
use crate::source::{self, Source};
use crate::story::ChangedFile;

/// The largest brief read, in bytes.
const BRIEF_BYTES_MAX: u64 = 8 << 20;

/// The largest file that a proposal may change, in bytes.
const FILE_BYTES_MAX: u64 = 8 << 20;

/// Asks the given engines one after another, until one has a proposal.
pub fn ask(engines: &Engines, entries: &[&Entry], arguments: &AskArguments) -> Result<Exit> {
    let brief = read(&arguments.brief)?;
    let line = Line::of(&arguments.recording)?;
    let (sandbox, _) = run::sandbox(SandboxChoice::Auto)?;
    let walls = run::walls_of(sandbox)?;
    let folder = tempfile::Builder::new()
        .prefix("backstitch-ask-")
        .tempdir()?;
    Source::open(&arguments.path)?.copy_to(folder.path())?;
    walls.project.set(folder.path());
    let finding = FindingId(brief.finding.id.clone());
    let redactor = engines::redactor();
    let mut budget = Budget::new(engines.of_run, engines.of_finding);
    for entry in entries {
        let engine = match engines.open(entry, &walls, &line) {
            Ok(engine) => engine,
            Err(failure) => {
                let outcome = Outcome::unavailable(failure.kind, failure.detail);
                tell(&entry.name, &outcome.to_string());
                continue;
            }
        };
        let mut chain = Chain::new(vec![engine], Arc::new(Steady::default()));
        let asked = chain.ask(&finding, &brief, &redactor, &mut budget);
        for turn in &asked.turns {
            tell(&turn.engine, &turn.outcome.to_string());
        }
        if let Some((engine, proposal)) = asked.proposed {
            tell(&engine, &redactor.redact(&proposal.explanation.fix).text);
            match patch(&proposal, folder.path())? {
                Ok(patch) => {
                    write(&arguments.patch, &patch)?;
                    return Ok(Exit::NothingLeft);
                }
                Err(why) => tell(&engine, &format!("its proposal does not fit: {why}")),
            }
        }
    }
    Ok(Exit::FindingsLeft)
}

fn tell(engine: &str, words: &str) {
    report::say(&report::escape(&format!("`{engine}`: {words}")));
}

/// A brief as `engines brief --format json` prints it; `-` is the standard input.
fn read(file: &Path) -> Result<Brief> {
    let about = || format!("read brief `{}`", file.display());
    let mut text = String::new();
    let read = if file == Path::new("-") {
        let input = std::io::stdin().lock();
        input.take(BRIEF_BYTES_MAX + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(file)
            .and_then(|file| file.take(BRIEF_BYTES_MAX + 1).read_to_string(&mut text))
    };
    read.with_context(about)?;
    ensure!(
        text.len() as u64 <= BRIEF_BYTES_MAX,
        "{}: it is larger than {BRIEF_BYTES_MAX} bytes",
        about()
    );
    let brief: Brief = serde_json::from_str(&text).with_context(|| {
        format!(
            "{}: it is none that `backstitch engines brief --format json` prints",
            about()
        )
    })?;
    ensure!(
        brief.format == FORMAT_VERSION,
        "{}: it has form {}, not {FORMAT_VERSION}",
        about(),
        brief.format
    );
    Ok(brief)
}

/// A proposal as a patch of the tree; the inner error says why it does not fit.
fn patch(proposal: &Proposal, tree: &Path) -> Result<Result<String, String>> {
    let dir = source::open_dir(tree)?;
    let mut files = BTreeMap::new();
    for edit in &proposal.edits {
        let about = dir.symlink_metadata(edit.path.as_str());
        let is_small = about.is_ok_and(|about| about.is_file() && about.len() <= FILE_BYTES_MAX);
        if is_small && let Ok(text) = dir.read_to_string(edit.path.as_str()) {
            files.insert(edit.path.clone(), text);
        }
    }
    let changed = match apply(&proposal.edits, &files) {
        Ok(changed) => changed,
        Err(malformed) => return Ok(Err(malformed.to_string())),
    };
    let mut patch = String::new();
    for (path, after) in changed {
        let before = files.remove(&path);
        patch.push_str(&deliver::diff(&ChangedFile {
            path,
            before,
            after,
        }));
    }
    if let Some(test) = &proposal.regression_test {
        if dir.symlink_metadata(test.path.as_str()).is_ok() {
            return Ok(Err(format!("there is a `{}` already", test.path)));
        }
        patch.push_str(&deliver::diff(&ChangedFile {
            path: test.path.clone(),
            before: None,
            after: test.text.clone(),
        }));
    }
    Ok(Ok(patch))
}

/// Writes the patch for the user alone: it may say how a flaw is used.
fn write(file: &Path, patch: &str) -> Result<()> {
    private::write(file, patch).with_context(|| format!("write patch `{}`", file.display()))?;
    report::say(&format!(
        "the proposal is in `{}`; `backstitch test --patch` judges it",
        file.display()
    ));
    Ok(())
}
