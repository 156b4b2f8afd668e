//! What reconciliation takes from the store and leaves in it: messages whose status is due, and the answers.

use sqlx::{Row, SqliteConnection};

use super::error::doing;
use super::many::{MOST, Many};
use super::{RowKey, Store, StoreError};
use crate::model::{Millis, Problem, State};

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
    /// Why it was not delivered, where it was not.
    pub problem: Option<Problem>,
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

static MERGE: Many = Many::new(
    "UPDATE delivery SET state = new.column3, provider_status = coalesce(new.column4, provider_status), \
     delivered_at = new.column5, read_at = new.column6, polled_at = new.column7, poll_at = new.column8, \
     code = coalesce(new.column9, code), message = coalesce(new.column10, message) \
     FROM (VALUES ",
    10,
    ") AS new WHERE delivery.id = new.column1 AND delivery.state = new.column2",
);

/// Merges status answers. Each row must still be in the state the answer was applied to.
pub(super) async fn merge(store: &mut SqliteConnection, polled: &[Polled]) -> Result<(), StoreError> {
    for polled in polled.chunks(MOST) {
        let merge = MERGE.over(polled, |merge, p| {
            merge
                .bind(p.key.0)
                .bind(p.from.code())
                .bind(p.state.code())
                .bind(&p.provider_status)
                .bind(p.delivered_at.map(|at| at.0))
                .bind(p.read_at.map(|at| at.0))
                .bind(p.polled_at.0)
                .bind(p.poll_at.map(|at| at.0))
                .bind(p.problem.as_ref().map(|problem| &problem.code))
                .bind(p.problem.as_ref().map(|problem| &problem.message))
        });
        let merged = merge.execute(&mut *store).await.map_err(doing("record statuses"))?;
        if merged.rows_affected() != polled.len() as u64 {
            return Err(StoreError::Damaged("a row changed while its status was asked for".to_owned()));
        }
    }
    Ok(())
}
