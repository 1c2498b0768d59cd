//! The rungs that run something: each touched component is built and tested as it was and as the
//! change makes it.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context, Result};
use backstitch_model::tests::TestReport;
use backstitch_model::{Check, CheckRun, Outcome, RelPath};
use backstitch_verify::plain;
use backstitch_verify::scope::source::{self as rules, Role};
use backstitch_verify::workbench::{Attempt, Baseline, Start, Tree, Workbench};

use super::base::{self, Base, Ready};
use super::component::{Component, Ground};
use super::rescan::Settled;
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
    pub(super) fn trial(
        &mut self,
        base: &Base,
        changed: &Changed,
        settled: &Settled,
    ) -> Result<()> {
        let managers = Arc::clone(&self.order.managers);
        if self.order.reproducer.is_some() || self.order.rescan.is_some() {
            managers.plain().tools().show_all();
        }
        let mut all = Vec::new();
        for component in self.touched(base, changed)? {
            all.push(self.make_ready(base, &managers, component)?);
        }
        self.leave_out(settled, &mut all);
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
        self.attack(base, settled, &all)?;
        if self.stands() {
            self.regress(changed, &all)?;
            self.try_addition(base, changed, &all)?;
        }
        Ok(())
    }

    /// Leaves out the parts for benchmarks and fuzzing that cannot be built, where another part of
    /// the project can be: they say nothing of the program. Not where the change settles something
    /// that is locked there.
    fn leave_out(&mut self, settled: &Settled, all: &mut Vec<Underway<'_>>) {
        let builds =
            |one: &Underway<'_>| *one.ready.before.outcome(Check::Build) == Outcome::Passed;
        if !all.iter().any(builds) {
            return;
        }
        let notes = &mut self.judgement.notes;
        all.retain(|one| {
            let anchor = &one.component.anchor;
            let mut flaws = settled.flaws.iter();
            let stays = builds(one)
                || !is_aside(anchor)
                || flaws.any(|finding| finding.location == *anchor);
            if !stays {
                notes.push(format!(
                    "`{anchor}` was left out: {}",
                    one.ready.before.outcome(Check::Build)
                ));
            }
            stays
        });
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
            Some(format) => (managers.usable(format)?.map_err(str::to_owned), component),
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
        let toolchain = &mut self.judgement.toolchain;
        if !ready.toolchain.is_empty() && !toolchain.contains(&ready.toolchain) {
            if !toolchain.is_empty() {
                toolchain.push_str("; ");
            }
            toolchain.push_str(&ready.toolchain);
        }
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
        let hint = Some(component.anchor.file_name());
        let (tools, policy) = (managers.plain().tools(), &self.order.policy);
        let found = match plain::find(&at, hint, tools, policy) {
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
            runs.push(build_one(changed, underway, self.order.start)?);
        }
        self.after(CheckRun::together(Check::Build, runs))
    }

    fn regress(&mut self, changed: &Changed, all: &[Underway<'_>]) -> Result<()> {
        let mut runs = Vec::new();
        for underway in all {
            self.order.progress.step(&format!(
                "testing `{}` with the change",
                underway.component.anchor
            ));
            let (baseline, attempt) = underway.both()?;
            let (mut run, after) = underway.workbench()?.test_attempt(baseline, attempt)?;
            if let Outcome::Failed(why) = &run.outcome
                && only_rewritten(&changed.rewritten, &baseline.report, &after)
            {
                run.outcome = Outcome::Differs(format!(
                    "{why}; the change rewrites what these tests expect, and they were run as they \
                     were"
                ));
            }
            runs.push(run);
        }
        self.after(CheckRun::together(Check::Regress, runs))
    }
}

/// Is what a lockfile or manifest is for no part of the program, as far as its folder tells?
fn is_aside(anchor: &RelPath) -> bool {
    let code = RelPath::below(anchor.parent().as_ref(), "x.rs");
    code.is_ok_and(|code| match rules::role(&code, None) {
        Role::Aside | Role::Test | Role::TestData => true,
        Role::Source
        | Role::Harness
        | Role::Ci
        | Role::Build
        | Role::Manifest
        | Role::Lockfile
        | Role::Generated
        | Role::Vendored
        | Role::Documents
        | Role::ToolSettings
        | Role::OwnSettings
        | Role::Other => false,
    })
}

/// Do only tests fail that the change rewrites? A command that names no tests tells nothing of
/// that.
fn only_rewritten(rewritten: &BTreeSet<String>, before: &TestReport, after: &TestReport) -> bool {
    let lost = before.regressions(after);
    let is_rewritten = |name: &String| rewritten.iter().any(|test| names_test(name, test));
    lost.missing.is_empty() && !lost.failed.is_empty() && lost.failed.iter().all(is_rewritten)
}

/// Does a runner's name end in a test's own? It may go on with what the test was run with.
fn names_test(name: &str, test: &str) -> bool {
    let name = name.split_once('[').map_or(name, |(name, _)| name);
    !test.is_empty()
        && name.strip_suffix(test).is_some_and(|before| {
            !before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_')
        })
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

fn build_one(changed: &Changed, underway: &mut Underway<'_>, start: Start) -> Result<CheckRun> {
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
        .attempt(baseline, &tree, start, &work)?;
    let run = underway.workbench()?.build_attempt(baseline, &attempt)?;
    underway.attempt = Some(attempt);
    Ok(run)
}

#[cfg(test)]
mod tests {
    use backstitch_model::tests::TestOutcome;

    use super::*;

    fn report(cases: &[(&str, TestOutcome)]) -> TestReport {
        TestReport {
            cases: cases
                .iter()
                .map(|(name, case)| ((*name).to_owned(), *case))
                .collect(),
            ..TestReport::default()
        }
    }

    #[test]
    fn only_parts_for_fuzzing_and_benchmarks_are_beside_the_program() {
        let is_aside = |path: &str| super::is_aside(&RelPath::new(path).unwrap());
        for path in ["fuzz/Cargo.lock", "benches/Cargo.lock", "a/fuzz/Cargo.toml"] {
            assert!(is_aside(path), "{path}");
        }
        for path in [
            "Cargo.lock",
            "tools/Cargo.lock",
            "src/perf/Cargo.lock",
            "docs/Cargo.lock",
        ] {
            assert!(!is_aside(path), "{path}");
        }
    }

    #[test]
    fn a_human_decides_only_where_every_test_that_fails_is_rewritten() {
        use TestOutcome::{Failed, Passed};
        let names = ["t.py::test_a", "t.py::test_b[1-x]", "m::tests::b"];
        let before = report(&names.map(|name| (name, Passed)));
        let rewritten = ["test_a", "test_b"].map(str::to_owned).into();
        let after = |outcomes: [TestOutcome; 3]| {
            let cases: Vec<_> = names.into_iter().zip(outcomes).collect();
            only_rewritten(&rewritten, &before, &report(&cases))
        };
        assert!(after([Failed, Passed, Passed]));
        assert!(after([Failed, Failed, Passed]));
        assert!(!after([Failed, Failed, Failed]));
        assert!(!after([Passed, Passed, Passed]));
        assert!(!after([Failed, TestOutcome::Ignored, Passed]));
    }
}
