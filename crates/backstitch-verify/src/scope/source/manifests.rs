//! Manifests: a change of dependencies is a patch's own; a change of how the project is built,
//! tested or looked at is not. Pure. What cannot be read is put back.

use std::collections::BTreeSet;

use serde_json::Value;

use super::functions::shortened;
use super::objection::{Objection, Sightings};
use super::pair::Pair;
use super::run_at_build;

/// Whether the patch's manifest stays for the judging.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It stays.
    Yes,
    /// The untouched one is taken again.
    No,
}

/// How deep a manifest is compared.
const DEPTH_MAX: usize = 12;

/// Parts of manifests that are about dependencies or about nothing that runs. `*` is any name.
const HARMLESS: &[&str] = &[
    "dependencies",
    "dev-dependencies",
    "build-dependencies",
    "workspace/dependencies",
    "target/*/dependencies",
    "target/*/dev-dependencies",
    "target/*/build-dependencies",
    "package/version",
    "workspace/package/version",
    "package/description",
    "package/keywords",
    "package/authors",
    "package/rust-version",
    "devDependencies",
    "optionalDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "overrides",
    "resolutions",
    "version",
    "description",
    "keywords",
    "contributors",
    "author",
    "homepage",
    "bugs",
    "files",
    "engines",
    "pnpm/overrides",
    "packageManager",
    "project/dependencies",
    "project/optional-dependencies",
    "project/version",
    "project/description",
    "project/classifiers",
    "project/requires-python",
    "dependency-groups",
    "build-system/requires",
    "tool/poetry/dependencies",
    "tool/poetry/dev-dependencies",
    "tool/poetry/group/*/dependencies",
    "tool/poetry/version",
    "tool/uv/constraint-dependencies",
    "tool/uv/override-dependencies",
    "packages",
    "dev-packages",
    "requires",
    "bundleDependencies",
    "bundledDependencies",
];

/// Parts that have an objection of their own.
const GRAVE: &[(&str, Objection, &str)] = &[
    (
        "scripts/test",
        Objection::Harness,
        "how tests are run differs",
    ),
    (
        "scripts/pretest",
        Objection::Harness,
        "how tests are run differs",
    ),
    (
        "scripts/posttest",
        Objection::Harness,
        "how tests are run differs",
    ),
    (
        "scripts/test:",
        Objection::Harness,
        "how tests are run differs",
    ),
    ("jest", Objection::Harness, "how tests are run differs"),
    ("mocha", Objection::Harness, "how tests are run differs"),
    ("ava", Objection::Harness, "how tests are run differs"),
    ("tap", Objection::Harness, "how tests are run differs"),
    ("vitest", Objection::Harness, "how tests are run differs"),
    (
        "tool/pytest",
        Objection::Harness,
        "how tests are run differs",
    ),
    ("tool/tox", Objection::Harness, "how tests are run differs"),
    ("tool/nox", Objection::Harness, "how tests are run differs"),
    ("test", Objection::Harness, "how tests are found differs"),
    ("lib", Objection::Harness, "how tests are found differs"),
    (
        "tool/ruff",
        Objection::Suppressed,
        "what tools tell is set in another way",
    ),
    (
        "tool/mypy",
        Objection::Suppressed,
        "what tools tell is set in another way",
    ),
    (
        "tool/bandit",
        Objection::Suppressed,
        "what tools tell is set in another way",
    ),
    (
        "tool/pylint",
        Objection::Suppressed,
        "what tools tell is set in another way",
    ),
    (
        "tool/flake8",
        Objection::Suppressed,
        "what tools tell is set in another way",
    ),
    (
        "eslintConfig",
        Objection::Suppressed,
        "what tools tell is set in another way",
    ),
    (
        "lints",
        Objection::Suppressed,
        "what the compiler tells is set in another way",
    ),
    (
        "workspace/lints",
        Objection::Suppressed,
        "what the compiler tells is set in another way",
    ),
    (
        "profile",
        Objection::SafetyOff,
        "how the compiler checks is set in another way",
    ),
    (
        "workspace/members",
        Objection::TargetDropped,
        "what is built differs",
    ),
    (
        "workspace/exclude",
        Objection::TargetDropped,
        "what is built differs",
    ),
    (
        "package/autotests",
        Objection::TargetDropped,
        "what is built differs",
    ),
    (
        "package/autobins",
        Objection::TargetDropped,
        "what is built differs",
    ),
    ("bin", Objection::TargetDropped, "what is built differs"),
];

/// Looks at one manifest.
pub fn look(pair: &Pair<'_>, seen: &mut Sightings) -> Kept {
    let (Some(before), Some(after)) = (&pair.before, &pair.after) else {
        let what = "a manifest comes or goes".to_owned();
        let Some(after) = &pair.after else {
            seen.object(Objection::TargetDropped, pair.whole(), what);
            return Kept::No;
        };
        seen.note(Objection::TargetDropped, pair.whole(), what);
        let nothing = Value::Object(serde_json::Map::new());
        if let Some(after) = read(pair, after.text) {
            let mut differing = BTreeSet::new();
            differences(&nothing, &after, &mut Vec::new(), &mut differing);
            for entry in differing.iter().filter(|entry| run_at_build::is_run(entry)) {
                run(pair, entry, seen);
            }
        }
        return Kept::Yes;
    };
    match pair.path.file_name().rsplit('.').next() {
        Some("cfg") => sections(pair, seen),
        Some("txt" | "in") => lines(pair, seen),
        _ => {
            let texts = (read(pair, before.text), read(pair, after.text));
            let (Some(before), Some(after)) = texts else {
                let what = "the manifest cannot be read, and is not taken over".to_owned();
                seen.note(Objection::TargetDropped, pair.whole(), what);
                return Kept::No;
            };
            let mut differing = BTreeSet::new();
            differences(&before, &after, &mut Vec::new(), &mut differing);
            elsewhere(pair, seen);
            weighed(pair, &differing, seen)
        }
    }
}

fn read(pair: &Pair<'_>, text: &str) -> Option<Value> {
    match pair.path.file_name().rsplit('.').next() {
        Some("json") => serde_json::from_str(text).ok(),
        Some("toml" | "Pipfile") => {
            let table: toml::Table = toml::from_str(text).ok()?;
            serde_json::to_value(table).ok()
        }
        _ => None,
    }
}

/// An entry that runs where somebody builds or installs.
fn run(pair: &Pair<'_>, entry: &str, seen: &mut Sightings) {
    let what = format!("{} differs, which runs by itself", shortened(entry));
    seen.object(Objection::RunAtBuild, pair.whole(), what);
}

/// The paths of what differs, as far in as both sides have tables.
fn differences(before: &Value, after: &Value, at: &mut Vec<String>, found: &mut BTreeSet<String>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Object(before), Value::Object(after)) if at.len() < DEPTH_MAX => {
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for name in names {
                at.push(name.clone());
                let empty = Value::Null;
                let table = Value::Object(serde_json::Map::new());
                let side = |value: Option<&Value>, other: Option<&Value>| match (value, other) {
                    (Some(value), _) => value.clone(),
                    (None, Some(Value::Object(_))) => table.clone(),
                    (None, _) => empty.clone(),
                };
                let (one, two) = (before.get(name), after.get(name));
                differences(&side(one, two), &side(two, one), at, found);
                at.pop();
            }
        }
        _ => {
            found.insert(at.join("/"));
        }
    }
}

fn is_under(path: &str, pattern: &str) -> bool {
    let mut parts = path.split('/');
    pattern.split('/').all(|wanted| {
        parts
            .next()
            .is_some_and(|part| wanted == "*" || part == wanted)
    })
}

fn weighed(pair: &Pair<'_>, differing: &BTreeSet<String>, seen: &mut Sightings) -> Kept {
    let mut kept = Kept::Yes;
    for path in differing {
        if HARMLESS.iter().any(|pattern| is_under(path, pattern)) {
            continue;
        }
        kept = Kept::No;
        let grave = GRAVE.iter().find(|(pattern, _, _)| {
            is_under(path, pattern) || pattern.ends_with(':') && path.starts_with(pattern)
        });
        if run_at_build::is_run(path) {
            run(pair, path, seen);
        } else if let Some((_, objection, says)) = grave {
            let what = format!("{says}, by {}", shortened(path));
            seen.object(*objection, pair.whole(), what);
        } else {
            let what = format!("{} differs, which is not taken over", shortened(path));
            seen.note(Objection::TargetDropped, pair.whole(), what);
        }
    }
    kept
}

/// A dependency that does not come from a registry.
fn elsewhere(pair: &Pair<'_>, seen: &mut Sightings) {
    const FROM: &[&str] = &[
        "git =",
        "git=",
        "path =",
        "path=",
        "git+",
        "git://",
        "github:",
        "file:",
        "http://",
        "registry =",
    ];
    let has = |line: &str| {
        FROM.iter().any(|from| line.contains(from))
            && !line.contains("\"url\"")
            && !line.contains("homepage")
    };
    let went: Vec<&str> = pair.removed().map(|(_, line)| line.trim()).collect();
    for (line, text) in pair.added().filter(|(_, line)| has(line)) {
        // The same place with another commit or version.
        let known = |from: &str| went.iter().any(|old| old.contains(from));
        let address = text
            .split('"')
            .find(|part| part.contains('/'))
            .unwrap_or(text);
        if !known(address) {
            let what = format!(
                "a dependency comes from elsewhere: {}",
                shortened(text.trim())
            );
            seen.object(Objection::Lock, pair.at(line), what);
        }
    }
}

/// `setup.cfg`: by the section that a line is in.
fn sections(pair: &Pair<'_>, seen: &mut Sightings) -> Kept {
    let mut kept = Kept::Yes;
    let lines = pair.after.as_ref().map_or(&[][..], |side| &side.lines);
    let old = pair.before.as_ref().map_or(&[][..], |side| &side.lines);
    let changed = pair.added().map(|(at, text)| (at, text, lines));
    for (at, text, lines) in changed.chain(pair.removed().map(|(at, text)| (at, text, old))) {
        let above = lines.iter().take(at as usize).rev();
        let section = above
            .map(|line| line.trim())
            .find(|line| line.starts_with('['))
            .unwrap_or_default();
        if text.trim().is_empty() {
            continue;
        }
        let objection = match section {
            "[tool:pytest]" | "[pytest]" | "[aliases]" | "[tox:tox]" => Some(Objection::Harness),
            "[flake8]" | "[mypy]" | "[pylint]" | "[bandit]" | "[coverage:run]" => {
                Some(Objection::Suppressed)
            }
            "[metadata]" | "[options.extras_require]" | "[bumpversion]" => continue,
            "[options]" if !text.contains('=') || is_requirement(text) => continue,
            _ => None,
        };
        kept = Kept::No;
        let what = format!("{} differs in {section}", shortened(text.trim()));
        match objection {
            Some(objection) => seen.object(objection, pair.whole(), what),
            None => seen.note(Objection::TargetDropped, pair.whole(), what),
        }
    }
    kept
}

fn is_requirement(line: &str) -> bool {
    [">=", "==", "<", "~=", "!=", "install_requires", "version"]
        .iter()
        .any(|part| line.contains(part))
}

/// A file of requirements: names and versions, and no other place to get them from.
fn lines(pair: &Pair<'_>, seen: &mut Sightings) -> Kept {
    for (line, text) in pair.added() {
        let text = text.trim();
        let option = text.starts_with('-')
            && !text.starts_with("-r")
            && !text.starts_with("-c")
            && !text.starts_with("--hash");
        if option
            || text.contains("://") && !text.starts_with('#')
            || text.starts_with('/')
            || text.starts_with("./")
        {
            let what = format!("a dependency comes from elsewhere: {}", shortened(text));
            seen.object(Objection::Lock, pair.at(line), what);
            return Kept::No;
        }
    }
    Kept::Yes
}
