//! Reads what a Python project's own files say of it: `pyproject.toml` in the standard's tables
//! and in Poetry's, `Pipfile`, `setup.cfg`. Pure; what cannot be understood is left out.
//!
//! Formats: <https://packaging.python.org/en/latest/specifications/pyproject-toml/>,
//! <https://packaging.python.org/en/latest/specifications/dependency-groups/>,
//! <https://python-poetry.org/docs/pyproject/>.

use std::collections::BTreeMap;

use backstitch_model::RelPath;
use backstitch_model::project::{DependencyKind, Manifest, Requirement};
use toml::{Table, Value};

use crate::python::{Specifier, Wanted, normalised};

/// How deep dependency groups may include one another.
const GROUPS_DEPTH_MAX: usize = 8;

/// The most requirements of one manifest; a real one has dozens.
const REQUIREMENTS_MAX: usize = 5_000;

/// Reads a manifest that is TOML: `pyproject.toml`, or `Pipfile`.
pub(super) fn parse(path: &RelPath, text: &str) -> Result<Manifest, String> {
    let table: Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    let mut reader = Reader::default();
    if path.file_name() == "Pipfile" {
        reader.pipfile(&table);
    } else {
        reader.standard(&table);
        reader.poetry(&table);
    }
    reader.requirements.truncate(REQUIREMENTS_MAX);
    Ok(Manifest {
        path: path.clone(),
        text: text.to_owned(),
        package: reader.package,
        requirements: reader.requirements,
        features: reader.extras,
        rust_version: None,
        resolver: None,
    })
}

/// A file that is kept for what its text says, without requirements.
pub(super) fn plain(path: &RelPath, text: &str) -> Manifest {
    Manifest {
        path: path.clone(),
        text: text.to_owned(),
        package: None,
        requirements: Vec::new(),
        features: BTreeMap::new(),
        rust_version: None,
        resolver: None,
    }
}

#[derive(Default)]
struct Reader {
    package: Option<(String, String)>,
    requirements: Vec<Requirement>,
    /// The extras and the packages that each asks for.
    extras: BTreeMap<String, Vec<String>>,
}

impl Reader {
    /// PEP 621 and PEP 735, and uv's older table of the same meaning.
    fn standard(&mut self, table: &Table) {
        if let Some(project) = at(table, &["project"]) {
            self.name(project);
            for text in texts(project.get("dependencies")) {
                self.specifier(text, DependencyKind::Normal, None);
            }
            let extras = at(project, &["optional-dependencies"]);
            for (extra, wanted) in extras.into_iter().flatten() {
                for text in texts(Some(wanted)) {
                    self.specifier(text, DependencyKind::Normal, Some(extra));
                }
            }
        }
        if let Some(groups) = at(table, &["dependency-groups"]) {
            for group in groups.keys() {
                self.group(groups, group, 0);
            }
        }
        let uv = at(table, &["tool", "uv"]);
        for text in texts(uv.and_then(|uv| uv.get("dev-dependencies"))) {
            self.specifier(text, DependencyKind::Dev, None);
        }
    }

    fn name(&mut self, table: &Table) {
        let text = |key: &str| table.get(key).and_then(Value::as_str);
        if let Some(name) = text("name") {
            let version = text("version").unwrap_or_default();
            self.package = Some((name.to_owned(), version.to_owned()));
        }
    }

    fn group(&mut self, groups: &Table, name: &str, depth: usize) {
        let wanted = groups.get(name).and_then(Value::as_array);
        for item in wanted.into_iter().flatten() {
            if self.requirements.len() > REQUIREMENTS_MAX {
                return;
            }
            match item {
                Value::String(text) => self.specifier(text, DependencyKind::Dev, None),
                Value::Table(table) if depth < GROUPS_DEPTH_MAX => {
                    if let Some(included) = table.get("include-group").and_then(Value::as_str) {
                        self.group(groups, included, depth + 1);
                    }
                }
                _ => {}
            }
        }
    }

    fn specifier(&mut self, text: &str, kind: DependencyKind, extra: Option<&str>) {
        let Ok(read) = Specifier::parse(text) else {
            return;
        };
        if let Some(extra) = extra {
            let wanted = self.extras.entry(normalised(extra)).or_default();
            wanted.push(read.name.clone());
        }
        let marker = read.marker.map(|marker| marker.text().to_owned());
        let version = match read.wanted {
            Wanted::Versions(versions) => versions,
            Wanted::Address(address) => format!("@ {address}"),
        };
        self.requirements.push(Requirement {
            optional: extra.is_some(),
            target: marker,
            features: read.extras,
            ..requirement(&read.name, version, kind)
        });
    }

    fn poetry(&mut self, table: &Table) {
        let Some(poetry) = at(table, &["tool", "poetry"]) else {
            return;
        };
        if self.package.is_none() {
            self.name(poetry);
        }
        self.tables(at(poetry, &["dependencies"]), DependencyKind::Normal, false);
        self.tables(
            at(poetry, &["dev-dependencies"]),
            DependencyKind::Dev,
            false,
        );
        for (_, group) in at(poetry, &["group"]).into_iter().flatten() {
            let Some(group) = group.as_table() else {
                continue;
            };
            let optional = group.get("optional").and_then(Value::as_bool);
            let wanted = at(group, &["dependencies"]);
            self.tables(wanted, DependencyKind::Dev, optional == Some(true));
        }
        for (extra, wanted) in at(poetry, &["extras"]).into_iter().flatten() {
            let wanted = texts(Some(wanted)).map(str::to_owned).collect();
            self.extras.insert(normalised(extra), wanted);
        }
    }

    fn pipfile(&mut self, table: &Table) {
        for (section, wanted) in table {
            let kind = match section.as_str() {
                "packages" => DependencyKind::Normal,
                "source" | "requires" | "scripts" | "pipenv" => continue,
                _ => DependencyKind::Dev,
            };
            self.tables(wanted.as_table(), kind, false);
        }
    }

    /// `name = "^1"`, `name = { version = "^1", … }` or a list of the latter.
    fn tables(&mut self, wanted: Option<&Table>, kind: DependencyKind, optional: bool) {
        for (name, value) in wanted.into_iter().flatten() {
            if name == "python" {
                continue;
            }
            match value {
                Value::String(version) => {
                    let version = version.clone();
                    self.requirements.push(Requirement {
                        optional,
                        ..requirement(name, version, kind)
                    });
                }
                Value::Table(table) => self.table(name, table, kind, optional),
                Value::Array(tables) => {
                    for table in tables.iter().filter_map(Value::as_table) {
                        self.table(name, table, kind, optional);
                    }
                }
                _ => {}
            }
        }
    }

    fn table(&mut self, name: &str, table: &Table, kind: DependencyKind, optional: bool) {
        let text = |key: &str| table.get(key).and_then(Value::as_str);
        let address = || ["git", "path", "url", "file"].into_iter().find_map(text);
        let version = match (text("version"), address()) {
            (Some(version), _) => version.to_owned(),
            (None, Some(address)) => format!("@ {address}"),
            (None, None) => "*".to_owned(),
        };
        let own = table.get("optional").and_then(Value::as_bool) == Some(true);
        let python = text("python").map(|python| format!("python {python}"));
        self.requirements.push(Requirement {
            optional: optional || own,
            target: text("markers").map(str::to_owned).or(python),
            features: texts(table.get("extras")).map(str::to_owned).collect(),
            ..requirement(name, version, kind)
        });
    }
}

fn requirement(name: &str, version: String, kind: DependencyKind) -> Requirement {
    Requirement {
        key: name.to_owned(),
        package: name.to_owned(),
        version,
        kind,
        target: None,
        optional: false,
        peer: false,
        default_features: true,
        place: None,
        features: Vec::new(),
    }
}

/// The table at a path of keys.
fn at<'table>(table: &'table Table, keys: &[&str]) -> Option<&'table Table> {
    keys.iter()
        .try_fold(table, |table, key| table.get(*key)?.as_table())
}

fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str)
}

/// The least Python that a project's files promise to run with, where one says so.
pub(super) fn least_python(manifests: &[Manifest]) -> Option<pep440_rs::Version> {
    manifests.iter().find_map(|manifest| {
        let text = python_range(manifest)?;
        let least = backstitch_model::python::least(&text)?;
        least.parse().ok()
    })
}

/// The range of Pythons that a manifest states, as written.
fn python_range(manifest: &Manifest) -> Option<String> {
    backstitch_model::python::stated(manifest.path.file_name(), &manifest.text)
}
