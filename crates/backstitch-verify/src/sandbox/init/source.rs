//! Opens everything a sandbox's root is made of, before the new root covers any of it.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use libc::{MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID, MOUNT_ATTR_RDONLY};
use nix::errno::Errno;
use rustix::fs::{Mode, OFlags, openat};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create,
    fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
};

use super::{During, Refusal};
use crate::sandbox::job::{Access, Mount, Network};
use crate::sandbox::syscall::restrict_mount;
use crate::sandbox::wire::{Spec, Step};

/// The system's programs and libraries, shown where they are. `/nix/store` is where NixOS and
/// its like keep them.
const SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
];

/// What programs need of `/etc`: how to find libraries, certificates, time and names.
const SETTINGS: &[&str] = &[
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/ca-certificates",
    "/etc/pki/tls",
    "/etc/pki/ca-trust",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/mime.types",
];

/// What a program also needs to find hosts on the network.
const NETWORK_SETTINGS: &[&str] = &[
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/gai.conf",
];

const DEVICES: &[&str] = &[
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
];

/// What every mount is: no program there gets its owner's power, no file is a device.
pub(super) const SAFE: u64 = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

/// Mounts to be placed, each opened already.
pub(super) struct Sources {
    pub(super) bound: Vec<(PathBuf, OwnedFd)>,
    pub(super) links: Vec<(PathBuf, PathBuf)>,
}

impl Sources {
    pub(super) fn of_system(spec: &Spec) -> Result<Self, Refusal> {
        let mut sources = Self {
            bound: Vec::new(),
            links: Vec::new(),
        };
        for path in SYSTEM {
            match std::fs::read_link(path) {
                Ok(target) => sources.links.push((path.into(), target)),
                Err(_) => sources.bind_if_there(path, SAFE | MOUNT_ATTR_RDONLY)?,
            }
        }
        let network: &[&str] = match spec.network {
            Network::Loopback => &[],
            Network::Host => NETWORK_SETTINGS,
        };
        for path in SETTINGS.iter().chain(network) {
            sources.bind_if_there(path, SAFE | MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC)?;
        }
        for path in DEVICES {
            sources.bind_if_there(path, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)?;
        }
        Ok(sources)
    }

    fn bind_if_there(&mut self, path: &str, attributes: u64) -> Result<(), Refusal> {
        if Path::new(path).exists() {
            let found = OpenTreeFlags::empty();
            let source = bound(Path::new(path), attributes, found)?;
            self.bound.push((path.into(), source));
        }
        Ok(())
    }
}

/// A copy of the mounts at and below a path, not attached anywhere yet.
fn bound(path: &Path, attributes: u64, follow: OpenTreeFlags) -> Result<OwnedFd, Refusal> {
    let what = || format!("bind `{}`", path.display());
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE
        | follow;
    let tree = open_tree(rustix::fs::CWD, path, flags).during(Step::Root, what())?;
    restrict_mount(tree.as_fd(), attributes, true).during(Step::Root, what())?;
    Ok(tree)
}

/// What a job's mount is made from.
pub(super) enum Pinned {
    Bind(OwnedFd),
    Overlay {
        lower: Vec<OwnedFd>,
        upper: OwnedFd,
        work: OwnedFd,
    },
}

/// Opens what the job's mounts are made from, outermost mount first.
pub(super) fn pinned(spec: &Spec) -> Result<Vec<(&Mount, Pinned)>, Refusal> {
    let mut mounts: Vec<&Mount> = spec.mounts.iter().collect();
    mounts.sort_by_key(|mount| mount.inside.components().count());
    mounts
        .into_iter()
        .map(|mount| Ok((mount, pin(mount)?)))
        .collect()
}

fn pin(mount: &Mount) -> Result<Pinned, Refusal> {
    match &mount.access {
        Access::ReadOnly => Ok(Pinned::Bind(bind_own(
            &mount.host,
            SAFE | MOUNT_ATTR_RDONLY,
        )?)),
        Access::ReadWrite => Ok(Pinned::Bind(bind_own(&mount.host, SAFE)?)),
        Access::Overlay { lower, upper, work } => Ok(Pinned::Overlay {
            lower: std::iter::once(&mount.host)
                .chain(lower)
                .map(|layer| directory(layer))
                .collect::<Result<_, _>>()?,
            upper: directory(upper)?,
            work: directory(work)?,
        }),
    }
}

/// Binds a path of the job's. Its last component may come from a hostile tree, so a symbolic
/// link there is refused.
fn bind_own(path: &Path, attributes: u64) -> Result<OwnedFd, Refusal> {
    if path.is_symlink() {
        return Err(Errno::ELOOP).during(Step::Root, format!("bind `{}`", path.display()));
    }
    bound(path, attributes, OpenTreeFlags::AT_SYMLINK_NOFOLLOW)
}

fn directory(path: &Path) -> Result<OwnedFd, Refusal> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(rustix::fs::CWD, path, flags, Mode::empty())
        .during(Step::Overlay, format!("open layer `{}`", path.display()))
}

/// A new filesystem, not attached anywhere yet.
pub(super) fn filesystem(
    kind: &str,
    options: &[(&str, &str)],
    attributes: u64,
) -> Result<OwnedFd, Refusal> {
    let step = if kind == "proc" {
        Step::Processes
    } else {
        Step::Root
    };
    let make = || -> rustix::io::Result<OwnedFd> {
        let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
        for (key, value) in options {
            fsconfig_set_string(context.as_fd(), *key, *value)?;
        }
        fsconfig_create(context.as_fd())?;
        let attributes = u32::try_from(attributes | SAFE).unwrap_or(u32::MAX);
        let attributes = MountAttrFlags::from_bits_retain(attributes);
        fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
    };
    make().during(step, format!("make a {kind} filesystem"))
}

pub(super) fn attach(tree: &OwnedFd, to: impl AsFd, path: &str) -> Result<(), Refusal> {
    let mut flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    if path.is_empty() {
        flags |= MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    }
    move_mount(tree.as_fd(), "", to, path, flags).during(
        Step::Root,
        if path.is_empty() {
            "attach a mount".into()
        } else {
            format!("cover `{path}`")
        },
    )
}
