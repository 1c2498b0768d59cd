//! Reads what our download script wrote down of a package: what it says of itself. Runs nothing;
//! what was not written down is not known.

use std::path::Path;

use backstitch_model::RelPath;
use backstitch_model::names::normalised;
use backstitch_model::package::{Ecosystem, PackageVersion};
use serde::Deserialize;

use crate::compare::Facts;
use crate::workbench::files;

/// The largest file that is read, in bytes.
const FACTS_BYTES_MAX: u64 = 16 << 20;

#[derive(Deserialize)]
struct Written {
    /// Is it there only as source, so that a program of its own runs when it is built?
    source: bool,
    #[serde(default)]
    licence: Option<String>,
    #[serde(default)]
    runtime: Option<String>,
    /// A file that Python runs whenever it starts.
    #[serde(default)]
    startup: Option<String>,
    #[serde(default)]
    modules: Vec<String>,
}

/// The facts of a package among what was downloaded.
pub(super) fn facts(downloads: &Path, package: &PackageVersion) -> Option<Facts> {
    let name = normalised(&Ecosystem::PyPi, &package.name);
    let path = RelPath::new(format!(".facts/{name}-{}.json", package.version)).ok()?;
    let text = files::read(downloads, &path, FACTS_BYTES_MAX).ok()??;
    let written: Written = serde_json::from_str(&text).ok()?;
    Some(Facts {
        install_script: written.startup,
        build_script: written.source,
        licence: written.licence,
        runtime: written.runtime.map(|range| format!("Python {range}")),
        exports: (!written.source).then(|| written.modules.into_iter().collect()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_down_is_told_and_nothing_else_is() {
        let downloads = tempfile::tempdir().unwrap();
        let folder = downloads.path().join(".facts");
        std::fs::create_dir(&folder).unwrap();
        let wheel = r#"{"source": false, "licence": "MIT", "runtime": ">=3.8",
            "startup": "a.pth", "modules": ["a", "a.b"]}"#;
        std::fs::write(folder.join("a-b-1.0.json"), wheel).unwrap();
        std::fs::write(folder.join("c-1.0.json"), r#"{"source": true}"#).unwrap();
        let of = |name: &str, version: &str| {
            let package = PackageVersion {
                ecosystem: Ecosystem::PyPi,
                name: name.into(),
                version: version.into(),
            };
            facts(downloads.path(), &package)
        };
        let wheel = of("A_b", "1.0").unwrap();
        assert_eq!(wheel.install_script.as_deref(), Some("a.pth"));
        assert_eq!(wheel.runtime.as_deref(), Some("Python >=3.8"));
        assert_eq!(wheel.exports.unwrap().len(), 2);
        let source = of("c", "1.0").unwrap();
        assert!(source.build_script && source.exports.is_none());
        assert_eq!(of("../c", "1.0"), None);
        assert_eq!(of("c", "2.0"), None);
    }
}
