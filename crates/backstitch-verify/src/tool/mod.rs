//! Package managers that are one program each: one implementation for all of them, told apart
//! by a small [description](Tool).
//!
//! | phase | network | what runs |
//! |---|---|---|
//! | fetch | yes | the program with words of ours, in the tree, where none of its settings can name a program; whatever the description refuses is refused beforehand |
//! | run | none | the program and everything of the project's |
//!
//! What was fetched lies in a cache of our own, which the run phase sees and cannot write to.

mod description;
mod go;

mod manager;

pub use description::{Tool, by_hand};
pub use manager::Installed;
