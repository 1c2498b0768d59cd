//! The tables for people's own queries, read from the events and from nothing else.

use rusqlite::{Connection, params};

use super::event::{Event, RunStart};
use super::store::Entry;
use crate::wire;

/// Makes every table that is missing.
pub fn create(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS events (
            sequence INTEGER PRIMARY KEY, run TEXT NOT NULL, at TEXT NOT NULL,
            kind TEXT NOT NULL, body TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL);
         CREATE INDEX IF NOT EXISTS events_of_run ON events (run);
         CREATE TABLE IF NOT EXISTS runs (
            id TEXT PRIMARY KEY, identity TEXT NOT NULL, project TEXT NOT NULL,
            base TEXT, advisories TEXT, toolchain TEXT, confinement TEXT,
            started_at_s INTEGER NOT NULL, delivered TEXT, exit INTEGER);
         CREATE TABLE IF NOT EXISTS findings (
            run TEXT NOT NULL, id TEXT NOT NULL, package TEXT NOT NULL, version TEXT NOT NULL,
            class TEXT NOT NULL, advisories TEXT NOT NULL, blocked TEXT,
            PRIMARY KEY (run, id));
         CREATE TABLE IF NOT EXISTS attempts (
            run TEXT NOT NULL, id TEXT NOT NULL, strategy TEXT NOT NULL,
            settles TEXT NOT NULL, moves TEXT NOT NULL, refused TEXT,
            PRIMARY KEY (run, id));
         CREATE TABLE IF NOT EXISTS checks (
            run TEXT NOT NULL, attempt TEXT NOT NULL, name TEXT NOT NULL,
            outcome TEXT NOT NULL, why TEXT, elapsed_ms INTEGER NOT NULL, log TEXT,
            PRIMARY KEY (run, attempt, name));
         CREATE TABLE IF NOT EXISTS reproductions (
            run TEXT NOT NULL, tree TEXT NOT NULL, finding TEXT NOT NULL, version TEXT NOT NULL,
            reproducer TEXT NOT NULL, present INTEGER NOT NULL, absent INTEGER NOT NULL,
            inconclusive INTEGER NOT NULL, elapsed_ms INTEGER NOT NULL, log TEXT,
            PRIMARY KEY (run, tree, finding, version, reproducer));
         CREATE TABLE IF NOT EXISTS asks (
            run TEXT NOT NULL, finding TEXT NOT NULL, round INTEGER NOT NULL, engine TEXT NOT NULL,
            outcome TEXT NOT NULL, words TEXT NOT NULL, sent TEXT,
            cost_millionths INTEGER NOT NULL, tokens INTEGER NOT NULL, elapsed_ms INTEGER NOT NULL,
            PRIMARY KEY (run, finding, round, engine));",
    )
}

/// The tables that [`differences`] compares, with the order of their rows.
const TABLES: [&str; 6] = [
    "runs",
    "findings",
    "attempts",
    "checks",
    "reproductions",
    "asks",
];

/// Adds what one event tells.
pub fn add(connection: &Connection, run: &str, event: &Event) -> Result<(), rusqlite::Error> {
    match event {
        Event::RunResumed { .. } => Ok(()),
        // A judged change has its checks, and no finding of the run's own.
        Event::Judged { toolchain, .. } => execute(
            connection,
            "UPDATE runs SET toolchain = ?2 WHERE id = ?1",
            params![run, toolchain],
        ),
        Event::RunStarted(start) => add_run(connection, run, start),
        Event::Found { findings, .. } => findings
            .iter()
            .try_for_each(|finding| add_finding(connection, run, finding)),
        Event::Baseline {
            lockfile, checks, ..
        } => checks
            .iter()
            .try_for_each(|check| add_check(connection, run, &format!("before {lockfile}"), check)),
        Event::Applied {
            attempt,
            candidate,
            refused,
            ..
        } => add_attempt(connection, run, attempt, candidate, refused.as_deref()),
        Event::Checked {
            attempt,
            run: check,
        } => add_check(connection, run, attempt, check),
        Event::Reproduced {
            tree,
            finding,
            version,
            reproduction,
        } => add_reproduction(connection, run, [tree, finding, version], reproduction),
        Event::Asked(ask) => add_ask(connection, run, ask),
        Event::Tried(tried) => {
            let before = format!("before {}", tried.attempt);
            let phases = [(&before, &tried.before), (&tried.attempt, &tried.after)];
            let mut checks = phases
                .into_iter()
                .flat_map(|(name, checks)| checks.iter().map(move |check| (name, check)));
            checks.try_for_each(|(name, check)| add_check(connection, run, name, check))
        }
        Event::Blocked { findings, why } => findings.iter().try_for_each(|finding| {
            execute(
                connection,
                "UPDATE findings SET blocked = ?3 WHERE run = ?1 AND id = ?2",
                params![run, finding, why],
            )
        }),
        Event::Delivered { place, .. } => execute(
            connection,
            "UPDATE runs SET delivered = ?2 WHERE id = ?1",
            params![run, place],
        ),
        Event::RunFinished { exit } => execute(
            connection,
            "UPDATE runs SET exit = ?2 WHERE id = ?1",
            params![run, exit],
        ),
    }
}

fn execute(
    connection: &Connection,
    statement: &str,
    values: impl rusqlite::Params,
) -> Result<(), rusqlite::Error> {
    connection.execute(statement, values).map(drop)
}

fn add_run(connection: &Connection, run: &str, start: &RunStart) -> Result<(), rusqlite::Error> {
    execute(
        connection,
        "INSERT INTO runs (id, identity, project, base, advisories, toolchain, confinement, \
         started_at_s) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            run,
            start.identity,
            start.project,
            start.base,
            start.advisories,
            start.toolchain,
            start.confinement,
            start.started_at_s
        ],
    )
}

fn add_finding(
    connection: &Connection,
    run: &str,
    finding: &wire::Finding,
) -> Result<(), rusqlite::Error> {
    execute(
        connection,
        "INSERT INTO findings (run, id, package, version, class, advisories) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        params![
            run,
            finding.id,
            finding.package,
            finding.version,
            finding.class,
            finding.advisories.join(" ")
        ],
    )
}

fn add_attempt(
    connection: &Connection,
    run: &str,
    attempt: &str,
    candidate: &wire::Candidate,
    refused: Option<&str>,
) -> Result<(), rusqlite::Error> {
    execute(
        connection,
        "INSERT INTO attempts (run, id, strategy, settles, moves, refused) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        params![
            run,
            attempt,
            candidate.strategy,
            candidate.settles.join(" "),
            moves(candidate),
            refused
        ],
    )
}

fn add_check(
    connection: &Connection,
    run: &str,
    attempt: &str,
    check: &wire::CheckRun,
) -> Result<(), rusqlite::Error> {
    let elapsed_ms = i64::try_from(check.elapsed_ms).unwrap_or(i64::MAX);
    execute(
        connection,
        "INSERT INTO checks (run, attempt, name, outcome, why, elapsed_ms, log) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
        params![
            run,
            attempt,
            check.check,
            check.outcome,
            check.why,
            elapsed_ms,
            check.log
        ],
    )
}

fn add_reproduction(
    connection: &Connection,
    run: &str,
    [tree, finding, version]: [&String; 3],
    reproduction: &wire::Reproduction,
) -> Result<(), rusqlite::Error> {
    let all = || reproduction.listed.iter().chain(&reproduction.variants);
    let count = |sight: &str| {
        let seen = all().filter(|sighting| sighting.sight == sight).count();
        i64::try_from(seen).unwrap_or(i64::MAX)
    };
    execute(
        connection,
        "INSERT INTO reproductions (run, tree, finding, version, reproducer, present, absent, \
         inconclusive, elapsed_ms, log) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
         ON CONFLICT DO NOTHING",
        params![
            run,
            tree,
            finding,
            version,
            reproduction.reproducer,
            count("present"),
            count("absent"),
            count("inconclusive"),
            i64::try_from(reproduction.elapsed_ms).unwrap_or(i64::MAX),
            reproduction.log
        ],
    )
}

fn add_ask(connection: &Connection, run: &str, ask: &wire::Ask) -> Result<(), rusqlite::Error> {
    let integer = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    execute(
        connection,
        "INSERT INTO asks (run, finding, round, engine, outcome, words, sent, cost_millionths, \
         tokens, elapsed_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
         ON CONFLICT DO NOTHING",
        params![
            run,
            ask.finding,
            ask.round,
            ask.engine,
            ask.outcome,
            ask.words,
            ask.sent,
            integer(ask.cost_millionths),
            integer(ask.tokens),
            integer(ask.elapsed_ms)
        ],
    )
}

fn moves(candidate: &wire::Candidate) -> String {
    let texts: Vec<_> = candidate
        .moves
        .iter()
        .map(|planned| format!("{} {} → {}", planned.package, planned.from, planned.to))
        .collect();
    texts.join(", ")
}

/// Builds the tables again from the events, beside the real ones, and says where the two differ.
pub fn differences(
    connection: &Connection,
    entries: &[Entry],
) -> Result<Vec<String>, rusqlite::Error> {
    let rebuilt = Connection::open_in_memory()?;
    create(&rebuilt)?;
    for entry in entries {
        add(&rebuilt, &entry.run, &entry.event)?;
    }
    let mut differences = Vec::new();
    for table in TABLES {
        if dump(connection, table)? != dump(&rebuilt, table)? {
            differences.push(format!("table `{table}` does not say what the events say"));
        }
    }
    Ok(differences)
}

fn dump(connection: &Connection, table: &str) -> Result<Vec<String>, rusqlite::Error> {
    let mut statement = connection.prepare(&format!("SELECT * FROM {table}"))?;
    let columns = statement.column_count();
    let row = |row: &rusqlite::Row<'_>| {
        let values: Result<Vec<_>, _> = (0..columns)
            .map(|column| {
                row.get::<_, rusqlite::types::Value>(column)
                    .map(|v| format!("{v:?}"))
            })
            .collect();
        values.map(|values| values.join("|"))
    };
    let mut rows = statement
        .query_map([], row)?
        .collect::<Result<Vec<_>, _>>()?;
    rows.sort();
    Ok(rows)
}
