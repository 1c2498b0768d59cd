//! The order of Maven's versions
//! (<https://maven.apache.org/pom.html#version-order-specification>): tokens between dots,
//! hyphens and changes from digits to letters, each compared with what stands before it.

use std::cmp::Ordering;

/// A version of a Maven artifact.
#[derive(Debug, Clone)]
pub(super) struct MavenVersion(Vec<Token>);

/// What stands before a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prefix {
    Dot,
    Hyphen,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    prefix: Prefix,
    value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    /// Digits without leading zeros: no number of a version is too long.
    Number(String),
    /// A qualifier that has a place of its own, those before a release below zero.
    Known(i8),
    /// Any other, in lowercase; after the known ones.
    Word(String),
}

/// The place of a release among qualifiers.
const RELEASE: Value = Value::Known(0);

impl MavenVersion {
    /// Reads a version; `None` for what is an expression, a range, or nothing at all.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let is_allowed = |c: char| c.is_alphanumeric() || "._-+~".contains(c);
        if text.is_empty() || !text.chars().all(is_allowed) {
            return None;
        }
        let mut tokens = Vec::new();
        let mut prefix = Prefix::Hyphen;
        let mut rest = text.as_str();
        loop {
            let end = rest.find(['.', '-']).unwrap_or(rest.len());
            push(&mut tokens, prefix, &rest[..end]);
            let Some(separator) = rest[end..].chars().next() else {
                break;
            };
            prefix = if separator == '.' {
                Prefix::Dot
            } else {
                Prefix::Hyphen
            };
            rest = &rest[end + separator.len_utf8()..];
        }
        Some(Self(trimmed(tokens)))
    }
}

/// A part without separators: a change from digits to letters or back is as good as a hyphen.
fn push(tokens: &mut Vec<Token>, mut prefix: Prefix, part: &str) {
    let runs: Vec<&str> = part
        .as_bytes()
        .chunk_by(|left, right| left.is_ascii_digit() == right.is_ascii_digit())
        .map(|run| std::str::from_utf8(run).unwrap_or("?"))
        .collect();
    if runs.is_empty() {
        let value = Value::Number(String::new());
        tokens.push(Token { prefix, value });
    }
    for (index, run) in runs.iter().enumerate() {
        let before_number = runs.get(index + 1).is_some();
        let value = value(run, before_number);
        tokens.push(Token { prefix, value });
        prefix = Prefix::Hyphen;
    }
}

fn value(run: &str, before_number: bool) -> Value {
    if run.starts_with(|first: char| first.is_ascii_digit()) {
        return Value::Number(run.trim_start_matches('0').to_owned());
    }
    match run {
        "alpha" => Value::Known(-5),
        "a" if before_number => Value::Known(-5),
        "beta" => Value::Known(-4),
        "b" if before_number => Value::Known(-4),
        "milestone" => Value::Known(-3),
        "m" if before_number => Value::Known(-3),
        "rc" | "cr" => Value::Known(-2),
        "snapshot" => Value::Known(-1),
        "final" | "ga" | "release" => RELEASE,
        "sp" => Value::Known(1),
        word => Value::Word(word.to_owned()),
    }
}

/// Leaves out what says nothing: zeros and words for a release at the end, and before hyphens.
fn trimmed(tokens: Vec<Token>) -> Vec<Token> {
    let mut kept: Vec<Token> = Vec::with_capacity(tokens.len());
    for token in tokens.into_iter().rev() {
        let before_hyphen = kept
            .last()
            .is_none_or(|next: &Token| next.prefix == Prefix::Hyphen);
        if !(before_hyphen && token.value.says_nothing()) {
            kept.push(token);
        }
    }
    kept.reverse();
    kept
}

impl Value {
    fn says_nothing(&self) -> bool {
        match self {
            Self::Number(digits) => digits.is_empty(),
            Self::Known(_) | Self::Word(_) => *self == RELEASE,
        }
    }
}

impl Token {
    /// Qualifiers come first, then numbers after a hyphen, then numbers after a dot.
    fn class(&self) -> u8 {
        match (&self.value, self.prefix) {
            (Value::Known(_) | Value::Word(_), _) => 0,
            (Value::Number(_), Prefix::Hyphen) => 1,
            (Value::Number(_), Prefix::Dot) => 2,
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.class()
            .cmp(&other.class())
            .then_with(|| match (&self.value, &other.value) {
                (Value::Number(left), Value::Number(right)) => {
                    (left.len(), left).cmp(&(right.len(), right))
                }
                (Value::Known(left), Value::Known(right)) => left.cmp(right),
                (Value::Word(left), Value::Word(right)) => left.cmp(right),
                (Value::Known(_), Value::Word(_)) => Ordering::Less,
                (Value::Word(_), Value::Known(_)) => Ordering::Greater,
                // The classes tell numbers and qualifiers apart.
                (Value::Number(_), _) | (_, Value::Number(_)) => Ordering::Equal,
            })
    }

    /// A version with this token more: a qualifier against a release, a number against zero.
    fn against_nothing(&self) -> Ordering {
        match &self.value {
            Value::Number(digits) if digits.is_empty() => Ordering::Equal,
            Value::Number(_) | Value::Word(_) => Ordering::Greater,
            Value::Known(place) => place.cmp(&0),
        }
    }
}

impl Ord for MavenVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        let length = self.0.len().max(other.0.len());
        let order = |index: usize| match (self.0.get(index), other.0.get(index)) {
            (Some(left), Some(right)) => left.compare(right),
            (Some(left), None) => left.against_nothing(),
            (None, Some(right)) => right.against_nothing().reverse(),
            (None, None) => Ordering::Equal,
        };
        (0..length)
            .map(order)
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for MavenVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for MavenVersion {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for MavenVersion {}
