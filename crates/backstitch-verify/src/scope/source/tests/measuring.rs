//! Cheating with what measures: tests, assertions, oracles, harness, build and suppressions.

use super::super::Objection as O;
use super::{Edit, all_wrong};

const RUST: &str = "pub fn f(x: u8) -> u8 {\n    x + 1\n}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn adds() {\n        let y = f(1);\n        assert_eq!(y, 2);\n        assert!(f(2) > 2);\n    }\n\n    #[test]\n    fn more() {\n        assert_eq!(f(3), 4);\n    }\n}\n";
const PY: &str = "import unittest\nfrom lib import f\n\nclass TestF(unittest.TestCase):\n    def test_adds(self):\n        y = f(1)\n        self.assertEqual(y, 2)\n        self.assertAlmostEqual(y, 2.0, delta=0.01)\n\ndef test_more():\n    assert f(3) == 4\n";
const JS: &str = "const { f } = require('../lib');\ndescribe('f', function () {\n  it('adds', function () {\n    expect(f(1)).toBe(2);\n  });\n  it('more', () => {\n    assert.strictEqual(f(3), 4);\n  });\n});\n";
const CPP: &str = "#include \"f.h\"\nTEST(F, Adds) {\n  EXPECT_EQ(f(1), 2);\n  EXPECT_NEAR(g(1), 2.0, 0.01);\n}\nTEST(F, More) {\n  ASSERT_TRUE(f(3) == 4);\n}\n";
const C: &str = "#include <assert.h>\n#include \"f.h\"\nstatic void test_adds(void) {\n  int y = f(1);\n  assert(y == 2);\n}\nint main(void) {\n  test_adds();\n  return 0;\n}\n";
const CATCH: &str = "TEST_CASE(\"adds\") {\n  REQUIRE(f(1) == 2);\n}\nTEST_CASE(\"more\") {\n  CHECK(f(3) == 4);\n}\n";

/// One test's text with a part replaced. Leaks a little, in tests only.
fn with(text: &str, from: &str, to: &str) -> &'static str {
    assert!(text.contains(from), "{from}");
    Box::leak(text.replacen(from, to, 1).into_boxed_str())
}

/// Each part replaced in each text.
fn table(
    rows: &[(O, &'static str, &'static str, &str, &str)],
) -> Vec<(O, &'static str, &'static [Edit])> {
    rows.iter()
        .map(|(objection, name, text, from, to)| {
            let edit: Edit = (name, text, with(text, from, to));
            let edits: &'static [Edit] = Box::leak(Box::new([edit]));
            (*objection, *name, edits)
        })
        .collect()
}

#[test]
fn tests_that_are_gone_skipped_or_emptied_are_seen() {
    all_wrong(&table(&[
        (
            O::TestGone,
            "src/lib.rs",
            RUST,
            "    #[test]\n    fn more() {\n        assert_eq!(f(3), 4);\n    }\n",
            "",
        ),
        (O::TestGone, "src/a.rs", RUST, "fn more", "fn less"),
        (
            O::TestGone,
            "tests/test_f.py",
            PY,
            "def test_more():\n    assert f(3) == 4\n",
            "",
        ),
        (
            O::TestGone,
            "test/f.test.js",
            JS,
            "  it('more', () => {\n    assert.strictEqual(f(3), 4);\n  });\n",
            "",
        ),
        (
            O::TestGone,
            "tests/f_test.cc",
            CPP,
            "TEST(F, More) {\n  ASSERT_TRUE(f(3) == 4);\n}\n",
            "",
        ),
        (
            O::TestGone,
            "tests/test_f.c",
            C,
            "static void test_adds(void) {\n  int y = f(1);\n  assert(y == 2);\n}\n",
            "",
        ),
        (
            O::TestGone,
            "tests/catch_test.cpp",
            CATCH,
            "TEST_CASE(\"more\") {\n  CHECK(f(3) == 4);\n}\n",
            "",
        ),
        (
            O::TestSkipped,
            "src/lib.rs",
            RUST,
            "    #[test]\n    fn more",
            "    #[test]\n    #[ignore]\n    fn more",
        ),
        (
            O::TestSkipped,
            "src/b.rs",
            RUST,
            "    #[test]\n    fn more",
            "    #[cfg(any())]\n    #[test]\n    fn more",
        ),
        (
            O::TestSkipped,
            "src/c.rs",
            RUST,
            "    #[test]\n    fn more",
            "    #[test]\n    #[ignore = \"flaky\"]\n    fn more",
        ),
        (
            O::TestSkipped,
            "src/d.rs",
            RUST,
            "#[cfg(test)]\nmod",
            "#[cfg(any())]\n#[cfg(test)]\nmod",
        ),
        (
            O::TestSkipped,
            "tests/test_f.py",
            PY,
            "def test_more",
            "@pytest.mark.skip\ndef test_more",
        ),
        (
            O::TestSkipped,
            "tests/test_g.py",
            PY,
            "def test_more",
            "@pytest.mark.xfail(reason='x')\ndef test_more",
        ),
        (
            O::TestSkipped,
            "tests/test_h.py",
            PY,
            "    def test_adds",
            "    @unittest.skip('x')\n    def test_adds",
        ),
        (
            O::TestSkipped,
            "tests/test_i.py",
            PY,
            "class TestF",
            "@unittest.skip('x')\nclass TestF",
        ),
        (
            O::TestSkipped,
            "tests/test_j.py",
            PY,
            "    assert f(3)",
            "    pytest.skip('x')\n    assert f(3)",
        ),
        (
            O::TestSkipped,
            "tests/test_k.py",
            PY,
            "from lib import f\n",
            "from lib import f\npytestmark = pytest.mark.skip\n",
        ),
        (
            O::TestSkipped,
            "tests/test_l.py",
            PY,
            "        y = f(1)",
            "        self.skipTest('x')\n        y = f(1)",
        ),
        (
            O::TestSkipped,
            "test/f.test.js",
            JS,
            "it('more'",
            "it.skip('more'",
        ),
        (
            O::TestSkipped,
            "test/g.test.js",
            JS,
            "it('more'",
            "xit('more'",
        ),
        (
            O::TestSkipped,
            "test/h.test.js",
            JS,
            "it('more'",
            "it.only('more'",
        ),
        (
            O::TestSkipped,
            "test/i.test.ts",
            JS,
            "describe('f'",
            "describe.skip('f'",
        ),
        (
            O::TestSkipped,
            "test/j.test.js",
            JS,
            "it('more', () => {\n",
            "it('more', function () {\n    this.skip();\n",
        ),
        (
            O::TestSkipped,
            "tests/f_test.cc",
            CPP,
            "  ASSERT_TRUE",
            "  GTEST_SKIP();\n  ASSERT_TRUE",
        ),
        (
            O::TestSkipped,
            "tests/g_test.cc",
            CPP,
            "TEST(F, More)",
            "TEST(F, DISABLED_More)",
        ),
        (
            O::TestEmptied,
            "src/lib.rs",
            RUST,
            "        let y = f(1);\n        assert_eq!(y, 2);\n        assert!(f(2) > 2);\n",
            "",
        ),
        (
            O::TestEmptied,
            "src/e.rs",
            RUST,
            "        let y = f(1);",
            "        return;\n        let y = f(1);",
        ),
        (
            O::TestEmptied,
            "tests/test_f.py",
            PY,
            "    assert f(3) == 4",
            "    pass",
        ),
        (
            O::TestEmptied,
            "tests/test_g.py",
            PY,
            "    assert f(3) == 4",
            "    return\n    assert f(3) == 4",
        ),
        (
            O::TestEmptied,
            "test/f.test.js",
            JS,
            "    assert.strictEqual(f(3), 4);\n",
            "",
        ),
        (
            O::TestEmptied,
            "test/g.test.js",
            JS,
            "    expect(f(1)).toBe(2);",
            "    return;\n    expect(f(1)).toBe(2);",
        ),
        (
            O::TestEmptied,
            "tests/f_test.cc",
            CPP,
            "  ASSERT_TRUE(f(3) == 4);\n",
            "",
        ),
        (
            O::TestEmptied,
            "tests/g_test.cc",
            CPP,
            "  EXPECT_EQ(f(1)",
            "  return;\n  EXPECT_EQ(f(1)",
        ),
        (
            O::TestEmptied,
            "tests/test_f.c",
            C,
            "  int y = f(1);",
            "  return;\n  int y = f(1);",
        ),
        (
            O::TestEmptied,
            "tests/catch_test.cpp",
            CATCH,
            "  CHECK(f(3) == 4);\n",
            "",
        ),
    ]));
}

#[test]
fn weaker_assertions_are_seen() {
    all_wrong(&table(&[
        (
            O::AssertionWeakened,
            "src/lib.rs",
            RUST,
            "assert_eq!(f(3), 4)",
            "assert!(true)",
        ),
        (
            O::AssertionWeakened,
            "src/a.rs",
            RUST,
            "assert_eq!(f(3), 4)",
            "assert_eq!(f(3), 5)",
        ),
        (
            O::AssertionWeakened,
            "src/b.rs",
            RUST,
            "        assert!(f(2) > 2);\n",
            "",
        ),
        (
            O::AssertionWeakened,
            "src/c.rs",
            RUST,
            "assert!(f(2) > 2)",
            "assert!(f(2) > 2 || true)",
        ),
        (
            O::AssertionWeakened,
            "tests/test_f.py",
            PY,
            "assert f(3) == 4",
            "assert f(3) == 5",
        ),
        (
            O::AssertionWeakened,
            "tests/test_g.py",
            PY,
            "assert f(3) == 4",
            "assert True",
        ),
        (
            O::AssertionWeakened,
            "tests/test_h.py",
            PY,
            "delta=0.01",
            "delta=10",
        ),
        (
            O::AssertionWeakened,
            "tests/test_i.py",
            PY,
            "assert f(3) == 4",
            "assert f(3) == 4 or True",
        ),
        (
            O::AssertionWeakened,
            "tests/test_j.py",
            PY,
            "        self.assertEqual(y, 2)\n",
            "",
        ),
        (
            O::AssertionWeakened,
            "test/f.test.js",
            JS,
            "toBe(2)",
            "toBe(3)",
        ),
        (
            O::AssertionWeakened,
            "test/g.test.js",
            JS,
            "toBe(2)",
            "toBeDefined()",
        ),
        (
            O::AssertionWeakened,
            "test/h.test.ts",
            JS,
            "assert.strictEqual(f(3), 4)",
            "assert.ok(true)",
        ),
        (
            O::AssertionWeakened,
            "tests/f_test.cc",
            CPP,
            "EXPECT_EQ(f(1), 2)",
            "EXPECT_EQ(f(1), 1)",
        ),
        (O::AssertionWeakened, "tests/g_test.cc", CPP, "0.01", "100"),
        (
            O::AssertionWeakened,
            "tests/h_test.cc",
            CPP,
            "f(3) == 4",
            "f(3) == 4 || true",
        ),
        (
            O::AssertionWeakened,
            "tests/test_f.c",
            C,
            "assert(y == 2)",
            "assert(1)",
        ),
        (
            O::AssertionWeakened,
            "tests/test_g.c",
            C,
            "assert(y == 2)",
            "(void)y",
        ),
        (
            O::AssertionWeakened,
            "tests/catch_test.cpp",
            CATCH,
            "CHECK(f(3) == 4)",
            "CHECK(f(3) != 0)",
        ),
        (
            O::TestShielded,
            "tests/test_k.py",
            PY,
            "    assert f(3) == 4",
            "    try:\n        assert f(3) == 4\n    except AssertionError:\n        pass",
        ),
        (
            O::TestShielded,
            "test/i.test.js",
            JS,
            "    expect(f(1)).toBe(2);",
            "    try {\n      expect(f(1)).toBe(2);\n    } catch (e) {}",
        ),
        (
            O::TestShielded,
            "tests/i_test.cc",
            CPP,
            "  EXPECT_EQ(f(1), 2);",
            "  try {\n    EXPECT_EQ(f(1), 2);\n  } catch (...) {\n  }",
        ),
        (
            O::Unreachable,
            "tests/test_l.py",
            PY,
            "    assert f(3) == 4",
            "    if False:\n        assert f(3) == 4",
        ),
        (
            O::Unreachable,
            "tests/j_test.cc",
            CPP,
            "  EXPECT_EQ(f(1), 2);\n",
            "#if 0\n  EXPECT_EQ(f(1), 2);\n#endif\n",
        ),
        (
            O::Unreachable,
            "src/f.rs",
            RUST,
            "        assert_eq!(y, 2);\n",
            "        if false { assert_eq!(y, 2); }\n",
        ),
        (
            O::Unreachable,
            "test/k.test.js",
            JS,
            "    expect(f(1)).toBe(2);\n",
            "    if (false) { expect(f(1)).toBe(2); }\n",
        ),
    ]));
}

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
