//! Owns what a tree's lockfile asks pip to install: exact pins with their markers and hashes, and
//! what is not pinned. Lexical where it can be; whether a marker holds pip says.

use std::collections::{BTreeMap, BTreeSet};

use backstitch_model::names::normalised;
use backstitch_model::package::Ecosystem;
use backstitch_model::pins::{self, Entry};
use backstitch_model::python::MANIFEST;
use backstitch_model::{LockFormat, RelPath};
use serde::Serialize;
use serde_json::Value as Json;
use toml::{Table, Value};

use super::{conditions, pyproject, requirement};
use crate::workbench::{Tree, files};

/// The largest lockfile read, in bytes.
const LOCKFILE_BYTES_MAX: u64 = 16 << 20;
/// How many files one requirements file may include.
const FILES_MAX: usize = 32;
/// How many packages are installed.
const PINS_MAX: usize = 5_000;

/// What is to be installed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(super) struct Pins {
    /// Exact versions.
    pub(super) pins: Vec<Pin>,
    /// Requirements that name no exact version.
    pub(super) loose: Vec<String>,
    /// Bounds for those.
    pub(super) constraints: Vec<String>,
    /// What is not installed, each in a sentence.
    #[serde(skip)]
    pub(super) notes: Vec<String>,
}

/// One exact version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Pin {
    pub(super) name: String,
    pub(super) version: String,
    /// The line that pip reads.
    pub(super) line: String,
    /// Each as `sha256:…`.
    pub(super) hashes: Vec<String>,
    /// A recipe asks for it: it must be there, while what a project lacks anyway may be lacking.
    pub(super) is_changed: bool,
    #[serde(skip)]
    marker: Option<String>,
}

impl Pins {
    /// Reads a tree's lockfile; the error says why it cannot be read.
    pub(super) fn read(tree: &Tree) -> Result<Self, String> {
        let mut pins = Self::default();
        match LockFormat::of(&tree.lockfile) {
            _ if tree.lockfile.file_name() == MANIFEST => pins.manifest(&toml_of(tree)?),
            Some(LockFormat::Poetry) => pins.poetry(&toml_of(tree)?),
            Some(LockFormat::Uv) => pins.uv(&toml_of(tree)?),
            Some(LockFormat::Pipenv) => {
                let json = serde_json::from_str(&text_of(tree, &tree.lockfile)?);
                pins.pipenv(&json.map_err(|error| error.to_string())?);
            }
            Some(
                LockFormat::Requirements
                | LockFormat::Cargo
                | LockFormat::Npm
                | LockFormat::Pnpm
                | LockFormat::Yarn
                | LockFormat::GoMod
                | LockFormat::Gemfile
                | LockFormat::Composer
                | LockFormat::Maven,
            )
            | None => pins.requirements(tree, &tree.lockfile, false, &mut BTreeSet::new())?,
        }
        pins.one_version_each();
        pins.pins.truncate(PINS_MAX);
        pins.write_lines();
        Ok(pins)
    }

    /// Tells apart what was not asked for before.
    pub(super) fn mark_changed(&mut self, before: &Self) {
        let known: BTreeSet<_> = before
            .pins
            .iter()
            .map(|pin| (&pin.name, &pin.version))
            .collect();
        for pin in &mut self.pins {
            pin.is_changed = !known.contains(&(&pin.name, &pin.version));
        }
    }

    fn add(&mut self, name: &str, version: &str, marker: Option<String>, hashes: Vec<String>) {
        let is_plain = |text: &str| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.+!".contains(c);
            !text.is_empty() && !text.starts_with('-') && text.chars().all(allowed)
        };
        let marker = marker.filter(|marker| !marker.trim().is_empty());
        let after = marker.as_ref().map(|marker| format!(" ; {marker}"));
        let line = format!("{name}=={version}{}", after.unwrap_or_default());
        if !is_plain(name) || !is_plain(version) || !requirement::is_plain(&line) {
            self.refuse(name);
            return;
        }
        self.pins.push(Pin {
            name: name.to_owned(),
            version: version.to_owned(),
            line: String::new(),
            hashes,
            is_changed: false,
            marker,
        });
    }

    fn refuse(&mut self, name: &str) {
        let name = name.escape_debug();
        self.notes
            .push(format!("`{name}` is no package and was not installed"));
    }

    fn elsewhere(&mut self, name: &str) {
        let name = name.escape_debug();
        self.notes.push(format!(
            "`{name}` comes from elsewhere than an index and was not installed"
        ));
    }

    fn poetry(&mut self, table: &Table) {
        let metadata = table.get("metadata").and_then(Value::as_table);
        for package in packages(table) {
            let Some((name, version)) = id_of(package) else {
                continue;
            };
            if let Some(source) = package.get("source").and_then(Value::as_table) {
                let kind = source.get("type").and_then(Value::as_str);
                if kind.is_some_and(|kind| kind != "legacy") {
                    self.elsewhere(name);
                    continue;
                }
            }
            let old = metadata.and_then(|metadata| metadata.get("files")?.get(name));
            let hashes = hashes_of(package.get("files").or(old));
            let marker = package.get("markers").and_then(Value::as_str);
            self.add(name, version, marker.map(str::to_owned), hashes);
        }
    }

    fn uv(&mut self, table: &Table) {
        let all: Vec<&Table> = packages(table).collect();
        let conditions = conditions::of(&all);
        for (place, package) in all.into_iter().enumerate() {
            let Some((name, version)) = id_of(package) else {
                continue;
            };
            let source = package.get("source").and_then(Value::as_table);
            let has = |key: &str| source.is_some_and(|source| source.contains_key(key));
            if has("editable") || has("virtual") {
                continue;
            }
            if !has("registry") {
                self.elsewhere(name);
                continue;
            }
            let mut hashes = hashes_of(package.get("wheels"));
            let sdist = package.get("sdist").and_then(|sdist| sdist.get("hash"));
            hashes.extend(sdist.and_then(Value::as_str).map(str::to_owned));
            let markers = package.get("resolution-markers").and_then(Value::as_array);
            let markers = markers.into_iter().flatten().filter_map(Value::as_str);
            let markers: Vec<_> = markers.map(|marker| format!("({marker})")).collect();
            let fork = (!markers.is_empty()).then(|| markers.join(" or "));
            let marker = match (fork, conditions.get(&place)) {
                (Some(fork), Some(way)) => Some(format!("({fork}) and ({way})")),
                (fork, way) => fork.or(way.cloned()),
            };
            self.add(name, version, marker, hashes);
        }
    }

    fn pipenv(&mut self, json: &Json) {
        let groups = json.as_object().into_iter().flatten();
        for (_, group) in groups.filter(|(name, _)| *name != "_meta") {
            for (name, entry) in group.as_object().into_iter().flatten() {
                let text = |key: &str| entry.get(key).and_then(Json::as_str);
                let Some(version) = text("version") else {
                    self.elsewhere(name);
                    continue;
                };
                let hashes = entry.get("hashes").and_then(Json::as_array);
                let hashes = hashes.into_iter().flatten().filter_map(Json::as_str);
                let hashes = hashes.map(str::to_owned).collect();
                let marker = text("markers").map(str::to_owned);
                self.add(name, version.trim_start_matches('='), marker, hashes);
            }
        }
    }

    /// Whatever versions a manifest names, pip says what they come to.
    fn manifest(&mut self, table: &Table) {
        for asked in pyproject::asked(table) {
            match asked {
                Ok(line) if requirement::is_plain(&line) => self.loose.push(line),
                Ok(line) if line.contains('@') => self.elsewhere(&line),
                Ok(line) => self.refuse(&line),
                Err(what) => self.elsewhere(&what),
            }
        }
    }

    fn requirements(
        &mut self,
        tree: &Tree,
        path: &RelPath,
        as_constraint: bool,
        seen: &mut BTreeSet<RelPath>,
    ) -> Result<(), String> {
        if seen.len() >= FILES_MAX || !seen.insert(path.clone()) {
            return Ok(());
        }
        let text = text_of(tree, path)?;
        for entry in pins::entries(&text) {
            match entry.option() {
                Some(("-r" | "--requirement", value)) => {
                    self.included(tree, (path, value), as_constraint, seen);
                }
                Some(("-c" | "--constraint", value)) => {
                    self.included(tree, (path, value), true, seen);
                }
                Some(_) => {}
                None => self.entry(&entry, as_constraint),
            }
        }
        Ok(())
    }

    fn included(
        &mut self,
        tree: &Tree,
        (from, value): (&RelPath, &str),
        as_constraint: bool,
        seen: &mut BTreeSet<RelPath>,
    ) {
        let read = below(from, value)
            .ok_or_else(|| "it is not of this tree".to_owned())
            .and_then(|path| self.requirements(tree, &path, as_constraint, seen));
        if let Err(why) = read {
            let value = value.escape_debug();
            self.notes.push(format!("`{value}` was not read: {why}"));
        }
    }

    fn entry(&mut self, entry: &Entry<'_>, as_constraint: bool) {
        let requirement = entry.requirement();
        let is_place = requirement.contains(['/', '@']) || requirement.starts_with('.');
        match entry.pin() {
            _ if as_constraint && requirement::is_plain(requirement) => {
                self.constraints.push(requirement.to_owned());
            }
            _ if as_constraint => self.refuse(requirement),
            Some(pin) => {
                let marker = requirement.split_once(';').map(|(_, marker)| marker.trim());
                let hashes = entry.hashes().into_iter().filter_map(|place| {
                    let text = &entry.raw[place.start - entry.start..place.end - entry.start];
                    let hash = text
                        .trim_start_matches("--hash")
                        .trim_start_matches(['=', ' ']);
                    hash.starts_with("sha256:").then(|| hash.to_owned())
                });
                let hashes = hashes.collect();
                self.add(pin.name, pin.version, marker.map(str::to_owned), hashes);
            }
            None if is_place => self.elsewhere(requirement),
            None if requirement::is_plain(requirement) => self.loose.push(requirement.to_owned()),
            None => self.refuse(requirement),
        }
    }

    /// Of several versions without markers the highest: one environment holds one.
    fn one_version_each(&mut self) {
        let mut best = BTreeMap::<String, Vec<u64>>::new();
        let key = |pin: &Pin| normalised(&Ecosystem::PyPi, &pin.name).into_owned();
        for pin in self.pins.iter().filter(|pin| pin.marker.is_none()) {
            let known = best.entry(key(pin)).or_default();
            *known = numbers(&pin.version).max(std::mem::take(known));
        }
        let mut seen = BTreeSet::new();
        self.pins.retain(|pin| {
            pin.marker.is_some()
                || best.get(&key(pin)) == Some(&numbers(&pin.version)) && seen.insert(key(pin))
        });
    }

    /// pip takes hashes for every package or for none.
    fn write_lines(&mut self) {
        let had_hashes = self.pins.iter().any(|pin| !pin.hashes.is_empty());
        for pin in &mut self.pins {
            pin.hashes.retain(|hash| is_sha256(hash));
        }
        let bare = self.pins.iter().find(|pin| pin.hashes.is_empty());
        let first_bare = bare.map(|pin| &pin.name).or(self.loose.first());
        let hashed = first_bare.is_none();
        if let Some(name) = first_bare.filter(|_| had_hashes) {
            let name = name.escape_debug();
            self.notes.push(format!(
                "pip checked no hashes, since it takes them for all or for none, and `{name}` has none \
                 that it could take"
            ));
        }
        for pin in &mut self.pins {
            let mut line = format!("{}=={}", pin.name, pin.version);
            if let Some(marker) = &pin.marker {
                line.push_str(&format!(" ; {marker}"));
            }
            for hash in pin.hashes.iter().filter(|_| hashed) {
                line.push_str(&format!(" --hash={hash}"));
            }
            pin.line = line;
        }
    }
}

fn is_sha256(hash: &str) -> bool {
    let hex = hash.strip_prefix("sha256:");
    hex.is_some_and(|hex| !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn numbers(version: &str) -> Vec<u64> {
    let parts = version.split(|c: char| !c.is_ascii_digit());
    parts.filter_map(|part| part.parse().ok()).collect()
}

/// A path from the folder of `from`, inside the tree.
fn below(from: &RelPath, value: &str) -> Option<RelPath> {
    let folder = from.parent();
    let folder = folder.as_ref().map_or("", RelPath::as_str);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in value.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    let is_inside = !value.starts_with('/') && !value.contains("://");
    RelPath::new(parts.join("/")).ok().filter(|_| is_inside)
}

fn text_of(tree: &Tree, path: &RelPath) -> Result<String, String> {
    match files::read(&tree.root, path, LOCKFILE_BYTES_MAX) {
        Ok(Some(text)) => Ok(text),
        Ok(None) => Err("it is not there".into()),
        Err(error) => Err(error.to_string()),
    }
}

fn toml_of(tree: &Tree) -> Result<Table, String> {
    let text = text_of(tree, &tree.lockfile)?;
    toml::from_str(&text).map_err(|error| error.message().to_owned())
}

fn packages(table: &Table) -> impl Iterator<Item = &Table> {
    let packages = table.get("package").and_then(Value::as_array);
    packages.into_iter().flatten().filter_map(Value::as_table)
}

fn id_of(package: &Table) -> Option<(&str, &str)> {
    let text = |key: &str| package.get(key).and_then(Value::as_str);
    Some((text("name")?, text("version")?))
}

fn hashes_of(files: Option<&Value>) -> Vec<String> {
    let files = files.and_then(Value::as_array).into_iter().flatten();
    files
        .filter_map(|file| Some(file.get("hash")?.as_str()?.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Pins {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let tree = Tree {
            root: folder.path().into(),
            lockfile: RelPath::new(files[0].0).unwrap(),
        };
        Pins::read(&tree).unwrap()
    }

    fn lines(pins: &Pins) -> Vec<&str> {
        pins.pins.iter().map(|pin| pin.line.as_str()).collect()
    }

    #[test]
    fn requirements_files_give_pins_loose_ones_and_constraints() {
        let pins = read(&[
            (
                "requirements/dev.txt",
                "-r ../base.txt\n-c limits.txt\nA[x]==1.0 ; os_name == 'posix' \\\n  --hash=sha256:aa\n-e .\n",
            ),
            (
                "base.txt",
                "b>=2\nc @ git+https://example.org/c\n-r ../../etc/passwd\n",
            ),
            ("requirements/limits.txt", "d==4\n"),
        ]);
        assert_eq!(lines(&pins), ["A==1.0 ; os_name == 'posix'"]);
        assert_eq!(pins.loose, ["b>=2"]);
        assert_eq!(pins.constraints, ["d==4"]);
        assert_eq!(pins.notes.len(), 3, "{:?}", pins.notes);
    }

    #[test]
    fn a_manifest_that_nothing_locks_asks_for_all_of_it_loosely() {
        let pins = read(&[(
            "app/pyproject.toml",
            "[project]\nname = \"app\"\ndependencies = [\"a==1\", \"b @ https://example.org/b.tar.gz\", \
             \"c>=1 --pre\"]\n",
        )]);
        assert!(pins.pins.is_empty());
        assert_eq!(pins.loose, ["a==1"]);
        assert_eq!(pins.notes.len(), 2, "{:?}", pins.notes);
    }

    #[test]
    fn what_pip_would_build_or_obey_is_neither_loose_nor_a_constraint() {
        let pins = read(&[
            (
                "requirements.txt",
                "-c limits.txt\na.zip\nb>=1 -e x\nc ; x == '$HOME'\nd>=1\n",
            ),
            (
                "limits.txt",
                "e @ https://example.org/e.tar.gz\nf<2\ng\u{85}--pre\n",
            ),
        ]);
        assert_eq!(pins.loose, ["d>=1"]);
        assert_eq!(pins.constraints, ["f<2"]);
        assert_eq!(pins.notes.len(), 5, "{:?}", pins.notes);
    }

    #[test]
    fn a_pin_is_changed_where_its_version_was_not_asked_for() {
        let before = read(&[("requirements.txt", "a==1\nb==1\n")]);
        let mut after = read(&[("requirements.txt", "a==1\nb==2\nc==1\n")]);
        after.mark_changed(&before);
        let changed: Vec<_> = after.pins.iter().map(|pin| pin.is_changed).collect();
        assert_eq!(changed, [false, true, true]);
    }

    #[test]
    fn hashes_count_where_every_package_has_them() {
        let pins = read(&[(
            "uv.lock",
            "[[package]]\nname = \"a\"\nversion = \"1\"\nsource = { registry = \"r\" }\n\
             sdist = { url = \"u\", hash = \"sha256:aa\" }\nwheels = [{ url = \"v\", hash = \"sha256:bb\" }]\n\
             [[package]]\nname = \"app\"\nversion = \"1\"\nsource = { editable = \".\" }\n\
             [[package]]\nname = \"g\"\nversion = \"1\"\nsource = { git = \"x\" }\n",
        )]);
        assert_eq!(lines(&pins), ["a==1 --hash=sha256:bb --hash=sha256:aa"]);
        assert_eq!(pins.notes.len(), 1);
    }

    #[test]
    fn hashes_that_are_not_checked_are_told() {
        let hashed = "a==1 --hash=sha256:aa\n";
        for (more, name) in [
            ("b==1\n", "`b`"),
            ("b==1 --hash=md5:bb\n", "`b`"),
            ("c>=1\n", "`c>=1`"),
        ] {
            let pins = read(&[("requirements.txt", &format!("{hashed}{more}"))]);
            assert_eq!(lines(&pins)[0], "a==1");
            assert_eq!(pins.notes.len(), 1, "{:?}", pins.notes);
            assert!(pins.notes[0].contains(name), "{:?}", pins.notes);
        }
        assert!(read(&[("requirements.txt", hashed)]).notes.is_empty());
        assert!(
            read(&[("requirements.txt", "a==1\nb==1\n")])
                .notes
                .is_empty()
        );
    }

    #[test]
    fn of_several_versions_without_markers_the_highest_is_installed() {
        let pins = read(&[(
            "poetry.lock",
            "[[package]]\nname = \"a\"\nversion = \"1.9\"\n[[package]]\nname = \"a\"\nversion = \"1.10\"\n\
             [metadata.files]\na = [{file = \"f\", hash = \"md5:00\"}]\n",
        )]);
        assert_eq!(lines(&pins), ["a==1.10"]);
    }

    #[test]
    fn what_would_be_an_option_of_pip_is_no_package() {
        let pins = read(&[(
            "Pipfile.lock",
            r#"{"default": {"--index-url": {"version": "==1"}, "a b": {"version": "==1"},
            "c": {"version": "==1\n--x"}, "d": {"version": "==1", "markers": "x\n--y"}}}"#,
        )]);
        assert!(lines(&pins).is_empty());
        assert_eq!(pins.notes.len(), 4, "{:?}", pins.notes);
    }
}
