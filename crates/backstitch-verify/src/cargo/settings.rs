//! Owns which of cargo's settings are in force in the fetch phase, where the network is open and
//! nothing of the project's may run.
//!
//! A setting can name a program: `build.rustc`, a wrapper, a credential provider, a linker. So
//! nothing is passed on but what is listed here, from the user's file and from the project's:
//! where packages come from and, the user's alone, how to get to the network. Tokens are never
//! passed on. The lists follow <https://doc.rust-lang.org/cargo/reference/config.html>.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use backstitch_model::RelPath;
use toml::{Table, Value};

use crate::workbench::{files, places};

/// The largest settings file read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

const SOURCE_TEXTS: &[&str] = &["registry", "replace-with", "git", "branch", "tag", "rev"];
const SOURCE_PATHS: &[&str] = &["local-registry", "directory"];
const REGISTRY: &[&str] = &["index", "protocol"];
const HTTP: &[&str] = &[
    "proxy",
    "timeout",
    "check-revoke",
    "ssl-version",
    "low-speed-limit",
    "multiplexing",
    "user-agent",
];
const HTTP_PATHS: &[&str] = &["cainfo", "proxy-cainfo"];
const NET: &[&str] = &["retry", "offline"];
const PATCH: &[&str] = &[
    "version",
    "git",
    "branch",
    "tag",
    "rev",
    "registry",
    "package",
    "features",
    "optional",
    "default-features",
];

/// What of the user's surroundings cargo may know.
#[derive(Debug, Clone, Default)]
pub struct User {
    /// The user's own cargo home, for its settings file; never mounted.
    pub cargo_home: Option<PathBuf>,
    /// Variables; all but those about proxies, certificates and `CARGO_HTTP_*` are ignored.
    pub variables: Vec<(OsString, OsString)>,
}

impl User {
    /// Reads Backstitch's own environment.
    pub fn from_environment() -> Self {
        let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"));
        Self {
            cargo_home: std::env::var_os("CARGO_HOME")
                .map(PathBuf::from)
                .or_else(home),
            variables: std::env::vars_os().collect(),
        }
    }
}

/// A host path and where a job sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) host: PathBuf,
    pub(super) inside: PathBuf,
}

/// What the user contributes.
#[derive(Debug, Clone, Default)]
pub(super) struct UserSettings {
    sources: Table,
    network: Table,
    pub(super) variables: Vec<(OsString, OsString)>,
    pub(super) shown: Vec<Shown>,
    pub(super) notes: Vec<String>,
}

/// What the project contributes to the fetch phase.
#[derive(Debug, Default)]
pub(super) struct ProjectSettings {
    table: Table,
    /// Does it build for another platform than its own?
    pub(super) other_platform: bool,
    pub(super) notes: Vec<String>,
}

impl UserSettings {
    /// Takes from the user what is harmless. `confined` says whether jobs see mounts or the
    /// host's own paths.
    pub(super) fn read(user: &User, confined: bool) -> Self {
        let mut settings = Self::default();
        if let Some((file, table)) = user.cargo_home.as_deref().and_then(user_file) {
            let base = file
                .parent()
                .and_then(Path::parent)
                .unwrap_or(Path::new("/"))
                .to_path_buf();
            settings.take(&table, &base, confined);
        }
        settings.take_variables(&user.variables, confined);
        settings
    }

    fn take(&mut self, table: &Table, base: &Path, confined: bool) {
        let mut notes = Vec::new();
        let sources = origins(table, &mut notes, &mut |path| {
            self.show(&base.join(path), places::SOURCES, confined)
        });
        let http = table.get("http").and_then(Value::as_table);
        let mut kept = http.map(|http| only(http, HTTP)).unwrap_or_default();
        for key in HTTP_PATHS {
            if let Some(path) = http.and_then(|http| http.get(*key)?.as_str()) {
                let inside = self.show(&base.join(path), places::CERTIFICATES, confined);
                kept.insert((*key).into(), text(&inside));
            }
        }
        let net = table
            .get("net")
            .and_then(Value::as_table)
            .map(|net| only(net, NET));
        if table.contains_key("include") {
            notes.push("the user's cargo settings include other files, which are not read".into());
        }
        self.sources = sources;
        self.network.insert("http".into(), Value::Table(kept));
        self.network
            .insert("net".into(), Value::Table(net.unwrap_or_default()));
        self.notes.extend(notes);
    }

    fn take_variables(&mut self, variables: &[(OsString, OsString)], confined: bool) {
        for (name, value) in variables {
            let Some(text) = name.to_str() else { continue };
            if PLAIN_VARIABLES.contains(&text.to_ascii_lowercase().as_str()) {
                self.variables.push((name.clone(), value.clone()));
            } else if matches!(text, "SSL_CERT_FILE" | "SSL_CERT_DIR" | "CARGO_HTTP_CAINFO") {
                let inside = self.show(Path::new(value), places::CERTIFICATES, confined);
                self.variables.push((name.clone(), inside.into_os_string()));
            } else if text.starts_with("CARGO_HTTP_") {
                self.variables.push((name.clone(), value.clone()));
            }
        }
    }

    /// Notes that jobs must see a path of the host, and answers where they do.
    fn show(&mut self, path: &Path, below: &str, confined: bool) -> PathBuf {
        let Ok(host) = path.canonicalize() else {
            return path.to_path_buf();
        };
        if !confined || places::shown_anyway(&host) {
            return host;
        }
        if let Some(shown) = self.shown.iter().find(|shown| shown.host == host) {
            return shown.inside.clone();
        }
        let inside = Path::new(below).join(self.shown.len().to_string());
        self.shown.push(Shown {
            host,
            inside: inside.clone(),
        });
        inside
    }

    /// The settings of the fetch phase. The project's win, as they would in the tree.
    pub(super) fn for_fetch(&self, project: &ProjectSettings) -> String {
        let mut merged = self.sources.clone();
        merge(&mut merged, &self.network);
        merge(&mut merged, &project.table);
        let providers = Table::from_iter([(
            "global-credential-providers".to_owned(),
            Value::Array(Vec::new()),
        )]);
        merged.insert("registry".into(), Value::Table(providers));
        merged.to_string()
    }

    /// The settings of the run phase, where the project's own are in force besides.
    pub(super) fn for_run(&self) -> String {
        self.sources.to_string()
    }
}

const PLAIN_VARIABLES: &[&str] = &[
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "cargo_net_retry",
    "cargo_net_offline",
];

impl ProjectSettings {
    /// Takes from the project's settings files, the one nearest to the lockfile first, what is
    /// harmless. `inside` is where jobs see the tree.
    pub(super) fn read(root: &Path, workspace: Option<&RelPath>, inside: &Path) -> Self {
        let mut settings = Self::default();
        let mut folder = workspace.cloned();
        loop {
            let at = folder
                .as_ref()
                .map_or_else(|| inside.to_path_buf(), |at| inside.join(at.as_str()));
            settings.take(root, folder.as_ref(), &at);
            match folder {
                None => return settings,
                Some(below) => folder = below.parent(),
            }
        }
    }

    fn take(&mut self, root: &Path, folder: Option<&RelPath>, inside: &Path) {
        let found = [".cargo/config", ".cargo/config.toml"]
            .into_iter()
            .find_map(|name| {
                let path = RelPath::below(folder, name).ok()?;
                files::read(root, &path, FILE_BYTES_MAX).transpose()
            });
        let table = match found {
            None => return,
            Some(text) => text
                .ok()
                .and_then(|text| toml::from_str::<Table>(&text).ok()),
        };
        let Some(table) = table else {
            self.notes
                .push("the project's cargo settings could not be read for the fetch".into());
            return;
        };
        let place = |path: &str| inside.join(path);
        let mut kept = origins(&table, &mut self.notes, &mut |path| place(path));
        merge(&mut kept, &patches(&table, &place));
        self.other_platform |= table
            .get("build")
            .and_then(|build| build.get("target"))
            .is_some();
        if kept.contains_key("source") {
            self.notes
                .push("the project's cargo settings replace where packages come from".into());
        }
        let nearer = std::mem::replace(&mut self.table, kept);
        merge(&mut self.table, &nearer);
    }
}

/// The user's settings file, where there is one that can be read.
fn user_file(cargo_home: &Path) -> Option<(PathBuf, Table)> {
    let home = std::path::absolute(cargo_home).ok()?;
    ["config", "config.toml"].into_iter().find_map(|name| {
        let file = home.join(name);
        let text = std::fs::read_to_string(&file).ok()?;
        Some((file, toml::from_str(&text).ok()?))
    })
}

/// `[source]` and `[registries]`, with their paths put through `place`.
fn origins(
    table: &Table,
    notes: &mut Vec<String>,
    place: &mut dyn FnMut(&str) -> PathBuf,
) -> Table {
    let mut kept = Table::new();
    for (section, texts, paths) in [
        ("source", SOURCE_TEXTS, SOURCE_PATHS),
        ("registries", REGISTRY, &[]),
    ] {
        let mut entries = Table::new();
        for (name, entry) in table
            .get(section)
            .and_then(Value::as_table)
            .into_iter()
            .flatten()
        {
            let Some(entry) = entry.as_table() else {
                continue;
            };
            let mut allowed = only(entry, texts);
            if allowed
                .values()
                .filter_map(Value::as_str)
                .any(holds_credentials)
            {
                let name = name.escape_debug();
                notes.push(format!(
                    "the {section} `{name}` holds credentials and is left out"
                ));
                continue;
            }
            for key in paths {
                if let Some(path) = entry.get(*key).and_then(Value::as_str) {
                    allowed.insert((*key).into(), text(&place(path)));
                }
            }
            entries.insert(name.clone(), Value::Table(allowed));
        }
        if !entries.is_empty() {
            kept.insert(section.into(), Value::Table(entries));
        }
    }
    kept
}

/// `[patch]` and `paths`, which change what is locked.
fn patches(table: &Table, place: &dyn Fn(&str) -> PathBuf) -> Table {
    let mut kept = Table::new();
    let mut patch = Table::new();
    for (source, entries) in table
        .get("patch")
        .and_then(Value::as_table)
        .into_iter()
        .flatten()
    {
        let mut allowed = Table::new();
        for (name, entry) in entries.as_table().into_iter().flatten() {
            let Some(entry) = entry.as_table() else {
                continue;
            };
            let mut fields = only(entry, PATCH);
            if let Some(path) = entry.get("path").and_then(Value::as_str) {
                fields.insert("path".into(), text(&place(path)));
            }
            allowed.insert(name.clone(), Value::Table(fields));
        }
        patch.insert(source.clone(), Value::Table(allowed));
    }
    if !patch.is_empty() {
        kept.insert("patch".into(), Value::Table(patch));
    }
    if let Some(paths) = table.get("paths").and_then(Value::as_array) {
        let placed = paths
            .iter()
            .filter_map(Value::as_str)
            .map(|path| text(&place(path)));
        kept.insert("paths".into(), Value::Array(placed.collect()));
    }
    kept
}

fn only(table: &Table, keys: &[&str]) -> Table {
    keys.iter()
        .filter_map(|key| Some(((*key).to_owned(), table.get(*key)?.clone())))
        .collect()
}

/// A user name in an address is a credential, but for the one that ssh needs.
fn holds_credentials(address: &str) -> bool {
    let Some((scheme, rest)) = address.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority
        .rsplit_once('@')
        .is_some_and(|(user, _)| user.contains(':') || !scheme.ends_with("ssh"))
}

fn text(path: &Path) -> Value {
    Value::String(path.to_string_lossy().into_owned())
}

/// Puts `over` onto `table`; where both hold a table, deeply.
fn merge(table: &mut Table, over: &Table) {
    for (key, value) in over {
        match (table.get_mut(key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => merge(below, above),
            _ => {
                table.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
