//! The store: one SQLite file that holds runs, their frozen rows, the ledger of attempts and where each row stands.
//!
//! Each stage reads what it needs from here and leaves what it did here, so that after a crash between any two
//! instructions the same code goes on. This room knows SQL and nothing of HTTP, rendering or the terminal. There is one
//! [`Store`] a process, passed to everyone who needs it: SQLite alone opens the database file. Each run, each command and the
//! webhook collector have a [`Writer`] of their own; readers see only what was committed.
//!
//! One file for each stage that uses it: `plan`, `dispatch` (and `commit`, its writing, with `air`), `reconcile` and
//! `callbacks` (both merge into `deliveries`), `report`, `replies`, `person` for what people decide (retry, cancel, suppress),
//! `orders` for what they want of a run that is at work, `occurrences` for what became of schedules, `decision` for what they
//! say of uncertain rows, `account` for what a provider asked of an account, `templates` for what was pulled from the providers of templates, and `waits` for rows that wait for
//! their time. `start` decides what a second run of a name may do, `reached` and `listing` know whom earlier ones reached.
//! `file` and `mark` make sure that the store is the one that sent last.

mod account;
mod air;
mod callbacks;
mod clock;
mod commit;
mod decision;
mod deliveries;
mod dispatch;
mod error;
mod file;
mod firsts;
mod listing;
mod lock;
mod many;
mod mark;
mod migrate;
mod occurrences;
mod orders;
mod person;
mod plan;
mod reached;
mod reconcile;
mod replies;
mod report;
mod report_rows;
mod runs;
mod start;
mod templates;
mod verify;
mod waits;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection, SqlitePool};

use crate::crash::Point;
use crate::model::RowNo;

pub use account::AccountPause;
pub use callbacks::{Called, Took};
pub use clock::Waits;
pub use decision::{Uncertain, Verdict, Which};
pub use dispatch::{Batch, Due, Grant, Intent, Settled, Waiting, Written};
use file::FileId;

pub use error::StoreError;
pub use listing::{LeftOut, Listing, Reached, ReachedBy};
pub use lock::RunLock;
pub use mark::Mismatch;
pub use occurrences::{Begun, Occurrence};
pub use orders::{Orders, Rate};
pub use person::PutBack;
pub use plan::PlannedRow;
pub use reached::LeaveOut;
pub use reconcile::{Awaiting, Polled};
pub use replies::KeptReply;
pub use report::Counting;
pub use report_rows::{ReportPage, ReportRows, Wanted};
pub use runs::{NewRun, Run, Stage};
pub use start::{Repeat, StartDecision};
pub use templates::PulledTemplate;
pub use verify::Finding;
pub use waits::{Aside, LAID_OUT};

/// The key of a row in every table: its run and its number in one integer, so that a run is one range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey(i64);

impl RowKey {
    /// Bits for the row's number: a million million rows a run, eight million runs a store.
    const ROW_BITS: u32 = 40;

    /// The key of this row of the run with this internal id.
    #[must_use]
    pub fn new(run: i64, row: RowNo) -> Self {
        Self((run << Self::ROW_BITS) | i64::try_from(row.0).unwrap_or(i64::MAX))
    }

    /// The row's number.
    #[must_use]
    pub fn row(self) -> RowNo {
        RowNo((self.0 & ((1 << Self::ROW_BITS) - 1)).unsigned_abs())
    }

    /// Whether `other` is of the next row of the same run.
    fn is_followed_by(self, other: Self) -> bool {
        self.0 + 1 == other.0 && self.run() == other.run()
    }

    fn run(self) -> i64 {
        self.0 >> Self::ROW_BITS
    }

    fn first(run: i64) -> i64 {
        run << Self::ROW_BITS
    }

    fn last(run: i64) -> i64 {
        Self::first(run + 1) - 1
    }
}

/// An open store. Cheap to clone; reads from any number of places.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
    /// Which file that was when it was opened.
    file: FileId,
    readers: SqlitePool,
}

/// The one connection that writes. Whoever needs to write owns it for that time.
#[derive(Debug)]
pub struct Writer {
    connection: SqliteConnection,
    path: PathBuf,
    /// Whether a commit failed or was given up: there may be a transaction begun.
    spoilt: bool,
    /// Which file this is.
    file: FileId,
    /// The store's mark file, once rows were claimed.
    mark: Option<mark::Mark>,
    /// What is in the air of the run that this writer sends, once it is known.
    air: Option<air::Air>,
    /// By which it is known whether others wrote; see [`Writer::others_wrote`].
    version: Option<i64>,
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
        file::make(path).map_err(opened)?;
        Point::StoreFileMade.pass();
        if file::is_foreign(path).await? {
            return Err(StoreError::Foreign { path: path.to_owned() });
        }
        // By its one true name, so that a link does not get past the lock.
        let path = &path.canonicalize().map_err(opened)?;
        file::make_private(path).map_err(opened)?;
        mark::refuse_mixture(path).await?;
        let mut writer = connect(path).await?;
        // Behind the first opening for writing, which gives a file of a layered file system its own number.
        let file = FileId::of(path)?;
        migrate::migrate(path, &mut writer).await?;
        mark::establish(path, &mut writer).await?;
        file.is_at(path)?;
        let place = path.clone();
        let readers = SqlitePoolOptions::new().min_connections(0).max_connections(READERS);
        let readers = readers.after_connect(move |_, _| {
            let in_place = file.is_at(&place).map_err(|error| sqlx::Error::Configuration(error.into()));
            Box::pin(async { in_place })
        });
        // A page of rows to send: SQLite's thread need not wait in the middle of it.
        let readers = readers.connect_lazy_with(reading(path).row_buffer_size(256));
        writer.close().await.map_err(error::doing("close after opening"))?;
        Ok(Self { path: path.to_owned(), file, readers })
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
    /// [`StoreError::WentBack`], where its mark file or its log tells that there was one.
    pub fn is_not_gone(path: &Path) -> Result<(), StoreError> {
        // A link may lead to where it was.
        let path = std::fs::read_link(path).map_or(path.to_owned(), |to| path.parent().unwrap_or(path).join(to));
        let log = std::fs::metadata(file::beside(&path, "-wal")).map_or(0, |log| log.len());
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
                std::fs::metadata(file::beside(path, "-wal")).is_ok_and(|log| log.len() > 0)
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
        let mut writer = self.writer().await?;
        match mark::Mark::verify(&self.path, &mut writer.connection).await {
            Err(StoreError::WentBack { .. }) if moved => {
                mark::renew(&self.path, &mut writer.connection).await?;
                mark::Mark::verify(&self.path, &mut writer.connection).await?;
            }
            verified => drop(verified?),
        }
        writer.close().await
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
        file::belongs(path, file)
    }

    /// Whether this is the store's own file, by whatever name. Nobody may open it by hand: to close it again would drop the
    /// locks that SQLite has on it.
    #[must_use]
    pub fn is_file(&self, path: &Path) -> bool {
        FileId::of(path).is_ok_and(|file| file == self.file)
    }

    /// A connection that may write.
    ///
    /// # Errors
    /// Where the file cannot be opened.
    pub async fn writer(&self) -> Result<Writer, StoreError> {
        self.is_in_place()?;
        let connection = connect(&self.path).await?;
        self.is_in_place()?;
        let (path, file) = (self.path.clone(), self.file);
        Ok(Writer { connection, path, spoilt: false, file, mark: None, air: None, version: None })
    }

    /// Folds the log into the file, so that the one file is the whole store for whoever copies it. Where another
    /// process is at work it does so when it ends.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub async fn fold(&self) -> Result<(), StoreError> {
        self.is_in_place()?;
        let mut connection = connect(&self.path).await?;
        self.is_in_place()?;
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&mut connection)
            .await
            .map_err(error::doing("fold its log"))?;
        Point::LogFolded.pass();
        connection.close().await.map_err(error::doing("close"))
    }

    /// The store's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Writer {
    /// Whether another connection wrote since this was last asked, or it was never asked.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn others_wrote(&mut self) -> Result<bool, StoreError> {
        // SQLite's number for what all connections but this one wrote.
        let version: i64 = sqlx::query_scalar("PRAGMA data_version")
            .fetch_one(&mut self.connection)
            .await
            .map_err(error::doing("tell whether others wrote"))?;
        Ok(self.version.replace(version) != Some(version))
    }

    /// Ends the connection, so that the log of the store is folded into its file.
    ///
    /// # Errors
    /// Where SQLite cannot close the file properly.
    pub async fn close(self) -> Result<(), StoreError> {
        self.connection.close().await.map_err(error::doing("close"))
    }
}

/// Readers at the same time: claims, due polls, a count, and one for whoever watches.
const READERS: u32 = 4;

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

/// How whoever only reads opens it.
fn reading(path: &Path) -> SqliteConnectOptions {
    options(path).pragma("cache_size", "-1024").pragma("query_only", "ON")
}

async fn connect(path: &Path) -> Result<SqliteConnection, StoreError> {
    let options = options(path)
        // All sizes of a commit's text, and the rest; a few MiB where every one of them was ever used.
        .statement_cache_capacity(200)
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
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_store_is_known_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("s.db"), "").unwrap();
        std::os::unix::fs::symlink("s.db", at("link")).unwrap();
        for name in ["s.db", "s.db-wal", "s.db-shm", "s.db-mark", "s.db.job-1.lock", "s.db.job.quota.lock", "link"] {
            assert!(Store::owns(&at("s.db"), &at(name)) && Store::owns(&at("link"), &at(name)), "{name}");
        }
        for name in ["s.csv", "s.db.csv", "other.db", "elsewhere/s.db-wal"] {
            assert!(!Store::owns(&at("s.db"), &at(name)), "{name}");
        }
    }

    #[test]
    fn a_key_holds_its_run_and_row() {
        let key = RowKey::new(3, RowNo(1_000_000));
        assert_eq!(key.row(), RowNo(1_000_000));
        assert!(key.0 > RowKey::first(3) && key.0 <= RowKey::last(3));
        assert!(RowKey::new(3, RowNo(u64::from(u32::MAX))) < RowKey::new(4, RowNo(1)));
    }

    /// The locks of this process on a file, as the system knows them.
    #[cfg(target_os = "linux")]
    fn locks(path: &Path) -> Vec<String> {
        let inode = FileId::of(path).unwrap().kept();
        let mine = format!(" {} ", std::process::id());
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        let mut locks: Vec<String> = locks
            .lines()
            .filter(|line| line.contains("POSIX") && line.contains(&mine) && line.contains(&format!(":{inode} ")))
            .filter_map(|line| Some(line.split_once(": ")?.1.to_owned()))
            .collect();
        locks.sort();
        locks
    }

    /// To close a file drops all locks that the process has on it, whoever took them. So nothing here may open the database
    /// file by hand while a connection is open.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn nothing_that_touches_the_store_drops_its_locks() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.db");
        let store = Store::open(&path).await.unwrap();
        let mut writer = store.writer().await.unwrap();
        writer.suppress(&[crate::model::Phone::from_u64(85_264_000_001)], None, crate::model::Millis(1)).await.unwrap();
        let before = locks(&path);
        assert!(!before.is_empty(), "SQLite has a lock as long as a connection is open");
        let run: crate::model::RunId = "job-1".parse().unwrap();
        drop(Store::open(&path).await.unwrap());
        assert_eq!(locks(&path), before, "open");
        drop(Store::open_existing(&path).await.unwrap());
        assert_eq!(locks(&path), before, "open_existing");
        store.may_send(false).await.unwrap();
        assert_eq!(locks(&path), before, "may_send");
        store.may_send(true).await.unwrap();
        drop(store.lock(&run).unwrap());
        drop(store.lock_quota("job").unwrap());
        lock::held(&path).unwrap();
        assert_eq!(locks(&path), before, "locks of runs");
        assert!(store.is_in_place().is_ok() && store.is_file(&path));
        drop(store.listing("job").await.unwrap().unwrap());
        let _ = store.runs(9).await.unwrap();
        assert_eq!(locks(&path), before, "readers");
        mark::renew(&path, &mut writer.connection).await.unwrap();
        store.fold().await.unwrap();
        assert_eq!(locks(&path), before, "fold");
        writer.close().await.unwrap();
    }
}
