//! Find: what is known to be wrong in the untouched project, and whether the project can
//! be judged at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use backstitch_find::{self as find, Surroundings};
use backstitch_model::candidate::Obstacle;
use backstitch_model::evidence::Phase;
use backstitch_model::project::{Problem, Source as PackageSource};
use backstitch_model::{Check, CheckRun, Finding, LockFormat, Outcome, Project, Record, RelPath};
use backstitch_verify::workbench::{Applied, Baseline, Tree, Workbench};

use super::ahead::Base;
use super::group::Tally;
use super::logs::Logs;
use super::{Steps, Underway};
use crate::ledger::Event;
use crate::managers::Managers;
use crate::registries::Registries;
use crate::report::words;
use crate::source;
use crate::story;
use crate::wire;

/// What a scan of a tree found, and what it could not judge.
pub(super) struct Scanned {
    pub(super) findings: Vec<Finding>,
    pub(super) unclear: BTreeSet<String>,
}

impl Steps {
    /// Finds every lockfile's findings and begins a record for each.
    pub fn find(&mut self, base: &Path) -> Result<Vec<Underway>> {
        self.progress.step("looking for known vulnerabilities");
        let mut discovery = find::projects(&source::open_dir(base)?);
        let asked = story::asked_for(&discovery, self.source.part());
        self.resolve(base, &mut discovery, &asked)?;
        let problems = discovery.problems.iter().chain(
            discovery
                .projects
                .iter()
                .flat_map(|project| &project.problems),
        );
        let notes = problems.map(|problem| format!("`{}`: {}", problem.path, problem.what));
        self.story.notes.extend(notes);
        self.story.unread = story::unread(&discovery, &asked, self.source.part());
        let has_none = discovery.projects.is_empty() && discovery.problems.is_empty();
        if has_none && !self.flaws.is_empty() {
            self.story.notes.append(&mut self.story.unread);
        }
        let mut underway = Vec::new();
        for project in &discovery.projects {
            if asked.contains(&project.lockfile) {
                let mut begun = self.find_in(base, project.clone())?;
                begun.shared_manifests = shared_manifests(project, &discovery.projects);
                underway.push(begun);
            }
        }
        self.bases = underway.iter().filter_map(Underway::base).collect();
        self.check_names()?;
        self.write_findings()?;
        Ok(underway)
    }

    /// Reads the requirements files that do not pin everything once more, with what pip would
    /// install.
    fn resolve(
        &mut self,
        base: &Path,
        discovery: &mut find::Discovery,
        asked: &[RelPath],
    ) -> Result<()> {
        let loose = discovery.projects.iter_mut().filter(|project| {
            project.format == LockFormat::Requirements && asked.contains(&project.lockfile)
        });
        let mut notes = Vec::new();
        for project in loose {
            let tree = Tree {
                root: base.to_owned(),
                lockfile: project.lockfile.clone(),
            };
            let name = format!("base-{}", slug(&tree.lockfile));
            let work = self.workplace.work(&name)?;
            match self.managers.resolve(&tree, &work)? {
                Ok(resolved) if resolved.is_empty() => {}
                Ok(resolved) => {
                    let dir = source::open_dir(base)?;
                    if let Ok(read) = find::project::read_resolved(&dir, &tree.lockfile, &resolved)
                    {
                        *project = read;
                        self.resolved.insert(tree.lockfile.clone());
                    }
                    notes.push(format!(
                        "`{}` does not pin everything: what was looked up is what pip would install now",
                        tree.lockfile
                    ));
                }
                Err(why) => notes.push(format!("`{}` was not resolved: {why}", tree.lockfile)),
            }
        }
        self.story.notes.extend(notes);
        Ok(())
    }

    /// Reads a tree's project as its files are now, with what pip would install for what they do
    /// not pin.
    pub(super) fn read(&self, tree: &Tree, work: &Path) -> Result<Result<Project, Problem>> {
        let is_resolved = self.resolved.contains(&tree.lockfile);
        read(&self.managers, is_resolved, tree, work)
    }

    /// A name given with `--only` that fits nothing is a mistake, and no good news.
    fn check_names(&self) -> Result<()> {
        for name in &self.only {
            let only = std::slice::from_ref(name);
            let mut records = self.story.records.iter();
            let mut flaws = self.flaws.iter();
            anyhow::ensure!(
                records.any(|record| is_wanted(&record.finding, only))
                    || flaws.any(|flaw| flaw.weakness.is_called(name)),
                "run with `--only {name}`: nothing that was found has this id or package; \
                 `backstitch find` lists what was found"
            );
        }
        Ok(())
    }

    fn find_in(&mut self, base: &Path, project: Project) -> Result<Underway> {
        self.ask_for_releases(&project);
        let Scanned { findings, unclear } = self.scan(&project)?;
        self.story.notes.extend(unclear.iter().cloned());
        self.story.unasked += findings
            .iter()
            .filter(|finding| finding.is_vulnerability() && !is_wanted(finding, &self.only))
            .count();
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
            work: self.workplace.work(&base_name(&project.lockfile))?,
            key: self.story.base.clone(),
            project,
            findings,
            unclear,
            shared_manifests: BTreeMap::new(),
            before: Phase::default(),
            baseline: None,
            records,
            reproduced: BTreeMap::new(),
            plans: None,
            fixes_before: 0,
            tried: BTreeSet::new(),
            rejected: BTreeSet::new(),
            rejections: BTreeMap::new(),
            suspected: BTreeSet::new(),
            tally: Tally::default(),
        })
    }

    /// Asks for the releases of every package at one time. A document of npm's is a hundred times
    /// as long as a crate's entry, so there only what leads to a finding is asked for, later.
    fn ask_for_releases(&self, project: &Project) {
        if !Registries::tells_withdrawn(project.format) {
            return;
        }
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
        let names: Vec<_> = names.into_iter().collect();
        self.releases.prefetch(project.format, &names);
    }

    /// What is known of a project as its files are now, yanked releases included.
    pub(super) fn scan(&self, project: &Project) -> Result<Scanned> {
        let platform = self.managers.platform();
        let releases = self.releases.of(project.format);
        let surroundings = Surroundings {
            releases: Some(releases),
            platform,
        };
        let scan = find::findings(project, self.advisories.index(), surroundings)?;
        let told = |problem: &Problem| format!("`{}`: {}", problem.path, problem.what);
        let unclear = scan.problems.iter().map(told).collect();
        let mut findings = scan.findings;
        if Registries::tells_withdrawn(project.format) {
            findings.extend(find::yanked(project, releases, platform).findings);
        }
        Ok(Scanned { findings, unclear })
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
        let weaknesses = self.flaws.iter();
        let weaknesses = weaknesses.map(|flaw| wire::Weakness::from(&flaw.weakness));
        self.journal.write(&Event::Found {
            findings,
            weaknesses: weaknesses.collect(),
        })
    }

    /// Builds and tests the untouched project, where it has a vulnerability. Answers
    /// whether changes to it can be judged; where not, every record says why.
    pub fn baseline(&mut self, underway: &mut Underway) -> Result<bool> {
        if underway.to_fix().next().is_none() {
            return Ok(false);
        }
        let managers = Arc::clone(&self.managers);
        let workbench = match managers.workbench(underway.project.format) {
            Ok(workbench) => workbench,
            Err(why) => {
                self.offer(underway, why)?;
                return Ok(false);
            }
        };
        underway.fixes_before = self.story.fixes.len();
        let name = &underway.tree.lockfile;
        let work = underway.work.clone();
        self.progress
            .step(&format!("fetching the packages of `{name}`"));
        match self.fetched(underway)? {
            Applied::Done(notes) => self.story.notes.extend(notes),
            Applied::Refused(refusal) => {
                let why = format!("its packages cannot be fetched: {}", refusal.message);
                self.give_up(underway, &why)?;
                return Ok(false);
            }
        }
        self.progress
            .step(&format!("building and testing the untouched `{name}`"));
        self.look_ahead(underway.apart(), None);
        self.fetch_next(underway);
        let baseline = self.untouched(workbench, underway, &work)?;
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
        if judged.is_none() {
            self.reproduce_before(workbench, underway, &baseline)?;
        }
        underway.baseline = Some(baseline);
        Ok(judged.is_none())
    }

    /// Builds and tests the untouched project, or takes up what an earlier process of this
    /// run had done of it.
    fn untouched(
        &mut self,
        workbench: Workbench<'_>,
        underway: &Underway,
        work: &Path,
    ) -> Result<Baseline> {
        let name = format!("untouched-{}", slug(&underway.tree.lockfile));
        let logs = Logs::of(&self.story.evidence, &name);
        let saved = self.journal.baseline(&underway.tree.lockfile)?;
        let tested = saved.as_ref().is_some_and(|(_, tested)| *tested);
        let mut baseline = if let Some((saved, _)) = saved {
            workbench.restore(saved, &underway.tree, work)?
        } else {
            let mut baseline = workbench.baseline(&underway.tree, work)?;
            baseline.build = logs.keep(baseline.build)?;
            let tested = baseline.build.outcome != Outcome::Passed;
            self.journal
                .write_baseline(&underway.tree.lockfile, &baseline.save()?, tested)?;
            baseline
        };
        if !tested && baseline.build.outcome == Outcome::Passed {
            workbench.test_baseline(&mut baseline)?;
            baseline.regress = logs.keep(baseline.regress)?;
            self.journal
                .write_baseline(&underway.tree.lockfile, &baseline.save()?, true)?;
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
            Outcome::Passed | Outcome::Differs(_) => None,
            Outcome::Failed(why) => Some(format!("the untouched project does not build: {why}")),
            Outcome::TimedOut => {
                Some("the untouched project does not build in the time it has".into())
            }
            Outcome::NotRun(why) => Some(format!("the untouched project was not built: {why}")),
        }
    }

    /// Ends the work on a project: its findings stay, each with the reason.
    fn give_up(&mut self, underway: &Underway, why: &str) -> Result<()> {
        self.finish_ahead();
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
    /// What has to be brought before the project is built; `None` where nothing is to be fixed.
    fn base(&self) -> Option<Base> {
        self.to_fix().next()?;
        Some(Base {
            tree: self.tree.clone(),
            format: self.project.format,
            work: self.work.clone(),
        })
    }

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

/// The manifests of `project` that another lockfile locks too, each with one that does.
///
/// A requirements file that several include is changed with the first of them alone.
fn shared_manifests(project: &Project, all: &[Project]) -> BTreeMap<RelPath, RelPath> {
    let is_first = |path: &RelPath| *path == project.lockfile;
    let before = all.iter().position(|other| is_first(&other.lockfile));
    let counting = if project.format == LockFormat::Requirements {
        &all[..before.unwrap_or(all.len())]
    } else {
        all
    };
    let others = counting
        .iter()
        .filter(|other| other.lockfile != project.lockfile);
    let theirs = others.flat_map(|other| {
        let paths = other.manifests.iter().map(|manifest| &manifest.path);
        paths.map(|path| (path.clone(), other.lockfile.clone()))
    });
    // A manifest that nothing locks is only read by those around it.
    let is_alone =
        |path: &RelPath| is_first(path) && path.file_name() == backstitch_model::python::MANIFEST;
    let own = |path: &RelPath| {
        project
            .manifests
            .iter()
            .any(|manifest| manifest.path == *path)
    };
    theirs
        .filter(|(path, _)| own(path) && !is_alone(path))
        .collect()
}

/// Reads a tree's project, with what pip would install where pip was asked that of the untouched
/// tree: what was not known of that is not looked up in a changed one either.
pub(super) fn read(
    managers: &Managers,
    is_resolved: bool,
    tree: &Tree,
    work: &Path,
) -> Result<Result<Project, Problem>> {
    let dir = source::open_dir(&tree.root)?;
    if !is_resolved {
        return Ok(find::project::read(&dir, &tree.lockfile));
    }
    Ok(match managers.resolve(tree, work)? {
        Ok(resolved) => find::project::read_resolved(&dir, &tree.lockfile, &resolved),
        Err(what) => Err(Problem {
            path: tree.lockfile.clone(),
            what,
        }),
    })
}

/// Names the folder that takes what building the untouched project writes.
pub(super) fn base_name(lockfile: &RelPath) -> String {
    format!("base-{}", slug(lockfile))
}

/// A path as part of a folder's name: it can be read, and no other path has the same.
pub fn slug(path: &RelPath) -> String {
    let digest = blake3::hash(path.as_str().as_bytes()).to_hex();
    format!(
        "{}-{}",
        path.as_str().replace(['/', ' '], "-"),
        &digest[..8]
    )
}

/// Is a finding asked for? By advisory id, alias or package; all are when nothing is named.
fn is_wanted(finding: &Finding, only: &[String]) -> bool {
    let dependency = words::dependency(finding);
    only.is_empty() || only.iter().any(|wanted| dependency.is_called(wanted))
}
