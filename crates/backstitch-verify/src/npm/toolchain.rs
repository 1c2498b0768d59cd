//! Owns finding the user's node and npm: the real programs, not a version manager's
//! stand-ins, which would pick another version because a file in the project says so.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::host::{ask, holds_more, look_up};
use crate::workbench::VerifyError;

/// A node with its npm on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The real program.
    pub program: PathBuf,
    /// Npm's own script, which node runs.
    pub npm: PathBuf,
    /// What both say they are, for the evidence.
    pub version: String,
    /// Node's release, such as `20.1.0`.
    pub release: String,
    /// Npm's major version.
    pub npm_major: u32,
}

impl Node {
    /// Finds what `node` and `npm` on the user's `PATH` stand for. Errors where one is not
    /// there, is only a stand-in, or lies where a job would see the user's own files with it.
    pub fn discover() -> Result<Self, VerifyError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program = ask(OsStr::new("node"), &["-p", "process.execPath"])?;
        let program = real(Path::new(&program))?;
        let npm = look_up("npm", &path)
            .ok_or_else(|| VerifyError::Toolchain("npm is not on the `PATH`".into()))?;
        let npm = script_of(&real(&npm)?, &program)?;
        let release = ask(program.as_os_str(), &["-p", "process.versions.node"])?;
        let script = npm.to_string_lossy().into_owned();
        let npm_version = ask(program.as_os_str(), &[&script, "--version"])?;
        let npm_major = npm_version
            .split('.')
            .next()
            .and_then(|text| text.parse().ok());
        let node = Self {
            version: format!("node {release}, npm {npm_version}"),
            npm_major: npm_major.unwrap_or(0),
            program,
            npm,
            release,
        };
        for folder in node.folders() {
            refuse_the_users_own("node", &node.program, &folder)?;
        }
        Ok(node)
    }

    /// The folders of the host that jobs have to see: node's own, and npm's.
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        // `bin/node` and `lib/node_modules/npm/bin/npm-cli.js` below one folder, usually.
        let above =
            |path: &Path, levels: usize| path.ancestors().nth(levels).map(Path::to_path_buf);
        let mut folders: Vec<_> = [above(&self.program, 2), above(&self.npm, 2)]
            .into_iter()
            .flatten()
            .collect();
        if let [first, second] = folders.as_slice()
            && second.starts_with(first)
        {
            folders.truncate(1);
        }
        folders
    }
}

/// Errors where a job that sees `folder`, since `program` needs it, would see the user's own files.
pub(super) fn refuse_the_users_own(
    name: &str,
    program: &Path,
    folder: &Path,
) -> Result<(), VerifyError> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let home = home.and_then(|home| home.canonicalize().ok());
    if !holds_more(folder, home.as_deref()) {
        return Ok(());
    }
    Err(VerifyError::Toolchain(format!(
        "{name} at `{}` would need all of `{}` in the sandbox: install it in a folder of its own, \
         such as `/opt/node`, and put that folder's `bin` first on the `PATH`",
        program.display(),
        folder.display()
    )))
}

fn real(path: &Path) -> Result<PathBuf, VerifyError> {
    path.canonicalize()
        .map_err(|error| VerifyError::Toolchain(format!("find `{}`: {error}", path.display())))
}

/// A link leads to npm's script; a wrapper of a version manager's has it beside node.
fn script_of(npm: &Path, node: &Path) -> Result<PathBuf, VerifyError> {
    if npm.extension() == Some(OsStr::new("js")) {
        return Ok(npm.to_path_buf());
    }
    let beside = node
        .ancestors()
        .nth(2)
        .map(|prefix| prefix.join("lib/node_modules/npm/bin/npm-cli.js"));
    beside
        .filter(|script| script.is_file())
        .ok_or_else(|| VerifyError::Toolchain(format!("`{}` is not npm itself", npm.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_lies_among_the_users_own_files_is_not_taken() {
        let home = Some(Path::new("/people/ada"));
        for folder in ["/", "/people", "/people/ada", "/people/ada/.local"] {
            assert!(holds_more(Path::new(folder), home), "{folder}");
        }
        for folder in [
            "/usr",
            "/opt/node",
            "/people/ada/.nvm/versions/node/v20",
            "/people/adam",
        ] {
            assert!(!holds_more(Path::new(folder), home), "{folder}");
        }
        assert!(holds_more(Path::new("/"), None));
        assert!(!holds_more(Path::new("/usr"), None));
    }

    #[test]
    fn a_wrapper_is_passed_by_for_the_script_beside_node() {
        let prefix = tempfile::tempdir().unwrap();
        let script = prefix.path().join("lib/node_modules/npm/bin/npm-cli.js");
        std::fs::create_dir_all(script.parent().unwrap()).unwrap();
        std::fs::write(&script, "").unwrap();
        let node = prefix.path().join("bin/node");
        assert_eq!(
            script_of(Path::new("/usr/bin/shim"), &node).unwrap(),
            script
        );
        assert_eq!(script_of(&script, Path::new("/x/y/node")).unwrap(), script);
        assert!(script_of(Path::new("/usr/bin/shim"), Path::new("/x/y/node")).is_err());
    }
}
