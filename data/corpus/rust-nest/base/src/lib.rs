//! Works out sums such as `2 * (3 + -4)`.

mod parse;

pub use parse::{evaluate, Problem};
