//! Owns what all of a run's jobs of pnpm or yarn share: node, the tool, its cache, and what a job
//! of either phase sees. Knows nothing of what a job's output means.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use backstitch_model::candidate::Step;
use backstitch_model::package::PackageVersion;
use backstitch_model::{RelPath, Reproducer};

use super::copies;
use super::tool::{Kind, Tool};
use crate::compare::Facts;
use crate::npm::manager::{INSTALLED, NO_SETTINGS, Npm, Place};
use crate::npm::scripts::{self, By, Scripts};
use crate::npm::skeleton::{self, FILE_BYTES_MAX, MANIFEST, MODULES};
use crate::npm::{Node, User, installed, reproducer};
use crate::sandbox::{Access, Mount};
use crate::workbench::error::Doing;
use crate::workbench::places;
use crate::workbench::reproduce::Staged;
use crate::workbench::session::{Ended, Surroundings, mount, texts, workspace_in};
use crate::workbench::trial::{Layer, Trial};
use crate::workbench::{
    Applied, Commands, PackageManager, Session, Setup, Tree, VerifyError, files,
};

/// Where the tool sees its cache.
const CACHE: &str = "/sandbox/node-cache";

/// Where programs find the tool under its name.
const PROGRAMS: &str = "/sandbox/node-programs";

/// Where yarn keeps what it installed, so that it runs scripts without its own folder.
const STATE: &str = "node_modules/.yarn-install-state.gz";

/// How many folders of installed packages one project may have.
const LAYERS_MAX: usize = 256;

/// Settings of pnpm's in both phases. It runs itself, whatever release a project names, and
/// nothing is done before a script.
const OF_PNPM: [(&str, &str); 4] = [
    ("manage_package_manager_versions", "false"),
    ("package_manager_strict", "false"),
    ("verify_deps_before_run", "false"),
    ("update_notifier", "false"),
];

/// Settings of both of yarn's kinds in both phases. It runs itself, whatever release a project
/// brings or names.
const OF_YARN: [(&str, &str); 2] = [("YARN_IGNORE_PATH", "1"), ("SKIP_YARN_COREPACK_CHECK", "1")];

/// The same of yarn 2 and later. It lays packages out in folders, as programs expect without it.
const OF_BERRY: [(&str, &str); 7] = [
    ("YARN_NODE_LINKER", "node-modules"),
    ("YARN_ENABLE_SCRIPTS", "false"),
    ("YARN_ENABLE_TELEMETRY", "false"),
    ("YARN_ENABLE_COLORS", "false"),
    ("YARN_ENABLE_PROGRESS_BARS", "false"),
    ("YARN_ENABLE_HARDENED_MODE", "false"),
    ("YARN_ENABLE_IMMUTABLE_INSTALLS", "false"),
];

/// Fetches, changes, builds and tests projects of pnpm's or yarn's.
pub struct Installer {
    pub(super) npm: Npm,
    pub(super) tool: Tool,
    cache: PathBuf,
    programs: PathBuf,
}

impl Installer {
    /// Prepares the tool's cache.
    pub fn new(setup: Setup, node: Node, user: User, tool: Tool) -> Result<Self, VerifyError> {
        let npm = Npm::new(setup, node, user)?;
        let name = match tool.kind {
            Kind::Pnpm => "pnpm-store",
            Kind::Classic => "yarn-1-cache",
            Kind::Berry => "yarn-cache",
        };
        let cache = npm.session().cache(name)?;
        let programs = npm.session().cache(&format!("{name}-program"))?;
        let program = programs.join(tool.name());
        let quoted =
            |path: &Path| format!("'{}'", path.display().to_string().replace('\'', "'\\''"));
        let (node, script) = (quoted(&npm.node().program), quoted(&tool.script));
        let text = format!("#!/bin/sh\nexec {node} {script} \"$@\"\n");
        fs::write(&program, text).doing("write program", &program)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
            .doing("make program", &program)?;
        Ok(Self {
            npm,
            tool,
            cache,
            programs,
        })
    }

    /// The node that everything is judged with.
    pub fn node(&self) -> &Node {
        self.npm.node()
    }

    /// Runs the tool in the fetch phase, in the copy of the project at `place`.
    pub(super) fn run_fetching(
        &self,
        tree: &Tree,
        place: &Place,
        arguments: &[&str],
        work: &Path,
    ) -> Result<Ended, VerifyError> {
        let mut argv: Vec<OsString> = vec![
            self.npm.node().program.clone().into_os_string(),
            self.tool.script.clone().into_os_string(),
        ];
        argv.extend(arguments.iter().map(OsString::from));
        let mut mounts = self.mounts();
        mounts.push(mount(&self.cache, CACHE, Access::ReadWrite));
        let surroundings = Surroundings {
            mounts,
            environment: self.fetching_environment(tree),
        };
        self.npm.run_in(tree, place, argv, surroundings, work)
    }

    fn fetching_environment(&self, tree: &Tree) -> Vec<(OsString, OsString)> {
        let mut environment = self.npm.fetching_environment();
        environment.extend(self.own_environment(tree));
        environment.push(("CI".into(), "true".into()));
        let offline = self.session().offline();
        match self.tool.kind {
            Kind::Pnpm => {
                let offline = if offline { "true" } else { "false" };
                environment.extend(of_pnpm(&[
                    ("store_dir", CACHE),
                    ("cache_dir", "/sandbox/node-cache/cache"),
                    ("state_dir", "/tmp/pnpm-state"),
                    ("ignore_scripts", "true"),
                    ("ignore_pnpmfile", "true"),
                    // What is copied cannot be changed through a link into the store.
                    ("package_import_method", "copy"),
                    ("side_effects_cache", "false"),
                    ("offline", offline),
                ]));
            }
            Kind::Classic => environment.extend(texts(&[("YARN_CACHE_FOLDER", CACHE)])),
            Kind::Berry => {
                let network = if offline { "false" } else { "true" };
                environment.extend(texts(&[
                    ("YARN_GLOBAL_FOLDER", CACHE),
                    ("YARN_ENABLE_GLOBAL_CACHE", "true"),
                    ("YARN_ENABLE_NETWORK", network),
                ]));
                environment.extend(self.servers_of_berry());
            }
        }
        environment
    }

    /// What the user says of servers, in the words of yarn 2 and later.
    fn servers_of_berry(&self) -> Vec<(OsString, OsString)> {
        const WORDS: [(&str, &str); 5] = [
            ("npm_config_registry", "YARN_NPM_REGISTRY_SERVER"),
            ("npm_config_cafile", "YARN_HTTPS_CA_FILE_PATH"),
            ("npm_config_strict_ssl", "YARN_ENABLE_STRICT_SSL"),
            ("npm_config_proxy", "YARN_HTTP_PROXY"),
            ("npm_config_https_proxy", "YARN_HTTPS_PROXY"),
        ];
        let variables = self.npm.user.variables.iter();
        variables
            .filter_map(|(name, value)| {
                let (_, yarns) = WORDS.iter().find(|(npms, _)| name == npms)?;
                Some((OsString::from(yarns), value.clone()))
            })
            .collect()
    }

    fn own_environment(&self, tree: &Tree) -> Vec<(OsString, OsString)> {
        let state = workspace_in(Path::new(places::PROJECT), &tree.lockfile).join(STATE);
        match self.tool.kind {
            Kind::Pnpm => of_pnpm(&OF_PNPM),
            Kind::Classic => texts(&OF_YARN),
            Kind::Berry => {
                let mut environment = texts(&OF_YARN);
                environment.extend(texts(&OF_BERRY));
                environment.push(("YARN_INSTALL_STATE_PATH".into(), state.into()));
                environment
            }
        }
    }

    fn mounts(&self) -> Vec<Mount> {
        let folder = self.tool.folder();
        let mut mounts = vec![mount(&self.programs, PROGRAMS, Access::ReadOnly)];
        let is_shown = places::shown_anyway(folder)
            || self
                .npm
                .common_mounts()
                .iter()
                .any(|one| folder.starts_with(&one.host));
        if !is_shown {
            mounts.push(Mount::read_only(folder));
        }
        mounts
    }

    fn scripts_of(&self, tree: &Tree) -> Scripts {
        let text = RelPath::below(tree.workspace().as_ref(), MANIFEST)
            .ok()
            .and_then(|path| files::read(&tree.root, &path, FILE_BYTES_MAX).ok()?);
        Scripts::of(&text.unwrap_or_default(), self.by())
    }

    fn by(&self) -> By {
        match self.tool.kind {
            Kind::Pnpm => By::Pnpm,
            Kind::Classic | Kind::Berry => By::Yarn,
        }
    }
}

impl PackageManager for Installer {
    fn session(&self) -> &Session {
        self.npm.session()
    }

    fn about(&self, _: Option<&Tree>) -> String {
        format!(
            "node {}, {} {}",
            self.node().release,
            self.tool.name(),
            self.tool.release
        )
    }

    fn apply(&self, tree: &Tree, steps: &[Step], work: &Path) -> Result<Applied, VerifyError> {
        self.carry_out(tree, steps, work)
    }

    fn commands(&self, tree: &Tree) -> Commands {
        self.scripts_of(tree).commands(self.session().policy())
    }

    fn narrower(&self, commands: &Commands) -> Option<Commands> {
        scripts::narrower(commands, self.by(), self.session().policy())
    }

    fn layers(&self, tree: &Tree, work: &Path, upon: Option<&Trial>) -> Vec<Layer> {
        let place = installed_in(work, upon);
        let folders = skeleton::folders(&place, tree.workspace().as_ref());
        let modules = folders
            .iter()
            .filter_map(|folder| RelPath::below(folder.as_ref(), MODULES).ok());
        let there = modules.filter(|modules| {
            let about = place.join(modules.as_str()).symlink_metadata();
            about.is_ok_and(|about| about.is_dir())
        });
        there
            .take(LAYERS_MAX)
            .enumerate()
            .map(|(index, modules)| Layer {
                name: format!("modules-{index}"),
                inside: format!("{}/{modules}", places::PROJECT),
                below: vec![place.join(modules.as_str())],
            })
            .collect()
    }

    fn surroundings(&self, trial: &Trial) -> Result<Surroundings, VerifyError> {
        let project = workspace_in(Path::new(places::PROJECT), &trial.tree().lockfile);
        let programs = project.join(MODULES).join(".bin");
        let before = format!("{}:{PROGRAMS}", programs.display());
        let mut environment = vec![("PATH".into(), self.npm.path(Some(&before)))];
        environment.extend(texts(&NO_SETTINGS));
        environment.extend(self.own_environment(trial.tree()));
        environment.extend(texts(&[
            ("npm_config_offline", "true"),
            ("npm_config_cache", "/tmp/npm-cache"),
            ("CI", "true"),
            ("NO_COLOR", "1"),
        ]));
        environment.extend(match self.tool.kind {
            Kind::Pnpm => of_pnpm(&[("store_dir", "/tmp/pnpm-store"), ("offline", "true")]),
            Kind::Classic => texts(&[("YARN_CACHE_FOLDER", "/tmp/yarn-cache")]),
            Kind::Berry => texts(&[
                ("YARN_GLOBAL_FOLDER", "/tmp/yarn"),
                ("YARN_ENABLE_NETWORK", "false"),
            ]),
        });
        let mut mounts = self.npm.common_mounts();
        mounts.extend(self.mounts());
        Ok(Surroundings {
            mounts,
            environment,
        })
    }

    fn notes(&self, tree: &Tree) -> Vec<String> {
        let scripts = self.scripts_of(tree);
        let mut notes = scripts.notes(&scripts.commands(self.session().policy()));
        if self.tool.kind == Kind::Berry && plugs_in(tree) {
            notes.push(
                "packages are installed in `node_modules`, and not as yarn's Plug'n'Play has them"
                    .to_owned(),
            );
        }
        notes
    }

    fn facts(&self, tree: &Tree, work: &Path, package: &PackageVersion) -> Option<Facts> {
        let place = work.join(INSTALLED);
        let copies = copies::copies(&place, &starts(&place, tree), package);
        let modules = copies.first()?.strip_suffix(&package.name)?;
        installed::facts(&place.join(modules), &package.name, &package.version)
    }

    fn stage(
        &self,
        trial: &Trial,
        reproducer: &Reproducer,
        package: &PackageVersion,
        work: &Path,
    ) -> Result<Result<Staged, String>, VerifyError> {
        let place = installed_in(work, Some(trial));
        let copies = copies::copies(&place, &starts(&place, trial.tree()), package);
        if copies.is_empty() {
            return Ok(Err(format!(
                "no copy of `{package}` is installed under its own name"
            )));
        }
        // What is put beside the copies is named from the folder that the lockfile is in.
        let workspace = trial.tree().workspace();
        let start = workspace.map_or_else(String::new, |folder| format!("{folder}/"));
        let copies: Vec<String> = copies
            .iter()
            .filter_map(|copy| copy.strip_prefix(&start).map(str::to_owned))
            .collect();
        reproducer::beside(self, trial, reproducer, (&copies, &[]), work).map(Ok)
    }

    fn specimen(
        &self,
        reproducer: &Reproducer,
        version: &str,
        root: &Path,
    ) -> Result<Tree, VerifyError> {
        let empty = match self.tool.kind {
            Kind::Pnpm => ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n"),
            Kind::Classic => ("yarn.lock", "# yarn lockfile v1\n"),
            Kind::Berry => ("yarn.lock", ""),
        };
        reproducer::specimen(reproducer, version, root, empty)
    }
}

/// Where a trial's packages are: its own, or those that it builds upon.
fn installed_in(work: &Path, upon: Option<&Trial>) -> PathBuf {
    let own = work.join(INSTALLED);
    match upon {
        Some(upon) if !own.is_dir() => upon.work().join(INSTALLED),
        Some(_) | None => own,
    }
}

/// The folders that may hold installed packages.
fn starts(place: &Path, tree: &Tree) -> Vec<String> {
    let folders = skeleton::folders(place, tree.workspace().as_ref());
    let folders = folders.into_iter();
    folders
        .map(|folder| folder.map_or_else(String::new, |at| at.as_str().to_owned()))
        .collect()
}

/// Does yarn 2 or later lay this project out in its own way?
fn plugs_in(tree: &Tree) -> bool {
    let text = RelPath::below(tree.workspace().as_ref(), ".yarnrc.yml")
        .ok()
        .and_then(|path| files::read(&tree.root, &path, FILE_BYTES_MAX).ok()?);
    let text = text.unwrap_or_default();
    let own = text
        .lines()
        .find_map(|line| line.strip_prefix("nodeLinker:"));
    own.is_none_or(|own| own.trim().trim_matches(['"', '\'']) != "node-modules")
}

/// Settings of pnpm's, in the words of all its releases.
fn of_pnpm(settings: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    let each = settings.iter().flat_map(|(name, value)| {
        ["npm_config_", "pnpm_config_"].map(|start| {
            (
                OsString::from(format!("{start}{name}")),
                OsString::from(value),
            )
        })
    });
    each.collect()
}
