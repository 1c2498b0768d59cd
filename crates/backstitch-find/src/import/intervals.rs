//! Turns RustSec's lists of patched and unaffected requirements into OSV's affected range.
//!
//! Requirements are read as intervals of *all* versions in the order of SemVer 2.0.0,
//! pre-releases included; what lies in none of them is affected. Cargo's own matching
//! leaves pre-releases out, and so cannot answer whether `2.0.0-rc.1` is vulnerable.

use backstitch_model::advisory::{AffectedRange, RangeEvent, RangeKind};
use semver::{BuildMetadata, Comparator, Op, Prerelease, Version, VersionReq};

/// How the RustSec database's own export writes "from the first version on".
const FIRST: &str = "0.0.0-0";

/// From `start` on and before `end`; an open end is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Interval {
    start: Version,
    end: Option<Version>,
}

/// Computes what is affected; `None` where every version is patched or unaffected.
/// The error says which requirement cannot be read.
pub(super) fn affected(
    patched: &[String],
    unaffected: &[String],
) -> Result<Option<AffectedRange>, String> {
    let mut safe = Vec::new();
    for text in patched.iter().chain(unaffected) {
        let requirement = text
            .parse::<VersionReq>()
            .map_err(|error| format!("requirement `{}`: {error}", text.escape_debug()))?;
        safe.extend(interval(&requirement)?);
    }
    safe.sort_by(|left, right| left.start.cmp_precedence(&right.start));
    let events = complement(safe);
    if events.is_empty() {
        return Ok(None);
    }
    AffectedRange::new(RangeKind::Semver, events)
        .map(Some)
        .map_err(|error| error.to_string())
}

/// The gaps between intervals that are sorted by their start.
fn complement(safe: Vec<Interval>) -> Vec<RangeEvent> {
    let mut events = Vec::new();
    let mut unsafe_from = Some(first());
    for interval in safe {
        let Some(from) = unsafe_from else { break };
        if from < interval.start {
            events.push(RangeEvent::Introduced(from.to_string()));
            events.push(RangeEvent::Fixed(interval.start.to_string()));
        }
        unsafe_from = interval.end.map(|end| end.max(from));
    }
    events.extend(unsafe_from.map(|from| RangeEvent::Introduced(from.to_string())));
    events
}

/// What a requirement allows; `None` where its comparators contradict each other.
fn interval(requirement: &VersionReq) -> Result<Option<Interval>, String> {
    let mut whole = Interval {
        start: first(),
        end: None,
    };
    for comparator in &requirement.comparators {
        let part = comparator_interval(comparator)?;
        whole.start = whole.start.max(part.start);
        whole.end = match (whole.end, part.end) {
            (Some(left), Some(right)) => Some(left.min(right)),
            (left, right) => left.or(right),
        };
    }
    let is_empty = whole.end.as_ref().is_some_and(|end| *end <= whole.start);
    Ok((!is_empty).then_some(whole))
}

fn comparator_interval(comparator: &Comparator) -> Result<Interval, String> {
    let named = lowest(comparator);
    Ok(match comparator.op {
        Op::GreaterEq => Interval {
            start: named,
            end: None,
        },
        Op::Greater => Interval {
            start: after(&filled(comparator))?,
            end: None,
        },
        Op::Less => Interval {
            start: first(),
            end: Some(named),
        },
        Op::LessEq => Interval {
            start: first(),
            end: Some(after(&filled(comparator))?),
        },
        Op::Exact | Op::Wildcard => Interval {
            start: named,
            end: Some(after(comparator)?),
        },
        Op::Tilde => Interval {
            start: named,
            end: Some(match comparator.minor {
                None => bumped(comparator.major, None, None)?,
                Some(minor) => bumped(comparator.major, Some(minor), None)?,
            }),
        },
        Op::Caret => Interval {
            start: named,
            end: Some(next_breaking(comparator)?),
        },
        other => return Err(format!("comparator `{other:?}` is not known")),
    })
}

fn first() -> Version {
    let mut version = Version::new(0, 0, 0);
    version.pre = lowest_pre();
    version
}

/// The pre-release that comes before any other.
fn lowest_pre() -> Prerelease {
    FIRST
        .split_once('-')
        .and_then(|(_, pre)| Prerelease::new(pre).ok())
        .unwrap_or(Prerelease::EMPTY)
}

/// The lowest version that the comparator's numbers name.
fn lowest(comparator: &Comparator) -> Version {
    Version {
        major: comparator.major,
        minor: comparator.minor.unwrap_or(0),
        patch: comparator.patch.unwrap_or(0),
        pre: comparator.pre.clone(),
        build: BuildMetadata::EMPTY,
    }
}

/// The comparator with zeros for the numbers it leaves out: the RustSec database reads
/// `> 0` as `> 0.0.0`, where Cargo would read `>= 1.0.0`.
fn filled(comparator: &Comparator) -> Comparator {
    Comparator {
        minor: comparator.minor.or(Some(0)),
        patch: comparator.patch.or(Some(0)),
        ..comparator.clone()
    }
}

/// The first version behind everything that the comparator's numbers name.
fn after(comparator: &Comparator) -> Result<Version, String> {
    if comparator.pre.is_empty() {
        return bumped(comparator.major, comparator.minor, comparator.patch);
    }
    let mut version = lowest(comparator);
    version.pre = Prerelease::new(&format!("{}.0", comparator.pre)).map_err(|e| e.to_string())?;
    Ok(version)
}

/// Raises the last number that is there; the result begins with its first pre-release.
fn bumped(major: u64, minor: Option<u64>, patch: Option<u64>) -> Result<Version, String> {
    let raise = |number: u64| number.checked_add(1).ok_or("a version number is too large");
    let mut version = match (minor, patch) {
        (None, _) => Version::new(raise(major)?, 0, 0),
        (Some(minor), None) => Version::new(major, raise(minor)?, 0),
        (Some(minor), Some(patch)) => Version::new(major, minor, raise(patch)?),
    };
    version.pre = lowest_pre();
    Ok(version)
}

/// Where Cargo's caret ends: the leftmost non-zero number is raised.
fn next_breaking(comparator: &Comparator) -> Result<Version, String> {
    match (comparator.major, comparator.minor, comparator.patch) {
        (0, Some(0), patch) => bumped(0, Some(0), patch),
        (0, Some(minor), _) => bumped(0, Some(minor), None),
        (major, _, _) => bumped(major, None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(patched: &[&str], unaffected: &[&str]) -> Vec<String> {
        let own = |texts: &[&str]| {
            texts
                .iter()
                .map(|&text| text.to_owned())
                .collect::<Vec<_>>()
        };
        let range = affected(&own(patched), &own(unaffected)).unwrap();
        range
            .iter()
            .flat_map(AffectedRange::events)
            .map(|event| match event {
                RangeEvent::Introduced(version) => format!("+{version}"),
                RangeEvent::Fixed(version) => format!("-{version}"),
                RangeEvent::LastAffected(_) | RangeEvent::Limit(_) => unreachable!(),
            })
            .collect()
    }

    #[test]
    fn several_patched_intervals_leave_gaps_that_are_affected() {
        assert_eq!(
            events(&[">=1.8.4, <1.9.0", ">=1.13.1"], &["<0.1.14"]),
            ["+0.1.14", "-1.8.4", "+1.9.0", "-1.13.1"]
        );
        assert_eq!(
            events(&["^0.6.4", ">= 0.7.1"], &[]),
            ["+0.0.0-0", "-0.6.4", "+0.7.0-0", "-0.7.1"]
        );
        assert_eq!(events(&[], &[]), ["+0.0.0-0"]);
    }

    #[test]
    fn what_comes_behind_a_version_begins_with_the_next_ones_pre_releases() {
        assert_eq!(events(&["> 0.4.0"], &[]), ["+0.0.0-0", "-0.4.1-0"]);
        assert_eq!(events(&[], &["> 0"]), ["+0.0.0-0", "-0.0.1-0"]);
        assert_eq!(events(&[">= 0.0.4"], &["<= 0.0.3"]), ["+0.0.4-0", "-0.0.4"]);
        assert_eq!(
            events(&[">= 0.2.23"], &["=0.2.0", "= 0.2.1"]),
            [
                "+0.0.0-0", "-0.2.0", "+0.2.1-0", "-0.2.1", "+0.2.2-0", "-0.2.23"
            ]
        );
        assert_eq!(events(&[], &["<= 1.0.0-rc.1"]), ["+1.0.0-rc.1.0"]);
    }

    #[test]
    fn overlapping_and_contradicting_requirements_are_taken_for_what_they_allow() {
        assert!(events(&["*"], &[]).is_empty());
        assert!(events(&[">=0.0.0-0"], &[]).is_empty());
        assert_eq!(
            events(&[">=1.0.0", ">=0.5.0, <2.0.0", ">3.0.0, <2.0.0"], &[]),
            ["+0.0.0-0", "-0.5.0"]
        );
        assert_eq!(events(&["~1.2.3"], &[]), ["+0.0.0-0", "-1.2.3", "+1.3.0-0"]);
        assert_eq!(events(&["^0.0.3"], &[]), ["+0.0.0-0", "-0.0.3", "+0.0.4-0"]);
    }

    #[test]
    fn a_requirement_that_cannot_be_read_is_an_error_and_no_panic() {
        let too_large = format!("^{}", u64::MAX);
        for text in ["banana", "=1.2.3.4", too_large.as_str()] {
            assert!(affected(&[text.to_owned()], &[]).is_err(), "{text}");
        }
    }
}
