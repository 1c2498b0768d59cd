//! A patch from elsewhere: read, and applied to one of our own copies.
//!
//! Unified diffs, with git's extended headers or without. Nothing of the patch is trusted: it has
//! bounds, its paths cannot leave the copy, and it is applied whole or not at all. What cannot be
//! applied is [`Unusable`], which says something of the patch; an error says that a file could
//! not be written.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use backstitch_model::RelPath;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt, PermissionsExt};
use diffy::binary::BinaryPatch;
use diffy::patch_set::{FileMode, FileOperation, FilePatch, ParseOptions, PatchKind, PatchSet};

/// The largest patch read, in bytes.
pub const PATCH_BYTES_MAX: usize = 8 << 20;
/// The most files one may change.
const FILES_MAX: usize = 2_000;
/// The most hunks one may have.
const HUNKS_MAX: usize = 20_000;
/// The largest file that one may change, in bytes.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Why a patch cannot be used: what is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub String);

/// Applies the patch to the copy in `dir`: all of it, or nothing. Answers what a reader should
/// know of how it was done; the inner error says why the patch cannot be used.
pub fn apply(patch: &[u8], dir: &Dir) -> Result<Result<Vec<String>, Unusable>> {
    let mut planned = Planned {
        dir,
        files: BTreeMap::new(),
        hunks: 0,
        notes: Vec::new(),
    };
    let read = refuse_text(patch).and_then(|()| planned.take(patch));
    if let Err(unusable) = read {
        return Ok(Err(unusable));
    }
    planned.write()?;
    Ok(Ok(planned.notes))
}

fn refuse_text(patch: &[u8]) -> Result<(), Unusable> {
    if patch.len() > PATCH_BYTES_MAX {
        return Err(unusable(format!(
            "the patch is larger than {} MiB: nobody could review it; split it",
            PATCH_BYTES_MAX >> 20
        )));
    }
    if patch.iter().all(u8::is_ascii_whitespace) {
        return Err(unusable("the patch is empty: it changes nothing"));
    }
    if patch.contains(&0) {
        return Err(unusable(
            "the patch holds NUL bytes: it is no unified diff; make it with `git diff --binary`",
        ));
    }
    Ok(())
}

fn unusable(why: impl Into<String>) -> Unusable {
    Unusable(why.into())
}

/// How a file will be: `None` is gone.
type Content = Option<(Vec<u8>, Mode)>;

/// May it be run?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Plain,
    Executable,
}

/// What will be written, once everything fits.
struct Planned<'dir> {
    dir: &'dir Dir,
    files: BTreeMap<RelPath, Content>,
    hunks: usize,
    notes: Vec<String>,
}

impl Planned<'_> {
    fn take(&mut self, text: &[u8]) -> Result<(), Unusable> {
        let plain = without_carriage_returns(text);
        let ends = text.split(|byte| *byte == b'\n').count() - 1;
        // Headers end in a line feed alone; so a patch that was saved with other ends throughout
        // is read without them, and its files get the ends that they have.
        let is_crlf = ends > 0 && ends == text.len() - plain.len();
        if is_crlf {
            self.notes.push(
                "the patch's lines end in CR LF throughout; the files keep the ends they have"
                    .into(),
            );
        }
        let text = if is_crlf { plain.as_slice() } else { text };
        let is_git = text.starts_with(b"diff --git ") || contains(text, b"\ndiff --git ");
        let options = if is_git {
            ParseOptions::gitdiff()
        } else {
            ParseOptions::unidiff()
        };
        for (index, file) in PatchSet::parse_bytes(text, options).enumerate() {
            if index == FILES_MAX {
                return Err(unusable(format!(
                    "the patch changes more than {FILES_MAX} files: nobody could review it"
                )));
            }
            let file = file.map_err(|error| {
                unusable(format!(
                    "the patch cannot be read as a unified diff (cut off, or changed by hand?): \
                     {error}"
                ))
            })?;
            self.file(&file)?;
        }
        Ok(())
    }

    fn file(&mut self, file: &FilePatch<'_, [u8]>) -> Result<(), Unusable> {
        let operation = stripped(file.operation(), self.dir);
        refuse_modes(&operation, file)?;
        match operation {
            FileOperation::Create(path) => {
                let path = path_of(&path)?;
                self.refuse_taken("makes", &path)?;
                let text = self.patched(&path, &[], file.patch())?;
                let mode = mode(file, Mode::Plain);
                self.files.insert(path, Some((text, mode)));
            }
            FileOperation::Delete(path) => {
                let path = path_of(&path)?;
                let (bytes, _) = self.there(&path)?;
                if !self.patched(&path, &bytes, file.patch())?.is_empty() {
                    return Err(unusable(format!(
                        "the patch deletes `{path}`, whose text is not what it says"
                    )));
                }
                self.files.insert(path, None);
            }
            FileOperation::Modify { original, modified } => {
                let (from, to) = (path_of(&original)?, path_of(&modified)?);
                // `diff -u a.orig a` names two files and means the second.
                let path = if self.now(&to)?.is_some() { to } else { from };
                self.modify(&path, path.clone(), file)?;
            }
            FileOperation::Rename { from, to } => {
                let (from, to) = (path_of(&from)?, path_of(&to)?);
                self.refuse_taken(&format!("renames `{from}` over"), &to)?;
                self.modify(&from, to, file)?;
                self.files.insert(from, None);
            }
            FileOperation::Copy { from, to } => {
                let (from, to) = (path_of(&from)?, path_of(&to)?);
                self.refuse_taken(&format!("copies `{from}` over"), &to)?;
                self.modify(&from, to, file)?;
            }
        }
        Ok(())
    }

    fn modify(
        &mut self,
        from: &RelPath,
        to: RelPath,
        file: &FilePatch<'_, [u8]>,
    ) -> Result<(), Unusable> {
        let (bytes, was) = self.there(from)?;
        let patched = self.patched(from, &bytes, file.patch())?;
        self.files.insert(to, Some((patched, mode(file, was))));
        Ok(())
    }

    fn refuse_taken(&self, does: &str, path: &RelPath) -> Result<(), Unusable> {
        match self.now(path)? {
            None => Ok(()),
            Some(_) => Err(unusable(format!(
                "the patch {does} `{path}`, which is there already"
            ))),
        }
    }

    fn there(&self, path: &RelPath) -> Result<(Vec<u8>, Mode), Unusable> {
        self.now(path)?.ok_or_else(|| {
            unusable(format!(
                "the patch changes `{path}`, which is not there: is it for another version?"
            ))
        })
    }

    /// The file as it is after what was planned so far.
    fn now(&self, path: &RelPath) -> Result<Content, Unusable> {
        if let Some(planned) = self.files.get(path) {
            return Ok(planned.clone());
        }
        self.refuse_links(path)?;
        let Ok(about) = self.dir.symlink_metadata(path.as_str()) else {
            return Ok(None);
        };
        if !about.is_file() {
            return Err(unusable(format!(
                "the patch names `{path}`, which is no plain file here"
            )));
        }
        if about.len() > FILE_BYTES_MAX {
            return Err(unusable(format!(
                "the patch changes `{path}`, which is larger than {} MiB",
                FILE_BYTES_MAX >> 20
            )));
        }
        let bytes = self
            .dir
            .read(path.as_str())
            .map_err(|error| unusable(format!("`{path}` cannot be read: {error}")))?;
        let mode = match about.permissions().mode() & 0o111 {
            0 => Mode::Plain,
            _ => Mode::Executable,
        };
        Ok(Some((bytes, mode)))
    }

    /// A folder that is a link could lead anywhere.
    fn refuse_links(&self, path: &RelPath) -> Result<(), Unusable> {
        let mut folder = path.parent();
        while let Some(above) = folder {
            let about = self.dir.symlink_metadata(above.as_str());
            if about.is_ok_and(|about| !about.is_dir()) {
                return Err(unusable(format!(
                    "the patch names `{path}`, and `{above}` is no folder here"
                )));
            }
            folder = above.parent();
        }
        Ok(())
    }

    fn patched(
        &mut self,
        path: &RelPath,
        bytes: &[u8],
        change: &PatchKind<'_, [u8]>,
    ) -> Result<Vec<u8>, Unusable> {
        let text = match change {
            PatchKind::Text(text) => text,
            PatchKind::Binary(BinaryPatch::Marker) => {
                return Err(unusable(format!(
                    "the patch says that binary file `{path}` differs, and not how: make it with \
                     `git diff --binary`"
                )));
            }
            PatchKind::Binary(binary) => {
                return binary.apply(bytes).map_err(|error| {
                    unusable(format!("the binary patch of `{path}` is damaged: {error}"))
                });
            }
        };
        self.hunks += text.hunks().len();
        if self.hunks > HUNKS_MAX {
            return Err(unusable(format!(
                "the patch has more than {HUNKS_MAX} hunks: nobody could review it"
            )));
        }
        let failed = match diffy::apply_bytes(bytes, text) {
            Ok(patched) => return Ok(patched),
            Err(failed) => failed,
        };
        if let Some(patched) = with_its_own_line_ends(bytes, text) {
            let note = format!("`{path}` keeps its line ends, which the patch has otherwise");
            self.notes.push(note);
            return Ok(patched);
        }
        if diffy::apply_bytes(bytes, &text.reverse()).is_ok() {
            return Err(unusable(format!(
                "the patch does not fit `{path}`, but does turned round: it is there already, or \
                 was made the wrong way round"
            )));
        }
        Err(unusable(format!(
            "the patch does not fit `{path}` ({failed}): is it for another version?"
        )))
    }

    fn write(&self) -> Result<()> {
        for (path, content) in &self.files {
            self.write_one(path, content)
                .with_context(|| format!("write `{path}`"))?;
        }
        Ok(())
    }

    fn write_one(&self, path: &RelPath, content: &Content) -> std::io::Result<()> {
        if self.dir.symlink_metadata(path.as_str()).is_ok() {
            self.dir.remove_file(path.as_str())?;
        }
        let Some((bytes, mode)) = content else {
            return Ok(());
        };
        if let Some(parent) = path.parent() {
            self.dir.create_dir_all(parent.as_str())?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(match mode {
            Mode::Plain => 0o644,
            Mode::Executable => 0o755,
        });
        let mut file = self.dir.open_with(Path::new(path.as_str()), &options)?;
        file.write_all(bytes)
    }
}

/// The mode a file gets.
fn mode(file: &FilePatch<'_, [u8]>, was: Mode) -> Mode {
    match file.new_mode() {
        Some(FileMode::Executable) => Mode::Executable,
        Some(FileMode::Regular) => Mode::Plain,
        Some(FileMode::Symlink | FileMode::Gitlink) | None => was,
    }
}

/// Links and submodules are no content that could be reviewed.
fn refuse_modes(
    operation: &FileOperation<'_, [u8]>,
    file: &FilePatch<'_, [u8]>,
) -> Result<(), Unusable> {
    let (FileOperation::Create(path)
    | FileOperation::Delete(path)
    | FileOperation::Modify { modified: path, .. }
    | FileOperation::Rename { to: path, .. }
    | FileOperation::Copy { to: path, .. }) = operation;
    let path = String::from_utf8_lossy(path).escape_debug().to_string();
    let modes = [file.old_mode(), file.new_mode()];
    if modes.contains(&Some(&FileMode::Symlink)) {
        return Err(unusable(format!(
            "the patch makes, changes or removes the symbolic link `{path}`: it could lead \
             anywhere, and is not judged"
        )));
    }
    if modes.contains(&Some(&FileMode::Gitlink)) {
        return Err(unusable(format!(
            "the patch moves the submodule `{path}`, whose content is not here to be judged"
        )));
    }
    Ok(())
}

/// The operation without the part that git puts before paths (`a/`, `b/`), or any other first
/// part where only what is behind it exists here.
fn stripped<'patch>(
    operation: &'patch FileOperation<'patch, [u8]>,
    dir: &Dir,
) -> FileOperation<'patch, [u8]> {
    let paths: Vec<&[u8]> = match operation {
        FileOperation::Create(path) | FileOperation::Delete(path) => vec![path],
        FileOperation::Modify { original, modified } => vec![original, modified],
        // Git writes these without it.
        FileOperation::Rename { .. } | FileOperation::Copy { .. } => {
            return operation.strip_prefix(0);
        }
    };
    let is_prefixed = paths
        .iter()
        .all(|path| path.starts_with(b"a/") || path.starts_with(b"b/"));
    let is_here = |path: &[u8]| {
        let path = std::str::from_utf8(path).unwrap_or_default();
        RelPath::new(path).is_ok() && dir.symlink_metadata(path).is_ok()
    };
    let is_here_behind = |path: &&[u8]| {
        let slash = path.iter().position(|byte| *byte == b'/');
        slash.is_some_and(|slash| is_here(&path[slash + 1..]))
    };
    let as_written = paths.iter().any(|path| is_here(path));
    let takes = is_prefixed || !as_written && paths.iter().any(is_here_behind);
    operation.strip_prefix(usize::from(takes))
}

fn path_of(path: &[u8]) -> Result<RelPath, Unusable> {
    let text = std::str::from_utf8(path).map_err(|_| {
        unusable(format!(
            "the patch names `{}`, which is no UTF-8",
            String::from_utf8_lossy(path).escape_debug()
        ))
    })?;
    let path = RelPath::new(text)
        .map_err(|error| unusable(format!("the patch leaves the project: {error}")))?;
    let mut parts = path.as_str().split('/');
    if parts.any(|part| part.eq_ignore_ascii_case(".git")) {
        return Err(unusable(format!(
            "the patch names `{path}`, inside the repository's own folder"
        )));
    }
    Ok(path)
}

/// Applies a patch to a file whose lines end in CR LF, where that is all that differs.
fn with_its_own_line_ends(bytes: &[u8], text: &diffy::Patch<'_, [u8]>) -> Option<Vec<u8>> {
    let plain = without_carriage_returns(bytes);
    if plain.len() == bytes.len() {
        return None;
    }
    let patched = diffy::apply_bytes(&plain, text).ok()?;
    Some(with_carriage_returns(&patched))
}

/// The text with `\n` in place of `\r\n`.
fn without_carriage_returns(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    for (index, byte) in text.iter().enumerate() {
        if *byte != b'\r' || text.get(index + 1) != Some(&b'\n') {
            plain.push(*byte);
        }
    }
    plain
}

fn with_carriage_returns(text: &[u8]) -> Vec<u8> {
    let mut ended = Vec::with_capacity(text.len());
    for byte in text {
        if *byte == b'\n' {
            ended.push(b'\r');
        }
        ended.push(*byte);
    }
    ended
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests;
