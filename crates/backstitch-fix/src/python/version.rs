//! Owns Python's order of versions: PEP 440, the size of a step, and whether a Python will do.
//! Knows no package and no index.

use std::str::FromStr as _;

use backstitch_model::policy::Bump;
use pep440_rs::{Version, VersionSpecifiers};

/// A version whose first number is at least this is a date.
const YEAR_MIN: u64 = 1990;

/// How large the step between two versions is. Python has no rule; what most packages keep to
/// is taken: a first number that stays means compatible, before 1.0 as well. Of versions that
/// are dates, such as certifi's, a later one is compatible.
pub(super) fn bump(from: &Version, to: &Version) -> Bump {
    let (old, new) = (numbers(from), numbers(to));
    let are_dates = old.1 >= YEAR_MIN && new.1 >= YEAR_MIN;
    if old == new {
        Bump::Patch
    } else if (old.0, old.1) == (new.0, new.1) || are_dates && old.0 == new.0 {
        Bump::Compatible
    } else {
        Bump::Breaking
    }
}

/// The epoch and the first two numbers of a version.
pub(super) fn numbers(version: &Version) -> (u64, u64, u64) {
    let release = version.release();
    let number = |at: usize| release.get(at).copied().unwrap_or_default();
    (version.epoch(), number(0), number(1))
}

/// Does a release that states `range` run with `python`? One that states nothing readable does.
pub(super) fn runs_with(range: Option<&str>, python: &Version) -> bool {
    let specifiers = range.and_then(|range| VersionSpecifiers::from_str(range).ok());
    specifiers.is_none_or(|specifiers| specifiers.contains(python))
}

/// What a requirement admits: one of several ranges.
#[derive(Debug, Clone)]
pub(super) struct Range(Vec<VersionSpecifiers>);

impl Range {
    /// Reads a requirement in the standard's words or in Poetry's; `None` where it is neither.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let parts = text.split("||").map(str::trim);
        parts.map(specifiers).collect::<Option<_>>().map(Self)
    }

    pub(super) fn admits(&self, version: &Version) -> bool {
        self.0.iter().any(|range| range.contains(version))
    }
}

fn specifiers(text: &str) -> Option<VersionSpecifiers> {
    if matches!(text, "" | "*") {
        return Some(VersionSpecifiers::empty());
    }
    let parts: Option<Vec<String>> = text.split(',').map(|part| specifier(part.trim())).collect();
    VersionSpecifiers::from_str(&parts?.join(",")).ok()
}

/// One part: Poetry's `^1.2`, `~1.2` and `1.2` are written out
/// (<https://python-poetry.org/docs/dependency-specification/>).
fn specifier(part: &str) -> Option<String> {
    if let Some(version) = part.strip_prefix('^') {
        return between(version, caret_end);
    }
    if let Some(version) = part.strip_prefix('~').filter(|rest| !rest.starts_with('=')) {
        return between(version, tilde_end);
    }
    if part.starts_with(|c: char| c.is_ascii_digit()) {
        return Some(format!("=={part}"));
    }
    Some(part.to_owned())
}

fn between(version: &str, end: fn(&[u64]) -> Vec<u64>) -> Option<String> {
    let least: Version = version.trim().parse().ok()?;
    let end: Vec<_> = end(least.release()).iter().map(u64::to_string).collect();
    Some(format!(">={least},<{}", end.join(".")))
}

/// The first number that is not zero stays.
fn caret_end(release: &[u64]) -> Vec<u64> {
    let at = release.iter().position(|number| *number != 0);
    raised(release, at.unwrap_or(release.len().saturating_sub(1)))
}

/// The second number stays, where there is one.
fn tilde_end(release: &[u64]) -> Vec<u64> {
    raised(release, usize::from(release.len() > 1))
}

fn raised(release: &[u64], at: usize) -> Vec<u64> {
    let mut end: Vec<u64> = release.iter().copied().take(at + 1).collect();
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(from: &str, to: &str) -> Bump {
        bump(&from.parse().unwrap(), &to.parse().unwrap())
    }

    #[test]
    fn the_first_number_decides_unless_it_is_a_year() {
        assert_eq!(step("2.27.1", "2.27.2"), Bump::Patch);
        assert_eq!(step("2.27.1", "2.31.0"), Bump::Compatible);
        assert_eq!(step("0.37.1", "0.38.1"), Bump::Compatible);
        assert_eq!(step("1.26.8", "2.0.7"), Bump::Breaking);
        assert_eq!(step("2021.10.8", "2023.7.22"), Bump::Compatible);
        assert_eq!(step("2021.10.8", "1!1.0"), Bump::Breaking);
        assert_eq!(step("22.0", "2023.1"), Bump::Breaking);
    }

    #[test]
    fn requirements_are_read_in_either_language() {
        for (range, inside, outside) in [
            ("^1.2.3", "1.9", "2.0"),
            ("^0.2.3", "0.2.9", "0.3.0"),
            ("^0.0.3", "0.0.3", "0.0.4"),
            ("^7", "7.4", "8.0"),
            ("~1.2.3", "1.2.9", "1.3"),
            ("~1", "1.9", "2.0"),
            ("~=1.4.2", "1.4.5", "1.5"),
            ("2.28.1", "2.28.1", "2.28.2"),
            ("2.*", "2.9", "3.0"),
            (">=1.21.1,<1.27", "1.26.18", "2.0.7"),
            ("^1.0 || ^3.0", "3.1", "2.0"),
        ] {
            let read = Range::parse(range).unwrap();
            assert!(read.admits(&inside.parse().unwrap()), "{range} {inside}");
            assert!(!read.admits(&outside.parse().unwrap()), "{range} {outside}");
        }
        assert!(Range::parse("*").unwrap().admits(&"1".parse().unwrap()));
        for broken in ["banana", ">=", "^", "@ git+https://example.org"] {
            assert!(Range::parse(broken).is_none(), "{broken}");
        }
    }

    #[test]
    fn a_release_that_says_nothing_readable_runs_everywhere() {
        let python = "3.7".parse().unwrap();
        assert!(runs_with(None, &python));
        assert!(runs_with(Some("what?"), &python));
        assert!(runs_with(Some(">=3.7"), &python));
        assert!(!runs_with(Some(">=3.8"), &python));
    }
}
