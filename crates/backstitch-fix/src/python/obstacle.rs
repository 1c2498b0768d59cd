//! Says what stands in the way: tries again with one rule lifted after another, and names what
//! would then be done. What it finds is told, never proposed.

use backstitch_model::candidate::{Holder, Obstacle};
use backstitch_model::package::PackageVersion;
use backstitch_model::policy::Bump;
use backstitch_model::project::{Node, Source};

use super::catalogue::Listed;
use super::plan::{PackagePlanner, is_breaking};
use super::rules::Rules;
use super::search::{Moved, Search};

/// Why the package's findings cannot all be settled under the rules in force.
pub(super) fn explain(planner: &PackagePlanner<'_, '_>) -> Obstacle {
    if let Some(obstacle) = unknown(planner) {
        return obstacle;
    }
    let Some((node, fixed)) = first_fixed(planner) else {
        return Obstacle::NoFixedRelease;
    };
    let Some(rules) = planner.rules().pop() else {
        return Obstacle::NoFixedRelease;
    };
    lifted(planner, &rules).unwrap_or_else(|| held(planner, &rules, node, &fixed))
}

/// What does not come from the index is never moved; a package whose releases are not known
/// cannot be.
fn unknown(planner: &PackagePlanner<'_, '_>) -> Option<Obstacle> {
    let locked = planner.locked;
    if let Some(&node) = planner.fixed.first() {
        let package = locked.project.graph.package(node);
        let whence = match &package.source {
            Source::Local => "a folder".to_owned(),
            Source::PublicRegistry => "PyPI, in a version that cannot be compared".to_owned(),
            Source::OtherRegistry(address) => address.clone(),
            Source::Git(address) => format!("the repository {address}"),
        };
        return Some(Obstacle::Unknown(format!(
            "`{}` comes from {whence}, and such packages are not moved",
            package.id
        )));
    }
    if planner.goal.nodes.is_empty() {
        let why = format!("`{}` is not in the lockfile", planner.name);
        return Some(Obstacle::Unknown(why));
    }
    locked.catalogue.package(&planner.name);
    let failure = locked.catalogue.failure(&planner.name)?;
    Some(Obstacle::Unknown(failure.to_string()))
}

/// The lowest release that is free of the advisories, whatever rules say.
fn first_fixed(planner: &PackagePlanner<'_, '_>) -> Option<(Node, Listed)> {
    let locked = planner.locked;
    planner.goal.nodes.iter().find_map(|&node| {
        let later = locked.catalogue.package(&planner.name);
        let later = later.later(locked.version(node)?);
        let is_fixed = |release: &Listed| {
            let version = &release.release().version;
            !release.release().yanked
                && !release.version.any_prerelease()
                && locked
                    .catalogue
                    .vulnerabilities(&planner.name, version)
                    .is_empty()
        };
        Some((node, later.into_iter().find(is_fixed)?))
    })
}

/// What would do if one rule, or at last every rule, were lifted.
fn lifted(planner: &PackagePlanner<'_, '_>, rules: &Rules) -> Option<Obstacle> {
    let search = |rules: Rules| {
        let search = Search {
            locked: planner.locked,
            rules: &Rules {
                parents: true,
                own: true,
                ..rules
            },
        };
        search.run(&planner.goal, 1).pop()
    };
    // What no rule forbids stands in a text that cannot be written.
    if search(rules.clone()).is_some() {
        return None;
    }
    let base = || rules.clone();
    let young = Rules {
        published_by_s: i64::MAX,
        ..base()
    };
    if let Some(moved) = search(young) {
        let days = planner.planner.policy.release_age_min_days;
        return Some(Obstacle::Policy(format!(
            "releases younger than {days} days are not taken; {}",
            would_do(planner, &moved)
        )));
    }
    let any_step = Rules {
        bump_max: Bump::Breaking,
        ..base()
    };
    if let Some(moved) = search(any_step) {
        let steps = if is_breaking(planner.locked, &moved) {
            "breaking"
        } else {
            "more than patch"
        };
        return Some(Obstacle::Policy(format!(
            "{steps} steps are not allowed; {}",
            would_do(planner, &moved)
        )));
    }
    let nothing_alone = Rules {
        leave_alone: Vec::new(),
        bump_max: Bump::Breaking,
        ..base()
    };
    if let Some(moved) = search(nothing_alone) {
        let names: Vec<_> = rules
            .leave_alone
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        return Some(Obstacle::Policy(format!(
            "{} left alone; {}",
            names.join(", "),
            would_do(planner, &moved)
        )));
    }
    let any_python = Rules {
        python: None,
        bump_max: Bump::Breaking,
        ..base()
    };
    let moved = search(any_python)?;
    let python = rules.python.as_ref().map(ToString::to_string);
    Some(Obstacle::Unknown(format!(
        "no release that runs with Python {} is free of the advisory; with a later one, {}",
        python.unwrap_or_default(),
        would_do(planner, &moved)
    )))
}

/// What a solution does, in words.
fn would_do(planner: &PackagePlanner<'_, '_>, moved: &Moved) -> String {
    let graph = &planner.locked.project.graph;
    let steps: Vec<_> = moved
        .iter()
        .map(|(&node, to)| format!("moving `{}` to {}", graph.package(node).id, to.version))
        .collect();
    format!("{} would free it", steps.join(" and "))
}

/// Who requires the package so that no good release will do.
fn held(planner: &PackagePlanner<'_, '_>, rules: &Rules, node: Node, fixed: &Listed) -> Obstacle {
    let locked = planner.locked;
    let search = Search { locked, rules };
    let graph = &locked.project.graph;
    let holds = search.holds(&Moved::new(), node, &fixed.version);
    let by_project = holds.iter().any(|hold| hold.holder.is_none());
    let holders: Vec<_> = holds
        .into_iter()
        .map(|hold| Holder {
            package: hold.holder.map_or_else(
                || own_package(planner),
                |holder| graph.package(holder).id.clone(),
            ),
            requirement: hold.requirement,
        })
        .collect();
    let (name, to) = (&planner.name, &fixed.version);
    if holders.is_empty() {
        return Obstacle::Unknown(format!(
            "`{name}` {to} is free of the advisory, but it requires packages that are not locked, \
             or in versions that do not fit the others; lock the project anew with its own tool"
        ));
    }
    Obstacle::Held {
        holders,
        freed_by: if by_project {
            format!(
                "raising the project's own requirement to admit {to} and locking anew would free it"
            )
        } else {
            format!("no release of theirs that may be taken lets `{name}` go to {to}")
        },
    }
}

fn own_package(planner: &PackagePlanner<'_, '_>) -> PackageVersion {
    let packages = planner.locked.project.graph.packages();
    packages.first().map_or_else(
        || PackageVersion {
            ecosystem: backstitch_model::package::Ecosystem::PyPi,
            name: planner.planner.project.lockfile.to_string(),
            version: String::new(),
        },
        |package| package.id.clone(),
    )
}
