//! Owns what all of a run's npm jobs share: node, the package cache, and what a job of either
//! phase sees. Knows nothing of what a job's output means.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use backstitch_model::candidate::Step;
use backstitch_model::package::PackageVersion;
use backstitch_model::{RelPath, Reproducer};

use super::installed;
use super::reproducer;
use super::scripts::{self, Scripts};
use super::skeleton::{self, FILE_BYTES_MAX, MANIFEST, MODULES};
use super::toolchain::Node;
use super::user::User;
use crate::compare::Facts;
use crate::sandbox::{Access, Mount, PATH_INSIDE};
use crate::workbench::places;
use crate::workbench::reproduce::Staged;
use crate::workbench::session::{Ended, Fetching, Surroundings, mount, texts, workspace_in};
use crate::workbench::trial::{Layer, Trial};
use crate::workbench::{
    Applied, Commands, PackageManager, Session, Setup, Tree, VerifyError, files,
};

/// The folder of a trial in which npm installs.
pub(super) const INSTALLED: &str = "installed";

/// Where npm sees its cache.
const CACHE: &str = "/sandbox/npm-cache";

/// Settings that are nobody's: npm reads its own defaults where these files are not.
const NO_SETTINGS: [(&str, &str); 2] = [
    ("npm_config_userconfig", "/sandbox/no-user-settings"),
    ("npm_config_globalconfig", "/sandbox/no-global-settings"),
];

/// How many folders of installed packages one project may have.
const LAYERS_MAX: usize = 256;

/// Fetches, changes, builds and tests projects of npm's.
pub struct Npm {
    session: Session,
    node: Node,
    user: User,
    cache: PathBuf,
}

impl Npm {
    /// Prepares the package cache.
    pub fn new(setup: Setup, node: Node, user: User) -> Result<Self, VerifyError> {
        let session = Session::new(setup);
        let cache = session.cache("npm-cache")?;
        Ok(Self {
            session,
            node,
            user,
            cache,
        })
    }

    /// The node that everything is judged with.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Runs npm in the fetch phase, in the copy of the project at `installed`.
    pub(super) fn run_fetching(
        &self,
        tree: &Tree,
        installed: &Path,
        arguments: &[&str],
        work: &Path,
    ) -> Result<Ended, VerifyError> {
        let installed = std::path::absolute(installed).unwrap_or_else(|_| installed.to_path_buf());
        let mut argv: Vec<OsString> = vec![
            self.node.program.clone().into_os_string(),
            self.node.npm.clone().into_os_string(),
        ];
        argv.extend(arguments.iter().map(OsString::from));
        if takes_peers_as_they_are(tree) {
            argv.push("--legacy-peer-deps".into());
        }
        let mut mounts = self.common_mounts();
        mounts.push(mount(&self.cache, CACHE, Access::ReadWrite));
        mounts.push(mount(&installed, places::PROJECT, Access::ReadWrite));
        let shown = self.user.files.iter().filter(|file| file.is_file());
        mounts.extend(
            shown
                .filter(|file| !places::shown_anyway(file))
                .map(Mount::read_only),
        );
        self.session.fetch(Fetching {
            argv,
            cwd: workspace_in(Path::new(places::PROJECT), &tree.lockfile),
            surroundings: Surroundings {
                mounts,
                environment: self.fetching_environment(),
            },
            work,
        })
    }

    fn common_mounts(&self) -> Vec<Mount> {
        let folders = self.node.folders();
        let hidden = folders
            .into_iter()
            .filter(|folder| !places::shown_anyway(folder));
        hidden.map(Mount::read_only).collect()
    }

    fn path(&self, before: Option<&str>) -> OsString {
        let mut path = OsString::new();
        if let Some(before) = before {
            path.push(format!("{before}:"));
        }
        if let Some(folder) = self.node.program.parent() {
            path.push(folder);
            path.push(":");
        }
        path.push(PATH_INSIDE);
        path
    }

    fn fetching_environment(&self) -> Vec<(OsString, OsString)> {
        let mut environment = self.user.variables.clone();
        environment.push(("PATH".into(), self.path(None)));
        environment.extend(texts(&NO_SETTINGS));
        environment.extend(texts(&[
            ("npm_config_cache", CACHE),
            ("npm_config_update_notifier", "false"),
            ("npm_config_ignore_scripts", "true"),
            ("NO_COLOR", "1"),
        ]));
        if self.session.offline() {
            environment.extend(texts(&[("npm_config_offline", "true")]));
        }
        environment
    }

    /// The folders of installed packages: where each is below the project, and where it really is.
    fn modules(tree: &Tree, work: &Path, upon: Option<&Trial>) -> Vec<(String, PathBuf)> {
        let own = work.join(INSTALLED);
        let installed = match upon {
            Some(upon) if !own.is_dir() => upon.work().join(INSTALLED),
            Some(_) | None => own,
        };
        let folders = skeleton::folders(&installed, tree.workspace().as_ref());
        folders
            .into_iter()
            .filter_map(|folder| {
                let below = RelPath::below(folder.as_ref(), MODULES).ok()?;
                let place = installed.join(below.as_str());
                let is_there = place.symlink_metadata().is_ok_and(|about| about.is_dir());
                is_there.then(|| (below.as_str().to_owned(), place))
            })
            .take(LAYERS_MAX)
            .collect()
    }
}

impl PackageManager for Npm {
    fn session(&self) -> &Session {
        &self.session
    }

    fn about(&self) -> String {
        self.node.version.clone()
    }

    fn apply(&self, tree: &Tree, steps: &[Step], work: &Path) -> Result<Applied, VerifyError> {
        self.carry_out(tree, steps, work)
    }

    fn commands(&self, tree: &Tree) -> Commands {
        scripts_of(tree).commands(self.session.policy())
    }

    /// Without the project's own build: some need what is not there without a network.
    fn narrower(&self, commands: &Commands) -> Option<Commands> {
        scripts::narrower(commands, self.session.policy())
    }

    fn layers(&self, tree: &Tree, work: &Path, upon: Option<&Trial>) -> Vec<Layer> {
        let modules = Self::modules(tree, work, upon);
        modules
            .into_iter()
            .enumerate()
            .map(|(index, (below, place))| Layer {
                name: format!("modules-{index}"),
                inside: format!("{}/{below}", places::PROJECT),
                below: vec![place],
            })
            .collect()
    }

    fn surroundings(&self, trial: &Trial) -> Result<Surroundings, VerifyError> {
        let project = workspace_in(Path::new(places::PROJECT), &trial.tree().lockfile);
        let programs = project.join(MODULES).join(".bin");
        let mut environment = vec![("PATH".into(), self.path(programs.to_str()))];
        environment.extend(texts(&NO_SETTINGS));
        environment.extend(texts(&[
            ("npm_config_offline", "true"),
            ("npm_config_update_notifier", "false"),
            ("npm_config_cache", "/tmp/npm-cache"),
            ("CI", "true"),
            ("NO_COLOR", "1"),
        ]));
        Ok(Surroundings {
            mounts: self.common_mounts(),
            environment,
        })
    }

    fn notes(&self, tree: &Tree) -> Vec<String> {
        let scripts = scripts_of(tree);
        scripts.notes(&scripts.commands(self.session.policy()))
    }

    /// Copies below other packages are not looked at.
    fn facts(&self, tree: &Tree, work: &Path, package: &PackageVersion) -> Option<Facts> {
        let modules = Self::modules(tree, work, None);
        let mut places = modules.iter().map(|(_, place)| place);
        places.find_map(|place| installed::facts(place, &package.name, &package.version))
    }

    fn stage(
        &self,
        trial: &Trial,
        reproducer: &Reproducer,
        package: &PackageVersion,
        work: &Path,
    ) -> Result<Result<Staged, String>, VerifyError> {
        reproducer::stage(self, trial, reproducer, package, work)
    }

    fn specimen(
        &self,
        reproducer: &Reproducer,
        version: &str,
        root: &Path,
    ) -> Result<Tree, VerifyError> {
        reproducer::specimen(reproducer, version, root)
    }
}

fn scripts_of(tree: &Tree) -> Scripts {
    let text = RelPath::below(tree.workspace().as_ref(), MANIFEST)
        .ok()
        .and_then(|path| files::read(&tree.root, &path, FILE_BYTES_MAX).ok()?);
    Scripts::of(&text.unwrap_or_default())
}

/// The one setting of a project's `.npmrc` that is passed on: without it npm refuses projects
/// whose packages disagree about their peers, and it names no program and no server.
fn takes_peers_as_they_are(tree: &Tree) -> bool {
    let text = RelPath::below(tree.workspace().as_ref(), ".npmrc")
        .ok()
        .and_then(|path| files::read(&tree.root, &path, FILE_BYTES_MAX).ok()?);
    let text = text.unwrap_or_default();
    text.lines().any(|line| {
        let pair = line.split_once('=');
        pair.is_some_and(|(key, value)| key.trim() == "legacy-peer-deps" && value.trim() == "true")
    })
}
