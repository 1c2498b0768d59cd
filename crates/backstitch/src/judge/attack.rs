//! Reproduce, Re-attack and Compare for a change from elsewhere: the user's reproducer on both
//! trees. What it did on the untouched one is kept with that.

use anyhow::{Context, Result};
use backstitch_model::{Check, CheckRun, Outcome, TreeReproducer};
use backstitch_verify::workbench::{Attacked, SavedAttack};
use serde::{Deserialize, Serialize};

use super::Judge;
use super::base::{self, Base};
use super::rescan::Settled;
use super::trial::Underway;
use crate::wire;

/// What is written down of an attack on the untouched tree.
#[derive(Serialize, Deserialize)]
struct Written {
    reproduce: wire::CheckRun,
    seen: String,
}

impl Judge {
    /// Runs the reproducer on both trees of the component that comes first; where none is given,
    /// those of the packages whose flaws the change settles.
    pub(super) fn attack(
        &mut self,
        base: &Base,
        settled: &Settled,
        all: &[Underway<'_>],
    ) -> Result<()> {
        let Some(reproducer) = self.order.reproducer.clone() else {
            return self.reproduce(base, settled, all);
        };
        let Some(underway) = all.first() else {
            return self.not_attacked("nothing was built that it could be run in");
        };
        self.order
            .progress
            .step("running the reproducer on the untouched tree");
        let before = untouched(base, underway, &reproducer)?;
        let is_red = before.is_red();
        self.before(before.reproduce.clone())?;
        if !is_red {
            return self.not_attacked("it was not red on the untouched tree, so it proves nothing");
        }
        self.order.progress.step("attacking the changed tree");
        let (baseline, attempt) = underway.both()?;
        let after = underway
            .workbench()?
            .attack_after(baseline, attempt, &reproducer, &before)?;
        self.after(after.reproduce)?;
        self.after(after.re_attack)?;
        self.after(after.compare)
    }

    pub(super) fn not_attacked(&mut self, why: &str) -> Result<()> {
        for check in [Check::Reproduce, Check::ReAttack, Check::Compare] {
            self.after(CheckRun::instant(check, Outcome::NotRun(why.into())))?;
        }
        Ok(())
    }
}

/// What the reproducer does on the untouched tree, or did when an earlier run asked.
fn untouched(
    base: &Base,
    underway: &Underway<'_>,
    reproducer: &TreeReproducer,
) -> Result<Attacked> {
    let (baseline, _) = underway.both()?;
    let name = format!(
        "attack-{}-{}.json",
        base::slug(&underway.component),
        digest(reproducer, &underway.ready.stamp)
    );
    let kept = base.read::<Written>(&name).and_then(|written| {
        let saved = SavedAttack {
            reproduce: (&written.reproduce).try_into().ok()?,
            seen: written.seen,
        };
        Attacked::restore(saved).ok()
    });
    let workbench = underway.workbench()?;
    let kept = kept.filter(|kept| workbench.attacks_alike(baseline, reproducer, kept));
    if let Some(kept) = kept {
        return Ok(kept);
    }
    let attacked = workbench.attack_before(baseline, reproducer)?;
    if attacked.is_red() {
        let saved = attacked.save().context("write what the reproducer did")?;
        let written = Written {
            reproduce: wire::CheckRun::from(&saved.reproduce),
            seen: saved.seen,
        };
        base.write(&name, &written)?;
    }
    Ok(attacked)
}

/// Covers all of a reproducer.
pub fn reproducer_digest(reproducer: &TreeReproducer) -> String {
    digest(reproducer, "")
}

/// Covers all of a reproducer, and the tools that built what it runs on.
fn digest(reproducer: &TreeReproducer, stamp: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut field = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    field(stamp.as_bytes());
    field(format!("{:?}{:?}", reproducer.oracle, reproducer.time_limit_s).as_bytes());
    for words in [Some(&reproducer.argv), reproducer.build.as_ref()] {
        field(format!("{words:?}").as_bytes());
    }
    field(format!("{:?}", reproducer.files).as_bytes());
    for inputs in [&reproducer.inputs, &reproducer.benign] {
        field(&inputs.len().to_le_bytes());
        for input in inputs {
            field(input.name.as_bytes());
            field(&input.bytes);
        }
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
