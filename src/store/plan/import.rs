//! The import: saves the rows of a run.

use crate::crash_point::Point;
use crate::model::{Millis, RowNumber, RowProblem, State};
use crate::store::Store;
use crate::store::error::doing;
use crate::store::sql::{json, query, query_scalar};
use crate::store::{Owner, PlannedRow, RowKey, StoreError};

/// Number of rows in one statement of the import; larger statements were no faster.
const INSERTED: usize = 1_000;
/// Number of rows per transaction when clearing an unfinished import, so that the log stays small.
const CLEARED: i64 = 50_000;

impl Store {
    /// Prepares a run for its rows, removing what an interrupted import left behind. `template` is the snapshot that
    /// they are checked against, if any.
    ///
    /// # Errors
    /// When the store cannot be written, or another process has taken over the run.
    pub async fn begin_import(
        &self,
        owner: Owner,
        columns: &[String],
        template: Option<&str>,
    ) -> Result<(), StoreError> {
        self.clear_rows(owner).await?;
        let columns = serde_json::to_string(columns).unwrap_or_else(|_| "[]".to_owned());
        let failed = || doing("save the columns");
        let mut writer = self.write().await?;
        let mut tx = writer.begin_as(owner, "save the columns").await?;
        query("UPDATE run SET columns = $2, template = $3 WHERE id = $1 AND planned_at IS NULL")
            .bind(owner.run)
            .bind(columns)
            .bind(template)
            .execute(&mut tx)
            .await
            .map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        Point::ImportStarted.pass();
        Ok(())
    }

    async fn clear_rows(&self, owner: Owner) -> Result<(), StoreError> {
        loop {
            let mut writer = self.write().await?;
            let mut tx = writer.begin_as(owner, "clear an unfinished import").await?;
            let gone = query(
                "DELETE FROM recipient WHERE id IN (SELECT id FROM recipient WHERE id BETWEEN $1 AND $2 LIMIT $3)",
            )
            .bind(RowKey::first(owner.run))
            .bind(RowKey::last(owner.run))
            .bind(CLEARED)
            .execute(&mut tx)
            .await
            .map_err(doing("clear an unfinished import"))?;
            tx.commit().await.map_err(doing("clear an unfinished import"))?;
            if gone.rows_affected() == 0 {
                return Ok(());
            }
        }
    }

    /// Abandons a run whose import was interrupted: it ends as cancelled, without rows. A planned run is left
    /// unchanged.
    ///
    /// # Errors
    /// When the store cannot be written, or another process has taken over the run.
    pub async fn abandon_import(&self, owner: Owner, now: Millis) -> Result<(), StoreError> {
        let failed = || doing("abandon an unfinished import");
        let planned: bool = query_scalar("SELECT planned_at IS NOT NULL FROM run WHERE id = $1")
            .bind(owner.run)
            .fetch_one(self.write().await?.alone())
            .await
            .map_err(failed())?;
        if planned {
            return Ok(());
        }
        // The rows come first: once the run has ended, nothing would remove them.
        self.clear_rows(owner).await?;
        let mut writer = self.write().await?;
        let mut tx = writer.begin_as(owner, "abandon an unfinished import").await?;
        query(
            "UPDATE run SET cancelled_at = $2, dispatched_at = $2, finished_at = $2 WHERE id = $1 AND planned_at IS NULL",
        )
        .bind(owner.run)
        .bind(now.0)
        .execute(&mut tx)
        .await
        .map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        Point::ImportAbandoned.pass();
        Ok(())
    }

    /// Discards a plan of which nothing was sent yet, so that the rows are read and checked again. Returns whether it
    /// did. The caller must hold the run's lock.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn discard_plan(&self, run: i64) -> Result<bool, StoreError> {
        let taken = query("UPDATE run SET planned_at = NULL WHERE id = $1 AND started_at IS NULL")
            .bind(run)
            .execute(self.write().await?.alone())
            .await
            .map_err(doing("discard the plan"))?;
        Ok(taken.rows_affected() > 0)
    }

    /// Saves whether a run skips everyone whom earlier runs reached. A planned run is left unchanged. The caller must
    /// hold the run's lock.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn set_only_new(&self, run: i64, only_new: bool) -> Result<(), StoreError> {
        query("UPDATE run SET only_new = $2 WHERE id = $1 AND planned_at IS NULL")
            .bind(run)
            .bind(only_new)
            .execute(self.write().await?.alone())
            .await
            .map(drop)
            .map_err(doing("save the rows that the run skips"))
    }

    /// Adds rows, in input order, in one transaction.
    ///
    /// # Errors
    /// When the store cannot be written, or another process has taken over the run; then none of these rows is saved.
    pub async fn add_rows(&self, owner: Owner, rows: &[PlannedRow]) -> Result<(), StoreError> {
        let mut writer = self.write().await?;
        let mut tx = writer.begin_as(owner, "import rows").await?;
        for chunk in rows.chunks(INSERTED) {
            let chunk: Vec<_> = chunk.iter().map(|row| columns(owner.run, row)).collect();
            query(
                "INSERT INTO recipient (id, line, state, phone, raw_phone, cells, error_code, error_values) \
                 SELECT CAST(value ->> 0 AS BIGINT), CAST(value ->> 1 AS BIGINT), CAST(value ->> 2 AS BIGINT), \
                 CAST(value ->> 3 AS BIGINT), value ->> 4, value ->> 5, value ->> 6, value ->> 7 FROM jsonb_each($1)",
            )
            .bind(json(&chunk))
            .execute(&mut tx)
            .await
            .map_err(doing("import rows"))?;
        }
        Point::RowsWritten.pass();
        tx.commit().await.map_err(doing("import rows"))?;
        Point::RowsCommitted.pass();
        Ok(())
    }

    /// Marks rows as duplicates of an earlier row with the same number.
    ///
    /// # Errors
    /// When the store cannot be written, or another process has taken over the run.
    pub async fn mark_duplicates(&self, owner: Owner, pairs: &[(RowNumber, RowNumber)]) -> Result<(), StoreError> {
        let key = |row: RowNumber| RowKey::new(owner.run, row).0;
        let pairs: Vec<(i64, u64)> = pairs.iter().map(|(row, earlier)| (key(*row), earlier.0)).collect();
        let pairs = json(&pairs);
        let mut writer = self.write().await?;
        let mut tx = writer.begin_as(owner, "mark duplicates").await?;
        query(
            "UPDATE recipient SET state = $2, error_code = 'duplicate', error_values = json_array(pair.earlier) \
             FROM (SELECT CAST(value ->> 0 AS BIGINT) AS id, CAST(value ->> 1 AS BIGINT) AS earlier FROM jsonb_each($1)) AS pair \
             WHERE recipient.id = pair.id AND recipient.state = $3",
        )
        .bind(pairs)
        .bind(State::Duplicate.code())
        .bind(State::Pending.code())
        .execute(&mut tx)
        .await
        .map_err(doing("mark duplicates"))?;
        tx.commit().await.map_err(doing("mark duplicates"))?;
        Point::DuplicatesMarked.pass();
        Ok(())
    }

    /// Ends the import: marks suppressed rows, saves the counts, and allows dispatch to start.
    ///
    /// # Errors
    /// When the store cannot be written, or another process has taken over the run.
    pub async fn finish_import(&self, owner: Owner, now: Millis) -> Result<(), StoreError> {
        let failed = || doing("finish the import");
        let (first, last) = (RowKey::first(owner.run), RowKey::last(owner.run));
        let mut writer = self.write().await?;
        let mut tx = writer.begin_as(owner, "finish the import").await?;
        query(
            "UPDATE recipient SET state = $3, error_code = 'suppressed', \
             error_values = json_array((SELECT reason FROM suppression WHERE phone = recipient.phone)) \
             WHERE id BETWEEN $1 AND $2 AND state = $4 AND EXISTS (SELECT 1 FROM suppression) \
             AND phone IN (SELECT phone FROM suppression)",
        )
        .bind(first)
        .bind(last)
        .bind(State::Suppressed.code())
        .bind(State::Pending.code())
        .execute(&mut tx)
        .await
        .map_err(failed())?;
        query(
            "UPDATE run SET planned_at = $3, (rows, invalid, duplicate, suppressed) = ( \
               SELECT count(*), count(*) FILTER (WHERE state = $4), count(*) FILTER (WHERE state = $5), count(*) FILTER (WHERE state = $6) \
               FROM recipient WHERE id BETWEEN $1 AND $2) \
             WHERE id = $7",
        )
        .bind(first)
        .bind(last)
        .bind(now.0)
        .bind(State::Invalid.code())
        .bind(State::Duplicate.code())
        .bind(State::Suppressed.code())
        .bind(owner.run)
        .execute(&mut tx)
        .await
        .map_err(failed())?;
        Point::PlanWritten.pass();
        tx.commit().await.map_err(failed())?;
        Point::PlanCommitted.pass();
        Ok(())
    }
}

/// A row as the statement reads it: id, line, state, phone, raw_phone, cells, error_code, error_values.
type Columns<'r> = (i64, u64, i64, Option<u64>, Option<&'r str>, &'r str, Option<&'static str>, Option<String>);

fn columns(run: i64, row: &PlannedRow) -> Columns<'_> {
    let code = row.problems.first().map(RowProblem::code);
    let state = if code.is_some() { State::Invalid } else { State::Pending };
    let values = code.and_then(|_| serde_json::to_string(&row.problems).ok());
    let phone = row.to.as_ref().ok().map(|phone| phone.as_u64());
    let raw_phone = row.to.as_ref().err().map(String::as_str);
    (RowKey::new(run, row.row).0, row.line, state.code(), phone, raw_phone, &row.cells, code, values)
}
