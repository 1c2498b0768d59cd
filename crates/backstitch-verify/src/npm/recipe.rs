//! Carries out a recipe in a tree: manifests are written, the lockfile's entries replaced, npm
//! asked where packages come or go, and what the lockfile names by then is installed. All of
//! it is the fetch phase: nothing of the project's runs. Whether the recipe was a good idea is
//! for others to find out.

use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use backstitch_model::RelPath;
use backstitch_model::candidate::Step;
use backstitch_model::package::PackageVersion;

use super::facts::{FIELDS, Facts};
use super::lock::Lock;
use super::manager::{Npm, Place};
use super::skeleton::{self, FILE_BYTES_MAX, MANIFEST};
use super::sources;
use crate::sandbox::Exit;
use crate::workbench::error::Doing;
use crate::workbench::session::Ended;
use crate::workbench::{Applied, Cause, PackageManager, Refusal, Tree, VerifyError, files, lines};

/// The most of npm's words kept of a refusal, in characters.
const MESSAGE_CHARS_MAX: usize = 4000;

/// The most that npm may tell of one release, in bytes.
const FACTS_BYTES_MAX: u64 = 16 << 20;

/// What every call of npm ends with: nothing is run, and nobody is asked what does not matter.
const QUIETLY: [&str; 4] = [
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-progress",
];

/// A step that was not done, and why.
type Refused = Option<Refusal>;

impl Npm {
    /// Carries out the steps in the tree, then installs what the lockfile names by then beside
    /// it. `work` takes that, and logs.
    pub(super) fn carry_out(
        &self,
        tree: &Tree,
        steps: &[Step],
        work: &Path,
    ) -> Result<Applied, VerifyError> {
        let refused = |message: &str| {
            Ok(Applied::Refused(Refusal {
                step: None,
                cause: Cause::Manifest,
                message: message.to_owned(),
            }))
        };
        if !self.session().sandbox().is_confined() {
            return refused("packages of npm are laid over a project only inside the sandbox");
        }
        self.session().sandbox().own(&tree.root)?;
        let place = self.place(tree, work, !steps.is_empty())?;
        if let Err(why) = skeleton::copy(tree, &place.own) {
            return refused(&why);
        }
        self.session().sandbox().own(&place.own)?;
        self.session().sandbox().own(&place.scratch)?;
        let kitchen = Kitchen {
            npm: self,
            tree,
            place,
            work,
        };
        for step in steps {
            if let Some(refusal) = kitchen.step(step)? {
                return Ok(Applied::Refused(refusal));
            }
        }
        let refusal = kitchen.install()?;
        if refusal.is_none() && steps.is_empty() {
            self.remember(tree, &kitchen.place);
        }
        Ok(refusal.map_or_else(|| Applied::Done(Vec::new()), Applied::Refused))
    }
}

/// A tree a recipe is carried out in, and the folder beside it in which npm works.
struct Kitchen<'run> {
    npm: &'run Npm,
    tree: &'run Tree,
    place: Place,
    work: &'run Path,
}

impl Kitchen<'_> {
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
            } => self.replace(package, to, step),
            Step::UpdatePackage { package, to: None } => {
                self.rewritten(&["update", &package.name], step)
            }
            Step::Relock => self.rewritten(&["install"], step),
            Step::UpdateEverything => self.rewritten(&["update"], step),
        }
    }

    /// Installs what the lockfile names. Over what is there already only the difference is
    /// installed, by the command that would mend a lockfile which does not fit; one that it
    /// mends is refused, as the other command does.
    fn install(&self) -> Result<Refused, VerifyError> {
        let before = self.lock();
        let is_old = before.as_ref().is_ok_and(|lock| lock.version() == Some(1));
        if self.place.below.is_none() || is_old {
            return Ok(self.npm(&["ci"], None)?.0);
        }
        let (refusal, _) = self.npm(&["install"], None)?;
        if refusal.is_some() {
            return Ok(refusal);
        }
        let kept = before.and_then(|before| {
            before
                .locks_the_same(&self.lock()?)
                .then_some(())
                .ok_or_else(|| "npm would change the lockfile before it installs it".to_owned())
        });
        Ok(kept.err().map(|message| Refusal {
            step: None,
            cause: Cause::Manager,
            message,
        }))
    }

    /// Puts a release in another's place in the lockfile.
    fn replace(
        &self,
        package: &PackageVersion,
        to: &str,
        step: &Step,
    ) -> Result<Refused, VerifyError> {
        let wanted = format!("{}@{to}", package.name);
        let mut arguments = vec!["view", &wanted];
        arguments.extend(FIELDS);
        arguments.push("--json");
        let (refusal, log) = self.npm(&arguments, Some(step))?;
        if refusal.is_some() {
            return Ok(refusal);
        }
        let printed = printed(&log)?;
        let done = Facts::parse(&printed, to).and_then(|facts| {
            let mut lock = self.lock()?;
            match lock.replace(package, &facts) {
                0 => Err(format!("no entry of `{package}` can be replaced")),
                _ => self.write_lock(&lock),
            }
        });
        Ok(done
            .err()
            .map(|why| refused(step, format!("`{wanted}`: {why}"))))
    }

    /// Lets npm work out the lockfile, and takes over what differs.
    fn rewritten(&self, arguments: &[&str], step: &Step) -> Result<Refused, VerifyError> {
        let before = match self.lock() {
            Ok(before) => before,
            Err(why) => return Ok(Some(refused(step, why))),
        };
        let days = self.npm.session().policy().release_age_min_days;
        let before_date = format!("--before={}", date_before(SystemTime::now(), days));
        let mut arguments = arguments.to_vec();
        arguments.extend(["--package-lock-only", &before_date]);
        let version = before
            .version()
            .map(|version| format!("--lockfile-version={version}"));
        arguments.extend(version.as_deref());
        let (refusal, _) = self.npm(&arguments, Some(step))?;
        if refusal.is_some() {
            return Ok(refusal);
        }
        let done = self
            .lock()
            .and_then(|npm| self.write_lock(&before.taking_over(&npm)));
        Ok(done.err().map(|why| refused(step, why)))
    }

    fn lock(&self) -> Result<Lock, String> {
        let path = &self.tree.lockfile;
        let text = files::read(&self.place.own, path, FILE_BYTES_MAX)
            .map_err(|error| format!("read lockfile `{path}`: {error}"))?;
        let text = text.ok_or_else(|| format!("lockfile `{path}` is not there"))?;
        Lock::parse(&text).map_err(|why| format!("lockfile `{path}`: {why}"))
    }

    fn write_lock(&self, lock: &Lock) -> Result<(), String> {
        let path = &self.tree.lockfile;
        let text = lock.text();
        files::overwrite(&self.tree.root, path, &text)
            .and_then(|()| files::overwrite(&self.place.own, path, &text))
            .map_err(|error| format!("write lockfile `{path}`: {error}"))
    }

    /// Why npm must not start: what it would read names a git source. A lockfile that npm wrote
    /// is looked at before the next start.
    fn git_source(&self) -> Option<String> {
        let found = |path: &RelPath, source: Option<String>| {
            source.map(|source| {
                format!(
                    "`{path}` names the git source `{source}`: its packages cannot be fetched, \
                     since npm would obey settings inside the clone while the network is open"
                )
            })
        };
        let own = &self.place.own;
        let lock = &self.tree.lockfile;
        if let Ok(Some(text)) = files::read(own, lock, FILE_BYTES_MAX) {
            match sources::in_lockfile(&text) {
                Ok(None) => {}
                Ok(source) => return found(lock, source),
                Err(why) => return Some(format!("read lockfile `{lock}`: {why}")),
            }
        }
        let folders = skeleton::folders(own, self.tree.workspace().as_ref());
        folders.iter().find_map(|folder| {
            let path = RelPath::below(folder.as_ref(), MANIFEST).ok()?;
            let text = files::read(own, &path, FILE_BYTES_MAX);
            match text.map(|text| sources::in_manifest(&text.unwrap_or_default())) {
                Ok(Ok(source)) => found(&path, source),
                Ok(Err(why)) => Some(format!("read manifest `{path}`: {why}")),
                Err(error) => Some(format!("read manifest `{path}`: {error}")),
            }
        })
    }

    /// Runs npm in the fetch phase, where nothing that it would read names a git source.
    /// Answers the refusal, and the log.
    fn npm(
        &self,
        arguments: &[&str],
        step: Option<&Step>,
    ) -> Result<(Refused, PathBuf), VerifyError> {
        if let Some(message) = self.git_source() {
            let refusal = Refusal {
                step: step.cloned(),
                cause: Cause::Manifest,
                message,
            };
            return Ok((Some(refusal), PathBuf::new()));
        }
        let mut all = arguments.to_vec();
        all.extend(QUIETLY);
        let Ended { ran, log } = self
            .npm
            .run_fetching(self.tree, &self.place, &all, self.work)?;
        let refusal = |cause, message| Refusal {
            step: step.cloned(),
            cause,
            message,
        };
        let refused = match ran.exit {
            Exit::Code(0) => None,
            Exit::TimedOut => Some(refusal(Cause::Limit, "npm took longer than it may".into())),
            Exit::OverLimit(resource) => Some(refusal(
                Cause::Limit,
                format!("npm used more than it may: {resource:?}"),
            )),
            Exit::Code(_) | Exit::Signal(_) | Exit::Cancelled => {
                let said = said(&log)?;
                let cause = if speaks_of_network(&said) {
                    Cause::Network
                } else {
                    Cause::Manager
                };
                Some(refusal(cause, said))
            }
        };
        Ok((refused, log))
    }
}

fn refused(step: &Step, message: String) -> Refusal {
    Refusal {
        step: Some(step.clone()),
        cause: Cause::Manager,
        message,
    }
}

pub(super) fn printed(log: &Path) -> Result<String, VerifyError> {
    let mut bytes = Vec::new();
    File::open(log)
        .and_then(|file| file.take(FACTS_BYTES_MAX).read_to_end(&mut bytes))
        .doing("read log", log)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What npm says went wrong: its error lines, without where it keeps a log of its own.
fn said(log: &Path) -> Result<String, VerifyError> {
    let file = fs::File::open(log).doing("read log", log)?;
    let (mut errors, mut last) = (String::new(), String::new());
    lines::for_each(BufReader::new(file), |line| {
        let error = line
            .strip_prefix("npm error")
            .or_else(|| line.strip_prefix("npm ERR!"));
        match error.map(str::trim) {
            Some(text) => {
                let is_told = !text.is_empty() && !text.contains("complete log of this run");
                if is_told && errors.len() < MESSAGE_CHARS_MAX.saturating_mul(4) {
                    errors.push_str(text);
                    errors.push('\n');
                }
            }
            None if line.trim().is_empty() => {}
            None => line.clone_into(&mut last),
        }
    })
    .doing("read log", log)?;
    let text = if errors.is_empty() { last } else { errors };
    Ok(text.trim().chars().take(MESSAGE_CHARS_MAX).collect())
}

/// Knows npm's codes for a server that cannot be reached, and for a package that is not on
/// this machine where the network may not be used.
pub(super) fn speaks_of_network(said: &str) -> bool {
    const CODES: [&str; 15] = [
        "ENOTFOUND",
        "EAI_AGAIN",
        "ECONNREFUSED",
        "ECONNRESET",
        "ETIMEDOUT",
        "ENETUNREACH",
        "EHOSTUNREACH",
        "ERR_SOCKET_TIMEOUT",
        "ENOTCACHED",
        // pnpm's, yarn 1's, and those of yarn 2 and later.
        "ERR_PNPM_NO_OFFLINE",
        "ERR_PNPM_META_FETCH_FAIL",
        "without the --offline flag",
        "network connection",
        "YN0080",
        "RequestError",
    ];
    CODES.iter().any(|code| said.contains(code))
}

/// The day so many days before `now`, as `2024-02-29`, with its beginning.
fn date_before(now: SystemTime, days: u32) -> String {
    const DAY_S: u64 = 24 * 60 * 60;
    let since = now
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let then_s = since.saturating_sub(u64::from(days) * DAY_S);
    let (year, month, day) = civil(then_s / DAY_S);
    let second = then_s % DAY_S;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The date of a day, counted from 1970: years that begin in March, in eras of 400.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_date_is_that_of_the_calendar() {
        let at = |s| UNIX_EPOCH + Duration::from_secs(s);
        assert_eq!(date_before(at(0), 0), "1970-01-01T00:00:00Z");
        assert_eq!(date_before(at(1_709_251_199), 0), "2024-02-29T23:59:59Z");
        assert_eq!(date_before(at(1_709_251_200), 3), "2024-02-27T00:00:00Z");
        assert_eq!(date_before(at(0), 9), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn npms_own_words_are_kept_and_its_log_is_not() {
        let log = tempfile::NamedTempFile::new().unwrap();
        fs::write(
            log.path(),
            "npm warn old\nnpm error code EUSAGE\nnpm error\nnpm error Missing: x@1 from lock file\n\
             npm error A complete log of this run can be found in: /x\n",
        )
        .unwrap();
        assert_eq!(
            said(log.path()).unwrap(),
            "code EUSAGE\nMissing: x@1 from lock file"
        );
        assert!(speaks_of_network("code ENOTFOUND") && !speaks_of_network("code ERESOLVE"));
    }
}
