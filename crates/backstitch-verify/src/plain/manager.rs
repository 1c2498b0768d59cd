//! Owns what all jobs of projects without a package manager share: the tools, and what is seen
//! around a tree. Knows nothing of what a job's output means.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use backstitch_model::Reproducer;
use backstitch_model::candidate::Step;
use backstitch_model::package::PackageVersion;

use super::commands;
use super::find::{Kind, folder};
use super::languages::Languages;
use super::tools::Tools;
use super::upon;
use crate::compare::Facts;
use crate::sandbox::Mount;
use crate::workbench::reproduce::Staged;
use crate::workbench::session::{Surroundings, texts};
use crate::workbench::trial::{Layer, Trial};
use crate::workbench::{
    Applied, Cause, Commands, PackageManager, Refusal, Session, Setup, Tree, VerifyError,
};

/// What every program has in its environment. Leaks are not looked for: that takes looking into
/// another process, which a job may not.
const ENVIRONMENT: [(&str, &str); 6] = [
    (
        "ASAN_OPTIONS",
        "detect_leaks=0:halt_on_error=1:handle_abort=0",
    ),
    ("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1"),
    ("CI", "true"),
    ("NO_COLOR", "1"),
    ("CLICOLOR", "0"),
    ("GTEST_COLOR", "no"),
];

/// Builds and tests projects that no package manager locks.
pub struct Plain {
    session: Session,
    tools: Tools,
    /// What the trees call, by their folders: trees are many, and asked about often.
    languages: Mutex<BTreeMap<PathBuf, Languages>>,
}

impl Plain {
    /// Makes ready to build and test with these tools.
    pub fn new(setup: Setup, tools: Tools) -> Self {
        Self {
            session: Session::new(setup).reserving(),
            tools,
            languages: Mutex::default(),
        }
    }

    /// The tools of this machine.
    pub fn tools(&self) -> &Tools {
        &self.tools
    }

    fn languages(&self, tree: &Tree) -> Languages {
        let mut known = self
            .languages
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = known.entry(tree.root.join(tree.lockfile.as_str()));
        *known.or_insert_with(|| Languages::of(tree))
    }

    /// Does a build go by the times of files, and may it so be built upon what another left?
    fn goes_by_times(&self) -> bool {
        match &self.session.policy().build_command {
            None => true,
            Some(own) => own.first().is_some_and(|it| {
                ["make", "gmake", "cmake", "ninja", "meson"].contains(&it.as_str())
            }),
        }
    }
}

impl PackageManager for Plain {
    fn session(&self) -> &Session {
        &self.session
    }

    fn about(&self, tree: Option<&Tree>) -> String {
        let kind = tree.map_or(Kind::Own, |tree| Kind::of(&tree.lockfile));
        let languages = tree.map(|tree| self.languages(tree));
        self.tools.about(kind, languages.unwrap_or_default())
    }

    fn stamp(&self, tree: &Tree) -> String {
        let kind = Kind::of(&tree.lockfile);
        self.tools.stamp(kind, self.languages(tree))
    }

    fn apply(&self, _: &Tree, steps: &[Step], _: &Path) -> Result<Applied, VerifyError> {
        Ok(match steps.first() {
            None => Applied::Done(Vec::new()),
            Some(step) => Applied::Refused(Refusal {
                step: Some(step.clone()),
                cause: Cause::Manager,
                message: "the project has no package manager, and so no packages to move".into(),
            }),
        })
    }

    fn commands(&self, tree: &Tree) -> Commands {
        commands::of(tree, &self.tools, self.session.policy())
    }

    fn narrower(&self, commands: &Commands) -> Option<Commands> {
        let is = |program: &str| commands.build.first().is_some_and(|it| it == program);
        let kind = if is("python3") {
            Kind::Python
        } else if commands
            .build
            .iter()
            .any(|word| word.contains("node --check"))
        {
            Kind::JavaScript
        } else {
            Kind::Own
        };
        commands::narrower(kind, commands, self.session.policy())
    }

    fn layers(&self, _: &Tree, _: &Path, _: Option<&Trial>) -> Vec<Layer> {
        Vec::new()
    }

    fn beneath(&self, tree: &Tree, upon: Option<&Trial>) -> Result<Vec<PathBuf>, VerifyError> {
        let Some(upon) = upon else {
            return Ok(Vec::new());
        };
        // The same tree once more is what it was, its times included.
        if upon.tree().root == tree.root {
            return Ok(upon.left_in_project());
        }
        let kind = Kind::of(&tree.lockfile);
        // Files that cannot be read or dated are no reason to stop: all is built anew.
        let may = self.goes_by_times()
            && upon::prepare(kind, &upon.tree().root, &tree.root).unwrap_or(false);
        Ok(if may {
            upon.left_in_project()
        } else {
            Vec::new()
        })
    }

    fn compiles_c(&self, tree: &Tree) -> bool {
        let kind = Kind::of(&tree.lockfile);
        kind.compiles() || kind == Kind::Own && self.session.policy().build_command.is_some()
    }

    fn surroundings(&self, trial: &Trial) -> Result<Surroundings, VerifyError> {
        let tree = trial.tree();
        let languages = self.languages(tree);
        let mut environment = vec![("PATH".into(), self.tools.path(languages))];
        environment.extend(texts(&ENVIRONMENT));
        if Kind::of(&tree.lockfile) == Kind::Python && folder(tree).join("src").is_dir() {
            let project = trial.project(&self.session);
            let sources = crate::workbench::session::workspace_in(&project, &tree.lockfile);
            environment.push(("PYTHONPATH".into(), sources.join("src").into_os_string()));
        }
        Ok(Surroundings {
            mounts: self
                .tools
                .folders(languages)
                .iter()
                .map(Mount::read_only)
                .collect(),
            environment,
        })
    }

    fn notes(&self, tree: &Tree) -> Vec<String> {
        commands::notes(tree, &self.tools, self.session.policy())
    }

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
        Ok(Err("the project has no packages".into()))
    }

    fn specimen(&self, _: &Reproducer, _: &str, _: &Path) -> Result<Tree, VerifyError> {
        Err(VerifyError::Toolchain(
            "no package can be required where there is no package manager".into(),
        ))
    }
}
