//! Which finding of a changed tree continues which of the tree before: pure.
//!
//! A finding's id holds the package's version, so an upgrade that does not help gives the
//! same problem a new id. Each finding continues at most one; what is continued by none
//! is gone, and what continues none is new.

use backstitch_model::{Finding, FindingId};
use semver::Version;

use crate::report::words;

/// Two trees' findings, paired.
#[derive(Debug, Default)]
pub struct Pairing<'findings> {
    /// Findings of the tree before that are still there, each with what continues it.
    pub continued: Vec<(&'findings Finding, &'findings Finding)>,
    /// Findings of the tree before that are gone.
    pub gone: Vec<&'findings Finding>,
    /// Findings that were not there before.
    pub new: Vec<&'findings Finding>,
}

impl<'findings> Pairing<'findings> {
    /// Pairs equal ids first, then the same problem in a compatible version, then the
    /// same problem in any.
    pub fn of(before: &'findings [Finding], after: &'findings [Finding]) -> Self {
        let mut pairing = Self {
            gone: before.iter().collect(),
            new: after.iter().collect(),
            continued: Vec::new(),
        };
        pairing.take(|before, after| before.id == after.id);
        pairing.take(|before, after| same_problem(before, after) && compatible(before, after));
        pairing.take(same_problem);
        pairing
    }

    /// Pairs what `belongs` says belongs together, later versions first on both sides, so
    /// that the nearest ones meet.
    fn take(&mut self, belongs: impl Fn(&Finding, &Finding) -> bool) {
        self.gone
            .sort_by_key(|finding| std::cmp::Reverse(version(finding)));
        self.new
            .sort_by_key(|finding| std::cmp::Reverse(version(finding)));
        let mut unpaired = Vec::new();
        for after in std::mem::take(&mut self.new) {
            match self.gone.iter().position(|before| belongs(before, after)) {
                Some(place) => self.continued.push((self.gone.remove(place), after)),
                None => unpaired.push(after),
            }
        }
        self.new = unpaired;
    }

    /// Is the finding of the tree before still there, under whatever id?
    pub fn continues(&self, id: &FindingId) -> bool {
        self.continued.iter().any(|(before, _)| before.id == *id)
    }
}

/// Do both speak of the same package and the same problem? Which id comes first may
/// differ between versions, so one in common is enough.
fn same_problem(before: &Finding, after: &Finding) -> bool {
    let (before, after) = (words::dependency(before), words::dependency(after));
    let shares = before.ids.iter().any(|id| after.ids.contains(id));
    before.package.name == after.package.name
        && before.class == after.class
        && (shares || before.ids.is_empty() && after.ids.is_empty())
}

fn version(finding: &Finding) -> Option<Version> {
    Version::parse(&words::dependency(finding).package.version).ok()
}

/// Are the two versions compatible as Cargo sees it: is the leftmost non-zero number the same?
fn compatible(before: &Finding, after: &Finding) -> bool {
    let class = |version: Version| match (version.major, version.minor) {
        (0, 0) => (0, 0, version.patch),
        (0, minor) => (0, minor, 0),
        (major, _) => (major, 0, 0),
    };
    match (version(before), version(after)) {
        (Some(before), Some(after)) => class(before) == class(after),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use backstitch_model::RelPath;
    use backstitch_model::advisory::AdvisoryId;
    use backstitch_model::finding::{Class, Compiled, FindingKind, Reach, VulnerableDependency};
    use backstitch_model::package::{Ecosystem, PackageVersion};
    use backstitch_model::project::DependencyKind;

    use super::*;

    fn finding(name: &str, version: &str, ids: &[&str]) -> Finding {
        Finding {
            id: FindingId(format!("{name}@{version}:{}", ids[0])),
            location: RelPath::new("Cargo.lock").unwrap(),
            severity: None,
            kind: FindingKind::VulnerableDependency(VulnerableDependency {
                package: PackageVersion {
                    ecosystem: Ecosystem::CratesIo,
                    name: name.into(),
                    version: version.into(),
                },
                class: Class::Vulnerability,
                ids: ids.iter().map(|id| AdvisoryId::new(*id).unwrap()).collect(),
                summary: String::new(),
                fixed_versions: Vec::new(),
                references: Vec::new(),
                reach: Reach {
                    direct: true,
                    path: Vec::new(),
                    kind: DependencyKind::Normal,
                    compiled: Compiled::Yes,
                },
            }),
        }
    }

    fn ids(findings: &[&Finding]) -> Vec<String> {
        findings
            .iter()
            .map(|finding| finding.id.to_string())
            .collect()
    }

    #[test]
    fn a_version_that_moved_and_is_still_affected_is_not_gone() {
        let before = [finding("p", "0.1.0", &["A"]), finding("p", "0.2.0", &["A"])];
        let after = [finding("p", "0.2.1", &["A"])];
        let pairing = Pairing::of(&before, &after);
        assert_eq!(ids(&pairing.gone), ["p@0.1.0:A"]);
        assert!(pairing.new.is_empty());
        assert!(pairing.continues(&before[1].id) && !pairing.continues(&before[0].id));
    }

    #[test]
    fn another_first_id_of_the_same_group_is_the_same_problem() {
        let before = [finding("p", "1.0.0", &["A", "B"])];
        let after = [finding("p", "1.0.1", &["B", "C"])];
        assert!(Pairing::of(&before, &after).gone.is_empty());
    }

    #[test]
    fn one_more_version_with_the_problem_is_new() {
        let before = [finding("p", "1.0.0", &["A"])];
        let after = [finding("p", "1.0.0", &["A"]), finding("p", "2.0.0", &["A"])];
        let pairing = Pairing::of(&before, &after);
        assert_eq!(ids(&pairing.new), ["p@2.0.0:A"]);
        assert!(pairing.gone.is_empty());
    }

    #[test]
    fn another_problem_is_new_and_the_old_one_gone() {
        let before = [finding("p", "1.0.0", &["A"])];
        let after = [finding("p", "1.0.0", &["B"]), finding("q", "1.0.0", &["A"])];
        let pairing = Pairing::of(&before, &after);
        assert_eq!(ids(&pairing.gone), ["p@1.0.0:A"]);
        assert_eq!(pairing.new.len(), 2);
    }
}
