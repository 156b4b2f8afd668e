//! Finds the rows that have a number, in every run.
//!
//! Searching a year of daily runs must not scan every run. So when a run ends, its numbers are sorted into the table
//! `number`, one stretch of rows at a time, and a search makes one lookup per stretch. Only unfinished runs are read
//! row by row. An index on `recipient.phone` would cost the import too much: numbers come in no order, so each row of a
//! large store would write its own page.

use std::ops::RangeInclusive;

use crate::model::{Millis, Phone, RowNumber, RunId};
use crate::store::Store;
use crate::store::error::doing;
use crate::store::sql::{query, query_as, query_scalar};
use crate::store::{RowKey, StoreError};

/// The rows of a stretch: keys that differ only in this many last bits. Sorting one takes about a tenth of a second,
/// during which no one else writes.
const STRETCH_BITS: u32 = 18;

/// The stretches of a run: its keys without the bits within a stretch.
const RUN_BITS: u32 = RowKey::ROW_BITS - STRETCH_BITS;

/// The stretch after those of a run that are already in the table, if the run has another one. Its rows no longer
/// change, because the run is planned.
pub(in crate::store) const NEXT_STRETCH: &str = "SELECT min(id) >> CAST($2 AS INTEGER) FROM recipient WHERE id BETWEEN \
    coalesce((SELECT max(stretch) + 1 FROM number WHERE stretch BETWEEN $1 << CAST($3 AS INTEGER) AND (($1 + 1) << CAST($3 AS INTEGER)) - 1), $1 << CAST($3 AS INTEGER)) << CAST($2 AS INTEGER) \
    AND (($1 + 1) << CAST($2 + $3 AS INTEGER)) - 1 AND (SELECT planned_at IS NOT NULL AND purged_at IS NULL FROM run WHERE id = $1)";

const ADD_STRETCH: &str = "INSERT INTO number (stretch, phone, place) SELECT $1, phone, id & ((1 << CAST($2 AS INTEGER)) - 1) \
    FROM recipient WHERE id BETWEEN $1 << CAST($2 AS INTEGER) AND (($1 + 1) << CAST($2 AS INTEGER)) - 1 AND phone IS NOT NULL ORDER BY phone, id";

/// The rows of a number in the indexed stretches: one lookup in each, going from stretch to stretch.
pub(in crate::store) const IN_STRETCHES: &str = "WITH RECURSIVE s(stretch) AS (SELECT min(stretch) FROM number \
    UNION ALL SELECT (SELECT min(n.stretch) FROM number n WHERE n.stretch > s.stretch) FROM s WHERE s.stretch IS NOT NULL) \
    SELECT (s.stretch << CAST($2 AS INTEGER)) + n.place FROM s CROSS JOIN number n ON n.stretch = s.stretch AND n.phone = $1";

/// The rows of a number that are not indexed yet. The plus keeps SQLite from building its own index over all rows.
pub(in crate::store) const NOT_IN_STRETCHES: &str = "SELECT r.id FROM run CROSS JOIN recipient r ON r.id BETWEEN \
    coalesce((SELECT max(stretch) + 1 FROM number WHERE stretch BETWEEN run.id << CAST($3 AS INTEGER) AND ((run.id + 1) << CAST($3 AS INTEGER)) - 1), \
      run.id << CAST($3 AS INTEGER)) << CAST($2 AS INTEGER) AND ((run.id + 1) << CAST($2 + $3 AS INTEGER)) - 1 WHERE +r.phone = $1";

impl Store {
    /// Returns the stretches that the rows of a run may be in.
    pub(in crate::store) fn stretches(run: i64) -> RangeInclusive<i64> {
        (run << RUN_BITS)..=((run + 1) << RUN_BITS) - 1
    }

    /// Indexes the numbers of a planned run for [`Store::find`]. Repeating it does nothing.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn index_numbers(&self, run: i64) -> Result<(), StoreError> {
        let failed = || doing("index the numbers of a run");
        loop {
            let mut writing = self.write().await?;
            let mut tx = writing.begin("index the numbers of a run").await?;
            let next: Option<i64> = query_scalar(NEXT_STRETCH)
                .bind(run)
                .bind(STRETCH_BITS)
                .bind(RUN_BITS)
                .fetch_one(&mut tx)
                .await
                .map_err(failed())?;
            let Some(next) = next else { return Ok(()) };
            let added = query(ADD_STRETCH).bind(next).bind(STRETCH_BITS).execute(&mut tx);
            if added.await.map_err(failed())?.rows_affected() == 0 {
                // Marks a stretch without any number as done; otherwise it would be checked forever.
                query("INSERT INTO number (stretch, phone, place) VALUES ($1, 0, 0)")
                    .bind(next)
                    .execute(&mut tx)
                    .await
                    .map_err(failed())?;
            }
            tx.commit().await.map_err(failed())?;
        }
    }

    /// Returns the rows that have this number, in any of its spellings, each with its run, oldest run first. Purged
    /// runs are not searched.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find(&self, phone: Phone) -> Result<Vec<(RunId, RowNumber)>, StoreError> {
        let failed = || doing("find a number");
        // One snapshot: a stretch that is indexed between two statements would be in neither result.
        let mut reader = self.scanner.snapshot().await.map_err(failed())?;
        let mut keys: Vec<i64> = Vec::new();
        let searches = phone.spellings().flat_map(|phone| [(phone, IN_STRETCHES), (phone, NOT_IN_STRETCHES)]);
        for (phone, statement) in searches {
            let found = query_scalar(statement)
                .bind(phone.as_u64().cast_signed())
                .bind(STRETCH_BITS)
                .bind(RUN_BITS)
                .fetch_all(&mut reader);
            keys.extend(found.await.map_err(failed())?.into_iter().map(|key: i64| key));
        }
        keys.sort_unstable();
        let mut rows = Vec::with_capacity(keys.len());
        for key in keys {
            // The rows of a run that is being purged are not all there any more.
            let run =
                query_as("SELECT name, number FROM run WHERE id = $1 AND purged_at IS NULL").bind(RowKey(key).run());
            let run: Option<(String, u32)> = run.fetch_optional(&mut reader).await.map_err(failed())?;
            rows.extend(run.map(|(name, number)| (RunId::new(&name, number), RowKey(key).row())));
        }
        Ok(rows)
    }

    /// Returns the runs that were purged, each with the time, newest first: whom they reached is not known any more.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn purged_runs(&self) -> Result<Vec<(RunId, Millis)>, StoreError> {
        let runs: Vec<(String, u32, i64)> =
            query_as("SELECT name, number, purged_at FROM run WHERE purged_at IS NOT NULL ORDER BY id DESC")
                .fetch_all(&self.readers)
                .await
                .map_err(doing("list the purged runs"))?;
        Ok(runs.into_iter().map(|(name, number, at)| (RunId::new(&name, number), Millis(at))).collect())
    }

    /// Returns when a number was suppressed, and why, if it is on the suppression list.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn suppression(&self, phone: Phone) -> Result<Option<(Millis, Option<String>)>, StoreError> {
        let found: Option<(i64, Option<String>)> =
            query_as("SELECT added_at, reason FROM suppression WHERE phone = $1")
                .bind(phone.as_u64().cast_signed())
                .fetch_optional(&self.readers)
                .await
                .map_err(doing("read the suppression list"))?;
        Ok(found.map(|(at, reason)| (Millis(at), reason)))
    }
}
