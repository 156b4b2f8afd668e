//! Who is who: the phone numbers of people whom the provider names by an id of its own. An opt-out may come with the id
//! alone.

use crate::model::{KnownPerson, Millis, UserId};
use crate::store::StoreError;
use crate::store::error::doing;
use crate::store::runs::suppression::{self, Listed};
use crate::store::sql::{DbConnection, JsonList, json, query, query_as};

/// Most ids kept for messages that are not known yet.
const MOST_EARLY: i64 = 100_000;

/// Learns the numbers of people: those that the provider reports, and those that messages to them went to. Replies that
/// came without a number get it, and a number whose person had already opted out is suppressed. Returns how many
/// numbers that puts on the list.
pub(super) async fn learn(
    store: &mut DbConnection<'_>,
    people: &[KnownPerson],
    now: Millis,
) -> Result<u64, StoreError> {
    if people.is_empty() {
        return Ok(0);
    }
    let lines: Vec<_> = people
        .iter()
        .map(|KnownPerson { user, phone, message_id }| (user.as_str(), phone.map(|phone| phone.as_u64()), message_id))
        .collect();
    let lines = json(&lines);
    // The message may only be recorded later.
    query(
        "INSERT INTO early_user (message_id, user_id, received_at) SELECT value ->> 2, value ->> 0, $2 FROM json_each($1) \
         WHERE value ->> 2 IS NOT NULL AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.message_id = value ->> 2) \
         AND NOT EXISTS (SELECT 1 FROM past_attempt p WHERE p.message_id = value ->> 2) \
         AND (SELECT count(*) FROM early_user) < $3 ON CONFLICT DO NOTHING",
    )
    .bind(&lines)
    .bind(now.0)
    .bind(MOST_EARLY)
    .execute(&mut *store)
    .await
    .map_err(doing("save which number each user id belongs to"))?;
    take_in(store, &lines).await
}

/// Learns the numbers of people whose messages were recorded only after their statuses had come. Returns how many
/// numbers that suppresses.
pub(super) async fn learn_early(store: &mut DbConnection<'_>, message_ids: &JsonList) -> Result<u64, StoreError> {
    let early: Vec<(String, Option<i64>, String)> = query_as(
        "DELETE FROM early_user WHERE message_id IN (SELECT atom FROM json_each($1)) \
         RETURNING user_id, NULL, message_id",
    )
    .bind(message_ids)
    .fetch_all(&mut *store)
    .await
    .map_err(doing("read the user ids of early statuses"))?;
    match early.is_empty() {
        true => Ok(0),
        false => take_in(store, &json(&early)).await,
    }
}

/// Learns the number of each of these replies' senders, from the reply or from the message that it answers.
pub(super) async fn learn_from_replies(store: &mut DbConnection<'_>, replies: &JsonList) -> Result<(), StoreError> {
    query(
        "WITH known AS (SELECT p.user_id, p.parent_user_id, p.phone, p.row FROM json_each($1) \
           CROSS JOIN reply p ON p.id = CAST(atom AS BIGINT) WHERE p.user_id IS NOT NULL OR p.parent_user_id IS NOT NULL), \
         pairs AS (SELECT user_id, parent_user_id, phone FROM known \
           UNION SELECT user_id, parent_user_id, r.phone FROM known JOIN recipient r ON r.id = known.row) \
         INSERT INTO user_phone (user_id, phone) \
         SELECT user_id, phone FROM pairs WHERE user_id IS NOT NULL AND phone IS NOT NULL \
         UNION SELECT parent_user_id, phone FROM pairs WHERE parent_user_id IS NOT NULL AND phone IS NOT NULL \
         ON CONFLICT DO NOTHING",
    )
    .bind(replies)
    .execute(store)
    .await
    .map(drop)
    .map_err(doing("save which number each user id belongs to"))
}

/// Learns from lines of an id, a number or null, and a message or null. Returns how many numbers that suppresses.
async fn take_in(store: &mut DbConnection<'_>, lines: &JsonList) -> Result<u64, StoreError> {
    let failed = || doing("save which number each user id belongs to");
    let new: Vec<(String, i64)> = query_as(
        "WITH known AS (SELECT value ->> 0 AS user_id, CAST(value ->> 1 AS BIGINT) AS phone, value ->> 2 AS message_id FROM json_each($1)) \
         INSERT INTO user_phone (user_id, phone) \
         SELECT user_id, phone FROM known WHERE phone IS NOT NULL \
         UNION SELECT user_id, r.phone FROM known CROSS JOIN delivery d ON d.message_id = known.message_id \
           CROSS JOIN recipient r ON r.id = d.id WHERE r.phone IS NOT NULL \
         UNION SELECT user_id, r.phone FROM known CROSS JOIN past_attempt p ON p.message_id = known.message_id \
           CROSS JOIN recipient r ON r.id = p.row WHERE r.phone IS NOT NULL \
         ON CONFLICT DO NOTHING RETURNING user_id, phone",
    )
    .bind(lines)
    .fetch_all(&mut *store)
    .await
    .map_err(failed())?;
    if new.is_empty() {
        return Ok(0);
    }
    let new = json(&new);
    for statement in [
        "UPDATE reply SET phone = n.phone FROM (SELECT value ->> 0 AS user_id, min(CAST(value ->> 1 AS BIGINT)) AS phone \
           FROM json_each($1) GROUP BY value ->> 0) n WHERE reply.user_id = n.user_id AND reply.phone IS NULL",
        "UPDATE reply SET phone = n.phone FROM (SELECT value ->> 0 AS user_id, min(CAST(value ->> 1 AS BIGINT)) AS phone \
           FROM json_each($1) GROUP BY value ->> 0) n WHERE reply.parent_user_id = n.user_id AND reply.phone IS NULL",
    ] {
        query(statement).bind(&new).execute(&mut *store).await.map_err(failed())?;
    }
    let listed: Vec<Listed> = query_as(
        "SELECT CAST(value ->> 1 AS BIGINT), 'opted out by reply: ' || p.opt_out, p.at FROM json_each($1) \
         CROSS JOIN reply p ON p.user_id = value ->> 0 WHERE p.opt_out IS NOT NULL \
         UNION ALL SELECT CAST(value ->> 1 AS BIGINT), 'opted out by reply: ' || p.opt_out, p.at FROM json_each($1) \
         CROSS JOIN reply p ON p.parent_user_id = value ->> 0 WHERE p.opt_out IS NOT NULL \
         UNION ALL SELECT CAST(value ->> 1 AS BIGINT), 'opted out by reply: ' || o.opt_out, o.at FROM json_each($1) \
         CROSS JOIN opted_out_user o ON o.user_id = value ->> 0",
    )
    .bind(&new)
    .fetch_all(&mut *store)
    .await
    .map_err(failed())?;
    suppression::put(store, &listed).await
}

/// Returns a person's id as it was stored.
pub(super) fn user_id(stored: Option<String>) -> Option<UserId> {
    stored.as_deref().and_then(UserId::parse)
}
