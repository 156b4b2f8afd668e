//! Rows that wait to be sent.

use super::claims::{DUE, NEW, candidates};
use super::past_attempts::move_to_past;
use crate::crash_point::Point;
use crate::model::Millis;
use crate::store::error::doing;
use crate::store::sql::{DbConnection, JsonList, json, query, query_as, query_scalar};
use crate::store::{Attempt, Deferral, Owner, RowKey, Store, StoreError, Waiting, WorkerId, guarded};

impl Store {
    /// Returns the next rows that were never claimed or scheduled, in input order; at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn new_rows(&self, run: i64, limit: u32) -> Result<Vec<Attempt>, StoreError> {
        let failed = || doing("read rows that were never claimed");
        let next: Option<i64> = query_scalar("SELECT next_row FROM progress WHERE run = $1")
            .bind(run)
            .fetch_optional(&self.readers)
            .await
            .map_err(failed())?;
        let rows: String = query_scalar(NEW)
            .bind(next.unwrap_or(RowKey::first(run)))
            .bind(RowKey::last(run))
            .bind(limit)
            .fetch_one(&self.readers)
            .await
            .map_err(failed())?;
        unclaimed(&rows)
    }

    /// Returns the rows still to be sent, in input order, after `after`; at most `limit`. Their history is left out.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn remaining_rows(
        &self,
        run: i64,
        after: Option<RowKey>,
        limit: u32,
    ) -> Result<Vec<Attempt>, StoreError> {
        let rows: String = query_scalar(
            "SELECT coalesce(CAST(json_group_array(json_array(id, phone, cells, 0, 0, 0, 0, 0, NULL, 0)) AS TEXT), '[]') FROM ( \
             SELECT r.id, r.phone, r.cells FROM recipient r LEFT JOIN delivery d ON d.id = r.id \
             WHERE r.id > $1 AND r.id <= $2 AND r.state = 0 AND (d.id IS NULL OR d.state = 0) ORDER BY r.id LIMIT $3) AS remaining",
        )
        .bind(after.map_or(RowKey::first(run), |key| key.0))
        .bind(RowKey::last(run))
        .bind(limit)
        .fetch_one(&self.readers)
        .await
        .map_err(doing("read the remaining rows"))?;
        unclaimed(&rows)
    }

    /// Returns the due rows that the next step would claim first; at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn due_rows(&self, owner: Owner, own: bool, now: Millis, limit: u32) -> Result<Vec<Attempt>, StoreError> {
        let rows: String = query_scalar(DUE)
            .bind(owner.run)
            .bind(now.0)
            .bind(own.then_some(owner.worker.0))
            .bind(limit)
            .fetch_one(&self.readers)
            .await
            .map_err(doing("read the due rows"))?;
        Ok(candidates(&rows)?.into_iter().map(|row| row.attempt(owner.worker, now)).collect())
    }

    /// Returns when the next waiting row is due, if any waits; with `own`, only among those that `owner` claimed
    /// before.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn next_due(&self, owner: Owner, own: bool) -> Result<Option<Millis>, StoreError> {
        let next: Option<i64> = query_scalar(NEXT_DUE)
            .bind(owner.run)
            .bind(own.then_some(owner.worker.0))
            .fetch_one(&self.readers)
            .await
            .map_err(doing("find the next due row"))?;
        Ok(next.map(Millis))
    }

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

    /// Saves when rows that were never claimed are due, in input order and without gaps. From then on they wait, and
    /// are never read before their time.
    ///
    /// # Errors
    /// When the store cannot be written, or another process has taken over the run; then nothing is saved.
    pub async fn schedule_rows(&self, owner: Owner, rows: &[Deferral]) -> Result<(), StoreError> {
        let Some(last) = rows.last() else { return Ok(()) };
        let mut writer = self.write().await?;
        let mut tx = writer.begin_as(owner, "schedule rows").await?;
        query(
            "INSERT INTO delivery (id, run, state, next_attempt_at, error_code, error_values) \
             SELECT CAST(value ->> 0 AS BIGINT), $2, CAST(value ->> 1 AS BIGINT), CAST(value ->> 2 AS BIGINT), value ->> 3, value ->> 4 FROM jsonb_each($1)",
        )
        .bind(deferrals(rows))
        .bind(owner.run)
        .execute(&mut tx)
        .await
        .map_err(doing("schedule rows"))?;
        query("UPDATE progress SET next_row = $2 WHERE run = $1 AND next_row < $2")
            .bind(owner.run)
            .bind(last.key.0)
            .execute(&mut tx)
            .await
            .map_err(doing("schedule rows"))?;
        tx.commit().await.map_err(doing("schedule rows"))?;
        Point::RowsScheduled.pass();
        Ok(())
    }
}

/// Defers waiting rows. A row claimed in the meantime is left alone.
pub(super) async fn defer(store: &mut DbConnection<'_>, rows: &[Deferral]) -> Result<(), StoreError> {
    let ended: Vec<i64> = rows.iter().filter(|row| row.cause.is_some()).map(|row| row.key.0).collect();
    if !ended.is_empty() {
        let waiting =
            "SELECT id FROM delivery WHERE id IN (SELECT CAST(atom AS BIGINT) FROM json_each($1)) AND state = 0";
        let waiting = query_scalar(guarded(waiting)).bind(json(&ended)).fetch_all(&mut *store).await;
        let waiting: Vec<i64> = waiting.map_err(doing("defer rows"))?;
        // The row gets its own reason.
        move_to_past(store, &json(&waiting)).await?;
    }
    query(
        "UPDATE delivery SET state = CAST(o.v ->> 1 AS BIGINT), next_attempt_at = CAST(o.v ->> 2 AS BIGINT), error_code = coalesce(o.v ->> 3, error_code), \
         error_message = iif(o.v ->> 3 IS NULL, error_message, NULL), \
         error_values = iif(o.v ->> 3 IS NULL, error_values, o.v ->> 4) \
         FROM (SELECT value AS v FROM jsonb_each($1)) o WHERE delivery.id = CAST(o.v ->> 0 AS BIGINT) AND delivery.state = 0",
    )
    .bind(deferrals(rows))
    .execute(store)
    .await
    .map(drop)
    .map_err(doing("defer rows"))
}

/// Returns deferrals as JSON: id, state, next_attempt_at, error_code, error_values.
fn deferrals(rows: &[Deferral]) -> JsonList {
    let row = |row: &Deferral| {
        let (code, values) = row.cause.as_ref().map(|cause| (cause.code(), cause.values())).unzip();
        (row.key.0, row.state.code(), row.next_attempt_at.map(|at| at.0), code, values.flatten())
    };
    json(rows.iter().map(row).collect::<Vec<_>>())
}

pub(in crate::store) const NEXT_DUE: &str = "SELECT min(next_attempt_at) FROM delivery WHERE run = $1 AND next_attempt_at IS NOT NULL \
    AND ($2 IS NULL OR worker = $2)";

/// Parses rows that were never claimed.
fn unclaimed(text: &str) -> Result<Vec<Attempt>, StoreError> {
    Ok(candidates(text)?.into_iter().map(|row| row.attempt(WorkerId(0), Millis(0))).collect())
}
