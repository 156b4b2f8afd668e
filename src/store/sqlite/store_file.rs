//! A store's file: opened, and checked to be the right one.

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{ConnectOptions, Connection as _};

use super::connection::{LONGEST_SCANS, READERS, connect, options, reading};
use super::files::FileId;
use super::{error, files, mark, migrate};
use crate::crash_point::Point;
use crate::store::sql::{DbConnection, Held, Pool};
use crate::store::{StoreError, StoreMismatch};

/// The file of an open store. SQLite alone opens it, once per process.
#[derive(Clone, Debug)]
pub(in crate::store) struct StoreFile {
    path: PathBuf,
    /// The file's identity when it was opened.
    id: FileId,
}

impl StoreFile {
    /// Opens the file, creating it (with mode 0600) if it does not exist, and migrates it to the newest format.
    pub(in crate::store) async fn open_or_make(path: &Path) -> Result<Self, StoreError> {
        let opened = |source: std::io::Error| StoreError::Open { path: path.to_owned(), source: Box::new(source) };
        files::make(path).map_err(opened)?;
        Point::StoreFileCreated.pass();
        if files::is_foreign(path).await? {
            return Err(StoreError::Foreign { path: path.to_owned() });
        }
        // By its real path, so that a link cannot bypass the lock.
        let path = &path.canonicalize().map_err(opened)?;
        files::make_private(path).map_err(opened)?;
        mark::refuse_mixture(path).await?;
        let mut writer = connect(path).await?;
        // After the first opening for writing, which gives a file of a layered file system its own number.
        let id = FileId::of(path)?;
        migrate::migrate(path, &mut writer).await?;
        mark::establish(path, &mut writer).await?;
        id.is_at(path)?;
        writer.close().await.map_err(error::doing("close its connection"))?;
        Ok(Self { path: path.to_owned(), id })
    }

    /// Returns connections for small reads, and one for long ones.
    pub(in crate::store) fn pools(&self) -> (Pool, Pool) {
        let file = self.clone();
        let pool = SqlitePoolOptions::new().min_connections(0).after_connect(move |_, _| {
            let in_place = file.is_in_place().map_err(|error| sqlx::Error::Configuration(error.into()));
            Box::pin(async { in_place })
        });
        // SQLite may have rolled its transaction back itself; see `DbConnection::is_stuck`.
        let pool = pool.before_acquire(|connection, _| Box::pin(async { Ok(!connection.is_in_transaction()) }));
        let readers = pool.clone().max_connections(READERS).connect_lazy_with(reading(&self.path));
        let scanner = pool.max_connections(1).acquire_timeout(LONGEST_SCANS).connect_lazy_with(reading(&self.path));
        (Pool::Sqlite(readers), Pool::Sqlite(scanner))
    }

    /// Opens the connection for writing.
    pub(in crate::store) async fn connect(&self) -> Result<DbConnection<'static>, StoreError> {
        connect(&self.path).await.map(own)
    }

    /// Opens a connection with the usual options.
    pub(in crate::store) async fn connect_plain(&self) -> Result<DbConnection<'static>, StoreError> {
        options(&self.path).connect().await.map(own).map_err(error::doing("open another connection"))
    }

    /// Opens a connection for reading page after page.
    pub(in crate::store) async fn connect_reading(&self) -> Result<DbConnection<'static>, StoreError> {
        // As many rows as a page, so that SQLite's thread does not have to wait in the middle of one.
        let options = reading(&self.path).row_buffer_size(1024);
        options.connect().await.map(own).map_err(error::doing("open another connection"))
    }

    pub(in crate::store) fn path(&self) -> &Path {
        &self.path
    }

    pub(in crate::store) fn is_in_place(&self) -> Result<(), StoreError> {
        self.id.is_at(&self.path)
    }

    pub(in crate::store) fn is(&self, path: &Path) -> bool {
        FileId::of(path).is_ok_and(|file| file == self.id)
    }

    /// Compares the store with its mark file.
    pub(in crate::store) async fn mark(&self, connection: &mut DbConnection<'_>) -> Result<mark::Mark, StoreError> {
        mark::Mark::verify(&self.path, connection.sqlite()).await
    }

    /// Accepts the store as current on a person's confirmation.
    pub(in crate::store) async fn renew_mark(&self, connection: &mut DbConnection<'_>) -> Result<(), StoreError> {
        mark::renew(&self.path, connection.sqlite()).await
    }

    /// Checks that, if there is no store at this path, there never was one.
    pub(in crate::store) fn is_not_gone(path: &Path) -> Result<(), StoreError> {
        // A link may lead to where it was.
        let path = std::fs::read_link(path).map_or(path.to_owned(), |to| path.parent().unwrap_or(path).join(to));
        let log = std::fs::metadata(files::beside(&path, "-wal")).map_or(0, |log| log.len());
        match !path.exists() && (mark::path_of(&path).exists() || log > 0) {
            true => Err(StoreError::WentBack { path, why: StoreMismatch::Gone }),
            false => Ok(()),
        }
    }

    /// Whether there is a store at this path.
    pub(in crate::store) fn is_there(path: &Path) -> bool {
        match std::fs::metadata(path) {
            // An empty file is not a store yet: it may belong to someone, and is left as it is.
            Ok(file) if file.is_file() && file.len() == 0 => {
                std::fs::metadata(files::beside(path, "-wal")).is_ok_and(|log| log.len() > 0)
            }
            Ok(_) => true,
            Err(_) => false,
        }
    }

    /// Whether a file belongs to a store at this path, by its name; neither has to exist.
    pub(in crate::store) fn owns(path: &Path, file: &Path) -> bool {
        files::belongs(path, file)
    }
}

fn own(connection: sqlx::SqliteConnection) -> DbConnection<'static> {
    DbConnection::Sqlite(Held::Own(connection))
}
