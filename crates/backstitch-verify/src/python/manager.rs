//! Owns what all of a run's Python jobs share: the interpreter, what was downloaded, and what a
//! job of either phase sees. Knows nothing of what a job's output means.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use backstitch_model::Reproducer;
use backstitch_model::candidate::Step;
use backstitch_model::package::PackageVersion;
use serde_json::json;

use super::commands;
use super::facts;
use super::interpreter::Interpreter;
use super::own::Tools;
use super::pins::Pins;
use super::reproducer;
use super::resolve::Answer;
use crate::compare::Facts;
use crate::sandbox::{Access, Mount, PATH_INSIDE};
use crate::workbench::beside;
use crate::workbench::error::Doing;
use crate::workbench::places;
use crate::workbench::reproduce::Staged;
use crate::workbench::session::{Ended, Fetching, Surroundings, mount, texts};
use crate::workbench::trial::{Layer, Trial};
use crate::workbench::{Applied, Commands, PackageManager, Session, Setup, Tree, VerifyError};

/// The layer that holds the virtual environment.
const ENVIRONMENT: &str = "environment";
/// Where jobs see it.
const ENVIRONMENT_INSIDE: &str = "/sandbox/environment";
/// Where jobs see what was downloaded.
const DOWNLOADS_INSIDE: &str = "/sandbox/downloads";
/// Where jobs see our scripts and the file of wishes.
const SCRIPTS_INSIDE: &str = "/sandbox/scripts";

/// The program that installs everything.
const INSTALLER: &str = "backstitch-install";

const FETCH: &str = include_str!("fetch.py");
const INSTALL: &str = include_str!("install.py");

/// Fetches, changes, builds and tests Python projects.
pub struct Python {
    session: Session,
    interpreter: Interpreter,
    downloads: PathBuf,
    /// What pip would install for what is not pinned, by all that decides it.
    resolved: Mutex<BTreeMap<Vec<String>, Answer>>,
    tools: Tools,
}

impl Python {
    /// Prepares the directory for downloads.
    pub fn new(setup: Setup, interpreter: Interpreter) -> Result<Self, VerifyError> {
        let session = Session::new(setup);
        // What fits one Python need not fit another.
        let line: Vec<_> = interpreter.release.split('.').take(2).collect();
        let confined = session.sandbox().is_confined();
        let apart = if confined { "" } else { "-unconfined" };
        let downloads = session.cache(&format!("python-{}{apart}", line.join(".")))?;
        Ok(Self {
            session,
            interpreter,
            downloads,
            resolved: Mutex::default(),
            tools: Tools::default(),
        })
    }

    /// Why the tool that wrote a tree's lockfile cannot be asked to write it again; nothing where it
    /// can, or where no tool of its own wrote it.
    pub fn lacks_tool_for(&self, tree: &Tree) -> Option<String> {
        self.own_tool(tree)?.err()
    }

    pub(super) fn tools(&self) -> &Tools {
        &self.tools
    }

    pub(super) fn resolved(&self) -> MutexGuard<'_, BTreeMap<Vec<String>, Answer>> {
        self.resolved
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The interpreter that everything is judged with.
    pub fn interpreter(&self) -> &Interpreter {
        &self.interpreter
    }

    /// Runs our download script in the fetch phase, to `fetch` or to `resolve`, with a layer over the
    /// downloads where a run phase goes on beside it. Sees nothing of the tree but what `pins` say.
    pub(super) fn run_fetching(
        &self,
        tree: &Tree,
        pins: &Pins,
        what: &str,
        work: &Path,
        layer: Option<&beside::Layer>,
    ) -> Result<Ended, VerifyError> {
        let scripts = self.write_scripts(tree, pins, &work.join(what))?;
        let at = self.session.seen(&scripts, SCRIPTS_INSIDE);
        let argv = vec![
            self.interpreter.program.clone().into_os_string(),
            "-I".into(),
            at.join("fetch.py").into(),
            at.join("wishes.json").into(),
            self.session
                .seen(&self.downloads, DOWNLOADS_INSIDE)
                .into_os_string(),
            what.into(),
        ];
        let downloads = layer.map_or_else(
            || mount(&self.downloads, DOWNLOADS_INSIDE, Access::ReadWrite),
            beside::Layer::mount,
        );
        let mut mounts = self.common_mounts(&scripts, downloads);
        mounts.extend(self.interpreter.shown().map(Mount::read_only));
        let mut environment = self.interpreter.variables.clone();
        environment.extend(texts(&[
            ("PIP_CONFIG_FILE", "/dev/null"),
            ("PIP_NO_INPUT", "1"),
            ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
            ("PIP_ROOT_USER_ACTION", "ignore"),
            ("PYTHONDONTWRITEBYTECODE", "1"),
        ]));
        let cache = self
            .session
            .seen(&self.downloads, DOWNLOADS_INSIDE)
            .join(".cache");
        environment.push(("PIP_CACHE_DIR".into(), cache.into_os_string()));
        self.session.fetch(Fetching {
            argv,
            cwd: PathBuf::from("/"),
            surroundings: Surroundings {
                mounts,
                environment,
            },
            work,
        })
    }

    /// Writes our scripts and what is wished for; answers the directory to be shown.
    fn write_scripts(
        &self,
        tree: &Tree,
        pins: &Pins,
        above: &Path,
    ) -> Result<PathBuf, VerifyError> {
        let scripts = above.join("scripts");
        fs::create_dir_all(&scripts).doing("make directory", &scripts)?;
        let scripts = scripts.canonicalize().doing("find directory", &scripts)?;
        let needed = commands::project(tree);
        let wishes = json!({
            "pins": pins.pins,
            "loose": pins.loose,
            "constraints": pins.constraints,
            "build": needed.clone().unwrap_or_default(),
            "project": needed.is_some(),
            "offline": self.session.offline(),
        });
        for (name, text) in [
            ("fetch.py", FETCH),
            ("install.py", INSTALL),
            ("wishes.json", &wishes.to_string()),
        ] {
            let file = scripts.join(name);
            fs::write(&file, text).doing("write", &file)?;
        }
        self.session.sandbox().own(&scripts)?;
        Ok(scripts)
    }

    fn common_mounts(&self, scripts: &Path, downloads: Mount) -> Vec<Mount> {
        let mut mounts = vec![mount(scripts, SCRIPTS_INSIDE, Access::ReadOnly), downloads];
        // At its own path: a Python finds its libraries by the path it was built for.
        if !places::shown_anyway(&self.interpreter.prefix) {
            mounts.push(Mount::read_only(self.interpreter.prefix.clone()));
        }
        mounts
    }

    fn running_environment(&self, trial: &Trial, scripts: &Path) -> Vec<(OsString, OsString)> {
        let environment = trial.layer(&self.session, ENVIRONMENT);
        let path = if self.session.sandbox().is_confined() {
            PATH_INSIDE.into()
        } else {
            std::env::var_os("PATH").unwrap_or_default()
        };
        let mut programs = environment.join("bin").into_os_string();
        for more in [
            self.session.seen(scripts, SCRIPTS_INSIDE),
            self.interpreter.prefix.join("bin"),
        ] {
            programs.push(":");
            programs.push(more);
        }
        programs.push(":");
        programs.push(path);
        let downloads = self.session.seen(&self.downloads, DOWNLOADS_INSIDE);
        let mut variables = vec![
            ("PATH".into(), programs),
            ("VIRTUAL_ENV".into(), environment.into_os_string()),
            ("PIP_FIND_LINKS".into(), downloads.into_os_string()),
        ];
        variables.extend(texts(&[
            ("PIP_NO_INDEX", "1"),
            ("PIP_CONFIG_FILE", "/dev/null"),
            ("PIP_NO_CACHE_DIR", "1"),
            ("PIP_NO_INPUT", "1"),
            ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
            ("PIP_ROOT_USER_ACTION", "ignore"),
        ]));
        variables
    }

    /// Writes the program that installs everything, and goes on with the command that it is
    /// given. It is found by its name, since only here the paths are known.
    fn write_installer(&self, trial: &Trial, scripts: &Path) -> Result<(), VerifyError> {
        let at = self.session.seen(scripts, SCRIPTS_INSIDE);
        let words = [
            self.interpreter.program.clone(),
            "-I".into(),
            at.join("install.py"),
            at.join("wishes.json"),
            self.session.seen(&self.downloads, DOWNLOADS_INSIDE),
            trial.layer(&self.session, ENVIRONMENT),
        ];
        let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
        let text = format!("#!/bin/sh\nexec {} \"$@\"\n", words.join(" "));
        let file = scripts.join(INSTALLER);
        fs::write(&file, text).doing("write", &file)?;
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&file, executable).doing("write", &file)
    }
}

/// A word of a shell's.
fn quoted(word: &Path) -> String {
    format!("'{}'", word.to_string_lossy().replace('\'', "'\\''"))
}

impl PackageManager for Python {
    fn session(&self) -> &Session {
        &self.session
    }

    fn about(&self, tree: Option<&Tree>) -> String {
        let tool = tree.and_then(|tree| self.own_tool(tree)?.ok());
        let tool = tool.map(|tool| format!(", {}", tool.about()));
        format!("{}{}", self.interpreter.version, tool.unwrap_or_default())
    }

    fn apply(&self, tree: &Tree, steps: &[Step], work: &Path) -> Result<Applied, VerifyError> {
        self.carry_out(tree, steps, work, None)
    }

    /// There have to be walls, so that nothing of the project's sees the network, and layers: a
    /// build looks through the downloads for the packages that it installs.
    fn can_work_beside(&self, near: &Path) -> Result<bool, VerifyError> {
        self.session.layered(near)
    }

    fn apply_beside(
        &self,
        tree: &Tree,
        steps: &[Step],
        work: &Path,
    ) -> Result<Applied, VerifyError> {
        let inside = PathBuf::from(DOWNLOADS_INSIDE);
        let layer = beside::Layer::prepare(&self.session, self.downloads.clone(), inside, work)?;
        let applied = self.carry_out(tree, steps, work, Some(&layer));
        // What was cut off may have left half a file.
        if let Ok(Applied::Done(_)) = applied {
            layer.settle(&self.session)?;
        }
        applied
    }

    fn commands(&self, tree: &Tree) -> Commands {
        commands::of(tree, self.session.policy(), vec![INSTALLER.to_owned()])
    }

    fn narrower(&self, _: &Commands) -> Option<Commands> {
        None
    }

    fn layers(&self, _: &Tree, _: &Path, upon: Option<&Trial>) -> Vec<Layer> {
        vec![Layer {
            name: ENVIRONMENT.into(),
            inside: ENVIRONMENT_INSIDE.into(),
            below: upon
                .map(|trial| trial.results(ENVIRONMENT))
                .unwrap_or_default(),
        }]
    }

    fn surroundings(&self, trial: &Trial) -> Result<Surroundings, VerifyError> {
        let tree = trial.tree();
        // Whoever fetched has told what cannot be read.
        let pins = self.bound(Pins::read(tree).unwrap_or_default());
        let scripts = self.write_scripts(tree, &pins, &trial.work().join("run"))?;
        self.write_installer(trial, &scripts)?;
        let downloads = mount(&self.downloads, DOWNLOADS_INSIDE, Access::ReadOnly);
        Ok(Surroundings {
            environment: self.running_environment(trial, &scripts),
            mounts: self.common_mounts(&scripts, downloads),
        })
    }

    fn notes(&self, tree: &Tree) -> Vec<String> {
        let mut notes = commands::found(tree, self.session.policy());
        if let Some(Err(why)) = self.own_tool(tree) {
            let lockfile = &tree.lockfile;
            notes.push(format!("`{lockfile}` is only edited as text: {why}"));
        }
        if let Ok(pins) = Pins::read(tree) {
            notes.extend(pins.notes);
        }
        notes
    }

    /// What a wheel says of itself was written down when it was fetched.
    fn facts(&self, _: &Tree, _: &Path, package: &PackageVersion) -> Option<Facts> {
        facts::facts(&self.downloads, package)
    }

    fn stage(
        &self,
        trial: &Trial,
        reproducer: &Reproducer,
        package: &PackageVersion,
        work: &Path,
    ) -> Result<Result<Staged, String>, VerifyError> {
        let python = trial.layer(&self.session, ENVIRONMENT).join("bin/python");
        reproducer::stage(&self.session, &python, (trial, work), reproducer, package).map(Ok)
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
