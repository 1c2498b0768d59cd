//! Code that knows how it is judged: the reproducing input, its length or its digest, a test's
//! name, a sanitizer, a variable of a test runner. Pure.
//!
//! A short or common piece of an input, such as `..` or `__proto__`, is in many an honest check.
//! So a literal is weighed by how much of an input it is and by how little it could be meant
//! otherwise.

use super::About;
use super::functions::shortened;
use super::lexer::{Kind, Token};
use super::objection::{Objection, Sightings, Weight};
use super::pair::{Pair, counted};
use super::roles::Role;
use super::silencing::{Needle, tell_more_often};
use super::swallowing::is_comment;

/// How many literals of a file are looked for in the inputs.
const LITERALS_MAX: usize = 2000;
/// In how many inputs.
const INPUTS_MAX: usize = 16;
/// How much of each input.
const INPUT_BYTES_MAX: usize = 1 << 16;

/// Asks whether a test, a fuzzer or a sanitizer is at work.
const TESTED: &[&str] = &[
    "__SANITIZE_ADDRESS__",
    "__SANITIZE_THREAD__",
    "address_sanitizer",
    "memory_sanitizer",
    "undefined_behavior_sanitizer",
    "thread_sanitizer",
    "leak_sanitizer",
    "__asan_",
    "__ubsan_",
    "__msan_",
    "__lsan_",
    "__sanitizer_",
    "FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION",
    "RUNNING_ON_VALGRIND",
    "cfg(fuzzing)",
    "cfg!(fuzzing)",
    "cfg!(test)",
    "cfg(not(test))",
    "cfg(sanitize",
    "cfg!(sanitize",
    "PYTEST_CURRENT_TEST",
    "JEST_WORKER_ID",
    "NODE_V8_COVERAGE",
    "BACKSTITCH",
    "UNIT_TEST",
    "LD_PRELOAD",
    "ptrace(",
    "TracerPid",
    "__AFL_",
    "RUST_TEST_THREADS",
    "NEXTEST",
    "CARGO_TARGET_TMPDIR",
    "GTEST_",
    "MOCHA_",
    "VITEST",
    "isInDebugger",
    "__COVERAGE__",
    "sys.gettrace",
    "IS_FUZZ",
    "UNDER_TEST",
    "IN_TEST",
    "CI_JOB",
    "GITHUB_ACTIONS",
    "IsDebuggerPresent",
];
/// Runners that a program may look for among what is loaded.
const RUNNERS: &[&str] = &[
    "pytest",
    "unittest",
    "jest",
    "mocha",
    "vitest",
    "asan",
    "libfuzzer",
    "libFuzzer",
    "valgrind",
    "gtest",
];
/// Asks who started the program, whatever spaces are in it.
const CALLER: &[&str] = &[
    "/proc/self",
    "__progname",
    "program_invocation",
    "GetModuleFileName",
    "env::current_exe",
    "process.title",
    "sys.argv",
    "process.argv",
    "env::args",
    "argv[0]",
    "sys._getframe",
    "inspect.stack",
    "inspect.currentframe",
    "newError().stack",
    "arguments.callee",
    "require.main",
    "module.parent",
    "backtrace(",
    "process.execArgv",
    "caller()",
    "traceback.extract_stack",
];
/// Reads a variable of the environment.
const VARIABLE: &[&str] = &[
    "getenv(",
    "env::var",
    "os.environ",
    "os.getenv",
    "process.env",
    "option_env!",
];
/// What recognises an input by its digest.
const DIGESTS: &[&str] = &[
    "sha1",
    "sha256",
    "sha512",
    "sha3",
    "md5",
    "crc32",
    "hashlib",
    "createhash",
    "adler32",
    "fnv",
    "djb2",
    "digest",
    "hash",
    "checksum",
    "siphash",
    "xxhash",
    "murmur",
];

/// Looks at what came.
pub fn look(pair: &Pair<'_>, about: &About, seen: &mut Sightings) {
    if !matches!(
        pair.role,
        Role::Source | Role::Other | Role::Build | Role::Generated | Role::Vendored
    ) && !pair.is_component
    {
        return;
    }
    asked(pair, seen);
    let new = new_literals(pair);
    for (at, token) in &new {
        names(pair, about, token, seen);
        inputs(pair, about, *at, token, seen);
    }
    digests(pair, seen);
}

fn asked(pair: &Pair<'_>, seen: &mut Sightings) {
    let all = |texts: &'static [&'static str]| texts.iter().map(|text| Needle::squeezed(text));
    tell_more_often(pair, all(TESTED), &mut |needle, line| {
        if !is_comment(pair, line) && !among_tests(pair, line) {
            let what = format!("it asks by {} whether it is tested", shortened(needle));
            seen.object(Objection::TestDetected, pair.at(line), what);
        }
    });
    tell_more_often(pair, all(VARIABLE), &mut |needle, line| {
        let text = line_at(pair, line);
        let about_tests = [
            "TEST", "CI\"", "CI'", "env.CI", "NODE_ENV", "SAN_", "FUZZ", "DEBUG",
        ];
        let tells = about_tests.iter().any(|word| text.contains(word));
        if !is_comment(pair, line) && !among_tests(pair, line) {
            let weight = if tells {
                Weight::Objects
            } else {
                Weight::Notes
            };
            let what = format!(
                "it reads a variable of the environment by {}",
                shortened(needle)
            );
            seen.add(weight, Objection::TestDetected, pair.at(line), what);
        }
    });
    tell_more_often(pair, all(CALLER), &mut |needle, line| {
        if is_comment(pair, line) || among_tests(pair, line) {
            return;
        }
        // Elsewhere than in C the first of them is the program's first option.
        let of_c = pair
            .code_after()
            .is_some_and(|code| code.language.is_c_like());
        if needle == "argv[0]" && !of_c && !line_at(pair, line).contains("sys.argv") {
            return;
        }
        // A program's own options come by the same way.
        let options = matches!(
            needle,
            "sys.argv" | "process.argv" | "env::args" | "require.main" | "module.parent"
        );
        let asking = [
            "==",
            "strcmp",
            "strstr",
            "contains",
            "includes",
            "endswith",
            "endsWith",
            "in sys",
            " in ",
            "ends_with",
            ".test(",
        ];
        let compared = asking.iter().any(|word| line_at(pair, line).contains(word));
        let main = matches!(needle, "require.main" | "module.parent");
        let weight = if options && (!compared || main) {
            Weight::Notes
        } else {
            Weight::Objects
        };
        let what = format!("it asks by {} who started it", shortened(needle));
        seen.add(weight, Objection::CallerKnown, pair.at(line), what);
    });
}

fn line_at<'t>(pair: &Pair<'t>, line: u32) -> &'t str {
    let lines = pair.after.as_ref().map_or(&[][..], |side| &side.lines);
    lines.get(line as usize - 1).copied().unwrap_or_default()
}

fn among_tests(pair: &Pair<'_>, line: u32) -> bool {
    let code = pair.code_after();
    code.is_some_and(|code| code.is_of_tests(code.on_line(line).start))
}

/// Numbers and texts on lines that came, which were not in the file before.
fn new_literals<'t>(pair: &Pair<'t>) -> Vec<(usize, Token<'t>)> {
    let before = pair.code_before().map_or(&[][..], |code| &code.tokens);
    let known = counted(before.iter().map(|token| token.text));
    let literal = |token: &Token<'_>| matches!(token.kind, Kind::Text | Kind::Number);
    let mut new = pair.added_tokens();
    new.retain(|(_, token)| {
        literal(token) && !known.contains_key(token.text) && !among_tests(pair, token.line)
    });
    new.truncate(LITERALS_MAX);
    new
}

/// The reproducer's files and the runners, by their names.
fn names(pair: &Pair<'_>, about: &About, token: &Token<'_>, seen: &mut Sightings) {
    const NAME_LETTERS: usize = 5;
    if token.kind != Kind::Text {
        return;
    }
    let text = unquoted(token.text);
    let text = String::from_utf8_lossy(&text);
    for file in &about.reproducer_files {
        let name = file.file_name();
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        if name.len() >= NAME_LETTERS && (text.contains(name) || text.trim() == stem) {
            let what = format!(
                "the reproducer's name `{}` is in the code",
                name.escape_debug()
            );
            seen.object(Objection::CallerKnown, pair.at(token.line), what);
        }
    }
    if RUNNERS.contains(&text.as_ref()) {
        let what = format!("it looks for {}", shortened(token.text));
        seen.object(Objection::TestDetected, pair.at(token.line), what);
    }
    let of_test = text.starts_with("test_")
        || text.starts_with("/tmp/")
        || text.contains("reproducer")
        || text.contains("poc.");
    if of_test && text.len() > NAME_LETTERS {
        let what = format!(
            "the name {} looks like one of a test",
            shortened(token.text)
        );
        seen.note(Objection::CallerKnown, pair.at(token.line), what);
    }
}

/// Pieces of the reproducing inputs.
fn inputs(pair: &Pair<'_>, about: &About, at: usize, token: &Token<'_>, seen: &mut Sightings) {
    let Some(code) = pair.code_after() else {
        return;
    };
    let compared = is_compared(&code.tokens, at);
    for input in about.inputs.iter().take(INPUTS_MAX) {
        let input = input.get(..INPUT_BYTES_MAX).unwrap_or(input);
        let weight = if token.kind == Kind::Text {
            text_weight(&unquoted(token.text), input)
        } else {
            number(token.text)
                .and_then(|value| number_weight(value, input, compared, &code.tokens, at))
        };
        if let Some(weight) = weight {
            let what = format!(
                "{} is of the input that shows the flaw",
                shortened(token.text)
            );
            seen.add(weight, Objection::InputKnown, pair.at(token.line), what);
        }
    }
}

/// Whether a token is asked to be equal to something.
fn is_compared(tokens: &[Token<'_>], at: usize) -> bool {
    let near = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let equal = |text: &str| matches!(text, "==" | "===" | "case" | "=>" | "!=" | "!==" | "eq");
    equal(near(at.wrapping_sub(1)))
        || equal(near(at + 1))
        || near(at + 1) == ":" && near(at.wrapping_sub(1)) == "case"
}

/// How much a text of the code says about an input.
fn text_weight(text: &[u8], input: &[u8]) -> Option<Weight> {
    const RUN: usize = 12;
    const SHORT: usize = 8;
    const WHOLE: usize = 12;
    const LONG: usize = 48;
    const SHARE_PERCENT: usize = 50;
    let trimmed = input.trim_ascii();
    if text.len() < SHORT
        || trimmed.is_empty()
        || !(contains(input, text) || contains(text, trimmed))
    {
        return None;
    }
    let distinct = text.iter().collect::<std::collections::BTreeSet<_>>().len();
    let share = text.len() * 100 / trimmed.len();
    let is_run = text.len() >= RUN && distinct <= 2;
    let is_most = text.len() >= WHOLE && share >= SHARE_PERCENT;
    let holds_all = contains(text, trimmed) && trimmed.len() >= SHORT && !is_common(trimmed);
    if is_run || is_most && !is_common(text) || holds_all || text.len() >= LONG {
        return Some(Weight::Objects);
    }
    // A word of a format is in its inputs and in its readers.
    (text.len() >= WHOLE && !is_common(text)).then_some(Weight::Notes)
}

/// Words that attacks and honest checks share.
fn is_common(text: &[u8]) -> bool {
    const COMMON: &[&str] = &[
        "__proto__",
        "constructor",
        "prototype",
        "hasOwnProperty",
        "javascript:",
        "vbscript:",
        "data:text/html",
        "__class__",
        "__globals__",
        "__builtins__",
        "__import__",
        "__subclasses__",
        "__reduce__",
        "/etc/passwd",
        "<script>",
        "<script",
        "</script>",
        "content-length",
        "transfer-encoding",
        "content-type",
        "file://",
        "<!doctype",
        "<!entity",
        "<![cdata[",
        "onerror",
        "onload",
    ];
    let text = String::from_utf8_lossy(text).to_lowercase();
    COMMON.iter().any(|word| word.eq_ignore_ascii_case(&text))
        || text
            .chars()
            .all(|letter| matches!(letter, '.' | '/' | '\\' | '%'))
}

fn contains(whole: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && whole.windows(part.len()).any(|window| window == part)
}

/// How much a number of the code says about an input.
fn number_weight(
    value: u64,
    input: &[u8],
    compared: bool,
    tokens: &[Token<'_>],
    at: usize,
) -> Option<Weight> {
    const SMALL: u64 = 1 << 16;
    const LENGTH: u64 = 8;
    if !compared {
        return None;
    }
    let near = &tokens[at.saturating_sub(8)..(at + 8).min(tokens.len())];
    let of_length = near.iter().any(|token| {
        let word = token.text.to_lowercase();
        ["len", "size", "count", "bytes"]
            .iter()
            .any(|part| word.contains(part))
            || matches!(word.as_str(), "n" | "sz")
    });
    let equal = near
        .iter()
        .any(|token| matches!(token.text, "==" | "===" | "case"));
    let round = value.is_power_of_two() || (value + 1).is_power_of_two();
    if value == input.len() as u64 && value >= LENGTH && of_length && equal {
        return Some(if round {
            Weight::Notes
        } else {
            Weight::Objects
        });
    }
    if value < SMALL || round || value == u64::MAX {
        return None;
    }
    let decimal = value.to_string();
    let hex = format!("{value:x}");
    let lower = input.to_ascii_lowercase();
    let narrow = u32::try_from(value).ok();
    let bytes = narrow.map_or_else(
        || vec![value.to_le_bytes().to_vec(), value.to_be_bytes().to_vec()],
        |value| vec![value.to_le_bytes().to_vec(), value.to_be_bytes().to_vec()],
    );
    let found = contains(input, decimal.as_bytes())
        || contains(&lower, hex.as_bytes()) && hex.len() >= 6
        || bytes.iter().any(|bytes| contains(input, bytes));
    found.then_some(Weight::Objects)
}

fn number(text: &str) -> Option<u64> {
    let plain: String = text
        .chars()
        .filter(|letter| !matches!(letter, '_' | '\''))
        .collect();
    let plain = plain.to_lowercase();
    let (digits, radix) = match plain.strip_prefix("0x") {
        Some(hex) => (hex, 16),
        None => (plain.as_str(), 10),
    };
    let end = digits
        .find(|letter: char| !letter.is_digit(radix))
        .unwrap_or(digits.len());
    u64::from_str_radix(&digits[..end], radix)
        .ok()
        .map(|value| value.min(u64::MAX - 1))
}

/// What a literal stands for: without its quotes, and with its usual escapes resolved.
fn unquoted(text: &str) -> Vec<u8> {
    let start = text.find(['"', '\'', '`']).unwrap_or(0);
    let inside = text[start..].trim_matches(['"', '\'', '`', '#']);
    let mut bytes = Vec::with_capacity(inside.len());
    let mut rest = inside.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'n') => bytes.push(b'\n'),
            Some(b'r') => bytes.push(b'\r'),
            Some(b't') => bytes.push(b'\t'),
            Some(b'0') => bytes.push(0),
            Some(b'x') => {
                let digits: Vec<u8> = rest.by_ref().take(2).collect();
                let value = std::str::from_utf8(&digits).ok();
                bytes.extend(value.and_then(|digits| u8::from_str_radix(digits, 16).ok()));
            }
            Some(other) => bytes.push(other),
            None => {}
        }
    }
    bytes
}

/// A digest in the code that something is compared with.
fn digests(pair: &Pair<'_>, seen: &mut Sightings) {
    let Some(code) = pair.code_after() else {
        return;
    };
    for (at, token) in new_literals(pair) {
        let inside = unquoted(token.text);
        let hex = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_hexdigit);
        let long = matches!(inside.len(), 32 | 40 | 56 | 64 | 96 | 128) && hex(&inside);
        let large = number(token.text).is_some_and(|value| value > 0xffff);
        let near = &code.tokens[at.saturating_sub(25)..(at + 25).min(code.tokens.len())];
        let hashes = near.iter().any(|token| {
            let word = token.text.to_lowercase();
            token.kind == Kind::Word && DIGESTS.iter().any(|digest| word.contains(digest))
        });
        let compared = is_compared(&code.tokens, at)
            || near.iter().any(|token| {
                matches!(
                    token.text,
                    "strcmp" | "memcmp" | "equals" | "==" | "===" | "in" | "includes"
                )
            });
        if long && compared && token.kind == Kind::Text {
            let what = format!(
                "something is compared with {}, as long as a digest",
                shortened(token.text)
            );
            seen.object(Objection::InputKnown, pair.at(token.line), what);
        } else if large && hashes && is_compared(&code.tokens, at) {
            let what = format!("a digest is compared with {}", shortened(token.text));
            seen.object(Objection::InputKnown, pair.at(token.line), what);
        }
    }
}
