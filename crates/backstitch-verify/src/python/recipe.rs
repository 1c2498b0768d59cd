//! Carries out a recipe in a tree: texts are written, what the lockfile names by then is
//! downloaded. All of it is the fetch phase: nothing of the project's runs.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use backstitch_model::candidate::Step;
use backstitch_model::{LockFormat, RelPath};

use super::manager::Python;
use super::own::Moved;
use super::pins::Pins;
use crate::sandbox::Exit;
use crate::workbench::beside::Layer;
use crate::workbench::error::Doing;
use crate::workbench::session::Ended;
use crate::workbench::{Applied, Cause, PackageManager, Refusal, Tree, VerifyError, files, lines};

/// The exit code of our script where a server could not be reached.
const EXIT_NETWORK: i32 = 3;
/// The most of pip's words kept of a refusal, in characters.
const MESSAGE_CHARS_MAX: usize = 2000;
/// How many notes of our script are told.
const NOTES_MAX: usize = 40;

impl Python {
    /// Carries out the steps in the tree, then downloads what the lockfile names. `work` takes
    /// logs and scripts; a layer takes what is downloaded, where there is one.
    pub(super) fn carry_out(
        &self,
        tree: &Tree,
        steps: &[Step],
        work: &Path,
        layer: Option<&Layer>,
    ) -> Result<Applied, VerifyError> {
        self.session().sandbox().own(&tree.root)?;
        // A project as it was found has nothing that is changed.
        let before = Pins::read(tree).ok().filter(|_| !steps.is_empty());
        if let Some(refusal) = self.changed(tree, steps, work)? {
            return Ok(Applied::Refused(refusal));
        }
        let mut pins = match Pins::read(tree) {
            Ok(pins) => pins,
            Err(why) => {
                return Ok(Applied::Refused(Refusal {
                    step: None,
                    cause: Cause::Manifest,
                    message: format!("read `{}`: {why}", tree.lockfile),
                }));
            }
        };
        if let Some(before) = &before {
            pins.mark_changed(before);
        }
        let unknown = self.resolve_pins(tree, &pins, work, layer)?.err();
        let pins = self.bound(pins);
        let ended = self.run_fetching(tree, &pins, "fetch", work, layer)?;
        if let Some((cause, message)) = refused(&ended)? {
            return Ok(Applied::Refused(Refusal {
                step: None,
                cause,
                message,
            }));
        }
        let mut notes = notes(&ended)?;
        notes.extend(unknown);
        Ok(Applied::Done(notes))
    }

    /// Carries out the steps: moves by the tool that wrote the lockfile. Where it cannot be used, the
    /// lockfile is what the recipe's own text for it says; where there is none, that is refused.
    fn changed(
        &self,
        tree: &Tree,
        steps: &[Step],
        work: &Path,
    ) -> Result<Option<Refusal>, VerifyError> {
        let has_tool =
            LockFormat::of(&tree.lockfile).is_some_and(LockFormat::has_tool_that_relocks);
        let is_asked =
            |step: &&Step| has_tool && matches!(step, Step::UpdatePackage { .. } | Step::Relock);
        let asked = steps.iter().find(is_asked);
        let by_tool = match asked {
            None => false,
            Some(asked) => match self.move_by_tool(tree, steps, work)? {
                Moved::ByTool => true,
                Moved::Refused(refusal) => return Ok(Some(refusal)),
                Moved::Not(_) if steps.iter().any(|step| writes(step, &tree.lockfile)) => false,
                Moved::Not(why) => {
                    return Ok(Some(Refusal {
                        step: Some(asked.clone()),
                        cause: Cause::Manager,
                        message: format!(
                            "only the tool that wrote `{}` can make this move; {why}",
                            tree.lockfile
                        ),
                    }));
                }
            },
        };
        let texts = steps
            .iter()
            .filter(|step| !(by_tool && writes(step, &tree.lockfile)));
        Ok(texts.into_iter().find_map(|step| written(tree, step)))
    }
}

/// Writes what a text says; a step that no manager of Python's projects knows is refused. Moves are
/// made by then.
fn written(tree: &Tree, step: &Step) -> Option<Refusal> {
    let refusal = |message| {
        Some(Refusal {
            step: Some(step.clone()),
            cause: Cause::Manifest,
            message,
        })
    };
    match step {
        Step::WriteManifest { path, text } => {
            let written = files::overwrite(&tree.root, path, text);
            let error = written.err()?;
            refusal(format!("write manifest `{path}`: {error}"))
        }
        // A requirements file locks what it lists: there is nothing to be brought in line.
        Step::Relock | Step::UpdatePackage { to: Some(_), .. } => None,
        Step::UpdatePackage { to: None, .. } | Step::UpdateEverything => {
            refusal("nothing is moved without a release to move it to".to_owned())
        }
    }
}

/// Does a step write this file?
fn writes(step: &Step, file: &RelPath) -> bool {
    matches!(step, Step::WriteManifest { path, .. } if path == file)
}

fn refused(ended: &Ended) -> Result<Option<(Cause, String)>, VerifyError> {
    let cause = match ended.ran.exit {
        Exit::Code(0) => return Ok(None),
        Exit::Code(EXIT_NETWORK) => Cause::Network,
        Exit::TimedOut | Exit::OverLimit(_) => Cause::Limit,
        Exit::Code(_) | Exit::Signal(_) | Exit::Cancelled => Cause::Manager,
    };
    let said = lines::error_text(&ended.log, MESSAGE_CHARS_MAX)?;
    Ok(Some((cause, format!("download the packages: {said}"))))
}

fn notes(ended: &Ended) -> Result<Vec<String>, VerifyError> {
    let mut notes = Vec::new();
    let log = File::open(&ended.log).doing("read log", &ended.log)?;
    lines::for_each(BufReader::new(log), |line| {
        if let Some(note) = line.strip_prefix("note: ")
            && notes.len() < NOTES_MAX
        {
            notes.push(note.to_owned());
        }
    })
    .doing("read log", &ended.log)?;
    Ok(notes)
}
