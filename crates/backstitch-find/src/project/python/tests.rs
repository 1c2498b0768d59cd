//! Tests of Python projects: what is locked, by whom it is asked for, what it is for.

use backstitch_model::RelPath;
use backstitch_model::finding::Compiled;
use backstitch_model::pins::Resolved;
use backstitch_model::project::{DependencyKind, Project, Source};

use crate::project::{Discovery, open, projects, read_resolved};

fn discover(files: &[(&str, &str)]) -> Discovery {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    projects(&open(folder.path()).unwrap())
}

fn only(files: &[(&str, &str)]) -> Project {
    let mut discovery = discover(files);
    assert_eq!(discovery.problems, []);
    assert_eq!(discovery.projects.len(), 1, "{discovery:?}");
    discovery.projects.remove(0)
}

/// `name version < parents: kind, compiled`, a line a package.
fn told(project: &Project) -> Vec<String> {
    let graph = &project.graph;
    let line = |node| {
        let package = graph.package(node);
        let mut parents: Vec<_> = graph
            .parents(node)
            .iter()
            .map(|parent| graph.package(*parent).id.name.as_str())
            .collect();
        parents.sort_unstable();
        let used = graph.used(node).unwrap();
        let compiled = match &used.compiled {
            Compiled::Unknown(_) => "unknown".to_owned(),
            known => format!("{known:?}"),
        };
        format!(
            "{} < {}: {:?}, {compiled}",
            package.id,
            parents.join("+"),
            used.kind
        )
    };
    let nodes = graph.nodes().skip(1).map(|(node, _)| node);
    nodes.map(line).collect()
}

fn what(project: &Project) -> Vec<&str> {
    let problems = project.problems.iter();
    problems.map(|problem| problem.what.as_str()).collect()
}

#[test]
fn comments_of_pip_compile_say_who_asks_for_a_pin() {
    let project = only(&[(
        "requirements/dev.txt",
        "pytest==7.0 \\\n    --hash=sha256:aa\n    # via -r requirements/dev.in\n\
         Py==1.11.0\n    # via\n    #   pytest\n    #   tox\ntox==3.0  # via my-project (setup.py)\n\
         colorama==0.4 ; sys_platform == 'win32'\n    # via pytest\n",
    )]);
    assert_eq!(
        told(&project),
        [
            "colorama@0.4 < pytest: Dev, Yes",
            "Py@1.11.0 < pytest+tox: Dev, Yes",
            "pytest@7.0 < requirements/dev.txt: Dev, Yes",
            "tox@3.0 < requirements/dev.txt: Dev, Yes",
        ]
    );
    let pytest = &project.graph.packages()[3];
    assert_eq!(pytest.checksum.as_deref(), Some("sha256:aa"));
}

#[test]
fn a_file_that_another_includes_is_no_project_of_its_own() {
    let project = only(&[
        ("requirements.txt", "-r requirements/base.txt\nb==2\n"),
        (
            "requirements/base.txt",
            "a==1\n-c limits.txt\n-r ../../outside.txt\n",
        ),
        ("requirements/limits.txt", "c==3\n"),
    ]);
    assert_eq!(
        told(&project),
        [
            "a@1 < requirements.txt: Normal, Yes",
            "b@2 < requirements.txt: Normal, Yes",
            "c@3 < requirements.txt: Normal, unknown",
        ]
    );
    let files: Vec<_> = project
        .manifests
        .iter()
        .map(|it| it.path.as_str())
        .collect();
    assert_eq!(
        files,
        [
            "requirements.txt",
            "requirements/base.txt",
            "requirements/limits.txt"
        ]
    );
    assert_eq!(
        what(&project),
        ["line 3 includes a file that is not of this tree; it was not read"]
    );
}

#[test]
fn files_that_include_each_other_are_one_project() {
    let project = only(&[
        ("requirements-a.txt", "-r requirements-b.txt\na==1\n"),
        ("requirements-b.txt", "-r requirements-a.txt\nb==1\n"),
    ]);
    assert_eq!(project.lockfile.as_str(), "requirements-a.txt");
    assert_eq!(told(&project).len(), 2);
}

#[test]
fn what_pip_would_install_counts_where_nothing_is_pinned() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("requirements.txt"),
        "flask>=2\nclick==8.0\n",
    )
    .unwrap();
    let resolved = |name: &str, version: &str, requires: &[&str]| Resolved {
        name: name.into(),
        version: version.into(),
        requires: requires.iter().map(|text| (*text).to_owned()).collect(),
    };
    let all = [
        resolved("Flask", "3.0.0", &["click>=8", "jinja2"]),
        resolved("Jinja2", "3.1.2", &[]),
        resolved("click", "8.1", &[]),
    ];
    let lockfile = RelPath::new("requirements.txt").unwrap();
    let root = open(folder.path()).unwrap();
    let project = read_resolved(&root, &lockfile, &all).unwrap();
    let mut told = told(&project);
    told.sort();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(
        told[0].starts_with("Flask@3.0.0 < requirements.txt"),
        "{told:?}"
    );
    assert!(told[1].starts_with("Jinja2@3.1.2 < Flask"), "{told:?}");
    // A pin is what is installed, whatever pip said.
    assert!(told[2].starts_with("click@8.0 <"), "{told:?}");
    assert_eq!(what(&project), Vec::<&str>::new());
}

const ALONE: &str = "[project]\nname = \"app\"\nversion = \"1\"\ndependencies = [\"flask>=2\"]\n\
     [project.optional-dependencies]\ntest = [\"pytest\", \"app[fast]\"]\nfast = [\"speedy\"]\n\
     [dependency-groups]\ndev = [\"tool @ git+https://example.org/tool\"]\n";

#[test]
fn a_manifest_that_nothing_locks_is_a_project_and_what_is_not_known_is_told() {
    let project = only(&[("pyproject.toml", ALONE)]);
    let what = what(&project);
    assert_eq!(what.len(), 3, "{what:?}");
    assert!(
        what[0].starts_with("`flask` and 1 more: no lockfile"),
        "{what:?}"
    );
    assert!(what[1].starts_with("`speedy`: only extras"), "{what:?}");
    assert!(
        what[2].starts_with("`tool` come from elsewhere"),
        "{what:?}"
    );
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pyproject.toml"), ALONE).unwrap();
    let resolved = |name: &str, requires: &[&str]| Resolved {
        name: name.into(),
        version: "3.0".into(),
        requires: requires.iter().map(|text| (*text).to_owned()).collect(),
    };
    let all = [
        resolved("Flask", &["jinja2"]),
        resolved("Jinja2", &[]),
        resolved("pytest", &[]),
    ];
    let lockfile = RelPath::new("pyproject.toml").unwrap();
    let project = read_resolved(&open(folder.path()).unwrap(), &lockfile, &all).unwrap();
    let mut told = told(&project);
    told.sort();
    assert_eq!(told[0], "Flask@3.0 < app: Normal, Yes");
    assert_eq!(told[1], "Jinja2@3.0 < Flask: Normal, Yes");
    assert_eq!(told[2], "pytest@3.0 < app: Dev, Yes");
}

#[test]
fn a_manifest_that_something_locks_or_that_asks_for_nothing_is_no_project_of_its_own() {
    let lock = "version = 1\nrequires-python = \">=3.8\"\n";
    for (files, projects) in [
        (
            &[
                ("uv.lock", lock),
                ("pyproject.toml", ALONE),
                ("in/member/pyproject.toml", ALONE),
            ] as &[_],
            1,
        ),
        (
            &[
                ("requirements/dev.txt", "a==1\n"),
                ("pyproject.toml", ALONE),
            ],
            1,
        ),
        (
            &[
                ("docs/requirements/dev.txt", "a==1\n"),
                ("pyproject.toml", ALONE),
            ],
            2,
        ),
        (
            &[
                ("requirements.txt", "prose\n\nand more of it\n"),
                ("pyproject.toml", ALONE),
            ],
            1,
        ),
        (&[("pyproject.toml", "[tool.black]\n")], 0),
    ] {
        let found = discover(files);
        assert_eq!(found.projects.len(), projects, "{files:?}: {found:?}");
    }
    let broken = discover(&[("pyproject.toml", "dependencies = [")]);
    assert_eq!((broken.projects.len(), broken.problems.len()), (0, 1));
}

#[test]
fn names_alone_are_requirements_in_a_file_that_is_named_so() {
    let project = only(&[("requirements.txt", "flask\nclick\n")]);
    assert_eq!(what(&project).len(), 1);
    assert!(
        discover(&[("requirements.txt", "just some prose\n")])
            .projects
            .is_empty()
    );
}

#[test]
fn what_is_not_pinned_is_told_once_and_prose_is_no_project() {
    let project = only(&[("requirements.txt", "flask>=2\nclick\n-e .\n./local\n")]);
    assert_eq!(
        what(&project),
        [
            "it pins no version: what it would install is not known, so nothing was looked up; \
          `backstitch run` asks pip"
        ]
    );
    let project = only(&[("requirements.txt", "flask>=2\nclick\na==1\n")]);
    assert_eq!(
        what(&project),
        [
            "`click` and 1 more name no exact version; nothing was looked up for that, and \
          `backstitch run` asks pip"
        ]
    );
    let prose = [(
        "requirements/readme.txt",
        "How to\ninstall this, in words.\n",
    )];
    assert_eq!(discover(&prose), Discovery::default());
}

#[test]
fn addresses_repositories_and_other_indexes_are_told() {
    let project = only(&[(
        "requirements.txt",
        "--index-url https://example.org/simple\n\
         a @ git+https://example.org/a.git@main\nb @ https://example.org/b.whl\na-b==1\n",
    )]);
    let sources: Vec<_> = project
        .graph
        .packages()
        .iter()
        .map(|it| &it.source)
        .collect();
    assert!(matches!(sources[1], Source::Git(_)));
    assert_eq!(*sources[2], Source::PublicRegistry);
    assert!(matches!(sources[3], Source::OtherRegistry(_)));
    assert_eq!(
        what(&project),
        [
            "it names an index other than PyPI; its packages are taken for PyPI's",
            "`a` and 1 more come from elsewhere than PyPI; advisories were not applied to them"
        ]
    );
}

const PYPROJECT: &str = "[tool.poetry]\nname = \"app\"\nversion = \"1\"\n\
    [tool.poetry.dependencies]\npython = \"^3.8\"\nRequests = { version = \"^2\", extras = [\"socks\"] }\n\
    [tool.poetry.group.dev.dependencies]\npytest = \"^7\"\n";

#[test]
fn poetry_of_either_version_tells_extras_markers_and_groups() {
    let packages = "[[package]]\nname = \"requests\"\nversion = \"2.28.1\"\nFILES\n\
        [package.dependencies]\nidna = \">=2\"\nPySocks = { version = \">=1.5.6\", optional = true }\n\
        chardet = { version = \"*\", optional = true }\n\
        [package.extras]\nsocks = [\"PySocks (>=1.5.6)\"]\nuse_chardet = [\"chardet (>=3)\"]\n\
        [[package]]\nname = \"idna\"\nversion = \"3.4\"\nFILES\n\
        [[package]]\nname = \"pysocks\"\nversion = \"1.7\"\nFILES\n\
        [[package]]\nname = \"chardet\"\nversion = \"5.0\"\nFILES\n\
        [[package]]\nname = \"pytest\"\nversion = \"7.1\"\nFILES\n\
        [package.dependencies]\ncolorama = { version = \"*\", markers = \"sys_platform == \\\"win32\\\"\" }\n\
        tomli = { version = \"*\", markers = \"python_version < \\\"3.11\\\"\" }\nidna = \"*\"\n\
        [[package]]\nname = \"colorama\"\nversion = \"0.4\"\nFILES\n\
        [[package]]\nname = \"tomli\"\nversion = \"2.0\"\nFILES\n";
    let one = format!(
        "{}[metadata]\nlock-version = \"1.1\"\n[metadata.files]\nidna = [{{file = \"i\", hash = \"sha256:aa\"}}]\n",
        packages.replace("FILES\n", "category = \"main\"\n")
    );
    let files = "files = [{file = \"i\", hash = \"sha256:aa\"}]\n";
    let two = format!(
        "{}[metadata]\nlock-version = \"2.1\"\n",
        packages.replace("FILES\n", files)
    );
    for lock in [one, two] {
        let project = only(&[("pyproject.toml", PYPROJECT), ("poetry.lock", &lock)]);
        assert_eq!(
            told(&project),
            [
                "requests@2.28.1 < app: Normal, Yes",
                "idna@3.4 < pytest+requests: Normal, Yes",
                "pysocks@1.7 < requests: Normal, Yes",
                "chardet@5.0 < requests: Normal, OptIn",
                "pytest@7.1 < app: Dev, Yes",
                "colorama@0.4 < pytest: Dev, OtherPlatform",
                "tomli@2.0 < pytest: Dev, unknown",
            ]
        );
        let idna = &project.graph.packages()[2];
        assert_eq!(idna.checksum.as_deref(), Some("sha256:aa"));
    }
}

#[test]
fn a_poetry_lock_of_another_time_is_refused_in_words() {
    let discovery = discover(&[("poetry.lock", "[metadata]\nlock-version = \"3.0\"\n")]);
    assert_eq!(
        discovery.problems[0].what,
        "it has lock version 3.0, and versions 1 and 2 are understood"
    );
}

#[test]
fn uv_tells_its_own_packages_groups_and_sources() {
    let project = only(&[(
        "uv.lock",
        "version = 1\nrequires-python = \">=3.12\"\n\
         [[package]]\nname = \"idna\"\nversion = \"3.4\"\nsource = { registry = \"https://pypi.org/simple\" }\n\
         sdist = { url = \"u\", hash = \"sha256:aa\", size = 1 }\nwheels = [{ url = \"v\", hash = \"sha256:bb\" }]\n\
         [[package]]\nname = \"app\"\nversion = \"0.1\"\nsource = { editable = \".\" }\n\
         dependencies = [{ name = \"httpx\", extra = [\"http2\"] }]\n\
         [package.optional-dependencies]\nextra = [{ name = \"private\" }]\n\
         [package.dev-dependencies]\ndev = [{ name = \"pytest\" }]\n\
         [[package]]\nname = \"httpx\"\nversion = \"0.27\"\nsource = { registry = \"https://pypi.org/simple\" }\n\
         dependencies = [{ name = \"idna\" }]\n[package.optional-dependencies]\nhttp2 = [{ name = \"h2\" }]\n\
         [[package]]\nname = \"h2\"\nversion = \"4.1\"\nsource = { registry = \"https://pypi.org/simple\" }\n\
         [[package]]\nname = \"pytest\"\nversion = \"8\"\nsource = { git = \"https://example.org/p\" }\n\
         [[package]]\nname = \"private\"\nversion = \"1\"\nsource = { registry = \"https://example.org/simple\" }\n",
    )]);
    assert_eq!(
        told(&project),
        [
            "idna@3.4 < httpx: Normal, Yes",
            "httpx@0.27 < app: Normal, Yes",
            "h2@4.1 < httpx: Normal, Yes",
            "pytest@8 < app: Dev, Yes",
            "private@1 < app: Normal, OptIn",
        ]
    );
    let idna = &project.graph.packages()[1];
    assert_eq!(idna.checksum.as_deref(), Some("sha256:aa sha256:bb"));
    assert!(what(&project)[0].starts_with("`pytest` and 1 more come from elsewhere"));
}

#[test]
fn a_pipfile_lock_has_two_groups_and_a_package_of_both_is_one() {
    let project = only(&[
        ("Pipfile", "[packages]\nrequests = \"*\"\n"),
        (
            "Pipfile.lock",
            r#"{"_meta": {"sources": [{"name": "pypi", "url": "https://pypi.org/simple"}]},
            "default": {"idna": {"hashes": ["sha256:aa"], "index": "pypi", "version": "==3.4"},
                "app": {"editable": true, "path": "."}},
            "develop": {"idna": {"hashes": ["sha256:aa"], "version": "==3.4"},
                "colorama": {"markers": "sys_platform == 'win32'", "version": "==0.4"}}}"#,
        ),
    ]);
    assert_eq!(
        told(&project),
        [
            "app < Pipfile.lock: Normal, Yes",
            "colorama@0.4 < Pipfile.lock: Dev, OtherPlatform",
            "idna@3.4 < Pipfile.lock: Normal, Yes",
        ]
    );
}

#[test]
fn broken_lockfiles_are_problems_and_no_projects() {
    for (name, text) in [
        ("poetry.lock", "[[package"),
        ("uv.lock", "version = 9\n"),
        ("Pipfile.lock", "[]"),
    ] {
        let discovery = discover(&[(name, text)]);
        assert_eq!(discovery.projects, [], "{name}");
        assert_eq!(discovery.problems.len(), 1, "{name}");
    }
}

#[test]
fn a_standard_manifest_has_extras_and_groups_that_include_each_other() {
    let project = only(&[
        (
            "pyproject.toml",
            "[project]\nname = \"app\"\ndependencies = [\"a>=1\"]\n\
             [project.optional-dependencies]\nx = [\"b[y]; os_name == 'nt'\"]\n\
             [dependency-groups]\ndev = [\"c\", { include-group = \"dev\" }, { include-group = \"t\" }]\nt = [\"d\"]\n",
        ),
        ("poetry.lock", ""),
    ]);
    let requirements = &project.manifests[0].requirements;
    let told: Vec<_> = requirements
        .iter()
        .map(|it| (it.package.as_str(), it.kind, it.optional))
        .collect();
    assert_eq!(told[0], ("a", DependencyKind::Normal, false));
    assert_eq!(told[1], ("b", DependencyKind::Normal, true));
    assert!(told.contains(&("d", DependencyKind::Dev, false)));
}
