//! The ledger: what happened, in the order it happened, so that nobody can change it
//! unnoticed and a killed run can go on.
//!
//! Every event carries the hash of the one before. The tables `runs`, `findings`,
//! `attempts` and `checks` are read from the events alone and can be built again from
//! them; [`Ledger::verify`] does so and compares. The ledger lives in the user's state
//! directory, never in a repository. It stores no verdict: verdicts are computed.

mod chain;
mod event;
mod history;
mod store;
mod tables;

pub use event::{Event, FileText, RunStart};
pub use history::{Applied, History};
pub use store::{Entry, Ledger};
