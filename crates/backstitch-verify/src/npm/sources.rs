//! Tells whether a manifest or a lockfile names a git source, by npm's own rules
//! (<https://github.com/npm/npm-package-arg>, <https://github.com/npm/hosted-git-info>). Npm
//! makes such a package ready by installing inside its clone, where the settings that lie there
//! name programs. What is not known to be something else counts as git. Runs nothing.

use serde_json::{Map, Value};

/// How deep a lockfile's old section and a manifest's overrides may nest.
const DEPTH_MAX: usize = 64;

/// The sections in which somebody says what is required.
const REQUIREMENTS: [&str; 5] = [
    "dependencies",
    "devDependencies",
    "optionalDependencies",
    "peerDependencies",
    "requires",
];

/// What a source begins with that is on this machine, or another name for a release.
const HARMLESS: [&str; 10] = [
    "npm:",
    "file:",
    "link:",
    "portal:",
    "workspace:",
    "catalog:",
    "./",
    "../",
    "/",
    "~/",
];

/// The servers whose addresses npm takes for repositories.
const KNOWN: [&str; 5] = [
    "github.com",
    "gitlab.com",
    "bitbucket.org",
    "git.sr.ht",
    "gist.github.com",
];

/// The first git source that a manifest's text names; the error says that it cannot be read.
pub(super) fn in_manifest(text: &str) -> Result<Option<String>, String> {
    let about = parsed(text)?;
    Ok(about.as_object().and_then(required))
}

/// The folders and archives that a manifest's text names by `file:` or `portal:`.
pub(super) fn local_in_manifest(text: &str) -> Vec<String> {
    let about = parsed(text).unwrap_or_default();
    let sections = REQUIREMENTS
        .iter()
        .filter_map(|name| about[*name].as_object());
    let sources = sections.flat_map(Map::values).filter_map(Value::as_str);
    let local = sources.filter_map(|source| {
        ["file:", "portal:"]
            .iter()
            .find_map(|start| source.strip_prefix(start))
    });
    local.map(str::to_owned).collect()
}

/// The first git source that a lockfile's text names, in either of its sections.
pub(super) fn in_lockfile(text: &str) -> Result<Option<String>, String> {
    let about = parsed(text)?;
    let entries = about["packages"].as_object().into_iter().flatten();
    let found = entries
        .filter_map(|(path, entry)| Some((path, entry.as_object()?)))
        .find_map(|(path, entry)| {
            let name = path.rsplit('/').next().unwrap_or(path);
            named(name).or_else(|| locked(entry))
        });
    Ok(found.or_else(|| nested(&about["dependencies"], 0)))
}

fn parsed(text: &str) -> Result<Value, String> {
    let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str(bare).map_err(|error| error.to_string())
}

/// The old section, in which packages nest.
fn nested(section: &Value, depth: usize) -> Option<String> {
    let entries = section.as_object().into_iter().flatten();
    let mut entries = entries.filter_map(|(name, entry)| Some((name, entry.as_object()?)));
    entries.find_map(|(name, entry)| {
        let name = name.rsplit('/').next().unwrap_or(name);
        let inner = entry.get("dependencies").filter(|_| depth < DEPTH_MAX);
        named(name)
            .or_else(|| locked(entry))
            .or_else(|| nested(inner?, depth + 1))
    })
}

/// Where a locked package comes from, and what it requires. A link's target is a folder.
fn locked(entry: &Map<String, Value>) -> Option<String> {
    let is_link = entry.get("link") == Some(&Value::Bool(true));
    let fields: &[&str] = if is_link {
        &["version"]
    } else {
        &["version", "resolved"]
    };
    let sources = fields.iter().filter_map(|field| entry.get(*field));
    let name = entry.get("name").and_then(Value::as_str);
    sources
        .filter_map(Value::as_str)
        .find(|source| is_git(source))
        .map(str::to_owned)
        .or_else(|| named(name?))
        .or_else(|| required(entry))
}

/// Npm puts a name and a version together before it reads them: a name can bring a source.
fn named(name: &str) -> Option<String> {
    let brings_one = name.contains(':') || name.get(1..).is_some_and(|rest| rest.contains('@'));
    brings_one.then(|| name.to_owned())
}

fn required(entry: &Map<String, Value>) -> Option<String> {
    let sections = REQUIREMENTS.iter().filter_map(|name| entry.get(*name));
    let mut sources = sections.filter_map(Value::as_object).flat_map(Map::values);
    let source = sources.find(|source| source.as_str().is_some_and(is_git));
    source
        .and_then(Value::as_str)
        .map(str::to_owned)
        .or_else(|| overridden(entry.get("overrides")?, 0))
}

/// Overrides nest.
pub(super) fn overridden(overrides: &Value, depth: usize) -> Option<String> {
    if let Some(source) = overrides.as_str() {
        return is_git(source).then(|| source.to_owned());
    }
    let mut inner = overrides
        .as_object()
        .filter(|_| depth < DEPTH_MAX)?
        .values();
    inner.find_map(|inner| overridden(inner, depth + 1))
}

/// Would npm ask git for this source, or a server for what git has there?
pub(super) fn is_git(source: &str) -> bool {
    if !source.contains(['/', ':']) {
        return false;
    }
    let lower = source.to_ascii_lowercase();
    if HARMLESS.iter().any(|start| lower.starts_with(start)) {
        return false;
    }
    let address = lower
        .strip_prefix("https://")
        .or_else(|| lower.strip_prefix("http://"));
    address.is_none_or(is_repository)
}

/// Is an address without its scheme that of a repository, rather than of an archive?
fn is_repository(address: &str) -> bool {
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    if address.contains(is_odd) {
        return true;
    }
    let path_from = address.find(['/', '?', '#']).unwrap_or(address.len());
    let (server, path) = address.split_at(path_from);
    let path = path.split(['?', '#']).next().unwrap_or(path);
    let host = server.rsplit('@').next().unwrap_or(server);
    let host = host.split(':').next().unwrap_or(host);
    let host = host.strip_prefix("www.").unwrap_or(host);
    // What an address's reader would make another name of is nobody's honest server.
    if host.is_empty() || !host.is_ascii() || host.contains('%') {
        return true;
    }
    if KNOWN.contains(&host) && (path.contains("/.") || path.contains("%2e")) {
        return true;
    }
    let third = path.trim_start_matches('/').split('/').nth(2).unwrap_or("");
    match host {
        "github.com" => matches!(third, "" | "tree"),
        "gitlab.com" => !path.contains("/-/") && !path.contains("/archive.tar.gz"),
        "bitbucket.org" => third != "get",
        "git.sr.ht" => third != "archive",
        "gist.github.com" => !path.split('/').any(|part| part == "raw"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_npm_would_ask_git_for_is_git_and_what_it_downloads_is_not() {
        for source in [
            "git+https://example.org/a/b.git",
            "git+ssh://git@github.com/a/b.git#0123",
            "git+file:///tmp/evil",
            "git://example.org/a",
            "GitHub:a/b",
            "gitlab:a/b",
            "bitbucket:a/b",
            "gist:0123",
            "a/b",
            "a/b#semver:^1",
            "git@github.com:a/b",
            "ssh://git@example.org/a/b",
            "https://github.com/a/b",
            "https://user@www.GitHub.com/a/b.git",
            "https://github.com/a/x.tgz",
            "https://github.com/a/b/tree/main",
            "https://git\thub.com/a/b",
            "https://gitlab.com/a/b",
            "https://github.com/x/../a/b",
            "https:///github.com/a/b",
            "https://\u{ff47}ithub.com/a/b",
            " https://github.com/a/b",
        ] {
            assert!(is_git(source), "{source}");
        }
        for source in [
            "^1.2.0 || 2",
            "latest",
            "*",
            "npm:@a/b@^1",
            "file:../a",
            "./a",
            "workspace:*",
            "https://registry.npmjs.org/@a/b/-/b-1.0.0.tgz",
            "https://npm.example:8080/a/-/a-1.0.0.tgz",
            "https://npm.example/@a%2fb/-/b-1.0.0.tgz",
            "https://codeload.github.com/a/b/tar.gz/0123",
            "https://github.com/a/b/archive/v1.tar.gz",
            "https://gitlab.com/a/b/-/archive/v1.tar.gz",
        ] {
            assert!(!is_git(source), "{source}");
        }
    }

    #[test]
    fn a_git_source_is_found_wherever_a_manifest_names_one() {
        for text in [
            r#"{"dependencies": {"x": "a/b"}}"#,
            r#"{"devDependencies": {"x": "github:a/b"}}"#,
            r#"{"overrides": {"y": {"version": "1", "x": "git+file:///evil"}}}"#,
        ] {
            assert!(in_manifest(text).unwrap().is_some(), "{text}");
        }
        let harmless = r#"{"repository": "a/b", "dependencies": {"x": "^1", "l": "file:lib/l"}}"#;
        assert_eq!(in_manifest(harmless).unwrap(), None);
        assert!(in_manifest("{").is_err());
    }

    #[test]
    fn a_git_source_is_found_wherever_a_lockfile_names_one() {
        for text in [
            r#"{"packages": {"node_modules/x": {"resolved": "git+ssh://git@github.com/a/b.git#0"}}}"#,
            r#"{"packages": {"node_modules/x": {"version": "github:a/b#0"}}}"#,
            r#"{"packages": {"": {"dependencies": {"x": "a/b"}}}}"#,
            r#"{"packages": {"node_modules/x": {"name": "x@gist:0#1", "version": "1.0.0"}}}"#,
            r#"{"packages": {"node_modules/x@gist:0#1": {"version": "1.0.0"}}}"#,
            r#"{"dependencies": {"x": {"version": "1.0.0",
                "dependencies": {"y": {"version": "git+https://example.org/y.git#0"}}}}}"#,
        ] {
            assert!(in_lockfile(text).unwrap().is_some(), "{text}");
        }
        let harmless = r#"{"requires": true, "packages": {
            "": {"dependencies": {"@a/b": "^1"}},
            "node_modules/@a/b": {"version": "1.0.0", "resolved": "https://npm.example/b.tgz"},
            "node_modules/l": {"resolved": "lib/l", "link": true}},
            "dependencies": {"@a/b": {"version": "1.0.0", "requires": {"c": "2"},
                "dependencies": {"c": {"version": "2.0.0"}}}}}"#;
        assert_eq!(in_lockfile(harmless).unwrap(), None);
    }
}
