//! Real projects, by hand: `BACKSTITCH_CASE=<a copy of a checkout> cargo test -p
//! backstitch-verify --test cargo_cases -- --ignored --nocapture`. Needs the network.
//! `BACKSTITCH_CACHE` keeps the packages between runs.

mod cargo_bench;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use backstitch_model::RelPath;
use backstitch_model::tests::TestOutcome;
use backstitch_verify::cargo::{Start, Tree, User};
use cargo_bench::Bench;

#[test]
#[ignore = "needs a checkout and the network"]
fn a_real_project_is_fetched_built_and_tested_twice() {
    let Some(root) = std::env::var_os("BACKSTITCH_CASE").map(PathBuf::from) else {
        return;
    };
    let cache = std::env::var_os("BACKSTITCH_CACHE").map(PathBuf::from);
    let Some(bench) = Bench::with(|setup| {
        setup.user = User::from_environment();
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
    let fetched = bench.cargo.fetch(&tree, &bench.path("fetch")).unwrap();
    println!("fetch: {:.1?}, {fetched:?}", began.elapsed());
    let baseline = bench
        .cargo
        .baseline(&tree, &bench.path("baseline"))
        .unwrap();
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
    let attempt = bench
        .cargo
        .attempt(&baseline, &tree, Start::Warm, &bench.path("attempt"))
        .unwrap();
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
