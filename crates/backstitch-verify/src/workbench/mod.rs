//! How a project is fetched, changed, built and tested inside the [sandbox](crate::sandbox),
//! whichever package manager it has.
//!
//! Two phases, and nothing is both:
//!
//! | phase | network | what runs | what is writable |
//! |---|---|---|---|
//! | fetch | yes | the package manager, nothing of the project's | the tree, the package cache |
//! | run | none | everything: build scripts, macros, tests | layers over the tree and over the build's results |
//!
//! In the fetch phase the package manager stands outside the tree, so none of the project's own
//! settings is in force: they can name programs to run. In the run phase the tree and the
//! baseline's build results are seen through an overlay: what the project's programs write is
//! thrown away, and never becomes part of a fix.
//!
//! The phases of two trees can go on at one time, each in a sandbox of its own, where the package
//! manager can fetch for one without disturbing the other ([`Workbench::apply_beside`]). Two
//! fetches of one package manager take turns, since they share its cache.
//!
//! Refusals by a package manager and failing tests are data. A [`VerifyError`] means that the job
//! could not be done. Nothing here decides whether a fix is good.
//!
//! What cannot be kept out: a test prints its own result, so a hostile dependency that knows the
//! test runner can forge one; the report only notices where counts disagree. And build results
//! of the baseline are reused for an attempt, so the baseline's build scripts can plant some for
//! it; [`Start::Clean`] builds without them. A project's lockfile names the servers that
//! the fetch phase talks to, the machine's own loopback services included.

mod manager;

mod applied;
pub(crate) mod beside;
mod commands;

mod baseline;
mod regress;
mod tested;
mod testing;

pub(crate) mod reproduce;
mod variants;

mod attack;

pub(crate) mod session;
pub(crate) mod trial;

pub(crate) mod error;
pub(crate) mod files;
pub(crate) mod lines;
pub(crate) mod places;
mod progress;
pub(crate) mod stamps;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use backstitch_model::candidate::Step;
use backstitch_model::{CheckRun, Project, Reproducer};

use crate::compare;

pub use applied::{Applied, Cause, Refusal};
pub use attack::{Attacked, AttackedAfter, SavedAttack};
pub use baseline::{Attempt, Baseline, SavedBaseline, Start};
pub use commands::{Commands, TestCommand};
pub use error::VerifyError;
pub use manager::PackageManager;
pub use progress::Progress;
pub use reproduce::{Inputs, Reproduction};
pub use session::{Session, Setup, Tree};
pub use testing::Place;

/// A tree whose packages were brought.
#[derive(Clone, Copy)]
pub struct Brought<'tree> {
    /// The tree.
    pub tree: &'tree Tree,
    /// What its files say.
    pub project: &'tree Project,
    /// The directory that was given when its packages were brought.
    pub work: &'tree Path,
}

/// Fetches, changes, builds and tests the projects of one package manager.
#[derive(Clone, Copy)]
pub struct Workbench<'manager> {
    manager: &'manager dyn PackageManager,
}

impl<'manager> Workbench<'manager> {
    /// A workbench for the projects of `manager`.
    pub fn new(manager: &'manager dyn PackageManager) -> Self {
        Self { manager }
    }

    /// The tools that a tree, or any, is judged with, in words.
    pub fn about(&self, tree: Option<&Tree>) -> String {
        self.manager.about(tree)
    }

    /// Is another wherever the tools are that a tree is judged with.
    pub fn stamp(&self, tree: &Tree) -> String {
        self.manager.stamp(tree)
    }

    /// Brings what the tree's lockfile names. `work` takes logs and settings.
    pub fn fetch(&self, tree: &Tree, work: &Path) -> Result<Applied, VerifyError> {
        let _turn = self.session().turn();
        self.manager.apply(tree, &[], work)
    }

    /// Carries out the steps in the tree, then brings what the lockfile names by then. `work`
    /// takes logs and settings.
    pub fn apply(&self, tree: &Tree, steps: &[Step], work: &Path) -> Result<Applied, VerifyError> {
        let _turn = self.session().turn();
        self.manager.apply(tree, steps, work)
    }

    /// Tells whether [`Workbench::apply_beside`] can be used. `near` is an existing directory on
    /// the disk that is worked on.
    pub fn can_work_beside(&self, near: &Path) -> Result<bool, VerifyError> {
        self.manager.can_work_beside(near)
    }

    /// Does what [`Workbench::apply`] does while another tree is built and tested, each in a
    /// sandbox of its own, without disturbing that.
    pub fn apply_beside(
        &self,
        tree: &Tree,
        steps: &[Step],
        work: &Path,
    ) -> Result<Applied, VerifyError> {
        let _turn = self.session().turn();
        self.manager.apply_beside(tree, steps, work)
    }

    /// Compares the packages of two trees: those that went and those that came. Each tree is given
    /// with its project and the directory that its packages were brought with.
    pub fn compare(&self, before: Brought<'_>, after: Brought<'_>) -> CheckRun {
        let began = Instant::now();
        let moved = compare::moved(&before.project.graph, &after.project.graph);
        let mut facts = BTreeMap::new();
        for moved in moved.values().take(compare::PACKAGES_MAX) {
            for (brought, packages) in [(before, &moved.gone), (after, &moved.come)] {
                for package in packages {
                    let known = self.manager.facts(brought.tree, brought.work, package);
                    facts.extend(known.map(|known| (package.clone(), known)));
                }
            }
        }
        CheckRun {
            elapsed: began.elapsed(),
            ..compare::compare(&moved, &facts)
        }
    }

    /// Writes a project below `root`, an empty directory, that locks exactly one release of a
    /// reproducer's package, and brings that. `work` takes logs and settings.
    pub fn specimen(
        &self,
        reproducer: &Reproducer,
        version: &str,
        root: &Path,
        work: &Path,
    ) -> Result<(Tree, Applied), VerifyError> {
        let tree = self.manager.specimen(reproducer, version, root)?;
        let _turn = self.session().turn();
        let applied = self.manager.apply(&tree, &[Step::Relock], work)?;
        Ok((tree, applied))
    }

    fn session(&self) -> &Session {
        self.manager.session()
    }
}
