//! Knows npm: how its projects are fetched and changed, and what their programs need.
//!
//! In the fetch phase npm stands in a folder that holds copies of the project's manifests and
//! lockfile and nothing else of it: no `.npmrc` of the project's is in force, and no script of
//! anybody's runs. A project that names a git source is refused before npm starts, and npm is
//! given no git program. What is installed there is laid over the project's files in the run phase.
//! The lockfile is edited entry by entry; npm itself is asked only where packages come or go,
//! and of its answer only what differs is taken over. Refusals by npm are data.

mod toolchain;
mod user;

mod manager;
mod recipe;
mod skeleton;
mod sources;

mod facts;
mod installed;
mod json;
mod lock;

pub(crate) mod scripts;

mod reproducer;

pub mod others;

pub use manager::Npm;
pub use toolchain::Node;
pub use user::User;
