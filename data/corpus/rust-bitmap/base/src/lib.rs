//! Sets of small numbers.

mod bits;
mod commands;

pub use bits::Bits;
pub use commands::run;
