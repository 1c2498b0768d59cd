//! Reads what a `Gemfile` or a `composer.json` requires, as far as it takes to tell whether a
//! version will do and to write one that admits it.
//!
//! Formats: <https://guides.rubygems.org/patterns/#declaring-dependencies>,
//! <https://getcomposer.org/doc/articles/versions.md>.

use std::cmp::Ordering;

use backstitch_model::package::Ecosystem;
use backstitch_model::version::Scheme;

use super::version::numbers;

/// How many parts a requirement may have.
const PARTS_MAX: usize = 64;

/// The operators, longer ones first.
const OPERATORS: [&str; 10] = ["~>", ">=", "<=", "!=", "==", ">", "<", "=", "^", "~"];

/// Does a requirement admit a version? `None` where it is not understood.
pub(super) fn admits(ecosystem: &Ecosystem, requirement: &str, version: &str) -> Option<bool> {
    let alternatives: Vec<&str> = match ecosystem {
        Ecosystem::Packagist => requirement
            .split('|')
            .filter(|one| !one.is_empty())
            .collect(),
        _ => vec![requirement],
    };
    if alternatives.len() > PARTS_MAX {
        return None;
    }
    let mut answer = Some(false);
    for alternative in alternatives {
        match all_admit(ecosystem, alternative, version) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => answer = None,
        }
    }
    answer
}

/// The requirement that admits `to`, in the manner of the one that is there; `None` where that
/// is more than one version with an operator.
pub(super) fn raised(requirement: &str, to: &str) -> Option<String> {
    let trimmed = requirement.trim();
    let operator = OPERATORS.into_iter().find(|one| trimmed.starts_with(one));
    let rest = &trimmed[operator.map_or(0, str::len)..];
    let space = &rest[..rest.len() - rest.trim_start().len()];
    let is_version = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let version = rest.trim_start();
    if version.is_empty() || !version.chars().all(is_version) {
        return None;
    }
    match operator.unwrap_or_default() {
        operator @ ("" | "=" | "==" | "^" | "~" | "~>" | ">=") => {
            Some(format!("{operator}{space}{}", to.trim_start_matches('v')))
        }
        _ => None,
    }
}

fn all_admit(ecosystem: &Ecosystem, parts: &str, version: &str) -> Option<bool> {
    let parts = parts.trim();
    if let Some((low, high)) = parts.split_once(" - ") {
        let low = admits_one(ecosystem, ">=", low.trim(), version)?;
        // A high end with fewer than three numbers stands for all that begin with it.
        let high = high.trim();
        let high = if high.split('.').count() < 3 {
            admits_one(
                ecosystem,
                "<",
                &next_after(high, high.split('.').count()),
                version,
            )?
        } else {
            admits_one(ecosystem, "<=", high, version)?
        };
        return Some(low && high);
    }
    let mut words = parts.split([',', ' ']).filter(|word| !word.is_empty());
    let mut all = true;
    for _ in 0..PARTS_MAX {
        let Some(word) = words.next() else {
            return Some(all);
        };
        let operator = OPERATORS.into_iter().find(|one| word.starts_with(one));
        let operator = operator.unwrap_or_default();
        let mut wanted = &word[operator.len()..];
        if wanted.is_empty() {
            wanted = words.next()?;
        }
        // A stability after `@` says which releases may be looked at, and bounds nothing.
        let wanted = wanted.split('@').next().unwrap_or(wanted);
        all &= admits_one(ecosystem, operator, wanted, version)?;
    }
    None
}

fn admits_one(ecosystem: &Ecosystem, operator: &str, wanted: &str, version: &str) -> Option<bool> {
    if wanted == "*" && operator.is_empty() {
        return Some(true);
    }
    let scheme = Scheme::of_ecosystem(ecosystem)?;
    let at = |text: &str| scheme.parse(version)?.compare(&scheme.parse(text)?);
    if let Some(stem) = wanted.strip_suffix(".*").filter(|_| operator.is_empty()) {
        let count = stem.split('.').count();
        return Some(at(stem)?.is_ge() && at(&next_after(stem, count))?.is_lt());
    }
    let below = |end: String| Some(at(wanted)?.is_ge() && at(&end)?.is_lt());
    let count = wanted.trim_start_matches('v').split('.').count();
    Some(match operator {
        "" | "=" | "==" => at(wanted)?.is_eq(),
        "!=" => at(wanted)?.is_ne(),
        ">" => at(wanted)?.is_gt(),
        ">=" => at(wanted)?.is_ge(),
        "<" => at(wanted)?.is_lt(),
        "<=" => at(wanted)? != Ordering::Greater,
        "~>" | "~" => return below(next_after(wanted, count.saturating_sub(1).max(1))),
        "^" => {
            let zeros = numbers(wanted)
                .iter()
                .take_while(|number| **number == 0)
                .count();
            return below(next_after(wanted, (zeros + 1).min(count)));
        }
        _ => return None,
    })
}

/// The version after all that begin with the first `count` numbers.
fn next_after(version: &str, count: usize) -> String {
    let numbers = numbers(version);
    let mut kept: Vec<u64> = numbers.into_iter().take(count).collect();
    if let Some(last) = kept.last_mut() {
        *last = last.saturating_add(1);
    }
    let texts: Vec<String> = kept.iter().map(ToString::to_string).collect();
    texts.join(".")
}
