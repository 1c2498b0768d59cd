//! Tests of plans for Python projects: what is proposed, and what the lockfile's text becomes.

mod tool;

use std::collections::BTreeMap;
use std::sync::Arc;

use backstitch_model::candidate::{Obstacle, Step, Strategy, Upgrade};
use backstitch_model::finding::{Class, Compiled, Reach, VulnerableDependency};
use backstitch_model::package::{Ecosystem, PackageVersion};
use backstitch_model::policy::Bump;
use backstitch_model::project::{
    DependencyGraph, DependencyKind, Installation, LockedPackage, Manifest, Node, Requirement,
    Source,
};
use backstitch_model::registry::{
    KnownVulnerabilities, Release, ReleaseFile, Releases, ReleasesUnavailable,
};
use backstitch_model::{
    AdvisoryId, Change, Finding, FindingId, FindingKind, LockFormat, Policy, Project, RelPath,
};

use crate::{Plan, Planner};

/// An index in a few lines: `name version vuln=A day=3 python=>=3.8 yanked nohash | dep >=1 ; …`.
#[derive(Default)]
struct Index {
    releases: BTreeMap<String, Vec<Release>>,
    vulnerabilities: BTreeMap<(String, String), Vec<AdvisoryId>>,
}

impl Index {
    fn new(text: &str) -> Self {
        let mut index = Self::default();
        let lines = text.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty()) {
            index.add(line);
        }
        index
    }

    fn add(&mut self, line: &str) {
        let (head, required) = line.split_once('|').unwrap_or((line, ""));
        let mut words = head.split_whitespace();
        let (name, version) = (words.next().unwrap(), words.next().unwrap());
        let file = |name: String, hash: String| ReleaseFile {
            url: format!("https://files.invalid/{name}"),
            name,
            sha256: Some(hash),
            bytes: Some(7),
            uploaded: Some("2024-04-11T03:34:41.447563Z".into()),
        };
        let mut release = Release {
            version: version.into(),
            yanked: false,
            rust_version: None,
            runtime: None,
            published_s: None,
            requirements: required.split(';').filter_map(requirement).collect(),
            features: BTreeMap::new(),
            checksum: None,
            install_script: false,
            files: vec![
                file(
                    format!("{name}-{version}-py3-none-any.whl"),
                    format!("aa{version}"),
                ),
                file(format!("{name}-{version}.tar.gz"), format!("bb{version}")),
            ],
        };
        for word in words {
            match word.split_once('=').unwrap_or((word, "")) {
                ("yanked", _) => release.yanked = true,
                ("nohash", _) => release.files[0].sha256 = None,
                ("day", day) => release.published_s = Some(day.parse::<i64>().unwrap() * 86400),
                ("python", range) => release.runtime = Some(range.into()),
                ("vuln", ids) => {
                    let ids = ids.split(',').map(|id| AdvisoryId::new(id).unwrap());
                    let key = (name.to_owned(), version.to_owned());
                    self.vulnerabilities.insert(key, ids.collect());
                }
                _ => panic!("{word}"),
            }
        }
        self.releases.entry(name.into()).or_default().push(release);
    }
}

fn requirement(text: &str) -> Option<Requirement> {
    let (name, rest) = text.trim().split_once(' ')?;
    let (version, marker) = match rest.split_once(" if ") {
        Some((version, marker)) => (version, Some(marker.to_owned())),
        None => (rest, None),
    };
    Some(Requirement {
        key: name.into(),
        package: name.into(),
        version: version.into(),
        kind: DependencyKind::Normal,
        target: marker,
        optional: false,
        peer: false,
        default_features: true,
        place: None,
        features: Vec::new(),
    })
}

impl Releases for Index {
    fn releases(&self, package: &str) -> Result<Arc<[Release]>, ReleasesUnavailable> {
        let releases = self.releases.get(package);
        releases
            .map(|it| Arc::from(it.as_slice()))
            .ok_or_else(|| ReleasesUnavailable {
                package: package.into(),
                why: "the index does not know it".into(),
            })
    }
}

impl KnownVulnerabilities for Index {
    fn vulnerabilities(&self, package: &str, version: &str) -> Vec<AdvisoryId> {
        let key = (package.to_ascii_lowercase(), version.to_owned());
        self.vulnerabilities.get(&key).cloned().unwrap_or_default()
    }
}

/// A project in a few lines, `name version > dep, dep`; the first line is its own package.
fn project(format: LockFormat, lockfile: &str, text: &str, packages: &str) -> Project {
    let lines: Vec<_> = packages.lines().map(str::trim).collect();
    let heads: Vec<(&str, &str, &str)> = lines
        .iter()
        .map(|line| {
            let (head, wanted) = line.split_once('>').unwrap_or((line, ""));
            let (name, version) = head.trim().split_once(' ').unwrap();
            (name, version, wanted)
        })
        .collect();
    let node = |name: &str| Node(heads.iter().position(|head| head.0 == name).unwrap());
    let locked = heads
        .iter()
        .enumerate()
        .map(|(index, (name, version, wanted))| LockedPackage {
            id: PackageVersion {
                ecosystem: Ecosystem::PyPi,
                name: (*name).into(),
                version: (*version).into(),
            },
            source: if index == 0 {
                Source::Local
            } else {
                Source::PublicRegistry
            },
            checksum: Some("sha256:00".into()),
            dependencies: wanted
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .map(node)
                .collect(),
            installation: Installation::default(),
        });
    Project {
        lockfile: path(lockfile),
        format,
        graph: DependencyGraph::new(locked.collect()),
        manifests: vec![manifest(lockfile, text)],
        problems: Vec::new(),
    }
}

fn path(text: &str) -> RelPath {
    RelPath::new(text).unwrap()
}

fn manifest(name: &str, text: &str) -> Manifest {
    Manifest {
        path: path(name),
        text: text.into(),
        package: None,
        requirements: Vec::new(),
        features: BTreeMap::new(),
        rust_version: None,
        resolver: None,
    }
}

fn findings(project: &Project, index: &Index) -> Vec<Finding> {
    let packages = project.graph.packages().iter();
    packages
        .flat_map(|package| {
            let ids = index.vulnerabilities(&package.id.name, &package.id.version);
            ids.into_iter().map(|id| finding(&package.id, id))
        })
        .collect()
}

fn finding(package: &PackageVersion, id: AdvisoryId) -> Finding {
    Finding {
        id: FindingId(format!("{package}:{id}")),
        location: path("lock"),
        kind: FindingKind::VulnerableDependency(VulnerableDependency {
            package: package.clone(),
            class: Class::Vulnerability,
            ids: vec![id],
            summary: String::new(),
            fixed_versions: Vec::new(),
            references: Vec::new(),
            reach: Reach {
                direct: false,
                path: Vec::new(),
                kind: DependencyKind::Normal,
                compiled: Compiled::Yes,
            },
        }),
        severity: None,
    }
}

fn plans(project: &Project, index: &Index, policy: &Policy) -> Vec<Plan> {
    let planner = Planner {
        project,
        releases: index,
        vulnerabilities: index,
        policy,
        rustc: Some("3.11.7"),
        now_s: 100 * 86400,
    };
    planner.plan(&findings(project, index))
}

fn plan(project: &Project, index: &str) -> Plan {
    plans(project, &Index::new(index), &Policy::default()).remove(0)
}

fn upgrade(plan: &Plan) -> &Upgrade {
    let Change::Upgrade(upgrade) = &plan.candidates.first().expect("a candidate").change;
    upgrade
}

fn moves(plan: &Plan) -> Vec<String> {
    upgrade(plan)
        .moves
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn written(plan: &Plan, file: &str) -> String {
    let mut texts = upgrade(plan).recipe.iter().filter_map(|step| match step {
        Step::WriteManifest { path, text } if path.as_str() == file => Some(text.clone()),
        _ => None,
    });
    texts.next_back().expect("the file is written")
}

fn pinned(packages: &str) -> Project {
    let pins = packages.lines().skip(1).map(|line| {
        let mut words = line.split_whitespace();
        format!("{}=={}\n", words.next().unwrap(), words.next().unwrap())
    });
    let text: String = pins.collect();
    project(
        LockFormat::Requirements,
        "requirements.txt",
        &text,
        packages,
    )
}

#[test]
fn the_lowest_release_free_of_every_advisory_is_taken() {
    let project = pinned("app 0 > a\na 1.0");
    let plan = plan(
        &project,
        "a 1.0 vuln=X,Y\na 1.1 vuln=X\na 1.2 vuln=Z\na 1.3rc1\na 1.3 yanked\na 1.4 day=99\na 1.5\na 1.5.1\na 1.6\na 2.0",
    );
    assert_eq!(moves(&plan), ["a 1.0 → 1.5"]);
    assert_eq!(plan.candidates[0].settles.len(), 2);
    assert_eq!(upgrade(&plan).strategy, Strategy::Lockfile);
    assert_eq!(plan.candidates.len(), 2, "1.6 is another line of releases");
    assert_eq!(plan.obstacle, None);
}

#[test]
fn what_only_a_part_of_the_advisories_have_left_is_taken_last() {
    let project = pinned("app 0 > a\na 1.0");
    let plan = plan(&project, "a 1.0 vuln=X,Y\na 1.1 vuln=X");
    assert_eq!(moves(&plan), ["a 1.0 → 1.1"]);
    assert_eq!(plan.candidates[0].settles, [FindingId("a@1.0:Y".into())]);
    assert_eq!(plan.obstacle, Some(Obstacle::NoFixedRelease));
}

#[test]
fn a_package_that_requires_an_earlier_one_moves_along() {
    let project = pinned("app 0 > b\na 1.0\nb 3.0 > a");
    let index = "a 1.0 vuln=X\na 1.5\nb 3.0 | a >=1,<1.5\nb 3.1 | a >=1,<1.5\nb 3.2 | a >=1";
    let plan = plan(&project, index);
    assert_eq!(moves(&plan), ["b 3.0 → 3.2", "a 1.0 → 1.5"]);
    assert_eq!(upgrade(&plan).strategy, Strategy::Parent);
    assert_eq!(written(&plan, "requirements.txt"), "a==1.5\nb==3.2\n");
}

#[test]
fn what_a_new_release_requires_moves_along_and_must_be_locked() {
    let project = pinned("app 0 > a\na 1.0 > c\nc 1.0");
    let plan_of = |index| plan(&project, index);
    let moved = plan_of("a 1.0 vuln=X | c >=1\na 1.5 | c >=1.2\nc 1.0\nc 1.1\nc 1.2");
    assert_eq!(moves(&moved), ["c 1.0 → 1.2", "a 1.0 → 1.5"]);
    let marked = plan_of("a 1.0 vuln=X\na 1.5 | new >=1 if python_version < '3'\nc 1.0");
    assert_eq!(moves(&marked), ["a 1.0 → 1.5"]);
    let lacking = plan_of("a 1.0 vuln=X\na 1.5 | new >=1\nc 1.0");
    assert_eq!(lacking.candidates, []);
    let Some(Obstacle::Unknown(why)) = lacking.obstacle else {
        panic!("{:?}", lacking.obstacle)
    };
    assert!(
        why.contains("requires packages that are not locked"),
        "{why}"
    );
}

#[test]
fn a_requirement_that_is_not_in_force_holds_nothing() {
    let project = pinned("app 0 > b\na 1.0\nb 3.0 > a");
    let plan = plan(&project, "a 1.0 vuln=X\na 1.5\nb 3.0 | a <0.9 ; a >=1");
    assert_eq!(moves(&plan), ["a 1.0 → 1.5"]);
}

#[test]
fn where_no_edges_are_known_every_package_is_asked() {
    let project = pinned("app 0 > a, b\na 1.0\nb 3.0");
    let plan = plan(&project, "a 1.0 vuln=X\na 1.5\nb 3.0 | a <1.2");
    assert_eq!(plan.candidates, []);
    let Some(Obstacle::Held { holders, .. }) = plan.obstacle else {
        panic!("{:?}", plan.obstacle)
    };
    assert_eq!(holders[0].package.to_string(), "b@3.0");
}

#[test]
fn policy_is_kept_and_what_it_forbids_is_told() {
    let project = pinned("app 0 > a\na 1.0");
    let index = Index::new("a 1.0 vuln=X\na 2.0");
    let plan = plans(&project, &index, &Policy::default()).remove(0);
    assert_eq!(
        plan.obstacle.unwrap().to_string(),
        "policy: breaking steps are not allowed; moving `a@1.0` to 2.0 would free it"
    );
    let breaking = Policy {
        bump_max: Bump::Breaking,
        ..Policy::default()
    };
    let plan = plans(&project, &index, &breaking).remove(0);
    assert_eq!(upgrade(&plan).strategy, Strategy::Breaking);
    let alone = Policy {
        leave_alone: vec!["A".into()],
        ..breaking
    };
    let plan = plans(&project, &index, &alone).remove(0);
    assert_eq!(plan.candidates, []);
    assert!(
        plan.obstacle
            .unwrap()
            .to_string()
            .contains("`a` left alone")
    );
}

#[test]
fn a_release_must_run_with_the_python_that_the_project_promises() {
    let mut project = pinned("app 0 > a\na 1.0");
    let promise = "[project]\nrequires-python = \">=3.8\"\n";
    project.manifests.push(manifest("pyproject.toml", promise));
    let index = "a 1.0 vuln=X\na 1.5 python=>=3.9\na 1.6 python=>=3.8";
    assert_eq!(moves(&plan(&project, index)), ["a 1.0 → 1.6"]);
    let index = "a 1.0 vuln=X\na 1.5 python=>=3.9";
    let at_hand = plan(&project, index);
    assert_eq!(moves(&at_hand), ["a 1.0 → 1.5"]);
    let index = "a 1.0 vuln=X\na 1.5 python=>=3.12";
    let later = plan(&project, index);
    assert!(
        later
            .obstacle
            .unwrap()
            .to_string()
            .contains("Python 3.11.7")
    );
}

#[test]
fn the_project_s_own_requirement_is_raised() {
    let mut project = pinned("app 0 > a\na 1.0");
    for (name, text) in [
        (
            "pyproject.toml",
            "[project]\ndependencies = [\"A>=1,<1.5\"]\n",
        ),
        ("requirements.in", "A>=1,<1.5\n"),
    ] {
        let mut own = manifest(name, text);
        own.requirements.extend(requirement("A >=1,<1.5"));
        project.manifests.push(own);
    }
    let plan = plan(&project, "a 1.0 vuln=X\na 1.5");
    assert_eq!(upgrade(&plan).strategy, Strategy::Requirement);
    assert_eq!(written(&plan, "requirements.txt"), "a==1.5\n");
    assert_eq!(written(&plan, "requirements.in"), "A>=1,<2\n");
    assert_eq!(
        written(&plan, "pyproject.toml"),
        "[project]\ndependencies = [\"A>=1,<2\"]\n"
    );
    assert_eq!(upgrade(&plan).edits.len(), 2);
}

#[test]
fn uv_s_lock_follows_a_raised_requirement() {
    let lock = "[[package]]\nname = \"app\"\nversion = \"0\"\n\n[package.metadata]\nrequires-dist = [{ name = \"a\", specifier = \">=1,<1.5\" }]\n\n[[package]]\nname = \"a\"\nversion = \"1.0\"\nwheels = [\n]\n";
    let mut project = project(LockFormat::Uv, "uv.lock", lock, "app 0 > a\na 1.0");
    let mut own = manifest("pyproject.toml", "dependencies = [\"a>=1,<1.5\"]\n");
    own.requirements.extend(requirement("a >=1,<1.5"));
    project.manifests.push(own);
    let plan = plan(&project, "a 1.0 vuln=X\na 1.5");
    assert!(written(&plan, "uv.lock").contains("specifier = \">=1,<2\""));
}

#[test]
fn a_requirement_that_cannot_be_raised_holds() {
    let mut project = pinned("app 0 > a\na 1.0");
    let mut own = manifest("pyproject.toml", "");
    own.requirements.extend(requirement("A >=1,<1.5"));
    project.manifests.push(own);
    let plan = plan(&project, "a 1.0 vuln=X\na 1.5");
    let told = plan.obstacle.unwrap().to_string();
    assert!(
        told.contains("app@0 (`a >=1,<1.5 in `pyproject.toml``)"),
        "{told}"
    );
}

#[test]
fn a_pin_keeps_its_extras_marker_comments_and_line_breaks() {
    let mut project = pinned("app 0 > a\na 1.0");
    let text = "# by hand\nA[x] == 1.0 ; os_name == 'posix' \\\n    --hash=sha256:00 \\\n    --hash=sha256:11  # why\n    # via app\nb==1.0\n";
    project.manifests[0].text = text.into();
    let plan = plan(&project, "a 1.0 vuln=X\na 1.5");
    assert_eq!(
        written(&plan, "requirements.txt"),
        "# by hand\nA[x] == 1.5 ; os_name == 'posix' \\\n    --hash=sha256:aa1.5 \\\n    --hash=sha256:bb1.5  # why\n    # via app\nb==1.0\n"
    );
}

#[test]
fn a_pin_of_an_included_file_is_an_edit_of_that_file() {
    let mut project = pinned("app 0 > a\na 1.0");
    project.manifests[0].text = "-r base.txt\n".into();
    project.manifests.push(manifest("base.txt", "a==1.0"));
    let plan = plan(&project, "a 1.0 vuln=X\na 1.5");
    assert_eq!(written(&plan, "base.txt"), "a==1.5");
    let edit = &upgrade(&plan).edits[0];
    assert_eq!((edit.from.as_str(), edit.to.as_str()), ("==1.0", "==1.5"));
}

#[test]
fn what_is_not_pinned_gets_a_bound_where_it_is_asked_for() {
    let loose = |text: &str| {
        let mut project = pinned("app 0 > a\na 1.0\nb 1.0 > a");
        project.manifests[0].text = text.into();
        let asked = Requirement {
            version: "<1.2".into(),
            ..requirement("a <1.2").unwrap()
        };
        let is_bounded = text.contains("<1.2");
        project.manifests[0].requirements = is_bounded.then_some(asked).into_iter().collect();
        written(
            &plan(&project, "a 1.0 vuln=X\na 1.5\nb 1.0"),
            "requirements.txt",
        )
    };
    // It is free to go there, is kept from it, or is not asked for by name.
    assert_eq!(
        loose("A[x]>=0.9 ; os_name == 'posix'  # why\nb\n"),
        "A[x]>=1.5 ; os_name == 'posix'  # why\nb\n"
    );
    assert_eq!(loose("a[x]<1.2  # why\n"), "a[x]<2  # why\n");
    assert_eq!(loose("b==1.0\nc>=2"), "b==1.0\nc>=2\na>=1.5\n");
    let text = "[project]\ndependencies = ['a[x]']\n";
    let (path, packages) = ("pyproject.toml", "app 0 > a\na 1.0");
    let alone = project(LockFormat::Requirements, path, text, packages);
    let raised = written(&plan(&alone, "a 1.0 vuln=X\na 1.5 | new >=1"), path);
    assert_eq!(raised, text.replace("[x]", "[x]>=1.5"));
}

#[test]
fn a_release_whose_hashes_are_not_known_is_not_taken() {
    let project = pinned("app 0 > a\na 1.0");
    let plan = plan(&project, "a 1.0 vuln=X\na 1.5 nohash\na 1.6");
    assert_eq!(moves(&plan), ["a 1.0 → 1.6"]);
}

#[test]
fn poetry_s_later_lock_changes_in_one_block() {
    let lock = "# made\n\n[[package]]\nname = \"A\"\nversion = \"1.0\"\ndescription = \"x\"\npython-versions = \">=3.6\"\nfiles = [\n    {file = \"old\", hash = \"sha256:00\"},\n]\n\n[package.dependencies]\nc = \">=1,<2\"\nd = {version = \">=1\", markers = \"os_name == 'nt'\"}\n\n[[package]]\nname = \"c\"\nversion = \"1.0\"\n\n[metadata]\ncontent-hash = \"zz\"\n";
    let project = project(
        LockFormat::Poetry,
        "poetry.lock",
        lock,
        "app 0 > A\nA 1.0 > c\nc 1.0",
    );
    let plan = plan(
        &project,
        "a 1.0 vuln=X | c >=1,<2\na 1.5 python=>=3.7,!=3.8.0 | c <3,>=1 ; d >=2 if os_name == 'nt'\nc 1.0",
    );
    assert_eq!(
        written(&plan, "poetry.lock"),
        "# made\n\n[[package]]\nname = \"A\"\nversion = \"1.5\"\ndescription = \"x\"\npython-versions = \">=3.7, !=3.8.0\"\nfiles = [\n    {file = \"a-1.5-py3-none-any.whl\", hash = \"sha256:aa1.5\"},\n    {file = \"a-1.5.tar.gz\", hash = \"sha256:bb1.5\"},\n]\n\n[package.dependencies]\nc = \">=1,<3\"\nd = {version = \">=2\", markers = \"os_name == 'nt'\"}\n\n[[package]]\nname = \"c\"\nversion = \"1.0\"\n\n[metadata]\ncontent-hash = \"zz\"\n"
    );
}

#[test]
fn poetry_s_earlier_lock_has_its_files_at_the_end() {
    let lock = "[[package]]\nname = \"a\"\nversion = \"1.0\"\ncategory = \"dev\"\npython-versions = \"*\"\n\n[metadata]\nlock-version = \"1.1\"\n\n[metadata.files]\na = [\n    {file = \"old\", hash = \"sha256:00\"},\n]\nb = []\n";
    let project = project(LockFormat::Poetry, "poetry.lock", lock, "app 0 > a\na 1.0");
    let plan = plan(&project, "a 1.0 vuln=X\na 1.5 python=>=3.7");
    assert_eq!(
        written(&plan, "poetry.lock"),
        "[[package]]\nname = \"a\"\nversion = \"1.5\"\ncategory = \"dev\"\npython-versions = \">=3.7\"\n\n[metadata]\nlock-version = \"1.1\"\n\n[metadata.files]\na = [\n    {file = \"a-1.5-py3-none-any.whl\", hash = \"sha256:aa1.5\"},\n    {file = \"a-1.5.tar.gz\", hash = \"sha256:bb1.5\"},\n]\nb = []\n"
    );
}

#[test]
fn uv_s_lock_says_as_much_of_each_file_as_before() {
    let lock = "version = 1\n\n[[package]]\nname = \"a\"\nversion = \"1.0\"\nsource = { registry = \"https://pypi.org/simple\" }\nsdist = { url = \"u\", hash = \"sha256:00\", size = 1 }\nwheels = [\n    { url = \"v\", hash = \"sha256:11\", size = 2 },\n]\n\n[[package]]\nname = \"b\"\nversion = \"1.0\"\n";
    let project = project(LockFormat::Uv, "uv.lock", lock, "app 0 > a\na 1.0");
    let plan = plan(&project, "a 1.0 vuln=X\na 1.5");
    assert_eq!(
        written(&plan, "uv.lock"),
        "version = 1\n\n[[package]]\nname = \"a\"\nversion = \"1.5\"\nsource = { registry = \"https://pypi.org/simple\" }\nsdist = { url = \"https://files.invalid/a-1.5.tar.gz\", hash = \"sha256:bb1.5\", size = 7 }\nwheels = [\n    { url = \"https://files.invalid/a-1.5-py3-none-any.whl\", hash = \"sha256:aa1.5\", size = 7 },\n]\n\n[[package]]\nname = \"b\"\nversion = \"1.0\"\n"
    );
}

#[test]
fn pipenv_s_lock_changes_in_every_group() {
    let entry = "        \"a\": {\n            \"hashes\": [\n                \"sha256:00\"\n            ],\n            \"index\": \"pypi\",\n            \"version\": \"==1.0\"\n        }";
    let lock = format!(
        "{{\n    \"_meta\": {{\"hash\": {{\"sha256\": \"q\\\"\"}}}},\n    \"default\": {{\n{entry}\n    }},\n    \"develop\": {{\n{entry}\n    }}\n}}\n"
    );
    let project = project(
        LockFormat::Pipenv,
        "Pipfile.lock",
        &lock,
        "app 0 > a\na 1.0",
    );
    let plan = plan(&project, "a 1.0 vuln=X\na 1.5");
    let expected = lock
        .replace(
            "\"sha256:00\"",
            "\"sha256:aa1.5\",\n                \"sha256:bb1.5\"",
        )
        .replace("==1.0", "==1.5");
    assert_eq!(written(&plan, "Pipfile.lock"), expected);
}

#[test]
fn what_comes_from_elsewhere_is_not_moved_and_what_nobody_knows_is_told() {
    let project = pinned("app 0 > a\na 1.0");
    let mut index = Index::new("a 1.0 vuln=X");
    index.releases.clear();
    let plan = plans(&project, &index, &Policy::default()).remove(0);
    assert_eq!(
        plan.obstacle.unwrap().to_string(),
        "list the releases of `a`: the index does not know it"
    );
}
