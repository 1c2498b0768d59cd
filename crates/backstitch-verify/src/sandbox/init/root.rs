//! Builds the root directory the job sees: an empty one in memory, with the system's directories
//! and the job's mounts bound into it, and nothing else of the host.
//!
//! Everything goes by open descriptors. A path that has been opened without following symbolic
//! links cannot be swapped for another one later, and a hostile tree cannot lead a mount astray.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use libc::{MOUNT_ATTR_NOEXEC, MOUNT_ATTR_RDONLY};
use nix::errno::Errno;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::{chdir, fchdir, pivot_root};
use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, openat, statat, symlinkat};
use rustix::mount::{OpenTreeFlags, open_tree};

use super::source::{Pinned, SAFE, Sources, attach, filesystem, pinned};
use super::{During, IntoErrno, Refusal, descriptor_path};
use crate::sandbox::job::Mount;
use crate::sandbox::syscall::restrict_mount;
use crate::sandbox::wire::{INSIDE_ID, Spec, Step};
use crate::sandbox::{HOME_INSIDE, SCRATCH_INSIDE};

const PASSWD: &str = "root:x:0:0:root:/:/bin/false\n\
    job:x:1000:1000:job:/home/job:/bin/sh\n\
    nobody:x:65534:65534:nobody:/:/bin/false\n";
const GROUP: &str = "root:x:0:\njob:x:1000:\nnogroup:x:65534:\n";
const HOSTS: &str = "127.0.0.1 localhost sandbox\n::1 localhost ip6-localhost\n";

/// The memory a file without content takes; the filesystem in memory may hold one per so much.
const SCRATCH_BYTES_PER_FILE: u64 = 4096;

/// Makes the new root and makes it the only one.
pub(super) fn build(spec: &Spec) -> Result<(), Refusal> {
    mount(
        None::<&str>,
        "/",
        None::<&str>,
        MsFlags::MS_REC | MsFlags::MS_PRIVATE,
        None::<&str>,
    )
    .during(Step::Root, "keep mounts to the sandbox")?;
    // All sources are opened before the new root covers one of them.
    let system = Sources::of_system(spec)?;
    let own = pinned(spec)?;
    let root = filesystem(
        "tmpfs",
        &[("mode", "0755"), ("size", "16m"), ("nr_inodes", "16k")],
        0,
    )?;
    attach(&root, rustix::fs::CWD, "/tmp")?;
    let root = Root { descriptor: root };
    root.place_system(system)?;
    root.place_scratch(spec)?;
    root.place_proc()?;
    for (mount, source) in &own {
        root.place_own(mount, source)?;
    }
    root.enter()
}

/// The new root while it is filled.
struct Root {
    descriptor: OwnedFd,
}

/// What a mount point has to be.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    File,
    Directory,
}

impl Root {
    fn place_system(&self, sources: Sources) -> Result<(), Refusal> {
        for (path, source) in &sources.bound {
            self.place(path, source)?;
        }
        for (path, target) in sources.links {
            let name = path.file_name().unwrap_or_default();
            let parent = self.point(path.parent().unwrap_or(Path::new("/")), Kind::Directory)?;
            symlinkat(target, &parent, name)
                .during(Step::Root, format!("link `{}`", path.display()))?;
        }
        for (path, target) in [
            ("fd", "/proc/self/fd"),
            ("stdin", "/proc/self/fd/0"),
            ("stdout", "/proc/self/fd/1"),
            ("stderr", "/proc/self/fd/2"),
            ("ptmx", "pts/ptmx"),
        ] {
            let parent = self.point(Path::new("/dev"), Kind::Directory)?;
            symlinkat(target, &parent, path).during(Step::Root, format!("link `/dev/{path}`"))?;
        }
        self.place_files()
    }

    fn place_files(&self) -> Result<(), Refusal> {
        for (path, content) in [
            ("/etc/passwd", PASSWD),
            ("/etc/group", GROUP),
            ("/etc/hosts", HOSTS),
        ] {
            // The host's own file of names is there when the job uses the host's network.
            let Ok(file) = self.create(Path::new(path)) else {
                continue;
            };
            rustix::io::write(&file, content.as_bytes())
                .during(Step::Root, format!("write `{path}`"))?;
        }
        Ok(())
    }

    fn create(&self, path: &Path) -> Result<OwnedFd, Refusal> {
        let parent = self.point(path.parent().unwrap_or(Path::new("/")), Kind::Directory)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        openat(
            &parent,
            path.file_name().unwrap_or_default(),
            flags,
            Mode::from_raw_mode(0o644),
        )
        .during(Step::Root, format!("create `{}`", path.display()))
    }

    /// Makes one bounded filesystem in memory and shows its parts where programs write.
    fn place_scratch(&self, spec: &Spec) -> Result<(), Refusal> {
        let bytes = spec.limits.scratch_bytes_max.max(SCRATCH_BYTES_PER_FILE);
        let files = (bytes / SCRATCH_BYTES_PER_FILE).max(64);
        let owner = INSIDE_ID.to_string();
        let options = [
            ("mode", "0755"),
            ("uid", &owner),
            ("gid", &owner),
            ("size", &bytes.to_string()),
            ("nr_inodes", &files.to_string()),
        ];
        let scratch = filesystem("tmpfs", &options, 0)?;
        let hidden = self.point(Path::new("/.scratch"), Kind::Directory)?;
        attach(&scratch, &hidden, "")?;
        for (number, path) in SCRATCH_INSIDE.iter().chain([&HOME_INSIDE]).enumerate() {
            let name = number.to_string();
            let mode = if *path == HOME_INSIDE { 0o700 } else { 0o1777 };
            self.place_part(&scratch, &name, path, mode)
                .during(Step::Root, format!("place `{path}`"))?;
        }
        let devpts = filesystem(
            "devpts",
            &[("ptmxmode", "0666"), ("mode", "0620")],
            MOUNT_ATTR_NOEXEC,
        );
        // Only programs that make terminals of their own miss this one.
        if let Ok(devpts) = devpts {
            self.place(Path::new("/dev/pts"), &devpts)?;
        }
        umount2(descriptor_path(&scratch).as_str(), MntFlags::MNT_DETACH)
            .during(Step::Root, "hide the scratch filesystem's top")
    }

    fn place_part(
        &self,
        scratch: &OwnedFd,
        name: &str,
        path: &str,
        mode: u32,
    ) -> Result<(), Errno> {
        let clone = || -> rustix::io::Result<OwnedFd> {
            mkdirat(scratch, name, Mode::from_raw_mode(0o700))?;
            own(scratch.as_fd(), OsStr::new(name))?;
            let opened = openat(
                scratch,
                name,
                OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
                Mode::empty(),
            )?;
            rustix::fs::fchmod(&opened, Mode::from_raw_mode(mode))?;
            open_tree(
                scratch,
                name,
                OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC,
            )
        };
        let part = clone().map_err(IntoErrno::into_errno)?;
        self.place(Path::new(path), &part)
            .map_err(|refusal| refusal.errno)
    }

    fn place_proc(&self) -> Result<(), Refusal> {
        let proc = filesystem("proc", &[], MOUNT_ATTR_NOEXEC)?;
        self.place(Path::new("/proc"), &proc)
    }

    fn place_own(&self, mount: &Mount, source: &Pinned) -> Result<(), Refusal> {
        match source {
            Pinned::Bind(tree) => self.place(&mount.inside, tree),
            Pinned::Overlay { lower, upper, work } => {
                let point = self.point(&mount.inside, Kind::Directory)?;
                lay_over(&point, lower, upper, work)
                    .during(Step::Overlay, format!("lay `{}`", mount.inside.display()))
            }
        }
    }

    /// Attaches a mount at a path inside, which is made if need be.
    fn place(&self, path: &Path, tree: &OwnedFd) -> Result<(), Refusal> {
        let status = statat(tree, "", AtFlags::EMPTY_PATH)
            .during(Step::Root, format!("look at `{}`", path.display()))?;
        let directory = status.st_mode & libc::S_IFMT == libc::S_IFDIR;
        let point = self.point(
            path,
            if directory {
                Kind::Directory
            } else {
                Kind::File
            },
        )?;
        attach(tree, &point, "")
    }

    /// Opens a path inside, making what is missing and following no symbolic link.
    fn point(&self, path: &Path, kind: Kind) -> Result<OwnedFd, Refusal> {
        let what = || format!("make the mount point `{}`", path.display());
        let names = names(path).during(Step::Root, what())?;
        let mut at = self.descriptor.try_clone().during(Step::Root, what())?;
        for (number, name) in names.iter().enumerate() {
            let last = number + 1 == names.len();
            let kind = if last { kind } else { Kind::Directory };
            at = step_into(at.as_fd(), name, kind).during(Step::Root, what())?;
        }
        Ok(at)
    }

    /// Makes this the root, and the host's one unreachable.
    fn enter(self) -> Result<(), Refusal> {
        let enter = || -> nix::Result<()> {
            fchdir(&self.descriptor)?;
            pivot_root(".", ".")?;
            umount2(".", MntFlags::MNT_DETACH)?;
            chdir("/")?;
            restrict_mount(self.descriptor.as_fd(), SAFE | MOUNT_ATTR_RDONLY, false)
        };
        enter().during(Step::Root, "enter the new root")
    }
}

/// The components of an absolute path that goes straight down.
fn names(path: &Path) -> nix::Result<Vec<&OsStr>> {
    let mut components = path.components();
    if components.next() != Some(Component::RootDir) {
        return Err(Errno::EINVAL);
    }
    components
        .map(|component| match component {
            Component::Normal(name) => Ok(name),
            Component::Prefix(_)
            | Component::RootDir
            | Component::CurDir
            | Component::ParentDir => Err(Errno::EINVAL),
        })
        .collect()
}

/// Opens a directory entry, made if it is missing. A new one belongs to whoever owns the
/// directory: the job has to be able to write beside a mount in its own home.
fn step_into(at: BorrowedFd<'_>, name: &OsStr, kind: Kind) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let flags = if kind == Kind::Directory {
        flags | OFlags::DIRECTORY
    } else {
        flags
    };
    match openat(at, name, flags, Mode::empty()) {
        Err(rustix::io::Errno::NOENT) => {}
        opened => return opened,
    }
    match kind {
        Kind::Directory => mkdirat(at, name, Mode::from_raw_mode(0o755))?,
        Kind::File => {
            let made = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
            drop(openat(at, name, made, Mode::from_raw_mode(0o644))?);
        }
    }
    if rustix::fs::fstat(at)?.st_uid == INSIDE_ID {
        own(at, name)?;
    }
    openat(at, name, flags, Mode::empty())
}

fn own(at: BorrowedFd<'_>, name: &OsStr) -> rustix::io::Result<()> {
    let (user, group) = (
        rustix::fs::Uid::from_raw(INSIDE_ID),
        rustix::fs::Gid::from_raw(INSIDE_ID),
    );
    rustix::fs::chownat(at, name, Some(user), Some(group), AtFlags::SYMLINK_NOFOLLOW)
}

/// Mounts an overlay. The layers go by descriptor, so their names need no escaping; `userxattr`
/// is how an overlay keeps its notes where it may not write trusted attributes.
fn lay_over(
    point: &OwnedFd,
    lower: &[OwnedFd],
    upper: &OwnedFd,
    work: &OwnedFd,
) -> nix::Result<()> {
    let lower: Vec<String> = lower.iter().map(descriptor_path).collect();
    let options = format!(
        "userxattr,lowerdir={},upperdir={},workdir={}",
        lower.join(":"),
        descriptor_path(upper),
        descriptor_path(work)
    );
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    let point = descriptor_path(point);
    mount(
        Some("overlay"),
        point.as_str(),
        Some("overlay"),
        flags,
        Some(OsStr::from_bytes(options.as_bytes())),
    )
}
