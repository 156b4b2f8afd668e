//! The store in one SQLite file.
//!
//! SQLite alone opens the database file, once per process: [`Store`] is passed to everyone who needs it. It has one
//! connection that writes, which is handed from one caller to the next, and a few that read; they see only what was
//! committed. `synchronous=FULL`: a commit that returned survives a power cut.
//!
//! `files`, `mark`, `lock` and `migrate` make sure that the file is ours, that it is the one that sent last, and that it
//! has the tables of `schema.sql`. Then come the methods, by who calls them: `runs`, `import`, `advance` (with `outcomes`, `past` and `claims`), `statuses` and
//! `webhooks`, `operator`, `schedules`, `accounts` and `templates`, `reports`, `replies` and `verify`, and `reached` with
//! `listing` for whom earlier runs reached.

mod accounts;
mod advance;
mod claims;
mod files;
mod import;
mod listing;
mod lock;
mod mark;
mod migrate;
mod operator;
mod outcomes;
mod past;
mod reached;
mod replies;
mod report_rows;
mod reports;
mod runs;
mod schedules;
mod statuses;
mod templates;
mod verify;
mod webhooks;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::sync::{Mutex, MutexGuard};

use super::error::{self, doing};
use super::{Mismatch, StoreError};
use crate::crash_point::Point;
use crate::store::Owner;
use files::FileId;

// The statements with a guard that "nobody gets two messages" rests on pass through this: tests run them without it.
#[cfg(test)]
use super::model_test::guarded;
#[cfg(not(test))]
use std::convert::identity as guarded;

pub use listing::Listing;
pub use lock::RunLock;
pub use report_rows::{ReportPage, ReportRows};
pub use reports::Counting;

/// An open store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
    /// Which file that was when it was opened.
    file: FileId,
    /// For whoever reads a few lines.
    readers: SqlitePool,
    /// For counts over a whole run and for attempts: of millions of rows they take seconds, and nobody else should wait that
    /// long.
    scanner: SqlitePool,
    writer: Arc<Mutex<Writer>>,
}

/// The connection that writes, made when it is first needed.
#[derive(Debug, Default)]
struct Writer {
    connection: Option<SqliteConnection>,
    /// The store's mark file, once this connection claimed rows.
    mark: Option<mark::Mark>,
    /// Whether a transaction may be open that nobody will end.
    is_spoilt: bool,
}

/// The connection that writes, for as long as it is held.
struct Writing<'a> {
    guard: MutexGuard<'a, Writer>,
}

impl Store {
    /// Opens the store, making it (with mode 0600) if it is not there, and brings it to the newest format.
    ///
    /// # Errors
    /// Where the file cannot be made or opened, is not a store, or was written by a newer version.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Self::is_not_gone(path)?;
        Self::open_or_make(path).await
    }

    /// As [`Store::open`], and makes a new one where there was another: a person says so.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_or_make(path: &Path) -> Result<Self, StoreError> {
        let opened = |source: std::io::Error| StoreError::Open { path: path.to_owned(), source: Box::new(source) };
        files::make(path).map_err(opened)?;
        Point::StoreFileMade.pass();
        if files::is_foreign(path).await? {
            return Err(StoreError::Foreign { path: path.to_owned() });
        }
        // By its one true name, so that a link does not get past the lock.
        let path = &path.canonicalize().map_err(opened)?;
        files::make_private(path).map_err(opened)?;
        mark::refuse_mixture(path).await?;
        let mut writer = connect(path).await?;
        // Behind the first opening for writing, which gives a file of a layered file system its own number.
        let file = FileId::of(path)?;
        migrate::migrate(path, &mut writer).await?;
        mark::establish(path, &mut writer).await?;
        file.is_at(path)?;
        let place = path.clone();
        let pool = SqlitePoolOptions::new().min_connections(0).after_connect(move |_, _| {
            let in_place = file.is_at(&place).map_err(|error| sqlx::Error::Configuration(error.into()));
            Box::pin(async { in_place })
        });
        let readers = pool.clone().max_connections(READERS).connect_lazy_with(reading(path));
        let scanner = pool.max_connections(1).acquire_timeout(LONGEST_SCANS).connect_lazy_with(reading(path));
        writer.close().await.map_err(error::doing("close after opening"))?;
        Ok(Self { path: path.to_owned(), file, readers, scanner, writer: Arc::default() })
    }

    /// Opens a store that must be there already.
    ///
    /// # Errors
    /// As [`Store::open`], and where there is no such file.
    pub async fn open_existing(path: &Path) -> Result<Self, StoreError> {
        Self::is_not_gone(path)?;
        Self::open_if_there(path).await?.ok_or_else(|| StoreError::Missing { path: path.to_owned() })
    }

    /// Makes sure that there was no store at this path if there is none.
    ///
    /// # Errors
    /// [`StoreError::WentBack`], where its mark file or its log shows that there was one.
    pub fn is_not_gone(path: &Path) -> Result<(), StoreError> {
        // A link may lead to where it was.
        let path = std::fs::read_link(path).map_or(path.to_owned(), |to| path.parent().unwrap_or(path).join(to));
        let log = std::fs::metadata(files::beside(&path, "-wal")).map_or(0, |log| log.len());
        match !path.exists() && (mark::path_of(&path).exists() || log > 0) {
            true => Err(StoreError::WentBack { path, why: Mismatch::Gone }),
            false => Ok(()),
        }
    }

    /// Opens the store if there is one; never makes it.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_if_there(path: &Path) -> Result<Option<Self>, StoreError> {
        let is_there = match std::fs::metadata(path) {
            // One that is empty is no store as yet: it may be somebody's, and is left as it is.
            Ok(file) if file.is_file() && file.len() == 0 => {
                std::fs::metadata(files::beside(path, "-wal")).is_ok_and(|log| log.len() > 0)
            }
            Ok(_) => true,
            Err(_) => false,
        };
        match is_there {
            true => Self::open(path).await.map(Some),
            false => Ok(None),
        }
    }

    /// Makes sure that the store has recorded every message sent from it, as far as its mark file can tell. Call before
    /// anything is sent; a claim checks again. With `moved` a person confirms that this store continues, whatever the mark
    /// file says.
    ///
    /// # Errors
    /// [`StoreError::WentBack`], or where the store or its mark cannot be used.
    pub async fn may_send(&self, moved: bool) -> Result<(), StoreError> {
        let mut writer = self.write().await?;
        let mark = match mark::Mark::verify(&self.path, writer.connection()).await {
            Err(StoreError::WentBack { .. }) if moved => {
                mark::renew(&self.path, writer.connection()).await?;
                mark::Mark::verify(&self.path, writer.connection()).await?
            }
            verified => verified?,
        };
        writer.guard.mark = Some(mark);
        Ok(())
    }

    /// Makes sure that the store's file is where it was opened.
    ///
    /// # Errors
    /// [`StoreError::Replaced`].
    pub fn is_in_place(&self) -> Result<(), StoreError> {
        self.file.is_at(&self.path)
    }

    /// Whether a file belongs to a store at this path, by its name, whether either is there or not.
    #[must_use]
    pub fn owns(path: &Path, file: &Path) -> bool {
        files::belongs(path, file)
    }

    /// Whether this is the store's own file, by whatever name. Nobody may open it by hand: to close it again would drop the
    /// locks that SQLite has on it.
    #[must_use]
    pub fn is_file(&self, path: &Path) -> bool {
        FileId::of(path).is_ok_and(|file| file == self.file)
    }

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

    /// Ends the connection that writes, so that the log is moved into the database file if no other process has it open;
    /// the next to write makes another one.
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

impl Writing<'_> {
    /// The connection itself.
    fn connection(&mut self) -> &mut SqliteConnection {
        match &mut self.guard.connection {
            Some(connection) => connection,
            None => unreachable!("it is made before this is"),
        }
    }

    /// As [`Writing::begin`], for work that only the owner of the run may do.
    async fn begin_as(&mut self, owner: Owner, what: &'static str) -> Result<Transaction<'_, Sqlite>, StoreError> {
        let mut tx = self.begin(what).await?;
        runs::assert_owner(&mut tx, owner).await?;
        Ok(tx)
    }

    /// Begins a transaction that may write. Dropped, it changes nothing.
    async fn begin(&mut self, what: &'static str) -> Result<Transaction<'_, Sqlite>, StoreError> {
        self.connection().begin_with("BEGIN IMMEDIATE").await.map_err(doing(what))
    }
}

/// How long a scan waits for others; several of them may be of millions of rows on a slow disk.
const LONGEST_SCANS: Duration = Duration::from_secs(600);

/// Connections that read a few lines at the same time. Each has a thread, whose memory is what it costs.
const READERS: u32 = 2;

/// How long a statement waits for another process's transaction, the only thing that can hold one up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The one place that says how the file is opened. `synchronous=FULL`: a commit that returned survives the power cut,
/// which the promise "nothing doubled" rests on.
fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}

/// How whoever only reads opens it. Rows are read in their order, so a larger cache was no faster.
fn reading(path: &Path) -> SqliteConnectOptions {
    options(path).pragma("cache_size", "-256").pragma("query_only", "ON")
}

async fn connect(path: &Path) -> Result<SqliteConnection, StoreError> {
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

fn not_opened(path: &Path, source: sqlx::Error) -> StoreError {
    match &source {
        // The very first statement finds out.
        _ if error::is_no_database(&source) => StoreError::Foreign { path: path.to_owned() },
        sqlx::Error::Database(_) => error::doing("be opened")(source),
        _ => StoreError::Open { path: path.to_owned(), source: Box::new(source) },
    }
}

#[cfg(test)]
mod tests;
