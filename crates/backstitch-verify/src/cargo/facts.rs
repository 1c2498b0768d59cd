//! Reads what a fetched crate says of itself: its manifest, and the names that its source declares
//! public. Runs nothing; what cannot be read is not known.
//!
//! The names are those of items with `pub` in any file of `src`, whether or not a caller can reach
//! them, and macros that make items are not expanded. So a name that is gone is a hint for a
//! reader, and that none is gone is no proof.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::{Item, Visibility};
use toml::{Table, Value};

use crate::compare::Facts;

/// The largest manifest that is read, in bytes.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;
/// The most source that is read for its names, in bytes and in files.
const SOURCE_BYTES_MAX: u64 = 4 << 20;
const FILES_MAX: usize = 500;

/// The facts of a release in cargo's home; `None` where it is not there.
pub(super) fn read(home: &Path, name: &str, version: &str) -> Option<Facts> {
    let folder = unpacked(home, name, version)?;
    let manifest = read_bounded(&folder.join("Cargo.toml"), MANIFEST_BYTES_MAX)?;
    let manifest: Table = toml::from_str(&manifest).ok()?;
    let package = manifest.get("package")?.as_table()?;
    let text = |key: &str| package.get(key).and_then(Value::as_str).map(str::to_owned);
    // Cargo writes `build = false` into published manifests that have none.
    let build_script = match package.get("build") {
        Some(Value::Boolean(false)) => false,
        Some(_) => true,
        None => folder.join("build.rs").is_file(),
    };
    Some(Facts {
        install_script: None,
        build_script,
        licence: text("license").or_else(|| text("license-file")),
        runtime: text("rust-version").map(|version| format!("rustc {version}")),
        exports: names(&folder.join("src")),
    })
}

/// The folder of a release, whichever registry it came through.
fn unpacked(home: &Path, name: &str, version: &str) -> Option<PathBuf> {
    let registries = fs::read_dir(home.join("registry/src")).ok()?;
    let release = format!("{name}-{version}");
    registries
        .take(FILES_MAX)
        .filter_map(|entry| Some(entry.ok()?.path().join(&release)))
        .find(|folder| folder.is_dir())
}

fn read_bounded(path: &Path, bytes_max: u64) -> Option<String> {
    let about = path.symlink_metadata().ok()?;
    let fits = about.is_file() && about.len() <= bytes_max;
    fits.then(|| fs::read_to_string(path).ok())?
}

/// The public names of a crate's source; `None` where it is too large or cannot be parsed.
fn names(source: &Path) -> Option<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let mut folders = vec![source.to_path_buf()];
    let (mut files, mut bytes) = (0, 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).ok()? {
            let entry = entry.ok()?;
            let (kind, path) = (entry.file_type().ok()?, entry.path());
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|end| end == "rs") {
                let text = read_bounded(&path, SOURCE_BYTES_MAX)?;
                files += 1;
                bytes += text.len() as u64;
                if files > FILES_MAX || bytes > SOURCE_BYTES_MAX {
                    return None;
                }
                collect(&syn::parse_file(&text).ok()?.items, &mut names);
            }
        }
    }
    Some(names)
}

fn collect(items: &[Item], names: &mut BTreeSet<String>) {
    for item in items {
        let declared = match item {
            Item::Const(item) => Some((&item.vis, &item.ident)),
            Item::Enum(item) => Some((&item.vis, &item.ident)),
            Item::Fn(item) => Some((&item.vis, &item.sig.ident)),
            Item::Mod(item) => {
                if let Some((_, inner)) = &item.content {
                    collect(inner, names);
                }
                Some((&item.vis, &item.ident))
            }
            Item::Static(item) => Some((&item.vis, &item.ident)),
            Item::Struct(item) => Some((&item.vis, &item.ident)),
            Item::Trait(item) => Some((&item.vis, &item.ident)),
            Item::Type(item) => Some((&item.vis, &item.ident)),
            Item::Union(item) => Some((&item.vis, &item.ident)),
            // The others declare no name of their own.
            _ => None,
        };
        if let Some((Visibility::Public(_), name)) = declared {
            names.insert(name.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fetched_crate_tells_its_script_its_terms_and_its_names() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("registry/src/index/answer-1.0.0");
        fs::create_dir_all(folder.join("src/inner")).unwrap();
        let manifest = "[package]\nname = \"answer\"\nlicense = \"MIT\"\nrust-version = \"1.60\"\nbuild = \"build.rs\"\n";
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        fs::write(
            folder.join("src/lib.rs"),
            "pub fn answer() {} fn hidden() {} pub mod inner { pub struct Deep; }",
        )
        .unwrap();
        fs::write(folder.join("src/inner/more.rs"), "pub trait More {}").unwrap();
        let facts = read(home.path(), "answer", "1.0.0").unwrap();
        assert!(facts.build_script);
        assert_eq!(facts.licence.as_deref(), Some("MIT"));
        assert_eq!(facts.runtime.as_deref(), Some("rustc 1.60"));
        let names = facts.exports.unwrap();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        assert_eq!(names, ["Deep", "More", "answer", "inner"]);
        assert_eq!(read(home.path(), "answer", "1.0.1"), None);
    }
}
