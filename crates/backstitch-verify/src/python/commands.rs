//! Owns which commands build and test a Python project. Runs none.

use std::fs;
use std::path::Path;

use backstitch_model::{Policy, RelPath};
use toml::{Table, Value};

use super::pins::Pins;
use super::{requirement, scripts};
use crate::runner::Runner;
use crate::workbench::session::workspace_in;
use crate::workbench::{Commands, TestCommand, Tree, files};

/// The largest manifest read, in bytes.
const MANIFEST_BYTES_MAX: u64 = 4 << 20;

/// How many entries of a folder are looked at.
const ENTRIES_MAX: usize = 10_000;

/// What is asked of pytest so that its output can be read: every test by its name, in the log and
/// in the summary, without colours, and nothing left behind in the tree.
const PYTEST: &[&str] = &[
    "python",
    "-m",
    "pytest",
    "-p",
    "no:cacheprovider",
    "-vv",
    "-rpfE",
    "--color=no",
];

const UNITTEST: &[&str] = &["python", "-m", "unittest", "discover", "-v"];

/// Chooses: the user's test command where there is one. `install` puts everything in place, and
/// goes on with the user's own build command.
pub(super) fn of(tree: &Tree, policy: &Policy, install: Vec<String>) -> Commands {
    let build = [install, policy.build_command.clone().unwrap_or_default()].concat();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let (runner, argv) = match &policy.test_command {
        Some(own) if is_pytest(own) => (Runner::Pytest, own.clone()),
        Some(own) => (Runner::Own, own.clone()),
        None if uses_pytest(tree) => {
            let chosen = chosen(tree).map(|(chosen, _)| chosen);
            let argv = [words(PYTEST), chosen.unwrap_or_default()].concat();
            (Runner::Pytest, argv)
        }
        None => stated(tree).map_or_else(
            || (Runner::Unittest, words(UNITTEST)),
            |(runner, argv, _)| (runner, argv),
        ),
    };
    Commands {
        build,
        tests: vec![TestCommand { argv, runner }],
    }
}

/// Which tests the project has pytest run, and in which file it says so.
fn chosen(tree: &Tree) -> Option<(Vec<String>, &'static str)> {
    let of_tox = |text: String| {
        let commands = scripts::of_tox(&text);
        let about = commands.iter().filter(|one| one.contains("pytest"));
        let words: Option<Vec<_>> = about.map(|one| scripts::words_of(one)).collect();
        scripts::chosen_by_pytest(&words?)
    };
    let tox = read(tree, "tox.ini").and_then(of_tox);
    let nox = || scripts::chosen_by_pytest(&scripts::of_nox(&read(tree, "noxfile.py")?));
    let (chosen, by) = match tox {
        Some(chosen) => (chosen, "tox.ini"),
        None => (nox()?, "noxfile.py"),
    };
    // What is not there would be an error, and no test would run.
    let root = workspace_in(&tree.root, &tree.lockfile);
    let mut after = None;
    let is_there = chosen.iter().all(|word| {
        let is_value = matches!(
            after.replace(word.as_str()),
            Some("-m" | "-k" | "--ignore" | "--deselect")
        );
        is_value || word.starts_with('-') || root.join(word).exists()
    });
    (is_there && !chosen.is_empty()).then_some((chosen, by))
}

/// How the project says itself that it is tested, and in which file; `make test` only where
/// unittest would find nothing.
fn stated(tree: &Tree) -> Option<(Runner, Vec<String>, &'static str)> {
    let tox = read(tree, "tox.ini").map(|text| scripts::of_tox(&text));
    if let Some(argv) = tox.as_deref().and_then(scripts::unittest) {
        return Some((Runner::Unittest, argv, "tox.ini"));
    }
    let recipe = scripts::of_makefile(&read(tree, "Makefile")?)?;
    if let Some(argv) = scripts::unittest(&recipe) {
        return Some((Runner::Unittest, argv, "Makefile"));
    }
    let make = || vec!["make".to_owned(), "test".to_owned()];
    (!has_tests(tree)).then(|| (Runner::Script, make(), "Makefile"))
}

/// Would unittest find a file of tests? It looks at the project's folder and at packages below.
fn has_tests(tree: &Tree) -> bool {
    let root = workspace_in(&tree.root, &tree.lockfile);
    let names = |folder: &Path| -> Vec<String> {
        let listing = fs::read_dir(folder).into_iter().flatten().flatten();
        let names = listing.take(ENTRIES_MAX).map(|entry| entry.file_name());
        names.filter_map(|name| name.into_string().ok()).collect()
    };
    let is_test = |name: &String| name.starts_with("test") && name.strip_suffix(".py").is_some();
    let here = names(&root);
    let packages = here.iter().map(|name| root.join(name)).filter(|folder| {
        let about = folder.symlink_metadata();
        about.is_ok_and(|about| about.is_dir()) && folder.join("__init__.py").is_file()
    });
    here.iter().any(is_test)
        || packages
            .into_iter()
            .any(|folder| names(&folder).iter().any(is_test))
}

fn is_pytest(command: &[String]) -> bool {
    match command {
        [program, ..] if program == "pytest" => true,
        [python, flag, module, ..] => {
            python.starts_with("python") && flag == "-m" && module == "pytest"
        }
        _ => false,
    }
}

/// Is pytest locked or asked for, or set up?
fn uses_pytest(tree: &Tree) -> bool {
    let is_locked = Pins::read(tree).is_ok_and(|pins| {
        let loose = pins.loose.iter().map(String::as_str);
        let names = pins.pins.iter().map(|pin| pin.name.as_str()).chain(loose);
        let mut names = names.map(str::to_ascii_lowercase);
        names.any(|name| {
            name == "pytest" || name.starts_with("pytest>") || name.starts_with("pytest~")
        })
    });
    let has = |name: &str, words: &str| read(tree, name).is_some_and(|text| text.contains(words));
    is_locked
        || read(tree, "pytest.ini").is_some()
        || has("pyproject.toml", "[tool.pytest")
        || has("setup.cfg", "[tool:pytest]")
        || has("tox.ini", "[pytest]")
}

/// The commands of a project's own that were found and are not run, and what it asks for that is
/// not fetched.
pub(super) fn found(tree: &Tree, policy: &Policy) -> Vec<String> {
    let is_ours = policy.test_command.is_none();
    let by_pytest = is_ours && uses_pytest(tree);
    let stated = if by_pytest {
        let chosen = chosen(tree);
        chosen.map(|(chosen, by)| {
            (
                Runner::Pytest,
                [vec!["pytest".to_owned()], chosen].concat(),
                by,
            )
        })
    } else {
        is_ours.then(|| stated(tree)).flatten()
    };
    let kinds = [
        ("tox.ini", "tox"),
        ("noxfile.py", "nox"),
        ("Makefile", "make"),
    ];
    let found = kinds
        .into_iter()
        .filter(|(name, _)| read(tree, name).is_some())
        .map(|(name, tool)| match &stated {
            Some((_, argv, by)) if *by == name => {
                format!(
                    "the tests are run by `{}`, as `{name}` says",
                    argv.join(" ")
                )
            }
            Some(_) | None => format!(
                "the project has a `{name}`, which `{tool}` would run; it was tested without it \
                 (`backstitch.toml` can say how)"
            ),
        });
    let asked = asked_for(tree).unwrap_or_default();
    let refused = asked.iter().filter(|text| !requirement::is_plain(text));
    let refused = refused.map(|text| {
        let text = text.escape_debug();
        format!("building the project asks for `{text}`, which is no package of an index; it was not fetched")
    });
    found.chain(refused).collect()
}

/// What building the project needs; `None` where there is nothing to be built and installed.
pub(super) fn project(tree: &Tree) -> Option<Vec<String>> {
    let mut asked = asked_for(tree)?;
    asked.retain(|text| requirement::is_plain(text));
    let needs = |backend: &str| {
        let is_it = |text: &String| {
            text.to_ascii_lowercase()
                .strip_prefix(backend)
                .is_some_and(|rest| {
                    !rest.starts_with(|it: char| it.is_alphanumeric() || "-_.".contains(it))
                })
        };
        asked.iter().any(is_it)
    };
    // What these ask for only while they build, which is when there is no network.
    let more = [("hatchling", "editables"), ("setuptools", "wheel")];
    let more: Vec<_> = more
        .into_iter()
        .filter(|(backend, more)| needs(backend) && !needs(more))
        .map(|(_, more)| more.to_owned())
        .collect();
    asked.extend(more);
    Some(asked)
}

/// What the project says that building it needs, whatever that is.
fn asked_for(tree: &Tree) -> Option<Vec<String>> {
    let default = || vec!["setuptools>=40.8.0".to_owned(), "wheel".to_owned()];
    let has_setup = read(tree, "setup.py").is_some()
        || read(tree, "setup.cfg").is_some_and(|text| text.contains("[metadata]"));
    let manifest =
        read(tree, "pyproject.toml").and_then(|text| toml::from_str::<Table>(&text).ok());
    let Some(manifest) = manifest else {
        return has_setup.then(default);
    };
    let table = |keys: &[&str]| {
        keys.iter()
            .try_fold(&manifest, |table, key| table.get(*key)?.as_table())
    };
    let package_mode = table(&["tool", "poetry"]).and_then(|poetry| poetry.get("package-mode"));
    let managed = table(&["tool", "uv"]).and_then(|uv| uv.get("package"));
    if [package_mode, managed].contains(&Some(&Value::Boolean(false))) {
        return None;
    }
    let system = table(&["build-system"]);
    let is_package = system.is_some() || has_setup;
    let requires = system.and_then(|system| system.get("requires")?.as_array());
    let requires = requires.map(|requires| {
        let texts = requires.iter().filter_map(Value::as_str);
        texts.map(|text| text.trim().to_owned()).collect()
    });
    is_package.then(|| requires.unwrap_or_else(default))
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

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Tree) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let tree = Tree {
            root: folder.path().into(),
            lockfile: RelPath::new(files[0].0).unwrap(),
        };
        (folder, tree)
    }

    fn runner(files: &[(&str, &str)]) -> Runner {
        let (_folder, tree) = tree(files);
        of(&tree, &Policy::default(), Vec::new()).tests[0].runner
    }

    #[test]
    fn pytest_runs_where_it_is_locked_or_set_up() {
        for files in [
            &[("requirements.txt", "pytest==7.0\n")] as &[_],
            &[("requirements/dev.txt", "pytest>=7\n")],
            &[("requirements.txt", "a==1\n"), ("tox.ini", "[pytest]\n")],
        ] {
            assert_eq!(runner(files), Runner::Pytest, "{files:?}");
        }
        assert_eq!(runner(&[("requirements.txt", "a==1\n")]), Runner::Unittest);
    }

    #[test]
    fn a_project_says_itself_how_it_is_tested() {
        let command = |files: &[(&str, &str)]| {
            let (_folder, tree) = tree(files);
            let commands = of(&tree, &Policy::default(), Vec::new());
            let test = &commands.tests[0];
            let notes = found(&tree, &Policy::default()).join("\n");
            (test.runner, test.argv.join(" "), notes)
        };
        let lock = ("requirements.txt", "a==1\n");
        let tox = (
            "tox.ini",
            "[testenv]\ncommands = python -m unittest discover -s t\n",
        );
        let make = ("Makefile", "test:\n\t./run-tests\n");
        let (runner, argv, notes) = command(&[lock, tox, make]);
        assert_eq!(runner, Runner::Unittest);
        assert_eq!(argv, "python -m unittest discover -s t -v");
        assert!(notes.contains("as `tox.ini` says"), "{notes}");
        let (runner, argv, notes) = command(&[lock, make]);
        assert_eq!((runner, argv.as_str()), (Runner::Script, "make test"));
        assert!(notes.contains("as `Makefile` says"), "{notes}");
        let (runner, argv, _) = command(&[lock, make, ("test_a.py", "")]);
        assert_eq!((runner, argv), (Runner::Unittest, UNITTEST.join(" ")));
    }

    #[test]
    fn pytest_runs_the_tests_that_nox_or_tox_names() {
        let lock = ("requirements.txt", "pytest==7\n");
        let nox = (
            "noxfile.py",
            "session.run('pytest', 'tests', '--cov=a', *session.posargs)\n",
        );
        let argv = |files: &[(&str, &str)], policy: &Policy| {
            let (_folder, tree) = tree(files);
            let notes = found(&tree, policy).join("\n");
            let mut argv = of(&tree, policy, Vec::new()).tests.remove(0).argv;
            (argv.split_off(PYTEST.len().min(argv.len())), notes)
        };
        let policy = Policy::default();
        let (chosen, notes) = argv(&[lock, nox, ("tests/test_a.py", "")], &policy);
        assert_eq!(chosen, ["tests"]);
        assert!(
            notes.contains("`pytest tests`, as `noxfile.py` says"),
            "{notes}"
        );
        let (chosen, notes) = argv(&[lock, nox], &policy);
        assert_eq!(chosen, Vec::<String>::new());
        assert!(notes.contains("it was tested without it"), "{notes}");
        let own = Policy {
            test_command: Some(vec!["pytest".into()]),
            ..policy
        };
        let (chosen, _) = argv(&[lock, nox, ("tests/test_a.py", "")], &own);
        assert_eq!(chosen, Vec::<String>::new());
    }

    #[test]
    fn the_user_s_own_commands_win() {
        let (_folder, tree) = tree(&[("requirements.txt", "pytest==7.0\n")]);
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let policy = |test: &str| Policy {
            build_command: Some(words("make")),
            test_command: Some(words(test)),
            ..Policy::default()
        };
        let commands = of(&tree, &policy("make test"), words("install"));
        assert_eq!(commands.build, words("install make"));
        assert_eq!(commands.tests[0].runner, Runner::Own);
        let commands = of(&tree, &policy("python -m pytest -v"), Vec::new());
        assert_eq!(commands.tests[0].runner, Runner::Pytest);
    }

    #[test]
    fn what_a_build_may_not_ask_for_is_told_and_not_fetched() {
        let (_folder, tree) = tree(&[(
            "pyproject.toml",
            "[build-system]\nrequires = [\"a @ https://example.org/a.tar.gz\", \"b\\n--pre\", \"c>=1\"]\n",
        )]);
        assert_eq!(project(&tree), Some(vec!["c>=1".to_owned()]));
        let notes = found(&tree, &Policy::default());
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert!(notes[1].contains(r"`b\n--pre`"), "{notes:?}");
    }

    #[test]
    fn a_project_that_is_no_package_is_not_installed() {
        let needed = |files: &[(&str, &str)]| {
            let (_folder, tree) = tree(files);
            project(&tree)
        };
        let lock = ("requirements/dev.txt", "a==1\n");
        assert_eq!(needed(&[lock]), None);
        assert_eq!(needed(&[lock, ("pyproject.toml", "[tool.black]\n")]), None);
        assert!(needed(&[lock, ("setup.py", "")]).is_some());
        let backend = (
            "pyproject.toml",
            "[build-system]\nrequires = [\"hatchling\", \"--evil\"]\n",
        );
        assert_eq!(
            needed(&[lock, backend]),
            Some(vec!["hatchling".to_owned(), "editables".to_owned()])
        );
        let not = "[tool.poetry]\npackage-mode = false\n[build-system]\nrequires = []\n";
        assert_eq!(
            needed(&[("poetry.lock", ""), ("pyproject.toml", not)]),
            None
        );
    }
}
