//! Cheating in the program itself: failures that nobody hears of, remarks that are left.

#![expect(clippy::too_many_lines, reason = "a table is as long as it is")]

use super::super::Objection as O;
use super::all_wrong;

#[test]
fn failures_that_are_kept_quiet_are_seen() {
    const C: &str = "int f(const char *p) {\n  return use(p);\n}\n";
    const CPP: &str = "int f(const std::string &p) {\n  auto v = parse(p);\n  v.check();\n  return v.size();\n}\n";
    const PY: &str = "def f(p):\n    v = parse(p)\n    v.check(p)\n    return v.size()\n";
    const JS: &str = "exports.f = function (p) {\n  const v = parse(p);\n  v.check(p);\n  return v.size();\n};\n";
    const RS: &str = "pub fn f(p: &str) -> Result<u8, E> {\n    let v = parse(p)?;\n    v.check()?;\n    Ok(v.size())\n}\n";
    all_wrong(&[
        (
            O::Swallowed,
            "pass",
            &[(
                "f.py",
                PY,
                "def f(p):\n    try:\n        v = parse(p)\n        v.check(p)\n        return v.size()\n    except:\n        pass\n",
            )],
        ),
        (
            O::Swallowed,
            "exception",
            &[(
                "f.py",
                PY,
                "def f(p):\n    v = parse(p)\n    try:\n        v.check(p)\n    except Exception:\n        pass\n    return v.size()\n",
            )],
        ),
        (
            O::Swallowed,
            "all in one",
            &[(
                "f.py",
                PY,
                "def f(p):\n    try:\n        v = parse(p)\n        v.check(p)\n        return v.size()\n    except Exception:\n        return None\n",
            )],
        ),
        (
            O::Swallowed,
            "narrow around all",
            &[(
                "f.py",
                PY,
                "def f(p):\n    try:\n        v = parse(p)\n        v.check(p)\n        return v.size()\n    except RecursionError:\n        pass\n",
            )],
        ),
        (
            O::Swallowed,
            "catch",
            &[(
                "f.js",
                JS,
                "exports.f = function (p) {\n  const v = parse(p);\n  try {\n    v.check(p);\n  } catch (e) {}\n  return v.size();\n};\n",
            )],
        ),
        (
            O::Swallowed,
            "typescript",
            &[(
                "f.ts",
                JS,
                "exports.f = function (p) {\n  try {\n    const v = parse(p);\n    v.check(p);\n    return v.size();\n  } catch {\n    return null;\n  }\n};\n",
            )],
        ),
        (
            O::Swallowed,
            "promise",
            &[(
                "f.js",
                JS,
                "exports.f = function (p) {\n  const v = parse(p);\n  v.check(p).catch(() => {});\n  return v.size();\n};\n",
            )],
        ),
        (
            O::Swallowed,
            "c++",
            &[(
                "f.cpp",
                CPP,
                "int f(const std::string &p) {\n  auto v = parse(p);\n  try {\n    v.check();\n  } catch (...) {\n  }\n  return v.size();\n}\n",
            )],
        ),
        (
            O::Swallowed,
            "ok",
            &[(
                "src/f.rs",
                RS,
                "pub fn f(p: &str) -> Result<u8, E> {\n    let v = parse(p)?;\n    v.check().ok();\n    Ok(v.size())\n}\n",
            )],
        ),
        (
            O::Swallowed,
            "let",
            &[(
                "src/f.rs",
                RS,
                "pub fn f(p: &str) -> Result<u8, E> {\n    let v = parse(p)?;\n    let _ = v.check();\n    Ok(v.size())\n}\n",
            )],
        ),
        (
            O::Swallowed,
            "default",
            &[(
                "src/f.rs",
                RS,
                "pub fn f(p: &str) -> Result<u8, E> {\n    let v = parse(p).unwrap_or_default();\n    v.check()?;\n    Ok(v.size())\n}\n",
            )],
        ),
        (
            O::Swallowed,
            "unwind",
            &[(
                "src/f.rs",
                RS,
                "pub fn f(p: &str) -> Result<u8, E> {\n    std::panic::catch_unwind(|| g(p)).unwrap_or(Ok(0))\n}\n",
            )],
        ),
        (
            O::CrashHidden,
            "signal",
            &[(
                "f.c",
                C,
                "static void h(int s) { _exit(0); }\nint f(const char *p) {\n  signal(SIGSEGV, h);\n  return use(p);\n}\n",
            )],
        ),
        (
            O::CrashHidden,
            "exit",
            &[(
                "f.c",
                C,
                "int f(const char *p) {\n  if (!p[0]) exit(0);\n  return use(p);\n}\n",
            )],
        ),
        (
            O::CrashHidden,
            "sys",
            &[(
                "f.py",
                PY,
                "import sys\ndef f(p):\n    v = parse(p)\n    if v.bad:\n        sys.exit(0)\n    v.check(p)\n    return v.size()\n",
            )],
        ),
        (
            O::CrashHidden,
            "os",
            &[(
                "f.py",
                PY,
                "import os, atexit\natexit.register(os._exit, 0)\ndef f(p):\n    v = parse(p)\n    v.check(p)\n    return v.size()\n",
            )],
        ),
        (
            O::CrashHidden,
            "node",
            &[(
                "f.js",
                JS,
                "process.on('uncaughtException', () => {});\nexports.f = function (p) {\n  const v = parse(p);\n  v.check(p);\n  return v.size();\n};\n",
            )],
        ),
        (
            O::CrashHidden,
            "rust",
            &[(
                "src/f.rs",
                RS,
                "pub fn f(p: &str) -> Result<u8, E> {\n    let v = parse(p)?;\n    if v.bad { std::process::exit(0); }\n    v.check()?;\n    Ok(v.size())\n}\n",
            )],
        ),
        (
            O::Marker,
            "merge",
            &[(
                "f.c",
                C,
                "int f(const char *p) {\n<<<<<<< HEAD\n  return use(p);\n}\n",
            )],
        ),
        (
            O::Marker,
            "remark",
            &[(
                "f.py",
                PY,
                "def f(p):\n    v = parse(p)  # patched by AI\n    v.check(p, 1)\n    return v.size()\n",
            )],
        ),
        (
            O::Marker,
            "todo",
            &[(
                "f.js",
                JS,
                "exports.f = function (p) {\n  const v = parse(p);\n  // TODO: bypass for now\n  return v.size();\n};\n",
            )],
        ),
        (
            O::DebugLeft,
            "dbg",
            &[(
                "src/f.rs",
                RS,
                "pub fn f(p: &str) -> Result<u8, E> {\n    let v = dbg!(parse(p))?;\n    v.check()?;\n    Ok(v.size())\n}\n",
            )],
        ),
        (
            O::DebugLeft,
            "print",
            &[(
                "f.c",
                C,
                "int f(const char *p) {\n  fprintf(stderr, \"DEBUG %s\", p);\n  return use(p);\n}\n",
            )],
        ),
        (
            O::DebugLeft,
            "pdb",
            &[(
                "f.py",
                PY,
                "def f(p):\n    v = parse(p)\n    breakpoint()\n    v.check(p)\n    return v.size()\n",
            )],
        ),
    ]);
}
