//! Fixes that rewrite a requirement, and what they leave of a manifest.

mod support;

use backstitch_model::policy::Bump;
use support::{Situation, manifest_diff, project_text};

const LOCK: &str = "app 0.1.0 local > x\nx 1.2.3";

/// `x` is vulnerable below 1.2.5 and fixed in the next class too.
const REGISTRY: &str = "x 1.2.3 vuln=A\nx 1.2.4 vuln=A\nx 1.2.5\nx 1.2.9\nx 2.0.0\nx 2.1.0";

/// The lines that the first candidate changes in the manifests.
fn diff(situation: &Situation) -> String {
    let plans = situation.plans();
    manifest_diff(situation, &plans[0].candidates[0])
}

#[test]
fn an_exact_pin_is_raised_to_the_lowest_fixed_release() {
    let situation = Situation::new(REGISTRY, &project_text("x = \"=1.2.3\"", LOCK));
    assert_eq!(
        situation.told_briefly(),
        "x\n  requirement: x `=1.2.3` → `=1.2.5`, write Cargo.toml, relock [x@1.2.3:A]\n"
    );
}

#[test]
fn where_cargo_would_go_farther_the_manifest_asks_for_the_release_itself_first() {
    let situation = Situation::new(REGISTRY, &project_text("x = \">=1.2, <1.2.4\"", LOCK));
    assert_eq!(
        situation.told_briefly(),
        "x\n  requirement: x `>=1.2, <1.2.4` → `>=1.2, <1.2.6`, write Cargo.toml, relock [x@1.2.3:A]\n"
    );
    let registry = REGISTRY.replace("1.2.3 vuln", "1.1.3 vuln");
    let lock = LOCK.replace("1.2.3", "1.1.3");
    let situation = Situation::new(&registry, &project_text("x = \"~1.1\"", &lock));
    assert_eq!(
        situation.told_briefly(),
        "x\n  requirement: x `~1.1` → `~1.2.5`, write Cargo.toml, relock, write Cargo.toml, relock [x@1.1.3:A]\n"
    );
}

#[test]
fn a_breaking_upgrade_is_planned_only_where_it_is_allowed_and_told_where_not() {
    let registry = "x 0.2.19 vuln=A\nx 0.2.25 vuln=A\nx 0.3.1 vuln=A\nx 0.3.20\nx 0.3.21\nx 0.4.0";
    let text = project_text("x = \"0.2.2\"", "app 0.1.0 local > x\nx 0.2.19");
    let mut situation = Situation::new(registry, &text);
    assert_eq!(
        situation.told(),
        "x\n  obstacle: policy: breaking steps are not allowed; raising `x` from `0.2.2` to `0.3.20` in `Cargo.toml` would free it\n"
    );
    situation.policy.bump_max = Bump::Breaking;
    assert_eq!(
        situation.told_briefly(),
        "x
  breaking upgrade: x `0.2.2` → `0.3.20`, write Cargo.toml, relock, write Cargo.toml, relock [x@0.2.19:A]
  breaking upgrade: x `0.2.2` → `0.4.0`, write Cargo.toml, relock [x@0.2.19:A]
"
    );
}

#[test]
fn a_direct_dependency_is_raised_where_it_holds_a_vulnerable_one() {
    let mut situation = Situation::new(
        "git2 0.13.0 | sys 0.12\ngit2 0.16.0 | sys 0.14\ngit2 0.18.0 | sys 0.16
         sys 0.12.0 vuln=A\nsys 0.14.0 vuln=A\nsys 0.16.2",
        &project_text(
            "git2 = { version = \"0.13\", default-features = false }",
            "app 0.1.0 local > git2\ngit2 0.13.0 > sys\nsys 0.12.0",
        ),
    );
    assert_eq!(
        situation.told(),
        "sys\n  obstacle: policy: breaking steps are not allowed; raising `git2` from `0.13` to `0.18` in `Cargo.toml` would free it\n"
    );
    situation.policy.bump_max = Bump::Breaking;
    assert_eq!(
        diff(&situation),
        "Cargo.toml
- git2 = { version = \"0.13\", default-features = false }
+ git2 = { version = \"0.18\", default-features = false }
"
    );
}

#[test]
fn a_partial_fix_of_the_lockfile_comes_before_a_breaking_one_of_everything() {
    let mut situation = Situation::new(
        "x 0.2.0 vuln=A,B\nx 0.2.1 vuln=B\nx 0.3.0",
        &project_text("x = \"0.2\"", "app 0.1.0 local > x\nx 0.2.0"),
    );
    situation.policy.bump_max = Bump::Breaking;
    assert_eq!(
        situation.told_briefly(),
        "x
  lockfile: x@0.2.0 → 0.2.1 [x@0.2.0:A]
  breaking upgrade: x `0.2` → `0.3`, write Cargo.toml, relock [x@0.2.0:A x@0.2.0:B]
"
    );
}

#[test]
fn every_way_to_write_a_requirement_keeps_its_format_and_comments() {
    for (before, after) in [
        (
            "x = \"=1.2.3\"   # pinned: see #12",
            "x = \"=1.2.5\"   # pinned: see #12",
        ),
        ("x = '=1.2.3'", "x = '=1.2.5'"),
        ("\"x\" = \"= 1.2.3\"", "\"x\" = \"= 1.2.5\""),
        (
            "x = {version=\"=1.2.3\",features=[ \"a\" ]}",
            "x = {version=\"=1.2.5\",features=[ \"a\" ]}",
        ),
        (
            "x.version = \"=1.2.3\"\nx.default-features = false",
            "x.version = \"=1.2.5\"",
        ),
        (
            "other = { package = \"x\", version = \"=1.2.3\" }",
            "other = { package = \"x\", version = \"=1.2.5\" }",
        ),
        (
            "[dependencies.x]\n# why\nversion = \"=1.2.3\" # not\n",
            "version = \"=1.2.5\" # not",
        ),
        (
            "[target.'cfg(unix)'.dependencies]\nx = \"=1.2.3\"",
            "x = \"=1.2.5\"",
        ),
        (
            "[target.\"cfg(unix)\".dev-dependencies.x]\nversion = \"=1.2.3\"",
            "version = \"=1.2.5\"",
        ),
        ("[build-dependencies]\nx = \"=1.2.3\"", "x = \"=1.2.5\""),
    ] {
        let situation = Situation::new(REGISTRY, &project_text(before, LOCK));
        let diff = diff(&situation);
        let added: Vec<_> = diff.lines().filter(|line| line.starts_with("+ ")).collect();
        assert_eq!(added, [format!("+ {after}")], "{before}");
    }
}

#[test]
fn carriage_returns_stay() {
    let text = project_text("x = \"=1.2.3\"\r\ny = \"1\"", LOCK);
    let situation = Situation::new(REGISTRY, &text);
    assert_eq!(
        diff(&situation),
        "Cargo.toml\n- x = \"=1.2.3\"\n+ x = \"=1.2.5\"\n"
    );
    let plans = situation.plans();
    let backstitch_model::Change::Upgrade(upgrade) = &plans[0].candidates[0].change;
    let backstitch_model::candidate::Step::WriteManifest { text, .. } = &upgrade.recipe[0] else {
        panic!("the manifest is written first");
    };
    assert!(text.contains("x = \"=1.2.5\"\r\ny"));
}

#[test]
fn both_requirements_of_one_manifest_are_raised() {
    let dependencies =
        "x = \"=1.2.3\"\n\n[dev-dependencies]\nx = { version = \"=1.2.3\", features = [] }";
    let situation = Situation::new(REGISTRY, &project_text(dependencies, LOCK));
    assert_eq!(
        diff(&situation),
        "Cargo.toml
- x = \"=1.2.3\"
+ x = \"=1.2.5\"
Cargo.toml
- x = { version = \"=1.2.3\", features = [] }
+ x = { version = \"=1.2.5\", features = [] }
"
    );
}

#[test]
fn an_inherited_requirement_is_raised_once_in_the_workspace() {
    let member = |name: &str, dependency: &str| {
        format!(
            "--- {name}/Cargo.toml\n[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n\n\
             [dependencies]\n{dependency}\n"
        )
    };
    let text = format!(
        "--- Cargo.toml\n[workspace]\nmembers = [\"a\", \"b\", \"c\"]\n\n\
         [workspace.dependencies]\nx = {{ version = \"=1.2.3\" }} # shared\n{}{}{}\
         --- lock\na 0.1.0 local > x\nb 0.1.0 local > x\nc 0.1.0 local > x\nx 1.2.3\n",
        member("a", "x = { workspace = true }"),
        member("b", "x.workspace = true"),
        member("c", "x = \"1.2\""),
    );
    let situation = Situation::new(REGISTRY, &text);
    assert_eq!(
        situation.told_briefly(),
        "x\n  requirement: x `=1.2.3` → `=1.2.5`, write Cargo.toml, relock [x@1.2.3:A]\n"
    );
    assert_eq!(
        diff(&situation),
        "Cargo.toml\n- x = { version = \"=1.2.3\" } # shared\n+ x = { version = \"=1.2.5\" } # shared\n"
    );
}

#[test]
fn a_pin_in_one_of_several_members_is_raised_there_alone() {
    let text = "--- Cargo.toml\n[workspace]\nmembers = [\"a\", \"b\"]\n\
         --- a/Cargo.toml\n[package]\nname = \"a\"\nversion = \"0.1.0\"\n[dependencies]\nx = \"1\"\n\
         --- b/Cargo.toml\n[package]\nname = \"b\"\nversion = \"0.1.0\"\n[dependencies]\nx = \"=1.2.3\"\n\
         --- lock\na 0.1.0 local > x\nb 0.1.0 local > x\nx 1.2.3\n";
    let situation = Situation::new(REGISTRY, text);
    assert_eq!(
        diff(&situation),
        "b/Cargo.toml\n- x = \"=1.2.3\"\n+ x = \"=1.2.5\"\n"
    );
}

#[test]
fn a_project_without_manifests_is_fixed_in_the_lockfile_or_not_at_all() {
    let situation = Situation::new(REGISTRY, &format!("--- lock\n{LOCK}"));
    assert_eq!(
        situation.told_briefly(),
        "x\n  lockfile: x@1.2.3 → 1.2.5 [x@1.2.3:A]\n"
    );
}
