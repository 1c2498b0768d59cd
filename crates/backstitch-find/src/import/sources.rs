//! Opens folders and archives and hands on what may be a record, within limits.
//!
//! Archives are hostile: sizes in their headers are not believed, only bytes that came.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use lzma_rust2::XzReader;
use rayon::prelude::*;
use tar::EntryType;

use super::{Document, Format, ImportError, Intake, Limits};

/// How deep a folder of records is searched.
const DEPTH_MAX: usize = 16;

/// What decompressing one archive may use, in KiB: more than `xz -9` asks for.
const XZ_MEMORY_KIB_MAX: u32 = 128 << 10;

/// The longest name of an archive's entry that is read.
const NAME_BYTES_MAX: u64 = 4096;

/// What a file is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Record(Format),
    Zip,
    TarXz,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        let file = name.rsplit('/').next().unwrap_or(name);
        let lower = file.to_ascii_lowercase();
        let ends_with = |suffix: &str| lower.ends_with(suffix);
        if ends_with(".json") {
            Some(Self::Record(Format::Osv))
        } else if file.starts_with("RUSTSEC-") && ends_with(".md") {
            Some(Self::Record(Format::RustSec))
        } else if ends_with(".zip") {
            Some(Self::Zip)
        } else if ends_with(".tar.xz") || ends_with(".txz") {
            Some(Self::TarXz)
        } else {
            None
        }
    }
}

/// What a source has left of its limits.
struct Allowance<'limits> {
    path: &'limits Path,
    limits: &'limits Limits,
    entries: usize,
    bytes: u64,
}

impl<'limits> Allowance<'limits> {
    fn new(path: &'limits Path, limits: &'limits Limits) -> Self {
        Self {
            path,
            limits,
            entries: 0,
            bytes: 0,
        }
    }

    fn too_large(&self, limit: String) -> ImportError {
        ImportError::TooLarge {
            path: self.path.to_owned(),
            limit,
        }
    }

    fn count_entry(&mut self) -> Result<(), ImportError> {
        self.entries += 1;
        if self.entries > self.limits.entries_max {
            return Err(self.too_large(format!("{} entries", self.limits.entries_max)));
        }
        Ok(())
    }

    /// Reads one record to its end; `None` where it is longer than a record may be.
    fn read(&mut self, reader: impl Read) -> Result<Option<Vec<u8>>, ImportError> {
        let mut bytes = Vec::new();
        reader
            .take(self.limits.entry_bytes_max + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| broken(self.path, &error))?;
        self.bytes += bytes.len() as u64;
        if self.bytes > self.limits.total_bytes_max {
            return Err(self.too_large(format!("{} bytes", self.limits.total_bytes_max)));
        }
        Ok((bytes.len() as u64 <= self.limits.entry_bytes_max).then_some(bytes))
    }

    /// Reads a record and hands it on, or tells that it is too long.
    fn hand_on(
        &mut self,
        name: String,
        format: Format,
        reader: impl Read,
        intake: &mut Intake,
    ) -> Result<(), ImportError> {
        match self.read(reader)? {
            Some(bytes) => intake.add(Document {
                name,
                format,
                bytes,
            }),
            None => intake.refuse(
                name,
                format!("it has more than {} bytes", self.limits.entry_bytes_max),
            ),
        }
        Ok(())
    }
}

fn broken(path: &Path, why: &impl ToString) -> ImportError {
    ImportError::Archive {
        path: path.to_owned(),
        why: why.to_string(),
    }
}

/// Reads whatever `path` is into `intake`.
pub(super) fn read(path: &Path, limits: &Limits, intake: &mut Intake) -> Result<(), ImportError> {
    let io_error = |error| ImportError::Io {
        path: path.to_owned(),
        error,
    };
    let metadata = fs::metadata(path).map_err(io_error)?;
    if metadata.is_dir() {
        return read_folder(path, limits, intake);
    }
    let kind = Kind::of(&path.to_string_lossy())
        .filter(|_| metadata.is_file())
        .ok_or_else(|| ImportError::UnknownKind(path.to_owned()))?;
    read_file(path, kind, limits, intake)
}

fn read_file(
    path: &Path,
    kind: Kind,
    limits: &Limits,
    intake: &mut Intake,
) -> Result<(), ImportError> {
    let file = File::open(path).map_err(|error| ImportError::Io {
        path: path.to_owned(),
        error,
    })?;
    match kind {
        Kind::Zip => read_zip(path, file, limits, intake),
        Kind::TarXz => read_tar_xz(path, file, limits, intake),
        Kind::Record(format) => {
            // A single file may hold a whole bundle: the source's limit is its own.
            let limits = Limits {
                entry_bytes_max: limits.total_bytes_max.min(limits.entry_bytes_max * 16),
                ..*limits
            };
            let name = path.to_string_lossy().into_owned();
            Allowance::new(path, &limits).hand_on(name, format, file, intake)
        }
    }
}

fn read_folder(path: &Path, limits: &Limits, intake: &mut Intake) -> Result<(), ImportError> {
    let mut allowance = Allowance::new(path, limits);
    let mut folders: Vec<(PathBuf, usize)> = vec![(path.to_owned(), 0)];
    let mut archives = Vec::new();
    while let Some((folder, depth)) = folders.pop() {
        for entry in sorted_entries(&folder)? {
            allowance.count_entry()?;
            let name = entry.file_name();
            let kind = entry.file_type();
            if name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            match kind {
                Ok(kind) if kind.is_dir() && depth < DEPTH_MAX => {
                    folders.push((entry.path(), depth + 1));
                }
                Ok(kind) if kind.is_file() => {
                    archives.extend(read_found(&entry.path(), &mut allowance, intake)?);
                }
                // Links are not followed: a folder of records needs none.
                Ok(_) | Err(_) => {}
            }
        }
    }
    read_archives(&archives, limits, intake)
}

/// Decompressing is what takes long, so archives are read at the same time; each has the
/// limits of a source.
fn read_archives(
    archives: &[(PathBuf, Kind)],
    limits: &Limits,
    intake: &mut Intake,
) -> Result<(), ImportError> {
    let each: Vec<_> = archives
        .par_iter()
        .with_max_len(1)
        .map(|(path, kind)| {
            let mut own = Intake::default();
            read_file(path, *kind, limits, &mut own).map(|()| own.finish())
        })
        .collect();
    for imported in each {
        intake.imported.append(imported?);
    }
    Ok(())
}

/// Reads a record that a folder holds, or gives back the archive that it is.
fn read_found(
    path: &Path,
    allowance: &mut Allowance<'_>,
    intake: &mut Intake,
) -> Result<Option<(PathBuf, Kind)>, ImportError> {
    let name = path.to_string_lossy().into_owned();
    match Kind::of(&name) {
        Some(Kind::Record(format)) => match File::open(path) {
            Ok(file) => allowance.hand_on(name, format, file, intake)?,
            Err(error) => intake.refuse(name, error.to_string()),
        },
        Some(kind @ (Kind::Zip | Kind::TarXz)) => return Ok(Some((path.to_owned(), kind))),
        None => {}
    }
    Ok(None)
}

fn sorted_entries(folder: &Path) -> Result<Vec<fs::DirEntry>, ImportError> {
    let entries: io::Result<Vec<_>> = fs::read_dir(folder).and_then(Iterator::collect);
    let mut entries = entries.map_err(|error| ImportError::Io {
        path: folder.to_owned(),
        error,
    })?;
    entries.sort_by_key(fs::DirEntry::file_name);
    Ok(entries)
}

fn read_zip(
    path: &Path,
    file: File,
    limits: &Limits,
    intake: &mut Intake,
) -> Result<(), ImportError> {
    let mut allowance = Allowance::new(path, limits);
    let mut archive =
        zip::ZipArchive::new(BufReader::new(file)).map_err(|error| broken(path, &error))?;
    for position in 0..archive.len() {
        allowance.count_entry()?;
        let entry = archive
            .by_index(position)
            .map_err(|error| broken(path, &error))?;
        let name = entry
            .name()
            .map_err(|error| broken(path, &error))?
            .into_owned();
        if let (true, Some(Kind::Record(format))) = (entry.is_file(), Kind::of(&name)) {
            allowance.hand_on(name, format, entry, intake)?;
        }
    }
    Ok(())
}

fn read_tar_xz(
    path: &Path,
    file: File,
    limits: &Limits,
    intake: &mut Intake,
) -> Result<(), ImportError> {
    let decompressed = XzReader::new_mem_limit(BufReader::new(file), true, XZ_MEMORY_KIB_MAX);
    // Entries that are skipped are decompressed too, so the whole stream has the bound.
    let metered = Metered {
        inner: decompressed,
        left: limits.total_bytes_max,
    };
    let mut allowance = Allowance::new(path, limits);
    let mut archive = tar::Archive::new(metered);
    // Raw entries: the library would read a long name of any length into memory.
    let entries = archive
        .entries()
        .map_err(|error| broken(path, &error))?
        .raw(true);
    let mut long_name = None;
    for entry in entries {
        allowance.count_entry()?;
        let entry = entry.map_err(|error| broken(path, &error))?;
        match entry.header().entry_type() {
            EntryType::GNULongName | EntryType::XHeader => {
                long_name = read_long_name(entry).map_err(|error| broken(path, &error))?;
            }
            EntryType::Regular | EntryType::Continuous => {
                let name = long_name
                    .take()
                    .unwrap_or_else(|| String::from_utf8_lossy(&entry.path_bytes()).into_owned());
                if let Some(Kind::Record(format)) = Kind::of(&name) {
                    allowance.hand_on(name, format, entry, intake)?;
                }
            }
            _ => long_name = None,
        }
    }
    Ok(())
}

/// The name that an entry gives to the next one: GNU's is its content, pax has `path=`.
fn read_long_name(entry: tar::Entry<'_, impl Read>) -> io::Result<Option<String>> {
    let is_pax = entry.header().entry_type() == EntryType::XHeader;
    let mut content = Vec::new();
    entry.take(NAME_BYTES_MAX).read_to_end(&mut content)?;
    let content = String::from_utf8_lossy(&content);
    if !is_pax {
        return Ok(Some(content.trim_end_matches('\0').to_owned()));
    }
    let path = content
        .lines()
        .find_map(|line| line.split_once(' ')?.1.strip_prefix("path="));
    Ok(path.map(str::to_owned))
}

/// A stream that fails once more than its allowance was read.
struct Metered<Inner> {
    inner: Inner,
    left: u64,
}

impl<Inner: Read> Read for Metered<Inner> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other("it decompresses to more than is allowed")),
        }
        Ok(count)
    }
}
