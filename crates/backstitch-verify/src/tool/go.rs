//! Describes Go. In the fetch phase only its module commands run, which compile nothing: from
//! 1.18 on `go get` does not build. No other toolchain is fetched, no version control program
//! is started, no workspace around the module is in force.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use backstitch_model::candidate::Step;
use backstitch_model::{Policy, RelPath};
use serde::Deserialize;

use super::description::{Found, Phase, Surroundings, Tool};
use crate::host;
use crate::runner::Runner;
use crate::workbench::{Commands, TestCommand, Tree, VerifyError, files};

/// The first release whose `go get` does not build what it gets.
const RELEASE_MIN: (u64, u64) = (1, 18);

/// The largest list of vendored modules that is looked at, in bytes.
const MODULES_BYTES_MAX: u64 = 16 << 20;

/// Settings about where modules come from and how they are checked; they are the user's own.
const SETTINGS: [&str; 6] = [
    "GOPROXY",
    "GOPRIVATE",
    "GONOPROXY",
    "GOSUMDB",
    "GONOSUMDB",
    "GOINSECURE",
];

/// Variables by which a proxy or a certificate is found.
const VARIABLES: [&str; 8] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// Go.
pub(super) const GO: Tool = Tool {
    name: "Go",
    program: "go",
    ask,
    cache: "go",
    results: "results",
    stands_in_tree: true,
    files: |_, _| Vec::new(),
    refusal,
    step: |one, _| step(one),
    fetch: &[&["mod", "download"]],
    environment: |_, around| environment(around),
    commands,
    no_network: &[
        "dial tcp",
        "no such host",
        "i/o timeout",
        "module lookup disabled by GOPROXY=off",
    ],
};

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "GOROOT")]
    root: PathBuf,
    #[serde(rename = "GOVERSION")]
    version: String,
    #[serde(rename = "GOMODCACHE")]
    modules: PathBuf,
}

fn ask() -> Result<Found, VerifyError> {
    let lacking = |why: &str| VerifyError::Toolchain(format!("`go` {why}"));
    let said = host::ask("go".as_ref(), &["env", "-json"])?;
    let answer: Answer =
        serde_json::from_str(&said).map_err(|_| lacking("does not tell what it is"))?;
    let release = answer.version.trim_start_matches("go").to_owned();
    let mut numbers = release.split('.').map(|part| part.parse::<u64>().ok());
    let mut number = || numbers.next().flatten().unwrap_or(0);
    if (number(), number()) < RELEASE_MIN {
        return Err(lacking(
            "is older than 1.18, whose `go get` builds what it gets",
        ));
    }
    let settings: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&said).map_err(|_| lacking("does not tell what it is"))?;
    let setting = |name: &&str| {
        let value = settings
            .get(*name)?
            .as_str()
            .filter(|text| !text.is_empty())?;
        Some((OsString::from(name), OsString::from(value)))
    };
    let mut settings: Vec<_> = SETTINGS.iter().filter_map(setting).collect();
    let own = VARIABLES
        .iter()
        .filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)));
    settings.extend(own);
    let mut shown = folders_in(&mut settings, &answer.modules.join("cache/download"));
    shown.retain(|folder| folder.is_dir());
    Ok(Found {
        version: format!("go {release}"),
        release,
        programs: vec![answer.root.join("bin")],
        homes: vec![answer.root],
        settings,
        shown: Vec::new(),
        shown_fetching: shown,
        paths: Vec::new(),
    })
}

/// The folders that the user's proxies are, with what the user's Go fetched before as the first
/// of them: a cache is laid out like a proxy.
fn folders_in(settings: &mut Vec<(OsString, OsString)>, fetched: &Path) -> Vec<PathBuf> {
    let position = settings.iter().position(|(name, _)| name == "GOPROXY");
    let proxies = position.map(|at| settings.remove(at).1).unwrap_or_default();
    let proxies = proxies.to_string_lossy().into_owned();
    let folder = |one: &str| one.strip_prefix("file://").map(PathBuf::from);
    let mut shown: Vec<PathBuf> = proxies.split([',', '|']).filter_map(folder).collect();
    let mut all = proxies;
    if fetched.is_dir() {
        let first = format!("file://{}", fetched.display());
        all = format!("{first},{all}");
        shown.push(fetched.to_path_buf());
    }
    settings.push(("GOPROXY".into(), all.trim_end_matches(',').into()));
    shown
}

/// A folder `vendor` would be left behind by what changes here.
fn refusal(tree: &Tree, steps: &[Step]) -> Option<String> {
    let vendored = RelPath::below(tree.workspace().as_ref(), "vendor/modules.txt").ok()?;
    let is_there = !matches!(
        files::bytes(&tree.root, &vendored, MODULES_BYTES_MAX),
        Ok(None)
    );
    (is_there && !steps.is_empty()).then(|| {
        "its modules are kept in `vendor`, which `go mod vendor` has to write anew; that is not \
         done here"
            .to_owned()
    })
}

pub(super) fn step(step: &Step) -> Vec<Vec<String>> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    match step {
        Step::WriteManifest { .. } => Vec::new(),
        Step::UpdatePackage { package, to } => {
            let to = to.as_deref().unwrap_or("latest");
            vec![words(&["get", &format!("{}@{to}", package.name)])]
        }
        Step::Relock => vec![words(&["mod", "tidy"])],
        Step::UpdateEverything => vec![words(&["get", "-u", "./..."]), words(&["mod", "tidy"])],
    }
}

fn environment(around: &Surroundings<'_>) -> Vec<(OsString, OsString)> {
    let text = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
    let mut variables = vec![
        ("GOMODCACHE".into(), around.cache.join("modules").into()),
        ("GOCACHE".into(), around.results.into()),
        ("GOPATH".into(), around.cache.join("path").into()),
        text("GOENV", "off"),
        text("GOTOOLCHAIN", "local"),
        text("GOWORK", "off"),
        text("GOVCS", "*:off"),
        text("GOTELEMETRY", "off"),
    ];
    match around.phase {
        Phase::Fetch => {
            variables.push(text("GOFLAGS", "-mod=mod -modcacherw"));
            if around.offline {
                // Nobody can be asked; what `go.sum` has is held to it all the same.
                variables.push(text("GOSUMDB", "off"));
            }
        }
        Phase::Run => variables.extend([text("GOPROXY", "off"), text("GOSUMDB", "off")]),
    }
    variables
}

/// Vet goes along with the tests, as it does by itself.
fn commands(_: &Tree, policy: &Policy) -> Commands {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let build = policy.build_command.clone();
    let (runner, argv) = match &policy.test_command {
        Some(own) if is_json_test(own) => (Runner::Go, own.clone()),
        Some(own) => (Runner::Own, own.clone()),
        // What passed before is run all the same.
        None => (
            Runner::Go,
            words(&["go", "test", "-json", "-count=1", "./..."]),
        ),
    };
    Commands {
        // A program that is built is put nowhere: its name could be a folder's.
        build: build.unwrap_or_else(|| words(&["go", "build", "-o", "/dev/null", "./..."])),
        tests: vec![TestCommand { argv, runner }],
    }
}

fn is_json_test(command: &[String]) -> bool {
    let is_test = matches!(command, [go, test, ..] if go == "go" && test == "test");
    is_test
        && command
            .iter()
            .any(|word| word == "-json" || word == "--json")
}
