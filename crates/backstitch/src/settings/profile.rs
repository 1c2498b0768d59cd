//! Who is allowed what, in one word: a profile gives several settings other defaults and bounds,
//! and what it bounds no file of a project can loosen.

use anyhow::{Result, ensure};
use backstitch_model::Policy;
use backstitch_model::policy::{Bump, Inputs, Worth};
use serde::Deserialize;

/// How old a release has to be under the strict profile, in days.
const STRICT_AGE_DAYS: u32 = 14;

/// A profile, the loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// For somebody who decides alone.
    #[default]
    Individual,
    /// For teams, where a human has to decide about more.
    Strict,
}

impl Profile {
    /// Its name in settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Individual => "individual",
            Self::Strict => "strict",
        }
    }

    /// What holds where no file says otherwise.
    pub fn standard(self) -> Policy {
        let standard = Policy::default();
        match self {
            Self::Individual => standard,
            Self::Strict => Policy {
                release_age_min_days: STRICT_AGE_DAYS,
                deliver_min: Worth::Proven,
                ..standard
            },
        }
    }

    /// Refuses a policy that is looser than the profile lets it be, with the setting's name.
    pub fn check(self, policy: &Policy) -> Result<()> {
        match self {
            Self::Individual => return Ok(()),
            Self::Strict => {}
        }
        let refused = |setting: &str, allowed: &str| {
            format!("{setting} is looser than the profile \"strict\" allows, which is {allowed}")
        };
        ensure!(
            policy.bump_max <= Bump::Compatible,
            refused("policy.bump_max", "\"compatible\" at most")
        );
        ensure!(
            policy.release_age_min_days >= STRICT_AGE_DAYS,
            refused(
                "policy.release_age_min_days",
                &format!("{STRICT_AGE_DAYS} at least")
            )
        );
        ensure!(
            policy.deliver_min >= Worth::Proven,
            refused("policy.deliver_min", "\"proven\"")
        );
        ensure!(
            policy.inputs >= Inputs::Private,
            refused("policy.inputs", "\"private\"")
        );
        Ok(())
    }

    /// Refuses to run a project's programs without walls, where the profile does.
    pub fn check_unconfined(self) -> Result<()> {
        ensure!(
            self < Self::Strict,
            "the profile \"strict\" runs nothing without the sandbox: leave `--sandbox none` out"
        );
        Ok(())
    }
}
