//! `backstitch reproducer`: lists reproducers, begins a new one, and checks that one is red on a
//! release with the flaw and green on one without.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use backstitch_model::package::{Ecosystem, PackageVersion};
use backstitch_model::reproducer::{Seen, Sight};
use backstitch_model::{AdvisoryId, LockFormat, Outcome, Policy, Reproducer};
use backstitch_verify::workbench::{Applied, Inputs, Reproduction, Workbench};

use super::run;
use crate::cli::{CheckArguments, Format, NewArguments, ReproducerCommand};
use crate::exit::Exit;
use crate::managers::Managers;
use crate::places::Places;
use crate::private;
use crate::report::{self, Progress, json};
use crate::reproducers::{self, DESCRIPTION, Entry, Library};
use crate::source;
use crate::wire;

/// How many are checked at one time at the most: each builds with every processor.
const WORKERS_MAX: usize = 4;

/// Does what `backstitch reproducer` is asked for.
pub fn reproducer(command: &ReproducerCommand) -> Result<Exit> {
    match command {
        ReproducerCommand::List {
            path,
            reproducers,
            format,
        } => list(&library(path, reproducers)?, *format),
        ReproducerCommand::Check(arguments) => check(arguments),
        ReproducerCommand::New(arguments) => begin(arguments),
    }
}

fn library(project: &Path, folders: &[std::path::PathBuf]) -> Result<Library> {
    let mut library = Library::bundled()?;
    library.add_project(&source::open_dir(project)?);
    for folder in folders {
        library.add_folder(folder)?;
    }
    for problem in &library.problems {
        report::say(&report::escape(&format!("warning: {problem}")));
    }
    Ok(library)
}

fn list(library: &Library, format: Format) -> Result<Exit> {
    let entries: Vec<_> = library.entries().iter().map(wire_entry).collect();
    let text = match format {
        Format::Text => report::reproducers::list(&entries),
        Format::Json => json::text(&report::reproducers::Reproducers::new(entries))?,
        Format::Sarif => bail!("list reproducers as SARIF: it has no place for them; use json"),
    };
    report::data(&text).context("write the list")?;
    Ok(Exit::NothingLeft)
}

fn wire_entry(entry: &Entry) -> wire::Reproducer {
    wire::Reproducer::new(&entry.reproducer, entry.origin.words())
}

/// What checking one reproducer came to.
enum Verdict {
    /// Red on the release with the flaw and green on the other.
    Accepted,
    /// It was not; why.
    Refused(String),
    /// It could not be run; why.
    NotRun(String),
}

fn check(arguments: &CheckArguments) -> Result<Exit> {
    let library = library(&arguments.path, &arguments.reproducers)?;
    let chosen = chosen(&library, arguments)?;
    let places = Places::discover()?;
    let (sandbox, _) = run::sandbox(arguments.sandbox)?;
    let progress = Arc::new(Progress::new());
    let shown = Arc::clone(&progress);
    let managers = Managers::new(backstitch_verify::workbench::Setup {
        sandbox,
        cache: places.cache().to_owned(),
        policy: Policy::default(),
        offline: arguments.offline,
        cancel: run::cancel_on_interrupt()?,
        progress: Arc::new(move |line: &str| shown.detail(line)),
    });
    let work = tempfile::Builder::new()
        .prefix("backstitch-check-")
        .tempdir()
        .context("create a temporary folder")?;
    let checker = Checker {
        managers: &managers,
        progress: &progress,
        work: work.path(),
        offline: arguments.offline,
    };
    let (refused, not_run) = check_all(&checker, &chosen)?;
    progress.finish();
    discard(work.path())?;
    let accepted = chosen.len() - refused - not_run;
    report::data(&format!(
        "{accepted} accepted, {refused} refused, {not_run} not run\n"
    ))
    .context("write the result")?;
    Ok(match (refused, not_run) {
        (0, 0) => Exit::NothingLeft,
        (0, _) => Exit::CouldNot,
        _ => Exit::FindingsLeft,
    })
}

/// Checks them, some at one time, and answers how many were refused and how many not run.
fn check_all(checker: &Checker<'_>, chosen: &[Reproducer]) -> Result<(usize, usize)> {
    let next = AtomicUsize::new(0);
    let counts = Mutex::new((0, 0));
    let work = || -> Result<()> {
        while let Some(reproducer) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
            let began = Instant::now();
            let verdict = checker.check(reproducer)?;
            let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
            match &verdict {
                Verdict::Accepted => {}
                Verdict::Refused(_) => counts.0 += 1,
                Verdict::NotRun(_) => counts.1 += 1,
            }
            checker
                .progress
                .line(&told(reproducer, &verdict, began.elapsed()));
        }
        Ok(())
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..workers.min(WORKERS_MAX))
            .map(|_| scope.spawn(work))
            .collect();
        running.into_iter().try_for_each(|worker| {
            let ended = worker.join();
            ended.unwrap_or_else(|_| Err(anyhow!("a check ended unexpectedly")))
        })
    })?;
    Ok(counts.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// What jobs wrote belongs to the sandbox's user.
fn discard(work: &Path) -> Result<()> {
    backstitch_verify::sandbox::Sandbox::unconfined(std::path::PathBuf::new())
        .discard(work)
        .context("remove the temporary folder")
}

/// The reproducers that are asked for; all of them where nobody names one.
fn chosen(library: &Library, arguments: &CheckArguments) -> Result<Vec<Reproducer>> {
    for name in &arguments.names {
        let known = |entry: &Entry| entry.reproducer.name == *name;
        ensure!(
            library.entries().iter().any(known),
            "check reproducer `{name}`: there is none; `backstitch reproducer list` shows them"
        );
    }
    let ecosystem = arguments.ecosystem.as_deref().map(Ecosystem::from_osv);
    let is_chosen = |reproducer: &Reproducer| {
        let named = arguments.names.is_empty() || arguments.names.contains(&reproducer.name);
        named
            && ecosystem
                .as_ref()
                .is_none_or(|wanted| *wanted == reproducer.ecosystem)
    };
    let all = library.entries().iter().map(|entry| &entry.reproducer);
    Ok(all.filter(|one| is_chosen(one)).cloned().collect())
}

fn told(reproducer: &Reproducer, verdict: &Verdict, elapsed: Duration) -> String {
    let name = &reproducer.name;
    let elapsed = report::words::elapsed(elapsed);
    let text = match (verdict, &reproducer.seen) {
        (Verdict::Accepted, Some(seen)) => format!(
            "accepted  {name}: red on {} {}, green on {} ({elapsed})",
            reproducer.package, seen.vulnerable, seen.fixed
        ),
        (Verdict::Accepted, None) => format!("accepted  {name} ({elapsed})"),
        (Verdict::Refused(why), _) => format!("refused   {name}: {why} ({elapsed})"),
        (Verdict::NotRun(why), _) => format!("not run   {name}: {why} ({elapsed})"),
    };
    report::escape(&text)
}

struct Checker<'run> {
    managers: &'run Managers,
    progress: &'run Progress,
    work: &'run Path,
    offline: bool,
}

impl Checker<'_> {
    fn check(&self, reproducer: &Reproducer) -> Result<Verdict> {
        let Some(Seen {
            vulnerable, fixed, ..
        }) = &reproducer.seen
        else {
            let why = "it has no `[seen]`: name a release with the flaw and one without";
            return Ok(Verdict::Refused(why.into()));
        };
        let workbench = match self.managers.usable(format_of(&reproducer.ecosystem)?)? {
            Ok(workbench) => workbench,
            Err(why) => return Ok(Verdict::NotRun(why.to_owned())),
        };
        let red = match self.look(workbench, reproducer, vulnerable)? {
            Ok(red) => red,
            Err(why) => return Ok(Verdict::NotRun(why)),
        };
        if let Some(seen) = red.listed.iter().find(|seen| seen.sight != Sight::Present) {
            return Ok(Verdict::Refused(format!(
                "on {vulnerable}, which has the flaw, {}",
                answer(seen)
            )));
        }
        let green = match self.look(workbench, reproducer, fixed)? {
            Ok(green) => green,
            Err(why) => return Ok(Verdict::NotRun(why)),
        };
        if let Some(seen) = green.listed.iter().find(|seen| seen.sight != Sight::Absent) {
            return Ok(Verdict::Refused(format!(
                "on {fixed}, which has not the flaw, {}",
                answer(seen)
            )));
        }
        Ok(Verdict::Accepted)
    }

    /// Runs it against one release; the inner error says why that could not be.
    fn look(
        &self,
        workbench: Workbench<'_>,
        reproducer: &Reproducer,
        version: &str,
    ) -> Result<Result<Reproduction, String>> {
        let name = &reproducer.name;
        self.progress
            .step(&format!("{name} on {} {version}", reproducer.package));
        let folder = self.work.join(format!("{name}-{version}"));
        let (root, work) = (folder.join("tree"), folder.join("work"));
        fs::create_dir_all(&root).with_context(|| format!("create `{}`", root.display()))?;
        let (tree, applied) = workbench.specimen(reproducer, version, &root, &work)?;
        if let Applied::Refused(refusal) = applied {
            let offline = if self.offline { " (offline)" } else { "" };
            return Ok(Err(format!(
                "{version} cannot be brought{offline}: {}",
                refusal.message
            )));
        }
        let baseline = workbench.baseline(&tree, &work)?;
        if baseline.build.outcome != Outcome::Passed {
            return Ok(Err(format!(
                "{version} does not build: {}",
                baseline.build.outcome
            )));
        }
        let package = PackageVersion {
            ecosystem: reproducer.ecosystem.clone(),
            name: reproducer.package.clone(),
            version: version.to_owned(),
        };
        let seen = workbench.reproduce_before(&baseline, reproducer, &package, Inputs::Listed)?;
        // Hundreds of built crates would fill the disk.
        discard(&folder)?;
        Ok(Ok(seen))
    }
}

/// What a sighting said, in words.
fn answer(seen: &backstitch_model::reproducer::Sighting) -> String {
    let sight = match &seen.sight {
        Sight::Present => "it saw the flaw".to_owned(),
        Sight::Absent => "it saw no flaw".to_owned(),
        Sight::Inconclusive(why) => format!("it could not tell: {why}"),
    };
    match &seen.input {
        Some(input) => format!("{sight} with the input {input:?}"),
        None => sight,
    }
}

/// The lockfile that a specimen of an ecosystem has.
fn format_of(ecosystem: &Ecosystem) -> Result<LockFormat> {
    match ecosystem {
        Ecosystem::CratesIo => Ok(LockFormat::Cargo),
        Ecosystem::Npm => Ok(LockFormat::Npm),
        Ecosystem::PyPi => Ok(LockFormat::Requirements),
        Ecosystem::Go
        | Ecosystem::RubyGems
        | Ecosystem::Packagist
        | Ecosystem::Maven
        | Ecosystem::Other(_) => {
            bail!("check a reproducer: there are none for {ecosystem}")
        }
    }
}

/// Writes the beginnings of a reproducer.
fn begin(arguments: &NewArguments) -> Result<Exit> {
    let ecosystem = Ecosystem::from_osv(&arguments.ecosystem);
    let program = reproducers::programs(&ecosystem)?[0];
    for id in &arguments.advisory {
        AdvisoryId::new(id)?;
    }
    let folder = arguments.folder.join(&arguments.name);
    ensure!(
        !folder.exists(),
        "begin reproducer `{}`: `{}` is there already",
        arguments.name,
        folder.display()
    );
    private::folder(&folder).with_context(|| format!("create `{}`", folder.display()))?;
    let mut description = toml::Table::new();
    description.insert("advisories".into(), arguments.advisory.clone().into());
    description.insert("ecosystem".into(), ecosystem.as_osv().into());
    description.insert("package".into(), arguments.package.clone().into());
    description.insert("shows".into(), "what is there when the flaw is".into());
    description.insert("program".into(), program.into());
    let seen = "\n# A release with the flaw, and the first one without.\n[seen]\n\
                vulnerable = \"\"\nfixed = \"\"\n";
    let template = match ecosystem {
        Ecosystem::CratesIo => include_str!("reproducer/check.rs.template"),
        Ecosystem::Npm => include_str!("reproducer/check.cjs.template"),
        Ecosystem::PyPi
        | Ecosystem::Go
        | Ecosystem::RubyGems
        | Ecosystem::Packagist
        | Ecosystem::Maven
        | Ecosystem::Other(_) => include_str!("reproducer/check.py.template"),
    };
    for (name, text) in [
        (DESCRIPTION, format!("{description}{seen}")),
        (program, template.replace("PACKAGE", &arguments.package)),
    ] {
        let file = folder.join(name);
        private::write(&file, text).with_context(|| format!("write `{}`", file.display()))?;
    }
    report::say(&format!(
        "wrote `{}`: fill in `{DESCRIPTION}` and `{program}`, then run `backstitch reproducer \
         check {} --reproducers {}`",
        folder.display(),
        arguments.name,
        folder.display()
    ));
    Ok(Exit::NothingLeft)
}
