//! Owns what all of a run's jobs share, whichever package manager they are for: the sandbox, the
//! limits, and how a job is run. Knows nothing of what a job's output means.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use backstitch_model::policy::CommandLimits;
use backstitch_model::{LockFormat, Policy, RelPath};

use super::error::{Doing, VerifyError};
use super::places;
use super::progress::{Lines, Progress};
use super::trial::Trial;
use crate::sandbox::{Access, Cancel, Exit, Job, Limits, Mount, Network, Output, Ran, Sandbox};

/// The most one directory's logs are numbered to.
const LOGS_MAX: usize = 10_000;

/// Everything that is the same for all projects and all package managers.
#[derive(Clone)]
pub struct Setup {
    /// Where programs run.
    pub sandbox: Sandbox,
    /// A directory for package caches, shared between projects, made where it is missing.
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
    /// The lockfile that counts, or the file by which a project without one is built; commands run
    /// in its folder.
    pub lockfile: RelPath,
}

/// Runs jobs for a package manager.
pub struct Session {
    setup: Setup,
    layered: Mutex<Option<bool>>,
    fetching: Mutex<()>,
    /// May jobs reserve any amount of memory, as a sanitizer does?
    reserves: bool,
}

/// A job that ended, and its log.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) ran: Ran,
    pub(crate) log: PathBuf,
}

/// A job that ended, and its two logs.
#[derive(Debug)]
pub(crate) struct EndedApart {
    pub(crate) ran: Ran,
    pub(crate) stdout: PathBuf,
    pub(crate) stderr: PathBuf,
}

/// What a package manager adds to a job: what it shows of the host and which variables it sets.
pub struct Surroundings {
    pub(crate) mounts: Vec<Mount>,
    pub(crate) environment: Vec<(OsString, OsString)>,
}

/// A job of the fetch phase.
pub(crate) struct Fetching<'job> {
    pub(crate) argv: Vec<OsString>,
    pub(crate) cwd: PathBuf,
    pub(crate) surroundings: Surroundings,
    /// Takes the log.
    pub(crate) work: &'job Path,
}

/// A job of the run phase.
pub(crate) struct Running<'job> {
    pub(crate) trial: &'job Trial,
    pub(crate) surroundings: Surroundings,
    pub(crate) argv: &'job [String],
    /// Names its log.
    pub(crate) name: &'job str,
    /// The most time it may take, in seconds, where that is less than what the policy allows.
    pub(crate) wall_s: Option<u64>,
}

impl Session {
    /// Begins a session; starts nothing yet.
    pub fn new(setup: Setup) -> Self {
        Self {
            setup,
            layered: Mutex::default(),
            fetching: Mutex::default(),
            reserves: false,
        }
    }

    /// Lets its jobs reserve any amount of memory, as programs built with a sanitizer do. What they
    /// use of it is bounded all the same.
    #[must_use]
    pub(crate) fn reserving(self) -> Self {
        Self {
            reserves: true,
            ..self
        }
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.setup.sandbox
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.setup.policy
    }

    pub(crate) fn offline(&self) -> bool {
        self.setup.offline
    }

    /// Makes a package manager's own cache, and gives it to the sandbox's user.
    pub(crate) fn cache(&self, name: &str) -> Result<PathBuf, VerifyError> {
        let cache = self.setup.cache.join(name);
        fs::create_dir_all(&cache).doing("make package cache", &cache)?;
        let cache = cache.canonicalize().doing("find package cache", &cache)?;
        self.sandbox().own(&cache)?;
        Ok(cache)
    }

    /// Tells whether trees are laid over one another rather than copied.
    pub(crate) fn layered(&self, near: &Path) -> Result<bool, VerifyError> {
        // Held while it is tried out: two trials in one place would disturb each other.
        let mut layered = self.layered.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match *layered {
            Some(answer) => answer,
            None => self.sandbox().overlay_supported(near)?,
        };
        *layered = Some(answer);
        Ok(answer)
    }

    /// Waits for the package manager's turn to fetch, which lasts until the answer is dropped.
    pub(crate) fn turn(&self) -> MutexGuard<'_, ()> {
        self.fetching.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a job sees a host path that is mounted at `inside`.
    pub(crate) fn seen(&self, host: &Path, inside: impl AsRef<Path>) -> PathBuf {
        if self.sandbox().is_confined() {
            inside.as_ref().to_path_buf()
        } else {
            host.to_path_buf()
        }
    }

    /// Runs a package manager in the fetch phase: with a network, and nothing of the project's.
    pub(crate) fn fetch(&self, fetching: Fetching<'_>) -> Result<Ended, VerifyError> {
        let limits = &self.setup.policy.limits;
        let log = next_log(fetching.work, "fetch")?;
        let ran = self.run(&Job {
            argv: fetching.argv,
            env: fetching.surroundings.environment,
            cwd: fetching.cwd,
            mounts: fetching.surroundings.mounts,
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
            output: Output::Merged { log: log.clone() },
        })?;
        Ok(Ended { ran, log })
    }

    /// Runs a command in the run phase: without a network, in the folder that the
    /// lockfile locks.
    pub(crate) fn run_project(&self, running: Running<'_>) -> Result<Ended, VerifyError> {
        let log = next_log(running.trial.work(), running.name)?;
        let output = Output::Merged { log: log.clone() };
        let ran = self.run(&self.job(running, output)?)?;
        Ok(Ended { ran, log })
    }

    /// Does the same with a log for each of its outputs in `logs`, an existing directory. A program
    /// may reserve any amount of memory, and prints no more than `output_bytes_max`.
    pub(crate) fn run_apart(
        &self,
        running: Running<'_>,
        logs: &Path,
        output_bytes_max: u64,
    ) -> Result<EndedApart, VerifyError> {
        let (stdout, stderr) = (logs.join("stdout.log"), logs.join("stderr.log"));
        let output = Output::Split {
            stdout: stdout.clone(),
            stderr: stderr.clone(),
        };
        let mut job = self.job(running, output)?;
        job.limits.data_bytes_max = u64::MAX;
        job.limits.output_bytes_max = job.limits.output_bytes_max.min(output_bytes_max);
        let ran = self.run(&job)?;
        Ok(EndedApart {
            ran,
            stdout,
            stderr,
        })
    }

    fn job(&self, running: Running<'_>, output: Output) -> Result<Job, VerifyError> {
        let trial = running.trial;
        let mut mounts = running.surroundings.mounts;
        mounts.extend(trial.mounts()?);
        mounts.push(mount(
            &trial.fresh_temporary(self)?,
            places::TEMPORARY,
            Access::ReadWrite,
        ));
        let mut limits = job_limits(&self.setup.policy.limits);
        if let Some(wall_s) = running.wall_s {
            limits.wall_s = limits.wall_s.min(wall_s);
        }
        if self.reserves {
            limits.data_bytes_max = u64::MAX;
        }
        Ok(Job {
            argv: running.argv.iter().map(OsString::from).collect(),
            env: running.surroundings.environment,
            cwd: workspace_in(&trial.project(self), &trial.tree().lockfile),
            mounts,
            network: Network::Loopback,
            limits,
            output,
        })
    }

    fn run(&self, job: &Job) -> Result<Ran, VerifyError> {
        let cancel = &self.setup.cancel;
        if cancel.is_cancelled() {
            return Err(VerifyError::Cancelled);
        }
        let mut lines = Lines::new(&self.setup.progress);
        let ran = self
            .sandbox()
            .run(job, cancel, &mut |_, bytes| lines.take(bytes));
        match ran {
            // A job stopped while its sandbox was being built may end in any way.
            Err(_) if cancel.is_cancelled() => Err(VerifyError::Cancelled),
            Err(error) => Err(error.into()),
            Ok(Ran {
                exit: Exit::Cancelled,
                ..
            }) => Err(VerifyError::Cancelled),
            Ok(ran) => Ok(ran),
        }
    }
}

impl Tree {
    /// The folder that the lockfile locks; `None` for the root.
    pub(crate) fn workspace(&self) -> Option<RelPath> {
        workspace_of(&self.lockfile)
    }
}

/// A requirements file may lie in a folder of such files, inside the one that they are for.
fn workspace_of(lockfile: &RelPath) -> Option<RelPath> {
    let folder = lockfile.parent()?;
    let is_of_requirements = LockFormat::of(lockfile) == Some(LockFormat::Requirements)
        && ["requirements", "reqs"].contains(&folder.file_name());
    if is_of_requirements {
        folder.parent()
    } else {
        Some(folder)
    }
}

/// The folder that the lockfile locks, below `root`.
pub(crate) fn workspace_in(root: &Path, lockfile: &RelPath) -> PathBuf {
    workspace_of(lockfile).map_or_else(|| root.to_path_buf(), |folder| root.join(folder.as_str()))
}

pub(crate) fn mount(host: &Path, inside: &str, access: Access) -> Mount {
    Mount {
        host: host.to_path_buf(),
        inside: inside.into(),
        access,
    }
}

pub(crate) fn texts(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

/// A log that is not there yet.
fn next_log(work: &Path, name: &str) -> Result<PathBuf, VerifyError> {
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
