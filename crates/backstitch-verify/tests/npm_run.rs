//! What fetching, changing, building and testing a project of npm's does and tells, without a
//! network.

mod npm_bench;

use backstitch_model::candidate::Step;
use backstitch_model::package::{Ecosystem, PackageVersion};
use backstitch_model::tests::TestOutcome;
use backstitch_model::{Outcome, RelPath};
use backstitch_verify::workbench::{Applied, Baseline, Cause, Start};
use npm_bench::Bench;

const MANIFEST: &str = r#"{
  "name": "app",
  "version": "1.0.0",
  "scripts": {
    "prebuild": "echo before",
    "build": "node build.js",
    "test": "node --test test.js && eslint ."
  },
  "dependencies": {
    "leaf": "file:lib/leaf"
  }
}
"#;

const LOCK: &str = r#"{
  "name": "app",
  "version": "1.0.0",
  "lockfileVersion": 3,
  "requires": true,
  "packages": {
    "": {
      "name": "app",
      "version": "1.0.0",
      "dependencies": {
        "leaf": "file:lib/leaf"
      }
    },
    "lib/leaf": {
      "version": "1.0.0",
      "hasInstallScript": true,
      "engines": {
        "node": ">=9999"
      }
    },
    "node_modules/leaf": {
      "resolved": "lib/leaf",
      "link": true
    }
  }
}
"#;

/// A package of the project's own whose installation would leave a mark.
const LEAF: &str = r#"{"name": "leaf", "version": "1.0.0", "main": "index.js",
    "engines": {"node": ">=9999"},
    "scripts": {"postinstall": "node -e \"require('fs').writeFileSync('mark', '')\""}}"#;

const TEST: &str = "const test = require('node:test');\nconst assert = require('node:assert');\n\
    const fs = require('fs');\n\
    test('leaf', async (t) => {\n  await t.test('answers', () => assert.equal(require('leaf'), 42));\n  \
    await t.test('ran no script', () => assert.ok(!fs.existsSync('lib/leaf/mark')));\n});\n\
    test('sees no network', () => assert.ok(!Object.keys(require('os').networkInterfaces())\
    .some((name) => name !== 'lo')));\n\
    test('later', { skip: true }, () => {});\n\
    test('built', () => assert.equal(fs.readFileSync('built', 'utf8'), 'yes'));\n";

const PROJECT: &[(&str, &str)] = &[
    ("package.json", MANIFEST),
    ("package-lock.json", LOCK),
    ("lib/leaf/package.json", LEAF),
    ("lib/leaf/index.js", "module.exports = 42;\n"),
    (
        "lib/worse/package.json",
        r#"{"name": "leaf", "version": "1.0.1", "main": "index.js"}"#,
    ),
    ("lib/worse/index.js", "module.exports = 43;\n"),
    ("build.js", "require('fs').writeFileSync('built', 'yes');\n"),
    ("test.js", TEST),
    // Were it in force while packages are fetched, npm would run their scripts, and refuse this node.
    (".npmrc", "ignore-scripts=false\nengine-strict=true\n"),
];

fn names(baseline: &Baseline, outcome: TestOutcome) -> Vec<&str> {
    baseline.report.names(outcome).collect()
}

#[test]
fn a_project_is_installed_without_scripts_and_its_tests_are_told_by_name() {
    let Some(bench) = Bench::new() else { return };
    let baseline = bench.baseline(&bench.tree("tree", PROJECT));
    assert_eq!(baseline.build.outcome, Outcome::Passed);
    assert_eq!(
        names(&baseline, TestOutcome::Passed),
        [
            "built",
            "leaf > answers",
            "leaf > ran no script",
            "sees no network"
        ],
        "{:?}",
        baseline.regress
    );
    assert_eq!(names(&baseline, TestOutcome::Ignored), ["later"]);
    assert_eq!(baseline.report.gaps, Vec::<String>::new());
    let notes = baseline.build.notes.join("\n");
    assert!(
        notes.contains("`node --test --test-reporter=tap test.js`"),
        "{notes}"
    );
    assert!(
        notes.contains("left out of the tests: `eslint .`"),
        "{notes}"
    );
    // What the project's programs wrote is nowhere in its tree.
    assert!(!bench.path("tree/built").exists() && !bench.path("tree/node_modules").exists());
}

#[test]
fn a_change_that_breaks_a_test_is_told_and_the_lockfile_changes_no_more_than_it_must() {
    let Some(bench) = Bench::new() else { return };
    let baseline = bench.baseline(&bench.tree("tree", PROJECT));
    let same = bench.attempt(&baseline, &bench.tree("same", PROJECT), &[Step::Relock]);
    assert_eq!(
        (same.0.outcome, same.1.outcome),
        (Outcome::Passed, Outcome::Passed)
    );
    assert_eq!(bench.read("same/package-lock.json"), LOCK);
    let steps = [
        Step::WriteManifest {
            path: RelPath::new("package.json").unwrap(),
            text: MANIFEST.replace("lib/leaf", "lib/worse"),
        },
        Step::Relock,
    ];
    let (build, regress) = bench.attempt(&baseline, &bench.tree("worse", PROJECT), &steps);
    assert_eq!(build.outcome, Outcome::Passed);
    match regress.outcome {
        Outcome::Failed(why) => assert!(why.contains("leaf > answers"), "{why}"),
        other => panic!("{other}"),
    }
    let lock = bench.read("worse/package-lock.json");
    assert!(
        lock.contains("lib/worse") && !lock.contains("lib/leaf"),
        "{lock}"
    );
}

#[test]
fn a_change_made_beside_a_trial_is_what_it_is_alone_and_disturbs_none() {
    let Some(bench) = Bench::new() else { return };
    let baseline = bench.baseline(&bench.tree("tree", PROJECT));
    let (tree, work) = (bench.tree("worse", PROJECT), bench.path("worse-work"));
    std::fs::create_dir_all(&work).unwrap();
    let workbench = bench.workbench();
    if !workbench.can_work_beside(&work).unwrap() {
        return;
    }
    let steps = [
        Step::WriteManifest {
            path: RelPath::new("package.json").unwrap(),
            text: MANIFEST.replace("lib/leaf", "lib/worse"),
        },
        Step::Relock,
    ];
    let (applied, same) = std::thread::scope(|scope| {
        let beside = scope.spawn(|| workbench.apply_beside(&tree, &steps, &work));
        let same = bench.attempt(&baseline, &bench.tree("same", PROJECT), &[]);
        (beside.join().unwrap().unwrap(), same)
    });
    assert_eq!(applied, Applied::Done(Vec::new()));
    assert_eq!(same.1.outcome, Outcome::Passed);
    let attempt = workbench
        .attempt(&baseline, &tree, Start::Warm, &work)
        .unwrap();
    let build = workbench.build_attempt(&baseline, &attempt).unwrap();
    assert_eq!(build.outcome, Outcome::Passed);
    match workbench
        .test_attempt(&baseline, &attempt)
        .unwrap()
        .0
        .outcome
    {
        Outcome::Failed(why) => assert!(why.contains("leaf > answers"), "{why}"),
        other => panic!("{other}"),
    }
}

#[test]
fn what_is_not_on_this_machine_is_refused_for_want_of_a_network() {
    let Some(bench) = Bench::new() else { return };
    let tree = bench.tree("tree", PROJECT);
    let step = Step::UpdatePackage {
        package: PackageVersion {
            ecosystem: Ecosystem::Npm,
            name: "leaf".into(),
            version: "1.0.0".into(),
        },
        to: Some("1.0.1".into()),
    };
    let applied = bench
        .workbench()
        .apply(&tree, &[step], &bench.path("work"))
        .unwrap();
    match applied {
        Applied::Refused(refusal) => assert_eq!(refusal.cause, Cause::Network, "{refusal:?}"),
        Applied::Done(_) => panic!("it was done"),
    }
}

#[test]
fn a_lockfile_that_does_not_fit_its_manifest_is_not_installed() {
    let Some(bench) = Bench::new() else { return };
    let tree = bench.tree("tree", PROJECT);
    std::fs::write(
        tree.root.join("package.json"),
        MANIFEST.replace("\"leaf\"", "\"other\""),
    )
    .unwrap();
    let fetched = bench.workbench().fetch(&tree, &bench.path("work")).unwrap();
    match fetched {
        Applied::Refused(refusal) => {
            assert_eq!(refusal.cause, Cause::Manager);
            assert!(refusal.message.contains("EUSAGE"), "{refusal:?}");
        }
        Applied::Done(_) => panic!("it was done"),
    }
}

#[test]
fn a_project_that_names_a_git_source_is_refused_before_npm_starts() {
    let Some(bench) = Bench::new() else { return };
    let git = "git+file:///tmp/evil";
    let lock = LOCK.replace(
        "\"resolved\": \"lib/leaf\",\n      \"link\": true",
        &format!("\"version\": \"1.0.0\",\n      \"resolved\": \"{git}#0\""),
    );
    for (name, path, text) in [
        ("locked", "package-lock.json", lock),
        (
            "required",
            "package.json",
            MANIFEST.replace("file:lib/leaf", git),
        ),
        (
            "inside",
            "lib/leaf/package.json",
            format!(r#"{{"dependencies": {{"x": "{git}"}}}}"#),
        ),
    ] {
        let tree = bench.tree(name, PROJECT);
        std::fs::write(tree.root.join(path), text).unwrap();
        let work = bench.path(&format!("{name}-work"));
        match bench.workbench().fetch(&tree, &work).unwrap() {
            Applied::Refused(refusal) => {
                let start = format!("`{path}` names the git source `{git}");
                assert!(refusal.message.starts_with(&start), "{refusal:?}");
            }
            Applied::Done(_) => panic!("{name} was fetched"),
        }
        assert!(!work.join("installed/node_modules").exists());
    }
}
