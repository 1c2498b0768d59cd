//! Lets a lockfile's own tool move packages, in a folder of copies beside the tree, and takes over
//! what it wrote. The fetch phase: nothing of the project's runs. Whether the moves were a good
//! idea is for others to find out.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use backstitch_model::candidate::Step;
use backstitch_model::python::MANIFEST;
use backstitch_model::{LockFormat, RelPath};

use super::commands::{self, CACHE, LAUNCHER, LAUNCHER_NAME, SCRIPTS, Wanted};
use super::lock::Lock;
use super::said::{self, Failed};
use super::sources;
use super::tool::{Kind, Tool};
use crate::python::manager::Python;
use crate::python::requirement;
use crate::sandbox::{Access, Mount};
use crate::workbench::error::Doing;
use crate::workbench::session::{Ended, Fetching, Surroundings, mount, workspace_in};
use crate::workbench::{Cause, PackageManager, Refusal, Tree, VerifyError, files};

/// Where a tool sees the copies.
const COPIES: &str = "/sandbox/relock";

/// The largest file that is copied, in bytes.
const FILE_BYTES_MAX: u64 = 32 << 20;

/// How many entries of folders are looked at, how deep, and how many manifests are copied.
const ENTRIES_MAX: usize = 200_000;
const DEPTH_MAX: usize = 16;
const MANIFESTS_MAX: usize = 2_000;

/// What became of the moves of a recipe.
pub(in crate::python) enum Moved {
    /// The tool made them; the lockfile in the tree is the one that it wrote.
    ByTool,
    /// The tool cannot make them.
    Refused(Refusal),
    /// The tool cannot be used, and why; the tree is as it was.
    Not(String),
}

/// How a tool's work ended, inside.
enum Done {
    Wrote(String),
    Refused(Cause, String),
    Not(String),
}

impl Python {
    /// Why the tool that wrote a tree's lockfile is not used for it, or that tool; nothing where no
    /// tool wrote it.
    pub(in crate::python) fn own_tool(&self, tree: &Tree) -> Option<Result<&Tool, String>> {
        let format = LockFormat::of(&tree.lockfile)?;
        let tool = match self.tools().of(format)? {
            Ok(tool) => tool,
            Err(why) => return Some(Err(why.to_owned())),
        };
        let why = self.obstacle(tool).or_else(|| self.names_more(tool, tree));
        Some(why.map_or(Ok(tool), Err))
    }

    /// Lets the tool that wrote the lockfile make a recipe's moves, upon the recipe's texts of
    /// manifests. `work` takes the copies and logs.
    pub(in crate::python) fn move_by_tool(
        &self,
        tree: &Tree,
        steps: &[Step],
        work: &Path,
    ) -> Result<Moved, VerifyError> {
        let tool = match self.own_tool(tree) {
            Some(Ok(tool)) => tool,
            Some(Err(why)) => return Ok(Moved::Not(why)),
            None => {
                return Ok(Moved::Not(
                    "no tool of its own wrote the lockfile".to_owned(),
                ));
            }
        };
        let kitchen = Kitchen::prepare(self, tool, tree, work)?;
        let refused = |cause, said: String| {
            Moved::Refused(Refusal {
                step: steps.iter().find(|step| wanted(step).is_some()).cloned(),
                cause,
                message: format!("{}: {said}", tool.about()),
            })
        };
        Ok(match kitchen.moved(steps)? {
            Done::Wrote(text) => {
                let path = &tree.lockfile;
                match files::overwrite(&tree.root, path, &text) {
                    Ok(()) => Moved::ByTool,
                    Err(error) => {
                        refused(Cause::Manifest, format!("write lockfile `{path}`: {error}"))
                    }
                }
            }
            Done::Refused(cause, said) => refused(cause, said),
            Done::Not(why) if why.starts_with(&tool.about()) => Moved::Not(why),
            Done::Not(why) => Moved::Not(format!("{}: {why}", tool.about())),
        })
    }

    /// What keeps a tool from being used for any project.
    fn obstacle(&self, tool: &Tool) -> Option<String> {
        let session = self.session();
        let name = tool.kind.name();
        if !session.sandbox().is_confined() {
            return Some(format!("{name} is started only inside the sandbox"));
        }
        if session.offline() && tool.kind != Kind::Uv {
            return Some(format!("{name} cannot do without a network"));
        }
        let asks_more = |name: &str| self.interpreter().says(name).is_some();
        asks_more("PIP_EXTRA_INDEX_URL")
            .then(|| format!("{name} is asked where there is one index, and your pip has several"))
    }

    /// What a tree names that its tool is not started for.
    fn names_more(&self, tool: &Tool, tree: &Tree) -> Option<String> {
        let told = |path: &RelPath, found: Result<Option<String>, String>| match found {
            Ok(None) => None,
            Ok(Some(what)) => Some(format!(
                "`{path}` names `{}`, and {} is started only where there is nothing but releases \
                 of the one index",
                what.escape_debug(),
                tool.kind.name()
            )),
            Err(why) => Some(format!("read `{path}`: {why}")),
        };
        let index = self.interpreter().says("PIP_INDEX_URL");
        let index = index.as_deref().unwrap_or(sources::INDEX);
        if tool.kind == Kind::Uv && has(tree, "uv.toml") {
            return Some("`uv.toml` may name other indexes and programs".to_owned());
        }
        let own = RelPath::below(tree.workspace().as_ref(), MANIFEST).ok()?;
        if tool.kind == Kind::Uv
            && text_of(&tree.root, &own).is_ok_and(|text| sources::is_built_to_be_known(&text))
        {
            return Some(format!(
                "uv would build the project to learn what `{own}` leaves open, and that is never \
                 done where there is a network"
            ));
        }
        let lock = &tree.lockfile;
        let written = text_of(&tree.root, lock).and_then(|text| Lock::parse(tool.kind, &text));
        if let (Ok(written), Some(form)) = (written, tool.form())
            && !written.form.is_empty()
            && written.form != form
        {
            return Some(anew(tool, lock, form, &written.form));
        }
        let found =
            text_of(&tree.root, lock).and_then(|text| sources::in_lock(tool.kind, &text, index));
        told(lock, found).or_else(|| {
            manifests(tree, tool.kind).iter().find_map(|path| {
                let text = text_of(&tree.root, path);
                told(
                    path,
                    text.and_then(|text| sources::in_manifest(tool.kind, &text, index)),
                )
            })
        })
    }
}

/// A tool at work, in copies of what it needs.
struct Kitchen<'run> {
    python: &'run Python,
    tool: &'run Tool,
    tree: &'run Tree,
    copies: PathBuf,
    scripts: PathBuf,
    cache: PathBuf,
    work: &'run Path,
}

impl<'run> Kitchen<'run> {
    fn prepare(
        python: &'run Python,
        tool: &'run Tool,
        tree: &'run Tree,
        work: &'run Path,
    ) -> Result<Self, VerifyError> {
        let session = python.session();
        let cache = session.cache(&format!("{}-cache", tool.kind.name()))?;
        let fresh = |name: &str| -> Result<PathBuf, VerifyError> {
            let path = work.join("own-tool").join(name);
            if path.exists() {
                fs::remove_dir_all(&path).doing("clear", &path)?;
            }
            fs::create_dir_all(&path).doing("make directory", &path)?;
            path.canonicalize().doing("find directory", &path)
        };
        let kitchen = Self {
            copies: fresh("copies")?,
            scripts: fresh("scripts")?,
            python,
            tool,
            tree,
            cache,
            work,
        };
        let launcher = kitchen.scripts.join(LAUNCHER_NAME);
        fs::write(&launcher, LAUNCHER).doing("write", &launcher)?;
        Ok(kitchen)
    }

    fn moved(&self, steps: &[Step]) -> Result<Done, VerifyError> {
        let before = match self.lay_out() {
            Ok(before) => before,
            Err(why) => return Ok(Done::Not(why)),
        };
        let manifests = steps.iter().filter_map(|step| match step {
            Step::WriteManifest { path, text } if *path != self.tree.lockfile => Some((path, text)),
            _ => None,
        });
        for (path, text) in manifests {
            if let Err(error) = files::overwrite(&self.copies, path, text) {
                let why = format!("write manifest `{path}`: {error}");
                return Ok(Done::Refused(Cause::Manifest, why));
            }
        }
        let wanted: Vec<_> = steps.iter().filter_map(wanted).collect();
        // What is written into a manifest, or said to a tool, must not be more than a release.
        let is_odd = |one: &&Wanted<'_>| {
            !requirement::is_plain(&format!("{}=={}", one.name, one.to))
                || one.to.contains([',', '*', ';'])
        };
        if let Some(odd) = wanted.iter().find(is_odd) {
            let odd = format!("{} {}", odd.name, odd.to);
            return Ok(Done::Not(format!("`{}` is no release", odd.escape_debug())));
        }
        match self.call(&wanted)? {
            None => Ok(self.taken(&before, &wanted)),
            Some(Failed::WouldBuild) => Ok(Done::Not(
                "something of the project's, or a source archive, would have to be built to learn \
                 what it requires, and that is never done where there is a network"
                    .to_owned(),
            )),
            Some(Failed::Outside(cause, said)) => Ok(Done::Refused(cause, said)),
            Some(Failed::Itself(said)) => self.blamed(said),
        }
    }

    /// Is it the moves that it fails for, or the project as it is?
    fn blamed(&self, said: String) -> Result<Done, VerifyError> {
        if let Err(why) = self.lay_out() {
            return Ok(Done::Not(why));
        }
        Ok(match self.call(&[])? {
            None => Done::Refused(Cause::Manager, said),
            Some(Failed::Outside(cause, said)) => Done::Refused(cause, said),
            Some(Failed::WouldBuild | Failed::Itself(_)) => Done::Not(format!(
                "it cannot lock the project as it is either: {said}"
            )),
        })
    }

    /// Copies what the tool reads; answers the lockfile's text.
    fn lay_out(&self) -> Result<String, String> {
        for path in manifests(self.tree, self.tool.kind) {
            self.copy(&path)?;
        }
        let lock = text_of(&self.tree.root, &self.tree.lockfile)?;
        // An empty one is none yet.
        if !lock.trim().is_empty() {
            self.copy(&self.tree.lockfile)?;
        }
        Ok(lock)
    }

    fn copy(&self, path: &RelPath) -> Result<(), String> {
        let text = text_of(&self.tree.root, path)?;
        let to = self.copies.join(path.as_str());
        let parent = to.parent().unwrap_or(&self.copies);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&to, text))
            .map_err(|error| format!("copy `{path}`: {error}"))
    }

    /// Runs the tool until the lockfile is as it is to be.
    fn call(&self, wanted: &[Wanted<'_>]) -> Result<Option<Failed>, VerifyError> {
        let manifest = workspace_in(&self.copies, &self.tree.lockfile).join(MANIFEST);
        for (arguments, more) in commands::calls(self.tool, wanted) {
            let own = fs::read_to_string(&manifest).unwrap_or_default();
            if !more.is_empty() {
                fs::write(&manifest, format!("{own}\n{more}")).doing("write", &manifest)?;
            }
            let ended = self.run(&arguments)?;
            if !more.is_empty() {
                fs::write(&manifest, own).doing("write", &manifest)?;
            }
            if let Some(failed) = said::failed(&ended)? {
                return Ok(Some(failed));
            }
        }
        Ok(None)
    }

    fn run(&self, arguments: &[String]) -> Result<Ended, VerifyError> {
        let session = self.python.session();
        // What was written since is the tool's to change.
        for path in [&self.copies, &self.scripts] {
            session.sandbox().own(path)?;
        }
        let interpreter = self.python.interpreter();
        let mut shown: Vec<&PathBuf> = self.tool.to_be_shown().collect();
        let is_seen = |path: &Path| {
            crate::workbench::places::shown_anyway(path)
                || shown.iter().any(|shown| path.starts_with(shown))
        };
        if !is_seen(&interpreter.prefix) {
            shown.push(&interpreter.prefix);
        }
        let mut mounts: Vec<Mount> = shown.into_iter().map(Mount::read_only).collect();
        mounts.extend(interpreter.shown().map(Mount::read_only));
        mounts.push(mount(&self.copies, COPIES, Access::ReadWrite));
        mounts.push(mount(&self.cache, CACHE, Access::ReadWrite));
        mounts.push(mount(&self.scripts, SCRIPTS, Access::ReadOnly));
        let mut argv = commands::program(self.tool);
        argv.extend(arguments.iter().map(OsString::from));
        session.fetch(Fetching {
            argv,
            cwd: workspace_in(Path::new(COPIES), &self.tree.lockfile),
            surroundings: Surroundings {
                mounts,
                environment: commands::environment(
                    self.tool,
                    &interpreter.variables,
                    &interpreter.program,
                    session.offline(),
                ),
            },
            work: self.work,
        })
    }

    /// What the tool wrote, where that is in the lockfile's own form and holds what was wanted.
    fn taken(&self, before: &str, wanted: &[Wanted<'_>]) -> Done {
        let (path, kind) = (&self.tree.lockfile, self.tool.kind);
        let read = || -> Result<_, String> {
            let after = text_of(&self.copies, path)?;
            let new = Lock::parse(kind, &after)?;
            let old = match before.trim() {
                "" => new.form.clone(),
                before => Lock::parse(kind, before)?.form,
            };
            Ok((after, old, new))
        };
        let (after, old, new) = match read() {
            Ok(read) => read,
            Err(why) => return Done::Not(format!("read `{path}`: {why}")),
        };
        if old != new.form {
            return Done::Not(anew(self.tool, path, &new.form, &old));
        }
        match wanted.iter().find(|one| !new.holds(one.name, one.to)) {
            None => Done::Wrote(after),
            Some(one) => Done::Refused(
                Cause::Manager,
                format!(
                    "it does not lock `{}` at {}, but at {}",
                    one.name,
                    one.to,
                    new.versions(one.name)
                ),
            ),
        }
    }
}

fn anew(tool: &Tool, path: &RelPath, new: &str, old: &str) -> String {
    let (new, old) = (new.escape_debug(), old.escape_debug());
    format!(
        "{} would write all of `{path}` anew, in version {new} instead of {old}",
        tool.about()
    )
}

fn wanted(step: &Step) -> Option<Wanted<'_>> {
    match step {
        Step::UpdatePackage {
            package,
            to: Some(to),
        } => Some(Wanted {
            name: &package.name,
            to,
        }),
        Step::UpdatePackage { to: None, .. }
        | Step::WriteManifest { .. }
        | Step::Relock
        | Step::UpdateEverything => None,
    }
}

fn text_of(root: &Path, path: &RelPath) -> Result<String, String> {
    let text = files::read(root, path, FILE_BYTES_MAX).map_err(|error| error.to_string())?;
    text.ok_or_else(|| "it is not there".to_owned())
}

fn has(tree: &Tree, name: &str) -> bool {
    let root = workspace_in(&tree.root, &tree.lockfile);
    root.join(name).symlink_metadata().is_ok()
}

/// The manifests that a tool may read: those of the folders below, too, since they can be
/// members of a workspace.
fn manifests(tree: &Tree, kind: Kind) -> Vec<RelPath> {
    let start = tree.workspace();
    if kind == Kind::Pipenv {
        return RelPath::below(start.as_ref(), "Pipfile")
            .into_iter()
            .collect();
    }
    let (mut found, mut entries) = (Vec::new(), 0);
    let mut waiting = vec![(start, 0)];
    while let Some((folder, depth)) = waiting.pop() {
        let place = folder
            .as_ref()
            .map_or_else(|| tree.root.clone(), |at| tree.root.join(at.as_str()));
        for entry in fs::read_dir(&place).into_iter().flatten().flatten() {
            entries += 1;
            if entries > ENTRIES_MAX || found.len() >= MANIFESTS_MAX {
                return found;
            }
            let (Ok(name), Ok(file_type)) = (entry.file_name().into_string(), entry.file_type())
            else {
                continue;
            };
            let Ok(path) = RelPath::below(folder.as_ref(), &name) else {
                continue;
            };
            if file_type.is_file() && name == MANIFEST {
                found.push(path);
            } else if file_type.is_dir() && depth < DEPTH_MAX && !name.starts_with('.') {
                waiting.push((Some(path), depth + 1));
            }
        }
    }
    // One of those below that uv would build is kept from it: it cannot be told whether it is of
    // the workspace, and uv says so where it is.
    found.retain(|path| {
        let is_own = path.parent() == tree.workspace();
        let is_built = |text: String| sources::is_built_to_be_known(&text);
        kind != Kind::Uv || is_own || !text_of(&tree.root, path).is_ok_and(is_built)
    });
    found.sort();
    found
}
