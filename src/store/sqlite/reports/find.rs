//! Finds the rows that have a number, in every run.
//!
//! A year of daily runs is not scanned for that: when a run ends, its numbers are sorted into the table `number`, a
//! stretch of rows at a time. A search looks into each stretch once. Only runs that have not ended are read row by row.
//! An index on `recipient.phone` would cost the import more than it may: numbers come in no order, so that each row of
//! a large store would write a page of its own.

use crate::model::{Millis, Phone, RowNumber, RunId};
use crate::store::sqlite::Store;
use crate::store::sqlite::error::doing;
use crate::store::{RowKey, StoreError};

/// Rows of a stretch: keys that differ in these bits alone. Sorting one takes about a tenth of a second, and nobody
/// else writes meanwhile.
const STRETCH_BITS: u32 = 18;

/// Stretches of a run: its keys without the bits of a stretch.
const RUN_BITS: u32 = RowKey::ROW_BITS - STRETCH_BITS;

/// The stretch that comes after those of a run that are in the table, if the run has one more. Its rows do not change:
/// the run is planned.
pub(in crate::store::sqlite) const NEXT_STRETCH: &str = "SELECT min(id) >> ?2 FROM recipient WHERE id BETWEEN \
    coalesce((SELECT max(stretch) + 1 FROM number WHERE stretch BETWEEN ?1 << ?3 AND ((?1 + 1) << ?3) - 1), ?1 << ?3) << ?2 \
    AND ((?1 + 1) << (?2 + ?3)) - 1 AND (SELECT planned_at IS NOT NULL FROM run WHERE id = ?1)";

const ADD_STRETCH: &str = "INSERT INTO number (stretch, phone, place) SELECT ?1, phone, id & ((1 << ?2) - 1) \
    FROM recipient WHERE id BETWEEN ?1 << ?2 AND ((?1 + 1) << ?2) - 1 AND phone IS NOT NULL ORDER BY phone, id";

/// Rows of a number in the stretches that are in the table: from each stretch to the next, one look into each.
pub(in crate::store::sqlite) const IN_STRETCHES: &str = "WITH RECURSIVE s(stretch) AS (SELECT min(stretch) FROM number \
    UNION ALL SELECT (SELECT min(n.stretch) FROM number n WHERE n.stretch > s.stretch) FROM s WHERE s.stretch IS NOT NULL) \
    SELECT (s.stretch << ?2) + n.place FROM s CROSS JOIN number n ON n.stretch = s.stretch AND n.phone = ?1";

/// Rows of a number that are not in the table yet. With the plus SQLite makes no index of its own over all rows for it.
pub(in crate::store::sqlite) const NOT_IN_STRETCHES: &str = "SELECT r.id FROM run CROSS JOIN recipient r ON r.id BETWEEN \
    coalesce((SELECT max(stretch) + 1 FROM number WHERE stretch BETWEEN run.id << ?3 AND ((run.id + 1) << ?3) - 1), \
      run.id << ?3) << ?2 AND ((run.id + 1) << (?2 + ?3)) - 1 WHERE +r.phone = ?1";

/// One person over all runs.
impl Store {
    /// Makes the rows of a planned run easy to find by their numbers, as [`Store::find`] does. Does nothing that is
    /// done already.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn index_numbers(&self, run: i64) -> Result<(), StoreError> {
        let failed = || doing("index the numbers of a run");
        loop {
            let mut writing = self.write().await?;
            let mut tx = writing.begin("index the numbers of a run").await?;
            let next: Option<i64> = sqlx::query_scalar(NEXT_STRETCH)
                .bind(run)
                .bind(STRETCH_BITS)
                .bind(RUN_BITS)
                .fetch_one(&mut *tx)
                .await
                .map_err(failed())?;
            let Some(next) = next else { return Ok(()) };
            let added = sqlx::query(ADD_STRETCH).bind(next).bind(STRETCH_BITS).execute(&mut *tx);
            if added.await.map_err(failed())?.rows_affected() == 0 {
                // So that a stretch without a single number is not looked at for ever.
                sqlx::query("INSERT INTO number (stretch, phone, place) VALUES (?1, 0, 0)")
                    .bind(next)
                    .execute(&mut *tx)
                    .await
                    .map_err(failed())?;
            }
            tx.commit().await.map_err(failed())?;
        }
    }

    /// The rows that have this number, each with its run, the oldest run first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn find(&self, phone: Phone) -> Result<Vec<(RunId, RowNumber)>, StoreError> {
        let failed = || doing("look for a number");
        let mut reader = self.scanner.acquire().await.map_err(failed())?;
        let mut keys: Vec<i64> = Vec::new();
        for statement in [IN_STRETCHES, NOT_IN_STRETCHES] {
            let found = sqlx::query_scalar(statement)
                .bind(phone.as_u64().cast_signed())
                .bind(STRETCH_BITS)
                .bind(RUN_BITS)
                .fetch_all(&mut *reader);
            keys.extend(found.await.map_err(failed())?.into_iter().map(|key: i64| key));
        }
        keys.sort_unstable();
        let mut rows = Vec::with_capacity(keys.len());
        for key in keys {
            let run = sqlx::query_as("SELECT name, number FROM run WHERE id = ?1").bind(key >> RowKey::ROW_BITS);
            let (name, number): (String, u32) = run.fetch_one(&mut *reader).await.map_err(failed())?;
            rows.push((RunId::new(&name, number), RowKey(key).row()));
        }
        Ok(rows)
    }

    /// Since when a number is on the suppression list, and why, if it is.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn suppression(&self, phone: Phone) -> Result<Option<(Millis, Option<String>)>, StoreError> {
        let found: Option<(i64, Option<String>)> =
            sqlx::query_as("SELECT added_at, reason FROM suppression WHERE phone = ?1")
                .bind(phone.as_u64().cast_signed())
                .fetch_optional(&self.readers)
                .await
                .map_err(doing("look at the suppression list"))?;
        Ok(found.map(|(at, reason)| (Millis(at), reason)))
    }
}
