//! Says what stands in the way of a fix, by the rules that turned each version away.

use backstitch_model::candidate::{Holder, Obstacle};
use backstitch_model::package::PackageVersion;
use backstitch_model::policy::Bump;

/// What kept the versions that would do from being taken.
#[derive(Default)]
pub(super) struct Refused {
    /// The lowest that policy calls too large a step.
    pub(super) too_large: Option<(String, Bump)>,
    /// A requirement that admits none and cannot be rewritten.
    pub(super) held: Option<Holder>,
    /// Nobody knows where the version is written.
    pub(super) unplaced: bool,
}

impl Refused {
    pub(super) fn obstacle(self, package: &PackageVersion) -> Obstacle {
        if let Some(holder) = self.held {
            return Obstacle::Held {
                holders: vec![holder],
                freed_by: "the requirement is not one that can be raised here".to_owned(),
            };
        }
        if let Some((to, bump)) = self.too_large {
            let step = match bump {
                Bump::Patch => "patch",
                Bump::Compatible => "compatible",
                Bump::Breaking => "breaking",
            };
            return Obstacle::Policy(format!(
                "`bump_max` forbids the {step} step to {to}, which would do"
            ));
        }
        if self.unplaced {
            return Obstacle::Unknown(format!(
                "where the version of `{}` is written was not found, so it cannot be changed",
                package.name
            ));
        }
        Obstacle::NoFixedRelease
    }
}
