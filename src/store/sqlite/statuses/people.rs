//! Who is who: the phone numbers of people whom the provider names by an id of its own. An opt-out may come with the id
//! alone.

use sqlx::SqliteConnection;

use crate::model::{KnownPerson, UserId};
use crate::store::StoreError;
use crate::store::sqlite::error::doing;

/// Learns the numbers of people: those that the provider reports, and those that messages to them went to. Replies that
/// came without a number get it, and a number whose person had already opted out is suppressed. Returns how many numbers
/// that puts on the list.
pub(super) async fn learn(store: &mut SqliteConnection, people: &[KnownPerson]) -> Result<u64, StoreError> {
    if people.is_empty() {
        return Ok(0);
    }
    let failed = || doing("save the numbers that ids belong to");
    let lines: Vec<_> = people
        .iter()
        .map(|KnownPerson { user, phone, message_id }| (user.as_str(), phone.map(|phone| phone.as_u64()), message_id))
        .collect();
    let new: Vec<(String, i64)> = sqlx::query_as(
        "WITH known AS (SELECT value ->> 0 AS user_id, value ->> 1 AS phone, value ->> 2 AS message_id FROM json_each(?1)) \
         INSERT INTO user_phone (user_id, phone) \
         SELECT user_id, phone FROM known WHERE phone IS NOT NULL \
         UNION SELECT user_id, r.phone FROM known CROSS JOIN delivery d ON d.message_id = known.message_id \
           CROSS JOIN recipient r ON r.id = d.id WHERE r.phone IS NOT NULL \
         UNION SELECT user_id, r.phone FROM known CROSS JOIN past_attempt p ON p.message_id = known.message_id \
           CROSS JOIN recipient r ON r.id = p.row WHERE r.phone IS NOT NULL \
         ON CONFLICT DO NOTHING RETURNING user_id, phone",
    )
    .bind(serde_json::to_string(&lines).unwrap_or_default())
    .fetch_all(&mut *store)
    .await
    .map_err(failed())?;
    if new.is_empty() {
        return Ok(0);
    }
    let new = serde_json::to_string(&new).unwrap_or_default();
    sqlx::query(
        "UPDATE reply SET phone = n.phone FROM (SELECT value ->> 0 AS user_id, min(value ->> 1) AS phone \
           FROM json_each(?1) GROUP BY value ->> 0) n WHERE reply.user_id = n.user_id AND reply.phone IS NULL",
    )
    .bind(&new)
    .execute(&mut *store)
    .await
    .map_err(failed())?;
    let suppressed = sqlx::query(
        "INSERT INTO suppression (phone, reason, added_at) \
         SELECT value ->> 1, 'opted out by reply: ' || p.opt_out, p.at FROM json_each(?1) \
         CROSS JOIN reply p ON p.user_id = value ->> 0 WHERE p.opt_out IS NOT NULL ON CONFLICT DO NOTHING",
    )
    .bind(&new)
    .execute(&mut *store)
    .await
    .map_err(failed())?;
    Ok(suppressed.rows_affected())
}

/// Returns a person's id as it was stored.
pub(super) fn user_id(stored: Option<String>) -> Option<UserId> {
    stored.as_deref().and_then(UserId::parse)
}
