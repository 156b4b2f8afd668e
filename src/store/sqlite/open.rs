//! Opens a store, and checks that it is the right one.

use std::path::Path;
use std::sync::Arc;

use sqlx::Connection;
use sqlx::sqlite::SqlitePoolOptions;

use super::connection::{LONGEST_SCANS, READERS, connect, reading};
use super::files::FileId;
use super::{Store, error, files, mark, migrate};
use crate::crash_point::Point;
use crate::store::{StoreError, StoreMismatch};

impl Store {
    /// Opens the store, creating it (with mode 0600) if it does not exist, and migrates it to the newest format.
    ///
    /// # Errors
    /// When the file cannot be created or opened, is not a store, or was written by a newer version.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Self::is_not_gone(path)?;
        Self::open_or_make(path).await
    }

    /// Does the same as [`Store::open`], but creates a new store even where there was one before, on a person's
    /// request.
    ///
    /// # Errors
    /// The same as [`Store::open`].
    pub async fn open_or_make(path: &Path) -> Result<Self, StoreError> {
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

    /// Opens a store that must already exist.
    ///
    /// # Errors
    /// The same as [`Store::open`], and when the file does not exist.
    pub async fn open_existing(path: &Path) -> Result<Self, StoreError> {
        Self::is_not_gone(path)?;
        Self::open_if_there(path).await?.ok_or_else(|| StoreError::Missing { path: path.to_owned() })
    }

    /// Checks that, if there is no store at this path, there never was one.
    ///
    /// # Errors
    /// [`StoreError::WentBack`] when its mark file or its log shows that there was one.
    pub fn is_not_gone(path: &Path) -> Result<(), StoreError> {
        // A link may lead to where it was.
        let path = std::fs::read_link(path).map_or(path.to_owned(), |to| path.parent().unwrap_or(path).join(to));
        let log = std::fs::metadata(files::beside(&path, "-wal")).map_or(0, |log| log.len());
        match !path.exists() && (mark::path_of(&path).exists() || log > 0) {
            true => Err(StoreError::WentBack { path, why: StoreMismatch::Gone }),
            false => Ok(()),
        }
    }

    /// Opens the store if it exists; never creates it.
    ///
    /// # Errors
    /// The same as [`Store::open`].
    pub async fn open_if_there(path: &Path) -> Result<Option<Self>, StoreError> {
        let is_there = match std::fs::metadata(path) {
            // An empty file is not a store yet: it may belong to someone, and is left as it is.
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

    /// Checks that the store has recorded every message sent from it, as far as its mark file shows. Call this before
    /// anything is sent; each claim checks again. With `moved`, a person confirms that this store continues, whatever
    /// the mark file says.
    ///
    /// # Errors
    /// [`StoreError::WentBack`], or when the store or its mark cannot be used.
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

    /// Checks that the store's file is where it was opened.
    ///
    /// # Errors
    /// [`StoreError::Replaced`].
    pub fn is_in_place(&self) -> Result<(), StoreError> {
        self.file.is_at(&self.path)
    }

    /// Whether a file belongs to a store at this path, by its name; neither has to exist.
    #[must_use]
    pub fn owns(path: &Path, file: &Path) -> bool {
        files::belongs(path, file)
    }

    /// Whether this is the store's own file, by any name. It must not be opened by hand: closing it would drop the
    /// locks that SQLite has on it.
    #[must_use]
    pub fn is_file(&self, path: &Path) -> bool {
        FileId::of(path).is_ok_and(|file| file == self.file)
    }
}
