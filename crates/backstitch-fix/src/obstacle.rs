//! Says what stands in the way: tries again with one rule lifted after another, and
//! names what would then be done. What it finds is told, never proposed.

use backstitch_model::candidate::{Holder, Obstacle, Strategy};
use backstitch_model::policy::Bump;
use backstitch_model::project::Node;

use crate::catalogue::KnownRelease;
use crate::goal::Goal;
use crate::locked::Locked;
use crate::package_plan::PackagePlanner;
use crate::rules::Rules;
use crate::search::{Search, Solution};

/// Why the package's findings cannot all be settled under the rules in force.
pub(crate) fn explain(planner: &PackagePlanner<'_, '_>) -> Obstacle {
    let locked = planner.locked;
    let goal = planner.goal();
    if let Some(obstacle) = unknown(planner, &goal) {
        return obstacle;
    }
    let package = locked.catalogue.package(&goal.name);
    let fixed = package
        .releases
        .iter()
        .find(|release| is_fixed(locked, &goal, release));
    let Some(fixed) = fixed else {
        return Obstacle::NoFixedRelease;
    };
    let Some(rules) = planner.rules().pop() else {
        return Obstacle::NoFixedRelease;
    };
    lifted(planner, &goal, &rules).unwrap_or_else(|| Obstacle::Held {
        holders: holders(locked, &goal),
        freed_by: format!(
            "no release of theirs that may be taken lets `{}` go to {}",
            goal.name, fixed.version
        ),
    })
}

/// Packages that are not the public registry's are never moved; a package whose releases
/// are not known cannot be.
fn unknown(planner: &PackagePlanner<'_, '_>, goal: &Goal) -> Option<Obstacle> {
    let locked = planner.locked;
    if let Some(&node) = planner.fixed.first() {
        let package = locked.project.graph.package(node);
        return Some(Obstacle::Unknown(format!(
            "`{}` does not come from the public registry ({}), and such packages are not moved",
            package.id,
            source(&package.source)
        )));
    }
    if goal.nodes.is_empty() {
        let why = format!("`{}` is not in the lockfile", goal.name);
        return Some(Obstacle::Unknown(why));
    }
    locked.catalogue.package(&goal.name);
    let failure = locked.catalogue.failure(&goal.name)?;
    Some(Obstacle::Unknown(failure.to_string()))
}

fn source(source: &backstitch_model::project::Source) -> String {
    use backstitch_model::project::Source;
    match source {
        Source::Local => "a folder".to_owned(),
        Source::PublicRegistry => "the public registry".to_owned(),
        Source::OtherRegistry(address) => format!("the registry {address}"),
        Source::Git(address) => format!("the repository {address}"),
    }
}

/// Is the release later than a package of the goal, and free of its advisories?
fn is_fixed(locked: &Locked<'_>, goal: &Goal, release: &KnownRelease) -> bool {
    let is_later = |node: &Node| {
        locked
            .version(*node)
            .is_some_and(|version| crate::version::is_later(&release.version, version))
    };
    !release.listed().yanked
        && goal.nodes.iter().any(is_later)
        && goal.is_met_by(&locked.catalogue, release)
}

/// What would do if one rule, or at last every rule, were lifted.
fn lifted(planner: &PackagePlanner<'_, '_>, goal: &Goal, rules: &Rules) -> Option<Obstacle> {
    let locked = planner.locked;
    let search = |rules: &Rules, strategy| {
        let search = Search::new(locked, rules, goal, strategy);
        search.run(1, |_| true).pop()
    };
    let young = Rules {
        published_by_s: i64::MAX,
        ..rules.clone()
    };
    if let Some(solution) = search(&young, Strategy::Requirement) {
        return Some(Obstacle::Policy(format!(
            "releases younger than {} days are not taken; {}",
            planner.planner.policy.release_age_min_days,
            would_do(locked, &solution)
        )));
    }
    let any_bump = Rules {
        bump_max: Bump::Breaking,
        ..rules.clone()
    };
    if rules.bump_max < Bump::Breaking
        && let Some(solution) = search(&any_bump, Strategy::Breaking)
    {
        return Some(Obstacle::Policy(format!(
            "{} steps are not allowed; {}",
            forbidden(rules.bump_max, solution.strategy),
            would_do(locked, &solution)
        )));
    }
    let nothing_alone = Rules {
        leave_alone: Vec::new(),
        ..rules.clone()
    };
    if let Some(solution) = search(&nothing_alone, Strategy::Breaking) {
        return Some(Obstacle::Policy(format!(
            "{} left alone; {}",
            quoted(&rules.leave_alone),
            would_do(locked, &solution)
        )));
    }
    let any_compiler = Rules {
        rust: None,
        ..rules.clone()
    };
    let solution = search(&any_compiler, Strategy::Breaking)?;
    Some(Obstacle::Held {
        holders: holders(locked, goal),
        freed_by: format!("with a later compiler, {}", would_do(locked, &solution)),
    })
}

fn forbidden(bump_max: Bump, strategy: Strategy) -> &'static str {
    match (bump_max, strategy) {
        (Bump::Patch, Strategy::Lockfile | Strategy::Parent | Strategy::Requirement) => {
            "more than patch"
        }
        (Bump::Patch | Bump::Compatible | Bump::Breaking, _) => "breaking",
    }
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    let verb = if quoted.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", quoted.join(", "))
}

/// What a solution does, in words.
fn would_do(locked: &Locked<'_>, solution: &Solution) -> String {
    let edits = solution.state.edits.iter().map(|(&id, edit)| {
        let place = locked.declarations.place(id);
        format!(
            "raising `{}` from `{}` to `{}` in `{}`",
            place.key, place.text, edit.text, locked.project.manifests[place.manifest].path
        )
    });
    let edits: Vec<_> = edits.collect();
    if !edits.is_empty() {
        return format!("{} would free it", edits.join(" and "));
    }
    let moves = solution.state.moved.iter().map(|(&node, &index)| {
        let package = locked.package(node);
        format!(
            "moving `{}` to {}",
            locked.project.graph.package(node).id,
            package.releases[index].version
        )
    });
    let moves: Vec<_> = moves.collect();
    format!("{} would free it", moves.join(" and "))
}

/// Who requires the goal's packages so that no good release will do; everybody who
/// requires them, where it is not the requirement.
fn holders(locked: &Locked<'_>, goal: &Goal) -> Vec<Holder> {
    let package = locked.catalogue.package(&goal.name);
    let mut all = Vec::new();
    for &node in &goal.nodes {
        for &parent in locked.project.graph.parents(node) {
            let needs = locked.needs_between(parent, node);
            for (need, _) in needs.iter().flat_map(|needs| needs.iter()) {
                let admits = package.releases.iter().any(|release| {
                    need.version.matches(&release.version) && is_fixed(locked, goal, release)
                });
                let holder = Holder {
                    package: locked.project.graph.package(parent).id.clone(),
                    requirement: format!("{} {}", goal.name, need.text),
                };
                all.push((admits, holder));
            }
        }
    }
    let holding = all.iter().any(|(admits, _)| !admits);
    let mut holders: Vec<_> = all
        .into_iter()
        .filter(|(admits, _)| !holding || !admits)
        .map(|(_, holder)| holder)
        .collect();
    holders.dedup();
    holders
}
