//! A second wall, where the kernel has Landlock: even if a mount turned out writable, only the
//! places meant for writing are; and no abstract socket or signal leaves the sandbox.

use landlock::{
    ABI, Access as _, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, Scope,
};
use nix::errno::Errno;

use super::{During, Refusal};
use crate::sandbox::job::Access;
use crate::sandbox::wire::{Spec, Step};
use crate::sandbox::{HOME_INSIDE, SCRATCH_INSIDE};

/// The newest set of rights used here; the kernel keeps those of them that it knows.
const RIGHTS: ABI = ABI::V6;

/// Restricts the process, as far as the kernel can.
pub(super) fn raise(spec: &Spec) -> Result<(), Refusal> {
    restrict(spec)
        .map_err(|_| Errno::EINVAL)
        .during(Step::Privileges, "restrict file access")
}

fn restrict(spec: &Spec) -> Result<(), landlock::RulesetError> {
    let everything = AccessFs::from_all(RIGHTS);
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(everything)?
        .scope(Scope::from_all(RIGHTS))?
        .create()?;
    // Files in /proc and devices are written to by their kind; they have rights of their own.
    let reading = AccessFs::from_read(RIGHTS);
    let existing = reading | AccessFs::WriteFile | AccessFs::Truncate | AccessFs::IoctlDev;
    for (path, rights) in [("/", reading), ("/proc", existing), ("/dev", existing)] {
        if let Ok(opened) = PathFd::new(path) {
            ruleset = ruleset.add_rule(PathBeneath::new(opened, rights))?;
        }
    }
    for path in writable(spec) {
        if let Ok(opened) = PathFd::new(path) {
            ruleset = ruleset.add_rule(PathBeneath::new(opened, everything))?;
        }
    }
    ruleset.restrict_self().map(drop)
}

fn writable(spec: &Spec) -> impl Iterator<Item = &std::path::Path> {
    let scratch = SCRATCH_INSIDE.iter().map(std::path::Path::new);
    let mounts = spec.mounts.iter().filter_map(|mount| match mount.access {
        Access::ReadOnly => None,
        Access::ReadWrite | Access::Overlay { .. } => Some(mount.inside.as_path()),
    });
    scratch
        .chain([std::path::Path::new(HOME_INSIDE)])
        .chain(mounts)
}
