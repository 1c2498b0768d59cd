//! The last rung: what else changes with an upgrade? Pure: it is given what was read of the
//! packages of both trees, and runs nothing.
//!
//! Most of it is told and not judged: a licence, a requirement on the compiler, a public name that
//! is gone. What runs when a package is installed is judged: a new script of that kind is not
//! taken without a human.

use std::collections::{BTreeMap, BTreeSet};

use backstitch_model::package::PackageVersion;
use backstitch_model::project::{DependencyGraph, Source};
use backstitch_model::{Check, CheckRun, Outcome};

/// The most packages whose releases are compared.
pub const PACKAGES_MAX: usize = 100;
/// How many names one note lists.
const LISTED_MAX: usize = 8;

/// What is known of one release of a package.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// What runs when it is installed, where anything does.
    pub install_script: Option<String>,
    /// Does a program of its own run when it is built?
    pub build_script: bool,
    /// Its licence, as it states it.
    pub licence: Option<String>,
    /// What it requires of the compiler or the interpreter.
    pub runtime: Option<String>,
    /// The names it offers, where they are known.
    pub exports: Option<BTreeSet<String>>,
}

/// A package of which some releases went and others came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The releases that are no longer locked.
    pub gone: Vec<PackageVersion>,
    /// Those that are now.
    pub come: Vec<PackageVersion>,
}

/// The packages that differ between two locked graphs, by name.
pub fn moved(before: &DependencyGraph, after: &DependencyGraph) -> BTreeMap<String, Moved> {
    let published = |graph: &DependencyGraph| -> BTreeSet<PackageVersion> {
        graph
            .packages()
            .iter()
            .filter(|package| package.source == Source::PublicRegistry)
            .map(|package| package.id.clone())
            .collect()
    };
    let (before, after) = (published(before), published(after));
    let mut all = BTreeMap::<String, Moved>::new();
    let empty = || Moved {
        gone: Vec::new(),
        come: Vec::new(),
    };
    for gone in before.difference(&after) {
        let entry = all.entry(gone.name.clone()).or_insert_with(empty);
        entry.gone.push(gone.clone());
    }
    for come in after.difference(&before) {
        let entry = all.entry(come.name.clone()).or_insert_with(empty);
        entry.come.push(come.clone());
    }
    all
}

/// Compares what is known of the releases that went and of those that came.
pub fn compare(
    moved: &BTreeMap<String, Moved>,
    facts: &BTreeMap<PackageVersion, Facts>,
) -> CheckRun {
    let mut comparison = Comparison::default();
    for (name, moved) in moved {
        comparison.package(name, moved, facts);
    }
    let known = moved
        .values()
        .flat_map(|moved| &moved.come)
        .any(|package| facts.contains_key(package));
    let outcome = if !comparison.objections.is_empty() {
        let told = comparison.objections.join("; ");
        Outcome::Failed(format!("a human has to decide: {told}"))
    } else if known || moved.values().all(|moved| moved.come.is_empty()) {
        Outcome::Passed
    } else {
        Outcome::NotRun("nothing is known of the releases that came".into())
    };
    CheckRun {
        notes: comparison.notes,
        ..CheckRun::instant(Check::Compare, outcome)
    }
}

#[derive(Default)]
struct Comparison {
    notes: Vec<String>,
    objections: Vec<String>,
}

impl Comparison {
    fn package(&mut self, name: &str, moved: &Moved, facts: &BTreeMap<PackageVersion, Facts>) {
        match (moved.gone.is_empty(), moved.come.is_empty()) {
            (true, _) => self.notes.push(format!("new dependency: `{name}`")),
            (false, true) => self.notes.push(format!("dependency gone: `{name}`")),
            (false, false) => {}
        }
        let before: Vec<&Facts> = moved.gone.iter().filter_map(|id| facts.get(id)).collect();
        for package in &moved.come {
            if let Some(after) = facts.get(package) {
                self.scripts(package, &before, after, moved.gone.is_empty());
                // The nearest of several releases that went is the highest.
                if let Some(before) = before.last() {
                    self.terms(package, before, after);
                    self.names(package, before, after);
                }
            }
        }
    }

    fn scripts(&mut self, package: &PackageVersion, before: &[&Facts], after: &Facts, new: bool) {
        let had_script = before.iter().any(|facts| facts.install_script.is_some());
        // Of a release that went and is not known, nobody can say that it had none.
        let is_known = new || !before.is_empty();
        if let Some(script) = &after.install_script
            && !had_script
            && is_known
        {
            self.objections.push(format!(
                "{package} runs `{}` when it is installed, and nothing did before",
                script.escape_debug()
            ));
        }
        if after.build_script && is_known && !before.iter().any(|facts| facts.build_script) {
            self.notes
                .push(format!("{package} has a build script, and had none"));
        }
    }

    fn terms(&mut self, package: &PackageVersion, before: &Facts, after: &Facts) {
        let told = |text: &Option<String>| {
            text.as_ref().map_or_else(
                || "not stated".to_owned(),
                |text| text.escape_debug().to_string(),
            )
        };
        for (what, before, after) in [
            ("licence", &before.licence, &after.licence),
            ("what it requires to run", &before.runtime, &after.runtime),
        ] {
            if before != after {
                self.notes.push(format!(
                    "{package}: {what} was {} and is {}",
                    told(before),
                    told(after)
                ));
            }
        }
    }

    fn names(&mut self, package: &PackageVersion, before: &Facts, after: &Facts) {
        let (Some(before), Some(after)) = (&before.exports, &after.exports) else {
            return;
        };
        let gone: Vec<&str> = before.difference(after).map(String::as_str).collect();
        if gone.is_empty() {
            return;
        }
        let shown = gone[..gone.len().min(LISTED_MAX)].join(", ");
        let more = match gone.len().saturating_sub(LISTED_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        self.notes.push(format!(
            "{package} no longer declares these public names: {shown}{more}"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backstitch_model::package::Ecosystem;

    fn package(name: &str, version: &str) -> PackageVersion {
        PackageVersion {
            ecosystem: Ecosystem::Npm,
            name: name.into(),
            version: version.into(),
        }
    }

    fn upgrade(before: Facts, after: Facts) -> CheckRun {
        let (old, new) = (package("a", "1.0.0"), package("a", "1.0.1"));
        let moved = Moved {
            gone: vec![old.clone()],
            come: vec![new.clone()],
        };
        compare(
            &BTreeMap::from([("a".to_owned(), moved)]),
            &BTreeMap::from([(old, before), (new, after)]),
        )
    }

    fn script(text: &str) -> Facts {
        Facts {
            install_script: Some(text.into()),
            ..Facts::default()
        }
    }

    #[test]
    fn a_script_that_is_new_needs_a_human_and_one_that_was_there_does_not() {
        let run = upgrade(Facts::default(), script("node setup.js"));
        let Outcome::Failed(why) = &run.outcome else {
            panic!("{run:?}")
        };
        assert!(
            why.contains("node setup.js") && why.contains("human"),
            "{why}"
        );
        let run = upgrade(script("node setup.js"), script("node install.js"));
        assert_eq!(run.outcome, Outcome::Passed);
    }

    #[test]
    fn a_new_dependency_with_a_script_needs_a_human_too() {
        let new = package("b", "1.0.0");
        let moved = Moved {
            gone: Vec::new(),
            come: vec![new.clone()],
        };
        let run = compare(
            &BTreeMap::from([("b".to_owned(), moved)]),
            &BTreeMap::from([(new, script("sh x"))]),
        );
        assert!(matches!(run.outcome, Outcome::Failed(_)));
        assert!(run.notes[0].contains("new dependency: `b`"));
    }

    #[test]
    fn what_else_changes_is_told_and_nothing_is_said_of_what_nobody_knows() {
        let before = Facts {
            licence: Some("MIT".into()),
            exports: Some(["kept", "dropped"].map(str::to_owned).into()),
            ..Facts::default()
        };
        let after = Facts {
            licence: Some("GPL-3.0".into()),
            build_script: true,
            exports: Some(["kept"].map(str::to_owned).into()),
            ..Facts::default()
        };
        let notes = upgrade(before, after).notes.join("\n");
        for wanted in ["build script", "MIT", "GPL-3.0", "names: dropped"] {
            assert!(notes.contains(wanted), "{wanted}: {notes}");
        }
        let moved = Moved {
            gone: vec![package("a", "1.0.0")],
            come: vec![package("a", "1.0.1")],
        };
        let run = compare(&BTreeMap::from([("a".to_owned(), moved)]), &BTreeMap::new());
        assert!(matches!(run.outcome, Outcome::NotRun(_)));
    }
}
