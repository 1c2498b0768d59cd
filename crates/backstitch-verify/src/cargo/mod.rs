//! How a Rust project is fetched, changed, built and tested inside the [sandbox](crate::sandbox).
//!
//! Two phases, and nothing is both:
//!
//! | phase | network | what runs | what is writable |
//! |---|---|---|---|
//! | fetch | yes | cargo and rustc of the user's toolchain, nothing of the project's | the tree, the package cache |
//! | run | none | everything: build scripts, macros, tests | layers over the tree and over the build's results |
//!
//! In the fetch phase cargo stands outside the tree, so none of the project's own settings is in
//! force (they can name programs to run); a harmless part of them is passed on, see `settings.rs`.
//! In the run phase the tree and the baseline's build results are seen through an overlay: what
//! the project's programs write is thrown away, and never becomes part of a fix.
//!
//! Refusals by cargo and failing tests are data. A [`CargoError`] means that the job could not
//! be done. Nothing here decides whether a fix is good.
//!
//! What cannot be kept out: a test prints its own result, so a hostile dependency that knows the
//! test runner can forge one; the report only notices where counts disagree. And build results
//! of the baseline are reused for an attempt, so the baseline's build scripts can plant some for
//! it; [`Start::Clean`] builds without them. A project's lockfile names the servers that
//! the fetch phase talks to, the machine's own loopback services included.

mod error;
mod settings;
mod toolchain;

mod header;
mod libtest;
mod lines;
mod nextest;

mod files;
mod places;
mod trial;

mod commands;
mod progress;
mod session;

mod baseline;
mod recipe;
mod regress;
mod tested;
mod testing;

pub use baseline::{Attempt, Baseline, SavedBaseline, Start};
pub use error::CargoError;
pub use progress::Progress;
pub use recipe::{Applied, Cause, Refusal};
pub use session::{Cargo, Setup, Tree};
pub use settings::User;
pub use toolchain::Toolchain;
