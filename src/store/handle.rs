//! [`Store`]: an open store, in a file or on a server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Mutex;

use super::StoreError;
use super::error::doing;
use super::postgres::Server;
use super::sql::{DbConnection, Pool, script};
use super::sqlite::StoreFile;
use super::writer::{Writer, Writing};
use crate::crash_point::Point;

/// An open store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) backend: Backend,
    /// For small reads.
    pub(super) readers: Pool,
    /// For attempts and for counts over a whole run: with millions of rows they take seconds, and must not delay
    /// others.
    pub(super) scanner: Pool,
    pub(super) writer: Arc<Mutex<Writer>>,
}

/// Where a store is.
#[derive(Clone, Debug)]
pub(super) enum Backend {
    File(StoreFile),
    Server(Arc<Server>),
}

impl Store {
    /// Waits for the connection for writing.
    pub(super) async fn write(&self) -> Result<Writing<'_>, StoreError> {
        let mut guard = self.writer.lock().await;
        // Nothing is written once another file may be in its place, whose log and index would have the same names.
        self.is_in_place()?;
        if !guard.is_usable().await {
            // Boxed, because every future that writes would otherwise hold the large one that opens a connection.
            let connection = match &self.backend {
                Backend::File(file) => Box::pin(file.connect()).await?,
                Backend::Server(server) => Box::pin(server.connect()).await?,
            };
            self.is_in_place()?;
            *guard = Writer { connection: Some(connection), ..Writer::default() };
        }
        Ok(Writing { guard })
    }

    /// Opens a connection of its own, for long work.
    pub(super) async fn separate(&self) -> Result<DbConnection<'static>, StoreError> {
        let connection = match &self.backend {
            Backend::File(file) => file.connect_plain().await,
            Backend::Server(server) => server.connect().await,
        };
        self.is_in_place()?;
        connection
    }

    /// Opens a connection of its own for reading.
    pub(super) async fn reader(&self) -> Result<DbConnection<'static>, StoreError> {
        match &self.backend {
            Backend::File(file) => file.connect_reading().await,
            Backend::Server(server) => server.connect().await,
        }
    }

    /// Closes the connection for writing, so that the log of a file is moved into it unless another process has it
    /// open; the next write opens a new one. On a server, this process's locks are free from then on.
    ///
    /// # Errors
    /// When the database cannot close it properly.
    pub async fn close(&self) -> Result<(), StoreError> {
        let writer = std::mem::take(&mut *self.writer.lock().await);
        if let Some(connection) = writer.connection {
            connection.close().await.map_err(doing("close"))?;
        }
        if let Backend::Server(server) = &self.backend {
            server.end().await;
        }
        Ok(())
    }

    /// Moves the log into the file, so that the file alone can be copied as the whole store. If another process is
    /// working, it happens when that process ends. A server sees to its own log.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn checkpoint(&self) -> Result<(), StoreError> {
        if let Backend::File(_) = self.backend {
            script("PRAGMA wal_checkpoint(TRUNCATE)", self.write().await?.connection())
                .await
                .map_err(doing("checkpoint its log"))?;
            Point::LogFolded.pass();
        }
        self.close().await
    }

    /// Returns the path of the store's file, if it is in one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.backend {
            Backend::File(file) => Some(file.path()),
            Backend::Server(_) => None,
        }
    }

    /// Returns a folder for temporary files: that of the store's file, or the system's.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        match self.path() {
            Some(path) => path.parent().unwrap_or(Path::new(".")).to_owned(),
            None => std::env::temp_dir(),
        }
    }

    /// Checks that the store's file is where it was opened.
    ///
    /// # Errors
    /// [`StoreError::Replaced`].
    pub fn is_in_place(&self) -> Result<(), StoreError> {
        match &self.backend {
            Backend::File(file) => file.is_in_place(),
            Backend::Server(_) => Ok(()),
        }
    }

    /// From now on, a read fails while the server is away, instead of waiting for it: a person wants the process to
    /// end.
    pub fn stop_waiting(&self) {
        if let Backend::Server(server) = &self.backend {
            server.stop_waiting();
        }
    }

    /// Whether this is the store's own file, by any name. It must not be opened by hand: closing it would drop the
    /// locks that SQLite has on it.
    #[must_use]
    pub fn is_file(&self, path: &Path) -> bool {
        matches!(&self.backend, Backend::File(file) if file.is(path))
    }

    /// Checks that the store has recorded every message sent from it, as far as its mark file shows. Call this before
    /// anything is sent; each claim checks again. With `moved`, a person confirms that this store continues, whatever
    /// the mark file says. On a server, see `postgres::mark` and `postgres::home`.
    ///
    /// # Errors
    /// [`StoreError::WentBack`], [`StoreError::SetBack`], [`StoreError::CopiedDatabase`], or when the store or its mark
    /// cannot be used.
    pub async fn may_send(&self, moved: bool) -> Result<(), StoreError> {
        let file = match &self.backend {
            Backend::File(file) => file,
            Backend::Server(server) => return server.may_send(moved).await,
        };
        let mut writer = self.write().await?;
        let mark = match file.mark(writer.connection()).await {
            Err(StoreError::WentBack { .. }) if moved => {
                file.renew_mark(writer.connection()).await?;
                file.mark(writer.connection()).await?
            }
            verified => verified?,
        };
        writer.guard.mark = Some(mark);
        Ok(())
    }

    /// Checks that the store can be written, by locking it for a moment.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn is_writable(&self) -> Result<(), StoreError> {
        let mut writer = self.write().await?;
        writer.begin("lock its tables").await?.close().await.map_err(doing("lock its tables"))
    }

    /// Checks that a server keeps what it has recorded, also after a crash or a failover; a file always does. With
    /// `allow_async_standby`, a person accepts one that may not. Returns what could not be looked at, in words.
    ///
    /// # Errors
    /// [`StoreError::MayForget`].
    pub async fn is_durable(&self, allow_async_standby: bool) -> Result<Option<&'static str>, StoreError> {
        match &self.backend {
            Backend::Server(server) if !allow_async_standby => server.is_durable().await,
            _ => Ok(None),
        }
    }
}
