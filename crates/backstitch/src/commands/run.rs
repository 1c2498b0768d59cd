//! `backstitch run`: the loop on a project.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use backstitch_model::Policy;
use backstitch_model::evidence::Confinement;
use backstitch_verify::sandbox::{Cancel, Sandbox};
use backstitch_verify::workbench::Setup;

use crate::advisories::Advisories;
use crate::cli::{Format, RunArguments, SandboxChoice};
use crate::engines::{self, Asker, Engines, Line, Original, Walls};
use crate::exit::Exit;
use crate::managers::Managers;
use crate::mend::Flaws;
use crate::network::Network;
use crate::pipeline;
use crate::places::Places;
use crate::report::{self, Progress, json, sarif, terminal};
use crate::reproducers::Library;
use crate::settings::{self, Profile};
use crate::source::{self, Source};
use crate::steps::{Order, Steps};
use crate::story::{self, Story};

use super::shown;

/// Runs the loop and prints what came of it.
pub fn run(arguments: &RunArguments) -> Result<Exit> {
    let places = Places::discover()?;
    let advisories = Advisories::open(&places, arguments.common.db.as_deref())?;
    let engines = engines::settings::read(&places)?;
    let story = run_in(arguments, places, advisories, Some(engines))?;
    let refusal = story::refusal(&arguments.path, &story.unread);
    match refusal {
        Some(refusal) if story.records.is_empty() && story.weaknesses.is_empty() => {
            return Err(refusal);
        }
        Some(refusal) => report::say(&report::escape(&format!("error: {refusal:#}"))),
        None => {}
    }
    print(&story, arguments.common.format)?;
    Ok(story.exit())
}

/// Runs the loop with the given places, advisories and engines.
pub fn run_in(
    arguments: &RunArguments,
    places: Places,
    advisories: Advisories,
    engines: Option<Engines>,
) -> Result<Story> {
    advisories.announce();
    let source = Source::open(&arguments.path)?;
    let profile = profile_for(&places, arguments.sandbox)?;
    let policy = settings::read(source.root(), arguments.policy.as_deref(), profile)?;
    let (sandbox, confinement) = sandbox(arguments.sandbox)?;
    let progress = Arc::new(Progress::new());
    let network = if arguments.common.offline {
        Network::offline()
    } else {
        Network::online()
    };
    let offline = arguments.common.offline;
    let line = Line::of(&arguments.recording)?;
    let (asker, engines) = asker(engines, &line, offline)?;
    let cancel = cancel_on_interrupt()?;
    let flaws = Flaws::of(
        shown::reported(&arguments.shown)?,
        shown::reproducer(&arguments.shown)?,
        &arguments.only,
    )?;
    let managers = managers(
        sandbox,
        &places,
        policy.clone(),
        offline,
        &progress,
        cancel.clone(),
    );
    let mut reproducers = reproducers(&arguments.reproducers)?;
    reproducers.add_project(&source::open_dir(source.root())?);
    let order = Order {
        source,
        advisories,
        policy,
        only: arguments.only.clone(),
        places,
        network,
        reproducers,
        asker,
        engines,
        flaws,
        rescan: shown::rescan(&arguments.shown)?,
        cancel,
        managers,
        confinement,
        fresh: arguments.fresh,
        progress,
    };
    let story = pipeline::run(&mut Steps::begin(order)?)?;
    line.check()?;
    Ok(story)
}

/// What programs of engines run in: a sandbox, also where the project is trusted to run in none.
pub fn walls() -> Result<Walls> {
    let program = std::env::current_exe().context("find this program's own file")?;
    walls_of(Sandbox::new(program))
}

/// The same in a given sandbox.
pub fn walls_of(sandbox: Sandbox) -> Result<Walls> {
    Ok(Walls {
        sandbox,
        cancel: cancel_on_interrupt()?,
        project: Original::default(),
    })
}

/// The engines of the user's settings, made ready, and what there is of them in words.
fn asker(engines: Option<Engines>, line: &Line, offline: bool) -> Result<(Option<Asker>, String)> {
    let Some(mut engines) = engines.filter(|engines| !engines.entries.is_empty()) else {
        return Ok((None, String::new()));
    };
    if offline && !line.is_played() {
        engines.stay_on_this_machine();
    }
    let walls = walls()?;
    let told = format!("{engines:?}");
    Ok((Asker::new(&engines, &engines.entries, &walls, line), told))
}

/// The profile that holds for this user, who may not go without walls under every one.
pub fn profile_for(places: &Places, sandbox: SandboxChoice) -> Result<Profile> {
    let profile = engines::settings::read(places)?.profile;
    match sandbox {
        SandboxChoice::None => profile.check_unconfined()?,
        SandboxChoice::Auto => {}
    }
    Ok(profile)
}

/// Those that come with the program, and those of the named folders.
pub fn reproducers(folders: &[PathBuf]) -> Result<Library> {
    let mut library = Library::bundled()?;
    for folder in folders {
        library.add_folder(folder)?;
    }
    Ok(library)
}

/// The package managers of this machine.
pub fn managers(
    sandbox: Sandbox,
    places: &Places,
    policy: Policy,
    offline: bool,
    progress: &Arc<Progress>,
    cancel: Cancel,
) -> Managers {
    let shown = Arc::clone(progress);
    let setup = Setup {
        sandbox,
        cache: places.cache().to_owned(),
        policy,
        offline,
        cancel,
        progress: Arc::new(move |line: &str| shown.detail(line)),
    };
    Managers::new(setup)
}

/// Finds out what keeps the project in, and refuses to go on without it unless told to.
pub fn sandbox(choice: SandboxChoice) -> Result<(Sandbox, Confinement)> {
    let program = std::env::current_exe().context("find this program's own file")?;
    match choice {
        SandboxChoice::None => {
            report::say(
                "WARNING: --sandbox none: the project's build scripts and tests run as you, with \
                 your files and your network. Every verdict will say so.",
            );
            Ok((Sandbox::unconfined(program), Confinement::Unconfined))
        }
        SandboxChoice::Auto => {
            let sandbox = Sandbox::new(program);
            if let Err(unavailable) = sandbox.probe() {
                bail!(
                    "{unavailable}. Nothing of the project was run. `--sandbox none` runs it with \
                     nothing around it, if you trust it"
                );
            }
            Ok((sandbox, Confinement::Sandboxed))
        }
    }
}

/// The first Ctrl-C ends what is running in the sandbox; what was finished stays.
pub fn cancel_on_interrupt() -> Result<Cancel> {
    let flag = Arc::default();
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag))?;
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
    }
    Ok(Cancel::from(flag))
}

/// Prints a run in the asked form.
pub fn print(story: &Story, format: Format) -> Result<()> {
    let text = match format {
        Format::Text => terminal::story(story),
        Format::Json => json::text(&json::run(story))?,
        Format::Sarif => json::text(&sarif::of_story(story))?,
    };
    report::data(&text).context("write the result")
}
