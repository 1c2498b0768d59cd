//! Packs the bundled reproducers into one file that the program carries. As bytes alone it
//! costs a command that does not need them nothing: no address in it has to be set right
//! when the program starts, and none of it is read.
//!
//! `src/reproducers/bundled.rs` reads it, and says how it is laid out.

#![expect(
    clippy::print_stdout,
    reason = "a build script prints what cargo has to know"
)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Where they are, from this crate's folder.
const FOLDER: &str = "../../data/reproducers";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={FOLDER}");
    let mut packed = Vec::new();
    // An ecosystem's folder holds one folder a reproducer, which holds its files.
    for ecosystem in entries(Path::new(FOLDER))? {
        for reproducer in entries(&ecosystem)? {
            for file in entries(&reproducer)? {
                let name = file.strip_prefix(FOLDER)?.to_str();
                put(&mut packed, name.ok_or("a file's name is not UTF-8")?)?;
                let text = fs::read_to_string(&file)
                    .map_err(|error| format!("read `{}`: {error}", file.display()))?;
                put(&mut packed, &text)?;
            }
        }
    }
    let into = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    fs::write(PathBuf::from(into).join("reproducers.pack"), packed)?;
    Ok(())
}

/// What is in a folder, in the order of names, so that each build packs the same bytes.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut paths = fs::read_dir(folder)
        .map_err(|error| format!("read folder `{}`: {error}", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn put(packed: &mut Vec<u8>, text: &str) -> Result<(), Box<dyn Error>> {
    packed.extend_from_slice(&u32::try_from(text.len())?.to_le_bytes());
    packed.extend_from_slice(text.as_bytes());
    Ok(())
}
