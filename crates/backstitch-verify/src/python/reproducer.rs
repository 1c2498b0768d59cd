//! Owns how a reproducer is run against a package of a Python environment, and the project that a
//! reproducer is checked in.

use std::fs;
use std::path::Path;

use backstitch_model::package::PackageVersion;
use backstitch_model::pins;
use backstitch_model::{RelPath, Reproducer};

use crate::sandbox::Access;
use crate::workbench::error::Doing;
use crate::workbench::reproduce::Staged;
use crate::workbench::session::mount;
use crate::workbench::trial::Trial;
use crate::workbench::{Session, Tree, VerifyError};

const LAUNCH: &str = include_str!("launch.py");

/// Where jobs see the program.
const PROGRAM_INSIDE: &str = "/sandbox/reproducer";

/// Gets ready to run a reproducer with the environment's interpreter, `python`.
pub(super) fn stage(
    session: &Session,
    python: &Path,
    (trial, work): (&Trial, &Path),
    reproducer: &Reproducer,
    package: &PackageVersion,
) -> Result<Staged, VerifyError> {
    let folder = work.join("program");
    fs::create_dir_all(&folder).doing("make directory", &folder)?;
    let folder = folder.canonicalize().doing("find directory", &folder)?;
    let file = folder.join(&reproducer.program.name);
    fs::write(&file, &reproducer.program.text).doing("write", &file)?;
    session.sandbox().own(&folder)?;
    let program = session.seen(&folder, PROGRAM_INSIDE);
    // Isolated: what the project has beside it must not stand in for the package. A pin that
    // could not be installed leaves an older release, which says nothing of the pin.
    let words = [
        python.to_string_lossy().into_owned(),
        "-I".to_owned(),
        "-c".to_owned(),
        LAUNCH.to_owned(),
        package.name.clone(),
        package.version.clone(),
        program
            .join(&reproducer.program.name)
            .to_string_lossy()
            .into_owned(),
    ];
    Ok(Staged {
        trial: trial.clone(),
        mounts: vec![mount(&folder, PROGRAM_INSIDE, Access::ReadOnly)],
        build: None,
        programs: vec![words.to_vec()],
        notes: Vec::new(),
    })
}

/// Writes a project that pins one release and what the reproducer names beside it.
pub(super) fn specimen(
    reproducer: &Reproducer,
    version: &str,
    root: &Path,
) -> Result<Tree, VerifyError> {
    let lockfile = RelPath::new("requirements.txt")
        .map_err(|error| VerifyError::Restore(error.to_string()))?;
    let file = root.join(lockfile.as_str());
    fs::write(&file, requirements(reproducer, version)).doing("write", &file)?;
    Ok(Tree {
        root: root.to_path_buf(),
        lockfile,
    })
}

/// A pin alone is installed without what it requires, as a lockfile would list that too. So each
/// package that is pinned is asked for by its name as well, which brings the rest.
fn requirements(reproducer: &Reproducer, version: &str) -> String {
    let mut text = format!("{}=={version}\n", reproducer.package);
    for beside in reproducer.seen.iter().flat_map(|seen| &seen.requires) {
        text.push_str(beside);
        text.push('\n');
    }
    let entries = pins::entries(&text);
    let pinned = entries.iter().filter_map(pins::Entry::pin);
    let names: String = pinned.map(|pin| format!("{}\n", pin.name)).collect();
    text + &names
}

#[cfg(test)]
mod tests {
    use super::*;
    use backstitch_model::package::Ecosystem;
    use backstitch_model::reproducer::{Program, Seen};

    #[test]
    fn a_specimen_pins_the_release_and_asks_for_what_it_requires() {
        let seen = |requires: &[&str]| Seen {
            vulnerable: "1".into(),
            fixed: "2".into(),
            requires: requires.iter().map(|text| (*text).into()).collect(),
        };
        let mut reproducer = Reproducer {
            name: "name".into(),
            advisories: Vec::new(),
            ecosystem: Ecosystem::PyPi,
            package: "left".into(),
            shows: "a flaw".into(),
            program: Program {
                name: "check.py".into(),
                text: String::new(),
            },
            inputs: Vec::new(),
            time_limit_s: 30,
            features: Vec::new(),
            seen: None,
        };
        assert_eq!(requirements(&reproducer, "1"), "left==1\nleft\n");
        reproducer.seen = Some(seen(&["right==3 ; os_name == 'posix'", "other<2"]));
        assert_eq!(
            requirements(&reproducer, "1"),
            "left==1\nright==3 ; os_name == 'posix'\nother<2\nleft\nright\n"
        );
    }
}
