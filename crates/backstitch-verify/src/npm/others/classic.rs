//! Owns edits of yarn 1's `yarn.lock` (<https://classic.yarnpkg.com/en/docs/yarn-lock>): one
//! release put in another's place. Reads only what is written as yarn writes it. Runs nothing.

use std::collections::BTreeSet;

use backstitch_model::package::PackageVersion;
use serde_json::Value;

use super::origins::range_of;
use crate::npm::facts::Facts;
use crate::npm::json::Object;

/// How many lines a lockfile may have.
const LINES_MAX: usize = 4_000_000;

/// What begins a lockfile of yarn 1.
const MARK: &str = "# yarn lockfile v1";

/// A lockfile that keeps the text of what is not edited.
#[derive(Debug)]
pub(super) struct Lock {
    lines: Vec<String>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) keys: Vec<String>,
    version: String,
    pub(super) resolved: Option<String>,
    /// Its lines without that of the keys.
    body: std::ops::Range<usize>,
}

/// Is this a text of yarn 1's?
pub(super) fn is_classic(text: &str) -> bool {
    text.lines().take(8).any(|line| line.trim() == MARK)
}

impl Lock {
    /// Reads a lockfile's text; the error is a sentence's end.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        if lines.len() > LINES_MAX {
            return Err("it has too many lines".to_owned());
        }
        let mut entries: Vec<Entry> = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            let odd = || format!("line {}: it is not as yarn writes it", at + 1);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if !line.starts_with(' ') {
                let keys = line.strip_suffix(':').and_then(keys).ok_or_else(odd)?;
                entries.push(Entry {
                    keys,
                    version: String::new(),
                    resolved: None,
                    body: at + 1..at + 1,
                });
                continue;
            }
            let entry = entries.last_mut().ok_or_else(odd)?;
            if entry.body.end != at {
                return Err(odd());
            }
            entry.body.end = at + 1;
            let Some(field) = line
                .strip_prefix("  ")
                .filter(|rest| !rest.starts_with(' '))
            else {
                continue;
            };
            match field.split_once(' ') {
                Some(("version", text)) => entry.version = unquoted(text).ok_or_else(odd)?,
                Some(("resolved", text)) => entry.resolved = Some(unquoted(text).ok_or_else(odd)?),
                Some(_) | None => {}
            }
        }
        Ok(Self { lines, entries })
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn text(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Everything that is locked, for comparison with another lockfile.
    pub(super) fn locked(&self) -> BTreeSet<(&str, &str, &str)> {
        self.entries
            .iter()
            .flat_map(|entry| {
                let resolved = entry.resolved.as_deref().unwrap_or_default();
                entry
                    .keys
                    .iter()
                    .map(move |key| (key.as_str(), entry.version.as_str(), resolved))
            })
            .collect()
    }

    /// Puts a release in the place of `package`. Answers how many entries that were.
    pub(super) fn replace(&mut self, package: &PackageVersion, facts: &Facts) -> usize {
        let (mut lines, mut from, mut count) = (Vec::new(), 0, 0);
        for entry in self.entries.iter().filter(|entry| entry.is_of(package)) {
            lines.extend_from_slice(&self.lines[from..entry.body.start]);
            lines.extend(entry.replaced(&package.version, facts));
            from = entry.body.end;
            count += 1;
        }
        lines.extend_from_slice(&self.lines[from..]);
        self.lines = lines;
        count
    }
}

impl Entry {
    fn is_of(&self, package: &PackageVersion) -> bool {
        let names_it = |key: &String| {
            let range = range_of(key);
            let name = key
                .strip_suffix(range)
                .and_then(|name| name.strip_suffix('@'));
            match range.strip_prefix("npm:") {
                Some(real) => {
                    let real_range = range_of(real);
                    let real = real.strip_suffix(real_range).unwrap_or(real);
                    real.strip_suffix('@').unwrap_or(real) == package.name
                }
                None => name == Some(package.name.as_str()),
            }
        };
        self.version == package.version && self.keys.iter().all(names_it)
    }

    /// The lines of this entry for another release.
    fn replaced(&self, from: &str, facts: &Facts) -> Vec<String> {
        let quoted = |text: &str| Value::from(text).to_string();
        let mut lines = vec![format!("  version {}", quoted(&facts.version))];
        if let Some(resolved) = &self.resolved {
            // The checksum behind the address is an older one beside `integrity`.
            let (address, has_sum) = match resolved.split_once('#') {
                Some((address, _)) => (address, true),
                None => (resolved.as_str(), false),
            };
            let mut old = Object::default();
            old.set("resolved", quoted(address));
            let address = facts.address(&old, from).unwrap_or_default();
            let sum = facts.sha1().filter(|_| has_sum);
            let sum = sum.map(|sum| format!("#{sum}")).unwrap_or_default();
            lines.push(format!("  resolved {}", quoted(&format!("{address}{sum}"))));
        }
        lines.push(format!("  integrity {}", facts.integrity));
        for section in ["dependencies", "optionalDependencies"] {
            let all = facts.section(section);
            if !all.is_empty() {
                lines.push(format!("  {section}:"));
            }
            for (name, range) in all {
                lines.push(format!("    {} {}", key(&name), quoted(&range)));
            }
        }
        lines
    }
}

/// A name as yarn writes it: within quotes where it would otherwise read as something else.
fn key(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && !name.starts_with("true")
        && !name.starts_with("false")
        && !name.contains(|c: char| c.is_whitespace() || ":\\\",[]".contains(c));
    if is_plain {
        name.to_owned()
    } else {
        Value::from(name).to_string()
    }
}

/// The keys of an entry: `a@^1, "@b/c@^2"`.
fn keys(line: &str) -> Option<Vec<String>> {
    let (mut keys, mut rest) = (Vec::new(), line);
    loop {
        let end = if rest.starts_with('"') {
            rest.get(1..)?.find('"')? + 2
        } else {
            rest.find(", ").unwrap_or(rest.len())
        };
        keys.push(unquoted(rest.get(..end)?)?);
        rest = rest.get(end..)?;
        if rest.is_empty() {
            return Some(keys);
        }
        rest = rest.strip_prefix(", ")?;
    }
}

fn unquoted(text: &str) -> Option<String> {
    if text.starts_with('"') {
        serde_json::from_str(text).ok()
    } else {
        let is_plain = !text.is_empty() && !text.contains(['"', ' ']);
        is_plain.then(|| text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use backstitch_model::package::Ecosystem;

    use super::*;

    const LOCK: &str = "# THIS IS AN AUTOGENERATED FILE. DO NOT EDIT THIS FILE DIRECTLY.\n\
        # yarn lockfile v1\n\n\n\"@s/a@^1\", \"@s/a@^1.1 || 2\":\n  version \"1.1.0\"\n\n\
        \"nick@npm:x@^1\", x@^1, x@~1.0.0:\n  version \"1.0.0\"\n  resolved \
        \"https://registry.yarnpkg.com/x/-/x-1.0.0.tgz#0a\"\n  integrity sha512-old\n  dependencies:\n    \
        d \"1\"\n\nx@^2:\n  version \"2.0.0\"\n";

    fn x() -> PackageVersion {
        PackageVersion {
            ecosystem: Ecosystem::Npm,
            name: "x".into(),
            version: "1.0.0".into(),
        }
    }

    #[test]
    fn only_the_entry_of_the_release_changes() {
        let facts = Facts::parse(
            r#"{"version": "1.0.1", "dist": {"integrity": "sha512-new", "shasum": "0b",
                "tarball": "https://registry.npmjs.org/x/-/x-1.0.1.tgz"},
                "dependencies": {"@e/e": "^1", "d": "^2", "o": "1"}, "optionalDependencies": {"o": "1"}}"#,
            "1.0.1",
        )
        .unwrap();
        let mut lock = Lock::parse(LOCK).unwrap();
        assert_eq!(lock.text(), LOCK);
        assert_eq!(lock.replace(&x(), &facts), 1);
        let expected = LOCK
            .replace("\"1.0.0\"", "\"1.0.1\"")
            .replace("x-1.0.0.tgz#0a", "x-1.0.1.tgz#0b")
            .replace("sha512-old", "sha512-new")
            .replace(
                "    d \"1\"\n",
                "    \"@e/e\" \"^1\"\n    d \"^2\"\n  optionalDependencies:\n    o \"1\"\n",
            );
        assert_eq!(lock.text(), expected);
        let read = Lock::parse(LOCK).unwrap();
        assert!(read.locked().contains(&("@s/a@^1.1 || 2", "1.1.0", "")));
        assert_ne!(read.locked(), Lock::parse(&expected).unwrap().locked());
    }

    #[test]
    fn what_is_not_as_yarn_writes_it_is_refused() {
        for text in [
            "  version \"1\"\n",
            "x@1\n",
            "x@1:\n  version 1 2\n",
            "x@1:\n\n  version \"1\"\n",
            "\"x@1:\n",
        ] {
            assert!(Lock::parse(text).is_err(), "{text}");
        }
        assert!(is_classic(LOCK) && !is_classic("__metadata:\n  version: 8\n"));
    }
}
