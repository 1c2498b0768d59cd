//! Owns the times of a changed tree's files: what builds by times must take a file that differs for
//! a new one, also where the change was carried out before the other tree was built.

use std::collections::BTreeSet;
use std::fs::{self, File, FileTimes};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The most files of one tree.
const FILES_MAX: usize = 200_000;

/// Gives every file at `after` that differs from the one at `before` the time of now; answers
/// whether all of them could be looked at.
pub(super) fn renew(before: &Path, after: &Path) -> io::Result<bool> {
    let Some(all) = files(after)? else {
        return Ok(false);
    };
    let now = SystemTime::now();
    for file in all {
        let (old, new) = (before.join(&file), after.join(&file));
        if is_untouched(&old, &new) || old.exists() && is_same(&old, &new)? {
            continue;
        }
        set_time(&new, now)?;
    }
    Ok(true)
}

/// Has it kept its time and its size? Whatever is written here is written with the time of then.
fn is_untouched(one: &Path, other: &Path) -> bool {
    let about = |path: &Path| {
        let about = path.symlink_metadata().ok()?;
        Some((about.len(), about.file_type(), about.modified().ok()?))
    };
    about(one).is_some_and(|first| Some(first) == about(other))
}

/// Every file below `root`, links included; `None` where there are too many or one of another kind.
pub(crate) fn files(root: &Path) -> io::Result<Option<BTreeSet<PathBuf>>> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![PathBuf::new()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                waiting.push(path);
            } else if kind.is_file() || kind.is_symlink() {
                found.insert(path);
            } else {
                return Ok(None);
            }
            if found.len() + waiting.len() > FILES_MAX {
                return Ok(None);
            }
        }
    }
    Ok(Some(found))
}

/// Do two files hold the same?
pub(crate) fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    let (first, second) = (one.symlink_metadata()?, other.symlink_metadata()?);
    if first.is_symlink() || second.is_symlink() {
        let are_both = first.is_symlink() && second.is_symlink();
        return Ok(are_both && fs::read_link(one)? == fs::read_link(other)?);
    }
    if first.len() != second.len() || first.permissions() != second.permissions() {
        return Ok(false);
    }
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    let (mut left, mut right) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        let count = one.read(&mut left)?;
        if count == 0 {
            return Ok(true);
        }
        if other.read_exact(&mut right[..count]).is_err() || left[..count] != right[..count] {
            return Ok(false);
        }
    }
}

/// Sets a file's time; a link's is left as it is.
pub(crate) fn set_time(file: &Path, time: SystemTime) -> io::Result<()> {
    if file.symlink_metadata()?.is_symlink() {
        return Ok(());
    }
    // One that its owner may not write is opened for reading: that is enough for its owner.
    File::open(file)?.set_times(FileTimes::new().set_modified(time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_differs_becomes_new_and_what_is_the_same_keeps_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let (before, after) = (folder.path().join("before"), folder.path().join("after"));
        let then = SystemTime::now() - Duration::from_secs(3600);
        for (tree, text) in [(&before, "one"), (&after, "two")] {
            fs::create_dir_all(tree.join("src")).unwrap();
            fs::write(tree.join("src/changed.rs"), text).unwrap();
            fs::write(tree.join("src/same.rs"), "same").unwrap();
            fs::write(tree.join("src/kept.rs"), "kept").unwrap();
            let later = then + Duration::from_secs(u64::from(tree == &after));
            set_time(&tree.join("src/changed.rs"), later).unwrap();
            set_time(&tree.join("src/same.rs"), later).unwrap();
            set_time(&tree.join("src/kept.rs"), then).unwrap();
        }
        fs::write(after.join("src/added.rs"), "added").unwrap();
        set_time(&after.join("src/added.rs"), then).unwrap();
        std::os::unix::fs::symlink("nowhere", after.join("link")).unwrap();
        let began = SystemTime::now();
        assert!(renew(&before, &after).unwrap());
        let is_new = |name: &str| {
            let about = after.join(name).symlink_metadata().unwrap();
            about.modified().unwrap() >= began
        };
        assert!(is_new("src/changed.rs") && is_new("src/added.rs"));
        assert!(!is_new("src/same.rs") && !is_new("src/kept.rs"));
    }
}
