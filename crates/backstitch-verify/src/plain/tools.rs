//! Owns finding the tools of the machine that build and test: real programs on the user's `PATH`,
//! each in a folder that can be shown without the user's own files. Never looks in a tree.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::host;
use crate::python::Interpreter;
use crate::sandbox::PATH_INSIDE;
use crate::workbench::places;

/// The programs that are looked for.
const PROGRAMS: [&str; 14] = [
    "cc",
    "gcc",
    "g++",
    "clang",
    "make",
    "cmake",
    "ctest",
    "meson",
    "ninja",
    "autoreconf",
    "python3",
    "node",
    "cargo",
    "rustc",
];

/// The tools of this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tools {
    programs: BTreeMap<&'static str, PathBuf>,
    /// Folders outside the system's that have to be shown.
    folders: Vec<PathBuf>,
    has_pytest: bool,
}

impl Tools {
    /// Looks for every tool. None that is missing is an error: only the projects that need it
    /// cannot be judged.
    pub fn discover() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let home = home.and_then(|home| home.canonicalize().ok());
        let mut tools = Self::default();
        // A version manager's stand-in would pick another by what a project's file says.
        let python = Interpreter::discover().map(|python| python.program).ok();
        let node = host::ask(OsStr::new("node"), &["-p", "process.execPath"]).ok();
        for name in PROGRAMS {
            let found = match name {
                "python3" => python.clone().or_else(|| in_system(name)),
                "node" => node.clone().map(PathBuf::from).or_else(|| in_system(name)),
                // Rustup's stand-in needs the user's settings; cargo's projects have a manager.
                "cargo" | "rustc" => in_system(name),
                name => host::look_up(name, &path),
            };
            let found = found.and_then(|program| program.canonicalize().ok());
            let Some(program) = found.filter(|program| program.is_file()) else {
                continue;
            };
            // Several names can lead to one program that goes by its name, in the system's folders.
            if let Some(in_system) = in_system(name).filter(|_| places::shown_anyway(&program)) {
                tools.programs.insert(name, in_system);
                continue;
            }
            let folder = program.ancestors().nth(2).map(Path::to_path_buf);
            if let Some(folder) = folder.filter(|it| !host::holds_more(it, home.as_deref())) {
                tools.programs.insert(name, program);
                if !tools.folders.contains(&folder) {
                    tools.folders.push(folder);
                }
            }
        }
        tools.has_pytest = tools.programs.get("python3").is_some_and(|python| {
            host::ask(python.as_os_str(), &["-I", "-c", "import pytest"]).is_ok()
        });
        tools
    }

    /// Is a tool there?
    pub fn has(&self, name: &str) -> bool {
        self.programs.contains_key(name)
    }

    /// Can Python import pytest?
    pub(super) fn has_pytest(&self) -> bool {
        self.has_pytest
    }

    /// Folders that jobs have to see, besides the system's.
    pub(super) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// Where jobs look for programs.
    pub(super) fn path(&self) -> OsString {
        let mut path = OsString::new();
        let mut known = Vec::new();
        for program in self.programs.values() {
            let folder = program.parent().filter(|it| !places::shown_anyway(it));
            if let Some(folder) = folder.filter(|folder| !known.contains(folder)) {
                known.push(folder);
                path.push(folder);
                path.push(":");
            }
        }
        path.push(PATH_INSIDE);
        path
    }

    /// What is there, in words.
    pub(super) fn about(&self) -> String {
        let version = |name: &'static str| {
            let program = self.programs.get(name)?;
            let said = host::ask(program.as_os_str(), &["--version"]).ok()?;
            let line = said.lines().next()?.trim().to_owned();
            Some(if line.contains(name) || name == "cc" {
                line
            } else {
                format!("{name} {line}")
            })
        };
        let all: Vec<_> = ["cc", "make", "cmake", "meson", "python3", "node"]
            .into_iter()
            .filter_map(version)
            .collect();
        if all.is_empty() {
            "no tools that build".into()
        } else {
            all.join("; ")
        }
    }

    #[cfg(test)]
    pub(super) fn with(names: &[&'static str]) -> Self {
        let program = |name: &&'static str| (*name, Path::new("/usr/bin").join(name));
        Self {
            programs: names.iter().map(program).collect(),
            ..Self::default()
        }
    }
}

/// A program in the folders that every job sees.
fn in_system(name: &str) -> Option<PathBuf> {
    host::look_up(name, OsStr::new(PATH_INSIDE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_outside_the_system_is_shown_and_comes_first_on_the_path() {
        let mut tools = Tools::with(&["make"]);
        assert_eq!(tools.path(), OsString::from(PATH_INSIDE));
        let elsewhere = PathBuf::from("/opt/cmake/bin/cmake");
        tools.programs.insert("cmake", elsewhere);
        let path = tools.path().into_string().unwrap();
        assert!(path.starts_with("/opt/cmake/bin:/usr/local/bin"), "{path}");
    }
}
