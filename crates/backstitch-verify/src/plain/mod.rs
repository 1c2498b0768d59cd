//! Builds and tests projects that no package manager locks: C and C++ by what builds them, and
//! sources in Python or JavaScript that need nothing but the language.
//!
//! There is nothing to fetch. The tools are the machine's own. A project may be built in its own
//! folder: what building leaves there lies below the files of a changed tree, so that only what
//! changed is built again, where what builds it can tell that.

mod manager;

mod commands;
mod find;
mod languages;
mod tools;
mod upon;

pub use find::{Kind, Nothing, find};
pub use manager::Plain;
pub use tools::Tools;
