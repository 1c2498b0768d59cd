//! Runs a project's own commands and tells what happened. Everything that starts a process goes
//! through [`sandbox`], but for asking the user's own tools what they are; nothing here decides
//! what a result means for a fix.

pub mod sandbox;

pub mod compare;
pub mod scope;

pub mod workbench;

pub mod cargo;
pub mod npm;
pub mod plain;
pub mod python;
pub mod tool;

mod host;

mod runner;
