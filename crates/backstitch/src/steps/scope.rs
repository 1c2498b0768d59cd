//! The Scope rung for a candidate of the loop's own: what an upgrade may touch, what policy allows,
//! and, where an engine adapts the project's code to it, the rules for a change of any source.

use std::collections::BTreeSet;

use backstitch_model::candidate::{Origin, Upgrade};
use backstitch_model::package::PackageVersion;
use backstitch_model::project::Source;
use backstitch_model::{Change, CheckRun, LockFormat, Outcome, Project, RelPath};
use backstitch_verify::scope;
use backstitch_verify::scope::source::{self as rules, About, FileKind, Role};

use super::apply::Ground;
use super::propose::Proposal;
use super::{Changed, Steps, Underway};
use crate::story::ChangedFile;

/// What the rules for source say of an engine's edits.
struct Told {
    objections: Vec<String>,
    notes: Vec<String>,
}

impl Steps {
    /// Does the change touch only what it said, and only what may be touched?
    pub(super) fn scope(
        &self,
        underway: &Underway,
        ground: Ground<'_>,
        proposal: &Proposal,
        changed: &Changed,
    ) -> CheckRun {
        let Change::Upgrade(upgrade) = &proposal.candidate.change;
        let (code, rest) = parted(upgrade, ground.project, &changed.files);
        let mut run = scope::scope(upgrade, &rest, ground.project, &changed.project);
        let shared = upgrade.edits.iter().filter_map(|edit| {
            let (manifest, lockfile) = underway.shared_manifests.get_key_value(&edit.manifest)?;
            Some(if ground.project.format == LockFormat::Requirements {
                format!("`{manifest}` is included by `{lockfile}` too, and changes with that")
            } else {
                format!("`{manifest}` is also locked by `{lockfile}`, which would no longer fit it")
            })
        });
        let mut objections: Vec<_> = shared.collect();
        if let Origin::Engine { name, words } = &proposal.candidate.origin {
            let told = code_of(&code);
            run.notes
                .push(format!("proposed by engine `{name}`: “{words}”"));
            run.notes.extend(told.notes);
            objections.extend(told.objections);
        }
        objections.extend(self.against_policy(ground.project, &changed.project));
        if run.outcome == Outcome::Passed && !objections.is_empty() {
            run.outcome = Outcome::Failed(objections.join("; "));
        }
        run
    }

    /// What arrived, planned or brought along by cargo, and policy does not allow.
    fn against_policy(&self, before: &Project, after: &Project) -> Vec<String> {
        let known: BTreeSet<_> = before.graph.packages().iter().map(|one| &one.id).collect();
        let arrived = after.graph.packages().iter().filter(|package| {
            package.source == Source::PublicRegistry && !known.contains(&package.id)
        });
        arrived
            .filter_map(|package| self.objection(before, &package.id))
            .collect()
    }

    fn objection(&self, before: &Project, arrived: &PackageVersion) -> Option<String> {
        let alone = self.policy.leave_alone.contains(&arrived.name);
        if alone && before.graph.named(&arrived.name).next().is_some() {
            return Some(format!("{arrived} came along, and is to be left alone"));
        }
        let releases = self
            .releases
            .of(before.format)
            .releases(&arrived.name)
            .ok()?;
        let release = releases
            .iter()
            .find(|release| release.version == arrived.version)?;
        if release.yanked {
            return Some(format!(
                "{arrived} came along, and was withdrawn by the registry"
            ));
        }
        let days = i64::from(self.policy.release_age_min_days);
        let age_s = self.journal.started_at_s() - release.published_s?;
        (age_s < days * 24 * 3600)
            .then(|| format!("{arrived} came along, and was released less than {days} days ago"))
    }
}

/// The changed files that are the project's own code, and the paths of all others. An edit makes
/// neither a manifest nor a lockfile into code.
fn parted<'files>(
    upgrade: &Upgrade,
    before: &Project,
    files: &'files [ChangedFile],
) -> (Vec<&'files ChangedFile>, BTreeSet<RelPath>) {
    let is_locked = |path: &RelPath| {
        LockFormat::of(path).is_some()
            || before.manifests.iter().any(|one| one.path == *path)
            || upgrade.edits.iter().any(|edit| edit.manifest == *path)
    };
    let is_code = |file: &&ChangedFile| {
        let mut rewrites = upgrade.rewrites.iter();
        !is_locked(&file.path) && rewrites.any(|edit| edit.path == file.path)
    };
    let (code, rest): (Vec<_>, Vec<_>) = files.iter().partition(is_code);
    (code, rest.iter().map(|file| file.path.clone()).collect())
}

/// Judges an engine's edits as any change of source, and more strictly: what only a human could
/// decide is objected to, since none is asked, and what tests, builds or describes the project is
/// not an engine's to alter.
fn code_of(code: &[&ChangedFile]) -> Told {
    let file = |text: &str| {
        Some(rules::File {
            bytes: text.as_bytes().to_vec(),
            kind: FileKind::Plain,
        })
    };
    let changes: Vec<_> = code
        .iter()
        .map(|changed| rules::Changed {
            path: changed.path.clone(),
            before: changed.before.as_deref().and_then(file),
            after: file(&changed.after),
        })
        .collect();
    let judged = rules::judge(&changes, &About::default());
    let mut objections = Vec::new();
    match judged.run.outcome {
        Outcome::Failed(why) | Outcome::Differs(why) => objections.push(why),
        Outcome::Passed | Outcome::TimedOut | Outcome::NotRun(_) => {}
    }
    let paths = code.iter().map(|changed| &changed.path);
    let not_code = paths.filter(|path| !is_for_engines(path));
    let others: BTreeSet<&RelPath> = judged.relay.iter().chain(not_code).collect();
    objections.extend(others.into_iter().map(|path| {
        format!("`{path}` tests, builds or describes the project, and is not an engine's to change")
    }));
    Told {
        objections,
        notes: judged.run.notes,
    }
}

/// Is a file the program's own code, as far as its path tells?
fn is_for_engines(path: &RelPath) -> bool {
    match rules::role(path, None) {
        Role::Source | Role::Aside | Role::Documents | Role::Other => true,
        Role::Test
        | Role::TestData
        | Role::Harness
        | Role::Ci
        | Role::Build
        | Role::Manifest
        | Role::Lockfile
        | Role::Generated
        | Role::Vendored
        | Role::ToolSettings
        | Role::OwnSettings => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str, before: &str, after: &str) -> Vec<String> {
        let changed = ChangedFile {
            path: RelPath::new(path).unwrap(),
            before: Some(before.into()),
            after: after.into(),
        };
        code_of(&[&changed]).objections
    }

    #[test]
    fn an_engine_may_change_code_and_nothing_that_measures_or_describes_it() {
        let code = "pub fn f(n: u32) -> u32 {\n    n + 1\n}\n";
        let tests = "#[cfg(test)]\nmod tests {\n    #[test]\n    fn t() {\n        \
                     assert_eq!(super::f(3), 4);\n    }\n}\n";
        let before = format!("{code}{tests}");
        let mended = before.replace("n + 1", "n.saturating_add(1)");
        assert_eq!(told("src/lib.rs", &before, &mended), [""; 0]);
        // A test inside the code cannot be taken from the untouched tree, and nobody is asked.
        let weaker = mended.replace("f(3), 4", "f(3), 5");
        let objections = told("src/lib.rs", &before, &weaker);
        assert!(!objections.is_empty());
        for (path, before, after) in [
            ("tools/package.json", "{\"a\": 1}\n", "{\"a\": 2}\n"),
            ("setup.cfg", "[a]\nb = 1\n", "[a]\nb = 2\n"),
            ("build.rs", "fn main() {}\n", "fn main() { go(); }\n"),
            ("tests/t.rs", "fn a() {}\n", "fn b() {}\n"),
        ] {
            let objections = told(path, before, after);
            assert!(
                objections.iter().any(|why| why.contains(path)),
                "{path}: {objections:?}"
            );
        }
    }
}
