//! Owns what a project may name for its tool to be started: releases of the one index, and folders
//! of the tree. What names more, an address, a repository or an index of its own, is fetched by
//! nobody. Of a project's settings for its tool only those are let through that name no server and
//! no program. Pure.
//!
//! Formats: <https://docs.astral.sh/uv/reference/settings/>,
//! <https://python-poetry.org/docs/pyproject/>, <https://pipenv.pypa.io/en/latest/pipfile.html>.

use serde_json::Value as Json;
use toml::{Table, Value};

use super::tool::Kind;
use crate::python::requirement;

/// The index that lockfiles name where nothing else is said.
pub(super) const INDEX: &str = "https://pypi.org/simple";

/// Settings of uv's that choose releases, or say what the project is, and nothing else.
const OF_UV: &[&str] = &[
    "build-constraint-dependencies",
    "cache-keys",
    "compile-bytecode",
    "conflicts",
    "constraint-dependencies",
    "default-groups",
    "dependency-groups",
    "dependency-metadata",
    "dev-dependencies",
    "environments",
    "exclude-dependencies",
    "exclude-newer",
    "exclude-newer-package",
    "fork-strategy",
    "link-mode",
    "managed",
    "override-dependencies",
    "package",
    "prerelease",
    "required-environments",
    "required-version",
    "resolution",
    "sources",
    "workspace",
];

/// Those of them that are lists of requirements.
const LISTS_OF_UV: &[&str] = &[
    "constraint-dependencies",
    "dev-dependencies",
    "override-dependencies",
];

/// What a source may say for it to be a folder of the tree.
const OF_FOLDERS: &[&str] = &[
    "workspace",
    "path",
    "editable",
    "package",
    "marker",
    "extra",
    "group",
];

/// What makes a dependency of Poetry's or Pipenv's one that comes from elsewhere.
const ELSEWHERE: &[&str] = &[
    "git", "hg", "svn", "bzr", "url", "file", "source", "ref", "index",
];

/// What a manifest names that nobody fetches; nothing where there is none. The error says why the
/// manifest cannot be read.
pub(super) fn in_manifest(kind: Kind, text: &str, index: &str) -> Result<Option<String>, String> {
    let manifest: Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    let found = match kind {
        Kind::Uv => standard(&manifest).or_else(|| of_uv(&manifest)),
        Kind::Poetry => standard(&manifest).or_else(|| of_poetry(&manifest)),
        Kind::Pipenv => of_pipenv(&manifest, index),
    };
    Ok(found)
}

/// Would uv have to build a project to learn its version or what it requires? Whatever it is told,
/// it does that for a project of the workspace.
pub(super) fn is_built_to_be_known(text: &str) -> bool {
    const ASKED: &[&str] = &[
        "dependencies",
        "optional-dependencies",
        "requires-python",
        "version",
    ];
    let Ok(manifest) = toml::from_str::<Table>(text) else {
        return true;
    };
    let Some(project) = manifest.get("project").and_then(Value::as_table) else {
        let others = ["poetry", "flit", "setuptools"];
        let tool = manifest.get("tool").and_then(Value::as_table);
        let is_of_others =
            tool.is_some_and(|tool| others.iter().any(|one| tool.contains_key(*one)));
        return manifest.contains_key("build-system") || is_of_others;
    };
    let dynamic = project.get("dynamic").and_then(Value::as_array);
    let mut dynamic = dynamic.into_iter().flatten().filter_map(Value::as_str);
    let says = |key: &str| project.get(key).is_some_and(Value::is_str);
    !says("name") || !says("version") || dynamic.any(|key| ASKED.contains(&key))
}

/// The same of a lockfile.
pub(super) fn in_lock(kind: Kind, text: &str, index: &str) -> Result<Option<String>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    if kind == Kind::Pipenv {
        let lock = serde_json::from_str(text).map_err(|error| error.to_string())?;
        return Ok(in_pipenv_lock(&lock, index));
    }
    let lock: Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    let packages = lock.get("package").and_then(Value::as_array);
    let mut sources = packages
        .into_iter()
        .flatten()
        .filter_map(|package| package.get("source")?.as_table());
    let found = sources.find(|source| match kind {
        Kind::Uv => {
            let registry = source.get("registry").and_then(Value::as_str);
            let is_folder = ["virtual", "editable", "directory"]
                .iter()
                .any(|kind| source.contains_key(*kind));
            !is_folder && registry.is_none_or(|registry| !is_same(registry, index))
        }
        Kind::Poetry | Kind::Pipenv => {
            source.get("type").and_then(Value::as_str) != Some("directory")
        }
    });
    Ok(found.map(words))
}

fn standard(manifest: &Table) -> Option<String> {
    let project = manifest.get("project").and_then(Value::as_table);
    let own = project.and_then(|project| project.get("dependencies"));
    let extras = project
        .and_then(|project| project.get("optional-dependencies"))
        .and_then(Value::as_table);
    let groups = manifest.get("dependency-groups").and_then(Value::as_table);
    let lists = [extras, groups].into_iter().flatten();
    let lists = lists.flat_map(|lists| lists.iter().map(|(_, list)| list));
    own.into_iter().chain(lists).find_map(odd)
}

/// The first requirement of a list that is no release of an index.
fn odd(list: &Value) -> Option<String> {
    let texts = list.as_array().into_iter().flatten();
    let mut texts = texts.filter_map(Value::as_str);
    let found = texts.find(|text| !requirement::is_plain(text.trim()))?;
    Some(found.to_owned())
}

fn of_uv(manifest: &Table) -> Option<String> {
    let uv = manifest.get("tool")?.get("uv")?.as_table()?;
    if let Some(key) = uv.keys().find(|key| !OF_UV.contains(&key.as_str())) {
        return Some(format!("[tool.uv] {key}"));
    }
    if let Some(found) = LISTS_OF_UV.iter().find_map(|key| odd(uv.get(*key)?)) {
        return Some(found);
    }
    let sources = uv.get("sources").and_then(Value::as_table);
    let sources = sources.into_iter().flatten();
    let mut all = sources.flat_map(|(_, source)| match source {
        Value::Array(several) => several.as_slice(),
        one => std::slice::from_ref(one),
    });
    let is_folder = |source: &Value| {
        source
            .as_table()
            .is_some_and(|source| source.keys().all(|key| OF_FOLDERS.contains(&key.as_str())))
    };
    all.find(|source| !is_folder(source))
        .map(ToString::to_string)
}

fn of_poetry(manifest: &Table) -> Option<String> {
    let poetry = manifest.get("tool")?.get("poetry")?.as_table()?;
    let sources = poetry.get("source").and_then(Value::as_array);
    let mut sources = sources.into_iter().flatten().filter_map(Value::as_table);
    if let Some(source) = sources.find(|source| source.contains_key("url")) {
        return Some(words(source));
    }
    let table = |from: &Table, key: &str| from.get(key).and_then(Value::as_table).cloned();
    let groups = table(poetry, "group").unwrap_or_default();
    let groups = groups
        .iter()
        .filter_map(|(_, group)| table(group.as_table()?, "dependencies"));
    [
        table(poetry, "dependencies"),
        table(poetry, "dev-dependencies"),
    ]
    .into_iter()
    .flatten()
    .chain(groups)
    .find_map(|wanted| elsewhere(&wanted))
}

fn of_pipenv(manifest: &Table, index: &str) -> Option<String> {
    let sources = manifest.get("source").and_then(Value::as_array);
    let mut sources = sources.into_iter().flatten().filter_map(Value::as_table);
    let is_other = |source: &&Table| {
        let url = source.get("url").and_then(Value::as_str);
        url.is_none_or(|url| !is_same(url, index))
    };
    if let Some(source) = sources.find(is_other) {
        return Some(words(source));
    }
    // Every other table is a group of packages, but for those that say how pipenv behaves.
    let groups = manifest
        .iter()
        .filter(|(name, _)| !["source", "requires", "scripts", "pipenv"].contains(&name.as_str()));
    groups
        .filter_map(|(_, group)| group.as_table())
        .find_map(elsewhere)
}

/// The first dependency of a table that comes from elsewhere.
fn elsewhere(wanted: &Table) -> Option<String> {
    let mut all = wanted.iter().flat_map(|(name, value)| {
        let values = match value {
            Value::Array(several) => several.as_slice(),
            one => std::slice::from_ref(one),
        };
        values.iter().map(move |value| (name, value))
    });
    let is_elsewhere = |value: &Value| {
        let named = |key: &str| {
            // Pipenv says of every package that it is of the first index.
            let value = value.as_table().and_then(|table| table.get(key));
            value.is_some_and(|value| value.as_str() != Some("pypi"))
        };
        ELSEWHERE.iter().any(|key| named(key))
    };
    let (name, value) = all.find(|(_, value)| is_elsewhere(value))?;
    Some(format!("{name} = {value}"))
}

fn in_pipenv_lock(lock: &Json, index: &str) -> Option<String> {
    let sources = lock["_meta"]["sources"].as_array();
    let mut sources = sources.into_iter().flatten();
    if let Some(other) = sources.find(|source| {
        let url = source["url"].as_str();
        url.is_none_or(|url| !is_same(url, index))
    }) {
        return Some(other.to_string());
    }
    let groups = lock.as_object().into_iter().flatten();
    groups
        .filter(|(name, _)| *name != "_meta")
        .filter_map(|(_, group)| group.as_object())
        .flatten()
        .find(|(_, entry)| entry.get("version").is_none())
        .map(|(name, entry)| format!("{name}: {entry}"))
}

fn is_same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

fn words(source: &Table) -> String {
    let words: Vec<_> = source
        .iter()
        .map(|(key, value)| format!("{key} = {value}"))
        .collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Is something odd found in each text, or nothing, as is said beside it?
    fn agrees(kind: Kind, cases: &[(&str, Option<&str>)]) {
        for (text, odd) in cases {
            let found = in_manifest(kind, text, INDEX).unwrap();
            let is_expected = match (&found, odd) {
                (Some(found), Some(odd)) => found.contains(odd),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
            assert!(is_expected, "{text}: {found:?}");
        }
    }

    #[test]
    fn uv_is_given_only_releases_of_the_index_and_folders() {
        let settled = "[tool.uv]\nexclude-newer = '2024-01-01'\n[tool.uv.sources]\na = { workspace = true }\n";
        let cases = [
            (
                "[project]\ndependencies = ['a>=1', 'b[x] ; os_name == \"nt\"']\n",
                None,
            ),
            (
                "[project]\ndependencies = ['a @ git+https://example.org/a']\n",
                Some("git+"),
            ),
            (
                "[project.optional-dependencies]\nx = ['a @ file:///etc/a.whl']\n",
                Some("file:"),
            ),
            (
                "[dependency-groups]\nx = [{include-group = 'y'}, '--index x']\n",
                Some("--index"),
            ),
            (settled, None),
            (
                "[tool.uv.sources]\na = [{ path = 'a' }, { git = 'https://example.org' }]\n",
                Some("git"),
            ),
            (
                "[[tool.uv.index]]\nurl = 'https://example.org'\n",
                Some("[tool.uv] index"),
            ),
            (
                "[tool.uv]\nkeyring-provider = 'subprocess'\n",
                Some("keyring"),
            ),
        ];
        agrees(Kind::Uv, &cases);
    }

    #[test]
    fn so_are_poetry_and_pipenv() {
        let plain = "[tool.poetry.dependencies]\npython = '^3'\na = { version = '1', extras = ['x'] }\nb = { path = 'b' }\n";
        let two = "[tool.poetry.dependencies]\na = [{ version = '1' }, { url = 'https://example.org' }]\n";
        let cases = [
            (plain, None),
            (
                "[tool.poetry.group.dev.dependencies]\na = { git = 'https://example.org' }\n",
                Some("git"),
            ),
            (two, Some("url")),
            (
                "[[tool.poetry.source]]\nname = 'PyPI'\npriority = 'primary'\n",
                None,
            ),
            (
                "[[tool.poetry.source]]\nname = 'x'\nurl = 'https://example.org'\n",
                Some("example.org"),
            ),
        ];
        agrees(Kind::Poetry, &cases);
        let own = "[[source]]\nurl = 'https://pypi.org/simple'\n[packages]\na = { version = '*', index = 'pypi' }\n";
        let cases = [
            (own, None),
            (
                "[[source]]\nurl = 'https://example.org/${KEY}'\n",
                Some("example.org"),
            ),
            (
                "[dev-packages]\na = { git = 'https://example.org' }\n",
                Some("git"),
            ),
            ("[own-group]\na = { file = '/a.whl' }\n", Some("file")),
        ];
        agrees(Kind::Pipenv, &cases);
    }

    #[test]
    fn what_only_a_build_could_tell_is_known_beforehand() {
        for (text, is_built) in [
            (
                "[project]\nname = 'a'\nversion = '1'\ndynamic = ['readme']\n[build-system]\nrequires = ['x']\n",
                false,
            ),
            ("[tool.uv.workspace]\nmembers = ['a']\n", false),
            ("[project]\nname = 'a'\ndynamic = ['version']\n", true),
            (
                "[project]\nname = 'a'\nversion = '1'\ndynamic = ['dependencies']\n",
                true,
            ),
            ("[project]\nname = 'a'\n", true),
            ("[build-system]\nrequires = ['evil']\n", true),
            ("[tool.poetry]\nname = 'a'\n", true),
            ("[", true),
        ] {
            assert_eq!(is_built_to_be_known(text), is_built, "{text}");
        }
    }

    #[test]
    fn a_lockfile_names_the_index_alone() {
        let uv = |source: &str| format!("[[package]]\nname = 'a'\nsource = {{ {source} }}\n");
        let poetry =
            |kind: &str| format!("[[package]]\nname = 'a'\n[package.source]\ntype = '{kind}'\n");
        for (kind, text, is_odd) in [
            (Kind::Uv, uv("registry = 'https://pypi.org/simple'"), false),
            (Kind::Uv, uv("virtual = '.'"), false),
            (Kind::Uv, uv("registry = 'https://example.org/simple'"), true),
            (Kind::Uv, uv("git = 'https://example.org'"), true),
            (Kind::Uv, uv("url = 'https://example.org'"), true),
            (Kind::Poetry, poetry("directory"), false),
            (Kind::Poetry, "[[package]]\nname = 'a'\n".to_owned(), false),
            (Kind::Poetry, poetry("legacy"), true),
            (Kind::Poetry, poetry("git"), true),
            (Kind::Pipenv, r#"{"_meta": {"sources": [{"url": "https://pypi.org/simple"}]}, "default": {"a": {"version": "==1"}}}"#.to_owned(), false),
            (Kind::Pipenv, r#"{"_meta": {"sources": [{"url": "https://example.org"}]}}"#.to_owned(), true),
            (Kind::Pipenv, r#"{"_meta": {}, "develop": {"a": {"git": "https://example.org"}}}"#.to_owned(), true),
        ] {
            let found = in_lock(kind, &text, INDEX).unwrap();
            assert_eq!(found.is_some(), is_odd, "{text}: {found:?}");
        }
    }
}
