//! Keeps logs: a check's log is written where the work is done, which is emptied at the
//! end; what the evidence points at must stay.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use backstitch_model::CheckRun;

use crate::private;

/// Where the logs of one tree are kept.
pub struct Logs {
    folder: PathBuf,
}

impl Logs {
    /// The folder for `name` below a run's evidence.
    pub fn of(evidence: &Path, name: &str) -> Self {
        Self {
            folder: evidence.join("logs").join(name),
        }
    }

    /// Keeps the check's log, with every log beside it, and points the check at it.
    pub fn keep(&self, mut run: CheckRun) -> Result<CheckRun> {
        let Some(log) = run.log.take().map(PathBuf::from) else {
            return Ok(run);
        };
        let made = |what: &Path| format!("keep log `{}`", what.display());
        private::folder(&self.folder).with_context(|| made(&self.folder))?;
        let beside = log.parent().unwrap_or(&log);
        for entry in fs::read_dir(beside).with_context(|| made(beside))? {
            let entry = entry.with_context(|| made(beside))?;
            let kept = self.folder.join(entry.file_name());
            if !kept.exists() {
                // A copy that was cut off has another name.
                let part = kept.with_extension("part");
                copy(&entry.path(), &part)
                    .and_then(|()| fs::rename(&part, &kept))
                    .with_context(|| made(&kept))?;
            }
        }
        run.log = log
            .file_name()
            .map(|name| self.folder.join(name).display().to_string());
        Ok(run)
    }

    /// Keeps one log under a name of its own, and answers where.
    pub fn keep_one(&self, log: &Path, name: &str) -> Result<String> {
        let kept = self.folder.join(name);
        let made = || format!("keep log `{}`", kept.display());
        private::folder(&self.folder).with_context(made)?;
        copy(log, &kept).with_context(made)?;
        Ok(kept.display().to_string())
    }
}

/// Copies a log for the user's eyes alone: a program may have printed what it was given.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::copy(from, to)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o600))
}
