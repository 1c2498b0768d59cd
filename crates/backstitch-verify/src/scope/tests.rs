use super::*;
use backstitch_model::candidate::{Move, RequirementEdit, Strategy};
use backstitch_model::package::{Ecosystem, PackageVersion};
use backstitch_model::policy::Bump;
use backstitch_model::project::{
    DependencyGraph, Installation, LockedPackage, Manifest, Problem, Source,
};
use std::collections::BTreeMap;

fn id(name: &str, version: &str) -> PackageVersion {
    PackageVersion {
        ecosystem: Ecosystem::CratesIo,
        name: name.into(),
        version: version.into(),
    }
}

fn package(name: &str, version: &str) -> LockedPackage {
    LockedPackage {
        id: id(name, version),
        source: Source::PublicRegistry,
        checksum: Some(format!("sum of {name} {version}")),
        dependencies: Vec::new(),
        installation: Installation::default(),
    }
}

fn project(packages: Vec<LockedPackage>) -> Project {
    Project {
        lockfile: path("Cargo.lock"),
        format: backstitch_model::LockFormat::Cargo,
        graph: DependencyGraph::new(packages),
        manifests: vec![manifest("[dependencies]\na = \"1\"")],
        problems: Vec::new(),
    }
}

fn manifest(text: &str) -> Manifest {
    Manifest {
        path: path("Cargo.toml"),
        text: text.into(),
        package: None,
        requirements: Vec::new(),
        features: BTreeMap::new(),
        rust_version: None,
        resolver: None,
    }
}

fn path(path: &str) -> RelPath {
    RelPath::new(path).unwrap()
}

fn upgrade() -> Upgrade {
    Upgrade {
        lockfile: path("Cargo.lock"),
        strategy: Strategy::Lockfile,
        moves: vec![Move {
            package: id("a", "1.0.0"),
            to: "1.0.1".into(),
            bump: Bump::Patch,
        }],
        edits: Vec::new(),
        recipe: Vec::new(),
        rewrites: Vec::new(),
    }
}

fn check(after: Vec<LockedPackage>) -> CheckRun {
    let before = project(vec![package("a", "1.0.0"), package("b", "2.0.0")]);
    scope(
        &upgrade(),
        &BTreeSet::from([path("Cargo.lock")]),
        &before,
        &project(after),
    )
}

#[track_caller]
fn refused(run: &CheckRun, why: &str) {
    match &run.outcome {
        Outcome::Failed(reason) => assert!(reason.contains(why), "{reason}"),
        other => panic!("{other}"),
    }
}

#[test]
fn a_planned_move_passes_and_what_moves_along_is_told() {
    let run = check(vec![
        package("a", "1.0.1"),
        package("b", "2.1.0"),
        package("c", "0.1.0"),
    ]);
    assert_eq!(run.outcome, Outcome::Passed);
    assert_eq!(run.notes, ["moved along: b 2.0.0 → 2.1.0, c 0.1.0 (new)"]);
}

#[test]
fn a_planned_move_that_did_not_come_about_is_told() {
    let run = check(vec![package("a", "1.0.2"), package("b", "2.0.0")]);
    assert_eq!(run.outcome, Outcome::Passed);
    assert_eq!(run.notes, ["planned and not so: a 1.0.0 → 1.0.1"]);
}

#[test]
fn a_package_that_goes_down_is_refused() {
    let why = "`b` goes down from 2.0.0 to";
    refused(
        &check(vec![package("a", "1.0.1"), package("b", "1.9.0")]),
        why,
    );
    refused(
        &check(vec![package("a", "1.0.1"), package("b", "2.0.0-alpha")]),
        why,
    );
}

#[test]
fn a_second_older_version_beside_the_one_there_is_no_way_down() {
    let run = check(vec![
        package("a", "1.0.1"),
        package("b", "2.0.0"),
        package("b", "1.9.0"),
    ]);
    assert_eq!(run.outcome, Outcome::Passed);
}

#[test]
fn a_package_that_comes_from_elsewhere_is_refused() {
    let git = || Source::Git("https://example.com/b".into());
    let moved = LockedPackage {
        source: git(),
        checksum: None,
        ..package("b", "2.1.0")
    };
    refused(
        &check(vec![package("a", "1.0.1"), moved]),
        "comes from elsewhere than",
    );
    let same = LockedPackage {
        source: git(),
        checksum: None,
        ..package("b", "2.0.0")
    };
    refused(
        &check(vec![package("a", "1.0.1"), same]),
        "comes from elsewhere now",
    );
    let new = LockedPackage {
        source: git(),
        checksum: None,
        ..package("c", "1.0.0")
    };
    refused(
        &check(vec![package("a", "1.0.1"), package("b", "2.0.0"), new]),
        "is new",
    );
}

#[test]
fn a_checksum_that_changes_or_vanishes_is_refused() {
    let other = LockedPackage {
        checksum: Some("other".into()),
        ..package("b", "2.0.0")
    };
    refused(
        &check(vec![package("a", "1.0.1"), other]),
        "checksum of `b@2.0.0`",
    );
    let none = LockedPackage {
        checksum: None,
        ..package("b", "2.0.0")
    };
    refused(
        &check(vec![package("a", "1.0.1"), none]),
        "checksum of `b@2.0.0`",
    );
    let new = LockedPackage {
        checksum: None,
        ..package("a", "1.0.1")
    };
    refused(&check(vec![new, package("b", "2.0.0")]), "has no checksum");
}

/// npm puts a copy of its own beside one that came inside another package.
#[test]
fn a_release_that_only_came_inside_another_package_may_get_a_copy_of_its_own() {
    let bundled = || LockedPackage {
        checksum: None,
        ..package("b", "2.0.0")
    };
    let run = scope(
        &upgrade(),
        &[path("Cargo.lock")].into(),
        &project(vec![package("a", "1.0.0"), bundled()]),
        &project(vec![
            package("a", "1.0.1"),
            bundled(),
            package("b", "2.0.0"),
        ]),
    );
    assert_eq!(run.outcome, Outcome::Passed);
}

#[test]
fn too_many_unplanned_moves_are_refused() {
    let mut after = vec![package("a", "1.0.1"), package("b", "2.0.0")];
    after.extend((0..=UNPLANNED_MAX).map(|number| package(&format!("n{number}"), "1.0.0")));
    refused(&check(after), "201 packages change");
}

#[test]
fn only_the_lockfile_and_the_edited_manifests_may_change() {
    let (before, after) = (
        project(vec![package("a", "1.0.0")]),
        project(vec![package("a", "1.0.1")]),
    );
    let with = |paths: &[&str]| {
        let changed = paths.iter().map(|name| path(name)).collect();
        scope(&upgrade(), &changed, &before, &after)
    };
    refused(
        &with(&["Cargo.lock", "src/lib.rs"]),
        "`src/lib.rs` changes too",
    );
    refused(
        &with(&["Cargo.lock", "Cargo.toml"]),
        "`Cargo.toml` changes too",
    );
    refused(&with(&[]), "changes nothing");
}

#[test]
fn a_manifest_differs_in_the_planned_requirement_alone() {
    let before = project(vec![package("a", "1.0.0")]);
    let edit = RequirementEdit {
        manifest: path("Cargo.toml"),
        key: "a".into(),
        from: "1".into(),
        to: "2".into(),
    };
    let upgrade = Upgrade {
        edits: vec![edit],
        ..upgrade()
    };
    let changed = BTreeSet::from([path("Cargo.lock"), path("Cargo.toml")]);
    let with = |text: &str| {
        let after = Project {
            manifests: vec![manifest(text)],
            ..project(vec![package("a", "2.0.0")])
        };
        scope(&upgrade, &changed, &before, &after)
    };
    assert_eq!(with("[dependencies]\na = \"2\"").outcome, Outcome::Passed);
    refused(
        &with("[dependencies]\na = \"2\"\nb = \"1\""),
        "changes more than",
    );
    refused(
        &with("[dependencies]\na = \"1\""),
        "does not require `a` as `2`",
    );
}

#[test]
fn a_file_that_can_no_longer_be_read_is_refused() {
    let before = project(vec![package("a", "1.0.0")]);
    let problem = Problem {
        path: path("Cargo.lock"),
        what: "line 3 is no TOML".into(),
    };
    let after = Project {
        problems: vec![problem],
        manifests: Vec::new(),
        ..before.clone()
    };
    let run = scope(
        &upgrade(),
        &BTreeSet::from([path("Cargo.lock")]),
        &before,
        &after,
    );
    refused(&run, "line 3 is no TOML; manifest `Cargo.toml` is gone");
}

/// A Go project with these modules, each with its sum, and this text.
fn go_project(modules: &[(&str, &str, Option<&str>)], text: &str) -> Project {
    let modules = modules.iter().map(|(name, version, sum)| LockedPackage {
        id: PackageVersion {
            ecosystem: Ecosystem::Go,
            ..id(name, version)
        },
        checksum: sum.map(str::to_owned),
        ..package(name, version)
    });
    Project {
        lockfile: path("go.mod"),
        format: LockFormat::GoMod,
        graph: DependencyGraph::new(modules.collect()),
        manifests: vec![Manifest {
            path: path("go.mod"),
            ..manifest(text)
        }],
        problems: Vec::new(),
    }
}

fn check_go(modules: &[(&str, &str, Option<&str>)], text: &str, changed: &[&str]) -> CheckRun {
    let before = [("a", "v1.0.0", Some("h1:a")), ("b", "v1.9.0", None)];
    let before = go_project(&before, "module m\ngo 1.20\n");
    let upgrade = Upgrade {
        lockfile: path("go.mod"),
        ..upgrade()
    };
    let changed = changed.iter().map(|one| path(one)).collect();
    scope(&upgrade, &changed, &before, &go_project(modules, text))
}

#[test]
fn go_may_write_its_sums_too_and_add_one_that_was_not_needed_before() {
    let after = [
        ("a", "v1.0.1", Some("h1:new")),
        ("b", "v1.9.0", Some("h1:b")),
        ("c", "v1.0.0", None),
    ];
    let text = "module m\ngo 1.20\nrequire c v1.0.0 // indirect\n";
    let run = check_go(&after, text, &["go.mod", "go.sum"]);
    assert_eq!(run.outcome, Outcome::Passed);
    refused(
        &check_go(&after, text, &["go.mod", "x/go.sum"]),
        "`x/go.sum` changes too",
    );
    let later = "module m\ngo 1.21\n";
    refused(&check_go(&after, later, &["go.mod"]), "now says `go 1.21`");
}

#[test]
fn a_go_module_that_goes_down_or_has_another_sum_is_refused() {
    let text = "module m\ngo 1.20\n";
    let down = [("a", "v1.0.1", None), ("b", "v1.10.0-rc.1", None)];
    assert_eq!(check_go(&down, text, &["go.mod"]).outcome, Outcome::Passed);
    let down = [("a", "v1.0.1", None), ("b", "v1.8.9", None)];
    refused(
        &check_go(&down, text, &["go.mod"]),
        "`b` goes down from v1.9.0 to v1.8.9",
    );
    let other = [("a", "v1.0.0", Some("h1:evil")), ("b", "v1.9.1", None)];
    refused(
        &check_go(&other, text, &["go.mod"]),
        "the checksum of `a@v1.0.0`",
    );
}
