//! The plain words that every report shares.

use std::collections::BTreeSet;
use std::time::Duration;

use backstitch_engine::{Money, Spend};
use backstitch_model::finding::{Class, Compiled, FindingKind, Reach, VulnerableDependency};
use backstitch_model::weakness::Weakness;
use backstitch_model::{Candidate, Change, Finding, Record};

use crate::judge::Added;
use crate::mend::Tried;
use crate::story::{Mending, Story};
use crate::wire;

/// The dependency a finding is about.
pub fn dependency(finding: &Finding) -> &VulnerableDependency {
    let FindingKind::VulnerableDependency(dependency) = &finding.kind;
    dependency
}

/// A finding in a line.
pub fn finding(finding: &Finding) -> String {
    format!("{} has {}", dependency(finding).package, main_id(finding))
}

/// The id people will look for.
pub fn main_id(finding: &Finding) -> String {
    dependency(finding)
        .main_id()
        .map_or_else(|| "yanked".into(), ToString::to_string)
}

/// The severity in a word or two.
pub fn severity(finding: &Finding) -> String {
    match &finding.severity {
        None => "not stated".into(),
        Some(severity) => {
            let level = format!("{:?}", severity.level).to_lowercase();
            match severity.score_tenths {
                Some(tenths) => format!("{level} {}.{}", tenths / 10, tenths % 10),
                None => level,
            }
        }
    }
}

/// How a dependency got in, in one line.
pub fn reach(reach: &Reach) -> String {
    let direct = if reach.direct { "direct" } else { "transitive" };
    let compiled = match &reach.compiled {
        Compiled::Yes => "compiled".to_owned(),
        Compiled::OtherPlatform => "compiled on another platform only".to_owned(),
        Compiled::OptIn => "compiled only with a feature that is off".to_owned(),
        Compiled::Unknown(why) => format!("whether it is compiled is not known: {why}"),
    };
    format!(
        "{direct}, {} dependency, {compiled}",
        wire::kind_name(reach.kind)
    )
}

/// The chain of packages from the project to the dependency.
pub fn chain(reach: &Reach) -> String {
    let names: Vec<_> = reach.path.iter().map(ToString::to_string).collect();
    names.join(" → ")
}

/// What a candidate does, in one line.
pub fn change(candidate: &Candidate) -> String {
    let Change::Upgrade(upgrade) = &candidate.change;
    let edits = upgrade.edits.iter().map(|edit| {
        let before = if edit.from.is_empty() {
            "new".to_owned()
        } else {
            format!("was {}", edit.from)
        };
        format!(
            "{} requires {} {} ({before})",
            edit.manifest, edit.key, edit.to
        )
    });
    let moves = upgrade.moves.iter().map(ToString::to_string);
    let adapted = candidate.engine().map(|engine| {
        let files: BTreeSet<_> = upgrade.rewrites.iter().map(|edit| &edit.path).collect();
        let files: Vec<_> = files.into_iter().map(ToString::to_string).collect();
        format!("{} adapted by engine {engine}", files.join(" and "))
    });
    let parts: Vec<_> = moves.chain(edits).chain(adapted).collect();
    if parts.is_empty() {
        "every package to its newest compatible release".into()
    } else {
        parts.join(", ")
    }
}

/// How a candidate goes about it.
pub fn strategy(candidate: &Candidate) -> String {
    let Change::Upgrade(upgrade) = &candidate.change;
    upgrade.strategy.to_string()
}

/// What became of a finding, in one line.
pub fn outcome(record: &Record) -> String {
    if let Some(attempt) = record.settled_by() {
        return format!(
            "{}: {}",
            attempt.evidence.verdict(),
            change(&attempt.candidate)
        );
    }
    match (record.verdict(), &record.obstacle) {
        (None, None) => match dependency(&record.finding).class {
            Class::Vulnerability => "not tried".into(),
            Class::Notice(_) | Class::Yanked => "notice".into(),
        },
        (None, Some(obstacle)) => format!("no fix: {obstacle}"),
        (Some(verdict), None) => verdict.to_string(),
        (Some(verdict), Some(obstacle)) => format!("{verdict}; {obstacle}"),
    }
}

/// What a proposal for the project's own code does, in one line.
pub fn proposal(tried: &Tried) -> String {
    let put_back = &tried.judged.put_back;
    let files: BTreeSet<_> = tried.edits.iter().map(|edit| &edit.path).collect();
    let files = files.into_iter().filter(|path| !put_back.contains(path));
    let files: Vec<_> = files.map(ToString::to_string).collect();
    let changed = format!("{} changed by engine {}", files.join(" and "), tried.engine);
    match (&tried.addition, &tried.judged.addition) {
        (Some(test), Some(Added::Kept)) => format!("{changed}, with the test {}", test.path),
        (Some(test), Some(Added::Dropped(why))) => {
            format!("{changed}; its test {} is left out: {why}", test.path)
        }
        (None, _) | (_, None) => changed,
    }
}

/// Where a weakness is, in one line.
pub fn place(weakness: &Weakness) -> String {
    match (&weakness.location, weakness.line) {
        (Some(location), Some(line)) => format!("{location}:{line}"),
        (Some(location), None) => location.to_string(),
        (None, _) => "not known".into(),
    }
}

/// What became of a weakness of the project's own code, in one line.
pub fn mending(mending: &Mending) -> String {
    match (mending.why_left(), mending.mended.settled_by()) {
        (Some(why), _) => format!("needs a human: {why}"),
        (None, Some(tried)) => {
            format!("{}: {}", tried.judged.evidence.verdict(), proposal(tried))
        }
        (None, None) => "not tried".into(),
    }
}

/// What a question to an engine was about.
pub fn asked_about(story: &Story, ask: &wire::Ask) -> String {
    let mut records = story.records.iter();
    let record = records.find(|record| record.finding.id.0 == ask.finding);
    let mut weaknesses = story.weaknesses.iter().map(|mending| &mending.weakness);
    let weakness = weaknesses.find(|weakness| weakness.id.0 == ask.finding);
    match (record, weakness) {
        (Some(record), _) => main_id(&record.finding),
        (None, Some(weakness)) => weakness.rule.clone(),
        (None, None) => ask.finding.clone(),
    }
}

/// What asking an engine cost.
pub fn spent(ask: &wire::Ask) -> String {
    told_spent(ask.spent())
}

/// What asking engines cost altogether.
pub fn spent_on_all(asks: &[wire::Ask]) -> String {
    let all = asks.iter().map(wire::Ask::spent);
    told_spent(all.fold(Spend::default(), Spend::plus))
}

fn told_spent(spent: Spend) -> String {
    let money = if spent.money == Money::default() {
        String::new()
    } else {
        format!("cost {}, ", spent.money)
    };
    format!("{money}{} tokens, {}", spent.tokens, elapsed(spent.wall))
}

/// A duration for people.
pub fn elapsed(elapsed: Duration) -> String {
    match elapsed.as_secs() {
        0 => format!("{} ms", elapsed.as_millis()),
        1..=9 => format!("{:.1} s", elapsed.as_secs_f64()),
        seconds @ 10..=119 => format!("{seconds} s"),
        seconds => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}
