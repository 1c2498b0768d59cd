//! Failures that still happen and of which nobody hears: handlers that do nothing, results that
//! are thrown away, processes that end as if all were well. Pure.

use super::functions::shortened;
use super::language::Language;
use super::lexer::Kind;
use super::objection::{Objection, Sightings, Weight};
use super::pair::{Pair, counted};
use super::roles::Role;
use super::silencing::{Needle, squeezed, tell_more_often};
use super::syntax::{Code, Handler};

/// Ends the process as if all were well, or catches its crash.
const HIDING: &[&str] = &[
    "exit(0)",
    "exit(EXIT_SUCCESS)",
    "sys.exit()",
    "os._exit(",
    "process.exit()",
    "quick_exit(",
    "process.exitCode=0",
    "atexit",
    "signal(SIGSEGV",
    "signal(SIGABRT",
    "signal(SIGFPE",
    "signal(SIGBUS",
    "signal(SIGILL",
    "signal(SIGTRAP",
    "sigaction(SIGSEGV",
    "sigaction(SIGABRT",
    "sigaction(SIGFPE",
    "sigaction(SIGBUS",
    "sigaction(SIGILL",
    "signal.SIGSEGV",
    "signal.SIGABRT",
    "uncaughtException",
    "unhandledRejection",
    "set_terminate(",
    "sys.excepthook",
    "panic::set_hook",
    "panic::take_hook",
    "__sanitizer_set_death_callback",
    "SIG_IGN",
    "faulthandler.disable",
    "kill(getpid()",
    "raise(SIGKILL",
    "alarm(",
];
/// Throws a failure away, whatever it is.
const DROPPING: &[&str] = &[
    "catch_unwind",
    ".catch(()=>{})",
    ".catch(()=>null)",
    ".catch(()=>undefined)",
    ".catch(function(){})",
    ".catch(_=>{})",
    ".catch(e=>{})",
    ".catch((e)=>{})",
    ".catch(noop)",
    "suppress(Exception",
    "suppress(BaseException",
    "AssertUnwindSafe",
];

/// Looks for failures that are kept quiet.
pub fn look(pair: &Pair<'_>, seen: &mut Sightings) {
    if pair.role == Role::Test
        || !matches!(pair.role, Role::Source | Role::Other | Role::Build) && !pair.is_component
    {
        return;
    }
    if pair.code_after().is_none() {
        return;
    }
    let hiding = HIDING.iter().map(|text| Needle::squeezed(text));
    tell_more_often(pair, hiding, &mut |needle, line| {
        if !is_comment(pair, line) {
            let what = format!(
                "the process is ended or its crash is caught by {}",
                shortened(needle)
            );
            seen.object(Objection::CrashHidden, pair.at(line), what);
        }
    });
    let dropping = DROPPING.iter().map(|text| Needle::squeezed(text));
    tell_more_often(pair, dropping, &mut |needle, line| {
        if !is_comment(pair, line) {
            let what = format!("every failure is dropped by {}", shortened(needle));
            seen.object(Objection::Swallowed, pair.at(line), what);
        }
    });
    if let (Some(before), Some(after)) = (pair.code_before(), pair.code_after()) {
        handlers(pair, before, after, seen);
        if after.language == Language::Rust {
            dropped_results(pair, seen);
        }
    }
}

/// Whether a line holds no code.
pub fn is_comment(pair: &Pair<'_>, line: u32) -> bool {
    let code = pair.code_after();
    code.is_some_and(|code| code.on_line(line).is_empty())
}

fn handlers(pair: &Pair<'_>, before: &Code<'_>, after: &Code<'_>, seen: &mut Sightings) {
    let text = |code: &Code<'_>, handler: &Handler| code.line_of(&handler.tokens);
    let was: Vec<String> = before
        .handlers
        .iter()
        .map(|handler| text(before, handler))
        .collect();
    let mut was = counted(was.iter().map(String::as_str));
    for handler in &after.handlers {
        let text = text(after, handler);
        if let Some(count) = was.get_mut(text.as_str()).filter(|count| **count > 0) {
            *count -= 1;
            continue;
        }
        let (broad, does) = (is_broad(after, handler), does(after, handler));
        let around = guards_old(before, after, handler);
        let weight = match does {
            Does::Nothing if broad || around => Weight::Objects,
            Does::Constant if broad && around => Weight::Objects,
            Does::Nothing => Weight::Notes,
            Does::Constant if broad => Weight::Notes,
            Does::Constant | Does::Something => continue,
        };
        let what = format!(
            "what goes wrong is caught and dropped by {}",
            shortened(&after.line_of(&handler.tokens))
        );
        seen.add(weight, Objection::Swallowed, pair.at(handler.line), what);
    }
}

/// Whether it catches everything.
fn is_broad(code: &Code<'_>, handler: &Handler) -> bool {
    let head = code.words(&(handler.tokens.start..handler.body.start));
    let broad = |word: &&str| matches!(*word, "Exception" | "BaseException" | "..." | "exception");
    match code.language {
        Language::Python => {
            head.iter().any(broad) || head.iter().filter(|word| **word != "{").count() <= 2
        }
        Language::C | Language::Cpp => head.iter().any(broad),
        Language::Rust | Language::JavaScript | Language::TypeScript | Language::Tsx => true,
    }
}

enum Does {
    Nothing,
    Constant,
    Something,
}

fn does(code: &Code<'_>, handler: &Handler) -> Does {
    let tokens = code.slice(&handler.body);
    let words: Vec<&str> = tokens
        .iter()
        .filter(|token| token.kind != Kind::Indent)
        .map(|token| token.text)
        .filter(|text| {
            !matches!(
                *text,
                "{" | "}" | ";" | "pass" | "..." | "continue" | "break" | ":"
            )
        })
        .collect();
    let plain = |word: &&str| {
        matches!(
            *word,
            "return"
                | "None"
                | "null"
                | "undefined"
                | "false"
                | "true"
                | "False"
                | "True"
                | "nullptr"
                | "NULL"
                | "("
                | ")"
                | "["
                | "]"
                | "-"
                | "dict"
                | "list"
        ) || word.starts_with(['"', '\'', '0', '1'])
    };
    if words.is_empty() || words == ["return"] {
        Does::Nothing
    } else if words.first() == Some(&"return") && words.iter().all(plain) {
        Does::Constant
    } else {
        Does::Something
    }
}

/// Whether what it guards is mostly what its function was before.
fn guards_old(before: &Code<'_>, after: &Code<'_>, handler: &Handler) -> bool {
    const OLD_PERCENT: usize = 60;
    const OLD_TOKENS: usize = 25;
    let Some(function) = after.function_at(handler.tokens.start) else {
        return false;
    };
    let Some(old) = before
        .functions
        .iter()
        .find(|old| old.name == function.name)
    else {
        return false;
    };
    let body = before.words(&old.body.clone().unwrap_or(0..0));
    let guarded = after.words(&handler.guarded);
    body.len() >= 8
        && guarded.len() + OLD_TOKENS >= body.len().min(OLD_TOKENS * 2)
        && super::exports::overlap_percent(&body, &guarded) >= OLD_PERCENT
}

/// A failure that was told, and is now thrown away in the same call.
fn dropped_results(pair: &Pair<'_>, seen: &mut Sightings) {
    const AWAY: &[&str] = &[
        ".ok();",
        ".unwrap_or_default()",
        ".unwrap_or(",
        ".unwrap_or_else(|_|",
    ];
    let went: Vec<String> = pair.removed().map(|(_, line)| squeezed(line)).collect();
    for (line, text) in pair.added() {
        let text = squeezed(text);
        let away = AWAY.iter().find(|away| text.contains(*away));
        let dropped = text
            .strip_prefix("let_=")
            .or_else(|| text.strip_prefix("_="));
        let call = dropped.unwrap_or_else(|| {
            away.and_then(|away| text.split(away).next())
                .unwrap_or_default()
        });
        let call = call.trim_end_matches(';').trim_start_matches("return");
        let call = call
            .rsplit_once('=')
            .filter(|_| dropped.is_none())
            .map_or(call, |(_, call)| call);
        if call.len() < 4 || away.is_none() && dropped.is_none() {
            continue;
        }
        let told = |end: &str| {
            went.iter()
                .any(|line| line.contains(&format!("{call}{end}")))
        };
        let what = format!("the failure of {} is thrown away", shortened(call));
        if told("?")
            || dropped.is_some() && told("")
            || told(".unwrap()") && text.contains(".ok();")
        {
            seen.object(Objection::Swallowed, pair.at(line), what);
        } else if told(".unwrap()") || told(".expect(") {
            seen.note(Objection::Swallowed, pair.at(line), what);
        }
    }
}
