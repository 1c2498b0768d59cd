//! What a run amounts to: every finding's record, and where the fixes are.

use std::path::{Path, PathBuf};

use backstitch_find::{self as find, Discovery};
use backstitch_model::evidence::{Confinement, Phase};
use backstitch_model::weakness::Weakness;
use backstitch_model::{Candidate, Finding, LockFormat, Project, Record, RelPath};

use crate::exit::Exit;
use crate::mend::Mended;
use crate::wire;

/// One run, told from its end.
#[derive(Debug, Clone)]
pub struct Story {
    /// The run's id in the ledger.
    pub run: String,
    /// When the run began, in seconds since 1970 UTC.
    pub started_at_s: i64,
    /// The project's folder.
    pub project: String,
    /// The commit or digest that was judged.
    pub base: String,
    /// The advisories used, in words.
    pub advisories: String,
    /// The toolchain, in words.
    pub toolchain: String,
    /// How the project's programs were kept in.
    pub confinement: Confinement,
    /// One record a finding: vulnerabilities first, then notices.
    pub records: Vec<Record>,
    /// The weaknesses of the project's own code that were named, and what became of each.
    pub weaknesses: Vec<Mending>,
    /// The untouched project's checks, a lockfile each.
    pub baselines: Vec<(RelPath, Phase)>,
    /// The fixes that were accepted, in the order they build upon each other.
    pub fixes: Vec<Fix>,
    /// The checks of the whole as it is delivered, a lockfile each.
    pub delivered: Vec<(RelPath, Phase)>,
    /// The candidates that nobody could try, which are in no delivery.
    pub offers: Vec<Offer>,
    /// Every turn that an engine had, in order.
    pub asks: Vec<wire::Ask>,
    /// What a reader should know that belongs to no finding.
    pub notes: Vec<String>,
    /// What could not be read though it is what was asked about; see [`unread`].
    pub unread: Vec<String>,
    /// How many vulnerabilities there are that `--only` leaves out.
    pub unasked: usize,
    /// Where the fixes were delivered.
    pub delivery: Option<Delivery>,
    /// The folder with reports and logs.
    pub evidence: PathBuf,
}

/// A weakness of the project's own code, and everything that was done about it.
#[derive(Debug, Clone)]
pub struct Mending {
    /// What is wrong.
    pub weakness: Weakness,
    /// What engines proposed, and what the judge said of it.
    pub mended: Mended,
    /// Why no engine was asked, where none was.
    pub obstacle: Option<String>,
}

impl Mending {
    /// Why it stays, in words; nothing where it is settled.
    pub fn why_left(&self) -> Option<String> {
        match (&self.obstacle, self.mended.settled_by()) {
            (Some(obstacle), _) => Some(obstacle.clone()),
            (None, None) => Some(self.mended.why_left()),
            (None, Some(_)) => None,
        }
    }

    /// Does a human have to look at it?
    pub fn needs_human(&self) -> bool {
        let verdict = self.mended.verdict();
        verdict.is_none_or(|verdict| verdict.needs_human())
    }
}

/// An accepted fix: what one commit holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// The attempt's key in the ledger.
    pub attempt: String,
    /// What it settles.
    pub settles: Settled,
    /// The files it changes, each with its whole text before and after.
    pub files: Vec<ChangedFile>,
}

impl Fix {
    /// The weakness of the project's own code that it settles, where it does.
    pub fn weakness(&self) -> Option<usize> {
        match self.settles {
            Settled::Findings(_) => None,
            Settled::Weakness(index) => Some(index),
        }
    }

    /// The findings that it settles.
    pub fn findings(&self) -> &[usize] {
        match &self.settles {
            Settled::Findings(all) => all,
            Settled::Weakness(_) => &[],
        }
    }
}

/// What a fix settles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Findings, by their indexes in [`Story::records`].
    Findings(Vec<usize>),
    /// A weakness of the project's own code, by its index in [`Story::weaknesses`].
    Weakness(usize),
}

/// A candidate that is offered as it is: no verdict is given on it, and it is not delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The candidate.
    pub candidate: Candidate,
    /// Why it was not tried.
    pub why: String,
    /// The texts that it changes.
    pub files: Vec<ChangedFile>,
    /// The commands that do the rest.
    pub commands: Vec<String>,
    /// The patch file with the texts, where there are any.
    pub patch: Option<PathBuf>,
}

/// A file before and after a fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// Where it is, from the project's root.
    pub path: RelPath,
    /// Its text before; nothing where the fix adds the file.
    pub before: Option<String>,
    /// Its text after.
    pub after: String,
}

/// Where fixes were left for a human.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// A branch of the repository.
    Branch {
        /// Its name.
        name: String,
        /// One commit a fix, oldest first.
        commits: Vec<String>,
    },
    /// A folder of patch files.
    Patches {
        /// The folder.
        folder: PathBuf,
        /// The files' names, in the order to apply them.
        files: Vec<String>,
    },
}

impl Delivery {
    /// Where it is and what is in it, as the ledger writes it.
    pub fn place_and_items(&self) -> (String, Vec<String>) {
        match self {
            Self::Branch { name, commits } => (name.clone(), commits.clone()),
            Self::Patches { folder, files } => (folder.display().to_string(), files.clone()),
        }
    }
}

impl Story {
    /// The records of vulnerabilities.
    pub fn vulnerabilities(&self) -> impl Iterator<Item = &Record> {
        self.records
            .iter()
            .filter(|record| record.finding.is_vulnerability())
    }

    /// The vulnerabilities that nothing settles.
    pub fn left(&self) -> impl Iterator<Item = &Record> {
        self.vulnerabilities()
            .filter(|record| record.settled_by().is_none())
    }

    /// The exit code that says so. Nothing left is only said of what was looked into, and
    /// what nobody asked about is left.
    pub fn exit(&self) -> Exit {
        let is_left = |mending: &Mending| mending.mended.settled_by().is_none();
        if self.left().next().is_some() || self.weaknesses.iter().any(is_left) || self.unasked > 0 {
            return Exit::FindingsLeft;
        }
        if self.unread.is_empty() {
            Exit::NothingLeft
        } else {
            Exit::CouldNot
        }
    }
}

/// The lockfiles that are asked about: those below `part`, or the nearest one above it,
/// which locks a workspace's member.
pub fn asked_for(discovery: &Discovery, part: Option<&RelPath>) -> Vec<RelPath> {
    let all = || {
        discovery
            .projects
            .iter()
            .map(|project| project.lockfile.clone())
    };
    let Some(part) = part else {
        return all().collect();
    };
    let below: Vec<_> = all().filter(|path| is_below(path, part)).collect();
    if !below.is_empty() {
        return below;
    }
    let holds = |lockfile: &RelPath| {
        lockfile
            .parent()
            .is_none_or(|folder| is_below(part, &folder))
    };
    all()
        .filter(holds)
        .max_by_key(|path| path.as_str().len())
        .into_iter()
        .collect()
}

fn is_below(path: &RelPath, folder: &RelPath) -> bool {
    path.as_str().starts_with(&format!("{folder}/"))
}

/// What is in the way of saying that nothing is left: lockfiles that are asked about and
/// could not be read, or none at all.
pub fn unread(discovery: &Discovery, asked: &[RelPath], part: Option<&RelPath>) -> Vec<String> {
    let is_asked_about = |path: &RelPath| part.is_none_or(|part| is_below(path, part));
    let is_lockfile = |path: &RelPath| LockFormat::of(path).is_some();
    let problems = discovery.problems.iter();
    let mut unread: Vec<_> = problems
        .filter(|problem| is_asked_about(&problem.path))
        .filter(|problem| asked.is_empty() || is_lockfile(&problem.path))
        .map(|problem| format!("`{}`: {}", problem.path, problem.what))
        .collect();
    if asked.is_empty() && unread.is_empty() {
        unread.push("no lockfile is there".into());
    }
    let looked_into: Vec<_> = discovery
        .projects
        .iter()
        .filter(|project| asked.contains(&project.lockfile))
        .collect();
    let (requirements, others): (Vec<&Project>, Vec<&Project>) = looked_into
        .into_iter()
        .partition(|project| project.format == LockFormat::Requirements);
    // Of several requirements files one may name nothing; of the others each counts.
    let is_whole = |project: &&Project| find::project::is_whole(project);
    let mut partial: Vec<&Project> = others
        .iter()
        .copied()
        .filter(|one| !is_whole(one))
        .collect();
    if others.is_empty() && !requirements.iter().any(is_whole) {
        partial.extend(requirements);
    }
    let problems = partial.iter().flat_map(|project| &project.problems);
    unread.extend(problems.map(|problem| format!("`{}`: {}", problem.path, problem.what)));
    unread
}

/// The error that says so; `None` where nothing is in the way.
pub fn refusal(path: &Path, unread: &[String]) -> Option<anyhow::Error> {
    let unread = (!unread.is_empty()).then(|| unread.join("; "))?;
    let path = path.display();
    Some(anyhow::anyhow!(
        "look for vulnerabilities in `{path}`: {unread}"
    ))
}

/// The exit code of a list of findings, and of what could not be read beside them.
pub fn exit_of(findings: &[Finding], unread: &[String]) -> Exit {
    if findings.iter().any(Finding::is_vulnerability) {
        Exit::FindingsLeft
    } else if unread.is_empty() {
        Exit::NothingLeft
    } else {
        Exit::CouldNot
    }
}
