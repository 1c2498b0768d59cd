//! The Scope rung for a change from elsewhere: what it touches, and whether it only looks like a
//! fix. The files that judge it (tests, oracles, build files) are taken from the untouched tree
//! again before anything is built.

use std::collections::BTreeSet;

use anyhow::Result;
use backstitch_model::evidence::Claim;
use backstitch_model::{CheckRun, Outcome, RelPath};
use backstitch_verify::scope::source::{self as rules, About, FileKind};

use super::base::Base;
use super::{Changed, Given, Judge};
use crate::source::{self, Content, Difference};

impl Judge {
    /// Judges what the change touches, and re-lays what it must not.
    pub(super) fn scope(&mut self, base: &Base, changed: &mut Changed) -> Result<()> {
        self.order.progress.step("looking at what it touches");
        let differences = source::differences(base.tree(), &changed.root)?;
        changed.paths = differences
            .iter()
            .map(|difference| difference.path.clone())
            .collect();
        self.pick_reported(changed);
        let files: Vec<_> = differences.iter().map(as_changed).collect();
        let mut judged = rules::judge(&files, &self.about());
        self.decide(&mut judged.run);
        self.relay(changed, &judged.relay, &differences)?;
        // What is as it was touches nothing, but where nothing else is there.
        let laid: BTreeSet<&RelPath> = judged.relay.iter().collect();
        if changed.paths.iter().any(|path| !laid.contains(path)) {
            changed.paths.retain(|path| !laid.contains(path));
        }
        changed.rewritten = judged.rewritten;
        self.judgement.put_back = judged.relay;
        self.after(judged.run)
    }

    /// What only a human could decide is decided against an engine: nobody is asked.
    fn decide(&self, run: &mut CheckRun) {
        match (&self.order.given, &run.outcome) {
            (Given::Edits { .. }, Outcome::Differs(why)) => {
                run.outcome = Outcome::Failed(why.clone());
            }
            (Given::Patch { .. } | Given::Commit { .. } | Given::Edits { .. }, _) => {}
        }
    }

    /// What is known of the flaw: where a scanner says it is, and the inputs that show it.
    fn about(&self) -> About {
        let component = match self.locations.as_slice() {
            [location] => Some(location.clone()),
            _ => None,
        };
        let reproducer = self.order.reproducer.iter();
        let inputs = reproducer.flat_map(|reproducer| &reproducer.inputs);
        About {
            component,
            inputs: inputs.map(|input| input.bytes.clone()).collect(),
            claims_nothing: self.judgement.evidence.claim == Claim::Nothing
                && self.weaknesses.is_empty(),
            ..About::default()
        }
    }

    fn relay(
        &mut self,
        changed: &Changed,
        paths: &[RelPath],
        differences: &[Difference],
    ) -> Result<()> {
        let onto = source::open_dir(&changed.root)?;
        for path in paths {
            let difference = differences
                .iter()
                .find(|difference| difference.path == *path);
            let before = difference.and_then(|difference| difference.before.as_ref());
            source::restore(&onto, path, before)?;
        }
        if !paths.is_empty() {
            let names: Vec<_> = paths.iter().map(|path| format!("`{path}`")).collect();
            self.judgement.notes.push(format!(
                "judged with the untouched {}: what tests and builds is not the change's to alter",
                names.join(", ")
            ));
        }
        Ok(())
    }
}

fn as_changed(difference: &Difference) -> rules::Changed {
    rules::Changed {
        path: difference.path.clone(),
        before: difference.before.as_ref().map(as_file),
        after: difference.after.as_ref().map(as_file),
    }
}

fn as_file(content: &Content) -> rules::File {
    match content {
        Content::File { bytes, executable } => rules::File {
            bytes: bytes.clone(),
            kind: if *executable {
                FileKind::Executable
            } else {
                FileKind::Plain
            },
        },
        Content::Link(target) => rules::File {
            bytes: target.as_os_str().as_encoded_bytes().to_vec(),
            kind: FileKind::Link,
        },
    }
}
