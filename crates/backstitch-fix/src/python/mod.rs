//! Plans for Python projects: which pins go where, as edits of the lockfile's own text.
//!
//! Pure, and by the least risk: the lowest release that is free of every advisory and brings no
//! new one, with which everything that is locked still fits; then with packages that require it
//! moving along; breaking only where policy allows. Releases are compared by PEP 440. Read
//! `search` first, then `edit`, which keeps every byte of a lockfile that need not change.

mod plan;

mod obstacle;
mod search;

mod catalogue;
mod locked;
mod rules;
mod version;

mod edit;

pub(crate) use plan::plan;

#[cfg(test)]
mod tests;
