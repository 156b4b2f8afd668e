//! What dispatch takes from the store and leaves in it: due rows, intents, outcomes.
//!
//! An intent is written before the first byte of its request may leave and removed with the outcome, in the same
//! transaction as the ledger entry. So what is found in `intent` when a run is taken up again, and nothing else, may
//! or may not have been accepted.

use sqlx::{Connection, Row, Sqlite, Transaction};

use super::error::doing;
use super::{Polled, RowKey, Store, StoreError, Writer};
use crate::model::{AttemptNo, Change, Millis, Phone, Problem, State};

/// A row that may be sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Which row.
    pub key: RowKey,
    /// Which attempt this will be.
    pub attempt: AttemptNo,
    /// Tries it has used up.
    pub tries: u32,
    /// Whether the row was taken up before.
    pub again: bool,
    /// Where it goes.
    pub phone: Phone,
    /// The frozen cells, as a JSON array.
    pub cells: String,
    /// Whether the number was put on the suppression list since the plan.
    pub suppressed: bool,
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
    /// Whether a request was made at all.
    pub left: bool,
    /// When the intent became durable.
    pub at: Millis,
    /// When the outcome was known.
    pub ended_at: Millis,
    /// The state the row is in now.
    pub state: State,
    /// Tries used up, this one included if it counts.
    pub tries: u32,
    /// The provider's id, if it accepted.
    pub message_id: Option<String>,
    /// What went wrong, if something did.
    pub problem: Option<Problem>,
    /// Next try not before, if there is one.
    pub due_at: Option<Millis>,
    /// First status poll not before, if there is one.
    pub poll_at: Option<Millis>,
}

/// What is committed together.
#[derive(Debug, Default)]
pub struct Batch {
    /// Outcomes.
    pub settled: Vec<Settled>,
    /// Rows whose number was put on the suppression list, never to be tried.
    pub suppressed: Vec<RowKey>,
    /// Intents.
    pub intents: Vec<Intent>,
    /// Status answers.
    pub polled: Vec<Polled>,
    /// Status requests that brought those answers.
    pub polls: u32,
}

impl Batch {
    /// Whether there is nothing to commit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.settled.is_empty()
            && self.suppressed.is_empty()
            && self.intents.is_empty()
            && self.polled.is_empty()
            && self.polls == 0
    }
}

impl Store {
    /// The next rows that were never tried, in input order, after `after`; at most `limit`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn fresh(&self, run: i64, after: Option<RowKey>, limit: u32) -> Result<Vec<Due>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, 1, 0, false, phone, cells, EXISTS (SELECT 1 FROM suppression s WHERE s.phone = recipient.phone) \
             FROM recipient WHERE id > ?1 AND id <= ?2 AND state = ?3 ORDER BY id LIMIT ?4",
        )
        .bind(after.map_or(RowKey::first(run), |key| key.0))
        .bind(RowKey::last(run))
        .bind(State::Pending.code())
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await
        .map_err(doing("claim rows"))?;
        rows.iter().map(due).collect::<Result<_, _>>().map_err(doing("claim rows"))
    }

    /// The last row of a run that was ever tried. Rows are tried in input order first, so all that were never tried
    /// come after it.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn last_tried(&self, run: i64) -> Result<Option<RowKey>, StoreError> {
        let last: Option<i64> = sqlx::query_scalar(
            "SELECT max(id) FROM (SELECT max(id) AS id FROM delivery WHERE id BETWEEN ?1 AND ?2 \
             UNION ALL SELECT max(id) FROM intent WHERE id BETWEEN ?1 AND ?2)",
        )
        .bind(RowKey::first(run))
        .bind(RowKey::last(run))
        .fetch_one(&self.readers)
        .await
        .map_err(doing("find the last row tried"))?;
        Ok(last.map(RowKey))
    }

    /// Rows that wait for another try and whose time has come, the longest due first; at most `limit`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn due_again(&self, run: i64, now: Millis, limit: u32) -> Result<Vec<Due>, StoreError> {
        let rows = sqlx::query(
            "SELECT d.id, d.attempts + 1, d.tries, true, r.phone, r.cells, \
             EXISTS (SELECT 1 FROM suppression s WHERE s.phone = r.phone) \
             FROM delivery d JOIN recipient r ON r.id = d.id WHERE d.run = ?1 AND d.due_at <= ?2 \
             ORDER BY d.due_at LIMIT ?3",
        )
        .bind(run)
        .bind(now.0)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await
        .map_err(doing("claim rows to try again"))?;
        rows.iter().map(due).collect::<Result<_, _>>().map_err(doing("claim rows to try again"))
    }

    /// When the next waiting row becomes due, if any waits.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn next_due(&self, run: i64) -> Result<Option<Millis>, StoreError> {
        let next: Option<i64> =
            sqlx::query_scalar("SELECT min(due_at) FROM delivery WHERE run = ?1 AND due_at IS NOT NULL")
                .bind(run)
                .fetch_one(&self.readers)
                .await
                .map_err(doing("find the next due row"))?;
        Ok(next.map(Millis))
    }

    /// Rows with an intent and no outcome, with the attempt and its time: after a crash, those that may or may not
    /// have been accepted. Never more than were in flight.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn open_intents(&self, run: i64) -> Result<Vec<(Intent, u32)>, StoreError> {
        let rows: Vec<(i64, u32, i64, u32, bool)> = sqlx::query_as(
            "SELECT i.id, i.attempt, i.at, coalesce(d.tries, 0), d.id IS NOT NULL FROM intent i LEFT JOIN delivery d ON d.id = i.id \
             WHERE i.id BETWEEN ?1 AND ?2 ORDER BY i.id",
        )
        .bind(RowKey::first(run))
        .bind(RowKey::last(run))
        .fetch_all(&self.readers)
        .await
        .map_err(doing("read the open intents"))?;
        Ok(rows
            .into_iter()
            .map(|(id, attempt, at, tries, again)| {
                (Intent { key: RowKey(id), attempt: AttemptNo(attempt), at: Millis(at), again }, tries)
            })
            .collect())
    }
}

fn due(row: &sqlx::sqlite::SqliteRow) -> Result<Due, sqlx::Error> {
    Ok(Due {
        key: RowKey(row.try_get(0)?),
        attempt: AttemptNo(row.try_get(1)?),
        tries: row.try_get(2)?,
        again: row.try_get(3)?,
        phone: Phone::from_u64(row.try_get::<i64, _>(4)?.unsigned_abs()),
        cells: row.try_get(5)?,
        suppressed: row.try_get(6)?,
    })
}

impl Writer {
    /// Commits a batch, synced when this returns. Outcomes first, so that a row's slot in the air is free before
    /// another takes it. Gives back, for each intent in order, whether it was granted: one is refused where the row
    /// is not waiting to be sent, which is how a row can never be in the air twice.
    ///
    /// # Errors
    /// Where the store cannot be written, or the batch contradicts it; then nothing of the batch is in.
    pub async fn commit(&mut self, run: i64, batch: &Batch) -> Result<Vec<bool>, StoreError> {
        let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(doing("begin a commit"))?;
        if !batch.settled.is_empty() {
            settle(&mut tx, run, &batch.settled).await?;
        }
        if !batch.suppressed.is_empty() {
            suppress(&mut tx, run, &batch.suppressed).await?;
        }
        let granted = if batch.intents.is_empty() { Vec::new() } else { intend(&mut tx, &batch.intents).await? };
        if !batch.polled.is_empty() {
            super::reconcile::merge(&mut tx, &batch.polled).await?;
        }
        if batch.polls > 0 {
            sqlx::query("UPDATE run SET polls = polls + ?2 WHERE id = ?1")
                .bind(run)
                .bind(i64::from(batch.polls))
                .execute(&mut *tx)
                .await
                .map_err(doing("count polls"))?;
        }
        tx.commit().await.map_err(doing("commit"))?;
        Ok(granted)
    }
}

async fn settle(tx: &mut Transaction<'_, Sqlite>, run: i64, settled: &[Settled]) -> Result<(), StoreError> {
    let failed = || doing("record outcomes");
    let entries: Vec<_> = settled
        .iter()
        .map(|s| {
            let requests = if s.left { s.attempt.0 } else { s.attempt.0 - 1 };
            let accepted_at = (s.state == State::Accepted).then_some(s.ended_at.0);
            let problem = s.problem.as_ref();
            (
                (s.key.0, s.attempt.0, s.left, s.at.0, s.ended_at.0, s.state.code(), s.tries, requests),
                (accepted_at, &s.message_id, problem.map(|p| &p.code), problem.map(|p| &p.message)),
                (s.due_at.map(|t| t.0), s.poll_at.map(|t| t.0)),
            )
        })
        .collect();
    let entries = serde_json::to_string(&entries).unwrap_or_default();
    let closed = sqlx::query("DELETE FROM intent WHERE id IN (SELECT value ->> '$[0][0]' FROM json_each(?1))")
        .bind(&entries)
        .execute(&mut **tx)
        .await
        .map_err(failed())?;
    if closed.rows_affected() != settled.len() as u64 {
        return Err(StoreError::Damaged("an outcome has no intent".to_owned()));
    }
    sqlx::query(
        "INSERT INTO attempt (recipient, attempt, at, ended_at, outcome, code) \
         SELECT value ->> '$[0][0]', value ->> '$[0][1]', value ->> '$[0][3]', value ->> '$[0][4]', \
         value ->> '$[0][5]', value ->> '$[1][2]' FROM json_each(?1) WHERE value ->> '$[0][2]'",
    )
    .bind(&entries)
    .execute(&mut **tx)
    .await
    .map_err(failed())?;
    sqlx::query(
        "INSERT INTO delivery \
         (id, run, state, tries, attempts, tried_at, accepted_at, message_id, code, message, due_at, poll_at) \
         SELECT value ->> '$[0][0]', ?2, value ->> '$[0][5]', value ->> '$[0][6]', value ->> '$[0][7]', \
         value ->> '$[0][3]', value ->> '$[1][0]', value ->> '$[1][1]', value ->> '$[1][2]', value ->> '$[1][3]', \
         value ->> '$[2][0]', value ->> '$[2][1]' FROM json_each(?1) WHERE true \
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, tries = excluded.tries, \
         attempts = excluded.attempts, tried_at = excluded.tried_at, accepted_at = excluded.accepted_at, \
         message_id = excluded.message_id, code = excluded.code, message = excluded.message, \
         due_at = excluded.due_at, poll_at = excluded.poll_at",
    )
    .bind(&entries)
    .bind(run)
    .execute(&mut **tx)
    .await
    .map_err(failed())?;
    Ok(())
}

async fn suppress(tx: &mut Transaction<'_, Sqlite>, run: i64, keys: &[RowKey]) -> Result<(), StoreError> {
    let state = State::Pending.after(Change::Suppress).map_err(StoreError::Illegal)?;
    let keys: Vec<i64> = keys.iter().map(|key| key.0).collect();
    sqlx::query(
        "INSERT INTO delivery (id, run, state, attempts, tries, code, message) \
         SELECT value, ?2, ?3, 0, 0, 'suppressed', 'on the suppression list' FROM json_each(?1) WHERE true \
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, code = excluded.code, message = excluded.message, \
         due_at = NULL WHERE delivery.state = ?4",
    )
    .bind(serde_json::to_string(&keys).unwrap_or_default())
    .bind(run)
    .bind(state.code())
    .bind(State::Pending.code())
    .execute(&mut **tx)
    .await
    .map_err(doing("record suppressed rows"))?;
    Ok(())
}

async fn intend(tx: &mut Transaction<'_, Sqlite>, intents: &[Intent]) -> Result<Vec<bool>, StoreError> {
    let failed = || doing("record intents");
    let sending = State::Pending.after(Change::Intend).map_err(StoreError::Illegal)?;
    let mut wishes: Vec<(i64, u32, i64)> = intents.iter().map(|i| (i.key.0, i.attempt.0, i.at.0)).collect();
    let mut json = serde_json::to_string(&wishes).unwrap_or_default();
    // A row waits to be sent if it is not in the air and was never tried, or stands as pending after all attempts
    // before this one. Whatever does not was got at by something else in between; there is hardly ever one.
    let refused: Vec<i64> = sqlx::query_scalar(
        "SELECT wish.value ->> 0 FROM json_each(?1) AS wish LEFT JOIN delivery d ON d.id = wish.value ->> 0 \
         WHERE EXISTS (SELECT 1 FROM intent i WHERE i.id = wish.value ->> 0) \
         OR (d.id IS NOT NULL AND (d.state <> ?2 OR d.attempts + 1 <> wish.value ->> 1))",
    )
    .bind(&json)
    .bind(State::Pending.code())
    .fetch_all(&mut **tx)
    .await
    .map_err(failed())?;
    if !refused.is_empty() {
        wishes.retain(|(id, ..)| !refused.contains(id));
        json = serde_json::to_string(&wishes).unwrap_or_default();
    }
    sqlx::query("INSERT INTO intent (id, attempt, at) SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1)")
        .bind(&json)
        .execute(&mut **tx)
        .await
        .map_err(failed())?;
    let again: Vec<i64> = intents.iter().filter(|i| i.again && !refused.contains(&i.key.0)).map(|i| i.key.0).collect();
    if !again.is_empty() {
        sqlx::query("UPDATE delivery SET state = ?2, due_at = NULL WHERE id IN (SELECT value FROM json_each(?1))")
            .bind(serde_json::to_string(&again).unwrap_or_default())
            .bind(sending.code())
            .execute(&mut **tx)
            .await
            .map_err(failed())?;
    }
    Ok(intents.iter().map(|intent| !refused.contains(&intent.key.0)).collect())
}
