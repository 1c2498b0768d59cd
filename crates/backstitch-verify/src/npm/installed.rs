//! Reads what an installed package says of itself in its `package.json`. Runs nothing; what cannot
//! be read is not known.
//!
//! The names that it offers are the entries of `exports`: what a module sets at run time is not
//! looked at, since that would mean running it.

use std::collections::BTreeSet;
use std::path::Path;

use backstitch_model::RelPath;
use serde_json::Value;

use crate::compare::Facts;
use crate::workbench::files;

/// The largest `package.json` that is read, in bytes.
const MANIFEST_BYTES_MAX: u64 = 4 << 20;

/// What npm runs when it installs a package, in its order
/// (<https://docs.npmjs.com/cli/using-npm/scripts>, life cycle of `npm install`).
const SCRIPTS: [&str; 3] = ["preinstall", "install", "postinstall"];

/// The facts of `name` at `version` in a folder of installed packages; `None` where another
/// version is there, or none.
pub(super) fn facts(modules: &Path, name: &str, version: &str) -> Option<Facts> {
    let path = RelPath::new(format!("{name}/package.json")).ok()?;
    let text = files::read(modules, &path, MANIFEST_BYTES_MAX).ok()??;
    let about: Value = serde_json::from_str(&text).ok()?;
    if about["version"] != *version {
        return None;
    }
    let script = SCRIPTS
        .iter()
        .find_map(|script| about["scripts"][*script].as_str());
    let implied = || {
        // npm runs node-gyp where this file is there and no script says otherwise.
        let path = RelPath::new(format!("{name}/binding.gyp")).ok()?;
        let found = files::read(modules, &path, MANIFEST_BYTES_MAX).ok()?;
        found.map(|_| "node-gyp rebuild".to_owned())
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Some(Facts {
        install_script: script.map(str::to_owned).or_else(implied),
        build_script: false,
        licence: text(&about["license"]).or_else(|| text(&about["license"]["type"])),
        runtime: text(&about["engines"]["node"]).map(|range| format!("node {range}")),
        exports: about["exports"].as_object().map(|exports| {
            let names = exports.keys().filter(|name| name.starts_with('.'));
            names.cloned().collect::<BTreeSet<_>>()
        }),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    #[test]
    fn an_installed_package_tells_its_scripts_its_terms_and_its_entries() {
        let modules = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = modules.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(
            "@a/b/package.json",
            r#"{"version": "1.0.0", "license": "MIT", "engines": {"node": ">=18"},
                "scripts": {"postinstall": "node setup.js"}, "exports": {".": "./a.js", "./b": "./b.js"}}"#,
        );
        write("native/package.json", r#"{"version": "2.0.0"}"#);
        write("native/binding.gyp", "{}");
        let facts = |name, version| super::facts(modules.path(), name, version);
        let scoped = facts("@a/b", "1.0.0").unwrap();
        assert_eq!(scoped.install_script.as_deref(), Some("node setup.js"));
        assert_eq!(scoped.runtime.as_deref(), Some("node >=18"));
        assert_eq!(scoped.exports.unwrap().len(), 2);
        assert_eq!(facts("@a/b", "1.0.1"), None);
        let native = facts("native", "2.0.0").unwrap();
        assert_eq!(native.install_script.as_deref(), Some("node-gyp rebuild"));
        assert_eq!(facts("../native", "2.0.0"), None);
    }
}
