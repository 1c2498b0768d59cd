//! The untouched tree, built and tested once. What that gave is kept by what it was made of (the
//! tree, the commands, the tools), so that the next change of the same tree costs only what it
//! changes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use backstitch_model::candidate::Step;
use backstitch_model::evidence::Phase;
use backstitch_model::{Check, CheckRun, LockFormat, Outcome};
use backstitch_verify::workbench::{Applied, Baseline, Tree, Workbench};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Order;
use super::component::Component;
use crate::private;
use crate::report::Progress;
use crate::source;
use crate::steps::{self, Logs, Workplace};
use crate::wire;

/// How many untouched trees are kept, those of the one at work included.
const KEPT_MAX: usize = 6;
/// A lockfile of npm's that locks nothing yet.
const EMPTY_NPM_LOCKFILE: &str = "{\n  \"lockfileVersion\": 3,\n  \"packages\": {}\n}\n";
/// Begins the names of their folders.
const PREFIX: &str = "base-";

/// A folder that holds the untouched tree and what was made of it.
pub struct Base {
    workplace: Workplace,
    tree: PathBuf,
    notes: Vec<String>,
}

/// One component of the untouched tree, ready to be built upon.
pub struct Ready {
    /// Its tree.
    pub tree: Tree,
    /// What it was built and tested to; `None` where its packages could not be brought.
    pub baseline: Option<Baseline>,
    /// Its checks.
    pub before: Phase,
    /// Is another wherever the tools are that it was built and tested with.
    pub stamp: String,
    /// Those tools, in words; empty where nothing was built.
    pub toolchain: String,
    /// Was it built and tested by an earlier run?
    pub reused: bool,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// What is written down of a component.
#[derive(Serialize, Deserialize)]
struct Written {
    stamp: String,
    toolchain: String,
    baseline: wire::Baseline,
    notes: Vec<String>,
}

impl Base {
    /// Claims the folder for what `identity` covers, and fills it with the untouched tree where it
    /// is not there yet. Waits for another process that has it.
    pub fn claim(order: &Order, identity: &str) -> Result<Self> {
        let name = format!("{PREFIX}{identity}");
        let mut told = false;
        let waiting = || {
            if !told {
                let what = "waiting for another backstitch with the same base";
                order.progress.step(what);
                told = true;
            }
            !order.cancel.is_cancelled()
        };
        let workplace = Workplace::claim_waiting(&order.places, &name, waiting)?;
        if order.fresh {
            workplace.clear()?;
        }
        Workplace::keep_newest(&order.places, PREFIX, KEPT_MAX);
        let tree = workplace.tree("base")?;
        let notes = Workplace::fill(&tree, |folder| order.source.copy_to(folder))?;
        Ok(Self {
            workplace,
            tree,
            notes,
        })
    }

    /// The untouched tree.
    pub fn tree(&self) -> &Path {
        &self.tree
    }

    /// What was told of copying it.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The folder of a changed tree and of what building and testing it writes.
    pub fn attempt(&self, name: &str) -> Result<(PathBuf, PathBuf)> {
        Ok((self.workplace.tree(name)?, self.workplace.work(name)?))
    }

    /// Removes a changed tree and what was made of it.
    pub fn discard(&self, name: &str) -> Result<()> {
        self.workplace.discard(name)
    }

    /// Builds and tests a component of the untouched tree, or takes up what an earlier run had
    /// made of it.
    pub fn ready(
        &self,
        component: &Component,
        workbench: Workbench<'_>,
        logs: &Logs,
        progress: &Progress,
    ) -> Result<Ready> {
        let slug = slug(component);
        let tree = Tree {
            root: self.tree_of(component)?,
            lockfile: component.anchor.clone(),
        };
        let work = self.workplace.work(&format!("base-{slug}"))?;
        let file = format!("base-{slug}.json");
        let stamp = workbench.stamp(&tree);
        // Other tools may make something else of it.
        let kept = self.read::<Written>(&file);
        let kept = kept.filter(|kept| kept.stamp == stamp);
        let saved = kept.as_ref().and_then(|kept| kept.baseline.saved().ok()?);
        if let (Some(written), Some((saved, _))) = (kept, saved) {
            let baseline = workbench.restore(saved, &tree, &work)?;
            return Ok(Ready {
                before: phase(&baseline),
                tree,
                baseline: Some(baseline),
                stamp,
                toolchain: written.toolchain,
                reused: true,
                notes: written.notes,
            });
        }
        self.workplace.discard_work(&format!("base-{slug}"))?;
        progress.step(&format!("fetching the packages of `{}`", tree.lockfile));
        let notes = match bring(component, workbench, &tree, &work)? {
            Ok(notes) => notes,
            Err(why) => return self.unready(component, &why),
        };
        progress.step(&format!(
            "building and testing the untouched `{}`",
            tree.lockfile
        ));
        let mut baseline = workbench.baseline(&tree, &work)?;
        baseline.build = logs.keep(baseline.build)?;
        if baseline.build.outcome == Outcome::Passed {
            workbench.test_baseline(&mut baseline)?;
            baseline.regress = logs.keep(baseline.regress)?;
        }
        let written = Written {
            stamp,
            toolchain: workbench.about(Some(&tree)),
            baseline: wire::Baseline::new(&baseline.save()?, true),
            notes,
        };
        // What failed is tried again: it may have been the machine's fault.
        let is_firm = baseline.regress.outcome == Outcome::Passed;
        if is_firm {
            self.write(&file, &written)?;
        }
        Ok(Ready {
            before: phase(&baseline),
            tree,
            baseline: Some(baseline),
            stamp: written.stamp,
            toolchain: written.toolchain,
            reused: false,
            notes: written.notes,
        })
    }
}

impl Base {
    /// What an earlier run wrote down, where it was written whole.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_slice(&fs::read(self.workplace.file(name)).ok()?).ok()
    }

    /// Writes something down for the next run: whole, or not at all.
    pub fn write(&self, name: &str, what: &impl Serialize) -> Result<()> {
        let file = self.workplace.file(name);
        let text = serde_json::to_vec(what).context("write what the untouched tree gave")?;
        let part = file.with_extension("part");
        private::write(&part, text)
            .and_then(|()| fs::rename(&part, &file))
            .with_context(|| format!("write `{}`", file.display()))
    }

    /// A component that cannot be built here, and why.
    pub fn unready(&self, component: &Component, why: &str) -> Result<Ready> {
        let not_run = |check| CheckRun::instant(check, Outcome::NotRun(why.to_owned()));
        Ok(Ready {
            tree: Tree {
                root: self.tree_of(component)?,
                lockfile: component.anchor.clone(),
            },
            baseline: None,
            before: [Check::Build, Check::Regress]
                .map(not_run)
                .into_iter()
                .collect(),
            stamp: String::new(),
            toolchain: String::new(),
            reused: false,
            notes: Vec::new(),
        })
    }

    /// The untouched tree itself, or a copy of it where a lockfile has to be made.
    fn tree_of(&self, component: &Component) -> Result<PathBuf> {
        if !component.unlocked {
            return Ok(self.tree.clone());
        }
        let root = self.workplace.tree(&format!("base-{}", slug(component)))?;
        Workplace::fill(&root, |folder| source::duplicate(&self.tree, folder))?;
        Ok(root)
    }
}

/// Brings the packages of a component's tree; the inner error is the package manager's refusal.
pub fn bring(
    component: &Component,
    workbench: Workbench<'_>,
    tree: &Tree,
    work: &Path,
) -> Result<Result<Vec<String>, String>> {
    let steps: &[Step] = if component.unlocked {
        begin_lockfile(component, tree)?;
        &[Step::Relock]
    } else {
        &[]
    };
    Ok(match workbench.apply(tree, steps, work)? {
        Applied::Done(notes) => Ok(notes),
        Applied::Refused(refusal) => Err(format!(
            "the packages of `{}` cannot be brought: {}",
            tree.lockfile, refusal.message
        )),
    })
}

/// npm brings a lockfile in line, and so needs one to begin with.
fn begin_lockfile(component: &Component, tree: &Tree) -> Result<()> {
    let dir = source::open_dir(&tree.root)?;
    let is_there = dir.symlink_metadata(tree.lockfile.as_str()).is_ok();
    if component.format != Some(LockFormat::Npm) || is_there {
        return Ok(());
    }
    source::replace(&dir, &tree.lockfile, EMPTY_NPM_LOCKFILE)
}

fn phase(baseline: &Baseline) -> Phase {
    [baseline.build.clone(), baseline.regress.clone()]
        .into_iter()
        .collect()
}

/// The component's name in names of files.
pub fn slug(component: &Component) -> String {
    steps::slug(&component.anchor)
}
