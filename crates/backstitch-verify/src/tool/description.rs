//! Owns what tells one tool from another. Pure but for asking the user's own program what it
//! is; runs nothing of a project.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use backstitch_model::candidate::Step;
use backstitch_model::{LockFormat, Policy};

use super::{go, maven};
use crate::workbench::{Commands, Tree, VerifyError};

/// What the one implementation has to know of a tool.
#[derive(Debug)]
pub struct Tool {
    /// What people call it.
    pub name: &'static str,
    /// Its program.
    pub program: &'static str,
    /// Asks the user's own program about itself.
    pub(super) ask: fn() -> Result<Found, VerifyError>,
    /// Names its package cache.
    pub(super) cache: &'static str,
    /// Names the layer that builds write to and later ones build upon.
    pub(super) results: &'static str,
    /// Does it stand in the tree while it fetches? Only where nothing of a project can name
    /// something for it to run; else it sees nothing of the tree.
    pub(super) stands_in_tree: bool,
    /// Files of ours that it reads, below its cache.
    pub(super) files: fn(&Found, &Surroundings<'_>) -> Vec<(&'static str, String)>,
    /// Why a tree cannot be fetched or changed, where it cannot. Told before anything starts.
    pub(super) refusal: fn(&Tree, &[Step]) -> Option<String>,
    /// The words that carry out a step; none where a text is all of it.
    pub(super) step: fn(&Step, &Found) -> Vec<Vec<String>>,
    /// The words that bring what the lockfile names.
    pub(super) fetch: &'static [&'static [&'static str]],
    /// Its variables in either phase.
    pub(super) environment: fn(&Found, &Surroundings<'_>) -> Vec<(OsString, OsString)>,
    /// The commands that build and test a project.
    pub(super) commands: fn(&Tree, &Policy) -> Commands,
    /// Words of a log that mean that a server could not be reached.
    pub(super) no_network: &'static [&'static str],
}

/// A tool on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// What it is, for the evidence.
    pub(super) version: String,
    /// Its release alone.
    pub(super) release: String,
    /// The folders with everything of it; jobs see them at their own paths.
    pub(super) homes: Vec<PathBuf>,
    /// The folders of its programs, the tool's own first.
    pub(super) programs: Vec<PathBuf>,
    /// The user's settings about where packages come from, for the fetch phase.
    pub(super) settings: Vec<(OsString, OsString)>,
    /// Folders on this machine that it needs besides, to read.
    pub(super) shown: Vec<PathBuf>,
    /// What it needs to read while it fetches, and no program of a project's may.
    pub(super) shown_fetching: Vec<PathBuf>,
    /// Paths of the user's, by the names that the description itself gives them.
    pub(super) paths: Vec<(&'static str, PathBuf)>,
}

/// What a tool's variables depend on.
pub(super) struct Surroundings<'job> {
    pub(super) phase: Phase,
    /// Where a job sees the package cache.
    pub(super) cache: &'job Path,
    /// Where a job sees what builds write.
    pub(super) results: &'job Path,
    pub(super) offline: bool,
}

/// One of the two phases, which are never one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Fetch,
    Run,
}

impl Tool {
    /// Go.
    pub fn go() -> &'static Self {
        &go::GO
    }

    /// Maven.
    pub fn maven() -> &'static Self {
        &maven::MAVEN
    }
}

/// The commands by which a person does what a recipe leaves to the tool; none where texts are
/// all of it, or where nobody has written down how.
pub fn by_hand(format: LockFormat, recipe: &[Step]) -> Vec<String> {
    let is_lockfile = |step: &Step| match step {
        Step::WriteManifest { path, .. } => format.file_names().contains(&path.file_name()),
        Step::UpdatePackage { .. } | Step::Relock | Step::UpdateEverything => false,
    };
    // The text that is offered says already what the tool would write.
    let is_written = format.has_tool_that_relocks() && recipe.iter().any(is_lockfile);
    let words = |step: &Step| -> Vec<String> {
        match (format, step) {
            (LockFormat::Gemfile, Step::UpdatePackage { package, .. }) => {
                vec![format!(
                    "bundle lock --update {} --conservative",
                    package.name
                )]
            }
            (LockFormat::Composer, Step::UpdatePackage { package, to }) => {
                let to = to.as_ref().map(|to| format!(":{to}")).unwrap_or_default();
                vec![format!(
                    "composer update {}{to} --with-dependencies",
                    package.name
                )]
            }
            (LockFormat::GoMod, step) => {
                let calls = go::step(step).into_iter();
                calls
                    .map(|words| format!("go {}", words.join(" ")))
                    .collect()
            }
            (
                _,
                Step::UpdatePackage {
                    package,
                    to: Some(to),
                },
            ) if !is_written => by_own_tool(format, &package.name, to).into_iter().collect(),
            (_, _) => Vec::new(),
        }
    };
    recipe.iter().flat_map(words).collect()
}

/// The same of Python's tools. Poetry takes the newest release that its requirements admit.
fn by_own_tool(format: LockFormat, name: &str, to: &str) -> Option<String> {
    Some(match format {
        LockFormat::Uv => format!("uv lock --upgrade-package {name}=={to}"),
        LockFormat::Pipenv => format!("pipenv upgrade {name}=={to}"),
        LockFormat::Poetry => format!("poetry update --lock {name}"),
        LockFormat::Cargo
        | LockFormat::Npm
        | LockFormat::Pnpm
        | LockFormat::Yarn
        | LockFormat::Requirements
        | LockFormat::GoMod
        | LockFormat::Gemfile
        | LockFormat::Composer
        | LockFormat::Maven => return None,
    })
}
