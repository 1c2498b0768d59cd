//! The command line: reads files, prints results. Everything else is in the library.

use std::path::Path;
use std::process::ExitCode;

use logdesk::rules::Rulebook;
use logdesk::{report, scan};

const USAGE: &str = "usage: logdesk rules RULEBOOK
       logdesk report RULEBOOK LOG [FILE]
       logdesk handoff RULEBOOK LOG";

/// The number of threads that scan a log.
const WORKERS: usize = 4;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words[..] {
        ["rules", book] => read_book(book).map(|book| print!("{}", book.dump())),
        ["report", book, log] => report_text(book, log).map(|text| print!("{text}")),
        ["report", book, log, file] => report_text(book, log).and_then(|text| {
            report::save(Path::new(file), &text)
                .map_err(|error| format!("write report `{file}`: {error}"))
        }),
        ["handoff", book, log] => handoff(book, log),
        _ => Err(USAGE.to_string()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

fn read(path: &str) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("read `{path}`: {error}"))
}

/// Reads a rulebook; lines that cannot be understood are told and skipped.
fn read_book(path: &str) -> Result<Rulebook, String> {
    let (book, problems) = Rulebook::parse(&read(path)?);
    for problem in problems {
        eprintln!("rulebook `{path}`: {problem}");
    }
    Ok(book)
}

fn report_text(book: &str, log: &str) -> Result<String, String> {
    let book = read_book(book)?;
    let log = read(log)?;
    let lines: Vec<&str> = log.lines().collect();
    Ok(report::render(
        &book,
        &scan::scan(&book, &lines, WORKERS),
        &report::author(),
    ))
}

/// Prints the commands that the rules ask for, in the log's order, for a person to run.
fn handoff(book: &str, log: &str) -> Result<(), String> {
    let book = read_book(book)?;
    for line in read(log)?.lines() {
        let rule = book.first_match(line).map(|index| &book.rules[index]);
        if let Some(command) = rule.and_then(|rule| rule.command_for(line)) {
            println!("{command}");
        }
    }
    Ok(())
}
