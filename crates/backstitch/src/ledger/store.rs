//! The database: appending events, reading them back, verifying the chain.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use backstitch_model::Digest;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::chain::{self, GENESIS, Link};
use super::event::{Event, RunStart};
use super::history::History;
use super::tables;

/// An open ledger.
#[derive(Debug)]
pub struct Ledger {
    connection: Connection,
    /// Holds the newest sequence and hash, so that cutting the end off shows.
    head: PathBuf,
}

/// One event as it stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place, from 1.
    pub sequence: u64,
    /// The run it belongs to.
    pub run: String,
    /// When it was written, RFC 3339 UTC.
    pub at: String,
    /// What happened.
    pub event: Event,
    /// Its hash.
    pub hash: Digest,
}

/// What checking the whole ledger found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verification {
    /// How many events there are.
    pub events: u64,
    /// What is wrong, each in a sentence; empty when nothing is.
    pub problems: Vec<String>,
}

/// Says why the ledger could not be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The database refused.
    #[error("use ledger `{}`: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What the database says.
        source: rusqlite::Error,
    },
    /// A file beside it could not be written or read.
    #[error("use ledger `{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It was written by a later version of the program.
    #[error(
        "ledger `{}` has format {found}, this version knows format {FORMAT}: use the version that wrote it, or move it away",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: i64,
    },
    /// An event in it makes no sense.
    #[error("ledger event {sequence}: {why}")]
    Event {
        /// Which one.
        sequence: u64,
        /// Why.
        why: String,
    },
}

/// The ledger's format, kept in the database's `user_version`.
const FORMAT: i64 = 1;

/// How many problems a verification names before it stops looking for more.
const PROBLEMS_MAX: usize = 20;

impl Ledger {
    /// Opens the ledger in `folder`, making both where they are missing. Only the
    /// user may read them: they tell what is vulnerable.
    pub fn open(folder: &Path) -> Result<Self, LedgerError> {
        let file = |path: &Path| {
            let path = path.to_owned();
            move |source| LedgerError::File { path, source }
        };
        fs::create_dir_all(folder).map_err(file(folder))?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(file(folder))?;
        let path = folder.join("ledger.sqlite");
        fs::OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(file(&path))?;
        let connection = connect(&path)?;
        Ok(Self {
            connection,
            head: folder.join("ledger.head"),
        })
    }

    /// Appends one event and returns once it is on the disk.
    pub fn append(&mut self, run: &str, event: &Event) -> Result<Digest, LedgerError> {
        let at = jiff::Timestamp::now().to_string();
        let (sequence, hash) = append(&mut self.connection, run, &at, event)
            .map_err(|source| self.database(source))?;
        let head = format!("{sequence} {hash}\n");
        write_head(&self.head, &head).map_err(|source| LedgerError::File {
            path: self.head.clone(),
            source,
        })?;
        crate::failpoint::after_event(event);
        Ok(hash)
    }

    /// The events of one run, or of all, in order.
    pub fn entries(&self, run: Option<&str>) -> Result<Vec<Entry>, LedgerError> {
        let rows = rows(&self.connection, run).map_err(|source| self.database(source))?;
        rows.into_iter().map(Row::entry).collect()
    }

    /// The newest run with this identity that did not finish, and what it had done.
    pub fn unfinished(&self, identity: &str) -> Result<Option<(String, History)>, LedgerError> {
        let run: Option<String> = self
            .connection
            .query_row(
                "SELECT id FROM runs WHERE identity = ?1 AND exit IS NULL \
                 ORDER BY started_at_s DESC, rowid DESC LIMIT 1",
                [identity],
                |row| row.get(0),
            )
            .optional()
            .map_err(|source| self.database(source))?;
        let Some(run) = run else { return Ok(None) };
        let events = self
            .entries(Some(&run))?
            .into_iter()
            .map(|entry| entry.event);
        Ok(Some((run, History::replay(events))))
    }

    /// Begins a run and returns its id.
    pub fn start(&mut self, start: RunStart) -> Result<String, LedgerError> {
        let salt = format!("{}{}", start.identity, jiff::Timestamp::now());
        let run: String = blake3::hash(salt.as_bytes())
            .to_hex()
            .chars()
            .take(12)
            .collect();
        self.append(&run, &Event::RunStarted(start))?;
        Ok(run)
    }

    /// The newest run of a project's folder.
    pub fn newest_run(&self, project: &str) -> Result<Option<String>, LedgerError> {
        self.connection
            .query_row(
                "SELECT id FROM runs WHERE project = ?1 ORDER BY rowid DESC LIMIT 1",
                [project],
                |row| row.get(0),
            )
            .optional()
            .map_err(|source| self.database(source))
    }

    /// Checks every hash, every number and every table.
    pub fn verify(&self) -> Result<Verification, LedgerError> {
        let rows = rows(&self.connection, None).map_err(|source| self.database(source))?;
        let mut verification = Verification {
            events: rows.len() as u64,
            problems: broken_links(&rows),
        };
        verification.problems.extend(self.lost_end(&rows));
        if verification.problems.is_empty() {
            let events = rows
                .into_iter()
                .map(Row::entry)
                .collect::<Result<Vec<_>, _>>()?;
            let differences = tables::differences(&self.connection, &events)
                .map_err(|source| self.database(source))?;
            verification.problems.extend(differences);
        }
        verification.problems.truncate(PROBLEMS_MAX);
        Ok(verification)
    }

    /// Compares the end of the chain with the head file. The file may lag by what a
    /// killed process had no time to note; it is never ahead of the events.
    fn lost_end(&self, rows: &[Row]) -> Option<String> {
        let Ok(head) = fs::read_to_string(&self.head) else {
            return (!rows.is_empty()).then(|| {
                format!(
                    "`{}` is missing: whether the end is complete cannot be told",
                    self.head.display()
                )
            });
        };
        let Some((sequence, hash)) = head.trim().split_once(' ') else {
            return Some(format!(
                "`{}` does not say where the ledger ends",
                self.head.display()
            ));
        };
        let at_head = rows.iter().find(|row| row.sequence.to_string() == sequence);
        match at_head {
            Some(row) if row.hash == hash => None,
            Some(_) => Some(format!("event {sequence} is not the one that was written")),
            None => Some(format!(
                "the ledger ends before event {sequence}, which was written: its end is gone"
            )),
        }
    }

    fn database(&self, source: rusqlite::Error) -> LedgerError {
        LedgerError::Database {
            path: self.head.with_extension("sqlite"),
            source,
        }
    }
}

fn connect(path: &Path) -> Result<Connection, LedgerError> {
    let database = |source| LedgerError::Database {
        path: path.to_owned(),
        source,
    };
    let connection = Connection::open(path).map_err(database)?;
    connection
        .busy_timeout(Duration::from_secs(30))
        .map_err(database)?;
    // A write-ahead log survives a kill at any point; FULL waits for the disk.
    connection
        .pragma_update(None, "journal_mode", "wal")
        .map_err(database)?;
    connection
        .pragma_update(None, "synchronous", "full")
        .map_err(database)?;
    let found: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(database)?;
    if found > FORMAT {
        return Err(LedgerError::Newer {
            path: path.to_owned(),
            found,
        });
    }
    tables::create(&connection).map_err(database)?;
    connection
        .pragma_update(None, "user_version", FORMAT)
        .map_err(database)?;
    Ok(connection)
}

fn append(
    connection: &mut Connection,
    run: &str,
    at: &str,
    event: &Event,
) -> Result<(u64, Digest), rusqlite::Error> {
    let body = serde_json::to_string(event)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let newest: Option<(u64, String)> = transaction
        .query_row(
            "SELECT sequence, hash FROM events ORDER BY sequence DESC LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let (sequence, previous) = match newest {
        None => (1, GENESIS),
        Some((sequence, hash)) => (sequence + 1, Digest::from_hex(&hash).unwrap_or(GENESIS)),
    };
    let link = Link {
        sequence,
        run,
        at,
        kind: event.kind(),
        body: &body,
    };
    let hash = chain::hash(previous, link);
    transaction.execute(
        "INSERT INTO events (sequence, run, at, kind, body, previous, hash) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            sequence,
            run,
            at,
            event.kind(),
            body,
            previous.to_string(),
            hash.to_string()
        ],
    )?;
    tables::add(&transaction, run, event)?;
    transaction.commit()?;
    Ok((sequence, hash))
}

/// Replaces the head file in one step.
fn write_head(path: &Path, text: &str) -> std::io::Result<()> {
    // Another process may write it at the same time: the file may lag, and is never torn.
    let fresh = path.with_extension(format!("head.{}", std::process::id()));
    let mut file = fs::File::create(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(fresh, path)
}

/// A row of the table `events`, unchecked.
struct Row {
    sequence: u64,
    run: String,
    at: String,
    kind: String,
    body: String,
    previous: String,
    hash: String,
}

fn rows(connection: &Connection, run: Option<&str>) -> Result<Vec<Row>, rusqlite::Error> {
    let mut statement = connection.prepare(
        "SELECT sequence, run, at, kind, body, previous, hash FROM events \
         WHERE ?1 IS NULL OR run = ?1 ORDER BY sequence",
    )?;
    let row = |row: &rusqlite::Row<'_>| {
        Ok(Row {
            sequence: row.get(0)?,
            run: row.get(1)?,
            at: row.get(2)?,
            kind: row.get(3)?,
            body: row.get(4)?,
            previous: row.get(5)?,
            hash: row.get(6)?,
        })
    };
    statement.query_map([run], row)?.collect()
}

impl Row {
    fn entry(self) -> Result<Entry, LedgerError> {
        let broken = |why: String| LedgerError::Event {
            sequence: self.sequence,
            why,
        };
        Ok(Entry {
            event: serde_json::from_str(&self.body).map_err(|error| broken(error.to_string()))?,
            hash: Digest::from_hex(&self.hash).map_err(|error| broken(error.to_string()))?,
            sequence: self.sequence,
            run: self.run,
            at: self.at,
        })
    }
}

fn broken_links(rows: &[Row]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut previous = GENESIS;
    for (index, row) in rows.iter().enumerate() {
        let expected = index as u64 + 1;
        if row.sequence != expected {
            problems.push(format!(
                "event {expected} is missing: the next one is {}",
                row.sequence
            ));
            break;
        }
        let link = Link {
            sequence: row.sequence,
            run: &row.run,
            at: &row.at,
            kind: &row.kind,
            body: &row.body,
        };
        let hash = chain::hash(previous, link);
        if row.previous != previous.to_string() || row.hash != hash.to_string() {
            problems.push(format!("event {expected} was changed after it was written"));
            break;
        }
        previous = hash;
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(exit: u8) -> Event {
        Event::RunFinished { exit }
    }

    fn ledger() -> (tempfile::TempDir, Ledger) {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(folder.path()).unwrap();
        for exit in 0..5 {
            ledger.append("run", &event(exit)).unwrap();
        }
        (folder, ledger)
    }

    fn problems_after(sql: &str) -> Vec<String> {
        let (_folder, ledger) = ledger();
        ledger.connection.execute_batch(sql).unwrap();
        ledger.verify().unwrap().problems
    }

    #[test]
    fn an_untouched_ledger_verifies() {
        let (_folder, ledger) = ledger();
        assert_eq!(
            ledger.verify().unwrap(),
            Verification {
                events: 5,
                problems: vec![]
            }
        );
    }

    #[test]
    fn any_edit_gap_reordering_or_cut_is_found() {
        for sql in [
            "UPDATE events SET body = replace(body, '3', '0') WHERE sequence = 4",
            "UPDATE events SET at = '2020' WHERE sequence = 2",
            "UPDATE events SET run = 'other' WHERE sequence = 5",
            "DELETE FROM events WHERE sequence = 1",
            "DELETE FROM events WHERE sequence = 3",
            "DELETE FROM events WHERE sequence = 5",
            "DELETE FROM events",
            "UPDATE events SET sequence = 9 WHERE sequence = 2; \
             UPDATE events SET sequence = 2 WHERE sequence = 3; \
             UPDATE events SET sequence = 3 WHERE sequence = 9",
            "INSERT INTO runs (id, identity, project, started_at_s) VALUES ('x', 'x', 'x', 0)",
        ] {
            assert!(!problems_after(sql).is_empty(), "{sql}");
        }
    }

    #[test]
    fn a_kill_between_the_event_and_the_head_file_is_no_damage() {
        let (folder, ledger) = ledger();
        let path = folder.path().join("ledger.head");
        let entry = &ledger.entries(None).unwrap()[3];
        fs::write(&path, format!("{} {}\n", entry.sequence, entry.hash)).unwrap();
        assert!(ledger.verify().unwrap().problems.is_empty());
    }

    #[test]
    fn a_ledger_of_a_later_version_is_refused_by_name() {
        let (folder, ledger) = ledger();
        ledger
            .connection
            .pragma_update(None, "user_version", 99)
            .unwrap();
        drop(ledger);
        let error = Ledger::open(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("ledger.sqlite") && error.contains("99"),
            "{error}"
        );
    }
}
