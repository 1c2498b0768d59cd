//! On which machines a package of a `uv.lock` is asked for at all, by the markers on the way to it
//! from the project: uv writes each on the dependency that has it
//! (<https://docs.astral.sh/uv/concepts/projects/layout/#the-lockfile>). Lexical: whether a marker
//! holds, pip says.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

/// How many ways to a package are told apart, and how many markers one may have; past either it
/// is asked for everywhere.
const WAYS_MAX: usize = 4;
const MARKERS_MAX: usize = 4;
/// How often all dependencies are gone through; what is not settled then is asked for everywhere.
const ROUNDS_MAX: usize = 64;
/// How many dependencies a lockfile may have for any of this to be looked at.
const EDGES_MAX: usize = 100_000;

/// Markers that all have to hold.
type Way = BTreeSet<String>;

/// When a package is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum When {
    Always,
    /// Where all of one of these holds; never, where there is none.
    Where(BTreeSet<Way>),
}

/// The marker of each package that is not asked for everywhere, by its place in `packages`. One
/// that nothing asks for has none.
pub(super) fn of(packages: &[&Table]) -> BTreeMap<usize, String> {
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, package) in packages.iter().enumerate() {
        if let Some(name) = package.get("name").and_then(Value::as_str) {
            places.entry(name).or_default().push(place);
        }
    }
    let edges: Vec<Vec<(usize, Option<&str>)>> = packages
        .iter()
        .map(|package| edges(package, packages, &places))
        .collect();
    if edges.iter().map(Vec::len).sum::<usize>() > EDGES_MAX {
        return BTreeMap::new();
    }
    let root = |package: &&Table| {
        let source = package.get("source").and_then(Value::as_table);
        !source.is_some_and(|source| source.contains_key("registry"))
    };
    let mut when: Vec<When> = packages
        .iter()
        .map(|package| {
            if root(package) {
                When::Always
            } else {
                When::Where(BTreeSet::new())
            }
        })
        .collect();
    let mut settled = false;
    for _ in 0..ROUNDS_MAX {
        settled = true;
        for (from, edges) in edges.iter().enumerate() {
            for (to, marker) in edges {
                let reached = when[from].and(*marker);
                let both = when[*to].clone().or(reached);
                if both != when[*to] {
                    when[*to] = both;
                    settled = false;
                }
            }
        }
        if settled {
            break;
        }
    }
    if !settled {
        return BTreeMap::new();
    }
    let told = when.iter().enumerate();
    told.filter_map(|(place, when)| Some((place, when.marker()?)))
        .collect()
}

/// What a package asks for, its extras and groups included.
fn edges<'lock>(
    package: &'lock Table,
    packages: &[&Table],
    places: &BTreeMap<&str, Vec<usize>>,
) -> Vec<(usize, Option<&'lock str>)> {
    let grouped = ["optional-dependencies", "dev-dependencies"]
        .into_iter()
        .filter_map(|key| package.get(key)?.as_table())
        .flat_map(Table::values);
    let lists = package.get("dependencies").into_iter().chain(grouped);
    let mut found = Vec::new();
    for one in lists.filter_map(Value::as_array).flatten() {
        let text = |key: &str| one.get(key).and_then(Value::as_str);
        let Some(places) = text("name").and_then(|name| places.get(name)) else {
            continue;
        };
        let meant = |place: &&usize| {
            let version = packages[**place].get("version").and_then(Value::as_str);
            text("version").is_none_or(|wanted| version == Some(wanted))
        };
        // Which extras are asked for is not followed, and a marker that speaks of them not told.
        let marker = text("marker").filter(|marker| !marker.contains("extra"));
        found.extend(places.iter().filter(meant).map(|place| (*place, marker)));
    }
    found
}

impl When {
    fn and(&self, marker: Option<&str>) -> Self {
        let Some(marker) = marker else {
            return self.clone();
        };
        let with = |way: &Way| {
            let mut way = way.clone();
            way.insert(marker.to_owned());
            way
        };
        match self {
            Self::Always => Self::Where(BTreeSet::from([with(&Way::new())])),
            Self::Where(ways) => Self::Where(ways.iter().map(with).collect()).bounded(),
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Always, _) | (_, Self::Always) => Self::Always,
            (Self::Where(ways), Self::Where(others)) => {
                let all: BTreeSet<Way> = ways.into_iter().chain(others).collect();
                let is_least =
                    |way: &&Way| !all.iter().any(|one| one != *way && one.is_subset(way));
                let least = all.iter().filter(is_least).cloned().collect();
                Self::Where(least).bounded()
            }
        }
    }

    fn bounded(self) -> Self {
        match self {
            Self::Where(ways)
                if ways.len() > WAYS_MAX || ways.iter().any(|way| way.len() > MARKERS_MAX) =>
            {
                Self::Always
            }
            bounded => bounded,
        }
    }

    fn marker(&self) -> Option<String> {
        let Self::Where(ways) = self else {
            return None;
        };
        let way = |way: &Way| {
            let all: Vec<_> = way.iter().map(|marker| format!("({marker})")).collect();
            format!("({})", all.join(" and "))
        };
        let any: Vec<_> = ways.iter().map(way).collect();
        (!any.is_empty()).then(|| any.join(" or "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn markers(text: &str) -> Vec<(String, String)> {
        let table: Table = toml::from_str(text).unwrap();
        let packages: Vec<&Table> = table["package"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one.as_table().unwrap())
            .collect();
        let name = |place: usize| packages[place]["name"].as_str().unwrap().to_owned();
        of(&packages)
            .into_iter()
            .map(|(place, marker)| (name(place), marker))
            .collect()
    }

    const REGISTRY: &str = "source = { registry = \"https://pypi.org/simple\" }";

    #[test]
    fn what_is_asked_for_on_some_machines_only_brings_what_it_needs_on_those_only() {
        let new = "python_full_version >= '3.12'";
        let text = format!(
            "[[package]]\nname = \"app\"\nsource = {{ editable = \".\" }}\n\
             dependencies = [{{ name = \"both\" }}, {{ name = \"win\", marker = \"os_name == 'nt'\" }}]\n\
             [package.dev-dependencies]\nci = [{{ name = \"tool\", marker = \"{new}\" }}]\n\
             [[package]]\nname = \"both\"\n{REGISTRY}\ndependencies = [{{ name = \"win\" }}]\n\
             [[package]]\nname = \"win\"\n{REGISTRY}\n\
             [[package]]\nname = \"tool\"\n{REGISTRY}\ndependencies = [{{ name = \"deep\" }}, {{ name = \"both\" }}]\n\
             [[package]]\nname = \"deep\"\n{REGISTRY}\n\
             dependencies = [{{ name = \"tool\" }}, {{ name = \"odd\", marker = \"extra == 'x'\" }}]\n\
             [[package]]\nname = \"odd\"\n{REGISTRY}\n[[package]]\nname = \"alone\"\n{REGISTRY}\n"
        );
        let only = format!("(({new}))");
        assert_eq!(
            markers(&text),
            ["tool", "deep", "odd"].map(|name| (name.to_owned(), only.clone()))
        );
    }

    #[test]
    fn ways_without_end_are_no_condition() {
        let mut text = "[[package]]\nname = \"app\"\nsource = { virtual = \".\" }\n\
                        dependencies = ["
            .to_owned();
        for number in 0..9 {
            text.push_str(&format!(
                "{{ name = \"x\", marker = \"m == '{number}'\" }},"
            ));
        }
        text.push_str(&format!("]\n[[package]]\nname = \"x\"\n{REGISTRY}\n"));
        assert_eq!(markers(&text), []);
    }
}
