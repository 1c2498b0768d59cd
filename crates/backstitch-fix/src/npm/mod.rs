//! Plans for projects of npm, pnpm and yarn, whose packages may be locked in several
//! versions at a time, each for those who ask for it.
//!
//! Read in this order: a *package plan* gathers *ways*; the *search* finds one for a locked
//! package: to a later release, upwards to those who hold it, or by an override of what they
//! ask for; *rules* say which release may be taken, *locked* who asks for what; a way
//! becomes a *recipe*; where there is none, an *obstacle* says why.

mod package_plan;

mod search;

mod locked;
mod overrides;
mod rules;

mod obstacle;
mod recipe;

mod catalogue;
mod json_text;
mod range;

use std::collections::BTreeMap;

use backstitch_model::{Finding, FindingKind};

use crate::plan::{Plan, Planner};

use locked::Locked;
use package_plan::PackagePlanner;

/// Plans for every vulnerable package, in the order of their names.
pub(crate) fn plan(planner: &Planner<'_>, findings: &[Finding]) -> Vec<Plan> {
    let mut packages = BTreeMap::<&str, Vec<&Finding>>::new();
    for finding in findings.iter().filter(|finding| finding.is_vulnerability()) {
        let FindingKind::VulnerableDependency(dependency) = &finding.kind;
        let name = &dependency.package.name;
        packages.entry(name).or_default().push(finding);
    }
    let locked = Locked::new(planner);
    packages
        .into_iter()
        .map(|(name, about)| PackagePlanner::new(planner, &locked, findings, name, &about).plan())
        .collect()
}
