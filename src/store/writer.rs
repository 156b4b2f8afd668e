//! The one connection for writing, which callers take in turn.

use std::time::Duration;

use tokio::sync::MutexGuard;

use super::error::doing;
use super::sql::{DbConnection, On, query_as, query_scalar, silent};
use super::sqlite::Mark;
use crate::model::RunId;
use crate::store::{Owner, StoreError};

/// The connection for writing, opened when first needed.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) connection: Option<DbConnection<'static>>,
    /// The mark file of a store in a file, once this connection has claimed rows.
    pub(super) mark: Option<Mark>,
    /// Whether a transaction may be open that no one will end.
    pub(super) is_spoilt: bool,
    /// Whether its last use on a server ended well. Otherwise the server is asked before the next one.
    pub(super) is_proven: bool,
    /// How long the last steps on a server took from looking at its clock to their end.
    pub(super) lead: Duration,
}

impl Writer {
    /// Whether there is a connection that can be used. One to a server may have died, or its last use may have left a
    /// transaction open: then every further use of it would fail.
    pub(super) async fn is_usable(&mut self) -> bool {
        let is_proven = std::mem::take(&mut self.is_proven);
        match &mut self.connection {
            _ if self.is_spoilt => false,
            None => false,
            Some(connection @ DbConnection::Sqlite(_)) => connection.is_free().await,
            Some(DbConnection::Postgres(_)) if is_proven => true,
            Some(DbConnection::Postgres(_)) => {
                // Out of its place, so that a connection that hangs is not kept if this is abandoned.
                let Some(mut connection) = self.connection.take() else { return false };
                let is_free = connection.is_free().await;
                self.connection = is_free.then_some(connection);
                is_free
            }
        }
    }
}

/// The connection for writing, while it is held.
pub(super) struct Writing<'a> {
    pub(super) guard: MutexGuard<'a, Writer>,
}

impl Drop for Writing<'_> {
    /// A transaction that was dropped on a server is still open there, and keeps all others waiting, until the
    /// connection says or does something again.
    fn drop(&mut self) {
        let is_open = self.guard.connection.as_ref().is_some_and(DbConnection::has_dropped_transaction);
        if (is_open || self.guard.is_spoilt)
            && let Some(connection) = self.guard.connection.take()
        {
            tokio::spawn(connection.close());
        }
    }
}

impl Writing<'_> {
    /// Returns the connection.
    pub(super) fn connection(&mut self) -> &mut DbConnection<'static> {
        match &mut self.guard.connection {
            Some(connection) => connection,
            None => unreachable!("it is made before this is"),
        }
    }

    /// Returns the connection for one statement, which is a transaction of its own.
    pub(super) fn alone(&mut self) -> On<'_> {
        On::alone(self.connection())
    }

    /// Does the same as [`Writing::begin`], for work that only the owner of the run may do.
    pub(super) async fn begin_as(&mut self, owner: Owner, what: &'static str) -> Result<DbConnection<'_>, StoreError> {
        let mut tx = self.begin(what).await?;
        assert_owner(&mut tx, owner).await?;
        Ok(tx)
    }

    /// Begins a transaction that may write. Dropping it changes nothing.
    pub(super) async fn begin(&mut self, what: &'static str) -> Result<DbConnection<'_>, StoreError> {
        self.connection().begin().await.map_err(doing(what))
    }
}

/// Checks that no other process has taken over the run.
pub(super) async fn assert_owner(connection: &mut DbConnection<'_>, owner: Owner) -> Result<(), StoreError> {
    let now: Option<Option<i64>> = query_scalar("SELECT owner FROM progress WHERE run = $1")
        .bind(owner.run)
        .fetch_optional(&mut *connection)
        .await
        .map_err(doing("check which process owns the run"))?;
    if now == Some(Some(owner.worker.0)) {
        return Ok(());
    }
    let (name, number): (String, u32) = query_as("SELECT name, number FROM run WHERE id = $1")
        .bind(owner.run)
        .fetch_one(connection)
        .await
        .map_err(doing("check which process owns the run"))?;
    Err(StoreError::NotOwner(RunId::new(&name, number)))
}

/// How long a step on a server may take. It is then made again on a new connection, because the old one may be dead
/// without an error.
const LONGEST_STEP: Duration = Duration::from_secs(10);

/// Ends a step on a server that takes too long.
pub(super) async fn in_step_time<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(LONGEST_STEP, call).await.unwrap_or_else(|_| Err(doing("record a step")(silent())))
}
