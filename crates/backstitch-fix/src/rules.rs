//! Owns which release may be taken: the policy, the compiler, and what is never taken.
//! Knows no graph: whether a release *fits* is decided elsewhere.

use backstitch_model::policy::Bump;
use semver::{Version, VersionReq};

use crate::catalogue::{KnownRelease, Package};
use crate::version::{bump, is_later, rust_version};

const DAY_S: i64 = 24 * 60 * 60;

/// What a release must satisfy to be taken.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// The largest step of a package from its locked version.
    pub(crate) bump_max: Bump,
    /// The youngest publication taken, in seconds since 1970 UTC.
    pub(crate) published_by_s: i64,
    /// The oldest compiler that must do, where one is known.
    pub(crate) rust: Option<Version>,
    /// The compiler that Cargo prefers releases for, where one is known.
    pub(crate) rust_preferred: Option<Version>,
    /// The packages never moved.
    pub(crate) leave_alone: Vec<String>,
}

impl Rules {
    /// The moment before which a release must have been published to be `days` old.
    pub(crate) fn published_by_s(now_s: i64, days: u32) -> i64 {
        now_s.saturating_sub(i64::from(days).saturating_mul(DAY_S))
    }

    /// May `release` be taken where no release of the package was before?
    pub(crate) fn takes(&self, release: &KnownRelease) -> bool {
        let listed = release.listed();
        !listed.yanked
            && release.version.pre.is_empty()
            && is_old_enough(release, self.published_by_s)
            && builds_with(release, self.rust.as_ref())
            && release.needs().is_some()
    }

    /// May the package called `name` go from `locked` to `release`? Never down. A
    /// pre-release only from a pre-release.
    pub(crate) fn allows_move(&self, name: &str, locked: &Version, release: &KnownRelease) -> bool {
        let listed = release.listed();
        !listed.yanked
            && is_later(&release.version, locked)
            && (release.version.pre.is_empty() || !locked.pre.is_empty())
            && bump(locked, &release.version) <= self.bump_max
            && !self.leaves_alone(name)
            && is_old_enough(release, self.published_by_s)
            && builds_with(release, self.rust.as_ref())
            && release.needs().is_some()
    }

    /// Is the package never moved?
    pub(crate) fn leaves_alone(&self, name: &str) -> bool {
        self.leave_alone.iter().any(|left| left == name)
    }
}

/// Was it published by then? A registry that does not say is believed.
fn is_old_enough(release: &KnownRelease, published_by_s: i64) -> bool {
    release
        .listed()
        .published_s
        .is_none_or(|published_s| published_s <= published_by_s)
}

/// The releases that a requirement admits, in the order in which Cargo tries them: those
/// that the preferred compiler builds, newest first, then the others
/// (<https://doc.rust-lang.org/cargo/reference/resolver.html#rust-version>).
pub(crate) fn in_order_of_choice<'package>(
    package: &'package Package,
    requirement: &'package VersionReq,
    rust: Option<&'package Version>,
) -> impl Iterator<Item = usize> + 'package {
    let admitted = move |builds: bool| {
        (0..package.releases.len()).rev().filter(move |&index| {
            let release = &package.releases[index];
            !release.listed().yanked
                && requirement.matches(&release.version)
                && builds_with(release, rust) == builds
        })
    };
    admitted(true).chain(admitted(false))
}

/// Does it build with `rust`, as far as both are known?
pub(crate) fn builds_with(release: &KnownRelease, rust: Option<&Version>) -> bool {
    let needed = release.listed().rust_version.as_deref();
    match (rust, needed.and_then(rust_version)) {
        (Some(rust), Some(needed)) => needed <= *rust,
        (None, _) | (_, None) => true,
    }
}
