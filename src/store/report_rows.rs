//! The rows of a report, a page at a time in input order.
//!
//! Handing over a dozen values a row from SQLite's thread costs several times what reading them does. So SQLite puts a
//! page together as one text a column, and a row is taken out of them into one that is used again: nothing is allocated
//! a row. Two connections read at the same time, side by side, since SQLite has most of the work.

use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions, Row, SqliteConnection};

use super::error::doing;
use super::report::state;
use super::{RowKey, Run, StoreError};
use crate::model::{Channel, Millis, ReportRow, RowNo, State};

/// Rows that a connection reads at a time. A record of the input has at most a mebibyte, and SQLite's texts a thousand
/// million bytes.
const ROWS: i64 = 500;

/// What is wanted of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Message ids, which are most of a row's bytes: figures need none.
    pub ids: bool,
    /// The rows' own cells.
    pub cells: bool,
    /// Only rows of which something is known to have happened since: an attempt, an acceptance, a status, a person's
    /// decision. All if `None`.
    pub since: Option<Millis>,
}

/// The rows of a range, each column as one text, and before them those in the air: numbers and attempts.
///
/// Columns are numbers with commas between them, an empty one for NULL. Texts that may hold a comma have their lengths in
/// bytes: the ids in the column before theirs, and what few rows have (the input's text instead of a number, problems,
/// cells) in front of them, behind a `+`. The joins go along the keys of tables that lie in the same order. A failure has no time of its own:
/// it counts as of when its row was last polled or pushed.
const READ: &str = "WITH flying AS MATERIALIZED (SELECT id, attempt, at FROM air WHERE id > ?2 AND id <= ?3) \
     SELECT (SELECT group_concat(concat(id - ?1, ',', attempt)) FROM flying), \
     group_concat(r.id - ?1), \
     group_concat(CASE WHEN d.id IS NOT NULL THEN d.state WHEN r.state = ?4 AND ?5 THEN ?6 ELSE r.state END), \
     group_concat(ifnull(d.attempts, '')), group_concat(ifnull(r.phone, '')), group_concat(ifnull(d.accepted_at, '')), \
     group_concat(ifnull(d.delivered_at, '')), group_concat(ifnull(d.read_at, '')), \
     group_concat(iif(?7, ifnull(octet_length(d.message_id), ''), NULL)), group_concat(iif(?7, d.message_id, NULL), ''), \
     group_concat(iif(?8 OR r.phone IS NULL \
         OR coalesce(iif(d.id IS NULL, r.code, d.code), iif(d.id IS NULL, r.message, d.message)) IS NOT NULL, \
         concat('+', octet_length(r.raw), ',', octet_length(iif(d.id IS NULL, r.code, d.code)), ',', \
             octet_length(iif(d.id IS NULL, r.message, d.message)), ',', octet_length(iif(?8, r.cells, NULL)), ',', \
             r.raw, iif(d.id IS NULL, r.code, d.code), iif(d.id IS NULL, r.message, d.message), \
             iif(?8, r.cells, NULL)), '')) \
     FROM recipient r LEFT JOIN delivery d ON d.id = r.id \
     WHERE r.id > ?2 AND r.id <= ?3 AND (?9 IS NULL \
         OR max(coalesce(d.tried_at, 0), coalesce(d.accepted_at, 0), coalesce(d.delivered_at, 0), coalesce(d.read_at, 0), \
             iif(d.code IS NULL, 0, coalesce(d.polled_at, 0)), \
             coalesce((SELECT max(at) FROM decision WHERE recipient = r.id), 0)) >= ?9 \
         OR r.id IN (SELECT id FROM flying WHERE at >= ?9))";

/// Reads the rows of a run, a page at a time.
pub struct ReportRows {
    connections: [SqliteConnection; 2],
    run: i64,
    cancelled: bool,
    channel: Channel,
    wanted: Wanted,
    after: i64,
    last: i64,
}

impl ReportRows {
    /// Over connections of its own, so that nobody else has to wait for one.
    pub(super) async fn open(
        options: SqliteConnectOptions,
        run: &Run,
        channel: Channel,
        wanted: Wanted,
    ) -> Result<Self, sqlx::Error> {
        let mut connections = tokio::try_join!(options.connect(), options.connect())?;
        let last = sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM recipient WHERE id BETWEEN ?1 AND ?2")
            .bind(RowKey::first(run.key))
            .bind(RowKey::last(run.key))
            .fetch_one(&mut connections.0)
            .await?;
        Ok(Self {
            connections: connections.into(),
            run: run.key,
            cancelled: run.cancelled_at.is_some(),
            channel,
            wanted,
            after: RowKey::first(run.key),
            last,
        })
    }

    /// These rows, from this one on.
    pub(super) fn from(self, row: RowNo) -> Self {
        Self { after: RowKey::new(self.run, row).0 - 1, ..self }
    }

    /// The next page, if there is one. It may have no rows where not all are wanted.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn page(&mut self) -> Result<Option<ReportPage>, StoreError> {
        if self.after >= self.last {
            return Ok(None);
        }
        let (start, middle, end) = (self.after, self.after + ROWS, self.after + 2 * ROWS);
        let [first, second] = &mut self.connections;
        let read = |connection, after, until| {
            sqlx::query(READ)
                .bind(RowKey::first(self.run))
                .bind(after)
                .bind(until)
                .bind(State::Pending.code())
                .bind(self.cancelled)
                .bind(State::Cancelled.code())
                .bind(self.wanted.ids)
                .bind(self.wanted.cells)
                .bind(self.wanted.since.map(|since| since.0))
                .fetch_one(connection)
        };
        let parts = async {
            let (first, second) = tokio::try_join!(read(first, start, middle), read(second, middle, end))?;
            Ok((Part::of(&first)?, Part::of(&second)?))
        };
        let (part, next) = parts.await.map_err(doing("read the report"))?;
        self.after = end;
        Ok(Some(ReportPage { part, next: Some(next), row: ReportRow::untried(RowNo(0), self.channel) }))
    }
}

/// Rows read together.
pub struct ReportPage {
    part: Part,
    /// What comes after it.
    next: Option<Part>,
    row: ReportRow,
}

impl ReportPage {
    /// The next row of the page, if there is one.
    ///
    /// # Errors
    /// Where the store contradicts itself.
    pub fn next_row(&mut self) -> Result<Option<&ReportRow>, StoreError> {
        while self.part.rows.is_at_end() {
            let Some(next) = self.next.take() else { return Ok(None) };
            self.part = next;
        }
        let damaged = || StoreError::Damaged("a row of the report holds what no row can".to_owned());
        self.part.take(&mut self.row).ok_or_else(damaged)??;
        Ok(Some(&self.row))
    }
}

/// The columns of the rows that one connection read, each with how far it was taken.
struct Part {
    flying: Column,
    /// The row and the attempt that is in the air next.
    aloft: Option<(i64, i64)>,
    rows: Column,
    states: Column,
    attempts: Column,
    phones: Column,
    times: [Column; 3],
    id_lengths: Column,
    ids: Column,
    words: Column,
}

impl Part {
    /// The columns as [`READ`] has them.
    fn of(read: &SqliteRow) -> Result<Self, sqlx::Error> {
        let column = |place: usize| -> Result<Column, sqlx::Error> {
            Ok(Column { text: read.try_get::<Option<String>, _>(place)?.unwrap_or_default(), at: 0 })
        };
        Ok(Self {
            flying: column(0)?,
            aloft: None,
            rows: column(1)?,
            states: column(2)?,
            attempts: column(3)?,
            phones: column(4)?,
            times: [column(5)?, column(6)?, column(7)?],
            id_lengths: column(8)?,
            ids: column(9)?,
            words: column(10)?,
        })
    }

    /// Takes the next row; `None` where it is not as it was put together.
    fn take(&mut self, row: &mut ReportRow) -> Option<Result<(), StoreError>> {
        let number = self.rows.number()??;
        let before = std::mem::replace(&mut row.row, RowNo(u64::try_from(number).ok()?));
        if row.row <= before {
            return None;
        }
        row.state = match state(self.states.number()??) {
            Ok(state) => state,
            Err(damaged) => return Some(Err(damaged)),
        };
        row.attempts = u32::try_from(self.attempts.number()?.unwrap_or(0)).ok()?;
        while self.aloft.is_none_or(|(aloft, _)| aloft < number) && !self.flying.is_at_end() {
            self.aloft = Some((self.flying.number()??, self.flying.number()??));
        }
        if let Some((aloft, attempt)) = self.aloft
            && aloft == number
        {
            (row.state, row.attempts) = (State::Sending, u32::try_from(attempt).ok()?);
        }
        let phone = self.phones.piece()?;
        row.to.clear();
        row.to.push_str(phone);
        for (time, column) in
            [&mut row.accepted_at, &mut row.delivered_at, &mut row.read_at].into_iter().zip(&mut self.times)
        {
            *time = column.number()?.map(Millis);
        }
        let id = if self.id_lengths.text.is_empty() { None } else { self.id_lengths.number()? };
        put(&mut row.message_id, self.ids.of_length(id)?);
        if !self.words.begins_with(b'+') {
            self.words.piece()?;
            (row.error_code, row.error_message) = (None, None);
            return Some(Ok(()));
        }
        let mut lengths = [None; 4];
        for length in &mut lengths {
            *length = self.words.number()?;
        }
        let [raw, code, message, cells] = lengths;
        let raw = self.words.of_length(raw)?.unwrap_or_default();
        if row.to.is_empty() {
            row.to.push_str(raw);
        }
        put(&mut row.error_code, self.words.of_length(code)?);
        put(&mut row.error_message, self.words.of_length(message)?);
        if let Some(cells) = self.words.of_length(cells)? {
            row.cells = serde_json::from_str(cells).unwrap_or_default();
        }
        self.words.piece()?.is_empty().then_some(Ok(()))
    }
}

/// A column of some rows as one text, and how far it was taken.
struct Column {
    text: String,
    at: usize,
}

impl Column {
    fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// Goes past this byte, if it comes next.
    fn begins_with(&mut self, byte: u8) -> bool {
        let found = self.text.as_bytes().get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    /// What stands before the next comma or the end, and goes past it.
    fn piece(&mut self) -> Option<&str> {
        let rest = self.text.get(self.at..)?;
        let end = rest.bytes().position(|byte| byte == b',').unwrap_or(rest.len());
        // An empty last piece has its place behind the end.
        self.at += end + 1;
        rest.get(..end)
    }

    /// As [`Column::piece`], read as a number.
    fn number(&mut self) -> Option<Option<i64>> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let negative = rest.first() == Some(&b'-');
        let mut end = usize::from(negative);
        let mut number: u64 = 0;
        while let Some(digit) = rest.get(end).filter(|byte| **byte != b',') {
            let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
            number = number.checked_mul(10)?.checked_add(digit.into())?;
            end += 1;
        }
        self.at += end + 1;
        match (negative, end) {
            (false, 0) => Some(None),
            (false, _) => i64::try_from(number).ok().map(Some),
            (true, _) => 0_i64.checked_sub_unsigned(number).map(Some),
        }
    }

    /// The next bytes, so many, where there is a length.
    fn of_length(&mut self, length: Option<i64>) -> Option<Option<&str>> {
        let Some(length) = length else { return Some(None) };
        let end = self.at.checked_add(usize::try_from(length).ok()?)?;
        let found = self.text.get(self.at..end)?;
        self.at = end;
        Some(Some(found))
    }
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

    /// A store with a run without rows, number 7.
    async fn with_a_run(folder: &std::path::Path) -> (Store, SqliteConnection) {
        let path = folder.join("s.db");
        let store = Store::open(&path).await.unwrap();
        let mut writer = connect(&path).await.unwrap();
        sqlx::query(
            "INSERT INTO run (id, name, number, campaign, campaign_print, recipients_print, created_at) \
             VALUES (7, 'r', 1, '{}', 'c', 'r', 1)",
        )
        .execute(&mut writer)
        .await
        .unwrap();
        (store, writer)
    }

    #[tokio::test]
    async fn rows_in_the_air_are_being_sent_and_what_happened_since_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (store, mut writer) = with_a_run(folder.path()).await;
        sqlx::raw_sql(
            "WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 1500) \
             INSERT INTO recipient (id, line, state, phone, cells) SELECT (7 << 40) | id, 1, 0, 85260000000, '[]' FROM n; \
             INSERT INTO delivery (id, run, state, attempts, tries, tried_at) VALUES \
             ((7 << 40) | 600, 7, 1, 1, 1, 40), ((7 << 40) | 1500, 7, 2, 1, 1, 50); \
             INSERT INTO intent (first, last, again, attempt, at) VALUES \
             ((7 << 40) | 3, (7 << 40) | 5, 0, 1, 50), ((7 << 40) | 600, (7 << 40) | 600, 1, 2, 60); \
             INSERT INTO decision (recipient, state, at, by) VALUES ((7 << 40) | 9, 3, 70, 'Ana')",
        )
        .execute(&mut writer)
        .await
        .unwrap();
        let run = store.run(None).await.unwrap();
        let found = async |since: Option<i64>| {
            let wanted = Wanted { ids: false, cells: false, since: since.map(Millis) };
            let mut pages = store.report_rows(&run, Channel::Viber, wanted).await.unwrap();
            let mut found = Vec::new();
            while let Some(mut page) = pages.page().await.unwrap() {
                while let Some(row) = page.next_row().unwrap() {
                    found.push((row.row.0, row.state, row.attempts));
                }
            }
            found
        };
        let all = found(None).await;
        assert_eq!(all.len(), 1500);
        let flying: Vec<_> = all.into_iter().filter(|(_, state, _)| *state == State::Sending).collect();
        let first = [3, 4, 5].map(|row| (row, State::Sending, 1));
        assert_eq!(flying, [first.as_slice(), &[(600, State::Sending, 2)]].concat());
        for (time, rows) in [(50, &[3, 4, 5, 9, 600, 1500][..]), (60, &[9, 600]), (71, &[])] {
            let since: Vec<_> = found(Some(time)).await.into_iter().map(|(row, ..)| row).collect();
            assert_eq!(since, rows);
        }
    }

    #[tokio::test]
    async fn every_text_comes_out_as_it_went_in_over_many_pages() {
        let folder = tempfile::tempdir().unwrap();
        let (store, mut writer) = with_a_run(folder.path()).await;
        let texts = ["", ",", "1,2", "a\0b", "Zoë 👋", "\"\r\n", "long ".repeat(300).leak()];
        let rows = ROWS * 4 + 3;
        let mut tx = writer.begin().await.unwrap();
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
