//! What fetching, building and testing a Python project tells. The packages are made here, and
//! an index on this machine serves them; where there is no Python with pip, nothing is tested.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod python_index;

use std::fs;
use std::path::{Path, PathBuf};

use backstitch_model::candidate::Step;
use backstitch_model::package::{Ecosystem, PackageVersion};
use backstitch_model::reproducer::{Program, Seen, Sight};
use backstitch_model::tests::TestOutcome;
use backstitch_model::{AdvisoryId, CheckRun, Outcome, RelPath, Reproducer};
use backstitch_verify::python::Python;
use backstitch_verify::workbench::{Applied, Attempt, Baseline, Inputs, Start, Tree, Workbench};
use python_index::Index;

/// Makes wheels of `left` and a source archive of `right`, whose build tries to get out, and
/// serves them.
const INDEX: &str = r#"
import base64, functools, hashlib, http.server, io, os, sys, tarfile, zipfile
root = sys.argv[1]

def place(project, name, body):
    folder = os.path.join(root, 'simple', project)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), 'wb') as file:
        file.write(body)
    digest = hashlib.sha256(body).hexdigest()
    with open(os.path.join(folder, 'index.html'), 'a') as file:
        file.write(f'<a href="{name}#sha256={digest}">{name}</a>\n')

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
    body = io.BytesIO()
    with zipfile.ZipFile(body, 'w') as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return body.getvalue()

BACKEND = '''
import base64, os, socket
WHEEL = %r
def reached():
    found = []
    for path in ['/sandbox/downloads/planted', '/sandbox/scripts/planted']:
        try:
            open(path, 'w').close()
            found.append(path)
        except OSError:
            pass
    try:
        socket.create_connection(('192.0.2.1', 80), 2)
        found.append('network')
    except OSError:
        pass
    return found
def build_wheel(directory, config_settings=None, metadata_directory=None):
    if reached():
        raise SystemExit('reached ' + ' '.join(reached()))
    name = 'right-1.0-py3-none-any.whl'
    with open(os.path.join(directory, name), 'wb') as file:
        file.write(base64.b64decode(WHEEL))
    return name
'''

for version, source in [
    ('1.0', 'def answer(): return 41'),
    ('1.1', 'def answer(): return 42'),
    ('1.2', 'def answer(): return 42'),
    ('1.1.1', 'def question(): return 42'),
]:
    place('left', f'left-{version}-py3-none-any.whl', wheel('left', version, source))
built = wheel('right', '1.0', 'VALUE = 7', ['left<1.2'])
def source(name, backend):
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode='w:gz') as archive:
        for path, text in {
            f'{name}-1.0/PKG-INFO': f'Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n',
            f'{name}-1.0/pyproject.toml': '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
            f'{name}-1.0/backend.py': backend,
        }.items():
            info = tarfile.TarInfo(path)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    place(name, f'{name}-1.0.tar.gz', body.getvalue())

source('right', BACKEND % base64.b64encode(built).decode())
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=root)
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
address = f'http://127.0.0.1:{server.server_port}/simple/evil/evil-1.0.tar.gz'
for version in ['1.0', '2.0']:
    needs = ['left', f'deep=={version}']
    place('high', f'high-{version}-py3-none-any.whl', wheel('high', version, 'import left, deep', needs))
    place('deep', f'deep-{version}-py3-none-any.whl', wheel('deep', version, f'VERSION = {version!r}'))
source('evil', "open('/sandbox/downloads/planted', 'w').close()")
place('lure', 'lure-1.0-py3-none-any.whl', wheel('lure', '1.0', '', [f'evil @ {address}']))
print(server.server_port, flush=True)
server.serve_forever()
"#;

const TESTS: &str = "import unittest\nimport left, right\n\
    class Case(unittest.TestCase):\n    def test_left(self):\n        self.assertGreater(left.answer(), 40)\n\
    \x20   def test_right(self):\n        self.assertEqual(right.VALUE, 7)\n\
    \x20   def test_older(self):\n        self.assertEqual(left.answer(), 41)\n";

const PINS: &str = "left==1.0\nright==1.0\n";

/// An index, and a `Python` that asks only that.
struct Bench {
    index: Index,
    python: Python,
}

impl Bench {
    fn new() -> Option<Self> {
        let (index, python) = Index::new(INDEX)?;
        Some(Self { index, python })
    }

    fn workbench(&self) -> Workbench<'_> {
        Workbench::new(&self.python)
    }

    /// Where the workbench keeps what it downloads for this Python.
    fn downloads(&self) -> PathBuf {
        let release = &self.python.interpreter().release;
        let line: Vec<_> = release.split('.').take(2).collect();
        self.path("cache")
            .join(format!("python-{}", line.join(".")))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.index.path(name)
    }

    fn tree(&self, name: &str, pins: &str) -> Tree {
        let root = self.path(name);
        write(&root.join("requirements/dev.txt"), pins);
        write(&root.join("test_it.py"), TESTS);
        Tree {
            root,
            lockfile: RelPath::new("requirements/dev.txt").unwrap(),
        }
    }

    fn baseline(&self) -> Baseline {
        let tree = self.tree("base", PINS);
        let applied = self
            .workbench()
            .fetch(&tree, &self.path("base-work"))
            .unwrap();
        let Applied::Done(notes) = applied else {
            panic!("{applied:?}")
        };
        assert_eq!(notes.len(), 1, "right has no wheel: {notes:?}");
        let workbench = self.workbench();
        let mut baseline = workbench.baseline(&tree, &self.path("base-work")).unwrap();
        assert_eq!(baseline.build.outcome, Outcome::Passed);
        workbench.test_baseline(&mut baseline).unwrap();
        baseline
    }

    /// Changes the pins by a recipe, then builds and tests.
    fn attempt(&self, baseline: &Baseline, name: &str, pins: &str) -> (CheckRun, Option<CheckRun>) {
        let tree = self.tree(name, PINS);
        let work = self.path(&format!("{name}-work"));
        let step = Step::WriteManifest {
            path: tree.lockfile.clone(),
            text: pins.into(),
        };
        let workbench = self.workbench();
        let applied = workbench.apply(&tree, &[step], &work).unwrap();
        assert!(matches!(applied, Applied::Done(_)), "{applied:?}");
        let attempt: Attempt = workbench
            .attempt(baseline, &tree, Start::Warm, &work)
            .unwrap();
        let build = workbench.build_attempt(baseline, &attempt).unwrap();
        if build.outcome != Outcome::Passed {
            return (build, None);
        }
        let regress = workbench.test_attempt(baseline, &attempt).unwrap().0;
        (build, Some(regress))
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[track_caller]
fn failed(run: &CheckRun, why: &str) {
    match &run.outcome {
        Outcome::Failed(reason) => assert!(reason.contains(why), "{reason}"),
        other => panic!("{other}, {:?}", run.notes),
    }
}

#[test]
fn a_source_archive_is_built_behind_the_walls_and_every_test_is_named() {
    let Some(bench) = Bench::new() else { return };
    let baseline = bench.baseline();
    let passed: Vec<_> = baseline.report.names(TestOutcome::Passed).collect();
    assert_eq!(
        passed,
        [
            "test_it.Case.test_left",
            "test_it.Case.test_older",
            "test_it.Case.test_right"
        ]
    );
}

#[test]
fn an_attempt_installs_what_it_changes_and_is_judged_by_tests_and_conflicts() {
    let Some(bench) = Bench::new() else { return };
    let baseline = bench.baseline();
    let (_, regress) = bench.attempt(&baseline, "same", PINS);
    assert_eq!(regress.unwrap().outcome, Outcome::Passed);
    let (build, regress) = bench.attempt(&baseline, "later", "left==1.1\nright==1.0\n");
    assert_eq!(build.outcome, Outcome::Passed);
    failed(&regress.unwrap(), "test_it.Case.test_older");
    let (_, regress) = bench.attempt(&baseline, "renamed", "left==1.1.1\nright==1.0\n");
    failed(&regress.unwrap(), "test_it.Case.test_left");
    let (build, _) = bench.attempt(&baseline, "unfit", "left==1.2\nright==1.0\n");
    failed(&build, "packages no longer fit together");
}

#[test]
fn what_is_fetched_beside_a_trial_comes_to_the_downloads_whole() {
    let Some(bench) = Bench::new() else { return };
    let baseline = bench.baseline();
    let workbench = bench.workbench();
    let (tree, work) = (bench.tree("beside", PINS), bench.path("beside-work"));
    fs::create_dir_all(&work).unwrap();
    if !workbench.can_work_beside(&work).unwrap() {
        return;
    }
    let step = Step::WriteManifest {
        path: tree.lockfile.clone(),
        text: "left==1.1\nright==1.0\n".into(),
    };
    let name = "left-1.1-py3-none-any.whl";
    assert!(!bench.downloads().join(name).exists());
    let applied = workbench.apply_beside(&tree, &[step], &work).unwrap();
    assert!(matches!(applied, Applied::Done(_)), "{applied:?}");
    // pip wrote to the layer, and what is in place is a copy that was put there in one step.
    let written = fs::read(work.join("beside/changes").join(name)).unwrap();
    assert_eq!(written, fs::read(bench.downloads().join(name)).unwrap());
    let attempt = workbench
        .attempt(&baseline, &tree, Start::Warm, &work)
        .unwrap();
    let build = workbench.build_attempt(&baseline, &attempt).unwrap();
    assert_eq!(build.outcome, Outcome::Passed);
    let regress = workbench.test_attempt(&baseline, &attempt).unwrap().0;
    failed(&regress, "test_it.Case.test_older");
}

#[test]
fn a_release_that_is_not_there_is_not_installed_and_a_wrong_hash_is_refused() {
    let Some(bench) = Bench::new() else { return };
    let work = bench.path("work");
    let gone = bench.tree("gone", "left==9.9\n");
    let Applied::Done(notes) = bench.workbench().fetch(&gone, &work).unwrap() else {
        panic!("it is told and no error")
    };
    assert!(
        notes[0].contains("has nothing for this machine"),
        "{notes:?}"
    );
    let hash = format!("left==1.0 --hash=sha256:{}\n", "0".repeat(64));
    let forged = bench.tree("forged", &hash);
    let applied = bench.workbench().fetch(&forged, &work).unwrap();
    let Applied::Refused(refusal) = applied else {
        panic!("{applied:?}")
    };
    assert!(refusal.message.contains("HASH"), "{}", refusal.message);
}

#[test]
fn an_archive_that_a_wheel_asks_for_by_its_address_is_not_built_with_a_network() {
    let Some(bench) = Bench::new() else { return };
    let tree = bench.tree("lured", "lure>=1\n");
    let applied = bench.workbench().fetch(&tree, &bench.path("work")).unwrap();
    let Applied::Done(notes) = applied else {
        panic!("{applied:?}")
    };
    let caches = fs::read_dir(bench.path("cache")).unwrap();
    for cache in caches {
        assert!(!cache.unwrap().path().join("planted").exists());
    }
    assert!(notes[0].contains("is not built here"), "{notes:?}");
}

fn reproducer(package: &str, program: &str, input: &str) -> Reproducer {
    Reproducer {
        name: "answer".into(),
        advisories: vec![AdvisoryId::new("TEST-1").unwrap()],
        ecosystem: Ecosystem::PyPi,
        package: package.into(),
        shows: "the answer is wrong".into(),
        program: Program {
            name: "check.py".into(),
            text: program.into(),
        },
        inputs: vec![input.into()],
        time_limit_s: 60,
        features: Vec::new(),
        seen: None,
    }
}

#[test]
fn a_release_is_checked_with_what_it_requires_and_with_what_is_named_beside_it() {
    let Some(bench) = Bench::new() else { return };
    let look = |package: &str, version: &str, requires: &[&str], wanted: &str| {
        let program = format!(
            "import importlib.metadata as about, sys, {package}\n\
             found = [about.version(name) for name in sys.argv[1].split()]\n\
             sys.exit(42 if ' '.join(found) == '{wanted}' else repr(found))\n"
        );
        let names = ["high left deep", "right left"][usize::from(package == "right")];
        let seen = Seen {
            vulnerable: version.into(),
            fixed: version.into(),
            requires: requires.iter().map(|text| (*text).into()).collect(),
        };
        let reproducer = Reproducer {
            seen: Some(seen),
            ..reproducer(package, &program, names)
        };
        let root = bench.path(&format!("{package}-{version}-{}", requires.len()));
        fs::create_dir_all(&root).unwrap();
        let work = root.with_extension("work");
        let workbench = bench.workbench();
        let specimen = workbench.specimen(&reproducer, version, &root, &work);
        let (tree, applied) = specimen.unwrap();
        assert!(matches!(applied, Applied::Done(_)), "{applied:?}");
        let baseline = workbench.baseline(&tree, &work).unwrap();
        assert_eq!(baseline.build.outcome, Outcome::Passed);
        let package = PackageVersion {
            ecosystem: Ecosystem::PyPi,
            name: package.into(),
            version: version.into(),
        };
        let seen = workbench.reproduce_before(&baseline, &reproducer, &package, Inputs::Listed);
        seen.unwrap().listed.remove(0).sight
    };
    // The newest of what is required without a version, and the other as this release needs it.
    assert_eq!(look("high", "1.0", &[], "1.0 1.2 1.0"), Sight::Present);
    let beside = look("high", "2.0", &["left<1.1"], "2.0 1.0 2.0");
    assert_eq!(beside, Sight::Present);
    // What a source archive requires nobody can tell before it is built, so it is named.
    assert_eq!(
        look("right", "1.0", &["left==1.1"], "1.0 1.1"),
        Sight::Present
    );
}

#[test]
fn a_reproducer_tells_nothing_of_a_version_that_is_not_installed() {
    let Some(bench) = Bench::new() else { return };
    let baseline = bench.baseline();
    let reproducer = reproducer(
        "left",
        "import left, sys\nsys.exit(42 if left.answer() == int(sys.argv[1]) else 1)\n",
        "41",
    );
    let look = |version: &str| {
        let package = PackageVersion {
            ecosystem: Ecosystem::PyPi,
            name: "Left".into(),
            version: version.into(),
        };
        let workbench = bench.workbench();
        let seen = workbench.reproduce_before(&baseline, &reproducer, &package, Inputs::Listed);
        seen.unwrap().listed.remove(0).sight
    };
    assert_eq!(look("1.0"), Sight::Present);
    assert_eq!(look("1.0.0"), Sight::Present);
    match look("1.1") {
        Sight::Inconclusive(why) => assert!(why.contains("is not what is installed"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn no_older_release_stands_in_for_one_that_is_not_there() {
    let Some(bench) = Bench::new() else { return };
    let baseline = bench.baseline();
    let workbench = bench.workbench();
    let pins = "left==9.9\nright==1.0\n";
    let tree = bench.tree("changed", PINS);
    let step = Step::WriteManifest {
        path: tree.lockfile.clone(),
        text: pins.into(),
    };
    let applied = workbench.apply(&tree, &[step], &bench.path("changed-work"));
    match applied.unwrap() {
        Applied::Refused(refusal) => {
            let said = refusal.message;
            assert!(said.contains("`left` 9.9 has nothing"), "{said}");
        }
        Applied::Done(notes) => panic!("{notes:?}"),
    }
    // Where it is lacking anyway, an environment with another one does not build.
    let (tree, work) = (bench.tree("lacking", pins), bench.path("lacking-work"));
    let applied = workbench.apply(&tree, &[], &work).unwrap();
    assert!(matches!(applied, Applied::Done(_)), "{applied:?}");
    let attempt = workbench.attempt(&baseline, &tree, Start::Warm, &work);
    let build = workbench.build_attempt(&baseline, &attempt.unwrap());
    failed(
        &build.unwrap(),
        "`left` 9.9 was not fetched, and 1.0 is installed",
    );
}

#[test]
fn what_nobody_pins_is_resolved_from_wheels_and_installed_as_resolved() {
    let Some(bench) = Bench::new() else { return };
    let tree = bench.tree("loose", "left>=1.0,<1.2  # why\n");
    let work = bench.path("loose-work");
    let resolved = bench.python.resolve(&tree, &work).unwrap().unwrap();
    let told: Vec<_> = resolved
        .iter()
        .map(|one| format!("{} {}", one.name, one.version))
        .collect();
    assert_eq!(told, ["left 1.1.1"]);
    let applied = bench.workbench().fetch(&tree, &work).unwrap();
    assert_eq!(applied, Applied::Done(Vec::new()));
    let baseline = bench.workbench().baseline(&tree, &work).unwrap();
    assert_eq!(baseline.build.outcome, Outcome::Passed);
    // A manifest that nothing locks is asked about in the same way, and so is a changed one.
    let alone = bench.tree("alone", "");
    write(
        &alone.root.join("pyproject.toml"),
        "[project]\nname = \"app\"\ndependencies = [\"left<1.1\"]\n",
    );
    let alone = Tree {
        lockfile: RelPath::new("pyproject.toml").unwrap(),
        ..alone
    };
    let work = bench.path("alone-work");
    let version = |tree: &Tree| {
        bench.python.resolve(tree, &work).unwrap().unwrap()[0]
            .version
            .clone()
    };
    let before = version(&alone);
    assert!(before.starts_with("1.0"), "{before}");
    write(
        &alone.root.join("pyproject.toml"),
        "[project]\nname = \"app\"\ndependencies = [\"left<1.2\"]\n",
    );
    assert_eq!(version(&alone), "1.1.1");
    // What requires an archive at an address is not resolved, and nothing of it runs.
    let lured = bench.tree("lured", "lure\n");
    let why = bench
        .python
        .resolve(&lured, &bench.path("lured-work"))
        .unwrap();
    assert!(why.is_err(), "{why:?}");
    let cache = fs::read_dir(bench.path("cache")).unwrap().flatten();
    for folder in cache {
        assert!(!folder.path().join("planted").exists());
    }
    // Where everything is pinned, pip is not asked.
    let pinned = bench.tree("pinned", PINS);
    let none = bench.python.resolve(&pinned, &bench.path("pinned-work"));
    assert_eq!(none.unwrap(), Ok(Vec::new()));
    assert!(!bench.path("pinned-work").exists());
}
