//! Whom earlier runs of a campaign reached: left out of the next one where the campaign says so.

use sqlx::Connection;

use super::error::doing;
use super::{RowKey, StoreError, Writer};
use crate::model::{Millis, State};

/// The code of a row that is left out because an earlier run reached its number.
pub const SENT_RECENTLY: &str = "sent_recently";

impl Writer {
    /// Leaves out of a run that is being planned whom another run of the same campaign reached after `since`, or may have:
    /// those rows are suppressed, with the code [`SENT_RECENTLY`]. Gives back how many there are.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn leave_out_recent(&mut self, run: i64, since: Millis) -> Result<u64, StoreError> {
        let failed = || doing("look for whom earlier runs reached");
        let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed())?;
        sqlx::raw_sql("CREATE TEMP TABLE IF NOT EXISTS reached (phone INTEGER PRIMARY KEY, words TEXT NOT NULL)")
            .execute(&mut *tx)
            .await
            .map_err(failed())?;
        sqlx::raw_sql("DELETE FROM temp.reached").execute(&mut *tx).await.map_err(failed())?;
        let others: Vec<(i64, String)> = sqlx::query_as(
            "SELECT id, name || '-' || number FROM run WHERE name = (SELECT name FROM run WHERE id = ?1) AND id <> ?1 \
             AND started_at IS NOT NULL ORDER BY id DESC",
        )
        .bind(run)
        .fetch_all(&mut *tx)
        .await
        .map_err(failed())?;
        for (other, id) in others {
            sqlx::query(
                "INSERT OR IGNORE INTO temp.reached (phone, words) \
                 SELECT r.phone, ?4 || ' at ' || strftime('%Y-%m-%dT%H:%M:%SZ', \
                     coalesce(d.accepted_at, d.tried_at) / 1000, 'unixepoch') \
                 FROM delivery d JOIN recipient r ON r.id = d.id \
                 WHERE d.id BETWEEN ?1 AND ?2 AND coalesce(d.accepted_at, d.tried_at) > ?3 AND r.phone IS NOT NULL \
                 AND d.state IN (SELECT value FROM json_each(?5))",
            )
            .bind(RowKey::first(other))
            .bind(RowKey::last(other))
            .bind(since.0)
            .bind(&id)
            .bind(reached())
            .execute(&mut *tx)
            .await
            .map_err(failed())?;
        }
        let done = sqlx::query(
            "UPDATE recipient SET state = ?3, code = ?5, message = 'reached by ' || reached.words FROM temp.reached \
             WHERE recipient.id BETWEEN ?1 AND ?2 AND recipient.state = ?4 AND recipient.phone = reached.phone",
        )
        .bind(RowKey::first(run))
        .bind(RowKey::last(run))
        .bind(State::Suppressed.code())
        .bind(State::Pending.code())
        .bind(SENT_RECENTLY)
        .execute(&mut *tx)
        .await
        .map_err(failed())?;
        tx.commit().await.map_err(failed())?;
        Ok(done.rows_affected())
    }
}

/// The states of rows whose people have the message, or may have it; as a JSON array of their numbers.
fn reached() -> String {
    let states = [State::Accepted, State::Sent, State::Delivered, State::Read, State::Uncertain];
    serde_json::to_string(&states.map(State::code)).unwrap_or_default()
}
