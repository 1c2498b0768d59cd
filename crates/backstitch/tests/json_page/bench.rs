//! What the program is run on to see what it prints.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A small project with known-vulnerable dependencies, a registry on disk that has them, and
/// an environment with nothing of the user's but the way to the toolchain.
pub struct Bench {
    folder: TempDir,
}

/// A release of the registry: name, version, text of its library.
const RELEASES: &[(&str, &str, &str)] = &[
    ("smallvec", "1.6.0", ""),
    ("smallvec", "1.6.1", ""),
    ("regex", "1.5.4", "pub fn agrees() -> bool { true }"),
    ("regex", "1.5.5", "pub fn agrees() -> bool { false }"),
    ("users", "0.11.0", ""),
    (
        "crossbeam-deque",
        "0.8.0",
        "pub fn races() -> bool { true }",
    ),
    (
        "crossbeam-deque",
        "0.8.1",
        "pub fn races() -> bool { false }",
    ),
];

/// One fix takes a rewritten requirement, one breaks the test, one is missing, one is easy.
const MANIFEST: &str = "\
[package]
name = \"ledger\"
version = \"0.1.0\"
edition = \"2021\"

[workspace]

[dependencies]
crossbeam-deque = \"0.8\"
regex = \"1.5\"
smallvec = \"=1.6.0\"
users = \"0.11\"
";

const LIBRARY: &str = "\
#[test]
fn patterns_agree() {
    assert!(regex::agrees());
}

#[test]
fn is_broken_already() {
    panic!();
}

#[test]
#[ignore]
fn waits() {}
";

/// The project's own reproducer, which takes an input.
const REPRODUCER: &str = "\
advisories = [\"RUSTSEC-2021-0093\"]
ecosystem = \"crates.io\"
package = \"crossbeam-deque\"
shows = \"two take the same task\"
program = \"check.rs\"
inputs = [\"task\"]
";

const PROGRAM: &str = "\
fn main() {
    std::process::exit(if crossbeam_deque::races() { 42 } else { 0 });
}
";

impl Bench {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let bench = Self { folder };
        let registry = bench.path("registry");
        let checksums: Vec<_> = RELEASES
            .iter()
            .map(|release| publish(&registry, *release))
            .collect();
        write(&bench.path("project/Cargo.toml"), MANIFEST);
        write(&bench.path("project/src/lib.rs"), LIBRARY);
        let reproducer = bench.path("project/.backstitch/reproducers/deque-races");
        write(&reproducer.join("reproducer.toml"), REPRODUCER);
        write(&reproducer.join("check.rs"), PROGRAM);
        write(&bench.path("project/Cargo.lock"), &lockfile(&checksums));
        let settings = format!(
            "[source.crates-io]\nreplace-with = \"disk\"\n[source.disk]\nlocal-registry = {:?}\n",
            registry.display().to_string()
        );
        write(&bench.path("cargo/config.toml"), &settings);
        bench
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    pub fn backstitch(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_backstitch"));
        command
            .args(arguments)
            .current_dir(self.path("project"))
            .env_clear();
        for kept in ["PATH", "HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
            command.envs(std::env::var_os(kept).map(|value| (kept, value)));
        }
        command.env("BACKSTITCH_HOME", self.path("home"));
        command.env("CARGO_HOME", self.path("cargo"));
        command
    }

    /// What a command prints, which has to end with the given exit code.
    pub fn output(&self, arguments: &[&str], exit: i32) -> String {
        let Output {
            status,
            stdout,
            stderr,
        } = self
            .backstitch(arguments)
            .output()
            .expect("the program starts");
        let said = String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(exit), "{arguments:?}: {said}");
        String::from_utf8(stdout).expect("it prints UTF-8")
    }

    pub fn json(&self, arguments: &[&str], exit: i32) -> Value {
        serde_json::from_str(&self.output(arguments, exit)).expect("it prints JSON")
    }
}

/// Puts a release into a local registry
/// (<https://doc.rust-lang.org/cargo/reference/source-replacement.html#local-registry-sources>)
/// and returns its checksum.
fn publish(registry: &Path, (name, version, library): (&str, &str, &str)) -> String {
    let id = format!("{name}-{version}");
    let sources = registry.join("sources");
    let manifest =
        format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n");
    write(&sources.join(&id).join("Cargo.toml"), &manifest);
    write(&sources.join(&id).join("src/lib.rs"), library);
    let archive = registry.join(format!("{id}.crate"));
    tool(
        Command::new("tar")
            .arg("-czf")
            .arg(&archive)
            .arg("-C")
            .arg(&sources)
            .arg(&id),
    );
    let summed = tool(Command::new("sha256sum").arg(&archive));
    let checksum = summed
        .split(' ')
        .next()
        .expect("it begins with the sum")
        .to_owned();
    let line = serde_json::json!({
        "name": name, "vers": version, "deps": [], "cksum": checksum, "features": {},
        "yanked": false,
    });
    let entry = registry
        .join("index")
        .join(&name[..2])
        .join(&name[2..4])
        .join(name);
    let before = std::fs::read_to_string(&entry).unwrap_or_default();
    write(&entry, &format!("{before}{line}\n"));
    checksum
}

fn tool(command: &mut Command) -> String {
    let output = command.output().expect("the tool is installed");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The lockfile with the first release of each package.
fn lockfile(checksums: &[String]) -> String {
    let mut names: Vec<&str> = Vec::new();
    let mut text = String::new();
    for ((name, version, _), checksum) in RELEASES.iter().zip(checksums) {
        if names.contains(name) {
            continue;
        }
        names.push(name);
        text.push_str(&format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n\
             source = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
             checksum = \"{checksum}\"\n\n"
        ));
    }
    format!(
        "version = 4\n\n{text}[[package]]\nname = \"ledger\"\nversion = \"0.1.0\"\n\
         dependencies = {names:?}\n"
    )
}

/// Writes a file, and the folders above it.
pub fn write(path: &Path, text: &str) {
    let folder = path.parent().expect("a file has a folder");
    std::fs::create_dir_all(folder).expect("the folder can be made");
    std::fs::write(path, text).expect("the file can be written");
}
