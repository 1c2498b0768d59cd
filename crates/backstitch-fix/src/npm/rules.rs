//! Owns which release may be taken: the policy, the runtime, and what is never taken.
//! Knows no graph: whether a release *fits* is decided elsewhere.

use backstitch_model::policy::Bump;
use nodejs_semver::Version as NodeVersion;
use semver::Version;

use super::catalogue::KnownRelease;
use super::range::Spec;
use crate::plan::Planner;
use crate::version::{bump, is_later};

const DAY_S: i64 = 24 * 60 * 60;

/// What a release must satisfy to be taken.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// The largest step of a package from its locked version.
    pub(super) bump_max: Bump,
    /// The youngest publication taken, in seconds since 1970 UTC.
    pub(super) published_by_s: i64,
    /// The node that must do, where it is known.
    pub(super) node: Option<NodeVersion>,
    /// The packages never moved.
    pub(super) leave_alone: Vec<String>,
}

impl Rules {
    pub(super) fn of(planner: &Planner<'_>) -> Self {
        let policy = planner.policy;
        let age_s = i64::from(policy.release_age_min_days).saturating_mul(DAY_S);
        let node = planner.rustc.map(|text| text.trim_start_matches('v'));
        Self {
            bump_max: policy.bump_max,
            published_by_s: planner.now_s.saturating_sub(age_s),
            node: node.and_then(|text| NodeVersion::parse(text).ok()),
            leave_alone: policy.leave_alone.clone(),
        }
    }

    /// May the package called `name` go from `locked` to `release`? Never down. A
    /// pre-release only from a pre-release.
    pub(super) fn allows(&self, name: &str, locked: &Version, release: &KnownRelease) -> bool {
        is_later(&release.version, locked)
            && (release.version.pre.is_empty() || !locked.pre.is_empty())
            && bump(locked, &release.version) <= self.bump_max
            && !self.leave_alone.iter().any(|left| left == name)
            && self.takes(release)
    }

    /// May the release come in where none was before? One that does not say when it was
    /// published is believed.
    pub(super) fn takes(&self, release: &KnownRelease) -> bool {
        let listed = release.listed();
        let is_old_enough = |published_s| published_s <= self.published_by_s;
        !listed.yanked && listed.published_s.is_none_or(is_old_enough) && self.runs_here(release)
    }

    /// A release's word on the runtime counts where both are known.
    fn runs_here(&self, release: &KnownRelease) -> bool {
        let (Some(node), Some(asked)) = (&self.node, &release.listed().runtime) else {
            return true;
        };
        match Spec::parse(asked) {
            Spec::Range(range) => range.satisfies(node),
            Spec::Any | Spec::Elsewhere => true,
        }
    }
}
