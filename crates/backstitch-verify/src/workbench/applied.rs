//! How the carrying out of a recipe ended. Pure data.

use backstitch_model::candidate::Step;

/// How a recipe, or a fetch alone, ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// Everything was done; what a reader should know, each in a sentence.
    Done(Vec<String>),
    /// A step was refused; the ones before it were done.
    Refused(Refusal),
}

/// Why a step could not be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The step; `None` for the fetch of packages.
    pub step: Option<Step>,
    /// What kind of reason it is.
    pub cause: Cause,
    /// In the package manager's words where it was the package manager.
    pub message: String,
}

/// What kind of reason a refusal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The package manager found it impossible.
    Manager,
    /// A server could not be reached.
    Network,
    /// It passed its limits.
    Limit,
    /// A manifest is no plain file inside the tree.
    Manifest,
}
