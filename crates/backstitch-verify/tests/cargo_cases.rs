//! Real projects, by hand: `BACKSTITCH_CASE=<a copy of a checkout> cargo test -p
//! backstitch-verify --test cargo_cases -- --ignored --nocapture`. Needs the network.
//! `BACKSTITCH_CACHE` keeps the packages between runs. `BACKSTITCH_CHANGED` is a second copy
//! and `BACKSTITCH_STEPS` what to do to it: `name@version` or `name@version=to`, or `all`,
//! parted by commas.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a tool to look at, in the shape of a test"
)]

mod cargo_bench;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use backstitch_model::RelPath;
use backstitch_model::candidate::Step;
use backstitch_model::package::{Ecosystem, PackageVersion};
use backstitch_model::tests::TestOutcome;
use backstitch_verify::cargo::User;
use backstitch_verify::workbench::{Start, Tree};
use cargo_bench::Bench;

#[test]
#[ignore = "needs a checkout and the network"]
fn a_real_project_is_fetched_built_and_tested_twice() {
    let Some(root) = std::env::var_os("BACKSTITCH_CASE").map(PathBuf::from) else {
        return;
    };
    let cache = std::env::var_os("BACKSTITCH_CACHE").map(PathBuf::from);
    let Some(bench) = Bench::with_all(|setup, _, user| {
        *user = User::from_environment();
        setup.progress = Arc::new(|_| {});
        if let Some(cache) = cache {
            setup.cache = cache;
        }
    }) else {
        return;
    };
    let tree = Tree {
        root,
        lockfile: RelPath::new("Cargo.lock").unwrap(),
    };
    let began = Instant::now();
    let fetched = bench
        .workbench()
        .fetch(&tree, &bench.path("fetch"))
        .unwrap();
    println!("fetch: {:.1?}, {fetched:?}", began.elapsed());
    let mut baseline = bench
        .workbench()
        .baseline(&tree, &bench.path("baseline"))
        .unwrap();
    bench.workbench().test_baseline(&mut baseline).unwrap();
    for run in [&baseline.build, &baseline.regress] {
        println!(
            "{}: {:.1?}, {}\n  {}",
            run.check,
            run.elapsed,
            run.outcome,
            run.notes.join("\n  ")
        );
    }
    for name in baseline.report.names(TestOutcome::Failed) {
        println!("fails: {name}");
    }
    let changed = changed(&bench, &tree);
    let work = bench.path("attempt");
    let attempt = bench.judge(&baseline, &changed, Start::Warm, &work);
    for run in [&attempt.build, &attempt.regress] {
        println!(
            "again {}: {:.1?}, {}\n  {}",
            run.check,
            run.elapsed,
            run.outcome,
            run.notes.join("\n  ")
        );
    }
    if std::env::var_os("BACKSTITCH_KEEP").is_some() {
        println!("kept: {}", bench.directory.keep().display());
    }
}

/// The tree of the attempt, its recipe carried out; the untouched one where there is none.
fn changed(bench: &Bench, untouched: &Tree) -> Tree {
    let Some(root) = std::env::var_os("BACKSTITCH_CHANGED").map(PathBuf::from) else {
        return untouched.clone();
    };
    let tree = Tree {
        root,
        lockfile: untouched.lockfile.clone(),
    };
    let text = std::env::var("BACKSTITCH_STEPS").unwrap_or_default();
    let steps: Vec<Step> = text
        .split(',')
        .filter(|step| !step.is_empty())
        .map(step)
        .collect();
    let began = Instant::now();
    let applied = bench
        .workbench()
        .apply(&tree, &steps, &bench.path("apply"))
        .unwrap();
    println!("apply: {:.1?}, {applied:?}", began.elapsed());
    tree
}

fn step(text: &str) -> Step {
    let Some((name, rest)) = text.split_once('@') else {
        return Step::UpdateEverything;
    };
    let (version, to) = rest
        .split_once('=')
        .map_or((rest, None), |(version, to)| (version, Some(to)));
    Step::UpdatePackage {
        package: PackageVersion {
            ecosystem: Ecosystem::CratesIo,
            name: name.into(),
            version: version.into(),
        },
        to: to.map(str::to_owned),
    }
}
