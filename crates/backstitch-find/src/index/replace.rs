//! Puts an index file in another's place, whole or not at all.

use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::path::Path;

use super::{Index, IndexError, IndexProblem};

/// Writes `bytes` to `path` so that a reader sees the old file or the new one, never a
/// part: checks them first, writes a temporary file beside it, flushes, renames. On an
/// error the old file is as it was.
pub fn replace(path: &Path, bytes: Vec<u8>) -> Result<(), IndexError> {
    let index = Index::from_bytes(bytes)?;
    index.verify()?;
    write(path, index.data.bytes()).map_err(|error| IndexError {
        name: path.to_owned(),
        problem: IndexProblem::Io(error),
    })
}

fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".index-").suffix(".new");
    if let Some(permissions) = readable_by_all() {
        builder.permissions(permissions);
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// A temporary file is its owner's alone; an index may be shared.
#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have no such bits")]
fn readable_by_all() -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all() -> Option<Permissions> {
    None
}

/// Makes the rename last through a power cut; only Unix can flush a folder.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
