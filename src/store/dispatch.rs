//! What dispatch takes from the store and leaves in it: due rows, intents, outcomes. How they are committed is in
//! `commit`.
//!
//! An intent is written before the first byte of its request may leave and removed with the outcome, in the same
//! transaction as the ledger entry. So what is found in `intent` when a run is taken up again, and nothing else, may
//! or may not have been accepted.

use sqlx::Row;
use sqlx::sqlite::SqliteExecutor;

use super::error::doing;
use super::{AccountPause, Aside, Polled, RowKey, Store, StoreError};
use crate::model::{AttemptNo, Millis, Phone, Problem, State};

/// A row that may be sent now.
/// There is no `Debug`, since it is made of personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct Due {
    /// Which row.
    pub key: RowKey,
    /// Which attempt this will be.
    pub attempt: AttemptNo,
    /// Tries it has used up.
    pub tries: u32,
    /// How often its recipient was put off.
    pub put_off: u32,
    /// Whether the row was taken up before.
    pub again: bool,
    /// Where it goes.
    pub phone: Phone,
    /// The frozen cells, as a JSON array.
    pub cells: String,
    /// Whether an earlier attempt may have been accepted all the same.
    pub doubted: bool,
    /// When it was last taken up, if it ever was.
    pub tried_at: Option<Millis>,
}

/// What became of an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// It is durable: the request may leave.
    Granted,
    /// The number is on the suppression list; the row is in this state now.
    Suppressed(State),
    /// The row is not waiting to be sent.
    Refused,
}

/// The intent to send a row, to be made durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Which row.
    pub key: RowKey,
    /// Which attempt.
    pub attempt: AttemptNo,
    /// When.
    pub at: Millis,
    /// Whether the row was taken up before, so that it has a line in `delivery`.
    pub again: bool,
}

/// The outcome of one attempt, as it is to stand in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Which row.
    pub key: RowKey,
    /// Which attempt. An attempt whose request never left (`left` is false) is as if it had not been.
    pub attempt: AttemptNo,
    /// Whether the row was taken up before, as its intent says.
    pub again: bool,
    /// Whether a request was made at all.
    pub left: bool,
    /// When the intent became durable.
    pub at: Millis,
    /// When the outcome was known.
    pub ended_at: Millis,
    /// The state the row is in now.
    pub state: State,
    /// What this attempt came to, taken by itself: of a row that is sent again it may be `Uncertain` or `Rejected` where
    /// the row is pending, or in doubt.
    pub outcome: State,
    /// Tries used up, this one included if it counts.
    pub tries: u32,
    /// How often its recipient was put off, this time included.
    pub put_off: u32,
    /// The provider's id, if it accepted.
    pub message_id: Option<String>,
    /// What went wrong, if something did.
    pub problem: Option<Problem>,
    /// Next try not before, if there is one.
    pub due_at: Option<Millis>,
    /// First status poll not before, if there is one.
    pub poll_at: Option<Millis>,
    /// Whether this attempt or an earlier one may have been accepted.
    pub doubted: bool,
}

/// Rows that wait for another try, and whose time has not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How many.
    pub rows: u64,
    /// When the first of them is due.
    pub first: Millis,
    /// When the last of them is due.
    pub last: Millis,
}

/// What is committed together.
#[derive(Debug, Default)]
pub struct Batch {
    /// Outcomes.
    pub settled: Vec<Settled>,
    /// Intents.
    pub intents: Vec<Intent>,
    /// Status answers.
    pub polled: Vec<Polled>,
    /// Rows that may not leave now.
    pub aside: Vec<Aside>,
    /// Status requests that brought those answers.
    pub polls: u32,
    /// A pause that the provider asked for.
    pub pause: Option<AccountPause>,
}

/// What a commit came to.
#[derive(Debug)]
pub struct Written {
    /// What became of each intent, in order.
    pub granted: Vec<Grant>,
    /// From which state to which each message went that was asked about, in order.
    pub moved: Vec<(State, State)>,
}

impl Batch {
    /// Whether there is nothing to commit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.settled.is_empty()
            && self.intents.is_empty()
            && self.polled.is_empty()
            && self.aside.is_empty()
            && self.polls == 0
            && self.pause.is_none()
    }
}

impl Store {
    /// The next rows that were never tried, in input order, after `after`; at most `limit`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn fresh(&self, run: i64, after: Option<RowKey>, limit: u32) -> Result<Vec<Due>, StoreError> {
        // As one text, since handing over values row by row costs several times what reading them does. Cells are JSON, in
        // which a line break is escaped.
        let text: Option<String> = sqlx::query_scalar(
            "SELECT group_concat(concat(id, ',', phone, ',', cells), char(10)) FROM (SELECT id, phone, cells FROM recipient \
             WHERE id > ?1 AND id <= ?2 AND state = ?3 ORDER BY id LIMIT ?4)",
        )
        .bind(after.map_or(RowKey::first(run), |key| key.0))
        .bind(RowKey::last(run))
        .bind(State::Pending.code())
        .bind(i64::from(limit))
        .fetch_one(&self.readers)
        .await
        .map_err(doing("claim rows"))?;
        untried(text)
    }

    /// The rows that are still to be sent, tried before or not, in input order, after `after`; at most `limit`. What they
    /// tell is as of [`Store::fresh`].
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn left(&self, run: i64, after: Option<RowKey>, limit: u32) -> Result<Vec<Due>, StoreError> {
        let text: Option<String> = sqlx::query_scalar(
            "SELECT group_concat(concat(id, ',', phone, ',', cells), char(10)) FROM (SELECT r.id, r.phone, r.cells \
             FROM recipient r LEFT JOIN delivery d ON d.id = r.id \
             WHERE r.id > ?1 AND r.id <= ?2 AND r.state = ?3 AND (d.id IS NULL OR d.state = ?3) ORDER BY r.id LIMIT ?4)",
        )
        .bind(after.map_or(RowKey::first(run), |key| key.0))
        .bind(RowKey::last(run))
        .bind(State::Pending.code())
        .bind(i64::from(limit))
        .fetch_one(&self.readers)
        .await
        .map_err(doing("read the rows that are left"))?;
        untried(text)
    }

    /// The last row of a run that was ever tried. Rows are tried in input order first, so all that were never tried
    /// come after it.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn last_tried(&self, run: i64) -> Result<Option<RowKey>, StoreError> {
        last_tried(&self.readers, run).await
    }

    /// Rows that wait for another try and whose time has come, the longest due first; at most `limit`. With `since`
    /// only those that were taken up after it.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn due_again(
        &self,
        run: i64,
        now: Millis,
        since: Option<Millis>,
        limit: u32,
    ) -> Result<Vec<Due>, StoreError> {
        let rows = sqlx::query(
            "SELECT d.id, d.attempts + 1, d.tries, d.put_off, true, r.phone, r.cells, d.doubted, d.tried_at \
             FROM delivery d JOIN recipient r ON r.id = d.id WHERE d.run = ?1 AND d.due_at <= ?2 \
             AND (?4 IS NULL OR d.tried_at >= ?4) ORDER BY d.due_at LIMIT ?3",
        )
        .bind(run)
        .bind(now.0)
        .bind(i64::from(limit))
        .bind(since.map(|since| since.0))
        .fetch_all(&self.readers)
        .await
        .map_err(doing("claim rows to try again"))?;
        rows.iter().map(due).collect::<Result<_, _>>().map_err(doing("claim rows to try again"))
    }

    /// When the next waiting row becomes due, if any waits; with `since` only of those taken up after it.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn next_due(&self, run: i64, since: Option<Millis>) -> Result<Option<Millis>, StoreError> {
        let next: Option<i64> = sqlx::query_scalar(
            "SELECT min(due_at) FROM delivery WHERE run = ?1 AND due_at IS NOT NULL \
             AND (?2 IS NULL OR tried_at >= ?2)",
        )
        .bind(run)
        .bind(since.map(|since| since.0))
        .fetch_one(&self.readers)
        .await
        .map_err(doing("find the next due row"))?;
        Ok(next.map(Millis))
    }

    /// The rows of a run that wait for another try and are not due at `now`, if there are any.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn waiting(&self, run: i64, now: Millis) -> Result<Option<Waiting>, StoreError> {
        let (rows, first, last): (i64, Option<i64>, Option<i64>) =
            sqlx::query_as("SELECT count(*), min(due_at), max(due_at) FROM delivery WHERE run = ?1 AND due_at > ?2")
                .bind(run)
                .bind(now.0)
                .fetch_one(&self.readers)
                .await
                .map_err(doing("count the rows that wait"))?;
        let times = first.zip(last);
        Ok(times.map(|(first, last)| Waiting { rows: rows.unsigned_abs(), first: Millis(first), last: Millis(last) }))
    }

    /// Rows with an intent and no outcome, with the tries used up and how often they were put off before: after a crash,
    /// those that may or may not have been accepted. Never more than were in flight.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn open_intents(&self, run: i64) -> Result<Vec<(Intent, u32, u32)>, StoreError> {
        let rows: Vec<(i64, u32, i64, u32, u32, bool)> = sqlx::query_as(
            "SELECT a.id, a.attempt, a.at, coalesce(d.tries, 0), coalesce(d.put_off, 0), a.again \
             FROM air a LEFT JOIN delivery d ON d.id = a.id WHERE a.id BETWEEN ?1 AND ?2 ORDER BY a.id",
        )
        .bind(RowKey::first(run))
        .bind(RowKey::last(run))
        .fetch_all(&self.readers)
        .await
        .map_err(doing("read the open intents"))?;
        Ok(rows
            .into_iter()
            .map(|(id, attempt, at, tries, put_off, again)| {
                (Intent { key: RowKey(id), attempt: AttemptNo(attempt), at: Millis(at), again }, tries, put_off)
            })
            .collect())
    }
}

pub(super) async fn last_tried(store: impl SqliteExecutor<'_>, run: i64) -> Result<Option<RowKey>, StoreError> {
    let last: Option<i64> = sqlx::query_scalar(
        "SELECT max(id) FROM (SELECT max(id) AS id FROM delivery WHERE id BETWEEN ?1 AND ?2 \
         UNION ALL SELECT max(last) FROM intent WHERE last BETWEEN ?1 AND ?2)",
    )
    .bind(RowKey::first(run))
    .bind(RowKey::last(run))
    .fetch_one(store)
    .await
    .map_err(doing("find the last row tried"))?;
    Ok(last.map(RowKey))
}

/// The rows of a page that was put together as one text.
fn untried(page: Option<String>) -> Result<Vec<Due>, StoreError> {
    let damaged = || StoreError::Damaged("a row to be sent holds what no row can".to_owned());
    page.iter().flat_map(|page| page.split('\n')).map(|line| fresh(line).ok_or_else(damaged)).collect()
}

/// A row that was never tried: its key, its number and its cells.
fn fresh(line: &str) -> Option<Due> {
    let (key, rest) = line.split_once(',')?;
    let (phone, cells) = rest.split_once(',')?;
    Some(Due {
        key: RowKey(key.parse().ok()?),
        attempt: AttemptNo(1),
        tries: 0,
        put_off: 0,
        again: false,
        phone: Phone::from_u64(phone.parse().ok()?),
        cells: cells.to_owned(),
        doubted: false,
        tried_at: None,
    })
}

fn due(row: &sqlx::sqlite::SqliteRow) -> Result<Due, sqlx::Error> {
    Ok(Due {
        key: RowKey(row.try_get(0)?),
        attempt: AttemptNo(row.try_get(1)?),
        tries: row.try_get(2)?,
        put_off: row.try_get(3)?,
        again: row.try_get(4)?,
        phone: Phone::from_u64(row.try_get::<i64, _>(5)?.unsigned_abs()),
        cells: row.try_get(6)?,
        doubted: row.try_get(7)?,
        tried_at: row.try_get::<Option<i64>, _>(8)?.map(Millis),
    })
}
