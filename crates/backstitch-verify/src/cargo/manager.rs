//! Owns what all of a run's cargo jobs share: the toolchain, the package cache, and what a job of
//! either phase sees. Knows nothing of what a job's output means.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use backstitch_model::Reproducer;
use backstitch_model::candidate::Step;
use backstitch_model::package::PackageVersion;

use super::commands;
use super::facts;
use super::reproducer;
use super::settings::{ProjectSettings, Shown, User, UserSettings};
use super::toolchain::Toolchain;
use crate::compare::Facts;
use crate::sandbox::{Access, Mount, PATH_INSIDE};
use crate::workbench::beside;
use crate::workbench::error::Doing;
use crate::workbench::places;
use crate::workbench::reproduce::Staged;
use crate::workbench::session::{Ended, Fetching, Surroundings, mount, texts, workspace_in};
use crate::workbench::trial::{Layer, Trial};
use crate::workbench::{Applied, Commands, PackageManager, Session, Setup, Tree, VerifyError};

/// The name of the layer that holds the build's results.
pub(super) const RESULTS: &str = "target";

/// The registries' index, in the package cache. Archives and unpacked packages need no layer: they
/// are added, never changed, and no build looks for them before.
const INDEX: &str = "registry/index";

/// Fetches, changes, builds and tests Rust projects.
pub struct Cargo {
    session: Session,
    toolchain: Toolchain,
    user: UserSettings,
    home: PathBuf,
    /// What releases say of themselves, as far as it was read: parsing all of a crate takes long.
    facts: Mutex<BTreeMap<PackageVersion, Facts>>,
}

impl Cargo {
    /// Prepares the package cache.
    pub fn new(setup: Setup, toolchain: Toolchain, user: &User) -> Result<Self, VerifyError> {
        let session = Session::new(setup);
        let confined = session.sandbox().is_confined();
        let home = session.cache(if confined {
            "cargo-home"
        } else {
            "cargo-home-unconfined"
        })?;
        let user = UserSettings::read(user, confined);
        if !confined {
            let file = home.join("config.toml");
            fs::write(&file, user.for_run()).doing("write settings", &file)?;
        }
        Ok(Self {
            session,
            toolchain,
            user,
            home,
            facts: Mutex::default(),
        })
    }

    /// The toolchain that everything is judged with.
    pub fn toolchain(&self) -> &Toolchain {
        &self.toolchain
    }

    pub(super) fn user_notes(&self) -> &[String] {
        &self.user.notes
    }

    /// A directory of the package cache, made where it is missing.
    pub(super) fn in_cache(&self, name: &str) -> Result<PathBuf, VerifyError> {
        let directory = self.home.join(name);
        if !directory.is_dir() {
            fs::create_dir_all(&directory).doing("make package cache", &directory)?;
            self.session.sandbox().own(&self.home)?;
        }
        Ok(directory)
    }

    /// Runs `cargo <arguments> --manifest-path <the tree's>` in the fetch phase, with a layer over
    /// the index where a run phase goes on beside it.
    pub(super) fn run_fetching(
        &self,
        tree: &Tree,
        project: &ProjectSettings,
        arguments: &[String],
        work: &Path,
        layer: Option<&beside::Layer>,
    ) -> Result<Ended, VerifyError> {
        let above = std::path::absolute(work.join("fetch")).doing("find directory", work)?;
        let settings = write_settings(&above, &self.user.for_fetch(project))?;
        let root = self.session.seen(&tree.root, places::PROJECT);
        let mut argv = vec![self.program("cargo").into_os_string()];
        if !self.session.sandbox().is_confined() {
            argv.extend(["--config".into(), settings.join("config.toml").into()]);
        }
        argv.extend(arguments.iter().map(OsString::from));
        argv.push("--manifest-path".into());
        argv.push(
            workspace_in(&root, &tree.lockfile)
                .join("Cargo.toml")
                .into(),
        );
        let mut mounts = self.common_mounts(Access::ReadWrite, settings);
        mounts.push(mount(&tree.root, places::PROJECT, Access::ReadWrite));
        mounts.extend(layer.map(beside::Layer::mount));
        self.session.fetch(Fetching {
            argv,
            // Without walls the directories above the settings may hold the user's own, which
            // name credentials.
            cwd: self.session.seen(Path::new("/"), places::ABOVE),
            surroundings: Surroundings {
                mounts,
                environment: self.fetching_environment(&above)?,
            },
            work,
        })
    }

    /// A program of the toolchain's, as jobs see it.
    fn program(&self, name: &str) -> PathBuf {
        let toolchain = self.toolchain();
        if name == "cargo" && !toolchain.cargo.starts_with(&toolchain.sysroot) {
            return self.shown_file(&toolchain.cargo, "cargo");
        }
        self.programs().join(name)
    }

    fn programs(&self) -> PathBuf {
        let sysroot = &self.toolchain().sysroot;
        if places::shown_anyway(sysroot) {
            return sysroot.join("bin");
        }
        self.session.seen(sysroot, places::TOOLCHAIN).join("bin")
    }

    fn shown_file(&self, host: &Path, name: &str) -> PathBuf {
        if places::shown_anyway(host) {
            return host.to_path_buf();
        }
        self.session.seen(host, Path::new(places::TOOLS).join(name))
    }

    fn common_mounts(&self, cache: Access, settings: PathBuf) -> Vec<Mount> {
        let toolchain = self.toolchain();
        let mut mounts = vec![
            mount(&self.home, places::CARGO_HOME, cache),
            Mount {
                host: settings,
                inside: places::SETTINGS.into(),
                access: Access::ReadOnly,
            },
        ];
        if !places::shown_anyway(&toolchain.sysroot) {
            mounts.push(mount(
                &toolchain.sysroot,
                places::TOOLCHAIN,
                Access::ReadOnly,
            ));
        }
        let cargo = (!toolchain.cargo.starts_with(&toolchain.sysroot)).then_some(&toolchain.cargo);
        for (tool, name) in [
            (cargo, "cargo"),
            (toolchain.nextest.as_ref(), "cargo-nextest"),
        ] {
            if let Some(tool) = tool.filter(|tool| !places::shown_anyway(tool)) {
                let inside = Path::new(places::TOOLS).join(name);
                mounts.push(Mount {
                    host: tool.clone(),
                    inside,
                    access: Access::ReadOnly,
                });
            }
        }
        mounts.extend(
            self.user
                .shown
                .iter()
                .cloned()
                .map(|Shown { host, inside }| Mount {
                    host,
                    inside,
                    access: Access::ReadOnly,
                }),
        );
        mounts
    }

    fn common_environment(&self) -> Vec<(OsString, OsString)> {
        let path = if self.session.sandbox().is_confined() {
            PATH_INSIDE.into()
        } else {
            std::env::var_os("PATH").unwrap_or_default()
        };
        let mut programs = self.programs().into_os_string();
        programs.push(format!(":{}:", places::TOOLS));
        programs.push(path);
        let home = self
            .session
            .seen(&self.home, places::CARGO_HOME)
            .into_os_string();
        let mut environment = vec![("PATH".into(), programs), ("CARGO_HOME".into(), home)];
        environment.extend(texts(&[
            ("CARGO_TERM_COLOR", "never"),
            ("CARGO_TERM_PROGRESS_WHEN", "never"),
            ("CARGO_TERM_QUIET", "false"),
            ("CARGO_TERM_VERBOSE", "false"),
        ]));
        environment
    }

    /// Whatever a setting of the project's could say of these, it does not count. `above` takes
    /// what would lie in the user's own directories if there are no walls.
    fn fetching_environment(&self, above: &Path) -> Result<Vec<(OsString, OsString)>, VerifyError> {
        let mut environment = self.user.variables.clone();
        environment.extend(self.common_environment());
        environment.push((
            "RUSTC".into(),
            self.programs().join("rustc").into_os_string(),
        ));
        environment.extend(texts(&[
            ("RUSTC_WRAPPER", ""),
            ("RUSTC_WORKSPACE_WRAPPER", ""),
            ("CARGO_NET_GIT_FETCH_WITH_CLI", "false"),
            ("CARGO_RESOLVER_INCOMPATIBLE_RUST_VERSIONS", "fallback"),
        ]));
        if self.session.offline() {
            environment.extend(texts(&[("CARGO_NET_OFFLINE", "true")]));
        }
        if !self.session.sandbox().is_confined() {
            let home = above.join("home");
            fs::create_dir_all(&home).doing("make directory", &home)?;
            environment.push(("HOME".into(), home.into_os_string()));
        }
        // Cargo notes there what it knows of the compiler.
        let target = self.session.seen(&above.join("target"), "/tmp/target");
        environment.push(("CARGO_TARGET_DIR".into(), target.into_os_string()));
        Ok(environment)
    }

    /// Debug information and the compiler's own increments cost time and change no behaviour;
    /// assertions and overflow checks stay as the project has them.
    fn running_environment(&self, trial: &Trial) -> Vec<(OsString, OsString)> {
        let mut environment = self.common_environment();
        environment.push((
            "CARGO_TARGET_DIR".into(),
            trial.layer(&self.session, RESULTS).into_os_string(),
        ));
        environment.extend(texts(&[
            ("CARGO_NET_OFFLINE", "true"),
            ("CARGO_INCREMENTAL", "0"),
            ("CARGO_PROFILE_DEV_DEBUG", "0"),
            ("CARGO_PROFILE_TEST_DEBUG", "0"),
        ]));
        environment
    }
}

impl PackageManager for Cargo {
    fn session(&self) -> &Session {
        &self.session
    }

    fn about(&self, _: Option<&Tree>) -> String {
        self.toolchain.version.clone()
    }

    fn apply(&self, tree: &Tree, steps: &[Step], work: &Path) -> Result<Applied, VerifyError> {
        self.carry_out(tree, steps, work, None)
    }

    /// There have to be walls, so that nothing of the project's sees the network, and layers.
    fn can_work_beside(&self, near: &Path) -> Result<bool, VerifyError> {
        self.session.layered(near)
    }

    fn apply_beside(
        &self,
        tree: &Tree,
        steps: &[Step],
        work: &Path,
    ) -> Result<Applied, VerifyError> {
        let inside = Path::new(places::CARGO_HOME).join(INDEX);
        let index = self.in_cache(INDEX)?;
        let layer = beside::Layer::prepare(&self.session, index, inside, work)?;
        let applied = self.carry_out(tree, steps, work, Some(&layer));
        layer.settle(&self.session)?;
        applied
    }

    fn commands(&self, tree: &Tree) -> Commands {
        commands::of(
            tree,
            self.session.policy(),
            self.toolchain.nextest.is_some(),
        )
    }

    /// Without `--workspace`: some workspaces do not build whole.
    fn narrower(&self, commands: &Commands) -> Option<Commands> {
        commands::for_root_alone(commands, self.session.policy())
    }

    fn layers(&self, tree: &Tree, _: &Path, upon: Option<&Trial>) -> Vec<Layer> {
        vec![Layer {
            name: RESULTS.into(),
            inside: target_inside(tree),
            below: upon.map(|trial| trial.results(RESULTS)).unwrap_or_default(),
        }]
    }

    fn surroundings(&self, trial: &Trial) -> Result<Surroundings, VerifyError> {
        let settings = write_settings(&trial.work().join("run"), &self.user.for_run())?;
        Ok(Surroundings {
            mounts: self.common_mounts(Access::ReadOnly, settings),
            environment: self.running_environment(trial),
        })
    }

    fn notes(&self, tree: &Tree) -> Vec<String> {
        let asked = self.toolchain.note(&tree.root, tree.workspace().as_ref());
        asked.into_iter().collect()
    }

    fn facts(&self, _: &Tree, _: &Path, package: &PackageVersion) -> Option<Facts> {
        let known = || self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(facts) = known().get(package) {
            return Some(facts.clone());
        }
        let facts = facts::read(&self.home, &package.name, &package.version)?;
        known().insert(package.clone(), facts.clone());
        Some(facts)
    }

    fn stage(
        &self,
        trial: &Trial,
        reproducer: &Reproducer,
        package: &PackageVersion,
        work: &Path,
    ) -> Result<Result<Staged, String>, VerifyError> {
        self.stage_crate(trial, reproducer, package, work)
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

/// The usual place, since some tests look there; another where the tree has something
/// else of that name, which a mount must not follow.
fn target_inside(tree: &Tree) -> String {
    let usual = workspace_in(&tree.root, &tree.lockfile).join("target");
    let inside = workspace_in(Path::new(places::PROJECT), &tree.lockfile).join("target");
    match usual.symlink_metadata() {
        Ok(found) if !found.is_dir() => places::TARGET.into(),
        _ => inside.to_str().unwrap_or(places::TARGET).into(),
    }
}

/// Writes cargo's settings and answers the directory to be shown as `.cargo`.
fn write_settings(above: &Path, text: &str) -> Result<PathBuf, VerifyError> {
    let directory = above.join(".cargo");
    fs::create_dir_all(&directory).doing("make settings", &directory)?;
    let file = directory.join("config.toml");
    fs::write(&file, text).doing("write settings", &file)?;
    Ok(directory)
}
