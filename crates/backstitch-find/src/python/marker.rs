//! Says whether a marker holds: on this machine's platform, with a Python of which only the
//! least release is known. Owns that question; what cannot be told is told as unknown.
//!
//! Rules: <https://packaging.python.org/en/latest/specifications/dependency-specifiers/>.

use std::cmp::Ordering;

use pep440_rs::Version;

/// How deep brackets may be nested; real markers have two levels.
const DEPTH_MAX: usize = 32;

/// A marker, as written and as understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    text: String,
    tree: Option<Tree>,
}

/// Does a marker hold?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It does not.
    No,
    /// It may.
    Unknown,
    /// It does.
    Yes,
}

/// Where a package would be installed, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// The least release of Python that counts.
    pub python_min: Option<Version>,
    /// The extras that are asked for, normalised.
    pub extras: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Tree {
    Any(Vec<Tree>),
    All(Vec<Tree>),
    Compare {
        variable: String,
        operator: String,
        value: String,
        /// The variable stands on the right: `'linux' in sys_platform`.
        swapped: bool,
    },
}

impl Marker {
    /// Reads a marker; one that cannot be read is never known to hold or not.
    pub fn parse(text: &str) -> Self {
        let mut parser = Parser {
            tokens: tokens(text),
            at: 0,
        };
        let tree = parser.any(0).filter(|_| parser.at == parser.tokens.len());
        Self {
            text: text.to_owned(),
            tree,
        }
    }

    /// The marker as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Does it ask for an extra?
    pub fn names_extra(&self) -> bool {
        self.tree.as_ref().is_some_and(Tree::names_extra)
    }

    /// Does it hold there?
    pub fn holds(&self, environment: &Environment) -> Truth {
        self.tree
            .as_ref()
            .map_or(Truth::Unknown, |tree| tree.holds(environment))
    }
}

impl Tree {
    fn names_extra(&self) -> bool {
        match self {
            Self::Any(parts) | Self::All(parts) => parts.iter().any(Self::names_extra),
            Self::Compare { variable, .. } => variable == "extra",
        }
    }

    fn holds(&self, environment: &Environment) -> Truth {
        let all = |parts: &[Self]| -> Vec<Truth> {
            parts.iter().map(|part| part.holds(environment)).collect()
        };
        match self {
            Self::Any(parts) => all(parts).into_iter().max().unwrap_or(Truth::No),
            Self::All(parts) => all(parts).into_iter().min().unwrap_or(Truth::Yes),
            Self::Compare {
                variable,
                operator,
                value,
                swapped,
            } => compare(variable, operator, value, *swapped, environment),
        }
    }
}

fn compare(
    variable: &str,
    operator: &str,
    value: &str,
    swapped: bool,
    environment: &Environment,
) -> Truth {
    match variable {
        "python_version" | "python_full_version" => {
            let known = environment.python_min.as_ref();
            known
                .filter(|_| !swapped)
                .map_or(Truth::Unknown, |least| python(least, operator, value))
        }
        "extra" => {
            let value = super::normalised(value);
            let asked = environment.extras.contains(&value);
            match operator {
                "==" => Truth::of(asked),
                "!=" => Truth::of(!asked),
                _ => Truth::Unknown,
            }
        }
        _ => here(variable).map_or(Truth::Unknown, |is| text(is, operator, value, swapped)),
    }
}

/// What this machine answers; Backstitch runs on Linux only, and with CPython.
fn here(variable: &str) -> Option<&'static str> {
    Some(match variable {
        "os_name" | "os.name" => "posix",
        "sys_platform" | "sys.platform" => "linux",
        "platform_system" => "Linux",
        "platform_machine" | "platform.machine" => std::env::consts::ARCH,
        "platform_python_implementation" => "CPython",
        "implementation_name" => "cpython",
        _ => return None,
    })
}

fn text(is: &str, operator: &str, value: &str, swapped: bool) -> Truth {
    match operator {
        "==" | "===" => Truth::of(is == value),
        "!=" => Truth::of(is != value),
        "in" if swapped => Truth::of(is.contains(value)),
        "in" => Truth::of(value.contains(is)),
        "not in" if swapped => Truth::of(!is.contains(value)),
        "not in" => Truth::of(!value.contains(is)),
        _ => Truth::Unknown,
    }
}

/// Of the Python that will run only the least release is known: every later one may be it.
fn python(least: &Version, operator: &str, value: &str) -> Truth {
    let Ok(value) = value.trim_end_matches(".*").parse::<Version>() else {
        return Truth::Unknown;
    };
    let order = least.cmp(&value);
    match operator {
        ">=" if order.is_ge() => Truth::Yes,
        ">" if order.is_gt() => Truth::Yes,
        "<" if order.is_ge() => Truth::No,
        "<=" | "==" if order == Ordering::Greater && !is_within(least, &value) => Truth::No,
        "!=" if order == Ordering::Greater && !is_within(least, &value) => Truth::Yes,
        _ => Truth::Unknown,
    }
}

/// Is `version` a release of the line `line`, as 3.8.1 is of 3.8?
fn is_within(version: &Version, line: &Version) -> bool {
    version.release().starts_with(line.release())
}

impl Truth {
    fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Quoted(String),
    Open,
    Close,
    /// Something that no marker has.
    Other,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '\'' | '"' => match rest[1..].find(first) {
                Some(end) => (Token::Quoted(rest[1..=end].to_owned()), end + 2),
                None => (Token::Other, rest.len()),
            },
            '<' | '>' | '=' | '!' | '~' => word(rest, |c| "<>=!~".contains(c)),
            _ if is_word(first) => word(rest, is_word),
            _ => (Token::Other, first.len_utf8()),
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.'
}

fn word(text: &str, wanted: impl Fn(char) -> bool) -> (Token, usize) {
    let length = text.find(|c| !wanted(c)).unwrap_or(text.len());
    (Token::Word(text[..length].to_owned()), length)
}

/// Reads tokens; `None` wherever they are not as the grammar has them.
struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn skip_word(&mut self, wanted: &str) -> bool {
        let found = self.tokens.get(self.at) == Some(&Token::Word(wanted.to_owned()));
        self.at += usize::from(found);
        found
    }

    fn any(&mut self, depth: usize) -> Option<Tree> {
        let mut parts = vec![self.all(depth)?];
        while self.skip_word("or") {
            parts.push(self.all(depth)?);
        }
        Some(Tree::Any(parts))
    }

    fn all(&mut self, depth: usize) -> Option<Tree> {
        let mut parts = vec![self.one(depth)?];
        while self.skip_word("and") {
            parts.push(self.one(depth)?);
        }
        Some(Tree::All(parts))
    }

    fn one(&mut self, depth: usize) -> Option<Tree> {
        if depth > DEPTH_MAX {
            return None;
        }
        match self.next()? {
            Token::Open => {
                let inside = self.any(depth + 1)?;
                (self.next()? == Token::Close).then_some(inside)
            }
            Token::Word(variable) => {
                let operator = self.operator()?;
                let Token::Quoted(value) = self.next()? else {
                    return None;
                };
                Some(Tree::Compare {
                    variable,
                    operator,
                    value,
                    swapped: false,
                })
            }
            Token::Quoted(value) => {
                let operator = self.operator()?;
                let Token::Word(variable) = self.next()? else {
                    return None;
                };
                Some(Tree::Compare {
                    variable,
                    operator,
                    value,
                    swapped: true,
                })
            }
            Token::Close | Token::Other => None,
        }
    }

    fn operator(&mut self) -> Option<String> {
        let Token::Word(word) = self.next()? else {
            return None;
        };
        if word == "not" {
            return self.skip_word("in").then(|| "not in".to_owned());
        }
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(marker: &str) -> Truth {
        let environment = Environment {
            python_min: "3.8".parse().ok(),
            extras: vec!["socks".into()],
        };
        Marker::parse(marker).holds(&environment)
    }

    #[test]
    fn the_platform_and_the_least_python_decide_what_they_can() {
        for (marker, expected) in [
            ("sys_platform == 'win32'", Truth::No),
            ("sys_platform != \"win32\"", Truth::Yes),
            ("'linux' in sys_platform", Truth::Yes),
            ("sys_platform not in 'win32 darwin'", Truth::Yes),
            ("python_version >= '3.7'", Truth::Yes),
            ("python_version < '3.8'", Truth::No),
            ("python_version < '3.11'", Truth::Unknown),
            ("python_full_version < '3.7.1'", Truth::No),
            ("python_version == '3.7'", Truth::No),
            ("python_version == '3.8'", Truth::Unknown),
            ("extra == 'Socks'", Truth::Yes),
            ("extra == 'other'", Truth::No),
            ("platform_release == '1'", Truth::Unknown),
            ("os_name == 'nt' and python_version < '3.11'", Truth::No),
            ("os_name == 'nt' or python_version < '3.11'", Truth::Unknown),
            (
                "(os_name == 'nt' or os_name == 'posix') and (extra == 'socks')",
                Truth::Yes,
            ),
        ] {
            assert_eq!(holds(marker), expected, "{marker}");
        }
    }

    #[test]
    fn what_is_no_marker_is_unknown_and_never_a_panic() {
        let deep = "(".repeat(100_000);
        for marker in [
            "",
            "os_name",
            "os_name ==",
            "'a' == 'b'",
            "é == 'x'",
            "'x",
            "or",
            "a not b",
            &deep,
        ] {
            assert_eq!(holds(marker), Truth::Unknown, "{marker:.20}");
        }
    }
}
