//! What leaves the program as data: the types behind `--format json` and the ledger's
//! events, converted from the model, which carries no serialisation. The format is
//! described in `docs/json.md`; a test holds the two together.

mod ask;
mod weakness;

use std::time::Duration;

use backstitch_model as model;
use backstitch_verify::workbench::SavedBaseline;
use model::candidate::{Applicability, Change, Upgrade};
use model::finding::{Class, Compiled, FindingKind, VulnerableDependency};
use model::project::DependencyKind;
use model::reproducer::{self, Sight};
use model::tests::{TestOutcome, TestReport};
use serde::{Deserialize, Serialize};

pub use ask::Ask;
pub use weakness::{Test, Tried, Weakness};

/// The version of the JSON format; raised when a field changes its meaning or goes.
pub const FORMAT_VERSION: u32 = 1;

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub id: String,
    pub kind: String,
    pub class: String,
    pub lockfile: String,
    pub ecosystem: String,
    pub package: String,
    pub version: String,
    pub advisories: Vec<String>,
    pub summary: String,
    pub severity: Option<Severity>,
    pub fixed_versions: Vec<String>,
    pub direct: bool,
    pub path: Vec<String>,
    pub dependency_kind: String,
    pub compiled: String,
    pub references: Vec<String>,
}

/// A severity and who states it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Severity {
    pub level: String,
    pub score: Option<String>,
    pub system: String,
    pub vector: String,
    pub source: String,
}

/// An unproven fix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pub settles: Vec<String>,
    pub strategy: String,
    pub lockfile: String,
    pub moves: Vec<Move>,
    pub edits: Vec<Edit>,
    pub needs_human: Option<String>,
    /// The engine that proposed it, where one did.
    #[serde(default)]
    pub engine: Option<String>,
    /// How the project's own code is adapted.
    #[serde(default)]
    pub rewrites: Vec<Rewrite>,
}

/// A text replaced in a file of the project's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewrite {
    pub path: String,
    pub search: String,
    pub replace: String,
}

/// A package going from one version to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    pub package: String,
    pub from: String,
    pub to: String,
}

/// A requirement rewritten in a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    pub manifest: String,
    pub dependency: String,
    pub from: String,
    pub to: String,
}

/// A check and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRun {
    pub check: String,
    pub outcome: String,
    pub why: Option<String>,
    pub elapsed_ms: u64,
    pub notes: Vec<String>,
    pub log: Option<String>,
}

/// A reproducer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reproducer {
    pub name: String,
    pub advisories: Vec<String>,
    pub ecosystem: String,
    pub package: String,
    pub shows: String,
    pub inputs: Vec<String>,
    pub time_limit_s: u64,
    pub vulnerable: Option<String>,
    pub fixed: Option<String>,
    pub origin: String,
}

/// What a reproducer saw in one tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reproduction {
    pub reproducer: String,
    pub listed: Vec<Sighting>,
    pub variants: Vec<Sighting>,
    pub elapsed_ms: u64,
    pub notes: Vec<String>,
    pub log: Option<String>,
}

/// What one run of a reproducer told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    pub input: Option<String>,
    /// `present`, `absent` or `inconclusive`.
    pub sight: String,
    pub why: Option<String>,
}

/// A test run, test by test.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tests {
    pub passed: Vec<String>,
    pub failed: Vec<String>,
    pub ignored: Vec<String>,
    pub succeeded: bool,
    pub gaps: Vec<String>,
}

/// How an untouched project does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// Build, and Regress where the tests have been run.
    pub checks: Vec<CheckRun>,
    /// What the tests told.
    pub tests: Tests,
    /// How the project is built and tested.
    pub commands: String,
}

impl Baseline {
    /// Describes it; `tested` says whether its tests have been run.
    pub fn new(saved: &SavedBaseline, tested: bool) -> Self {
        let mut checks = vec![CheckRun::from(&saved.build)];
        if tested {
            checks.push(CheckRun::from(&saved.regress));
        }
        Self {
            checks,
            tests: Tests::from(&saved.report),
            commands: saved.commands.clone(),
        }
    }

    /// It as the workbench knows it, and whether its tests have been run; `None` where it holds
    /// other checks than it can.
    pub fn saved(&self) -> Result<Option<(SavedBaseline, bool)>, Unknown> {
        let (build, regress) = match self.checks.as_slice() {
            [build] => (model::CheckRun::try_from(build)?, None),
            [build, regress] => (
                model::CheckRun::try_from(build)?,
                Some(model::CheckRun::try_from(regress)?),
            ),
            _ => return Ok(None),
        };
        let tested = regress.is_some();
        let not_yet = || {
            let why = "the tests have not been run yet";
            model::CheckRun::instant(model::Check::Regress, model::Outcome::NotRun(why.into()))
        };
        let saved = SavedBaseline {
            build,
            regress: regress.unwrap_or_else(not_yet),
            report: TestReport::from(&self.tests),
            commands: self.commands.clone(),
        };
        Ok(Some((saved, tested)))
    }
}

/// Says that something read back is not what this program writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{}` is not one this version knows", value.escape_debug())]
pub struct Unknown {
    what: &'static str,
    value: String,
}

impl From<&model::Finding> for Finding {
    fn from(finding: &model::Finding) -> Self {
        let FindingKind::VulnerableDependency(dependency) = &finding.kind;
        Self {
            id: finding.id.to_string(),
            kind: "vulnerable-dependency".into(),
            class: class_name(dependency.class).into(),
            lockfile: finding.location.to_string(),
            ecosystem: dependency.package.ecosystem.to_string(),
            package: dependency.package.name.clone(),
            version: dependency.package.version.clone(),
            advisories: dependency.ids.iter().map(ToString::to_string).collect(),
            summary: dependency.summary.clone(),
            severity: finding.severity.as_ref().map(Severity::from),
            fixed_versions: dependency.fixed_versions.clone(),
            direct: dependency.reach.direct,
            path: path(dependency),
            dependency_kind: kind_name(dependency.reach.kind).into(),
            compiled: compiled_name(&dependency.reach.compiled).into(),
            references: dependency.references.clone(),
        }
    }
}

fn path(dependency: &VulnerableDependency) -> Vec<String> {
    dependency
        .reach
        .path
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// The name of a class of finding.
pub fn class_name(class: Class) -> &'static str {
    use model::advisory::Informational::{Notice, Unmaintained, Unsound};
    match class {
        Class::Vulnerability => "vulnerability",
        Class::Notice(Unmaintained) => "unmaintained",
        Class::Notice(Unsound) => "unsound",
        Class::Notice(Notice) => "notice",
        Class::Yanked => "yanked",
    }
}

/// The name of a kind of dependency.
pub fn kind_name(kind: DependencyKind) -> &'static str {
    match kind {
        DependencyKind::Normal => "normal",
        DependencyKind::Build => "build",
        DependencyKind::Dev => "dev",
    }
}

/// Whether a package is built, in a word.
pub fn compiled_name(compiled: &Compiled) -> &'static str {
    match compiled {
        Compiled::Yes => "yes",
        Compiled::OtherPlatform => "other-platform",
        Compiled::OptIn => "opt-in",
        Compiled::Unknown(_) => "unknown",
    }
}

impl From<&model::finding::Severity> for Severity {
    fn from(severity: &model::finding::Severity) -> Self {
        Self {
            level: format!("{:?}", severity.level).to_lowercase(),
            score: severity
                .score_tenths
                .map(|tenths| format!("{}.{}", tenths / 10, tenths % 10)),
            system: severity.vector.system.clone(),
            vector: severity.vector.vector.clone(),
            source: severity.source.to_string(),
        }
    }
}

impl From<&model::Candidate> for Candidate {
    fn from(candidate: &model::Candidate) -> Self {
        let Change::Upgrade(upgrade) = &candidate.change;
        Self {
            settles: candidate.settles.iter().map(ToString::to_string).collect(),
            strategy: upgrade.strategy.to_string(),
            lockfile: upgrade.lockfile.to_string(),
            moves: moves(upgrade),
            edits: edits(upgrade),
            needs_human: match &candidate.applicability {
                Applicability::Automatic => None,
                Applicability::NeedsHuman(why) => Some(why.clone()),
            },
            engine: candidate.engine().map(str::to_owned),
            rewrites: upgrade.rewrites.iter().map(Rewrite::from).collect(),
        }
    }
}

impl From<&model::candidate::SourceEdit> for Rewrite {
    fn from(edit: &model::candidate::SourceEdit) -> Self {
        Self {
            path: edit.path.to_string(),
            search: edit.search.clone(),
            replace: edit.replace.clone(),
        }
    }
}

fn moves(upgrade: &Upgrade) -> Vec<Move> {
    let wire = |planned: &model::candidate::Move| Move {
        package: planned.package.name.clone(),
        from: planned.package.version.clone(),
        to: planned.to.clone(),
    };
    upgrade.moves.iter().map(wire).collect()
}

fn edits(upgrade: &Upgrade) -> Vec<Edit> {
    let wire = |edit: &model::candidate::RequirementEdit| Edit {
        manifest: edit.manifest.to_string(),
        dependency: edit.key.clone(),
        from: edit.from.clone(),
        to: edit.to.clone(),
    };
    upgrade.edits.iter().map(wire).collect()
}

impl From<&model::CheckRun> for CheckRun {
    fn from(run: &model::CheckRun) -> Self {
        let (outcome, why) = match &run.outcome {
            model::Outcome::Passed => ("passed", None),
            model::Outcome::Failed(why) => ("failed", Some(why.clone())),
            model::Outcome::Differs(what) => ("differs", Some(what.clone())),
            model::Outcome::TimedOut => ("timed-out", None),
            model::Outcome::NotRun(why) => ("not-run", Some(why.clone())),
        };
        Self {
            check: run.check.name().into(),
            outcome: outcome.into(),
            why,
            elapsed_ms: u64::try_from(run.elapsed.as_millis()).unwrap_or(u64::MAX),
            notes: run.notes.clone(),
            log: run.log.clone(),
        }
    }
}

impl TryFrom<&CheckRun> for model::CheckRun {
    type Error = Unknown;

    fn try_from(run: &CheckRun) -> Result<Self, Unknown> {
        let unknown = |what, value: &str| Unknown {
            what,
            value: value.to_owned(),
        };
        let why = || run.why.clone().unwrap_or_default();
        Ok(Self {
            check: model::Check::from_name(&run.check)
                .ok_or_else(|| unknown("the check", &run.check))?,
            outcome: match run.outcome.as_str() {
                "passed" => model::Outcome::Passed,
                "failed" => model::Outcome::Failed(why()),
                "differs" => model::Outcome::Differs(why()),
                "timed-out" => model::Outcome::TimedOut,
                "not-run" => model::Outcome::NotRun(why()),
                other => return Err(unknown("the outcome", other)),
            },
            elapsed: Duration::from_millis(run.elapsed_ms),
            notes: run.notes.clone(),
            log: run.log.clone(),
        })
    }
}

impl Reproducer {
    /// Describes a reproducer; `origin` says whose it is.
    pub fn new(reproducer: &model::Reproducer, origin: String) -> Self {
        let seen = reproducer.seen.as_ref();
        Self {
            name: reproducer.name.clone(),
            advisories: reproducer
                .advisories
                .iter()
                .map(ToString::to_string)
                .collect(),
            ecosystem: reproducer.ecosystem.to_string(),
            package: reproducer.package.clone(),
            shows: reproducer.shows.clone(),
            inputs: reproducer.inputs.clone(),
            time_limit_s: reproducer.time_limit_s,
            vulnerable: seen.map(|seen| seen.vulnerable.clone()),
            fixed: seen.map(|seen| seen.fixed.clone()),
            origin,
        }
    }
}

impl From<&reproducer::Sighting> for Sighting {
    fn from(sighting: &reproducer::Sighting) -> Self {
        let (sight, why) = match &sighting.sight {
            Sight::Present => ("present", None),
            Sight::Absent => ("absent", None),
            Sight::Inconclusive(why) => ("inconclusive", Some(why.clone())),
        };
        Self {
            input: sighting.input.clone(),
            sight: sight.into(),
            why,
        }
    }
}

impl From<&Sighting> for reproducer::Sighting {
    /// What is not one of the three words tells nothing.
    fn from(sighting: &Sighting) -> Self {
        Self {
            input: sighting.input.clone(),
            sight: match sighting.sight.as_str() {
                "present" => Sight::Present,
                "absent" => Sight::Absent,
                _ => Sight::Inconclusive(sighting.why.clone().unwrap_or_default()),
            },
        }
    }
}

impl From<&TestReport> for Tests {
    fn from(report: &TestReport) -> Self {
        let names = |outcome| report.names(outcome).map(str::to_owned).collect();
        Self {
            passed: names(TestOutcome::Passed),
            failed: names(TestOutcome::Failed),
            ignored: names(TestOutcome::Ignored),
            succeeded: report.succeeded,
            gaps: report.gaps.clone(),
        }
    }
}

impl From<&Tests> for TestReport {
    fn from(tests: &Tests) -> Self {
        let outcomes = [
            (&tests.passed, TestOutcome::Passed),
            (&tests.failed, TestOutcome::Failed),
            (&tests.ignored, TestOutcome::Ignored),
        ];
        let cases = outcomes
            .into_iter()
            .flat_map(|(names, outcome)| names.iter().map(move |name| (name.clone(), outcome)));
        Self {
            cases: cases.collect(),
            succeeded: tests.succeeded,
            gaps: tests.gaps.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_survives_the_way_through_the_ledger() {
        use model::Outcome::{Failed, NotRun, Passed, TimedOut};
        for outcome in [
            Passed,
            TimedOut,
            Failed("red".into()),
            NotRun("no tests".into()),
        ] {
            for check in model::Check::LADDER {
                let run = model::CheckRun {
                    check,
                    outcome: outcome.clone(),
                    elapsed: Duration::from_millis(17),
                    notes: vec!["a note".into()],
                    log: Some("check.log".into()),
                };
                assert_eq!(model::CheckRun::try_from(&CheckRun::from(&run)), Ok(run));
            }
        }
    }

    #[test]
    fn an_outcome_that_nobody_wrote_is_no_outcome() {
        let mut wire = CheckRun::from(&model::CheckRun::instant(
            model::Check::Build,
            model::Outcome::Passed,
        ));
        wire.outcome = "splendid".into();
        assert!(model::CheckRun::try_from(&wire).is_err());
    }
}
