//! Owns knowing by its output which runners a command started whose kind nobody told. What none of
//! them printed is a whole suite, and only its exit code counts. Decides nothing.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Read};

use backstitch_model::tests::TestReport;

use super::{automake, ctest, gtest, jest, libtest, meson, pytest, tap, unittest};
use crate::workbench::lines;

/// The most that is read of one log, in bytes.
const LOG_BYTES_MAX: u64 = 256 << 20;

/// A runner whose output can be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Libtest,
    Pytest,
    Unittest,
    Tap,
    Jest,
    GoogleTest,
    Ctest,
    Meson,
    Automake,
}

/// Reads the merged output: every runner's part of it that is known.
pub(super) fn read(log: impl BufRead, succeeded: bool) -> io::Result<TestReport> {
    let mut bytes = Vec::new();
    log.take(LOG_BYTES_MAX).read_to_end(&mut bytes)?;
    let mut kinds = BTreeSet::new();
    let mut idle = None;
    lines::for_each(&bytes[..], |line| {
        kinds.extend(kind(line));
        if idle.is_none() && is_idle(line) {
            idle = Some(line.trim().chars().take(120).collect::<String>());
        }
    })?;
    let mut all = TestReport {
        succeeded,
        ..TestReport::default()
    };
    for kind in kinds {
        let report = kind.read(&bytes, succeeded)?;
        // A runner that counts without naming tells no more than the exit code.
        if !report.cases.is_empty() {
            all.gaps.extend(report.gaps);
            for (name, outcome) in report.cases {
                let known = all.cases.entry(name).or_insert(outcome);
                *known = libtest::worse(*known, outcome);
            }
        }
    }
    if let Some(line) = idle.filter(|_| all.cases.is_empty()) {
        all.gaps
            .push(format!("it says that it tested nothing: `{line}`"));
    }
    all.gaps.sort();
    all.gaps.dedup();
    Ok(all)
}

impl Kind {
    fn read(self, log: &[u8], succeeded: bool) -> io::Result<TestReport> {
        match self {
            Self::Libtest => libtest::read(log, succeeded),
            Self::Pytest => pytest::read(log, succeeded),
            Self::Unittest => unittest::read(log, succeeded),
            Self::Tap => tap::read(log, succeeded),
            Self::Jest => jest::read(log, succeeded),
            Self::GoogleTest => gtest::read(log, succeeded),
            Self::Ctest => ctest::read(log, succeeded),
            Self::Meson => meson::read(log, succeeded),
            Self::Automake => automake::read(log, succeeded),
        }
    }
}

/// The runner that alone prints such a line.
fn kind(line: &str) -> Option<Kind> {
    let number = |text: &str| {
        text.bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_digit())
    };
    if line.starts_with("test result: ") || line.starts_with("running ") && line.contains(" test") {
        Some(Kind::Libtest)
    } else if line.starts_with("===") && line.contains(" test session starts ") {
        Some(Kind::Pytest)
    } else if line
        .strip_prefix("Ran ")
        .is_some_and(|rest| number(rest) && rest.contains(" test"))
    {
        Some(Kind::Unittest)
    } else if line.starts_with("TAP version ") || line.strip_prefix("1..").is_some_and(number) {
        Some(Kind::Tap)
    } else if line.starts_with("Test Suites: ") {
        Some(Kind::Jest)
    } else if gtest::is_beginning(line) {
        Some(Kind::GoogleTest)
    } else if ctest::is_result(line) {
        Some(Kind::Ctest)
    } else if meson::is_result(line) {
        Some(Kind::Meson)
    } else if automake::is_result(line) {
        Some(Kind::Automake)
    } else {
        None
    }
}

/// Does a runner, or make, say that there was nothing to test?
fn is_idle(line: &str) -> bool {
    let from_make = |line: &str| {
        line.starts_with("make")
            && (line.contains(": Nothing to be done for ") || line.ends_with(" is up to date."))
    };
    from_make(line)
        || line.starts_with("No tests were found!!!")
        || line.starts_with("Ran 0 tests in ")
        || line.starts_with("running 0 tests")
        || line.starts_with("[==========] Running 0 tests ")
        || line.starts_with("No tests defined.")
        || line.starts_with("===") && line.contains(" no tests ran ")
        || line == "1..0"
        || line.starts_with("1..0 ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use backstitch_model::tests::TestOutcome;

    fn names(log: &str) -> Vec<String> {
        let report = read(log.as_bytes(), true).unwrap();
        report
            .names(TestOutcome::Passed)
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn each_runner_is_known_by_what_it_prints() {
        for (log, name) in [
            (
                "running 1 test\ntest a::b ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n",
                "a::b",
            ),
            (
                "=== test session starts ===\ntest_a.py::test_b PASSED [100%]\n=== 1 passed in 0.1s ===\n",
                "test_a.py::test_b",
            ),
            (
                "test_a (t.C.test_a) ... ok\n\nRan 1 test in 0.001s\n\nOK\n",
                "t.C.test_a",
            ),
            ("TAP version 13\nok 1 - a\n1..1\n", "a"),
            (
                "PASS a.test.js\n  ✓ one (3 ms)\n\nTest Suites: 1 passed, 1 total\nTests:       1 passed, 1 total\n",
                "a.test.js > one",
            ),
            (
                "[==========] Running 1 test from 1 test suite.\n[ RUN      ] A.b\n[       OK ] A.b (0 ms)\n",
                "A.b",
            ),
            (
                "1/1 Test #1: c ...   Passed    0.02 sec\n100% tests passed, 0 tests failed out of 1\n",
                "c",
            ),
            ("1/1 m:s / d OK 0.02s\nOk: 1\n", "m:s / d"),
            ("PASS: e.sh\n", "e.sh"),
        ] {
            let names = names(log);
            assert!(names.iter().any(|it| it.contains(name)), "{names:?} {log}");
        }
    }

    #[test]
    fn several_runners_in_one_output_are_all_read() {
        let log = "PASS: a.sh\n[==========] Running 1 test from 1 test suite.\n[ RUN      ] A.b\n\
            [       OK ] A.b (0 ms)\n";
        assert_eq!(names(log), ["A.b", "a.sh"]);
    }

    #[test]
    fn a_suite_that_names_nothing_is_whole_and_one_that_says_it_did_nothing_has_a_gap() {
        let report = read(&b"./t\nall tests passed\n"[..], true).unwrap();
        assert_eq!(
            report,
            TestReport {
                succeeded: true,
                ..TestReport::default()
            }
        );
        for idle in [
            "make: Nothing to be done for 'check'.\n",
            "make[1]: 'test' is up to date.\n",
            "Ran 0 tests in 0.000s\n",
            "No tests were found!!!\n",
            "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n",
            "==== no tests ran in 0.01s ====\n",
        ] {
            let report = read(idle.as_bytes(), true).unwrap();
            assert_eq!((report.cases.len(), report.gaps.len()), (0, 1), "{idle}");
        }
    }
}
