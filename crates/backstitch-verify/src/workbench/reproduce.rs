//! Runs reproducers against what a tree resolves, on the untouched tree and on changed ones. Tells
//! what they saw; what that amounts to is the model's to say.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use backstitch_model::Reproducer;
use backstitch_model::package::PackageVersion;
use backstitch_model::reproducer::{EXIT_PRESENT, Sight, Sighting, TOKEN_VARIABLE};

use super::Workbench;
use super::baseline::{Attempt, Baseline};
use super::error::{Doing, VerifyError};
use super::lines::{self, error_text};
use super::session::{Ended, Running};
use super::tested::ended_how;
use super::trial::Trial;
use super::variants::variants;
use crate::sandbox::{Exit, Mount};

/// How long a reproducer's own inputs may take together on one tree; the one that is run then ends
/// by its own limit.
const LISTED_TIME: Duration = Duration::from_secs(300);
/// How long all variants of one reproducer's inputs may take on one tree.
const VARIANTS_TIME: Duration = Duration::from_secs(60);
/// The most of what a program said that is shown as the reason, in characters.
const REASON_CHARS_MAX: usize = 300;

/// A reproducer that is ready to be run.
pub struct Staged {
    /// Where it runs.
    pub(crate) trial: Trial,
    /// What it sees besides.
    pub(crate) mounts: Vec<Mount>,
    /// What builds it, where it must be built.
    pub(crate) build: Option<Vec<String>>,
    /// What runs it: once for each copy of the package.
    pub(crate) programs: Vec<Vec<String>>,
    /// What a reader of the evidence should know, each in a sentence.
    pub(crate) notes: Vec<String>,
}

/// What a reproducer saw in one tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reproduction {
    /// With the listed inputs.
    pub listed: Vec<Sighting>,
    /// With variants of them; empty where none were asked for.
    pub variants: Vec<Sighting>,
    /// How long it all took.
    pub elapsed: Duration,
    /// What a reader of the evidence should know, each in a sentence.
    pub notes: Vec<String>,
    /// The log of the first run that saw the flaw, or of the last one.
    pub log: Option<PathBuf>,
}

/// Which inputs a reproducer is run with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inputs {
    /// Those that it lists.
    Listed,
    /// Those, and variants of them where a listed one shows the flaw.
    VariantsWhereRed,
    /// Those, and variants of them where every listed one shows that it is gone.
    VariantsWhereGreen,
}

impl Inputs {
    /// Are variants worth their time after what the listed inputs told?
    fn ask_for_variants(self, listed: &[Sighting]) -> bool {
        match self {
            Self::Listed => false,
            Self::VariantsWhereRed => listed.iter().any(|seen| seen.sight == Sight::Present),
            Self::VariantsWhereGreen => listed.iter().all(|seen| seen.sight == Sight::Absent),
        }
    }
}

impl Workbench<'_> {
    /// Runs a reproducer against `package` as the untouched tree resolves it.
    pub fn reproduce_before(
        &self,
        baseline: &Baseline,
        reproducer: &Reproducer,
        package: &PackageVersion,
        inputs: Inputs,
    ) -> Result<Reproduction, VerifyError> {
        self.reproduce(&baseline.origin, reproducer, package, inputs)
    }

    /// Runs a reproducer against `package` as a changed tree resolves it.
    pub fn reproduce_after(
        &self,
        attempt: &Attempt,
        reproducer: &Reproducer,
        package: &PackageVersion,
        inputs: Inputs,
    ) -> Result<Reproduction, VerifyError> {
        self.reproduce(&attempt.trial, reproducer, package, inputs)
    }

    fn reproduce(
        &self,
        trial: &Trial,
        reproducer: &Reproducer,
        package: &PackageVersion,
        inputs: Inputs,
    ) -> Result<Reproduction, VerifyError> {
        let began = Instant::now();
        let work = trial
            .work()
            .join("reproducers")
            .join(format!("{}-{}", reproducer.name, package.version));
        // What an earlier process left half done is of no use.
        if work.exists() {
            self.session().sandbox().discard(&work)?;
        }
        fs::create_dir_all(&work).doing("make directory", &work)?;
        let staged = match self.manager.stage(trial, reproducer, package, &work)? {
            Ok(staged) => staged,
            Err(why) => return Ok(Reproduction::untold(why, began)),
        };
        if let Some((why, log)) = self.build_staged(&staged)? {
            return Ok(Reproduction {
                notes: staged.notes,
                log: Some(log),
                ..Reproduction::untold(why, began)
            });
        }
        let mut stage = Stage {
            workbench: self,
            staged: &staged,
            reproducer,
            runs: 0,
            log: None,
            seen: false,
        };
        let listed = stage.listed()?;
        let mut notes = staged.notes.clone();
        let variants = if inputs.ask_for_variants(&listed) {
            stage.variants(&mut notes)?
        } else {
            Vec::new()
        };
        Ok(Reproduction {
            listed,
            variants,
            elapsed: began.elapsed(),
            notes,
            log: stage.log,
        })
    }

    /// Why it does not build, and the log, where it does not.
    fn build_staged(&self, staged: &Staged) -> Result<Option<(String, PathBuf)>, VerifyError> {
        let Some(build) = &staged.build else {
            return Ok(None);
        };
        let ended = self.run_staged(staged, build, None, "build-reproducer")?;
        if ended.ran.exit.succeeded() {
            return Ok(None);
        }
        let said = error_text(&ended.log, REASON_CHARS_MAX)?;
        let why = format!("it does not build here: {}", first_line(&said));
        Ok(Some((why, ended.log)))
    }

    fn run_staged(
        &self,
        staged: &Staged,
        argv: &[String],
        bounds: Option<(&str, u64)>,
        name: &str,
    ) -> Result<Ended, VerifyError> {
        let mut surroundings = self.manager.surroundings(&staged.trial)?;
        surroundings.mounts.extend(staged.mounts.iter().cloned());
        if let Some((token, _)) = bounds {
            let variable = (TOKEN_VARIABLE.into(), token.into());
            surroundings.environment.push(variable);
        }
        self.session().run_project(Running {
            trial: &staged.trial,
            surroundings,
            argv,
            name,
            wall_s: bounds.map(|(_, wall_s)| wall_s),
        })
    }
}

/// A staged reproducer being run again and again.
struct Stage<'run> {
    workbench: &'run Workbench<'run>,
    staged: &'run Staged,
    reproducer: &'run Reproducer,
    runs: usize,
    log: Option<PathBuf>,
    seen: bool,
}

impl Stage<'_> {
    fn listed(&mut self) -> Result<Vec<Sighting>, VerifyError> {
        let inputs = &self.reproducer.inputs;
        if inputs.is_empty() {
            return Ok(vec![self.sighting(None)?]);
        }
        let began = Instant::now();
        let mut sightings = Vec::new();
        for input in inputs {
            sightings.push(if began.elapsed() > LISTED_TIME {
                Sighting {
                    input: Some(input.clone()),
                    sight: Sight::Inconclusive("the inputs before it took all the time".into()),
                }
            } else {
                self.sighting(Some(input))?
            });
        }
        Ok(sightings)
    }

    fn variants(&mut self, notes: &mut Vec<String>) -> Result<Vec<Sighting>, VerifyError> {
        let began = Instant::now();
        let mut sightings = Vec::new();
        let all = variants(&self.reproducer.inputs, &self.reproducer.name);
        for input in &all {
            if began.elapsed() > VARIANTS_TIME {
                let (tried, all) = (sightings.len(), all.len());
                notes.push(format!("time allowed only {tried} of {all} variants"));
                break;
            }
            sightings.push(self.sighting(Some(input))?);
        }
        Ok(sightings)
    }

    /// One input, against every copy of the package: the flaw in one is enough.
    fn sighting(&mut self, input: Option<&str>) -> Result<Sighting, VerifyError> {
        let mut worst = Sight::Absent;
        for program in &self.staged.programs {
            let sight = self.look(program, input)?;
            if worst == Sight::Absent || sight == Sight::Present {
                worst = sight;
            }
        }
        Ok(Sighting {
            input: input.map(str::to_owned),
            sight: worst,
        })
    }

    fn look(&mut self, program: &[String], input: Option<&str>) -> Result<Sight, VerifyError> {
        let mut argv = program.to_vec();
        argv.extend(input.map(str::to_owned));
        self.runs += 1;
        let token = format!("{}-{}", self.reproducer.name, self.runs);
        let ended = self.workbench.run_staged(
            self.staged,
            &argv,
            Some((&token, self.reproducer.time_limit_s)),
            "reproducer",
        )?;
        let sight = self.judge(&ended, &token)?;
        if !self.seen {
            self.seen = sight == Sight::Present;
            self.log = Some(ended.log);
        }
        Ok(sight)
    }

    fn judge(&self, ended: &Ended, token: &str) -> Result<Sight, VerifyError> {
        let sight = match ended.ran.exit {
            Exit::Code(0) => Sight::Absent,
            Exit::Code(EXIT_PRESENT) => Sight::Present,
            exit @ (Exit::Code(_)
            | Exit::Signal(_)
            | Exit::TimedOut
            | Exit::OverLimit(_)
            | Exit::Cancelled) => {
                let said = error_text(&ended.log, REASON_CHARS_MAX)?;
                let said = first_line(&said);
                return Ok(Sight::Inconclusive(format!("{}: {said}", ended_how(exit))));
            }
        };
        if self.reproducer.says_when_done() && !has_line(&ended.log, token)? {
            return Ok(Sight::Inconclusive(
                "the process ended before the reproducer had come to its end".into(),
            ));
        }
        Ok(sight)
    }
}

impl Reproduction {
    fn untold(why: String, began: Instant) -> Self {
        Self {
            listed: vec![Sighting {
                input: None,
                sight: Sight::Inconclusive(why),
            }],
            variants: Vec::new(),
            elapsed: began.elapsed(),
            notes: Vec::new(),
            log: None,
        }
    }
}

fn first_line(said: &str) -> &str {
    said.lines().next().unwrap_or_default()
}

fn has_line(log: &Path, wanted: &str) -> Result<bool, VerifyError> {
    let file = File::open(log).doing("read log", log)?;
    let mut found = false;
    lines::for_each(BufReader::new(file), |line| found |= line.trim() == wanted)
        .doing("read log", log)?;
    Ok(found)
}
