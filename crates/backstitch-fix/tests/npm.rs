//! Fixes for projects of npm and its like.

mod support;

use backstitch_fix::Planner;
use backstitch_fixture::{Files, Registry, days, findings, node_project};
use backstitch_model::candidate::Step;
use backstitch_model::policy::Bump;
use backstitch_model::{Change, LockFormat, Policy};
use support::{Situation, TODAY};

fn of(format: LockFormat, registry: &str, files: &str) -> Situation {
    Situation {
        registry: Registry::parse(registry),
        project: node_project(&Files::parse(files), format),
        policy: Policy::default(),
        rustc: Some("20.1.0"),
    }
}

/// A project of npm with these dependencies, as JSON members, and this lockfile in short.
fn npm(registry: &str, dependencies: &str, lock: &str) -> Situation {
    of(LockFormat::Npm, registry, &files("", dependencies, lock))
}

fn files(before: &str, dependencies: &str, lock: &str) -> String {
    format!(
        "--- package.json\n{{\n  \"name\": \"app\",\n{before}  \"dependencies\": {{\n    \
         {dependencies}\n  }}\n}}\n--- lock\n{lock}"
    )
}

/// The manifest that the candidate in this place writes.
fn written(situation: &Situation, place: usize) -> String {
    let plans = situation.plans();
    let Change::Upgrade(upgrade) = &plans[0].candidates[place].change;
    let mut texts = upgrade.recipe.iter().filter_map(|step| match step {
        Step::WriteManifest { text, .. } => Some(text.clone()),
        Step::UpdatePackage { .. } | Step::Relock | Step::UpdateEverything => None,
    });
    texts.next().expect("a manifest is written")
}

#[test]
fn the_lowest_release_that_clears_every_advisory_and_brings_none_is_taken_first() {
    let situation = npm(
        "x 1.0.0 vuln=A,B\nx 1.0.1 vuln=A\nx 1.0.2 vuln=C\nx 1.0.3-beta\nx 1.1.1\nx 1.1.2\nx 2.0.0",
        "\"x\": \"^1.0.0\"",
        "app 0.0.0 local > x\nx 1.0.0",
    );
    assert_eq!(
        situation.told(),
        "x
  lockfile: x@1.0.0 → 1.1.1 [x@1.0.0:A x@1.0.0:B]
  lockfile: x@1.0.0 → 1.1.2 [x@1.0.0:A x@1.0.0:B]
"
    );
}

#[test]
fn each_locked_version_goes_to_a_release_of_its_own_in_one_candidate() {
    let situation = npm(
        "x 1.0.0 vuln=A\nx 1.0.1\nx 2.0.0 vuln=A\nx 2.0.1\np 1.0.0 | x ^2.0.0\n",
        "\"x\": \"^1.0.0\", \"p\": \"1\"",
        "app 0.0.0 local > x 1.0.0, p\np 1.0.0 > x 2.0.0\nx 1.0.0\nx 2.0.0",
    );
    assert_eq!(
        situation.told(),
        "x
  lockfile: x@1.0.0 → 1.0.1, x@2.0.0 → 2.0.1 [x@1.0.0:A x@2.0.0:A]
"
    );
}

#[test]
fn npm_is_run_only_where_something_comes_or_goes() {
    let situation = npm(
        "x 1.0.0 vuln=A | d ^1\nx 1.0.1 | d ^1.0.0; new ^1\nd 1.0.0\nnew 1.0.0",
        "\"x\": \"^1.0.0\"",
        "app 0.0.0 local > x\nx 1.0.0 > d\nd 1.0.0",
    );
    assert!(
        situation.told().contains("x@1.0.0 → 1.0.1, relock ["),
        "{}",
        situation.told()
    );
}

#[test]
fn a_release_whose_needs_would_bring_an_advisory_in_is_passed_over() {
    let situation = npm(
        "x 1.0.0 vuln=A\nx 1.0.1 | new ^1\nx 1.0.2 | new ^2\nx 1.0.3 | peer ^2 peer\nx 1.0.4
         new 1.0.0 vuln=B\nnew 2.0.0 | deep 1\ndeep 1.0.0 vuln=C\npeer 1.0.0",
        "\"x\": \"^1.0.0\", \"peer\": \"1\"",
        "app 0.0.0 local > x, peer\nx 1.0.0\npeer 1.0.0",
    );
    assert_eq!(
        situation.told(),
        "x\n  lockfile: x@1.0.0 → 1.0.4 [x@1.0.0:A]\n"
    );
}

#[test]
fn a_holder_moves_to_the_lowest_release_that_lets_go() {
    let situation = npm(
        "x 1.0.0 vuln=A\nx 1.0.1\np 1.0.0 | x 1.0.0\np 1.1.0 | x 1.0.0\np 1.2.0 | x ^1.0.0
         p 1.3.0\nq 1.0.0 | p ~1.0.0\nq 1.0.1 | p ^1.2.0\nq 1.0.2 | p ^1.3.0",
        "\"q\": \"^1.0.0\"",
        "app 0.0.0 local > q\nq 1.0.0 > p\np 1.0.0 > x\nx 1.0.0",
    );
    assert_eq!(
        situation.told(),
        "x
  parent upgrade: q@1.0.0 → 1.0.1, p@1.0.0 → 1.2.0, x@1.0.0 → 1.0.1, relock [x@1.0.0:A]
  override: overrides > p > x `` → `^1.0.1`, write package.json, x@1.0.0 → 1.0.1, relock [x@1.0.0:A]
"
    );
}

#[test]
fn a_holder_that_drops_the_package_settles_it() {
    let situation = npm(
        "x 1.0.0 vuln=A\np 1.0.0 | x ^1\np 1.1.0",
        "\"p\": \"^1.0.0\"",
        "app 0.0.0 local > p\np 1.0.0 > x\nx 1.0.0",
    );
    assert_eq!(
        situation.told(),
        "x\n  parent upgrade: p@1.0.0 → 1.1.0, relock [x@1.0.0:A]\n"
    );
}

#[test]
fn an_override_is_written_below_the_holder_in_the_style_of_the_manifest() {
    let situation = npm(
        "x 1.0.0 vuln=A\nx 1.0.1\np 1.0.0 | x 1.0.0",
        "\"p\": \"^1.0.0\"",
        "app 0.0.0 local > p\np 1.0.0 > x\nx 1.0.0",
    );
    assert_eq!(
        written(&situation, 0),
        "{\n  \"name\": \"app\",\n  \"dependencies\": {\n    \"p\": \"^1.0.0\"\n  },\n  \
         \"overrides\": {\n    \"p\": {\n      \"x\": \"^1.0.1\"\n    }\n  }\n}\n"
    );
}

#[test]
fn pnpm_and_yarn_have_their_own_place_for_overrides() {
    for (format, key) in [
        (LockFormat::Pnpm, "pnpm > overrides > p>x"),
        (LockFormat::Yarn, "resolutions > p/x"),
    ] {
        let situation = of(
            format,
            "x 1.0.0 vuln=A\nx 1.0.1\np 1.0.0 | x 1.0.0",
            &files(
                "",
                "\"p\": \"^1.0.0\"",
                "app 0.0.0 local > p\np 1.0.0 > x\nx 1.0.0",
            ),
        );
        let told = situation.told();
        assert!(
            told.contains(&format!("override: {key} `` → `^1.0.1`")),
            "{told}"
        );
    }
}

#[test]
fn an_override_that_is_there_is_respected_and_raised() {
    let registry = "x 1.0.0 vuln=A\nx 1.0.1\nx 1.0.2\np 1.0.0 | x ^0.9";
    let lock = "app 0.0.0 local > p\np 1.0.0 > x\nx 1.0.0";
    let with = |overrides: &str| {
        let before = format!("  \"overrides\": {overrides},\n");
        of(
            LockFormat::Npm,
            registry,
            &files(&before, "\"p\": \"^1.0.0\"", lock),
        )
        .told()
    };
    assert_eq!(
        with("{\"x\": \"1.0.0\"}"),
        "x
  override: overrides > x `1.0.0` → `1.0.1`, write package.json, x@1.0.0 → 1.0.1, relock [x@1.0.0:A]
"
    );
    assert_eq!(
        with("{\"p\": {\"x\": \"^1.0.0\"}}"),
        "x\n  lockfile: x@1.0.0 → 1.0.1 [x@1.0.0:A]\n  lockfile: x@1.0.0 → 1.0.2 [x@1.0.0:A]\n"
    );
}

#[test]
fn a_requirement_of_the_projects_own_is_raised_where_it_stands() {
    let situation = npm(
        "x 1.0.0 vuln=A\nx 1.0.1",
        "\"nick\": \"npm:x@1.0.0\"",
        "app 0.0.0 local > x\nx 1.0.0",
    );
    assert_eq!(
        situation.told().lines().nth(1).unwrap(),
        "  requirement: nick `1.0.0` → `1.0.1`, write package.json, x@1.0.0 → 1.0.1, relock [x@1.0.0:A]"
    );
    assert!(written(&situation, 0).contains("\"nick\": \"npm:x@1.0.1\""));
}

#[test]
fn what_a_library_asks_its_users_for_is_not_raised() {
    let text = "--- package.json\n{\"name\": \"app\", \"devDependencies\": {\"x\": \"^1.0.0\"}, \
                \"peerDependencies\": {\"x\": \"1.0.0\"}}\n--- lock\napp 0.0.0 local > x\nx 1.0.0";
    let situation = of(LockFormat::Npm, "x 1.0.0 vuln=A\nx 1.0.1", text);
    assert_eq!(
        situation.told(),
        "x
  obstacle: held by app@0.0.0 (`x ^1.0.0`), app@0.0.0 (`x 1.0.0`); no release of theirs that may \
         be taken lets `x` go to one that would do
"
    );
}

#[test]
fn a_breaking_step_is_taken_only_where_policy_allows_it() {
    let mut situation = npm(
        "x 1.0.0 vuln=A\nx 2.0.0",
        "\"x\": \"^1.0.0\"",
        "app 0.0.0 local > x\nx 1.0.0",
    );
    assert_eq!(
        situation.told(),
        "x
  obstacle: policy: breaking steps are not allowed; raising `x` from `^1.0.0` to `^2.0.0` in \
         `package.json` would free it
"
    );
    situation.policy.bump_max = Bump::Breaking;
    assert_eq!(
        situation.told(),
        "x
  breaking upgrade: x `^1.0.0` → `^2.0.0`, write package.json, x@1.0.0 → 2.0.0, relock [x@1.0.0:A]
"
    );
}

#[test]
fn what_is_young_or_left_alone_or_for_another_node_is_not_taken() {
    let young = npm(
        "x 1.0.0 vuln=A\nx 1.0.1 day=999",
        "\"x\": \"^1.0.0\"",
        "app 0.0.0 local > x\nx 1.0.0",
    );
    assert!(
        young.told().contains("younger than 3 days"),
        "{}",
        young.told()
    );
    let mut alone = npm(
        "x 1.0.0 vuln=A\nx 1.0.1",
        "\"x\": \"^1.0.0\"",
        "app 0.0.0 local > x\nx 1.0.0",
    );
    alone.policy.leave_alone = vec!["x".into()];
    assert!(alone.told().contains("`x` left alone"), "{}", alone.told());
    let later = npm(
        "x 1.0.0 vuln=A\nx 1.0.1 runtime=>=22",
        "\"x\": \"^1.0.0\"",
        "app 0.0.0 local > x\nx 1.0.0",
    );
    assert!(
        later.told().contains("with a later node, moving"),
        "{}",
        later.told()
    );
}

#[test]
fn what_cannot_be_moved_is_told_with_the_reason() {
    for (registry, lock, told) in [
        ("x 1.0.0 vuln=A", "x 1.0.0", "no release is free"),
        (
            "x 1.0.0 vuln=A\nx 1.0.1",
            "x 1.0.0 git",
            "does not come from the public registry",
        ),
        (
            "x 1.0.0 vuln=A\nx 1.0.1",
            "x 1.0.0 bundled",
            "inside the archive of `p@1.0.0`",
        ),
    ] {
        let lock = format!("app 0.0.0 local > p\np 1.0.0 > x\n{lock}");
        let registry = format!("{registry}\np 1.0.0 | x ^1");
        let situation = npm(&registry, "\"p\": \"^1.0.0\"", &lock);
        let text = situation.told();
        assert!(text.contains(told) && !text.contains("→"), "{text}");
    }
}

#[test]
fn a_part_of_the_advisories_is_better_than_nothing() {
    let situation = npm(
        "x 1.0.0 vuln=A,B\nx 1.0.1 vuln=B",
        "\"x\": \"^1.0.0\"",
        "app 0.0.0 local > x\nx 1.0.0",
    );
    assert_eq!(
        situation.told(),
        "x\n  lockfile: x@1.0.0 → 1.0.1 [x@1.0.0:A]\n  obstacle: no release is free of the advisory\n"
    );
}

#[test]
fn a_registry_full_of_cycles_is_given_up_in_time() {
    let mut registry = String::new();
    let mut lock = String::from("app 0.0.0 local > n0\n");
    for number in 0..30 {
        let needs: Vec<_> = (0..30)
            .filter(|other| *other != number)
            .map(|other| format!("n{other} 1.0.0"))
            .collect();
        for minor in 0..30 {
            registry.push_str(&format!("n{number} 1.{minor}.0 | {}\n", needs.join("; ")));
        }
        let others: Vec<_> = (0..30)
            .filter(|other| *other != number)
            .map(|other| format!("n{other}"))
            .collect();
        lock.push_str(&format!("n{number} 1.0.0 > {}\n", others.join(", ")));
    }
    let registry = registry.replace("n7 1.0.0 |", "n7 1.0.0 vuln=A |");
    let situation = npm(&registry, "\"n0\": \"1.0.0\"", &lock);
    let began = std::time::Instant::now();
    let plans = situation.plans();
    assert!(plans[0].obstacle.is_some() || !plans[0].candidates.is_empty());
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[test]
fn of_the_same_input_the_same_plans_are_made() {
    let situation = npm(
        "x 1.0.0 vuln=A\nx 1.0.1\np 1.0.0 | x 1.0.0\np 1.1.0 | x ^1",
        "\"p\": \"^1.0.0\"",
        "app 0.0.0 local > p\np 1.0.0 > x\nx 1.0.0",
    );
    let planner = Planner {
        project: &situation.project,
        releases: &situation.registry,
        vulnerabilities: &situation.registry,
        policy: &situation.policy,
        rustc: None,
        now_s: days(TODAY),
    };
    let findings = findings(&situation.project, &situation.registry);
    assert_eq!(planner.plan(&findings), planner.plan(&findings));
}
