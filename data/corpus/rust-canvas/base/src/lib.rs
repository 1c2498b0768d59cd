//! Draws pictures of characters from a few commands.

mod canvas;
mod script;

pub use canvas::{Canvas, Error};
pub use script::run;
