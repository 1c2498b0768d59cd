//! Owns what all jobs of one tool share: its cache, and what a job of either phase sees. Knows
//! nothing of what a job's output means but whether a server could be reached.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use backstitch_model::candidate::Step;
use backstitch_model::package::PackageVersion;
use backstitch_model::{LockFormat, RelPath, Reproducer};

use super::description::{Found, Phase, Surroundings as Around, Tool};
use crate::compare::Facts;
use crate::sandbox::{Access, Exit, Mount, PATH_INSIDE};
use crate::workbench::error::Doing;
use crate::workbench::reproduce::Staged;
use crate::workbench::session::{Ended, Fetching, Surroundings, mount, workspace_in};
use crate::workbench::trial::{Layer, Trial};
use crate::workbench::{
    Applied, Cause, Commands, PackageManager, Refusal, Session, Setup, Tree, VerifyError, files,
    lines, places,
};

/// Where jobs see what was fetched.
const CACHE_INSIDE: &str = "/sandbox/packages";
/// Where jobs see what builds write.
const RESULTS_INSIDE: &str = "/sandbox/results";

/// The most of the tool's words kept of a refusal, in characters.
const MESSAGE_CHARS_MAX: usize = 2000;
/// The largest file that the tool is let write over, in bytes.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Fetches, changes, builds and tests the projects of one tool.
pub struct Installed {
    session: Session,
    tool: &'static Tool,
    found: Found,
    cache: PathBuf,
}

impl Installed {
    /// Looks for the tool's program and prepares its package cache. Errors where the tool is not
    /// on this machine, or cannot be shown to a job without the user's own files.
    pub fn discover(setup: Setup, tool: &'static Tool) -> Result<Self, VerifyError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        if crate::host::look_up(tool.program, &path).is_none() {
            return Err(VerifyError::Toolchain(format!(
                "`{}` is not installed",
                tool.program
            )));
        }
        let found = (tool.ask)()?;
        let user = std::env::var_os("HOME").map(PathBuf::from);
        let holds_more = |folder: &&PathBuf| {
            let is_users = user.as_ref().is_some_and(|user| user.starts_with(folder));
            is_users || folder.parent().is_none() || !folder.is_absolute()
        };
        let mut folders = found.homes.iter().chain(&found.shown);
        if let Some(folder) = folders.find(holds_more) {
            return Err(VerifyError::Toolchain(format!(
                "{} needs `{}`, which cannot be shown alone",
                tool.name,
                folder.display()
            )));
        }
        let session = Session::new(setup);
        let apart = if session.sandbox().is_confined() {
            ""
        } else {
            "-unconfined"
        };
        let cache = session.cache(&format!("{}{apart}", tool.cache))?;
        let installed = Self {
            session,
            tool,
            found,
            cache,
        };
        installed.write_files()?;
        Ok(installed)
    }

    /// Writes the tool's files of ours into its cache.
    fn write_files(&self) -> Result<(), VerifyError> {
        let cache = self.session.seen(&self.cache, CACHE_INSIDE);
        let around = self.around(Phase::Run, &cache, Path::new(RESULTS_INSIDE));
        for (name, text) in (self.tool.files)(&self.found, &around) {
            let file = self.cache.join(name);
            if let Some(folder) = file.parent() {
                fs::create_dir_all(folder).doing("make directory", folder)?;
            }
            fs::write(&file, text).doing("write", &file)?;
            self.session.sandbox().own(&self.cache)?;
        }
        Ok(())
    }

    /// The tool's release.
    pub fn release(&self) -> &str {
        &self.found.release
    }

    fn around<'job>(&self, phase: Phase, cache: &'job Path, results: &'job Path) -> Around<'job> {
        Around {
            phase,
            cache,
            results,
            offline: self.session.offline(),
        }
    }

    fn program(&self) -> OsString {
        let folder = self.found.programs.first();
        let program = folder.map_or_else(PathBuf::new, |folder| folder.join(self.tool.program));
        program.into_os_string()
    }

    fn path(&self) -> OsString {
        let mut path = OsString::new();
        for folder in &self.found.programs {
            path.push(folder);
            path.push(":");
        }
        if self.session.sandbox().is_confined() {
            path.push(PATH_INSIDE);
        } else {
            path.push(std::env::var_os("PATH").unwrap_or_default());
        }
        path
    }

    fn common_mounts(&self, cache: Access) -> Vec<Mount> {
        let mut mounts = vec![mount(&self.cache, CACHE_INSIDE, cache)];
        // At their own paths: what is installed there finds itself by them.
        let folders = self.found.homes.iter().chain(&self.found.shown);
        let hidden = folders.filter(|folder| !places::shown_anyway(folder));
        mounts.extend(hidden.map(Mount::read_only));
        mounts
    }

    /// Runs the tool in the fetch phase, in the folder of the tree that the lockfile locks. Only
    /// for a step of a recipe may it write there.
    fn run_fetching(
        &self,
        tree: &Tree,
        words: &[String],
        step: Option<&Step>,
        work: &Path,
    ) -> Result<Ended, VerifyError> {
        let scratch = work.join("fetch");
        fs::create_dir_all(&scratch).doing("make directory", &scratch)?;
        let scratch = scratch.canonicalize().doing("find directory", &scratch)?;
        self.session.sandbox().own(&scratch)?;
        let mut argv = vec![self.program()];
        argv.extend(words.iter().map(OsString::from));
        let mut mounts = self.common_mounts(Access::ReadWrite);
        if self.tool.stands_in_tree {
            let access = match step {
                Some(_) => Access::ReadWrite,
                None => Access::ReadOnly,
            };
            mounts.push(mount(&tree.root, places::PROJECT, access));
        }
        mounts.push(mount(&scratch, RESULTS_INSIDE, Access::ReadWrite));
        let hidden = self.found.shown_fetching.iter();
        let hidden = hidden.filter(|path| !places::shown_anyway(path));
        mounts.extend(hidden.map(Mount::read_only));
        let cache = self.session.seen(&self.cache, CACHE_INSIDE);
        let results = self.session.seen(&scratch, RESULTS_INSIDE);
        let mut environment = self.found.settings.clone();
        environment.push(("PATH".into(), self.path()));
        let around = self.around(Phase::Fetch, &cache, &results);
        environment.extend((self.tool.environment)(&self.found, &around));
        let root = self.session.seen(&tree.root, places::PROJECT);
        self.session.fetch(Fetching {
            argv,
            cwd: if self.tool.stands_in_tree {
                workspace_in(&root, &tree.lockfile)
            } else {
                results
            },
            surroundings: Surroundings {
                mounts,
                environment,
            },
            work,
        })
    }

    /// Carries out one call; the refusal where the tool would not.
    fn call(
        &self,
        tree: &Tree,
        words: &[String],
        step: Option<&Step>,
        work: &Path,
    ) -> Result<Option<Refusal>, VerifyError> {
        let ended = self.run_fetching(tree, words, step, work)?;
        let cause = match ended.ran.exit {
            Exit::Code(0) => return Ok(None),
            Exit::TimedOut | Exit::OverLimit(_) => Cause::Limit,
            Exit::Code(_) | Exit::Signal(_) | Exit::Cancelled => Cause::Manager,
        };
        let said = lines::error_text(&ended.log, MESSAGE_CHARS_MAX)?;
        let mut unreached = self.tool.no_network.iter();
        let cause = match cause {
            Cause::Manager if unreached.any(|words| said.contains(words)) => Cause::Network,
            cause => cause,
        };
        let command = format!("{} {}", self.tool.program, words.join(" "));
        Ok(Some(Refusal {
            step: step.cloned(),
            cause,
            message: format!("`{command}`: {said}"),
        }))
    }

    fn carry_out(&self, tree: &Tree, steps: &[Step], work: &Path) -> Result<Applied, VerifyError> {
        self.session.sandbox().own(&tree.root)?;
        let refused = |cause, message| {
            Ok(Applied::Refused(Refusal {
                step: None,
                cause,
                message,
            }))
        };
        if let Some(why) = linked(tree) {
            return refused(Cause::Manifest, why);
        }
        if let Some(why) = (self.tool.refusal)(tree, steps) {
            return refused(Cause::Manager, why);
        }
        for step in steps {
            if let Step::WriteManifest { path, text } = step
                && let Err(error) = files::overwrite(&tree.root, path, text)
            {
                let why = format!("write manifest `{path}`: {error}");
                return refused(Cause::Manifest, why);
            }
            for words in (self.tool.step)(step, &self.found) {
                if let Some(refusal) = self.call(tree, &words, Some(step), work)? {
                    return Ok(Applied::Refused(refusal));
                }
            }
        }
        for words in self.tool.fetch {
            let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
            if let Some(refusal) = self.call(tree, &words, None, work)? {
                return Ok(Applied::Refused(refusal));
            }
        }
        Ok(Applied::Done(Vec::new()))
    }
}

/// What the tool writes must be plain files of the tree: it would follow a link to the cache.
fn linked(tree: &Tree) -> Option<String> {
    let format = LockFormat::of(&tree.lockfile)?;
    let folder = tree.lockfile.parent();
    let beside = format.companions().iter();
    let beside = beside.filter_map(|name| RelPath::below(folder.as_ref(), name).ok());
    std::iter::once(tree.lockfile.clone())
        .chain(beside)
        .find_map(|path| {
            let error = files::bytes(&tree.root, &path, FILE_BYTES_MAX).err()?;
            Some(format!("read `{path}`: {error}"))
        })
}

impl PackageManager for Installed {
    fn session(&self) -> &Session {
        &self.session
    }

    fn about(&self, _: Option<&Tree>) -> String {
        self.found.version.clone()
    }

    fn apply(&self, tree: &Tree, steps: &[Step], work: &Path) -> Result<Applied, VerifyError> {
        self.carry_out(tree, steps, work)
    }

    fn commands(&self, tree: &Tree) -> Commands {
        (self.tool.commands)(tree, self.session.policy())
    }

    fn narrower(&self, _: &Commands) -> Option<Commands> {
        None
    }

    fn layers(&self, _: &Tree, _: &Path, upon: Option<&Trial>) -> Vec<Layer> {
        vec![Layer {
            name: self.tool.results.into(),
            inside: RESULTS_INSIDE.into(),
            below: upon
                .map(|trial| trial.results(self.tool.results))
                .unwrap_or_default(),
        }]
    }

    fn surroundings(&self, trial: &Trial) -> Result<Surroundings, VerifyError> {
        let cache = self.session.seen(&self.cache, CACHE_INSIDE);
        let results = trial.layer(&self.session, self.tool.results);
        let mut environment = vec![("PATH".into(), self.path())];
        let around = self.around(Phase::Run, &cache, &results);
        environment.extend((self.tool.environment)(&self.found, &around));
        Ok(Surroundings {
            mounts: self.common_mounts(Access::ReadOnly),
            environment,
        })
    }

    fn notes(&self, _: &Tree) -> Vec<String> {
        Vec::new()
    }

    /// Nothing is read of what was fetched.
    fn facts(&self, _: &Tree, _: &Path, _: &PackageVersion) -> Option<Facts> {
        None
    }

    fn stage(
        &self,
        _: &Trial,
        _: &Reproducer,
        _: &PackageVersion,
        _: &Path,
    ) -> Result<Result<Staged, String>, VerifyError> {
        Ok(Err(format!(
            "reproducers are not run for {} yet",
            self.tool.name
        )))
    }

    fn specimen(&self, _: &Reproducer, _: &str, _: &Path) -> Result<Tree, VerifyError> {
        Err(VerifyError::Toolchain(format!(
            "reproducers are not run for {} yet",
            self.tool.name
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_the_tool_would_write_through_a_link_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let tree = Tree {
            root: folder.path().to_path_buf(),
            lockfile: RelPath::new("go.mod").unwrap(),
        };
        fs::write(folder.path().join("go.mod"), "module m\n").unwrap();
        assert_eq!(linked(&tree), None);
        let outside = folder.path().join("outside");
        fs::write(&outside, "").unwrap();
        std::os::unix::fs::symlink(&outside, folder.path().join("go.sum")).unwrap();
        let why = linked(&tree).unwrap();
        assert!(why.contains("read `go.sum`"), "{why}");
    }
}
