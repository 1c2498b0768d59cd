//! Owns what is taken over of the user's own npm configuration for the fetch phase: where the
//! registry is and how it is reached, never what logs in there
//! (<https://docs.npmjs.com/cli/using-npm/config>).

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The most bytes of the user's `.npmrc` that are read.
const SETTINGS_BYTES_MAX: u64 = 1 << 20;

/// The settings that are taken over.
const KEYS: [&str; 6] = [
    "registry",
    "cafile",
    "strict-ssl",
    "proxy",
    "https-proxy",
    "noproxy",
];

/// The variables that are taken over as they are.
const VARIABLES: [&str; 8] = [
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "NODE_EXTRA_CA_CERTS",
    "SSL_CERT_FILE",
];

/// The user's own words, as far as they count.
#[derive(Debug, Clone, Default)]
pub struct User {
    /// Variables for npm.
    pub variables: Vec<(OsString, OsString)>,
    /// Files that those name.
    pub files: Vec<PathBuf>,
}

impl User {
    /// Reads the environment and `~/.npmrc`.
    pub fn from_environment() -> Self {
        let home = std::env::var_os("HOME");
        let text = home
            .and_then(|home| std::fs::File::open(Path::new(&home).join(".npmrc")).ok())
            .and_then(|file| {
                let mut text = String::new();
                file.take(SETTINGS_BYTES_MAX)
                    .read_to_string(&mut text)
                    .ok()?;
                Some(text)
            });
        Self::of(&text.unwrap_or_default(), |name| std::env::var_os(name))
    }

    fn of(settings: &str, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let mut user = Self::default();
        for key in KEYS {
            let name = format!("npm_config_{}", key.replace('-', "_"));
            let value = variable(&name)
                .or_else(|| variable(&name.to_uppercase()))
                .or_else(|| value_of(settings, key).map(OsString::from));
            if let Some(value) = value {
                if key == "cafile" {
                    user.files.push(PathBuf::from(&value));
                }
                user.variables.push((name.into(), value));
            }
        }
        for name in VARIABLES {
            if let Some(value) = variable(name) {
                if name.contains("CERT") {
                    user.files.push(PathBuf::from(&value));
                }
                user.variables.push((name.into(), value));
            }
        }
        user.files.retain(|file| file.is_absolute());
        user
    }
}

/// The last `key = value` of an `.npmrc` that needs no variable.
fn value_of(settings: &str, key: &str) -> Option<String> {
    settings.lines().rev().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        (name.trim() == key && !value.contains("${")).then(|| value.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_and_all_else_are_left_where_they_are() {
        let settings = "registry=https://npm.example/\n//npm.example/:_authToken=secret\n\
                        cafile=/certs/own.pem\nignore-scripts=false\nproxy=${PROXY}\n";
        let user = User::of(settings, |name| {
            (name == "NPM_CONFIG_NOPROXY").then(|| "localhost".into())
        });
        let told: Vec<_> = user
            .variables
            .iter()
            .map(|(name, value)| format!("{}={}", name.display(), value.display()))
            .collect();
        assert_eq!(
            told,
            [
                "npm_config_registry=https://npm.example/",
                "npm_config_cafile=/certs/own.pem",
                "npm_config_noproxy=localhost"
            ]
        );
        assert_eq!(user.files, [PathBuf::from("/certs/own.pem")]);
    }
}
