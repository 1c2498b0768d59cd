//! The program: reads the command line, does what it asks, and ends with an exit code.
//!
//! `pipeline` is the loop; `steps` are what the loop is made of; `commands` are what a
//! user can ask for; `report` is the only module that prints.

mod cli;
mod commands;
mod exit;

mod judge;
mod mcp;
mod mend;
mod pipeline;
mod steps;
mod story;

mod advisories;
mod bench;
mod deliver;
mod engines;
mod ledger;
mod managers;
mod network;
mod places;
mod private;
mod proof;
mod registries;
mod registry;
mod report;
mod reproducers;
mod settings;
mod source;

mod failpoint;
mod pack;
mod wire;

use std::process::ExitCode;

use clap::Parser;

use crate::exit::Exit;

fn main() -> ExitCode {
    // The sandbox starts this program again as the first process inside.
    backstitch_verify::sandbox::enter_if_asked();
    let exit = match cli::Cli::try_parse() {
        Ok(cli) => commands::execute(cli).unwrap_or_else(|error| {
            report::say(&report::escape(&format!("error: {error:#}")));
            Exit::CouldNot
        }),
        Err(error) => {
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::NothingLeft
            };
            // Where the terminal is gone there is nobody left to tell.
            let _ = error.print();
            exit
        }
    };
    exit.into()
}
