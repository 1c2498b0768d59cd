//! One module a command: arguments in, exit code out.

mod ask;
mod bench;
mod db;
mod demo;
pub mod engines;
pub mod explain;
pub mod find;
mod init;
pub mod ledger;
mod mcp;
mod reproducer;
pub mod run;
mod shown;
mod test;

use anyhow::Result;

use crate::cli::{Cli, Command};
use crate::exit::Exit;

/// Does what the command line asks for.
pub fn execute(cli: Cli) -> Result<Exit> {
    match cli.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Test(arguments) => test::test(&arguments),
        Command::Find(arguments) => find::find(&arguments),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::Db(command) => db::db(command),
        Command::Reproducer(command) => reproducer::reproducer(&command),
        Command::Engines(arguments) => engines::engines(&arguments),
        Command::Bench(arguments) => bench::bench(&arguments),
        Command::Ledger(command) => ledger::ledger(&command),
        Command::Mcp(arguments) => mcp::mcp(arguments),
        Command::Demo(arguments) => demo::demo(&arguments),
        Command::Init { path } => init::init(&path),
    }
}
