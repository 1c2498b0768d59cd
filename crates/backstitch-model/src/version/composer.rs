//! The order of Composer's versions: normalised to four numbers and a stability, then
//! compared as PHP's `version_compare` compares
//! (<https://getcomposer.org/doc/articles/versions.md>).

use std::cmp::Ordering;

/// The number Composer puts where a branch name has an `x`.
const ANY: u128 = 9_999_999;

/// Numbers before the stability, always four.
const NUMBERS: usize = 4;

/// A Composer package's version; branches such as `dev-main` have no order and are none.
#[derive(Debug, Clone)]
pub(super) struct ComposerVersion(Vec<Part>);

/// A part of a version, in the order of PHP's `version_compare`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Unknown,
    Dev,
    Alpha,
    Beta,
    Candidate,
    Number(u128),
    Patch,
}

impl ComposerVersion {
    /// Reads a version; `None` where Composer sees a branch or nothing it knows.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let text = text.split('+').next().unwrap_or_default();
        let text = text.strip_prefix('v').unwrap_or(text);
        if !text.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        let parts: Option<Vec<_>> = text
            .split(['.', '-', '_'])
            .filter(|part| !part.is_empty())
            .flat_map(runs)
            .map(Part::parse)
            .collect();
        parts.map(|parts| Self(pad(parts)))
    }
}

/// Fills the numbers up to four: `1.0` and `1.0.0.0` are the same version.
fn pad(mut parts: Vec<Part>) -> Vec<Part> {
    let is_number = |part: &Part| matches!(part, Part::Number(_));
    let numbers = parts.iter().take_while(|part| is_number(part)).count();
    let missing = NUMBERS.saturating_sub(numbers);
    parts.splice(
        numbers..numbers,
        std::iter::repeat_n(Part::Number(0), missing),
    );
    parts
}

fn runs(part: &str) -> impl Iterator<Item = &str> {
    part.as_bytes()
        .chunk_by(|left, right| left.is_ascii_digit() == right.is_ascii_digit())
        .map(|run| std::str::from_utf8(run).unwrap_or("?"))
}

impl Part {
    fn parse(run: &str) -> Option<Self> {
        if run.starts_with(|first: char| first.is_ascii_digit()) {
            return run.parse().ok().map(Self::Number);
        }
        Some(match run {
            "x" | "*" => Self::Number(ANY),
            "dev" => Self::Dev,
            "alpha" | "a" => Self::Alpha,
            "beta" | "b" => Self::Beta,
            "rc" => Self::Candidate,
            "stable" => Self::Number(0),
            "patch" | "pl" | "p" => Self::Patch,
            _ => Self::Unknown,
        })
    }
}

impl Ord for ComposerVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        let shared = self.0.len().min(other.0.len());
        self.0[..shared].cmp(&other.0[..shared]).then_with(|| {
            match (self.0.get(shared), other.0.get(shared)) {
                (Some(part), None) => against_nothing(*part),
                (None, Some(part)) => against_nothing(*part).reverse(),
                (None, None) | (Some(_), Some(_)) => Ordering::Equal,
            }
        })
    }
}

/// A version with one part more: a number or a patch makes it newer, a stability older.
fn against_nothing(part: Part) -> Ordering {
    match part {
        Part::Number(_) | Part::Patch => Ordering::Greater,
        Part::Unknown | Part::Dev | Part::Alpha | Part::Beta | Part::Candidate => Ordering::Less,
    }
}

impl PartialOrd for ComposerVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ComposerVersion {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for ComposerVersion {}
