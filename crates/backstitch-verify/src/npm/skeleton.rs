//! Owns the folder in which npm installs: copies of the project's manifests, its lockfile and
//! the archives that this names, and nothing else of the project. Follows no link.

use std::fs;
use std::path::Path;

use backstitch_model::RelPath;

use super::lock::Lock;
use super::sources;
use crate::workbench::{Tree, files};

/// The name of a manifest.
pub(super) const MANIFEST: &str = "package.json";

/// Where packages are installed.
pub(super) const MODULES: &str = "node_modules";

/// The largest manifest, and the largest lockfile or archive, that is copied, in bytes.
const MANIFEST_BYTES_MAX: u64 = 4 << 20;
pub(super) const FILE_BYTES_MAX: u64 = 64 << 20;

/// How many entries of folders are looked at, how deep, and how many manifests are copied.
const ENTRIES_MAX: usize = 500_000;
const DEPTH_MAX: usize = 24;
const MANIFESTS_MAX: usize = 10_000;

/// How many entries the folders that manifests name may have.
const LOCAL_ENTRIES_MAX: usize = 100_000;

/// Copies what npm needs of `tree` to `into`, an empty or missing directory; the error is a
/// sentence. A manifest below the workspace's own that is not JSON, such as one of a test's, is
/// left out: nobody could say what it names.
pub(super) fn copy(tree: &Tree, into: &Path) -> Result<(), String> {
    copy_manifests(tree, into)?;
    let Ok(Some(text)) = files::read(&tree.root, &tree.lockfile, FILE_BYTES_MAX) else {
        return Ok(());
    };
    let archives = Lock::parse(&text).map(|lock| lock.archives());
    for archive in archives.unwrap_or_default() {
        // One outside the tree is not copied, and npm refuses what is not there.
        let archive = archive.strip_prefix("./").unwrap_or(&archive);
        if let Ok(path) = RelPath::below(tree.workspace().as_ref(), archive) {
            copy_file(tree, &path, into, FILE_BYTES_MAX)?;
        }
    }
    Ok(())
}

/// Copies what pnpm and yarn need: they put the files of a folder that a manifest names where npm
/// puts a link to it.
pub(super) fn copy_with_folders(tree: &Tree, into: &Path) -> Result<(), String> {
    copy_manifests(tree, into)?;
    let mut entries = 0;
    for folder in folders(into, tree.workspace().as_ref()) {
        let path = RelPath::below(folder.as_ref(), MANIFEST).map_err(|error| error.to_string())?;
        let text = files::read(into, &path, MANIFEST_BYTES_MAX);
        let text = text.ok().flatten().unwrap_or_default();
        for local in sources::local_in_manifest(&text) {
            let Some(path) = resolved(folder.as_ref(), &local) else {
                continue;
            };
            let about = tree.root.join(path.as_str()).symlink_metadata();
            match about {
                Ok(about) if about.is_file() => copy_file(tree, &path, into, FILE_BYTES_MAX)?,
                Ok(about) if about.is_dir() => copy_folder(tree, &path, into, &mut entries)?,
                Ok(_) | Err(_) => {}
            }
        }
    }
    Ok(())
}

/// A path as a manifest in `folder` names it; nothing where it leads out of the tree.
fn resolved(folder: Option<&RelPath>, local: &str) -> Option<RelPath> {
    let mut names: Vec<&str> = folder.map_or(Vec::new(), |at| at.as_str().split('/').collect());
    for name in local.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop()?;
            }
            name => names.push(name),
        }
    }
    RelPath::new(names.join("/")).ok()
}

/// Copies the plain files below a folder, but for what no package holds.
fn copy_folder(
    tree: &Tree,
    folder: &RelPath,
    into: &Path,
    entries: &mut usize,
) -> Result<(), String> {
    let mut waiting = vec![(folder.clone(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        let Ok(listing) = fs::read_dir(tree.root.join(folder.as_str())) else {
            continue;
        };
        for entry in listing.flatten() {
            *entries += 1;
            if *entries > LOCAL_ENTRIES_MAX {
                return Err(format!("copy `{folder}`: it holds too many files"));
            }
            let name = entry.file_name();
            let (Some(name), Ok(kind)) = (name.to_str(), entry.file_type()) else {
                continue;
            };
            let Some(path) = RelPath::below(Some(&folder), name)
                .ok()
                .filter(|_| is_entered(name))
            else {
                continue;
            };
            if kind.is_file() {
                copy_file(tree, &path, into, FILE_BYTES_MAX)?;
            } else if kind.is_dir() && depth < DEPTH_MAX {
                waiting.push((path, depth + 1));
            }
        }
    }
    Ok(())
}

fn copy_manifests(tree: &Tree, into: &Path) -> Result<(), String> {
    fs::create_dir_all(into).map_err(|error| format!("make `{}`: {error}", into.display()))?;
    for folder in folders(&tree.root, tree.workspace().as_ref()) {
        let path = RelPath::below(folder.as_ref(), MANIFEST).map_err(|error| error.to_string())?;
        let text = files::read(&tree.root, &path, MANIFEST_BYTES_MAX);
        let is_read = matches!(text, Ok(Some(text)) if sources::in_manifest(&text).is_ok());
        if is_read || folder == tree.workspace() {
            copy_file(tree, &path, into, MANIFEST_BYTES_MAX)?;
        }
    }
    copy_file(tree, &tree.lockfile, into, FILE_BYTES_MAX)
}

fn copy_file(tree: &Tree, path: &RelPath, into: &Path, bytes_max: u64) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("copy `{path}`: {error}");
    let Some(bytes) = files::bytes(&tree.root, path, bytes_max).map_err(failed)? else {
        return Ok(());
    };
    let to = into.join(path.as_str());
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    fs::write(&to, bytes).map_err(failed)
}

/// The folders below one, itself first, that hold a manifest. Of the root's `None` stands for
/// the root itself.
pub(super) fn folders(root: &Path, start: Option<&RelPath>) -> Vec<Option<RelPath>> {
    let mut found = Vec::new();
    let mut entries = 0;
    let mut waiting = vec![(start.cloned(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        let place = folder
            .as_ref()
            .map_or(root.to_path_buf(), |at| root.join(at.as_str()));
        let Ok(listing) = fs::read_dir(&place) else {
            continue;
        };
        let mut below = Vec::new();
        for entry in listing.flatten() {
            entries += 1;
            if entries > ENTRIES_MAX || found.len() >= MANIFESTS_MAX {
                return found;
            }
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_file() && name == MANIFEST {
                found.push(folder.clone());
            } else if kind.is_dir() && depth < DEPTH_MAX && is_entered(&name) {
                below.extend(RelPath::below(folder.as_ref(), &name));
            }
        }
        below.sort();
        waiting.extend(
            below
                .into_iter()
                .rev()
                .map(|folder| (Some(folder), depth + 1)),
        );
    }
    found
}

fn is_entered(name: &str) -> bool {
    !name.starts_with('.') && name != MODULES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_and_named_archives_are_copied_and_nothing_else() {
        let tree = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = tree.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("w/package.json", "{}");
        write(
            "w/package-lock.json",
            r#"{"packages": {"node_modules/a": {"resolved": "file:lib/a.tgz"},
            "node_modules/b": {"resolved": "file:../../out.tgz"}}}"#,
        );
        write("w/lib/a.tgz", "archive");
        write("w/.npmrc", "script-shell=evil");
        write("w/index.js", "");
        write("w/packages/one/package.json", "{}");
        write("w/tests/broken/package.json", "{");
        write("w/node_modules/x/package.json", "{}");
        std::os::unix::fs::symlink("/etc", tree.path().join("w/packages/link")).unwrap();
        let into = tempfile::tempdir().unwrap();
        let lockfile = RelPath::new("w/package-lock.json").unwrap();
        let about = Tree {
            root: tree.path().to_owned(),
            lockfile,
        };
        copy(&about, into.path()).unwrap();
        let mut copied: Vec<_> = walk(into.path(), into.path());
        copied.sort();
        assert_eq!(
            copied,
            [
                "w/lib/a.tgz",
                "w/package-lock.json",
                "w/package.json",
                "w/packages/one/package.json"
            ]
        );
    }

    fn walk(root: &Path, folder: &Path) -> Vec<String> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                files.extend(walk(root, &path));
            } else {
                let below = path.strip_prefix(root).unwrap();
                files.push(below.display().to_string());
            }
        }
        files
    }
}
