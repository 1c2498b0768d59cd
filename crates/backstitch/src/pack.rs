//! Files that come with the program, packed by `build.rs` into one text of bytes. Knows nothing of
//! what they say.
//!
//! A pack has, file after file, the path below its folder and the content, each behind its length
//! in four bytes, the lowest first. As bytes alone it costs a command that does not need it nothing.

use backstitch_model::RelPath;

/// A file: its path below the folder that was packed, and what it holds.
pub type File = (&'static str, &'static [u8]);

/// The files of a pack, in the order of their paths; nothing where it is cut off.
pub fn files(mut pack: &'static [u8]) -> Option<Vec<File>> {
    let mut files = Vec::new();
    while !pack.is_empty() {
        let path = std::str::from_utf8(part(&mut pack)?).ok()?;
        RelPath::new(path).ok()?;
        files.push((path, part(&mut pack)?));
    }
    Some(files)
}

fn part(pack: &mut &'static [u8]) -> Option<&'static [u8]> {
    let (length, rest) = pack.split_first_chunk()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let (part, rest) = rest.split_at_checked(length)?;
    *pack = rest;
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_that_is_cut_off_is_refused() {
        let pack: &[u8] = b"\x01\0\0\0a\x02\0\0\0xy";
        assert_eq!(files(pack), Some(vec![("a", b"xy".as_slice())]));
        for end in 1..pack.len() {
            assert_eq!(files(&pack[..end]), None, "{end}");
        }
        assert_eq!(files(b""), Some(Vec::new()));
    }
}
