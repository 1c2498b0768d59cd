//! Knows pnpm and yarn: how their projects are fetched and changed, and what their programs need.
//!
//! As with npm, the tool stands in a folder of copies in the fetch phase and runs no script. Of
//! the project's settings only those are in force that name no program, no server and no file
//! (*settings*); a lockfile or manifest that names anything but releases, archives and folders is
//! refused before the tool starts (*origins*). A release is moved by the tool itself: pnpm is told
//! by requirements and overrides that are taken back afterwards, yarn 2 and later by
//! `yarn set resolution`; of yarn 1's lockfile the entry is replaced, and yarn works out the
//! rest. What is installed in the end is what the lockfile says, or nothing is.

mod tool;

mod manager;
mod recipe;
mod refusal;

mod berry;
mod classic;
mod pnpm;

mod copies;
mod origins;
mod settings;
mod yaml;

pub use manager::Installer;
pub use tool::Tool;
