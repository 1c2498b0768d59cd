//! Owns what all of a run's npm jobs share: node, the package cache, and what a job of either
//! phase sees. Knows nothing of what a job's output means.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use backstitch_model::candidate::Step;
use backstitch_model::package::PackageVersion;
use backstitch_model::{RelPath, Reproducer};

use super::lock::Lock;
use super::scripts::{self, By, Scripts};
use super::skeleton::{self, FILE_BYTES_MAX, MANIFEST, MODULES};
use super::toolchain::Node;
use super::user::User;
use super::{installed, reproducer};
use crate::compare::Facts;
use crate::sandbox::{Access, Mount, PATH_INSIDE};
use crate::workbench::error::Doing;
use crate::workbench::places;
use crate::workbench::reproduce::Staged;
use crate::workbench::session::{Ended, Fetching, Surroundings, mount, texts, workspace_in};
use crate::workbench::trial::{Layer, Trial};
use crate::workbench::{
    Applied, Commands, PackageManager, Session, Setup, Tree, VerifyError, files,
};

/// The folder of a trial in which npm installs.
pub(super) const INSTALLED: &str = "installed";

/// The link in a trial's folder to what its installed packages lie over.
const UPON: &str = "installed-upon";

/// Where npm sees its cache.
const CACHE: &str = "/sandbox/npm-cache";

/// Settings that are nobody's: npm reads its own defaults where these files are not.
pub(super) const NO_SETTINGS: [(&str, &str); 2] = [
    ("npm_config_userconfig", "/sandbox/no-user-settings"),
    ("npm_config_globalconfig", "/sandbox/no-global-settings"),
];

/// Programs that a package's own settings could name: none runs. Installing inside a clone, npm
/// reads the clone's `.npmrc`, which these outrank; older versions know only the second.
const NO_GIT: [(&str, &str); 2] = [
    ("npm_config_allow_git", "none"),
    ("npm_config_git", "/sandbox/no-git"),
];

/// How many folders of installed packages one project may have.
const LAYERS_MAX: usize = 256;

/// Fetches, changes, builds and tests projects of npm's.
pub struct Npm {
    session: Session,
    node: Node,
    pub(super) user: User,
    cache: PathBuf,
    /// What was installed for the untouched project of each lockfile.
    untouched: Mutex<BTreeMap<RelPath, PathBuf>>,
}

/// Where npm installs: a folder, and perhaps another one below it that is only read.
pub(super) struct Place {
    pub(super) own: PathBuf,
    pub(super) below: Option<PathBuf>,
    /// What a layer needs for itself.
    pub(super) scratch: PathBuf,
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
            untouched: Mutex::default(),
        })
    }

    /// The node that everything is judged with.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The place for an attempt: over what was installed for the untouched project, where that
    /// is known and one folder can be laid over another, so that only what changes is written.
    pub(super) fn place(
        &self,
        tree: &Tree,
        work: &Path,
        is_attempt: bool,
    ) -> Result<Place, VerifyError> {
        let own = work.join(INSTALLED);
        let mark = work.join(UPON);
        for old in [&own, &mark] {
            if old.symlink_metadata().is_ok() {
                self.session.sandbox().discard(old)?;
            }
        }
        fs::create_dir_all(&own).doing("make directory", &own)?;
        let own = own.canonicalize().doing("find directory", &own)?;
        let untouched = self.untouched().get(&tree.lockfile).cloned();
        let below = untouched.filter(|below| is_attempt && below.is_dir() && *below != own);
        let below = match below {
            Some(below) if self.session.layered(work)? => Some(below),
            Some(_) | None => None,
        };
        if let Some(below) = &below {
            std::os::unix::fs::symlink(below, &mark).doing("make mark", &mark)?;
        }
        let scratch = work.join("scratch");
        fs::create_dir_all(&scratch).doing("make directory", &scratch)?;
        Ok(Place {
            own,
            below,
            scratch,
        })
    }

    /// Remembers what was installed for a tree that nothing was changed in. The first of a
    /// lockfile's trees is the untouched project.
    pub(super) fn remember(&self, tree: &Tree, place: &Place) {
        let lockfile = tree.lockfile.clone();
        let own = || place.own.clone();
        self.untouched().entry(lockfile).or_insert_with(own);
    }

    /// An empty place over nothing.
    pub(super) fn place_anew(&self, work: &Path) -> Result<Place, VerifyError> {
        let own = work.join(INSTALLED);
        if own.symlink_metadata().is_ok() {
            self.session.sandbox().discard(&own)?;
        }
        let scratch = work.join("scratch");
        for folder in [&own, &scratch] {
            fs::create_dir_all(folder).doing("make directory", folder)?;
        }
        let own = own.canonicalize().doing("find directory", &own)?;
        Ok(Place {
            own,
            below: None,
            scratch,
        })
    }

    fn untouched(&self) -> MutexGuard<'_, BTreeMap<RelPath, PathBuf>> {
        self.untouched
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Runs npm in the fetch phase, in the copy of the project at `place`.
    pub(super) fn run_fetching(
        &self,
        tree: &Tree,
        place: &Place,
        arguments: &[&str],
        work: &Path,
    ) -> Result<Ended, VerifyError> {
        let mut argv: Vec<OsString> = vec![
            self.node.program.clone().into_os_string(),
            self.node.npm.clone().into_os_string(),
        ];
        argv.extend(arguments.iter().map(OsString::from));
        if takes_peers_as_they_are(tree) {
            argv.push("--legacy-peer-deps".into());
        }
        let cache = mount(&self.cache, CACHE, Access::ReadWrite);
        let surroundings = Surroundings {
            mounts: vec![cache],
            environment: self.fetching_environment(),
        };
        self.run_in(tree, place, argv, surroundings, work)
    }

    /// Runs a program of node's in the fetch phase, in the copy of the project at `place`, with
    /// what it needs beside node.
    pub(super) fn run_in(
        &self,
        tree: &Tree,
        place: &Place,
        argv: Vec<OsString>,
        surroundings: Surroundings,
        work: &Path,
    ) -> Result<Ended, VerifyError> {
        let mut mounts = self.common_mounts();
        mounts.extend(surroundings.mounts);
        mounts.push(match &place.below {
            None => mount(&place.own, places::PROJECT, Access::ReadWrite),
            Some(below) => mount(
                below,
                places::PROJECT,
                Access::Overlay {
                    lower: Vec::new(),
                    upper: place.own.clone(),
                    work: place.scratch.clone(),
                },
            ),
        });
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
                environment: surroundings.environment,
            },
            work,
        })
    }

    /// Is this release what a job on top of `upon` finds below a folder of installed packages?
    pub(super) fn has_installed(
        upon: &Trial,
        work: &Path,
        modules: &str,
        package: &PackageVersion,
    ) -> bool {
        let tree = upon.tree();
        let own = work.join(INSTALLED);
        let from = if own.is_dir() { work } else { upon.work() };
        let newest = layers_in(from).into_iter().find_map(|layer| {
            let modules = workspace_in(&layer, &tree.lockfile).join(modules);
            let is_there = modules.join(&package.name).join(MANIFEST).exists();
            is_there.then_some(modules)
        });
        newest.is_some_and(|modules| {
            installed::facts(&modules, &package.name, &package.version).is_some()
        })
    }

    pub(super) fn common_mounts(&self) -> Vec<Mount> {
        let folders = self.node.folders();
        let hidden = folders
            .into_iter()
            .filter(|folder| !places::shown_anyway(folder));
        hidden.map(Mount::read_only).collect()
    }

    pub(super) fn path(&self, before: Option<&str>) -> OsString {
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

    pub(super) fn fetching_environment(&self) -> Vec<(OsString, OsString)> {
        let mut environment = self.user.variables.clone();
        environment.push(("PATH".into(), self.path(None)));
        environment.extend(texts(&NO_SETTINGS));
        environment.extend(texts(&NO_GIT));
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

    /// The folders of installed packages: where each is below the project, and where it really
    /// is, the newest layer first.
    fn modules(tree: &Tree, work: &Path, upon: Option<&Trial>) -> Vec<(String, Vec<PathBuf>)> {
        let work = match upon {
            Some(upon) if !work.join(INSTALLED).is_dir() => upon.work(),
            Some(_) | None => work,
        };
        let mut modules = BTreeMap::<String, Vec<PathBuf>>::new();
        for layer in layers_in(work) {
            for folder in skeleton::folders(&layer, tree.workspace().as_ref()) {
                let Ok(below) = RelPath::below(folder.as_ref(), MODULES) else {
                    continue;
                };
                let place = layer.join(below.as_str());
                if place.symlink_metadata().is_ok_and(|about| about.is_dir()) {
                    modules
                        .entry(below.as_str().to_owned())
                        .or_default()
                        .push(place);
                }
            }
        }
        modules.into_iter().take(LAYERS_MAX).collect()
    }
}

impl PackageManager for Npm {
    fn session(&self) -> &Session {
        &self.session
    }

    fn about(&self, _: Option<&Tree>) -> String {
        self.node.version.clone()
    }

    fn apply(&self, tree: &Tree, steps: &[Step], work: &Path) -> Result<Applied, VerifyError> {
        self.carry_out(tree, steps, work)
    }

    /// There have to be walls, so that nothing of the project's sees the network, and layers. No
    /// build sees npm's cache, and what is installed for one tree lies in a folder of its own, over
    /// what was installed before and is only read.
    fn can_work_beside(&self, near: &Path) -> Result<bool, VerifyError> {
        self.session.layered(near)
    }

    fn commands(&self, tree: &Tree) -> Commands {
        scripts_of(tree).commands(self.session.policy())
    }

    /// Without the project's own build: some need what is not there without a network.
    fn narrower(&self, commands: &Commands) -> Option<Commands> {
        scripts::narrower(commands, By::Npm, self.session.policy())
    }

    fn layers(&self, tree: &Tree, work: &Path, upon: Option<&Trial>) -> Vec<Layer> {
        let modules = Self::modules(tree, work, upon);
        modules
            .into_iter()
            .enumerate()
            .map(|(index, (below, places))| Layer {
                name: format!("modules-{index}"),
                inside: format!("{}/{below}", places::PROJECT),
                below: places,
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

    /// Copies of one release say the same; the first that is installed is asked.
    fn facts(&self, tree: &Tree, work: &Path, package: &PackageVersion) -> Option<Facts> {
        let lock = files::read(&tree.root, &tree.lockfile, FILE_BYTES_MAX).ok()??;
        let copies = Lock::parse(&lock).ok()?.copies(package);
        copies.iter().find_map(|copy| {
            let at = copy.rfind(MODULES)? + MODULES.len();
            let (modules, name) = (&copy[..at], copy[at..].strip_prefix('/')?);
            layers_in(work).into_iter().find_map(|layer| {
                let modules = workspace_in(&layer, &tree.lockfile).join(modules);
                installed::facts(&modules, name, &package.version)
            })
        })
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
        reproducer::specimen(reproducer, version, root, reproducer::EMPTY_LOCK)
    }
}

/// The folders in which npm installed for a trial, the newest first.
fn layers_in(work: &Path) -> Vec<PathBuf> {
    let below = fs::read_link(work.join(UPON)).ok();
    std::iter::once(work.join(INSTALLED)).chain(below).collect()
}

fn scripts_of(tree: &Tree) -> Scripts {
    let text = RelPath::below(tree.workspace().as_ref(), MANIFEST)
        .ok()
        .and_then(|path| files::read(&tree.root, &path, FILE_BYTES_MAX).ok()?);
    Scripts::of(&text.unwrap_or_default(), By::Npm)
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
