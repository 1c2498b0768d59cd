//! The whole program on projects of Go, Bundler, Composer and Maven. Where a tool is not on this
//! machine, what needs it is skipped with a word.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "all of it is a test"
)]

mod common;

use std::fs;
use std::io::Write as _;
use std::path::Path;

use common::{World, succeed, sysroot, wait};
use serde_json::{Value, json};

/// Writes an advisory on the versions of a package of some ecosystem below `fixed`.
fn advise(world: &World, id: &str, (ecosystem, package): (&str, &str), fixed: &str) {
    let kind = if ecosystem == "Go" {
        "SEMVER"
    } else {
        "ECOSYSTEM"
    };
    let record = json!({
        "id": id,
        "modified": "2024-01-02T00:00:00Z",
        "summary": format!("What is wrong in {package}"),
        "affected": [{
            "package": {"ecosystem": ecosystem, "name": package},
            "ranges": [{"type": kind, "events": [{"introduced": "0"}, {"fixed": fixed}]}],
        }],
    });
    world.write_advisory(id, &record);
}

/// One project of each of the four, each with one vulnerable package.
fn all_four(world: &World) {
    let files = [
        (
            "go/go.mod",
            "module example.org/app\n\ngo 1.17\n\nrequire example.org/dep v1.0.0\n",
        ),
        (
            "ruby/Gemfile.lock",
            "GEM\n  remote: https://rubygems.org/\n  specs:\n    rack (2.2.0)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  rack (= 2.2.0)\n",
        ),
        ("ruby/Gemfile", "gem 'rack', '2.2.0'\n"),
        (
            "php/composer.lock",
            r#"{"packages": [{"name": "acme/lib", "version": "v1.0.0", "notification-url": "https://packagist.org/downloads/"}], "packages-dev": []}"#,
        ),
        (
            "php/composer.json",
            "{\n    \"require\": {\"acme/lib\": \"^1.0\"}\n}\n",
        ),
        (
            "java/pom.xml",
            "<project>\n  <properties><lib.version>1.0</lib.version></properties>\n  <dependencies>\n    \
             <dependency><groupId>org.acme</groupId><artifactId>lib</artifactId><version>${lib.version}</version></dependency>\n  \
             </dependencies>\n</project>\n",
        ),
    ];
    for (path, text) in files {
        let path = world.project().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    advise(world, "GO-2030-0001", ("Go", "example.org/dep"), "1.1.0");
    advise(world, "GHSA-aaaa-aaaa-aaaa", ("RubyGems", "rack"), "2.2.3");
    advise(
        world,
        "GHSA-bbbb-bbbb-bbbb",
        ("Packagist", "acme/lib"),
        "1.2.0",
    );
    advise(
        world,
        "GHSA-cccc-cccc-cccc",
        ("Maven", "org.acme:lib"),
        "1.0.1",
    );
    world.import();
}

fn told<'value>(findings: &'value Value, package: &str) -> &'value Value {
    let all = findings.as_array().unwrap();
    all.iter()
        .find(|finding| finding["package"] == package)
        .unwrap_or_else(|| panic!("{package}: {findings:#}"))
}

#[test]
fn vulnerable_packages_of_all_four_are_found_and_nothing_runs() {
    let world = World::new();
    all_four(&world);
    let ended = world.run(&["find", "--format", "json"]);
    ended
        .ended_with(1)
        .said("only those that it names were looked up");
    let findings = &ended.json()["findings"];
    for (package, ecosystem, version, fixed) in [
        ("example.org/dep", "Go", "v1.0.0", "1.1.0"),
        ("rack", "RubyGems", "2.2.0", "2.2.3"),
        ("acme/lib", "Packagist", "v1.0.0", "1.2.0"),
        ("org.acme:lib", "Maven", "1.0", "1.0.1"),
    ] {
        let finding = told(findings, package);
        assert_eq!(finding["ecosystem"], ecosystem, "{finding:#}");
        assert_eq!(finding["version"], version);
        assert_eq!(finding["fixed_versions"], json!([fixed]));
        assert_eq!(finding["direct"], true);
        assert_eq!(finding["compiled"], "yes");
    }
    assert_eq!(findings.as_array().unwrap().len(), 4);
}

#[test]
fn of_a_pom_alone_nobody_says_that_nothing_is_left() {
    let world = World::new();
    fs::write(world.project().join("pom.xml"), "<project/>").unwrap();
    world.import_nothing_much();
    world.run(&["find"]).ended_with(3).said("bring along");
}

#[test]
fn where_a_tool_is_not_installed_the_candidate_is_offered_unproven() {
    let Some(world) = World::sandboxed() else {
        return;
    };
    all_four(&world);
    let programs = sysroot().join("bin");
    let ended = wait(
        world
            .command(&["run", "--offline", "--format", "json"])
            .env("PATH", programs),
    );
    ended.ended_with(1);
    let told_all = ended.json();
    assert_eq!(told_all["delivery"], Value::Null);
    let dep = told(&told_all["findings"], "example.org/dep");
    assert_eq!(dep["verdict"], Value::Null);
    assert_eq!(dep["needs_human"], true);
    assert_eq!(
        dep["obstacle"],
        "offered, unproven: example.org/dep v1.0.0 → v1.1.0; find a toolchain: `go` is not installed"
    );
    let offers = told_all["offers"].as_array().unwrap();
    let offer = |lockfile: &str| {
        let found = offers.iter().find(|offer| offer["lockfile"] == lockfile);
        found.unwrap_or_else(|| panic!("{lockfile}: {offers:#?}"))
    };
    let patch = |lockfile: &str| {
        let path = offer(lockfile)["patch"].as_str().unwrap();
        fs::read_to_string(path).unwrap()
    };
    let go = offer("go/go.mod");
    assert_eq!(
        go["commands"],
        json!(["go get example.org/dep@v1.1.0", "go mod tidy"])
    );
    let changed = patch("go/go.mod");
    assert!(changed.starts_with("Offered, unproven"), "{changed}");
    assert!(
        changed.contains("+require example.org/dep v1.1.0"),
        "{changed}"
    );
    assert!(patch("ruby/Gemfile.lock").contains("+gem 'rack', '2.2.3'"));
    assert!(patch("java/pom.xml").contains("<lib.version>1.0.1</lib.version>"));
    // The constraint admits it, so only the lockfile changes, and that only Composer can write.
    assert_eq!(offer("php/composer.lock")["patch"], Value::Null);
    assert_eq!(
        offer("php/composer.lock")["commands"],
        json!(["composer update acme/lib:v1.2.0 --with-dependencies"])
    );
    let evidence = Path::new(told_all["evidence"].as_str().unwrap());
    let report = fs::read_to_string(evidence.join("report.md")).unwrap();
    assert!(report.contains("## Offered, unproven"), "{report}");
    assert!(
        report.contains("bundle lock --update rack --conservative"),
        "{report}"
    );
    world.is_quiet();
}

/// Publishes a release of a Go module in a folder that is laid out like a proxy.
fn publish_module(proxy: &Path, module: &str, version: &str, source: &str) {
    let folder = proxy.join(module).join("@v");
    fs::create_dir_all(&folder).unwrap();
    let about = format!("module {module}\n\ngo 1.17\n");
    let mut list = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("list"))
        .unwrap();
    writeln!(list, "{version}").unwrap();
    let info = json!({"Version": version, "Time": "2024-01-01T00:00:00Z"}).to_string();
    fs::write(folder.join(format!("{version}.info")), info).unwrap();
    fs::write(folder.join(format!("{version}.mod")), &about).unwrap();
    let archive = fs::File::create(folder.join(format!("{version}.zip"))).unwrap();
    let mut archive = zip::ZipWriter::new(archive);
    for (name, text) in [("go.mod", about.as_str()), ("lib.go", source)] {
        let options = zip::write::SimpleFileOptions::default();
        archive
            .start_file(format!("{module}@{version}/{name}"), options)
            .unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap();
}

/// A world with a Go module that requires `example.org/dep`, locked at v1.0.0; nothing where Go
/// is not on this machine.
fn go_world(releases: &[(&str, &str)]) -> Option<World> {
    if !Path::new("/usr/bin/go").exists() {
        eprintln!("SKIPPED, NOTHING WAS TESTED: `go` is not in /usr/bin");
        return None;
    }
    let world = World::sandboxed()?;
    let proxy = world.path("proxy");
    for (version, answer) in releases {
        let source = format!("package dep\n\nfunc Answer() int {{ return {answer} }}\n");
        publish_module(&proxy, "example.org/dep", version, &source);
    }
    let settings = world.path("user").join(".config/go");
    fs::create_dir_all(&settings).unwrap();
    let lines = format!(
        "GOPROXY=file://{}\nGONOSUMDB=example.org\n",
        proxy.display()
    );
    fs::write(settings.join("env"), lines).unwrap();
    world.write(
        "--- go.mod\nmodule example.org/app\n\ngo 1.17\n\nrequire example.org/dep v1.0.0\n\
         --- app.go\npackage app\n\nimport \"example.org/dep\"\n\n// Twice doubles.\nfunc Twice() int { return 2 * dep.Answer() }\n\
         --- app_test.go\npackage app\n\nimport (\n\t\"net\"\n\t\"testing\"\n)\n\n\
         func TestTwice(t *testing.T) {\n\tif Twice() < 80 {\n\t\tt.Fatal(Twice())\n\t}\n}\n\n\
         func TestNoNetwork(t *testing.T) {\n\tif _, err := net.Dial(\"tcp\", \"192.0.2.1:80\"); err == nil {\n\t\tt.Fatal(\"reached\")\n\t}\n}\n",
    );
    let mut lock = std::process::Command::new("/usr/bin/go");
    lock.args(["mod", "tidy"])
        .current_dir(world.project())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", world.path("user"))
        .env("GOPATH", world.path("gopath"))
        .env("GOFLAGS", "-modcacherw");
    succeed(&mut lock);
    advise(&world, "GO-2030-0001", ("Go", "example.org/dep"), "1.1.0");
    world.import();
    world.commit();
    Some(world)
}

#[test]
fn a_go_module_is_fixed_tested_and_delivered_with_its_sums() {
    let Some(world) = go_world(&[("v1.0.0", "41"), ("v1.1.0", "42"), ("v1.2.0", "43")]) else {
        return;
    };
    let run = world.repair(&[], 0);
    assert_eq!(run.verdict("example.org/dep"), "Tested", "{:#}", run.told);
    assert_eq!(
        run.attempts("example.org/dep"),
        [("v1.1.0".to_owned(), "Tested".to_owned())]
    );
    let branch = run.place();
    let manifest = world.git(&["show", &format!("{branch}:go.mod")]);
    assert!(
        manifest.contains("require example.org/dep v1.1.0"),
        "{manifest}"
    );
    let sums = world.git(&["show", &format!("{branch}:go.sum")]);
    assert!(sums.contains("example.org/dep v1.1.0 h1:"), "{sums}");
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    let tests = format!("{:#}", run.told["findings"]);
    assert!(tests.contains("2 passed"), "{tests}");
    world.is_quiet();
}

#[test]
fn a_go_release_that_breaks_a_test_is_rejected() {
    let Some(world) = go_world(&[("v1.0.0", "41"), ("v1.1.0", "1")]) else {
        return;
    };
    let run = world.repair(&[], 1);
    let verdict = run.verdict("example.org/dep");
    assert!(verdict.starts_with("Rejected Regress"), "{verdict}");
    assert!(verdict.contains("example.org/app::TestTwice"), "{verdict}");
    assert_eq!(run.told["delivery"], Value::Null);
}

/// Where Debian keeps the artifacts of its packages, laid out like a local repository.
const MAVEN_REPOSITORY: &str = "/usr/share/maven-repo";

/// The newest release of an artifact there.
fn maven_release(folder: &str) -> Option<String> {
    let folder = Path::new(MAVEN_REPOSITORY).join(folder);
    let entries = fs::read_dir(folder).ok()?.flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names
        .filter(|name| name.starts_with(|c: char| c.is_ascii_digit()) && !name.ends_with('x'))
        .max_by_key(|name| {
            let numbers = name.split('.').map(|part| part.parse().unwrap_or(0));
            numbers.collect::<Vec<u32>>()
        })
}

/// Puts a release of `org.acme:lib` into a repository.
fn publish_artifact(world: &World, repository: &Path, version: &str, answer: u32) {
    let sources = world.path(&format!("lib-{version}"));
    fs::create_dir_all(sources.join("classes")).unwrap();
    let source = sources.join("Lib.java");
    let text = format!(
        "package org.acme; public class Lib {{ public static int answer() {{ return {answer}; }} }}"
    );
    fs::write(&source, text).unwrap();
    let folder = repository.join("org/acme/lib").join(version);
    fs::create_dir_all(&folder).unwrap();
    let mut javac = std::process::Command::new("/usr/bin/javac");
    succeed(javac.arg("-d").arg(sources.join("classes")).arg(&source));
    let mut jar = std::process::Command::new("/usr/bin/jar");
    let file = folder.join(format!("lib-{version}.jar"));
    succeed(
        jar.arg("cf")
            .arg(file)
            .arg("-C")
            .arg(sources.join("classes"))
            .arg("org"),
    );
    let pom = format!(
        "<project><modelVersion>4.0.0</modelVersion><groupId>org.acme</groupId>\
         <artifactId>lib</artifactId><version>{version}</version></project>"
    );
    fs::write(folder.join(format!("lib-{version}.pom")), pom).unwrap();
}

/// A world whose user has a local repository with Maven's plugins and `org.acme:lib`, and a
/// project that takes the version of it from a property of its parent; nothing where Maven,
/// a JDK or the plugins are not on this machine.
fn maven_world(fixed: u32) -> Option<World> {
    let plugin =
        |name: &str| maven_release(&format!("org/apache/maven/plugins/maven-{name}-plugin"));
    let plugins = ["resources", "compiler", "surefire"].map(|name| Some((name, plugin(name)?)));
    let plugins: Option<Vec<_>> = plugins.into_iter().collect();
    let junit = maven_release("junit/junit");
    let programs = ["mvn", "javac", "jar"].map(|name| Path::new("/usr/bin").join(name));
    let (Some(plugins), Some(junit), true) = (
        plugins,
        junit,
        programs.iter().all(|program| program.exists()),
    ) else {
        eprintln!(
            "SKIPPED, NOTHING WAS TESTED: Maven, a JDK, or its plugins in {MAVEN_REPOSITORY} \
             are not there"
        );
        return None;
    };
    let world = World::sandboxed()?;
    let repository = world.path("user").join(".m2/repository");
    fs::create_dir_all(repository.parent().unwrap()).unwrap();
    let mut copy = std::process::Command::new("cp");
    succeed(copy.args(["-rs", MAVEN_REPOSITORY]).arg(&repository));
    publish_artifact(&world, &repository, "1.0", 41);
    publish_artifact(&world, &repository, "1.0.1", fixed);
    let plugins: String = plugins
        .iter()
        .map(|(name, version)| {
            format!("<plugin><artifactId>maven-{name}-plugin</artifactId><version>{version}</version></plugin>")
        })
        .collect();
    let parent = format!(
        "<project>\n  <modelVersion>4.0.0</modelVersion>\n  \
         <groupId>org.app</groupId><artifactId>all</artifactId><version>1</version><packaging>pom</packaging>\n  \
         <modules><module>app</module></modules>\n  \
         <properties>\n    <lib.version>1.0</lib.version>\n    \
         <maven.compiler.source>11</maven.compiler.source><maven.compiler.target>11</maven.compiler.target>\n    \
         <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>\n  </properties>\n  \
         <build><plugins>{plugins}</plugins></build>\n</project>\n"
    );
    let app = format!(
        "<project>\n  <modelVersion>4.0.0</modelVersion>\n  \
         <parent><groupId>org.app</groupId><artifactId>all</artifactId><version>1</version></parent>\n  \
         <artifactId>app</artifactId>\n  <dependencies>\n    \
         <dependency><groupId>org.acme</groupId><artifactId>lib</artifactId><version>${{lib.version}}</version></dependency>\n    \
         <dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>{junit}</version><scope>test</scope></dependency>\n  \
         </dependencies>\n</project>\n"
    );
    world.write(&format!(
        "--- pom.xml\n{parent}--- app/pom.xml\n{app}\
         --- app/src/test/java/app/AppTest.java\npackage app;\n\
         public class AppTest {{\n  \
         @org.junit.Test public void answers() {{ org.junit.Assert.assertTrue(org.acme.Lib.answer() > 40); }}\n  \
         @org.junit.Test public void other() {{ }}\n}}\n"
    ));
    advise(
        &world,
        "GHSA-cccc-cccc-cccc",
        ("Maven", "org.acme:lib"),
        "1.0.1",
    );
    world.import();
    world.commit();
    Some(world)
}

#[test]
fn a_maven_property_is_raised_where_it_stands_and_every_module_is_tested() {
    let Some(world) = maven_world(42) else {
        return;
    };
    // Nothing is left, and of a pom alone that is never said.
    let run = world.repair(&[], 3);
    assert_eq!(run.verdict("org.acme:lib"), "Tested", "{:#}", run.told);
    let manifest = world.git(&["show", &format!("{}:pom.xml", run.place())]);
    assert!(
        manifest.contains("<lib.version>1.0.1</lib.version>"),
        "{manifest}"
    );
    let told = format!("{:#}", run.told["findings"]);
    assert!(told.contains("2 passed"), "{told}");
    world.is_quiet();
}

#[test]
fn a_maven_release_that_breaks_a_test_is_rejected() {
    let Some(world) = maven_world(1) else {
        return;
    };
    let run = world.repair(&[], 1);
    let verdict = run.verdict("org.acme:lib");
    assert!(verdict.starts_with("Rejected Regress"), "{verdict}");
    assert!(verdict.contains("answers(app.AppTest)"), "{verdict}");
}
