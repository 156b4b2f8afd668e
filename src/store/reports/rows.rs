//! The rows and the attempts of a report, a page at a time in input order.

use std::ops::RangeInclusive;

use crate::model::{AttemptRow, Channel, Known, Millis, ReportRow, RowNumber, State};
use crate::store::Store;
use crate::store::error::doing;
use crate::store::runs::purge::refuse_purged;
use crate::store::sql::{DbConnection, DbRow, JsonText, query, query_scalar};
use crate::store::{RowKey, Run, StoreError, Wanted};

/// Number of rows in a page.
const ROWS: i64 = 1000;

/// Reads a range of rows with the columns of the report. The join follows the keys of tables in the same order. A
/// failure has no time of its own: its row's last poll or webhook counts.
const READ: &str = "SELECT r.id, coalesce(d.state, r.state), r.phone, r.raw_phone, d.attempts, d.message_id, d.accepted_at, \
    d.delivered_at, d.read_at, iif(d.id IS NULL, r.error_code, d.error_code), \
    iif(d.id IS NULL, r.error_message, d.error_message), iif(d.id IS NULL, r.error_values, d.error_values), \
    iif($3, r.cells, NULL) FROM recipient r LEFT JOIN delivery d ON d.id = r.id \
    WHERE r.id > $1 AND r.id <= $2 AND ($4 IS NULL \
      OR d.started_at >= $4 OR d.ended_at >= $4 OR d.accepted_at >= $4 OR d.delivered_at >= $4 OR d.read_at >= $4 \
      OR (d.error_code IS NOT NULL AND d.last_poll_at >= $4) \
      OR EXISTS (SELECT 1 FROM resolution c WHERE c.row = r.id AND c.at >= $4)) ORDER BY r.id";

/// The key of the last row of a range; 0 where there is none.
pub(in crate::store) const LAST_ROW: &str = "SELECT coalesce(max(id), 0) FROM recipient WHERE id BETWEEN $1 AND $2";

/// Every attempt of a range of rows whose request left, or may be about to leave, in order.
const ATTEMPTS: &str = "SELECT a.row, r.phone, a.outcome, a.message_id, a.started_at, a.ended_at, a.accepted_at, a.delivered_at, \
    a.read_at, a.error_code, a.error_message, a.error_values FROM ( \
      SELECT row, claim, outcome, message_id, started_at, ended_at, accepted_at, delivered_at, read_at, error_code, \
      error_message, error_values FROM past_attempt WHERE row BETWEEN $1 AND $2 \
      UNION ALL SELECT id, claim, iif(message_id IS NULL, outcome, state), message_id, started_at, ended_at, accepted_at, \
      delivered_at, read_at, error_code, error_message, error_values FROM delivery \
      WHERE id BETWEEN $1 AND $2 AND outcome IS NOT NULL \
      UNION ALL SELECT id, claim, state, NULL, started_at, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM delivery \
      WHERE id BETWEEN $1 AND $2 AND state = 1) a \
    JOIN recipient r ON r.id = a.row ORDER BY a.row, a.started_at, a.claim";

const _: () = assert!(State::Sending as i64 == 1, "it stands in the statement");

impl Store {
    /// Returns the number of the last row of a run; 0 if it has none.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn last_row(&self, run: &Run) -> Result<RowNumber, StoreError> {
        let last = query_scalar(LAST_ROW).bind(RowKey::first(run.key)).bind(RowKey::last(run.key));
        let last: i64 = last.fetch_one(&self.readers).await.map_err(doing("find its last row"))?;
        Ok(RowKey(last).row())
    }

    /// Returns every attempt of these rows of a run, row by row in order.
    ///
    /// # Errors
    /// When the store cannot be read or is inconsistent, or the run was purged.
    pub async fn attempts(&self, run: &Run, rows: RangeInclusive<u64>) -> Result<Vec<AttemptRow>, StoreError> {
        let found = query(ATTEMPTS)
            .bind(RowKey::new(run.key, RowNumber(*rows.start())).0)
            .bind(RowKey::new(run.key, RowNumber(*rows.end())).0)
            .fetch_all(&self.scanner)
            .await
            .map_err(doing("read the attempts"))?;
        refuse_purged(&self.scanner, run.key).await?;
        let mut attempts: Vec<AttemptRow> = Vec::with_capacity(found.len());
        for row in &found {
            let (mut attempt, code) = attempt(row).map_err(doing("read an attempt"))?;
            attempt.outcome = state(code)?;
            let before = attempts.last().filter(|before| before.row == attempt.row);
            attempt.attempt = before.map_or(1, |before| before.attempt + 1);
            attempts.push(attempt);
        }
        Ok(attempts)
    }
}

/// Reads an attempt except its number and outcome. Returns the code of its outcome.
fn attempt(row: &DbRow) -> Result<(AttemptRow, i64), sqlx::Error> {
    let time = |place: usize| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(place)?.map(Millis));
    let error_code: Option<String> = row.try_get(9)?;
    let values: Option<JsonText> = row.try_get(11)?;
    let error_message = Known::in_words(error_code.as_deref(), row.try_get(10)?, values.as_deref());
    let attempt = AttemptRow {
        row: RowKey(row.try_get(0)?).row(),
        to: row.try_get::<i64, _>(1)?.to_string(),
        attempt: 0,
        outcome: State::Sending,
        message_id: row.try_get(3)?,
        started_at: time(4)?,
        ended_at: time(5)?,
        accepted_at: time(6)?,
        delivered_at: time(7)?,
        read_at: time(8)?,
        error_code,
        error_message,
    };
    Ok((attempt, row.try_get(2)?))
}

/// Reads the rows of a run, a page at a time.
pub struct ReportRows {
    connection: DbConnection<'static>,
    run: i64,
    cancelled: bool,
    channel: Channel,
    wanted: Wanted,
    after: i64,
    last: i64,
}

impl ReportRows {
    /// Uses a separate connection, so that no one else has to wait for one.
    pub(in crate::store) async fn open(
        mut connection: DbConnection<'static>,
        run: &Run,
        channel: Channel,
        wanted: Wanted,
    ) -> Result<Self, sqlx::Error> {
        let last = query_scalar(LAST_ROW)
            .bind(RowKey::first(run.key))
            .bind(RowKey::last(run.key))
            .fetch_one(&mut connection)
            .await?;
        Ok(Self {
            connection,
            run: run.key,
            cancelled: run.cancelled_at.is_some(),
            channel,
            wanted,
            after: RowKey::first(run.key),
            last,
        })
    }

    /// Reads this row alone.
    pub(in crate::store) fn only(self, row: RowNumber) -> Self {
        let key = RowKey::new(self.run, row).0;
        Self { after: key - 1, last: self.last.min(key), ..self }
    }

    /// Returns the next page, if there is one. It may be empty if not all rows are wanted.
    ///
    /// # Errors
    /// When the store cannot be read, or the run was purged, also since the last page.
    pub async fn page(&mut self) -> Result<Option<ReportPage>, StoreError> {
        if self.after >= self.last {
            refuse_purged(&mut self.connection, self.run).await?;
            return Ok(None);
        }
        let end = self.last.min(self.after + ROWS);
        let rows = query(READ)
            .bind(self.after)
            .bind(end)
            .bind(self.wanted.cells)
            .bind(self.wanted.since.map(|since| since.0))
            .fetch_all(&mut self.connection)
            .await
            .map_err(doing("read the report"))?;
        refuse_purged(&mut self.connection, self.run).await?;
        self.after = end;
        let row = ReportRow::untried(RowNumber(0), self.channel);
        Ok(Some(ReportPage { rows: rows.into_iter(), cancelled: self.cancelled, row }))
    }
}

/// Rows read together.
pub struct ReportPage {
    rows: std::vec::IntoIter<DbRow>,
    cancelled: bool,
    row: ReportRow,
}

impl ReportPage {
    /// Returns the next row of the page, if there is one.
    ///
    /// # Errors
    /// When the store is inconsistent.
    pub fn next_row(&mut self) -> Result<Option<&ReportRow>, StoreError> {
        let Some(row) = self.rows.next() else { return Ok(None) };
        let (code, is_claimed) = self.read(&row).map_err(doing("read a row of the report"))?;
        self.row.state = match state(code)? {
            State::Pending if self.cancelled && !is_claimed => State::Cancelled,
            State::Sending => {
                self.row.attempts += 1;
                State::Sending
            }
            state => state,
        };
        Ok(Some(&self.row))
    }

    /// Reads a row except its state. Returns the state's code, and whether the row was ever claimed or scheduled.
    fn read(&mut self, from: &DbRow) -> Result<(i64, bool), sqlx::Error> {
        let time = |place: usize| Ok::<_, sqlx::Error>(from.try_get::<Option<i64>, _>(place)?.map(Millis));
        let row = &mut self.row;
        let attempts: Option<u32> = from.try_get(4)?;
        row.row = RowKey(from.try_get(0)?).row();
        row.to = match from.try_get::<Option<i64>, _>(2)? {
            Some(phone) => phone.to_string(),
            None => from.try_get::<Option<String>, _>(3)?.unwrap_or_default(),
        };
        row.attempts = attempts.unwrap_or(0);
        row.message_id = from.try_get(5)?;
        (row.accepted_at, row.delivered_at, row.read_at) = (time(6)?, time(7)?, time(8)?);
        row.error_code = from.try_get(9)?;
        let values: Option<JsonText> = from.try_get(11)?;
        row.error_message = Known::in_words(row.error_code.as_deref(), from.try_get(10)?, values.as_deref());
        if let Some(cells) = from.try_get::<Option<String>, _>(12)? {
            row.cells = serde_json::from_str(&cells).unwrap_or_default();
        }
        Ok((from.try_get(1)?, attempts.is_some()))
    }
}

/// Returns the state with this number in the store.
pub(in crate::store) fn state(code: i64) -> Result<State, StoreError> {
    State::from_code(code).ok_or_else(|| StoreError::Damaged(format!("unknown state number {code}")))
}
