//! Attacks a changed tree as the untouched one was attacked.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Instant;

use backstitch_model::{Check, CheckRun, Oracle, Outcome, TreeReproducer};

use super::given::{benign, listed, of_samples, variants};
use super::judge::{self, Control, Pair, Saw};
use super::many::{self, Seen, Wary};
use super::samples::samples;
use super::shots::{Given, Role, Stage, Work};
use super::{Attacked, Build, RUNS, Record, control, of_controls, place, saw};
use crate::workbench::Workbench;
use crate::workbench::baseline::{Attempt, Baseline};
use crate::workbench::error::VerifyError;

/// How many variants that do something else than before are run alone on both trees.
const APART_MAX: usize = 8;
/// How many variants that are green now are run again alone.
const SPOT_CHECKS: usize = 4;

/// What a reproducer, its variants and its controls did on a changed tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttackedAfter {
    /// Is it green?
    pub reproduce: CheckRun,
    /// Is the cause gone, or just this input?
    pub re_attack: CheckRun,
    /// Do inputs that showed no flaw do the same as before?
    pub compare: CheckRun,
}

impl Workbench<'_> {
    /// Runs a reproducer on a changed tree, which must be built, and compares with what was seen on
    /// the untouched one.
    pub fn attack_after(
        &self,
        baseline: &Baseline,
        attempt: &Attempt,
        reproducer: &TreeReproducer,
        before: &Attacked,
    ) -> Result<AttackedAfter, VerifyError> {
        let work = place(&attempt.trial, reproducer);
        let plain = Stage::open(self, reproducer, &attempt.trial, &work.join("plain"))?;
        let plain = match plain {
            Ok(plain) => plain,
            Err(why) => return Ok(AttackedAfter::untold(&why)),
        };
        let is_wanted =
            before.record.on == Build::Instrumented || before.record.instrumented.is_ok();
        let instrumented = if is_wanted {
            self.instrumented_stage(baseline, &attempt.trial, reproducer)?
        } else {
            Err("the untouched tree was not attacked so".into())
        };
        let mut after = After {
            workbench: self,
            baseline,
            reproducer,
            before,
            oracle: before.oracle().unwrap_or(Oracle::ExitSignal),
            plain,
            instrumented,
            all: variants(
                reproducer,
                &before.record.edges,
                &before.record.words,
                &samples(baseline.origin.tree(), reproducer),
            ),
            log: None,
        };
        let reproduce = after.reproduce()?;
        let (controls, elapsed) = after.controls()?;
        let pairs = pairs(&before.record.controls, &controls);
        let (re_attack, marks) = after.re_attack(&reproduce, &pairs)?;
        let began = Instant::now();
        let (alike, apart) = after.quiet(&marks)?;
        let mut pairs = pairs;
        pairs.extend(apart.iter().map(|(before, after)| (before, after)));
        let leaking = after.leaking()?;
        let (outcome, notes) = judge::compare(&pairs, alike, &leaking);
        let elapsed = elapsed + began.elapsed();
        Ok(AttackedAfter {
            reproduce,
            re_attack,
            compare: CheckRun {
                elapsed,
                notes,
                ..CheckRun::instant(Check::Compare, outcome)
            },
        })
    }
}

impl AttackedAfter {
    fn untold(why: &str) -> Self {
        let untold = |check| CheckRun::instant(check, Outcome::NotRun(why.to_owned()));
        Self {
            reproduce: untold(Check::Reproduce),
            re_attack: untold(Check::ReAttack),
            compare: untold(Check::Compare),
        }
    }
}

/// A changed tree being attacked.
struct After<'run> {
    workbench: &'run Workbench<'run>,
    baseline: &'run Baseline,
    reproducer: &'run TreeReproducer,
    before: &'run Attacked,
    oracle: Oracle,
    plain: Stage<'run>,
    instrumented: Result<Stage<'run>, String>,
    /// The variants.
    all: Vec<Given>,
    log: Option<PathBuf>,
}

/// What an input showed before and shows now.
struct Shown<'run> {
    name: String,
    before: &'run Saw,
    after: Saw,
    work: Work,
    /// What a listed input showed on the same build of the untouched tree.
    flaw: Option<&'run str>,
}

/// What the variants do in the changed tree as it is built, by their numbers.
type Marks = BTreeMap<usize, Seen>;

impl<'run> After<'run> {
    fn reproduce(&mut self) -> Result<CheckRun, VerifyError> {
        let began = Instant::now();
        let mut notes = Vec::new();
        let outcome = if self.before.is_red() {
            self.green(&mut notes)?
        } else {
            Outcome::NotRun("the reproducer was not red before".into())
        };
        Ok(CheckRun {
            check: Check::Reproduce,
            outcome,
            elapsed: began.elapsed(),
            notes,
            log: self.log.as_ref().map(|log| log.display().to_string()),
        })
    }

    /// Is every listed input green each time, and still red on the untouched tree?
    fn green(&mut self, notes: &mut Vec<String>) -> Result<Outcome, VerifyError> {
        let name = &self.reproducer.name;
        let all = listed(self.reproducer);
        // First the build on which it was red.
        let builds = match self.before.record.on {
            Build::Plain => [Build::Plain, Build::Instrumented],
            Build::Instrumented => [Build::Instrumented, Build::Plain],
        };
        for build in builds {
            let stage = match (build, &mut self.instrumented) {
                (Build::Plain, _) => &mut self.plain,
                (Build::Instrumented, Ok(stage)) => stage,
                (Build::Instrumented, Err(why)) if build == builds[0] => {
                    return Ok(Outcome::NotRun(format!(
                        "the changed tree has no build with sanitizers: {why}"
                    )));
                }
                (Build::Instrumented, Err(_)) => continue,
            };
            let saws = shoot_all(stage, &all, self.oracle, RUNS, &mut self.log)?;
            let outcome = judge::after(name, &saws);
            if outcome != Outcome::Passed {
                return Ok(outcome);
            }
        }
        notes.push(format!("green in {RUNS} of {RUNS} runs of every input"));
        self.still_red(&all)
    }

    /// Green counts only where the untouched tree is red still: else the clock or chance may have
    /// made the difference.
    fn still_red(&self, all: &[Given]) -> Result<Outcome, VerifyError> {
        let origin = &self.baseline.origin;
        let stage = match self.before.record.on {
            Build::Plain => {
                // Not where the logs of the first attack are.
                let work = place(origin, self.reproducer).join("again");
                Stage::open(self.workbench, self.reproducer, origin, &work)?
            }
            Build::Instrumented => {
                self.workbench
                    .instrumented_stage(self.baseline, origin, self.reproducer)?
            }
        };
        let mut stage = match stage {
            Ok(stage) => stage,
            Err(why) => return Ok(Outcome::NotRun(why)),
        };
        for number in &self.before.record.red {
            let Some(given) = all.get(*number) else {
                return Ok(Outcome::NotRun(
                    "the reproducer is not the one that was run before".into(),
                ));
            };
            let shot = stage.shoot(given)?;
            if !matches!(saw(self.oracle, &shot), Saw::Flaw(_)) {
                return Ok(Outcome::NotRun(
                    "the untouched project is no longer red: the reproducer depends on chance or \
                     the clock"
                        .into(),
                ));
            }
        }
        Ok(Outcome::Passed)
    }

    fn re_attack(
        &mut self,
        reproduce: &CheckRun,
        controls: &[(&Control, &Control)],
    ) -> Result<(CheckRun, Marks), VerifyError> {
        let began = Instant::now();
        let mut notes = Vec::new();
        // Where a listed input is not green no variant need be tried.
        let is_green = reproduce.outcome == Outcome::Passed;
        let (seen, marks) = if is_green {
            self.seen(&mut notes)?
        } else {
            (Vec::new(), Marks::new())
        };
        let pairs: Vec<_> = seen
            .iter()
            .map(|shown| Pair {
                name: &shown.name,
                before: shown.before,
                after: &shown.after,
                work: shown.work,
                is_told: matches!(self.oracle, Oracle::ExitCode(_)),
                flaw: shown.flaw,
            })
            .collect();
        let red = pairs
            .iter()
            .filter(|pair| pair.before.failure().is_some())
            .count();
        let others = pairs.iter().filter(|pair| pair.is_another_flaw()).count();
        if others > 0 {
            notes.push(format!(
                "{others} variants show another flaw, before and after, which does not count here"
            ));
        }
        let outcome = match judge::re_attack(&pairs, controls) {
            Outcome::NotRun(_) if !self.before.is_red() => {
                Outcome::NotRun("the reproducer was not red before".into())
            }
            Outcome::NotRun(_) if !is_green => {
                Outcome::NotRun("the reproducer is not green".into())
            }
            Outcome::NotRun(_) if self.all.is_empty() => {
                Outcome::NotRun("nothing of the reproducer's command can be varied".into())
            }
            outcome => outcome,
        };
        if is_green {
            notes.push(format!(
                "{red} of {} runs of variants showed a flaw before",
                pairs.len()
            ));
        }
        let run = CheckRun {
            check: Check::ReAttack,
            outcome,
            elapsed: began.elapsed(),
            notes,
            log: None,
        };
        Ok((run, marks))
    }

    /// What each variant showed before and shows here, on each build: all of them, or as far as
    /// the first that fails.
    fn seen(&mut self, notes: &mut Vec<String>) -> Result<(Vec<Shown<'run>>, Marks), VerifyError> {
        let record: &'run Record = &self.before.record;
        let flaw = record.flaw.as_deref();
        let mut seen = Vec::new();
        // First the build on which it was red: it decides soonest.
        let is_first = record.on == Build::Instrumented;
        if is_first && self.seen_instrumented(&mut seen, notes)? {
            return Ok((seen, Marks::new()));
        }
        let plain = attacked(
            &mut self.plain,
            &self.all,
            &record.plain,
            self.oracle,
            flaw,
            notes,
        )?;
        let mut is_decided = false;
        for (number, now) in &plain {
            let was = &record.plain[*number].saw;
            is_decided |= is_enough(&self.all[*number], was, &now.saw, self.oracle, flaw);
            seen.push(Shown {
                name: self.all[*number].name.clone(),
                before: was,
                after: now.saw.clone(),
                work: self.all[*number].work,
                flaw,
            });
        }
        if !is_first && !is_decided {
            self.seen_instrumented(&mut seen, notes)?;
        }
        Ok((seen, plain))
    }

    /// Adds what was seen on the build with sanitizers, where there is one; answers whether that
    /// decides.
    fn seen_instrumented(
        &mut self,
        seen: &mut Vec<Shown<'run>>,
        notes: &mut Vec<String>,
    ) -> Result<bool, VerifyError> {
        let record: &'run Record = &self.before.record;
        let Ok(before) = &record.instrumented else {
            return Ok(false);
        };
        let flaw = before.flaw.as_deref().or(record.flaw.as_deref());
        let stage = match &mut self.instrumented {
            Ok(stage) => stage,
            Err(why) => {
                notes.push(format!("no build with sanitizers is attacked: {why}"));
                return Ok(false);
            }
        };
        let there = attacked(stage, &self.all, &before.variants, self.oracle, flaw, notes)?;
        let mut is_decided = false;
        for (number, now) in there {
            let name = format!("{}, built with sanitizers,", self.all[number].name);
            let was = &before.variants[number].saw;
            is_decided |= is_enough(&self.all[number], was, &now.saw, self.oracle, flaw);
            seen.push(Shown {
                name,
                before: was,
                after: now.saw,
                work: self.all[number].work,
                flaw,
            });
        }
        if is_decided {
            return Ok(true);
        }
        for (given, was) in benign(self.reproducer).iter().zip(&before.benign) {
            let shot = stage.shoot(given)?;
            stage.forget(&shot)?;
            let name = format!("{}, built with sanitizers,", given.name);
            seen.push(Shown {
                name,
                before: was,
                after: saw(self.oracle, &shot),
                work: Work::Usual,
                flaw,
            });
        }
        Ok(false)
    }

    /// Of the variants that showed no flaw before: how many do the same here, and what some of the
    /// others do on both trees, each run alone.
    fn quiet(&mut self, marks: &Marks) -> Result<(usize, Vec<(Control, Control)>), VerifyError> {
        let record = &self.before.record;
        let quiet = marks
            .iter()
            .filter(|(number, seen)| record.is_quiet(**number) && matches!(seen.saw, Saw::Nothing));
        let is_same = |number: usize, seen: &Seen| record.plain[number].mark == seen.mark;
        let (same, mut apart): (Vec<_>, Vec<_>) = quiet
            .map(|(number, seen)| (*number, seen))
            .partition(|(number, seen)| is_same(*number, seen));
        // A count that is of use beyond what is left of its input says no length. One that is not
        // may say one, and to refuse what is not there breaks nothing.
        let sizes: BTreeSet<_> = same
            .iter()
            .filter(|(_, seen)| seen.is_done)
            .filter_map(|(number, _)| self.all[*number].count)
            .filter(|count| count.is_beyond)
            .map(|count| count.which)
            .collect();
        let role = |number: usize| match &self.all[number] {
            given if given.count.is_some_and(|it| !sizes.contains(&it.which)) => Role::Near,
            given => given.role,
        };
        // First those that are far from the flaw.
        apart.sort_by_key(|(number, _)| (role(*number) == Role::Near, *number));
        let numbers: Vec<usize> = apart
            .into_iter()
            .map(|(number, _)| number)
            .take(APART_MAX)
            .collect();
        if numbers.is_empty() {
            return Ok((same.len(), Vec::new()));
        }
        let origin = &self.baseline.origin;
        // Not where the logs of the first attack are.
        let work = place(origin, self.reproducer).join("again");
        let Ok(mut there) = Stage::open(self.workbench, self.reproducer, origin, &work)? else {
            return Ok((same.len(), Vec::new()));
        };
        let mut pairs = Vec::new();
        for number in numbers {
            let given = Given {
                role: role(number),
                ..self.all[number].clone()
            };
            let before = steady(&mut there, self.oracle, &given)?;
            let after = steady(&mut self.plain, self.oracle, &given)?;
            pairs.push((before, after));
        }
        Ok((same.len(), pairs))
    }

    /// The controls that free all that they use on the untouched tree, and do not so here.
    fn leaking(&mut self) -> Result<Vec<String>, VerifyError> {
        let mut leaking = Vec::new();
        let record = &self.before.record;
        let (Ok(before), Ok(stage)) = (&record.instrumented, &mut self.instrumented) else {
            return Ok(leaking);
        };
        let samples = samples(self.baseline.origin.tree(), self.reproducer);
        for given in of_controls(self.reproducer, samples, &record.controls) {
            if before.tidy.contains(&given.name) && stage.leaks(&given)? {
                leaking.push(given.name);
            }
        }
        Ok(leaking)
    }

    /// What the controls of the untouched tree do here, by their names.
    fn controls(
        &mut self,
    ) -> Result<(BTreeMap<String, Control>, std::time::Duration), VerifyError> {
        let began = Instant::now();
        let tree = self.baseline.origin.tree();
        let samples = of_samples(self.reproducer, samples(tree, self.reproducer));
        let all = benign(self.reproducer).into_iter().chain(samples);
        let by_name: BTreeMap<_, _> = all.map(|given| (given.name.clone(), given)).collect();
        let mut controls = BTreeMap::new();
        for before in &self.before.record.controls {
            let Some(given) = by_name.get(&before.name) else {
                continue;
            };
            let run = |stage: &mut Stage<'_>| control(stage, self.oracle, given);
            let mut after = run(&mut self.plain)?;
            if before.behaviour != after.behaviour || before.saw != after.saw {
                // A difference counts where it is there each time.
                after.is_steady = run(&mut self.plain)? == after;
            }
            controls.insert(before.name.clone(), after);
        }
        Ok((controls, began.elapsed()))
    }
}

/// What the variants that were run before show here: first those that were red.
fn attacked(
    stage: &mut Stage<'_>,
    all: &[Given],
    before: &[Seen],
    oracle: Oracle,
    flaw: Option<&str>,
    notes: &mut Vec<String>,
) -> Result<Marks, VerifyError> {
    let was_red = |number: usize| before[number].saw.failure().is_some();
    let mut order: Vec<usize> = (0..before.len().min(all.len())).collect();
    order.sort_by_key(|number| (!was_red(*number), *number));
    let spot_checked = Cell::new(0);
    let again = |number: usize, saw: &Saw| match saw {
        Saw::Flaw(_) | Saw::Other(_) => true,
        Saw::Stopped(_) | Saw::Untold(_) => was_red(number),
        // A tree that knows that it is watched could forge what it does among others.
        Saw::Nothing if was_red(number) => {
            spot_checked.set(spot_checked.get() + 1);
            spot_checked.get() <= SPOT_CHECKS
        }
        Saw::Nothing => false,
    };
    let wary = Wary {
        again: &again,
        enough: &|number, saw| is_enough(&all[number], &before[number].saw, saw, oracle, flaw),
    };
    many::attacked(stage, all, &order, oracle, &wary, notes)
}

/// Does this one decide?
fn is_enough(given: &Given, was: &Saw, now: &Saw, oracle: Oracle, flaw: Option<&str>) -> bool {
    let pair = Pair {
        name: &given.name,
        before: was,
        after: now,
        work: given.work,
        is_told: matches!(oracle, Oracle::ExitCode(_)),
        flaw,
    };
    now.failure().is_some() && pair.is_held_against()
}

/// What an input does, and whether it does so twice.
fn steady(stage: &mut Stage<'_>, oracle: Oracle, given: &Given) -> Result<Control, VerifyError> {
    let first = control(stage, oracle, given)?;
    let again = control(stage, oracle, given)?;
    Ok(Control {
        is_steady: first == again,
        ..first
    })
}

/// Each control with what it does on the changed tree.
fn pairs<'saw>(
    before: &'saw [Control],
    after: &'saw BTreeMap<String, Control>,
) -> Vec<(&'saw Control, &'saw Control)> {
    let with = |control: &'saw Control| Some((control, after.get(&control.name)?));
    before.iter().filter_map(with).collect()
}

/// What every input shows, each run several times.
fn shoot_all(
    stage: &mut Stage<'_>,
    all: &[Given],
    oracle: Oracle,
    runs: usize,
    log: &mut Option<PathBuf>,
) -> Result<Vec<Saw>, VerifyError> {
    let mut saws = Vec::new();
    for given in all {
        for _ in 0..runs {
            let shot = stage.shoot(given)?;
            let seen = saw(oracle, &shot);
            let is_telling = seen != Saw::Nothing;
            saws.push(seen);
            if log.is_none() || is_telling {
                *log = Some(shot.log.clone());
            }
            if is_telling {
                return Ok(saws);
            }
        }
    }
    Ok(saws)
}
