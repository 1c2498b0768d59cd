//! What moving packages of a project of uv's, Poetry's or Pipenv's does and tells. The packages are
//! made here, and an index on this machine serves them. Each test is skipped, with a word, where
//! the tool is not on the `PATH`, or there is no Python with pip.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod python_index;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use backstitch_model::candidate::Step;
use backstitch_model::package::{Ecosystem, PackageVersion};
use backstitch_model::{Outcome, RelPath};
use backstitch_verify::python::Python;
use backstitch_verify::workbench::{Applied, Cause, Start, Tree, Workbench};
use python_index::{Index, skipped};

/// Makes wheels and serves them; with a second argument it makes the later ones. Of `right` there
/// is a source archive alone, which says nothing of what it requires until it is built.
const INDEX: &str = r#"
import hashlib, http.server, io, json, os, sys, tarfile, zipfile
root = sys.argv[1]

def wheel(name, version, source, requires=()):
    info = f'{name}-{version}.dist-info'
    metadata = f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n'
    metadata += ''.join(f'Requires-Dist: {text}\n' for text in requires)
    files = {
        f'{name}/__init__.py': source,
        f'{info}/METADATA': metadata,
        f'{info}/WHEEL': 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    }
    files[f'{info}/RECORD'] = ''.join(f'{path},,\n' for path in files) + f'{info}/RECORD,,\n'
    os.makedirs(os.path.join(root, name), exist_ok=True)
    with zipfile.ZipFile(os.path.join(root, name, f'{name}-{version}-py3-none-any.whl'), 'w') as archive:
        for path, text in files.items():
            archive.writestr(path, text)

def source(name, setup):
    os.makedirs(os.path.join(root, name), exist_ok=True)
    with tarfile.open(os.path.join(root, name, f'{name}-1.0.tar.gz'), 'w:gz') as archive:
        for path, text in {'setup.py': setup, 'PKG-INFO': f'Metadata-Version: 1.0\nName: {name}\nVersion: 1.0\n'}.items():
            info = tarfile.TarInfo(f'{name}-1.0/{path}')
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        parts = self.path.split('?')[0].strip('/').split('/')
        kind, body = 'application/octet-stream', None
        if len(parts) == 2 and parts[0] == 'simple' and os.path.isdir(os.path.join(root, parts[1])):
            kind, files = 'application/vnd.pypi.simple.v1+json', []
            for name in sorted(os.listdir(os.path.join(root, parts[1]))):
                with open(os.path.join(root, parts[1], name), 'rb') as file:
                    digest = hashlib.sha256(file.read()).hexdigest()
                files.append({'filename': name, 'url': f'/files/{parts[1]}/{name}', 'hashes': {'sha256': digest}, 'yanked': False})
            body = json.dumps({'meta': {'api-version': '1.0'}, 'name': parts[1], 'files': files}).encode()
        elif len(parts) == 3 and parts[0] == 'files':
            with open(os.path.join(root, parts[1], parts[2]), 'rb') as file:
                body = file.read()
        self.send_response(200 if body is not None else 404)
        self.send_header('Content-Type', kind)
        self.send_header('Cache-Control', 'no-store')
        self.send_header('Content-Length', str(len(body or b'')))
        self.end_headers()
        if self.command == 'GET':
            self.wfile.write(body or b'')
    do_HEAD = do_GET
    def log_message(self, *_):
        pass

if len(sys.argv) > 2:
    wheel('left', '1.1', 'import extra\ndef answer(): return 42', ['extra'])
    wheel('left', '1.2', 'def answer(): return 43')
    wheel('left', '1.3', 'import right', ['right'])
    wheel('left', '1.4', '', [f'right @ {sys.argv[2]}/files/right/right-1.0.tar.gz'])
    wheel('other', '2.0', '')
    wheel('extra', '1.0', '')
    source('right', "open('/sandbox/relock/planted', 'w').close()\nopen('/sandbox/tool-cache/planted', 'w').close()\n")
else:
    wheel('left', '1.0', 'def answer(): return 41')
    wheel('other', '1.0', '')
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
"#;

const TEST: &str = "import unittest\nimport left\nclass Case(unittest.TestCase):\n    \
    def test_left(self):\n        self.assertGreater(left.answer(), 40)\n";

/// An index, a `Python` that asks only that, and the lockfile of whose tool this is.
struct Bench {
    index: Index,
    python: Python,
    lockfile: &'static str,
}

impl Bench {
    fn new(lockfile: &'static str) -> Option<Self> {
        let (index, python) = Index::new(INDEX)?;
        let bench = Self {
            index,
            python,
            lockfile,
        };
        let empty = bench.tree("empty", "");
        match bench.python.lacks_tool_for(&empty) {
            Some(why) => skipped(&why),
            None => Some(bench),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.index.path(name)
    }

    fn manifest(&self) -> (&'static str, String) {
        match self.lockfile {
            "uv.lock" => (
                "pyproject.toml",
                "[project]\nname = \"app\"\nversion = \"0\"\nrequires-python = \">=3.9\"\n\
                 dependencies = [\n    \"left>=1\", # why\n    \"other\",\n]\n"
                    .to_owned(),
            ),
            "poetry.lock" => (
                "pyproject.toml",
                "[tool.poetry]\nname = \"app\"\nversion = \"0\"\ndescription = \"\"\nauthors = []\n\
                 package-mode = false\n\n[tool.poetry.dependencies]\npython = \"^3.9\"\n\
                 left = \"^1\" # why\nother = \"*\"\n"
                    .to_owned(),
            ),
            _ => (
                "Pipfile",
                format!(
                    "[[source]]\nurl = \"{}\"\nverify_ssl = false\nname = \"pypi\"\n\n[packages]\n\
                     left = \"*\" # why\nother = \"*\"\n",
                    self.index.address
                ),
            ),
        }
    }

    fn tree(&self, name: &str, lock: &str) -> Tree {
        let root = self.path(name);
        let (manifest, text) = self.manifest();
        write(&root.join(manifest), &text);
        write(&root.join("test_it.py"), TEST);
        write(&root.join(self.lockfile), lock);
        Tree {
            root,
            lockfile: RelPath::new(self.lockfile).unwrap(),
        }
    }

    fn lock(&self, name: &str) -> String {
        fs::read_to_string(self.path(name).join(self.lockfile)).unwrap()
    }

    fn apply(&self, tree: &Tree, step: Step) -> Applied {
        let name = tree.root.file_name().unwrap().to_str().unwrap();
        let work = self.path(&format!("{name}-work"));
        let workbench = Workbench::new(&self.python);
        workbench.apply(tree, &[step], &work).unwrap()
    }

    /// The later releases appear.
    fn publish(&self) {
        let done = Command::new(&self.python.interpreter().program)
            .args(["-c", INDEX])
            .arg(self.path("index"))
            .arg(self.index.address.trim_end_matches("/simple"))
            .status()
            .unwrap();
        assert!(done.success());
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn left(to: &str) -> Step {
    Step::UpdatePackage {
        package: PackageVersion {
            ecosystem: Ecosystem::PyPi,
            name: "left".into(),
            version: "1.0".into(),
        },
        to: Some(to.into()),
    }
}

#[track_caller]
fn refused(applied: Applied) -> (Cause, String) {
    match applied {
        Applied::Refused(refusal) => (refusal.cause, refusal.message),
        Applied::Done(notes) => panic!("it was done: {notes:?}"),
    }
}

/// From nothing to a lockfile, to a moved release, with all that must not happen on the way.
fn goes_all_the_way(bench: &Bench) {
    let tree = bench.tree("base", "");
    let applied = bench.apply(&tree, Step::Relock);
    assert!(matches!(applied, Applied::Done(_)), "{applied:?}");
    let before = bench.lock("base");
    assert!(
        before.contains("1.0") && !before.contains("extra"),
        "{before}"
    );
    let workbench = Workbench::new(&bench.python);
    let work = bench.path("base-work");
    let mut baseline = workbench.baseline(&tree, &work).unwrap();
    assert_eq!(baseline.build.outcome, Outcome::Passed);
    workbench.test_baseline(&mut baseline).unwrap();

    bench.publish();
    // The release that is planned, not the newest one; what it needs comes along, and no more.
    let moved = bench.tree("moved", &before);
    let applied = bench.apply(&moved, left("1.1"));
    assert!(matches!(applied, Applied::Done(_)), "{applied:?}");
    let after = bench.lock("moved");
    for there in ["left-1.1", "extra-1.0", "other-1.0"] {
        let name = there.split('-').next().unwrap();
        let is_named = after.contains(there) || bench.lockfile == "Pipfile.lock";
        assert!(is_named && after.contains(name), "{there}: {after}");
    }
    assert!(
        !after.contains("2.0.whl") && !after.contains("==2.0"),
        "{after}"
    );
    let (manifest, text) = bench.manifest();
    let kept = fs::read_to_string(bench.path("moved").join(manifest)).unwrap();
    assert_eq!(kept, text);
    let work = bench.path("moved-work");
    let attempt = workbench
        .attempt(&baseline, &moved, Start::Warm, &work)
        .unwrap();
    let build = workbench.build_attempt(&baseline, &attempt).unwrap();
    assert_eq!(build.outcome, Outcome::Passed, "{:?}", build.notes);
    let regress = workbench.test_attempt(&baseline, &attempt).unwrap().0;
    assert_eq!(regress.outcome, Outcome::Passed, "{:?}", regress.notes);

    // What is not there, and what would have to be built to learn what it requires.
    let gone = bench.tree("gone", &before);
    let (cause, message) = refused(bench.apply(&gone, left("9.9")));
    assert_eq!(cause, Cause::Manager, "{message}");
    // Of the second it says where that is.
    for to in ["1.3", "1.4"] {
        let archive = bench.tree("archive", &before);
        let (cause, message) = refused(bench.apply(&archive, left(to)));
        assert_eq!(cause, Cause::Manager, "{message}");
        assert!(!planted(&bench.path("cache")) && !planted(&bench.path("archive-work")));
        assert_eq!(bench.lock("archive"), before);
    }
}

/// Is a file of that name anywhere below?
fn planted(folder: &Path) -> bool {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| {
            entry.file_name() == "planted"
                || entry.file_type().unwrap().is_dir() && planted(&entry.path())
        })
}

/// What a tool must not be started for.
fn is_not_started(bench: &Bench, manifest: &str) {
    let tree = bench.tree("odd", "");
    write(&tree.root.join(bench.manifest().0), manifest);
    let (cause, message) = refused(bench.apply(&tree, left("1.1")));
    assert_eq!(cause, Cause::Manager);
    assert!(message.contains("names `"), "{message}");
    assert!(!bench.path("odd-work/own-tool").exists());
}

#[test]
fn uv_moves_what_is_planned_and_nothing_else() {
    let Some(bench) = Bench::new("uv.lock") else {
        return;
    };
    goes_all_the_way(&bench);
    let open = bench.tree("open", "");
    let text = "[project]\nname = \"app\"\ndynamic = [\"version\"]\n[build-system]\nrequires = [\"right\"]\n";
    write(&open.root.join("pyproject.toml"), text);
    let (_, message) = refused(bench.apply(&open, left("1.1")));
    assert!(message.contains("would build the project"), "{message}");
    is_not_started(
        &bench,
        "[project]\nname = \"app\"\nversion = \"0\"\ndependencies = [\"left @ git+https://example.org/left\"]\n",
    );
}

#[test]
fn poetry_moves_what_is_planned_and_nothing_else() {
    let Some(bench) = Bench::new("poetry.lock") else {
        return;
    };
    goes_all_the_way(&bench);
    is_not_started(
        &bench,
        "[tool.poetry.dependencies]\nleft = { git = \"https://example.org/left\" }\n",
    );
}

#[test]
fn pipenv_moves_what_is_planned_and_nothing_else() {
    let Some(bench) = Bench::new("Pipfile.lock") else {
        return;
    };
    goes_all_the_way(&bench);
    is_not_started(
        &bench,
        "[packages]\nleft = { git = \"https://example.org/left\" }\n",
    );
}
