//! Reads log lines such as `2024-05-01 12:30:00 WARN disk: nearly full`.

use std::fmt;

/// How urgent a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// One line, in parts.
#[derive(Debug, PartialEq, Eq)]
pub struct Line<'a> {
    pub date: &'a str,
    pub time: &'a str,
    pub level: Level,
    pub source: &'a str,
    pub message: &'a str,
}

/// Why a line could not be read.
#[derive(Debug, PartialEq, Eq)]
pub enum Problem {
    TooShort,
    BadDate,
    BadLevel,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Problem::TooShort => "too short",
            Problem::BadDate => "no date",
            Problem::BadLevel => "no level",
        })
    }
}

const STAMP_LEN: usize = 19;

fn level(word: &str) -> Option<Level> {
    match word {
        "DEBUG" => Some(Level::Debug),
        "INFO" => Some(Level::Info),
        "WARN" => Some(Level::Warn),
        "ERROR" => Some(Level::Error),
        _ => None,
    }
}

fn is_date(text: &str) -> bool {
    text.split('-').count() == 3 && text.chars().all(|c| c.is_ascii_digit() || c == '-')
}

/// Takes a line apart.
pub fn parse(line: &str) -> Result<Line<'_>, Problem> {
    if line.len() <= STAMP_LEN {
        return Err(Problem::TooShort);
    }
    let stamp = &line[..STAMP_LEN];
    let rest = line[STAMP_LEN..].trim_start();
    let (date, time) = stamp.split_once(' ').ok_or(Problem::BadDate)?;
    if !is_date(date) {
        return Err(Problem::BadDate);
    }
    let (word, rest) = rest.split_once(' ').ok_or(Problem::BadLevel)?;
    let level = level(word).ok_or(Problem::BadLevel)?;
    let (source, message) = rest.split_once(": ").unwrap_or(("", rest));
    Ok(Line { date, time, level, source, message })
}

/// How many lines there are of each level, and how many that are no log lines.
pub fn count(text: &str) -> ([usize; 4], usize) {
    let (mut counts, mut others) = ([0; 4], 0);
    for line in text.lines() {
        match parse(line) {
            Ok(line) => counts[line.level as usize] += 1,
            Err(_) => others += 1,
        }
    }
    (counts, others)
}
