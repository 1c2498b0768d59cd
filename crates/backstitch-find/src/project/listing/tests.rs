//! Files of the four formats, each written for its test.

use backstitch_model::project::DependencyKind;

use crate::project::{self, Discovery};

use super::*;

fn discover(files: &[(&str, &str)]) -> Discovery {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    project::projects(&project::open(folder.path()).unwrap())
}

fn only(files: &[(&str, &str)]) -> Project {
    let mut discovery = discover(files);
    assert_eq!(discovery.problems, []);
    assert_eq!(discovery.projects.len(), 1);
    discovery.projects.remove(0)
}

/// Each package but the project's own: name, version, source, and whether the project asks.
fn packages(project: &Project) -> Vec<(String, &Source, bool)> {
    let graph = &project.graph;
    let packages = graph.nodes().skip(1);
    packages
        .map(|(node, package)| {
            let asked = graph.parents(node).contains(&Node(0));
            (package.id.to_string(), &package.source, asked)
        })
        .collect()
}

/// Each requirement that has a place, as the text has it there.
fn places(project: &Project) -> Vec<(&str, &str, &str)> {
    let placed = project.manifests.iter().flat_map(|manifest| {
        let requirements = manifest.requirements.iter();
        requirements.filter_map(|one| {
            let text = &manifest.text[one.place.clone()?];
            assert_eq!(text, one.version, "{one:?}");
            Some((manifest.path.as_str(), one.package.as_str(), text))
        })
    });
    placed.collect()
}

fn told(project: &Project) -> String {
    let problems = project.problems.iter();
    problems
        .map(|problem| format!("{}: {}\n", problem.path, problem.what))
        .collect()
}

const GO_MOD: &str = "module example.org/app // ours\n\ngo 1.20\n\
    require example.org/one v1.2.3\n\
    require (\n\t\"example.org/two\" v0.1.0+incompatible\n\texample.org/far v1.0.0 // indirect\n\
    \texample.org/old v1.0.0\n\texample.org/own v0.0.0\n)\n\
    replace example.org/old v1.0.0 => example.org/new v1.1.0\n\
    replace (\n\texample.org/own => ./own\n)\n\
    exclude example.org/one v1.2.2\nretract v1.9.9\ntoolchain go1.22.1\n";

#[test]
fn go_lists_what_is_required_and_follows_what_replaces_it() {
    let sums = "example.org/one v1.2.3 h1:aaa=\nexample.org/one v1.2.3/go.mod h1:bbb=\n";
    let project = only(&[("go.mod", GO_MOD), ("go.sum", sums)]);
    let public = Source::PublicRegistry;
    let expected: Vec<(String, &Source, bool)> = vec![
        ("example.org/one@v1.2.3".into(), &public, true),
        ("example.org/two@v0.1.0+incompatible".into(), &public, true),
        ("example.org/far@v1.0.0".into(), &public, false),
        ("example.org/new@v1.1.0".into(), &public, true),
        ("example.org/own@v0.0.0".into(), &Source::Local, true),
    ];
    assert_eq!(packages(&project), expected);
    let sums: Vec<_> = project
        .graph
        .packages()
        .iter()
        .map(|one| one.checksum.as_deref())
        .collect();
    assert_eq!(sums[..3], [None, Some("h1:aaa="), None]);
    let far = project.graph.used(Node(3)).unwrap();
    assert!(matches!(far.compiled, Compiled::Unknown(_)), "{far:?}");
    let placed: Vec<_> = places(&project)
        .into_iter()
        .map(|(_, name, _)| name)
        .collect();
    assert_eq!(placed.len(), 4);
    // The version of what replaces another stands where it is replaced.
    let new = project.manifests[0]
        .requirements
        .iter()
        .find(|one| one.package == "example.org/new");
    let start = new.unwrap().place.clone().unwrap().start;
    assert!(GO_MOD[..start].ends_with("example.org/new "), "{start}");
    assert!(told(&project).contains("`example.org/own` come from elsewhere"));
    assert!(project::is_whole(&project));
}

#[test]
fn an_old_go_mod_is_not_whole_and_a_broken_one_is_told() {
    let old = only(&[("go.mod", "module m\ngo 1.16\nrequire a.b/c v1.0.0\n")]);
    assert!(!project::is_whole(&old) && told(&old).contains("before 1.17"));
    let brought = discover(&[
        ("vendor/a.b/c/go.mod", "module c\n"),
        ("x/testdata/go.mod", "nonsense"),
    ]);
    assert_eq!(brought, Discovery::default());
    for (text, why) in [
        (
            "module m\nrequire a\n",
            "line 2 is not as `require` is written",
        ),
        ("module m\nrequire (\n a v1\n", "does not end"),
        ("go 1.20\n", "names no module"),
    ] {
        let discovery = discover(&[("go.mod", text)]);
        assert!(
            discovery.problems[0].what.contains(why),
            "{:?}",
            discovery.problems
        );
    }
}

const GEMFILE_LOCK: &str = "GIT\n  remote: https://example.org/g.git\n  revision: abc\n  specs:\n    g (0.1)\n\n\
    PATH\n  remote: .\n  specs:\n    own (1.0)\n      rack (>= 2)\n\n\
    GEM\n  remote: https://rubygems.org/\n  specs:\n    nokogiri (1.13.0)\n      racc (~> 1.4)\n    nokogiri (1.13.0-x86_64-linux)\n      racc (~> 1.4)\n    racc (1.6.0)\n    rack (2.2.3)\n\n\
    GEM\n  remote: https://gems.example.org/\n  specs:\n    secret (1.0)\n\n\
    PLATFORMS\n  ruby\n  x86_64-linux\n\n\
    DEPENDENCIES\n  g!\n  nokogiri (~> 1.13)\n  own!\n  rack (= 2.2.3)\n  secret\n\n\
    CHECKSUMS\n  rack (2.2.3) sha256=aa\n\nBUNDLED WITH\n   2.3.15\n";

#[test]
fn bundler_s_gems_are_one_a_version_and_known_by_where_they_come_from() {
    let gemfile = "source \"https://rubygems.org\"\ngem 'rack', \"2.2.3\", require: false\n\
        gem(\"nokogiri\", '~> 1.13')\n# gem 'no', '1'\ngem 'two', '>= 1', '< 2'\ngem \"x\", \"#{v}\"\n";
    let project = only(&[("Gemfile.lock", GEMFILE_LOCK), ("Gemfile", gemfile)]);
    let public = Source::PublicRegistry;
    let git = Source::Git("https://example.org/g.git".into());
    let other = Source::OtherRegistry("https://gems.example.org/".into());
    let expected: Vec<(String, &Source, bool)> = vec![
        ("g@0.1".into(), &git, true),
        ("nokogiri@1.13.0".into(), &public, true),
        ("own@1.0".into(), &Source::Local, true),
        ("racc@1.6.0".into(), &public, false),
        ("rack@2.2.3".into(), &public, true),
        ("secret@1.0".into(), &other, true),
    ];
    assert_eq!(packages(&project), expected);
    assert_eq!(project.graph.parents(Node(4)), [Node(2)]);
    assert_eq!(
        project.graph.package(Node(5)).checksum.as_deref(),
        Some("sha256=aa")
    );
    assert_eq!(
        places(&project),
        [
            ("Gemfile", "rack", "2.2.3"),
            ("Gemfile", "nokogiri", "~> 1.13")
        ]
    );
    let broken = discover(&[("Gemfile.lock", "hello\n")]);
    assert!(broken.problems[0].what.contains("no section"));
}

const COMPOSER_LOCK: &str = r#"{"packages": [
    {"name": "Acme/one", "version": "v1.2.3", "notification-url": "https://packagist.org/downloads/",
     "dist": {"type": "zip", "url": "https://example.org/z", "shasum": "", "reference": "abc"},
     "require": {"php": ">=8", "acme/two": "^2"}},
    {"name": "acme/two", "version": "2.0.0", "notification-url": "https://packagist.org/downloads/", "require": []},
    {"name": "acme/fork", "version": "dev-main", "source": {"type": "git", "url": "https://example.org/f"}}],
    "packages-dev": [
    {"name": "acme/near", "version": "1", "dist": {"type": "path", "url": "../near"}}]}"#;

#[test]
fn composer_lists_both_parts_and_places_what_the_manifest_requires() {
    let json =
        r#"{"require": {"php": "^8", "acme/one": "^1.2"}, "require-dev": {"acme\/near": "*"}}"#;
    let project = only(&[("composer.lock", COMPOSER_LOCK), ("composer.json", json)]);
    let public = Source::PublicRegistry;
    let git = Source::Git("https://example.org/f".into());
    let expected: Vec<(String, &Source, bool)> = vec![
        ("Acme/one@v1.2.3".into(), &public, true),
        ("acme/two@2.0.0".into(), &public, false),
        ("acme/fork@dev-main".into(), &git, false),
        ("acme/near@1".into(), &Source::Local, true),
    ];
    assert_eq!(packages(&project), expected);
    assert_eq!(
        project.graph.used(Node(4)).unwrap().kind,
        DependencyKind::Dev
    );
    assert_eq!(project.graph.parents(Node(2)), [Node(1)]);
    assert_eq!(
        project.graph.package(Node(1)).checksum.as_deref(),
        Some("abc")
    );
    assert_eq!(
        places(&project),
        [
            ("composer.json", "acme/one", "^1.2"),
            ("composer.json", "acme/near", "*")
        ]
    );
    let broken = discover(&[("composer.lock", "{\"packages\": 1}")]);
    assert!(
        broken.problems[0]
            .what
            .contains("no lockfile of Composer's")
    );
}

const PARENT: &str = "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">
  <parent><groupId>org.far</groupId><artifactId>far</artifactId><version>1</version><relativePath/></parent>
  <groupId>org.app</groupId><artifactId>app</artifactId><version>2</version><packaging>pom</packaging>
  <modules><module>core</module><module>../out</module></modules>
  <properties><!-- both --><lib.version> 1.2 </lib.version></properties>
  <dependencyManagement><dependencies>
    <dependency><groupId>org.lib</groupId><artifactId>managed</artifactId><version>3.0</version></dependency>
    <dependency><groupId>org.lib</groupId><artifactId>bom</artifactId><version>9</version><type>pom</type><scope>import</scope></dependency>
  </dependencies></dependencyManagement>
</project>";

const CORE: &str = "<?xml version=\"1.0\"?><project>
  <parent><groupId>org.app</groupId><artifactId>app</artifactId><version>2</version></parent>
  <artifactId>core</artifactId>
  <dependencies>
    <dependency><groupId>org.lib</groupId><artifactId>a</artifactId><version>${lib.version}</version></dependency>
    <dependency><groupId>org.lib</groupId><artifactId>b</artifactId><version>4.0</version><scope>test</scope></dependency>
    <dependency><groupId>org.lib</groupId><artifactId>managed</artifactId></dependency>
    <dependency><groupId>org.lib</groupId><artifactId>by-bom</artifactId></dependency>
    <dependency><groupId>org.lib</groupId><artifactId>range</artifactId><version>[1,2)</version></dependency>
    <dependency><groupId>${project.groupId}</groupId><artifactId>app</artifactId><version>${project.version}</version></dependency>
  </dependencies>
  <profiles><profile><dependencies>
    <dependency><groupId>org.lib</groupId><artifactId>c</artifactId><version>5&#46;0</version></dependency>
  </dependencies></profile></profiles>
</project>";

#[test]
fn maven_finds_versions_through_properties_and_parents_of_the_same_tree() {
    let project = only(&[("pom.xml", PARENT), ("core/pom.xml", CORE)]);
    let names: Vec<_> = packages(&project)
        .into_iter()
        .map(|(name, ..)| name)
        .collect();
    assert_eq!(
        names,
        [
            "org.lib:a@1.2",
            "org.lib:b@4.0",
            "org.lib:managed@3.0",
            "org.lib:c@5.0"
        ]
    );
    assert_eq!(
        places(&project),
        [
            ("pom.xml", "org.lib:a", "1.2"),
            ("pom.xml", "org.lib:managed", "3.0"),
            ("core/pom.xml", "org.lib:b", "4.0"),
        ]
    );
    assert_eq!(
        project.graph.used(Node(2)).unwrap().kind,
        DependencyKind::Dev
    );
    assert_eq!(
        project.graph.used(Node(4)).unwrap().compiled,
        Compiled::OptIn
    );
    let told = told(&project);
    assert!(
        told.contains("`org.lib:by-bom`, `org.lib:range` is said by a parent"),
        "{told}"
    );
    assert!(told.contains("bring along"), "{told}");
    assert!(!project::is_whole(&project));
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]
    #[test]
    fn any_text_is_read_or_told_and_never_a_panic(
        text in "(require|replace|=>|\\(|\\)|GEM|  specs:|    a \\(1\\)|<project>|<version>|</|\\$\\{a\\}|\\{\"packages\": \\[|[ \\n\"'é/>.,0-9a]){0,40}",
    ) {
        for name in ["go.mod", "Gemfile.lock", "composer.lock", "pom.xml"] {
            let discovery = discover(&[
                (name, &text),
                ("go.sum", &text),
                ("Gemfile", &text),
                ("composer.json", &text),
            ]);
            proptest::prop_assert!(discovery.projects.len() <= 1);
        }
    }
}

#[test]
fn hostile_poms_are_refused_and_lead_nowhere() {
    let (open, close) = ("<a>".repeat(100_000), "</a>".repeat(100_000));
    let deep = format!("<project>{open}{close}</project>");
    assert_eq!(only(&[("pom.xml", &deep)]).graph.packages().len(), 1);
    let many = format!("<project>{}</project>", "<a/>".repeat(500_001));
    let bomb = "<!DOCTYPE p [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><project>&b;</project>";
    for text in [many.as_str(), bomb, "<project", "<other/>", "\u{0}"] {
        let discovery = discover(&[("pom.xml", text)]);
        assert_eq!(discovery.projects.len(), 0, "{text:.60}");
        assert_eq!(discovery.problems.len(), 1);
    }
    let circle = "<project><artifactId>a</artifactId><modules><module>.</module></modules>
        <parent><groupId>g</groupId><artifactId>a</artifactId><version>1</version><relativePath>pom.xml</relativePath></parent>
        <properties><x>${y}</x><y>${x}</y></properties>
        <dependencies><dependency><groupId>g</groupId><artifactId>b</artifactId><version>${x}</version></dependency></dependencies></project>";
    let project = only(&[("pom.xml", circle)]);
    assert_eq!(project.graph.packages().len(), 1);
    assert!(told(&project).contains("`g:b`"));
}
