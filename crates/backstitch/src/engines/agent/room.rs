//! What an agent may do to files through the protocol, and what it is permitted: reading and
//! writing text below the copy, and nothing else. No link is followed out of it.

use std::io::{Read, Write};
use std::path::{Component, Path, PathBuf};

use agent_client_protocol::v1::schema::{
    PermissionOptionKind, RequestPermissionOutcome, RequestPermissionRequest,
    SelectedPermissionOutcome, ToolKind,
};
use anyhow::{Context, Result, bail, ensure};
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt, Permissions, PermissionsExt};

use super::COPY_INSIDE;
use crate::source;

/// The largest file that is read or written for an agent, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// How much is read for one agent altogether, in bytes: it need not read what it asks for.
const READ_BYTES_MAX: u64 = 64 << 20;

/// The copy, from this side.
#[derive(Debug)]
pub struct Room {
    dir: Dir,
    read_bytes: u64,
}

impl Room {
    /// Opens the copy.
    pub fn open(copy: &Path) -> Result<Self> {
        Ok(Self {
            dir: source::open_dir(copy)?,
            read_bytes: 0,
        })
    }

    /// The text of a file, from a line on and for so many lines where that is asked.
    pub fn read(&mut self, path: &Path, from: Option<u32>, count: Option<u32>) -> Result<String> {
        let about = || format!("read `{}`", path.display());
        let below = below(path)?;
        let mut options = OpenOptions::new();
        // What is no file must not be waited for.
        let flags = rustix::fs::OFlags::NONBLOCK;
        options.read(true).custom_flags(flags.bits().cast_signed());
        let file = self.dir.open_with(&below, &options).with_context(about)?;
        ensure!(
            file.metadata().with_context(about)?.is_file(),
            "{}: it is no file",
            about()
        );
        let mut text = String::new();
        let mut limited = file.take(FILE_BYTES_MAX + 1);
        limited.read_to_string(&mut text).with_context(about)?;
        let bytes = text.len() as u64;
        ensure!(
            bytes <= FILE_BYTES_MAX,
            "{}: it has more than {FILE_BYTES_MAX} bytes",
            about()
        );
        self.read_bytes += bytes;
        ensure!(
            self.read_bytes <= READ_BYTES_MAX,
            "{}: {READ_BYTES_MAX} bytes were read already",
            about()
        );
        if from.is_none() && count.is_none() {
            return Ok(text);
        }
        // Lines are counted from 1.
        let skipped = from.unwrap_or(1).saturating_sub(1);
        let lines = text.split_inclusive('\n').skip(skipped as usize);
        Ok(lines.take(count.unwrap_or(u32::MAX) as usize).collect())
    }

    /// Writes a file's text. A link in its place is not followed out of the copy.
    pub fn write(&self, path: &Path, text: &str) -> Result<()> {
        let about = || format!("write `{}`", path.display());
        ensure!(
            text.len() as u64 <= FILE_BYTES_MAX,
            "{}: more than {FILE_BYTES_MAX} bytes are not written",
            about()
        );
        let below = below(path)?;
        let mut options = OpenOptions::new();
        let flags = rustix::fs::OFlags::NONBLOCK;
        options
            .write(true)
            .create(true)
            .truncate(true)
            .custom_flags(flags.bits().cast_signed());
        let is_new = self.dir.symlink_metadata(&below).is_err();
        let mut file = self.dir.open_with(&below, &options).with_context(about)?;
        ensure!(
            file.metadata().with_context(about)?.is_file(),
            "{}: it is no file",
            about()
        );
        file.write_all(text.as_bytes()).with_context(about)?;
        if is_new {
            // The agent's user is another one where Backstitch is root.
            file.set_permissions(Permissions::from_mode(0o666))
                .with_context(about)?;
        }
        Ok(())
    }
}

/// A path as the agent names it, from the copy on.
fn below(path: &Path) -> Result<PathBuf> {
    let Ok(below) = path.strip_prefix(COPY_INSIDE) else {
        bail!(
            "`{}` is not below `{COPY_INSIDE}`, which is all that there is",
            path.display()
        );
    };
    let is_plain = below
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    ensure!(
        is_plain && !below.as_os_str().is_empty(),
        "`{}` names no file below `{COPY_INSIDE}`",
        path.display()
    );
    Ok(below.to_owned())
}

/// What an agent is answered that asks for a permission, and whether it was granted: to read and
/// to edit files of the copy, once. Running things, fetching and what cannot be told are denied;
/// so is everything that is not offered for this once.
pub fn permitted(request: &RequestPermissionRequest) -> (RequestPermissionOutcome, bool) {
    let fields = &request.tool_call.fields;
    let is_harmless = match fields.kind {
        Some(
            ToolKind::Read
            | ToolKind::Edit
            | ToolKind::Delete
            | ToolKind::Move
            | ToolKind::Search
            | ToolKind::Think,
        ) => true,
        // A kind that came later is as unknown as none; the list may grow.
        Some(_) | None => false,
    };
    let mut places = fields.locations.iter().flatten();
    let is_inside = places.all(|place| below(&place.path).is_ok());
    let chosen = |kind: PermissionOptionKind| {
        let mut options = request.options.iter();
        let option = options.find(|option| option.kind == kind)?;
        let selected = SelectedPermissionOutcome::new(option.option_id.clone());
        Some(RequestPermissionOutcome::Selected(selected))
    };
    if is_harmless
        && is_inside
        && let Some(outcome) = chosen(PermissionOptionKind::AllowOnce)
    {
        return (outcome, true);
    }
    let outcome = chosen(PermissionOptionKind::RejectOnce)
        .or_else(|| chosen(PermissionOptionKind::RejectAlways))
        .unwrap_or(RequestPermissionOutcome::Cancelled);
    (outcome, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room() -> (tempfile::TempDir, Room) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("copy")).unwrap();
        std::fs::write(folder.path().join("outside"), "secret").unwrap();
        std::fs::write(folder.path().join("copy/a"), "1\n2\n3\n").unwrap();
        let room = Room::open(&folder.path().join("copy")).unwrap();
        (folder, room)
    }

    #[test]
    fn what_is_outside_the_copy_is_neither_read_nor_written() {
        let (folder, mut room) = room();
        let link = |to: &str, name: &str| {
            std::os::unix::fs::symlink(to, folder.path().join("copy").join(name)).unwrap();
        };
        link("../outside", "up");
        link("/etc/passwd", "far");
        link("..", "dir");
        for path in [
            "/etc/passwd",
            "/projects/a",
            "/project/../etc/passwd",
            "/project",
            "a",
            "../outside",
            "/project/up",
            "/project/far",
            "/project/dir/outside",
        ] {
            assert!(room.read(Path::new(path), None, None).is_err(), "{path}");
            assert!(room.write(Path::new(path), "x").is_err(), "{path}");
        }
        let outside = std::fs::read_to_string(folder.path().join("outside")).unwrap();
        assert_eq!(outside, "secret");
        let read = room.read(Path::new("/project/a"), Some(2), Some(1));
        assert_eq!(read.unwrap(), "2\n");
        room.write(Path::new("/project/a"), "new").unwrap();
        assert_eq!(
            room.read(Path::new("/project/a"), None, None).unwrap(),
            "new"
        );
    }

    #[test]
    fn what_would_never_end_is_not_waited_for() {
        let (folder, mut room) = room();
        let pipe = folder.path().join("copy/pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o644);
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).unwrap();
        let path = Path::new("/project/pipe");
        assert!(room.read(path, None, None).is_err());
        assert!(room.write(path, "x").is_err());
        let large = "x".repeat(1 << 20);
        room.write(Path::new("/project/large"), &large).unwrap();
        let times = (0..100).take_while(|_| {
            let large = room.read(Path::new("/project/large"), None, None);
            large.is_ok()
        });
        assert_eq!(times.count(), 64, "reading has an end");
    }
}
