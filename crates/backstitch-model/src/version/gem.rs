//! The order of RubyGems (`Gem::Version`): segments of digits or letters, letters before
//! digits, trailing zeros without meaning, a dash standing for `.pre.`.

use std::cmp::Ordering;

/// A gem's version. A trailing zero compares as if it was not there.
#[derive(Debug, Clone)]
pub(super) struct GemVersion(Vec<Segment>);

/// Letters come before any number, so that `1.0.a` is older than `1.0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Letters(String),
    Number(u128),
}

impl GemVersion {
    /// Reads a version; `None` where RubyGems would call it malformed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if !is_well_formed(text) {
            return None;
        }
        let text = text.replace('-', ".pre.");
        let segments: Option<Vec<_>> = text.split('.').flat_map(split_runs).collect();
        segments.map(Self)
    }
}

/// The first part is a number, no part is empty, nothing but ASCII letters and digits.
fn is_well_formed(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
        && text
            .split(['.', '-'])
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// Splits `rc1` into `rc` and `1`.
fn split_runs(part: &str) -> impl Iterator<Item = Option<Segment>> {
    part.as_bytes()
        .chunk_by(|left, right| left.is_ascii_digit() == right.is_ascii_digit())
        .map(|run| {
            let run = std::str::from_utf8(run).ok()?;
            if run.starts_with(|first: char| first.is_ascii_digit()) {
                run.parse().ok().map(Segment::Number)
            } else {
                Some(Segment::Letters(run.to_owned()))
            }
        })
}

impl Ord for GemVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        const NOTHING: Segment = Segment::Number(0);
        let length = self.0.len().max(other.0.len());
        (0..length)
            .map(|index| {
                let left = self.0.get(index).unwrap_or(&NOTHING);
                left.cmp(other.0.get(index).unwrap_or(&NOTHING))
            })
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for GemVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for GemVersion {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for GemVersion {}
