//! Owns which commands build and test a Rust project. Runs none.

use backstitch_model::{Policy, RelPath};
use toml::{Table, Value};

use crate::runner::{Runner, nextest};
use crate::workbench::{Commands, TestCommand, Tree, files};

/// The largest manifest read, in bytes.
const MANIFEST_BYTES_MAX: u64 = 4 << 20;

/// Chooses: the user's commands where there are any.
pub(super) fn of(tree: &Tree, policy: &Policy, nextest_installed: bool) -> Commands {
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
    let command = |runner, argv| TestCommand { argv, runner };
    let tests = match &policy.test_command {
        Some(own) => vec![command(Runner::Own, own.clone())],
        None if nextest_installed && wants_nextest(tree) => vec![
            command(
                Runner::Nextest,
                cargo(&["nextest", "run"], nextest::ARGUMENTS),
            ),
            command(
                Runner::Documentation,
                cargo(&["test", "--doc"], &["--no-fail-fast"]),
            ),
        ],
        None => vec![command(
            Runner::Cargo,
            cargo(&["test"], &["--no-fail-fast"]),
        )],
    };
    Commands { build, tests }
}

/// The same without `--workspace`; `None` where that changes nothing. The user's own commands
/// stay as they are.
pub(super) fn for_root_alone(commands: &Commands, policy: &Policy) -> Option<Commands> {
    let alone = |command: &Vec<String>| {
        command
            .iter()
            .filter(|word| *word != "--workspace")
            .cloned()
            .collect::<Vec<_>>()
    };
    let build = if policy.build_command.is_some() {
        commands.build.clone()
    } else {
        alone(&commands.build)
    };
    let tests = commands.tests.iter().map(|test| match test.runner {
        Runner::Own => test.clone(),
        runner => TestCommand {
            argv: alone(&test.argv),
            runner,
        },
    });
    let narrower = Commands {
        build,
        tests: tests.collect(),
    };
    (narrower != *commands).then_some(narrower)
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
        let plan = of(
            &tree(&directory, "[workspace]\nmembers = [\"a\"]"),
            &policy,
            true,
        );
        assert_eq!(
            plan.build,
            words("cargo build --locked --offline --workspace")
        );
        let alone = for_root_alone(&plan, &policy).unwrap();
        assert_eq!(
            alone.tests[0].argv,
            words("cargo test --locked --offline --no-fail-fast")
        );
        assert_eq!(for_root_alone(&alone, &policy), None);
    }

    #[test]
    fn nextest_is_used_where_the_project_is_set_up_for_it() {
        let directory = tempfile::tempdir().unwrap();
        let tree = tree(&directory, "[package]\nname = \"a\"");
        std::fs::create_dir(directory.path().join(".config")).unwrap();
        std::fs::write(directory.path().join(".config/nextest.toml"), "").unwrap();
        let policy = Policy::default();
        let first = |installed| of(&tree, &policy, installed).tests[0].runner;
        assert_eq!(first(true), Runner::Nextest);
        assert_eq!(first(false), Runner::Cargo);
    }

    #[test]
    fn the_user_s_own_commands_win_and_are_never_changed() {
        let directory = tempfile::tempdir().unwrap();
        let policy = Policy {
            build_command: Some(words("make --workspace")),
            test_command: Some(words("make test")),
            ..Policy::default()
        };
        let commands = of(&tree(&directory, "[workspace]"), &policy, true);
        assert_eq!(commands.tests[0].argv, words("make test"));
        assert_eq!(for_root_alone(&commands, &policy), None);
    }
}
