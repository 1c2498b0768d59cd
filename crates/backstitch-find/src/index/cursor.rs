//! Reading and writing the index's primitives: little-endian numbers and counted texts.
//!
//! Reads never panic: past the end, in a damaged chunk, or on text that is no UTF-8, they
//! give `None`.

use super::chunks::Chunks;

/// A position in bytes that nobody vouches for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'data> {
    bytes: Bytes<'data>,
    at: usize,
}

#[derive(Debug, Clone, Copy)]
enum Bytes<'data> {
    /// Checked as a whole beforehand.
    Plain(&'data [u8]),
    /// Checked where they are read.
    Chunked(Chunks<'data>),
}

impl<'data> Cursor<'data> {
    /// Reads bytes that were checked as a whole.
    pub(super) fn new(bytes: &'data [u8]) -> Self {
        Self {
            bytes: Bytes::Plain(bytes),
            at: 0,
        }
    }

    /// Reads a section from `at` on, and checks each chunk that it comes to.
    pub(super) fn within(chunks: Chunks<'data>, at: usize) -> Self {
        Self {
            bytes: Bytes::Chunked(chunks),
            at,
        }
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'data [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = match self.bytes {
            Bytes::Plain(bytes) => bytes.get(self.at..end)?,
            Bytes::Chunked(chunks) => chunks.get(self.at..end)?,
        };
        self.at = end;
        Some(taken)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|taken| taken[0])
    }

    pub(super) fn number(&mut self) -> Option<u32> {
        let taken = self.take(4)?;
        taken.try_into().ok().map(u32::from_le_bytes)
    }

    pub(super) fn long(&mut self) -> Option<u64> {
        let taken = self.take(8)?;
        taken.try_into().ok().map(u64::from_le_bytes)
    }

    /// A number used as an offset or a count.
    pub(super) fn size(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    /// A count of things that take at least one byte each: more than are left is damage.
    pub(super) fn count(&mut self) -> Option<usize> {
        let count = self.size()?;
        let length = match self.bytes {
            Bytes::Plain(bytes) => bytes.len(),
            Bytes::Chunked(chunks) => chunks.length(),
        };
        (count <= length.saturating_sub(self.at)).then_some(count)
    }

    pub(super) fn text(&mut self) -> Option<&'data str> {
        let length = self.size()?;
        std::str::from_utf8(self.take(length)?).ok()
    }

    pub(super) fn texts(&mut self) -> Option<Vec<&'data str>> {
        (0..self.count()?).map(|_| self.text()).collect()
    }

    pub(super) fn owned_texts(&mut self) -> Option<Vec<String>> {
        (0..self.count()?)
            .map(|_| self.text().map(str::to_owned))
            .collect()
    }
}

/// Appends what [`Cursor`] reads. Sizes past 32 bits set `overflowed`.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
    pub(super) overflowed: bool,
}

impl Writer {
    pub(super) fn byte(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub(super) fn size(&mut self, value: usize) {
        let number = u32::try_from(value).unwrap_or_else(|_| {
            self.overflowed = true;
            0
        });
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn long(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.size(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(super) fn texts<Text: AsRef<str>>(&mut self, texts: &[Text]) {
        self.size(texts.len());
        for text in texts {
            self.text(text.as_ref());
        }
    }
}
