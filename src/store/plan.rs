//! What the plan leaves in the store: the frozen rows of a run.

use sqlx::Connection;

use super::error::doing;
use super::many::Many;
use super::{RowKey, StoreError, Writer};
use crate::crash::Point;
use crate::model::{Millis, Phone, RowNo, RowProblem, State};

/// A record of the input as the plan judged it.
/// There is no `Debug`, since it is made of personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct PlannedRow {
    /// Its number in the input.
    pub row: RowNo,
    /// Its first line in the file.
    pub line: u64,
    /// The number, or the input's text where it is not one.
    pub to: Result<Phone, String>,
    /// The cells, as a JSON array.
    pub cells: String,
    /// Why it cannot become a message; none for a row to be sent.
    pub problems: Vec<RowProblem>,
}

/// Rows in one statement; larger ones brought nothing.
const CHUNK: usize = 256;

static INSERT: Many = Many::new(
    "INSERT INTO recipient (id, line, state, phone, raw, cells, code, message) SELECT * FROM (VALUES ",
    8,
    ") WHERE column1 IS NOT NULL",
);

impl Writer {
    /// Prepares a run for its rows: what an import that was broken off left behind goes. `template` is the snapshot that
    /// they are held against, if any.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn begin_plan(&mut self, run: i64, columns: &[String], template: Option<&str>) -> Result<(), StoreError> {
        loop {
            // In steps, so that the log stays small however far the import had come.
            let gone = sqlx::query(
                "DELETE FROM recipient WHERE id IN (SELECT id FROM recipient WHERE id BETWEEN ?1 AND ?2 LIMIT 50000)",
            )
            .bind(RowKey::first(run))
            .bind(RowKey::last(run))
            .execute(&mut self.connection)
            .await
            .map_err(doing("clear an unfinished import"))?;
            if gone.rows_affected() == 0 {
                break;
            }
        }
        let columns = serde_json::to_string(columns).unwrap_or_else(|_| "[]".to_owned());
        sqlx::query("UPDATE run SET columns = ?2, template = ?3 WHERE id = ?1 AND planned_at IS NULL")
            .bind(run)
            .bind(columns)
            .bind(template)
            .execute(&mut self.connection)
            .await
            .map_err(doing("note the columns"))?;
        Point::ImportBegun.pass();
        Ok(())
    }

    /// Gives up a run whose import was broken off: it ends as cancelled, without rows. Does nothing to one that is
    /// planned. Only for the holder of the run's lock.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn give_up_import(&mut self, run: i64, now: Millis) -> Result<(), StoreError> {
        let failed = || doing("give up an unfinished import");
        let planned: bool = sqlx::query_scalar("SELECT planned_at IS NOT NULL FROM run WHERE id = ?1")
            .bind(run)
            .fetch_one(&mut self.connection)
            .await
            .map_err(failed())?;
        if planned {
            return Ok(());
        }
        // The rows first: once the run has ended, nobody would come for them any more.
        self.begin_plan(run, &[], None).await?;
        sqlx::query("UPDATE run SET cancelled_at = ?2, dispatched_at = ?2, finished_at = ?2 WHERE id = ?1")
            .bind(run)
            .bind(now.0)
            .execute(&mut self.connection)
            .await
            .map_err(failed())?;
        Point::ImportGivenUp.pass();
        Ok(())
    }

    /// Takes a plan back of which nothing was tried as yet, so that the rows are read and judged anew. Gives back whether
    /// it was one. Only for the holder of the run's lock.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn take_plan_back(&mut self, run: i64) -> Result<bool, StoreError> {
        let taken = sqlx::query("UPDATE run SET planned_at = NULL WHERE id = ?1 AND started_at IS NULL")
            .bind(run)
            .execute(&mut self.connection)
            .await
            .map_err(doing("take the plan back"))?;
        Ok(taken.rows_affected() > 0)
    }

    /// Adds rows, in input order, in one transaction.
    ///
    /// # Errors
    /// Where the store cannot be written; then none of these rows is in.
    pub async fn add_rows(&mut self, run: i64, rows: &[PlannedRow]) -> Result<(), StoreError> {
        let failed = || doing("import rows");
        let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        for chunk in rows.chunks(CHUNK) {
            let insert = INSERT.over(chunk, |insert, row| {
                let problem = RowProblem::joined(&row.problems);
                let state = if problem.is_some() { State::Invalid } else { State::Pending };
                let (code, message) =
                    problem.as_ref().map(|problem| (problem.code.as_str(), problem.message.original())).unzip();
                insert
                    .bind(RowKey::new(run, row.row).0)
                    .bind(i64::try_from(row.line).unwrap_or(i64::MAX))
                    .bind(state.code())
                    .bind(row.to.as_ref().ok().map(|phone| phone.as_u64().cast_signed()))
                    .bind(row.to.as_ref().err())
                    .bind(&row.cells)
                    .bind(code)
                    .bind(message)
            });
            insert.execute(&mut *tx).await.map_err(failed())?;
        }
        Point::RowsWritten.pass();
        tx.commit().await.map_err(failed())?;
        Point::RowsCommitted.pass();
        Ok(())
    }

    /// Marks rows as duplicates of an earlier row with the same number.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn mark_duplicates(&mut self, run: i64, pairs: &[(RowNo, RowNo)]) -> Result<(), StoreError> {
        let pairs: Vec<(i64, u64)> = pairs.iter().map(|(row, earlier)| (RowKey::new(run, *row).0, earlier.0)).collect();
        let pairs = serde_json::to_string(&pairs).unwrap_or_default();
        sqlx::query(
            "UPDATE recipient SET state = ?2, code = 'duplicate', message = 'the same number as row ' || pair.earlier \
             FROM (SELECT value ->> 0 AS id, value ->> 1 AS earlier FROM json_each(?1)) AS pair \
             WHERE recipient.id = pair.id AND recipient.state = ?3",
        )
        .bind(pairs)
        .bind(State::Duplicate.code())
        .bind(State::Pending.code())
        .execute(&mut self.connection)
        .await
        .map_err(doing("mark duplicates"))?;
        Point::DuplicatesMarked.pass();
        Ok(())
    }

    /// Ends the plan: marks suppressed rows, freezes the counts, and lets dispatch begin.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn finish_plan(&mut self, run: i64, now: Millis) -> Result<(), StoreError> {
        let failed = || doing("finish the import");
        let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        sqlx::query(
            "UPDATE recipient SET state = ?3, code = 'suppressed', \
             message = coalesce((SELECT reason FROM suppression WHERE phone = recipient.phone), 'on the suppression list') \
             WHERE id BETWEEN ?1 AND ?2 AND state = ?4 AND EXISTS (SELECT 1 FROM suppression) \
             AND phone IN (SELECT phone FROM suppression)",
        )
        .bind(RowKey::first(run))
        .bind(RowKey::last(run))
        .bind(State::Suppressed.code())
        .bind(State::Pending.code())
        .execute(&mut *tx)
        .await
        .map_err(failed())?;
        sqlx::query(
            "UPDATE run SET planned_at = ?3, (rows, invalid, duplicate, suppressed) = ( \
               SELECT count(*), coalesce(sum(state = ?4), 0), coalesce(sum(state = ?5), 0), coalesce(sum(state = ?6), 0) \
               FROM recipient WHERE id BETWEEN ?1 AND ?2) \
             WHERE id = ?7",
        )
        .bind(RowKey::first(run))
        .bind(RowKey::last(run))
        .bind(now.0)
        .bind(State::Invalid.code())
        .bind(State::Duplicate.code())
        .bind(State::Suppressed.code())
        .bind(run)
        .execute(&mut *tx)
        .await
        .map_err(failed())?;
        Point::PlanWritten.pass();
        tx.commit().await.map_err(failed())?;
        Point::PlanCommitted.pass();
        Ok(())
    }
}
