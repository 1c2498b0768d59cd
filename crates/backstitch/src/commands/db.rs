//! `backstitch db`: brings advisories and compiles them into the index.

use std::path::PathBuf;

use anyhow::{Context, Result};
use backstitch_find::import::{self, Imported};
use backstitch_find::index::{self, Index, Provenance};

use crate::advisories::{Advisories, download};
use crate::cli::{DbCommand, Format};
use crate::exit::Exit;
use crate::network::Network;
use crate::places::Places;
use crate::report::{self, Progress, escape, json};

/// How many broken records are named.
const PROBLEMS_SHOWN: usize = 10;

/// Brings, imports or describes.
pub fn db(command: DbCommand) -> Result<Exit> {
    let places = Places::discover()?;
    match command {
        DbCommand::Update {
            ecosystem,
            location,
        } => update(
            &places,
            &ecosystem,
            location.as_deref().unwrap_or(download::LOCATION),
        ),
        DbCommand::Import { paths } => import(&places, &paths),
        DbCommand::Info { format } => info(&places, format),
    }
}

fn update(places: &Places, ecosystems: &[String], location: &str) -> Result<Exit> {
    let progress = Progress::new();
    let folder = places.cache().join("osv");
    let mut archives = Vec::new();
    for ecosystem in ecosystems {
        anyhow::ensure!(
            is_plain_name(ecosystem),
            "download the advisories of `{}`: an OSV ecosystem name has letters, digits, `.`, `-` and `_`",
            escape(ecosystem)
        );
        progress.step(&format!("downloading the advisories of {ecosystem}"));
        let archive = download::archive(
            &Network::online(),
            location,
            ecosystem,
            &folder,
            &mut |had, total| progress.detail(&amount(had, total)),
        )?;
        archives.push(archive);
    }
    progress.finish();
    import(places, &archives)
}

/// Is a name safe as a part of a path and of an address?
fn is_plain_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b".-_".contains(&b);
    !name.is_empty() && name.bytes().all(allowed) && !name.starts_with('.')
}

fn amount(had: u64, total: Option<u64>) -> String {
    let mib = |bytes: u64| bytes >> 20;
    match total {
        Some(total) => format!("{} of {} MiB", mib(had), mib(total)),
        None => format!("{} MiB", mib(had)),
    }
}

fn import(places: &Places, paths: &[PathBuf]) -> Result<Exit> {
    let progress = Progress::new();
    progress.step("reading advisories");
    let imported = import::read_all(paths)?;
    progress.step("compiling the index");
    let sources = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let provenance = Provenance {
        sources,
        created_at: jiff::Timestamp::now().to_string(),
    };
    let bytes = index::compile(&imported.advisories, provenance)?;
    let path = places.index();
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("create `{}`", folder.display()))?;
    }
    index::replace(&path, bytes)?;
    progress.finish();
    tell_problems(&imported);
    info(places, Format::Text)
}

fn tell_problems(imported: &Imported) {
    for problem in imported.problems.iter().take(PROBLEMS_SHOWN) {
        report::say(&escape(&format!(
            "left out: `{}`: {}",
            problem.file, problem.what
        )));
    }
    let more = imported.problem_count.saturating_sub(PROBLEMS_SHOWN);
    if more > 0 {
        report::say(&format!("left out: {more} more"));
    }
}

fn info(places: &Places, format: Format) -> Result<Exit> {
    let path = places.index();
    if !path.exists() {
        let starter = Advisories::starter()?;
        starter.announce();
        print_info(starter.index(), "bundled starter set", format)?;
        return Ok(Exit::NothingLeft);
    }
    let index = Index::open(&path)?;
    index.verify()?;
    print_info(&index, &path.display().to_string(), format)?;
    Ok(Exit::NothingLeft)
}

fn print_info(index: &Index, place: &str, format: Format) -> Result<()> {
    let text = match format {
        Format::Json => json::text(&json::index(index.about(), place))?,
        Format::Text => report::database::index(index.about(), place),
        Format::Sarif => anyhow::bail!("an index has no SARIF form: use --format json"),
    };
    report::data(&text).context("write the result")
}
