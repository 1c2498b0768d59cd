//! Turns vulnerable dependencies into candidates, least risky first.
//!
//! Pure: reads no file, starts no process, opens no connection. What it knows of
//! releases and advisories comes through the model's two traits, and a fix that needs
//! a tool is returned as a recipe for somebody else to run. It never judges a
//! candidate: whether one works is `backstitch-verify`'s business.
//!
//! Read in this order: a *plan* is made package by package; each package has a *goal*;
//! a *search* goes from *state* to state, one *repair* after another, within *rules*;
//! a solution becomes a *recipe*; where there is none, an *obstacle* says why.

mod plan;
mod python;

mod package_plan;

mod goal;
mod search;

mod repair;
mod resolution;
mod rules;
mod state;

mod full_update;
mod obstacle;
mod recipe;
mod settle;

mod npm;

mod listing;

mod catalogue;
mod declaration;
mod feature;
mod locked;
mod requirement;
mod version;

pub use plan::{Plan, Planner};
