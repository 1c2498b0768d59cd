use crate::Bits;
use std::fmt::Write;

const LINES_MAX: usize = 10_000;

/// Runs `add N`, `has N`, `remove N`, `list` and `count`, one a line; gives the answers.
pub fn run(commands: &str) -> String {
    let mut bits = Bits::new();
    let mut out = String::new();
    for line in commands.lines().take(LINES_MAX) {
        let (command, number) = line.split_once(' ').unwrap_or((line, ""));
        let number = number.trim().parse::<usize>();
        let answer = match (command, number) {
            ("add", Ok(number)) => bits.add(number).to_string(),
            ("has", Ok(number)) => bits.has(number).to_string(),
            ("remove", Ok(number)) => bits.remove(number).to_string(),
            ("list", _) => bits.iter().map(|n| n.to_string()).collect::<Vec<_>>().join(" "),
            ("count", _) => bits.count().to_string(),
            _ => "?".to_owned(),
        };
        let _ = writeln!(out, "{answer}");
    }
    out
}
