//! What others may use of a project: which names each file gives away, and which of them a
//! patch takes back. Pure. A name that only moved to another changed file is not lost.

use std::collections::{BTreeMap, BTreeSet};

use super::language::Language;
use super::lexer::{Kind, Token};
use super::objection::{Objection, Sightings, Weight};
use super::pair::{Pair, counted};
use super::roles::Role;
use super::syntax::{Code, Function};

/// How much of a function must be found in a new one for it to be that one with another name.
const ALIKE_PERCENT: usize = 60;

/// For how many lost names a function of another name is sought.
const HEIRS_MAX: usize = 50;

/// Looks for names that are lost.
pub fn look(pairs: &[Pair<'_>], seen: &mut Sightings) {
    let mut after = BTreeSet::new();
    let mut all_after = BTreeSet::new();
    for code in pairs.iter().filter_map(Pair::code_after) {
        after.extend(exported(code).into_keys());
        all_after.extend(code.functions.iter().map(|function| function.name.clone()));
    }
    let mut heirs_sought = 0;
    for pair in pairs.iter().filter(|pair| counts(pair)) {
        let Some(code) = pair.code_before() else {
            continue;
        };
        for (name, line) in exported(code) {
            if after.contains(&name) && !(is_python(code) && unnamed(pair, &name)) {
                continue;
            }
            if all_after.contains(&name) {
                let what = format!("`{name}` can be used by others no longer");
                let weight = hidden_weight(code, pair, &name);
                seen.add(weight, Objection::MadePrivate, pair.whole(), what);
                continue;
            }
            heirs_sought += 1;
            let renamed = heirs_sought < HEIRS_MAX
                && code.language.is_c_like()
                && !declared(pairs, &name)
                && has_heir(pairs, code, &name);
            let weight = if renamed {
                Weight::Notes
            } else {
                Weight::Objects
            };
            let what = format!("`{name}` of line {line} is there no longer");
            seen.add(weight, Objection::ExportLost, pair.whole(), what);
        }
    }
}

fn is_python(code: &Code<'_>) -> bool {
    code.language == Language::Python
}

/// Whether a name is a word of the file no longer, though its list of names may still hold it.
fn unnamed(pair: &Pair<'_>, name: &str) -> bool {
    let short = name.rsplit(':').next().unwrap_or(name);
    let code = pair.code_after();
    code.is_some_and(|code| !code.tokens.iter().any(|token| token.text == short))
}

/// Rust's `pub` in a program of its own gives nothing away.
fn counts(pair: &Pair<'_>) -> bool {
    let path = pair.path.as_str();
    let program = path.ends_with("main.rs") || path.contains("src/bin/");
    pair.role == Role::Source && !program || pair.is_component && !pair.role.measures()
}

/// Making a C function of a file `static` hides nothing when nobody else was told of it.
fn hidden_weight(code: &Code<'_>, pair: &Pair<'_>, _name: &str) -> Weight {
    let has_main = code
        .functions
        .iter()
        .any(|function| function.name == "main");
    let script = pair
        .code_after()
        .is_some_and(|code| code.language.is_script());
    if has_main && !script {
        Weight::Notes
    } else {
        Weight::Objects
    }
}

fn declared(pairs: &[Pair<'_>], name: &str) -> bool {
    pairs.iter().any(|pair| {
        let ending = pair.path.file_name().rsplit('.').next();
        let header = matches!(ending, Some("h" | "hpp" | "hh" | "hxx"));
        let code = pair.code_before();
        header && code.is_some_and(|code| code.tokens.iter().any(|token| token.text == name))
    })
}

/// Whether a function that came holds most of what the lost one held.
pub fn has_heir(pairs: &[Pair<'_>], code: &Code<'_>, name: &str) -> bool {
    let Some(lost) = code.functions.iter().find(|function| function.name == name) else {
        return false;
    };
    let words = code.words(&lost.body.clone().unwrap_or(lost.span.clone()));
    let known: BTreeSet<&str> = pairs
        .iter()
        .filter_map(Pair::code_before)
        .flat_map(|code| code.functions.iter().map(|function| function.name.as_str()))
        .collect();
    let is_heir = |code: &Code<'_>, function: &Function| {
        !known.contains(function.name.as_str())
            && overlap_percent(&words, &code.words(&function.span)) >= ALIKE_PERCENT
    };
    pairs.iter().filter_map(Pair::code_after).any(|code| {
        code.functions
            .iter()
            .any(|function| is_heir(code, function))
    })
}

/// How much of `words` is in `others`, as a percentage.
pub fn overlap_percent(words: &[&str], others: &[&str]) -> usize {
    if words.is_empty() {
        return 100;
    }
    let found = counted(others.iter().copied());
    let wanted = counted(words.iter().copied());
    let both: usize = wanted
        .iter()
        .map(|(word, count)| *count.min(found.get(word).unwrap_or(&0)))
        .sum();
    both * 100 / words.len()
}

/// The names that a file gives away, and their lines.
fn exported(code: &Code<'_>) -> BTreeMap<String, u32> {
    let mut names = BTreeMap::new();
    let own = code
        .functions
        .iter()
        .filter(|function| function.public && !function.is_test);
    if code.language != Language::Python || !code.tokens.iter().any(|t| t.text == "__all__") {
        names.extend(
            own.clone()
                .map(|function| (function.name.clone(), function.line)),
        );
    }
    match code.language {
        Language::C | Language::Cpp => {
            names.remove("main");
            names.remove("LLVMFuzzerTestOneInput");
            declarations(code, &mut names);
        }
        Language::Rust => rust_items(code, &mut names),
        Language::Python => {
            python_all(code, &mut names);
            names.extend(
                own.filter(|f| f.name.contains("::"))
                    .map(|f| (f.name.clone(), f.line)),
            );
        }
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            script_names(code, &mut names);
        }
    }
    names
}

fn rust_items(code: &Code<'_>, names: &mut BTreeMap<String, u32>) {
    const ITEMS: &[&str] = &[
        "struct", "enum", "trait", "type", "const", "static", "mod", "union",
    ];
    for window in code.tokens.windows(3) {
        let [first, item, name] = window else {
            continue;
        };
        if first.text == "pub"
            && ITEMS.contains(&item.text)
            && name.text != "fn"
            && name.text != "unsafe"
        {
            names.insert(name.text.to_owned(), name.line);
        }
    }
}

/// What a header declares: a name before a bracket, at no depth, up to a semicolon.
fn declarations(code: &Code<'_>, names: &mut BTreeMap<String, u32>) {
    for statement in code
        .statements
        .iter()
        .filter(|one| one.kind == "declaration")
    {
        let tokens = code.slice(&statement.tokens);
        let inside = code.function_at(statement.tokens.start).is_some();
        let hidden = tokens
            .iter()
            .any(|token| matches!(token.text, "static" | "=" | "typedef"));
        if inside || hidden {
            continue;
        }
        let called = tokens
            .windows(2)
            .find(|pair| pair[0].kind == Kind::Word && pair[1].text == "(");
        let attribute = |name: &str| {
            name.starts_with("__") || name.chars().all(|c| c.is_uppercase() || c == '_')
        };
        if let Some([name, _]) = called
            && !attribute(name.text)
        {
            names.entry(name.text.to_owned()).or_insert(name.line);
        }
    }
}

fn python_all(code: &Code<'_>, names: &mut BTreeMap<String, u32>) {
    let mut rest = code
        .tokens
        .iter()
        .skip_while(|token| token.text != "__all__")
        .skip(1);
    let mut open = false;
    for token in rest.by_ref().take(5000) {
        match token.text {
            "=" | "+=" | ":" => {}
            "[" | "(" => open = true,
            "]" | ")" => break,
            text if open && token.kind == Kind::Text => {
                let name = text.trim_matches(['"', '\'']);
                names.insert(name.to_owned(), token.line);
            }
            "," => {}
            _ if !open => break,
            _ => {}
        }
    }
}

fn script_names(code: &Code<'_>, names: &mut BTreeMap<String, u32>) {
    const BEFORE_NAME: &[&str] = &[
        "default",
        "async",
        "function",
        "class",
        "const",
        "let",
        "var",
        "interface",
        "type",
        "enum",
        "abstract",
        "declare",
        "*",
    ];
    let tokens = &code.tokens;
    for (at, token) in tokens.iter().enumerate() {
        let rest = &tokens[at + 1..];
        let text = |at: usize| rest.get(at).map_or("", |token: &Token<'_>| token.text);
        let follows_dot = at > 0 && tokens[at - 1].text == ".";
        match token.text {
            "export" if text(0) == "{" => braced(&rest[1..], names),
            "export" => {
                let name = rest
                    .iter()
                    .take(5)
                    .find(|token| !BEFORE_NAME.contains(&token.text));
                if text(0) == "default" {
                    names.insert("default".into(), token.line);
                } else if let Some(name) = name.filter(|name| name.kind == Kind::Word) {
                    names.insert(name.text.to_owned(), name.line);
                }
            }
            "module" if text(0) == "." && text(1) == "exports" && text(2) == "=" => {
                names.insert("module.exports".into(), token.line);
                if text(3) == "{" {
                    braced(&rest[4..], names);
                }
            }
            "exports"
                if text(0) == "."
                    && text(2) == "="
                    && (!follows_dot || tokens[at - 2].text == "module") =>
            {
                names.insert(text(1).to_owned(), token.line);
            }
            _ => {}
        }
    }
}

/// The names between braces, of which the first was read: keys, or what follows `as`.
fn braced(tokens: &[Token<'_>], names: &mut BTreeMap<String, u32>) {
    let mut depth = 0_usize;
    let mut fresh = true;
    let mut last: Option<(&str, u32)> = None;
    for token in tokens.iter().take(20_000) {
        match token.text {
            "}" if depth == 0 => break,
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ if depth > 0 => {}
            "," => {
                names.extend(last.take().map(|(name, line)| (name.to_owned(), line)));
                fresh = true;
            }
            "as" => fresh = true,
            text if fresh && matches!(token.kind, Kind::Word | Kind::Text) => {
                last = Some((text.trim_matches(['"', '\'']), token.line));
                fresh = matches!(text, "async" | "get" | "set");
            }
            _ => {}
        }
    }
    names.extend(last.map(|(name, line)| (name.to_owned(), line)));
}
