//! The package managers of this machine, each for the lockfiles that it wrote. One that is not
//! there is no error: only the projects that need it cannot be judged, and are told why.

use std::path::Path;
use std::sync::OnceLock;
use std::thread::ScopedJoinHandle;

use backstitch_find::Platform;
use backstitch_model::LockFormat;
use backstitch_verify::cargo::{self, Cargo, Toolchain};
use backstitch_verify::npm::others::{Installer, Tool};
use backstitch_verify::npm::{self, Node, Npm};
use backstitch_verify::plain::{Plain, Tools};
use backstitch_verify::python::{self, Interpreter, Python};
use backstitch_verify::tool::{self, Installed};
use backstitch_verify::workbench::{PackageManager, Setup, Tree, VerifyError, Workbench};

/// What a run builds and tests with.
pub struct Managers {
    cargo: Result<Cargo, String>,
    npm: Result<Npm, String>,
    pnpm: Result<Installer, String>,
    yarn: Result<Installer, String>,
    python: Result<Python, String>,
    go: Result<Installed, String>,
    maven: Result<Installed, String>,
    /// Looked for once it is needed.
    plain: OnceLock<Plain>,
    setup: Setup,
}

impl Managers {
    /// Looks for every package manager, at one time: each is asked what it is, and takes its time.
    pub fn discover(setup: &Setup) -> Result<Self, VerifyError> {
        std::thread::scope(|scope| {
            let of_node = scope.spawn(|| of_node(setup));
            let python = scope.spawn(|| {
                let interpreter = Interpreter::discover()?;
                Python::new(setup.clone(), interpreter)
            });
            let go = scope.spawn(|| Installed::discover(setup.clone(), tool::Tool::go()));
            let maven = scope.spawn(|| Installed::discover(setup.clone(), tool::Tool::maven()));
            let toolchain = Toolchain::discover();
            let cargo = toolchain.and_then(|toolchain| {
                Cargo::new(setup.clone(), toolchain, &cargo::User::from_environment())
            });
            let (npm, pnpm, yarn) = joined(of_node)?;
            Ok(Self {
                cargo: found(cargo)?,
                npm,
                pnpm,
                yarn,
                python: found(joined(python))?,
                go: found(joined(go))?,
                maven: found(joined(maven))?,
                plain: OnceLock::new(),
                setup: setup.clone(),
            })
        })
    }

    /// The workbench for projects with lockfiles of a format, or why there is none.
    pub fn workbench(&self, format: LockFormat) -> Result<Workbench<'_>, &str> {
        let manager: &dyn PackageManager = match format {
            LockFormat::Cargo => self.cargo.as_ref().map_err(String::as_str)?,
            LockFormat::Npm => self.npm.as_ref().map_err(String::as_str)?,
            LockFormat::Requirements | LockFormat::Poetry | LockFormat::Uv | LockFormat::Pipenv => {
                self.python.as_ref().map_err(String::as_str)?
            }
            LockFormat::Pnpm => self.pnpm.as_ref().map_err(String::as_str)?,
            LockFormat::Yarn => self.yarn.as_ref().map_err(String::as_str)?,
            LockFormat::GoMod => self.go.as_ref().map_err(String::as_str)?,
            LockFormat::Gemfile => {
                return Err(
                    "a `Gemfile` is a program, and Bundler would run it while there is a network",
                );
            }
            LockFormat::Maven => self.maven.as_ref().map_err(String::as_str)?,
            LockFormat::Composer => return Err("its package manager is not supported yet"),
        };
        Ok(Workbench::new(manager))
    }

    /// What builds and tests projects that no package manager locks.
    pub fn plain(&self) -> &Plain {
        self.plain
            .get_or_init(|| Plain::new(self.setup.clone(), Tools::discover()))
    }

    /// What pip would install for what a requirements file does not pin; nothing for any other
    /// project. The inner error says why it is not known.
    pub fn resolve(&self, tree: &Tree, work: &Path) -> Result<python::Answer, VerifyError> {
        match &self.python {
            Ok(python) if LockFormat::of(&tree.lockfile) == Some(LockFormat::Requirements) => {
                python.resolve(tree, work)
            }
            Ok(_) | Err(_) => Ok(Ok(Vec::new())),
        }
    }

    /// Every toolchain that is there, in words.
    pub fn about(&self) -> String {
        let cargo = match &self.cargo {
            Ok(cargo) => cargo.about(),
            Err(why) => why.clone(),
        };
        let others = [
            self.npm.as_ref().map(PackageManager::about),
            self.pnpm.as_ref().map(PackageManager::about),
            self.yarn.as_ref().map(PackageManager::about),
            self.python.as_ref().map(PackageManager::about),
            self.go.as_ref().map(PackageManager::about),
            self.maven.as_ref().map(PackageManager::about),
        ];
        let others = others.into_iter().filter_map(Result::ok);
        let all: Vec<_> = std::iter::once(cargo).chain(others).collect();
        all.join("; ")
    }

    /// The release of the language's tools that will build a project of this format.
    pub fn release(&self, format: LockFormat) -> Option<&str> {
        match format {
            LockFormat::Cargo => Some(&self.cargo.as_ref().ok()?.toolchain().release),
            LockFormat::Npm | LockFormat::Pnpm | LockFormat::Yarn => {
                Some(&self.npm.as_ref().ok()?.node().release)
            }
            LockFormat::Requirements | LockFormat::Poetry | LockFormat::Uv | LockFormat::Pipenv => {
                Some(&self.python.as_ref().ok()?.interpreter().release)
            }
            LockFormat::GoMod => Some(self.go.as_ref().ok()?.release()),
            LockFormat::Maven => Some(self.maven.as_ref().ok()?.release()),
            LockFormat::Gemfile | LockFormat::Composer => None,
        }
    }

    /// The platform that is built for.
    pub fn platform(&self) -> Platform {
        let cargo = self.cargo.as_ref().ok();
        cargo
            .and_then(|cargo| Platform::of_triple(&cargo.toolchain().host))
            .unwrap_or_default()
    }
}

/// npm, pnpm and yarn: each is a script of the one node.
type OfNode = (
    Result<Npm, String>,
    Result<Installer, String>,
    Result<Installer, String>,
);

fn of_node(setup: &Setup) -> Result<OfNode, VerifyError> {
    let node = match found(Node::discover())? {
        Ok(node) => node,
        Err(why) => return Ok((Err(why.clone()), Err(why.clone()), Err(why))),
    };
    let user = npm::User::from_environment;
    let installer = |discover: fn(&Node) -> Result<Tool, VerifyError>| {
        let tool = discover(&node)?;
        Installer::new(setup.clone(), node.clone(), user(), tool)
    };
    std::thread::scope(|scope| {
        let pnpm = scope.spawn(|| installer(Tool::pnpm));
        let yarn = scope.spawn(|| installer(Tool::yarn));
        let npm = Npm::new(setup.clone(), node.clone(), user());
        Ok((found(npm)?, found(joined(pnpm))?, found(joined(yarn))?))
    })
}

fn joined<T>(looking: ScopedJoinHandle<'_, Result<T, VerifyError>>) -> Result<T, VerifyError> {
    let found = looking.join();
    found.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// A package manager that is not there is data; one that is and cannot be used is an error.
fn found<M>(manager: Result<M, VerifyError>) -> Result<Result<M, String>, VerifyError> {
    match manager {
        Ok(manager) => Ok(Ok(manager)),
        Err(error @ VerifyError::Toolchain(_)) => Ok(Err(error.to_string())),
        Err(error) => Err(error),
    }
}
