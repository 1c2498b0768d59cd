//! Projects of one package or two, and what advisories say of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use backstitch_model::candidate::{Obstacle, Step};
use backstitch_model::finding::{Class, Compiled, Reach, VulnerableDependency};
use backstitch_model::package::{Ecosystem, PackageVersion};
use backstitch_model::policy::Bump;
use backstitch_model::project::{
    DependencyGraph, DependencyKind, Installation, LockedPackage, Manifest, Requirement, Source,
};
use backstitch_model::registry::{KnownVulnerabilities, Release, Releases, ReleasesUnavailable};
use backstitch_model::{
    AdvisoryId, Change, Finding, FindingId, FindingKind, LockFormat, Policy, Project, RelPath,
};

use super::range::{admits, raised};
use super::version::{bump, is_unreleased, spelled};
use crate::plan::{Plan, Planner};

/// Which versions have which advisories: `name version id`, a line each.
struct Known(&'static str);

impl KnownVulnerabilities for Known {
    fn vulnerabilities(&self, package: &str, version: &str) -> Vec<AdvisoryId> {
        let lines = self
            .0
            .lines()
            .map(|line| line.split(' ').collect::<Vec<_>>());
        lines
            .filter(|words| words[0] == package && words[1] == version)
            .map(|words| AdvisoryId::new(words[2]).unwrap())
            .collect()
    }
}

struct Nothing;

impl Releases for Nothing {
    fn releases(&self, package: &str) -> Result<Arc<[Release]>, ReleasesUnavailable> {
        panic!("no catalogue of these is read: {package}");
    }
}

fn package(format: LockFormat, name: &str, version: &str) -> PackageVersion {
    PackageVersion {
        ecosystem: format.ecosystem(),
        name: name.into(),
        version: version.into(),
    }
}

/// A manifest's path, its text, and the packages and texts in it that are requirements.
type Written<'text> = (&'text str, &'text str, &'text [(&'text str, &'text str)]);

/// A project that locks `packages`.
fn project(format: LockFormat, packages: &[(&str, &str)], manifests: &[Written<'_>]) -> Project {
    let locked = std::iter::once(("app", "")).chain(packages.iter().copied());
    let locked = locked.map(|(name, version)| LockedPackage {
        id: package(format, name, version),
        source: if name == "app" {
            Source::Local
        } else {
            Source::PublicRegistry
        },
        checksum: None,
        dependencies: Vec::new(),
        installation: Installation::default(),
    });
    let manifests = manifests.iter().map(|(path, text, required)| Manifest {
        path: RelPath::new(*path).unwrap(),
        text: (*text).into(),
        package: None,
        requirements: required
            .iter()
            .map(|(name, version)| Requirement {
                place: text.find(version).map(|at| at..at + version.len()),
                ..Requirement::plain(name, version, DependencyKind::Normal)
            })
            .collect(),
        features: BTreeMap::new(),
        rust_version: None,
        resolver: None,
    });
    Project {
        lockfile: RelPath::new(format.file_names()[0]).unwrap(),
        format,
        graph: DependencyGraph::new(locked.collect()),
        manifests: manifests.collect(),
        problems: Vec::new(),
    }
}

/// A finding `id` in a package, with the versions that are called fixed.
fn finding(project: &Project, name: &str, id: &str, fixed: &[&str]) -> Finding {
    let node = project.graph.named(name).next().unwrap();
    Finding {
        id: FindingId(format!("{name}:{id}")),
        location: project.lockfile.clone(),
        kind: FindingKind::VulnerableDependency(VulnerableDependency {
            package: project.graph.package(node).id.clone(),
            class: Class::Vulnerability,
            ids: vec![AdvisoryId::new(id).unwrap()],
            summary: String::new(),
            fixed_versions: fixed.iter().map(|one| (*one).to_owned()).collect(),
            references: Vec::new(),
            reach: Reach {
                direct: true,
                path: Vec::new(),
                kind: DependencyKind::Normal,
                compiled: Compiled::Yes,
            },
        }),
        severity: None,
    }
}

fn plans(
    project: &Project,
    known: &'static str,
    findings: &[Finding],
    policy: &Policy,
) -> Vec<Plan> {
    let planner = Planner {
        project,
        releases: &Nothing,
        vulnerabilities: &Known(known),
        policy,
        rustc: None,
        now_s: 0,
    };
    planner.plan(findings)
}

/// The candidates of one plan: strategy, moves and steps in words.
fn told(plan: &Plan) -> Vec<String> {
    let step = |step: &Step| match step {
        Step::WriteManifest { path, text } => format!("write {path}: {text}"),
        Step::UpdatePackage { package, to } => {
            format!(
                "update {} to {}",
                package.name,
                to.as_deref().unwrap_or("?")
            )
        }
        Step::Relock => "relock".to_owned(),
        Step::UpdateEverything => "everything".to_owned(),
    };
    let candidates = plan.candidates.iter().map(|candidate| {
        let Change::Upgrade(upgrade) = &candidate.change;
        let moves: Vec<_> = upgrade.moves.iter().map(ToString::to_string).collect();
        let steps: Vec<_> = upgrade.recipe.iter().map(step).collect();
        format!(
            "{}: {} | {}",
            upgrade.strategy,
            moves.join(", "),
            steps.join(" | ")
        )
    });
    candidates.collect()
}

#[test]
fn go_gets_the_lowest_version_that_no_advisory_speaks_of() {
    let text = "module app\nrequire a.b/c v1.2.0 // why\n";
    let project = project(
        LockFormat::GoMod,
        &[("a.b/c", "v1.2.0")],
        &[("go.mod", text, &[("a.b/c", "v1.2.0")])],
    );
    let findings = [
        finding(&project, "a.b/c", "GO-1", &["1.2.1", "1.3.0-rc.1", "2.0.0"]),
        finding(&project, "a.b/c", "GO-2", &["1.4.0", "1.2.9"]),
    ];
    let known = "a.b/c v1.2.0 GO-1\na.b/c v1.2.0 GO-2\na.b/c v1.2.1 GO-2\na.b/c v1.2.9 GO-3";
    let plans = plans(&project, known, &findings, &Policy::default());
    assert_eq!(
        told(&plans[0]),
        [
            "lockfile: a.b/c v1.2.0 → v1.4.0 | write go.mod: module app\nrequire a.b/c v1.4.0 // why\n \
          | update a.b/c to v1.4.0 | relock"
        ]
    );
    assert_eq!(plans[0].candidates[0].settles.len(), 2);
    assert_eq!(plans[0].obstacle, None);
}

#[test]
fn where_none_is_free_of_all_one_with_fewer_is_offered_and_the_rest_is_said() {
    let text = "require a.b/c v1.2.0\n";
    let project = project(
        LockFormat::GoMod,
        &[("a.b/c", "v1.2.0")],
        &[("go.mod", text, &[("a.b/c", "v1.2.0")])],
    );
    let findings = [
        finding(&project, "a.b/c", "GO-1", &["1.2.2"]),
        finding(&project, "a.b/c", "GO-2", &["2.0.0"]),
        finding(&project, "a.b/c", "GO-3", &["1.2.1"]),
    ];
    let known = "a.b/c v1.2.0 GO-1\na.b/c v1.2.0 GO-2\na.b/c v1.2.0 GO-3\n\
        a.b/c v1.2.1 GO-1\na.b/c v1.2.1 GO-2\na.b/c v1.2.2 GO-2";
    let plans = plans(&project, known, &findings, &Policy::default());
    assert_eq!(
        plans[0].candidates[0].settles,
        ["a.b/c:GO-1", "a.b/c:GO-3"].map(|id| FindingId(id.into()))
    );
    let Some(Obstacle::Policy(why)) = &plans[0].obstacle else {
        panic!("{plans:?}");
    };
    assert!(why.contains("breaking step to v2.0.0"), "{why}");
}

#[test]
fn policy_and_missing_knowledge_are_obstacles_in_words() {
    let text = "require a.b/c v1.2.0\n";
    let of = |version: &str, fixed: &[&str], policy: &Policy| {
        let project = project(
            LockFormat::GoMod,
            &[("a.b/c", version)],
            &[("go.mod", text, &[("a.b/c", "v1.2.0")])],
        );
        let findings = [finding(&project, "a.b/c", "GO-1", fixed)];
        let plan = plans(&project, "", &findings, policy).remove(0);
        (
            plan.candidates.len(),
            plan.obstacle.map(|why| why.to_string()),
        )
    };
    let said = |(count, why): (usize, Option<String>), words: &str| {
        assert_eq!(count, 0);
        assert!(
            why.as_ref().is_some_and(|why| why.contains(words)),
            "{why:?}"
        );
    };
    let default = Policy::default();
    said(of("v1.2.0", &[], &default), "no release is free");
    said(of("v1.2.0", &["1.1.0"], &default), "no release is free");
    said(of("main", &["1.3.0"], &default), "cannot be compared");
    said(of("v1.2.1", &["1.3.0"], &default), "was not found");
    let left = Policy {
        leave_alone: vec!["a.b/c".into()],
        ..Policy::default()
    };
    said(of("v1.2.0", &["1.3.0"], &left), "left alone");
    let patch = Policy {
        bump_max: Bump::Patch,
        ..Policy::default()
    };
    said(
        of("v1.2.0", &["1.3.0"], &patch),
        "forbids the compatible step to v1.3.0",
    );
}

#[test]
fn maven_moves_all_that_share_a_property_and_none_into_a_new_advisory() {
    let text = "<lib>1.2</lib>";
    let shared: &[(&str, &str)] = &[("g:a", "1.2"), ("g:b", "1.2")];
    let project = project(LockFormat::Maven, shared, &[("pom.xml", text, shared)]);
    let findings = [
        finding(&project, "g:a", "GHSA-1", &["1.3"]),
        finding(&project, "g:b", "GHSA-2", &["1.3"]),
    ];
    let known = "g:a 1.2 GHSA-1\ng:b 1.2 GHSA-2";
    let told_all = told(&plans(&project, known, &findings, &Policy::default())[0]);
    assert_eq!(
        told_all,
        [
            "requirement: g:a 1.2 → 1.3, g:b 1.2 → 1.3 | write pom.xml: <lib>1.3</lib> \
          | update g:a to 1.3 | update g:b to 1.3"
        ]
    );
    let worse = "g:a 1.2 GHSA-1\ng:b 1.2 GHSA-2\ng:b 1.3 GHSA-9";
    let plans = plans(&project, worse, &findings[..1], &Policy::default());
    assert_eq!(told(&plans[0]), Vec::<String>::new());
}

#[test]
fn composer_and_bundler_change_a_manifest_only_where_it_forbids_the_version() {
    let composer = |constraint: &str| {
        let text = format!("{{\"require\": {{\"x/y\": \"{constraint}\"}}}}");
        let project = project(
            LockFormat::Composer,
            &[("x/y", "v2.0.0")],
            &[("composer.json", &text, &[("x/y", constraint)])],
        );
        let findings = [finding(&project, "x/y", "GHSA-1", &["2.1.0"])];
        let plan = plans(&project, "", &findings, &Policy::default()).remove(0);
        told(&plan)
            .pop()
            .unwrap_or_else(|| plan.obstacle.unwrap().to_string())
    };
    assert_eq!(
        composer("^2.0"),
        "lockfile: x/y v2.0.0 → v2.1.0 | update x/y to v2.1.0"
    );
    assert_eq!(
        composer("~2.0.0"),
        "requirement: x/y v2.0.0 → v2.1.0 | write composer.json: {\"require\": {\"x/y\": \"~2.1.0\"}} \
         | update x/y to v2.1.0"
    );
    assert!(composer(">=2.0 <2.1").starts_with("held by app (`>=2.0 <2.1`)"));

    let lock: Written<'_> = ("Gemfile.lock", "rack (= 2.2.0)", &[]);
    let pinned: &[(&str, &str)] = &[("rack", "2.2.0")];
    let gems = project(
        LockFormat::Gemfile,
        &[("rack", "2.2.0")],
        &[lock, ("Gemfile", "gem 'rack', '2.2.0'\n", pinned)],
    );
    let findings = [finding(&gems, "rack", "GHSA-1", &["2.2.3"])];
    assert_eq!(
        told(&plans(&gems, "", &findings, &Policy::default())[0]),
        [
            "requirement: rack 2.2.0 → 2.2.3 | write Gemfile: gem 'rack', '2.2.3'\n \
          | update rack to 2.2.3"
        ]
    );
}

#[test]
fn requirements_are_read_as_their_tools_read_them() {
    let cases: &[(Ecosystem, &str, &str, Option<bool>)] = &[
        (Ecosystem::RubyGems, "~> 2.2", "2.9", Some(true)),
        (Ecosystem::RubyGems, "~> 2.2", "3.0", Some(false)),
        (Ecosystem::RubyGems, "~> 2.2.1", "2.3", Some(false)),
        (Ecosystem::RubyGems, ">= 1, < 2", "1.9", Some(true)),
        (Ecosystem::RubyGems, "!= 1.5", "1.5", Some(false)),
        (Ecosystem::Packagist, "^1.2 || ^2.0", "2.5.0", Some(true)),
        (Ecosystem::Packagist, "^0.3", "0.4.0", Some(false)),
        (Ecosystem::Packagist, "^0.3", "0.3.9", Some(true)),
        (Ecosystem::Packagist, "1.2.*", "v1.2.9", Some(true)),
        (Ecosystem::Packagist, "1.2.*", "1.3.0", Some(false)),
        (Ecosystem::Packagist, "1.0 - 2.0", "2.0.9", Some(true)),
        (
            Ecosystem::Packagist,
            ">=1.0 <1.5@stable",
            "1.5",
            Some(false),
        ),
        (Ecosystem::Packagist, "*", "9", Some(true)),
        (Ecosystem::Packagist, "dev-main", "1.0", None),
        (Ecosystem::Packagist, "^", "1.0", None),
    ];
    for (ecosystem, requirement, version, expected) in cases {
        assert_eq!(
            admits(ecosystem, requirement, version),
            *expected,
            "{requirement} {version}"
        );
    }
    assert_eq!(raised("~> 2.2", "3.0.1").as_deref(), Some("~> 3.0.1"));
    assert_eq!(raised("^1", "v2.0").as_deref(), Some("^2.0"));
    assert_eq!(raised("< 2", "2.0"), None);
    assert_eq!(raised(">= 1, < 2", "2.0"), None);
}

#[test]
fn steps_and_spellings_are_each_ecosystem_s_own() {
    for (ecosystem, from, to, expected) in [
        (Ecosystem::Go, "v0.0.0-2022-a", "v0.17.0", Bump::Compatible),
        (Ecosystem::Go, "v1.2.3", "v1.2.4", Bump::Patch),
        (
            Ecosystem::Go,
            "v1.2.3+incompatible",
            "v3.0.0+incompatible",
            Bump::Breaking,
        ),
        (Ecosystem::Packagist, "0.3.1", "0.4.0", Bump::Breaking),
        (Ecosystem::Packagist, "0.0.1", "0.0.2", Bump::Breaking),
        (Ecosystem::RubyGems, "5.2.4.3", "5.2.4.4", Bump::Patch),
        (Ecosystem::Maven, "2.13.4.1", "2.13.4.2", Bump::Patch),
        (Ecosystem::Maven, "2.13", "2.14.0", Bump::Compatible),
    ] {
        assert_eq!(bump(&ecosystem, from, to), expected, "{from} {to}");
    }
    assert_eq!(
        spelled("v1.0.0+incompatible", "1.2.0"),
        "v1.2.0+incompatible"
    );
    assert_eq!(spelled("31.1-jre", "32.0.0-android"), "32.0.0-jre");
    assert_eq!(spelled("5.3.1.RELEASE", "5.3.18"), "5.3.18");
    assert!(
        is_unreleased(&Ecosystem::Maven, "2.0-M1")
            && is_unreleased(&Ecosystem::RubyGems, "1.0.rc1")
    );
    assert!(
        !is_unreleased(&Ecosystem::Maven, "31.1-jre")
            && is_unreleased(&Ecosystem::Go, "v1.0.0-rc.1")
    );
}
