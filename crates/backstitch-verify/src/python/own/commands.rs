//! Owns how each tool is called, and with which environment. Runs nothing.

use std::ffi::OsString;
use std::path::Path;

use super::lock::plain;
use super::tool::{Kind, Tool};
use crate::workbench::session::texts;

/// Where a tool sees its cache.
pub(super) const CACHE: &str = "/sandbox/tool-cache";

/// Where it sees our launchers.
pub(super) const SCRIPTS: &str = "/sandbox/scripts";

/// What our launchers say where a tool would start a program.
pub(super) const NOTHING_IS_BUILT: &str = "nothing is built while packages are fetched";

/// The launcher of the tools that are written in Python.
pub(super) const LAUNCHER: &str = include_str!("launch.py");
pub(super) const LAUNCHER_NAME: &str = "launch.py";

/// A group of requirements that the project has not, for as long as Poetry chooses releases.
const GROUP: &str = "backstitch-moves";

/// One package to be moved.
pub(super) struct Wanted<'step> {
    pub(super) name: &'step str,
    pub(super) to: &'step str,
}

/// The calls, in their order, each with what is to be appended to the manifest for as long as it
/// takes. The last leaves the lockfile as it is to be.
pub(super) fn calls(tool: &Tool, wanted: &[Wanted<'_>]) -> Vec<(Vec<String>, String)> {
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    match tool.kind {
        Kind::Uv => {
            let mut call = words(&[
                "lock",
                "--no-build",
                "--no-build-isolation",
                "--no-progress",
            ]);
            for one in wanted {
                call.push("--upgrade-package".to_owned());
                call.push(format!("{}=={}", one.name, one.to));
            }
            vec![(call, String::new())]
        }
        Kind::Poetry => {
            // Earlier ones move everything unless they are told not to.
            let locks: &[&str] = if tool.numbers() < (2, 0) {
                &["lock", "--no-update", "--no-plugins", "--no-ansi"]
            } else {
                &["lock", "--no-plugins", "--no-ansi"]
            };
            let pins: String = wanted
                .iter()
                .map(|one| format!("\"{}\" = \"=={}\"\n", one.name, one.to))
                .collect();
            let group = format!("\n[tool.poetry.group.{GROUP}.dependencies]\n{pins}");
            let mut calls = vec![(words(locks), String::new())];
            if !wanted.is_empty() {
                calls.insert(0, (words(locks), group));
            }
            calls
        }
        Kind::Pipenv => {
            let mut call = words(&["lock"]);
            let pins = wanted.iter();
            call.extend(pins.map(|one| format!("{}=={}", plain(one.name), one.to)));
            vec![(call, String::new())]
        }
    }
}

/// The program and its first arguments.
pub(super) fn program(tool: &Tool) -> Vec<OsString> {
    let program = tool.program.clone().into_os_string();
    match tool.kind {
        Kind::Uv => vec![program],
        Kind::Poetry | Kind::Pipenv => {
            let launcher = Path::new(SCRIPTS).join(LAUNCHER_NAME);
            vec![
                program,
                "-I".into(),
                launcher.into(),
                tool.kind.name().into(),
            ]
        }
    }
}

/// The environment: nothing of the user's settings for the tool but where the index is and how to
/// get there, which `pip_s` says in pip's words. `python` is the one that the project is run with.
pub(super) fn environment(
    tool: &Tool,
    pip_s: &[(OsString, OsString)],
    python: &Path,
    offline: bool,
) -> Vec<(OsString, OsString)> {
    let mut environment = texts(&[
        ("HOME", "/tmp/home"),
        ("XDG_CONFIG_HOME", "/tmp/own/config"),
        ("XDG_CACHE_HOME", "/tmp/own/cache"),
        ("XDG_DATA_HOME", "/tmp/own/data"),
        ("NO_COLOR", "1"),
        ("LC_ALL", "C.UTF-8"),
        ("PYTHONDONTWRITEBYTECODE", "1"),
        ("BACKSTITCH_NOTHING_IS_BUILT", NOTHING_IS_BUILT),
    ]);
    for (name, value) in pip_s {
        let Some(name) = name.to_str() else { continue };
        environment.push((name.into(), value.clone()));
        let also: &[&str] = match (tool.kind, name) {
            (Kind::Uv, "PIP_INDEX_URL") => &["UV_DEFAULT_INDEX"],
            (Kind::Uv, "PIP_CERT" | "REQUESTS_CA_BUNDLE") => &["SSL_CERT_FILE"],
            (_, "PIP_CERT") => &["REQUESTS_CA_BUNDLE"],
            (_, _) => &[],
        };
        environment.extend(also.iter().map(|name| (name.into(), value.clone())));
    }
    let python = python.as_os_str().to_owned();
    match tool.kind {
        Kind::Uv => {
            environment.extend(texts(&[
                ("UV_CACHE_DIR", CACHE),
                ("UV_NO_SYSTEM_CONFIG", "1"),
                ("UV_KEYRING_PROVIDER", "disabled"),
                ("UV_PYTHON_DOWNLOADS", "never"),
                ("UV_NO_ENV_FILE", "1"),
            ]));
            if offline {
                environment.extend(texts(&[("UV_OFFLINE", "1")]));
            }
            environment.push(("UV_PYTHON".into(), python));
        }
        Kind::Poetry => environment.extend(texts(&[
            ("POETRY_CACHE_DIR", CACHE),
            ("POETRY_CONFIG_DIR", "/tmp/own/config"),
            ("POETRY_DATA_DIR", "/tmp/own/data"),
            ("POETRY_VIRTUALENVS_CREATE", "false"),
            ("POETRY_NO_INTERACTION", "1"),
            ("POETRY_KEYRING_ENABLED", "false"),
            ("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring"),
        ])),
        Kind::Pipenv => {
            environment.extend(texts(&[
                ("PIPENV_CACHE_DIR", CACHE),
                ("PIP_CACHE_DIR", CACHE),
                ("PIP_CONFIG_FILE", "/dev/null"),
                ("PIP_ONLY_BINARY", ":all:"),
                ("PIPENV_DONT_LOAD_ENV", "1"),
                ("PIPENV_YES", "1"),
                ("PIPENV_NOSPIN", "1"),
                ("PIPENV_QUIET", "1"),
            ]));
            environment.push(("PIPENV_DEFAULT_PYTHON_VERSION".into(), python));
        }
    }
    environment
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(kind: Kind, release: &str) -> Tool {
        Tool {
            kind,
            program: "/p".into(),
            shown: Vec::new(),
            release: release.to_owned(),
        }
    }

    fn said(tool: &Tool, wanted: &[Wanted<'_>]) -> Vec<String> {
        let calls = calls(tool, wanted).into_iter();
        calls
            .map(|(call, more)| format!("{}|{more}", call.join(" ")))
            .collect()
    }

    #[test]
    fn each_tool_is_asked_for_exactly_what_is_planned() {
        let wanted = [
            Wanted {
                name: "a",
                to: "1.5",
            },
            Wanted { name: "b", to: "2" },
        ];
        assert_eq!(
            said(&tool(Kind::Uv, "0.9"), &wanted),
            [
                "lock --no-build --no-build-isolation --no-progress --upgrade-package a==1.5 --upgrade-package b==2|"
            ]
        );
        assert_eq!(
            said(&tool(Kind::Poetry, "2.1.0"), &wanted),
            [
                "lock --no-plugins --no-ansi|\n[tool.poetry.group.backstitch-moves.dependencies]\n\"a\" = \"==1.5\"\n\"b\" = \"==2\"\n",
                "lock --no-plugins --no-ansi|"
            ]
        );
        assert_eq!(
            said(&tool(Kind::Poetry, "1.8.5"), &[]),
            ["lock --no-update --no-plugins --no-ansi|"]
        );
        assert_eq!(
            said(&tool(Kind::Pipenv, "2026.1"), &wanted),
            ["lock a==1.5 b==2|"]
        );
    }
}
