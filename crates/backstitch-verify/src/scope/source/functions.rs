//! Functions that are still there and do nothing any more, and code that is never reached. Pure.

use std::collections::BTreeMap;

use super::lexer::{Kind, Token};
use super::objection::{Objection, Sightings};
use super::pair::Pair;
use super::roles::Role;
use super::syntax::{Code, Function, Statement};

/// A function that did less than this many tokens' worth is told of in a note alone.
const WORTH_TOKENS: usize = 10;
/// Code that is switched off and shorter than this is not told.
const DEAD_TOKENS: usize = 3;

/// How many functions of one name are told apart.
const SAME_NAME_MAX: usize = 50;

/// Looks at each function that is on both sides.
pub fn look(pair: &Pair<'_>, seen: &mut Sightings) {
    if matches!(
        pair.role,
        Role::Documents | Role::Generated | Role::Vendored
    ) && !pair.is_component
    {
        return;
    }
    let (Some(before), Some(after)) = (pair.code_before(), pair.code_after()) else {
        return;
    };
    for (was, is) in matched(before, after) {
        if before.words(&was.span) == after.words(&is.span) {
            continue;
        }
        emptied(pair, before, was, after, is, seen);
    }
    switched_off(pair, before, after, seen);
}

/// The functions of one name, in their order.
pub fn matched<'c>(before: &'c Code<'_>, after: &'c Code<'_>) -> Vec<(&'c Function, &'c Function)> {
    let mut named: BTreeMap<&str, Vec<&Function>> = BTreeMap::new();
    for is in &after.functions {
        named.entry(&is.name).or_default().push(is);
    }
    let mut pairs = Vec::new();
    for was in &before.functions {
        let Some(same) = named
            .get_mut(was.name.as_str())
            .filter(|same| !same.is_empty())
        else {
            continue;
        };
        // Where a name stands for several, the one that did not change is not taken from itself.
        let words = before.words(&was.span);
        let near = same.iter().take(SAME_NAME_MAX);
        let equal = near
            .enumerate()
            .find(|(_, is)| after.words(&is.span) == words);
        let at = equal.map_or(0, |(at, _)| at);
        pairs.push((was, same.remove(at)));
    }
    pairs
}

fn emptied(
    pair: &Pair<'_>,
    before: &Code<'_>,
    was: &Function,
    after: &Code<'_>,
    is: &Function,
    seen: &mut Sightings,
) {
    let did = does(before, was);
    let is_test = is.is_test || pair.role == Role::Test;
    if was.body.is_none() || is.body.is_none() || did.as_ref().is_none_or(|did| did.stubbed) {
        return;
    }
    let Some(does) = does(after, is) else { return };
    let place = pair.at(is.line);
    let (stubbed, unreachable) = if is_test {
        (Objection::TestEmptied, Objection::TestEmptied)
    } else {
        (Objection::Stubbed, Objection::Unreachable)
    };
    if does.stubbed {
        let what = format!("`{}` does nothing but {}", is.name, does.left);
        let size = was.body.as_ref().map_or(0, std::ops::Range::len);
        // What is left standing behind a return was not meant to go.
        let worth = size >= WORTH_TOKENS || does.cut_at.is_some() || calls(before, was);
        if worth || is_test {
            seen.object(stubbed, place, what);
        } else {
            seen.note(stubbed, place, what);
        }
    } else if let Some(line) = does.cut_at
        && did.is_some_and(|did| did.cut_at.is_none())
    {
        let what = format!(
            "`{}` ends without a condition before the rest of it",
            is.name
        );
        seen.object(unreachable, pair.at(line), what);
    }
}

/// What a function comes to.
struct Does {
    stubbed: bool,
    left: String,
    /// The line of a statement that ends it although others follow.
    cut_at: Option<u32>,
}

fn does(code: &Code<'_>, function: &Function) -> Option<Does> {
    function.body.as_ref()?;
    let rest: Vec<&Statement> = function
        .statements
        .iter()
        .filter(|statement| !is_noise(code, statement))
        .collect();
    let cut_at = rest
        .iter()
        .zip(rest.iter().skip(1))
        .find(|(this, next)| ends_always(code, this) && !is_reached_otherwise(next.kind))
        .map(|(this, _)| this.line);
    let (stubbed, left) = match rest.as_slice() {
        [] => (true, "nothing".to_owned()),
        [first, ..] if ends_always(code, first) && !is_guarded(code, first, &rest) => {
            let constant = is_constant(code, first, &function.params);
            (constant, shortened(&code.line_of(&first.tokens)))
        }
        [only] => {
            let given = gives_value(code, function, only);
            let constant = given && is_constant(code, only, &function.params);
            (constant, shortened(&code.line_of(&only.tokens)))
        }
        _ => (false, String::new()),
    };
    Some(Does {
        stubbed,
        left,
        cut_at,
    })
}

/// A label after it can still be jumped to.
fn is_guarded(code: &Code<'_>, _: &Statement, rest: &[&Statement]) -> bool {
    code.language.is_c_like() && rest.iter().any(|next| next.kind == "labeled_statement")
}

fn is_reached_otherwise(kind: &str) -> bool {
    kind.contains("label")
        || kind.starts_with("function_")
        || kind.ends_with("_item")
        || kind.starts_with("case")
        || kind.starts_with("preproc")
        || kind.starts_with("generator_function")
        || kind == "class_declaration"
        || kind == "ERROR"
}

/// The last expression of a Rust body is its value; so is the whole of an arrow's.
fn gives_value(code: &Code<'_>, function: &Function, only: &Statement) -> bool {
    use super::language::Language;
    let whole = function.body.as_ref() == Some(&only.tokens);
    let compound = only.kind.starts_with("if") || only.kind.starts_with("match");
    let is_rust = code.language == Language::Rust;
    let is_text = code.words(&only.tokens).last() != Some(&";");
    whole || is_rust && is_text && !compound && !only.kind.ends_with("_item")
}

/// Words that begin a statement which tells something and does nothing else.
const SAYING: &[&str] = &[
    "log", "logger", "logging", "console", "print", "println", "eprintln", "eprint", "printf",
    "fprintf", "warnings", "warn", "tracing", "UNUSED", "Q_UNUSED", "puts", "perror", "import",
    "use", "debug", "info", "unused",
];

fn is_noise(code: &Code<'_>, statement: &Statement) -> bool {
    let tokens = code.slice(&statement.tokens);
    let words: Vec<&str> = tokens.iter().map(|token| token.text).collect();
    match words.as_slice() {
        [] | ["pass" | "..." | ";" | "continue" | "{" | "}"] => return true,
        ["(", "void", ")", ..] | ["let", "_", "=", ..] | ["_", "=", ..] | ["del", ..]
            if !calls_something(tokens) =>
        {
            return true;
        }
        [single] | [single, ";"] if tokens.first().is_some_and(|t| t.kind == Kind::Text) => {
            return !single.is_empty() && statement.kind == "expression_statement";
        }
        _ => {}
    }
    let first = words.first().copied().unwrap_or_default();
    let declares = statement.kind == "declaration" && !words.contains(&"(");
    SAYING.contains(&first) || declares
}

fn calls_something(tokens: &[Token<'_>]) -> bool {
    let mut pairs = tokens.iter().zip(tokens.iter().skip(1));
    pairs.any(|(one, next)| one.kind == Kind::Word && one.text != "void" && next.text == "(")
}

fn ends_always(code: &Code<'_>, statement: &Statement) -> bool {
    let words = code.words(&statement.tokens);
    let first = words.first().copied().unwrap_or_default();
    let second = words.get(1).copied().unwrap_or_default();
    let ends = matches!(
        first,
        "return" | "raise" | "throw" | "abort" | "exit" | "_exit" | "co_return"
    ) || matches!(first, "panic" | "unimplemented" | "todo" | "unreachable")
        && second == "!";
    // A condition that always holds is none.
    let always = matches!(
        words.as_slice(),
        ["if", "(", "1" | "true" | "!0", ")", ..] | ["if", "True" | "true" | "1", ..]
    );
    if always
        && words
            .iter()
            .any(|word| matches!(*word, "return" | "throw" | "raise"))
    {
        return true;
    }
    // `return` at the begin of a longer expression ends only what it is part of.
    let simple = !matches!(
        statement.kind,
        "if_statement" | "if_expression" | "match_expression" | "for_statement" | "while_statement"
    );
    ends && simple
}

/// Whether what is given back has nothing to do with what the function was given or calls.
fn is_constant(code: &Code<'_>, statement: &Statement, params: &[String]) -> bool {
    let tokens = code.slice(&statement.tokens);
    let first = tokens.first().map_or("", |token| token.text);
    if matches!(
        first,
        "raise" | "throw" | "panic" | "unimplemented" | "todo" | "abort" | "exit"
    ) {
        return true;
    }
    let words: Vec<&str> = tokens.iter().map(|token| token.text).collect();
    if matches!(
        words.as_slice(),
        ["return", "Err", "(", ..] | ["Err", "(", ..]
    ) {
        return true;
    }
    tokens.iter().enumerate().all(|(at, token)| {
        if token.kind != Kind::Word {
            // Text with something put in it is no constant.
            return token.kind != Kind::Text
                || !token.text.contains('{') && !token.text.contains("${");
        }
        let next = words.get(at + 1).copied().unwrap_or_default();
        let is_path = next == "::" || words.get(at.wrapping_sub(1)) == Some(&"::");
        let upper = token
            .text
            .starts_with(|letter: char| letter.is_ascii_uppercase());
        !params.iter().any(|param| param == token.text)
            && (upper || is_path || is_plain(token.text))
    })
}

fn is_plain(word: &str) -> bool {
    matches!(
        word,
        "return"
            | "null"
            | "nullptr"
            | "undefined"
            | "true"
            | "false"
            | "new"
            | "default"
            | "dict"
            | "list"
            | "set"
            | "tuple"
            | "bytes"
            | "str"
            | "int"
            | "void"
            | "const"
            | "static_cast"
            | "size_t"
            | "std"
            | "string"
            | "vec"
            | "into"
            | "to_string"
            | "to_owned"
            | "await"
            | "async"
            | "empty"
            | "unsigned"
            | "char"
            | "long"
            | "not"
            | "bool"
    )
}

/// Whether a function decides, repeats or calls.
fn calls(code: &Code<'_>, function: &Function) -> bool {
    let body = function.body.clone().unwrap_or(0..0);
    let words = code.words(&body);
    let decides = |word: &&str| matches!(*word, "if" | "for" | "while" | "match" | "switch" | "(");
    words.iter().any(decides)
}

fn switched_off(pair: &Pair<'_>, before: &Code<'_>, after: &Code<'_>, seen: &mut Sightings) {
    let was: Vec<Vec<&str>> = before
        .dead
        .iter()
        .map(|(_, dead)| before.words(dead))
        .collect();
    for (line, dead) in &after.dead {
        let words = after.words(dead);
        if words.len() > DEAD_TOKENS && !was.contains(&words) && pair.is_added(*line) {
            let what = "code stands behind a condition that never holds".to_owned();
            seen.object(Objection::Unreachable, pair.at(*line), what);
        }
    }
}

/// What is quoted is kept short.
pub fn shortened(text: &str) -> String {
    const LETTERS_MAX: usize = 80;
    let mut short: String = text.chars().take(LETTERS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("`{}`", short.escape_debug())
}
