//! Reproduce and Re-attack for a change that settles flaws of packages: the library's reproducers
//! of them, on both trees. The project's own are those of the untouched tree.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use backstitch_model::project::DependencyGraph;
use backstitch_model::{Check, CheckRun, Finding, Outcome};
use backstitch_verify::workbench::Inputs;

use super::Judge;
use super::base::{self, Base};
use super::rescan::Settled;
use super::trial::Underway;
use crate::ledger::Event;
use crate::proof::{self, Reproduced, Seen, VERSIONS_MAX};
use crate::report::words;
use crate::reproducers::Entry;
use crate::source;
use crate::wire;

/// How many settled flaws of packages are looked at: a change that settles more is not proven.
const FINDINGS_MAX: usize = 64;
/// How long all of it may take; what it does not come to is not proven.
const TIME: Duration = Duration::from_secs(30 * 60);

/// What reproducers of packages say of a change, each rung's runs together.
#[derive(Default)]
struct Said {
    before: Vec<CheckRun>,
    after: Vec<CheckRun>,
    /// The flaws that nothing shows, in words.
    unshown: BTreeSet<String>,
}

impl Judge {
    /// Runs the reproducers of what the change settles. It is proven only where every flaw that it
    /// settles was shown before and is gone after.
    pub(super) fn reproduce(
        &mut self,
        base: &Base,
        settled: &Settled,
        all: &[Underway<'_>],
    ) -> Result<()> {
        self.order
            .reproducers
            .add_project(&source::open_dir(base.tree())?);
        let began = Instant::now();
        let mut said = Said::default();
        let mut flaws = settled.flaws.iter();
        for finding in flaws.by_ref().take(FINDINGS_MAX) {
            let entries = self.order.reproducers.about(words::dependency(finding));
            let mut components = all.iter();
            let place = components.find(|one| one.component.anchor == finding.location);
            match place {
                Some(underway) if !entries.is_empty() && began.elapsed() < TIME => {
                    self.show(base, settled, underway, (finding, entries), &mut said)?;
                }
                Some(_) | None => {
                    said.unshown.insert(words::finding(finding));
                }
            }
        }
        said.unshown.extend(flaws.map(words::finding));
        said.unshown
            .extend(self.weaknesses.iter().map(ToString::to_string));
        said.unshown.extend(self.unknown(settled));
        if said.after.is_empty() {
            return self.not_attacked(if settled.flaws.is_empty() {
                "no reproducer was given"
            } else {
                "no reproducer is there for it"
            });
        }
        if let Some(first) = said.unshown.first() {
            let count = said.unshown.len();
            let why = format!("no reproducer is there for {count} of what is settled: {first}");
            let run = CheckRun::instant(Check::Reproduce, Outcome::NotRun(why));
            said.after.push(run);
        }
        self.before(CheckRun::together(Check::Reproduce, said.before))?;
        for check in [Check::Reproduce, Check::ReAttack] {
            let runs = said.after.iter().filter(|run| run.check == check);
            self.after(CheckRun::together(check, runs.cloned().collect()))?;
        }
        let why = "the reproducers of packages have nothing to compare";
        self.after(CheckRun::instant(
            Check::Compare,
            Outcome::NotRun(why.into()),
        ))
    }

    /// What the change is said to fix and nothing here knows of.
    fn unknown(&self, settled: &Settled) -> impl Iterator<Item = String> {
        let is_known = |name: &&String| {
            let mut flaws = settled.flaws.iter();
            let mut weaknesses = self.weaknesses.iter();
            flaws.any(|flaw| words::dependency(flaw).is_called(name))
                || weaknesses.any(|weakness| weakness.is_called(name))
        };
        let unknown = self.order.stated.iter().filter(move |name| !is_known(name));
        unknown.map(|name| format!("`{name}`, which no scan flagged"))
    }

    /// Runs the reproducers of one flaw on both trees.
    fn show(
        &mut self,
        base: &Base,
        settled: &Settled,
        underway: &Underway<'_>,
        (finding, entries): (&Finding, Vec<Entry>),
        said: &mut Said,
    ) -> Result<()> {
        let (baseline, attempt) = underway.both()?;
        let workbench = underway.workbench()?;
        let package = &words::dependency(finding).package;
        let mut shown = Vec::new();
        for entry in entries {
            let name = &entry.reproducer.name;
            self.order
                .progress
                .step(&format!("reproducing {name} in {package}"));
            let kept = format!(
                "reproduced-{}-{}.json",
                base::slug(&underway.component),
                digest(&entry, &underway.ready.stamp, &package.version)
            );
            let seen = if let Some(known) = base.read::<wire::Reproduction>(&kept) {
                known
            } else {
                let inputs = Inputs::VariantsWhereRed;
                let found =
                    workbench.reproduce_before(baseline, &entry.reproducer, package, inputs)?;
                let seen = proof::written(found, &entry, package, &self.logs)?;
                // What could not tell may have been the machine's fault.
                if Seen::from(&seen).could_tell() {
                    base.write(&kept, &seen)?;
                }
                seen
            };
            self.saw("before", finding, &package.version, &seen)?;
            let one = Reproduced {
                before: Seen::from(&seen),
                entry,
            };
            let colour = proof::colour(&one.outcome());
            self.order.progress.line(&format!(
                "reproducer {} in {package}: {colour}",
                one.entry.reproducer.name
            ));
            shown.push(one);
        }
        let nothing = DependencyGraph::default();
        let was = settled.before.graph(&finding.location);
        let is = settled.after.graph(&finding.location);
        let packages = proof::packages_now(
            finding,
            was.unwrap_or(&nothing),
            is.unwrap_or(&nothing),
            &settled.after.findings,
        );
        let mut after = Vec::new();
        for one in shown.iter().filter(|one| one.was_red()) {
            let reproducer = &one.entry.reproducer;
            self.order
                .progress
                .step(&format!("reproducing {} again", reproducer.name));
            for package in packages.iter().take(VERSIONS_MAX) {
                let inputs = Inputs::VariantsWhereGreen;
                let found = workbench.reproduce_after(attempt, reproducer, package, inputs)?;
                let seen = proof::written(found, &one.entry, package, &self.logs)?;
                self.saw("after", finding, &package.version, &seen)?;
                after.push((one, Seen::from(&seen)));
            }
        }
        said.before.push(proof::before(&shown));
        said.after
            .extend(proof::after(finding, &shown, &packages, &after));
        Ok(())
    }

    /// Writes down what a reproducer saw.
    fn saw(
        &mut self,
        tree: &str,
        finding: &Finding,
        version: &str,
        seen: &wire::Reproduction,
    ) -> Result<()> {
        self.journal
            .write(&Event::Reproduced {
                tree: tree.to_owned(),
                finding: finding.id.to_string(),
                version: version.to_owned(),
                reproduction: seen.clone(),
            })
            .context("write down what a reproducer saw")
    }
}

/// Covers a reproducer, what it was run against and the tools that built that.
fn digest(entry: &Entry, stamp: &str, version: &str) -> String {
    let covered = format!(
        "{:?}{:?}{stamp:?}{version:?}",
        entry.reproducer, entry.origin
    );
    blake3::hash(covered.as_bytes()).to_hex()[..16].to_owned()
}
