//! A candidate: a fix that nobody has proven yet, or the reason why there is none.

use std::fmt;

use crate::finding::FindingId;
use crate::lock::LockFormat;
use crate::package::PackageVersion;
use crate::path::RelPath;
use crate::policy::Bump;

/// An unproven fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The findings it is meant to settle.
    pub settles: Vec<FindingId>,
    /// What it does.
    pub change: Change,
    /// May it be delivered without a human's decision?
    pub applicability: Applicability,
    /// Who proposed it.
    pub origin: Origin,
}

/// What a candidate does to the tree. Later kinds are variants of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Packages move to later versions.
    Upgrade(Upgrade),
}

/// Packages moving to later versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// The lockfile that changes.
    pub lockfile: RelPath,
    /// How it is done; orders candidates by risk.
    pub strategy: Strategy,
    /// The moves that were planned, in the order in which they free one another.
    pub moves: Vec<Move>,
    /// Requirements rewritten in manifests.
    pub edits: Vec<RequirementEdit>,
    /// What to run to get there.
    pub recipe: Vec<Step>,
    /// How the project's own code is adapted to what moves, by an engine; none in the planner's.
    pub rewrites: Vec<SourceEdit>,
}

/// Replaces a text that stands in a file of the project exactly once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceEdit {
    /// The file.
    pub path: RelPath,
    /// What stands there.
    pub search: String,
    /// What is to stand there.
    pub replace: String,
}

/// How an upgrade is done, least risky first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strategy {
    /// The lockfile alone: the package itself, with what must move along.
    Lockfile,
    /// The lockfile alone: a package that requires it moves and so frees or drops it.
    Parent,
    /// A requirement in a manifest is raised, compatibly.
    Requirement,
    /// The root's manifest says over the heads of those who ask what they get: `overrides` of
    /// npm, `resolutions` of yarn.
    Override,
    /// A requirement in a manifest is raised to a breaking release.
    Breaking,
    /// The lockfile alone, every package to its newest compatible release: the last resort.
    Everything,
}

/// One package moving from one version to another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Move {
    /// The package at the version it has.
    pub package: PackageVersion,
    /// The version it goes to.
    pub to: String,
    /// How large the step is.
    pub bump: Bump,
}

/// A requirement rewritten in a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequirementEdit {
    /// The manifest.
    pub manifest: RelPath,
    /// The name of the dependency there; for an override the names that lead to it, with ` > `
    /// between them.
    pub key: String,
    /// The requirement as it is; empty where there is none yet.
    pub from: String,
    /// The requirement as it will be.
    pub to: String,
}

/// One step of a recipe; each is a pure text edit or one call of a package manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Replace a manifest's text.
    WriteManifest {
        /// The manifest.
        path: RelPath,
        /// Its whole new text.
        text: String,
    },
    /// Let the package manager move one package: to `to`, or as far as it goes.
    UpdatePackage {
        /// The package at the version it has.
        package: PackageVersion,
        /// The exact version wanted.
        to: Option<String>,
    },
    /// Let the package manager bring the lockfile in line with changed manifests,
    /// moving nothing else.
    Relock,
    /// Let the package manager move everything as far as it goes.
    UpdateEverything,
}

/// May a candidate be delivered without a human's decision?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applicability {
    /// It may, once it is proven.
    Automatic,
    /// Policy asks for a decision; why.
    NeedsHuman(String),
}

/// Who proposed a candidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Backstitch's own planner.
    Planner,
    /// An engine of the user's: a model, or a program.
    Engine {
        /// Its name in the settings.
        name: String,
        /// What it says of its change. It is shown, and proves nothing.
        words: String,
    },
}

impl Upgrade {
    /// Can only the tool that wrote the lockfile carry it out? Such an upgrade names packages to
    /// that tool, and has no text for the lockfile itself.
    pub fn is_for_its_tool_alone(&self) -> bool {
        let is_asked = |step: &Step| matches!(step, Step::UpdatePackage { .. });
        let is_lockfile = |step: &Step| matches!(step, Step::WriteManifest { path, .. } if *path == self.lockfile);
        let has_tool =
            LockFormat::of(&self.lockfile).is_some_and(LockFormat::has_tool_that_relocks);
        has_tool && self.recipe.iter().any(is_asked) && !self.recipe.iter().any(is_lockfile)
    }
}

impl Candidate {
    /// The engine that proposed it, where one did.
    pub fn engine(&self) -> Option<&str> {
        match &self.origin {
            Origin::Planner => None,
            Origin::Engine { name, .. } => Some(name),
        }
    }
}

/// Why no candidate is left for a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// No release is free of the advisories.
    NoFixedRelease,
    /// Something requires an affected version.
    Held {
        /// Who, and by which requirement.
        holders: Vec<Holder>,
        /// What would free it, in plain words.
        freed_by: String,
    },
    /// Policy forbids the only way; which rule, and what it would allow.
    Policy(String),
    /// The planner lacks something it must know.
    Unknown(String),
    /// There is a way that nobody could try: a candidate is offered as it is, unproven.
    Unproven {
        /// What it does, in words.
        offered: String,
        /// Why it was not tried.
        why: String,
    },
}

/// A package that keeps another at an affected version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The package that requires.
    pub package: PackageVersion,
    /// What it requires.
    pub requirement: String,
}

impl fmt::Display for Strategy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Lockfile => "lockfile",
            Self::Parent => "parent upgrade",
            Self::Requirement => "requirement",
            Self::Override => "override",
            Self::Breaking => "breaking upgrade",
            Self::Everything => "full update",
        })
    }
}

impl fmt::Display for Move {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} {} → {}",
            self.package.name, self.package.version, self.to
        )
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFixedRelease => formatter.write_str("no release is free of the advisory"),
            Self::Held { holders, freed_by } => {
                formatter.write_str("held by ")?;
                for (index, holder) in holders.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(
                        formatter,
                        "{comma}{} (`{}`)",
                        holder.package, holder.requirement
                    )?;
                }
                write!(formatter, "; {freed_by}")
            }
            Self::Policy(rule) => write!(formatter, "policy: {rule}"),
            Self::Unknown(why) => formatter.write_str(why),
            Self::Unproven { offered, why } => {
                write!(formatter, "offered, unproven: {offered}; {why}")
            }
        }
    }
}
