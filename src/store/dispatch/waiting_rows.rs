//! Rows that wait for their time.

use crate::model::Millis;
use crate::store::Store;
use crate::store::error::doing;
use crate::store::sql::{query_as, query_scalar};
use crate::store::{RowKey, StoreError, Waiting};

impl Store {
    /// Returns when the first row of a run is due, if none can be sent at `now` and none is in flight.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn waits_until(&self, run: i64, now: Millis) -> Result<Option<Millis>, StoreError> {
        let first: Option<i64> = query_scalar(
            "SELECT min(next_attempt_at) FROM delivery WHERE run = $1 AND next_attempt_at IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM delivery WHERE run = $1 AND state = 1) \
             AND NOT EXISTS (SELECT 1 FROM recipient WHERE state = 0 \
                 AND id <= (SELECT id << 40 | rows FROM run WHERE id = $1) \
                 AND id > coalesce((SELECT next_row FROM progress WHERE run = $1), $1 << 40))",
        )
        .bind(run)
        .fetch_one(&self.readers)
        .await
        .map_err(doing("find the next due row"))?;
        Ok(first.map(Millis).filter(|first| *first > now))
    }

    /// Counts the requests of a run whose outcome is not recorded yet.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn in_flight(&self, run: i64) -> Result<u64, StoreError> {
        let rows: i64 = query_scalar("SELECT count(*) FROM delivery WHERE run = $1 AND state = 1")
            .bind(run)
            .fetch_one(&self.readers)
            .await
            .map_err(doing("count the requests in flight"))?;
        Ok(rows.unsigned_abs())
    }

    /// Returns the time of the last attempt of a run, if there was one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn last_attempt(&self, run: i64) -> Result<Option<Millis>, StoreError> {
        query_scalar::<Option<i64>>("SELECT max(started_at) FROM delivery WHERE id BETWEEN $1 AND $2")
            .bind(RowKey::first(run))
            .bind(RowKey::last(run))
            .fetch_one(&self.scanner)
            .await
            .map(|last| last.map(Millis))
            .map_err(doing("find the last attempt"))
    }

    /// Returns the rows of a run that wait and are not due at `now`, if there are any.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn waiting(&self, run: i64, now: Millis) -> Result<Option<Waiting>, StoreError> {
        let (rows, first, last): (i64, Option<i64>, Option<i64>) = query_as(
            "SELECT count(*), min(next_attempt_at), max(next_attempt_at) FROM delivery WHERE run = $1 AND next_attempt_at > $2",
        )
        .bind(run)
        .bind(now.0)
        .fetch_one(&self.scanner)
        .await
        .map_err(doing("count the waiting rows"))?;
        let times = first.zip(last);
        Ok(times.map(|(first, last)| Waiting { rows: rows.unsigned_abs(), first: Millis(first), last: Millis(last) }))
    }
}
