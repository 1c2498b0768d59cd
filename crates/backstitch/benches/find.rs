//! `cargo bench -p backstitch --bench find`: how long `backstitch find` and `backstitch db
//! import` take as whole processes, and, where cargo-audit is installed, the ratio to it,
//! run in turn on the same lockfile.
//!
//! The lockfile is generated: 1,250 packages, 20 of them with advisories. Name the
//! advisories to import with `BACKSTITCH_BENCH_ADVISORIES` (files and folders, separated
//! by `:`; the bundled starter set without), cargo-audit with `BACKSTITCH_BENCH_CARGO_AUDIT`
//! and its database, a git checkout, with `BACKSTITCH_BENCH_AUDIT_DB`.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

/// The program under measurement.
const BACKSTITCH: &str = env!("CARGO_BIN_EXE_backstitch");

/// Counted runs of each command, after one that is not counted.
const RUNS: usize = 21;

/// Packages in the generated lockfile.
const PACKAGES: usize = 1250;

/// Crates with advisories, with affected versions: public facts.
const AFFECTED: &[(&str, &str)] = &[
    ("regex", "1.5.4"),
    ("smallvec", "1.6.0"),
    ("tokio", "1.8.1"),
    ("chrono", "0.4.19"),
    ("time", "0.1.43"),
    ("thread_local", "1.1.3"),
    ("crossbeam-deque", "0.8.0"),
    ("crossbeam-epoch", "0.9.5"),
    ("remove_dir_all", "0.5.3"),
    ("idna", "0.2.3"),
    ("nix", "0.20.0"),
    ("openssl-src", "111.15.0+1.1.1k"),
    ("libgit2-sys", "0.12.21+1.1.0"),
    ("users", "0.11.0"),
    ("mio", "0.7.13"),
    ("tracing-subscriber", "0.2.19"),
    ("h2", "0.3.21"),
    ("bytes", "1.5.0"),
    ("shlex", "0.1.1"),
    ("crossbeam-channel", "0.4.3"),
];

fn main() {
    let folder = tempfile::tempdir().expect("make a temporary folder");
    let lockfile = folder.path().join("Cargo.lock");
    fs::write(&lockfile, generated()).expect("write the lockfile");
    import(folder.path());
    let find = |command: &mut Command| {
        command.arg("find").arg(&lockfile);
    };
    let audit = std::env::var_os("BACKSTITCH_BENCH_CARGO_AUDIT").map(PathBuf::from);
    let database = std::env::var_os("BACKSTITCH_BENCH_AUDIT_DB").map(PathBuf::from);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for run in 0..=RUNS {
        let measured = measure(backstitch(folder.path()), find);
        let other = audit
            .as_ref()
            .zip(database.as_ref())
            .map(|(audit, database)| {
                measure(Command::new(audit), |command| {
                    command
                        .args(["audit", "--no-fetch", "--no-yanked", "--db"])
                        .arg(database);
                    command.arg("-f").arg(&lockfile);
                })
            });
        if run > 0 {
            ours.push(measured);
            theirs.extend(other);
        }
    }
    println!("find on {PACKAGES} packages, {RUNS} runs, median (minimum to maximum)");
    println!("  backstitch   {}", summary(&ours));
    if theirs.is_empty() {
        println!("  cargo-audit  not run: BACKSTITCH_BENCH_CARGO_AUDIT or _AUDIT_DB is not set");
        return;
    }
    println!("  cargo-audit  {}", summary(&theirs));
    let wall = |all: &[Measured]| median(all, |one| one.wall).as_secs_f64();
    let cpu = |all: &[Measured]| median(all, |one| one.cpu).as_secs_f64();
    println!(
        "  cargo-audit takes {:.1} times the wall-clock time and {:.1} times the processor time",
        wall(&theirs) / wall(&ours),
        cpu(&theirs) / cpu(&ours)
    );
}

/// One run of a command.
#[derive(Clone, Copy)]
struct Measured {
    wall: Duration,
    cpu: Duration,
    memory_bytes: u64,
}

fn measure(mut command: Command, arguments: impl FnOnce(&mut Command)) -> Measured {
    arguments(&mut command);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let began = Instant::now();
    let child = command.spawn().expect("start the command");
    let used = child.wait4().expect("wait for the command");
    let code = used.status.code();
    assert!(
        matches!(code, Some(0 | 1)),
        "{command:?} ended with {:?}",
        used.status
    );
    Measured {
        wall: began.elapsed(),
        cpu: used.rusage.utime + used.rusage.stime,
        memory_bytes: used.rusage.maxrss,
    }
}

fn backstitch(home: &Path) -> Command {
    let mut command = Command::new(BACKSTITCH);
    command
        .env("BACKSTITCH_HOME", home.join("home"))
        .env("CARGO_HOME", home.join("cargo"));
    command
}

fn import(folder: &Path) {
    let Some(sources) = std::env::var_os("BACKSTITCH_BENCH_ADVISORIES") else {
        println!(
            "import: not run, BACKSTITCH_BENCH_ADVISORIES is not set; the starter set is used"
        );
        return;
    };
    let sources: Vec<_> = std::env::split_paths(&sources).collect();
    let runs: Vec<_> = (0..5)
        .map(|_| {
            measure(backstitch(folder), |command| {
                command.args(["db", "import"]).args(&sources);
            })
        })
        .collect();
    println!(
        "import of {} sources, 5 runs, median (minimum to maximum)",
        sources.len()
    );
    println!("  backstitch   {}", summary(&runs));
}

fn summary(runs: &[Measured]) -> String {
    let ms = |duration: Duration| duration.as_secs_f64() * 1000.0;
    let wall: Vec<_> = runs.iter().map(|run| run.wall).collect();
    let memory = runs.iter().map(|run| run.memory_bytes).max().unwrap_or(0);
    format!(
        "{:.1} ms ({:.1} to {:.1}) wall, {:.1} ms processor, {:.1} MiB at most",
        ms(median(runs, |run| run.wall)),
        ms(wall.iter().copied().min().unwrap_or_default()),
        ms(wall.iter().copied().max().unwrap_or_default()),
        ms(median(runs, |run| run.cpu)),
        f64::from(u32::try_from(memory >> 10).unwrap_or(u32::MAX)) / 1024.0
    )
}

fn median(runs: &[Measured], of: impl Fn(&Measured) -> Duration) -> Duration {
    let mut values: Vec<_> = runs.iter().map(of).collect();
    values.sort();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// A lockfile of the shape cargo writes; the same each time.
fn generated() -> String {
    let mut packages: Vec<(String, String)> = AFFECTED
        .iter()
        .map(|(name, version)| ((*name).to_owned(), (*version).to_owned()))
        .chain((AFFECTED.len()..PACKAGES).map(|number| {
            (
                format!("package-{number:04}"),
                format!("{}.{}.{}", number % 3, number % 31, number % 10),
            )
        }))
        .collect();
    packages.sort();
    let mut text = String::from("version = 4\n\n");
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = ["
    );
    for (name, _) in packages.iter().step_by(30) {
        let _ = writeln!(text, " \"{name}\",");
    }
    text.push_str("]\n");
    for (number, (name, version)) in packages.iter().enumerate() {
        let _ = writeln!(
            text,
            "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n\
             source = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
             checksum = \"{number:064x}\""
        );
        let needed: std::collections::BTreeSet<_> = (1..=number % 7)
            .map(|step| &packages[(number + step * step * 13) % PACKAGES].0)
            .collect();
        if !needed.is_empty() {
            text.push_str("dependencies = [\n");
            for name in needed {
                text.push_str(&format!(" \"{name}\",\n"));
            }
            text.push_str("]\n");
        }
    }
    text
}
