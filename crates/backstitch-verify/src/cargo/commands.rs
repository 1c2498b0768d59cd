//! Owns which commands build and test a project. Runs none.

use backstitch_model::{Policy, RelPath};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::files;
use super::nextest;
use super::session::Tree;

/// The largest manifest read, in bytes.
const MANIFEST_BYTES_MAX: u64 = 4 << 20;

/// The commands of one project. An attempt uses those that the baseline settled on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) build: Vec<String>,
    pub(super) test: Runner,
}

/// How tests are run, and so how their output is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Runner {
    /// `cargo test`.
    Cargo(Vec<String>),
    /// `cargo nextest run`, and `cargo test --doc` for what it leaves out.
    Nextest(Vec<String>, Vec<String>),
    /// The user's own command, which may or may not name its tests.
    Own(Vec<String>),
}

impl Plan {
    /// Chooses: the user's commands where there are any.
    pub(super) fn new(tree: &Tree, policy: &Policy, nextest_installed: bool) -> Self {
        let workspace: &[&str] = if is_workspace(tree) {
            &["--workspace"]
        } else {
            &[]
        };
        let cargo = |first: &[&str], last: &[&str]| {
            let words = ["cargo"]
                .iter()
                .chain(first)
                .chain(&["--locked", "--offline"]);
            words
                .chain(last)
                .chain(workspace)
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        let build = policy
            .build_command
            .clone()
            .unwrap_or_else(|| cargo(&["build"], &[]));
        let test = match &policy.test_command {
            Some(own) => Runner::Own(own.clone()),
            None if nextest_installed && wants_nextest(tree) => Runner::Nextest(
                cargo(&["nextest", "run"], nextest::ARGUMENTS),
                cargo(&["test", "--doc"], &["--no-fail-fast"]),
            ),
            None => Runner::Cargo(cargo(&["test"], &["--no-fail-fast"])),
        };
        Self { build, test }
    }

    /// The same without `--workspace`; `None` where that changes nothing. The user's own commands
    /// stay as they are.
    pub(super) fn for_root_alone(&self, policy: &Policy) -> Option<Self> {
        let alone = |command: &Vec<String>| {
            command
                .iter()
                .filter(|word| *word != "--workspace")
                .cloned()
                .collect::<Vec<_>>()
        };
        let build = if policy.build_command.is_some() {
            self.build.clone()
        } else {
            alone(&self.build)
        };
        let test = match &self.test {
            Runner::Cargo(command) => Runner::Cargo(alone(command)),
            Runner::Nextest(run, documentation) => {
                Runner::Nextest(alone(run), alone(documentation))
            }
            Runner::Own(command) => Runner::Own(command.clone()),
        };
        let plan = Self { build, test };
        (plan != *self).then_some(plan)
    }
}

/// Adds a filter to a `cargo test` command, so that exactly the named tests run.
pub(super) fn exactly(command: &[String], names: &[&str]) -> Vec<String> {
    let mut command = command.to_vec();
    if !command.iter().any(|word| word == "--") {
        command.push("--".into());
    }
    command.push("--exact".into());
    command.extend(names.iter().map(|name| (*name).to_owned()));
    command
}

/// Adds a filter to a `cargo nextest run` command.
pub(super) fn exactly_with_nextest(command: &[String], names: &[&str]) -> Vec<String> {
    let terms: Vec<String> = names.iter().map(|name| format!("test(={name})")).collect();
    let mut command = command.to_vec();
    command.extend(["-E".to_owned(), terms.join(" | ")]);
    command
}

/// Is a command `cargo test …`, so that a filter can be added?
pub(super) fn is_cargo_test(command: &[String]) -> bool {
    matches!(command, [cargo, test, ..] if cargo == "cargo" && (test == "test" || test == "t"))
}

fn is_workspace(tree: &Tree) -> bool {
    read(tree, "Cargo.toml")
        .and_then(|text| toml::from_str::<Table>(&text).ok())
        .is_some_and(|manifest| manifest.get("workspace").is_some_and(Value::is_table))
}

fn wants_nextest(tree: &Tree) -> bool {
    read(tree, ".config/nextest.toml").is_some()
}

fn read(tree: &Tree, name: &str) -> Option<String> {
    let path = RelPath::below(tree.workspace().as_ref(), name).ok()?;
    files::read(&tree.root, &path, MANIFEST_BYTES_MAX)
        .ok()
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(directory: &tempfile::TempDir, manifest: &str) -> Tree {
        std::fs::write(directory.path().join("Cargo.toml"), manifest).unwrap();
        Tree {
            root: directory.path().into(),
            lockfile: RelPath::new("Cargo.lock").unwrap(),
        }
    }

    fn words(command: &str) -> Vec<String> {
        command.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_workspace_is_built_whole_and_can_fall_back_to_its_root() {
        let directory = tempfile::tempdir().unwrap();
        let policy = Policy::default();
        let plan = Plan::new(
            &tree(&directory, "[workspace]\nmembers = [\"a\"]"),
            &policy,
            true,
        );
        assert_eq!(
            plan.build,
            words("cargo build --locked --offline --workspace")
        );
        let alone = plan.for_root_alone(&policy).unwrap();
        assert_eq!(
            alone.test,
            Runner::Cargo(words("cargo test --locked --offline --no-fail-fast"))
        );
        assert_eq!(alone.for_root_alone(&policy), None);
    }

    #[test]
    fn nextest_is_used_where_the_project_is_set_up_for_it() {
        let directory = tempfile::tempdir().unwrap();
        let tree = tree(&directory, "[package]\nname = \"a\"");
        std::fs::create_dir(directory.path().join(".config")).unwrap();
        std::fs::write(directory.path().join(".config/nextest.toml"), "").unwrap();
        let policy = Policy::default();
        assert!(matches!(
            Plan::new(&tree, &policy, true).test,
            Runner::Nextest(..)
        ));
        assert!(matches!(
            Plan::new(&tree, &policy, false).test,
            Runner::Cargo(_)
        ));
    }

    #[test]
    fn the_user_s_own_commands_win_and_are_never_changed() {
        let directory = tempfile::tempdir().unwrap();
        let policy = Policy {
            build_command: Some(words("make --workspace")),
            test_command: Some(words("make test")),
            ..Policy::default()
        };
        let plan = Plan::new(&tree(&directory, "[workspace]"), &policy, true);
        assert_eq!(plan.test, Runner::Own(words("make test")));
        assert_eq!(plan.for_root_alone(&policy), None);
    }

    #[test]
    fn a_filter_follows_what_is_filtered_already() {
        let command = exactly(&words("cargo test -- --skip x"), &["a::b"]);
        assert_eq!(command, words("cargo test -- --skip x --exact a::b"));
        assert_eq!(
            exactly(&words("cargo test"), &["a"]),
            words("cargo test -- --exact a")
        );
        assert_eq!(
            exactly_with_nextest(&words("n"), &["a", "b"])[2],
            "test(=a) | test(=b)"
        );
    }
}
