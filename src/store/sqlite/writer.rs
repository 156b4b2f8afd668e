//! The one connection for writing, which callers take in turn.

use sqlx::{Connection, Sqlite, SqliteConnection, Transaction};
use tokio::sync::MutexGuard;

use super::error::doing;
use super::mark;
use crate::model::RunId;
use crate::store::{Owner, StoreError};

/// The connection for writing, opened when first needed.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) connection: Option<SqliteConnection>,
    /// The store's mark file, once this connection has claimed rows.
    pub(super) mark: Option<mark::Mark>,
    /// Whether a transaction may be open that no one will end.
    pub(super) is_spoilt: bool,
}

/// The connection for writing, while it is held.
pub(super) struct Writing<'a> {
    pub(super) guard: MutexGuard<'a, Writer>,
}

impl Writing<'_> {
    /// Returns the connection.
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        match &mut self.guard.connection {
            Some(connection) => connection,
            None => unreachable!("it is made before this is"),
        }
    }

    /// Does the same as [`Writing::begin`], for work that only the owner of the run may do.
    pub(super) async fn begin_as(
        &mut self,
        owner: Owner,
        what: &'static str,
    ) -> Result<Transaction<'_, Sqlite>, StoreError> {
        let mut tx = self.begin(what).await?;
        assert_owner(&mut tx, owner).await?;
        Ok(tx)
    }

    /// Begins a transaction that may write. Dropping it changes nothing.
    pub(super) async fn begin(&mut self, what: &'static str) -> Result<Transaction<'_, Sqlite>, StoreError> {
        self.connection().begin_with("BEGIN IMMEDIATE").await.map_err(doing(what))
    }
}

/// Checks that no other process has taken over the run.
pub(super) async fn assert_owner(connection: &mut SqliteConnection, owner: Owner) -> Result<(), StoreError> {
    let now: Option<i64> = sqlx::query_scalar("SELECT owner FROM progress WHERE run = ?1")
        .bind(owner.run)
        .fetch_optional(&mut *connection)
        .await
        .map_err(doing("check which process owns the run"))?;
    if now == Some(owner.worker.0) {
        return Ok(());
    }
    let (name, number): (String, u32) = sqlx::query_as("SELECT name, number FROM run WHERE id = ?1")
        .bind(owner.run)
        .fetch_one(connection)
        .await
        .map_err(doing("check which process owns the run"))?;
    Err(StoreError::NotOwner(RunId::new(&name, number)))
}
