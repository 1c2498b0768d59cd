//! Semantic versions as advisories and lockfiles write them.
//!
//! Advisories leave out trailing numbers and Go writes a `v` in front; both are taken,
//! anything else outside SemVer 2.0.0 is not.

use semver::Version;

/// Reads a semantic version; `1` and `1.2` stand for `1.0.0` and `1.2.0`.
pub(super) fn parse(text: &str) -> Option<Version> {
    let text = text.strip_prefix('v').unwrap_or(text);
    Version::parse(text).ok().or_else(|| parse_padded(text))
}

fn parse_padded(text: &str) -> Option<Version> {
    let core_end = text.find(['-', '+']).unwrap_or(text.len());
    let (core, rest) = text.split_at(core_end);
    let missing = match core.split('.').count() {
        1 => ".0.0",
        2 => ".0",
        _ => return None,
    };
    Version::parse(&format!("{core}{missing}{rest}")).ok()
}
