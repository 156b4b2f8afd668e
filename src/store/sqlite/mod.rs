//! The store in one SQLite file.
//!
//! Only SQLite opens the database file, once per process: [`Store`] is passed to everything that needs it. It has one
//! connection for writing, which callers take in turn, and a few for reading, which see committed data only. With
//! `synchronous=FULL`, a commit that returned survives a power cut.
//!
//! `open` and `connection` open the file; `writer` is the connection for writing. `files`, `mark`, `lock` and `migrate`
//! check that the file is ours, that it is the one that last sent, and that it has the tables of `schema.sql`. The
//! other modules hold the methods of [`Store`], grouped by caller: `plan`, `runs`, `dispatch`, `statuses`, `reports`.

mod connection;
mod dispatch;
mod files;
mod lock;
mod mark;
mod migrate;
mod open;
mod plan;
mod reports;
mod runs;
mod statuses;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::{Connection, SqlitePool};
use tokio::sync::Mutex;

use super::StoreError;
use super::error::{self, doing};
use crate::crash_point::Point;
use connection::{connect, options, reading};
use files::FileId;
use writer::{Writer, Writing};

// The statements whose guards keep anyone from getting two messages pass through this: tests run them without a guard.
#[cfg(test)]
use super::model_test::guarded;
#[cfg(not(test))]
use std::convert::identity as guarded;

pub use lock::{RunLock, ServiceLock};
pub use reports::listing::Listing;
pub use reports::rows::{ReportPage, ReportRows};
pub use reports::tally::Counting;

/// An open store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
    /// The file's identity when it was opened.
    file: FileId,
    /// For small reads.
    readers: SqlitePool,
    /// For attempts and for counts over a whole run: with millions of rows they take seconds, and must not delay
    /// others.
    scanner: SqlitePool,
    writer: Arc<Mutex<Writer>>,
}

impl Store {
    /// Waits for the connection for writing.
    async fn write(&self) -> Result<Writing<'_>, StoreError> {
        let mut guard = self.writer.lock().await;
        // Nothing is written once another file may be in its place, whose log and index would have the same names.
        self.is_in_place()?;
        if guard.connection.is_none() || guard.is_spoilt {
            let connection = connect(&self.path).await?;
            self.is_in_place()?;
            *guard = Writer { connection: Some(connection), ..Writer::default() };
        }
        Ok(Writing { guard })
    }

    /// Closes the connection for writing, so that the log is moved into the database file unless another process has it
    /// open. The next write opens a new one.
    ///
    /// # Errors
    /// When SQLite cannot close the file properly.
    pub async fn close(&self) -> Result<(), StoreError> {
        let writer = std::mem::take(&mut *self.writer.lock().await);
        match writer.connection {
            Some(connection) => connection.close().await.map_err(doing("close")),
            None => Ok(()),
        }
    }

    /// Moves the log into the file, so that the file alone can be copied as the whole store. If another process is
    /// working, it happens when that process ends.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(self.write().await?.connection())
            .await
            .map_err(doing("checkpoint its log"))?;
        Point::LogFolded.pass();
        self.close().await
    }

    /// Returns the path of the store's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests;
