//! Knows uv, Poetry and Pipenv: how each is asked to move a few packages of the lockfile that it
//! wrote. All of it is the fetch phase: the tool runs, and nothing of the project's nor of any
//! source archive does.
//!
//! | tool | how a release is chosen | what keeps it from building |
//! |---|---|---|
//! | uv | `uv lock --upgrade-package NAME==VERSION` | its own `--no-build` |
//! | Poetry | a group of requirements beside the project's own, taken back once it has locked | a launcher of ours that lets it start no program |
//! | Pipenv | everything that is locked is asked for as it is, and of what it writes only what differs is taken over | it is told to take wheels only, and the same launcher |
//!
//! The tool stands in a folder of copies of the manifests and the lockfile. A project that names
//! more than releases of the one index is not given to it (*sources*). Where the tool cannot be
//! used, the text of the lockfile is edited instead, where a recipe has one.

mod tool;

mod commands;
mod kitchen;

mod lock;
mod said;
mod sources;

pub(super) use kitchen::Moved;
pub(super) use tool::Tools;
