//! Ways to make a flaw unseen rather than gone: sanitizers, warnings and hardening switched off,
//! tools told to keep quiet. Tables of what a line says; what only moved does not count. Pure.

use super::functions::shortened;
use super::objection::{Objection, Sightings, Weight};
use super::pair::Pair;
use super::roles::Role;

/// Text that is looked for in lines.
#[derive(Debug, Clone, Copy)]
pub struct Needle<'n> {
    text: &'n str,
    /// In lines without their spaces.
    squeezed: bool,
}

impl<'n> Needle<'n> {
    /// As it is written.
    pub fn plain(text: &'n str) -> Self {
        Self {
            text,
            squeezed: false,
        }
    }

    /// Whatever spaces are in it.
    pub fn squeezed(text: &'n str) -> Self {
        Self {
            text,
            squeezed: true,
        }
    }

    /// The lines that came, and those that went, on which it is.
    fn lines(&self, pair: &Pair<'_>) -> (Vec<u32>, usize) {
        if self.squeezed {
            let is_in = |line: &&(u32, String)| line.1.contains(self.text);
            let came = pair.added_squeezed().iter().filter(is_in);
            let went = pair.removed_squeezed().iter().filter(is_in);
            return (came.map(|(at, _)| *at).collect(), went.count());
        }
        let is_in = |line: &(u32, &str)| contains_word(line.1, self.text);
        let came = pair.added().filter(is_in);
        (
            came.map(|(at, _)| at).collect(),
            pair.removed().filter(is_in).count(),
        )
    }
}

/// A line without its spaces.
pub fn squeezed(line: &str) -> String {
    line.chars()
        .filter(|letter| !letter.is_whitespace())
        .collect()
}

/// Whether `text` is in `line` and does not go on as a longer word to its left.
fn contains_word(line: &str, text: &str) -> bool {
    let first = text.chars().next().unwrap_or(' ');
    line.match_indices(text).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let joined = |letter: char| letter.is_alphanumeric() || letter == '_';
        !(joined(first) && before.is_some_and(joined))
    })
}

/// Tells, for each needle that occurs on more lines than before, the first line that came with it.
pub fn tell_more_often<'n>(
    pair: &Pair<'_>,
    needles: impl Iterator<Item = Needle<'n>>,
    tell: &mut dyn FnMut(&str, u32),
) {
    for needle in needles {
        let (came, went) = needle.lines(pair);
        if came.len() > went
            && let Some(line) = came.first()
        {
            tell(needle.text, *line);
        }
    }
}

/// Flags, attributes and variables that switch a protection off.
const OFF: &[&str] = &[
    "-fno-sanitize",
    "no_sanitize",
    "disable_sanitizer_instrumentation",
    "ASAN_OPTIONS",
    "UBSAN_OPTIONS",
    "LSAN_OPTIONS",
    "MSAN_OPTIONS",
    "TSAN_OPTIONS",
    "halt_on_error=0",
    "abort_on_error=0",
    "detect_leaks=0",
    "exitcode=0",
    "-DNDEBUG",
    "-Wno-",
    "-fno-stack-protector",
    "-U_FORTIFY_SOURCE",
    "-D_FORTIFY_SOURCE=0",
    "-fpermissive",
    "-fwrapv",
    "-no-pie",
    "execstack",
    "__asan_default_options",
    "__ubsan_default_options",
    "__tsan_default_options",
    "__lsan_default_options",
    "__lsan_disable",
    "__lsan_ignore_object",
    "__lsan_default_suppressions",
    "__ubsan_default_suppressions",
    "__asan_default_suppressions",
    "ASAN_POISON_MEMORY",
    "-fsanitize-recover",
    "-fsanitize-blacklist",
    "-fsanitize-ignorelist",
    "--cap-lints",
    "PYTHONWARNINGS",
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "--no-sandbox",
    "PYTHONOPTIMIZE",
];
/// The same, whatever spaces are in it.
const OFF_SQUEEZED: &[&str] = &[
    "#pragmaGCCdiagnosticignored",
    "#pragmaclangdiagnosticignored",
    "#pragmawarning(disable",
    "#pragmaGCCoptimize",
    "#pragmaclangoptimizeoff",
    "overflow-checks=false",
    "debug-assertions=false",
    "warnings.filterwarnings(",
    "warnings.simplefilter(",
    "rejectUnauthorized:false",
    "verify=False",
    "#defineNDEBUG",
    "#undefassert",
    "#defineassert(",
    "sanitize=none",
    "b_ndebug=true",
    "b_sanitize=none",
];
/// What must not become rarer.
const KEPT: &[&str] = &[
    "-fsanitize",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-fstack-protector",
    "-D_FORTIFY_SOURCE",
    "b_sanitize=address",
    "#![deny",
    "#![forbid",
    "\"use strict\"",
    "'use strict'",
    "overflow-checks = true",
];
/// Remarks that keep a tool quiet.
const QUIET: &[&str] = &[
    "#[allow(",
    "#![allow(",
    "#[expect(",
    "#![expect(",
    "#noqa",
    "#type:ignore",
    "#nosec",
    "#pylint:disable",
    "#pragma:nocover",
    "#mypy:ignore",
    "#pyright:ignore",
    "#flake8:noqa",
    "NOLINT",
    "cppcheck-suppress",
    "coverity[",
    "lgtm[",
    "codeql[",
    "//codeql",
    "#codeql",
    "//lgtm",
    "#lgtm",
    "eslint-disable",
    "@ts-ignore",
    "@ts-nocheck",
    "@ts-expect-error",
    "istanbulignore",
    "c8ignore",
    "v8ignore",
    "nosemgrep",
    "NOSONAR",
    "snyk:ignore",
    "biome-ignore",
    "tslint:disable",
    "LCOV_EXCL",
    "Flawfinder:ignore",
    "flawfinder:ignore",
    "jshintignore",
    "oxlint-disable",
    "trivy:ignore",
    "checkov:skip",
    "DevSkim:ignore",
    "//-V",
    "ruff:noqa",
    "clang-analyzer-ignore",
    "kics-scan",
];
/// Rules about looks. To be let off one of them hides no flaw.
const LOOKS: &[&str] = &[
    "E501",
    "E203",
    "E731",
    "E741",
    "W503",
    "W504",
    "C901",
    "E402",
    "F401",
    "line-too-long",
    "too-many-",
    "too_many_",
    "type_complexity",
    "max-len",
    "camelcase",
    "prefer-const",
    "no-control-regex",
    "no-param-reassign",
    "non_snake_case",
    "non_camel_case",
    "non_upper_case",
    "cognitive_complexity",
    "missing_docs",
    "module_name_repetitions",
    "readability-",
    "max-lines",
    "complexity",
    "PLR09",
    "runtime/int",
    "whitespace/",
    "build/include",
    "large_enum_variant",
    "max-params",
];

/// Looks at the lines that came and went.
pub fn look(pair: &Pair<'_>, seen: &mut Sightings) {
    if matches!(pair.role, Role::Documents | Role::Lockfile | Role::TestData) {
        return;
    }
    let plain = OFF.iter().map(|text| Needle::plain(text));
    let squeezed = OFF_SQUEEZED.iter().map(|text| Needle::squeezed(text));
    tell_more_often(pair, plain.chain(squeezed), &mut |needle, line| {
        let what = format!("a protection is switched off by {}", shortened(needle));
        seen.object(Objection::SafetyOff, pair.at(line), what);
    });
    rarer(pair, seen);
    warnings_off(pair, seen);
    let quiet = QUIET.iter().map(|text| Needle::squeezed(text));
    tell_more_often(pair, quiet, &mut |needle, line| {
        quieted(pair, needle, line, seen);
    });
    if pair.role == Role::ToolSettings && !pair.is_component {
        settings(pair, seen);
    }
    if pair.role == Role::OwnSettings {
        let what = "Backstitch's settings differ".to_owned();
        seen.object(Objection::OwnSettings, pair.whole(), what);
    }
}

/// Settings of tools: a list of what to ignore, or a rule that is switched off.
fn settings(pair: &Pair<'_>, seen: &mut Sightings) {
    const LINTERS: &[&str] = &[
        "eslint",
        "flake8",
        "pylint",
        "mypy",
        "clang-tidy",
        "clippy",
        "ruff",
    ];
    const LENIENT: &[&str] = &[
        "ignore", "off", "disable", "exclude", "allow", "skip", "suppress", ": 0", "false", "[0",
        "-*", ",-",
    ];
    let name = pair.path.file_name();
    let of_linter = LINTERS.iter().any(|linter| name.contains(linter)) && name != ".eslintignore";
    let says = |line: &str| !line.trim().is_empty() && !line.trim().starts_with('#');
    let lenient = |line: &str| LENIENT.iter().any(|word| line.contains(word));
    let grave = pair
        .added()
        .find(|(_, line)| says(line) && (!of_linter || lenient(line)));
    let weight = if grave.is_some() {
        Weight::Objects
    } else {
        Weight::Notes
    };
    let line = grave
        .or_else(|| pair.added().next())
        .map_or(1, |(line, _)| line);
    let what = "what tools tell is set in another way".to_owned();
    seen.add(weight, Objection::Suppressed, pair.at(line), what);
}

fn quieted(pair: &Pair<'_>, needle: &str, line: u32, seen: &mut Sightings) {
    let lines = pair.after.as_ref().map_or(&[][..], |side| &side.lines);
    let text = lines.get(line as usize - 1).copied().unwrap_or_default();
    // Types are no flaws, and what is quiet in tests hides nothing of the program.
    let of_types = ["#type:ignore", "#mypy:ignore", "#pyright:ignore"].contains(&needle);
    let harmless = LOOKS.iter().any(|rule| text.contains(rule))
        || of_types
        || matches!(pair.role, Role::Test | Role::Aside);
    let weight = if harmless {
        Weight::Notes
    } else {
        Weight::Objects
    };
    let what = format!("a tool is kept quiet by {}", shortened(needle));
    seen.add(weight, Objection::Suppressed, pair.at(line), what);
}

fn rarer(pair: &Pair<'_>, seen: &mut Sightings) {
    if pair.after.is_none() {
        return;
    }
    for kept in KEPT {
        let count = |lines: &mut dyn Iterator<Item = (u32, &str)>| -> usize {
            lines.map(|(_, line)| line.matches(kept).count()).sum()
        };
        let (went, came) = (count(&mut pair.removed()), count(&mut pair.added()));
        if went > came {
            let what = format!("{} is there no longer", shortened(kept));
            seen.object(Objection::SafetyOff, pair.whole(), what);
        }
    }
}

/// `-w` is short, and a word of its own only in what builds.
fn warnings_off(pair: &Pair<'_>, seen: &mut Sightings) {
    if !matches!(
        pair.role,
        Role::Build | Role::Ci | Role::Harness | Role::Manifest
    ) {
        return;
    }
    let has = |line: &str| {
        line.split([' ', '\t', '"', '\'', ',', '=', ')', '('])
            .any(|word| word == "-w")
    };
    let came = pair.added().find(|(_, line)| has(line));
    if let Some((line, _)) = came
        && !pair.removed().any(|(_, line)| has(line))
    {
        let what = "every warning is switched off by `-w`".to_owned();
        seen.object(Objection::SafetyOff, pair.at(line), what);
    }
}
