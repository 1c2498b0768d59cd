//! What keeps the program's start short, since starting is most of what a short command takes.
//!
//! Packs the bundled reproducers into one file that the program carries, and the cases of
//! `backstitch bench` into another. As bytes alone they cost a command that does not need them
//! nothing: no address in them has to be set right when the program starts, and none of it is
//! read. `src/pack.rs` reads them, and says how they are laid out.
//!
//! And links what unwinds the stack into the program, where the linker has it. Else it is the
//! one shared library besides the C library's own, brought in and set up at every start.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Where the reproducers are, from this crate's folder.
const REPRODUCERS: &str = "../../data/reproducers";

/// Where the cases are.
const CASES: &str = "../../data/corpus";

/// What of a case is packed: its patches are for measuring the judge, and stay out but for the one
/// that a case is checked with.
const OF_A_CASE: [&str; 4] = ["base", "case.toml", "inputs", "reference.patch"];

/// GCC's unwinder; the standard library links the same one as `gcc_s`, which is shared.
const UNWINDER: &str = "gcc_eh";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    if has_unwinder_to_link() {
        println!("cargo::rustc-link-lib=static:-bundle={UNWINDER}");
    }
    let mut reproducers = Vec::new();
    // An ecosystem's folder holds one folder a reproducer, which holds its files.
    for ecosystem in entries(Path::new(REPRODUCERS))? {
        for reproducer in entries(&ecosystem)? {
            put_below(&mut reproducers, Path::new(REPRODUCERS), &reproducer)?;
        }
    }
    write("reproducers.pack", &reproducers, REPRODUCERS)?;
    let mut cases = Vec::new();
    for case in entries(Path::new(CASES))? {
        for part in OF_A_CASE.map(|part| case.join(part)) {
            if part.exists() {
                put_below(&mut cases, Path::new(CASES), &part)?;
            }
        }
    }
    write("cases.pack", &cases, CASES)
}

fn write(name: &str, packed: &[u8], folder: &str) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={folder}");
    let into = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    fs::write(PathBuf::from(into).join(name), packed)?;
    Ok(())
}

/// Puts a file, or all files of a folder, behind their paths below `root`.
fn put_below(packed: &mut Vec<u8>, root: &Path, path: &Path) -> Result<(), Box<dyn Error>> {
    if path.is_dir() {
        return entries(path)?
            .iter()
            .try_for_each(|entry| put_below(packed, root, entry));
    }
    let name = path.strip_prefix(root)?.to_str();
    put(packed, name.ok_or("a file's name is not UTF-8")?.as_bytes())?;
    let content = fs::read(path).map_err(|error| format!("read `{}`: {error}", path.display()))?;
    put(packed, &content)
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

fn put(packed: &mut Vec<u8>, part: &[u8]) -> Result<(), Box<dyn Error>> {
    packed.extend_from_slice(&u32::try_from(part.len())?.to_le_bytes());
    packed.extend_from_slice(part);
    Ok(())
}
