//! The test that came with a change. It is tried once the change has its verdict, which it cannot
//! alter: it has to be red on the untouched tree and green on the changed one, run by the project's
//! own test command. One that is not shows nothing, and is dropped with the reason.

use std::path::Path;

use anyhow::Result;
use backstitch_engine::redact;
use backstitch_model::tests::{TestOutcome, TestReport};
use backstitch_model::{Outcome, RelPath};
use backstitch_verify::scope::source::{Role, role};
use backstitch_verify::workbench::{Start, Tree};

use super::base::{self, Base};
use super::trial::Underway;
use super::{Changed, Judge, changed_name};
use crate::source;

/// The largest such file, in bytes.
const BYTES_MAX: usize = 256 << 10;

/// A test that came with a change: one new file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    /// Where it goes.
    pub path: RelPath,
    /// Its text.
    pub text: String,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// It is red on the untouched tree and green on the changed one.
    Kept,
    /// It is left out: why.
    Dropped(String),
}

/// How the tests ran on a tree that has it too.
struct Ran {
    /// How that compares with the untouched tree's own tests.
    outcome: Outcome,
    report: TestReport,
}

impl Judge {
    /// Tries the test that came with the change, where there is one and the change stands.
    pub(super) fn try_addition(
        &mut self,
        base: &Base,
        changed: &Changed,
        all: &[Underway<'_>],
    ) -> Result<()> {
        let Some(addition) = self.order.addition.clone() else {
            return Ok(());
        };
        if !self.judgement.evidence.verdict().settles() {
            return Ok(());
        }
        let why_not = match objection(&addition, [base.tree(), &changed.root])? {
            Some(why) => Some(why),
            None => self.shows_nothing(base, changed, &addition, all)?,
        };
        self.judgement.addition = Some(why_not.map_or(Added::Kept, Added::Dropped));
        Ok(())
    }

    /// Why the test shows nothing; `None` where it is red and then green.
    fn shows_nothing(
        &self,
        base: &Base,
        changed: &Changed,
        addition: &Addition,
        all: &[Underway<'_>],
    ) -> Result<Option<String>> {
        let Some(underway) = holder(all, &addition.path) else {
            return Ok(Some("nothing was built that it could be run in".into()));
        };
        let (baseline, _) = underway.both()?;
        if baseline.regress.outcome != Outcome::Passed {
            let why = "the project's own tests do not run here, so it cannot be run with them";
            return Ok(Some(why.into()));
        }
        self.order
            .progress
            .step("trying the test that came with the change");
        let name = changed_name(&self.judgement.digest);
        let untouched = &underway.ready.tree.root;
        let red = with(addition, underway, untouched, base, &format!("{name}-red"))?;
        let red = match red {
            Ok(ran) => ran,
            Err(why) => return Ok(Some(format!("with it the untouched tree {why}"))),
        };
        let names = match shown(&baseline.report, &red.report) {
            Ok(names) => names,
            Err(why) => return Ok(Some(why.into())),
        };
        let green = with(
            addition,
            underway,
            &changed.root,
            base,
            &format!("{name}-green"),
        )?;
        Ok(match green {
            Ok(ran) => stays_red(&names, &ran),
            Err(why) => Some(format!("with it the changed tree {why}")),
        })
    }
}

/// Why such a file is not taken at all. It may be nothing but one more test.
fn objection(addition: &Addition, trees: [&Path; 2]) -> Result<Option<String>> {
    let Addition { path, text } = addition;
    if role(path, Some(text)) != Role::Test {
        return Ok(Some(format!("`{path}` is no place of tests")));
    }
    if text.len() > BYTES_MAX {
        return Ok(Some(format!(
            "it has {} bytes; at most {BYTES_MAX} are taken",
            text.len()
        )));
    }
    if text.contains(redact::MARK) {
        return Ok(Some("it holds a mark of the redaction".into()));
    }
    for tree in trees {
        let dir = source::open_dir(tree)?;
        if dir.symlink_metadata(path.as_str()).is_ok() {
            return Ok(Some(format!("there is a `{path}` already")));
        }
        let mut above = path.parent();
        while let Some(folder) = above {
            let is_other = |about: cap_std::fs::Metadata| !about.is_dir();
            if dir.symlink_metadata(folder.as_str()).is_ok_and(is_other) {
                return Ok(Some(format!("`{folder}` is no folder")));
            }
            above = folder.parent();
        }
    }
    Ok(None)
}

/// The component whose tests a file would be among: the one in the nearest folder above it.
fn holder<'all, 'managers>(
    all: &'all [Underway<'managers>],
    path: &RelPath,
) -> Option<&'all Underway<'managers>> {
    let depth = |underway: &&Underway<'_>| {
        let folder = underway.component.anchor.parent();
        let folder = folder.map_or_else(String::new, |folder| format!("{folder}/"));
        path.as_str().starts_with(&folder).then_some(folder.len())
    };
    let above = all.iter().filter(|underway| depth(underway).is_some());
    above.max_by_key(depth).or(all.first())
}

/// Runs the tests in a copy of a tree that has the new one too; the inner error says why they
/// cannot be run.
fn with(
    addition: &Addition,
    underway: &Underway<'_>,
    from: &Path,
    base: &Base,
    name: &str,
) -> Result<Result<Ran, String>> {
    base.discard(name)?;
    let (root, work) = base.attempt(name)?;
    source::duplicate(from, &root)?;
    source::replace(&source::open_dir(&root)?, &addition.path, &addition.text)?;
    let tree = Tree {
        root,
        lockfile: underway.component.anchor.clone(),
    };
    let ran = run(underway, &tree, &work);
    base.discard(name)?;
    ran
}

fn run(underway: &Underway<'_>, tree: &Tree, work: &Path) -> Result<Result<Ran, String>> {
    let workbench = underway.workbench()?;
    let (baseline, _) = underway.both()?;
    if let Err(why) = base::bring(&underway.component, workbench, tree, work)? {
        return Ok(Err(format!("cannot be built: {why}")));
    }
    let attempt = workbench.attempt(baseline, tree, Start::Warm, work)?;
    let built = workbench.build_attempt(baseline, &attempt)?.outcome;
    if built != Outcome::Passed {
        return Ok(Err(format!("does not build: {built}")));
    }
    let (run, report) = workbench.test_attempt(baseline, &attempt)?;
    Ok(Ok(Ran {
        outcome: run.outcome,
        report,
    }))
}

/// The new tests that fail on the untouched tree, none where the runner names no tests and failed
/// as a whole; else why they show nothing there.
fn shown(before: &TestReport, red: &TestReport) -> Result<Vec<String>, &'static str> {
    const PASSES: &str = "it passes on the untouched tree too: it shows nothing";
    if before.cases.is_empty() {
        return if red.succeeded {
            Err(PASSES)
        } else {
            Ok(Vec::new())
        };
    }
    if !before.regressions(red).is_empty() {
        return Err("with it other tests of the untouched tree fail or do not run");
    }
    let new = || {
        let cases = red.cases.iter();
        cases.filter(|(name, _)| !before.cases.contains_key(*name))
    };
    let failed = new().filter(|(_, case)| **case == TestOutcome::Failed);
    let names: Vec<String> = failed.map(|(name, _)| name.clone()).collect();
    if !names.is_empty() {
        Ok(names)
    } else if new().next().is_some() {
        Err(PASSES)
    } else {
        Err("the project's test command runs no test of it: it shows nothing")
    }
}

/// Why it is not green on the changed tree.
fn stays_red(names: &[String], green: &Ran) -> Option<String> {
    if green.outcome != Outcome::Passed {
        return Some(format!(
            "with it the tests of the changed tree do not pass: {}",
            green.outcome
        ));
    }
    let passes = |name: &String| green.report.cases.get(name) == Some(&TestOutcome::Passed);
    let is_green = if names.is_empty() {
        green.report.succeeded
    } else {
        names.iter().all(passes)
    };
    (!is_green).then(|| "it fails on the changed tree too".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(cases: &[(&str, TestOutcome)], succeeded: bool) -> TestReport {
        TestReport {
            cases: cases
                .iter()
                .map(|(name, case)| ((*name).to_owned(), *case))
                .collect(),
            succeeded,
            gaps: Vec::new(),
        }
    }

    fn addition(path: &str, text: &str) -> Addition {
        Addition {
            path: RelPath::new(path).unwrap(),
            text: text.into(),
        }
    }

    #[test]
    fn a_test_counts_only_where_it_is_red_before_and_green_after() {
        use TestOutcome::{Failed, Ignored, Passed};
        let before = report(&[("a", Passed), ("b", Failed)], false);
        let red = |new| report(&[("a", Passed), ("b", Failed), ("new", new)], false);
        assert_eq!(shown(&before, &red(Failed)).unwrap(), ["new"]);
        let why = |red: &TestReport| shown(&before, red).unwrap_err();
        assert!(why(&red(Passed)).contains("shows nothing"));
        assert!(why(&red(Ignored)).contains("shows nothing"));
        assert!(why(&before).contains("runs no test"));
        // One that keeps others from running shows nothing either: it may not even compile.
        assert!(why(&report(&[], false)).contains("other tests"));
        assert!(why(&report(&[("a", Failed), ("new", Failed)], false)).contains("other tests"));
        let green = |case, outcome| Ran {
            outcome,
            report: report(&[("new", case)], true),
        };
        let names = ["new".to_owned()];
        assert_eq!(stays_red(&names, &green(Passed, Outcome::Passed)), None);
        assert!(stays_red(&names, &green(Failed, Outcome::Passed)).is_some());
        assert!(stays_red(&names, &green(Passed, Outcome::TimedOut)).is_some());
        // A command that names no tests succeeds or fails as a whole.
        let whole = |succeeded| report(&[], succeeded);
        assert_eq!(shown(&whole(true), &whole(false)), Ok(Vec::new()));
        assert!(shown(&whole(true), &whole(true)).is_err());
    }

    #[test]
    fn only_a_new_file_among_the_tests_is_taken() {
        let tree = tempfile::tempdir().unwrap();
        std::fs::create_dir(tree.path().join("tests")).unwrap();
        std::fs::write(tree.path().join("tests/test_old.py"), "").unwrap();
        std::os::unix::fs::symlink("tests", tree.path().join("test")).unwrap();
        let why = |path: &str, text: &str| {
            let trees = [tree.path(), tree.path()];
            objection(&addition(path, text), trees).unwrap()
        };
        assert_eq!(why("tests/test_new.py", "assert 1\n"), None);
        assert_eq!(why("tests/deep/test_new.py", "assert 1\n"), None);
        for (path, text, wanted) in [
            ("tests/test_old.py", "", "already"),
            ("test/test_new.py", "", "no folder"),
            ("tests/test_old.py/test_new.py", "", "no folder"),
            ("src/app.py", "", "no place of tests"),
            ("tests/conftest.py", "", "no place of tests"),
            ("conftest.py", "", "no place of tests"),
            ("tests/data.json", "", "no place of tests"),
            ("tests/test_new.py", "[redacted:secret]", "redaction"),
            ("tests/test_new.py", &"x".repeat(BYTES_MAX + 1), "bytes"),
        ] {
            let why = why(path, text).unwrap();
            assert!(why.contains(wanted), "{path}: {why}");
        }
    }
}
