//! Owns finding the user's pnpm and yarn: the real programs, not corepack's stand-ins, which would
//! bring another version because a project says so.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::host::{ask, look_up};
use crate::npm::Node;
use crate::npm::toolchain::refuse_the_users_own;
use crate::workbench::VerifyError;

/// What installs instead of npm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Which of them it is.
    pub(super) kind: Kind,
    /// Its own script, which node runs.
    pub(super) script: PathBuf,
    /// Its release, such as `9.15.9`.
    pub(super) release: String,
}

/// The tools, apart where they behave apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Pnpm,
    /// Yarn 1.
    Classic,
    /// Yarn 2 and later.
    Berry,
}

impl Tool {
    /// Finds what `pnpm` on the user's `PATH` stands for. Errors say what to install.
    pub fn pnpm(node: &Node) -> Result<Self, VerifyError> {
        Self::discover(node, "pnpm")
    }

    /// Finds what `yarn` on the user's `PATH` stands for. Errors say what to install.
    pub fn yarn(node: &Node) -> Result<Self, VerifyError> {
        Self::discover(node, "yarn")
    }

    fn discover(node: &Node, name: &'static str) -> Result<Self, VerifyError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = look_up(name, &path).ok_or_else(|| {
            VerifyError::Toolchain(format!(
                "{name} is not on the `PATH`: `npm install --global {name}` puts it there"
            ))
        })?;
        let script = found.canonicalize().map_err(|error| {
            VerifyError::Toolchain(format!("find `{}`: {error}", found.display()))
        })?;
        if !is_itself(&script) {
            return Err(VerifyError::Toolchain(format!(
                "`{}` is not {name} itself, which must be a script that node runs: `npm install \
                 --global {name}` puts that on the `PATH`",
                script.display()
            )));
        }
        let text = script.to_string_lossy().into_owned();
        let release = ask(node.program.as_os_str(), &[&text, "--version"])?;
        let is_first = release.starts_with("0.") || release.starts_with("1.");
        let kind = match (name, is_first) {
            ("pnpm", _) => Kind::Pnpm,
            (_, true) => Kind::Classic,
            (_, false) => Kind::Berry,
        };
        let tool = Self {
            kind,
            script,
            release,
        };
        refuse_the_users_own(name, &tool.script, tool.folder())?;
        Ok(tool)
    }

    /// The name that it is called by.
    pub(super) fn name(&self) -> &'static str {
        match self.kind {
            Kind::Pnpm => "pnpm",
            Kind::Classic | Kind::Berry => "yarn",
        }
    }

    /// The first number of its release.
    pub(super) fn major(&self) -> u32 {
        let first = self.release.split('.').next();
        first.and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// The folder of the host that jobs have to see: `bin/…` is below it.
    pub(super) fn folder(&self) -> &Path {
        self.script.ancestors().nth(2).unwrap_or(&self.script)
    }
}

/// A script of node's, and none of corepack's.
fn is_itself(script: &Path) -> bool {
    let is_script = ["js", "cjs", "mjs"]
        .iter()
        .any(|ending| script.extension() == Some(OsStr::new(ending)));
    is_script && !script.iter().any(|part| part == "corepack")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins_and_wrappers_are_not_the_tool_itself() {
        for (path, itself) in [
            ("/usr/lib/node_modules/pnpm/bin/pnpm.cjs", true),
            ("/usr/share/yarn/bin/yarn.js", true),
            ("/usr/lib/node_modules/corepack/dist/yarn.js", false),
            ("/opt/pnpm/pnpm", false),
        ] {
            assert_eq!(is_itself(Path::new(path)), itself, "{path}");
        }
    }
}
