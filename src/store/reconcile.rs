//! What reconciliation takes from the store and leaves in it: messages whose status is due, and the answers.

use sqlx::{Row, Sqlite, Transaction};

use super::error::doing;
use super::{RowKey, Store, StoreError};
use crate::model::{Millis, State};

/// A message whose status is awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaiting {
    /// Which row.
    pub key: RowKey,
    /// Where it stands.
    pub state: State,
    /// The provider's id.
    pub message_id: String,
    /// When it was accepted.
    pub accepted_at: Millis,
    /// Since when it is due to be asked about.
    pub poll_at: Millis,
    /// When it was delivered, as far as is known.
    pub delivered_at: Option<Millis>,
    /// When it was read, as far as is known.
    pub read_at: Option<Millis>,
}

/// A message after it was asked about, as it is to stand in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polled {
    /// Which row.
    pub key: RowKey,
    /// The state it was in.
    pub from: State,
    /// The state it is in now.
    pub state: State,
    /// The provider's word, where the documents do not name it.
    pub provider_status: Option<String>,
    /// When it was delivered, as far as is known.
    pub delivered_at: Option<Millis>,
    /// When it was read, as far as is known.
    pub read_at: Option<Millis>,
    /// When it was asked about.
    pub polled_at: Millis,
    /// Next poll not before, if there is to be one.
    pub poll_at: Option<Millis>,
}

impl Store {
    /// Messages whose status is due at `now`, the longest due first; at most `limit`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn due_polls(&self, run: i64, now: Millis, limit: u32) -> Result<Vec<Awaiting>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, state, message_id, accepted_at, poll_at, delivered_at, read_at FROM delivery \
             WHERE run = ?1 AND poll_at <= ?2 ORDER BY poll_at LIMIT ?3",
        )
        .bind(run)
        .bind(now.0)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await
        .map_err(doing("find due polls"))?;
        rows.iter().map(awaiting).collect()
    }

    /// Messages whose status is awaited at all and that were not asked about after `before`, in input order after
    /// `after`; at most `limit`. For a single pass on request, whether they are due or not.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn pollable(
        &self,
        run: i64,
        before: Millis,
        after: Option<RowKey>,
        limit: u32,
    ) -> Result<Vec<Awaiting>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, state, message_id, accepted_at, poll_at, delivered_at, read_at FROM delivery \
             WHERE id > ?1 AND id <= ?2 AND poll_at IS NOT NULL AND (polled_at IS NULL OR polled_at <= ?3) \
             ORDER BY id LIMIT ?4",
        )
        .bind(after.map_or(RowKey::first(run), |key| key.0))
        .bind(RowKey::last(run))
        .bind(before.0)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await
        .map_err(doing("find messages to ask about"))?;
        rows.iter().map(awaiting).collect()
    }

    /// When the next poll after `now` becomes due, if one does.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn next_poll(&self, run: i64, now: Millis) -> Result<Option<Millis>, StoreError> {
        let next: Option<i64> = sqlx::query_scalar("SELECT min(poll_at) FROM delivery WHERE run = ?1 AND poll_at > ?2")
            .bind(run)
            .bind(now.0)
            .fetch_one(&self.readers)
            .await
            .map_err(doing("find the next poll"))?;
        Ok(next.map(Millis))
    }
}

fn awaiting(row: &sqlx::sqlite::SqliteRow) -> Result<Awaiting, StoreError> {
    let read = || -> Result<(Awaiting, i64), sqlx::Error> {
        let state: i64 = row.try_get(1)?;
        let message = Awaiting {
            key: RowKey(row.try_get(0)?),
            state: State::Accepted,
            message_id: row.try_get(2)?,
            accepted_at: Millis(row.try_get(3)?),
            poll_at: Millis(row.try_get(4)?),
            delivered_at: row.try_get::<Option<i64>, _>(5)?.map(Millis),
            read_at: row.try_get::<Option<i64>, _>(6)?.map(Millis),
        };
        Ok((message, state))
    };
    let (mut message, code) = read().map_err(doing("read a due poll"))?;
    message.state =
        State::from_code(code).ok_or_else(|| StoreError::Damaged(format!("there is no state number {code}")))?;
    Ok(message)
}

/// Merges status answers. Each row must still be in the state the answer was applied to.
pub(super) async fn merge(tx: &mut Transaction<'_, Sqlite>, polled: &[Polled]) -> Result<(), StoreError> {
    let entries: Vec<_> = polled
        .iter()
        .map(|p| {
            (
                (p.key.0, p.from.code(), p.state.code(), &p.provider_status),
                (p.delivered_at.map(|t| t.0), p.read_at.map(|t| t.0), p.polled_at.0, p.poll_at.map(|t| t.0)),
            )
        })
        .collect();
    let merged = sqlx::query(
        "UPDATE delivery SET state = new.state, provider_status = coalesce(new.word, provider_status), \
         delivered_at = new.delivered_at, read_at = new.read_at, polled_at = new.polled_at, poll_at = new.poll_at \
         FROM (SELECT value ->> '$[0][0]' AS id, value ->> '$[0][1]' AS was, value ->> '$[0][2]' AS state, \
           value ->> '$[0][3]' AS word, value ->> '$[1][0]' AS delivered_at, value ->> '$[1][1]' AS read_at, \
           value ->> '$[1][2]' AS polled_at, value ->> '$[1][3]' AS poll_at FROM json_each(?1)) AS new \
         WHERE delivery.id = new.id AND delivery.state = new.was",
    )
    .bind(serde_json::to_string(&entries).unwrap_or_default())
    .execute(&mut **tx)
    .await
    .map_err(doing("record statuses"))?;
    if merged.rows_affected() == polled.len() as u64 {
        Ok(())
    } else {
        Err(StoreError::Damaged("a row changed while its status was asked for".to_owned()))
    }
}
