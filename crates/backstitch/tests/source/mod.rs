//! Reads Rust source as far as the structure's tests need it: code without comments, strings
//! and tests, and the names that it defines.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// One Rust file.
pub struct Source {
    /// Where it is, from the repository's root.
    pub path: String,
    /// The file as it is.
    pub text: String,
    /// Its code: comments and what stands in strings are blank, and so are modules for tests.
    pub code: String,
    /// Is all of it for tests?
    pub is_test: bool,
}

/// Every Rust file below a folder, in the order of paths.
pub fn below(root: &Path, folder: &str) -> Vec<Source> {
    let paths: Vec<_> = files(&root.join(folder))
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    let read = |path: &PathBuf| std::fs::read_to_string(path).expect("a source file is text");
    let tests: BTreeSet<_> = paths
        .iter()
        .flat_map(|path| test_files(path, &read(path)))
        .collect();
    paths
        .iter()
        .map(|path| {
            let text = read(path);
            let below = path
                .strip_prefix(root)
                .expect("the files are below the root");
            Source {
                path: below.display().to_string(),
                code: without_tests(&blank(&text)),
                is_test: tests.contains(path),
                text,
            }
        })
        .collect()
}

/// Every file below a folder, build output and the repository left out.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            let name = path.file_name().unwrap_or_default();
            if path.is_file() {
                found.push(path);
            } else if path.is_dir() && name != ".git" && !path.join("CACHEDIR.TAG").exists() {
                folders.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The files that a file declares as modules for tests: `#[cfg(test)] mod name;`.
fn test_files(path: &Path, text: &str) -> Vec<PathBuf> {
    let folder = path.parent().expect("a file has a folder");
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let own = match stem.as_ref() {
        "mod" | "lib" | "main" => folder.to_owned(),
        stem => folder.join(stem),
    };
    let mut found = Vec::new();
    for after in text.split("#[cfg(test)]").skip(1) {
        let (declared, _) = after.split_once(';').unwrap_or((after, ""));
        let named = declared
            .trim()
            .split_once("#[path = \"")
            .map(|(_, rest)| rest.split('"').next());
        if let Some(Some(name)) = named {
            found.push(folder.join(name));
        } else if let Some(name) = declared.trim().strip_prefix("mod ") {
            found.push(own.join(format!("{name}.rs")));
            found.push(own.join(name).join("mod.rs"));
        }
    }
    found
}

/// Blanks comments and the inside of strings and characters; everything keeps its place.
fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        let end = at + token(rest);
        let token = &text[at..end];
        let is_code = !(token.starts_with("//") || token.starts_with("/*") || is_literal(token));
        code.extend(
            token
                .chars()
                .map(|c| if is_code || c == '\n' { c } else { ' ' }),
        );
        at = end;
    }
    code
}

fn is_literal(token: &str) -> bool {
    token.len() > 1 && (token.ends_with('"') || token.ends_with('#') || token.ends_with('\''))
}

/// How long the token is that a text begins with; a character of plain code is one.
fn token(rest: &str) -> usize {
    let until = |end: &str, from: usize| {
        rest[from..]
            .find(end)
            .map_or(rest.len(), |n| from + n + end.len())
    };
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return until("*/", 2);
    }
    if let Some(raw) = rest.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            return until(&format!("\"{}", "#".repeat(hashes)), hashes + 2);
        }
    }
    if rest.starts_with('"') {
        return closing(rest, b'"');
    }
    let is_character = rest.starts_with("'\\") || rest.chars().nth(2) == Some('\'');
    if rest.starts_with('\'') && is_character {
        return closing(rest, b'\'');
    }
    // A whole word, so that its last letter is not taken for the `r` of a raw string.
    let word = rest.len()
        - rest
            .trim_start_matches(|c: char| c.is_alphanumeric() || c == '_')
            .len();
    word.max(rest.chars().next().map_or(1, char::len_utf8))
}

/// Where a string or character ends that begins here.
fn closing(rest: &str, quote: u8) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// Blanks `#[cfg(test)]` and the item after it, in code without strings and comments.
fn without_tests(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = rest.find("#[cfg(test)]") {
        kept.push_str(&rest[..start]);
        let item = &rest[start..];
        rest = &item[item_len(item)..];
    }
    kept + rest
}

/// The length of an item: to its `;`, or to the brace that closes its first one.
fn item_len(item: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in item.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth = depth.saturating_sub(1),
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    item.len()
}

/// The words of a text that could be names.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}

/// The names that sources define: items, and variants and fields by their place in a line.
pub fn defined(sources: &[Source]) -> BTreeSet<String> {
    const ITEMS: &[&str] = &[
        "struct", "enum", "trait", "fn", "const", "static", "type", "mod",
    ];
    let mut names = BTreeSet::new();
    for source in sources {
        // Tests define names too.
        for line in blank(&source.text).lines() {
            let line: Vec<_> = words(line).filter(|word| *word != "pub").collect();
            let items = line
                .windows(2)
                .filter(|pair| ITEMS.contains(&pair[0]))
                .map(|pair| pair[1]);
            names.extend(items.chain(line.first().copied()).map(str::to_owned));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_is_left_of_source() {
        let text =
            "a(\"// b\", 'x', '\\'', r#\"c \"d\"\"#); // e\n/* f\n */ fn g<'h>() {}\nvar\"i\"\n";
        assert_eq!(
            words(&blank(text)).collect::<Vec<_>>(),
            ["a", "fn", "g", "h", "var"]
        );
        assert_eq!(blank(text).lines().count(), text.lines().count());
    }

    #[test]
    fn modules_for_tests_are_no_code() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { {} } }\nfn c() {}\n#[cfg(test)]\nmod d;\n";
        assert_eq!(
            words(&without_tests(text)).collect::<Vec<_>>(),
            ["fn", "a", "fn", "c"]
        );
        let files = test_files(Path::new("x/y.rs"), text);
        assert!(files.contains(&PathBuf::from("x/y/d.rs")), "{files:?}");
    }
}
