//! Runs a project's own commands and tells what happened. Everything that starts a process goes
//! through [`sandbox`]; nothing here decides what a result means for a fix.

pub mod sandbox;

pub mod cargo;
pub mod scope;
