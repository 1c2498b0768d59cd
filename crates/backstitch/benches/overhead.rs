//! `cargo bench -p backstitch --bench overhead`: what the loop itself costs on the demo,
//! over the project's own builds and tests. Needs the network for the example's packages.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::time::Instant;

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
    let project_ms = project_ms(&run);
    println!(
        "the demo took {:.1} s, of it {:.1} s in builds and tests",
        wall_ms / 1000.0,
        project_ms / 1000.0
    );
    println!(
        "everything else: {:.1} % of the whole",
        100.0 * (wall_ms - project_ms) / wall_ms
    );
}

/// The time of every build and test, each counted once.
fn project_ms(run: &Value) -> f64 {
    let mut logs = BTreeMap::new();
    let empty = Vec::new();
    let list = |value: &Value| value.as_array().unwrap_or(&empty).clone();
    let baselines = list(&run["baselines"])
        .into_iter()
        .flat_map(|baseline| list(&baseline["checks"]));
    let attempts = list(&run["findings"])
        .into_iter()
        .flat_map(|finding| list(&finding["attempts"]))
        .flat_map(|attempt| list(&attempt["after"]));
    for check in baselines.chain(attempts) {
        if let (Some(log), Some(elapsed)) = (check["log"].as_str(), check["elapsed_ms"].as_f64()) {
            logs.insert(log.to_owned(), elapsed);
        }
    }
    logs.values().sum()
}
