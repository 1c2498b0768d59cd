//! Copying a folder's files through a handle that cannot leave it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use backstitch_model::RelPath;
use cap_std::fs::{Dir, Metadata, OpenOptions, OpenOptionsExt, PermissionsExt};

use super::{Budget, Content, Difference, Notes, open_dir};

mod texts;

pub use texts::each_text;

/// Folders that a build can make again, left out of a copy.
fn is_made_by_a_build(folder: &Dir, name: &Path) -> bool {
    name == Path::new(".git")
        || folder.exists(name.join("CACHEDIR.TAG"))
        || (name == Path::new("target") && folder.exists(name.join(".rustc_info.json")))
}

/// Copies `from` without its repository and build output.
pub fn copy(from: &Path, into: &Dir) -> Result<Notes> {
    walk(
        &open_dir(from)?,
        &mut Copying {
            into,
            skip: is_made_by_a_build,
        },
    )
}

/// Copies `from` whole.
pub fn copy_everything(from: &Path, into: &Dir) -> Result<Notes> {
    walk(&open_dir(from)?, &mut Copying::new(into))
}

/// Digests names, permissions and contents of what [`copy`] would copy.
pub fn digest(path: &Path) -> Result<String> {
    let mut hashing = Hashing {
        hasher: blake3::Hasher::new(),
    };
    walk(&open_dir(path)?, &mut hashing)?;
    Ok(hashing.hasher.finalize().to_hex().to_string())
}

/// What is done with each entry of a walk.
trait Visit {
    fn skip(&self, folder: &Dir, name: &Path) -> bool;
    fn folder(&mut self, path: &Path) -> io::Result<()>;
    fn link(&mut self, path: &Path, target: &Path) -> io::Result<()>;
    fn file(
        &mut self,
        path: &Path,
        from: &mut cap_std::fs::File,
        about: &Metadata,
    ) -> io::Result<()>;
}

/// Walks `root` without following links, in the order of names.
fn walk(root: &Dir, visit: &mut impl Visit) -> Result<Notes> {
    let mut notes = Notes::new();
    let mut budget = Budget::default();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let dir = if folder.as_os_str().is_empty() {
            root.try_clone()
        } else {
            root.open_dir(&folder)
        }
        .with_context(|| format!("read folder `{}`", folder.display()))?;
        let mut names = dir
            .entries()
            .and_then(|entries| {
                entries
                    .map(|entry| Ok(entry?.file_name()))
                    .collect::<io::Result<Vec<_>>>()
            })
            .with_context(|| format!("read folder `{}`", folder.display()))?;
        names.sort();
        for name in names.iter().map(Path::new) {
            let path = folder.join(name);
            let about = dir
                .symlink_metadata(name)
                .with_context(|| format!("read `{}`", path.display()))?;
            budget.take(about.len())?;
            if about.is_dir() && visit.skip(&dir, name) {
                continue;
            }
            entry(&dir, name, &path, &about, visit, &mut notes)
                .with_context(|| format!("copy `{}`", path.display()))?;
            if about.is_dir() {
                folders.push(path);
            }
        }
    }
    Ok(notes)
}

fn entry(
    dir: &Dir,
    name: &Path,
    path: &Path,
    about: &Metadata,
    visit: &mut impl Visit,
    notes: &mut Notes,
) -> io::Result<()> {
    if about.is_dir() {
        visit.folder(path)
    } else if about.is_symlink() {
        visit.link(path, &dir.read_link_contents(name)?)
    } else if about.is_file() {
        // A name that turns into a link or a pipe after the look above must not be
        // followed or waited for.
        let mut options = OpenOptions::new();
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.read(true).custom_flags(flags.bits().cast_signed());
        visit.file(path, &mut dir.open_with(name, &options)?, about)
    } else {
        notes.push(format!(
            "`{}` is neither a file, a folder nor a link: left out",
            path.display()
        ));
        Ok(())
    }
}

struct Copying<'into> {
    into: &'into Dir,
    skip: fn(&Dir, &Path) -> bool,
}

impl<'into> Copying<'into> {
    fn new(into: &'into Dir) -> Self {
        Self {
            into,
            skip: |_, _| false,
        }
    }
}

impl Visit for Copying<'_> {
    fn skip(&self, folder: &Dir, name: &Path) -> bool {
        (self.skip)(folder, name)
    }

    fn folder(&mut self, path: &Path) -> io::Result<()> {
        self.into.create_dir(path)
    }

    fn link(&mut self, path: &Path, target: &Path) -> io::Result<()> {
        self.into.symlink_contents(target, path)
    }

    fn file(
        &mut self,
        path: &Path,
        from: &mut cap_std::fs::File,
        about: &Metadata,
    ) -> io::Result<()> {
        let mode = about.permissions().mode();
        let modified = about
            .modified()
            .map_or_else(|_| SystemTime::now(), cap_std::time::SystemTime::into_std);
        write(self.into, path, from, mode, modified)
    }
}

/// Writes a new file, never over another one, with a mode that the sandbox's user can work with.
pub fn write(
    into: &Dir,
    path: &Path,
    from: &mut impl io::Read,
    mode: u32,
    modified: SystemTime,
) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create_new(true)
        .mode(if mode & 0o111 == 0 { 0o644 } else { 0o755 });
    let mut file = into.open_with(path, &options)?.into_std();
    io::copy(from, &mut file)?;
    file.set_modified(modified)
}

/// The plain files below `path`, its repository left out.
pub fn files(path: &Path) -> Result<Vec<RelPath>> {
    let files = stamps(path)?
        .into_iter()
        .filter(|(path, stamp)| stamp.0 == "file" && !path.starts_with(".git"));
    files
        .map(|(path, _)| Ok(RelPath::new(path.to_string_lossy())?))
        .collect()
}

/// What tells that an entry changed: its kind, size and time.
pub type Stamps = BTreeMap<PathBuf, (&'static str, u64, Option<SystemTime>)>;

/// Stamps every link and file below `path`.
pub fn stamps(path: &Path) -> Result<Stamps> {
    let mut stamping = Stamping::default();
    walk(&open_dir(path)?, &mut stamping)?;
    Ok(stamping.0)
}

/// The files and links that differ between two folders, by what they hold.
pub fn differences(before: &Path, after: &Path) -> Result<Vec<Difference>> {
    let (stamps_before, stamps_after) = (stamps(before)?, stamps(after)?);
    let (before, after) = (open_dir(before)?, open_dir(after)?);
    let mut budget = Budget::default();
    let mut differing = Vec::new();
    let all: BTreeSet<&PathBuf> = stamps_before.keys().chain(stamps_after.keys()).collect();
    for path in all {
        let stamps = (stamps_before.get(path), stamps_after.get(path));
        if stamps.0 == stamps.1 && stamps.0.is_some_and(|stamp| stamp.2.is_some()) {
            continue;
        }
        let difference = Difference {
            before: content(&before, path, stamps.0.is_some(), &mut budget)?,
            after: content(&after, path, stamps.1.is_some(), &mut budget)?,
            path: RelPath::new(path.to_string_lossy())
                .with_context(|| format!("compare `{}`", path.display()))?,
        };
        if difference.before != difference.after {
            differing.push(difference);
        }
    }
    Ok(differing)
}

/// What is at a path that a walk has seen.
fn content(dir: &Dir, path: &Path, is_there: bool, budget: &mut Budget) -> Result<Option<Content>> {
    if !is_there {
        return Ok(None);
    }
    let read = || {
        let about = dir.symlink_metadata(path)?;
        if about.is_symlink() {
            return Ok((0, Content::Link(dir.read_link_contents(path)?)));
        }
        let bytes = dir.read(path)?;
        let executable = about.permissions().mode() & 0o111 != 0;
        Ok((about.len(), Content::File { bytes, executable }))
    };
    let (bytes, content) = read()
        .map_err(|error: io::Error| error)
        .with_context(|| format!("read `{}`", path.display()))?;
    budget.take(bytes)?;
    Ok(Some(content))
}

/// Makes what is at `path` what it was.
pub fn restore(onto: &Dir, path: &RelPath, before: Option<&Content>) -> io::Result<()> {
    let path = Path::new(path.as_str());
    if onto.symlink_metadata(path).is_ok() {
        onto.remove_file(path)?;
    }
    if let Some(parent) = path.parent() {
        onto.create_dir_all(parent)?;
    }
    match before {
        None => Ok(()),
        Some(Content::Link(target)) => onto.symlink_contents(target, path),
        Some(Content::File { bytes, executable }) => {
            let mode = if *executable { 0o755 } else { 0o644 };
            write(onto, path, &mut bytes.as_slice(), mode, SystemTime::now())
        }
    }
}

/// Makes `ours` hold what `theirs` does; what is the same is not touched.
pub fn transplant(theirs: &Dir, ours: &Dir) -> Result<()> {
    let mut seen = Transplanting {
        ours,
        theirs: BTreeSet::new(),
    };
    walk(theirs, &mut seen)?;
    let mut there = Stamping::default();
    walk(ours, &mut there)?;
    for path in there.0.keys().filter(|path| !seen.theirs.contains(*path)) {
        ours.remove_file(path)
            .with_context(|| format!("remove `{}`", path.display()))?;
    }
    Ok(())
}

struct Transplanting<'ours> {
    ours: &'ours Dir,
    theirs: BTreeSet<PathBuf>,
}

impl Transplanting<'_> {
    fn make_way(&self, path: &Path) -> io::Result<()> {
        match self.ours.symlink_metadata(path) {
            Ok(about) if about.is_dir() => self.ours.remove_dir_all(path),
            Ok(_) => self.ours.remove_file(path),
            Err(_) => Ok(()),
        }
    }
}

impl Visit for Transplanting<'_> {
    fn skip(&self, _folder: &Dir, _name: &Path) -> bool {
        false
    }

    fn folder(&mut self, path: &Path) -> io::Result<()> {
        match self.ours.symlink_metadata(path) {
            Ok(about) if about.is_dir() => return Ok(()),
            Ok(_) => self.ours.remove_file(path)?,
            Err(_) => {}
        }
        self.ours.create_dir(path)
    }

    fn link(&mut self, path: &Path, target: &Path) -> io::Result<()> {
        self.theirs.insert(path.to_owned());
        if self
            .ours
            .read_link_contents(path)
            .is_ok_and(|now| now == target)
        {
            return Ok(());
        }
        self.make_way(path)?;
        self.ours.symlink_contents(target, path)
    }

    fn file(
        &mut self,
        path: &Path,
        from: &mut cap_std::fs::File,
        about: &Metadata,
    ) -> io::Result<()> {
        self.theirs.insert(path.to_owned());
        let mut bytes = Vec::new();
        io::Read::read_to_end(from, &mut bytes)?;
        let is_executable = |about: &Metadata| about.permissions().mode() & 0o111 != 0;
        let same = self.ours.symlink_metadata(path).is_ok_and(|now| {
            now.is_file()
                && now.len() == about.len()
                && is_executable(&now) == is_executable(about)
                && self.ours.read(path).is_ok_and(|now| now == bytes)
        });
        if same {
            return Ok(());
        }
        self.make_way(path)?;
        let mode = about.permissions().mode();
        write(
            self.ours,
            path,
            &mut bytes.as_slice(),
            mode,
            SystemTime::now(),
        )
    }
}

#[derive(Default)]
struct Stamping(Stamps);

impl Visit for Stamping {
    fn skip(&self, _folder: &Dir, _name: &Path) -> bool {
        false
    }

    fn folder(&mut self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn link(&mut self, path: &Path, target: &Path) -> io::Result<()> {
        self.0.insert(
            path.to_owned(),
            ("link", target.as_os_str().len() as u64, None),
        );
        Ok(())
    }

    fn file(
        &mut self,
        path: &Path,
        _from: &mut cap_std::fs::File,
        about: &Metadata,
    ) -> io::Result<()> {
        let modified = about
            .modified()
            .ok()
            .map(cap_std::time::SystemTime::into_std);
        self.0
            .insert(path.to_owned(), ("file", about.len(), modified));
        Ok(())
    }
}

struct Hashing {
    hasher: blake3::Hasher,
}

impl Hashing {
    fn field(&mut self, bytes: &[u8]) {
        self.hasher.update(&(bytes.len() as u64).to_le_bytes());
        self.hasher.update(bytes);
    }
}

impl Visit for Hashing {
    fn skip(&self, folder: &Dir, name: &Path) -> bool {
        is_made_by_a_build(folder, name)
    }

    fn folder(&mut self, path: &Path) -> io::Result<()> {
        self.field(b"folder");
        self.field(path.as_os_str().as_encoded_bytes());
        Ok(())
    }

    fn link(&mut self, path: &Path, target: &Path) -> io::Result<()> {
        self.field(b"link");
        self.field(path.as_os_str().as_encoded_bytes());
        self.field(target.as_os_str().as_encoded_bytes());
        Ok(())
    }

    fn file(
        &mut self,
        path: &Path,
        from: &mut cap_std::fs::File,
        about: &Metadata,
    ) -> io::Result<()> {
        self.field(if about.permissions().mode() & 0o111 == 0 {
            b"file"
        } else {
            b"program"
        });
        self.field(path.as_os_str().as_encoded_bytes());
        let mut content = blake3::Hasher::new();
        content.update_reader(from)?;
        self.hasher.update(content.finalize().as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_copied_as_a_link_and_never_followed() {
        let secret = tempfile::tempdir().unwrap();
        std::fs::write(secret.path().join("key"), "secret").unwrap();
        let from = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(secret.path(), from.path().join("out")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", from.path().join("Cargo.lock")).unwrap();
        std::fs::write(from.path().join("a.rs"), "fn a() {}").unwrap();
        let to = tempfile::tempdir().unwrap();
        let into = open_dir(to.path()).unwrap();
        assert_eq!(copy(from.path(), &into).unwrap(), Notes::new());
        assert_eq!(
            std::fs::read_link(to.path().join("out")).unwrap(),
            secret.path()
        );
        assert!(into.read("out/key").is_err());
        assert!(into.read("Cargo.lock").is_err());
        assert_eq!(into.read("a.rs").unwrap(), b"fn a() {}");
    }

    #[test]
    fn build_output_and_the_repository_are_left_out_and_a_folder_called_target_is_not() {
        let from = tempfile::tempdir().unwrap();
        for folder in [".git", "target", "src/target"] {
            std::fs::create_dir_all(from.path().join(folder)).unwrap();
            std::fs::write(from.path().join(folder).join("x"), "x").unwrap();
        }
        std::fs::write(from.path().join("target/CACHEDIR.TAG"), "").unwrap();
        let to = tempfile::tempdir().unwrap();
        copy(from.path(), &open_dir(to.path()).unwrap()).unwrap();
        assert!(!to.path().join(".git").exists() && !to.path().join("target").exists());
        assert!(to.path().join("src/target/x").exists());
    }

    #[test]
    fn the_digest_tells_any_change_of_a_file_and_no_change_of_its_time() {
        let from = tempfile::tempdir().unwrap();
        let file = from.path().join("a");
        std::fs::write(&file, "1").unwrap();
        let first = digest(from.path()).unwrap();
        std::fs::write(&file, "1").unwrap();
        assert_eq!(digest(from.path()).unwrap(), first);
        std::fs::write(&file, "2").unwrap();
        assert_ne!(digest(from.path()).unwrap(), first);
    }
}
