//! Owns finding the user's Rust toolchain: the real programs, not rustup's stand-ins, which would
//! pick another toolchain, or download one, because a file in the project says so.
//!
//! Asks the user's own `rustc` outside any project. Never looks for programs in a tree.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use backstitch_model::RelPath;

use crate::host::{ask, look_up};
use crate::workbench::{VerifyError, files};

/// The largest toolchain file read, in bytes.
const FILE_BYTES_MAX: u64 = 16 << 10;

/// A Rust toolchain on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toolchain {
    /// The directory that holds `bin`, `lib` and so on.
    pub sysroot: PathBuf,
    /// The real cargo.
    pub cargo: PathBuf,
    /// What `cargo --version` and `rustc --version` say, for the evidence.
    pub version: String,
    /// The compiler's release, such as `1.95.0`.
    pub release: String,
    /// The platform it runs on and builds for.
    pub host: String,
    /// `cargo-nextest`, where it is installed.
    pub nextest: Option<PathBuf>,
}

impl Toolchain {
    /// Finds the toolchain that `rustc` on the user's `PATH` stands for, `RUSTUP_TOOLCHAIN` and
    /// rustup's default included. Errors where there is none or it lacks cargo.
    pub fn discover() -> Result<Self, VerifyError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let sysroot = PathBuf::from(ask("rustc".as_ref(), &["--print", "sysroot"])?);
        let about = ask("rustc".as_ref(), &["-vV"])?;
        let field = |name: &str| {
            let value = about
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            value.map(str::to_owned).ok_or_else(|| {
                VerifyError::Toolchain(format!("`rustc -vV` does not tell its {name}"))
            })
        };
        let (release, host) = (field("release")?, field("host")?);
        let cargo = find_cargo(&sysroot, &path)?;
        let rustc = about.lines().next().unwrap_or_default();
        let version = format!("{}, {rustc}", ask(cargo.as_os_str(), &["--version"])?);
        let nextest = look_up("cargo-nextest", &path);
        Ok(Self {
            sysroot,
            cargo,
            version,
            release,
            host,
            nextest,
        })
    }

    /// What to tell where a file of the project asks for another toolchain than this one.
    pub(super) fn note(&self, root: &Path, workspace: Option<&RelPath>) -> Option<String> {
        let asked = asked_for(root, workspace)?;
        let same = asked == self.release || asked == "stable" && !self.release.contains('-');
        (!same).then(|| {
            let asked = asked.escape_debug();
            format!(
                "the project asks for toolchain `{asked}`; judged with {}",
                self.release
            )
        })
    }
}

/// Cargo lies beside rustc; a distribution may keep it elsewhere.
fn find_cargo(sysroot: &Path, path: &OsStr) -> Result<PathBuf, VerifyError> {
    let beside = sysroot.join("bin/cargo");
    if beside.is_file() {
        return Ok(beside);
    }
    look_up("cargo", path)
        .and_then(|found| found.canonicalize().ok())
        .filter(|found| found.file_name() != Some(OsStr::new("rustup")))
        .filter(|found| !same_content_as_rustup(found))
        .ok_or_else(|| VerifyError::Toolchain("the toolchain has no cargo of its own".into()))
}

/// Rustup's stand-ins are links to it, hard ones on some systems.
fn same_content_as_rustup(program: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |path: &Path| {
        std::fs::metadata(path)
            .map(|file| (file.dev(), file.ino()))
            .ok()
    };
    let rustup = program.with_file_name("rustup");
    identity(&rustup).is_some_and(|rustup| Some(rustup) == identity(program))
}

/// The channel that the nearest toolchain file names.
fn asked_for(root: &Path, workspace: Option<&RelPath>) -> Option<String> {
    let mut folder = workspace.cloned();
    loop {
        for name in ["rust-toolchain", "rust-toolchain.toml"] {
            let path = RelPath::below(folder.as_ref(), name).ok()?;
            if let Ok(Some(text)) = files::read(root, &path, FILE_BYTES_MAX) {
                return channel(&text);
            }
        }
        folder = folder?.parent();
    }
}

/// Reads either format (<https://rust-lang.github.io/rustup/overrides.html>).
fn channel(text: &str) -> Option<String> {
    let channel = match toml::from_str::<toml::Table>(text) {
        Ok(table) => table.get("toolchain")?.get("channel")?.as_str()?.to_owned(),
        Err(_) => text.lines().next()?.trim().to_owned(),
    };
    (!channel.is_empty()).then(|| channel.chars().take(64).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_of_a_toolchain_file_are_read() {
        assert_eq!(channel("1.52.1\n").as_deref(), Some("1.52.1"));
        assert_eq!(
            channel("[toolchain]\nchannel = \"nightly\"\n").as_deref(),
            Some("nightly")
        );
        assert_eq!(channel("[toolchain]\nprofile = \"minimal\"\n"), None);
        assert_eq!(channel(""), None);
    }

    #[test]
    fn the_toolchain_file_nearest_to_the_lockfile_is_told() {
        let tree = tempfile::tempdir().unwrap();
        std::fs::create_dir(tree.path().join("inner")).unwrap();
        std::fs::write(tree.path().join("rust-toolchain"), "1.0.0").unwrap();
        let inner = RelPath::new("inner").unwrap();
        assert_eq!(
            asked_for(tree.path(), Some(&inner)).as_deref(),
            Some("1.0.0")
        );
        std::fs::write(
            tree.path().join("inner/rust-toolchain.toml"),
            "[toolchain]\nchannel = \"1.2.0\"",
        )
        .unwrap();
        assert_eq!(
            asked_for(tree.path(), Some(&inner)).as_deref(),
            Some("1.2.0")
        );
        assert_eq!(asked_for(tree.path(), None).as_deref(), Some("1.0.0"));
    }

    #[test]
    fn the_real_programs_are_found_and_no_stand_in() {
        let toolchain = Toolchain::discover().unwrap();
        assert!(
            toolchain.cargo.starts_with(&toolchain.sysroot),
            "{toolchain:?}"
        );
        assert!(toolchain.version.starts_with("cargo "), "{toolchain:?}");
        let note = toolchain.note(Path::new("/"), None);
        assert_eq!(note, None);
    }
}
