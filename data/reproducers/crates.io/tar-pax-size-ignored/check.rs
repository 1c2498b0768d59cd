//! Shows that the size in an extended header is ignored where the plain header has a size as well.
//! Writes an archive in memory with the argument as extended size and counts what an entry holds.

use std::io::Read;
use tar::{Archive, Builder, EntryType, Header};

const PLAIN_SIZE: u64 = 4;
const SIZE_MAX: u64 = 4096;

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

fn header(kind: EntryType, path: &str, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_path(path).expect("a short path");
    header.set_size(size);
    header.set_mode(0o644);
    header.set_cksum();
    header
}

/// An archive with one file, whose content is longer than its plain header says.
fn archive(extended_size: Option<u64>) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    if let Some(size) = extended_size {
        let rest = format!(" size={size}\n");
        // The record begins with its own length, digits included.
        let length = (rest.len()..).find(|n| n.to_string().len() + rest.len() == *n);
        let record = format!("{}{rest}", length.expect("a length that fits"));
        let header = header(EntryType::XHeader, "extended", record.len() as u64);
        builder.append(&header, record.as_bytes()).expect("memory");
    }
    let content = vec![b'a'; extended_size.unwrap_or(PLAIN_SIZE) as usize];
    let header = header(EntryType::Regular, "file", PLAIN_SIZE);
    builder.append(&header, &content[..]).expect("memory");
    builder.into_inner().expect("memory")
}

fn first_content(archive: &[u8]) -> Option<u64> {
    let mut archive = Archive::new(archive);
    let mut entry = archive.entries().ok()?.next()?.ok()?;
    let mut content = Vec::new();
    entry.read_to_end(&mut content).ok()?;
    Some(content.len() as u64)
}

fn main() {
    assert_eq!(first_content(&archive(None)), Some(PLAIN_SIZE));

    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let size = argument.to_string_lossy().parse::<u64>();
    let Some(size) = size.ok().filter(|size| *size <= SIZE_MAX) else {
        end(false)
    };
    let read = first_content(&archive(Some(size)));
    println!("extended size {size}, read {read:?}");
    end(size != PLAIN_SIZE && read == Some(PLAIN_SIZE))
}
