//! What a clock that was set back does to a store: times in it lie in the future, and whatever counts from them would
//! wait for as long as the clock went back.

use sqlx::Connection;

use super::error::doing;
use super::{RowKey, StoreError, Writer};
use crate::model::Millis;

/// Clocks that are kept right go back by less than this.
const A_LITTLE: i64 = 1_000;

impl Writer {
    /// Lets waits of a run begin anew that began in the future; gives back how many. The ledger keeps the times as they
    /// were noted. Only for the holder of the run's lock.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn mend_times(&mut self, run: i64, now: Millis) -> Result<u64, StoreError> {
        let failed = || doing("mend its times");
        let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        let mut mended = 0;
        // A moment ago, so that nothing counts as done since.
        for statement in [
            "UPDATE delivery SET due_at = ?3 + max(0, due_at - tried_at), tried_at = ?3 - 1 \
             WHERE id BETWEEN ?1 AND ?2 AND due_at IS NOT NULL AND tried_at > ?3 + ?4",
            "UPDATE delivery SET poll_at = ?3 + max(0, poll_at - coalesce(polled_at, accepted_at)), polled_at = ?3 - 1 \
             WHERE id BETWEEN ?1 AND ?2 AND poll_at IS NOT NULL AND coalesce(polled_at, accepted_at) > ?3 + ?4",
        ] {
            let done = sqlx::query(statement)
                .bind(RowKey::first(run))
                .bind(RowKey::last(run))
                .bind(now.0)
                .bind(A_LITTLE)
                .execute(&mut *tx)
                .await
                .map_err(failed())?;
            mended += done.rows_affected();
        }
        tx.commit().await.map_err(failed())?;
        Ok(mended)
    }
}
