//! Reads how a project says itself that it is tested: tox's commands and the recipe of a
//! Makefile's `test`. Only what starts unittest by itself is taken as it is; runs nothing.

/// How many lines of one recipe are looked at.
const LINES_MAX: usize = 64;

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
    let command = command.trim_start_matches('-').trim();
    let command = command.split("{posargs").next().unwrap_or(command).trim();
    if command.contains(OPERATORS) || command.ends_with('\\') {
        return None;
    }
    let words: Vec<&str> = command.split_whitespace().collect();
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
