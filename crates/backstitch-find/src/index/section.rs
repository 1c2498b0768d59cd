//! One ecosystem's records: a table of package names in byte order, then the data.
//!
//! Layout: the number of packages; per package the name's place and length, and where its
//! entries lie and how many there are; then names, entries and records in any order. What is
//! read is checked chunk by chunk.

use std::cmp::Ordering;

use backstitch_model::Advisory;
use backstitch_model::package::Ecosystem;

use super::Cursor;
use super::chunks::Chunks;
use super::entry::{AffectedEntry, read_affected, read_record};
use crate::names;

/// Four numbers a package.
pub(super) const ROW_BYTES: usize = 16;

/// Where the table begins: after the number of packages.
pub(super) const TABLE_AT: usize = 4;

/// The records on one ecosystem's packages, each checked before it is read.
#[derive(Debug, Clone)]
pub struct Section<'index> {
    chunks: Chunks<'index>,
    packages: usize,
    ecosystem: Ecosystem,
}

/// Names are compared as bytes, in whose order they are; a lookup passes many that nobody reads.
#[derive(Debug, Clone, Copy)]
struct Row<'index> {
    name: &'index [u8],
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
        let row = self.row(self.place_of(&name).ok_or_else(damage)?);
        match row {
            Some(row) if row.name == name.as_bytes() => self.read_entries(row).ok_or_else(damage),
            Some(_) | None => Ok(Vec::new()),
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
            let name = std::str::from_utf8(row.name).map_err(|_| self.damage("table"))?;
            if last_name.is_some_and(|last| last >= name) {
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

    /// Where `name` is in the table, or would be; `None` means damage.
    fn place_of(&self, name: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.packages);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.row(middle)?.name.cmp(name.as_bytes()) {
                Ordering::Less => low = middle + 1,
                Ordering::Equal | Ordering::Greater => high = middle,
            }
        }
        Some(low)
    }

    /// One row; `None` means damage, or a position behind the last.
    fn row(&self, position: usize) -> Option<Row<'index>> {
        if position >= self.packages {
            return None;
        }
        let at = position.checked_mul(ROW_BYTES)?.checked_add(TABLE_AT)?;
        let taken = Cursor::within(self.chunks, at).take(ROW_BYTES)?;
        let mut cursor = Cursor::new(taken);
        let name_at = cursor.size()?;
        let name_length = cursor.size()?;
        let name = Cursor::within(self.chunks, name_at).take(name_length)?;
        Some(Row {
            name,
            entries_at: cursor.size()?,
            entries: cursor.size()?,
        })
    }
}
