//! Owns which commands build and test a project of npm's: what its scripts say, with the test
//! runner asked to name its tests. Runs none.

use std::collections::BTreeMap;

use backstitch_model::Policy;
use serde_json::Value;

use crate::runner::Runner;
use crate::workbench::{Commands, TestCommand};

/// How deep scripts may call one another.
const DEPTH_MAX: usize = 6;

/// How many commands a script may come to.
const COMMANDS_MAX: usize = 64;

/// Programs that say how code looks and not whether it works: no fix is judged by them.
const LINTERS: [&str; 12] = [
    "eslint",
    "prettier",
    "standard",
    "standard-markdown",
    "tslint",
    "xo",
    "stylelint",
    "markdownlint",
    "biome",
    "oxlint",
    "commitlint",
    "jshint",
];

/// Words before a program that start it and are none themselves.
const STARTERS: [&str; 10] = [
    "npx",
    "pnpm",
    "yarn",
    "cross-env",
    "env",
    "c8",
    "nyc",
    "exec",
    "dotenv",
    "time",
];

/// Errors where a dependency has no folder: yarn 2 has no command that only looks.
const IS_INSTALLED: &str = "for (const name in require('./package.json').dependencies) \
                            require('fs').accessSync('node_modules/' + name)";

/// What npm writes where nobody wrote a test.
const NO_TEST: &str = "no test specified";

/// What runs a script by its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum By {
    #[default]
    Npm,
    Pnpm,
    Yarn,
}

/// A manifest's scripts and dependencies, as far as they matter here.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    /// What runs a script by its name.
    by: By,
    scripts: BTreeMap<String, String>,
    dependencies: BTreeMap<String, String>,
}

impl Scripts {
    /// Reads a manifest's text; one that cannot be read has none.
    pub(crate) fn of(manifest: &str, by: By) -> Self {
        let value: Value =
            serde_json::from_str(manifest.trim_start_matches('\u{feff}')).unwrap_or_default();
        let texts = |name: &str| -> BTreeMap<String, String> {
            let entries = value[name].as_object().into_iter().flatten();
            entries
                .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
                .collect()
        };
        let mut dependencies = texts("dependencies");
        dependencies.extend(texts("devDependencies"));
        Self {
            by,
            scripts: texts("scripts"),
            dependencies,
        }
    }

    /// Is there a script that tests?
    pub(crate) fn has_tests(&self) -> bool {
        let own = self.scripts.get("test");
        own.is_some_and(|text| !text.contains(NO_TEST))
    }

    /// Is there a script that builds?
    pub(crate) fn has_build(&self) -> bool {
        self.scripts.contains_key("build")
    }

    /// Chooses: the user's commands where there are any.
    pub(crate) fn commands(&self, policy: &Policy) -> Commands {
        let build = match &policy.build_command {
            Some(own) => own.clone(),
            None if self.has_build() => words(&format!("{} run build", self.by.name())),
            None => self.by.installed(),
        };
        let tests = match &policy.test_command {
            Some(own) => vec![TestCommand {
                argv: own.clone(),
                runner: Runner::Own,
            }],
            None => self.tests(),
        };
        Commands { build, tests }
    }

    /// What a reader should know of the commands, each in a sentence.
    pub(super) fn notes(&self, commands: &Commands) -> Vec<String> {
        let mut notes: Vec<_> = commands
            .tests
            .iter()
            .map(|test| format!("the tests are run by `{}`", shown(&test.argv)))
            .collect();
        let all = self.expanded("test");
        let left: Vec<_> = all.iter().filter(|one| is_linter(one)).collect();
        if let Some(first) = left.first() {
            notes.push(format!(
                "what looks only at how code is written is left out of the tests: `{first}`{}",
                if left.len() > 1 { " and more" } else { "" }
            ));
        }
        notes
    }

    /// One command for each runner, with what stands before it, and one for what comes after the
    /// last.
    fn tests(&self) -> Vec<TestCommand> {
        let (mut tests, mut chain) = (Vec::new(), Vec::<String>::new());
        for text in self.expanded("test").iter().filter(|one| !is_linter(one)) {
            let found = self.asked_to_name(text);
            let (runner, asked) = found.map_or((None, text.clone()), |(runner, asked)| {
                (Some(runner), asked)
            });
            let is_apart = is_whole(text) && (runner.is_none() || !chain.is_empty());
            chain.push(if is_apart {
                format!("({asked})")
            } else {
                asked
            });
            if let Some(runner) = runner {
                tests.push(script(runner, &chain.join(" && ")));
                chain.clear();
            }
        }
        if tests.is_empty() {
            tests.push(if self.has_tests() {
                script(Runner::Script, &format!("{} test", self.by.name()))
            } else {
                script(Runner::Tap, "true")
            });
        } else if !chain.is_empty() {
            tests.push(script(Runner::Script, &chain.join(" && ")));
        }
        tests
    }

    /// The commands that a script comes to, those of other scripts in their place.
    fn expanded(&self, name: &str) -> Vec<String> {
        let mut commands = Vec::new();
        self.expand(name, 0, &mut commands);
        commands
    }

    fn expand(&self, name: &str, depth: usize, commands: &mut Vec<String>) {
        for name in [format!("pre{name}"), name.to_owned(), format!("post{name}")] {
            let Some(text) = self.scripts.get(&name) else {
                continue;
            };
            let parts = if is_whole(text) {
                vec![text.trim()]
            } else {
                split_at_and(text)
            };
            for part in parts {
                if commands.len() >= COMMANDS_MAX {
                    return;
                }
                match called(part).filter(|other| self.scripts.contains_key(*other)) {
                    Some(other) if depth < DEPTH_MAX => self.expand(other, depth + 1, commands),
                    Some(_) | None => commands.push(part.to_owned()),
                }
            }
        }
    }

    /// The runner that a command starts, and the command with what makes it name its tests. Of
    /// one that is several, only the last may be a runner.
    fn asked_to_name(&self, text: &str) -> Option<(Runner, String)> {
        if has_operators(text) {
            return None;
        }
        let mut parts = split_at_and(text);
        let (runner, asked) = self.asked_alone(parts.pop()?)?;
        if parts.iter().any(|part| self.asked_alone(part).is_some()) {
            return None;
        }
        parts.retain(|part| !is_linter(part));
        parts.push(&asked);
        Some((runner, parts.join(" && ")))
    }

    fn asked_alone(&self, text: &str) -> Option<(Runner, String)> {
        let program = program(text)?;
        let with = |arguments: &str| format!("{text} {arguments}");
        let is_node = matches!(program, "node" | "tsx" | "ts-node");
        Some(match program {
            "jest" => (Runner::Jest, with("--ci --verbose --silent")),
            "vitest" => (Runner::Tap, with("--run --reporter=tap-flat")),
            "mocha" => (Runner::Tap, with("--reporter tap")),
            "ava" => (Runner::Tap, with("--tap")),
            "tape" => (Runner::Tap, text.to_owned()),
            "tap" => (Runner::Tap, with(self.arguments_of_tap())),
            _ if is_node && text.split(' ').any(|word| word == "--test") => {
                let words = text.split(' ').map(|word| match word {
                    "--test" => "--test --test-reporter=tap",
                    other => other,
                });
                (Runner::Tap, words.collect::<Vec<_>>().join(" "))
            }
            _ => return None,
        })
    }

    /// Coverage is no behaviour, and measuring it takes time; versions have other words for it.
    fn arguments_of_tap(&self) -> &'static str {
        let version = self.dependencies.get("tap").map_or("", String::as_str);
        let major: String = version
            .chars()
            .skip_while(|c| !c.is_ascii_digit())
            .take_while(char::is_ascii_digit)
            .collect();
        match major.parse::<u32>() {
            Ok(major) if major >= 18 => "--disable-coverage --allow-empty-coverage --reporter=tap",
            Ok(_) | Err(_) => "--no-coverage --reporter=tap",
        }
    }
}

/// The same without the project's own build, and with nothing before the tests; `None` where
/// that changes nothing. The user's own commands stay as they are.
pub(super) fn narrower(commands: &Commands, by: By, policy: &Policy) -> Option<Commands> {
    let mut narrower = commands.clone();
    if policy.build_command.is_none() {
        narrower.build = by.installed();
    }
    for test in &mut narrower.tests {
        let text = shown(&test.argv);
        if matches!(test.runner, Runner::Own | Runner::Script) || is_whole(&text) {
            continue;
        }
        if let Some(last) = split_at_and(&text).pop() {
            *test = script(test.runner, last);
        }
    }
    (narrower != *commands).then_some(narrower)
}

impl By {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pnpm => "pnpm",
            Self::Yarn => "yarn",
        }
    }

    /// Looks whether what the manifest asks for is installed; runs nothing of the project's.
    fn installed(self) -> Vec<String> {
        match self {
            Self::Npm => words("npm ls --depth=0"),
            Self::Pnpm | Self::Yarn => {
                let words = ["node", "-e", IS_INSTALLED];
                words.map(str::to_owned).to_vec()
            }
        }
    }
}

fn script(runner: Runner, text: &str) -> TestCommand {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " -_./:@".contains(c);
    let argv = if text.chars().all(is_plain) {
        words(text)
    } else {
        vec!["sh".to_owned(), "-c".to_owned(), text.to_owned()]
    };
    TestCommand { argv, runner }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn shown(argv: &[String]) -> String {
    match argv {
        [shell, flag, text] if shell == "sh" && flag == "-c" => text.clone(),
        words => words.join(" "),
    }
}

/// Splits a script at every `&&` that stands outside quotes.
fn split_at_and(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quote) = (0, None);
    let bytes = text.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            (None, b'&') if at >= start && bytes.get(at + 1) == Some(&b'&') => {
                parts.push(text[start..at].trim());
                start = at + 2;
            }
            (Some(_) | None, _) => {}
        }
    }
    parts.push(text.get(start..).unwrap_or("").trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// The script that a command calls without more: `npm run x`, `npm test`, `yarn x`.
fn called(command: &str) -> Option<&str> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let words: Vec<&str> = words
        .into_iter()
        .filter(|word| !matches!(*word, "-s" | "--silent"))
        .collect();
    match words.as_slice() {
        ["npm" | "pnpm" | "yarn", "run" | "run-script", name] | ["yarn" | "pnpm", name] => {
            Some(name)
        }
        ["npm", "test" | "t"] => Some("test"),
        _ => None,
    }
}

/// The program that a command starts.
fn program(command: &str) -> Option<&str> {
    let mut words = command.split_whitespace();
    let word = words.find(|word| {
        let is_assignment = word.contains('=') && !word.starts_with('-');
        !is_assignment && !word.starts_with('-') && !STARTERS.contains(word)
    })?;
    let word = word.strip_suffix(".js").unwrap_or(word);
    Some(
        word.rsplit('/')
            .next()
            .unwrap_or(word)
            .trim_start_matches('_'),
    )
}

fn is_linter(command: &str) -> bool {
    let program = program(command).filter(|_| !has_operators(command));
    program.is_some_and(|program| LINTERS.contains(&program))
}

/// Is a script more than commands, each of which could as well run in a shell of its own?
fn is_whole(text: &str) -> bool {
    has_operators(text) || split_at_and(text).into_iter().any(moves_the_shell)
}

/// Does a command change what those after it in the same shell see?
fn moves_the_shell(command: &str) -> bool {
    ["cd ", "export ", "set "]
        .iter()
        .any(|start| command.starts_with(start))
}

/// Does a shell do more with this than run it word by word, but for `&&`? Nothing can be put to
/// the end of such a script, and no part of it left out.
fn has_operators(text: &str) -> bool {
    let mut quote = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, '&') if rest.next_if_eq(&'&').is_some() => {}
            (None, '|' | ';' | '&' | '<' | '>' | '(' | ')' | '\n') => return true,
            (Some(_) | None, _) => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scripts(scripts: &str) -> Scripts {
        Scripts::of(
            &format!(r#"{{"scripts": {{{scripts}}}, "devDependencies": {{"tap": "^16.3.0"}}}}"#),
            By::Npm,
        )
    }

    fn test_of(text: &str) -> (Runner, String) {
        let commands = scripts(text).commands(&Policy::default());
        (commands.tests[0].runner, shown(&commands.tests[0].argv))
    }

    #[test]
    fn each_runner_is_asked_to_name_its_tests() {
        for (text, runner, command) in [
            (
                r#""test": "jest""#,
                Runner::Jest,
                "jest --ci --verbose --silent",
            ),
            (
                r#""test": "vitest run""#,
                Runner::Tap,
                "vitest run --run --reporter=tap-flat",
            ),
            (
                r#""test": "mocha -u tdd""#,
                Runner::Tap,
                "mocha -u tdd --reporter tap",
            ),
            (
                r#""test": "tap tests/*.js --100 -Rspec""#,
                Runner::Tap,
                "tap tests/*.js --100 -Rspec --no-coverage --reporter=tap",
            ),
            (
                r#""test": "NODE_ENV=test nyc --all ./node_modules/.bin/mocha""#,
                Runner::Tap,
                "NODE_ENV=test nyc --all ./node_modules/.bin/mocha --reporter tap",
            ),
            (
                r#""test": "node --import tsx/esm --test src/*.ts""#,
                Runner::Tap,
                "node --import tsx/esm --test --test-reporter=tap src/*.ts",
            ),
            (r#""test": "./run-tests.sh""#, Runner::Script, "npm test"),
            (
                r#""test": "echo \"Error: no test specified\" && exit 1""#,
                Runner::Tap,
                "true",
            ),
            (r#""build": "x""#, Runner::Tap, "true"),
        ] {
            assert_eq!(test_of(text), (runner, command.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_comes_before_the_tests_runs_before_them_and_linters_do_not() {
        let text = r#""css": "tailwind -o x", "lint": "eslint src && prettier --check .",
            "types": "tsc --noEmit", "pretest": "npm run lint && npm run types",
            "test": "npm run css && npm run unit && npm run lint", "unit": "mocha""#;
        assert_eq!(
            test_of(text),
            (
                Runner::Tap,
                "tsc --noEmit && tailwind -o x && mocha --reporter tap".to_owned()
            )
        );
        let scripts = scripts(text);
        let commands = scripts.commands(&Policy::default());
        let narrower = narrower(&commands, By::Npm, &Policy::default()).unwrap();
        assert_eq!(shown(&narrower.tests[0].argv), "mocha --reporter tap");
        let notes = scripts.notes(&commands).join("\n");
        assert!(
            notes.contains("left out of the tests: `eslint src` and more"),
            "{notes}"
        );
    }

    fn all_of(text: &str) -> Vec<(Runner, String)> {
        let tests = scripts(text).commands(&Policy::default()).tests;
        let shown = tests.iter().map(|test| (test.runner, shown(&test.argv)));
        shown.collect()
    }

    #[test]
    fn every_runner_is_run_and_so_is_what_follows_the_last() {
        let text = r#""test": "npm run unit && tsc && npm run e2e && eslint .", "unit": "cd a && mocha a",
            "e2e": "jest e2e", "posttest": "node size.js && cd b && eslint . && mocha b""#;
        let tap = |text: &str| (Runner::Tap, text.to_owned());
        let jest = "tsc && jest e2e --ci --verbose --silent".to_owned();
        assert_eq!(
            all_of(text),
            [
                tap("cd a && mocha a --reporter tap"),
                (Runner::Jest, jest),
                tap("node size.js && cd b && mocha b --reporter tap"),
            ]
        );
        assert_eq!(
            all_of(r#""pretest": "tsc", "test": "cd a && mocha", "posttest": "cd b && make""#),
            [
                tap("tsc && (cd a && mocha --reporter tap)"),
                (Runner::Script, "(cd b && make)".to_owned())
            ]
        );
        assert_eq!(
            all_of(r#""test": "mocha && eslint . && node check.js", "posttest": "./more.sh""#),
            [
                tap("mocha --reporter tap"),
                (Runner::Script, "node check.js && ./more.sh".to_owned())
            ]
        );
    }

    #[test]
    fn a_command_that_the_shell_does_more_with_stays_as_it_is() {
        for text in [
            "mocha | tee log",
            "mocha || true",
            "eslint .; mocha",
            "(cd a && mocha)",
            "mocha > log 2>&1",
            "node --test-timeout=9 x.js",
        ] {
            let text = format!(r#""test": "{text}""#);
            assert_eq!(
                all_of(&text),
                [(Runner::Script, "npm test".to_owned())],
                "{text}"
            );
        }
        assert_eq!(
            all_of(r#""test": "mocha 'a|b'", "posttest": "a; b""#),
            [
                (Runner::Tap, "mocha 'a|b' --reporter tap".to_owned()),
                (Runner::Script, "(a; b)".to_owned())
            ]
        );
        let timed = r#""test": "node --test-timeout=9 --test x.js""#;
        let asked = "node --test-timeout=9 --test --test-reporter=tap x.js".to_owned();
        assert_eq!(all_of(timed), [(Runner::Tap, asked)]);
    }

    #[test]
    fn scripts_that_call_each_other_for_ever_come_to_an_end() {
        let text = r#""test": "npm run a && npm run a", "a": "npm run test && npm run test""#;
        assert_eq!(test_of(text).0, Runner::Script);
    }

    #[test]
    fn the_users_own_commands_win_and_are_never_changed() {
        let policy = Policy {
            build_command: Some(words("make")),
            test_command: Some(words("make test")),
            ..Policy::default()
        };
        let scripts = scripts(r#""test": "jest", "build": "tsc""#);
        let commands = scripts.commands(&policy);
        assert_eq!(commands.build, words("make"));
        assert_eq!(commands.tests[0].argv, words("make test"));
        assert_eq!(narrower(&commands, By::Npm, &policy), None);
    }

    #[test]
    fn a_project_without_a_build_is_looked_at_for_what_is_installed() {
        let commands = scripts(r#""test": "jest""#).commands(&Policy::default());
        assert_eq!(commands.build, words("npm ls --depth=0"));
    }
}
