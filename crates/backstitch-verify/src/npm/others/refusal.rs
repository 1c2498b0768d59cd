//! Owns why pnpm or yarn did not do what it was asked, in its own words. Runs nothing.

use std::collections::VecDeque;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use backstitch_model::candidate::Step;

use crate::npm::recipe::speaks_of_network;
use crate::sandbox::Exit;
use crate::workbench::error::Doing;
use crate::workbench::session::Ended;
use crate::workbench::{Cause, Refusal, VerifyError, lines};

/// The most of a tool's words kept of a refusal, in characters and in lines.
const MESSAGE_CHARS_MAX: usize = 4000;
const MESSAGE_LINES_MAX: usize = 40;

/// A step that was not done because of the tool, or of what it left.
pub(super) fn refused(step: &Step, message: String) -> Refusal {
    Refusal {
        step: Some(step.clone()),
        cause: Cause::Manager,
        message,
    }
}

/// Why a job of the fetch phase did not do what it should; nothing where it did.
pub(super) fn refusal_of(
    name: &str,
    ended: Ended,
    step: Option<&Step>,
) -> Result<Option<Refusal>, VerifyError> {
    let Ended { ran, log } = ended;
    let refusal = |cause, message| {
        Some(Refusal {
            step: step.cloned(),
            cause,
            message,
        })
    };
    Ok(match ran.exit {
        Exit::Code(0) => None,
        Exit::TimedOut => refusal(Cause::Limit, format!("{name} took longer than it may")),
        Exit::OverLimit(resource) => refusal(
            Cause::Limit,
            format!("{name} used more than it may: {resource:?}"),
        ),
        Exit::Code(_) | Exit::Signal(_) | Exit::Cancelled => {
            let said = said(&log)?;
            let cause = if speaks_of_network(&said) {
                Cause::Network
            } else {
                Cause::Manager
            };
            refusal(cause, said)
        }
    })
}

/// The last of what a tool said, without its progress.
fn said(log: &Path) -> Result<String, VerifyError> {
    let file = File::open(log).doing("read log", log)?;
    let mut last = VecDeque::new();
    lines::for_each(BufReader::new(file), |line| {
        let line = line.trim();
        if !line.is_empty() && !line.starts_with("Progress:") {
            last.push_back(line.to_owned());
            if last.len() > MESSAGE_LINES_MAX {
                last.pop_front();
            }
        }
    })
    .doing("read log", log)?;
    let text = Vec::from(last).join("\n");
    Ok(text.chars().take(MESSAGE_CHARS_MAX).collect())
}
