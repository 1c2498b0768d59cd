//! Owns version ranges as npm reads them, and how one is raised in the style it has
//! (<https://docs.npmjs.com/cli/using-npm/semver>). Knows no package.

use nodejs_semver::{Range, Version as NodeVersion};
use semver::Version;

/// The longest range that is looked at, in bytes; npm's own bound is the same.
const RANGE_BYTES_MAX: usize = 256;

/// What the right side of a dependency asks for.
#[derive(Debug, Clone)]
pub(super) enum Spec {
    /// Versions in a range.
    Range(Range),
    /// Whatever the registry calls by a word, `latest` for one.
    Any,
    /// A folder, a repository, an address: no version of the registry's.
    Elsewhere,
}

impl Spec {
    /// Reads `text`.
    pub(super) fn parse(text: &str) -> Self {
        let text = text.trim();
        let text = text.strip_prefix("workspace:").unwrap_or(text);
        if text.len() > RANGE_BYTES_MAX || text.contains(['/', ':']) {
            return Self::Elsewhere;
        }
        match Range::parse(text) {
            Ok(range) => Self::Range(range),
            Err(_) if text.is_empty() => Self::Range(Range::any()),
            Err(_) => Self::Any,
        }
    }

    /// Does `version` do?
    pub(super) fn admits(&self, version: &NodeVersion) -> bool {
        match self {
            Self::Range(range) => range.satisfies(version),
            Self::Any => true,
            Self::Elsewhere => false,
        }
    }
}

/// Reads a version as npm's ranges take it.
pub(super) fn node_version(version: &Version) -> Option<NodeVersion> {
    NodeVersion::parse(version.to_string()).ok()
}

/// Raises `text` so that it admits `version`, in the style it is written in: an exact
/// version stays one, `~` and `^` stay what they are, anything else becomes `^`. `None`
/// where it admits it already or names no versions.
pub(super) fn raise(text: &str, version: &Version) -> Option<String> {
    let wanted = node_version(version)?;
    match Spec::parse(text) {
        Spec::Range(range) if !range.satisfies(&wanted) => {}
        Spec::Range(_) | Spec::Any | Spec::Elsewhere => return None,
    }
    let bare = text.trim();
    let is_single = !bare.contains([' ', '|', ',']);
    let operator = match bare.chars().next() {
        Some(operator @ ('~' | '^')) if is_single => operator.to_string(),
        Some('=') if is_single => "=".to_owned(),
        Some('0'..='9' | 'v')
            if is_single && Version::parse(bare.trim_start_matches('v')).is_ok() =>
        {
            String::new()
        }
        Some(_) | None => "^".to_owned(),
    };
    Some(format!("{operator}{version}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(text: &str, version: &str) -> bool {
        Spec::parse(text).admits(&NodeVersion::parse(version).unwrap())
    }

    #[test]
    fn ranges_admit_what_npm_says() {
        for (text, version, expected) in [
            ("^1.2.3", "1.9.0", true),
            ("^0.2.3", "0.3.0", false),
            ("~1.2", "1.2.9", true),
            ("1.2.x || >=2.5.0 <3", "2.6.0", true),
            ("1.0.0 - 1.4", "1.4.9", true),
            (">=1 <2", "2.0.0", false),
            ("", "1.0.0", true),
            ("*", "1.0.0-beta", false),
            ("^1.0.0-beta", "1.0.0-rc", true),
            ("latest", "7.0.0", true),
            ("workspace:^1.0.0", "1.1.0", true),
            ("file:../x", "1.0.0", false),
            ("github:o/r#semver:^1", "1.0.0", false),
        ] {
            assert_eq!(admits(text, version), expected, "{text} {version}");
        }
    }

    #[test]
    fn a_raised_range_keeps_its_style() {
        for (text, version, expected) in [
            ("^1.2.3", "2.0.1", Some("^2.0.1")),
            ("~1.2", "1.3.5", Some("~1.3.5")),
            ("1.2.3", "1.2.4", Some("1.2.4")),
            ("=1.2.3", "1.2.4", Some("=1.2.4")),
            ("1.x", "2.3.4", Some("^2.3.4")),
            (">=1 <2", "2.3.4", Some("^2.3.4")),
            ("^1.2.3", "1.2.4", None),
            ("latest", "1.2.4", None),
            ("file:x", "1.2.4", None),
        ] {
            let raised = raise(text, &version.parse().unwrap());
            assert_eq!(raised.as_deref(), expected, "{text} → {version}");
        }
    }
}
