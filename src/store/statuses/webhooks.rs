//! Webhooks: statuses, merged like polled ones, and replies.
//!
//! A webhook may arrive before the answer to its send, or be about another sender's message. Such a status is kept for
//! a while, and a reply is kept without its row; [`Store::match_early`] finds their rows later.

use std::collections::{HashMap, HashSet};

use super::references::{self, Resolved, Tie};
use super::{account_events, people, polls};
use crate::crash_point::Point;
use crate::model::{DeliveryStatus, Millis, OptOutMatch, Problem, Reply, StatusUpdate, UserId};
use crate::store::Store;
use crate::store::error::doing;
use crate::store::runs::suppression::{self, Listed};
use crate::store::sql::{DbConnection, DbRow, json, query, query_as, query_scalar};
use crate::store::{StoreError, WebhookBatch, WebhookResult};

/// Maximum number of early statuses kept. An account shared with other senders delivers theirs too.
const MAX_EARLY: i64 = 100_000;
/// Maximum number of early statuses merged in one transaction.
const PAGE: i64 = 1_000;

impl Store {
    /// Indexes messages by the provider's ids. Only a store that receives webhooks has this index, because every
    /// accepted message has to be inserted at a random place. Takes about a second per million messages, once.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn index_message_ids(&self) -> Result<(), StoreError> {
        // On a server, the index is part of the tables, and creating one takes more rights than sending.
        if self.path().is_none() {
            return Ok(());
        }
        for index in [
            "CREATE INDEX IF NOT EXISTS delivery_message_id ON delivery (message_id) WHERE message_id IS NOT NULL",
            "CREATE INDEX IF NOT EXISTS past_attempt_message_id ON past_attempt (message_id) WHERE message_id IS NOT NULL",
        ] {
            let done = query(index).execute(self.write().await?.alone()).await;
            done.map_err(doing("index message ids"))?;
        }
        Ok(())
    }

    /// Saves webhooks, including repeats; synced when this returns. A reply that opts out puts its sender, and the
    /// number of the answered message, on the suppression list. A repeated reply does not do so again.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing is saved.
    pub async fn save_webhooks(&self, batch: &WebhookBatch, now: Millis) -> Result<WebhookResult, StoreError> {
        // A provider that gets 200 does not send the webhook again, so it must be on disk first.
        let mut writer = self.write().await?;
        let mut tx = writer.begin("save webhooks").await?;
        let ties: Vec<Tie> = batch.statuses.iter().filter_map(Tie::of).collect();
        let (resolved, genuine) = references::resolve(&mut tx, &ties, now).await?;
        if resolved.settled > 0 {
            match_early(&mut tx, &ties.iter().map(|tie| tie.message_id.as_str()).collect::<Vec<_>>()).await?;
        }
        let unknown = polls::merge(&mut tx, &batch.statuses, now).await?;
        let Resolved { settled, doubled } = resolved;
        let mut result = WebhookResult { settled, doubled, ..WebhookResult::default() };
        (result.early, result.dropped) = keep_early(&mut tx, &unknown, &genuine, now).await?;
        let suppressed = people::learn(&mut tx, &batch.people, now).await?;
        (result.replies, result.suppressed) = keep_replies(&mut tx, &batch.replies, now).await?;
        result.suppressed += suppressed;
        account_events::save(&mut tx, &batch.events).await?;
        Point::WebhooksWritten.pass();
        tx.commit().await.map_err(doing("save webhooks"))?;
        Point::WebhooksCommitted.pass();
        Ok(result)
    }

    /// Finds the rows of webhooks that arrived since `since` and before their rows. Statuses are limited so that other
    /// writers get their turn; if [`WebhookResult::found`] or [`WebhookResult::settled`] is not 0, there may be more.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub async fn match_early(&self, since: Millis, now: Millis) -> Result<WebhookResult, StoreError> {
        let failed = || doing("find the messages of early webhooks");
        let mut result = WebhookResult::default();
        let anything: bool = query_scalar(ANY_KNOWN).bind(since.0).fetch_one(&self.readers).await.map_err(failed())?;
        if !anything {
            return Ok(result);
        }
        let mut writer = self.write().await?;
        let mut tx = writer.begin("find the messages of early webhooks").await?;
        let resolved = resolve_early(&mut tx, since, now).await?;
        (result.settled, result.doubled) = (resolved.settled, resolved.doubled);
        let early = query(EARLY_KNOWN).bind(since.0).bind(PAGE).fetch_all(&mut tx).await.map_err(failed())?;
        result.found = merge_early(&mut tx, &early, now).await?;
        let tied: Vec<i64> = query_scalar(TIE).bind(since.0).fetch_all(&mut tx).await.map_err(failed())?;
        people::learn_from_replies(&mut tx, &json(&tied)).await?;
        result.suppressed = suppress(&mut tx, &tied).await?;
        tx.commit().await.map_err(failed())?;
        Ok(result)
    }

    /// Drops early statuses received before `before`: no message will get their ids any more. Those that name an
    /// attempt whose outcome is not recorded yet stay, because its process may have died.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn drop_early(&self, before: Millis) -> Result<(), StoreError> {
        for statement in [DROP_EARLY_BEFORE, "DELETE FROM early_user WHERE received_at < $1"] {
            let done = query(statement).bind(before.0).execute(self.write().await?.alone()).await;
            done.map_err(doing("drop early webhooks"))?;
        }
        Ok(())
    }
}

// Each row is found by its key: with `+ 0`, no index of the rows in flight can be used instead.
macro_rules! drop_early {
    ($which:literal) => {
        concat!(
            "DELETE FROM early_status WHERE ",
            $which,
            " AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.id = early_status.row AND d.claim = early_status.claim AND d.state + 0 = 1 \
             LIMIT 1 OFFSET 0)"
        )
    };
}
pub(in crate::store) const DROP_EARLY_BEFORE: &str = drop_early!("received_at < $1");
pub(in crate::store) const DROP_OLDEST_EARLY: &str = drop_early!("id <= (SELECT max(id) FROM early_status) - $1");

// The planner may turn an `EXISTS` without an `OFFSET` around, and then reads every row of a table that was small when
// it was planned.
pub(in crate::store) const ANY_KNOWN: &str = "SELECT EXISTS (SELECT 1 FROM early_status e WHERE e.received_at >= $1 \
    AND (EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = e.message_id LIMIT 1 OFFSET 0) \
      OR EXISTS (SELECT 1 FROM past_attempt p WHERE p.message_id = e.message_id LIMIT 1 OFFSET 0) \
      OR EXISTS (SELECT 1 FROM delivery d WHERE d.id = e.row AND d.claim = e.claim AND d.outcome IS NOT NULL \
        AND d.message_id IS NULL LIMIT 1 OFFSET 0) \
      OR EXISTS (SELECT 1 FROM past_attempt p WHERE p.row = e.row AND p.claim = e.claim AND p.message_id IS NULL \
        LIMIT 1 OFFSET 0))) \
    OR EXISTS (SELECT 1 FROM reply r WHERE r.row IS NULL AND r.in_reply_to IS NOT NULL AND r.received_at >= $1 \
    AND (EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = r.in_reply_to LIMIT 1 OFFSET 0) \
      OR EXISTS (SELECT 1 FROM past_attempt p WHERE p.message_id = r.in_reply_to LIMIT 1 OFFSET 0)))";
/// Early statuses of attempts that ended without a message id.
pub(in crate::store) const EARLY_NAMED: &str = "SELECT DISTINCT e.row, e.claim, e.message_id, e.status FROM early_status e \
    WHERE e.received_at >= $1 AND (EXISTS (SELECT 1 FROM delivery d WHERE d.id = e.row AND d.claim = e.claim \
        AND d.outcome IS NOT NULL AND d.message_id IS NULL LIMIT 1 OFFSET 0) \
      OR EXISTS (SELECT 1 FROM past_attempt p WHERE p.row = e.row AND p.claim = e.claim AND p.message_id IS NULL \
        LIMIT 1 OFFSET 0)) LIMIT $2";
/// Early statuses of these attempts, a JSON array of keys and claims.
pub(in crate::store) const EARLY_OF_ATTEMPTS: &str = "SELECT e.row, e.claim, e.message_id, e.status FROM json_each($1) wanted \
    CROSS JOIN early_status e ON e.row = CAST(wanted.value ->> 0 AS BIGINT) AND e.claim = CAST(wanted.value ->> 1 AS BIGINT)";
pub(in crate::store) const EARLY_KNOWN: &str = "SELECT id, message_id, status, delivered_at, read_at, error_code, error_message \
    FROM early_status e WHERE e.received_at >= $1 \
    AND (EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = e.message_id LIMIT 1 OFFSET 0) \
    OR EXISTS (SELECT 1 FROM past_attempt p WHERE p.message_id = e.message_id LIMIT 1 OFFSET 0)) ORDER BY e.id LIMIT $2";
pub(in crate::store) const EARLY_OF: &str = "SELECT e.id, message_id, status, delivered_at, read_at, error_code, error_message \
    FROM json_each($1) wanted CROSS JOIN early_status e ON e.message_id = wanted.atom";
pub(in crate::store) const TIE: &str = "UPDATE reply SET row = coalesce((SELECT min(d.id) FROM delivery d WHERE d.message_id = reply.in_reply_to), \
    (SELECT min(p.row) FROM past_attempt p WHERE p.message_id = reply.in_reply_to)) \
    WHERE row IS NULL AND in_reply_to IS NOT NULL AND received_at >= $1 \
    AND (EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = reply.in_reply_to LIMIT 1 OFFSET 0) \
    OR EXISTS (SELECT 1 FROM past_attempt p WHERE p.message_id = reply.in_reply_to LIMIT 1 OFFSET 0)) RETURNING id";

/// Merges the early statuses of messages that were just accepted.
pub(in crate::store) async fn match_early(store: &mut DbConnection<'_>, ids: &[&str]) -> Result<(), StoreError> {
    let early = query(EARLY_OF).bind(json(ids)).fetch_all(&mut *store).await.map_err(doing("find early webhooks"))?;
    match early.is_empty() {
        true => Ok(()),
        false => merge_early(store, &early, Millis::now()).await.map(drop),
    }
}

/// Settles the attempts of early statuses whose answers were lost in the meantime.
async fn resolve_early(store: &mut DbConnection<'_>, since: Millis, now: Millis) -> Result<Resolved, StoreError> {
    let named = query_as(EARLY_NAMED).bind(since.0).bind(PAGE).fetch_all(&mut *store).await;
    let ties = ties(named.map_err(doing("find the attempts of early webhooks"))?);
    references::resolve(store, &ties, now).await.map(|(resolved, _)| resolved)
}

/// Settles attempts whose outcomes were just recorded without a message, if an early status names them: a message that
/// exists is not sent again.
pub(in crate::store) async fn settle_early(
    store: &mut DbConnection<'_>,
    attempts: &[(i64, u32)],
) -> Result<(), StoreError> {
    let wanted = json(attempts);
    let named = query_as(EARLY_OF_ATTEMPTS).bind(wanted).fetch_all(&mut *store).await;
    let ties = ties(named.map_err(doing("find the early webhooks of attempts"))?);
    if ties.is_empty() {
        return Ok(());
    }
    references::resolve(store, &ties, Millis::now()).await?;
    match_early(store, &ties.iter().map(|tie| tie.message_id.as_str()).collect::<Vec<_>>()).await
}

/// Returns the ties of early statuses: key, claim, message id, status. Their signatures were checked when they arrived.
fn ties(early: Vec<(i64, u32, String, String)>) -> Vec<Tie> {
    let tie = |(row, claim, message_id, status): (i64, u32, String, String)| {
        let has_failed = DeliveryStatus::from_word(&status) == DeliveryStatus::Failed;
        Tie { attempt: (row, claim), message_id, has_failed, unchecked: None }
    };
    early.into_iter().map(tie).collect()
}

/// Merges the early statuses whose messages exist now, and returns how many. The others keep waiting: the answer to
/// their send may still come.
async fn merge_early(store: &mut DbConnection<'_>, early: &[DbRow], now: Millis) -> Result<u64, StoreError> {
    let failed = || doing("merge early webhooks");
    let mut stored = Vec::with_capacity(early.len());
    let mut updates = Vec::with_capacity(early.len());
    for row in early {
        let (id, update) = early_status(row).map_err(failed())?;
        stored.push(id);
        updates.push(update);
    }
    let unknown = polls::merge(store, &updates, now).await?;
    let unknown: HashSet<&str> = unknown.into_iter().map(|update| update.message_id.as_str()).collect();
    let is_merged = |update: &StatusUpdate| !unknown.contains(update.message_id.as_str());
    let merged = stored.into_iter().zip(&updates).filter(|(_, update)| is_merged(update));
    let (ids, messages): (Vec<i64>, Vec<&str>) = merged.map(|(id, update)| (id, update.message_id.as_str())).unzip();
    people::learn_early(store, &json(&messages)).await?;
    query("DELETE FROM early_status WHERE id IN (SELECT CAST(atom AS BIGINT) FROM json_each($1))")
        .bind(json(&ids))
        .execute(store)
        .await
        .map_err(failed())?;
    Ok(ids.len() as u64)
}

/// What statuses that are alike say of an early message.
#[derive(Default)]
struct EarlyLine<'u> {
    /// Its message id, its status and the code of its problem.
    name: (&'u str, &'u str, &'u str),
    delivered: Option<i64>,
    read: Option<i64>,
    message: Option<&'u str>,
    attempt: Option<(i64, u32)>,
}

/// Keeps statuses whose messages are missing. Returns how many there are, repeats included, and how many others were
/// dropped for them.
async fn keep_early(
    store: &mut DbConnection<'_>,
    unknown: &[&StatusUpdate],
    genuine: &HashSet<(i64, u32)>,
    now: Millis,
) -> Result<(u64, u64), StoreError> {
    if unknown.is_empty() {
        return Ok((0, 0));
    }
    let failed = || doing("save early webhooks");
    // Repeats are merged here, because one statement changes a line once.
    let mut lines: Vec<EarlyLine<'_>> = Vec::with_capacity(unknown.len());
    let mut places: HashMap<(&str, &str, &str), usize> = HashMap::new();
    for update in unknown {
        let problem = update.problem.as_ref();
        let (code, message) = (problem.map_or("", |p| p.code.as_str()), problem.and_then(Problem::provider_message));
        let attempt = Tie::of(update).map(|tie| tie.attempt).filter(|attempt| genuine.contains(attempt));
        let [delivered, read] = [update.delivered_at, update.read_at].map(|at| at.map(|at| at.0));
        let name = (update.message_id.as_str(), update.status.as_word(), code);
        let place = *places.entry(name).or_insert(lines.len());
        if place == lines.len() {
            lines.push(EarlyLine { name, ..EarlyLine::default() });
        }
        let line = &mut lines[place];
        line.delivered = line.delivered.into_iter().chain(delivered).min();
        line.read = line.read.into_iter().chain(read).min();
        line.message = line.message.into_iter().chain(message).min();
        line.attempt = line.attempt.or(attempt);
    }
    let lines: Vec<_> = lines
        .into_iter()
        .map(|EarlyLine { name: (id, status, code), delivered, read, message, attempt }| {
            let (row, claim) = attempt.unzip();
            (id, status, delivered, read, code, message, row, claim)
        })
        .collect();
    query(
        "INSERT INTO early_status (message_id, status, delivered_at, read_at, error_code, error_message, row, claim, \
         received_at) SELECT value ->> 0, value ->> 1, CAST(value ->> 2 AS BIGINT), CAST(value ->> 3 AS BIGINT), value ->> 4, value ->> 5, CAST(value ->> 6 AS BIGINT), \
         CAST(value ->> 7 AS BIGINT), $2 FROM jsonb_each($1) \
         WHERE true ON CONFLICT (message_id, status, error_code) DO UPDATE SET \
         row = coalesce(early_status.row, excluded.row), claim = coalesce(early_status.claim, excluded.claim), \
         delivered_at = coalesce(min(early_status.delivered_at, excluded.delivered_at), early_status.delivered_at, excluded.delivered_at), \
         read_at = coalesce(min(early_status.read_at, excluded.read_at), early_status.read_at, excluded.read_at), \
         error_message = coalesce(min(early_status.error_message, excluded.error_message), early_status.error_message, excluded.error_message)",
    )
    .bind(json(&lines))
    .bind(now.0)
    .execute(&mut *store)
    .await
    .map_err(failed())?;
    let dropped = query(DROP_OLDEST_EARLY).bind(MAX_EARLY).execute(&mut *store).await.map_err(failed())?;
    Ok((unknown.len() as u64, dropped.rows_affected()))
}

fn early_status(row: &DbRow) -> Result<(i64, StatusUpdate), sqlx::Error> {
    let code: String = row.try_get(5)?;
    let message: Option<String> = row.try_get(6)?;
    let update = StatusUpdate {
        message_id: row.try_get(1)?,
        status: DeliveryStatus::from_word(&row.try_get::<String, _>(2)?),
        delivered_at: row.try_get::<Option<i64>, _>(3)?.map(Millis),
        read_at: row.try_get::<Option<i64>, _>(4)?.map(Millis),
        problem: (!code.is_empty()).then(|| Problem::new(code, message.unwrap_or_default())),
        reference: None,
    };
    Ok((row.try_get(0)?, update))
}

/// Saves replies. Returns how many are new, and how many numbers they put on the suppression list.
async fn keep_replies(
    store: &mut DbConnection<'_>,
    replies: &[(Reply, Option<OptOutMatch>)],
    now: Millis,
) -> Result<(u64, u64), StoreError> {
    if replies.is_empty() {
        return Ok((0, 0));
    }
    let lines: Vec<_> = replies
        .iter()
        .map(|(reply, opt_out)| {
            let Reply { id, from, user, parent, answers, at, kind, choice, title, text } = reply;
            let [user, parent] = [user, parent].map(|id| id.as_ref().map(UserId::as_str));
            let (word, is_possible) = match opt_out {
                Some(OptOutMatch::Exact(word)) => (Some(word), 0),
                Some(OptOutMatch::Possible) => (None, 1),
                None => (None, 0),
            };
            (
                id,
                from.map(|from| from.as_u64()),
                answers,
                at.0,
                kind,
                choice,
                title,
                text,
                word,
                is_possible,
                user,
                parent,
            )
        })
        .collect();
    let new: Vec<i64> = query_scalar(
        "INSERT INTO reply (inbound_id, phone, user_id, parent_user_id, in_reply_to, row, at, kind, choice, title, text, opt_out, \
           possible_opt_out, received_at) \
         SELECT value ->> 0, \
         coalesce(CAST(value ->> 1 AS BIGINT), (SELECT min(u.phone) FROM user_phone u WHERE u.user_id IN (value ->> 10, value ->> 11))), \
         value ->> 10, value ->> 11, value ->> 2, \
         coalesce((SELECT min(d.id) FROM delivery d WHERE d.message_id = value ->> 2), \
           (SELECT min(p.row) FROM past_attempt p WHERE p.message_id = value ->> 2)), \
         CAST(value ->> 3 AS BIGINT), value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8, CAST(value ->> 9 AS BIGINT), $2 \
         FROM jsonb_each($1) WHERE true ON CONFLICT (inbound_id) DO NOTHING RETURNING id",
    )
    .bind(json(&lines))
    .bind(now.0)
    .fetch_all(&mut *store)
    .await
    .map_err(doing("save replies"))?;
    people::learn_from_replies(store, &json(&new)).await?;
    Ok((new.len() as u64, suppress(store, &new).await?))
}

/// Suppresses everyone who opts out in these replies: the number that the reply came from, those that are known for the
/// sender's id, and the one that the message went to, which some countries write differently. Returns how many are new
/// on the list.
async fn suppress(store: &mut DbConnection<'_>, replies: &[i64]) -> Result<u64, StoreError> {
    if replies.is_empty() {
        return Ok(0);
    }
    let listed: Vec<Listed> = query_as(
        "WITH asked AS (SELECT p.phone, p.user_id, p.parent_user_id, p.row, 'opted out by reply: ' || p.opt_out AS reason, p.at \
           FROM json_each($1) CROSS JOIN reply p ON p.id = CAST(atom AS BIGINT) WHERE p.opt_out IS NOT NULL) \
         SELECT phone, reason, at FROM asked WHERE phone IS NOT NULL \
         UNION ALL SELECT u.phone, reason, at FROM asked \
           JOIN user_phone u ON u.user_id IN (asked.user_id, asked.parent_user_id) \
         UNION ALL SELECT r.phone, reason, at FROM asked JOIN recipient r ON r.id = asked.row WHERE r.phone IS NOT NULL",
    )
    .bind(json(replies))
    .fetch_all(&mut *store)
    .await
    .map_err(doing("suppress numbers"))?;
    suppression::put(store, &listed).await
}
