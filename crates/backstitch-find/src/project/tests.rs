//! Small trees on disk, each written by its test.

use backstitch_model::project::{DependencyKind, Manifest};

use super::*;

struct Tree(tempfile::TempDir);

impl Tree {
    fn new(files: &[(&str, &str)]) -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        for (name, content) in files {
            tree.file(name, content);
        }
        tree
    }

    fn file(&self, name: &str, content: &str) {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn discover(&self) -> Discovery {
        projects(&open(self.0.path()).unwrap())
    }
}

const LOCK: &str = "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n";

fn package(name: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n")
}

fn paths(manifests: &[Manifest]) -> Vec<&str> {
    manifests
        .iter()
        .map(|manifest| manifest.path.as_str())
        .collect()
}

fn told(problems: &[Problem]) -> Vec<String> {
    problems
        .iter()
        .map(|problem| format!("{}: {}", problem.path, problem.what))
        .collect()
}

#[test]
fn every_lockfile_is_a_project_and_built_or_hidden_folders_are_left_out() {
    let app = package("app");
    let tree = Tree::new(&[
        ("Cargo.lock", LOCK),
        ("Cargo.toml", &app),
        ("deep/er/Cargo.lock", LOCK),
        ("target/Cargo.lock", LOCK),
        ("node_modules/x/Cargo.lock", LOCK),
        (".hidden/Cargo.lock", LOCK),
        ("broken/Cargo.lock", "version = 9\n"),
    ]);
    let discovery = tree.discover();
    let found: Vec<_> = discovery
        .projects
        .iter()
        .map(|project| project.lockfile.as_str())
        .collect();
    assert_eq!(found, ["Cargo.lock", "deep/er/Cargo.lock"]);
    assert_eq!(paths(&discovery.projects[0].manifests), ["Cargo.toml"]);
    assert!(discovery.projects[1].manifests.is_empty());
    let problems = told(&discovery.problems);
    assert_eq!(problems.len(), 1);
    assert!(
        problems[0].starts_with("broken/Cargo.lock: it has format version 9"),
        "{problems:?}"
    );
}

#[test]
fn a_manifest_without_a_lockfile_is_told_once_for_its_workspace() {
    let (a, b) = (package("a"), package("b"));
    let tree = Tree::new(&[
        ("one/Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\n"),
        ("one/crates/a/Cargo.toml", &a),
        ("two/Cargo.toml", &b),
    ]);
    let problems = told(&tree.discover().problems);
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].starts_with("one/Cargo.toml: no Cargo.lock beside it"));
    assert!(problems[1].starts_with("two/Cargo.toml: no Cargo.lock beside it"));
}

#[cfg(unix)]
#[test]
fn links_and_devices_are_not_read() {
    use std::os::unix::fs::symlink;
    let outside = Tree::new(&[("Cargo.lock", LOCK), ("secret", "x")]);
    let tree = Tree::new(&[("Cargo.lock", LOCK), ("a/keep", ""), ("b/keep", "")]);
    let root = tree.0.path();
    symlink(outside.0.path(), root.join("linked")).unwrap();
    symlink(
        outside.0.path().join("Cargo.lock"),
        root.join("a/Cargo.lock"),
    )
    .unwrap();
    symlink("/dev/zero", root.join("Cargo.toml")).unwrap();
    tree.file("c/Cargo.lock", LOCK);
    tree.file("c/real.toml", &package("app"));
    symlink("real.toml", root.join("c/Cargo.toml")).unwrap();
    let status = std::process::Command::new("mkfifo")
        .arg(root.join("b/Cargo.lock"))
        .status();
    let discovery = tree.discover();
    assert_eq!(discovery.projects.len(), 2);
    assert!(
        discovery
            .projects
            .iter()
            .all(|project| project.manifests.is_empty())
    );
    let problems = told(&discovery.problems).join("\n");
    for path in ["Cargo.toml", "a/Cargo.lock"] {
        assert!(
            problems.contains(&format!("{path}: it is no regular file")),
            "{problems}"
        );
    }
    assert!(status.is_err() || problems.contains("b/Cargo.lock: it is no regular file"));
}

#[test]
fn members_are_found_by_patterns_names_and_paths() {
    let members = [
        "crates/a",
        "crates/b",
        "crates/out",
        "tools/x",
        "beside",
        "below/deep",
    ];
    let mut files: Vec<(String, String)> = members
        .iter()
        .map(|path| {
            (
                format!("{path}/Cargo.toml"),
                package(&path.replace('/', "-")),
            )
        })
        .collect();
    files.push((
        "Cargo.toml".into(),
        "[package]\nname = \"app\"\nversion = \"0.1.0\"\n[workspace]\n\
         members = [\"crates/*\", \"tools/x\", \"gone\"]\nexclude = [\"crates/out\"]\n\
         [dependencies]\nbeside = { path = \"beside\" }\n\
         [target.'cfg(unix)'.dev-dependencies]\ndeep = { path = \"./crates/../below/deep\" }\n\
         outside = { path = \"../../elsewhere\" }\n"
            .into(),
    ));
    files.push(("Cargo.lock".into(), LOCK.into()));
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let discovery = Tree::new(&files).discover();
    let project = &discovery.projects[0];
    assert_eq!(
        paths(&project.manifests),
        [
            "Cargo.toml",
            "below/deep/Cargo.toml",
            "beside/Cargo.toml",
            "crates/a/Cargo.toml",
            "crates/b/Cargo.toml",
            "tools/x/Cargo.toml",
        ]
    );
    assert_eq!(
        told(&project.problems),
        ["gone/Cargo.toml: it is named by a manifest and is not there"]
    );
    assert_eq!(discovery.problems.len(), 1);
    assert_eq!(discovery.problems[0].path.as_str(), "crates/out/Cargo.toml");
}

#[test]
fn members_inherit_what_the_workspace_states() {
    let tree = Tree::new(&[
        ("Cargo.lock", LOCK),
        (
            "Cargo.toml",
            "[workspace]\nmembers = [\"a\"]\nresolver = \"2\"\n\
             [workspace.package]\nversion = \"3.0.0\"\nrust-version = \"1.70\"\nedition = \"2024\"\n\
             [workspace.dependencies]\n\
             one = { version = \"1.2\", features = [\"base\"], default-features = false }\n\
             two = { version = \"2\", package = \"two-real\" }\n\
             own = { path = \"own\", version = \"0.1\" }\n",
        ),
        (
            "a/Cargo.toml",
            "[package]\nname = \"a\"\nversion.workspace = true\nrust-version.workspace = true\n\
             edition.workspace = true\n\
             [dependencies]\none = { workspace = true, features = [\"more\"], optional = true }\n\
             two.workspace = true\nown.workspace = true\nplain = \"0.3\"\n\
             [build-dependencies]\none = { workspace = true, default-features = true }\n\
             [target.'cfg(windows)'.dev_dependencies]\nlast = { version = \"4\", default_features = false }\n\
             [features]\ndefault = [\"one\"]\nx = [\"dep:one\", \"two?/y\"]\n",
        ),
        (
            "own/Cargo.toml",
            "[package]\nname = \"own\"\nversion = \"0.1.0\"\n",
        ),
    ]);
    let discovery = tree.discover();
    let manifests = &discovery.projects[0].manifests;
    assert_eq!(
        paths(manifests),
        ["Cargo.toml", "a/Cargo.toml", "own/Cargo.toml"]
    );
    assert_eq!(manifests[0].package, None);
    assert_eq!(manifests[0].resolver.as_deref(), Some("2"));
    let a = &manifests[1];
    assert_eq!(a.package, Some(("a".into(), "3.0.0".into())));
    assert_eq!(a.rust_version.as_deref(), Some("1.70"));
    assert_eq!(a.features["x"], ["dep:one", "two?/y"]);
    let find = |key: &str, kind| {
        let mut all = a.requirements.iter();
        all.find(|requirement| requirement.key == key && requirement.kind == kind)
            .unwrap()
    };
    let one = find("one", DependencyKind::Normal);
    assert_eq!(
        (one.version.as_str(), one.optional, one.default_features),
        ("1.2", true, false)
    );
    assert_eq!(one.features, ["base", "more"]);
    assert!(find("one", DependencyKind::Build).default_features);
    assert!(!find("one", DependencyKind::Build).optional);
    assert_eq!(find("two", DependencyKind::Normal).package, "two-real");
    assert_eq!(find("plain", DependencyKind::Normal).version, "0.3");
    let last = find("last", DependencyKind::Dev);
    assert_eq!(last.target.as_deref(), Some("cfg(windows)"));
    assert!(!last.default_features);
}

#[test]
fn the_resolver_is_stated_or_follows_from_the_edition() {
    let resolver = |manifest: &str| {
        let tree = Tree::new(&[("Cargo.lock", LOCK), ("Cargo.toml", manifest)]);
        tree.discover().projects[0].manifests[0].resolver.clone()
    };
    let edition = |edition: &str| format!("{}edition = \"{edition}\"\n", package("app"));
    assert_eq!(resolver(&package("app")).as_deref(), Some("1"));
    assert_eq!(resolver(&edition("2018")).as_deref(), Some("1"));
    assert_eq!(resolver(&edition("2021")).as_deref(), Some("2"));
    assert_eq!(resolver(&edition("2024")).as_deref(), Some("3"));
    let stated = format!("{}resolver = \"1\"\n", edition("2024"));
    assert_eq!(resolver(&stated).as_deref(), Some("1"));
    assert_eq!(resolver("[workspace]\n").as_deref(), Some("1"));
}

#[test]
fn a_patch_that_touches_a_locked_package_is_told() {
    let tree = Tree::new(&[
        (
            "Cargo.lock",
            "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"git+https://x/a#1\"\n\n\
             [[package]]\nname = \"b\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n",
        ),
        (
            "Cargo.toml",
            "[package]\nname = \"app\"\nversion = \"0.1.0\"\n[patch.crates-io]\n\
             alias = { git = \"https://x/a\", package = \"a\" }\nb = { path = \"vendor/b\" }\nc = { path = \"vendor/c\" }\n",
        ),
    ]);
    let problems = told(&tree.discover().projects[0].problems);
    let has = |text: &str| problems.iter().any(|problem| problem.contains(text));
    assert!(has("`a@1.0.0` is replaced by a patch"), "{problems:?}");
    assert!(
        has("`b@1.0.0` has a patch that is not in use"),
        "{problems:?}"
    );
    assert!(!has("`c"), "{problems:?}");
}

#[test]
fn a_manifest_that_cannot_be_read_leaves_the_lockfile() {
    for manifest in [
        "[package",
        "\u{0}",
        "[package]\nname = 7\n[dependencies]\na = 1\nb = []\n",
    ] {
        let tree = Tree::new(&[("Cargo.lock", LOCK), ("Cargo.toml", manifest)]);
        let discovery = tree.discover();
        assert_eq!(
            discovery.projects[0].graph.packages().len(),
            1,
            "{manifest:?}"
        );
    }
}

#[test]
fn a_workspace_of_npm_is_one_project_with_the_manifests_of_its_members() {
    let lock = r#"{"lockfileVersion": 3, "packages": {
        "": {"name": "root", "workspaces": ["packages/*"]},
        "node_modules/a": {"version": "1.0.0"},
        "node_modules/one": {"resolved": "packages/one", "link": true},
        "packages/one": {"version": "1.0.0", "dependencies": {"a": "^1"}},
        "packages/gone": {"version": "1.0.0"},
        "../out": {"version": "1.0.0"}}}"#;
    let tree = Tree::new(&[
        ("sub/package-lock.json", lock),
        (
            "sub/package.json",
            r#"{"name": "root", "workspaces": ["packages/*"]}"#,
        ),
        (
            "sub/packages/one/package.json",
            r#"{"name": "one", "dependencies": {"a": "^1"}}"#,
        ),
        ("sub/packages/new/package.json", r#"{"name": "new"}"#),
        ("sub/node_modules/a/package.json", r#"{"name": "a"}"#),
        ("lone/package.json", r#"{"dependencies": {"a": "1"}}"#),
        ("marker/package.json", r#"{"type": "module"}"#),
    ]);
    let discovery = tree.discover();
    let project = &discovery.projects[0];
    assert_eq!(project.lockfile.as_str(), "sub/package-lock.json");
    assert_eq!(
        paths(&project.manifests),
        [
            "sub/package.json",
            "sub/packages/one/package.json",
            "sub/packages/new/package.json"
        ]
    );
    let read = super::read(&open(tree.0.path()).unwrap(), &project.lockfile).unwrap();
    assert_eq!(read.graph, project.graph);
    let own = told(&project.problems);
    assert!(
        own.iter()
            .any(|what| what.contains("`../out` lies outside"))
    );
    assert!(
        own.iter()
            .any(|what| what.starts_with("sub/packages/gone/package.json: "))
    );
    let lockless = told(&discovery.problems);
    assert_eq!(lockless.len(), 1, "{lockless:?}");
    assert!(lockless[0].starts_with("lone/package.json: no lockfile"));
}
