//! Python's package index: which releases a package has, and what one of them requires.
//!
//! The user's own pip configuration says where the index is; the project's does not, because the
//! project is hostile. What a page says is kept in a cache of Backstitch's own and asked for
//! anew in each run, unless it is offline. What a release requires stands in a file beside its
//! wheel (<https://packaging.python.org/en/latest/specifications/simple-repository-api/>); it never changes, so it is asked for once. A
//! release without a wheel does not say: nothing is built to find out.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use backstitch_find::python::{Marker, Specifier, Wanted, normalised};
use backstitch_model::project::{DependencyKind, Requirement};
use backstitch_model::registry::{Release, ReleaseFile, Releases, ReleasesUnavailable};
use pep440_rs::Version;
use serde::{Deserialize, Serialize};
use ureq::http::{Request, StatusCode, header};

use super::asking::{Asking, all_at_once, unlocked};
use super::simple::{self, File};
use crate::network::Network;

/// The index's documented default.
const PUBLIC: &str = "https://pypi.org/simple/";

/// What is taken: JSON before HTML, as pip asks.
const ACCEPTED: &str = "application/vnd.pypi.simple.v1+json, \
    application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01";

/// The most bytes one page may have; the largest today have some 30 MiB.
const PAGE_BYTES_MAX: u64 = 128 << 20;

/// The most bytes one file of metadata may have.
const METADATA_BYTES_MAX: u64 = 4 << 20;

/// The most bytes of a settings file of pip that are read.
const SETTINGS_BYTES_MAX: u64 = 1 << 20;

/// The longest name that is asked for, in bytes.
const NAME_BYTES_MAX: usize = 200;

/// Answers from the index, each package asked for once.
pub struct PyPi {
    address: String,
    cache: PathBuf,
    network: Network,
    asking: Asking,
    known: Mutex<HashMap<String, Answer>>,
    required: Mutex<HashMap<String, Option<Arc<[Requirement]>>>>,
}

type Answer = Result<Arc<[Release]>, ReleasesUnavailable>;

/// What is kept of a page.
#[derive(Serialize, Deserialize, Default)]
struct Kept {
    etag: Option<String>,
    files: Vec<File>,
}

impl PyPi {
    /// Finds the index; asks nothing yet.
    pub fn open(cache: &Path, network: Network) -> Result<Self> {
        let address = address();
        // Two indexes may have different packages of one name.
        let place = blake3::hash(address.as_bytes()).to_hex();
        let place = place.chars().take(16).collect::<String>();
        let cache = cache.join("python-index").join(place);
        std::fs::create_dir_all(&cache).with_context(|| format!("create `{}`", cache.display()))?;
        Ok(Self {
            address,
            cache,
            network,
            asking: Asking::default(),
            known: Mutex::default(),
            required: Mutex::default(),
        })
    }

    /// Asks for many packages at one time, so that a later look-up does not wait.
    pub fn prefetch(&self, packages: &[&str]) {
        all_at_once(packages, |package| {
            // The answer, a failure too, is kept for whoever asks next.
            let _ = self.releases(package);
        });
    }

    fn look_up(&self, name: &str) -> Answer {
        let unavailable = |why: String| ReleasesUnavailable {
            package: name.to_owned(),
            why,
        };
        if !is_name(name) {
            return Err(unavailable("no index takes such a name".to_owned()));
        }
        let path = self.cache.join(format!("{name}.json"));
        let kept = read_kept(&path);
        let kept = match self.network.agent() {
            None => kept.ok_or_else(|| unavailable("offline, and not in the cache".into()))?,
            Some(agent) => self.ask(&agent, name, &path, kept).map_err(unavailable)?,
        };
        Ok(releases(name, &kept.files))
    }

    fn ask(
        &self,
        agent: &ureq::Agent,
        name: &str,
        path: &Path,
        kept: Option<Kept>,
    ) -> Result<Kept, String> {
        let at = format!("{}{name}/", self.address);
        let mut request = Request::get(&at).header(header::ACCEPT, ACCEPTED);
        if let Some(etag) = kept.as_ref().and_then(|kept| kept.etag.as_ref()) {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        let request = request.body(()).map_err(|error| error.to_string())?;
        let response = match self.asking.send(agent, &request, PAGE_BYTES_MAX) {
            Ok(response) => response,
            // What is a day old beats nothing, and the fetch has the last word.
            Err(error) => return kept.ok_or(error),
        };
        let said = |name: header::HeaderName| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        match (response.status(), kept) {
            (StatusCode::NOT_MODIFIED, Some(kept)) => Ok(kept),
            (StatusCode::OK, _) => {
                let content_type = said(header::CONTENT_TYPE).unwrap_or_default();
                let fresh = Kept {
                    etag: said(header::ETAG),
                    files: simple::parse(&at, &content_type, response.body())?,
                };
                write_whole(path, &fresh);
                Ok(fresh)
            }
            (StatusCode::NOT_FOUND, _) => Err("the index does not know it".to_owned()),
            (status, _) => Err(format!("the server answered {status}")),
        }
    }

    /// The metadata beside a wheel, from the cache where it is there.
    fn metadata(&self, url: &str) -> Option<String> {
        let key = blake3::hash(url.as_bytes()).to_hex();
        let path = self.cache.join(format!("{key}.metadata"));
        if let Ok(text) = std::fs::read_to_string(&path) {
            return Some(text);
        }
        let agent = self.network.agent()?;
        // Some indexes serve it and do not say so; one that has none says that it has none.
        let request = Request::get(format!("{url}.metadata")).body(()).ok()?;
        let response = self
            .asking
            .send(&agent, &request, METADATA_BYTES_MAX)
            .ok()?;
        if response.status() != StatusCode::OK {
            return None;
        }
        let text = String::from_utf8(response.into_body()).ok()?;
        write_whole_text(&path, &text);
        Some(text)
    }

    fn look_up_requirements(&self, package: &str, version: &str) -> Option<Arc<[Requirement]>> {
        let releases = self.releases(package).ok()?;
        let wanted: Version = version.parse().ok()?;
        let is_wanted = |release: &&Release| release.version.parse() == Ok(wanted.clone());
        let release = releases.iter().find(is_wanted)?;
        let metadata = release
            .files
            .iter()
            .filter(|file| is_wheel(&file.name))
            // A wheel for every platform first; all of one release mostly say the same.
            .min_by_key(|file| (!file.name.ends_with("-none-any.whl"), file.name.clone()))
            .and_then(|wheel| self.metadata(&wheel.url))?;
        requirements(&metadata).map(Arc::from)
    }
}

impl Releases for PyPi {
    fn releases(&self, package: &str) -> Answer {
        let name = normalised(package);
        if let Some(answer) = unlocked(&self.known).get(&name) {
            return answer.clone();
        }
        let answer = self.look_up(&name);
        let mut known = unlocked(&self.known);
        known.entry(name).or_insert(answer).clone()
    }

    fn requirements(&self, package: &str, version: &str) -> Option<Arc<[Requirement]>> {
        let key = format!("{} {version}", normalised(package));
        if let Some(known) = unlocked(&self.required).get(&key) {
            return known.clone();
        }
        let answer = self.look_up_requirements(package, version);
        let mut required = unlocked(&self.required);
        required.entry(key).or_insert(answer).clone()
    }
}

/// The index that the user's pip asks, with a slash at its end
/// (<https://pip.pypa.io/en/stable/topics/configuration/>).
fn address() -> String {
    let variable = std::env::var("PIP_INDEX_URL").ok();
    let mut address = variable
        .filter(|address| !address.is_empty())
        .or_else(|| settings_files().iter().find_map(|file| index_in_file(file)))
        .unwrap_or_else(|| PUBLIC.to_owned());
    if !address.ends_with('/') {
        address.push('/');
    }
    address
}

/// The user's own files, the one that counts first.
fn settings_files() -> Vec<PathBuf> {
    let folder = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|folder| folder.is_absolute())
    };
    let home = folder("HOME");
    let config = folder("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
    [
        folder("PIP_CONFIG_FILE"),
        config.map(|config| config.join("pip/pip.conf")),
        home.map(|home| home.join(".pip/pip.conf")),
        Some("/etc/xdg/pip/pip.conf".into()),
        Some("/etc/pip.conf".into()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn index_in_file(path: &Path) -> Option<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path).ok()?;
    file.take(SETTINGS_BYTES_MAX)
        .read_to_string(&mut text)
        .ok()?;
    index_in(&text)
}

/// The `index-url` of the section `[global]`.
fn index_in(text: &str) -> Option<String> {
    let mut section = "";
    let mut found = None;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        }
        let pair = line.split_once('=').filter(|_| section == "[global]");
        if let Some((key, value)) = pair
            && matches!(key.trim(), "index-url" | "index_url")
        {
            found = Some(value.trim().to_owned());
        }
    }
    found
}

/// Is it a normalised name? It becomes part of an address and of a path.
fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && name.chars().all(allowed)
        && !name.starts_with('-')
}

/// An entry of the cache; one that cannot be read is not there.
fn read_kept(path: &Path) -> Option<Kept> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn write_whole(path: &Path, kept: &Kept) {
    if let Ok(text) = serde_json::to_string(kept) {
        write_whole_text(path, &text);
    }
}

/// Replaced whole or not at all. A cache that cannot be written is only slow.
fn write_whole_text(path: &Path, text: &str) {
    let write = || -> Option<()> {
        let file = tempfile::NamedTempFile::new_in(path.parent()?).ok()?;
        std::fs::write(file.path(), text).ok()?;
        file.persist(path).ok()?;
        Some(())
    };
    write();
}

/// Groups files by release, lowest version first. What is neither a wheel nor a source archive,
/// or has no version that can be read, is left out.
fn releases(name: &str, files: &[File]) -> Arc<[Release]> {
    let mut by_version: BTreeMap<Version, Vec<&File>> = BTreeMap::new();
    for file in files {
        if let Some(version) = version_of(name, &file.name) {
            by_version.entry(version).or_default().push(file);
        }
    }
    by_version
        .into_iter()
        .map(|(version, files)| release(&version, &files))
        .collect()
}

/// Names of files are told apart by case everywhere but in this ending, which tools write small.
fn is_wheel(name: &str) -> bool {
    name.strip_suffix(".whl").is_some()
}

/// The version in a file's name (<https://packaging.python.org/en/latest/specifications/>).
fn version_of(name: &str, file: &str) -> Option<Version> {
    if let Some(stem) = file.strip_suffix(".whl") {
        let (written, rest) = stem.split_once('-')?;
        let version = rest.split('-').next()?;
        return (normalised(written) == name)
            .then(|| version.replace('_', "-").parse().ok())
            .flatten();
    }
    let stem = [".tar.gz", ".zip", ".tar.bz2", ".tgz"]
        .iter()
        .find_map(|end| file.strip_suffix(end))?;
    stem.match_indices('-')
        .filter(|(at, _)| normalised(&stem[..*at]) == name)
        .find_map(|(at, _)| stem[at + 1..].parse().ok())
}

fn release(version: &Version, files: &[&File]) -> Release {
    let uploaded = files.iter().filter_map(|file| file.uploaded.as_ref());
    let published = uploaded
        .filter_map(|time| time.parse::<jiff::Timestamp>().ok())
        .min();
    let mut listed: Vec<_> = files.iter().map(|file| listed(file)).collect();
    listed.sort_by(|left, right| left.name.cmp(&right.name));
    Release {
        version: version.to_string(),
        yanked: files.iter().all(|file| file.yanked),
        rust_version: None,
        runtime: files.iter().find_map(|file| file.python.clone()),
        published_s: published.map(jiff::Timestamp::as_second),
        requirements: Vec::new(),
        features: BTreeMap::new(),
        checksum: None,
        install_script: false,
        files: listed,
    }
}

fn listed(file: &File) -> ReleaseFile {
    ReleaseFile {
        name: file.name.clone(),
        url: file.url.clone(),
        sha256: file.sha256.clone().filter(|hash| is_sha256(hash)),
        bytes: file.bytes,
        uploaded: file.uploaded.clone(),
    }
}

/// It becomes part of a lockfile.
fn is_sha256(hash: &str) -> bool {
    hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The `Requires-Dist` lines of a release's metadata; `None` where one cannot be read, for then
/// nothing can be said of the release.
fn requirements(metadata: &str) -> Option<Vec<Requirement>> {
    let head = metadata.lines().take_while(|line| !line.trim().is_empty());
    head.filter_map(|line| line.strip_prefix("Requires-Dist:"))
        .map(|text| {
            let read = Specifier::parse(text).ok()?;
            Some(Requirement {
                key: read.name.clone(),
                package: read.name,
                version: match read.wanted {
                    Wanted::Versions(versions) => versions,
                    Wanted::Address(address) => format!("@ {address}"),
                },
                kind: DependencyKind::Normal,
                optional: read.marker.as_ref().is_some_and(Marker::names_extra),
                target: read.marker.map(|marker| marker.text().to_owned()),
                peer: false,
                default_features: true,
                place: None,
                features: read.extras,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_become_releases_whatever_their_names_are_like() {
        let file = |name: &str, yanked| File {
            name: name.to_owned(),
            url: String::new(),
            sha256: None,
            python: Some(">=3.6".to_owned()),
            bytes: None,
            uploaded: None,
            yanked,
        };
        let files = [
            file("ruamel.yaml-0.17.10.tar.gz", false),
            file("ruamel_yaml-0.17.9-py3-none-any.whl", true),
            file("ruamel.yaml-0.17.10-cp39-cp39-win32.whl", true),
            file("ruamel.yaml-0.17.10.win32.exe", false),
            file("other-1.0.tar.gz", false),
            file("ruamel.yaml.tar.gz", false),
        ];
        let releases = releases("ruamel-yaml", &files);
        let told: Vec<_> = releases
            .iter()
            .map(|release| {
                (
                    release.version.as_str(),
                    release.yanked,
                    release.files.len(),
                )
            })
            .collect();
        assert_eq!(told, [("0.17.9", true, 1), ("0.17.10", false, 2)]);
    }

    #[test]
    fn requirements_are_the_head_s_and_an_unreadable_one_makes_all_unknown() {
        let metadata = "Metadata-Version: 2.1\nName: requests\n\
            Requires-Dist: urllib3<3,>=1.21.1\n\
            Requires-Dist: PySocks!=1.5.7,>=1.5.6; extra == \"socks\"\n\nRequires-Dist: not here\n";
        let read = requirements(metadata).unwrap();
        let told: Vec<_> = read
            .iter()
            .map(|it| (it.package.as_str(), it.version.as_str(), it.optional))
            .collect();
        assert_eq!(
            told,
            [
                ("urllib3", "<3,>=1.21.1", false),
                ("PySocks", "!=1.5.7,>=1.5.6", true)
            ]
        );
        assert_eq!(requirements("Requires-Dist: a >= banana\n"), None);
    }

    #[test]
    fn only_a_plain_name_becomes_part_of_an_address_or_a_path() {
        for (name, expected) in [("idna", true), ("", false), ("..", false), ("a/b", false)] {
            assert_eq!(is_name(name), expected, "{name}");
        }
        let global = "[install]\nindex-url = https://no.example\n[global]\nindex-url = https://a.example/simple\n";
        assert_eq!(
            index_in(global).as_deref(),
            Some("https://a.example/simple")
        );
    }
}
