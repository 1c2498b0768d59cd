//! Where things live on the user's machine: the state, the cache and the settings.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use etcetera::BaseStrategy;

/// The directories of one user. `BACKSTITCH_HOME` puts all of them below one folder.
#[derive(Debug, Clone)]
pub struct Places {
    state: PathBuf,
    cache: PathBuf,
    config: PathBuf,
    organisation: PathBuf,
}

/// Where an organisation's settings are, for all users of a machine.
const ORGANISATION: &str = "/etc/backstitch/config.toml";

impl Places {
    /// Finds them by the XDG base directory rules.
    pub fn discover() -> Result<Self> {
        if let Some(home) = std::env::var_os("BACKSTITCH_HOME").filter(|home| !home.is_empty()) {
            let home = std::path::absolute(&home)
                .with_context(|| format!("use BACKSTITCH_HOME `{}`", Path::new(&home).display()))?;
            return Ok(Self {
                state: home.join("state"),
                cache: home.join("cache"),
                config: config(&home.join("config")),
                organisation: organisation(),
            });
        }
        let base = etcetera::base_strategy::Xdg::new()
            .context("find the home directory; set HOME or BACKSTITCH_HOME")?;
        let state = base.state_dir().unwrap_or_else(|| base.data_dir());
        Ok(Self {
            state: state.join("backstitch"),
            cache: base.cache_dir().join("backstitch"),
            config: config(&base.config_dir().join("backstitch")),
            organisation: organisation(),
        })
    }

    /// The same with another state directory.
    pub fn with_state(self, state: &Path) -> Self {
        Self {
            state: state.to_owned(),
            ..self
        }
    }

    /// The same with the state directory that measuring engines has to itself: it keeps other
    /// untouched trees than those of the user's projects.
    pub fn of_bench(self) -> Self {
        Self {
            state: self.state.join("bench"),
            ..self
        }
    }

    /// Makes the state directory, for the user's eyes alone: it tells what is vulnerable
    /// and holds copies of projects.
    pub fn make_state(&self) -> Result<()> {
        let make = || {
            std::fs::create_dir_all(&self.state)?;
            std::fs::set_permissions(&self.state, std::fs::Permissions::from_mode(0o700))
        };
        make().with_context(|| format!("make state directory `{}`", self.state.display()))
    }

    /// Holds the ledger.
    pub fn ledger(&self) -> PathBuf {
        self.state.join("ledger")
    }

    /// Holds the trees of runs that are under way; emptied when they end.
    pub fn work(&self) -> PathBuf {
        self.state.join("work")
    }

    /// Holds reports, logs and patches of ended runs.
    pub fn evidence(&self) -> PathBuf {
        self.state.join("evidence")
    }

    /// The compiled advisory index.
    pub fn index(&self) -> PathBuf {
        self.state.join("advisories.idx")
    }

    /// The user's own settings, which no project can change. `BACKSTITCH_CONFIG` names another
    /// file.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// The organisation's settings, in the form of the user's. `BACKSTITCH_ORGANISATION` names
    /// another file.
    pub fn organisation(&self) -> &Path {
        &self.organisation
    }

    /// Downloads that can be had again.
    pub fn cache(&self) -> &Path {
        &self.cache
    }
}

fn config(folder: &Path) -> PathBuf {
    match std::env::var_os("BACKSTITCH_CONFIG").filter(|file| !file.is_empty()) {
        Some(file) => PathBuf::from(file),
        None => folder.join("config.toml"),
    }
}

fn organisation() -> PathBuf {
    match std::env::var_os("BACKSTITCH_ORGANISATION").filter(|file| !file.is_empty()) {
        Some(file) => PathBuf::from(file),
        None => PathBuf::from(ORGANISATION),
    }
}
