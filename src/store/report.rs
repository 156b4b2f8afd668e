//! What the report and the status display read: rows in input order, and counts.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::error::doing;
use super::{RowKey, Run, Store, StoreError};
use crate::model::{Channel, Millis, Phone, ReportRow, RowNo, State, Tally};

impl Store {
    /// Every row of a run, in input order; `after` is the last one of the page before. At most `limit`.
    ///
    /// # Errors
    /// Where the store cannot be read or contradicts itself.
    pub async fn report_page(
        &self,
        run: &Run,
        channel: Channel,
        cells: bool,
        after: Option<RowNo>,
        limit: u32,
    ) -> Result<Vec<ReportRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT r.id, r.state, r.phone, r.raw, r.code, r.message, \
             d.state, d.attempts, d.accepted_at, d.message_id, d.delivered_at, d.read_at, d.code, d.message, \
             i.attempt, CASE WHEN ?3 THEN r.cells END \
             FROM recipient r LEFT JOIN delivery d ON d.id = r.id LEFT JOIN intent i ON i.id = r.id \
             WHERE r.id > ?1 AND r.id <= ?2 ORDER BY r.id LIMIT ?4",
        )
        .bind(after.map_or(RowKey::first(run.key), |row| RowKey::new(run.key, row).0))
        .bind(RowKey::last(run.key))
        .bind(cells)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await
        .map_err(doing("read the report"))?;
        rows.iter().map(|row| report_row(row, run, channel)).collect()
    }

    /// How many rows are in each state, read in one go.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn tally(&self, run: &Run) -> Result<Tally, StoreError> {
        let rows: Vec<(i64, i64)> = sqlx::query_as(
            "WITH tried AS (SELECT d.state AS state, count(*) AS n, \
                 sum(i.id IS NOT NULL) AS flying FROM delivery d LEFT JOIN intent i ON i.id = d.id \
                 WHERE d.id BETWEEN ?2 AND ?3 GROUP BY d.state), \
             air AS (SELECT count(*) AS n FROM intent WHERE id BETWEEN ?2 AND ?3), \
             plan AS (SELECT rows, invalid, duplicate, suppressed FROM run WHERE id = ?1) \
             SELECT state, n - flying FROM tried \
             UNION ALL SELECT ?4, n FROM air \
             UNION ALL SELECT ?5, invalid FROM plan \
             UNION ALL SELECT ?6, duplicate FROM plan \
             UNION ALL SELECT ?7, suppressed FROM plan \
             UNION ALL SELECT CASE WHEN (SELECT cancelled_at FROM run WHERE id = ?1) IS NULL THEN ?8 ELSE ?9 END, \
                 rows - invalid - duplicate - suppressed - coalesce((SELECT sum(n) FROM tried), 0) \
                 - ((SELECT n FROM air) - coalesce((SELECT sum(flying) FROM tried), 0)) FROM plan",
        )
        .bind(run.key)
        .bind(RowKey::first(run.key))
        .bind(RowKey::last(run.key))
        .bind(State::Sending.code())
        .bind(State::Invalid.code())
        .bind(State::Duplicate.code())
        .bind(State::Suppressed.code())
        .bind(State::Pending.code())
        .bind(State::Cancelled.code())
        .fetch_all(&self.readers)
        .await
        .map_err(doing("count the rows"))?;
        let mut tally = Tally::default();
        for (code, rows) in rows {
            tally.add(state(code)?, u64::try_from(rows).map_err(|_| negative())?);
        }
        Ok(tally)
    }

    /// The problems of a run by code, with a count and a sample of the words, the most frequent first.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn problems(&self, run: &Run, limit: u32) -> Result<Vec<(String, u64, String)>, StoreError> {
        let rows: Vec<(String, i64, String)> = sqlx::query_as(
            "SELECT code, count(*) AS n, min(message) FROM ( \
               SELECT code, message FROM delivery WHERE id BETWEEN ?1 AND ?2 AND code IS NOT NULL AND state <> ?4 \
               UNION ALL SELECT code, message FROM recipient WHERE id BETWEEN ?1 AND ?2 AND code IS NOT NULL) \
             GROUP BY code ORDER BY n DESC, code LIMIT ?3",
        )
        .bind(RowKey::first(run.key))
        .bind(RowKey::last(run.key))
        .bind(i64::from(limit))
        // What a person said of a row that stands well is no problem.
        .bind(State::Sent.code())
        .fetch_all(&self.readers)
        .await
        .map_err(doing("count the problems"))?;
        Ok(rows.into_iter().map(|(code, n, sample)| (code, n.unsigned_abs(), sample)).collect())
    }
}

fn negative() -> StoreError {
    StoreError::Damaged("more rows were tried than there are".to_owned())
}

fn state(code: i64) -> Result<State, StoreError> {
    State::from_code(code).ok_or_else(|| StoreError::Damaged(format!("there is no state number {code}")))
}

fn report_row(row: &SqliteRow, run: &Run, channel: Channel) -> Result<ReportRow, StoreError> {
    let get = || doing("read a row of the report");
    let planned = state(row.try_get(1).map_err(get())?)?;
    let tried: Option<i64> = row.try_get(6).map_err(get())?;
    let in_air: Option<u32> = row.try_get(14).map_err(get())?;
    let now = match (tried.map(state).transpose()?, in_air) {
        (_, Some(_)) => State::Sending,
        (Some(tried), None) => tried,
        (None, None) if planned == State::Pending && run.cancelled_at.is_some() => State::Cancelled,
        (None, None) => planned,
    };
    let read = || -> Result<ReportRow, sqlx::Error> {
        let phone: Option<i64> = row.try_get(2)?;
        let raw: Option<String> = row.try_get(3)?;
        let (code, message) = if tried.is_some() { (12, 13) } else { (4, 5) };
        let cells: Option<String> = row.try_get(15)?;
        Ok(ReportRow {
            row: RowKey(row.try_get(0)?).row(),
            to: phone.map(|phone| Phone::from_u64(phone.unsigned_abs()).digits()).or(raw).unwrap_or_default(),
            channel,
            state: now,
            message_id: row.try_get(9)?,
            attempts: in_air.map_or_else(|| row.try_get::<Option<u32>, _>(7), |n| Ok(Some(n)))?.unwrap_or(0),
            accepted_at: row.try_get::<Option<i64>, _>(8)?.map(Millis),
            delivered_at: row.try_get::<Option<i64>, _>(10)?.map(Millis),
            read_at: row.try_get::<Option<i64>, _>(11)?.map(Millis),
            error_code: row.try_get(code)?,
            error_message: row.try_get(message)?,
            cells: cells.map(|cells| serde_json::from_str(&cells).unwrap_or_default()).unwrap_or_default(),
        })
    };
    read().map_err(get())
}
