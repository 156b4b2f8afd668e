//! Opens connections to the file.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};

use super::error;
use crate::store::StoreError;

/// How long a scan waits for other scans; several of them may read millions of rows from a slow disk.
pub(super) const LONGEST_SCANS: Duration = Duration::from_secs(600);

/// Number of connections for small reads. Each has a thread, whose memory is its cost.
pub(super) const READERS: u32 = 2;

/// How long a statement waits for another process's transaction, the only thing that can block it.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The only place that says how the file is opened. With `synchronous=FULL`, a commit that returned survives a power
/// cut; the promise that no message is sent twice depends on it.
pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}

/// Returns the options for reading. Rows are read in order, so a larger cache was no faster.
pub(super) fn reading(path: &Path) -> SqliteConnectOptions {
    options(path).pragma("cache_size", "-256").pragma("query_only", "ON")
}

pub(super) async fn connect(path: &Path) -> Result<SqliteConnection, StoreError> {
    let options = options(path)
        // The cache only needs to hold the ends of the tables, where writing happens; more was no faster.
        .pragma("cache_size", "-4096")
        // 4,000 pages of 4 KiB: the log is checkpointed about every 16 MB.
        .pragma("wal_autocheckpoint", "4000");
    let begun = tokio::time::Instant::now();
    loop {
        match options.connect().await {
            // Another process is just creating the store in this file; SQLite does not wait for that on its own.
            Err(busy) if error::is_busy(&busy) && begun.elapsed() < BUSY_TIMEOUT => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            done => return done.map_err(|source| not_opened(path, source)),
        }
    }
}

pub(super) fn not_opened(path: &Path, source: sqlx::Error) -> StoreError {
    match &source {
        // The very first statement detects this.
        _ if error::is_no_database(&source) => StoreError::Foreign { path: path.to_owned() },
        sqlx::Error::Database(_) => error::doing("be opened")(source),
        _ => StoreError::Open { path: path.to_owned(), source: Box::new(source) },
    }
}
