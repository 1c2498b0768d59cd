//! Owns which release may be taken: the policy, the Python, and what is never taken. Whether a
//! release *fits* is decided elsewhere.

use backstitch_model::policy::Bump;
use pep440_rs::Version;

use super::catalogue::{Listed, plain};
use super::version::{bump, runs_with};

const DAY_S: i64 = 24 * 60 * 60;

/// What a release must satisfy to be taken.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// The largest step of a package from its locked version.
    pub(super) bump_max: Bump,
    /// The youngest publication taken, in seconds since 1970 UTC.
    pub(super) published_by_s: i64,
    /// A Python that must do, where one is known.
    pub(super) python: Option<Version>,
    /// The packages never moved, normalised.
    pub(super) leave_alone: Vec<String>,
    /// May packages that require the one in question move too?
    pub(super) parents: bool,
    /// May the project's own requirements be raised?
    pub(super) own: bool,
    /// May packages come that are not locked yet? Only the lockfile's own tool can add them.
    pub(super) arrivals: bool,
}

impl Rules {
    /// The moment before which a release must have been published to be `days` old.
    pub(super) fn published_by_s(now_s: i64, days: u32) -> i64 {
        now_s.saturating_sub(i64::from(days).saturating_mul(DAY_S))
    }

    /// May a package go from `locked` to `to`? Never down, and never to a pre-release. One
    /// whose lockfile has hashes goes only to a release whose hashes are known.
    pub(super) fn allow(&self, locked: &Version, to: &Listed, with_hashes: bool) -> bool {
        let release = to.release();
        let has_hashes = || {
            let mut files = release.files.iter();
            !release.files.is_empty() && files.all(|file| file.sha256.is_some())
        };
        to.version > *locked
            && !release.yanked
            && !to.version.any_prerelease()
            && bump(locked, &to.version) <= self.bump_max
            && !self.leaves_alone(to.name())
            && release
                .published_s
                .is_none_or(|published_s| published_s <= self.published_by_s)
            && self
                .python
                .as_ref()
                .is_none_or(|python| runs_with(release.runtime.as_deref(), python))
            && (!with_hashes || has_hashes())
    }

    /// Is the package never moved?
    pub(super) fn leaves_alone(&self, name: &str) -> bool {
        self.leave_alone.contains(&plain(name))
    }
}
