//! Reads how a project says itself that it is tested: tox's commands, nox's sessions and the recipe
//! of a Makefile's `test`. Only what starts unittest by itself is taken as it is; of what starts
//! pytest, which tests it runs. Runs nothing.

/// How many lines of one recipe are looked at.
const LINES_MAX: usize = 64;

/// How many words of one command.
const WORDS_MAX: usize = 64;

/// What a shell or tox would do more with than start a program with words.
const OPERATORS: [char; 12] = ['|', ';', '&', '<', '>', '(', ')', '$', '`', '{', '"', '\''];

/// The commands of tox's default environment, in its order.
pub(super) fn of_tox(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let (mut is_section, mut is_open) = (false, false);
    for line in text.lines() {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with('[') {
            is_section = bare == "[testenv]";
            is_open = false;
            continue;
        }
        if !is_section {
            continue;
        }
        if line.starts_with([' ', '\t']) {
            if is_open {
                commands.push(bare.to_owned());
            }
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        is_open = key.trim() == "commands";
        if is_open && !value.trim().is_empty() {
            commands.push(value.trim().to_owned());
        }
    }
    commands.truncate(LINES_MAX);
    commands
}

/// The commands that the sessions of a `noxfile.py` run, as far as they are written out, each up to
/// what only the program could say. Lexical: of what stands in comments or strings of a docstring's
/// kind nothing is told apart, so only what is plain is taken of it.
pub(super) fn of_nox(text: &str) -> Vec<Vec<String>> {
    let calls = text.split("session.run(").skip(1).take(LINES_MAX);
    let words = calls.map(|call| {
        let (mut words, mut rest) = (Vec::new(), call.trim_start());
        while let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            let inside = &rest[1..];
            let Some(end) = inside.find([quote, '\\', '\n']) else {
                break;
            };
            if !inside[end..].starts_with(quote) || words.len() == WORDS_MAX {
                break;
            }
            words.push(inside[..end].to_owned());
            rest = inside[end + 1..].trim_start();
            match rest.strip_prefix(',') {
                Some(more) => rest = more.trim_start(),
                None => break,
            }
        }
        words
    });
    words.filter(|words| !words.is_empty()).collect()
}

/// A command of tox's as words; nothing where a shell or tox would do more with it.
pub(super) fn words_of(command: &str) -> Option<Vec<String>> {
    let command = command.trim_start_matches('-').trim();
    let command = command.split("{posargs").next().unwrap_or(command).trim();
    let is_plain = !command.contains(OPERATORS) && !command.ends_with('\\');
    is_plain.then(|| command.split_whitespace().map(str::to_owned).collect())
}

/// Which tests the one command among these that starts pytest runs: the folders and files that it
/// names, and the options that choose among tests. What it measures or prints is left out.
pub(super) fn chosen_by_pytest(commands: &[Vec<String>]) -> Option<Vec<String>> {
    let mut found = commands.iter().filter_map(|words| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["pytest" | "py.test", rest @ ..]
            | ["python" | "python3", "-m", "pytest", rest @ ..]
            | ["coverage", "run", "-m", "pytest", rest @ ..] => Some(choosing(rest)),
            _ => None,
        }
    });
    let first = found.next()?;
    // Which of several would be all of the tests nobody can say.
    found.next().is_none().then_some(first)?
}

fn choosing(arguments: &[&str]) -> Option<Vec<String>> {
    let mut chosen = Vec::new();
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        match *word {
            "-m" | "-k" | "--ignore" | "--deselect" => {
                chosen.push((*word).to_owned());
                chosen.push((*rest.next()?).to_owned());
            }
            // An option whose value may be the next word.
            "-n" | "-c" | "-p" | "-o" | "-W" | "--cov" | "--cov-report" | "--junitxml" => {
                return None;
            }
            word if is_choice(word) => chosen.push(word.to_owned()),
            word if word.starts_with('-') => {}
            word => chosen.push(word.to_owned()),
        }
    }
    Some(chosen)
}

fn is_choice(word: &str) -> bool {
    [
        "--ignore=",
        "--ignore-glob=",
        "--deselect=",
        "--pyargs",
        "--doctest-modules",
    ]
    .iter()
    .any(|start| word.starts_with(start))
}

/// The recipe of a Makefile's `test`, in its order; `None` where it has no such target.
pub(super) fn of_makefile(text: &str) -> Option<Vec<String>> {
    let mut lines = text.lines();
    lines.find(|line| {
        let target = line.split_once(':').map(|(target, _)| target);
        let is_variable = line.contains(":=");
        target.is_some_and(|target| target.trim_end() == "test") && !is_variable
    })?;
    let recipe = lines.take_while(|line| line.starts_with('\t'));
    let commands = recipe.map(|line| line.trim().trim_start_matches(['@', '-']).trim().to_owned());
    Some(commands.take(LINES_MAX).collect())
}

/// The one command among these that starts unittest and is nothing but words, asked to name its
/// tests.
pub(super) fn unittest(commands: &[String]) -> Option<Vec<String>> {
    let mut found = commands
        .iter()
        .filter_map(|command| plain_unittest(command));
    let first = found.next()?;
    // Which of several would be all of the tests nobody can say.
    found.next().is_none().then_some(first)
}

fn plain_unittest(command: &str) -> Option<Vec<String>> {
    let words = words_of(command)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (["python" | "python3", "-m", "unittest", rest @ ..]
    | ["coverage", "run", "-m", "unittest", rest @ ..]) = words.as_slice()
    else {
        return None;
    };
    let mut argv: Vec<String> = ["python", "-m", "unittest"].map(str::to_owned).to_vec();
    if rest.is_empty() {
        argv.push("discover".to_owned());
    }
    argv.extend(rest.iter().map(|word| (*word).to_owned()));
    if !rest.iter().any(|word| matches!(*word, "-v" | "--verbose")) {
        argv.push("-v".to_owned());
    }
    Some(argv)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(commands: &[String]) -> Option<String> {
        unittest(commands).map(|words| words.join(" "))
    }

    #[test]
    fn tox_says_where_the_tests_are() {
        let text = "[tox]\nenvlist = py3\ncommands = no\n\n[testenv]\ndeps =\n    x\ncommands =\n    \
            python setup.py check\n    # old\n    python -m unittest discover -s tests {posargs}\n\n\
            [testenv:lint]\ncommands = python -m unittest lint\n";
        let commands = of_tox(text);
        assert_eq!(commands.len(), 2, "{commands:?}");
        assert_eq!(
            shown(&commands).as_deref(),
            Some("python -m unittest discover -s tests -v")
        );
        let one = of_tox("[testenv]\ncommands=coverage run -m unittest\n");
        assert_eq!(
            shown(&one).as_deref(),
            Some("python -m unittest discover -v")
        );
    }

    #[test]
    fn a_makefile_says_it_in_the_recipe_of_test() {
        let text = "test := x\nall:\n\techo\n\ntest: all\n\t@python3 -m unittest -v tests\n\nlint:\n\tflake8\n";
        let recipe = of_makefile(text).unwrap();
        assert_eq!(
            shown(&recipe).as_deref(),
            Some("python -m unittest -v tests")
        );
        assert_eq!(of_makefile("all:\n\techo\n"), None);
    }

    #[test]
    fn tox_and_nox_say_which_tests_pytest_runs() {
        let nox = "@nox.session\ndef tests(session):\n    session.install('.')\n    session.run(\n        \
            \"pytest\", 'tests', \"--cov=app\", \"-m\", \"not slow\",\n        *session.posargs,\n    )\n    \
            session.run(\"ruff\", \"check\")\n";
        let chosen = |commands: &[Vec<String>]| chosen_by_pytest(commands).map(|all| all.join(" "));
        assert_eq!(chosen(&of_nox(nox)).as_deref(), Some("tests -m not slow"));
        let two = format!("{nox}{nox}");
        assert_eq!(chosen(&of_nox(&two)), None);
        for (tox, expected) in [
            (
                "python -m pytest -q tests --ignore=tests/slow {posargs}",
                Some("tests --ignore=tests/slow"),
            ),
            ("coverage run -m pytest", Some("")),
            ("pytest -n auto tests", None),
            ("pytest $TESTS", None),
            ("python run.py", None),
        ] {
            let words: Vec<_> = words_of(tox).into_iter().collect();
            assert_eq!(chosen(&words).as_deref(), expected, "{tox}");
        }
        for odd in [
            "session.run(",
            "session.run(\"a",
            "session.run(name, \"a\")",
            "session.run(\"a\\\"\")",
        ] {
            assert_eq!(of_nox(odd), Vec::<Vec<String>>::new(), "{odd}");
        }
    }

    #[test]
    fn what_a_shell_would_do_more_with_is_left_alone() {
        for command in [
            "python -m unittest $(TESTS)",
            "cd tests && python -m unittest",
            "python -m unittest {toxinidir}/tests",
            "python -m pytest",
            "python run.py",
        ] {
            assert_eq!(shown(&[command.to_owned()]), None, "{command}");
        }
        let two = ["python -m unittest a", "python -m unittest b"].map(str::to_owned);
        assert_eq!(shown(&two), None);
    }
}
