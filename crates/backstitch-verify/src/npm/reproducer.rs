//! Puts a reproducer beside every copy of its package, so that node finds that copy and no
//! other for it.

use std::fs;
use std::path::Path;

use backstitch_model::package::PackageVersion;
use backstitch_model::{RelPath, Reproducer};

use super::json::Object;
use super::lock::Lock;
use super::manager::Npm;
use super::skeleton::{FILE_BYTES_MAX, MANIFEST, MODULES};
use crate::sandbox::{Access, Mount};
use crate::workbench::error::Doing;
use crate::workbench::places;
use crate::workbench::reproduce::Staged;
use crate::workbench::session::workspace_in;
use crate::workbench::trial::Trial;
use crate::workbench::{PackageManager, Tree, VerifyError, files};

/// How many copies of one release are looked at.
const COPIES_MAX: usize = 16;

/// Gets ready to run a reproducer against every copy of `package`.
pub(super) fn stage(
    npm: &Npm,
    trial: &Trial,
    reproducer: &Reproducer,
    package: &PackageVersion,
    work: &Path,
) -> Result<Result<Staged, String>, VerifyError> {
    let tree = trial.tree();
    let lock = match files::read(&tree.root, &tree.lockfile, FILE_BYTES_MAX) {
        Ok(Some(text)) => Lock::parse(&text),
        Ok(None) => Err("it is not there".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let copies = match lock {
        Ok(lock) => lock.copies(package),
        Err(why) => return Ok(Err(format!("read `{}`: {why}", tree.lockfile))),
    };
    if copies.is_empty() {
        return Ok(Err(format!("the lockfile has no folder of `{package}`")));
    }
    fs::create_dir_all(work).doing("make directory", work)?;
    let (name, text) = (&reproducer.program.name, &reproducer.program.text);
    let host = work.join(name);
    fs::write(&host, text).doing("write reproducer", &host)?;
    let layers = npm.layers(tree, work, Some(trial));
    let staged = Trial::prepare(npm.session(), tree.clone(), &work.join("trial"), layers)?;
    let mut notes = Vec::new();
    if copies.len() > COPIES_MAX {
        notes.push(format!(
            "only {COPIES_MAX} of {} copies were looked at",
            copies.len()
        ));
    }
    let project = workspace_in(Path::new(places::PROJECT), &tree.lockfile);
    let places: Vec<_> = copies
        .iter()
        .take(COPIES_MAX)
        .filter_map(|copy| copy.rfind(MODULES).map(|at| project.join(&copy[..at])))
        .map(|folder| folder.join(format!("backstitch-{name}")))
        .collect();
    let mounts = places.iter().map(|inside| Mount {
        host: host.clone(),
        inside: inside.clone(),
        access: Access::ReadOnly,
    });
    let programs = places
        .iter()
        .map(|inside| vec!["node".to_owned(), inside.display().to_string()]);
    Ok(Ok(Staged {
        trial: staged,
        mounts: mounts.collect(),
        build: None,
        programs: programs.collect(),
        notes,
    }))
}

/// Writes a project that requires exactly one release of the reproducer's package.
pub(super) fn specimen(
    reproducer: &Reproducer,
    version: &str,
    root: &Path,
) -> Result<Tree, VerifyError> {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut dependencies = Object::default();
    dependencies.set(&reproducer.package, quoted(version));
    let mut manifest = Object::default();
    manifest.set("name", quoted("backstitch-specimen"));
    manifest.set("version", quoted("0.0.0"));
    manifest.set("private", "true".to_owned());
    manifest.set("dependencies", dependencies.write(1, "  "));
    let lock = "{\n  \"name\": \"backstitch-specimen\",\n  \"version\": \"0.0.0\",\n  \
                \"lockfileVersion\": 3,\n  \"requires\": true,\n  \"packages\": {}\n}\n";
    for (name, text) in [
        (MANIFEST, manifest.write(0, "  ").as_str()),
        ("package-lock.json", lock),
    ] {
        let path = root.join(name);
        fs::write(&path, text).doing("write specimen", &path)?;
    }
    Ok(Tree {
        root: root.to_path_buf(),
        lockfile: RelPath::new("package-lock.json").expect("a plain name is a path"),
    })
}
