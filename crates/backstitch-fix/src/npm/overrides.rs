//! Owns what the root's manifest says over the heads of those who ask: `overrides` of npm
//! (<https://docs.npmjs.com/cli/configuring-npm/package-json#overrides>), `resolutions` of
//! yarn, `pnpm.overrides` of pnpm. Reads them, and says where a new one goes.

use backstitch_model::project::Manifest;
use backstitch_model::{LockFormat, Project, RelPath};
use nodejs_semver::Version as NodeVersion;
use serde_json::Value;

use super::range::Spec;

/// How many overrides are looked at.
const OVERRIDES_MAX: usize = 10_000;

/// How deep they may nest.
const DEPTH_MAX: usize = 8;

/// The overrides of one project.
pub(super) struct Overrides {
    format: LockFormat,
    /// The root's manifest, where it is beside the lockfile.
    pub(super) manifest: Option<usize>,
    list: Vec<Override>,
}

/// One override.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Override {
    /// The names that lead to it in the manifest.
    pub(super) path: Vec<String>,
    /// Below which package it is in force; everywhere if `None`.
    below: Option<String>,
    package: String,
    /// What is asked for instead.
    pub(super) text: String,
}

impl Overrides {
    pub(super) fn of(project: &Project) -> Self {
        let format = project.format;
        let beside = RelPath::below(project.lockfile.parent().as_ref(), "package.json").ok();
        let manifests = &project.manifests;
        let manifest = manifests
            .iter()
            .position(|manifest| Some(&manifest.path) == beside.as_ref());
        let mut overrides = Self {
            format,
            manifest,
            list: Vec::new(),
        };
        if let Some(manifest) = manifest.map(|index| &manifests[index]) {
            overrides.read(manifest);
        }
        overrides
    }

    fn read(&mut self, manifest: &Manifest) {
        let text = manifest.text.trim_start_matches('\u{feff}');
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            return;
        };
        let path = section(self.format);
        let mut place = Some(&value);
        for name in path {
            place = place.and_then(|place| place.get(name));
        }
        let path: Vec<String> = path.iter().map(|name| (*name).to_owned()).collect();
        if let Some(place) = place {
            self.take(place, &path, None, manifest);
        }
    }

    fn take(&mut self, place: &Value, path: &[String], below: Option<&str>, manifest: &Manifest) {
        let entries = place.as_object().into_iter().flatten();
        for (key, value) in entries {
            if self.list.len() >= OVERRIDES_MAX || path.len() > DEPTH_MAX {
                return;
            }
            let path = [path, std::slice::from_ref(key)].concat();
            let (parent, package) = selected(key, below);
            match value {
                Value::String(text) => self.list.push(Override {
                    path,
                    below: parent,
                    package,
                    text: looked_up(text, manifest),
                }),
                Value::Object(_) => self.take(value, &path, Some(&package), manifest),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {}
            }
        }
    }

    /// The override that gave `parent` this version of `package`, the nearest first. One that
    /// does not admit what is locked is not in force there.
    pub(super) fn in_force(
        &self,
        parent: &str,
        package: &str,
        locked: &NodeVersion,
    ) -> Option<&Override> {
        let fits = |below: Option<&str>| {
            self.list.iter().find(|one| {
                one.package == package
                    && one.below.as_deref() == below
                    && Spec::parse(&one.text).admits(locked)
            })
        };
        fits(Some(parent)).or_else(|| fits(None))
    }

    /// Where an override of what `parent` asks of `package` goes; `None` where something
    /// else stands there, or no manifest is at hand.
    pub(super) fn place(&self, parent: &str, package: &str) -> Option<Vec<String>> {
        self.manifest?;
        let mut path: Vec<String> = section(self.format)
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        match self.format {
            LockFormat::Yarn => path.push(format!("{parent}/{package}")),
            LockFormat::Pnpm => path.push(format!("{parent}>{package}")),
            LockFormat::Npm
            | LockFormat::Cargo
            | LockFormat::Requirements
            | LockFormat::Poetry
            | LockFormat::Uv
            | LockFormat::Pipenv
            | LockFormat::GoMod
            | LockFormat::Gemfile
            | LockFormat::Composer
            | LockFormat::Maven => path.extend([parent.to_owned(), package.to_owned()]),
        }
        let is_taken = self
            .list
            .iter()
            .any(|one| one.path == path || path.starts_with(&one.path));
        (!is_taken).then_some(path)
    }
}

fn section(format: LockFormat) -> &'static [&'static str] {
    match format {
        LockFormat::Yarn => &["resolutions"],
        LockFormat::Pnpm => &["pnpm", "overrides"],
        LockFormat::Npm
        | LockFormat::Cargo
        | LockFormat::Requirements
        | LockFormat::Poetry
        | LockFormat::Uv
        | LockFormat::Pipenv
        | LockFormat::GoMod
        | LockFormat::Gemfile
        | LockFormat::Composer
        | LockFormat::Maven => &["overrides"],
    }
}

/// The package that a key is about and the one below which it counts: `name`, `name@range`,
/// `.` for the one around it, `parent>name` of pnpm, `**/name` and `parent/name` of yarn.
fn selected(key: &str, below: Option<&str>) -> (Option<String>, String) {
    if key == "." {
        return (None, below.unwrap_or_default().to_owned());
    }
    if let Some((parent, package)) = key.rsplit_once('>') {
        return (Some(bare(parent).to_owned()), bare(package).to_owned());
    }
    let is_scope = |part: &str| part.starts_with('@') && !part.contains('/');
    match key.rsplit_once('/') {
        Some((parent, _)) if is_scope(parent) => {}
        Some((parent, package)) => {
            // The name of a scoped package has a slash of its own.
            let (parent, package) = match parent.rsplit_once('/') {
                Some((outer, scope)) if scope.starts_with('@') => (outer, &key[outer.len() + 1..]),
                Some(_) | None => (parent, package),
            };
            let parent = (!parent.contains('*')).then(|| bare(parent).to_owned());
            return (parent, bare(package).to_owned());
        }
        None => {}
    }
    (below.map(str::to_owned), bare(key).to_owned())
}

/// A name without the range behind it.
fn bare(key: &str) -> &str {
    let skip = usize::from(key.starts_with('@'));
    let at = key.get(skip..).and_then(|rest| rest.find('@'));
    at.map_or(key, |at| &key[..at + skip])
}

/// `$name` stands for what the manifest itself asks of that package.
fn looked_up(text: &str, manifest: &Manifest) -> String {
    let Some(name) = text.strip_prefix('$') else {
        return text.to_owned();
    };
    let mut requirements = manifest.requirements.iter();
    let found = requirements.find(|requirement| requirement.key == name);
    found.map_or(text, |found| &found.version).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_which_package_and_below_which() {
        for (key, parent, package) in [
            ("a", None, "a"),
            ("@s/a", None, "@s/a"),
            ("a@^1", None, "a"),
            ("@s/a@1", None, "@s/a"),
            ("p>a", Some("p"), "a"),
            ("p@1>@s/a", Some("p"), "@s/a"),
            ("**/a", None, "a"),
            ("p/a", Some("p"), "a"),
            ("p/@s/a", Some("p"), "@s/a"),
            ("@s/p/a", Some("@s/p"), "a"),
        ] {
            let expected = (parent.map(str::to_owned), package.to_owned());
            assert_eq!(selected(key, None), expected, "{key}");
        }
        assert_eq!(selected(".", Some("p")), (None, "p".to_owned()));
        assert_eq!(selected("a", Some("p")), (Some("p".into()), "a".into()));
    }
}
