//! A section's bytes in chunks, each checked against its digest before the first byte of it
//! is used. Knows nothing of what the bytes mean.
//!
//! The digests lie behind the section's bytes, in the order of the chunks, and have a digest
//! of their own in the directory; they are checked against it before the first one is used.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// The length of a chunk; a section's last one may be shorter. A lookup reads some hundred
/// bytes in a place or two, so a smaller chunk costs less, down to where a hash no longer
/// looks at several of its blocks at once.
pub(super) const CHUNK_BYTES: usize = 4 << 10;

/// The length of a digest.
pub(super) const DIGEST_BYTES: usize = blake3::OUT_LEN;

/// The digest of each chunk of `bytes`, one after the other.
pub(super) fn digests(bytes: &[u8]) -> Vec<u8> {
    bytes
        .chunks(CHUNK_BYTES)
        .flat_map(|chunk| *blake3::hash(chunk).as_bytes())
        .collect()
}

/// How many bytes the digests of a section with `length` bytes take.
pub(super) fn digests_length(length: usize) -> usize {
    // A chunk is longer than its digest, so this is never more than `length` and a digest.
    length.div_ceil(CHUNK_BYTES) * DIGEST_BYTES
}

/// Which chunks of a section were found to be sound; `None` where their digests are not.
#[derive(Debug, Default)]
pub(super) struct Seen(OnceLock<Option<Box<[AtomicBool]>>>);

impl Seen {
    /// The section with these bytes, for reading; `None` where its digests do not match
    /// `digest`, or are not one a chunk.
    pub(super) fn open<'index>(
        &'index self,
        bytes: &'index [u8],
        digests: &'index [u8],
        digest: &[u8; DIGEST_BYTES],
    ) -> Option<Chunks<'index>> {
        let sound = self.0.get_or_init(|| {
            let fits = digests.len() == digests_length(bytes.len());
            let matches = fits && blake3::hash(digests).as_bytes() == digest;
            let none_yet = || bytes.chunks(CHUNK_BYTES).map(|_| AtomicBool::new(false));
            matches.then(|| none_yet().collect())
        });
        Some(Chunks {
            bytes,
            digests,
            sound: sound.as_deref()?,
        })
    }
}

/// A section's bytes, of which none is given out unchecked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunks<'index> {
    bytes: &'index [u8],
    digests: &'index [u8],
    sound: &'index [AtomicBool],
}

impl<'index> Chunks<'index> {
    /// How many bytes there are.
    pub(super) fn length(&self) -> usize {
        self.bytes.len()
    }

    /// The bytes at `range`; `None` where it ends behind the last, or one of the chunks that
    /// it touches is damaged.
    pub(super) fn get(&self, range: Range<usize>) -> Option<&'index [u8]> {
        let bytes = self.bytes.get(range.clone())?;
        let touched = range.start / CHUNK_BYTES..range.end.div_ceil(CHUNK_BYTES);
        (bytes.is_empty() || self.are_sound(touched)).then_some(bytes)
    }

    /// Checks every chunk.
    pub(super) fn is_whole(&self) -> bool {
        self.are_sound(0..self.sound.len())
    }

    fn are_sound(&self, mut chunks: Range<usize>) -> bool {
        chunks.all(|number| match self.sound.get(number) {
            // The bytes do not change, so it does not matter which thread sees the mark when.
            Some(sound) => sound.load(Ordering::Relaxed) || self.check(number, sound),
            None => false,
        })
    }

    #[cold]
    fn check(&self, number: usize, sound: &AtomicBool) -> bool {
        let matches = self.matches(number) == Some(true);
        sound.store(matches, Ordering::Relaxed);
        matches
    }

    fn matches(&self, number: usize) -> Option<bool> {
        let chunk = self.bytes.chunks(CHUNK_BYTES).nth(number)?;
        let digest = self.digests.chunks_exact(DIGEST_BYTES).nth(number)?;
        Some(blake3::hash(chunk).as_bytes() == digest)
    }
}
