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
use backstitch_model::candidate::{Strategy as Way, Upgrade};
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

type Lock = BTreeSet<(String, String)>;

/// What a requirement leads to among locked packages: the highest that it admits.
fn locked_match(lock: &Lock, name: &str, requirement: &str) -> Option<(String, String)> {
    let requirement = VersionReq::parse(requirement).unwrap();
    let mut found: Vec<_> = lock
        .iter()
        .filter(|(locked, version)| {
            locked == name && requirement.matches(&Version::parse(version).unwrap())
        })
        .collect();
    found.sort_by_key(|(_, version)| Version::parse(version).unwrap());
    found.pop().cloned()
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

/// Everything reachable from `p0` at `start` in `lock`, taking in the lowest where
/// nothing is locked; `None` where something cannot be had.
fn close(registry: &Registry, start: &str, mut lock: Lock) -> Option<(Lock, String)> {
    let mut text = String::new();
    let mut seen = Lock::new();
    let mut queue = vec![("p0".to_owned(), start.to_owned())];
    while let Some((name, version)) = queue.pop() {
        if !seen.insert((name.clone(), version.clone())) {
            continue;
        }
        let mut edges = Vec::new();
        for need in &registry.release(&name, &version)?.requirements {
            let found = match locked_match(&lock, &need.package, &need.version) {
                Some(found) => found,
                None => (
                    need.package.clone(),
                    lowest(registry, &lock, &need.package, &need.version)?,
                ),
            };
            lock.insert(found.clone());
            edges.push(format!("{} {}", found.0, found.1));
            queue.push(found);
        }
        writeln!(text, "{name} {version} > {}", edges.join(", ")).unwrap();
    }
    Some((seen, text))
}

/// A project on `p0` at its lowest release, locked low throughout.
fn low_lock(registry: &Registry) -> Option<(Lock, String)> {
    let start = registry.releases("p0").ok()?.first()?.version.clone();
    close(
        registry,
        &start,
        Lock::from([("p0".to_owned(), start.clone())]),
    )
}

fn situation(registry: &str) -> Option<(Situation, Lock)> {
    let (lock, text) = low_lock(&Registry::parse(registry))?;
    let start = lock.iter().find(|(name, _)| name == "p0")?.1.clone();
    let lines = format!("app 0.1.0 local > p0\n{text}");
    let files = project_text(&format!("p0 = \"{start}\""), &lines);
    Some((Situation::new(registry, &files), lock))
}

fn upgrade(candidate: &Candidate) -> &Upgrade {
    let Change::Upgrade(upgrade) = &candidate.change;
    upgrade
}

/// The lockfile after a candidate of the lockfile alone: what is locked stays where the
/// candidate puts it, and what comes in new is whatever fits.
fn after(registry: &Registry, before: &Lock, upgrade: &Upgrade) -> Option<Lock> {
    let mut lock = before.clone();
    for made in &upgrade.moves {
        let old = (made.package.name.clone(), made.package.version.clone());
        assert!(lock.remove(&old), "{made} moves what is not locked");
        lock.insert((made.package.name.clone(), made.to.clone()));
    }
    let start = lock.iter().find(|(name, _)| name == "p0")?.clone();
    reach(registry, &lock, &Lock::new(), &[start])
}

/// Follows what is still to follow, trying every release where nothing is locked.
fn reach(
    registry: &Registry,
    lock: &Lock,
    seen: &Lock,
    queue: &[(String, String)],
) -> Option<Lock> {
    let Some(((name, version), rest)) = queue.split_last() else {
        return Some(seen.clone());
    };
    let mut seen = seen.clone();
    if !seen.insert((name.clone(), version.clone())) {
        return reach(registry, lock, &seen, rest);
    }
    let needs = &registry.release(name, version)?.requirements;
    choose(registry, lock, &seen, rest, needs)
}

fn choose(
    registry: &Registry,
    lock: &Lock,
    seen: &Lock,
    queue: &[(String, String)],
    needs: &[Requirement],
) -> Option<Lock> {
    let Some((need, needs)) = needs.split_first() else {
        return reach(registry, lock, seen, queue);
    };
    let go_on = |lock: &Lock, found: (String, String)| {
        let mut queue = queue.to_vec();
        queue.push(found);
        choose(registry, lock, seen, &queue, needs)
    };
    if let Some(found) = locked_match(lock, &need.package, &need.version) {
        return go_on(lock, found);
    }
    let requirement = VersionReq::parse(&need.version).unwrap();
    let releases = registry.releases(&need.package).ok()?;
    let mut fitting = releases.iter().rev().filter(|release| {
        let is_taken = lock
            .iter()
            .any(|(name, other)| *name == need.package && class(other) == class(&release.version));
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
        let Some((situation, before)) = situation(&registry) else {
            return Ok(());
        };
        for plan in situation.plans() {
            for candidate in &plan.candidates {
                let upgrade = upgrade(candidate);
                if upgrade.strategy > Way::Parent {
                    continue;
                }
                let after = after(&situation.registry, &before, upgrade);
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
