//! Describes Maven. It reads a project's files for what to load into itself (extensions, the
//! dependencies of its plugins), so in the fetch phase it sees nothing of the project's: only
//! coordinates are asked for, in an empty folder. What a project needs besides comes from the
//! user's own local repository, which serves as the only remote one where programs run.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use backstitch_model::Policy;
use backstitch_model::candidate::Step;
use backstitch_model::package::Ecosystem;
use backstitch_model::version::Scheme;

use super::description::{Found, Phase, Surroundings, Tool};
use crate::host;
use crate::runner::Runner;
use crate::workbench::{Commands, TestCommand, Tree, VerifyError, places};

/// The plugin that fetches, where the user has no release of it.
const FETCHER: &str = "3.6.1";
/// Where a repository has it.
const FETCHER_FOLDER: &str = "org/apache/maven/plugins/maven-dependency-plugin";

/// The most entries of one folder that are looked at.
const ENTRIES_MAX: usize = 10_000;

/// The user's settings, of which one line is read.
const SETTINGS: &str = ".m2/settings.xml";

/// Maven.
pub(super) const MAVEN: Tool = Tool {
    name: "Maven",
    program: "mvn",
    ask,
    cache: "maven",
    results: "results",
    stands_in_tree: false,
    files,
    refusal: |_, _| None,
    step,
    fetch: &[],
    environment,
    commands,
    no_network: &[
        "Unknown host",
        "Connection refused",
        "Connect to",
        "Network is unreachable",
        "Temporary failure in name resolution",
        "Could not transfer artifact",
    ],
};

fn ask() -> Result<Found, VerifyError> {
    let lacking = |why: String| VerifyError::Toolchain(why);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let real = |program: &str| {
        let found = host::look_up(program, &path).and_then(|path| path.canonicalize().ok());
        let above = found.as_deref().and_then(|path| path.ancestors().nth(2));
        above.map(Path::to_path_buf)
    };
    let home = real("mvn").ok_or_else(|| lacking("`mvn` is not installed".to_owned()))?;
    let java = std::env::var_os("JAVA_HOME")
        .and_then(|path| Path::new(&path).canonicalize().ok())
        .or_else(|| real("java"))
        .filter(|java| java.join("bin/javac").is_file())
        .ok_or_else(|| lacking("Maven needs a JDK, and none was found".to_owned()))?;
    let release = release_in(&home.join("lib")).unwrap_or_else(|| "of unknown release".to_owned());
    let java_release = fs::read_to_string(java.join("release"))
        .ok()
        .and_then(|text| {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix("JAVA_VERSION="))?;
            Some(line.trim_matches('"').to_owned())
        })
        .unwrap_or_else(|| "of unknown release".to_owned());
    let user = std::env::var_os("HOME").map(PathBuf::from);
    let repository = user.as_deref().and_then(repository_of);
    let mut shown: Vec<PathBuf> = repository.clone().into_iter().collect();
    // Distributions keep what may be changed elsewhere, behind links.
    let linked = [
        home.join("bin/m2.conf"),
        home.join("conf/settings.xml"),
        java.join("conf/security/java.security"),
        java.join("conf/net.properties"),
        java.join("lib/jvm.cfg"),
        java.join("lib/security/cacerts"),
    ];
    let linked = linked.iter().filter_map(|path| path.canonicalize().ok());
    shown.extend(linked.filter_map(|path| path.parent().map(Path::to_path_buf)));
    let settings = user
        .map(|user| user.join(SETTINGS))
        .filter(|own| own.is_file());
    let mut paths = Vec::new();
    paths.extend(settings.clone().map(|path| (USER_SETTINGS, path)));
    paths.extend(repository.map(|path| (REPOSITORY, path)));
    shown.retain(|folder| {
        !places::shown_anyway(folder) && !folder.starts_with(&home) && !folder.starts_with(&java)
    });
    shown.sort();
    shown.dedup();
    Ok(Found {
        version: format!("Maven {release}, Java {java_release}"),
        release,
        programs: vec![home.join("bin"), java.join("bin")],
        settings: Vec::new(),
        homes: vec![home, java],
        shown,
        shown_fetching: settings.into_iter().collect(),
        paths,
    })
}

/// The user's settings.
const USER_SETTINGS: &str = "settings";
/// The user's local repository.
const REPOSITORY: &str = "repository";

/// Maven's release, by the name of its core.
fn release_in(libraries: &Path) -> Option<String> {
    let entries = fs::read_dir(libraries).ok()?.take(ENTRIES_MAX).flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .find_map(|name| {
            let release = name.strip_prefix("maven-core-")?.strip_suffix(".jar")?;
            release
                .starts_with(|first: char| first.is_ascii_digit())
                .then(|| release.to_owned())
        })
}

/// Where the user's Maven keeps what it fetched.
fn repository_of(user: &Path) -> Option<PathBuf> {
    let settings = fs::read_to_string(user.join(SETTINGS)).unwrap_or_default();
    let stated = settings
        .split_once("<localRepository>")
        .and_then(|(_, rest)| rest.split_once("</localRepository>"))
        .map(|(path, _)| PathBuf::from(path.trim()));
    let path = stated.filter(|path| path.is_absolute());
    path.unwrap_or_else(|| user.join(".m2/repository"))
        .canonicalize()
        .ok()
        .filter(|path| path.is_dir())
}

fn repository(found: &Found) -> Option<&Path> {
    path(found, REPOSITORY)
}

fn path<'found>(found: &'found Found, name: &str) -> Option<&'found Path> {
    let mut paths = found.paths.iter();
    let (_, path) = paths.find(|(known, _)| *known == name)?;
    Some(path)
}

/// Settings by which only what is on this machine is a repository.
fn files(found: &Found, around: &Surroundings<'_>) -> Vec<(&'static str, String)> {
    let fetched = address(&around.cache.join("repository"));
    let (id, main) = match repository(found) {
        Some(own) => ("the-user-s-own", address(own)),
        None => ("fetched-only", fetched.clone()),
    };
    let place = |tag: &str| {
        format!(
            "<{tag}><id>fetched</id><url>{fetched}</url>\
             <snapshots><enabled>true</enabled></snapshots></{tag}>"
        )
    };
    let text = format!(
        "<settings><mirrors><mirror><id>{id}</id><mirrorOf>*,!fetched</mirrorOf><url>{main}</url>\
         </mirror></mirrors><profiles><profile><id>fetched</id><repositories>{}</repositories>\
         <pluginRepositories>{}</pluginRepositories></profile></profiles>\
         <activeProfiles><activeProfile>fetched</activeProfile></activeProfiles></settings>\n",
        place("repository"),
        place("pluginRepository")
    );
    vec![("home/.m2/settings.xml", text)]
}

/// A folder as an address, with what has a meaning there written as numbers.
fn address(folder: &Path) -> String {
    let mut address = String::from("file://");
    for byte in folder.to_string_lossy().bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(&byte) {
            address.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(address, "%{byte:02X}");
        }
    }
    address
}

/// A release that the user's own repository lacks is fetched by its coordinates.
fn step(step: &Step, found: &Found) -> Vec<Vec<String>> {
    let Step::UpdatePackage {
        package,
        to: Some(to),
    } = step
    else {
        return Vec::new();
    };
    let coordinates = format!("{}:{to}", package.name);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ":._-+".contains(c);
    if !coordinates.chars().all(is_plain) || is_there(found, &package.name, to) {
        return Vec::new();
    }
    let fetcher = repository(found)
        .and_then(|own| newest_in(&own.join(FETCHER_FOLDER)))
        .unwrap_or_else(|| FETCHER.to_owned());
    let mut words: Vec<String> = ["-B", "-N", "-Dstyle.color=never"]
        .map(str::to_owned)
        .into();
    if let Some(own) = path(found, USER_SETTINGS) {
        words.extend(["-s".to_owned(), own.to_string_lossy().into_owned()]);
    }
    words.push(format!(
        "org.apache.maven.plugins:maven-dependency-plugin:{fetcher}:get"
    ));
    words.push(format!("-Dartifact={coordinates}"));
    vec![words]
}

fn is_there(found: &Found, name: &str, version: &str) -> bool {
    let Some((group, artifact)) = name.split_once(':') else {
        return false;
    };
    let folder = format!("{}/{artifact}/{version}", group.replace('.', "/"));
    let file = format!("{artifact}-{version}.pom");
    let is_inside = !folder
        .split('/')
        .any(|part| part == ".." || part.is_empty());
    is_inside && repository(found).is_some_and(|own| own.join(folder).join(file).is_file())
}

/// The newest version of an artifact that a repository has whole.
fn newest_in(folder: &Path) -> Option<String> {
    let artifact = folder.file_name()?.to_string_lossy().into_owned();
    let scheme = Scheme::of_ecosystem(&Ecosystem::Maven)?;
    let entries = fs::read_dir(folder).ok()?.take(ENTRIES_MAX).flatten();
    let versions = entries.filter_map(|entry| {
        let version = entry.file_name().into_string().ok()?;
        let jar = format!("{artifact}-{version}.jar");
        let is_release = version.starts_with(|first: char| first.is_ascii_digit());
        (is_release && entry.path().join(jar).is_file())
            .then(|| Some((scheme.parse(&version)?, version)))?
    });
    let newest = versions.reduce(|one, other| {
        let is_later = other
            .0
            .compare(&one.0)
            .is_some_and(std::cmp::Ordering::is_gt);
        if is_later { other } else { one }
    });
    newest.map(|(_, version)| version)
}

fn environment(found: &Found, around: &Surroundings<'_>) -> Vec<(OsString, OsString)> {
    // The cache can only be read where programs run, and is what is filled before.
    let repository = match around.phase {
        Phase::Fetch => around.cache.join("repository"),
        Phase::Run => around.results.join("repository"),
    };
    let options = format!(
        "-Duser.home={} -Dmaven.repo.local={}",
        around.cache.join("home").display(),
        repository.display()
    );
    let mut variables: Vec<(OsString, OsString)> = vec![
        ("MAVEN_OPTS".into(), options.into()),
        ("MAVEN_SKIP_RC".into(), "1".into()),
    ];
    let java = found.homes.last();
    variables.extend(java.map(|java| ("JAVA_HOME".into(), java.into())));
    variables
}

/// Each test is named in the output, and the tests of every module run.
fn commands(_: &Tree, policy: &Policy) -> Commands {
    let mvn = |words: &[&str]| -> Vec<String> {
        let before = ["mvn", "-B", "-Dstyle.color=never"];
        before
            .iter()
            .chain(words)
            .map(|word| (*word).to_owned())
            .collect()
    };
    let (runner, argv) = match &policy.test_command {
        Some(own) => (Runner::Own, own.clone()),
        None => (
            Runner::Maven,
            mvn(&[
                "--fail-at-end",
                "-Dsurefire.reportFormat=plain",
                "-Dsurefire.useFile=false",
                "test",
            ]),
        ),
    };
    let build = policy.build_command.clone();
    Commands {
        build: build.unwrap_or_else(|| mvn(&["test-compile"])),
        tests: vec![TestCommand { argv, runner }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backstitch_model::package::PackageVersion;

    fn found(repository: &Path) -> Found {
        Found {
            version: String::new(),
            release: String::new(),
            homes: Vec::new(),
            programs: Vec::new(),
            settings: Vec::new(),
            shown: Vec::new(),
            shown_fetching: Vec::new(),
            paths: vec![(REPOSITORY, repository.into())],
        }
    }

    #[test]
    fn only_what_the_user_s_repository_lacks_is_fetched_and_only_by_plain_coordinates() {
        let repository = tempfile::tempdir().unwrap();
        let folder = repository.path().join("org/acme/lib/1.0");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("lib-1.0.pom"), "").unwrap();
        let plugin = repository.path().join(FETCHER_FOLDER);
        for version in ["3.5.0", "3.10.0", "debian"] {
            fs::create_dir_all(plugin.join(version)).unwrap();
            let jar = format!("{version}/maven-dependency-plugin-{version}.jar");
            fs::write(plugin.join(jar), "").unwrap();
        }
        let found = found(repository.path());
        let of = |name: &str, to: &str| {
            let package = PackageVersion {
                ecosystem: Ecosystem::Maven,
                name: name.into(),
                version: "0.9".into(),
            };
            let to = Some(to.to_owned());
            step(&Step::UpdatePackage { package, to }, &found)
        };
        assert_eq!(of("org.acme:lib", "1.0"), Vec::<Vec<String>>::new());
        assert_eq!(of("org.acme:lib", "1 -Dx=y"), Vec::<Vec<String>>::new());
        let words = of("org.acme:lib", "1.1").remove(0).join(" ");
        assert!(
            words.contains("maven-dependency-plugin:3.10.0:get"),
            "{words}"
        );
        assert!(words.ends_with("-Dartifact=org.acme:lib:1.1"), "{words}");
    }

    #[test]
    fn a_folder_s_address_has_nothing_that_means_something_else() {
        assert_eq!(
            address(Path::new("/a b/<c>&%")),
            "file:///a%20b/%3Cc%3E%26%25"
        );
    }
}
