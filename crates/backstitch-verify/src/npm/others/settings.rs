//! Owns which of a project's own settings for pnpm and yarn are in force while its packages are
//! fetched: those that say what is resolved and how it is laid out. None that names a program, a
//! server, a file or a credential is ever passed on. Runs nothing.

use serde_json::{Map, Value};

use super::yaml::{self, Words};

/// Settings of an `.npmrc` that pnpm is given.
const OF_NPMRC: [&str; 22] = [
    "auto-install-peers",
    "dedupe-direct-deps",
    "dedupe-injected-deps",
    "dedupe-peer-dependents",
    "exclude-links-from-lockfile",
    "hoist",
    "hoist-pattern",
    "hoist-workspace-packages",
    "include-workspace-root",
    "inject-workspace-packages",
    "legacy-peer-deps",
    "link-workspace-packages",
    "node-linker",
    "peers-suffix-max-length",
    "prefer-workspace-packages",
    "public-hoist-pattern",
    "resolution-mode",
    "resolve-peers-from-workspace-root",
    "save-workspace-protocol",
    "shamefully-hoist",
    "strict-peer-dependencies",
    "virtual-store-dir-max-length",
];

/// Settings of a `pnpm-workspace.yaml` that are no settings of an `.npmrc` too.
const OF_WORKSPACE: [&str; 9] = [
    "packages",
    "catalog",
    "catalogs",
    "overrides",
    "packageExtensions",
    "peerDependencyRules",
    "allowedDeprecatedVersions",
    "ignoredOptionalDependencies",
    "supportedArchitectures",
];

/// Settings of a `.yarnrc.yml` (<https://yarnpkg.com/configuration/yarnrc>).
const OF_YARNRC: [&str; 9] = [
    "catalog",
    "catalogs",
    "compressionLevel",
    "defaultProtocol",
    "enableTransparentWorkspaces",
    "nmHoistingLimits",
    "nmSelfReferences",
    "packageExtensions",
    "supportedArchitectures",
];

/// What is left of an `.npmrc`.
pub(super) fn npmrc(text: &str) -> String {
    let lines = text.lines().filter(|line| {
        let Some((key, value)) = line.split_once('=') else {
            return false;
        };
        let key = key.trim();
        let key = key.strip_suffix("[]").unwrap_or(key);
        OF_NPMRC.contains(&key) && !value.contains("${")
    });
    lines.map(|line| format!("{line}\n")).collect()
}

/// What is left of a `pnpm-workspace.yaml`, as JSON, which YAML includes; the error is a
/// sentence's end.
pub(super) fn workspace(text: &str) -> Result<Value, String> {
    let is_passed_on =
        |key: &str| OF_WORKSPACE.contains(&key) || OF_NPMRC.contains(&dashed(key).as_str());
    filtered(text, is_passed_on)
}

/// What is left of a `.yarnrc.yml`, as JSON; the error is a sentence's end.
pub(super) fn yarnrc(text: &str) -> Result<Value, String> {
    filtered(text, |key| OF_YARNRC.contains(&key))
}

fn filtered(text: &str, is_passed_on: impl Fn(&str) -> bool) -> Result<Value, String> {
    match yaml::parse(text, Words::Typed)? {
        Value::Object(all) => {
            let kept = all.into_iter().filter(|(key, _)| is_passed_on(key));
            Ok(Value::Object(kept.collect()))
        }
        Value::Null => Ok(Value::Object(Map::new())),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err("it holds no settings".to_owned())
        }
    }
}

/// `nodeLinker` as `node-linker`.
fn dashed(key: &str) -> String {
    let mut dashed = String::new();
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            dashed.push('-');
        }
        dashed.push(letter.to_ascii_lowercase());
    }
    dashed
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_that_names_a_program_a_server_or_a_file_is_passed_on() {
        let text = "script-shell=/tmp/evil\nregistry=https://evil.example/\n_authToken=x\n\
                    pnpmfile=evil.cjs\nnode-options=--require=evil\nstore-dir=/etc\n\
                    use-node-version=1\ngit-shallow-hosts[]=x\nshamefully-hoist=true\n\
                    public-hoist-pattern[]=*types*\nhoist-pattern[]=${HOME}\n";
        assert_eq!(
            npmrc(text),
            "shamefully-hoist=true\npublic-hoist-pattern[]=*types*\n"
        );
        let text = "packages: [a/*]\nnodeLinker: hoisted\nconfigDependencies: {evil: 1.0.0}\n\
                    pnpmfile: evil.cjs\nscriptShell: evil\nautoInstallPeers: false\n\
                    overrides: {x: '1'}\npatchedDependencies: {x: evil}\n";
        assert_eq!(
            workspace(text).unwrap(),
            json!({"packages": ["a/*"], "nodeLinker": "hoisted", "autoInstallPeers": false,
                "overrides": {"x": "1"}})
        );
        let text = "yarnPath: .yarn/evil.cjs\nplugins: [evil]\nnpmRegistryServer: x\n\
                    compressionLevel: mixed\nnmHoistingLimits: workspaces\nnodeLinker: pnp\n";
        assert_eq!(
            yarnrc(text).unwrap(),
            json!({"compressionLevel": "mixed", "nmHoistingLimits": "workspaces"})
        );
        assert!(yarnrc("- a").is_err() && workspace("a: [").is_err());
        assert_eq!(workspace("").unwrap(), json!({}));
    }
}
