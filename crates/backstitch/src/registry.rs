//! The crates registry's index: which releases a crate has.
//!
//! The user's own cargo configuration says where it is (source replacement included);
//! the project's does not, because the project is hostile. Entries are kept in a cache
//! of Backstitch's own and asked for anew in each run, unless it is offline. The format
//! is Cargo's: <https://doc.rust-lang.org/cargo/reference/registry-index.html>.

mod asking;
mod npm;
mod pypi;
mod simple;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use backstitch_model::project::{DependencyKind, Requirement};
use backstitch_model::registry::{Release, Releases, ReleasesUnavailable};
use tame_index::flock::LockOptions;
use tame_index::index::{FileLock, IndexLocation, IndexUrl, LocalRegistry};
use tame_index::krate::{IndexDependency, IndexVersion};
use tame_index::{IndexKrate, KrateName, SparseIndex};

use crate::network::Network;

use asking::{Asking, all_at_once, unlocked};

pub use npm::NpmRegistry;
pub use pypi::PyPi;

/// Answers from the registry's index, each crate asked for once.
pub struct CratesIndex {
    place: Place,
    lock_path: tame_index::PathBuf,
    network: Network,
    known: Mutex<HashMap<String, Answer>>,
    asking: Asking,
}

type Answer = Result<Arc<[Release]>, ReleasesUnavailable>;

enum Place {
    /// The index proper, and cargo's own copy of parts of it.
    Sparse {
        own: SparseIndex,
        cargo: SparseIndex,
    },
    Local(LocalRegistry),
}

/// The most bytes one crate's index entry may have; the largest today has under 10 MiB.
const ENTRY_BYTES_MAX: u64 = 64 << 20;

impl CratesIndex {
    /// Finds the index; asks nothing yet.
    pub fn open(cache: &Path, network: Network) -> Result<Self> {
        let root = cache.join("crates-index");
        std::fs::create_dir_all(&root).with_context(|| format!("create `{}`", root.display()))?;
        let cargo_home = tame_index::utils::cargo_home().context("find cargo's home directory")?;
        let url = || {
            // The version decides only between the sparse and the git protocol.
            IndexUrl::crates_io(Some(utf8(root.clone())?), Some(&cargo_home), Some("1.89.0"))
                .context("read cargo's configuration")
        };
        let place = match url()? {
            IndexUrl::Local(path) => Place::Local(
                LocalRegistry::open(path.into_owned(), false).context("open the local registry")?,
            ),
            own => Place::Sparse {
                own: sparse(own, utf8(root.clone())?)?,
                cargo: sparse(url()?, cargo_home.clone())?,
            },
        };
        Ok(Self {
            place,
            lock_path: utf8(root.join(".lock"))?,
            network,
            known: Mutex::default(),
            asking: Asking::default(),
        })
    }

    /// Asks for many crates at one time, so that a later look-up does not wait.
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
        let name = KrateName::crates_io(package).map_err(|error| unavailable(error.to_string()))?;
        let entry = match &self.place {
            Place::Local(registry) => registry
                .index()
                .krate(name, &FileLock::unlocked())
                .and_then(|entry| entry.map(|entry| entry.deserialize()).transpose())
                .map_err(|error| unavailable(error.to_string()))?,
            Place::Sparse { own, cargo } => match self.network.agent() {
                None => Some(
                    cached(own, name)
                        .or_else(|| cached(cargo, name))
                        .ok_or_else(|| unavailable("offline, and not in the cache".into()))?,
                ),
                Some(agent) => self.ask(&agent, own, name).map_err(unavailable)?,
            },
        };
        let entry = entry.ok_or_else(|| unavailable("the registry does not know it".into()))?;
        Ok(releases(&entry))
    }

    /// Asks the server; `None` for a crate it does not know.
    fn ask(
        &self,
        agent: &ureq::Agent,
        index: &SparseIndex,
        name: KrateName<'_>,
    ) -> Result<Option<IndexKrate>, String> {
        let text = |error: tame_index::Error| error.to_string();
        let request = index
            .make_remote_request(name, None, &self.locked()?)
            .map_err(text)?;
        match self.asking.send(agent, &request.into(), ENTRY_BYTES_MAX) {
            Ok(response) => index
                .parse_remote_response(name, &response, true, &self.locked()?)
                .and_then(|entry| entry.map(|entry| entry.deserialize()).transpose())
                .map_err(text),
            // An index that is a day old beats none, and cargo has the last word.
            Err(error) => cached(index, name).map(Some).ok_or(error),
        }
    }

    /// Locks the cache against other processes, for the moment of one look-up.
    fn locked(&self) -> Result<FileLock, String> {
        LockOptions::new(&self.lock_path)
            .exclusive(true)
            .lock(|_| None)
            .map_err(|error| error.to_string())
    }
}

/// An entry of a cache; one that cannot be read, since it is being written, is not there.
fn cached(index: &SparseIndex, name: KrateName<'_>) -> Option<IndexKrate> {
    index
        .cached_krate(name, &FileLock::unlocked())
        .ok()??
        .deserialize()
        .ok()
}

fn sparse(url: IndexUrl<'_>, root: tame_index::PathBuf) -> Result<SparseIndex> {
    let location = IndexLocation {
        url,
        root: tame_index::index::IndexPath::UserSpecified(root),
        cargo_version: Some(tame_index::Version::new(1, 89, 0)),
    };
    SparseIndex::new(location)
        .context("use the crates index: only the sparse protocol and local registries are known")
}

fn utf8(path: PathBuf) -> Result<tame_index::PathBuf> {
    tame_index::PathBuf::from_path_buf(path)
        .map_err(|path| anyhow::anyhow!("use `{}`: the path is no UTF-8", path.display()))
}

impl Releases for CratesIndex {
    fn releases(&self, package: &str) -> Answer {
        if let Some(answer) = unlocked(&self.known).get(package) {
            return answer.clone();
        }
        let answer = self.look_up(package);
        let mut known = unlocked(&self.known);
        known.entry(package.to_owned()).or_insert(answer).clone()
    }
}

/// Converts an entry, oldest version first; a version that is no semantic version is left out.
fn releases(entry: &IndexKrate) -> Arc<[Release]> {
    let mut versions: Vec<_> = entry
        .versions
        .iter()
        .filter_map(|version| Some((semver::Version::parse(&version.version).ok()?, version)))
        .collect();
    versions.sort_by(|left, right| left.0.cmp(&right.0));
    versions
        .into_iter()
        .map(|(_, version)| release(version))
        .collect()
}

fn release(version: &IndexVersion) -> Release {
    let published = version
        .pubtime
        .as_ref()
        .and_then(|time| time.parse::<jiff::Timestamp>().ok());
    Release {
        version: version.version.to_string(),
        yanked: version.yanked,
        rust_version: version.rust_version.as_ref().map(ToString::to_string),
        runtime: None,
        published_s: published.map(jiff::Timestamp::as_second),
        requirements: version.deps.iter().map(requirement).collect(),
        features: version
            .features()
            .map(|(name, turns_on)| (name.clone(), turns_on.clone()))
            .collect(),
        checksum: Some(backstitch_model::Digest(*version.checksum()).to_string()),
        // Every build script runs when its package is built; the index does not name them.
        install_script: false,
        files: Vec::new(),
    }
}

fn requirement(dependency: &IndexDependency) -> Requirement {
    use tame_index::krate::DependencyKind as Kind;
    Requirement {
        key: dependency.name.to_string(),
        package: dependency.crate_name().to_owned(),
        version: dependency.req.to_string(),
        kind: match dependency.kind() {
            Kind::Normal => DependencyKind::Normal,
            Kind::Build => DependencyKind::Build,
            Kind::Dev => DependencyKind::Dev,
        },
        target: dependency.target().map(str::to_owned),
        optional: dependency.is_optional(),
        peer: false,
        default_features: dependency.has_default_features(),
        place: None,
        features: dependency.features().to_vec(),
    }
}
