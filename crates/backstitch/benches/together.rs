//! Measures what testing fixes together saves: a generated project with 32 vulnerable packages,
//! of which none, one, two or four have a fix that breaks a test; together, and one by one.
//!
//! `cargo bench -p backstitch --bench together`, with `-- 8` for another number of packages, `-- 32
//! 4` for one number of bad ones, and `silent` for tests of which neither the name nor the output
//! tells what they are about. The test suite of the project takes two seconds, so that its runs are
//! what counts, as they do in real projects. Prints how often the tests ran, that of what is delivered included, the time by
//! the clock, and whether both ways came to the same verdicts; ends with an error where they did
//! not.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints its figures, and what goes wrong in it should stop it"
)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use common::{World, manifest};

/// How long the project's tests take.
const TESTS_S: u64 = 2;

/// The longest that one run of the program may take.
const PATIENCE: Duration = Duration::from_secs(3600);

fn main() {
    let mut numbers = std::env::args().filter_map(|word| word.parse().ok());
    let count: usize = numbers.next().unwrap_or(32);
    let bads = numbers.next().map_or(vec![0, 1, 2, 4], |bad| vec![bad]);
    let silent = std::env::args().any(|word| word == "silent");
    let tests = if silent { "silent tests" } else { "tests" };
    println!("{count} vulnerable packages, {tests} of {TESTS_S} s");
    println!("bad  | together: runs  time | one by one: runs  time | times as fast | verdicts");
    let mut same = true;
    for bad in bads {
        let together = measure(count, bad, 64, silent);
        let single = measure(count, bad, 1, silent);
        let equal = together.verdicts == single.verdicts;
        same &= equal;
        println!(
            "{bad:4} | {:14}  {:4.0} s | {:16}  {:4.0} s | {:13.1} | {}",
            together.runs,
            together.elapsed.as_secs_f64(),
            single.runs,
            single.elapsed.as_secs_f64(),
            single.elapsed.as_secs_f64() / together.elapsed.as_secs_f64(),
            if equal { "the same" } else { "DIFFERENT" }
        );
    }
    assert!(same, "the two ways came to different verdicts");
}

struct Measured {
    runs: usize,
    elapsed: Duration,
    verdicts: BTreeMap<String, String>,
}

fn measure(count: usize, bad: usize, together_max: usize, silent: bool) -> Measured {
    let mut world = World::sandboxed().expect("the sandbox is needed");
    world.patience = PATIENCE;
    project(&world, count, bad, together_max, silent);
    let began = Instant::now();
    let exit = i32::from(bad > 0);
    let run = world.repair(&[], exit);
    let elapsed = began.elapsed();
    let events = world.events();
    let tested = events.iter().filter(|event| {
        let check = &event["run"]["check"];
        event["event"] == "checked" && (check == "Regress" || event["run_check"] == "Regress")
    });
    let verdict = |package: &str| {
        let attempts = run.attempts(package);
        attempts.last().map(|(_, verdict)| verdict.clone())
    };
    let names = (0..count).map(name);
    Measured {
        runs: tested.count(),
        elapsed,
        verdicts: names
            .map(|name| (name.clone(), verdict(&name).unwrap_or_default()))
            .collect(),
    }
}

fn name(number: usize) -> String {
    format!("part-{number:02}")
}

/// Is the fix of this one bad? They are spread over all.
fn is_bad(number: usize, count: usize, bad: usize) -> bool {
    bad > 0 && number % (count / bad) == count / bad / 2
}

fn project(world: &World, count: usize, bad: usize, together_max: usize, silent: bool) {
    let answer = |answer: u32| format!("pub fn answer() -> u32 {{ {answer} }}\n");
    let (mut requirements, mut tests) = (String::new(), String::new());
    for number in 0..count {
        let name = name(number);
        world.publish(&name, "1.0.0", &answer(1));
        let _ = writeln!(requirements, "{name} = \"1\"");
        let path = name.replace('-', "_");
        let test = if silent {
            format!("test_{number}")
        } else {
            format!("{path}_answers")
        };
        let _ = writeln!(
            tests,
            "#[test]\nfn {test}() {{ assert_eq!({path}::answer(), 1) }}"
        );
        world.advise(&format!("RUSTSEC-2030-{number:04}"), &name, Some("1.0.1"));
    }
    let _ = writeln!(
        tests,
        "#[test]\nfn takes_its_time() {{ std::thread::sleep(std::time::Duration::from_secs({TESTS_S})) }}"
    );
    let manifest = manifest(&requirements);
    world.write(&format!(
        "--- Cargo.toml\n{manifest}--- src/lib.rs\n{tests}\
         --- backstitch.toml\n[policy]\ntogether_max = {together_max}\n"
    ));
    world.lock();
    for number in 0..count {
        let broken = u32::from(is_bad(number, count, bad));
        world.publish(&name(number), "1.0.1", &answer(1 + broken));
    }
    world.import();
    world.commit();
}
