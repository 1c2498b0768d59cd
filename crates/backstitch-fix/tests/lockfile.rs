//! Fixes that change the lockfile alone.

mod support;

use backstitch_model::policy::Bump;
use support::{Situation, project_text};

/// The shape of a real project: the direct update is refused, because a leaf that a
/// package beside needs too is locked low.
fn low_leaf() -> Situation {
    Situation::new(
        "tokio 1.8.1 vuln=OLD | autocfg ^1
         tokio 1.19.2 vuln=OLD | autocfg ^1
         tokio 1.20.3 | autocfg ^1.1
         tokio 1.20.4 | autocfg ^1.1
         tokio 1.54.1 | autocfg ^1.1
         num-traits 0.2.14 | autocfg ^1
         num-traits 0.2.19 | autocfg ^1
         autocfg 1.0.1
         autocfg 1.1.0
         autocfg 1.5.0",
        &project_text(
            "tokio = \"1\"\nnum-traits = \"0.2\"",
            "app 0.1.0 local > tokio, num-traits
             tokio 1.8.1 > autocfg
             num-traits 0.2.14 > autocfg
             autocfg 1.0.1",
        ),
    )
}

#[test]
fn a_leaf_that_is_locked_low_moves_first_and_no_farther_than_it_must() {
    assert_eq!(
        low_leaf().told(),
        "tokio
  lockfile: autocfg@1.0.1 → 1.1.0, tokio@1.8.1 → 1.20.3 [tokio@1.8.1:OLD]
  lockfile: autocfg@1.0.1 → 1.1.0, tokio@1.8.1 → 1.54.1 [tokio@1.8.1:OLD]
  full update: everything [tokio@1.8.1:OLD]
"
    );
}

#[test]
fn the_lowest_version_that_clears_every_advisory_and_brings_none_is_taken() {
    let situation = Situation::new(
        "x 1.0.0 vuln=A,B\nx 1.0.1 vuln=A\nx 1.0.2 vuln=C\nx 1.1.0 yanked\nx 1.1.1\nx 1.1.2",
        &project_text("x = \"1\"", "app 0.1.0 local > x\nx 1.0.0"),
    );
    assert_eq!(
        situation.told_briefly(),
        "x\n  lockfile: x@1.0.0 → 1.1.1 [x@1.0.0:A x@1.0.0:B]\n"
    );
}

#[test]
fn a_nearer_line_of_releases_is_worth_a_leaf_more() {
    let situation = Situation::new(
        "x 1.3.0 vuln=A | a ^1; b ^1\nx 1.5.5 | a ^1.1; b ^1.1\nx 1.6.0 | a ^1.1; b ^1.1
         x 1.7.0 | a ^1.1; b ^1.1\nx 1.8.0 | a ^1.1; b ^1\na 1.0.0\na 1.1.0\nb 1.0.0\nb 1.1.0",
        &project_text(
            "x = \"1\"",
            "app 0.1.0 local > x\nx 1.3.0 > a, b\na 1.0.0\nb 1.0.0",
        ),
    );
    let told = situation.told();
    assert_eq!(
        told.lines().nth(1),
        Some("  lockfile: a@1.0.0 → 1.1.0, b@1.0.0 → 1.1.0, x@1.3.0 → 1.5.5 [x@1.3.0:A]")
    );
}

#[test]
fn every_locked_version_of_a_package_is_fixed() {
    let situation = Situation::new(
        "x 1.0.0 vuln=A\nx 1.0.1\nx 2.0.0 vuln=A\nx 2.0.5\ny 1.0.0 | x ^2",
        &project_text(
            "x = \"1\"\ny = \"1\"",
            "app 0.1.0 local > x 1.0.0, y\ny 1.0.0 > x 2.0.0\nx 1.0.0\nx 2.0.0",
        ),
    );
    assert_eq!(
        situation.told_briefly(),
        "x\n  lockfile: x@1.0.0 → 1.0.1, x@2.0.0 → 2.0.5 [x@1.0.0:A x@2.0.0:A]\n"
    );
}

#[test]
fn one_of_several_locked_versions_is_fixed_where_the_other_cannot_be() {
    let situation = Situation::new(
        "x 1.0.0 vuln=A\nx 2.0.0 vuln=A\nx 2.0.5\ny 1.0.0 | x ^2\nz 1.0.0 | x ^1",
        &project_text(
            "z = \"1\"\ny = \"1\"",
            "app 0.1.0 local > z, y\ny 1.0.0 > x 2.0.0\nz 1.0.0 > x 1.0.0\nx 1.0.0\nx 2.0.0",
        ),
    );
    assert_eq!(
        situation.told_briefly(),
        "x
  lockfile: x@2.0.0 → 2.0.5 [x@2.0.0:A]
  obstacle: held by z@1.0.0 (`x ^1`); no release of theirs that may be taken lets `x` go to 2.0.5
"
    );
}

#[test]
fn a_parent_that_admits_a_fixed_release_frees_it() {
    let situation = Situation::new(
        "url 2.2.0 | idna ^0.2\nurl 2.3.0 | idna ^0.2\nurl 2.5.1 | idna ^1\nurl 2.5.2 | idna ^1
         idna 0.2.0 vuln=A\nidna 0.2.1 vuln=A\nidna 1.0.0\nidna 1.1.0",
        &project_text(
            "url = \"2\"",
            "app 0.1.0 local > url\nurl 2.2.0 > idna\nidna 0.2.0",
        ),
    );
    assert_eq!(
        situation.told_briefly(),
        "idna\n  parent upgrade: url@2.2.0 → 2.5.1 [idna@0.2.0:A]\n"
    );
}

#[test]
fn a_parent_that_drops_it_is_moved_with_the_leaf_that_its_new_release_needs() {
    let situation = Situation::new(
        "tempfile 3.1.0 | remove 0.5; libc 0.2\ntempfile 3.4.0 | libc 0.2.130\nremove 0.5.3 vuln=A
         libc 0.2.80\nlibc 0.2.130\nlibc 0.2.180\nother 1.0.0 | libc 0.2",
        &project_text(
            "tempfile = \"3\"\nother = \"1\"",
            "app 0.1.0 local > tempfile, other\ntempfile 3.1.0 > remove, libc
             remove 0.5.3\nlibc 0.2.80\nother 1.0.0 > libc",
        ),
    );
    assert_eq!(
        situation.told_briefly(),
        "remove\n  parent upgrade: libc@0.2.80 → 0.2.130, tempfile@3.1.0 → 3.4.0 [remove@0.5.3:A]\n"
    );
}

#[test]
fn a_parent_frees_nothing_where_all_it_admits_is_withdrawn() {
    let situation = Situation::new(
        "url 2.2.0 | idna ^0.2\nurl 2.5.1 | idna ^1\nurl 2.5.2 | idna ^2
         idna 0.2.0 vuln=A\nidna 1.0.0 yanked\nidna 2.0.0",
        &project_text(
            "url = \"2\"",
            "app 0.1.0 local > url\nurl 2.2.0 > idna\nidna 0.2.0",
        ),
    );
    assert_eq!(
        situation.told_briefly(),
        "idna\n  parent upgrade: url@2.2.0 → 2.5.2 [idna@0.2.0:A]\n"
    );
}

#[test]
fn a_holder_two_levels_up_is_found() {
    let situation = Situation::new(
        "a 1.0.0 | b ^1\na 1.4.0 | b ^2\nb 1.0.0 | x ^1\nb 2.0.0 | x ^2\nx 1.0.0 vuln=A\nx 2.0.0",
        &project_text(
            "a = \"1\"",
            "app 0.1.0 local > a\na 1.0.0 > b\nb 1.0.0 > x\nx 1.0.0",
        ),
    );
    assert_eq!(
        situation.told_briefly(),
        "x\n  parent upgrade: a@1.0.0 → 1.4.0 [x@1.0.0:A]\n"
    );
}

#[test]
fn one_candidate_settles_what_it_clears_of_other_packages_too() {
    let situation = Situation::new(
        "tokio 1.8.0 vuln=A | mio 0.7\ntokio 1.17.0 vuln=A | mio 0.8\ntokio 1.18.0 | mio 0.8
         mio 0.7.0 vuln=B\nmio 0.8.0",
        &project_text(
            "tokio = \"1\"",
            "app 0.1.0 local > tokio\ntokio 1.8.0 > mio\nmio 0.7.0",
        ),
    );
    assert_eq!(
        situation.told_briefly(),
        "mio
  parent upgrade: tokio@1.8.0 → 1.18.0 [tokio@1.8.0:A mio@0.7.0:B]
tokio
  lockfile: tokio@1.8.0 → 1.18.0 [tokio@1.8.0:A mio@0.7.0:B]
"
    );
}

#[test]
fn packages_pinned_to_one_another_move_together() {
    let situation = Situation::new(
        "serde 1.0.0 | derive =1.0.0\nserde 1.0.5 | derive =1.0.5
         derive 1.0.0 vuln=A\nderive 1.0.5",
        &project_text(
            "serde = \"1\"",
            "app 0.1.0 local > serde\nserde 1.0.0 > derive\nderive 1.0.0",
        ),
    );
    assert_eq!(
        situation.told_briefly(),
        "derive\n  parent upgrade: serde@1.0.0 → 1.0.5 [derive@1.0.0:A]\n"
    );
}

#[test]
fn the_lowest_version_that_clears_the_most_is_offered_where_none_clears_all() {
    let situation = Situation::new(
        "h2 0.3.21 vuln=A,B,C\nh2 0.3.24 vuln=B,C\nh2 0.3.26 vuln=C\nh2 0.3.27 vuln=C\nh2 0.4.16
         hyper 0.14.0 | h2 ^0.3.17",
        &project_text(
            "hyper = \"0.14\"",
            "app 0.1.0 local > hyper\nhyper 0.14.0 > h2\nh2 0.3.21",
        ),
    );
    assert_eq!(
        situation.told_briefly(),
        "h2
  lockfile: h2@0.3.21 → 0.3.26 [h2@0.3.21:A h2@0.3.21:B]
  obstacle: held by hyper@0.14.0 (`h2 ^0.3.17`); no release of theirs that may be taken lets `h2` go to 0.4.16
"
    );
}

#[test]
fn what_comes_in_new_is_no_vulnerable_release_even_where_cargo_would_take_one() {
    let situation = Situation::new(
        "p 1.0.0 | x ^1\np 1.1.0 | q ^1\nx 1.0.0 vuln=A\nq 1.0.0\nq 1.0.1\nq 1.0.2 vuln=B\nq 1.0.3 day=999",
        &project_text("p = \"1\"", "app 0.1.0 local > p\np 1.0.0 > x\nx 1.0.0"),
    );
    assert_eq!(
        situation.told_briefly(),
        "x\n  parent upgrade: p@1.0.0 → 1.1.0, q@1.0.3 → 1.0.1 [x@1.0.0:A]\n"
    );
}

#[test]
fn what_comes_in_new_gives_way_to_a_leaf_that_cargo_holds() {
    let registry = "x 1.0.0 vuln=A\nx 1.1.0 | js 0.3\njs 0.3.1 | once ^1\njs 0.3.2 | mid ^1
         mid 1.0.0 | once ^1.5\nonce 1.0.0\nonce 1.5.0\nother 1.0.0 | once ^1";
    let lock = |x: &str| {
        project_text(
            "x = \"1\"\nother = \"1\"",
            &format!("app 0.1.0 local > x, other\n{x}\nother 1.0.0 > once\nonce 1.0.0"),
        )
    };
    assert_eq!(
        Situation::new(registry, &lock("x 1.0.0")).told_briefly(),
        "x\n  lockfile: x@1.0.0 → 1.1.0 [x@1.0.0:A]\n"
    );
    // What `x` itself depends on may move with it, so Cargo takes the newest: the leaf goes first.
    let registry = registry.replace("x 1.0.0 vuln=A", "x 1.0.0 vuln=A | once ^1");
    assert_eq!(
        Situation::new(&registry, &lock("x 1.0.0 > once")).told_briefly(),
        "x\n  lockfile: once@1.0.0 → 1.5.0, x@1.0.0 → 1.1.0 [x@1.0.0:A]\n"
    );
}

#[test]
fn a_requirement_that_admits_what_is_locked_and_vulnerable_frees_nothing() {
    // Cargo keeps a wide requirement at the newest locked release that it admits.
    let situation = Situation::new(
        "p 1.0.0 | q 0.3; x ^1\np 1.1.0 | x >=1, <3\nq 0.3.0 | x ^2\nx 1.1.0\nx 2.1.0 vuln=A",
        &project_text(
            "p = \"1\"",
            "app 0.1.0 local > p\np 1.0.0 > q, x 1.1.0\nq 0.3.0 > x 2.1.0\nx 1.1.0\nx 2.1.0",
        ),
    );
    assert_eq!(
        situation.told(),
        "x\n  obstacle: no release is free of the advisory\n"
    );
}

#[test]
fn many_low_leaves_and_many_releases_are_no_wide_search() {
    let leaves = ["a", "b", "c", "d", "e", "f"];
    let mut registry = "x 1.0.0 vuln=A\n".to_owned();
    let mut moves = Vec::new();
    let mut lock = format!("x 1.0.0 > {}\n", leaves.join(", "));
    for minor in 1..40 {
        let needs: Vec<_> = leaves
            .iter()
            .map(|leaf| format!("{leaf} ^1.{minor}"))
            .collect();
        registry.push_str(&format!("x 1.{minor}.0 | {}\n", needs.join("; ")));
    }
    for leaf in leaves {
        for minor in 0..40 {
            registry.push_str(&format!("{leaf} 1.{minor}.0\n{leaf} 1.{minor}.1\n"));
        }
        lock.push_str(&format!("{leaf} 1.0.0\n"));
        moves.push(format!("{leaf}@1.0.0 → 1.1.0"));
    }
    let text = project_text("x = \"1\"", &format!("app 0.1.0 local > x\n{lock}"));
    let told = Situation::new(&registry, &text).told();
    let expected = format!(
        "  lockfile: {}, x@1.0.0 → 1.1.0 [x@1.0.0:A]",
        moves.join(", ")
    );
    assert_eq!(told.lines().nth(1), Some(expected.as_str()));
}

#[test]
fn an_optional_dependency_counts_only_where_it_is_on() {
    let registry = "x 1.0.0 vuln=A feature=net:dep:leaf | leaf ^1 optional
         x 1.1.0 feature=net:dep:leaf | leaf ^1.5 optional
         leaf 1.0.0\nleaf 1.5.0\nother 1.0.0 | leaf ^1";
    let lock = |x: &str| {
        project_text(
            "x = \"1\"\nother = \"1\"",
            &format!("app 0.1.0 local > x, other\n{x}\nother 1.0.0 > leaf\nleaf 1.0.0"),
        )
    };
    let off = Situation::new(registry, &lock("x 1.0.0"));
    assert_eq!(
        off.told_briefly(),
        "x\n  lockfile: x@1.0.0 → 1.1.0 [x@1.0.0:A]\n"
    );
    let on = Situation::new(registry, &lock("x 1.0.0 > leaf"));
    assert_eq!(
        on.told_briefly(),
        "x\n  lockfile: leaf@1.0.0 → 1.5.0, x@1.0.0 → 1.1.0 [x@1.0.0:A]\n"
    );
}

#[test]
fn a_release_without_what_a_vulnerability_needs_is_no_fix_where_it_lies_below() {
    let situation = Situation::new(
        "x 1.0.0\nx 1.1.0 vuln=A",
        &project_text("x = \"1\"", "app 0.1.0 local > x\nx 1.1.0"),
    );
    assert_eq!(
        situation.told(),
        "x\n  obstacle: no release is free of the advisory\n"
    );
}

#[test]
fn a_pre_release_is_taken_only_by_who_is_on_one() {
    let registry = "x 1.0.0 vuln=A\nx 2.0.0-rc.1 vuln=A\nx 2.0.0-rc.2";
    let on_release = Situation::new(
        registry,
        &project_text("x = \">=1\"", "app 0.1.0 local > x\nx 1.0.0"),
    );
    assert!(!on_release.told().contains("→"), "{}", on_release.told());
    let on_pre_release = Situation::new(
        registry,
        &project_text("x = \"2.0.0-rc.1\"", "app 0.1.0 local > x\nx 2.0.0-rc.1"),
    );
    assert_eq!(
        on_pre_release.told_briefly(),
        "x\n  lockfile: x@2.0.0-rc.1 → 2.0.0-rc.2 [x@2.0.0-rc.1:A]\n"
    );
}

#[test]
fn patch_steps_only_means_that_the_leaf_too_takes_no_larger_one() {
    let mut situation = low_leaf();
    situation.policy.bump_max = Bump::Patch;
    assert_eq!(
        situation.told(),
        "tokio
  obstacle: policy: more than patch steps are not allowed; moving `tokio@1.8.1` to 1.20.3 and moving `autocfg@1.0.1` to 1.1.0 would free it
"
    );
}

#[test]
fn what_is_left_alone_stays_even_as_a_leaf() {
    let mut situation = low_leaf();
    situation.policy.leave_alone = vec!["autocfg".into()];
    assert_eq!(
        situation.told(),
        "tokio
  obstacle: policy: `autocfg` is left alone; moving `tokio@1.8.1` to 1.20.3 and moving `autocfg@1.0.1` to 1.1.0 would free it
"
    );
}

#[test]
fn a_release_that_is_too_young_is_told_and_not_taken() {
    let mut situation = Situation::new(
        "x 1.0.0 vuln=A day=1\nx 1.0.1 day=998\nx 1.0.2 day=990",
        &project_text("x = \"1\"", "app 0.1.0 local > x\nx 1.0.0"),
    );
    assert_eq!(
        situation.told_briefly(),
        "x\n  lockfile: x@1.0.0 → 1.0.2 [x@1.0.0:A]\n"
    );
    situation.policy.release_age_min_days = 30;
    assert_eq!(
        situation.told(),
        "x\n  obstacle: policy: releases younger than 30 days are not taken; moving `x@1.0.0` to 1.0.1 would free it\n"
    );
}

#[test]
fn the_compiler_that_the_project_promises_is_preferred_and_the_one_at_hand_is_the_limit() {
    let registry = "x 1.0.0 vuln=A\nx 1.0.1 rust=1.75\nx 1.0.2 rust=1.60\nx 1.0.3 rust=1.99";
    let text = project_text("x = \"1\"", "app 0.1.0 local > x\nx 1.0.0");
    let promised = |version: &str| {
        let line = format!("version = \"0.1.0\"\nrust-version = \"{version}\"");
        Situation::new(registry, &text.replace("version = \"0.1.0\"", &line))
    };
    let taken = |situation: &Situation| situation.told_briefly().lines().nth(1).unwrap().to_owned();
    assert_eq!(
        taken(&promised("1.60")),
        "  lockfile: x@1.0.0 → 1.0.2 [x@1.0.0:A]"
    );
    assert_eq!(
        taken(&promised("1.50")),
        "  lockfile: x@1.0.0 → 1.0.1 [x@1.0.0:A]"
    );
    let mut old = promised("1.50");
    old.rustc = Some("1.55.0");
    assert_eq!(
        old.told(),
        "x\n  obstacle: held by app@0.1.0 (`x 1`); with a later compiler, moving `x@1.0.0` to 1.0.1 would free it\n"
    );
}

#[test]
fn a_package_of_another_source_is_never_moved_and_that_is_told() {
    let situation = Situation::new(
        "x 1.0.0 vuln=A\nx 1.0.1",
        &project_text("x = \"1\"", "app 0.1.0 local > x\nx 1.0.0 git"),
    );
    assert_eq!(
        situation.told(),
        "x\n  obstacle: `x@1.0.0` does not come from the public registry (the repository https://git.invalid/repository), and such packages are not moved\n"
    );
}

#[test]
fn a_parent_of_another_source_is_taken_to_accept_compatible_releases_only() {
    let registry = "x 1.0.0 vuln=A\nx 1.0.1\nx 2.0.0";
    let lock = "app 0.1.0 local > g\ng 1.0.0 git > x\nx 1.0.0";
    let situation = Situation::new(registry, &project_text("g = \"1\"", lock));
    assert_eq!(
        situation.told_briefly(),
        "x\n  lockfile: x@1.0.0 → 1.0.1 [x@1.0.0:A]\n"
    );
}

#[test]
fn a_registry_that_cannot_tell_is_an_obstacle_and_no_crash() {
    let mut situation = Situation::new(
        "x 1.0.0 vuln=A",
        &project_text("x = \"1\"", "app 0.1.0 local > x\nx 1.0.0"),
    );
    let findings = situation.findings();
    situation.registry = backstitch_fixture::Registry::parse("");
    let planner = backstitch_fix::Planner {
        project: &situation.project,
        releases: &situation.registry,
        vulnerabilities: &situation.registry,
        policy: &situation.policy,
        rustc: None,
        now_s: 0,
    };
    let plan = planner.plan(&findings).remove(0);
    assert_eq!(plan.candidates, []);
    assert_eq!(
        plan.obstacle.unwrap().to_string(),
        "list the releases of `x`: it is not in the registry"
    );
}

#[test]
fn cycles_end() {
    let situation = Situation::new(
        "a 1.0.0 | b ^1\na 1.0.1 | b ^1\nb 1.0.0 vuln=A | a ^1\nb 1.0.1 vuln=A | a ^1\nb 2.0.0 | a ^1",
        &project_text("a = \"1\"", "app 0.1.0 local > a\na 1.0.0 > b\nb 1.0.0 > a"),
    );
    assert_eq!(
        situation.told(),
        "b\n  obstacle: held by a@1.0.0 (`b ^1`); no release of theirs that may be taken lets `b` go to 2.0.0\n"
    );
}
