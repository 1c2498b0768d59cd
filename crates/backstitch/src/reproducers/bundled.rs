//! The files of the reproducers that come with the program, as `build.rs` packed them. Knows
//! nothing of what they say.

use anyhow::{Context, Result};

use crate::pack;

/// Read by no command that needs no reproducer.
static PACK: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/reproducers.pack"));

/// A folder of the pack: its name, and its files by theirs.
pub struct Folder {
    pub name: &'static str,
    files: Vec<(&'static str, &'static str)>,
}

impl Folder {
    /// The text of a file.
    pub fn file(&self, name: &str) -> Option<&'static str> {
        let found = self.files.iter().find(|(known, _)| *known == name);
        found.map(|(_, text)| *text)
    }
}

/// One folder a reproducer, in the order of their paths.
pub fn folders() -> Result<Vec<Folder>> {
    unpack(PACK).context("read the bundled reproducers")
}

fn unpack(pack: &'static [u8]) -> Option<Vec<Folder>> {
    let mut folders: Vec<Folder> = Vec::new();
    let mut last = None;
    for (path, content) in pack::files(pack)? {
        let (folder, file) = path.rsplit_once('/')?;
        let text = std::str::from_utf8(content).ok()?;
        if last.replace(folder) != Some(folder) {
            folders.push(Folder {
                name: folder.rsplit('/').next().unwrap_or(folder),
                files: Vec::new(),
            });
        }
        folders.last_mut()?.files.push((file, text));
    }
    Some(folders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pack_holds_every_file_as_it_is_in_the_repository() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/reproducers");
        let packed = pack::files(PACK).unwrap();
        for (path, content) in &packed {
            let file = std::fs::read(format!("{root}/{path}")).unwrap();
            assert!(file == *content, "{path}");
        }
        let count = packed.len();
        let folders = std::fs::read_dir(root).unwrap();
        let below = folders.flat_map(|ecosystem| std::fs::read_dir(ecosystem.unwrap().path()));
        let files = below.flatten().flat_map(|folder| {
            let folder = folder.unwrap().path();
            std::fs::read_dir(folder).unwrap()
        });
        assert_eq!(count, files.count());
    }

    #[test]
    fn a_pack_that_is_cut_off_is_refused() {
        assert!(unpack(&PACK[..PACK.len() - 1]).is_none());
        assert!(unpack(&PACK[..3]).is_none());
        assert!(unpack(b"").is_some_and(|folders| folders.is_empty()));
    }
}
