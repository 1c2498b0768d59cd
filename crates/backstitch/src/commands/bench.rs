//! `backstitch bench`: the same weaknesses for every engine of the user's settings, and for none.

use std::sync::Arc;

use anyhow::{Context, Result};
use backstitch_model::verdict::Conclusion;

use super::{engines, run};
use crate::bench::{self, Bench, End, Row};
use crate::cli::{BenchArguments, TestFormat};
use crate::engines::{Entry, Line, settings};
use crate::exit::Exit;
use crate::places::Places;
use crate::report::{self, Progress};

/// Measures the engines, or checks the cases.
pub fn bench(arguments: &BenchArguments) -> Result<Exit> {
    let places = Places::discover()?;
    let engines = settings::read(&places)?;
    let entries: Vec<&Entry> = if arguments.engine.is_empty() {
        engines.entries.iter().collect()
    } else {
        engines::chosen(&engines, &arguments.engine)?
    };
    let scratch = tempfile::Builder::new()
        .prefix("backstitch-bench-")
        .tempdir()
        .context("create a temporary folder")?;
    let cases = bench::open(arguments.cases.as_deref(), &arguments.case, scratch.path())?;
    run::profile_for(&places, arguments.sandbox)?;
    let (sandbox, confinement) = run::sandbox(arguments.sandbox)?;
    let places = places.of_bench();
    let bench = Bench {
        cases,
        engines: &engines,
        entries,
        line: Line::of(&arguments.recording)?,
        places: places.clone(),
        sandbox,
        confinement,
        progress: Arc::new(Progress::new()),
        cancel: run::cancel_on_interrupt()?,
    };
    let rows = if arguments.check {
        bench.check()?
    } else {
        bench.measure()?
    };
    bench.line.check()?;
    let text = match arguments.format {
        TestFormat::Text => report::bench::text(&rows),
        TestFormat::Json => report::json::text(&report::bench::json(&rows))?,
    };
    report::data(&text).context("write the result")?;
    report::say(&format!("evidence  {}", places.evidence().display()));
    let sound = !arguments.check || rows.iter().all(is_proven);
    Ok(if sound {
        Exit::NothingLeft
    } else {
        Exit::FindingsLeft
    })
}

fn is_proven(row: &Row) -> bool {
    match &row.end {
        End::Judged(verdict) => matches!(
            verdict.conclusion,
            Conclusion::Proven | Conclusion::ProvenDiffers(_)
        ),
        End::Refused(_) | End::Nothing(_) => false,
    }
}
