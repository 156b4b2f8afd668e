//! What the provider called back with: statuses, merged in the same way as polled ones, and replies.
//!
//! A callback may be here before the answer to the send it is about, or be about somebody else's message. Such a status is
//! laid aside for a while, and a reply is kept without its row; [`Writer::catch_up`] finds their rows later.

use std::collections::HashMap;

use sqlx::{Connection, Row, SqliteConnection};

use super::error::doing;
use super::{StoreError, Writer, deliveries};
use crate::crash::Point;
use crate::model::{DeliveryStatus, Millis, NO_REASON, Problem, Reply, StatusUpdate};

/// Callbacks that become durable together.
#[derive(Debug, Default)]
pub struct Called {
    /// Statuses.
    pub statuses: Vec<StatusUpdate>,
    /// Replies, each with the words by which it asks for nothing more, if it does.
    pub replies: Vec<(Reply, Option<String>)>,
}

/// What became of callbacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Took {
    /// Statuses that were laid aside, repeats among them, since no row has their message's id.
    pub early: u64,
    /// Statuses that were given up for newer ones, since too many were laid aside.
    pub dropped: u64,
    /// Early statuses whose message was found.
    pub found: u64,
    /// Replies that were not there yet.
    pub replies: u64,
    /// Numbers that were put on the suppression list.
    pub suppressed: u64,
}

/// Statuses that are laid aside at most. A provider account that others send through too brings theirs.
const MOST_EARLY: i64 = 100_000;
/// Early statuses that are merged in one transaction at most.
const PAGE: i64 = 1_000;

impl Writer {
    /// Makes messages findable by the provider's ids. Only a store that takes callbacks has this index: every message
    /// accepted has to be put into it at a random place. Takes about a second for a million messages, once.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn find_by_message_id(&mut self) -> Result<(), StoreError> {
        sqlx::query(
            "CREATE INDEX IF NOT EXISTS delivery_message_id ON delivery (message_id) WHERE message_id IS NOT NULL",
        )
        .execute(&mut self.connection)
        .await
        .map(drop)
        .map_err(doing("make an index of message ids"))
    }

    /// Makes callbacks durable, synced when this returns, whether they came before or not. Replies that ask for nothing
    /// more put their sender, and the number the answered message went to, on the suppression list; a reply that was there
    /// before does not do so again.
    ///
    /// # Errors
    /// Where the store cannot be written; then nothing of it is in.
    pub async fn take(&mut self, called: &Called, now: Millis) -> Result<Took, StoreError> {
        let failed = || doing("take callbacks");
        // A provider that gets 200 does not send the callback again, so it must be on disk first.
        self.file.is_at(&self.path)?;
        let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        let unknown = merge(&mut tx, &called.statuses, now).await?;
        let mut took = Took::default();
        (took.early, took.dropped) = lay_aside(&mut tx, &unknown, now).await?;
        (took.replies, took.suppressed) = keep(&mut tx, &called.replies, now).await?;
        Point::CallbacksWritten.pass();
        tx.commit().await.map_err(failed())?;
        Point::CallbacksCommitted.pass();
        Ok(took)
    }

    /// Finds the rows of what came since `since` and was there before its row. Of statuses at most so many that others can
    /// write in between; where [`Took::found`] is not 0 there may be more.
    ///
    /// # Errors
    /// Where the store cannot be used.
    pub async fn catch_up(&mut self, since: Millis, now: Millis) -> Result<Took, StoreError> {
        let failed = || doing("find the rows of early callbacks");
        let anything: bool =
            sqlx::query_scalar(ANY_KNOWN).bind(since.0).fetch_one(&mut self.connection).await.map_err(failed())?;
        let mut took = Took::default();
        if !anything {
            return Ok(took);
        }
        let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        let early = sqlx::query(EARLY_KNOWN).bind(since.0).bind(PAGE).fetch_all(&mut *tx).await.map_err(failed())?;
        let mut ids = Vec::with_capacity(early.len());
        let mut statuses = Vec::with_capacity(early.len());
        for row in &early {
            let (id, update) = early_status(row).map_err(failed())?;
            ids.push(id);
            statuses.push(update);
        }
        merge(&mut tx, &statuses, now).await?;
        sqlx::query("DELETE FROM early WHERE id IN (SELECT value FROM json_each(?1))")
            .bind(serde_json::to_string(&ids).unwrap_or_default())
            .execute(&mut *tx)
            .await
            .map_err(failed())?;
        let tied: Vec<i64> = sqlx::query_scalar(TIE).bind(since.0).fetch_all(&mut *tx).await.map_err(failed())?;
        took.found = ids.len() as u64;
        took.suppressed = suppress(&mut tx, &tied).await?;
        tx.commit().await.map_err(failed())?;
        Ok(took)
    }

    /// Gives up early statuses that came before `before`: no message will have their ids any more.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn forget_early(&mut self, before: Millis) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM early WHERE came_at < ?1")
            .bind(before.0)
            .execute(&mut self.connection)
            .await
            .map(drop)
            .map_err(doing("give up early callbacks"))
    }
}

const ANY_KNOWN: &str = "SELECT EXISTS (SELECT 1 FROM early e CROSS JOIN delivery d ON d.message_id = e.message_id \
    WHERE e.came_at >= ?1) OR EXISTS (SELECT 1 FROM reply r CROSS JOIN delivery d ON d.message_id = r.answers \
    WHERE r.row IS NULL AND r.answers IS NOT NULL AND r.came_at >= ?1)";
const EARLY_KNOWN: &str = "SELECT e.id, e.message_id, e.status, e.at, e.code, e.message FROM early e WHERE e.came_at >= ?1 \
    AND EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = e.message_id) ORDER BY e.id LIMIT ?2";
const TIE: &str = "UPDATE reply SET row = (SELECT min(d.id) FROM delivery d WHERE d.message_id = reply.answers) \
    WHERE row IS NULL AND answers IS NOT NULL AND came_at >= ?1 \
    AND EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = reply.answers) RETURNING id";

/// Merges statuses into the messages they are about, and gives back those whose message is not there.
async fn merge<'u>(
    store: &mut SqliteConnection,
    updates: &'u [StatusUpdate],
    now: Millis,
) -> Result<Vec<&'u StatusUpdate>, StoreError> {
    if updates.is_empty() {
        return Ok(Vec::new());
    }
    let mut ids: Vec<&str> = updates.iter().map(|update| update.message_id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut messages = deliveries::find(store, deliveries::BY_MESSAGE_ID, &ids).await?;
    // Two messages of one id would be a fault in the books; neither may go without its status for that.
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, message) in messages.iter().enumerate() {
        places.entry(message.message_id.clone()).or_default().push(place);
    }
    let mut unknown = Vec::new();
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
                message.polled_at = Some(now);
            }
        }
    }
    // Repeats change nothing, and cost no writing.
    messages.retain(|message| message.polled_at == Some(now));
    for message in &mut messages {
        message.poll_at = message.poll_at.filter(|_| message.delivery.awaits_status());
    }
    deliveries::write(store, &messages).await?;
    Ok(unknown)
}

/// Keeps statuses of messages that are not there. Gives back how many are new, and how many others went for them.
async fn lay_aside(
    store: &mut SqliteConnection,
    unknown: &[&StatusUpdate],
    now: Millis,
) -> Result<(u64, u64), StoreError> {
    if unknown.is_empty() {
        return Ok((0, 0));
    }
    let failed = || doing("keep early callbacks");
    let lines: Vec<_> = unknown.iter().flat_map(|update| early_lines(update)).collect();
    let kept = sqlx::query(
        "INSERT INTO early (message_id, status, at, code, message, came_at) \
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, ?2 FROM json_each(?1) WHERE true \
         ON CONFLICT (message_id, status) DO UPDATE SET at = coalesce(min(at, excluded.at), at, excluded.at), \
         (code, message) = (SELECT c, m FROM (SELECT early.code AS c, early.message AS m \
           UNION ALL SELECT excluded.code, excluded.message) ORDER BY c = ?3, c, m LIMIT 1)",
    )
    .bind(serde_json::to_string(&lines).unwrap_or_default())
    .bind(now.0)
    .bind(NO_REASON)
    .execute(&mut *store)
    .await
    .map_err(failed())?;
    let dropped = sqlx::query("DELETE FROM early WHERE id <= (SELECT max(id) FROM early) - ?1")
        .bind(MOST_EARLY)
        .execute(&mut *store)
        .await
        .map_err(failed())?;
    Ok((kept.rows_affected(), dropped.rows_affected()))
}

/// A line of the table of early statuses: message id, word, time, and code and message of a failure.
type EarlyLine<'u> = (&'u str, &'u str, Option<i64>, Option<String>, Option<String>);

/// The lines for a status. A time that its word does not speak of gets a line of its own: `failed` with a time of
/// delivery says the same as `failed` and `delivered`.
fn early_lines(update: &StatusUpdate) -> impl Iterator<Item = EarlyLine<'_>> {
    let (id, word) = (update.message_id.as_str(), update.status.as_word());
    let (code, message) = update.failure().map(|failure| (failure.code, failure.message.original().to_owned())).unzip();
    let times = [("delivered", update.delivered_at), ("read", update.read_at)].map(|(of, at)| (of, at.map(|at| at.0)));
    let own = times.iter().find(|(of, _)| *of == word).and_then(|(_, at)| *at);
    let others = times.into_iter().filter(move |(of, at)| *of != word && at.is_some());
    std::iter::once((id, word, own, code, message)).chain(others.map(move |(of, at)| (id, of, at, None, None)))
}

fn early_status(row: &sqlx::sqlite::SqliteRow) -> Result<(i64, StatusUpdate), sqlx::Error> {
    let status = DeliveryStatus::from_word(row.try_get(2)?);
    let at = row.try_get::<Option<i64>, _>(3)?.map(Millis);
    let (code, message): (Option<String>, Option<String>) = (row.try_get(4)?, row.try_get(5)?);
    let update = StatusUpdate {
        message_id: row.try_get(1)?,
        delivered_at: at.filter(|_| status == DeliveryStatus::Delivered),
        read_at: at.filter(|_| status == DeliveryStatus::Read),
        problem: code.map(|code| Problem::new(code, message.unwrap_or_default())),
        status,
    };
    Ok((row.try_get(0)?, update))
}

/// Keeps replies. Gives back how many are new, and how many numbers they put on the suppression list.
async fn keep(
    store: &mut SqliteConnection,
    replies: &[(Reply, Option<String>)],
    now: Millis,
) -> Result<(u64, u64), StoreError> {
    if replies.is_empty() {
        return Ok((0, 0));
    }
    let lines: Vec<_> = replies
        .iter()
        .map(|(reply, opt_out)| {
            let Reply { id, from, answers, at, kind, choice, title, text } = reply;
            (id, from.map(|from| from.as_u64()), answers, at.0, kind, choice, title, text, opt_out)
        })
        .collect();
    let new: Vec<i64> = sqlx::query_scalar(
        "INSERT INTO reply (inbound_id, phone, answers, row, at, kind, choice, title, text, opt_out, came_at) \
         SELECT value ->> 0, value ->> 1, value ->> 2, \
         (SELECT min(d.id) FROM delivery d WHERE d.message_id = value ->> 2), \
         value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8, ?2 \
         FROM json_each(?1) WHERE true ON CONFLICT (inbound_id) DO NOTHING RETURNING id",
    )
    .bind(serde_json::to_string(&lines).unwrap_or_default())
    .bind(now.0)
    .fetch_all(&mut *store)
    .await
    .map_err(doing("keep replies"))?;
    Ok((new.len() as u64, suppress(store, &new).await?))
}

/// Puts whoever asked for nothing more in these replies on the suppression list: the number that the reply came from, and
/// the one that the message went to, which some countries write differently. Gives back how many are new there.
async fn suppress(store: &mut SqliteConnection, replies: &[i64]) -> Result<u64, StoreError> {
    if replies.is_empty() {
        return Ok(0);
    }
    let done = sqlx::query(
        "WITH asked AS (SELECT p.phone, p.row, 'opted out by reply: ' || p.opt_out AS reason, p.at \
           FROM json_each(?1) CROSS JOIN reply p ON p.id = value WHERE p.opt_out IS NOT NULL) \
         INSERT INTO suppression (phone, reason, added_at) \
         SELECT phone, reason, at FROM asked WHERE phone IS NOT NULL \
         UNION ALL SELECT r.phone, reason, at FROM asked JOIN recipient r ON r.id = asked.row WHERE r.phone IS NOT NULL \
         ON CONFLICT DO NOTHING",
    )
    .bind(serde_json::to_string(replies).unwrap_or_default())
    .execute(&mut *store)
    .await
    .map_err(doing("suppress numbers"))?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests;
