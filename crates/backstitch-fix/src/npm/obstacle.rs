//! Says what stands in the way: tries again with one rule lifted after another, and names
//! what would then be done. What it finds is told, never proposed.

use backstitch_model::candidate::{Holder, Obstacle, Strategy};
use backstitch_model::policy::Bump;
use backstitch_model::project::{Node, Source};

use super::locked::{Locked, Place};
use super::package_plan::PackagePlanner;
use super::rules::Rules;
use super::search::{Search, Way};

/// How many holders are named.
const HOLDERS_MAX: usize = 8;

/// Why findings on these packages are left.
pub(super) fn explain(planner: &PackagePlanner<'_, '_>, left: &[Node]) -> Obstacle {
    let locked = planner.locked;
    if let Some(obstacle) = left.iter().find_map(|&node| unmovable(locked, node)) {
        return obstacle;
    }
    let package = locked.catalogue.package(planner.name);
    if let Some(failure) = locked.catalogue.failure(planner.name) {
        return Obstacle::Unknown(failure.to_string());
    }
    let any = Rules {
        bump_max: Bump::Breaking,
        published_by_s: i64::MAX,
        node: None,
        leave_alone: Vec::new(),
    };
    let is_stuck = |node: &&Node| {
        search(locked, &any, Strategy::Breaking)
            .good(**node, &package)
            .next()
            .is_none()
    };
    if left.iter().any(|node| is_stuck(&node)) {
        return Obstacle::NoFixedRelease;
    }
    let rules = Rules::of(planner.planner);
    lifted(planner, &rules, left).unwrap_or_else(|| Obstacle::Held {
        holders: holders(locked, left),
        freed_by: format!(
            "no release of theirs that may be taken lets `{}` go to one that would do",
            planner.name
        ),
    })
}

fn search<'search, 'given>(
    locked: &'search Locked<'given>,
    rules: &'search Rules,
    strategy_max: Strategy,
) -> Search<'search, 'given> {
    Search {
        locked,
        rules,
        strategy_max,
        left_max: 0,
    }
}

/// A package of another source, or inside another's archive, is never moved.
fn unmovable(locked: &Locked<'_>, node: Node) -> Option<Obstacle> {
    let about = locked.about(node);
    if about.installation.bundled {
        let parents = locked.parents(node).iter();
        let around: Vec<_> = parents
            .filter(|parent| !locked.about(**parent).installation.bundled)
            .take(HOLDERS_MAX)
            .map(|&parent| format!("`{}`", locked.about(parent).id))
            .collect();
        let inside = if around.is_empty() {
            "another package".to_owned()
        } else {
            around.join(", ")
        };
        return Some(Obstacle::Unknown(format!(
            "a copy of `{}` comes inside the archive of {inside}, and only a release of that with \
             another copy would change it",
            about.id
        )));
    }
    let place = match &about.source {
        Source::PublicRegistry => return None,
        Source::Local => "a folder".to_owned(),
        Source::OtherRegistry(address) => format!("`{address}`"),
        Source::Git(address) => format!("the repository `{address}`"),
    };
    Some(Obstacle::Unknown(format!(
        "`{}` does not come from the public registry ({place}), and such packages are not moved",
        about.id
    )))
}

/// What would do if one rule, or at last every rule, were lifted.
fn lifted(planner: &PackagePlanner<'_, '_>, rules: &Rules, left: &[Node]) -> Option<Obstacle> {
    let locked = planner.locked;
    let way = |rules: &Rules| -> Option<Way> {
        let search = search(locked, rules, Strategy::Breaking);
        left.iter().find_map(|&node| {
            let direct = search.direct(node, 1).pop();
            direct
                .or_else(|| search.through_holders(node))
                .or_else(|| search.overriding(node))
        })
    };
    let young = Rules {
        published_by_s: i64::MAX,
        ..rules.clone()
    };
    if let Some(way) = way(&young) {
        let days = planner.planner.policy.release_age_min_days;
        return Some(Obstacle::Policy(format!(
            "releases younger than {days} days are not taken; {}",
            would_do(locked, &way)
        )));
    }
    let any_bump = Rules {
        bump_max: Bump::Breaking,
        ..rules.clone()
    };
    if rules.bump_max < Bump::Breaking
        && let Some(way) = way(&any_bump)
    {
        return Some(Obstacle::Policy(format!(
            "breaking steps are not allowed; {}",
            would_do(locked, &way)
        )));
    }
    let nothing_alone = Rules {
        leave_alone: Vec::new(),
        ..rules.clone()
    };
    if let Some(way) = way(&nothing_alone) {
        return Some(Obstacle::Policy(format!(
            "`{}` left alone; {}",
            rules.leave_alone.join("`, `"),
            would_do(locked, &way)
        )));
    }
    let any_node = Rules {
        node: None,
        bump_max: Bump::Breaking,
        ..rules.clone()
    };
    let way = way(&any_node)?;
    Some(Obstacle::Held {
        holders: holders(locked, left),
        freed_by: format!("with a later node, {}", would_do(locked, &way)),
    })
}

/// What a way does, in words.
fn would_do(locked: &Locked<'_>, way: &Way) -> String {
    let texts: Vec<_> = way
        .texts
        .iter()
        .map(|(what, to)| match &what.place {
            Place::Override(path) => format!("an override, `{}` to `{to}`,", path.join(" > ")),
            Place::Manifest(index, key) => format!(
                "raising `{key}` from `{}` to `{to}` in `{}`",
                what.from, locked.project.manifests[*index].path
            ),
            Place::Release => format!("`{to}`"),
        })
        .collect();
    if !texts.is_empty() {
        return format!("{} would free it", texts.join(" and "));
    }
    let moves: Vec<_> = way
        .moves
        .iter()
        .map(|(&node, &index)| {
            let to = &locked.package(node).releases[index].version;
            format!("moving `{}` to {to}", locked.about(node).id)
        })
        .collect();
    format!("{} would free it", moves.join(" and "))
}

fn holders(locked: &Locked<'_>, left: &[Node]) -> Vec<Holder> {
    let mut holders = Vec::new();
    for &node in left {
        for &parent in locked.parents(node) {
            for (need, _) in locked.needs(parent, node).into_iter().flatten() {
                holders.push(Holder {
                    package: locked.about(parent).id.clone(),
                    requirement: format!("{} {}", need.package, need.text),
                });
            }
        }
    }
    holders.truncate(HOLDERS_MAX);
    holders
}
