//! Statuses: the messages to ask about, and the single path by which a status reaches its message, from a poll or a
//! webhook.
//!
//! A status is merged with the store's current state in the same transaction that writes it. A status of a past attempt
//! is recorded with that attempt.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;

use crate::crash_point::Point;
use crate::model::{Delivery, Millis, Problem, State, StatusUpdate};
use crate::store::Store;
use crate::store::dispatch::past_attempts::take_back;
use crate::store::error::doing;
use crate::store::reports::rows::state;
use crate::store::runs::suppression::{self, Listed};
use crate::store::sql::{DbConnection, DbRow, JsonList, json, query, query_as, query_scalar};
use crate::store::{Awaiting, Polled, RowKey, StoreError};

impl Store {
    /// Returns messages whose status is due at `now`, longest due first; at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn due_polls(&self, run: i64, now: Millis, limit: u32) -> Result<Vec<Awaiting>, StoreError> {
        let rows = query(DUE_POLLS)
            .bind(run)
            .bind(now.0)
            .bind(limit)
            .fetch_all(&self.readers)
            .await
            .map_err(doing("find due polls"))?;
        rows.iter().map(awaiting).collect()
    }

    /// Returns messages whose status is still awaited and that were not asked about after `before`, in input order
    /// after `after`; at most `limit`. For a single pass on request, due or not.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn pollable(
        &self,
        run: i64,
        before: Millis,
        after: Option<RowKey>,
        limit: u32,
    ) -> Result<Vec<Awaiting>, StoreError> {
        let rows = query(
            "SELECT id, message_id, accepted_at, next_poll_at FROM delivery WHERE id > $1 AND id <= $2 \
             AND next_poll_at IS NOT NULL AND (last_poll_at IS NULL OR last_poll_at <= $3) ORDER BY id LIMIT $4",
        )
        .bind(after.map_or(RowKey::first(run), |key| key.0))
        .bind(RowKey::last(run))
        .bind(before.0)
        .bind(limit)
        .fetch_all(&self.readers)
        .await
        .map_err(doing("find messages to poll"))?;
        rows.iter().map(awaiting).collect()
    }

    /// Returns when the next poll after `now` is due, if there is one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn next_poll(&self, run: i64, now: Millis) -> Result<Option<Millis>, StoreError> {
        let next: Option<i64> = query_scalar(NEXT_POLL)
            .bind(run)
            .bind(now.0)
            .fetch_one(&self.readers)
            .await
            .map_err(doing("find the next poll"))?;
        Ok(next.map(Millis))
    }

    /// Records the results of one status request. Durable when this returns.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing is saved.
    pub async fn record_polls(&self, run: i64, polled: &[Polled]) -> Result<(), StoreError> {
        let keys: Vec<i64> = polled.iter().map(|polled| polled.key.0).collect();
        let mut writer = self.write().await?;
        let mut tx = writer.begin("record statuses").await?;
        let mut latest: HashMap<RowKey, Message> =
            find(&mut tx, BY_KEY, &keys).await?.into_iter().map(|message| (message.key, message)).collect();
        let (mut messages, mut others) = (Vec::with_capacity(polled.len()), Vec::new());
        for polled in polled {
            // A row that was sent again since has another message, or none yet.
            match latest.remove(&polled.key).filter(|message| message.message_id == polled.message_id) {
                Some(mut message) => {
                    if let Some(update) = &polled.update {
                        message.delivery = message.delivery.with(update).map_err(StoreError::Illegal)?;
                    }
                    message.next_poll_at = polled.next_poll_at.filter(|_| message.delivery.awaits_status());
                    message.last_poll_at = Some(polled.polled_at);
                    messages.push(message);
                }
                None => others.extend(polled.update.clone()),
            }
        }
        write(&mut tx, &messages).await?;
        if !others.is_empty() {
            let mut past = find(&mut tx, PAST_BY_KEY, &keys).await?;
            merge_into(&mut past, others.iter(), None)?;
            write_past(&mut tx, &past).await?;
        }
        query("UPDATE run SET polls = polls + 1 WHERE id = $1")
            .bind(run)
            .execute(&mut tx)
            .await
            .map_err(doing("count polls"))?;
        tx.commit().await.map_err(doing("record statuses"))?;
        Point::StatusCommitted.pass();
        Ok(())
    }
}

impl Store {
    /// Ends the wait for the statuses of a run that were due by `now`: those of messages accepted longer than `horizon`
    /// ago are given up, and the others are awaited until then.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn give_up_statuses(&self, run: i64, horizon: Duration, now: Millis) -> Result<(), StoreError> {
        let horizon = i64::try_from(horizon.as_millis()).unwrap_or(i64::MAX);
        query(
            "UPDATE delivery SET next_poll_at = iif(coalesce(accepted_at, ended_at) <= $2 - $3, NULL, \
             coalesce(accepted_at, ended_at) + $3) WHERE run = $1 AND next_poll_at <= $2",
        )
        .bind(run)
        .bind(now.0)
        .bind(horizon)
        .execute(self.write().await?.alone())
        .await
        .map(drop)
        .map_err(doing("stop waiting for statuses"))
    }
}

pub(in crate::store) const DUE_POLLS: &str = "SELECT id, message_id, accepted_at, next_poll_at FROM delivery \
    WHERE run = $1 AND next_poll_at <= $2 ORDER BY next_poll_at LIMIT $3";
pub(in crate::store) const NEXT_POLL: &str =
    "SELECT min(next_poll_at) FROM delivery WHERE run = $1 AND next_poll_at > $2";

fn awaiting(row: &DbRow) -> Result<Awaiting, StoreError> {
    let read = || {
        Ok(Awaiting {
            key: RowKey(row.try_get(0)?),
            message_id: row.try_get(1)?,
            accepted_at: Millis(row.try_get(2)?),
            next_poll_at: Millis(row.try_get(3)?),
        })
    };
    read().map_err(doing("read a due poll"))
}

/// A message as stored.
struct Message {
    key: RowKey,
    /// The claim of a past attempt; 0 for the row's latest attempt.
    claim: u32,
    message_id: String,
    delivery: Delivery,
    next_poll_at: Option<Millis>,
    /// When its status was last reported or requested.
    last_poll_at: Option<Millis>,
}

pub(in crate::store) const BY_KEY: &str = "SELECT d.id, 0, d.message_id, d.state, d.provider_status, d.delivered_at, d.read_at, d.error_code, \
    d.error_message, d.next_poll_at, d.last_poll_at FROM json_each($1) wanted CROSS JOIN delivery d ON d.id = CAST(wanted.atom AS BIGINT) \
    WHERE d.message_id IS NOT NULL";
/// Fast only with the index for it, see `webhooks`.
pub(in crate::store) const BY_MESSAGE_ID: &str = "SELECT d.id, 0, d.message_id, d.state, d.provider_status, d.delivered_at, d.read_at, \
    d.error_code, d.error_message, d.next_poll_at, d.last_poll_at \
    FROM json_each($1) wanted CROSS JOIN delivery d ON d.message_id = wanted.atom";
pub(in crate::store) const PAST_BY_KEY: &str = "SELECT p.row, p.claim, p.message_id, p.outcome, p.provider_status, p.delivered_at, p.read_at, \
    p.error_code, p.error_message, NULL, NULL FROM json_each($1) wanted CROSS JOIN past_attempt p ON p.row = CAST(wanted.atom AS BIGINT) \
    WHERE p.message_id IS NOT NULL";
pub(in crate::store) const PAST_BY_MESSAGE_ID: &str = "SELECT p.row, p.claim, p.message_id, p.outcome, p.provider_status, p.delivered_at, \
    p.read_at, p.error_code, p.error_message, NULL, NULL \
    FROM json_each($1) wanted CROSS JOIN past_attempt p ON p.message_id = wanted.atom";

/// Merges statuses into their messages, of rows and of past attempts, and returns those whose message is missing. Fast
/// only with the index for it, see `webhooks`.
pub(in crate::store) async fn merge<'u>(
    store: &mut DbConnection<'_>,
    updates: &'u [StatusUpdate],
    now: Millis,
) -> Result<Vec<&'u StatusUpdate>, StoreError> {
    let mut ids: Vec<&str> = updates.iter().map(|update| update.message_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut messages = find(store, BY_MESSAGE_ID, &ids).await?;
    let unknown = merge_into(&mut messages, updates.iter(), Some(now))?;
    write(store, &messages).await?;
    if unknown.is_empty() {
        return Ok(unknown);
    }
    let mut messages = find(store, PAST_BY_MESSAGE_ID, &ids).await?;
    let unknown = merge_into(&mut messages, unknown.into_iter(), None)?;
    write_past(store, &messages).await?;
    Ok(unknown)
}

/// Merges statuses into messages, and keeps only the messages that changed. Returns the statuses without a message.
fn merge_into<'u>(
    messages: &mut Vec<Message>,
    updates: impl Iterator<Item = &'u StatusUpdate>,
    now: Option<Millis>,
) -> Result<Vec<&'u StatusUpdate>, StoreError> {
    // Two messages with one id would be an inconsistency; even then, both get the status.
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, message) in messages.iter().enumerate() {
        places.entry(message.message_id.clone()).or_default().push(place);
    }
    let (mut unknown, mut changed) = (Vec::new(), vec![false; messages.len()]);
    for update in updates {
        let Some(places) = places.get(&update.message_id) else {
            unknown.push(update);
            continue;
        };
        for place in places {
            let message = &mut messages[*place];
            let next = message.delivery.with(update).map_err(StoreError::Illegal)?;
            if next != message.delivery {
                message.delivery = next;
                message.last_poll_at = now;
                message.next_poll_at = message.next_poll_at.filter(|_| message.delivery.awaits_status());
                changed[*place] = true;
            }
        }
    }
    // Repeats change nothing, and cause no write.
    let mut changed = changed.into_iter();
    messages.retain(|_| changed.next().unwrap_or(false));
    Ok(unknown)
}

/// Returns the requested messages that exist.
async fn find(
    store: &mut DbConnection<'_>,
    statement: &'static str,
    wanted: &[impl Serialize],
) -> Result<Vec<Message>, StoreError> {
    let wanted = json(wanted);
    let rows = query(statement).bind(wanted).fetch_all(store).await.map_err(doing("read messages"))?;
    rows.iter().map(message).collect()
}

fn message(row: &DbRow) -> Result<Message, StoreError> {
    let time = |column: usize| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(column)?.map(Millis));
    let read = || -> Result<(Message, i64), sqlx::Error> {
        let (code, words): (Option<String>, Option<String>) = (row.try_get(7)?, row.try_get(8)?);
        let delivery = Delivery {
            state: State::Accepted,
            word: row.try_get(4)?,
            delivered_at: time(5)?,
            read_at: time(6)?,
            problem: code.map(|code| Problem::stored(code, words, None)),
        };
        let message = Message {
            key: RowKey(row.try_get(0)?),
            claim: row.try_get(1)?,
            message_id: row.try_get(2)?,
            delivery,
            next_poll_at: time(9)?,
            last_poll_at: time(10)?,
        };
        Ok((message, row.try_get(3)?))
    };
    let (mut message, code) = read().map_err(doing("read a message"))?;
    message.delivery.state = state(code)?;
    Ok(message)
}

/// Returns messages as JSON: key, claim, state, word, delivered_at, read_at, error_code, error_message, next_poll_at,
/// last_poll_at.
fn lines(messages: &[Message]) -> JsonList {
    let row = |Message { key, claim, delivery, next_poll_at, last_poll_at, .. }: &Message| {
        let Delivery { state, word, delivered_at, read_at, problem } = delivery;
        let code = problem.as_ref().map(|problem| &problem.code);
        let words = problem.as_ref().and_then(Problem::provider_message);
        let [delivered_at, read_at, next, last] =
            [delivered_at, read_at, next_poll_at, last_poll_at].map(|at| at.map(|at| at.0));
        (
            key.0,
            *claim,
            state.code(),
            word.clone(),
            delivered_at,
            read_at,
            code.cloned(),
            words.map(str::to_owned),
            next,
            last,
        )
    };
    json(messages.iter().map(row).collect::<Vec<_>>())
}

async fn write(store: &mut DbConnection<'_>, messages: &[Message]) -> Result<(), StoreError> {
    if messages.is_empty() {
        return Ok(());
    }
    query(
        "UPDATE delivery SET state = CAST(m.v ->> 2 AS BIGINT), provider_status = m.v ->> 3, delivered_at = CAST(m.v ->> 4 AS BIGINT), read_at = CAST(m.v ->> 5 AS BIGINT), \
         error_code = m.v ->> 6, error_message = m.v ->> 7, error_values = NULL, next_poll_at = CAST(m.v ->> 8 AS BIGINT), \
         last_poll_at = CAST(m.v ->> 9 AS BIGINT) FROM (SELECT value AS v FROM jsonb_each($1)) m WHERE delivery.id = CAST(m.v ->> 0 AS BIGINT)",
    )
    .bind(lines(messages))
    .execute(&mut *store)
    .await
    .map_err(doing("record statuses"))?;
    let opted_out = messages.iter().filter(|message| {
        let problem = message.delivery.problem.as_ref();
        problem.is_some_and(|problem| problem.code == OPTED_OUT)
    });
    let opted_out: Vec<i64> = opted_out.map(|message| message.key.0).collect();
    suppress_opted_out(store, &opted_out).await
}

/// WhatsApp's code for a person who gets no marketing messages from this business any more, at their own request
/// ("Cloud API error codes").
pub(in crate::store) const OPTED_OUT: &str = "131050";

/// Puts the numbers of rows on the suppression list, because WhatsApp says that these people opted out.
pub(in crate::store) async fn suppress_opted_out(store: &mut DbConnection<'_>, keys: &[i64]) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    let listed: Vec<Listed> = query_as(
        "SELECT r.phone, 'opted out of marketing messages (' || $2 || ')', CAST($3 AS BIGINT) FROM json_each($1) \
         JOIN recipient r ON r.id = CAST(atom AS BIGINT) WHERE r.phone IS NOT NULL",
    )
    .bind(json(keys))
    .bind(OPTED_OUT)
    .bind(Millis::now().0)
    .fetch_all(&mut *store)
    .await
    .map_err(doing("suppress numbers"))?;
    suppression::put(store, &listed).await.map(drop)
}

/// Writes past attempts. A row that waits to be resent because its message had failed is no longer sent if that message
/// was delivered after all.
async fn write_past(store: &mut DbConnection<'_>, messages: &[Message]) -> Result<(), StoreError> {
    if messages.is_empty() {
        return Ok(());
    }
    query(
        "UPDATE past_attempt SET outcome = CAST(m.v ->> 2 AS BIGINT), provider_status = m.v ->> 3, delivered_at = CAST(m.v ->> 4 AS BIGINT), \
         read_at = CAST(m.v ->> 5 AS BIGINT), error_code = m.v ->> 6, error_message = m.v ->> 7, error_values = NULL \
         FROM (SELECT value AS v FROM jsonb_each($1)) m WHERE past_attempt.row = CAST(m.v ->> 0 AS BIGINT) AND past_attempt.claim = CAST(m.v ->> 1 AS BIGINT)",
    )
    .bind(lines(messages))
    .execute(&mut *store)
    .await
    .map_err(doing("record statuses of past attempts"))?;
    let keys: Vec<i64> = messages.iter().map(|message| message.key.0).collect();
    take_back(store, &keys).await.map(drop)
}
