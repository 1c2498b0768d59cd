//! Puts it together: a project's packages and an index's records become findings.

use std::collections::BTreeSet;
use std::fmt;

use backstitch_model::finding::{
    Class, Finding, FindingId, FindingKind, Severity, VulnerableDependency,
};
use backstitch_model::package::Ecosystem;
use backstitch_model::project::{LockedPackage, Node, Problem, Project, Source};
use backstitch_model::registry::Releases;
use backstitch_model::{AdvisoryId, LockFormat};

use crate::group::{self, Group};
use crate::index::{Index, IndexError, Section};
use crate::python::normalised;
use crate::reach::{Platform, Reaches};
use crate::severity;

/// How many findings one lockfile may have; a real one has dozens.
const FINDINGS_MAX: usize = 10_000;

/// How many low bounds are told of.
const LOW_BOUNDS_MAX: usize = 50;

/// How many hex digits a fingerprint has: 64 bits.
const FINGERPRINT_DIGITS: usize = 16;

/// What a scan looked up besides the project and the index.
#[derive(Clone, Copy, Default)]
pub struct Surroundings<'scan> {
    /// What the registry says of releases, where it is at hand. Asked only about packages
    /// that lead to a finding.
    pub releases: Option<&'scan dyn Releases>,
    /// The platform that the project is built for.
    pub platform: Platform,
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Surroundings")
            .field("releases", &self.releases.map(|_| ".."))
            .field("platform", &self.platform)
            .finish()
    }
}

/// What a scan found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scan {
    /// Vulnerabilities and notices, in the lockfile's order of packages, then by id.
    pub findings: Vec<Finding>,
    /// What could not be judged.
    pub problems: Vec<Problem>,
}

/// Finds every advisory that affects a package of the project: one finding a package's
/// version and group of aliased records.
///
/// Only packages of the public registry are looked up; advisories say nothing of others.
pub fn findings(
    project: &Project,
    index: &Index,
    surroundings: Surroundings<'_>,
) -> Result<Scan, IndexError> {
    let (matched, mut problems) = look_up(project, index)?;
    problems.extend(low_bounds(project, index)?);
    let nodes = matched.iter().map(|matched| matched.node);
    let reaches = Reaches::new(project, nodes, surroundings);
    let findings = matched
        .into_iter()
        .map(|matched| matched.finding(project, &reaches))
        .collect();
    Ok(Scan { findings, problems })
}

/// A finding without its reach, which is worked out for all of them at once.
struct Matched {
    node: Node,
    dependency: VulnerableDependency,
    severity: Option<Severity>,
}

impl Matched {
    fn finding(mut self, project: &Project, reaches: &Reaches<'_>) -> Finding {
        self.dependency.reach = reaches.of(self.node);
        Finding {
            id: fingerprint(project, &self.dependency),
            location: project.lockfile.clone(),
            kind: FindingKind::VulnerableDependency(self.dependency),
            severity: self.severity,
        }
    }
}

fn look_up(project: &Project, index: &Index) -> Result<(Vec<Matched>, Vec<Problem>), IndexError> {
    let mut matched = Vec::new();
    let mut problems = Vec::new();
    let mut tell = |what| {
        problems.push(Problem {
            path: project.lockfile.clone(),
            what,
        });
    };
    let mut sections = Sections::new(index);
    for (node, package) in published(project) {
        let Some(section) = sections.get(&package.id.ecosystem)? else {
            continue;
        };
        let answer = group::matches(section, &package.id.name, &package.id.version)
            .map_err(|part| index.damaged(part))?;
        if matched.len() + answer.groups.len() > FINDINGS_MAX {
            tell(format!(
                "more than {FINDINGS_MAX} findings; the rest was not looked up"
            ));
            break;
        }
        answer
            .unclear
            .iter()
            .for_each(|id| tell(unclear(package, id)));
        matched.extend(answer.groups.iter().map(|group| Matched {
            node,
            dependency: dependency(package, group),
            severity: severity::choose(group.records()),
        }));
    }
    Ok((matched, problems))
}

/// Requirements of requirements files whose lowest release is known to be vulnerable, where
/// nothing says which release is installed.
fn low_bounds(project: &Project, index: &Index) -> Result<Vec<Problem>, IndexError> {
    let mut problems = Vec::new();
    if project.format != LockFormat::Requirements {
        return Ok(problems);
    }
    let ecosystem = project.format.ecosystem();
    let Some(section) = index.section(&ecosystem)? else {
        return Ok(problems);
    };
    let locked: BTreeSet<String> = published(project)
        .map(|(_, package)| normalised(&package.id.name))
        .collect();
    let manifests = project.manifests.iter();
    let texts =
        manifests.filter(|manifest| manifest.path.file_name().strip_suffix(".txt").is_some());
    let requirements = texts.flat_map(|manifest| {
        let each = manifest.requirements.iter();
        each.map(|requirement| (&manifest.path, requirement))
    });
    for (path, requirement) in requirements {
        let name = &requirement.package;
        let Some(lowest) = lowest(&requirement.version) else {
            continue;
        };
        if locked.contains(&normalised(name)) || problems.len() >= LOW_BOUNDS_MAX {
            continue;
        }
        let answer = group::matches(&section, name, lowest).map_err(|part| index.damaged(part))?;
        let ids = answer.groups.iter().flat_map(|group| group.ids(&ecosystem));
        if let Some(id) = ids.into_iter().next() {
            problems.push(Problem {
                path: path.clone(),
                what: format!(
                    "`{}{}` admits {}, which {id} is about; nothing says which release is installed",
                    name.escape_debug(),
                    requirement.version.escape_debug(),
                    lowest.escape_debug()
                ),
            });
        }
    }
    Ok(problems)
}

/// The lowest release that a requirement admits, where it says so.
fn lowest(versions: &str) -> Option<&str> {
    let mut parts = versions.split(',').map(str::trim);
    let low = parts.find_map(|part| part.strip_prefix(">=").or_else(|| part.strip_prefix("~=")));
    low.map(str::trim)
}

fn unclear(package: &LockedPackage, id: &AdvisoryId) -> String {
    format!(
        "{id} speaks of `{}`, but its versions cannot be compared with `{}`; only the versions \
         it lists were looked at",
        package.id.name.escape_debug(),
        package.id.version.escape_debug()
    )
}

/// Finds the locked releases that the registry has withdrawn from new use. Asks about
/// every package, so it costs what the registry's cache costs.
pub fn yanked(project: &Project, releases: &dyn Releases, platform: Platform) -> Scan {
    let mut scan = Scan::default();
    let mut nodes = Vec::new();
    for (node, package) in published(project) {
        match releases.releases(&package.id.name) {
            Ok(known) => {
                let is_yanked = known
                    .iter()
                    .any(|release| release.yanked && release.version == package.id.version);
                nodes.extend(is_yanked.then_some(node));
            }
            Err(error) => scan.problems.push(Problem {
                path: project.lockfile.clone(),
                what: error.to_string(),
            }),
        }
    }
    let surroundings = Surroundings {
        releases: Some(releases),
        platform,
    };
    let reaches = Reaches::new(project, nodes.iter().copied(), surroundings);
    scan.findings = nodes
        .into_iter()
        .map(|node| withdrawn(project, node).finding(project, &reaches))
        .collect();
    scan
}

fn withdrawn(project: &Project, node: Node) -> Matched {
    Matched {
        node,
        dependency: VulnerableDependency {
            package: project.graph.package(node).id.clone(),
            class: Class::Yanked,
            ids: Vec::new(),
            summary: "the registry withdrew this release from new use".to_owned(),
            fixed_versions: Vec::new(),
            references: Vec::new(),
            reach: Reaches::nowhere(),
        },
        severity: None,
    }
}

fn published(project: &Project) -> impl Iterator<Item = (Node, &LockedPackage)> {
    project
        .graph
        .nodes()
        .filter(|(_, package)| package.source == Source::PublicRegistry)
}

/// The sections that were asked for, each opened once; a lockfile has one ecosystem or few.
struct Sections<'index> {
    index: &'index Index,
    open: Vec<(Ecosystem, Option<Section<'index>>)>,
}

impl<'index> Sections<'index> {
    fn new(index: &'index Index) -> Self {
        Self {
            index,
            open: Vec::new(),
        }
    }

    fn get(&mut self, ecosystem: &Ecosystem) -> Result<Option<&Section<'index>>, IndexError> {
        let known = self.open.iter().position(|(known, _)| known == ecosystem);
        let position = known.unwrap_or(self.open.len());
        if known.is_none() {
            let section = self.index.section(ecosystem)?;
            self.open.push((ecosystem.clone(), section));
        }
        Ok(self.open[position].1.as_ref())
    }
}

fn dependency(package: &LockedPackage, group: &Group<'_>) -> VulnerableDependency {
    let ecosystem = &package.id.ecosystem;
    let mut references: Vec<String> = Vec::new();
    for reference in group.records().flat_map(|record| &record.references) {
        if !references.contains(reference) {
            references.push(reference.clone());
        }
    }
    VulnerableDependency {
        package: package.id.clone(),
        class: group.class(),
        ids: group.ids(ecosystem),
        summary: group
            .records()
            .map(|record| record.summary.clone())
            .find(|summary| !summary.is_empty())
            .unwrap_or_default(),
        fixed_versions: group.fixed_versions(ecosystem, &package.id.version),
        references,
        reach: Reaches::nowhere(),
    }
}

/// The stable fingerprint: neither time nor order nor the advisories' wording is in it.
fn fingerprint(project: &Project, dependency: &VulnerableDependency) -> FindingId {
    let main = dependency.main_id().map_or("yanked", |id| id.as_str());
    let parts = [
        project.lockfile.as_str(),
        dependency.package.ecosystem.as_osv(),
        &dependency.package.name,
        &dependency.package.version,
        main,
    ];
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        // The length keeps one part's end from being another's beginning.
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let hex = hasher.finalize().to_hex();
    FindingId(hex.as_str().chars().take(FINGERPRINT_DIGITS).collect())
}

#[cfg(test)]
mod tests;
