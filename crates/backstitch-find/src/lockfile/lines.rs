//! Reads the shape of lockfile that Cargo itself writes: one key or table a line, plain
//! strings, one dependency a line.
//!
//! Anything else, even if it is good TOML, gives `None`: escapes, other tables, repeated
//! keys, missing names. A test holds it to what the TOML reader says.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{Raw, RawPackage};

/// Reads the text, borrowing from it; `None` where a line is not as Cargo writes it.
pub(super) fn parse(text: &str) -> Option<Raw<'_>> {
    let mut reader = Reader {
        lines: Lines(text),
        raw: Raw::default(),
        metadata_keys: None,
        has_root: false,
    };
    // A line loses its carriage return here, but TOML allows that only before a line feed.
    if text.ends_with('\r') {
        return None;
    }
    let mut table = reader.top()?;
    while let Some(header) = table {
        table = reader.table(header)?;
    }
    Some(reader.raw)
}

struct Reader<'text> {
    lines: Lines<'text>,
    raw: Raw<'text>,
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
        let end = memchr::memchr(b'\n', self.0.as_bytes());
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
            .find(|line| !line.is_empty() && !is_plain_comment(line))
    }

    fn package(&mut self) -> Option<(RawPackage<'text>, Next<'text>)> {
        let (mut name, mut version, mut source, mut checksum) = (None, None, None, None);
        let (mut replace, mut dependencies) = (None, None);
        let next = loop {
            let Some(line) = self.line() else { break None };
            if line.starts_with('[') {
                break Some(line);
            }
            if let Some(value) = line.strip_prefix("name = ") {
                set(&mut name, plain(value)?)?;
            } else if let Some(value) = line.strip_prefix("version = ") {
                set(&mut version, plain(value)?)?;
            } else if let Some(value) = line.strip_prefix("source = ") {
                set(&mut source, plain(value)?)?;
            } else if let Some(value) = line.strip_prefix("checksum = ") {
                set(&mut checksum, plain(value)?)?;
            } else if let Some(value) = line.strip_prefix("dependencies = ") {
                set(&mut dependencies, self.dependencies(value)?)?;
            } else {
                set(&mut replace, plain(line.strip_prefix("replace = ")?)?)?;
            }
        };
        let package = RawPackage {
            name: name?,
            version: version?,
            source,
            checksum,
            dependencies: dependencies.unwrap_or_default(),
        };
        Some((package, next))
    }

    /// A list over several lines, each item with a comma, as Cargo writes it.
    fn dependencies(&mut self, opening: &str) -> Option<Vec<Cow<'text, str>>> {
        match opening {
            "[]" => return Some(Vec::new()),
            "[" => {}
            _ => return None,
        }
        let mut dependencies = Vec::new();
        loop {
            let line = self.lines.next()?;
            if line == "]" {
                return Some(dependencies);
            }
            dependencies.push(plain(line.strip_prefix(' ')?.strip_suffix(',')?)?);
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
            let Cow::Borrowed(key) = plain(key)? else {
                return None;
            };
            if !keys.insert(key) {
                return None;
            }
            self.raw.metadata.push((Cow::Borrowed(key), plain(value)?));
        };
        self.metadata_keys = Some(keys);
        // The TOML reader keeps these by key.
        self.raw.metadata.sort_unstable();
        Some(next)
    }
}

/// Sets a key that TOML allows once.
fn set<Value>(place: &mut Option<Value>, value: Value) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

/// A basic string without escapes and without what TOML forbids inside one.
fn plain(quoted: &str) -> Option<Cow<'_, str>> {
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    is_free_of(inner, |byte| matches!(byte, b'"' | b'\\')).then_some(Cow::Borrowed(inner))
}

/// No byte is `unwanted` or one that TOML forbids in a line. Looks at every byte without
/// stopping, which the compiler turns into a few wide instructions.
fn is_free_of(text: &str, unwanted: impl Fn(u8) -> bool) -> bool {
    let is_bad = |byte: u8| unwanted(byte) || byte < 0x20 || byte == 0x7f;
    !text.bytes().fold(false, |bad, byte| bad | is_bad(byte))
}

fn is_plain_comment(line: &str) -> bool {
    line.starts_with('#') && is_free_of(line, |_| false)
}
