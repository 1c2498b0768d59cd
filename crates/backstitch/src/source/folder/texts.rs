//! Shows the texts of a folder's files, one after another, as far as a person would read them.

use std::io::{self, Read};
use std::path::Path;

use anyhow::Result;
use backstitch_model::RelPath;
use cap_std::fs::{Dir, Metadata};

use super::{Visit, is_made_by_a_build, walk};
use crate::source::open_dir;

/// The largest file whose text is shown, in bytes.
const TEXT_BYTES_MAX: u64 = 256 << 10;

/// Shows the text of each file below `path` to `see`, as far as it is text and no larger than
/// what a person would read. Folders of packages and of builds are left out.
pub fn each_text(path: &Path, see: &mut dyn FnMut(&RelPath, &str)) -> Result<()> {
    walk(&open_dir(path)?, &mut Reading { see }).map(drop)
}

struct Reading<'see> {
    see: &'see mut dyn FnMut(&RelPath, &str),
}

impl Visit for Reading<'_> {
    fn skip(&self, folder: &Dir, name: &Path) -> bool {
        let of_packages = ["node_modules", ".venv", "site-packages", "vendor"];
        is_made_by_a_build(folder, name) || of_packages.iter().any(|known| name == Path::new(known))
    }

    fn folder(&mut self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn link(&mut self, _path: &Path, _target: &Path) -> io::Result<()> {
        Ok(())
    }

    fn file(
        &mut self,
        path: &Path,
        from: &mut cap_std::fs::File,
        about: &Metadata,
    ) -> io::Result<()> {
        let mut text = String::new();
        let is_small = about.len() <= TEXT_BYTES_MAX;
        // One that is no text has nothing to show.
        if is_small
            && let Ok(path) = RelPath::new(path.to_string_lossy())
            && from.take(TEXT_BYTES_MAX).read_to_string(&mut text).is_ok()
        {
            (self.see)(&path, &text);
        }
        Ok(())
    }
}
