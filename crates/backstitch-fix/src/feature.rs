//! Owns what features turn on, by Cargo's rules
//! (<https://doc.rust-lang.org/cargo/reference/features.html>). Knows no graph.

use std::collections::{BTreeMap, BTreeSet};

/// The features asked of a package.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) default: bool,
    pub(crate) features: BTreeSet<String>,
}

/// What the asked features come to.
#[derive(Debug, Clone, Default)]
pub(crate) struct TurnedOn {
    /// The keys of optional dependencies that are on.
    pub(crate) dependencies: BTreeSet<String>,
    /// The features passed on, by the dependency's key.
    pub(crate) passed_on: BTreeMap<String, BTreeSet<String>>,
}

/// Follows `asked` through a package's feature table. A name that is no feature is an
/// optional dependency's key: so it was before `dep:`, and so it is without one.
pub(crate) fn turned_on(table: &BTreeMap<String, Vec<String>>, asked: &Asked) -> TurnedOn {
    let mut on = TurnedOn::default();
    let mut seen = BTreeSet::new();
    let mut stack: Vec<&str> = asked.features.iter().map(String::as_str).collect();
    stack.extend(asked.default.then_some("default"));
    while let Some(name) = stack.pop() {
        if !seen.insert(name) {
            continue;
        }
        if let Some(entries) = table.get(name) {
            stack.extend(
                entries
                    .iter()
                    .filter_map(|entry| follow_entry(entry, &mut on)),
            );
        } else {
            on.dependencies.insert(name.to_owned());
        }
    }
    on
}

/// Notes what one entry turns on; returns the feature it names, where it names one.
fn follow_entry<'table>(entry: &'table str, on: &mut TurnedOn) -> Option<&'table str> {
    if let Some(key) = entry.strip_prefix("dep:") {
        on.dependencies.insert(key.to_owned());
        return None;
    }
    let Some((key, feature)) = entry.split_once('/') else {
        return Some(entry);
    };
    let weak = key.strip_suffix('?');
    if weak.is_none() {
        on.dependencies.insert(key.to_owned());
    }
    on.passed_on
        .entry(weak.unwrap_or(key).to_owned())
        .or_default()
        .insert(feature.to_owned());
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_reach_optional_dependencies_by_every_road() {
        let table = BTreeMap::from([
            ("default".to_owned(), vec!["net".to_owned()]),
            (
                "net".to_owned(),
                vec![
                    "dep:mio".to_owned(),
                    "socket".to_owned(),
                    "libc/extra".to_owned(),
                ],
            ),
            ("weak".to_owned(), vec!["serde?/derive".to_owned()]),
        ]);
        let asked = Asked {
            default: true,
            features: BTreeSet::from(["weak".to_owned()]),
        };
        let on = turned_on(&table, &asked);
        assert_eq!(
            on.dependencies
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
            ["libc", "mio", "socket"]
        );
        assert!(on.passed_on["serde"].contains("derive"));
        assert!(turned_on(&table, &Asked::default()).dependencies.is_empty());
    }
}
