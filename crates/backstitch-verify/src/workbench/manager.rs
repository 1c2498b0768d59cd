//! What the workbench asks of a package manager. Each is an implementation of one trait, so that
//! building, testing and comparing are written once.

use std::path::{Path, PathBuf};

use backstitch_model::Reproducer;
use backstitch_model::candidate::Step;
use backstitch_model::package::PackageVersion;

use super::applied::Applied;
use super::commands::Commands;
use super::error::VerifyError;
use super::reproduce::Staged;
use super::session::{Session, Surroundings, Tree};
use super::trial::{Layer, Trial};
use crate::compare::Facts;

/// Knows one package manager: how its projects are fetched and changed, and what their programs
/// need around them. Never decides whether a fix is good.
pub trait PackageManager: Send + Sync {
    /// What all of a run's jobs share.
    fn session(&self) -> &Session;

    /// The tools that a tree is judged with, in words, for the evidence; those for any tree where
    /// none is named.
    fn about(&self, tree: Option<&Tree>) -> String;

    /// Is another wherever the tools are that a tree is judged with. Costs less than words where
    /// it can.
    fn stamp(&self, tree: &Tree) -> String {
        self.about(Some(tree))
    }

    /// Carries out the steps in the tree, then brings what the lockfile names by then. The fetch
    /// phase: there is a network, and nothing of the project's runs. `work` takes what is written.
    fn apply(&self, tree: &Tree, steps: &[Step], work: &Path) -> Result<Applied, VerifyError>;

    /// Tells whether trees can be fetched and changed with [`PackageManager::apply_beside`]: where
    /// nothing of the project's can see the network meanwhile, nor be disturbed. `near` is an
    /// existing directory on the disk that is worked on.
    fn can_work_beside(&self, _near: &Path) -> Result<bool, VerifyError> {
        Ok(false)
    }

    /// Does what [`PackageManager::apply`] does while another tree is built and tested. Only where
    /// [`PackageManager::can_work_beside`] says so.
    fn apply_beside(
        &self,
        tree: &Tree,
        steps: &[Step],
        work: &Path,
    ) -> Result<Applied, VerifyError> {
        self.apply(tree, steps, work)
    }

    /// The commands that build and test the project: the user's own where the policy has any.
    fn commands(&self, tree: &Tree) -> Commands;

    /// Commands for less of the project, for where the whole does not build; `None` where there
    /// are none.
    fn narrower(&self, commands: &Commands) -> Option<Commands>;

    /// What lies over a tree's own files while its programs run. `upon` is the trial whose
    /// results may be built upon.
    fn layers(&self, tree: &Tree, work: &Path, upon: Option<&Trial>) -> Vec<Layer>;

    /// What lies below a tree's own files, topmost first: what building `upon` left in the tree,
    /// where a project is built in its own folder and that may be built upon.
    fn beneath(&self, _tree: &Tree, _upon: Option<&Trial>) -> Result<Vec<PathBuf>, VerifyError> {
        Ok(Vec::new())
    }

    /// Is the tree compiled from C or C++, so that compilers on the `PATH` can be asked for
    /// sanitizers too?
    fn compiles_c(&self, _tree: &Tree) -> bool {
        false
    }

    /// What the project's programs see and have in their environment in the run phase.
    fn surroundings(&self, trial: &Trial) -> Result<Surroundings, VerifyError>;

    /// What a reader of the evidence should know of the tree, each in a sentence.
    fn notes(&self, tree: &Tree) -> Vec<String>;

    /// What a release that was brought for a tree says of itself; `None` where it cannot be read.
    /// `work` is the directory that the tree's packages were brought with.
    fn facts(&self, tree: &Tree, work: &Path, package: &PackageVersion) -> Option<Facts>;

    /// Gets ready to run a reproducer against `package` as the trial's tree resolves it; the inner
    /// error says why it cannot be run there. `work` takes everything that is written.
    fn stage(
        &self,
        trial: &Trial,
        reproducer: &Reproducer,
        package: &PackageVersion,
        work: &Path,
    ) -> Result<Result<Staged, String>, VerifyError>;

    /// Writes a project below `root`, an empty directory, that requires exactly one release of a
    /// reproducer's package. It has no lockfile yet: [`Step::Relock`] makes it.
    fn specimen(
        &self,
        reproducer: &Reproducer,
        version: &str,
        root: &Path,
    ) -> Result<Tree, VerifyError>;
}
