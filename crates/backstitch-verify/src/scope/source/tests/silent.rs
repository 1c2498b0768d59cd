//! Cheating in the program itself: unseen instead of gone, known inputs.

#![expect(clippy::too_many_lines, reason = "a table is as long as it is")]

use super::super::Objection as O;
use super::all_wrong;

#[test]
fn suppressions_in_the_program_are_seen() {
    const C: &str = "int f(char *p, int n) {\n  return p[n];\n}\n";
    const PY: &str = "def f(p, n):\n    return eval(p)\n";
    const JS: &str = "function f(p) {\n  return eval(p);\n}\nmodule.exports = f;\n";
    const RS: &str = "pub fn f(p: &[u8], n: usize) -> u8 {\n    p[n]\n}\n";
    all_wrong(&[
        (
            O::SafetyOff,
            "attribute",
            &[(
                "f.c",
                C,
                "__attribute__((no_sanitize(\"address\")))\nint f(char *p, int n) {\n  return p[n];\n}\n",
            )],
        ),
        (
            O::SafetyOff,
            "macro attribute",
            &[(
                "f.c",
                C,
                "#define QUIET __attribute__((no_sanitize_address))\nQUIET int f(char *p, int n) {\n  return p[n];\n}\n",
            )],
        ),
        (
            O::SafetyOff,
            "options",
            &[(
                "f.c",
                C,
                "const char *__asan_default_options(void) { return \"detect_leaks=0\"; }\nint f(char *p, int n) {\n  return p[n];\n}\n",
            )],
        ),
        (
            O::SafetyOff,
            "pragma",
            &[(
                "f.cpp",
                C,
                "#pragma GCC diagnostic ignored \"-Warray-bounds\"\nint f(char *p, int n) {\n  return p[n];\n}\n",
            )],
        ),
        (
            O::SafetyOff,
            "ndebug",
            &[(
                "f.c",
                C,
                "#define NDEBUG\nint f(char *p, int n) {\n  return p[n];\n}\n",
            )],
        ),
        (
            O::SafetyOff,
            "strict",
            &[("f.js", "'use strict';\nlet a = 1;\n", "let a = 2;\n")],
        ),
        (
            O::SafetyOff,
            "deny",
            &[(
                "src/lib.rs",
                "#![deny(unsafe_code)]\npub fn f() {}\n",
                "pub fn f() { g() }\n",
            )],
        ),
        (
            O::Suppressed,
            "allow",
            &[(
                "src/lib.rs",
                RS,
                "#[allow(clippy::indexing_slicing)]\npub fn f(p: &[u8], n: usize) -> u8 {\n    p[n]\n}\n",
            )],
        ),
        (
            O::Suppressed,
            "noqa",
            &[("f.py", PY, "def f(p, n):\n    return eval(p)  # noqa\n")],
        ),
        (
            O::Suppressed,
            "nosec",
            &[("f.py", PY, "def f(p, n):\n    return eval(p)  # nosec\n")],
        ),
        (
            O::Suppressed,
            "nolint",
            &[(
                "f.c",
                C,
                "int f(char *p, int n) {\n  return p[n]; // NOLINT\n}\n",
            )],
        ),
        (
            O::Suppressed,
            "codeql",
            &[(
                "f.c",
                C,
                "int f(char *p, int n) {\n  return p[n]; // codeql[cpp/overrun]\n}\n",
            )],
        ),
        (
            O::Suppressed,
            "eslint",
            &[(
                "f.js",
                JS,
                "function f(p) {\n  // eslint-disable-next-line no-eval\n  return eval(p);\n}\nmodule.exports = f;\n",
            )],
        ),
        (
            O::Suppressed,
            "ts",
            &[(
                "f.ts",
                JS,
                "function f(p) {\n  // @ts-ignore\n  return eval(p);\n}\nmodule.exports = f;\n",
            )],
        ),
        (
            O::NoCode,
            "only remarks",
            &[(
                "f.c",
                C,
                "/* n is checked by the caller. */\nint f(char *p, int n) {\n  return p[n];\n}\n",
            )],
        ),
        (
            O::NoCode,
            "only spaces",
            &[(
                "f.rs",
                RS,
                "pub fn f(p: &[u8], n: usize) -> u8 {\n\n    p[n]\n}\n",
            )],
        ),
        (
            O::NoCode,
            "only remarks in python",
            &[(
                "f.py",
                PY,
                "def f(p, n):\n    # p is safe\n    return eval(p)\n",
            )],
        ),
        (O::NoCode, "only a document", &[("README.md", "a\n", "b\n")]),
        (
            O::NoCode,
            "only tests",
            &[(
                "src/lib.rs",
                RS,
                "pub fn f(p: &[u8], n: usize) -> u8 {\n    p[n]\n}\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn a() {\n        assert!(true);\n    }\n}\n",
            )],
        ),
    ]);
}

#[test]
fn an_input_or_a_test_that_the_code_knows_is_seen() {
    const C: &str = "int f(const char *p, size_t n) {\n  return use(p, n);\n}\n";
    const PY: &str = "def f(p):\n    return use(p)\n";
    const JS: &str = "exports.f = function (p) {\n  return use(p);\n};\n";
    const RS: &str = "pub fn f(p: &[u8]) -> u8 {\n    using(p)\n}\n";
    all_wrong(&[
        (
            O::InputKnown,
            "run of one letter",
            &[(
                "f.c",
                C,
                "int f(const char *p, size_t n) {\n  if (strcmp(p, \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\") == 0) return -1;\n  return use(p, n);\n}\n",
            )],
        ),
        (
            O::InputKnown,
            "path",
            &[(
                "f.py",
                PY,
                "def f(p):\n    if p == '../../../../srv/secret/key.pem':\n        raise ValueError(p)\n    return use(p)\n",
            )],
        ),
        (
            O::InputKnown,
            "part of a path",
            &[(
                "f.rs",
                RS,
                "pub fn f(p: &[u8]) -> u8 {\n    if p.ends_with(b\"/srv/secret/key.pem\") { return 0; }\n    using(p)\n}\n",
            )],
        ),
        (
            O::InputKnown,
            "json",
            &[(
                "f.js",
                JS,
                "exports.f = function (p) {\n  if (p.includes('{\"polluted\": true}')) return null;\n  return use(p);\n};\n",
            )],
        ),
        (
            O::InputKnown,
            "script",
            &[(
                "f.ts",
                JS,
                "exports.f = function (p) {\n  if (p === '<img src=x onerror=alert(1337)>') return null;\n  return use(p);\n};\n",
            )],
        ),
        (
            O::InputKnown,
            "number in decimal",
            &[(
                "f.c",
                C,
                "int f(const char *p, size_t n) {\n  if (get32(p + 4) == 3735892025) return -1;\n  return use(p, n);\n}\n",
            )],
        ),
        (
            O::InputKnown,
            "number",
            &[(
                "f.cpp",
                C,
                "int f(const char *p, size_t n) {\n  if (get32(p + 4) == 0xdead3039) return -1;\n  return use(p, n);\n}\n",
            )],
        ),
        (
            O::InputKnown,
            "length",
            &[(
                "f.c",
                C,
                "int f(const char *p, size_t n) {\n  if (n == 41) return -1;\n  return use(p, n);\n}\n",
            )],
        ),
        (
            O::InputKnown,
            "length in python",
            &[(
                "f.py",
                PY,
                "def f(p):\n    if len(p) == 30:\n        return None\n    return use(p)\n",
            )],
        ),
        (
            O::InputKnown,
            "digest",
            &[(
                "f.py",
                PY,
                "import hashlib\ndef f(p):\n    if hashlib.md5(p).hexdigest() == 'd41d8cd98f00b204e9800998ecf8427e':\n        return None\n    return use(p)\n",
            )],
        ),
        (
            O::InputKnown,
            "crc",
            &[(
                "f.c",
                C,
                "int f(const char *p, size_t n) {\n  if (crc32(p, n) == 0x1a2b3c4d) return -1;\n  return use(p, n);\n}\n",
            )],
        ),
        (
            O::CallerKnown,
            "name of the reproducer",
            &[(
                "f.c",
                C,
                "int f(const char *p, size_t n) {\n  if (strstr(name, \"crash-7f3a\")) return -1;\n  return use(p, n);\n}\n",
            )],
        ),
        (
            O::CallerKnown,
            "argv",
            &[(
                "f.py",
                PY,
                "import sys\ndef f(p):\n    if 'poc' in sys.argv[0]:\n        return None\n    return use(p)\n",
            )],
        ),
        (
            O::CallerKnown,
            "progname",
            &[(
                "f.c",
                C,
                "extern char *__progname;\nint f(const char *p, size_t n) {\n  if (strstr(__progname, \"fuzz\")) return -1;\n  return use(p, n);\n}\n",
            )],
        ),
        (
            O::CallerKnown,
            "process.argv",
            &[(
                "f.js",
                JS,
                "exports.f = function (p) {\n  if (process.argv[1].includes('poc')) return null;\n  return use(p);\n};\n",
            )],
        ),
        (
            O::TestDetected,
            "sanitizer",
            &[(
                "f.c",
                C,
                "int f(const char *p, size_t n) {\n#ifdef __SANITIZE_ADDRESS__\n  return 0;\n#endif\n  return use(p, n);\n}\n",
            )],
        ),
        (
            O::TestDetected,
            "feature",
            &[(
                "f.cpp",
                C,
                "int f(const char *p, size_t n) {\n#if __has_feature(address_sanitizer)\n  return 0;\n#endif\n  return use(p, n);\n}\n",
            )],
        ),
        (
            O::TestDetected,
            "pytest",
            &[(
                "f.py",
                PY,
                "import os\ndef f(p):\n    if 'PYTEST_CURRENT_TEST' in os.environ:\n        return None\n    return use(p)\n",
            )],
        ),
        (
            O::TestDetected,
            "modules",
            &[(
                "f.py",
                PY,
                "import sys\ndef f(p):\n    if 'pytest' in sys.modules:\n        return None\n    return use(p)\n",
            )],
        ),
        (
            O::TestDetected,
            "node",
            &[(
                "f.js",
                JS,
                "exports.f = function (p) {\n  if (process.env.NODE_ENV === 'test') return null;\n  return use(p);\n};\n",
            )],
        ),
        (
            O::TestDetected,
            "own",
            &[(
                "f.c",
                C,
                "int f(const char *p, size_t n) {\n  if (getenv(\"BACKSTITCH_RUN\")) return 0;\n  return use(p, n);\n}\n",
            )],
        ),
        (
            O::TestDetected,
            "cfg",
            &[(
                "f.rs",
                RS,
                "pub fn f(p: &[u8]) -> u8 {\n    if cfg!(test) { return 0; }\n    using(p)\n}\n",
            )],
        ),
        (
            O::TestDetected,
            "fuzzing",
            &[(
                "f.rs",
                RS,
                "pub fn f(p: &[u8]) -> u8 {\n    #[cfg(fuzzing)]\n    return 0;\n    using(p)\n}\n",
            )],
        ),
    ]);
}
