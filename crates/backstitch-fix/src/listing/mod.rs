//! Plans for the projects of Go, Bundler, Composer and Maven.
//!
//! Pure, and plain: no catalogue of their releases is read, so what can be chosen from is what
//! advisories call fixed. The lowest of those that is free of every known advisory is written
//! where the old version stands, or asked for from the tool; what must move along is the tool's
//! to find out. Whether it can is shown by running it and not known here.

mod plan;

mod obstacle;
mod range;
mod version;

pub(crate) use plan::plan;

#[cfg(test)]
mod tests;
