//! What is left to the tools that wrote a lockfile.

use super::*;

#[test]
fn what_is_not_locked_yet_only_the_lockfile_s_own_tool_brings() {
    let packages = "app 0 > a\na 1.0\nc 1.0";
    let text = "version = 1\n\n[[package]]\nname = \"a\"\nversion = \"1.0\"\n";
    let project = project(LockFormat::Uv, "uv.lock", text, packages);
    let asked = |plan: &Plan| -> Vec<String> {
        let recipe = upgrade(plan).recipe.iter();
        let asked = recipe.filter_map(|step| match step {
            Step::UpdatePackage { package, to } => Some(format!("{package} {to:?}")),
            _ => None,
        });
        asked.collect()
    };
    let plan_of = |index| plan(&project, index);
    let lacking = plan_of("a 1.0 vuln=X\na 1.5 | new >=1");
    assert_eq!(asked(&lacking), ["a@1.0 Some(\"1.5\")"]);
    assert!(upgrade(&lacking).is_for_its_tool_alone());
    assert_eq!(lacking.obstacle, None);
    // What fits without anything new goes first.
    let fitting = plan_of("a 1.0 vuln=X\na 1.5 | new >=1\na 1.6");
    assert_eq!(moves(&fitting), ["a 1.0 → 1.6"]);
    assert_eq!(asked(&fitting), ["a@1.0 Some(\"1.6\")"]);
    assert_eq!(fitting.candidates.len(), 1);
}

#[test]
fn a_lockfile_that_is_not_as_its_tool_writes_it_is_left_to_the_tool() {
    for (format, name, text) in [
        (LockFormat::Poetry, "poetry.lock", "[[package]]\nname='a'\n"),
        (
            LockFormat::Uv,
            "uv.lock",
            "[[package]]\nversion = \"1.0\"\n",
        ),
        (
            LockFormat::Pipenv,
            "Pipfile.lock",
            "{\"default\": {\"a\": [[[[",
        ),
        (
            LockFormat::Pipenv,
            "Pipfile.lock",
            "{\"default\": {\"a\": {\"version\": \"==",
        ),
    ] {
        let project = project(format, name, text, "app 0 > a\na 1.0");
        let plan = plan(&project, "a 1.0 vuln=X\na 1.5");
        assert!(upgrade(&plan).is_for_its_tool_alone(), "{text}");
    }
}
