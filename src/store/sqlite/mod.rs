//! The store in one SQLite file.
//!
//! SQLite alone opens the database file, once per process: [`Store`] is passed to everyone who needs it. It has one
//! connection that writes, which is handed from one caller to the next, and a few that read; they see only what was
//! committed. `synchronous=FULL`: a commit that returned survives a power cut.
//!
//! `open` and `connection` open the file, `writer` is the connection that writes. `files`, `mark`, `lock` and `migrate`
//! make sure that the file is ours, that it is the one that sent last, and that it has the tables of `schema.sql`. Then
//! come the methods of [`Store`], by who calls them: `plan`, `runs`, `dispatch`, `statuses`, `reports`.

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

// The statements with a guard that "nobody gets two messages" rests on pass through this: tests run them without it.
#[cfg(test)]
use super::model_test::guarded;
#[cfg(not(test))]
use std::convert::identity as guarded;

pub use lock::RunLock;
pub use reports::listing::Listing;
pub use reports::rows::{ReportPage, ReportRows};
pub use reports::tally::Counting;

/// An open store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
    /// Which file that was when it was opened.
    file: FileId,
    /// For whoever reads a few lines.
    readers: SqlitePool,
    /// For counts over a whole run and for attempts: of millions of rows they take seconds, and nobody else should wait
    /// that long.
    scanner: SqlitePool,
    writer: Arc<Mutex<Writer>>,
}

impl Store {
    /// The connection that writes, as soon as nobody else has it.
    async fn write(&self) -> Result<Writing<'_>, StoreError> {
        let mut guard = self.writer.lock().await;
        // Nothing is written any more once another file may be in its place, whose log and index have the same names.
        self.is_in_place()?;
        if guard.connection.is_none() || guard.is_spoilt {
            let connection = connect(&self.path).await?;
            self.is_in_place()?;
            *guard = Writer { connection: Some(connection), ..Writer::default() };
        }
        Ok(Writing { guard })
    }

    /// Ends the connection that writes, so that the log is moved into the database file if no other process has it
    /// open; the next to write makes another one.
    ///
    /// # Errors
    /// Where SQLite cannot close the file properly.
    pub async fn close(&self) -> Result<(), StoreError> {
        let writer = std::mem::take(&mut *self.writer.lock().await);
        match writer.connection {
            Some(connection) => connection.close().await.map_err(doing("close")),
            None => Ok(()),
        }
    }

    /// Moves the log into the file, so that the one file is the whole store for whoever copies it. Where another
    /// process is working it does so when it ends.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(self.write().await?.connection())
            .await
            .map_err(doing("move its log into its file"))?;
        Point::LogFolded.pass();
        self.close().await
    }

    /// The store's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests;
