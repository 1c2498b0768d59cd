//! Owns edits of a `package-lock.json`: one release put in another's place, and of what npm
//! wrote only what differs. Runs nothing.

use std::collections::{BTreeMap, BTreeSet};

use backstitch_model::RelPath;
use backstitch_model::package::PackageVersion;
use serde_json::Value;

use super::facts::Facts;
use super::json::{Object, write_value};

const MODULES: &str = "node_modules/";

/// How deep the old section nests.
const DEPTH_MAX: usize = 64;

/// The fields that say how a package came to be installed.
const FLAGS: [&str; 4] = ["dev", "devOptional", "optional", "peer"];

/// A lockfile that keeps the text of what is not edited.
#[derive(Debug, Clone)]
pub(super) struct Lock {
    members: Object,
    /// The folders of later versions.
    packages: Object,
    indent: String,
    /// What stands behind the last brace.
    end: String,
    has_mark: bool,
}

impl Lock {
    /// Reads a lockfile's text; the error is a sentence's end.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
        let members = Object::parse(bare)?;
        let indented = bare.lines().nth(1).unwrap_or("");
        let blanks = indented.len() - indented.trim_start().len();
        Ok(Self {
            packages: members.object("packages"),
            members,
            indent: indented[..blanks].to_owned(),
            end: bare[bare.trim_end().len()..].to_owned(),
            has_mark: bare.len() < text.len(),
        })
    }

    pub(super) fn text(&self) -> String {
        let mut members = self.members.clone();
        if members.get("packages").is_some() {
            members.set("packages", self.packages.write(1, &self.indent));
        }
        let mark = if self.has_mark { "\u{feff}" } else { "" };
        format!("{mark}{}{}", members.write(0, &self.indent), self.end)
    }

    /// The version of its format, where it says.
    pub(super) fn version(&self) -> Option<u64> {
        serde_json::from_str(self.members.get("lockfileVersion")?).ok()
    }

    /// The folders of every copy of `package` below the lockfile's, those inside other archives
    /// too. A path that leads elsewhere is nobody's copy.
    pub(super) fn copies(&self, package: &PackageVersion) -> Vec<String> {
        let entries = self.packages.0.iter();
        let copies = entries.filter(|(path, text)| {
            RelPath::new(path.as_str()).is_ok()
                && Object::parse(text).is_ok_and(|entry| is_locked(path, &entry, package))
        });
        copies.map(|(path, _)| path.clone()).collect()
    }

    /// The archives inside the tree that it names.
    pub(super) fn archives(&self) -> Vec<String> {
        let entries = self.packages.0.iter();
        let resolved = entries.filter_map(|(_, text)| Object::parse(text).ok()?.text("resolved"));
        let local = resolved.filter_map(|text| text.strip_prefix("file:").map(str::to_owned));
        local.collect()
    }

    /// Puts a release in the place of every copy of `package` that has an archive of its own.
    /// Answers how many places that were.
    pub(super) fn replace(&mut self, package: &PackageVersion, facts: &Facts) -> usize {
        let indent = &self.indent;
        let mut count = 0;
        for (path, text) in &mut self.packages.0 {
            let Ok(old) = Object::parse(text) else {
                continue;
            };
            if is_copy(path, &old, package) {
                *text = facts
                    .entry(&old, &package.version, 2, indent)
                    .write(2, indent);
                count += 1;
            }
        }
        let nested = self.members.object("dependencies");
        let (nested, older) = replaced(nested, package, facts, 1, indent);
        if older > 0 {
            self.members.set("dependencies", nested.write(1, indent));
        }
        count.max(older)
    }

    /// What npm wrote, with the text of this lockfile wherever both say the same, and without
    /// losing what npm drops because this machine has no use for it.
    pub(super) fn taking_over(&self, npm: &Self) -> Self {
        let mut merged = npm.clone();
        merged.indent.clone_from(&self.indent);
        merged.end.clone_from(&self.end);
        merged.has_mark = self.has_mark;
        let old: BTreeMap<&str, &str> = pairs(&self.packages).collect();
        for (path, text) in &mut merged.packages.0 {
            if let Some(before) = old.get(path.as_str())
                && is_same(before, text)
            {
                (*before).clone_into(text);
            }
        }
        merged.bring_back(self);
        for (name, text) in &mut merged.members.0 {
            if let Some(before) = self.members.get(name)
                && means(before) == means(text)
            {
                before.clone_into(text);
            }
        }
        merged
    }

    /// Does npm's own writing of this lockfile lock the same, but for what it drops because this
    /// machine has no use for it?
    pub(super) fn locks_the_same(&self, npm: &Self) -> bool {
        let installed = |lock: &Self| -> BTreeMap<String, String> {
            let entries = lock.packages.0.iter();
            let entries = entries.filter(|(path, _)| name_in(path).is_some());
            entries.cloned().collect()
        };
        installed(&self.taking_over(npm)) == installed(self)
    }

    /// Npm 11 leaves out optional packages for other platforms where it installs none of them,
    /// and then refuses the lockfile that it wrote.
    fn bring_back(&mut self, before: &Self) {
        let known: BTreeSet<String> = self
            .packages
            .0
            .iter()
            .map(|(path, _)| path.clone())
            .collect();
        let wanted: BTreeSet<String> = self
            .packages
            .0
            .iter()
            .filter_map(|(_, text)| Object::parse(text).ok())
            .flat_map(|entry| entry.object("optionalDependencies").0)
            .map(|(name, _)| name)
            .collect();
        for (path, text) in &before.packages.0 {
            let Some(name) = name_in(path).filter(|_| !known.contains(path)) else {
                continue;
            };
            let is_optional = Object::parse(text).is_ok_and(|entry| {
                entry.is_true("optional")
                    && (entry.get("os").is_some() || entry.get("cpu").is_some())
            });
            if is_optional && wanted.contains(name) {
                self.packages.0.push((path.clone(), text.clone()));
            }
        }
        // The folders are in the order of their names, the project's own first.
        self.packages.0.sort_by(|left, right| left.0.cmp(&right.0));
    }
}

/// Is an entry a copy of the package that can be replaced by itself?
fn is_copy(path: &str, entry: &Object, package: &PackageVersion) -> bool {
    is_locked(path, entry, package) && !entry.is_true("inBundle")
}

fn is_locked(path: &str, entry: &Object, package: &PackageVersion) -> bool {
    let Some(folder) = name_in(path) else {
        return false;
    };
    let name = entry.text("name");
    name.as_deref().unwrap_or(folder) == package.name
        && entry.text("version").as_deref() == Some(package.version.as_str())
        && !entry.is_true("link")
}

/// The name that an installed folder has.
fn name_in(path: &str) -> Option<&str> {
    path.rfind(MODULES).map(|at| &path[at + MODULES.len()..])
}

/// The old section, in which packages nest, with a release put in another's place.
fn replaced(
    mut nested: Object,
    package: &PackageVersion,
    facts: &Facts,
    level: usize,
    indent: &str,
) -> (Object, usize) {
    let mut count = 0;
    for (name, text) in &mut nested.0 {
        let Ok(mut entry) = Object::parse(text) else {
            continue;
        };
        let mut changes = 0;
        let locked = entry.text("version").unwrap_or_default();
        let alias = format!("npm:{}@{}", package.name, package.version);
        let is_it = *name == package.name && locked == package.version || locked == alias;
        if is_it && !entry.is_true("bundled") {
            let resolved = facts.address(&entry, &package.version);
            let version = locked.replace(&package.version, &facts.version);
            entry.set("version", Value::from(version).to_string());
            if let Some(resolved) = resolved {
                entry.set("resolved", Value::from(resolved).to_string());
            }
            entry.set(
                "integrity",
                Value::from(facts.integrity.as_str()).to_string(),
            );
            let requires = facts.requires();
            entry.remove("requires");
            if !requires.is_empty() {
                entry.set(
                    "requires",
                    write_value(&Value::Object(requires), level + 2, indent),
                );
            }
            changes += 1;
        }
        if entry.get("dependencies").is_some() && level < DEPTH_MAX {
            let inner = entry.object("dependencies");
            let (inner, more) = replaced(inner, package, facts, level + 2, indent);
            if more > 0 {
                entry.set("dependencies", inner.write(level + 2, indent));
            }
            changes += more;
        }
        if changes > 0 {
            *text = entry.write(level + 1, indent);
            count += changes;
        }
    }
    (nested, count)
}

fn pairs(object: &Object) -> impl Iterator<Item = (&str, &str)> {
    let members = object.0.iter();
    members.map(|(name, text)| (name.as_str(), text.as_str()))
}

/// Do two entries lock the same release, installed for the same reason? Later versions of npm
/// write more of a release than earlier ones did.
fn is_same(before: &str, after: &str) -> bool {
    if means(before) == means(after) {
        return true;
    }
    let (Ok(before), Ok(after)) = (Object::parse(before), Object::parse(after)) else {
        return false;
    };
    let same = |name: &str| before.get(name) == after.get(name);
    before.get("integrity").is_some()
        && ["name", "version", "resolved", "integrity", "link"]
            .iter()
            .all(|name| same(name))
        && FLAGS.iter().all(|name| same(name))
}

fn means(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use backstitch_model::package::Ecosystem;

    use super::*;

    const LOCK: &str = r#"{
  "name": "app",
  "lockfileVersion": 2,
  "requires": true,
  "packages": {
    "": {
      "dependencies": { "x": "^1" }
    },
    "node_modules/a/node_modules/x": {
      "version": "1.0.0",
      "inBundle": true
    },
    "node_modules/nick": {
      "name": "x",
      "version": "1.0.0",
      "resolved": "https://registry.npmjs.org/x/-/x-1.0.0.tgz",
      "integrity": "sha512-old",
      "dev": true,
      "dependencies": {
        "d": "1"
      }
    },
    "node_modules/x": {
      "version": "2.0.0"
    }
  },
  "dependencies": {
    "nick": {
      "version": "npm:x@1.0.0",
      "resolved": "https://registry.npmjs.org/x/-/x-1.0.0.tgz",
      "integrity": "sha512-old",
      "dev": true,
      "requires": {
        "d": "1"
      }
    }
  }
}
"#;

    fn facts() -> Facts {
        let printed = r#"npm warn x
            {"version": "1.0.1", "dist": {"integrity": "sha512-new", "tarball": "https://npm.example/x/-/x-1.0.1.tgz"},
            "dependencies": {"d": "^1.2", "o": "1"}, "optionalDependencies": {"o": "1"}, "license": "MIT",
            "engines": {"node": ">=4"}, "bin": {"x": "./x.js"}, "scripts": {"install": "x"}}"#;
        Facts::parse(printed, "1.0.1").unwrap()
    }

    fn x() -> PackageVersion {
        PackageVersion {
            ecosystem: Ecosystem::Npm,
            name: "x".into(),
            version: "1.0.0".into(),
        }
    }

    #[test]
    fn a_text_that_nobody_edits_stays_as_it_is() {
        assert_eq!(Lock::parse(LOCK).unwrap().text(), LOCK);
        let tabs = "\u{feff}{\n\t\"name\": \"app\",\n\t\"packages\": {}\n}";
        assert_eq!(Lock::parse(tabs).unwrap().text(), tabs);
    }

    #[test]
    fn only_the_entries_of_the_release_change_in_both_sections() {
        let mut lock = Lock::parse(LOCK).unwrap();
        assert_eq!(lock.replace(&x(), &facts()), 1);
        let expected = LOCK
            .replace(
                "      \"name\": \"x\",\n      \"version\": \"1.0.0\"",
                "      \"name\": \"x\",\n      \"version\": \"1.0.1\"",
            )
            .replace("npm:x@1.0.0", "npm:x@1.0.1")
            .replace("x-1.0.0.tgz", "x-1.0.1.tgz")
            .replace("sha512-old", "sha512-new")
            .replace(
                "      \"dev\": true,\n      \"dependencies\": {\n        \"d\": \"1\"\n      }\n",
                "      \"dev\": true,\n      \"hasInstallScript\": true,\n      \"dependencies\": {\n        \
                 \"d\": \"^1.2\"\n      },\n      \"bin\": {\n        \"x\": \"x.js\"\n      },\n      \
                 \"engines\": {\n        \"node\": \">=4\"\n      },\n      \"optionalDependencies\": {\n        \
                 \"o\": \"1\"\n      }\n",
            )
            .replace(
                "      \"requires\": {\n        \"d\": \"1\"\n      }\n",
                "      \"requires\": {\n        \"d\": \"^1.2\",\n        \"o\": \"1\"\n      }\n",
            );
        assert_eq!(lock.text(), expected);
    }

    #[test]
    fn of_what_npm_wrote_only_what_differs_is_taken_over() {
        let before = Lock::parse(LOCK).unwrap();
        let npm = LOCK
            .replace(
                "\"dev\": true,\n      \"dep",
                "\"dev\": true,\n      \"license\": \"MIT\",\n      \"dep",
            )
            .replace("\"version\": \"2.0.0\"", "\"version\": \"2.1.0\"")
            .replace("{ \"x\": \"^1\" }", "{\"x\": \"^1\"}");
        let merged = before.taking_over(&Lock::parse(&npm).unwrap());
        assert_eq!(
            merged.text(),
            LOCK.replace("\"version\": \"2.0.0\"", "\"version\": \"2.1.0\"")
        );
    }

    #[test]
    fn packages_for_other_platforms_that_npm_drops_are_kept() {
        let with = |entry: &str| {
            Lock::parse(&format!(
                "{{\n  \"packages\": {{\n    \"\": {{}},\n{entry}    \"node_modules/b\": {{\n      \"version\": \
                 \"1\",\n      \"optionalDependencies\": {{\"b-win\": \"1\"}}\n    }}\n  }}\n}}\n"
            ))
            .unwrap()
        };
        let win = "    \"node_modules/b-win\": {\n      \"version\": \"1\",\n      \"optional\": true,\n      \
                   \"os\": [\"win32\"]\n    },\n";
        let merged = with(win).taking_over(&with(""));
        assert!(merged.packages.get("node_modules/b-win").is_some());
        assert!(with(win).locks_the_same(&with("")));
        let newer = win.replace("\"1\"", "\"2\"");
        assert!(!with(win).locks_the_same(&with(&newer)));
        let other = win.replace("b-win", "gone");
        assert!(
            with(&other)
                .taking_over(&with(""))
                .packages
                .get("node_modules/gone")
                .is_none()
        );
    }

    #[test]
    fn a_copy_is_never_looked_for_outside_the_tree() {
        let lock = Lock::parse(
            r#"{"packages": {"node_modules/a/node_modules/x": {"version": "1.0.0"},
            "../node_modules/x": {"version": "1.0.0"}, "/node_modules/x": {"version": "1.0.0"}}}"#,
        );
        assert_eq!(
            lock.unwrap().copies(&x()),
            ["node_modules/a/node_modules/x"]
        );
    }

    #[test]
    fn facts_of_another_release_or_without_a_checksum_are_refused() {
        for printed in [
            "nothing",
            r#"{"version": "1.0.2", "dist": {"integrity": "x", "tarball": "y"}}"#,
            r#"{"version": "1.0.1", "dist": {"tarball": "y"}}"#,
        ] {
            assert!(Facts::parse(printed, "1.0.1").is_err(), "{printed}");
        }
    }
}
