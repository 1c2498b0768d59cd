//! The cases that engines are measured with: small programs, each with a planted weakness. Those
//! that come with the program are unpacked; others are read from a folder. The format is in
//! `data/corpus/README.md`.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use backstitch_model::policy::Inputs;
use backstitch_model::{FindingId, Policy, RelPath, TreeReproducer};
use serde::Deserialize;

use crate::judge::Asked;
use crate::mend::{self, Task};
use crate::{pack, source};

/// Read by no command but `bench`.
static PACK: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/cases.pack"));

/// The file that describes a case.
const DESCRIPTION: &str = "case.toml";
/// The largest description read, in bytes.
const DESCRIPTION_BYTES_MAX: u64 = 256 << 10;
/// The most cases of a folder.
const CASES_MAX: usize = 1000;

/// One program with a weakness.
#[derive(Debug)]
pub struct Case {
    /// Its name, which is its folder's.
    pub name: String,
    /// What it is written in.
    pub language: String,
    /// What is wrong, in a few words.
    pub weakness: String,
    /// The untouched project, a copy.
    pub project: PathBuf,
    /// How it is built and tested.
    pub policy: Policy,
    /// Shows the weakness.
    pub reproducer: TreeReproducer,
    /// A right patch, which checks the case and is shown to nobody.
    pub reference: PathBuf,
    component: RelPath,
}

/// A description, as far as it is needed here; the judge's own reader takes the reproducer.
#[derive(Debug, Deserialize)]
struct Described {
    name: String,
    language: String,
    weakness: String,
    component: String,
    build: Option<Vec<String>>,
    test: Vec<String>,
}

/// The cases of `folder`, or those that come with the program, in the order of their names; only
/// the named ones, where any are named. What is copied goes below `scratch`.
pub fn open(folder: Option<&Path>, names: &[String], scratch: &Path) -> Result<Vec<Case>> {
    let bundled;
    let folder = if let Some(folder) = folder {
        folder
    } else {
        bundled = scratch.join("bundled");
        unpack(&bundled)?;
        &bundled
    };
    let about = || format!("read the cases in `{}`", folder.display());
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).with_context(about)? {
        let path = entry.with_context(about)?.path();
        if path.join(DESCRIPTION).is_file() {
            found.insert(path);
        }
        ensure!(
            found.len() <= CASES_MAX,
            "{}: there are more than {CASES_MAX}",
            about()
        );
    }
    ensure!(
        !found.is_empty(),
        "{}: no folder in it has a `{DESCRIPTION}`",
        about()
    );
    let mut cases = Vec::new();
    for folder in found {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        if names.is_empty() || names.iter().any(|wanted| *wanted == name) {
            cases.push(read(&folder, scratch).with_context(|| format!("read case `{name}`"))?);
        }
    }
    for wanted in names {
        let is_there = cases.iter().any(|case: &Case| case.name == *wanted);
        ensure!(is_there, "{}: none is named `{wanted}`", about());
    }
    Ok(cases)
}

fn read(folder: &Path, scratch: &Path) -> Result<Case> {
    let file = folder.join(DESCRIPTION);
    let size = file.metadata()?.len();
    ensure!(
        size <= DESCRIPTION_BYTES_MAX,
        "`{DESCRIPTION}` has {size} bytes; at most {DESCRIPTION_BYTES_MAX} are read"
    );
    let described: Described = toml::from_str(&fs::read_to_string(&file)?)
        .with_context(|| format!("read `{DESCRIPTION}`"))?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    ensure!(
        described.name == name,
        "it calls itself `{}`; a case is named as its folder",
        described.name
    );
    // In a folder of its own, so that it is judged as a project and not as a part of another one.
    let project = scratch.join("projects").join(&*name);
    source::duplicate(&folder.join("base"), &project)?;
    let asked = Asked {
        reproducer: &file.display().to_string(),
        inputs: &[],
        benign: &[],
        oracle: None,
    };
    Ok(Case {
        name: described.name,
        language: described.language,
        weakness: described.weakness,
        component: RelPath::new(described.component)?,
        policy: Policy {
            build_command: described.build,
            test_command: Some(described.test),
            ..Policy::default()
        },
        reproducer: asked.read()?,
        reference: folder.join("reference.patch"),
        project,
    })
}

impl Case {
    /// What an engine is told of it: what a scanner would say, and what shows it.
    pub fn task(&self) -> Task {
        let mut what = format!("{} in `{}`.", self.weakness, self.component);
        what.push_str(&mend::told(&self.reproducer, Inputs::Shown));
        Task {
            finding: FindingId(format!("case:{}", self.name)),
            what,
            location: Some(self.component.clone()),
        }
    }
}

fn unpack(to: &Path) -> Result<()> {
    let Some(files) = pack::files(PACK) else {
        bail!("read the bundled cases: they are cut off");
    };
    for (name, content) in files {
        let path = to.join(name);
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(to))?;
            fs::write(&path, content)?;
            // The pack holds no permissions; a script says in its first line that it is one.
            if content.starts_with(b"#!") {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
            }
            Ok(())
        };
        write()
            .map_err(|error: std::io::Error| error)
            .with_context(|| format!("write `{}`", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pack_holds_every_case_of_the_repository_and_each_can_be_read() {
        let scratch = tempfile::tempdir().unwrap();
        let bundled = open(None, &[], scratch.path()).unwrap();
        assert!(bundled.len() >= 20, "{}", bundled.len());
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/corpus");
        let elsewhere = tempfile::tempdir().unwrap();
        let in_place = open(Some(&root), &[], elsewhere.path()).unwrap();
        let named = |cases: &[Case]| -> Vec<String> {
            cases.iter().map(|case| case.name.clone()).collect()
        };
        assert_eq!(named(&bundled), named(&in_place));
        for (bundled, in_place) in bundled.iter().zip(&in_place) {
            assert_eq!(bundled.reproducer, in_place.reproducer);
            let digest = |case: &Case| source::Source::Folder(case.project.clone()).base().unwrap();
            assert_eq!(digest(bundled), digest(in_place), "{}", bundled.name);
            assert!(bundled.reference.is_file(), "{}", bundled.name);
        }
    }

    #[test]
    fn an_engine_is_told_no_reference_and_no_script() {
        let scratch = tempfile::tempdir().unwrap();
        for case in open(None, &[], scratch.path()).unwrap() {
            let task = case.task();
            assert!(task.what.contains("CWE-"), "{}", task.what);
            assert!(task.what.len() < 4_000, "{}", task.what);
            assert!(!task.what.contains("import "), "{}", task.what);
        }
    }

    #[test]
    fn a_name_that_is_no_case_is_told() {
        let scratch = tempfile::tempdir().unwrap();
        let names = ["nothing".to_owned()];
        let error = open(None, &names, scratch.path()).unwrap_err();
        assert!(format!("{error:#}").contains("none is named `nothing`"));
        let empty = tempfile::tempdir().unwrap();
        let error = open(Some(empty.path()), &[], scratch.path()).unwrap_err();
        assert!(format!("{error:#}").contains("case.toml"));
    }
}
