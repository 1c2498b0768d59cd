//! Owns what all of a run's jobs share: the toolchain, the package cache, the limits, and how a
//! job of either phase is put together. Knows nothing of what a job's output means.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use backstitch_model::policy::CommandLimits;
use backstitch_model::{Policy, RelPath};

use super::error::{CargoError, Doing};
use super::places;
use super::progress::{Lines, Progress};
use super::settings::{ProjectSettings, Shown, User, UserSettings};
use super::toolchain::Toolchain;
use super::trial::Trial;
use crate::sandbox::{
    Access, Cancel, Exit, Job, Limits, Mount, Network, Output, PATH_INSIDE, Ran, Sandbox,
};

/// The most one directory's logs are numbered to.
const LOGS_MAX: usize = 10_000;

/// Everything that is the same for all projects.
pub struct Setup {
    /// Where programs run.
    pub sandbox: Sandbox,
    /// The user's toolchain.
    pub toolchain: Toolchain,
    /// What of the user's surroundings counts.
    pub user: User,
    /// A directory for the package cache, shared between projects, made where it is missing.
    pub cache: PathBuf,
    /// The user's own commands and the limits.
    pub policy: Policy,
    /// Whether the fetch phase has to do with the packages that are on this machine.
    pub offline: bool,
    /// Stops everything.
    pub cancel: Cancel,
    /// Is told what is going on.
    pub progress: Progress,
}

/// A disposable copy of a project. Its files are given to the sandbox's user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// The copy's root on the host.
    pub root: PathBuf,
    /// The lockfile that counts; commands run in its folder.
    pub lockfile: RelPath,
}

/// Fetches, changes, builds and tests Rust projects.
pub struct Cargo {
    setup: Setup,
    user: UserSettings,
    home: PathBuf,
    layered: OnceLock<bool>,
}

/// A job that ended, and its log.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) ran: Ran,
    pub(super) log: PathBuf,
}

impl Cargo {
    /// Prepares the package cache.
    pub fn new(setup: Setup) -> Result<Self, CargoError> {
        let confined = setup.sandbox.is_confined();
        let home = setup.cache.join(if confined {
            "cargo-home"
        } else {
            "cargo-home-unconfined"
        });
        fs::create_dir_all(&home).doing("make package cache", &home)?;
        let home = home.canonicalize().doing("find package cache", &home)?;
        let user = UserSettings::read(&setup.user, confined);
        if !confined {
            let file = home.join("config.toml");
            fs::write(&file, user.for_run()).doing("write settings", &file)?;
        }
        setup.sandbox.own(&home)?;
        Ok(Self {
            setup,
            user,
            home,
            layered: OnceLock::new(),
        })
    }

    /// The toolchain that everything is judged with.
    pub fn toolchain(&self) -> &Toolchain {
        &self.setup.toolchain
    }

    pub(super) fn sandbox(&self) -> &Sandbox {
        &self.setup.sandbox
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.setup.policy
    }

    pub(super) fn offline(&self) -> bool {
        self.setup.offline
    }

    pub(super) fn user_notes(&self) -> &[String] {
        &self.user.notes
    }

    /// Tells whether trees are laid over one another rather than copied.
    pub(super) fn layered(&self, near: &Path) -> Result<bool, CargoError> {
        if let Some(layered) = self.layered.get() {
            return Ok(*layered);
        }
        let supported = self.sandbox().overlay_supported(near)?;
        Ok(*self.layered.get_or_init(|| supported))
    }

    /// Where a job sees a host path that is mounted at `inside`.
    pub(super) fn seen(&self, host: &Path, inside: impl AsRef<Path>) -> PathBuf {
        if self.sandbox().is_confined() {
            inside.as_ref().to_path_buf()
        } else {
            host.to_path_buf()
        }
    }

    /// Runs `cargo <arguments> --manifest-path <the tree's>` in the fetch phase.
    pub(super) fn run_fetching(
        &self,
        tree: &Tree,
        project: &ProjectSettings,
        arguments: &[String],
        work: &Path,
    ) -> Result<Ended, CargoError> {
        let above = std::path::absolute(work.join("fetch")).doing("find directory", work)?;
        let settings = write_settings(&above, &self.user.for_fetch(project))?;
        let root = self.seen(&tree.root, places::PROJECT);
        let mut argv = vec![self.program("cargo").into_os_string()];
        if !self.sandbox().is_confined() {
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
        let limits = &self.setup.policy.limits;
        let job = Job {
            argv,
            env: self.fetching_environment(&above)?,
            // Without walls the directories above the settings may hold the user's own, which
            // name credentials.
            cwd: self.seen(Path::new("/"), places::ABOVE),
            mounts,
            network: if self.offline() {
                Network::Loopback
            } else {
                Network::Host
            },
            // The cache is shared between projects and counts as a whole.
            limits: Limits {
                disk_bytes_max: limits.disk_bytes_max.saturating_mul(4),
                ..job_limits(limits)
            },
            output: Output::Merged {
                log: next_log(work, "fetch")?,
            },
        };
        self.run(&job)
    }

    /// Runs a command of the project's in the run phase.
    pub(super) fn run_project(
        &self,
        trial: &Trial,
        argv: &[String],
        name: &str,
    ) -> Result<Ended, CargoError> {
        let settings = write_settings(&trial.work().join("run"), &self.user.for_run())?;
        let mut mounts = self.common_mounts(Access::ReadOnly, settings);
        mounts.extend(trial.mounts()?);
        mounts.push(mount(
            &trial.fresh_temporary(self)?,
            places::TEMPORARY,
            Access::ReadWrite,
        ));
        let job = Job {
            argv: argv.iter().map(OsString::from).collect(),
            env: self.running_environment(trial),
            cwd: workspace_in(&trial.project(self), &trial.tree().lockfile),
            mounts,
            network: Network::Loopback,
            limits: job_limits(&self.setup.policy.limits),
            output: Output::Merged {
                log: next_log(trial.work(), name)?,
            },
        };
        self.run(&job)
    }

    fn run(&self, job: &Job) -> Result<Ended, CargoError> {
        let cancel = &self.setup.cancel;
        if cancel.is_cancelled() {
            return Err(CargoError::Cancelled);
        }
        let mut lines = Lines::new(&self.setup.progress);
        let Output::Merged { log } = job.output.clone() else {
            unreachable!("every job here has one log")
        };
        let ran = self
            .sandbox()
            .run(job, cancel, &mut |_, bytes| lines.take(bytes));
        match ran {
            // A job stopped while its sandbox was being built may end in any way.
            Err(_) if cancel.is_cancelled() => Err(CargoError::Cancelled),
            Err(error) => Err(error.into()),
            Ok(Ran {
                exit: Exit::Cancelled,
                ..
            }) => Err(CargoError::Cancelled),
            Ok(ran) => Ok(Ended { ran, log }),
        }
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
        self.seen(sysroot, places::TOOLCHAIN).join("bin")
    }

    fn shown_file(&self, host: &Path, name: &str) -> PathBuf {
        if places::shown_anyway(host) {
            return host.to_path_buf();
        }
        self.seen(host, Path::new(places::TOOLS).join(name))
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
        let path = if self.sandbox().is_confined() {
            PATH_INSIDE.into()
        } else {
            std::env::var_os("PATH").unwrap_or_default()
        };
        let mut programs = self.programs().into_os_string();
        programs.push(format!(":{}:", places::TOOLS));
        programs.push(path);
        let home = self.seen(&self.home, places::CARGO_HOME).into_os_string();
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
    fn fetching_environment(&self, above: &Path) -> Result<Vec<(OsString, OsString)>, CargoError> {
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
        if self.offline() {
            environment.extend(texts(&[("CARGO_NET_OFFLINE", "true")]));
        }
        if !self.sandbox().is_confined() {
            let home = above.join("home");
            fs::create_dir_all(&home).doing("make directory", &home)?;
            environment.push(("HOME".into(), home.into_os_string()));
        }
        // Cargo notes there what it knows of the compiler.
        let target = self.seen(&above.join("target"), "/tmp/target");
        environment.push(("CARGO_TARGET_DIR".into(), target.into_os_string()));
        Ok(environment)
    }

    /// Debug information and the compiler's own increments cost time and change no behaviour;
    /// assertions and overflow checks stay as the project has them.
    fn running_environment(&self, trial: &Trial) -> Vec<(OsString, OsString)> {
        let mut environment = self.common_environment();
        environment.push((
            "CARGO_TARGET_DIR".into(),
            trial.target(self).into_os_string(),
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

impl Tree {
    /// The folder that the lockfile is in; `None` for the root.
    pub(super) fn workspace(&self) -> Option<RelPath> {
        self.lockfile.parent()
    }
}

/// The folder of the lockfile below `root`.
pub(super) fn workspace_in(root: &Path, lockfile: &RelPath) -> PathBuf {
    lockfile
        .parent()
        .map_or_else(|| root.to_path_buf(), |folder| root.join(folder.as_str()))
}

pub(super) fn mount(host: &Path, inside: &str, access: Access) -> Mount {
    Mount {
        host: host.to_path_buf(),
        inside: inside.into(),
        access,
    }
}

fn texts(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

/// Writes cargo's settings and answers the directory to be shown as `.cargo`.
fn write_settings(above: &Path, text: &str) -> Result<PathBuf, CargoError> {
    let directory = above.join(".cargo");
    fs::create_dir_all(&directory).doing("make settings", &directory)?;
    let file = directory.join("config.toml");
    fs::write(&file, text).doing("write settings", &file)?;
    Ok(directory)
}

/// A log that is not there yet.
fn next_log(work: &Path, name: &str) -> Result<PathBuf, CargoError> {
    let logs = work.join("logs");
    fs::create_dir_all(&logs).doing("make log directory", &logs)?;
    let used = fs::read_dir(&logs)
        .doing("read log directory", &logs)?
        .take(LOGS_MAX)
        .count();
    Ok(logs.join(format!("{used:03}-{name}.log")))
}

fn job_limits(limits: &CommandLimits) -> Limits {
    let processors = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    Limits {
        wall_s: limits.wall_s,
        cpu_s: limits.wall_s.saturating_mul(processors),
        memory_bytes_max: limits.memory_bytes_max,
        data_bytes_max: limits.memory_bytes_max,
        processes_max: limits.processes_max,
        output_bytes_max: limits.output_bytes_max,
        disk_bytes_max: limits.disk_bytes_max,
        ..Limits::default()
    }
}
