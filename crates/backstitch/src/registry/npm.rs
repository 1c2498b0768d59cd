//! The npm registry: which releases a package has
//! (<https://github.com/npm/registry/blob/main/docs/REGISTRY-API.md>).
//!
//! The user's own npm configuration says where it is; the project's does not, because the
//! project is hostile. Of the user's, only the address is read, never what logs in there.
//! What the planner needs of a package is kept in a cache of Backstitch's own and asked for
//! anew in each run, unless it is offline.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use backstitch_model::project::{DependencyKind, Requirement};
use backstitch_model::registry::{Release, Releases, ReleasesUnavailable};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ureq::http::{Request, StatusCode, header};

use super::asking::{Asking, all_at_once, unlocked};
use crate::network::Network;

/// Npm's documented default.
const PUBLIC: &str = "https://registry.npmjs.org/";

/// The most bytes one package's document may have; the largest today have some 60 MiB.
const DOCUMENT_BYTES_MAX: u64 = 256 << 20;

/// The most bytes of the user's `.npmrc` that are read.
const SETTINGS_BYTES_MAX: u64 = 1 << 20;

/// The longest name that npm takes, in bytes.
const NAME_BYTES_MAX: usize = 214;

/// The scripts that an installation runs.
const INSTALL_SCRIPTS: [&str; 3] = ["preinstall", "install", "postinstall"];

/// Answers from the registry, each package asked for once.
pub struct NpmRegistry {
    address: String,
    cache: PathBuf,
    network: Network,
    asking: Asking,
    known: Mutex<HashMap<String, Answer>>,
}

type Answer = Result<Arc<[Release]>, ReleasesUnavailable>;

/// What is kept of a package: the answer's mark, and its releases in the registry's words.
#[derive(Serialize, Deserialize, Default)]
struct Kept {
    etag: Option<String>,
    document: Document,
}

/// A package's document, as far as it matters here.
#[derive(Serialize, Deserialize, Default)]
struct Document {
    #[serde(default)]
    versions: BTreeMap<String, Version>,
    /// When each was published, beside `created` and `modified`.
    #[serde(default)]
    time: BTreeMap<String, Value>,
}

/// One release. Old ones have anything anywhere, so what should be a map may be none.
#[derive(Serialize, Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Version {
    #[serde(skip_serializing_if = "Value::is_null")]
    dependencies: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    optional_dependencies: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    peer_dependencies: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    peer_dependencies_meta: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    engines: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    scripts: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    has_install_script: Value,
    dist: Dist,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Dist {
    #[serde(skip_serializing_if = "Value::is_null")]
    integrity: Value,
}

impl NpmRegistry {
    /// Finds the registry; asks nothing yet.
    pub fn open(cache: &Path, network: Network) -> Result<Self> {
        let address = address();
        // Two registries may have different packages of one name.
        let place = blake3::hash(address.as_bytes()).to_hex();
        let place = place.chars().take(16).collect::<String>();
        let cache = cache.join("npm-registry").join(place);
        std::fs::create_dir_all(&cache).with_context(|| format!("create `{}`", cache.display()))?;
        Ok(Self {
            address,
            cache,
            network,
            asking: Asking::default(),
            known: Mutex::default(),
        })
    }

    /// Asks for many packages at one time, so that a later look-up does not wait.
    pub fn prefetch(&self, packages: &[&str]) {
        all_at_once(packages, |package| {
            // The answer, a failure too, is kept for whoever asks next.
            let _ = self.releases(package);
        });
    }

    fn look_up(&self, package: &str) -> Answer {
        let unavailable = |why: String| ReleasesUnavailable {
            package: package.to_owned(),
            why,
        };
        if !is_name(package) {
            return Err(unavailable("npm takes no such name".to_owned()));
        }
        let path = self.cache.join(format!("{}.json", escaped(package)));
        let kept = read_kept(&path);
        let kept = match self.network.agent() {
            None => kept.ok_or_else(|| unavailable("offline, and not in the cache".into()))?,
            Some(agent) => self
                .ask(&agent, package, &path, kept)
                .map_err(unavailable)?,
        };
        Ok(releases(&kept.document))
    }

    fn ask(
        &self,
        agent: &ureq::Agent,
        package: &str,
        path: &Path,
        kept: Option<Kept>,
    ) -> Result<Kept, String> {
        let mut request = Request::get(format!("{}{}", self.address, escaped(package)))
            .header(header::ACCEPT, "application/json");
        if let Some(etag) = kept.as_ref().and_then(|kept| kept.etag.as_ref()) {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        let request = request.body(()).map_err(|error| error.to_string())?;
        let response = match self.asking.send(agent, &request, DOCUMENT_BYTES_MAX) {
            Ok(response) => response,
            // What is a day old beats nothing, and npm has the last word.
            Err(error) => return kept.ok_or(error),
        };
        match (response.status(), kept) {
            (StatusCode::NOT_MODIFIED, Some(kept)) => Ok(kept),
            (StatusCode::OK, _) => {
                let document = serde_json::from_slice(response.body())
                    .map_err(|error| format!("the registry's answer cannot be read: {error}"))?;
                let etag = response.headers().get(header::ETAG);
                let fresh = Kept {
                    etag: etag.and_then(|etag| Some(etag.to_str().ok()?.to_owned())),
                    document: slimmed(document),
                };
                write_kept(path, &fresh);
                Ok(fresh)
            }
            (StatusCode::NOT_FOUND, _) => Err("the registry does not know it".to_owned()),
            (status, _) => Err(format!("the server answered {status}")),
        }
    }
}

impl Releases for NpmRegistry {
    fn releases(&self, package: &str) -> Answer {
        if let Some(answer) = unlocked(&self.known).get(package) {
            return answer.clone();
        }
        let answer = self.look_up(package);
        let mut known = unlocked(&self.known);
        known.entry(package.to_owned()).or_insert(answer).clone()
    }
}

/// The registry that the user's npm asks, with a slash at its end
/// (<https://docs.npmjs.com/cli/using-npm/config>).
fn address() -> String {
    let variable = ["npm_config_registry", "NPM_CONFIG_REGISTRY"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok());
    let file = || {
        let home = std::env::var_os("HOME")?;
        let file = std::fs::File::open(Path::new(&home).join(".npmrc")).ok()?;
        let mut text = String::new();
        file.take(SETTINGS_BYTES_MAX)
            .read_to_string(&mut text)
            .ok()?;
        registry_in(&text)
    };
    let mut address = variable
        .filter(|address| !address.is_empty())
        .or_else(file)
        .unwrap_or_else(|| PUBLIC.to_owned());
    if !address.ends_with('/') {
        address.push('/');
    }
    address
}

/// The `registry = …` of an `.npmrc`; the last one counts.
fn registry_in(text: &str) -> Option<String> {
    text.lines().rev().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        // A value with a variable in it means something only to npm.
        (key.trim() == "registry" && !value.contains("${")).then(|| value.to_owned())
    })
}

/// Is it a name that npm ever took? It becomes part of an address and of a path.
fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        !part.is_empty() && !part.starts_with('.') && part.chars().all(allowed)
    };
    name.len() <= NAME_BYTES_MAX
        && match name.strip_prefix('@') {
            Some(scoped) => scoped
                .split_once('/')
                .is_some_and(|(scope, name)| is_part(scope) && is_part(name)),
            None => is_part(name),
        }
}

fn escaped(name: &str) -> String {
    name.replace('/', "%2f")
}

/// An entry of the cache; one that cannot be read is not there.
fn read_kept(path: &Path) -> Option<Kept> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

/// Replaced whole or not at all. A cache that cannot be written is only slow.
fn write_kept(path: &Path, kept: &Kept) {
    let write = || -> Option<()> {
        let mut file = tempfile::NamedTempFile::new_in(path.parent()?).ok()?;
        serde_json::to_writer(std::io::BufWriter::new(&mut file), kept).ok()?;
        file.persist(path).ok()?;
        Some(())
    };
    write();
}

/// Leaves out what is long and not asked for: scripts are only looked at by name.
fn slimmed(mut document: Document) -> Document {
    for version in document.versions.values_mut() {
        let has_script = has_install_script(version);
        version.has_install_script = if has_script {
            Value::Bool(true)
        } else {
            Value::Null
        };
        version.scripts = Value::Null;
    }
    document
}

fn has_install_script(version: &Version) -> bool {
    version.has_install_script == Value::Bool(true)
        || INSTALL_SCRIPTS
            .iter()
            .any(|name| version.scripts.get(name).is_some())
}

/// Converts a document, oldest version first; a version that is no semantic version is left out.
fn releases(document: &Document) -> Arc<[Release]> {
    let mut versions: Vec<_> = document
        .versions
        .iter()
        .filter_map(|(text, version)| Some((semver::Version::parse(text).ok()?, text, version)))
        .collect();
    versions.sort_by(|left, right| left.0.cmp(&right.0));
    versions
        .into_iter()
        .map(|(_, text, version)| release(text, version, document.time.get(text)))
        .collect()
}

fn release(text: &str, version: &Version, time: Option<&Value>) -> Release {
    let published = time
        .and_then(Value::as_str)
        .and_then(|time| time.parse::<jiff::Timestamp>().ok());
    let node = version.engines.get("node").and_then(Value::as_str);
    Release {
        version: text.to_owned(),
        // Deprecated is a word to readers; such a release installs like any other.
        yanked: false,
        rust_version: None,
        runtime: node.map(str::to_owned),
        published_s: published.map(jiff::Timestamp::as_second),
        requirements: requirements(version),
        features: BTreeMap::new(),
        checksum: version.dist.integrity.as_str().map(str::to_owned),
        files: Vec::new(),
        install_script: has_install_script(version),
    }
}

/// An optional dependency is listed among the plain ones too.
fn requirements(version: &Version) -> Vec<Requirement> {
    let section = |section: &Value, optional, peer| -> Vec<Requirement> {
        let entries = section.as_object().into_iter().flatten();
        entries
            .filter_map(|(key, text)| Some(requirement(key, text.as_str()?, optional, peer)))
            .collect()
    };
    let optional = section(&version.optional_dependencies, true, false);
    let mut plain = section(&version.dependencies, false, false);
    plain.retain(|one| optional.iter().all(|other| other.key != one.key));
    let mut peers = section(&version.peer_dependencies, false, true);
    for peer in &mut peers {
        let about = version.peer_dependencies_meta.get(&peer.key);
        peer.optional = about.and_then(|about| about.get("optional")) == Some(&Value::Bool(true));
    }
    [plain, optional, peers].concat()
}

fn requirement(key: &str, text: &str, optional: bool, peer: bool) -> Requirement {
    let alias = text.strip_prefix("npm:").map(|rest| {
        let at = rest.get(1..).and_then(|rest| rest.find('@'));
        at.map_or((rest, "*"), |at| (&rest[..=at], &rest[at + 2..]))
    });
    let (package, version) = alias.unwrap_or((key, text));
    Requirement {
        key: key.to_owned(),
        package: package.to_owned(),
        version: version.to_owned(),
        kind: DependencyKind::Normal,
        target: None,
        optional,
        peer,
        default_features: true,
        place: None,
        features: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Arc<[Release]> {
        releases(&slimmed(serde_json::from_str(json).unwrap()))
    }

    #[test]
    fn a_document_tells_releases_in_order_with_what_they_require() {
        let releases = of(
            r#"{"name": "a", "time": {"created": "x", "1.10.0": "2024-01-02T03:04:05.000Z", "0.1.0": 7},
            "versions": {
            "1.10.0": {"dependencies": {"b": "^1", "o": "1", "nick": "npm:@s/real@^2"},
                "optionalDependencies": {"o": "1"}, "peerDependencies": {"p": "*", "q": "*"},
                "peerDependenciesMeta": {"q": {"optional": true}}, "engines": {"node": ">=18"},
                "scripts": {"postinstall": "node x"}, "dist": {"integrity": "sha512-x"}},
            "1.9.0": {"dependencies": [], "engines": ["node"], "dist": {"shasum": "y"}, "deprecated": "old"},
            "0.1.0": {}, "not one": {}}}"#,
        );
        let versions: Vec<_> = releases.iter().map(|one| one.version.as_str()).collect();
        assert_eq!(versions, ["0.1.0", "1.9.0", "1.10.0"]);
        let newest = &releases[2];
        let told: Vec<_> = newest
            .requirements
            .iter()
            .map(|one| {
                (
                    one.key.as_str(),
                    one.package.as_str(),
                    one.optional,
                    one.peer,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("b", "b", false, false),
                ("nick", "@s/real", false, false),
                ("o", "o", true, false),
                ("p", "p", false, true),
                ("q", "q", true, true),
            ]
        );
        assert_eq!(newest.runtime.as_deref(), Some(">=18"));
        assert_eq!(newest.published_s, Some(1_704_164_645));
        assert_eq!(newest.checksum.as_deref(), Some("sha512-x"));
        assert!(newest.install_script && !releases[1].install_script);
        assert!(!releases[1].yanked && releases[1].published_s.is_none());
    }

    #[test]
    fn a_name_that_would_be_a_path_or_an_address_is_refused() {
        for name in ["a", "@s/a", "JSONStream", "a.b", "lodash._x", "@s-x/a_b"] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "", "../a", "a/b", "@s", "@/a", "a?b", "a#b", "@s/../a", ".a", "a\n",
        ] {
            assert!(!is_name(name), "{name:?}");
        }
        assert!(!is_name(&"a".repeat(300)));
    }

    #[test]
    fn only_the_address_is_read_of_the_users_settings() {
        let text = "//npm.example/:_authToken=secret\n@s:registry=https://s.example\n\
                    registry = \"https://npm.example/x\"\n";
        assert_eq!(registry_in(text).as_deref(), Some("https://npm.example/x"));
        assert_eq!(registry_in("registry=${REGISTRY}"), None);
        assert_eq!(registry_in("; registry"), None);
    }

    #[test]
    fn what_is_kept_is_read_back_and_offline_nothing_else_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let registry = NpmRegistry::open(folder.path(), Network::offline()).unwrap();
        assert!(registry.releases("a").is_err());
        let document = serde_json::from_str(r#"{"versions": {"1.0.0": {}}}"#).unwrap();
        let kept = Kept {
            etag: Some("W/x".into()),
            document,
        };
        write_kept(&registry.cache.join("@s%2fa.json"), &kept);
        assert_eq!(registry.releases("@s/a").unwrap()[0].version, "1.0.0");
    }
}
