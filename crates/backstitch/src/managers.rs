//! The package managers of this machine, each for the lockfiles that it wrote. One that is not
//! there is no error: only the projects that need it cannot be judged, and are told why.

use backstitch_find::Platform;
use backstitch_model::LockFormat;
use backstitch_verify::cargo::{self, Cargo, Toolchain};
use backstitch_verify::npm::{self, Node, Npm};
use backstitch_verify::python::{Interpreter, Python};
use backstitch_verify::tool::{Installed, Tool};
use backstitch_verify::workbench::{PackageManager, Setup, VerifyError, Workbench};

/// What a run builds and tests with.
pub struct Managers {
    cargo: Result<Cargo, String>,
    npm: Result<Npm, String>,
    python: Result<Python, String>,
    go: Result<Installed, String>,
    maven: Result<Installed, String>,
}

impl Managers {
    /// Looks for every package manager.
    pub fn discover(setup: &Setup) -> Result<Self, VerifyError> {
        Ok(Self {
            cargo: found(Toolchain::discover().and_then(|toolchain| {
                Cargo::new(setup.clone(), toolchain, &cargo::User::from_environment())
            }))?,
            npm: found(
                Node::discover()
                    .and_then(|node| Npm::new(setup.clone(), node, npm::User::from_environment())),
            )?,
            python: found(
                Interpreter::discover()
                    .and_then(|interpreter| Python::new(setup.clone(), interpreter)),
            )?,
            go: found(Installed::discover(setup.clone(), Tool::go()))?,
            maven: found(Installed::discover(setup.clone(), Tool::maven()))?,
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
            LockFormat::Pnpm | LockFormat::Yarn | LockFormat::Composer => {
                return Err("its package manager is not supported yet");
            }
            LockFormat::GoMod => self.go.as_ref().map_err(String::as_str)?,
            LockFormat::Gemfile => {
                return Err(
                    "a `Gemfile` is a program, and Bundler would run it while there is a network",
                );
            }
            LockFormat::Maven => self.maven.as_ref().map_err(String::as_str)?,
        };
        Ok(Workbench::new(manager))
    }

    /// Every toolchain that is there, in words.
    pub fn about(&self) -> String {
        let cargo = match &self.cargo {
            Ok(cargo) => cargo.about(),
            Err(why) => why.clone(),
        };
        let others = [
            self.npm.as_ref().map(PackageManager::about),
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

/// A package manager that is not there is data; one that is and cannot be used is an error.
fn found<M>(manager: Result<M, VerifyError>) -> Result<Result<M, String>, VerifyError> {
    match manager {
        Ok(manager) => Ok(Ok(manager)),
        Err(error @ VerifyError::Toolchain(_)) => Ok(Err(error.to_string())),
        Err(error) => Err(error),
    }
}
