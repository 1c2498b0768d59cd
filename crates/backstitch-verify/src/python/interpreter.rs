//! Owns finding the user's Python: the real one, not a version manager's stand-in, which would
//! pick another because a file in the project says so.
//!
//! Asks the user's own `python3` outside any project. Never looks for programs in a tree.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::host;
use crate::workbench::{VerifyError, places};

/// Prints what must be known, as JSON.
const QUESTION: &str = "import json, sys\n\
    try:\n    import pip\n    pip = pip.__version__\n\
    except ImportError:\n    pip = None\n\
    print(json.dumps({'prefix': sys.base_prefix, 'name': sys.implementation.name,\n\
    'version': '.'.join(map(str, sys.version_info[:3])), 'pip': pip}))";

/// Settings of pip's that are passed on to the fetch phase: where packages come from and how to
/// get there.
const SETTINGS: &[&str] = &[
    "index-url",
    "extra-index-url",
    "trusted-host",
    "cert",
    "proxy",
    "timeout",
    "default-timeout",
    "retries",
];

/// Variables that are passed on to the fetch phase.
const VARIABLES: &[&str] = &[
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
];

/// A Python on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// The directory that holds `bin`, `lib` and so on.
    pub prefix: PathBuf,
    /// The program itself.
    pub program: PathBuf,
    /// Its release, such as `3.11.7`.
    pub release: String,
    /// What it is, for the evidence.
    pub version: String,
    /// Variables that say to pip where packages come from.
    pub(super) variables: Vec<(OsString, OsString)>,
}

#[derive(Deserialize)]
struct Answer {
    prefix: PathBuf,
    version: String,
    pip: Option<String>,
    name: String,
}

impl Interpreter {
    /// Finds what `python3` on the user's `PATH` stands for. Errors where there is none, or where
    /// it lacks pip.
    pub fn discover() -> Result<Self, VerifyError> {
        Ok(Self {
            variables: variables(),
            ..Self::found()?
        })
    }

    /// The program that `python3` on the user's `PATH` stands for.
    pub(crate) fn locate() -> Result<PathBuf, VerifyError> {
        Ok(Self::found()?.program)
    }

    fn found() -> Result<Self, VerifyError> {
        let said = ask(&["-I", "-c", QUESTION])?;
        let lacking = |what: &str| VerifyError::Toolchain(format!("`python3` {what}"));
        let answer: Answer =
            serde_json::from_str(&said).map_err(|_| lacking("does not tell what it is"))?;
        let Some(pip) = &answer.pip else {
            return Err(lacking("has no pip; install it, or put one that has first"));
        };
        let root = Path::new("/");
        let is_whole = answer.prefix.is_absolute()
            && answer.prefix != root
            && std::env::var_os("HOME").map(PathBuf::from) != Some(answer.prefix.clone());
        if !is_whole {
            return Err(lacking("lies in a directory that cannot be shown alone"));
        }
        let mut numbers = answer.version.split('.');
        let line = [numbers.next(), numbers.next()].map(Option::unwrap_or_default);
        let program = answer.prefix.join(format!("bin/python{}", line.join(".")));
        if !program.is_file() {
            return Err(lacking("is not where it says that it is"));
        }
        Ok(Self {
            version: format!("{} {}, pip {pip}", answer.name, answer.version),
            release: answer.version,
            program,
            prefix: answer.prefix,
            variables: Vec::new(),
        })
    }

    /// The same, with another index than the user's.
    #[must_use]
    pub fn at_index(self, address: &str) -> Self {
        Self {
            variables: vec![("PIP_INDEX_URL".into(), address.into())],
            ..self
        }
    }

    /// What one of the variables says.
    pub(super) fn says(&self, name: &str) -> Option<String> {
        let mut found = self.variables.iter().filter(|(known, _)| known == name);
        Some(found.next()?.1.to_string_lossy().into_owned())
    }

    /// Files on the host that the variables name and that a job would not see.
    pub(super) fn shown(&self) -> impl Iterator<Item = PathBuf> + '_ {
        let is_file = |name: &str| {
            [
                "PIP_CERT",
                "SSL_CERT_FILE",
                "SSL_CERT_DIR",
                "REQUESTS_CA_BUNDLE",
            ]
            .contains(&name)
        };
        self.variables
            .iter()
            .filter(move |(name, _)| name.to_str().is_some_and(is_file))
            .filter_map(|(_, value)| Path::new(value).canonicalize().ok())
            .filter(|path| !places::shown_anyway(path))
    }
}

/// Where the user's own pip takes packages from: its settings as it tells them itself, files and
/// variables together.
fn variables() -> Vec<(OsString, OsString)> {
    let settings = ask(&["-I", "-m", "pip", "config", "list"]).unwrap_or_default();
    let mut variables: Vec<_> = settings.lines().filter_map(setting).collect();
    let own = VARIABLES
        .iter()
        .filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)));
    variables.extend(own);
    variables
}

/// `global.index-url='https://…'`: what is stated for single commands does not count.
fn setting(line: &str) -> Option<(OsString, OsString)> {
    let (key, value) = line.split_once('=')?;
    let name = key
        .strip_prefix("global.")
        .or_else(|| key.strip_prefix(":env:."))?;
    let value = value.trim().trim_matches(['\'', '"']);
    SETTINGS.contains(&name).then(|| {
        let name = name.to_ascii_uppercase().replace('-', "_");
        (format!("PIP_{name}").into(), value.into())
    })
}

/// Asks the user's Python.
fn ask(arguments: &[&str]) -> Result<String, VerifyError> {
    host::ask("python3".as_ref(), arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_user_s_settings_only_those_about_the_index_are_passed_on() {
        let pair = |name: &str, value: &str| Some((name.into(), value.into()));
        assert_eq!(
            setting("global.index-url='https://example.org/simple'"),
            pair("PIP_INDEX_URL", "https://example.org/simple")
        );
        assert_eq!(
            setting(":env:.cert='/etc/ssl/cert.pem'"),
            pair("PIP_CERT", "/etc/ssl/cert.pem")
        );
        for line in ["global.target='/'", "install.index-url='x'", "nonsense", ""] {
            assert_eq!(setting(line), None, "{line}");
        }
    }

    #[test]
    fn the_real_program_is_found_and_no_stand_in() {
        // A machine without Python has nothing to find.
        let Ok(python) = Interpreter::discover() else {
            return;
        };
        assert!(python.program.starts_with(&python.prefix), "{python:?}");
    }
}
