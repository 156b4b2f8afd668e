//! What a clock that was set back does to a store: times in it lie in the future, and whatever counts from them would
//! wait for as long as the clock went back.

use super::error::doing;
use super::{Store, StoreError, Writer};
use crate::model::Millis;

/// Clocks that are kept right go back by less than this.
const A_LITTLE: i64 = 1_000;

/// What waits: rows for their next try, or messages for the next time that their status is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// Few, as a rule.
    Tries,
    /// Up to all messages of a run.
    Polls,
}

/// Waits that began in the future also end there, which the index tells. What begins anew began a moment ago, so that
/// nothing counts as done since.
impl Waits {
    const fn mend(self) -> &'static str {
        match self {
            Self::Tries => {
                "UPDATE delivery SET due_at = ?2 + max(0, due_at - tried_at), tried_at = ?2 - 1 \
                 WHERE id IN (SELECT id FROM delivery INDEXED BY delivery_due \
                 WHERE run = ?1 AND due_at > ?2 AND tried_at > ?2 + ?3)"
            }
            Self::Polls => {
                "UPDATE delivery SET poll_at = ?2 + max(0, poll_at - coalesce(polled_at, accepted_at)), polled_at = ?2 - 1 \
                 WHERE id IN (SELECT id FROM delivery INDEXED BY delivery_poll \
                 WHERE run = ?1 AND poll_at > ?2 AND coalesce(polled_at, accepted_at) > ?2 + ?3)"
            }
        }
    }
}

impl Store {
    /// Whether messages of a run wait to be asked about since a time in the future. Of millions it takes a second to know.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn has_polls_ahead(&self, run: i64, now: Millis) -> Result<bool, StoreError> {
        let found = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM delivery INDEXED BY delivery_poll \
             WHERE run = ?1 AND poll_at > ?2 AND coalesce(polled_at, accepted_at) > ?2 + ?3)",
        );
        let found = found.bind(run).bind(now.0).bind(A_LITTLE);
        found.fetch_one(&self.readers).await.map_err(doing("look at its times"))
    }
}

impl Writer {
    /// Lets waits of a run begin anew that began in the future; gives back how many. The ledger keeps the times as they
    /// were noted. Only for the holder of the run's lock.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn mend_times(&mut self, run: i64, waits: Waits, now: Millis) -> Result<u64, StoreError> {
        let mend = sqlx::query(waits.mend()).bind(run).bind(now.0).bind(A_LITTLE);
        let done = mend.execute(&mut self.connection).await.map_err(doing("mend its times"))?;
        Ok(done.rows_affected())
    }
}
