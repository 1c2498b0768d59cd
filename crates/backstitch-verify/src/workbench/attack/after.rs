//! Attacks a changed tree as the untouched one was attacked.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use backstitch_model::{Check, CheckRun, Oracle, Outcome, TreeReproducer};

use super::given::{benign, listed, of_samples, variants};
use super::judge::{self, Control, Pair, Saw};
use super::samples::samples;
use super::shots::{Given, Stage};
use super::{Attacked, Build, RUNS, Record, attacked, control, place, saw};
use crate::workbench::Workbench;
use crate::workbench::baseline::{Attempt, Baseline};
use crate::workbench::error::VerifyError;

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
            log: None,
        };
        let reproduce = after.reproduce()?;
        let (controls, elapsed) = after.controls()?;
        let pairs = pairs(&before.record.controls, &controls);
        let re_attack = after.re_attack(&reproduce, &pairs)?;
        let (outcome, notes) = judge::compare(&pairs);
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
    log: Option<PathBuf>,
}

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
                let work = place(origin, self.reproducer).join("plain");
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
    ) -> Result<CheckRun, VerifyError> {
        let began = Instant::now();
        let mut notes = Vec::new();
        let record = &self.before.record;
        let all = variants(self.reproducer, &record.edges, &record.words);
        // Where a listed input is not green no variant need be tried.
        let is_green = reproduce.outcome == Outcome::Passed;
        let seen = if is_green {
            self.seen(&all, &mut notes)?
        } else {
            Vec::new()
        };
        let pairs: Vec<_> = seen
            .iter()
            .map(|(name, before, after)| Pair {
                name,
                before,
                after,
            })
            .collect();
        let red = pairs
            .iter()
            .filter(|pair| pair.before.failure().is_some())
            .count();
        let flaw = record.flaw.as_deref();
        let others = pairs
            .iter()
            .filter(|pair| pair.is_another_flaw(flaw))
            .count();
        if others > 0 {
            notes.push(format!(
                "{others} variants show another flaw, before and after, which does not count here"
            ));
        }
        let outcome = match judge::re_attack(&pairs, controls, flaw) {
            Outcome::NotRun(_) if !self.before.is_red() => {
                Outcome::NotRun("the reproducer was not red before".into())
            }
            Outcome::NotRun(_) if !is_green => {
                Outcome::NotRun("the reproducer is not green".into())
            }
            Outcome::NotRun(_) if all.is_empty() => {
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
        Ok(CheckRun {
            check: Check::ReAttack,
            outcome,
            elapsed: began.elapsed(),
            notes,
            log: None,
        })
    }

    /// What each variant showed before and shows here, on each build.
    fn seen(
        &mut self,
        all: &[Given],
        notes: &mut Vec<String>,
    ) -> Result<Vec<(String, &'run Saw, Saw)>, VerifyError> {
        let record: &'run Record = &self.before.record;
        let names = all.iter().map(|given| &given.name);
        let plain = attacked(&mut self.plain, all, self.oracle, notes)?;
        let plain = names.clone().cloned().zip(&record.plain).zip(plain);
        let mut seen: Vec<_> = plain.map(|((name, was), now)| (name, was, now)).collect();
        let Ok(before) = &record.instrumented else {
            return Ok(seen);
        };
        let stage = match &mut self.instrumented {
            Ok(stage) => stage,
            Err(why) => {
                notes.push(format!("no build with sanitizers is attacked: {why}"));
                return Ok(seen);
            }
        };
        let there = attacked(stage, all, self.oracle, notes)?;
        for ((name, was), now) in names.zip(&before.variants).zip(there) {
            seen.push((format!("{name}, built with sanitizers,"), was, now));
        }
        for (given, was) in benign(self.reproducer).iter().zip(&before.benign) {
            let shot = stage.shoot(given)?;
            stage.forget(&shot)?;
            let name = format!("{}, built with sanitizers,", given.name);
            seen.push((name, was, saw(self.oracle, &shot)));
        }
        Ok(seen)
    }

    /// What the controls of the untouched tree do here, by their names.
    fn controls(
        &mut self,
    ) -> Result<(BTreeMap<String, Control>, std::time::Duration), VerifyError> {
        let began = Instant::now();
        let tree = self.baseline.origin.tree();
        let samples = of_samples(self.reproducer, samples(tree, self.reproducer));
        let all = benign(self.reproducer)
            .into_iter()
            .chain(samples)
            .chain(variants(
                self.reproducer,
                &self.before.record.edges,
                &self.before.record.words,
            ));
        let by_name: BTreeMap<_, _> = all.map(|given| (given.name.clone(), given)).collect();
        let mut controls = BTreeMap::new();
        for before in &self.before.record.controls {
            let Some(given) = by_name.get(&before.name) else {
                continue;
            };
            let run =
                |stage: &mut Stage<'_>| control(stage, self.oracle, given, before.is_declared);
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
