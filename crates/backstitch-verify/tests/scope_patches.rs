//! Judges patches that others made. `BACKSTITCH_SCOPE_PATCHES` names a folder in which each
//! folder is one patch: `before` and `after` hold the files that differ. Patches in a folder
//! whose name begins with `right` must pass, at least nineteen of twenty; the others must not.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use backstitch_model::{Outcome, RelPath};
use backstitch_verify::scope::source::{About, Changed, File, FileKind, judge};

fn files(root: &Path, at: &Path, found: &mut BTreeMap<RelPath, Vec<u8>>) {
    let Ok(entries) = fs::read_dir(at) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(root, &path, found);
        } else if let Ok(name) = path.strip_prefix(root)
            && let Ok(bytes) = fs::read(&path)
        {
            let name = name.to_str().and_then(|name| RelPath::new(name).ok());
            found.insert(name.expect("a path inside a project"), bytes);
        }
    }
}

fn side(folder: &Path) -> BTreeMap<RelPath, Vec<u8>> {
    let mut found = BTreeMap::new();
    files(folder, folder, &mut found);
    found
}

#[test]
fn patches_of_others_are_told_right_from_wrong() {
    let Ok(root) = std::env::var("BACKSTITCH_SCOPE_PATCHES") else {
        println!("skipped: BACKSTITCH_SCOPE_PATCHES names no folder of patches");
        return;
    };
    let mut folders: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .flatten()
        .map(|e| e.path())
        .collect();
    folders.sort();
    let (mut right, mut accused, mut wrong, mut missed) = (0, 0, 0, 0);
    for folder in folders {
        let (before, after) = (side(&folder.join("before")), side(&folder.join("after")));
        let file = |bytes: Option<&Vec<u8>>| {
            bytes.map(|bytes| File {
                bytes: bytes.clone(),
                kind: FileKind::Plain,
            })
        };
        let names = before
            .keys()
            .chain(after.keys().filter(|name| !before.contains_key(name)));
        let changes: Vec<Changed> = names
            .map(|name| Changed {
                path: name.clone(),
                before: file(before.get(name)),
                after: file(after.get(name)),
            })
            .collect();
        let outcome = judge(&changes, &About::default()).run.outcome;
        let name = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let passed = outcome == Outcome::Passed;
        if name.starts_with("right") {
            right += 1;
            accused += usize::from(!passed);
        } else {
            wrong += 1;
            missed += usize::from(passed);
        }
        println!("{name}: {outcome}");
    }
    println!("{accused} of {right} right ones accused, {missed} of {wrong} wrong ones missed");
    assert!(accused * 20 <= right && missed == 0);
}
