//! Package managers that are one program each: one implementation for all of them, told apart
//! by a small [description](Tool).
//!
//! | phase | network | what runs |
//! |---|---|---|
//! | fetch | yes | the program with words of ours: in the tree, where nothing in it can name a program to run; else in an empty folder, where it sees nothing of the tree |
//! | run | none | the program and everything of the project's |
//!
//! What was fetched lies in a cache of our own, which the run phase sees and cannot write to.

mod description;
mod go;
mod maven;

mod manager;

pub use description::{Tool, by_hand};
pub use manager::Installed;
