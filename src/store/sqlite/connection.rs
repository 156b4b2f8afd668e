//! Connections to the file, and how each is opened.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};

use super::error;
use crate::store::StoreError;

/// How long a scan waits for others; several of them may be of millions of rows on a slow disk.
pub(super) const LONGEST_SCANS: Duration = Duration::from_secs(600);

/// Connections that read a few lines at the same time. Each has a thread, whose memory is what it costs.
pub(super) const READERS: u32 = 2;

/// How long a statement waits for another process's transaction, the only thing that can hold one up.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The one place that says how the file is opened. `synchronous=FULL`: a commit that returned survives the power cut,
/// which the promise "nothing doubled" rests on.
pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}

/// How whoever only reads opens it. Rows are read in their order, so a larger cache was no faster.
pub(super) fn reading(path: &Path) -> SqliteConnectOptions {
    options(path).pragma("cache_size", "-256").pragma("query_only", "ON")
}

pub(super) async fn connect(path: &Path) -> Result<SqliteConnection, StoreError> {
    let options = options(path)
        // The cache need only hold the ends of the tables, where writing happens; more was no faster.
        .pragma("cache_size", "-4096")
        // 4,000 pages of 4 KiB: the log is folded back every 16 MB or so.
        .pragma("wal_autocheckpoint", "4000");
    let begun = tokio::time::Instant::now();
    loop {
        match options.connect().await {
            // A file that is just being made a store by another process: SQLite does not wait for that by itself.
            Err(busy) if error::is_busy(&busy) && begun.elapsed() < BUSY_TIMEOUT => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            done => return done.map_err(|source| not_opened(path, source)),
        }
    }
}

pub(super) fn not_opened(path: &Path, source: sqlx::Error) -> StoreError {
    match &source {
        // The very first statement finds out.
        _ if error::is_no_database(&source) => StoreError::Foreign { path: path.to_owned() },
        sqlx::Error::Database(_) => error::doing("be opened")(source),
        _ => StoreError::Open { path: path.to_owned(), source: Box::new(source) },
    }
}
