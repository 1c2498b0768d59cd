//! A whole planning situation in two strings, and plans as text to compare with.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each test file uses a part, and which one differs"
)]

use backstitch_fix::{Plan, Planner};
use backstitch_fixture::{Files, Registry, days, findings, project};
use backstitch_model::candidate::Step;
use backstitch_model::{Candidate, Change, Finding, Policy, Project};

/// The day it is in every test.
pub const TODAY: i64 = 1000;

/// What a plan is made from.
pub struct Situation {
    pub registry: Registry,
    pub project: Project,
    pub policy: Policy,
    pub rustc: Option<&'static str>,
}

impl Situation {
    pub fn new(registry: &str, files: &str) -> Self {
        Self {
            registry: Registry::parse(registry),
            project: project(&Files::parse(files)),
            policy: Policy::default(),
            rustc: Some("1.80.0"),
        }
    }

    pub fn findings(&self) -> Vec<Finding> {
        findings(&self.project, &self.registry)
    }

    pub fn plans(&self) -> Vec<Plan> {
        let planner = Planner {
            project: &self.project,
            releases: &self.registry,
            vulnerabilities: &self.registry,
            policy: &self.policy,
            rustc: self.rustc,
            now_s: days(TODAY),
        };
        planner.plan(&self.findings())
    }

    /// The plans as text: one line a candidate, one a step, one for the obstacle.
    pub fn told(&self) -> String {
        self.plans().iter().map(tell_plan).collect()
    }

    /// The plans as text, without the full update.
    pub fn told_briefly(&self) -> String {
        let told = self.told();
        let lines = told.lines().filter(|line| !line.contains("full update"));
        lines.map(|line| format!("{line}\n")).collect()
    }
}

/// A manifest of the package `app` with these dependencies.
pub fn app(dependencies: &str) -> String {
    format!("[package]\nname = \"app\"\nversion = \"0.1.0\"\n\n[dependencies]\n{dependencies}\n")
}

/// A project of one package, `app`, with these dependencies and this lockfile.
pub fn project_text(dependencies: &str, lock: &str) -> String {
    format!("--- Cargo.toml\n{}--- lock\n{lock}", app(dependencies))
}

fn tell_plan(plan: &Plan) -> String {
    let mut told = format!("{}\n", plan.package);
    for candidate in &plan.candidates {
        told.push_str(&tell_candidate(candidate));
    }
    if let Some(obstacle) = &plan.obstacle {
        told.push_str(&format!("  obstacle: {obstacle}\n"));
    }
    told
}

fn tell_candidate(candidate: &Candidate) -> String {
    let Change::Upgrade(upgrade) = &candidate.change;
    let edits = upgrade.edits.iter();
    let edits = edits.map(|edit| format!("{} `{}` → `{}`", edit.key, edit.from, edit.to));
    let steps: Vec<_> = edits.chain(upgrade.recipe.iter().map(tell_step)).collect();
    let settles: Vec<_> = candidate.settles.iter().map(ToString::to_string).collect();
    format!(
        "  {}: {} [{}]\n",
        upgrade.strategy,
        steps.join(", "),
        settles.join(" ")
    )
}

fn tell_step(step: &Step) -> String {
    match step {
        Step::WriteManifest { path, .. } => format!("write {path}"),
        Step::UpdatePackage { package, to } => {
            format!("{package} → {}", to.as_deref().unwrap_or("?"))
        }
        Step::Relock => "relock".to_owned(),
        Step::UpdateEverything => "everything".to_owned(),
    }
}

/// The lines that differ between the project's manifests and what a candidate writes
/// at last.
pub fn manifest_diff(situation: &Situation, candidate: &Candidate) -> String {
    let Change::Upgrade(upgrade) = &candidate.change;
    let mut diff = String::new();
    for manifest in &situation.project.manifests {
        let written = upgrade.recipe.iter().rev().find_map(|step| match step {
            Step::WriteManifest { path, text } if *path == manifest.path => Some(text),
            Step::WriteManifest { .. }
            | Step::UpdatePackage { .. }
            | Step::Relock
            | Step::UpdateEverything => None,
        });
        let Some(written) = written else {
            continue;
        };
        assert_eq!(written.lines().count(), manifest.text.lines().count());
        for (before, after) in manifest.text.lines().zip(written.lines()) {
            if before != after {
                diff.push_str(&format!("{}\n- {before}\n+ {after}\n", manifest.path));
            }
        }
    }
    diff
}
