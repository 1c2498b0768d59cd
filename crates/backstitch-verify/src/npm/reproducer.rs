//! Puts a reproducer beside every installed copy of its package, so that node finds that copy
//! and no other for it. A copy that has another name, or that is not there, shows nothing: node
//! would look further up and find another release.

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
    let (copies, absent): (Vec<_>, Vec<_>) = copies
        .into_iter()
        .partition(|copy| is_found(trial, work, package, copy));
    if copies.is_empty() {
        return Ok(Err(format!(
            "no copy of `{package}` is installed under its own name"
        )));
    }
    beside(npm, trial, reproducer, (&copies, &absent), work).map(Ok)
}

/// Puts a reproducer beside every one of `copies`; `absent` are told of.
pub(super) fn beside(
    manager: &dyn PackageManager,
    trial: &Trial,
    reproducer: &Reproducer,
    (copies, absent): (&[String], &[String]),
    work: &Path,
) -> Result<Staged, VerifyError> {
    let tree = trial.tree();
    fs::create_dir_all(work).doing("make directory", work)?;
    let (name, text) = (&reproducer.program.name, &reproducer.program.text);
    let host = work.join(name);
    fs::write(&host, text).doing("write reproducer", &host)?;
    let layers = manager.layers(tree, work, Some(trial));
    let staged = Trial::prepare(manager.session(), tree.clone(), &work.join("trial"), layers)?;
    let mut notes = Vec::new();
    if !absent.is_empty() {
        notes.push(format!(
            "not looked at, since they are not installed here or have another name: `{}`",
            absent.join("`, `")
        ));
    }
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
    Ok(Staged {
        trial: staged,
        mounts: mounts.collect(),
        build: None,
        programs: programs.collect(),
        notes,
    })
}

/// Would a program beside this copy get it, and in this release, when it asks for the package?
fn is_found(trial: &Trial, work: &Path, package: &PackageVersion, copy: &str) -> bool {
    let modules = modules_of(copy, &package.name);
    modules.is_some_and(|modules| Npm::has_installed(trial, work, modules, package))
}

/// The folder of installed packages that a copy lies in under the package's own name.
fn modules_of<'copy>(copy: &'copy str, name: &str) -> Option<&'copy str> {
    let modules = copy.strip_suffix(name)?.strip_suffix('/')?;
    modules.ends_with(MODULES).then_some(modules)
}

/// The lockfile of a project that requires nothing yet.
pub(super) const EMPTY_LOCK: (&str, &str) = (
    "package-lock.json",
    "{\n  \"name\": \"backstitch-specimen\",\n  \"version\": \"0.0.0\",\n  \
     \"lockfileVersion\": 3,\n  \"requires\": true,\n  \"packages\": {}\n}\n",
);

/// Writes a project that requires exactly one release of the reproducer's package, with a lockfile
/// of the given name and text.
pub(super) fn specimen(
    reproducer: &Reproducer,
    version: &str,
    root: &Path,
    (lockfile, lock): (&str, &str),
) -> Result<Tree, VerifyError> {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut dependencies = Object::default();
    dependencies.set(&reproducer.package, quoted(version));
    let mut manifest = Object::default();
    manifest.set("name", quoted("backstitch-specimen"));
    manifest.set("version", quoted("0.0.0"));
    manifest.set("private", "true".to_owned());
    manifest.set("dependencies", dependencies.write(1, "  "));
    for (name, text) in [
        (MANIFEST, manifest.write(0, "  ").as_str()),
        (lockfile, lock),
    ] {
        let path = root.join(name);
        fs::write(&path, text).doing("write specimen", &path)?;
    }
    Ok(Tree {
        root: root.to_path_buf(),
        lockfile: RelPath::new(lockfile).expect("a plain name is a path"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_counts_only_under_the_packages_own_name() {
        let outer = "node_modules/a/node_modules";
        let copy = format!("{outer}/@s/x");
        assert_eq!(modules_of(&copy, "@s/x"), Some(outer));
        assert_eq!(modules_of(&copy, "x"), None);
        assert_eq!(modules_of("node_modules/nick", "x"), None);
        assert_eq!(modules_of("node_modules/index", "x"), None);
    }
}
