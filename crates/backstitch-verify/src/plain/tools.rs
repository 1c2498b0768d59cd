//! Owns finding the tools of the machine that build and test: real programs on the user's `PATH`,
//! each in a folder that can be shown without the user's own files. Never looks in a tree, and asks a
//! program what it is only where its file cannot tell.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::find::Kind;
use super::languages::Languages;
use crate::host;
use crate::python::Interpreter;
use crate::sandbox::PATH_INSIDE;
use crate::workbench::places;

/// The programs that are what their names say.
const PROGRAMS: [&str; 12] = [
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
    "cargo",
    "rustc",
];

/// The tools of this machine.
#[derive(Debug, Default)]
pub struct Tools {
    programs: BTreeMap<&'static str, PathBuf>,
    python: Interpreting,
    node: Interpreting,
    has_pytest: OnceLock<bool>,
    /// Set where every job is to see both.
    all: OnceLock<()>,
}

/// A language's program. On the `PATH` may be a version manager's stand-in, which would pick
/// another by what a project's file says; it is asked what it stands for once that is needed.
#[derive(Debug, Default)]
struct Interpreting {
    on_path: Option<PathBuf>,
    program: OnceLock<Option<PathBuf>>,
}

impl Tools {
    /// Looks for every tool, and starts none. None that is missing is an error: only the projects
    /// that need it cannot be judged.
    pub fn discover() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut tools = Self::default();
        for name in PROGRAMS {
            let found = match name {
                // Rustup's stand-in needs the user's settings; cargo's projects have a manager.
                "cargo" | "rustc" => in_system(name),
                name => host::look_up(name, &path),
            };
            if let Some(program) = found.and_then(|program| usable(name, &program)) {
                tools.programs.insert(name, program);
            }
        }
        for (name, interpreting) in [("python3", &mut tools.python), ("node", &mut tools.node)] {
            interpreting.on_path = host::look_up(name, &path).or_else(|| in_system(name));
        }
        tools
    }

    /// Is a tool there?
    pub fn has(&self, name: &str) -> bool {
        match name {
            "python3" => self.python.on_path.is_some(),
            "node" => self.node.on_path.is_some(),
            name => self.programs.contains_key(name),
        }
    }

    /// Has every job see Python and Node, whatever its tree needs: for commands that are not the
    /// tree's own.
    pub fn show_all(&self) {
        self.all.get_or_init(|| ());
    }

    /// Can Python import pytest?
    pub(super) fn has_pytest(&self) -> bool {
        *self.has_pytest.get_or_init(|| {
            let python = self.python();
            python.is_some_and(|python| {
                host::ask(python.as_os_str(), &["-I", "-c", "import pytest"]).is_ok()
            })
        })
    }

    /// Folders that jobs have to see, besides the system's.
    pub(super) fn folders(&self, languages: Languages) -> Vec<PathBuf> {
        let mut folders = Vec::new();
        for program in self.shown(languages) {
            let folder = program.ancestors().nth(2).map(Path::to_path_buf);
            let folder = folder.filter(|_| !places::shown_anyway(program));
            folders.extend(folder.filter(|folder| !folders.contains(folder)));
        }
        folders
    }

    /// Where jobs look for programs.
    pub(super) fn path(&self, languages: Languages) -> OsString {
        let mut path = OsString::new();
        let mut known = Vec::new();
        for program in self.shown(languages) {
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

    /// What builds a project of this kind, in words.
    pub(super) fn about(&self, kind: Kind, languages: Languages) -> String {
        let version = |(name, program): (&str, &Path)| {
            let said = host::ask(program.as_os_str(), &["--version"]).ok()?;
            let line = said.lines().next()?.trim().to_owned();
            Some(if line.contains(name) || name == "cc" {
                line
            } else {
                format!("{name} {line}")
            })
        };
        let all: Vec<_> = self
            .needed(kind, languages)
            .into_iter()
            .filter_map(version)
            .collect();
        if all.is_empty() {
            "no tools that build".into()
        } else {
            all.join("; ")
        }
    }

    /// Is another wherever what builds a project of this kind is. Starts nothing where no
    /// stand-in has to be asked: a program's place, size and time tell it from another.
    pub(super) fn stamp(&self, kind: Kind, languages: Languages) -> String {
        let stamp = |(name, program): (&str, &Path)| {
            let about = fs::metadata(program).ok();
            let size = about.as_ref().map(fs::Metadata::len);
            let time = about.and_then(|about| about.modified().ok());
            format!("{name} {} {size:?} {time:?}", program.display())
        };
        let all = self.needed(kind, languages).into_iter().map(stamp);
        all.collect::<Vec<_>>().join("; ")
    }

    /// The programs that build a project of this kind, those that are there.
    fn needed(&self, kind: Kind, languages: Languages) -> Vec<(&'static str, &Path)> {
        let compilers = ["cc", "gcc", "g++", "clang"];
        let builders: &[&'static str] = match kind {
            Kind::CMake => &["cmake", "make", "ninja"],
            Kind::Meson => &["meson", "ninja"],
            Kind::Autotools { .. } => &["autoreconf", "make"],
            Kind::Make | Kind::Own => &["make"],
            Kind::Python | Kind::JavaScript => &[],
        };
        let compiled = compilers.into_iter().filter(|_| !builders.is_empty());
        let named = compiled.chain(builders.iter().copied());
        let mut needed: Vec<_> = named
            .filter_map(|name| Some((name, self.programs.get(name)?.as_path())))
            .collect();
        let python = languages.python.then(|| self.python()).flatten();
        let node = languages.javascript.then(|| self.node()).flatten();
        needed.extend(python.map(|program| ("python3", program)));
        needed.extend(node.map(|program| ("node", program)));
        needed
    }

    /// The programs whose folders jobs of a tree with these languages see.
    fn shown(&self, languages: Languages) -> Vec<&Path> {
        let all = self.all.get().is_some();
        let python = (all || languages.python).then(|| self.python()).flatten();
        let node = (all || languages.javascript).then(|| self.node()).flatten();
        let programs = self.programs.values().map(PathBuf::as_path);
        programs.chain(python).chain(node).collect()
    }

    fn python(&self) -> Option<&Path> {
        self.python
            .program("python3", || Interpreter::locate().ok())
    }

    fn node(&self) -> Option<&Path> {
        self.node.program("node", || {
            let said = host::ask(OsStr::new("node"), &["-p", "process.execPath"]);
            said.ok().map(PathBuf::from)
        })
    }

    #[cfg(test)]
    pub(super) fn with(names: &[&'static str]) -> Self {
        let mut tools = Self::default();
        for name in names {
            let program = Path::new("/usr/bin").join(name);
            match *name {
                "python3" => tools.python.on_path = Some(program),
                "node" => tools.node.on_path = Some(program),
                name => drop(tools.programs.insert(name, program)),
            }
        }
        tools
    }
}

impl Interpreting {
    /// The real program; `ask` is asked where only a stand-in is found.
    fn program(&self, name: &'static str, ask: impl FnOnce() -> Option<PathBuf>) -> Option<&Path> {
        let found = self.program.get_or_init(|| {
            let on_path = self.on_path.as_ref()?;
            let real = is_real(name, on_path).then(|| on_path.clone());
            let found = real.or_else(ask).or_else(|| in_system(name));
            usable(name, &found?)
        });
        found.as_deref()
    }
}

/// Is it the program itself, and neither a script nor a link to something of another name?
fn is_real(name: &str, program: &Path) -> bool {
    let Ok(real) = program.canonicalize() else {
        return false;
    };
    let is_named = real
        .file_name()
        .is_some_and(|real| real.to_string_lossy().starts_with(name));
    let mut begin = [0; 2];
    let opened = fs::File::open(&real).and_then(|mut file| file.read_exact(&mut begin));
    is_named && opened.is_ok() && begin != *b"#!"
}

/// Where a program is called from, if jobs can see it without the user's own files.
fn usable(name: &str, program: &Path) -> Option<PathBuf> {
    let program = program.canonicalize().ok().filter(|it| it.is_file())?;
    // Several names can lead to one program that goes by its name, in the system's folders.
    if places::shown_anyway(&program)
        && let Some(in_system) = in_system(name)
    {
        return Some(in_system);
    }
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let home = home.and_then(|home| home.canonicalize().ok());
    let folder = program.ancestors().nth(2)?;
    let is_apart = !host::holds_more(folder, home.as_deref());
    is_apart.then_some(program)
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
        let none = Languages::default();
        assert_eq!(tools.path(none), OsString::from(PATH_INSIDE));
        let elsewhere = PathBuf::from("/opt/cmake/bin/cmake");
        tools.programs.insert("cmake", elsewhere);
        let path = tools.path(none).into_string().unwrap();
        assert!(path.starts_with("/opt/cmake/bin:/usr/local/bin"), "{path}");
    }

    #[test]
    fn a_script_or_a_link_to_another_name_is_no_program_itself() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let elf = file("python3.11", "\u{7f}ELF");
        let script = file("python3", "#!/bin/sh\nexec elsewhere\n");
        let shim = file("shim", "\u{7f}ELF");
        let link = folder.path().join("node");
        std::os::unix::fs::symlink(&shim, &link).unwrap();
        assert!(is_real("python3", &elf));
        assert!(!is_real("python3", &script));
        assert!(!is_real("node", &link));
    }

    #[test]
    fn another_compiler_is_another_stamp_and_one_that_nobody_needs_is_none() {
        let none = Languages::default();
        let mut tools = Tools::with(&["cc", "make", "cmake"]);
        let before = [Kind::Make, Kind::JavaScript].map(|kind| tools.stamp(kind, none));
        tools.programs.insert("cc", "/opt/other/bin/cc".into());
        tools.programs.remove("cmake");
        let after = [Kind::Make, Kind::JavaScript].map(|kind| tools.stamp(kind, none));
        assert_ne!(before[0], after[0]);
        assert_eq!(before[1], after[1]);
        assert!(!before[0].contains("cmake"), "{}", before[0]);
    }
}
