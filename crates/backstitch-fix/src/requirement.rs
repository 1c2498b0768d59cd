//! Owns the text of version requirements: how one is raised to admit a version while it
//! stays what it was, a caret, an exact pin or a range. Knows no manifest.

use semver::{Version, VersionReq};

/// Raises `text` so that it admits `version`, in the style it is written in; `None`
/// where it admits it already or no such requirement can be written.
pub(crate) fn raise(text: &str, version: &Version) -> Option<String> {
    let requirement = VersionReq::parse(text).ok()?;
    if requirement.matches(version) {
        return None;
    }
    let raised = text
        .split(',')
        .map(|comparator| raise_comparator(comparator, version))
        .collect::<Vec<_>>()
        .join(",");
    let admits = |text: &str| VersionReq::parse(text).is_ok_and(|raised| raised.matches(version));
    [raised, plain(version)]
        .into_iter()
        .find(|text| admits(text))
}

/// A requirement that admits `version` and nothing else.
pub(crate) fn exactly(version: &Version) -> String {
    format!("={}", plain(version))
}

/// The version as requirements are written: build metadata means nothing there.
fn plain(version: &Version) -> String {
    let mut version = version.clone();
    version.build = semver::BuildMetadata::EMPTY;
    version.to_string()
}

/// Raises one comparator, with the blanks around it, where it does not admit `version`.
fn raise_comparator(text: &str, version: &Version) -> String {
    if VersionReq::parse(text).is_ok_and(|requirement| requirement.matches(version)) {
        return text.to_owned();
    }
    let numbers_at = text
        .find(|c: char| c.is_ascii_digit() || c == '*')
        .unwrap_or(text.len());
    let (operator, numbers) = text.split_at(numbers_at);
    let tail_at = numbers.trim_end().len();
    let (numbers, tail) = numbers.split_at(tail_at);
    format!(
        "{operator}{}{tail}",
        raise_numbers(operator.trim(), numbers, version)
    )
}

fn raise_numbers(operator: &str, numbers: &str, version: &Version) -> String {
    if numbers.contains(['*', 'x', 'X']) {
        return raise_wildcard(numbers, version);
    }
    let count = numbers.split('.').count();
    match operator {
        "<" => just_above(version, count),
        "" | "^" | "~" | "=" => as_short_as(version, count),
        _ => plain(version),
    }
}

/// `1.2.*` stays as wild as it was.
fn raise_wildcard(numbers: &str, version: &Version) -> String {
    let found = [version.major, version.minor, version.patch];
    let parts = numbers.split('.').zip(found);
    let raised: Vec<_> = parts
        .map(|(part, number)| match part {
            "*" | "x" | "X" => part.to_owned(),
            _ => number.to_string(),
        })
        .collect();
    raised.join(".")
}

/// The version in `count` numbers where nothing is lost so, in full otherwise: a
/// requirement must not admit less than the release that is wanted.
fn as_short_as(version: &Version, count: usize) -> String {
    let lossless = version.pre.is_empty()
        && match count {
            1 => version.minor == 0 && version.patch == 0,
            2 => version.patch == 0,
            _ => false,
        };
    if lossless {
        numbers_of(version, count)
    } else {
        plain(version)
    }
}

/// The lowest bound in `count` numbers that lies above `version`.
fn just_above(version: &Version, count: usize) -> String {
    let above = match count {
        1 => Version::new(version.major.saturating_add(1), 0, 0),
        2 => Version::new(version.major, version.minor.saturating_add(1), 0),
        _ => Version::new(
            version.major,
            version.minor,
            version.patch.saturating_add(1),
        ),
    };
    numbers_of(&above, count)
}

fn numbers_of(version: &Version, count: usize) -> String {
    let numbers = [version.major, version.minor, version.patch];
    let written: Vec<_> = numbers.iter().take(count).map(u64::to_string).collect();
    written.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raised(text: &str, version: &str) -> Option<String> {
        raise(text, &version.parse().unwrap())
    }

    #[test]
    fn a_raised_requirement_keeps_its_style() {
        for (text, version, expected) in [
            ("0.2.2", "0.3.20", "0.3.20"),
            ("1", "2.0.0", "2"),
            ("1", "2.1.0", "2.1.0"),
            ("1.2", "2.4.0", "2.4"),
            ("^1.2", "2.4.1", "^2.4.1"),
            ("=1.2.3", "1.2.4", "=1.2.4"),
            ("= 1.2.3", "1.2.4", "= 1.2.4"),
            ("~1.2", "1.3.0", "~1.3"),
            ("~1.2", "1.3.5", "~1.3.5"),
            (">=1, <1.5", "1.6.2", ">=1, <1.7"),
            (">= 1.0, <= 1.5", "1.6.2", ">= 1.0, <= 1.6.2"),
            ("<2", "2.3.4", "<3"),
            ("1.2.*", "1.3.4", "1.3.*"),
            ("1.*", "2.3.4", "2.*"),
            ("0.12", "0.13.5+1.4.5", "0.13.5"),
        ] {
            assert_eq!(
                raised(text, version).as_deref(),
                Some(expected),
                "{text} → {version}"
            );
        }
        assert_eq!(raised("1.2", "1.4.0"), None);
        assert_eq!(raised("no version", "1.4.0"), None);
    }
}
