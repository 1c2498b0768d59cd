//! Asks pip what it would install for what nobody pins. The fetch phase: wheels only, and nothing of
//! the project's or of any archive runs.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use backstitch_model::pins::Resolved;
use serde_json::Value;

use super::manager::Python;
use super::pins::Pins;
use crate::sandbox::Exit;
use crate::workbench::beside::Layer;
use crate::workbench::error::Doing;
use crate::workbench::session::Ended;
use crate::workbench::{PackageManager, Tree, VerifyError, lines};

/// The most of pip's words kept, in characters.
const MESSAGE_CHARS_MAX: usize = 2000;

/// How many packages one answer may have.
const PACKAGES_MAX: usize = 5_000;

/// What pip would install for the packages of a tree that are not pinned: nothing where all are;
/// the inner error says why it is not known.
pub type Answer = Result<Vec<Resolved>, String>;

impl Python {
    /// Asks pip what it would install for the tree's unpinned requirements. The same answer is
    /// given again, and installed, for as long as this lives.
    pub fn resolve(&self, tree: &Tree, work: &Path) -> Result<Answer, VerifyError> {
        match Pins::read(tree) {
            Ok(pins) => self.resolve_pins(tree, &pins, work, None),
            Err(why) => Ok(Err(why)),
        }
    }

    pub(super) fn resolve_pins(
        &self,
        tree: &Tree,
        pins: &Pins,
        work: &Path,
        layer: Option<&Layer>,
    ) -> Result<Answer, VerifyError> {
        if pins.loose.is_empty() {
            return Ok(Ok(Vec::new()));
        }
        let key = key_of(pins);
        if let Some(known) = self.resolved().get(&key) {
            return Ok(known.clone());
        }
        let answer = if self.session().offline() {
            Err("offline: pip was not asked what it would install".to_owned())
        } else {
            read(&self.run_fetching(tree, pins, "resolve", work, layer)?)?
        };
        self.resolved().insert(key, answer.clone());
        Ok(answer)
    }

    /// Bounds what is not pinned by what pip answered, so that exactly that is installed.
    pub(super) fn bound(&self, mut pins: Pins) -> Pins {
        if let Some(Ok(resolved)) = self.resolved().get(&key_of(&pins)) {
            let bounds = resolved
                .iter()
                .map(|one| format!("{}=={}", one.name, one.version));
            pins.constraints.extend(bounds);
        }
        pins
    }
}

/// All that decides what pip would install.
fn key_of(pins: &Pins) -> Vec<String> {
    let lines = pins.pins.iter().map(|pin| pin.line.clone());
    let rest = pins.loose.iter().chain(&pins.constraints).cloned();
    lines.chain(rest).collect()
}

fn read(ended: &Ended) -> Result<Answer, VerifyError> {
    if ended.ran.exit != Exit::Code(0) {
        let said = lines::error_text(&ended.log, MESSAGE_CHARS_MAX)?;
        return Ok(Err(format!("pip was asked what it would install: {said}")));
    }
    let mut resolved = Vec::new();
    let log = File::open(&ended.log).doing("read log", &ended.log)?;
    lines::for_each(BufReader::new(log), |line| {
        let one = line.strip_prefix("resolved: ").and_then(parsed);
        resolved.extend(one.filter(|_| resolved.len() < PACKAGES_MAX));
    })
    .doing("read log", &ended.log)?;
    Ok(Ok(resolved))
}

/// One line of our script's.
fn parsed(line: &str) -> Option<Resolved> {
    let about: Value = serde_json::from_str(line).ok()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let is_plain = |text: &String| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.+!".contains(c);
        !text.is_empty() && !text.starts_with('-') && text.chars().all(allowed)
    };
    let requires = about["requires"].as_array().into_iter().flatten();
    Some(Resolved {
        name: text(&about["name"]).filter(is_plain)?,
        version: text(&about["version"]).filter(is_plain)?,
        requires: requires.filter_map(text).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_what_is_no_name_is_not() {
        let line = r#"{"name": "a", "version": "1.0", "requires": ["b>=2; extra == 'x'", 3]}"#;
        let one = parsed(line).unwrap();
        assert_eq!((one.name.as_str(), one.version.as_str()), ("a", "1.0"));
        assert_eq!(one.requires, ["b>=2; extra == 'x'"]);
        for line in [
            r#"{"name": "--evil", "version": "1"}"#,
            r#"{"name": "a", "version": "1 -r x"}"#,
            "[]",
            "x",
        ] {
            assert_eq!(parsed(line), None, "{line}");
        }
    }
}
