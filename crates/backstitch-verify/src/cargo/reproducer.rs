//! Makes a crate of a reproducer: it requires the one package, at the version and with the features
//! that the project's lockfile resolves, and locks all else as the project does.

use std::fs;
use std::path::Path;

use backstitch_model::package::PackageVersion;
use backstitch_model::{RelPath, Reproducer};
use serde_json::Value;

use super::manager::{Cargo, RESULTS};
use crate::workbench::error::Doing;
use crate::workbench::reproduce::Staged;
use crate::workbench::session::Running;
use crate::workbench::trial::Trial;
use crate::workbench::{PackageManager, Tree, VerifyError, files};

/// The largest lockfile that is copied, in bytes.
const LOCKFILE_BYTES_MAX: u64 = 64 << 20;
/// The longest list of features that is taken over.
const FEATURES_MAX: usize = 1000;

/// How the package's features are chosen.
enum Features {
    /// As the project has them.
    Resolved(Vec<String>),
    /// The package's own defaults, since nobody knows the project's; why.
    Default(String),
}

impl Cargo {
    pub(super) fn stage_crate(
        &self,
        trial: &Trial,
        reproducer: &Reproducer,
        package: &PackageVersion,
        work: &Path,
    ) -> Result<Result<Staged, String>, VerifyError> {
        let lockfile = &trial.tree().lockfile;
        let lock = match files::read(&trial.tree().root, lockfile, LOCKFILE_BYTES_MAX) {
            Ok(Some(text)) => text,
            Ok(None) => return Ok(Err(format!("`{lockfile}` is not there"))),
            Err(error) => return Ok(Err(format!("read `{lockfile}`: {error}"))),
        };
        let mut notes = Vec::new();
        let features = self.resolved_features(trial, package)?;
        if let Features::Default(why) = &features {
            notes.push(format!(
                "built with the default features of `{package}`: {why}"
            ));
        }
        let root = work.join("crate");
        let tree = write_crate(&root, reproducer, &package.version, &features)?;
        fs::write(root.join("Cargo.lock"), lock).doing("write lockfile", &root)?;
        let layers = self.layers(&tree, work, Some(trial));
        let staged = Trial::prepare(self.session(), tree, &work.join("trial"), layers)?;
        let program = staged
            .layer(self.session(), RESULTS)
            .join("debug/backstitch-reproducer");
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Ok(Ok(Staged {
            trial: staged,
            mounts: Vec::new(),
            build: Some(words(&["cargo", "build", "--offline"])),
            programs: vec![words(&[&program.to_string_lossy()])],
            notes,
        }))
    }

    /// Asks cargo which features the project turns on in the package.
    fn resolved_features(
        &self,
        trial: &Trial,
        package: &PackageVersion,
    ) -> Result<Features, VerifyError> {
        let platform = format!("--filter-platform={}", self.toolchain().host);
        let argv = [
            "cargo",
            "metadata",
            "--format-version=1",
            "--locked",
            "--offline",
            &platform,
        ];
        let ended = self.session().run_project(Running {
            trial,
            surroundings: self.surroundings(trial)?,
            argv: &argv.map(str::to_owned),
            name: "features",
            wall_s: None,
        })?;
        if !ended.ran.exit.succeeded() {
            return Ok(Features::Default(
                "cargo does not tell the project's".into(),
            ));
        }
        let log = fs::read(&ended.log).doing("read log", &ended.log)?;
        let features = features_of(&log, package);
        let unknown = || Features::Default("the project does not build it here".into());
        Ok(features.map_or_else(unknown, Features::Resolved))
    }
}

/// Finds a package's features in what `cargo metadata` printed
/// (<https://doc.rust-lang.org/cargo/commands/cargo-metadata.html>, `resolve.nodes`).
fn features_of(log: &[u8], package: &PackageVersion) -> Option<Vec<String>> {
    let mut lines = log.split(|&byte| byte == b'\n');
    let json = lines.find(|line| line.starts_with(b"{"))?;
    let metadata: Value = serde_json::from_slice(json).ok()?;
    let is_it =
        |about: &&Value| about["name"] == *package.name && about["version"] == *package.version;
    let id = metadata["packages"].as_array()?.iter().find(is_it)?["id"].as_str()?;
    let nodes = metadata["resolve"]["nodes"].as_array()?;
    let node = nodes.iter().find(|node| node["id"] == *id)?;
    let features = node["features"].as_array()?.iter().take(FEATURES_MAX);
    features
        .map(|feature| feature.as_str().map(str::to_owned))
        .collect()
}

/// Writes the crate without a lockfile.
fn write_crate(
    root: &Path,
    reproducer: &Reproducer,
    version: &str,
    features: &Features,
) -> Result<Tree, VerifyError> {
    let (default, mut all) = match features {
        Features::Resolved(features) => (false, features.clone()),
        Features::Default(_) => (true, Vec::new()),
    };
    all.extend(reproducer.features.iter().cloned());
    all.sort();
    all.dedup();
    let mut dependency = toml::Table::new();
    // What follows a `+` is no part of a requirement.
    let exact = version.split('+').next().unwrap_or(version);
    dependency.insert("version".into(), format!("={exact}").into());
    dependency.insert("default-features".into(), default.into());
    dependency.insert("features".into(), all.into());
    let mut dependencies = toml::Table::new();
    dependencies.insert(reproducer.package.clone(), dependency.into());
    let mut tables = toml::Table::new();
    tables.insert("dependencies".into(), dependencies.into());
    let manifest = format!(
        "[package]\nname = \"backstitch-reproducer\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\
         publish = false\n\n[[bin]]\nname = \"backstitch-reproducer\"\npath = \"check.rs\"\n\n\
         [workspace]\n\n{tables}"
    );
    fs::create_dir_all(root).doing("make directory", root)?;
    for (name, text) in [
        ("Cargo.toml", manifest.as_str()),
        ("check.rs", &reproducer.program.text),
    ] {
        let file = root.join(name);
        fs::write(&file, text).doing("write reproducer", &file)?;
    }
    Ok(Tree {
        root: root.to_path_buf(),
        lockfile: RelPath::new("Cargo.lock").expect("a plain name is a path"),
    })
}

/// Writes a project that requires one release of the reproducer's package.
pub(super) fn specimen(
    reproducer: &Reproducer,
    version: &str,
    root: &Path,
) -> Result<Tree, VerifyError> {
    let features = Features::Default(String::new());
    write_crate(root, reproducer, version, &features)
}

#[cfg(test)]
mod tests {
    use super::*;
    use backstitch_model::package::Ecosystem;

    #[test]
    fn features_are_read_from_what_cargo_prints_and_noise_is_passed_over() {
        let log = br#"warning: noise
{"packages":[{"name":"a","version":"1.0.0","id":"registry+x#a@1.0.0"}],
"resolve":{"nodes":[]}}
{"packages":[{"name":"a","version":"1.0.0","id":"i"}],"resolve":{"nodes":[{"id":"i","features":["default","std"]}]}}"#;
        let package = |version: &str| PackageVersion {
            ecosystem: Ecosystem::CratesIo,
            name: "a".into(),
            version: version.into(),
        };
        assert_eq!(features_of(log, &package("1.0.0")), None);
        let last = log.split(|&byte| byte == b'\n').next_back().unwrap();
        assert_eq!(
            features_of(last, &package("1.0.0")),
            Some(vec!["default".to_owned(), "std".to_owned()])
        );
        assert_eq!(features_of(last, &package("2.0.0")), None);
    }
}
