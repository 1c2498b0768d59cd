//! The schema's evaluation as a table: one line a rule.

use super::*;

/// Reads `introduced 1.0, fixed 2.0` as a range.
fn range(kind: RangeKind, text: &'static str) -> Range<'static> {
    let boundaries = text
        .split(", ")
        .map(|event| {
            let (kind, version) = event.split_once(' ').unwrap();
            let kind = match kind {
                "introduced" => BoundaryKind::Introduced,
                "fixed" => BoundaryKind::Fixed,
                "last_affected" => BoundaryKind::LastAffected,
                "limit" => BoundaryKind::Limit,
                other => panic!("{other}"),
            };
            Boundary { kind, version }
        })
        .collect();
    Range { kind, boundaries }
}

#[track_caller]
fn check(kind: RangeKind, ecosystem: &Ecosystem, events: &'static str, yes: &[&str], no: &[&str]) {
    let ranges = [range(kind, events)];
    let statement = Statement {
        ranges: &ranges,
        versions: &[],
    };
    for version in yes {
        assert_eq!(
            affects(statement, ecosystem, version),
            Affects::Yes,
            "{events} affects {version}"
        );
    }
    for version in no {
        assert_eq!(
            affects(statement, ecosystem, version),
            Affects::No,
            "{events} does not affect {version}"
        );
    }
}

#[test]
fn a_fixed_version_is_not_affected_and_the_introduced_one_is() {
    let semver = |events, yes: &[&str], no: &[&str]| {
        check(RangeKind::Semver, &Ecosystem::CratesIo, events, yes, no);
    };
    semver("introduced 0", &["0.0.0-0", "99.0.0"], &[]);
    semver(
        "introduced 0, fixed 1.0.2",
        &["0.0.0", "1.0.1", "1.0.2-rc.1"],
        &["1.0.2", "1.0.2+build", "1.0.3"],
    );
    semver(
        "introduced 1.0.0, fixed 1.0.2, introduced 3.0.0, fixed 3.2.5",
        &["1.0.0", "3.0.0", "3.2.4"],
        &["0.9.9", "1.0.2", "2.9.9", "3.0.0-beta", "3.2.5"],
    );
}

#[test]
fn the_last_affected_version_is_affected_and_the_next_is_not() {
    let semver = |events, yes: &[&str], no: &[&str]| {
        check(RangeKind::Semver, &Ecosystem::Npm, events, yes, no);
    };
    semver(
        "introduced 0, last_affected 2.1.214",
        &["2.1.213", "2.1.214"],
        &["2.1.215-0", "2.1.215"],
    );
    semver(
        "last_affected 1.0.0, introduced 1.0.0",
        &["1.0.0"],
        &["0.9.9", "1.0.1"],
    );
}

#[test]
fn a_limit_bounds_what_a_range_speaks_of_and_one_of_several_is_enough() {
    let semver = |events, yes: &[&str], no: &[&str]| {
        check(RangeKind::Semver, &Ecosystem::Go, events, yes, no);
    };
    semver(
        "introduced 1.0.0, limit 2.0.0",
        &["v1.0.0", "1.9.9"],
        &["0.9.0", "v2.0.0", "3.0.0"],
    );
    semver(
        "introduced 1.0.0, limit 2.0.0, limit 3.0.0",
        &["2.5.0"],
        &["3.0.0"],
    );
    semver("introduced 1.0.0, limit *", &["99.0.0"], &["0.1.0"]);
}

#[test]
fn events_need_not_be_sorted_and_may_touch() {
    let semver = |events, yes: &[&str], no: &[&str]| {
        check(RangeKind::Semver, &Ecosystem::CratesIo, events, yes, no);
    };
    semver(
        "fixed 3.2.5, introduced 3.0.0, fixed 1.0.2, introduced 0",
        &["0.1.0", "3.1.0"],
        &["1.0.2", "2.0.0", "3.2.5"],
    );
    semver(
        "introduced 0, fixed 1.0.0, introduced 1.0.0, fixed 2.0.0",
        &["0.5.0", "1.0.0", "1.5.0"],
        &["2.0.0"],
    );
    semver("introduced 1.0.0, fixed 1.0.0", &[], &["1.0.0", "2.0.0"]);
}

#[test]
fn an_ecosystem_range_uses_the_ecosystems_own_order() {
    let ecosystem = |ecosystem, events, yes: &[&str], no: &[&str]| {
        check(RangeKind::Ecosystem, &ecosystem, events, yes, no);
    };
    ecosystem(
        Ecosystem::PyPi,
        "introduced 1.0, fixed 2.0",
        &["1.0.0", "2.0rc1"],
        &["1.0.dev1", "2.0", "2.0.0.post1", "1!0.1"],
    );
    ecosystem(
        Ecosystem::RubyGems,
        "introduced 1.14.0, fixed 2.1.0",
        &["1.14.0", "2.1.0.pre.3"],
        &["1.14.0.rc1", "2.1", "10.0"],
    );
    ecosystem(
        Ecosystem::Packagist,
        "introduced 10.0.0, fixed 10.4.2",
        &["v10.0.0", "10.4.2-RC1"],
        &["10.4.2", "10.0.0-beta1"],
    );
    ecosystem(
        Ecosystem::CratesIo,
        "introduced 0, fixed 1.10.0",
        &["1.9.0"],
        &["1.10.0"],
    );
}

#[test]
fn commits_say_nothing_of_versions_but_a_list_beside_them_does() {
    let ranges = [range(RangeKind::Git, "introduced 0, fixed 1f2e3d")];
    let statement = Statement {
        ranges: &ranges,
        versions: &["1.0", "1.1"],
    };
    let answer = |version| affects(statement, &Ecosystem::PyPi, version);
    assert_eq!(answer("1.1"), Affects::Yes);
    assert_eq!(
        answer("1.1.0"),
        Affects::Yes,
        "the same version, spelled otherwise"
    );
    assert_eq!(answer("1.2"), Affects::No);
}

#[test]
fn what_cannot_be_compared_is_unclear_unless_a_list_names_it() {
    let ranges = [range(RangeKind::Ecosystem, "introduced 0, fixed 2.0")];
    let statement = Statement {
        ranges: &ranges,
        versions: &["weird-1"],
    };
    assert_eq!(
        affects(statement, &Ecosystem::PyPi, "weird-1"),
        Affects::Yes
    );
    assert_eq!(
        affects(statement, &Ecosystem::PyPi, "weird-2"),
        Affects::Unclear
    );
    let unknown = Ecosystem::Other("Hackage".into());
    assert_eq!(affects(statement, &unknown, "1.0"), Affects::Unclear);
    let broken = [range(RangeKind::Semver, "introduced 0, fixed soon")];
    let statement = Statement {
        ranges: &broken,
        versions: &[],
    };
    assert_eq!(
        affects(statement, &Ecosystem::Npm, "1.0.0"),
        Affects::Unclear
    );
}
