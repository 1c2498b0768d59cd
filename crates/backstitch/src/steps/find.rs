//! Find: what is known to be wrong in the untouched project, and whether the project can
//! be judged at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use backstitch_find::{self as find, Platform, Scan, Surroundings};
use backstitch_model::candidate::Obstacle;
use backstitch_model::evidence::Phase;
use backstitch_model::project::{Problem, Source as PackageSource};
use backstitch_model::{Check, CheckRun, Finding, Outcome, Project, Record, RelPath};
use backstitch_verify::cargo::{Applied, Baseline, Tree};

use super::logs::Logs;
use super::{Steps, Underway};
use crate::ledger::Event;
use crate::report::words;
use crate::source;
use crate::story;
use crate::wire;

impl Steps {
    /// Finds every lockfile's findings and begins a record for each.
    pub fn find(&mut self, base: &Path) -> Result<Vec<Underway>> {
        self.progress.step("looking for known vulnerabilities");
        let discovery = find::projects(&source::open_dir(base)?);
        let problems = discovery.problems.iter().chain(
            discovery
                .projects
                .iter()
                .flat_map(|project| &project.problems),
        );
        let notes = problems.map(|problem| format!("`{}`: {}", problem.path, problem.what));
        self.story.notes.extend(notes);
        self.story.unread = story::unread(&discovery, self.source.part());
        let mut underway = Vec::new();
        for project in discovery.projects {
            if self.is_asked_for(&project.lockfile) {
                underway.push(self.find_in(base, project)?);
            }
        }
        self.write_findings()?;
        Ok(underway)
    }

    fn is_asked_for(&self, lockfile: &RelPath) -> bool {
        self.source
            .part()
            .is_none_or(|part| lockfile.as_str().starts_with(&format!("{part}/")))
    }

    fn find_in(&mut self, base: &Path, project: Project) -> Result<Underway> {
        let names: BTreeSet<_> = project
            .graph
            .packages()
            .iter()
            .filter(|package| package.source == PackageSource::PublicRegistry)
            .map(|package| package.id.name.as_str())
            .collect();
        self.progress.step(&format!(
            "asking for the releases of {} packages",
            names.len()
        ));
        self.releases
            .prefetch(&names.into_iter().collect::<Vec<_>>());
        let scan = self.scan(&project)?;
        let told = |problem: &Problem| format!("`{}`: {}", problem.path, problem.what);
        self.story.notes.extend(scan.problems.iter().map(told));
        let findings = scan.findings;
        let mut records = BTreeMap::new();
        for finding in findings
            .iter()
            .filter(|finding| is_wanted(finding, &self.only))
        {
            records.insert(finding.id.clone(), self.story.records.len());
            self.story.records.push(Record {
                finding: finding.clone(),
                attempts: Vec::new(),
                obstacle: None,
            });
        }
        Ok(Underway {
            tree: Tree {
                root: base.to_owned(),
                lockfile: project.lockfile.clone(),
            },
            key: self.story.base.clone(),
            project,
            findings,
            before: Phase::default(),
            baseline: None,
            records,
            plans: None,
            tried: BTreeSet::new(),
            rejected: BTreeSet::new(),
            attempts: BTreeMap::new(),
        })
    }

    /// The findings of a project as its files are now.
    pub(super) fn scan(&self, project: &Project) -> Result<Scan> {
        let platform = Platform::of_triple(&self.cargo.toolchain().host).unwrap_or_default();
        let surroundings = Surroundings {
            releases: Some(&self.releases),
            platform,
        };
        let mut scan = find::findings(project, self.advisories.index(), surroundings)?;
        let yanked = find::yanked(project, &self.releases, platform);
        scan.findings.extend(yanked.findings);
        scan.problems.extend(yanked.problems);
        Ok(scan)
    }

    fn write_findings(&mut self) -> Result<()> {
        if self.journal.history().found() {
            return Ok(());
        }
        let findings = self
            .story
            .records
            .iter()
            .map(|record| wire::Finding::from(&record.finding))
            .collect();
        self.journal.write(&Event::Found { findings })
    }

    /// Builds and tests the untouched project, where it has a vulnerability. Answers
    /// whether changes to it can be judged; where not, every record says why.
    pub fn baseline(&mut self, underway: &mut Underway) -> Result<bool> {
        if underway.to_fix().next().is_none() {
            return Ok(false);
        }
        let name = &underway.tree.lockfile;
        let work = self.workplace.work(&format!("base-{}", slug(name)))?;
        self.progress
            .step(&format!("fetching the packages of `{name}`"));
        if let Applied::Refused(refusal) = self.cargo.fetch(&underway.tree, &work)? {
            self.give_up(
                underway,
                &format!("its packages cannot be fetched: {}", refusal.message),
            )?;
            return Ok(false);
        }
        self.progress
            .step(&format!("building and testing the untouched `{name}`"));
        let baseline = self.untouched(underway, &work)?;
        underway.before = [
            baseline.build.clone(),
            baseline.regress.clone(),
            flagged(underway),
        ]
        .into_iter()
        .collect();
        self.story
            .baselines
            .push((name.clone(), underway.before.clone()));
        let judged = self.say_baseline(underway);
        if let Some(why) = &judged {
            self.give_up(underway, why)?;
        }
        underway.baseline = Some(baseline);
        Ok(judged.is_none())
    }

    /// Builds and tests the untouched project, or takes up what an earlier process of this
    /// run had done of it.
    fn untouched(&mut self, underway: &Underway, work: &Path) -> Result<Baseline> {
        let name = format!("untouched-{}", slug(&underway.tree.lockfile));
        let logs = Logs::of(&self.story.evidence, &name);
        let saved = self.journal.baseline(&underway.tree.lockfile)?;
        let tested = saved.as_ref().is_some_and(|(_, tested)| *tested);
        let mut baseline = if let Some((saved, _)) = saved {
            self.cargo.restore(saved, &underway.tree, work)?
        } else {
            let mut baseline = self.cargo.baseline(&underway.tree, work)?;
            baseline.build = logs.keep(baseline.build)?;
            let tested = baseline.build.outcome != Outcome::Passed;
            self.journal
                .write_baseline(&underway.tree.lockfile, baseline.save()?, tested)?;
            baseline
        };
        if !tested && baseline.build.outcome == Outcome::Passed {
            self.cargo.test_baseline(&mut baseline)?;
            baseline.regress = logs.keep(baseline.regress)?;
            self.journal
                .write_baseline(&underway.tree.lockfile, baseline.save()?, true)?;
        }
        Ok(baseline)
    }

    /// Says how the untouched project does; answers why nothing can be judged, where so.
    fn say_baseline(&self, underway: &Underway) -> Option<String> {
        let build = underway.before.outcome(Check::Build);
        let tests = underway.before.get(Check::Regress);
        let told = tests
            .and_then(|run| run.notes.first())
            .map_or("", String::as_str);
        self.progress.line(&format!(
            "untouched: build {build}, tests {} {told}",
            underway.before.outcome(Check::Regress)
        ));
        match build {
            Outcome::Passed => None,
            Outcome::Failed(why) => Some(format!("the untouched project does not build: {why}")),
            Outcome::TimedOut => {
                Some("the untouched project does not build in the time it has".into())
            }
            Outcome::NotRun(why) => Some(format!("the untouched project was not built: {why}")),
        }
    }

    /// Ends the work on a project: its findings stay, each with the reason.
    fn give_up(&mut self, underway: &Underway, why: &str) -> Result<()> {
        self.progress
            .line(&format!("`{}`: {why}", underway.tree.lockfile));
        let ids: Vec<_> = underway
            .to_fix()
            .map(|finding| finding.id.clone())
            .collect();
        self.block(underway, &ids, &Obstacle::Unknown(why.to_owned()))
    }
}

impl Underway {
    /// The vulnerabilities that are asked for and still there.
    pub(super) fn to_fix(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.is_vulnerability() && self.records.contains_key(&finding.id))
    }
}

/// The rescan of the untouched tree: red, since these findings are there.
fn flagged(underway: &Underway) -> CheckRun {
    let count = underway.to_fix().count();
    CheckRun::instant(
        Check::Rescan,
        Outcome::Failed(format!("{count} known vulnerabilities")),
    )
}

/// A lockfile's path as part of a folder's name.
pub(super) fn slug(path: &RelPath) -> String {
    path.as_str().replace('/', "-")
}

/// Is a finding asked for? By advisory id, alias or package; all are when nothing is named.
fn is_wanted(finding: &Finding, only: &[String]) -> bool {
    let dependency = words::dependency(finding);
    only.is_empty()
        || only.iter().any(|wanted| {
            dependency.package.name == *wanted
                || dependency
                    .ids
                    .iter()
                    .any(|id| id.as_str().eq_ignore_ascii_case(wanted))
        })
}
