//! Says whether an advisory affects a version, by the OSV schema's own evaluation
//! (<https://ossf.github.io/osv-schema/#evaluation>).
//!
//! Owns that rule and nothing else. A version or boundary that cannot be compared is
//! never guessed at: the answer is [`Affects::Unclear`], unless a list names the version.

use std::cmp::Ordering;

use backstitch_model::advisory::{AffectedRange, RangeEvent, RangeKind};
use backstitch_model::package::Ecosystem;

use backstitch_model::version::{ParsedVersion, Scheme};

/// The answer to whether a version is affected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Affects {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// A range could not be compared with it, and no list names it.
    Unclear,
}

/// One boundary, borrowed from a record or from the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boundary<'data> {
    /// What happens there.
    pub kind: BoundaryKind,
    /// The version, as written.
    pub version: &'data str,
}

/// What happens at a boundary (OSV `affected[].ranges[].events`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoundaryKind {
    /// From here on it is affected.
    Introduced,
    /// From here on it is not.
    Fixed,
    /// After this one it is not.
    LastAffected,
    /// The range does not speak of this version and those after it.
    Limit,
}

/// A range, borrowed from a record or from the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range<'data> {
    /// How its versions are ordered.
    pub kind: RangeKind,
    /// Its boundaries, in the record's order.
    pub boundaries: Vec<Boundary<'data>>,
}

/// What a record says of one package, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'data> {
    /// Ranges; a version in any of them is affected.
    pub ranges: &'data [Range<'data>],
    /// Versions listed one by one.
    pub versions: &'data [&'data str],
}

impl<'data> From<&'data AffectedRange> for Range<'data> {
    fn from(range: &'data AffectedRange) -> Self {
        Self {
            kind: range.kind(),
            boundaries: range.events().iter().map(Boundary::from).collect(),
        }
    }
}

impl<'data> From<&'data RangeEvent> for Boundary<'data> {
    fn from(event: &'data RangeEvent) -> Self {
        let kind = match event {
            RangeEvent::Introduced(_) => BoundaryKind::Introduced,
            RangeEvent::Fixed(_) => BoundaryKind::Fixed,
            RangeEvent::LastAffected(_) => BoundaryKind::LastAffected,
            RangeEvent::Limit(_) => BoundaryKind::Limit,
        };
        Self {
            kind,
            version: event.version(),
        }
    }
}

/// Evaluates what a record says of a package for one of its versions.
pub fn affects(statement: Statement<'_>, ecosystem: &Ecosystem, version: &str) -> Affects {
    if statement.versions.contains(&version) {
        return Affects::Yes;
    }
    let mut answer = Affects::No;
    for range in statement.ranges {
        match range_affects(range, ecosystem, version) {
            Affects::Yes => return Affects::Yes,
            Affects::Unclear => answer = Affects::Unclear,
            Affects::No => {}
        }
    }
    if lists(statement.versions, ecosystem, version) {
        return Affects::Yes;
    }
    answer
}

/// Is the version in the list under another spelling, such as `1.0` for `1.0.0` in Python?
fn lists(versions: &[&str], ecosystem: &Ecosystem, version: &str) -> bool {
    let Some(scheme) = Scheme::of_ecosystem(ecosystem) else {
        return false;
    };
    let Some(version) = scheme.parse(version) else {
        return false;
    };
    versions
        .iter()
        .filter_map(|listed| scheme.parse(listed))
        .any(|listed| listed.compare(&version) == Some(Ordering::Equal))
}

fn range_affects(range: &Range<'_>, ecosystem: &Ecosystem, version: &str) -> Affects {
    if range.kind == RangeKind::Git {
        // Commits say nothing of released versions; the record's list does.
        return Affects::No;
    }
    match compare_all(range, ecosystem, version) {
        None => Affects::Unclear,
        Some(compared) => {
            if is_inside(compared) {
                Affects::Yes
            } else {
                Affects::No
            }
        }
    }
}

/// A boundary with its version read; `None` stands for "before every version".
type Compared = (BoundaryKind, Option<ParsedVersion>, Ordering);

/// Compares the version with every boundary: the last part says how the *version*
/// stands to the boundary. `None` where one of them cannot be read.
fn compare_all(range: &Range<'_>, ecosystem: &Ecosystem, version: &str) -> Option<Vec<Compared>> {
    let scheme = Scheme::of(range.kind, ecosystem)?;
    let version = scheme.parse(version)?;
    range
        .boundaries
        .iter()
        .map(|boundary| match (boundary.kind, boundary.version) {
            (BoundaryKind::Introduced, "0") => Some((boundary.kind, None, Ordering::Greater)),
            (BoundaryKind::Limit, "*") => Some((boundary.kind, None, Ordering::Less)),
            (kind, text) => {
                let at = scheme.parse(text)?;
                let order = version.compare(&at)?;
                Some((kind, Some(at), order))
            }
        })
        .collect()
}

/// `IncludedInRanges` for one range whose boundaries were compared.
fn is_inside(mut compared: Vec<Compared>) -> bool {
    if !is_before_limits(&compared) {
        return false;
    }
    compared.sort_by(by_version);
    let mut inside = false;
    for (kind, _, order) in &compared {
        match kind {
            BoundaryKind::Introduced if order.is_ge() => inside = true,
            BoundaryKind::Fixed if order.is_ge() => inside = false,
            BoundaryKind::LastAffected if order.is_gt() => inside = false,
            BoundaryKind::Introduced
            | BoundaryKind::Fixed
            | BoundaryKind::LastAffected
            | BoundaryKind::Limit => {}
        }
    }
    inside
}

/// `BeforeLimits`: without a limit everything is; with several, one is enough.
fn is_before_limits(compared: &[Compared]) -> bool {
    let mut limits = compared
        .iter()
        .filter(|(kind, _, _)| *kind == BoundaryKind::Limit)
        .peekable();
    limits.peek().is_none() || limits.any(|(_, _, order)| order.is_lt())
}

/// Sorts by version. The schema does not order boundaries at the same version: the last
/// affected one comes after the rest, since it ends *behind* that version; others stay
/// in the record's order.
fn by_version(left: &Compared, right: &Compared) -> Ordering {
    let order = match (&left.1, &right.1) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(left), Some(right)) => left.compare(right).unwrap_or(Ordering::Equal),
    };
    let ends_behind = |compared: &Compared| compared.0 == BoundaryKind::LastAffected;
    order.then_with(|| ends_behind(left).cmp(&ends_behind(right)))
}

#[cfg(test)]
mod tests;
