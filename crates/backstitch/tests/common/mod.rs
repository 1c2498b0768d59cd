//! A world for a test of the whole program: a project, a registry on disk, advisories, and an
//! environment with nothing of the user's in it. No network is needed, and none is used.

#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "each test file uses another part, and all of it is a test"
)]

pub mod server;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use backstitch_fixture::{DiskRegistry, Files, Package};
use backstitch_verify::sandbox::Sandbox;
use serde_json::{Value, json};
use tempfile::TempDir;

pub const BINARY: &str = env!("CARGO_BIN_EXE_backstitch");

/// The longest that one start of the program may take in a test.
const PATIENCE: Duration = Duration::from_secs(300);

/// A folder that holds everything one test needs.
pub struct World {
    folder: TempDir,
    pub registry: DiskRegistry,
    /// The longest that one start of the program may take.
    pub patience: Duration,
}

impl World {
    /// A world for tests that start nothing of a project.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("backstitch-e2e-")
            .tempdir()
            .unwrap();
        let registry = DiskRegistry::new(&folder.path().join("registry"));
        let world = Self {
            folder,
            registry,
            patience: PATIENCE,
        };
        for below in ["user", "cargo", "home", "project", "advisories"] {
            fs::create_dir(world.path(below)).unwrap();
        }
        fs::write(
            world.path("cargo/config.toml"),
            world.registry.cargo_config(),
        )
        .unwrap();
        world
    }

    /// A world for tests that need the sandbox. Nothing if the kernel refuses to build one, which
    /// is said loudly; a machine that is known to have it may insist.
    pub fn sandboxed() -> Option<Self> {
        if let Err(unavailable) = Sandbox::new(BINARY.into()).probe() {
            let required = std::env::var_os("BACKSTITCH_SANDBOX_REQUIRED").is_some();
            assert!(!required, "the sandbox is required here: {unavailable}");
            eprintln!("SKIPPED, NOTHING WAS TESTED: {unavailable}");
            return None;
        }
        Some(Self::new())
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(below)
    }

    pub fn project(&self) -> PathBuf {
        self.path("project")
    }

    /// Where the program keeps what it needs.
    pub fn state(&self) -> PathBuf {
        self.path("home/state")
    }

    // What there is before the program starts.

    /// Publishes a release with the given text of its library.
    pub fn publish(&self, name: &str, version: &str, source: &str) {
        self.registry
            .publish(&Package::new(name, version).source(source));
    }

    /// Writes an advisory on every version of `package` below `fixed`, or on all of them.
    pub fn advise(&self, id: &str, package: &str, fixed: Option<&str>) {
        let mut events = vec![json!({"introduced": "0"})];
        events.extend(fixed.map(|fixed| json!({"fixed": fixed})));
        self.write_advisory(id, &advisory(id, package, &json!(events)));
    }

    pub fn write_advisory(&self, name: &str, advisory: &Value) {
        let file = self.path("advisories").join(format!("{name}.json"));
        fs::write(file, advisory.to_string()).unwrap();
    }

    /// Compiles the advisories, as a user would.
    pub fn import(&self) {
        let folder = self.path("advisories");
        self.run(&["db", "import", folder.to_str().unwrap()])
            .ended_with(0);
    }

    /// Makes an index that has nothing to say on the project.
    pub fn import_nothing_much(&self) {
        self.advise("RUSTSEC-2030-9999", "nothing-uses-it", None);
        self.import();
    }

    /// Writes the project's files from one string.
    pub fn write(&self, files: &str) {
        Files::parse(files).write_to(&self.project());
    }

    /// Writes the user's own settings.
    pub fn settings(&self, text: &str) {
        let folder = self.path("home/config");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("config.toml"), text).unwrap();
    }

    /// Locks the project at the newest releases that there are by now.
    pub fn lock(&self) {
        succeed(&mut self.cargo(&["generate-lockfile", "--offline"], &self.project()));
    }

    /// Cargo itself, in the same surroundings.
    pub fn cargo(&self, arguments: &[&str], folder: &Path) -> Command {
        let mut command = Command::new(sysroot().join("bin/cargo"));
        command.args(arguments).current_dir(folder);
        self.surround(&mut command);
        command
    }

    /// Makes a repository of the project, everything in one commit.
    pub fn commit(&self) {
        self.git(&["init", "--quiet", "--initial-branch=main"]);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message=Begin"]);
    }

    /// What git says in the project.
    pub fn git(&self, arguments: &[&str]) -> String {
        succeed(&mut self.git_in(&self.project(), arguments))
    }

    pub fn git_in(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(folder);
        self.surround(&mut command);
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "Test");
            command.env(format!("GIT_{role}_EMAIL"), "test@localhost");
        }
        command.env("GIT_CONFIG_NOSYSTEM", "1");
        command
    }

    // The program.

    /// Starts the program in the project, to be waited for.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(arguments).current_dir(self.project());
        self.surround(&mut command);
        command
    }

    fn surround(&self, command: &mut Command) {
        let path = format!("{}:/usr/bin:/bin", sysroot().join("bin").display());
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.path("user"))
            .env("CARGO_HOME", self.path("cargo"))
            .env("BACKSTITCH_HOME", self.path("home"))
            .stdin(Stdio::null());
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        wait_for(&mut self.command(arguments), self.patience)
    }

    /// Runs the loop and reads what it prints.
    pub fn repair(&self, arguments: &[&str], exit: i32) -> Run {
        let all = [&["run", "--offline", "--format", "json"], arguments].concat();
        let ended = self.run(&all);
        ended.ended_with(exit);
        Run {
            told: ended.json(),
            ended,
        }
    }

    /// The events of the newest run of the project.
    pub fn events(&self) -> Vec<Value> {
        let ended = self.run(&["ledger", "show", "--format", "json"]);
        ended.ended_with(0);
        ended.json()["events"].as_array().unwrap().clone()
    }

    /// The tree that a branch, or any other name, stands for.
    pub fn tree_of(&self, name: &str) -> String {
        self.git(&["rev-parse", &format!("{name}^{{tree}}")])
            .trim()
            .to_owned()
    }

    /// The branches that the program left, oldest first by name.
    pub fn branches(&self) -> Vec<String> {
        let told = self.git(&[
            "for-each-ref",
            "--format=%(refname:short)",
            "refs/heads/backstitch",
        ]);
        told.lines().map(str::to_owned).collect()
    }

    // What must not be there afterwards.

    /// Nothing is left of work, and nothing goes on.
    pub fn is_quiet(&self) {
        let work = self.state().join("work");
        let left: Vec<_> = fs::read_dir(&work)
            .map(|all| all.flatten().map(|one| one.path()).collect())
            .unwrap_or_default();
        assert_eq!(left, Vec::<PathBuf>::new(), "work is left");
        let place = self.folder.path().to_str().unwrap();
        assert!(
            soon(|| processes_about(place).is_empty()),
            "{:?}",
            processes_about(place)
        );
        let mounts = fs::read_to_string("/proc/mounts").unwrap();
        assert!(!mounts.contains(place), "{mounts}");
    }

    /// The files below the program's own folder that hold `text`.
    pub fn holding(&self, text: &str) -> Vec<PathBuf> {
        let holds = |bytes: &[u8]| {
            bytes
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        };
        let mut found = Vec::new();
        for (path, entry) in entries(&self.path("home")) {
            if let Entry::File(bytes, _) = &entry
                && holds(bytes)
            {
                found.push(path);
            }
        }
        found
    }
}

/// How one start of the program ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    #[track_caller]
    pub fn ended_with(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub fn said(&self, words: &str) -> &Self {
        assert!(
            self.stderr.contains(words),
            "{words:?} is not in: {}",
            self.stderr
        );
        self
    }

    #[track_caller]
    pub fn printed(&self, words: &str) -> &Self {
        assert!(
            self.stdout.contains(words),
            "{words:?} is not in: {}",
            self.stdout
        );
        self
    }

    /// No character that steers a terminal came out raw.
    #[track_caller]
    pub fn is_tame(&self) -> &Self {
        let wild = |character: char| character.is_control() && character != '\n';
        for text in [&self.stdout, &self.stderr] {
            assert!(!text.contains(wild), "{text:?}");
        }
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).expect("it prints JSON")
    }
}

/// One run of the loop, as it tells itself.
#[derive(Debug)]
pub struct Run {
    pub told: Value,
    pub ended: Ended,
}

impl Run {
    /// The record of the finding in a package.
    #[track_caller]
    pub fn of(&self, package: &str) -> &Value {
        let findings = self.told["findings"].as_array().unwrap();
        let found = findings
            .iter()
            .find(|finding| finding["package"] == package);
        found.unwrap_or_else(|| panic!("nothing is told of {package}: {:#}", self.told))
    }

    /// Each attempt for a package: the version it goes to and its verdict's conclusion.
    #[track_caller]
    pub fn attempts(&self, package: &str) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let attempts = self.of(package)["attempts"].as_array().unwrap();
        let moved = |attempt: &Value| {
            let moves = attempt["moves"].as_array().unwrap();
            let own = moves.iter().find(|step| step["package"] == package);
            own.map_or_else(String::new, |step| text(&step["to"]))
        };
        attempts
            .iter()
            .map(|attempt| (moved(attempt), text(&attempt["verdict"]["conclusion"])))
            .collect()
    }

    /// The verdict on the finding in a package, with the rung and the reason where it has them.
    #[track_caller]
    pub fn verdict(&self, package: &str) -> String {
        let verdict = &self.of(package)["verdict"];
        let part = |name: &str| verdict[name].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}", part("conclusion"), part("check"), part("why"))
            .trim()
            .to_owned()
    }

    #[track_caller]
    pub fn obstacle(&self, package: &str) -> &str {
        self.of(package)["obstacle"].as_str().unwrap_or_default()
    }

    pub fn notes(&self) -> String {
        let notes = self.told["notes"].as_array().unwrap();
        notes
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The branch or the folder that the fixes were left in.
    #[track_caller]
    pub fn place(&self) -> &str {
        self.told["delivery"]["place"]
            .as_str()
            .expect("something was delivered")
    }

    pub fn items(&self) -> Vec<&str> {
        let items = self.told["delivery"]["items"].as_array();
        items
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }
}

/// An OSV record.
pub fn advisory(id: &str, package: &str, events: &Value) -> Value {
    json!({
        "schema_version": "1.6.0",
        "id": id,
        "aliases": [id.replace("RUSTSEC", "CVE")],
        "published": "2024-01-01T00:00:00Z",
        "modified": "2024-01-02T00:00:00Z",
        "summary": format!("What is wrong in {package}"),
        "affected": [{
            "package": {"ecosystem": "crates.io", "name": package},
            "ranges": [{"type": "SEMVER", "events": events}],
        }],
    })
}

/// A manifest with the given lines of dependencies.
pub fn manifest(dependencies: &str) -> String {
    format!(
        "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n\
         [lib]\ndoctest = false\n\n[workspace]\n\n[dependencies]\n{dependencies}"
    )
}

/// Waits for a process, but not for ever, and answers what it printed.
pub fn wait(command: &mut Command) -> Ended {
    wait_for(command, PATIENCE)
}

fn wait_for(command: &mut Command, patience: Duration) -> Ended {
    let mut stdout = tempfile::tempfile().unwrap();
    let mut stderr = tempfile::tempfile().unwrap();
    command
        .stdout(stdout.try_clone().unwrap())
        .stderr(stderr.try_clone().unwrap());
    let mut child = command.spawn().unwrap();
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > patience {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!(
                "{command:?} did not end: {}{}",
                read(&mut stdout),
                read(&mut stderr)
            );
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    Ended {
        code: status.code(),
        stdout: read(&mut stdout),
        stderr: read(&mut stderr),
    }
}

fn read(file: &mut fs::File) -> String {
    use std::io::{Read as _, Seek as _};
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Runs a command that has to succeed and answers what it printed.
pub fn succeed(command: &mut Command) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let said = String::from_utf8_lossy(&stderr);
    let printed = String::from_utf8_lossy(&stdout).into_owned();
    assert!(status.success(), "{command:?}: {printed}{said}");
    printed
}

/// Where the real toolchain is: rustup's stand-ins would need the user's home.
pub fn sysroot() -> &'static Path {
    static SYSROOT: OnceLock<PathBuf> = OnceLock::new();
    SYSROOT.get_or_init(|| {
        let told = succeed(
            Command::new("rustc")
                .args(["--print", "sysroot"])
                .current_dir("/"),
        );
        PathBuf::from(told.trim())
    })
}

/// Something in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    Folder,
    Link(PathBuf),
    /// What it holds, and its permissions.
    File(Vec<u8>, u32),
}

/// Everything below a folder, by path; links are not followed.
pub fn entries(folder: &Path) -> BTreeMap<PathBuf, Entry> {
    use std::os::unix::fs::PermissionsExt;
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(&folder).unwrap().flatten() {
            let path = entry.path();
            let about = path.symlink_metadata().unwrap();
            let entry = if about.is_dir() {
                waiting.push(path.clone());
                Entry::Folder
            } else if about.is_symlink() {
                Entry::Link(fs::read_link(&path).unwrap())
            } else {
                Entry::File(fs::read(&path).unwrap(), about.permissions().mode())
            };
            found.insert(path, entry);
        }
    }
    found
}

/// Waits a little for something to become true.
pub fn soon(mut is_true: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    loop {
        if is_true() {
            return true;
        }
        if started.elapsed() > Duration::from_secs(10) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The processes, but this one, whose command line, environment or folder speaks of `text`.
pub fn processes_about(text: &str) -> Vec<String> {
    let own = std::process::id().to_string();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.bytes().all(|byte| byte.is_ascii_digit()) || name == own {
            continue;
        }
        let speaks = |file: &str| {
            let bytes = fs::read(entry.path().join(file)).unwrap_or_default();
            let told = String::from_utf8_lossy(&bytes).into_owned();
            told.contains(text).then_some(told)
        };
        let stands = || {
            let folder = fs::read_link(entry.path().join("cwd")).ok()?;
            folder
                .to_string_lossy()
                .contains(text)
                .then(|| folder.display().to_string())
        };
        let told = speaks("cmdline")
            .or_else(|| speaks("environ"))
            .or_else(stands);
        found.extend(told.map(|told| format!("{name}: {told}")));
    }
    found
}

/// Writes a file that may be run.
pub fn program(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    let mut file = fs::File::create(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.set_permissions(fs::Permissions::from_mode(0o755))
        .unwrap();
}

/// Counts who connects.
pub fn listener() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.unwrap().read(&mut [0; 1]);
        }
    });
    (port, calls)
}
