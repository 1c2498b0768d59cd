//! The package managers of this machine, each for the lockfiles that it wrote, and each asked what
//! it is when a project first needs it. One that is not there is no error: only the projects that
//! need it cannot be judged, and are told why.

use std::path::Path;
use std::sync::OnceLock;

use anyhow::{Result, bail};
use backstitch_find::Platform;
use backstitch_model::LockFormat;
use backstitch_verify::cargo::{self, Cargo, Toolchain};
use backstitch_verify::npm::others::{Installer, Tool};
use backstitch_verify::npm::{self, Node, Npm};
use backstitch_verify::plain::{Plain, Tools};
use backstitch_verify::python::{self, Interpreter, Python};
use backstitch_verify::tool::{self, Installed};
use backstitch_verify::workbench::{PackageManager, Setup, Tree, VerifyError, Workbench};

/// One that was looked for, or why there is none.
type Found<M> = OnceLock<Result<M, Lack>>;

/// Why a package manager cannot be had.
struct Lack {
    why: String,
    /// Is it there, and cannot be used?
    is_broken: bool,
}

/// What a run builds and tests with.
pub struct Managers {
    cargo: Found<Cargo>,
    node: Found<Node>,
    npm: Found<Npm>,
    pnpm: Found<Installer>,
    yarn: Found<Installer>,
    python: Found<Python>,
    go: Found<Installed>,
    maven: Found<Installed>,
    plain: OnceLock<Plain>,
    setup: Setup,
}

/// A format of each package manager that can be there, in the order in which they are told of.
const ONE_OF_EACH: [LockFormat; 7] = [
    LockFormat::Cargo,
    LockFormat::Npm,
    LockFormat::Pnpm,
    LockFormat::Yarn,
    LockFormat::Requirements,
    LockFormat::GoMod,
    LockFormat::Maven,
];

impl Managers {
    /// Those of this machine; none is looked for yet.
    pub fn new(setup: Setup) -> Self {
        Self {
            cargo: OnceLock::new(),
            node: OnceLock::new(),
            npm: OnceLock::new(),
            pnpm: OnceLock::new(),
            yarn: OnceLock::new(),
            python: OnceLock::new(),
            go: OnceLock::new(),
            maven: OnceLock::new(),
            plain: OnceLock::new(),
            setup,
        }
    }

    /// The workbench for projects with lockfiles of a format, or why there is none.
    pub fn workbench(&self, format: LockFormat) -> Result<Workbench<'_>, &str> {
        let manager = self.manager(format);
        manager.map(Workbench::new).map_err(|lack| lack.why())
    }

    /// The same, where a package manager that is there and cannot be used is an error: whoever
    /// asked can mend that.
    pub fn usable(&self, format: LockFormat) -> Result<Result<Workbench<'_>, &str>> {
        match self.manager(format) {
            Ok(manager) => Ok(Ok(Workbench::new(manager))),
            Err(Missing::Lack(lack)) if lack.is_broken => bail!("{}", lack.why),
            Err(missing) => Ok(Err(missing.why())),
        }
    }

    fn manager(&self, format: LockFormat) -> Result<&dyn PackageManager, Missing<'_>> {
        fn of<M: PackageManager>(
            found: &Result<M, Lack>,
        ) -> Result<&dyn PackageManager, Missing<'_>> {
            match found {
                Ok(manager) => Ok(manager),
                Err(lack) => Err(Missing::Lack(lack)),
            }
        }
        match format {
            LockFormat::Cargo => of(self.cargo()),
            LockFormat::Npm => of(self.npm()),
            LockFormat::Requirements | LockFormat::Poetry | LockFormat::Uv | LockFormat::Pipenv => {
                of(self.python())
            }
            LockFormat::Pnpm => of(self.of_node(&self.pnpm, Tool::pnpm)),
            LockFormat::Yarn => of(self.of_node(&self.yarn, Tool::yarn)),
            LockFormat::GoMod => of(self.installed(&self.go, tool::Tool::go())),
            LockFormat::Maven => of(self.installed(&self.maven, tool::Tool::maven())),
            LockFormat::Gemfile => Err(Missing::Never(
                "a `Gemfile` is a program, and Bundler would run it while there is a network",
            )),
            LockFormat::Composer => Err(Missing::Never("its package manager is not supported yet")),
        }
    }

    /// What builds and tests projects that no package manager locks.
    pub fn plain(&self) -> &Plain {
        self.plain
            .get_or_init(|| Plain::new(self.setup.clone(), Tools::discover()))
    }

    /// What pip would install for what a requirements file does not pin; nothing for any other
    /// project. The inner error says why it is not known.
    pub fn resolve(&self, tree: &Tree, work: &Path) -> Result<python::Answer, VerifyError> {
        if LockFormat::of(&tree.lockfile) != Some(LockFormat::Requirements) {
            return Ok(Ok(Vec::new()));
        }
        match self.python() {
            Ok(python) => python.resolve(tree, work),
            Err(_) => Ok(Ok(Vec::new())),
        }
    }

    /// Why the tool that wrote a tree's lockfile cannot be asked to write it again, though its project
    /// can be judged; nothing where it can, or where the package manager is that tool.
    pub fn lacks_own_tool(&self, tree: &Tree) -> Option<String> {
        let format = LockFormat::of(&tree.lockfile)?;
        let python = format
            .has_tool_that_relocks()
            .then(|| self.python().as_ref().ok());
        python??.lacks_tool_for(tree)
    }

    /// Every toolchain that is there, in words. All are asked at one time: each takes its time.
    pub fn about(&self) -> Result<String> {
        std::thread::scope(|scope| {
            for format in ONE_OF_EACH {
                scope.spawn(move || self.manager(format).is_ok());
            }
        });
        let mut all = Vec::new();
        for format in ONE_OF_EACH {
            match self.usable(format)? {
                Ok(workbench) => all.push(workbench.about(None)),
                // A reader of a run wants to know why none of its Rust was built.
                Err(why) if format == LockFormat::Cargo => all.push(why.to_owned()),
                Err(_) => {}
            }
        }
        Ok(all.join("; "))
    }

    /// The release of the language's tools that will build a project of this format.
    pub fn release(&self, format: LockFormat) -> Option<&str> {
        match format {
            LockFormat::Cargo => Some(&self.cargo().as_ref().ok()?.toolchain().release),
            LockFormat::Npm | LockFormat::Pnpm | LockFormat::Yarn => {
                Some(&self.node().as_ref().ok()?.release)
            }
            LockFormat::Requirements | LockFormat::Poetry | LockFormat::Uv | LockFormat::Pipenv => {
                Some(&self.python().as_ref().ok()?.interpreter().release)
            }
            LockFormat::GoMod => {
                let go = self.installed(&self.go, tool::Tool::go());
                Some(go.as_ref().ok()?.release())
            }
            LockFormat::Maven => {
                let maven = self.installed(&self.maven, tool::Tool::maven());
                Some(maven.as_ref().ok()?.release())
            }
            LockFormat::Gemfile | LockFormat::Composer => None,
        }
    }

    /// The platform that is built for.
    pub fn platform(&self) -> Platform {
        let cargo = self.cargo().as_ref().ok();
        cargo
            .and_then(|cargo| Platform::of_triple(&cargo.toolchain().host))
            .unwrap_or_default()
    }

    fn cargo(&self) -> &Result<Cargo, Lack> {
        looked_for(&self.cargo, || {
            let user = cargo::User::from_environment();
            Cargo::new(self.setup.clone(), Toolchain::discover()?, &user)
        })
    }

    fn python(&self) -> &Result<Python, Lack> {
        looked_for(&self.python, || {
            Python::new(self.setup.clone(), Interpreter::discover()?)
        })
    }

    fn installed<'one>(
        &self,
        one: &'one Found<Installed>,
        tool: &'static tool::Tool,
    ) -> &'one Result<Installed, Lack> {
        looked_for(one, || Installed::discover(self.setup.clone(), tool))
    }

    /// npm, pnpm and yarn are scripts of the one node.
    fn node(&self) -> &Result<Node, Lack> {
        looked_for(&self.node, Node::discover)
    }

    fn npm(&self) -> &Result<Npm, Lack> {
        self.with_node(&self.npm, |node| {
            Npm::new(self.setup.clone(), node, npm::User::from_environment())
        })
    }

    fn of_node<'one>(
        &self,
        one: &'one Found<Installer>,
        discover: fn(&Node) -> Result<Tool, VerifyError>,
    ) -> &'one Result<Installer, Lack> {
        self.with_node(one, |node| {
            let tool = discover(&node)?;
            let user = npm::User::from_environment();
            Installer::new(self.setup.clone(), node, user, tool)
        })
    }

    fn with_node<'one, M>(
        &self,
        one: &'one Found<M>,
        make: impl FnOnce(Node) -> Result<M, VerifyError>,
    ) -> &'one Result<M, Lack> {
        match self.node() {
            Ok(node) => looked_for(one, || make(node.clone())),
            Err(lack) => one.get_or_init(|| {
                Err(Lack {
                    why: lack.why.clone(),
                    is_broken: lack.is_broken,
                })
            }),
        }
    }
}

/// No package manager for a format.
enum Missing<'managers> {
    /// It is not there, or cannot be used.
    Lack(&'managers Lack),
    /// It is never used.
    Never(&'static str),
}

impl<'managers> Missing<'managers> {
    fn why(&self) -> &'managers str {
        match self {
            Self::Lack(lack) => &lack.why,
            Self::Never(why) => why,
        }
    }
}

/// Looks for one, unless that was done before.
fn looked_for<M>(
    one: &Found<M>,
    look: impl FnOnce() -> Result<M, VerifyError>,
) -> &Result<M, Lack> {
    one.get_or_init(|| {
        look().map_err(|error| Lack {
            why: error.to_string(),
            is_broken: !matches!(error, VerifyError::Toolchain(_)),
        })
    })
}
