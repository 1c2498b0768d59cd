//! What holds of every plan, whatever the registry and the lockfile: shown on small
//! random ones, and on one that is far too large.

#![expect(clippy::unwrap_used, reason = "a broken fixture is a broken test")]

mod support;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use backstitch_fix::Planner;
use backstitch_fixture::Registry;
use backstitch_model::candidate::{Step, Strategy as Way, Upgrade};
use backstitch_model::package::PackageVersion;
use backstitch_model::policy::Bump;
use backstitch_model::project::Requirement;
use backstitch_model::registry::{KnownVulnerabilities, Release, Releases, ReleasesUnavailable};
use backstitch_model::{Candidate, Change};
use proptest::prelude::*;
use semver::{Version, VersionReq};
use support::{Situation, TODAY, project_text};

/// The versions that a random package may have.
const VERSIONS: [&str; 7] = [
    "1.0.0", "1.0.1", "1.1.0", "1.2.0", "2.0.0", "2.1.0", "0.3.0",
];

/// The requirements that random packages have on one another.
const REQUIREMENTS: [&str; 8] = [
    "^1", "^1.1", "^1.2", "^2", "=1.0.1", "~1.0", ">=1, <3", "^0.3",
];

#[derive(Debug, Clone)]
struct RandomRelease {
    yanked: bool,
    vulnerable: bool,
    young: bool,
    /// For each later package, the index of a requirement on it.
    needs: Vec<Option<usize>>,
}

const PACKAGES: usize = 5;

fn random_release() -> impl Strategy<Value = RandomRelease> {
    let need = prop_oneof![3 => Just(None), 2 => (0..REQUIREMENTS.len()).prop_map(Some)];
    (
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.35),
        prop::bool::weighted(0.1),
        prop::collection::vec(need, PACKAGES),
    )
        .prop_map(|(yanked, vulnerable, young, needs)| RandomRelease {
            yanked,
            vulnerable,
            young,
            needs,
        })
}

/// A registry in the fixture's language; package `p0` may need `p1` and so on, never back.
fn random_registry() -> impl Strategy<Value = String> {
    let package = prop::collection::vec(
        prop::option::weighted(0.8, random_release()),
        VERSIONS.len(),
    );
    prop::collection::vec(package, PACKAGES).prop_map(|packages| {
        let mut text = String::new();
        for (index, releases) in packages.iter().enumerate() {
            for (version, release) in VERSIONS.iter().zip(releases) {
                if let Some(release) = release {
                    write_release(&mut text, index, version, release);
                }
            }
        }
        text
    })
}

fn write_release(text: &mut String, index: usize, version: &str, release: &RandomRelease) {
    write!(text, "p{index} {version}").unwrap();
    for (set, word) in [
        (release.yanked, " yanked"),
        (release.vulnerable, " vuln=A"),
        (release.young, " day=999"),
    ] {
        text.push_str(if set { word } else { "" });
    }
    text.push_str(" | ");
    for (other, need) in release.needs.iter().enumerate().skip(index + 1) {
        if let Some(need) = need {
            write!(text, "p{other} {};", REQUIREMENTS[*need]).unwrap();
        }
    }
    text.push('\n');
}

/// A package's name and version.
type Locked = (String, String);

type Lock = BTreeSet<Locked>;

/// Locked packages, each with those it depends on.
type Edges = BTreeMap<Locked, Vec<Locked>>;

/// What a requirement leads to among locked packages: the highest that it admits.
fn locked_match(lock: &Lock, name: &str, requirement: &str) -> Option<Locked> {
    matches(lock, name, requirement).pop()
}

fn lowest_match(lock: &Lock, name: &str, requirement: &str) -> Option<Locked> {
    matches(lock, name, requirement).into_iter().next()
}

fn matches(lock: &Lock, name: &str, requirement: &str) -> Vec<Locked> {
    let requirement = VersionReq::parse(requirement).unwrap();
    let mut found: Vec<_> = lock
        .iter()
        .filter(|(locked, version)| {
            locked == name && requirement.matches(&Version::parse(version).unwrap())
        })
        .collect();
    found.sort_by_key(|(_, version)| Version::parse(version).unwrap());
    found.into_iter().cloned().collect()
}

fn class(version: &str) -> (u64, u64) {
    let version = Version::parse(version).unwrap();
    if version.major > 0 {
        (version.major, 0)
    } else {
        (0, version.minor)
    }
}

/// The lowest release that a requirement admits and whose class is free.
fn lowest(registry: &Registry, lock: &Lock, name: &str, requirement: &str) -> Option<String> {
    let requirement = VersionReq::parse(requirement).unwrap();
    let is_free = |version: &str| {
        !lock
            .iter()
            .any(|(locked, other)| locked == name && class(other) == class(version))
    };
    let releases = registry.releases(name).ok()?;
    releases
        .iter()
        .filter(|release| is_free(&release.version))
        .find(|release| requirement.matches(&Version::parse(&release.version).unwrap()))
        .map(|release| release.version.clone())
}

/// Everything reachable from `p0` at `start`, taking in the lowest where nothing is
/// locked; `None` where something cannot be had.
fn low_lock(registry: &Registry) -> Option<Edges> {
    let start = registry.releases("p0").ok()?.first()?.version.clone();
    let start = ("p0".to_owned(), start);
    let mut lock = Lock::from([start.clone()]);
    let mut edges = Edges::new();
    let mut queue = vec![start];
    while let Some(package) = queue.pop() {
        if edges.contains_key(&package) {
            continue;
        }
        let mut children = Vec::new();
        for need in &registry.release(&package.0, &package.1)?.requirements {
            let name = &need.package;
            let found = match locked_match(&lock, name, &need.version) {
                Some(found) => found,
                None => (name.clone(), lowest(registry, &lock, name, &need.version)?),
            };
            lock.insert(found.clone());
            children.push(found);
        }
        queue.extend(children.iter().cloned());
        edges.insert(package, children);
    }
    Some(edges)
}

/// A project on `p0`, locked low throughout.
fn situation(registry: &str) -> Option<(Situation, Edges)> {
    let edges = low_lock(&Registry::parse(registry))?;
    let (_, start) = edges.keys().find(|(name, _)| name == "p0")?;
    let mut text = "app 0.1.0 local > p0\n".to_owned();
    for ((name, version), children) in &edges {
        let children: Vec<_> = children.iter().map(|(n, v)| format!("{n} {v}")).collect();
        writeln!(text, "{name} {version} > {}", children.join(", ")).unwrap();
    }
    let files = project_text(&format!("p0 = \"{start}\""), &text);
    Some((Situation::new(registry, &files), edges))
}

fn upgrade(candidate: &Candidate) -> &Upgrade {
    let Change::Upgrade(upgrade) = &candidate.change;
    upgrade
}

/// What a lockfile holds once a candidate of the lockfile alone is carried out.
struct After<'given> {
    registry: &'given Registry,
    /// What depended on what.
    edges: &'given Edges,
    /// Where each moved package went.
    moved: BTreeMap<Locked, Locked>,
}

/// A package to follow, and the one whose move brought it in.
type Visit = (Locked, Option<Locked>);

impl After<'_> {
    fn new<'given>(
        registry: &'given Registry,
        edges: &'given Edges,
        upgrade: &Upgrade,
    ) -> After<'given> {
        let mut moved = BTreeMap::new();
        for made in &upgrade.moves {
            let name = &made.package.name;
            let old = (name.clone(), made.package.version.clone());
            assert!(edges.contains_key(&old), "{made} moves what is not locked");
            moved.insert(old, (name.clone(), made.to.clone()));
        }
        After {
            registry,
            edges,
            moved,
        }
    }

    fn end(&self, upgrade: &Upgrade) -> Option<Lock> {
        let mut lock: Lock = self.edges.keys().map(|old| self.now(old)).collect();
        for step in &upgrade.recipe {
            if let Step::UpdatePackage { package, to } = step
                && !self.edges.contains_key(&key(package))
            {
                lock.insert((package.name.clone(), to.clone().unwrap()));
            }
        }
        let start = self.edges.keys().find(|(name, _)| name == "p0")?;
        self.reach(&lock, &Lock::new(), &[(self.now(start), None)])
    }

    fn now(&self, old: &Locked) -> Locked {
        self.moved.get(old).unwrap_or(old).clone()
    }

    /// Follows what is still to follow, trying every release where nothing is locked.
    fn reach(&self, lock: &Lock, seen: &Lock, queue: &[Visit]) -> Option<Lock> {
        let Some(((package, mover), rest)) = queue.split_last() else {
            return Some(seen.clone());
        };
        let mut seen = seen.clone();
        if !seen.insert(package.clone()) {
            return self.reach(lock, &seen, rest);
        }
        let needs = &self.registry.release(&package.0, &package.1)?.requirements;
        if let Some(edges) = self.edges.get(package) {
            // It stays, and so do its edges; what they lead to must still satisfy it.
            let children: Vec<_> = edges.iter().map(|old| self.now(old)).collect();
            let admits = |need: &Requirement| {
                let requirement = VersionReq::parse(&need.version).unwrap();
                children.iter().any(|(name, version)| {
                    *name == need.package && requirement.matches(&Version::parse(version).unwrap())
                })
            };
            assert!(needs.iter().all(admits), "{package:?} is left unsatisfied");
            let mut queue = rest.to_vec();
            queue.extend(children.into_iter().map(|child| (child, None)));
            return self.reach(lock, &seen, &queue);
        }
        let old = self.moved.iter().find(|(_, new)| *new == package);
        let mover = old.map(|(old, _)| old.clone()).or(mover.clone());
        self.choose(lock, &seen, rest, needs, mover.as_ref())
    }

    fn choose(
        &self,
        lock: &Lock,
        seen: &Lock,
        queue: &[Visit],
        needs: &[Requirement],
        mover: Option<&Locked>,
    ) -> Option<Lock> {
        let Some((need, needs)) = needs.split_first() else {
            return self.reach(lock, seen, queue);
        };
        let go_on = |lock: &Lock, found: Locked| {
            let mut queue = queue.to_vec();
            queue.push((found, mover.cloned()));
            self.choose(lock, seen, &queue, needs, mover)
        };
        if let Some(found) = self.locked_match(lock, need, mover) {
            return go_on(lock, found);
        }
        let requirement = VersionReq::parse(&need.version).unwrap();
        let releases = self.registry.releases(&need.package).ok()?;
        let mut fitting = releases.iter().rev().filter(|release| {
            let is_taken = lock.iter().any(|(name, other)| {
                *name == need.package && class(other) == class(&release.version)
            });
            !is_taken
                && !release.yanked
                && requirement.matches(&Version::parse(&release.version).unwrap())
        });
        fitting.find_map(|release| {
            let found = (need.package.clone(), release.version.clone());
            let mut lock = lock.clone();
            lock.insert(found.clone());
            go_on(&lock, found)
        })
    }

    /// Cargo's rule: what it holds comes first, the lowest; else the highest.
    fn locked_match(
        &self,
        lock: &Lock,
        need: &Requirement,
        mover: Option<&Locked>,
    ) -> Option<Locked> {
        let mut below = Lock::new();
        let mut stack: Vec<_> = mover.into_iter().cloned().collect();
        while let Some(old) = stack.pop() {
            if below.insert(old.clone()) {
                stack.extend(self.edges.get(&old).into_iter().flatten().cloned());
            }
        }
        let soft: Lock = below.iter().map(|old| self.now(old)).collect();
        let held: Lock = lock.difference(&soft).cloned().collect();
        lowest_match(&held, &need.package, &need.version)
            .or_else(|| locked_match(lock, &need.package, &need.version))
    }
}

fn key(package: &PackageVersion) -> Locked {
    (package.name.clone(), package.version.clone())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_candidate_moves_a_package_down_or_to_a_release_that_may_not_be_taken(
        registry in random_registry(),
        breaking in any::<bool>(),
    ) {
        let Some((mut situation, _)) = situation(&registry) else {
            return Ok(());
        };
        if breaking {
            situation.policy.bump_max = Bump::Breaking;
        }
        for plan in situation.plans() {
            prop_assert!(plan.candidates.len() <= situation.policy.attempts_max);
            prop_assert!(!plan.candidates.is_empty() || plan.obstacle.is_some());
            for made in plan.candidates.iter().flat_map(|candidate| &upgrade(candidate).moves) {
                let from = Version::parse(&made.package.version).unwrap();
                let to = Version::parse(&made.to).unwrap();
                let release = situation.registry.release(&made.package.name, &made.to).unwrap();
                prop_assert!(to > from, "{made}");
                prop_assert!(!release.yanked, "{made}");
                prop_assert!(release.published_s.is_none_or(|s| s <= (TODAY - 3) * 86_400), "{made}");
                prop_assert!(made.bump <= situation.policy.bump_max, "{made}");
                let vulnerabilities =
                    |version: &str| situation.registry.vulnerabilities(&made.package.name, version);
                prop_assert!(
                    vulnerabilities(&made.to).is_empty()
                        || !vulnerabilities(&made.package.version).is_empty(),
                    "{made}"
                );
                prop_assert!(
                    made.package.name != plan.package || vulnerabilities(&made.to).is_empty(),
                    "{made}"
                );
            }
        }
    }

    #[test]
    fn what_a_lockfile_candidate_ends_in_satisfies_every_requirement_and_settles_what_it_says(
        registry in random_registry(),
    ) {
        let Some((situation, edges)) = situation(&registry) else {
            return Ok(());
        };
        for plan in situation.plans() {
            for candidate in &plan.candidates {
                let upgrade = upgrade(candidate);
                if upgrade.strategy > Way::Parent {
                    continue;
                }
                let after = After::new(&situation.registry, &edges, upgrade).end(upgrade);
                prop_assert!(after.is_some(), "{:?} leads nowhere", upgrade.moves);
                for settled in &candidate.settles {
                    let package = settled.0.split_once(':').unwrap().0.split_once('@').unwrap();
                    let key = (package.0.to_owned(), package.1.to_owned());
                    prop_assert!(!after.as_ref().unwrap().contains(&key), "{settled} is still there");
                }
            }
        }
    }

    #[test]
    fn the_same_input_makes_the_same_plans(registry in random_registry()) {
        if let Some((situation, _)) = situation(&registry) {
            prop_assert_eq!(situation.plans(), situation.plans());
        }
    }
}

/// A registry without end: every package has a thousand releases, each of which needs
/// every later package, and nothing ever fits.
struct Endless {
    asked: Cell<usize>,
}

impl Releases for Endless {
    fn releases(&self, package: &str) -> Result<Arc<[Release]>, ReleasesUnavailable> {
        self.asked.set(self.asked.get() + 1);
        let number: usize = package[1..].parse().unwrap();
        let mut lines = Registry::default();
        for minor in 0..120 {
            let needs: Vec<_> = (number + 1..number + 12)
                .map(|other| format!("p{other} ~1.{}", (minor * 7 + other) % 120))
                .collect();
            lines.add(&format!("{package} 1.{minor}.0 | {}", needs.join(";")));
        }
        lines.releases(package)
    }
}

impl KnownVulnerabilities for Endless {
    fn vulnerabilities(&self, package: &str, version: &str) -> Vec<backstitch_model::AdvisoryId> {
        let minor: usize = version.split('.').nth(1).unwrap().parse().unwrap();
        let is_vulnerable = package == "p3" && minor < 50;
        let id = || backstitch_model::AdvisoryId::new("A").unwrap();
        is_vulnerable.then(id).into_iter().collect()
    }
}

#[test]
fn a_registry_without_end_is_not_searched_without_end() {
    let mut lock = "app 0.1.0 local > p0 1.0.0\n".to_owned();
    for number in 0..12 {
        let next = number + 1;
        writeln!(lock, "p{number} 1.0.0 > p{next} 1.0.0").unwrap();
    }
    lock.push_str("p12 1.0.0\n");
    let mut situation = Situation::new("p3 1.0.0 vuln=A", &project_text("p0 = \"1\"", &lock));
    situation.policy.attempts_max = 2;
    let endless = Endless {
        asked: Cell::new(0),
    };
    let planner = Planner {
        project: &situation.project,
        releases: &endless,
        vulnerabilities: &endless,
        policy: &situation.policy,
        rustc: None,
        now_s: 0,
    };
    let begun = std::time::Instant::now();
    let plans = planner.plan(&situation.findings());
    assert_eq!(plans.len(), 1);
    assert!(
        endless.asked.get() < 5_000,
        "asked {} times",
        endless.asked.get()
    );
    assert!(begun.elapsed().as_secs() < 60, "took {:?}", begun.elapsed());
}

#[test]
fn the_registry_is_asked_once_for_each_package() {
    struct Once<'registry>(
        &'registry Registry,
        std::cell::RefCell<BTreeMap<String, usize>>,
    );
    impl Releases for Once<'_> {
        fn releases(&self, package: &str) -> Result<Arc<[Release]>, ReleasesUnavailable> {
            *self.1.borrow_mut().entry(package.to_owned()).or_default() += 1;
            self.0.releases(package)
        }
    }
    let situation = Situation::new(
        "x 1.0.0 vuln=A | y ^1\nx 1.1.0 | y ^1; gone ^1\nx 1.2.0 | y ^1.1\ny 1.0.0 vuln=B\ny 1.1.0",
        &project_text("x = \"1\"", "app 0.1.0 local > x\nx 1.0.0 > y\ny 1.0.0"),
    );
    let once = Once(&situation.registry, std::cell::RefCell::default());
    let planner = Planner {
        project: &situation.project,
        releases: &once,
        vulnerabilities: &situation.registry,
        policy: &situation.policy,
        rustc: None,
        now_s: 0,
    };
    assert_eq!(planner.plan(&situation.findings()).len(), 2);
    let asked = once.1.into_inner();
    assert!(asked.values().all(|&count| count == 1), "{asked:?}");
}
