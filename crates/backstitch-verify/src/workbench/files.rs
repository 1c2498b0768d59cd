//! Reads and writes files of a hostile tree. A symbolic link anywhere on the way is refused, and
//! so is anything that is no regular file: opening a pipe would wait for ever.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use backstitch_model::RelPath;
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};

/// Reads a text file; nothing where there is none. Errors where it is larger than
/// `bytes_max` or no UTF-8.
pub(crate) fn read(root: &Path, path: &RelPath, bytes_max: u64) -> io::Result<Option<String>> {
    let file = match open(root, path, OFlags::RDONLY) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut text = String::new();
    file.take(bytes_max + 1).read_to_string(&mut text)?;
    if text.len() as u64 > bytes_max {
        return Err(io::Error::other("the file is too large"));
    }
    Ok(Some(text))
}

/// Reads a file of at most `bytes_max` bytes; nothing where there is none.
pub(crate) fn bytes(root: &Path, path: &RelPath, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match open(root, path, OFlags::RDONLY) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(io::Error::other("the file is too large"));
    }
    Ok(Some(bytes))
}

/// Replaces the text of a file that is there.
pub(crate) fn overwrite(root: &Path, path: &RelPath, text: &str) -> io::Result<()> {
    let mut file = open(root, path, OFlags::WRONLY)?;
    file.set_len(0)?;
    file.write_all(text.as_bytes())
}

fn open(root: &Path, path: &RelPath, access: OFlags) -> io::Result<File> {
    let root = File::open(root)?;
    let file = File::from(openat2(
        &root,
        path.as_str(),
        access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS,
    )?);
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is no regular file"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str) -> RelPath {
        RelPath::new(path).unwrap()
    }

    #[test]
    fn a_symbolic_link_leads_neither_reader_nor_writer_out_of_the_tree() {
        let outside = tempfile::tempdir().unwrap();
        let tree = tempfile::tempdir().unwrap();
        let victim = outside.path().join("Cargo.toml");
        std::fs::write(&victim, "secret").unwrap();
        std::os::unix::fs::symlink(&victim, tree.path().join("Cargo.toml")).unwrap();
        std::os::unix::fs::symlink(outside.path(), tree.path().join("folder")).unwrap();
        for link in ["Cargo.toml", "folder/Cargo.toml"] {
            assert!(
                overwrite(tree.path(), &path(link), "changed").is_err(),
                "{link}"
            );
            assert!(read(tree.path(), &path(link), 100).is_err(), "{link}");
        }
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "secret");
    }

    #[test]
    fn a_plain_file_is_replaced_whole_and_a_missing_one_is_not_made() {
        let tree = tempfile::tempdir().unwrap();
        std::fs::write(tree.path().join("a"), "a longer text").unwrap();
        overwrite(tree.path(), &path("a"), "short").unwrap();
        assert_eq!(
            read(tree.path(), &path("a"), 5).unwrap().as_deref(),
            Some("short")
        );
        assert!(read(tree.path(), &path("a"), 4).is_err());
        assert_eq!(read(tree.path(), &path("b"), 4).unwrap(), None);
        assert!(overwrite(tree.path(), &path("b"), "x").is_err());
        assert!(read(tree.path(), &path("a/b"), 4).is_err());
    }

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let tree = tempfile::tempdir().unwrap();
        let pipe = tree.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(read(tree.path(), &path("pipe"), 4).is_err());
        assert!(overwrite(tree.path(), &path("pipe"), "x").is_err());
    }
}
