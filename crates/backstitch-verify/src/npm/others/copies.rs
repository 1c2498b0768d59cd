//! Finds where a release is installed below a project's folders. Follows no link: what pnpm
//! installs once and links to is found where it is. Runs nothing.

use std::fs;
use std::path::Path;

use backstitch_model::package::PackageVersion;

use crate::npm::installed;
use crate::npm::skeleton::MODULES;

/// How many folders are looked at, and how deep.
const FOLDERS_MAX: usize = 200_000;
const DEPTH_MAX: usize = 32;

/// Where pnpm keeps what it links to.
const STORE: &str = ".pnpm";

/// The folders of every copy of `package` below `root`, such as `node_modules/a`, with `/`
/// between. `starts` are the folders below `root` that may hold installed packages, `""` for the
/// root itself.
pub(super) fn copies(root: &Path, starts: &[String], package: &PackageVersion) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting: Vec<(String, usize)> = starts
        .iter()
        .map(|start| (below(start, MODULES), 0))
        .collect();
    let mut seen = 0;
    while let Some((modules, depth)) = waiting.pop() {
        let here = root.join(&modules);
        if installed::facts(&here, &package.name, &package.version).is_some() {
            found.push(below(&modules, &package.name));
        }
        if depth > DEPTH_MAX {
            continue;
        }
        for name in folders(&here) {
            seen += 1;
            if seen > FOLDERS_MAX {
                return found;
            }
            let place = below(&modules, &name);
            let is_shelf = name.starts_with('@') || name == STORE;
            let inner = if is_shelf {
                folders(&root.join(&place))
                    .map(|inner| below(&place, &inner))
                    .collect()
            } else {
                vec![place]
            };
            for package in inner {
                let modules = below(&package, MODULES);
                let is_there = root.join(&modules).symlink_metadata();
                if is_there.is_ok_and(|about| about.is_dir()) {
                    waiting.push((modules, depth + 1));
                }
            }
        }
    }
    found.sort();
    found
}

fn folders(place: &Path) -> impl Iterator<Item = String> {
    let listing = fs::read_dir(place).into_iter().flatten().flatten();
    listing
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use backstitch_model::package::Ecosystem;

    use super::*;

    #[test]
    fn every_copy_is_found_where_it_really_is() {
        let root = tempfile::tempdir().unwrap();
        for (place, version) in [
            ("node_modules/.pnpm/@s+x@1.0.0/node_modules/@s/x", "1.0.0"),
            ("node_modules/.pnpm/@s+x@2.0.0/node_modules/@s/x", "2.0.0"),
            ("node_modules/@t/a/node_modules/@s/x", "1.0.0"),
            ("packages/one/node_modules/@s/x", "1.0.0"),
            ("elsewhere/node_modules/@s/x", "1.0.0"),
        ] {
            let folder = root.path().join(place);
            fs::create_dir_all(&folder).unwrap();
            let text = format!(r#"{{"name": "@s/x", "version": "{version}"}}"#);
            fs::write(folder.join("package.json"), text).unwrap();
        }
        let shelf = root.path().join("node_modules/@s");
        fs::create_dir_all(&shelf).unwrap();
        std::os::unix::fs::symlink("../.pnpm/@s+x@1.0.0/node_modules/@s/x", shelf.join("x"))
            .unwrap();
        let package = PackageVersion {
            ecosystem: Ecosystem::Npm,
            name: "@s/x".into(),
            version: "1.0.0".into(),
        };
        let starts = [String::new(), "packages/one".to_owned()];
        assert_eq!(
            copies(root.path(), &starts, &package),
            [
                "node_modules/.pnpm/@s+x@1.0.0/node_modules/@s/x",
                "node_modules/@t/a/node_modules/@s/x",
                "packages/one/node_modules/@s/x"
            ]
        );
    }
}
