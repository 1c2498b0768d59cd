//! Carries out a recipe in a tree: manifests are written, releases moved by the tool, and what the
//! lockfile names by then is installed. All of it is the fetch phase: nothing of the project's
//! runs. Whether the recipe was a good idea is for others to find out.

use std::path::{Path, PathBuf};

use backstitch_model::RelPath;
use backstitch_model::candidate::Step;
use backstitch_model::package::PackageVersion;
use serde_json::{Map, Value};

use super::manager::Installer;
use super::refusal::{refusal_of, refused};
use super::tool::Kind;
use super::{berry, classic, origins, pnpm, settings};
use crate::npm::facts::{FIELDS, Facts};
use crate::npm::manager::Place;
use crate::npm::recipe::printed;
use crate::npm::skeleton::{self, FILE_BYTES_MAX, MANIFEST};
use crate::workbench::error::Doing;
use crate::workbench::session::workspace_in;
use crate::workbench::{Applied, Cause, PackageManager, Refusal, Tree, VerifyError, files};

/// The first release of pnpm that has its settings in a file of its own only, and the first that
/// knows that file's settings at all.
const PNPM_OF_WORKSPACE: u32 = 11;
const PNPM_WITH_SETTINGS: u32 = 10;

const WORKSPACE: &str = "pnpm-workspace.yaml";

/// A step that was not done, and why.
type Refused = Option<Refusal>;

impl Installer {
    /// Carries out the steps in the tree, then installs what the lockfile names by then beside
    /// it. `work` takes that, and logs.
    pub(super) fn carry_out(
        &self,
        tree: &Tree,
        steps: &[Step],
        work: &Path,
    ) -> Result<Applied, VerifyError> {
        let refused = |message: String| {
            Ok(Applied::Refused(Refusal {
                step: None,
                cause: Cause::Manifest,
                message,
            }))
        };
        let sandbox = self.session().sandbox();
        if !sandbox.is_confined() {
            return refused(format!(
                "packages of {} are laid over a project only inside the sandbox",
                self.tool.name()
            ));
        }
        sandbox.own(&tree.root)?;
        let place = self.npm.place_anew(work)?;
        let kitchen = Kitchen {
            installer: self,
            tree,
            place,
            work,
        };
        if let Err(why) = kitchen.lay_out() {
            return refused(why);
        }
        sandbox.own(&kitchen.place.own)?;
        for step in steps {
            if let Some(refusal) = kitchen.step(step)? {
                return Ok(Applied::Refused(refusal));
            }
        }
        let refusal = kitchen.install()?;
        Ok(refusal.map_or_else(|| Applied::Done(Vec::new()), Applied::Refused))
    }
}

/// A tree a recipe is carried out in, and the folder beside it in which the tool works.
struct Kitchen<'run> {
    installer: &'run Installer,
    tree: &'run Tree,
    place: Place,
    work: &'run Path,
}

impl Kitchen<'_> {
    /// Copies what the tool needs, with what is left of the project's settings.
    fn lay_out(&self) -> Result<(), String> {
        self.fits()?;
        skeleton::copy_with_folders(self.tree, &self.place.own)?;
        match self.installer.tool.kind {
            Kind::Pnpm => {
                self.put(".npmrc", &settings::npmrc(&self.own_text(".npmrc")?))?;
                let text = self.own_text(WORKSPACE)?;
                if !text.is_empty() {
                    let about = settings::workspace(&text)
                        .map_err(|why| format!("`{WORKSPACE}`: {why}"))?;
                    self.put(WORKSPACE, &about.to_string())?;
                }
            }
            Kind::Classic => {}
            Kind::Berry => {
                let about = settings::yarnrc(&self.own_text(".yarnrc.yml")?)
                    .map_err(|why| format!("`.yarnrc.yml`: {why}"))?;
                self.put(".yarnrc.yml", &about.to_string())?;
            }
        }
        Ok(())
    }

    /// Is the lockfile one of this tool's?
    fn fits(&self) -> Result<(), String> {
        let path = &self.tree.lockfile;
        let text = files::read(&self.tree.root, path, FILE_BYTES_MAX)
            .map_err(|error| format!("read lockfile `{path}`: {error}"))?
            .unwrap_or_default();
        let tool = &self.installer.tool;
        let other = |wrote: &str, package: &str| {
            Err(format!(
                "`{path}` was written by {wrote}, and the `{}` on the `PATH` is {}: `npm install \
                 --global {package}` puts one there that fits",
                tool.name(),
                tool.release
            ))
        };
        match tool.kind {
            Kind::Pnpm => {
                let lock = pnpm::Lock::parse(&text).map_err(|why| format!("`{path}`: {why}"))?;
                match (lock.version().starts_with('6'), tool.major()) {
                    (true, 9..) => other("pnpm 8", "pnpm@8"),
                    (false, ..9) => other("a later pnpm", "pnpm@10"),
                    (_, _) => Ok(()),
                }
            }
            Kind::Classic if !classic::is_classic(&text) => {
                other("yarn 2 or later", "@yarnpkg/cli-dist")
            }
            Kind::Berry if classic::is_classic(&text) => other("yarn 1", "yarn@1"),
            Kind::Classic | Kind::Berry => Ok(()),
        }
    }

    /// A text of the project's beside its lockfile; empty where there is none.
    fn own_text(&self, name: &str) -> Result<String, String> {
        let path = RelPath::below(self.tree.workspace().as_ref(), name)
            .map_err(|error| error.to_string())?;
        let text = files::read(&self.tree.root, &path, FILE_BYTES_MAX)
            .map_err(|error| format!("read `{path}`: {error}"))?;
        Ok(text.unwrap_or_default())
    }

    /// Writes a file beside the copy of the lockfile.
    fn put(&self, name: &str, text: &str) -> Result<(), String> {
        let path = workspace_in(&self.place.own, &self.tree.lockfile).join(name);
        std::fs::write(&path, text).map_err(|error| format!("write `{}`: {error}", path.display()))
    }

    fn step(&self, step: &Step) -> Result<Refused, VerifyError> {
        match step {
            Step::WriteManifest { path, text } => {
                let written = files::overwrite(&self.tree.root, path, text)
                    .and_then(|()| files::overwrite(&self.place.own, path, text));
                Ok(written.err().map(|error| Refusal {
                    step: Some(step.clone()),
                    cause: Cause::Manifest,
                    message: format!("write manifest `{path}`: {error}"),
                }))
            }
            Step::UpdatePackage {
                package,
                to: Some(to),
            } => match self.installer.tool.kind {
                Kind::Pnpm => self.pinned(package, to, step),
                Kind::Classic => self.replaced(package, to, step),
                Kind::Berry => self.set(package, to, step),
            },
            Step::UpdatePackage { to: None, .. } | Step::UpdateEverything => Ok(Some(refused(
                step,
                "nothing is moved without a release to move it to".to_owned(),
            ))),
            Step::Relock => self.rewritten(step),
        }
    }

    /// Lets pnpm choose a release by what asks for it, then takes that back: it keeps what it
    /// chose.
    fn pinned(
        &self,
        package: &PackageVersion,
        to: &str,
        step: &Step,
    ) -> Result<Refused, VerifyError> {
        let laid = self
            .lock_text()
            .and_then(|text| pnpm::Lock::parse(&text))
            .and_then(|lock| self.lay_pins(&lock.pins(package, to)));
        let before = match laid {
            Ok(before) => before,
            Err(why) => return Ok(Some(refused(step, why))),
        };
        let refusal = self.tool(&PNPM_RELOCKS, Some(step))?;
        for (path, text) in &before {
            let done = match text {
                Some(text) => std::fs::write(path, text),
                None => std::fs::remove_file(path),
            };
            done.doing("take back what was asked of pnpm in", path)?;
        }
        if refusal.is_some() {
            return Ok(refusal);
        }
        if let Some(refusal) = self.rewritten(step)? {
            return Ok(Some(refusal));
        }
        let lock = self.lock_text().and_then(|text| pnpm::Lock::parse(&text));
        let kept = lock.and_then(|lock| {
            let is_there = lock.holds(&package.name, to);
            is_there
                .then_some(())
                .ok_or_else(|| format!("pnpm does not keep `{}` at {to}", package.name))
        });
        Ok(kept.err().map(|why| refused(step, why)))
    }

    /// Writes requirements and overrides into the copies; answers what was there before.
    fn lay_pins(&self, pins: &pnpm::Pins) -> Result<Vec<(PathBuf, Option<String>)>, String> {
        let root = workspace_in(&self.place.own, &self.tree.lockfile);
        let mut before = Vec::new();
        let mut folders: Vec<&str> = pins
            .requirements
            .iter()
            .map(|(folder, _, _)| folder.as_str())
            .collect();
        folders.sort_unstable();
        folders.dedup();
        let major = self.installer.tool.major();
        let workspace = std::fs::read_to_string(root.join(WORKSPACE)).ok();
        let mut settings: Map<String, Value> = workspace
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let by_workspace = major >= PNPM_OF_WORKSPACE
            || (major >= PNPM_WITH_SETTINGS && settings.contains_key("overrides"));
        if !by_workspace && !folders.contains(&".") {
            folders.push(".");
        }
        for folder in folders {
            let name = if folder == "." {
                MANIFEST.to_owned()
            } else {
                format!("{folder}/{MANIFEST}")
            };
            let at = RelPath::below(self.tree.workspace().as_ref(), &name)
                .map_err(|error| format!("the lockfile names the folder `{folder}`: {error}"))?;
            let text = files::read(&self.place.own, &at, FILE_BYTES_MAX)
                .map_err(|error| format!("read `{at}`: {error}"))?
                .ok_or_else(|| format!("`{at}` is not there"))?;
            let bare = text.strip_prefix('\u{feff}').unwrap_or(&text);
            let mut about: Value =
                serde_json::from_str(bare).map_err(|error| format!("read `{at}`: {error}"))?;
            pins.manifest(folder, &mut about);
            if folder == "." && !by_workspace {
                add_to_manifest(&mut about, pins);
            }
            files::overwrite(&self.place.own, &at, &about.to_string())
                .map_err(|error| format!("write `{at}`: {error}"))?;
            before.push((self.place.own.join(at.as_str()), Some(text)));
        }
        if by_workspace {
            pins.add_overrides(&mut settings);
            self.put(WORKSPACE, &Value::Object(settings).to_string())?;
            before.push((root.join(WORKSPACE), workspace));
        }
        Ok(before)
    }

    /// Puts a release in another's place in a lockfile of yarn 1, and lets yarn work out the rest.
    fn replaced(
        &self,
        package: &PackageVersion,
        to: &str,
        step: &Step,
    ) -> Result<Refused, VerifyError> {
        let wanted = format!("{}@{to}", package.name);
        let mut arguments = vec!["view", &wanted];
        arguments.extend(FIELDS);
        arguments.push("--json");
        let npm = &self.installer.npm;
        let ended = npm.run_fetching(self.tree, &self.place, &arguments, self.work)?;
        let log = ended.log.clone();
        if let Some(refusal) = refusal_of("npm", ended, Some(step))? {
            return Ok(Some(refusal));
        }
        let printed = printed(&log)?;
        let done = Facts::parse(&printed, to).and_then(|facts| {
            let mut lock = classic::Lock::parse(&self.lock_text()?)?;
            match lock.replace(package, &facts) {
                0 => Err(format!("no entry of `{package}` can be replaced")),
                _ => self.put(self.tree.lockfile.file_name(), &lock.text()),
            }
        });
        match done {
            Ok(()) => self.rewritten(step),
            Err(why) => Ok(Some(refused(step, format!("`{wanted}`: {why}")))),
        }
    }

    /// Lets yarn 2 or later choose a release for everyone who asks for it.
    fn set(&self, package: &PackageVersion, to: &str, step: &Step) -> Result<Refused, VerifyError> {
        let text = match self.lock_text() {
            Ok(text) => text,
            Err(why) => return Ok(Some(refused(step, why))),
        };
        let lock = berry::Lock::parse(&text);
        let askers = match lock.as_ref().map(|lock| lock.askers(package, to)) {
            Ok(Ok(askers)) => askers,
            Ok(Err(why)) => return Ok(Some(refused(step, format!("`{package}`: {why}")))),
            Err(why) => return Ok(Some(refused(step, why.clone()))),
        };
        let to = format!("npm:{to}");
        for asker in askers {
            let refusal = self.tool(&["set", "resolution", asker, &to], Some(step))?;
            if refusal.is_some() {
                return Ok(refusal);
            }
        }
        Ok(self.take_over(&text).err().map(|why| refused(step, why)))
    }

    /// Lets the tool bring the lockfile in line with the manifests.
    fn rewritten(&self, step: &Step) -> Result<Refused, VerifyError> {
        let before = match self.lock_text() {
            Ok(before) => before,
            Err(why) => return Ok(Some(refused(step, why))),
        };
        let arguments: &[&str] = match self.installer.tool.kind {
            Kind::Pnpm => &PNPM_RELOCKS,
            Kind::Classic => &CLASSIC_INSTALLS,
            Kind::Berry => &["install", "--mode=update-lockfile"],
        };
        let refusal = self.tool(arguments, Some(step))?;
        if refusal.is_some() {
            return Ok(refusal);
        }
        Ok(self.take_over(&before).err().map(|why| refused(step, why)))
    }

    /// Installs what the lockfile names, and nothing where the lockfile would change by that.
    fn install(&self) -> Result<Refused, VerifyError> {
        let arguments: &[&str] = match self.installer.tool.kind {
            Kind::Pnpm => &["install", "--frozen-lockfile", "--ignore-scripts"],
            // Its own check objects to lockfiles that it wrote itself where there are `resolutions`.
            Kind::Classic => return self.install_classic(),
            Kind::Berry => &["install", "--immutable"],
        };
        self.tool(arguments, None)
    }

    fn install_classic(&self) -> Result<Refused, VerifyError> {
        let before = self.lock_text();
        let refusal = self.tool(&CLASSIC_INSTALLS, None)?;
        if refusal.is_some() {
            return Ok(refusal);
        }
        let kept = before.and_then(|before| {
            let after = self.lock_text()?;
            let (before, after) = (
                classic::Lock::parse(&before)?,
                classic::Lock::parse(&after)?,
            );
            (before.locked() == after.locked())
                .then_some(())
                .ok_or_else(|| "yarn would change the lockfile before it installs it".to_owned())
        });
        Ok(kept.err().map(|message| Refusal {
            step: None,
            cause: Cause::Manager,
            message,
        }))
    }

    /// Puts the tool's lockfile into the tree, where it is of the same version.
    fn take_over(&self, before: &str) -> Result<(), String> {
        let path = &self.tree.lockfile;
        let text = self.lock_text()?;
        let versions = |text: &str| -> Result<Option<String>, String> {
            match self.installer.tool.kind {
                Kind::Pnpm => Ok(Some(pnpm::Lock::parse(text)?.version().to_owned())),
                Kind::Classic => Ok(None),
                Kind::Berry => Ok(berry::Lock::parse(text)?.version().map(str::to_owned)),
            }
        };
        let (old, new) = (versions(before)?, versions(&text)?);
        if old.is_some() && old != new {
            let text = |version: Option<String>| version.unwrap_or_default();
            return Err(format!(
                "{} {} would write all of `{path}` anew, in version {} instead of {}: `{} \
                 install` does that",
                self.installer.tool.name(),
                self.installer.tool.release,
                text(new),
                text(old),
                self.installer.tool.name(),
            ));
        }
        files::overwrite(&self.tree.root, path, &text)
            .map_err(|error| format!("write lockfile `{path}`: {error}"))
    }

    fn lock_text(&self) -> Result<String, String> {
        let path = &self.tree.lockfile;
        files::read(&self.place.own, path, FILE_BYTES_MAX)
            .map_err(|error| format!("read lockfile `{path}`: {error}"))?
            .ok_or_else(|| format!("lockfile `{path}` is not there"))
    }

    /// Why the tool must not start: what it would read names more than releases, archives and
    /// folders. A lockfile that it wrote is looked at before the next start.
    fn other_source(&self) -> Option<String> {
        let told = |path: &str, source: &str| {
            format!(
                "`{path}` names `{}`: its packages cannot be fetched, since only releases, archives \
                 and folders can be without running or obeying what nobody checked",
                source.escape_debug()
            )
        };
        let own = &self.place.own;
        let lock = self.tree.lockfile.as_str();
        match self.lock_text().and_then(|text| self.source_in_lock(&text)) {
            Ok(None) => {}
            Ok(Some(source)) => return Some(told(lock, &source)),
            Err(why) => return Some(format!("read lockfile `{lock}`: {why}")),
        }
        let workspace = workspace_in(own, &self.tree.lockfile).join(WORKSPACE);
        if let Ok(text) = std::fs::read_to_string(workspace) {
            let about: Value = serde_json::from_str(&text).unwrap_or_default();
            let settings = ["overrides", "catalog", "catalogs"];
            let found = settings
                .iter()
                .find_map(|name| origins::in_overrides(&about[*name]));
            if let Some(source) = found {
                return Some(told(WORKSPACE, &source));
            }
        }
        let folders = skeleton::folders(own, self.tree.workspace().as_ref());
        folders.iter().find_map(|folder| {
            let path = RelPath::below(folder.as_ref(), MANIFEST).ok()?;
            let text = files::read(own, &path, FILE_BYTES_MAX);
            match text.map(|text| origins::in_manifest(&text.unwrap_or_default())) {
                Ok(Ok(source)) => source.map(|source| told(path.as_str(), &source)),
                Ok(Err(why)) => Some(format!("read manifest `{path}`: {why}")),
                Err(error) => Some(format!("read manifest `{path}`: {error}")),
            }
        })
    }

    fn source_in_lock(&self, text: &str) -> Result<Option<String>, String> {
        match self.installer.tool.kind {
            Kind::Pnpm => Ok(origins::in_pnpm_lock(&pnpm::Lock::parse(text)?.document)),
            Kind::Classic => {
                let lock = classic::Lock::parse(text)?;
                let mut entries = lock.entries().iter();
                Ok(entries.find_map(|entry| {
                    origins::in_classic_entry(&entry.keys, entry.resolved.as_deref())
                }))
            }
            Kind::Berry => {
                let lock = berry::Lock::parse(text)?;
                let found = lock.resolutions().find_map(origins::in_berry_resolution);
                Ok(found)
            }
        }
    }

    /// Runs the tool in the fetch phase, where nothing that it would read names more than it may.
    fn tool(&self, arguments: &[&str], step: Option<&Step>) -> Result<Refused, VerifyError> {
        if let Some(message) = self.other_source() {
            return Ok(Some(Refusal {
                step: step.cloned(),
                cause: Cause::Manifest,
                message,
            }));
        }
        let mut all = arguments.to_vec();
        if self.installer.tool.kind == Kind::Classic && self.installer.session().offline() {
            all.push("--offline");
        }
        let ended = self
            .installer
            .run_fetching(self.tree, &self.place, &all, self.work)?;
        refusal_of(self.installer.tool.name(), ended, step)
    }
}

/// Pnpm works out the lockfile.
const PNPM_RELOCKS: [&str; 4] = [
    "install",
    "--lockfile-only",
    "--no-frozen-lockfile",
    "--ignore-scripts",
];

/// Yarn 1 installs, and works out what the lockfile lacks.
const CLASSIC_INSTALLS: [&str; 6] = [
    "install",
    "--ignore-scripts",
    "--ignore-engines",
    "--non-interactive",
    "--no-progress",
    "--no-default-rc",
];

/// Overrides where releases of pnpm before 11 look for them.
fn add_to_manifest(manifest: &mut Value, pins: &pnpm::Pins) {
    let Some(manifest) = manifest.as_object_mut() else {
        return;
    };
    let settings = manifest
        .entry("pnpm")
        .or_insert_with(|| Value::Object(Map::new()));
    if let Some(settings) = settings.as_object_mut() {
        pins.add_overrides(settings);
    }
}
