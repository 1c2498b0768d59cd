//! Reads the shape of lockfile that Cargo itself writes: one key or table a line, plain
//! strings, one dependency a line.
//!
//! Anything else, even if it is good TOML, gives `None`: escapes, other tables, repeated
//! keys, missing names, quotes in a comment. A test holds it to what the TOML reader says.

use std::collections::HashSet;
use std::ops::Range;

use memchr::arch;

use super::{Raw, RawPackage};

/// Fewer bytes than a package takes with what it needs, in most lockfiles.
const PACKAGE_BYTES: usize = 200;

/// Fewer bytes of a lockfile than there are to each dependency, in most.
const DEPENDENCY_BYTES: usize = 64;

/// Reads the text, borrowing from it; `None` where a line is not as Cargo writes it.
pub(super) fn parse(text: &str) -> Option<Raw<'_>> {
    let mut reader = Reader {
        lines: Lines(text),
        raw: with_room_for(text),
        strings: 0,
        metadata_keys: None,
        has_root: false,
    };
    if !has_plain_bytes(text) || !has_whole_line_ends(text) {
        return None;
    }
    let mut table = reader.top()?;
    while let Some(header) = table {
        table = reader.table(header)?;
    }
    // Each string has one quote at each end. Where that is all there are, none has another
    // inside; to count them at once takes a tenth of a look into each.
    let quotes = count(text.as_bytes(), b'"');
    (quotes == 2 * reader.strings).then_some(reader.raw)
}

/// Room for about what a text of that length has; lists that grow are copied again and again.
fn with_room_for(text: &str) -> Raw<'_> {
    Raw {
        packages: Vec::with_capacity(text.len() / PACKAGE_BYTES),
        dependencies: Vec::with_capacity(text.len() / DEPENDENCY_BYTES),
        ..Raw::default()
    }
}

struct Reader<'text> {
    lines: Lines<'text>,
    raw: Raw<'text>,
    /// How many strings were read.
    strings: usize,
    metadata_keys: Option<HashSet<&'text str>>,
    has_root: bool,
}

/// Like [`str::lines`], with a search that looks at many bytes at once.
struct Lines<'text>(&'text str);

impl<'text> Iterator for Lines<'text> {
    type Item = &'text str;

    fn next(&mut self) -> Option<&'text str> {
        if self.0.is_empty() {
            return None;
        }
        let end = line_end(self.0.as_bytes());
        let line = self.0.get(..end.unwrap_or(self.0.len()))?;
        self.0 = end
            .and_then(|end| self.0.get(end + 1..))
            .unwrap_or_default();
        Some(line.strip_suffix('\r').unwrap_or(line))
    }
}

/// A table's header, or `None` at the end of the text.
type Next<'text> = Option<&'text str>;

impl<'text> Reader<'text> {
    /// What stands before the first table: comments and the version.
    fn top(&mut self) -> Option<Next<'text>> {
        while let Some(line) = self.line() {
            if line.starts_with('[') {
                return Some(Some(line));
            }
            let number = line.strip_prefix("version = ")?;
            let is_plain = number.len() <= 9
                && number.bytes().all(|byte| byte.is_ascii_digit())
                && (number.len() == 1 || !number.starts_with('0'));
            if !is_plain || self.raw.version.is_some() {
                return None;
            }
            self.raw.version = Some(number.parse().ok()?);
        }
        Some(None)
    }

    /// Reads the table under `header` up to the next one.
    fn table(&mut self, header: &'text str) -> Option<Next<'text>> {
        match header {
            "[[package]]" => {
                let (package, next) = self.package()?;
                self.raw.packages.push(package);
                Some(next)
            }
            "[[patch.unused]]" => {
                let (package, next) = self.package()?;
                self.raw.unused_patches.push(package.name);
                Some(next)
            }
            "[root]" if !self.has_root => {
                let (package, next) = self.package()?;
                self.has_root = true;
                self.raw.packages.insert(0, package);
                Some(next)
            }
            "[metadata]" if self.metadata_keys.is_none() => self.metadata(),
            _ => None,
        }
    }

    /// The next line that is neither empty nor a comment.
    fn line(&mut self) -> Option<&'text str> {
        self.lines
            .by_ref()
            .find(|line| !line.is_empty() && !line.starts_with('#'))
    }

    fn package(&mut self) -> Option<(RawPackage<'text>, Next<'text>)> {
        let (mut name, mut version, mut source, mut checksum) = (None, None, None, None);
        let (mut replace, mut dependencies) = (None, None);
        let none_yet = self.raw.dependencies.len();
        let next = loop {
            let Some(line) = self.line() else { break None };
            if line.starts_with('[') {
                break Some(line);
            }
            if let Some(value) = line.strip_prefix("name = ") {
                set(&mut name, self.plain(value)?)?;
            } else if let Some(value) = line.strip_prefix("version = ") {
                set(&mut version, self.plain(value)?)?;
            } else if let Some(value) = line.strip_prefix("source = ") {
                set(&mut source, self.plain(value)?)?;
            } else if let Some(value) = line.strip_prefix("checksum = ") {
                set(&mut checksum, self.plain(value)?)?;
            } else if let Some(value) = line.strip_prefix("dependencies = ") {
                set(&mut dependencies, self.dependencies(value)?)?;
            } else {
                set(&mut replace, self.plain(line.strip_prefix("replace = ")?)?)?;
            }
        };
        let package = RawPackage {
            name: name?,
            version: version?,
            source,
            checksum,
            dependencies: dependencies.unwrap_or(none_yet..none_yet),
        };
        Some((package, next))
    }

    /// A list over several lines, each item with a comma, as Cargo writes it.
    /// Answers where in the list of all they are.
    fn dependencies(&mut self, opening: &str) -> Option<Range<usize>> {
        let first = self.raw.dependencies.len();
        match opening {
            "[]" => return Some(first..first),
            "[" => {}
            _ => return None,
        }
        loop {
            let line = self.lines.next()?;
            if line == "]" {
                return Some(first..self.raw.dependencies.len());
            }
            let dependency = self.plain(line.strip_prefix(' ')?.strip_suffix(',')?)?;
            self.raw.dependencies.push(dependency);
        }
    }

    fn metadata(&mut self) -> Option<Next<'text>> {
        let mut keys = HashSet::new();
        let next = loop {
            let Some(line) = self.line() else { break None };
            if line.starts_with('[') {
                break Some(line);
            }
            let (key, value) = line.split_once(" = ")?;
            let key = self.plain(key)?;
            if !keys.insert(key) {
                return None;
            }
            let value = self.plain(value)?;
            self.raw.metadata.push((key, value));
        };
        self.metadata_keys = Some(keys);
        // The TOML reader keeps these by key.
        self.raw.metadata.sort_unstable();
        Some(next)
    }

    /// A basic string. Escapes, and what TOML forbids inside one, are nowhere in the text;
    /// that no quote is inside one is known at the end.
    fn plain(&mut self, quoted: &'text str) -> Option<&'text str> {
        self.strings += 1;
        quoted.strip_prefix('"')?.strip_suffix('"')
    }
}

/// Sets a key that TOML allows once.
fn set<Value>(place: &mut Option<Value>, value: Value) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// No byte begins an escape, and none is one that TOML forbids in a string or a comment; a
/// tab, which it allows, is not what Cargo writes. Looks at every byte of the text without
/// stopping, which the compiler turns into a few wide instructions.
fn has_plain_bytes(text: &str) -> bool {
    let is_bad = |byte: u8| {
        let is_control = byte < 0x20 && byte != b'\n' && byte != b'\r';
        is_control || byte == 0x7f || byte == b'\\'
    };
    !text.bytes().fold(false, |bad, byte| bad | is_bad(byte))
}

/// A line loses its carriage return here, and TOML allows one only before a line feed.
fn has_whole_line_ends(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_whole = |pair: &[u8]| pair[0] != b'\r' || pair[1] == b'\n';
    // Most texts have none.
    count(bytes, b'\r') == 0 || (bytes.windows(2).all(is_whole) && !text.ends_with('\r'))
}

/// Where the first line feed is. With what every processor of the architecture has: to ask
/// this one what more it can do, as `memchr` alone does, takes longer than it ever saves on
/// lines as short as these. On a virtual machine each such question leaves the machine.
fn line_end(bytes: &[u8]) -> Option<usize> {
    const LINE_FEED: u8 = b'\n';
    #[cfg(target_arch = "x86_64")]
    if let Some(one) = arch::x86_64::sse2::memchr::One::new(LINE_FEED) {
        return one.find(bytes);
    }
    arch::all::memchr::One::new(LINE_FEED).find(bytes)
}

/// How often `wanted` is among `bytes`.
fn count(bytes: &[u8], wanted: u8) -> usize {
    // As many as a byte can count: so the compiler counts in many of them at once.
    let counts = bytes.chunks(usize::from(u8::MAX)).map(|chunk| {
        let one = |byte: &u8| u8::from(*byte == wanted);
        chunk.iter().map(one).sum::<u8>()
    });
    counts.map(usize::from).sum()
}
