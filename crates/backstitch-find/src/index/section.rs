//! One ecosystem's records: a table of package names in byte order, then the data.
//!
//! Layout: the number of packages; per package the name's beginning, place and length, and
//! where its entries lie and how many there are; then names, entries and records in any
//! order. What is read is checked chunk by chunk.

use backstitch_model::Advisory;
use backstitch_model::package::Ecosystem;

use super::Cursor;
use super::chunks::Chunks;
use super::entry::{AffectedEntry, read_affected, read_record};
use crate::names;

/// The name's beginning and four numbers a package.
pub(super) const ROW_BYTES: usize = 24;

/// Where the table begins: after the number of packages.
pub(super) const TABLE_AT: usize = 4;

/// The records on one ecosystem's packages, each checked before it is read.
#[derive(Debug, Clone)]
pub struct Section<'index> {
    chunks: Chunks<'index>,
    packages: usize,
    ecosystem: Ecosystem,
}

/// The beginning of a name as a number: where two differ, they stand as the names do. A
/// lookup passes many names, and needs the whole of few.
pub(super) fn beginning(name: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let length = name.len().min(bytes.len());
    bytes[..length].copy_from_slice(&name[..length]);
    u64::from_be_bytes(bytes)
}

/// Names are compared as bytes, in whose order they are.
#[derive(Debug, Clone, Copy)]
struct Row<'index> {
    chunks: Chunks<'index>,
    beginning: u64,
    name_at: usize,
    name_length: usize,
    entries_at: usize,
    entries: usize,
}

impl<'index> Section<'index> {
    pub(super) fn open(chunks: Chunks<'index>, ecosystem: &str) -> Option<Self> {
        let packages = Cursor::within(chunks, 0).size()?;
        let table_end = packages.checked_mul(ROW_BYTES)?.checked_add(TABLE_AT)?;
        (table_end <= chunks.length()).then(|| Self {
            chunks,
            packages,
            ecosystem: Ecosystem::from_osv(ecosystem),
        })
    }

    /// The ecosystem.
    pub fn ecosystem(&self) -> &Ecosystem {
        &self.ecosystem
    }

    /// What records say of `package`; empty where none does. The name is normalised first.
    /// The error names the damaged part.
    pub fn entries(&self, package: &str) -> Result<Vec<AffectedEntry<'index>>, String> {
        let name = names::normalised(&self.ecosystem, package);
        let damage = || self.damage(&name);
        match self.find(&name)? {
            Some(row) => self.read_entries(row).ok_or_else(damage),
            None => Ok(Vec::new()),
        }
    }

    /// The record that an entry belongs to, without what it affects.
    pub fn record(&self, entry: &AffectedEntry<'_>) -> Result<Advisory, String> {
        read_record(&mut Cursor::within(self.chunks, entry.record_at))
            .ok_or_else(|| format!("record at {} of `{}`", entry.record_at, self.ecosystem))
    }

    /// Checks every byte of it, whether or not a lookup would come to it.
    pub(crate) fn check(&self) -> Result<(), String> {
        let damage = || format!("section `{}`", self.ecosystem);
        self.chunks.is_whole().then_some(()).ok_or_else(damage)
    }

    /// Checks every byte and reads everything once; the error names the first damaged part.
    pub(super) fn walk(&self) -> Result<(), String> {
        self.check()?;
        let mut last_name = None;
        for position in 0..self.packages {
            let row = self.row(position).ok_or_else(|| self.damage("table"))?;
            let name = row
                .name()
                .and_then(|name| std::str::from_utf8(name).ok())
                .ok_or_else(|| self.damage("table"))?;
            let is_out_of_order = last_name.is_some_and(|last| last >= name);
            if is_out_of_order || row.beginning != beginning(name.as_bytes()) {
                return Err(self.damage(name));
            }
            last_name = Some(name);
            let entries = self.read_entries(row).ok_or_else(|| self.damage(name))?;
            for entry in &entries {
                self.record(entry)?;
            }
        }
        Ok(())
    }

    fn damage(&self, package: &str) -> String {
        format!(
            "section `{}` at `{}`",
            self.ecosystem,
            package.escape_debug()
        )
    }

    fn read_entries(&self, row: Row<'_>) -> Option<Vec<AffectedEntry<'index>>> {
        if row.entries > self.chunks.length() {
            return None;
        }
        let mut cursor = Cursor::within(self.chunks, row.entries_at);
        (0..row.entries)
            .map(|_| read_affected(&mut cursor))
            .collect()
    }

    /// The row of `name`, if it has one.
    fn find(&self, name: &str) -> Result<Option<Row<'index>>, String> {
        let damage = || self.damage(name);
        let begins = beginning(name.as_bytes());
        let (mut low, mut high) = (0, self.packages);
        while low < high {
            let middle = low + (high - low) / 2;
            let beginning = self.beginning(middle).ok_or_else(damage)?;
            let mut order = beginning.cmp(&begins);
            if order.is_eq() {
                let row = self.row(middle).ok_or_else(damage)?;
                order = row.name().ok_or_else(damage)?.cmp(name.as_bytes());
                if order.is_eq() {
                    return Ok(Some(row));
                }
            }
            if order.is_lt() {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(None)
    }

    /// The beginning of the name in one row; `None` as for the row.
    fn beginning(&self, position: usize) -> Option<u64> {
        let bytes = self.row_bytes(position)?.first_chunk()?;
        Some(u64::from_le_bytes(*bytes))
    }

    /// One row's bytes; `None` means damage, or a position behind the last.
    fn row_bytes(&self, position: usize) -> Option<&'index [u8]> {
        if position >= self.packages {
            return None;
        }
        let at = position.checked_mul(ROW_BYTES)?.checked_add(TABLE_AT)?;
        self.chunks.get(at..at.checked_add(ROW_BYTES)?)
    }

    /// One row; `None` as for its bytes.
    fn row(&self, position: usize) -> Option<Row<'index>> {
        let mut cursor = Cursor::new(self.row_bytes(position)?);
        Some(Row {
            chunks: self.chunks,
            beginning: cursor.long()?,
            name_at: cursor.size()?,
            name_length: cursor.size()?,
            entries_at: cursor.size()?,
            entries: cursor.size()?,
        })
    }
}

impl<'index> Row<'index> {
    /// The name; `None` means damage.
    fn name(&self) -> Option<&'index [u8]> {
        Cursor::within(self.chunks, self.name_at).take(self.name_length)
    }
}
