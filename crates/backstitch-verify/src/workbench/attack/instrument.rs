//! Builds a tree once more with the sanitizers for addresses and undefined behaviour. The compilers
//! on the `PATH` are stand-ins that add what turns them on, so that a project's own flags stay as
//! they are whatever builds it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::host;
use crate::sandbox::{Access, PATH_INSIDE};
use crate::workbench::Workbench;
use crate::workbench::baseline::Baseline;
use crate::workbench::error::{Doing, VerifyError};
use crate::workbench::lines::error_text;
use crate::workbench::session::{Running, Surroundings, Tree, mount};
use crate::workbench::tested::ended_how;
use crate::workbench::trial::Trial;

/// Where jobs see the stand-ins.
const STAND_INS_INSIDE: &str = "/sandbox/compilers";
/// What a stand-in writes when it is called.
const MARK: &str = ".backstitch-instrumented";
/// What is added to every call, after the project's own flags.
const FLAGS: &str = "-fsanitize=address,undefined -fno-sanitize-recover=all \
     -fno-omit-frame-pointer -g -O1";
/// The compilers that are stood in for.
const COMPILERS: [&str; 8] = [
    "cc",
    "gcc",
    "c++",
    "g++",
    "clang",
    "clang++",
    "c99",
    "x86_64-linux-gnu-gcc",
];
/// What shows that a tree was built so.
const BUILT: &str = "built";
/// The most of an error shown as the reason, in characters.
const REASON_CHARS_MAX: usize = 200;

impl Workbench<'_> {
    /// Builds `tree` so in `work`, from nothing; the inner error says why that cannot be. What an
    /// earlier process had built there is taken up.
    pub(super) fn instrumented(
        &self,
        baseline: &Baseline,
        tree: &Tree,
        work: &Path,
    ) -> Result<Result<Trial, String>, VerifyError> {
        if !self.manager.compiles_c(tree) {
            return Ok(Err("it is not known to be compiled from C or C++".into()));
        }
        if !self.session().sandbox().is_confined() {
            return Ok(Err("that is done in the sandbox only".into()));
        }
        let mark = work.join(BUILT);
        if work.exists() && !mark.exists() {
            self.session().sandbox().discard(work)?;
        }
        let trial = self.trial(tree, work, None)?;
        if mark.exists() {
            return Ok(Ok(trial));
        }
        let stand_ins = work.join("compilers");
        if !write_stand_ins(&stand_ins)? {
            return Ok(Err("there is no C compiler in the system's folders".into()));
        }
        self.session().sandbox().own(&stand_ins)?;
        let mut surroundings = self.manager.surroundings(&trial)?;
        stand_first(&mut surroundings, &stand_ins);
        let ended = self.session().run_project(Running {
            trial: &trial,
            surroundings,
            argv: &baseline.commands.build,
            name: "build-instrumented",
            wall_s: None,
        })?;
        if !ended.ran.exit.succeeded() {
            let said = error_text(&ended.log, REASON_CHARS_MAX)?;
            let said = said.lines().next().unwrap_or_default().to_owned();
            let how = ended_how(ended.ran.exit);
            return Ok(Err(format!("it does not build so: {how}: {said}")));
        }
        if !trial.temporary().join(MARK).exists() {
            return Ok(Err(
                "its build called no compiler that is on the `PATH`".into()
            ));
        }
        fs::write(&mark, "").doing("write mark", &mark)?;
        Ok(Ok(trial))
    }
}

/// Puts the stand-ins first on the job's `PATH`.
fn stand_first(surroundings: &mut Surroundings, stand_ins: &Path) {
    let stands = mount(stand_ins, STAND_INS_INSIDE, Access::ReadOnly);
    surroundings.mounts.push(stands);
    let with = |path: &OsString| {
        let mut all = OsString::from(STAND_INS_INSIDE);
        all.push(":");
        all.push(path);
        all
    };
    let environment = &mut surroundings.environment;
    match environment.iter_mut().find(|(name, _)| name == "PATH") {
        Some((_, path)) => *path = with(path),
        None => environment.push(("PATH".into(), with(&PATH_INSIDE.into()))),
    }
}

/// Writes a stand-in for each compiler that is there; answers whether there is any.
fn write_stand_ins(folder: &Path) -> Result<bool, VerifyError> {
    fs::create_dir_all(folder).doing("make directory", folder)?;
    let mut any = false;
    for name in COMPILERS {
        let Some(program) = host::look_up(name, PATH_INSIDE.as_ref()) else {
            continue;
        };
        let text = stand_in(&program);
        let file = folder.join(name);
        fs::write(&file, text).doing("write", &file)?;
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&file, executable).doing("write", &file)?;
        any = true;
    }
    Ok(any)
}

fn stand_in(program: &PathBuf) -> String {
    format!(
        "#!/bin/sh\n: > /tmp/{MARK}\nexec {} \"$@\" {FLAGS}\n",
        Path::new(program).display()
    )
}
