//! Owns the findings that a registry's vulnerabilities make of a project: no advisory
//! database is needed for a test.

use backstitch_model::finding::{Class, Compiled, Reach, VulnerableDependency};
use backstitch_model::project::DependencyKind;
use backstitch_model::registry::KnownVulnerabilities;
use backstitch_model::{Finding, FindingId, FindingKind, Project};

/// One finding for each locked package and each of its vulnerabilities, with the id
/// `package@version:advisory`.
pub fn findings(project: &Project, vulnerabilities: &dyn KnownVulnerabilities) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in project.graph.packages() {
        for id in vulnerabilities.vulnerabilities(&package.id.name, &package.id.version) {
            findings.push(Finding {
                id: FindingId(format!("{}:{id}", package.id)),
                location: project.lockfile.clone(),
                kind: FindingKind::VulnerableDependency(VulnerableDependency {
                    package: package.id.clone(),
                    class: Class::Vulnerability,
                    ids: vec![id],
                    summary: String::new(),
                    fixed_versions: Vec::new(),
                    references: Vec::new(),
                    reach: Reach {
                        direct: false,
                        path: Vec::new(),
                        kind: DependencyKind::Normal,
                        compiled: Compiled::Yes,
                    },
                }),
                severity: None,
            });
        }
    }
    findings
}
