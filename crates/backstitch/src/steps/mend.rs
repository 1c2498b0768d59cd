//! Mend: what is wrong with the project's own code is for engines. What one proposes is judged as
//! anyone's change of the tree with all fixes so far, and becomes a fix upon them. What is
//! delivered of that is judged once more, as a whole and from nothing.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use backstitch_model::evidence::Confinement;
use backstitch_model::{Check, CheckRun, Outcome, Policy};
use backstitch_verify::sandbox::Cancel;
use backstitch_verify::workbench::Start;

use super::Steps;
use super::apply::changed_files;
use crate::advisories::Advisories;
use crate::engines::{Asker, Desk};
use crate::judge::{self, Added, Addition, Given};
use crate::ledger::Event;
use crate::managers::Managers;
use crate::mend::{self, Flaw, Judged, Mended, Proposed, Task, Tried};
use crate::places::Places;
use crate::report::Progress;
use crate::reproducers::Library;
use crate::source::{self, Source};
use crate::story::{ChangedFile, Fix, Settled};
use crate::wire;

/// Said where nobody may be asked.
const NO_ENGINE: &str = "no engine is listed in your settings, and without one nothing is proposed \
                         for the project's own code";
/// Said where no verdict could be given on anything.
const NOTHING_SHOWS_IT: &str = "nothing here can show whether a change settles it, so no engine was \
                                asked: give the scanner's command with `--rescan`, or name it with \
                                `--only` and give a reproducer";

/// A tree with some of the fixes.
struct Stacked {
    root: PathBuf,
    /// Names it: the base and every fix in it.
    key: String,
}

/// What the judge is given of a run besides what it judges.
struct Bar {
    advisories: Arc<Advisories>,
    managers: Arc<Managers>,
    policy: Arc<Policy>,
    places: Places,
    confinement: Confinement,
    progress: Arc<Progress>,
    rescan: Option<Vec<String>>,
    cancel: Cancel,
}

impl Steps {
    /// The weaknesses that were named, by their place.
    pub fn flaws(&self) -> std::ops::Range<usize> {
        0..self.flaws.len()
    }

    /// Lets engines mend a weakness; where nothing comes of it, its record says why.
    pub fn mend(&mut self, index: usize) -> Result<()> {
        let flaw = self.flaws[index].clone();
        let Some(mut asker) = self.asker.take() else {
            return self.leave(index, NO_ENGINE);
        };
        let mended = if flaw.reproducer.is_none() && self.rescan.is_none() {
            self.leave(index, NOTHING_SHOWS_IT)
        } else {
            self.mend_with(&mut asker, index, &flaw)
        };
        self.asker = Some(asker);
        mended
    }

    fn mend_with(&mut self, asker: &mut Asker, index: usize, flaw: &Flaw) -> Result<()> {
        let ground = self.stacked(self.story.fixes.len())?;
        let bar = self.bar();
        self.progress
            .step(&format!("asking engines about {}", flaw.weakness));
        let mut desk = Desk {
            journal: &mut self.journal,
            folder: &self.story.evidence,
            progress: &self.progress,
        };
        let of = std::slice::from_ref(flaw);
        let mut judge = |proposed: Proposed, desk: &mut Desk<'_>| {
            bar.judge(&ground, of, proposed, Start::Warm, desk)
        };
        let task = Task::from((flaw, self.policy.inputs));
        let mended = mend::mend(&task, &ground.root, asker, &mut desk, &mut judge)?;
        self.story.asks.extend(mended.asks.iter().cloned());
        self.take(index, flaw, &ground, mended)
    }

    /// Takes up what came of a weakness: a fix upon the others, or the reason why it stays.
    fn take(&mut self, index: usize, flaw: &Flaw, ground: &Stacked, mended: Mended) -> Result<()> {
        let Some(tried) = mended.settled_by() else {
            let why = mended.why_left();
            self.story.weaknesses[index].mended = mended;
            return self.tell_left(index, &why);
        };
        let given = Given::Edits {
            name: String::new(),
            edits: tried.edits.clone(),
        };
        let of = std::slice::from_ref(flaw);
        let fix = Fix {
            attempt: key(ground, of, &given, tried.addition.as_ref())?,
            settles: Settled::Weakness(index),
            files: self.files(ground, tried)?,
        };
        self.story.fixes.push(fix);
        self.story.weaknesses[index].mended = mended;
        Ok(())
    }

    /// Leaves a weakness without asking anybody.
    fn leave(&mut self, index: usize, why: &str) -> Result<()> {
        self.story.weaknesses[index].obstacle = Some(why.to_owned());
        self.tell_left(index, why)
    }

    fn tell_left(&mut self, index: usize, why: &str) -> Result<()> {
        let weakness = &self.story.weaknesses[index].weakness;
        self.progress
            .line(&format!("{weakness} needs a human: {why}"));
        self.journal.write_once(&Event::Blocked {
            findings: vec![weakness.id.to_string()],
            why: why.to_owned(),
        })
    }

    /// The files of a proposal that settles something, and its test where that is kept.
    fn files(&self, ground: &Stacked, tried: &Tried) -> Result<Vec<ChangedFile>> {
        const NAME: &str = "edited";
        self.workplace.discard(NAME)?;
        let edited = self.workplace.tree(NAME)?;
        source::duplicate(&ground.root, &edited)?;
        source::edit(&source::open_dir(&edited)?, &tried.edits)?
            .map_err(|why| anyhow!("make the edits that were judged: {why}"))?;
        let mut files = changed_files(&ground.root, &edited)?;
        files.retain(|file| !tried.judged.put_back.contains(&file.path));
        if let (Some(test), Some(Added::Kept)) = (&tried.addition, &tried.judged.addition) {
            files.push(ChangedFile {
                path: test.path.clone(),
                before: None,
                after: test.text.clone(),
            });
        }
        self.workplace.discard(NAME)?;
        Ok(files)
    }

    /// Judges all that is mended once more, as it is delivered. Where that fails, none of it is
    /// delivered, and each one's evidence says why.
    pub fn reverify_mended(&mut self) -> Result<()> {
        let fixes = &self.story.fixes;
        let indexes: Vec<usize> = fixes.iter().filter_map(Fix::weakness).collect();
        let first = fixes.len() - indexes.len();
        if indexes.is_empty() {
            return Ok(());
        }
        self.progress
            .step("building and testing the mended code as it is delivered");
        let (before, whole) = (self.stacked(first)?, self.stacked(fixes.len())?);
        let flaws: Vec<Flaw> = indexes.iter().map(|at| self.flaws[*at].clone()).collect();
        let proposed = Proposed {
            given: Given::Commit {
                name: "all that is mended".into(),
                source: Source::Folder(whole.root),
            },
            addition: None,
        };
        let bar = self.bar();
        let mut desk = Desk {
            journal: &mut self.journal,
            folder: &self.story.evidence,
            progress: &self.progress,
        };
        let judged = bar.judge(&before, &flaws, proposed, Start::Clean, &mut desk)?;
        let after = &judged.evidence.after;
        let wrong = after
            .runs()
            .find(|run| matches!(run.outcome, Outcome::Failed(_) | Outcome::TimedOut));
        self.progress.line(&match wrong {
            None => format!("mended code, as delivered: {}", judged.evidence.verdict()),
            Some(run) => format!("mended code, as delivered: {} {}", run.check, run.outcome),
        });
        let tested = *after.outcome(Check::Regress) == Outcome::Passed;
        for index in indexes {
            self.tell_whole(index, wrong, tested);
        }
        if wrong.is_some() {
            self.story.fixes.truncate(first);
        }
        Ok(())
    }

    /// Says in the evidence of a mended weakness what became of the whole.
    fn tell_whole(&mut self, index: usize, wrong: Option<&CheckRun>, tested: bool) {
        let Some(tried) = self.story.weaknesses[index].mended.tried.last_mut() else {
            return;
        };
        let after = &mut tried.judged.evidence.after;
        let told = match wrong {
            Some(run) => Some(CheckRun {
                notes: vec!["seen on the whole that was to be delivered".into()],
                ..run.clone()
            }),
            None if !tested => None,
            None => after.get(Check::Regress).cloned().map(|mut run| {
                run.notes
                    .push("built and tested again as delivered, from nothing".into());
                run
            }),
        };
        if let Some(run) = told {
            after.insert(run);
        }
    }

    /// The tree with the first `count` fixes.
    fn stacked(&self, count: usize) -> Result<Stacked> {
        let fixes = &self.story.fixes[..count];
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.story.base.as_bytes());
        for fix in fixes {
            hasher.update(fix.attempt.as_bytes());
        }
        let key = hasher.finalize().to_hex().to_string();
        let root = self.workplace.tree(&format!("stacked-{}", &key[..16]))?;
        self.lay_files(&root, fixes.iter().flat_map(|fix| &fix.files))?;
        Ok(Stacked { root, key })
    }

    fn bar(&self) -> Bar {
        Bar {
            advisories: Arc::clone(&self.advisories),
            managers: Arc::clone(&self.managers),
            policy: Arc::clone(&self.policy),
            places: self.places.clone(),
            confinement: self.confinement,
            progress: Arc::clone(&self.progress),
            rescan: self.rescan.clone(),
            cancel: self.cancel.clone(),
        }
    }
}

impl Bar {
    /// Judges a change of the tree, or takes up what an earlier process of this run was told.
    fn judge(
        &self,
        ground: &Stacked,
        flaws: &[Flaw],
        proposed: Proposed,
        start: Start,
        desk: &mut Desk<'_>,
    ) -> Result<Judged> {
        let addition = proposed.addition.clone();
        let attempt = key(ground, flaws, &proposed.given, addition.as_ref())?;
        if let Some(tried) = desk.journal.history().tried(&attempt) {
            return tried
                .judged(self.confinement)
                .context("read what was judged before");
        }
        let judged = Judged::from(judge::judge(self.order(ground, flaws, proposed, start))?);
        let ids = flaws.iter().map(|flaw| flaw.weakness.id.to_string());
        let tried = wire::Tried::new(attempt, ids.collect(), addition.as_ref(), &judged);
        desk.journal.write(&Event::Tried(tried))?;
        Ok(judged)
    }

    fn order(
        &self,
        ground: &Stacked,
        flaws: &[Flaw],
        proposed: Proposed,
        start: Start,
    ) -> judge::Order {
        let reported = flaws.iter().map(|flaw| &flaw.weakness);
        let reported: Vec<_> = reported.filter(|one| one.is_reported()).cloned().collect();
        judge::Order {
            source: Source::Folder(ground.root.clone()),
            given: proposed.given,
            addition: proposed.addition,
            start,
            stated: reported.iter().map(|one| one.id.to_string()).collect(),
            rescan: self.rescan.clone().filter(|_| !reported.is_empty()),
            reported,
            reproducer: flaws.iter().find_map(|flaw| flaw.reproducer.clone()),
            reproducers: Library::default(),
            advisories: Arc::clone(&self.advisories),
            policy: Policy::clone(&self.policy),
            places: self.places.clone(),
            managers: Arc::clone(&self.managers),
            confinement: self.confinement,
            fresh: false,
            progress: Arc::clone(&self.progress),
            cancel: self.cancel.clone(),
        }
    }
}

/// Names an attempt: the tree, the weaknesses, and all of the proposal.
fn key(
    ground: &Stacked,
    flaws: &[Flaw],
    given: &Given,
    addition: Option<&Addition>,
) -> Result<String> {
    let ids: Vec<_> = flaws.iter().map(|flaw| &flaw.weakness.id).collect();
    let digest = given.digest()?;
    let covered = format!("{}{ids:?}{digest}{addition:?}", ground.key);
    Ok(blake3::hash(covered.as_bytes()).to_hex()[..16].to_owned())
}
