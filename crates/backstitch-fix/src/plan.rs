//! The planner's face: what it is given, and one plan for each vulnerable package.

use std::collections::BTreeMap;

use backstitch_model::candidate::Obstacle;
use backstitch_model::registry::{KnownVulnerabilities, Releases};
use backstitch_model::{Candidate, Finding, FindingId, FindingKind, LockFormat, Policy, Project};

use crate::catalogue::Catalogue;
use crate::full_update::FullUpdate;
use crate::locked::Locked;
use crate::package_plan::PackagePlanner;
use crate::{listing, npm, python};

/// Everything a plan is made from. Borrowed: a planner is built, asked once and dropped.
pub struct Planner<'given> {
    /// The project as it is now.
    pub project: &'given Project,
    /// Which releases a package has; asked once a package and call.
    pub releases: &'given dyn Releases,
    /// Which advisories a release has.
    pub vulnerabilities: &'given dyn KnownVulnerabilities,
    /// What a fix may do.
    pub policy: &'given Policy,
    /// The version of the compiler, or of the interpreter, that the project will meet, such as
    /// `1.95.0`; releases that need another one are not taken. Any release will do where it is
    /// unknown.
    pub rustc: Option<&'given str>,
    /// The present, in seconds since 1970 UTC.
    pub now_s: i64,
}

/// What can be done for one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The package's name: several locked versions of it are one plan.
    pub package: String,
    /// The findings that the plan is about.
    pub findings: Vec<FindingId>,
    /// What to try, least risky first; at most [`Policy::attempts_max`].
    pub candidates: Vec<Candidate>,
    /// Why no candidate settles every finding, where none does.
    pub obstacle: Option<Obstacle>,
}

impl Planner<'_> {
    /// Plans for every vulnerable package among `findings`, in the order of their names.
    /// Notices and yanked releases are passed over. Of the same input it makes the same
    /// plans.
    pub fn plan(&self, findings: &[Finding]) -> Vec<Plan> {
        match self.project.format {
            LockFormat::Npm | LockFormat::Pnpm | LockFormat::Yarn => npm::plan(self, findings),
            LockFormat::Requirements | LockFormat::Poetry | LockFormat::Uv | LockFormat::Pipenv => {
                python::plan(self, findings)
            }
            LockFormat::GoMod | LockFormat::Gemfile | LockFormat::Composer | LockFormat::Maven => {
                listing::plan(self, findings)
            }
            LockFormat::Cargo => self.plan_crates(findings),
        }
    }

    fn plan_crates(&self, findings: &[Finding]) -> Vec<Plan> {
        let mut packages = BTreeMap::<&str, Vec<&Finding>>::new();
        for finding in findings.iter().filter(|finding| finding.is_vulnerability()) {
            let FindingKind::VulnerableDependency(dependency) = &finding.kind;
            let name = &dependency.package.name;
            packages.entry(name).or_default().push(finding);
        }
        let catalogue = Catalogue::new(self.releases, self.vulnerabilities);
        let locked = Locked::new(self.project, catalogue);
        let full_update = FullUpdate::default();
        packages
            .into_iter()
            .map(|(name, about)| {
                PackagePlanner::new(self, &locked, &full_update, findings, name, &about).plan()
            })
            .collect()
    }
}
