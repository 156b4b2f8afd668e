//! What reconciliation takes from the store and leaves in it: messages whose status is due, and the answers.
//!
//! A status is merged with what the store knows at that moment, within the transaction that writes it: the provider may
//! have called back with another since it was asked for (see `callbacks`).

use sqlx::{Row, SqliteConnection};

use super::error::doing;
use super::{RowKey, Store, StoreError, deliveries};
use crate::model::{Millis, State, StatusUpdate};

/// A message whose status is awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaiting {
    /// Which row.
    pub key: RowKey,
    /// The provider's id.
    pub message_id: String,
    /// When it was accepted.
    pub accepted_at: Millis,
    /// Since when it is due to be asked about.
    pub poll_at: Millis,
}

/// A message that was asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polled {
    /// Which row.
    pub key: RowKey,
    /// Its status, if the answer has one.
    pub update: Option<StatusUpdate>,
    /// When it was asked about.
    pub polled_at: Millis,
    /// Next poll not before, if there is to be one; only where a status is still awaited.
    pub poll_at: Option<Millis>,
}

impl Store {
    /// Messages whose status is due at `now`, the longest due first; at most `limit`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn due_polls(&self, run: i64, now: Millis, limit: u32) -> Result<Vec<Awaiting>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, message_id, accepted_at, poll_at FROM delivery \
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
            "SELECT id, message_id, accepted_at, poll_at FROM delivery \
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
    let read = || -> Result<Awaiting, sqlx::Error> {
        Ok(Awaiting {
            key: RowKey(row.try_get(0)?),
            message_id: row.try_get(1)?,
            accepted_at: Millis(row.try_get(2)?),
            poll_at: Millis(row.try_get(3)?),
        })
    };
    read().map_err(doing("read a due poll"))
}

/// Merges status answers. Gives back from which state to which each message went.
pub(super) async fn merge(store: &mut SqliteConnection, polled: &[Polled]) -> Result<Vec<(State, State)>, StoreError> {
    let keys: Vec<i64> = polled.iter().map(|polled| polled.key.0).collect();
    let mut messages = deliveries::find(store, deliveries::BY_KEY, &keys).await?;
    if messages.len() != polled.len() {
        return Err(StoreError::Damaged("a row vanished while its status was asked for".to_owned()));
    }
    let mut moved = Vec::with_capacity(polled.len());
    for (message, polled) in messages.iter_mut().zip(polled) {
        let from = message.delivery.state;
        if let Some(update) = &polled.update {
            message.delivery = message.delivery.with(update).map_err(StoreError::Illegal)?;
        }
        let state = message.delivery.state;
        moved.push((from, state));
        message.poll_at = polled.poll_at.filter(|_| message.delivery.awaits_status());
        message.polled_at = Some(polled.polled_at);
    }
    deliveries::write(store, &messages).await?;
    Ok(moved)
}
