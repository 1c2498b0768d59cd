//! Owns reading TAP, which node's own runner, mocha, vitest, tap, ava and tape all write
//! (<https://testanything.org/tap-version-14-specification.html>). Decides nothing.
//!
//! The text is written by the tests as much as by the runner. So a result counts only with
//! the number that is due, what was seen must agree with the plan, a name seen twice is two
//! tests, and where they disagree the report says so.

use std::io::{self, BufRead};

use backstitch_model::tests::{TestOutcome, TestReport};

use super::cases::Cases;
use crate::workbench::lines;

/// How deep tests may nest.
const DEPTH_MAX: usize = 64;

/// How far each level is indented.
const STEP: usize = 4;

/// Reads the merged output of a command that writes TAP.
pub(super) fn read(log: impl BufRead, succeeded: bool) -> io::Result<TestReport> {
    let mut reader = Reader::default();
    reader.levels.push(Level::default());
    let whole = lines::for_each(log, |line| reader.line(line))?;
    Ok(reader.report(whole, succeeded))
}

#[derive(Default)]
struct Reader {
    cases: Cases,
    /// One for each level that is open, the outermost first.
    levels: Vec<Level>,
    /// The blanks before a block of details that is being passed over.
    details: Option<usize>,
}

/// The tests of one level: all, or those of one test around them.
#[derive(Default)]
struct Level {
    /// The test around them; nothing outermost.
    name: String,
    /// What it came to, where that was told before them.
    told: Option<TestOutcome>,
    plan: Option<usize>,
    seen: usize,
    failed: bool,
}

/// A line that gives a result.
struct Point<'line> {
    passed: bool,
    number: Option<usize>,
    name: &'line str,
    is_ignored: bool,
    /// Its own tests follow in braces.
    opens: bool,
}

impl Reader {
    fn line(&mut self, line: &str) {
        let bare = line.trim_start_matches(' ');
        let indent = line.len() - bare.len();
        if self.in_details(indent, bare) {
            return;
        }
        let depth = indent / STEP;
        if !indent.is_multiple_of(STEP) || depth > DEPTH_MAX {
            return;
        }
        if let Some(name) = bare.strip_prefix("# Subtest: ") {
            self.open(depth, name, None);
        } else if let Some(point) = point(bare) {
            self.point(depth, &point);
        } else if let Some(plan) = plan(bare) {
            self.plan(depth, plan);
        } else if bare == "}" {
            self.close_to(depth);
        } else if bare.starts_with("Bail out!") {
            self.cases.gap("the runner gave up before its end");
        }
    }

    /// Details stand between `---` and `...`, indented by two more than their result.
    fn in_details(&mut self, indent: usize, bare: &str) -> bool {
        match self.details {
            Some(start) if indent == start && bare == "..." => self.details = None,
            Some(_) => {}
            None if bare == "---" && indent % STEP == 2 => self.details = Some(indent),
            None => return false,
        }
        true
    }

    fn open(&mut self, depth: usize, name: &str, told: Option<TestOutcome>) {
        self.close_to(depth);
        if self.levels.len() == depth + 1 {
            self.levels.push(Level {
                name: name.to_owned(),
                told,
                ..Level::default()
            });
        }
    }

    /// Ends every level deeper than `depth`. One that nothing was told of before ends by
    /// the result that follows it.
    fn close_to(&mut self, depth: usize) {
        while self.levels.len() > depth + 1 {
            let path = self.path();
            let Some(level) = self.levels.pop() else {
                return;
            };
            self.check(&level);
            if let Some(told) = level.told {
                self.settle(path, told, &level);
            }
        }
    }

    fn check(&mut self, level: &Level) {
        if level.plan.is_some_and(|plan| plan != level.seen) {
            self.cases
                .gap("what the tests printed disagrees with their plan");
        }
    }

    /// The names of the tests around what is read now.
    fn path(&self) -> String {
        let names = self.levels.iter().skip(1).map(|level| level.name.as_str());
        names.collect::<Vec<_>>().join(" > ")
    }

    fn point(&mut self, depth: usize, point: &Point<'_>) {
        let outcome = outcome(point);
        let mut inner = None;
        // Its own tests came before it, on the level below.
        if self.levels.len() == depth + 2 && self.levels[depth + 1].told.is_none() {
            inner = self.levels.pop();
            if let Some(level) = &inner {
                self.check(level);
            }
        }
        self.close_to(depth);
        let Some(level) = self.levels.get_mut(depth) else {
            return;
        };
        level.seen += 1;
        level.failed |= outcome == TestOutcome::Failed;
        if point.number.is_some_and(|number| number != level.seen) {
            self.cases.gap("the numbers of the tests are not in order");
        }
        if point.opens {
            return self.open(depth, point.name, Some(outcome));
        }
        let path = self.path();
        let name = if path.is_empty() {
            point.name.to_owned()
        } else {
            format!("{path} > {}", point.name)
        };
        match inner {
            Some(inner) => self.settle(name, outcome, &inner),
            None => self.cases.record(name, outcome),
        }
    }

    /// A test with tests inside is told only where it says more than they do.
    fn settle(&mut self, name: String, outcome: TestOutcome, inner: &Level) {
        let by_itself = outcome == TestOutcome::Failed && !inner.failed;
        if inner.seen == 0 || by_itself {
            self.cases.record(name, outcome);
        }
    }

    fn plan(&mut self, depth: usize, plan: usize) {
        self.close_to(depth);
        if let Some(level) = self.levels.get_mut(depth) {
            if level.plan.is_some() {
                return self.cases.gap("the tests printed a plan too many");
            }
            level.plan = Some(plan);
        }
    }

    fn report(mut self, whole: bool, succeeded: bool) -> TestReport {
        self.close_to(0);
        if let Some(level) = self.levels.pop() {
            self.check(&level);
            if level.plan.is_none() && level.seen > 0 {
                self.cases.gap("the tests ended before their plan");
            }
        }
        self.cases.report(whole, succeeded)
    }
}

fn outcome(point: &Point<'_>) -> TestOutcome {
    match (point.is_ignored, point.passed) {
        (true, _) => TestOutcome::Ignored,
        (false, true) => TestOutcome::Passed,
        (false, false) => TestOutcome::Failed,
    }
}

/// Reads `ok 3 - name # time=4ms` or `not ok 4 name # SKIP why`.
fn point(line: &str) -> Option<Point<'_>> {
    let (passed, rest) = match line.strip_prefix("not ok") {
        Some(rest) => (false, rest),
        None => (true, line.strip_prefix("ok")?),
    };
    if !rest.is_empty() && !rest.starts_with(' ') {
        return None;
    }
    let rest = rest.trim_start();
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let number = rest[..digits].parse().ok();
    let rest = rest[digits..].trim_start();
    let rest = rest.strip_prefix("- ").unwrap_or(rest);
    let (rest, opens) = match rest.strip_suffix('{') {
        Some(before) => (before.trim_end(), true),
        None => (rest, false),
    };
    let (name, directive) = match rest.rsplit_once(" # ") {
        Some((name, directive)) if is_directive(directive) => (name, directive),
        Some(_) | None => (rest, ""),
    };
    let directive = directive.to_ascii_lowercase();
    Some(Point {
        passed,
        number,
        name: name.trim(),
        is_ignored: directive.starts_with("skip") || directive.starts_with("todo"),
        opens,
    })
}

fn is_directive(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["skip", "todo", "time="]
        .iter()
        .any(|word| text.starts_with(word))
}

/// Reads `1..12`, with a reason behind it at times.
fn plan(line: &str) -> Option<usize> {
    let rest = line.strip_prefix("1..")?;
    rest.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let report = read(text.as_bytes(), true).unwrap();
        let cases = report.cases.iter();
        let cases = cases.map(|(name, outcome)| format!("{name}: {outcome:?}"));
        let gaps = report.gaps.iter().map(|gap| format!("gap: {gap}"));
        cases.chain(gaps).collect()
    }

    #[test]
    fn flat_results_of_mocha_and_vitest_are_read_by_name() {
        assert_eq!(
            told(
                "1..4\nok 1 a b\nnot ok 2 - c > d # time=3.2ms\n  ---\n  error:\n    ok 9 - forged\n  \
                 ...\nok 3 e # SKIP -\nok 4 - a b\n# tests 3\n"
            ),
            [
                "a b: Passed",
                "a b #2: Passed",
                "c > d: Failed",
                "e: Ignored"
            ]
        );
    }

    #[test]
    fn nested_results_of_node_and_tap_are_told_by_their_leaves() {
        let node = "TAP version 13\n# Subtest: outer\n    # Subtest: one\n    ok 1 - one\n      ---\n      \
                    duration_ms: 1\n      ...\n    # Subtest: two\n    not ok 2 - two\n    1..2\nnot ok 1 - outer\n\
                    # Subtest: alone\nok 2 - alone # TODO\n1..2\n# pass 1\n";
        assert_eq!(
            told(node),
            [
                "alone: Ignored",
                "outer > one: Passed",
                "outer > two: Failed"
            ]
        );
        let buffered =
            "ok 1 - file.js # time=1ms {\n    ok 1 - a\n    ok 2 - b\n    1..2\n}\n1..1\n";
        assert_eq!(
            told(buffered),
            ["file.js > a: Passed", "file.js > b: Passed"]
        );
    }

    #[test]
    fn a_test_that_fails_though_all_inside_pass_is_told() {
        let text = "# Subtest: outer\n    ok 1 - in\n    1..1\nnot ok 1 - outer\n1..1\n";
        assert_eq!(told(text), ["outer: Failed", "outer > in: Passed"]);
    }

    #[test]
    fn forged_or_missing_results_are_noticed_where_counts_disagree() {
        for (text, gap) in [
            ("1..1\nok 1 - a\nok 1 - forged\n", "not in order"),
            ("1..3\nok 1 - a\n", "disagrees with their plan"),
            ("ok 1 - a\n", "ended before their plan"),
            ("1..1\nok 1 - a\n1..9\n", "a plan too many"),
            ("1..1\nBail out! x\nok 1 - a\n", "gave up"),
        ] {
            let told = told(text);
            assert!(
                told.iter().any(|line| line.contains(gap)),
                "{text}: {told:?}"
            );
        }
    }

    #[test]
    fn what_is_no_result_is_passed_over() {
        assert_eq!(
            told("okay\nnot okay\n   ok 1 - odd\nok1\n"),
            Vec::<String>::new()
        );
    }
}
