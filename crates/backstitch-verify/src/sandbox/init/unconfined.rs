//! Runs a job without namespaces: the limits and the supervision hold, the walls do not. The
//! outer init adopts orphans, so a process that made itself a daemon is still found and killed.

use std::time::Duration;

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, setsid};

use super::{During, Line, Refusal, ended_or_asked, inner, privileges};
use crate::sandbox::measure;
use crate::sandbox::wire::{Spec, Step};

/// How often orphans are reaped while the job runs.
const REAP_EVERY: Duration = Duration::from_millis(200);

/// How many rounds of killing a tree that goes on forking gets.
const KILL_ROUNDS_MAX: usize = 10_000;

/// Runs the job and kills what it leaves behind.
pub(super) fn run(spec: &Spec, line: &mut Line) -> Result<(), Refusal> {
    setsid().during(Step::Processes, "leave the terminal's session")?;
    prctl::set_child_subreaper(true).during(Step::Processes, "adopt orphans")?;
    let job = inner::start(spec, line, |spec| {
        privileges::limit(&spec.limits)?;
        std::env::set_current_dir(&spec.cwd)
            .during(Step::Root, format!("enter `{}`", spec.cwd.display()))
    })?;
    if let Some(job) = job {
        watch(job, line)?;
    }
    kill_descendants();
    Ok(())
}

/// Reaps until the job has ended or Backstitch has closed the socket.
fn watch(job: Pid, line: &mut Line) -> Result<(), Refusal> {
    loop {
        let asked = ended_or_asked(job, line, Some(REAP_EVERY))?;
        let mut job_ended = false;
        while let Some(status) = reap() {
            if status.pid() == Some(job)
                && let Some(message) = inner::ended(status)
            {
                line.say(&message);
                job_ended = true;
            }
        }
        if asked || job_ended {
            return Ok(());
        }
    }
}

fn reap() -> Option<WaitStatus> {
    match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
        Ok(WaitStatus::StillAlive) | Err(_) => None,
        Ok(status) => Some(status),
    }
}

fn kill_descendants() {
    let this = nix::unistd::getpid().as_raw();
    for _ in 0..KILL_ROUNDS_MAX {
        for pid in measure::descendants(this, usize::MAX) {
            if pid != this {
                let _gone = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
        }
        while reap().is_some() {}
        if waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) == Err(Errno::ECHILD) {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
