//! Errors of the store. Each shows the file and says what to do.

use std::fmt;
use std::path::{Path, PathBuf};

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

use super::location::{Location, ServerUrl};
use crate::model::{IllegalChange, Millis, RunId};

/// How a store and its mark file differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreMismatch {
    /// Messages were sent that the store has no record of.
    Older,
    /// The database file is older than its log.
    UnderItsLog,
    /// The mark file belongs to another store.
    Other,
    /// The mark file belongs to the same store in another file: this is a copy, or was moved to another file system.
    Copied,
    /// The mark file is missing.
    Missing,
    /// The mark file exists, but the store does not.
    Gone,
    /// The mark file cannot be read.
    Unreadable,
}

impl StoreMismatch {
    /// Returns what to do, worded to follow the rest.
    pub(super) fn way_out(self) -> &'static str {
        match self {
            Self::UnderItsLog => {
                "put the newer file back; if it is lost, move the log to another folder and run the command again"
            }
            Self::Gone => {
                "put it back. If you deleted it on purpose, `campaigner run FILE --moved` starts a new store, with no \
                 history: everyone on the list gets the message, and the suppression list is empty"
            }
            Self::Older | Self::Other | Self::Copied | Self::Missing | Self::Unreadable => {
                "to continue from this file anyway, pass --moved to `run`, `resume`, `retry`, `test`, `work` or `serve`: some people \
                 may get the message twice"
            }
        }
    }

    /// Returns the words that follow "this store".
    pub(super) fn words(self, store: &Path) -> String {
        let store = store.display();
        let mark = format!("{store}-mark");
        match self {
            Self::Older => format!(
                "is out of date: {store} has no record of some messages that were sent. Its log ({store}-wal) is missing, or \
                 the store was replaced with an older copy"
            ),
            Self::UnderItsLog => {
                format!("is out of date: {store} is older than the log next to it ({store}-wal)")
            }
            Self::Other => format!(
                "does not match {mark}, which belongs to another store: {store} is new here or was replaced, or the previous \
                 store was deleted"
            ),
            Self::Copied => format!(
                "is a copy, or was moved or restored: {store} is not the file that {mark} was made for. If messages \
                 have been sent with the original store since this file was copied, continue with the original"
            ),
            Self::Missing => format!(
                "has no mark file ({mark}): the store was moved or copied without it, or the mark file was \
                 deleted. {store} may not record every message sent"
            ),
            Self::Gone => {
                format!("is missing: {store} was deleted or moved; the files next to it show that it was used here")
            }
            Self::Unreadable => format!("has a mark file that cannot be read: {mark}"),
        }
    }
}

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file could not be created or opened.
    #[error("cannot open the store {}{}", path.display(), of_opening(&**source))]
    Open {
        /// The store's file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store does not exist, and the command needs one.
    #[error("there is no store {0}; `campaigner run` creates one; `--db` selects another store")]
    Missing(Location),
    /// The server cannot be used.
    #[error("cannot reach the store in {store}; check the URL of the database and whether the server is running")]
    Unreachable {
        /// The database.
        store: ServerUrl,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file belongs to another program.
    #[error("{} is not a campaigner store; select another file with `--db FILE`", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer version.
    #[error(
        "the store {store} has format {found}, but this version supports formats up to {known}; use the newer version"
    )]
    Newer {
        /// The store.
        store: Location,
        /// Its format.
        found: i64,
        /// The newest format that this version knows.
        known: i64,
    },
    /// The file was made by release 0.2.0 or an earlier one.
    #[error(
        "the store {} was made by release 0.2.0 or an earlier one and cannot be converted; finish its runs with the version that \
         made it, then use another file (`--db FILE`). A new store knows neither whom earlier runs reached nor who is \
         suppressed: first read \"Upgrades\" in docs/operations.md",
        path.display()
    )]
    Outdated {
        /// The store's file.
        path: PathBuf,
    },
    /// The mark file shows that this is not the store that last sent from here.
    #[error(
        "this store {}\n  nothing is sent from it; see \"Backups, and after a restore\" in docs/operations.md\n  {}",
        why.words(path), why.way_out()
    )]
    WentBack {
        /// The store's file.
        path: PathBuf,
        /// How they differ.
        why: StoreMismatch,
    },
    /// The database is in an earlier state than a process has seen.
    #[error(
        "this store is out of date: the database has no record of some messages that were sent. It was replaced with an \
         older copy, or a failover lost its last commits\n  nothing is sent from it; see \"Backups\" in \
         docs/several-machines.md\n  to continue from this database anyway, pass --moved to `run`, `resume`, `retry`, `test`, \
         `work` or `serve`: some people may get the message twice"
    )]
    SetBack,
    /// The database was restored from a dump, or created from another database.
    #[error(
        "this store is a copy: the database was restored from a dump, or copied from another one. It has no record of messages \
         that were sent after the copy was made\n  nothing is sent from it; see \"Backups\" in \
         docs/several-machines.md\n  if the original is no longer used, pass --moved once to `run`, `resume`, `retry`, `test`, \
         `work` or `serve` to continue from this copy: some people may get the message twice"
    )]
    CopiedDatabase,
    /// The mark file cannot be used.
    #[error("cannot use the mark file {}, which shows whether the store is up to date", path.display())]
    Mark {
        /// The mark file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another program reads an old state of the store, which prevents a new mark from being made safe.
    #[error(
        "another program has the store {} open and blocks its checkpoint; nothing was sent. Close that program and try again",
        path.display()
    )]
    ReadByOthers {
        /// The store's file.
        path: PathBuf,
    },
    /// The store's file is no longer where it was opened.
    #[error(
        "this store was deleted, moved or replaced while it was in use: {0} or its log ({0}-wal) is not the file that was opened. \
         Sending stopped; requests in flight may have been accepted\n  put the original file and its -wal back and run the \
         command again; see \"Backups, and after a restore\" in docs/operations.md",
        path.display()
    )]
    Replaced {
        /// The store's file.
        path: PathBuf,
    },
    /// The server may lose committed data.
    #[error(
        "the database server of {store} may lose the record of messages that were sent: {why}\n  nothing was sent; \
         fix that (see docs/several-machines.md), or pass --allow-async-standby: some people may then get the message \
         twice"
    )]
    MayForget {
        /// The database.
        store: ServerUrl,
        /// What it may lose, and when.
        why: &'static str,
    },
    /// The server is too old.
    #[error("the database server of {store} is older than PostgreSQL 14; use a newer one")]
    OldServer {
        /// The database.
        store: ServerUrl,
    },
    /// A statement failed.
    #[error("the store could not {doing}{}", what_to_do(&source.0))]
    Query {
        /// What the store was doing.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: StatementError,
    },
    /// The store's content contradicts its own rules.
    #[error("the store is damaged: {0}; run `campaigner verify` for details, then restore a backup")]
    Damaged(String),
    /// A newer version of this program wrote the run's campaign.
    #[error("the campaign stored with {run} {why}; use a newer version")]
    NewerRun {
        /// The run.
        run: RunId,
        /// Which formats differ, worded to follow "the campaign".
        why: String,
    },
    /// A state change was requested that the model does not allow.
    #[error("internal error: the store refused a state change that is not allowed (please report it)")]
    Illegal(#[source] IllegalChange),
    /// The run does not exist.
    #[error("there is no run {0} in this store; `campaigner status --all` lists its runs")]
    NoSuchRun(RunId),
    /// The store has no run.
    #[error("there is no run in this store yet; `campaigner run FILE` starts one")]
    NoRun,
    /// The run was purged.
    #[error(
        "{run} was purged at {at}: its recipients, messages and replies were deleted, and only its counts are left"
    )]
    Purged {
        /// The run.
        run: RunId,
        /// When.
        at: Millis,
    },
    /// People whom earlier runs reached are to be left out, but one of these runs was purged.
    #[error("it is no longer known whom {run} reached, because it was purged at {at}; nothing was sent\n  {way_out}")]
    ReachUnknown {
        /// The newest of these runs.
        run: RunId,
        /// When it was purged.
        at: Millis,
        /// What to do.
        way_out: &'static str,
    },
    /// Another process took over the run.
    #[error("another process took over {0}; this one has stopped")]
    NotOwner(RunId),
    /// Another process has locked the run.
    #[error("another process is working on {0}; wait for it, or stop it first")]
    Held(RunId),
    /// Another run of the same name is not fully imported.
    #[error(
        "{0} is not fully imported, so it is not known whom it will reach; wait until it is, or cancel it with \
         `campaigner cancel {0}`"
    )]
    Importing(RunId),
    /// The system has no random numbers.
    #[error("the operating system returned no random numbers; try again")]
    NoRandomNumbers,
    /// The lock file could not be used.
    #[error("cannot lock the run with its lock file {}", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Why a statement failed, in the database's words.
#[derive(Debug)]
pub struct StatementError(sqlx::Error);

impl fmt::Display for StatementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.0.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
        match error {
            // sqlx adds the line in PostgreSQL's own source code, which people take for one of their files.
            Some(error) => f.write_str(error.message()),
            None => self.0.fmt(f),
        }
    }
}

impl std::error::Error for StatementError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match server_code(&self.0) {
            Some(_) => None,
            None => self.0.source(),
        }
    }
}

impl StoreError {
    /// Whether the same operation may succeed later in the same process: another process was writing, the disk was
    /// full, or the file could only be read.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        let Self::Query { source, .. } = self else { return self.is_away() };
        let (code, extended) = (code(&source.0), extended_code(&source.0));
        matches!(code, BUSY | FULL | READ_ONLY) && extended != MOVED || NO_ROOM.contains(&extended) || self.is_away()
    }

    /// Whether nothing is sent from the store because it may lack the record of messages that were sent.
    #[must_use]
    pub fn is_out_of_date(&self) -> bool {
        matches!(self, Self::WentBack { .. } | Self::SetBack | Self::CopiedDatabase)
    }

    /// Whether the database server was unavailable, full or overloaded: the store waits for it.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Query { source, .. } => is_away(&source.0),
            _ => false,
        }
    }

    /// Whether SQLite found the file to be damaged.
    pub(crate) fn is_damage(&self) -> bool {
        matches!(self, Self::Query { source, .. } if code(&source.0) == CORRUPT)
    }

    /// Returns the underlying cause in its own words, or an empty text.
    pub(crate) fn reason(&self) -> String {
        std::error::Error::source(self).map(ToString::to_string).unwrap_or_default()
    }
}

// https://sqlite.org/rescode.html
const BUSY: u32 = 5;
const READ_ONLY: u32 = 8;
/// The kind of `READ_ONLY` that says that the file was moved or deleted.
const MOVED: u32 = 1032;
const IO: u32 = 10;
const CORRUPT: u32 = 11;
const FULL: u32 = 13;
const CANNOT_OPEN: u32 = 14;
const NOT_A_DATABASE: u32 = 26;
/// The I/O errors that a quota, a file size limit or a full disk may cause: writing, and enlarging the log's index.
const NO_ROOM: [u32; 2] = [778, 4874];

/// Returns SQLite's extended code; 0 if the error is not SQLite's.
fn extended_code(error: &sqlx::Error) -> u32 {
    let error = error.as_database_error().and_then(|error| error.try_downcast_ref::<SqliteError>());
    error.and_then(DatabaseError::code).and_then(|code| code.parse().ok()).unwrap_or_default()
}

/// Returns SQLite's primary code: the lowest byte.
fn code(error: &sqlx::Error) -> u32 {
    extended_code(error) & 0xff
}

// https://www.postgresql.org/docs/current/errcodes-appendix.html
/// Temporary conditions, by the first characters of their codes: the connection is lost; a transaction conflicted with
/// another or timed out; memory, disk space or connections ran out; the server is starting or shutting down; it is a
/// standby that may be promoted; tables, functions or the schema are missing because it is being restored.
const PASSES: [&str; 11] = ["08", "40", "53", "57", "55P03", "25P03", "25P04", "25006", "42P01", "42883", "3F000"];
const NO_TABLES: [&str; 3] = ["42P01", "42883", "3F000"];
const DISK_FULL: &str = "53100";
const TOO_MANY_CONNECTIONS: &str = "53300";
const NO_RIGHT: &str = "42501";
const READ_ONLY_SERVER: &str = "25006";

/// Returns PostgreSQL's error code, if the error is from PostgreSQL.
fn server_code(error: &sqlx::Error) -> Option<&str> {
    let error = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    error.map(PgDatabaseError::code)
}

/// Whether a server was unavailable, full or overloaded.
pub(super) fn is_away(error: &sqlx::Error) -> bool {
    use sqlx::Error::{Io, PoolClosed, PoolTimedOut, Protocol, Tls};
    match error {
        Io(_) | Tls(_) | Protocol(_) | PoolTimedOut | PoolClosed => true,
        error => server_code(error).is_some_and(|code| PASSES.iter().any(|start| code.starts_with(start))),
    }
}

/// Whether another process holds a lock.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    code(error) == BUSY
}

/// Whether the file is not a database at all.
pub(super) fn is_no_database(error: &sqlx::Error) -> bool {
    code(error) == NOT_A_DATABASE
}

/// Returns what to do, if that is known, worded to follow what failed.
fn what_to_do(error: &sqlx::Error) -> &'static str {
    match server_code(error) {
        Some(DISK_FULL) => return "; the disk of the database server is full: free some space",
        Some(TOO_MANY_CONNECTIONS) => return "; the database server allows no more connections: raise max_connections",
        Some(READ_ONLY_SERVER) => {
            return "; the database server is read-only, perhaps because it is a standby: use the primary server";
        }
        Some(code) if NO_TABLES.contains(&code) => {
            return "; tables are missing in the database, perhaps because it is being restored";
        }
        Some(NO_RIGHT) => return "; the database user lacks privileges: see docs/several-machines.md",
        Some(_) => return "",
        None if is_away(error) => return "; the connection to the database was lost, or it did not answer in time",
        None => {}
    }
    match code(error) {
        BUSY => {
            "; another program has locked it, perhaps a backup or a database browser: close that program, or wait until it \
             is done"
        }
        READ_ONLY => "; it is read-only: make the file and its folder writable",
        _ if NO_ROOM.contains(&extended_code(error)) => "; writing failed: check for a disk quota or a file size limit",
        IO => "; the disk reported an error: check the disk before anything else",
        CORRUPT | NOT_A_DATABASE => {
            "; its file is damaged: keep it unchanged, and continue from a backup. `sqlite3 FILE .recover` may recover its content"
        }
        FULL => "; the disk is full: free some space",
        CANNOT_OPEN => "; its file or its log cannot be opened: check their permissions, and the limit on open files",
        _ => "",
    }
}

/// Returns what to do if a store cannot be opened, worded to follow what failed.
fn of_opening(source: &(dyn std::error::Error + 'static)) -> &'static str {
    use std::io::ErrorKind::{NotFound, PermissionDenied, ReadOnlyFilesystem};
    match source.downcast_ref::<std::io::Error>().map(std::io::Error::kind) {
        None | Some(NotFound | PermissionDenied | ReadOnlyFilesystem) => {
            "; check that its folder exists and is writable"
        }
        Some(_) => "",
    }
}

/// Names what the store was doing when a statement failed.
pub(crate) fn doing(what: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |error| StoreError::Query { doing: what, source: StatementError(error) }
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection, SqliteConnection};

    use super::*;

    /// A full disk, simulated by a limit on the file's pages.
    #[tokio::test]
    async fn a_full_disk_may_pass_and_says_what_to_do() {
        let mut store = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        sqlx::raw_sql("CREATE TABLE t (x); PRAGMA max_page_count = 3").execute(&mut store).await.unwrap();
        let full = sqlx::query("INSERT INTO t VALUES (zeroblob(100000))").execute(&mut store).await;
        let error = doing("commit")(full.unwrap_err());
        assert_eq!(error.to_string(), "the store could not commit; the disk is full: free some space");
        assert!(error.may_pass());
    }

    #[tokio::test]
    async fn a_store_that_may_only_be_read_is_waited_for() {
        let mut store = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        sqlx::raw_sql("CREATE TABLE t (x); PRAGMA query_only = ON").execute(&mut store).await.unwrap();
        let refused = sqlx::query("INSERT INTO t VALUES (1)").execute(&mut store).await;
        let error = doing("commit")(refused.unwrap_err());
        assert!(error.to_string().contains("make the file and its folder writable"), "{error}");
        assert!(error.may_pass());
    }
}
