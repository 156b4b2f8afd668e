//! Opens a store where it is, in a file or on a server.

use std::path::Path;
use std::sync::Arc;

use super::StoreError;
use super::handle::{Backend, Store};
use super::location::Location;
use super::postgres::Server;
use super::sqlite::StoreFile;

impl Store {
    /// Opens the store, creating it (a file has mode 0600) if it does not exist, and migrates it to the newest format.
    ///
    /// # Errors
    /// When it cannot be created or opened, is not a store, or was written by a newer version.
    pub async fn open(location: impl Into<Location>) -> Result<Self, StoreError> {
        let location = location.into();
        Self::is_not_gone(&location)?;
        Self::open_or_make(location).await
    }

    /// Does the same as [`Store::open`], but creates a new store even where there was one before, on a person's
    /// request.
    ///
    /// # Errors
    /// The same as [`Store::open`].
    pub async fn open_or_make(location: impl Into<Location>) -> Result<Self, StoreError> {
        let (backend, (readers, scanner)) = match location.into() {
            Location::File(path) => {
                let file = StoreFile::open_or_make(&path).await?;
                let pools = file.pools();
                (Backend::File(file), pools)
            }
            Location::Server(url) => {
                let server = Server::open_or_make(url).await?;
                let pools = server.pools();
                (Backend::Server(Arc::new(server)), pools)
            }
        };
        Ok(Self { backend, readers, scanner, writer: Arc::default() })
    }

    /// Opens a store that must already exist.
    ///
    /// # Errors
    /// The same as [`Store::open`], and when it does not exist.
    pub async fn open_existing(location: impl Into<Location>) -> Result<Self, StoreError> {
        let location = location.into();
        Self::is_not_gone(&location)?;
        Self::open_if_there(&location).await?.ok_or_else(|| StoreError::Missing(location))
    }

    /// Checks that, if there is no store at this place, there never was one.
    ///
    /// # Errors
    /// [`StoreError::WentBack`] when a mark file or a log shows that there was one.
    pub fn is_not_gone(location: &Location) -> Result<(), StoreError> {
        match location {
            Location::File(path) => StoreFile::is_not_gone(path),
            Location::Server(_) => Ok(()),
        }
    }

    /// Opens the store if it exists; never creates it.
    ///
    /// # Errors
    /// The same as [`Store::open`].
    pub async fn open_if_there(location: impl Into<Location>) -> Result<Option<Self>, StoreError> {
        let location = location.into();
        let is_there = match &location {
            Location::File(path) => StoreFile::is_there(path),
            Location::Server(url) => Server::has_store(url).await?,
        };
        match is_there {
            true => Self::open(location).await.map(Some),
            false => Ok(None),
        }
    }

    /// Whether a file belongs to a store at this place, by its name; neither has to exist.
    #[must_use]
    pub fn owns(location: &Location, file: &Path) -> bool {
        matches!(location, Location::File(path) if StoreFile::owns(path, file))
    }
}
