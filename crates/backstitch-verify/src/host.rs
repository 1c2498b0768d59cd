//! Asks the user's own programs what they are, outside any project. Nothing else is asked of
//! them here, and no program is looked for in a tree.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::workbench::VerifyError;

/// Runs a program of the user's in the root directory, where no project is.
pub(crate) fn ask(program: &OsStr, arguments: &[&str]) -> Result<String, VerifyError> {
    let failed = |why: &dyn std::fmt::Display| {
        VerifyError::Toolchain(format!("run `{}`: {why}", Path::new(program).display()))
    };
    let output = Command::new(program)
        .args(arguments)
        .current_dir("/")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(&error))?;
    if !output.status.success() {
        return Err(failed(&String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Finds a program on the user's `PATH`.
pub(crate) fn look_up(program: &str, path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(OsString::from(program)))
        .find(|candidate| candidate.is_file())
}

/// Would a job that sees this folder see the user's own files? Both paths are real ones, without
/// links. `.local` is where programs keep what they know of the user.
pub(crate) fn holds_more(folder: &Path, home: Option<&Path>) -> bool {
    let is_root = folder.parent().is_none();
    is_root || home.is_some_and(|home| home.starts_with(folder) || folder == home.join(".local"))
}
