//! Knows cargo: how Rust projects are fetched and changed, and what their programs need.
//!
//! In the fetch phase cargo stands outside the tree, so none of the project's own settings is in
//! force; a harmless part of them is passed on, see `settings.rs`. The fetch phase of one tree can
//! go on beside the run phase of another, see `beside.rs`. Refusals by cargo are data.

mod toolchain;

mod settings;

mod commands;
mod facts;
mod manager;
mod recipe;
mod reproducer;

pub use manager::Cargo;
pub use settings::User;
pub use toolchain::Toolchain;
