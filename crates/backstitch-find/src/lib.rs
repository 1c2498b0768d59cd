//! Finds a project's known-vulnerable dependencies: project and advisories in, findings out.
//!
//! Reads files; executes nothing, connects to nothing, prints nothing. Everything read is
//! hostile: it is bounded, a symbolic link leads nowhere, and what is broken becomes a
//! problem in words beside what could be read.
//!
//! Read in the order below. `import` turns databases into records, `index` makes one file
//! of them that opens without parsing. `project` finds lockfiles and manifests, `lockfile`
//! reads the graph. `matching`, with the model's `version` and `names`, says what an advisory affects;
//! `group` merges records of the same problem; `findings` puts it together, and `reach`
//! says how each got into the project and whether it is built.

#![expect(
    clippy::doc_markdown,
    reason = "RustSec, SemVer and RubyGems are names and no code"
)]

pub mod import;
pub mod index;

pub mod lockfile;
mod npm;
pub mod project;

pub mod matching;
pub mod python;

mod findings;
mod group;
mod known;
mod reach;
mod severity;
#[cfg(test)]
mod testing;

pub use backstitch_model::{names, version};
pub use cap_std::fs::Dir;

pub use findings::{Scan, Surroundings, findings, yanked};
pub use index::{About, Index, IndexError, Provenance};
pub use known::Known;
pub use project::{Discovery, projects};
pub use reach::Platform;
