//! What keeps the program's start short, since starting is most of what a short command takes.
//!
//! Packs the bundled reproducers into one file that the program carries. As bytes alone it
//! costs a command that does not need them nothing: no address in it has to be set right
//! when the program starts, and none of it is read. `src/reproducers/bundled.rs` reads it,
//! and says how it is laid out.
//!
//! And links what unwinds the stack into the program, where the linker has it. Else it is the
//! one shared library besides the C library's own, brought in and set up at every start.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Where they are, from this crate's folder.
const FOLDER: &str = "../../data/reproducers";

/// GCC's unwinder; the standard library links the same one as `gcc_s`, which is shared.
const UNWINDER: &str = "gcc_eh";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    if has_unwinder_to_link() {
        println!("cargo::rustc-link-lib=static:-bundle={UNWINDER}");
    }
    pack()
}

fn pack() -> Result<(), Box<dyn Error>> {
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

/// Asks the linker that will be used, as `-print-file-name` of GCC and Clang answers: with a
/// whole path where the file is there.
fn has_unwinder_to_link() -> bool {
    let is = |key: &str, value: &str| env::var(key).is_ok_and(|is| is == value);
    let is_gnu = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    let is_native = env::var("TARGET") == env::var("HOST");
    let linker = match env::var_os("RUSTC_LINKER") {
        Some(linker) => linker,
        None if is_native => "cc".into(),
        None => return false,
    };
    let asked = Command::new(linker)
        .arg(format!("-print-file-name=lib{UNWINDER}.a"))
        .output();
    is_gnu && asked.is_ok_and(|answer| answer.status.success() && answer.stdout.starts_with(b"/"))
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
