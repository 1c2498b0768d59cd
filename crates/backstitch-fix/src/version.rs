//! Owns Cargo's order of versions: compatibility, the size of a step, compiler versions.
//! Knows no package and no registry.

use backstitch_model::policy::Bump;
use semver::Version;

/// What Cargo calls compatible: two releases of one package with equal classes replace
/// each other, and a lockfile holds at most one of them
/// (<https://doc.rust-lang.org/cargo/reference/resolver.html#semver-compatibility>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Class {
    /// `0.0.z`.
    Patch(u64),
    /// `0.y`.
    Minor(u64),
    /// `x`.
    Major(u64),
}

/// The compatibility class of `version`.
pub(crate) fn class(version: &Version) -> Class {
    match (version.major, version.minor) {
        (0, 0) => Class::Patch(version.patch),
        (0, minor) => Class::Minor(minor),
        (major, _) => Class::Major(major),
    }
}

/// How large the step between two versions is.
pub(crate) fn bump(from: &Version, to: &Version) -> Bump {
    if class(from) != class(to) {
        Bump::Breaking
    } else if (from.major, from.minor) == (to.major, to.minor) {
        Bump::Patch
    } else {
        Bump::Compatible
    }
}

/// Is `later` really later? Build metadata does not count.
pub(crate) fn is_later(later: &Version, earlier: &Version) -> bool {
    later.cmp_precedence(earlier).is_gt()
}

/// Reads a compiler version, where `1.56` and `1.95.0-nightly` are as good as three numbers.
pub(crate) fn rust_version(text: &str) -> Option<Version> {
    let numbers = text.trim().split(['-', '+', ' ']).next()?;
    let mut parts = numbers.split('.').map(str::parse::<u64>);
    let major = parts.next()?.ok()?;
    let minor = parts.next().unwrap_or(Ok(0)).ok()?;
    let patch = parts.next().unwrap_or(Ok(0)).ok()?;
    Some(Version::new(major, minor, patch))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(from: &str, to: &str) -> Bump {
        bump(&from.parse().unwrap(), &to.parse().unwrap())
    }

    #[test]
    fn the_leftmost_number_that_is_not_zero_decides_what_is_compatible() {
        assert_eq!(step("1.2.3", "1.2.4"), Bump::Patch);
        assert_eq!(step("1.2.3", "1.3.0"), Bump::Compatible);
        assert_eq!(step("1.2.3", "2.0.0"), Bump::Breaking);
        assert_eq!(step("0.3.1", "0.3.9"), Bump::Patch);
        assert_eq!(step("0.3.1", "0.4.0"), Bump::Breaking);
        assert_eq!(step("0.0.1", "0.0.2"), Bump::Breaking);
    }

    #[test]
    fn a_compiler_version_may_be_short_or_have_a_channel() {
        assert_eq!(rust_version("1.56"), Some(Version::new(1, 56, 0)));
        assert_eq!(rust_version("1.95.0-nightly"), Some(Version::new(1, 95, 0)));
        assert_eq!(rust_version("stable"), None);
    }
}
