//! Cuts text into tokens without a grammar: for what a grammar leaves whole, and for files that
//! are too large for one. Pure, and never fails: what it does not know is punctuation.

use super::language::Language;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A name or a keyword.
    Word,
    /// A number.
    Number,
    /// Text between quotes, quotes and all.
    Text,
    /// The begin or end of a Python block, which has no letters of its own.
    Indent,
    /// Anything else.
    Punctuation,
}

/// The smallest part of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'t> {
    /// What it is.
    pub kind: Kind,
    /// As it is written.
    pub text: &'t str,
    /// On which line it begins, counted from one.
    pub line: u32,
}

/// A remark in a program, and its line.
pub type Comment<'t> = (u32, &'t str);

/// What kind of token begins with this.
pub fn kind_of(text: &str) -> Kind {
    match text.chars().next() {
        Some('"' | '`') => Kind::Text,
        Some('\'') if text.len() > 2 && text.ends_with('\'') => Kind::Text,
        Some(first) if first.is_ascii_digit() => Kind::Number,
        Some(first) if is_word(first) => Kind::Word,
        Some(_) | None => Kind::Punctuation,
    }
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '$'
}

/// Cuts `text`, whose first line has the number `line`.
pub fn cut<'t>(
    text: &'t str,
    language: Language,
    line: u32,
    tokens: &mut Vec<Token<'t>>,
    comments: &mut Vec<Comment<'t>>,
) {
    let mut rest = text;
    let mut line = line;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_whitespace() {
            first.len_utf8()
        } else if let Some(length) = comment_length(rest, language) {
            comments.push((line, &rest[..length]));
            length
        } else {
            let length = token_length(rest, first, language);
            let text = &rest[..length];
            let kind = kind_of(text);
            tokens.push(Token { kind, text, line });
            length
        };
        line += lines_in(&rest[..length]);
        rest = &rest[length..];
    }
}

fn lines_in(text: &str) -> u32 {
    u32::try_from(text.bytes().filter(|byte| *byte == b'\n').count()).unwrap_or(u32::MAX)
}

fn comment_length(rest: &str, language: Language) -> Option<usize> {
    let to_line_end = || rest.find('\n').unwrap_or(rest.len());
    if language == Language::Python {
        return rest.starts_with('#').then(to_line_end);
    }
    if rest.starts_with("//") {
        return Some(to_line_end());
    }
    let inside = rest.strip_prefix("/*")?;
    Some(inside.find("*/").map_or(rest.len(), |end| end + 4))
}

fn token_length(rest: &str, first: char, language: Language) -> usize {
    if is_word(first) {
        return rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
    }
    for triple in ["\"\"\"", "'''"] {
        if language == Language::Python
            && let Some(inside) = rest.strip_prefix(triple)
        {
            return inside.find(triple).map_or(rest.len(), |end| end + 6);
        }
    }
    match first {
        '"' => quoted_length(rest, '"', true),
        '`' if language.is_script() => quoted_length(rest, '`', true),
        // In Rust it may be a lifetime; in C a number may have it between its digits.
        '\'' => quoted_length(rest, '\'', false),
        other => other.len_utf8(),
    }
}

/// How long text between quotes is; only the quote where it has no end.
fn quoted_length(rest: &str, quote: char, many_lines: bool) -> usize {
    let mut escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            '\n' if !many_lines => break,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == quote => return at + 1,
            _ => {}
        }
    }
    1
}
