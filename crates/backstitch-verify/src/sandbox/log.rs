//! Carries a job's output from its pipes into log files, up to a bound.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;

use super::error::SandboxError;
use super::job::{Output, Stream};

/// The most bytes taken from a pipe before something else gets its turn.
const TURN_BYTES: usize = 1 << 20;

/// The pipes and the files they go to.
pub(super) struct Logs {
    channels: Vec<Channel>,
    bytes_max: u64,
    /// Bytes read so far.
    pub(super) bytes: u64,
    /// Whether more was printed than the files hold.
    pub(super) truncated: bool,
}

/// One pipe and its file.
struct Channel {
    stream: Stream,
    /// Nothing once the other end is closed.
    pipe: Option<File>,
    file: File,
    path: PathBuf,
}

impl Logs {
    /// Opens the files and the pipes; returns the pipes' other ends for standard output and error.
    pub(super) fn open(
        output: &Output,
        bytes_max: u64,
    ) -> Result<(Self, (OwnedFd, OwnedFd)), SandboxError> {
        let (channels, writers) = match output {
            Output::Merged { log } => {
                let (channel, writer) = Channel::open(Stream::Merged, log)?;
                let second = writer.try_clone()?;
                (vec![channel], (writer, second))
            }
            Output::Split { stdout, stderr } => {
                let (first, out) = Channel::open(Stream::Stdout, stdout)?;
                let (second, error) = Channel::open(Stream::Stderr, stderr)?;
                (vec![first, second], (out, error))
            }
        };
        Ok((
            Self {
                channels,
                bytes_max,
                bytes: 0,
                truncated: false,
            },
            writers,
        ))
    }

    /// The pipes that something may still be written to.
    pub(super) fn open_pipes(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.channels
            .iter()
            .filter_map(|channel| channel.pipe.as_ref().map(AsFd::as_fd))
    }

    /// Takes what is in the pipes, without waiting for more.
    pub(super) fn read(
        &mut self,
        observer: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<(), SandboxError> {
        let mut chunk = vec![0; 1 << 16];
        for number in 0..self.channels.len() {
            let mut taken = 0;
            while taken < TURN_BYTES {
                let length = self.channels[number].take(&mut chunk)?;
                if length == 0 {
                    break;
                }
                taken += length;
                self.keep(number, &chunk[..length], observer)?;
            }
        }
        Ok(())
    }

    fn keep(
        &mut self,
        number: usize,
        chunk: &[u8],
        observer: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<(), SandboxError> {
        let room = self.bytes_max.saturating_sub(self.bytes);
        let kept = usize::try_from(room).unwrap_or(usize::MAX).min(chunk.len());
        self.bytes += chunk.len() as u64;
        self.truncated |= kept < chunk.len();
        let channel = &mut self.channels[number];
        channel
            .file
            .write_all(&chunk[..kept])
            .map_err(|source| SandboxError::Log {
                path: channel.path.clone(),
                source,
            })?;
        if kept > 0 {
            observer(channel.stream, &chunk[..kept]);
        }
        Ok(())
    }
}

impl Channel {
    fn open(stream: Stream, path: &Path) -> Result<(Self, OwnedFd), SandboxError> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(path)
            .map_err(|source| SandboxError::Log {
                path: path.to_path_buf(),
                source,
            })?;
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
        fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let pipe = Some(File::from(reader));
        Ok((
            Self {
                stream,
                pipe,
                file,
                path: path.to_path_buf(),
            },
            writer,
        ))
    }

    /// Reads a piece; 0 means that there is none now.
    fn take(&mut self, chunk: &mut [u8]) -> Result<usize, SandboxError> {
        let Some(pipe) = &mut self.pipe else {
            return Ok(0);
        };
        match pipe.read(chunk) {
            Ok(0) => {
                self.pipe = None;
                Ok(0)
            }
            Ok(length) => Ok(length),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            Err(error) => Err(error.into()),
        }
    }
}
