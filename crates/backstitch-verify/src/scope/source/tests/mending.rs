//! Cheating by taking away: stubs, lost exports, features and branches that are gone.

#![expect(clippy::too_many_lines, reason = "a table is as long as it is")]

use super::super::Objection as O;
use super::{Row, all_wrong, table};

const C: &str = "#include \"f.h\"\nstatic int read_xml(const char *p, int n) {\n  int sum = 0;\n  for (int i = 0; i < n; i++) {\n    sum += p[i] * 2;\n  }\n  return sum;\n}\nint parse(const char *p, int n) {\n  switch (p[0]) {\n  case KIND_XML:\n    return read_xml(p, n);\n  case KIND_RAW:\n    return p[1];\n  default:\n    return -1;\n  }\n}\nint size(const char *p, int n) {\n  int total = n;\n  if (n > 3) total += p[3];\n  return total;\n}\n";
const PY: &str = "__all__ = ['parse', 'size']\n\ndef _read_xml(p):\n    total = 0\n    for c in p:\n        total += ord(c) * 2\n    if total > 100:\n        total = 100\n    return total\n\ndef parse(kind, p):\n    if kind == 'xml':\n        return _read_xml(p)\n    if kind == 'raw':\n        return p[1]\n    raise ValueError(kind)\n\ndef size(p):\n    n = len(p)\n    return n * 2\n";
const JS: &str = "function readXml(p) {\n  let total = 0;\n  for (const c of p) {\n    total += c.charCodeAt(0) * 2;\n  }\n  return total;\n}\nfunction parse(kind, p) {\n  switch (kind) {\n    case 'xml':\n      return readXml(p);\n    case 'raw':\n      return p[1];\n    default:\n      throw new Error(kind);\n  }\n}\nconst size = (p) => {\n  const n = p.length;\n  return n * 2;\n};\nmodule.exports = { parse, size };\n";
const TS: &str = "export function parse(kind: string, p: string): number {\n  const n = p.length;\n  return kind.length + n;\n}\nexport class Reader {\n  read(p: string): number {\n    const n = p.length;\n    return n * 2;\n  }\n}\n";
const RS: &str = "pub struct Reader;\n\nimpl Reader {\n    pub fn read(&self, p: &[u8]) -> usize {\n        let n = p.len();\n        n * 2\n    }\n}\n\nfn read_xml(p: &[u8]) -> usize {\n    let mut total = 0;\n    for c in p {\n        total += usize::from(*c) * 2;\n    }\n    total\n}\n\npub fn parse(kind: Kind, p: &[u8]) -> Result<usize, Error> {\n    match kind {\n        Kind::Xml => Ok(read_xml(p)),\n        Kind::Raw => Ok(p.len()),\n    }\n}\n";
const CPP: &str = "namespace lib {\nint Reader::read(const std::string &p) {\n  int total = 0;\n  for (char c : p) total += c;\n  return total;\n}\nint parse(const std::string &p) {\n  Reader r;\n  if (p.empty()) throw Bad();\n  return r.read(p);\n}\n}\n";

#[test]
fn functions_that_do_nothing_any_more_are_seen() {
    let rows: &[Row<'_>] = &[
        (
            O::Unreachable,
            "f.c",
            C,
            "  int total = n;\n",
            "  if (1) return 0;\n  int total = n;\n",
        ),
        (
            O::Unreachable,
            "f.py",
            PY,
            "    n = len(p)\n",
            "    if True:\n        return 0\n    n = len(p)\n",
        ),
        (
            O::Stubbed,
            "f.js",
            "class A {\n  set(p) {\n    this.p = p;\n  }\n}\n",
            "    this.p = p;",
            "    return;\n    this.p = p;",
        ),
        (
            O::Stubbed,
            "f.c",
            C,
            "  int total = n;\n  if (n > 3) total += p[3];\n  return total;",
            "  return 0;",
        ),
        (
            O::Stubbed,
            "f.c",
            C,
            "  int total = n;\n  if (n > 3) total += p[3];\n  return total;",
            "  (void)p;\n  (void)n;\n  return -1;",
        ),
        (
            O::Stubbed,
            "f.c",
            C,
            "  int total = n;\n",
            "  return -1;\n  int total = n;\n",
        ),
        (
            O::Stubbed,
            "f.c",
            C,
            "  int sum = 0;\n  for (int i = 0; i < n; i++) {\n    sum += p[i] * 2;\n  }\n  return sum;",
            "  return 0;",
        ),
        (
            O::Stubbed,
            "f.py",
            PY,
            "    n = len(p)\n    return n * 2",
            "    raise NotImplementedError",
        ),
        (
            O::Stubbed,
            "f.py",
            PY,
            "    n = len(p)\n    return n * 2",
            "    \"\"\"The size.\"\"\"\n    return 0",
        ),
        (
            O::Stubbed,
            "f.py",
            PY,
            "    n = len(p)\n    return n * 2",
            "    pass",
        ),
        (
            O::Stubbed,
            "f.py",
            PY,
            "    n = len(p)",
            "    return None\n    n = len(p)",
        ),
        (
            O::Stubbed,
            "f.js",
            JS,
            "  const n = p.length;\n  return n * 2;",
            "  return 0;",
        ),
        (
            O::Stubbed,
            "f.js",
            JS,
            "(p) => {\n  const n = p.length;\n  return n * 2;\n}",
            "(p) => 0",
        ),
        (
            O::Stubbed,
            "f.js",
            JS,
            "  const n = p.length;\n  return n * 2;",
            "  throw new Error('disabled');",
        ),
        (
            O::Stubbed,
            "f.ts",
            TS,
            "    const n = p.length;\n    return n * 2;",
            "    return 0;",
        ),
        (
            O::Stubbed,
            "f.ts",
            TS,
            "  const n = p.length;\n  return kind.length + n;",
            "  return NaN;",
        ),
        (
            O::Stubbed,
            "src/f.rs",
            RS,
            "        let n = p.len();\n        n * 2",
            "        0",
        ),
        (
            O::Stubbed,
            "src/f.rs",
            RS,
            "        let n = p.len();\n        n * 2",
            "        unimplemented!()",
        ),
        (
            O::Stubbed,
            "src/f.rs",
            RS,
            "    match kind {\n        Kind::Xml => Ok(read_xml(p)),\n        Kind::Raw => Ok(p.len()),\n    }",
            "    Err(Error::Unsupported)",
        ),
        (
            O::Stubbed,
            "src/f.rs",
            RS,
            "    match kind {\n        Kind::Xml => Ok(read_xml(p)),\n        Kind::Raw => Ok(p.len()),\n    }",
            "    let _ = (kind, p);\n    Ok(Default::default())",
        ),
        (
            O::Stubbed,
            "f.cpp",
            CPP,
            "  int total = 0;\n  for (char c : p) total += c;\n  return total;",
            "  return 0;",
        ),
        (
            O::Stubbed,
            "f.cpp",
            CPP,
            "  Reader r;\n  if (p.empty()) throw Bad();\n  return r.read(p);",
            "  throw Bad();",
        ),
        (
            O::Unreachable,
            "f.c",
            C,
            "  int total = n;\n",
            "  int total = n;\n  return total;\n",
        ),
        (
            O::Unreachable,
            "f.py",
            PY,
            "    n = len(p)\n",
            "    n = len(p)\n    return n\n",
        ),
        (
            O::Unreachable,
            "f.js",
            JS,
            "  return n * 2;",
            "  return n;\n  return n * 2;",
        ),
        (
            O::Unreachable,
            "f.c",
            C,
            "  for (int i = 0; i < n; i++) {\n    sum += p[i] * 2;\n  }\n",
            "#if 0\n  for (int i = 0; i < n; i++) {\n    sum += p[i] * 2;\n  }\n#endif\n",
        ),
        (
            O::Unreachable,
            "f.py",
            PY,
            "    if total > 100:",
            "    if False:",
        ),
        (
            O::Unreachable,
            "src/f.rs",
            RS,
            "    for c in p {\n        total += usize::from(*c) * 2;\n    }",
            "    if false {\n        for c in p {\n            total += usize::from(*c) * 2;\n        }\n    }",
        ),
        (
            O::Unreachable,
            "f.cpp",
            CPP,
            "  for (char c : p) total += c;",
            "  if (0) { for (char c : p) total += c; }",
        ),
        (
            O::Unreachable,
            "f.js",
            JS,
            "    total += c.charCodeAt(0) * 2;",
            "    // total += c.charCodeAt(0) * 2;",
        ),
    ];
    all_wrong(&table(rows));
}

#[test]
fn what_others_use_and_is_gone_is_seen() {
    let rows: &[Row<'_>] = &[
        (
            O::ExportLost,
            "f.c",
            C,
            "int size(const char *p, int n) {\n  int total = n;\n  if (n > 3) total += p[3];\n  return total;\n}\n",
            "",
        ),
        (
            O::ExportLost,
            "f.h",
            "int parse(const char *p, int n);\nint size(const char *p, int n);\n",
            "int size(const char *p, int n);\n",
            "",
        ),
        (O::MadePrivate, "f.c", C, "int size(", "static int size("),
        (
            O::ExportLost,
            "f.py",
            PY,
            "def size(p):\n    n = len(p)\n    return n * 2\n",
            "",
        ),
        (O::MadePrivate, "g.py", PY, "['parse', 'size']", "['parse']"),
        (O::MadePrivate, "f.js", JS, "{ parse, size }", "{ parse }"),
        (
            O::ExportLost,
            "f.ts",
            TS,
            "export function parse",
            "function _parse",
        ),
        (
            O::MadePrivate,
            "f.ts",
            TS,
            "export function parse",
            "function parse",
        ),
        (
            O::ExportLost,
            "f.ts",
            TS,
            "  read(p: string): number {\n    const n = p.length;\n    return n * 2;\n  }\n",
            "",
        ),
        (O::MadePrivate, "src/f.rs", RS, "pub fn parse", "fn parse"),
        (
            O::MadePrivate,
            "src/f.rs",
            RS,
            "pub fn parse",
            "pub(crate) fn parse",
        ),
        (
            O::ExportLost,
            "src/f.rs",
            RS,
            "pub struct Reader",
            "pub struct Rider",
        ),
        (
            O::ExportLost,
            "src/f.rs",
            RS,
            "    pub fn read(&self, p: &[u8]) -> usize {\n        let n = p.len();\n        n * 2\n    }\n",
            "",
        ),
        (
            O::ExportLost,
            "f.cpp",
            CPP,
            "int Reader::read(const std::string &p) {\n  int total = 0;\n  for (char c : p) total += c;\n  return total;\n}\n",
            "",
        ),
        (
            O::BranchGone,
            "f.c",
            C,
            "  case KIND_XML:\n    return read_xml(p, n);\n",
            "",
        ),
        (
            O::BranchGone,
            "f.py",
            PY,
            "    if kind == 'xml':\n        return _read_xml(p)\n",
            "",
        ),
        (
            O::BranchGone,
            "f.js",
            JS,
            "    case 'xml':\n      return readXml(p);\n",
            "",
        ),
        (
            O::BranchGone,
            "src/f.rs",
            RS,
            "        Kind::Xml => Ok(read_xml(p)),\n",
            "",
        ),
        (
            O::FeatureGone,
            "f.py",
            PY,
            "def _read_xml(p):\n    total = 0\n    for c in p:\n        total += ord(c) * 2\n    if total > 100:\n        total = 100\n    return total\n",
            "",
        ),
        (
            O::FeatureGone,
            "f.c",
            C,
            "static int read_xml(const char *p, int n) {\n  int sum = 0;\n  for (int i = 0; i < n; i++) {\n    sum += p[i] * 2;\n  }\n  return sum;\n}\n",
            "",
        ),
        (
            O::BranchGone,
            "cli.py",
            "import argparse\nsub = parser.add_subparsers()\nsub.add_parser('unpack')\nsub.add_parser('pack')\n",
            "sub.add_parser('unpack')\n",
            "",
        ),
        (
            O::FeatureGone,
            "whole.c",
            C,
            C,
            "int nothing(void) { return 0; }\n",
        ),
        (O::FeatureGone, "gone.rs", RS, RS, ""),
    ];
    all_wrong(&table(rows));
}
