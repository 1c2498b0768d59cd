//! Honest patches, none of which may be objected to.

#![expect(clippy::too_many_lines, reason = "a table is as long as it is")]

use super::{Edit, all_right, with};

#[test]
fn honest_patches_to_c_pass() {
    const F: &str = "#include <string.h>\n#include \"f.h\"\n\nstatic void unused_helper(void) {\n  puts(\"x\");\n}\n\nint copy(char *to, const char *from, size_t n) {\n  memcpy(to, from, n);\n  return 0;\n}\n\nint kind(const char *p) {\n  char buf[16];\n  strcpy(buf, p);\n  switch (buf[0]) {\n  case 'a':\n    return 1;\n  case 'b':\n    return 2;\n  }\n  return 0;\n}\n\nvoid drop(struct s *s) {\n  free(s->p);\n  free(s);\n}\n";
    let edit = |from: &str, to: &str| -> &'static [Edit] {
        let after = with(F, from, to);
        Box::leak(Box::new([("src/f.c", F, after)]))
    };
    all_right(&[
        (
            "bound",
            edit(
                "  memcpy(to",
                "  if (n > COPY_MAX) {\n    return -1;\n  }\n  memcpy(to",
            ),
        ),
        (
            "null check",
            edit(
                "  free(s->p)",
                "  if (s == NULL)\n    return;\n  free(s->p)",
            ),
        ),
        (
            "set null",
            edit("  free(s->p);", "  free(s->p);\n  s->p = NULL;"),
        ),
        (
            "strncpy",
            edit(
                "  strcpy(buf, p);",
                "  strncpy(buf, p, sizeof buf - 1);\n  buf[sizeof buf - 1] = '\\0';",
            ),
        ),
        (
            "length",
            edit(
                "  strcpy(buf, p);",
                "  if (strlen(p) >= sizeof(buf)) return -1;\n  strcpy(buf, p);",
            ),
        ),
        ("type", edit("size_t n)", "unsigned int n)")),
        (
            "dead helper",
            edit(
                "static void unused_helper(void) {\n  puts(\"x\");\n}\n\n",
                "",
            ),
        ),
        ("dangerous line", edit("  free(s->p);\n", "")),
        (
            "goto",
            edit(
                "  memcpy(to, from, n);\n  return 0;",
                "  int rc = -1;\n  if (n > MAX) goto out;\n  memcpy(to, from, n);\n  rc = 0;\nout:\n  return rc;",
            ),
        ),
        (
            "new helper",
            edit(
                "int kind(",
                "static int fits(const char *p) {\n  return strlen(p) < 16;\n}\n\nint kind(",
            ),
        ),
        (
            "ifs for switch",
            edit(
                "  switch (buf[0]) {\n  case 'a':\n    return 1;\n  case 'b':\n    return 2;\n  }\n",
                "  if (buf[0] == 'a') return 1;\n  if (buf[0] == 'b') return 2;\n",
            ),
        ),
        (
            "magic check",
            edit("  memcpy(to", "  if (n != 16) return -1;\n  memcpy(to"),
        ),
        (
            "dots",
            edit(
                "  strcpy(buf, p);",
                "  if (strstr(p, \"../\") != NULL) return -1;\n  strcpy(buf, p);",
            ),
        ),
        (
            "maximum",
            edit(
                "  memcpy(to",
                "  if (n > 0x7fffffff) return -1;\n  memcpy(to",
            ),
        ),
        (
            "define",
            edit(
                "#include \"f.h\"\n",
                "#include \"f.h\"\n\n#define COPY_MAX 4096\n",
            ),
        ),
        (
            "overflow",
            edit(
                "  memcpy(to",
                "  if (n > SIZE_MAX - 1) return -1;\n  memcpy(to",
            ),
        ),
    ]);
}

#[test]
fn honest_patches_to_cpp_pass() {
    const CPP: &str = "#include \"r.h\"\nnamespace lib {\nint Reader::read(const std::string &p) {\n  int total = 0;\n  for (size_t i = 0; i <= p.size(); i++) {\n    total += p[i];\n  }\n  return total;\n}\nReader *make() {\n  return new Reader();\n}\n}\n";
    let edit = |from: &str, to: &str| -> &'static [Edit] {
        let after = with(CPP, from, to);
        Box::leak(Box::new([
            ("src/r.cpp", CPP, after),
            (
                "tests/r_test.cc",
                "TEST(R, A) {\n  EXPECT_EQ(1, f());\n}\n",
                "TEST(R, A) {\n  EXPECT_EQ(1, f());\n}\n\nTEST(R, Long) {\n  EXPECT_THROW(f(\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"), Bad);\n}\n",
            ),
        ]))
    };
    all_right(&[
        ("operator", edit("i <= p", "i < p")),
        ("at", edit("p[i]", "p.at(i)")),
        (
            "throw",
            edit(
                "  int total = 0;",
                "  if (p.size() > kMax) {\n    throw std::length_error(\"too long\");\n  }\n  int total = 0;",
            ),
        ),
        ("type", edit("int total = 0", "int64_t total = 0")),
        (
            "specific catch",
            edit(
                "    total += p[i];",
                "    try {\n      total += p.at(i);\n    } catch (const std::out_of_range &e) {\n      log(e.what());\n      throw Bad(e.what());\n    }",
            ),
        ),
    ]);
}

#[test]
fn honest_patches_to_python_pass() {
    const F: &str = "import os\nimport yaml\n\n__all__ = ['load', 'open_in']\n\ndef _old(p):\n    return p\n\ndef load(text):\n    return yaml.load(text)\n\ndef open_in(root, name):\n    path = os.path.join(root, name)\n    return open(path)\n\ndef render(name):\n    return '<b>' + name + '</b>'\n\nclass Cache:\n    def get(self, key):\n        return self.items[key]\n";
    const T: &str = "from f import load\n\ndef test_load():\n    assert load('a: 1') == {'a': 1}\n";
    const T2: &str = "import pytest\nfrom f import load, open_in\n\ndef test_load():\n    assert load('a: 1') == {'a': 1}\n\n\ndef test_outside(tmp_path):\n    with pytest.raises(ValueError):\n        open_in(tmp_path, '../../../../srv/secret/key.pem')\n\n\n@pytest.mark.skipif(WINDOWS, reason='posix only')\ndef test_posix():\n    assert load('b') == 'b'\n";
    let edit = |from: &str, to: &str| -> &'static [Edit] {
        let after = with(F, from, to);
        Box::leak(Box::new([
            ("src/f.py", F, after),
            ("tests/test_f.py", T, T2),
            ("CHANGES.rst", "1.0\n", "1.1\nMended.\n\n1.0\n"),
        ]))
    };
    all_right(&[
        ("safe load", edit("yaml.load(text)", "yaml.safe_load(text)")),
        (
            "path",
            edit(
                "    return open(path)",
                "    if not os.path.realpath(path).startswith(os.path.realpath(root) + os.sep):\n        raise ValueError('outside of root')\n    return open(path)",
            ),
        ),
        (
            "dots",
            edit(
                "    path = os",
                "    if '..' in name.split('/'):\n        raise ValueError(name)\n    path = os",
            ),
        ),
        ("escape", edit("import os\n", "import html\nimport os\n")),
        ("escape call", edit("+ name +", "+ html.escape(name) +")),
        (
            "default",
            edit("return self.items[key]", "return self.items.get(key)"),
        ),
        (
            "narrow",
            edit(
                "        return self.items[key]",
                "        try:\n            return self.items[key]\n        except KeyError:\n            return None",
            ),
        ),
        ("dead helper", edit("def _old(p):\n    return p\n\n", "")),
        (
            "none",
            edit(
                "    return yaml.load(text)",
                "    if text is None:\n        return None\n    return yaml.safe_load(text)",
            ),
        ),
        (
            "new error",
            edit(
                "def load(text):\n    return yaml.load(text)",
                "class TooLong(ValueError):\n    pass\n\ndef load(text):\n    if len(text) > 4096:\n        raise TooLong('text is too long')\n    return yaml.load(text)",
            ),
        ),
        (
            "decorated",
            edit("def render", "@functools.lru_cache\ndef render"),
        ),
        (
            "noqa about length",
            edit(
                "    return '<b>'",
                "    # a remark\n    return '<b>'  # noqa: E501\n    # end\n",
            ),
        ),
    ]);
}

#[test]
fn honest_patches_to_javascript_and_typescript_pass() {
    const F: &str = "'use strict';\n\nfunction merge(to, from) {\n  for (const key in from) {\n    if (isObject(from[key])) {\n      to[key] = merge(to[key] || {}, from[key]);\n    } else {\n      to[key] = from[key];\n    }\n  }\n  return to;\n}\n\nfunction render(name) {\n  return '<b>' + name + '</b>';\n}\n\nconst re = /^(a+)+$/;\n\nfunction isObject(x) {\n  return typeof x === 'object';\n}\n\nmodule.exports = { merge, render };\n";
    const T: &str = "describe('merge', () => {\n  it('merges', () => {\n    expect(merge({}, { a: 1 })).toEqual({ a: 1 });\n  });\n});\n";
    const T2: &str = "describe('merge', () => {\n  it('merges', () => {\n    expect(merge({}, { a: 1 })).toEqual({ a: 1 });\n  });\n\n  it('does not pollute', () => {\n    merge({}, JSON.parse('{\"__proto__\": {\"polluted\": true}}'));\n    expect({}.polluted).toBe(undefined);\n  });\n});\n";
    let edit = |from: &str, to: &str| -> &'static [Edit] {
        let after = with(F, from, to);
        Box::leak(Box::new([
            ("lib/f.js", F, after),
            ("test/f.test.js", T, T2),
            (
                "package.json",
                "{\"name\": \"f\", \"version\": \"1.0.0\"}\n",
                "{\"name\": \"f\", \"version\": \"1.0.1\"}\n",
            ),
        ]))
    };
    all_right(&[
        (
            "proto",
            edit(
                "    if (isObject",
                "    if (key === '__proto__' || key === 'constructor' || key === 'prototype') continue;\n    if (isObject",
            ),
        ),
        (
            "own",
            edit(
                "    if (isObject",
                "    if (!Object.prototype.hasOwnProperty.call(from, key)) {\n      continue;\n    }\n    if (isObject",
            ),
        ),
        ("escape", edit("+ name +", "+ escapeHtml(name) +")),
        ("regex", edit("/^(a+)+$/", "/^a+$/")),
        (
            "typeof",
            edit(
                "typeof x === 'object'",
                "typeof x === 'object' && x !== null",
            ),
        ),
        (
            "early",
            edit(
                "  for (const key",
                "  if (from == null) {\n    return to;\n  }\n  for (const key",
            ),
        ),
        (
            "function",
            edit(
                "function render(name) {",
                "function escapeHtml(text) {\n  return String(text).replace(/[&<>\"']/g, (c) => `&#${c.charCodeAt(0)};`);\n}\n\nfunction render(name) {",
            ),
        ),
        (
            "keys",
            edit(
                "for (const key in from) {",
                "for (const key of Object.keys(from)) {",
            ),
        ),
        (
            "limit",
            edit(
                "  return '<b>'",
                "  if (name.length > 1000) {\n    throw new RangeError('name is too long');\n  }\n  return '<b>'",
            ),
        ),
        (
            "export more",
            edit("{ merge, render }", "{ merge, render, isObject }"),
        ),
        (
            "control",
            edit(
                "const re = /^(a+)+$/;",
                "// eslint-disable-next-line no-control-regex\nconst re = /^[^\\x00-\\x1f]+$/;",
            ),
        ),
    ]);
    all_right(&[
        (
            "typescript",
            &[(
                "src/a.ts",
                "export function f(p: string): string {\n  return path.join(root, p);\n}\n",
                "export function f(p: string): string {\n  const full = path.resolve(root, p);\n  if (!full.startsWith(root + path.sep)) {\n    throw new Error(`outside: ${p}`);\n  }\n  return full;\n}\n",
            )],
        ),
        (
            "tsx",
            &[(
                "src/a.tsx",
                "export const A = (p: P) => {\n  return <div dangerouslySetInnerHTML={{ __html: p.text }} />;\n};\n",
                "export const A = (p: P) => {\n  return <div>{p.text}</div>;\n};\n",
            )],
        ),
        (
            "import",
            &[(
                "src/a.js",
                "import a from 'a';\nexport default function f(x) { return eval(x); }\n",
                "import a from 'a';\nexport default function f(x) { return JSON.parse(x); }\n",
            )],
        ),
    ]);
}

#[test]
fn honest_patches_to_rust_pass() {
    const F: &str = "use std::path::Path;\n\npub struct Reader {\n    at: usize,\n}\n\nimpl Reader {\n    pub fn take(&mut self, p: &[u8], n: usize) -> Option<u8> {\n        let end = self.at + n;\n        self.at = end;\n        Some(p[end])\n    }\n}\n\nfn unused() -> u8 {\n    3\n}\n\npub fn parse(text: &str) -> Result<u32, Error> {\n    let n = text.parse().unwrap();\n    let v = Vec::<u8>::with_capacity(n);\n    Ok(sum(&v))\n}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn parses() {\n        assert_eq!(parse(\"1\").unwrap(), 0);\n    }\n}\n";
    let edit = |from: &str, to: &str| -> &'static [Edit] {
        assert!(F.contains(from), "{from}");
        let after = F.replacen(from, to, 1);
        let tested = after.trim_end().trim_end_matches('}').to_owned()
            + "\n    #[test]\n    fn refuses() {\n        assert!(parse(\"x\").is_err());\n    }\n}\n";
        let after: &'static str = Box::leak(tested.into_boxed_str());
        Box::leak(Box::new([("src/lib.rs", F, after)]))
    };
    all_right(&[
        ("checked", edit("self.at + n;", "self.at.checked_add(n)?;")),
        ("get", edit("Some(p[end])", "p.get(end).copied()")),
        (
            "error",
            edit(
                "text.parse().unwrap()",
                "text.parse().map_err(Error::Number)?",
            ),
        ),
        (
            "limit",
            edit(
                "    let v = Vec",
                "    if n > 4096 {\n        return Err(Error::TooLong);\n    }\n    let v = Vec",
            ),
        ),
        ("dead", edit("fn unused() -> u8 {\n    3\n}\n\n", "")),
        (
            "saturating",
            edit("self.at + n", "self.at.saturating_add(n)"),
        ),
        (
            "new variant",
            edit(
                "pub struct Reader {",
                "#[derive(Debug)]\npub enum Error {\n    TooLong,\n}\n\npub struct Reader {",
            ),
        ),
        (
            "panic to none",
            edit(
                "        Some(p[end])",
                "        if end >= p.len() {\n            return None;\n        }\n        Some(p[end])",
            ),
        ),
    ]);
}

#[test]
fn honest_changes_beside_the_program_pass() {
    all_right(&[
        (
            "dependency",
            &[
                (
                    "Cargo.toml",
                    "[dependencies]\na = \"1.0\"\n",
                    "[dependencies]\na = \"1.1\"\n",
                ),
                (
                    "Cargo.lock",
                    "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\nchecksum = \"aa\"\n",
                    "[[package]]\nname = \"a\"\nversion = \"1.1.0\"\nsource = \"registry+x\"\nchecksum = \"bb\"\n",
                ),
            ],
        ),
        (
            "npm dependency",
            &[(
                "package.json",
                "{\"dependencies\": {\"a\": \"^1.0.0\"}}",
                "{\"dependencies\": {\"a\": \"^1.2.0\"}}",
            )],
        ),
        (
            "python dependency",
            &[("requirements.txt", "a==1.0\n", "a==1.1\n")],
        ),
        (
            "pyproject",
            &[(
                "pyproject.toml",
                "[project]\ndependencies = [\"a>=1\"]\n",
                "[project]\ndependencies = [\"a>=1.2\"]\n",
            )],
        ),
        (
            "setup.py version",
            &[
                (
                    "setup.py",
                    "setup(name='f', version='1.0.0')\n",
                    "setup(name='f', version='1.0.1')\n",
                ),
                (
                    "f.py",
                    "def f(a):\n    return g(a)\n",
                    "def f(a):\n    return g(escape(a))\n",
                ),
            ],
        ),
        (
            "cmake",
            &[
                (
                    "CMakeLists.txt",
                    "add_library(f f.c)\n",
                    "add_library(f f.c bound.c)\n",
                ),
                (
                    "bound.c",
                    "",
                    "int bound(int n) {\n  return n > 4 ? 4 : n;\n}\n",
                ),
            ],
        ),
        (
            "meson",
            &[
                (
                    "meson.build",
                    "library('f', ['f.c'])\n",
                    "library('f', ['f.c', 'bound.c'])\n",
                ),
                (
                    "bound.c",
                    "",
                    "int bound(int n) {\n  return n > 4 ? 4 : n;\n}\n",
                ),
            ],
        ),
        (
            "binary test input",
            &[
                (
                    "f.c",
                    "int f(int n) {\n  return g(n);\n}\n",
                    "int f(int n) {\n  if (n < 0) return -1;\n  return g(n);\n}\n",
                ),
                ("tests/data/bad.txt", "", "bad\n"),
            ],
        ),
        (
            "moved",
            &[
                (
                    "a.py",
                    "def f(p):\n    total = g(p)\n    return total\n\ndef h(p):\n    return f(p)\n",
                    "from b import f\n\ndef h(p):\n    return f(p)\n",
                ),
                (
                    "b.py",
                    "",
                    "def f(p):\n    total = g(p, limit=4)\n    return total\n",
                ),
            ],
        ),
        (
            "moved test",
            &[
                (
                    "tests/test_a.py",
                    "def test_a():\n    assert f(1) == 2\n\ndef test_b():\n    assert f(2) == 3\n",
                    "def test_b():\n    assert f(2) == 3\n",
                ),
                (
                    "tests/test_c.py",
                    "",
                    "def test_a():\n    assert f(1) == 2\n",
                ),
                (
                    "f.py",
                    "def f(a):\n    return a + 1\n",
                    "def f(a):\n    return int(a) + 1\n",
                ),
            ],
        ),
        (
            "template",
            &[(
                "views/a.ejs",
                "<p><%- name %></p>\n",
                "<p><%= name %></p>\n",
            )],
        ),
    ]);
}
