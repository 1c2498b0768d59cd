//! Logdesk sorts log lines by a rulebook and says which of them need a person.
//!
//! Reading order: [`rules`] (what to look for), [`scan`] (which lines match), [`report`] (what
//! is said about them). Nothing here prints or exits: that is left to the binary.

pub mod report;
pub mod rules;
pub mod scan;
