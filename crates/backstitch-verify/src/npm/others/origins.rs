//! Tells whether a manifest or a lockfile names anything besides releases, archives and folders:
//! a repository, a generator, a patch, a runtime. Pnpm and yarn would start git for it, or
//! run or apply what nobody checked. What is not known to be harmless is named. Runs nothing.

use serde_json::Value;

use crate::npm::sources;

/// What stands in a manifest for more than npm knows.
const OVERRIDES: [&[&str]; 2] = [&["resolutions"], &["pnpm", "overrides"]];

/// Settings in a manifest that bring programs or change packages.
const REFUSED: [&[&str]; 3] = [
    &["pnpm", "configDependencies"],
    &["pnpm", "executionEnv"],
    &["pnpm", "patchedDependencies"],
];

/// The protocols of yarn 2 and later that name releases and folders.
const OF_BERRY: [&str; 5] = ["npm:", "workspace:", "file:", "link:", "portal:"];

/// What a manifest's text names; the error says that it cannot be read.
pub(super) fn in_manifest(text: &str) -> Result<Option<String>, String> {
    if let Some(source) = sources::in_manifest(text)? {
        return Ok(Some(source));
    }
    let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
    let about: Value = serde_json::from_str(bare).map_err(|error| error.to_string())?;
    let at = |path: &[&str]| {
        let mut place = Some(&about);
        for name in path {
            place = place.and_then(|place| place.get(name));
        }
        place
    };
    let set = REFUSED.iter().find(|path| at(path).is_some());
    if let Some(path) = set {
        return Ok(Some(path.join(".")));
    }
    let runtime = at(&["devEngines", "runtime"]).or(at(&["engines", "runtime"]));
    if runtime.is_some() {
        return Ok(Some("a runtime of its own".to_owned()));
    }
    let mut overrides = OVERRIDES.iter().filter_map(|path| at(path));
    Ok(overrides.find_map(in_overrides))
}

/// What overrides or a catalogue name.
pub(super) fn in_overrides(overrides: &Value) -> Option<String> {
    sources::overridden(overrides, 0)
}

/// What a lockfile of pnpm's names.
pub(super) fn in_pnpm_lock(lock: &Value) -> Option<String> {
    if let Some(patched) = lock.get("patchedDependencies") {
        let first = patched.as_object().and_then(|all| all.keys().next());
        return Some(format!("a patch of {}", first.map_or("", String::as_str)));
    }
    let packages = lock["packages"].as_object().into_iter().flatten();
    packages
        .filter(|(_, about)| !is_harmless(&about["resolution"]))
        .map(|(key, _)| key.clone())
        .next()
}

/// An archive with its checksum, or a folder.
fn is_harmless(resolution: &Value) -> bool {
    let Some(fields) = resolution.as_object() else {
        return false;
    };
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    if text("type") == Some("directory") {
        return text("directory").is_some() && fields.len() == 2;
    }
    let is_known = |name: &String| matches!(name.as_str(), "integrity" | "tarball");
    fields.keys().all(is_known)
        && text("integrity").is_some()
        && text("tarball").is_none_or(|address| !sources::is_git(address))
}

/// What an entry of yarn 1's lockfile names.
pub(super) fn in_classic_entry(keys: &[String], resolved: Option<&str>) -> Option<String> {
    let ranges = keys.iter().map(|key| range_of(key));
    let mut all = ranges.chain(resolved);
    all.find(|source| sources::is_git(source))
        .map(str::to_owned)
}

/// What a resolution in a lockfile of yarn 2 and later names.
pub(super) fn in_berry_resolution(resolution: &str) -> Option<String> {
    let range = range_of(resolution);
    let is_known = OF_BERRY.iter().any(|start| range.starts_with(start));
    let is_own_patch = range.starts_with("patch:")
        && range
            .rsplit_once('#')
            .is_some_and(|(_, patch)| is_built_in(patch));
    let is_archive = range.starts_with("https://") && !sources::is_git(range);
    (!is_known && !is_own_patch && !is_archive).then(|| resolution.to_owned())
}

/// `optional!builtin<compat/typescript>`, perhaps with parameters: a patch that yarn brings.
fn is_built_in(patch: &str) -> bool {
    let patch = patch.split("::").next().unwrap_or(patch);
    patch.split('&').all(|one| {
        let one = one.trim_start_matches("optional!").trim_start_matches('~');
        one.starts_with("builtin<") && one.ends_with('>')
    })
}

/// What stands behind a name: `^1` of `@a/b@^1`.
pub(super) fn range_of(descriptor: &str) -> &str {
    let skip = usize::from(descriptor.starts_with('@'));
    let at = descriptor.get(skip..).and_then(|rest| rest.find('@'));
    at.map_or("", |at| &descriptor[at + skip + 1..])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_manifest_may_name_releases_archives_and_folders_only() {
        for text in [
            r#"{"dependencies": {"x": "a/b"}}"#,
            r#"{"dependencies": {"x": "exec:./make.js"}}"#,
            r#"{"dependencies": {"x": "patch:x@1#./x.patch"}}"#,
            r#"{"resolutions": {"x": "git+file:///evil"}}"#,
            r#"{"pnpm": {"overrides": {"x": "github:a/b"}}}"#,
            r#"{"pnpm": {"configDependencies": {"x": "1.0.0"}}}"#,
            r#"{"devEngines": {"runtime": {"name": "node", "onFail": "download"}}}"#,
        ] {
            assert!(in_manifest(text).unwrap().is_some(), "{text}");
        }
        let text = r#"{"dependencies": {"x": "^1", "w": "workspace:*", "l": "file:lib/l",
            "c": "catalog:"}, "resolutions": {"y": "1"}, "pnpm": {"overrides": {"p>y": "2"}}}"#;
        assert_eq!(in_manifest(text), Ok(None));
    }

    #[test]
    fn a_lockfile_may_name_archives_and_folders_only() {
        let pnpm = |resolution: Value| {
            in_pnpm_lock(&json!({"packages": {"x@1": {"resolution": resolution}}}))
        };
        for harmless in [
            json!({"integrity": "sha512-x"}),
            json!({"integrity": "sha512-x", "tarball": "https://npm.example/x.tgz"}),
            json!({"integrity": "sha512-x", "tarball": "file:x.tgz"}),
            json!({"type": "directory", "directory": "lib/x"}),
        ] {
            assert_eq!(pnpm(harmless), None);
        }
        for other in [
            json!({"type": "git", "repo": "https://x.example/x", "commit": "0"}),
            json!({"tarball": "https://codeload.github.com/a/b/tar.gz/0"}),
            json!({"integrity": "sha512-x", "gitHosted": "true"}),
            json!({"type": "variations", "variants": []}),
            json!("x"),
        ] {
            assert_eq!(pnpm(other), Some("x@1".to_owned()));
        }
        assert!(in_pnpm_lock(&json!({"patchedDependencies": {"x": "h"}})).is_some());
        for harmless in [
            "@a/b@npm:1.0.0",
            "x@workspace:.",
            "x@https://npm.example/x.tgz",
            "x@patch:x@npm%3A5.0.0#optional!builtin<compat/typescript>::version=5.0.0&hash=a1",
            "x@patch:x@npm%3A5.0.0#~builtin<compat/fsevents>",
        ] {
            assert_eq!(in_berry_resolution(harmless), None, "{harmless}");
        }
        for other in [
            "x@exec:./x.js",
            "x@https://github.com/a/b.git#commit=0",
            "x@patch:x@npm%3A1#./.yarn/patches/x.patch",
            "x@patch:x@npm%3A1#builtin<x>&./x.patch",
            "x",
        ] {
            assert!(in_berry_resolution(other).is_some(), "{other}");
        }
        let keys = ["x@^1".to_owned()];
        assert_eq!(
            in_classic_entry(&keys, Some("https://npm.example/x.tgz#0")),
            None
        );
        assert!(in_classic_entry(&keys, Some("git+ssh://git@x.example/x#0")).is_some());
        assert!(in_classic_entry(&["x@a/b".to_owned()], None).is_some());
    }
}
