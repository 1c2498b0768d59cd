//! What fetching, changing, building and testing projects of pnpm's and yarn's does and tells. Each
//! test is skipped, with a word, where the tool is not on the `PATH`.

mod node_registry;

use backstitch_model::Outcome;
use backstitch_model::candidate::Step;
use backstitch_model::package::{Ecosystem, PackageVersion};
use backstitch_model::tests::TestOutcome;
use backstitch_verify::npm::others::Tool;
use backstitch_verify::workbench::{Applied, Cause};
use node_registry::Bench;

const MANIFEST: &str = r#"{
  "name": "app",
  "version": "1.0.0",
  "private": true,
  "license": "MIT",
  "packageManager": "npm@1.0.0",
  "workspaces": ["packages/*"],
  "scripts": {
    "build": "node build.js",
    "test": "node --test test.js"
  },
  "dependencies": {
    "local": "file:lib/local",
    "mid": "1.0.0"
  }
}
"#;

const TEST: &str = "const test = require('node:test');\nconst assert = require('node:assert');\n\
    const fs = require('fs');\nconst path = require('path');\n\
    test('mid', () => assert.match(require('mid'), /^1\\.0\\.[01]$/));\n\
    test('local', () => assert.equal(require('local'), 42));\n\
    test('built', () => assert.equal(fs.readFileSync('built', 'utf8'), 'yes'));\n\
    test('ran no script', () => {\n  const leaf = path.dirname(require.resolve('leaf', \
    { paths: [require.resolve('mid')] }));\n  assert.ok(!fs.existsSync(path.join(leaf, 'mark')));\n});\n\
    test('sees no network', () => assert.ok(!Object.keys(require('os').networkInterfaces())\
    .some((name) => name !== 'lo')));\n";

/// Were one of the settings in force while packages are fetched, nothing would be fetched.
const PROJECT: &[(&str, &str)] = &[
    ("package.json", MANIFEST),
    (
        "packages/one/package.json",
        r#"{"name": "one", "version": "1.0.0"}"#,
    ),
    (
        "lib/local/package.json",
        r#"{"name": "local", "version": "1.0.0", "main": "index.js"}"#,
    ),
    ("lib/local/index.js", "module.exports = 42;\n"),
    ("build.js", "require('fs').writeFileSync('built', 'yes');\n"),
    ("test.js", TEST),
    (
        ".npmrc",
        "proxy=http://127.0.0.1:1/\nlockfile=false\nignore-scripts=false\n",
    ),
    (
        ".yarnrc",
        "proxy \"http://127.0.0.1:1/\"\nyarn-path \"./evil.js\"\n",
    ),
    (
        ".yarnrc.yml",
        "httpProxy: 'http://127.0.0.1:1/'\nenableScripts: true\nyarnPath: ./evil.js\n",
    ),
    ("evil.js", "process.exit(3);\n"),
    (
        ".pnpmfile.cjs",
        "if (!require('os').networkInterfaces().hasOwnProperty('none')) \
         module.exports = { hooks: { readPackage() { throw new Error('evil'); } } };\n",
    ),
];

const OF_PNPM: (&str, &str) = (
    "pnpm-workspace.yaml",
    "packages:\n  - packages/*\nlockfile: false\nproxy: http://127.0.0.1:1/\n",
);

fn leaf(to: &str) -> Step {
    Step::UpdatePackage {
        package: PackageVersion {
            ecosystem: Ecosystem::Npm,
            name: "leaf".into(),
            version: "1.0.0".into(),
        },
        to: Some(to.into()),
    }
}

/// From nothing to a lockfile, to a moved release, with all that must not happen on the way.
fn goes_all_the_way(bench: &Bench, lockfile: (&str, &str), locked: fn(&str, &str) -> bool) {
    let mut files = PROJECT.to_vec();
    files.push(lockfile);
    if lockfile.0 == "pnpm-lock.yaml" {
        files.push(OF_PNPM);
    }
    let tree = bench.tree("tree", lockfile.0, &files);
    assert_eq!(
        bench.apply(&tree, &[Step::Relock]),
        Applied::Done(Vec::new())
    );
    let before = bench.read(&format!("tree/{}", lockfile.0));
    assert!(locked(&before, "1.0.0"), "{before}");
    let baseline = bench.baseline(&tree);
    assert_eq!(baseline.build.outcome, Outcome::Passed);
    let passed: Vec<_> = baseline.report.names(TestOutcome::Passed).collect();
    assert_eq!(
        passed,
        ["built", "local", "mid", "ran no script", "sees no network"],
        "{:?}",
        baseline.regress
    );
    assert!(!bench.path("tree/node_modules").exists() && !bench.path("tree/built").exists());

    bench.publish();
    let mut again = files.clone();
    again.retain(|(name, _)| *name != lockfile.0);
    again.push((lockfile.0, &before));
    let same = bench.tree("same", lockfile.0, &again);
    assert_eq!(
        bench.apply(&same, &[Step::Relock]),
        Applied::Done(Vec::new())
    );
    assert_eq!(bench.read(&format!("same/{}", lockfile.0)), before);
    // The release that is planned, not the newest one; what it needs comes along.
    let moved = bench.tree("moved", lockfile.0, &again);
    assert_eq!(
        bench.apply(&moved, &[leaf("1.0.1")]),
        Applied::Done(Vec::new())
    );
    let after = bench.read(&format!("moved/{}", lockfile.0));
    assert!(
        locked(&after, "1.0.1") && !locked(&after, "1.0.0"),
        "{after}"
    );
    assert!(after.contains("extra@"), "{after}");
    assert_eq!(bench.read("moved/package.json"), MANIFEST);
    assert_eq!(
        bench.attempt(&baseline, &moved),
        (Outcome::Passed, Outcome::Passed)
    );
    let worse = bench.tree("worse", lockfile.0, &again);
    assert_eq!(
        bench.apply(&worse, &[leaf("1.0.2")]),
        Applied::Done(Vec::new())
    );
    match bench.attempt(&baseline, &worse) {
        (Outcome::Passed, Outcome::Failed(why)) => assert!(why.contains("mid"), "{why}"),
        other => panic!("{other:?}"),
    }
}

/// What a tool must not be started for, and what it must not mend.
fn refuses_what_it_must(bench: &Bench, lockfile: (&str, &str), odd: &str) {
    let mut files = PROJECT.to_vec();
    files.push(lockfile);
    if lockfile.0 == "pnpm-lock.yaml" {
        files.push(OF_PNPM);
    }
    let refused = |name: &str, path: &str, text: &str| {
        let tree = bench.tree(name, lockfile.0, &files);
        bench.write(&format!("{name}/{path}"), text);
        match bench.apply(&tree, &[]) {
            Applied::Refused(refusal) => (refusal.cause, refusal.message),
            Applied::Done(_) => panic!("{name} was fetched"),
        }
    };
    // A lockfile that does not fit the manifest.
    let (cause, message) = refused("stale", "package.json", MANIFEST);
    assert_eq!(cause, Cause::Manager, "{message}");
    let git = MANIFEST.replace("file:lib/local", "git+file:///tmp/evil");
    let (cause, message) = refused("required", "package.json", &git);
    assert_eq!(cause, Cause::Manifest);
    assert!(
        message.starts_with("`package.json` names `git+file:///tmp/evil`"),
        "{message}"
    );
    let (cause, message) = refused("locked", lockfile.0, odd);
    assert_eq!(cause, Cause::Manifest, "{message}");
    assert!(message.contains(" names `"), "{message}");
}

#[test]
fn pnpm_moves_what_is_planned_and_nothing_else() {
    let Some(bench) = Bench::new(Tool::pnpm) else {
        return;
    };
    let empty = ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n");
    goes_all_the_way(&bench, empty, |lock, version| {
        lock.contains(&format!("  leaf@{version}:"))
    });
}

#[test]
fn pnpm_is_not_started_for_what_it_must_not_fetch() {
    let Some(bench) = Bench::new(Tool::pnpm) else {
        return;
    };
    refuses_what_it_must(
        &bench,
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n"),
        "lockfileVersion: '9.0'\npackages:\n  x@1.0.0:\n    resolution: {type: git, repo: x, commit: y}\n",
    );
    let tree = bench.tree("old", "pnpm-lock.yaml", PROJECT);
    bench.write("old/pnpm-lock.yaml", "lockfileVersion: '6.0'\n");
    match bench.apply(&tree, &[]) {
        Applied::Refused(refusal) => {
            assert!(refusal.message.contains("pnpm@8"), "{}", refusal.message);
        }
        Applied::Done(_) => panic!("it was fetched"),
    }
}

#[test]
fn yarn_moves_what_is_planned_and_nothing_else() {
    let Some(bench) = Bench::new(Tool::yarn) else {
        return;
    };
    let is_classic = bench.about().contains("yarn 1.");
    let empty = if is_classic {
        "# yarn lockfile v1\n"
    } else {
        ""
    };
    let locked: fn(&str, &str) -> bool = if is_classic {
        |lock, version| lock.contains(&format!("leaf@^1.0.0:\n  version \"{version}\""))
    } else {
        |lock, version| lock.contains(&format!("resolution: \"leaf@npm:{version}"))
    };
    goes_all_the_way(&bench, ("yarn.lock", empty), locked);
}

#[test]
fn yarn_is_not_started_for_what_it_must_not_fetch() {
    let Some(bench) = Bench::new(Tool::yarn) else {
        return;
    };
    let is_classic = bench.about().contains("yarn 1.");
    let classic = "# yarn lockfile v1\n";
    let berry = "__metadata:\n  version: 8\n";
    let (own, others) = if is_classic {
        (classic, berry)
    } else {
        (berry, classic)
    };
    let odd = if is_classic {
        "# yarn lockfile v1\n\nx@^1:\n  version \"1.0.0\"\n  resolved \"git+ssh://git@x.example/x#0\"\n"
    } else {
        "__metadata:\n  version: 8\n\n\"x@exec:./x.js\":\n  version: 1.0.0\n  resolution: \"x@exec:./x.js\"\n"
    };
    refuses_what_it_must(&bench, ("yarn.lock", own), odd);
    let tree = bench.tree("other", "yarn.lock", PROJECT);
    bench.write("other/yarn.lock", others);
    match bench.apply(&tree, &[]) {
        Applied::Refused(refusal) => {
            assert!(
                refusal.message.contains("npm install"),
                "{}",
                refusal.message
            );
        }
        Applied::Done(_) => panic!("it was fetched"),
    }
}
