//! Fixtures for tests: projects in one string, registries in a few lines and on disk.
//!
//! Development only: no crate depends on it but in its tests. Bad fixture text is a
//! broken test, so it panics with what is wrong instead of returning errors.

mod disk_registry;
mod files;
mod findings;
mod node_project;
mod project;
mod registry;

pub use disk_registry::{DiskRegistry, Package};
pub use files::Files;
pub use findings::findings;
pub use node_project::node_project;
pub use project::project;
pub use registry::{Registry, days};
