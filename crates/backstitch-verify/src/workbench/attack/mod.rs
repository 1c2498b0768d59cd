//! Runs a reproducer of a project's own flaw on the untouched and on a changed tree, attacks both
//! with variants of its inputs, and compares what they do with inputs that show no flaw. Each run
//! has a fresh layer over the built tree, so none sees what another left. What the runs amount to is
//! decided in [`judge`].

mod after;
mod behaviour;
mod edges;
mod gather;
mod given;
mod instrument;
mod judge;
mod many;
mod mutate;
mod samples;
mod shots;
mod siblings;
mod texts;
mod volley;
mod windows;

use std::cell::Cell;
use std::path::PathBuf;
use std::time::Instant;

use backstitch_model::tree_reproducer::Input;
use backstitch_model::{Check, CheckRun, Oracle, Outcome, TreeReproducer};
use serde::{Deserialize, Serialize};

use self::given::{benign, listed, variants};
use self::judge::{Control, Saw};
use self::many::{Seen, Wary};
use self::mutate::Edges;
use self::samples::{samples, words};
use self::shots::{Given, Shot, Stage};
use super::Workbench;
use super::baseline::Baseline;
use super::error::VerifyError;
use super::trial::Trial;

pub use after::AttackedAfter;

/// How often what is red, and what is green, is run.
const RUNS: usize = 3;
/// How many variants are made.
const VARIANTS_MAX: usize = 800;
/// How many variants that are red on the untouched tree are run again alone.
const AGAIN_MAX: usize = 3;
/// The most files that are named of those a run wrote.
const WROTE_MAX: usize = 5;

/// What a reproducer, its variants and its controls did on the untouched tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attacked {
    /// Is it red? [`Outcome::Failed`] is.
    pub reproduce: CheckRun,
    record: Record,
}

/// The same, to be written down and [restored](Attacked::restore) for the next change of the same
/// tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedAttack {
    /// See [`Attacked::reproduce`].
    pub reproduce: CheckRun,
    /// What was seen besides, as JSON.
    pub seen: String,
}

/// What was seen on the untouched tree, input by input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// The name of the oracle that was declared or recognised.
    oracle: Option<String>,
    on: Build,
    /// What the first red run showed.
    flaw: Option<String>,
    /// The listed inputs that are red each time, by number.
    red: Vec<usize>,
    edges: Edges,
    /// Words that the project knows.
    words: Vec<String>,
    /// Stands for the variants that were made, and their order.
    made: u64,
    /// The variants, in order, as far as time allowed.
    plain: Vec<Seen>,
    instrumented: Result<Instrumented, String>,
    controls: Vec<Control>,
}

/// What the build with sanitizers showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Instrumented {
    /// What the first listed input that fails there shows.
    flaw: Option<String>,
    variants: Vec<Seen>,
    benign: Vec<Saw>,
    /// The controls, by their names, that free all that they use.
    tidy: Vec<String>,
}

impl Record {
    /// Does a variant show no flaw on any build of the untouched tree? One that only one of them
    /// was asked about is not known to.
    fn is_quiet(&self, number: usize) -> bool {
        let is_nothing =
            |all: &[Seen]| all.get(number).is_some_and(|seen| seen.saw == Saw::Nothing);
        let there = self.instrumented.as_ref();
        is_nothing(&self.plain) && there.map_or(true, |it| is_nothing(&it.variants))
    }
}

/// The build of a tree on which the flaw shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Build {
    /// As the project is built.
    Plain,
    /// With sanitizers.
    Instrumented,
}

impl Attacked {
    /// Is the flaw there each time?
    pub fn is_red(&self) -> bool {
        matches!(self.reproduce.outcome, Outcome::Failed(_))
    }

    /// The oracle that was declared, or recognised from a red run.
    pub fn oracle(&self) -> Option<Oracle> {
        self.record.oracle.as_deref()?.parse().ok()
    }

    /// What is to be written down of it.
    pub fn save(&self) -> Result<SavedAttack, VerifyError> {
        let seen = serde_json::to_string(&self.record);
        Ok(SavedAttack {
            reproduce: self.reproduce.clone(),
            seen: seen.map_err(|error| VerifyError::Restore(error.to_string()))?,
        })
    }

    /// Makes it of what was written down.
    pub fn restore(saved: SavedAttack) -> Result<Self, VerifyError> {
        let record = serde_json::from_str(&saved.seen).map_err(|error| {
            VerifyError::Restore(format!("what was seen is not what was written: {error}"))
        })?;
        Ok(Self {
            reproduce: saved.reproduce,
            record,
        })
    }

    fn untold(why: impl Into<String>, began: Instant) -> Self {
        Self {
            reproduce: CheckRun {
                elapsed: began.elapsed(),
                ..CheckRun::instant(Check::Reproduce, Outcome::NotRun(why.into()))
            },
            record: Record {
                oracle: None,
                on: Build::Plain,
                flaw: None,
                red: Vec::new(),
                edges: Edges::default(),
                words: Vec::new(),
                made: 0,
                plain: Vec::new(),
                instrumented: Err("it was not reached".into()),
                controls: Vec::new(),
            },
        }
    }
}

impl Workbench<'_> {
    /// Runs a reproducer on the untouched tree, which must be built: whether it is red, which of its
    /// variants are, and what its controls do.
    pub fn attack_before(
        &self,
        baseline: &Baseline,
        reproducer: &TreeReproducer,
    ) -> Result<Attacked, VerifyError> {
        let began = Instant::now();
        if let Some(why) = reproducer.objection() {
            return Ok(Attacked::untold(why, began));
        }
        let work = place(&baseline.origin, reproducer);
        let plain = Stage::open(self, reproducer, &baseline.origin, &work.join("plain"))?;
        let plain = match plain {
            Ok(plain) => plain,
            Err(why) => return Ok(Attacked::untold(why, began)),
        };
        let instrumented = self.instrumented_stage(baseline, &baseline.origin, reproducer)?;
        Before {
            reproducer,
            baseline,
            plain,
            instrumented,
            notes: Vec::new(),
            log: None,
            began,
        }
        .attack()
    }

    /// Would the same variants be made today? Another version may make others, or in another order,
    /// and then what was kept of an attack cannot be compared with one.
    pub fn attacks_alike(
        &self,
        baseline: &Baseline,
        reproducer: &TreeReproducer,
        before: &Attacked,
    ) -> bool {
        let Record { edges, words, .. } = &before.record;
        let samples = samples(baseline.origin.tree(), reproducer);
        let all = variants(reproducer, edges, words, &samples);
        !before.is_red() || before.record.made == given::mark(&all)
    }

    /// A tree's build with sanitizers, ready to be attacked, or why there is none.
    fn instrumented_stage<'run>(
        &'run self,
        baseline: &Baseline,
        trial: &Trial,
        reproducer: &'run TreeReproducer,
    ) -> Result<Result<Stage<'run>, String>, VerifyError> {
        let work = place(trial, reproducer);
        match self.instrumented(baseline, trial.tree(), &work.join("build"))? {
            Ok(built) => Stage::open(self, reproducer, &built, &work.join("instrumented")),
            Err(why) => Ok(Err(why)),
        }
    }
}

/// Where a reproducer's runs on a trial write.
fn place(trial: &Trial, reproducer: &TreeReproducer) -> PathBuf {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let name: String = reproducer
        .name
        .chars()
        .filter(|c| is_plain(*c))
        .take(60)
        .collect();
    trial.work().join("attack").join(format!("of-{name}"))
}

/// The untouched tree being attacked.
struct Before<'run> {
    reproducer: &'run TreeReproducer,
    baseline: &'run Baseline,
    plain: Stage<'run>,
    instrumented: Result<Stage<'run>, String>,
    notes: Vec<String>,
    log: Option<PathBuf>,
    began: Instant,
}

impl Before<'_> {
    fn attack(mut self) -> Result<Attacked, VerifyError> {
        let (on, oracle, first) = self.look()?;
        let saws = self.repeated(on, oracle, &first)?;
        let mut outcome = judge::before(&self.reproducer.name, &saws);
        if oracle.is_none() && outcome == Outcome::Passed {
            outcome = Outcome::NotRun(
                "the command shows no failure that is known; say what shows the flaw, such as \
                 `exit:42`"
                    .into(),
            );
        }
        let judging = oracle.unwrap_or(Oracle::ExitSignal);
        let benign = benign(self.reproducer);
        if let Some(why) = self.benign_failure(on, judging, &benign)? {
            outcome = Outcome::NotRun(why);
        }
        let is_red = matches!(outcome, Outcome::Failed(_));
        let red = |(number, runs): (usize, &Vec<Saw>)| {
            let is_red = runs.iter().all(|saw| matches!(saw, Saw::Flaw(_)));
            is_red.then_some(number)
        };
        let red: Vec<usize> = saws.iter().enumerate().filter_map(red).collect();
        let (mut edges, mut made) = (Edges::default(), 0);
        let tree = self.baseline.origin.tree();
        let (words, samples) = (words(tree, self.reproducer), samples(tree, self.reproducer));
        let (plain, instrumented) = if is_red {
            edges = self.edges(on, judging, red.first().copied())?;
            let all = variants(self.reproducer, &edges, &words, &samples);
            made = given::mark(&all);
            let plain = attacked(&mut self.plain, &all, judging, &mut self.notes)?;
            (plain, self.attack_instrumented(judging, &benign, &all)?)
        } else {
            (Vec::new(), Err("the reproducer is not red".into()))
        };
        let mut instrumented = instrumented;
        let controls = self.controls(judging, benign, samples.clone())?;
        if let (Ok(seen), Ok(stage)) = (&mut instrumented, &mut self.instrumented) {
            for given in of_controls(self.reproducer, samples, &controls) {
                if !stage.leaks(&given)? {
                    seen.tidy.push(given.name);
                }
            }
        }
        Ok(Attacked {
            reproduce: CheckRun {
                check: Check::Reproduce,
                outcome,
                elapsed: self.began.elapsed(),
                notes: self.notes,
                log: self.log.map(|log| log.display().to_string()),
            },
            record: Record {
                oracle: oracle.map(|oracle| oracle.to_string()),
                on,
                flaw: saws
                    .iter()
                    .flatten()
                    .find_map(Saw::failure)
                    .map(str::to_owned),
                red,
                edges,
                words,
                made,
                plain,
                instrumented,
                controls,
            },
        })
    }

    /// The first run of each listed input, on the build where one shows the flaw.
    fn look(&mut self) -> Result<(Build, Option<Oracle>, Vec<Saw>), VerifyError> {
        let plain = shots(&mut self.plain, &listed(self.reproducer))?;
        let (oracle, saws) = self.judged(&plain);
        self.tell(&plain);
        if saws.iter().any(|saw| matches!(saw, Saw::Flaw(_))) {
            self.tell_oracle(oracle);
            return Ok((Build::Plain, oracle, saws));
        }
        let Ok(stage) = &mut self.instrumented else {
            return Ok((Build::Plain, oracle, saws));
        };
        let shots = shots(stage, &listed(self.reproducer))?;
        let (other_oracle, others) = self.judged(&shots);
        if !others.iter().any(|saw| matches!(saw, Saw::Flaw(_))) {
            return Ok((Build::Plain, oracle, saws));
        }
        self.log = shots.first().map(|shot| shot.log.clone());
        self.tell_oracle(other_oracle);
        self.notes.push(
            "the flaw shows in a build with the sanitizers for addresses and undefined behaviour"
                .into(),
        );
        Ok((Build::Instrumented, other_oracle, others))
    }

    /// The oracle, declared or recognised, and what each run showed by it.
    fn judged(&self, shots: &[Shot]) -> (Option<Oracle>, Vec<Saw>) {
        let recognised = || shots.iter().find_map(|shot| Oracle::recognise(&shot.run));
        let oracle = self.reproducer.oracle.or_else(recognised);
        let by = oracle.unwrap_or(Oracle::ExitSignal);
        (oracle, shots.iter().map(|shot| saw(by, shot)).collect())
    }

    fn tell_oracle(&mut self, oracle: Option<Oracle>) {
        if let Some(oracle) = oracle.filter(|_| self.reproducer.oracle.is_none()) {
            self.notes
                .push(format!("what shows the flaw was recognised: {oracle}"));
        }
    }

    fn tell(&mut self, shots: &[Shot]) {
        self.log = shots.first().map(|shot| shot.log.clone());
        self.notes.extend(wrote(shots));
    }

    /// Where one input is red, each is run again: what goes by chance must not pass for some
    /// inputs that are red and others that are not.
    fn repeated(
        &mut self,
        on: Build,
        oracle: Option<Oracle>,
        first: &[Saw],
    ) -> Result<Vec<Vec<Saw>>, VerifyError> {
        let all = listed(self.reproducer);
        let oracle = oracle.unwrap_or(Oracle::ExitSignal);
        let is_red = first.iter().any(|saw| matches!(saw, Saw::Flaw(_)));
        let mut runs = Vec::new();
        for (given, saw_first) in all.iter().zip(first) {
            let mut saws = vec![saw_first.clone()];
            if is_red && !matches!(saw_first, Saw::Stopped(_)) {
                for _ in 1..RUNS {
                    let shot = self.shoot(on, given)?;
                    saws.extend(shot.map(|shot| saw(oracle, &shot)));
                }
            }
            runs.push(saws);
        }
        Ok(runs)
    }

    fn shoot(&mut self, on: Build, given: &Given) -> Result<Option<Shot>, VerifyError> {
        let stage = match on {
            Build::Plain => &mut self.plain,
            Build::Instrumented => match &mut self.instrumented {
                Ok(stage) => stage,
                Err(_) => return Ok(None),
            },
        };
        let shot = stage.shoot(given)?;
        stage.forget(&shot)?;
        Ok(Some(shot))
    }

    /// Why a failure says nothing: an input that shows no flaw fails in the same way.
    fn benign_failure(
        &mut self,
        on: Build,
        oracle: Oracle,
        benign: &[Given],
    ) -> Result<Option<String>, VerifyError> {
        for given in benign {
            let shot = self.shoot(on, given)?;
            if let Some(Saw::Flaw(what)) = shot.map(|shot| saw(oracle, &shot)) {
                return Ok(Some(format!("{} shows the flaw, too: {what}", given.name)));
            }
        }
        Ok(None)
    }

    fn attack_instrumented(
        &mut self,
        oracle: Oracle,
        given: &[Given],
        variants: &[Given],
    ) -> Result<Result<Instrumented, String>, VerifyError> {
        let stage = match &mut self.instrumented {
            Ok(stage) => stage,
            Err(why) => {
                self.notes
                    .push(format!("no build with sanitizers is attacked: {why}"));
                return Ok(Err(why.clone()));
            }
        };
        let mut benign = Vec::new();
        for given in given {
            let shot = stage.shoot(given)?;
            stage.forget(&shot)?;
            benign.push(saw(oracle, &shot));
        }
        if let Some(what) = benign.iter().find_map(Saw::failure) {
            let why = format!("it reports on a benign input before any change: {what}");
            self.notes
                .push(format!("the build with sanitizers is not used: {why}"));
            return Ok(Err(why));
        }
        let mut flaw = None;
        for given in listed(self.reproducer) {
            let shot = stage.shoot(&given)?;
            stage.forget(&shot)?;
            flaw = saw(oracle, &shot).failure().map(str::to_owned);
            if flaw.is_some() {
                break;
            }
        }
        let variants = attacked(stage, variants, oracle, &mut self.notes)?;
        Ok(Ok(Instrumented {
            flaw,
            variants,
            benign,
            tidy: Vec::new(),
        }))
    }

    /// What inputs that show no flaw do: the declared ones and those of the project.
    fn controls(
        &mut self,
        oracle: Oracle,
        benign: Vec<Given>,
        samples: Vec<Input>,
    ) -> Result<Vec<Control>, VerifyError> {
        let mut all = benign;
        all.extend(given::of_samples(self.reproducer, samples));
        let mut controls = Vec::new();
        for given in &all {
            let first = control(&mut self.plain, oracle, given)?;
            let again = control(&mut self.plain, oracle, given)?;
            // One that fails already says nothing of a change.
            if first.saw.failure().is_some() {
                let name = &first.name;
                self.notes
                    .push(format!("{name} fails before any change and is not used"));
                continue;
            }
            controls.push(Control {
                is_steady: first == again,
                ..first
            });
        }
        Ok(controls)
    }
}

fn saw(oracle: Oracle, shot: &Shot) -> Saw {
    Saw::of(oracle.look(&shot.run), shot.stopped)
}

fn shots(stage: &mut Stage<'_>, all: &[Given]) -> Result<Vec<Shot>, VerifyError> {
    all.iter().map(|given| stage.shoot(given)).collect()
}

/// What the variants show, in order, as far as time allows.
fn attacked(
    stage: &mut Stage<'_>,
    all: &[Given],
    oracle: Oracle,
    notes: &mut Vec<String>,
) -> Result<Vec<Seen>, VerifyError> {
    let order: Vec<usize> = (0..all.len()).collect();
    let red = Cell::new(0);
    let again = |_: usize, saw: &Saw| {
        let is_red = saw.failure().is_some();
        red.set(red.get() + usize::from(is_red));
        is_red && red.get() <= AGAIN_MAX
    };
    let wary = Wary {
        again: &again,
        enough: &|_, _| false,
    };
    let seen = many::attacked(stage, all, &order, oracle, &wary, notes)?;
    Ok(seen.into_values().collect())
}

fn control(stage: &mut Stage<'_>, oracle: Oracle, given: &Given) -> Result<Control, VerifyError> {
    let shot = stage.shoot(given)?;
    stage.forget(&shot)?;
    Ok(Control {
        name: given.name.clone(),
        saw: saw(oracle, &shot),
        behaviour: shot.behaviour,
        is_steady: true,
        role: given.role,
    })
}

/// The inputs of controls, as they are given.
fn of_controls(
    reproducer: &TreeReproducer,
    samples: Vec<Input>,
    controls: &[Control],
) -> Vec<Given> {
    let all = benign(reproducer).into_iter();
    let mut all: Vec<_> = all.chain(given::of_samples(reproducer, samples)).collect();
    all.retain(|given| controls.iter().any(|control| control.name == given.name));
    all
}

/// What runs wrote in the project's folder, which is thrown away.
fn wrote(shots: &[Shot]) -> Option<String> {
    let shot = shots.iter().find(|shot| !shot.wrote.is_empty())?;
    let names: Vec<_> = shot
        .wrote
        .iter()
        .take(WROTE_MAX)
        .map(|name| format!("`{}`", name.escape_debug()))
        .collect();
    let more = shot.wrote.len().saturating_sub(WROTE_MAX);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    Some(format!(
        "the reproducer writes in the project's folder, which is kept from everything else: {}{more}",
        names.join(", ")
    ))
}
