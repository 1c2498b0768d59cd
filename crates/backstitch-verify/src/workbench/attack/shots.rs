//! Runs a reproducer's command on a built tree, each time in a fresh layer over it, and tells how it
//! ended and what it printed. Decides nothing.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use backstitch_model::oracle::{End, Run};
use backstitch_model::tree_reproducer::{Delivery, INPUT, Input};
use backstitch_model::{RelPath, TreeReproducer};

use serde::{Deserialize, Serialize};

use super::behaviour::Behaviour;
use super::windows::Count;
use crate::sandbox::{Access, Exit};
use crate::workbench::Workbench;
use crate::workbench::error::{Doing, VerifyError};
use crate::workbench::lines::error_text;
use crate::workbench::session::{EndedApart, Running, Surroundings, mount, texts, workspace_in};
use crate::workbench::tested::ended_how;
use crate::workbench::trial::Trial;

/// Where a job sees its input.
pub(super) const INPUTS_INSIDE: &str = "/sandbox/input";
/// The most that one run may print, in bytes.
const OUTPUT_BYTES_MAX: u64 = 8 << 20;
/// What is read of an output's beginning, and as much of its end, in bytes.
const PART_BYTES_MAX: u64 = 256 << 10;
/// How many files that a run wrote are looked at.
const WRITTEN_MAX: usize = 1000;
/// The most of an error shown as the reason, in characters.
const REASON_CHARS_MAX: usize = 300;

/// What sanitizers are told: to say what they see and end the process.
const SANITIZERS: [(&str, &str); 2] = [
    (
        "ASAN_OPTIONS",
        "detect_leaks=0:halt_on_error=1:handle_abort=0",
    ),
    ("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1"),
];

/// The same, and to tell of memory that is never freed.
const LEAKS: [(&str, &str); 1] = [(
    "ASAN_OPTIONS",
    "detect_leaks=1:halt_on_error=1:handle_abort=0",
)];

/// What an input is to the flaw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Role {
    /// It shows it.
    Listed,
    /// It must go on working.
    Declared,
    /// It is the project's own.
    Sample,
    /// It is a variant of one that shows the flaw: near it the untouched tree may go wrong unseen.
    Near,
    /// It is a variant of one that shows no flaw.
    Gentle,
}

/// How much work an input asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// No more than the reproducer's own.
    Usual,
    /// More: it is longer, or a number in it says more.
    Heavy,
    /// It is many times as long.
    Huge,
}

/// What a run is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Given {
    /// What it is called in the evidence.
    pub(super) name: String,
    pub(super) role: Role,
    /// The command, its input's place still open.
    pub(super) argv: Vec<String>,
    pub(super) input: Option<Input>,
    /// Does it ask for more work than the reproducer's own inputs do?
    pub(super) work: Work,
    /// Which count was set in an input that shows no flaw, where that is all that was done.
    pub(super) count: Option<Count>,
}

/// A run that ended.
pub(super) struct Shot {
    pub(super) run: Run,
    pub(super) behaviour: Behaviour,
    /// Where what it printed can be read, for as long as the stage is there.
    pub(super) log: PathBuf,
    /// Some of the files that it wrote in the project's folder.
    pub(super) wrote: Vec<String>,
    /// Did it pass its time or another limit?
    pub(super) stopped: bool,
}

/// A built tree that a reproducer is run on again and again.
pub(super) struct Stage<'run> {
    pub(super) workbench: &'run Workbench<'run>,
    pub(super) reproducer: &'run TreeReproducer,
    built: Trial,
    pub(super) work: PathBuf,
    shots: usize,
    /// How long the longest run took that was alone and came to its end.
    pub(super) longest: Duration,
    /// Have so many hung that the others get less time?
    pub(super) is_hurried: bool,
}

impl<'run> Stage<'run> {
    /// Gets ready: builds the reproducer upon the built tree where it must be built. The inner error
    /// says why it cannot be run. `work` takes everything that is written.
    pub(super) fn open(
        workbench: &'run Workbench<'run>,
        reproducer: &'run TreeReproducer,
        built: &Trial,
        work: &Path,
    ) -> Result<Result<Self, String>, VerifyError> {
        let session = workbench.session();
        // What an earlier process left half done is of no use.
        if work.exists() {
            session.sandbox().discard(work)?;
        }
        fs::create_dir_all(work).doing("make directory", work)?;
        let mut stage = Self {
            workbench,
            reproducer,
            built: built.clone(),
            work: work.canonicalize().doing("find directory", work)?,
            shots: 0,
            longest: Duration::ZERO,
            is_hurried: false,
        };
        if let Some(build) = &reproducer.build {
            let upon = built.replica(session, &work.join("reproducer"))?;
            let argv = through_a_shell(build, None);
            let ended = session.run_project(Running {
                trial: &upon,
                surroundings: workbench.manager.surroundings(&upon)?,
                argv: &argv,
                name: "build-reproducer",
                wall_s: None,
            })?;
            if !ended.ran.exit.succeeded() {
                let said = error_text(&ended.log, REASON_CHARS_MAX)?;
                let said = said.lines().next().unwrap_or_default();
                return Ok(Err(format!("the reproducer does not build here: {said}")));
            }
            stage.built = upon;
        }
        Ok(Ok(stage))
    }

    /// Runs the command once.
    pub(super) fn shoot(&mut self, given: &Given) -> Result<Shot, VerifyError> {
        self.shoot_with(given, &[], self.reproducer.time_limit_s)
    }

    /// Runs the command once, for not much longer than what came to its end before it.
    pub(super) fn shoot_briefly(&mut self, given: &Given) -> Result<Shot, VerifyError> {
        self.shoot_with(given, &[], self.each_s())
    }

    /// Runs it once where the sanitizer tells of what is never freed; answers whether it does.
    pub(super) fn leaks(&mut self, given: &Given) -> Result<bool, VerifyError> {
        let shot = self.shoot_with(given, &LEAKS, self.reproducer.time_limit_s)?;
        self.forget(&shot)?;
        let told = ": detected memory leaks";
        Ok(shot.run.stderr.contains(told) && shot.run.end != End::Code(0))
    }

    fn shoot_with(
        &mut self,
        given: &Given,
        environment: &[(&str, &str)],
        wall_s: u64,
    ) -> Result<Shot, VerifyError> {
        let session = self.workbench.session();
        let logs = self.logs()?;
        let fresh = self.fresh()?;
        let mut surroundings = self.workbench.manager.surroundings(&fresh)?;
        let given_there = |name: &OsString| environment.iter().any(|(given, _)| name == given);
        surroundings
            .environment
            .retain(|(name, _)| !given_there(name));
        surroundings.environment.extend(texts(environment));
        sanitizers(&mut surroundings);
        let mut seen = None;
        if let Some(input) = &given.input {
            let folder = self.work.join("input");
            let name = self.place(input, &folder)?;
            seen = Some(session.seen(&folder, INPUTS_INSIDE).join(name));
            surroundings
                .mounts
                .push(mount(&folder, INPUTS_INSIDE, Access::ReadOnly));
        }
        let path = seen.map(|path| path.to_string_lossy().into_owned());
        let words: Vec<_> = given
            .argv
            .iter()
            .map(|word| match &path {
                Some(path) => word.replace(INPUT, path),
                None => word.clone(),
            })
            .collect();
        let stdin = path
            .as_deref()
            .filter(|_| self.reproducer.delivery() == Delivery::StandardInput);
        let began = Instant::now();
        let ended = session.run_apart(
            Running {
                trial: &fresh,
                surroundings,
                argv: &through_a_shell(&words, stdin),
                name: "reproducer",
                wall_s: Some(wall_s),
            },
            &logs,
            OUTPUT_BYTES_MAX,
        )?;
        if !matches!(ended.ran.exit, Exit::TimedOut | Exit::OverLimit(_)) {
            self.longest = self.longest.max(began.elapsed());
        }
        let mut wrote = written(&fresh.written());
        wrote.retain(|name| !self.is_beside(name));
        session.sandbox().discard(&self.work.join("fresh"))?;
        told(&ended, words.into_iter().chain(path).collect(), wrote)
    }

    /// A folder for the logs of the next job.
    pub(super) fn logs(&mut self) -> Result<PathBuf, VerifyError> {
        self.shots += 1;
        let logs = self.work.join(format!("{:04}", self.shots));
        fs::create_dir_all(&logs).doing("make directory", &logs)?;
        Ok(logs)
    }

    /// A fresh layer over the built tree, with the reproducer's own files.
    pub(super) fn fresh(&self) -> Result<Trial, VerifyError> {
        let session = self.workbench.session();
        let fresh = self.built.replica(session, &self.work.join("fresh"))?;
        self.put_beside(&fresh)?;
        Ok(fresh)
    }

    /// Forgets what a run printed.
    pub(super) fn forget(&self, shot: &Shot) -> Result<(), VerifyError> {
        let logs = shot.log.parent().unwrap_or(&self.work);
        Ok(self.workbench.session().sandbox().discard(logs)?)
    }

    /// Puts the reproducer's own files into a fresh layer.
    fn put_beside(&self, fresh: &Trial) -> Result<(), VerifyError> {
        let folder = workspace_in(&fresh.written(), &fresh.tree().lockfile);
        for file in &self.reproducer.files {
            // A path that leaves the tree is no place for one.
            let Ok(path) = RelPath::new(file.name.as_str()) else {
                continue;
            };
            let at = folder.join(path.as_str());
            let above = at.parent().unwrap_or(&folder);
            fs::create_dir_all(above).doing("make directory", above)?;
            fs::write(&at, &file.bytes).doing("write", &at)?;
        }
        if self.reproducer.files.is_empty() {
            return Ok(());
        }
        Ok(self.workbench.session().sandbox().own(&fresh.written())?)
    }

    fn is_beside(&self, written: &str) -> bool {
        let mut files = self.reproducer.files.iter();
        files.any(|file| written.ends_with(&file.name))
    }

    /// Writes an input alone into a folder; answers the file's name.
    fn place(&self, input: &Input, folder: &Path) -> Result<String, VerifyError> {
        let sandbox = self.workbench.session().sandbox();
        if folder.exists() {
            sandbox.discard(folder)?;
        }
        fs::create_dir_all(folder).doing("make directory", folder)?;
        let name = file_name(input);
        let file = folder.join(&name);
        fs::write(&file, &input.bytes).doing("write", &file)?;
        sandbox.own(folder)?;
        Ok(name)
    }
}

/// A plain name for an input's file.
pub(super) fn file_name(input: &Input) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let last = input.name.rsplit('/').next().unwrap_or_default();
    let name: String = last.chars().filter(|c| is_plain(*c)).take(100).collect();
    if name.trim_matches('.').is_empty() {
        "input".to_owned()
    } else {
        name
    }
}

/// Tells sanitizers what they are to do, where the project does not.
pub(super) fn sanitizers(surroundings: &mut Surroundings) {
    let environment = &mut surroundings.environment;
    for (name, value) in texts(&SANITIZERS) {
        if !environment.iter().any(|(known, _)| *known == name) {
            environment.push((name, value));
        }
    }
}

/// A command that begins with a shell's, so that a program that is not there is an exit code.
fn through_a_shell(words: &[String], stdin: Option<&str>) -> Vec<String> {
    let (script, first) = match stdin {
        Some(path) => ("exec \"$@\" < \"$0\"", path),
        None => ("exec \"$@\"", "sh"),
    };
    ["sh", "-c", script, first]
        .into_iter()
        .map(str::to_owned)
        .chain(words.iter().cloned())
        .collect()
}

fn told(ended: &EndedApart, words: Vec<String>, wrote: Vec<String>) -> Result<Shot, VerifyError> {
    let read = |path: &Path| head_and_tail(path).doing("read log", path);
    let (stdout, stderr) = (read(&ended.stdout)?, read(&ended.stderr)?);
    let exit = ended.ran.exit;
    let end = match exit {
        Exit::Code(code) => End::Code(code),
        Exit::Signal(signal) => End::Signal(signal),
        Exit::TimedOut => End::TimedOut,
        Exit::OverLimit(resource) => End::OverLimit(format!("{resource:?}")),
        Exit::Cancelled => return Err(VerifyError::Cancelled),
    };
    Ok(Shot {
        behaviour: Behaviour::new(ended_how(exit), &stdout, &stderr),
        stopped: matches!(exit, Exit::TimedOut | Exit::OverLimit(_)),
        run: Run {
            end,
            stdout,
            stderr,
            truncated: ended.ran.truncated,
            words,
        },
        log: ended.stderr.clone(),
        wrote,
    })
}

fn head_and_tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut bytes = Vec::new();
    file.by_ref().take(PART_BYTES_MAX).read_to_end(&mut bytes)?;
    if length > PART_BYTES_MAX {
        let from = PART_BYTES_MAX.max(length - PART_BYTES_MAX);
        file.seek(SeekFrom::Start(from))?;
        bytes.push(b'\n');
        file.take(PART_BYTES_MAX).read_to_end(&mut bytes)?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The names of some files below a folder of changes.
fn written(changes: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![PathBuf::new()];
    let mut seen = 0;
    while let Some(folder) = waiting.pop() {
        let Ok(entries) = fs::read_dir(changes.join(&folder)) else {
            continue;
        };
        for entry in entries.flatten() {
            seen += 1;
            if seen > WRITTEN_MAX {
                return found;
            }
            let path = folder.join(entry.file_name());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => waiting.push(path),
                Ok(kind) if kind.is_file() => found.push(path.display().to_string()),
                Ok(_) | Err(_) => {}
            }
        }
    }
    found.sort();
    found
}
