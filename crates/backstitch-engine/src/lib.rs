//! Asks a model, or a program of the user's, for a fix. Takes text and returns text.
//!
//! An engine proposes and decides nothing: what it says is data, and the ladder judges it like
//! any other change. This crate opens no file, starts no process, and reads no variable; what
//! an engine is told has gone through the redaction of [`redact`] by its type, [`SafeBrief`].

pub mod brief;
pub mod redact;

pub mod proposal;

pub mod engine;
pub mod outcome;

pub mod budget;
pub mod chain;

pub mod acp;
mod answer;
pub mod anthropic;
pub mod command;
pub mod openai;

pub mod egress;
mod events;
mod exchange;
pub mod record;
pub mod transport;
pub mod wire;

pub use brief::{Brief, SafeBrief};
pub use budget::{Budget, Limits, Money, Spend};
pub use chain::Chain;
pub use egress::Egress;
pub use engine::{Answer, Engine};
pub use outcome::Outcome;
pub use proposal::{Edit, Proposal};
pub use redact::Redactor;
