//! Carries out a recipe in a tree: manifests are written, cargo moves packages, the new ones are
//! fetched. All of it is the fetch phase: nothing of the project's runs. Whether the recipe was a
//! good idea is for others to find out.

use std::path::Path;

use backstitch_model::candidate::Step;

use super::manager::Cargo;
use super::settings::ProjectSettings;
use crate::sandbox::Exit;
use crate::workbench::beside::Layer;
use crate::workbench::session::Ended;
use crate::workbench::{
    Applied, Cause, PackageManager, Refusal, Tree, VerifyError, files, lines, places,
};

/// The most of cargo's words kept of a refusal, in characters.
const MESSAGE_CHARS_MAX: usize = 4000;

impl Cargo {
    /// Carries out the steps in the tree, then downloads what the lockfile names by then. `work`
    /// takes logs and settings; a layer takes what is written to the index, where there is one.
    pub(super) fn carry_out(
        &self,
        tree: &Tree,
        steps: &[Step],
        work: &Path,
        layer: Option<&Layer>,
    ) -> Result<Applied, VerifyError> {
        self.session().sandbox().own(&tree.root)?;
        let root = self.session().seen(&tree.root, places::PROJECT);
        let project = ProjectSettings::read(&tree.root, tree.workspace().as_ref(), &root);
        let kitchen = Kitchen {
            cargo: self,
            tree,
            project: &project,
            work,
            layer,
        };
        for step in steps {
            if let Some(refusal) = kitchen.step(step)? {
                return Ok(Applied::Refused(refusal));
            }
        }
        let refused = kitchen.cargo(&fetch_arguments(&project, &self.toolchain().host), None)?;
        Ok(refused.map_or_else(
            || Applied::Done([self.user_notes(), &project.notes].concat()),
            Applied::Refused,
        ))
    }
}

/// A tree a recipe is carried out in.
struct Kitchen<'run> {
    cargo: &'run Cargo,
    tree: &'run Tree,
    project: &'run ProjectSettings,
    work: &'run Path,
    layer: Option<&'run Layer>,
}

impl Kitchen<'_> {
    fn step(&self, step: &Step) -> Result<Option<Refusal>, VerifyError> {
        let arguments = match step {
            Step::WriteManifest { path, text } => {
                let written = files::overwrite(&self.tree.root, path, text);
                return Ok(written.err().map(|error| Refusal {
                    step: Some(step.clone()),
                    cause: Cause::Manifest,
                    message: format!("write manifest `{path}`: {error}"),
                }));
            }
            Step::UpdatePackage { package, to } => {
                let mut arguments = vec![
                    "update".into(),
                    format!("--package={}@{}", package.name, package.version),
                ];
                arguments.extend(to.iter().map(|to| format!("--precise={to}")));
                arguments
            }
            Step::Relock => vec!["update".into(), "--workspace".into()],
            Step::UpdateEverything => vec!["update".into()],
        };
        self.cargo(&arguments, Some(step))
    }

    fn cargo(
        &self,
        arguments: &[String],
        step: Option<&Step>,
    ) -> Result<Option<Refusal>, VerifyError> {
        let Ended { ran, log } =
            self.cargo
                .run_fetching(self.tree, self.project, arguments, self.work, self.layer)?;
        let refusal = |cause, message| {
            Ok(Some(Refusal {
                step: step.cloned(),
                cause,
                message,
            }))
        };
        match ran.exit {
            Exit::Code(0) => Ok(None),
            Exit::TimedOut => refusal(Cause::Limit, "cargo took longer than it may".into()),
            Exit::OverLimit(resource) => refusal(
                Cause::Limit,
                format!("cargo used more than it may: {resource:?}"),
            ),
            Exit::Code(_) | Exit::Signal(_) | Exit::Cancelled => {
                let said = lines::error_text(&log, MESSAGE_CHARS_MAX)?;
                if self.cargo.session().offline() && speaks_of_offline(&said) {
                    return refusal(
                        Cause::Network,
                        format!("cargo may not use the network and lacks packages: {said}"),
                    );
                }
                if speaks_of_network(&said) {
                    return refusal(
                        Cause::Network,
                        format!("cargo could not reach the network: {said}"),
                    );
                }
                refusal(Cause::Manager, said)
            }
        }
    }
}

/// All platforms' packages are several times what one needs.
fn fetch_arguments(project: &ProjectSettings, host: &str) -> Vec<String> {
    let mut arguments = vec!["fetch".to_owned(), "--locked".to_owned()];
    if !project.other_platform {
        arguments.push(format!("--target={host}"));
    }
    arguments
}

/// Knows the words of curl and of libgit2 for a server that cannot be reached.
fn speaks_of_network(message: &str) -> bool {
    const WORDS: &[&str] = &[
        "could not resolve host",
        "couldn't resolve host",
        "could not resolve proxy",
        "could not connect",
        "couldn't connect",
        "failed to connect",
        "connection refused",
        "connection timed out",
        "timeout was reached",
        "network is unreachable",
        "failed to resolve address",
        "network failure seems to have happened",
        "you may want to run with `--offline`",
    ];
    let message = message.to_lowercase();
    WORDS.iter().any(|word| message.contains(word))
}

/// Knows what cargo says where a package is not on this machine.
fn speaks_of_offline(message: &str) -> bool {
    message.contains("--offline") || message.contains("offline mode")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreachable_server_is_told_from_a_conflict() {
        assert!(speaks_of_network(
            "[6] Could not resolve hostname (Could not resolve host: x)"
        ));
        assert!(!speaks_of_network(
            "failed to select a version for `autocfg`"
        ));
    }

    #[test]
    fn only_a_project_that_builds_for_another_platform_fetches_for_all() {
        let mut project = ProjectSettings::default();
        assert!(fetch_arguments(&project, "h").contains(&"--target=h".to_owned()));
        project.other_platform = true;
        assert_eq!(fetch_arguments(&project, "h"), ["fetch", "--locked"]);
    }
}
