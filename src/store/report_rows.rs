//! The rows of a report, a page at a time in input order.
//!
//! Handing over a dozen values a row from SQLite's thread costs several times what reading them does. So SQLite puts a
//! page together as one text, and a row is taken out of it into one that is used again: nothing is allocated a row.

use sqlx::Sqlite;
use sqlx::pool::PoolConnection;

use super::error::doing;
use super::report::state;
use super::{RowKey, Run, StoreError};
use crate::model::{Channel, Millis, ReportRow, RowNo, State};

/// Rows in a page. A record of the input has at most a mebibyte, and SQLite's texts a thousand million bytes.
const PAGE: i64 = 500;

/// What is wanted of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Message ids, which are most of a row's bytes: figures need none.
    pub ids: bool,
    /// The rows' own cells.
    pub cells: bool,
    /// Only rows of which something is known to have happened since: an attempt, an acceptance, a status. All if `None`.
    pub since: Option<Millis>,
}

/// A page as one text. Each row is its numbers, a comma after each, and then its texts without anything between them.
/// The numbers are those of [`number`]: row, state, attempts, phone and three times, then how long each text is in
/// bytes. An empty number stands for NULL. The joins go along the keys of three tables that lie in the same order.
const READ: &str = "SELECT max(id), group_concat(line, '') FROM (SELECT r.id AS id, concat(\
     r.id - ?1, ',', \
     CASE WHEN a.id IS NOT NULL THEN ?6 WHEN d.id IS NOT NULL THEN d.state \
         WHEN r.state = ?7 AND ?5 THEN ?8 ELSE r.state END, ',', \
     coalesce(a.attempt, d.attempts), ',', r.phone, ',', d.accepted_at, ',', d.delivered_at, ',', d.read_at, ',', \
     octet_length(r.raw), ',', octet_length(iif(?10, d.message_id, NULL)), ',', \
     octet_length(iif(d.id IS NULL, r.code, d.code)), ',', \
     octet_length(iif(d.id IS NULL, r.message, d.message)), ',', octet_length(iif(?4, r.cells, NULL)), ',', \
     r.raw, iif(?10, d.message_id, NULL), iif(d.id IS NULL, r.code, d.code), iif(d.id IS NULL, r.message, d.message), \
     iif(?4, r.cells, NULL)) AS line \
     FROM recipient r LEFT JOIN delivery d ON d.id = r.id LEFT JOIN air a ON a.id = r.id \
     WHERE r.id > ?2 AND r.id <= ?3 AND (?11 IS NULL OR max(coalesce(a.at, 0), coalesce(d.tried_at, 0), \
         coalesce(d.accepted_at, 0), coalesce(d.delivered_at, 0), coalesce(d.read_at, 0), \
         iif(d.state = ?12, coalesce(d.polled_at, 0), 0)) >= ?11) ORDER BY r.id LIMIT ?9)";

/// Reads the rows of a run, a page at a time.
pub struct ReportRows {
    connection: PoolConnection<Sqlite>,
    run: i64,
    cancelled: bool,
    channel: Channel,
    wanted: Wanted,
    after: i64,
}

impl ReportRows {
    pub(super) fn new(connection: PoolConnection<Sqlite>, run: &Run, channel: Channel, wanted: Wanted) -> Self {
        let cancelled = run.cancelled_at.is_some();
        Self { connection, run: run.key, cancelled, channel, wanted, after: RowKey::first(run.key) }
    }

    /// These rows, from this one on.
    pub(super) fn from(self, row: RowNo) -> Self {
        Self { after: RowKey::new(self.run, row).0 - 1, ..self }
    }

    /// The next page, if there is one.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn page(&mut self) -> Result<Option<ReportPage>, StoreError> {
        let (last, text): (Option<i64>, Option<String>) = sqlx::query_as(READ)
            .bind(RowKey::first(self.run))
            .bind(self.after)
            .bind(RowKey::last(self.run))
            .bind(self.wanted.cells)
            .bind(self.cancelled)
            .bind(State::Sending.code())
            .bind(State::Pending.code())
            .bind(State::Cancelled.code())
            .bind(PAGE)
            .bind(self.wanted.ids)
            .bind(self.wanted.since.map(|since| since.0))
            .bind(State::Failed.code())
            .fetch_one(&mut *self.connection)
            .await
            .map_err(doing("read the report"))?;
        let (Some(last), Some(text)) = (last, text) else { return Ok(None) };
        self.after = last;
        Ok(Some(ReportPage { text, at: 0, row: ReportRow::untried(RowNo(0), self.channel) }))
    }
}

/// Rows read together.
pub struct ReportPage {
    text: String,
    at: usize,
    row: ReportRow,
}

impl ReportPage {
    /// The next row of the page, if there is one.
    ///
    /// # Errors
    /// Where the store contradicts itself.
    pub fn next_row(&mut self) -> Result<Option<&ReportRow>, StoreError> {
        if self.at == self.text.len() {
            return Ok(None);
        }
        self.take().ok_or_else(|| StoreError::Damaged("a row of the report holds what no row can".to_owned()))??;
        Ok(Some(&self.row))
    }

    /// Takes the next row out of the text; `None` where it is not as it was put together.
    fn take(&mut self) -> Option<Result<(), StoreError>> {
        let text = self.text.as_str();
        let at = &mut self.at;
        let row = &mut self.row;
        let before = row.row;
        row.row = RowNo(u64::try_from(number(text, at)??).ok()?);
        if row.row <= before {
            return None;
        }
        row.state = match state(number(text, at)??) {
            Ok(state) => state,
            Err(damaged) => return Some(Err(damaged)),
        };
        row.attempts = u32::try_from(number(text, at)?.unwrap_or(0)).ok()?;
        let phone = field(text, at)?;
        for time in [&mut row.accepted_at, &mut row.delivered_at, &mut row.read_at] {
            *time = number(text, at)?.map(Millis);
        }
        let mut lengths = [None; 5];
        for length in &mut lengths {
            *length = number(text, at)?.map(usize::try_from).transpose().ok()?;
        }
        let mut next = |length: Option<usize>| -> Option<Option<&str>> {
            let Some(length) = length else { return Some(None) };
            let found = text.get(*at..*at + length)?;
            *at += length;
            Some(Some(found))
        };
        let raw = next(lengths[0])?;
        row.to.clear();
        row.to.push_str(if phone.is_empty() { raw.unwrap_or_default() } else { phone });
        put(&mut row.message_id, next(lengths[1])?);
        put(&mut row.error_code, next(lengths[2])?);
        put(&mut row.error_message, next(lengths[3])?);
        if let Some(cells) = next(lengths[4])? {
            row.cells = serde_json::from_str(cells).unwrap_or_default();
        }
        Some(Ok(()))
    }
}

/// What stands before the next comma, and goes past it.
fn field<'a>(text: &'a str, at: &mut usize) -> Option<&'a str> {
    let rest = text.get(*at..)?;
    let end = rest.bytes().position(|byte| byte == b',')?;
    *at += end + 1;
    rest.get(..end)
}

/// As [`field`], read as a number.
fn number(text: &str, at: &mut usize) -> Option<Option<i64>> {
    let digits = field(text, at)?;
    if digits.is_empty() { Some(None) } else { digits.parse().ok().map(Some) }
}

/// Puts a text where another may be, in its place.
fn put(place: &mut Option<String>, text: Option<&str>) {
    match text {
        Some(text) => {
            let place = place.get_or_insert_default();
            place.clear();
            place.push_str(text);
        }
        None => *place = None,
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Connection;

    use super::*;
    use crate::store::{Store, connect};

    #[tokio::test]
    async fn every_text_comes_out_as_it_went_in_over_many_pages() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.db");
        let store = Store::open(&path).await.unwrap();
        let texts = ["", ",", "1,2", "a\0b", "Zoë 👋", "\"\r\n", "long ".repeat(300).leak()];
        let rows = PAGE * 2 + 3;
        let mut writer = connect(&path).await.unwrap();
        let mut tx = writer.begin().await.unwrap();
        sqlx::query(
            "INSERT INTO run (id, name, number, campaign, campaign_print, recipients_print, created_at) \
             VALUES (7, 'r', 1, '{}', 'c', 'r', 1)",
        )
        .execute(&mut *tx)
        .await
        .unwrap();
        let texts_of = |row: i64| {
            let text = |n: i64| texts.get(usize::try_from((row + n) % 8).unwrap()).map(|text| (*text).to_owned());
            (text(0), text(1), text(2), text(3))
        };
        for row in 1..=rows {
            let key = RowKey::new(7, RowNo(row.unsigned_abs())).0;
            let (raw, id, code, message) = texts_of(row);
            let cells = serde_json::to_string(&[raw.clone().unwrap_or_default()]).unwrap();
            sqlx::query("INSERT INTO recipient (id, line, state, raw, cells, code) VALUES (?, 1, 10, ?, ?, 'planned')")
                .bind(key)
                .bind(raw)
                .bind(cells)
                .execute(&mut *tx)
                .await
                .unwrap();
            sqlx::query(
                "INSERT INTO delivery (id, run, state, attempts, tries, message_id, read_at, code, message) \
                 SELECT ?, 7, 4, 2, 1, ?, -1, ?, ? WHERE ? % 3 > 0",
            )
            .bind(key)
            .bind(id)
            .bind(code)
            .bind(message)
            .bind(row)
            .execute(&mut *tx)
            .await
            .unwrap();
        }
        tx.commit().await.unwrap();
        let run = store.run(None).await.unwrap();
        let mut pages =
            store.report_rows(&run, Channel::Viber, Wanted { ids: true, cells: true, since: None }).await.unwrap();
        let mut next = 1;
        while let Some(mut page) = pages.page().await.unwrap() {
            while let Some(row) = page.next_row().unwrap() {
                let (raw, id, code, message) = texts_of(next);
                let raw = raw.unwrap_or_default();
                assert_eq!((row.row.0, &row.to, &row.cells[0]), (next.unsigned_abs(), &raw, &raw));
                if next % 3 > 0 {
                    assert_eq!((&row.message_id, &row.error_code, &row.error_message), (&id, &code, &message));
                    assert_eq!((row.state, row.attempts, row.read_at), (State::Delivered, 2, Some(Millis(-1))));
                } else {
                    assert_eq!((&row.message_id, row.error_code.as_deref()), (&None, Some("planned")));
                    assert_eq!((row.state, row.attempts, row.read_at), (State::Invalid, 0, None));
                }
                next += 1;
            }
        }
        assert_eq!(next, rows + 1);
    }
}
