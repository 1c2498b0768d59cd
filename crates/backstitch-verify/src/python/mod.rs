//! Knows Python: how projects with requirements files or with lockfiles of Poetry, uv and Pipenv
//! are fetched and changed, and what their programs need.
//!
//! | phase | network | what runs |
//! |---|---|---|
//! | fetch | yes | the user's pip, as a downloader of wheels; a script of ours that downloads source archives and reads what they need to be built; uv, Poetry or Pipenv, which move releases in the lockfile that it wrote (*own*) |
//! | run | none | pip, which installs into a virtual environment and builds source archives there; then everything of the project's |
//!
//! In the fetch phase nothing of the project's and nothing of any source archive runs: pip is told
//! to take wheels only, is kept from building, and gets no requirement but names and versions; so
//! are the others. The virtual environment is the layer that attempts build upon, at one fixed
//! path, so that what is installed in it finds itself again.

mod interpreter;

mod pins;
mod pyproject;
mod requirement;

mod commands;
mod conditions;
mod facts;
mod manager;
mod own;
mod recipe;
mod reproducer;
mod resolve;
mod scripts;

pub use interpreter::Interpreter;
pub use manager::Python;
pub use requirement::is_plain as is_requirement;
pub use resolve::Answer;
