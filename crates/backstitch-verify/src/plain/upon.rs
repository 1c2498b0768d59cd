//! Owns when a changed tree may be built upon what building another left in its folder, and makes
//! the times of its files say what changed. What builds by times must not take an old result for a
//! new one, so where it cannot be sure to tell everything is built anew.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::find::Kind;
use crate::workbench::stamps::{files, is_same, set_time};

/// The most that is read of a source for what it includes, in bytes.
const SOURCE_BYTES_MAX: u64 = 4 << 20;

/// Files that are compiled one by one.
const UNITS: [&str; 8] = ["c", "cc", "cpp", "cxx", "C", "s", "S", "m"];
/// Files that one of those may include.
const HEADERS: [&str; 7] = ["h", "hh", "hpp", "hxx", "inc", "inl", "ipp"];
/// Files that nothing is built from.
const WORDS: [&str; 6] = [
    "NEWS",
    "README",
    "ChangeLog",
    "CHANGES",
    "AUTHORS",
    "THANKS",
];

/// Gets the tree at `after` ready to be built upon what building the one at `before` left; answers
/// whether it may be.
pub(super) fn prepare(kind: Kind, before: &Path, after: &Path) -> io::Result<bool> {
    let tracks_headers = match kind {
        Kind::CMake | Kind::Meson => true,
        Kind::Autotools { .. } => after.join("Makefile.am").is_file(),
        Kind::Make => false,
        // Nothing to win, and Python goes by whole seconds.
        Kind::Python | Kind::JavaScript | Kind::Own => return Ok(false),
    };
    let (Some(old), Some(new)) = (files(before)?, files(after)?) else {
        return Ok(false);
    };
    if old.difference(&new).next().is_some() {
        // What was made from a file that is gone would still be there.
        return Ok(false);
    }
    let (mut changed, mut same) = (Vec::new(), Vec::new());
    for file in &new {
        if !old.contains(file) || !is_same(&before.join(file), &after.join(file))? {
            changed.push(file.clone());
        } else {
            same.push(file);
        }
    }
    let is_told = |file: &PathBuf| match kind {
        Kind::CMake | Kind::Meson => !file.is_symlink(),
        Kind::Autotools { .. } | Kind::Make | Kind::Python | Kind::JavaScript | Kind::Own => {
            has_ending(file, &UNITS)
                || is_words(file)
                || tracks_headers && has_ending(file, &HEADERS)
        }
    };
    if !changed.iter().all(is_told) || !tracks_headers && is_any_included(after, &new, &changed)? {
        return Ok(false);
    }
    for file in same {
        let time = before.join(file).symlink_metadata()?.modified()?;
        set_time(&after.join(file), time)?;
    }
    for file in changed {
        set_time(&after.join(file), SystemTime::now())?;
    }
    Ok(true)
}

/// Does a source include one of the changed files by name? Then it has to be compiled too, and a
/// hand-written Makefile need not know.
fn is_any_included(
    root: &Path,
    files: &BTreeSet<PathBuf>,
    changed: &[PathBuf],
) -> io::Result<bool> {
    let names: Vec<_> = changed
        .iter()
        .filter_map(|file| file.file_name()?.to_str())
        .collect();
    for file in files {
        if !has_ending(file, &UNITS) && !has_ending(file, &HEADERS) || file.is_symlink() {
            continue;
        }
        let mut text = Vec::new();
        let source = File::open(root.join(file))?;
        source.take(SOURCE_BYTES_MAX).read_to_end(&mut text)?;
        let text = String::from_utf8_lossy(&text);
        let mut includes = text.lines().filter(|line| line.contains("include"));
        if includes.any(|line| names.iter().any(|name| line.contains(name))) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn has_ending(file: &Path, endings: &[&str]) -> bool {
    let ending = file.extension().and_then(|it| it.to_str());
    ending.is_some_and(|it| endings.contains(&it))
}

fn is_words(file: &Path) -> bool {
    let stem = file.file_stem().and_then(|it| it.to_str());
    stem.is_some_and(|it| WORDS.contains(&it)) || has_ending(file, &["md", "rst"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::time::Duration;

    struct Trees(tempfile::TempDir);

    impl Trees {
        /// Two trees, the first of an hour ago.
        fn new(before: &[(&str, &str)], after: &[(&str, &str)]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            for (name, files) in [("before", before), ("after", after)] {
                for (path, text) in files {
                    let path = folder.path().join(name).join(path);
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(&path, text).unwrap();
                    if name == "before" {
                        set_time(&path, hour_ago()).unwrap();
                    }
                }
            }
            Self(folder)
        }

        fn prepare(&self, kind: Kind) -> bool {
            let path = |name| self.0.path().join(name);
            prepare(kind, &path("before"), &path("after")).unwrap()
        }

        fn age(&self, file: &str) -> Duration {
            let file = self.0.path().join("after").join(file);
            let time = file.metadata().unwrap().modified().unwrap();
            SystemTime::now().duration_since(time).unwrap_or_default()
        }
    }

    fn hour_ago() -> SystemTime {
        SystemTime::now() - Duration::from_secs(3600)
    }

    #[test]
    fn what_is_the_same_is_as_old_as_before_and_what_changed_is_new() {
        let trees = Trees::new(
            &[("a.c", "1"), ("b.c", "1"), ("Makefile", "")],
            &[("a.c", "1"), ("b.c", "2"), ("Makefile", "")],
        );
        // As if the copy had kept the time of a file that was written long before the build.
        let old = trees.0.path().join("after/b.c");
        set_time(&old, hour_ago() - Duration::from_secs(3600)).unwrap();
        assert!(trees.prepare(Kind::Make));
        assert!(trees.age("a.c") > Duration::from_secs(3000));
        assert!(trees.age("b.c") < Duration::from_secs(60));
    }

    #[test]
    fn what_make_cannot_tell_is_built_anew() {
        let same = [
            ("a.c", "#include \"a.h\"\n"),
            ("a.h", "1"),
            ("Makefile", ""),
        ];
        let with = |file: &'static str, text: &'static str| {
            let mut files: Vec<_> = same.into_iter().filter(|(name, _)| *name != file).collect();
            files.push((file, text));
            files
        };
        for (after, kind, may) in [
            (with("a.h", "2"), Kind::Make, false),
            (with("a.h", "2"), Kind::CMake, true),
            (with("Makefile", "all:"), Kind::Make, false),
            (with("a.c", "2"), Kind::Make, true),
            (with("a.c", "2"), Kind::Own, false),
            (with("NEWS", "x"), Kind::Make, true),
            (with("data.txt", "x"), Kind::Make, false),
            (same[1..].to_vec(), Kind::CMake, false),
        ] {
            assert_eq!(Trees::new(&same, &after).prepare(kind), may, "{after:?}");
        }
        let one = [("a.c", "#include \"part.c\"\n"), ("part.c", "1")];
        let other = [("a.c", "#include \"part.c\"\n"), ("part.c", "2")];
        assert!(!Trees::new(&one, &other).prepare(Kind::Make));
    }
}
