//! Owns a project's files in one string, and puts them on disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use backstitch_model::RelPath;

/// Files by their paths. Written as one string, each file after a line `--- path`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Files(BTreeMap<RelPath, String>);

impl Files {
    /// Reads files from one string; text before the first header must be blank.
    ///
    /// # Panics
    /// Where the text has no header or a path leads out of the tree.
    pub fn parse(text: &str) -> Self {
        let mut files = BTreeMap::new();
        let mut current: Option<(RelPath, String)> = None;
        for line in text.split_inclusive('\n') {
            if let Some(path) = line.strip_prefix("--- ") {
                files.extend(current.take());
                let path = RelPath::new(path.trim()).expect("a header names a path below the root");
                current = Some((path, String::new()));
            } else if let Some((_, contents)) = &mut current {
                contents.push_str(line);
            } else {
                assert!(line.trim().is_empty(), "before the first header: {line:?}");
            }
        }
        files.extend(current);
        Self(files)
    }

    /// Reads some of a folder's files, by their paths below it.
    ///
    /// # Panics
    /// Where one cannot be read.
    pub fn read(root: &Path, paths: &[&str]) -> Self {
        let read = |path: &&str| {
            let contents = fs::read_to_string(root.join(path)).expect("the file can be read");
            (
                RelPath::new(*path).expect("a path below the root"),
                contents,
            )
        };
        Self(paths.iter().map(read).collect())
    }

    /// The text of the file at `path`.
    pub fn get(&self, path: &str) -> Option<&str> {
        let mut files = self.0.iter();
        files
            .find(|(found, _)| found.as_str() == path)
            .map(|(_, contents)| contents.as_str())
    }

    /// Every file, in the order of paths.
    pub fn iter(&self) -> impl Iterator<Item = (&RelPath, &str)> {
        self.0.iter().map(|(path, text)| (path, text.as_str()))
    }

    /// Writes every file below `root`, with the folders that it needs.
    ///
    /// # Panics
    /// Where one cannot be written.
    pub fn write_to(&self, root: &Path) {
        for (path, contents) in &self.0 {
            let path = root.join(path.as_str());
            let folder = path.parent().expect("a file has a folder");
            fs::create_dir_all(folder).expect("the folder can be made");
            fs::write(path, contents).expect("the file can be written");
        }
    }

    /// Writes every file into a new temporary folder, gone when it is dropped.
    ///
    /// # Panics
    /// Where that fails.
    pub fn to_temporary_folder(&self) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        self.write_to(folder.path());
        folder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_in_one_string_comes_to_disk_as_it_was_written() {
        let files = Files::parse("\n--- Cargo.toml\n[package]\n\n--- src/lib.rs\n//! Nothing.\n");
        let folder = files.to_temporary_folder();
        let read = Files::read(folder.path(), &["Cargo.toml", "src/lib.rs"]);
        assert_eq!(read, files);
        assert_eq!(read.get("Cargo.toml"), Some("[package]\n\n"));
    }
}
