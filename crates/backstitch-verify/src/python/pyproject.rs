//! Owns what a `pyproject.toml` asks for where no lockfile says what that comes to: requirements as
//! pip takes them, those of the extras and groups that tests use among them. Pure.
//!
//! Formats: <https://packaging.python.org/en/latest/specifications/pyproject-toml/>,
//! <https://packaging.python.org/en/latest/specifications/dependency-groups/>,
//! <https://python-poetry.org/docs/dependency-specification/>.

use backstitch_model::names::normalised;
use backstitch_model::package::Ecosystem;
use backstitch_model::python::is_for_tests;
use toml::{Table, Value};

/// How deep dependency groups may include one another.
const GROUPS_DEPTH_MAX: usize = 8;
/// The most requirements of one manifest.
const REQUIREMENTS_MAX: usize = 5_000;

/// Every requirement that is installed for the tests, one line each, unchecked; the error is a
/// requirement that pip could not be given.
pub(super) fn asked(manifest: &Table) -> Vec<Result<String, String>> {
    let mut asked = Asked::default();
    asked.standard(manifest);
    if let Some(poetry) = at(manifest, &["tool", "poetry"]) {
        asked.poetry(poetry);
    }
    let own = ["project", "tool.poetry"].iter().find_map(|place| {
        let keys: Vec<_> = place.split('.').collect();
        at(manifest, &keys)?.get("name")?.as_str()
    });
    // An extra that asks for others of the project's own.
    let is_own = |text: &str| own.is_some_and(|own| plain(name_of(text)) == plain(own));
    asked
        .lines
        .retain(|line| !line.as_ref().is_ok_and(|line| is_own(line)));
    asked.lines
}

#[derive(Default)]
struct Asked {
    lines: Vec<Result<String, String>>,
}

impl Asked {
    fn standard(&mut self, manifest: &Table) {
        if let Some(project) = at(manifest, &["project"]) {
            self.texts(project.get("dependencies"));
            let extras = at(project, &["optional-dependencies"]);
            for (name, wanted) in extras.into_iter().flatten() {
                if is_for_tests(name) {
                    self.texts(Some(wanted));
                }
            }
        }
        if let Some(groups) = at(manifest, &["dependency-groups"]) {
            for name in groups.keys().filter(|name| is_for_tests(name)) {
                self.group(groups, name, 0);
            }
        }
        let uv = at(manifest, &["tool", "uv"]);
        self.texts(uv.and_then(|uv| uv.get("dev-dependencies")));
    }

    fn texts(&mut self, wanted: Option<&Value>) {
        let texts = wanted.and_then(Value::as_array).into_iter().flatten();
        for text in texts.filter_map(Value::as_str) {
            self.take(Ok(text.trim().to_owned()));
        }
    }

    fn group(&mut self, groups: &Table, name: &str, depth: usize) {
        let items = groups.get(name).and_then(Value::as_array);
        for item in items.into_iter().flatten() {
            match item {
                Value::String(text) => self.take(Ok(text.trim().to_owned())),
                Value::Table(table) if depth < GROUPS_DEPTH_MAX => {
                    let included = table.get("include-group").and_then(Value::as_str);
                    if let Some(included) = included.filter(|_| self.has_room()) {
                        self.group(groups, included, depth + 1);
                    }
                }
                _ => {}
            }
        }
    }

    fn poetry(&mut self, poetry: &Table) {
        self.tables(at(poetry, &["dependencies"]));
        self.tables(at(poetry, &["dev-dependencies"]));
        let groups = at(poetry, &["group"]).into_iter().flatten();
        for (_, group) in groups.filter(|(name, _)| is_for_tests(name)) {
            let group = group.as_table();
            self.tables(group.and_then(|group| at(group, &["dependencies"])));
        }
    }

    fn tables(&mut self, wanted: Option<&Table>) {
        for (name, value) in wanted.into_iter().flatten() {
            if name == "python" {
                continue;
            }
            match value {
                Value::Array(several) => {
                    for one in several {
                        self.value(name, one);
                    }
                }
                one => self.value(name, one),
            }
        }
    }

    /// `name = "^1"`, or `name = { version = "^1", extras = […], markers = "…" }`.
    fn value(&mut self, name: &str, value: &Value) {
        match value {
            Value::String(versions) => self.take(line(name, &[], versions, None)),
            Value::Table(table) => {
                let text = |key: &str| table.get(key).and_then(Value::as_str);
                // One that nothing asks for is installed for an extra alone.
                if table.get("optional").and_then(Value::as_bool) == Some(true) {
                    return;
                }
                if ["git", "path", "url", "file"]
                    .into_iter()
                    .any(|key| text(key).is_some())
                {
                    self.take(Err(name.to_owned()));
                    return;
                }
                let extras = table.get("extras").and_then(Value::as_array);
                let extras: Vec<_> = extras
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect();
                let python = text("python").and_then(python_marker);
                let marker = text("markers").map(str::to_owned).or(python);
                self.take(line(name, &extras, text("version").unwrap_or("*"), marker));
            }
            _ => {}
        }
    }

    fn take(&mut self, line: Result<String, String>) {
        if self.has_room() && !self.lines.contains(&line) {
            self.lines.push(line);
        }
    }

    fn has_room(&self) -> bool {
        self.lines.len() < REQUIREMENTS_MAX
    }
}

/// A requirement of Poetry's as pip takes it.
fn line(
    name: &str,
    extras: &[&str],
    versions: &str,
    marker: Option<String>,
) -> Result<String, String> {
    let versions = as_pip(versions).ok_or_else(|| format!("{name} {versions}"))?;
    let extras = if extras.is_empty() {
        String::new()
    } else {
        format!("[{}]", extras.join(","))
    };
    let marker = marker.map(|marker| format!(" ; {marker}"));
    Ok(format!(
        "{name}{extras}{versions}{}",
        marker.unwrap_or_default()
    ))
}

/// The marker of a range of Pythons; of one with alternatives nothing is said.
fn python_marker(range: &str) -> Option<String> {
    let versions = as_pip(range)?;
    let parts = versions.split(',').filter(|part| !part.is_empty());
    let parts: Vec<_> = parts
        .map(|part| {
            let at = part.find(|c: char| c.is_ascii_digit())?;
            let (operator, version) = part.split_at(at);
            Some(format!("python_full_version {operator} '{version}'"))
        })
        .collect::<Option<_>>()?;
    (!parts.is_empty()).then(|| parts.join(" and "))
}

/// A range of Poetry's in the standard's words; `None` where it has alternatives.
fn as_pip(versions: &str) -> Option<String> {
    if versions.contains('|') {
        return None;
    }
    let parts: Vec<_> = versions
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty() && *part != "*")
        .map(part_as_pip)
        .collect::<Option<_>>()?;
    Some(parts.join(","))
}

fn part_as_pip(part: &str) -> Option<String> {
    let (is_caret, bare) = match part.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, part),
    };
    let tilde = part.strip_prefix('~').filter(|rest| !rest.starts_with('='));
    let version = tilde.unwrap_or(bare).trim();
    if !is_caret && tilde.is_none() {
        let is_bare = part.starts_with(|c: char| c.is_ascii_digit());
        return Some(if is_bare {
            format!("=={part}")
        } else {
            part.replace(' ', "")
        });
    }
    let digits = version
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .next()?;
    let numbers: Vec<u64> = digits
        .split('.')
        .map(|number| number.parse().ok())
        .collect::<Option<_>>()?;
    let kept = if is_caret {
        // The first number that is not zero may not change.
        let first = numbers.iter().position(|number| *number > 0);
        first.unwrap_or(numbers.len().saturating_sub(1))
    } else {
        1.min(numbers.len().saturating_sub(1))
    };
    let mut end: Vec<_> = numbers.iter().take(kept + 1).copied().collect();
    let last = end.last_mut()?;
    *last = last.checked_add(1)?;
    let end: Vec<_> = end.iter().map(ToString::to_string).collect();
    Some(format!(">={version},<{}", end.join(".")))
}

fn name_of(text: &str) -> &str {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    &text[..text.find(|c| !is_part(c)).unwrap_or(text.len())]
}

fn plain(name: &str) -> String {
    normalised(&Ecosystem::PyPi, name).into_owned()
}

/// The table at a path of keys.
fn at<'table>(table: &'table Table, keys: &[&str]) -> Option<&'table Table> {
    keys.iter()
        .try_fold(table, |table, key| table.get(*key)?.as_table())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_of(text: &str) -> (Vec<String>, Vec<String>) {
        let table: Table = toml::from_str(text).unwrap();
        let (good, bad): (Vec<_>, Vec<_>) = asked(&table).into_iter().partition(Result::is_ok);
        (
            good.into_iter().filter_map(Result::ok).collect(),
            bad.into_iter().filter_map(Result::err).collect(),
        )
    }

    #[test]
    fn what_tests_use_is_asked_for_and_other_extras_are_not() {
        let (good, _) = asked_of(
            "[project]\nname = \"app\"\ndependencies = [\"a[x]>=1,<2; os_name == 'nt'\", \"b\"]\n\
             [project.optional-dependencies]\ntest = [\"c>=3\", \"App[fast]\"]\nfast = [\"d\"]\n\
             [dependency-groups]\ndev = [{ include-group = \"lint\" }, \"e\"]\nlint = [\"f\"]\n\
             loop = [{ include-group = \"loop\" }]\ntests = [{ include-group = \"tests\" }]\n",
        );
        assert_eq!(good, ["a[x]>=1,<2; os_name == 'nt'", "b", "c>=3", "f", "e"]);
    }

    #[test]
    fn poetrys_ranges_are_said_in_the_standards_words() {
        for (poetry, pip) in [
            ("^1.2.3", Some(">=1.2.3,<2")),
            ("^0.2.3", Some(">=0.2.3,<0.3")),
            ("^0.0.3", Some(">=0.0.3,<0.0.4")),
            ("^0.0", Some(">=0.0,<0.1")),
            ("^0", Some(">=0,<1")),
            ("~1.2.3", Some(">=1.2.3,<1.3")),
            ("~1", Some(">=1,<2")),
            ("~=1.2", Some("~=1.2")),
            ("1.2", Some("==1.2")),
            ("1.*", Some("==1.*")),
            ("*", Some("")),
            (">= 1, <2", Some(">=1,<2")),
            ("^1 || ^2", None),
        ] {
            assert_eq!(as_pip(poetry).as_deref(), pip, "{poetry}");
        }
    }

    #[test]
    fn poetrys_tables_keep_extras_and_markers_and_what_is_no_release_is_told() {
        let (good, bad) = asked_of(
            "[tool.poetry.dependencies]\npython = \"^3.9\"\na = { version = \"^1\", extras = [\"x\"], \
             markers = \"os_name == 'nt'\" }\nb = { git = \"https://example.org/b\" }\n\
             c = { version = \"1\", optional = true }\nd = { version = \">1\", python = \">=3.8,<3.12\" }\n\
             [tool.poetry.group.dev.dependencies]\ne = \"*\"\n[tool.poetry.group.docs.dependencies]\nf = \"*\"\n",
        );
        assert_eq!(
            good,
            [
                "a[x]>=1,<2 ; os_name == 'nt'",
                "d>1 ; python_full_version >= '3.8' and python_full_version < '3.12'",
                "e"
            ]
        );
        assert_eq!(bad, ["b"]);
    }
}
