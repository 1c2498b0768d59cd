//! Owns which interpreters a tree may call while it is built and tested, by the names of its files
//! and by what those that build it say. Reads, and runs nothing.

use std::fs;
use std::path::Path;

use backstitch_model::RelPath;

use super::find::Kind;
use crate::workbench::{Tree, files};

/// The most entries of a tree that are looked at; one that has more may call anything.
const ENTRIES_MAX: usize = 20_000;
/// The most files whose text is looked at, and the most bytes of each.
const READ_MAX: usize = 200;
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The interpreters that a tree may call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Languages {
    /// Python.
    pub(super) python: bool,
    /// JavaScript.
    pub(super) javascript: bool,
}

impl Languages {
    const ALL: Self = Self {
        python: true,
        javascript: true,
    };

    /// Those of a tree, which is built as its file says.
    pub(super) fn of(tree: &Tree) -> Self {
        let mut languages = match Kind::of(&tree.lockfile) {
            Kind::Own => return Self::ALL,
            Kind::Python => Self {
                python: true,
                javascript: false,
            },
            Kind::JavaScript => Self {
                python: false,
                javascript: true,
            },
            Kind::CMake | Kind::Meson | Kind::Autotools { .. } | Kind::Make => Self::default(),
        };
        let mut folders = vec![None];
        let (mut seen, mut read) = (0, 0);
        while let Some(folder) = folders.pop() {
            if languages == Self::ALL {
                return languages;
            }
            let path = folder.as_ref().map_or_else(
                || tree.root.clone(),
                |it: &RelPath| tree.root.join(it.as_str()),
            );
            for entry in fs::read_dir(path).into_iter().flatten().flatten() {
                seen += 1;
                if seen > ENTRIES_MAX || read > READ_MAX {
                    return Self::ALL;
                }
                let Ok(name) = entry.file_name().into_string() else {
                    continue;
                };
                let Ok(path) = RelPath::below(folder.as_ref(), &name) else {
                    continue;
                };
                let Ok(kind) = entry.file_type() else {
                    continue;
                };
                if kind.is_dir() && name != ".git" {
                    folders.push(Some(path));
                } else if kind.is_file() {
                    languages.python |= is_of(&name, &["py"]);
                    languages.javascript |= is_of(&name, &["js", "cjs", "mjs"]);
                    if builds(&name) {
                        read += 1;
                        let text = files::read(&tree.root, &path, FILE_BYTES_MAX);
                        languages.hear(&text.ok().flatten().unwrap_or_default());
                    }
                }
            }
        }
        languages
    }

    fn hear(&mut self, text: &str) {
        self.python |= text.contains("python") || text.contains("Python");
        self.javascript |= text.contains("node") || text.contains("npm");
    }
}

fn is_of(name: &str, endings: &[&str]) -> bool {
    let ending = Path::new(name).extension().and_then(|it| it.to_str());
    ending.is_some_and(|ending| endings.contains(&ending))
}

/// Is it a file that starts programs while a project is built or tested?
fn builds(name: &str) -> bool {
    ["Makefile", "makefile", "GNUmakefile", "configure"]
        .iter()
        .any(|begin| name.starts_with(begin))
        || ["CMakeLists.txt", "meson.build"].contains(&name)
        || is_of(name, &["mk", "cmake", "sh", "bash", "in", "am", "test"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)]) -> Languages {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Languages::of(&Tree {
            root: folder.path().into(),
            lockfile: RelPath::new(files[0].0).unwrap(),
        })
    }

    #[test]
    fn a_tree_calls_what_its_files_are_written_in_or_what_builds_it_names() {
        let told = |languages: Languages| (languages.python, languages.javascript);
        for (files, expected) in [
            (
                &[("Makefile", "all:\n\tcc a.c\n"), ("a.c", "node")][..],
                (false, false),
            ),
            (&[("Makefile", "check:\n\tpython3 -c 1\n")], (true, false)),
            (&[("Makefile", ""), ("tools/gen.py", "")], (true, false)),
            (&[("Makefile", ""), ("t/run.sh", "node a")], (false, true)),
            (&[("a.py", "")], (true, false)),
            (&[("a.mjs", "")], (false, true)),
            (&[("README", "")], (true, true)),
        ] {
            assert_eq!(told(of(files)), expected, "{files:?}");
        }
    }
}
