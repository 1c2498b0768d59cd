//! Owns which commands build and test a project that no package manager locks. Runs none.

use std::path::Path;

use backstitch_model::Policy;

use super::find::{Kind, beside, folder, folders, names};
use super::tools::Tools;
use crate::npm::scripts::{By, Scripts};
use crate::runner::Runner;
use crate::workbench::{Commands, TestCommand, Tree};

/// The most files of JavaScript that are looked at for mistakes of grammar.
const CHECKED_MAX: usize = 50;
/// The most processes that a build starts at one time.
const JOBS_MAX: usize = 8;
/// Where a build that has a folder of its own puts its results.
const BUILD: &str = "build";
/// The same, where the project has something of that name.
const OTHER_BUILD: &str = "build-backstitch";

/// What is asked of pytest so that its output can be read.
const PYTEST: &str = "python3 -m pytest -p no:cacheprovider -vv -rpfE --color=no";
const UNITTEST: &str = "python3 -m unittest discover -v";
/// Looks whether each file of JavaScript can be read as such; one that is gone is no mistake.
const NODE_CHECK: &str =
    "for file in \"$@\"; do [ ! -e \"$file\" ] || node --check \"$file\" || exit 1; done";

/// Chooses: the user's own commands where there are any.
pub(super) fn of(tree: &Tree, tools: &Tools, policy: &Policy) -> Commands {
    let found = found(tree, tools, policy);
    Commands {
        build: policy.build_command.clone().unwrap_or(found.build),
        tests: match &policy.test_command {
            Some(own) => vec![own_test(own)],
            None => found.tests,
        },
    }
}

/// What a reader should know of what was found, each in a sentence.
pub(super) fn notes(tree: &Tree, tools: &Tools, policy: &Policy) -> Vec<String> {
    let commands = of(tree, tools, policy);
    let kind = Kind::of(&tree.lockfile);
    let mut notes = vec![match kind {
        Kind::Own => "no build file was found; the user's own commands are used".to_owned(),
        Kind::CMake
        | Kind::Meson
        | Kind::Autotools { .. }
        | Kind::Make
        | Kind::Python
        | Kind::JavaScript => format!("found {} by `{}`", kind.name(), tree.lockfile),
    }];
    notes.push(format!("it is built by `{}`", shown(&commands.build)));
    if commands.tests.iter().all(is_none) {
        notes.push(format!(
            "nothing was found that tests it ({}); give a command as `test_command` in \
             `backstitch.toml`",
            looked_for(kind)
        ));
    } else {
        let tests = commands.tests.iter().map(|test| shown(&test.argv));
        let tests: Vec<_> = tests.map(|text| format!("`{text}`")).collect();
        notes.push(format!("it is tested by {}", tests.join(", then ")));
    }
    notes
}

/// A build that does less, for where the whole does not build: of a language that needs none.
pub(super) fn narrower(kind: Kind, commands: &Commands, policy: &Policy) -> Option<Commands> {
    let needs_none = matches!(kind, Kind::Python | Kind::JavaScript);
    let narrower = Commands {
        build: words("true"),
        ..commands.clone()
    };
    (needs_none && policy.build_command.is_none() && narrower != *commands).then_some(narrower)
}

/// The folder that a build out of the tree is made in.
fn build_folder(tree: &Tree) -> &'static str {
    let folder = folder(tree);
    let is_there = folder.join(BUILD).symlink_metadata().is_ok();
    if is_there { OTHER_BUILD } else { BUILD }
}

fn found(tree: &Tree, tools: &Tools, policy: &Policy) -> Commands {
    let jobs = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let jobs = jobs.min(JOBS_MAX);
    let build = build_folder(tree);
    match Kind::of(&tree.lockfile) {
        Kind::CMake => Commands {
            build: shell(&format!(
                "{} && cmake --build {build} -j {jobs}",
                configured(tree, build)
            )),
            tests: vec![test(
                Runner::Ctest,
                shell(&format!("cd {build} && ctest -V")),
            )],
        },
        Kind::Meson => Commands {
            build: shell(&format!(
                "{{ [ -f {build}/build.ninja ] || meson setup {build}; }} && \
                 meson compile -C {build} -j {jobs}"
            )),
            tests: vec![test(
                Runner::Meson,
                words(&format!("meson test -C {build} --print-errorlogs")),
            )],
        },
        Kind::Autotools { configured } => {
            let made = if configured { "" } else { "autoreconf -fi && " };
            Commands {
                build: shell(&format!(
                    "{{ [ -f Makefile ] || {{ {made}sh ./configure; }}; }} && make -j{jobs}"
                )),
                tests: vec![test(Runner::Own, words("make check"))],
            }
        }
        Kind::Make => Commands {
            build: words(&format!("make -j{jobs}")),
            tests: vec![make_target(tree).map_or_else(none, |argv| test(Runner::Own, argv))],
        },
        Kind::Python => Commands {
            build: words("python3 -m compileall -q ."),
            tests: vec![python_tests(tree, tools)],
        },
        Kind::JavaScript => javascript(tree, policy),
        Kind::Own => Commands {
            build: words("true"),
            tests: vec![none()],
        },
    }
}

fn looked_for(kind: Kind) -> &'static str {
    match kind {
        Kind::Make => "there is no target `check`, `test` or `tests`",
        Kind::CMake
        | Kind::Meson
        | Kind::Autotools { .. }
        | Kind::Python
        | Kind::JavaScript
        | Kind::Own => "nothing tells how",
    }
}

/// How `cmake` is asked to make ready: with the tests that a project leaves out unless asked for,
/// and without where that fails, as where they need something to be fetched.
fn configured(tree: &Tree, build: &str) -> String {
    let plain = format!("cmake -S . -B {build}");
    let options = cmake_tests(&beside(tree, "CMakeLists.txt").unwrap_or_default());
    if options.is_empty() {
        return plain;
    }
    let on: Vec<String> = options.iter().map(|name| format!("-D{name}=ON")).collect();
    format!(
        "{{ {plain} {} || {{ rm -rf {build} && {plain}; }}; }}",
        on.join(" ")
    )
}

/// The options of a `CMakeLists.txt` that turn its tests on, and are off.
fn cmake_tests(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let begins = line.trim_start().to_ascii_lowercase();
        if begins.starts_with("option(") || begins.starts_with("cmake_dependent_option(") {
            // A command goes on over lines until its bracket closes.
            let rest = &text[at..];
            let command = rest.split_once('(').map_or("", |(_, inside)| inside);
            let name = test_option(&command[..closing(command)]);
            found.extend(name.filter(|name| !found.contains(name)));
        }
        if found.len() == OPTIONS_MAX {
            break;
        }
        at += line.len();
    }
    found
}

/// Where the bracket closes that is open at the beginning; quotes hide brackets.
fn closing(text: &str) -> usize {
    let (mut depth, mut quoted) = (0_u32, false);
    for (place, byte) in text.bytes().enumerate().take(COMMAND_BYTES_MAX) {
        match byte {
            b'"' => quoted = !quoted,
            b'(' if !quoted => depth += 1,
            b')' if !quoted && depth == 0 => return place,
            b')' if !quoted => depth -= 1,
            _ => {}
        }
    }
    0
}

/// The name of an option, where it is about tests and off: one that says no value is off.
fn test_option(inside: &str) -> Option<String> {
    let (name, rest) = inside.trim().split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let value = match rest.strip_prefix('"') {
        Some(described) => described.split_once('"')?.1,
        None => rest
            .split_once(char::is_whitespace)
            .map_or("", |(_, value)| value),
    };
    let value = value.trim_start();
    let is_off = value.is_empty() || value.starts_with("OFF");
    let is_name = name
        .chars()
        .all(|it| it.is_ascii_alphanumeric() || it == '_');
    let tests = name.split('_').any(|word| TESTING.contains(&word));
    let more = name.split('_').any(|word| NOT_TESTS.contains(&word));
    (is_off && is_name && tests && !more).then(|| name.to_owned())
}

/// Words of an option's name that say that it is about tests, and those that say of what else.
const TESTING: [&str; 6] = [
    "TEST",
    "TESTS",
    "TESTING",
    "UNITTEST",
    "UNITTESTS",
    "CHECKS",
];
const NOT_TESTS: [&str; 12] = [
    "FUZZ",
    "FUZZING",
    "BENCH",
    "BENCHMARK",
    "BENCHMARKS",
    "COVERAGE",
    "INSTALL",
    "VALGRIND",
    "SANITIZER",
    "SANITIZERS",
    "PERF",
    "DISABLE",
];
const OPTIONS_MAX: usize = 10;
/// The longest command of a `CMakeLists.txt` that is looked at, in bytes.
const COMMAND_BYTES_MAX: usize = 4096;

/// The targets of a Makefile that test, the usual ones first.
const MAKE_TESTS: [&str; 8] = [
    "check",
    "test",
    "tests",
    "unittest",
    "unit-test",
    "runtests",
    "run-tests",
    "smoke",
];

/// The command that asks a Makefile for its tests. A target that is a file, a program that tests,
/// is done once that is there; it is taken away first, so that it is run.
fn make_target(tree: &Tree) -> Option<Vec<String>> {
    let text = beside(tree, tree.lockfile.file_name())?;
    let names = |line: &str, wanted: &str| {
        let targets = line.split_once(':').filter(|(targets, rest)| {
            let is_rule = !targets.starts_with(['\t', '#', '.', ' ']) && !rest.starts_with('=');
            is_rule && !targets.contains('=')
        });
        targets.is_some_and(|(targets, _)| targets.split_whitespace().any(|it| it == wanted))
    };
    let has = |wanted: &&str| text.lines().any(|line| names(line, wanted));
    let target = MAKE_TESTS.into_iter().find(has)?;
    let rule = text.lines().skip_while(|line| !names(line, target)).skip(1);
    let mut recipe = rule.take_while(|line| line.starts_with('\t'));
    let is_made = recipe.any(|line| line.contains("$@") || line.contains(&format!("-o {target}")));
    let is_there = folder(tree).join(target).symlink_metadata().is_ok();
    Some(if is_made && !is_there {
        shell(&format!("rm -f {target}; make {target}"))
    } else {
        words(&format!("make {target}"))
    })
}

fn python_tests(tree: &Tree, tools: &Tools) -> TestCommand {
    if tools.has_pytest() {
        return test(Runner::Pytest, words(PYTEST));
    }
    let root = folder(tree);
    let is_test = |name: &String| {
        let is_python = Path::new(name).extension().is_some_and(|it| it == "py");
        name.starts_with("test") && is_python
    };
    let has_tests = |names: Vec<String>| names.iter().any(is_test);
    if !has_tests(names(&root)) {
        // Discovery enters packages only.
        let plain = folders(&root).into_iter().find(|name| {
            let inside = names(&root.join(name));
            ["tests", "test"].contains(&name.as_str())
                && !inside.iter().any(|name| name == "__init__.py")
                && has_tests(inside)
        });
        if let Some(name) = plain {
            return test(Runner::Unittest, words(&format!("{UNITTEST} -s {name}")));
        }
    }
    test(Runner::Unittest, words(UNITTEST))
}

fn javascript(tree: &Tree, policy: &Policy) -> Commands {
    let scripts = beside(tree, "package.json").map(|text| Scripts::of(&text, By::Npm));
    if let Some(scripts) = scripts.filter(Scripts::has_tests) {
        let asked = scripts.commands(policy);
        return Commands {
            build: if scripts.has_build() {
                asked.build
            } else {
                checked(tree)
            },
            tests: asked.tests,
        };
    }
    Commands {
        build: checked(tree),
        tests: vec![test(Runner::Tap, words("node --test --test-reporter=tap"))],
    }
}

/// Looks at the files of JavaScript at the root and one folder below.
fn checked(tree: &Tree) -> Vec<String> {
    let root = folder(tree);
    let is_source = |name: &String| {
        let is = |ending| name.ends_with(ending) && !name.contains(".min.");
        is(".js") || is(".mjs") || is(".cjs")
    };
    let here = names(&root).into_iter().filter(is_source);
    let below = folders(&root).into_iter().flat_map(|folder| {
        let inside = names(&root.join(&folder)).into_iter().filter(is_source);
        inside
            .map(move |name| format!("{folder}/{name}"))
            .collect::<Vec<_>>()
    });
    let files: Vec<_> = here.chain(below).take(CHECKED_MAX).collect();
    if files.is_empty() {
        return words("true");
    }
    ["sh", "-c", NODE_CHECK, "check"]
        .into_iter()
        .map(str::to_owned)
        .chain(files)
        .collect()
}

/// The user's own command, read by its runner where its words tell which that is.
fn own_test(own: &[String]) -> TestCommand {
    let is =
        |words: &[&str]| own.len() >= words.len() && own.iter().zip(words).all(|(a, b)| a == b);
    let python = own.first().is_some_and(|it| it.starts_with("python"));
    let module = |name: &str| {
        python && own.get(1).is_some_and(|it| it == "-m") && own.get(2).is_some_and(|it| it == name)
    };
    let names = own
        .iter()
        .any(|word| word.starts_with("-v") || word == "--verbose");
    let runner = if (is(&["pytest"]) || module("pytest")) && names {
        Runner::Pytest
    } else if module("unittest") && names {
        Runner::Unittest
    } else if is(&["ctest"]) {
        Runner::Ctest
    } else if is(&["meson", "test"]) {
        Runner::Meson
    } else {
        Runner::Own
    };
    test(runner, own.to_vec())
}

fn test(runner: Runner, argv: Vec<String>) -> TestCommand {
    TestCommand { argv, runner }
}

/// A test command that names nothing, and so counts as none.
fn none() -> TestCommand {
    test(Runner::Tap, words("true"))
}

fn is_none(command: &TestCommand) -> bool {
    *command == none()
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn shell(text: &str) -> Vec<String> {
    ["sh", "-c", text].map(str::to_owned).to_vec()
}

/// A command as a reader is shown it.
fn shown(argv: &[String]) -> String {
    match argv {
        [shell, flag, text] if shell == "sh" && flag == "-c" => text.clone(),
        argv => argv.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backstitch_model::RelPath;

    fn commands(files: &[(&str, &str)], policy: &Policy) -> (Commands, String) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let tree = Tree {
            root: folder.path().into(),
            lockfile: RelPath::new(files[0].0).unwrap(),
        };
        let tools = Tools::default();
        (
            of(&tree, &tools, policy),
            notes(&tree, &tools, policy).join("\n"),
        )
    }

    fn tested(files: &[(&str, &str)]) -> (Runner, String) {
        let (commands, _) = commands(files, &Policy::default());
        (commands.tests[0].runner, shown(&commands.tests[0].argv))
    }

    #[test]
    fn a_makefile_is_tested_by_the_target_that_it_has() {
        for (text, target) in [
            ("all:\n\tcc a.c\ncheck: all\n\t./t\n", "make check"),
            ("test tests: all\n", "make test"),
            (
                "all: test\ntest: t.c\n\tcc -o $@ $^\n\t./$@\n",
                "rm -f test; make test",
            ),
            (".PHONY: all tests\ntests:\n\t./t\n", "make tests"),
            (".PHONY: smoke\nsmoke:\n\t./t\n", "make smoke"),
            ("check := 3\ntest ?= 4\n#check:\nall:\n\tcheck: x\n", "true"),
        ] {
            assert_eq!(tested(&[("Makefile", text)]).1, target, "{text}");
        }
        let (_, notes) = commands(&[("Makefile", "all:\n")], &Policy::default());
        assert!(notes.contains("there is no target `check`"), "{notes}");
    }

    #[test]
    fn tests_that_cmake_leaves_out_unless_asked_for_are_asked_for() {
        let text = "option(P_BUILD_TESTS \"Build tests\" OFF)\n\
                    option(ENABLE_TESTING \"x\")\n\
                    option(P_FUZZ_TESTS \"x\" OFF)\noption(WITH_TESTS \"x\" ON)\n\
                    option(SHARED \"tests OFF\" OFF)\n  \
                    cmake_dependent_option(X_TESTS \"x\" OFF \"A\" OFF)\n\
                    option(A;rm_TESTS \"x\" OFF)\n\
                    cmake_dependent_option(L_TESTS\n  \"Lines (all)\" OFF\n  \"A\" OFF)\n\
                    option(Y_TESTS\n  \"x\" ON)\noption(Z_TESTS \"never closed\" OFF\n";
        assert_eq!(
            cmake_tests(text),
            ["P_BUILD_TESTS", "ENABLE_TESTING", "X_TESTS", "L_TESTS"]
        );
        let (commands, _) = commands(&[("CMakeLists.txt", text)], &Policy::default());
        let build = shown(&commands.build);
        assert!(
            build.starts_with("{ cmake -S . -B build -DP_BUILD_TESTS=ON -DENABLE_TESTING=ON -DX"),
            "{build}"
        );
    }

    #[test]
    fn a_build_folder_of_the_project_s_own_is_left_alone() {
        let ours = commands(&[("CMakeLists.txt", "")], &Policy::default());
        assert!(shown(&ours.0.build).starts_with("cmake -S . -B build &&"));
        let theirs = [("CMakeLists.txt", ""), ("build/keep", "")];
        let theirs = commands(&theirs, &Policy::default());
        assert!(shown(&theirs.0.build).contains("-B build-backstitch &&"));
        assert!(
            theirs.1.contains("found CMake by `CMakeLists.txt`"),
            "{}",
            theirs.1
        );
        assert!(
            theirs.1.contains("cd build-backstitch && ctest -V"),
            "{}",
            theirs.1
        );
    }

    #[test]
    fn sources_are_tested_by_what_their_language_brings() {
        assert_eq!(tested(&[("a.py", ""), ("test_a.py", "")]).1, UNITTEST);
        assert_eq!(
            tested(&[("a.py", ""), ("tests/test_a.py", "")]).1,
            format!("{UNITTEST} -s tests")
        );
        assert_eq!(tested(&[("a.js", "")]).0, Runner::Tap);
        let manifest = r#"{"scripts": {"test": "node --test t.js"}}"#;
        let (runner, argv) = tested(&[("package.json", manifest)]);
        assert_eq!(runner, Runner::Tap);
        assert!(argv.contains("t.js"), "{argv}");
    }

    #[test]
    fn the_user_s_own_commands_win_and_are_read_by_the_runner_that_they_name() {
        for (own, runner) in [
            ("./t", Runner::Own),
            ("pytest -v", Runner::Pytest),
            ("pytest -q", Runner::Own),
            ("python3 -m unittest -v", Runner::Unittest),
            ("ctest --test-dir b", Runner::Ctest),
        ] {
            let policy = Policy {
                build_command: Some(words("cc a.c")),
                test_command: Some(words(own)),
                ..Policy::default()
            };
            let (commands, notes) = commands(&[("Makefile", "check:\n")], &policy);
            assert_eq!(commands.build, words("cc a.c"));
            assert_eq!(commands.tests[0].runner, runner, "{own}");
            assert!(notes.contains(&format!("`{own}`")), "{notes}");
        }
    }
}
