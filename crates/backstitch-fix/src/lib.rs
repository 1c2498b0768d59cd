//! Turns vulnerable dependencies into candidates, least risky first.
//!
//! Pure: reads no file, starts no process, opens no connection. What it knows of
//! releases and advisories comes through the model's two traits, and a fix that needs
//! a tool is returned as a recipe for somebody else to run. It never judges a
//! candidate: whether one works is `backstitch-verify`'s business.

mod plan;

pub use plan::{Plan, Planner};
