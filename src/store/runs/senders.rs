//! Which workers may claim rows on a server: those in `sender` whose process has not ended.

use crate::store::error::doing;
use crate::store::handle::{Backend, Store};
use crate::store::sql::{DbConnection, query, query_as, query_scalar};
use crate::store::{StoreError, WorkerId};

impl Store {
    /// Whether several processes can send one run: only on a server.
    #[must_use]
    pub fn can_be_joined(&self) -> bool {
        matches!(&self.backend, Backend::Server(_))
    }

    /// Returns this process's number in a store on a server, if it has taken a lock.
    pub(in crate::store) fn process(&self) -> Option<i64> {
        match &self.backend {
            Backend::File(_) => None,
            Backend::Server(server) => server.process(),
        }
    }

    /// Returns the worker that owns a run, if it was taken over with a limit, and how many rows it may still claim for
    /// the first time.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn limit_left(&self, run: i64) -> Result<Option<(WorkerId, u64)>, StoreError> {
        let left: Option<(i64, i64)> =
            query_as("SELECT owner, limit_left FROM progress WHERE run = $1 AND limit_left IS NOT NULL")
                .bind(run)
                .fetch_optional(&self.readers)
                .await
                .map_err(doing("read the limit"))?;
        Ok(left.map(|(owner, left)| (WorkerId(owner), left.unsigned_abs())))
    }

    /// Forgets that a worker stopped a run, because the run continues.
    pub(in crate::store) async fn forget_halt(&self, run: i64) -> Result<(), StoreError> {
        if !self.can_be_joined() {
            return Ok(());
        }
        let mut writer = self.write().await?;
        query("DELETE FROM halt WHERE run = $1")
            .bind(run)
            .execute(writer.alone())
            .await
            .map(drop)
            .map_err(doing("continue the run"))
    }
}

/// Makes a worker the owner of a run, instead of the previous one. Workers that joined the run stay if they are alive.
/// Returns `false` if this process does not have the run's lock.
pub(in crate::store) async fn own(
    tx: &mut DbConnection<'_>,
    run: i64,
    worker: i64,
    process: Option<i64>,
) -> Result<bool, StoreError> {
    let failed = || doing("take over the run");
    let holder: Option<i64> = query_scalar(
        "SELECT l.process FROM lock l JOIN process p ON p.id = l.process JOIN run r ON l.name = r.name || '-' || r.number \
         WHERE r.id = $1 AND NOT p.ended",
    )
    .bind(run)
    .fetch_optional(&mut *tx)
    .await
    .map_err(failed())?;
    // If nobody has the lock, the others have considered this process dead since it took the lock.
    if holder != process {
        return Ok(false);
    }
    let before: Vec<i64> = query_scalar(
        "DELETE FROM sender s WHERE run = $1 AND (NOT is_joined OR process = $2 \
           OR EXISTS (SELECT 1 FROM process p WHERE p.id = s.process AND p.ended)) RETURNING iif(process = $2, claimed, 0)",
    )
    .bind(run)
    .bind(process)
    .fetch_all(&mut *tx)
    .await
    .map_err(failed())?;
    add_sender(tx, run, worker, process, false).await.map_err(failed())?;
    // What the process sent after it had joined the run counts too.
    query("UPDATE sender SET claimed = $2 WHERE worker = $1")
        .bind(worker)
        .bind(before.iter().sum::<i64>())
        .execute(tx)
        .await
        .map_err(failed())?;
    Ok(true)
}

/// Adds a worker that may claim rows as long as its process is alive.
pub(super) async fn add_sender(
    tx: &mut DbConnection<'_>,
    run: i64,
    worker: i64,
    process: Option<i64>,
    is_joined: bool,
) -> Result<(), sqlx::Error> {
    query("INSERT INTO sender (worker, run, process, is_joined) VALUES ($1, $2, $3, $4)")
        .bind(worker)
        .bind(run)
        .bind(process)
        .bind(is_joined)
        .execute(tx)
        .await
        .map(drop)
}
