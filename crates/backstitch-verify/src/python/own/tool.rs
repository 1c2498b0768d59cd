//! Owns finding the user's uv, Poetry and Pipenv: the real programs, not a version manager's
//! stand-ins, which would pick another because a file in the project says so.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use backstitch_model::LockFormat;
use serde::Deserialize;

use crate::host::{ask, holds_more, look_up};
use crate::workbench::{VerifyError, places};

/// How much of a script is read to learn which Python runs it, in bytes.
const HEAD_BYTES_MAX: u64 = 4096;

/// Prints where a Python is, and which release of a package it has.
const QUESTION: &str = "import importlib.metadata, json, sys\n\
    print(json.dumps({'prefix': sys.prefix, 'base': sys.base_prefix,\n\
    'release': importlib.metadata.version(sys.argv[1])}))";

/// The first number of the first release of Poetry that knows groups, and the second.
const POETRY_WITH_GROUPS: (u32, u32) = (1, 2);

/// The tools, each looked for when a project first needs it.
#[derive(Default)]
pub(in crate::python) struct Tools {
    uv: OnceLock<Result<Tool, String>>,
    poetry: OnceLock<Result<Tool, String>>,
    pipenv: OnceLock<Result<Tool, String>>,
}

/// A tool that writes lockfiles, on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::python) struct Tool {
    /// Which of them it is.
    pub(super) kind: Kind,
    /// The program itself; of a tool written in Python the Python that it is installed with.
    pub(super) program: PathBuf,
    /// What of the host its jobs have to see.
    pub(super) shown: Vec<PathBuf>,
    /// Its release, such as `0.9.5`.
    pub(super) release: String,
}

/// The tools, apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::python) enum Kind {
    Uv,
    Poetry,
    Pipenv,
}

#[derive(Deserialize)]
struct Answer {
    prefix: PathBuf,
    base: PathBuf,
    release: String,
}

impl Tools {
    /// The tool that writes lockfiles of a format, or why there is none here; nothing for formats
    /// that no such tool writes.
    pub(in crate::python) fn of(&self, format: LockFormat) -> Option<Result<&Tool, &str>> {
        let kind = Kind::of(format)?;
        let one = match kind {
            Kind::Uv => &self.uv,
            Kind::Poetry => &self.poetry,
            Kind::Pipenv => &self.pipenv,
        };
        let found = one.get_or_init(|| Tool::discover(kind).map_err(|error| error.to_string()));
        Some(found.as_ref().map_err(String::as_str))
    }
}

impl Kind {
    /// The tool that writes lockfiles of a format.
    pub(super) fn of(format: LockFormat) -> Option<Self> {
        match format {
            LockFormat::Uv => Some(Self::Uv),
            LockFormat::Poetry => Some(Self::Poetry),
            LockFormat::Pipenv => Some(Self::Pipenv),
            LockFormat::Cargo
            | LockFormat::Npm
            | LockFormat::Pnpm
            | LockFormat::Yarn
            | LockFormat::Requirements
            | LockFormat::GoMod
            | LockFormat::Gemfile
            | LockFormat::Composer
            | LockFormat::Maven => None,
        }
    }

    /// The name that it is called by.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Uv => "uv",
            Self::Poetry => "poetry",
            Self::Pipenv => "pipenv",
        }
    }
}

impl Tool {
    /// Finds what a name on the user's `PATH` stands for. Errors say what to install.
    fn discover(kind: Kind) -> Result<Self, VerifyError> {
        let name = kind.name();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = look_up(name, &path).ok_or_else(|| {
            VerifyError::Toolchain(format!(
                "{name} is not on the `PATH`: `pipx install {name}` puts it there"
            ))
        })?;
        let program = found.canonicalize().map_err(|error| {
            VerifyError::Toolchain(format!("find `{}`: {error}", found.display()))
        })?;
        let tool = match kind {
            Kind::Uv => Self::uv(program)?,
            Kind::Poetry | Kind::Pipenv => Self::of_python(kind, &program)?,
        };
        tool.fits()?;
        Ok(tool)
    }

    fn uv(program: PathBuf) -> Result<Self, VerifyError> {
        if !head(&program).starts_with(b"\x7fELF") {
            return Err(stand_in(Kind::Uv, &program));
        }
        let said = ask(program.as_os_str(), &["--version"])?;
        let release = said.split_whitespace().nth(1).unwrap_or_default();
        Ok(Self {
            kind: Kind::Uv,
            release: release.to_owned(),
            shown: vec![program.clone()],
            program,
        })
    }

    fn of_python(kind: Kind, script: &Path) -> Result<Self, VerifyError> {
        let python = python_of(&head(script)).ok_or_else(|| stand_in(kind, script))?;
        let said = ask(python.as_os_str(), &["-I", "-c", QUESTION, kind.name()])?;
        let answer: Answer = serde_json::from_str(&said).map_err(|_| stand_in(kind, script))?;
        let mut shown = vec![answer.prefix];
        if !shown.contains(&answer.base) {
            shown.push(answer.base);
        }
        Ok(Self {
            kind,
            program: python,
            shown,
            release: answer.release,
        })
    }

    /// Can it be used as it is?
    fn fits(&self) -> Result<(), VerifyError> {
        let name = self.kind.name();
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let home = home.and_then(|home| home.canonicalize().ok());
        if let Some(folder) = self
            .shown
            .iter()
            .find(|folder| holds_more(folder, home.as_deref()))
        {
            return Err(VerifyError::Toolchain(format!(
                "{name} at `{}` would need all of `{}` in the sandbox: `pipx install {name}` gives \
                 it a folder of its own",
                self.program.display(),
                folder.display()
            )));
        }
        if self.kind == Kind::Poetry && self.numbers() < POETRY_WITH_GROUPS {
            return Err(VerifyError::Toolchain(format!(
                "poetry {} knows no groups of requirements: `pipx install poetry` brings a later one",
                self.release
            )));
        }
        Ok(())
    }

    /// The first two numbers of its release.
    pub(super) fn numbers(&self) -> (u32, u32) {
        let mut parts = self.release.split('.');
        let mut next = || parts.next().and_then(|text| text.parse().ok()).unwrap_or(0);
        (next(), next())
    }

    /// The version of the form that it writes lockfiles in, where that is known by its release.
    pub(super) fn form(&self) -> Option<&'static str> {
        match (self.kind, self.numbers()) {
            (Kind::Poetry, (2, _)) => Some("2.1"),
            (Kind::Poetry, (1, 3..)) => Some("2.0"),
            (Kind::Poetry | Kind::Uv | Kind::Pipenv, _) => None,
        }
    }

    /// The tool in words, such as `uv 0.9.5`.
    pub(in crate::python) fn about(&self) -> String {
        format!("{} {}", self.kind.name(), self.release)
    }

    /// What a job has to be shown, beside what it sees anyway.
    pub(super) fn to_be_shown(&self) -> impl Iterator<Item = &PathBuf> {
        self.shown.iter().filter(|path| !places::shown_anyway(path))
    }
}

fn stand_in(kind: Kind, program: &Path) -> VerifyError {
    let name = kind.name();
    VerifyError::Toolchain(format!(
        "`{}` is not {name} itself: `pipx install {name}` puts that on the `PATH`",
        program.display()
    ))
}

fn head(program: &Path) -> Vec<u8> {
    let mut head = Vec::new();
    if let Ok(file) = File::open(program) {
        // What cannot be read is no program that is known.
        let _ = file.take(HEAD_BYTES_MAX).read_to_end(&mut head);
    }
    head
}

/// The Python that a script says it is for, in its first line; in the second, where pip found the
/// path too long for the first.
fn python_of(head: &[u8]) -> Option<PathBuf> {
    let text = String::from_utf8_lossy(head);
    let mut lines = text.lines();
    let first = lines.next()?.strip_prefix("#!")?.trim();
    let path = if first == "/bin/sh" {
        let words = lines.next()?.trim().strip_prefix("'''exec' ")?;
        words.split(" \"$0\"").next()?.trim_matches('"')
    } else {
        first
    };
    let path = PathBuf::from(path);
    let name = path.file_name()?.to_str()?;
    (path.is_absolute() && name.starts_with("python")).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_python_of_a_script_is_found_and_a_stand_in_has_none() {
        let long = "#!/bin/sh\n'''exec' \"/a b/bin/python3\" \"$0\" \"$@\"\n' '''\n";
        for (head, python) in [
            ("#!/opt/x/bin/python\n# -*-", Some("/opt/x/bin/python")),
            (long, Some("/a b/bin/python3")),
            ("#!/usr/bin/env python3\n", None),
            ("#!/usr/bin/env bash\nexec pyenv\n", None),
            ("#!python\n", None),
            ("\u{7f}ELF", None),
            ("", None),
        ] {
            let found = python_of(head.as_bytes());
            assert_eq!(found.as_deref(), python.map(Path::new), "{head}");
        }
    }

    #[test]
    fn numbers_of_releases_are_compared_as_numbers() {
        let tool = |release: &str| Tool {
            kind: Kind::Poetry,
            program: PathBuf::new(),
            shown: Vec::new(),
            release: release.to_owned(),
        };
        let numbers = |release: &str| tool(release).numbers();
        assert_eq!(tool("1.8.5").form(), Some("2.0"));
        assert_eq!(tool("2.10.0").form(), Some("2.1"));
        assert!(numbers("1.1.15") < POETRY_WITH_GROUPS);
        assert!(numbers("1.10") > POETRY_WITH_GROUPS && numbers("2.0b1") > POETRY_WITH_GROUPS);
    }
}
