//! The rungs that run something: each touched component is built and tested as it was and as the
//! change makes it.

use std::sync::Arc;

use anyhow::{Context, Result};
use backstitch_model::{Check, CheckRun, Outcome, RelPath};
use backstitch_verify::plain;
use backstitch_verify::workbench::{Attempt, Baseline, Start, Tree, Workbench};

use super::base::{self, Base, Ready};
use super::component::{Component, Ground};
use super::{Changed, Judge};
use crate::managers::Managers;
use crate::source;

/// A component that was made ready, with what the change makes of it.
pub(super) struct Underway<'managers> {
    /// Why there is none, where none is.
    pub(super) workbench: Result<Workbench<'managers>, String>,
    pub(super) component: Component,
    pub(super) ready: Ready,
    /// The changed tree's trial, once its packages are there.
    pub(super) attempt: Option<Attempt>,
}

impl Judge {
    /// Builds and tests what the change touches, before and after.
    pub(super) fn trial(&mut self, base: &Base, changed: &Changed) -> Result<()> {
        let managers = Arc::clone(&self.order.managers);
        let mut all = Vec::new();
        for component in self.touched(base, changed)? {
            all.push(self.make_ready(base, &managers, component)?);
        }
        self.judgement.reused = all.iter().all(|underway| underway.ready.reused);
        for check in [Check::Build, Check::Regress] {
            let runs = all.iter().filter_map(|one| one.ready.before.get(check));
            let run = CheckRun::together(check, runs.cloned().collect());
            self.before(run)?;
        }
        if *self.judgement.evidence.before.outcome(Check::Build) != Outcome::Passed {
            return Ok(());
        }
        self.build(changed, &mut all)?;
        if *self.judgement.evidence.after.outcome(Check::Build) != Outcome::Passed {
            return Ok(());
        }
        if let Some(first) = all.first() {
            self.scan_again(first)?;
        }
        self.attack(base, &all)?;
        if self.stands() {
            self.regress(&all)?;
        }
        Ok(())
    }

    fn touched(&self, base: &Base, changed: &Changed) -> Result<Vec<Component>> {
        let dir = source::open_dir(base.tree())?;
        let discovery = backstitch_find::projects(&dir);
        let ground = Ground {
            discovery: &discovery,
            has_file: &|path: &RelPath| {
                dir.symlink_metadata(path.as_str())
                    .is_ok_and(|about| about.is_file())
            },
            part: self.order.source.part(),
        };
        Ok(ground.touched(&changed.paths))
    }

    fn make_ready<'managers>(
        &mut self,
        base: &Base,
        managers: &'managers Managers,
        component: Component,
    ) -> Result<Underway<'managers>> {
        let (workbench, component) = match component.format {
            Some(format) => (managers.workbench(format).map_err(str::to_owned), component),
            None => match self.found(base, managers, &component)? {
                Ok(found) => (Ok(Workbench::new(managers.plain())), found),
                Err(why) => (Err(why), component),
            },
        };
        let ready = match &workbench {
            Ok(workbench) => {
                base.ready(&component, *workbench, &self.logs, &self.order.progress)?
            }
            Err(why) => base.unready(&component, why)?,
        };
        let build = ready.before.outcome(Check::Build);
        self.order.progress.line(&format!(
            "untouched `{}`: build {build}, tests {}{}",
            component.anchor,
            ready.before.outcome(Check::Regress),
            if ready.reused {
                " (kept from before)"
            } else {
                ""
            }
        ));
        let commands = ready.baseline.as_ref().map(Baseline::commands);
        self.judgement.components.push(match commands {
            Some(commands) => format!("`{}`: {commands}", component.anchor),
            None => format!("`{}`", component.anchor),
        });
        self.judgement.notes.extend(ready.notes.iter().cloned());
        Ok(Underway {
            workbench,
            component,
            ready,
            attempt: None,
        })
    }

    /// The component with the file that says how it is built; the inner error says why none does.
    fn found(
        &self,
        base: &Base,
        managers: &Managers,
        component: &Component,
    ) -> Result<Result<Component, String>> {
        let folder = component.anchor.parent();
        let root = base.tree();
        let at = folder
            .as_ref()
            .map_or_else(|| root.to_owned(), |folder| root.join(folder.as_str()));
        let found = match plain::find(&at, managers.plain().tools(), &self.order.policy) {
            Ok(found) => found,
            Err(nothing) => return Ok(Err(nothing.to_string())),
        };
        Ok(Ok(Component {
            anchor: RelPath::below(folder.as_ref(), found.lockfile.as_str())?,
            ..component.clone()
        }))
    }

    fn build(&mut self, changed: &Changed, all: &mut [Underway<'_>]) -> Result<()> {
        let mut runs = Vec::new();
        for underway in all.iter_mut() {
            self.order.progress.step(&format!(
                "building `{}` with the change",
                underway.component.anchor
            ));
            runs.push(build_one(changed, underway)?);
        }
        self.after(CheckRun::together(Check::Build, runs))
    }

    fn regress(&mut self, all: &[Underway<'_>]) -> Result<()> {
        let mut runs = Vec::new();
        for underway in all {
            self.order.progress.step(&format!(
                "testing `{}` with the change",
                underway.component.anchor
            ));
            let (baseline, attempt) = underway.both()?;
            runs.push(underway.workbench()?.test_attempt(baseline, attempt)?.0);
        }
        self.after(CheckRun::together(Check::Regress, runs))
    }
}

impl<'managers> Underway<'managers> {
    /// What builds and tests it.
    pub(super) fn workbench(&self) -> Result<Workbench<'managers>> {
        self.workbench
            .clone()
            .map_err(|why| anyhow::anyhow!("judge `{}`: {why}", self.component.anchor))
    }

    /// What the untouched and what the changed tree was built to.
    pub(super) fn both(&self) -> Result<(&Baseline, &Attempt)> {
        let baseline = self.ready.baseline.as_ref();
        let attempt = self.attempt.as_ref();
        baseline
            .zip(attempt)
            .context("test a tree before it is built")
    }
}

fn build_one(changed: &Changed, underway: &mut Underway<'_>) -> Result<CheckRun> {
    let component = &underway.component;
    let tree = Tree {
        root: changed.root.clone(),
        lockfile: component.anchor.clone(),
    };
    let work = changed.work.join(base::slug(component));
    if component.unlocked {
        // The change is judged with the releases that the untouched tree was.
        let made =
            source::open_dir(&underway.ready.tree.root)?.read_to_string(component.anchor.as_str());
        if let Ok(made) = made {
            source::replace(&source::open_dir(&tree.root)?, &component.anchor, &made)?;
        }
    }
    if let Err(why) = base::bring(component, underway.workbench()?, &tree, &work)? {
        return Ok(CheckRun::instant(Check::Build, Outcome::Failed(why)));
    }
    let baseline = underway.ready.baseline.as_ref();
    let baseline = baseline.context("build a change before the untouched tree")?;
    let attempt = underway
        .workbench()?
        .attempt(baseline, &tree, Start::Warm, &work)?;
    let run = underway.workbench()?.build_attempt(baseline, &attempt)?;
    underway.attempt = Some(attempt);
    Ok(run)
}
