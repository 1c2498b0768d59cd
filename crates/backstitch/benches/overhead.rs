//! `cargo bench -p backstitch --bench overhead`: what the loop itself costs on the demo, over the
//! checks of the project. These are its builds and tests, those of what is delivered included, and
//! the reproducers' runs with their own builds. All else counts as the loop's: reading, planning,
//! fetching, applying, comparing, writing down and tidying up. Needs the network for the example's
//! packages; let it fetch them once before a figure is believed.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use rusqlite::Connection;
use serde_json::Value;

fn main() {
    let began = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_backstitch"))
        .args(["demo", "--format", "json"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .expect("start the demo");
    let wall_ms = began.elapsed().as_secs_f64() * 1000.0;
    let Ok(run) = serde_json::from_slice::<Value>(&output.stdout) else {
        println!(
            "overhead: not run, the demo ended with {}; is the network there?",
            output.status
        );
        return;
    };
    let checks_ms = checks_ms(&run).expect("read the demo's ledger");
    println!(
        "the demo took {:.1} s, of it {:.1} s in builds, tests and reproducers",
        wall_ms / 1000.0,
        checks_ms / 1000.0
    );
    println!(
        "everything else: {:.1} % of the whole",
        100.0 * (wall_ms - checks_ms) / wall_ms
    );
}

/// The time of every build, test and reproducer that the run's ledger tells of.
fn checks_ms(run: &Value) -> Result<f64, Box<dyn Error>> {
    let project = run["project"].as_str().ok_or("no project")?;
    let folder = Path::new(project).parent().ok_or("no folder")?;
    let ledger = Connection::open(folder.join("state/ledger/ledger.sqlite"))?;
    let mut events = ledger.prepare("SELECT body FROM events ORDER BY sequence")?;
    let bodies = events.query_map([], |row| row.get::<_, String>(0))?;
    let mut checks = BTreeMap::new();
    for (sequence, body) in bodies.enumerate() {
        let event: Value = serde_json::from_str(&body?)?;
        let elapsed = |run: &Value| run["elapsed_ms"].as_f64().unwrap_or(0.0);
        match event["event"].as_str() {
            // It is written again once the tests were run.
            Some("baseline") => {
                let all = event["checks"].as_array().into_iter().flatten();
                checks.insert(event["lockfile"].to_string(), all.map(elapsed).sum());
            }
            Some("checked") if event["run"]["log"].is_string() => {
                checks.insert(sequence.to_string(), elapsed(&event["run"]));
            }
            Some("reproduced") => {
                checks.insert(sequence.to_string(), elapsed(&event["reproduction"]));
            }
            _ => {}
        }
    }
    Ok(checks.values().sum())
}
