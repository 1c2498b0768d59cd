//! Owns finding by its files what builds a project. Reads names and a Makefile, runs nothing.

use std::fs;
use std::path::{Path, PathBuf};

use backstitch_model::{Policy, RelPath};

use super::tools::Tools;
use crate::workbench::{Tree, files};

/// The largest file read, in bytes.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// The most entries of one folder that are looked at.
const ENTRIES_MAX: usize = 10_000;

/// What builds a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `cmake`, by its `CMakeLists.txt`.
    CMake,
    /// Meson, by its `meson.build`.
    Meson,
    /// A `configure` script, which has to be made first where only `configure.ac` is there.
    Autotools {
        /// Is the script there?
        configured: bool,
    },
    /// A `Makefile`.
    Make,
    /// Python sources.
    Python,
    /// JavaScript sources.
    JavaScript,
    /// Only the user's own commands.
    Own,
}

/// Nothing is known that builds or tests a project.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "nothing tells how the project is built and tested: {why}. Give both commands, with `--build` \
     and `--test` or as `build_command` and `test_command` in `backstitch.toml`"
)]
pub struct Nothing {
    why: String,
}

/// Finds what builds the project at `root`: the tree to be judged, whose file is the one that told.
/// `hint` names the file that tells best, where that is known.
pub fn find(
    root: &Path,
    hint: Option<&str>,
    tools: &Tools,
    policy: &Policy,
) -> Result<Tree, Nothing> {
    let tree = |name: &str| {
        RelPath::new(name).ok().map(|lockfile| Tree {
            root: root.to_path_buf(),
            lockfile,
        })
    };
    let mut found = candidates(root);
    found.sort_by_key(|(_, name)| hint != Some(name));
    let usable = found.iter().find(|(kind, _)| kind.lacks(tools).is_none());
    if let Some(tree) = usable.and_then(|(_, name)| tree(name)) {
        return Ok(tree);
    }
    if policy.build_command.is_some() && policy.test_command.is_some() {
        // Any file of the folder will do: commands run where it lies.
        let any = names(root).into_iter().next();
        if let Some(tree) = any.as_deref().and_then(tree) {
            return Ok(tree);
        }
    }
    let lacking = found
        .first()
        .and_then(|(kind, name)| Some(format!("`{name}` needs {}", kind.lacks(tools)?)));
    Err(Nothing {
        why: lacking.unwrap_or_else(|| {
            "it has no lockfile, no CMakeLists.txt, meson.build, configure, configure.ac or \
             Makefile, and no sources in Python or JavaScript"
                .into()
        }),
    })
}

impl Kind {
    /// What a tree's file says of what builds it.
    pub fn of(file: &RelPath) -> Self {
        match file.file_name() {
            "CMakeLists.txt" => Self::CMake,
            "meson.build" => Self::Meson,
            "configure" => Self::Autotools { configured: true },
            "configure.ac" | "configure.in" => Self::Autotools { configured: false },
            "GNUmakefile" | "makefile" | "Makefile" => Self::Make,
            "setup.py" | "pyproject.toml" | "setup.cfg" => Self::Python,
            "package.json" => Self::JavaScript,
            name => match Path::new(name).extension().and_then(|it| it.to_str()) {
                Some("py") => Self::Python,
                Some("js" | "cjs" | "mjs") => Self::JavaScript,
                Some(_) | None => Self::Own,
            },
        }
    }

    /// What it is called in notes.
    pub fn name(self) -> &'static str {
        match self {
            Self::CMake => "CMake",
            Self::Meson => "Meson",
            Self::Autotools { .. } => "autotools",
            Self::Make => "make",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
            Self::Own => "commands of the user's own",
        }
    }

    /// Is it compiled by tools that take a C compiler from the `PATH`?
    pub(super) fn compiles(self) -> bool {
        match self {
            Self::CMake | Self::Meson | Self::Autotools { .. } | Self::Make => true,
            Self::Python | Self::JavaScript | Self::Own => false,
        }
    }

    /// The first program that it needs and that is not on this machine.
    pub(super) fn lacks(self, tools: &Tools) -> Option<&'static str> {
        let needed: &[&str] = match self {
            Self::CMake => &["cmake", "ctest"],
            Self::Meson => &["meson", "ninja"],
            Self::Autotools { configured: true } | Self::Make => &["make"],
            Self::Autotools { configured: false } => &["autoreconf", "make"],
            Self::Python => &["python3"],
            Self::JavaScript => &["node"],
            Self::Own => &[],
        };
        needed.iter().copied().find(|name| !tools.has(name))
    }
}

/// All that a project's files say, the most telling first.
fn candidates(root: &Path) -> Vec<(Kind, String)> {
    const TELLING: [&str; 11] = [
        "CMakeLists.txt",
        "meson.build",
        "configure",
        "configure.ac",
        "configure.in",
        "GNUmakefile",
        "makefile",
        "Makefile",
        "setup.py",
        "pyproject.toml",
        "package.json",
    ];
    let names = names(root);
    let mut found: Vec<_> = TELLING
        .iter()
        .filter(|telling| names.iter().any(|name| name == *telling))
        .map(|name| (*name).to_owned())
        .collect();
    // A package without a manifest: its sources stand at the root, or one folder below it.
    for ending in [".py", ".js", ".mjs", ".cjs"] {
        let here = names.iter().find(|name| name.ends_with(ending)).cloned();
        let below = || {
            let is_sources = |folder: &String| {
                let inside = self::names(&root.join(folder));
                inside.iter().any(|name| name.ends_with(ending))
            };
            let folder = folders(root).into_iter().find(is_sources);
            folder.map(|_| format!("sources{ending}"))
        };
        found.extend(here.or_else(below));
    }
    found
        .into_iter()
        .filter_map(|name| Some((Kind::of(&RelPath::new(name.as_str()).ok()?), name)))
        .collect()
}

/// The names of the plain files of a folder, in order. A link is no plain file.
pub(super) fn names(folder: &Path) -> Vec<String> {
    entries(folder, fs::FileType::is_file)
}

/// The names of the folders in a folder, in order.
pub(super) fn folders(folder: &Path) -> Vec<String> {
    let mut folders = entries(folder, fs::FileType::is_dir);
    folders.retain(|name| !name.starts_with('.') && name != "node_modules");
    folders
}

fn entries(folder: &Path, is_wanted: impl Fn(&fs::FileType) -> bool) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<_> = entries
        .take(ENTRIES_MAX)
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| is_wanted(&kind)))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// The text of a file beside the one that told.
pub(super) fn beside(tree: &Tree, name: &str) -> Option<String> {
    let path = RelPath::below(tree.workspace().as_ref(), name).ok()?;
    files::read(&tree.root, &path, FILE_BYTES_MAX).ok()?
}

/// The folder in which commands run, on the host.
pub(super) fn folder(tree: &Tree) -> PathBuf {
    crate::workbench::session::workspace_in(&tree.root, &tree.lockfile)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[&str], tools: &Tools, policy: &Policy) -> Result<(Kind, String), String> {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        find(folder.path(), None, tools, policy)
            .map(|tree| (Kind::of(&tree.lockfile), tree.lockfile.to_string()))
            .map_err(|nothing| nothing.to_string())
    }

    #[test]
    fn what_builds_a_project_is_known_by_its_files_the_most_telling_first() {
        let all = Tools::with(&[
            "cmake",
            "ctest",
            "meson",
            "ninja",
            "make",
            "autoreconf",
            "python3",
            "node",
        ]);
        for (files, kind) in [
            (&["CMakeLists.txt", "Makefile"] as &[_], Kind::CMake),
            (&["meson.build", "setup.py"], Kind::Meson),
            (
                &["configure", "configure.ac"],
                Kind::Autotools { configured: true },
            ),
            (
                &["configure.ac", "Makefile.am"],
                Kind::Autotools { configured: false },
            ),
            (&["Makefile", "a.py"], Kind::Make),
            (&["pkg/a.py"], Kind::Python),
            (&["a.mjs"], Kind::JavaScript),
        ] {
            let found = found(files, &all, &Policy::default());
            assert_eq!(found.unwrap().0, kind, "{files:?}");
        }
    }

    #[test]
    fn where_a_tool_is_missing_the_next_is_taken_or_it_is_said() {
        let make = Tools::with(&["make"]);
        let policy = Policy::default();
        let next = found(&["CMakeLists.txt", "Makefile"], &make, &policy);
        assert_eq!(next.unwrap().0, Kind::Make);
        let said = found(&["CMakeLists.txt"], &make, &policy).unwrap_err();
        assert!(said.contains("`CMakeLists.txt` needs cmake"), "{said}");
        let said = found(&["README"], &make, &policy).unwrap_err();
        assert!(said.contains("test_command"), "{said}");
        let own = Policy {
            build_command: Some(vec!["cc".into()]),
            test_command: Some(vec!["./t".into()]),
            ..policy
        };
        assert_eq!(found(&["README"], &make, &own).unwrap().0, Kind::Own);
    }
}
