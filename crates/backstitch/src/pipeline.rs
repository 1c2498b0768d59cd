//! The loop: find, fix, test, record, repeat. Each step is a method of [`Steps`]; the
//! steps' own modules say how.

use anyhow::Result;

use crate::steps::Steps;
use crate::story::Story;

/// Runs the loop to its end: until for every finding a fix is accepted, or none is left
/// to try. A run that was cut off goes on where it stopped.
pub fn run(steps: &mut Steps) -> Result<Story> {
    let base = steps.copy_base()?;
    let mut projects = steps.find(&base)?;
    for project in &mut projects {
        if !steps.baseline(project)? {
            continue;
        }
        while let Some(candidates) = steps.propose(project)? {
            for attempt in steps.verify(project, candidates)? {
                steps.record(project, attempt);
            }
        }
        steps.reverify(project)?;
    }
    for flaw in steps.flaws() {
        steps.mend(flaw)?;
    }
    steps.reverify_mended()?;
    steps.deliver()
}
