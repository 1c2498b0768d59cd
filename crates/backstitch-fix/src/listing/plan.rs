//! Plans for every vulnerable package, one plan for each locked version.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use backstitch_model::candidate::{
    Applicability, Holder, Move, Obstacle, Origin, RequirementEdit, Step, Strategy, Upgrade,
};
use backstitch_model::finding::VulnerableDependency;
use backstitch_model::names::normalised;
use backstitch_model::package::{Ecosystem, PackageVersion};
use backstitch_model::policy::Bump;
use backstitch_model::project::{Manifest, Requirement};
use backstitch_model::version::{ParsedVersion, Scheme};
use backstitch_model::{
    AdvisoryId, Candidate, Change, Finding, FindingId, FindingKind, LockFormat, RelPath,
};

use super::obstacle::Refused;
use super::range;
use super::version::{bump, is_unreleased, numbers, spelled};
use crate::plan::{Plan, Planner};

/// How many versions of different lines are worth trying.
const SOLUTIONS_MAX: usize = 2;

/// How many versions that advisories call fixed are looked at.
const FIXED_MAX: usize = 200;

/// Plans for every vulnerable package among `findings`, in the order of their names.
pub(crate) fn plan(planner: &Planner<'_>, findings: &[Finding]) -> Vec<Plan> {
    let mut packages = BTreeMap::<PackageVersion, Vec<&Finding>>::new();
    for finding in findings.iter().filter(|finding| finding.is_vulnerability()) {
        let package = &dependency(finding).package;
        packages.entry(package.clone()).or_default().push(finding);
    }
    packages
        .into_iter()
        .map(|(package, about)| {
            PackagePlanner {
                planner,
                findings,
                package: &package,
                about: &about,
                ecosystem: planner.project.format.ecosystem(),
            }
            .plan()
        })
        .collect()
}

fn dependency(finding: &Finding) -> &VulnerableDependency {
    let FindingKind::VulnerableDependency(dependency) = &finding.kind;
    dependency
}

/// Plans for one package at one version.
struct PackagePlanner<'plan> {
    planner: &'plan Planner<'plan>,
    findings: &'plan [Finding],
    package: &'plan PackageVersion,
    about: &'plan [&'plan Finding],
    ecosystem: Ecosystem,
}

/// Texts that are put in the place of others, by manifest.
type Edits = BTreeMap<usize, Vec<(Range<usize>, RequirementEdit)>>;

impl PackagePlanner<'_> {
    fn plan(self) -> Plan {
        let mut refused = Refused::default();
        let candidates = self.candidates(&mut refused);
        let clears = |candidate: &Candidate| {
            let mut about = self.about.iter();
            about.all(|finding| candidate.settles.contains(&finding.id))
        };
        let obstacle = match self.forbidden() {
            Some(obstacle) => Some(obstacle),
            None if candidates.iter().any(clears) => None,
            None => Some(refused.obstacle(self.package)),
        };
        Plan {
            package: self.package.name.clone(),
            findings: self.about.iter().map(|one| one.id.clone()).collect(),
            candidates,
            obstacle,
        }
    }

    /// A rule that no version can meet.
    fn forbidden(&self) -> Option<Obstacle> {
        if self.parsed(&self.package.version).is_none() {
            return Some(Obstacle::Unknown(format!(
                "the version of `{}` cannot be compared with others",
                self.package
            )));
        }
        let mut alone = self.planner.policy.leave_alone.iter();
        let is_left = alone.any(|name| {
            normalised(&self.ecosystem, name) == normalised(&self.ecosystem, &self.package.name)
        });
        is_left.then(|| Obstacle::Policy(format!("`{}` is to be left alone", self.package.name)))
    }

    fn parsed(&self, version: &str) -> Option<ParsedVersion> {
        Scheme::of_ecosystem(&self.ecosystem)?.parse(version)
    }

    fn known(&self, package: &str, version: &str) -> BTreeSet<AdvisoryId> {
        let known = &self.planner.vulnerabilities;
        known
            .vulnerabilities(package, version)
            .into_iter()
            .collect()
    }

    fn candidates(&self, refused: &mut Refused) -> Vec<Candidate> {
        if self.forbidden().is_some() {
            return Vec::new();
        }
        let mut present = self.known(&self.package.name, &self.package.version);
        let ids = self.about.iter().flat_map(|one| &dependency(one).ids);
        present.extend(ids.cloned());
        let left = |version: String| {
            let left = self.known(&self.package.name, &version);
            (left, version)
        };
        let mut versions: Vec<_> = self.fixed_versions().into_iter().map(left).collect();
        let clean = versions.iter().filter(|(left, _)| left.is_empty());
        let candidates = self.within_rules(clean.map(|(_, version)| version), refused);
        if !candidates.is_empty() {
            return candidates;
        }
        // Where none is free of all, those with the fewest, and with no other.
        versions.sort_by_key(|(left, _)| left.len());
        let fewer = versions.iter().filter(|(left, _)| {
            !left.is_empty() && left.len() < present.len() && left.is_subset(&present)
        });
        self.within_rules(fewer.map(|(_, version)| version), refused)
    }

    /// What advisories call fixed and lies above the locked version, lowest first, as the
    /// package's versions are spelled.
    fn fixed_versions(&self) -> Vec<String> {
        let own = &self.package.version;
        let Some(locked) = self.parsed(own) else {
            return Vec::new();
        };
        let unreleased = is_unreleased(&self.ecosystem, own);
        let fixed = self
            .about
            .iter()
            .flat_map(|one| &dependency(one).fixed_versions);
        let mut versions: Vec<(ParsedVersion, String)> = fixed
            .map(|version| spelled(own, version))
            .filter(|version| unreleased || !is_unreleased(&self.ecosystem, version))
            .filter_map(|version| Some((self.parsed(&version)?, version)))
            .filter(|(parsed, _)| {
                parsed
                    .compare(&locked)
                    .is_some_and(std::cmp::Ordering::is_gt)
            })
            .take(FIXED_MAX)
            .collect();
        versions.sort_by(|(one, left), (other, right)| {
            one.compare(other).unwrap_or_else(|| left.cmp(right))
        });
        versions.dedup_by(|(one, _), (other, _)| {
            one.compare(other).is_some_and(std::cmp::Ordering::is_eq)
        });
        versions.into_iter().map(|(_, version)| version).collect()
    }

    /// One candidate for each line of versions, as far as policy and requirements let it go.
    fn within_rules<'version>(
        &self,
        versions: impl Iterator<Item = &'version String>,
        refused: &mut Refused,
    ) -> Vec<Candidate> {
        let solutions_max = SOLUTIONS_MAX.min(self.planner.policy.attempts_max);
        let mut lines = BTreeSet::new();
        let mut candidates = Vec::new();
        for to in versions {
            let step = bump(&self.ecosystem, &self.package.version, to);
            if step > self.planner.policy.bump_max {
                refused.too_large.get_or_insert((to.clone(), step));
                continue;
            }
            let [major, minor, _] = numbers(to);
            if lines.contains(&(major, minor)) || candidates.len() == solutions_max {
                continue;
            }
            if let Some(candidate) = self.candidate(to, step, refused) {
                lines.insert((major, minor));
                candidates.push(candidate);
            }
        }
        candidates
    }

    fn candidate(&self, to: &str, step: Bump, refused: &mut Refused) -> Option<Candidate> {
        let edits = self.edits(to, refused)?;
        let moves = self.moves(to, step, &edits)?;
        let format = self.planner.project.format;
        let in_manifests = match format {
            // It is the list of versions itself that changes.
            LockFormat::GoMod => false,
            _ => !edits.is_empty(),
        };
        let strategy = match step {
            Bump::Breaking => Strategy::Breaking,
            Bump::Patch | Bump::Compatible if in_manifests => Strategy::Requirement,
            Bump::Patch | Bump::Compatible => Strategy::Lockfile,
        };
        let settles = self.settled(&moves);
        let recipe = self.recipe(&moves, &edits);
        let edits = edits.into_values().flatten().map(|(_, edit)| edit);
        let candidate = Candidate {
            change: Change::Upgrade(Upgrade {
                lockfile: self.planner.project.lockfile.clone(),
                strategy,
                moves,
                edits: if in_manifests {
                    edits.collect()
                } else {
                    Vec::new()
                },
                recipe,
                rewrites: Vec::new(),
            }),
            settles,
            applicability: Applicability::Automatic,
            origin: Origin::Planner,
        };
        (!candidate.settles.is_empty()).then_some(candidate)
    }

    /// The texts to be changed; `None` where one that must change cannot.
    fn edits(&self, to: &str, refused: &mut Refused) -> Option<Edits> {
        let mut edits = Edits::new();
        for (index, manifest) in self.planner.project.manifests.iter().enumerate() {
            let own = manifest.requirements.iter();
            for requirement in own.filter(|one| self.is_about(one)) {
                let Some(text) = self.new_text(requirement, to, refused, manifest)? else {
                    continue;
                };
                let place = requirement.place.clone()?;
                let edit = RequirementEdit {
                    manifest: manifest.path.clone(),
                    key: requirement.key.clone(),
                    from: requirement.version.clone(),
                    to: text,
                };
                let of = edits.entry(index).or_default();
                if of.iter().all(|(known, _)| *known != place) {
                    of.push((place, edit));
                }
            }
        }
        let must_edit = matches!(
            self.planner.project.format,
            LockFormat::GoMod | LockFormat::Maven
        );
        if must_edit && edits.is_empty() {
            refused.unplaced = true;
            return None;
        }
        Some(edits)
    }

    fn is_about(&self, requirement: &Requirement) -> bool {
        normalised(&self.ecosystem, &requirement.package)
            == normalised(&self.ecosystem, &self.package.name)
    }

    /// What a requirement is to say; the inner `None` where it may stay.
    #[expect(
        clippy::option_option,
        reason = "one says that it cannot be done, the other that it need not"
    )]
    fn new_text(
        &self,
        requirement: &Requirement,
        to: &str,
        refused: &mut Refused,
        manifest: &Manifest,
    ) -> Option<Option<String>> {
        let format = self.planner.project.format;
        if matches!(format, LockFormat::GoMod | LockFormat::Maven) {
            if requirement.version != self.package.version {
                return Some(None);
            }
            if requirement.place.is_none() {
                refused.unplaced = true;
                return None;
            }
            return Some(Some(to.to_owned()));
        }
        // What Bundler copies from the `Gemfile` changes with that.
        let is_copy = manifest.path == self.planner.project.lockfile;
        let admits = |version| range::admits(&self.ecosystem, &requirement.version, version);
        // One that the locked version does not meet is not in force.
        if admits(&self.package.version) == Some(false) || admits(to) == Some(true) {
            return Some(None);
        }
        let stated = |one: &Requirement| self.is_about(one) && one.place.is_some();
        let manifests = self.planner.project.manifests.iter();
        let mut all = manifests.flat_map(|manifest| &manifest.requirements);
        if is_copy && all.any(stated) {
            return Some(None);
        }
        let raised = range::raised(&requirement.version, to);
        let raised = raised.filter(|_| requirement.place.is_some());
        if raised.is_none() {
            refused.held.get_or_insert(Holder {
                package: self.own_package(),
                requirement: requirement.version.clone(),
            });
            return None;
        }
        Some(raised)
    }

    /// The project itself.
    fn own_package(&self) -> PackageVersion {
        let packages = self.planner.project.graph.packages();
        packages
            .first()
            .map_or_else(|| self.package.clone(), |own| own.id.clone())
    }

    /// What moves: the package, and whatever takes its version from the same place. `None`
    /// where one of those would come to have an advisory that it does not have.
    fn moves(&self, to: &str, step: Bump, edits: &Edits) -> Option<Vec<Move>> {
        let mut moves = vec![Move {
            package: self.package.clone(),
            to: to.to_owned(),
            bump: step,
        }];
        if self.planner.project.format != LockFormat::Maven {
            return Some(moves);
        }
        for (&index, of) in edits {
            for requirement in &self.planner.project.manifests[index].requirements {
                let shares = of
                    .iter()
                    .any(|(place, _)| requirement.place.as_ref() == Some(place));
                if !shares
                    || moves
                        .iter()
                        .any(|one| one.package.name == requirement.package)
                {
                    continue;
                }
                let before = self.known(&requirement.package, &requirement.version);
                if !self.known(&requirement.package, to).is_subset(&before) {
                    return None;
                }
                moves.push(Move {
                    package: PackageVersion {
                        ecosystem: self.ecosystem.clone(),
                        name: requirement.package.clone(),
                        version: requirement.version.clone(),
                    },
                    to: to.to_owned(),
                    bump: step,
                });
            }
        }
        Some(moves)
    }

    fn settled(&self, moves: &[Move]) -> Vec<FindingId> {
        let is_gone = |finding: &&Finding| {
            let dependency = dependency(finding);
            let step = moves.iter().find(|one| one.package == dependency.package);
            step.is_some_and(|step| {
                let left = self.known(&step.package.name, &step.to);
                dependency.ids.iter().all(|id| !left.contains(id))
            })
        };
        let settled = self.findings.iter().filter(|one| one.is_vulnerability());
        settled.filter(is_gone).map(|one| one.id.clone()).collect()
    }

    /// The texts first, then what the tool is to do about them.
    fn recipe(&self, moves: &[Move], edits: &Edits) -> Vec<Step> {
        let mut steps: Vec<Step> = edits
            .iter()
            .map(|(&index, edits)| {
                let manifest = &self.planner.project.manifests[index];
                write(&manifest.path, &manifest.text, edits)
            })
            .collect();
        steps.extend(moves.iter().map(|moved| Step::UpdatePackage {
            package: moved.package.clone(),
            to: Some(moved.to.clone()),
        }));
        if self.planner.project.format == LockFormat::GoMod {
            steps.push(Step::Relock);
        }
        steps
    }
}

fn write(path: &RelPath, text: &str, edits: &[(Range<usize>, RequirementEdit)]) -> Step {
    let mut edits: Vec<_> = edits.iter().collect();
    edits.sort_by_key(|(place, _)| std::cmp::Reverse(place.start));
    let mut text = text.to_owned();
    for (place, edit) in edits {
        if text.get(place.clone()) == Some(edit.from.as_str()) {
            text.replace_range(place.clone(), &edit.to);
        }
    }
    Step::WriteManifest {
        path: path.clone(),
        text,
    }
}
