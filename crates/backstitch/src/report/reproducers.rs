//! The list of reproducers, for people and for machines.

use serde::Serialize;

use super::escape;
use super::terminal::table;
use crate::wire;

/// What `reproducer list --format json` prints.
#[derive(Debug, Serialize)]
pub struct Reproducers {
    format: u32,
    reproducers: Vec<wire::Reproducer>,
}

impl Reproducers {
    /// Puts the format's version before them.
    pub fn new(reproducers: Vec<wire::Reproducer>) -> Self {
        Self {
            format: wire::FORMAT_VERSION,
            reproducers,
        }
    }
}

/// Lists reproducers for people.
pub fn list(reproducers: &[wire::Reproducer]) -> String {
    let mut table = table(&["Reproducer", "Package", "Shows", "Red, green", "Whose"]);
    for reproducer in reproducers {
        let seen = match (&reproducer.vulnerable, &reproducer.fixed) {
            (Some(vulnerable), Some(fixed)) => format!("{vulnerable}, {fixed}"),
            _ => "not stated".into(),
        };
        table.add_row([
            escape(&format!(
                "{}\n{}",
                reproducer.name,
                reproducer.advisories.join(" ")
            )),
            escape(&format!("{} {}", reproducer.ecosystem, reproducer.package)),
            escape(&reproducer.shows),
            escape(&seen),
            escape(&reproducer.origin),
        ]);
    }
    format!("{}{} reproducers\n", table.text(), reproducers.len())
}
